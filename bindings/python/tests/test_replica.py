"""Replicas: rows written and read, conflicts resolved alike on every side, asked for and explained."""

import copy
import gc
import itertools
import pickle
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import causelog
import pytest
from causelog import (
    Appended,
    Change,
    ChangeLog,
    ChangeOperation,
    ConflictClass,
    ConflictDetector,
    ConflictResolution,
    Dot,
    Replica,
    ReplicaRow,
    ResolverDecision,
    ResolverRegistry,
    RowState,
    Verdict,
    Winner,
    Write,
)
from conftest import A, B, C

New = Callable[..., Replica]
API: Any = causelog
"""For calls that a type checker would refuse."""
MERGE: causelog.Strategy = {"kind": "field_merge", "fields": {"count": "counter", "tags": "set"}}


def value(replica: Replica, row_id: causelog.RowId = 1) -> Any:
    row = replica.get("t", row_id)
    return None if row is None else row.value_json()


def state(replica: Replica, row_id: causelog.RowId = 1) -> RowState:
    row = replica.get("t", row_id)
    assert row is not None
    return row.state


@pytest.fixture
def replica(new_replica: New) -> Replica:
    return new_replica(node=A)


@pytest.fixture
def apart(new_replica: New, time: causelog.ManualTime) -> Callable[..., tuple[Replica, Replica]]:
    """Makes two replicas of which each has changed a row without having heard of the other; b was later."""

    def make(strategy: causelog.Strategy | None = None, **options: Any) -> tuple[Replica, Replica]:
        a, b = (new_replica(strategy, node=node, **options) for node in (A, B))
        a.insert("t", 1, {"count": 10, "by": "nobody"})
        causelog.sync(a, b)
        time.advance(1_000)
        a.update("t", 1, {"count": 10, "by": "a"}) if strategy != MERGE else a.increment("t", 1, "count", 1)
        time.advance(1_000)
        b.update("t", 1, {"count": 10, "by": "b"}) if strategy != MERGE else b.increment("t", 1, "count", 5)
        causelog.sync(a, b)
        return a, b

    return make


# ----------------------------------------------------------------------- writing and reading


def test_the_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with causelog.Replica.open("shop-a") as a, causelog.Replica.open("shop-b") as b:
        a.insert("orders", 42, {"qty": 1, "status": "new"})
        causelog.sync(a, b)
        a.update("orders", 42, {"qty": 2, "status": "new"})
        b.update("orders", 42, {"qty": 1, "status": "paid"})
        causelog.sync(a, b)
        reports = b.conflicts()
        for report in reports:
            print(report.type, report.winner, report.reason)
        assert [(report.type, type(report.winner)) for report in reports] == [("update_update", Dot)]
        assert a.get("orders", 42) == b.get("orders", 42) is not None
        assert len(list(a.log.query(table="orders", since=0, limit=100))) == 3


def test_rows_are_written_and_read(replica: Replica) -> None:
    assert replica.node == A
    assert replica.get("t", 1) is None and replica.heads("t", 1) == () and replica.rows("t") == []
    done = replica.insert("t", 1, {"n": 1})
    assert isinstance(done, Appended) and (done.first_lsn, done.transaction) == (1, Dot(A, 1))
    replica.update("t", 1, {"n": 2})
    row = replica.get("t", 1)
    assert isinstance(row, ReplicaRow)
    assert (row.row_id, row.value, row.value_json()) == (1, b'{"n":2}', {"n": 2})
    assert (row.heads, row.state) == ((Dot(A, 2),), RowState.RESOLVED)
    assert replica.heads("t", 1) == row.heads
    assert repr(row) == "<ReplicaRow 1 with 1 heads, resolved>"
    assert row == replica.get("t", 1) and hash(row) == hash(replica.get("t", 1)) and row != 1
    replica.delete("t", 1)
    assert replica.get("t", 1) is None and replica.heads("t", 1) == (Dot(A, 3),)
    assert row != replica.get("t", 1)
    assert [entry.before_json() for entry in replica.log.query()] == [None, {"n": 1}, {"n": 2}]
    assert [entry.verdict for entry in replica.log.query()] == [Verdict.APPLIED] * 3


def test_what_does_not_fit_the_row_is_refused(replica: Replica) -> None:
    replica.insert("t", 1, b"x")
    with pytest.raises(causelog.AlreadyExistsError, match="is there already"):
        replica.insert("t", 1, b"y")
    calls: list[Callable[[], Any]] = [lambda: replica.update("t", 2, b"y"), lambda: replica.delete("t", 2)]
    for call in calls:
        with pytest.raises(causelog.NotFoundError, match="is not there"):
            call()
    with pytest.raises(causelog.InvalidArgumentError, match="carries the whole row"):
        replica.update("t", 1, None)  # type: ignore[arg-type]
    for table in "", "\ud800":
        with pytest.raises(causelog.InvalidArgumentError):
            replica.insert(table, 1, b"y")
    assert value_bytes(replica) == b"x"
    assert replica.stats().rows == 1


def value_bytes(replica: Replica, row_id: causelog.RowId = 1) -> bytes | None:
    row = replica.get("t", row_id)
    return None if row is None else row.value


@pytest.mark.parametrize("row_id", [1, "a", b"\x00", A, (1, "a", b"b", B)], ids=repr)
def test_row_ids_of_every_kind(replica: Replica, row_id: causelog.RowId) -> None:
    replica.insert("t", row_id, {})
    replica.insert("other", row_id, {})
    row = replica.get("t", row_id)
    assert row is not None and (row.row_id, type(row.row_id)) == (row_id, type(row_id))
    assert replica.rows("t") == [row]
    assert [entry.row_id for entry in replica.log.history("t", row_id)] == [row_id]


def test_rows_ascend(replica: Replica) -> None:
    for row_id in 3, 1, 2:
        replica.insert("t", row_id, {"n": row_id})
    replica.delete("t", 2)
    assert [(row.row_id, row.value_json()) for row in replica.rows("t")] == [(1, {"n": 1}), (3, {"n": 3})]


def test_writes_are_all_or_nothing(replica: Replica) -> None:
    done = replica.write(
        [
            Write.insert("t", 1, {"n": 1}, metadata={"actor": "alice"}),
            Write.update("t", 1, {"n": 2}),
            Write.insert("t", 2, b"x"),
            Write.delete("t", 2),
        ]
    )
    assert (done.first_lsn, done.last_lsn) == (1, 4)
    assert next(replica.log.query()).metadata == {"actor": "alice"}
    with pytest.raises(causelog.NotFoundError):
        replica.write(iter([Write.insert("t", 3, b"x"), Write.update("t", 4, b"x")]))
    assert replica.get("t", 3) is None and replica.log.stats().entries == 4


def test_a_conditional_write(replica: Replica) -> None:
    replica.write([Write.insert("t", 1, {"n": 1}, expected=[])])
    with pytest.raises(causelog.VersionMismatchError, match=r"has the heads .* not the expected"):
        replica.write([Write.update("t", 1, {"n": 2}, expected=[])])
    heads = replica.heads("t", 1)
    replica.write([Write.update("t", 1, {"n": 2}, expected=[(heads[0].node, heads[0].sequence)])])
    for write in (
        Write.update("t", 1, {"n": 3}, expected=heads),
        Write.delete("t", 1, expected=heads),
        Write("t", 1, "update", after={"n": 3}, expected=heads),
    ):
        with pytest.raises(causelog.VersionMismatchError):
            replica.write([write])
    replica.write([Write.delete("t", 1, expected=replica.heads("t", 1))])
    assert replica.get("t", 1) is None


def test_a_write_by_itself() -> None:
    write = Write.update("t", (1, "a"), {"n": 1}, expected=[(A, 1)], metadata={"why": "test"})
    assert (write.table, write.row_id, write.operation) == ("t", (1, "a"), ChangeOperation.UPDATE)
    assert (write.after, write.after_json()) == (b'{"n":1}', {"n": 1})
    assert (write.expected, write.metadata) == ((Dot(A, 1),), {"why": "test"})
    assert Write.delete("t", 1).after is None and Write.delete("t", 1).expected is None
    for same in (
        copy.copy(write),
        pickle.loads(pickle.dumps(write)),
        Write("t", (1, "a"), "update", after=b'{"n":1}', expected=iter([Dot(A, 1)]), metadata={"why": "test"}),
    ):
        assert same == write and hash(same) == hash(write)
    assert write != Write.update("t", (1, "a"), {"n": 1}) and write != 1
    assert repr(write) == '<Write update "t" (1, "a")>'


@pytest.mark.parametrize(
    "call",
    [
        lambda replica: replica.insert("t"),
        lambda replica: replica.insert(1, 1, b""),
        lambda replica: replica.insert("t", 1.5, b""),
        lambda replica: replica.insert("t", 1, object()),
        lambda replica: replica.write([Change.insert("t", 1, b"")]),
        lambda replica: replica.write(Write.insert("t", 1, b"")),
        lambda replica: replica.write(1),
        lambda replica: replica.append([Write.insert("t", 1, b"")]),
        lambda replica: replica.append(1),
        lambda replica: replica.apply(Change.insert("t", 1, b"")),
        lambda replica: replica.patch("t", 1, {}, remove=1),
        lambda replica: replica.patch("t", 1, {}, remove=[1]),
        lambda replica: replica.increment("t", 1, "n", "1"),
        lambda replica: replica.increment("t", 1, "n", 1.5),
        lambda replica: replica.increment("t", 1, "n", True),
        lambda replica: replica.increment("t", 1, 2, 1),
        lambda replica: replica.get("t", None),
        lambda replica: replica.heads(b"t", 1),
        lambda replica: replica.rows(["t"]),
        lambda replica: replica.set_registry("manual"),
        lambda replica: replica.what_if("manual"),
        lambda replica: replica.replay("report"),
        lambda replica: replica.query_conflicts(settled=1),
        lambda replica: replica.query_conflicts(conflict_class=1),
        lambda replica: replica.claim("t", 1, 1),
        lambda replica: replica.resolve("t", 1, "head", []),
        lambda replica: replica.resolve("t", 1, ResolverDecision.delete(), 1),
        lambda replica: replica.resolve("t", 1, ResolverDecision.delete(), [1]),
        lambda replica: replica.effective(0),
        lambda replica: replica.effective("0.0", "1"),
        lambda replica: replica.why("t"),
        lambda replica: replica.compact(table=1),
        lambda replica: replica.compact(known=[1]),
        lambda replica: API.sync(replica, replica.log),
        lambda replica: API.sync(replica),
        lambda replica: API.Replica(),
        lambda replica: API.Replica.open(1),
        lambda replica: API.Replica.in_memory(registry="manual"),
        lambda replica: API.Replica.in_memory(check_resolvers="no"),
        lambda replica: API.Replica.in_memory(history_memory="1"),
        lambda replica: API.Write.insert("t", 1, b"", expected=1),
        lambda replica: API.Write.insert("t", 1, b"", expected=[A]),
        lambda replica: API.Write.insert("t", 1, b"", metadata={"a": 1}),
        lambda replica: API.ResolverDecision.head(A),
        lambda replica: API.ResolverDecision.value(object()),
        lambda replica: API.ResolverDecision(),
    ],
)
def test_wrong_types(replica: Replica, call: Callable[[Any], Any]) -> None:
    with pytest.raises(TypeError):
        call(replica)
    assert replica.log.stats().entries == 0


def test_integers_out_of_range(replica: Replica) -> None:
    calls: list[Callable[[], Any]] = [
        lambda: replica.increment("t", 1, "n", 2**63),
        lambda: replica.effective("0.0", -1),
        lambda: replica.query_conflicts(since=-1),
        lambda: replica.query_conflicts(limit=2**64),
        lambda: Replica.in_memory(history_memory=-1),
        lambda: replica.get("t", 2**63),
    ]
    for call in calls:
        with pytest.raises(causelog.InvalidArgumentError):
            call()


def test_changes_that_are_only_told(replica: Replica) -> None:
    done = replica.append([Change.update("t", 1, {"n": 1}, {"n": 2}), Change.insert("t", 2, {"n": 3})])
    assert (done.first_lsn, done.last_lsn, value(replica)) == (1, 2, {"n": 2})
    merge = replica.append(iter([]))
    assert (merge.first_lsn, replica.log.stats().merges) == (None, 1)
    with pytest.raises(causelog.InvalidArgumentError, match="table name is empty"):
        replica.append([Change.insert("", 1, b"")])


def test_patching(replica: Replica) -> None:
    replica.insert("t", 1, {"qty": 1, "note": "x", "more": [1.5]})
    replica.patch("t", 1, {"status": None, "qty": 2}, remove="note")
    assert value(replica) == {"qty": 2, "more": [1.5], "status": None}
    replica.patch("t", 1, b'{"qty":3}', remove=["more", "status", "never"])
    assert value(replica) == {"qty": 3}
    for fields in [1], b"{", None:
        with pytest.raises(causelog.InvalidArgumentError, match="fields are no JSON object"):
            replica.patch("t", 1, fields)  # type: ignore[arg-type]
    with pytest.raises(causelog.NotFoundError):
        replica.patch("t", 2, {})
    replica.insert("t", 3, b"x")
    with pytest.raises(causelog.InvalidArgumentError, match="is no JSON object"):
        replica.patch("t", 3, {})


def test_incrementing(replica: Replica) -> None:
    replica.insert("t", 1, {"count": 10, "text": "x"})
    replica.increment("t", 1, "count", -3)
    replica.increment("t", 1, "other", 2**63 - 1)
    assert value(replica) == {"count": 7, "text": "x", "other": 2**63 - 1}
    with pytest.raises(causelog.TooLargeError):
        replica.increment("t", 1, "other", 1)
    with pytest.raises(causelog.InvalidArgumentError, match="is no 64-bit integer"):
        replica.increment("t", 1, "text", 1)
    with pytest.raises(causelog.NotFoundError):
        replica.increment("t", 2, "count", 1)


def test_what_both_added_is_added_up(apart: Callable[..., tuple[Replica, Replica]]) -> None:
    a, b = apart(MERGE)
    assert value(a) == value(b) == {"count": 16, "by": "nobody"}
    [report] = a.conflicts()
    assert (report.winner, report.is_pending, report.winning_entry) == (Winner.MERGED, False, None)
    assert report.reason_code is causelog.ReasonCode.FIELDS_MERGED
    assert [entry.verdict for entry in a.log.query(reverse=True, limit=1)] == [Verdict.MERGED]
    with pytest.raises(causelog.InvalidArgumentError, match="has counters"):
        a.update("t", 1, {"count": 0})
    with pytest.raises(causelog.InvalidArgumentError, match="merged by fields"):
        a.insert("t", 2, b"no object")
    a.write([Write.update("t", 1, {"count": 1}, expected=a.heads("t", 1))])
    assert value(a) == {"count": 1}


def test_transactions_of_others(new_replica: New) -> None:
    a, b = new_replica(node=A), new_replica(node=B)
    a.insert("t", 1, {"n": 1})
    a.update("t", 1, {"n": 2})
    first, second = a.log.transactions()
    with pytest.raises(causelog.MissingDependencyError):
        b.apply(second)
    assert not b.apply(first).duplicate
    assert not b.apply(second).duplicate
    again = b.apply(first)
    assert again.duplicate and again.transaction == first.dot
    assert a.get("t", 1) == b.get("t", 1)
    forged = causelog.Transaction(node=A, sequence=1, timestamp=0, changes=[Change.insert("t", 1, b"forged")])
    with pytest.raises(causelog.DotReuseError):
        b.apply(forged)


def test_the_log_of_a_replica_is_for_reading(replica: Replica) -> None:
    log = replica.log
    assert isinstance(log, ChangeLog) and log.node == A
    replica.insert("t", 1, {"n": 1})
    assert [entry.after_json() for entry in log.history("t", 1)] == [{"n": 1}]
    assert log.snapshot("t")[1].value_json() == {"n": 1}
    assert [entry.lsn for entry in log.consumer("mailer").poll()] == [1]
    calls: list[Callable[[], Any]] = [
        lambda: log.append(Change.insert("t", 2, b"")),
        lambda: log.append_transaction([]),
        lambda: log.append_remote(next(log.transactions())),
        lambda: log.compact(),
        lambda: log.retain(max_bytes=0),
    ]
    for call in calls:
        with pytest.raises(causelog.ReadOnlyError):
            call()
    assert log.stats().entries == 1


# ------------------------------------------------------------------------------- exchanging


def test_what_an_exchange_did(new_replica: New) -> None:
    a, b = new_replica(node=A), new_replica(node=B)
    a.insert("t", 1, b"a")
    a.insert("t", 2, b"a")
    b.insert("t", 3, b"b")
    report = causelog.sync(a, b)
    assert (report.received, report.sent, report.skipped, report.refused) == (1, 2, [], [])
    assert repr(report) == "<SyncReport received=1 sent=2 skipped=0 refused=0>"
    assert a.rows("t") == b.rows("t") and len(a.rows("t")) == 3
    idle = causelog.sync(a, b)
    assert (idle.received, idle.sent) == (0, 0) and idle == causelog.sync(b, a) != report
    assert causelog.sync(a, a) == idle
    with pytest.raises(TypeError):
        hash(report)


def test_what_could_not_be_taken_in(new_replica: New) -> None:
    ahead = causelog.ManualTime(datetime.now(UTC) + timedelta(days=1))
    a, b = new_replica(node=A, time=ahead), new_replica(node=B)
    a.insert("t", 1, b"a")
    a.update("t", 1, b"b")
    report = causelog.sync(a, b)
    assert (report.sent, report.received, report.skipped) == (0, 0, [])
    one, other = report.refused
    assert (one.transaction, one.code, other.transaction) == (Dot(A, 1), "CLOCK_SKEW", Dot(A, 2))
    assert other.code in causelog.ERROR_CODES
    assert "ahead" in one.message
    assert repr(one) == f"<SkippedTransaction {A}:1: CLOCK_SKEW>"
    assert one == one and one != other
    mirrored = causelog.sync(b, a)
    assert (mirrored.skipped, mirrored.refused) == (report.refused, [])


@pytest.mark.parametrize(
    ("strategy", "by"),
    [
        ("last_write_wins", "b"),
        ("first_write_wins", "a"),
        ({"kind": "node_priority", "order": [A, B]}, "a"),
        ({"kind": "vector_clock_causal", "fallback": "first_write_wins"}, "a"),
        ({"kind": "delete_wins", "fallback": "first_write_wins"}, "a"),
        ({"kind": "update_wins", "fallback": "last_write_wins"}, "b"),
        ({"kind": "field_merge"}, "b"),
        ("vector_clock_causal", None),
        ("manual", None),
        ({"kind": "custom", "name": "x", "version": 1}, None),
    ],
    ids=str,
)
def test_every_strategy_comes_out_the_same_on_both_sides(
    apart: Callable[..., tuple[Replica, Replica]], strategy: causelog.Strategy, by: str | None
) -> None:
    a, b = apart(strategy)
    assert a.get("t", 1) == b.get("t", 1)
    assert value(a) == {"count": 10, "by": by or "b"}
    assert len(a.heads("t", 1)) == 2
    [mine], [yours] = a.conflicts(), b.conflicts()
    assert mine.to_json() == yours.to_json() and str(mine) == str(yours)
    assert mine.strategy == ConflictResolution.parse(strategy)
    assert (mine.rule, mine.registry) == ("default", ResolverRegistry(strategy).fingerprint())
    assert mine.ancestor_json() == {"count": 10, "by": "nobody"}
    assert (state(a) is RowState.RESOLVED) == (by is not None)
    assert len(a.inbox()) == (by is None)
    row = ConflictDetector(strategy).resolve_row(a.log.history("t", 1))
    assert row.standing is not None and row.standing.to_json() == mine.to_json()


@pytest.mark.parametrize(("strategy", "live"), [("delete_wins", False), ("update_wins", True)])
def test_a_delete_beside_an_update(new_replica: New, strategy: str, live: bool) -> None:
    a, b = (new_replica({"kind": strategy, "fallback": "manual"}, node=node) for node in (A, B))
    a.insert("t", 1, {"n": 1})
    causelog.sync(a, b)
    a.update("t", 1, {"n": 2})
    b.delete("t", 1)
    causelog.sync(a, b)
    for each in a, b:
        assert (each.get("t", 1) is not None) == live
        [report] = each.conflicts()
        assert (report.type, report.leaves_live) == (ConflictClass.UPDATE_DELETE, live)
        assert report.reason_code == strategy


# ---------------------------------------------------------------------------- conflicts


def test_asking_for_conflicts(new_replica: New, time: causelog.ManualTime) -> None:
    a, b = new_replica(node=A), new_replica(node=B)
    for table, row_id in itertools.product(["t", "u"], [1, 2]):
        a.insert(table, row_id, "from a")
        b.insert(table, row_id, "from b")
    causelog.sync(a, b)
    assert [(report.table, report.row_id) for report in a.conflicts()] == [("t", 1), ("t", 2), ("u", 1), ("u", 2)]
    a.update("t", 1, "settled")
    last = a.log.stats().last_lsn
    a.update("t", 2, "settled")
    assert [report.row_id for report in a.conflicts()] == [1, 2]
    settled = a.settled_conflicts()
    assert [(report.row_id, report.settled_by) for report in settled] == [(1, Dot(A, 5)), (2, Dot(A, 6))]
    assert [(report.table, report.row_id) for report in a.query_conflicts(table="t")] == [("t", 1), ("t", 2)]
    assert [report.table for report in a.query_conflicts(row_id=1)] == ["u", "t"]
    assert [report.table for report in a.query_conflicts(row_id=1, settled=False)] == ["u"]
    assert a.query_conflicts(settled=True, since=last) == settled[1:]
    assert len(a.query_conflicts(limit=3)) == 3 and a.query_conflicts(limit=0) == []
    assert len(a.query_conflicts(conflict_class="insert_insert")) == 4
    assert a.query_conflicts(conflict_class=ConflictClass.UPDATE_DELETE) == []
    assert a.query_conflicts(row_id="1") == []
    stats = a.stats()
    assert (stats.rows, stats.contested_rows, stats.settlings, stats.before_mismatches) == (4, 2, 2, 0)
    assert stats.memory > 0 and repr(stats) == "<ReplicaStats rows=4 contested_rows=2 settlings=2>"
    assert stats == a.stats() != b.stats()


def test_a_report_is_replayed(apart: Callable[..., tuple[Replica, Replica]]) -> None:
    a, b = apart()
    [standing] = b.conflicts()
    assert a.replay(standing).to_json() == standing.to_json()
    a.update("t", 1, "settled")
    [settled] = a.settled_conflicts()
    a.set_registry(ResolverRegistry("first_write_wins"))
    assert a.replay(standing).to_json() == standing.to_json()
    assert a.replay(settled) == settled and settled.to_json() != standing.to_json()
    assert a.replay(settled).detected_at == settled.detected_at
    for other in Replica.in_memory(), Replica.in_memory(registry=ResolverRegistry("manual")):
        with pytest.raises(causelog.NotFoundError):
            other.replay(standing)
    plain = ConflictDetector().resolve(standing.heads)
    with pytest.raises(causelog.InvalidArgumentError, match="plain detector"):
        a.replay(plain)


def test_other_rules_are_tried(apart: Callable[..., tuple[Replica, Replica]]) -> None:
    a, _ = apart()
    before = value(a)
    [answer] = a.what_if(ResolverRegistry("first_write_wins"))
    assert answer.differs()
    assert answer.decided == a.conflicts()[0] and answer.decided.value_json() == before
    assert answer.would_be.value_json() == {"count": 10, "by": "a"}
    assert answer.would_be.strategy is ConflictResolution.FIRST_WRITE_WINS
    assert repr(answer) == f"<WhatIf {answer.decided.id}: another value>"
    [same] = a.what_if(ResolverRegistry("manual"), table="t", settled=False)
    assert not same.differs() and same.would_be.is_pending and same != answer
    assert a.what_if(ResolverRegistry("manual"), table="u") == []
    assert a.what_if(ResolverRegistry("manual"), settled=True) == []
    assert value(a) == before and a.registry() == ResolverRegistry()
    with pytest.raises(causelog.InvalidArgumentError, match="listed twice"):
        a.what_if(ResolverRegistry({"kind": "node_priority", "order": [A, A]}))


def test_how_a_row_became_what_it_is(apart: Callable[..., tuple[Replica, Replica]]) -> None:
    a, b = apart()
    a.update("t", 1, "settled")
    causelog.sync(a, b)
    b.update("t", 1, "one")
    a.update("t", 1, "other")
    causelog.sync(a, b)
    story = a.why("t", 1)
    assert (story.table, story.row_id, story.is_live, story.state) == ("t", 1, True, RowState.RESOLVED)
    assert story.value == value_bytes(a) and story.value_json() == value(a)
    assert story.standing == a.conflicts()[0]
    assert len(story.steps) == 6
    insert, ours, theirs, settling, *_ = story.steps
    assert (insert.follows, insert.concurrent_with, insert.settles) == ((), (), None)
    assert ours.follows == theirs.follows == (insert.entry.dot,)
    assert theirs.concurrent_with == (ours.entry.dot,)
    assert set(settling.follows) == {ours.entry.dot, theirs.entry.dot}
    assert settling.settles == a.settled_conflicts()[0]
    assert repr(settling) == f"<ExplanationStep update {settling.entry.dot}>"
    assert str(story) == str(b.why("t", 1)) and "stands" in str(story)
    assert repr(story) == '<Explanation "t" 1 in 6 steps>'
    assert story == a.why("t", 1) and settling == a.why("t", 1).steps[3] != insert
    never = a.why("t", "never")
    assert (never.is_live, never.value, never.value_json(), never.steps, never.standing) == (
        False,
        None,
        None,
        [],
        None,
    )
    with pytest.raises(causelog.InvalidArgumentError):
        a.why("", 1)


# ------------------------------------------------------------------------------- inbox


def test_a_row_that_somebody_has_to_decide_about(apart: Callable[..., tuple[Replica, Replica]]) -> None:
    a, b = apart("manual")
    [item] = a.inbox()
    assert (item.state, item.claim, item.failure) == (RowState.PENDING, None, None)
    assert item.report == a.conflicts()[0] and item.report.winner is Winner.PENDING
    assert repr(item) == '<InboxItem "t" 1: pending>'
    assert state(a) is RowState.PENDING
    calls: list[Callable[[], Any]] = [
        lambda: a.update("t", 1, b"x"),
        lambda: a.patch("t", 1, {}),
        lambda: a.increment("t", 1, "count", 1),
        lambda: a.append([Change.update("t", 1, None, b"x")]),
    ]
    for call in calls:
        with pytest.raises(causelog.VersionMismatchError, match="waits in the inbox"):
            call()
    heads = [head.dot for head in item.report.heads]
    done = a.resolve("t", 1, ResolverDecision.head(heads[0]), reversed(heads), metadata={"who": "alice"})
    assert a.inbox() == [] and value(a) == {"count": 10, "by": "a"}
    [entry] = a.log.query(since=done.first_lsn - 1 if done.first_lsn else 0)
    assert (entry.operation, entry.metadata) == ("update", {"who": "alice"})
    causelog.sync(a, b)
    assert b.inbox() == [] and a.get("t", 1) == b.get("t", 1)
    [report] = b.settled_conflicts()
    assert report.settled_by == entry.dot


@pytest.mark.parametrize(
    ("decision", "wanted"),
    [(ResolverDecision.value({"by": "both"}), {"by": "both"}), (ResolverDecision.delete(), None)],
    ids=["value", "delete"],
)
def test_decisions(apart: Callable[..., tuple[Replica, Replica]], decision: ResolverDecision, wanted: Any) -> None:
    a, _ = apart("manual")
    a.resolve("t", 1, decision, a.heads("t", 1))
    assert value(a) == wanted and a.inbox() == []


def test_decisions_that_are_refused(apart: Callable[..., tuple[Replica, Replica]]) -> None:
    a, _ = apart("manual")
    heads = a.heads("t", 1)
    with pytest.raises(causelog.VersionMismatchError):
        a.resolve("t", 1, ResolverDecision.delete(), heads[:1])
    with pytest.raises(causelog.InvalidArgumentError, match="to defer is no decision"):
        a.resolve("t", 1, ResolverDecision.defer(), heads)
    with pytest.raises(causelog.InvalidArgumentError, match="none of the row's heads"):
        a.resolve("t", 1, ResolverDecision.head((C, 1)), heads)
    with pytest.raises(causelog.NotFoundError, match="has not several heads"):
        a.resolve("t", 2, ResolverDecision.delete(), [])
    assert len(a.inbox()) == 1


def test_an_item_is_claimed(apart: Callable[..., tuple[Replica, Replica]], time: causelog.ManualTime) -> None:
    a, b = apart("manual")
    claim = a.claim("t", 1, "alice")
    assert (claim.by, claim.at_ns, claim.at) == ("alice", time.now(), datetime.fromtimestamp(3e-6, UTC))
    assert repr(claim).startswith('<Claim by "alice" at 1970-01-01T')
    assert a.inbox()[0].claim == claim == a.claim("t", 1, "alice")
    assert b.inbox()[0].claim is None
    with pytest.raises(causelog.AlreadyExistsError, match='is claimed by "alice"'):
        a.claim("t", 1, "bob")
    a.release("t", 1)
    a.release("t", 1)
    assert a.inbox()[0].claim is None
    assert a.claim("t", 1, "bob") != claim
    with pytest.raises(causelog.InvalidArgumentError, match="needs a name"):
        a.claim("t", 1, "")
    missing: list[Callable[[], Any]] = [lambda: a.claim("t", 2, "alice"), lambda: a.release("t", 2)]
    for call in missing:
        with pytest.raises(causelog.NotFoundError, match="is not in the inbox"):
            call()


def test_a_conditional_write_closes_an_item(apart: Callable[..., tuple[Replica, Replica]]) -> None:
    a, b = apart("manual")
    a.write([Write.update("t", 1, {"by": "both"}, expected=a.heads("t", 1))])
    causelog.sync(a, b)
    assert a.inbox() == b.inbox() == [] and value(b) == {"by": "both"}


def test_decisions_by_themselves() -> None:
    head, payload = ResolverDecision.head((A, 1)), ResolverDecision.value({"n": 1})
    assert (head.kind, head.dot, head.payload) == ("head", Dot(A, 1), None)
    assert (payload.kind, payload.dot, payload.payload) == ("value", None, b'{"n":1}')
    every = [head, payload, ResolverDecision.delete(), ResolverDecision.defer()]
    assert [decision.kind for decision in every] == ["head", "value", "delete", "defer"]
    for one, other in itertools.product(every, every):
        assert (one == other) == (one is other)
    for decision in every:
        same = pickle.loads(pickle.dumps(decision))
        assert same == decision and hash(same) == hash(decision)
    assert [repr(decision) for decision in every] == [
        f"<ResolverDecision head {A}:1>",
        "<ResolverDecision value of 7 bytes>",
        "<ResolverDecision delete>",
        "<ResolverDecision defer>",
    ]
    with pytest.raises(causelog.InvalidArgumentError, match="decided by delete"):
        ResolverDecision.value(None)  # type: ignore[arg-type]


# ---------------------------------------------------------------------------- effective view


def test_what_the_rows_became(apart: Callable[..., tuple[Replica, Replica]]) -> None:
    a, b = apart("first_write_wins")
    for each, changes in (a, 2), (b, 3):
        seen = each.effective()
        assert len(seen.changes) == changes
        assert [change.after_json() for change in seen.changes][-1] == {"count": 10, "by": "a"}
        assert seen.next == "3.1" and each.effective(seen.next).changes == []
        assert repr(seen) == f"<EffectiveChanges {changes} up to 3.1>"
    [first] = b.effective(limit=1).changes
    assert (first.table, first.row_id, first.operation) == ("t", 1, ChangeOperation.INSERT)
    assert (first.before, first.before_json()) == (None, None)
    assert (first.after, first.transaction, first.timestamp_ns) == (b'{"count":10,"by":"nobody"}', Dot(A, 1), 1_000)
    assert first.timestamp == datetime.fromtimestamp(1e-6, UTC)
    assert repr(first) == f'<EffectiveChange insert "t" 1 at {first.position}>'
    position, steps = "0.0", []
    while (seen := b.effective(position, 1)).changes:
        steps += seen.changes
        position = seen.next
        assert seen.changes[-1].position == position
    assert steps == b.effective().changes
    assert b.effective(limit=1) == b.effective("0.0", limit=1) != b.effective()


def test_new_rules_show_in_the_effective_view(apart: Callable[..., tuple[Replica, Replica]]) -> None:
    a, _ = apart()
    position = a.effective().next
    a.set_registry(ResolverRegistry("first_write_wins"))
    assert a.registry() == ResolverRegistry("first_write_wins")
    seen = a.effective(position)
    [change] = seen.changes
    assert (change.transaction, change.before_json()["by"], change.after_json()["by"]) == (None, "b", "a")
    assert seen.next.split(".")[0] == position.split(".")[0] and seen.next != position
    a.registry().set_default("manual")
    assert a.registry() == ResolverRegistry("first_write_wins")


@pytest.mark.parametrize("position", ["", "0", "1", "x.y", "-1.0", "9.0", "0.9", "0.0.0", "\ud800"])
def test_a_position_that_was_never_given(replica: Replica, position: str) -> None:
    with pytest.raises(causelog.InvalidArgumentError):
        replica.effective(position)


# --------------------------------------------------------------------- opening and closing


def test_a_replica_is_opened_again(tmp_path: Path) -> None:
    registry = ResolverRegistry("manual")
    registry.set_table("other", {"kind": "field_merge"})
    with Replica.open(tmp_path / "a", node=A, registry=registry) as a, Replica.open(str(tmp_path / "b")) as b:
        a.insert("t", 1, "from a")
        b.insert("t", 1, "from b")
        causelog.sync(a, b)
        a.claim("t", 1, "alice")
        before, item, story, seen = a.get("t", 1), a.inbox(), str(a.why("t", 1)), a.effective()
        with pytest.raises(causelog.LockedError):
            Replica.open(tmp_path / "a")
        with ChangeLog.open(tmp_path / "a", read_only=True) as log:
            assert log.stats().entries == 2
    with Replica.open(tmp_path / "a") as a:
        assert (a.node, a.registry()) == (A, registry)
        assert a.get("t", 1) == before and str(a.why("t", 1)) == story and a.effective() == seen
        assert [each.claim for each in a.inbox()] == [each.claim for each in item]
        assert [each.report.to_json() for each in a.inbox()] == [each.report.to_json() for each in item]
    with Replica.open(tmp_path / "a", registry=ResolverRegistry("last_write_wins")) as a:
        assert a.inbox() == [] and a.registry() == ResolverRegistry()


def test_a_log_becomes_a_replica(tmp_path: Path) -> None:
    with ChangeLog.open(tmp_path, node=A) as log:
        log.append(Change.insert("t", 1, {"n": 1}))
    with Replica.open(tmp_path) as replica:
        assert (replica.node, value(replica)) == (A, {"n": 1})


def test_options_are_passed_on(tmp_path: Path) -> None:
    time = causelog.ManualTime(5)
    replica = Replica.open(
        tmp_path / "a",
        registry=ResolverRegistry("manual"),
        resolvers={},
        check_resolvers=False,
        history_memory=1 << 20,
        node=A,
        durability="interval",
        sync_interval=timedelta(seconds=1),
        maximum_clock_skew=timedelta(seconds=1),
        segment_bytes=4096,
        memory_map=True,
        time=time,
    )
    assert replica.insert("t", 1, b"").timestamp_ns == 5
    replica.sync()
    assert replica.log.stats().durable_lsn == 1
    replica.close()
    for options in {"segment_bytes": 1}, {"node": B}:
        with pytest.raises(causelog.InvalidArgumentError):
            API.Replica.open(tmp_path / "a", **options)
    (tmp_path / "file").touch()
    with pytest.raises(causelog.InvalidArgumentError):
        Replica.open(tmp_path / "file")


def test_compacting(new_replica: New) -> None:
    replica = new_replica(segment_bytes=4096)
    replica.insert("t", 1, b"")
    for number in range(100):
        replica.update("t", 1, bytes(100) + str(number).encode())
        replica.append([Change.update("u", 1, None, bytes(100))])
    before = replica.get("t", 1)
    removal = replica.compact(table=["t"], known=[replica.log.frontier()])
    assert removal is not None and removal.reason == "compaction" and removal.entries > 50
    assert replica.get("t", 1) == before and replica.log.removals() == [removal]
    assert replica.compact(table="t", known=[causelog.VectorClock()]) is None
    assert replica.compact() is not None


def test_a_closed_replica(new_replica: New, apart: Callable[..., tuple[Replica, Replica]]) -> None:
    a, b = apart("manual")
    [report] = a.conflicts()
    [transaction, *_] = b.log.transactions()
    log, cursor, registry, heads = a.log, a.log.query(), a.registry(), a.heads("t", 1)
    a.close()
    a.close()
    calls: list[Callable[[], Any]] = [
        a.registry,
        lambda: a.set_registry(registry),
        lambda: a.register_resolver("x", 1, API.Write),
        lambda: a.insert("t", 2, b""),
        lambda: a.update("t", 1, b""),
        lambda: a.delete("t", 1),
        lambda: a.write([]),
        lambda: a.append([]),
        lambda: a.patch("t", 1, {}),
        lambda: a.increment("t", 1, "count", 1),
        lambda: a.apply(transaction),
        lambda: a.get("t", 1),
        lambda: a.heads("t", 1),
        lambda: a.rows("t"),
        a.conflicts,
        a.settled_conflicts,
        a.query_conflicts,
        lambda: a.replay(report),
        lambda: a.what_if(registry),
        a.inbox,
        lambda: a.claim("t", 1, "alice"),
        lambda: a.release("t", 1),
        lambda: a.resolve("t", 1, ResolverDecision.delete(), heads),
        a.effective,
        lambda: a.why("t", 1),
        a.stats,
        a.compact,
        a.sync,
        lambda: causelog.sync(a, b),
        lambda: causelog.sync(b, a),
        lambda: next(cursor),
        log.stats,
        a.log.frontier,
    ]
    for call in calls:
        with pytest.raises(causelog.ClosedError):
            call()
    assert a.node == A and "closed" in repr(a) and "closed" in repr(log)
    assert repr(b) == f"<Replica {b.log.id} of node {B}>"


def test_every_method_is_tried_on_a_closed_replica() -> None:
    import inspect

    source = inspect.getsource(test_a_closed_replica)
    methods = {name for name in vars(Replica) if not name.startswith("_")} - {"open", "in_memory", "node", "log"}
    assert {name for name in methods if f"a.{name}" not in source} == set()


def test_closing_the_log_closes_the_replica(new_replica: New) -> None:
    replica = new_replica()
    replica.log.close()
    with pytest.raises(causelog.ClosedError):
        replica.insert("t", 1, b"")


def test_a_replica_lives_as_long_as_what_reads_from_it(tmp_path: Path) -> None:
    replica = Replica.open(tmp_path)
    replica.insert("t", 1, {"n": 1})
    cursor = replica.log.query()
    del replica
    gc.collect()
    assert [entry.after_json() for entry in cursor] == [{"n": 1}]
    del cursor
    gc.collect()
    with Replica.open(tmp_path) as replica:
        assert value(replica) == {"n": 1}


def test_leaving_the_block_closes_it() -> None:
    with Replica.in_memory() as replica:
        assert replica.__enter__() is replica
    with pytest.raises(causelog.ClosedError):
        replica.stats()
