"""Scores from tables: matched by any number, all or nothing, undone before release; breaches make results invalid."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from gongkao.extensions import db
from gongkao.models import Application, AuditEntry, Result, Score, ScoreImport
from gongkao.rules.workflow import Status
from gongkao.services import release, score_import, scores
from gongkao.services.errors import FieldsRefused, NotFound, Refused
from gongkao.storage.spreadsheets import read_table
from tests import factories
from tests.pages.reading import workbook
from tests.services.test_scores import entered, marks
from tests.world import World

HEAD = ["申报编号", "身份证号", "姓名", "岗位技能", "职业道德", "职业能力", "备注"]
Pair = tuple[Application, Application]


@pytest.fixture
def people(world: World, at: Callable[[date], None]) -> Pair:
    made = (
        factories.application(factories.person("孟听雨甲"), world.school, status=Status.QUALIFIED),
        factories.application(factories.person("祝晓川乙", 58), world.station, status=Status.QUALIFIED),
    )
    at(date(2025, 11, 3))
    return made


def table(people: Pair, first: list[str], second: list[str]) -> bytes:
    """One matched by the application's number, the other by the identity number."""
    number, other = people[0].number or "", people[1].person.identity_number
    return workbook([HEAD, [number, "", "孟听雨甲", *first], ["", other, "", *second]])


def bring_in(world: World, data: bytes) -> score_import.ScorePreview:
    preview = score_import.read(world.officer, 4, data, "成绩.xlsx")
    return score_import.commit(world.officer, 4, preview.digest, preview.filename, preview.mapping)


def test_a_table_is_previewed_then_kept_with_absence_and_breach(world: World, people: Pair) -> None:
    data = table(people, ["85.5", "60", "缺考", ""], ["90", "违纪", "70", "携带手机进入考场"])
    preview = score_import.read(world.officer, 4, data, "成绩.xlsx")
    assert (preview.errors, preview.problem, preview.total, preview.changed) == ([], "", 2, 6)
    assert entered(people[0]) == {}
    score_import.commit(world.officer, 4, preview.digest, preview.filename, preview.mapping)
    assert entered(people[0])["ability"] == (None, True)
    breach = db.session.scalars(select(Score).where(Score.breach)).one()
    assert (breach.application_id, breach.note) == (people[1].id, "携带手机进入考场")
    assert db.session.scalar(select(func.count()).where(AuditEntry.action == "import_scores")) == 1
    release.propose(world.officer, 4, "牟人社〔2025〕12号")
    release.confirm(world.manager, 4)
    invalid = db.session.scalars(select(Result).where(Result.application_id == people[1].id)).one()
    assert not invalid.passed and [mark["mark"] for mark in invalid.marks] == ["90", "违纪", "70"]


def test_one_wrong_cell_keeps_everything_out_and_is_named(world: World, people: Pair) -> None:
    data = table(people, ["101", "60", "违纪", ""], ["90", "", "70", ""])
    preview = bring_in(world, data)
    assert [(error.number, error.column) for error in preview.errors] == [
        (2, "岗位技能"),
        (2, "职业能力"),
        (3, "职业道德"),
    ]
    assert "违纪须在备注列写明" in preview.errors[1].reason
    assert db.session.scalar(select(func.count(Score.id))) == 0
    assert db.session.scalar(select(func.count(ScoreImport.id))) == 0


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        (["2025999999", "", "", "80", "80", "80", ""], "申报编号", "不是本机构本等级的审查合格人员"),
        (["", "", "孟听雨甲", "80", "80", "80", ""], "申报编号", "没有号码"),
        (["{first}", "{other}", "", "80", "80", "80", ""], "身份证号", "不是同一人"),
        (["{first}", "", "孟听雨", "80", "80", "80", ""], "姓名", "该号码的姓名为孟听雨甲"),
    ],
)
def test_a_row_must_be_somebody(world: World, people: Pair, row: list[str], column: str, reason: str) -> None:
    values = {"first": people[0].number, "other": people[1].person.identity_number}
    preview = score_import.read(
        world.officer, 4, workbook([HEAD, [cell.format(**values) for cell in row]]), "成绩.xlsx"
    )
    assert [error.column for error in preview.errors] == [column] and reason in preview.errors[0].reason
    assert people[1].person.identity_number not in preview.errors[0].value


def test_the_same_person_twice_is_refused(world: World, people: Pair) -> None:
    number = people[0].number or ""
    data = workbook([HEAD, [number, "", "", "1", "1", "1", ""], [number, "", "", "2", "2", "2", ""]])
    assert "与第2行是同一人" in score_import.read(world.officer, 4, data, "成绩.xlsx").errors[0].reason


def test_other_headings_are_mapped_once_and_remembered(world: World, people: Pair) -> None:
    head = ["考号", "技能分"]
    data = workbook([head, [people[0].number or "", "77"]])
    first = score_import.read(world.officer, 4, data, "甲.xlsx")
    assert "准考证号、申报编号或身份证号" in first.problem
    mapping = {"number": "考号", "post_skills": "技能分"}
    same = {**mapping, "ethics": "技能分"}
    assert "同一列" in score_import.read(world.officer, 4, data, "甲.xlsx", same).problem
    score_import.commit(world.officer, 4, first.digest, "甲.xlsx", mapping)
    assert entered(people[0]) == {"post_skills": (Decimal(77), False)}
    again = score_import.read(world.manager, 4, data, "乙.xlsx")
    assert (again.problem, again.mapping, again.changed) == ("", mapping, 0)


def test_undoing_puts_back_what_stood_before(world: World, people: Pair) -> None:
    scores.enter(world.officer, 4, marks(people[0], "50", "", ""))
    bring_in(world, table(people, ["85", "60", "70", ""], ["90", "80", "70", ""]))
    bring_in(world, table(people, ["86", "60", "70", ""], ["90", "80", "70", ""]))
    second, first = score_import.imports(world.officer, 4)
    with pytest.raises(Refused, match="先撤销后面的导入"):
        score_import.undo(world.officer, first.id)
    with pytest.raises(NotFound):
        score_import.undo(world.far_officer, second.id)
    assert score_import.undo(world.officer, second.id) == (1, 0)
    assert entered(people[0])["post_skills"] == (Decimal(85), False)
    # What was corrected by hand since stays as it is.
    scores.enter(world.officer, 4, marks(people[0], "85", "61", "70", seen=("85", "60", "70")))
    assert score_import.undo(world.officer, first.id) == (5, 1)
    assert entered(people[0]) == {"post_skills": (Decimal(50), False), "ethics": (Decimal(61), False)}
    assert entered(people[1]) == {}
    with pytest.raises(Refused, match="已经撤销过"):
        score_import.undo(world.officer, first.id)


def test_once_proposed_nothing_is_imported_or_undone(world: World, people: Pair) -> None:
    data = table(people, ["85", "60", "70", ""], ["90", "80", "70", ""])
    bring_in(world, data)
    release.propose(world.officer, 4, "牟人社〔2025〕12号")
    for step in (
        lambda: score_import.read(world.officer, 4, data, "成绩.xlsx"),
        lambda: score_import.undo(world.officer, score_import.imports(world.officer, 4)[0].id),
        lambda: scores.mark_breach(world.officer, 4, people[0].id, "ethics", "携带手机进入考场"),
    ):
        with pytest.raises(Refused, match="已提请公布"):
            step()


def test_the_template_can_be_filled_in_and_brought_back(world: World, people: Pair) -> None:
    head, *rows = read_table(score_import.template(world.officer, 4), "模板.xlsx")
    filled = [[*row[:4], "80", "81", "82", ""] for row in rows]
    preview = score_import.read(world.officer, 4, workbook([head, *filled]), "模板.xlsx")
    assert (preview.errors, len(preview.rows)) == ([], 2)


def test_a_breach_needs_words_and_is_the_own_agencys_matter(world: World, people: Pair) -> None:
    with pytest.raises(FieldsRefused) as refused:
        scores.mark_breach(world.officer, 4, people[0].id, "", "无")
    assert set(refused.value.fields) == {"subject", "note"}
    with pytest.raises(NotFound):
        scores.mark_breach(world.far_officer, 4, people[0].id, "ethics", "携带手机进入考场")
    with pytest.raises(FieldsRefused, match="登记违纪"):
        scores.enter(world.officer, 4, marks(people[0], "违纪", "", ""))
    scores.mark_breach(world.officer, 4, people[0].id, "ethics", "携带手机进入考场")
    # A mark typed over it takes it back.
    assert scores.enter(world.officer, 4, marks(people[0], "", "60", "", seen=("", "违纪", ""))) == 1
    kept = db.session.scalars(select(Score).where(Score.application_id == people[0].id)).one()
    assert (kept.breach, kept.note, kept.value) == (False, "", Decimal(60))
