"""Statutory retirement age with the gradual delay since 2025 (notice 一（二）), exact to the month.

Early retirement by choice does not count as reaching the age; carrying out the formalities does (已办理退休手续).
"""

import calendar
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from gongkao.rules.calendar import day_text

MALE = "男"
FEMALE = "女"


class PostKind(StrEnum):
    """What kind of post a woman's age follows from; a man's is the same in both."""

    WORKER = "worker"
    CADRE = "cadre"

    @property
    def label(self) -> str:
        return _POST_LABELS[self]


_POST_LABELS = {PostKind.WORKER: "工勤技能（工人）岗位", PostKind.CADRE: "管理或专业技术（干部）岗位"}


class RetireeKind(StrEnum):
    """The three groups with an age of their own."""

    MAN = "man"
    WOMAN_CADRE = "woman_cadre"
    WOMAN_WORKER = "woman_worker"

    @property
    def label(self) -> str:
        return _KIND_LABELS[self]


_KIND_LABELS = {
    RetireeKind.MAN: "男职工",
    RetireeKind.WOMAN_CADRE: "女干部",
    RetireeKind.WOMAN_WORKER: "女工人",
}


@dataclass(frozen=True)
class Delay:
    """One group's schedule: the age (years) before the delay, one month later every `step` months, at most `most`."""

    age: int
    step: int
    most: int


@dataclass(frozen=True)
class Schedule:
    """When the delay begins (the first day of a month) and how it goes on for each group."""

    begins: date
    delays: Mapping[RetireeKind, Delay]


# 国务院关于渐进式延迟法定退休年龄的办法, in force since 2025-01-01. A cycle's conditions may carry another one.
NATIONAL = Schedule(
    date(2025, 1, 1),
    {
        RetireeKind.MAN: Delay(age=60, step=4, most=36),
        RetireeKind.WOMAN_CADRE: Delay(age=55, step=4, most=36),
        RetireeKind.WOMAN_WORKER: Delay(age=50, step=2, most=60),
    },
)


def retiree_kind(sex: str, post_kind: PostKind) -> RetireeKind:
    """The group that somebody of this sex (男 or 女) and post belongs to. Raises ValueError for another sex."""
    if sex == MALE:
        return RetireeKind.MAN
    if sex != FEMALE:
        raise ValueError(f"no such sex: {sex!r}")
    return RetireeKind.WOMAN_CADRE if post_kind is PostKind.CADRE else RetireeKind.WOMAN_WORKER


def delay_months(birth: date, sex: str, post_kind: PostKind, schedule: Schedule = NATIONAL) -> int:
    """Months by which retirement comes later than at the age before the delay; 0 for whoever came before it."""
    delay = schedule.delays[retiree_kind(sex, post_kind)]
    since = (birth.year + delay.age - schedule.begins.year) * 12 + birth.month - schedule.begins.month
    return 0 if since < 0 else min(delay.most, since // delay.step + 1)


def retirement_age(birth: date, sex: str, post_kind: PostKind, schedule: Schedule = NATIONAL) -> tuple[int, int]:
    """The statutory age as whole years and months."""
    years, months = divmod(delay_months(birth, sex, post_kind, schedule), 12)
    return schedule.delays[retiree_kind(sex, post_kind)].age + years, months


def retirement_date(birth: date, sex: str, post_kind: PostKind, schedule: Schedule = NATIONAL) -> date:
    """The day on which the statutory age is reached: the day of birth in its month, or that month's last."""
    years, months = retirement_age(birth, sex, post_kind, schedule)
    carry, month = divmod(birth.month - 1 + months, 12)
    year = birth.year + years + carry
    day = birth.day if birth.day <= 28 else min(birth.day, calendar.monthrange(year, month + 1)[1])
    return date(year, month + 1, day)


def retirement_month(birth: date, sex: str, post_kind: PostKind, schedule: Schedule = NATIONAL) -> tuple[int, int]:
    """Year and month in which the statutory age is reached."""
    reached = retirement_date(birth, sex, post_kind, schedule)
    return reached.year, reached.month


class RetirementStatus(StrEnum):
    """What retirement means for applying in a cycle (notice 一（二）)."""

    RETIRED = "retired"
    THIS_YEAR = "this_year"
    LATER = "later"


@dataclass(frozen=True)
class RetirementCheck:
    """`reaches_on` is the day on which the age is reached; `text` tells the applicant, "" where nothing is to say."""

    status: RetirementStatus
    reaches_on: date
    text: str

    @property
    def may_apply(self) -> bool:
        return self.status is not RetirementStatus.RETIRED

    @property
    def needs_acknowledgement(self) -> bool:
        """Whether the applicant must acknowledge the rule and the unit agree explicitly."""
        return self.status is RetirementStatus.THIS_YEAR


def check_retirement(
    birth: date,
    sex: str,
    post_kind: PostKind,
    *,
    notice_issued_on: date,
    cycle_year: int,
    formalities_on: date | None = None,
    schedule: Schedule = NATIONAL,
) -> RetirementCheck:
    """Whether somebody may apply as far as retirement goes (notice 一（二）).

    Out is who retired or reached the age before the day of the notice; who does so from that day to the end of the
    cycle's year decides for themselves, with the unit's agreement. `formalities_on` is the day on which the retirement
    formalities were or will be completed, where it is known.
    """
    reaches_on = retirement_date(birth, sex, post_kind, schedule)
    if formalities_on is not None and formalities_on < notice_issued_on:
        text = (
            f"您已于{day_text(formalities_on)}办理退休手续，早于通知下发日期（{day_text(notice_issued_on)}），"
            "按规定不再列入考核范围，不能申报。"
        )
        return RetirementCheck(RetirementStatus.RETIRED, reaches_on, text)
    if reaches_on < notice_issued_on:
        text = (
            f"您的法定退休年龄为{_age(birth, sex, post_kind, schedule)}，已于{day_text(reaches_on)}达到，"
            f"早于通知下发日期（{day_text(notice_issued_on)}），按规定不再列入考核范围，不能申报。"
        )
        return RetirementCheck(RetirementStatus.RETIRED, reaches_on, text)
    first = min(reaches_on, formalities_on) if formalities_on is not None else reaches_on
    if first.year <= cycle_year:
        event = "达到法定退休年龄" if first == reaches_on else "办理退休手续"
        text = (
            f"您将于{day_text(first)}{event}，在本考核年度之内。请先了解单位岗位空缺和岗位聘用等政策规定，"
            "再自主决定是否申报；申报须经单位明确同意。"
        )
        return RetirementCheck(RetirementStatus.THIS_YEAR, reaches_on, text)
    return RetirementCheck(RetirementStatus.LATER, reaches_on, "")


def _age(birth: date, sex: str, post_kind: PostKind, schedule: Schedule) -> str:
    years, months = retirement_age(birth, sex, post_kind, schedule)
    return f"{years}岁{months}个月" if months else f"{years}岁"
