# shellcheck shell=bash
# lint [FILE ...]      clang-tidy and cppcheck over our sources
need_tool clang-tidy cppcheck
cmake --preset dev -D CMAKE_EXPORT_COMPILE_COMMANDS=ON >/dev/null
if [ $# -eq 0 ]; then
    mapfile -t files < <(our_sources | grep '\.c$' | grep -v '^tests/')
else
    files=("$@")
fi
cppcheck --quiet --error-exitcode=1 --inline-suppr --enable=warning,portability --std=c11 \
    --suppress=missingIncludeSystem --suppress=unknownMacro -D_GNU_SOURCE -I . "${files[@]}"
printf '%s\n' "${files[@]}" | xargs -P "$(nproc)" -n 4 clang-tidy --quiet -p build/dev
