"""deploy/audit-role.sql on a real server: the app's role works on, and cannot touch what stands in the audit trail."""

import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg import errors, sql

from app import create_app
from gongkao.config import ROOT
from gongkao.extensions import db
from gongkao.services import accounts, audit_trail, sessions, sign_in
from tests.conftest import PostgresServer, _settings
from tests.world import PASSWORD, World

APP = "office"
FORBIDDEN = (
    "UPDATE audit_entry SET actor = 'x'",
    "DELETE FROM audit_entry",
    "TRUNCATE audit_entry",
    "UPDATE audit_seal SET entries = 0",
    "DELETE FROM audit_seal",
    "ALTER TABLE audit_entry DROP COLUMN mac",
    "ALTER TABLE audit_entry DISABLE TRIGGER ALL",
    f"ALTER TABLE audit_entry OWNER TO {APP}",
    "DROP TABLE audit_entry",
    "DROP SCHEMA public CASCADE",
    "CREATE RULE r AS ON INSERT TO audit_entry DO INSTEAD NOTHING",
    "SELECT setval('audit_entry_id_seq', 1)",
    "SELECT * FROM audit_entry FOR UPDATE",
    "SET ROLE gongkao_audit",
)


@pytest.fixture
def narrowed(postgres: PostgresServer) -> Iterator[str]:
    """The address of a prepared database for a role that owns all of it, and then runs the script as deploy says."""
    name = postgres.fresh()
    with psycopg.connect(postgres.database_url(name), autocommit=True) as connection:
        role = sql.Identifier(APP)
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(role))
        connection.execute(sql.SQL("ALTER DATABASE {} OWNER TO {}").format(sql.Identifier(name), role))
        for (table,) in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall():
            connection.execute(sql.SQL("ALTER TABLE {} OWNER TO {}").format(sql.Identifier(table), role))
    url = postgres.database_url(name)
    script = Path(ROOT, "deploy", "audit-role.sql")
    for _ in range(2):
        subprocess.run(["psql", "--quiet", f"--set=app={APP}", f"--file={script}", url], check=True, timeout=60)
    yield url.replace("//gongkao@", f"//{APP}@")
    postgres.drop(name)
    for role in (APP, "gongkao_audit"):
        postgres.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


def test_the_app_works_on_and_cannot_touch_the_trail(narrowed: str, tmp_path: Path) -> None:
    app = create_app(_settings(tmp_path, narrowed))
    with app.app_context():
        officer = World().officer
        found = sign_in.check(officer.username, PASSWORD)
        assert found is not None
        sign_in.complete(found, address="10.0.0.8", browser="")
        accounts.change_password(found, current=PASSWORD, new="山高水长-2025")
        sessions.begin(found)
        assert audit_trail.seal(timedelta()) >= 2
        proof = audit_trail.verify()
        assert proof.intact and proof.sealed >= 2
        db.session.remove()
        db.engine.dispose()
    with psycopg.connect(narrowed, autocommit=True) as connection:
        # Only a warning: what one may not grant is not granted.
        connection.execute(f"GRANT ALL ON audit_entry, audit_seal TO {APP}")
    for statement in FORBIDDEN:
        with (
            psycopg.connect(narrowed) as connection,
            pytest.raises((errors.InsufficientPrivilege, errors.ObjectNotInPrerequisiteState)),
        ):
            connection.execute(statement)  # type: ignore[call-overload]
            pytest.fail(f"may {statement}")
    with psycopg.connect(narrowed) as connection:
        # Everything else is still its own, new tables too.
        connection.execute("CREATE TABLE later (id integer)")
        connection.execute("UPDATE account SET display_name = display_name")
