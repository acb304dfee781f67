"""The conditions of one grade as a form: a tree of inputs, named by their place in it, that grows and shrinks a step
at a time without a script.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from werkzeug.datastructures import MultiDict

from gongkao.rules.conditions import TERMS, Flag, OneOf, SomeOf, Whole
from gongkao.services.conditions import inputs

GROUPS = {"all_of": "一组条件，全部符合", "any_of": "一组条件，符合其中一项"}
# What may be added: a kind of term, or a group.
KINDS = {**{name: term.label for name, term in TERMS.items()}, **GROUPS}
_MOST_PARTS = 40
_DEEPEST = 6
_KEY_NAMES = re.compile(r"（[a-z_]+）")


@dataclass
class Input:
    """One input of a term. `widget` is number, check, text, select or checks."""

    name: str
    label: str
    widget: str
    value: Any = ""
    choices: tuple[str, ...] = ()
    errors: list[str] = field(default_factory=list)


@dataclass
class Entry:
    """A term (`type`), or a group of entries (`how`: all_of, any_of). `texts` are the inputs as they were typed.

    `path` is its name in the form, `place` what messages call it.
    """

    type: str = ""
    how: str = ""
    texts: dict[str, Any] = field(default_factory=dict)
    parts: list["Entry"] = field(default_factory=list)
    path: str = ""
    place: str = ""
    errors: list[str] = field(default_factory=list)
    inputs: list[Input] = field(default_factory=list)

    @property
    def label(self) -> str:
        return TERMS[self.type].label if self.type else GROUPS[self.how]

    def data(self) -> dict[str, Any]:
        """Plain data for the rules to judge; what is empty is left out."""
        if not self.type:
            words = {name: text for name, text in self.texts.items() if text}
            return {**words, self.how: [part.data() for part in self.parts]}
        found: dict[str, Any] = {"type": self.type}
        for name, kind in inputs(TERMS[self.type]):
            value = self.texts.get(name, "")
            if isinstance(kind, Flag):
                found[name] = bool(value)
            elif isinstance(kind, SomeOf):
                found[name] = list(value)
            elif value:
                number = isinstance(kind, Whole) and value.isdecimal() and len(value) < 9
                found[name] = int(value) if number else value
        return found

    def place_all(self, path: str, place: str, problems: Mapping[str, list[str]]) -> None:
        """Name it and all in it, and put the messages where they belong."""
        self.path, self.place = path, place
        self.errors = list(problems.get(place, ()))
        self.inputs = [self._input(name, kind) for name, kind in inputs(TERMS[self.type])] if self.type else []
        for one in self.inputs:
            own = [words for words in self.errors if words.removeprefix("请填写").startswith(one.label)]
            one.errors = own
            self.errors = [words for words in self.errors if words not in own]
        for number, part in enumerate(self.parts):
            part.place_all(f"{path}.parts.{number}", f"{place}第{number + 1}项", problems)

    def _input(self, name: str, kind: Any) -> Input:
        widget = {Whole: "number", Flag: "check", OneOf: "select", SomeOf: "checks"}.get(type(kind), "text")
        return Input(f"{self.path}.{name}", kind.label, widget, self.texts.get(name, ""), getattr(kind, "choices", ()))


@dataclass
class GradeForm:
    """The ways in and what every way also needs (of everybody: only `also`), as they stand in the form."""

    ways: list[Entry]
    also: list[Entry]
    name: str
    errors: list[str] = field(default_factory=list)

    def place_all(self, found: Iterable[str] = ()) -> None:
        """Name every entry and put the problems of InvalidConditions beside what they concern."""
        problems: dict[str, list[str]] = {}
        for problem in found:
            place, _, words = problem.partition("：")
            problems.setdefault(place, []).append(_plain(words))
        for number, way in enumerate(self.ways):
            way.place_all(f"ways.{number}", f"{self.name}途径{number + 1}", problems)
        for number, entry in enumerate(self.also):
            entry.place_all(f"also.{number}", f"{self.also_place}第{number + 1}项", problems)
        placed = {entry.place for entry in self.entries()}
        self.errors = [words for place, several in problems.items() if place not in placed for words in several]

    @property
    def also_place(self) -> str:
        return f"{self.name}同时须符合的条件" if self.name != "共同条件" else self.name

    def entries(self) -> list[Entry]:
        """Every entry, in the order of the page."""
        found, waiting = [], [*self.ways, *self.also]
        while waiting:
            entry = waiting.pop(0)
            found.append(entry)
            waiting = [*entry.parts, *waiting]
        return found

    def wrong(self) -> list[tuple[str, str, str]]:
        """(anchor, place, message) of everything wrong, for the summary on top."""
        found = [("", "", words) for words in self.errors]
        for entry in self.entries():
            found += [(entry.path, entry.place, words) for words in entry.errors]
            found += [(one.name, entry.place, words) for one in entry.inputs for words in one.errors]
        return found

    def take_step(self, step: str, typed: Mapping[str, str]) -> str:
        """Add or remove as the pressed button says; the anchor to come back to, "" where nothing was to do."""
        action, _, path = step.partition(":")
        if action == "way":
            self.ways.append(Entry(how="all_of"))
            return f"ways.{len(self.ways) - 1}"
        parts, number = self._find(path)
        if parts is None:
            return ""
        if action == "remove" and number is not None and number < len(parts):
            del parts[number]
            return path.rpartition(".")[0]
        chosen = typed.get(f"new:{path}", "")
        if action == "add" and number is None and chosen in KINDS and len(parts) < _MOST_PARTS:
            parts.append(Entry(how=chosen) if chosen in GROUPS else Entry(type=chosen))
            return f"{path}.{len(parts) - 1}"
        return ""

    def _find(self, path: str) -> tuple[list[Entry] | None, int | None]:
        """The list that a path names, and the place in it where the path names an entry."""
        names = path.split(".")
        parts: list[Entry] | None = {"ways": self.ways, "also": self.also}.get(names[0])
        names = names[1:]
        while names and parts is not None:
            if not names[0].isdecimal():
                return None, None
            number = int(names[0][:9])
            if len(names) == 1:
                return parts, number
            parts = parts[number].parts if number < len(parts) and names[1] == "parts" else None
            names = names[2:]
        return parts, None


def from_data(name: str, ways: list[dict[str, Any]], also: list[dict[str, Any]]) -> GradeForm:
    """The form as it stands before anything is typed."""
    form = GradeForm([_entry(way) for way in ways], [_entry(entry) for entry in also], name)
    form.place_all()
    return form


def _entry(data: Mapping[str, Any]) -> Entry:
    if "type" in data:
        texts = {name: value for name, value in data.items() if name != "type"}
        return Entry(
            type=data["type"],
            texts={name: str(value) if type(value) is int else value for name, value in texts.items()},
        )
    how = "all_of" if "all_of" in data else "any_of"
    words = {"title": data.get("title", ""), "source": data.get("source", "")}
    return Entry(how=how, texts=words, parts=[_entry(part) for part in data[how]])


def from_typed(name: str, typed: MultiDict[str, str]) -> GradeForm:
    """The form as it was sent. What cannot belong to it is left out."""
    tree: dict[str, Any] = {}
    for key in typed:
        names = key.split(".")
        if names[0] in ("ways", "also") and len(names) <= 2 * _DEEPEST + 2:
            place = tree
            for one in names[:-1]:
                place = place.setdefault(one, {}) if isinstance(place, dict) else {}
            if isinstance(place, dict):
                place[names[-1]] = typed.getlist(key)
    return GradeForm(_typed_parts(tree.get("ways")), _typed_parts(tree.get("also")), name)


def _typed_parts(tree: Any) -> list[Entry]:
    if not isinstance(tree, dict):
        return []
    numbers = sorted((int(key), key) for key in tree if key.isdecimal() and len(key) < 4)
    found = [_typed_entry(tree[key]) for _, key in numbers[:_MOST_PARTS] if isinstance(tree[key], dict)]
    return [entry for entry in found if entry is not None]


def _typed_entry(tree: Mapping[str, Any]) -> Entry | None:
    def text(name: str) -> str:
        value = tree.get(name)
        return " ".join(value[0].split()) if isinstance(value, list) else ""

    kind = text("kind")
    if kind in GROUPS:
        how = text("how") if text("how") in GROUPS else kind
        words = {"title": text("title"), "source": text("source")}
        return Entry(how=how, texts=words, parts=_typed_parts(tree.get("parts")))
    if kind not in TERMS:
        return None
    texts: dict[str, Any] = {}
    for name, one in inputs(TERMS[kind]):
        value = tree.get(name)
        texts[name] = (value if isinstance(value, list) else []) if isinstance(one, SomeOf) else text(name)
    return Entry(type=kind, texts=texts)


def _plain(words: str) -> str:
    """A message without the names that only a file shows, as a sentence."""
    words = _KEY_NAMES.sub("", words)
    return (f"请填写{words.removeprefix('缺少')}" if words.startswith("缺少") else words) + "。"
