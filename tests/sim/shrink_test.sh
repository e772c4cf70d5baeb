#!/bin/sh
# shrink_test.sh SIM: a seed that breaks nothing is not shrunk, and what is not an option is refused.
set -eu
if "$1" --shrink 1 >/dev/null; then
    echo "seed 1 was shrunk"
    exit 1
fi
status=0
"$1" --no-such-part 1 2>/dev/null || status=$?
[ "$status" -eq 2 ]
"$1" --first 7 --seeds 1 --loss 0 --dup 0 --broker-crashes 0 --clients 2 >/dev/null
