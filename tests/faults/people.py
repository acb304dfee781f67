"""Clients that work as people do: open the page, fill the form in, send it, and after a failure send the same again.

What was acknowledged (the answer led on) stands in the ledger. What became of a post without an answer nobody knows;
the person sends the very same again, and it must have happened once in the end.
"""

import http.client
import io
import itertools
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.cookies import SimpleCookie

from bs4 import BeautifulSoup
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

Fields = dict[str, str | tuple[bytes, str]]
_CHINESE = re.compile("[\u4e00-\u9fff]")
_TIMEOUT = 30.0


@dataclass
class Write:
    """One thing somebody wanted kept. `token` is found in the database where it was."""

    kind: str
    token: str
    attempts: int = 0
    acknowledged: bool = False


@dataclass
class Ledger:
    """What all clients know, and what they saw that nobody should see."""

    writes: list[Write] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    failures: int = 0
    seen: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, kind: str, token: str) -> Write:
        made = Write(kind, token)
        with self._lock:
            self.writes.append(made)
        return made

    @property
    def acknowledged(self) -> int:
        return sum(write.acknowledged for write in list(self.writes))

    @property
    def resent(self) -> int:
        return sum(write.attempts > 1 for write in list(self.writes))

    def fail(self, what: str) -> None:
        with self._lock:
            self.failures += 1
            self.seen.add(what)

    def complain(self, what: str) -> None:
        with self._lock:
            self.wrong.append(what)


@dataclass
class Answer:
    status: int
    location: str
    text: str

    @property
    def led_on(self) -> bool:
        return self.status in (302, 303) and "/sign-in" not in self.location


class Browser:
    """Somebody's browser, already signed in by its cookie."""

    def __init__(self, port: int, cookie: str, ledger: Ledger) -> None:
        self._port, self._cookies, self._ledger = port, {"session": cookie}, ledger

    def ask(self, method: str, path: str, fields: Fields | None = None) -> Answer:
        """One request. Raises OSError or HTTPException where no whole answer came."""
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}
        body = None
        if fields is not None:
            sent = {
                name: value if isinstance(value, str) else FileStorage(io.BytesIO(value[0]), value[1])
                for name, value in fields.items()
            }
            boundary, body = encode_multipart(sent)
            headers["Content-Type"] = f'multipart/form-data; boundary="{boundary}"'
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_TIMEOUT)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            text = response.read().decode(errors="replace")
            for line in response.headers.get_all("Set-Cookie") or []:
                for name, morsel in SimpleCookie(line).items():
                    self._cookies[name] = morsel.value
            return Answer(response.status, response.headers.get("Location", ""), text)
        finally:
            connection.close()

    def open(self, path: str, stop: threading.Event) -> str | None:
        """A page, asked for until it comes; None once work is over."""
        while not stop.is_set():
            answer = self._try("GET", path)
            if answer is not None and answer.status == 200:
                return answer.text
            if answer is not None and answer.status < 500:
                self._ledger.complain(f"GET {path}: {answer.status} {answer.location}")
            stop.wait(0.1)
        return None

    def send(self, path: str, fields: Fields, write: Write, stop: threading.Event) -> Answer | None:
        """A form, sent until an answer leads on. Somebody who stops working still waits for what is on its way."""
        while not stop.is_set():
            write.attempts += 1
            answer = self._try("POST", path, fields)
            if answer is not None and answer.led_on:
                write.acknowledged = True
                return answer
            if answer is not None and answer.status < 500 and answer.status != 409:
                self._ledger.complain(f"POST {path}: {answer.status} {answer.location} {_words(answer.text)}")
                return answer
            stop.wait(0.1)
        return None

    def _try(self, method: str, path: str, fields: Fields | None = None) -> Answer | None:
        try:
            answer = self.ask(method, path, fields)
        except (OSError, http.client.HTTPException) as error:
            self._ledger.fail(type(error).__name__)
            return None
        if answer.status >= 500:
            self._ledger.fail(_title(answer.text))
            if not _plain(answer.text):
                self._ledger.complain(f"{method} {path}: {answer.status} {answer.text[:200]}")
        return answer


def form_of(page: str, action: str) -> Fields:
    """A form's fields as the page has them, with every item passed and every box ticked that a pass needs."""
    soup = BeautifulSoup(page, "html.parser")
    form = next(one for one in soup.find_all("form", method="post") if (one.get("action") or action) == action)
    found: Fields = {}
    for control in form.find_all(["input", "textarea"]):
        name, kind, value = control.get("name"), control.get("type", "text"), control.get("value", "")
        if not name or kind in ("submit", "file", "button"):
            continue
        chosen = control.has_attr("checked") or value in ("pass", "yes") or name == "agree"
        if kind not in ("radio", "checkbox") or chosen:
            found[str(name)] = str(value) if control.name == "input" else control.text.strip()
    return found


def work(people: list[Callable[[threading.Event], Iterator[None]]]) -> tuple[threading.Event, list[threading.Thread]]:
    """Let everybody work at the same time until the event is set."""
    stop = threading.Event()

    def go(person: Callable[[threading.Event], Iterator[None]]) -> None:
        for _ in itertools.takewhile(lambda _: not stop.is_set(), person(stop)):
            time.sleep(0.01)

    threads = [threading.Thread(target=go, args=(person,), daemon=True) for person in people]
    for thread in threads:
        thread.start()
    return stop, threads


def _title(page: str) -> str:
    found = re.search("<h1>(.*?)</h1>", page)
    return found[1] if found else page[:60]


def _words(page: str) -> str:
    soup = BeautifulSoup(page, "html.parser")
    return " ".join(one.get_text(" ", strip=True) for one in soup.select(".field-error, .notice, .error-summary"))[:300]


def _plain(page: str) -> bool:
    """Chinese, what happened and how to go on; no trace and no code."""
    return bool(_CHINESE.search(_title(page))) and "Traceback" not in page and "Error" not in page
