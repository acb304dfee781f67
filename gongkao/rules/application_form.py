"""The application form (申报表): its steps, and the items a reviewer checks one by one (notice 二（四）: 逐项审核)."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from gongkao.rules.materials import MaterialKind


class FormStep(StrEnum):
    """One page of the form, in order."""

    PERSON = "person"
    UNIT = "unit"
    TRADE = "trade"
    GRADE = "grade"
    WORK = "work"
    CERTIFICATE = "certificate"
    ASSESSMENTS = "assessments"
    MATERIALS = "materials"
    PLEDGE = "pledge"
    PREVIEW = "preview"

    @property
    def label(self) -> str:
        return _STEP_LABELS[self]

    @property
    def next(self) -> "FormStep | None":
        order = list(FormStep)
        place = order.index(self) + 1
        return order[place] if place < len(order) else None

    @property
    def previous(self) -> "FormStep | None":
        order = list(FormStep)
        place = order.index(self)
        return order[place - 1] if place else None


_STEP_LABELS = {
    FormStep.PERSON: "个人信息",
    FormStep.UNIT: "所在单位和岗位",
    FormStep.TRADE: "申报工种",
    FormStep.GRADE: "申报等级",
    FormStep.WORK: "工作经历",
    FormStep.CERTIFICATE: "原等级证书",
    FormStep.ASSESSMENTS: "年度考核",
    FormStep.MATERIALS: "申报材料",
    FormStep.PLEDGE: "真实性承诺",
    FormStep.PREVIEW: "核对提交",
}

# The steps whose facts a reviewer judges; each is one item of the checklist.
REVIEWED_STEPS = (
    FormStep.PERSON,
    FormStep.UNIT,
    FormStep.TRADE,
    FormStep.GRADE,
    FormStep.WORK,
    FormStep.CERTIFICATE,
    FormStep.ASSESSMENTS,
)
_MATERIAL_PREFIX = "material-"


@dataclass(frozen=True)
class Item:
    """One line of a reviewer's checklist. `step` is the page on which the applicant mends it."""

    key: str
    label: str
    step: FormStep
    material: MaterialKind | None = None


def review_items(material_kinds: Iterable[MaterialKind]) -> tuple[Item, ...]:
    """The checklist of one application: its steps, then each kind of material it has or needs."""
    steps = [Item(step.value, step.label, step) for step in REVIEWED_STEPS]
    materials = [
        Item(f"{_MATERIAL_PREFIX}{kind.value}", f"材料：{kind.label}", FormStep.MATERIALS, kind)
        for kind in material_kinds
    ]
    return (*steps, *materials)


def step_of_item(key: str) -> FormStep:
    """The page on which the item with this key is mended. Raises ValueError for an unknown key."""
    if key.startswith(_MATERIAL_PREFIX):
        MaterialKind(key.removeprefix(_MATERIAL_PREFIX))
        return FormStep.MATERIALS
    return FormStep(key)
