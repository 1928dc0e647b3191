"""Timestamps are exact; the hybrid clock never goes back; datetimes are aware."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import causelog
import pytest
from causelog import HybridLogicalClock, ManualTime, format_timestamp, parse_timestamp
from hypothesis import given
from hypothesis import strategies as st

NANOSECONDS = st.integers(-(2**63), 2**63 - 1)


@given(NANOSECONDS)
def test_text_comes_back_as_it_went(nanoseconds: int) -> None:
    assert parse_timestamp(format_timestamp(nanoseconds)) == nanoseconds


@given(NANOSECONDS)
def test_a_datetime_is_the_moment_cut_to_the_microsecond(nanoseconds: int) -> None:
    transaction = causelog.Transaction(node=causelog.ChangeLog.in_memory().node, sequence=1, timestamp=nanoseconds)
    assert transaction.timestamp_ns == nanoseconds
    assert transaction.timestamp.tzinfo is UTC
    since_epoch = transaction.timestamp - datetime(1970, 1, 1, tzinfo=UTC)
    assert since_epoch // timedelta(microseconds=1) == nanoseconds // 1000


def test_a_datetime_of_any_zone_is_taken() -> None:
    moment = datetime(2024, 10, 27, 2, 30, 0, 123456, ZoneInfo("UTC"))
    expected = 1_729_996_200_123_456_000
    for zone in UTC, timezone(timedelta(hours=-8)), ZoneInfo("UTC"):
        assert ManualTime(moment.astimezone(zone)).now() == expected
    assert format_timestamp(moment) == "2024-10-27T02:30:00.123456Z"


def test_a_fold_is_told_apart() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    first = ManualTime(datetime(2024, 10, 27, 2, 30, tzinfo=berlin)).now()
    second = ManualTime(datetime(2024, 10, 27, 2, 30, tzinfo=berlin, fold=1)).now()
    assert second - first == 3_600_000_000_000


def test_a_datetime_without_a_zone_is_refused() -> None:
    with pytest.raises(causelog.InvalidArgumentError, match=r"without a time zone.*2024"):
        ManualTime(datetime(2024, 1, 1))


@pytest.mark.parametrize(
    "moment", [datetime(1500, 1, 1, tzinfo=UTC), datetime.max.replace(tzinfo=UTC), 2**63, -(2**63) - 1]
)
def test_moments_out_of_range(moment: datetime | int) -> None:
    with pytest.raises(causelog.InvalidArgumentError):
        ManualTime(moment)


@pytest.mark.parametrize("moment", ["2024-01-01T00:00:00Z", 1.5, True, None])
def test_moments_of_the_wrong_type(moment: object) -> None:
    with pytest.raises(TypeError):
        ManualTime(moment)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2024-01-01", "2024-01-01T00:00:00", "3024-01-01T00:00:00Z", "\ud800"]
)
def test_malformed_text(text: str) -> None:
    with pytest.raises(causelog.InvalidArgumentError):
        parse_timestamp(text)


def test_manual_time_moves_both_ways() -> None:
    time = ManualTime(100)
    time.advance(50)
    time.advance(-20)
    time.advance(timedelta(microseconds=1))
    assert time.now() == 1_130
    time.set(datetime(1970, 1, 1, tzinfo=UTC))
    assert time.now() == 0
    assert repr(time) == "ManualTime(0)"


def test_manual_time_stays_in_range() -> None:
    time = ManualTime(2**63 - 1)
    with pytest.raises(causelog.TooLargeError):
        time.advance(1)
    assert time.now() == 2**63 - 1
    with pytest.raises(causelog.InvalidArgumentError):
        time.advance(timedelta.max)
    with pytest.raises(TypeError):
        time.advance(1.5)  # type: ignore[arg-type]


@given(st.lists(st.tuples(st.booleans(), st.integers(-(2**62), 2**62))))
def test_the_hybrid_clock_never_goes_back(steps: list[tuple[bool, int]]) -> None:
    clock, last = HybridLogicalClock(), None
    for is_local, moment in steps:
        if is_local:
            expected = moment if last is None else max(moment, last + 1)
            assert clock.tick(moment) == expected
            last = expected
        else:
            clock.observe(moment)
            last = moment if last is None else max(moment, last)
        assert clock.last == last


def test_the_hybrid_clock_ends() -> None:
    clock = HybridLogicalClock()
    assert clock.last is None
    clock.observe(2**63 - 1)
    with pytest.raises(causelog.TooLargeError):
        clock.tick(0)
    assert clock.last == 2**63 - 1
