"""The form's own rules: what is missing, what is wrong, what is needed."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gongkao.rules.application_form import (
    NOT_FILED,
    FormFacts,
    FormStep,
    WorkFacts,
    lacking_materials,
    problems,
    review_items,
    step_of_item,
    step_problems,
)
from gongkao.rules.form_input import read_step
from gongkao.rules.materials import MaterialKind

TODAY = date(2025, 3, 20)
WHOLE = FormFacts(
    today=TODAY,
    year=2025,
    birth_date=date(1985, 6, 12),
    education="高中",
    unit_id=1,
    department="后勤科",
    post="驾驶岗",
    staff_kind="在岗正式工作人员",
    work_started_on=date(2004, 7, 1),
    post_started_on=date(2010, 3, 1),
    trade_id=1,
    trade_name="汽车驾驶员",
    open_grades=frozenset({2, 3, 4, 5}),
    grade=4,
    work=(
        WorkFacts(date(2004, 7, 1), date(2010, 2, 28), "云溪站", "养护岗"),
        WorkFacts(date(2010, 3, 1), None, "晴川学校", "驾驶岗", "汽车驾驶员"),
    ),
    has_certificate=True,
    certificate_grade=5,
    certificate_trade="汽车驾驶员",
    certificate_number="164100",
    certificate_issued_on=date(2015, 12, 1),
    certificate_issuer="河南省人力资源和社会保障厅",
    assessments={2024: "合格", 2023: "合格", 2022: "优秀"},
    materials=dict.fromkeys(
        (
            MaterialKind.IDENTITY_CARD,
            MaterialKind.PHOTO,
            MaterialKind.POST,
            MaterialKind.WORK_YEARS,
            MaterialKind.CERTIFICATE,
            MaterialKind.ASSESSMENT,
        ),
        1,
    ),
    pledged=True,
)
EMPTY = FormFacts(today=TODAY, year=2025, birth_date=date(1985, 6, 12))


def test_a_whole_form_has_no_problem() -> None:
    assert problems(WHOLE) == ()


def test_an_empty_form_only_lacks_things() -> None:
    found = problems(EMPTY)
    assert {problem.step for problem in found} == set(FormStep) - {FormStep.PREVIEW}
    assert all(problem.missing for problem in found)


WRONG = [
    (FormStep.UNIT, {"unit_active": False}, "unit_name", "停用"),
    (FormStep.UNIT, {"work_started_on": date(2025, 3, 21)}, "work_started_on", "不能晚于今天"),
    (FormStep.UNIT, {"work_started_on": date(1999, 6, 11)}, "work_started_on", "14周岁"),
    (FormStep.UNIT, {"post_started_on": date(2004, 6, 30)}, "post_started_on", "早于参加工作时间"),
    (FormStep.UNIT, {"sex": "女"}, "post_kind", "岗位性质"),
    (FormStep.PLEDGE, {"reaches_retirement": True}, "retirement_acknowledged", "到龄"),
    (FormStep.TRADE, {"open_grades": frozenset()}, "trade_id", "没有开考"),
    (FormStep.TRADE, {"trade_changed": True}, "trade_change_reason", "改报工种的原因"),
    (FormStep.GRADE, {"grade": 1, "open_grades": frozenset({2})}, "grade", "没有开考一级"),
    (FormStep.GRADE, {"grade": 1, "open_grades": frozenset({1})}, "grade_one_confirmed", "勾选确认"),
    (FormStep.CERTIFICATE, {"certificate_grade": 4}, "certificate_grade", "没有提高"),
    (FormStep.CERTIFICATE, {"certificate_issued_on": TODAY + timedelta(1)}, "certificate_issued_on", "晚于今天"),
    (FormStep.ASSESSMENTS, {"assessments": {2024: "合格", 2022: "合格"}}, "year_2023", "2023年度"),
    (FormStep.MATERIALS, {"trade_changed": True}, "material-trade_change", "改报工种证明"),
    (FormStep.MATERIALS, {"materials": {**WHOLE.materials, MaterialKind.PHOTO: 2}}, "material-photo", "最多1个"),
    (FormStep.PLEDGE, {"pledged": False}, "pledged", "承诺"),
]


@pytest.mark.parametrize(("step", "change", "field", "words"), WRONG)
def test_one_thing_wrong_is_told_at_its_field(step: FormStep, change: dict, field: str, words: str) -> None:
    found = step_problems(step, replace(WHOLE, **change))
    assert [problem.field for problem in found] == [field]
    assert words in found[0].message


def test_a_certificate_of_the_same_grade_in_another_trade_is_no_mistake() -> None:
    other = replace(WHOLE, certificate_grade=4, certificate_trade="绿化工")
    assert step_problems(FormStep.CERTIFICATE, other) == ()


def _periods(*spans: tuple[str, str]) -> tuple[WorkFacts, ...]:
    return tuple(
        WorkFacts(date.fromisoformat(start), date.fromisoformat(end) if end else None, "单位", "岗位")
        for start, end in spans
    )


WORK = [
    ((("2004-07-01", ""),), None, ""),
    # The order of the rows does not matter.
    ((("2010-03-01", ""), ("2004-07-01", "2010-02-28")), None, ""),
    # Within the same month, and a month apart, is close enough.
    ((("2004-07-01", "2010-03-15"), ("2010-03-01", "")), None, ""),
    ((("2004-08-01", "2010-02-01"), ("2010-03-31", "")), None, ""),
    ((("2005-01-01", ""),), "work-0-started_on", "从参加工作时间"),
    ((("2004-07-01", "2010-05-01"), ("2010-03-01", "")), "work-1-started_on", "重叠"),
    ((("2004-07-01", "2009-12-31"), ("2010-03-01", "")), "work-1-started_on", "没有填写"),
    ((("2004-07-01", ""), ("2010-03-01", "")), "work-0-ended_on", "后面还有经历"),
    ((("2004-07-01", "2024-12-31"),), "work-0-ended_on", "至今"),
    ((("2004-07-01", "2004-06-01"),), "work-0-ended_on", "早于起始时间"),
    ((("2004-07-01", "2026-01-01"),), "work-0-ended_on", "晚于今天"),
    ((), "", "至少一段"),
]


@pytest.mark.parametrize(("spans", "field", "words"), WORK)
def test_the_work_history_goes_without_a_gap_from_the_first_day_until_now(
    spans: tuple[tuple[str, str], ...], field: str | None, words: str
) -> None:
    found = step_problems(FormStep.WORK, replace(WHOLE, work=_periods(*spans)))
    assert [problem.field for problem in found] == ([] if field is None else [field])
    assert not found or words in found[0].message


@given(st.lists(st.dates(date(2004, 8, 2), date(2025, 3, 19)), max_size=6, unique=True), st.randoms())
def test_any_unbroken_history_passes_in_any_order(cuts: list[date], random) -> None:
    starts = [date(2004, 7, 1), *sorted(cuts)]
    ends = [*(start - timedelta(1) for start in starts[1:]), None]
    rows = [WorkFacts(start, end, "单位", "岗位") for start, end in zip(starts, ends, strict=True)]
    random.shuffle(rows)
    assert step_problems(FormStep.WORK, replace(WHOLE, work=tuple(rows))) == ()


def test_only_an_unfiled_yearly_assessment_may_come_later() -> None:
    """Notice 二（四）: 容缺后补."""
    nothing = replace(WHOLE, materials={})
    not_filed = replace(nothing, assessments={2024: NOT_FILED, 2023: "合格", 2022: "合格"})
    needed = {rule.kind for rule in lacking_materials(nothing)}
    for facts, left_out in (
        (not_filed, set()),
        (replace(nothing, deferral_pledged=True), set()),
        (replace(not_filed, deferral_pledged=True), {MaterialKind.ASSESSMENT}),
    ):
        assert needed - {rule.kind for rule in lacking_materials(facts)} == left_out


def test_every_item_of_the_checklist_has_its_page() -> None:
    for item in review_items(MaterialKind):
        assert step_of_item(item.key) is item.step


READ = [
    (FormStep.PERSON, {"education": "博士后"}, "education", "列出"),
    (FormStep.UNIT, {"work_started_on": "2004-13-01"}, "work_started_on", "不是一个存在的日期"),
    (FormStep.UNIT, {"work_started_on": "去年"}, "work_started_on", "格式"),
    (FormStep.UNIT, {"department": "部" * 41}, "department", "最多40个字"),
    (FormStep.TRADE, {"trade_changed": "y", "trade_change_reason": "改"}, "trade_change_reason", "至少4个字"),
    (FormStep.GRADE, {"grade": "6"}, "grade", "列出"),
    (FormStep.GRADE, {"grade": "2", "awards_since": "两项"}, "awards_since", "整数"),
    (FormStep.WORK, {"work-3-started_on": "昨天"}, "work-0-started_on", "格式"),
    (FormStep.CERTIFICATE, {"has_certificate": "yes", "certificate_grade": "x"}, "certificate_grade", "列出"),
    (FormStep.ASSESSMENTS, {"year_2024": "良好"}, "year_2024", "列出"),
]


@pytest.mark.parametrize(("step", "typed", "field", "words"), READ)
def test_what_cannot_be_read_is_told_at_its_field(step: FormStep, typed: dict, field: str, words: str) -> None:
    read = read_step(step, typed, today=TODAY, year=2025)
    assert list(read.wrong) == [field]
    assert words in read.wrong[field]
    assert field not in read.values


def test_days_are_read_as_people_write_them() -> None:
    for text in ("2004-07-01", "20040701", "2004.7.1", "2004年7月1日", "２００４-７-１"):
        read = read_step(FormStep.UNIT, {"work_started_on": text}, today=TODAY, year=2025)
        assert read.values["work_started_on"] == date(2004, 7, 1)


def test_answers_that_no_longer_count_are_dropped() -> None:
    without = {"has_certificate": "no", "certificate_number": "164100"}
    assert read_step(FormStep.CERTIFICATE, without, today=TODAY, year=2025).values["certificate_number"] is None
    other = {"grade": "2", "grade_one_confirmed": "y"}
    assert read_step(FormStep.GRADE, other, today=TODAY, year=2025).values["grade_one_confirmed"] is False


@given(st.dictionaries(st.text(max_size=12), st.text(max_size=20), max_size=8), st.sampled_from(list(FormStep)))
def test_nothing_that_is_typed_breaks_the_reading(typed: dict[str, str], step: FormStep) -> None:
    read = read_step(step, typed, today=TODAY, year=2025)
    assert not set(read.wrong) & set(read.values)
