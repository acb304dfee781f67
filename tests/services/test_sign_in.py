"""Signing in: guessing slows down without keeping the rightful person out, and sessions end when they should."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from gongkao.clock import ZONE
from gongkao.extensions import db
from gongkao.models import Account, AuditEntry, FailureCount, Role, SignedInSession
from gongkao.rules import throttle
from gongkao.services import accounts, second_factor, sessions, sign_in
from gongkao.services.errors import NotFound
from gongkao.services.sign_in import Device, TooMany
from gongkao.services.transaction import transaction
from tests.services.conftest import Together
from tests.statements import sent
from tests.world import PASSWORD, World

START = datetime(2026, 3, 20, 9, 0, tzinfo=UTC).astimezone(ZONE)
Pass = Callable[[timedelta], None]


@pytest.fixture
def passing(monkeypatch: pytest.MonkeyPatch) -> Pass:
    """Real time stands still until the test lets some of it pass."""
    moment = [START]
    for module in (sessions, sign_in):
        monkeypatch.setattr(module, "real_time", lambda: moment[0])

    def let(time: timedelta) -> None:
        moment[0] += time

    return let


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundreds of guesses: without the slow hash, which is not what is tested here."""
    monkeypatch.setattr(accounts, "verify_password", lambda stored, typed: stored is not None and typed == PASSWORD)


def _guess(username: str, times: int, address: str = "203.0.113.9", device: Device | None = None) -> int:
    """Guess wrongly so often; how many attempts were looked at before one had to wait."""
    for done in range(times):
        try:
            assert sign_in.check(username, "wrong", address=address, device=device) is None
        except TooMany:
            return done
    return times


@pytest.mark.parametrize("limit", [throttle.ACCOUNT, throttle.DEVICE, throttle.ADDRESS])
def test_the_wait_grows_to_its_longest_and_fades(limit: throttle.Limit) -> None:
    waits = [limit.wait(failures) for failures in range(limit.free + 40)]
    assert not any(waits[: limit.free]) and waits[limit.free] == limit.first
    assert waits == sorted(waits) and waits[-1] == limit.longest
    assert (
        limit.left(7, timedelta()) == 7 and limit.left(7, 3 * limit.leak) == 4 and limit.left(7, 99 * limit.leak) == 0
    )
    assert limit.left(7, timedelta(days=-1)) == 7, "a clock set back forgets nothing"


@pytest.mark.usefixtures("quick")
def test_guessing_at_one_account_slows_down_for_names_that_exist_and_do_not(world: World, passing: Pass) -> None:
    for username in (world.officer.username, "nobody", f" {world.manager.username.upper()} "):
        assert _guess(username, 50) == throttle.ACCOUNT.free
        with pytest.raises(TooMany) as caught:
            sign_in.check(username, PASSWORD, address="198.51.100.7")
        assert caught.value.message == "登录失败次数过多，请1分钟后再试。忘记密码请看下方说明。"
    looked_at = 0
    for _ in range(24 * 60):
        passing(timedelta(minutes=1))
        looked_at += _guess(world.officer.username, 1, address="192.0.2.1")
    assert looked_at < 60, "guesses a day"


@pytest.mark.usefixtures("quick", "passing")
def test_nobody_keeps_the_rightful_person_out(world: World) -> None:
    """Whoever guesses from elsewhere, or from the same office's address, leaves a known browser alone."""
    username = world.officer.username
    own = Device("d1").after(username)
    _guess(username, 10, address="10.0.0.8")
    for other in range(100):
        _guess(f"other{other}", 1, address="10.0.0.8")
    assert _guess(username, 1, address="10.0.0.8") == 0
    found = sign_in.check(username.upper(), PASSWORD, address="10.0.0.8", device=own)
    assert found is not None and found.id == world.officer.id
    assert _guess(username, 1, address="10.0.0.8") == 0, "their signing in gives the guesser nothing"
    assert _guess(username, 50, device=own) == throttle.DEVICE.free, "nor may that browser guess on"
    assert _guess(world.manager.username, 1, address="10.0.0.8", device=own) == 0, "it is known for that account alone"


@pytest.mark.usefixtures("quick")
def test_guessing_at_many_accounts_from_one_address_slows_down(world: World, passing: Pass) -> None:
    assert sum(_guess(f"name{number}", 1) for number in range(200)) == throttle.ADDRESS.free
    assert _guess("name", 1, address="198.51.100.7") == 1
    passing(timedelta(hours=2))
    assert _guess("name", 1) == 1


@pytest.mark.usefixtures("quick", "passing")
def test_an_office_that_signs_in_all_morning_is_not_slowed_down(world: World) -> None:
    for _ in range(3 * throttle.ADDRESS.free):
        assert sign_in.check(world.officer.username, PASSWORD, address="10.0.0.8") is not None


def test_many_guesses_at_once_are_no_more_than_one_after_another(
    world: World, together: Together, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []
    monkeypatch.setattr(accounts, "verify_password", lambda _stored, typed: bool(tried.append(typed)))
    username = world.officer.username
    sign_in.check(username, "0", address="203.0.113.9")
    together(*(lambda: sign_in.check(username, "1", address="203.0.113.9") for _ in range(12)))
    assert len(tried) <= throttle.ACCOUNT.free


def test_counts_name_nobody_and_fade(world: World, passing: Pass) -> None:
    _guess(world.applicant.sign_in_name, 2)
    kept = db.session.scalars(select(FailureCount.subject)).all()
    assert len(kept) == 2 and not any("203.0" in one or world.applicant.sign_in_name in one for one in kept)
    passing(timedelta(days=3))
    sign_in.forget_old()
    assert db.session.scalar(select(func.count()).select_from(FailureCount)) == 0


def test_the_second_factor_is_not_guessed_either(world: World, passing: Pass, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(second_factor, "verify", lambda *_: False)
    with pytest.raises(TooMany):
        for _ in range(throttle.ACCOUNT.free + 1):
            assert not sign_in.check_code(world.officer, "000000")


def test_the_half_way_note_is_void_with_a_new_password(world: World) -> None:
    note = sign_in.half_way(world.officer)
    found = sign_in.found_half_way(note)
    assert found is not None and found.id == world.officer.id
    for broken in ("", "1", f"{world.manager.id}.{note.partition('.')[2]}", "²." + "0" * 64):
        assert sign_in.found_half_way(broken) is None
    accounts.change_password(world.officer, current=PASSWORD, new="山高水长-2025")
    assert sign_in.found_half_way(note) is None


def test_both_kinds_of_attempt_are_on_record(world: World) -> None:
    sign_in.check(world.officer.username, "wrong", address="203.0.113.9", browser="Mozilla (Windows NT 10.0) Firefox/9")
    sign_in.check("nobody", "wrong", address="203.0.113.9")
    sign_in.complete(world.officer, address="10.0.0.8", browser="Mozilla (Linux; Android 9) Chrome/86 MicroMessenger")
    assert [(line.succeeded, line.browser) for line in sign_in.latest(world.officer)] == [
        (True, "安卓手机 · 微信"),
        (False, "Windows电脑 · 火狐浏览器"),
    ]
    failed = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "sign_in_failed")).all()
    assert len(failed) == 2 and "nobody" not in str([(one.actor, one.detail, one.subject_id) for one in failed])


def _entered(token: str) -> Account | None:
    """As the next request would find it."""
    db.session.rollback()
    return sessions.account_of(token)


def test_a_session_ends_when_idle_and_in_any_case_at_last(world: World, passing: Pass) -> None:
    token = sessions.begin(world.officer)
    for _ in range(13):
        passing(timedelta(minutes=54))
        assert _entered(token) is not None
    passing(timedelta(minutes=54))
    assert _entered(token) is None, "after twelve hours, used or not"
    token = sessions.begin(world.officer)
    passing(timedelta(minutes=60))
    assert _entered(token) is None, "after an hour without a page"
    sessions.forget_ended()
    assert db.session.scalar(select(func.count()).select_from(SignedInSession)) == 0


def test_a_session_ends_with_the_account_its_role_or_its_password(world: World) -> None:
    def fresh(account: Account) -> str:
        token = sessions.begin(account)
        assert _entered(token) is not None
        return token

    token = fresh(world.officer)
    with transaction():
        world.officer.role = Role.AGENCY_MANAGER
    assert _entered(token) is None
    token = fresh(world.officer)
    with transaction():
        accounts.renew_password(world.manager, world.officer, [])
    assert _entered(token) is None
    token = fresh(world.officer)
    with transaction():
        accounts.end_account(world.manager, world.officer, "测试")
    assert _entered(token) is None


def test_one_ends_ones_own_sessions_and_nobody_elses(world: World) -> None:
    here, elsewhere, third = (sessions.begin(world.officer) for _ in range(3))
    foreign = sessions.begin(world.far_officer)
    lines = sessions.of(world.officer, here)
    assert [line.here for line in lines] == [True, False, False]
    with pytest.raises(NotFound):
        sessions.end(world.officer, sessions.of(world.far_officer, foreign)[0].id)
    sessions.end(world.officer, next(line.id for line in sessions.of(world.officer, elsewhere) if line.here))
    assert sessions.account_of(elsewhere) is None and sessions.account_of(third) is not None
    sessions.end_others(world.officer, here)
    assert sessions.account_of(third) is None
    assert sessions.account_of(here) is not None and sessions.account_of(foreign) is not None
    sessions.sign_out(here)
    assert sessions.account_of(here) is None


def test_the_database_holds_no_secret_and_is_asked_once(world: World, passing: Pass) -> None:
    token = sessions.begin(world.officer)
    assert token not in str(db.session.execute(select(SignedInSession.__table__)).all())
    db.session.rollback()
    db.session.expunge_all()
    with sent() as statements:
        for _ in range(3):
            _entered(token)
            passing(timedelta(seconds=20))
    assert [one.split()[0] for one in statements] == ["SELECT"] * 3
    with sent() as statements:
        _entered(token)
        _entered(token)
    assert [one.split()[0] for one in statements] == ["SELECT", "UPDATE", "SELECT"]
