"""Training, sites, sittings, seating and scores."""

from flask import Blueprint

blueprint = Blueprint("exams", __name__)

from blueprints.exams import seating, sites, sittings, training, views  # noqa: E402, F401
