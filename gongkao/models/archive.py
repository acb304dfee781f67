"""The archive (归档): each person's whole record as one sealed file."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from gongkao.models.application import Application
from gongkao.models.files import StoredFile
from gongkao.models.people import Account
from gongkao.models.types import Model, Moment


class ArchiveRecord(Model):
    """One sealed edition of a person's record; rows are only ever added.

    A record that has changed since (a certificate re-issued or revoked) is sealed again as the next edition. `sha256`
    is the file's, `parts` its contents: [{"title", "page", "pages"}].
    """

    __tablename__ = "archive_record"
    __table_args__ = (UniqueConstraint("application_id", "edition"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"))
    edition: Mapped[int] = mapped_column(Integer)
    file_id: Mapped[int] = mapped_column(ForeignKey("stored_file.id"))
    sha256: Mapped[str] = mapped_column(String(64))
    pages: Mapped[int] = mapped_column(Integer)
    parts: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    sealed_at: Mapped[datetime] = mapped_column(Moment, index=True)
    sealed_by_id: Mapped[int] = mapped_column(ForeignKey("account.id"))

    application: Mapped[Application] = relationship()
    file: Mapped[StoredFile] = relationship(lazy="joined")
    sealed_by: Mapped[Account] = relationship()
