"""Who may apply for a grade (notice 二（一）; the conditions of data/conditions-2025.toml), judged case by case.

Years are counted to the end of 31 December 2024.
"""

import json
import tomllib
from dataclasses import replace
from datetime import date, timedelta
from itertools import combinations_with_replacement, permutations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gongkao.rules.conditions import STAFF_KINDS, TERMS, AllOf, Conditions, leaves, load_conditions
from gongkao.rules.eligibility import (
    Assessment,
    Certificate,
    Evaluation,
    Facts,
    Outcome,
    Result,
    Verdict,
    evaluate,
    full_years,
)
from gongkao.rules.materials import MaterialKind
from gongkao.rules.retirement import PostKind
from tests.rules.test_conditions import conditions_data

DATA_2025 = tomllib.loads((Path(__file__).parents[2] / "data" / "conditions-2025.toml").read_text(encoding="utf-8"))
CONDITIONS = load_conditions(DATA_2025)
MET, NOT_MET, DOCUMENT, JUDGEMENT = Result
ELIGIBLE, NOT_ELIGIBLE, UNDECIDED = Verdict
FORMAL, HIRED = STAFF_KINDS
DRIVER, MECHANIC = "汽车驾驶员", "汽车维修工"


def years(first: int, outcomes: str, filed: bool = True) -> dict[int, Assessment]:
    """Assessments from a year on, one letter each: 优, 合, 基(本合格), 不(合格), 定(不定等次)."""
    names = {"优": "优秀", "合": "合格", "基": "基本合格", "不": "不合格", "定": "不定等次", "称": "称职"}
    return {first + place: Assessment(names[letter], filed) for place, letter in enumerate(outcomes)}


def held(grade: int, issued_on: date = date(2015, 12, 1), **more: Any) -> dict[str, Any]:
    """The facts of somebody with a certificate."""
    return {
        "has_certificate": True,
        "certificate": Certificate(grade=grade, trade=DRIVER, issued_on=issued_on, filed=True),
        **more,
    }


NO_CERTIFICATE: dict[str, Any] = {"has_certificate": False, "certificate": None}
WORKER = Facts(
    birth=date(1980, 5, 3),
    sex="男",
    post_kind=PostKind.WORKER,
    staff_kind=FORMAL,
    work_started_on=date(2004, 7, 1),
    trade=DRIVER,
    trade_changed=False,
    interrupted=False,
    assessments=years(2016, "合合合合合合合合合"),
    schooling="高中",
    awards=0,
    achievements=0,
    **held(4),
)


def one_term(term: dict[str, Any], **more: Any) -> Conditions:
    """Conditions of grade three with a single term."""
    way = {"title": "途径", "all_of": [term]}
    return load_conditions(
        {
            "year": 2025,
            "counted_to": date(2024, 12, 31),
            "source": "依据",
            "grades": [{"grade": 3, "ways": [way]}],
            **more,
        }
    )


def judged(term: dict[str, Any], facts: Facts, **more: Any) -> Outcome:
    return evaluate(one_term(term, **more), 3, facts).ways[0].parts[0]


WORK_18 = {"type": "years_of_work", "at_least": 18}
WORK_UNDER_10 = {"type": "years_of_work", "under": 10}
GRADE_4_5 = {"type": "years_at_grade", "grade": 4, "at_least": 5}
GRADE_4_5_RUNNING = {**GRADE_4_5, "running": True}
FILED = {"type": "certificate_filed"}
ABOVE = {"type": "above_certificate"}
PASSED_3 = {"type": "assessments_passed", "years": 3}
EXCELLENT_2 = {"type": "assessments_excellent", "at_least": 2}
AWARD = {"type": "awards", "at_least": 1, "level": "省辖市（厅级）及以上"}
ACHIEVED_2 = {"type": "achievements", "at_least": 2}
SCHOOLED = {"type": "schooling", "at_least": "高中"}
PENDING = {2024: Assessment("", filed=False)}
NEAR_5 = {"type": "near_retirement", "under": 5}
STAFF = {"type": "staff", "one_of": [FORMAL, HIRED], "confirm": [HIRED]}
ONLY_FORMAL = {"type": "staff", "one_of": [FORMAL]}
WOMAN: dict[str, Any] = {"sex": "女", "post_kind": PostKind.WORKER}


def case(name: str, term: dict[str, Any], changes: dict[str, Any], result: Result, hint: str = "") -> Any:
    return pytest.param(term, changes, result, hint, id=f"{term['type']}: {name}")


@pytest.mark.parametrize(
    ("term", "changes", "result", "hint"),
    [
        # Years of work: edges on the day
        case("more than enough", WORK_18, {}, MET, "您2004年7月参加工作，到2024年12月31日满20年，要求工作满18年：符合"),
        case("full on the last day", WORK_18, {"work_started_on": date(2007, 1, 1)}, MET, "满18年"),
        case(
            "one day short", WORK_18, {"work_started_on": date(2007, 1, 2)}, NOT_MET, "2007年1月2日参加工作，到2024年"
        ),
        case("unknown", WORK_18, {"work_started_on": None}, DOCUMENT, "没有填报参加工作时间"),
        case("begins later", WORK_18, {"work_started_on": date(2025, 2, 1)}, NOT_MET, "满0年"),
        case("9 full years", WORK_UNDER_10, {"work_started_on": date(2015, 1, 2)}, MET, "满9年，要求工作不满10年"),
        case("10 full years", WORK_UNDER_10, {"work_started_on": date(2015, 1, 1)}, NOT_MET, "满10年"),
        case("a leap day", WORK_18, {"work_started_on": date(2004, 2, 29)}, MET, "满20年"),
        # Years at the earlier grade in the same trade
        case("9 years", GRADE_4_5, {}, MET, "2015年12月取得四级（中级工）证书，到2024年12月31日满9年，要求取得四级"),
        case("full on the last day", GRADE_4_5, held(4, date(2020, 1, 1)), MET, "满5年"),
        case("one day short", GRADE_4_5, held(4, date(2020, 1, 2)), NOT_MET, "满4年"),
        case("no certificate", GRADE_4_5, NO_CERTIFICATE, NOT_MET, "您没有等级证书"),
        case("not said", GRADE_4_5, {"has_certificate": None, "certificate": None}, DOCUMENT, "没有填报原等级证书"),
        case("no date", GRADE_4_5, {"certificate": Certificate(grade=4, trade=DRIVER)}, DOCUMENT, "没有填报四级"),
        case("skipped grade", GRADE_4_5, held(5), NOT_MET, "您现有五级（初级工）证书，不能越级申报三级（高级工）"),
        case("a higher one", GRADE_4_5, held(2), JUDGEMENT, "须核对取得四级（中级工）证书的时间"),
        case(
            "changed trade", GRADE_4_5, {"trade": MECHANIC, "trade_changed": True}, JUDGEMENT, "改报工种须凭现岗位证明"
        ),
        case(
            "another trade unsaid",
            GRADE_4_5,
            {"trade": MECHANIC},
            JUDGEMENT,
            "证书工种为汽车驾驶员，申报工种为汽车维修工",
        ),
        case("no trade yet", GRADE_4_5, {"trade": None, "trade_changed": None}, DOCUMENT, "没有填报证书工种或申报工种"),
        case("changed, too few years", GRADE_4_5, held(4, date(2021, 1, 1), trade=MECHANIC), NOT_MET, "满4年"),
        case("running, not interrupted", GRADE_4_5_RUNNING, {}, MET, "连续满5年"),
        case("running, interrupted", GRADE_4_5_RUNNING, {"interrupted": True}, NOT_MET, "有中断"),
        case("running, unknown", GRADE_4_5_RUNNING, {"interrupted": None}, JUDGEMENT, "须核对有无中断"),
        # Certificate on file, and below the grade applied for
        case("on file", FILED, {}, MET),
        case("not found", FILED, {"certificate": Certificate(grade=4, filed=False)}, NOT_MET, "没有查到备案"),
        case("not checked", FILED, {"certificate": Certificate(grade=4)}, JUDGEMENT, "由审核人员查对"),
        case("no certificate", FILED, NO_CERTIFICATE, NOT_MET),
        case("not said", FILED, {"has_certificate": None, "certificate": None}, DOCUMENT),
        case("lower held", ABOVE, {}, MET, "您现有四级（中级工）证书，申报三级（高级工）"),
        case("the same held", ABOVE, held(3), NOT_MET),
        case("a higher one held", ABOVE, held(2), NOT_MET),
        case("the same in another trade", ABOVE, held(3, trade=MECHANIC), JUDGEMENT, "因改报工种须认定能否申报"),
        case("none held", ABOVE, NO_CERTIFICATE, MET),
        case("not said", ABOVE, {"has_certificate": None, "certificate": None}, DOCUMENT),
        # Yearly assessments
        case("three good", PASSED_3, {"assessments": years(2022, "合优称")}, MET, "2022年合格、2023年优秀、2024年称职"),
        case("basic only", PASSED_3, {"assessments": years(2022, "合基合")}, NOT_MET, "2023年基本合格"),
        case("failed", PASSED_3, {"assessments": years(2022, "合合不")}, NOT_MET),
        case("failed before", PASSED_3, {"assessments": years(2021, "不合合合")}, MET),
        case(
            "last one missing", PASSED_3, {"assessments": years(2022, "合合")}, DOCUMENT, "2024年没有填报（没有备案的"
        ),
        case("not filed", PASSED_3, {"assessments": years(2022, "合合合", False)}, DOCUMENT, "（尚未备案）"),
        case(
            "not filed, no outcome",
            PASSED_3,
            {"assessments": years(2022, "合合") | PENDING},
            DOCUMENT,
            "2024年尚未备案",
        ),
        case("missing and failed", PASSED_3, {"assessments": years(2022, "不")}, NOT_MET),
        case("without a grade", PASSED_3, {"assessments": years(2022, "合定合")}, JUDGEMENT, "2023年不定等次"),
        case("none", PASSED_3, {"assessments": {}}, DOCUMENT),
        case("two excellent", EXCELLENT_2, {"assessments": years(2016, "优合优合合合合合合")}, MET, "优秀2次"),
        case("one excellent", EXCELLENT_2, {"assessments": years(2016, "优合合合合合合合合")}, NOT_MET, "优秀1次"),
        case(
            "two, one not filed",
            EXCELLENT_2,
            {"assessments": years(2016, "优合合合合合合合") | years(2024, "优", False)},
            DOCUMENT,
            "其中1次尚未备案",
        ),
        case(
            "before the grade",
            EXCELLENT_2,
            {"assessments": years(2013, "优优合合合合合合合合合合")},
            NOT_MET,
            "优秀0次",
        ),
        case(
            "in the year of the grade",
            EXCELLENT_2,
            {"assessments": years(2015, "优优合合合合合合合合")},
            JUDGEMENT,
            "2015年（取得证书当年）优秀能否计算须认定",
        ),
        case("years not said", EXCELLENT_2, {"assessments": years(2022, "优合合")}, DOCUMENT, "另有6个年度没有填报"),
        case("one year not said", EXCELLENT_2, {"assessments": years(2017, "合合合合合合合合")}, NOT_MET),
        case(
            "one not filed, no outcome",
            EXCELLENT_2,
            {"assessments": years(2016, "优合合合合合合合") | PENDING},
            DOCUMENT,
        ),
        case(
            "no date of the grade", EXCELLENT_2, {"certificate": Certificate(grade=4)}, DOCUMENT, "现等级证书的发证日期"
        ),
        case(
            "no certificate, since work",
            EXCELLENT_2,
            {**NO_CERTIFICATE, "work_started_on": date(2020, 7, 1), "assessments": years(2020, "优优合合合")},
            MET,
            "2020年至2024年年度考核优秀2次",
        ),
        case("a grade of this year", EXCELLENT_2, held(4, date(2025, 1, 2)), NOT_MET, "还没有年度考核"),
        # Awards, achievements, schooling
        case("one", AWARD, {"awards": 1}, MET, "您填报奖励1项，要求取得现等级以来获省辖市（厅级）及以上奖励1项及以上"),
        case("none", AWARD, {"awards": 0}, NOT_MET),
        case("not said", AWARD, {"awards": None}, DOCUMENT),
        case("two", ACHIEVED_2, {"achievements": 2}, MET),
        case("one", ACHIEVED_2, {"achievements": 1}, NOT_MET, "您填报业绩成果1项"),
        case("not said", ACHIEVED_2, {"achievements": None}, DOCUMENT),
        case("senior secondary", SCHOOLED, {"schooling": "高中"}, MET),
        case("technical school", SCHOOLED, {"schooling": "技工学校"}, MET),
        case("college", SCHOOLED, {"schooling": "大专"}, MET),
        case("junior secondary", SCHOOLED, {"schooling": "初中"}, NOT_MET, "要求技工学校、中专或高中及以上文化程度"),
        case("another word", SCHOOLED, {"schooling": "夜校"}, JUDGEMENT, "须核对学历证书"),
        case("not said", SCHOOLED, {"schooling": None}, DOCUMENT),
        # Near retirement: under five years from the end of 2024 is before 2030-01-01
        case("reached 2029-12-31", NEAR_5, {"birth": date(1968, 12, 31)}, MET, "您2029年12月达到法定退休年龄"),
        case("reached 2030-02-01", NEAR_5, {"birth": date(1969, 1, 1)}, NOT_MET, "您2030年2月达到"),
        case("woman worker", NEAR_5, {**WOMAN, "birth": date(1978, 1, 1)}, MET, "您2029年8月达到"),
        case("woman cadre", NEAR_5, {**WOMAN, "post_kind": PostKind.CADRE, "birth": date(1978, 1, 1)}, NOT_MET),
        case(
            "woman, post unknown",
            NEAR_5,
            {**WOMAN, "post_kind": None, "birth": date(1978, 1, 1)},
            JUDGEMENT,
            "须先认定是工人岗位还是干部岗位",
        ),
        case("woman, either way far", NEAR_5, {**WOMAN, "post_kind": None, "birth": date(1990, 1, 1)}, NOT_MET),
        case("woman, either way near", NEAR_5, {**WOMAN, "post_kind": None, "birth": date(1971, 1, 1)}, MET),
        case("man, post does not matter", NEAR_5, {"birth": date(1968, 1, 1), "post_kind": None}, MET),
        case("no birth", NEAR_5, {"birth": None}, DOCUMENT),
        case("birth to come", NEAR_5, {"birth": date(2030, 1, 1)}, JUDGEMENT, "须核对"),
        # Staff (notice 一（一）)
        case("一（一） formal", STAFF, {}, MET),
        case("一（一） hired", STAFF, {"staff_kind": HIRED}, JUDGEMENT, "须核对聘用合同和所在岗位"),
        case("一（一） other", STAFF, {"staff_kind": "劳务派遣"}, NOT_MET, "要求为在岗正式工作人员或其他聘用工作人员"),
        case("一（一） not said", STAFF, {"staff_kind": None}, DOCUMENT),
        case("a way for formal staff alone", ONLY_FORMAL, {"staff_kind": HIRED}, NOT_MET),
    ],
)
def test_each_term(term: dict[str, Any], changes: dict[str, Any], result: Result, hint: str) -> None:
    outcome = judged(term, replace(WORKER, **changes))
    assert outcome.result is result, outcome.text
    assert hint in outcome.text
    assert outcome.text.endswith(f"：{result.label}")
    assert "要求" in outcome.text
    assert outcome.source == "依据"


TERM_OF = {MET: WORK_18, NOT_MET: ACHIEVED_2, DOCUMENT: AWARD, JUDGEMENT: STAFF}
ALL_OF_ORDER = (NOT_MET, DOCUMENT, JUDGEMENT, MET)
ANY_OF_ORDER = (MET, DOCUMENT, JUDGEMENT, NOT_MET)


@pytest.mark.parametrize("results", [*combinations_with_replacement(Result, 2), *permutations(Result, 3)])
def test_groups_come_out_as_their_worst_or_best_part(results: tuple[Result, ...]) -> None:
    """What a document could settle goes before what only a person can judge."""
    facts = replace(WORKER, awards=None, staff_kind=HIRED)
    for kind, order in (("all_of", ALL_OF_ORDER), ("any_of", ANY_OF_ORDER)):
        outcome = judged({kind: [TERM_OF[result] for result in results]}, facts)
        assert [part.result for part in outcome.parts] == list(results)
        assert outcome.result is min(results, key=order.index)


def test_a_cycle_may_count_by_calendar_years() -> None:
    outcome = judged(WORK_18, replace(WORKER, work_started_on=date(2007, 12, 31)), calendar_years=True)
    assert (outcome.result, "按年头计算为18年" in outcome.text) == (MET, True)
    assert judged(WORK_18, replace(WORKER, work_started_on=date(2008, 1, 1)), calendar_years=True).result is NOT_MET


def test_a_cycle_may_count_years_in_the_earlier_trade() -> None:
    changed = replace(WORKER, trade=MECHANIC, trade_changed=True)
    assert judged(GRADE_4_5, changed, changed_trade_counts=True).result is MET


def test_a_cycle_may_have_another_retirement_age() -> None:
    retirement = {**DATA_2025["retirement"], "man": {"age": 55, "step": 4, "most": 0}}
    assert judged(NEAR_5, replace(WORKER, birth=date(1974, 12, 31)), retirement=retirement).result is MET


def test_only_a_missing_yearly_assessment_may_be_made_up_later() -> None:
    """二（四）: 年度考核结果未经备案的，可容缺后补."""
    missing = replace(WORKER, assessments=years(2022, "合合"), awards=None)
    assert judged(PASSED_3, missing).deferrable
    assert not judged(PASSED_3, replace(WORKER, assessments=years(2022, "合合不"))).deferrable
    assert not judged(AWARD, missing).deferrable


# The five grades by the conditions of 2025

EXCELLENT = years(2016, "优优合合合合合合合")
GOOD_3 = years(2022, "合合合")
NEW = {**NO_CERTIFICATE, "work_started_on": date(2018, 7, 1)}
BY_5, BY_4, BY_3, BY_2 = (
    "取得五级证书满5年",
    "取得四级证书满5年",
    "取得三级证书满5年",
    "取得二级证书连续满5年并有业绩成果",
)
WORK_10, WORK_18_WAY = "工作满10年", "工作满18年"


@pytest.mark.parametrize(
    ("grade", "changes", "verdict", "way"),
    [
        pytest.param(5, NEW, ELIGIBLE, "从事技术工作不满10年", id="五级 new"),
        pytest.param(5, {**NEW, "assessments": {}}, ELIGIBLE, "从事技术工作不满10年", id="五级 asks no assessments"),
        pytest.param(5, NO_CERTIFICATE, NOT_ELIGIBLE, None, id="五级 20 years of work"),
        pytest.param(
            5,
            {**held(4), "work_started_on": date(2018, 7, 1)},
            NOT_ELIGIBLE,
            "从事技术工作不满10年",
            id="五级 四级 held already",
        ),
        pytest.param(4, NO_CERTIFICATE, ELIGIBLE, WORK_10, id="四级 by years of work"),
        pytest.param(4, NEW, NOT_ELIGIBLE, None, id="四级 neither years nor certificate"),
        pytest.param(4, {**held(5), "work_started_on": date(2018, 7, 1)}, ELIGIBLE, BY_5, id="四级 by certificate"),
        pytest.param(
            4,
            {
                "certificate": Certificate(grade=5, trade=DRIVER, issued_on=date(2015, 12, 1)),
                "work_started_on": date(2018, 7, 1),
            },
            UNDECIDED,
            None,
            id="四级 certificate not yet looked up",
        ),
        pytest.param(4, held(5, assessments=years(2022, "合合")), UNDECIDED, BY_5, id="四级 last assessment missing"),
        pytest.param(4, held(5, assessments=years(2022, "合合不")), NOT_ELIGIBLE, BY_5, id="四级 last one failed"),
        pytest.param(3, {"awards": 1}, ELIGIBLE, BY_4, id="三级 with an award"),
        pytest.param(3, {"assessments": EXCELLENT}, ELIGIBLE, BY_4, id="三级 twice excellent"),
        pytest.param(3, {}, NOT_ELIGIBLE, BY_4, id="三级 neither award nor excellent nor near retirement"),
        pytest.param(3, {"birth": date(1966, 1, 1)}, ELIGIBLE, BY_4, id="三级 near retirement"),
        pytest.param(
            3,
            {"birth": date(1966, 1, 1), "assessments": years(2016, "合合合合合合合合不")},
            NOT_ELIGIBLE,
            BY_4,
            id="三级 near retirement but failed last year",
        ),
        pytest.param(3, {"work_started_on": date(1994, 12, 1)}, ELIGIBLE, BY_4, id="三级 30 years of work"),
        pytest.param(3, {"work_started_on": date(1995, 1, 1)}, ELIGIBLE, BY_4, id="三级 30 years on the day"),
        pytest.param(3, {"work_started_on": date(1995, 1, 2)}, NOT_ELIGIBLE, BY_4, id="三级 a day short of 30 years"),
        pytest.param(3, {**held(5), "awards": 1}, ELIGIBLE, WORK_18_WAY, id="三级 五级 held, by years of work"),
        pytest.param(
            3,
            {**held(5), "awards": 1, "work_started_on": date(2010, 7, 1)},
            NOT_ELIGIBLE,
            None,
            id="三级 a skipped grade without a way in",
        ),
        pytest.param(
            3,
            {"trade": MECHANIC, "trade_changed": True, "awards": 1, "work_started_on": date(2010, 7, 1)},
            UNDECIDED,
            None,
            id="三级 changed trade",
        ),
        pytest.param(3, {"staff_kind": HIRED, "awards": 1}, UNDECIDED, BY_4, id="三级 hired staff"),
        pytest.param(3, {"awards": None}, UNDECIDED, BY_4, id="三级 awards not said"),
        pytest.param(2, held(3, awards=1), ELIGIBLE, BY_3, id="二级 with an award"),
        pytest.param(2, {"awards": 1}, NOT_ELIGIBLE, None, id="二级 a skipped grade, however long at work"),
        pytest.param(2, held(3, date(2020, 6, 1), awards=1), NOT_ELIGIBLE, None, id="二级 four years at 三级"),
        pytest.param(2, {**NO_CERTIFICATE, "awards": 1}, NOT_ELIGIBLE, None, id="二级 without a certificate"),
        pytest.param(1, held(2, achievements=1), ELIGIBLE, BY_2, id="一级 with an achievement"),
        pytest.param(1, held(2), NOT_ELIGIBLE, None, id="一级 without one: not the ordinary next step 四（二）"),
        pytest.param(1, held(2, achievements=1, interrupted=True), NOT_ELIGIBLE, None, id="一级 interrupted"),
        pytest.param(1, held(2, achievements=1, schooling="初中"), NOT_ELIGIBLE, BY_2, id="一级 schooling too low"),
        pytest.param(1, held(2, achievements=2, schooling="初中"), ELIGIBLE, BY_2, id="一级 schooling waived by two"),
        pytest.param(1, held(3, achievements=2), NOT_ELIGIBLE, None, id="一级 a skipped grade"),
        pytest.param(1, held(2, achievements=1, assessments=GOOD_3), ELIGIBLE, BY_2, id="一级 three years good"),
    ],
)
def test_each_grade(grade: int, changes: dict[str, Any], verdict: Verdict, way: str | None) -> None:
    found = evaluate(CONDITIONS, grade, replace(WORKER, **changes))
    texts = [outcome.text for part in (*found.ways, *found.common) for outcome in part.leaves()]
    assert found.verdict is verdict, texts
    assert (found.way.condition.title if found.way and isinstance(found.way.condition, AllOf) else None) == way
    assert found.summary
    assert (not found.open) == (verdict is ELIGIBLE)


def test_a_grade_without_conditions_this_year_is_undecided_and_says_so() -> None:
    found = evaluate(one_term(WORK_18), 2, WORKER)
    assert found.verdict is UNDECIDED
    assert "没有规定申报二级（技师）的条件" in found.summary


def test_the_parts_say_what_they_looked_at_and_what_proves_them() -> None:
    found = evaluate(CONDITIONS, 3, WORKER)
    either = found.common[-1]
    assert [part.material for part in either.leaves()] == [
        MaterialKind.ACHIEVEMENT,
        MaterialKind.ASSESSMENT,
        None,
        MaterialKind.WORK_YEARS,
        MaterialKind.ASSESSMENT,
    ]
    assert "birth" in either.uses
    assert "awards" in either.uses
    assert found.common[0].source == "豫人社函〔2025〕21号一（一）"
    assert found.ways[0].source == DATA_2025["source"]


# For any facts and any conditions


def all_outcomes(found: Evaluation) -> list[Outcome]:
    todo, seen = [*found.ways, *found.common], []
    while todo:
        outcome = todo.pop()
        seen.append(outcome)
        todo.extend(outcome.parts)
    return seen


maybe_int = st.none() | st.integers(-1, 5)
any_day = st.none() | st.dates()
certificates = st.builds(
    Certificate,
    grade=st.none() | st.integers(0, 7),
    trade=st.none() | st.sampled_from(["", DRIVER, MECHANIC]),
    issued_on=any_day,
    filed=st.none() | st.booleans(),
)
any_facts = st.builds(
    Facts,
    birth=any_day,
    sex=st.sampled_from([None, "男", "女", "", "M"]),
    post_kind=st.none() | st.sampled_from(PostKind),
    staff_kind=st.sampled_from([None, "", FORMAL, HIRED, "劳务派遣"]),
    work_started_on=any_day,
    has_certificate=st.none() | st.booleans(),
    certificate=st.none() | certificates,
    trade=st.sampled_from([None, "", DRIVER, MECHANIC]),
    trade_changed=st.none() | st.booleans(),
    interrupted=st.none() | st.booleans(),
    assessments=st.dictionaries(
        st.integers(2010, 2026),
        st.builds(
            Assessment, st.sampled_from(["优秀", "合格", "称职", "基本合格", "不合格", "不定等次", ""]), st.booleans()
        ),
        max_size=12,
    ),
    schooling=st.sampled_from([None, "", "小学", "初中", "高中", "技校", "大专", "夜校"]),
    awards=maybe_int,
    achievements=maybe_int,
)


@given(conditions_data(), st.integers(0, 6), any_facts)
def test_judging_never_fails_and_every_outcome_has_words(data: dict[str, Any], grade: int, facts: Facts) -> None:
    found = evaluate(load_conditions(data), grade, facts)
    kept = json.loads(json.dumps(found.to_data(), ensure_ascii=False))
    assert kept["verdict"] == found.verdict.value
    for outcome in all_outcomes(found):
        assert outcome.text.endswith(f"：{outcome.result.label}")
        assert outcome.source
        assert "None" not in outcome.text


@given(conditions_data(), st.integers(1, 5), any_facts)
def test_the_verdict_follows_from_the_parts(data: dict[str, Any], grade: int, facts: Facts) -> None:
    found = evaluate(load_conditions(data), grade, facts)
    for outcome in all_outcomes(found):
        parts = [part.result for part in outcome.parts]
        if not parts:
            continue
        if isinstance(outcome.condition, AllOf):
            assert (outcome.result is MET) == all(part is MET for part in parts)
            assert (outcome.result is NOT_MET) == any(part is NOT_MET for part in parts)
        else:
            assert (outcome.result is MET) == any(part is MET for part in parts)
            assert (outcome.result is NOT_MET) == all(part is NOT_MET for part in parts)
    if not found.ways:
        assert found.verdict is UNDECIDED
        return
    ways, common = [part.result for part in found.ways], [part.result for part in found.common]
    assert (found.way is not None) == (MET in ways)
    assert (found.verdict is ELIGIBLE) == (MET in ways and all(result is MET for result in common))
    assert (found.verdict is NOT_ELIGIBLE) == (NOT_MET in common or all(result is NOT_MET for result in ways))
    assert (not found.open) == (found.verdict is ELIGIBLE)


RANK = {NOT_ELIGIBLE: 0, UNDECIDED: 1, ELIGIBLE: 2}
near_facts = any_facts.flatmap(
    lambda facts: st.builds(
        replace,
        st.just(facts),
        work_started_on=st.dates(date(1985, 1, 1), date(2024, 12, 31)),
        has_certificate=st.just(True),
        certificate=st.builds(
            Certificate,
            grade=st.integers(2, 5),
            trade=st.just(DRIVER),
            issued_on=st.dates(date(1995, 1, 1), date(2024, 12, 31)),
            filed=st.just(True),
        ),
        staff_kind=st.just(FORMAL),
    )
)


@given(st.integers(1, 4), near_facts, st.integers(0, 4000), st.integers(0, 4000))
def test_more_years_never_turn_eligible_into_less(grade: int, facts: Facts, more: int, longer: int) -> None:
    """For grades four to one; grade five is for those under ten years on purpose."""
    assert facts.work_started_on is not None
    assert facts.certificate is not None
    assert facts.certificate.issued_on is not None
    earlier = replace(
        facts,
        work_started_on=facts.work_started_on - timedelta(days=more),
        certificate=replace(facts.certificate, issued_on=facts.certificate.issued_on - timedelta(days=longer)),
    )
    before, after = evaluate(CONDITIONS, grade, facts), evaluate(CONDITIONS, grade, earlier)
    assert RANK[before.verdict] <= RANK[after.verdict]
    for one, other in zip(all_outcomes(before), all_outcomes(after), strict=True):
        if one.result is MET:
            assert other.result is MET, (one.text, other.text)


UNKNOWN = ["work_started_on", "schooling", "awards", "achievements", "staff_kind", "birth"]


@given(st.integers(1, 5), any_facts, st.sampled_from(UNKNOWN))
def test_what_is_not_known_is_never_met(grade: int, facts: Facts, name: str) -> None:
    """Forgetting a fact never makes anything met that was not, and no single condition that needs it is met."""
    forgotten = evaluate(CONDITIONS, grade, replace(facts, **{name: None}))
    for outcome in all_outcomes(forgotten):
        if outcome.uses == (name,) and not outcome.parts:
            assert outcome.result is DOCUMENT
    nothing = evaluate(CONDITIONS, grade, Facts())
    assert nothing.verdict is UNDECIDED
    assert all(outcome.result is DOCUMENT for outcome in all_outcomes(nothing))


@given(st.dates(date(1950, 1, 1), date(2024, 12, 31)), st.dates(date(1990, 1, 1), date(2024, 12, 31)))
def test_full_years(start: date, counted_to: date) -> None:
    count = full_years(start, counted_to)
    end = counted_to + timedelta(days=1)
    if start > counted_to:
        assert count == 0
    else:
        # The last full year ended by then, the next had not.
        assert (start.year + count, start.month, start.day) <= (end.year, end.month, end.day)
        assert (start.year + count + 1, start.month, start.day) > (end.year, end.month, end.day)
        assert count <= full_years(start, counted_to, calendar_years=True) <= count + 2


def test_every_term_of_the_data_is_judged_somewhere_above() -> None:
    used = {
        term.type for entry in CONDITIONS.grades for term in leaves((*CONDITIONS.everyone, *entry.ways, *entry.also))
    }
    assert used == set(TERMS)
