"""The papers of results: result notices, notices of passes, and what a notice's verification code stands for.

The results given must be loaded with their application's person, unit, trade and cycle, and their release's agency.
`public_url` is the system's address as others reach it: it goes into the QR codes.
"""

from collections.abc import Sequence

from gongkao.documents import papers
from gongkao.documents.papers import NoticeOfPassesPaper, PassedPerson, ResultNoticePaper, SubjectScore
from gongkao.models import Application, Release, Result
from gongkao.rules.fields import mask_name
from gongkao.rules.grades import Grade
from gongkao.rules.routing import RegionLevel

# To whom an agency's notice of passes is addressed, by the agency's level (domain rule 1).
_ADDRESSEES = {
    RegionLevel.PROVINCE: "省直有关单位，中央驻郑有关单位",
    RegionLevel.CITY: "各县（市、区）人力资源和社会保障局，市直有关单位",
    RegionLevel.COUNTY: "各有关单位",
}


def result_notice(result: Result, public_url: str) -> bytes:
    """One person's result notice as a PDF. Raises CharacterMissing."""
    return papers.result_notice(paper(result, public_url))


def result_notices(results: Sequence[Result], public_url: str) -> bytes:
    """Result notices, each on a page of its own, as one PDF. Raises CharacterMissing."""
    return papers.result_notices([paper(result, public_url) for result in results])


def paper(result: Result, public_url: str) -> ResultNoticePaper:
    """A result as the notice says it."""
    application = result.application
    unit, trade = _place(application)
    return ResultNoticePaper(
        cycle_year=application.cycle.year,
        notice_number=result.number,
        name=application.person.name,
        masked_identity_number=application.person.masked_identity_number,
        unit_name=unit,
        trade=trade,
        grade=_grade(application).label,
        scores=tuple(
            SubjectScore(
                subject=str(mark["name"]),
                full_mark=str(mark["full_mark"]),
                pass_mark=str(mark["pass_mark"]),
                score=str(mark["mark"]),
                passed=bool(mark["passed"]),
            )
            for mark in result.marks
        ),
        passed=result.passed,
        agency_name=result.release.agency.name,
        issued_on=(result.corrected_at or result.release.released_at).date(),
        verification_code=shown_code(result.verification_code),
        verify_url=f"{public_url.rstrip('/')}/verify/{result.verification_code}",
    )


def shown_code(code: str) -> str:
    """A verification code in groups of four, as it is read out: ABCD-EFGH-JKMN."""
    return "-".join(code[start : start + 4] for start in range(0, len(code), 4))


def notice_of_passes(release: Release, passed: Sequence[Result]) -> bytes:
    """The notice of those who passed, with the list as its annex, as a PDF. Raises CharacterMissing."""
    return papers.notice_of_passes(passes_paper(release, passed))


def passes_paper(release: Release, passed: Sequence[Result]) -> NoticeOfPassesPaper:
    """A release as its notice of passes says it."""
    agency = release.agency
    return NoticeOfPassesPaper(
        cycle_year=passed[0].application.cycle.year,
        agency_name=agency.name,
        document_number=release.document_number,
        addressee=_ADDRESSEES[agency.level],
        issued_on=release.released_at.date(),
        people=tuple(_passed(result.application) for result in passed),
    )


def _passed(application: Application) -> PassedPerson:
    unit, trade = _place(application)
    person = application.person
    return PassedPerson(person.name, person.masked_identity_number, unit, trade, _grade(application).label)


def verification_facts(result: Result) -> list[tuple[str, str]]:
    """What anyone holding a notice may compare with it: (label, value); name and identity number masked."""
    application = result.application
    unit, trade = _place(application)
    day = result.release.released_at
    return [
        ("通知编号", result.number),
        ("姓名", mask_name(application.person.name)),
        ("身份证号", application.person.masked_identity_number),
        ("工作单位", unit),
        ("申报工种", trade),
        ("申报等级", _grade(application).label),
        ("成绩", "，".join(f"{mark['name']}{mark['mark']}" for mark in result.marks)),
        ("考核结论", "合格" if result.passed else "不合格"),
        ("公布机构", result.release.agency.name),
        ("公布日期", f"{day.year}年{day.month}月{day.day}日"),
    ]


def _place(application: Application) -> tuple[str, str]:
    """The unit and the trade; a submitted application has both."""
    assert application.unit is not None and application.trade is not None
    return application.unit.name, application.trade.name


def _grade(application: Application) -> Grade:
    assert application.grade is not None
    return Grade(application.grade)
