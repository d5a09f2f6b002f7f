#!/usr/bin/env bash
# The pulse's speed beside a handler that serves static bytes, and its memory. Needs two cores to
# itself: what else runs on them shows in the figures. BENCH_ROUNDS, BENCH_SECONDS, BENCH_CUSTOMERS
# and BENCH_INVOICES change the plan.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ "$(nproc)" -lt 2 ]; then
  echo "The benchmark pins server and generator to different cores; this machine has one." >&2
  exit 1
fi
date -u +"%Y-%m-%d %H:%M UTC"
"${CARGO:-cargo}" bench --locked --quiet --bench pulse
