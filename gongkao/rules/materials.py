"""Which materials (申报材料) an application needs: a list that follows from grade, way in and person."""

from dataclasses import dataclass
from enum import StrEnum

KILOBYTE = 1024
MEGABYTE = 1024 * KILOBYTE


class MaterialKind(StrEnum):
    """What a file proves."""

    IDENTITY_CARD = "identity_card"
    PHOTO = "photo"
    POST = "post"
    WORK_YEARS = "work_years"
    CERTIFICATE = "certificate"
    ASSESSMENT = "assessment"
    TRADE_CHANGE = "trade_change"
    EDUCATION = "education"
    ACHIEVEMENT = "achievement"
    UNIT_CONSENT = "unit_consent"

    @property
    def label(self) -> str:
        return _LABELS[self][0]

    @property
    def hint(self) -> str:
        return _LABELS[self][1]


_LABELS = {
    MaterialKind.IDENTITY_CARD: ("身份证", "正反两面，四角完整、文字清晰。"),
    MaterialKind.PHOTO: ("证件照", "近期免冠一寸照片，白底，JPEG 格式，20 KB 至 1 MB，至少 295×413 像素。"),
    MaterialKind.POST: ("岗位聘用材料", "聘用合同、聘书或岗位审批表，能看清本人、单位、岗位和起止时间。"),
    MaterialKind.WORK_YEARS: ("工作年限材料", "招工、录用、转正或工资审批等档案材料，能看清参加工作时间。"),
    MaterialKind.CERTIFICATE: ("原等级证书", "信息页和照片页，能看清工种、等级、编号和发证日期。"),
    MaterialKind.ASSESSMENT: ("年度考核材料", "近三年年度考核登记表或备案表，须有考核结果和盖章。"),
    MaterialKind.TRADE_CHANGE: ("改报工种证明", "现岗位的聘用材料或单位出具的转岗证明。"),
    MaterialKind.EDUCATION: ("学历证书", "毕业证书；技工学校或高中以上。"),
    MaterialKind.ACHIEVEMENT: ("奖励和成果材料", "荣誉证书、表彰文件、技能竞赛名次、技术革新成果等。"),
    MaterialKind.UNIT_CONSENT: ("单位推荐意见", "单位另有书面推荐意见的，可在此上传。"),
}


class Need(StrEnum):
    """Whether a material must be there when the application is handed in."""

    NEEDED = "needed"
    DEFERRABLE = "deferrable"
    OPTIONAL = "optional"

    @property
    def label(self) -> str:
        return _NEED_LABELS[self]


_NEED_LABELS = {Need.NEEDED: "必须提供", Need.DEFERRABLE: "必须提供，可申请容缺后补", Need.OPTIONAL: "如有请提供"}


@dataclass(frozen=True)
class MaterialRule:
    """One line of the list. `formats` are the keys of storage.uploads.FORMATS; sizes in bytes."""

    kind: MaterialKind
    need: Need
    formats: tuple[str, ...] = ("pdf", "jpeg", "png")
    max_bytes: int = 10 * MEGABYTE
    max_files: int = 6

    @property
    def label(self) -> str:
        return self.kind.label

    @property
    def hint(self) -> str:
        return self.kind.hint


@dataclass(frozen=True)
class MaterialFacts:
    """What the list follows from."""

    grade: int | None
    has_certificate: bool
    trade_changed: bool


def materials_for(facts: MaterialFacts) -> tuple[MaterialRule, ...]:
    """The list for one application, in the order of the page (domain-research.md, materials usually asked for).

    Only the yearly assessments may be made up later (容缺后补, notice 二（四）); grade five asks for none.
    """
    needed = [
        MaterialRule(MaterialKind.IDENTITY_CARD, Need.NEEDED, max_files=2),
        MaterialRule(MaterialKind.PHOTO, Need.NEEDED, formats=("jpeg",), max_bytes=MEGABYTE, max_files=1),
        MaterialRule(MaterialKind.POST, Need.NEEDED),
        MaterialRule(MaterialKind.WORK_YEARS, Need.NEEDED),
    ]
    if facts.has_certificate:
        needed.append(MaterialRule(MaterialKind.CERTIFICATE, Need.NEEDED, max_files=4))
    if facts.grade is not None and facts.grade < 5:
        needed.append(MaterialRule(MaterialKind.ASSESSMENT, Need.DEFERRABLE))
    if facts.trade_changed:
        needed.append(MaterialRule(MaterialKind.TRADE_CHANGE, Need.NEEDED, max_files=4))
    if facts.grade == 1:
        needed += [
            MaterialRule(MaterialKind.EDUCATION, Need.NEEDED, max_files=4),
            MaterialRule(MaterialKind.ACHIEVEMENT, Need.NEEDED),
        ]
    elif facts.grade in (2, 3):
        needed.append(MaterialRule(MaterialKind.ACHIEVEMENT, Need.OPTIONAL))
    if facts.grade != 1:
        needed.append(MaterialRule(MaterialKind.EDUCATION, Need.OPTIONAL, max_files=4))
    needed.append(MaterialRule(MaterialKind.UNIT_CONSENT, Need.OPTIONAL, max_files=2))
    return tuple(needed)
