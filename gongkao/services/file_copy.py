"""Every file that the database names: carried from one store into another, or read and checked where it is."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any

from sqlalchemy import func, select

from gongkao.clock import ZONE
from gongkao.extensions import db
from gongkao.models import StoredFile
from gongkao.storage.store import DamagedFile, MissingFile, Store

Progress = Callable[[str, int, int], None]

# Most of the time is spent waiting for the other side.
AT_ONCE = 8
_PAGE = 400


@dataclass
class Outcome:
    """How many files were dealt with, how many were there before, and what is wrong with which digest."""

    done: int = 0
    there: int = 0
    problems: list[str] = field(default_factory=list)


def carry_files(
    source: Store, target: Store, progress: Progress = lambda *_: None, since: date | None = None
) -> Outcome:
    """Carry every file over that `target` does not have; `since` leaves out what was stored before that day.

    Each is checked against its hash when it is read, and read again where it was put. Safe to stop and to run again:
    what is there is not sent twice. Raises OSError where a store does not answer.
    """

    def carry(digest: str) -> str:
        if target.exists(digest):
            return "there"
        try:
            data = source.get(digest)
        except (MissingFile, DamagedFile) as error:
            return _problem(digest, error)
        target.put(data)
        try:
            target.get(digest)
        except (MissingFile, DamagedFile) as error:
            return _problem(digest, error, "写入后")
        return ""

    return _each(carry, "复制文件", progress, since)


def prove_files(store: Store, progress: Progress = lambda *_: None, since: date | None = None) -> Outcome:
    """Read every file and compare it with its hash. Raises OSError where the store does not answer."""

    def look(digest: str) -> str:
        try:
            store.get(digest)
        except (MissingFile, DamagedFile) as error:
            return _problem(digest, error)
        return ""

    return _each(look, "检查文件", progress, since)


def _problem(digest: str, error: Exception, when: str = "") -> str:
    return f"文件{digest[:12]}…{when}{'已丢失' if isinstance(error, MissingFile) else '已损坏'}"


def _each(work: Callable[[str], str], what: str, progress: Progress, since: date | None) -> Outcome:
    """Do the work for each digest, several at once; it answers "" (done), "there", or what is wrong."""
    outcome, seen = Outcome(), 0
    total = db.session.scalar(_since(select(func.count()).select_from(StoredFile), since)) or 0
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for rows, digests in _pages(since):
            for answer in pool.map(work, digests):
                if answer == "there":
                    outcome.there += 1
                elif answer:
                    outcome.problems.append(answer)
                else:
                    outcome.done += 1
            seen += rows
            # Files go on coming in meanwhile.
            total = max(total, seen)
            progress(what, seen, total)
    return outcome


def _pages(since: date | None) -> Iterator[tuple[int, list[str]]]:
    """Page by page in the order of the rows: how many rows, and their digests, each once a page."""
    last = 0
    while True:
        query = _since(select(StoredFile.id, StoredFile.sha256), since).where(StoredFile.id > last)
        rows = db.session.execute(query.order_by(StoredFile.id).limit(_PAGE)).all()
        # Nothing of the database is held while the files travel.
        db.session.rollback()
        if not rows:
            return
        last = rows[-1].id
        yield len(rows), list(dict.fromkeys(row.sha256 for row in rows))


def _since(query: Any, since: date | None) -> Any:
    if since is None:
        return query
    return query.where(StoredFile.created_at >= datetime.combine(since, time(), ZONE))
