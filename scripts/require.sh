#!/usr/bin/env bash
# Makes sure that the programs named are there: on Debian by apt, elsewhere by saying what to install.
#   scripts/require.sh cc postgresql chromium node python php
set -euo pipefail

present() {
  case "$1" in
    cc) command -v cc >/dev/null ;;
    node) command -v node >/dev/null && command -v npm >/dev/null ;;
    chromium) [ -n "${CHROMIUM:-}" ] || command -v chromium >/dev/null || command -v google-chrome >/dev/null ;;
    php) command -v php >/dev/null ;;
    python) python3 -c 'import ensurepip, venv' 2>/dev/null ;;
    postgresql) command -v postgres >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null ;;
  esac
}

package() {
  case "$1" in
    cc) echo "gcc libc6-dev" ;;
    node) echo "nodejs npm" ;;
    chromium) echo "chromium" ;;
    postgresql) echo "postgresql" ;;
    php) echo "php-cli" ;;
    python) echo "python3 python3-venv" ;;
  esac
}

missing=()
for name in "$@"; do
  present "$name" || missing+=("$name")
done
[ ${#missing[@]} -eq 0 ] && exit 0

packages=()
for name in "${missing[@]}"; do
  read -ra names <<<"$(package "$name")"
  packages+=("${names[@]}")
done

if command -v apt-get >/dev/null; then
  as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || {
      echo "Missing: ${missing[*]}. Run as root: apt-get install ${packages[*]}" >&2
      exit 1
    }
    as_root=(sudo)
  fi
  echo "Installing ${packages[*]} ..." >&2
  "${as_root[@]}" apt-get update -qq
  DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
else
  echo "Missing: ${missing[*]}. Install them first (on Debian: ${packages[*]})." >&2
  exit 1
fi

for name in "${missing[@]}"; do
  present "$name" || {
    echo "$name is still missing after the installation." >&2
    exit 1
  }
done
