"""Letting an upload in: its size, its true type by content, and a cleaned copy without anything that acts or tells.

Everything here works on bytes and refuses with an `UploadRefused`, whose message the person reads beside the field.
"""

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import pikepdf
import puremagic
from PIL import Image

from gongkao.rules.errors import InvalidInput
from gongkao.storage import pictures

KILOBYTE = 1024
MEGABYTE = 1024 * KILOBYTE
MAX_PDF_PAGES = 300
MAX_UNPACKED_BYTES = 256 * MEGABYTE

# The identity photo: one inch, 295 by 413 pixels or larger in that ratio.
PHOTO_WIDTH, PHOTO_HEIGHT = 295, 413
PHOTO_RATIO_TOLERANCE = 0.02
PHOTO_MIN_BYTES, PHOTO_MAX_BYTES = 20 * KILOBYTE, MEGABYTE


class UploadRefused(InvalidInput):
    """An uploaded file cannot be taken; `message` says why and how to mend it."""


@dataclass(frozen=True)
class Upload:
    """A file that was let in. `data` is the cleaned copy, the one to store."""

    media_type: str
    extension: str
    data: bytes
    pixels: tuple[int, int] | None = None
    pages: int | None = None


@dataclass(frozen=True)
class _Format:
    title: str
    extensions: tuple[str, ...]
    media_type: str


FORMATS: dict[str, _Format] = {
    "pdf": _Format("PDF", (".pdf",), "application/pdf"),
    "jpeg": _Format("JPEG", (".jpg", ".jpeg", ".jpe", ".jfif"), "image/jpeg"),
    "png": _Format("PNG", (".png",), "image/png"),
    "xlsx": _Format("Excel（.xlsx）", (".xlsx",), "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "xls": _Format("Excel（.xls）", (".xls",), "application/vnd.ms-excel"),
    "csv": _Format("CSV", (".csv",), "text/csv"),
}

# What people send instead, by the extension that the content itself suggests.
_KNOWN = {
    ".pdf": "PDF 文件",
    ".jpg": "JPEG 图片",
    ".png": "PNG 图片",
    ".xlsx": "Excel 工作簿（.xlsx）",
    ".xls": "Excel 工作簿（.xls）",
    ".csv": "文本文件",
    ".exe": "可执行程序",
    ".docx": "Word 文档",
    ".pptx": "演示文稿",
    ".ofd": "OFD 版式文件",
    ".ole": "旧版 Office 文档",
    ".zip": "压缩文件",
    ".rar": "压缩文件",
    ".7z": "压缩文件",
    ".gz": "压缩文件",
    ".gif": "GIF 图片",
    ".bmp": "BMP 图片",
    ".tif": "TIFF 图片",
    ".tiff": "TIFF 图片",
    ".webp": "WebP 图片",
    ".heic": "HEIC 图片（部分手机的照片格式）",
    ".html": "网页文件",
    ".mp4": "视频文件",
    ".mov": "视频文件",
    ".mp3": "音频文件",
}


def inspect_upload(data: bytes, filename: str, *, formats: Sequence[str], max_bytes: int, label: str) -> Upload:
    """Check an uploaded file and give back the cleaned copy to store.

    `formats` are keys of FORMATS, `max_bytes` the largest size in bytes, `label` what the file is for, such as
    "身份证". The content decides the type; a photo saved as .png by a phone is still taken as the JPEG it is.
    Images are turned upright and lose their metadata; a PDF loses scripts, attachments and actions.
    Raises UploadRefused.
    """
    name = short_name(filename)
    if not name and not data:
        raise UploadRefused(f"请选择要上传的{label}文件。")
    if not data:
        raise UploadRefused(f"“{name}”是空文件（0 字节），请检查后重新选择{label}文件。")
    if len(data) > max_bytes:
        raise UploadRefused(
            f"“{name}”大小为 {size_text(len(data))}，超过{label}的上限 {size_text(max_bytes)}，请压缩后重新上传。"
        )
    suffix = PurePath(name).suffix.lower()
    found = _true_extension(data)
    kind = next((key for key in formats if found in FORMATS[key].extensions), None)
    expected = tuple(extension for key in formats for extension in FORMATS[key].extensions)
    if kind is None:
        raise UploadRefused(_wrong_type(name, suffix, found, formats, label, disguised=suffix in expected))
    # Text has no mark of its own, so a table as text must be named as one.
    if (suffix or kind == "csv") and suffix not in expected:
        raise UploadRefused(
            f"“{name}”的扩展名不是{label}可用的类型。{label}只接受 {formats_text(formats)} 文件，请重新选择。"
        )
    if kind == "pdf":
        return _clean_pdf(data, name)
    if kind in ("jpeg", "png"):
        return _clean_image(data, name, kind)
    return Upload(FORMATS[kind].media_type, FORMATS[kind].extensions[0], data)


def inspect_photo(data: bytes, filename: str) -> Upload:
    """Check an identity photo: JPEG, 20 KB to 1 MB, at least 295×413 pixels and in that ratio (within 2%).

    The white ground is for the reviewer's eye. Raises UploadRefused.
    """
    upload = inspect_upload(data, filename, formats=("jpeg",), max_bytes=PHOTO_MAX_BYTES, label="照片")
    if len(data) < PHOTO_MIN_BYTES:
        raise UploadRefused(
            f"照片文件只有 {size_text(len(data))}，不足 {size_text(PHOTO_MIN_BYTES)}，可能不够清晰，"
            "请上传更清晰的原图。"
        )
    assert upload.pixels is not None
    width, height = upload.pixels
    if width < PHOTO_WIDTH or height < PHOTO_HEIGHT:
        raise UploadRefused(
            f"照片为 {width}×{height} 像素，小于要求的 {PHOTO_WIDTH}×{PHOTO_HEIGHT} 像素，请上传更大的照片。"
        )
    if abs(width / height / (PHOTO_WIDTH / PHOTO_HEIGHT) - 1) > PHOTO_RATIO_TOLERANCE:
        raise UploadRefused(
            f"照片为 {width}×{height} 像素，宽高比例与一寸照片（{PHOTO_WIDTH}:{PHOTO_HEIGHT}）不符，"
            "请裁剪成一寸照片后重新上传。"
        )
    return upload


def thumbnail(data: bytes, side: int = 120) -> bytes:
    """A small JPEG, at most `side` pixels wide and high, of a picture that was let in."""
    with Image.open(io.BytesIO(data), formats=("JPEG", "PNG")) as image:
        # A JPEG is read at a fraction of its size already.
        image.draft("RGB", (2 * side, 2 * side))
        image.thumbnail((side, side))
        ground = Image.new("RGB", image.size, "white")
        ground.paste(image, mask=image.getchannel("A") if image.mode in ("RGBA", "LA") else None)
    output = io.BytesIO()
    ground.save(output, "JPEG", quality=80)
    return output.getvalue()


def page_count(data: bytes) -> int:
    """The pages of a PDF that was let in."""
    with pikepdf.open(io.BytesIO(data)) as pdf:
        return len(pdf.pages)


def size_text(size: int) -> str:
    """A size in bytes as people read it: "20 KB", "10 MB", "10.4 MB"."""
    if size < KILOBYTE:
        return f"{size} 字节"
    unit, name = (MEGABYTE, "MB") if size >= MEGABYTE else (KILOBYTE, "KB")
    tenths = size * 10 // unit
    if tenths % 10 == 0 and size % unit:
        # Never let a file just over the limit read as if it were at the limit.
        tenths += 1
    return f"{tenths // 10} {name}" if tenths % 10 == 0 else f"{tenths // 10}.{tenths % 10} {name}"


def formats_text(formats: Sequence[str]) -> str:
    """The formats as people read them: "PDF、JPEG、PNG"."""
    return "、".join(FORMATS[key].title for key in formats)


def _wrong_type(name: str, suffix: str, found: str, formats: Sequence[str], label: str, *, disguised: bool) -> str:
    what = _KNOWN.get(found)
    allowed = f"{label}只接受 {formats_text(formats)} 文件"
    if disguised:
        content = f"实际内容是{what}" if what else f"实际内容不是 {suffix} 文件"
        return f"“{name}”的扩展名是 {suffix}，{content}，不能上传。{allowed}，请用原来的软件另存后重新上传。"
    if what:
        return f"“{name}”是{what}，不能上传。{allowed}，请转换后重新上传。"
    return f"“{name}”不是可以识别的文件类型。{allowed}，请重新选择。"


def short_name(filename: str) -> str:
    """The file's own name, without a path or invisible characters, cut in the middle to stay readable."""
    # Some old browsers send the whole path of the person's own disk.
    name = filename.replace("\\", "/").rsplit("/", 1)[-1].strip()
    name = "".join(character for character in name if character.isprintable())
    return name if len(name) <= 60 else f"{name[:40]}…{name[-15:]}"


def _true_extension(data: bytes) -> str:
    """The extension that the content itself calls for; "" when it is unknown."""
    if data.startswith((b"MZ", b"\x7fELF", b"#!")):
        return ".exe"
    if data.lstrip(b"\xef\xbb\xbf\r\n\t \0").startswith(b"%PDF-"):
        return ".pdf"
    if data.startswith(b"\xff\xd8\xff"):
        return ".jpg"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return ".png"
    if data.startswith(b"PK\x03\x04"):
        return _zip_extension(data)
    if data.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        # An .xls is an OLE file with a stream of one of these names; the old Word and installers are OLE too.
        names = ("Workbook".encode("utf-16-le"), "\0Book\0".encode("utf-16-le"))
        return ".xls" if any(name in data for name in names) else ".ole"
    if data[4:12] in (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftyphevc"):
        return ".heic"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return ".webp"
    try:
        guess = puremagic.from_string(data[: 64 * KILOBYTE])
    except (puremagic.PureError, ValueError):
        guess = ""
    if guess not in _KNOWN or guess == ".html":
        head = data[:512].lstrip().lower()
        if head.startswith((b"<!doctype", b"<html")):
            return ".html"
        if is_text(data):
            return ".csv"
    return guess


def _zip_extension(data: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
        return ".zip"
    if sum(entry.file_size for entry in entries) > MAX_UNPACKED_BYTES:
        return ".zip"
    names = {entry.filename for entry in entries}
    for member, extension in (
        ("xl/workbook.xml", ".xlsx"),
        ("word/document.xml", ".docx"),
        ("ppt/presentation.xml", ".pptx"),
        ("OFD.xml", ".ofd"),
    ):
        if member in names:
            return extension
    return ".zip"


def is_text(data: bytes) -> bool:
    """Whether `data` can be read as text in UTF-8 or GB 18030, without control characters."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        return not any(character < " " and character not in "\t\r\n\f" for character in text)
    return False


def _clean_image(data: bytes, name: str, kind: str) -> Upload:
    try:
        kept, size = pictures.clean(data, kind)
    except pictures.TooManyPixels as error:
        measured = f"为 {error.size[0]}×{error.size[1]} 像素，" if error.size else ""
        limit = f"{pictures.MAX_PIXELS // 10_000} 万像素的上限"
        raise UploadRefused(f"“{name}”{measured}超过 {limit}，请缩小图片尺寸后重新上传。") from error
    except pictures.BrokenPicture as error:
        raise UploadRefused(f"“{name}”无法打开，图片可能已损坏，请检查后重新上传。") from error
    chosen = FORMATS[kind]
    return Upload(chosen.media_type, chosen.extensions[0], kept, pixels=size)


# Actions that run, send or open something; a link to a page of the same file or to an address stays.
_ACTING = frozenset(
    f"/{name}"
    for name in (
        "JavaScript",
        "Launch",
        "SubmitForm",
        "ImportData",
        "GoToR",
        "GoToE",
        "Rendition",
        "RichMediaExecute",
        "Movie",
        "Sound",
    )
)
_ACTING_KEYS = ("/AA", "/OpenAction", "/JavaScript", "/JS", "/EmbeddedFiles", "/EF", "/AF", "/Collection", "/XFA")
_CARRYING_ANNOTATIONS = frozenset(("/FileAttachment", "/RichMedia", "/Screen", "/Movie", "/Sound", "/3D"))


def _clean_pdf(data: bytes, name: str) -> Upload:
    broken = f"“{name}”无法打开，PDF 文件可能已损坏或不完整，请重新扫描或另存为 PDF 后上传。"
    # A file cut off on its way lacks its end mark; the repair that libraries try would lose pages in silence.
    if b"%%EOF" not in data[-2 * KILOBYTE :]:
        raise UploadRefused(broken)
    try:
        with pikepdf.open(io.BytesIO(data), suppress_warnings=True) as pdf:
            pages = len(pdf.pages)
            if pages == 0:
                raise UploadRefused(broken)
            if pages > MAX_PDF_PAGES:
                raise UploadRefused(f"“{name}”共 {pages} 页，超过 {MAX_PDF_PAGES} 页的上限，请拆分后只上传需要的页。")
            for page in pdf.pages:
                _drop_carrying_annotations(page.obj)
            for item in pdf.objects:
                _disarm(item)
            output = io.BytesIO()
            pdf.save(output, deterministic_id=True)
    except pikepdf.PasswordError as error:
        raise UploadRefused(f"“{name}”设有打开密码，无法审核，请去掉密码后重新上传。") from error
    except (pikepdf.PdfError, pikepdf.ForeignObjectError, ValueError, TypeError, KeyError, RuntimeError) as error:
        if isinstance(error, UploadRefused):
            raise
        raise UploadRefused(broken) from error
    return Upload("application/pdf", ".pdf", output.getvalue(), pages=pages)


def _drop_carrying_annotations(page: pikepdf.Object) -> None:
    annotations = page.get("/Annots")
    if not isinstance(annotations, pikepdf.Array):
        return
    kept = [
        annotation
        for annotation in annotations
        if isinstance(annotation, pikepdf.Dictionary)
        and str(annotation.get("/Subtype", "")) not in _CARRYING_ANNOTATIONS
    ]
    page["/Annots"] = pikepdf.Array(kept)


def _disarm(item: Any, depth: int = 0) -> None:
    """Take out of one object, and of what lies directly inside it, every key that acts or carries a file."""
    if depth > 50:
        return
    if isinstance(item, pikepdf.Array):
        for child in item:
            if isinstance(child, pikepdf.Object) and not child.is_indirect:
                _disarm(child, depth + 1)
        return
    if not isinstance(item, pikepdf.Dictionary | pikepdf.Stream):
        return
    if str(item.get("/S", "")) in _ACTING:
        for key in list(item.keys()):
            del item[key]
        return
    for key in _ACTING_KEYS:
        if key in item:
            del item[key]
    for key in list(item.keys()):
        child = item[key]
        if isinstance(child, pikepdf.Object) and not child.is_indirect:
            _disarm(child, depth + 1)
