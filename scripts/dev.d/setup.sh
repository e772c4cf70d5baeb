# shellcheck shell=bash
# setup [--all]        install what building and testing needs; with --all what every verb needs
packages_install "${PACKAGES_BUILD[@]}" "${PACKAGES_RUN[@]}" "${PACKAGES_TEST[@]}"
if [ "${1-}" = --all ]; then
    packages_install "${PACKAGES_TOOLS[@]}" "${PACKAGES_BROWSER[@]}"
fi
