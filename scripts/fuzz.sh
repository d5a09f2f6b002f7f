#!/usr/bin/env bash
# Fuzzes every parser that meets bytes from outside (fuzz/entries), FUZZ_RUNS inputs each: by libFuzzer
# where cargo-fuzz and a nightly compiler are there, else by the driver of the tests. Our code is safe
# Rust throughout, so the address sanitizer is there for asking only (FUZZ_SANITIZER=address): it would
# look at the libraries alone, at a third of the speed.
#   scripts/fuzz.sh [ENTRY …]
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${FUZZ_RUNS:-10000000}

if ! command -v cargo-fuzz >/dev/null || ! rustup toolchain list 2>/dev/null | grep -q '^nightly'; then
  echo "No cargo-fuzz with a nightly compiler here: the stable driver, without coverage, does it." >&2
  filters=("${@/#/fuzz::}")
  PULSE_FUZZ_RUNS=$runs exec cargo test --locked --profile fuzz --test it -- \
    --nocapture --test-threads=1 "${filters[@]:-fuzz::}"
fi

cargo +nightly fuzz build --sanitizer "${FUZZ_SANITIZER:-none}" --codegen-units 16 entry
binary=$(ls -t fuzz/target/*/release/entry | head -1)
export ASAN_OPTIONS=detect_leaks=0
failed=0
while read -r name longest; do
  [ $# -eq 0 ] || [[ " $* " == *" $name "* ]] || continue
  corpus=fuzz/corpus/$name found=fuzz/artifacts/$name log=fuzz/artifacts/$name.log
  mkdir -p "$corpus" "$found"
  outcome="no finding"
  PULSE_FUZZ_ENTRY=$name PULSE_FUZZ_SEEDS=$corpus PULSE_FUZZ_WORDS=$found.dict \
    "$binary" "$corpus" -runs="$runs" -max_len="$longest" -dict="$found.dict" -artifact_prefix="$found/" \
    -timeout=10 -rss_limit_mb=2048 -malloc_limit_mb=128 -reload=0 -print_final_stats=1 >"$log" 2>&1 ||
    { failed=1 outcome="FINDING, see $log"; }
  inputs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  seconds=$(sed -n 's/^Done .* in \([0-9]*\) second.*/\1/p' "$log")
  coverage=$(grep -oE 'cov: [0-9]+ ft: [0-9]+' "$log" | tail -1)
  echo "$name: ${inputs:-?} inputs in ${seconds:-?} s, $coverage, $outcome"
done < <(PULSE_FUZZ_ENTRY=list "$binary" 2>/dev/null)
exit $failed
