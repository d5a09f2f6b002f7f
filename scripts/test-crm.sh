#!/usr/bin/env bash
# Signs as the CRMs do, with the libraries that they publish (npm and PyPI), and shows it at the doors
# of a running service; mints with the snippets of the documentation, too. Needs the built program,
# tests/crm/node_modules, Python with venv and php.
#
# The Python libraries are installed by the pins of tests/crm/requirements.txt and kept below
# target/crm, so that only the first run takes the time.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
python=${PYTHON:-python3}
target=${CARGO_TARGET_DIR:-$root/target}
pins=$({ "$python" --version && cat "$root/tests/crm/requirements.txt"; } | sha256sum | cut -c1-16)
kept=$target/crm/$pins
if [ ! -e "$kept/ready" ]; then
  echo "Installing the Python libraries of the CRMs (once) ..." >&2
  mkdir -p "$target/crm"
  # Made under a name of its own, so that two runs do not meet; a virtual environment that is moved
  # still works when its programs are called by its Python.
  making=$(mktemp -d "$kept.XXXXXX")
  trap 'rm -rf "$making"' EXIT
  "$python" -m venv "$making"
  "$making/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes \
    --requirement "$root/tests/crm/requirements.txt"
  : >"$making/ready"
  mv -T "$making" "$kept" 2>/dev/null || true
fi

cd "$root/tests/crm"
export PYTHONDONTWRITEBYTECODE=1
export PULSE_TEST_BINARY=${PULSE_TEST_BINARY:-$target/debug/financial-pulse}
export PULSE_TEST_PYTHON=$kept/bin/python
node stage.mjs \
  'node --test --test-reporter=spec signing.test.mjs' \
  '"$PULSE_TEST_PYTHON" -m unittest test_signing' \
  'node --test --test-reporter=spec install.test.mjs' \
  'node --test --test-reporter=spec snippets.test.mjs'
