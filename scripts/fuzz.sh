#!/usr/bin/env bash
# Fuzzes everything that reads what strangers wrote: scripts/fuzz.sh [SECONDS|fixed [TARGET…]]
#
# 60 s for each target by default, two at a time. `fixed` makes a number of runs that takes about a
# minute, from the seeds alone: the same runs on every machine, so that what CI finds is found here,
# too. The coverage counters are an option of every rustc, so neither a nightly nor cargo-fuzz is
# needed. Findings land in fuzz/artifacts; what is worth keeping
# becomes a test. Says so loudly and ends well where there is no C++ compiler for libFuzzer.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds="${1:-60}"
shift || true
targets=("$@")
[ "${#targets[@]}" -gt 0 ] || targets=(feed page canonical_url robots warc opml lists)
if ! command -v c++ > /dev/null; then
    echo "SKIPPED: fuzzing needs a C++ compiler for libFuzzer, and there is no c++" >&2
    exit 0
fi
host="$(rustc -vV | sed -n 's/^host: //p')"
flags=(--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table
    -Cllvm-args=-sanitizer-coverage-trace-compares)
# With --target the flags do not reach build scripts and macros.
RUSTFLAGS="${flags[*]}" cargo build --locked --release --manifest-path fuzz/Cargo.toml \
    --target "$host" --target-dir "${FUZZ_TARGET_DIR:-fuzz/target}" $(printf -- '--bin %s ' "${targets[@]}")
export built="${FUZZ_TARGET_DIR:-fuzz/target}/$host/release" seconds
n_runs_of() {
    case "$1" in
        page) echo 18000 ;;
        feed) echo 90000 ;;
        robots | opml) echo 150000 ;;
        lists) echo 210000 ;;
        warc) echo 600000 ;;
        canonical_url) echo 1800000 ;;
        *) echo 10000 ;;
    esac
}
fuzz_one() {
    local corpus="fuzz/corpus/$1" log="fuzz/artifacts/$1.log" until=(-max_total_time="$seconds")
    if [ "$seconds" = fixed ]; then
        corpus="fuzz/corpus/fixed-$1"
        rm -rf "$corpus"
        until=(-runs="$(n_runs_of "$1")")
    fi
    mkdir -p "$corpus" "fuzz/artifacts/$1"
    if "$built/$1" "$corpus" "fuzz/seeds/$1" "${until[@]}" -timeout=20 \
        -rss_limit_mb=2048 -max_len=16384 -seed=1 -artifact_prefix="fuzz/artifacts/$1/" \
        -print_final_stats=1 > "$log" 2>&1; then
        echo "$1: $(grep -a -m1 -o 'number_of_executed_units: *[0-9]*' "$log" | grep -o '[0-9]*$') runs, nothing found"
    else
        echo "$1: FOUND SOMETHING"
        grep -a -v '^#' "$log" | tail -40
        return 1
    fi
}
export -f fuzz_one n_runs_of
printf '%s\n' "${targets[@]}" | xargs -P 2 -I{} bash -c 'fuzz_one {}'
