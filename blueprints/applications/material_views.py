"""The applicant's files: uploaded, looked at, replaced, removed."""

from collections.abc import Callable

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound as NoSuchPage

from blueprints.applications import blueprint
from blueprints.applications.forms import TokenForm
from blueprints.applications.views import step_address, step_items
from blueprints.guard import requires
from blueprints.helpers import account, inline
from gongkao.access.permissions import Permission
from gongkao.rules.application_form import FormStep
from gongkao.rules.errors import RuleError
from gongkao.rules.materials import MaterialKind
from gongkao.rules.workflow import Status
from gongkao.services import application_form, drafts, files
from gongkao.services import materials as uploads
from gongkao.services.errors import FieldsRefused


@blueprint.get("/application/materials")
@requires(Permission.APPLY)
def materials() -> ResponseReturnValue:
    if drafts.find_own(account()) is None:
        return redirect(url_for("applications.home"))
    return _page({})


def _page(errors: dict[str, str]) -> str:
    application = drafts.own(account())
    states = drafts.states(application)
    here = next(state for state in states if state.step is FormStep.MATERIALS)
    own_turn = application.status in (Status.DRAFT, Status.RETURNED)
    closed = drafts.closed_text(application) if own_turn else ""
    return render_template(
        "applications/steps/materials.html",
        place=FormStep.MATERIALS,
        application=application,
        form=TokenForm(),
        groups=uploads.groups(application),
        deferred=uploads.deferred(application_form.facts_of(application)),
        due=application.cycle.deferral_due,
        errors=errors,
        own_turn=own_turn,
        closed=closed,
        editable=own_turn and here.editable and not closed,
        comments={item.key: item.comment for item in drafts.sent_back(application)},
        step_items=step_items(states, FormStep.MATERIALS),
        back=step_address(FormStep.ASSESSMENTS),
        onward=step_address(FormStep.PLEDGE if application.status is Status.DRAFT else FormStep.PREVIEW),
    )


@blueprint.post("/application/materials/<kind>")
@requires(Permission.APPLY)
def upload_material(kind: str) -> ResponseReturnValue:
    try:
        wanted = MaterialKind(kind)
    except ValueError:
        raise NoSuchPage from None
    sent = [(file.read(), file.filename or "") for file in request.files.getlist("files") if file.filename]

    def act() -> str:
        count = uploads.add(account(), wanted, sent)
        return f"已上传{wanted.label}{count}个文件。" if count > 1 else f"已上传{wanted.label}。"

    return _attempt(act, wanted)


@blueprint.post("/application/files/<int:material_id>/replace")
@requires(Permission.APPLY)
def replace_material(material_id: int) -> ResponseReturnValue:
    kind = uploads.find_own(account(), material_id).kind
    file = request.files.get("file")
    sent = (file.read(), file.filename or "") if file is not None else (b"", "")
    return _attempt(lambda: f"已替换{uploads.replace(account(), material_id, sent).label}。", kind)


@blueprint.post("/application/files/<int:material_id>/remove")
@requires(Permission.APPLY)
def remove_material(material_id: int) -> ResponseReturnValue:
    kind = uploads.find_own(account(), material_id).kind
    return _attempt(lambda: f"已删除一个{uploads.remove(account(), material_id).label}文件。", kind)


def _attempt(act: Callable[[], str], kind: MaterialKind) -> ResponseReturnValue:
    """Do it and come back to the place of the kind, or show the page with what is wrong beside the file."""
    try:
        flash(act(), "success")
    except FieldsRefused as error:
        if drafts.find_own(account()) is not None:
            return _page(error.fields), 422
        flash(error.message, "error")
    except RuleError as error:
        flash(error.message, "error")
    return redirect(url_for("applications.materials", _anchor=f"material-{kind.value}"))


@blueprint.get("/application/files/<int:material_id>")
@requires(Permission.APPLY)
def material_file(material_id: int) -> Response:
    """One of the own files, shown in the browser."""
    material = uploads.find_own(account(), material_id)
    return inline(files.read(material.file), material.file.name, material.file.media_type)
