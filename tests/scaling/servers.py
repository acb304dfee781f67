"""What a system on several servers is made of, as processes of the tests' own, and a browser to visit it with."""

import html
import http.cookiejar
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from urllib3 import encode_multipart_formdata

from gongkao.config import ROOT

PATIENCE = 120.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def until(found: Callable[[], Any], what: str) -> Any:
    """Ask until there is an answer; however busy the machine is."""
    end = time.monotonic() + PATIENCE
    while not (answer := found()):
        if time.monotonic() > end:
            raise AssertionError(f"waited too long for {what}")
        time.sleep(0.02)
    return answer


@dataclass
class Program:
    """One process with its output in a file."""

    command: list[str]
    environment: Mapping[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self) -> None:
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                self.command,
                cwd=ROOT,
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def signal(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def stop(self) -> None:
        """Ask it to finish what it is at, as systemd does."""
        if self.process is not None:
            self.signal(signal.SIGTERM)
            self.process.wait(PATIENCE)
            self.process = None

    def kill(self) -> None:
        """End it with all that it has started."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")


class Server(Program):
    """One server of the application under gunicorn, as deploy/gongkao.service runs it."""

    def __init__(self, name: str, folder: Path, environment: Mapping[str, str]) -> None:
        self.port, self.instance = free_port(), folder / name
        self.instance.mkdir(exist_ok=True)
        self.address = f"http://127.0.0.1:{self.port}"
        command = [sys.executable, "-m", "gunicorn", "app:create_app()", "--bind", f"127.0.0.1:{self.port}"]
        command += ["--workers", "1", "--threads", "4", "--worker-class", "gthread", "--no-control-socket"]
        super().__init__(command, {**environment, "GONGKAO_INSTANCE": str(self.instance)}, folder / f"{name}.log")

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.address}/healthz", timeout=10) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def asked(self) -> int:
        """How many requests for a page its log tells of."""
        return self.said().count('"route": "/sign-in"')


def certificate(folder: Path) -> None:
    """A certificate for this machine, made by ourselves, as nginx reads it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gongkao.example.gov.cn")])
    start = datetime.now(UTC) - timedelta(days=1)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = builder.serial_number(1).not_valid_before(start).not_valid_after(start + timedelta(days=30))
    (folder / "fullchain.pem").write_bytes(made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    (folder / "privkey.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


class Front(Program):
    """nginx with deploy/nginx.conf, its paths and ports changed to those of the test, before the servers given."""

    def __init__(self, folder: Path, ports: list[int]) -> None:
        program = shutil.which("nginx") or "/usr/sbin/nginx"
        if not Path(program).exists():
            raise RuntimeError("nginx is not installed: run `make test`, or apt-get install nginx")
        certificate(folder)
        self.port = free_port()
        text = (ROOT / "deploy" / "nginx.conf").read_text(encoding="utf-8")
        for before, after in (
            ("listen 80;", f"listen 127.0.0.1:{free_port()};"),
            ("listen 443 ", f"listen 127.0.0.1:{self.port} "),
            ("/etc/ssl/gongkao/", f"{folder}/"),
            ("/var/log/nginx/", f"{folder}/"),
            ("/opt/gongkao/static/", f"{ROOT}/static/"),
            ("    #server 10.0.0.12:8000 max_fails=3 fail_timeout=5s;\n", ""),
        ):
            assert before in text, before
            text = text.replace(before, after)
        line = re.search(r" *server 127\.0\.0\.1:8000( .*;)\n", text)
        assert line is not None
        text = text.replace(line[0], "".join(f"    server 127.0.0.1:{port}{line[1]}\n" for port in ports))
        (folder / "gongkao.conf").write_text(text, encoding="utf-8")
        places = "\n".join(
            f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        whole = folder / "nginx.conf"
        whole.write_text(
            f"{'user root;' if os.geteuid() == 0 else ''}\ndaemon off;\nworker_processes 2;\npid {folder}/nginx.pid;\n"
            f"events {{}}\nhttp {{\ninclude /etc/nginx/mime.types;\n{places}\ninclude {folder}/gongkao.conf;\n}}\n",
            encoding="utf-8",
        )
        super().__init__(
            [program, "-c", str(whole), "-p", str(folder), "-e", str(folder / "error.log")], {}, folder / "nginx.log"
        )
        self.address = f"https://127.0.0.1:{self.port}"

    def problems(self) -> str:
        """What nginx says of its settings; empty where it takes them."""
        done = subprocess.run([*self.command, "-t"], capture_output=True, text=True, check=False)
        return "" if done.returncode == 0 and "[warn]" not in done.stderr else done.stderr


class Answer:
    def __init__(self, status: int, address: str, data: bytes) -> None:
        self.status, self.address, self.data = status, address, data
        self.text = data.decode("utf-8", errors="replace")


class Browser:
    """Keeps cookies, fills the hidden fields of forms, follows where it is sent; at any of the system's addresses."""

    def __init__(self) -> None:
        trusting = ssl.create_default_context()
        trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()),
            urllib.request.HTTPSHandler(context=trusting),
        )

    def get(self, address: str) -> Answer:
        return self._ask(urllib.request.Request(address))

    def post(
        self, page: str, action: str = "", files: Mapping[str, tuple[str, bytes, str]] | None = None, **typed: str
    ) -> Answer:
        """Fill the form of a page and send it to its address, or to another path of the same server."""
        shown = self.get(page)
        assert shown.status == 200, (page, shown.status)
        hidden = {
            name[1]: html.unescape(value[1])
            for field in re.findall(r'<input[^>]*type="hidden"[^>]*>', shown.text)
            if (name := re.search(r'name="([^"]*)"', field)) and (value := re.search(r'value="([^"]*)"', field))
        }
        body, kind = encode_multipart_formdata({**hidden, **typed, **(files or {})})
        address = urllib.parse.urljoin(page, action) if action else page
        # As on the usual port, which a browser does not name.
        came_from = f"{page.split(':')[0]}://{urllib.parse.urlsplit(page).hostname}/"
        headers = {"Content-Type": kind, "Referer": came_from}
        return self._ask(urllib.request.Request(address, data=body, headers=headers))

    def _ask(self, request: urllib.request.Request) -> Answer:
        try:
            with self._opener.open(request, timeout=PATIENCE) as answer:
                return Answer(answer.status, answer.url, answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.url or "", error.read())
