"""What is let in and what is not: every good and bad file that people send."""

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

import pikepdf
import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms

from gongkao.storage.uploads import (
    MAX_PDF_PAGES,
    MEGABYTE,
    UploadRefused,
    inspect_photo,
    inspect_upload,
    short_name,
    size_text,
)

SCAN = ("pdf", "jpeg", "png")
TABLE = ("xlsx", "xls", "csv")


def pdf(pages: int = 1, change: Callable[[pikepdf.Pdf], None] | None = None, **save: Any) -> bytes:
    made = pikepdf.new()
    for _ in range(pages):
        made.add_blank_page(page_size=(595, 842))
    if change is not None:
        change(made)
    target = io.BytesIO()
    made.save(target, **save)
    return target.getvalue()


def picture(kind: str, size: tuple[int, int] = (40, 30), **save: Any) -> bytes:
    target = io.BytesIO()
    Image.new("RGB", size, "white").save(target, kind, **save)
    return target.getvalue()


def workbook() -> bytes:
    target = io.BytesIO()
    book = xlsxwriter.Workbook(target)
    book.add_worksheet().write_string(0, 0, "单位名称")
    book.close()
    return target.getvalue()


def zipped(**members: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/").replace("_xml", ".xml"), content)
    return target.getvalue()


def inspect(data: bytes, name: str, formats: tuple[str, ...] = SCAN, limit: int = 10 * MEGABYTE) -> Any:
    return inspect_upload(data, name, formats=formats, max_bytes=limit, label="扫描件")


def refusal(data: bytes, name: str, formats: tuple[str, ...] = SCAN, limit: int = 10 * MEGABYTE) -> str:
    with pytest.raises(UploadRefused) as caught:
        inspect(data, name, formats, limit)
    return caught.value.message


@pytest.mark.parametrize(
    ("data", "name", "media_type", "extension"),
    [
        (pdf(), "扫描件.pdf", "application/pdf", ".pdf"),
        (pdf(), "扫描件.PDF", "application/pdf", ".pdf"),
        (pdf(), "扫描件", "application/pdf", ".pdf"),
        (b"\xef\xbb\xbf\r\n" + pdf(), "扫描件.pdf", "application/pdf", ".pdf"),
        (picture("JPEG"), "扫描件.jpg", "image/jpeg", ".jpg"),
        (picture("JPEG"), "C:\\fakepath\\扫描件.jpeg", "image/jpeg", ".jpg"),
        # A phone saves a JPEG under another picture's name: what counts is the content.
        (picture("JPEG"), "扫描件.png", "image/jpeg", ".jpg"),
        (picture("PNG"), "扫描件.png", "image/png", ".png"),
    ],
)
def test_good_files_are_let_in(data: bytes, name: str, media_type: str, extension: str) -> None:
    upload = inspect(data, name)
    assert (upload.media_type, upload.extension) == (media_type, extension)
    # What was cleaned once is taken again.
    assert inspect(upload.data, name).media_type == media_type


def test_tables_are_let_in_unchanged() -> None:
    for data, name in (
        (workbook(), "名单.xlsx"),
        ("单位名称,代码\r\n甲,1\r\n".encode(), "名单.csv"),
        ("单位名称,代码\r\n甲,1\r\n".encode("gb18030"), "名单.csv"),
    ):
        assert inspect(data, name, TABLE).data == data


OLD_WORD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504) + "WordDocument".encode("utf-16-le")
WEBP = b"RIFF" + struct.pack("<I", 100) + b"WEBPVP8 " + bytes(100)
HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100)


@pytest.mark.parametrize(
    ("data", "name", "words"),
    [
        (b"", "", ["请选择", "扫描件"]),
        (b"", "扫描件.pdf", ["空文件", "扫描件.pdf"]),
        (b"MZ\x90\0" + bytes(400), "扫描件.pdf", ["实际内容是可执行程序", "扩展名是 .pdf"]),
        (b"MZ\x90\0" + bytes(400), "setup.exe", ["可执行程序"]),
        (b"#!/bin/sh\nrm -rf /\n", "扫描件.jpg", ["可执行程序"]),
        (b"\x7fELF" + bytes(400), "扫描件.png", ["可执行程序"]),
        (pdf(), "扫描件.exe", ["扩展名"]),
        (pdf(), "扫描件.html", ["扩展名"]),
        (workbook(), "名单.xlsx", ["Excel 工作簿"]),
        (zipped(word__document_xml=b"<w/>"), "说明.docx", ["Word 文档"]),
        (zipped(OFD_xml=b"<o/>"), "公文.ofd", ["OFD"]),
        (zipped(a=b"1"), "材料.zip", ["压缩文件"]),
        (OLD_WORD, "说明.doc", ["旧版 Office 文档"]),
        (HEIC, "IMG_0001.HEIC", ["HEIC"]),
        (HEIC, "IMG_0001.jpg", ["实际内容是HEIC", "扩展名是 .jpg"]),
        (WEBP, "照片.webp", ["WebP"]),
        (picture("GIF"), "照片.gif", ["GIF"]),
        (picture("BMP"), "照片.bmp", ["BMP"]),
        (picture("TIFF"), "照片.tif", ["TIFF"]),
        (b"<!DOCTYPE html><script>alert(1)</script>", "扫描件.pdf", ["网页文件"]),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "扫描件.png", [".png"]),
        ("通知全文".encode(), "说明.txt", ["文本文件"]),
        (b"\x01\x02\x03\x04" * 50, "扫描件.pdf", ["实际内容不是 .pdf 文件"]),
        (b"\x01\x02\x03\x04" * 50, "数据.bin", ["不是可以识别"]),
    ],
)
def test_other_files_are_refused_with_what_they_are(data: bytes, name: str, words: list[str]) -> None:
    message = refusal(data, name)
    for word in words:
        assert word in message
    if data:
        # What would be taken instead is always said; an empty file of the right kind needs only another choice.
        assert "PDF、JPEG、PNG" in message


@pytest.mark.parametrize("limit", [1024, 1024 * 1024])
def test_the_size_counts_to_the_last_byte(limit: int) -> None:
    data = "单位名称\n".encode() + b"a" * (limit - len("单位名称\n".encode()))
    assert inspect(data, "名单.csv", TABLE, limit).data == data
    message = refusal(data + b"a", "名单.csv", TABLE, limit)
    assert "超过" in message and size_text(limit) in message
    # Never "1 MB is more than 1 MB".
    assert message.count(f" {size_text(limit)}") == 1


def test_a_broken_or_cut_pdf_is_refused() -> None:
    whole = pdf(pages=3)
    for part in (whole[: len(whole) // 2], whole[:-8], b"%PDF-1.7\n", b"%PDF-1.7\n" + b"\0" * 500 + b"%%EOF"):
        assert "损坏或不完整" in refusal(part, "扫描件.pdf")
    assert "损坏或不完整" in refusal(pdf(pages=0), "扫描件.pdf")


def test_a_pdf_of_too_many_pages_is_refused() -> None:
    assert inspect(pdf(MAX_PDF_PAGES), "扫描件.pdf").pages == MAX_PDF_PAGES
    assert f"{MAX_PDF_PAGES + 1} 页" in refusal(pdf(MAX_PDF_PAGES + 1), "扫描件.pdf")


def test_a_pdf_with_a_password_is_refused_and_one_with_mere_restrictions_taken() -> None:
    closed = pdf(encryption=pikepdf.Encryption(owner="owner", user="user"))
    assert "密码" in refusal(closed, "扫描件.pdf")
    restricted = pdf(encryption=pikepdf.Encryption(owner="owner", user=""))
    upload = inspect(restricted, "扫描件.pdf")
    with pikepdf.open(io.BytesIO(upload.data)) as opened:
        assert not opened.is_encrypted


def _arm(made: pikepdf.Pdf) -> None:
    """Put everything into a PDF that acts or carries."""
    script = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS=pikepdf.String("app.alert(1)"))
    made.Root.OpenAction = made.make_indirect(script)
    made.Root.AA = pikepdf.Dictionary(WC=script)
    made.Root.Names = pikepdf.Dictionary(
        JavaScript=pikepdf.Dictionary(Names=pikepdf.Array([pikepdf.String("x"), script]))
    )
    made.Root.AcroForm = pikepdf.Dictionary(Fields=pikepdf.Array(), XFA=made.make_stream(b"<xdp>secret form</xdp>"))
    made.attachments["payload.exe"] = pikepdf.AttachedFileSpec(made, b"MZ payload inside", filename="payload.exe")
    page = made.pages[0]
    page.AA = pikepdf.Dictionary(O=script)
    rectangle = pikepdf.Array([0, 0, 10, 10])

    def annotation(subtype: str, **more: Any) -> pikepdf.Object:
        return made.make_indirect(
            pikepdf.Dictionary(Type=pikepdf.Name.Annot, Subtype=pikepdf.Name("/" + subtype), Rect=rectangle, **more)
        )

    launch = pikepdf.Dictionary(S=pikepdf.Name.Launch, F=pikepdf.String("cmd.exe"))
    submit = pikepdf.Dictionary(S=pikepdf.Name.SubmitForm, F=pikepdf.String("http://collect.example"))
    # A chain: a harmless action that leads on to one that acts.
    chained = pikepdf.Dictionary(S=pikepdf.Name.URI, URI=pikepdf.String("http://fine.example"), Next=script)
    page.Annots = pikepdf.Array(
        [
            annotation("Link", A=launch),
            annotation("Link", A=made.make_indirect(submit)),
            annotation("Link", A=chained),
            annotation("FileAttachment", FS=made.make_stream(b"carried along")),
            annotation("RichMedia"),
            annotation("Text", Contents=pikepdf.String("a note that stays")),
        ]
    )


@pytest.mark.parametrize("mode", [pikepdf.ObjectStreamMode.disable, pikepdf.ObjectStreamMode.generate])
def test_a_pdf_loses_all_that_acts_or_carries(mode: pikepdf.ObjectStreamMode) -> None:
    armed = pdf(2, _arm, object_stream_mode=mode)
    upload = inspect(armed, "扫描件.pdf")
    assert upload.pages == 2
    plain = io.BytesIO()
    with pikepdf.open(io.BytesIO(upload.data)) as opened:
        assert not opened.attachments
        opened.save(plain, qdf=True, object_stream_mode=pikepdf.ObjectStreamMode.disable)
    text = plain.getvalue()
    for word in (
        b"app.alert",
        b"/JavaScript",
        b"/JS",
        b"/OpenAction",
        b"/AA",
        b"/Launch",
        b"cmd.exe",
        b"/SubmitForm",
        b"collect.example",
        b"payload",
        b"/EmbeddedFile",
        b"/XFA",
        b"secret form",
        b"carried along",
        b"/RichMedia",
    ):
        assert word not in text, word
    assert b"a note that stays" in text
    assert b"http://fine.example" in text


def test_a_photo_is_turned_upright_and_forgets_where_it_was_taken() -> None:
    picture_ = Image.new("RGB", (60, 20), "white")
    picture_.paste("red", (0, 0, 20, 20))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter clockwise
    exif[0x010F] = "PhoneMaker"
    exif[0x8825] = {1: "N", 2: (34.0, 45.0, 12.0), 3: "E", 4: (113.0, 40.0, 3.0)}
    target = io.BytesIO()
    picture_.save(target, "JPEG", exif=exif.tobytes(), quality=95, comment=b"taken at home")
    assert b"PhoneMaker" in target.getvalue()
    upload = inspect(target.getvalue(), "照片.jpg")
    assert upload.pixels == (20, 60)
    for word in (b"PhoneMaker", b"Exif", b"taken at home"):
        assert word not in upload.data
    with Image.open(io.BytesIO(upload.data)) as turned:
        assert not turned.getexif()
        red, green, _ = turned.convert("RGB").getpixel((10, 5))  # type: ignore[misc]
        assert red > 200 and green < 80, "the left end is on top now"


def test_a_png_keeps_its_transparency_and_loses_its_texts() -> None:
    from PIL.PngImagePlugin import PngInfo

    note = PngInfo()
    note.add_text("Author", "someone private")
    target = io.BytesIO()
    Image.new("RGBA", (8, 8), (255, 0, 0, 0)).save(target, "PNG", pnginfo=note)
    upload = inspect(target.getvalue(), "印章.png")
    assert b"someone private" not in upload.data
    with Image.open(io.BytesIO(upload.data)) as cleaned:
        assert cleaned.mode == "RGBA" and cleaned.getpixel((0, 0)) == (255, 0, 0, 0)


def _pattern(mode: str = "RGB") -> Image.Image:
    """Something with edges, in which another coding of the same pixels would show."""
    drawn = Image.linear_gradient("L").resize((61, 43)).convert("RGB")
    drawn.paste("red", (9, 5, 30, 20))
    return drawn.convert(mode)


SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
PRIVATE = b"taken at home"


@given(
    mode=st.sampled_from(["L", "RGB"]),
    quality=st.integers(10, 100),
    progressive=st.booleans(),
    optimize=st.booleans(),
    subsampling=st.sampled_from([0, 1, 2]),
    restarts=st.sampled_from([0, 1, 3]),
    with_exif=st.booleans(),
    with_profile=st.booleans(),
    after=st.sampled_from([b"", PRIVATE, picture("JPEG") + PRIVATE, b"\xff\xd9" + PRIVATE]),
)
def test_an_upright_jpeg_keeps_its_own_pixels_and_nothing_else(
    mode: str,
    quality: int,
    progressive: bool,
    optimize: bool,
    subsampling: int,
    restarts: int,
    with_exif: bool,
    with_profile: bool,
    after: bytes,
) -> None:
    exif = Image.Exif()
    exif[0x010F] = PRIVATE.decode()
    exif[0x0112] = 1
    target = io.BytesIO()
    _pattern(mode).save(
        target,
        "JPEG",
        quality=quality,
        progressive=progressive,
        optimize=optimize,
        subsampling=subsampling,
        restart_marker_blocks=restarts,
        comment=PRIVATE,
        **({"exif": exif.tobytes()} if with_exif else {}),
        **({"icc_profile": SRGB} if with_profile else {}),
    )
    kept = inspect(target.getvalue() + after, "扫描件.jpg")
    assert kept.pixels == (61, 43) and PRIVATE not in kept.data and b"Exif" not in kept.data
    assert kept.data.count(b"\xff\xd8\xff") == 1 and kept.data.endswith(b"\xff\xd9")
    with Image.open(io.BytesIO(target.getvalue())) as sent, Image.open(io.BytesIO(kept.data)) as cleaned:
        assert cleaned.tobytes() == sent.tobytes() and "icc_profile" not in cleaned.info
    assert inspect(kept.data, "扫描件.jpg").data == kept.data


def _sent_and_kept(mode: str, **save: Any) -> tuple[bytes, bytes]:
    target = io.BytesIO()
    _pattern(mode).save(target, "JPEG", **save)
    data = target.getvalue()
    return data, bytes(inspect(data, "扫描件.jpg").data)


def test_a_jpeg_out_of_the_ordinary_is_written_anew() -> None:
    _, kept = _sent_and_kept("CMYK")
    with Image.open(io.BytesIO(kept)) as cleaned:
        assert cleaned.mode == "RGB"
    # Not in sRGB: the profile goes, so the pixels must not stay as they are.
    data, kept = _sent_and_kept("RGB", icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes())
    assert b"ICC_PROFILE" in data and b"ICC_PROFILE" not in kept
    # Colours without the usual transformation say so in a mark that must stay.
    data, kept = _sent_and_kept("RGB", keep_rgb=True)
    with Image.open(io.BytesIO(data)) as sent, Image.open(io.BytesIO(kept)) as cleaned:
        assert cleaned.tobytes() == sent.tobytes()
    # The length of a part that reaches beyond the file, and a frame that browsers do not show.
    whole = picture("JPEG", (61, 43))
    for broken in (
        whole.replace(b"\xff\xdb\x00\x43", b"\xff\xdb\xff\x43", 1),
        whole.replace(b"\xff\xc0", b"\xff\xc3", 1),
    ):
        assert "损坏" in refusal(broken, "扫描件.jpg")


def test_an_animated_png_is_its_first_picture_in_the_same_bytes() -> None:
    target = io.BytesIO()
    _pattern().save(target, "PNG", save_all=True, append_images=[_pattern().rotate(180)], icc_profile=SRGB)
    assert b"acTL" in target.getvalue() and b"iCCP" in target.getvalue()
    kept = inspect(target.getvalue() + PRIVATE, "扫描件.png").data
    assert not any(word in kept for word in (b"acTL", b"fdAT", b"iCCP", PRIVATE))
    with Image.open(io.BytesIO(kept)) as cleaned:
        assert cleaned.tobytes() == _pattern().tobytes()
    plain = picture("PNG")
    assert inspect(plain, "扫描件.png").data == plain


@pytest.mark.parametrize("mode", ["L", "CMYK", "RGB"])
def test_pictures_of_every_colour_kind_are_taken(mode: str) -> None:
    target = io.BytesIO()
    Image.new(mode, (30, 30)).save(target, "JPEG")
    assert inspect(target.getvalue(), "扫描件.jpg").pixels == (30, 30)


def _png_header(width: int, height: int) -> bytes:
    """A PNG of few bytes that unpacks to an enormous picture."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    body = zlib.compress(bytes(100_000), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(8000, 8000), (30_000, 30_000), (200_000, 200_000)])
def test_a_pixel_bomb_is_refused_before_it_unpacks(size: tuple[int, int]) -> None:
    assert "像素" in refusal(_png_header(*size), "扫描件.png")


def test_a_cut_picture_is_refused() -> None:
    whole = picture("JPEG", (400, 400))
    assert "损坏" in refusal(whole[: len(whole) // 2], "扫描件.jpg")
    assert "损坏" in refusal(b"\xff\xd8\xff\xe0" + bytes(200), "扫描件.jpg")
    assert "损坏" in refusal(picture("PNG", (400, 400))[:200], "扫描件.png")


def test_a_zip_bomb_is_no_workbook() -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        for number in range(3):
            archive.writestr(f"xl/worksheets/sheet{number}.xml", b" " * (100 * MEGABYTE))
    assert len(target.getvalue()) < MEGABYTE
    assert "不能上传" in refusal(target.getvalue(), "名单.xlsx", TABLE)


def _photo(width: int, height: int, quality: int = 90) -> bytes:
    target = io.BytesIO()
    Image.effect_noise((width, height), 60).convert("RGB").save(target, "JPEG", quality=quality)
    return target.getvalue()


@pytest.mark.parametrize(("width", "height"), [(295, 413), (590, 826), (300, 420), (413, 578)])
def test_one_inch_photos_are_taken(width: int, height: int) -> None:
    assert inspect_photo(_photo(width, height), "照片.jpg").pixels == (width, height)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (picture("PNG", (295, 413)), "JPEG"),
        (picture("JPEG", (295, 413)), "不足 20 KB"),
        (_photo(280, 392), "小于要求的 295×413"),
        (_photo(413, 413), "比例"),
        (_photo(413, 295), "小于要求的"),
        (_photo(1500, 2100, 99), "超过照片的上限 1 MB"),
    ],
)
def test_other_photos_are_refused(data: bytes, words: str) -> None:
    with pytest.raises(UploadRefused) as caught:
        inspect_photo(data, "照片.jpg")
    assert words in caught.value.message


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 字节"), (1023, "1023 字节"), (1024, "1 KB"), (1025, "1.1 KB"), (20480, "20 KB"), (10 * MEGABYTE, "10 MB")],
)
def test_sizes_read_as_people_say_them(size: int, text: str) -> None:
    assert size_text(size) == text


def test_names_are_shown_short_and_without_tricks() -> None:
    assert short_name("C:\\Users\\me\\登记表.pdf") == "登记表.pdf"
    assert short_name("../../etc/passwd") == "passwd"
    assert "\u202e" not in short_name("登记表\u202efdp.exe")
    assert len(short_name("长" * 200 + ".pdf")) == 56
    assert re.fullmatch(r"长{40}…长+\.pdf", short_name("长" * 200 + ".pdf"))
