#!/usr/bin/env bash
# Puts what the web pages need from the npm registry, pinned, beside the embedded assets
# (api/static/vendor-*): the graph library, the chart library and the outline of the world. The
# program builds without; its graph and map pages then show their tables only and say so, and charts
# are the bars that every page has.
set -euo pipefail
cd "$(dirname "$0")/../api/web"

stamp=node_modules/.harbinger-lock
static=../static
if [ -f $static/vendor-cytoscape.min.js ] && [ -f $static/vendor-world.svg ] \
  && [ -f $static/vendor-uplot.min.js ] \
  && cmp -s package-lock.json "$stamp"; then
  exit 0
fi
command -v npm >/dev/null 2>&1 || {
  echo "vendor: npm is missing, so the graph library cannot be fetched; install Node.js 18 or newer" >&2
  exit 1
}
npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null || {
  echo "vendor: npm could not fetch what the pages need (api/web/package-lock.json)" >&2
  exit 1
}
cp node_modules/cytoscape/dist/cytoscape.min.js $static/vendor-cytoscape.min.js
cp node_modules/uplot/dist/uPlot.iife.min.js $static/vendor-uplot.min.js
node world.mjs node_modules/world-atlas/countries-110m.json > $static/vendor-world.svg.part
mv $static/vendor-world.svg.part $static/vendor-world.svg
cp package-lock.json "$stamp"
