# shellcheck shell=bash
# newcomer [--record]  time a newcomer's way: clone, build, a talk between two machines (network namespaces; root)
# The steps are those of docs/first-talk.md. What apt-get would fetch on an empty machine is not in the figure.
[ "$(id -u)" -eq 0 ] || { echo "newcomer: making two machines takes root" >&2; exit 1; }
source=$PWD
folder=$(mktemp -d)
one=zn1-$$ two=zn2-$$
broker_pid=
cleanup() {
    if [ -n "$broker_pid" ]; then kill "$broker_pid" 2>/dev/null || true; fi
    ip netns delete "$one" 2>/dev/null || true
    ip netns delete "$two" 2>/dev/null || true
    rm -rf "$folder"
}
trap cleanup EXIT
report=()
begin=$(date +%s%N)
last=$begin
step() { # step WORDS...: what has just been done
    local now
    now=$(date +%s%N)
    report+=("$(printf '| %s | %d.%01d |' "$*" $(((now - last) / 1000000000)) $(((now - last) / 100000000 % 10)))")
    printf '%4d s  %s\n' $(((now - begin) / 1000000000)) "$*"
    last=$now
}

ip netns add "$one"
ip netns add "$two"
ip link add "v1-$$" netns "$one" type veth peer name "v2-$$" netns "$two"
ip -n "$one" addr add 192.0.2.7/24 dev "v1-$$"
ip -n "$two" addr add 192.0.2.8/24 dev "v2-$$"
for machine in "$one" "$two"; do
    ip -n "$machine" link set lo up
done
ip -n "$one" link set "v1-$$" up
ip -n "$two" link set "v2-$$" up

git clone -q "$source" "$folder/zchat"
cd "$folder/zchat" || exit
step "git clone"
scripts/run >"$folder/run.log" 2>&1 || { tail -n 20 "$folder/run.log" >&2; exit 1; }
step "scripts/run: build, and see it work"

bin=$PWD/build/release/bin
here() { ip netns exec "$one" env -u XDG_RUNTIME_DIR "$bin/$1" "${@:2}"; }
there() { ip netns exec "$two" env -u XDG_RUNTIME_DIR "$bin/zchat" --home "$folder/bob" "$@"; }
mkfifo "$folder/ready"
exec 3<>"$folder/ready"
ip netns exec "$one" env -u XDG_RUNTIME_DIR "$bin/zchat-broker" --data "$folder/data" --bind 192.0.2.7 \
    >&3 2>"$folder/broker.log" &
broker_pid=$!
read -r -t 20 -u 3 word _ && [ "$word" = ready ]
here zchat --home "$folder/alice" --broker "@$folder/data/owner.url" --nick alice join '#lobby' >/dev/null
step "a broker for the network, and its owner"
(umask 077 && here zchat --home "$folder/alice" invite bob >"$folder/invitation" 2>/dev/null)
there --broker "@$folder/invitation" join '#lobby' >/dev/null
step "an invitation, and bob joins from the other machine"
there send '#lobby' 'hello from the other machine' >/dev/null
here zchat --home "$folder/alice" tail '#lobby' --since all --until-end | grep -q 'hello from the other machine'
there wait '#lobby' --match 'hello bob' --since all --timeout 20s >/dev/null &
waiting=$!
here zchat --home "$folder/alice" send '#lobby' 'hello bob' >/dev/null
wait "$waiting"
step "a word each way"
total=$((($(date +%s%N) - begin) / 1000000000))
echo "in all $total s"
if [ "${1-}" = --record ]; then
    cd "$source" || exit
    {
        echo "# A newcomer's way, $(date +%F)"
        echo
        echo "\`scripts/dev newcomer\` at $(git describe --always), $(nproc) processors, Debian's packages installed before. The two machines are network namespaces."
        echo
        echo "| step | seconds |"
        echo "| --- | ---: |"
        printf '%s\n' "${report[@]}"
        echo "| **in all** | **$total** |"
    } >"docs/results/newcomer-$(date +%F).md"
fi
[ "$total" -lt 300 ]
