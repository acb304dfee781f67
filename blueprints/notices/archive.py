"""The archive: what is sealed, what is missing where it is not, and the sealed files."""

from flask import Response, render_template, url_for
from flask.typing import ResponseReturnValue

from blueprints.guard import requires
from blueprints.helpers import account, inline, list_export, list_page, query_args
from blueprints.notices import blueprint
from gongkao.access.permissions import Permission
from gongkao.access.scope import may
from gongkao.services import archive


@blueprint.get("/archive")
@requires(Permission.VIEW_CERTIFICATES)
def archive_list() -> ResponseReturnValue:
    person = account()
    page = list_page(
        archive.archive_listing(person),
        link=lambda row: url_for("notices.archived", application_id=row.id),
        export_endpoint="notices.archive_export",
    )
    figures = archive.counts(person)
    total, sealed = figures.value
    return render_template(
        "archive/list.html",
        page=page,
        total=total,
        sealed=sealed,
        moment=figures.moment,
        may_seal=may(person, Permission.ARCHIVE),
        batch_url=url_for("notices.start_batch", name="archive", **query_args()),
    )


@blueprint.get("/archive/export")
@requires(Permission.VIEW_CERTIFICATES)
def archive_export() -> Response:
    return list_export(archive.archive_listing(account()))


@blueprint.get("/archive/<int:application_id>")
@requires(Permission.VIEW_CERTIFICATES)
def archived(application_id: int) -> ResponseReturnValue:
    """One person's record: whether it is complete, and the editions that are sealed."""
    found = archive.find(account(), application_id)
    return render_template("archive/record.html", application=found, gaps=archive.missing(found))


@blueprint.get("/archive/records/<int:record_id>.pdf")
@requires(Permission.VIEW_CERTIFICATES)
def sealed_file(record_id: int) -> Response:
    kept, data = archive.take_sealed(account(), record_id)
    return inline(data, kept.name, kept.media_type)
