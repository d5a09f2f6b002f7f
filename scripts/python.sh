#!/usr/bin/env bash
# Prints the path of a Python that has the packages of a file of pins: a virtual environment, made once
# for these pins below target/python, so that only the first run takes the time.
#
#   python=$(scripts/python.sh tests/crm/requirements.txt)
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
pins=$(realpath "$1")
python=${PYTHON:-python3}
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
  echo "Python 3 with venv is missing (Debian: apt-get install python3-venv)." >&2
  exit 69
fi

hash=$({ "$python" --version; cat "$pins"; } | sha256sum | cut -c1-16)
kept=${CARGO_TARGET_DIR:-$root/target}/python/$(basename "$(dirname "$pins")")-$hash
if [ ! -e "$kept/ready" ]; then
  echo "Installing the packages of ${pins#"$root/"} (once) ..." >&2
  mkdir -p "$(dirname "$kept")"
  # Made under a name of its own, so that two runs do not meet; a virtual environment that is moved
  # still works when its programs are called by its Python.
  making=$(mktemp -d "$kept.XXXXXX")
  trap 'rm -rf "$making"' EXIT
  "$python" -m venv "$making" >&2
  "$making/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$pins" >&2
  : >"$making/ready"
  # Another run may have been quicker; then its work stands.
  mv -T "$making" "$kept" 2>/dev/null || true
fi
echo "$kept/bin/python"
