"""The demonstration: an invented county, with units of a city, the province and the centre, amid registration.

`data/demonstration/` holds the cast. Everything is told in the order of time, through the same services as in real
life, with the clock set to each moment, so that every event, sheet and audit entry carries a believable day.
"""

import csv
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import select
from stdnum.cn import ric, uscc

from gongkao import clock
from gongkao.config import ROOT
from gongkao.documents import papers
from gongkao.documents.samples import sample_paper, sample_photo, stamped
from gongkao.extensions import db
from gongkao.models import Account, Agency, Application, Person, Role, Trade, Unit
from gongkao.rules.application_form import MATERIAL_PREFIX, NOT_FILED, FormStep
from gongkao.rules.grades import Grade
from gongkao.rules.materials import MaterialKind, MaterialRule, Need
from gongkao.rules.routing import UnitLevel
from gongkao.rules.workflow import Action, Status
from gongkao.services import (
    accounts,
    applications,
    demonstration_offices,
    drafts,
    materials,
    review,
    settings,
    sheets,
    starting_data,
    unit_checks,
    unit_statements,
    units,
)
from gongkao.services.application_form import facts_of
from gongkao.services.demonstration_offices import (
    BUREAU,
    CITY,
    COUNTY,
    IRRIGATION,
    LAST_DAY,
    SUPPLY,
    WATER_STATION,
)
from gongkao.services.demonstration_offices import agency as _agency
from gongkao.services.demonstration_offices import moment as _moment
from gongkao.services.demonstration_offices import unit as _unit
from gongkao.services.demonstration_offices import working as _working
from gongkao.services.passwords import hash_password, verify_password
from gongkao.services.transaction import transaction

DATA = ROOT / "data" / "demonstration"
# Every account of the demonstration has it; `make run` prints it.
PASSWORD = "yanshi-2025"

PROVINCE = "410000"
CHECK_DAYS = (date(2025, 3, 10), date(2025, 3, 11), date(2025, 3, 12))
OFFICERS = (
    (PROVINCE, Role.AGENCY_OFFICER, "陶然"),
    (CITY, Role.AGENCY_MANAGER, "宁致远"),
    (CITY, Role.AGENCY_OFFICER, "柏文清"),
    (COUNTY, Role.AGENCY_MANAGER, "申屠安"),
    (COUNTY, Role.AGENCY_OFFICER, "季云舒"),
    (COUNTY, Role.INSPECTOR, "严正平"),
)
APPLICANT = "岳青山"
# People on the water station's roster who have not begun: (name, sex, born).
NOT_BEGUN = (("荀立冬", "男", date(1987, 11, 7)), ("终南雪", "女", date(1993, 1, 22)))


@dataclass(frozen=True)
class _Unit:
    """One line of units.csv; `sheet` tells whether its administrator's sheet was accepted or waits at the desk."""

    name: str
    level: UnitLevel
    region_code: str
    supervising_unit: str
    administrator: str
    sex: str
    sheet: str


@dataclass(frozen=True)
class _Step:
    """What followed the submission: an action, with the item found wrong and the comment on it."""

    action: Action
    item: str = ""
    comment: str = ""


@dataclass(frozen=True)
class _Worker:
    """One line of workers.csv: who applies for what, and how far the application has come.

    `assessment` is last year's outcome. `submitted_on` is None for a draft; each of the `steps` follows on the next
    working day.
    """

    place: int
    name: str
    sex: str
    born: date
    unit: str
    post: str
    trade_code: str
    grade: int
    work_started_on: date
    certified_on: date | None
    assessment: str
    submitted_on: date | None
    steps: tuple[_Step, ...]


def _rows(name: str) -> Iterator[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _cast() -> tuple[list[_Unit], list[_Worker]]:
    cast = []
    for row in _rows("units.csv"):
        level = UnitLevel(row.pop("level"))
        cast.append(_Unit(level=level, **row))
    return cast, [_worker(place, row) for place, row in enumerate(_rows("workers.csv"))]


def _worker(place: int, row: dict[str, str]) -> _Worker:
    steps = [part.split(" ", 2) for part in row["steps"].split("|") if part]
    return _Worker(
        place=place,
        name=row["name"],
        sex=row["sex"],
        born=date.fromisoformat(row["born"]),
        unit=row["unit"],
        post=row["post"],
        trade_code=row["trade_code"],
        grade=int(row["grade"]),
        work_started_on=date.fromisoformat(row["work_started_on"]),
        certified_on=_day(row["certified_on"]),
        assessment=row["assessment"] or "合格",
        submitted_on=_day(row["submitted_on"]),
        steps=tuple(_Step(Action(action), *of) for action, *of in steps),
    )


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def load() -> None:
    """Load the starting data and the demonstration, all or nothing; where an account exists already, change nothing."""
    source = clock.source()
    try:
        with transaction() as session:
            starting_data.load()
            if session.scalar(select(Account.id).limit(1)) is None:
                _tell()
    finally:
        clock.install(source)


def _tell() -> None:
    """The whole story, one moment after the other."""
    cast, workers = _cast()
    password_hash = hash_password(PASSWORD)
    _offices(cast, password_hash)
    _registration_sheets(cast, password_hash)
    _name_checks()
    _statements(cast)
    moments = [moment for worker in workers for moment in _way(worker)]
    moments += demonstration_offices.moments(_listed(workers))
    for at, act in sorted(moments, key=lambda pair: pair[0]):
        clock.install(lambda at=at: at)  # type: ignore[misc]
        act()
        _settle()


def _settle() -> None:
    """The story is one transaction, yet each act must find the rows as if the one before had been committed."""
    db.session.flush()
    db.session.expire_all()


def _set_clock(day: date, minutes: int) -> None:
    moment = _moment(day, minutes)
    clock.install(lambda: moment)


def _officer_of(agency_id: int | None) -> Account:
    return _working(agency_id=agency_id, role=Role.AGENCY_OFFICER)


def _open(issued: accounts.Issued, password_hash: str) -> Account:
    """Give an issued account the demonstration's password, as if its owner had signed in for the first time."""
    issued.account.password_hash = password_hash
    issued.account.must_change_password = False
    return issued.account


def _offices(cast: Sequence[_Unit], password_hash: str) -> None:
    """The agencies' accounts, the county's taking over, the units."""
    _set_clock(CHECK_DAYS[0], 0)
    issued = accounts.issue_agency_account(None, _agency(PROVINCE), role=Role.AGENCY_MANAGER, name="秦守信")
    manager = _open(issued, password_hash)
    for code, role, name in OFFICERS:
        _open(settings.issue_officer(manager, agency_id=_agency(code).id, role=role, name=name), password_hash)
    settings.switch_taken_over(manager, _agency(COUNTY).id, True)
    _responsible_people(manager)
    for serial, unit in enumerate(cast, start=1):
        units.create_unit(
            manager,
            name=unit.name,
            credit_code=_credit_code(unit.region_code, serial),
            level=unit.level,
            region_code=unit.region_code,
            supervising_unit_id=_unit(unit.supervising_unit).id if unit.supervising_unit else None,
        )


def _responsible_people(manager: Account) -> None:
    """Who answers first, mainly and directly (notice 四（一）), at the centre, in the city and in its counties."""
    for row in _rows("responsible.csv"):
        agency = _agency(row["code"])
        kept = {f"{stem}_post": getattr(agency, f"{stem}_post") for stem, _ in settings.DUTIES}
        names = {f"{stem}_name": row[stem.partition("_")[0]] for stem, _ in settings.DUTIES}
        settings.change_agency(
            manager,
            agency.id,
            phone=row["phone"],
            address=row["address"],
            onsite_by_default=agency.onsite_by_default,
            second_review=agency.second_review,
            **kept,
            **names,
        )


def _credit_code(region: str, serial: int) -> str:
    """A unified social credit code of a public institution, with right check characters (GB 32100, GB 11714)."""
    number = f"{74600 + 137 * serial:08d}"
    weights = (3, 7, 9, 10, 5, 8, 4, 2)
    value = -sum(weight * int(digit) for weight, digit in zip(weights, number, strict=True)) % 11
    body = f"12{region}{number}{'X' if value == 10 else value}"
    return body + uscc.calc_check_digit(body)


def _registration_sheets(cast: Sequence[_Unit], password_hash: str) -> None:
    """Every unit's administrator registers in the notice's three days; one sheet is left waiting at the desk."""
    for place, unit in enumerate(cast):
        waits = unit.sheet == "waiting"
        day = CHECK_DAYS[2] if waits else CHECK_DAYS[0]
        _set_clock(day, 20 + 11 * place)
        sheet = sheets.fill_in(
            None,
            _unit(unit.name).id,
            filler=unit.administrator,
            filled_on=day.isoformat(),
            name=unit.administrator,
            sex=unit.sex,
            department="人事科",
            position="科员",
            office_phone=f"0371-6218{1200 + place}",
            mobile=f"1380000{2000 + place}",
        )
        scan = stamped(papers.registration_sheet(sheets.paper(sheet)))
        sheets.hand_in(None, sheet.token, scan, "盖章登记表.pdf")
        if not waits:
            _set_clock(day, 330 + 9 * place)
            _open(sheets.accept(_officer_of(sheet.agency_id), sheet.id, sheet.version), password_hash)


def _name_checks() -> None:
    """The supervising bureau has checked some of its names; the agency has accepted some of those."""
    bureau = _working(unit_id=_unit(BUREAU).id)
    _set_clock(CHECK_DAYS[1], 35)
    confirmed = [unit_checks.confirm_unit(bureau, _unit(name).id) for name in (BUREAU, WATER_STATION, SUPPLY)]
    unit_checks.correct_unit(bureau, _unit(IRRIGATION).id, "中牟县云溪灌区管理中心")
    _set_clock(CHECK_DAYS[2], 80)
    unit_checks.accept_confirmed(_officer_of(_agency(COUNTY).id), [check.id for check in confirmed[:2]])


def _statements(cast: Sequence[_Unit]) -> None:
    """Every unit with an administrator says on the first day which posts are vacant, and on what terms it appoints."""
    posts = [
        unit_statements.Post("运行维护岗", "3", "2", "取得三级证书，竞聘合格"),
        unit_statements.Post("运行维护岗", "4", "3", "取得四级证书，竞聘合格"),
    ]
    for place, unit in enumerate(one for one in cast if one.sheet == "accepted"):
        _set_clock(date(2025, 3, 13), 3 * place)
        unit_statements.confirm(
            _working(unit_id=_unit(unit.name).id),
            vacant=True,
            posts=posts,
            terms="岗位出现空缺时，从取得相应等级的人员中按规定竞聘，择优聘用。",
            responsible_name=unit.administrator,
            version=0,
        )


def _way(worker: _Worker) -> Iterator[tuple[datetime, Callable[[], object]]]:
    """When the worker registers and what follows, as (moment, what to do then)."""
    day = worker.submitted_on or LAST_DAY
    minutes = worker.place * 47 % 230
    yield _moment(day, minutes), lambda: _register(worker)
    if worker.submitted_on is None:
        return
    yield _moment(day, minutes + 40), lambda: _submit(worker)
    late = 0
    for number, step in enumerate(worker.steps):
        following = _next_working_day(day)
        # What no longer fits in a day of its own follows later on the last one.
        late = late + 60 if following > LAST_DAY else 0
        day = min(following, LAST_DAY)
        yield _moment(day, 280 + (worker.place * 31 + number * 53) % 190 + late), _taking(worker, step)


def _next_working_day(day: date) -> date:
    return day + timedelta(days=3 if day.weekday() == 4 else 1)


def _register(worker: _Worker) -> None:
    accounts.register_applicant(
        name=worker.name,
        identity_number=_identity_number(worker.place, worker.sex, worker.born),
        mobile=f"1380000{3000 + worker.place}",
        password=PASSWORD,
    )
    _fill_in(worker)


def _identity_number(place: int, sex: str, born: date) -> str:
    serial = 30 + 2 * place + (1 if sex == "男" else 0)
    body = f"{COUNTY}{born:%Y%m%d}{serial:03d}"
    return body + ric.calc_check_digit(body + "0")


def _listed(workers: Sequence[_Worker]) -> list[tuple[str, str]]:
    """Names and identity numbers of the water station's people, those who have not begun at the end."""
    people = [(one.name, one.sex, one.born) for one in workers if one.unit == WATER_STATION] + list(NOT_BEGUN)
    places = [one.place for one in workers if one.unit == WATER_STATION] + [len(workers), len(workers) + 1]
    return [(name, _identity_number(place, sex, born)) for place, (name, sex, born) in zip(places, people, strict=True)]


def _applicant(worker: _Worker) -> Account:
    return db.session.scalars(select(Account).join(Account.person).where(Person.name == worker.name)).one()


def _fill_in(worker: _Worker) -> None:
    """The whole form, but for the pledge that is given with the submission."""
    actor = _applicant(worker)
    made = applications.start(actor)
    for step, typed in _typed(worker).items():
        _save(actor, made, step, typed)
    for rule in facts_of(made).material_rules:
        if rule.need is not Need.OPTIONAL:
            materials.add(actor, rule.kind, [_file(made, rule, worker.place)])


def _save(actor: Account, made: Application, step: FormStep, typed: dict[str, str]) -> None:
    drafts.save_step(actor, step, typed, drafts.version_of(step, facts_of(made)))
    _settle()


def _typed(worker: _Worker) -> dict[FormStep, dict[str, str]]:
    """What the applicant types, page by page."""
    trade = db.session.scalars(select(Trade).where(Trade.code == worker.trade_code)).one()
    started = worker.work_started_on.isoformat()
    certificate = {"has_certificate": "no"}
    if worker.certified_on is not None:
        certificate = {
            "has_certificate": "yes",
            "certificate_grade": str(worker.grade + 1),
            "certificate_trade": trade.name,
            "certificate_number": f"{worker.certified_on.year}4100{worker.trade_code}{100 + worker.place}",
            "certificate_issued_on": worker.certified_on.isoformat(),
            "certificate_issuer": "河南省人力资源和社会保障厅",
        }
    return {
        FormStep.PERSON: {"education": "大专" if worker.grade <= Grade.TWO else "高中"},
        FormStep.UNIT: {
            "unit_name": worker.unit,
            "department": "运行科",
            "post": worker.post,
            "staff_kind": "在岗正式工作人员",
            "post_kind": "worker",
            "work_started_on": started,
            "post_started_on": started,
        },
        FormStep.TRADE: {"trade_id": str(trade.id)},
        FormStep.GRADE: {
            "grade": str(worker.grade),
            "grade_one_confirmed": "yes" if worker.grade == Grade.ONE else "",
        },
        FormStep.WORK: {
            "work-0-started_on": started,
            "work-0-ended_on": "至今",
            "work-0-unit_name": worker.unit,
            "work-0-post": worker.post,
            "work-0-trade_name": trade.name,
        },
        FormStep.CERTIFICATE: certificate,
        FormStep.ASSESSMENTS: {
            "year_2022": "优秀",
            "year_2023": "优秀",
            "year_2024": worker.assessment,
            "deferral_pledged": "yes" if worker.assessment == NOT_FILED else "",
        },
    }


def _file(made: Application, rule: MaterialRule, place: int) -> materials.Sent:
    if rule.kind is MaterialKind.PHOTO:
        return sample_photo(place), f"{rule.label}.jpg"
    return _paper(made, rule), f"{rule.label}.pdf"


def _paper(made: Application, rule: MaterialRule) -> bytes:
    """What the material says, in agreement with the form."""
    assert made.unit is not None and made.trade is not None and made.work_started_on is not None
    person = [("姓名", made.person.name), ("性别", made.person.sex)]
    started = made.work_started_on.isoformat()
    lines = [*person, ("单位", made.unit.name)]
    signed_by, signed_on = made.unit.name, CHECK_DAYS[2]
    if rule.kind is MaterialKind.IDENTITY_CARD:
        lines = [*person, ("公民身份号码", made.person.identity_number)]
        signed_by, signed_on = "演示签发机关", date(2018, 5, 4)
    elif rule.kind is MaterialKind.POST:
        lines += [("岗位", made.post or ""), ("聘用期限", f"自{started}起")]
    elif rule.kind is MaterialKind.WORK_YEARS:
        lines += [("参加工作时间", started), ("档案材料", "招工审批表、工资审批表")]
    elif rule.kind is MaterialKind.CERTIFICATE:
        assert made.certificate_grade is not None and made.certificate_issued_on is not None
        number = made.certificate_number or ""
        lines += [("工种", made.trade.name), ("等级", Grade(made.certificate_grade).label), ("证书编号", number)]
        signed_by, signed_on = made.certificate_issuer or "", made.certificate_issued_on
    elif rule.kind is MaterialKind.ASSESSMENT:
        lines += [(f"{entry.year}年度", entry.outcome) for entry in made.assessments if entry.outcome != NOT_FILED]
    elif rule.kind is MaterialKind.ACHIEVEMENT:
        lines += [("成果", "车辆节油技术改进，获全省机关后勤技能竞赛二等奖")]
        signed_by, signed_on = "演示颁奖单位", date(2019, 10, 20)
    return sample_paper(rule.label, lines, signed_by=signed_by, signed_on=signed_on)


def _submit(worker: _Worker) -> None:
    actor = _applicant(worker)
    made = drafts.own(actor)
    _save(actor, made, FormStep.PLEDGE, {"pledged": "yes"})
    applications.submit(actor, made.version)


def _taking(worker: _Worker, step: _Step) -> Callable[[], object]:
    return lambda: _take(worker, step)


def _take(worker: _Worker, step: _Step) -> None:
    """One step by whoever holds the application."""
    actor = _applicant(worker)
    made = drafts.own(actor)
    if step.action is Action.RESUBMIT:
        _correct(actor, made)
        return
    verdicts = {
        item.key: review.Verdict(item.key != step.item, step.comment if item.key == step.item else "")
        for item in review.checklist(made)
    }
    reason = step.comment if step.action is Action.REFUSE else ""
    agreed = [one.key for one in review.agreements(made)] if made.status is Status.UNIT_REVIEW else []
    review.decide(_reviewer(made), made.id, made.version, step.action, verdicts, reason=reason, agreed=agreed)


def _correct(actor: Account, made: Application) -> None:
    """Add one more page to every material that was sent back, and hand in again."""
    for item in drafts.sent_back(made):
        kind = MaterialKind(item.key.removeprefix(MATERIAL_PREFIX))
        paper = sample_paper(f"{kind.label}（补充页）", [("姓名", made.person.name)], signed_by="", signed_on=LAST_DAY)
        materials.add(actor, kind, [(paper, f"{kind.label}补充页.pdf")])
    _settle()
    applications.submit(actor, made.version)


def _reviewer(made: Application) -> Account:
    if made.status is Status.UNIT_REVIEW:
        return _working(unit_id=made.unit_id)
    if made.status is Status.SUPERVISING_REVIEW:
        return _working(unit_id=made.supervising_unit_id)
    return _officer_of(made.agency_id)


def account_lines() -> list[str]:
    """One account of every role, in aligned columns, for whoever tries the demonstration."""
    chosen = (
        ("申报人员（草稿待提交）", Account.person.has(Person.name == APPLICANT)),
        ("所在单位管理人员", Account.unit.has(Unit.name == WATER_STATION)),
        ("主管单位管理人员", Account.unit.has(Unit.name == BUREAU)),
        ("县工考机构经办人", _of_agency(COUNTY, Role.AGENCY_OFFICER)),
        ("县工考机构负责人", _of_agency(COUNTY, Role.AGENCY_MANAGER)),
        ("市工考机构负责人", _of_agency(CITY, Role.AGENCY_MANAGER)),
        ("省中心负责人", _of_agency(PROVINCE, Role.AGENCY_MANAGER)),
        ("巡视监督", (Account.role == Role.INSPECTOR) & (Account.region_code == COUNTY)),
    )
    # Most still share the hash they were made with, and each look at one takes its time.
    is_known = cache(lambda hashed: verify_password(hashed, PASSWORD))
    lines = [("身份", "账户", "密码", "姓名和机构")]
    for label, condition in chosen:
        query = select(Account).where(condition, Account.ended_at.is_(None)).order_by(Account.id)
        account = db.session.scalars(query.limit(1)).first()
        if account is not None:
            known = is_known(account.password_hash)
            office = "" if account.role is Role.APPLICANT else account.office_name
            name = f"{account.display_name}　{office}".strip()
            lines.append((label, account.sign_in_name, PASSWORD if known else "（已修改）", name))
    widths = [max(_width(line[column]) for line in lines) for column in range(3)]
    return [
        "  " + "".join(_padded(line[column], widths[column] + 2) for column in range(3)) + line[3] for line in lines
    ]


def _of_agency(code: str, role: Role) -> Any:
    return Account.agency.has(Agency.code == code) & (Account.role == role)


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _width(text))


def _width(text: str) -> int:
    """Columns on a terminal: a Chinese character takes two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
