"""Doing a job: step by step into a folder of its own, so that whoever takes it up later goes on where it was.

A step makes the papers of a few people and keeps them as one file under the step's number. When all steps are there the
result is put together from them, in volumes, so that memory stays small however many people there are.
"""

import io
import logging
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from gongkao.documents.batch import Press, join, read_zip, sizes, write_zip
from gongkao.extensions import db
from gongkao.jobs import records
from gongkao.models import Account, Job, JobState
from gongkao.rules.errors import RuleError
from gongkao.services.batch_kinds import KINDS, Form, Gathered, Kind
from gongkao.storage.sealed import read_sealed, write_sealed
from gongkao.storage.uploads import Upload

log = logging.getLogger(__name__)

VOLUME_BYTES = 48 * 1024 * 1024
_BROKEN = "系统出现故障，任务没有完成，已完成的部分已保留。请稍后重新提交；多次出现请联系系统管理员。"


def run(job_id: int, folder: Path, press: Press) -> None:
    """Do a job to its end, unless another worker has it. `folder` is where the jobs' steps are kept.

    Every failure ends up on the job's record in plain words.
    """
    worker = records.identify()
    job = records.claim(job_id, worker)
    if job is None:
        return
    place = folder / str(job_id)
    try:
        if job.cancel_requested:
            records.end(job_id, worker, JobState.CANCELLED)
        else:
            _do(job, worker, place, press)
    except records.Lost:
        return
    except RuleError as error:
        db.session.rollback()
        with suppress(records.Lost):
            records.end(job_id, worker, JobState.FAILED, error.message)
    except Exception:
        db.session.rollback()
        log.exception("job %s failed", job_id)
        with suppress(records.Lost):
            records.end(job_id, worker, JobState.FAILED, _BROKEN)
    shutil.rmtree(place, ignore_errors=True)


def _do(job: Job, worker: str, place: Path, press: Press) -> None:
    kind, form = KINDS[job.kind], Form(job.parameters["form"])
    actor, job_id, items, title, address = job.account, job.id, job.items, job.title, job.parameters["public_url"]
    place.mkdir(parents=True, exist_ok=True)
    steps = range(0, len(items), kind.step)
    for number, start in enumerate(steps):
        some = items[start : start + kind.step]
        if not _step_path(place, number).exists():
            _make_step(kind, actor, some, address, _step_path(place, number), press)
        if not records.progress(job_id, worker, start + len(some)):
            records.end(job_id, worker, JobState.CANCELLED)
            return
    count = len(steps)
    volumes = _volumes(place, count, kind, form)
    for position, (name, entries) in enumerate(_named(volumes, title, form), start=1):
        upload = _bind(place, entries, kind, form, name)
        records.keep_file(job_id, worker, position, upload, f"{name}{upload.extension}")
        records.progress(job_id, worker, len(items))
    notes = (_read(_left_out_path(_step_path(place, number))).decode() for number in range(count))
    left_out = [line for note in notes for line in note.splitlines()]
    note = f"有{len(left_out)}份没有生成：{'；'.join(left_out)}" if left_out else ""
    if not volumes:
        records.end(job_id, worker, JobState.FAILED, note or "没有可以生成的文书。")
        return
    records.end(job_id, worker, JobState.DONE, note)


def _make_step(kind: Kind, actor: Account, items: list[int], address: str, path: Path, press: Press) -> None:
    gathered, left_out = kind.gather(actor, items, address)
    # The papers are plain records: nothing of the database is held while they are made.
    db.session.rollback()
    made: list[Gathered] = []
    for one, data in zip(gathered, press.make(kind.maker, [one.paper for one in gathered], kind.chunk), strict=True):
        if isinstance(data, bytes):
            made.append(one._replace(paper=data))
        else:
            left_out.append(f"{one.name.removesuffix('.pdf')}：{data.message}")
    if kind.keep is not None:
        left_out += kind.keep(actor, made)
    _write(_left_out_path(path), "\n".join(left_out).encode())
    whole = io.BytesIO()
    write_zip(whole, ((one.name, one.paper) for one in made))
    # Whole or not there at all: a killed worker leaves no half step.
    _write(path, whole.getvalue())


def _step_path(place: Path, number: int) -> Path:
    return place / f"{number:06d}.zip"


def _left_out_path(path: Path) -> Path:
    return path.with_suffix(".txt")


def _write(path: Path, data: bytes) -> None:
    """Keep a piece of the work, sealed for this place: what lies here is as personal as what it ends up in."""
    write_sealed(path, data, f"{path.parent.name}/{path.name}")


def _read(path: Path) -> bytes:
    return read_sealed(path, f"{path.parent.name}/{path.name}")


@dataclass(frozen=True)
class _Entry:
    """One paper where it lies: its step, its place in it, the folder it belongs to, its size in bytes."""

    step: int
    order: int
    folder: str
    size: int


def _volumes(place: Path, steps: int, kind: Kind, form: Form) -> list[list[_Entry]]:
    """Which entries go into which volume; with folders those of one unit lie together, and may have their own."""
    limit = kind.a_pdf if form is Form.PDF else kind.a_zip
    found = [
        _Entry(step, order, name.rpartition("/")[0], size)
        for step in range(steps)
        for order, (name, size) in enumerate(sizes(io.BytesIO(_read(_step_path(place, step)))))
    ]
    if kind.by_unit:
        found.sort(key=lambda entry: entry.folder)
    volumes: list[list[_Entry]] = []
    size = 0
    for entry in found:
        apart = form is Form.UNITS and bool(volumes) and volumes[-1][-1].folder != entry.folder
        if apart or not volumes or len(volumes[-1]) >= limit or size + entry.size > VOLUME_BYTES:
            volumes.append([])
            size = 0
        volumes[-1].append(entry)
        size += entry.size
    return volumes


def _named(volumes: list[list[_Entry]], title: str, form: Form) -> Iterator[tuple[str, list[_Entry]]]:
    """Each volume with its name: the title and the unit's name or the volume's number, where there are several."""
    names = [f"{title}-{volume[0].folder}" if form is Form.UNITS else title for volume in volumes]
    total, seen = Counter(names), Counter[str]()
    for name, volume in zip(names, volumes, strict=True):
        seen[name] += 1
        yield f"{name}（第{seen[name]}卷）" if total[name] > 1 else name, volume


def _bind(place: Path, chosen: list[_Entry], kind: Kind, form: Form, title: str) -> Upload:
    """Put one volume together."""

    def entries() -> Iterator[tuple[str, bytes]]:
        for step, of_step in groupby(chosen, key=lambda entry: entry.step):
            there = list(read_zip(io.BytesIO(_read(_step_path(place, step)))))
            for entry in of_step:
                name, data = there[entry.order]
                yield name.rpartition("/")[2] if form is Form.UNITS else name, data

    target = io.BytesIO()
    if form is Form.PDF:
        join((data for _, data in entries()), target, title)
        return Upload("application/pdf", ".pdf", target.getvalue())
    write_zip(target, kind.close(entries()) if kind.close is not None else entries())
    return Upload("application/zip", ".zip", target.getvalue())
