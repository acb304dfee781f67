"""The one way through (notice 二（三）—（五）, domain rule 3), as a table of steps.

draft → unit → supervising unit (where there is one above) → agency online → on site (where called for) → qualified.
Every desk may send back, with a reason for each item, or refuse; what was corrected starts again at the desk that
sent it back.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from gongkao.rules.calendar import WindowKey
from gongkao.rules.errors import NotAllowed


class Desk(StrEnum):
    """Where somebody reviews, in the order of the way."""

    UNIT = "unit"
    SUPERVISING = "supervising"
    AGENCY = "agency"
    ONSITE = "onsite"

    @property
    def label(self) -> str:
        return _DESK_LABELS[self]


_DESK_LABELS = {
    Desk.UNIT: "所在单位审核",
    Desk.SUPERVISING: "主管单位审核",
    Desk.AGENCY: "网上资格审查",
    Desk.ONSITE: "现场审查确认",
}


class Status(StrEnum):
    """Where an application stands."""

    DRAFT = "draft"
    UNIT_REVIEW = "unit_review"
    SUPERVISING_REVIEW = "supervising_review"
    AGENCY_REVIEW = "agency_review"
    ONSITE_CONFIRMATION = "onsite_confirmation"
    RETURNED = "returned"
    QUALIFIED = "qualified"
    REFUSED = "refused"
    CANCELLED = "cancelled"

    @property
    def label(self) -> str:
        return _STATUS[self][0]

    @property
    def tone(self) -> str:
        """neutral, info, needs, done or refused: how a state chip shows it."""
        return _STATUS[self][1]


_STATUS = {
    Status.DRAFT: ("草稿", "neutral"),
    Status.UNIT_REVIEW: ("所在单位审核中", "info"),
    Status.SUPERVISING_REVIEW: ("主管单位审核中", "info"),
    Status.AGENCY_REVIEW: ("网上资格审查中", "info"),
    Status.ONSITE_CONFIRMATION: ("待现场审查确认", "needs"),
    Status.RETURNED: ("已退回，待修改", "needs"),
    Status.QUALIFIED: ("资格审查合格", "done"),
    Status.REFUSED: ("资格审查不通过", "refused"),
    Status.CANCELLED: ("已取消申报资格", "refused"),
}

FINAL = frozenset({Status.QUALIFIED, Status.REFUSED, Status.CANCELLED})


class Action(StrEnum):
    SUBMIT = "submit"
    RESUBMIT = "resubmit"
    WITHDRAW = "withdraw"
    PASS = "pass"
    SEND_BACK = "send_back"
    REFUSE = "refuse"
    EXPIRE = "expire"
    FIRST_PASS = "first_pass"
    OVERTURN = "overturn"
    CANCEL = "cancel"
    RESTORE = "restore"

    @property
    def label(self) -> str:
        return _ACTION[self][0]

    @property
    def tone(self) -> str:
        return _ACTION[self][1]


_ACTION = {
    Action.SUBMIT: ("提交申报", "info"),
    Action.RESUBMIT: ("修改后重新提交", "info"),
    Action.WITHDRAW: ("撤回申报", "neutral"),
    Action.PASS: ("通过", "done"),
    Action.SEND_BACK: ("退回修改", "needs"),
    Action.REFUSE: ("不予通过", "refused"),
    Action.EXPIRE: ("容缺后补未完成，视为不通过", "refused"),
    Action.FIRST_PASS: ("初审通过，待复审", "info"),
    Action.OVERTURN: ("监督复核改变结论", "needs"),
    Action.CANCEL: ("取消申报资格", "refused"),
    Action.RESTORE: ("申诉成立，恢复审查", "info"),
}

_AT: dict[Desk, Status] = {
    Desk.UNIT: Status.UNIT_REVIEW,
    Desk.SUPERVISING: Status.SUPERVISING_REVIEW,
    Desk.AGENCY: Status.AGENCY_REVIEW,
    Desk.ONSITE: Status.ONSITE_CONFIRMATION,
}
_ORDER = {desk: place for place, desk in enumerate(Desk)}
_DESKS = {status: desk for desk, status in _AT.items()}


# Bound to no window: what was deferred fails whenever it is found wanting (notice 二（四）), and oversight goes on
# during and after the review (二（五）, 四（四）).
UNBOUND = frozenset({Action.EXPIRE, Action.OVERTURN, Action.CANCEL, Action.RESTORE})


# How long an application is kept for whoever opened it at a desk: long enough to review, and free again after lunch.
CLAIM = timedelta(minutes=20)


@dataclass(frozen=True)
class Route:
    """Which of the optional desks an application passes: a supervising unit above, on-site confirmation called for."""

    supervised: bool
    onsite: bool

    @property
    def desks(self) -> tuple[Desk, ...]:
        """The desks of this way, in order."""
        skipped = set()
        if not self.supervised:
            skipped.add(Desk.SUPERVISING)
        if not self.onsite:
            skipped.add(Desk.ONSITE)
        return tuple(desk for desk in Desk if desk not in skipped)


@dataclass(frozen=True)
class Step:
    """What an action leads to. `returned_to` is the desk to which an application that has left the desks comes back."""

    status: Status
    returned_to: Desk | None = None


def desk_of(status: Status) -> Desk | None:
    """The desk that holds an application of this status; None where the applicant holds it or it is decided."""
    return _DESKS.get(status)


def status_of(desk: Desk) -> Status:
    """The status of an application that waits at the desk."""
    return _AT[desk]


def statuses() -> dict[Desk, Status]:
    """Every desk with the status of what waits at it."""
    return dict(_AT)


def allowed_actions(status: Status) -> tuple[Action, ...]:
    """What may be done with an application of this status, by whoever holds it.

    Withdrawing is the applicant's; a deferral that was not made up expires even after everybody has passed.
    """
    return _ALLOWED[status]


_REVIEWING = (Action.PASS, Action.SEND_BACK, Action.REFUSE, Action.WITHDRAW, Action.EXPIRE, Action.CANCEL)
_ALLOWED: dict[Status, tuple[Action, ...]] = {
    Status.DRAFT: (Action.SUBMIT,),
    Status.RETURNED: (Action.RESUBMIT, Action.WITHDRAW, Action.EXPIRE, Action.CANCEL),
    Status.UNIT_REVIEW: _REVIEWING,
    Status.SUPERVISING_REVIEW: _REVIEWING,
    Status.AGENCY_REVIEW: (Action.FIRST_PASS, *_REVIEWING),
    Status.ONSITE_CONFIRMATION: _REVIEWING,
    Status.QUALIFIED: (Action.EXPIRE, Action.OVERTURN, Action.CANCEL),
    Status.REFUSED: (Action.OVERTURN, Action.CANCEL),
    Status.CANCELLED: (Action.RESTORE,),
}
_ENDS = {Action.REFUSE: Status.REFUSED, Action.EXPIRE: Status.REFUSED, Action.CANCEL: Status.CANCELLED}


def transition(status: Status, action: Action, *, route: Route, returned_to: Desk | None = None) -> Step:
    """The step that an action takes from a status. Raises NotAllowed where there is no such step."""
    if action not in allowed_actions(status):
        raise NotAllowed(f"申报现为“{status.label}”，不能{action.label}。请刷新页面查看最新情况。")
    if action is Action.WITHDRAW:
        return Step(Status.DRAFT)
    if action is Action.FIRST_PASS:
        return Step(status)
    desk = desk_of(status)
    # The desk that would have to judge it anew: the one that holds it, or held it last.
    last = desk or returned_to or (Desk.AGENCY if status is Status.QUALIFIED else Desk.UNIT)
    if action in _ENDS:
        return Step(_ENDS[action], last)
    if action is Action.OVERTURN and status is Status.QUALIFIED:
        return Step(Status.REFUSED, last)
    if action in (Action.OVERTURN, Action.RESTORE):
        # A refusal that is overturned, and a cancellation lifted on appeal, are judged anew where they ended.
        return Step(_AT[last])
    if action is Action.SEND_BACK:
        return Step(Status.RETURNED, desk)
    if action is Action.SUBMIT:
        return Step(_AT[route.desks[0]])
    if action is Action.RESUBMIT:
        # Where the desk is no longer on the way (the unit has nobody above it any more), the next one takes over, else
        # the last: nobody passes by handing in again.
        start = returned_to or Desk.UNIT
        after = [one for one in route.desks if _ORDER[one] >= _ORDER[start]]
        return Step(_AT[after[0] if after else route.desks[-1]])
    assert desk is not None
    later = [one for one in route.desks if _ORDER[one] > _ORDER[desk]]
    return Step(_AT[later[0]]) if later else Step(Status.QUALIFIED)


def window_key(action: Action, desk: Desk | None) -> WindowKey:
    """The window in which an action of a desk (or answering a desk) may be done (notice 三（二）（三）).

    Applying is bound to registration; reviewing by units, and correcting what they sent back, to their first review;
    the same with agencies to the agencies' review.
    """
    if action is Action.SUBMIT or desk is None:
        return WindowKey.REGISTRATION
    if desk in (Desk.UNIT, Desk.SUPERVISING):
        return WindowKey.UNIT_REVIEW
    return WindowKey.AGENCY_REVIEW
