# shellcheck shell=bash
# echo [--rate N] [--keys N] how long a typed character takes to show while 10,000 messages a second arrive
build_preset release zchat-broker zchat
ZCHAT_BIN=$PWD/build/release/bin /usr/bin/python3 -B tests/tui/echo.py "$@"
