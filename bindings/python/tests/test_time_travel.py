"""How rows stood: states, snapshots and views as Python sees them. What they hold, the conformance vectors say."""

import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import causelog
import pytest
from causelog import Change, ChangeLog, Dot, Row, Transaction
from conftest import A, B


@pytest.fixture
def filled(log: ChangeLog, time: causelog.ManualTime) -> ChangeLog:
    """Five entries of three rows, stamped 1000, 2000, …"""
    changes = [
        Change.insert("orders", 2, {"qty": 2}),
        Change.insert("orders", 1, {"qty": 1}),
        Change.update("orders", 2, {"qty": 2}, {"qty": 3}),
        Change.insert("orders", ("a", b"b"), b"\xff"),
        Change.delete("orders", 1),
    ]
    for number, change in enumerate(changes):
        time.set(1_000 * (number + 1))
        log.append(change)
    return log


def test_a_row(filled: ChangeLog) -> None:
    row = filled.state_at("orders", 2)
    assert row is not None
    assert (row.row_id, row.value, row.value_json()) == (2, b'{"qty":3}', {"qty": 3})
    assert (row.lsn, row.dot) == (3, Dot(A, 3))
    assert (row.timestamp_ns, row.timestamp) == (3_000, datetime(1970, 1, 1, microsecond=3, tzinfo=UTC))
    assert repr(row) == f"<Row 2 of LSN 3 by {A}:3>"
    assert row == filled.state_at("orders", 2, at=4) != filled.state_at("orders", 2, at=2)
    assert hash(row) == hash(filled.state_at("orders", 2, at=4))
    assert row != 3


def test_a_row_without_a_value_or_json(log: ChangeLog) -> None:
    log.append(Change("t", 1, "update"))
    log.append(Change.insert("t", 2, b"\xff"))
    without = log.state_at("t", 1)
    assert without is not None
    assert without.value is without.value_json() is None
    binary = log.state_at("t", 2)
    assert binary is not None
    with pytest.raises(causelog.InvalidArgumentError):
        binary.value_json()


@pytest.mark.parametrize(
    ("moment", "lsn"),
    [
        ({"at": 0}, None),
        ({"at": 1}, 1),
        ({"at": 2}, 1),
        ({"at": 3}, 3),
        ({"at": None}, 3),
        ({}, 3),
        ({"at": datetime(1970, 1, 1, tzinfo=UTC)}, None),
        ({"at": datetime(1970, 1, 1, microsecond=2, tzinfo=UTC)}, 1),
        ({"at": datetime(1970, 1, 1, 1, microsecond=3, tzinfo=timezone(timedelta(hours=1)))}, 3),
        ({"time": datetime(1970, 1, 1, microsecond=3, tzinfo=UTC)}, 3),
        ({"time": 2_999}, 1),
        ({"time": 3_000}, 3),
        ({"time": -1}, None),
    ],
    ids=repr,
)
def test_moments(filled: ChangeLog, moment: dict[str, Any], lsn: int | None) -> None:
    row = filled.state_at("orders", 2, **moment)
    assert (row and row.lsn) == lsn
    row = filled.snapshot("orders", **moment).get(2)
    assert (row and row.lsn) == lsn


@pytest.mark.parametrize("at", ["1", 1.5, True, timedelta(1), (1,)], ids=repr)
def test_moments_of_the_wrong_type(filled: ChangeLog, at: Any) -> None:
    with pytest.raises(TypeError):
        filled.snapshot("orders", at)
    with pytest.raises(TypeError):
        filled.state_at("orders", 1, at)


@pytest.mark.parametrize(
    "moment",
    [{"at": -1}, {"at": 2**64}, {"at": 6}, {"at": datetime(1970, 1, 1)}, {"time": 2**63}, {"at": 1, "time": 1}],
    ids=repr,
)
def test_moments_out_of_range(filled: ChangeLog, moment: dict[str, Any]) -> None:
    with pytest.raises(causelog.InvalidArgumentError):
        filled.snapshot("orders", **moment)
    with pytest.raises(causelog.InvalidArgumentError):
        filled.state_at("orders", 1, **moment)


def test_a_time_below_the_microsecond_is_exact(log: ChangeLog, time: causelog.ManualTime) -> None:
    time.set(1_500)
    log.append(Change.insert("t", 1, {}))
    [entry] = log.query()
    assert log.state_at("t", 1, at=entry.timestamp) is None
    assert log.state_at("t", 1, time=entry.timestamp_ns) is not None


@pytest.mark.parametrize("kind", ["snapshot", "view"])
def test_they_are_mappings(filled: ChangeLog, kind: str) -> None:
    rows = filled.snapshot("orders") if kind == "snapshot" else filled.materialise("orders")
    assert isinstance(rows, Mapping)
    assert list(rows) == [("a", b"b"), 2]  # tuples before integers
    assert len(rows) == 2
    assert (2 in rows, 1 in rows, "2" in rows) == (True, False, False)
    assert rows[2] == rows.get(2) == filled.state_at("orders", 2)
    assert rows.get(1) is None
    assert rows.get(1, "nothing") == "nothing"
    assert list(rows.keys()) == list(rows)
    assert list(rows.values()) == [rows[("a", b"b")], rows[2]]
    assert list(rows.items()) == list(zip(rows, rows.values(), strict=True))
    assert rows.keys() == {2, ("a", b"b")} and (2, rows[2]) in rows.items() and rows[2] in rows.values()
    assert dict(rows) == {("a", b"b"): rows[("a", b"b")], 2: rows[2]}
    with pytest.raises(KeyError) as missing:
        rows[("a", b"")]
    assert missing.value.args == (("a", b""),)
    with pytest.raises(TypeError):
        rows[2] = rows[2]  # type: ignore[index]
    with pytest.raises(TypeError):
        rows[1.5]  # type: ignore[index]
    with pytest.raises(TypeError):
        assert True in rows
    with pytest.raises(causelog.InvalidArgumentError):
        rows.get(2**63)
    match rows:
        case {2: Row(lsn=lsn)}:
            assert lsn == 3
        case _:
            pytest.fail("a mapping is matched as one")


def test_snapshots_are_equal_when_all_is(filled: ChangeLog) -> None:
    assert filled.snapshot("orders") == filled.snapshot("orders", at=5)
    assert filled.snapshot("orders", at=4) != filled.snapshot("orders", at=5)
    assert filled.snapshot("orders", at=0) != filled.snapshot("other", at=0)
    assert repr(filled.snapshot("orders")) == '<Snapshot of "orders" at LSN 5: 2 rows>'
    assert repr(filled.materialise("orders")) == '<View of "orders" at LSN 5: 2 rows>'
    with pytest.raises(TypeError):
        hash(filled.snapshot("orders"))


def test_a_view_takes_in_what_is_new_when_told_to(filled: ChangeLog) -> None:
    view = filled.materialise("orders")
    before, ids = view.snapshot(), iter(view)
    filled.append_remote(
        Transaction(node=B, sequence=2, timestamp=1, changes=[Change.delete("orders", 2), Change.insert("x", 1, {})])
    )
    assert view.snapshot() == before
    assert (view.refresh(), view.refresh()) == (1, 0)
    assert (view.lsn, list(view), view.table) == (7, [("a", b"b")], "orders")
    assert list(before) == list(ids) == [("a", b"b"), 2]
    assert view.snapshot() == filled.snapshot("orders")


def test_a_view_keeps_its_log_and_ends_with_it(filled: ChangeLog) -> None:
    view = ChangeLog.in_memory().materialise("t")
    assert view.refresh() == 0  # nobody else holds that log
    view = filled.materialise("orders")
    filled.close()
    with pytest.raises(causelog.ClosedError):
        view.refresh()
    assert len(view) == 2


def test_readers_and_refreshers_share_a_view(log: ChangeLog) -> None:
    log.append_transaction([Change.insert("t", 1, b"0"), Change.insert("t", 2, b"0")])
    view = log.materialise("t")
    done = threading.Event()
    wrong: list[object] = []

    def refresh() -> None:
        while not done.is_set():
            view.refresh()

    def read() -> None:
        while not done.is_set():
            one, two = view.values()
            if one.value != two.value:
                wrong.append((one, two))

    threads = [threading.Thread(target=target) for target in (refresh, refresh, read, read)]
    for thread in threads:
        thread.start()
    for number in range(100):
        value = str(number).encode()
        log.append_transaction([Change.update("t", 1, None, value), Change.update("t", 2, None, value)])
    done.set()
    for thread in threads:
        thread.join()
    view.refresh()
    assert not wrong
    assert view[1].value == view[2].value == b"99"


def test_row_ids_come_back_as_they_went_in(log: ChangeLog) -> None:
    row_ids: list[causelog.RowId] = [b"1", "1", (1,), 1, UUID(int=1)]
    for row_id in reversed(row_ids):
        log.append(Change.insert("t", row_id, {}))
    assert list(log.snapshot("t")) == row_ids
    assert [type(row_id) for row_id in log.materialise("t")] == [type(row_id) for row_id in row_ids]
