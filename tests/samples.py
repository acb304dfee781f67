"""A sample value for every argument of a route, all of the world's own county (410122), for the security sweep.

A new kind of argument is added to `make`; where one route means another thing by a name, or each role has its own,
the key is "endpoint/argument" or "role/argument".
"""

from datetime import date
from typing import Any

from sqlalchemy import select

from gongkao import clock
from gongkao.extensions import db
from gongkao.models import (
    Account,
    Application,
    Deferral,
    DeferralStatus,
    FalseMaterialsCase,
    Job,
    JobFile,
    JobState,
    Message,
    PasswordHelp,
    Result,
    ReviewPanel,
    Role,
    RosterEntry,
    Sample,
    SampleMember,
    Score,
    ScoreImport,
    Unit,
)
from gongkao.rules.calendar import WindowKey
from gongkao.rules.materials import MaterialKind
from gongkao.rules.workflow import Status
from gongkao.services import (
    archive,
    calendar_filings,
    certificates,
    cycles,
    false_materials,
    files,
    messages,
    panels,
    password_help,
    rechecks,
    reports,
    saved_views,
    seating,
    sessions,
    sheets,
    sites,
    unit_checks,
    visit_slots,
    visits,
)
from gongkao.services.transaction import transaction
from gongkao.storage.uploads import Upload
from tests import exams, factories
from tests.world import World, identity_number

# What names one row that lies in somebody's scope.
SCOPED = frozenset(
    {
        "unit_id",
        "check_id",
        "sheet_id",
        "agency_id",
        "account_id",
        "application_id",
        "deferral_id",
        "material_id",
        "result_id",
        "release_id",
        "help_id",
        "entry_id",
        "message_id",
        "filing_id",
        "report_id",
        "visit_id",
        "slot_id",
        "class_id",
        "view_id",
        "job_id",
        "certificate_id",
        "record_id",
        "site_id",
        "sitting_id",
        "room_id",
        "case_id",
        "sample_id",
        "member_id",
        "import_id",
        "recheck_id",
        "panel_id",
        "assessor_id",
        "candidate_id",
        "session_id",
    }
)
# Of these what belongs to a city, and is seen by all its counties.
OF_A_CITY = frozenset({"class_id", "site_id", "sitting_id", "room_id"})
# Pairs of role and route that even the one concerned finds nothing at.
NOT_EVEN_OWN: frozenset[tuple[Role, str]] = frozenset(
    {
        # Nobody writes to inspectors.
        (Role.INSPECTOR, "accounts.open_message"),
        # The applicant of the sweep has no result yet, and the slip needs its password.
        (Role.APPLICANT, "notices.my_result"),
        (Role.APPLICANT, "exams.my_recheck"),
        # Nor a seat, being sent back.
        (Role.APPLICANT, "exams.my_ticket"),
        # Inspectors keep no views, and the certificate of the sweep is not revoked.
        *((role, "notices.revocation_pdf") for role in Role),
        (Role.APPLICANT, "notices.my_revocation"),
        (Role.APPLICANT, "notices.my_certificate_pdf"),
        # Nor is the review of the applicant of the sweep over.
        *((role, "review.review_result") for role in Role),
        (Role.APPLICANT, "applications.review_result"),
        (Role.AGENCY_OFFICER, "accounts.password_slip"),
        (Role.AGENCY_MANAGER, "accounts.password_slip"),
        # The notice of passes is the agencies' own.
        (Role.UNIT_ADMINISTRATOR, "notices.passes"),
        # Units book the agency's times and do not set them.
        (Role.UNIT_ADMINISTRATOR, "review.onsite_slot"),
        (Role.UNIT_ADMINISTRATOR, "review.onsite_remove_slot"),
        # What was raised about the applicant of the sweep is not decided yet.
        (Role.APPLICANT, "applications.case_notice"),
    }
)
# Routes that take away what the others show, visited last.
LAST = frozenset(
    {
        "review.delete_view",
        "applications.remove_material",
        "applications.replace_material",
        "applications.withdraw",
        "exams.take_out_of_panel",
    }
)


def make(world: World) -> dict[str, Any]:
    """Put one of everything into the world and give its values by argument; the clock stands where it stood."""
    before = clock.source()
    try:
        return _made(world)
    finally:
        clock.install(before)


def values_for(values: dict[str, Any], endpoint: str, role: Role | None = None) -> dict[str, Any]:
    """The plain values with those of the endpoint and the role put over them."""
    chosen = {key: value for key, value in values.items() if "/" not in key}
    for owner in (endpoint, str(role)):
        for key, value in values.items():
            if key.startswith(f"{owner}/"):
                chosen[key.partition("/")[2]] = value
    return chosen


def _made(world: World) -> dict[str, Any]:
    clock.install(clock.on_day(date(2025, 3, 11)))
    check = unit_checks.confirm_unit(world.unit_administrator, world.school.id)
    sheet = sheets.fill_in(
        None,
        world.bureau.id,
        filler="安知行",
        filled_on="2025-03-11",
        name="卓明远",
        sex="男",
        department="人事科",
        position="科员",
        office_phone="0371-62181234",
        mobile="13800000001",
    )
    sheets.hand_in(None, sheet.token, factories.pdf(), "盖章扫描件.pdf")

    clock.install(clock.on_day(date(2025, 3, 20)))
    applicant = world.applicant.person
    assert applicant is not None
    # Sent back, so that the applicant may change it and every desk above may read it.
    application = factories.application(applicant, world.school, status=Status.RETURNED)
    password_help.ask(
        unit_id=world.school.id,
        name=applicant.name,
        identity_number=applicant.identity_number,
        mobile=applicant.mobile,
    )
    with transaction() as session:
        listed = RosterEntry(
            cycle_id=application.cycle_id, unit_id=world.school.id, name="丁小满", mobile="13800005757"
        )
        listed.identity_number = identity_number("410122", date(1990, 1, 2), 46)
        listed.imported_by_id = world.unit_administrator.id
        session.add(listed)
    photo = next(one for one in application.materials if one.kind is MaterialKind.PHOTO)
    with transaction():
        # For everybody above the one that is read, for the applicant their own.
        deferral = Deferral(status=DeferralStatus.AGREED, years=[2024], pledged_at=clock.now(), agreed_at=clock.now())
        application.deferral = deferral
    qualified = factories.application(factories.person("范知秋", 58), world.school, status=Status.QUALIFIED)
    on_site = factories.application(factories.person("沈观澜", 59), world.school, status=Status.ONSITE_CONFIRMATION)
    open_case = _case(world, application, world.applicant)
    suspect = factories.person("简知非", 60)
    case = _case(
        world,
        factories.application(suspect, world.school, status=Status.AGENCY_REVIEW),
        world.account(suspect.identity_number),
    )
    false_materials.decide(world.manager, case.id, case.version, "confirm", "发证机关确认证书系伪造，编号不存在。")
    member = _sampled(world, qualified)
    visit = visits.bundle(world.unit_administrator, [on_site.id], bearer_name="管二鸣", bearer_mobile="13800000001")
    slot = visit_slots.save(
        world.officer, None, day="2025-03-24", starts="09:00", ends="10:30", capacity="5", place="二楼201室"
    )
    filing = calendar_filings.extend(
        world.province_manager,
        region_code="410122",
        key=WindowKey.TRAINING,
        closes=date(2025, 8, 15),
        grades=[1],
        reason="场地检修，培训推迟",
    )
    report = reports.send(world.manager)
    reports.attach_signed(world.manager, report.id, factories.pdf(), "盖章扫描件.pdf")
    with transaction() as session:
        for subject in cycles.subjects(cycles.current_cycle(), 4):
            session.add(
                Score(
                    application_id=qualified.id,
                    subject_key=subject.key,
                    value=80,
                    entered_by_id=world.officer.id,
                    entered_at=clock.now(),
                )
            )
        messages.tell("account", "测试", "测试", "own", account_id=world.applicant.id)
        messages.tell("unit", "测试", "测试", f"unit {world.school.id}", unit_id=world.school.id)
        messages.tell("unit", "测试", "测试", f"sheet {sheet.id}", agency_id=world.agency("410122").id)

    clock.install(clock.on_day(exams.PLANNING_DAY))
    training = exams.training_class(world)
    site = sites.save(world.city_officer, None, {**exams.SITE, "name": "郑州职业学院"})
    answers = {"power": "yes", "recording": "yes", "rooms": "yes", "kept_at": "保密室", "holder": "管一"}
    sites.check(world.city_officer, site.id, answers, (factories.pdf(), "应急预案.pdf"))
    room = exams.room(world, site)
    sitting = exams.sitting(world, room)
    seating.commit(world.city_officer, 7)
    seating.issue(world.city_officer)

    clock.install(clock.on_day(date(2025, 11, 3)))
    with transaction() as session:
        imported = ScoreImport(cycle_id=qualified.cycle_id, agency_id=world.agency("410122").id, grade=4)
        imported.filename, imported.digest, imported.people, imported.changes = "成绩.xlsx", "", 1, []
        imported.imported_by_id = world.officer.id
        session.add(imported)
    release = factories.release_results(world.officer, world.manager)
    result = db.session.scalars(select(Result).where(Result.release_id == release.id)).one()
    recheck = rechecks.ask(world.account(qualified.person.identity_number), "对岗位技能的计分有疑问")
    panel = _panel(world)
    certificate = certificates.issue(world.manager, [result.id])[0]
    record = archive.seal(world.manager, qualified, factories.pdf())

    def message(condition: Any) -> int:
        return db.session.scalars(select(Message.id).where(condition).order_by(Message.id)).all()[-1]

    of_agency = message(Message.agency_id == world.agency("410122").id)
    return {
        "unit_id": world.school.id,
        "check_id": check.id,
        "sheet_id": sheet.id,
        "token": sheet.token,
        "agency_id": world.agency("410122").id,
        "session_id": _session(world.officer),
        **{f"{one.role}/session_id": _session(one) for one in _one_of_each(world)},
        "account_id": world.officer.id,
        "accounts.renew_administrator/account_id": world.unit_administrator.id,
        "agency_officer/account_id": world.unit_administrator.id,
        "application_id": application.id,
        "deferral_id": deferral.id,
        "case_id": case.id,
        "applicant/case_id": open_case.id,
        "notice": "ban",
        "sample_id": member.sample_id,
        "member_id": member.id,
        "material_id": application.materials[0].id,
        "applications.material_thumbnail/material_id": photo.id,
        "kind": "education",
        "step": "person",
        "result_id": result.id,
        "release_id": release.id,
        "import_id": imported.id,
        "recheck_id": recheck.id,
        "panel_id": panel.id,
        "exams.remove_panel/panel_id": _empty_panel(world, "第二评审组").id,
        "assessor_id": panel.assessors[0].id,
        "candidate_id": panel.candidates[0].id,
        "exams.breach/application_id": qualified.id,
        "code": result.verification_code,
        "grade": 4,
        "number": 1,
        "help_id": db.session.scalars(select(PasswordHelp.id)).one(),
        "entry_id": listed.id,
        "message_id": of_agency,
        "filing_id": filing.id,
        "report_id": report.id,
        "visit_id": visit.id,
        "slot_id": slot.id,
        "class_id": training.id,
        "site_id": site.id,
        "sitting_id": sitting.id,
        "room_id": room.id,
        "certificate_id": certificate.id,
        "record_id": record.id,
        "notices.archived/application_id": qualified.id,
        "name": "notices",
        "position": 0,
        **_of_each_role(world),
        **{
            f"exams.{page}/application_id": qualified.id
            for page in ("seat", "seat_ticket", "remove_seat", "unit_ticket")
        },
        "applicant/message_id": message(Message.account_id == world.applicant.id),
        "unit_administrator/message_id": message(
            Message.unit_id.in_(select(Unit.id).where(Unit.id == world.school.id))
        ),
    }


def _one_of_each(world: World) -> list[Account]:
    return [world.applicant, world.unit_administrator, world.officer, world.manager, world.inspector]


def _session(account: Account) -> int:
    """One browser in which the account is signed in."""
    token = sessions.begin(account)
    return sessions.of(account, token)[0].id


def _of_each_role(world: World) -> dict[str, int]:
    """What belongs to one account alone: a view of the desk, a finished job with its file."""
    people = (world.unit_administrator, world.officer, world.manager, world.inspector)
    values = {}
    for person in people:
        values[f"{person.role}/view_id"] = saved_views.save(person, "review.desk", "四级", {"grade": "4"}).id
        with transaction() as session:
            job = Job(
                kind="notices", title="测试", account_id=person.id, state=JobState.DONE, done=1, total=1, items=[]
            )
            kept = files.keep(Upload("application/pdf", ".pdf", factories.pdf()), "测试.pdf")
            job.files.append(JobFile(position=0, file_id=kept.id))
            session.add(job)
        values[f"{person.role}/job_id"] = job.id
    # For those signed out and those without any of their own.
    return {
        **values,
        "view_id": values[f"{Role.AGENCY_OFFICER}/view_id"],
        "job_id": values[f"{Role.AGENCY_OFFICER}/job_id"],
    }


def _panel(world: World) -> ReviewPanel:
    """A panel that is to judge somebody of grade one, found qualified once the seats were given."""
    clock.install(clock.on_day(date(2025, 3, 20)))
    application = factories.application(factories.person("贺远行", 61), world.school, grade=1, status=Status.QUALIFIED)
    clock.install(clock.on_day(date(2025, 11, 3)))
    panel = _empty_panel(world, "第一评审组")
    panels.add(world.officer, panel.id, [application.id])
    return panel


def _empty_panel(world: World, name: str) -> ReviewPanel:
    return panels.make(world.officer, name, "甘一 云上站\n甘二 云下站\n甘三 云中站", "业绩成果 60\n答辩 40")


def _case(world: World, application: Application, applicant: Account) -> FalseMaterialsCase:
    """A suspicion about an application with the applicant's statement and a file."""
    case = false_materials.raise_case(world.officer, application.id, "所交证书的编号与发证机关存根不符。")
    return false_materials.give_statement(
        applicant, case.id, case.version, "证书由原单位统一办理，愿意配合核实。", (factories.pdf(), "说明.pdf")
    )


def _sampled(world: World, application: Application) -> SampleMember:
    """A sample of one, as if the county's own agency had drawn it, so that the sweep's people have one to see."""
    with transaction() as session:
        sample = Sample(
            cycle_id=application.cycle_id,
            agency_id=world.agency("410122").id,
            title="四月抽查",
            seed=1,
            size=1,
            population=1,
            criteria={
                "outcome": "",
                "region": "",
                "grade": None,
                "from": None,
                "to": None,
                "strata": "none",
                "asked": "1人",
                "digest": "",
            },
            drawn_by_id=world.manager.id,
        )
        member = SampleMember(application_id=application.id)
        sample.members.append(member)
        session.add(sample)
    return member
