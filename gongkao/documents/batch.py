"""Many papers at once: made by several processes, in order, few of them in memory at a time."""

import contextlib
import io
import multiprocessing
import os
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import IO, Any, BinaryIO, TypeVar
from zipfile import ZIP_STORED, ZipFile, ZipInfo

import pikepdf

from gongkao.documents.fonts import CharacterMissing

Paper = TypeVar("Paper")
Made = bytes | CharacterMissing
# Papers handed to a process at a time: large enough that handing over costs nothing, small enough to keep memory low.
CHUNK = 20
_UNSAFE = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]')
# A ZIP entry needs a moment; one that never changes keeps the same content the same bytes.
_MOMENT = (2000, 1, 1, 0, 0, 0)


class Press:
    """Makes papers, in this process (`processes` 1) or in several that are kept for the next batch."""

    def __init__(self, processes: int = 1) -> None:
        self._processes = processes
        self._pool: ProcessPoolExecutor | None = None
        if processes > 1:
            # Started anew, not forked: a copy of a process with threads may wait for a lock that nobody holds.
            self._pool = ProcessPoolExecutor(
                processes,
                mp_context=multiprocessing.get_context("spawn"),
                initializer=_watch,
                initargs=(os.getpid(),),
            )

    def __enter__(self) -> "Press":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def make(self, maker: Callable[[Paper], bytes], papers: Iterable[Paper], chunk: int = CHUNK) -> Iterator[Made]:
        """Each paper's file, or why it cannot be printed, in the papers' order.

        `maker` is a function of a module, so that it can be handed over to another process.
        """
        rest = iter(papers)
        if self._pool is None:
            yield from (_made(maker, paper) for paper in rest)
            return
        waiting: deque[Future[list[Made]]] = deque()
        try:
            while True:
                while len(waiting) < 2 * self._processes and (some := list(islice(rest, chunk))):
                    waiting.append(self._pool.submit(_make_some, maker, some))
                if not waiting:
                    return
                yield from waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _make_some(maker: Callable[[Paper], bytes], papers: Sequence[Paper]) -> list[Made]:
    return [_made(maker, paper) for paper in papers]


def _made(maker: Callable[[Paper], bytes], paper: Paper) -> Made:
    try:
        return maker(paper)
    except CharacterMissing as error:
        # One name that no face can draw does not keep the others from their papers.
        return error


def _watch(parent: int) -> None:
    """End when the parent is gone: a process whose parent was killed would wait for work for ever."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def file_name(*parts: str) -> str:
    """A name for a file in an archive: no path, nothing invisible, nothing that a file system refuses."""
    joined = "-".join(" ".join(_UNSAFE.sub("", part).split()) for part in parts if part)
    return joined.strip(" .")[:100].rstrip(" .") or "文件"


def write_zip(target: Path | IO[bytes], entries: Iterable[tuple[str, bytes]]) -> None:
    """Write a ZIP file; the same entries give the same bytes. A name that came before gets a number.

    The entries are stored as they are: PDFs are compressed already.
    """
    used: dict[str, int] = {}
    with ZipFile(target, "w", ZIP_STORED) as archive:
        for name, data in entries:
            used[name] = used.get(name, 0) + 1
            stem, dot, ending = name.rpartition(".")
            unique = name if used[name] == 1 else f"{stem}（{used[name]}）{dot}{ending}"
            archive.writestr(ZipInfo(unique, _MOMENT), data)


def sizes(source: Path | IO[bytes]) -> list[tuple[str, int]]:
    """The names and sizes in bytes of the entries of such a file, without reading them."""
    with ZipFile(source) as archive:
        return [(entry.filename, entry.file_size) for entry in archive.infolist()]


def read_zip(source: Path | IO[bytes]) -> Iterator[tuple[str, bytes]]:
    """The entries of a ZIP file that `write_zip` wrote, one at a time."""
    with ZipFile(source) as archive:
        for name in archive.namelist():
            yield name, archive.read(name)


def join(files: Iterable[bytes], target: Path | BinaryIO, title: str) -> None:
    """Write PDFs one after another into one file, tagged as they are; the same files give the same bytes."""
    with pikepdf.new() as whole, contextlib.ExitStack() as opened:
        roots: list[Any] = []
        numbers: list[Any] = []
        next_key = 0
        for data in files:
            part = opened.enter_context(pikepdf.open(io.BytesIO(data)))
            before = len(whole.pages)
            whole.pages.extend(part.pages)
            tree = part.Root.get("/StructTreeRoot")
            if tree is None:
                continue
            copied = whole.copy_foreign(tree)
            roots += _kids(copied.get("/K"))
            keys = _parents(copied.ParentTree)
            shift, next_key = next_key, next_key + (max(keys, default=-1) + 1)
            for key in sorted(keys):
                numbers += [key + shift, keys[key]]
            for page in list(whole.pages)[before:]:
                if "/StructParents" in page:
                    page.StructParents = int(page.StructParents) + shift
        if roots:
            tree = whole.make_indirect(
                pikepdf.Dictionary(
                    Type=pikepdf.Name.StructTreeRoot,
                    K=pikepdf.Array(roots),
                    ParentTree=pikepdf.Dictionary(Nums=pikepdf.Array(numbers)),
                    ParentTreeNextKey=next_key,
                )
            )
            for root in roots:
                root.P = tree
            whole.Root.StructTreeRoot = tree
            whole.Root.MarkInfo = pikepdf.Dictionary(Marked=True)
        whole.Root.Lang = pikepdf.String("zh-CN")
        whole.Root.ViewerPreferences = pikepdf.Dictionary(DisplayDocTitle=True)
        whole.docinfo["/Title"] = title
        whole.save(target, deterministic_id=True, object_stream_mode=pikepdf.ObjectStreamMode.generate)


def _kids(found: Any) -> list[Any]:
    if found is None:
        return []
    return list(found) if isinstance(found, pikepdf.Array) else [found]


def _parents(tree: Any) -> dict[int, Any]:
    """A number tree's entries; WeasyPrint writes it in one piece."""
    listed = list(tree.get("/Nums", []))
    return {int(key): value for key, value in zip(listed[::2], listed[1::2], strict=True)}
