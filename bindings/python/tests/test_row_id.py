"""Row ids come back as they went in, and sort as their values do."""

import enum
from typing import Any
from uuid import UUID

import causelog
import pytest
from causelog import decode_row_id, encode_row_id
from hypothesis import given
from hypothesis import strategies as st

integers = st.one_of(st.integers(-300, 300), st.integers(-(2**63), 2**63 - 1))
parts = st.one_of(integers, st.text(), st.binary(), st.uuids())
row_ids = st.one_of(parts, st.lists(parts, min_size=1).map(tuple))


def with_types(row_id: Any) -> Any:
    """The value with its types: to Python, 1 == True and the like."""
    return [(type(part), part) for part in row_id] if isinstance(row_id, tuple) else (type(row_id), row_id)


@given(row_ids)
def test_a_row_id_comes_back_as_it_went(row_id: causelog.RowId) -> None:
    assert with_types(decode_row_id(encode_row_id(row_id))) == with_types(row_id)
    assert with_types(causelog.Change.insert("t", row_id, {}).row_id) == with_types(row_id)


@given(st.one_of(st.lists(integers), st.lists(st.binary()), st.lists(st.text()), st.lists(st.uuids())))
def test_the_encoded_form_sorts_as_the_values_do(values: list[Any]) -> None:
    def order(value: Any) -> Any:
        return value.encode() if isinstance(value, str) else value

    assert sorted(values, key=encode_row_id) == sorted(values, key=order)


@given(st.lists(st.tuples(integers, integers)))
def test_tuples_sort_element_by_element(values: list[tuple[int, int]]) -> None:
    assert sorted(values, key=encode_row_id) == sorted(values)


def test_a_number_is_not_its_text_and_a_tuple_of_one_not_its_element() -> None:
    assert len({encode_row_id(row_id) for row_id in (42, "42", b"42", (42,), ("42",), UUID(int=42))}) == 6


def test_values_of_derived_types_count_as_their_base() -> None:
    class Number(enum.IntEnum):
        ONE = 1

    class Text(enum.StrEnum):
        A = "a"

    assert decode_row_id(encode_row_id((Number.ONE, Text.A))) == (1, "a")


@pytest.mark.parametrize(
    "row_id", [None, True, False, 1.0, bytearray(b"x"), [1], {"a": 1}, (1, None), (1, True), (1, (2,)), object()]
)
def test_other_types_are_refused(row_id: object) -> None:
    with pytest.raises(TypeError, match="a row id is an int, str, bytes, UUID"):
        encode_row_id(row_id)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        causelog.Change.insert("t", row_id, {})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("row_id", "named"),
    [
        ((), "empty tuple"),
        (2**63, str(2**63)),
        (-(2**63) - 1, str(-(2**63) - 1)),
        ((1, 2**64), str(2**64)),
        ("\ud800", "surrogate"),
    ],
)
def test_values_out_of_range_are_refused_and_named(row_id: causelog.RowId, named: str) -> None:
    with pytest.raises(causelog.InvalidArgumentError, match=named):
        encode_row_id(row_id)


@given(st.binary())
def test_whatever_decodes_was_encoded_that_way(encoded: bytes) -> None:
    try:
        row_id = decode_row_id(encoded)
    except causelog.InvalidArgumentError:
        return
    assert encode_row_id(row_id) == encoded


@pytest.mark.parametrize("encoded", [b"", b"\x02abc", b"\x15", b"\x1500", b"\x05\x00", b"\x30" + bytes(15), b"\x99"])
def test_malformed_bytes(encoded: bytes) -> None:
    with pytest.raises(causelog.InvalidArgumentError, match="not an encoded row id"):
        decode_row_id(encoded)
    with pytest.raises(TypeError):
        decode_row_id("text")  # type: ignore[arg-type]


def test_the_longest_row_id() -> None:
    log = causelog.ChangeLog.in_memory()
    log.append(causelog.Change.insert("t", "x" * (64 * 1024 - 2), {}))
    with pytest.raises(causelog.TooLargeError, match="row id of 65537 bytes"):
        log.append(causelog.Change.insert("t", "x" * (64 * 1024 - 1), {}))
