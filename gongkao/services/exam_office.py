"""What the services of training and tests share: whose office it is, and how its forms' fields are read."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, or_, select

from gongkao.clock import ZONE
from gongkao.extensions import db
from gongkao.models import Account, Agency, Application, Cycle
from gongkao.rules import fields
from gongkao.rules.calendar import WindowKey, period_text
from gongkao.rules.errors import InvalidInput
from gongkao.rules.grades import Grade
from gongkao.rules.routing import RegionLevel
from gongkao.rules.workflow import Status
from gongkao.services import cycles
from gongkao.services.errors import FieldsRefused, Refused

_Value = TypeVar("_Value")


def own_office(actor: Account, *, lock: bool = False) -> Agency:
    """The actor's agency, which holds training and tests: a city's or the centre's. Raises Refused for others.

    With `lock` two who plan for the same office follow one another.
    """
    if actor.agency is None or actor.agency.level is RegionLevel.COUNTY:
        raise Refused("培训和考试由省辖市工考管理机构和省中心组织，县（市、区）只能查看。")
    if lock:
        return db.session.scalars(select(Agency).where(Agency.id == actor.agency_id).with_for_update(of=Agency)).one()
    return actor.agency


def require_own(actor: Account, agency: Agency) -> None:
    """Raises Refused where the row belongs to another office, which the actor may only look at."""
    if own_office(actor).id != agency.id:
        raise Refused(f"由{agency.name}组织，您只能查看。")


def examined_at(agency: Agency) -> ColumnElement[bool]:
    """The applications whose people are trained and tested by an office: its own, and those of a city's counties."""
    if agency.level is RegionLevel.PROVINCE:
        return Application.agency_id == agency.id
    below = select(Agency.id).where(or_(Agency.id == agency.id, Agency.parent_id == agency.id))
    return Application.agency_id.in_(below)


def candidates(agency: Agency, cycle: Cycle) -> ColumnElement[bool]:
    """Those of `examined_at` who are qualified in the cycle; an open deferral does not keep them out."""
    return (Application.cycle_id == cycle.id) & (Application.status == Status.QUALIFIED) & examined_at(agency)


def whole_number(text: str, label: str, least: int, most: int) -> int:
    """A number as typed. Raises InvalidInput."""
    plain = text.strip()
    if not (plain.isascii() and plain.isdigit() and len(plain) <= 6 and least <= int(plain) <= most):
        raise InvalidInput(f"{label}请填写{least}至{most}之间的整数。")
    return int(plain)


def words(text: str, label: str, longest: int, *, needed: bool = True) -> str:
    """One line of text as typed. Raises InvalidInput."""
    plain = " ".join(text.split())
    return fields.short_text(plain, label, longest) if plain or needed else ""


def chosen_grade(text: str) -> int:
    """A grade as chosen from a list. Raises InvalidInput."""
    if text not in {str(int(grade)) for grade in Grade}:
        raise InvalidInput("请选择等级。")
    return int(text)


def moment(day: date, at: time) -> datetime:
    return datetime.combine(day, at, ZONE)


def day_within(agency: Agency, key: WindowKey, grade: int, day: date, label: str) -> None:
    """Raises InvalidInput for a day outside the office's window for the grade, naming the window."""
    window = cycles.find_window(key, agency, grade)
    if window is None:
        raise InvalidInput(f"本年度日程没有安排{Grade(grade).level}的办理时间。")
    if not window.opens <= day <= window.closes:
        raise InvalidInput(
            f"{Grade(grade).level}{window.title}时间为{period_text(window)}（通知{window.clause}），{label}应在其中。"
        )


@dataclass
class FormReader:
    """Reads a form's fields one after another and collects what is wrong by field."""

    wrong: dict[str, str] = field(default_factory=dict)

    def read(self, name: str, reader: Callable[[], _Value]) -> Any:
        """The value, or None with the message kept."""
        try:
            return reader()
        except InvalidInput as error:
            self.wrong[name] = error.message
            return None

    def finish(self) -> None:
        """Raises FieldsRefused where anything was wrong."""
        if self.wrong:
            raise FieldsRefused(self.wrong)
