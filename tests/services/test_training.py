"""Training: classes inside their window, enrolment from the qualified, attendance, completion, Excel."""

from collections.abc import Callable
from datetime import date

import pytest

from gongkao.models import TrainingMember
from gongkao.rules.errors import WindowClosed
from gongkao.services import listing, training
from gongkao.services.errors import FieldsRefused, NotFound, Refused
from gongkao.storage.spreadsheets import read_table
from tests import exams
from tests.pages.reading import workbook
from tests.world import World

At = Callable[[date], None]


def _members(world: World, class_id: int) -> list[TrainingMember]:
    found = training.find(world.city_officer, class_id)
    return list(listing.rows(training.members_listing(world.city_officer, found), {}, 100))


def test_a_class_is_filled_from_the_qualified_of_its_trade_and_grade(world: World, at: At) -> None:
    people = exams.qualified(world, 5)
    at(exams.PLANNING_DAY)
    made = exams.training_class(world)
    other = exams.training_class(world, name="四级第2班")
    wrong = exams.training_class(world, name="三级班", grade="3")
    ids = [one.id for one in people]
    assert training.enrol(world.city_officer, wrong.id, ids) == 0
    with pytest.raises(Refused, match="名额还剩3个，所选5人报不下"):
        training.enrol(world.city_officer, made.id, ids)
    assert training.enrol(world.city_officer, made.id, ids[:3]) == 3
    assert training.enrol(world.city_officer, other.id, ids) == 2, "nobody is in two classes"
    assert training.expel(world.city_officer, made.id, [_members(world, made.id)[0].id]) == 1
    assert len(_members(world, made.id)) == 2
    with pytest.raises(FieldsRefused) as refused:
        training.save(world.city_officer, made.id, {**exams.CLASS, "grade": "5", "capacity": "1"})
    assert set(refused.value.fields) == {"grade", "capacity"}


def test_attendance_and_completion_are_kept_all_or_nothing(world: World, at: At) -> None:
    people = exams.qualified(world, 2)
    at(exams.PLANNING_DAY)
    made = exams.training_class(world)
    training.enrol(world.city_officer, made.id, [one.id for one in people])
    first, second = _members(world, made.id)
    typed = {
        training.field_name(first.id, "hours"): "38",
        training.field_name(first.id, "outcome"): "结业",
        training.field_name(second.id, "hours"): "41",
    }
    with pytest.raises(FieldsRefused, match="出勤学时请填写0至40之间的整数"):
        training.record(world.city_officer, made.id, typed)
    assert _members(world, made.id)[0].hours is None
    typed[training.field_name(second.id, "hours")] = ""
    assert training.record(world.city_officer, made.id, typed) == 1
    kept = _members(world, made.id)[0]
    assert (kept.hours, kept.completed) == (38, True)


def test_the_list_goes_out_to_excel_and_comes_back(world: World, at: At) -> None:
    people = exams.qualified(world, 3)
    at(exams.PLANNING_DAY)
    made = exams.training_class(world)
    training.enrol(world.city_officer, made.id, [people[0].id])
    _, sheet = training.members_sheet(world.city_officer, made.id)
    rows = read_table(sheet, "名单.xlsx")
    rows[1][2:5] = ["40", "结业", "优秀学员"]
    rows.append(["温听夏", people[1].person.identity_number, "", "", ""])
    bad = [*rows, ["温听秋错", people[2].person.identity_number, "99", "及格", ""], ["无人", "410122198604099999"]]
    preview = training.read_import(world.city_officer, made.id, workbook(bad), "名单.xlsx")
    assert [(error.number, error.column) for error in preview.errors] == [
        (4, "姓名"), (4, "出勤学时"), (4, "培训结果"), (5, "身份证号"),
    ]  # fmt: skip
    preview = training.commit_import(world.city_officer, made.id, preview.digest, "名单.xlsx")
    assert preview.errors and len(_members(world, made.id)) == 1
    preview = training.read_import(world.city_officer, made.id, workbook(rows), "名单.xlsx")
    assert not preview.errors and (preview.count("新增"), preview.count("修改")) == (1, 1)
    training.commit_import(world.city_officer, made.id, preview.digest, "名单.xlsx")
    kept = {one.application_id: (one.hours, one.completed, one.remark) for one in _members(world, made.id)}
    assert kept == {people[0].id: (40, True, "优秀学员"), people[1].id: (None, None, "")}


def test_a_class_is_planned_and_filled_before_the_training_begins(world: World, at: At) -> None:
    people = exams.qualified(world, 2)
    at(date(2025, 3, 20))
    made = exams.training_class(world)
    assert training.enrol(world.city_officer, made.id, [one.id for one in people]) == 2
    assert not training.recording(world.city_officer, made) and training.editable(world.city_officer, made)
    hours = {training.field_name(_members(world, made.id)[0].id, "hours"): "8"}
    with pytest.raises(WindowClosed, match="尚未开始"):
        training.record(world.city_officer, made.id, hours)
    at(date(2025, 4, 1))
    assert training.recording(world.city_officer, made) and training.record(world.city_officer, made.id, hours) == 1


def test_outside_its_window_and_its_office_nothing_is_changed(world: World, at: At) -> None:
    at(exams.PLANNING_DAY)
    made = exams.training_class(world)
    with pytest.raises(FieldsRefused, match=r"培训时间为2025年4月1日至7月31日（通知三（四）），结束日期应在其中"):
        exams.training_class(world, name="晚班", ends="2025-08-01")
    with pytest.raises(Refused, match="县（市、区）只能查看"):
        training.save(world.officer, None, exams.CLASS)
    assert training.find(world.officer, made.id).id == made.id, "the county sees its city's classes"
    with pytest.raises(NotFound):
        training.find(world.far_city_officer, made.id)
    with pytest.raises(Refused, match="您只能查看"):
        training.remove(world.province_officer, made.id)
    at(date(2025, 8, 1))
    with pytest.raises(WindowClosed, match="现已截止"):
        training.remove(world.city_officer, made.id)
