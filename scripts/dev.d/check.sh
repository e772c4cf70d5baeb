# shellcheck shell=bash
# check                what CI asks beside the tests: includes, symbols, sizes, tables, scripts, format
build_preset dev broker_core client_model zchat zchat-broker zchat-logger
status=0
for name in includes symbols sizes tables man settings; do
    if [ -f "scripts/checks/$name.py" ]; then
        /usr/bin/python3 "scripts/checks/$name.py" --build build/dev || status=1
    fi
done
/usr/bin/python3 scripts/checks/rules.py # a report: a rule without a test is work, not an error
if command -v shellcheck >/dev/null; then
    shellcheck -x scripts/dev scripts/run scripts/test .ci/run scripts/lib.sh scripts/dev.d/*.sh ||
        status=1
else
    echo "shellcheck is not here: scripts are not checked"
fi
if command -v clang-format >/dev/null; then
    unformatted=$(our_sources | while read -r file; do
        clang-format --dry-run --Werror "$file" >/dev/null 2>&1 || printf ' %s' "$file"
    done)
    if [ -n "$unformatted" ]; then
        echo "not formatted (scripts/dev fmt):$unformatted"
        status=1
    fi
fi
if [ "$status" -eq 0 ]; then
    echo "check: good"
else
    echo "check: see above" >&2
fi
exit "$status"
