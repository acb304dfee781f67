"""Past one machine: two servers, a worker, Redis, PostgreSQL with a replica and an S3-compatible store as one."""

import io
import re
import shutil
import signal
import sys
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import psycopg
import pytest

from app import create_app
from gongkao import clock
from gongkao.config import S3Place, load_settings
from gongkao.extensions import db
from gongkao.services import replica
from gongkao.storage.uploads import page_count
from tests import conftest, factories
from tests.conftest import REGISTRATION_DAY, PostgresServer
from tests.postgres import Replica, start_replica
from tests.redis_server import RedisServer
from tests.s3_server import client, start_s3
from tests.scaling.servers import Browser, Front, Program, Server, until
from tests.services.released import RESULTS_DAY, release
from tests.world import PASSWORD, World

# One system serves all tests of this file, in their order.
pytestmark = pytest.mark.xdist_group("servers")
AUDIT_KEY = "an audit key for tests only, long enough"


@dataclass
class System:
    a: Server
    b: Server
    front: Front
    worker: Program
    redis: RedisServer
    s3: S3Place
    replica: Replica
    applicant: str
    release_id: int

    def today(self, day: date) -> None:
        for server in (self.a, self.b):
            (server.instance / "demonstration-day").write_text(day.isoformat(), encoding="ascii")


@pytest.fixture(scope="module")
def system(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    tmp_path = tmp_path_factory.mktemp("system")
    name, redis = postgres.fresh(), RedisServer()
    url = postgres.database_url(name)
    redis.start()
    programs: list[Program] = []
    try:
        with start_s3() as place, start_replica(url) as second:
            environment = {
                "FLASK_APP": "app",
                "GONGKAO_MODE": "demonstration",
                "GONGKAO_CLOCK": REGISTRATION_DAY.isoformat(),
                "GONGKAO_DATABASE_URL": url,
                "GONGKAO_REPORTS_DATABASE_URL": second.url,
                "GONGKAO_REPORTS_MAX_LAG_SECONDS": "2",
                "GONGKAO_REDIS_URL": redis.url,
                "GONGKAO_S3_ENDPOINT": place.endpoint,
                "GONGKAO_S3_BUCKET": place.bucket,
                "GONGKAO_S3_KEY_ID": place.key_id,
                "GONGKAO_S3_SECRET": place.secret,
                "GONGKAO_SECRET_KEY": conftest.SECRET,
                "GONGKAO_AUDIT_KEY": AUDIT_KEY,
                "GONGKAO_TRUSTED_PROXIES": "1",
                "GONGKAO_REQUEST_LOG": "true",
            }
            a, b = Server("a", tmp_path, environment), Server("b", tmp_path, environment)
            worker = Program(
                [sys.executable, "-m", "flask", "worker", "--processes", "1"],
                {**environment, "GONGKAO_INSTANCE": str(a.instance)},
                tmp_path / "worker.log",
            )
            front = Front(tmp_path, [a.port, b.port])
            people = _people(url, place, a, b)
            programs += [a, b, worker, front]
            for program in programs:
                program.start()
            for server in (a, b):
                until(server.answers, server.log.name)
            yield System(a, b, front, worker, redis, place, second, *people)
    finally:
        for program in programs:
            program.kill()
        redis.kill()
        postgres.drop(name)


def _people(url: str, place: S3Place, *servers: Server) -> tuple[str, int]:
    """An applicant with a draft, and people with results: the account's name, and the number of their release."""
    settings = conftest._settings(servers[0].instance, url)
    given = {"s3_endpoint": place.endpoint, "s3_bucket": place.bucket, "s3_key_id": place.key_id}
    app = create_app(settings.model_copy(update={**given, "s3_secret": place.secret, "audit_key": AUDIT_KEY}))
    for server in servers[1:]:
        shutil.copytree(servers[0].instance, server.instance, dirs_exist_ok=True)
    with app.app_context():
        world = World()
        factories.application(world.person("孟听雨"), world.school)
        made = release(world, lambda day: clock.install(clock.on_day(day)), ("孟听雨甲", "祝晓川乙"))
        db.session.commit()
        found = world.person("孟听雨").identity_number, made[0].release_id
        db.session.remove()
        db.engine.dispose()
    clock.install(clock.real_time)
    return found


def _signed_in(at: str, username: str) -> Browser:
    browser = Browser()
    answer = browser.post(f"{at}/sign-in", username=username, password=PASSWORD)
    assert answer.status == 200 and "/sign-in" not in answer.address, answer.text
    return browser


def _batch(browser: Browser, at: str) -> str:
    """Start a batch of result notices; the path of its page."""
    answer = browser.post(f"{at}/batches/notices", form="zip")
    assert "任务已提交" in answer.text
    return answer.address.removeprefix(at)


def _result_of(browser: Browser, at: str, job: str) -> list[str]:
    until(lambda: '"open":false' in browser.get(f"{at}{job}/state").text.replace(" ", ""), job)
    with zipfile.ZipFile(io.BytesIO(browser.get(f"{at}{job}/files/1").data)) as archive:
        return archive.namelist()


def test_several_servers_are_one_system(system: System) -> None:
    a, b = system.a.address, system.b.address
    # Signed in at one, at work at the other; what was uploaded here is read there.
    person = _signed_in(a, system.applicant)
    sent = factories.pdf(3)
    answer = person.post(
        f"{a}/application/materials", "/application/materials/post", {"files": ("合同.pdf", sent, "application/pdf")}
    )
    assert answer.status == 200 and "合同.pdf" in answer.text
    links = re.findall(r'"(/application/files/\d+)"', person.get(f"{b}/application/materials").text)
    there = [person.get(b + link).data for link in dict.fromkeys(links)]
    assert 3 in [page_count(data) for data in there if data.startswith(b"%PDF-")]
    assert len(client(system.s3).list_objects_v2(Bucket=system.s3.bucket)["Contents"]) >= 3
    assert not (system.a.instance / "files").exists() and not (system.b.instance / "files").exists()

    # A batch begun at one is fetched from the other.
    system.today(RESULTS_DAY)
    officer = _signed_in(b, "gk410122")
    assert len(_result_of(officer, b, _batch(officer, a))) == 2

    # Reports come from the replica: it is the one that was asked for them.
    city = _signed_in(b, "gk410100")

    def answered_there() -> bool:
        assert city.get(f"{b}/oversight").status == 200
        said = system.replica.log.read_text(encoding="utf-8")
        return bool(re.search(r"gongkao-reports LOG: .*SELECT application\.agency_id", said))

    until(answered_there, "the replica to be asked")

    # Floods are counted together.
    address = f"/results/published/{system.release_id}/print"
    stranger = Browser()
    assert [stranger.get((a, b)[turn % 2] + address).status for turn in range(21)] == [200] * 20 + [429]

    # Without Redis everything but the worker goes on; the job waits for it in the table.
    system.redis.kill()
    officer = _signed_in(a, "gk410122")
    waiting = _batch(officer, b)
    assert '"done":0' in officer.get(f"{a}{waiting}/state").text.replace(" ", "")
    system.redis.start()
    system.worker.stop()
    system.worker.start()
    assert len(_result_of(officer, a, waiting)) == 2


def test_servers_restart_one_after_the_other_and_nobody_notices(system: System) -> None:
    front, a, b = system.front, system.a, system.b
    assert front.problems() == ""
    stop = threading.Event()
    answers: list[int] = []
    sent: list[int] = []

    def visit() -> None:
        browser = Browser()
        while not stop.is_set():
            answers.append(browser.get(f"{front.address}/sign-in").status)
            # Below what nginx takes for a flood.
            stop.wait(0.2)

    visitors = [threading.Thread(target=visit) for _ in range(3)]
    officer = _signed_in(front.address, "gk410122")
    for visitor in visitors:
        visitor.start()
    try:
        until(lambda: a.asked() and b.asked(), "both servers at work")
        # A new release of the code: each takes it up while its socket stays open, so that even forms get through.
        for server in (a, b):
            gone = server.said().count("Worker exiting")
            server.signal(signal.SIGHUP)
            sent.append(officer.post(f"{front.address}/inbox", "/inbox/read-all").status)
            until(lambda server=server, gone=gone: server.said().count("Worker exiting") > gone, "the old worker to go")
            until(server.answers, "the new worker")
        # New settings: one is stopped and started, the other takes over meanwhile.
        a.stop()
        sent.append(officer.post(f"{front.address}/inbox", "/inbox/read-all").status)
        a.start()
        until(a.answers, "the server to be back")
        before = a.asked()
        until(lambda: a.asked() > before, "visitors to come back to it")
    finally:
        stop.set()
        for visitor in visitors:
            visitor.join()
    assert set(answers) == {200} and len(answers) > 20
    assert set(sent) == {200}
    assert officer.get(f"{front.address}/").status == 200


def test_a_server_with_other_keys_is_told_before_it_starts(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    """`flask check` on the second server, as it is and with keys that were made there by mistake."""
    other = "another key, made by mistake on the second server"
    for name, value in system.b.environment.items():
        monkeypatch.setenv(name, value)

    def check(*options: str, **changes: str) -> tuple[int, str]:
        app = create_app(load_settings(**changes))
        done = app.test_cli_runner().invoke(args=["check", *options])
        with app.app_context():
            for engine in db.engines.values():
                engine.dispose()
        return done.exit_code, done.output

    # Something is on record: that somebody has signed in.
    _signed_in(system.a.address, "gk410122")
    code, words = check()
    assert code == 0 and "报表数据库：" in words and "GONGKAO_SECRET_KEY：与其他服务器一致" in words
    assert system.s3.bucket in words and other not in words
    code, words = check(secret_key=other)
    assert (
        code == 1
        and "GONGKAO_SECRET_KEY：与其他服务器不一致" in words
        and "GONGKAO_AUDIT_KEY：与其他服务器一致" in words
    )
    code, words = check(audit_key=other)
    assert code == 1 and "操作记录密钥：与最近一条操作记录不符" in words
    # All servers have a new signing key: the others are compared with this one's from now on.
    assert check("--new-keys", secret_key=other)[0] == 0 and check()[0] == 1
    replica.configure(None)
    clock.install(clock.real_time)


def test_servers_that_start_at_the_same_time_migrate_once(postgres: PostgresServer, tmp_path: Path) -> None:
    name = postgres.fresh_empty()
    environment = {"FLASK_APP": "app", "GONGKAO_MODE": "test", "GONGKAO_DATABASE_URL": postgres.database_url(name)}
    environment |= {"GONGKAO_KEYS_FILE": str(tmp_path / "keys.json"), "GONGKAO_SECRET_KEY": conftest.SECRET}
    command = [sys.executable, "-m", "flask", "db", "upgrade"]
    programs = [
        Program(command, {**environment, "GONGKAO_INSTANCE": str(tmp_path / one)}, tmp_path / f"{one}.log")
        for one in "ab"
    ]
    for program in programs:
        program.start()
    for program in programs:
        assert program.process is not None and program.process.wait(120) == 0, program.said()
    with psycopg.connect(postgres.database_url(name)) as connection:
        assert connection.execute("SELECT count(*) FROM alembic_version").fetchone() == (1,)
    postgres.drop(name)
