"""All four programs give the numbers that the traces' parents give, and the same bytes."""

import gzip
import json

import pytest
from replay_programs import LANGUAGES, Program


def fresh(language, trace, tmp_path_factory):
    """What a program finds in a trace, with a log of its own."""
    return Program(language).replay(trace.path, tmp_path_factory.mktemp(language))


@pytest.fixture(scope="module", params=LANGUAGES)
def on_generated(request, trace, tmp_path_factory):
    return request.param, fresh(request.param, trace, tmp_path_factory)


@pytest.fixture(scope="module")
def rust_on_generated(trace, tmp_path_factory):
    return fresh("Rust", trace, tmp_path_factory)


@pytest.fixture(scope="module", params=LANGUAGES)
def on_real(request, real, tmp_path_factory):
    return request.param, fresh(request.param, real, tmp_path_factory)


@pytest.fixture(scope="module")
def rust_on_real(real, tmp_path_factory):
    return fresh("Rust", real, tmp_path_factory)


@pytest.fixture(scope="module")
def fresh_outcome(short, tmp_path_factory):
    return fresh("Rust", short, tmp_path_factory)


def test_the_generated_trace_gives_the_numbers_of_its_parents(on_generated, trace):
    language, outcome = on_generated
    assert outcome.summary == trace.expected, language


def test_on_the_generated_trace_the_programs_write_the_same_bytes(on_generated, rust_on_generated):
    language, outcome = on_generated
    assert outcome.stdout == rust_on_generated.stdout, language
    assert outcome.reports == rust_on_generated.reports, language


def test_the_real_trace_gives_the_numbers_of_its_parents(on_real, real):
    language, outcome = on_real
    assert outcome.summary == real.expected, language


def test_on_the_real_trace_the_programs_write_the_same_bytes(on_real, rust_on_real):
    language, outcome = on_real
    assert outcome.stdout == rust_on_real.stdout, language
    assert outcome.reports == rust_on_real.reports, language


def test_the_reports_are_as_many_as_the_conflicts(on_generated):
    language, outcome = on_generated
    states = [json.loads(line)["state"] for line in outcome.reports.splitlines()]
    settled, standing = outcome.summary["conflicts_settled"], outcome.summary["conflicts_standing"]
    assert states == ["settled"] * settled + ["standing"] * standing, language


def test_the_printed_numbers_are_those_of_the_summary(on_generated):
    language, outcome = on_generated
    printed = {}
    for line in outcome.stdout[: outcome.stdout.index("  three reports in full:")]:
        label, number = line.strip().rsplit(" ", 1)
        printed[label.strip()] = int(number)
    summary = outcome.summary
    expected = {
        "transactions": summary["transactions"],
        "changes": summary["changes"],
        "pairs ordered": summary["pairs_ordered"],
        "pairs concurrent": summary["pairs_concurrent"],
        "rows": summary["rows"],
        "conflicts standing": summary["conflicts_standing"],
        "conflicts settled": summary["conflicts_settled"],
    }
    expected |= summary["concurrent_by_operations"]
    expected |= {
        f"with {heads} head{'' if heads == '1' else 's'}": rows
        for heads, rows in summary["rows_by_heads_at_the_end"].items()
    }
    for line in outcome.reports.splitlines():
        report = json.loads(line)
        label = f"{report['class']}, won by {report['reason_code']}"
        expected[label] = expected.get(label, 0) + 1
    assert printed == expected, language


def test_a_log_that_another_program_wrote_is_recognised(program, other, short, fresh_outcome, tmp_path):
    other.replay(short.path, tmp_path)
    assert program.replay(short.path, tmp_path) == fresh_outcome, f"{program.language} after {other.language}"


def test_a_trace_may_be_gzip_in_several_members(program, short, fresh_outcome, tmp_path):
    packed = tmp_path / "trace.jsonl.gz"
    packed.write_bytes(gzip.compress(b"".join(short.lines[:15])) + gzip.compress(b"".join(short.lines[15:])))
    outcome = program.replay(packed, tmp_path)
    assert outcome == fresh_outcome, program.language


def test_the_last_line_needs_no_end(program, short, fresh_outcome, tmp_path):
    trace = tmp_path / "trace.jsonl"
    trace.write_bytes(b"".join(short.lines).rstrip(b"\n"))
    assert program.replay(trace, tmp_path) == fresh_outcome, program.language


def two_inserts(directory, *images):
    """A trace in which each of two nodes inserts the same row, with one of these images."""
    lines = [
        f'{{"txn":"{name}","node":"00000000-0000-4000-8000-00000000000{digit}","parents":[],'
        f'"timestamp":"2024-01-01T00:00:0{digit}Z",'
        f'"changes":[{{"table":"t","row_id":1,"operation":"insert","after":{image}}}]}}\n'
        for name, digit, image in zip("ab", "12", images, strict=True)
    ]
    trace = directory / "trace.jsonl"
    trace.write_text("".join(lines), encoding="utf-8")
    return trace


def test_an_image_does_not_depend_on_how_the_trace_spells_it(program, tmp_path):
    """Two nodes write the same image, one with white space and escapes that JSON does not ask for."""
    plain = r'{"name":"Zoë \"🦀\" / \\ \n","n":[1,-2,0.5,true,null],"":{}}'
    spelled = r""" { "n\u0061me" : "Zo\u00eb \"\ud83e\udd80\" \/ \\ \u000a" ,
        "n" : [ 1 , -2 , 0.5 , true , null ] , "" : { } } """.replace("\n", "")
    summary = program.replay(two_inserts(tmp_path, plain, spelled), tmp_path).summary
    assert summary["concurrent_by_operations"] == {"insert-insert": 1}, program.language
    assert summary["rows_by_heads_at_the_end"] == {"2": 1}, program.language
    assert summary["conflicts_standing"] == 0, program.language


def test_keys_and_numbers_stay_as_the_trace_gives_them(program, tmp_path):
    images = [
        '{"2":1.50,"1":1e400,"b":12345678901234567890,"__proto__":-0}',
        '{"2":1.5,"1":1E400,"b":12345678901234567890.0,"constructor":0.0000001}',
    ]
    reports = program.replay(two_inserts(tmp_path, *images), tmp_path).reports.decode()
    for image in images:
        assert f'"after":{image},"metadata"' in reports, f"{program.language}: {reports}"
