"""Other nodes' transactions: taken as they are, recognised when they come again, refused when they do not fit."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import causelog
import pytest
from causelog import Change, ChangeLog, Dot, Transaction, VectorClock
from conftest import A, B, C, exchange, insert


def foreign(**fields: Any) -> Transaction:
    usual: dict[str, Any] = {"node": B, "sequence": 1, "timestamp": 500, "changes": [insert()]}
    return Transaction(**usual | fields)


def test_a_foreign_transaction_is_taken_as_it_is(log: ChangeLog) -> None:
    appended = log.append_remote(foreign(timestamp=-5))
    assert (appended.transaction, appended.timestamp_ns, appended.last_lsn) == (Dot(B, 1), -5, 1)
    [entry] = log.query()
    assert (entry.node, entry.timestamp_ns, entry.vector_clock) == (B, -5, VectorClock({B: 1}))
    assert entry.verdict is None
    [back] = log.transactions()
    assert back == foreign(timestamp=-5)


def test_a_duplicate_is_recognised(log: ChangeLog) -> None:
    first = log.append_remote(foreign())
    again = log.append_remote(foreign())
    assert (again.duplicate, again.first_lsn, again.transaction) == (True, first.first_lsn, first.transaction)
    assert again != first and repr(again).endswith("a duplicate>")
    assert log.stats().transactions == 1


@pytest.mark.parametrize(
    "other",
    [
        foreign(changes=[insert(2)]),
        foreign(timestamp=501),
        foreign(changes=[]),
        foreign(sequence=2, changes=[insert(), insert()]),
    ],
    ids=["another change", "another time", "no changes", "another width"],
)
def test_a_dot_used_twice(log: ChangeLog, other: Transaction) -> None:
    log.append_remote(foreign())
    with pytest.raises(causelog.DotReuseError, match=str(B)):
        log.append_remote(other)
    assert log.stats().transactions == 1


def test_a_missing_dependency_is_named(log: ChangeLog) -> None:
    with pytest.raises(causelog.MissingDependencyError, match=f"{C}:7") as caught:
        log.append_remote(foreign(dependencies=[Dot(C, 7)]))
    assert caught.value.retryable
    with pytest.raises(causelog.MissingDependencyError, match=f"{B}:1"):
        log.append_remote(foreign(sequence=2, dependencies=[]))
    assert log.stats().transactions == 0


def test_a_dependency_inside_a_transaction(log: ChangeLog) -> None:
    log.append_transaction([insert(1), insert(2)])
    with pytest.raises(causelog.InvalidArgumentError, match="not the last dot of a transaction"):
        log.append_remote(foreign(dependencies=[Dot(A, 1)]))


def test_an_author_who_forgot_its_own_past(log: ChangeLog) -> None:
    log.append_remote(foreign())
    with pytest.raises(causelog.InvalidArgumentError, match="do not cover its author's previous transaction"):
        log.append_remote(foreign(sequence=2))


def test_a_sequence_too_low(log: ChangeLog) -> None:
    with pytest.raises(causelog.InvalidArgumentError, match="sequences start at 1"):
        log.append_remote(foreign(sequence=0))


def test_a_timestamp_too_far_ahead(log: ChangeLog, time: causelog.ManualTime) -> None:
    ahead = foreign(timestamp=1_000 + 120_000_000_001)
    with pytest.raises(causelog.ClockSkewError) as caught:
        log.append_remote(ahead)
    assert caught.value.retryable and log.stats().transactions == 0
    time.advance(1)
    log.append_remote(ahead)
    assert log.append(insert()).timestamp_ns == ahead.timestamp_ns + 1


def test_the_allowed_skew_can_be_set(new_log: Callable[..., ChangeLog]) -> None:
    strict = new_log(maximum_clock_skew=timedelta(0))
    with pytest.raises(causelog.ClockSkewError):
        strict.append_remote(foreign(timestamp=1_001))
    strict.append_remote(foreign(timestamp=1_000))
    lenient = new_log(maximum_clock_skew=timedelta(days=1))
    lenient.append_remote(foreign(timestamp=86_000_000_000_000))


def test_a_foreign_change_that_no_log_takes(log: ChangeLog) -> None:
    with pytest.raises(causelog.InvalidArgumentError, match="table name is empty"):
        log.append_remote(foreign(changes=[Change.insert("", 1, {})]))


def test_replicas_come_to_hold_the_same(new_log: Callable[..., ChangeLog]) -> None:
    logs = [new_log() for _ in range(3)]
    for round in range(4):
        for number, log in enumerate(logs):
            log.append_transaction([insert((round, number, part)) for part in range(round)])
        exchange(logs[round % 3], logs[(round + 1) % 3])
    for source in logs:
        for target in logs:
            exchange(source, target)
    dots = [sorted(entry.dot for entry in log.query()) for log in logs]
    assert dots[0] == dots[1] == dots[2]
    assert logs[0].frontier() == logs[1].frontier() == logs[2].frontier()
    for log in logs:
        for entry in log.query():
            assert entry.vector_clock == logs[0].vector_clock(entry.dot)


def test_only_what_is_lacking_is_sent(new_log: Callable[..., ChangeLog]) -> None:
    here, there = new_log(node=A), new_log(node=B)
    here.append(insert(1))
    exchange(here, there)
    here.append(insert(2))
    there.append(insert(3))
    assert [transaction.dot for transaction in here.transactions(there.frontier())] == [Dot(A, 2)]
    assert [transaction.dot for transaction in there.transactions(here.frontier())] == [Dot(B, 1)]
    assert [transaction.dot for transaction in there.transactions()] == [Dot(A, 1), Dot(B, 1)]
    [transaction] = there.transactions(here.frontier())
    assert transaction.dependencies == (Dot(A, 1),)


@pytest.mark.parametrize("transaction", [None, insert(), {"node": A}])
def test_only_transactions_are_taken(log: ChangeLog, transaction: object) -> None:
    with pytest.raises(TypeError):
        log.append_remote(transaction)  # type: ignore[arg-type]
