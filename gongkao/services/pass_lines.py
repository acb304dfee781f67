"""Pass lines, weights and the other figures of scoring: data of the cycle, fixed once a grade is released anywhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from sqlalchemy import Select, func, select

from gongkao.extensions import db
from gongkao.models import Account, Application, Cycle, GradeRule, Release, ReleaseProposal, Score, SubjectEntry
from gongkao.models.result import ProposalState
from gongkao.rules import fields
from gongkao.rules.errors import InvalidInput
from gongkao.rules.grades import Grade
from gongkao.rules.scoring import PassRule
from gongkao.services import audit, cycles
from gongkao.services.errors import FieldsRefused, Refused
from gongkao.services.scores import mark_text
from gongkao.services.transaction import transaction


@dataclass(frozen=True)
class GradeLines:
    """One grade's subjects and rule; `fixed` where it has been released somewhere."""

    grade: Grade
    subjects: Sequence[SubjectEntry]
    rule: PassRule
    fixed: bool

    @property
    def words(self) -> str:
        """What makes a pass, in words."""
        parts = ["各科目均须达到合格线"] if self.rule.each_subject else []
        if self.rule.total_line is not None:
            parts.append(f"加权总成绩须达到{mark_text(self.rule.total_line, False)}分")
        return "，".join(parts)


def lines() -> list[GradeLines]:
    """All grades from five to one."""
    return [lines_of(grade) for grade in sorted(Grade, reverse=True)]


def lines_of(grade: int) -> GradeLines:
    """One grade of the current cycle."""
    cycle = cycles.current_cycle()
    fixed = db.session.scalar(_used(cycle, grade)) is not None
    return GradeLines(Grade(grade), cycles.subjects(cycle, grade), cycles.pass_rule(cycle, grade), fixed)


def _used(cycle: Cycle, grade: int) -> Select[int]:
    return select(Release.id).where(Release.cycle_id == cycle.id, Release.grade == grade).limit(1)


def change(actor: Account, grade: int, typed: Mapping[str, str], *, each_subject: bool, total: bool) -> None:
    """Change a grade's full marks, pass marks and weights, and what makes a pass.

    `typed` holds "full-KEY", "pass-KEY", "weight-KEY" and "total_line". Raises FieldsRefused by those names, Refused
    once the grade's results are released or proposed anywhere.
    """
    with transaction() as session:
        cycle = cycles.current_cycle()
        _refuse_used(cycle, grade)
        subjects = cycles.subjects(cycle, grade)
        wrong: dict[str, str] = {}

        def number(name: str, label: str, most: Decimal, least: Decimal = Decimal(0)) -> Decimal:
            try:
                return _number(typed.get(name, ""), label, least, most)
            except InvalidInput as error:
                wrong[name] = error.message
                return Decimal(0)

        planned = {}
        for one in subjects:
            full = number(f"full-{one.key}", "满分", Decimal(999), Decimal(1))
            line = number(f"pass-{one.key}", "合格线", full or Decimal(999))
            weight = number(f"weight-{one.key}", "权重", Decimal(100)) if total else Decimal(0)
            planned[one.key] = (full, line, weight)
            highest = _highest(cycle, grade, one.key)
            if f"full-{one.key}" not in wrong and highest is not None and highest > full:
                wrong[f"full-{one.key}"] = f"已录入{mark_text(highest, False)}分的成绩，满分不能低于它。"
        line_of_total = number("total_line", "加权总成绩合格线", Decimal(100)) if total else None
        if not each_subject and not total:
            wrong["each_subject"] = "请至少选择一项合格条件。"
        if total and not wrong and sum(weight for _, _, weight in planned.values()) != 100:
            wrong[f"weight-{subjects[-1].key}"] = "各科目权重合计应为100%，请核对。"
        if wrong:
            raise FieldsRefused(wrong)
        before = {one.key: _said(one.full_mark, one.pass_mark, one.weight) for one in subjects}
        for one in subjects:
            one.full_mark, one.pass_mark, one.weight = planned[one.key]
        query = select(GradeRule).where(GradeRule.cycle_id == cycle.id, GradeRule.grade == grade)
        rule = session.scalar(query) or GradeRule(cycle_id=cycle.id, grade=grade)
        rule.each_subject, rule.total_line = each_subject, line_of_total
        session.add(rule)
        after = {key: _said(*figures) for key, figures in planned.items()}
        shown = None if line_of_total is None else str(line_of_total)
        audit.record(
            actor,
            "change_pass_lines",
            cycle,
            grade=grade,
            before=before,
            after=after,
            each_subject=each_subject,
            total_line=shown,
        )


def change_common(actor: Account, *, recheck_days: str, panel_spread: str, panel_trims: bool) -> None:
    """Change the days for asking a recheck, and how a panel's marks are counted. Raises FieldsRefused."""
    wrong: dict[str, str] = {}
    days, widest = Decimal(0), Decimal(0)
    try:
        days = _number(recheck_days, "成绩复核申请期限", Decimal(1), Decimal(60))
        if days != int(days):
            raise InvalidInput("成绩复核申请期限请填写整天数。")
    except InvalidInput as error:
        wrong["recheck_days"] = error.message
    try:
        widest = _number(panel_spread, "评分差距提示线", Decimal(1), Decimal(100))
    except InvalidInput as error:
        wrong["panel_spread"] = error.message
    if wrong:
        raise FieldsRefused(wrong)
    with transaction():
        cycle = cycles.current_cycle()
        before = [cycle.recheck_days, str(cycle.panel_spread), cycle.panel_trims]
        cycle.recheck_days, cycle.panel_spread, cycle.panel_trims = int(days), widest, panel_trims
        audit.record(actor, "change_scoring", cycle, before=before, after=[int(days), str(widest), panel_trims])


def _refuse_used(cycle: Cycle, grade: int) -> None:
    if db.session.scalar(_used(cycle, grade)) is not None:
        raise Refused(f"{Grade(grade).label}已有机构公布结果，合格标准不能再修改。")
    proposed = select(ReleaseProposal.id).where(
        ReleaseProposal.cycle_id == cycle.id,
        ReleaseProposal.grade == grade,
        ReleaseProposal.state == ProposalState.OPEN,
    )
    if db.session.scalar(proposed.limit(1)) is not None:
        raise Refused(f"{Grade(grade).label}已有机构提请公布结果，合格标准不能修改；确需修改的，请先由该机构退回提请。")


def _highest(cycle: Cycle, grade: int, key: str) -> Decimal | None:
    query = (
        select(func.max(Score.value))
        .join(Application, Application.id == Score.application_id)
        .where(Application.cycle_id == cycle.id, Application.grade == grade, Score.subject_key == key)
    )
    return db.session.scalar(query)


def _number(text: str, label: str, least: Decimal, most: Decimal) -> Decimal:
    """A figure with at most one decimal. Raises InvalidInput."""
    plain = fields.short_text(text, label, 10)
    try:
        value = Decimal(plain)
        fits = value.is_finite() and least <= value <= most and value == round(value, 1)
    except InvalidOperation:
        fits = False
    if not fits:
        bounds = f"{mark_text(least, False)}至{mark_text(most, False)}"
        raise InvalidInput(f"{label}请填写{bounds}之间的数，最多一位小数。")
    return value


def _said(full: Decimal, line: Decimal, weight: Decimal) -> str:
    return f"满分{mark_text(full, False)}，合格{mark_text(line, False)}，权重{mark_text(weight, False)}%"
