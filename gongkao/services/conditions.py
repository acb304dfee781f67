"""A cycle's conditions (notice 二（一）) as versions: read, told in words, compared, changed, exported and imported.

A change only ever appends a version; what was judged by an earlier one keeps it.
"""

import dataclasses
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Any

import tomli_w
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from gongkao.access.permissions import Permission
from gongkao.access.scope import may
from gongkao.extensions import db
from gongkao.models import Account, ConditionSet, Cycle
from gongkao.rules import fields
from gongkao.rules.calendar import day_text
from gongkao.rules.conditions import (
    TERMS,
    AllOf,
    AnyOf,
    AssessmentsPassed,
    Conditions,
    Flag,
    InvalidConditions,
    Node,
    OneOf,
    SomeOf,
    Staff,
    Term,
    Whole,
    Words,
    load_conditions,
    to_data,
)
from gongkao.rules.errors import InvalidInput
from gongkao.rules.grades import Grade
from gongkao.rules.retirement import RetireeKind, Schedule
from gongkao.services import audit, cycles
from gongkao.services.errors import Conflict, FieldsRefused, NotFound, Refused
from gongkao.services.listing import Column, Listing, contains
from gongkao.services.transaction import read_once, transaction
from gongkao.storage import store
from gongkao.storage.store import MissingFile

MAX_BYTES = 256 * 1024
NOTE_LENGTH = 200
# A source that says so has not been checked against the text itself.
UNCHECKED = "待核对"
EVERYONE = "各等级共同条件"
GENERAL = "年限计算和依据"
RETIREMENT = "退休年龄"


def current(cycle: Cycle) -> ConditionSet:
    """The newest version. Raises NotFound where the cycle has none."""
    query = select(ConditionSet).where(ConditionSet.cycle_id == cycle.id).order_by(ConditionSet.version.desc())
    found = read_once(("conditions", cycle.id), lambda: db.session.scalar(query.limit(1)))
    if found is None:
        raise NotFound("conditions")
    return found


def rules_of(version: ConditionSet) -> Conditions:
    """A version as the rules read it; kept in the process by its content, which never changes."""
    return read_once(("rules", version), lambda: _parsed(json.dumps(version.data, sort_keys=True)))


@lru_cache(maxsize=32)
def _parsed(text: str) -> Conditions:
    return load_conditions(json.loads(text))


def find(number: int) -> ConditionSet:
    """A version of the current cycle by its number. Raises NotFound."""
    found = db.session.scalar(
        select(ConditionSet)
        .where(ConditionSet.cycle_id == cycles.current_cycle().id, ConditionSet.version == number)
        .options(joinedload(ConditionSet.created_by))
    )
    if found is None:
        raise NotFound("version")
    return found


def by_whom(version: ConditionSet) -> str:
    """Who made a version: office and name, 系统 for the starting data."""
    author = version.created_by
    return f"{author.office_name} {author.display_name}" if author is not None else "系统"


def versions() -> Listing:
    """The current cycle's versions, the newest first."""
    return Listing(
        title="申报条件版本",
        query=select(ConditionSet)
        .where(ConditionSet.cycle_id == cycles.current_cycle().id)
        .outerjoin(ConditionSet.created_by)
        .options(joinedload(ConditionSet.created_by)),
        tie=ConditionSet.id,
        sort="version",
        descending=True,
        search=[contains(ConditionSet.note), contains(Account.display_name)],
        search_hint="修改说明、修改人",
        columns=[
            Column("version", "版本", lambda row: f"第{row.version}版", ConditionSet.version),
            Column(
                "at",
                "时间",
                lambda row: row.created_at.strftime("%Y-%m-%d %H:%M"),
                ConditionSet.created_at,
                kind="date",
            ),
            Column("by", "修改人", by_whom, Account.display_name),
            Column("note", "修改说明", lambda row: row.note),
        ],
        empty_text="没有符合条件的版本。",
    )


# In words.


@dataclass(frozen=True)
class Line:
    """One line of a grade's conditions. `kind` is way, group or term; `depth` 0 for the outermost.

    `material` names what proves it; `checked` tells whether the source counts as checked against the text.
    """

    kind: str
    depth: int
    text: str
    source: str
    material: str = ""

    @property
    def checked(self) -> bool:
        return UNCHECKED not in self.source


@dataclass(frozen=True)
class Block:
    """A title with its lines: a way in, or what every way also needs."""

    title: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class GradeWords:
    grade: Grade
    ways: tuple[Block, ...]
    also: tuple[Line, ...]


@dataclass(frozen=True)
class InWords:
    """A version told in words: the grades from five to one."""

    general: tuple[tuple[str, str], ...]
    retirement: tuple[tuple[str, str], ...]
    everyone: tuple[Line, ...]
    grades: tuple[GradeWords, ...]


def in_words(rules: Conditions) -> InWords:
    """The conditions as an official reads them."""
    return InWords(
        general=tuple(_general(rules)),
        retirement=tuple(_retirement(rules.retirement)),
        everyone=tuple(_lines(rules.everyone, rules.source)),
        grades=tuple(
            GradeWords(
                entry.grade,
                tuple(
                    Block(way.title, tuple(_lines(way.parts, way.source or entry.source or rules.source)))
                    for way in entry.ways
                ),
                tuple(_lines(entry.also, entry.source or rules.source)),
            )
            for entry in sorted(rules.grades, key=lambda entry: -entry.grade)
        ),
    )


def _general(rules: Conditions) -> Iterator[tuple[str, str]]:
    yield "依据", rules.source
    yield "年限计算到", day_text(rules.counted_to)
    yield "年限的算法", "按年头计算，当年算一年" if rules.calendar_years else "按周年计算，满十二个月为一年"
    yield "改报工种", "原工种年限直接计算" if rules.changed_trade_counts else "原工种年限由审核人员认定"


def _retirement(schedule: Schedule) -> Iterator[tuple[str, str]]:
    yield "延迟开始于", day_text(schedule.begins)
    for kind in RetireeKind:
        delay = schedule.delays[kind]
        yield kind.label, f"原{delay.age}周岁，每{delay.step}个月延迟1个月，最多延迟{delay.most}个月"


def _lines(nodes: tuple[Node, ...], inherited: str, depth: int = 0) -> Iterator[Line]:
    for node in nodes:
        source = node.source or inherited
        if isinstance(node, Term):
            material = node.material.label if node.material is not None else ""
            yield Line("term", depth, term_words(node), source, material)
        else:
            yield Line("group", depth, group_words(node), source)
            yield from _lines(node.parts, source, depth + 1)


def term_words(term: Term) -> str:
    """What one term asks: 工作满18年"""
    words = term.requirement
    if isinstance(term, AssessmentsPassed):
        words = f"年度考核{words}"
    if isinstance(term, Staff) and term.confirm:
        words += f"（{'、'.join(term.confirm)}须审核人员认定）"
    return words


def group_words(group: AllOf | AnyOf) -> str:
    """奖励、年度考核或临近退休（符合其中一项）"""
    how = _how(group)
    if not group.title:
        return f"下列条件{how}"
    return group.title if how in group.title else f"{group.title}（{how}）"


def _how(group: AllOf | AnyOf) -> str:
    return "全部符合" if isinstance(group, AllOf) else "符合其中一项"


@dataclass(frozen=True)
class Change:
    """What differs at one place; empty where there was or will be nothing."""

    place: str
    before: str
    after: str


def difference(before: Conditions, after: Conditions) -> list[Change]:
    """Every difference in words, in the order of the conditions; empty where they are the same."""
    old, new = _places(before), _places(after)
    found: list[Change] = []
    for place in dict.fromkeys((*old, *new)):
        was, will = old.get(place, []), new.get(place, [])
        for tag, low, high, new_low, new_high in SequenceMatcher(None, was, will, autojunk=False).get_opcodes():
            if tag != "equal":
                found.extend(_paired(place, was[low:high], will[new_low:new_high]))
    return found


def _paired(place: str, was: list[str], will: list[str]) -> Iterator[Change]:
    for row in range(max(len(was), len(will))):
        yield Change(
            place,
            was[row].strip() if row < len(was) else "",
            will[row].strip() if row < len(will) else "",
        )


def _places(rules: Conditions) -> dict[str, list[str]]:
    """All of it as lines by place; two conditions differ exactly where these do."""
    places = {GENERAL: [f"{name}：{words}" for name, words in _general(rules)]}
    places[RETIREMENT] = [f"{name}：{words}" for name, words in _retirement(rules.retirement)]
    places[EVERYONE] = list(_full_lines(rules.everyone))
    for entry in rules.grades:
        name = entry.grade.label
        places[name] = [f"依据：{entry.source}"] if entry.source else []
        for way in entry.ways:
            # Ways are told apart by their titles; two of one title stand one after the other.
            kept = places.setdefault(f"{name}途径“{way.title}”", [])
            kept.append(f"符合全部条件即可{_own_source(way)}")
            kept.extend(_full_lines(way.parts))
        places[name].extend(f"途径：{way.title}" for way in entry.ways)
        places[f"{name}同时须符合"] = list(_full_lines(entry.also))
    return places


def _full_lines(nodes: tuple[Node, ...], depth: int = 0) -> Iterator[str]:
    for node in nodes:
        words = term_words(node) if isinstance(node, Term) else f"{_how(node)}：{node.title or '（没有名称）'}"
        yield f"{'　' * depth}{words}{_own_source(node)}"
        if not isinstance(node, Term):
            yield from _full_lines(node.parts, depth + 1)


def _own_source(node: Node) -> str:
    return f"（依据：{node.source}）" if node.source else ""


# Changing.


@dataclass(frozen=True)
class Plan:
    """A change that was checked and is kept for `change`: what would differ from version `based_on`."""

    digest: str
    based_on: int
    changes: list[Change]


def read_toml(data: bytes) -> dict[str, Any]:
    """What an uploaded file holds, not yet judged. Raises FieldsRefused ("file")."""
    if not data:
        raise FieldsRefused({"file": "请选择要上传的文件。"})
    if len(data) > MAX_BYTES:
        raise FieldsRefused({"file": f"文件不能超过{MAX_BYTES // 1024} KB，请确认选的是申报条件文件。"})
    try:
        return tomllib.loads(_text(data))
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"line (\d+)", str(error))
        where = f"第{found[1]}行" if found else "文件末尾"
        raise FieldsRefused(
            {"file": f"{where}写法有误，请核对引号、括号和等号是否成对、完整，改好后重新上传。"}
        ) from error


def _text(data: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding).replace("\r\n", "\n")
        except UnicodeDecodeError:
            continue
    raise FieldsRefused({"file": "文件无法读取，请用记事本另存为 UTF-8 编码后重新上传。"})


def plan(data: Mapping[str, Any], based_on: int | None = None) -> Plan:
    """Check new conditions and keep them for `change`; changes nothing yet. `based_on`: the version that was edited.

    Raises InvalidConditions with every mistake, Refused where nothing differs, Conflict.
    """
    version = current(cycles.current_cycle())
    _require_newest(version, based_on)
    rules = _checked(data, cycles.current_cycle())
    changes = difference(rules_of(version), rules)
    if not changes:
        raise Refused("与现行条件相同，没有需要保存的修改。")
    return Plan(store().put(toml(rules).encode()), version.version, changes)


def held(digest: str) -> dict[str, Any]:
    """The data of a plan. Raises FieldsRefused where it is kept no longer."""
    try:
        return tomllib.loads(store().get(digest).decode())
    except MissingFile as error:
        raise FieldsRefused({"file": "待确认的修改已不在系统中，请重新修改或上传。"}) from error


def _checked(data: Mapping[str, Any], cycle: Cycle) -> Conditions:
    rules = load_conditions(data)
    if rules.year != cycle.year:
        raise InvalidConditions([f"申报条件：年度应为本考核年度{cycle.year}，现为{rules.year}"])
    return rules


def _require_newest(version: ConditionSet, based_on: int | None) -> None:
    if based_on is not None and version.version != based_on:
        raise Conflict(
            f"申报条件刚刚由{by_whom(version)}改为第{version.version}版，您的修改没有保存。请核对后重新办理。"
        )


def change(actor: Account, data: Mapping[str, Any], note: str, based_on: int | None = None) -> ConditionSet:
    """Append a version with these conditions; `note` says why, `based_on` which version the actor looked at.

    For the provincial centre's managers. Raises Refused, FieldsRefused ("note"), InvalidConditions, Conflict.
    """
    if not may(actor, Permission.EDIT_PROVINCE):
        raise Refused("申报条件由省职业技能等级评价指导中心的负责人修改。")
    try:
        why = fields.short_text(note, "修改说明", NOTE_LENGTH, 2)
    except InvalidInput as error:
        raise FieldsRefused({"note": error.message}) from error
    with transaction() as session:
        cycle = cycles.current_cycle()
        session.scalars(select(Cycle).where(Cycle.id == cycle.id).with_for_update()).one()
        before = current(cycle)
        _require_newest(before, based_on)
        rules = _checked(data, cycle)
        changes = difference(rules_of(before), rules)
        if not changes:
            raise Refused("与现行条件相同，没有需要保存的修改。")
        made = ConditionSet(
            cycle_id=cycle.id,
            version=before.version + 1,
            data=to_data(rules),
            note=why,
            created_by_id=actor.id,
        )
        session.add(made)
        audit.record(
            actor,
            "change_conditions",
            made,
            version=made.version,
            note=why,
            changed=[[one.place, one.before, one.after] for one in changes],
        )
    return made


# As a file to edit.


def toml(rules: Conditions) -> str:
    """The conditions as TOML with how to write them on top; `load_conditions` makes the same conditions of it."""
    data = to_data(rules)
    data["counted_to"] = rules.counted_to
    data["retirement"]["begins"] = rules.retirement.begins
    for entry in data["grades"]:
        if not entry["also"]:
            del entry["also"]
    return f"{_how_to_write(rules.year)}\n{tomli_w.dumps(data)}"


def inputs(term: type[Term]) -> list[tuple[str, Whole | Flag | Words | OneOf | SomeOf]]:
    """What a kind of term asks for: the name and the input of each, its source last."""
    found = [(entry.name, entry.metadata["input"]) for entry in dataclasses.fields(term)]
    return sorted(found, key=lambda one: one[0] == "source")


def _how_to_write(year: int) -> str:
    lines = [
        f"{year} 年度申报条件。改好后在“年度设置—申报条件”上传，核对变化后确认；已经提交的申报仍按当时的条件。",
        "",
        "每个等级有若干途径（ways），符合其中一条即可；途径有名称（title），其中 all_of 的各项须全部符合。",
        "also 是走哪条途径都须同时符合的条件；everyone 是各等级共同的条件。",
        "一组条件用 all_of（全部符合）或 any_of（符合其一），可以嵌套；单项条件用 type 写明种类，可用的有：",
    ]
    for name, term in TERMS.items():
        asked = "；".join(f"{key}＝{_asked(kind)}" for key, kind in inputs(term) if key != "source")
        lines.append(f"  {name}（{term.label}）{'：' + asked if asked else ''}")
    lines.append(f"每一处都可以用 source 写明依据；依据中有“{UNCHECKED}”的，页面上标为待核对。")
    return "".join(f"# {line}".rstrip() + "\n" for line in lines)


def _asked(kind: Whole | Flag | Words | OneOf | SomeOf) -> str:
    if isinstance(kind, Whole):
        return f"{kind.label}（{kind.low}至{kind.high}）"
    if isinstance(kind, Flag):
        return f"{kind.label}（true 是，false 否）"
    if isinstance(kind, Words):
        return kind.label
    return f"{kind.label}（{'、'.join(kind.choices)}）"
