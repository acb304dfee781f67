"""Bans for false materials (禁考, notice 四（四）): whether one holds for a person, imposing and lifting them."""

from datetime import date

from sqlalchemy import and_, select

from gongkao.access.scope import narrow
from gongkao.clock import now, today
from gongkao.extensions import db
from gongkao.models import Account, Agency, Application, BanEntry
from gongkao.rules import fields
from gongkao.rules.bans import Ban, ban_ends, ban_in_force
from gongkao.sealing import lookup
from gongkao.services.listing import Cell, Column, Filter, Listing, contains, of_identity


def in_force(identity_number: str, day: date) -> Ban | None:
    """The ban that holds for the identity number on the day, in whatever unit or city it was imposed; else None."""
    entries = db.session.scalars(
        select(BanEntry).where(BanEntry.identity_hash == lookup(identity_number), BanEntry.lifted_at.is_(None))
    )
    return ban_in_force(map(_as_rule, entries), identity_number, day)


def _as_rule(entry: BanEntry) -> Ban:
    return Ban(entry.identity_number, entry.begins_on, entry.ends_on, entry.reason.rstrip("。"))


def impose(actor: Account, application: Application, agency: Agency) -> BanEntry:
    """Ban the application's person from today on, for the cycle's years to the day; inside the caller's use case."""
    entry = BanEntry(
        identity_number=application.person.identity_number,
        name=application.person.name,
        begins_on=today(),
        ends_on=ban_ends(today(), application.cycle.ban_years),
        reason="填报虚假信息材料",
        application_id=application.id,
        agency_id=agency.id,
        decided_by_id=actor.id,
        decided_at=now(),
    )
    db.session.add(entry)
    db.session.flush()
    return entry


def lift(actor: Account, entry: BanEntry, reason: str) -> None:
    """From now on the ban holds no longer; inside the caller's use case. `reason` has at most 300 characters."""
    entry.lifted_by_id = actor.id
    entry.lifted_at = now()
    entry.lifted_reason = reason


def state(entry: BanEntry, day: date) -> tuple[str, str]:
    """In a word how the ban stands on the day, and its tone."""
    if entry.lifted_at is not None:
        return "已撤销", "neutral"
    return ("已期满", "done") if day > entry.ends_on else ("禁考中", "refused")


def listing(actor: Account) -> Listing:
    """The bans that agencies of the person's scope have imposed, the newest first."""
    day = today()
    names = {one: name for one, name in db.session.execute(narrow(select(Agency.id, Agency.name), Agency, actor))}
    lifted = BanEntry.lifted_at.is_not(None)
    holds = and_(~lifted, BanEntry.ends_on >= day)
    over = and_(~lifted, BanEntry.ends_on < day)
    conditions = {"holds": holds, "over": over, "lifted": lifted}

    def chip(row: BanEntry) -> Cell:
        word, tone = state(row, day)
        return Cell(word, chip=tone)

    return Listing(
        title="禁考名单",
        query=narrow(select(BanEntry), BanEntry, actor),
        tie=BanEntry.id,
        sort="begins",
        descending=True,
        search=[contains(BanEntry.name), of_identity(BanEntry)],
        search_hint="姓名、身份证号后四位或完整号码",
        columns=[
            Column("name", "姓名", lambda row: row.name, BanEntry.name),
            Column("identity", "身份证号", lambda row: fields.mask_identity_number(row.identity_number), kind="mono"),
            Column("begins", "禁考开始", lambda row: row.begins_on.isoformat(), BanEntry.begins_on, kind="date"),
            Column("ends", "禁考截止", lambda row: row.ends_on.isoformat(), BanEntry.ends_on, kind="date"),
            Column("agency", "作出决定的机构", lambda row: names.get(row.agency_id, "")),
            Column("reason", "原因", lambda row: row.reason),
            Column("lifted", "撤销原因", lambda row: row.lifted_reason),
            Column("state", "状态", chip, kind="status"),
        ],
        filters=[
            Filter(
                "state",
                "状态",
                [("", "全部状态"), ("holds", "禁考中"), ("over", "已期满"), ("lifted", "已撤销")],
                lambda value: conditions[value],
            )
        ],
        empty_text="没有禁考人员。认定填报虚假信息材料后，会按身份证号登记在这里。",
    )
