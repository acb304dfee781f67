"""What a use case may refuse with, besides the rules' own errors."""

from collections.abc import Mapping

from gongkao.rules.errors import RuleError


class NotFound(Exception):
    """There is no such thing, or it lies outside the person's scope: the two look alike on purpose."""


class Refused(RuleError):
    """The use case cannot be done as asked; the message says why and what to do."""


class FieldsRefused(Refused):
    """Some fields are wrong: `fields` maps a form field's name to its message."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__("；".join(fields.values()))
        self.fields = dict(fields)


class Conflict(Refused):
    """Somebody else changed the same thing in the meantime; nothing of this attempt was kept."""
