"""Whatever is wrong, a program says where and what, ends with status 1, and leaves a log that opens."""

import gzip
import json
import re

import pytest

# The line that is spoilt, from 1.
LINE = 21


def refused(program, done, place, code, any_line=False):
    """Checks that a run was refused as it must be, and returns the message without its frame.

    `any_line` is for what may be noticed at any line of the file `place`, or of the file as a whole.
    """
    assert done.status == 1, f"{program.language}: exit status {done.status}: {done.stderr}"
    line = r"(?::\d+)?" if any_line else ""
    frame = rf"replay: {re.escape(str(place))}{line}: (.+) \({code}\)\n"
    match = re.fullmatch(frame, done.stderr)
    assert match, f"{program.language}: {done.stderr!r} is not {frame!r}"
    assert "conflicts" not in done.stdout, f"{program.language} printed answers: {done.stdout}"
    return match[1]


def limited_to(blocks):
    """Words before a command line that let it write no file larger than so many blocks of the shell's
    (512 or 1024 bytes): what a full disk looks like to a program that ignores the signal."""
    return ["sh", "-c", f"trap '' XFSZ; ulimit -f {blocks}; exec \"$@\"", "sh"]


def still_opens(program, trace, directory):
    """Checks that the log that a failed run left behind takes the whole trace."""
    assert program.replay(trace.path, directory).summary == trace.expected, program.language


def spoilt(short, directory, line):
    """The short trace with another line in place of one."""
    path = directory / "spoilt.jsonl"
    path.write_bytes(b"".join([*short.lines[: LINE - 1], line, *short.lines[LINE:]]))
    return path


def edited(short, **fields):
    """The line to be spoilt with these fields changed; None takes a field away."""
    line = json.loads(short.lines[LINE - 1]) | fields
    return json.dumps({name: value for name, value in line.items() if value is not None}).encode() + b"\n"


def with_change(short, **fields):
    """The line to be spoilt with one change, of which these fields are changed; None takes a field away."""
    change = {"table": "t", "row_id": 1, "operation": "insert", "after": {}} | fields
    change = {name: value for name, value in change.items() if value is not None}
    return edited(short, changes=[change])


def name_of(line):
    return json.loads(line)["txn"]


def later_parent(short):
    name = name_of(short.lines[LINE])
    return edited(short, parents=[name]), name


def second_time(short):
    return short.lines[LINE - 2], name_of(short.lines[LINE - 2])


def taken_name(short):
    name = name_of(short.lines[0])
    return edited(short, txn=name), name


# What is wrong with the line; the line, made from the short trace; what the message must name, as a regular expression.
BAD_LINES = {
    "half a line of JSON": lambda short: (short.lines[LINE - 1][:40] + b"\n", ""),
    "no JSON at all": lambda short: (b"hello\n", ""),
    "two objects on one line": lambda short: (b"{} {}\n", ""),
    "an array": lambda short: (b"[]\n", ""),
    "malformed UTF-8": lambda short: (edited(short, txn="NAME").replace(b"NAME", b"\xff\xfe"), "UTF-8"),
    "an overlong form": lambda short: (edited(short, txn="NAME").replace(b"NAME", b"\xc0\xaf"), "UTF-8"),
    "no txn": lambda short: (edited(short, txn=None), "txn"),
    "no node": lambda short: (edited(short, node=None), "node"),
    "no parents": lambda short: (edited(short, parents=None), "parents"),
    "no timestamp": lambda short: (edited(short, timestamp=None), "timestamp"),
    "no changes": lambda short: (edited(short, changes=None), "changes"),
    "txn is a number": lambda short: (edited(short, txn=7), "txn|7"),
    "node is a number": lambda short: (edited(short, node=7), "node|7"),
    "node is no UUID": lambda short: (edited(short, node="node-7"), "node-7"),
    "parents is text": lambda short: (edited(short, parents="n1-1"), "parents|n1-1"),
    "a parent is a number": lambda short: (edited(short, parents=[7]), "parent|7"),
    "timestamp is a number": lambda short: (edited(short, timestamp=1704096000), "timestamp|1704096000"),
    "timestamp is no time": lambda short: (edited(short, timestamp="yesterday"), "yesterday"),
    "timestamp has no offset": lambda short: (edited(short, timestamp="2024-01-01T00:00:00"), "2024-01-01"),
    "timestamp is out of range": lambda short: (edited(short, timestamp="3024-01-01T00:00:00Z"), "3024"),
    "changes is an object": lambda short: (edited(short, changes={}), "changes|array|sequence"),
    "a change is a number": lambda short: (edited(short, changes=[7]), "change|7"),
    "no table": lambda short: (with_change(short, table=None), "table"),
    "table is a number": lambda short: (with_change(short, table=7), "table|7"),
    "table is empty": lambda short: (with_change(short, table=""), "table name is empty"),
    "no row_id": lambda short: (with_change(short, row_id=None), "row_id"),
    "row_id is a fraction": lambda short: (with_change(short, row_id=1.5), "1.5"),
    "row_id is true": lambda short: (with_change(short, row_id=True), "row_id"),
    "row_id is an object": lambda short: (with_change(short, row_id={"uuid": "x"}), "row_id"),
    "row_id is too large": lambda short: (with_change(short, row_id=2**63), "row_id|integer|number"),
    "no operation": lambda short: (with_change(short, operation=None), "operation"),
    "operation is a number": lambda short: (with_change(short, operation=1), "operation|1"),
    "unknown operation": lambda short: (with_change(short, operation="upsert"), "upsert"),
    "operation in capitals": lambda short: (with_change(short, operation="INSERT"), "INSERT"),
    "after is text": lambda short: (with_change(short, after="text"), "after"),
    "after is an array": lambda short: (with_change(short, after=[]), "after"),
    "an insert without after": lambda short: (with_change(short, after=None), "after"),
    "an update without after": lambda short: (with_change(short, operation="update", after=None), "after"),
    "a delete with after": lambda short: (with_change(short, operation="delete"), "delete"),
    "an unknown parent": lambda short: (edited(short, parents=["n9-99"]), "n9-99"),
    "its own parent": lambda short: (edited(short, txn="myself", parents=["myself"]), "myself"),
    "a parent from further down": later_parent,
    "a transaction for the second time": second_time,
    "the name of another transaction": taken_name,
    "its author's previous transaction is not in its past": lambda short: (
        edited(short, parents=[]),
        "do not cover its author's previous transaction",
    ),
}


@pytest.mark.parametrize("what", BAD_LINES)
def test_a_bad_line(program, what, short, tmp_path):
    line, named = BAD_LINES[what](short)
    trace = spoilt(short, tmp_path, line)
    message = refused(program, program.run(trace, tmp_path), f"{trace}:{LINE}", "INVALID_ARGUMENT")
    assert re.search(named, message), f"{program.language}: {message!r} does not name {named!r}"
    assert not (tmp_path / "summary.json").exists(), program.language
    still_opens(program, short, tmp_path)


def test_a_time_ahead_of_the_clock(program, short, tmp_path):
    trace = spoilt(short, tmp_path, edited(short, timestamp="2200-01-01T00:00:00Z"))
    refused(program, program.run(trace, tmp_path), f"{trace}:{LINE}", "CLOCK_SKEW")
    still_opens(program, short, tmp_path)


def test_another_transaction_under_a_dot_that_the_log_holds(program, short, tmp_path):
    program.replay(short.path, tmp_path)
    trace = spoilt(short, tmp_path, edited(short, timestamp="2024-02-02T00:00:00Z"))
    refused(program, program.run(trace, tmp_path), f"{trace}:{LINE}", "DOT_REUSE")
    still_opens(program, short, tmp_path)


@pytest.mark.parametrize("name", ["empty.jsonl", "empty.jsonl.gz"])
def test_an_empty_trace(program, name, short, tmp_path):
    trace = tmp_path / name
    trace.write_bytes(gzip.compress(b"") if name.endswith(".gz") else b"")
    message = refused(program, program.run(trace, tmp_path), trace, "INVALID_ARGUMENT")
    assert message == "the trace is empty", program.language
    still_opens(program, short, tmp_path)


@pytest.mark.parametrize("kept", [0.9, 0.5, 0.01])
def test_a_truncated_gzip(program, kept, short, tmp_path):
    trace = tmp_path / "truncated.jsonl.gz"
    packed = gzip.compress(b"".join(short.lines))
    trace.write_bytes(packed[: int(len(packed) * kept)])
    refused(program, program.run(trace, tmp_path), trace, "IO", any_line=True)
    still_opens(program, short, tmp_path)


def test_a_gzip_with_a_wrong_checksum(program, short, tmp_path):
    trace = tmp_path / "damaged.jsonl.gz"
    packed = bytearray(gzip.compress(b"".join(short.lines)))
    packed[-8] ^= 1
    trace.write_bytes(packed)
    refused(program, program.run(trace, tmp_path), trace, "IO", any_line=True)
    still_opens(program, short, tmp_path)


def test_a_name_in_gz_and_no_gzip(program, short, tmp_path):
    trace = tmp_path / "plain.jsonl.gz"
    trace.write_bytes(b"".join(short.lines))
    refused(program, program.run(trace, tmp_path), trace, "IO", any_line=True)
    still_opens(program, short, tmp_path)


def test_a_trace_that_is_not_there(program, short, tmp_path):
    trace = tmp_path / "missing.jsonl"
    refused(program, program.run(trace, tmp_path), trace, "IO")
    still_opens(program, short, tmp_path)


def test_a_trace_that_is_a_directory(program, short, tmp_path):
    refused(program, program.run(tmp_path, tmp_path), tmp_path, "IO", any_line=True)
    still_opens(program, short, tmp_path)


def test_a_log_directory_that_is_a_file(program, short, tmp_path):
    (tmp_path / "log").write_text("")
    refused(program, program.run(short.path, tmp_path), "log", "INVALID_ARGUMENT")


def test_reports_that_cannot_be_written(program, short, tmp_path):
    (tmp_path / "reports.jsonl").mkdir()
    refused(program, program.run(short.path, tmp_path), "reports.jsonl", "IO")
    (tmp_path / "reports.jsonl").rmdir()
    still_opens(program, short, tmp_path)


def test_a_summary_that_cannot_be_written(program, short, tmp_path):
    (tmp_path / "summary.json").mkdir()
    refused(program, program.run(short.path, tmp_path), "summary.json", "IO")
    (tmp_path / "summary.json").rmdir()
    still_opens(program, short, tmp_path)


def test_a_log_that_another_process_holds(program, other, middling, tmp_path):
    # What it has appended shows that it has opened the directory, which it holds until it is killed.
    with other.halfway(middling.lines, tmp_path, 5_000):
        refused(program, program.run(middling.path, tmp_path), "log", "LOCKED")
    still_opens(program, middling, tmp_path)


def test_a_full_disk(program, middling, tmp_path):
    # 48 or 96 KiB, as the shell counts: less than the log takes.
    done = program.run(middling.path, tmp_path, before=limited_to(96))
    refused(program, done, middling.path, "NO_SPACE", any_line=True)
    still_opens(program, middling, tmp_path)


def test_a_disk_that_is_full_when_the_reports_are_written(program, middling, tmp_path):
    # 150 or 300 KiB: more than the log takes, less than the reports do.
    done = program.run(middling.path, tmp_path, before=limited_to(300))
    refused(program, done, "reports.jsonl", "NO_SPACE")
    still_opens(program, middling, tmp_path)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["TRACE"],
        ["TRACE", "--log", "log", "--reports", "r"],
        ["TRACE", "--log", "log", "--reports", "r", "--summary"],
        ["TRACE", "--log", "log", "--reports", "r", "--summary", "s", "--frobnicate"],
        ["TRACE", "TRACE", "--log", "log", "--reports", "r", "--summary", "s"],
        ["--log", "log", "--reports", "r", "--summary", "s"],
    ],
    ids=" ".join,
)
def test_wrong_usage(program, arguments, short, tmp_path):
    arguments = [str(short.path) if word == "TRACE" else word for word in arguments]
    done = program.run_with(arguments, tmp_path)
    assert done.status == 2, f"{program.language}: exit status {done.status}: {done.stderr}"
    assert re.search("usage|--help", done.stderr.lower()), f"{program.language}: {done.stderr}"
    assert done.stdout == "", f"{program.language}: {done.stdout}"
    assert not (tmp_path / "log").exists(), program.language


def test_help(program, tmp_path):
    done = program.run_with(["--help"], tmp_path)
    assert done.status == 0 and done.stderr == "", f"{program.language}: {done}"
    for word in ["usage", "--log", "--reports", "--summary"]:
        assert word in done.stdout.lower(), f"{program.language}: {done.stdout}"
