# shellcheck shell=bash
# page [FILE]          a picture of the metrics page of a busy broker (docs/img/metrics.png); takes 5 minutes
need_tool chromium
build_preset release
ZCHAT_BIN=build/release/bin /usr/bin/python3 -B scripts/page_picture.py "${1:-docs/img/metrics.png}"
