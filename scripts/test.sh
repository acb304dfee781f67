#!/usr/bin/env bash
# Everything that is checked: style, types, layers, then all tests on SQLite and PostgreSQL with the browser journeys.
# Arguments go to pytest.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

"$ROOT/scripts/lint.sh"
cd "$ROOT"
exec "$PYTHON" -m pytest -n 2 --dist loadgroup "$@"
