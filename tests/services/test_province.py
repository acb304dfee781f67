"""An invented province of 2,000 applications: what past the services was written must be what they would have."""

from collections import Counter
from datetime import date

import pytest
from flask import Flask
from sqlalchemy import func, select

from gongkao import clock
from gongkao.extensions import db
from gongkao.models import (
    Account,
    Application,
    ApplicationEvent,
    BanEntry,
    Certificate,
    CertificateCounter,
    Cycle,
    Deferral,
    DeferralStatus,
    Material,
    Person,
    Result,
    Role,
    Score,
    Seat,
    Unit,
    UnitNamePart,
    Visit,
)
from gongkao.models.name_part import parts_of
from gongkao.rules import fields, workflow
from gongkao.rules.workflow import Action, Status
from gongkao.services import audit_trail, cycles, eligibility, province, review, units
from gongkao.services.errors import Refused
from gongkao.services.passwords import verify_password

PASSWORD = "yanshi-2025"
SIZE = 2_000


def _ways_are_the_rules_own() -> None:
    """Every history starts as a draft, each step is one the workflow allows, and it ends where the row stands."""
    histories: dict[int, list[ApplicationEvent]] = {}
    for event in db.session.scalars(select(ApplicationEvent).order_by(ApplicationEvent.id)):
        histories.setdefault(event.application_id, []).append(event)
    seen: Counter[Status] = Counter()
    for one in db.session.scalars(select(Application)):
        status, at = Status.DRAFT, one.created_at
        for place, event in enumerate(histories.get(one.id, []), start=1):
            assert event.sequence == place and event.at >= at and event.at <= clock.now()
            assert event.status_before is status and event.action in workflow.allowed_actions(status)
            assert event.desk is workflow.desk_of(status)
            assert event.reason or event.action not in (Action.SEND_BACK, Action.REFUSE, Action.CANCEL)
            status, at = event.status_after, event.at
        assert status is one.status, (one.id, status, one.status)
        seen[one.status] += 1
        handed_in = status is not Status.DRAFT
        assert all(
            (value is not None) is handed_in
            for value in (one.number, one.submitted_at, one.agency_id, one.desk_since, one.pledged_at)
        )
        assert (one.returned_to is not None) is (status in (Status.RETURNED, Status.REFUSED, Status.CANCELLED))
        assert one.unit is not None and one.trade is not None and one.grade in range(1, 6)
        assert one.person_name == one.person.name and one.identity_tail == one.person.identity_tail
        assert not handed_in or one.agency_id == one.unit.agency_id
    assert set(seen) == set(Status), set(Status) - set(seen)


def _numbers_are_true() -> None:
    numbers = [fields.identity_number(one.identity_number) for one in db.session.scalars(select(Person))]
    assert len(set(numbers)) == len(numbers)
    for unit in db.session.scalars(select(Unit)):
        fields.credit_code(unit.credit_code)
        above = unit.supervising_unit
        assert unit.path == f"{above.path if above else '/'}{unit.id}/"
        assert above is None or (above.level, above.region_code) == (unit.level, unit.region_code)
        assert unit.agency_id == units.agency_for(unit.level, unit.region).id
        assert all(check.agency_id == unit.agency_id for check in unit.checks)
    parts = set(db.session.execute(select(UnitNamePart.part, UnitNamePart.unit_id)))
    assert parts == {(part, unit.id) for unit in db.session.scalars(select(Unit)) for part in parts_of(unit.name)}
    paths = {unit.path.count("/") for unit in db.session.scalars(select(Unit))}
    assert paths == {2, 3, 4}


def _everything_needed_is_there() -> None:
    current = cycles.current_cycle()
    some = db.session.scalars(
        select(Application).where(Application.cycle_id == current.id, Application.submitted_at.is_not(None)).limit(150)
    ).all()
    for one in some:
        kinds = {material.kind for material in one.materials}
        open_deferral = one.deferral is not None and one.deferral.status.open
        lacking = {item.material for item in review.checklist(one) if item.material} - kinds
        assert len(lacking) == int(open_deferral), (one.id, lacking)
        judged = eligibility.evaluate(one)
        assert one.evaluation == (judged.to_data() if judged else None)
        assert eligibility.obstacles(one) == [], (one.id, eligibility.obstacles(one))
    status = select(Deferral.status, func.count()).group_by(Deferral.status)
    assert {DeferralStatus.ACCEPTED, DeferralStatus.FAILED} <= {row[0] for row in db.session.execute(status)}
    cancelled = select(func.count()).select_from(Application).where(Application.status == Status.CANCELLED)
    assert db.session.scalar(cancelled) == db.session.scalar(select(func.count()).select_from(BanEntry))


def _results_follow_from_scores() -> None:
    marks: dict[int, list[Score]] = {}
    for score in db.session.scalars(select(Score)):
        marks.setdefault(score.application_id, []).append(score)
    earlier = select(func.count()).select_from(Application).join(Application.cycle)
    qualified = earlier.where(~Cycle.current, Application.status == Status.QUALIFIED)
    results = db.session.scalars(select(Result)).all()
    assert len(results) == db.session.scalar(qualified)
    for result in results:
        assert result.passed is all(one.value is not None and one.value >= 60 for one in marks[result.application_id])
        assert len(result.marks) == len(marks[result.application_id])
    assert sum(result.passed for result in results) == db.session.scalar(select(func.count()).select_from(Certificate))
    counted = select(Certificate.cycle_id, Certificate.agency_id, func.max(Certificate.serial), func.count())
    for cycle_id, agency_id, last, count in db.session.execute(
        counted.group_by(Certificate.cycle_id, Certificate.agency_id)
    ):
        kept = select(CertificateCounter.last).where(
            CertificateCounter.cycle_id == cycle_id, CertificateCounter.agency_id == agency_id
        )
        assert last == count == db.session.scalar(kept)


def test_a_province_is_what_the_services_would_have_made(empty_app: Flask) -> None:
    clock.install(clock.on_day(date(2025, 3, 27)))
    told: list[int] = []
    made = province.load(SIZE, seed=7, password=PASSWORD, progress=told.append)
    assert made.applications == sum(told) == SIZE
    assert db.session.scalar(select(func.count()).select_from(Application)) == SIZE
    assert len(db.session.scalars(select(Cycle)).all()) == province.CYCLES
    _ways_are_the_rules_own()
    _numbers_are_true()
    _everything_needed_is_there()
    _results_follow_from_scores()
    for model in (Material, Seat, Visit):
        assert db.session.scalar(select(func.count()).select_from(model))
    roles = db.session.execute(select(Account.role, func.count()).group_by(Account.role))
    assert {role: count > 2 for role, count in roles} == dict.fromkeys(Role, True)
    assert audit_trail.verify().intact
    # Rows made afterwards get numbers of their own, and nothing is written twice.
    line = province.account_lines(PASSWORD)
    applicant = db.session.scalars(select(Account).where(Account.role == Role.APPLICANT)).first()
    assert applicant is not None and len(line) > 10 and verify_password(applicant.password_hash, PASSWORD)
    fresh = Account(username="neu", password_hash="!", role=Role.INSPECTOR, display_name="新", region_code="410000")
    db.session.add(fresh)
    db.session.commit()
    with pytest.raises(Refused, match="已有账户或人员"):
        province.load(10, seed=7, password=PASSWORD)
