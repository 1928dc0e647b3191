"""What a log keeps and for whom: consumers, retention, compaction, verify, salvage, waiting, reading only."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import causelog
import pytest
from causelog import Change, ChangeLog, ManualTime

START = datetime(2030, 1, 1, tzinfo=UTC)


def fill(log: ChangeLog, count: int, *, rows: int = 10) -> None:
    for number in range(count):
        log.append(Change.insert("orders", number % rows, {"number": number, "padding": "x" * 80}))


def test_a_consumer_gets_each_entry_and_keeps_its_place(tmp_path: Path) -> None:
    with ChangeLog.open(tmp_path) as log:
        fill(log, 10)
        log.append_transaction([Change.insert("orders", row, {}) for row in range(5)])
        reader = log.consumer("reports")
        assert (reader.name, reader.position(), reader.lag()) == ("reports", 0, 15)
        first = reader.poll(4)
        assert [entry.lsn for entry in first] == [1, 2, 3, 4]
        reader.commit(4)
        # The transaction of five comes whole or not at all.
        assert [entry.lsn for entry in reader.poll(7)] == list(range(5, 11))
        assert [entry.lsn for entry in reader.poll(2)] == list(range(11, 16))
        assert reader.poll() == []
        assert [(status.name, status.position, status.lag) for status in log.consumers()] == [("reports", 4, 11)]
    with ChangeLog.open(tmp_path) as log:
        reader = log.consumer("reports")
        assert reader.position() == 4
        assert reader.poll(1)[0].lsn == 5
        with pytest.raises(causelog.InvalidArgumentError, match="99"):
            reader.commit(99)
        with pytest.raises(causelog.InvalidArgumentError):
            reader.commit(2)
        reader.reset(2)
        assert reader.poll(1)[0].lsn == 3
        log.remove_consumer("reports")
        with pytest.raises(causelog.NotFoundError):
            reader.position()
        with pytest.raises(causelog.NotFoundError):
            log.remove_consumer("reports")


@pytest.mark.parametrize("name", ["", "a b", "ä", "x" * 101, "a/b"])
def test_a_consumer_has_a_proper_name(name: str) -> None:
    with ChangeLog.in_memory() as log, pytest.raises(causelog.InvalidArgumentError):
        log.consumer(name)


def test_what_was_closed_answers_nothing() -> None:
    log = ChangeLog.in_memory()
    fill(log, 1)
    reader = log.consumer("reports")
    log.close()
    for call in (
        reader.poll,
        reader.position,
        reader.lag,
        lambda: reader.commit(1),
        lambda: reader.reset(0),
        log.consumers,
        log.removals,
        log.retain,
        log.compact,
        log.compress,
        log.verify,
        lambda: log.maintain(START),
        lambda: log.wait(0, timedelta(0)),
    ):
        with pytest.raises(causelog.ClosedError):
            call()


def test_retention_removes_whole_segments_and_says_so(tmp_path: Path) -> None:
    with ChangeLog.open(tmp_path, segment_bytes=4096, durability="os") as log:
        fill(log, 200)
        assert log.stats().segments > 3
        (removal,) = log.retain(max_bytes=8192)
        assert removal.reason is causelog.RemovalReason.BYTES
        assert (removal.first_lsn, removal.entries) == (1, removal.last_lsn)
        assert removal.bytes > 0
        assert "8192" in removal.detail
        assert abs(removal.at - datetime.now(UTC)) < timedelta(minutes=1)
        assert log.removals() == [removal]
        assert log.stats().first_lsn == removal.last_lsn + 1
        with pytest.raises(causelog.TruncatedError, match=str(removal.last_lsn + 1)):
            list(log.query())
        assert next(iter(log.query(since=removal.last_lsn))).lsn == removal.last_lsn + 1
        assert log.retain() == []
    with ChangeLog.open(tmp_path) as log:
        assert log.removals() == [removal]


def test_retention_by_age_keeps_what_nobody_has_read() -> None:
    time = ManualTime(START)
    with ChangeLog.in_memory(segment_bytes=4096, durability="os", time=time) as log:
        reader = log.consumer("slow")
        fill(log, 100)
        time.set(START + timedelta(days=2))
        assert log.retain(max_age=timedelta(days=1)) == []
        reader.poll(1000)
        reader.commit(100)
        removals = log.retain(max_age=timedelta(days=1))
        assert [removal.reason for removal in removals] == ["age"]
        assert removals[0].last_lsn == 100
        with pytest.raises(causelog.InvalidArgumentError):
            log.retain(max_age=timedelta(days=-1))


def test_compaction_keeps_the_latest_of_each_row() -> None:
    with ChangeLog.in_memory(segment_bytes=4096, durability="os") as log:
        fill(log, 300, rows=3)
        before = dict(log.materialise("orders"))
        removal = log.compact(table="orders")
        assert removal is not None
        assert removal.reason == "compaction"
        assert 200 < removal.entries < 300
        assert log.stats().entries == 300 - removal.entries
        assert dict(log.materialise("orders")) == before
        with pytest.raises(causelog.TruncatedError):
            log.state_at("orders", 1, at=5)
        assert log.compact(table=["orders"], known=[log.frontier()]) is None
        with pytest.raises(TypeError):
            log.compact(known=[1])  # type: ignore[list-item]


def test_sealed_segments_are_compressed(tmp_path: Path) -> None:
    with ChangeLog.open(tmp_path, segment_bytes=4096, durability="os") as log:
        fill(log, 200)
        before = log.stats()
        held = [entry.dot for entry in log.query()]
        report = log.compress()
        assert report.segments == before.segments - 1
        assert 0 < report.bytes_after < report.bytes_before / 2
        assert log.stats().bytes == before.bytes - report.bytes_before + report.bytes_after
        assert repr(report) == (
            f"<CompressionReport of {report.segments} segments, {report.bytes_before} to {report.bytes_after} bytes>"
        )
        nothing = log.compress()
        assert (nothing.segments, nothing.bytes_before, nothing.bytes_after) == (0, 0, 0)
        assert nothing == log.compress()
        assert nothing != report
        log.verify().check()
    with ChangeLog.open(tmp_path, read_only=True) as log:
        assert [entry.dot for entry in log.query()] == held
        with pytest.raises(causelog.ReadOnlyError):
            log.compress()


def test_damage_is_found_and_the_rest_is_saved(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    with ChangeLog.open(source, segment_bytes=4096, durability="os") as log:
        fill(log, 100)
        report = log.verify()
        assert report.is_intact
        assert (report.entries, report.transactions) == (100, 100)
        report.check()
    segment = source / "00000000000000000002.segment"
    content = bytearray(segment.read_bytes())
    content[1000] ^= 1
    segment.write_bytes(content)
    with ChangeLog.open(source, read_only=True) as log:
        report = log.verify()
        assert not report.is_intact
        (finding, *_) = report.findings
        assert finding.file == segment.name
        assert finding.offset is not None
        assert finding.offset < 1000
        with pytest.raises(causelog.CorruptError, match=segment.name):
            report.check()
        with pytest.raises(causelog.CorruptError, match=segment.name):
            list(log.query())
    saved = ChangeLog.salvage(source, target)
    assert saved.findings
    assert 0 < saved.transactions < 100
    with ChangeLog.open(target) as log:
        assert log.stats().entries == saved.entries
    with pytest.raises(causelog.AlreadyExistsError):
        ChangeLog.salvage(source, target)
    with pytest.raises(causelog.NotFoundError):
        ChangeLog.salvage(tmp_path / "nothing", tmp_path / "other")


def test_waiting_ends_when_something_comes_and_when_nothing_does() -> None:
    with ChangeLog.in_memory() as log:
        with pytest.raises(causelog.TimeoutError):
            log.wait(0, timedelta(milliseconds=20))
        thread = threading.Timer(0.05, lambda: fill(log, 1))
        thread.start()
        assert log.wait(0, timedelta(seconds=30)) == 1
        thread.join()
        with pytest.raises(TypeError):
            log.wait(0, 1)  # type: ignore[arg-type]


READER = """
import sys, datetime
from causelog import ChangeLog
with ChangeLog.open(sys.argv[1], read_only=True) as log:
    seen = 0
    print("ready", flush=True)
    while seen < 50:
        last = log.wait(seen, datetime.timedelta(seconds=30))
        for entry in log.query(since=seen):
            assert entry.lsn == seen + 1, entry
            seen = entry.lsn
    print(seen)
"""


def test_another_process_reads_along(tmp_path: Path) -> None:
    with ChangeLog.open(tmp_path, segment_bytes=4096) as log:
        command = [sys.executable, "-c", READER, os.fspath(tmp_path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as reader:
            assert reader.stdout is not None
            assert reader.stdout.readline() == "ready\n"
            fill(log, 50)
            assert reader.stdout.read() == "50\n"
        assert reader.returncode == 0


def test_a_log_for_reading_only(tmp_path: Path) -> None:
    with pytest.raises(causelog.NotFoundError):
        ChangeLog.open(tmp_path / "nothing", read_only=True)
    with ChangeLog.open(tmp_path) as log, ChangeLog.open(tmp_path, read_only=True) as reader:
        fill(log, 3)
        assert [entry.lsn for entry in reader.query()] == [1, 2, 3]
        assert reader.epoch == log.epoch == 0
        for call in (lambda: fill(reader, 1), reader.sync, reader.retain, lambda: reader.maintain(START)):
            with pytest.raises(causelog.ReadOnlyError):
                call()


def test_a_log_reads_the_same_through_a_memory_map(tmp_path: Path) -> None:
    with ChangeLog.open(tmp_path, segment_bytes=4096, memory_map=True) as log:
        fill(log, 100)
        assert log.stats().segments > 2
        assert [entry.after_json() for entry in log.query()] == [
            {"number": number, "padding": "x" * 80} for number in range(100)
        ]
        entry = next(log.query())
        log.retain(max_bytes=0)
        assert (entry.lsn, entry.after_json()) == (1, {"number": 0, "padding": "x" * 80})
        assert log.verify().is_intact
    with pytest.raises(TypeError):
        ChangeLog.open(tmp_path, memory_map="yes")  # type: ignore[arg-type]


def test_the_interval_durability_syncs_when_it_is_due() -> None:
    time = ManualTime(START)
    options = {"durability": "interval", "sync_interval": timedelta(seconds=1), "time": time}
    with ChangeLog.in_memory(**options) as log:  # type: ignore[arg-type]
        fill(log, 3)
        assert log.stats().durable_lsn == 0
        log.maintain(START + timedelta(seconds=2))
        assert log.stats().durable_lsn == 3
    with pytest.raises(causelog.InvalidArgumentError):
        ChangeLog.in_memory(sync_interval=timedelta(0))
    with pytest.raises(causelog.InvalidArgumentError, match="17"):
        ChangeLog.in_memory(segment_bytes=17)
