"""A site as processes: the app behind gunicorn, the worker, and SQLite or a PostgreSQL server of its own."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from flask import Flask

from app import create_app
from gongkao import clock
from gongkao.config import ROOT, Settings
from gongkao.extensions import db
from tests.postgres import DURABLE, Server

PATIENCE = 120.0  # seconds; nothing waits this long unless something is wrong


def wait_until(what: str, true: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Look again and again until it holds. Raises TimeoutError."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.05)


def children(pid: int) -> list[int]:
    """The processes that a process has started, as far as they live."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                # The name, in brackets, may hold anything.
                state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
                if int(parent) == pid and state != "Z":
                    found.append(int(entry.name))
    return sorted(found)


def command_of(pid: int) -> str:
    """A process's command line; empty once it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""


def kill(pid: int) -> bool:
    """kill -9; whether there was such a process."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


@dataclass
class Program:
    """One of the site's programs, with all processes it starts."""

    arguments: list[str]
    environment: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, *self.arguments],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def kill(self) -> None:
        """All of it at once, as when the machine's service manager or the kernel ends it."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@dataclass
class Site:
    """Everything of one site; `volume` is where its data lies, a small disk of its own where one can be had."""

    volume: Path
    small_disk: bool
    database: Server | None
    settings: Settings
    port: int
    app: Flask
    server: Program
    worker: Program

    @property
    def instance(self) -> Path:
        return self.settings.instance

    def healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=30) as answer:
                return bool(answer.status == 200)
        except (OSError, urllib.error.URLError):
            return False

    def start(self) -> None:
        self.server.start()
        wait_until("the app answers", self.healthy)

    def workers(self) -> list[int]:
        """gunicorn's processes that answer requests."""
        return children(self.server.pid)


@contextlib.contextmanager
def open_site(engine: str, prepare: Callable[[], None]) -> Iterator[Site]:
    """A migrated site on "sqlite" or "postgresql" with what `prepare` puts in; its programs are not started yet."""
    folder = Path(tempfile.mkdtemp(prefix="gongkao-faults-"))
    folder.chmod(0o755)
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        volume = folder / "volume"
        small = stack.enter_context(_small_disk(volume))
        database = None
        if engine == "postgresql":
            (folder / "pg").mkdir()
            database = Server(folder / "pg", {**DURABLE, "shared_buffers": "32MB", "max_connections": "60"})
            database.create()
            stack.callback(_end_server, database)
        url = database.url if database is not None else ""
        settings = Settings(
            mode="demonstration",
            instance=volume / "instance",
            database_url=url.replace("+psycopg", ""),
            request_log=False,
        )
        before = clock.source()
        app = create_app(settings)
        stack.callback(clock.install, before)
        with app.app_context():
            prepare()
            db.session.remove()
            db.engine.dispose()
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("GONGKAO_")},
            "GONGKAO_MODE": "demonstration",
            "GONGKAO_INSTANCE": str(settings.instance),
            "GONGKAO_DATABASE_URL": settings.database_url,
            "FLASK_APP": "app",
            "PYTHONUNBUFFERED": "1",
        }
        port = _free_port()
        gunicorn = ["-m", "gunicorn", "tests.faults.stepped:create_app()", "--bind", f"127.0.0.1:{port}"]
        gunicorn += ["--workers", "2", "--threads", "4", "--worker-class", "gthread", "--no-control-socket"]
        gunicorn += ["--log-level", "warning"]
        server = Program(gunicorn, environment, folder / "server.log")
        worker = Program(["-m", "flask", "worker", "--processes", "1"], environment, folder / "worker.log")
        stack.callback(server.kill)
        stack.callback(worker.kill)
        yield Site(volume, small, database, settings, port, app, server, worker)
        with app.app_context():
            db.session.remove()
            db.engine.dispose()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _end_server(server: Server) -> None:
    # It may have been killed by the last fault.
    with contextlib.suppress(RuntimeError):
        server.stop()


@contextlib.contextmanager
def _small_disk(place: Path, megabytes: int = 256) -> Iterator[bool]:
    """A disk that can be filled up, mounted at `place`; whether the account may mount one."""
    place.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={megabytes}m,mode=0755", "gongkao-faults", str(place)]
    mounted = (
        os.geteuid() == 0 and subprocess.run(["mount", *options], capture_output=True, check=False).returncode == 0
    )
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(place)], capture_output=True, check=False)
