"""Background work: done once and to the end, whoever is killed on the way."""

import io
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from gongkao.config import ROOT
from gongkao.documents.batch import Press
from gongkao.extensions import db
from gongkao.jobs import records, running
from gongkao.jobs.queue import queue
from gongkao.models import Account, Certificate, Job, JobState, Person, Result
from gongkao.services import batches, files, listing
from gongkao.services.errors import NotFound, Refused
from gongkao.services.transaction import transaction
from gongkao.storage import store
from gongkao.storage.uploads import Upload
from tests.documents.reading import read
from tests.services.conftest import Together
from tests.services.released import RESULTS_DAY, release
from tests.world import World

ADDRESS = "http://gongkao.example"
NAMES = ("孟听雨甲", "祝晓川乙", "岳青山丙", "陶然丁", "柏文清戊")


@pytest.fixture
def results(world: World, at: Callable[[date], None]) -> list[Result]:
    return release(world, at, NAMES)


def start(actor: Account, name: str = "notices", form: str = "zip", **args: str) -> Job:
    """Start a batch; in tests it runs to its end at once."""
    return queue().start(actor, batches.plan(actor, name, form, args, ADDRESS))


def in_steps_of(step: int, monkeypatch: pytest.MonkeyPatch, name: str = "notices", **changes: Any) -> None:
    monkeypatch.setitem(batches.KINDS, name, replace(batches.KINDS[name], step=step, **changes))


def entries(job: Job) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for one in job.files:
        with zipfile.ZipFile(io.BytesIO(files.read(one.file))) as archive:
            found.update((name, archive.read(name)) for name in archive.namelist())
    return found


def test_each_person_has_a_file_of_their_own(world: World, results: list[Result]) -> None:
    job = start(world.officer)
    assert (job.state, job.done, job.total, job.error) == (JobState.DONE, 5, 5, "")
    assert job.files[0].file.name == "2025年考核结果通知（5人）.zip"
    made = entries(job)
    assert [name.rpartition("-")[2] for name in made] == [f"{name}.pdf" for name in NAMES]
    for data, name in zip(made.values(), NAMES, strict=True):
        assert f"{name}同志：" in read(data).text
    assert not (queue().folder / str(job.id)).exists()


def test_old_results_are_cleared_and_their_files_leave_the_store_a_day_later(
    world: World, results: list[Result], at: Callable[[date], None]
) -> None:
    """A file that somebody keeps again meanwhile stays, and so does one that another row points at."""
    lonely, shared, kept_again = (
        start(world.officer),
        start(world.officer, form="pdf"),
        start(world.manager, q="陶然丁"),
    )
    digests = [one.files[0].file.sha256 for one in (lonely, shared, kept_again)]
    data = [files.read(one.files[0].file) for one in (lonely, shared, kept_again)]
    with transaction():
        files.keep(Upload("application/pdf", ".pdf", data[1]), "别处也用.pdf")
    assert records.kept_until(lonely, 30) == date(2025, 12, 3)
    at(date(2025, 12, 3))
    assert records.clear_old(30) == 0
    at(date(2025, 12, 5))
    assert (records.clear_old(30), records.clear_old(30), files.sweep()) == (3, 0, 0)
    assert lonely.cleared_at is not None and lonely.files == [] and lonely.state is JobState.DONE
    with pytest.raises(NotFound):
        records.file_of(world.officer, lonely.id, 1)
    assert all(store().exists(digest) for digest in digests)
    with transaction():
        files.keep(Upload("application/zip", ".zip", data[2]), "又用到.zip")
    at(date(2025, 12, 7))
    assert (files.sweep(), files.sweep()) == (1, 0)
    assert [store().exists(digest) for digest in digests] == [False, True, True]
    assert len(entries(start(world.officer))) == len(NAMES)


def test_or_all_are_in_one_in_the_lists_order(world: World, results: list[Result]) -> None:
    job = start(world.officer, form="pdf", sort="number", order="desc")
    pages = read(files.read(job.files[0].file)).pages
    assert [name in page for name, page in zip(reversed(NAMES), pages, strict=True)] == [True] * 5


def test_large_results_come_in_volumes(world: World, results: list[Result], monkeypatch: pytest.MonkeyPatch) -> None:
    in_steps_of(2, monkeypatch, a_zip=3)
    job = start(world.officer)
    assert [one.file.name for one in job.files] == [
        "2025年考核结果通知（5人）（第1卷）.zip",
        "2025年考核结果通知（5人）（第2卷）.zip",
    ]
    assert len(entries(job)) == 5


def test_a_job_is_seen_by_who_asked_for_it_alone(world: World, results: list[Result]) -> None:
    job = start(world.unit_administrator)
    assert job.total == 3
    for stranger in (world.officer, world.manager, world.station_administrator, world.province_manager):
        with pytest.raises(NotFound):
            records.find(stranger, job.id)
        with pytest.raises(NotFound):
            records.file_of(stranger, job.id, 1)
        assert listing.run(records.jobs_listing(stranger), {}).total == 0
    assert records.file_of(world.unit_administrator, job.id, 1).file.size > 0


def test_nothing_to_do_and_unknown_things_are_refused(world: World, results: list[Result]) -> None:
    with pytest.raises(Refused, match="没有符合条件的人员"):
        start(world.officer, q="没有这个人")
    with pytest.raises(Refused, match="生成方式"):
        start(world.officer, form="exe")
    for name in ("nothing", "issue"):
        with pytest.raises(NotFound):
            start(world.unit_administrator, name)


def test_one_name_that_no_face_can_draw_does_not_stop_the_others(world: World, results: list[Result]) -> None:
    person = db.session.scalars(select(Person).where(Person.name == NAMES[2])).one()
    person.name = "岳\ue000"
    db.session.commit()
    job = start(world.officer)
    assert job.state is JobState.DONE and len(entries(job)) == 4
    assert "有1份没有生成" in job.error and "U+E000" in job.error


def test_a_fault_is_told_in_plain_words(world: World, results: list[Result], monkeypatch: pytest.MonkeyPatch) -> None:
    in_steps_of(2, monkeypatch, maker=lambda _paper: 1 / 0)
    job = start(world.officer)
    assert job.state is JobState.FAILED and "系统出现故障" in job.error and "division" not in job.error


def test_cancelling_stops_after_the_step(world: World, results: list[Result], monkeypatch: pytest.MonkeyPatch) -> None:
    officer, made = world.officer.id, []

    def maker(_paper: object) -> bytes:
        made.append(1)
        if len(made) == 3:
            records.cancel(db.session.get_one(Account, officer), db.session.scalars(select(Job.id)).one())
        return b"%PDF-"

    in_steps_of(2, monkeypatch, maker=maker)
    job = start(world.officer)
    assert (job.state, job.done, len(made), job.files) == (JobState.CANCELLED, 4, 4, [])
    with pytest.raises(Refused, match="已经结束"):
        records.cancel(world.officer, job.id)


def test_of_several_workers_one_takes_the_job(
    app: Flask, world: World, results: list[Result], together: Together
) -> None:
    plan = batches.plan(world.officer, "notices", "zip", {}, ADDRESS)
    job_id = records.add(world.officer, plan.kind, plan.title, plan.parameters, plan.items).id
    outcomes = together(*(lambda: records.claim(job_id, records.identify()) is not None for _ in range(4)))
    assert sorted(outcomes) == [False, False, False, True]
    # While it is at work nobody else may go on with it, and whoever has lost it writes nothing.
    assert records.free() == [] and records.claim(job_id, records.identify()) is None
    with pytest.raises(records.Lost):
        records.progress(job_id, "somebody:1:else", 3)


KILLED = """
import os, signal, sys
from datetime import date
from pathlib import Path
from app import create_app
from gongkao.config import Settings
from gongkao.documents.batch import Press
from gongkao.jobs import running
from gongkao.services import batches
from dataclasses import replace

app = create_app(Settings(mode="test", instance=Path(sys.argv[1]), database_url=sys.argv[2], secret_key=sys.argv[3],
                          clock=date.fromisoformat(sys.argv[4])))
kind, made = batches.KINDS["issue"], []

def maker(paper):
    made.append(paper)
    if len(made) == 4:
        os.kill(os.getpid(), signal.SIGKILL)
    return kind.maker(paper)

batches.KINDS["issue"] = replace(kind, step=2, maker=maker)
with app.app_context():
    running.run(int(sys.argv[5]), Path(sys.argv[1]) / "jobs", Press())
"""


def test_a_killed_worker_is_followed_by_one_that_goes_on_and_gives_no_number_twice(
    app: Flask, world: World, results: list[Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    manager = world.manager
    plan = batches.plan(manager, "issue", "zip", {}, ADDRESS)
    job_id = records.add(manager, plan.kind, plan.title, plan.parameters, plan.items).id
    settings = app.config["GONGKAO"]
    arguments = [
        str(settings.instance),
        settings.database_url,
        settings.secret_key,
        RESULTS_DAY.isoformat(),
        str(job_id),
    ]
    db.session.remove()
    done = subprocess.run(
        [sys.executable, "-c", KILLED, *arguments], cwd=ROOT, env=os.environ, capture_output=True, timeout=120
    )
    assert done.returncode == -9, done.stderr.decode()
    job = db.session.get_one(Job, job_id)
    # Killed in the second step: the first is whole, the second's numbers are given, its papers not made.
    assert (job.state, job.done) == (JobState.RUNNING, 2)
    assert serials() == [1, 2, 3, 4]
    assert [path.name for path in sorted((queue().folder / str(job_id)).glob("*.zip"))] == ["000000.zip"]
    numbers = dict(db.session.execute(select(Certificate.application_id, Certificate.number)).all())

    made: list[Any] = []
    maker = batches.KINDS["issue"].maker
    in_steps_of(2, monkeypatch, "issue", maker=lambda paper: (made.append(paper), maker(paper))[1])
    assert records.free() == [job_id]
    queue().take_up()
    db.session.rollback()
    job = db.session.get_one(Job, job_id)
    assert (job.state, job.done, len(made)) == (JobState.DONE, 5, 3)
    assert serials() == [1, 2, 3, 4, 5]
    kept = dict(db.session.execute(select(Certificate.application_id, Certificate.number)).all())
    assert kept.items() >= numbers.items()
    assert sorted(name.partition("-")[0] for name in entries(job)) == sorted(kept.values())


def serials() -> Sequence[int]:
    return db.session.scalars(select(Certificate.serial).order_by(Certificate.serial)).all()


def test_memory_does_not_grow_with_the_number_of_people(world: World, results: list[Result]) -> None:
    """Papers are handed out as they are asked for, a few ahead of the one that is taken."""
    asked: list[int] = []

    def papers() -> Any:
        for number in range(1000):
            asked.append(number)
            yield number

    made = Press().make(lambda number: str(number).encode(), papers())
    assert [next(made) for _ in range(3)] == [b"0", b"1", b"2"] and len(asked) == 3
    assert running.VOLUME_BYTES <= 48 * 1024 * 1024


def test_a_job_without_a_worker_says_so(world: World, results: list[Result]) -> None:
    plan = batches.plan(world.officer, "notices", "zip", {}, ADDRESS)
    job = records.add(world.officer, plan.kind, plan.title, plan.parameters, plan.items)
    assert records.time_left_text(job) == ""
    job.created_at -= timedelta(minutes=3)
    db.session.commit()
    assert "后台服务暂时没有响应" in records.time_left_text(job)
    taken = records.claim(job.id, records.identify())
    assert taken is not None and records.time_left_text(taken) == ""
    taken.worker = taken.worker.replace(f":{os.getpid()}:", ":4194304:")
    assert "后台服务暂时没有响应" in records.time_left_text(taken)
