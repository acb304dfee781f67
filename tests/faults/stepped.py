"""The app whose clock can be put on and back while it runs: the file `clock-step` holds the seconds.

The machine's own clock belongs to everybody on it, so the step is made where the program reads the time.
"""

import os
import time
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import itsdangerous.timed
from flask import Flask

import app
from gongkao import clock

FILE = "clock-step"


def create_app() -> Flask:
    """The product as it is, reading a stepped clock."""
    path = Path(os.environ["GONGKAO_INSTANCE"]) / FILE

    def step() -> float:
        try:
            return float(path.read_text(encoding="ascii") or 0)
        except OSError:
            return 0.0

    class Stepped(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) + timedelta(seconds=step())

    reader: Any = clock
    reader.datetime = Stepped
    signatures: Any = itsdangerous.timed
    signatures.time = SimpleNamespace(time=lambda: time.time() + step())
    return app.create_app()
