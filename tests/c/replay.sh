#!/bin/sh
# usage: replay.sh PROGRAM [WRAPPER...]
#
# Runs the demo's replay program on a small trace that has several classes of conflict, and on traces that are
# none. The wrapper, valgrind for one, takes so long that only some of the runs have it.
set -eu

program=$1
shift
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"

fail() {
    echo "replay.sh: $1" >&2
    [ ! -f out ] || cat out err >&2
    exit 1
}

# node NUMBER: a UUID
node() { echo "00000000-0000-4000-8000-00000000000$1"; }
# line NAME NODE PARENTS SECOND CHANGES
line() {
    printf '{"txn":"%s","node":"%s","parents":[%s],"timestamp":"2024-01-01T00:00:%02dZ","changes":[%s]}\n' \
        "$1" "$(node "$2")" "$3" "$4" "$5"
}
# change ROW OPERATION [AFTER]
change() { printf '{"table":"t","row_id":%s,"operation":"%s"%s}' "$1" "$2" "${3:+,\"after\":$3}"; }

{
    line base 1 '' 0 "$(change 1 insert '{"v":0}'),$(change '"two"' insert '{"v":0}')"
    line a 1 '"base"' 1 "$(change 1 update '{"v": 1.50, "s":"\u00e9\ud83e\udd80\/"}'),$(change '"two"' delete)"
    line b 2 '"base"' 2 "$(change 1 update '{"v":2}'),$(change '"two"' update '{"v":3}')"
    line c 3 '' 3 "$(change 1 insert '{"v":4}'),$(change -7 insert '{"v":5}')"
    line d 2 '"b"' 4 "$(change -7 insert '{"v":6}')"
    line merge 1 '"a","b"' 5 ''
    line settle 1 '"merge","c"' 6 "$(change 1 update '{"v":7}')"
} >trace.jsonl

run() {
    status=0
    "$@" >out 2>err || status=$?
}
# replay TRACE [WRAPPER...]
replay() {
    trace=$1
    shift
    run "$@" "$program" "$trace" --log log --reports reports --summary=summary
}
expect_failure() {
    [ "$status" = 1 ] || fail "$1: exit status $status"
    grep -q "^replay: .*$2" err || fail "$1: not said: $2"
    [ ! -s out ] || fail "$1: something was printed"
}

replay trace.jsonl "$@"
[ "$status" = 0 ] || fail "exit status $status"
[ ! -s err ] || fail 'something was complained about'
expected='{"transactions":7,"changes":10,"rows":3,"pairs_ordered":8,"pairs_concurrent":6,"concurrent_by_operations":'
expected=$expected'{"delete-update":1,"insert-insert":2,"insert-update":2,"update-update":1},"conflicts_standing":2,'
expected=$expected'"conflicts_settled":1,"rows_by_heads_at_the_end":{"1":1,"2":2}}'
[ "$(cat summary)" = "$expected" ] || { cat summary; fail 'the summary is another'; }
[ "$(wc -l <reports)" -eq 3 ] || fail 'there are not 3 reports'
# The payload is the trace's, with its number as written and no more escapes than it takes.
grep -q '"after":{"v":1.50,"s":"é🦀/"}' reports || fail 'a payload was changed'
grep -q '    insert_insert, won by later_timestamp 1$' out || fail 'the classes are not printed'
grep -q '^  pairs ordered              8$' out || fail 'the numbers are not aligned'

# A second time everything is recognised: the log is as it was, and so are the answers.
cp reports first
replay trace.jsonl "$@"
[ "$status" = 0 ] || fail "again: exit status $status"
cmp -s first reports || fail 'the reports of the second run differ'

gzip -c trace.jsonl >whole.jsonl.gz
replay whole.jsonl.gz "$@"
[ "$status" = 0 ] || fail "gzip: exit status $status"
cmp -s first reports || fail 'the reports of the compressed trace differ'

head -c 150 whole.jsonl.gz >cut.jsonl.gz
replay cut.jsonl.gz "$@"
expect_failure 'cut off' 'cut.jsonl.gz: gzip cannot unpack it: .*(IO)'
cp trace.jsonl none.jsonl.gz
replay none.jsonl.gz
expect_failure 'no gzip' 'none.jsonl.gz: gzip cannot unpack it: .*(IO)'
mkdir nothing
replay whole.jsonl.gz env PATH="$scratch/nothing"
expect_failure 'gzip is missing' 'cannot run gzip, which unpacks it: No such file'
: >empty.jsonl
replay empty.jsonl "$@"
expect_failure 'empty' 'empty.jsonl: the trace is empty (INVALID_ARGUMENT)'
: | gzip >empty.jsonl.gz
replay empty.jsonl.gz
expect_failure 'empty and compressed' 'empty.jsonl.gz: the trace is empty (INVALID_ARGUMENT)'
replay missing.jsonl
expect_failure 'missing' 'missing.jsonl: No such file or directory (IO)'
replay nothing
expect_failure 'a directory' 'nothing: Is a directory (IO)'

# refuse WORDS SED...: the trace with its fourth line edited is refused there.
refuse() {
    sed -e "4 { $1" -e '}' trace.jsonl >bad.jsonl
    words=$2
    shift 2
    rm -rf log
    replay bad.jsonl "$@"
    expect_failure "$words" "bad.jsonl:4: $words"
}
refuse 's/}$//' 'not JSON: expected a comma or a brace at column'
refuse 's/$/x/' 'not JSON: more after the value'
refuse 's/.*//' 'not JSON: expected a value'
refuse "s/\"c\"/\"$(printf '\377')\"/" 'not JSON: not UTF-8'
refuse 's/.*/[]/' 'not a transaction: the line is an array'
refuse 's/"txn"/"name"/' 'not a transaction: missing field `txn`'
refuse 's/"txn":"c"/"txn":"c","txn":"d"/' 'not a transaction: duplicate field `txn`'
refuse 's/"c"/7/' 'not a transaction: txn is a number, not a string'
refuse 's/"c"/"base"/' 'transaction "base" stands here a second time'
refuse 's/-8000-//' 'not a UUID'
refuse 's/2024/24/' 'not an RFC 3339 time'
refuse 's/"parents":\[/"parents":["z"/' 'parent "z" does not stand before its child' "$@"
refuse 's/"parents":\[/"parents":[1/' 'not a transaction: a parent is a number'
refuse 's/insert/upsert/' 'unknown operation "upsert"'
refuse 's/"row_id":1/"row_id":1.5/' 'row_id is neither text nor a 64-bit integer: 1.5'
refuse 's/"row_id":1/"row_id":9223372036854775808/' 'row_id is neither text nor a 64-bit integer: 9223372036854775808'
refuse 's/"row_id":1/"row":1/' 'not a transaction: missing field `row_id`'
refuse 's/,"after":{"v":4}//' 'an insert needs an image after it'
refuse 's/{"v":4}/4/' 'after is not an object: a number'
refuse 's/"table":"t"/"table":""/' 'table name is empty (INVALID_ARGUMENT)'
refuse 's/"changes":\[/"changes":[1,/' 'not a transaction: a change is a number'

# What came before the bad line is in the log, which opens and takes the rest.
replay trace.jsonl "$@"
[ "$status" = 0 ] || fail "after bad lines: exit status $status"
cmp -s first reports || fail 'the reports after bad lines differ'

run "$program" trace.jsonl --log log --reports nothing --summary summary
expect_failure 'reports is a directory' 'nothing: Is a directory (IO)'
run "$program" trace.jsonl --log trace.jsonl --reports reports --summary summary
expect_failure 'log is a file' 'trace.jsonl: .*(INVALID_ARGUMENT)'
for arguments in '' 'trace.jsonl' 'trace.jsonl other --log log --reports r --summary s' 'trace.jsonl --log' \
    'trace.jsonl --log a --log b --reports r --summary s' 'trace.jsonl --logs log --reports r --summary s'; do
    # shellcheck disable=SC2086 # to be split into words
    run "$program" $arguments
    [ "$status" = 2 ] && grep -q '^usage: replay TRACE' err || fail "usage is not shown: $arguments"
done
run "$program" --help
[ "$status" = 0 ] && grep -q '^usage: replay TRACE' out || fail 'no help'
echo 'ok'
