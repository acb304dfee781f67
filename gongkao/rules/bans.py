"""Bans for false materials (禁考, notice 四（四）): two years, by identity number, in every unit and city."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from gongkao.rules.calendar import day_text


@dataclass(frozen=True)
class Ban:
    """Nobody with this identity number applies from `starts` to `ends`, both days included."""

    identity_number: str
    starts: date
    ends: date
    reason: str = "填报虚假信息材料"

    @property
    def message(self) -> str:
        """What the person reads who tries to apply."""
        return (
            f"因{self.reason}，{day_text(self.starts)}至{day_text(self.ends)}不得申报（通知四（四））。"
            f"{day_text(self.ends + timedelta(days=1))}起可以申报；对处理有异议的，请联系作出决定的工考管理机构。"
        )


def ban_ends(starts: date, years: int) -> date:
    """The last day of a ban: the day after it lies `years` years after its start (29 February: on 1 March)."""
    try:
        free = starts.replace(year=starts.year + years)
    except ValueError:
        free = date(starts.year + years, 3, 1)
    return free - timedelta(days=1)


def ban_in_force(bans: Iterable[Ban], identity_number: str, day: date) -> Ban | None:
    """The ban that holds for the person on the day, that with the latest end where there are several; else None."""
    holding = [ban for ban in bans if ban.identity_number == identity_number and ban.starts <= day <= ban.ends]
    return max(holding, key=lambda ban: ban.ends, default=None)
