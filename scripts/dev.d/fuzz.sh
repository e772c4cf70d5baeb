# shellcheck shell=bash
# fuzz [TARGET [SECONDS]]  build with libFuzzer and search; without a target, all for a minute each
