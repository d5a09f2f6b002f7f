#!/usr/bin/env bash
# Signs as the CRMs do, with the libraries that they publish (npm and PyPI), and shows it at the doors
# of a running service; mints with the snippets of the documentation, too. Needs the built program,
# tests/crm/node_modules, Python with venv and php.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
PULSE_TEST_PYTHON=$("$root/scripts/python.sh" "$root/tests/crm/requirements.txt")
export PULSE_TEST_PYTHON

cd "$root/tests/crm"
export PYTHONDONTWRITEBYTECODE=1
export PULSE_TEST_BINARY=${PULSE_TEST_BINARY:-$target/debug/financial-pulse}
node stage.mjs \
  'node --test --test-reporter=spec signing.test.mjs' \
  '"$PULSE_TEST_PYTHON" -m unittest test_signing' \
  'node --test --test-reporter=spec install.test.mjs' \
  'node --test --test-reporter=spec snippets.test.mjs'
