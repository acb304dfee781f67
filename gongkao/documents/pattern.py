"""Papers that differ from person to person in a few short texts only: laid out once, then filled in.

The page is laid out as every other paper is, with a marker in place of each text that differs. In the finished page
the markers' lines are found again; filling in puts a person's texts there, moved as their line is aligned, with a face
of the characters in use. A text that does not fit its line, or a rare character, needs a layout of its own: then
nothing is filled in (`fill` gives None) and the caller lays the whole paper out.
"""

import io
import re
import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pikepdf

from gongkao.documents import fonts
from gongkao.documents.faces import CutFace, EmbeddedFace, cut_face
from gongkao.documents.text import qr_runs, qr_size

if TYPE_CHECKING:
    from gongkao.documents.layout import Document

_TEXT = re.compile(rb"BT\n1 0 0 -1 (\S+) (\S+) Tm\n/(\S+) (\S+) Tf\n\[(.*?)\] TJ\nET\n", re.DOTALL)
_PIECE = re.compile(rb"<([0-9a-f]*)>|(-?[0-9.]+)")
_UNICODE = re.compile(rb"<([0-9a-f]{4})> <([0-9a-f]+)>")
# The dark modules of the QR code: rows of runs, as the picture's one path draws them.
_MODULES = re.compile(rb"(?<=\n)0 0 m\n(?:\d+ \d+\.5 [ml]\n)+")
_SHIFT = {"center": 0.5, "right": 1.0, "end": 1.0}
_BODY_FACE = "+Gongkao-Song"
_FLATE = b"<< /Filter /FlateDecode >>"
# A line that only just fits might have been broken: thousandths of a pixel are left to rounding.
_SPARE = 0.01


class Unfit(ValueError):
    """The page cannot be filled in: it must be laid out for each person."""


@dataclass(frozen=True)
class _Line:
    """A line to fill in: `parts` are fixed texts and numbers of fields, `face` the name of the PDF's font."""

    start: int
    end: int
    x: float
    y: bytes
    face: str
    size: float
    lead: bytes
    spacing: float
    parts: tuple[str | int, ...]
    width: int
    shift: float
    room: float

    def text(self, values: Sequence[str]) -> str:
        return "".join(values[part] if isinstance(part, int) else part for part in self.parts)


class _FixedFace:
    """A face embedded as the layout left it: a text may use the characters that are there."""

    def __init__(self, font: Any) -> None:
        pairs = _UNICODE.findall(font.ToUnicode.read_bytes())
        self.glyphs = {
            bytes.fromhex(code.decode()).decode("utf-16-be"): int(glyph, 16)
            for glyph, code in pairs
            if glyph != b"0000"
        }
        self._advances: dict[int, int] = {}
        listed = list(font.DescendantFonts[0].W)
        for first, advances in zip(listed[::2], listed[1::2], strict=True):
            self._advances.update((int(first) + place, int(advance)) for place, advance in enumerate(advances))

    def width(self, text: str) -> int:
        return sum(self._advances[self.glyphs[character]] for character in text)


@dataclass(frozen=True)
class _FaceNumbers:
    """The objects in which a PDF keeps a face; `form` is the inner font's dictionary, left open."""

    outlines: int
    to_unicode: int
    inner: int
    form: bytes

    @classmethod
    def of(cls, font: Any) -> "_FaceNumbers":
        inner = font.DescendantFonts[0]
        kept = {str(key): value for key, value in inner.items() if key not in ("/W", "/CIDToGIDMap")}
        return cls(
            outlines=inner.FontDescriptor.FontFile3.objgen[0],
            to_unicode=font.ToUnicode.objgen[0],
            inner=inner.objgen[0],
            form=_unclosed(pikepdf.Dictionary(kept).unparse()),
        )

    @property
    def numbers(self) -> tuple[int, int, int]:
        return self.outlines, self.to_unicode, self.inner

    def entries(self, face: EmbeddedFace) -> dict[int, bytes]:
        return {
            self.outlines: _stream(self.outlines, face.outlines, b"<< /Subtype /CIDFontType0C /Filter /FlateDecode >>"),
            self.to_unicode: _stream(self.to_unicode, face.to_unicode, _FLATE),
            self.inner: b"%d 0 obj\n%s /W %s >>\nendobj\n" % (self.inner, self.form, face.widths),
        }


class Pattern:
    """One page, laid out, with its places to fill in.

    Args:
        html: the page as HTML, with each marker where a text that differs goes.
        markers: the markers in the fields' order; each must be unlike every other text on the page.
        qr_content: what the page's one QR code holds.
    Raises:
        Unfit: the page is not of the kind that can be filled in.
    """

    def __init__(self, html: str, markers: Sequence[str], qr_content: str) -> None:
        from gongkao.documents.layout import lay_out

        document, data = lay_out(html)
        if len(document.pages) != 1:
            raise Unfit("more than one page")
        self._qr_size = qr_size(qr_content)
        with pikepdf.open(io.BytesIO(data)) as pdf:
            self._read(pdf, document, markers)

    def _read(self, pdf: pikepdf.Pdf, document: "Document", markers: Sequence[str]) -> None:
        page = pdf.pages[0]
        stream: bytes = page.Contents.read_bytes()
        embedded = {str(name)[1:]: font for name, font in page.Resources.Font.items()}
        cut = {name: face for name, font in embedded.items() if (face := _cut_face(str(font.BaseFont)))}
        self._faces: Mapping[str, _FixedFace | CutFace] = {
            name: cut.get(name) or _FixedFace(font) for name, font in embedded.items()
        }
        self._song_name = next((name for name in cut if str(embedded[name].BaseFont).endswith(_BODY_FACE)), "")
        if not self._song_name:
            raise Unfit("the cut face is not there")
        self._song = cut[self._song_name]
        self._lines, fixed_text = self._find_lines(stream, markers, _places(document))
        self._fixed_characters = frozenset(fixed_text)
        modules = _MODULES.search(stream)
        if modules is None or not self._lines:
            raise Unfit("no QR code or nothing to fill in")
        # What stands before the first place is the same for all: it is compressed once.
        first = self._lines[0].start
        self._head, self._tail = stream[:first], stream[first:]
        self._modules = (modules.start() - first, modules.end() - first)
        if self._modules[0] < self._lines[-1].end - first:
            raise Unfit("the QR code does not come last")
        fixed = {
            name: (embedded[name], face.embedded(_FixedFace(embedded[name]).glyphs))
            for name, face in cut.items()
            if name != self._song_name
        }
        self._keep_objects(pdf, page, embedded[self._song_name], list(fixed.values()))

    def _find_lines(
        self, stream: bytes, markers: Sequence[str], places: Mapping[str, tuple[float, float]]
    ) -> tuple[list[_Line], str]:
        """The lines with markers, in the stream's order, and the other characters that the Song face must hold."""
        lines: list[_Line] = []
        fixed_text, seen = "", set[int]()
        for found in _TEXT.finditer(stream):
            x, y, name, size, pieces = found.groups()
            face = name.decode()
            characters = {glyph: character for character, glyph in self._faces[face].glyphs.items()}
            lead, glyphs, spacing = _read_pieces(pieces)
            text = "".join(characters[glyph] for glyph in glyphs)
            parts = _split(text, markers)
            fields = [part for part in parts if isinstance(part, int)]
            if not fields:
                fixed_text += text if face == self._song_name else ""
                continue
            if text not in places or seen & set(fields):
                raise Unfit("a marker's line is not found again")
            seen.update(fields)
            fixed_text += "".join(part for part in parts if isinstance(part, str)) if face == self._song_name else ""
            room, shift = places[text]
            width = self._faces[face].width(text) + round(spacing * len(text))
            lines.append(_Line(*found.span(), float(x), y, face, float(size), lead, spacing, parts, width, shift, room))
        if len(seen) != len(markers):
            raise Unfit("a marker is not on the page")
        return lines, fixed_text

    def _keep_objects(self, pdf: pikepdf.Pdf, page: Any, song: Any, fixed: Sequence[tuple[Any, EmbeddedFace]]) -> None:
        """Everything that is the same in every file, as bytes at fixed places of the file."""
        self._content_number = page.Contents.objgen[0]
        self._song_numbers = _FaceNumbers.of(song)
        # One number after another: the objects of the layout, then ours; the old cross references are dropped.
        plain: list[tuple[int, Any]] = []
        self._places: dict[int, tuple[int, int, int]] = {}
        body = [b"%PDF-1.7\n%\xf0\x9f\x96\xa4\n"]
        at = len(body[0])
        head_number = len(pdf.objects) + 1
        packed_number = head_number + 1

        def place(number: int, entry: bytes) -> None:
            nonlocal at
            self._places[number] = (1, at, 0)
            body.append(entry)
            at += len(entry)

        ours = {self._content_number, *self._song_numbers.numbers}
        for font, face in fixed:
            numbers = _FaceNumbers.of(font)
            ours |= set(numbers.numbers)
            for number, entry in numbers.entries(face).items():
                place(number, entry)
        for number, item in enumerate(pdf.objects, start=1):
            if number in ours:
                continue
            if isinstance(item, pikepdf.Stream):
                if str(item.get("/Type", "")) in ("/ObjStm", "/XRef"):
                    continue
                form = {str(key): value for key, value in item.items() if key != "/Length"}
                place(number, _stream(number, item.read_raw_bytes(), pikepdf.Dictionary(form).unparse()))
            else:
                plain.append((number, item))
        contents = f"[{head_number} 0 R {self._content_number} 0 R]".encode()
        packed = []
        for number, item in plain:
            if number == page.objgen[0]:
                form = {str(key): value for key, value in page.obj.items() if key != "/Contents"}
                packed.append(
                    (number, _unclosed(pikepdf.Dictionary(form).unparse()) + b" /Contents " + contents + b" >>")
                )
            else:
                packed.append((number, item.unparse(resolved=True)))
        place(head_number, _stream(head_number, zlib.compress(self._head, 9), _FLATE))
        offsets, entries = [], b""
        for order, (number, entry) in enumerate(packed):
            offsets.append(f"{number} {len(entries)}")
            entries += entry + b"\n"
            self._places[number] = (2, packed_number, order)
        index = " ".join(offsets).encode() + b"\n"
        packed_form = b"<< /Type /ObjStm /N %d /First %d /Filter /FlateDecode >>" % (len(packed), len(index))
        place(packed_number, _stream(packed_number, zlib.compress(index + entries, 9), packed_form))
        self._body, self._next = b"".join(body), packed_number + 1
        info, root = pdf.trailer.Info, pdf.trailer.Root
        self._trailer = f"/Root {root.objgen[0]} 0 R /Info {info.objgen[0]} 0 R".encode()

    def fill(self, values: Sequence[str], qr_content: str) -> bytes | None:
        """The page with a person's texts, as a whole PDF; None where it needs a layout of its own."""
        size, modules = qr_runs(qr_content)
        if size != self._qr_size:
            return None
        content, characters, done, base = [], set(self._fixed_characters), 0, len(self._head)
        for line in self._lines:
            text = line.text(values)
            face = self._faces[line.face]
            try:
                width = face.width(text) + round(line.spacing * len(text))
                glyphs = [face.glyphs[character] for character in text]
            except KeyError:
                return None
            if not text or width * line.size / 1000 > line.room - _SPARE:
                return None
            if line.face == self._song_name:
                characters.update(text)
            x = line.x - (width - line.width) * line.size / 1000 * line.shift
            content.append(self._tail[done : line.start - base])
            content.append(_drawn(line, x, glyphs))
            done = line.end - base
        content.append(self._tail[done : self._modules[0]])
        content.append(modules)
        content.append(self._tail[self._modules[1] :])
        return self._write(b"".join(content), self._song.embedded(characters))

    def _write(self, content: bytes, song: EmbeddedFace) -> bytes:
        number = self._content_number
        entries = {number: _stream(number, zlib.compress(content, 6), _FLATE), **self._song_numbers.entries(song)}
        places, at = dict(self._places), len(self._body)
        for number, entry in entries.items():
            places[number] = (1, at, 0)
            at += len(entry)
        places[self._next] = (1, at, 0)
        rows = b"".join(struct.pack(">BIH", *places.get(number, (0, 0, 0))) for number in range(self._next + 1))
        made = b"".join(entries.values())
        mark = sha256(self._body + made).hexdigest()[:32].encode()
        form = b"<< /Type /XRef /Size %d /W [1 4 2] %s /ID [<%s> <%s>] /Filter /FlateDecode >>" % (
            self._next + 1,
            self._trailer,
            mark,
            mark,
        )
        references = _stream(self._next, zlib.compress(rows, 6), form)
        return b"%s%s%sstartxref\n%d\n%%%%EOF\n" % (self._body, made, references, at)


def _cut_face(base_font: str) -> CutFace | None:
    """The cut face with PostScript outlines that a PDF's font, such as ABCDEF+Gongkao-Song-Bold, was taken from."""
    name = base_font.partition("+")[2]
    for face, path in fonts.cut_faces():
        bold = "-Bold" if face.weight >= 700 else ""
        if path.suffix == ".otf" and name == f"{face.family.replace(' ', '-')}{bold}":
            return cut_face(path)
    return None


def _stream(number: int, data: bytes, form: bytes) -> bytes:
    return b"%d 0 obj\n%s /Length %d >>\nstream\n%s\nendstream\nendobj\n" % (number, _unclosed(form), len(data), data)


def _unclosed(form: bytes) -> bytes:
    return form.rstrip().removesuffix(b">>")


def _drawn(line: _Line, x: float, glyphs: Sequence[int]) -> bytes:
    if line.spacing:
        gap = f"{-line.spacing:.4f}".encode()
        pieces = line.lead + gap.join(b"<%04x>" % glyph for glyph in glyphs)
    else:
        pieces = b"<%s>" % b"".join(b"%04x" % glyph for glyph in glyphs)
    return b"BT\n1 0 0 -1 %.6f %s Tm\n/%s %.6f Tf\n[%s] TJ\nET\n" % (x, line.y, line.face.encode(), line.size, pieces)


def _read_pieces(pieces: bytes) -> tuple[bytes, list[int], float]:
    """What comes before the first glyph, the glyphs, and the space between two of them in thousandths."""
    lead, glyphs, gap = b"", [], 0.0
    for codes, number in _PIECE.findall(pieces):
        if codes:
            glyphs += [int(codes[place : place + 4], 16) for place in range(0, len(codes), 4)]
        elif number and not glyphs:
            lead += number
        elif number and len(glyphs) == 1:
            gap -= float(number)
    return lead, glyphs, gap


def _split(text: str, markers: Sequence[str]) -> tuple[str | int, ...]:
    """The text as fixed parts and numbers of the markers in it."""
    parts: list[str | int] = [text]
    for number, marker in enumerate(markers):
        for place, part in enumerate(parts):
            if isinstance(part, str) and marker in part:
                before, _, after = part.partition(marker)
                parts[place : place + 1] = [*([before] if before else []), number, *([after] if after else [])]
                break
    return tuple(parts)


def _places(document: "Document") -> dict[str, tuple[float, float]]:
    """For each line's text the width it has room for (pixels) and how it moves as its text grows.

    A line that is not alone in its paragraph, or whose text stands twice on the page, is left out.
    """
    from gongkao.documents.layout import boxes

    found: dict[str, list[tuple[float, float]]] = {}

    def walk(box: Any, block: Any) -> Iterator[tuple[str, Any]]:
        if isinstance(box, boxes.TextBox):
            yield box.text, block
        inner = box if isinstance(box, boxes.BlockContainerBox) else block
        for child in getattr(box, "children", ()):
            yield from walk(child, inner)

    for text, block in walk(document.pages[0]._page_box, None):
        align = block.style["text_align_all"]
        found.setdefault(text, []).append((float(block.width), _SHIFT.get(align, 0.0)))
    return {text: places[0] for text, places in found.items() if len(places) == 1}
