# shellcheck shell=bash
# cluster-faults [ARGUMENT ...] three brokers, primary and standby in network namespaces, a fault in every round (--rounds N --seed S --faults LIST --record; --help); needs root
build_preset release zchat-broker zchat zchat-check
export ZCHAT_SLOW=${ZCHAT_SLOW:-4} # whatever else the machine does
ZCHAT_BIN=${ZCHAT_BIN:-$PWD/build/release/bin} exec /usr/bin/python3 -B tests/chaos/cluster_faults.py "$@"
