#!/usr/bin/env bash
# Serve the system on this machine, with starting data and a demonstration county; data is kept between runs.
# Settings: PORT (8000), HOST (127.0.0.1), WORKERS (2), THREADS (4), and every GONGKAO_… variable.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

"$ROOT/scripts/setup.sh" run
cd "$ROOT"

host=${HOST:-127.0.0.1}
port=${PORT:-8000}
export GONGKAO_MODE=${GONGKAO_MODE:-demonstration}
export GONGKAO_INSTANCE=${GONGKAO_INSTANCE:-$ROOT/var}
export GONGKAO_PUBLIC_URL=${GONGKAO_PUBLIC_URL:-http://$host:$port}
export FLASK_APP=app PYTHONUNBUFFERED=1
mkdir -p "$GONGKAO_INSTANCE/log"

"$PYTHON" - "$host" "$port" <<'PY' || die "Port $port is taken; choose another:  make run PORT=8001"
import socket, sys
with socket.socket() as probe:
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        probe.bind((sys.argv[1], int(sys.argv[2])))
    except OSError:
        sys.exit(1)
PY

"$PYTHON" -m flask demo
say
say "Serving http://$host:$port — Ctrl-C stops."
# The app is loaded once, for all processes that answer.
"$PYTHON" -m gunicorn "app:create_app()" --preload \
  --bind "$host:$port" --workers "${WORKERS:-2}" --threads "${THREADS:-4}" --worker-class gthread --no-control-socket \
  --access-logfile "$GONGKAO_INSTANCE/log/access.log" --log-level warning &
server=$!
# The worker makes papers in the background, after the pages; it loads once the server has, and stops with it.
(sleep 2 && exec nice "$PYTHON" -m flask worker) >>"$GONGKAO_INSTANCE/log/worker.log" 2>&1 &
worker=$!
trap 'kill "$server" "$worker" 2>/dev/null || true; wait' EXIT
trap 'exit 0' INT TERM
wait "$server"
