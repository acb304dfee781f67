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
from gongkao.documents.certificate_papers import CertificatePaper
from gongkao.documents.text import qr_code
from gongkao.extensions import limiter
from gongkao.models import CertificateState
from gongkao.services import certificates
from gongkao.services.notices import shown_code

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
        waiting=certificates.count_without(person) if issues else None,
        batch_url=url_for("notices.start_batch", name="certificates", **query_args()),
        revoked=certificates.count_revoked(person),
        revoked_url=url_for("notices.start_batch", name="revocations"),
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
    return _pdf(certificates.take(account(), certificate_id, _public_url()))


def _pdf(paper: CertificatePaper) -> Response:
    return inline(certificate_papers.certificate(paper), f"等级证书-{paper.number}.pdf", PDF)


def _public_url() -> str:
    address: str = current_app.config["GONGKAO"].public_url
    return address


@blueprint.get("/certificates/<int:certificate_id>/revocation.pdf")
@requires(Permission.VIEW_CERTIFICATES)
def revocation_pdf(certificate_id: int) -> Response:
    return _revocation(certificate_id)


def _revocation(certificate_id: int) -> Response:
    found = certificates.find(account(), certificate_id)
    data = certificate_papers.revocation(certificates.revocation_paper(found))
    return inline(data, f"撤销等级证书通知-{found.number}.pdf", PDF)


@blueprint.get("/application/certificate")
@requires(Permission.APPLY)
def my_certificate() -> ResponseReturnValue:
    """The applicant's own certificates: what stands on the one that is valid, how to check it, and what came before."""
    own = certificates.of_person(account())
    valid = [one for one in own if one.state is CertificateState.VALID]
    addresses = {one.id: certificates.verify_address(one, _public_url()) for one in valid}
    return render_template(
        "certificates/mine.html",
        valid=valid,
        earlier=[one for one in own if one.state is not CertificateState.VALID],
        facts={one.id: certificates.facts(one) for one in valid},
        codes={one.id: (shown_code(one.verification_code), addresses[one.id]) for one in valid},
        pictures={number: qr_code(address) for number, address in addresses.items()},
    )


@blueprint.get("/application/certificates/<int:certificate_id>.pdf")
@requires(Permission.APPLY)
@limiter.limit("60 per 5 minutes")
def my_certificate_pdf(certificate_id: int) -> Response:
    return _pdf(certificates.paper(certificates.find_own(account(), certificate_id), _public_url()))


@blueprint.get("/application/certificates/<int:certificate_id>/revocation.pdf")
@requires(Permission.APPLY)
@limiter.limit("60 per 5 minutes")
def my_revocation(certificate_id: int) -> Response:
    return _revocation(certificate_id)
