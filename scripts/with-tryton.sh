#!/bin/sh
# Runs a command with a throw-away Tryton server: fills fresh databases with the described companies,
# serves them on a free loopback port, exports PULSE_TEST_TRYTON (a JSON file that says where and how),
# and removes everything when the command ends. The exit status is the command's own.
#
#   scripts/with-tryton.sh cargo test --test it tryton
#
# The server comes from PyPI, by the pins of tests/tryton/requirements.txt. An empty database is kept
# below target/tryton, so that only the first run takes the time to make it.
set -eu

if [ $# -eq 0 ]; then
    echo "usage: $0 COMMAND [ARGUMENT...]" >&2
    exit 64
fi

root=$(cd "$(dirname "$0")/.." && pwd)
seeds="$root/tests/tryton"
python=${PYTHON:-python3}

tryton=$("$root/scripts/python.sh" "$seeds/requirements.txt")
programs=$(dirname "$tryton")

dir=$(mktemp -d "${TMPDIR:-/tmp}/pulse-tryton.XXXXXX")
server=
making=

stop() {
    status=$?
    trap - EXIT INT TERM HUP
    if [ -n "$server" ]; then
        kill "$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
    fi
    rm -rf "$dir" ${making:+"$making"}
    exit "$status"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

# The settings of the server: databases below a directory, a port.
settings() {
    cat <<SETTINGS
[database]
uri = sqlite://
path = $1
[web]
listen = 127.0.0.1:$2
[session]
authentications = password
max_attempt = 1000
SETTINGS
}

# Runs quietly; what it said is shown when it fails.
quietly() {
    if ! "$@" >"$dir/said.log" 2>&1; then
        cat "$dir/said.log" >&2
        exit 70
    fi
}

# 1. An empty database with the modules: made once for this server.
modules="account_invoice account_credit_limit"
made=$(printf %s "$programs $modules" | sha256sum | cut -c1-16)
kept="${CARGO_TARGET_DIR:-$root/target}/tryton/$made"
password=only-on-loopback
export PYTHONDONTWRITEBYTECODE=1
if [ ! -e "$kept/ready" ]; then
    echo "Making an empty database of Tryton (once) ..." >&2
    mkdir -p "$(dirname "$kept")"
    # Made under a name of its own, so that two runs do not meet.
    making=$(mktemp -d "$kept.XXXXXX")
    mkdir "$making/data"
    : >"$making/data/base.sqlite"
    settings "$making/data" 0 >"$making/trytond.conf"
    printf %s "$password" >"$making/password"
    export TRYTONPASSFILE="$making/password"
    admin() {
        quietly "$tryton" "$programs/trytond-admin" -c "$making/trytond.conf" -d base "$@"
    }
    admin --all --email admin@example.com
    # shellcheck disable=SC2086 # one word a module
    admin -u $modules --activate-dependencies
    : >"$making/ready"
    # Another run may have been quicker; then its work stands.
    mv -T "$making" "$kept" 2>/dev/null || rm -rf "$making"
    making=
fi

# 2. A fresh database for each company.
mkdir "$dir/data"
companies="live=$seeds/company.json"
if [ -e "$root/tests/it/contract/company.json" ]; then
    companies="$companies contract=$root/tests/it/contract/company.json"
fi
for company in $companies; do
    cp "$kept/data/base.sqlite" "$dir/data/${company%%=*}.sqlite"
done

# 3. The server, which prepares every database before it listens. Another process may take a port between our look and its start: try a few.
started=
for attempt in 1 2 3 4 5 6 7 8 9 10; do
    port=$(( ($$ * 11 + attempt * 997) % 20000 + 20000 ))
    settings "$dir/data" "$port" >"$dir/trytond.conf"
    "$tryton" "$programs/trytond" -c "$dir/trytond.conf" \
        -d $(printf "%s\n" $companies | cut -d= -f1) \
        >"$dir/server.log" 2>&1 &
    server=$!
    for _ in $(seq 1 100); do
        kill -0 "$server" 2>/dev/null || break
        if "$python" -c 'import socket, sys
socket.create_connection(("127.0.0.1", int(sys.argv[1])), 5)' "$port" 2>/dev/null
        then
            # Only ours counts: the port may be another's.
            kill -0 "$server" 2>/dev/null && started=yes
            break
        fi
        sleep 0.2
    done
    [ -n "$started" ] && break
    kill "$server" 2>/dev/null || true
    wait "$server" 2>/dev/null || true
    server=
done
if [ -z "$started" ]; then
    cat "$dir/server.log" >&2
    exit 70
fi
url="http://127.0.0.1:$port"

# 4. The books.
for company in $companies; do
    name=${company%%=*}
    if ! "$python" "$seeds/seed.py" "$url" "$name" "$password" "${company#*=}" \
        >"$dir/$name.json" 2>"$dir/said.log"; then
        cat "$dir/said.log" >&2
        tail -n 40 "$dir/server.log" >&2
        exit 70
    fi
done
"$python" - "$dir" "$url" "$password" $companies >"$dir/tryton.json" <<'SUMMARY'
import json, pathlib, sys
directory, url, password, *companies = sys.argv[1:]
names = [company.split("=")[0] for company in companies]
seeded = {name: json.loads(pathlib.Path(directory, f"{name}.json").read_text()) for name in names}
json.dump({"url": url, "login": "admin", "password": password, "databases": seeded}, sys.stdout)
SUMMARY

export PULSE_TEST_TRYTON="$dir/tryton.json"
# Not `exec`: the trap has to run. The command's status becomes ours.
status=0
"$@" || status=$?
exit "$status"
