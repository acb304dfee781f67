"""Refusing kindly beyond what this process can answer, rather than making everybody wait until nobody is served."""

import threading
from collections.abc import Iterable
from typing import Any

from flask import Flask
from werkzeug.wsgi import ClosingIterator

from gongkao.logs import REFUSED

# A short crowd is let through, for as long as a person waits without pressing again; a longer one gets the page.
WAIT_SECONDS = 3.0
RETRY_AFTER_SECONDS = 15
# What the page itself and those who watch need.
_ALWAYS = ("/static/", "/healthz", "/metrics")
_TITLE, _TEXT = "系统繁忙", "当前办理人数较多，请15秒后返回上一页再试。已保存的内容不受影响。"


class Capacity:
    """WSGI: at most `most` requests at once in this process; whoever comes on top waits a little, then gets a 503."""

    def __init__(self, app: Flask, inner: Any, most: int) -> None:
        self._app, self._inner = app, inner
        self._free = threading.BoundedSemaphore(most)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ.get("PATH_INFO", "").startswith(_ALWAYS):
            return self._inner(environ, start_response)
        if not self._free.acquire(timeout=WAIT_SECONDS):
            return self._refuse(start_response)
        try:
            answer = self._inner(environ, start_response)
        except BaseException:
            self._free.release()
            raise
        # The place is free again once the answer is sent, not before.
        return ClosingIterator(answer, self._free.release)

    def _refuse(self, start_response: Any) -> Iterable[bytes]:
        REFUSED.inc()
        page = self._app.jinja_env.get_template("errors/plain.html").render(title=_TITLE, text=_TEXT).encode()
        headers = [
            ("Content-Type", "text/html; charset=utf-8"),
            ("Content-Length", str(len(page))),
            ("Retry-After", str(RETRY_AFTER_SECONDS)),
            ("Cache-Control", "no-store"),
            ("Content-Security-Policy", "default-src 'self'"),
            ("X-Content-Type-Options", "nosniff"),
        ]
        start_response("503 Service Unavailable", headers)
        return [page]
