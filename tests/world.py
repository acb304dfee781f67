"""A small world for tests: two counties, their agencies and units, and one account of every role, twice over.

Names are of offices that do not exist; identity numbers are made with valid check digits.
"""

from datetime import date

from sqlalchemy import select
from stdnum.cn import ric

from gongkao.extensions import db
from gongkao.models import Account, Agency, Application, Person, RegionEntry, Role, Unit
from gongkao.rules.routing import UnitLevel
from gongkao.sealing import lookup
from gongkao.services import starting_data
from gongkao.services.passwords import hash_password
from gongkao.services.transaction import transaction

PASSWORD = "Plain-Steps-2025"
TAKEN_OVER_COUNTY = "410122"
OTHER_COUNTY = "410181"
NOT_TAKEN_OVER_COUNTY = "410221"


def identity_number(region: str, born: date, serial: int) -> str:
    """A number with a valid check digit; an odd serial is a man's, an even one a woman's."""
    body = f"{region}{born:%Y%m%d}{serial:03d}"
    return body + ric.calc_check_digit(body + "0")


def credit_code(serial: int) -> str:
    """A unified social credit code of a public institution with a valid check digit."""
    from stdnum.cn import uscc

    body = f"12410122{serial:09d}"
    return body + uscc.calc_check_digit(body)


class World:
    """Handles to what `build` made, read in the test's own session."""

    def account(self, name: str) -> Account:
        """By what its owner types: an applicant the identity number."""
        return db.session.scalars(select(Account).where(Account.username.in_([name, lookup(name)]))).one()

    def unit(self, name: str) -> Unit:
        return db.session.scalars(select(Unit).where(Unit.name == name)).one()

    def agency(self, code: str) -> Agency:
        return db.session.scalars(select(Agency).where(Agency.code == code)).one()

    def person(self, name: str) -> Person:
        return db.session.scalars(select(Person).where(Person.name == name)).one()

    def application_of(self, name: str) -> Application:
        query = select(Application).join(Application.person).where(Person.name == name)
        return db.session.scalars(query).one()

    # Units: the bureau supervises the school; the station has nobody above it; the far ones lie in another county.
    bureau = property(lambda self: self.unit("中牟县晴川局"))
    school = property(lambda self: self.unit("中牟县晴川学校"))
    station = property(lambda self: self.unit("中牟县云溪站"))
    far_bureau = property(lambda self: self.unit("巩义市远山局"))
    far_school = property(lambda self: self.unit("巩义市远山学校"))

    # Accounts of the county that has taken over, and strangers of the same role elsewhere.
    bureau_administrator = property(lambda self: self.account("dwbureau"))
    unit_administrator = property(lambda self: self.account("dwschool"))
    station_administrator = property(lambda self: self.account("dwstation"))
    far_unit_administrator = property(lambda self: self.account("dwfarschool"))
    officer = property(lambda self: self.account("gk410122"))
    manager = property(lambda self: self.account("gl410122"))
    far_officer = property(lambda self: self.account("gk410181"))
    far_manager = property(lambda self: self.account("gl410181"))
    city_officer = property(lambda self: self.account("gk410100"))
    far_city_officer = property(lambda self: self.account("gk410200"))
    province_officer = property(lambda self: self.account("gk410000"))
    province_manager = property(lambda self: self.account("gl410000"))
    inspector = property(lambda self: self.account("xs410122"))
    far_inspector = property(lambda self: self.account("xs410181"))
    applicant = property(lambda self: self.account(self.person("孟听雨").identity_number))
    other_applicant = property(lambda self: self.account(self.person("祝晓川").identity_number))


def build() -> None:
    """Put the world into an empty database."""
    hashed = hash_password(PASSWORD)
    with transaction() as session:
        starting_data.load()
        agencies = {agency.code: agency for agency in session.scalars(select(Agency))}
        for code in (TAKEN_OVER_COUNTY, OTHER_COUNTY):
            agencies[code].taken_over = True

        def unit(serial: int, name: str, region: str, level: UnitLevel, agency: str, above: Unit | None = None) -> Unit:
            made = Unit(
                name=name,
                credit_code=credit_code(serial),
                level=level,
                region_code=region,
                supervising_unit_id=above.id if above else None,
                agency_id=agencies[agency].id,
            )
            session.add(made)
            session.flush()
            made.path = f"{above.path if above else '/'}{made.id}/"
            return made

        county, far = TAKEN_OVER_COUNTY, OTHER_COUNTY
        bureau = unit(1, "中牟县晴川局", county, UnitLevel.COUNTY, county)
        school = unit(2, "中牟县晴川学校", county, UnitLevel.COUNTY, county, bureau)
        station = unit(3, "中牟县云溪站", county, UnitLevel.COUNTY, county)
        far_bureau = unit(4, "巩义市远山局", far, UnitLevel.COUNTY, far)
        far_school = unit(5, "巩义市远山学校", far, UnitLevel.COUNTY, far, far_bureau)
        unit(6, "杞县平野站", NOT_TAKEN_OVER_COUNTY, UnitLevel.COUNTY, "410200")
        unit(7, "郑州市长河中心", "410100", UnitLevel.MUNICIPAL, "410100")
        unit(8, "河南省高岗中心", "410000", UnitLevel.PROVINCIAL, "410000")

        def account(username: str, role: Role, name: str, **of: int | str) -> None:
            session.add(Account(username=username, password_hash=hashed, role=role, display_name=name, **of))

        administrator = Role.UNIT_ADMINISTRATOR
        account("dwbureau", administrator, "管一", unit_id=bureau.id)
        account("dwschool", administrator, "管二", unit_id=school.id)
        account("dwstation", administrator, "管三", unit_id=station.id)
        account("dwfarschool", administrator, "管四", unit_id=far_school.id)
        for code in ("410000", "410100", "410200", county, far):
            account(f"gk{code}", Role.AGENCY_OFFICER, "经办", agency_id=agencies[code].id)
            account(f"gl{code}", Role.AGENCY_MANAGER, "负责", agency_id=agencies[code].id)
        for code in (county, far):
            assert session.get(RegionEntry, code) is not None
            account(f"xs{code}", Role.INSPECTOR, "巡视", region_code=code)
        people = (("孟听雨", date(1985, 6, 12), 21), ("祝晓川", date(1988, 9, 3), 34))
        for name, born, serial in people:
            person = Person(name=name, identity_number=identity_number(county, born, serial), mobile="13800000000")
            session.add(person)
            session.flush()
            account(person.identity_hash, Role.APPLICANT, name, person_id=person.id)
