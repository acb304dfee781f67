"""`python -m bench [NAME]`: one JSON line a measurement on standard output, nothing else there; NAME picks one."""

import contextlib
import importlib
import json
import pkgutil
import sys
from pathlib import Path


def main(arguments: list[str]) -> int:
    names = sorted(found.name for found in pkgutil.iter_modules([str(Path(__file__).parent)]) if found.name[0] != "_")
    if len(arguments) > 1 or not set(arguments) <= set(names):
        print(f"Usage: make bench [NAME=...], where NAME is one of: {', '.join(names)}", file=sys.stderr)
        return 2
    lines = sys.stdout
    # Whatever a measured part prints must not come between the lines.
    with contextlib.redirect_stdout(sys.stderr):
        for name in arguments or names:
            for measurement in importlib.import_module(f"bench.{name}").measure():
                print(json.dumps(measurement.as_data(), ensure_ascii=False), file=lines, flush=True)
    return 0


sys.exit(main(sys.argv[1:]))
