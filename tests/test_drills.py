"""What docs/operations.md and deploy/ tell to do, done: upgrading and going back, a restore drill, old backups."""

import os
import re
import shlex
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.script import ScriptDirectory
from flask import Flask

from app import create_app
from gongkao.config import ROOT, Settings
from gongkao.extensions import db
from gongkao.models import StoredFile
from gongkao.rules.workflow import Status
from gongkao.services import files
from gongkao.services.transaction import transaction
from gongkao.storage import store
from gongkao.storage.uploads import Upload
from tests import factories
from tests.conftest import REGISTRATION_DAY, SECRET
from tests.world import World

DEPLOY = ROOT / "deploy"
Rows = dict[str, dict[Any, tuple[Any, ...]]]
Place = Callable[[Flask, str], Flask]


def documented(heading: str) -> list[list[str]]:
    """The `flask` commands in the blocks below a heading of docs/operations.md, as words."""
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    part = re.split(r"\n#{2,3} ", text.split(f"# {heading}\n", 1)[1])[0]
    lines = [line for line in part.splitlines() if line.startswith("    ") and "-m flask " in line]
    plain = [re.sub(r"\$\(.*?\)", "TODAY", line.split("-m flask ", 1)[1]) for line in lines]
    return [shlex.split(line, comments=True) for line in plain]


def run(app: Flask, words: list[str], copy: Path | None = None, before: str = "") -> str:
    """Run one of them, with the backup's place and the earlier revision put in; what it says. It must succeed."""
    args = [str(copy) if word.startswith("/backup/") else word.replace("$BEFORE", before) for word in words]
    done = app.test_cli_runner().invoke(args=args)
    assert done.exit_code == 0, (args, done.output)
    return done.output


def everything() -> Rows:
    """Every row of every table as it stands in the database, by its key, whatever the schema's age."""
    found: Rows = {}
    db.session.remove()
    with db.engine.connect() as connection:
        meta = sa.MetaData()
        meta.reflect(connection)
        for table in meta.sorted_tables:
            if table.name != "alembic_version":
                keys = [column.name for column in table.primary_key]
                rows = connection.execute(sa.select(table)).mappings()
                found[table.name] = {tuple(row[key] for key in keys): tuple(row.items()) for row in rows}
    return found


def told() -> Rows:
    """The same as the models read it: what is sealed is opened, and both kinds of database say the same."""
    db.session.remove()
    with db.engine.connect() as connection:
        return {
            table.name: {
                tuple(row[: len(table.primary_key.columns)]): tuple(row)[len(table.primary_key.columns) :]
                for row in connection.execute(
                    sa.select(*table.primary_key.columns, *(c for c in table.columns if not c.primary_key))
                )
            }
            for table in db.metadata.sorted_tables
        }


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """An empty place of its own, with its own master key: what a new machine is."""
    made: list[Flask] = []

    def make(source: Flask, url: str) -> Flask:
        settings: Settings = source.config["GONGKAO"]
        key = settings.instance / "backup.key"
        new = create_app(
            Settings(
                mode="test",
                instance=tmp_path / "new",
                database_url=url,
                secret_key=SECRET,
                audit_key=settings.resolved_audit_key().decode(),
                backup_key=key,
                clock=REGISTRATION_DAY,
            )
        )
        made.append(new)
        return new

    yield make
    for new in made:
        with new.app_context():
            db.session.remove()
            db.engine.dispose()


def other_kind(app: Flask, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """An empty database of the other kind."""
    if app.config["SQLALCHEMY_DATABASE_URI"].startswith("sqlite"):
        server = request.getfixturevalue("postgres")
        return str(server.database_url(server.fresh_empty()))
    return f"sqlite:///{tmp_path / 'restored.sqlite3'}"


def test_upgrading_and_going_back_lose_nothing_of_what_was_there(
    app: Flask, world: World, place: Place, tmp_path: Path
) -> None:
    """The documented commands on a database with people in it as it was one revision ago, there, back and there."""
    factories.application(factories.person("丁小满"), world.school, status=Status.QUALIFIED)
    script = ScriptDirectory(str(ROOT / "migrations"))
    head = script.get_revision("head")
    former, copy = str(head.down_revision), tmp_path / "before.age"
    up, back, anew = documented("Upgrading"), documented("Going back"), documented("Back to the moment of the backup")
    assert [words[0] for words in (*up, *back, *anew)] == ["db", "backup", "db", "db", "db", "restore", "audit"]

    newest = everything()
    for words in back:
        run(app, words, before=former)
    was = everything()
    assert was.keys() <= newest.keys() and {name: len(rows) for name, rows in was.items()} == {
        name: len(newest[name]) for name in was
    }
    for words in up:
        # The backup of the older schema is the older code's to take.
        if words[0] != "backup":
            run(app, words)
    assert everything() == newest
    for words in back:
        run(app, words, before=former)
    assert everything() == was
    run(app, ["db", "upgrade"])
    # And with the backup: another, empty place tells the same.
    run(app, up[1], copy)
    before = told()
    new = place(app, f"sqlite:///{tmp_path / 'anew.sqlite3'}")
    with new.app_context():
        said = [run(new, words, copy) for words in anew]
        assert "操作记录完整" in said[-1]
        assert told() == before


def test_a_restore_drill_while_people_work_brings_back_every_row_and_file(
    app: Flask, world: World, place: Place, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Taken in the middle of writing, put back on the other kind of database under another master key."""
    factories.application(factories.person("丁小满"), world.school, status=Status.QUALIFIED)
    earlier, copy = told(), tmp_path / "drill.age"
    begun, stop, failed = threading.Event(), threading.Event(), []

    def work() -> None:
        serial = 100
        with app.app_context():
            while not stop.is_set():
                serial += 2
                try:
                    factories.person("忙碌", serial)
                    with transaction():
                        files.keep(Upload("text/plain", ".txt", f"第{serial}份".encode()), "忙碌.txt")
                except BaseException as error:
                    failed.append(error)
                    return
                finally:
                    db.session.remove()
                    begun.set()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        assert begun.wait(30)
        said = run(app, documented("Backup")[0], copy)
    finally:
        stop.set()
        thread.join()
    assert failed == [] and "已备份" in said
    source = told()
    kept = {digest: store().get(digest) for digest in db.session.scalars(sa.select(StoredFile.sha256))}
    db.session.remove()
    new = place(app, other_kind(app, tmp_path, request))
    with new.app_context():
        for words in documented("Backup")[1:]:
            said = run(new, words, copy)
        assert "操作记录完整" in said
        restored = told()
        for name, rows in restored.items():
            # Whatever came back is what was there; all from before the backup, and of the rest whole use cases.
            assert rows.items() <= source[name].items(), name
            assert earlier[name].items() <= rows.items(), name
        added = len(restored["person"]) - len(earlier["person"])
        assert added == len(restored["account"]) - len(earlier["account"]) > 0
        for (digest,) in db.session.execute(sa.select(StoredFile.sha256)):
            assert store().get(digest) == kept[digest]


def test_a_spoilt_backup_is_refused_by_the_command_with_the_reason(tmp_path: Path) -> None:
    app = create_app(
        Settings(mode="test", instance=tmp_path, database_url="", secret_key=SECRET, clock=REGISTRATION_DAY)
    )
    copy = tmp_path / "copy.age"
    damaged = "备份不能解密：密钥不符，或文件不完整、已被改动。没有恢复任何内容。"
    with app.app_context():
        run(app, ["db", "upgrade"])
        run(app, ["backup", str(copy)])
        whole = copy.read_bytes()
        one_bit = whole[:-40] + bytes([whole[-40] ^ 1]) + whole[-39:]
        for spoilt in (whole[: len(whole) // 2], whole[:-1], one_bit, b"", None):
            copy.unlink()
            if spoilt is not None:
                copy.write_bytes(spoilt)
            done = app.test_cli_runner().invoke(args=["restore", str(copy)])
            assert done.exit_code == 1 and "Traceback" not in done.output
            assert (damaged if spoilt is not None else "没有找到备份文件") in done.output
        db.session.remove()
        db.engine.dispose()


def _of_unit(name: str, key: str) -> list[str]:
    text = (DEPLOY / name).read_text(encoding="utf-8")
    return re.findall(rf"^{key}=(.*)$", text.replace("\\\n", ""), re.MULTILINE)


def test_old_backups_go_after_thirty_days_and_the_first_of_a_month_after_thirteen_months(tmp_path: Path) -> None:
    """The very lines of the unit, on files of every age."""
    day = 86400
    ages = {
        "gongkao-2025-03-20-0130.age": 0,
        "gongkao-2025-02-20-0130.age": 28,
        "gongkao-2025-02-10-0130.age": 38,
        "gongkao-2025-01-01-0130.age": 78,
        "gongkao-2024-03-01-0130.age": 384,
        "gongkao-2024-02-01-0130.age": 413,
        "keys-of-the-office.txt": 900,
    }
    for name, days in ages.items():
        (tmp_path / name).write_bytes(b"x")
        os.utime(tmp_path / name, (time.time() - days * day - 60,) * 2)
    commands = _of_unit("gongkao-backup.service", "ExecStartPost")
    assert len(commands) == 2
    for command in commands:
        words = shlex.split(command.replace("/var/backups/gongkao", str(tmp_path)))
        subprocess.run(words, check=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "gongkao-2024-03-01-0130.age",
        "gongkao-2025-01-01-0130.age",
        "gongkao-2025-02-20-0130.age",
        "gongkao-2025-03-20-0130.age",
        "keys-of-the-office.txt",
    ]


UNITS = sorted(path.name for path in (*DEPLOY.glob("*.service"), *DEPLOY.glob("*.timer")))


def test_the_units_hold_together(tmp_path: Path) -> None:
    """Each timer has its service, each service a command of ours; systemd, where it is there, takes them all."""
    for name in UNITS:
        if name.endswith(".timer"):
            assert name.replace(".timer", ".service") in UNITS and _of_unit(name, "OnCalendar")
        else:
            assert all(line.startswith(("/opt/gongkao/", "/bin/sh ")) for line in _of_unit(name, "ExecStart")), name
        text = (DEPLOY / name).read_text(encoding="utf-8").replace("/opt/gongkao/.venv/bin/python", "/bin/true")
        (tmp_path / name).write_text(text.replace("User=gongkao", "User=root").replace("Group=gongkao", "Group=root"))
    verifier = shutil.which("systemd-analyze")
    if verifier is not None:
        paths = [str(tmp_path / name) for name in UNITS]
        done = subprocess.run([verifier, "verify", "--man=no", *paths], capture_output=True, text=True, check=False)
        wrong = [line for line in done.stderr.splitlines() if str(tmp_path) in line or "gongkao" in line]
        assert wrong == []
