"""What a rule refuses with. Every message is Chinese, for the person: what is wrong, and how to mend it."""


class RuleError(Exception):
    """A rule says no. `message` is what the person reads."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class InvalidInput(RuleError):
    """What was typed cannot be taken; the message stands beside the field."""


class WindowClosed(RuleError):
    """The action's window is not open today; the message names the window and its days."""


class NotAllowed(RuleError):
    """The workflow has no such step from here."""
