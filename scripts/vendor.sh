#!/usr/bin/env bash
# Puts the pinned graph library of the web pages beside the embedded assets (api/static/vendor-*).
# The program builds without it; its graph page then shows the table only and says so.
set -euo pipefail
cd "$(dirname "$0")/../api/web"

stamp=node_modules/.harbinger-lock
target=../static/vendor-cytoscape.min.js
if [ -f "$target" ] && cmp -s package-lock.json "$stamp"; then
  exit 0
fi
command -v npm >/dev/null 2>&1 || {
  echo "vendor: npm is missing, so the graph library cannot be fetched; install Node.js 18 or newer" >&2
  exit 1
}
npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null || {
  echo "vendor: npm could not fetch the graph library (api/web/package-lock.json)" >&2
  exit 1
}
cp node_modules/cytoscape/dist/cytoscape.min.js "$target"
cp package-lock.json "$stamp"
