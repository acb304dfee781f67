"""A region's own dates (notice 三, last paragraph), the centre's word on them, and its extensions."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from gongkao.access.permissions import Permission
from gongkao.access.scope import may, narrow, region_prefix
from gongkao.clock import now, today
from gongkao.extensions import db
from gongkao.models import Account, Agency, CalendarFiling, Cycle, FilingStatus, RegionEntry
from gongkao.rules import calendar, fields
from gongkao.rules.calendar import Window, WindowKey, period_text
from gongkao.rules.errors import InvalidInput
from gongkao.rules.grades import Grade
from gongkao.rules.routing import RegionLevel
from gongkao.services import audit, cycles, messages
from gongkao.services.errors import Conflict, FieldsRefused, NotFound, Refused
from gongkao.services.list_filters import of_status
from gongkao.services.listing import Cell, Column, Filter, Listing, contains
from gongkao.services.transaction import transaction

REASON_LIMIT = 300


@dataclass(frozen=True)
class Effective:
    """What holds today for some grades: `state` and `tone` tell how today stands to it."""

    grades: str
    window: Window
    state: str
    tone: str

    @property
    def period(self) -> str:
        return days_text(self.window.opens, self.window.closes)


@dataclass(frozen=True)
class Line:
    """One matter as it stands in a region: the province's window, what is filed for the region, and what holds."""

    title: str
    province: str
    filings: Sequence[CalendarFiling]
    effective: Sequence[Effective]


def grades_text(grades: Iterable[int] | None) -> str:
    """全部等级, or 五级、四级."""
    return "、".join(Grade(grade).level for grade in sorted(grades, reverse=True)) if grades else "全部等级"


def filing_period(filing: CalendarFiling) -> str:
    """2025年3月14日至3月28日"""
    return period_text(filing.as_rule(()))


def days_text(opens: date, closes: date) -> str:
    """2025-03-14至2025-03-28, as it stands in tables."""
    return f"{opens.isoformat()}至{closes.isoformat()}"


def lines(actor: Account) -> list[Line]:
    """Every matter of the calendar as it holds where the account's office lies."""
    cycle = cycles.current_cycle()
    windows, day = cycle.windows, today()
    chain = cycles.region_chain(cycles.place_of(actor))
    found = []
    for entry in cycle.window_entries:
        if entry.region_code is not None or entry.grades:
            continue
        here = [filing for filing in cycle.filings if filing.key is entry.key and filing.region_code in chain]
        # What differs by grade stands on a line of its own; grades that agree share one.
        by_window: dict[Window, list[int]] = {}
        for grade in Grade:
            window = calendar.window_for(windows, entry.key, region_codes=chain, grade=grade)
            if window is not None:
                by_window.setdefault(window, []).append(int(grade))
        effective = [
            Effective(grades_text(None if len(by_window) == 1 else grades), window, *_state(window, day))
            for window, grades in by_window.items()
        ]
        found.append(Line(entry.title, days_text(entry.opens, entry.closes), here, effective))
    return found


def _state(window: Window, day: date) -> tuple[str, str]:
    if day < window.opens:
        return "未开始", "neutral"
    left = calendar.days_left(window, day)
    if left < 0:
        return "已结束", "done"
    return ("今天截止", "needs") if left == 0 else (f"进行中，剩{left}天", "info")


def listing(actor: Account) -> Listing:
    """The filings and extensions of the regions in the person's scope, the newest first."""
    titles = _titles()
    query = (
        narrow(select(CalendarFiling), CalendarFiling, actor)
        .where(CalendarFiling.cycle_id == cycles.current_cycle().id)
        .options(joinedload(CalendarFiling.region).joinedload(RegionEntry.parent))
    )
    return Listing(
        title="本地日程备案",
        query=query,
        tie=CalendarFiling.id,
        descending=True,
        search=[lambda term: CalendarFiling.region.has(contains(RegionEntry.name)(term))],
        search_hint="地区",
        columns=[
            Column("region", "地区", lambda row: row.region.full_name, CalendarFiling.region_code),
            Column("key", "事项", lambda row: titles.get(row.key, ""), CalendarFiling.key),
            Column("kind", "类别", lambda row: "延期" if row.extension else "本地日程", CalendarFiling.extension),
            Column("grades", "等级", lambda row: grades_text(row.grades)),
            Column("opens", "开始", lambda row: row.opens.isoformat(), CalendarFiling.opens, kind="date"),
            Column("closes", "截止", lambda row: row.closes.isoformat(), CalendarFiling.closes, kind="date"),
            Column("filed", "报备日期", lambda row: f"{row.filed_at:%Y-%m-%d}", CalendarFiling.filed_at, kind="date"),
            Column("status", "状态", _status_cell, CalendarFiling.status, kind="status"),
        ],
        filters=[
            of_status(CalendarFiling.status, FilingStatus),
            Filter(
                "kind",
                "类别",
                [("", "全部"), ("own", "本地日程"), ("extension", "延期")],
                lambda value: CalendarFiling.extension.is_(value == "extension"),
            ),
        ],
        empty_text="没有本地日程。各省辖市、济源示范区确定并报备的时间，以及省中心准予的延期，会出现在这里。",
    )


def _status_cell(filing: CalendarFiling) -> Cell:
    return Cell(status_label(filing), chip=filing.status.tone, title=filing.objection or None)


def status_label(filing: CalendarFiling) -> str:
    """The status in words; an extension is the centre's own and needs no recording."""
    if filing.extension:
        return "执行中" if filing.in_force else "已撤销"
    return filing.status.label


def _titles() -> dict[WindowKey, str]:
    return {entry.key: entry.title for entry in cycles.current_cycle().window_entries}


def title_of(filing: CalendarFiling) -> str:
    """What the filing's window is for, such as 网上注册报名."""
    return _titles().get(filing.key, "")


def province_period(filing: CalendarFiling) -> str:
    """The province's days for the same matter and grades."""
    window = _province(cycles.current_cycle(), filing.key, filing.grades or ())
    return period_text(window) if window is not None else ""


def waiting(actor: Account) -> int:
    """How many filings wait for the centre's word; 0 for everybody else."""
    if not may(actor, Permission.EDIT_PROVINCE):
        return 0
    return sum(filing.status is FilingStatus.FILED for filing in cycles.current_cycle().filings)


def find(actor: Account, filing_id: int) -> CalendarFiling:
    """A filing in the person's scope. Raises NotFound."""
    filing = db.session.scalar(
        narrow(select(CalendarFiling), CalendarFiling, actor).where(CalendarFiling.id == filing_id)
    )
    if filing is None:
        raise NotFound("filing")
    return filing


def may_file(actor: Account) -> bool:
    """Cities set dates of their own (各省辖市、济源示范区), through their manager."""
    return may(actor, Permission.EDIT_AGENCY) and actor.agency is not None and actor.agency.level is RegionLevel.CITY


def may_withdraw(actor: Account, filing: CalendarFiling) -> bool:
    return filing.in_force and may(actor, Permission.EDIT_AGENCY) and filing.agency_id == actor.agency_id


def window_choices() -> list[tuple[str, str]]:
    """The matters for which a region may have dates of its own: (key, title with the province's days)."""
    return [
        (entry.key.value, f"{entry.title}（{period_text(entry.as_rule())}）")
        for entry in cycles.current_cycle().window_entries
        if entry.region_code is None and not entry.grades
    ]


def region_choices() -> list[tuple[str, str]]:
    """The cities and counties for which the centre may extend a window: (code, full name)."""
    rows = db.session.scalars(
        select(RegionEntry)
        .where(RegionEntry.level != RegionLevel.PROVINCE)
        .options(joinedload(RegionEntry.parent))
        .order_by(RegionEntry.code)
    )
    return [(row.code, row.full_name) for row in rows]


def file(
    actor: Account, *, key: WindowKey, opens: date, closes: date, grades: Sequence[int] = (), reason: str = ""
) -> CalendarFiling:
    """Set a city's own dates: in force at once, and filed with the centre. No grades stand for all.

    Raises Refused for who may not, FieldsRefused where the days do not fit, saying by how much.
    """
    agency = actor.agency
    if agency is None or not may_file(actor):
        raise Refused("本地日程由省辖市、济源示范区工考管理机构负责人确定并报备。")
    wrong: dict[str, str] = {}
    note = _reason(reason, wrong, needed=False)
    chosen = _grades(grades, wrong)
    with transaction():
        cycle = _lock(agency)
        outer = _province(cycle, key, chosen)
        if outer is None:
            raise FieldsRefused({"key": "省的日程中没有这一事项，请重新选择。"})
        wrong |= _order(opens, closes) or _outside(outer, opens, closes)
        if not wrong and closes < today():
            wrong["closes"] = "截止日期已经过去，请填今天或以后的日期。"
        others = [one for one in cycle.filings if one.key is key and one.region_code == agency.region_code]
        replaced = _replaced([one for one in others if not one.extension], chosen, wrong)
        if wrong:
            raise FieldsRefused(wrong)
        filing = _add(
            actor,
            cycle,
            replaced,
            agency_id=agency.id,
            region_code=agency.region_code,
            key=key,
            opens=opens,
            closes=closes,
            grades=chosen or None,
            reason=note,
            status=FilingStatus.FILED,
        )
        audit.record(actor, "file_calendar", filing, **_facts(filing))
        text = _text(filing)
        _tell(_centre(), f"{agency.region.name}报备本地日程，请办理备案", text, filing)
        _tell_region(filing, f"{agency.region.name}确定了{title_of(filing)}时间", text, but=agency.id)
    return filing


def extend(
    actor: Account, *, region_code: str, key: WindowKey, closes: date, grades: Sequence[int] = (), reason: str
) -> CalendarFiling:
    """Give a region more time than the province has, by the centre and with a reason; in force at once.

    Raises Refused for who may not, FieldsRefused where the day is none that would give more time.
    """
    if not may(actor, Permission.EDIT_PROVINCE) or actor.agency is None:
        raise Refused("延期由省职业技能等级评价指导中心负责人办理。")
    wrong: dict[str, str] = {}
    note = _reason(reason, wrong)
    chosen = _grades(grades, wrong)
    region = db.session.get(RegionEntry, region_code)
    if region is None or region.level is RegionLevel.PROVINCE:
        wrong["region_code"] = "请选择准予延期的省辖市或县（市、区）；全省延期请修改工作日程。"
        raise FieldsRefused(wrong)
    with transaction():
        cycle = _lock(actor.agency)
        outer = _province(cycle, key, chosen)
        if outer is None:
            raise FieldsRefused({"key": "省的日程中没有这一事项，请重新选择。"})
        others = [one for one in cycle.filings if one.extension and one.key is key and one.region_code == region_code]
        replaced = _replaced(others, chosen, wrong)
        kept = [one for one in cycle.windows if not one.extension]
        chain = cycles.region_chain(region)
        holds = [calendar.window_for(kept, key, region_codes=chain, grade=grade) for grade in chosen or (None,)]
        latest = max((window.closes for window in holds if window is not None), default=outer.closes)
        if closes <= max(latest, outer.closes):
            wrong["closes"] = f"延期后的截止日期应晚于现行的{calendar.day_text(max(latest, outer.closes))}。"
        elif closes < today():
            wrong["closes"] = "截止日期已经过去，请填今天或以后的日期。"
        elif closes.year != cycle.year:
            wrong["closes"] = f"截止日期应在{cycle.year}年内。"
        if wrong:
            raise FieldsRefused(wrong)
        filing = _add(
            actor,
            cycle,
            replaced,
            agency_id=actor.agency.id,
            region_code=region_code,
            key=key,
            opens=min([outer.opens, *(window.opens for window in holds if window is not None)]),
            closes=closes,
            grades=chosen or None,
            reason=note,
            extension=True,
            status=FilingStatus.RECORDED,
            decided_by_id=actor.id,
            decided_at=now(),
        )
        audit.record(actor, "extend_calendar", filing, **_facts(filing))
        _tell_region(filing, f"省中心准予{region.full_name}{title_of(filing)}延期", f"{_text(filing)}原因：{note}")
    return filing


def record(actor: Account, filing_id: int, version: int) -> CalendarFiling:
    """Put a filing on record (备案). Raises NotFound, Refused, Conflict."""

    def decide(filing: CalendarFiling) -> None:
        filing.status = FilingStatus.RECORDED
        _tell(filing.agency, f"{title_of(filing)}本地日程已备案", _text(filing), filing)

    return _decide(actor, filing_id, version, "record_filing", decide)


def object_to(actor: Account, filing_id: int, version: int, reason: str) -> CalendarFiling:
    """Object to a filing: the province's dates hold again. Raises NotFound, Refused, Conflict, FieldsRefused."""
    wrong: dict[str, str] = {}
    why = _reason(reason, wrong)
    if wrong:
        raise FieldsRefused(wrong)

    def decide(filing: CalendarFiling) -> None:
        filing.status = FilingStatus.OBJECTED
        filing.objection = why
        text = f"异议：{why}即日起按省的时间办理，可修改后重新报备。"
        _tell_region(filing, f"省中心对{filing.region.name}{title_of(filing)}时间有异议", text)

    return _decide(actor, filing_id, version, "object_to_filing", decide, reason=why)


def _decide(
    actor: Account, filing_id: int, version: int, action: str, decide: Callable[[CalendarFiling], None], **detail: str
) -> CalendarFiling:
    if not may(actor, Permission.EDIT_PROVINCE):
        raise Refused("本地日程由省职业技能等级评价指导中心负责人办理备案。")
    with transaction():
        filing = _locked(actor, filing_id, version)
        if filing.status is not FilingStatus.FILED:
            raise Refused(f"该日程{status_label(filing)}，不能重复办理。")
        filing.decided_by_id = actor.id
        filing.decided_at = now()
        decide(filing)
        _forget()
        audit.record(actor, action, filing, **_facts(filing), **detail)
    return filing


def withdraw(actor: Account, filing_id: int, version: int) -> CalendarFiling:
    """Take back what the own agency has filed or extended. Raises NotFound, Refused, Conflict."""
    with transaction():
        filing = _locked(actor, filing_id, version)
        if not may(actor, Permission.EDIT_AGENCY) or filing.agency_id != actor.agency_id:
            raise Refused("本地日程由报备的机构负责人撤回。")
        if not filing.in_force:
            raise Refused(f"该日程{status_label(filing)}，不能撤回。")
        filing.status = FilingStatus.WITHDRAWN
        _forget()
        audit.record(actor, "withdraw_filing", filing, **_facts(filing))
        what = "延期已撤销" if filing.extension else "本地日程已撤回"
        title, text = f"{filing.region.full_name}{title_of(filing)}{what}", "即日起按省的时间办理。"
        if not filing.extension:
            _tell(_centre(), title, text, filing)
        _tell_region(filing, title, text, but=filing.agency_id)
    return filing


def _lock(agency: Agency) -> Cycle:
    """Hold what is filed for an agency still, and read it as it is now."""
    db.session.scalars(select(Agency).where(Agency.id == agency.id).with_for_update(of=Agency)).one()
    _forget()
    return cycles.current_cycle()


def _forget() -> None:
    """What is in force has changed: the calendar is read anew when it is next asked for."""
    db.session.flush()
    db.session.expire(cycles.current_cycle(), ["filings"])


def _locked(actor: Account, filing_id: int, version: int) -> CalendarFiling:
    query = narrow(select(CalendarFiling), CalendarFiling, actor).where(CalendarFiling.id == filing_id)
    filing = db.session.scalar(query.with_for_update(of=CalendarFiling))
    if filing is None:
        raise NotFound("filing")
    if filing.version != version:
        raise Conflict("该日程刚刚有了变化，您的操作没有生效。请刷新页面查看最新情况。")
    return filing


def _add(actor: Account, cycle: Cycle, replaced: Sequence[CalendarFiling], **values: Any) -> CalendarFiling:
    for one in replaced:
        one.status = FilingStatus.WITHDRAWN
        audit.record(actor, "withdraw_filing", one, **_facts(one))
    filing = CalendarFiling(cycle_id=cycle.id, filed_by_id=actor.id, filed_at=now(), **values)
    db.session.add(filing)
    _forget()
    return filing


def _province(cycle: Cycle, key: WindowKey, grades: Sequence[int]) -> Window | None:
    """The province's window, narrowed to what is common to the grades where it differs by grade."""
    own = [entry.as_rule() for entry in cycle.window_entries]
    found = [calendar.window_for(own, key, grade=grade) for grade in grades or (None,)]
    windows = [window for window in found if window is not None]
    if not windows or len(windows) != len(found):
        return None
    opens, closes = max(window.opens for window in windows), min(window.closes for window in windows)
    return Window(key, windows[0].title, opens, closes, windows[0].clause)


def _order(opens: date, closes: date) -> dict[str, str]:
    return {"closes": "截止日期不能早于开始日期。"} if opens > closes else {}


def _outside(outer: Window, opens: date, closes: date) -> dict[str, str]:
    """By how many days which end sticks out of the province's window."""
    over = calendar.overhang(outer, opens, closes)
    province = f"省定时间为{period_text(outer)}"
    wrong = {}
    if over.before:
        wrong["opens"] = f"比省定的开始日期早{over.before}天（{province}），请改为{_short(outer.opens)}或以后。"
    if over.after:
        wrong["closes"] = f"比省定的截止日期晚{over.after}天（{province}），请改为{_short(outer.closes)}或以前。"
    return wrong


def _short(day: date) -> str:
    return f"{day.month}月{day.day}日"


def _replaced(
    others: Sequence[CalendarFiling], grades: Sequence[int], wrong: dict[str, str]
) -> Sequence[CalendarFiling]:
    """Those of exactly the same grades, which a new one replaces; grades that overlap otherwise are refused."""
    same = [one for one in others if list(one.grades or ()) == list(grades)]
    for one in others:
        common = set(one.grades or ()) & set(grades)
        if one not in same and common:
            wrong["grades"] = (
                f"{grades_text(common)}已另有本地时间（{grades_text(one.grades)}：{filing_period(one)}），"
                "请先撤回，或选择与其完全相同的等级。"
            )
    return same


def _grades(grades: Sequence[int], wrong: dict[str, str]) -> list[int]:
    chosen = sorted(set(grades))
    if any(grade not in set(Grade) for grade in chosen):
        wrong["grades"] = "请从五级至一级中选择等级。"
        return []
    return [] if len(chosen) == len(Grade) else chosen


def _reason(text: str, wrong: dict[str, str], *, needed: bool = True) -> str:
    if not needed and not text.strip():
        return ""
    try:
        return fields.short_text(text, "原因", REASON_LIMIT, 4)
    except InvalidInput as error:
        wrong["reason"] = error.message
        return ""


def _facts(filing: CalendarFiling) -> dict[str, Any]:
    return {
        "region": filing.region_code,
        "key": filing.key.value,
        "opens": filing.opens.isoformat(),
        "closes": filing.closes.isoformat(),
        "grades": filing.grades,
    }


def _text(filing: CalendarFiling) -> str:
    return f"{title_of(filing)}（{grades_text(filing.grades)}）：{filing_period(filing)}。"


def _centre() -> Agency:
    return db.session.scalars(select(Agency).where(Agency.level == RegionLevel.PROVINCE)).one()


def _tell(agency: Agency, title: str, body: str, filing: CalendarFiling) -> None:
    messages.tell("calendar", title, body, f"filing {filing.id}", agency_id=agency.id)


def _tell_region(filing: CalendarFiling, title: str, body: str, but: int | None = None) -> None:
    """Tell the agencies of the filing's region and of the counties in it, except the one that acts."""
    prefix = region_prefix(filing.region_code, filing.region.level)
    query = select(Agency).where(Agency.region_code.startswith(prefix, autoescape=True), Agency.id != (but or 0))
    for agency in db.session.scalars(query.order_by(Agency.id)):
        # A county finds the city's dates on its own page of what holds; the filing itself is the city's.
        own = agency.region_code == filing.region_code
        messages.tell("calendar", title, body, f"filing {filing.id}" if own else "calendar", agency_id=agency.id)
