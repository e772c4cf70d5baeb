# shellcheck shell=bash
# fuzz [TARGET ...] [--runs N] [--seconds S] [--jobs N] [--record]  search with libFuzzer; a minute each, all targets, when not told
# What it finds of its own lies in build/fuzz/found; tests/fuzz/corpus holds what is worth keeping: a finding that was
# mended, and what `--minimise` merges from there. --record writes docs/results/fuzz-DATE.md from the logs.
need_tool clang python3
targets=()
for argument in "$@"; do
    [ -f "tests/fuzz/$argument.c" ] && targets+=("$argument")
done
if [ "${#targets[@]}" -eq 0 ]; then
    for file in tests/fuzz/fuzz_*.c; do
        targets+=("$(basename "$file" .c)")
    done
fi
build_preset fuzz "${targets[@]}"
exec /usr/bin/python3 scripts/dev.d/fuzz.py --programs build/fuzz/tests/fuzz --work build/fuzz/found "$@"
