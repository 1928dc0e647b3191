"""Vector clocks: the laws, the edges, the two encoded forms."""

import copy
import pickle
import threading
from uuid import UUID

import causelog
import pytest
from causelog import Causality, VectorClock
from conftest import A, B, C
from hypothesis import given
from hypothesis import strategies as st

LARGEST = 2**64 - 1

counters = st.one_of(st.integers(0, 3), st.integers(0, LARGEST))
entries = st.dictionaries(st.sampled_from([A, B, C, UUID(int=2**128 - 1)]), counters)
clocks = st.builds(VectorClock, entries)

MIRROR = {
    Causality.EQUAL: Causality.EQUAL,
    Causality.BEFORE: Causality.AFTER,
    Causality.AFTER: Causality.BEFORE,
    Causality.CONCURRENT: Causality.CONCURRENT,
}


def merged(a: VectorClock, b: VectorClock) -> VectorClock:
    result = a.copy()
    result.merge(b)
    return result


def at_most(a: VectorClock, b: VectorClock) -> bool:
    return a.compare(b) in (Causality.EQUAL, Causality.BEFORE)


@given(entries, entries)
def test_comparing_is_comparing_every_counter(a: dict[UUID, int], b: dict[UUID, int]) -> None:
    nodes = a.keys() | b.keys()
    ahead = any(a.get(node, 0) > b.get(node, 0) for node in nodes)
    behind = any(a.get(node, 0) < b.get(node, 0) for node in nodes)
    expected = {
        (False, False): Causality.EQUAL,
        (False, True): Causality.BEFORE,
        (True, False): Causality.AFTER,
        (True, True): Causality.CONCURRENT,
    }[ahead, behind]
    one, other = VectorClock(a), VectorClock(b)
    assert one.compare(other) is expected
    assert one.happens_before(other) == (expected is Causality.BEFORE)
    assert one.conflicts_with(other) == (expected is Causality.CONCURRENT)
    assert (one == other) == (expected is Causality.EQUAL)


@given(clocks)
def test_a_clock_equals_itself_and_does_not_conflict_with_itself(a: VectorClock) -> None:
    assert a.compare(a.copy()) is Causality.EQUAL
    assert a == a.copy()
    assert not a.conflicts_with(a)


@given(clocks, clocks)
def test_the_other_way_round_the_answer_is_mirrored(a: VectorClock, b: VectorClock) -> None:
    assert a.compare(b) is MIRROR[b.compare(a)]
    if at_most(a, b) and at_most(b, a):
        assert a == b


@given(clocks, clocks, clocks)
def test_happening_before_is_transitive(a: VectorClock, b: VectorClock, c: VectorClock) -> None:
    low, middle, high = a, merged(a, b), merged(merged(a, b), c)
    assert at_most(low, middle) and at_most(middle, high) and at_most(low, high)


@given(clocks, clocks, clocks)
def test_merging_gives_the_least_upper_bound(a: VectorClock, b: VectorClock, c: VectorClock) -> None:
    joined = merged(a, b)
    assert at_most(a, joined) and at_most(b, joined)
    if at_most(a, c) and at_most(b, c):
        assert at_most(joined, c)
    assert joined == merged(b, a)
    assert merged(joined, c) == merged(a, merged(b, c))
    assert merged(a, a) == a


@given(clocks)
def test_both_forms_come_back_as_they_went(a: VectorClock) -> None:
    assert VectorClock.from_bytes(a.to_bytes()) == a
    assert VectorClock.from_json(a.to_json()) == a
    assert VectorClock(a.items()) == VectorClock(a) == a
    assert pickle.loads(pickle.dumps(a)) == copy.deepcopy(a) == copy.copy(a) == a


@given(entries)
def test_zeros_are_never_stored(a: dict[UUID, int]) -> None:
    clock = VectorClock(a)
    assert clock.items() == sorted((node, sequence) for node, sequence in a.items() if sequence)
    assert len(clock) == len(clock.items())
    assert clock.to_bytes() == VectorClock(reversed(clock.items())).to_bytes()


@given(clocks, st.sampled_from([A, B, C]), st.integers(0, LARGEST))
def test_covering_is_one_look_up(a: VectorClock, node: UUID, sequence: int) -> None:
    assert a.covers(causelog.Dot(node, sequence)) == (a.get(node) >= sequence)
    assert a.covers((node, sequence)) == (a.get(node) >= sequence)


def test_counting() -> None:
    clock = VectorClock()
    assert clock.get(A) == 0 and len(clock) == 0 and not clock
    assert [clock.increment(A), clock.increment(A), clock.increment(B)] == [1, 2, 1]
    clock.advance(A, 1)
    assert clock.get(A) == 2
    clock.advance(A, 9)
    clock.advance(C, 0)
    assert clock.items() == [(A, 9), (B, 1)]


def test_a_counter_at_its_end_is_an_error_and_stays() -> None:
    clock = VectorClock({A: LARGEST})
    with pytest.raises(causelog.TooLargeError, match="overflow"):
        clock.increment(A)
    assert clock.get(A) == LARGEST


def test_a_node_named_twice_has_the_higher_sequence() -> None:
    assert VectorClock([(A, 2), (A, 5), (A, 3)]).items() == [(A, 5)]


def test_text_and_repr() -> None:
    clock = VectorClock({B: 2, A: 1})
    assert str(clock) == f"{{{A}: 1, {B}: 2}}"
    assert eval(repr(clock), {"VectorClock": VectorClock, "UUID": UUID}) == clock
    assert clock.to_json() == f'{{"{A}":1,"{B}":2}}'


def test_a_clock_can_change_and_so_has_no_hash() -> None:
    with pytest.raises(TypeError, match="unhashable"):
        hash(VectorClock())


def test_copies_go_their_own_way() -> None:
    clock = VectorClock({A: 1})
    other = clock.copy()
    other.increment(A)
    assert (clock.get(A), other.get(A)) == (1, 2)


def test_a_clock_is_merged_with_itself() -> None:
    clock = VectorClock({A: 1})
    clock.merge(clock)
    assert clock.items() == [(A, 1)]


def test_clocks_are_compared_with_clocks_only() -> None:
    assert VectorClock() != {}
    assert VectorClock() != "{}"


@pytest.mark.parametrize("encoded", [b"", b"\x02\x00", b"\x01", b"\x01\x01", b"\x01\x00\x00", b"\x01\xff\xff"])
def test_malformed_bytes(encoded: bytes) -> None:
    with pytest.raises(causelog.InvalidArgumentError, match="not an encoded vector clock"):
        VectorClock.from_bytes(encoded)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"x":1}', f'{{"{A}":-1}}', f'{{"{A}":1.5}}', f'{{"{A}":{2**64}}}'])
def test_malformed_json(text: str) -> None:
    with pytest.raises(causelog.InvalidArgumentError, match="not a vector clock in JSON"):
        VectorClock.from_json(text)


@pytest.mark.parametrize("sequence", [-1, 2**64, pytest.param(10**5000, id="huge")])
def test_sequences_out_of_range(sequence: int) -> None:
    with pytest.raises(causelog.InvalidArgumentError, match="is not an integer from 0"):
        VectorClock({A: sequence})
    with pytest.raises(causelog.InvalidArgumentError):
        VectorClock().advance(A, sequence)
    with pytest.raises(causelog.InvalidArgumentError):
        VectorClock().covers((A, sequence))


@pytest.mark.parametrize("entries", [1, [1], [(A,)], [(A, 1, 2)], [("a", 1)], {A: "1"}, {A: True}, {A: 1.0}, "ab"])
def test_entries_of_the_wrong_type(entries: object) -> None:
    with pytest.raises(TypeError):
        VectorClock(entries)  # type: ignore[arg-type]


def test_threads_share_a_clock() -> None:
    clock, other = VectorClock(), VectorClock()

    def work() -> None:
        for _ in range(1000):
            clock.increment(A)
            other.merge(clock)
            clock.merge(other)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert clock.get(A) == 4000
