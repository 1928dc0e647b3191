"""The vectors of tests/conformance, which every language runs. Their README says what a case means."""

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID

import causelog
import pytest
from causelog import (
    Change,
    ChangeEntry,
    ChangeLog,
    ConflictClass,
    ConflictDetector,
    ConflictResolution,
    ConflictType,
    Dot,
    Row,
    Snapshot,
    Transaction,
    VectorClock,
    Winner,
)

VECTORS = Path(__file__).parents[3] / "tests" / "conformance"
Case = dict[str, Any]


def cases(file: str, part: str) -> pytest.MarkDecorator:
    """Runs a test on every case of one list of one file."""
    found = json.loads((VECTORS / f"{file}.json").read_text(encoding="utf-8"))[part]
    assert found, f"{file}.json has no {part}"
    names = [case.get("name", str(number)) if isinstance(case, dict) else None for number, case in enumerate(found)]
    return pytest.mark.parametrize("case", found, ids=names)


def clock(text: str) -> VectorClock:
    return VectorClock.from_json(text)


def failing(case: Case) -> Any:
    return pytest.raises(causelog.errors.BY_CODE[case["error"]])


def row_id(value: Any) -> causelog.RowId:
    match value:
        case list():
            return tuple(row_id(part) for part in value)  # type: ignore[misc]
        case {"integer": digits}:
            return int(digits)
        case {"bytes": text}:
            return bytes.fromhex(text)
        case {"uuid": text}:
            return UUID(text)
    assert isinstance(value, int | str)
    return value


def payload(value: Any) -> bytes | None:
    if isinstance(value, dict):
        return bytes.fromhex(value["hex"])
    return None if value is None else value.encode()


def dot(text: str | None) -> Dot | None:
    return None if text is None else Dot.parse(text)


def entry(case: Case) -> ChangeEntry:
    return ChangeEntry(
        node=UUID(case["node"]),
        sequence=int(case["sequence"]),
        vector_clock=clock(case["clock"]),
        timestamp=int(case["timestamp"]),
        table=case["table"],
        row_id=row_id(case["row_id"]),
        operation=case["operation"],
        before=payload(case.get("before")),
        after=payload(case.get("after")),
        transaction=dot(case.get("transaction")),
        metadata=case.get("metadata"),
    )


@cases("vector_clock", "compare")
def test_compare(case: Case) -> None:
    a, b = clock(case["a"]), clock(case["b"])
    assert a.compare(b) == case["relation"]
    assert a.happens_before(b) == case["happens_before"]
    assert a.conflicts_with(b) == case["conflicts_with"]


@cases("vector_clock", "covers")
def test_covers(case: Case) -> None:
    assert clock(case["clock"]).covers((UUID(case["node"]), int(case["sequence"]))) == case["covers"]


@cases("vector_clock", "get")
def test_get(case: Case) -> None:
    assert clock(case["clock"]).get(UUID(case["node"])) == int(case["sequence"])


@cases("vector_clock", "merge")
def test_merge(case: Case) -> None:
    a, b = clock(case["a"]), clock(case["b"])
    a.merge(b)
    assert a.to_json() == case["result"]
    assert b == clock(case["b"])


@cases("vector_clock", "increment")
def test_increment(case: Case) -> None:
    counted = clock(case["clock"])
    if "error" in case:
        with failing(case):
            counted.increment(UUID(case["node"]))
    else:
        assert counted.increment(UUID(case["node"])) == int(case["sequence"])
    assert counted.to_json() == case["result"]


@cases("vector_clock", "advance")
def test_advance(case: Case) -> None:
    advanced = clock(case["clock"])
    advanced.advance(UUID(case["node"]), int(case["sequence"]))
    assert advanced.to_json() == case["result"]


@cases("vector_clock", "bytes")
def test_bytes(case: Case) -> None:
    assert clock(case["clock"]).to_bytes().hex() == case["hex"]
    assert VectorClock.from_bytes(bytes.fromhex(case["hex"])) == clock(case["clock"])


@cases("vector_clock", "malformed_bytes")
def test_malformed_bytes(case: Case) -> None:
    with failing(case):
        VectorClock.from_bytes(bytes.fromhex(case["hex"]))


@cases("vector_clock", "json")
def test_json(case: Case) -> None:
    assert clock(case["json"]).to_json() == case["canonical"]


@cases("vector_clock", "malformed_json")
def test_malformed_json(case: Case) -> None:
    with failing(case):
        VectorClock.from_json(case["json"])


@cases("vector_clock", "display")
def test_display(case: Case) -> None:
    assert str(clock(case["clock"])) == case["text"]


@cases("vector_clock", "iteration")
def test_iteration(case: Case) -> None:
    iterated = clock(case["clock"])
    assert iterated.items() == [(UUID(each["node"]), int(each["sequence"])) for each in case["entries"]]
    assert len(iterated) == len(case["entries"])


@cases("row_id", "encodings")
def test_row_id(case: Case) -> None:
    value = row_id(case["row_id"])
    assert causelog.encode_row_id(value).hex() == case["hex"]
    back = causelog.decode_row_id(bytes.fromhex(case["hex"]))
    assert back == value and type(back) is type(value)
    assert repr(causelog.Change.delete("t", value)) == f'<Change delete "t" {case["display"]}>'


def test_row_ids_ascend() -> None:
    ascending = json.loads((VECTORS / "row_id.json").read_text(encoding="utf-8"))["ascending"]
    encoded = [causelog.encode_row_id(row_id(value)) for value in ascending]
    assert len(encoded) > 1
    assert all(one < other for one, other in pairwise(encoded))


@cases("row_id", "malformed")
def test_malformed_row_id(case: Case) -> None:
    with failing(case):
        causelog.decode_row_id(bytes.fromhex(case["hex"]))


@cases("hybrid_clock", "sequences")
def test_hybrid_clock(case: Case) -> None:
    hybrid = causelog.HybridLogicalClock()
    for step in case["steps"]:
        argument = int(step["argument"])
        if step["op"] == "observe":
            hybrid.observe(argument)
        elif "error" in step:
            with failing(step):
                hybrid.tick(argument)
        else:
            assert hybrid.tick(argument) == int(step["result"])
        assert hybrid.last == int(step["last"])


@cases("timestamp", "parse")
def test_parse(case: Case) -> None:
    assert causelog.parse_timestamp(case["text"]) == int(case["nanoseconds"])
    assert causelog.format_timestamp(int(case["nanoseconds"])) == case["canonical"]


@cases("timestamp", "format")
def test_format(case: Case) -> None:
    assert causelog.format_timestamp(int(case["nanoseconds"])) == case["text"]
    assert causelog.parse_timestamp(case["text"]) == int(case["nanoseconds"])


@cases("timestamp", "malformed")
def test_malformed_timestamp(case: Case) -> None:
    with failing(case):
        causelog.parse_timestamp(case["text"])


def test_error_codes() -> None:
    codes = json.loads((VECTORS / "error_codes.json").read_text(encoding="utf-8"))["codes"]
    assert [(case["name"], (case["number"], case["retryable"])) for case in codes] == list(causelog.ERROR_CODES.items())


@cases("conflict", "shapes")
def test_shapes(case: Case) -> None:
    shape = ConflictType.of(case["local"], case["remote"])
    assert (shape, shape.mirror(), shape.conflict_class) == (
        case["conflict_type"],
        case["mirror"],
        case["conflict_class"],
    )


@cases("conflict", "classes")
def test_classes(case: Case) -> None:
    assert ConflictClass.of(case["operations"]) == case["conflict_class"]


def check(report: causelog.ConflictReport, expected: Case) -> None:
    """What both kinds of report answer."""
    assert report.conflict_class == expected["conflict_class"]
    assert report.is_pending == (report.winner is Winner.PENDING)
    assert str(report.winner) == expected["winner"]
    assert report.reason_code == expected["reason_code"]
    assert report.value == payload(expected["value"])
    assert str(report.id) == expected["id"]
    assert report.to_json() == expected["json"]
    assert str(report) == expected["text"]


@cases("conflict", "detect")
def test_detect(case: Case) -> None:
    detector = ConflictDetector(case["strategy"])
    local, remote = entry(case["local"]), entry(case["remote"])
    if "error" in case:
        with failing(case):
            detector.detect(local, remote)
        return
    conflict, expected = detector.detect(local, remote), case["conflict"]
    if expected is None:
        assert conflict is None
        return
    assert conflict is not None
    assert str(conflict.id) == expected["id"]
    report = detector.report(conflict)
    assert conflict.conflict_type == report.conflict_type == expected["conflict_type"]
    assert report.winning_side == expected["winning_side"]
    check(report, expected)


@cases("conflict", "resolve")
def test_resolve(case: Case) -> None:
    detector = ConflictDetector(case["strategy"])
    entries, settled_by = [entry(each) for each in case["entries"]], dot(case.get("settled_by"))
    if "error" in case:
        with failing(case):
            detector.resolve(entries, settled_by)
        return
    report = detector.resolve(entries, settled_by)
    assert [str(head.dot) for head in report.heads] == case["report"]["order"]
    assert (report.conflict_type, report.winning_side) == (None, None)
    assert report.settled_by == settled_by
    check(report, case["report"])


def check_conflict(report: causelog.ConflictReport, expected: Case) -> None:
    """What a conflict of a row answers."""
    assert report.conflict_class == expected["conflict_class"]
    assert str(report.winner) == expected["winner"]
    assert report.reason_code == expected["reason_code"]
    assert (report.ancestor, report.value) == (payload(expected["ancestor"]), payload(expected["value"]))
    assert report.settled_by == dot(expected.get("settled_by"))


@cases("resolution", "rows")
def test_resolve_row(case: Case) -> None:
    entries = [entry(each) for each in case["entries"]]
    if "error" in case:
        with failing(case):
            ConflictDetector(case["strategy"]).resolve_row(entries)
        return
    detector = ConflictDetector(case["strategy"])
    row, expected = detector.resolve_row(entries), case["row"]
    assert (row.is_live, row.value) == (expected["is_live"], payload(expected["value"]))
    assert [str(head) for head in row.heads] == expected["heads"]
    assert (row.standing is None) == (expected["standing"] is None)
    reports = [row.standing] if row.standing else []
    for report, wanted in zip(
        [*reports, *row.settled], filter(None, [expected["standing"], *expected["settled"]]), strict=True
    ):
        check_conflict(report, wanted)
    assert [report.to_json() for report in [*reports, *row.settled]] == case["reports"]
    # A strategy goes in as a mapping as well, and the order of the entries makes no difference.
    mapped = ConflictDetector(ConflictResolution.parse(case["strategy"]))
    for again in mapped.resolve_row(reversed(entries)), mapped.resolve_row([*entries, *entries]):
        assert [again.is_live, again.value, again.heads] == [row.is_live, row.value, row.heads]
        found = [again.standing] if again.standing else []
        assert [report.to_json() for report in [*found, *again.settled]] == case["reports"]


def transaction(value: Case) -> Transaction:
    return Transaction(
        node=UUID(value["node"]),
        sequence=int(value["sequence"]),
        dependencies=[Dot.parse(text) for text in value["dependencies"]],
        timestamp=int(value["timestamp"]),
        changes=[
            Change(
                change["table"],
                row_id(change["row_id"]),
                change["operation"],
                before=payload(change.get("before")),
                after=payload(change.get("after")),
                metadata=change.get("metadata"),
            )
            for change in value["changes"]
        ],
    )


def logs(file: str) -> dict[str, list[Transaction]]:
    """The logs that a file describes."""
    found = json.loads((VECTORS / f"{file}.json").read_text(encoding="utf-8"))["logs"]
    return {log["name"]: [transaction(each) for each in log["transactions"]] for log in found}


LOGS = logs("queries")


def test_both_files_have_the_same_logs() -> None:
    assert logs("time_travel") == LOGS


def opened(case: Case, count: int | None = None) -> ChangeLog:
    """The log of a case with its first so many transactions."""
    time = causelog.ManualTime(2**63 - 1)
    log = ChangeLog.in_memory(node=UUID("dddddddd-0000-4000-8000-000000000004"), time=time)
    for each in LOGS[case["log"]][:count]:
        log.append_remote(each)
    if case.get("closed"):
        log.close()
    return log


def options(case: Case) -> dict[str, Any]:
    """What a case asks for, as keyword arguments."""
    read: dict[str, Callable[[Any], Any]] = {
        "row_id": row_id,
        "node": UUID,
        "transaction": Dot.parse,
        "unseen_by": clock,
        "since": int,
        "until": int,
        "since_time": int,
        "until_time": int,
    }
    names = {"tables": "table"}
    return {names.get(key, key): read.get(key, lambda value: value)(value) for key, value in case["options"].items()}


@cases("queries", "queries")
def test_query(case: Case) -> None:
    assert [found.lsn for found in opened(case).query(**options(case))] == case["lsns"]


@cases("queries", "refused")
def test_refused_query(case: Case) -> None:
    log = opened(case)
    with failing(case):
        log.query(**options(case))


def moment(case: Case) -> dict[str, int]:
    """The keyword argument that names the moment of a case, if any does."""
    at = case.get("at", "now")
    if at == "now":
        return {}
    return {"at": int(at["lsn"])} if "lsn" in at else {"time": int(at["time"])}


def check_row(row: Row | None, wanted: Case | None) -> None:
    assert (row is None) == (wanted is None)
    if row is None or wanted is None:
        return
    assert (row.row_id, type(row.row_id)) == (row_id(wanted["row_id"]), type(row_id(wanted["row_id"])))
    assert (row.value, row.lsn) == (payload(wanted["value"]), wanted["lsn"])
    assert (row.timestamp_ns, row.dot) == (int(wanted["timestamp"]), Dot.parse(wanted["dot"]))


def check_rows(snapshot: Snapshot, wanted: Case) -> None:
    assert snapshot.lsn == wanted["lsn"]
    assert list(snapshot) == [row_id(row["row_id"]) for row in wanted["rows"]]
    assert len(snapshot) == len(wanted["rows"])
    for found, row in zip(snapshot.values(), wanted["rows"], strict=True):
        check_row(found, row)


@cases("time_travel", "states")
def test_state_at(case: Case) -> None:
    check_row(opened(case).state_at(case["table"], row_id(case["row_id"]), **moment(case)), case["row"])


@cases("time_travel", "snapshots")
def test_snapshot(case: Case) -> None:
    snapshot = opened(case).snapshot(case["table"], **moment(case))
    assert snapshot.table == case["table"]
    check_rows(snapshot, case)


@cases("time_travel", "histories")
def test_history(case: Case) -> None:
    history = opened(case).history(case["table"], row_id(case["row_id"]))
    assert [found.lsn for found in history] == case["lsns"]


@cases("time_travel", "views")
def test_view(case: Case) -> None:
    count = case["transactions"]
    log = opened(case, count)
    view = log.materialise(case["table"])
    assert view.table == case["table"]
    check_rows(view.snapshot(), case)
    for refresh in case["refreshes"]:
        for each in LOGS[case["log"]][count : count + refresh["append"]]:
            log.append_remote(each)
        count += refresh["append"]
        assert view.refresh() == refresh["taken"]
        check_rows(view.snapshot(), refresh)
        assert (view.lsn, list(view), len(view)) == (refresh["lsn"], list(view.snapshot()), len(refresh["rows"]))


@cases("time_travel", "refused")
def test_refused_time_travel(case: Case) -> None:
    log = opened(case | {"closed": False})
    view = log.materialise("t")
    if case.get("closed"):
        log.close()
    table, row = case["table"], row_id(case.get("row_id", 1))
    calls = {
        "history": lambda: log.history(table, row),
        "state_at": lambda: log.state_at(table, row, **moment(case)),
        "snapshot": lambda: log.snapshot(table, **moment(case)),
        "materialise": lambda: log.materialise(table),
        "refresh": view.refresh,
    }
    with failing(case):
        calls[case["call"]]()
