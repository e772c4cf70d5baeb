# shellcheck shell=bash
# doors [ARGUMENT ...] thousands of users, and strangers at the doors (--users N --minutes M --record; --help)
build_preset release zchat-broker zchat crowd
ZCHAT_BIN=${ZCHAT_BIN:-$PWD/build/release/bin} /usr/bin/python3 -B tests/hostile/doors.py "$@"
