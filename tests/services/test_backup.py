"""Backups: taken while people work, put back into an empty place, every row and file compared; spoilt ones refused."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyrage
import pytest
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import select

from app import create_app
from gongkao import sealing
from gongkao.config import Settings
from gongkao.extensions import db
from gongkao.models import Account, StoredFile
from gongkao.rules.workflow import Status
from gongkao.services import accounts, backup
from gongkao.services.backup import BackupRefused
from gongkao.services.transaction import transaction
from gongkao.storage import store
from tests import factories
from tests.conftest import REGISTRATION_DAY, SECRET
from tests.world import World


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "keys" / "backup.key"
    backup.make_key(path)
    return path


@pytest.fixture
def copy(app: Flask, world: World, tmp_path: Path, key: Path) -> Path:
    factories.application(factories.person("丁小满"), world.school, status=Status.QUALIFIED)
    target = tmp_path / "gongkao.age"
    backup.backup(target, backup.make_key(key))
    return target


@pytest.fixture
def empty_place(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Any]:
    """Runs a function in a freshly migrated, empty instance, on the database named by the parameter."""
    made: list[Flask] = []

    def go(url: str, work: Any) -> Any:
        folder = tmp_path / f"place-{len(made)}"
        place = create_app(
            Settings(mode="test", instance=folder, database_url=url, secret_key=SECRET, clock=REGISTRATION_DAY)
        )
        made.append(place)
        with place.app_context():
            upgrade(directory=place.extensions["migrate"].directory)
            try:
                return work()
            finally:
                db.session.remove()
                db.engine.dispose()

    yield go


def _everything(app: Flask) -> dict[str, list[Any]]:
    """Every row of every table, as plain tuples."""
    with app.app_context(), db.engine.connect() as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key.columns))]
            for table in db.metadata.sorted_tables
        }


@pytest.mark.parametrize("into", ["sqlite", "postgresql"])
def test_what_is_put_back_is_the_same_row_by_row_and_file_by_file(
    app: Flask, copy: Path, key: Path, empty_place: Any, tmp_path: Path, request: pytest.FixtureRequest, into: str
) -> None:
    """Also from one kind of database into the other."""
    before = _everything(app)
    digests = {digest: store().get(digest) for digest in db.session.scalars(select(StoredFile.sha256))}
    url = f"sqlite:///{tmp_path / 'restored.sqlite3'}"
    if into == "postgresql":
        server = request.getfixturevalue("postgres")
        url = server.database_url(server.fresh_empty())
    seen: list[tuple[str, int, int]] = []

    def work() -> None:
        contents = backup.restore(copy, key, lambda *step: seen.append(step))
        assert contents.rows == sum(map(len, before.values()))
        assert contents.files == len(digests)
        assert sealing.keyring().master_ids != ["test"], "sealed by another master key here"
        for digest, data in digests.items():
            assert store().get(digest) == data
        with db.engine.connect() as connection:
            for table in db.metadata.sorted_tables:
                query = select(table).order_by(*table.primary_key.columns)
                assert [tuple(row) for row in connection.execute(query)] == before[table.name], table.name
        # Numbers go on after those that were put back.
        with transaction():
            issued = accounts.issue_inspector(None, "410000", name="新来")
        assert issued.account.id > max(row[0] for row in before["account"])

    empty_place(url, work)
    assert {step[0] for step in seen} == {"检查备份", "恢复文件"}


def test_a_backup_says_nothing_without_its_key(copy: Path, tmp_path: Path, empty_place: Any) -> None:
    assert "丁小满".encode() not in copy.read_bytes()
    other = tmp_path / "other.key"
    backup.make_key(other)
    with pytest.raises(BackupRefused, match="不能解密"):
        empty_place(f"sqlite:///{tmp_path / 'r.sqlite3'}", lambda: backup.restore(copy, other))


@pytest.mark.parametrize("spoil", ["cut", "flipped", "empty", "missing"])
def test_a_spoilt_backup_is_refused_and_nothing_is_written(
    copy: Path, key: Path, tmp_path: Path, empty_place: Any, spoil: str
) -> None:
    data = bytearray(copy.read_bytes())
    bad = tmp_path / "bad.age"
    if spoil == "cut":
        bad.write_bytes(data[: len(data) // 2])
    elif spoil == "flipped":
        data[len(data) // 2] ^= 1
        bad.write_bytes(data)
    elif spoil == "empty":
        bad.write_bytes(b"")

    def work() -> None:
        with pytest.raises(BackupRefused):
            backup.restore(bad, key)
        assert db.session.scalars(select(Account.id)).all() == []

    empty_place(f"sqlite:///{tmp_path / 'r.sqlite3'}", work)


def test_a_place_that_is_not_empty_is_left_alone(app: Flask, copy: Path, key: Path) -> None:
    with pytest.raises(BackupRefused, match="不是空的"):
        backup.restore(copy, key)


def test_a_lost_file_stops_the_backup_and_leaves_no_half_one(
    app: Flask, world: World, copy: Path, key: Path, tmp_path: Path
) -> None:
    digest = db.session.scalars(select(StoredFile.sha256)).first()
    assert digest is not None
    stored: Any = store()
    stored.shelf.path(digest).unlink()
    target = tmp_path / "second.age"
    with pytest.raises(BackupRefused, match="已丢失或损坏"):
        backup.backup(target, backup.make_key(key))
    assert list(tmp_path.glob("second*")) == []


def test_people_go_on_working_meanwhile(app: Flask, world: World, key: Path, tmp_path: Path) -> None:
    """The copy is of one moment: whoever registers during it is either wholly in it or not at all."""
    stop = threading.Event()
    failed: list[BaseException] = []

    def work() -> None:
        serial = 100
        with app.app_context():
            while not stop.is_set():
                serial += 2
                try:
                    factories.person("忙碌", serial)
                except BaseException as error:
                    failed.append(error)
                    return
                finally:
                    db.session.remove()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        backup.backup(tmp_path / "busy.age", backup.make_key(key))
    finally:
        stop.set()
        thread.join()
    assert failed == []
    parts = {
        name: part.read()
        for name, part in backup._read(tmp_path / "busy.age", backup._identity(key))
        if name in ("tables/person.jsonl", "tables/account.jsonl")
    }
    people = parts["tables/person.jsonl"].count("忙碌".encode())
    accounts_of = parts["tables/account.jsonl"].count("忙碌".encode())
    assert people == accounts_of


def test_the_key_is_readable_by_its_owner_alone_and_kept(key: Path) -> None:
    assert key.stat().st_mode & 0o077 == 0
    assert backup.make_key(key) == backup.make_key(key)
    pyrage.x25519.Recipient.from_str(backup.make_key(key))
