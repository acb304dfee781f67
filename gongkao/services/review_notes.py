"""What a desk has found and not yet decided on, and passing in one go what was found all right."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from gongkao.access.permissions import Permission
from gongkao.access.scope import holds, may
from gongkao.clock import now
from gongkao.models import Account, Application, ReviewNote
from gongkao.rules.errors import RuleError
from gongkao.rules.workflow import Action, Desk, desk_of
from gongkao.services import audit, claims, handled, review
from gongkao.services.errors import FieldsRefused, NotFound, Refused
from gongkao.services.review import COMMENT_LENGTH, REASON_LENGTH, Verdict
from gongkao.services.transaction import transaction

# Beside the items, a note keeps the unit's agreements, the word on a visit and the reason under keys of their own.
_AGREE, _ONSITE, _REASON = "agree-", "-onsite", "-reason"


@dataclass(frozen=True)
class Found:
    """A note as the page fills in its form with it."""

    verdicts: dict[str, Verdict]
    agreed: list[str]
    onsite: bool | None
    reason: str


@dataclass(frozen=True)
class Outcome:
    """What became of one application in a bulk pass; `reason` says why it was left as it was."""

    application_id: int
    name: str
    number: str
    done: bool
    reason: str


def read(note: ReviewNote) -> Found:
    """The note's content."""
    kept = note.verdicts
    onsite, reason = kept.get(_ONSITE), kept.get(_REASON, {})
    return Found(
        {
            key: Verdict(_passed(value), str(value.get("comment", "")))
            for key, value in kept.items()
            if key not in (_ONSITE, _REASON) and not key.startswith(_AGREE)
        },
        [key.removeprefix(_AGREE) for key in kept if key.startswith(_AGREE)],
        _passed(onsite) if onsite is not None else None,
        str(reason.get("comment", "")),
    )


def _passed(value: Mapping[str, object]) -> bool | None:
    found = value.get("passed")
    return found if isinstance(found, bool) else None


def save(
    actor: Account,
    application_id: int,
    version: int,
    verdicts: Mapping[str, Verdict],
    *,
    reason: str = "",
    onsite: bool | None = None,
    agreed: Collection[str] = (),
) -> ReviewNote:
    """Keep what was ticked and typed for this desk without deciding; takes the place of what was kept before.

    Raises NotFound, Refused, Conflict, FieldsRefused as review.decide does.
    """
    with transaction() as session:
        application = review.locked(actor, application_id, version)
        review.require_turn(actor, application)
        desk = desk_of(application.status)
        assert desk is not None
        items = review.checklist(application)
        found = {item.key: verdicts.get(item.key, Verdict()) for item in items}
        wrong = {
            key: f"问题和要求不能超过{COMMENT_LENGTH}个字，请精简。"
            for key, verdict in found.items()
            if len(verdict.comment.strip()) > COMMENT_LENGTH
        }
        if len(reason) > REASON_LENGTH:
            wrong["reason"] = f"说明不能超过{REASON_LENGTH}个字，请精简。"
        if wrong:
            raise FieldsRefused(wrong)
        kept: dict[str, dict[str, Any]] = {
            key: {"passed": verdict.passed, "comment": verdict.comment.strip()} for key, verdict in found.items()
        }
        asked = [one.key for one in review.agreements(application)]
        kept |= {f"{_AGREE}{key}": {"passed": True} for key in asked if key in agreed}
        if onsite is not None and desk is Desk.AGENCY:
            kept[_ONSITE] = {"passed": onsite}
        kept[_REASON] = {"comment": reason.strip()}
        note = session.scalar(
            select(ReviewNote).where(ReviewNote.application_id == application.id, ReviewNote.desk == desk)
        )
        if note is None:
            note = ReviewNote(application_id=application.id, desk=desk)
            session.add(note)
        note.verdicts = kept
        note.complete = all(verdict.passed for verdict in found.values())
        note.form_version = application.version
        note.account_id, note.saved_at = actor.id, now()
        claims.release(application)
        audit.record(actor, "save_review", application, number=application.number, desk=desk, complete=note.complete)
    return note


def is_ready(actor: Account, application: Application, note: ReviewNote) -> bool:
    """Whether the note lets its own author pass the application in bulk."""
    return not _why_not(actor, application, note)


def _why_not(actor: Account, application: Application, note: ReviewNote | None) -> str:
    if note is None or note.desk != desk_of(application.status):
        return "还没有逐项审查并保存。"
    if note.account_id != actor.id:
        return f"由{note.account.display_name}逐项审查，不能由您批量通过，请打开办理。"
    if not note.complete:
        return "还有项目没有审查，或有问题。"
    if note.form_version != application.version:
        return "保存审查意见后申报有变动，请重新审查。"
    return ""


def pass_ready(actor: Account, application_ids: Sequence[int]) -> list[Outcome]:
    """Pass what the actor has checked item by item, saved, and nothing has changed since; each on its own.

    One that cannot be passed is left as it is with the reason, and does not hold up the others.
    """
    with handled.in_steps():
        return [outcome for each in dict.fromkeys(application_ids) if (outcome := _try(actor, each)) is not None]


def _try(actor: Account, application_id: int) -> Outcome | None:
    """None where the person cannot see such an application at all."""
    try:
        seen = review.find(actor, application_id)
        name, number = seen.person.name, seen.number or ""
        passed = _pass_one(actor, application_id)
    except NotFound:
        return None
    except RuleError as error:
        return Outcome(application_id, name, number, False, error.message)
    second = passed.first_reviewed_by_id is not None
    return Outcome(
        application_id, name, number, True, f"现为“{'初审通过，待复审' if second else passed.status.label}”。"
    )


def _pass_one(actor: Account, application_id: int) -> Application:
    with transaction() as session:
        application = review.find(actor, application_id, lock=True)
        note = session.scalar(
            select(ReviewNote).where(
                ReviewNote.application_id == application.id, ReviewNote.desk == desk_of(application.status)
            )
        )
        if may(actor, Permission.REVIEW) and holds(actor, application) and (why := _why_not(actor, application, note)):
            raise Refused(why)
        found = read(note) if note is not None else Found({}, [], None, "")
        return review.decide(
            actor,
            application.id,
            application.version,
            Action.PASS,
            found.verdicts,
            onsite=found.onsite,
            agreed=found.agreed,
        )
