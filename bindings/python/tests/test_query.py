"""Every option of a query, alone and with others."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import causelog
import pytest
from causelog import Change, ChangeLog, ChangeOperation, Dot, Transaction
from conftest import A, B, C


@pytest.fixture
def filled(log: ChangeLog, time: causelog.ManualTime) -> ChangeLog:
    """Nine entries, stamped 1000, 2000, … by two nodes."""
    changes = [
        Change.insert("orders", 1, {"n": 1}),
        Change.insert("orders", 2, {"n": 2}),
        Change.update("orders", 1, {"n": 1}, {"n": 3}),
        Change.insert("audit", 1, {"n": 4}),
        Change.delete("orders", 2, {"n": 2}),
        Change.insert("audit", ("a", 1), {"n": 6}),
        Change.update("stock", 1, {"n": 0}, {"n": 7}),
    ]
    for number, change in enumerate(changes):
        time.set(1_000 * (number + 1))
        log.append(change)
    remote = [Change.insert("orders", 3, {"n": 8}), Change.delete("audit", 1)]
    log.append_remote(Transaction(node=B, sequence=2, timestamp=8_000, changes=remote))
    return log


@pytest.mark.parametrize(
    ("options", "lsns"),
    [
        ({}, [1, 2, 3, 4, 5, 6, 7, 8, 9]),
        ({"table": "orders"}, [1, 2, 3, 5, 8]),
        ({"table": ["orders"]}, [1, 2, 3, 5, 8]),
        ({"table": ["audit", "stock"]}, [4, 6, 7, 9]),
        ({"table": ("audit", "nothing")}, [4, 6, 9]),
        ({"table": "nothing"}, []),
        ({"table": ""}, []),
        ({"table": []}, [1, 2, 3, 4, 5, 6, 7, 8, 9]),
        ({"row_id": 1}, [1, 3, 4, 7, 9]),
        ({"row_id": "1"}, []),
        ({"row_id": ("a", 1)}, [6]),
        ({"table": "orders", "row_id": 1}, [1, 3]),
        ({"operation": "insert"}, [1, 2, 4, 6, 8]),
        ({"operation": ChangeOperation.UPDATE}, [3, 7]),
        ({"operation": "delete"}, [5, 9]),
        ({"node": A}, [1, 2, 3, 4, 5, 6, 7]),
        ({"node": B}, [8, 9]),
        ({"node": C}, []),
        ({"transaction": Dot(B, 2)}, [8, 9]),
        ({"transaction": (B, 1)}, []),
        ({"unseen_by": causelog.VectorClock()}, [1, 2, 3, 4, 5, 6, 7, 8, 9]),
        ({"unseen_by": causelog.VectorClock({A: 6, B: 1})}, [7, 9]),
        ({"since": 3}, [4, 5, 6, 7, 8, 9]),
        ({"since": 8}, [9]),
        ({"since": 9}, []),
        ({"since": 2**64 - 1}, []),
        ({"until": 2}, [1, 2]),
        ({"until": 8}, [1, 2, 3, 4, 5, 6, 7, 8]),
        ({"until": 0}, []),
        ({"since": 3, "until": 5}, [4, 5]),
        ({"since": 5, "until": 3}, []),
        ({"since_time": 6_000}, [7, 8, 9]),
        ({"until_time": 2_000}, [1, 2]),
        ({"since_time": 2_000, "until_time": 4_000}, [3, 4]),
        ({"since_time": datetime(1970, 1, 1, microsecond=7, tzinfo=UTC)}, [8, 9]),
        ({"limit": 2}, [1, 2]),
        ({"limit": 0}, []),
        ({"limit": 100}, [1, 2, 3, 4, 5, 6, 7, 8, 9]),
        ({"reverse": True}, [9, 8, 7, 6, 5, 4, 3, 2, 1]),
        ({"reverse": True, "limit": 2}, [9, 8]),
        ({"reverse": True, "since": 7}, [9, 8]),
        ({"reverse": True, "until": 8, "table": "orders", "operation": "insert"}, [8, 2, 1]),
        ({"table": "orders", "since": 1, "limit": 2}, [2, 3]),
        ({"table": None, "row_id": None, "operation": None, "node": None, "limit": 1}, [1]),
    ],
    ids=repr,
)
def test_what_is_found(filled: ChangeLog, options: dict[str, Any], lsns: list[int]) -> None:
    assert [entry.lsn for entry in filled.query(**options)] == lsns


@pytest.mark.parametrize(
    "options",
    [
        {"table": 1},
        {"table": ["orders", 1]},
        {"row_id": 1.5},
        {"row_id": True},
        {"operation": 1},
        {"node": str(A)},
        {"transaction": B},
        {"transaction": "a:1"},
        {"unseen_by": {A: 1}},
        {"since": "1"},
        {"since": None},
        {"since": True},
        {"until": 1.0},
        {"since_time": "1970"},
        {"limit": "1"},
        {"limit": False},
        {"reverse": 1},
        {"nothing": 1},
    ],
    ids=repr,
)
def test_options_of_the_wrong_type(log: ChangeLog, options: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        log.query(**options)


@pytest.mark.parametrize(
    "options",
    [
        {"row_id": ()},
        {"row_id": 2**63},
        {"operation": "upsert"},
        {"since": -1},
        {"until": 2**64},
        {"limit": -1},
        {"since_time": datetime(2024, 1, 1)},
        {"until_time": 2**63},
        {"table": "\ud800"},
    ],
    ids=repr,
)
def test_options_out_of_range(log: ChangeLog, options: dict[str, Any]) -> None:
    with pytest.raises(causelog.InvalidArgumentError):
        log.query(**options)


def test_conditions_are_given_by_name(log: ChangeLog) -> None:
    with pytest.raises(TypeError):
        log.query("orders")  # type: ignore[call-arg]


def test_more_entries_than_are_fetched_at_once(log: ChangeLog) -> None:
    for _ in range(3):
        log.append_transaction(Change.insert("t", number, {}) for number in range(300))
    assert [entry.lsn for entry in log.query()] == list(range(1, 901))
    assert [entry.lsn for entry in log.query(reverse=True, limit=700)] == list(range(900, 200, -1))
    assert [entry.lsn for entry in log.query(row_id=299)] == [300, 600, 900]


def test_a_cursor_is_its_own_iterator_and_stays_at_its_end(filled: ChangeLog) -> None:
    cursor = filled.query(limit=1)
    assert iter(cursor) is cursor
    assert next(cursor).lsn == 1
    for _ in range(2):
        with pytest.raises(StopIteration):
            next(cursor)


def test_a_row_is_found_by_the_id_it_went_in_with(log: ChangeLog) -> None:
    row_ids: list[causelog.RowId] = [1, "1", b"1", UUID(int=1), (1,), ("1", b"1", UUID(int=1), 1)]
    for row_id in row_ids:
        log.append(Change.insert("t", row_id, {}))
    for lsn, row_id in enumerate(row_ids, 1):
        [entry] = log.query(table="t", row_id=row_id)
        assert (entry.lsn, entry.row_id, type(entry.row_id)) == (lsn, row_id, type(row_id))


def test_entries_of_one_transaction_share_its_name(filled: ChangeLog) -> None:
    assert [(entry.dot, entry.transaction) for entry in filled.query(node=B)] == [
        (Dot(B, 1), Dot(B, 2)),
        (Dot(B, 2), Dot(B, 2)),
    ]
