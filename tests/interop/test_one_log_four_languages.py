"""A log directory that any language wrote is the same log to any other.

Every program makes the same calls (`write`) and prints all that a log holds (`dump`), as JSON Lines in which
numbers of 64 bits are strings of digits and bytes are hexadecimal. The interop program of Rust is documented
best: demo/rust/src/bin/interop.rs.
"""

import json

import pytest
from interop_programs import LANGUAGES, Program


def lines(output):
    return [json.loads(line) for line in output.splitlines()]


def without_identity(dump):
    """A dump but for the log's own identity, which is another one for every log."""
    first, *rest = dump
    assert first["log"].pop("id")
    return [first, *rest]


@pytest.fixture(scope="module")
def written_once(rust, tmp_path_factory):
    """What the calls return and what the log holds after them, as Rust has it."""
    log = tmp_path_factory.mktemp("rust") / "log"
    returned = lines(rust.run("write", log))
    return returned, without_identity(lines(rust.run("dump", log)))


def test_the_script_reaches_what_it_is_for(written_once):
    """What is not in the log cannot be compared."""
    returned, dump = written_once
    entries = [line["entry"] for line in dump if "entry" in line]
    kinds = {kind for entry in entries for kind in entry["row_id"]}
    assert kinds == {"integer", "text", "bytes", "uuid", "tuple"}
    assert {entry["operation"] for entry in entries} == {"insert", "update", "delete"}
    assert {entry["verdict"] for entry in entries} == {"applied", None}
    assert {len(entry["vector_clock"]) for entry in entries} == {1, 3}
    assert {"", None} < {entry["after"] for entry in entries}
    assert max(len(entry["after"] or "") for entry in entries) == 200_000
    assert any(entry["metadata"] for entry in entries)
    assert [line["duplicate"] for line in returned].count(True) == 1
    transactions = [line["transaction"] for line in dump if "transaction" in line]
    assert {len(transaction["dependencies"]) for transaction in transactions} == {0, 1, 2}
    assert min(len(transaction["changes"]) for transaction in transactions) == 0
    assert len(dump[-2]["frontier"]) == 3
    assert dump[-1]["stats"]["merges"] == "2"


def test_every_language_returns_and_writes_the_same(writer, rust, written_once, tmp_path):
    returned, expected = written_once
    assert lines(writer.run("write", tmp_path / "log")) == returned, f"what {writer} returned"
    dump = without_identity(lines(rust.run("dump", tmp_path / "log")))
    assert dump == expected, f"what {writer} wrote"


def test_every_language_reads_what_every_other_wrote(writer, reader, rust, tmp_path):
    log = tmp_path / "log"
    writer.run("write", log)
    expected = lines(writer.run("dump", log))
    assert lines(reader.run("dump", log)) == expected, f"{reader} reads what {writer} wrote"
    assert lines(rust.run("dump", log)) == expected, f"{reader} left something else than {writer} wrote"


def test_every_language_goes_on_where_every_other_stopped(writer, reader, rust, tmp_path):
    for first, second, log in [(writer, reader, tmp_path / "log"), (rust, rust, tmp_path / "expected")]:
        first.run("write", log)
        second.run("write", log)
    expected = without_identity(lines(rust.run("dump", tmp_path / "expected")))
    dump = without_identity(lines(rust.run("dump", tmp_path / "log")))
    assert dump == expected, f"{reader} went on after {writer}"


def test_all_languages_take_turns_on_one_log(rust, tmp_path):
    programs = [Program(language) for language in LANGUAGES]
    for program in programs:
        program.run("write", tmp_path / "log")
        rust.run("write", tmp_path / "expected")
    expected = without_identity(lines(rust.run("dump", tmp_path / "expected")))
    for program in programs:
        dump = without_identity(lines(program.run("dump", tmp_path / "log")))
        assert dump == expected, f"{program} reads what all four wrote"
