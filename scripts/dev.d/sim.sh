# shellcheck shell=bash
# sim [ARGUMENT ...]   many seeds of the simulated chat: --seeds N, --mutants, --shrink SEED, --campaign N; default: 20000 new ones
new_seed() {
    od -An -N4 -tu4 /dev/urandom | tr -d ' '
}

# A campaign is recorded with what it took to repeat it.
campaign() {
    local seeds=$1 first=$2 results began out
    results=docs/results/sim-$(date +%F).md
    began=$(date '+%F %T')
    mkdir -p docs/results
    echo "$seeds seeds from $first; the result goes to $results"
    out=$(nice -n 10 build/sim/tests/sim/sim_fast --seeds "$seeds" --first "$first" --jobs 2 2>&1) && status=0 || status=$?
    [ -f "$results" ] || printf '# Simulation campaigns of %s\n' "$(date +%F)" >"$results"
    {
        printf '\n## %s seeds from %s\n\n' "$seeds" "$first"
        printf -- '- began %s, ended %s\n' "$began" "$(date '+%F %T')"
        printf -- '- sources: %s%s\n' "$(git rev-parse --short HEAD)" \
            "$(git diff --quiet HEAD -- shared broker client tests/sim || echo ', with changes that are not committed')"
        printf -- '- machine: %s, %s processors, %s\n' "$(uname -sr)" "$(nproc)" \
            "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)"
        # shellcheck disable=SC2016  # the backticks are Markdown's
        printf -- '- command: `sim --seeds %s --first %s --jobs 2` (preset release)\n\n' "$seeds" "$first"
        printf '%s\n' "$out" | sed 's/^/    /'
    } >>"$results"
    printf '%s\n' "$out"
    return "$status"
}

case ${1-} in
--mutants)
    shift
    exec /usr/bin/python3 scripts/dev.d/mutants.py "$@"
    ;;
esac
# A folder of its own: build/release may be configured without tests.
cmake --preset release -B build/sim -DBUILD_TESTING=ON >/dev/null
cmake --build build/sim -j "$(nproc)" --target sim_fast
case ${1-} in
'') build/sim/tests/sim/sim_fast --seeds 20000 --first "$(new_seed)" --jobs "$(nproc)" ;;
--campaign) campaign "${2?how many seeds}" "${3-$(new_seed)}" ;;
*) build/sim/tests/sim/sim_fast "$@" ;;
esac
