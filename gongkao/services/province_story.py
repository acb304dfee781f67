"""What happens in an invented province, cycle by cycle: people apply, desks decide, those who pass get certificates.

Every way is walked with the rule that the real desks obey (rules.workflow), and cut off at the present moment: so each
application stands where its history has brought it.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from itertools import accumulate
from operator import itemgetter
from random import Random
from typing import Any

from gongkao import clock, sealing
from gongkao.models import (
    Account,
    Application,
    ApplicationEvent,
    ArchiveRecord,
    AuditEntry,
    BanEntry,
    CaseStatus,
    Certificate,
    CertificateCounter,
    Deferral,
    DeferralStatus,
    FalseMaterialsCase,
    Material,
    Message,
    NamePart,
    Original,
    Person,
    Recheck,
    Release,
    ReleaseProposal,
    Result,
    ReviewNote,
    Role,
    RosterEntry,
    Score,
    Visit,
    VisitMember,
    VisitSlot,
    VisitStatus,
    WorkPeriod,
    YearlyAssessment,
)
from gongkao.models.name_part import parts_of
from gongkao.rules import eligibility
from gongkao.rules.application_form import NOT_FILED, review_items
from gongkao.rules.conditions import Conditions
from gongkao.rules.grades import Grade
from gongkao.rules.materials import MaterialFacts, MaterialKind, Need, materials_for
from gongkao.rules.onsite import originals_for
from gongkao.rules.retirement import PostKind
from gongkao.rules.workflow import Action, Desk, Route, Status, Step, desk_of, transition
from gongkao.services import audit
from gongkao.services.invented import identity_number, person_name
from gongkao.services.province_offices import Office, Offices, UnitFacts
from gongkao.services.workflow import SYSTEM
from gongkao.storage.bulk import Loader

MODELS = (
    *(
        Person,
        Account,
        Application,
        WorkPeriod,
        YearlyAssessment,
        Material,
        ApplicationEvent,
        Deferral,
        ReviewNote,
        NamePart,
    ),
    *(RosterEntry, VisitSlot, Visit, VisitMember, Original, FalseMaterialsCase, BanEntry, Score, ReleaseProposal),
    *(Release, Result, Recheck, Certificate, CertificateCounter, ArchiveRecord, Message, AuditEntry),
)
CYCLES = 10
# Whoever passes may come again for the next grade in the sixth year after.
RETURN_AFTER = 6
_CHUNK = 2_000
# For how long an agency may hold an original here.
_HELD_FOR = timedelta(days=6)
_FIRST_BIRTH, _BIRTHS = date(1968, 1, 1), 10_227
_EDUCATION = {
    1: ("大专", "本科"),
    2: ("大专", "高中"),
    3: ("高中", "中专"),
    4: ("高中", "技工学校"),
    5: ("高中", "技工学校"),
}
_DEPARTMENTS = ("运行科", "后勤科", "车队", "办公室", "维修班")
_POSTS = ("技术工", "运行工", "维修工", "驾驶岗", "检验岗")
_ISSUER = "河南省人力资源和社会保障厅"
_COMMENT = "材料第2页盖章不清晰，请重新扫描后上传。"
_CODES = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"


@dataclass(frozen=True)
class Files:
    """The few stub files that everything points at."""

    photos: Sequence[int]
    paper: int
    record: int
    record_sha256: str


@dataclass(frozen=True)
class Year:
    """One cycle as the story needs it. `last`: the one before the current one.

    `trades`: (id, name); `subjects`: by grade (key, name).
    """

    id: int
    year: int
    current: bool
    last: bool
    deferral_due: date
    condition_set_id: int
    conditions: Conditions
    trades: Sequence[tuple[int, str]]
    subjects: Mapping[int, Sequence[tuple[str, str]]]


@dataclass
class Applicant:
    """One person, and what they bring along from earlier cycles. `certificate` is (grade, number, issued on)."""

    id: int
    account: int
    name: str
    number: str
    hash: str
    tail: str
    mobile: str
    born: date
    unit: UnitFacts
    trade: tuple[int, str]
    grade: int
    certificate: tuple[int, str, date] | None


_COLUMNS: dict[type, str] = {
    NamePart: "cycle_id part application_id",
    Application: (
        "id number cycle_id person_id person_name identity_tail status returned_to onsite desk_since submitted_at "
        "created_at updated_at version "
        "unit_id supervising_unit_id agency_id trade_id grade education department post staff_kind work_started_on "
        "post_started_on grade_one_confirmed has_certificate certificate_grade certificate_trade certificate_number "
        "certificate_issued_on certificate_issuer pledged_at post_kind awards_since achievements_since "
        "condition_set_id evaluation first_reviewed_by_id first_reviewed_at"
    ),
    Person: "id identity_number identity_hash identity_tail name mobile created_at",
    Account: "id username password_hash role display_name mobile person_id created_at",
    WorkPeriod: "application_id started_on ended_on unit_name post trade_name",
    YearlyAssessment: "application_id year outcome",
    Material: "application_id kind file_id created_at",
    ApplicationEvent: (
        "application_id sequence at account_id office desk action status_before status_after reason items"
    ),
    Deferral: (
        "cycle_id application_id agency_id status years pledged_at agreed_at agreed_by_id made_up_at decided_at "
        "decided_by_id reason"
    ),
    ReviewNote: "application_id desk verdicts complete form_version account_id saved_at",
    RosterEntry: (
        "cycle_id unit_id identity_number identity_hash identity_tail name mobile education department post post_kind "
        "staff_kind work_started_on "
        "post_started_on imported_by_id imported_at"
    ),
    VisitSlot: "id cycle_id agency_id starts_at ends_at capacity place",
    Visit: ("id number cycle_id unit_id agency_id slot_id status bearer_name bearer_mobile created_by_id created_at"),
    VisitMember: "id visit_id application_id",
    Original: "member_id unit_id agency_id label received_at received_by_id returned_at returned_by_id returned_to",
    FalseMaterialsCase: (
        "id number application_id unit_id agency_id status description raised_by_id raised_at statement stated_at "
        "decision decided_by_id decided_at ban_id"
    ),
    BanEntry: (
        "id identity_number identity_hash identity_tail name begins_on ends_on reason application_id agency_id "
        "decided_by_id decided_at"
    ),
    Score: "application_id subject_key value absent entered_by_id entered_at",
    ReleaseProposal: (
        "cycle_id agency_id grade document_number state proposed_by_id proposed_at decided_by_id decided_at"
    ),
    Release: "id cycle_id agency_id grade document_number proposed_by_id released_by_id released_at",
    Result: "id application_id release_id reviewing_agency_id passed marks number verification_code",
    Recheck: "result_id cycle_id agency_id reason state asked_at answer answered_by_id answered_at",
    Certificate: (
        "id cycle_id agency_id reviewing_agency_id application_id result_id serial number verification_code content "
        "issued_on issued_by_id state handed_at handed_by_id handed_to"
    ),
    CertificateCounter: "cycle_id agency_id last",
    ArchiveRecord: "application_id edition file_id sha256 pages parts sealed_at sealed_by_id",
    Message: "account_id unit_id agency_id kind title body about created_at read_at read_by_id",
    AuditEntry: "at account_id actor address action subject_type subject_id detail mac",
}


@lru_cache(maxsize=100_000)
def _at(day: date, minute: int) -> datetime:
    """So many minutes after half past eight."""
    return datetime.combine(day, time(8, 30), clock.ZONE) + timedelta(minutes=minute)


@lru_cache(maxsize=4096)
def _workdays_on(day: date, count: int) -> date:
    for _ in range(count):
        day += timedelta(days=3 if day.weekday() == 4 else 2 if day.weekday() == 5 else 1)
    return day


@lru_cache(maxsize=256)
def _transition(status: Status, action: Action, supervised: bool, onsite: bool, returned_to: Desk | None) -> Step:
    return transition(status, action, route=Route(supervised, onsite), returned_to=returned_to)


@lru_cache(maxsize=16)
def _kinds(grade: int, has_certificate: bool) -> tuple[MaterialKind, ...]:
    rules = materials_for(MaterialFacts(grade, has_certificate, False))
    return tuple(rule.kind for rule in rules if rule.need is not Need.OPTIONAL)


@lru_cache(maxsize=16)
def _all_passed(kinds: tuple[MaterialKind, ...]) -> str:
    items = [{"key": one.key, "label": one.label, "passed": True, "comment": ""} for one in review_items(kinds)]
    return json.dumps(items, ensure_ascii=False)


_ONE_WRONG = json.dumps(
    [{"key": "material-work_years", "label": "材料：工作年限材料", "passed": False, "comment": _COMMENT}],
    ensure_ascii=False,
)


@dataclass
class Way:
    """One application's way so far."""

    status: Status = Status.DRAFT
    returned_to: Desk | None = None
    onsite: bool | None = None
    desk_since: datetime | None = None
    submitted_at: datetime | None = None
    updated_at: datetime | None = None
    first_reviewed: tuple[int, datetime] | None = None
    # What the desks have said: who agreed for the unit, who cancelled, when the visit began and who ended it.
    agreed: tuple[int, datetime] | None = None
    cancelled: tuple[int, datetime] | None = None
    visit_from: datetime | None = None
    visited: tuple[int, datetime] | None = None
    events: list[tuple[Any, ...]] = field(default_factory=list)


# What is planned: action, account, the office's name, when, reason, items, the word on a visit.
Planned = tuple[Action, int | None, str, datetime, str, str, bool | None]
_AUDIT = {
    Action.SUBMIT: "submit_application",
    Action.RESUBMIT: "resubmit_application",
    Action.PASS: "pass_application",
    Action.FIRST_PASS: "pass_application_first",
    Action.SEND_BACK: "send_back_application",
    Action.REFUSE: "refuse_application",
    Action.CANCEL: "cancel_application",
    Action.EXPIRE: "fail_deferral",
}


@dataclass(frozen=True)
class Passed:
    """An application that was found qualified."""

    id: int
    applicant: Applicant
    office: Office
    grade: int
    trade: tuple[int, str]


class Story:
    """Tells one cycle after the other into a loader; `progress` hears of every stretch of applications."""

    def __init__(
        self,
        loader: Loader,
        chance: Random,
        offices: Offices,
        files: Files,
        password_hash: str,
        now: datetime,
        progress: Callable[[int], None],
    ) -> None:
        self.loader, self.chance, self.offices, self.files = loader, chance, offices, files
        self.password_hash, self.now, self.progress = password_hash, now, progress
        self.next: dict[type, int] = defaultdict(lambda: 1, {Account: offices.last_account + 1})
        self.people: dict[int, Applicant] = {}
        self.units = list(offices.units.values())
        # A few units are large, most are small.
        self.sizes = list(accumulate(1.0 / (1 + place % 97) for place in range(len(self.units))))
        self.rows: dict[type, list[tuple[Any, ...]]] = defaultdict(list)
        self.trail: list[tuple[datetime, int | None, str, str, str, str, dict[str, object]]] = []
        self.letters: list[tuple[Any, ...]] = []
        self.slots: dict[tuple[int, date], list[int]] = {}
        self.visits: dict[tuple[int, bool], tuple[int, list[int], bool]] = {}

    def take(self, model: type) -> int:
        """The next number of a table."""
        number = self.next[model]
        self.next[model] = number + 1
        return number

    def tell(self, year: Year, people: Sequence[tuple[int, str]]) -> list[Passed]:
        """One cycle in which these people apply, in the order of their days; gives those found qualified.

        Each is a number and the code of the agency whose units the person is of, empty where that is left open.
        """
        first, last = date(year.year, 3, 13), date(year.year, 3, 31)
        if year.current:
            last = max(first, min(last, self.now.date()))
        span = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        days = [day for day in span if day.weekday() < 5]
        starts = [(self.chance.choice(days), self.chance.randrange(540), *one) for one in people]
        starts.sort()
        own: dict[str, list[UnitFacts]] = defaultdict(list)
        for unit in self.units:
            own[self.offices.agencies[unit.agency_id].code].append(unit)
        passed: list[Passed] = []
        for done, (day, minute, person, code) in enumerate(starts, start=1):
            self._apply(year, passed, person, day, minute, self.chance.choice(own[code]) if code else None)
            if done % _CHUNK == 0:
                self.flush()
                self.progress(_CHUNK)
        for (agency_id, day), (slot, count) in self.slots.items():
            starts_at, ends_at = _at(day, 30), _at(day, 510)
            place = f"{self.offices.agencies[agency_id].name}一楼窗口"
            self.rows[VisitSlot].append((slot, year.id, agency_id, starts_at, ends_at, max(20, count), place))
        self.slots.clear()
        self.visits.clear()
        self.flush()
        self.progress(len(starts) % _CHUNK)
        return passed

    def flush(self) -> None:
        """Hand what was told so far to the loader."""
        for model, rows in self.rows.items():
            self.loader.add(model, _COLUMNS[model], rows)
        self.rows.clear()

    def write_trail(self) -> None:
        """Write a cycle's audit entries and messages in the order of time, as real ones would have come."""
        self.flush()
        self.trail.sort(key=itemgetter(0))
        entries = []
        for at, account, actor, action, kind, subject, detail in self.trail:
            address = f"10.41.{(account or 0) % 200}.{(account or 0) % 250 + 1}"
            mac = audit.proof(at, account, actor, address, action, (kind, subject), detail)
            entries.append((at, account, actor, address, action, kind, subject, detail, mac))
        self.loader.add(AuditEntry, _COLUMNS[AuditEntry], entries)
        self.trail.clear()
        self.letters.sort(key=itemgetter(7))
        self.loader.add(Message, _COLUMNS[Message], self.letters)
        self.letters.clear()

    def note(self, at: datetime, account: int | None, action: str, kind: str, subject: int, **detail: object) -> None:
        """Keep an audit entry of an office's account for the trail."""
        office, name = self.offices.signatures[account] if account else (SYSTEM, "")
        self.trail.append((at, account, f"{office} {name}".strip(), action, kind, str(subject), detail))

    def write_to(self, at: datetime, kind: str, title: str, about: str, **to: int) -> None:
        """Keep a message; whatever is older than two days was read."""
        old = at < self.now - timedelta(days=2)
        address = (to.get("account"), to.get("unit"), to.get("agency"))
        read = (at + timedelta(hours=3), to.get("account")) if old else (None, None)
        self.letters.append((*address, kind, title, "", about, at, *read))

    # ---- People ----

    def _somebody(self, year: Year, place: int, at: datetime, unit: UnitFacts | None) -> Applicant:
        """The person with this place; whoever has reached grade one is followed by somebody new.

        Somebody new comes from `unit`, or from any.
        """
        found = self.people.get(place)
        if found is not None:
            if found.grade == Grade.FIVE and year.year - 1 - (found.born.year + 19) >= 10:
                found.grade = int(Grade.FOUR)
            certificate = found.certificate
            if certificate is None or certificate[0] > found.grade:
                return found
            if found.grade > Grade.ONE:
                found.grade -= 1
                return found
        number = self.next[Person] - 1
        man = number % 3 < 2
        born = _FIRST_BIRTH + timedelta(days=number * 37 % _BIRTHS)
        # Women in workers' posts retire ten years earlier: those who apply were born later.
        moved = not man and born.year < 1977
        if moved:
            born += timedelta(days=11 * 365)
        unit = unit or self.chance.choices(self.units, cum_weights=self.sizes)[0]
        years = year.year - 1 - (born.year + 19)
        grade = 5 if years < 10 else 4 if years < 16 else 3 if years < 24 else 2
        if grade < Grade.FOUR and self.chance.random() < 0.4:
            grade += 1
        elif grade == Grade.TWO and self.chance.random() < 0.2:
            grade = 1
        held = None
        if grade < Grade.FIVE:
            issued = date(year.year - 7, 11, 20)
            held = (grade + 1, f"{issued.year}4100{self.chance.randrange(10**8):08d}", issued)
        # A round of births after the other; those moved have serials of their own.
        serial = 2 * (number // _BIRTHS + (200 if moved else 0)) + (1 if man else 2)
        identity = identity_number(unit.region_code, born, serial)
        somebody = Applicant(
            id=self.take(Person),
            account=self.take(Account),
            name=person_name(number * 7919 + 13),
            number=identity,
            hash=sealing.lookup(identity),
            tail=sealing.tail(identity),
            mobile=f"1380{number % 10**7:07d}",
            born=born,
            unit=unit,
            trade=self.chance.choice(year.trades),
            grade=grade,
            certificate=held,
        )
        self.people[place] = somebody
        self._register(somebody, at)
        return somebody

    def _register(self, one: Applicant, at: datetime) -> None:
        self.rows[Person].append((one.id, one.number, one.hash, one.tail, one.name, one.mobile, at))
        self.rows[Account].append(
            (one.account, one.hash, self.password_hash, Role.APPLICANT.value, one.name, "", one.id, at)
        )

    # ---- One application ----

    def _apply(
        self, year: Year, passed: list[Passed], place: int, day: date, minute: int, unit: UnitFacts | None
    ) -> None:
        chance = self.chance
        began, handed_in = _at(day, minute), _at(day, minute + 40)
        one = self._somebody(year, place, began, unit)
        unit = one.unit
        office = self.offices.agencies[unit.agency_id]
        application = self.take(Application)
        deferred = one.grade < Grade.FIVE and chance.random() < 0.03
        kinds = _kinds(one.grade, one.certificate is not None)
        way = Way()
        made_up = date(year.year, 5, 1 + application % 28)
        expires = deferred and application % 20 == 0
        for planned in self._plan(year, one, office, kinds, day, minute + 40, expires):
            if planned[3] > self.now or (way.status is Status.DRAFT and planned[0] is not Action.SUBMIT):
                break
            self._step(way, planned, supervised=unit.above is not None)
        number = f"{year.year}{application:07d}" if way.submitted_at else None
        started = date(one.born.year + 19, 7, 1)
        outcomes = [
            "合格" if one.grade > Grade.THREE else "优秀",
            "优秀" if one.grade <= Grade.THREE else "合格",
            "合格",
        ]
        filed = not deferred or (not expires and self.now.date() > made_up)
        if not filed:
            outcomes[2] = NOT_FILED
        education = _EDUCATION[one.grade][application % 2]
        post = _POSTS[application % 5]
        department = _DEPARTMENTS[application % 5]
        staff = "其他聘用工作人员" if application % 20 == 0 else "在岗正式工作人员"
        certificate = one.certificate or (None, None, None)
        kept = None
        if way.submitted_at and year.current:
            kept = self._judged(year, one, started, staff, education, outcomes)
        self.rows[NamePart] += [(year.id, part, application) for part in parts_of(one.name)]
        self.rows[Application].append(
            (
                *(
                    application,
                    number,
                    year.id,
                    one.id,
                    one.name,
                    one.tail,
                    way.status.value,
                    way.returned_to and way.returned_to.value,
                ),
                *(way.onsite, way.desk_since, way.submitted_at, began, way.updated_at or began, len(way.events) + 1),
                *(unit.id, unit.above if number else None, office.id if number else None, one.trade[0], one.grade),
                *(education, department, post, staff, started, started, one.grade == Grade.ONE),
                *(one.certificate is not None, certificate[0], one.trade[1] if one.certificate else None),
                *(certificate[1], certificate[2], _ISSUER if one.certificate else None, way.submitted_at, "worker"),
                *(1 if one.grade <= Grade.THREE else 0, 1 if one.grade == Grade.ONE else 0),
                *(year.condition_set_id if number else None, kept),
                *(way.first_reviewed or (None, None)),
            )
        )
        self.rows[WorkPeriod].append((application, started, None, unit.name, post, one.trade[1]))
        self.rows[YearlyAssessment] += [
            (application, year.year - 3 + back, outcome) for back, outcome in enumerate(outcomes)
        ]
        photo = self.files.photos[application % len(self.files.photos)]
        self.rows[Material] += [
            (application, kind.value, photo if kind is MaterialKind.PHOTO else self.files.paper, began)
            for kind in kinds
            if filed or kind is not MaterialKind.ASSESSMENT
        ]
        self.rows[ApplicationEvent] += [(application, *event) for event in way.events]
        if deferred and way.submitted_at:
            self._defer(year, way, application, made_up, office, expires)
        if way.cancelled is not None:
            self._case(year, way.cancelled, application, one, office, unit)
        if year.current or year.last:
            self._in_detail(year, way, application, one, office, kinds, handed_in)
        self._on_record(year, way, application, one, office, number)
        if year.current and application % 3 == 0:
            self.rows[RosterEntry].append(
                (
                    *(
                        year.id,
                        unit.id,
                        one.number,
                        one.hash,
                        one.tail,
                        one.name,
                        one.mobile,
                        education,
                        department,
                        post,
                        "worker",
                    ),
                    *(staff, started, started, unit.administrator, _at(day, 0)),
                )
            )
        if way.status is Status.QUALIFIED:
            passed.append(Passed(application, one, office, one.grade, one.trade))

    def _plan(
        self,
        year: Year,
        one: Applicant,
        office: Office,
        kinds: tuple[MaterialKind, ...],
        day: date,
        minute: int,
        expires: bool,
    ) -> list[Planned]:
        """All that is going to happen to the application, until it is decided."""
        chance = self.chance
        fate = chance.random()
        if fate < 0.03:
            return []
        unit, moment = one.unit, (day, minute)
        fine = _all_passed(kinds) if year.current else "[]"
        wrong = _ONE_WRONG
        plan: list[Planned] = [(Action.SUBMIT, one.account, "申报人", _at(*moment), "", "[]", None)]

        def later(most: int, latest: date) -> datetime:
            nonlocal moment
            then = min(_workdays_on(moment[0], chance.randrange(most + 1)), latest)
            moment = (then, chance.randrange(540)) if then > moment[0] else (moment[0], moment[1] + 3 + application_gap)
            return _at(*moment)

        application_gap = chance.randrange(30)
        by_unit, by_agency = date(year.year, 4, 3), date(year.year, 4, 11)
        refused = Desk.UNIT if fate < 0.045 else Desk.AGENCY if fate < 0.06 else None
        cancelled = 0.06 <= fate < 0.062
        returned = None if fate < 0.062 else Desk.UNIT if fate < 0.12 else Desk.AGENCY if fate < 0.195 else None
        corrected = fate < 0.19
        above = self.offices.units[unit.above] if unit.above else None
        officers = office.officers if chance.random() < 0.5 else office.officers[::-1]
        desks: list[tuple[Desk, int, str, int, date]] = [(Desk.UNIT, unit.administrator, unit.name, 2, by_unit)]
        if above is not None:
            desks.append((Desk.SUPERVISING, above.administrator, above.name, 1, by_unit))
        desks.append((Desk.AGENCY, officers[0], office.name, 4, by_agency))
        if office.onsite:
            desks.append((Desk.ONSITE, officers[0], office.name, 3, by_agency))
        for desk, account, name, most, latest in desks:
            if desk is refused:
                reason = "工作年限不符合申报条件。"
                plan.append((Action.REFUSE, account, name, later(most, latest), reason, wrong, None))
                return plan
            if desk is returned:
                plan.append((Action.SEND_BACK, account, name, later(most, latest), "请按要求修改。", wrong, None))
                if not corrected:
                    return plan
                plan.append((Action.RESUBMIT, one.account, "申报人", later(1, latest), "已重新扫描。", "[]", None))
            onsite = office.onsite if desk is Desk.AGENCY else None
            if desk is Desk.AGENCY and office.second_review:
                plan.append((Action.FIRST_PASS, account, name, later(most, latest), "", fine, onsite))
                account = officers[1]
            plan.append((Action.PASS, account, name, later(most, latest), "", fine, onsite))
            if desk is Desk.AGENCY and cancelled:
                reason = "认定提供虚假材料，取消当年申报资格。"
                plan.append((Action.CANCEL, office.managers[0], name, later(2, by_agency), reason, "[]", None))
                return plan
        if expires:
            reason = "未在规定时间内补交年度考核材料，视为资格审查不通过。"
            at = _at(year.deferral_due + timedelta(days=1), -500)
            plan.append((Action.EXPIRE, None, SYSTEM, at, reason, "[]", None))
        return plan

    def _step(self, way: Way, planned: Planned, *, supervised: bool) -> None:
        action, account, name, at, reason, items, onsite = planned
        if onsite is not None:
            way.onsite = onsite
        before, desk = way.status, desk_of(way.status)
        step = _transition(before, action, supervised, bool(way.onsite), way.returned_to)
        words = (desk and desk.value, action.value, before.value, step.status.value, reason, items)
        way.events.append((len(way.events) + 1, at, account, name, *words))
        way.status, way.returned_to, way.updated_at = step.status, step.returned_to, at
        if step.status is not before:
            way.desk_since = at
        first = action is Action.FIRST_PASS and account is not None
        way.first_reviewed = (account, at) if first and account is not None else None
        if action is Action.SUBMIT:
            way.submitted_at = at
        if action is Action.CANCEL and account is not None:
            way.cancelled = (account, at)
        if step.status is Status.ONSITE_CONFIRMATION:
            way.visit_from = at
        if action is Action.PASS and account is not None:
            if desk is Desk.UNIT:
                way.agreed = (account, at)
            if desk is Desk.ONSITE:
                way.visited = (account, at)

    def _judged(
        self, year: Year, one: Applicant, started: date, staff: str, education: str, outcomes: Sequence[str]
    ) -> str:
        """What the conditions say, as an application keeps it from its submission."""
        held = one.certificate
        facts = eligibility.Facts(
            birth=one.born,
            sex="男" if int(one.number[16]) % 2 else "女",
            post_kind=PostKind.WORKER,
            staff_kind=staff,
            work_started_on=started,
            has_certificate=held is not None,
            certificate=eligibility.Certificate(grade=held[0], trade=one.trade[1], issued_on=held[2]) if held else None,
            trade=one.trade[1],
            trade_changed=False,
            assessments={
                year.year - 3 + back: eligibility.Assessment("", filed=False)
                if outcome == NOT_FILED
                else eligibility.Assessment(outcome)
                for back, outcome in enumerate(outcomes)
            },
            schooling=education,
            awards=1 if one.grade <= Grade.THREE else 0,
            achievements=1 if one.grade == Grade.ONE else 0,
        )
        return json.dumps(eligibility.evaluate(year.conditions, one.grade, facts).to_data(), ensure_ascii=False)

    def _defer(self, year: Year, way: Way, application: int, made_up: date, office: Office, expires: bool) -> None:
        late = self.now.date()
        status, reason = DeferralStatus.PLEDGED, ""
        made_at: datetime | None = None
        decided: tuple[datetime | None, int | None] = (None, None)
        if way.agreed is not None:
            status = DeferralStatus.AGREED
            if way.events[-1][5] == Action.EXPIRE.value:
                status, reason = DeferralStatus.FAILED, "未在规定时间内补交。"
                decided = (way.events[-1][1], None)
            elif late > made_up and not expires:
                made_at = _at(made_up, 60)
                status = DeferralStatus.MADE_UP
                if late > made_up + timedelta(days=5):
                    status, decided = (
                        DeferralStatus.ACCEPTED,
                        (_at(made_up + timedelta(days=3), 90), office.officers[0]),
                    )
        account, at = way.agreed or (None, None)
        years = f"[{year.year - 1}]"
        of = (year.id, application, office.id)
        self.rows[Deferral].append((*of, status.value, years, way.submitted_at, at, account, made_at, *decided, reason))

    def _case(
        self, year: Year, by: tuple[int, datetime], application: int, one: Applicant, office: Office, unit: UnitFacts
    ) -> None:
        account, at = by
        ban, case = self.take(BanEntry), self.take(FalseMaterialsCase)
        begins = at.date()
        reason = "经核实，所交证书无发放记录，认定提供虚假材料。"
        self.rows[BanEntry].append(
            (
                *(
                    ban,
                    one.number,
                    one.hash,
                    one.tail,
                    one.name,
                    begins,
                    begins.replace(year=begins.year + 2) - timedelta(days=1),
                ),
                *(reason, application, office.id, account, at),
            )
        )
        self.rows[FalseMaterialsCase].append(
            (
                *(case, f"XJ{year.year}{case:06d}", application, unit.id, office.id, CaseStatus.CONFIRMED.value),
                *("证书编号与发证机关存根不符，疑似伪造。", office.officers[0], at - timedelta(days=1)),
                *("证书由他人代办，愿意接受处理。", at - timedelta(hours=8), reason, account, at, ban),
            )
        )
        self.note(at, account, "confirm_false_materials", "FalseMaterialsCase", case, number=f"XJ{year.year}{case:06d}")

    def _suspicion(self, year: Year, since: datetime, application: int, one: Applicant, office: Office) -> None:
        """False materials are suspected at the agency's desk, where the application lies since then, and not decided
        yet; every other applicant has given a statement.
        """
        case, officer = self.take(FalseMaterialsCase), office.officers[0]
        at = since + (self.now - since) / 2
        stated = (
            ("证书系单位统一办理，正在联系发证机构核实。", at + (self.now - at) / 2) if application % 2 else ("", None)
        )
        text = "证书编号与发证机关存根不符，疑似伪造。"
        number = f"XJ{year.year}{case:06d}"
        self.rows[FalseMaterialsCase].append(
            (
                *(case, number, application, one.unit.id, office.id, CaseStatus.RAISED.value, text, officer, at),
                *(*stated, "", None, None, None),
            )
        )
        own, its = f"own_case {case}", f"case {case}"
        self.write_to(at, "oversight", "您的申报材料被反映可能不实，请说明情况", own, account=one.account)
        self.write_to(at, "oversight", f"反映虚假材料：{one.name}", its, unit=one.unit.id)
        self.note(at, officer, "raise_false_materials", "FalseMaterialsCase", case, number=number)

    def _in_detail(
        self,
        year: Year,
        way: Way,
        application: int,
        one: Applicant,
        office: Office,
        kinds: tuple[MaterialKind, ...],
        handed_in: datetime,
    ) -> None:
        """What is told of the latest cycles only: visits with their originals, verdicts saved, messages."""
        waits = way.status is Status.ONSITE_CONFIRMATION
        if way.visit_from is not None and (way.visited is not None or (waits and application % 2)):
            self._visit(year, way, application, one, office, kinds)
        if way.status is Status.AGENCY_REVIEW and way.first_reviewed is None and application % 12 == 0:
            verdicts = {item.key: {"passed": True, "comment": ""} for item in review_items(kinds)}
            saved = (application, Desk.AGENCY.value, verdicts, True, len(way.events) + 1, office.officers[0], self.now)
            self.rows[ReviewNote].append(saved)
        if not way.events:
            return
        level = Grade(one.grade).level
        what, last = f"{one.name}（{one.trade[1]} {level}）", way.events[-1]
        at, desk = last[1], desk_of(way.status)
        about = f"application {application}"
        if desk is Desk.UNIT:
            self.write_to(at, "application", f"申报待办理：{what}", about, unit=one.unit.id)
        elif desk is Desk.SUPERVISING and one.unit.above:
            self.write_to(at, "application", f"申报待办理：{what}", about, unit=one.unit.above)
        elif desk is not None and application % 5 == 0:
            self.write_to(at, "application", f"申报待办理：{what}", about, agency=office.id)
        if desk in (Desk.AGENCY, Desk.ONSITE) and application % 97 == 0:
            self._suspicion(year, at, application, one, office)
        if way.status is Status.RETURNED:
            self.write_to(at, "application", "申报被退回，请修改", "own", account=one.account)
        elif way.status is Status.QUALIFIED:
            self.write_to(at, "application", "资格审查合格", "own", account=one.account)

    def _visit(
        self,
        year: Year,
        way: Way,
        application: int,
        one: Applicant,
        office: Office,
        kinds: tuple[MaterialKind, ...],
    ) -> None:
        """The person's place in a visit of the unit: over, with the originals given back or still held, or booked for
        today or tomorrow.
        """
        over, unit = way.visited is not None, one.unit
        ahead = 0 if unit.id % 3 == 0 and self.now.weekday() < 5 else 1
        day = way.visited[1].date() if way.visited else _workdays_on(self.now.date(), ahead)
        key = (unit.id, over)
        if key not in self.visits:
            # Most originals go back within the hour; those of some visits are still with the agency these days.
            held = way.visited is not None and way.visited[1] > self.now - _HELD_FOR and unit.id % 3 == 0
            slot = self.slots.setdefault((office.id, day), [0, 0])
            slot[0] = slot[0] or self.take(VisitSlot)
            visit = self.take(Visit)
            self.visits[key] = (visit, slot, held)
            status = VisitStatus.RECEIVED if held else VisitStatus.RETURNED if over else VisitStatus.BOOKED
            self.rows[Visit].append(
                (
                    *(visit, f"{year.year}{visit:06d}", year.id, unit.id, office.id, slot[0], status.value),
                    *(self.offices.signatures[unit.administrator][1], f"138{unit.id:08d}", unit.administrator),
                    way.visit_from,
                )
            )
        visit, slot, held = self.visits[key]
        slot[1] += 1
        member = self.take(VisitMember)
        self.rows[VisitMember].append((member, visit, application))
        if way.visited is not None:
            account, at = way.visited
            bearer = self.offices.signatures[unit.administrator][1]
            back = (None, None, "") if held else (at + timedelta(hours=1), account, bearer)
            owner = (member, unit.id, office.id)
            self.rows[Original] += [(*owner, label, at, account, *back) for label in originals_for(kinds)]

    def _on_record(
        self, year: Year, way: Way, application: int, one: Applicant, office: Office, number: str | None
    ) -> None:
        """The audit trail: of earlier cycles how each application came in and how it ended, of this one every step."""
        events = way.events if year.current else way.events[:1] + way.events[-1:] if len(way.events) > 1 else way.events
        for event in events:
            _, at, account, _, desk, action, before, after, reason, _ = event
            detail = {"number": number, "desk": desk, "status_before": before, "status_after": after, "reason": reason}
            name = _AUDIT[Action(action)]
            if account == one.account:
                self.trail.append(
                    (at, account, f"申报人 {one.name}", name, "Application", str(application), {"number": number})
                )
            else:
                self.note(at, account, name, "Application", application, **detail)
