"""Forms of false materials: raising, waiving the statement, deciding, lifting."""

from wtforms import IntegerField, RadioField, TextAreaField

from blueprints.accounts.forms import needed
from blueprints.forms import Form


class RaiseForm(Form):
    description = TextAreaField("反映的情况", [needed("请写明哪份材料、哪项信息可能不实，以及依据。")])


class WaiverForm(Form):
    version = IntegerField()
    waiver = TextAreaField("未提交说明的原因", [needed("请写明何时、以何种方式要求过，以及未提交的原因。")])


class DecisionForm(Form):
    version = IntegerField()
    outcome = RadioField(
        "认定结论",
        [needed("请选择“认定虚假”或“不予认定”。")],
        choices=[("confirm", "认定虚假"), ("dismiss", "不予认定")],
        validate_choice=False,
    )
    decision = TextAreaField("认定的事实和理由", [needed("请写明认定的事实和理由，通知书按此出具。")])


class LiftForm(Form):
    version = IntegerField()
    appeal = TextAreaField("申诉和复核情况", [needed("请写明申诉的理由和复核的结论。")])
