"""The queue between the pages and the worker: Huey, in a file of the instance folder, or in Redis by setting.

The table `job` holds what is to be done and how far it is; the queue only wakes the worker. What the queue loses, in a
crash for example, the worker finds again in the table.
"""

import logging
from functools import cached_property
from pathlib import Path
from typing import Any

from flask import Flask, current_app

from gongkao.config import Settings
from gongkao.documents.batch import Press
from gongkao.extensions import db
from gongkao.jobs import records, running
from gongkao.models import Account, Job
from gongkao.services.batches import Plan

log = logging.getLogger(__name__)

_EXTENSION = "gongkao_jobs"
_NAME = "gongkao"


class Queue:
    """The queue of one app. In tests a job runs at once, in the process that starts it."""

    def __init__(self, app: Flask) -> None:
        self._settings: Settings = app.config["GONGKAO"]
        self.folder: Path = self._settings.instance / "jobs"
        self.press: Press | None = None
        self._app = app

    @cached_property
    def huey(self) -> Any:
        """Huey itself, made when a job is first started: most processes never need it, nor the Redis behind it."""
        from huey import crontab

        made = _huey(self._settings, self.folder)
        made.run_job = made.task(name="run_job")(self._run)
        made.periodic_task(crontab(minute="*"), name="take_up_jobs")(self.take_up)
        return made

    def start(self, actor: Account, plan: Plan) -> Job:
        """Put a job on record and wake the worker. Raises Refused where there is nothing to do."""
        job = records.add(actor, plan.kind, plan.title, plan.parameters, plan.items)
        self.wake(job.id)
        # What the worker has done in the meantime is to be seen.
        db.session.rollback()
        return job

    def take_up(self) -> None:
        """Wake the worker for every job that waits, or whose worker is gone."""
        with self._app.app_context():
            for job_id in records.free():
                self.wake(job_id)

    def wake(self, job_id: int) -> None:
        """Wake the worker for a job. Where the queue does not answer, the worker finds the job in the table later."""
        try:
            self.huey.run_job(job_id)
        except Exception:
            log.exception("the queue does not answer; job %s waits", job_id)

    def _run(self, job_id: int) -> None:
        with self._app.app_context():
            try:
                running.run(job_id, self.folder, self.press or Press())
            finally:
                db.session.remove()


def init_app(app: Flask) -> None:
    """Give the app its queue."""
    app.extensions[_EXTENSION] = Queue(app)


def queue() -> Queue:
    """The present app's queue."""
    found: Queue = current_app.extensions[_EXTENSION]
    return found


def _huey(settings: Settings, folder: Path) -> Any:
    from huey import MemoryHuey, RedisHuey, SqliteHuey

    if settings.redis_url:
        return RedisHuey(_NAME, connection_pool=_redis_pool(settings.redis_url), results=False)
    if settings.mode == "test":
        return MemoryHuey(_NAME, immediate=True)
    folder.mkdir(parents=True, exist_ok=True)
    return SqliteHuey(_NAME, filename=str(folder / "queue.sqlite3"), results=False, fsync=False)


def _redis_pool(url: str) -> Any:
    """Connections that give up soon: whoever starts a job must not wait for a Redis that is gone."""
    from redis import ConnectionPool
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    return ConnectionPool.from_url(
        url, socket_connect_timeout=2, socket_timeout=5, health_check_interval=30, retry=Retry(NoBackoff(), 1)
    )
