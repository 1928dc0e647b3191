"""Changes, transactions and entries: payloads both ways, equality, pickling, what is refused."""

import array
import pickle
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import causelog
import pytest
from causelog import Change, ChangeEntry, ChangeOperation, Dot, Transaction, VectorClock
from conftest import A, B
from hypothesis import given
from hypothesis import strategies as st

json_values = st.recursive(
    st.one_of(st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text()),
    lambda inner: st.one_of(st.lists(inner | st.none()), st.dictionaries(st.text(), inner | st.none())),
)


@given(json_values)
def test_a_payload_comes_back_as_it_went(value: Any) -> None:
    change = Change.update("t", 1, value, value)
    assert change.before_json() == change.after_json() == value
    assert change.after is not None and change.after.decode() == change.after.decode().strip()


@pytest.mark.parametrize(
    ("payload", "stored"),
    [
        (b"\x00\xff", b"\x00\xff"),
        (b"", b""),
        (bytearray(b"ab"), b"ab"),
        (memoryview(b"abcd")[::2], b"ac"),
        (array.array("H", [1, 256]), array.array("H", [1, 256]).tobytes()),
        ({"b": 1, "a": [None, True]}, b'{"b":1,"a":[null,true]}'),
        (OrderedDict(z=1, a=2), b'{"z":1,"a":2}'),
        ({"zoë": "🦀"}, '{"zoë":"🦀"}'.encode()),
        ("text", b'"text"'),
        ("", b'""'),
        (7, b"7"),
        (2**100, str(2**100).encode()),
        (0.1, b"0.1"),
        (1e16, b"1e+16"),
        (True, b"true"),
        ([], b"[]"),
        ({}, b"{}"),
        ((1, "a"), b'[1,"a"]'),
    ],
)
def test_what_is_stored(payload: Any, stored: bytes) -> None:
    assert Change.insert("t", 1, payload).after == stored


def test_none_is_no_payload_and_null_is_one() -> None:
    assert Change.insert("t", 1, None).after is None
    assert Change.insert("t", 1, None).after_json() is None
    assert Change.insert("t", 1, b"null").after == b"null"
    assert Change.insert("t", 1, b"null").after_json() is None


def endless() -> list[Any]:
    values: list[Any] = []
    values.append(values)
    return values


def deep() -> list[Any]:
    values: list[Any] = []
    for _ in range(100_000):
        values = [values]
    return values


@pytest.mark.parametrize(
    "payload",
    [
        float("nan"),
        float("inf"),
        [float("-inf")],
        {"a": "\ud800"},
        pytest.param(endless(), id="endless"),
        pytest.param(deep(), id="deep"),
        pytest.param(10**5000, id="huge"),
    ],
)
def test_payloads_that_are_no_json(payload: Any) -> None:
    with pytest.raises(causelog.InvalidArgumentError, match="payload cannot be written as JSON"):
        Change.insert("t", 1, payload)


@pytest.mark.parametrize("payload", [object(), {1, 2}, {"a": object()}, {(1, 2): 3}, datetime.now(UTC), UUID(int=1)])
def test_payloads_of_the_wrong_type(payload: Any) -> None:
    with pytest.raises(TypeError):
        Change.insert("t", 1, payload)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{",
        b"\xff",
        b"NaN",
        b"[Infinity]",
        b"\xef\xbb\xbf1",
        pytest.param(b"[" * 100_000, id="deep"),
        pytest.param(b"1" * 5000, id="huge"),
    ],
)
def test_bytes_that_are_no_json_are_refused_when_they_are_parsed(payload: bytes) -> None:
    change = Change.insert("t", 1, payload)
    assert change.after == payload
    with pytest.raises(causelog.InvalidArgumentError, match="payload is not JSON"):
        change.after_json()


def test_the_makers_and_the_constructor_make_the_same() -> None:
    metadata = {"actor": "alice"}
    assert Change.insert("t", 1, {}, metadata=metadata) == Change("t", 1, "insert", after={}, metadata=metadata)
    assert Change.update("t", 1, {}, []) == Change("t", 1, ChangeOperation.UPDATE, before={}, after=[])
    assert Change.delete("t", 1) == Change("t", 1, "delete")
    assert Change.delete("t", 1, {}) == Change("t", row_id=1, operation="delete", before={})


def test_the_fields_of_a_change() -> None:
    change = Change.update("orders", (1, "a"), b"1", b"2", metadata={"b": "2", "a": "1"})
    assert (change.table, change.row_id, change.before, change.after) == ("orders", (1, "a"), b"1", b"2")
    assert change.operation is ChangeOperation.UPDATE
    assert change.metadata == {"a": "1", "b": "2"}
    change.metadata["c"] = "3"
    assert "c" not in change.metadata
    assert repr(change) == '<Change update "orders" (1, "a")>'
    with pytest.raises(AttributeError):
        change.table = "other"  # type: ignore[misc]


def test_changes_are_compared_by_all_they_hold() -> None:
    change = Change.insert("t", 1, {})
    assert change == Change.insert("t", 1, {}) and hash(change) == hash(Change.insert("t", 1, {}))
    for other in (
        Change.insert("u", 1, {}),
        Change.insert("t", "1", {}),
        Change.insert("t", 1, []),
        Change.update("t", 1, None, {}),
        Change.insert("t", 1, {}, metadata={"a": "b"}),
        "change",
    ):
        assert change != other


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (Change.insert("", 1, {}), causelog.InvalidArgumentError, "table name is empty"),
        (Change("t", 1, "insert", before={}), causelog.InvalidArgumentError, 'row 1 of table "t"'),
        (Change("t", 1, "delete", after={}), causelog.InvalidArgumentError, "no image after"),
        (Change.insert("x" * 1025, 1, {}), causelog.TooLargeError, "table name of 1025 bytes"),
        (Change.insert("t", "x" * 70_000, {}), causelog.TooLargeError, "row id of"),
        (Change.insert("t", 1, {}, metadata={"k": "x" * 70_000}), causelog.TooLargeError, "metadata of"),
    ],
)
def test_what_no_log_takes(change: Change, error: type[causelog.Error], message: str) -> None:
    with pytest.raises(error, match=message):
        change.validate()
    log = causelog.ChangeLog.in_memory()
    with pytest.raises(error, match=message):
        log.append(change)
    assert log.stats().transactions == 0


@pytest.mark.parametrize("metadata", [1, [("a", "b")], {"a": 1}, {1: "a"}, {"a": None}])
def test_metadata_of_the_wrong_type(metadata: Any) -> None:
    with pytest.raises(TypeError):
        Change.insert("t", 1, {}, metadata=metadata)


@pytest.mark.parametrize("table", [1, None, b"t"])
def test_tables_of_the_wrong_type(table: Any) -> None:
    with pytest.raises(TypeError):
        Change.insert(table, 1, {})


def test_text_that_is_no_unicode() -> None:
    calls: list[Callable[[], Change]] = [
        lambda: Change.insert("\ud800", 1, {}),
        lambda: Change.insert("t", 1, {}, metadata={"\ud800": ""}),
        lambda: Change("t", 1, "\ud800"),  # type: ignore[arg-type]
    ]
    for call in calls:
        with pytest.raises(causelog.InvalidArgumentError, match="surrogate"):
            call()


def test_an_unknown_operation() -> None:
    with pytest.raises(causelog.InvalidArgumentError, match='"upsert": it is one of insert, update, delete'):
        Change("t", 1, "upsert")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        Change("t", 1, 1)  # type: ignore[arg-type]


def test_the_fields_of_a_transaction() -> None:
    changes = [Change.insert("t", 1, {}), Change.delete("t", 2)]
    transaction = Transaction(node=A, sequence=5, dependencies=[Dot(B, 3), (A, 3)], timestamp=-1, changes=iter(changes))
    assert (transaction.node, transaction.sequence, transaction.dot) == (A, 5, Dot(A, 5))
    assert transaction.dependencies == (Dot(B, 3), Dot(A, 3))
    assert transaction.timestamp_ns == -1
    assert transaction.timestamp == datetime(1969, 12, 31, 23, 59, 59, 999999, UTC)
    assert transaction.changes == tuple(changes)
    assert (transaction.width, transaction.first_sequence()) == (2, 4)
    assert repr(transaction) == f"<Transaction {A}:5 of 2 changes>"


def test_an_empty_transaction_has_a_width_of_one() -> None:
    merge = Transaction(node=A, sequence=1, timestamp=0)
    assert (merge.width, merge.first_sequence(), merge.changes, merge.dependencies) == (1, 1, (), ())


def test_a_sequence_too_low_for_the_changes() -> None:
    transaction = Transaction(node=A, sequence=1, timestamp=0, changes=[Change.delete("t", 1)] * 2)
    with pytest.raises(causelog.InvalidArgumentError, match="sequences start at 1"):
        transaction.first_sequence()


@pytest.mark.parametrize(
    "fields", [{"changes": [1]}, {"changes": 1}, {"dependencies": [A]}, {"dependencies": [(A, 1, 2)]}, {"node": str(A)}]
)
def test_transactions_of_the_wrong_type(fields: dict[str, Any]) -> None:
    usual: dict[str, Any] = {"node": A, "sequence": 1, "timestamp": 0}
    with pytest.raises(TypeError):
        Transaction(**usual | fields)


def entry(**fields: Any) -> ChangeEntry:
    usual: dict[str, Any] = {
        "node": A,
        "sequence": 2,
        "vector_clock": VectorClock({A: 2}),
        "timestamp": 7,
        "table": "t",
        "row_id": 1,
        "operation": "insert",
        "after": {"qty": 1},
    }
    return ChangeEntry(**usual | fields)


def test_the_fields_of_an_entry_made_by_hand() -> None:
    made = entry()
    assert (made.lsn, made.transaction, made.verdict, made.metadata) == (0, Dot(A, 2), None, {})
    assert (made.dot, made.timestamp_ns, made.before) == (Dot(A, 2), 7, None)
    full = entry(lsn=9, transaction=Dot(A, 3), verdict="merged", metadata={"a": "b"}, before=b"x")
    assert (full.lsn, full.transaction, full.verdict) == (9, Dot(A, 3), causelog.Verdict.MERGED)
    assert (full.metadata, full.before) == ({"a": "b"}, b"x")
    assert repr(full) == f'<ChangeEntry 9: insert "t" 1 by {A}:2>'
    with pytest.raises(TypeError):
        ChangeEntry()  # type: ignore[call-arg]


def test_an_entry_gives_a_copy_of_its_clock() -> None:
    made = entry()
    made.vector_clock.increment(B)
    assert made.vector_clock == VectorClock({A: 2})


def test_which_entry_happened_before() -> None:
    first = entry()
    later = entry(node=B, sequence=1, vector_clock=VectorClock({A: 2, B: 1}))
    assert first.happens_before(later) and not later.happens_before(first)
    assert not first.happens_before(first)


def test_payload_hashes_tell_payloads_apart() -> None:
    hashes = [entry(after=after).payload_hash() for after in (None, b"", b"a", b"b", b"a")]
    assert [len(hash) for hash in hashes] == [16] * 5
    assert len(set(hashes)) == 4 and hashes[2] == hashes[4]


@pytest.mark.parametrize("verdict", list(causelog.Verdict))
def test_every_verdict(verdict: causelog.Verdict) -> None:
    assert entry(verdict=verdict).verdict is verdict
    assert entry(verdict=verdict.value).verdict is verdict


@pytest.mark.parametrize(
    "value",
    [
        Change.update("t", (1, b"x", UUID(int=3)), {"a": 1}, b"\xff", metadata={"k": "v"}),
        Transaction(node=A, sequence=3, dependencies=[(B, 1)], timestamp=5, changes=[Change.insert("t", 1, {})]),
        entry(verdict="applied", lsn=3, metadata={"k": "v"}),
        entry(vector_clock=VectorClock({A: 2, B: 9}), operation="delete", after=None),
        Dot(A, 1),
    ],
    ids=repr,
)
def test_values_can_be_pickled(value: object) -> None:
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        copy = pickle.loads(pickle.dumps(value, protocol))
        assert copy == value and hash(copy) == hash(value)


def test_dots() -> None:
    dot = Dot(A, 7)
    assert dot == (A, 7) and str(dot) == f"{A}:7" and Dot.parse(str(dot)) == dot
    for text in ("", "7", f"{A}", f"{A}:", f"{A}:-1", f"{A}:x", "x:1", f"{A}:{2**64}"):
        with pytest.raises(causelog.InvalidArgumentError, match="not a dot"):
            Dot.parse(text)
