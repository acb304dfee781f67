"""Forms of the registration sheet and its desk."""

from flask_wtf.file import FileField
from wtforms import HiddenField, IntegerField, RadioField, StringField, TextAreaField

from blueprints.accounts.forms import needed
from blueprints.forms import Form
from gongkao.services.sheets import SEXES


class SheetForm(Form):
    """The cells of the attachment, in its order."""

    filler = StringField("填表人", [needed("请输入填表人姓名。")])
    filled_on = StringField("填表日期", [needed("请输入填表日期，如 2025-03-11。")])
    name = StringField("姓名", [needed("请输入管理人员姓名。")])
    sex = RadioField("性别", [needed("请选择性别。")], choices=[(sex, sex) for sex in SEXES])
    department = StringField("工作部门", [needed("请输入工作部门，如“人事科”。")])
    position = StringField("职务", [needed("请输入职务，如“科员”。")])
    office_phone = StringField("办公电话", [needed("请输入办公电话，如 0371-62181234。")])
    mobile = StringField("手机号码", [needed("请输入11位手机号码。")])


class ScanForm(Form):
    scan = FileField("盖章扫描件")


class FindSheetForm(Form):
    number = StringField("登记表编号", [needed("请输入登记表编号，印在登记表页脚，以“DJ”开头。")])
    mobile = StringField("手机号码", [needed("请输入登记表上管理人员的手机号码。")])


class SheetDecisionForm(Form):
    version = IntegerField()
    reason = TextAreaField("不通过的原因")


class SlipForm(Form):
    password = HiddenField()
