#!/usr/bin/env bash
# Make everything ready that `make run` or `make test` needs; what is there already is left alone.
# Usage: scripts/setup.sh [run|test]
set -euo pipefail
source "$(dirname "$0")/lib.sh"

purpose=${1:-run}
case $purpose in
  run) requirements=(requirements.txt) ;;
  test) requirements=(requirements.txt requirements-dev.txt) ;;
  *) die "Usage: scripts/setup.sh [run|test]" ;;
esac
cd "$ROOT"

good_python() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }
has_venv() { "$1" -c 'import ensurepip, venv' 2>/dev/null; }

find_python() {
  local candidate
  for candidate in python3.11 /usr/bin/python3.11 /usr/local/bin/python3.11 python3 /usr/bin/python3 \
    "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.1[1-9]*/bin/python3 python3.12 python3.13; do
    if command -v "$candidate" >/dev/null && good_python "$candidate" && "$@" "$candidate"; then
      command -v "$candidate"
      return
    fi
  done
  return 1
}

system_packages() {
  # Pango and HarfBuzz draw the PDFs; the fonts are Song, Hei, Kai, and two with rare characters of names.
  local needed=(libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz0b libharfbuzz-subset0
    fonts-noto-cjk fonts-lxgw-wenkai fonts-babelstone-han fonts-hanazono)
  local missing=() package states
  if ! command -v dpkg-query >/dev/null; then
    say "This is no Debian: please see to Pango, HarfBuzz and the Chinese fonts yourself (README.md)."
  else
    states=" $(dpkg-query -W -f='${Package}=${db:Status-Status} ' "${needed[@]}" 2>/dev/null || true) "
    for package in "${needed[@]}"; do
      [[ $states == *" $package=installed "* ]] || missing+=("$package")
    done
  fi
  if [ "$purpose" = test ]; then
    command -v chromium >/dev/null || missing+=(chromium)
    command -v redis-server >/dev/null || missing+=(redis-server)
    command -v nginx >/dev/null || [ -x /usr/sbin/nginx ] || missing+=(nginx)
    { compgen -G '/usr/lib/postgresql/*/bin/initdb' || command -v initdb; } >/dev/null || missing+=(postgresql)
  fi
  # A ready environment needs no second Python; a fresh Debian has the interpreter without its venv module.
  if ! good_python "$PYTHON" && ! find_python has_venv >/dev/null; then
    missing+=(python3 python3-venv)
  fi
  if [ ${#missing[@]} -gt 0 ]; then install_packages "${missing[@]}"; fi
}

virtual_environment() {
  good_python "$PYTHON" && return
  local python
  python=$(find_python has_venv) || die "Python 3.11 or newer with its venv module is needed and was not found."
  say "Making the virtual environment with $python"
  rm -rf "$VENV"
  "$python" -m venv "$VENV"
}

python_packages() {
  local stamp="$VENV/.installed-$purpose" wanted
  wanted=$(cat "${requirements[@]}" | sha256sum)
  [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && return
  say "Installing Python packages from ${requirements[-1]} (the first time takes a minute or two)"
  rm -f "$VENV"/.installed-*
  "$PYTHON" -m pip install -qq --disable-pip-version-check --requirement "${requirements[-1]}" >&2
  # The development requirements include the others.
  sha256sum <requirements.txt >"$VENV/.installed-run"
  printf '%s\n' "$wanted" >"$stamp"
}

# Compiled once here: the service's account may not write beside the sources, so that each process would do it anew.
byte_code() {
  local stamp="$VENV/.compiled" sources=(app.py gongkao blueprints migrations)
  [ -e "$stamp" ] && [ -z "$(find "${sources[@]}" -name '*.py' -newer "$stamp" -print -quit)" ] && return
  if "$PYTHON" -m compileall -qq "${sources[@]}"; then touch "$stamp"; fi
}

fonts() {
  local stamp="$ROOT/var/fonts/.cut" wanted
  wanted=$(sha256sum <gongkao/documents/fonts.py)
  [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && return
  say "Cutting the fonts down for quick PDFs"
  "$PYTHON" -m gongkao.documents.fonts >&2
  mkdir -p "$ROOT/var/fonts"
  printf '%s\n' "$wanted" >"$stamp"
}

system_packages
virtual_environment
python_packages
byte_code
fonts
