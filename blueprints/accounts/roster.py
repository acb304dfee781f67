"""A unit's list of its people: import, progress."""

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from blueprints import held_upload
from blueprints.accounts import blueprint
from blueprints.accounts.unit_forms import CommitForm, ImportForm, TokenForm
from blueprints.guard import requires
from blueprints.helpers import XLSX, account, attachment, attempt, list_export, list_page, row_id
from gongkao.access.permissions import Permission
from gongkao.rules.application_form import EDUCATIONS, STAFF_KINDS
from gongkao.rules.retirement import PostKind
from gongkao.services import roster
from gongkao.storage.spreadsheets import MAX_BYTES

PURPOSE = "roster"


@blueprint.get("/roster", endpoint="roster")
@requires(Permission.MANAGE_ROSTER)
def roster_list() -> ResponseReturnValue:
    counts = roster.counts(account())
    page = list_page(
        roster.listing(account()),
        export_endpoint="accounts.roster_export",
        summary=[
            {
                "label": label,
                "count": counts[key],
                "href": url_for("accounts.roster", progress="unfinished" if key == "unfinished" else None),
                "current": request.args.get("progress", "") == ("unfinished" if key == "unfinished" else ""),
            }
            for key, label in (("total", "全部人员"), ("unfinished", "未完成申报"))
        ],
    )
    return render_template("roster/list.html", page=page)


@blueprint.get("/roster/export")
@requires(Permission.MANAGE_ROSTER)
def roster_export() -> Response:
    return list_export(roster.listing(account()))


@blueprint.get("/roster/template")
@requires(Permission.MANAGE_ROSTER)
def roster_template() -> Response:
    return attachment(roster.template(), "人员名单模板.xlsx", XLSX)


@blueprint.route("/roster/import", methods=["GET", "POST"])
@requires(Permission.MANAGE_ROSTER)
def import_roster() -> ResponseReturnValue:
    """Upload a table; every row is judged and shown before anything is kept."""
    form = ImportForm()
    if form.validate_on_submit():
        sent = form.file.data
        data, name = (sent.read(), sent.filename or "") if sent else (b"", "")
        ok, preview = attempt(form, lambda: roster.read_import(account(), data, name))
        if ok and preview is not None:
            return _preview(preview)
    return render_template(
        "roster/import.html",
        form=form,
        max_bytes=MAX_BYTES,
        choices=[
            (roster.EDUCATION, EDUCATIONS),
            (roster.POST_KIND, [kind.label for kind in PostKind]),
            (roster.STAFF_KIND, STAFF_KINDS),
        ],
    ), 422 if form.is_submitted() else 200


def _preview(preview: roster.RosterPreview) -> ResponseReturnValue:
    form = CommitForm(formdata=None, held=held_upload.sign(PURPOSE, preview.digest, preview.filename))
    return render_template("roster/preview.html", preview=preview, form=form), 422 if preview.errors else 200


@blueprint.post("/roster/import/commit")
@requires(Permission.MANAGE_ROSTER)
def commit_roster() -> ResponseReturnValue:
    form = CommitForm()
    if form.validate_on_submit():
        ok, preview = attempt(
            None, lambda: roster.commit_import(account(), *held_upload.read(PURPOSE, form.held.data or ""))
        )
        if ok and preview is not None:
            if preview.errors:
                return _preview(preview)
            flash(f"名单已更新：新增{preview.count('新增')}人，修改{preview.count('修改')}人。", "success")
            return redirect(url_for("accounts.roster"))
    return redirect(url_for("accounts.import_roster"))


@blueprint.post("/roster/remove")
@requires(Permission.MANAGE_ROSTER)
def remove_from_roster() -> ResponseReturnValue:
    chosen = [found for text in request.form.getlist("ids") if (found := row_id(text)) is not None]
    if TokenForm().validate_on_submit():
        count = roster.remove(account(), chosen)
        flash(f"已将{count}人移出名单，已填报的内容不受影响。", "success" if count else "info")
    return redirect(url_for("accounts.roster"))
