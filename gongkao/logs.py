"""What the running system tells those who run it: a line of JSON a request, slow statements, figures for Prometheus.

None of it holds personal data: a request is told by its route, never by its address, form or answer; an account by its
number; a failure by its kind and the places in the code, never by its words.
"""

import json
import logging
import os
import re
import sys
import time
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from flask import Flask, Response, g, request
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest, multiprocess
from prometheus_client.registry import REGISTRY
from sqlalchemy import event, inspect

from gongkao.config import Settings
from gongkao.extensions import db

_log = logging.getLogger("gongkao.requests")
_OURS = ("gongkao.services", "gongkao.jobs")
_request: ContextVar[str] = ContextVar("request", default="")
# As nginx makes them ($request_id): letters and digits only, so that nothing else gets into the log.
_GIVEN_ID = re.compile(r"[0-9a-zA-Z-]{8,64}")

REQUESTS = Counter("gongkao_requests", "Requests answered", ("route", "method", "status"))
SECONDS = Histogram(
    "gongkao_request_seconds", "Time to an answer", ("route",), buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
)
SLOW = Counter("gongkao_slow_statements", "Statements slower than the setting")
REFUSED = Counter("gongkao_refused", "Requests refused for want of capacity")


class JsonLines(logging.Formatter):
    """One line of JSON a record."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "request": _request.get(),
        }
        kind, error, trace = record.exc_info or (None, None, None)
        if kind is not None:
            # The words of an error, and those of Flask about it, may quote what somebody typed.
            line["event"] = "failure"
            line["error"] = f"{kind.__module__}.{kind.__qualname__}"
            line["cause"] = type(error.__cause__).__qualname__ if error is not None and error.__cause__ else None
            line["trace"] = [f"{one.filename}:{one.lineno} {one.name}" for one in traceback.extract_tb(trace)]
        else:
            line["event"] = record.getMessage()
            line.update(getattr(record, "facts", {}))
        return json.dumps(line, ensure_ascii=False)


def init_app(app: Flask, settings: Settings) -> None:
    """Number every request; log and count them, and tell of slow statements, as the settings say."""
    app.before_request(_begin)
    app.after_request(_finish)
    if settings.request_log:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(JsonLines())
        for logger in (_log, app.logger, *(logging.getLogger(name) for name in _OURS)):
            logger.handlers, logger.propagate = [handler], False
            logger.setLevel(logging.INFO)
    if settings.slow_query_ms:
        with app.app_context():
            _watch(db.engine, settings.slow_query_ms)


def figures() -> bytes:
    """All counts of all processes as Prometheus reads them.

    With several processes PROMETHEUS_MULTIPROC_DIR must name a folder that is empty at the start of the service.
    """
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest(REGISTRY)
    together = CollectorRegistry()
    multiprocess.MultiProcessCollector(together)
    return generate_latest(together)


def _begin() -> None:
    given = request.headers.get("X-Request-ID", "")
    _request.set(given if _GIVEN_ID.fullmatch(given) else os.urandom(8).hex())
    g.started = time.perf_counter()


def _finish(response: Response) -> Response:
    # A request that Flask refuses before any of ours has no start.
    seconds = time.perf_counter() - getattr(g, "started", time.perf_counter())
    route = request.url_rule.rule if request.url_rule is not None else "none"
    method = request.method if request.method in ("GET", "POST", "HEAD", "OPTIONS") else "other"
    response.headers["X-Request-ID"] = _request.get()
    REQUESTS.labels(route, method, response.status_code).inc()
    SECONDS.labels(route).observe(seconds)
    facts = {
        "route": route,
        "method": method,
        "status": response.status_code,
        "ms": round(seconds * 1000, 1),
        "account": _account(),
    }
    _log.info("request", extra={"facts": facts})
    return response


def _account() -> int | None:
    """Who asked, if that was looked up; nothing is read for it."""
    state = inspect(getattr(g, "_login_user", None), raiseerr=False)
    return state.identity[0] if state is not None and state.identity else None


def _watch(engine: Any, limit_ms: int) -> None:
    def before(connection: Any, *_: Any) -> None:
        connection.info.setdefault("started", []).append(time.perf_counter())

    def after(connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        ms = (time.perf_counter() - connection.info["started"].pop()) * 1000
        if ms >= limit_ms:
            SLOW.inc()
            # The statement has marks where values stand.
            _log.warning("slow_statement", extra={"facts": {"ms": round(ms, 1), "statement": statement[:2000]}})

    def failed(context: Any) -> None:
        started = context.connection.info.get("started") if context.connection is not None else None
        if started:
            started.pop()

    event.listen(engine, "before_cursor_execute", before)
    event.listen(engine, "after_cursor_execute", after)
    event.listen(engine, "handle_error", failed)
