# shellcheck shell=bash
# run [OPTION ...]     build preset release and run a broker in build/run until Ctrl-C
build_preset release
mkdir -p build/run
exec build/release/bin/zchat-broker --data build/run "$@"
