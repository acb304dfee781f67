"""What a review came to, on paper: the result of the review, and what became of a deferral."""

from dataclasses import dataclass
from datetime import date

from gongkao.documents.render import render
from gongkao.documents.text import OnePerson

REVIEW_RESULT_TITLE = "资格审查结果通知"
DEFERRAL_NOTICE_TITLE = "年度考核结果容缺后补办理结果通知"


@dataclass(frozen=True)
class ReviewResultPaper(OnePerson):
    """What the review of one person's registration came to (资格审查结果).

    Attributes:
        reason: what the office said; for somebody who passed, what is still to be made up.
        reasons: for a refusal (what, why) each; empty where everything was found right.
    """

    cycle_year: int
    application_number: str
    trade: str
    grade: str
    passed: bool
    reason: str
    reasons: tuple[tuple[str, str], ...]
    office_name: str
    decided_on: date


def review_result(paper: ReviewResultPaper) -> bytes:
    """The notice of the review's outcome. Raises CharacterMissing."""
    return render("review_result.html", {"paper": paper}, title=REVIEW_RESULT_TITLE)


@dataclass(frozen=True)
class DeferralNoticePaper(OnePerson):
    """What became of one person's deferral of a yearly assessment (容缺后补, notice 二（四）（五）).

    Attributes:
        outcome: agreed (the unit agrees, it is still to be made up), accepted, or failed.
        years: e.g. 2024年度, each assessment concerned.
        reason: what the office said; empty where it said nothing.
        office_name: who decided; `basis` is the number of the cycle's notice.
    """

    outcome: str
    cycle_year: int
    basis: str
    application_number: str
    trade: str
    grade: str
    years: tuple[str, ...]
    due_on: date
    reason: str
    office_name: str
    decided_on: date


def deferral_notice(paper: DeferralNoticePaper) -> bytes:
    """The notice, one page, with room for the seal over the office's name. Raises CharacterMissing."""
    return render("deferral_notice.html", {"paper": paper}, title=DEFERRAL_NOTICE_TITLE)
