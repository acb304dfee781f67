"""Forms of on-site confirmation; what is ticked follows from the visit's people and is read beside them."""

from collections.abc import Iterable, Mapping

from wtforms import BooleanField, Field, IntegerField, StringField, TextAreaField

from blueprints.accounts.forms import needed
from blueprints.forms import Form
from blueprints.helpers import row_id
from gongkao.services.originals import Key

PIECES = "pieces:"


class People(Field):
    """The applications ticked, by id."""

    def process_formdata(self, valuelist: list[str]) -> None:
        self.data = chosen_people(valuelist)


class SlotForm(Form):
    day = StringField("日期", [needed("请填写日期。")])
    starts = StringField("开始时间", [needed("请填写开始时间，如 09:00。")])
    ends = StringField("结束时间", [needed("请填写结束时间，如 10:30。")])
    capacity = StringField("可接待人数", [needed("请填写这个时段能办理多少人。")])
    place = StringField("办理地点", [needed("请填写办理地点，单位按此送件。")])


class SeriesForm(Form):
    first = StringField("开始日期", [needed("请填写开始日期。")])
    last = StringField("结束日期", [needed("请填写结束日期。")])
    times = TextAreaField("每天的时段", [needed("请填写每天的时段，每行一个，如“09:00-10:30”。")])
    weekends = BooleanField("包括周六、周日")
    capacity = StringField("每个时段可接待人数", [needed("请填写每个时段能办理多少人。")])
    place = StringField("办理地点", [needed("请填写办理地点，单位按此送件。")])


class RemoveSlotForm(Form):
    reason = StringField("取消的原因")


class BundleForm(Form):
    version = IntegerField()
    people = People("本批人员")
    bearer_name = StringField("送件人姓名", [needed("请填写到场送原件的人员姓名。")])
    bearer_mobile = StringField("送件人手机", [needed("请填写送件人的手机号码。")])


class ChangeBundleForm(BundleForm):
    # The number as it is stays hidden; left empty, it stays.
    bearer_mobile = StringField("送件人手机")


class BookForm(Form):
    slot = StringField("时段")


def chosen_people(sent: Iterable[str]) -> list[int]:
    """The applications ticked."""
    return [found for text in sent if (found := row_id(text)) is not None]


def keys(sent: Iterable[str]) -> set[Key]:
    """The originals ticked, each as "member:label"."""
    found = set()
    for text in sent:
        member, _, label = text.partition(":")
        number = row_id(member)
        if number is not None and label:
            found.add((number, label))
    return found


def pieces(sent: Mapping[str, str]) -> dict[Key, str]:
    """The numbers of pieces typed, in fields "pieces:member:label"."""
    found = {}
    for name, text in sent.items():
        if name.startswith(PIECES):
            for key in keys([name.removeprefix(PIECES)]):
                found[key] = text
    return found
