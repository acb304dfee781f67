#!/usr/bin/env bash
# Style, types and layers; installs what they need first.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

"$ROOT/scripts/setup.sh" test
cd "$ROOT"
"$PYTHON" -m ruff check .
"$PYTHON" -m mypy
"$PYTHON" "$VENV/bin/lint-imports"
