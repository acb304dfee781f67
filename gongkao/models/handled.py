"""Posts that were handled already, so that one sent twice is done once."""

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from gongkao.models.types import Model, Moment


class HandledPost(Model):
    """One post of a form, kept in the transaction of what it did.

    `digest` tells who sent what from which page, and names nobody. `location` is where the answer led, empty where that
    is not known. The moment is real time, whatever day a demonstration shows.
    """

    __tablename__ = "handled_post"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    at: Mapped[datetime] = mapped_column(Moment, index=True)
    location: Mapped[str] = mapped_column(String(500), default="")
