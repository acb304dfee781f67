"""The keys that seal columns and files, themselves wrapped by a master key outside the database."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from gongkao.clock import now
from gongkao.models.types import Choice, Model, Moment, WrappedKey
from gongkao.sealing import Purpose


class DataKeyEntry(Model):
    """One data key. The newest of a purpose seals; the others only open what is not sealed anew yet."""

    __tablename__ = "data_key"

    id: Mapped[int] = mapped_column(primary_key=True)
    purpose: Mapped[Purpose] = mapped_column(Choice(Purpose))
    secret: Mapped[str] = mapped_column(WrappedKey)
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)
    retired_at: Mapped[datetime | None] = mapped_column(Moment)
