"""The log: what is appended is there, also after reopening; what is refused has changed nothing."""

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import causelog
import pytest
from causelog import Change, ChangeLog, Dot, Transaction, VectorClock
from conftest import A, B, exchange, insert


def segment_of(directory: Path) -> Path:
    [segment] = directory.glob("*.segment")
    return segment


def test_one_change(log: ChangeLog) -> None:
    appended = log.append(Change.insert("orders", 42, {"qty": 1}, metadata={"actor": "alice"}))
    assert appended.transaction == Dot(A, 1)
    assert (appended.first_lsn, appended.last_lsn, appended.duplicate) == (1, 1, False)
    assert appended.timestamp_ns == 1_000
    assert appended.timestamp.timestamp() == 1e-6
    assert repr(appended) == f"<Appended {A}:1 at LSN 1 to 1>"
    [entry] = log.query()
    assert (entry.lsn, entry.node, entry.sequence, entry.dot) == (1, A, 1, Dot(A, 1))
    assert (entry.table, entry.row_id, entry.operation) == ("orders", 42, "insert")
    assert (entry.before, entry.after) == (None, b'{"qty":1}')
    assert entry.vector_clock == VectorClock({A: 1})
    assert (entry.transaction, entry.timestamp_ns) == (Dot(A, 1), 1_000)
    assert entry.verdict is causelog.Verdict.APPLIED
    assert entry.metadata == {"actor": "alice"}


def test_a_transaction_is_all_or_nothing(log: ChangeLog) -> None:
    appended = log.append_transaction([insert(1), insert(2), insert(3)])
    assert (appended.transaction, appended.first_lsn, appended.last_lsn) == (Dot(A, 3), 1, 3)
    assert [entry.transaction for entry in log.query()] == [Dot(A, 3)] * 3
    with pytest.raises(causelog.InvalidArgumentError):
        log.append_transaction([insert(4), Change.insert("", 5, {})])
    assert log.stats().entries == 3


def test_a_transaction_from_an_iterator_that_fails_is_not_written(log: ChangeLog) -> None:
    def changes() -> Iterator[Change]:
        yield insert(1)
        raise KeyError("the application's own")

    with pytest.raises(KeyError):
        log.append_transaction(changes())
    assert log.stats().transactions == 0


def test_an_empty_transaction_is_a_merge(log: ChangeLog) -> None:
    log.append(insert())
    merge = log.append_transaction([])
    assert (merge.transaction, merge.first_lsn, merge.last_lsn) == (Dot(A, 2), None, None)
    assert repr(merge) == f"<Appended {A}:2, a merge>"
    assert log.vector_clock(Dot(A, 2)) == VectorClock({A: 2})
    stats = log.stats()
    assert (stats.entries, stats.transactions, stats.merges) == (1, 2, 1)


def test_time_never_goes_back(log: ChangeLog, time: causelog.ManualTime) -> None:
    assert log.append(insert()).timestamp_ns == 1_000
    time.set(5)
    assert log.append(insert()).timestamp_ns == 1_001
    time.advance(10_000)
    assert log.append(insert()).timestamp_ns == 10_005


def test_the_system_clock_is_the_default(new_log: Callable[..., ChangeLog]) -> None:
    log = new_log(time=None)
    assert log.append(insert()).timestamp.year >= 2024


def test_stats(new_log: Callable[..., ChangeLog], time: causelog.ManualTime) -> None:
    log = new_log(node=A)
    empty = log.stats()
    assert (empty.entries, empty.first_lsn, empty.last_lsn, empty.nodes) == (0, 0, 0, 0)
    assert (empty.oldest, empty.newest, empty.oldest_ns, empty.newest_ns) == (None, None, None, None)
    assert (empty.tables, empty.consumers) == ({}, [])
    log.append(Change.insert("orders", 1, {}))
    time.advance(1_000)
    log.append_transaction([Change.update("orders", 1, {}, []), Change.delete("audit", 1)])
    stats = log.stats()
    assert (stats.entries, stats.transactions, stats.merges, stats.nodes) == (3, 2, 0, 1)
    assert (stats.first_lsn, stats.last_lsn) == (1, 3)
    assert (stats.oldest_ns, stats.newest_ns) == (1_000, 2_000)
    assert stats.oldest is not None and stats.newest is not None
    assert stats.newest - stats.oldest == timedelta(microseconds=1)
    assert stats.bytes > empty.bytes > 0
    assert set(stats.tables) == {"orders", "audit"}
    orders = stats.tables["orders"]
    assert (orders.inserts, orders.updates, orders.deletes, orders.entries) == (1, 1, 0, 2)
    assert stats == log.stats() and stats != empty
    assert repr(orders) == "<TableStats inserts=1 updates=1 deletes=0>"


def test_the_clock_of_a_dot(log: ChangeLog) -> None:
    log.append_transaction([insert(1), insert(2)])
    assert log.vector_clock(Dot(A, 1)) == VectorClock({A: 1})
    assert log.vector_clock((A, 2)) == log.frontier() == VectorClock({A: 2})
    for dot in Dot(A, 3), Dot(B, 1), Dot(A, 0):
        with pytest.raises(causelog.NotFoundError, match=str(dot)):
            log.vector_clock(dot)


def test_reopening_finds_everything(tmp_path: Path) -> None:
    with ChangeLog.open(tmp_path / "new" / "log") as log:
        node, identity = log.node, log.id
        log.append_transaction([insert((1, "a")), Change.delete("orders", UUID(int=5), b"\x00")])
        before = list(log.query())
    with ChangeLog.open(str(tmp_path / "new" / "log")) as log:
        assert (log.node, log.id, log.past_nodes) == (node, identity, ())
        assert list(log.query()) == before
        assert log.append(insert()).transaction == Dot(node, 3)


@pytest.mark.parametrize("durability", ["sync", "os", *causelog.Durability])
def test_every_durability(tmp_path: Path, durability: causelog.Durability) -> None:
    with ChangeLog.open(tmp_path, durability=durability) as log:
        log.append(insert())
        log.sync()
    with ChangeLog.open(tmp_path) as log:
        assert log.stats().entries == 1


def test_a_log_that_nobody_closed_gives_its_directory_back(tmp_path: Path) -> None:
    log = ChangeLog.open(tmp_path, durability="os")
    log.append(insert())
    cursor = log.query()
    del log
    assert next(cursor).lsn == 1
    with pytest.raises(causelog.LockedError):
        ChangeLog.open(tmp_path)
    del cursor
    with ChangeLog.open(tmp_path) as log:
        assert log.stats().entries == 1


def test_two_handles_on_one_directory(tmp_path: Path) -> None:
    with ChangeLog.open(tmp_path):
        with pytest.raises(causelog.LockedError) as caught:
            ChangeLog.open(tmp_path)
        assert caught.value.retryable
    ChangeLog.open(tmp_path).close()


HOLD = """
import sys, causelog
log = causelog.ChangeLog.open(sys.argv[1])
log.append(causelog.Change.insert("orders", 1, {}))
print("open", flush=True)
sys.stdin.read()
"""


def test_a_directory_that_another_process_holds(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(causelog.LockedError, match=str(tmp_path)):
            ChangeLog.open(tmp_path)
        holder.kill()
    with ChangeLog.open(tmp_path) as log:
        assert log.stats().entries == 1


def test_everything_is_closed_after_closing(log: ChangeLog) -> None:
    log.append_transaction([insert(1), insert(2)])
    cursor, transactions = log.query(), log.transactions()
    assert next(cursor).lsn == 1
    log.close()
    log.close()
    transaction = Transaction(node=B, sequence=1, timestamp=0)
    calls: list[Callable[[], object]] = [
        lambda: log.append(insert()),
        lambda: log.append_transaction([]),
        lambda: log.append_remote(transaction),
        log.query,
        log.transactions,
        log.frontier,
        lambda: log.vector_clock(Dot(A, 1)),
        log.stats,
        log.sync,
        lambda: next(cursor),
        lambda: next(transactions),
    ]
    for call in calls:
        with pytest.raises(causelog.ClosedError, match="the log is closed"):
            call()
    assert log.node == A
    assert repr(log) == f"<ChangeLog {log.id} of node {A}, closed>"


def test_a_context_manager_closes_and_lets_errors_through() -> None:
    with pytest.raises(ZeroDivisionError), ChangeLog.in_memory() as log:
        1 / 0  # noqa: B018
    with pytest.raises(causelog.ClosedError):
        log.stats()


def test_the_node_of_a_log(tmp_path: Path) -> None:
    with ChangeLog.open(tmp_path, node=A) as log:
        assert log.node == A
    with pytest.raises(causelog.InvalidArgumentError, match=str(B)):
        ChangeLog.open(tmp_path, node=B)
    with ChangeLog.open(tmp_path, node=A) as log:
        assert log.node == A
    assert ChangeLog.in_memory().node != ChangeLog.in_memory().node


def test_a_torn_end_is_cut_and_the_log_takes_a_new_node(tmp_path: Path) -> None:
    lost = tmp_path / "lost"
    with ChangeLog.open(tmp_path / "log", node=A, durability="os") as log:
        log.append(insert(1))
        log.append(insert(2))
        # As a loss of power may leave it, which also takes what the process knew of the log's end.
        shutil.copytree(tmp_path / "log", lost, ignore=shutil.ignore_patterns("ends"))
    segment = segment_of(lost)
    os.truncate(segment, segment.stat().st_size - 1)
    with ChangeLog.open(lost) as log:
        assert [entry.row_id for entry in log.query()] == [1]
        assert log.node != A and log.past_nodes == (A,)
        assert log.append(insert(3)).transaction == Dot(log.node, 1)


def test_damage_is_named_with_file_and_offset(tmp_path: Path) -> None:
    with ChangeLog.open(tmp_path) as log:
        first = log.stats().bytes
        log.append(insert(1))
        log.append(insert(2))
    segment = segment_of(tmp_path)
    content = bytearray(segment.read_bytes())
    content[first + 10] ^= 1
    segment.write_bytes(content)
    with ChangeLog.open(tmp_path) as log, pytest.raises(causelog.CorruptError, match=f"{segment.name}.*{first}"):
        list(log.query())


def test_a_log_that_was_closed_has_no_torn_end(tmp_path: Path) -> None:
    with ChangeLog.open(tmp_path) as log:
        log.append(insert(1))
    segment = segment_of(tmp_path)
    os.truncate(segment, segment.stat().st_size - 1)
    with pytest.raises(causelog.CorruptError, match=segment.name):
        ChangeLog.open(tmp_path)


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    ChangeLog.open(tmp_path).close()
    identity = tmp_path / "identity"
    content = bytearray(identity.read_bytes())
    content[8:10] = (2).to_bytes(2, "little")
    identity.write_bytes(content)
    with pytest.raises(causelog.UnsupportedError, match="version 2"):
        ChangeLog.open(tmp_path)


def test_a_path_that_is_no_directory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(causelog.InvalidArgumentError, match="file"):
        ChangeLog.open(tmp_path / "file")
    for path in 1, None, object():
        with pytest.raises(TypeError):
            ChangeLog.open(path)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"durability": "never"}, causelog.InvalidArgumentError),
        ({"durability": 1}, TypeError),
        ({"node": str(A)}, TypeError),
        ({"maximum_clock_skew": timedelta(seconds=-1)}, causelog.InvalidArgumentError),
        ({"maximum_clock_skew": 120}, TypeError),
        ({"time": 5}, TypeError),
        ({"unknown": 1}, TypeError),
    ],
)
def test_wrong_options(options: dict[str, object], error: type[Exception]) -> None:
    with pytest.raises(error):
        ChangeLog.in_memory(**options)  # type: ignore[arg-type]


def test_there_is_no_other_way_to_make_one() -> None:
    with pytest.raises(TypeError):
        ChangeLog()


@pytest.mark.parametrize("change", [None, {}, "insert", [insert()]])
def test_only_changes_are_appended(log: ChangeLog, change: object) -> None:
    with pytest.raises(TypeError):
        log.append(change)  # type: ignore[arg-type]


@pytest.mark.parametrize("changes", [None, insert(), [None], [insert(), "insert"]])
def test_only_changes_make_a_transaction(log: ChangeLog, changes: object) -> None:
    with pytest.raises(TypeError):
        log.append_transaction(changes)  # type: ignore[arg-type]
    assert log.stats().transactions == 0


def test_huge_and_empty_payloads(log: ChangeLog) -> None:
    payloads = [b"", bytes(5_000_000), b"x" * 5_000_000, b"end"]
    log.append_transaction([insert(number, payload) for number, payload in enumerate(payloads)])
    assert [entry.after for entry in log.query()] == payloads
    assert [entry.after for entry in log.query(reverse=True)] == payloads[::-1]


def test_many_changes(log: ChangeLog) -> None:
    log.append_transaction(insert(number) for number in range(10_000))
    assert [entry.row_id for entry in log.query()] == list(range(10_000))
    [transaction] = log.transactions()
    assert (transaction.width, len(transaction.changes)) == (10_000, 10_000)


def test_a_full_disk(tmp_path: Path) -> None:
    # A limit on the size of files stands in for the disk: Python ignores the signal that goes with it.
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with ChangeLog.open(tmp_path) as log:
        log.append(insert(1))
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
            with pytest.raises(causelog.NoSpaceError) as caught:
                log.append(insert(2, bytes(100_000)))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert caught.value.retryable and isinstance(caught.value, OSError)
        assert [entry.row_id for entry in log.query()] == [1]
        assert log.append(insert(2, bytes(100_000))).last_lsn == 2
    with ChangeLog.open(tmp_path) as log:
        assert (log.stats().entries, log.past_nodes) == (2, ())


def test_a_cursor_sees_the_log_as_it_was(log: ChangeLog) -> None:
    log.append(insert(1))
    cursor = log.query()
    log.append(insert(2))
    assert [entry.row_id for entry in cursor] == [1]
    assert list(cursor) == []


def test_exchange_with_a_log_in_a_directory(tmp_path: Path) -> None:
    with ChangeLog.open(tmp_path) as stored, ChangeLog.in_memory() as other:
        stored.append(insert(1))
        other.append(insert(2))
        exchange(stored, other)
        exchange(other, stored)
        assert stored.frontier() == other.frontier()
    with ChangeLog.open(tmp_path) as stored:
        assert {entry.row_id for entry in stored.query()} == {1, 2}
