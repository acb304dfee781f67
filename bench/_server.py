"""The service as deploy/ sets it up, gunicorn behind nginx, on free ports of this machine and without TLS."""

import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gongkao.config import ROOT

# As deploy/gongkao.service has it.
_SERVER = ("--workers", "4", "--threads", "24", "--worker-class", "gthread", "--timeout", "60", "--no-control-socket")


def free_port() -> int:
    """A port of this machine that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def served(folder: Path, environment: dict[str, str]) -> Iterator[int]:
    """The service behind nginx; gives the port of nginx."""
    inner, outer = free_port(), free_port()
    configuration = folder / "nginx.conf"
    configuration.write_text(_nginx(folder, inner, outer), encoding="utf-8")
    with (folder / "server.log").open("w") as log:
        gunicorn = (sys.executable, "-m", "gunicorn", "app:create_app()", "--bind", f"127.0.0.1:{inner}", *_SERVER)
        nginx = ("nginx", "-p", str(folder), "-c", str(configuration), "-e", str(folder / "nginx.log"))
        processes = [
            subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
            for command in (gunicorn, nginx)
        ]
        try:
            _wait(f"http://127.0.0.1:{outer}/healthz")
            yield outer
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait()


def _nginx(folder: Path, inner: int, outer: int) -> str:
    """deploy/nginx.conf without TLS and on other ports and folders."""
    text = (ROOT / "deploy" / "nginx.conf").read_text(encoding="utf-8")
    text = text.replace("/opt/gongkao", str(ROOT)).replace("127.0.0.1:8000", f"127.0.0.1:{inner}")
    text = text.replace("/var/log/nginx/gongkao.log", str(folder / "access.log"))
    head, _, rest = text.partition("server {")
    # The first server only leads to the encrypted one.
    rest = rest.partition("server {")[2]
    rest = re.sub(r"^\s*ssl_.*\n", "", rest, flags=re.MULTILINE)
    rest = re.sub(r"listen 443[^;]*;", f"listen 127.0.0.1:{outer};", rest)
    paths = "".join(
        f"    {name}_temp_path {folder}/{name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;\n" if os.geteuid() == 0 else ""
    return (
        f"{user}daemon off;\nworker_processes 2;\npid {folder}/nginx.pid;\nevents {{ worker_connections 4096; }}\n"
        f"http {{\n    include /etc/nginx/mime.types;\n{paths}{head}server {{{rest}}}\n"
    )


def _wait(address: str) -> None:
    for _ in range(300):
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError(f"no answer at {address}")
