"""The pages of the application form as WTForms. They show and carry what is typed; the rules decide what is right."""

from typing import Any

from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from wtforms import (
    BooleanField,
    FieldList,
    Form,
    FormField,
    HiddenField,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
)

from gongkao.rules.application_form import EDUCATIONS, FILED_OUTCOMES, OUTCOMES, STAFF_KINDS, FormStep
from gongkao.rules.grades import Grade
from gongkao.rules.retirement import PostKind

_CHOOSE = ("", "请选择")


class Needed:
    """Marks a field as 必填; whether it was filled in is for the rules to say."""

    field_flags = {"required": True}  # noqa: RUF012

    def __call__(self, form: Any, field: Any) -> None:
        pass


def _choices(words: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(word, word) for word in words]


class StepForm(FlaskForm):
    """`version` marks what the page was opened with, so that nothing is overwritten unseen."""

    version = HiddenField()


class PersonForm(StepForm):
    education = SelectField("文化程度", [Needed()], choices=[_CHOOSE, *_choices(EDUCATIONS)], validate_choice=False)


class UnitForm(StepForm):
    unit_id = HiddenField()
    unit_pick = RadioField("从结果中选择", choices=[], validate_choice=False)
    unit_name = StringField("所在单位", [Needed()])
    department = StringField("工作部门", [Needed()])
    post = StringField("现任岗位", [Needed()])
    staff_kind = RadioField("人员类别", [Needed()], choices=_choices(STAFF_KINDS), validate_choice=False)
    post_kind = RadioField(
        "岗位性质", [Needed()], choices=[(kind.value, kind.label) for kind in PostKind], validate_choice=False
    )
    work_started_on = StringField("参加工作时间", [Needed()])
    post_started_on = StringField("现岗位开始时间", [Needed()])


class TradeForm(StepForm):
    trade_id = RadioField("申报工种", [Needed()], choices=[], validate_choice=False)
    trade_changed = BooleanField("改报工种（与原等级证书的工种不同）")
    trade_change_reason = TextAreaField("改报原因")


class GradeForm(StepForm):
    grade = RadioField("申报等级", [Needed()], choices=[], validate_choice=False)
    grade_one_confirmed = BooleanField("我已阅读以上提示，经慎重考虑，确认申报一级（高级技师）")
    awards_since = StringField("取得现等级后获得的省辖市（厅）级以上奖励")
    achievements_since = StringField("取得现等级后取得的成果")


class PeriodForm(Form):
    started_on = StringField("起始时间", [Needed()])
    ended_on = StringField("终止时间")
    unit_name = StringField("工作单位", [Needed()])
    post = StringField("岗位", [Needed()])
    trade_name = StringField("工种")


class WorkForm(StepForm):
    work = FieldList(FormField(PeriodForm), label="工作经历", min_entries=1)


class CertificateForm(StepForm):
    has_certificate = RadioField(
        "是否已有工勤技能岗位等级证书",
        [Needed()],
        choices=[("yes", "有"), ("no", "没有")],
        validate_choice=False,
    )
    certificate_grade = SelectField(
        "原证书等级",
        [Needed()],
        choices=[_CHOOSE, *((str(int(grade)), grade.label) for grade in sorted(Grade, reverse=True))],
        validate_choice=False,
    )
    certificate_trade = StringField("原证书工种", [Needed()])
    certificate_number = StringField("证书编号", [Needed()])
    certificate_issued_on = StringField("发证日期", [Needed()])
    certificate_issuer = StringField("发证机关", [Needed()])


class PledgeForm(StepForm):
    pledged = BooleanField("以上内容我已阅读并承诺遵守")
    retirement_acknowledged = BooleanField("我已知悉，经了解单位岗位空缺和岗位聘用规定，自主决定申报")


def assessments_form(years: tuple[int, ...]) -> type[StepForm]:
    """A form with one answer for each of the years asked for."""
    made: dict[str, Any] = {
        f"year_{year}": SelectField(
            f"{year}年度考核结果", [Needed()], choices=[_CHOOSE, *_choices(OUTCOMES)], validate_choice=False
        )
        for year in years
    }
    made["deferral_pledged"] = BooleanField("申请容缺后补，承诺按期补传备案后的年度考核结果")
    return type("AssessmentsForm", (StepForm,), made)


def make_up_form(years: tuple[int, ...]) -> type[FlaskForm]:
    """What came out in each of the years, and the file that shows it."""
    made: dict[str, Any] = {
        f"year_{year}": SelectField(
            f"{year}年度考核结果", [Needed()], choices=[_CHOOSE, *_choices(FILED_OUTCOMES)], validate_choice=False
        )
        for year in years
    }
    made["file"] = FileField("年度考核材料", [Needed()])
    return type("MakeUpForm", (FlaskForm,), made)


FORMS: dict[FormStep, type[StepForm]] = {
    FormStep.PERSON: PersonForm,
    FormStep.UNIT: UnitForm,
    FormStep.TRADE: TradeForm,
    FormStep.GRADE: GradeForm,
    FormStep.WORK: WorkForm,
    FormStep.CERTIFICATE: CertificateForm,
    FormStep.PLEDGE: PledgeForm,
}


class SubmitForm(FlaskForm):
    """`version` is the application's version that was looked at."""

    version = HiddenField()
    note = TextAreaField("修改说明")


class TokenForm(FlaskForm):
    """Only the token."""


def place_errors(form: FlaskForm, messages: dict[str, str]) -> list[str]:
    """Put each message at its field, also in a row ("work-0-ended_on"); gives back those that found no field."""
    left = []
    for name, message in messages.items():
        target = _field(form, name)
        if target is None:
            left.append(message)
        else:
            target.errors = [*target.errors, message]
    return left


def _field(form: FlaskForm, name: str) -> Any:
    parts = name.split("-")
    if len(parts) != 3:
        return form._fields.get(name)
    listed = form._fields.get(parts[0])
    if listed is None or not parts[1].isdecimal():
        return None
    # Rows left wholly empty do not count.
    filled = [entry for entry in listed.entries if any(str(text or "").strip() for text in entry.data.values())]
    place = int(parts[1])
    return filled[place].form._fields.get(parts[2]) if place < len(filled) else None
