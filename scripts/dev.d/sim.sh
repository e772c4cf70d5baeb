# shellcheck shell=bash
# sim [ARGUMENT ...]   many seeds of the simulated chat (--seeds N --first SEED --story); default: 20000 new ones
build_preset release sim
if [ $# -eq 0 ]; then
    set -- --seeds 20000 --first "$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')"
fi
build/release/tests/sim/sim "$@"
