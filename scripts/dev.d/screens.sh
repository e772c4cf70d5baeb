# shellcheck shell=bash
# screens              make docs/img/screen*.svg anew: the full-screen client in real terminals
need_tool tmux
build_preset release zchat-broker zchat
/usr/bin/python3 -B scripts/screens.py --programs build/release/bin --out docs/img
