# shellcheck shell=bash
# fmt [--check]        format our sources as .clang-format says, or say which are not
need_tool clang-format
mapfile -t files < <(our_sources)
if [ "${1-}" = --check ]; then
    clang-format --dry-run --Werror "${files[@]}"
else
    clang-format -i "${files[@]}"
fi
