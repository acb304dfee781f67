"""Sign-in, the own account, registration sheets and administrators, units."""

from flask import Blueprint

blueprint = Blueprint("accounts", __name__)

from blueprints.accounts import inbox, password_help, roster, second_factor, sessions, sheets, unit_merge, units, views  # noqa: E402, F401
