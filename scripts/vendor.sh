#!/usr/bin/env bash
# Puts the pinned graph library of the web pages beside the embedded assets (api/static/vendor-*).
# Without npm the build works all the same: the graph page then shows its table only.
set -euo pipefail
cd "$(dirname "$0")/../api/web"

stamp=node_modules/.harbinger-lock
target=../static/vendor-cytoscape.min.js
if [ -f "$target" ] && cmp -s package-lock.json "$stamp"; then
  exit 0
fi
command -v npm >/dev/null 2>&1 || {
  echo "vendor: npm is missing; the graph page will have its table but no drawing" >&2
  exit 0
}
npm ci --ignore-scripts --no-audit --no-fund --loglevel=error || {
  echo "vendor: the graph library could not be fetched; the graph page will have no drawing" >&2
  exit 0
}
cp node_modules/cytoscape/dist/cytoscape.min.js "$target"
cp package-lock.json "$stamp"
