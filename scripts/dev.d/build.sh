# shellcheck shell=bash
# build [PRESET]       build everything: dev (sanitizers), release, tsan, fuzz or coverage
build_preset "${1-dev}"
