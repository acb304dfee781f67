"""Forms of the settings."""

from datetime import date
from typing import Any

from flask_wtf.file import FileField
from wtforms import BooleanField, DateField, HiddenField, RadioField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, StopValidation

from blueprints.forms import Form
from gongkao.models import Role
from gongkao.services.settings import DUTIES, OFFICIAL_ROLES, WindowRow


class DayField(DateField):
    """A day, with messages in Chinese."""

    data: date | None

    def process_formdata(self, valuelist: list[str]) -> None:
        if not any(valuelist):
            self.data = None
            return
        try:
            super().process_formdata(valuelist)
        except ValueError as error:
            raise ValueError("日期不正确，请按“2025-03-31”的格式填写。") from error


class NeededDay(InputRequired):
    """A day must be typed; where it was typed wrongly, that message alone is shown."""

    def __call__(self, form: Any, field: Any) -> None:
        if field.errors:
            raise StopValidation()
        if field.data is None:
            raise StopValidation("请填写日期。")


class CalendarForm(Form):
    notice_issued_on = DayField("通知印发日期", [NeededDay()])
    notice_issued_on_confirmed = BooleanField("印发日期已核实")
    deferral_due = DayField("容缺后补截止日期", [NeededDay()])


def calendar_form(rows: list[WindowRow]) -> type[CalendarForm]:
    """A form with the first and last day of every window, as "opens_<id>" and "closes_<id>"."""
    days: dict[str, Any] = {}
    for row in rows:
        days[f"opens_{row.entry.id}"] = DayField(f"{row.entry.title}开始日期", [NeededDay()])
        days[f"closes_{row.entry.id}"] = DayField(f"{row.entry.title}截止日期", [NeededDay()])
    return type("WindowsForm", (CalendarForm,), days)


class AgencyForm(Form):
    phone = StringField("联系电话")
    address = StringField("地址")
    onsite_by_default = BooleanField("网上审查通过后默认需要现场审查确认")
    second_review = BooleanField("网上审查实行初审、复审，由两人先后办理")


for _stem, _title in DUTIES:
    setattr(AgencyForm, f"{_stem}_name", StringField(f"{_title}姓名"))
    setattr(AgencyForm, f"{_stem}_post", StringField(f"{_title}职务"))


class SwitchForm(Form):
    taken_over = HiddenField()


class OfficerForm(Form):
    agency_id = SelectField("所在机构", [DataRequired(message="请选择机构。")])
    role = RadioField(
        "身份",
        [DataRequired(message="请选择账户的身份。")],
        choices=[(role.value, role.label) for role in OFFICIAL_ROLES],
        default=Role.AGENCY_OFFICER.value,
    )
    name = StringField("姓名", [DataRequired(message="请输入使用人的真实姓名。")])


class EndForm(Form):
    reason = TextAreaField("停用原因", [DataRequired(message="请填写停用原因，如“工作调动”。")])


class ClockForm(Form):
    day = DayField("演示日期", [NeededDay()])


class StyleguideForm(Form):
    """Fields of every kind, for the styleguide."""

    name = StringField("单位名称", [DataRequired(message="请输入单位名称。")])
    role = RadioField(
        "身份",
        [DataRequired(message="请选择身份。")],
        choices=[(role.value, role.label) for role in OFFICIAL_ROLES],
    )
    level = SelectField("层级", choices=[("", "请选择"), ("city", "市级"), ("county", "县级")])
    day = DayField("日期", [NeededDay()])
    note = TextAreaField("说明")
    sure = BooleanField("已核对", [DataRequired(message="请勾选。")])
    file = FileField("扫描件")

    @classmethod
    def example(cls) -> "StyleguideForm":
        """The form as it stands after a wrong entry."""
        form = cls(formdata=None, data={"name": "", "day": date(2025, 3, 31)})
        form.validate()
        return form
