#!/usr/bin/env bash
# Runs a command while Prism serves Xero's published description on a free loopback port, whose
# address it exports as PULSE_PRISM_URL. Fails when the command does, or when Prism calls any request
# of it invalid. The description belongs to the contracts (PULSE_CONTRACTS); without them it says so
# and passes, unless PULSE_CONTRACTS_REQUIRED=1.
#
#   scripts/with-prism.sh cargo test --test it xero::prism -- --ignored
set -euo pipefail

if [ $# -eq 0 ]; then
  echo "usage: $0 COMMAND [ARGUMENT...]" >&2
  exit 64
fi

root=$(cd "$(dirname "$0")/.." && pwd)
description=${PULSE_CONTRACTS:-$root/../shared/contracts}/xero/xero_accounting.yaml
if [ ! -f "$description" ]; then
  echo "$description is absent: no request was held to Xero's description" >&2
  [ "${PULSE_CONTRACTS_REQUIRED:-}" != 1 ] || exit 1
  exit 0
fi

prism=$root/tests/prism/node_modules/@stoplight/prism-cli/dist/index.js
port=$(node -e '
  const server = require("node:net").createServer();
  server.listen(0, "127.0.0.1", () => {
    console.log(server.address().port);
    server.close();
  });')
log=$(mktemp "${TMPDIR:-/tmp}/pulse-prism.XXXXXX")
node "$prism" mock --errors --host 127.0.0.1 --port "$port" "$description" >"$log" 2>&1 &
server=$!
stop() {
  kill "$server" 2>/dev/null || true
  wait "$server" 2>/dev/null || true
  rm -f "$log"
}
trap stop EXIT

started=
for _ in $(seq 240); do
  if grep -q 'is listening' "$log"; then
    started=yes
    break
  fi
  kill -0 "$server" 2>/dev/null || break
  sleep 0.5
done
if [ -z "$started" ]; then
  echo "Prism did not start:" >&2
  cat "$log" >&2
  exit 70
fi

status=0
PULSE_PRISM_URL="http://127.0.0.1:$port" "$@" || status=$?

requests=$(grep -c 'Request received' "$log" || true)
invalid=$(grep -Eic 'did not pass the validation|terminated with error|\[VALIDATOR\].*(warning|error)' "$log" || true)
echo "Prism saw $requests requests and found fault $invalid times." >&2
if [ "$invalid" -gt 0 ]; then
  grep -Ei -B4 '\[VALIDATOR\].*(warning|error)|terminated with error' "$log" >&2
  exit 1
fi
if [ "$status" -eq 0 ] && [ "$requests" -eq 0 ]; then
  echo "Nothing was asked: the command proved nothing." >&2
  exit 1
fi
exit "$status"
