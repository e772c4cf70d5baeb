# shellcheck shell=bash
# sim [ARGUMENT ...]   the simulation, for longer than the tests run it; --seed N, --mutants
build_preset dev
exec scripts/sim "$@"
