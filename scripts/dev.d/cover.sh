# shellcheck shell=bash
# cover                lines tested of the core and the client's library: at least 85 %
need_tool gcovr
build_preset coverage
find build/coverage -name '*.gcda' -delete
ctest --preset coverage -j "$(tests_at_once)"
echo "lines tested (gate: 85 %):"
gcovr --root . --filter 'broker/core/.*' --filter 'client/lib/[^/]*\.c' build/coverage \
    --html-details build/coverage/cover.html --print-summary --fail-under-line 85
echo "by line: build/coverage/cover.html"
