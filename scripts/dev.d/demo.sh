# shellcheck shell=bash
# demo [PRESET]        the demonstration of scripts/run, without installing anything
preset=${1-release}
build_preset "$preset"
/usr/bin/python3 scripts/demo.py --programs "build/$preset/bin"
