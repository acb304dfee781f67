"""Figures for the machine that watches."""

import ipaddress

from flask import Response, abort, current_app, request
from flask.typing import ResponseReturnValue

from blueprints.guard import public
from blueprints.settings import blueprint
from gongkao import logs


@blueprint.get("/metrics")
@public
def metrics() -> ResponseReturnValue:
    """In Prometheus' text, where the setting says so, and to this machine alone: not through a proxy either."""
    settings = current_app.config["GONGKAO"]
    forwarded = "X-Forwarded-For" in request.headers
    if not settings.metrics or forwarded or not ipaddress.ip_address(request.remote_addr or "::").is_loopback:
        abort(404)
    return Response(logs.figures(), mimetype="text/plain; version=0.0.4")
