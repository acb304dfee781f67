"""Lists as a reviewer wants them again: search, filters and order under a name of one's own."""

from collections.abc import Mapping
from urllib.parse import urlencode

from sqlalchemy import func, select

from gongkao.extensions import db
from gongkao.models import Account, SavedView
from gongkao.rules import fields
from gongkao.rules.errors import InvalidInput
from gongkao.services.errors import FieldsRefused, NotFound, Refused
from gongkao.services.transaction import transaction

NAME_LENGTH = 20
QUERY_LENGTH = 500
# As many as fit above a list in one line or two.
LIMIT = 12


def of(actor: Account, page: str) -> list[SavedView]:
    """The account's views of a page, the oldest first."""
    query = select(SavedView).where(SavedView.account_id == actor.id, SavedView.page == page)
    return list(db.session.scalars(query.order_by(SavedView.id)))


def save(actor: Account, page: str, name: str, chosen: Mapping[str, str]) -> SavedView:
    """Keep what is chosen under a name; one of the same name is replaced. Raises FieldsRefused ("name"), Refused."""
    try:
        clean = fields.short_text(" ".join(name.split()), "视图名称", NAME_LENGTH)
    except InvalidInput as error:
        raise FieldsRefused({"name": error.message}) from error
    query = urlencode(chosen)
    if not chosen:
        raise Refused("还没有设置查询条件或排序，无需保存。请先筛选或排序，再保存为视图。")
    if len(query) > QUERY_LENGTH:
        raise Refused("查询条件过长，不能保存。请缩短查询的文字。")
    with transaction() as session:
        mine = select(SavedView).where(SavedView.account_id == actor.id, SavedView.page == page)
        view = session.scalar(mine.where(SavedView.name == clean))
        if view is None:
            if (session.scalar(select(func.count()).select_from(mine.subquery())) or 0) >= LIMIT:
                raise Refused(f"最多保存{LIMIT}个视图，请先删除不用的。")
            view = SavedView(account_id=actor.id, page=page, name=clean)
            session.add(view)
        view.query = query
    return view


def delete(actor: Account, view_id: int) -> str:
    """Give up one of one's own views; returns its name. Raises NotFound."""
    with transaction() as session:
        view = session.scalar(select(SavedView).where(SavedView.account_id == actor.id, SavedView.id == view_id))
        if view is None:
            raise NotFound("view")
        name = view.name
        session.delete(view)
    return name
