"""The inbox: what the system tells a person or a desk, inside the use case that it tells of."""

from collections.abc import Iterable

from sqlalchemy import func, select, update

from gongkao.access.scope import narrow
from gongkao.clock import now
from gongkao.extensions import db
from gongkao.models import Account, Message
from gongkao.services.errors import NotFound
from gongkao.services.listing import Cell, Column, Filter, Listing, contains
from gongkao.services.transaction import transaction

TITLE_LENGTH = 80
BODY_LENGTH = 500


def tell_person(person_id: int, kind: str, title: str, body: str = "", about: str = "") -> None:
    """Tell an applicant. Somebody without an account is not told."""
    account_id = db.session.scalar(select(Account.id).where(Account.person_id == person_id, Account.ended_at.is_(None)))
    if account_id is not None:
        tell(kind, title, body, about, account_id=account_id)


def tell(
    kind: str,
    title: str,
    body: str = "",
    about: str = "",
    *,
    account_id: int | None = None,
    unit_id: int | None = None,
    agency_id: int | None = None,
) -> None:
    """Tell exactly one of: an account, a unit's desk, an agency's desk; inside the caller's use case.

    `kind` groups messages for the filter (KINDS), `about` names the thing concerned, such as "application 12".
    Raises ValueError where it is addressed to none or to several.
    """
    if sum(one is not None for one in (account_id, unit_id, agency_id)) != 1:
        raise ValueError("a message goes to exactly one account, unit or agency")
    db.session.add(
        Message(
            account_id=account_id,
            unit_id=unit_id,
            agency_id=agency_id,
            kind=kind,
            title=title[:TITLE_LENGTH],
            body=body[:BODY_LENGTH],
            about=about,
        )
    )


KINDS = {
    "application": "申报进展",
    "onsite": "现场确认",
    "deferral": "容缺后补",
    "exam": "考试安排",
    "result": "考核结果",
    "oversight": "监督和虚假材料",
    "unit": "单位和管理人员",
    "account": "账户",
    "calendar": "日程和路由",
    "report": "汇总上报",
}


def unread(account: Account) -> int:
    """How many messages of the inbox nobody has read yet."""
    query = narrow(select(Message.id), Message, account).where(Message.read_at.is_(None))
    return db.session.scalar(select(func.count()).select_from(query.subquery())) or 0


def listing(account: Account) -> Listing:
    """The inbox, newest first."""
    return Listing(
        title="消息",
        query=narrow(select(Message), Message, account),
        tie=Message.id,
        descending=True,
        search=[contains(Message.title), contains(Message.body)],
        search_hint="消息内容",
        columns=[
            Column("title", "消息", lambda row: row.title),
            Column("body", "说明", lambda row: row.body),
            Column("kind", "类别", lambda row: KINDS.get(row.kind, "")),
            Column(
                "created_at",
                "时间",
                lambda row: row.created_at.strftime("%Y-%m-%d %H:%M"),
                Message.created_at,
                kind="date",
            ),
            Column(
                "state",
                "状态",
                lambda row: Cell("已读", chip="neutral") if row.read_at else Cell("未读", chip="needs"),
                Message.read_at,
                kind="status",
            ),
        ],
        filters=[
            Filter("kind", "类别", [("", "全部类别"), *KINDS.items()], lambda value: Message.kind == value),
            Filter(
                "state",
                "状态",
                [("", "全部"), ("unread", "未读"), ("read", "已读")],
                lambda value: Message.read_at.is_(None) if value == "unread" else Message.read_at.is_not(None),
            ),
        ],
        empty_text="没有消息。申报进展、审核结果和需要您办理的事项会出现在这里。",
    )


def open_message(account: Account, message_id: int) -> Message:
    """Read a message: from now on it counts as read. Raises NotFound outside the own inbox."""
    with transaction():
        message = db.session.scalar(narrow(select(Message), Message, account).where(Message.id == message_id))
        if message is None:
            raise NotFound("message")
        if message.read_at is None:
            message.read_at = now()
            message.read_by_id = account.id
    return message


def read_all(account: Account) -> int:
    """Count every message of the inbox as read; returns how many were unread."""
    with transaction():
        unread_ids = narrow(select(Message.id), Message, account).where(Message.read_at.is_(None))
        result = db.session.execute(
            update(Message)
            .where(Message.id.in_(unread_ids))
            .values(read_at=now(), read_by_id=account.id)
            .execution_options(synchronize_session=False)
        )
    return int(result.rowcount)  # type: ignore[attr-defined]


def tell_people(person_ids: Iterable[int], kind: str, title: str, body: str = "", about: str = "") -> None:
    """Tell many applicants the same at once, as when results are released."""
    query = select(Account.id).where(Account.person_id.in_(list(person_ids)), Account.ended_at.is_(None))
    db.session.add_all(
        Message(account_id=account_id, kind=kind, title=title[:TITLE_LENGTH], body=body[:BODY_LENGTH], about=about)
        for account_id in db.session.scalars(query)
    )
