# shellcheck shell=bash
# start [EVENTS]       how long the broker takes to start with 10 million events
build_preset release zchat-broker
ZCHAT_BIN=$PWD/build/release/bin /usr/bin/python3 -B tests/bench/start.py "$@"
