"""Forms of training and tests. What may stand in the fields is judged by the services."""

from typing import Any

from flask_wtf.file import FileField
from wtforms import (
    BooleanField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.widgets import CheckboxInput, ListWidget

from blueprints.forms import Form
from gongkao.rules.grades import Grade
from gongkao.rules.seating import ExamKind
from gongkao.services.sites import POINTS

GRADES = [(str(int(grade)), grade.label) for grade in sorted(Grade, reverse=True)]


class TokenForm(Form):
    """Only the token."""


class _Boxes(SelectMultipleField):
    """Several choices as boxes."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()

    def pre_validate(self, form: Any) -> None:
        """The service judges the choices."""


class ClassForm(Form):
    name = StringField("班次名称")
    trade = SelectField("工种", validate_choice=False)
    grade = SelectField("等级", choices=[("", "请选择"), *GRADES], validate_choice=False)
    starts = StringField("开班日期")
    ends = StringField("结束日期")
    place = StringField("培训地点")
    hours = StringField("学时")
    capacity = StringField("名额（人）")


class SiteForm(Form):
    name = StringField("考点名称")
    address = StringField("地址")
    contact_name = StringField("联系人")
    contact_phone = StringField("联系电话")


def _point(label: str) -> RadioField:
    return RadioField(label, choices=[("yes", "符合要求"), ("no", "不符合")], validate_choice=False)


class CheckForm(Form):
    power = _point(POINTS["power"][0])
    power_note = StringField("说明")
    recording = _point(POINTS["recording"][0])
    recording_note = StringField("说明")
    rooms = _point(POINTS["rooms"][0])
    rooms_note = StringField("说明")
    kept_at = StringField("录像保存地点")
    holder = StringField("录像保管人")
    plan = FileField("考试应急预案")


class IncidentForm(Form):
    day = StringField("发生日期")
    at = StringField("发生时间")
    what = TextAreaField("事件经过")
    measures = TextAreaField("处置情况")


class RoomForm(Form):
    number = StringField("考场号")
    location = StringField("位置")
    rows = StringField("排数")
    columns = StringField("列数")
    computers = StringField("可用计算机（台）")
    accessible = BooleanField("无障碍考场")


class SittingForm(Form):
    kind = RadioField("考试形式", choices=[(kind.value, kind.label) for kind in ExamKind], validate_choice=False)
    grades = _Boxes("等级", choices=GRADES)
    day = StringField("考试日期")
    starts = StringField("开始时间")
    ends = StringField("结束时间")
    rooms = _Boxes("使用的考场")


class RunForm(Form):
    seed = StringField("随机种子")
    whole = BooleanField("全省统一编排")
    deliberate = BooleanField("已签发的准考证将作废，确认重新编排")


class MoveForm(Form):
    sitting = SelectField("场次", validate_choice=False)
    room = SelectField("考场", validate_choice=False)
    seat = StringField("座号")
