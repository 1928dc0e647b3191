use std::ffi::c_char;
use std::mem::MaybeUninit;
use std::ptr::null_mut;
use std::sync::Arc;

use causelog_core::{HybridLogicalClock, ManualTime, SystemTime, TimeSource, Timestamp};

use crate::error::causelog_error;
use crate::guard::{compute, guard, read};
use crate::handle::{give, release};
use crate::identity::write_text;
use crate::input::{required, write_if_wanted};
use crate::status::causelog_status;
use crate::text::causelog_text;

/// Reads an RFC 3339 time, with any offset and up to nine digits of a second, as
/// nanoseconds since the Unix epoch.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` when the text is none, or lies outside the
/// years 1677 to 2262.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn causelog_timestamp_parse(
    text: causelog_text,
    timestamp: Option<&mut MaybeUninit<i64>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        // SAFETY: the caller passes text that is there during the call.
        let text = unsafe { text.read("text")? };
        required(timestamp, "timestamp")?.write(text.parse::<Timestamp>()?.nanoseconds());
        Ok(())
    })
}

/// Writes nanoseconds since the Unix epoch as RFC 3339 in UTC, with as many digits of a
/// second as it takes (none, 3, 6 or 9), NUL-terminated, into `*text`.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` when `text` is NULL.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_timestamp_format(
    timestamp: i64,
    text: Option<&mut MaybeUninit<[c_char; 31]>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || write_text(required(text, "text")?, &Timestamp::from_nanoseconds(timestamp).to_string()))
}

/// A time that stands still until it is moved: for tests, replays and simulations. Logs
/// and detectors that are given one keep it. May be used from several threads at once.
pub struct causelog_time {
    time: Arc<ManualTime>,
}

/// Where a log or a detector takes the time from: the system's clock unless told otherwise.
pub(crate) fn source(time: Option<&causelog_time>) -> Arc<dyn TimeSource> {
    match time {
        Some(time) => time.time.clone(),
        None => Arc::new(SystemTime),
    }
}

/// A time that stands at `now`, in nanoseconds since the Unix epoch. Free it with `causelog_time_free`.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_time_new(now: i64) -> *mut causelog_time {
    compute(null_mut(), || {
        give(causelog_time { time: Arc::new(ManualTime::new(Timestamp::from_nanoseconds(now))) })
    })
}

/// Where the time stands, in nanoseconds since the Unix epoch; 0 of NULL.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_time_now(time: Option<&causelog_time>) -> i64 {
    read(time, 0, |time| time.time.now().nanoseconds())
}

/// Moves the time to `now`, forwards or backwards.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` when `time` is NULL.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_time_set(
    time: Option<&causelog_time>,
    now: i64,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        required(time, "time")?.time.set(Timestamp::from_nanoseconds(now));
        Ok(())
    })
}

/// Moves the time by this many nanoseconds; a negative number moves it back.
///
/// Fails with `CAUSELOG_TOO_LARGE` when that leaves the range of a timestamp; the time stays.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_time_advance(
    time: Option<&causelog_time>,
    nanoseconds: i64,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || required(time, "time")?.time.advance(nanoseconds))
}

/// Frees a time; logs and detectors that use it go on using it. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_time_free(time: Option<Box<causelog_time>>) {
    release(time);
}

/// A hybrid logical clock: it follows the wall clock, never goes back, and never falls
/// behind a timestamp that it has seen. Logs have one inside; this is for other uses.
pub struct causelog_hybrid_clock {
    clock: HybridLogicalClock,
}

/// A clock that has seen nothing. Free it with `causelog_hybrid_clock_free`.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_hybrid_clock_new() -> *mut causelog_hybrid_clock {
    compute(null_mut(), || give(causelog_hybrid_clock { clock: HybridLogicalClock::new() }))
}

/// The timestamp of a local event that happens when the wall clock shows `now`:
/// the larger of `now` and the latest timestamp + 1.
///
/// Fails with `CAUSELOG_TOO_LARGE` when the clock stands at the end of its range.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_hybrid_clock_tick(
    clock: Option<&mut causelog_hybrid_clock>,
    now: i64,
    timestamp: Option<&mut MaybeUninit<i64>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let (clock, timestamp) = (required(clock, "clock")?, required(timestamp, "timestamp")?);
        timestamp.write(clock.clock.tick(Timestamp::from_nanoseconds(now))?.nanoseconds());
        Ok(())
    })
}

/// Takes note of a remote event's timestamp.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` when `clock` is NULL.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_hybrid_clock_observe(
    clock: Option<&mut causelog_hybrid_clock>,
    remote: i64,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        required(clock, "clock")?.clock.observe(Timestamp::from_nanoseconds(remote));
        Ok(())
    })
}

/// Whether the clock has given out or seen a timestamp; `*timestamp` becomes the latest
/// one then. `timestamp` may be NULL.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_hybrid_clock_last(
    clock: Option<&causelog_hybrid_clock>,
    timestamp: Option<&mut MaybeUninit<i64>>,
) -> bool {
    read(clock, false, |clock| {
        let last = clock.clock.last();
        if let Some(last) = last {
            write_if_wanted(timestamp, last.nanoseconds());
        }
        last.is_some()
    })
}

/// Frees a clock; NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_hybrid_clock_free(clock: Option<Box<causelog_hybrid_clock>>) {
    release(clock);
}
