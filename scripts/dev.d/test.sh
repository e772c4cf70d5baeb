# shellcheck shell=bash
# test [CTEST-ARG ...] build preset dev and run its tests; -R REGEX chooses
build_preset dev
ctest --preset dev -j "$(tests_at_once)" "$@"
