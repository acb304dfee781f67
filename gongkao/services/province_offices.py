"""The offices of an invented province: units in trees under the real agencies, and everybody's accounts."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from random import Random

from sqlalchemy import select

from gongkao import clock
from gongkao.extensions import db
from gongkao.models import (
    Account,
    Agency,
    Cycle,
    RegionEntry,
    RegistrationSheet,
    Role,
    SheetStatus,
    Unit,
    UnitCheck,
    UnitCheckStatus,
    UnitNamePart,
    UnitStatement,
)
from gongkao.models.name_part import parts_of
from gongkao.rules.routing import CAPITAL_PREFIX, Region, RegionLevel, UnitLevel, reviewing_region
from gongkao.services import cycles
from gongkao.services.invented import credit_code, person_name
from gongkao.storage.bulk import Loader

# Of counties, of agencies with two pairs of eyes, of agencies that usually see nobody on site.
_TAKEN_OVER, _SECOND_REVIEW, _NO_ONSITE = 0.6, 0.2, 0.15
# Shares of the units: province and central units, cities; all others are a county's.
_OF_PROVINCE, _OF_CITIES = 0.04, 0.3
_BUREAUS, _BELOW, _THIRD = 0.12, 0.85, 0.15
_PLACES = [
    "云溪",
    "晴川",
    "远山",
    "平野",
    "长河",
    "高岗",
    "青禾",
    "石桥",
    "望湖",
    "临泉",
    "桐柏岭",
    "梅园",
    "柳林",
    "松涛",
    "竹溪",
    "荷塘",
    "明湖",
    "清源",
    "安澜",
    "和兴",
]
_BUREAU_KINDS = [
    "水务局",
    "教育局",
    "交通运输局",
    "卫生健康局",
    "农业农村局",
    "林业局",
    "住房和城乡建设局",
    "城市管理局",
    "文化广电局",
    "民政局",
]
_KINDS = [
    "工程站",
    "学校",
    "服务中心",
    "养护所",
    "医院",
    "管理所",
    "供水站",
    "档案馆",
    "机关事务中心",
    "车队",
    "林场",
    "检测中心",
    "园林所",
    "环卫站",
]


@dataclass(frozen=True)
class Office:
    """An agency as the story needs it: who works there, and whose training and tests it shares."""

    id: int
    code: str
    name: str
    region_code: str
    examined_by: int
    second_review: bool
    onsite: bool
    officers: tuple[int, int]
    managers: tuple[int, int]


@dataclass(frozen=True)
class UnitFacts:
    id: int
    name: str
    region_code: str
    above: int | None
    agency_id: int
    administrator: int


@dataclass
class Offices:
    """All of them by id, and of every account the office and name that stand beside what it does."""

    agencies: dict[int, Office] = field(default_factory=dict)
    units: dict[int, UnitFacts] = field(default_factory=dict)
    signatures: dict[int, tuple[str, str]] = field(default_factory=dict)
    last_account: int = 0


@dataclass
class _Place:
    """A unit that is being planned."""

    id: int
    name: str
    level: UnitLevel
    region: Region
    above: "_Place | None"
    path: str
    agency_id: int


def settle_agencies(chance: Random) -> None:
    """Which counties have taken over the review, and how each agency works; inside the caller's use case."""
    for agency in db.session.scalars(select(Agency).order_by(Agency.code)):
        agency.taken_over = agency.level is RegionLevel.COUNTY and chance.random() < _TAKEN_OVER
        agency.second_review = chance.random() < _SECOND_REVIEW
        agency.onsite_by_default = chance.random() >= _NO_ONSITE


@dataclass(frozen=True)
class Ground:
    """What is there before: regions by code, agencies by code's order, and the current cycle, read and let go of."""

    regions: Mapping[str, Region]
    agencies: Sequence[Agency]
    cycle: Cycle


def read_ground() -> Ground:
    """Read it; nothing of it is asked of the database later."""
    regions = {one.code: one.as_rule() for one in db.session.scalars(select(RegionEntry))}
    return Ground(regions, list(db.session.scalars(select(Agency).order_by(Agency.code))), cycles.current_cycle())


def write(loader: Loader, chance: Random, units: int, ground: Ground, password_hash: str, scan_id: int) -> Offices:
    """Write accounts of agencies, units with their administrators, and what units did before registration began."""
    regions, agencies, cycle = ground.regions, ground.agencies, ground.cycle
    offices = Offices()
    accounts: list[tuple[object, ...]] = []
    opened = datetime.combine(cycle.notice_issued_on.replace(year=cycle.year - 9), time(9), clock.ZONE)

    def account(username: str, role: Role, name: str, office: str, **of: int | str) -> int:
        offices.last_account += 1
        number = offices.last_account
        place = (of.get("unit_id"), of.get("agency_id"), of.get("region_code"))
        accounts.append((number, username, password_hash, role.value, name, *place, opened))
        offices.signatures[number] = (office, name)
        return number

    for agency in agencies:
        above = agency.parent_id if agency.level is RegionLevel.COUNTY and agency.parent_id else agency.id
        offices.agencies[agency.id] = Office(
            id=agency.id,
            code=agency.code,
            name=agency.name,
            region_code=agency.region_code,
            examined_by=above,
            second_review=agency.second_review,
            onsite=agency.onsite_by_default,
            officers=(
                account(f"gk{agency.code}", Role.AGENCY_OFFICER, _name(chance), agency.name, agency_id=agency.id),
                account(f"gk{agency.code}-2", Role.AGENCY_OFFICER, _name(chance), agency.name, agency_id=agency.id),
            ),
            managers=(
                account(f"gl{agency.code}", Role.AGENCY_MANAGER, _name(chance), agency.name, agency_id=agency.id),
                account(f"gl{agency.code}-2", Role.AGENCY_MANAGER, _name(chance), agency.name, agency_id=agency.id),
            ),
        )
        region = regions[agency.region_code]
        account(f"xs{region.code}", Role.INSPECTOR, _name(chance), f"{region.name}巡视监督", region_code=region.code)
    places = _plan(chance, units, regions, agencies)
    codes = [credit_code(one.region.code, one.id) for one in places]
    names: dict[str, int] = {}
    for one, code in zip(places, codes, strict=True):
        stem = "dw" + code[-8:].lower()
        names[stem] = names.get(stem, 0) + 1
        username = stem if names[stem] == 1 else f"{stem}-{names[stem]}"
        administrator = account(username, Role.UNIT_ADMINISTRATOR, _name(chance), one.name, unit_id=one.id)
        above_id = one.above.id if one.above else None
        offices.units[one.id] = UnitFacts(one.id, one.name, one.region.code, above_id, one.agency_id, administrator)
    columns = "id username password_hash role display_name unit_id agency_id region_code created_at"
    loader.add(Account, columns, accounts)
    loader.add(
        Unit,
        "id name credit_code level region_code supervising_unit_id path agency_id contact_phone created_at",
        [
            (
                *(one.id, one.name, code, one.level.value, one.region.code, one.above.id if one.above else None),
                *(one.path, one.agency_id, f"0371-6{one.id % 10**7:07d}", opened),
            )
            for one, code in zip(places, codes, strict=True)
        ],
    )
    parts = [(part, one.id) for one in places for part in parts_of(one.name)]
    loader.add(UnitNamePart, "part unit_id", parts)
    _before_registration(loader, chance, cycle, offices, scan_id)
    return offices


def _name(chance: Random) -> str:
    return person_name(chance.randrange(1_000_000))


def _plan(chance: Random, count: int, regions: Mapping[str, Region], agencies: Sequence[Agency]) -> list[_Place]:
    """The units, those above before those below; each tree lies within one region."""
    province = next(one for one in regions.values() if one.level is RegionLevel.PROVINCE)
    cities = sorted((one for one in regions.values() if one.level is RegionLevel.CITY), key=lambda one: one.code)
    counties = sorted((one for one in regions.values() if one.level is RegionLevel.COUNTY), key=lambda one: one.code)
    by_region = {one.region_code: one for one in agencies}
    bureaus: dict[tuple[str, UnitLevel], list[_Place]] = defaultdict(list)
    found: list[_Place] = []
    for number in range(1, count + 1):
        share = chance.random()
        if share < _OF_PROVINCE:
            level = UnitLevel.PROVINCIAL if chance.random() < 0.8 else UnitLevel.CENTRAL_IN_CAPITAL
            region = province if level is UnitLevel.PROVINCIAL else regions[CAPITAL_PREFIX + "00"]
        elif share < _OF_PROVINCE + _OF_CITIES:
            region = chance.choice(cities)
            away = chance.random() < 0.05 and not region.code.startswith(CAPITAL_PREFIX)
            level = UnitLevel.CENTRAL_ELSEWHERE if away else UnitLevel.MUNICIPAL
        else:
            region, level = chance.choice(counties), UnitLevel.COUNTY
        there = bureaus[region.code, level]
        above = None
        leads = not there or chance.random() < _BUREAUS
        if not leads and chance.random() < _BELOW:
            above = chance.choice(there)
        kind = chance.choice(_BUREAU_KINDS if leads else _KINDS)
        name = f"{region.name}{chance.choice(_PLACES)}{kind}"
        city = region if region.level is RegionLevel.CITY else regions.get(region.parent_code or "")
        taken_over = by_region[region.code].taken_over if region.code in by_region else False
        reviews = reviewing_region(level, region, city, province, taken_over=taken_over)
        made = _Place(
            number, name, level, region, above, f"{above.path if above else '/'}{number}/", by_region[reviews.code].id
        )
        # Some units below a bureau have units of their own below them.
        if leads or (above is not None and above.above is None and chance.random() < _THIRD):
            there.append(made)
        found.append(made)
    return found


def _before_registration(loader: Loader, chance: Random, cycle: Cycle, offices: Offices, scan_id: int) -> None:
    """In the notice's three days: registration sheets and checks of the names; on the first day, the statements."""
    sheets: list[tuple[object, ...]] = []
    checks: list[tuple[object, ...]] = []
    statements: list[tuple[object, ...]] = []
    posts = '[{"post": "运行维护岗", "grade": 3, "vacancies": 2, "terms": "取得相应等级证书，竞聘合格"}]'
    for one in offices.units.values():
        office = offices.agencies[one.agency_id]
        day = date(cycle.year, 3, 10 + one.id % 3)
        at = datetime.combine(day, time(8 + one.id % 9, one.id % 60), clock.ZONE)
        name = offices.signatures[one.administrator][1]
        if one.id % 4 == 0:
            waits = one.id % 40 == 0
            state = SheetStatus.SUBMITTED if waits else SheetStatus.ACCEPTED
            number = len(sheets) + 1
            sheets.append(
                (
                    *(number, f"DJ{cycle.year}{number:06d}", f"{number:07d}{chance.getrandbits(144):036x}"),
                    *(
                        cycle.id,
                        one.id,
                        one.agency_id,
                        state.value,
                        one.name,
                        name,
                        day,
                        name,
                        "男" if one.id % 2 else "女",
                    ),
                    *("人事科", "科员", f"0371-6{one.id % 10**7:07d}", f"138{one.id:08d}", at, scan_id, at),
                    *((None, None, None) if waits else (office.officers[0], at, one.administrator)),
                )
            )
        fate = one.id % 10
        if fate < 8:
            state_of_check = UnitCheckStatus.ACCEPTED if fate < 6 else UnitCheckStatus.CONFIRMED
            decided = (office.officers[0], at) if fate < 6 else (None, None)
            checked = (one.name, one.name, one.administrator, at)
            checks.append((cycle.id, one.id, one.agency_id, state_of_check.value, *checked, *decided))
        first = datetime.combine(date(cycle.year, 3, 13), time(8, one.id % 60), clock.ZONE)
        terms = "岗位出现空缺时，从取得相应等级的人员中按规定竞聘，择优聘用。"
        statements.append((cycle.id, one.id, posts, terms, name, one.administrator, first))
    loader.add(
        RegistrationSheet,
        "id number token cycle_id unit_id agency_id status unit_name filler filled_on name sex department "
        "position office_phone mobile created_at scan_id submitted_at decided_by_id decided_at account_id",
        sheets,
    )
    loader.add(
        UnitCheck,
        "cycle_id unit_id agency_id status name_before proposed_name checked_by_id checked_at decided_by_id decided_at",
        checks,
    )
    loader.add(
        UnitStatement,
        "cycle_id unit_id posts terms responsible_name confirmed_by_id confirmed_at",
        statements,
    )
