"""A page that hides numbers answers once with the whole ones, to somebody who has said why."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import Response, make_response, request
from flask.typing import ResponseReturnValue

from blueprints.helpers import account
from gongkao.rules.errors import RuleError
from gongkao.services import unmasking
from gongkao.services.errors import FieldsRefused


@dataclass(frozen=True)
class Whole:
    """What was asked for and came of it: the whole numbers by label, or what is wrong by field."""

    numbers: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""
    words: str = ""
    wrong: Mapping[str, str] = field(default_factory=dict)

    @property
    def reasons(self) -> Mapping[str, str]:
        return unmasking.REASONS


HIDDEN = Whole()


def show(model: type[Any], row_id: int, page: Callable[[Whole], ResponseReturnValue]) -> ResponseReturnValue:
    """The page with the whole numbers of a row, if the form says why; nobody keeps that answer."""
    reason, words = request.form.get("unmask_reason", ""), request.form.get("unmask_words", "")
    try:
        whole = Whole(unmasking.reveal(account(), model, row_id, reason, words), reason)
    except RuleError as error:
        wrong = error.fields if isinstance(error, FieldsRefused) else {"unmask_reason": error.message}
        whole = Whole({}, reason, words, wrong)
    response: Response = make_response(page(whole))
    response.status_code = 422 if whole.wrong else 200
    response.headers["Cache-Control"] = "private, no-store"
    return response
