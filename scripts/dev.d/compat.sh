# shellcheck shell=bash
# compat [COMMIT]      clients and brokers of COMMIT (the last tag) and of now work together
commit=${1-$(git describe --tags --abbrev=0 2>/dev/null || true)}
if [ -z "$commit" ]; then
    echo "scripts/dev compat: there is no tag yet: name a commit" >&2
    exit 2
fi
name=$(git rev-parse --short "$commit^{commit}")
old=$PWD/build/compat/$name
if [ ! -x "$old/build/release/bin/zchat-broker" ]; then
    rm -rf "$old"
    mkdir -p "$old"
    git archive "$commit" | tar -x -C "$old"
    (cd "$old" && cmake --preset release >/dev/null &&
        cmake --build --preset release --target zchat-broker zchat zchat-logger)
fi
build_preset release zchat-broker zchat zchat-logger
OLD_BIN=$old/build/release/bin NEW_BIN=$PWD/build/release/bin \
    /usr/bin/python3 -B tests/integration/compat.py
