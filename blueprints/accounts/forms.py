"""Forms of signing in, registering and the own account."""

from wtforms import BooleanField, HiddenField, PasswordField, StringField
from wtforms.validators import DataRequired, EqualTo, Length

from blueprints.forms import Form


def needed(what: str) -> DataRequired:
    return DataRequired(message=what)


class SignInForm(Form):
    username = StringField(
        "账户或身份证号",
        [needed("请输入管理账户；申报人员请输入身份证号。"), Length(max=40, message="账户名最长40个字符。")],
    )
    password = PasswordField("密码", [needed("请输入密码。"), Length(max=128, message="密码最长128个字符。")])
    next = HiddenField()


class RegisterForm(Form):
    name = StringField("姓名", [needed("请输入与身份证一致的真实姓名。")])
    identity_number = StringField("身份证号", [needed("请输入18位身份证号。")])
    mobile = StringField("手机号码", [needed("请输入11位手机号码。")])
    password = PasswordField("设置密码", [needed("请设置登录密码。")])
    password_again = PasswordField(
        "再次输入密码",
        [needed("请再次输入密码。"), EqualTo("password", message="两次输入的密码不一致，请重新输入。")],
    )
    truth = BooleanField(
        "本人承诺以真实身份注册，对个人提交的申报材料的真实性负责",
        [needed("请阅读并勾选承诺后再注册。")],
    )


class PasswordForm(Form):
    current = PasswordField("当前密码", [needed("请输入当前密码。首次登录请输入领取的一次性密码。")])
    new = PasswordField("新密码", [needed("请输入新密码。")])
    new_again = PasswordField(
        "再次输入新密码",
        [needed("请再次输入新密码。"), EqualTo("new", message="两次输入的新密码不一致，请重新输入。")],
    )


class ContactForm(Form):
    mobile = StringField("新手机号码")
    email = StringField("电子邮箱")
    password = PasswordField("当前密码", [needed("请输入密码，确认是您本人操作。")])


class SignOutForm(Form):
    """Only the token."""
