# shellcheck shell=bash
# comeback [ARGUMENT ...] thousands of users, and how long they take to be back after a restart (--users N --record; --help)
build_preset release zchat-broker zchat crowd
ZCHAT_BIN=${ZCHAT_BIN:-$PWD/build/release/bin} /usr/bin/python3 -B tests/hostile/comeback.py "$@"
