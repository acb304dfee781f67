"""Training, sites, sittings, seating and scores."""

from flask import Blueprint

blueprint = Blueprint("exams", __name__)

from blueprints.exams import (  # noqa: E402
    double_entry,  # noqa: F401
    panels,  # noqa: F401
    rechecks,  # noqa: F401
    score_import,  # noqa: F401
    seating,  # noqa: F401
    sites,  # noqa: F401
    sittings,  # noqa: F401
    training,  # noqa: F401
    views,  # noqa: F401
)
