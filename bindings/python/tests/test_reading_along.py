"""Those who follow a log: waiting, consumers in threads and processes, readers beside the writer."""

import builtins
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import Any

import causelog
import pytest
from causelog import Change, ChangeLog
from conftest import A, insert


def run(script: str, *arguments: object) -> str:
    """What another process prints that does this."""
    command = [sys.executable, "-c", script, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_waiting_says_for_how_long_it_waited(log: ChangeLog) -> None:
    log.append(insert())
    assert log.wait(0, timedelta(0)) == 1
    with pytest.raises(builtins.TimeoutError, match="no entry after 1 came within 250ms") as caught:
        log.wait(1, timedelta(milliseconds=250))
    assert isinstance(caught.value, causelog.TimeoutError) and caught.value.retryable


def test_signals_are_heard_while_waiting(log: ChangeLog) -> None:
    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(KeyboardInterrupt):
            log.wait(0, timedelta(minutes=1))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert log.append(insert()).last_lsn == 1


def test_closing_ends_the_waiting(log: ChangeLog) -> None:
    thread = threading.Timer(0.05, log.close)
    thread.start()
    with pytest.raises(causelog.ClosedError):
        log.wait(0, timedelta(minutes=1))
    thread.join()


def test_many_wait_for_one_entry(log: ChangeLog) -> None:
    found: list[int] = []
    threads = [
        threading.Thread(target=lambda: found.append(log.wait(0, timedelta(minutes=1))), daemon=True) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    log.append(insert())
    for thread in threads:
        thread.join(timeout=60)
    assert found == [1] * 8


def test_threads_share_a_consumer(log: ChangeLog) -> None:
    for _ in range(100):
        log.append_transaction(insert(number) for number in range(3))
    reader = log.consumer("workers")
    found = [list[int]() for _ in range(4)]

    def work(mine: list[int]) -> None:
        while entries := reader.poll(7):
            mine.extend(entry.lsn for entry in entries)

    threads = [threading.Thread(target=work, args=[mine]) for mine in found]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(lsn for lsns in found for lsn in lsns) == list(range(1, 301))
    for lsns in found:
        assert lsns == sorted(lsns)


def test_a_consumer_keeps_its_log_open(tmp_path: Path) -> None:
    log = ChangeLog.open(tmp_path)
    log.append(insert())
    reader = log.consumer("reports")
    del log
    assert [entry.lsn for entry in reader.poll()] == [1]
    reader.commit(1)
    with pytest.raises(causelog.LockedError):
        ChangeLog.open(tmp_path)
    del reader
    with ChangeLog.open(tmp_path) as log:
        assert log.consumer("reports").lag() == 0


def test_handles_on_one_consumer_never_take_it_back(log: ChangeLog) -> None:
    log.append_transaction(insert(number) for number in range(3))
    log.append(insert(3))
    one, other = log.consumer("reports"), log.consumer("reports")
    assert one.poll(1) == other.poll(1) == list(log.query(until=3))
    one.commit(4)
    with pytest.raises(causelog.InvalidArgumentError, match=r"3.*4"):
        other.commit(3)
    one.commit(4)
    assert one.position() == other.position() == 4
    other.reset(2)
    # Within a transaction it begins again with its first entry.
    assert [entry.lsn for entry in other.poll(1)] == [1, 2, 3]
    assert log.consumers() == log.consumers() and log.consumers()[0].position == 2


def test_a_consumer_that_retention_overtook_is_told() -> None:
    with ChangeLog.in_memory(segment_bytes=4096) as log:
        reader = log.consumer("slow")
        for number in range(200):
            log.append(insert(number, b"x" * 100))
        assert log.retain(max_bytes=8192) == []
        [removal] = log.retain(max_bytes=8192, unread_bytes=10_000)
        first = removal.last_lsn + 1
        with pytest.raises(causelog.TruncatedError, match=f"{first}$"):
            reader.poll()
        assert reader.lag() == 200
        reader.reset(first - 1)
        assert reader.poll(1)[0].lsn == first


CONSUME = """
import sys
from causelog import ChangeLog
with ChangeLog.open(sys.argv[1], read_only=True) as log:
    reader = log.consumer("elsewhere")
    entries = reader.poll(int(sys.argv[2]))
    reader.commit(entries[-1].lsn)
    print([entry.lsn for entry in entries], reader.lag())
"""


@pytest.mark.parametrize("durability", causelog.Durability)
def test_a_consumer_in_another_process(tmp_path: Path, durability: causelog.Durability) -> None:
    with ChangeLog.open(tmp_path, durability=durability) as log:
        for number in range(5):
            log.append(insert(number))
        assert run(CONSUME, tmp_path, 3) == "[1, 2, 3] 2\n"
        [status] = log.consumers()
        assert (status.name, status.position, status.lag) == ("elsewhere", 3, 2)
        assert repr(status) == '<ConsumerStatus "elsewhere" at 3, 2 behind>'
        assert log.stats().consumers == [status]
        assert run(CONSUME, tmp_path, 10) == "[4, 5] 0\n"
    assert run(CONSUME.replace("entries[-1].lsn", "5"), tmp_path, 10) == "[] 0\n"


def test_a_reader_sees_what_comes_and_goes(tmp_path: Path) -> None:
    with ChangeLog.open(tmp_path, segment_bytes=4096, node=A) as log:
        log.append(insert(0))
        with ChangeLog.open(tmp_path, read_only=True) as reader:
            assert (reader.node, reader.id) == (log.node, log.id)
            view = reader.materialise("orders")
            for number in range(1, 100):
                log.append(insert(number, b"x" * 100))
            assert reader.wait(1, timedelta(minutes=1)) == 100
            assert view.refresh() == 99 and list(view) == list(range(100))
            assert reader.stats() == log.stats() and reader.frontier() == log.frontier()
            [removal] = log.retain(max_bytes=8192)
            assert reader.removals() == [removal]
            with pytest.raises(causelog.TruncatedError):
                list(reader.query())
            assert reader.verify() == log.verify() and reader.verify().is_intact


FORK = """
import os, sys
from causelog import Change, ChangeLog, ClosedError
log = ChangeLog.open(sys.argv[1])
log.append(Change.insert("orders", 1, {}))
reader = log.consumer("reports")
child = os.fork()
if child == 0:
    for call in log.stats, log.sync, log.query, log.verify, reader.poll, lambda: log.append(Change.delete("orders", 1)):
        try:
            call()
        except ClosedError as error:
            assert "forked" in str(error)
        else:
            os._exit(1)
    os._exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
log.append(Change.insert("orders", 2, {}))
print(len(reader.poll()))
"""


def test_after_a_fork_the_log_is_the_parents(tmp_path: Path) -> None:
    assert run(FORK, tmp_path) == "2\n"


Call = Callable[[ChangeLog, Any], object]
ONE_ARGUMENT: dict[str, Call] = {
    "wait lsn": lambda log, value: log.wait(value, timedelta(0)),
    "poll": lambda log, value: log.consumer("a").poll(value),
    "commit": lambda log, value: log.consumer("a").commit(value),
    "reset": lambda log, value: log.consumer("a").reset(value),
    "max_bytes": lambda log, value: log.retain(max_bytes=value),
    "unread_bytes": lambda log, value: log.retain(unread_bytes=value),
    "segment_bytes": lambda _, value: ChangeLog.in_memory(segment_bytes=value),
}


@pytest.mark.parametrize("name", ONE_ARGUMENT)
def test_numbers_of_the_wrong_kind(log: ChangeLog, name: str) -> None:
    for value in "1", 1.5, True, b"1":
        with pytest.raises(TypeError):
            ONE_ARGUMENT[name](log, value)
    for value in -1, 2**64:
        with pytest.raises(causelog.InvalidArgumentError, match=str(value)):
            ONE_ARGUMENT[name](log, value)
    assert log.removals() == []


@pytest.mark.parametrize(
    "call",
    [
        lambda log: log.wait(0, 1),
        lambda log: log.wait(0, None),
        lambda log: log.wait(0),
        lambda log: log.maintain("now"),
        lambda log: log.maintain(timedelta(1)),
        lambda log: log.retain(60),
        lambda log: log.retain(max_age=60),
        lambda log: log.compact("orders"),
        lambda log: log.compact(table=1),
        lambda log: log.compact(table=["orders", 1]),
        lambda log: log.compact(known=log.frontier()),
        lambda log: log.compact(known=[{A: 1}]),
        lambda log: log.compress(1),
        lambda log: log.consumer(1),
        lambda log: log.consumer(None),
        lambda log: log.remove_consumer(b"a"),
        lambda _: ChangeLog.salvage(1, 2),  # type: ignore[arg-type]
        lambda _: ChangeLog.salvage("source"),  # type: ignore[call-arg]
        lambda _: ChangeLog.open("nowhere", read_only=1),  # type: ignore[arg-type]
        lambda _: ChangeLog.in_memory(sync_interval=1),  # type: ignore[arg-type]
        lambda _: ChangeLog.in_memory(read_only=True),  # type: ignore[call-arg]
        lambda _: causelog.Consumer(),
        lambda _: causelog.VerifyReport(),
        lambda _: causelog.CompressionReport(),
    ],
)
def test_arguments_of_the_wrong_type(log: ChangeLog, call: Callable[[ChangeLog], object]) -> None:
    with pytest.raises(TypeError):
        call(log)
    assert log.consumers() == []


def test_negative_lengths_of_time(log: ChangeLog) -> None:
    for call in (
        lambda: log.wait(0, -timedelta(1)),
        lambda: log.retain(max_age=-timedelta(1)),
        lambda: ChangeLog.in_memory(sync_interval=-timedelta(1)),
    ):
        with pytest.raises(causelog.InvalidArgumentError, match="negative"):
            call()


def test_compaction_takes_any_iterables(new_log: Callable[..., ChangeLog]) -> None:
    log = new_log(segment_bytes=4096)
    for _ in range(100):
        log.append(Change.update("orders", 1, None, b"x" * 100))
    behind = causelog.VectorClock({log.node: 1})
    # Somebody who has seen only the first entry may still write beside all others.
    assert log.compact(table=iter(["orders"]), known=iter([log.frontier(), behind])) is None
    removal = log.compact(known=(clock for clock in [log.frontier()]))
    assert removal is not None and log.removals() == [removal]
    assert log.stats().entries == 100 - removal.entries


def test_reports_are_values(tmp_path: Path) -> None:
    with ChangeLog.open(tmp_path / "log") as log:
        log.append(insert())
        report = log.verify()
        assert report == log.verify() and report.findings == []
        log.append(insert())
        assert report != log.verify()
    saved = ChangeLog.salvage(str(tmp_path / "log"), tmp_path / "one")
    assert (saved.transactions, saved.entries, saved.skipped_transactions, saved.findings) == (2, 2, 0, [])
    assert saved == ChangeLog.salvage(tmp_path / "log", os.fspath(tmp_path / "two"))
    with ChangeLog.open(tmp_path / "one") as one, ChangeLog.open(tmp_path / "log") as log:
        assert one.frontier() == log.frontier() and one.node != log.node


def test_maintenance_goes_by_the_time_that_it_is_told(time: causelog.ManualTime) -> None:
    with ChangeLog.in_memory(durability="interval", sync_interval=timedelta(hours=1), time=time) as log:
        log.append(insert())
        log.maintain(time.now())
        assert log.stats().durable_lsn == 0
        log.maintain(time.now() + 2 * 3600 * 10**9)
        assert log.stats().durable_lsn == 1
