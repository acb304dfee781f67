"""The page on which an agency merges a unit into another."""

from collections.abc import Callable

from flask.testing import FlaskClient

from gongkao.extensions import db
from gongkao.models import Account
from tests.pages.reading import error_beside, main_of
from tests.world import World

SignIn = Callable[[Account], FlaskClient]


def test_merging_asks_for_a_deliberate_yes(world: World, sign_in: SignIn) -> None:
    client, school = sign_in(world.officer), world.school
    assert f"/units/{school.id}/merge" in client.get(f"/units/{school.id}").text
    assert "1个账户停用" in main_of(client.get(f"/units/{school.id}/merge"))
    typed = {"into": "中牟县云溪站", "reason": "牟编〔2025〕3号"}
    refused = client.post(f"/units/{school.id}/merge", data=typed)
    assert refused.status_code == 422 and error_beside(refused.text, "sure", "不能撤销")
    wrong = client.post(f"/units/{school.id}/merge", data={**typed, "into": "没有的单位", "sure": "y"})
    assert error_beside(wrong.text, "into", "没有找到") and "牟编〔2025〕3号" in wrong.text
    done = client.post(f"/units/{school.id}/merge", data={**typed, "sure": "y"})
    assert done.location == f"/units/{world.station.id}"
    db.session.expire_all()
    assert not school.active
    assert "该单位已停用" in client.get(f"/units/{school.id}/merge").text


def test_only_agencies_in_charge_merge(world: World, sign_in: SignIn) -> None:
    path = f"/units/{world.school.id}/merge"
    assert sign_in(world.far_officer).get(path).status_code == 404
    for account in (world.bureau_administrator, world.inspector):
        assert sign_in(account).get(path).status_code == 403
