# shellcheck shell=bash
# closed [ARGUMENT ...] closed doors under a random hand: --seeds N, --first SEED, --story SEED, --mutants; default: 20000 new seeds
case ${1-} in
--mutants)
    shift
    exec /usr/bin/python3 scripts/dev.d/mutants.py --program closed "$@"
    ;;
esac
# A folder of its own: build/release may be configured without tests.
cmake --preset release -B build/sim -DBUILD_TESTING=ON >/dev/null
cmake --build build/sim -j "$(nproc)" --target closed
case ${1-} in
'') build/sim/tests/closed/closed --seeds 20000 --first "$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')" ;;
*) build/sim/tests/closed/closed "$@" ;;
esac
