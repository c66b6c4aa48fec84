#!/usr/bin/env bash
# Installs what `make run` or `make test` needs and the machine lacks. Debian and its kin.
# usage: scripts/setup.sh run|test
set -euo pipefail
cd "$(dirname "$0")/.."

want=${1:?usage: scripts/setup.sh run|test}
missing=()

need() { # need COMMAND PACKAGE: remember the package when the command is absent
  command -v "$1" >/dev/null 2>&1 || missing+=("$2")
}

need cc build-essential
if [ "$want" = test ]; then
  need chromium chromium
  python3 -c 'import ensurepip' 2>/dev/null || missing+=(python3-venv)
  python3 -m pip --version >/dev/null 2>&1 || missing+=(python3-pip)
  ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing+=(postgresql)
fi
[ -e /etc/ssl/certs/ca-certificates.crt ] || missing+=(ca-certificates)

if [ ${#missing[@]} -gt 0 ]; then
  echo "setup: installing ${missing[*]}" >&2
  sudo=""
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null 2>&1 || {
      echo "setup: please install as root: apt-get install ${missing[*]}" >&2
      exit 1
    }
    sudo=sudo
  fi
  $sudo apt-get update -qq
  DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

command -v cargo >/dev/null 2>&1 || {
  echo "setup: cargo is missing; install Rust 1.95 or newer (https://rustup.rs)" >&2
  exit 1
}

if [ "$want" = test ] && [ -f tests/browser/package-lock.json ]; then
  command -v npm >/dev/null 2>&1 || {
    echo "setup: npm is missing; install Node.js 18 or newer" >&2
    exit 1
  }
  stamp=tests/browser/node_modules/.harbinger-lock
  if ! cmp -s tests/browser/package-lock.json "$stamp"; then
    (cd tests/browser && npm ci --no-audit --no-fund --loglevel=error)
    cp tests/browser/package-lock.json "$stamp"
  fi
fi

if [ "$want" = test ]; then
  scripts/vendor.sh
  scripts/export-tools.sh
else
  scripts/vendor.sh || echo "setup: going on; the graph page will have its table but no drawing" >&2
fi
