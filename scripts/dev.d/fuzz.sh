# shellcheck shell=bash
# fuzz [TARGET [SECONDS]]  build with libFuzzer and search; without a target, all of them for a minute each
need_tool clang
targets=()
for file in tests/fuzz/fuzz_*.c; do
    targets+=("$(basename "$file" .c)")
done
seconds=${2-60}
if [ $# -gt 0 ]; then
    targets=("$1")
fi
build_preset fuzz "${targets[@]}"
for target in "${targets[@]}"; do
    echo "$target, $seconds s:"
    # What it finds of its own lies in build/; corpus/ holds what is worth keeping.
    mkdir -p "build/fuzz/found/$target"
    "build/fuzz/tests/fuzz/$target" -max_total_time="$seconds" -timeout=5 -print_final_stats=1 \
        -artifact_prefix="build/fuzz/found/$target-" "build/fuzz/found/$target" "tests/fuzz/corpus/$target"
done
