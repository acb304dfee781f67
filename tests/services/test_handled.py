"""The same post at the same moment: real parallel transactions on either database."""

from datetime import date
from typing import Any

from flask import Flask
from sqlalchemy import func, select

from gongkao import clock
from gongkao.extensions import db
from gongkao.models import Account, AuditEntry, HandledPost, SiteIncident
from gongkao.services import handled, sites
from gongkao.services.handled import AlreadyHandled, Post
from tests import exams
from tests.services.test_workflow_concurrency import ROUNDS, both_at_once
from tests.world import World

INCIDENT = {"day": "2025-05-05", "at": "9:30", "what": "停电十分钟。", "measures": "已改用备用电源。"}


def _count(model: type) -> int:
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def test_of_one_post_sent_twice_at_once_exactly_one_is_handled(app: Flask, world: World) -> None:
    clock.install(clock.on_day(exams.PLANNING_DAY))
    site_id = exams.site(world).id
    audited = _count(AuditEntry)
    db.session.remove()

    def sends(serial: int) -> Any:
        def use_case() -> None:
            handled.post.set(Post(f"{serial:064d}"))
            actor = db.session.scalars(select(Account).where(Account.username == "gk410100")).one()
            sites.record_incident(actor, site_id, **INCIDENT)

        return use_case

    for serial in range(ROUNDS):
        raised = both_at_once(app, sends(serial), sends(serial))
        assert sorted(type(error) for error in raised if error is not None) == [AlreadyHandled], raised
    assert (_count(SiteIncident), _count(HandledPost), _count(AuditEntry)) == (ROUNDS, ROUNDS, audited + ROUNDS)


def test_what_is_undone_was_not_handled(app: Flask, world: World) -> None:
    """A post whose use case fails may come again; of several use cases of one post the first one counts."""
    clock.install(clock.on_day(date(2025, 5, 6)))
    site_id = exams.site(world).id
    present = Post("a" * 64)
    handled.post.set(present)
    try:
        sites.record_incident(world.city_officer, site_id, **{**INCIDENT, "day": "昨天"})
    except Exception:
        db.session.rollback()
    assert not present.kept and handled.earlier(present.digest) is None
    sites.record_incident(world.city_officer, site_id, **INCIDENT)
    sites.record_incident(world.city_officer, site_id, **INCIDENT)
    assert present.kept and handled.earlier(present.digest) == ""
    assert (_count(SiteIncident), _count(HandledPost)) == (2, 1)
