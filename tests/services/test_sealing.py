"""Sealed at rest: no number readable in a copy of database or files, nothing moved unseen, keys changed at work."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, String, event, func, select, text, type_coerce, update

from app import create_app
from gongkao import sealing
from gongkao.config import Settings, SettingsError
from gongkao.extensions import db
from gongkao.models import (
    Account,
    Application,
    AuditEntry,
    BanEntry,
    DataKeyEntry,
    PasswordHelp,
    Person,
    RosterEntry,
    SavedView,
    StoredFile,
)
from gongkao.rules.workflow import Status
from gongkao.sealing import Purpose, Unreadable
from gongkao.services import accounts, keys, listing, password_help, results, review_lists, saved_views
from gongkao.services.errors import Refused
from gongkao.services.transaction import transaction
from gongkao.storage import store
from tests import factories
from tests.conftest import MASTER, REGISTRATION_DAY, SECRET
from tests.world import World, identity_number

MOBILE = "13712345678"


def _raw(column: Any) -> Any:
    """What stands in the database."""
    return type_coerce(column, String)


def _everything_raw(url: str) -> str:
    """The whole database as somebody reads it who has stolen it."""
    with db.engine.connect() as connection:
        rows = [
            str(tuple(row))
            for table in db.metadata.sorted_tables
            for row in connection.execute(text(f"SELECT * FROM {table.name}"))
        ]
    found = "\n".join(rows)
    if url.startswith("sqlite"):
        db.session.remove()
        with db.engine.connect() as connection:
            connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
        path = Path(url.removeprefix("sqlite:///"))
        found += path.read_bytes().decode("latin-1") + path.with_name(path.name + "-wal").read_bytes().decode("latin-1")
    return found


def test_a_thief_of_database_and_files_reads_no_number(app: Flask, world: World, database_url: str) -> None:
    person = factories.person("丁小满", 91)
    factories.application(person, world.school, status=Status.AGENCY_REVIEW)
    number = person.identity_number
    password_help.ask(unit_id=world.school.id, name="丁小满", identity_number=number, mobile=MOBILE)
    saved_views.save(world.officer, "review.desk", "找人", {"q": number})
    with transaction() as session:
        account = session.scalars(select(Account).where(Account.person_id == person.id)).one()
        account.mobile, account.email, account.totp_secret = MOBILE, "ding@example.cn", "JBSWY3DPEHPK3PXP"
        person.mobile = MOBILE
    secrets = [number, world.applicant.sign_in_name, MOBILE, "ding@example.cn", "JBSWY3DPEHPK3PXP"]
    stolen = _everything_raw(database_url)
    assert "丁小满" in stolen
    assert [secret for secret in secrets if secret in stolen] == []
    assert re.findall(r"(?<![0-9a-f])41\d{15}[\dX](?![0-9a-f])", stolen) == []
    shelf: Any = store()
    files = [path.read_bytes() for path in shelf.shelf.root.rglob("*") if path.is_file()]
    assert files and not any(mark in one for one in files for mark in (b"%PDF", b"JFIF", b"/Pages"))
    # And the program reads all of it.
    found = accounts.find(number)
    assert found is not None and found.person is not None
    assert (found.person.mobile, found.email, found.totp_secret) == (MOBILE, "ding@example.cn", "JBSWY3DPEHPK3PXP")
    assert found.sign_in_name == number and found.username != number
    assert store().get(world.application_of("丁小满").materials[0].file.sha256)[:4] in (b"%PDF", b"\xff\xd8\xff\xe0")


def test_people_are_found_by_the_whole_number_or_its_end(app: Flask, world: World) -> None:
    made = [
        factories.application(factories.person(name, serial), world.school, status=Status.AGENCY_REVIEW)
        for name, serial in (("丁小满", 91), ("施若水", 92))
    ]
    number = made[0].person.identity_number

    def found(of: listing.Listing, term: str) -> list[int]:
        return sorted(row.id for row in listing.run(of, {"q": term}).rows)

    for of in (review_lists.desk_listing(world.officer), review_lists.all_listing(world.officer)):
        assert found(of, number) == found(of, number[-4:]) == [made[0].id]
        assert found(of, number.lower()[-4:]) == [made[0].id]
        assert found(of, number[-5:]) == found(of, number[:6]) == []
        assert found(of, "施若水") == [made[1].id]
    # A name put right is found by at once.
    with transaction():
        made[1].person.name = "施若冰"
    assert found(review_lists.desk_listing(world.officer), "若冰") == [made[1].id]
    assert accounts.find(number.lower()) is not None
    assert results.result_listing(world.officer).search_hint == "姓名、身份证号后四位或完整号码、单位"
    with pytest.raises(TypeError, match="keyed hash"):
        select(Person).where(Person.identity_number == number)


def test_what_was_sealed_for_one_place_opens_in_no_other(app: Flask, world: World) -> None:
    person_id = world.person("孟听雨").id
    query = select(_raw(Person.identity_number), _raw(Person.mobile)).where(Person.id == person_id)
    number, mobile = db.session.execute(query).one()
    flipped = number[:-6] + ("A" if number[-6] != "A" else "B") + number[-5:]
    for wrong in (mobile, flipped, number[:20], "410122198506120213", "99" + number, "x.y"):
        with transaction() as session:
            session.execute(text("UPDATE person SET identity_number = :n WHERE id = :i"), {"n": wrong, "i": person_id})
        with pytest.raises(Unreadable):
            db.session.execute(select(Person.identity_number).where(Person.id == person_id)).one()
        db.session.rollback()


def _labels(app: Flask) -> set[str]:
    """The data keys that anything is sealed with."""
    found = set()
    for _, columns in keys.sealed_columns():
        for column in columns:
            for (one,) in db.session.execute(select(_raw(column)).where(_raw(column) != "")):
                found.add(one.partition(".")[0])
    return found


def test_keys_are_changed_and_everything_is_still_read(app: Flask, world: World) -> None:
    made = factories.application(factories.person("丁小满", 91), world.school, status=Status.QUALIFIED)
    number, digest, data = made.person.identity_number, "", b""
    for one in made.materials:
        digest, data = one.file.sha256, store().get(one.file.sha256)
    version, hashed = made.version, made.person.identity_hash
    (old,) = _labels(app)
    seen: list[tuple[str, int, int]] = []
    done = keys.rotate(lambda *step: seen.append(step))
    assert done.rows > 0 and done.files == db.session.scalar(select(func.count(StoredFile.sha256.distinct())))
    (new,) = _labels(app)
    assert int(new) > int(old)
    db.session.expire_all()
    assert (made.person.identity_number, made.person.identity_hash, made.version) == (number, hashed, version)
    assert store().get(digest) == data
    assert {step[0] for step in seen} >= {"person", "文件"} and all(step[1] <= step[2] for step in seen)
    state = {line.id: line for line in keys.lines()}
    assert state[int(new)].in_use and state[int(old)].retired_at is not None
    assert [line.purpose for line in state.values() if line.in_use].count(Purpose.LOOKUP) == 1
    trail = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "rotate_keys")).all()
    assert [entry.detail["step"] for entry in trail] == ["begin", "end"]
    assert accounts.find(number) is not None


def test_a_rotation_that_is_killed_goes_on_and_overwrites_nobody(
    app: Flask, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "_ROWS", 2)
    for serial in range(4):
        factories.application(factories.person("丁小满" + "甲乙丙丁"[serial], 91 + serial), world.school)
    target = db.session.scalars(select(Person.id).order_by(Person.id.desc())).first()
    before = {line.id for line in keys.lines()}

    class Killed(Exception):
        pass

    def die(what: str, done: int, _total: int) -> None:
        if what == "person" and done >= 4:
            raise Killed

    with pytest.raises(Killed):
        keys.rotate(die)
    assert len(_labels(app)) == 2, "half-way"
    with app.test_request_context():
        assert accounts.find(world.applicant.sign_in_name) is not None
    # Somebody changes a row right between its being read and written.
    changed: list[bool] = []

    def meddle(connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("UPDATE person SET mobile") and not changed:
            changed.append(True)
            connection.execute(update(Person).where(Person.id == target).values(mobile=MOBILE))

    event.listen(Engine, "before_cursor_execute", meddle)
    try:
        keys.rotate()
    finally:
        event.remove(Engine, "before_cursor_execute", meddle)
    assert changed and len(_labels(app)) == 1
    db.session.expire_all()
    assert db.session.get_one(Person, target).mobile == MOBILE
    assert len({line.id for line in keys.lines()} - before) == 2, "no third pair of keys"
    spoil = text("UPDATE person SET mobile = :m WHERE id = :i")
    with transaction() as session:
        session.execute(spoil, {"m": "1.AAAA", "i": target})
    with pytest.raises(Refused, match=f"person.mobile第{target}号记录不能解密"):
        keys.rotate()


_OTHER = """
import sys
from pathlib import Path
from sqlalchemy import select
from app import create_app
from gongkao.config import Settings
from gongkao.extensions import db
from gongkao.models import Person
from gongkao.services import accounts
from gongkao.services.transaction import transaction
from gongkao.storage import store
app = create_app(Settings(mode="test", instance=Path(sys.argv[1]), database_url=sys.argv[2], secret_key=sys.argv[3]))
with app.app_context():
    for line in sys.stdin:
        word, name = line.split()
        person = db.session.scalars(select(Person).where(Person.name == name)).one()
        if word == "write":
            with transaction():
                person.mobile = "13712345678"
            print(store().put(b"from the other one"), flush=True)
        else:
            print(person.identity_number, person.mobile, flush=True)
        db.session.remove()
"""


def test_another_process_reads_and_writes_through_a_rotation(
    app: Flask, world: World, database_url: str, tmp_path: Path
) -> None:
    """It has the old keys in memory: what it writes with them is read here, and what was sealed anew is read there."""
    arguments = [str(tmp_path / "instance"), database_url, SECRET]
    other = subprocess.Popen(
        [sys.executable, "-c", _OTHER, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdin is not None and other.stdout is not None

    def say(line: str) -> str:
        assert other.stdin is not None and other.stdout is not None
        other.stdin.write(line + "\n")
        other.stdin.flush()
        return other.stdout.readline().strip()

    number = world.applicant.sign_in_name
    db.session.remove()
    try:
        assert say("read 孟听雨") == f"{number} 13800000000"
        keys.rotate()
        db.session.remove()
        assert say("read 孟听雨") == f"{number} 13800000000"
        digest = say("write 孟听雨")
        keys.rotate_master()
        db.session.remove()
        assert say("read 孟听雨") == f"{number} {MOBILE}"
        assert world.person("孟听雨").mobile == MOBILE and store().get(digest) == b"from the other one"
        keys.rotate()
        assert len(_labels(app)) == 1 and world.person("孟听雨").mobile == MOBILE
    finally:
        other.stdin.close()
        other.send_signal(signal.SIGKILL)
        other.wait(30)


def test_the_master_key_is_changed_and_the_old_one_gone(app: Flask, world: World, tmp_path: Path) -> None:
    ring = sealing.keyring()
    (old,) = ring.master_ids
    name, count = keys.rotate_master()
    assert name != old and count == len(keys.lines()) == 3
    kept = json.loads(ring.path.read_text())["masters"]
    assert [one["id"] for one in kept] == [name] and ring.path.stat().st_mode & 0o077 == 0
    wrapped = db.session.scalars(select(type_coerce(DataKeyEntry.secret, String))).all()
    assert {one.partition(".")[0] for one in wrapped} == {name}
    sealing.configure(ring.path, app.config["SQLALCHEMY_DATABASE_URI"])
    db.session.expire_all()
    assert world.applicant.sign_in_name == world.person("孟听雨").identity_number
    assert db.session.scalar(select(func.count()).where(AuditEntry.action == "rotate_master_key")) == 1


def _garble(path: Path) -> None:
    path.write_text("{", encoding="ascii")


def _open_up(path: Path) -> None:
    path.chmod(0o640)


def _another(path: Path) -> None:
    path.write_text(MASTER.replace('"test"', '"else"'), encoding="ascii")


def _another_of_the_same_name(path: Path) -> None:
    path.write_text(MASTER.replace("AAAA", "BBBB"), encoding="ascii")


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (Path.unlink, "没有找到密钥文件"),
        (_garble, "内容已损坏"),
        (_open_up, "chmod 600"),
        (_another, "没有这一把"),
        (_another_of_the_same_name, "与数据库不符"),
    ],
)
def test_a_wrong_key_file_stops_the_start_and_is_left_alone(
    app: Flask, database_url: str, spoil: Callable[[Path], None], says: str
) -> None:
    path = sealing.keyring().path
    spoil(path)
    before = path.read_bytes() if path.exists() else None
    settings = Settings(mode="production", instance=path.parent, database_url=database_url, secret_key=SECRET)
    with pytest.raises(SettingsError, match=says):
        create_app(settings)
    assert (path.read_bytes() if path.exists() else None) == before


def test_the_commands_tell_what_they_did(app: Flask, world: World) -> None:
    run = app.test_cli_runner().invoke
    listed = run(args=["keys", "list"]).output
    assert "字段" in listed and "文件" in listed and "查找" in listed and "使用中" in listed and "主密钥 test" in listed
    done = run(args=["keys", "rotate"])
    assert done.exit_code == 0 and re.search(r"重新加密\d+行数据、0个文件", done.output), done.output
    assert "停用" in run(args=["keys", "list"]).output
    assert "请立即另存一份密钥文件" in run(args=["keys", "rotate-master"]).output


def test_hashes_follow_the_number_by_themselves(app: Flask, world: World) -> None:
    number = identity_number("410122", REGISTRATION_DAY.replace(year=1990), 77)
    for made in (Person(identity_number=number), RosterEntry(identity_number=number), BanEntry(identity_number=number)):
        assert made.identity_hash == sealing.lookup(number) and made.identity_tail == sealing.tail(number)
    assert PasswordHelp(identity_number=number).identity_hash != sealing.lookup(number[:-1])
    made = factories.application(factories.person("丁小满", 91), world.school)
    assert (made.person_name, made.identity_tail) == ("丁小满", made.person.identity_tail)
    assert Application.__table__.c.identity_tail.type.length == sealing.TAIL
    assert sealing.keyring().path.stat().st_mode & 0o777 == 0o600
    assert SavedView.__table__.c.query.type.length == sealing.sealed_width(500)
