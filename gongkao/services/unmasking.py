"""Whole identity and mobile numbers: hidden on every page, shown once to an official who says why, and on record."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import select

from gongkao.access.scope import narrow
from gongkao.extensions import db
from gongkao.models import Account, Application, PasswordHelp, RegistrationSheet, Role, RosterEntry, Visit
from gongkao.rules import fields
from gongkao.rules.errors import InvalidInput
from gongkao.services import audit
from gongkao.services.errors import FieldsRefused, NotFound
from gongkao.services.transaction import transaction

IDENTITY, MOBILE = "身份证号", "手机号码"
OTHER = "other"
# Why somebody needs a whole number, each by its key.
REASONS = {
    "original": "核对证件原件",
    "call": "电话联系本人",
    "oversight": "上级核查",
    OTHER: "其他",
}

# Whose numbers stand on a row, and which.
_NUMBERS: dict[type[Any], Callable[[Any], tuple[str, dict[str, str]]]] = {
    Application: lambda row: (
        row.person.name,
        {IDENTITY: row.person.identity_number, MOBILE: row.person.mobile},
    ),
    PasswordHelp: lambda row: (row.name, {IDENTITY: row.identity_number, MOBILE: row.mobile}),
    RegistrationSheet: lambda row: (row.name, {MOBILE: row.mobile}),
    RosterEntry: lambda row: (
        row.name,
        {IDENTITY: row.identity_number} | ({MOBILE: row.mobile} if row.mobile else {}),
    ),
    Visit: lambda row: (row.bearer_name, {MOBILE: row.bearer_mobile}),
}


def reveal(actor: Account, model: type[Any], row_id: int, reason: str, words: str) -> dict[str, str]:
    """The whole numbers on a row in the person's scope, by their label; each look is on record, the numbers are not.

    `reason` is a key of REASONS; `words` say it where it is another one. Raises FieldsRefused (unmask_reason,
    unmask_words), NotFound.
    """
    why = _reason(reason, words)
    # Looking decides nothing: the form that stands on the page may still be sent.
    with transaction(aside=True):
        row = db.session.scalar(narrow(select(model), model, actor).where(model.id == row_id))
        if row is None:
            raise NotFound("row")
        name, numbers = _NUMBERS[model](row)
        audit.record(actor, "view_whole_number", row, of=name, fields="、".join(numbers), reason=why)
    return numbers


def _reason(reason: str, words: str) -> str:
    if reason not in REASONS:
        raise FieldsRefused({"unmask_reason": "请先选择查看完整号码的原因。"})
    if reason != OTHER:
        return REASONS[reason]
    try:
        clean = fields.short_text(words, "查看的原因", 100, 4)
    except InvalidInput as error:
        raise FieldsRefused({"unmask_words": error.message}) from error
    # What is typed here stands in the audit trail, which holds no whole number.
    return f"{REASONS[OTHER]}：{fields.mask_numbers(clean)}"


def record_papers(actor: Account, subject: Any, paper: str, **detail: object) -> None:
    """Put on record that an official took a paper or table that carries whole numbers by its form; `detail` says whose.

    Applicants take their own papers, which is not recorded.
    """
    if actor.role is Role.APPLICANT:
        return
    with transaction(aside=True):
        audit.record(actor, "take_whole_numbers", subject, paper=paper, **detail)
