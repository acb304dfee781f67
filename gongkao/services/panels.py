"""Comprehensive review of grade one (综合评审): panels, sealed sheets, and what they come to once opened."""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal

from sqlalchemy import exists, select
from sqlalchemy.orm import contains_eager, joinedload, selectinload

from gongkao.access.scope import narrow
from gongkao.clock import now
from gongkao.documents.panel_papers import AssessorSheetPaper
from gongkao.extensions import db
from gongkao.models import (
    Account,
    Agency,
    Application,
    PanelAssessor,
    PanelCandidate,
    PanelCriterion,
    PanelMark,
    Person,
    ReviewPanel,
    Score,
    SubjectEntry,
    Unit,
)
from gongkao.rules import fields
from gongkao.rules.calendar import WindowKey
from gongkao.rules.errors import InvalidInput
from gongkao.rules.grades import Grade
from gongkao.rules.scoring import LEAST_ASSESSORS, Mark, Subject, panel_mean, parse_mark, same_unit, spread
from gongkao.services import audit, cycles, scores
from gongkao.services.errors import FieldsRefused, NotFound, Refused
from gongkao.services.listing import Column, Listing, contains, of_identity
from gongkao.services.scores import mark_text
from gongkao.services.transaction import transaction

GRADE = int(Grade.ONE)


def review_subject() -> SubjectEntry:
    """The subject of grade one whose mark the panels give. Raises Refused where the cycle has none."""
    found = next((one for one in cycles.subjects(cycles.current_cycle(), GRADE) if one.kind == scores.REVIEW), None)
    if found is None:
        raise Refused("本年度一级没有综合评审科目。")
    return found


def panels(actor: Account) -> Sequence[ReviewPanel]:
    """The own agency's panels of this cycle."""
    own = (ReviewPanel.cycle_id == cycles.current_cycle().id, ReviewPanel.agency_id == actor.agency_id)
    query = select(ReviewPanel).where(*own).order_by(ReviewPanel.id)
    loaded = (selectinload(ReviewPanel.assessors), selectinload(ReviewPanel.candidates))
    return db.session.scalars(query.options(*loaded)).all()


def find(actor: Account, panel_id: int, *, lock: bool = False) -> ReviewPanel:
    """One of the own agency's panels. Raises NotFound."""
    query = select(ReviewPanel).where(ReviewPanel.id == panel_id, ReviewPanel.agency_id == actor.agency_id)
    found = db.session.scalar(query.with_for_update() if lock else query)
    if found is None:
        raise NotFound("panel")
    return found


def assessor(actor: Account, assessor_id: int) -> PanelAssessor:
    """An assessor of one of the own agency's panels. Raises NotFound."""
    query = select(PanelAssessor).join(PanelAssessor.panel)
    found = db.session.scalar(query.where(PanelAssessor.id == assessor_id, ReviewPanel.agency_id == actor.agency_id))
    if found is None:
        raise NotFound("assessor")
    return found


def make(actor: Account, name: str, assessors: str, criteria: str) -> ReviewPanel:
    """Make a panel. `assessors` has one a line, name and unit, the chair first; `criteria` one a line, name and marks.

    Raises FieldsRefused for "name", "assessors" and "criteria".
    """
    subject = review_subject()
    wrong: dict[str, str] = {}
    try:
        title = fields.short_text(name, "评审组名称", 40)
    except InvalidInput as error:
        wrong["name"] = error.message
    people = _assessors(assessors, wrong)
    parts = _criteria(criteria, subject, wrong)
    if "name" not in wrong and any(one.name == title for one in panels(actor)):
        wrong["name"] = f"已有名为“{title}”的评审组，请换一个名称。"
    if wrong:
        raise FieldsRefused(wrong)
    with transaction() as session:
        agency = scores.lock_own_agency(actor)
        made = ReviewPanel(cycle_id=cycles.current_cycle().id, agency_id=agency.id, name=title, made_by_id=actor.id)
        for position, (who, unit) in enumerate(people):
            made.assessors.append(PanelAssessor(position=position, name=who, unit_name=unit))
        for position, (what, full) in enumerate(parts):
            made.criteria.append(PanelCriterion(position=position, name=what, full_mark=full))
        session.add(made)
        audit.record(actor, "make_panel", made, assessors=[list(one) for one in people])
    return made


def _lines(text: str) -> list[list[str]]:
    return [re.split(r"[\s,，;；\t]+", line.strip(), maxsplit=1) for line in text.splitlines() if line.strip()]


def _assessors(text: str, wrong: dict[str, str]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for number, parts in enumerate(_lines(text), start=1):
        try:
            if len(parts) < 2:
                raise InvalidInput("请写姓名和单位，中间用空格分开。")
            found.append((fields.person_name(parts[0]), fields.short_text(parts[1], "单位", 60)))
        except InvalidInput as error:
            wrong["assessors"] = f"第{number}行：{error.message}"
            return []
    if len(found) < LEAST_ASSESSORS:
        wrong["assessors"] = f"评委至少{LEAST_ASSESSORS}名，每行一名，第一行为主任评委。"
    elif len(set(found)) < len(found):
        wrong["assessors"] = "有评委填写了两次，请核对。"
    return found


def _criteria(text: str, subject: SubjectEntry, wrong: dict[str, str]) -> list[tuple[str, Decimal]]:
    found: list[tuple[str, Decimal]] = []
    for number, line in enumerate((one.strip() for one in text.splitlines() if one.strip()), start=1):
        match = re.fullmatch(r"(.{1,40}?)[\s,，:：]+([0-9]{1,3}(?:\.[0-9])?)分?", line)
        if match is None or not Decimal(match[2]):
            wrong["criteria"] = f"第{number}行请写评审项目和满分，中间用空格分开，如“业绩成果 40”。"
            return []
        found.append((match[1], Decimal(match[2])))
    total = sum((full for _, full in found), Decimal(0))
    if total != subject.full_mark:
        wrong["criteria"] = (
            f"各项满分合计应为{mark_text(subject.full_mark, False)}分，现为{mark_text(total, False)}分。"
        )
    return found


def remove(actor: Account, panel_id: int) -> None:
    """Take away a panel into which nothing was entered yet. Raises Refused."""
    with transaction() as session:
        panel = find(actor, panel_id, lock=True)
        _refuse_begun(panel)
        audit.record(actor, "remove_panel", panel, name=panel.name)
        session.delete(panel)


def _refuse_begun(panel: ReviewPanel) -> None:
    if panel.opened_at is not None:
        raise Refused("评审组已启封，不能再修改。")
    if any(one.begun for one in panel.assessors):
        raise Refused("已有评委的评分密封，参评人员和评委不能再修改。")


def free(actor: Account) -> Listing:
    """The qualified of grade one who are in no panel yet."""
    query = (
        narrow(select(Application), Application, actor)
        .where(
            scores.qualified(actor, cycles.current_cycle()),
            Application.grade == GRADE,
            ~exists().where(PanelCandidate.application_id == Application.id),
        )
        .join(Application.person)
        .join(Application.unit)
        .options(contains_eager(Application.person), contains_eager(Application.unit), joinedload(Application.trade))
    )
    return Listing(
        title="待编入评审组人员",
        query=query,
        tie=Application.id,
        sort="number",
        search=[contains(Person.name), of_identity(Person), contains(Unit.name)],
        search_hint="姓名、身份证号后四位或完整号码、单位",
        columns=[
            Column("number", "申报编号", lambda row: row.number, Application.number, kind="mono"),
            Column("name", "姓名", lambda row: row.person.name, Person.name, kind="name"),
            Column("unit", "单位", lambda row: row.unit.name, Unit.name),
            Column("trade", "工种", lambda row: row.trade.name),
        ],
        empty_text="没有待编入评审组的人员：一级审查合格人员都已编入，或还没有人审查合格。",
    )


def add(actor: Account, panel_id: int, application_ids: Sequence[int]) -> int:
    """Put people into a panel that nobody has judged yet; how many.

    Raises Refused where fewer than LEAST_ASSESSORS would remain for somebody once those of the own unit stand back.
    """
    with transaction() as session:
        scores.lock_own_agency(actor)
        panel = find(actor, panel_id, lock=True)
        _refuse_begun(panel)
        scores.require_unreleased(actor, cycles.current_cycle(), GRADE)
        wanted = free(actor).query.where(Application.id.in_(application_ids)).order_by(Application.number)
        found = session.scalars(wanted).unique().all()
        for one in found:
            assert one.unit is not None
            judging = [each for each in panel.assessors if not same_unit(each.unit_name, one.unit.name)]
            if len(judging) < LEAST_ASSESSORS:
                raise Refused(
                    f"{one.person.name}的同单位评委回避后只剩{len(judging)}名，至少需要{LEAST_ASSESSORS}名。"
                    "请编入其他评审组，或先增加评委。"
                )
            panel.candidates.append(PanelCandidate(application_id=one.id))
        audit.record(actor, "add_to_panel", panel, applications=[one.id for one in found])
    return len(found)


def take_out(actor: Account, candidate_id: int) -> ReviewPanel:
    """Take somebody out of a panel that nobody has judged yet. Raises Refused, NotFound."""
    with transaction() as session:
        candidate = _candidate(actor, candidate_id)
        panel = find(actor, candidate.panel_id, lock=True)
        _refuse_begun(panel)
        audit.record(actor, "take_out_of_panel", panel, application=candidate.application_id)
        session.delete(candidate)
    return panel


def set_absent(actor: Account, candidate_id: int) -> PanelCandidate:
    """Turn somebody's absence (缺考) on or off before any sheet is sealed. Raises Refused, NotFound."""
    with transaction():
        candidate = _candidate(actor, candidate_id)
        panel = find(actor, candidate.panel_id, lock=True)
        _refuse_begun(panel)
        candidate.absent = not candidate.absent
        audit.record(actor, "set_panel_absence", panel, application=candidate.application_id, absent=candidate.absent)
    return candidate


def _candidate(actor: Account, candidate_id: int) -> PanelCandidate:
    query = select(PanelCandidate).join(PanelCandidate.panel)
    found = db.session.scalar(query.where(PanelCandidate.id == candidate_id, ReviewPanel.agency_id == actor.agency_id))
    if found is None:
        raise NotFound("candidate")
    return found


def judged_by(one: PanelAssessor) -> list[PanelCandidate]:
    """Whom an assessor judges: everybody present but the people of the own unit."""
    return [candidate for candidate in one.panel.candidates if not candidate.absent and not _conflict(one, candidate)]


def _conflict(one: PanelAssessor, candidate: PanelCandidate) -> bool:
    assert candidate.application.unit is not None
    return same_unit(one.unit_name, candidate.application.unit.name)


def conflicts(panel: ReviewPanel) -> dict[int, list[str]]:
    """The assessors who stand back for the sake of their own unit, by candidate."""
    return {
        candidate.id: [one.name for one in panel.assessors if _conflict(one, candidate)]
        for candidate in panel.candidates
    }


def field_name(candidate: PanelCandidate, criterion: PanelCriterion) -> str:
    """The name of a field of an assessor's sheet."""
    return f"mark-{candidate.id}-{criterion.id}"


def seal(actor: Account, assessor_id: int, typed: Mapping[str, str], *, anew: bool = False) -> bool:
    """Keep one assessor's whole sheet, sealed: nobody reads it before the panel is opened, whoever typed it included.

    Where the agency has double entry on, the sheet counts once a second person has typed the same; `anew` makes the
    second person's the first entry instead, for where the first was wrong. A sheet with a slip is typed anew as a
    whole. Returns whether the sheet is sealed now.
    Raises FieldsRefused by `field_name`, Refused once opened, WindowClosed, NotFound.
    """
    with transaction() as session:
        one = assessor(actor, assessor_id)
        agency = scores.lock_own_agency(actor)
        panel = find(actor, one.panel_id, lock=True)
        cycles.require_open(WindowKey.RESULTS, agency, GRADE)
        if panel.opened_at is not None:
            raise Refused("评审组已启封，评分不能再修改。")
        sheet = _read_sheet(one, typed)
        if agency.double_entry and not (one.first_at is not None and one.first_by_id != actor.id and not anew):
            _forget(one)
            one.first_by_id, one.first_at = actor.id, now()
            one.first_sheet = {str(number): _shown(parts) for number, parts in sheet.items()}
            audit.record(actor, "enter_panel_sheet", panel, assessor=one.name)
            return False
        if agency.double_entry:
            _require_same(one, sheet)
        again = one.sealed_at is not None
        _forget(one)
        for number, parts in sheet.items():
            total = sum(parts, Decimal(0))
            session.add(PanelMark(assessor_id=one.id, candidate_id=number, parts=_shown(parts), total=total))
        one.sealed_by_id, one.sealed_at = actor.id, now()
        audit.record(actor, "seal_panel_sheet", panel, assessor=one.name, again=again)
    return True


def _read_sheet(one: PanelAssessor, typed: Mapping[str, str]) -> dict[int, list[Decimal]]:
    """The marks of a whole sheet, by candidate. Raises FieldsRefused, Refused."""
    people = judged_by(one)
    if not people:
        raise Refused("没有需要该评委评分的人员。")
    wrong: dict[str, str] = {}
    sheet: dict[int, list[Decimal]] = {}
    for candidate in people:
        sheet[candidate.id] = []
        for criterion in one.panel.criteria:
            name = field_name(candidate, criterion)
            subject = Subject(str(criterion.id), criterion.name, criterion.full_mark, Decimal(0))
            try:
                mark = parse_mark(typed.get(name, ""), subject)
                if mark.value is None:
                    raise InvalidInput("请填写分数；缺考的请先在评审组中登记。")
                sheet[candidate.id].append(mark.value)
            except InvalidInput as error:
                wrong[name] = error.message
    if wrong:
        raise FieldsRefused(wrong)
    return sheet


def _shown(parts: Sequence[Decimal]) -> list[str]:
    return [mark_text(part, False) for part in parts]


def _require_same(one: PanelAssessor, sheet: Mapping[int, Sequence[Decimal]]) -> None:
    """Raises FieldsRefused where the first person typed other marks; what those were is not told."""
    first = one.first_sheet or {}
    wrong = {}
    for candidate in judged_by(one):
        before, after = first.get(str(candidate.id), []), _shown(sheet[candidate.id])
        for place, criterion in enumerate(one.panel.criteria):
            if before[place : place + 1] != after[place : place + 1]:
                wrong[field_name(candidate, criterion)] = "与第一次录入的不同，请核对评分表。"
    if wrong:
        raise FieldsRefused(wrong)


def _forget(one: PanelAssessor) -> None:
    """Take away what was entered of a sheet, so that it can be entered anew."""
    for mark in db.session.scalars(select(PanelMark).where(PanelMark.assessor_id == one.id)):
        db.session.delete(mark)
    one.sealed_by_id = one.sealed_at = None
    one.first_by_id = one.first_at = one.first_sheet = None
    db.session.flush()


def entered_by_another(actor: Account, one: PanelAssessor) -> bool:
    """Whether somebody else has typed the sheet once, so that the actor's entry is the second."""
    return one.first_at is not None and one.first_by_id != actor.id


def sheets_paper(panel: ReviewPanel) -> list[AssessorSheetPaper]:
    """The blank sheets to be filled in by hand, one for each assessor who judges somebody.

    Raises Refused where there is nobody to judge.
    """
    made = [_sheet_paper(panel, one) for one in panel.assessors if judged_by(one)]
    if not made:
        raise Refused("评审组还没有参评人员，请先编入后再打印评分表。")
    return made


def _sheet_paper(panel: ReviewPanel, one: PanelAssessor) -> AssessorSheetPaper:
    people = []
    for candidate in judged_by(one):
        application = candidate.application
        assert application.unit is not None and application.trade is not None
        people.append(
            (application.number or "", application.person.name, application.unit.name, application.trade.name)
        )
    agency = db.session.get_one(Agency, panel.agency_id)
    return AssessorSheetPaper(
        cycle_year=cycles.current_cycle().year,
        agency_name=agency.name,
        panel=panel.name,
        assessor=one.name,
        chair=one.position == 0,
        assessor_unit=one.unit_name,
        criteria=tuple((part.name, mark_text(part.full_mark, False)) for part in panel.criteria),
        full_mark=mark_text(sum((part.full_mark for part in panel.criteria), Decimal(0)), False),
        people=tuple(people),
        stands_back=len([each for each in panel.candidates if _conflict(one, each)]),
    )


def unsealed(panel: ReviewPanel) -> list[str]:
    """The assessors whose sheets are still missing."""
    return [one.name for one in panel.assessors if one.sealed_at is None and judged_by(one)]


def open_sheets(actor: Account, panel_id: int) -> ReviewPanel:
    """Open all sheets for the chair: means, spreads, and everybody's mark of the review subject.

    Raises Refused while a sheet is missing and once opened, proposed or released, WindowClosed, NotFound.
    """
    with transaction() as session:
        scores.lock_own_agency(actor)
        panel = find(actor, panel_id, lock=True)
        cycle = cycles.current_cycle()
        cycles.require_open(WindowKey.RESULTS, actor.agency, GRADE)
        scores.require_unreleased(actor, cycle, GRADE)
        if panel.opened_at is not None:
            raise Refused("评审组已经启封。")
        if not panel.candidates:
            raise Refused("评审组还没有参评人员，不能启封。")
        missing = unsealed(panel)
        if missing:
            raise Refused(f"还有评委的评分没有录入：{'、'.join(missing)}。全部录入后才能启封。")
        subject = review_subject()
        totals = _totals(panel)
        kept = {
            score.application_id: score
            for score in session.scalars(
                select(Score).where(
                    Score.application_id.in_([one.application_id for one in panel.candidates]),
                    Score.subject_key == subject.key,
                )
            )
        }
        for one in panel.candidates:
            if one.absent:
                mark = Mark(subject.key, None, absent=True)
            else:
                one.mean = panel_mean(totals[one.id], trims=cycle.panel_trims)
                one.spread = spread(totals[one.id])
                mark = Mark(subject.key, one.mean)
            scores.put(actor, (one.application_id, subject.key), mark, "", kept.get(one.application_id))
        panel.opened_by_id, panel.opened_at = actor.id, now()
        audit.record(actor, "open_panel", panel, chair=panel.assessors[0].name, people=len(panel.candidates))
    return panel


def _totals(panel: ReviewPanel) -> dict[int, list[Decimal]]:
    found: dict[int, list[Decimal]] = {}
    for mark in db.session.scalars(
        select(PanelMark).where(PanelMark.candidate_id.in_([one.id for one in panel.candidates]))
    ):
        found.setdefault(mark.candidate_id, []).append(mark.total)
    return found


def opened_marks(panel: ReviewPanel) -> dict[tuple[int, int], PanelMark]:
    """Every mark of an opened panel by (candidate, assessor); nothing before it is opened."""
    if panel.opened_at is None:
        return {}
    query = select(PanelMark).where(PanelMark.candidate_id.in_([one.id for one in panel.candidates]))
    return {(mark.candidate_id, mark.assessor_id): mark for mark in db.session.scalars(query)}
