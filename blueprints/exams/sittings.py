"""Sittings: when which grades are tested, in which rooms; and what is printed for them."""

from collections.abc import Callable

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from blueprints.exams import blueprint
from blueprints.exams.forms import SittingForm, TokenForm
from blueprints.exams.tabs import exam_tabs
from blueprints.guard import requires
from blueprints.helpers import account, attempt, inline, list_export, list_page, query_args, row_id
from gongkao.access.permissions import Permission
from gongkao.access.scope import may
from gongkao.models import Account
from gongkao.rules.calendar import WindowKey, period_text
from gongkao.rules.seating import ExamKind
from gongkao.services import cycles, exam_documents, seats, sites, sittings
from gongkao.services.exam_office import own_office

PDF = "application/pdf"


@blueprint.get("/sittings", endpoint="sittings")
@requires(Permission.VIEW_EXAMS)
def sitting_list() -> ResponseReturnValue:
    page = list_page(
        sittings.listing(account()),
        link=lambda row: url_for("exams.sitting", sitting_id=row.id),
        export_endpoint="exams.sittings_export",
    )
    return render_template(
        "exams/sittings/list.html",
        page=page,
        tabs=exam_tabs("sittings"),
        args=query_args(),
        may_manage=may(account(), Permission.MANAGE_EXAMS),
    )


@blueprint.get("/sittings/export")
@requires(Permission.VIEW_EXAMS)
def sittings_export() -> Response:
    return list_export(sittings.listing(account()))


@blueprint.route("/sittings/new", methods=["GET", "POST"])
@requires(Permission.MANAGE_EXAMS)
def new_sitting() -> ResponseReturnValue:
    return _sitting_form(None)


@blueprint.route("/sittings/<int:sitting_id>/edit", methods=["GET", "POST"])
@requires(Permission.MANAGE_EXAMS)
def edit_sitting(sitting_id: int) -> ResponseReturnValue:
    return _sitting_form(sitting_id)


def _sitting_form(sitting_id: int | None) -> ResponseReturnValue:
    agency = own_office(account())
    found = sittings.find(account(), sitting_id) if sitting_id is not None else None
    form = SittingForm()
    rooms = sites.rooms_of(agency)
    form.rooms.choices = [
        (
            str(room.id),
            f"{room.site.name} {room.label}（{room.seats(ExamKind.COMPUTER)}机/{room.seats(ExamKind.PAPER)}座"
            f"{'，无障碍' if room.accessible else ''}）",
        )
        for room in rooms
    ]
    if form.validate_on_submit():
        typed = {name: form[name].data or "" for name in ("kind", "day", "starts", "ends")}
        ok, made = attempt(
            form,
            lambda: sittings.save(account(), sitting_id, typed, form.grades.data or [], form.rooms.data or []),
        )
        if ok and made is not None:
            flash(f"{made.label}已保存。", "success")
            return redirect(url_for("exams.sitting", sitting_id=made.id))
    elif found is not None and not form.is_submitted():
        form.kind.data, form.grades.data = found.kind.value, [str(grade) for grade in found.grades]
        form.day.data = found.starts_at.date().isoformat()
        form.starts.data, form.ends.data = f"{found.starts_at:%H:%M}", f"{found.ends_at:%H:%M}"
        form.rooms.data = [str(number) for number in found.room_ids]
    window = cycles.find_window(WindowKey.EXAMINATION, agency)
    return render_template(
        "exams/sittings/form.html",
        form=form,
        sitting=found,
        rooms=rooms,
        period=period_text(window) if window else "",
    ), 422 if form.is_submitted() else 200


@blueprint.get("/sittings/<int:sitting_id>")
@requires(Permission.VIEW_EXAMS)
def sitting(sitting_id: int) -> ResponseReturnValue:
    """One sitting with its rooms, how many sit in each, and what is printed for them."""
    found = sittings.find(account(), sitting_id)
    counts = seats.room_counts(found)
    rooms = sorted((use.room for use in found.uses), key=lambda room: (room.site.name, room.site_id, room.number))
    return render_template(
        "exams/sittings/sitting.html",
        sitting=found,
        rooms=rooms,
        counts=counts,
        time=sittings.long_time(found),
        grades=sittings.grades_text(found.grades),
        editable=may(account(), Permission.MANAGE_EXAMS) and account().agency_id == found.agency_id,
        tabs=exam_tabs("sittings"),
        args=query_args(),
    )


@blueprint.post("/sittings/<int:sitting_id>/remove")
@requires(Permission.MANAGE_EXAMS)
def remove_sitting(sitting_id: int) -> ResponseReturnValue:
    if TokenForm().validate_on_submit():
        ok, _ = attempt(None, lambda: sittings.remove(account(), sitting_id))
        if ok:
            flash("场次已删除。", "success")
            return redirect(url_for("exams.sittings"))
    return redirect(url_for("exams.sitting", sitting_id=sitting_id))


@blueprint.get("/sittings/<int:sitting_id>/rooms/<int:room_id>")
@requires(Permission.VIEW_EXAMS)
def room_chart(sitting_id: int, room_id: int) -> ResponseReturnValue:
    """One room's seats in a sitting."""
    found = seats.chart(account(), sitting_id, room_id)
    return render_template(
        "exams/sittings/room.html",
        chart=found,
        time=sittings.long_time(found.sitting),
        editable=may(account(), Permission.MANAGE_EXAMS) and account().agency_id == found.sitting.agency_id,
    )


def _paper(sitting_id: int, make: Callable[[Account, int, int | None], bytes], name: str) -> Response:
    """A paper of all rooms of a sitting, or of the one asked for."""
    return inline(make(account(), sitting_id, row_id(request.args.get("room", ""))), f"{name}.pdf", PDF)


@blueprint.get("/sittings/<int:sitting_id>/sign-in.pdf")
@requires(Permission.VIEW_EXAMS)
def sign_in_sheets(sitting_id: int) -> Response:
    return _paper(sitting_id, exam_documents.sign_in_sheets, "考场签到表")


@blueprint.get("/sittings/<int:sitting_id>/seats.pdf")
@requires(Permission.VIEW_EXAMS)
def seat_maps(sitting_id: int) -> Response:
    return _paper(sitting_id, exam_documents.seat_maps, "考场座位图")


@blueprint.get("/sittings/<int:sitting_id>/desks.pdf")
@requires(Permission.VIEW_EXAMS)
def desk_labels(sitting_id: int) -> Response:
    return _paper(sitting_id, exam_documents.desk_labels, "考场桌签")
