"""Seating: the run with its preview, changes by hand, and the tickets as officials, units and people see them."""

from typing import Any

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from blueprints.exams import blueprint
from blueprints.exams.forms import MoveForm, RunForm, TokenForm
from blueprints.exams.tabs import exam_tabs
from blueprints.guard import requires
from blueprints.helpers import account, attachment, attempt, inline, list_export, list_page, query_args, row_id
from gongkao.access.permissions import Permission
from gongkao.access.scope import may
from gongkao.rules.grades import Grade
from gongkao.rules.routing import RegionLevel
from gongkao.services import exam_documents, seating, seats, sites, sittings

PDF = "application/pdf"


@blueprint.get("/exams")
@requires(Permission.VIEW_EXAMS)
def home() -> ResponseReturnValue:
    """The first tab that is of use: scores where one's office enters them but plans no tests."""
    plans = may(account(), Permission.MANAGE_EXAMS) or not may(account(), Permission.ENTER_SCORES)
    return redirect(url_for("exams.training" if plans else "exams.scores_start"))


@blueprint.get("/seating", endpoint="seating")
@requires(Permission.VIEW_EXAMS)
def seating_page() -> ResponseReturnValue:
    """How far the seating is, the list of people, and a new run."""
    return _page(RunForm(formdata=None))


def _page(form: RunForm, code: int = 200) -> ResponseReturnValue:
    agency = seating.office_of(account())
    run = seating.run_of(agency)
    if not form.is_submitted() or not form.seed.data:
        form.seed.data = form.seed.data or str(seating.new_seed())
    figures = seating.needs_shown(account(), agency)
    needs = figures.value
    page = list_page(
        seats.people_listing(account(), agency, needs.strangers),
        link=lambda row: url_for("exams.seat", application_id=row.id),
        export_endpoint="exams.seating_export",
    )
    manage = may(account(), Permission.MANAGE_EXAMS)
    return render_template(
        "exams/seating/seating.html",
        agency=agency,
        run=run,
        needs=needs,
        moment=figures.moment,
        page=page,
        form=form,
        may_manage=manage,
        may_whole=manage and agency.level is RegionLevel.PROVINCE,
        may_print=may(account(), Permission.REVIEW),
        tickets_url=_tickets_url(**{**query_args(), "office": agency.id}),
        province_url=_tickets_url() if agency.level is RegionLevel.PROVINCE else "",
        tabs=exam_tabs("seating"),
    ), code


def _tickets_url(**args: Any) -> str:
    return url_for("notices.start_batch", name="tickets", **args)


@blueprint.get("/seating/export")
@requires(Permission.VIEW_EXAMS)
def seating_export() -> Response:
    return list_export(seats.people_listing(account(), seating.office_of(account())))


@blueprint.post("/seating/preview")
@requires(Permission.MANAGE_EXAMS)
def preview_seating() -> ResponseReturnValue:
    """What a run would give; nothing is kept."""
    form = RunForm()
    if form.validate_on_submit():
        whole = bool(form.whole.data)
        ok, plans = attempt(
            form,
            lambda: seating.preview(account(), seating.read_seed(form.seed.data or ""), whole_province=whole),
        )
        if ok and plans is not None:
            return _preview(form, plans)
    return _page(form, 422)


def _preview(form: RunForm, plans: list[seating.AreaPlan], code: int = 200) -> ResponseReturnValue:
    return render_template(
        "exams/seating/preview.html",
        form=form,
        plans=plans,
        people=sum(plan.people for plan in plans),
        short=any(plan.lacks for plan in plans),
        issued=[plan.agency.name for plan in plans if plan.run is not None and plan.run.issued_at is not None],
        time=sittings.time_text,
    ), code


@blueprint.post("/seating/commit")
@requires(Permission.MANAGE_EXAMS)
def commit_seating() -> ResponseReturnValue:
    """Keep the run that was previewed, from its seed."""
    form = RunForm()
    if form.validate_on_submit():
        whole, sure = bool(form.whole.data), bool(form.deliberate.data)
        ok, count = attempt(
            form,
            lambda: seating.commit(
                account(), seating.read_seed(form.seed.data or ""), whole_province=whole, deliberate=sure
            ),
        )
        if ok:
            flash(f"已编排{count}人。核对无误后签发准考证，考生和单位才能看到。", "success")
            return redirect(url_for("exams.seating"))
    return _page(form, 422)


@blueprint.post("/seating/issue")
@requires(Permission.MANAGE_EXAMS)
def issue_tickets() -> ResponseReturnValue:
    if TokenForm().validate_on_submit():
        ok, count = attempt(None, lambda: seating.issue(account()))
        if ok:
            flash(f"准考证已签发，已通知{count}名考生。", "success")
    return redirect(url_for("exams.seating"))


@blueprint.post("/seating/clear")
@requires(Permission.MANAGE_EXAMS)
def clear_seating() -> ResponseReturnValue:
    if TokenForm().validate_on_submit():
        ok, count = attempt(None, lambda: seating.clear(account()))
        if ok:
            flash(f"编排已撤销，{count}人的座位已取消。", "success")
    return redirect(url_for("exams.seating"))


@blueprint.post("/seating/special")
@requires(Permission.MANAGE_EXAMS)
def set_special_needs() -> ResponseReturnValue:
    chosen = [found for text in request.form.getlist("ids") if (found := row_id(text)) is not None]
    if TokenForm().validate_on_submit():
        needed = request.form.get("needed") == "yes"
        ok, count = attempt(None, lambda: seating.set_special(account(), chosen, needed))
        if ok:
            words = "已登记为需要无障碍考场" if needed else "已取消无障碍登记"
            flash(f"{count}人{words}。" if count else "没有变动。", "success" if count else "info")
    return redirect(url_for("exams.seating"))


@blueprint.route("/seats/<int:application_id>", methods=["GET", "POST"])
@requires(Permission.VIEW_EXAMS)
def seat(application_id: int) -> ResponseReturnValue:
    """One person's place, and its change by hand."""
    application = seating.find_person(account(), application_id)
    agency = seating.office_of(account())
    form = MoveForm()
    times, rooms = sittings.all_of(agency), sites.rooms_of(agency)
    form.sitting.choices = [
        ("", "请选择"),
        *((str(one.id), f"{one.label} {sittings.time_text(one)} {sittings.grades_text(one.grades)}") for one in times),
    ]
    form.room.choices = [("", "请选择"), *((str(room.id), f"{room.site.name} {room.label}") for room in rooms)]
    if form.validate_on_submit():
        ok, made = attempt(
            form,
            lambda: seating.move(
                account(), application_id, form.sitting.data or "", form.room.data or "", form.seat.data or ""
            ),
        )
        if ok and made is not None:
            flash("座位已调整。", "success")
            return redirect(url_for("exams.seat", application_id=application_id))
        application = seating.find_person(account(), application_id)
    elif application.seat is not None and not form.is_submitted():
        form.sitting.data, form.room.data = str(application.seat.sitting_id), str(application.seat.room_id)
        form.seat.data = str(application.seat.number)
    place = application.seat
    mine = place is None or place.sitting.agency_id == account().agency_id
    return render_template(
        "exams/seating/seat.html",
        application=application,
        place=seats.Place(place) if place is not None else None,
        grade=Grade(application.grade or Grade.FIVE),
        remarks=seats.remarks(application),
        form=form,
        editable=may(account(), Permission.MANAGE_EXAMS) and mine,
    ), 422 if form.is_submitted() else 200


@blueprint.post("/seats/<int:application_id>/remove")
@requires(Permission.MANAGE_EXAMS)
def remove_seat(application_id: int) -> ResponseReturnValue:
    if TokenForm().validate_on_submit():
        ok, _ = attempt(None, lambda: seating.unseat(account(), application_id))
        if ok:
            flash("座位已取消。", "success")
            return redirect(url_for("exams.seating"))
    return redirect(url_for("exams.seat", application_id=application_id))


@blueprint.get("/seats/<int:application_id>/ticket.pdf")
@requires(Permission.VIEW_EXAMS)
def seat_ticket(application_id: int) -> Response:
    found, data = exam_documents.ticket(account(), application_id, issued=False)
    return inline(data, f"准考证-{found.ticket_number}.pdf", PDF)


@blueprint.get("/tickets")
@requires(Permission.VIEW_TICKETS)
def unit_seats() -> ResponseReturnValue:
    """A unit's people with their sittings and seats."""
    page = list_page(
        seats.unit_listing(account()),
        link=lambda row: url_for("exams.unit_ticket", application_id=row.id),
        export_endpoint="exams.unit_seats_export",
    )
    return render_template(
        "exams/seating/unit.html",
        page=page,
        together=exam_documents.TOGETHER,
        tickets_url=url_for("exams.unit_tickets", **query_args()),
        batch_url=_tickets_url(**query_args()),
    )


@blueprint.get("/tickets/export")
@requires(Permission.VIEW_TICKETS)
def unit_seats_export() -> Response:
    return list_export(seats.unit_listing(account()))


@blueprint.get("/tickets/all.pdf")
@requires(Permission.VIEW_TICKETS)
def unit_tickets() -> ResponseReturnValue:
    """The tickets of all who stand in the list as it is filtered, in one file."""
    ok, found = attempt(None, lambda: exam_documents.unit_tickets(account(), request.args.to_dict()))
    if not ok or found is None:
        return redirect(url_for("exams.unit_seats", **query_args()))
    return attachment(found[1], f"准考证（{found[0]}人）.pdf", PDF)


@blueprint.get("/tickets/<int:application_id>.pdf")
@requires(Permission.VIEW_TICKETS)
def unit_ticket(application_id: int) -> Response:
    found, data = exam_documents.ticket(account(), application_id, issued=True)
    return inline(data, f"准考证-{found.ticket_number}.pdf", PDF)


@blueprint.get("/application/exam")
@requires(Permission.APPLY)
def my_exam() -> ResponseReturnValue:
    """The applicant's sitting, room and seat."""
    found = seats.own_seat(account())
    return render_template("exams/seating/mine.html", place=seats.Place(found) if found is not None else None)


@blueprint.get("/application/ticket.pdf")
@requires(Permission.APPLY)
def my_ticket() -> Response:
    found, data = exam_documents.own_ticket(account())
    return inline(data, f"准考证-{found.ticket_number}.pdf", PDF)
