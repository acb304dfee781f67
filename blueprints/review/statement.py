"""The unit's statement on vacant posts and terms, which it confirms before it passes anybody."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from blueprints.guard import requires
from blueprints.helpers import account, refusal
from blueprints.review import blueprint
from blueprints.review.forms import StatementForm
from gongkao.access.permissions import Permission
from gongkao.models import UnitStatement
from gongkao.rules.errors import RuleError
from gongkao.services import unit_statements
from gongkao.services.errors import Conflict
from gongkao.services.unit_statements import Post

# So many lines stand ready to be filled in.
LINES = 3
_FIELDS = ("post", "grade", "vacancies", "terms")


@blueprint.route("/review/statement", methods=["GET", "POST"])
@requires(Permission.STATE_VACANCIES)
def statement() -> ResponseReturnValue:
    """Which posts are vacant and on what terms the unit appoints (notice 二（一））."""
    unit = account().unit
    assert unit is not None
    kept = unit_statements.of_unit(unit.id)
    form = StatementForm() if request.method == "POST" else StatementForm(formdata=None, data=_data(kept))
    typed = _typed() if request.method == "POST" else _kept_posts(kept)
    wrong: dict[str, str] = {}
    status = 200
    if request.method == "POST" and request.form.get("go") != "add":
        vacant = {"yes": True, "no": False}.get(form.vacant.data or "")
        try:
            unit_statements.confirm(
                account(),
                vacant=vacant,
                posts=typed,
                terms=form.terms.data or "",
                responsible_name=form.responsible_name.data or "",
                version=form.version.data or 0,
            )
        except RuleError as error:
            status = 409 if isinstance(error, Conflict) else 422
            wrong = refusal(error)
            if isinstance(error, Conflict):
                form.version.data = form.version.raw_data = None
                form.version.process_data(kept.version if kept is not None else 0)
        else:
            flash("已确认岗位空缺和聘用说明，可以办理审查了。", "success")
            return redirect(url_for("review.desk"))
    lines = typed + [Post("", "", "", "")] * max(LINES - len(typed), 1 if request.form.get("go") == "add" else 0)
    return render_template(
        "review/statement.html", form=form, lines=lines, fields=_FIELDS, wrong=wrong, kept=kept, unit=unit
    ), status


def _typed() -> list[Post]:
    """The lines as typed, in their order; gaps in the numbering come from lines that were taken out."""
    numbers = sorted(
        {
            int(parts[1])
            for name in request.form
            if len(parts := name.split("-")) == 3 and parts[0] == "posts" and parts[1].isdigit() and len(parts[1]) < 4
        }
    )
    return [Post(*(request.form.get(f"posts-{number}-{name}", "") for name in _FIELDS)) for number in numbers]


def _kept_posts(kept: UnitStatement | None) -> list[Post]:
    posts = kept.posts if kept is not None else []
    return [Post(*(str(post[name]) for name in _FIELDS)) for post in posts]


def _data(kept: UnitStatement | None) -> dict[str, object]:
    if kept is None:
        return {"version": 0}
    return {
        "version": kept.version,
        "vacant": "yes" if kept.posts else "no",
        "terms": kept.terms,
        "responsible_name": kept.responsible_name,
    }
