#!/bin/sh
# Runs a command beside a throw-away PostgreSQL server.
#
#   scripts/postgres-test.sh cargo nextest run -p index
#
# The server (Debian's package) keeps its files in a temporary folder, listens on a Unix socket
# there and on no network port. The command finds it in HARBINGER_TEST_DATABASE_URL; when it ends,
# however it ends, the server is stopped and the folder removed. PostgreSQL refuses to run as root:
# then it runs as the user `postgres`, and the command as whoever called. The command's exit status
# is passed on.
set -eu

if [ $# -eq 0 ]; then
    echo "usage: scripts/postgres-test.sh COMMAND [ARGUMENT]..." >&2
    exit 2
fi

bin=""
for folder in /usr/lib/postgresql/*/bin; do
    [ -x "$folder/initdb" ] && bin=$folder # the newest version comes last
done
if [ -z "$bin" ]; then
    initdb=$(command -v initdb || true)
    [ -n "$initdb" ] && bin=$(dirname "$initdb")
fi
if [ -z "$bin" ]; then
    echo "no PostgreSQL server found; install it: apt-get install postgresql" >&2
    exit 2
fi

# Socket paths end at 107 bytes, so the folder lies directly in /tmp.
folder=$(mktemp -d /tmp/harbinger-postgres.XXXXXX)
if [ "$(id -u)" -eq 0 ]; then
    chown postgres "$folder"
    chmod 711 "$folder"
    as_server() { runuser -u postgres -- "$@"; }
else
    as_server() { "$@"; }
fi

stop() {
    status=$?
    trap - EXIT INT TERM
    as_server "$bin/pg_ctl" -D "$folder/data" -m immediate -w stop >/dev/null 2>&1 || true
    rm -rf "$folder"
    exit "$status"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# A collation that is not byte order, as most servers have, shows queries that lean on byte order.
cd "$folder"
as_server "$bin/initdb" -D "$folder/data" -U harbinger --auth=trust --no-sync --encoding=UTF8 \
    --locale-provider=icu --icu-locale=en >"$folder/initdb.log" 2>&1 || {
    cat "$folder/initdb.log" >&2
    exit 2
}
as_server "$bin/pg_ctl" -D "$folder/data" -l "$folder/server.log" -w -t 60 \
    -o "-c listen_addresses='' -k $folder -c fsync=off -c full_page_writes=off -c max_connections=200" \
    start >/dev/null || {
    cat "$folder/server.log" >&2
    exit 2
}
cd "$OLDPWD"

escaped=$(printf '%s' "$folder" | sed 's|/|%2F|g')
HARBINGER_TEST_DATABASE_URL="postgres://harbinger@$escaped/postgres"
export HARBINGER_TEST_DATABASE_URL
"$@"
