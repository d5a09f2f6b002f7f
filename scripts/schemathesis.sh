#!/usr/bin/env bash
# Holds the running GraphQL door to its schema: schemathesis makes up documents and values for every
# query and mutation of a demo on free loopback ports, and tests/schemathesis/hooks.py says what each
# answer has to be. SCHEMATHESIS_EXAMPLES (60) is how many are made up for each; SCHEMATHESIS_SEED
# repeats a run. Needs the built program.
#
#   scripts/schemathesis.sh target/debug/financial-pulse
#
# The tester comes from PyPI, by the pins of tests/schemathesis/requirements.txt.
set -euo pipefail

if [ $# -ne 1 ]; then
  echo "usage: $0 PROGRAM" >&2
  exit 64
fi
program=$(realpath "$1")
root=$(cd "$(dirname "$0")/.." && pwd)
python=${PYTHON:-python3}
hooks=$root/tests/schemathesis

tester=$("$root/scripts/python.sh" "$hooks/requirements.txt")

dir=$(mktemp -d "${TMPDIR:-/tmp}/pulse-schemathesis.XXXXXX")
demo=
stop() {
  status=$?
  trap - EXIT
  if [ -n "$demo" ]; then
    kill "$demo" 2>/dev/null || true
    wait "$demo" 2>/dev/null || true
  fi
  rm -rf "$dir"
  exit "$status"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# 1. The demo: a tenant with linked contacts, books, and the schema open to its tokens.
read -r api crm sandbox < <("$python" -c '
import socket
sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
print(*(one.getsockname()[1] for one in sockets))')
cd "$dir"
export PULSE_DEMO_API_PORT=$api PULSE_DEMO_CRM_PORT=$crm PULSE_DEMO_SANDBOX_PORT=$sandbox
# It asks more often than a person would.
export PULSE_LIMITS__PERSON_OPERATIONS_PER_MINUTE=1000000 PULSE_LIMITS__TENANT_OPERATIONS_PER_MINUTE=1000000
"$program" demo >demo.log 2>&1 &
demo=$!
url="http://localhost:$api/graphql"
for _ in $(seq 240); do
  grep -q "$url" demo.log && break
  kill -0 "$demo" 2>/dev/null || break
  sleep 0.5
done
if ! grep -q "$url" demo.log; then
  cat demo.log >&2
  exit 70
fi
token=$("$program" token --tenant demo --role admin)

# 2. What there is, so that some of what is made up means something.
export PULSE_SCHEMATHESIS_IDS
PULSE_SCHEMATHESIS_IDS=$("$python" - "$url" "$token" <<'IDS'
import json, sys, time, urllib.request
url, token = sys.argv[1:]
body = json.dumps({"query": '{ customers(search: "a", first: 5) { id } }'}).encode()
headers = {"content-type": "application/json", "authorization": f"Bearer {token}"}
for _ in range(120):
    asked = urllib.request.Request(url, body, headers)
    answer = json.load(urllib.request.urlopen(asked))
    customers = [customer["id"] for customer in answer["data"]["customers"]]
    if customers:
        break
    # The books are read when the service has started.
    time.sleep(0.5)
assert customers, answer
print(json.dumps(customers + [f"native:person:{number}" for number in range(1, 6)]))
IDS
)

SCHEMATHESIS_HOOKS=hooks PYTHONPATH=$hooks PYTHONDONTWRITEBYTECODE=1 \
  "$tester" -m schemathesis.cli run "$url" \
  --header "Authorization: Bearer $token" --checks answers_are_typed_and_safe \
  --max-examples "${SCHEMATHESIS_EXAMPLES:-60}" --request-timeout 10 --warnings off --no-color \
  ${SCHEMATHESIS_SEED:+--seed "$SCHEMATHESIS_SEED"}
if ! kill -0 "$demo" 2>/dev/null; then
  cat demo.log >&2
  echo "The service ended." >&2
  exit 1
fi
