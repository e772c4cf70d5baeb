# shellcheck shell=bash
# soak [ARGUMENT ...] 30 % load with faults beside it for two hours: memory, descriptors, every promise (--minutes N --record; --help)
build_preset release zchat-broker zchat zchat-logger crowd
export ZCHAT_SLOW=${ZCHAT_SLOW:-4} # whatever else the machine does
ZCHAT_BIN=${ZCHAT_BIN:-$PWD/build/release/bin} exec /usr/bin/python3 -B tests/chaos/soak.py "$@"
