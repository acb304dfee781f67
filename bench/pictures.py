"""Letting a picture in: taking over what it shows, against reading all of it and writing it anew."""

import io
import statistics
import time
from collections.abc import Callable, Iterator

from PIL import Image

from bench import Measurement, spread
from gongkao.storage import pictures

_SIZE = (1200, 1600)
_ROUNDS = 20


def measure() -> Iterator[Measurement]:
    for kind, options in (("jpeg", {"quality": 82}), ("png", {})):
        target = io.BytesIO()
        Image.effect_noise(_SIZE, 13).convert("RGB").save(target, kind.upper(), **options)
        data = target.getvalue()
        kept = _times(lambda data=data, kind=kind: pictures.clean(data, kind))
        anew = _times(lambda data=data, kind=kind: _anew(data, kind))
        yield Measurement(
            f"picture-{kind}",
            statistics.median(kept),
            "ms",
            statistics.median(anew),
            _ROUNDS,
            spread=spread(kept),
            goal=0.5,
        )


def _anew(data: bytes, kind: str) -> None:
    with Image.open(io.BytesIO(data)) as image:
        image.save(io.BytesIO(), kind.upper(), **({"quality": 92} if kind == "jpeg" else {}))


def _times(act: Callable[[], object]) -> list[float]:
    """Milliseconds of the processor for each round."""
    found = []
    for _ in range(_ROUNDS):
        began = time.process_time()
        act()
        found.append(1000 * (time.process_time() - began))
    return found
