# shellcheck shell=bash
# cluster [PRESET]     three brokers on a primary with its standby: one broker is killed, then the primary; what was lost, how long it took
preset=${1-release}
build_preset "$preset" zchat-broker zchat
ZCHAT_BIN=$PWD/build/$preset/bin /usr/bin/python3 -B tests/integration/cluster.py
