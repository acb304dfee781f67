"""The queue between the pages and the worker: Huey, in a file of the instance folder, or in Redis by setting.

The table `job` holds what is to be done and how far it is; the queue only wakes the worker. What the queue loses, in a
crash for example, the worker finds again in the table.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Flask, current_app
from huey import Huey, MemoryHuey, SqliteHuey, crontab

from gongkao.config import Settings, SettingsError
from gongkao.documents.batch import Press
from gongkao.extensions import db
from gongkao.jobs import records, running
from gongkao.models import Account, Job
from gongkao.services.batches import Plan

_EXTENSION = "gongkao_jobs"
_NAME = "gongkao"


class Queue:
    """The queue of one app. In tests a job runs at once, in the process that starts it."""

    def __init__(self, app: Flask) -> None:
        settings: Settings = app.config["GONGKAO"]
        self.folder: Path = settings.instance / "jobs"
        self.press: Press | None = None
        self.huey = _huey(settings, self.folder)
        self._app = app
        self._wake: Callable[[int], Any] = self.huey.task(name="run_job")(self._run)
        self.huey.periodic_task(crontab(minute="*"), name="take_up_jobs")(self.take_up)

    def start(self, actor: Account, plan: Plan) -> Job:
        """Put a job on record and wake the worker. Raises Refused where there is nothing to do."""
        job = records.add(actor, plan.kind, plan.title, plan.parameters, plan.items)
        self._wake(job.id)
        # What the worker has done in the meantime is to be seen.
        db.session.rollback()
        return job

    def take_up(self) -> None:
        """Wake the worker for every job that waits, or whose worker is gone."""
        with self._app.app_context():
            for job_id in records.free():
                self._wake(job_id)

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


def _huey(settings: Settings, folder: Path) -> Huey:
    if settings.mode == "test" and not settings.redis_url:
        return MemoryHuey(_NAME, immediate=True)
    if settings.redis_url:
        try:
            from huey import RedisHuey

            return RedisHuey(_NAME, url=settings.redis_url, results=False)
        except ImportError as error:
            raise SettingsError("设置了 GONGKAO_REDIS_URL，但没有安装 Python 包 redis：pip install redis") from error
    folder.mkdir(parents=True, exist_ok=True)
    return SqliteHuey(_NAME, filename=str(folder / "queue.sqlite3"), results=False, fsync=False)
