"""Calls that may wait let other Python threads run, and everything may be shared between threads."""

import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import causelog
import pytest
from causelog import Change, ChangeLog, Replica, Transaction
from conftest import exchange, insert

HUGE = 96 * 1024 * 1024


class Watch:
    """A thread that notes the time over and over, which it cannot while another holds the interpreter."""

    def __enter__(self) -> "Watch":
        self.seen: list[float] = []
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.note)
        self.interval = sys.getswitchinterval()
        sys.setswitchinterval(1e-4)
        self.thread.start()
        return self

    def note(self) -> None:
        while not self.stop.is_set():
            self.seen.append(time.monotonic())

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self.thread.join()
        sys.setswitchinterval(self.interval)

    def progressed_during(self, call: Callable[[], object]) -> bool:
        """Whether the thread ran in the middle of the call, far from where it began and ended."""
        start = time.monotonic()
        call()
        end = time.monotonic()
        quarter = (end - start) / 4
        return any(start + quarter < moment < end - quarter for moment in list(self.seen))


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    with ChangeLog.open(tmp_path) as log:
        log.append(Change.insert("t", 1, bytes(HUGE)))
    return tmp_path


def test_the_watch_notices_who_holds_the_interpreter() -> None:
    with Watch() as watch:
        # One call of a built-in function that does not let go of it.
        assert not watch.progressed_during(lambda: sum(range(30_000_000)))


def test_appending(tmp_path: Path) -> None:
    change = Change.insert("t", 1, bytes(HUGE))
    with ChangeLog.open(tmp_path) as log, Watch() as watch:
        assert watch.progressed_during(lambda: log.append(change))


def test_appending_a_transaction(tmp_path: Path) -> None:
    changes = [Change.insert("t", number, bytes(HUGE // 4)) for number in range(4)]
    with ChangeLog.open(tmp_path) as log, Watch() as watch:
        assert watch.progressed_during(lambda: log.append_transaction(changes))


def test_appending_a_foreign_transaction(tmp_path: Path) -> None:
    node = ChangeLog.in_memory().node
    transaction = Transaction(node=node, sequence=1, timestamp=0, changes=[Change.insert("t", 1, bytes(HUGE))])
    with ChangeLog.open(tmp_path) as log, Watch() as watch:
        assert watch.progressed_during(lambda: log.append_remote(transaction))


def test_opening(stored: Path) -> None:
    logs: list[ChangeLog] = []
    with Watch() as watch:
        assert watch.progressed_during(lambda: logs.append(ChangeLog.open(stored)))
    logs[0].close()


def test_reading(stored: Path) -> None:
    with ChangeLog.open(stored) as log, Watch() as watch:
        entries, transactions = log.query(), log.transactions()
        assert watch.progressed_during(lambda: next(entries))
        assert watch.progressed_during(lambda: next(transactions))


@pytest.mark.parametrize(
    "call",
    [
        lambda replica, other, transaction: replica.insert("t", 2, bytes(HUGE)),
        lambda replica, other, transaction: replica.append([Change.insert("t", 2, bytes(HUGE))]),
        lambda replica, other, transaction: other.apply(transaction),
        lambda replica, other, transaction: replica.get("t", 1),
        lambda replica, other, transaction: replica.rows("t"),
        lambda replica, other, transaction: replica.effective(),
        lambda replica, other, transaction: replica.why("t", 1),
        lambda replica, other, transaction: causelog.sync(replica, other),
    ],
    ids=["insert", "append", "apply", "get", "rows", "effective", "why", "sync"],
)
def test_a_replica(tmp_path: Path, call: Callable[[Replica, Replica, Transaction], object]) -> None:
    with Replica.open(tmp_path / "a") as replica, Replica.open(tmp_path / "b") as other:
        replica.insert("t", 1, bytes(HUGE))
        [transaction] = replica.log.transactions()
        with Watch() as watch:
            assert watch.progressed_during(lambda: call(replica, other, transaction))


@pytest.mark.parametrize("call", [ChangeLog.sync, ChangeLog.close, lambda log: log.append(insert())])
def test_waiting_for_another_writer(tmp_path: Path, call: Callable[[ChangeLog], object]) -> None:
    change = Change.insert("t", 1, bytes(HUGE))
    with ChangeLog.open(tmp_path) as log:
        [segment] = tmp_path.glob("*.segment")
        size = segment.stat().st_size
        writer = threading.Thread(target=log.append, args=[change])
        with Watch() as watch:
            writer.start()
            # Once bytes arrive the writer has its lock, and most of the work before it.
            while segment.stat().st_size == size:
                time.sleep(0)
            assert watch.progressed_during(lambda: call(log))
            writer.join()


def run_all(work: Callable[[int], None], threads: int = 4) -> None:
    failures: list[BaseException] = []

    def guarded(number: int) -> None:
        try:
            work(number)
        except BaseException as error:
            failures.append(error)

    running = [threading.Thread(target=guarded, args=[number], daemon=True) for number in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join(timeout=120)
        assert not thread.is_alive(), "a thread is stuck"
    if failures:
        raise failures[0]


def test_threads_share_a_log(log: ChangeLog) -> None:
    def work(number: int) -> None:
        for step in range(100):
            log.append_transaction([insert((number, step)), insert((number, step))])
            log.frontier()
            log.stats()
            assert sum(1 for _ in log.query(table="orders", since=step)) >= step
            assert next(log.query(reverse=True)).lsn > 2 * step

    run_all(work)
    entries = list(log.query())
    assert [entry.lsn for entry in entries] == list(range(1, 801))
    for number in range(4):
        rows = [entry.row_id for entry in entries if isinstance(entry.row_id, tuple) and entry.row_id[0] == number]
        assert rows == [(number, step) for step in range(100) for _ in range(2)]


def test_threads_share_a_cursor(log: ChangeLog) -> None:
    log.append_transaction(insert(number) for number in range(5_000))
    cursor, found = log.query(), [list[int]() for _ in range(4)]

    def work(number: int) -> None:
        found[number].extend(entry.lsn for entry in cursor)

    run_all(work)
    assert sorted(lsn for lsns in found for lsn in lsns) == list(range(1, 5_001))
    for lsns in found:
        assert lsns == sorted(lsns)


def test_threads_exchange_between_two_logs(tmp_path: Path) -> None:
    with ChangeLog.open(tmp_path / "a") as one, ChangeLog.open(tmp_path / "b") as other:

        def work(number: int) -> None:
            mine, yours = (one, other) if number % 2 else (other, one)
            for step in range(25):
                mine.append(insert((number, step)))
                exchange(mine, yours)

        run_all(work)
        exchange(one, other)
        exchange(other, one)
        assert one.frontier() == other.frontier()
        assert one.stats().entries == other.stats().entries == 100


def use_for_ever(log: ChangeLog) -> None:
    while True:
        for _ in log.query():
            log.append(insert())


def test_a_log_is_closed_while_others_use_it() -> None:
    log = ChangeLog.in_memory()
    log.append_transaction(insert(number) for number in range(1_000))

    def work(number: int) -> None:
        if number == 0:
            time.sleep(0.02)
            log.close()
            return
        with pytest.raises(causelog.ClosedError):
            use_for_ever(log)

    run_all(work)
