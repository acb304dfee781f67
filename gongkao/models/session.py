"""Who is signed in where, and how often somebody failed to."""

from datetime import datetime

from sqlalchemy import ForeignKey, Integer, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from gongkao.models.people import Account, Role
from gongkao.models.types import Choice, Model, Moment


class SignedInSession(Model):
    """One browser in which somebody is signed in. The browser holds a secret, the table only its hash.

    `role` is the account's when it signed in: with another one the session counts no more. Moments are real time,
    whatever day a demonstration shows.
    """

    __tablename__ = "signed_in_session"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    role: Mapped[Role] = mapped_column(Choice(Role))
    address: Mapped[str] = mapped_column(String(45), default="")
    browser: Mapped[str] = mapped_column(String(60), default="")
    created_at: Mapped[datetime] = mapped_column(Moment)
    last_seen_at: Mapped[datetime] = mapped_column(Moment)

    account: Mapped[Account] = relationship()


class FailureCount(Model):
    """How often signing in failed for one account, from one device or from one address.

    `subject` is a keyed hash of which, so that the table names nobody.
    """

    __tablename__ = "failure_count"

    id: Mapped[int] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(String(64), unique=True)
    failures: Mapped[int] = mapped_column(Integer)
    last_at: Mapped[datetime] = mapped_column(Moment)
