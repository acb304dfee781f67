"""What officials edit: cycle, calendar, trades, agencies; the demonstration's clock; health."""

from flask import Blueprint

blueprint = Blueprint("settings", __name__)

from blueprints.settings import audit, conditions, filings, metrics, scoring, views  # noqa: E402, F401
