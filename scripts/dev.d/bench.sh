# shellcheck shell=bash
# bench [WORKLOAD ...] [--quick] [--setup] [--record] [--store] measure the broker against floors and peers (--help)
case ${1-} in
--setup) # their services are not wanted: each is run by itself on a port of its own
    packages_install "${PACKAGES_BENCH[@]}"
    exit 0
    ;;
--store)
    build_preset release bench_store
    exec build/release/tests/bench/bench_store build
    ;;
esac
if [ "${1-}" = --counts ]; then # the baseline of instructions a message
    build_preset release counts
    ZCHAT_COUNTS=$PWD/build/release/tests/bench/counts exec /usr/bin/python3 -B tests/bench/test_counts.py --refresh
fi
build_preset release zchat-broker load relay fanout
ZCHAT_BIN=${ZCHAT_BIN:-$PWD/build/release/bin} exec /usr/bin/python3 -B tests/bench/bench.py "$@"
