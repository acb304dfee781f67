"""What `make bench` measures: each module here has `measure()`, which yields its measurements."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Measurement:
    """One result. `baseline`, in the same unit, is the plainer way to the same end; `n` is how many were measured."""

    name: str
    value: float
    unit: str
    baseline: float
    n: int

    def as_data(self) -> dict[str, str | float | int]:
        """The line's content; `ratio` is value to baseline, so that less than 1 is better."""
        ratio = self.value / self.baseline if self.baseline else 0.0
        return {
            "name": self.name,
            "value": round(self.value, 3),
            "unit": self.unit,
            "baseline": round(self.baseline, 3),
            "ratio": round(ratio, 3),
            "n": self.n,
        }
