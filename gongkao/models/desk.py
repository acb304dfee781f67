"""What reviewers keep at their desks: views, phrases, verdicts not yet decided on, and the unit's statement."""

from datetime import datetime

from sqlalchemy import JSON, Boolean, ForeignKey, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from gongkao.clock import now
from gongkao.models.application import Application
from gongkao.models.organisations import Unit
from gongkao.models.people import Account
from gongkao.models.types import Choice, Model, Moment, Sealed
from gongkao.rules.workflow import Desk


class SavedView(Model):
    """A list's search, filters and order under a name of one's own. `query` is the address's query string."""

    __tablename__ = "saved_view"
    __table_args__ = (UniqueConstraint("account_id", "page", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    page: Mapped[str] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(String(20))
    query: Mapped[str] = mapped_column(Sealed("saved_view.query", 500))
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)


class Phrase(Model):
    """A reviewer's comment to be used again, the most used first."""

    __tablename__ = "phrase"
    __table_args__ = (UniqueConstraint("account_id", "text"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    text: Mapped[str] = mapped_column(String(200))
    uses: Mapped[int] = mapped_column(Integer, default=1)
    used_at: Mapped[datetime] = mapped_column(Moment, default=now)


class ReviewNote(Model):
    """What a desk has found of an application and not yet decided on.

    `verdicts` maps an item's key to {"passed": bool, "comment": str}; `complete`: every item was checked and passed.
    `form_version` is the application's version that was looked at.
    """

    __tablename__ = "review_note"
    __table_args__ = (UniqueConstraint("application_id", "desk"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"))
    desk: Mapped[Desk] = mapped_column(Choice(Desk))
    verdicts: Mapped[dict[str, dict[str, object]]] = mapped_column(JSON)
    complete: Mapped[bool] = mapped_column(Boolean, default=False)
    form_version: Mapped[int] = mapped_column(Integer)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    saved_at: Mapped[datetime] = mapped_column(Moment, default=now)

    application: Mapped[Application] = relationship()
    account: Mapped[Account] = relationship()


class UnitStatement(Model):
    """The unit's word on which posts are vacant and on what terms it will appoint (notice 二（一）, domain rule 11).

    `posts` lists {"post": str, "grade": int, "vacancies": int, "terms": str}; an empty list says that none is vacant.
    """

    __tablename__ = "unit_statement"
    __table_args__ = (UniqueConstraint("cycle_id", "unit_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    cycle_id: Mapped[int] = mapped_column(ForeignKey("cycle.id"))
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    posts: Mapped[list[dict[str, object]]] = mapped_column(JSON)
    terms: Mapped[str] = mapped_column(String(500), default="")
    responsible_name: Mapped[str] = mapped_column(String(30))
    confirmed_by_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    confirmed_at: Mapped[datetime] = mapped_column(Moment)
    version: Mapped[int] = mapped_column(Integer, default=1)

    unit: Mapped[Unit] = relationship()
    confirmed_by: Mapped[Account] = relationship()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012
