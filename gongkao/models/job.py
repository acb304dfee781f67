"""Background work: what is to be done, how far it is, and what came out."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Boolean, ForeignKey, Index, Integer, String, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column, relationship

from gongkao.clock import now
from gongkao.models.files import StoredFile
from gongkao.models.people import Account
from gongkao.models.types import Choice, Model, Moment


class JobState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def label(self) -> str:
        return _LABELS[self]

    @property
    def tone(self) -> str:
        return _TONES[self]

    @property
    def open(self) -> bool:
        """Whether it still waits or runs."""
        return self in (JobState.WAITING, JobState.RUNNING)


_LABELS = {
    JobState.WAITING: "排队等候",
    JobState.RUNNING: "正在办理",
    JobState.DONE: "已完成",
    JobState.FAILED: "未完成",
    JobState.CANCELLED: "已取消",
}
_TONES = {
    JobState.WAITING: "neutral",
    JobState.RUNNING: "info",
    JobState.DONE: "done",
    JobState.FAILED: "refused",
    JobState.CANCELLED: "neutral",
}


class Job(Model):
    """One piece of background work, asked for by one account and seen by it alone.

    `items` are the ids of the rows concerned, in order, fixed when the job was made. `worker` is the process at work
    ("host:pid") and `beat_at` when it last gave a sign of life: a job whose worker is gone is taken up by another.
    `cleared_at` is when the files that came out of it were let go.
    `resumed_from` is how many were done when the present worker began, for the estimate of the time left.
    """

    __tablename__ = "job"
    __table_args__ = (Index("ix_job_account", "account_id", "created_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    title: Mapped[str] = mapped_column(String(120))
    parameters: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    items: Mapped[list[int]] = mapped_column(JSON, default=list, deferred=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    state: Mapped[JobState] = mapped_column(Choice(JobState), default=JobState.WAITING, index=True)
    done: Mapped[int] = mapped_column(Integer, default=0)
    total: Mapped[int] = mapped_column(Integer)
    resumed_from: Mapped[int] = mapped_column(Integer, default=0)
    error: Mapped[str] = mapped_column(String(500), default="")
    cancel_requested: Mapped[bool] = mapped_column(Boolean, default=False, server_default=false())
    worker: Mapped[str] = mapped_column(String(80), default="")
    beat_at: Mapped[datetime | None] = mapped_column(Moment)
    created_at: Mapped[datetime] = mapped_column(Moment, default=now)
    started_at: Mapped[datetime | None] = mapped_column(Moment)
    finished_at: Mapped[datetime | None] = mapped_column(Moment, index=True)
    cleared_at: Mapped[datetime | None] = mapped_column(Moment)

    account: Mapped[Account] = relationship()
    files: Mapped[list["JobFile"]] = relationship(order_by="JobFile.position", back_populates="job")


class JobFile(Model):
    """One file that came out of a job; a large result is cut into volumes."""

    __tablename__ = "job_file"
    __table_args__ = (UniqueConstraint("job_id", "position"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[int] = mapped_column(ForeignKey("job.id"))
    position: Mapped[int] = mapped_column(Integer)
    file_id: Mapped[int] = mapped_column(ForeignKey("stored_file.id"))

    job: Mapped[Job] = relationship(back_populates="files")
    file: Mapped[StoredFile] = relationship(lazy="joined")
