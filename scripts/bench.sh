#!/usr/bin/env bash
# Measure; one JSON line a measurement on standard output. Usage: scripts/bench.sh [NAME]
set -euo pipefail
source "$(dirname "$0")/lib.sh"

cd "$ROOT"
[ -f bench/__main__.py ] || die "There is nothing to measure yet."
"$ROOT/scripts/setup.sh" test
exec "$PYTHON" -m bench "$@"
