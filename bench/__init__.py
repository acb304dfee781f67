"""What `make bench` measures: each module here has `measure()`, which yields its measurements."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Measurement:
    """One result. `baseline`, in the same unit, is the plainer way to the same end; `n` is how many were measured.

    `spread` is how far the middle half of the single measurements lies apart, in the same unit; `goal` the ratio that
    is wanted at most. Both may be unknown.
    """

    name: str
    value: float
    unit: str
    baseline: float
    n: int
    spread: float | None = None
    goal: float | None = None

    def as_data(self) -> dict[str, str | float | int]:
        """The line's content; `ratio` is value to baseline, so that less than 1 is better."""
        ratio = self.value / self.baseline if self.baseline else 0.0
        data: dict[str, str | float | int] = {
            "name": self.name,
            "value": round(self.value, 3),
            "unit": self.unit,
            "baseline": round(self.baseline, 3),
            "ratio": round(ratio, 3),
            "n": self.n,
        }
        if self.spread is not None:
            data["spread"] = round(self.spread, 3)
        if self.goal is not None:
            data["goal"] = self.goal
        return data


def spread(values: Sequence[float]) -> float:
    """How far the middle half lies apart."""
    first, _, last = statistics.quantiles(values, n=4)
    return last - first
