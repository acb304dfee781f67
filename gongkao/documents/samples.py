"""Made-up materials for the demonstration: papers that look like scans, and photos that show nobody."""

import io
from collections.abc import Sequence
from datetime import date
from functools import cache

import pikepdf
from PIL import Image, ImageDraw, ImageFilter

from gongkao.documents.render import render

PHOTO_SIZE = (590, 826)
_CLOTHES = ("#33475b", "#4a5d4f", "#5b4a4a", "#3f4a6b", "#5a5248")


def sample_paper(title: str, lines: Sequence[tuple[str, str]], *, signed_by: str, signed_on: date) -> bytes:
    """One A4 page with a title, (label, text) lines and a made-up seal, marked as a demonstration on the page."""
    context = {"lines": lines, "signed_by": signed_by, "signed_on": signed_on}
    return render("demonstration_material.html", context, title=title)


def stamped(sheet: bytes) -> bytes:
    """A registration sheet with a made-up seal over its first line, as it would come back from the scanner."""
    target = io.BytesIO()
    with pikepdf.open(io.BytesIO(sheet)) as pdf, pikepdf.open(io.BytesIO(_seal())) as over:
        pdf.pages[0].add_overlay(over.pages[0], None)
        pdf.save(target, deterministic_id=True)
    return target.getvalue()


@cache
def _seal() -> bytes:
    """The made-up seal alone on a page; every unit's is the same."""
    return render("demonstration_seal.html", {}, title="演示用章")


def sample_photo(serial: int) -> bytes:
    """A drawn silhouette on white in the ratio of a one-inch photo, as a JPEG of 20 KB to 1 MB."""
    clothes = _CLOTHES[serial % len(_CLOTHES)]
    picture = Image.new("RGB", PHOTO_SIZE, "#ffffff")
    draw = ImageDraw.Draw(picture)
    centre = PHOTO_SIZE[0] // 2
    draw.ellipse((centre - 265, 590, centre + 265, 1100), fill=clothes)
    draw.polygon([(centre - 70, 600), (centre + 70, 600), (centre, 690)], fill="#f4f4f2")
    draw.rounded_rectangle((centre - 62, 480, centre + 62, 630), 50, fill="#c9b8a8")
    draw.ellipse((centre - 150, 190, centre + 150, 560), fill="#d6c6b6")
    draw.chord((centre - 162, 165, centre + 162, 500), 180, 360, fill="#2f2a28")
    # A real photo has grain; without it the file would be smaller than any camera's.
    picture = picture.filter(ImageFilter.GaussianBlur(1.2))
    grain = Image.effect_noise(PHOTO_SIZE, 14).convert("RGB")
    target = io.BytesIO()
    Image.blend(picture, grain, 0.06).point(lambda value: min(255, value + 8)).save(target, "JPEG", quality=92)
    return target.getvalue()
