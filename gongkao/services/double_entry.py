"""Double entry: where an agency has it on, a mark typed by hand counts once a second person has typed the same."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from gongkao.clock import now
from gongkao.extensions import db
from gongkao.models import Account, Application, Score, ScoreEntry, SubjectEntry
from gongkao.rules.calendar import WindowKey
from gongkao.rules.errors import InvalidInput
from gongkao.rules.scoring import Mark, parse_mark
from gongkao.services import audit, cycles, scores
from gongkao.services.errors import FieldsRefused, Refused
from gongkao.services.listing import Row
from gongkao.services.scores import Entry, mark_text
from gongkao.services.transaction import transaction


@dataclass(frozen=True)
class Difference:
    """One mark that two people typed differently."""

    application: Application
    subject: SubjectEntry
    entries: Sequence[ScoreEntry]

    @property
    def field(self) -> str:
        return scores.field_name(self.application.id, self.subject.key)

    @property
    def texts(self) -> list[tuple[str, str]]:
        """Who typed what."""
        return [(one.entered_by.display_name, mark_text(one.value, one.absent)) for one in self.entries]


def switch(actor: Account, on: bool) -> None:
    """Turn double entry of the own agency on or off; marks that count already go on counting."""
    with transaction():
        agency = scores.lock_own_agency(actor)
        if agency.double_entry != on:
            agency.double_entry = on
            audit.record(actor, "switch_double_entry", agency, on=on)


def entries_of(application_ids: Sequence[int]) -> dict[tuple[int, str], list[ScoreEntry]]:
    """What was typed, by application and subject, the first entry first."""
    query = select(ScoreEntry).where(ScoreEntry.application_id.in_(application_ids)).order_by(ScoreEntry.id)
    found: dict[tuple[int, str], list[ScoreEntry]] = {}
    for one in db.session.scalars(query.options(joinedload(ScoreEntry.entered_by))):
        found.setdefault((one.application_id, one.subject_key), []).append(one)
    return found


def entry_fields(
    actor: Account, rows: Sequence[Row], subjects: Sequence[SubjectEntry], typed: Mapping[str, str]
) -> dict[int, dict[str, Entry]]:
    """The fields of one page of people: what the person has typed, never what somebody else has."""
    found = entries_of([row.id for row in rows])
    sealed = scores.by_panel([row.id for row in rows])

    def entry(number: int, subject: SubjectEntry) -> Entry:
        key = subject.key
        entries = found.get((number, key), [])
        own = next((one for one in entries if one.entered_by_id == actor.id), None)
        name, seen = scores.field_name(number, key), mark_text(own.value, own.absent) if own else ""
        locked = (own is None and len(entries) > 1) or (subject.kind == scores.REVIEW and number in sealed)
        return Entry(name, typed.get(name, seen), seen, locked)

    return {row.id: {subject.key: entry(row.id, subject) for subject in subjects} for row in rows}


def enter(actor: Account, grade: int, typed: Mapping[str, str]) -> int:
    """Keep one page as one of two people types it, all or nothing; returns how many entries changed.

    Raises what `scores.enter` raises, also where two others have typed a mark already.
    """
    with transaction():
        page = scores.open_page(actor, grade, typed)
        if not page.agency.double_entry:
            raise Refused("本机构已改为一人录入，成绩没有保存。请刷新页面后重新录入。")
        changed = _keep(actor, scores.read_marks(typed, page), page.present)
        if changed:
            audit.record(actor, "enter_scores", page.agency, grade=grade, changed=changed, twice=True)
    return changed


def _keep(
    actor: Account, marks: Mapping[tuple[int, str], Mark | None], present: Mapping[tuple[int, str], Score]
) -> int:
    typed = entries_of(sorted({number for number, _ in marks}))
    wrong = {}
    for key in marks:
        others = [one for one in typed.get(key, []) if one.entered_by_id != actor.id]
        if len(others) > 1:
            wrong[scores.field_name(*key)] = "此项已由另外两人录入，有误的请本人更正。"
    if wrong:
        raise FieldsRefused(wrong)
    changed = 0
    for key, mark in marks.items():
        entries = typed.get(key, [])
        own = next((one for one in entries if one.entered_by_id == actor.id), None)
        others = [one for one in entries if one is not own]
        if mark is None:
            if own is None:
                continue
            db.session.delete(own)
            changed += 1
            scores.put(actor, key, None, "", present.get(key))
            continue
        if own is None:
            own = ScoreEntry(application_id=key[0], subject_key=key[1], entered_by_id=actor.id)
            db.session.add(own)
        elif (own.value, own.absent) == (mark.value, mark.absent):
            continue
        own.value, own.absent, own.entered_at = mark.value, mark.absent, now()
        agreed = bool(others) and (others[0].value, others[0].absent) == (mark.value, mark.absent)
        scores.put(actor, key, mark if agreed else None, "", present.get(key))
        changed += 1
    return changed


def differences(actor: Account, grade: int) -> list[Difference]:
    """The marks of the own agency's grade that two people typed differently, by number."""
    cycle = cycles.current_cycle()
    subjects = {one.key: one for one in cycles.subjects(cycle, grade)}
    query = (
        select(Application)
        .join(ScoreEntry, ScoreEntry.application_id == Application.id)
        .where(scores.qualified(actor, cycle), Application.grade == grade)
        .options(joinedload(Application.person), joinedload(Application.unit))
        .order_by(Application.number)
    )
    people = {one.id: one for one in db.session.scalars(query).unique()}
    typed = entries_of(list(people))
    return [
        Difference(people[number], subjects[key], entries)
        for number in people
        for key in subjects
        if len(entries := typed.get((number, key), [])) > 1
        and (entries[0].value, entries[0].absent) != (entries[1].value, entries[1].absent)
    ]


def settle(actor: Account, grade: int, typed: Mapping[str, str]) -> int:
    """Settle differences after looking at the paper: the mark typed here counts; blank fields stay open.

    Both entries become the settled mark; what they were stands in the audit trail. Returns how many were settled.
    Raises FieldsRefused by field name, Refused once proposed or released, WindowClosed.
    """
    with transaction():
        agency = scores.lock_own_agency(actor)
        cycle = cycles.current_cycle()
        cycles.require_open(WindowKey.SCORES, agency, grade)
        scores.require_unreleased(actor, cycle, grade)
        found = {one.field: one for one in differences(actor, grade)}
        wrong: dict[str, str] = {}
        marks: dict[str, Mark] = {}
        for name, one in found.items():
            if not typed.get(name, "").strip():
                continue
            try:
                mark = parse_mark(typed[name], one.subject.as_rule())
            except InvalidInput as error:
                wrong[name] = error.message
                continue
            if mark.breach:
                wrong[name] = "违纪须写明情况，请在成绩录入中点击申报编号登记。"
            marks[name] = mark
        if wrong:
            raise FieldsRefused(wrong)
        query = select(Score).where(Score.application_id.in_({found[name].application.id for name in marks}))
        present = {(score.application_id, score.subject_key): score for score in db.session.scalars(query)}
        for name, mark in marks.items():
            one = found[name]
            before, place = one.texts, (one.application.id, one.subject.key)
            for entry in one.entries:
                entry.value, entry.absent = mark.value, mark.absent
            scores.put(actor, place, mark, "", present.get(place))
            said = mark_text(mark.value, mark.absent)
            audit.record(actor, "settle_score", one.application, key=one.subject.key, typed=before, settled=said)
    return len(marks)
