#!/usr/bin/env bash
# Tries what build.sh packed: unpacks the tarball into an empty folder, starts it, waits for the first
# articles of the sample wire, stops it; looks into the Debian package.
# usage: packaging/try.sh [FOLDER]
set -euo pipefail
cd "$(dirname "$0")/.."
packed=$(realpath "${1:-target/package}")

fail() {
  echo "try: $*" >&2
  exit 1
}

folder=$(mktemp -d)
server=""
trap '[ -z "$server" ] || kill -KILL "$server" 2>/dev/null || true; rm -rf "$folder"' EXIT
tar -xzf "$packed"/harbinger-*-linux.tar.gz -C "$folder"
cd "$folder"/harbinger-*
./harbinger check-config --config config >/dev/null
HARBINGER_HTTP_BIND=127.0.0.1:0 ./harbinger serve >out.log 2>err.log &
server=$!

ask() { # ask PATH
  python3 -c 'import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1], timeout=10).read().decode())' \
    "$address$1"
}

address=""
found=0
for _ in $(seq 240); do
  kill -0 "$server" 2>/dev/null || fail "the server ended: $(tail -n 3 err.log)"
  address=$(grep -o 'http://127.0.0.1:[0-9]*' out.log | head -n 1 || true)
  if [ -n "$address" ]; then
    found=$(ask '/v1/search?limit=1' 2>/dev/null | grep -o '"total":[0-9]*' | head -n 1 | cut -d : -f 2 || true)
    [ "${found:-0}" -eq 0 ] || break
  fi
  sleep 0.5
done
[ "${found:-0}" -gt 0 ] || fail "no article in two minutes: $(tail -n 3 err.log)"
ask / | grep -q '<h1' || fail "the page has no heading"
ask /static/vendor-cytoscape.min.js >/dev/null 2>&1 || echo "try: packed without the drawing of graphs" >&2
kill -TERM "$server"
wait "$server" || fail "it did not stop cleanly: $(tail -n 3 err.log)"
server=""
echo "try: the tarball starts, finds articles and stops"

# Links between the pages that are packed lead to pages that are packed.
python3 - doc <<'PYTHON'
import pathlib, re, sys
root = pathlib.Path(sys.argv[1])
wrong = [
    f"{page}: {target}"
    for page in root.rglob("*.md")
    for target in re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    if (page.parent / target).suffix in {".md", ".png"} and not (page.parent / target).exists()
]
sys.exit("try: no such page: " + "; ".join(wrong)) if wrong else None
PYTHON

# Where this may be done, as in a fresh container of Debian: installs the package and adds a user to the
# data of the service, as an admin would.
try_installed() {
  if [ "${HARBINGER_TRY_INSTALL:-}" != yes ] || [ "$(id -u)" -ne 0 ]; then
    echo "try: not installed; HARBINGER_TRY_INSTALL=yes as root does that too" >&2
    return
  fi
  dpkg --install "$deb" >/dev/null
  [ "$(stat -c %U /var/lib/harbinger)" = harbinger ] || fail "the data folder is not its user's"
  (
    cd /
    echo "a long enough password" | setpriv --reuid harbinger --regid harbinger --clear-groups \
      harbinger users add ana --role admin >/dev/null
  )
  [ -f /var/lib/harbinger/harbinger.db ] || fail "the command wrote elsewhere"
}

deb=$(find "$packed" -name '*.deb')
if [ -n "$deb" ] && command -v dpkg-deb >/dev/null 2>&1; then
  mkdir "$folder/deb"
  dpkg-deb --extract "$deb" "$folder/deb"
  dpkg-deb --control "$deb" "$folder/control"
  while read -r file; do
    [ -f "$folder/deb$file" ] || fail "$file is named as configuration and is not packed"
  done <"$folder/control/conffiles"
  "$folder/deb/usr/bin/harbinger" check-config --config "$folder/deb/etc/harbinger" >/dev/null
  start=$(sed -n 's/^ExecStart=\([^ ]*\).*/\1/p' "$folder/deb/lib/systemd/system/harbinger.service")
  [ -x "$folder/deb$start" ] || fail "the service starts $start, which is not packed"
  user=$(sed -n 's/^User=//p' "$folder/deb/lib/systemd/system/harbinger.service")
  grep -q " $user\$" "$folder/control/postinst" || fail "nothing makes the user $user"
  grep -Eq '^Depends: libc6 \(>= 2\.[0-9.]+\)' "$folder/control/control" \
    || fail "the package does not say which C library it needs"
  grep -q '^data_dir = "/var/lib/harbinger"$' "$folder/deb/etc/harbinger/settings.toml" \
    || fail "a command would not find the data of the service"
  try_installed
  echo "try: the Debian package holds its configuration, program, service and user"
fi
