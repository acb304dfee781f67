"""Sessions: where somebody is signed in, for how long, and ending them."""

import contextlib
import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from sqlalchemy import delete, or_, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import joinedload
from sqlalchemy.orm.interfaces import ORMOption

from gongkao.clock import real_time
from gongkao.extensions import WRITE, db
from gongkao.models import Account, Agency, RegionEntry, SignedInSession, Unit
from gongkao.services import audit
from gongkao.services.errors import NotFound
from gongkao.services.transaction import transaction

# How exactly the table knows when somebody was last seen; each page of theirs would be a write else.
TOUCH_EVERY = timedelta(minutes=1)

_idle = timedelta(minutes=60)
_longest = timedelta(hours=12)


@cache
def _with_office() -> tuple[ORMOption, ...]:
    """What stands around every page: the office with its region, and what that lies in.

    Not while modules load, for to name these ways SQLAlchemy sets up all tables' classes.
    """
    account = joinedload(SignedInSession.account)
    return (
        account.joinedload(Account.unit).joinedload(Unit.region).joinedload(RegionEntry.parent),
        account.joinedload(Account.agency).joinedload(Agency.region).joinedload(RegionEntry.parent),
    )


@dataclass(frozen=True)
class SessionLine:
    """One of somebody's sessions as the page lists it; `here` is the one the page is asked from."""

    id: int
    browser: str
    address: str
    created_at: datetime
    last_seen_at: datetime
    here: bool


def configure(*, idle: timedelta, longest: timedelta) -> None:
    """Say after how long without a page, and after how long at all, a session ends in this process."""
    global _idle, _longest
    _idle, _longest = idle, longest


def begin(account: Account, *, address: str = "", browser: str = "") -> str:
    """Make a session; returns the secret that only the browser keeps. `browser` is what it says of itself."""
    token = secrets.token_urlsafe(32)
    with transaction(aside=True) as session:
        moment = real_time()
        session.execute(delete(SignedInSession).where(SignedInSession.account_id == account.id, _over(moment)))
        session.add(
            SignedInSession(
                token_hash=_hash(token),
                account_id=account.id,
                role=account.role,
                address=address[:45],
                browser=browser_in_words(browser),
                created_at=moment,
                last_seen_at=moment,
            )
        )
    return token


def account_of(token: str) -> Account | None:
    """The account signed in with this secret; None once the session, or the account, has ended or changed its role."""
    query = select(SignedInSession).where(SignedInSession.token_hash == _hash(token)).options(*_with_office())
    found = db.session.scalar(query)
    moment = real_time()
    if found is None or found.last_seen_at <= moment - _idle or found.created_at <= moment - _longest:
        return None
    account = found.account
    if account.ended_at is not None or account.role is not found.role:
        return None
    if found.last_seen_at <= moment - TOUCH_EVERY:
        _touch(found.id, moment)
    return account


def of(account: Account, token: str) -> list[SessionLine]:
    """Where the account is signed in, the session of `token` first, then the one seen last."""
    query = select(SignedInSession).where(SignedInSession.account_id == account.id, ~_over(real_time()))
    own = _hash(token)
    lines = [
        SessionLine(row.id, row.browser, row.address, row.created_at, row.last_seen_at, row.token_hash == own)
        for row in db.session.scalars(query.order_by(SignedInSession.last_seen_at.desc()))
    ]
    return sorted(lines, key=lambda line: not line.here)


def end(account: Account, session_id: int) -> None:
    """End one of one's own sessions. Raises NotFound."""
    with transaction() as session:
        query = select(SignedInSession).where(
            SignedInSession.id == session_id, SignedInSession.account_id == account.id
        )
        found = session.scalar(query)
        if found is None:
            raise NotFound
        session.delete(found)
        audit.record(account, "end_session", account, browser=found.browser)


def end_others(account: Account, token: str) -> None:
    """End every session of one's own but the one of `token`."""
    with transaction() as session:
        query = delete(SignedInSession).where(
            SignedInSession.account_id == account.id, SignedInSession.token_hash != _hash(token)
        )
        session.execute(query)
        audit.record(account, "end_sessions", account)


def sign_out(token: str) -> None:
    """End the session of this secret, if there is one."""
    with transaction(aside=True) as session:
        session.execute(delete(SignedInSession).where(SignedInSession.token_hash == _hash(token)))


def end_all(account: Account) -> None:
    """End every session of an account, inside the caller's use case."""
    db.session.execute(delete(SignedInSession).where(SignedInSession.account_id == account.id))


def forget_ended() -> None:
    """Remove the rows of sessions that have run out."""
    with transaction(aside=True) as session:
        session.execute(delete(SignedInSession).where(_over(real_time())))


# What a browser says of itself → what people call it; the first that fits counts.
_BROWSERS: Sequence[tuple[str, str]] = (
    ("MicroMessenger", "微信"),
    ("360", "360浏览器"),
    ("QQBrowser", "QQ浏览器"),
    ("UBrowser", "UC浏览器"),
    ("Edg", "Edge浏览器"),
    ("Firefox", "火狐浏览器"),
    ("Chrome", "谷歌内核浏览器"),
    ("Safari", "Safari浏览器"),
)
_SYSTEMS: Sequence[tuple[str, str]] = (
    ("HarmonyOS", "鸿蒙"),
    ("Android", "安卓手机"),
    ("iPhone", "苹果手机"),
    ("iPad", "苹果平板"),
    ("Windows", "Windows电脑"),
    ("Mac OS", "苹果电脑"),
    ("Kylin", "麒麟电脑"),
    ("UOS", "统信电脑"),
    ("Linux", "Linux电脑"),
)


def browser_in_words(said: str) -> str:
    """ "Windows电脑 · Edge浏览器" from what a browser says of itself; "未知设备" where it says nothing known."""
    found = [next((word for mark, word in marks if mark in said), "") for marks in (_SYSTEMS, _BROWSERS)]
    return " · ".join(word for word in found if word) or "未知设备"


def _over(moment: datetime):  # type: ignore[no-untyped-def]
    return or_(SignedInSession.last_seen_at <= moment - _idle, SignedInSession.created_at <= moment - _longest)


def _touch(session_id: int, moment: datetime) -> None:
    # On a connection of its own, so that what the request has read stays as it was; not worth a failure.
    query = update(SignedInSession).where(SignedInSession.id == session_id).values(last_seen_at=moment)
    with contextlib.suppress(OperationalError), db.engine.connect() as connection:
        connection = connection.execution_options(**{WRITE: True})
        with connection.begin():
            connection.execute(query)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
