"""The last hour of registration as locust plays it: people who sign in, fill in, upload and submit, pausing as they do.

Run by bench/lasthour.py, which says in the environment where, who, how slowly, and into which file to note what the
system acknowledged. Each person comes from an address of their own, as from many offices.
"""

import io
import os
import random
import re
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

import gevent
from locust import HttpUser, between, task
from locust.exception import StopUser
from PIL import Image
from requests.adapters import HTTPAdapter

FIRST_PERSON = int(os.environ.get("GONGKAO_LOAD_FIRST", "1"))
PEOPLE = int(os.environ.get("GONGKAO_LOAD_PEOPLE", "1"))
UNIT_ID, UNIT_NAME = os.environ.get("GONGKAO_LOAD_UNIT_ID", ""), os.environ.get("GONGKAO_LOAD_UNIT", "")
TRADE_ID = os.environ.get("GONGKAO_LOAD_TRADE_ID", "")
PASSWORD = os.environ.get("GONGKAO_LOAD_PASSWORD", "")
NUMBERS = Path(os.environ.get("GONGKAO_LOAD_NUMBERS", os.devnull))
LEDGER = Path(os.environ.get("GONGKAO_LOAD_LEDGER", os.devnull))
SLOWEST = float(os.environ.get("GONGKAO_LOAD_PAUSE", "45"))

_HIDDEN = re.compile(r'<input[^>]*\bname="(csrf_token|request_key|version)"[^>]*\bvalue="([^"]*)"')
_KINDS = ("identity_card", "post", "work_years", "photo")
_STEPS: tuple[tuple[str, dict[str, str]], ...] = (
    ("person", {"education": "高中"}),
    (
        "unit",
        {
            "unit_name": UNIT_NAME,
            "unit_id": UNIT_ID,
            "department": "后勤科",
            "post": "驾驶岗",
            "staff_kind": "其他聘用工作人员",
            "post_kind": "worker",
            "work_started_on": "2018-07-01",
            "post_started_on": "2020-03-01",
        },
    ),
    ("trade", {"trade_id": TRADE_ID}),
    ("grade", {"grade": "5"}),
    ("work", {"work-0-started_on": "2018-07-01", "work-0-unit_name": UNIT_NAME, "work-0-post": "驾驶岗"}),
    ("certificate", {"has_certificate": "no"}),
    ("assessments", {"year_2024": "合格", "year_2023": "合格", "year_2022": "未参加考核"}),
)


def _picture(width: int, height: int, serial: int) -> bytes:
    """A picture with enough in it to be as large as a photo that the browser has made smaller."""
    image = Image.effect_noise((width, height), 12 + serial).convert("RGB")
    target = io.BytesIO()
    image.save(target, "JPEG", quality=82)
    return target.getvalue()


_SCANS = [_picture(1200, 1600, serial) for serial in range(3)]
_PHOTO = _picture(590, 826, 9)


class _From(HTTPAdapter):
    """Connections that leave from one loopback address."""

    def __init__(self, address: str) -> None:
        self.address = address
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **named: Any) -> None:
        super().init_poolmanager(*arguments, source_address=(self.address, 0), **named)


def _note(line: str) -> None:
    with LEDGER.open("a", encoding="ascii") as ledger:
        ledger.write(line + "\n")


class Applicant(HttpUser):
    """One browser, with one person after another in front of it."""

    wait_time = between(SLOWEST / 3, SLOWEST)
    numbers: ClassVar[list[str]] = []
    turn: ClassVar[Iterator[int]] = count()
    places: ClassVar[Iterator[int]] = count()

    def on_start(self) -> None:
        if not Applicant.numbers:
            Applicant.numbers.extend(NUMBERS.read_text(encoding="ascii").split())
        place = next(Applicant.places)
        self.client.mount("http://", _From(f"127.0.{1 + place // 250}.{1 + place % 250}"))
        self.page = ""
        # Nobody comes at the very same second.
        self._pause(random.random())

    def _pause(self, part: float = 1.0) -> None:
        gevent.sleep(self.wait_time() * part)

    @task
    def register(self) -> None:
        """From signing in to the application's number."""
        place = next(Applicant.turn)
        if place >= len(Applicant.numbers):
            raise StopUser
        number = Applicant.numbers[place]
        self.client.cookies.clear()
        self._get("/sign-in")
        self._post("/sign-in", {"username": number, "password": PASSWORD}, "sign in")
        self._get("/application")
        self._pause()
        self._post("/application/start", {}, "save a page")
        for step, typed in _STEPS:
            self._pause()
            self._post(f"/application/steps/{step}", typed, "save a page")
        for kind in _KINDS:
            self._pause(0.5)
            self._upload(kind)
        self._get("/application/steps/pledge")
        self._pause(0.5)
        self._post("/application/steps/pledge", {"pledged": "y"}, "save a page")
        self._pause(0.5)
        self._post("/application/preview", {}, "submit")
        if self.address == "/application":
            _note(number)
        self._get("/application")
        self._pause()

    def _get(self, path: str) -> None:
        with self.client.get(path, name="page", catch_response=True) as answer:
            self._read(answer)

    def _read(self, answer: Any) -> None:
        self.page = answer.text
        if answer.status_code != 200:
            answer.failure(f"{answer.status_code} at {answer.url}")

    def _post(self, path: str, typed: dict[str, str], name: str) -> None:
        """Send a form as the browser does, and look at the page it leads to."""
        data = {**dict(_HIDDEN.findall(self.page)), **typed}
        with self.client.post(path, data=data, name=name, allow_redirects=False, catch_response=True) as answer:
            if answer.status_code != 302:
                answer.failure(f"{answer.status_code} at {path}")
                raise StopUser
            self.address = answer.headers["Location"]
        self._get(self.address)

    def _upload(self, kind: str) -> None:
        """Send a file as the page's script does, which shows the picture that it has itself."""
        content = _PHOTO if kind == "photo" else random.choice(_SCANS)
        with self.client.post(
            f"/application/materials/{kind}",
            data=dict(_HIDDEN.findall(self.page)),
            files={"files": (f"{kind}.jpg", content, "image/jpeg")},
            headers={"Accept": "application/json", "X-Autosave": "1"},
            name="upload",
            catch_response=True,
        ) as answer:
            if answer.status_code != 200:
                answer.failure(f"{answer.status_code} at {kind}")
                raise StopUser
