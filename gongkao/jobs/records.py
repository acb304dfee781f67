"""What is known of a job: made, taken up, how far it is, ended. Only this module writes the table.

Times that measure (signs of life, the time left) are the machine's own; the others are the system's, which a
demonstration may set to another day.
"""

import os
import secrets
import socket
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import and_, or_, select, update
from sqlalchemy.orm import undefer

from gongkao.access.scope import narrow
from gongkao.clock import now, real_time
from gongkao.extensions import db
from gongkao.models import Account, Job, JobFile, JobState, StoredFile
from gongkao.services import audit, files, unmasking
from gongkao.services.errors import NotFound, Refused
from gongkao.services.listing import Cell, Column, Filter, Listing, contains
from gongkao.services.transaction import transaction
from gongkao.storage.uploads import Upload

# A worker that has given no sign of life for so long is taken for dead.
SILENCE = timedelta(seconds=60)
# A worker that is there looks every minute for what waits.
_PATIENCE = timedelta(minutes=2)
_HOST = socket.gethostname()[:40]


class Lost(Exception):
    """The job is no longer this worker's: somebody else took it up."""


def add(actor: Account, kind: str, title: str, parameters: dict[str, Any], items: Sequence[int]) -> Job:
    """Put a job on record. Raises Refused where there is nothing to do."""
    if not items:
        raise Refused("没有符合条件的人员，无需办理。请调整查询条件后再试。")
    with transaction() as session:
        made = Job(
            kind=kind,
            title=title[:120],
            parameters=parameters,
            items=list(items),
            account_id=actor.id,
            total=len(items),
        )
        session.add(made)
        audit.record(actor, "start_job", made, kind=kind, total=len(items))
    return made


def find(actor: Account, job_id: int) -> Job:
    """One of the person's own jobs. Raises NotFound."""
    found = db.session.scalar(narrow(select(Job), Job, actor).where(Job.id == job_id))
    if found is None:
        raise NotFound("job")
    return found


def jobs_listing(actor: Account) -> Listing:
    """The person's own jobs, the newest first."""
    return Listing(
        title="批量任务",
        query=narrow(select(Job), Job, actor),
        tie=Job.id,
        descending=True,
        search=[contains(Job.title)],
        search_hint="任务名称",
        columns=[
            Column("title", "任务", lambda row: row.title),
            Column("state", "状态", lambda row: Cell(row.state.label, chip=row.state.tone), kind="status"),
            Column("done", "完成", lambda row: f"{row.done:,}/{row.total:,}", align="right"),
            Column("created", "提交时间", lambda row: f"{row.created_at:%Y-%m-%d %H:%M}", kind="date"),
            Column(
                "finished",
                "结束时间",
                lambda row: f"{row.finished_at:%Y-%m-%d %H:%M}" if row.finished_at else "",
                kind="date",
            ),
        ],
        filters=[
            Filter(
                "state",
                "状态",
                [("", "全部状态"), *((state.value, state.label) for state in JobState)],
                lambda value: Job.state == JobState(value),
            )
        ],
        empty_text="还没有批量任务。在考核结果、证书、归档等列表中可以批量生成文书。",
    )


def cancel(actor: Account, job_id: int) -> Job:
    """Ask a job to stop; one that waits ends at once. Raises NotFound, Refused where it has ended already."""
    with transaction() as session:
        found = session.scalar(narrow(select(Job), Job, actor).where(Job.id == job_id).with_for_update(of=Job))
        if found is None:
            raise NotFound("job")
        if not found.state.open:
            raise Refused("任务已经结束，无需取消。")
        found.cancel_requested = True
        if found.state is JobState.WAITING:
            found.state = JobState.CANCELLED
            found.finished_at = now()
        audit.record(actor, "cancel_job", found)
    return found


def seconds_left(job: Job) -> float | None:
    """How long the rest will take at the pace so far; None while that cannot be said."""
    done = job.done - job.resumed_from
    if job.state is not JobState.RUNNING or job.started_at is None or done <= 0:
        return None
    return (real_time() - job.started_at).total_seconds() / done * (job.total - job.done)


def time_left_text(job: Job) -> str:
    """For example 约还需3分钟, or that nobody is there to do it; empty while nothing can be said."""
    if _forsaken(job):
        return "后台服务暂时没有响应，任务已登记，恢复后自动接着办理；超过10分钟请联系系统管理员"
    seconds = seconds_left(job)
    if seconds is None:
        return ""
    if seconds < 60:
        return "约还需不到1分钟"
    minutes = round(seconds / 60)
    return f"约还需{minutes}分钟" if minutes < 90 else f"约还需{minutes // 60}小时{minutes % 60}分钟"


def identify() -> str:
    """A name for a worker that no other has had: host, process, chance."""
    return f"{_HOST}:{os.getpid()}:{secrets.token_hex(4)}"


def _alive(worker: str) -> bool:
    """Whether a worker can still be at work: one on this machine whose process is gone cannot."""
    host, _, rest = worker.rpartition(":")[0].rpartition(":")
    if host != _HOST or not rest.isdigit():
        return True
    try:
        os.kill(int(rest), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def free() -> list[int]:
    """The jobs that wait for a worker, or whose worker is gone, the oldest first."""
    query = select(Job.id, Job.state, Job.worker, Job.beat_at).where(
        Job.state.in_([JobState.WAITING, JobState.RUNNING])
    )
    rows = db.session.execute(query.order_by(Job.id)).all()
    db.session.rollback()
    return [row.id for row in rows if _is_free(row.state, row.worker, row.beat_at)]


def _forsaken(job: Job) -> bool:
    """Whether the job's worker is gone, or it waits and no worker is there at all."""
    if job.state is not JobState.WAITING or job.created_at > now() - _PATIENCE:
        return job.state is JobState.RUNNING and _is_free(job.state, job.worker, job.beat_at)
    others = db.session.execute(select(Job.worker, Job.beat_at).where(Job.state == JobState.RUNNING)).all()
    return all(_is_free(JobState.RUNNING, row.worker, row.beat_at) for row in others)


def _is_free(state: JobState, worker: str, beat_at: datetime | None) -> bool:
    """Whether an open job waits for a worker, or its worker is gone."""
    if state is JobState.WAITING or beat_at is None:
        return True
    return beat_at < real_time() - SILENCE or not _alive(worker)


def claim(job_id: int, worker: str) -> Job | None:
    """Take a job up; None where it has ended or another worker has it. The job comes with its items."""
    with transaction() as session:
        seen = session.scalar(select(Job).where(Job.id == job_id).options(undefer(Job.items)))
        if seen is None or not seen.state.open:
            return None
        if not _is_free(seen.state, seen.worker, seen.beat_at):
            return None
        # Only one of several that see it free at the same moment finds it as it was.
        as_it_was = and_(Job.id == job_id, Job.state == seen.state, Job.worker == seen.worker)
        moment = real_time()
        mine = session.scalar(
            update(Job)
            .where(as_it_was)
            .values(state=JobState.RUNNING, worker=worker, beat_at=moment, started_at=moment, resumed_from=Job.done)
            .returning(Job.id)
            .execution_options(synchronize_session=False)
        )
        if mine is None:
            return None
        session.refresh(seen)
    return seen


def progress(job_id: int, worker: str, done: int) -> bool:
    """Give a sign of life; whether to go on. Raises Lost."""
    with transaction() as session:
        mine = session.scalar(
            update(Job)
            .where(Job.id == job_id, Job.worker == worker, Job.state == JobState.RUNNING)
            .values(done=done, beat_at=real_time())
            .returning(Job.id)
            .execution_options(synchronize_session=False)
        )
        if mine is None:
            raise Lost(job_id)
        return not session.scalar(select(Job.cancel_requested).where(Job.id == job_id))


def keep_file(job_id: int, worker: str, position: int, upload: Upload, name: str) -> None:
    """Keep one volume of the result; one kept before, by a worker that was killed, stays. Raises Lost."""
    with transaction() as session:
        if session.scalar(select(Job.id).where(Job.id == job_id, Job.worker == worker).with_for_update()) is None:
            raise Lost(job_id)
        if session.scalar(select(JobFile.id).where(JobFile.job_id == job_id, JobFile.position == position)) is None:
            kept = files.keep(upload, name)
            session.add(JobFile(job_id=job_id, position=position, file_id=kept.id))


def end(job_id: int, worker: str, state: JobState, error: str = "") -> None:
    """The job has ended this way; `error` says in plain words what was left out or went wrong."""
    with transaction() as session:
        ended = session.scalar(
            update(Job)
            .where(Job.id == job_id, or_(Job.worker == worker, Job.worker == ""))
            .values(state=state, error=error[:500], finished_at=now())
            .returning(Job.id)
            .execution_options(synchronize_session=False)
        )
        if ended is None:
            raise Lost(job_id)
        audit.record(None, "end_job", session.get_one(Job, job_id), state=state.value)


def kept_until(job: Job, days: int) -> date | None:
    """The last day on which the result of an ended job can be fetched; None while it is under way."""
    return job.finished_at.date() + timedelta(days=days) if job.finished_at is not None else None


def clear_old(days: int) -> int:
    """Let the files of jobs go that ended more than so many days ago; the jobs stay on record. Returns how many jobs.

    Each job is a use case of its own, so that a run that is cut off goes on where it was.
    """
    last = now() - timedelta(days=days + 1)
    query = select(Job.id).where(Job.finished_at < last, Job.cleared_at.is_(None), Job.files.any())
    found = db.session.scalars(query.order_by(Job.id)).all()
    db.session.rollback()
    for job_id in found:
        _clear(job_id)
    return len(found)


def _clear(job_id: int) -> None:
    with transaction() as session:
        job = session.scalars(select(Job).where(Job.id == job_id).with_for_update(of=Job)).one()
        files_of = list(job.files)
        if job.cleared_at is not None or not files_of:
            return
        for one in files_of:
            session.delete(one)
        session.flush()
        for one in files_of:
            files.discard(one.file)
        job.cleared_at = now()
        audit.record(None, "clear_job", job, files=len(files_of))


def take_file(actor: Account, job_id: int, position: int) -> StoredFile:
    """The same, taken by its owner, which is on record: many of these papers carry whole numbers. Raises NotFound."""
    found = file_of(actor, job_id, position)
    unmasking.record_papers(actor, found.job, found.job.title, file=found.file.name)
    return found.file


def file_of(actor: Account, job_id: int, position: int) -> JobFile:
    """One file of one of the person's own jobs. Raises NotFound."""
    query = narrow(select(JobFile).join(JobFile.job), Job, actor)
    found = db.session.scalar(query.where(JobFile.job_id == job_id, JobFile.position == position))
    if found is None:
        raise NotFound("file")
    return found
