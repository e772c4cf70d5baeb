# shellcheck shell=bash
# scale [--record] [--only TEXT] [--repeats N] one, two and three brokers on PostgreSQL with its standby: posts, deliveries, CPU (--help)
build_preset release zchat-broker zchat load
ZCHAT_BIN=${ZCHAT_BIN:-$PWD/build/release/bin} exec /usr/bin/python3 -B tests/bench/scale.py "$@"
