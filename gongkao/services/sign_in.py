"""Signing in: the password check that slows guessing down and tells nobody which accounts exist, and who is known.

Failures are counted for the account, for the address, and, where the browser has signed in to the account before, for
that browser alone: whoever guesses from elsewhere makes the rightful person wait nowhere.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from gongkao.clock import now, real_time
from gongkao.extensions import db
from gongkao.models import Account, AuditEntry, FailureCount
from gongkao.rules import throttle
from gongkao.rules.errors import RuleError
from gongkao.rules.throttle import Limit
from gongkao.services import accounts, audit, second_factor, sessions
from gongkao.services.transaction import transaction

# How many accounts one browser is remembered for: an office computer is shared.
MOST_REMEMBERED = 20
_MARK = 16


class TooMany(RuleError):
    """Too many failures: the next attempt may come after `seconds`."""

    def __init__(self, seconds: int) -> None:
        minutes = max(1, -(-seconds // 60))
        super().__init__(f"登录失败次数过多，请{minutes}分钟后再试。忘记密码请看下方说明。")
        self.seconds = seconds


@dataclass(frozen=True)
class Device:
    """A browser that carries our mark: its id, and marks of the accounts that have signed in there."""

    id: str
    marks: tuple[str, ...] = ()

    def knows(self, username: str) -> bool:
        return _mark(username) in self.marks

    def after(self, username: str) -> "Device":
        """The same once this account has signed in."""
        mark = _mark(username)
        others = [one for one in self.marks if one != mark]
        return Device(self.id, (mark, *others)[:MOST_REMEMBERED])


def check(
    username: str, password: str, *, address: str = "", browser: str = "", device: Device | None = None
) -> Account | None:
    """The account if name and password are right and it has not ended; None otherwise, whatever was wrong.

    An attempt counts as failed before the password is looked at, so that many at once gain nothing. Raises TooMany.
    """
    if device is not None and device.knows(username):
        counts = [(f"device {device.id} {_folded(username)}", throttle.DEVICE)]
    else:
        counts = [(f"account {_folded(username)}", throttle.ACCOUNT), (f"address {address}", throttle.ADDRESS)]
    _count(counts)
    found = accounts.check_password(username, password)
    if found is None:
        _record_failure(username, counts[0][0], browser)
        return None
    _succeeded(counts)
    return found


def check_code(account: Account, code: str) -> bool:
    """Whether the second factor's code is right; guessing is slowed down alike. Raises TooMany."""
    counts = [(f"code {account.id}", throttle.ACCOUNT)]
    _count(counts)
    if not second_factor.verify(account, code):
        return False
    _succeeded(counts)
    return True


def complete(account: Account, *, address: str, browser: str) -> str:
    """Password, and code where one is asked, were right: make the session and return its secret."""
    with transaction(aside=True):
        account.last_signed_in_at = now()
        audit.record(account, "sign_in", account, browser=sessions.browser_in_words(browser))
        return sessions.begin(account, address=address, browser=browser)


def half_way(account: Account) -> str:
    """A note that the password was right, for the step that asks for the code; void once the password changes."""
    return f"{account.id}.{audit.keyed(f'half-way {account.id} {account.password_hash}')}"


def found_half_way(note: str) -> Account | None:
    """The account of such a note."""
    number, _, _ = note.partition(".")
    if not (number.isascii() and number.isdigit()):
        return None
    account = db.session.get(Account, int(number))
    if account is None or account.ended_at is not None or half_way(account) != note:
        return None
    return account


@dataclass(frozen=True)
class SignInLine:
    """One attempt as the own account's page shows it."""

    at: datetime
    address: str
    browser: str
    succeeded: bool


def latest(account: Account, most: int = 10) -> list[SignInLine]:
    """The last times somebody signed in to the account or failed to, newest first."""
    query = (
        select(AuditEntry)
        .where(
            AuditEntry.subject_type == "Account",
            AuditEntry.subject_id == str(account.id),
            AuditEntry.action.in_(("sign_in", "sign_in_failed")),
        )
        .order_by(AuditEntry.id.desc())
        .limit(most)
    )
    return [
        SignInLine(row.at, row.address, str(row.detail.get("browser", "")), row.action == "sign_in")
        for row in db.session.scalars(query)
    ]


def forget_old() -> None:
    """Remove counts that count no more."""
    with transaction(aside=True) as session:
        session.execute(delete(FailureCount).where(FailureCount.last_at < real_time() - timedelta(days=2)))


def _folded(username: str) -> str:
    return username.strip().lower()


def _mark(username: str) -> str:
    return audit.keyed(f"known {_folded(username)}")[:_MARK]


def _count(counts: Sequence[tuple[str, Limit]]) -> None:
    """Count one failure for each, or raise TooMany and count nothing."""

    def count() -> None:
        with transaction(aside=True):
            for subject, limit in counts:
                _count_one(subject, limit)

    try:
        count()
    except IntegrityError:
        # Two first failures at once: the other one has made the row.
        count()


def _count_one(subject: str, limit: Limit) -> None:
    moment = real_time()
    found = _counted(subject)
    if found is None:
        db.session.add(FailureCount(subject=audit.keyed(subject), failures=1, last_at=moment))
        return
    left = limit.left(found.failures, moment - found.last_at)
    rest = found.last_at + limit.wait(left) - moment
    if rest > timedelta():
        raise TooMany(math.ceil(rest.total_seconds()))
    found.failures, found.last_at = left + 1, moment


def _succeeded(counts: Sequence[tuple[str, Limit]]) -> None:
    """It was no guess: forget the failures of the account or device, and this one of the address."""
    with transaction(aside=True) as session:
        for subject, limit in counts:
            found = _counted(subject)
            if found is not None and limit is throttle.ADDRESS:
                found.failures = max(0, found.failures - 1)
            elif found is not None:
                session.delete(found)


def _counted(subject: str) -> FailureCount | None:
    query = select(FailureCount).where(FailureCount.subject == audit.keyed(subject)).with_for_update()
    return db.session.scalar(query)


def _record_failure(username: str, counted: str, browser: str) -> None:
    """On record for the account, or, where there is none, for the count: the same work either way."""
    with transaction(aside=True):
        subject = accounts.find(username) or _counted(counted)
        audit.record(None, "sign_in_failed", subject, browser=sessions.browser_in_words(browser))
