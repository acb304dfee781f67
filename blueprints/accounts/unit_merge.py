"""Merging a unit into another."""

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from wtforms import BooleanField, StringField

from blueprints.accounts import blueprint
from blueprints.accounts.forms import needed
from blueprints.forms import Form
from blueprints.guard import requires
from blueprints.helpers import account, attempt
from gongkao.access.permissions import Permission
from gongkao.services import unit_merge, units


class MergeForm(Form):
    into = StringField("并入单位", [needed("请填写并入单位的规范全称或统一社会信用代码。")])
    reason = StringField("合并依据", [needed("请填写机构编制部门的批复文号，如“牟编〔2025〕3号”。")])
    sure = BooleanField("已核对，确认合并", [needed("合并后不能撤销，请核对后勾选确认。")])


@blueprint.route("/units/<int:unit_id>/merge", methods=["GET", "POST"])
@requires(Permission.MANAGE_UNITS)
def unit_merge_page(unit_id: int) -> ResponseReturnValue:
    """Say into which unit, on what ground, and with a deliberate yes."""
    found = units.find(account(), unit_id)
    form = MergeForm()
    if form.validate_on_submit():
        ok, target = attempt(
            form, lambda: unit_merge.merge(account(), unit_id, form.into.data or "", form.reason.data or "")
        )
        if ok and target is not None:
            flash(f"已并入{target.name}，人员和未办结的申报一并转入，原单位停用。", "success")
            return redirect(url_for("accounts.unit", unit_id=target.id))
    return render_template(
        "units/merge.html", form=form, unit=found, extent=unit_merge.extent(found)
    ), 422 if form.is_submitted() else 200
