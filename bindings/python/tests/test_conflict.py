"""Conflicts: detected between concurrent entries only, resolved the same from both sides, and reported."""

import itertools
import json
from collections.abc import Callable
from typing import Any

import causelog
import pytest
from causelog import (
    Change,
    ChangeEntry,
    ChangeLog,
    ChangeOperation,
    ConflictClass,
    ConflictDetector,
    ConflictResolution,
    ConflictType,
    Dot,
    ReasonCode,
    Side,
    VectorClock,
    Winner,
)
from conftest import STRATEGIES, A, B, C, exchange

OPERATIONS = list(ChangeOperation)


def entry(node: Any, timestamp: int = 0, after: Any = b"x", **fields: Any) -> ChangeEntry:
    usual: dict[str, Any] = {
        "node": node,
        "sequence": 1,
        "vector_clock": VectorClock({node: 1}),
        "timestamp": timestamp,
        "table": "orders",
        "row_id": 42,
        "operation": "update",
        "after": after,
    }
    return ChangeEntry(**usual | fields)


def test_shapes_mirror_and_agree_on_their_class() -> None:
    shapes = [ConflictType.of(local, remote) for local, remote in itertools.product(OPERATIONS, OPERATIONS)]
    assert sorted(shapes) == sorted(ConflictType)
    for shape in ConflictType:
        local, remote = shape.operations
        assert shape == f"{local}_{remote}"
        assert shape.mirror() is ConflictType.of(remote, local)
        assert shape.mirror().mirror() is shape
        assert shape.conflict_class is shape.mirror().conflict_class is ConflictClass.of([local, remote])
    assert {shape.conflict_class for shape in ConflictType} == set(ConflictClass)
    assert ConflictClass.of([]) is None


def test_what_is_no_operation() -> None:
    with pytest.raises(causelog.InvalidArgumentError):
        ConflictType.of("insert", "upsert")
    with pytest.raises(TypeError):
        ConflictClass.of([1])  # type: ignore[list-item]


def test_concurrent_entries_that_disagree(time: causelog.ManualTime) -> None:
    detector = ConflictDetector(time=time)
    local, remote = entry(A, 10, b"1"), entry(B, 20, None, operation="delete")
    conflict = detector.detect(local, remote)
    assert conflict is not None
    assert conflict.conflict_type is ConflictType.UPDATE_DELETE
    assert (conflict.table, conflict.row_id) == ("orders", 42)
    assert (conflict.local_entry, conflict.remote_entry) == (local, remote)
    assert conflict.detected_at_ns == 1_000 and conflict.detected_at.microsecond == 1
    assert repr(conflict) == f'<Conflict {conflict.id}: update_delete on "orders" 42>'
    mirrored = detector.detect(remote, local)
    assert mirrored is not None and mirrored != conflict
    assert mirrored.id == conflict.id and mirrored.conflict_type is ConflictType.DELETE_UPDATE


@pytest.mark.parametrize(
    ("local", "remote"),
    [
        (entry(A), entry(A)),
        (entry(A, after=b"1"), entry(B, after=b"2", vector_clock=VectorClock({A: 1, B: 1}))),
        (entry(A, after=b"same"), entry(B, 5, after=b"same")),
        (entry(A, after=None, operation="delete"), entry(B, after=None, operation="delete")),
    ],
    ids=["the same entry", "one had seen the other", "identical images", "two deletes"],
)
def test_no_conflict(local: ChangeEntry, remote: ChangeEntry) -> None:
    for resolution in STRATEGIES:
        assert ConflictDetector(resolution).detect(local, remote) is None
        assert ConflictDetector(resolution).detect(remote, local) is None


def test_entries_that_cannot_be_compared() -> None:
    detector = ConflictDetector()
    for other in entry(B, table="other"), entry(B, row_id="42"):
        with pytest.raises(causelog.InvalidArgumentError, match="entries of two rows"):
            detector.detect(entry(A), other)
    with pytest.raises(causelog.DotReuseError):
        detector.detect(entry(A, after=b"1"), entry(A, after=b"2"))
    with pytest.raises(TypeError):
        detector.detect(entry(A), None)  # type: ignore[arg-type]


def test_the_report_of_two_sides(time: causelog.ManualTime) -> None:
    detector = ConflictDetector("last_write_wins", time=time)
    local, remote = entry(A, 20, {"qty": 1}), entry(B, 10, {"qty": 2})
    conflict = detector.detect(local, remote)
    assert conflict is not None
    time.advance(500)
    report = detector.report(conflict)
    assert (report.id, report.table, report.row_id) == (conflict.id, "orders", 42)
    assert report.conflict_class is report.type is ConflictClass.UPDATE_UPDATE
    assert report.conflict_type is ConflictType.UPDATE_UPDATE
    assert report.heads == (remote, local)
    assert report.strategy is ConflictResolution.LAST_WRITE_WINS
    assert (report.winner, report.is_pending) == (Dot(A, 1), False)
    assert report.winning_side is Side.LOCAL and report.winning_entry == local
    assert report.reason_code is ReasonCode.LATER_TIMESTAMP
    assert "it is later than" in report.reason
    assert report.settled_by is None
    assert report.detected_at == conflict.detected_at and report.detected_at_ns == 1_000
    assert (report.value, report.value_json(), report.leaves_live) == (b'{"qty":1}', {"qty": 1}, True)
    assert (report.ancestor, report.ancestor_json(), report.rule, report.registry) == (None, None, None, None)
    assert repr(report) == f'<ConflictReport {report.id}: update_update on "orders" 42>'


def test_both_sides_write_the_same_report() -> None:
    detector = ConflictDetector()
    local, remote = entry(A, 1, b"1"), entry(B, 2, b"2")
    here, there = detector.detect(local, remote), detector.detect(remote, local)
    assert here is not None and there is not None
    mine, yours = detector.report(here), detector.report(there)
    assert mine.to_json() == yours.to_json() and str(mine) == str(yours)
    assert (mine.winning_side, yours.winning_side) == (Side.REMOTE, Side.LOCAL)
    assert mine.winner == yours.winner


def test_the_json_of_a_report() -> None:
    report = ConflictDetector().resolve([entry(A, 1, {"qty": 1}), entry(B, 2, b"\xff")], settled_by=Dot(C, 9))
    read = json.loads(report.to_json())
    assert "\n" not in report.to_json()
    assert (read["state"], read["settled_by"], read["row_id"]) == ("settled", f"{C}:9", 42)
    assert (read["winner"], read["value_hex"]) == (f"{B}:1", "ff")
    assert [head.get("after") for head in read["heads"]] == [{"qty": 1}, None]
    assert report.settled_by == Dot(C, 9)
    assert f"settled by {C}:9" in str(report)


@pytest.mark.parametrize(
    ("entries", "winner", "reason"),
    [
        ([entry(A, 1, b"1"), entry(B, 2, b"2")], Dot(B, 1), ReasonCode.LATER_TIMESTAMP),
        ([entry(A, 2, b"1"), entry(B, 1, b"2"), entry(C, 1, b"3")], Dot(A, 1), ReasonCode.LATER_TIMESTAMP),
        ([entry(A, 1, b"1"), entry(B, 1, b"2")], Dot(B, 1), ReasonCode.HIGHER_NODE),
        (
            [entry(A, 9, b"1"), entry(B, 1, b"2", vector_clock=VectorClock({A: 1, B: 1}))],
            Dot(B, 1),
            ReasonCode.CAUSALLY_LATER,
        ),
    ],
)
def test_last_write_wins(entries: list[ChangeEntry], winner: Dot, reason: ReasonCode) -> None:
    for order in itertools.permutations(entries):
        report = ConflictDetector().resolve(iter(order))
        assert (report.winner, report.reason_code) == (winner, reason)
        assert (report.conflict_type, report.winning_side) == (None, None)


def test_the_payload_hash_is_the_last_resort() -> None:
    # One node, one moment, two dots: what only a forged history could hold.
    one, two = entry(A, 1, b"1"), entry(A, 1, b"2", sequence=2, vector_clock=VectorClock({A: 2}))
    forged = entry(A, 1, b"2", sequence=2, vector_clock=VectorClock({C: 1}))
    report = ConflictDetector().resolve([one, forged])
    assert report.reason_code is ReasonCode.HIGHER_PAYLOAD_HASH
    assert report.winning_entry == max(one, forged, key=lambda entry: entry.payload_hash())
    assert ConflictDetector().resolve([one, two]).reason_code is ReasonCode.CAUSALLY_LATER


def test_the_causal_strategy_leaves_concurrent_entries_to_somebody() -> None:
    detector = ConflictDetector(ConflictResolution.VECTOR_CLOCK_CAUSAL)
    assert detector.resolution is ConflictResolution.VECTOR_CLOCK_CAUSAL
    report = detector.resolve([entry(A, 1, b"1"), entry(B, 2, b"2")])
    assert (report.winner, report.is_pending, report.winning_entry) == (Winner.PENDING, True, None)
    assert report.reason_code is ReasonCode.CONCURRENT
    assert report.value == b"2"
    assert json.loads(report.to_json())["winner"] == "pending"


def test_a_row_that_ends_deleted_has_no_value() -> None:
    report = ConflictDetector().resolve([entry(A, 1, b"1"), entry(B, 2, None, operation="delete")])
    assert report.value is None and report.value_json() is None and not report.leaves_live
    assert report.conflict_class is ConflictClass.UPDATE_DELETE


def test_too_few_entries() -> None:
    for entries in [], [entry(A)], [entry(A), entry(A)]:
        with pytest.raises(causelog.InvalidArgumentError, match="two entries at least"):
            ConflictDetector().resolve(entries)
    with pytest.raises(TypeError):
        ConflictDetector().resolve([entry(A), "entry"])  # type: ignore[list-item]


def test_an_unknown_strategy() -> None:
    with pytest.raises(causelog.InvalidArgumentError, match='unknown conflict resolution "coin": it is one of'):
        ConflictDetector("coin")


def test_equality_of_conflicts_and_reports(time: causelog.ManualTime) -> None:
    detector = ConflictDetector(time=time)
    local, remote = entry(A, 1, b"1"), entry(B, 2, b"2")
    one, same = detector.detect(local, remote), detector.detect(local, remote)
    assert one is not None and one == same and hash(one) == hash(same)
    assert detector.report(one) == detector.report(one)
    assert hash(detector.report(one)) == hash(detector.report(one))
    assert detector.report(one) != detector.resolve([local, remote])


def test_a_conflict_between_two_logs(new_log: Callable[..., ChangeLog]) -> None:
    shop, office = new_log(node=A), new_log(node=B)
    shop.append(Change.insert("orders", 42, {"qty": 1}))
    exchange(shop, office)
    shop.append(Change.update("orders", 42, {"qty": 1}, {"qty": 2}))
    office.append(Change.delete("orders", 42, {"qty": 1}))
    exchange(shop, office)
    exchange(office, shop)
    reports = []
    for log in shop, office:
        first, local, remote = log.query(table="orders", row_id=42)
        assert first.happens_before(local) and first.happens_before(remote)
        detector = ConflictDetector()
        assert detector.detect(first, local) is None
        conflict = detector.detect(local, remote)
        assert conflict is not None
        reports.append(detector.report(conflict))
    assert reports[0].to_json() == reports[1].to_json()
    assert reports[0].conflict_type is ConflictType.UPDATE_DELETE
    assert reports[1].conflict_type is ConflictType.DELETE_UPDATE
