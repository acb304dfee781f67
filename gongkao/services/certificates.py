"""Certificates (办理证书, notice 三（六）): issued to those who passed, re-issued, revoked, handed out, all on record.

Numbers run without gaps or repeats: an agency's counter of the cycle is locked until the use case that took a number
is kept or undone, so a number that was taken is a certificate that exists.
"""

import secrets
from collections.abc import Sequence

from sqlalchemy import Select, func, select
from sqlalchemy.orm import contains_eager, joinedload, selectinload
from sqlalchemy.orm.interfaces import ORMOption

from gongkao.access.scope import narrow, narrow_in_cycle
from gongkao.clock import now, today
from gongkao.documents.certificate_papers import CertificatePaper, RevocationPaper
from gongkao.extensions import db
from gongkao.models import (
    Account,
    Agency,
    Application,
    Certificate,
    CertificateCounter,
    CertificateState,
    Person,
    Release,
    Result,
    Role,
    Unit,
)
from gongkao.rules.calendar import WindowKey, day_text
from gongkao.rules.fields import mask_name
from gongkao.rules.grades import Grade
from gongkao.rules.materials import MaterialKind
from gongkao.rules.workflow import Status
from gongkao.services import audit, cycles, files, kept, messages, unmasking
from gongkao.services.errors import Conflict, FieldsRefused, NotFound, Refused
from gongkao.services.kept import Figures
from gongkao.services.list_filters import of_agencies, of_application, of_grade
from gongkao.services.listing import Cell, Column, Filter, Listing, contains
from gongkao.services.notices import shown_code
from gongkao.services.people_search import of_people
from gongkao.services.transaction import transaction

# As on result notices: letters and digits that nobody confuses on paper.
_CODE_ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
_CODE_LENGTH = 12
REASON_LENGTH = 200


def _on_it() -> tuple[ORMOption, ...]:
    """Everything that stands on a certificate, so that many of them take few queries."""
    application = joinedload(Certificate.application).options(
        joinedload(Application.person), joinedload(Application.cycle), selectinload(Application.materials)
    )
    return application, joinedload(Certificate.result), joinedload(Certificate.agency)


def without_certificate(actor: Account, grade: int | None = None) -> list[int]:
    """The released results of this cycle at the own agency that call for a certificate and have had none, by number."""
    query = _without(actor).order_by(Result.number)
    if grade is not None:
        query = query.where(Release.grade == grade)
    return list(db.session.scalars(query))


def _without(actor: Account) -> Select[int]:
    return (
        select(Result.id)
        .join(Result.release)
        .join(Result.application)
        .where(
            Release.agency_id == actor.agency_id,
            Release.cycle_id == cycles.current_cycle().id,
            Result.passed,
            Application.status == Status.QUALIFIED,
            ~select(Certificate.id).where(Certificate.application_id == Result.application_id).exists(),
        )
    )


def count_without(actor: Account) -> Figures[int]:
    """How many call for a certificate and have had none; where many passed, counted once a minute."""

    def count() -> tuple[int, int]:
        own = Release.agency_id == actor.agency_id, Release.cycle_id == cycles.current_cycle().id
        passed = select(func.count()).select_from(Result).join(Result.release).where(*own, Result.passed)
        without = select(func.count()).select_from(_without(actor).subquery())
        number, rows = db.session.execute(select(without.scalar_subquery(), passed.scalar_subquery())).one()
        return number, rows

    return kept.figures("without certificate", actor, (), count)


def issue(actor: Account, result_ids: Sequence[int]) -> list[Certificate]:
    """Issue certificates for released results of the own agency, in the order given (notice 三（六）).

    Whoever has one keeps it, so that doing the same again gives no second number; whoever had one revoked gets none.
    Raises WindowClosed, Refused where a result is not the own agency's or not passed.
    """
    with transaction() as session:
        query = (
            select(Result)
            .where(Result.id.in_(result_ids))
            .options(
                joinedload(Result.release).joinedload(Release.agency),
                joinedload(Result.application).options(
                    joinedload(Application.person),
                    joinedload(Application.unit),
                    joinedload(Application.trade),
                    joinedload(Application.cycle),
                ),
            )
        )
        found = {result.id: result for result in session.scalars(query)}
        issued: list[Certificate] = []
        for result_id in result_ids:
            result = found.get(result_id)
            if result is None or result.release.agency_id != actor.agency_id or not result.passed:
                raise Refused("只能为本机构已公布的考核合格人员办理证书。请刷新证书页面后重新办理。")
            cycles.require_open(WindowKey.RESULTS, result.release.agency, result.release.grade)
            certificate = _issue_one(actor, result)
            if certificate is not None:
                issued.append(certificate)
    return issued


def _issue_one(actor: Account, result: Result) -> Certificate | None:
    counter = _locked_counter(result.release.cycle_id, result.release.agency)
    earlier = db.session.scalars(
        select(Certificate).where(Certificate.application_id == result.application_id).order_by(Certificate.id)
    ).all()
    valid = [one for one in earlier if one.state is CertificateState.VALID]
    if earlier or result.application.status is not Status.QUALIFIED:
        return valid[0] if valid else None
    return _make(actor, counter, result, None)


def _locked_counter(cycle_id: int, agency: Agency) -> CertificateCounter:
    """The agency's counter of the cycle, held until the use case ends."""
    query = select(CertificateCounter).where(
        CertificateCounter.cycle_id == cycle_id, CertificateCounter.agency_id == agency.id
    )
    query = query.with_for_update().execution_options(populate_existing=True)
    counter = db.session.scalar(query)
    if counter is None:
        # The first number of all: of two that come at once, the second waits here and then finds the counter.
        db.session.scalars(select(Agency.id).where(Agency.id == agency.id).with_for_update()).one()
        counter = db.session.scalar(query)
    if counter is None:
        counter = CertificateCounter(cycle_id=cycle_id, agency_id=agency.id, last=0)
        db.session.add(counter)
        db.session.flush()
    return counter


def _make(actor: Account, counter: CertificateCounter, result: Result, replaces: Certificate | None) -> Certificate:
    application = result.application
    assert application.unit is not None and application.trade is not None and application.grade is not None
    counter.last += 1
    year, code = application.cycle.year, result.release.agency.code
    made = Certificate(
        cycle_id=counter.cycle_id,
        agency_id=counter.agency_id,
        reviewing_agency_id=result.reviewing_agency_id,
        application_id=application.id,
        result_id=result.id,
        serial=counter.last,
        number=f"{year % 100:02d}{code}00{application.grade}{counter.last:05d}",
        verification_code="".join(secrets.choice(_CODE_ALPHABET) for _ in range(_CODE_LENGTH)),
        content={
            "name": application.person.name,
            "unit": application.unit.name,
            "trade": application.trade.name,
            "grade": Grade(application.grade).label,
        },
        issued_on=today(),
        issued_by_id=actor.id,
        replaces_id=replaces.id if replaces is not None else None,
        state=CertificateState.VALID,
    )
    db.session.add(made)
    db.session.flush()
    detail = {"replaces": replaces.number} if replaces is not None else {}
    audit.record(actor, "issue_certificate", made, number=made.number, **detail)
    messages.tell_person(
        application.person_id,
        "result",
        "等级证书已办理",
        f"证书编号{made.number}，由所在单位统一领取。",
        "own_certificate",
    )
    return made


def reissue(actor: Account, certificate_id: int, version: int, reason: str) -> Certificate:
    """Issue anew with the present name, unit and trade and a new number; the old one is void, on record.

    Raises FieldsRefused for "reason", Refused, Conflict, NotFound.
    """
    clean = _reason(reason)
    with transaction() as session:
        old = _locked(actor, certificate_id, version)
        _end(actor, old, CertificateState.REISSUED, clean)
        session.flush()
        made = _make(actor, _locked_counter(old.cycle_id, old.agency), old.result, old)
        audit.record(actor, "reissue_certificate", old, number=old.number, by=made.number, reason=clean)
    return made


def revoke(actor: Account, application: Application, reason: str) -> bool:
    """Revoke the application's valid certificate inside the caller's use case (notice 四（四）); whether there was one.

    The caller has checked that the actor may decide on the application.
    """
    with transaction() as session:
        query = select(Certificate).where(
            Certificate.application_id == application.id, Certificate.state == CertificateState.VALID
        )
        found = session.scalars(query.with_for_update()).all()
        for certificate in found:
            _end(actor, certificate, CertificateState.REVOKED, reason)
            audit.record(actor, "revoke_certificate", certificate, number=certificate.number, reason=reason)
            messages.tell_person(
                application.person_id,
                "result",
                f"等级证书{certificate.number}已撤销",
                reason,
                "own_certificate",
            )
    return bool(found)


def revoke_one(actor: Account, certificate_id: int, version: int, reason: str) -> Certificate:
    """Revoke a certificate of the own agency. Raises FieldsRefused for "reason", Refused, Conflict, NotFound."""
    clean = _reason(reason)
    with transaction():
        found = _locked(actor, certificate_id, version)
        revoke(actor, found.application, clean)
    return found


def _end(actor: Account, certificate: Certificate, state: CertificateState, reason: str) -> None:
    certificate.state = state
    certificate.ended_at = now()
    certificate.ended_by_id = actor.id
    certificate.ended_reason = reason[:300]


def _locked(actor: Account, certificate_id: int, version: int) -> Certificate:
    query = narrow(select(Certificate), Certificate, actor).where(Certificate.id == certificate_id)
    found = db.session.scalar(query.with_for_update(of=Certificate))
    if found is None:
        raise NotFound("certificate")
    if found.agency_id != actor.agency_id:
        raise Refused("该证书由其他工考管理机构办理，请由发证机构办理。")
    if found.version != version:
        raise Conflict("该证书刚刚被其他人办理过，您的操作没有生效。请刷新页面查看最新情况。")
    if found.state is not CertificateState.VALID:
        raise Refused(f"该证书{found.state.label}，不能再办理。")
    return found


def _reason(text: str) -> str:
    clean = " ".join(text.split())
    if not clean:
        raise FieldsRefused({"reason": "请写明原因，将记入证书办理记录。"})
    if len(clean) > REASON_LENGTH:
        raise FieldsRefused({"reason": f"原因不能超过{REASON_LENGTH}字，现有{len(clean)}字，请精简。"})
    return clean


def hand_out(actor: Account, certificate_ids: Sequence[int], taken_by: str) -> int:
    """Put on record who took certificates of the own agency; how many. Those handed out already keep their record.

    Raises FieldsRefused for "taken_by", Refused where none of them can be handed out.
    """
    clean = " ".join(taken_by.split())
    if not clean or len(clean) > 40:
        raise FieldsRefused({"taken_by": "请输入领取人姓名（40字以内），单位统一领取的填写经办人。"})
    with transaction() as session:
        query = narrow(select(Certificate), Certificate, actor).where(
            Certificate.id.in_(certificate_ids),
            Certificate.agency_id == actor.agency_id,
            Certificate.state == CertificateState.VALID,
            Certificate.handed_at.is_(None),
        )
        found = session.scalars(query.with_for_update(of=Certificate)).all()
        if not found:
            raise Refused("没有可以发放的证书：请勾选本机构有效、未发放的证书。")
        for certificate in found:
            certificate.handed_at = now()
            certificate.handed_by_id = actor.id
            certificate.handed_to = clean
            audit.record(actor, "hand_out_certificate", certificate, number=certificate.number, to=clean)
    return len(found)


def _of_this_cycle(actor: Account) -> tuple[Select[Certificate], Select[Certificate]]:
    """The certificates of this cycle in the person's scope, without and with their applications."""
    cycle = cycles.current_cycle()
    of_cycle = select(Certificate).where(Certificate.cycle_id == cycle.id)
    return narrow_in_cycle(of_cycle, Certificate.application, actor, cycle.id)


def certificate_listing(actor: Account) -> Listing:
    """The certificates of this cycle in the person's scope."""
    bare, query = _of_this_cycle(actor)
    query = (
        query.join(Application.person)
        .join(Application.unit)
        .options(contains_eager(Certificate.application).contains_eager(Application.person))
    )
    return Listing(
        title="等级证书",
        query=query,
        bare=bare,
        tie=Certificate.id,
        sort="number",
        search=[
            contains(Certificate.number),
            of_people(Certificate.application_id),
        ],
        search_hint="证书编号、姓名、身份证号后四位或完整号码、单位",
        columns=[
            Column("number", "证书编号", lambda row: row.number, Certificate.number, kind="mono"),
            Column("name", "姓名", lambda row: row.content["name"], Person.name, kind="name"),
            Column("identity", "身份证号", lambda row: row.application.person.masked_identity_number, kind="mono"),
            Column("unit", "单位", lambda row: row.content["unit"], Unit.name),
            Column("trade", "工种", lambda row: row.content["trade"]),
            Column("grade", "等级", lambda row: row.content["grade"], Application.grade),
            Column("issued", "发证日期", lambda row: f"{row.issued_on:%Y-%m-%d}", Certificate.issued_on, kind="date"),
            Column("state", "状态", _state, Certificate.state, kind="status"),
            Column("handed", "领取", _handed),
        ],
        filters=[
            *of_application(
                Certificate.application,
                *of_agencies(actor),
                of_grade(),
            ),
            Filter(
                "state",
                "状态",
                [("", "全部状态"), *((state.value, _SHORT[state]) for state in CertificateState)],
                lambda value: Certificate.state == CertificateState(value),
            ),
            Filter(
                "handed",
                "发放",
                [("", "全部"), ("no", "未发放"), ("yes", "已发放")],
                lambda value: Certificate.handed_at.is_not(None) if value == "yes" else Certificate.handed_at.is_(None),
            ),
        ],
        empty_text="没有符合条件的证书。结果公布后，由工考管理机构批量办理。",
    )


def revoked_listing(actor: Account) -> Listing:
    """The revoked ones of the list: each has a notice."""
    return certificate_listing(actor).where(Certificate.state == CertificateState.REVOKED)


def count_revoked(actor: Account) -> int:
    """How many of this cycle's certificates in sight are revoked."""
    bare, _ = _of_this_cycle(actor)
    revoked = bare.where(Certificate.state == CertificateState.REVOKED)
    query = revoked.with_only_columns(func.count(Certificate.id), maintain_column_froms=True)
    return db.session.scalar(query) or 0


_SHORT = {CertificateState.VALID: "有效", CertificateState.REISSUED: "已换发", CertificateState.REVOKED: "已撤销"}


def _state(row: Certificate) -> Cell:
    return Cell(_SHORT[row.state], chip=row.state.tone)


def _handed(row: Certificate) -> str:
    return f"{row.handed_at:%Y-%m-%d} {row.handed_to}" if row.handed_at is not None else ""


def find(actor: Account, certificate_id: int) -> Certificate:
    """A certificate in the person's scope. Raises NotFound."""
    query = narrow(select(Certificate), Certificate, actor).where(Certificate.id == certificate_id)
    found = db.session.scalar(query.options(*_on_it()))
    if found is None:
        raise NotFound("certificate")
    return found


def history(certificate: Certificate) -> list[Certificate]:
    """All certificates of the same application, the first one first."""
    query = select(Certificate).where(Certificate.application_id == certificate.application_id)
    return list(db.session.scalars(query.order_by(Certificate.id)))


def of_person(actor: Account) -> list[Certificate]:
    """An applicant's own certificates of all years, the newest first."""
    if actor.role is not Role.APPLICANT:
        return []
    query = narrow(select(Certificate), Certificate, actor).order_by(
        Certificate.issued_on.desc(), Certificate.id.desc()
    )
    return list(db.session.scalars(query.options(*_on_it())))


def find_own(actor: Account, certificate_id: int) -> Certificate:
    """A certificate that the applicant holds and that is valid. Raises NotFound."""
    found = find(actor, certificate_id)
    if actor.role is not Role.APPLICANT or found.state is not CertificateState.VALID:
        raise NotFound("certificate")
    return found


def verify_address(certificate: Certificate, public_url: str) -> str:
    """The address at which anyone can check it."""
    return f"{public_url.rstrip('/')}/verify/{certificate.verification_code}"


def gather(actor: Account, certificate_ids: Sequence[int]) -> list[Certificate]:
    """Certificates in the person's scope, in the order given; what is not there any more is left out."""
    query = narrow(select(Certificate), Certificate, actor).where(Certificate.id.in_(certificate_ids))
    found = {one.id: one for one in db.session.scalars(query.options(*_on_it()))}
    return [found[one] for one in certificate_ids if one in found]


def by_code(code: str) -> Certificate:
    """The certificate a verification code belongs to. Raises NotFound."""
    text = code.strip().upper().replace("-", "")
    found = db.session.scalar(select(Certificate).where(Certificate.verification_code == text).options(*_on_it()))
    if found is None:
        raise NotFound("code")
    return found


def verification_facts(certificate: Certificate) -> list[tuple[str, str]]:
    """What anyone holding a certificate may compare with it: (label, value); name and identity number masked."""
    masked = {"姓名": mask_name(certificate.content["name"])}
    return [(label, masked.get(label, value)) for label, value in facts(certificate)]


def facts(certificate: Certificate) -> list[tuple[str, str]]:
    """What the offices see of a certificate: (label, value)."""
    content = certificate.content
    return [
        ("证书编号", certificate.number),
        ("姓名", content["name"]),
        ("身份证号", certificate.application.person.masked_identity_number),
        ("工作单位", content["unit"]),
        ("工种", content["trade"]),
        ("等级", content["grade"]),
        ("发证机构", certificate.agency.name),
        ("发证日期", day_text(certificate.issued_on)),
        ("状态", _state_text(certificate)),
    ]


def _state_text(certificate: Certificate) -> str:
    if certificate.ended_at is None:
        return certificate.state.label
    return f"{certificate.state.label}（{day_text(certificate.ended_at.date())}）"


def take(actor: Account, certificate_id: int, public_url: str) -> CertificatePaper:
    """A certificate in the person's scope as a paper, on record. Raises NotFound."""
    found = find(actor, certificate_id)
    made = paper(found, public_url)
    unmasking.record_papers(actor, found, "等级证书", of=found.content["name"], number=found.number)
    return made


def paper(certificate: Certificate, public_url: str) -> CertificatePaper:
    """The certificate as a paper: what was frozen at issue, with the photo of the application."""
    application, content = certificate.application, certificate.content
    person = application.person
    photo = next((one for one in application.materials if one.kind is MaterialKind.PHOTO), None)
    born = person.birth_date
    return CertificatePaper(
        number=certificate.number,
        name=content["name"],
        sex=person.sex,
        born=f"{born.year}年{born.month}月",
        identity_number=person.identity_number,
        unit_name=content["unit"],
        trade=content["trade"],
        grade=content["grade"],
        marks="　".join(f"{mark['name']}{mark['mark']}" for mark in certificate.result.marks),
        cycle_year=application.cycle.year,
        agency_name=certificate.agency.name,
        issued_on=certificate.issued_on,
        verification_code=shown_code(certificate.verification_code),
        verify_url=verify_address(certificate, public_url),
        photo=files.read(photo.file) if photo is not None and photo.file.media_type == "image/jpeg" else None,
    )


def revocation_paper(certificate: Certificate) -> RevocationPaper:
    """The notice of revocation. Raises NotFound for a certificate that is not revoked."""
    if certificate.state is not CertificateState.REVOKED or certificate.ended_at is None:
        raise NotFound("revocation")
    cycle, content = certificate.application.cycle, certificate.content
    return RevocationPaper(
        cycle_year=cycle.year,
        basis=cycle.notice,
        certificate_number=certificate.number,
        name=content["name"],
        masked_identity_number=certificate.application.person.masked_identity_number,
        unit_name=content["unit"],
        trade=content["trade"],
        grade=content["grade"],
        certificate_issued_on=certificate.issued_on,
        handed_out=certificate.handed_at is not None,
        reason=certificate.ended_reason,
        agency_name=certificate.agency.name,
        revoked_on=certificate.ended_at.date(),
    )
