"""Forms of a region's own dates."""

from wtforms import IntegerField, SelectField, SelectMultipleField, TextAreaField
from wtforms.validators import DataRequired
from wtforms.widgets import CheckboxInput, ListWidget

from blueprints.forms import Form
from blueprints.settings.forms import DayField, NeededDay
from gongkao.rules.grades import Grade


class _Grades(SelectMultipleField):
    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class _FilingForm(Form):
    key = SelectField("事项", [DataRequired(message="请选择事项。")])
    grades = _Grades("等级", coerce=int, choices=[(int(grade), grade.level) for grade in sorted(Grade, reverse=True)])


class FileForm(_FilingForm):
    opens = DayField("本地开始日期", [NeededDay()])
    closes = DayField("本地截止日期", [NeededDay()])
    reason = TextAreaField("说明")


class ExtendForm(_FilingForm):
    region_code = SelectField("地区", [DataRequired(message="请选择准予延期的地区。")])
    closes = DayField("延期至", [NeededDay()])
    reason = TextAreaField("延期原因", [DataRequired(message="请填写延期原因，地区工考管理机构会看到。")])


class FilingDecisionForm(Form):
    version = IntegerField()
    reason = TextAreaField("异议理由")
