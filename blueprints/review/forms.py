"""The form of a decision; the checklist's own inputs follow from the application and are read beside it."""

from collections.abc import Mapping

from flask_wtf import FlaskForm
from wtforms import BooleanField, IntegerField, RadioField, StringField, TextAreaField

from gongkao.services.review import Verdict

PREFIX = "check"


class DecisionForm(FlaskForm):
    version = IntegerField()
    action = StringField()
    reason = StringField("不予通过的原因")
    onsite = BooleanField("需要现场审查确认")


def verdicts(sent: Mapping[str, str]) -> dict[str, Verdict]:
    """What was ticked and typed, by item key: inputs "check-<key>" and "check-<key>-comment"."""
    found: dict[str, Verdict] = {}
    for name, value in sent.items():
        if not name.startswith(f"{PREFIX}-") or name.endswith("-comment"):
            continue
        found[name.removeprefix(f"{PREFIX}-")] = Verdict({"pass": True, "fail": False}.get(value), "")
    for name, value in sent.items():
        if name.startswith(f"{PREFIX}-") and name.endswith("-comment"):
            key = name.removeprefix(f"{PREFIX}-").removesuffix("-comment")
            found[key] = Verdict(found[key].passed if key in found else None, value)
    return found


class StatementForm(FlaskForm):
    """The unit's statement; the lines of vacant posts are read beside it."""

    version = IntegerField()
    vacant = RadioField(
        "今年的岗位空缺",
        choices=[("yes", "有岗位空缺，拟按下列条件聘用"), ("no", "没有岗位空缺")],
        validate_choice=False,
    )
    terms = TextAreaField("聘用条件和安排")
    responsible_name = StringField("单位负责人姓名")
