"""The paper on which an assessor of a panel marks by hand (综合评审评分表)."""

from collections.abc import Sequence
from dataclasses import dataclass

from gongkao.documents.render import render


@dataclass(frozen=True)
class AssessorSheetPaper:
    """One assessor's blank sheet.

    Attributes:
        criteria: (what is judged, its most marks) each; `full_mark` is their sum.
        people: (application's number, name, unit, trade) of each person to judge, none of the assessor's own unit.
        stands_back: how many of the panel's people the assessor does not judge for that reason.
    """

    cycle_year: int
    agency_name: str
    panel: str
    assessor: str
    chair: bool
    assessor_unit: str
    criteria: tuple[tuple[str, str], ...]
    full_mark: str
    people: tuple[tuple[str, str, str, str], ...]
    stands_back: int


def assessor_sheets(papers: Sequence[AssessorSheetPaper]) -> bytes:
    """The sheets in one file, landscape, each beginning on a page of its own. Raises CharacterMissing."""
    return render("assessor_sheets.html", {"papers": papers}, title="一级综合评审评分表")
