"""The store in a bucket: by hash, damage found and mended, plainly told when it is away; and the way into it."""

import hashlib
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import select

from app import create_app
from gongkao.config import ROOT, S3Place
from gongkao.extensions import db
from gongkao.models import StoredFile
from gongkao.rules.workflow import Status
from gongkao.services import backup, settings
from gongkao.services.file_copy import carry_files, prove_files
from gongkao.storage import configure_store, open_store, s3, store
from gongkao.storage.s3 import S3Store
from gongkao.storage.store import MissingFile, StoreAway
from tests import conftest, factories
from tests.s3_server import client, start_s3
from tests.world import World

# What is looked at here is the same on either.
ONE_DATABASE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture(scope="module")
def server() -> Iterator[S3Place]:
    with start_s3() as place:
        yield place


@pytest.fixture
def place(server: S3Place, request: pytest.FixtureRequest) -> S3Place:
    """An empty bucket of the test's own."""
    bucket = hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:40]
    client(server).create_bucket(Bucket=bucket)
    return replace(server, bucket=bucket)


@pytest.fixture
def bucket(place: S3Place) -> S3Store:
    return S3Store(place)


def _keys(place: S3Place) -> list[str]:
    return [one["Key"] for one in client(place).list_objects_v2(Bucket=place.bucket).get("Contents", [])]


def test_what_is_kept_under_a_digest_is_found_there_whole(bucket: S3Store, place: S3Place) -> None:
    data, digest = os.urandom(200_000), hashlib.sha256(b"any").hexdigest()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: bucket.write(digest, [data[:70_000], data[70_000:]]), range(16)))
    with bucket.open(digest) as stream:
        assert stream.read() == data
    assert bucket.exists(digest) and _keys(place) == [f"{digest[:2]}/{digest[2:4]}/{digest}"]
    bucket.remove(digest)
    bucket.remove(digest)
    assert not bucket.exists(digest) and _keys(place) == []
    with pytest.raises(MissingFile):
        bucket.open(digest)
    with pytest.raises(ValueError):
        bucket.open("../../secret_key")


def test_the_probe_leaves_nothing(bucket: S3Store, place: S3Place) -> None:
    bucket.check()
    assert _keys(place) == []


@ONE_DATABASE
@pytest.mark.parametrize("change", [{"endpoint": "http://127.0.0.1:9"}, {"bucket": "no-such-bucket"}])
def test_a_store_that_is_away_is_plainly_told(
    place: S3Place, change: dict[str, str], app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "TRIES", 1)
    away = S3Store(replace(place, **change))
    digest = hashlib.sha256(b"one page").hexdigest()
    for ask in (lambda: away.write(digest, [b"one page"]), lambda: away.open(digest), away.check):
        with pytest.raises(StoreAway) as caught:
            ask()
        assert place.secret not in str(caught.value) and place.endpoint not in str(caught.value)
    configure_store(Path(), away.place)
    assert settings.health() == {"database": "ok", "storage": "failed"}


@ONE_DATABASE
def test_a_page_without_its_store_asks_to_try_again(
    app: Flask, world: World, sign_in: Any, place: S3Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = factories.application(factories.person("丁小满"), world.school, status=Status.UNIT_REVIEW)
    material = next(one for one in made.materials if one.file is not None)
    address = f"/review/{made.id}/materials/{material.id}"
    monkeypatch.setattr(s3, "TRIES", 1)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    browser = sign_in(world.unit_administrator)
    assert browser.get(address).status_code == 200
    configure_store(Path(), replace(place, endpoint="http://127.0.0.1:9"))
    answer = browser.get(address)
    assert answer.status_code == 503 and "请稍后再试" in answer.text


@ONE_DATABASE
def test_the_files_move_over_and_every_one_is_checked(app: Flask, world: World, place: S3Place, tmp_path: Path) -> None:
    factories.application(factories.person("丁小满"), world.school, status=Status.QUALIFIED)
    folder, target, digests = store(), open_store(Path(), place), set(db.session.scalars(select(StoredFile.sha256)))
    assert len(digests) > 1
    contents_of = {digest: folder.get(digest) for digest in digests}
    spoilt = next((app.config["GONGKAO"].instance / "files").rglob(min(digests)))
    whole = spoilt.read_bytes()
    spoilt.write_bytes(whole[:-1])
    told: list[tuple[str, int, int]] = []
    outcome = carry_files(folder, target, lambda *state: told.append(state))
    assert (outcome.done, outcome.there) == (len(digests) - 1, 0)
    assert outcome.problems == [f"文件{min(digests)[:12]}…已损坏"] and told[-1][1] == told[-1][2]
    # Run again, it sends only what was not there.
    spoilt.write_bytes(whole)
    outcome = carry_files(folder, target)
    assert (outcome.done, outcome.there, outcome.problems) == (1, len(digests) - 1, [])
    assert {key[-64:] for key in _keys(place)} == digests
    # And from then on the bucket serves: check, backup.
    configure_store(Path(), place)
    assert prove_files(store()).done == len(digests)
    contents = backup.backup(tmp_path / "copy.age", backup.make_key(tmp_path / "key"))
    assert contents.files == len(digests)
    first = _keys(place)[0]
    client(place).put_object(Bucket=place.bucket, Key=first, Body=b"something else")
    assert prove_files(store()).problems == [f"文件{min(digests)[:12]}…已损坏"]
    store().put(contents_of[min(digests)])
    assert prove_files(store()).problems == []
    client(place).delete_object(Bucket=place.bucket, Key=first)
    assert prove_files(store()).problems == [f"文件{min(digests)[:12]}…已丢失"]
    with pytest.raises(backup.BackupRefused):
        backup.backup(tmp_path / "second.age", backup.make_key(tmp_path / "key"))
    # The backup goes back into another system's bucket.
    client(place).create_bucket(Bucket=f"{place.bucket}-second")
    elsewhere = conftest._settings(tmp_path / "second", f"sqlite:///{tmp_path}/second.sqlite3")
    given = {"s3_endpoint": place.endpoint, "s3_bucket": f"{place.bucket}-second", "s3_key_id": "k", "s3_secret": "s"}
    with create_app(elsewhere.model_copy(update=given)).app_context():
        upgrade(directory=str(ROOT / "migrations"))
        assert backup.restore(tmp_path / "copy.age", tmp_path / "key").files == len(digests)
        assert prove_files(store()).done == len(digests)
        assert {digest: store().get(digest) for digest in digests} == contents_of
        db.session.remove()
        db.engine.dispose()
