"""Forms of units, their import and the check of their names."""

from wtforms import BooleanField, IntegerField, SelectField, StringField, TextAreaField

from blueprints.accounts.forms import needed
from blueprints.forms import Form
from gongkao.rules.routing import UnitLevel


class UnitForm(Form):
    name = StringField("单位名称", [needed("请输入单位名称，与印章一致。")])
    credit_code = StringField("统一社会信用代码", [needed("请输入18位统一社会信用代码。")])
    level = SelectField(
        "单位层级",
        [needed("请选择单位层级。")],
        choices=[("", "请选择"), *((level.value, level.label) for level in UnitLevel)],
    )
    region_code = SelectField("所在地区", [needed("请选择单位所在地区。")])
    supervising_unit = StringField("主管单位")
    contact_phone = StringField("联系电话")


class ChangeUnitForm(UnitForm):
    active = BooleanField("使用中", description="取消勾选即停用：不能再为该单位填报登记表或申报，历史记录保留。")


class CorrectForm(Form):
    name = StringField("更正后的名称", [needed("请输入规范的单位全称，与印章一致。")])


class CheckDecisionForm(Form):
    version = IntegerField()
    reason = TextAreaField("退回的原因")


class TokenForm(Form):
    """Only the token."""
