"""The unit's statement: which posts are vacant, and on what terms it will appoint (notice 二（一）, domain rule 11)."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from gongkao.access.scope import narrow
from gongkao.clock import now
from gongkao.extensions import db
from gongkao.models import Account, Application, Unit, UnitStatement
from gongkao.rules import fields
from gongkao.rules.calendar import WindowKey
from gongkao.rules.errors import InvalidInput
from gongkao.rules.grades import Grade
from gongkao.services import audit, cycles
from gongkao.services.errors import Conflict, FieldsRefused, NotFound, Refused
from gongkao.services.transaction import transaction

MOST_POSTS = 30
MOST_VACANCIES = 500


@dataclass(frozen=True)
class Post:
    """One vacant post as typed; `as_data` is how the statement keeps it."""

    post: str
    grade: str
    vacancies: str
    terms: str

    @property
    def empty(self) -> bool:
        return not any(text.strip() for text in (self.post, self.grade, self.vacancies, self.terms))


class StatementMissing(Refused):
    """The unit has not confirmed its statement yet."""


def of_unit(unit_id: int) -> UnitStatement | None:
    """The unit's statement for the current cycle."""
    query = select(UnitStatement).where(
        UnitStatement.cycle_id == cycles.current_cycle().id, UnitStatement.unit_id == unit_id
    )
    return db.session.scalar(query)


def require(application: Application) -> None:
    """Raises StatementMissing where the application's unit has not said yet which posts are vacant."""
    if application.unit_id is None or of_unit(application.unit_id) is None:
        raise StatementMissing(
            "本单位还没有确认本年度的岗位空缺和聘用说明，不能通过。请先填写并确认说明，再办理通过（通知二（一））。"
        )


def confirm(
    actor: Account, *, vacant: bool | None, posts: Sequence[Post], terms: str, responsible_name: str, version: int
) -> UnitStatement:
    """Confirm the statement of the actor's own unit for the current cycle, or a newer one in its place.

    `vacant` False says deliberately that no post is vacant; then no posts may be given. `version` is 0 for the first.
    Raises NotFound without a unit, FieldsRefused ("vacant", "terms", "responsible_name", "posts-0-grade" and so on),
    Conflict, WindowClosed outside the review.
    """
    unit = actor.unit
    if unit is None:
        raise NotFound("unit")
    clean = _checked(vacant, posts, terms, responsible_name)
    with transaction() as session:
        # What an agency sent back may need the unit once more, until the agencies' review is over.
        if not cycles.is_open(WindowKey.UNIT_REVIEW, unit):
            cycles.require_open(WindowKey.AGENCY_REVIEW, unit)
        session.scalar(narrow(select(Unit), Unit, actor).where(Unit.id == unit.id).with_for_update(of=Unit))
        statement = of_unit(unit.id)
        if (statement.version if statement is not None else 0) != version:
            raise Conflict("岗位空缺和聘用说明刚刚被更新，您的修改没有保存。请核对最新内容后再办理。")
        if statement is None:
            statement = UnitStatement(cycle_id=cycles.current_cycle().id, unit_id=unit.id)
            session.add(statement)
        statement.posts, statement.terms, statement.responsible_name = clean
        statement.confirmed_by_id, statement.confirmed_at = actor.id, now()
        audit.record(actor, "confirm_unit_statement", statement, unit=unit.name, posts=clean[0], terms=clean[1])
    return statement


def _checked(
    vacant: bool | None, posts: Sequence[Post], terms: str, responsible_name: str
) -> tuple[list[dict[str, object]], str, str]:
    wrong: dict[str, str] = {}
    kept: list[dict[str, object]] = []
    filled = [(place, post) for place, post in enumerate(posts) if not post.empty]
    if vacant is None:
        wrong["vacant"] = "请选择本单位今年是否有岗位空缺。没有空缺的也要明确选择。"
    elif vacant and not filled:
        wrong["posts-0-post"] = "选择了有岗位空缺，请至少填写一个岗位。"
    elif vacant and len(filled) > MOST_POSTS:
        wrong["vacant"] = f"最多填写{MOST_POSTS}个岗位，同类岗位请合并填写。"
    elif not vacant and filled:
        wrong["vacant"] = "已填写空缺岗位。确无空缺的，请清空下面的岗位；有空缺的，请选择“有岗位空缺”。"
    elif vacant:
        for place, post in filled:
            kept.append(_post(post, f"posts-{place}-", wrong))
    text = ""
    try:
        if terms.strip():
            text = fields.short_text(terms, "聘用条件", 500)
        elif vacant is False:
            wrong["terms"] = "没有岗位空缺的，请说明取得等级后的聘用安排，如“出现空缺后按规定竞聘”。"
    except InvalidInput as error:
        wrong["terms"] = error.message
    name = ""
    try:
        name = fields.person_name(responsible_name)
    except InvalidInput as error:
        wrong["responsible_name"] = error.message
    if wrong:
        raise FieldsRefused(wrong)
    return kept, text, name


def _post(typed: Post, prefix: str, wrong: dict[str, str]) -> dict[str, object]:
    checks = {
        "post": lambda: fields.short_text(typed.post, "岗位名称", 40),
        "grade": lambda: _number(typed.grade, "等级", 1, 5),
        "vacancies": lambda: _number(typed.vacancies, "空缺数", 1, MOST_VACANCIES),
        "terms": lambda: fields.short_text(typed.terms, "聘用条件", 100),
    }
    found: dict[str, object] = {}
    for name, check in checks.items():
        try:
            found[name] = check()
        except InvalidInput as error:
            wrong[prefix + name] = error.message
    return found


def _number(text: str, label: str, least: int, most: int) -> int:
    clean = text.strip()
    if not clean:
        raise InvalidInput(f"请填写{label}。")
    if not (clean.isascii() and clean.isdigit() and len(clean) < 6 and least <= int(clean) <= most):
        raise InvalidInput(f"{label}应为{least}到{most}的整数。")
    return int(clean)


def lines(statement: UnitStatement) -> list[tuple[str, str, str, str]]:
    """The vacant posts as a table shows them: post, grade, number, terms."""
    return [
        (
            str(post["post"]),
            Grade(int(str(post["grade"]))).label,
            f"{post['vacancies']}个",
            str(post["terms"]),
        )
        for post in statement.posts
    ]
