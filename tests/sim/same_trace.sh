#!/bin/sh
# same_trace.sh SIM: two processes tell the same story of the same seeds.
set -eu
first=$("$1" --seeds 25 --trace-hash)
second=$("$1" --seeds 25 --trace-hash)
[ "$(echo "$first" | wc -l)" -eq 25 ]
[ "$(echo "$first" | sort -u -k2 | wc -l)" -eq 25 ]
if [ "$first" != "$second" ]; then
    echo "the same seeds went another way the second time:"
    echo "$first"
    echo "$second"
    exit 1
fi
