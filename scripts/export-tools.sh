#!/usr/bin/env bash
# Makes target/export-tools, the Python environment with the tools that read our exports and ask our
# API in tests.
# All packages are pinned with what they need (tests/tools/requirements.txt).
set -euo pipefail
cd "$(dirname "$0")/.."

folder=target/export-tools
requirements=tests/tools/requirements.txt
stamp=$folder/.harbinger-requirements
if cmp -s "$requirements" "$stamp"; then
  exit 0
fi
python=""
for name in python3.13 python3.12 python3.11 python3; do
  if command -v "$name" >/dev/null 2>&1 &&
    "$name" -c 'import sys, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    python=$name
    break
  fi
done
[ -n "$python" ] || {
  echo "export-tools: Python 3.11 or newer with venv is missing (Debian: apt-get install python3-venv)" >&2
  exit 1
}
rm -rf "$folder"
"$python" -m venv "$folder"
"$folder/bin/pip" install --quiet --no-deps --no-compile --disable-pip-version-check -r "$requirements" || {
  echo "export-tools: the packages of $requirements could not be installed" >&2
  exit 1
}
cp "$requirements" "$stamp"
