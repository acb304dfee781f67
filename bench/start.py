"""How soon the service answers, and what it takes to be there.

`make run` a second time up to its first page, the import of the app alone, and the memory of one worker process that
has answered pages and made a paper. `baseline` is what is wanted at most (so `goal` is a ratio of 1); `n` is how often
it was measured, and the time given the middle of them.
"""

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from bench import Measurement, spread
from bench._server import free_port
from gongkao.config import ROOT

_FIRST_PAGE_S, _IMPORT_MS, _MEMORY_MB = 3.0, 1000.0, 150.0
_TIMES = 5
_PAGES = ("/sign-in", "/register", "/verify", "/healthz")


def measure() -> Iterator[Measurement]:
    with tempfile.TemporaryDirectory(prefix="gongkao-bench-") as folder:
        environment = {**os.environ, "GONGKAO_INSTANCE": folder, "WORKERS": "2"}
        _run(environment)
        found = [_run(environment) for _ in range(_TIMES)]
    seconds = [one[0] for one in found]
    yield Measurement(
        "start-first-page", statistics.median(seconds), "s", _FIRST_PAGE_S, _TIMES, spread(seconds), goal=1.0
    )
    times = [_import() for _ in range(_TIMES)]
    yield Measurement("start-import", statistics.median(times), "ms", _IMPORT_MS, _TIMES, spread(times), goal=1.0)
    memory = [one[1] for one in found]
    yield Measurement("start-memory", max(memory), "MB", _MEMORY_MB, _TIMES, spread(memory), goal=1.0)


def _run(environment: dict[str, str]) -> tuple[float, float]:
    """Seconds from `make run` to its first page, and the memory in MB of its largest worker after some pages."""
    port = free_port()
    start = time.perf_counter()
    server = subprocess.Popen(
        [str(ROOT / "scripts" / "run.sh")],
        cwd=ROOT,
        env={**environment, "PORT": str(port)},
        stdout=sys.stderr,
        stderr=sys.stderr,
        start_new_session=True,
    )
    try:
        while not _answers(port, "/sign-in"):
            if server.poll() is not None:
                raise RuntimeError("scripts/run.sh ended before the first page")
            time.sleep(0.02)
        seconds = time.perf_counter() - start
        for path in _PAGES * 4:
            _answers(port, path)
        return seconds, max(_proportional(process) for process in _workers(server.pid))
    finally:
        if server.poll() is None:
            os.killpg(server.pid, signal.SIGTERM)
        server.wait()


def _answers(port: int, path: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10):
            return True
    except (OSError, urllib.error.URLError):
        return False


def _workers(session: int) -> list[int]:
    """The processes of the service that answer pages: the children of gunicorn's own."""
    listed = subprocess.run(
        ["ps", "-s", str(session), "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True
    )
    rows = [line.split(None, 2) for line in listed.stdout.splitlines()]
    gunicorn = {int(row[0]): int(row[1]) for row in rows if "gunicorn" in row[2]}
    return [process for process, parent in gunicorn.items() if parent in gunicorn]


def _proportional(process: int) -> float:
    """Memory in MB, with what several processes share divided among them."""
    for line in Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("the system does not tell how much memory a process takes")


def _import() -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import app"], cwd=ROOT, check=True)
    return (time.perf_counter() - start) * 1000
