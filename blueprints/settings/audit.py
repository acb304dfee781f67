"""The audit trail: what the accounts in one's scope have done."""

from flask import Response, render_template
from flask.typing import ResponseReturnValue

from blueprints.guard import requires
from blueprints.helpers import account, list_export, list_page
from blueprints.settings import blueprint
from blueprints.settings.views import setting_tabs
from gongkao.access.permissions import Permission
from gongkao.services import audit_trail


@blueprint.get("/settings/audit")
@requires(Permission.VIEW_AUDIT)
def audit() -> ResponseReturnValue:
    page = list_page(audit_trail.listing(account()), export_endpoint="settings.audit_export")
    return render_template("settings/audit.html", page=page, setting_tabs=setting_tabs("audit"))


@blueprint.get("/settings/audit/export")
@requires(Permission.VIEW_AUDIT)
def audit_export() -> Response:
    return list_export(audit_trail.listing(account()))
