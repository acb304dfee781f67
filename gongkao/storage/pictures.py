"""Pictures as they are kept: upright, in sRGB, and nothing but what is seen.

Place, time and device are nobody's business. A picture that is upright already keeps its own pixels: only the parts of
the file that show something are taken over, which costs a third of writing it anew and loses nothing of it.
"""

import io
import re
from collections.abc import Callable

from PIL import Image, ImageCms, ImageFile, ImageOps, UnidentifiedImageError

MAX_PIXELS = 50_000_000

_ORIENTATION, _UPRIGHT = 0x0112, 1
_QUALITY = 92
# A JPEG can be read at an eighth of its width and height: every byte of it is still looked at, in half the time.
_EIGHTH = 8


class BrokenPicture(Exception):
    """The picture cannot be read to its end."""


class TooManyPixels(Exception):
    """The picture would take too much room unpacked. `size` is its width and height, None where that is not known."""

    def __init__(self, size: tuple[int, int] | None) -> None:
        super().__init__(size)
        self.size = size


def clean(data: bytes, kind: str) -> tuple[bytes, tuple[int, int]]:
    """The picture to keep, of the same kind ("jpeg" or "png"), and its width and height in pixels.

    Raises BrokenPicture, TooManyPixels.
    """
    # WeasyPrint lets cut images pass in the whole process; half a certificate must not.
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    try:
        with Image.open(io.BytesIO(data), formats=(kind.upper(),)) as image:
            if image.width * image.height > MAX_PIXELS:
                raise TooManyPixels(image.size)
            size = image.size
            parts = _PARTS[kind](data) if _is_as_seen(image, kind) else None
            if parts is not None:
                image.draft("L", (max(1, image.width // _EIGHTH), max(1, image.height // _EIGHTH)))
            image.load()
            if parts is not None:
                return parts, size
            return _written_anew(image, kind)
    except Image.DecompressionBombError as error:
        raise TooManyPixels(None) from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError, IndexError) as error:
        raise BrokenPicture from error


def _is_as_seen(image: Image.Image, kind: str) -> bool:
    """Whether the pixels are what is to be seen: not to be turned, in sRGB or grey."""
    if kind == "jpeg" and image.mode not in ("L", "RGB"):
        return False
    if image.getexif().get(_ORIENTATION, _UPRIGHT) != _UPRIGHT:
        return False
    profile = image.info.get("icc_profile")
    return not profile or image.mode != "RGB" or _is_srgb(profile)


def _is_srgb(profile: bytes) -> bool:
    try:
        return ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(profile))).startswith("sRGB")
    except (ImageCms.PyCMSError, OSError):
        return False


def _written_anew(image: Image.Image, kind: str) -> tuple[bytes, tuple[int, int]]:
    upright = _in_srgb(ImageOps.exif_transpose(image), image.info.get("icc_profile"))
    transparency = upright.info.get("transparency")
    upright.info = {} if transparency is None else {"transparency": transparency}
    output = io.BytesIO()
    if kind == "jpeg":
        if upright.mode not in ("L", "RGB"):
            upright = upright.convert("RGB")
        upright.save(output, "JPEG", quality=_QUALITY)
    else:
        upright.save(output, "PNG")
    return output.getvalue(), upright.size


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    if not profile or image.mode not in ("RGB", "CMYK"):
        return image
    try:
        converted = ImageCms.profileToProfile(
            image,
            ImageCms.ImageCmsProfile(io.BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            outputMode="RGB",
        )
    except (ImageCms.PyCMSError, OSError):
        return image
    return converted or image


# The parts of a file that show something. Where a file is put together out of the ordinary it is written anew instead.

_END, _SCAN, _JFIF, _ADOBE = 0xD9, 0xDA, 0xE0, 0xEE
# Tables of the coding, restarts, and the frames that browsers and PDF readers all know: baseline and progressive.
_SHOWING = frozenset((0xC0, 0xC1, 0xC2, 0xC4, 0xDB, 0xDD, _SCAN))
# Other frames, and marks that stand without a length where one is due.
_ODD = frozenset((*range(0xC3, 0xD9), 0x00, 0x01, 0xDC, 0xDE, 0xDF)) - _SHOWING
_PLAIN_JFIF = b"\xff\xe0\x00\x10JFIF\0\x01\x01\x00\x00\x01\x00\x01\x00\x00"
_ADOBE_LENGTH = 14
# Within a scan, FF is followed by 00 or by the number of a restart.
_NEXT_MARK = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")


def _jpeg_parts(data: bytes) -> bytes | None:
    kept = [data[:2]]
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        mark = data[at + 1]
        if mark == 0xFF:
            # Any number of these may stand before a mark.
            at += 1
            continue
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4])
        if mark in _ODD or end > len(data):
            return None
        segment = data[at:end]
        if mark in _SHOWING:
            kept.append(segment)
        elif mark == _JFIF and segment[4:9] == b"JFIF\0":
            # Its own may hold a small picture of before some cutting.
            kept.append(_PLAIN_JFIF)
        elif mark == _ADOBE and segment[4:9] == b"Adobe" and len(segment) == _ADOBE_LENGTH + 2:
            kept.append(segment)
        at = end
        if mark == _SCAN:
            after = _NEXT_MARK.search(data, at)
            if after is None:
                return None
            kept.append(data[at : after.start()])
            at = after.start()
            if data[at + 1] == _END:
                return b"".join((*kept, data[at : at + 2]))
    return None


_SIGNATURE = 8
_CHUNKS = frozenset((b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"))


def _png_parts(data: bytes) -> bytes | None:
    kept = [data[:_SIGNATURE]]
    at = _SIGNATURE
    while at + 12 <= len(data):
        name = data[at + 4 : at + 8]
        # The length, the name and the check sum take twelve bytes.
        end = at + 12 + int.from_bytes(data[at : at + 4])
        if end > len(data):
            return None
        if name in _CHUNKS:
            kept.append(data[at:end])
        if name == b"IEND":
            return b"".join(kept)
        at = end
    return None


_PARTS: dict[str, Callable[[bytes], bytes | None]] = {"jpeg": _jpeg_parts, "png": _png_parts}
