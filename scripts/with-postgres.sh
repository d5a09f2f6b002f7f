#!/bin/sh
# Runs a command with a throw-away PostgreSQL: starts a server on a free loopback port in a temporary
# directory, exports its URL as PULSE_TEST_POSTGRES, and removes everything when the command ends.
# The exit status is the command's own.
#
#   scripts/with-postgres.sh cargo test --test it store
set -eu

if [ $# -eq 0 ]; then
    echo "usage: $0 COMMAND [ARGUMENT...]" >&2
    exit 64
fi

# The server programs are often not on PATH: Debian and Fedora keep them by version.
find_bin() {
    if command -v initdb >/dev/null && command -v pg_ctl >/dev/null; then
        dirname "$(command -v initdb)"
        return
    fi
    for dir in "${PULSE_PG_BIN:-}" $(ls -d /usr/lib/postgresql/*/bin /usr/pgsql-*/bin \
        /opt/homebrew/opt/postgresql*/bin 2>/dev/null | sort -rV); do
        if [ -n "$dir" ] && [ -x "$dir/initdb" ] && [ -x "$dir/pg_ctl" ]; then
            echo "$dir"
            return
        fi
    done
}

bin=$(find_bin)
if [ -z "$bin" ]; then
    echo "No PostgreSQL server found (initdb, pg_ctl). Install one (Debian: apt-get install postgresql)," >&2
    echo "or name its directory in PULSE_PG_BIN." >&2
    exit 69
fi

dir=$(mktemp -d "${TMPDIR:-/tmp}/pulse-postgres.XXXXXX")

# The server refuses to run as root.
if [ "$(id -u)" -eq 0 ]; then
    chown nobody "$dir"
    as_server() { setpriv --reuid=nobody --regid="$(id -gn nobody)" --clear-groups env HOME="$dir" "$@"; }
else
    as_server() { "$@"; }
fi

stop() {
    status=$?
    trap - EXIT INT TERM HUP
    as_server "$bin/pg_ctl" -D "$dir/data" -m immediate -s stop >/dev/null 2>&1 || true
    rm -rf "$dir"
    exit "$status"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

if ! (cd "$dir" && as_server "$bin/initdb" -D "$dir/data" -U pulse --auth=trust --no-sync \
    -E UTF8 --locale=C >"$dir/initdb.log" 2>&1); then
    cat "$dir/initdb.log" >&2
    exit 70
fi

# Another process may take a port between our look and the server's start: try a few.
started=
for attempt in 1 2 3 4 5 6 7 8 9 10; do
    port=$(( ($$ * 7 + attempt * 1009) % 20000 + 20000 ))
    if (cd "$dir" && as_server "$bin/pg_ctl" -D "$dir/data" -w -t 30 -s -l "$dir/server.log" -o \
        "-c listen_addresses=127.0.0.1 -p $port -k $dir -c max_connections=300 -c fsync=off -c synchronous_commit=off -c full_page_writes=off" \
        start) 2>/dev/null; then
        started=yes
        break
    fi
done
if [ -z "$started" ]; then
    cat "$dir/server.log" >&2
    exit 70
fi

export PULSE_TEST_POSTGRES="postgres://pulse@127.0.0.1:$port/postgres"
# Not `exec`: the trap has to run. The command's status becomes ours.
status=0
"$@" || status=$?
exit "$status"
