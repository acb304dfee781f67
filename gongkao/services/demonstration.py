"""The demonstration county."""


def load() -> None: ...


def account_lines() -> list[str]:
    return []
