"""A served app on a fresh database, and a real browser in the sizes of an office's screen and of a phone."""

import logging
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import pytest
from flask import Flask
from flask_migrate import upgrade
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright
from sqlalchemy import event, select
from werkzeug.serving import make_server

from app import create_app
from gongkao import clock
from gongkao.config import Settings
from gongkao.extensions import db
from gongkao.models import Account, Agency, Role
from gongkao.rules.routing import UnitLevel
from gongkao.services import accounts, installation, settings, units
from gongkao.services.passwords import hash_password
from gongkao.services.transaction import transaction
from tests import world
from tests.journeys.pages import Screen

COUNTY = world.TAKEN_OVER_COUNTY
BUREAU, SCHOOL = "中牟县晴川局", "中牟县晴川学校"
CITY = "410100"
# The journeys that everybody goes on are tried at the first two sizes; the counter on site has a tablet.
SIZES = {"office": (1366, 768), "phone": (390, 844), "tablet": (1024, 768)}
PATIENCE = 30_000  # milliseconds
ScreenOf = TypeVar("ScreenOf", bound=Screen)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.journey)


def _settings(folder: Path) -> Settings:
    return Settings(mode="test", instance=folder, secret_key="a key for journeys only, long enough to be taken")


@pytest.fixture(scope="session")
def site_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database with the starting data, a county that has taken over, its agency, a bureau and a school.

    The bureau, the agency's people, the city's and an inspector of the county have accounts; the school has none yet.
    """
    folder = tmp_path_factory.mktemp("site")
    app = create_app(_settings(folder))
    clock.install(clock.on_day(date(2025, 3, 10)))
    with app.app_context():
        upgrade(directory=app.extensions["migrate"].directory)
        with transaction() as session:
            hashed = hash_password(world.PASSWORD)
            centre = installation.set_up(Role.AGENCY_MANAGER).account
            county, city = (session.scalars(select(Agency).where(Agency.code == code)).one() for code in (COUNTY, CITY))
            for agency, role, name in (
                (county, Role.AGENCY_OFFICER, "管事"),
                (county, Role.AGENCY_OFFICER, "管复"),
                (county, Role.AGENCY_MANAGER, "管总"),
                (county, Role.INSPECTOR, "巡一"),
                (city, Role.AGENCY_MANAGER, "管城"),
            ):
                settings.issue_officer(centre, agency_id=agency.id, role=role, name=name)
            settings.switch_taken_over(centre, county.id, True)
            bureau = _unit(1, BUREAU, None)
            _unit(2, SCHOOL, bureau)
            accounts.issue_unit_administrator(centre, units.find(centre, bureau), name="管一", mobile="13800000001")
            for account in session.scalars(select(Account)):
                account.password_hash = hashed
                account.must_change_password = False
        db.session.remove()
        db.engine.dispose()
    clock.install(clock.real_time)
    return folder


def _unit(serial: int, name: str, above: int | None) -> int:
    made = units.create_unit(
        None,
        name=name,
        credit_code=world.credit_code(serial),
        level=UnitLevel.COUNTY,
        region_code=COUNTY,
        supervising_unit_id=above,
    )
    return made.id


@dataclass
class Site:
    """The served app, and the browser to visit it with."""

    app: Flask
    address: str
    browser: Browser
    size: tuple[int, int]

    def today(self, day: date) -> None:
        clock.install(clock.on_day(day))

    def visit(self, screen: type[ScreenOf], name: str, *, javascript: bool = True) -> ScreenOf:
        """Somebody at a browser of their own."""
        width, height = self.size
        context: BrowserContext = self.browser.new_context(
            viewport={"width": width, "height": height},
            locale="zh-CN",
            java_script_enabled=javascript,
            has_touch=self.size == SIZES["tablet"],
        )
        context.set_default_timeout(PATIENCE)
        return screen(context, self.address, name)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = shutil.which("chromium")
    assert path is not None, "Chromium is not installed: run `make test`, or apt-get install chromium"
    # Patient with a busy machine: nothing here depends on how long anything takes.
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        yield started
        started.close()


def _wait_as_long(connection: Any, _record: Any) -> None:
    """The database, too, is waited for as long as the browser waits: on a starved machine a disk takes its time."""
    connection.execute(f"PRAGMA busy_timeout={PATIENCE}")


@pytest.fixture(params=["office", "phone"])
def site(request: pytest.FixtureRequest, site_template: Path, tmp_path: Path, browser: Browser) -> Iterator[Site]:
    folder = tmp_path / "site"
    shutil.copytree(site_template, folder)
    app = create_app(_settings(folder))
    with app.app_context():
        event.listen(db.engine, "connect", _wait_as_long)
    # One line for every file of every page would hide what a failure has to say.
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Site(app, f"http://127.0.0.1:{server.server_port}", browser, SIZES[request.param])
    server.shutdown()
    thread.join()
    for context in browser.contexts:
        context.close()
    with app.app_context():
        db.engine.dispose()
    clock.install(clock.real_time)
