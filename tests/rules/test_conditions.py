"""Conditions as data (notice 二（一）): what is read, what is refused with its place, and that nothing is lost."""

import copy
import json
import tomllib
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gongkao.rules.conditions import (
    SCHOOLING_LEVELS,
    STAFF_KINDS,
    TERMS,
    InvalidConditions,
    leaves,
    load_conditions,
    to_data,
)
from gongkao.rules.retirement import NATIONAL

DATA_2025 = tomllib.loads((Path(__file__).parents[2] / "data" / "conditions-2025.toml").read_text(encoding="utf-8"))


def plain(**more: Any) -> dict[str, Any]:
    """The shortest conditions there can be, with changes."""
    way = {"title": "工作满10年", "all_of": [{"type": "years_of_work", "at_least": 10}]}
    return {
        "year": 2025,
        "counted_to": "2024-12-31",
        "source": "豫人社办〔2024〕19号",
        "grades": [{"grade": 4, "ways": [way]}],
    } | more


def with_term(term: Any) -> dict[str, Any]:
    return plain(grades=[{"grade": 4, "ways": [{"title": "途径", "all_of": [term]}]}])


# Every data that may stand in a term, by its type.

whole = st.integers(1, 20)
words = st.text("省辖市厅级及以上奖励", min_size=1, max_size=20)
INPUTS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "years_of_work": st.one_of(
        st.fixed_dictionaries({"at_least": whole}),
        st.fixed_dictionaries({"under": whole}),
        st.fixed_dictionaries({"at_least": st.integers(1, 9), "under": st.integers(10, 60)}),
    ),
    "years_at_grade": st.fixed_dictionaries(
        {"grade": st.integers(1, 5), "at_least": whole}, optional={"running": st.booleans()}
    ),
    "certificate_filed": st.just({}),
    "above_certificate": st.just({}),
    "assessments_passed": st.fixed_dictionaries({"years": st.integers(1, 10)}),
    "assessments_excellent": st.fixed_dictionaries({"at_least": whole}),
    "awards": st.fixed_dictionaries({"at_least": whole, "level": words}),
    "achievements": st.fixed_dictionaries({"at_least": whole}),
    "schooling": st.fixed_dictionaries({"at_least": st.sampled_from(SCHOOLING_LEVELS)}),
    "near_retirement": st.fixed_dictionaries({"under": whole}),
    "staff": st.sampled_from(
        [
            {"one_of": list(STAFF_KINDS), "confirm": [STAFF_KINDS[1]]},
            {"one_of": [STAFF_KINDS[0]]},
            {"one_of": [STAFF_KINDS[1]], "confirm": []},
        ]
    ),
}


@st.composite
def terms(draw: st.DrawFn) -> dict[str, Any]:
    name = draw(st.sampled_from(sorted(TERMS)))
    source = draw(st.sampled_from([{}, {"source": "豫人社办〔2021〕27号"}]))
    return {"type": name, **draw(INPUTS[name]), **source}


def groups(parts: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    title = st.sampled_from([{}, {"title": "符合其中一项"}])
    some = st.lists(parts, min_size=1, max_size=3)
    return st.builds(
        lambda kind, words, found: {kind: found, **words}, st.sampled_from(["all_of", "any_of"]), title, some
    )


nodes = st.one_of(terms(), groups(st.one_of(terms(), groups(terms()))))
ways = st.lists(
    st.builds(lambda parts: {"title": "途径", "all_of": parts}, st.lists(nodes, min_size=1, max_size=3)),
    min_size=1,
    max_size=3,
)


@st.composite
def conditions_data(draw: st.DrawFn) -> dict[str, Any]:
    """Any conditions that can be taken, as plain data."""
    grades = draw(st.lists(st.integers(1, 5), min_size=1, max_size=5, unique=True))
    return {
        "year": 2025,
        "counted_to": draw(st.sampled_from(["2024-12-31", "2025-03-31", date(2024, 12, 31)])),
        "source": "豫人社办〔2024〕19号",
        "calendar_years": draw(st.booleans()),
        "changed_trade_counts": draw(st.booleans()),
        "everyone": draw(st.lists(nodes, max_size=2)),
        "grades": [{"grade": grade, "ways": draw(ways), "also": draw(st.lists(nodes, max_size=2))} for grade in grades],
    }


@given(conditions_data())
def test_what_is_kept_as_json_comes_back_the_same(data: dict[str, Any]) -> None:
    conditions = load_conditions(data)
    kept = json.loads(json.dumps(to_data(conditions), ensure_ascii=False))
    assert load_conditions(kept) == conditions
    assert to_data(load_conditions(kept)) == kept


@given(terms())
def test_every_term_says_what_it_asks(term: dict[str, Any]) -> None:
    (way,) = load_conditions(with_term(term)).grades[0].ways
    (made,) = leaves(way.parts)
    assert made.requirement
    assert made.label
    assert made.uses


def test_there_are_inputs_for_every_term() -> None:
    assert set(INPUTS) == set(TERMS)


def test_the_conditions_of_2025() -> None:
    conditions = load_conditions(DATA_2025)
    assert conditions.counted_to == date(2024, 12, 31)
    assert conditions.retirement == NATIONAL
    assert [int(entry.grade) for entry in conditions.grades] == [5, 4, 3, 2, 1]
    assert [[way.title for way in entry.ways] for entry in conditions.grades] == [
        ["从事技术工作不满10年"],
        ["取得五级证书满5年", "工作满10年"],
        ["取得四级证书满5年", "工作满18年"],
        ["取得三级证书满5年"],
        ["取得二级证书连续满5年并有业绩成果"],
    ]
    assert load_conditions(json.loads(json.dumps(to_data(conditions)))) == conditions


def changed(change: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    data = copy.deepcopy(DATA_2025)
    change(data)
    return data


DEEP: dict[str, Any] = {"type": "years_of_work", "at_least": 1}
for _ in range(8):
    DEEP = {"any_of": [DEEP]}


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ({}, "申报条件：缺少年度（year）"),
        (plain(year="2025"), "申报条件：年度应为2000至2100的整数，现为“2025”"),
        (plain(counted_to="2024年底"), "申报条件：年限计算截止日期（counted_to）请按“2024-12-31”的格式填写"),
        (plain(counted_to="2020-12-31"), "申报条件：年限计算截止日期应在考核年度当年或上一年"),
        (plain(source=" "), "申报条件：依据应为1至200个字的文字"),
        (plain(calendar_years="是"), "申报条件：是否按年头计算应填 true（是）或 false（否）"),
        (plain(grade=[]), "申报条件：不认识的项目“grade”"),
        (plain(grades=[]), "申报条件：至少要有一个等级的条件"),
        (plain(grades=["四级"]), "第1个等级：应为一组"),
        (plain(grades=[{"grade": 6, "ways": []}]), "第1个等级：等级应为1至5的整数，现为“6”"),
        (plain(grades=[{"grade": 4, "ways": []}]), "四级（中级工）：至少要有一条途径"),
        (plain(grades=plain()["grades"] * 2), "四级（中级工）：同一等级只能写一次"),
        (plain(everyone={}), "共同条件：应为一列条件"),
        (plain(everyone=[{"type": "awards"}]), "共同条件第1项：缺少至少几项（at_least）"),
        (plain(grades=[{"grade": 4, "ways": [DEEP]}]), "四级（中级工）途径1：途径应有名称"),
        (with_term(DEEP), "条件最多套6层"),
        (with_term("工作满10年"), "四级（中级工）途径1第1项：应为一组"),
        (with_term({}), "四级（中级工）途径1第1项：应写明一种条件"),
        (with_term({"type": "awards", "any_of": []}), "三者只写一个"),
        (with_term({"any_of": []}), "四级（中级工）途径1第1项：一组条件中至少要有一项"),
        (with_term({"any_of": [{"type": "luck"}]}), "四级（中级工）途径1第1项第1项：没有“luck”这种条件"),
        (with_term({"type": ["awards"]}), "这种条件，可用的有：years_of_work（参加工作年限）"),
        (with_term({"type": "years_of_work"}), "“至少满几年”和“不满几年”至少填一项"),
        (with_term({"type": "years_of_work", "at_least": 10, "under": 10}), "“至少满几年”应小于“不满几年”"),
        (with_term({"type": "years_of_work", "at_least": 0}), "至少满几年应为1至60的整数，现为“0”"),
        (with_term({"type": "years_of_work", "at_least": 10.5}), "至少满几年应为1至60的整数，现为“10.5”"),
        (with_term({"type": "years_of_work", "at_least": True}), "至少满几年应为1至60的整数"),
        (with_term({"type": "years_of_work", "atleast": 10}), "不认识的项目“atleast”"),
        (with_term({"type": "schooling", "at_least": "很高"}), "最低学历应为“初中”“高中”“大专”“本科”“研究生”之一"),
        (with_term({"type": "staff", "one_of": ["临时工"]}), "人员类别应从“在岗正式工作人员”“其他聘用工作人员”中选列"),
        (with_term({"type": "staff", "one_of": []}), "人员类别至少填一类"),
        (
            with_term({"type": "staff", "one_of": [STAFF_KINDS[0]], "confirm": [STAFF_KINDS[1]]}),
            "须审核人员认定的类别应包括在人员类别之内",
        ),
        (plain(retirement={}), "退休年龄：开始延迟的月份首日（begins）请按"),
        (changed(lambda data: data["retirement"].pop("man")), "退休年龄：男职工：应为一组"),
        (changed(lambda data: data["retirement"]["man"].update(step=0)), "退休年龄：男职工：每几个月延迟一个月应为"),
        (changed(lambda data: data["retirement"].update(child=1)), "退休年龄：不认识的项目“child”"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(data: dict[str, Any], problem: str) -> None:
    with pytest.raises(InvalidConditions) as refused:
        load_conditions(data)
    assert any(problem in words for words in refused.value.problems), refused.value.problems


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(InvalidConditions) as refused:
        load_conditions(plain(year=1, source="", everyone=[{"type": "luck"}]))
    assert len(refused.value.problems) == 3
    assert refused.value.message == "；".join(refused.value.problems)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6) | st.sampled_from(sorted(TERMS)),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "all_of", "any_of", "title", "at_least", "grade", "ways", "also", "x"]), inner
        )
    ),
    max_leaves=12,
)


@given(st.sampled_from(["grades", "everyone", "retirement", "counted_to", "year", "source"]), anything)
def test_nothing_typed_breaks_the_reading(key: str, value: Any) -> None:
    try:
        load_conditions(plain(**{key: value}))
    except InvalidConditions as refused:
        assert refused.problems
