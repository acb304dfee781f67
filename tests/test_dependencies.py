"""What is installed is what was chosen: every package pinned or needed by one that is, under a known licence."""

import re
import subprocess
import sys
from importlib.metadata import Distribution, distribution, distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from gongkao.config import ROOT

# What every environment brings along.
TOOLS = {"pip", "setuptools", "wheel"}
# Words of licences under which an office may run the program.
KNOWN = re.compile(
    r"MIT|BSD|Apache|ISC|Python|PSF|MPL|Mozilla|LGPL|GPL|Zlib|Unlicense|Public Domain|HPND|OFL|CC0|ZPL"
    r"|Permission is hereby granted",
    re.IGNORECASE,
)


def _pinned() -> list[Requirement]:
    lines = [
        line.partition("#")[0].strip()
        for name in ("requirements.txt", "requirements-dev.txt")
        for line in (ROOT / name).read_text(encoding="utf-8").splitlines()
    ]
    return [Requirement(line) for line in lines if line and not line.startswith("-")]


def test_every_requirement_is_pinned_and_installed_as_pinned() -> None:
    for one in _pinned():
        assert re.fullmatch(r"==[0-9][\w.]*", str(one.specifier)), one
        assert distribution(one.name).version in one.specifier, one


def _needed() -> set[str]:
    """The pinned packages and all that they need here."""
    found: set[tuple[str, str]] = set()
    waiting = [(one.name, extra) for one in _pinned() for extra in ("", *one.extras)]
    while waiting:
        name, extra = waiting.pop()
        key = (canonicalize_name(name), extra)
        if key in found:
            continue
        found.add(key)
        for text in distribution(name).requires or []:
            need = Requirement(text)
            if need.marker is None or need.marker.evaluate({"extra": extra}):
                waiting += [(need.name, wanted) for wanted in ("", *need.extras)]
    return {name for name, _ in found}


def test_nothing_else_is_installed_and_all_fits_together() -> None:
    installed = {canonicalize_name(one.metadata["Name"]) for one in distributions()}
    assert installed - TOOLS == _needed(), "remove .venv and let scripts/setup.sh make it anew"
    done = subprocess.run([sys.executable, "-m", "pip", "check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def _licence(of: Distribution) -> str:
    data = of.metadata
    said = [data.get("License-Expression"), data.get("License")]
    said += [one for one in data.get_all("Classifier") or [] if one.startswith("License")]
    papers = [one for one in of.files or [] if re.search(r"licen[cs]e|copying", one.name, re.I)]
    said += [
        Path(str(one.locate())).read_text("utf-8", "replace") for one in papers if Path(str(one.locate())).is_file()
    ]
    return " ".join((one or "")[:200] for one in said)


def test_every_package_has_a_licence_that_is_known() -> None:
    unknown = [one.metadata["Name"] for one in distributions() if not KNOWN.search(_licence(one))]
    assert unknown == []
