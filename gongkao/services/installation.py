"""Setting up an empty instance."""

from sqlalchemy import select

from gongkao.extensions import db
from gongkao.models import Account, Agency, Role
from gongkao.rules.routing import RegionLevel
from gongkao.services import accounts, starting_data
from gongkao.services.errors import Refused
from gongkao.services.transaction import transaction


def set_up(role: Role) -> accounts.Issued:
    """Load the starting data and issue the provincial centre's first account. Raises Refused where one exists."""
    with transaction():
        if db.session.scalar(select(Account.id).limit(1)) is not None:
            raise Refused("系统已初始化过，已有账户，未做任何改动。")
        starting_data.load()
        centre = db.session.scalars(select(Agency).where(Agency.level == RegionLevel.PROVINCE)).one()
        return accounts.issue_agency_account(None, centre, role=role, name="系统管理员")
