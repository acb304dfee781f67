"""No list asks the database row by row: as many statements for three rows as for a whole page."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Select, select

from gongkao import clock
from gongkao.extensions import db
from gongkao.models import (
    Account,
    Application,
    Cycle,
    Deferral,
    DeferralStatus,
    HelpStatus,
    Job,
    JobState,
    PasswordHelp,
    Sample,
    Unit,
)
from gongkao.rules.workflow import Status
from gongkao.services import listing
from gongkao.services.invented import identity_number
from gongkao.services.transaction import transaction
from tests.pages import provinces
from tests.pages.conftest import Counted

# Lists that have no more than a few rows in the province, or none that a manager sees.
SHORT = {
    *("/onsite", "/onsite/originals", "/oversight", "/reports", "/settings/conditions/versions", "/settings/filings"),
    *("/rechecks", "/cases", "/oversight/bans", "/tickets"),
}


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    """The app on an invented province instead of the world."""
    made = provinces.make(tmp_path, 2_000, years=2, busy=500)
    with made.app_context():
        yield made
        db.session.remove()
        db.engine.dispose()
    clock.install(clock.real_time)


def _more(city: Account) -> None:
    """What the province has none of: requests for passwords, work in the background, samples."""
    assert city.agency_id is not None
    unit = db.session.scalars(select(Unit.id).where(Unit.agency_id == city.agency_id)).first()
    assert unit is not None
    cycle_id = db.session.scalars(select(Cycle.id).where(Cycle.current)).one()
    with transaction() as session:
        for number in range(5):
            asked = PasswordHelp(name="荀立冬", identity_number=identity_number("410122", date(1990, 1, 1), number + 1))
            asked.mobile, asked.unit_id, asked.agency_id = "13800000000", unit, city.agency_id
            asked.status = HelpStatus.WAITING
            job = Job(kind="notices", title="测试", account_id=city.id, state=JobState.DONE, done=1, total=1, items=[])
            sample = Sample(cycle_id=cycle_id, agency_id=city.agency_id, title=f"抽查{number}", seed=1, size=1)
            sample.population, sample.criteria, sample.drawn_by_id = 1, {"outcome": "", "asked": "1人"}, city.id
            session.add_all([asked, job, sample])


def test_no_list_asks_row_by_row(app: Flask, statements: Counted, monkeypatch: pytest.MonkeyPatch) -> None:
    people = provinces.people()
    _more(people["city"])
    browsers = [provinces.browser(app, one) for one in people.values()]
    filled: set[str] = set()
    for path in provinces.at_their_time(app):
        for browser in browsers:
            sent: dict[int, tuple[list[str], int]] = {}
            for rows in (3, 20):
                monkeypatch.setattr(listing, "PER_PAGE", rows)
                answer = browser.get(path)
                if answer.status_code in (302, 403, 404):
                    break
                assert answer.status_code == 200, (path, answer.status)
                with statements() as counted:
                    answer = browser.get(path)
                sent[rows] = (counted, answer.text.count("data-label="))
            if not sent:
                continue
            (few, cells), (many, more_cells) = sent[3], sent[20]
            assert len(many) <= len(few), (path, [one for one in many if one not in few])
            assert len(many) <= 12, (path, many)
            if more_cells > cells:
                filled.add(path)
    assert set(provinces.lists(app)) - filled <= SHORT | {one for one in provinces.lists(app) if "<" in one}


def test_what_a_page_is_found_and_counted_by_finds_what_the_list_holds(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without what a list joins to be shown, and under each of its filters, the same rows are there."""
    drafts = db.session.scalars(select(Application).where(Application.status == Status.DRAFT)).all()
    with transaction():
        for draft in drafts[:20]:
            draft.deferral = Deferral(status=DeferralStatus.PLEDGED, years=[2024], pledged_at=clock.now())
    compared: set[str] = set()
    genuine = listing.run

    def ids(source: listing.Listing, chosen: dict[str, str], query: Select[Any]) -> set[Any]:
        keys = listing._narrowed(source, chosen, query).order_by(None)
        return set(db.session.scalars(keys.with_only_columns(source.tie, maintain_column_froms=True)))

    def compare(source: listing.Listing, args: dict[str, str], *more: Any) -> listing.Page:
        choices = [{one.key: value} for one in source.filters for value, _ in one.choices[:4]]
        for other in (source.bare, source.count_from):
            for chosen in ({}, *choices) if other is not None else ():
                assert ids(source, chosen, other) == ids(source, chosen, source.query), (source.title, chosen)
                compared.add(source.title)
        return genuine(source, args, *more)

    monkeypatch.setattr(listing, "run", compare)
    browsers = [provinces.browser(app, one) for one in provinces.people().values()]
    for path in provinces.at_their_time(app):
        for browser in browsers:
            assert browser.get(path).status_code in (200, 302, 403, 404), path
    assert len(drafts) > 0 and compared >= {
        "容缺后补",
        "单位名称核对审核",
        "考核结果",
        "等级证书",
        "考核档案",
        "操作记录",
    }
