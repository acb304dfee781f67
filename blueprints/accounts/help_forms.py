"""Forms of password help and the second factor."""

from flask_wtf import FlaskForm
from wtforms import IntegerField, PasswordField, SelectMultipleField, StringField, TextAreaField
from wtforms.widgets import CheckboxInput, ListWidget

from blueprints.accounts.forms import needed
from gongkao.services.password_help import CHECKS


class AskForm(FlaskForm):
    name = StringField("姓名", [needed("请输入注册时的真实姓名。")])
    identity_number = StringField("身份证号", [needed("请输入18位身份证号。")])
    mobile = StringField("联系手机", [needed("请输入能联系到您的手机号码。")])


class ChecksField(SelectMultipleField):
    """Every box of it must be ticked; the service says so."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class IssueForm(FlaskForm):
    version = IntegerField()
    checks = ChecksField("核实身份", choices=list(CHECKS), validate_choice=False)


class RefuseHelpForm(FlaskForm):
    version = IntegerField()
    reason = TextAreaField("不予办理的原因")


class CodeForm(FlaskForm):
    code = StringField("动态码", [needed("请输入手机应用上显示的6位动态码。")])


class DisableForm(FlaskForm):
    password = PasswordField("当前密码", [needed("请输入密码，确认是您本人操作。")])
