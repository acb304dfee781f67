"""Slowing down whoever guesses: how long one must wait after so many failures."""

from dataclasses import dataclass
from datetime import timedelta

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Limit:
    """`free` failures cost nothing; each further one doubles the wait from `first` up to `longest`.

    One failure is forgotten every `leak`.
    """

    free: int
    first: timedelta
    longest: timedelta
    leak: timedelta

    def left(self, failures: int, since: timedelta) -> int:
        """How many of the failures still count when the last was `since` ago."""
        return max(0, failures - max(timedelta(), since) // self.leak)

    def wait(self, failures: int) -> timedelta:
        """How long after the last of so many failures the next attempt may come."""
        if failures < self.free:
            return timedelta()
        # Doubling further than this is past every `longest`.
        return min(self.longest, self.first * 2 ** min(failures - self.free, 20))


# Guessing at one account from anywhere: five at once, then ever slower, at last some 50 a day.
ACCOUNT = Limit(free=5, first=MINUTE, longest=30 * MINUTE, leak=30 * MINUTE)
# The same from a device that has signed in to the account before: a wait, never a long one.
DEVICE = Limit(free=5, first=MINUTE, longest=5 * MINUTE, leak=10 * MINUTE)
# Guessing at many accounts from one address, which a whole office may share.
ADDRESS = Limit(free=60, first=MINUTE, longest=15 * MINUTE, leak=MINUTE)
