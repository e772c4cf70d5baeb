# shellcheck shell=bash
# chaos [ARGUMENT ...] real processes under real faults (network kills partitions power nth; --help, --record); needs root
build_preset release zchat-broker zchat zchat-logger zchat-check netsim fault
ZCHAT_BIN=${ZCHAT_BIN:-$PWD/build/release/bin} /usr/bin/python3 -B tests/chaos/chaos.py "$@"
