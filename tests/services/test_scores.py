"""Entering scores: for the own agency's qualified people alone, inside the window, all or nothing."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import select

from gongkao.extensions import db
from gongkao.models import Application, AuditEntry, Score
from gongkao.rules.calendar import WindowKey
from gongkao.rules.errors import WindowClosed
from gongkao.rules.workflow import Status
from gongkao.services import cycles, listing, scores
from gongkao.services.errors import FieldsRefused, Refused
from tests import factories
from tests.statements import sent
from tests.world import World

SCORES_DAY = date(2025, 9, 1)
SUBJECTS = ("post_skills", "ethics", "ability")


@pytest.fixture
def qualified(world: World, at: Callable[[date], None]) -> Application:
    """A grade-four applicant of the school, found qualified; the clock stands in the window for scores."""
    made = factories.application(factories.person("孟听雨甲"), world.school, status=Status.QUALIFIED)
    at(SCORES_DAY)
    return made


def marks(application: Application, *texts: str, seen: tuple[str, ...] = ("", "", "")) -> dict[str, str]:
    """What the entry page sends for one person."""
    names = [scores.field_name(application.id, key) for key in SUBJECTS]
    return {
        **dict(zip(names, texts, strict=True)),
        **dict(zip((scores.seen_name(name) for name in names), seen, strict=True)),
    }


def entered(application: Application) -> dict[str, tuple[Decimal | None, bool]]:
    db.session.expire_all()
    rows = db.session.scalars(select(Score).where(Score.application_id == application.id))
    return {row.subject_key: (row.value, row.absent) for row in rows}


def test_marks_are_kept_changed_and_taken_away_on_record(world: World, qualified: Application) -> None:
    assert scores.enter(world.officer, 4, marks(qualified, "85.5", "６０", "缺")) == 3
    assert entered(qualified) == {
        "post_skills": (Decimal("85.5"), False),
        "ethics": (Decimal("60"), False),
        "ability": (None, True),
    }
    assert scores.enter(world.officer, 4, marks(qualified, "86", "60", "", seen=("85.5", "60", "缺考"))) == 2
    assert entered(qualified) == {"post_skills": (Decimal("86"), False), "ethics": (Decimal("60"), False)}
    entries = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "enter_scores")).all()
    assert [entry.detail["changed"] for entry in entries] == [3, 2]
    assert scores.enter(world.officer, 4, marks(qualified, "86.0", "60", "", seen=("86", "60", ""))) == 0
    assert len(db.session.scalars(select(AuditEntry).where(AuditEntry.action == "enter_scores")).all()) == 2


def test_one_wrong_mark_keeps_the_whole_page_out(world: World, qualified: Application) -> None:
    with pytest.raises(FieldsRefused) as refused:
        scores.enter(world.officer, 4, marks(qualified, "90", "101", "八十"))
    assert set(refused.value.fields) == {scores.field_name(qualified.id, key) for key in ("ethics", "ability")}
    assert "满分为100分" in refused.value.fields[scores.field_name(qualified.id, "ethics")]
    assert entered(qualified) == {}


def test_two_people_with_the_same_page_do_not_undo_each_other(world: World, qualified: Application) -> None:
    scores.enter(world.officer, 4, marks(qualified, "85", "", ""))
    # The other page was made before: what it leaves alone stays, what both changed is asked about.
    assert scores.enter(world.manager, 4, marks(qualified, "", "70", "")) == 1
    assert entered(qualified)["post_skills"] == (Decimal("85"), False)
    with pytest.raises(FieldsRefused) as refused:
        scores.enter(world.manager, 4, marks(qualified, "58", "", "", seen=("", "", "")))
    assert "由他人改为85" in refused.value.message
    assert scores.enter(world.manager, 4, marks(qualified, "58", "", "", seen=("85", "", ""))) == 1


@pytest.mark.parametrize("stranger", ["far_officer", "city_officer", "province_officer"])
def test_only_the_own_agency_enters(world: World, qualified: Application, stranger: str) -> None:
    with pytest.raises(Refused, match="不在本机构"):
        scores.enter(getattr(world, stranger), 4, marks(qualified, "85", "85", "85"))
    assert listing.run(scores.entry_listing(getattr(world, stranger), 4), {}).total == 0
    assert entered(qualified) == {}


def test_only_the_qualified_of_the_grade_get_marks(
    world: World, qualified: Application, at: Callable[[date], None]
) -> None:
    at(date(2025, 3, 20))
    waiting = factories.application(factories.person("祝晓川乙", 58), world.station, status=Status.AGENCY_REVIEW)
    at(SCORES_DAY)
    for application, grade in ((waiting, 4), (qualified, 3)):
        with pytest.raises(Refused, match="不在本机构"):
            scores.enter(world.officer, grade, marks(application, "85", "85", "85"))
    assert [row.id for row in listing.run(scores.entry_listing(world.officer, 4), {}).rows] == [qualified.id]


@pytest.mark.parametrize("day", [date(2025, 5, 31), date(2026, 1, 1)])
def test_outside_the_window_nothing_is_entered(
    world: World, qualified: Application, at: Callable[[date], None], day: date
) -> None:
    at(day)
    with pytest.raises(WindowClosed, match="成绩录入时间为2025年6月1日至12月31日"):
        scores.enter(world.officer, 4, marks(qualified, "85", "85", "85"))
    assert not cycles.is_open(WindowKey.SCORES, world.agency("410122").region, 4)


def test_the_states_count_who_has_every_mark(world: World, qualified: Application, at: Callable[[date], None]) -> None:
    at(date(2025, 3, 20))
    other = factories.application(factories.person("祝晓川乙", 58), world.station, status=Status.QUALIFIED)
    at(SCORES_DAY)
    scores.enter(world.officer, 4, {**marks(qualified, "85", "60", "缺考"), **marks(other, "70", "", "80")})
    state = next(state for state in scores.grade_states(world.officer) if state.grade == 4)
    assert (state.qualified, state.scored, state.missing, state.release) == (2, 1, 1, None)
    assert scores.incomplete(world.officer, 4, 10) == ["祝晓川乙"]
    for value, expected in (("no", [other.id]), ("yes", [qualified.id]), ("", [qualified.id, other.id])):
        page = listing.run(scores.entry_listing(world.officer, 4), {"entered": value})
        assert sorted(row.id for row in page.rows) == expected
    assert all(state.qualified == 0 for state in scores.grade_states(world.far_officer))


def test_a_page_of_people_takes_a_bounded_number_of_queries(world: World, at: Callable[[date], None]) -> None:
    """The same with three people as with one: the list never asks person by person."""

    def queries() -> int:
        db.session.expire_all()
        with sent() as counted:
            page = listing.run(scores.entry_listing(world.officer, 4), {})
            scores.entry_fields(page.rows, cycles.subjects(cycles.current_cycle(), 4), {})
        return len(counted)

    def add(serial: int) -> None:
        at(date(2025, 3, 20))
        made = factories.application(factories.person("孟听雨", serial), world.school, status=Status.QUALIFIED)
        at(SCORES_DAY)
        scores.enter(world.officer, 4, marks(made, "80", "80", "80"))

    add(61)
    one = queries()
    add(62)
    add(63)
    assert queries() == one
