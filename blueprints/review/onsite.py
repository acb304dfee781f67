"""On-site confirmation: visits of units, the agency's times, originals in and out, and what was not yet returned."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from blueprints import unmask
from blueprints.accounts.unit_forms import TokenForm
from blueprints.guard import requires
from blueprints.helpers import account, as_of, attempt, inline, list_export, list_page, row_id, waits
from blueprints.review import blueprint
from blueprints.review.onsite_forms import (
    BookForm,
    BundleForm,
    ChangeBundleForm,
    RemoveSlotForm,
    SeriesForm,
    SlotForm,
    chosen_people,
    keys,
    pieces,
)
from gongkao.access.permissions import Permission
from gongkao.access.scope import may
from gongkao.clock import today
from gongkao.models import Original, Role, Visit, VisitSlot
from gongkao.rules import fields
from gongkao.rules import onsite as rules
from gongkao.rules.errors import RuleError
from gongkao.rules.grades import Grade
from gongkao.services import originals, visit_papers, visit_slots, visits

PDF = "application/pdf"
_STEPS = (("receive", "接收原件"), ("confirm", "确认"), ("return", "退还原件"))


def _is_agency() -> bool:
    return account().role in (Role.AGENCY_OFFICER, Role.AGENCY_MANAGER)


def _tabs(current: str, held: int | None = None) -> list[dict[str, Any]]:
    """The tabs of on-site confirmation: the agency's day and times, the unit's people, and what everybody sees.

    `held` is how many originals are held, where that was counted already.
    """
    person = account()
    places: list[tuple[str, str, str, int | None]] = []
    if _is_agency():
        places.append(("day", "当日安排", "review.onsite", None))
    elif may(person, Permission.REVIEW):
        places.append(("new", "汇总人员", "review.onsite_new", waits().get("onsite") or None))
    places.append(("visits", "全部批次", "review.onsite_visits", None))
    if _is_agency():
        places.append(("slots", "时段设置", "review.onsite_slots", None))
    if held is None:
        held, _ = originals.held_counts(person).value
    places.append(("originals", "未退原件", "review.onsite_originals", held or None))
    return [
        {"label": label, "href": url_for(endpoint), "count": count, "current": key == current}
        for key, label, endpoint, count in places
    ]


@blueprint.get("/onsite")
@requires(Permission.VIEW_APPLICATIONS)
def onsite() -> ResponseReturnValue:
    """The agency's day; everybody else begins with the visits."""
    if not _is_agency():
        return redirect(url_for("review.onsite_visits"))
    return _day_page()


def _day_page(scanned: str = "", wrong: str = "") -> str:
    person = account()
    day = _day()
    known = visits.days_with_visits(person)
    page = list_page(
        visits.listing(person, day),
        link=lambda row: url_for("review.onsite_visit", visit_id=row.id),
        export_endpoint="review.onsite_export",
        summary=[
            {
                "label": f"{one.month}月{one.day}日",
                "count": count,
                "href": url_for("review.onsite", day=one.isoformat()),
                "current": one == day,
            }
            for one, count in known
            if one >= min(day, today()) - timedelta(days=1)
        ][:10],
    )
    return render_template(
        "onsite/day.html",
        page=page,
        day=day,
        today=today(),
        before=day - timedelta(days=1),
        after=day + timedelta(days=1),
        scanned=scanned,
        wrong=wrong,
        tabs=_tabs("day"),
    )


def _day() -> date:
    try:
        day = date.fromisoformat(request.args.get("day", ""))
    except ValueError:
        return today()
    return day if 2000 <= day.year <= 2999 else today()


@blueprint.get("/onsite/export")
@requires(Permission.VIEW_APPLICATIONS)
def onsite_export() -> Response:
    return list_export(visits.listing(account(), _day()))


@blueprint.get("/onsite/find")
@requires(Permission.VIEW_APPLICATIONS)
def onsite_find() -> ResponseReturnValue:
    """Where a scanner leads: it types the number and Enter."""
    number = request.args.get("number", "")
    if not number.strip():
        return redirect(url_for("review.onsite"))
    try:
        found = visits.by_number(account(), number)
    except RuleError as error:
        if _is_agency():
            return _day_page(number[:40], error.message), 422
        return _visits_page(number[:40], error.message), 422
    return redirect(url_for("review.onsite_visit", visit_id=found.id))


@blueprint.get("/onsite/visits")
@requires(Permission.VIEW_APPLICATIONS)
def onsite_visits() -> ResponseReturnValue:
    return _visits_page()


def _visits_page(scanned: str = "", wrong: str = "") -> str:
    person = account()
    counts = visits.status_counts(person)
    chosen = request.args.get("status", "")
    parts = [("", "全部批次", sum(counts.value.values()))]
    parts += [(status.value, status.label, count) for status, count in counts.value.items() if count]
    page = list_page(
        visits.listing(person),
        link=lambda row: url_for("review.onsite_visit", visit_id=row.id),
        export_endpoint="review.onsite_visits_export",
        summary=[
            {
                "label": label,
                "count": count,
                "href": url_for("review.onsite_visits", status=key or None),
                "current": chosen == key,
            }
            for key, label, count in parts
        ]
        + as_of(counts),
    )
    return render_template("onsite/visits.html", page=page, scanned=scanned, wrong=wrong, tabs=_tabs("visits"))


@blueprint.get("/onsite/visits/export")
@requires(Permission.VIEW_APPLICATIONS)
def onsite_visits_export() -> Response:
    return list_export(visits.listing(account()))


@blueprint.route("/onsite/new", methods=["GET", "POST"])
@requires(Permission.REVIEW)
def onsite_new() -> ResponseReturnValue:
    """A unit brings its waiting people together."""
    person = account()
    visits.require_unit(person)
    form = BundleForm(data={"bearer_name": person.display_name, "bearer_mobile": person.mobile})
    if form.validate_on_submit():
        done, made = attempt(
            form,
            lambda: visits.bundle(
                person,
                form.people.data or [],
                bearer_name=form.bearer_name.data or "",
                bearer_mobile=form.bearer_mobile.data or "",
            ),
        )
        if done and made is not None:
            flash(f"已汇总{len(made.members)}人，批次编号{made.number}。请预约时间，并打印名单。", "success")
            return redirect(url_for("review.onsite_book", visit_id=made.id))
    return _choose(form, None)


@blueprint.route("/onsite/visits/<int:visit_id>/people", methods=["GET", "POST"])
@requires(Permission.REVIEW)
def onsite_people(visit_id: int) -> ResponseReturnValue:
    """Change who comes along and who brings the originals."""
    person = account()
    visit = visits.find(person, visit_id)
    form = ChangeBundleForm(data={"version": visit.version, "bearer_name": visit.bearer_name})
    form.bearer_mobile.description = f"现为{fields.mask_mobile(visit.bearer_mobile)}，不更换的留空"
    if form.validate_on_submit():
        done, changed = attempt(
            form,
            lambda: visits.rebundle(
                person,
                visit_id,
                form.version.data or 0,
                form.people.data or [],
                bearer_name=form.bearer_name.data or "",
                bearer_mobile=form.bearer_mobile.data or "",
            ),
        )
        if done and changed is not None:
            flash("已保存。已打印的名单请重新打印。", "success")
            return redirect(url_for("review.onsite_visit", visit_id=visit_id))
    return _choose(form, visits.find(person, visit_id))


def _choose(form: BundleForm, visit: Visit | None) -> ResponseReturnValue:
    person = account()
    refused = request.method == "POST"
    if refused:
        chosen = set(form.people.data or [])
    else:
        chosen = {member.application_id for member in visit.members} if visit is not None else set()
    return render_template(
        "onsite/choose.html",
        form=form,
        visit=visit,
        people=visits.waiting(person, visit),
        chosen=chosen,
        most=visits.MAX_PEOPLE,
        levels={int(grade): grade.level for grade in Grade},
        tabs=_tabs("new") if visit is None else [],
    ), 422 if refused else 200


@blueprint.get("/onsite/visits/<int:visit_id>")
@requires(Permission.VIEW_APPLICATIONS)
def onsite_visit(visit_id: int) -> ResponseReturnValue:
    """A visit: for its agency with the ticks, for everybody else to read."""
    return _visit_page(visit_id)


@blueprint.post("/onsite/visits/<int:visit_id>/numbers")
@requires(Permission.VIEW_APPLICATIONS)
def onsite_numbers(visit_id: int) -> ResponseReturnValue:
    """The same page with the bearer's whole number, once."""
    return unmask.show(Visit, visit_id, lambda whole: _visit_page(visit_id, whole=whole, sent={}))


def _visit_page(visit_id: int, **given: Any) -> str:
    found = originals.detail(account(), visit_id)
    step = request.args.get("step", "")
    if step not in dict(_STEPS):
        step = _step_due(found)
    counts = {"receive": found.to_receive, "confirm": found.to_confirm, "return": found.held}
    return render_template(
        "onsite/visit.html",
        found=found,
        visit=found.visit,
        step=step,
        steps=[
            {
                "label": label,
                "href": url_for("review.onsite_visit", visit_id=visit_id, step=key),
                "count": counts[key] or None,
                "current": key == step,
            }
            for key, label in _STEPS
        ],
        time_text=visit_slots.time_text(found.visit.slot) if found.visit.slot is not None else "",
        sent_ticks=set(request.form.getlist("tick")),
        **{"wrong": {}, "sent": request.form, "whole": unmask.HIDDEN, **given},
    )


def _step_due(found: originals.VisitDetail) -> str:
    if found.to_receive and not found.ready:
        return "receive"
    if found.to_confirm:
        return "confirm"
    return "return" if found.held else "receive"


def _work(visit_id: int, step: str, use_case: Callable[[], str]) -> ResponseReturnValue:
    """Do something at the agency's desk and come back to the step; refused, what was ticked stays."""
    form = TokenForm()
    if not form.validate_on_submit():
        return redirect(url_for("review.onsite_visit", visit_id=visit_id, step=step))
    try:
        flash(use_case(), "success")
    except RuleError as error:
        fields = getattr(error, "fields", {"": error.message})
        return _visit_page(visit_id, wrong=fields), 422
    return redirect(url_for("review.onsite_visit", visit_id=visit_id, step=step))


@blueprint.post("/onsite/visits/<int:visit_id>/receive")
@requires(Permission.REVIEW)
def onsite_receive(visit_id: int) -> ResponseReturnValue:
    """Take in what is ticked, everything of one person, or everything."""

    def use_case() -> str:
        member = row_id(request.form.get("member", ""))
        everything = "all" in request.form or member is not None
        count = originals.receive(
            account(),
            visit_id,
            None if everything else keys(request.form.getlist("tick")),
            pieces(request.form),
            member_id=member,
        )
        return f"已接收{count}份原件。"

    return _work(visit_id, "receive", use_case)


@blueprint.post("/onsite/visits/<int:visit_id>/add")
@requires(Permission.REVIEW)
def onsite_add(visit_id: int) -> ResponseReturnValue:
    """Take in a document that is not on the list."""

    def use_case() -> str:
        made = originals.add(
            account(),
            visit_id,
            row_id(request.form.get("member", "")) or 0,
            request.form.get("label", ""),
            request.form.get("pieces", ""),
        )
        return f"已接收：{made.label}，{made.pieces}件。"

    return _work(visit_id, "receive", use_case)


@blueprint.post("/onsite/visits/<int:visit_id>/undo")
@requires(Permission.REVIEW)
def onsite_undo(visit_id: int) -> ResponseReturnValue:
    return _work(
        visit_id,
        "receive",
        lambda: (
            f"已撤销接收：{originals.undo(account(), visit_id, row_id(request.form.get('original', '')) or 0).label}。"
        ),
    )


@blueprint.post("/onsite/visits/<int:visit_id>/confirm")
@requires(Permission.REVIEW)
def onsite_confirm(visit_id: int) -> ResponseReturnValue:
    """Confirm one person, or everybody whose originals were all taken in."""

    def use_case() -> str:
        if "all" not in request.form:
            member, _, version = request.form.get("member", "").partition(":")
            done = originals.confirm(account(), visit_id, row_id(member) or 0, row_id(version) or 0)
            return f"已确认：{done.person.name}，现为“{done.status.label}”。"
        people, refused = originals.confirm_complete(account(), visit_id)
        for reason in refused:
            flash(reason, "error")
        return f"已确认{len(people)}人。"

    return _work(visit_id, "confirm", use_case)


@blueprint.post("/onsite/visits/<int:visit_id>/return")
@requires(Permission.REVIEW)
def onsite_return(visit_id: int) -> ResponseReturnValue:
    """Give back what is ticked, everything of one person, or everything."""

    def use_case() -> str:
        member = row_id(request.form.get("member", ""))
        everything = "all" in request.form or member is not None
        chosen = None if everything else chosen_people(request.form.getlist("tick"))
        to = request.form.get("returned_to", "")
        count = originals.give_back(account(), visit_id, chosen, to, member_id=member)
        return f"已退还{count}份原件，由{to.strip()}领取，送件单位已收到消息。"

    return _work(visit_id, "return", use_case)


@blueprint.route("/onsite/visits/<int:visit_id>/book", methods=["GET", "POST"])
@requires(Permission.REVIEW)
def onsite_book(visit_id: int) -> ResponseReturnValue:
    """Choose one of the agency's times."""
    person = account()
    form = BookForm()
    visits.find(person, visit_id)
    if form.validate_on_submit():
        done, booked = attempt(form, lambda: visits.book(person, visit_id, row_id(form.slot.data or "")))
        if done and booked is not None and booked.slot is not None:
            flash(f"已预约：{visit_slots.time_text(booked.slot)}，{booked.slot.place}。", "success")
            return redirect(url_for("review.onsite_visit", visit_id=visit_id))
    found = visits.find(person, visit_id)
    return render_template(
        "onsite/book.html",
        form=form,
        visit=found,
        may_change=visits.may_change(person, found),
        choices=visit_slots.choices(found),
    ), 422 if form.is_submitted() else 200


@blueprint.post("/onsite/visits/<int:visit_id>/cancel-booking")
@requires(Permission.REVIEW)
def onsite_cancel_booking(visit_id: int) -> ResponseReturnValue:
    if TokenForm().validate_on_submit():
        done, _ = attempt(None, lambda: visits.cancel_booking(account(), visit_id))
        if done:
            flash("已取消预约，请另选时段。", "success")
    return redirect(url_for("review.onsite_visit", visit_id=visit_id))


@blueprint.post("/onsite/visits/<int:visit_id>/dissolve")
@requires(Permission.REVIEW)
def onsite_dissolve(visit_id: int) -> ResponseReturnValue:
    if TokenForm().validate_on_submit():
        done, _ = attempt(None, lambda: visits.dissolve(account(), visit_id))
        if done:
            flash("已取消该批次，人员可以重新汇总。", "success")
            return redirect(url_for("review.onsite_visits"))
    return redirect(url_for("review.onsite_visit", visit_id=visit_id))


@blueprint.get("/onsite/visits/<int:visit_id>/list.pdf")
@requires(Permission.VIEW_APPLICATIONS)
def onsite_list_paper(visit_id: int) -> Response:
    data, number = visit_papers.visit_list(account(), visit_id)
    return inline(data, f"现场审查确认人员名单{number}.pdf", PDF)


@blueprint.get("/onsite/visits/<int:visit_id>/receipt.pdf")
@requires(Permission.VIEW_APPLICATIONS)
def onsite_receipt_paper(visit_id: int) -> Response:
    data, number = visit_papers.receipt(account(), visit_id)
    return inline(data, f"原件接收清单{number}.pdf", PDF)


@blueprint.get("/onsite/visits/<int:visit_id>/return-slip.pdf")
@requires(Permission.VIEW_APPLICATIONS)
def onsite_return_paper(visit_id: int) -> Response:
    data, number = visit_papers.return_slip(account(), visit_id)
    return inline(data, f"原件退还清单{number}.pdf", PDF)


@blueprint.get("/onsite/slots")
@requires(Permission.REVIEW)
def onsite_slots() -> ResponseReturnValue:
    page = list_page(
        visit_slots.listing(account()),
        link=lambda row: url_for("review.onsite_slot", slot_id=row.id) if _is_agency() else None,
        export_endpoint="review.onsite_slots_export",
    )
    return render_template("onsite/slots.html", page=page, may_set=_is_agency(), tabs=_tabs("slots"))


@blueprint.get("/onsite/slots/export")
@requires(Permission.REVIEW)
def onsite_slots_export() -> Response:
    return list_export(visit_slots.listing(account()))


@blueprint.route("/onsite/slots/new", methods=["GET", "POST"])
@requires(Permission.REVIEW)
def onsite_new_slot() -> ResponseReturnValue:
    agency = visit_slots.require_agency(account())
    form = SlotForm(data={"place": agency.address})
    return _save_slot(form, None)


@blueprint.route("/onsite/slots/<int:slot_id>", methods=["GET", "POST"])
@requires(Permission.REVIEW)
def onsite_slot(slot_id: int) -> ResponseReturnValue:
    slot = visit_slots.find(account(), slot_id)
    return _save_slot(SlotForm(data=_slot_data(slot)), slot_id)


def _slot_data(slot: VisitSlot) -> dict[str, str]:
    return {
        "day": slot.starts_at.date().isoformat(),
        "starts": f"{slot.starts_at:%H:%M}",
        "ends": f"{slot.ends_at:%H:%M}",
        "capacity": str(slot.capacity),
        "place": slot.place,
    }


def _save_slot(form: SlotForm, slot_id: int | None) -> ResponseReturnValue:
    if form.validate_on_submit():
        done, saved = attempt(
            form,
            lambda: visit_slots.save(
                account(),
                slot_id,
                day=form.day.data or "",
                starts=form.starts.data or "",
                ends=form.ends.data or "",
                capacity=form.capacity.data or "",
                place=form.place.data or "",
            ),
        )
        if done and saved is not None:
            flash(f"已保存时段：{visit_slots.time_text(saved)}，可接待{saved.capacity}人。", "success")
            return redirect(url_for("review.onsite_slots"))
    return _slot_page(form, RemoveSlotForm(formdata=None), slot_id), 422 if form.is_submitted() else 200


def _slot_page(form: SlotForm, removing: RemoveSlotForm, slot_id: int | None) -> str:
    return render_template(
        "onsite/slot.html",
        form=form,
        removing=removing,
        slot=visit_slots.find(account(), slot_id) if slot_id is not None else None,
        booked=visit_slots.taken(slot_id) if slot_id is not None else 0,
    )


@blueprint.route("/onsite/slots/series", methods=["GET", "POST"])
@requires(Permission.REVIEW)
def onsite_series() -> ResponseReturnValue:
    """Many times at once: days, hours of each day, capacity."""
    agency = visit_slots.require_agency(account())
    form = SeriesForm(data={"place": agency.address})
    if form.validate_on_submit():
        done, made = attempt(
            form,
            lambda: visit_slots.add_series(
                account(),
                first=form.first.data or "",
                last=form.last.data or "",
                times=form.times.data or "",
                weekends=bool(form.weekends.data),
                capacity=form.capacity.data or "",
                place=form.place.data or "",
            ),
        )
        if done and made is not None:
            left_out = f"，{made[1]}个与已有时段重叠或已过，未设置" if made[1] else ""
            flash(f"已设置{made[0]}个时段{left_out}。", "success")
            return redirect(url_for("review.onsite_slots"))
    return render_template("onsite/series.html", form=form), 422 if form.is_submitted() else 200


@blueprint.post("/onsite/slots/<int:slot_id>/remove")
@requires(Permission.REVIEW)
def onsite_remove_slot(slot_id: int) -> ResponseReturnValue:
    form = RemoveSlotForm()
    slot = visit_slots.find(account(), slot_id)
    text = visit_slots.time_text(slot)
    if form.validate_on_submit():
        done, told = attempt(form, lambda: visit_slots.remove(account(), slot_id, form.reason.data or ""))
        if done:
            flash(f"已取消时段{text}{f'，已通知{told}个批次的单位改约' if told else ''}。", "success")
            return redirect(url_for("review.onsite_slots"))
    shown = SlotForm(formdata=None, data=_slot_data(visit_slots.find(account(), slot_id)))
    return _slot_page(shown, form, slot_id), 422


@blueprint.get("/onsite/originals")
@requires(Permission.VIEW_APPLICATIONS)
def onsite_originals() -> ResponseReturnValue:
    """What was taken in and has not gone back."""
    person = account()
    counts = originals.held_counts(person)
    held, overdue = counts.value
    late = request.args.get("late", "")
    summary = [
        {"label": "全部未退", "count": held, "href": url_for("review.onsite_originals"), "current": late == ""},
        {
            "label": f"超过{rules.REMIND_AFTER_WORKING_DAYS}个工作日",
            "count": overdue,
            "href": url_for("review.onsite_originals", late="yes"),
            "current": late == "yes",
        },
    ]
    page = list_page(
        originals.outstanding(person),
        link=_visit_of,
        export_endpoint="review.onsite_originals_export",
        summary=[*summary, *as_of(counts)],
    )
    return render_template(
        "onsite/originals.html",
        page=page,
        overdue=overdue,
        remind=rules.REMIND_AFTER_WORKING_DAYS,
        tabs=_tabs("originals", held),
    )


def _visit_of(row: Original) -> str | None:
    if not originals.may_open_visit(account(), row):
        return None
    return url_for("review.onsite_visit", visit_id=row.member.visit_id, step="return")


@blueprint.get("/onsite/originals/export")
@requires(Permission.VIEW_APPLICATIONS)
def onsite_originals_export() -> Response:
    return list_export(originals.outstanding(account()))
