# shellcheck shell=bash
# lib.sh - what scripts/run, test and dev share: the packages we need, and how to build.

# shellcheck disable=SC2034  # used by the scripts that source this
PACKAGES_BUILD=(build-essential cmake ninja-build pkg-config
    libzmq3-dev libcmocka-dev libsqlite3-dev libpq-dev libsodium-dev libmsgpack-dev libicu-dev
    libseccomp-dev libmicrohttpd-dev libncurses-dev zlib1g-dev libpcre2-dev file)
# What the demonstration and the tests use beside the compiler.
PACKAGES_RUN=(python3 python3-zmq python3-msgpack tmux iproute2)
# What the tests count instructions with, and the database server that they start.
PACKAGES_TEST=(valgrind postgresql-15)
# The browser that one test looks at the metrics page with; large, and nothing else needs it.
PACKAGES_BROWSER=(chromium)
# What single verbs of scripts/dev use.
PACKAGES_TOOLS=(clang libclang-rt-14-dev gcovr clang-format clang-tidy cppcheck shellcheck mandoc
    irclog2html logrotate zsh fish debootstrap lintian)
# What scripts/dev bench compares with and draws with.
PACKAGES_BENCH=(gnuplot-nox nats-server redis-server mosquitto ngircd)

# The tests start servers of their own: none shall run because the package is there.
NO_CLUSTER=/etc/postgresql-common/createcluster.conf

packages_missing() {
    local package
    for package in "$@"; do
        dpkg-query -W -f='${db:Status-Abbrev}' "$package" 2>/dev/null | grep -q '^.i' ||
            printf '%s\n' "$package"
    done
}

# packages_install PACKAGE...: installs what is missing, and says what it needs when it may not.
packages_install() {
    local missing=() as_root=() kept_env
    if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
        echo "this is not Debian: see that you have what these packages hold: $*" >&2
        return 0
    fi
    mapfile -t missing < <(packages_missing "$@")
    if [ "${#missing[@]}" -eq 0 ]; then
        return 0
    fi
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null || ! sudo -n true 2>/dev/null && ! { [ -t 0 ] && [ -t 2 ]; }; then
            echo "these packages are missing, and only root may install them:" >&2
            echo "    apt-get install --no-install-recommends ${missing[*]}" >&2
            return 1
        fi
        as_root=(sudo)
    fi
    echo "installing: ${missing[*]}"
    if [[ " ${missing[*]} " == *" postgresql-15 "* && ! -e $NO_CLUSTER ]]; then
        "${as_root[@]}" install -D -m 0644 /dev/stdin "$NO_CLUSTER" <<<"create_main_cluster = false"
    fi
    kept_env=(env DEBIAN_FRONTEND=noninteractive)
    "${as_root[@]}" "${kept_env[@]}" apt-get update -qq
    "${as_root[@]}" "${kept_env[@]}" apt-get install -y -qq --no-install-recommends \
        -o Dpkg::Use-Pty=0 "${missing[@]}" >/dev/null
}

# How many tests run at once: two processors carry two, whatever each of them does. Those that need both say so (PROCESSORS).
tests_at_once() {
    echo 2
}

# build_preset PRESET [TARGET...]
build_preset() {
    local preset=$1
    shift
    cmake --preset "$preset" -D BUILD_TESTING=ON >/dev/null # scripts/run leaves the tests out
    cmake --build --preset "$preset" -j "$(nproc)" ${1+--target "$@"}
}

# need_tool TOOL...: a verb that cannot work says what to do.
need_tool() {
    local tool
    for tool in "$@"; do
        if ! command -v "$tool" >/dev/null; then
            echo "$tool is missing: scripts/dev setup --all installs it" >&2
            exit 1
        fi
    done
}

our_sources() {
    git ls-files -co --exclude-standard -- '*.c' '*.h' | while read -r file; do
        [ -f "$file" ] && printf '%s\n' "$file"
    done
}
