# What the scripts share. Sourced, never run. Messages go to standard error, so that standard output stays for results.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
VENV="$ROOT/.venv"
PYTHON="$VENV/bin/python"

say() { printf '%s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# The privilege to install system packages: empty for root, "sudo -n" where that works, else fails.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi
}
may_install() {
  command -v apt-get >/dev/null && { [ "$(id -u)" -eq 0 ] || sudo -n true 2>/dev/null; }
}

# install_packages PACKAGE...: through apt where allowed, else says the exact command and stops.
install_packages() {
  if ! may_install; then
    say "These system packages are missing and cannot be installed from this account: $*"
    die "Run this, then try again:  sudo apt-get update && sudo apt-get install -y --no-install-recommends $*"
  fi
  say "Installing system packages (a minute or two): $*"
  as_root apt-get update -qq >&2 || say "apt-get update failed; trying with the package lists at hand."
  # Without a terminal of its own dpkg writes errors to standard error; the rest, a thousand lines, helps nobody.
  as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends -o Dpkg::Use-Pty=0 "$@" >/dev/null ||
    die "apt-get could not install: $*"
}
