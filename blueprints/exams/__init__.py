"""Scores."""

from flask import Blueprint

blueprint = Blueprint("exams", __name__)

from blueprints.exams import views  # noqa: E402, F401
