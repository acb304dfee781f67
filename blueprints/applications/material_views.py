"""The applicant's files: uploaded, looked at, replaced, removed."""

from collections.abc import Callable
from typing import Any

from flask import Response, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound as NoSuchPage

from blueprints.applications import blueprint
from blueprints.applications.views import step_address, step_items, wants_json
from blueprints.guard import requires
from blueprints.helpers import account, inline
from gongkao.access.permissions import Permission
from gongkao.models import Application
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
    return render_template(
        "applications/steps/materials.html",
        place=FormStep.MATERIALS,
        application=application,
        errors=errors,
        step_items=step_items(states, FormStep.MATERIALS),
        back=step_address(FormStep.ASSESSMENTS),
        onward=step_address(FormStep.PLEDGE if application.status is Status.DRAFT else FormStep.PREVIEW),
        **_shown(application),
    )


def _shown(application: Application) -> dict[str, Any]:
    """What the page, and the part of one kind alone, shows of the materials."""
    facts = application_form.facts_of(application)
    groups = uploads.groups(application)
    own_turn = application.status in (Status.DRAFT, Status.RETURNED)
    closed = drafts.closed_text(application) if own_turn else ""
    open_steps = drafts.open_now(application, facts).steps
    return {
        "groups": groups,
        "deferred": uploads.deferred(facts),
        "due": application.cycle.deferral_due,
        "pages": {one.id: files.pages(one.file) for group in groups for one in group.files},
        "own_turn": own_turn,
        "closed": closed,
        "editable": own_turn and not closed and FormStep.MATERIALS in open_steps,
        "comments": {item.key: item.comment for item in drafts.sent_back(application)},
    }


@blueprint.post("/application/materials/<kind>")
@requires(Permission.APPLY)
def upload_material(kind: str) -> ResponseReturnValue:
    try:
        wanted = MaterialKind(kind)
    except ValueError:
        raise NoSuchPage from None
    sent = [(file.read(), file.filename or "") for file in request.files.getlist("files") if file.filename]

    said = f"已上传{wanted.label}{len(sent)}个文件。" if len(sent) > 1 else f"已上传{wanted.label}。"
    return _attempt(lambda: uploads.add(account(), wanted, sent), wanted, said)


@blueprint.post("/application/files/<int:material_id>/replace")
@requires(Permission.APPLY)
def replace_material(material_id: int) -> ResponseReturnValue:
    kind = uploads.find_own(account(), material_id).kind
    file = request.files.get("file")
    sent = (file.read(), file.filename or "") if file is not None else (b"", "")
    return _attempt(lambda: uploads.replace(account(), material_id, sent), kind, f"已替换{kind.label}。")


@blueprint.post("/application/files/<int:material_id>/remove")
@requires(Permission.APPLY)
def remove_material(material_id: int) -> ResponseReturnValue:
    kind = uploads.find_own(account(), material_id).kind
    return _attempt(lambda: uploads.remove(account(), material_id), kind, f"已删除一个{kind.label}文件。")


def _attempt(act: Callable[[], Application], kind: MaterialKind, said: str) -> ResponseReturnValue:
    """Do it and come back to the place of the kind, or show the page with what is wrong beside the file."""
    if wants_json():
        return _answer(act, kind, said)
    try:
        act()
        flash(said, "success")
    except FieldsRefused as error:
        if drafts.find_own(account()) is not None:
            return _page(error.fields), 422
        flash(error.message, "error")
    except RuleError as error:
        flash(error.message, "error")
    return redirect(url_for("applications.materials", _anchor=f"material-{kind.value}"))


def _answer(act: Callable[[], Application], kind: MaterialKind, said: str) -> ResponseReturnValue:
    """The same without leaving the page: what to say, and the part of this kind as it stands now."""
    try:
        application = act()
    except uploads.SameFile as error:
        # Sent once more because the answer to the first time was lost: it is there, and that was all.
        if not request.form.get("again"):
            return jsonify(message=error.message), 422
        said, application = "已上传。", drafts.own(account())
    except RuleError as error:
        return jsonify(message=error.message), 422 if isinstance(error, FieldsRefused) else 409
    shown = _shown(application)
    group = next((one for one in shown["groups"] if one.kind is kind), None)
    part = render_template("applications/steps/_material.html", group=group, errors={}, **shown) if group else ""
    return jsonify(message=said, html=part)


@blueprint.get("/application/files/<int:material_id>")
@requires(Permission.APPLY)
def material_file(material_id: int) -> Response:
    """One of the own files, shown in the browser."""
    material = uploads.find_own(account(), material_id)
    return inline(files.read(material.file), material.file.name, material.file.media_type)


@blueprint.get("/application/files/<int:material_id>/small")
@requires(Permission.APPLY)
def material_thumbnail(material_id: int) -> ResponseReturnValue:
    """An own picture in small; a phone need not load the whole one to show which it is."""
    material = uploads.find_own(account(), material_id)
    if not material.file.media_type.startswith("image/"):
        raise NoSuchPage
    # Whoever has it already is not waited for: nothing is read or drawn.
    known = request.if_none_match.contains(material.file.sha256)
    answer = inline(b"" if known else files.small_picture(material.file), material.file.name, "image/jpeg")
    answer.set_etag(material.file.sha256)
    return answer.make_conditional(request)
