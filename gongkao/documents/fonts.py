"""The faces the papers are set in.

Laying out a Chinese paper costs little; opening a face of 45,000 characters costs a lot. So set-up cuts small faces
out of the packaged ones (`python -m gongkao.documents.fonts`), and the whole faces stay behind them, named outright,
for the rare characters in people's names. Without the cut faces everything still works, only slower.
"""

import json
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from unicodedata import category

from gongkao.rules.errors import RuleError

if TYPE_CHECKING:
    # Only cutting needs fontTools, which is slow to load.
    from fontTools.ttLib import TTFont

FONT_DIRECTORY = Path(__file__).resolve().parents[2] / "var" / "fonts"
SYSTEM_DIRECTORIES = (
    Path("/usr/share/fonts"),
    Path("/usr/local/share/fonts"),
    Path.home() / ".local" / "share" / "fonts",
)
PACKAGES = "fonts-noto-cjk fonts-noto-cjk-extra fonts-lxgw-wenkai fonts-babelstone-han fonts-hanazono"

# Raised when the way of cutting changes, so that faces cut the old way are made anew.
_CUT_VERSION = 1
_MANIFEST = "manifest.json"


class FontsMissing(Exception):
    """A face that the papers need is not installed. The message, in Chinese, names the mend."""


class CharacterMissing(RuleError):
    """A text holds characters that no installed face can draw, so the paper is refused rather than printed with boxes.

    Attributes:
        characters: the characters concerned, each once, in order of appearance.
    """

    def __init__(self, characters: Iterable[str]) -> None:
        self.characters = tuple(characters)
        named = "、".join(f"{_shown(character)}（U+{ord(character):04X}）" for character in self.characters[:5])
        more = f"等{len(self.characters)}个字" if len(self.characters) > 5 else ""
        super().__init__(
            f"文书中有无法打印的字：{named}{more}。系统已安装的字体都没有这个字，为避免印成空框，文书未生成。"
            "请核对是否误录或使用了自造字；确需使用的，请联系系统管理员安装含该字的字体。"
        )

    def __reduce__(self) -> tuple[type["CharacterMissing"], tuple[tuple[str, ...]]]:
        return type(self), (self.characters,)


@dataclass(frozen=True)
class Face:
    """One face to cut: what it is called on the papers, its weight, and where it is cut from."""

    family: str
    weight: int
    source_file: str
    source_family: str
    latin_only: bool = False

    @property
    def file_name(self) -> str:
        suffix = ".otf" if self.source_file.endswith(".ttc") else ".ttf"
        return f"{self.family.replace(' ', '')}-{self.weight}{suffix}"


FACES = (
    Face("Gongkao Song", 400, "NotoSerifCJK-Regular.ttc", "Noto Serif CJK SC"),
    Face("Gongkao Song", 700, "NotoSerifCJK-Bold.ttc", "Noto Serif CJK SC"),
    Face("Gongkao Hei", 700, "NotoSansCJK-Bold.ttc", "Noto Sans CJK SC"),
    Face("Gongkao Kai", 400, "LXGWWenKai-Regular.ttf", "LXGW WenKai"),
    Face("Gongkao Mono", 700, "LXGWWenKaiMono-Bold.ttf", "LXGW WenKai Mono", latin_only=True),
)

# The whole faces behind the cut ones, in this order: (family, file).
FALLBACK = (
    ("Noto Serif CJK SC", "NotoSerifCJK-Regular.ttc"),
    ("BabelStone Han", "BabelStoneHan.ttf"),
    ("HanaMinA", "HanaMinA.ttf"),
    ("HanaMinB", "HanaMinB.ttf"),
)

# Not in GB 2312, yet met in names and place names every day; kept in the cut faces for speed.
_NAME_CHARACTERS = (
    "喆昇堃淼犇祎珺玥玘瑄垚翀翾頔甦赟晟璟琚琨烜炘煊燊鑫瀚滢滕溱潆淏湉洺泓沄泠浠澍濛灏玮珅珂珏珩珞珣珵琎琪琬琰瑀瑒瑢瑧璁璇璐璠璨"
    "瓅甯祐祜禛禤穆窦竑笪筠簃綦綮翛聿艺芃芊芮芾苒苡茉茗茜荃荻莳莘菀菡菲萱葳蔺薇薛藜蘅虢衎衡袆裴褚覃訾諝谌谞豳贇赟軒轩迦逄逯邬邰"
    "郅郦鄢鄯酆釗钊钰铄铉铎铭锴锜锟锳镕镛镱閆闫阚隽雒霁靳韡頫颀颉馨騏骁骐骞鳌麒黎黛龑䶮㛃㸌㙓乂仝仡伃伋佺侁俨倓倞偲傃兕冼刈劼勍勖"
    "匜卣厹厍呙咥哿啬喾嘏囡囷埇埒堉堌堽塆塱墘墡夔奡姌姞姝姮娓娴婳媖媞媛嫄嫒嬛嬴孑孖宓宬宸寘屾岍岐岚峣峥崟嵇嵘嵚巘帡庹廑廙弇弋弢彧"
    "徵忞怡恺悫惇愔慜慷懿戢扆扈扬抃捷斐斓旸旻旼昀昉昕昫晏晔晖晗晙晞暄暅暐暕曈曦朓杲柘柏栩栻桉桢梓棽棠楙楠榕槿樾橦檀欤毓毖氾汭"
)


def common_characters() -> frozenset[str]:
    """The characters of the cut faces: GB 2312 whole, Latin, official punctuation, and frequent characters of names."""
    pairs = (bytes((row, cell)) for row in range(0xA1, 0xF8) for cell in range(0xA1, 0xFF))
    gb2312 = (pair.decode("gb2312", errors="ignore") for pair in pairs)
    ranges = ((0x20, 0x7F), (0xA0, 0x180), (0x2000, 0x2070), (0x2460, 0x2474), (0x3000, 0x3020), (0xFF01, 0xFF5F))
    return frozenset(
        {character for character in gb2312 if character}
        | {chr(code) for start, stop in ranges for code in range(start, stop)}
        | set(_NAME_CHARACTERS)
        | set("℃℅№™Ω√×÷±≤≥≠≈→←↑↓■□▲△●○◎★☆☐☑☒✓￥·—…‰〇〔〕々")
    )


@cache
def _installed(file_name: str) -> Path | None:
    for directory in SYSTEM_DIRECTORIES:
        if directory.is_dir():
            found = sorted(directory.rglob(file_name))
            if found:
                return found[0]
    return None


def _open(path: Path, family: str) -> "TTFont":
    """Open the face of `family` in the file; a collection holds one face for each region's forms."""
    from fontTools.ttLib import TTCollection, TTFont

    if path.suffix != ".ttc":
        return TTFont(path, lazy=True)
    for number, face in enumerate(TTCollection(path, lazy=True).fonts):
        if family in (face["name"].getDebugName(1), face["name"].getDebugName(16)):
            return TTFont(path, fontNumber=number, lazy=True)
    raise FontsMissing(f"字体文件{path.name}中没有“{family}”，请重新安装：apt-get install {PACKAGES}")


def _cut(face: Face, source: Path, characters: frozenset[str], target: Path) -> None:
    from fontTools import subset

    font = _open(source, face.source_family)
    options = subset.Options(
        layout_features=[],
        hinting=False,
        desubroutinize=True,
        notdef_outline=True,
        name_IDs=["*"],
        drop_tables=[
            *subset.Options().drop_tables,
            "BASE",
            "VORG",
            "vhea",
            "vmtx",
            "GSUB",
            "GPOS",
            "GDEF",
            "DSIG",
        ],
    )
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=[ord(character) for character in characters])
    cutter.subset(font)
    style = "Bold" if face.weight >= 700 else "Regular"
    postscript = f"{face.family.replace(' ', '')}-{style}"
    names = font["name"]
    kept = [record for record in names.names if record.nameID in (0, 13, 14)]
    names.names = [record for record in kept if record.platformID == 3]
    for number, text in ((1, face.family), (2, style), (3, postscript), (4, f"{face.family} {style}"), (6, postscript)):
        names.setName(text, number, 3, 1, 0x409)
    if "CFF " in font:
        font["CFF "].cff.fontNames[0] = postscript
    font.recalcTimestamp = False
    font.save(target)


def _fingerprint(sources: Iterable[Path]) -> dict[str, object]:
    from fontTools import __version__ as fonttools_version

    return {
        "version": _CUT_VERSION,
        "fonttools": fonttools_version,
        "sources": [[path.name, path.stat().st_size, path.stat().st_mtime_ns] for path in sources],
        "characters": len(common_characters()),
    }


def build(target_directory: Path = FONT_DIRECTORY) -> bool:
    """Cut the faces into `target_directory`; do nothing where they are there already and their sources unchanged.

    Returns:
        whether anything was made.
    Raises:
        FontsMissing: a face to cut from is not installed.
    """
    sources: dict[Face, Path] = {}
    for face in FACES:
        path = _installed(face.source_file)
        if path is None:
            raise FontsMissing(f"缺少字体文件{face.source_file}，请安装：apt-get install {PACKAGES}")
        sources[face] = path
    behind = [path for _, name in FALLBACK if (path := _installed(name))]
    fingerprint = _fingerprint([*sources.values(), *behind])
    manifest = target_directory / _MANIFEST
    if _read_manifest(manifest).get("fingerprint") == fingerprint and all(
        (target_directory / face.file_name).exists() for face in FACES
    ):
        return False
    target_directory.mkdir(parents=True, exist_ok=True)
    characters = common_characters()
    latin = frozenset(character for character in characters if ord(character) < 0x180)
    # Made beside and moved in, so that a process that renders meanwhile never reads half a face.
    with tempfile.TemporaryDirectory(dir=target_directory) as work:
        for face, source in sources.items():
            made = Path(work) / face.file_name
            _cut(face, source, latin if face.latin_only else characters, made)
            made.replace(target_directory / face.file_name)
        listing = Path(work) / _MANIFEST
        listing.write_text(
            json.dumps({"fingerprint": fingerprint, "coverage": _ranges(_read_coverage())}), encoding="ascii"
        )
        listing.replace(manifest)
    _coverage.cache_clear()
    return True


def _read_manifest(path: Path) -> dict[str, object]:
    try:
        content = json.loads(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _ranges(codes: Iterable[int]) -> list[list[int]]:
    ranges: list[list[int]] = []
    for code in sorted(codes):
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return ranges


def _read_coverage() -> frozenset[int]:
    codes: set[int] = set()
    for family, name in FALLBACK:
        path = _installed(name)
        if path is not None:
            codes.update(_open(path, family).getBestCmap())
    return frozenset(codes)


@cache
def _coverage() -> frozenset[int]:
    ranges = _read_manifest(FONT_DIRECTORY / _MANIFEST).get("coverage")
    if isinstance(ranges, list):
        return frozenset(code for start, stop in ranges for code in range(start, stop + 1))
    return _read_coverage()


@cache
def _common() -> frozenset[str]:
    """The common characters that are sure to be there: all of them, unless the machine has no face at all."""
    return frozenset(character for character in common_characters() if ord(character) in _coverage())


def missing_characters(text: str) -> list[str]:
    """The characters of `text` that no face in the chain can draw, each once, in order of appearance.

    A character of the private use areas always counts as missing: each maker's face draws something else there,
    and a wrong character in a name is worse than a refusal.
    """
    unsure = [character for character in dict.fromkeys(text) if character not in _common()]
    return [character for character in unsure if not _drawable(character)]


def _drawable(character: str) -> bool:
    if character in "\n\r\t":
        return True
    code = ord(character)
    if category(character) in ("Co", "Cc", "Cs"):
        return False
    if category(character) == "Cf" or 0xFE00 <= code <= 0xFE0F or 0xE0100 <= code <= 0xE01EF:
        # Joiners and variation selectors draw nothing by themselves.
        return True
    return code in _coverage()


def _shown(character: str) -> str:
    return f"“{character}”" if category(character) not in ("Cc", "Cf", "Cs") else "不可见字符"


def cut_faces() -> list[tuple[Face, Path]]:
    """The cut faces that are there, with their files."""
    return [(face, path) for face in FACES if (path := FONT_DIRECTORY / face.file_name).exists()]


def family_chain(family: str) -> str:
    """The value of `font-family` for one of our families: the cut face, its whole face, then the faces behind."""
    whole = [face.source_family for face in FACES if face.family == family][:1]
    names = dict.fromkeys([family, *whole, *(name for name, _ in FALLBACK)])
    return ", ".join(f'"{name}"' for name in names)


def face_rules() -> str:
    """The @font-face rules for the cut faces that are there."""
    return "\n".join(
        f'@font-face {{ font-family: "{face.family}"; font-weight: {face.weight}; src: url("{path.as_uri()}"); }}'
        for face, path in cut_faces()
    )


def main(arguments: list[str]) -> int:
    """The command `python -m gongkao.documents.fonts [TARGET]`."""
    target = Path(arguments[0]) if arguments else FONT_DIRECTORY
    try:
        made = build(target)
    except FontsMissing as error:
        print(error, file=sys.stderr)
        return 1
    print("字体已准备好。" if made else "字体已是最新。")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
