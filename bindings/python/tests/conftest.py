"""What the tests share: a fixed time, nodes with short ids, logs of both kinds."""

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import causelog
import pytest
from hypothesis import settings

# Every run tries the same examples; how long one takes depends on the machine.
settings.register_profile("causelog", deadline=None, derandomize=True)
settings.load_profile("causelog")

A, B, C = UUID(int=0xA), UUID(int=0xB), UUID(int=0xC)

STRATEGIES: list[causelog.Strategy] = [
    "last_write_wins",
    "first_write_wins",
    {"kind": "node_priority", "order": [str(B), str(A)]},
    "vector_clock_causal",
    {"kind": "vector_clock_causal", "fallback": "first_write_wins"},
    {"kind": "delete_wins", "fallback": "last_write_wins"},
    {"kind": "update_wins", "fallback": {"kind": "node_priority", "order": []}},
    {"kind": "field_merge", "liveness": "update_wins", "fields": {"count": "counter", "tags": "set"}},
    "manual",
    {"kind": "custom", "name": "longest", "version": 2},
]
"""A strategy of every kind, as it is given back."""


@pytest.fixture
def time() -> causelog.ManualTime:
    """A time that stands at one microsecond after the epoch until it is moved."""
    return causelog.ManualTime(1_000)


@pytest.fixture(params=["memory", "directory"])
def new_log(
    request: pytest.FixtureRequest, tmp_path: Path, time: causelog.ManualTime
) -> Iterator[Callable[..., causelog.ChangeLog]]:
    """Makes logs, in memory and in directories of their own."""
    logs: list[causelog.ChangeLog] = []

    def make(**options: object) -> causelog.ChangeLog:
        options.setdefault("time", time)
        if request.param == "memory":
            log = causelog.ChangeLog.in_memory(**options)  # type: ignore[arg-type]
        else:
            log = causelog.ChangeLog.open(tmp_path / f"log-{len(logs)}", **options)  # type: ignore[arg-type]
        logs.append(log)
        return log

    yield make
    for log in logs:
        log.close()


@pytest.fixture
def log(new_log: Callable[..., causelog.ChangeLog]) -> causelog.ChangeLog:
    """A new log of node A."""
    return new_log(node=A)


def insert(row_id: causelog.RowId = 1, after: causelog.Payload | None = None) -> causelog.Change:
    """A change that is like any other."""
    return causelog.Change.insert("orders", row_id, {"qty": 1} if after is None else after)


def exchange(source: causelog.ChangeLog, target: causelog.ChangeLog) -> None:
    """Brings what the target lacks."""
    for transaction in source.transactions(target.frontier()):
        target.append_remote(transaction)


@pytest.fixture(params=["memory", "directory"])
def new_replica(
    request: pytest.FixtureRequest, tmp_path: Path, time: causelog.ManualTime
) -> Iterator[Callable[..., causelog.Replica]]:
    """Makes replicas, in memory and in directories of their own."""
    replicas: list[causelog.Replica] = []

    def make(strategy: causelog.Strategy | None = None, **options: object) -> causelog.Replica:
        options.setdefault("time", time)
        if strategy is not None:
            options["registry"] = causelog.ResolverRegistry(strategy)
        if request.param == "memory":
            replica = causelog.Replica.in_memory(**options)  # type: ignore[arg-type]
        else:
            replica = causelog.Replica.open(tmp_path / f"replica-{len(replicas)}", **options)  # type: ignore[arg-type]
        replicas.append(replica)
        return replica

    yield make
    for replica in replicas:
        replica.close()
