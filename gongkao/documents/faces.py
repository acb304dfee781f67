"""A cut face as it is embedded: for each paper only the characters on it, put together from the face's own outlines.

The cut faces of Song and Hei keep every outline by itself (no shared parts, no hints), so a face for one paper is a
matter of copying: a fraction of a millisecond where a general cutter takes several.
"""

import struct
import zlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

_OPERATORS = {
    "FontBBox": b"\x05",
    "charset": b"\x0f",
    "CharStrings": b"\x11",
    "Private": b"\x12",
    "defaultWidthX": b"\x14",
    "nominalWidthX": b"\x15",
    "ROS": b"\x0c\x1e",
    "CIDCount": b"\x0c\x22",
    "FDArray": b"\x0c\x24",
    "FDSelect": b"\x0c\x25",
}
_FIRST_OWN_STRING = 391


@dataclass(frozen=True)
class EmbeddedFace:
    """What a PDF needs of one face: the compressed outlines, the widths (/W) and the way back to characters."""

    outlines: bytes
    widths: bytes
    to_unicode: bytes


class CutFace:
    """One cut face with PostScript outlines, read once a process.

    Args:
        path: the .otf file that `fonts.build` made.
    Raises:
        ValueError: the face is not of the kind that `fonts.build` makes.
    """

    def __init__(self, path: Path) -> None:
        from fontTools.ttLib import TTFont

        font = TTFont(path, lazy=True)
        if "CFF " not in font or font["head"].unitsPerEm != 1000:
            raise ValueError(f"{path.name} is no cut face with PostScript outlines")
        self._top = font["CFF "].cff.topDictIndex[0]
        self._order = font.getGlyphOrder()
        numbers = {name: number for number, name in enumerate(self._order)}
        self.glyphs: dict[str, int] = {chr(code): numbers[name] for code, name in font.getBestCmap().items()}
        self._advances = [font["hmtx"][name][0] for name in self._order]
        self._strings: dict[int, tuple[int, bytes]] = {}

    def width(self, text: str) -> int:
        """The text's width in thousandths of the font size. Raises KeyError for a character that is not there."""
        return sum(self._advances[self.glyphs[character]] for character in text)

    def embedded(self, characters: Collection[str]) -> EmbeddedFace:
        """The face with these characters alone. Raises KeyError for a character that is not there."""
        pairs = sorted({self.glyphs[character]: character for character in sorted(characters)}.items())
        glyphs = [glyph for glyph, _ in pairs]
        widths = " ".join(f"{glyph} [{self._advances[glyph]}]" for glyph in glyphs)
        return EmbeddedFace(
            outlines=zlib.compress(self._outlines([0, *glyphs]), 6),
            widths=f"[{widths}]".encode(),
            to_unicode=zlib.compress(_to_unicode(pairs), 6),
        )

    def _glyph(self, glyph: int) -> tuple[int, bytes]:
        """Which of the face's parts the glyph belongs to, and its outline."""
        found = self._strings.get(glyph)
        if found is None:
            charstring, part = self._top.CharStrings.getItemAndSelector(self._order[glyph])
            charstring.compile()
            found = self._strings[glyph] = (part or 0, bytes(charstring.bytecode))
        return found

    @cached_property
    def _parts(self) -> list[bytes]:
        """The width defaults of the face's parts, on which the outlines' widths are counted."""
        return [
            b"".join(
                _number(round(getattr(part.Private, name))) + _OPERATORS[name]
                for name in ("defaultWidthX", "nominalWidthX")
            )
            for part in self._top.FDArray
        ]

    def _outlines(self, glyphs: Sequence[int]) -> bytes:
        """A CFF font whose CIDs are the face's own glyph numbers, so that a text's codes stay as they are."""
        found = [self._glyph(glyph) for glyph in glyphs]
        head = b"\x01\x00\x04\x04" + _index([b"GongkaoFace"])
        strings = _index([b"Adobe", b"Identity"]) + _index([])
        charset = b"\x00" + struct.pack(f">{len(glyphs) - 1}H", *glyphs[1:])
        select = b"\x00" + bytes(part for part, _ in found)
        outlines = _index([outline for _, outline in found])

        def top(places: Sequence[int]) -> bytes:
            operands = {
                "ROS": (_FIRST_OWN_STRING, _FIRST_OWN_STRING + 1, 0),
                "FontBBox": tuple(round(edge) for edge in self._top.FontBBox),
                "CIDCount": (65536,),
                **{
                    name: (place,)
                    for name, place in zip(("charset", "FDSelect", "CharStrings", "FDArray"), places, strict=True)
                },
            }
            return _index(
                [b"".join(b"".join(map(_number, values)) + _OPERATORS[name] for name, values in operands.items())]
            )

        start = len(head) + len(top((0, 0, 0, 0))) + len(strings)
        places = [start]
        for part in (charset, select, outlines):
            places.append(places[-1] + len(part))
        parts_size = len(self._part_index([0] * len(self._parts)))
        private_places, private_at = [], places[-1] + parts_size
        for part in self._parts:
            private_places.append(private_at)
            private_at += len(part)
        parts = self._part_index(private_places)
        return b"".join((head, top(places), strings, charset, select, outlines, parts, *self._parts))

    def _part_index(self, places: Sequence[int]) -> bytes:
        return _index(
            [
                _number(len(part)) + _number(place) + _OPERATORS["Private"]
                for part, place in zip(self._parts, places, strict=True)
            ]
        )


@cache
def cut_face(path: Path) -> CutFace:
    """The face, read once a process."""
    return CutFace(path)


def _number(value: int) -> bytes:
    """An integer operand, always five bytes long, so that what it points at does not move."""
    return b"\x1d" + struct.pack(">i", value)


def _index(items: Sequence[bytes]) -> bytes:
    if not items:
        return b"\x00\x00"
    ends = [1]
    for item in items:
        ends.append(ends[-1] + len(item))
    return struct.pack(">HB", len(items), 4) + struct.pack(f">{len(ends)}I", *ends) + b"".join(items)


def _to_unicode(pairs: Sequence[tuple[int, str]]) -> bytes:
    lines = [
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap",
        "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def",
        "/CMapName /Adobe-Identity-UCS def /CMapType 2 def",
        "1 begincodespacerange <0000> <ffff> endcodespacerange",
    ]
    for start in range(0, len(pairs), 100):
        some = pairs[start : start + 100]
        lines.append(f"{len(some)} beginbfchar")
        lines += [f"<{glyph:04x}> <{character.encode('utf-16-be').hex()}>" for glyph, character in some]
        lines.append("endbfchar")
    lines.append("endcmap CMapName currentdict /CMap defineresource pop end end")
    return "\n".join(lines).encode()
