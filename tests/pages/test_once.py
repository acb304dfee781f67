"""A form that is sent twice is handled once, and leads where it led."""

import re
from collections.abc import Callable
from datetime import date, timedelta
from io import BytesIO
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from gongkao import clock
from gongkao.config import ROOT
from gongkao.extensions import db
from gongkao.models import Account, AuditEntry, HandledPost, Material, SiteIncident, StoredFile
from gongkao.rules.materials import MaterialKind
from gongkao.services import handled
from tests import exams, factories
from tests.world import PASSWORD, World

SignIn = Callable[[Account], FlaskClient]
NOTE = "这次提交已经办理，没有重复办理。"
INCIDENT = {"day": "2025-05-05", "at": "9:30", "what": "停电十分钟。", "measures": "已改用备用电源。"}
KEY = re.compile(r'name="request_key" value="([^"]+)"')


def _count(model: type, *where: object) -> int:
    return db.session.scalar(select(func.count()).select_from(model).where(*where)) or 0  # type: ignore[arg-type]


def _key(client: FlaskClient, address: str) -> str:
    found = KEY.search(client.get(address).text)
    assert found is not None, address
    return found[1]


@pytest.fixture
def incidents(world: World, at: Callable[[date], None]) -> str:
    """The address where a city's officer records an incident: nothing but the key tells two alike apart."""
    at(exams.PLANNING_DAY)
    return f"/sites/{exams.site(world).id}/incidents"


def test_what_is_sent_again_is_not_done_again(world: World, sign_in: SignIn, incidents: str) -> None:
    office = sign_in(world.city_officer)
    post = {**INCIDENT, "request_key": _key(office, incidents)}
    assert _key(office, incidents) == post["request_key"], "a page opened again before an answer came"
    first = office.post(incidents, data=post)
    assert _key(office, incidents) != post["request_key"]
    audited = _count(AuditEntry)
    again = office.post(incidents, data=post)
    assert (first.status_code, again.status_code) == (302, 302)
    assert again.location == first.location
    assert _count(SiteIncident) == 1 and _count(AuditEntry) == audited
    page = office.get(again.location).text
    assert NOTE in page and f'data-saved="{incidents}"' in page

    # The page gone back to and sent with something else is another post; so is the same from a fresh page, from
    # another person, or without a key.
    office.post(incidents, data={**post, "what": "又停电五分钟。"})
    office.post(incidents, data={**INCIDENT, "request_key": _key(office, incidents)})
    sign_in(world.account("gl410100")).post(incidents, data=post)
    office.post(incidents, data=INCIDENT)
    assert _count(SiteIncident) == 5


def test_a_refused_form_may_be_sent_again_from_the_same_page(world: World, sign_in: SignIn, incidents: str) -> None:
    office = sign_in(world.city_officer)
    post = {**INCIDENT, "request_key": _key(office, incidents)}
    for _ in range(2):
        assert office.post(incidents, data={**post, "day": "昨天"}).status_code == 422
    assert office.post(incidents, data=post).status_code == 302
    assert _count(SiteIncident) == 1 and _count(HandledPost) == 1


def test_counting_attempts_to_sign_in_handles_no_form(app: Flask, world: World) -> None:
    visitor = app.test_client()
    wrong = {"username": "dwschool", "password": "wrong", "request_key": _key(visitor, "/sign-in")}
    assert [visitor.post("/sign-in", data=wrong).status_code for _ in range(2)] == [422, 422]
    right = visitor.post("/sign-in", data={**wrong, "password": PASSWORD})
    assert right.status_code == 302 and visitor.get("/profile").status_code == 200
    assert _count(HandledPost) == 0


def test_an_upload_that_comes_twice_is_kept_once(world: World, sign_in: SignIn) -> None:
    made = factories.application(world.person("孟听雨"), world.school)
    person = sign_in(world.applicant)
    address = "/application/materials"
    before = _count(StoredFile)
    key = _key(person, address)
    kind = MaterialKind.EDUCATION
    first, another = factories.pdf(2), factories.pdf(3)
    for pdf in (first, first, another):
        answer = person.post(f"{address}/{kind.value}", data={"files": (BytesIO(pdf), "证件.pdf"), "request_key": key})
        assert answer.status_code == 302, answer.text
    assert _count(StoredFile) == before + 2
    assert _count(Material, Material.application_id == made.id, Material.kind == kind) == 2


def test_old_posts_are_forgotten(app: Flask, world: World, sign_in: SignIn, incidents: str) -> None:
    office = sign_in(world.city_officer)
    office.post(incidents, data={**INCIDENT, "request_key": _key(office, incidents)})
    runner = app.test_cli_runner()
    assert runner.invoke(args=["deadlines", "run"]).exit_code == 0 and _count(HandledPost) == 1
    db.session.query(HandledPost).update({"at": clock.real_time() - handled.KEPT - timedelta(minutes=1)})
    db.session.commit()
    assert runner.invoke(args=["deadlines", "run"]).exit_code == 0 and _count(HandledPost) == 0


def test_every_form_that_posts_carries_the_key() -> None:
    """By `form_open`, or by hand beside the token. Signing out twice is signing out; the style guide posts nowhere."""
    without = [
        path.relative_to(ROOT).as_posix()
        for path in Path(ROOT, "templates").rglob("*.html")
        if re.search(r'<form[^>]*method="post"', (text := path.read_text(encoding="utf-8")))
        and "request_key" not in text
    ]
    assert sorted(without) == ["templates/layouts/_account.html", "templates/styleguide.html"]
