"""Certificates: the list, one with its history, re-issue, revocation, handing out."""

from flask import Response, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import HiddenField, StringField, TextAreaField

from blueprints.forms import Form
from blueprints.guard import requires
from blueprints.helpers import account, attempt, inline, list_export, list_page, query_args, row_id
from blueprints.notices import blueprint
from gongkao.access.permissions import Permission
from gongkao.access.scope import may
from gongkao.documents import certificate_papers
from gongkao.models import CertificateState
from gongkao.services import certificates

PDF = "application/pdf"


class EndForm(Form):
    """Re-issue or revocation: why, and of which version."""

    version = HiddenField()
    reason = TextAreaField("原因")


class HandOutForm(Form):
    taken_by = StringField("领取人")


@blueprint.get("/certificates")
@requires(Permission.VIEW_CERTIFICATES)
def certificate_list() -> ResponseReturnValue:
    return _list(HandOutForm(), 200)


def _list(form: HandOutForm, code: int) -> ResponseReturnValue:
    person = account()
    page = list_page(
        certificates.certificate_listing(person),
        link=lambda row: url_for("notices.certificate", certificate_id=row.id),
        export_endpoint="notices.certificates_export",
    )
    issues = may(person, Permission.ISSUE_CERTIFICATES)
    return render_template(
        "certificates/list.html",
        page=page,
        form=form,
        issues=issues,
        waiting=len(certificates.without_certificate(person)) if issues else 0,
        batch_url=url_for("notices.start_batch", name="certificates", **query_args()),
    ), code


@blueprint.get("/certificates/export")
@requires(Permission.VIEW_CERTIFICATES)
def certificates_export() -> Response:
    return list_export(certificates.certificate_listing(account()))


@blueprint.post("/certificates/hand-out")
@requires(Permission.ISSUE_CERTIFICATES)
def hand_out() -> ResponseReturnValue:
    """Put on record who took the certificates ticked in the list."""
    form = HandOutForm()
    chosen = [number for text in request.form.getlist("ids") if (number := row_id(text)) is not None]
    ok, count = attempt(form, lambda: certificates.hand_out(account(), chosen, form.taken_by.data or ""))
    if ok:
        flash(f"已登记发放{count}本证书。", "success")
    else:
        for message in form.taken_by.errors:
            flash(message, "error")
    return redirect(url_for("notices.certificate_list"))


@blueprint.get("/certificates/<int:certificate_id>")
@requires(Permission.VIEW_CERTIFICATES)
def certificate(certificate_id: int) -> ResponseReturnValue:
    return _certificate(certificate_id, EndForm(), 200)


def _certificate(certificate_id: int, form: EndForm, code: int) -> ResponseReturnValue:
    person = account()
    found = certificates.find(person, certificate_id)
    own = found.agency_id == person.agency_id and found.state is CertificateState.VALID
    return render_template(
        "certificates/certificate.html",
        certificate=found,
        facts=certificates.facts(found),
        history=certificates.history(found),
        form=form,
        may_reissue=own and may(person, Permission.ISSUE_CERTIFICATES),
        may_revoke=own and may(person, Permission.REVOKE_CERTIFICATES),
    ), code


@blueprint.post("/certificates/<int:certificate_id>/reissue")
@requires(Permission.ISSUE_CERTIFICATES)
def reissue_certificate(certificate_id: int) -> ResponseReturnValue:
    form = EndForm()
    version = row_id(form.version.data or "") or 0
    ok, made = attempt(form, lambda: certificates.reissue(account(), certificate_id, version, form.reason.data or ""))
    if ok and made is not None:
        flash(f"已换发，新证书编号{made.number}；原证书作废。", "success")
        return redirect(url_for("notices.certificate", certificate_id=made.id))
    return _certificate(certificate_id, form, 422)


@blueprint.post("/certificates/<int:certificate_id>/revoke")
@requires(Permission.REVOKE_CERTIFICATES)
def revoke_certificate(certificate_id: int) -> ResponseReturnValue:
    form = EndForm()
    version = row_id(form.version.data or "") or 0
    ok, _ = attempt(form, lambda: certificates.revoke_one(account(), certificate_id, version, form.reason.data or ""))
    if ok:
        flash("证书已撤销。请打印撤销通知送达本人和所在单位，并收回证书。", "success")
        return redirect(url_for("notices.certificate", certificate_id=certificate_id))
    return _certificate(certificate_id, form, 422)


@blueprint.get("/certificates/<int:certificate_id>/certificate.pdf")
@requires(Permission.VIEW_CERTIFICATES)
def certificate_pdf(certificate_id: int) -> Response:
    found = certificates.find(account(), certificate_id)
    data = certificate_papers.certificate(certificates.paper(found, current_app.config["GONGKAO"].public_url))
    return inline(data, f"等级证书-{found.number}.pdf", PDF)


@blueprint.get("/certificates/<int:certificate_id>/revocation.pdf")
@requires(Permission.VIEW_CERTIFICATES)
def revocation_pdf(certificate_id: int) -> Response:
    found = certificates.find(account(), certificate_id)
    data = certificate_papers.revocation(certificates.revocation_paper(found))
    return inline(data, f"撤销等级证书通知-{found.number}.pdf", PDF)
