# shellcheck shell=bash
# picture              make docs/img/zchat.svg anew, from a real session in tmux
need_tool tmux
build_preset release
/usr/bin/python3 -B scripts/picture.py --programs build/release/bin --out docs/img/zchat.svg
