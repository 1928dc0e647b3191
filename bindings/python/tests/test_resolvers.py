"""Functions of the application that decide conflicts: what they are asked, what becomes of what they answer."""

import gc
import itertools
import signal
import threading
import time as clock
from collections.abc import Callable
from typing import Any

import causelog
import pytest
from causelog import (
    ChangeEntry,
    Dot,
    ReasonCode,
    Replica,
    ResolverDecision,
    ResolverRegistry,
    RowConflict,
    RowState,
    VectorClock,
    Winner,
    Write,
)
from conftest import A, B

New = Callable[..., Replica]
CUSTOM: causelog.Strategy = {"kind": "custom", "name": "chosen", "version": 1}


def longest(conflict: RowConflict) -> ResolverDecision:
    return ResolverDecision.head(max(conflict.heads, key=lambda head: (len(head.after or b""), head.dot)).dot)


def both(conflict: RowConflict) -> ResolverDecision:
    return ResolverDecision.value(sorted(head.after_json() for head in conflict.heads))


def gone(conflict: RowConflict) -> ResolverDecision:
    return ResolverDecision.delete()


def later(conflict: RowConflict) -> ResolverDecision:
    return ResolverDecision.defer()


def apart(new_replica: New, resolver: Any = None, **options: Any) -> tuple[Replica, Replica]:
    """Two replicas of which each has made a row without having heard of the other."""
    resolvers = {} if resolver is None else {("chosen", 1): resolver}
    a, b = (new_replica(CUSTOM, node=node, resolvers=resolvers, **options) for node in (A, B))
    a.insert("t", 1, "from a")
    b.insert("t", 1, "from b, longer")
    return a, b


def state(replica: Replica) -> RowState:
    row = replica.get("t", 1)
    assert row is not None
    return row.state


@pytest.mark.parametrize(
    ("resolver", "winner", "reason", "value"),
    [
        (longest, Dot(B, 1), ReasonCode.CUSTOM, "from b, longer"),
        (both, Winner.MERGED, ReasonCode.CUSTOM, ["from a", "from b, longer"]),
        (gone, Winner.MERGED, ReasonCode.CUSTOM, None),
        (later, Winner.PENDING, ReasonCode.DEFERRED, "from b, longer"),
    ],
)
def test_what_a_resolver_decides(
    new_replica: New, resolver: Any, winner: Dot | Winner, reason: ReasonCode, value: Any
) -> None:
    a, b = apart(new_replica, resolver)
    causelog.sync(a, b)
    assert a.get("t", 1) == b.get("t", 1)
    for replica in a, b:
        row, [report] = replica.get("t", 1), replica.conflicts()
        assert (None if row is None else row.value_json()) == value
        assert (report.winner, report.reason_code, report.leaves_live) == (winner, reason, value is not None)
        assert report.strategy == CUSTOM
        assert [item.state for item in replica.inbox()] == ([RowState.PENDING] if resolver is later else [])
        assert replica.replay(report) == report
    assert a.conflicts()[0].to_json() == b.conflicts()[0].to_json()


def test_what_a_resolver_is_asked(new_replica: New) -> None:
    asked: list[RowConflict] = []

    def watching(conflict: RowConflict) -> ResolverDecision:
        asked.append(conflict)
        return longest(conflict)

    a, b = apart(new_replica)
    causelog.sync(a, b)
    a.write([Write.update("t", 1, {"n": 0}, expected=a.heads("t", 1))])
    causelog.sync(a, b)
    a.register_resolver("chosen", 1, watching)
    a.update("t", 1, {"n": 1})
    b.delete("t", 1)
    assert asked == []
    causelog.sync(a, b)
    assert a.conflicts()
    one, turned = asked
    assert (one.table, one.row_id, one.conflict_class) == ("t", 1, "update_delete")
    assert (one.ancestor_is_live, one.ancestor, one.ancestor_json()) == (True, b'{"n":0}', {"n": 0})
    assert [head.operation for head in one.heads] == ["update", "delete"]
    assert one.heads[0].vector_clock.get(A) == one.heads[0].sequence
    assert turned.heads == tuple(reversed(one.heads)) and turned != one
    assert repr(one) == '<RowConflict update_delete on "t" 1 between 2 heads>'
    # What it has answered is kept.
    assert a.get("t", 1) == b.get("t", 1) or a.conflicts()
    assert len(asked) == 2


def test_a_conflict_made_by_hand() -> None:
    heads = [
        ChangeEntry(
            node=node,
            sequence=1,
            vector_clock=VectorClock({node: 1}),
            timestamp=0,
            table="t",
            row_id=1,
            operation="insert",
            after=after,
        )
        for node, after in [(A, b"1"), (B, b"22")]
    ]
    conflict = RowConflict(table="t", row_id=1, conflict_class="insert_insert", heads=iter(heads))
    assert longest(conflict) == ResolverDecision.head(Dot(B, 1))
    assert (conflict.heads, conflict.ancestor_is_live, conflict.ancestor) == (tuple(heads), False, None)
    assert conflict.ancestor_json() is None
    wanted: dict[str, Any] = {"table": "t", "row_id": 1, "conflict_class": "update_update", "heads": heads}
    live = RowConflict(**wanted, ancestor_is_live=True, ancestor={"n": 1})
    assert live == RowConflict(**wanted, ancestor_is_live=True, ancestor=b'{"n":1}') != conflict
    for wrong in {"heads": [1]}, {"heads": 1}, {"table": 1}, {"row_id": None}, {"conflict_class": 1}:
        with pytest.raises(TypeError):
            RowConflict(**wanted | wrong)
    with pytest.raises(causelog.InvalidArgumentError):
        RowConflict(**wanted | {"conflict_class": "both"})


def test_a_resolver_that_is_missing_until_it_is_registered(new_replica: New) -> None:
    a, b = apart(new_replica)
    causelog.sync(a, b)
    [item] = a.inbox()
    assert (item.state, item.failure, item.report.reason_code) == (RowState.UNRESOLVED, None, "resolver_missing")
    calls: list[Callable[[], Any]] = [
        lambda: a.update("t", 1, "x"),
        lambda: a.patch("t", 1, {}),
        lambda: a.append([causelog.Change.update("t", 1, None, "x")]),
    ]
    for call in calls:
        with pytest.raises(causelog.UnresolvedError, match="waits for a resolver"):
            call()
    for other in ("other", 1), ("chosen", 2):
        a.register_resolver(*other, longest)
    assert len(a.inbox()) == 1
    a.register_resolver("chosen", 1, longest)
    assert a.inbox() == [] and state(a) is RowState.RESOLVED and state(b) is RowState.UNRESOLVED
    assert a.registry().custom_resolvers() == [("chosen", 1)]


class Odd(Exception):
    """An exception that cannot even be printed."""

    def __str__(self) -> str:
        raise ValueError


@pytest.mark.parametrize(
    ("failure", "message"),
    [
        (ValueError("not today"), "ValueError: not today"),
        (KeyError(), "KeyError"),
        (causelog.ClosedError("x"), "ClosedError: x"),
        (SystemExit(3), "SystemExit: 3"),
        (Odd(), "Odd"),
        (UnicodeError("\ud800"), "UnicodeError: "),
    ],
    ids=repr,
)
def test_a_resolver_that_raises(new_replica: New, failure: BaseException, message: str) -> None:
    def failing(conflict: RowConflict) -> ResolverDecision:
        raise failure

    a, b = apart(new_replica, failing)
    [transaction] = b.log.transactions()
    a.apply(transaction)
    [item] = a.inbox()
    assert item.state is RowState.UNRESOLVED and item.report.reason_code is ReasonCode.RESOLVER_FAILED
    assert item.failure is not None and item.failure.startswith(message)
    causelog.sync(a, b)
    assert b.inbox()[0].failure == item.failure
    assert a.get("t", 1) == b.get("t", 1)
    # It is asked again once somebody says that it was mended.
    a.register_resolver("chosen", 1, longest)
    assert a.inbox() == []


@pytest.mark.parametrize("answer", [None, "head", Dot(A, 1), True, [ResolverDecision.delete()]], ids=repr)
def test_a_resolver_that_returns_something_else(new_replica: New, answer: Any) -> None:
    a, b = apart(new_replica, lambda conflict: answer)
    causelog.sync(a, b)
    [item] = a.inbox()
    assert item.failure == f"TypeError: a resolver returns a ResolverDecision, not {type(answer).__name__}"


def test_a_resolver_that_takes_something_else(new_replica: New) -> None:
    a, b = apart(new_replica, lambda: None)
    causelog.sync(a, b)
    assert "TypeError: " in (a.inbox()[0].failure or "")


def test_a_resolver_that_chooses_nobody(new_replica: New) -> None:
    a, b = apart(new_replica, lambda conflict: ResolverDecision.head((A, 9)))
    causelog.sync(a, b)
    assert a.inbox()[0].failure == f"it chose {A}:9, which is none of the heads"


def test_a_resolver_whose_answer_depends_on_the_order(new_replica: New) -> None:
    def first(conflict: RowConflict) -> ResolverDecision:
        return ResolverDecision.head(conflict.heads[0].dot)

    a, b = apart(new_replica, first)
    causelog.sync(a, b)
    assert "for the same heads in another order" in (a.inbox()[0].failure or "")
    c, d = apart(new_replica, first, check_resolvers=False)
    causelog.sync(c, d)
    assert c.inbox() == []


def test_a_resolver_reads_its_replica_and_cannot_write_to_it(new_replica: New) -> None:
    read: list[Any] = []
    refused: list[str] = []

    def reentering(conflict: RowConflict) -> ResolverDecision:
        settings = a.get("settings", "winner")
        assert settings is not None
        read.append((settings.value_json(), len(list(a.log.query(table="settings"))), len(a.rows("settings"))))
        row = a.get("t", 1)
        read.append(None if row is None else row.state.value)
        for write in (
            lambda: a.insert("t", 2, "x"),
            lambda: a.write([]),
            lambda: a.append([]),
            lambda: a.patch("settings", "winner", {}),
            lambda: a.increment("settings", "winner", "n", 1),
            lambda: a.set_registry(ResolverRegistry("manual")),
            lambda: a.resolve("t", 1, ResolverDecision.delete(), []),
            lambda: a.claim("t", 1, "alice"),
            lambda: a.apply(transaction),
            lambda: a.compact(),
            lambda: causelog.sync(b, a),
        ):
            with pytest.raises(causelog.ResolverFailedError, match="it may only read"):
                write()
            refused.append("refused")
        return longest(conflict)

    a, b = apart(new_replica)
    a.insert("settings", "winner", {"n": 1})
    [transaction] = b.log.transactions()
    a.register_resolver("chosen", 1, reentering)
    b.register_resolver("chosen", 1, longest)
    entries = a.log.stats().entries
    a.apply(transaction)
    assert a.inbox() == [] and state(a) is RowState.RESOLVED
    # It is judged before it is in the log.
    assert read == [({"n": 1}, 1, 1), "resolved"] * 2
    assert len(refused) == 22
    assert a.log.stats().entries == entries + 1


def test_a_resolver_that_lets_the_refusal_out(new_replica: New) -> None:
    def writing(conflict: RowConflict) -> ResolverDecision:
        a.insert("t", 2, "x")
        return longest(conflict)

    a, b = apart(new_replica)
    a.register_resolver("chosen", 1, writing)
    causelog.sync(a, b)
    assert a.inbox()[0].failure == (
        "ResolverFailedError: a resolver wrote to the replica that called it: it may only read"
    )
    assert a.get("t", 2) is None


def test_a_resolver_may_close_its_replica() -> None:
    def closing(conflict: RowConflict) -> ResolverDecision:
        a.close()
        return longest(conflict)

    a, b = apart(lambda strategy, **options: Replica.in_memory(registry=ResolverRegistry(strategy), **options))
    a.register_resolver("chosen", 1, closing)
    with pytest.raises(causelog.ClosedError):
        causelog.sync(a, b)
    with pytest.raises(causelog.ClosedError):
        a.get("t", 1)


def test_trying_other_rules_keeps_no_answer(new_replica: New) -> None:
    asked: list[RowConflict] = []

    def watching(conflict: RowConflict) -> ResolverDecision:
        asked.append(conflict)
        return both(conflict)

    a, b = (new_replica("last_write_wins", node=node) for node in (A, B))
    a.insert("t", 1, "from a")
    b.insert("t", 1, "from b")
    causelog.sync(a, b)
    a.register_resolver("chosen", 1, watching)
    for _ in range(2):
        [answer] = a.what_if(ResolverRegistry(CUSTOM))
        assert answer.differs() and answer.would_be.value_json() == ["from a", "from b"]
    assert len(asked) == 4


def test_an_answer_outlives_the_replica(tmp_path: Any) -> None:
    registry = ResolverRegistry(CUSTOM)
    with Replica.open(tmp_path, registry=registry, resolvers={("chosen", 1): both}) as a:
        with Replica.in_memory(registry=registry) as b:
            a.insert("t", 1, "from a")
            b.insert("t", 1, "from b")
            causelog.sync(a, b)
        before = a.get("t", 1)
        assert before is not None and before.state is RowState.RESOLVED
    with Replica.open(tmp_path) as a:
        assert a.get("t", 1) == before


@pytest.mark.parametrize(
    ("resolvers", "error"),
    [
        ({("chosen", 1): None}, TypeError),
        ({"chosen": longest}, TypeError),
        ({("chosen",): longest}, TypeError),
        ({(1, 1): longest}, TypeError),
        ({("chosen", "1"): longest}, TypeError),
        ([longest], TypeError),
        (longest, TypeError),
        ({("chosen", -1): longest}, causelog.InvalidArgumentError),
        ({("chosen", 2**32): longest}, causelog.InvalidArgumentError),
    ],
    ids=repr,
)
def test_what_is_no_resolver(resolvers: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        Replica.in_memory(resolvers=resolvers)
    replica = Replica.in_memory()
    if isinstance(resolvers, dict):
        register: Any = replica.register_resolver
        [(key, resolver)] = resolvers.items()
        with pytest.raises(error):
            register(*(key if isinstance(key, tuple) else (key,)), resolver)


def test_a_resolver_without_a_name(new_replica: New) -> None:
    with pytest.raises(causelog.InvalidArgumentError, match="needs a name"):
        new_replica().register_resolver("", 1, longest)


class Counted:
    """A resolver of which the living are counted."""

    living = 0

    def __init__(self) -> None:
        type(self).living += 1
        self.replica: Replica | causelog.ChangeLog | None = None

    def __call__(self, conflict: RowConflict) -> ResolverDecision:
        return longest(conflict)

    def __del__(self) -> None:
        type(self).living -= 1
        # What runs here must not find a lock held.
        if self.replica is not None:
            assert self.replica.node.version == 4


def test_a_replica_and_its_resolver_that_refer_to_each_other_are_freed() -> None:
    gc.collect()
    assert Counted.living == 0
    for given, whole in itertools.product([True, False], [True, False]):
        resolver = Counted()
        replica = Replica.in_memory(resolvers={("chosen", 1): resolver} if given else None)
        if not given:
            replica.register_resolver("chosen", 1, resolver)
        resolver.replica = replica if whole else replica.log
        log = replica.log
        assert Counted.living == 1
        del replica, resolver
        gc.collect()
        assert Counted.living == 0
        assert log.stats().entries == 0
        del log


def test_a_resolver_that_still_can_be_reached_is_kept() -> None:
    resolver = Counted()
    replica = Replica.in_memory(registry=ResolverRegistry(CUSTOM))
    replica.register_resolver("chosen", 1, resolver)
    resolver.replica = replica
    del resolver
    gc.collect()
    assert Counted.living == 1
    with Replica.in_memory(registry=ResolverRegistry(CUSTOM)) as other:
        replica.insert("t", 1, "from a")
        other.insert("t", 1, "longer, from b")
        causelog.sync(replica, other)
    assert replica.inbox() == []
    # Another one takes its place.
    replica.register_resolver("chosen", 1, longest)
    replica.register_resolver("chosen", 1, longest)
    gc.collect()
    assert Counted.living == 0


def test_an_interrupt_within_a_resolver_comes_out_after_the_call(new_replica: New) -> None:
    def interrupted(conflict: RowConflict) -> ResolverDecision:
        raise KeyboardInterrupt

    a, b = apart(new_replica, interrupted)
    [transaction] = b.log.transactions()

    def applied_and_went_on() -> None:
        a.apply(transaction)
        clock.sleep(1)

    # Who started this process may have told it to ignore interrupts.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            applied_and_went_on()
    finally:
        signal.signal(signal.SIGINT, before)
    assert a.log.stats().entries == 2
    assert a.inbox()[0].failure == "KeyboardInterrupt"


def test_threads_and_resolvers_do_not_wait_for_each_other(new_replica: New) -> None:
    calls: list[int] = []

    def slow(conflict: RowConflict) -> ResolverDecision:
        clock.sleep(0.0005)
        calls.append(threading.get_ident())
        # Reading its own replica takes the lock that other threads take, too.
        for replica in replicas:
            replica.stats()
        return longest(conflict)

    resolvers = {("chosen", 1): slow}
    replicas = [new_replica(CUSTOM, node=node, resolvers=resolvers, durability="os") for node in (A, B)]
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            mine, yours = replicas[number % 2], replicas[1 - number % 2]
            for step in range(10):
                try:
                    mine.insert("t", step, f"from {number} at {step}")
                except causelog.AlreadyExistsError:
                    mine.update("t", step, f"again from {number}")
                causelog.sync(mine, yours)
                mine.rows("t"), yours.conflicts(), mine.get("t", step)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=[number], daemon=True) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
        assert not thread.is_alive(), "a thread is stuck"
    assert failures == []
    a, b = replicas
    causelog.sync(a, b)
    assert a.rows("t") == b.rows("t") and a.inbox() == b.inbox() == []


def test_other_threads_run_while_a_resolver_waits(new_replica: New) -> None:
    entered, go_on = threading.Event(), threading.Event()

    def waiting(conflict: RowConflict) -> ResolverDecision:
        entered.set()
        assert go_on.wait(60)
        return longest(conflict)

    a, b = apart(new_replica)
    a.register_resolver("chosen", 1, waiting)
    exchange = threading.Thread(target=causelog.sync, args=[a, b])
    exchange.start()
    assert entered.wait(60)
    # The very replica answers and takes writes meanwhile.
    a.insert("t", 2, "x")
    assert a.get("t", 2) is not None
    go_on.set()
    exchange.join(60)
    assert not exchange.is_alive() and a.inbox() == []
