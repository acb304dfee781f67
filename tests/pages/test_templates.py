"""All templates together: they compile, and keep to the rules that hold for every page."""

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from blueprints import guard
from gongkao.access.permissions import Permission
from gongkao.access.scope import may
from gongkao.config import ROOT
from gongkao.models import Account, Role
from tests.world import World

TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
PAGES = [path for path in TEMPLATES if "documents" not in path.parts]
# Words of the page's language that stand in Latin letters, and file formats.
LATIN = {
    "Excel",
    "PDF",
    "JPEG",
    "JPG",
    "PNG",
    "KB",
    "MB",
    "XLSX",
    "XLS",
    "CSV",
    "X",
    "DJ",
    "QQ",
    "COM",
    "GB",
    "TOTP",
    "TOML",
    "TXT",
}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT / "templates").as_posix()


@pytest.mark.parametrize("path", TEMPLATES, ids=name_of)
def test_every_template_compiles(app: Flask, path: Path) -> None:
    # Papers are rendered by the documents' own environment; their syntax is the same.
    app.jinja_env.parse(path.read_text(encoding="utf-8"), filename=str(path))


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_no_page_holds_style_or_script_of_its_own(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", text)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", text))
    assert not re.search(r"(?:src|href)=[\"']?(?:https?:)?//", text), "nothing may come from outside"


class Reader(HTMLParser):
    """What a page says, how often it has a head, and which tags stand open at its end."""

    VOID = frozenset(
        ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"]
    )

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.crossed: list[str] = []
        self.ids: list[str] = []
        self.words: list[str] = []
        self.heads = 0
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.heads += tag == "h1"
        self.ids += [value for name, value in attrs if name == "id" and value]
        if tag not in self.VOID and tag not in ("path", "rect", "circle", "line"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.open and self.open[-1] == tag:
            self.open.pop()
        elif tag not in ("path", "rect", "circle", "line"):
            self.crossed.append(tag)

    def handle_data(self, data: str) -> None:
        if not {"script", "style", "title", "code", "kbd", "pre", "textarea"} & set(self.open):
            self.words.append(data)


ACCOUNTS: dict[str, Callable[[World], Account | None]] = {
    "signed out": lambda world: None,
    Role.APPLICANT: lambda world: world.applicant,
    Role.UNIT_ADMINISTRATOR: lambda world: world.bureau_administrator,
    Role.AGENCY_OFFICER: lambda world: world.officer,
    Role.AGENCY_MANAGER: lambda world: world.province_manager,
    Role.INSPECTOR: lambda world: world.inspector,
}


@pytest.mark.parametrize("who", list(ACCOUNTS))
def test_every_page_is_whole_chinese_and_has_one_head(
    app: Flask, world: World, sign_in: Callable[[Account], FlaskClient], who: str
) -> None:
    """Every page without an id in its address, as each role sees it."""
    account = ACCOUNTS[who](world)
    browser = sign_in(account) if account else app.test_client()
    seen = 0
    for rule in app.url_map.iter_rules():
        if rule.arguments or "GET" not in (rule.methods or ()) or rule.endpoint in ("static", "settings.styleguide"):
            continue
        access = guard.access_of(app, rule.endpoint)
        if access not in (guard.PUBLIC, guard.SIGNED_IN) and not may(account, Permission(str(access))):
            continue
        answer = browser.get(rule.rule)
        assert answer.status_code in (200, 302, 404, 409), rule.rule
        if answer.mimetype != "text/html" or answer.status_code == 302:
            continue
        seen += 1
        page = Reader(answer.text)
        assert answer.text.startswith('<!doctype html>\n<html lang="zh-CN">'), rule.rule
        assert page.heads == 1, (rule.rule, page.heads)
        assert (page.open, page.crossed) == ([], []), rule.rule
        assert len(page.ids) == len(set(page.ids)), (rule.rule, sorted(page.ids))
        words = set(re.findall(r"(?<![\w./@-])[A-Za-z]{2,}(?![\w./@-])", " ".join(page.words))) - LATIN
        # The names of the world's accounts are Latin too.
        assert {word for word in words if not word.startswith("dw")} == set(), (rule.rule, words)
        assert re.search(r"<title>[^<]+ · 工考</title>", answer.text), rule.rule
    assert seen >= 4


@pytest.mark.parametrize(("path", "status"), [("/nowhere", 404), ("/sign-out", 405), ("/settings", 302)])
def test_what_cannot_be_answered_is_said_on_a_page_of_the_system(
    client: FlaskClient, world: World, path: str, status: int
) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    if status != 302:
        assert Reader(answer.text).heads == 1 and "返回首页" in answer.text
