"""What a page weighs on the line, in Chromium through nginx: cold, then again with the browser's cache.

`value` is the heaviest of the pages in KB (compressed, with headers) or in requests, `baseline` what is wanted at most
(so `goal` is a ratio of 1), `n` how many pages were looked at. Fonts downloaded for screens must be 0, and every page
must paint with scripts turned off.
"""

import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import run
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from bench import Measurement
from bench._server import served
from gongkao.config import ROOT
from gongkao.services.demonstration import PASSWORD

_COLD_KB, _WARM_KB, _REQUESTS = 60.0, 15.0, 6.0
# By the account's place in the list that `flask demo` prints: an applicant, a unit, an agency, the centre.
_PAGES = {
    None: ("/sign-in", "/register", "/sheets/new"),
    0: ("/application", "/application/steps/unit", "/application/steps/trade", "/application/materials"),
    1: ("/review", "/units/check", "/roster", "/inbox"),
    3: ("/review", "/review/all", "/sheet-desk", "/onsite", "/oversight", "/inbox"),
    6: ("/review/all", "/units", "/oversight", "/certificates", "/scores", "/settings/conditions", "/settings/audit"),
}
_CHROMIUM = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@dataclass
class _Visit:
    """What came over the line for one page."""

    bytes: int = 0
    requests: int = 0
    fonts: int = 0
    kinds: dict[str, str] = field(default_factory=dict)


def measure() -> Iterator[Measurement]:
    with tempfile.TemporaryDirectory(prefix="gongkao-bench-") as name, sync_playwright() as playwright:
        folder = Path(name)
        environment = {
            **os.environ,
            "FLASK_APP": "app",
            "GONGKAO_MODE": "demonstration",
            "GONGKAO_INSTANCE": str(folder / "instance"),
            "GONGKAO_TRUSTED_PROXIES": "1",
        }
        command = [sys.executable, "-m", "flask", "demo"]
        lines = run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True).stdout.splitlines()
        accounts = [line.split()[1] for line in lines[1:]]
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=_CHROMIUM)
        with served(folder, environment) as port:
            yield from _measure(browser, f"http://127.0.0.1:{port}", accounts)
        browser.close()


def _measure(browser: Browser, host: str, accounts: list[str]) -> Iterator[Measurement]:
    cold: list[_Visit] = []
    warm: list[_Visit] = []
    unpainted = 0
    for who, paths in _PAGES.items():
        signed_in = browser.new_context(base_url=host)
        if who is not None:
            _sign_in(signed_in, accounts[who])
        cookies = signed_in.cookies()
        for path in paths:
            fresh = browser.new_context(base_url=host)
            fresh.add_cookies(cookies)  # type: ignore[arg-type]
            page = fresh.new_page()
            first, again = _visit(page, path), _visit(page, path)
            print(
                f"{path}: {first.bytes / 1024:.1f} KB {first.requests}, then {again.bytes / 1024:.1f} KB",
                file=sys.stderr,
            )
            cold.append(first)
            warm.append(again)
            fresh.close()
            unpainted += not _paints_without_scripts(browser, host, cookies, path)
        signed_in.close()
    count = len(cold)
    yield Measurement("weight-cold", max(one.bytes for one in cold) / 1024, "KB", _COLD_KB, count, goal=1.0)
    yield Measurement("weight-warm", max(one.bytes for one in warm) / 1024, "KB", _WARM_KB, count, goal=1.0)
    yield Measurement("weight-requests", max(one.requests for one in cold), "requests", _REQUESTS, count, goal=1.0)
    yield Measurement("weight-fonts", sum(one.fonts for one in cold), "fonts", 0, count)
    yield Measurement("weight-unpainted", unpainted, "pages", 0, count)


def _sign_in(context: BrowserContext, username: str) -> None:
    page = context.new_page()
    page.goto("/sign-in")
    page.fill("[name=username]", username)
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    page.wait_for_url(lambda address: "/sign-in" not in address)
    page.close()


def _visit(page: Page, path: str) -> _Visit:
    """Open a page and count what its requests brought; what came from the cache weighs nothing and is no request."""
    visit = _Visit()
    kept: set[str] = set()
    line = page.context.new_cdp_session(page)

    def answered(event: dict[str, Any]) -> None:
        visit.kinds[event["requestId"]] = event["type"]
        if event["response"].get("fromDiskCache"):
            kept.add(event["requestId"])

    def finished(event: dict[str, Any]) -> None:
        if event["requestId"] in kept or event["encodedDataLength"] == 0:
            return
        visit.requests += 1
        visit.bytes += int(event["encodedDataLength"])
        visit.fonts += visit.kinds.get(event["requestId"]) == "Font"

    line.on("Network.responseReceived", answered)
    line.on("Network.requestServedFromCache", lambda event: kept.add(event["requestId"]))
    line.on("Network.loadingFinished", finished)
    line.send("Network.enable")
    answer = page.goto(path, wait_until="networkidle")
    if answer is None or answer.status != 200:
        raise RuntimeError(f"{path} answered {answer.status if answer else 'nothing'}")
    line.detach()
    return visit


def _paints_without_scripts(browser: Browser, host: str, cookies: Any, path: str) -> bool:
    context = browser.new_context(base_url=host, java_script_enabled=False)
    context.add_cookies(cookies)
    page = context.new_page()
    line = context.new_cdp_session(page)
    seen: set[str] = set()
    line.on("Page.lifecycleEvent", lambda event: seen.add(event["name"]))
    line.send("Page.enable")
    line.send("Page.setLifecycleEventsEnabled", {"enabled": True})
    page.goto(path, wait_until="networkidle")
    page.wait_for_timeout(50)
    context.close()
    return "firstContentfulPaint" in seen
