"""A PostgreSQL server of the tests' own: made, started and thrown away with them, touching no other on the machine."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

ACCOUNT = "gongkao"
# Speed over safety: nothing in this server outlives the tests.
SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "60",
    "shared_buffers": "64MB",
}
DURABLE = {"listen_addresses": "", "max_connections": "100", "shared_buffers": "256MB"}


class Server:
    """A server of one's own. PostgreSQL refuses to run as root, so as root it runs as the account ``postgres``.

    `folder` must be one that the account ``postgres`` may enter; `settings` are PostgreSQL's.
    """

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        self.folder, self.data = folder, folder / "data"
        self._options = " ".join(f"-c {name}='{value}'" for name, value in settings.items())
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres", "postgres")

    def create(self) -> None:
        """Make the empty server and start it; afterwards `url` answers."""
        _run(
            self.folder,
            "initdb",
            "--no-sync",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            f"--username={ACCOUNT}",
            f"--pgdata={self.data}",
        )
        self.start()
        _run(self.folder, "createdb", f"--host={self.folder}", f"--username={ACCOUNT}", ACCOUNT)

    def start(self) -> None:
        options = f"--options=-k {self.folder} {self._options}"
        _run(self.folder, "pg_ctl", "start", "--wait", f"--pgdata={self.data}", f"--log={self.folder / 'log'}", options)

    def stop(self, mode: str = "immediate") -> None:
        """Stop in PostgreSQL's own way: "smart", "fast" or "immediate"."""
        _run(self.folder, "pg_ctl", "stop", "--wait", f"--mode={mode}", f"--pgdata={self.data}")

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://{ACCOUNT}@/{ACCOUNT}?host={self.folder}"

    @property
    def postmaster(self) -> int:
        """The process id of the server's first process."""
        return int((self.data / "postmaster.pid").read_text(encoding="ascii").split()[0])


@contextmanager
def start_postgres(parent: Path | None = None, *, durable: bool = False) -> Iterator[str]:
    """Yield the URL of an empty database in a fresh server that listens on a Unix socket only.

    `parent` is a folder that every account may enter (the system's temporary folder by default). `durable` keeps what
    is committed as a server in use does.
    """
    folder = Path(tempfile.mkdtemp(prefix="gongkao-pg-", dir=parent))
    try:
        server = Server(folder, DURABLE if durable else SETTINGS)
        server.create()
        try:
            yield server.url
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def kept_postgres(folder: Path) -> Iterator[str]:
    """Yield the URL of the server that lives in the folder, which every account may enter; made the first time."""
    folder.mkdir(parents=True, exist_ok=True)
    server = Server(folder, DURABLE)
    if server.data.exists():
        server.start()
    else:
        server.create()
    try:
        yield server.url
    finally:
        server.stop("fast")


@dataclass
class Replica:
    """The URL of the same database on a server that follows; its log, with every statement; what ends it at once."""

    url: str
    log: Path
    end: Callable[[], None]


@contextmanager
def start_replica(url: str, parent: Path | None = None) -> Iterator[Replica]:
    """Yield a replica that follows the server of `url`."""
    primary = parse_qs(urlsplit(url).query)["host"][0]
    folder = Path(tempfile.mkdtemp(prefix="gongkao-pg-", dir=parent))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    data, log = folder / "data", folder / "log"

    def end() -> None:
        if (data / "postmaster.pid").exists():
            _run(folder, "pg_ctl", "stop", "--wait", "--mode=immediate", f"--pgdata={data}")

    try:
        _run(
            folder,
            "pg_basebackup",
            f"--host={primary}",
            f"--username={ACCOUNT}",
            f"--pgdata={data}",
            "--checkpoint=fast",
            "--no-sync",
            "--write-recovery-conf",
        )
        told = {"log_statement": "all", "log_line_prefix": "%a "}
        options = " ".join(f"-c {name}='{value}'" for name, value in {**SETTINGS, **told}.items())
        _run(
            folder, "pg_ctl", "start", "--wait", f"--pgdata={data}", f"--log={log}", f"--options=-k {folder} {options}"
        )
        try:
            yield Replica(url.replace(primary, str(folder)), log, end)
        finally:
            end()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(folder: Path, program: str, *arguments: str) -> None:
    command = [str(_binaries() / program), *arguments]
    if os.geteuid() == 0:
        command = ["runuser", "-u", "postgres", "--", *command]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    # Output goes to a file: a server started with a pipe would hold it open and the call would never end.
    with (folder / "output").open("w+") as output:
        finished = subprocess.run(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False
        )
        if finished.returncode:
            output.seek(0)
            log = folder / "log"
            details = output.read() + (log.read_text(errors="replace") if log.exists() else "")
            raise RuntimeError(f"{program} failed:\n{details}")


def _binaries() -> Path:
    """Where the newest PostgreSQL of the machine has its programs (Debian keeps them off the PATH)."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    if on_path is None:
        raise RuntimeError("PostgreSQL is not installed: run `make test`, or apt-get install postgresql")
    return Path(on_path).resolve().parent
