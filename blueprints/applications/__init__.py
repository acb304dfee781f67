"""The applicant's own pages."""

from flask import Blueprint

blueprint = Blueprint("applications", __name__)

from blueprints.applications import cases, deferral_views, material_views, steps, views  # noqa: E402, F401
