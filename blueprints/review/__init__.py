"""Desks of unit, supervising unit and agency; on-site confirmation; looking up applications."""

from flask import Blueprint

blueprint = Blueprint("review", __name__)

from blueprints.review import cases, deferrals, onsite, oversight, phrases, reports, statement, views  # noqa: E402, F401
