# shellcheck shell=bash
# lint [FILE ...]      clang-tidy and cppcheck over our sources
need_tool clang-tidy cppcheck
cmake --preset dev -D CMAKE_EXPORT_COMPILE_COMMANDS=ON >/dev/null
if [ $# -eq 0 ]; then
    mapfile -t files < <(our_sources | grep '\.c$' | grep -v -e '^tests/' -e '^examples/')
else
    files=("$@")
fi
status=0
# It knows neither that a failed INVARIANT does not return, nor our tables by macro.
cppcheck --quiet --error-exitcode=1 --inline-suppr --enable=warning,portability --std=c11 -j "$(nproc)" \
    --suppress=missingIncludeSystem --suppress=unknownMacro --suppress=syntaxError \
    --suppress=nullPointerRedundantCheck -D_GNU_SOURCE -I . "${files[@]}" || status=1
printf '%s\n' "${files[@]}" | xargs -P "$(nproc)" -n 4 clang-tidy --quiet -p build/dev 2>/dev/null || status=1
if [ "$status" -eq 0 ]; then
    echo "lint: good"
fi
exit "$status"
