"""Static files under addresses that change with their content, so that a browser may keep each for a year."""

from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from flask import Flask, Response, request

_MARK = "v"
_YEAR = "public, max-age=31536000, immutable"


def init_app(app: Flask) -> None:
    """Mark every address of a static file with its content's hash, and let what is asked for by its mark be kept."""
    folder = Path(str(app.static_folder))

    def add_mark(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint == "static" and "filename" in values:
            path = folder / values["filename"]
            values[_MARK] = _mark(path, path.stat().st_mtime_ns)

    def keep(response: Response) -> Response:
        if request.endpoint == "static" and request.args.get(_MARK) and response.status_code in (200, 304):
            response.headers["Cache-Control"] = _YEAR
        return response

    app.url_defaults(add_mark)
    app.after_request(keep)


@lru_cache(maxsize=64)
def _mark(path: Path, _changed_at: int) -> str:
    return sha256(path.read_bytes()).hexdigest()[:10]
