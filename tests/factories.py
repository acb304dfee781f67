"""Applications for tests, whole and at any desk: made as rows, moved by the one workflow service."""

import io
from datetime import date

import pikepdf
from PIL import Image
from sqlalchemy import select

from gongkao.clock import now
from gongkao.extensions import db
from gongkao.models import (
    Account,
    Application,
    Material,
    Person,
    Release,
    Role,
    Trade,
    Unit,
    UnitStatement,
    WorkPeriod,
    YearlyAssessment,
)
from gongkao.rules.materials import MaterialFacts, MaterialKind, Need, materials_for
from gongkao.rules.workflow import Action, Status
from gongkao.services import cycles, files, release, workflow
from gongkao.services.transaction import transaction
from gongkao.storage.uploads import Upload
from tests.world import identity_number

# The way from one status to the next when everybody passes.
_WAY = (
    Status.DRAFT,
    Status.UNIT_REVIEW,
    Status.SUPERVISING_REVIEW,
    Status.AGENCY_REVIEW,
    Status.ONSITE_CONFIRMATION,
    Status.QUALIFIED,
)


def pdf(pages: int = 1) -> bytes:
    """A small valid PDF."""
    made = pikepdf.new()
    for _ in range(pages):
        made.add_blank_page(page_size=(595, 842))
    target = io.BytesIO()
    made.save(target)
    return target.getvalue()


def jpeg(width: int = 413, height: int = 578) -> bytes:
    """A picture of noise, so that it has the size in bytes of a real photo."""
    target = io.BytesIO()
    Image.effect_noise((width, height), 60).convert("RGB").save(target, "JPEG", quality=90)
    return target.getvalue()


def camera_picture() -> bytes:
    """A phone's photo as it is taken, over 10 MB: lying on its side, with a note of that; its upper end is red."""
    picture = Image.effect_noise((4000, 3000), 70).convert("RGB")
    picture.paste("red", (0, 0, 800, 3000))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter clockwise
    target = io.BytesIO()
    picture.save(target, "JPEG", quality=97, exif=exif.tobytes())
    return target.getvalue()


def person(name: str, serial: int = 57, born: date = date(1986, 4, 9)) -> Person:
    """A person with an account (no password that works), inside its own use case."""
    with transaction() as session:
        made = Person(name=name, identity_number=identity_number("410122", born, serial), mobile="13800000000")
        session.add(made)
        session.flush()
        session.add(
            Account(
                username=made.identity_hash,
                password_hash="!",
                role=Role.APPLICANT,
                display_name=name,
                person_id=made.id,
            )
        )
    return made


def application(
    of: Person, unit: Unit, *, grade: int = 4, trade_code: str = "01001", status: Status = Status.DRAFT
) -> Application:
    """A whole application of the person in the unit, with every needed material, moved on until it has `status`.

    RETURNED comes from the unit's desk, REFUSED too. The clock must stand where the steps may be taken.
    """
    with transaction() as session:
        made = Application(
            cycle_id=cycles.current_cycle().id,
            person_id=of.id,
            unit_id=unit.id,
            trade_id=session.scalars(select(Trade.id).where(Trade.code == trade_code)).one(),
            grade=grade,
            education="高中",
            department="后勤科",
            post="驾驶岗",
            staff_kind="在岗正式工作人员",
            work_started_on=date(2004, 7, 1),
            post_started_on=date(2010, 3, 1),
            grade_one_confirmed=grade == 1,
            has_certificate=True,
            certificate_grade=min(grade + 1, 5),
            certificate_trade="汽车驾驶员",
            certificate_number="1641000000500001",
            certificate_issued_on=date(2015, 12, 1),
            certificate_issuer="河南省人力资源和社会保障厅",
            pledged_at=now(),
        )
        session.add(made)
        session.flush()
        session.add(
            WorkPeriod(
                application_id=made.id,
                started_on=date(2004, 7, 1),
                unit_name=unit.name,
                post="驾驶岗",
                trade_name="汽车驾驶员",
            )
        )
        session.add_all(
            YearlyAssessment(application_id=made.id, year=year, outcome="合格") for year in (2022, 2023, 2024)
        )
        for rule in materials_for(MaterialFacts(grade, True, False)):
            if rule.need is not Need.OPTIONAL:
                photo = rule.kind is MaterialKind.PHOTO
                upload = (
                    Upload("image/jpeg", ".jpg", jpeg(295, 413)) if photo else Upload("application/pdf", ".pdf", pdf())
                )
                kept = files.keep(upload, f"{rule.label}{upload.extension}")
                session.add(Material(application_id=made.id, kind=rule.kind, file_id=kept.id))
        made.number = f"2025{made.id:07d}"
    move(made, status)
    return made


def move(made: Application, status: Status) -> None:
    """Take the ordinary steps until the application has the status."""
    applicant = db.session.scalars(select(Account).where(Account.person_id == made.person_id)).one()
    with transaction():
        if status is Status.DRAFT:
            return
        assert made.unit is not None
        if made.status is Status.DRAFT:
            made.supervising_unit_id = made.unit.supervising_unit_id
            made.agency_id = made.unit.agency_id
            made.submitted_at = now()
            workflow.advance(made, Action.SUBMIT, applicant)
            statement(made.unit, _reviewer(made, applicant))
        if status in (Status.RETURNED, Status.REFUSED):
            action = Action.SEND_BACK if status is Status.RETURNED else Action.REFUSE
            items = [{"key": "person", "label": "个人信息", "passed": False, "comment": "学历与档案不符，请核对。"}]
            workflow.advance(made, action, _reviewer(made, applicant), reason="请核对后修改。", items=items)
            return
        while made.status is not status:
            assert _WAY.index(made.status) < _WAY.index(status), f"no way to {status} from here"
            onsite = True if made.status is Status.AGENCY_REVIEW else None
            workflow.advance(made, Action.PASS, _reviewer(made, applicant), onsite=onsite)


def statement(of: Unit, by: Account) -> None:
    """The unit has said that no post is vacant, unless it has said anything else."""
    cycle_id = cycles.current_cycle().id
    known = select(UnitStatement).where(UnitStatement.cycle_id == cycle_id, UnitStatement.unit_id == of.id)
    if db.session.scalar(known) is None:
        made = UnitStatement(cycle_id=cycle_id, unit_id=of.id, posts=[], terms="出现空缺后按规定竞聘。")
        made.responsible_name, made.confirmed_by_id, made.confirmed_at = "管事", by.id, now()
        db.session.add(made)


def _reviewer(made: Application, applicant: Account) -> Account:
    """An account of the office whose desk holds the application; the applicant's where the world has none."""
    offices = {
        Status.UNIT_REVIEW: Account.unit_id == made.unit_id,
        Status.SUPERVISING_REVIEW: Account.unit_id == made.supervising_unit_id,
    }
    office = offices.get(made.status, Account.agency_id == made.agency_id)
    return db.session.scalars(select(Account).where(office).order_by(Account.id)).first() or applicant


def release_results(officer: Account, manager: Account, grade: int = 4, number: str = "牟人社〔2025〕12号") -> Release:
    """Release a grade's results as two people do: one proposes, the other confirms."""
    release.propose(officer, grade, number)
    return release.confirm(manager, grade)
