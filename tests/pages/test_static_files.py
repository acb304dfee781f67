"""Static files are kept by browsers for a year, and asked for anew the moment they change."""

import os
import re
from pathlib import Path

from flask import Flask, url_for
from flask.testing import FlaskClient

from blueprints import static_files
from tests.world import World


def test_pages_name_static_files_by_their_content(client: FlaskClient, world: World) -> None:
    page = client.get("/sign-in").text
    addresses = re.findall(r'(?:href|src)="(/static/[^"]*)"', page)
    assert len(addresses) == 2 and all(re.search(r"\?v=[0-9a-f]{10}$", address) for address in addresses)
    for address in addresses:
        answer = client.get(address)
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable", address
        assert client.get(address, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
        answer.close()


def test_a_file_without_its_mark_is_asked_for_each_time(client: FlaskClient) -> None:
    answer = client.get("/static/app.css")
    assert "immutable" not in answer.headers["Cache-Control"]
    answer.close()


def test_a_changed_file_has_another_address(tmp_path: Path) -> None:
    made = Flask("probe", static_folder=str(tmp_path))
    static_files.init_app(made)
    sheet = tmp_path / "app.css"
    seen = set()
    for second, text in enumerate(("a {}", "b {}", "b {}")):
        sheet.write_text(text)
        os.utime(sheet, (second, second))
        with made.test_request_context():
            seen.add(url_for("static", filename="app.css"))
    assert len(seen) == 2
