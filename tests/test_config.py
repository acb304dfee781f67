"""Settings: right ones are taken, each wrong one gets one plain line, and the clock is never set in production."""

import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pytest

from gongkao.config import ROOT, Settings, SettingsError, load_settings


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("GONGKAO_"):
            monkeypatch.delenv(name)


def test_what_holds_without_any_setting() -> None:
    settings = load_settings()
    assert settings.mode == "production" and not settings.demonstration
    assert settings.clock is None
    assert settings.resolved_database_url == f"sqlite:///{(ROOT / 'var' / 'gongkao.sqlite3').resolve()}"


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("GONGKAO_CLOCK", "2025-03-20", "正式环境不能设定日期"),
        ("GONGKAO_CLOCK", "明天", "应为日期"),
        ("GONGKAO_MODE", "developement", "production"),
        ("GONGKAO_SECRET_KEY", "short", "至少需要32个字符"),
        ("GONGKAO_HTTPS", "perhaps", "true 或 false"),
        ("GONGKAO_MAX_REQUEST_MEGABYTES", "1", "12至1024"),
        ("GONGKAO_MAX_REQUEST_MEGABYTES", "many", "12至1024"),
        ("GONGKAO_SESSION_IDLE_MINUTES", "0", "5至720"),
        ("GONGKAO_DATABASE_URL", "mysql://localhost/gongkao", "postgresql://"),
        ("GONGKAO_DATABASE_URL", "/var/lib/gongkao.db", "sqlite://"),
        ("GONGKAO_PUBLIC_URL", "gongkao.example", "http://"),
        ("GONGKAO_LIMITER_STORAGE", "localhost:6379", "redis://"),
        ("GONGKAO_REDIS_URL", "localhost:6379", "redis://"),
        ("GONGKAO_REPORTS_DATABASE_URL", "sqlite:///copy.sqlite3", "postgresql://"),
        ("GONGKAO_REPORTS_DATABASE_URL", "postgresql://replica/gongkao", "GONGKAO_DATABASE_URL"),
        ("GONGKAO_REPORTS_MAX_LAG_SECONDS", "0", "1至3600"),
        ("GONGKAO_S3_ADDRESSING", "domain", "virtual"),
    ],
)
def test_a_wrong_setting_gets_one_plain_line(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    head, *lines = caught.value.message.splitlines()
    assert head == "设置有误："
    assert len(lines) == 1
    assert lines[0].startswith(f"{name}：") and words in lines[0]


def test_every_wrong_setting_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GONGKAO_CLOCK", "2025-03-20")
    monkeypatch.setenv("GONGKAO_SECRET_KEY", "short")
    monkeypatch.setenv("GONGKAO_PUBLIC_URL", "gongkao.example")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert [line.split("：")[0] for line in caught.value.message.splitlines()[1:]] == [
        "GONGKAO_CLOCK",
        "GONGKAO_SECRET_KEY",
        "GONGKAO_PUBLIC_URL",
    ]


def test_an_object_store_is_set_whole_or_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GONGKAO_S3_ENDPOINT", "s3.example")
    monkeypatch.setenv("GONGKAO_S3_BUCKET", "files")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert [line.split("：")[0] for line in caught.value.message.splitlines()[1:]] == [
        "GONGKAO_S3_KEY_ID",
        "GONGKAO_S3_SECRET",
    ]
    monkeypatch.setenv("GONGKAO_S3_KEY_ID", "id")
    monkeypatch.setenv("GONGKAO_S3_SECRET", "secret")
    with pytest.raises(SettingsError, match="GONGKAO_S3_ENDPOINT：应以 http"):
        load_settings()
    monkeypatch.setenv("GONGKAO_S3_ENDPOINT", "https://s3.example")
    place = load_settings().s3
    assert place is not None and (place.bucket, place.addressing) == ("files", "path")


def test_attempts_are_counted_in_redis_where_there_is_one() -> None:
    assert Settings().resolved_limiter_storage == "memory://"
    assert Settings(redis_url="redis://r").resolved_limiter_storage == "redis://r"
    assert Settings(redis_url="redis://r", limiter_storage="redis://l").resolved_limiter_storage == "redis://l"


@pytest.mark.parametrize("mode", ["demonstration", "test"])
def test_the_clock_may_be_set_elsewhere(monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    monkeypatch.setenv("GONGKAO_MODE", mode)
    monkeypatch.setenv("GONGKAO_CLOCK", "2025-03-20")
    assert load_settings().clock == date(2025, 3, 20)


def test_the_command_says_what_is_wrong_without_a_trace(tmp_path: Path) -> None:
    environment = {**os.environ, "FLASK_APP": "app", "GONGKAO_INSTANCE": str(tmp_path), "GONGKAO_CLOCK": "2025-03-20"}
    done = subprocess.run(
        [sys.executable, "-m", "flask", "db", "current"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines() == ["设置有误：", "GONGKAO_CLOCK：正式环境不能设定日期，请删除该设置"]


@pytest.mark.parametrize("url", ["postgresql://u@h/d", "postgres://u@h/d", "postgresql+psycopg://u@h/d"])
def test_postgresql_is_always_reached_through_psycopg(url: str) -> None:
    assert Settings(database_url=url).resolved_database_url == "postgresql+psycopg://u@h/d"


def test_the_key_is_made_once_and_its_owners_alone(tmp_path: Path) -> None:
    def key(_: int) -> str:
        return Settings(instance=tmp_path / "new").resolved_secret_key()

    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(key, range(32)))
    assert len(keys) == 1 and len(keys.pop()) == 64
    kept = list((tmp_path / "new").iterdir())
    assert [path.name for path in kept] == ["secret_key"]
    assert stat.S_IMODE(kept[0].stat().st_mode) == 0o600
