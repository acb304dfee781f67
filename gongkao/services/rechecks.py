"""Rechecks (成绩复核): asked by the applicant within the days of the cycle, checked and answered by the agency."""

from collections.abc import Mapping
from datetime import date, timedelta

from sqlalchemy import select
from sqlalchemy.orm import contains_eager

from gongkao.access.permissions import Permission
from gongkao.access.scope import may, narrow
from gongkao.clock import now, today
from gongkao.extensions import db
from gongkao.models import (
    Account,
    Application,
    Certificate,
    CertificateState,
    Person,
    Recheck,
    RecheckState,
    Release,
    Result,
    ResultVersion,
    Score,
    SubjectEntry,
    Unit,
)
from gongkao.rules import fields
from gongkao.rules.errors import InvalidInput
from gongkao.rules.grades import Grade
from gongkao.rules.scoring import Mark, parse_mark
from gongkao.services import audit, cycles, messages, results, scores
from gongkao.services.errors import FieldsRefused, NotFound, Refused
from gongkao.services.listing import Cell, Column, Filter, Listing, contains, of_identity
from gongkao.services.release import verdict
from gongkao.services.transaction import transaction


def last_day(result: Result) -> date:
    """The last day on which a recheck of the result can be asked for."""
    return result.release.released_at.date() + timedelta(days=result.application.cycle.recheck_days)


def own(actor: Account) -> tuple[Result, Recheck | None]:
    """The applicant's own result and its recheck. Raises NotFound before the release."""
    result = results.find_own(actor)
    return result, db.session.scalar(select(Recheck).where(Recheck.result_id == result.id))


def ask(actor: Account, reason: str) -> Recheck:
    """Ask for the own marks to be checked again. Raises FieldsRefused for "reason", Refused once asked or too late."""
    try:
        clean = fields.short_text(reason, "复核理由", 300, 4)
    except InvalidInput as error:
        raise FieldsRefused({"reason": error.message}) from error
    with transaction() as session:
        result, made = own(actor)
        if made is not None:
            raise Refused("您已申请过成绩复核，一次考核只能申请一次。")
        if today() > last_day(result):
            day = last_day(result)
            raise Refused(f"成绩复核应在{day.year}年{day.month}月{day.day}日前申请，现已截止。")
        release = result.release
        made = Recheck(result_id=result.id, cycle_id=release.cycle_id, agency_id=release.agency_id, reason=clean)
        session.add(made)
        audit.record(actor, "ask_recheck", made, result=result.id)
        title = f"收到成绩复核申请：{result.application.person.name}"
        messages.tell("result", title, clean, f"recheck {made.id}", agency_id=release.agency_id)
    return made


def listing(actor: Account) -> Listing:
    """The rechecks asked of the own agency in this cycle."""
    own = (Recheck.cycle_id == cycles.current_cycle().id, Recheck.agency_id == actor.agency_id)
    bare = narrow(select(Recheck).join(Recheck.result).where(*own), Result, actor)
    query = (
        bare.join(Result.application)
        .join(Application.person)
        .join(Application.unit)
        .options(
            contains_eager(Recheck.result)
            .contains_eager(Result.application)
            .options(contains_eager(Application.person), contains_eager(Application.unit))
        )
    )
    return Listing(
        title="成绩复核",
        query=query,
        bare=bare,
        tie=Recheck.id,
        sort="asked",
        search=[contains(Person.name), of_identity(Person), contains(Unit.name)],
        search_hint="姓名、身份证号后四位或完整号码、单位",
        columns=[
            Column("number", "结果通知编号", lambda row: row.result.number, Result.number, kind="mono"),
            Column("name", "姓名", lambda row: row.result.application.person.name, Person.name, kind="name"),
            Column("unit", "单位", lambda row: row.result.application.unit.name, Unit.name),
            Column("grade", "等级", lambda row: Grade(row.result.application.grade).level, Application.grade),
            Column("reason", "复核理由", lambda row: row.reason),
            Column("asked", "申请时间", lambda row: f"{row.asked_at:%Y-%m-%d %H:%M}", Recheck.asked_at, kind="date"),
            Column("state", "状态", lambda row: Cell(row.state.label, chip=row.state.tone), kind="status"),
        ],
        filters=[
            Filter(
                "state",
                "状态",
                [("", "全部"), *((state.value, state.label) for state in RecheckState)],
                lambda value: Recheck.state == RecheckState(value),
            )
        ],
        empty_text="没有成绩复核申请。结果公布后，申报人员可以在规定时间内申请。",
    )


def find(actor: Account, recheck_id: int) -> Recheck:
    """A recheck asked of the own agency. Raises NotFound."""
    query = (
        select(Recheck)
        .join(Recheck.result)
        .join(Release, Release.id == Result.release_id)
        .where(Recheck.id == recheck_id, Release.agency_id == actor.agency_id)
    )
    found = db.session.scalar(query)
    if found is None:
        raise NotFound("recheck")
    return found


def versions(result: Result) -> list[ResultVersion]:
    """What a result was before its corrections, the first one first."""
    query = select(ResultVersion).where(ResultVersion.result_id == result.id).order_by(ResultVersion.version)
    return list(db.session.scalars(query))


def kept_marks(result: Result) -> dict[str, str]:
    """The marks as entered, by subject."""
    query = select(Score).where(Score.application_id == result.application_id)
    return {score.subject_key: scores.score_text(score) for score in db.session.scalars(query)}


def answer(actor: Account, recheck_id: int, text: str, typed: Mapping[str, str]) -> Recheck:
    """Answer a recheck: marks typed as they stand leave the result; others correct it, both kept on record.

    `typed` maps "mark-SUBJECT" to what was typed. A correction gives the notice a new number and code, and everybody
    concerned is told. Raises FieldsRefused for "answer" and the marks, Refused once answered, for a correction by
    somebody who may not release, and where a certificate would have to be revoked first; NotFound.
    """
    with transaction():
        scores.lock_own_agency(actor)
        recheck = find(actor, recheck_id)
        if recheck.state is not RecheckState.ASKED:
            raise Refused("该复核申请已经答复。")
        result = recheck.result
        application = result.application
        assert application.grade is not None
        subjects = cycles.subjects(application.cycle, application.grade)
        wrong: dict[str, str] = {}
        try:
            clean = fields.short_text(text, "复核答复", 300, 4)
        except InvalidInput as error:
            wrong["answer"] = error.message
        before = kept_marks(result)
        changed = _changed(subjects, typed, before, wrong)
        if wrong:
            raise FieldsRefused(wrong)
        if changed and not may(actor, Permission.RELEASE_RESULTS):
            raise Refused("更正成绩须由机构负责人办理。请写明复核情况后交负责人更正，本次没有保存。")
        if changed:
            _correct(actor, recheck, subjects, changed)
        recheck.state = RecheckState.CORRECTED if changed else RecheckState.UNCHANGED
        recheck.answer, recheck.answered_by_id, recheck.answered_at = clean, actor.id, now()
        said = {key: [before[key], scores.mark_text(mark.value, mark.absent)] for key, mark in changed.items()}
        audit.record(actor, "answer_recheck", recheck, changed=said, number=result.number)
        _tell(recheck)
    return recheck


def _changed(
    subjects: list[SubjectEntry], typed: Mapping[str, str], before: Mapping[str, str], wrong: dict[str, str]
) -> dict[str, Mark]:
    found: dict[str, Mark] = {}
    for one in subjects:
        name = f"mark-{one.key}"
        if typed.get(name, before[one.key]).strip() == before[one.key]:
            continue
        try:
            mark = parse_mark(typed[name], one.as_rule())
        except InvalidInput as error:
            wrong[name] = error.message
            continue
        if mark.breach:
            wrong[name] = "复核中不能登记违纪。"
        if scores.mark_text(mark.value, mark.absent, mark.breach) != before[one.key]:
            found[one.key] = mark
    return found


def _correct(actor: Account, recheck: Recheck, subjects: list[SubjectEntry], changed: Mapping[str, Mark]) -> None:
    result = recheck.result
    application = result.application
    assert application.grade is not None
    kept = {
        score.subject_key: score
        for score in db.session.scalars(select(Score).where(Score.application_id == application.id))
    }
    for key, mark in changed.items():
        scores.put(actor, (application.id, key), mark, "", kept[key])
    marks = {key: Mark(key, score.value, score.absent, score.breach) for key, score in kept.items()}
    rule = cycles.pass_rule(application.cycle, application.grade)
    passed, frozen = verdict([one.as_rule() for one in subjects], marks, rule)
    if result.passed and not passed and _certified(application):
        raise Refused("更正后不合格，但已发等级证书。请先在“等级证书”中撤销证书，再更正成绩。")
    db.session.add(
        ResultVersion(
            result_id=result.id,
            recheck_id=recheck.id,
            version=result.version,
            passed=result.passed,
            marks=result.marks,
            number=result.number,
            verification_code=result.verification_code,
        )
    )
    result.version += 1
    result.passed, result.marks, result.corrected_at = passed, frozen, now()
    result.number = f"{result.number.partition('-')[0]}-{result.version}"
    result.verification_code = results.new_code()


def _certified(application: Application) -> bool:
    query = select(Certificate.id).where(
        Certificate.application_id == application.id, Certificate.state == CertificateState.VALID
    )
    return db.session.scalar(query) is not None


def _tell(recheck: Recheck) -> None:
    application = recheck.result.application
    title = f"成绩复核已答复：{recheck.state.label}"
    corrected = recheck.state is RecheckState.CORRECTED
    body = recheck.answer + ("　原结果通知作废，请下载新的结果通知。" if corrected else "")
    messages.tell_person(application.person_id, "result", title, body, "own_recheck")
    if corrected:
        name = application.person.name
        said = f"结果通知编号变更为{recheck.result.number}。"
        for unit_id in {application.unit_id, application.supervising_unit_id} - {None}:
            messages.tell("result", f"{name}的考核结果已更正", said, "result", unit_id=unit_id)


def replaced(code: str) -> ResultVersion | None:
    """The earlier result a code stands for, where its notice was replaced after a recheck."""
    text = code.strip().upper().replace("-", "")
    return db.session.scalar(select(ResultVersion).where(ResultVersion.verification_code == text))
