"""The `flask` commands, each on an empty database of its own."""

import re
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import func, select

from app import create_app
from gongkao import clock
from gongkao.config import Settings
from gongkao.extensions import db
from gongkao.models import Account, Application, ApplicationEvent, RegistrationSheet, Role, SheetStatus
from gongkao.rules import fields
from gongkao.rules.workflow import Status
from gongkao.services import accounts

SECRET = "a key for tests only, long enough to be taken"
Make = Callable[[str], Flask]


@pytest.fixture
def empty_app(tmp_path: Path) -> Iterator[Make]:
    """Make an app in a mode, its database migrated and empty."""

    def make(mode: str) -> Flask:
        app = create_app(Settings(mode=mode, instance=tmp_path, secret_key=SECRET, database_url="", clock=None))
        with app.app_context():
            upgrade(directory=app.extensions["migrate"].directory)
            db.session.remove()
        return app

    yield make
    clock.install(clock.real_time)


def test_init_issues_one_account_once(empty_app: Make) -> None:
    app = empty_app("production")
    result = app.test_cli_runner().invoke(args=["init"])
    assert result.exit_code == 0, result.output
    password = re.search(r"密码：(\S+)", result.output)
    assert password is not None
    with app.app_context():
        account = db.session.scalars(select(Account)).one()
        assert account.role is Role.AGENCY_MANAGER and account.must_change_password
        assert accounts.check_password("gl410000", password[1]) is not None
    again = app.test_cli_runner().invoke(args=["init"])
    assert again.exit_code == 1 and "已初始化过" in again.output


def test_demo_is_refused_outside_a_demonstration(empty_app: Make) -> None:
    app = empty_app("production")
    for more in ([], ["--applications", "1000"]):
        result = app.test_cli_runner().invoke(args=["demo", *more])
        assert result.exit_code == 1 and "GONGKAO_MODE=demonstration" in result.output
    result = app.test_cli_runner().invoke(args=["demo", "--applications", "many"])
    assert result.exit_code == 1 and "应为1至5000000之间的整数" in result.output
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(Account)) == 0


def test_demo_shows_every_stage_and_keeps_what_was_done(empty_app: Make) -> None:
    app = empty_app("demonstration")
    runner = app.test_cli_runner()
    first = runner.invoke(args=["demo"])
    assert first.exit_code == 0, first.output
    lines = [line.split() for line in first.stdout.splitlines()][1:]
    with app.app_context():
        roles = {accounts.check_password(line[1], line[2]).role for line in lines}  # type: ignore[union-attr]
        assert roles == set(Role)
        assert set(db.session.scalars(select(Application.status))) == set(Status)
        assert set(db.session.scalars(select(RegistrationSheet.status))) >= {SheetStatus.SUBMITTED}
        assert clock.today() == date(2025, 3, 20)
        days = {at.date() for at in db.session.scalars(select(ApplicationEvent.at))}
        assert date(2025, 3, 13) <= min(days) and max(days) <= date(2025, 3, 19)
        for application in db.session.scalars(select(Application)):
            fields.identity_number(application.person.identity_number)
            assert application.unit is not None
            fields.credit_code(application.unit.credit_code)
        before = _counts()
    second = runner.invoke(args=["demo"])
    assert second.stdout == first.stdout
    with app.app_context():
        assert _counts() == before


def _counts() -> dict[str, int | None]:
    tables = db.metadata.sorted_tables
    # Signing in above is on record too, so the audit trail is left out.
    return {
        table.name: db.session.scalar(select(func.count()).select_from(table))
        for table in tables
        if table.name != "audit_entry"
    }
