"""The published lists: anybody may read them."""

from flask import render_template, url_for
from flask.typing import ResponseReturnValue

from blueprints.guard import public
from blueprints.helpers import list_page
from blueprints.notices import blueprint
from gongkao.extensions import limiter
from gongkao.rules.fields import mask_name
from gongkao.rules.grades import Grade
from gongkao.services import publication


@blueprint.get("/results/published")
@public
@limiter.limit("60 per minute")
def published() -> ResponseReturnValue:
    page = list_page(publication.releases(), link=lambda row: url_for("notices.published_list", release_id=row.id))
    return render_template("notices/published.html", page=page)


@blueprint.get("/results/published/<int:release_id>")
@public
@limiter.limit("60 per minute")
def published_list(release_id: int) -> ResponseReturnValue:
    """One agency's list of one grade."""
    release = publication.find(release_id)
    return render_template(
        "notices/published_list.html",
        page=list_page(publication.people(release)),
        release=release,
        grade=Grade(release.grade),
        figures=publication.figures(release),
    )


@blueprint.get("/results/published/<int:release_id>/print")
@public
@limiter.limit("20 per minute")
def published_print(release_id: int) -> ResponseReturnValue:
    """The whole list on one page, for paper."""
    release = publication.find(release_id)
    rows = [
        (
            number,
            one.number,
            one.application.seat.ticket_number if one.application.seat is not None else "",
            mask_name(one.application.person.name),
            one.application.trade.name if one.application.trade is not None else "",
            "合格" if one.passed else "不合格",
        )
        for number, one in enumerate(publication.printed(release), start=1)
    ]
    return render_template("notices/published_print.html", rows=rows, release=release, grade=Grade(release.grade))
