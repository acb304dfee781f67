"""What time it is, in Asia/Shanghai. Tests and the demonstration put another source in; production never does."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

# China has kept one offset since 1992, so a fixed zone is exact and needs no zone files on the machine.
ZONE = timezone(timedelta(hours=8), "Asia/Shanghai")

# The demonstration opens on a day of registration, when units and agencies review too.
DEMONSTRATION_DAY = date(2025, 3, 20)

Source = Callable[[], datetime]


def real_time() -> datetime:
    return datetime.now(UTC).astimezone(ZONE)


_source: Source = real_time


def install(source: Source) -> None:
    """Make `source` what tells the time in this process."""
    global _source
    _source = source


def source() -> Source:
    """What tells the time in this process."""
    return _source


def now() -> datetime:
    """The present moment, aware, in Asia/Shanghai."""
    return _source()


def today() -> date:
    """The present day in Asia/Shanghai."""
    return now().date()


def on_day(day: date) -> Source:
    """A source that stays on `day` while the time of day runs on."""
    return lambda: datetime.combine(day, real_time().timetz())


class DemonstrationClock:
    """The demonstration's day, kept in a file so that all worker processes share it."""

    def __init__(self, path: Path, default: date) -> None:
        self.path = path
        self.default = default

    @property
    def day(self) -> date:
        try:
            return date.fromisoformat(self.path.read_text(encoding="ascii").strip())
        except (OSError, ValueError):
            return self.default

    def set_day(self, day: date) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(day.isoformat(), encoding="ascii")

    def __call__(self) -> datetime:
        return on_day(self.day)()
