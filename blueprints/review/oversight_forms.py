"""Forms of oversight: drawing a sample, the second look."""

from wtforms import IntegerField, SelectField, StringField, TextAreaField

from blueprints.accounts.forms import needed
from blueprints.forms import Form
from gongkao.rules.grades import Grade
from gongkao.rules.sampling import Strata
from gongkao.services import samples


class SampleForm(Form):
    title = StringField("抽查名称", [needed("请填写抽查名称，如“4月上旬抽查”。")])
    outcome = SelectField("审查结论", choices=list(samples.OUTCOMES.items()), validate_choice=False)
    region = SelectField("地区", validate_choice=False)
    grade = SelectField(
        "等级",
        choices=[("", "全部等级"), *((str(int(grade)), grade.label) for grade in Grade)],
        validate_choice=False,
    )
    decided_from = StringField("办结日期从")
    decided_to = StringField("到")
    people = StringField("抽取人数")
    percent = StringField("或抽取比例（%）")
    strata = SelectField("分层", choices=[(one.value, one.label) for one in Strata], validate_choice=False)
    seed = StringField("随机种子")


class SecondLookForm(Form):
    version = IntegerField()
    decision = StringField()
    reason = TextAreaField("复核意见")
