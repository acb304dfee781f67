"""The conditions' versions: appended with who, when and why, told in words, out to a file and back."""

import tomllib
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from gongkao.config import ROOT
from gongkao.extensions import db
from gongkao.models import AuditEntry, ConditionSet
from gongkao.rules.conditions import InvalidConditions, load_conditions, to_data
from gongkao.services import conditions, cycles, listing
from gongkao.services.conditions import Change
from gongkao.services.errors import Conflict, FieldsRefused, NotFound, Refused
from tests.world import World

FILE = ROOT / "data" / "conditions-2025.toml"


def _current() -> ConditionSet:
    return conditions.current(cycles.current_cycle())


def _data() -> dict[str, Any]:
    return to_data(conditions.rules_of(_current()))


def _with_years(years: int, grade: int = 4) -> dict[str, Any]:
    """The current conditions with so many years at the earlier grade."""
    data = _data()
    entry = next(entry for entry in data["grades"] if entry["grade"] == grade)
    entry["ways"][0]["all_of"][0]["at_least"] = years
    return data


def test_the_starting_data_is_the_first_version(world: World) -> None:
    version = _current()
    assert (version.version, version.created_by_id, conditions.by_whom(version)) == (1, None, "系统")
    assert conditions.rules_of(version) == load_conditions(tomllib.loads(FILE.read_text(encoding="utf-8")))


def test_a_change_appends_a_version_with_who_when_and_why(world: World) -> None:
    made = conditions.change(world.province_manager, _with_years(6), "按19号文件核对 ", based_on=1)
    assert (made.version, made.note, made.created_by_id) == (2, "按19号文件核对", world.province_manager.id)
    assert made.created_at.date() == date(2025, 3, 20) and conditions.by_whom(made).endswith("负责")
    assert _current() is made and conditions.find(1).data != made.data
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "change_conditions")).one()
    assert entry.detail["version"] == 2 and entry.detail["note"] == "按19号文件核对"
    ((place, before, after),) = entry.detail["changed"]
    assert place == "四级（中级工）途径“取得五级证书满5年”"
    assert (before, after) == (
        "取得五级（初级工）证书满5年且工种相同",
        "取得五级（初级工）证书满6年且工种相同",
    )
    page = listing.run(conditions.versions(), {"q": "19号"})
    assert [row.cells[0].text for row in page.rows] == ["第2版"]
    assert [row.cells[0].text for row in listing.run(conditions.versions(), {}).rows] == ["第2版", "第1版"]
    with pytest.raises(NotFound):
        conditions.find(3)


def test_what_cannot_be_taken_changes_nothing(world: World) -> None:
    manager = world.province_manager
    for actor in (world.province_officer, world.manager, world.inspector, world.applicant):
        with pytest.raises(Refused, match="省职业技能等级评价指导中心的负责人"):
            conditions.change(actor, _with_years(6), "试改")
    with pytest.raises(Refused, match="与现行条件相同"):
        conditions.change(manager, _data(), "没有改动")
    for note in ("", " ", "改" * 201):
        with pytest.raises(FieldsRefused) as refused:
            conditions.change(manager, _with_years(6), note)
        assert set(refused.value.fields) == {"note"}
    with pytest.raises(InvalidConditions) as invalid:
        conditions.change(manager, _with_years(0) | {"year": 2026, "counted_to": "2025-12-31"}, "试改")
    assert invalid.value.problems == ("四级（中级工）途径1第1项：至少满几年应为1至60的整数，现为“0”",)
    with pytest.raises(InvalidConditions, match="年度应为本考核年度2025"):
        conditions.change(manager, _data() | {"year": 2026, "counted_to": "2025-12-31"}, "试改")
    assert _current().version == 1


def test_of_two_who_edit_the_same_version_one_wins(world: World, together: Callable[..., list[Any]]) -> None:
    sent = [_with_years(6), _with_years(7)]
    account_id = world.province_manager.id

    def change(data: dict[str, Any]) -> int:
        from gongkao.models import Account

        return conditions.change(db.session.get_one(Account, account_id), data, "同时修改", based_on=1).version

    outcomes = together(*(lambda data=data: change(data) for data in sent))
    assert sorted(str(type(one).__name__) for one in outcomes) == ["Conflict", "int"]
    assert _current().version == 2
    with pytest.raises(Conflict, match="改为第2版"):
        conditions.plan(_with_years(8), based_on=1)


def test_a_version_goes_out_as_a_file_and_comes_back_the_same(world: World) -> None:
    rules = conditions.rules_of(_current())
    text = conditions.toml(rules)
    assert load_conditions(conditions.read_toml(text.encode())) == rules
    # As Windows editors save it.
    for data in (text.encode("utf-8-sig"), text.replace("\n", "\r\n").encode(), text.encode("gb18030")):
        assert load_conditions(conditions.read_toml(data)) == rules
    assert "years_at_grade（取得原等级后的年限）：grade＝等级（1至5）；at_least＝至少满几年（1至60）" in text
    with pytest.raises(Refused, match="与现行条件相同"):
        conditions.plan(conditions.read_toml(text.encode()))


def test_an_edited_file_is_planned_in_words_then_kept(world: World) -> None:
    text = conditions.toml(conditions.rules_of(_current()))
    edited = text.replace("counted_to = 2024-12-31", "counted_to = 2025-03-31").replace(
        '{ type = "certificate_filed" },', ""
    )
    planned = conditions.plan(conditions.read_toml(edited.encode()))
    assert planned.based_on == 1 and planned.changes == [
        Change("年限计算和依据", "年限计算到：2024年12月31日", "年限计算到：2025年3月31日"),
        Change("四级（中级工）途径“取得五级证书满5年”", "原等级证书已备案在册", ""),
    ]
    assert _current().version == 1
    made = conditions.change(world.province_manager, conditions.held(planned.digest), "上传修改", planned.based_on)
    assert made.version == 2 and conditions.rules_of(made).counted_to == date(2025, 3, 31)
    with pytest.raises(FieldsRefused, match="重新修改或上传"):
        conditions.held("0" * 64)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "请选择要上传的文件"),
        (b"x" * (conditions.MAX_BYTES + 1), "不能超过256 KB"),
        (b"\xff\xff\xff", "UTF-8"),
        ("year = 2025\nsource = “19号”\n".encode(), "第2行写法有误"),
        (b"year = [", "文件末尾写法有误"),
    ],
)
def test_a_broken_file_is_refused_in_plain_words(world: World, data: bytes, message: str) -> None:
    with pytest.raises(FieldsRefused, match=message):
        conditions.read_toml(data)


def _mutations(node: Any) -> Iterator[Any]:
    """The data with one value changed, or one entry of a list left out or doubled, everywhere in turn."""
    if isinstance(node, dict):
        for key, value in node.items():
            for changed in _mutations(value):
                yield {**node, key: changed}
        if "type" in node or "all_of" in node or "any_of" in node:
            yield {**node, "source": node.get("source", "") + "新"}
        for one, other in (("all_of", "any_of"), ("any_of", "all_of")):
            if one in node:
                yield {(other if key == one else key): value for key, value in node.items()}
    elif isinstance(node, list):
        for place, value in enumerate(node):
            yield node[:place] + node[place + 1 :]
            yield [*node, value]
            for changed in _mutations(value):
                yield [*node[:place], changed, *node[place + 1 :]]
    elif isinstance(node, bool):
        yield not node
    elif isinstance(node, int):
        yield node + 1
        yield node - 1
    elif isinstance(node, str):
        yield f"{node}改"


def test_no_change_goes_unsaid(world: World) -> None:
    """Whatever is changed anywhere in the data is told in words, and only then."""
    before = conditions.rules_of(_current())
    data = to_data(before)
    assert conditions.difference(before, load_conditions(data)) == []
    told = 0
    year = data.pop("year")
    for changed in _mutations(data):
        changed["year"] = year
        try:
            after = load_conditions(changed)
        except InvalidConditions:
            continue
        assert bool(conditions.difference(before, after)) is (after != before), changed
        assert load_conditions(tomllib.loads(conditions.toml(after))) == after
        told += after != before
    assert told > 100


def test_the_words_of_the_conditions(world: World) -> None:
    words = conditions.in_words(conditions.rules_of(_current()))
    assert [entry.grade for entry in words.grades] == [5, 4, 3, 2, 1]
    assert dict(words.general)["年限计算到"] == "2024年12月31日"
    assert dict(words.retirement)["女工人"] == "原50周岁，每2个月延迟1个月，最多延迟60个月"
    staff, above = words.everyone
    assert "其他聘用工作人员须审核人员认定" in staff.text and staff.checked and not above.checked
    three = words.grades[2]
    assert [way.title for way in three.ways] == ["取得四级证书满5年", "工作满18年"]
    assert [(line.kind, line.depth) for line in three.also] == [
        ("group", 0),
        ("term", 1),
        ("term", 1),
        ("group", 1),
        ("group", 2),
        ("term", 3),
        ("term", 3),
        ("term", 2),
    ]
    assert three.also[1].material == "奖励和成果材料" and three.also[1].source == "豫人社办〔2024〕19号（待核对）"
