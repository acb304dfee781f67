"""Results, result notices and notices of passes."""

from flask import Blueprint

blueprint = Blueprint("notices", __name__)

from blueprints.notices import archive, batches, certificates, published, views  # noqa: E402, F401
