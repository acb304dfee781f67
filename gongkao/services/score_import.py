"""Scores from the testing system's tables: mapped, judged row by row, kept all or nothing, undone before release."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from gongkao.clock import now
from gongkao.extensions import db
from gongkao.models import (
    Account,
    Application,
    Cycle,
    Person,
    Score,
    ScoreImport,
    ScoreMapping,
    Seat,
    SubjectEntry,
)
from gongkao.rules.calendar import WindowKey
from gongkao.rules.errors import InvalidInput
from gongkao.rules.fields import mask_identity_number
from gongkao.rules.grades import Grade
from gongkao.rules.scoring import Mark, parse_mark
from gongkao.services import audit, cycles, scores, unmasking
from gongkao.services.errors import FieldsRefused, NotFound, Refused
from gongkao.services.scores import mark_text
from gongkao.services.sheet_import import SEARCHED_ROWS, RowError
from gongkao.services.transaction import transaction
from gongkao.storage import store
from gongkao.storage.spreadsheets import read_table, write_table
from gongkao.storage.store import MissingFile
from gongkao.storage.uploads import UploadRefused

TICKET, NUMBER, IDENTITY, NAME, NOTE = "ticket", "number", "identity", "name", "note"
# What a column may stand for besides the subjects, with the headings of the template.
STANDARD = {TICKET: "准考证号", NUMBER: "申报编号", IDENTITY: "身份证号", NAME: "姓名", NOTE: "备注"}
_KEYS = (TICKET, NUMBER, IDENTITY)
# The longest note kept with a breach.
NOTE_LENGTH = 200


@dataclass(frozen=True)
class PlannedRow:
    """One row as it would be kept: `marks` is (before, after) by subject, in the subjects' order."""

    number: int
    application_id: int
    name: str
    masked_number: str
    marks: Sequence[tuple[str, str]]


@dataclass
class ScorePreview:
    """What importing a table would change. `headings` are those of the file, `mapping` what stands for what."""

    digest: str
    filename: str
    headings: list[str]
    mapping: dict[str, str]
    fields: list[tuple[str, str]]
    total: int = 0
    rows: list[PlannedRow] = field(default_factory=list)
    errors: list[RowError] = field(default_factory=list)
    # What is wrong with the mapping itself; then no row was judged.
    problem: str = ""

    @property
    def changed(self) -> int:
        return sum(before != after for row in self.rows for before, after in row.marks)


@dataclass(frozen=True)
class _Found:
    id: int
    name: str
    identity: str
    keys: frozenset[tuple[str, str]]


def template(actor: Account, grade: int) -> bytes:
    """The grade's people with empty marks, as a table for the testing system to fill in; taking it is on record."""
    cycle = cycles.current_cycle()
    subjects = cycles.subjects(cycle, grade)
    heads = [STANDARD[key] for key in (TICKET, NUMBER, IDENTITY, NAME)] + [one.name for one in subjects] + ["备注"]
    rows = []
    for one in _people(actor, cycle, grade):
        keys = dict(one.keys)
        rows.append([keys.get(TICKET, ""), keys.get(NUMBER, ""), one.identity, one.name, *("" for _ in subjects), ""])
    title = f"{Grade(grade).level}成绩导入模板"
    unmasking.record_papers(actor, actor, title, people=f"{len(rows)}人")
    return write_table(heads, rows, title="成绩导入")


def read(
    actor: Account, grade: int, data: bytes, filename: str, mapping: Mapping[str, str] | None = None
) -> ScorePreview:
    """Judge a table and keep the file for `commit`; changes nothing else.

    Without a mapping the one remembered, then the template's headings, are tried.
    Raises FieldsRefused (field "file") for a file that cannot be read, Refused once proposed or released, WindowClosed.
    """
    assert actor.agency is not None
    cycle = cycles.current_cycle()
    cycles.require_open(WindowKey.SCORES, actor.agency, grade)
    scores.require_unreleased(actor, cycle, grade)
    preview, _ = _judge(actor, cycle, grade, data, filename, mapping)
    preview.digest = store().put(data)
    return preview


def held(digest: str) -> bytes:
    """The bytes of a file that was uploaded for a preview. Raises FieldsRefused."""
    try:
        return store().get(digest)
    except MissingFile as error:
        raise FieldsRefused({"file": "上传的表格已不在系统中，请重新上传。"}) from error


def commit(actor: Account, grade: int, digest: str, filename: str, mapping: Mapping[str, str]) -> ScorePreview:
    """Keep every mark of a previewed file, all or nothing, and remember the mapping.

    The file is judged once more: where it no longer fits, what comes back holds errors and nothing was kept.
    Raises FieldsRefused where the file is no longer kept, Refused once proposed or released, WindowClosed.
    """
    data = held(digest)
    with transaction() as session:
        agency = scores.lock_own_agency(actor)
        cycle = cycles.current_cycle()
        cycles.require_open(WindowKey.SCORES, agency, grade)
        scores.require_unreleased(actor, cycle, grade)
        preview, planned = _judge(actor, cycle, grade, data, filename, mapping)
        preview.digest = digest
        if preview.errors or preview.problem:
            return preview
        present = _present([row.application_id for row in preview.rows])
        changes = []
        for application_id, mark, note in planned:
            key = (application_id, mark.subject_key)
            before, after = _kept(present.get(key)), _as_kept(mark, note)
            if before == after:
                continue
            changes.append({"application": key[0], "subject": key[1], "before": before, "after": after})
            scores.put(actor, key, mark, note, present.get(key))
        made = ScoreImport(cycle_id=cycle.id, agency_id=agency.id, grade=grade, filename=filename[-120:], digest=digest)
        made.people, made.changes, made.imported_by_id = len(preview.rows), changes, actor.id
        session.add(made)
        remembered = session.get(ScoreMapping, agency.id) or ScoreMapping(agency_id=agency.id, headings={})
        remembered.headings = {**remembered.headings, **preview.mapping}
        session.add(remembered)
        audit.record(actor, "import_scores", made, grade=grade, file=filename[:120], changed=len(changes))
    return preview


def imports(actor: Account, grade: int) -> Sequence[ScoreImport]:
    """The own agency's imports of a grade, newest first."""
    query = select(ScoreImport).where(
        ScoreImport.cycle_id == cycles.current_cycle().id,
        ScoreImport.agency_id == actor.agency_id,
        ScoreImport.grade == grade,
    )
    query = query.options(joinedload(ScoreImport.imported_by), joinedload(ScoreImport.undone_by))
    return db.session.scalars(query.order_by(ScoreImport.id.desc()).limit(50)).all()


def undo(actor: Account, import_id: int) -> tuple[int, int]:
    """Put back what stood before an import; marks changed again since stay. Returns (put back, left as they are).

    Raises NotFound outside the own agency, Refused once proposed, released or undone, and before a later import of
    the grade is undone, WindowClosed.
    """
    with transaction() as session:
        agency = scores.lock_own_agency(actor)
        found = session.get(ScoreImport, import_id)
        if found is None or found.agency_id != agency.id:
            raise NotFound("import")
        cycles.require_open(WindowKey.SCORES, agency, found.grade)
        scores.require_unreleased(actor, cycles.current_cycle(), found.grade)
        if found.undone_at is not None:
            raise Refused("这次导入已经撤销过。")
        later = [one for one in imports(actor, found.grade) if one.id > found.id and one.undone_at is None]
        if later:
            raise Refused(f"在此之后又导入了“{later[0].filename}”，请先撤销后面的导入。")
        changes: list[dict[str, Any]] = list(found.changes)
        present = _present([change["application"] for change in changes])
        back = 0
        for change in changes:
            key = (change["application"], change["subject"])
            score = present.get(key)
            if _kept(score) != change["after"]:
                continue
            mark, note = _from_kept(key[1], change["before"])
            scores.put(actor, key, mark, note, score)
            back += 1
        found.undone_by_id, found.undone_at = actor.id, now()
        audit.record(actor, "undo_score_import", found, grade=found.grade, back=back, left=len(changes) - back)
    return back, len(changes) - back


def _judge(
    actor: Account, cycle: Cycle, grade: int, data: bytes, filename: str, mapping: Mapping[str, str] | None
) -> tuple[ScorePreview, list[tuple[int, Mark, str]]]:
    try:
        lines = read_table(data, filename)
    except UploadRefused as error:
        raise FieldsRefused({"file": error.message}) from error
    subjects = [one for one in cycles.subjects(cycle, grade) if one.kind != "review"]
    names = {**STANDARD, **{one.key: one.name for one in subjects}}
    top, heads = _headings(lines, actor, names)
    chosen = _mapping(actor, heads, names, mapping)
    preview = ScorePreview("", filename, [head for head in heads if head], chosen, list(names.items()))
    places = {key: heads.index(head) for key, head in chosen.items()}
    if not any(key in places for key in _KEYS):
        preview.problem = "请指明哪一列是准考证号、申报编号或身份证号，至少一项。"
    elif not any(one.key in places for one in subjects):
        preview.problem = "请指明哪一列是成绩，至少一个科目。"
    elif len(set(places.values())) < len(places):
        preview.problem = "同一列不能对应两项内容，请重新选择。"
    if preview.problem:
        return preview, []
    rows = [
        (number, {key: line[place] for key, place in places.items()})
        for number, line in enumerate(lines[top + 1 :], start=top + 2)
        if any(line)
    ]
    if not rows:
        raise FieldsRefused({"file": "表格中只有列名，没有可导入的内容。请填写后重新上传。"})
    preview.total = len(rows)
    mapped = [one for one in subjects if one.key in places]
    return preview, _judge_rows(preview, rows, mapped, _people(actor, cycle, grade))


def _judge_rows(
    preview: ScorePreview,
    rows: Sequence[tuple[int, dict[str, str]]],
    subjects: Sequence[SubjectEntry],
    people: Sequence[_Found],
) -> list[tuple[int, Mark, str]]:
    by_key = {key: one for one in people for key in one.keys}
    first: dict[int, int] = {}
    planned: list[tuple[int, Mark, str]] = []
    present = _present([one.id for one in people])
    for number, row in rows:
        before = len(preview.errors)

        def wrong(key: str, reason: str, number: int = number, row: Mapping[str, str] = row) -> None:
            shown = mask_identity_number(row[key]) if key == IDENTITY else row[key]
            preview.errors.append(RowError(number, preview.mapping[key], shown, reason))

        person = _match(row, by_key, wrong)
        if person is not None and first.setdefault(person.id, number) != number:
            wrong(next(key for key in _KEYS if row.get(key)), f"与第{first[person.id]}行是同一人，请只保留一行。")
        note = row.get(NOTE, "").strip()
        if len(note) > NOTE_LENGTH:
            wrong(NOTE, f"备注最多{NOTE_LENGTH}个字，现为{len(note)}个字。")
        marks = []
        for subject in subjects:
            try:
                mark = parse_mark(row[subject.key], subject.as_rule())
            except InvalidInput as error:
                wrong(subject.key, error.message)
                continue
            if mark.breach and not note:
                wrong(subject.key, "违纪须在备注列写明情况。")
            marks.append(mark)
        if len(preview.errors) > before or person is None:
            continue
        shown = []
        for mark in marks:
            score = present.get((person.id, mark.subject_key))
            after = mark_text(mark.value, mark.absent, mark.breach)
            shown.append((scores.score_text(score) if score else "", after))
            planned.append((person.id, mark, note if mark.breach else ""))
        preview.rows.append(PlannedRow(number, person.id, person.name, mask_identity_number(person.identity), shown))
    return planned


def _match(row: Mapping[str, str], by_key: Mapping[tuple[str, str], _Found], wrong: Any) -> _Found | None:
    """The person of a row: every number that is given must be of the same one, and the name too."""
    found: _Found | None = None
    given = [key for key in _KEYS if row.get(key, "").strip()]
    if not given:
        wrong(next(key for key in _KEYS if key in row), "没有号码，无法对应到人。")
        return None
    for key in given:
        one = by_key.get((key, row[key].strip().upper()))
        if one is None:
            wrong(key, "不是本机构本等级的审查合格人员，请核对号码。")
            return None
        if found is not None and found.id != one.id:
            wrong(key, "与本行前面的号码不是同一人，请核对。")
            return None
        found = one
    assert found is not None
    if row.get(NAME, "").strip() not in ("", found.name):
        wrong(NAME, f"该号码的姓名为{found.name}，请核对。")
        return None
    return found


def _headings(lines: Sequence[Sequence[str]], actor: Account, names: Mapping[str, str]) -> tuple[int, list[str]]:
    """The line among the first that bears the most known headings, else the first filled one."""
    known = {*names.values(), *_remembered(actor).values()}
    cleaned = [["".join(cell.split()) for cell in line] for line in lines[:SEARCHED_ROWS]]
    best = max(range(len(cleaned)), key=lambda place: (sum(cell in known for cell in cleaned[place]), -place))
    return best, cleaned[best]


def _mapping(
    actor: Account, heads: Sequence[str], names: Mapping[str, str], given: Mapping[str, str] | None
) -> dict[str, str]:
    if given is not None:
        return {key: head for key, head in given.items() if key in names and head in heads}
    remembered = _remembered(actor)
    guessed = {
        key: next((head for head in (remembered.get(key), name) if head in heads), None) for key, name in names.items()
    }
    return {key: head for key, head in guessed.items() if head is not None}


def _remembered(actor: Account) -> dict[str, str]:
    kept = db.session.get(ScoreMapping, actor.agency_id)
    return kept.headings if kept is not None else {}


def _people(actor: Account, cycle: Cycle, grade: int) -> list[_Found]:
    query = (
        select(Application.id, Application.number, Person.name, Person.identity_number, Seat.ticket_number)
        .join(Application.person)
        .outerjoin(Seat, Seat.application_id == Application.id)
        .where(scores.qualified(actor, cycle), Application.grade == grade)
        .order_by(Application.number)
    )
    found = []
    for id_, number, name, identity, ticket in db.session.execute(query):
        keys = {(key, text) for key, text in ((NUMBER, number), (IDENTITY, identity), (TICKET, ticket)) if text}
        found.append(_Found(id_, name, identity, frozenset(keys)))
    return found


def _present(ids: Sequence[int]) -> dict[tuple[int, str], Score]:
    query = select(Score).where(Score.application_id.in_(ids))
    return {(score.application_id, score.subject_key): score for score in db.session.scalars(query)}


def _kept(score: Score | None) -> dict[str, object] | None:
    if score is None:
        return None
    return _as_kept(Mark(score.subject_key, score.value, score.absent, score.breach), score.note)


def _as_kept(mark: Mark, note: str) -> dict[str, object]:
    value = None if mark.value is None else f"{mark.value:.1f}"
    return {"value": value, "absent": mark.absent, "breach": mark.breach, "note": note}


def _from_kept(key: str, kept: Mapping[str, Any] | None) -> tuple[Mark | None, str]:
    if kept is None:
        return None, ""
    value = None if kept["value"] is None else Decimal(kept["value"])
    return Mark(key, value, kept["absent"], kept["breach"]), kept["note"]
