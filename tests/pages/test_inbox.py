"""The inbox's page."""

from collections.abc import Callable

from flask.testing import FlaskClient
from sqlalchemy import select

from gongkao.extensions import db
from gongkao.models import Account, Message
from gongkao.rules.workflow import Status
from tests import factories
from tests.world import World


def test_the_page_opens_what_it_tells_of(world: World, sign_in: Callable[[Account], FlaskClient]) -> None:
    made = factories.application(factories.person("丁小满"), world.school, status=Status.AGENCY_REVIEW)
    browser = sign_in(world.officer)
    assert "申报待办理：丁小满" in browser.get("/inbox").text
    message_id = db.session.scalars(select(Message.id).where(Message.agency_id.is_not(None))).one()
    answer = browser.get(f"/inbox/{message_id}")
    assert answer.status_code == 302 and answer.location.endswith(f"/review/{made.id}")
    assert sign_in(world.far_officer).get(f"/inbox/{message_id}").status_code == 404
