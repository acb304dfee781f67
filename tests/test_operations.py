"""What those who run the system see: logs and figures without personal data, and a kind refusal beyond capacity."""

import json
import logging
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import create_app
from gongkao import capacity, logs
from gongkao.config import ROOT, Settings
from gongkao.extensions import db
from gongkao.models import Account
from gongkao.services import accounts
from tests.conftest import SECRET
from tests.world import PASSWORD, World, identity_number

SignIn = Callable[[Account], FlaskClient]


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch, app: Flask) -> list[dict[str, Any]]:
    """Every line of the log as it is read."""
    kept: list[dict[str, Any]] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            kept.append(json.loads(logs.JsonLines().format(record)))

    for logger in (logging.getLogger("gongkao.requests"), app.logger):
        monkeypatch.setattr(logger, "handlers", [Keep()])
        monkeypatch.setattr(logger, "propagate", False)
        logger.setLevel(logging.INFO)
    return kept


def test_the_log_tells_what_and_how_long_and_nothing_of_anybody(
    app: Flask, world: World, sign_in: SignIn, lines: list[dict[str, Any]]
) -> None:
    number = world.applicant.sign_in_name
    app.test_client().post("/sign-in?next=/review", data={"username": number, "password": PASSWORD})
    sign_in(world.officer).get("/review?q=孟听雨", headers={"X-Request-ID": "0123456789abcdef"})
    app.test_client().get(f"/nowhere/{number}", headers={"X-Request-ID": 'x"} {"forged": 1'})
    assert [(line["route"], line["method"], line["status"], line["account"]) for line in lines] == [
        ("/sign-in", "POST", 302, world.applicant.id),
        ("/review", "GET", 200, world.officer.id),
        ("none", "GET", 404, None),
    ]
    assert lines[1]["request"] == "0123456789abcdef" and lines[1]["ms"] > 0
    assert len({line["request"] for line in lines}) == 3
    text = json.dumps(lines, ensure_ascii=False)
    for secret in (number, PASSWORD, "孟听雨", "forged", "127.0.0.1"):
        assert secret not in text


def test_a_failure_is_told_by_its_place_without_its_words(
    app: Flask, world: World, lines: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise ValueError(f"cannot read {world.applicant.sign_in_name}")

    app.config["PROPAGATE_EXCEPTIONS"] = False
    monkeypatch.setattr(accounts, "check_password", broken)
    answer = app.test_client().post("/sign-in", data={"username": world.applicant.sign_in_name, "password": "x"})
    assert answer.status_code == 500
    failure = next(line for line in lines if line["event"] == "failure")
    assert failure["error"] == "builtins.ValueError" and any("broken" in place for place in failure["trace"])
    assert failure["request"] == answer.headers["X-Request-ID"]
    assert world.applicant.sign_in_name not in json.dumps(lines)


def test_an_error_of_the_database_quotes_no_values(app: Flask) -> None:
    with pytest.raises(Exception) as caught:
        db.session.execute(
            db.text("SELECT :number FROM nowhere"), {"number": identity_number("410122", date(1990, 1, 1), 1)}
        )
    assert "hide_parameters" in str(caught.value) and "1990" not in str(caught.value)


def test_slow_statements_are_told_without_values(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = Settings(mode="test", instance=tmp_path, secret_key=SECRET, request_log=True, slow_query_ms=1)
    app = create_app(settings)
    slow = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :most) SELECT max(i) FROM n"
    with app.app_context():
        db.session.execute(db.text(slow), {"most": 300_000})
        db.session.remove()
        db.engine.dispose()
    told = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    found = next(line for line in told if line["event"] == "slow_statement" and "RECURSIVE" in line["statement"])
    assert found["ms"] >= 1 and "300000" not in found["statement"]
    logging.getLogger("gongkao.requests").handlers.clear()


def test_figures_are_for_this_machine_alone_and_only_where_set(app: Flask, world: World) -> None:
    client = app.test_client()
    client.get("/sign-in")
    page = client.get("/metrics").text
    assert 'gongkao_requests_total{method="GET",route="/sign-in",status="200"}' in page
    assert "gongkao_request_seconds_bucket" in page and world.applicant.sign_in_name not in page
    assert client.get("/metrics", environ_base={"REMOTE_ADDR": "10.0.0.8"}).status_code == 404
    assert client.get("/metrics", headers={"X-Forwarded-For": "127.0.0.1"}).status_code == 404
    app.config["GONGKAO"].metrics = False
    assert client.get("/metrics").status_code == 404


def test_beyond_capacity_there_is_a_kind_page_and_the_place_comes_free(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capacity, "WAIT_SECONDS", 0.05)
    inside, go_on = threading.Event(), threading.Event()

    def slow(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        if environ["PATH_INFO"] == "/slow":
            inside.set()
            assert go_on.wait(30)
        if environ["PATH_INFO"] == "/broken":
            raise RuntimeError
        start_response("200 OK", [])
        return [b"done"]

    monkeypatch.setattr(app, "wsgi_app", capacity.Capacity(app, slow, 1))
    holder = threading.Thread(target=lambda: app.test_client().get("/slow").close())
    holder.start()
    assert inside.wait(30)
    refused = app.test_client().get("/review")
    assert refused.status_code == 503 and refused.headers["Retry-After"] == "15" and "系统繁忙" in refused.text
    for always in ("/healthz", "/metrics", "/static/app.css"):
        assert app.test_client().get(always).status_code == 200
    go_on.set()
    holder.join(30)
    with pytest.raises(RuntimeError):
        app.test_client().get("/broken")
    for _ in range(3):
        answer = app.test_client().get("/review")
        assert answer.status_code == 200
        answer.close()


def test_a_process_loads_nothing_rare_and_looks_through_nothing_loaded_for_garbage() -> None:
    rare = {"botocore", "redis", "huey", "weasyprint", "fontTools", "gongkao.services.demonstration"}
    code = (
        "import gc, sys, app; from gongkao.models import Account; "
        f"print({rare} & set(sys.modules) or '', Account.__mapper__.configured, gc.get_freeze_count() > 100_000)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]
