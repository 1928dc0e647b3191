#!/bin/sh
# usage: quickstart.sh PROGRAM [WRAPPER...]
#
# Runs the quickstart in an empty directory, and once more in the one that it leaves.
set -eu

program=$1
shift
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
for run in first second; do
    "$@" "$program" >out || { cat out; echo "the $run run failed" >&2; exit 1; }
    for expected in '^concurrent$' '^conflict .* (standing)$' '  class     update_update$' \
        '  reason    later_timestamp: .* it is later than '; do
        grep -q "$expected" out || { cat out; echo "not printed in the $run run: $expected" >&2; exit 1; }
    done
done
cat out
