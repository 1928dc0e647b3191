"""What a strict type checker must take, and, where an error is silenced, what it must refuse.

It is checked and not run: `mypy --strict` fails on a wrong type and on a silenced error that is none.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, assert_type
from uuid import UUID

import causelog
from causelog import (
    Appended,
    Causality,
    Change,
    ChangeEntry,
    ChangeLog,
    ChangeOperation,
    Claim,
    CompressionReport,
    Conflict,
    ConflictClass,
    ConflictDetector,
    ConflictReport,
    ConflictResolution,
    ConflictType,
    Consumer,
    ConsumerStatus,
    Dot,
    EffectiveChange,
    Explanation,
    ExplanationStep,
    Finding,
    InboxItem,
    Removal,
    RemovalReason,
    Replica,
    ReplicaRow,
    ReplicaStats,
    ResolverDecision,
    ResolverRegistry,
    Row,
    RowConflict,
    RowResolution,
    RowState,
    SalvageReport,
    Side,
    SkippedTransaction,
    Snapshot,
    SyncReport,
    TableStats,
    Transaction,
    VectorClock,
    VerifyReport,
    View,
    WhatIf,
    Winner,
    Write,
)


def logs(path: Path) -> None:
    time = causelog.ManualTime(datetime.now(UTC))
    with ChangeLog.open(path, durability="os", maximum_clock_skew=timedelta(minutes=1), time=time) as log:
        assert_type(log, ChangeLog)
        assert_type(log.node, UUID)
        assert_type(log.past_nodes, tuple[UUID, ...])
        assert_type(log.append(Change.insert("orders", (1, "a"), {"qty": 1})), Appended)
        assert_type(log.append_transaction(Change.delete("orders", row) for row in range(3)).last_lsn, int | None)
        assert_type(log.vector_clock(Dot(log.node, 1)), VectorClock)
        assert_type(log.stats().tables, dict[str, TableStats])
        assert_type(log.stats().consumers, list[ConsumerStatus])
        for entry in log.query(table=["orders"], operation="insert", since_time=datetime.now(UTC), limit=3):
            assert_type(entry, ChangeEntry)
            assert_type(entry.row_id, causelog.RowId)
            assert_type(entry.operation, ChangeOperation)
            assert_type(entry.after, bytes | None)
            assert_type(entry.after_json(), Any)
            assert_type(entry.timestamp, datetime)
            assert_type(entry.dot, Dot)
        for transaction in log.transactions(VectorClock()):
            assert_type(transaction, Transaction)
            assert_type(transaction.changes, tuple[Change, ...])
        log.query(transaction=(log.node, 1), unseen_by=log.frontier())
        log.append("change")  # type: ignore[arg-type]
        log.query("orders")  # type: ignore[call-arg]
        log.query(operation="upsert")  # type: ignore[arg-type]
        log.query(row_id=1.5)  # type: ignore[arg-type]
    ChangeLog.open(path, durability="never")  # type: ignore[arg-type]


def time_travel(log: ChangeLog) -> None:
    row = log.state_at("orders", (1, "a"), at=3)
    assert_type(row, Row | None)
    if row is not None:
        assert_type(row.value, bytes | None)
        assert_type(row.value_json(), Any)
        log.state_at("orders", row.row_id, time=row.timestamp_ns)
    snapshot = log.snapshot("orders", datetime.now(UTC))
    assert_type(snapshot, Snapshot)
    assert_type(snapshot[1], Row)
    assert_type(snapshot.get("a"), Row | None)
    assert_type(snapshot.get("a", 0), Row | int)
    assert_type(dict(snapshot.items()), dict[causelog.RowId, Row])
    view = log.materialise("orders")
    assert_type(view, View)
    assert_type(view.refresh(), int)
    assert_type(list(view), list[causelog.RowId])
    log.snapshot("orders", at="now")  # type: ignore[arg-type]
    log.state_at("orders")  # type: ignore[call-arg]
    view[1] = view[2]  # type: ignore[index]


def keeping(path: Path) -> None:
    with ChangeLog.open(path, durability="interval", sync_interval=timedelta(seconds=1), read_only=True) as log:
        assert_type(log.epoch, int)
        assert_type(log.wait(0, timedelta(seconds=1)), int)
        log.maintain(datetime.now(UTC))
        consumer = log.consumer("reports")
        assert_type(consumer, Consumer)
        assert_type(consumer.poll(), list[ChangeEntry])
        assert_type(consumer.position() + consumer.lag(), int)
        consumer.commit(1)
        consumer.reset(0)
        assert_type(log.consumers(), list[ConsumerStatus])
        assert_type(log.retain(max_age=timedelta(days=30), max_bytes=1 << 30, unread_bytes=1 << 32), list[Removal])
        removal = log.compact(table=["orders"], known=(clock for clock in [log.frontier()]))
        assert_type(removal, Removal | None)
        for each in log.removals():
            assert_type(each.reason, RemovalReason)
            assert_type(each.at, datetime)
        assert_type(log.compress(), CompressionReport)
        report = log.verify()
        assert_type(report, VerifyReport)
        assert_type(report.findings, list[Finding])
        assert_type(report.findings[0].offset, int | None)
        log.wait(0, 1)  # type: ignore[arg-type]
        log.retain(max_age=60)  # type: ignore[arg-type]
        log.compact("orders")  # type: ignore[call-arg]
        consumer.poll("1")  # type: ignore[arg-type]
    assert_type(ChangeLog.salvage(path, "copy"), SalvageReport)
    ChangeLog.in_memory(read_only=True)  # type: ignore[call-arg]


def changes(node: UUID) -> None:
    Change("orders", b"id", ChangeOperation.UPDATE, before=b"1", after=[1, 2])
    Change.insert("orders", UUID(int=1), {"qty": 1}, metadata={"actor": "alice"})
    Change.insert("orders", None, {})  # type: ignore[arg-type]
    Change.insert("orders", 1, object())  # type: ignore[arg-type]
    Change.insert("orders", 1, {}, metadata={"actor": 1})  # type: ignore[dict-item]
    Change("orders", 1, "upsert")  # type: ignore[arg-type]
    Transaction(node=node, sequence=1, dependencies=[(node, 1)], timestamp=5, changes=[])
    Transaction(node, 1)  # type: ignore[call-arg]


def clocks(a: VectorClock, b: VectorClock, node: UUID) -> None:
    assert_type(a.compare(b), Causality)
    assert_type(a.items(), list[tuple[UUID, int]])
    assert_type(a.increment(node), int)
    assert_type(VectorClock.from_bytes(a.to_bytes()), VectorClock)
    VectorClock({node: 1})
    VectorClock([(node, 1)])
    VectorClock({"a": 1})  # type: ignore[arg-type]


def conflicts(local: ChangeEntry, remote: ChangeEntry) -> None:
    detector = ConflictDetector("vector_clock_causal")
    conflict = detector.detect(local, remote)
    assert_type(conflict, Conflict | None)
    detector.report(conflict)  # type: ignore[arg-type]
    if conflict is not None:
        assert_type(conflict.conflict_type, ConflictType)
        assert_type(conflict.conflict_type.mirror().conflict_class, ConflictClass)
        report = detector.report(conflict)
        assert_type(report, ConflictReport)
        assert_type(report.winner, Dot | Winner)
        assert_type(report.strategy, ConflictResolution | dict[str, Any])
        assert_type(report.type, ConflictClass)
        assert_type(report.ancestor, bytes | None)
        assert_type(report.leaves_live, bool)
        assert_type(report.winning_side, Side | None)
        assert_type(report.heads, tuple[ChangeEntry, ...])
    assert_type(detector.resolve([local, remote], settled_by=local.dot).to_json(), str)
    assert_type(ConflictClass.of(["insert"]), ConflictClass | None)


def replicas(path: Path) -> None:
    def shortest(conflict: RowConflict) -> ResolverDecision:
        assert_type(conflict.heads, tuple[ChangeEntry, ...])
        assert_type(conflict.ancestor_json(), Any)
        return ResolverDecision.head(conflict.heads[0].dot)

    registry = ResolverRegistry({"kind": "custom", "name": "shortest", "version": 1})
    registry.set_class("orders", "update_delete", ConflictResolution.MANUAL)
    assert_type(registry.rule("orders", ConflictClass.UPDATE_DELETE), tuple[str, ConflictResolution | dict[str, Any]])
    assert_type(registry.custom_resolvers(), list[tuple[str, int]])
    with (
        Replica.open(path, registry=registry, resolvers={("shortest", 1): shortest}, durability="os") as a,
        Replica.in_memory(node=UUID(int=1)) as b,
    ):
        assert_type(a, Replica)
        assert_type(a.log, ChangeLog)
        assert_type(a.insert("orders", 42, {"qty": 1}), Appended)
        a.patch("orders", 42, {"qty": None}, remove=["note"])
        a.increment("orders", 42, "qty", 1)
        row = a.get("orders", 42)
        assert_type(row, ReplicaRow | None)
        if row is not None:
            assert_type(row.state, RowState)
            a.write([Write.update("orders", 42, b"x", expected=row.heads, metadata={"why": "test"})])
        assert_type(a.rows("orders"), list[ReplicaRow])
        assert_type(a.heads("orders", 42), tuple[Dot, ...])
        report = causelog.sync(a, b)
        assert_type(report, SyncReport)
        assert_type(report.skipped, list[SkippedTransaction])
        assert_type(a.conflicts(), list[ConflictReport])
        assert_type(
            a.query_conflicts(table="orders", conflict_class="update_update", settled=True, since=3),
            list[ConflictReport],
        )
        assert_type(a.what_if(ResolverRegistry("manual"), limit=1), list[WhatIf])
        assert_type(a.inbox(), list[InboxItem])
        assert_type(a.inbox()[0].claim, Claim | None)
        a.resolve("orders", 42, ResolverDecision.value({"qty": 1}), [(a.node, 1)], metadata={})
        assert_type(ResolverDecision.defer().kind, Literal["head", "value", "delete", "defer"])
        assert_type(a.effective("0.0", limit=10).changes, list[EffectiveChange])
        assert_type(a.effective().next, str)
        story = a.why("orders", 42)
        assert_type(story, Explanation)
        assert_type(story.steps, list[ExplanationStep])
        assert_type(a.stats(), ReplicaStats)
        assert_type(a.compact(table="orders"), Removal | None)
        a.write([Change.insert("orders", 1, {})])  # type: ignore[list-item]
        a.insert("orders", 1, None)  # type: ignore[arg-type]
        a.register_resolver("other", 1, lambda conflict: None)  # type: ignore[arg-type, return-value]
        a.set_registry("manual")  # type: ignore[arg-type]
        a.effective(0)  # type: ignore[arg-type]
        causelog.sync(a, a.log)  # type: ignore[arg-type]
    assert_type(ConflictDetector("manual").resolve_row([]), RowResolution)
    Replica.in_memory(read_only=True)  # type: ignore[call-arg]
    ResolverRegistry(1)  # type: ignore[arg-type]


def errors(error: causelog.Error) -> None:
    assert_type(error.code, str)
    assert_type(error.retryable, bool)
    assert_type(causelog.ERROR_CODES["IO"], tuple[int, bool])
