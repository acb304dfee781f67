"""The texts for people say what is there: every package, every setting, every command, every picture."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from app import create_app
from gongkao.config import ROOT, Settings

DOCS = ROOT / "docs"


def _requirements() -> list[str]:
    lines = [
        line
        for name in ("requirements.txt", "requirements-dev.txt")
        for line in (ROOT / name).read_text(encoding="utf-8").splitlines()
    ]
    return [match[1] for line in lines if (match := re.match(r"([A-Za-z][\w-]*)(?:\[\w+\])?==", line))]


@pytest.mark.parametrize("package", _requirements())
def test_why_each_package_is_there_stands_in_the_architecture(package: str) -> None:
    text = (DOCS / "architecture.md").read_text(encoding="utf-8").lower()
    assert package.lower() in text


@pytest.mark.parametrize("setting", list(Settings.model_fields))
def test_each_setting_stands_in_operations(setting: str) -> None:
    assert f"`GONGKAO_{setting.upper()}`" in (DOCS / "operations.md").read_text(encoding="utf-8")


def _commands(group: click.Group, before: str = "") -> Iterator[str]:
    """The full names of our own commands, those inside groups too."""
    for name, command in group.commands.items():
        full = f"{before} {name}".strip()
        if isinstance(command, click.Group):
            yield from _commands(command, full)
        elif command.callback is not None and command.callback.__module__.startswith("gongkao"):
            yield full


def test_each_command_of_ours_stands_in_operations(tmp_path: Path) -> None:
    app = create_app(Settings(mode="test", instance=tmp_path, database_url="sqlite://"))
    text = (DOCS / "operations.md").read_text(encoding="utf-8")
    found = list(_commands(app.cli))
    assert "init" in found
    assert [name for name in found if f"`flask {name}" not in text] == []


@pytest.mark.parametrize(
    "name", ["README.md", "README.zh-CN.md", "deploy/README.md", *(f"docs/{p.name}" for p in DOCS.glob("*.md"))]
)
def test_links_and_pictures_lead_somewhere(name: str) -> None:
    page = ROOT / name
    for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), (name, target)
