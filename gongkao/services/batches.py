"""Many papers for what a list shows: planned when they are asked for, made step by step in the background.

What each kind is made of stands in `batch_kinds`. A plan fixes the rows concerned.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gongkao.access.scope import may
from gongkao.models import Account
from gongkao.services import cycles
from gongkao.services.batch_kinds import KINDS, Kind
from gongkao.services.errors import NotFound, Refused


@dataclass(frozen=True)
class Plan:
    """What a job is to do."""

    kind: str
    title: str
    parameters: dict[str, Any]
    items: list[int]


def plan(actor: Account, name: str, form: str, args: Mapping[str, str], public_url: str) -> Plan:
    """Plan a batch of what a list shows as `args` filter it; `public_url` is the system's address as others reach it.

    Raises NotFound for an unknown kind or without the permission, Refused for an unknown form.
    """
    kind = find_kind(actor, name)
    if form not in kind.forms:
        raise Refused("请选择文书的生成方式。")
    items = list(kind.listed(actor, args))
    title = f"{cycles.current_cycle().year}年{kind.title}（{len(items)}{kind.counted}）"
    return Plan(name, title, {"form": form, "public_url": public_url}, items)


def find_kind(actor: Account, name: str) -> Kind:
    """The kind of batch, if the person may ask for it. Raises NotFound."""
    kind = KINDS.get(name)
    if kind is None or not may(actor, kind.permission):
        raise NotFound("kind")
    return kind
