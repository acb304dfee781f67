"""What is known of an uploaded file; its bytes lie in the store under their hash."""

from datetime import datetime

from sqlalchemy import Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from gongkao.clock import now
from gongkao.models.types import Model, Moment


class DiscardedFile(Model):
    """That the file of this digest lost a row that pointed at it; once none points at it, it may leave the store."""

    __tablename__ = "discarded_file"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    discarded_at: Mapped[datetime] = mapped_column(Moment, index=True)


class StoredFile(Model):
    __tablename__ = "stored_file"

    id: Mapped[int] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    size: Mapped[int] = mapped_column(Integer)
    media_type: Mapped[str] = mapped_column(String(60))
    name: Mapped[str] = mapped_column(String(120))
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)
