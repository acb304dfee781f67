"""Writing the audit trail. Every use case that changes something calls `record` inside its transaction."""

from contextvars import ContextVar
from typing import Any

from gongkao.clock import now
from gongkao.extensions import db
from gongkao.models import Account, AuditEntry

# The network address the present request came from; set by the web layer, empty for commands.
origin: ContextVar[str] = ContextVar("origin", default="")


def record(actor: Account | None, action: str, subject: Any, **detail: object) -> None:
    """Add one entry: who (None: nobody signed in), what (a verb such as "submit_application"), to which row.

    `subject` is a row of a model; `detail` must be JSON-serialisable and free of passwords and whole identity
    numbers.
    """
    if subject.id is None:
        db.session.flush()
    name = "未登录" if actor is None else f"{actor.office_name} {actor.display_name}"
    db.session.add(
        AuditEntry(
            at=now(),
            account_id=None if actor is None else actor.id,
            actor=name[:120],
            address=origin.get(),
            action=action,
            subject_type=type(subject).__name__,
            subject_id=str(subject.id),
            detail=detail,
        )
    )
