# shellcheck shell=bash
# bench [ARGUMENT ...] measure with preset release, and compare with tests/bench/baseline.json
