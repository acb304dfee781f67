"""Writing the audit trail. Every use case that changes something calls `record` inside its transaction."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from gongkao.clock import now
from gongkao.extensions import db
from gongkao.models import Account, AuditEntry

# The network address the present request came from; set by the web layer, empty for commands.
origin: ContextVar[str] = ContextVar("origin", default="")

_key = b""


def configure(key: bytes) -> None:
    """Say with which key this process proves the trail; it is kept outside the database."""
    global _key
    _key = key


def record(actor: Account | None, action: str, subject: Any, **detail: object) -> None:
    """Add one entry: who (None: nobody signed in), what (a verb such as "submit_application"), to which row.

    `subject` is a row of a model; `detail` must be JSON-serialisable and free of passwords and whole identity
    numbers.
    """
    if subject.id is None:
        db.session.flush()
    name = "未登录" if actor is None else f"{actor.office_name} {actor.display_name}"
    entry = AuditEntry(
        at=now(),
        account_id=None if actor is None else actor.id,
        actor=name[:120],
        address=origin.get(),
        action=action,
        subject_type=type(subject).__name__,
        subject_id=str(subject.id),
        detail=detail,
    )
    entry.mac = proof_of(entry)
    db.session.add(entry)


def proof_of(entry: AuditEntry) -> str:
    """The keyed hash of what an entry says, as 64 hex digits."""
    subject = (entry.subject_type, entry.subject_id)
    return proof(entry.at, entry.account_id, entry.actor, entry.address, entry.action, subject, entry.detail)


def proof(
    at: datetime,
    account_id: int | None,
    actor: str,
    address: str,
    action: str,
    subject: tuple[str, str],
    detail: Mapping[str, object],
) -> str:
    """The keyed hash of an entry's parts; `subject` is its type and id."""
    said = {
        "at": at.astimezone(UTC).isoformat(),
        "account": account_id,
        "actor": actor,
        "address": address,
        "action": action,
        "subject": list(subject),
        "detail": detail,
    }
    return keyed(json.dumps(said, ensure_ascii=False, sort_keys=True))


def keyed(text: str) -> str:
    """HMAC-SHA256 of a text with the trail's key. Raises RuntimeError before `configure`."""
    if not _key:
        raise RuntimeError("the audit trail has no key")
    return hmac.new(_key, text.encode(), hashlib.sha256).hexdigest()
