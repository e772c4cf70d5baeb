# shellcheck shell=bash
# packages [--twice] [--chroot] Debian packages into build/package/deb; built twice and compared; tried in a fresh Debian 12 (root)
is_twice=no is_chroot=no
for argument in "$@"; do
    case $argument in
    --twice) is_twice=yes ;;
    --chroot) is_chroot=yes ;;
    *)
        echo "scripts/dev packages takes --twice and --chroot, not '$argument'" >&2
        exit 2
        ;;
    esac
done
need_tool dpkg-deb dpkg-shlibdeps file
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export SOURCE_DATE_EPOCH

# packages_into FOLDER [CMAKE-ARGUMENT...]: builds there, whatever FOLDER is called; the packages lie in FOLDER/deb.
packages_into() {
    local folder=$1
    shift
    cmake --preset package -B "$folder" "$@" >/dev/null
    cmake --build "$folder" -j "$(nproc)" >/dev/null
    rm -rf "$folder/deb"
    (cd "$folder" && cpack >/dev/null 2>&1)
    rm -rf "$folder/deb/_CPack_Packages"
}

packages_into build/package
(cd build/package/deb && sha256sum -- *.deb)
if command -v lintian >/dev/null; then
    # Who builds packages for others says -D ZCHAT_MAINTAINER="NAME <ADDRESS>"; CPack itself calls ldconfig; logger.env may
    # hold an invitation.
    lintian --allow-root --fail-on error,warning --suppress-tags \
        bogus-mail-host,bogus-mail-host-in-debian-changelog,maintscript-calls-ldconfig,non-standard-file-perm \
        build/package/deb/*.deb
fi
if [ "$is_twice" = yes ]; then
    packages_into build/package-again
    (cd build/package/deb && sha256sum -- *.deb) | (cd build/package-again/deb && sha256sum --check)
fi
if [ "$is_chroot" = yes ]; then
    need_tool debootstrap unshare setpriv
    rm -rf build/package-next
    packages_into build/package-next -D "ZCHAT_PACKAGE_VERSION=$(dpkg-deb -f build/package/deb/zchat_*.deb Version)+1"
    cmake --preset release >/dev/null
    cmake --build --preset release --target zchat-check >/dev/null
    /usr/bin/python3 -B tests/packages/chroot.py --record --packages build/package/deb --next build/package-next/deb \
        --checker build/release/bin/zchat-check
fi
