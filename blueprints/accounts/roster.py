"""A unit's list of its people: import, progress."""

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from blueprints import unmask
from blueprints.accounts import blueprint
from blueprints.accounts.unit_forms import TokenForm
from blueprints.guard import requires
from blueprints.held_upload import ImportForm, commit_form, committed, judged
from blueprints.helpers import XLSX, account, attachment, list_export, list_page, row_id
from gongkao.access.permissions import Permission
from gongkao.models import RosterEntry
from gongkao.rules.application_form import EDUCATIONS, STAFF_KINDS
from gongkao.rules.grades import Grade
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
        link=lambda row: url_for("accounts.roster_entry", entry_id=row.id),
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


@blueprint.get("/roster/<int:entry_id>")
@requires(Permission.MANAGE_ROSTER)
def roster_entry(entry_id: int) -> str:
    """What the list says of one person."""
    return _entry(entry_id)


@blueprint.post("/roster/<int:entry_id>/numbers")
@requires(Permission.MANAGE_ROSTER)
def roster_numbers(entry_id: int) -> ResponseReturnValue:
    """The same page with the whole numbers, for whoever says why."""
    return unmask.show(RosterEntry, entry_id, lambda whole: _entry(entry_id, whole))


def _entry(entry_id: int, whole: unmask.Whole = unmask.HIDDEN) -> str:
    entry = roster.find(account(), entry_id)
    return render_template(
        "roster/entry.html",
        entry=entry,
        progress=roster.progress(entry),
        grade=Grade(entry.certificate_grade).label if entry.certificate_grade else "",
        post_kind=PostKind(entry.post_kind).label if entry.post_kind else "",
        whole=whole,
    )


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
    preview = judged(form, lambda data, name: roster.read_import(account(), data, name))
    if preview is not None:
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
    form = commit_form(PURPOSE, preview.digest, preview.filename)
    return render_template("roster/preview.html", preview=preview, form=form), 422 if preview.errors else 200


@blueprint.post("/roster/import/commit")
@requires(Permission.MANAGE_ROSTER)
def commit_roster() -> ResponseReturnValue:
    preview = committed(PURPOSE, lambda digest, name: roster.commit_import(account(), digest, name))
    if preview is None:
        return redirect(url_for("accounts.import_roster"))
    if preview.errors:
        return _preview(preview)
    flash(f"名单已更新：新增{preview.count('新增')}人，修改{preview.count('修改')}人。", "success")
    return redirect(url_for("accounts.roster"))


@blueprint.post("/roster/remove")
@requires(Permission.MANAGE_ROSTER)
def remove_from_roster() -> ResponseReturnValue:
    chosen = [found for text in request.form.getlist("ids") if (found := row_id(text)) is not None]
    if TokenForm().validate_on_submit():
        count = roster.remove(account(), chosen)
        flash(f"已将{count}人移出名单，已填报的内容不受影响。", "success" if count else "info")
    return redirect(url_for("accounts.roster"))
