use std::mem::MaybeUninit;
use std::ptr::null_mut;

use causelog_core::{Dot, VectorClock};

use crate::enumeration::causelog_causality;
use crate::error::causelog_error;
use crate::guard::{compute, guard, read};
use crate::handle::{give, release};
use crate::identity::{causelog_dot, causelog_uuid};
use crate::input::{required, slice, write_if_wanted};
use crate::status::causelog_status;
use crate::text::{causelog_buffer, causelog_bytes, causelog_text};

/// A vector clock: what has been seen, as the highest sequence of every node. A node
/// that is not there has sequence 0.
// The layout lets an entry lend the clock inside it. cbindgen would show the core's type
// for a plain `repr(transparent)`; C is to see an opaque one.
#[cfg_attr(all(), repr(transparent))]
pub struct causelog_clock {
    clock: VectorClock,
}

impl causelog_clock {
    pub(crate) fn give(clock: VectorClock) -> *mut causelog_clock {
        give(causelog_clock { clock })
    }

    /// Lends a clock that is part of something else.
    pub(crate) fn lend(clock: &VectorClock) -> *const causelog_clock {
        // Both types have one layout.
        std::ptr::from_ref(clock).cast()
    }

    pub(crate) fn get(&self) -> &VectorClock {
        &self.clock
    }
}

/// The clock of someone who has seen nothing. Free it with `causelog_clock_free`.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_clock_new() -> *mut causelog_clock {
    compute(null_mut(), || causelog_clock::give(VectorClock::new()))
}

/// A clock of `count` nodes and sequences, in any order. Zeros are dropped; of a node
/// named twice the higher sequence counts. Free it with `causelog_clock_free`.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` when `entries` is NULL and `count` is not 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn causelog_clock_from_entries(
    entries: *const causelog_dot,
    count: usize,
    clock: Option<&mut MaybeUninit<*mut causelog_clock>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        // SAFETY: the caller passes `count` dots.
        let entries = unsafe { slice(entries, count, "entries")? };
        let entries = entries.iter().map(|entry| (entry.node.into(), entry.sequence));
        required(clock, "clock")?.write(causelog_clock::give(VectorClock::from_entries(entries)));
        Ok(())
    })
}

/// A copy of a clock, to keep one that is borrowed or to change it. NULL of NULL. Free it
/// with `causelog_clock_free`.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_clock_clone(clock: Option<&causelog_clock>) -> *mut causelog_clock {
    read(clock, null_mut(), |clock| causelog_clock::give(clock.clock.clone()))
}

/// Counts one more event of `node`; `*sequence` becomes its sequence. `sequence` may be NULL.
///
/// Fails with `CAUSELOG_TOO_LARGE` when the counter is at its end; the clock stays as it is.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_clock_increment(
    clock: Option<&mut causelog_clock>,
    node: causelog_uuid,
    sequence: Option<&mut MaybeUninit<u64>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let next = required(clock, "clock")?.clock.increment(node.into())?;
        write_if_wanted(sequence, next);
        Ok(())
    })
}

/// Takes note that `node`'s changes up to `sequence` have been seen. A lower sequence changes nothing.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` when `clock` is NULL.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_clock_advance(
    clock: Option<&mut causelog_clock>,
    node: causelog_uuid,
    sequence: u64,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        required(clock, "clock")?.clock.advance(node.into(), sequence);
        Ok(())
    })
}

/// Takes in all that `other` has seen. Both may be the same clock.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` when `clock` or `other` is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn causelog_clock_merge(
    clock: *mut causelog_clock,
    other: *const causelog_clock,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        // References to one clock could not stand beside each other, and there is nothing to do.
        if std::ptr::eq(clock, other) && !clock.is_null() {
            return Ok(());
        }
        // SAFETY: the caller passes two handles, which differ, or NULL.
        let (clock, other) = unsafe { (clock.as_mut(), other.as_ref()) };
        required(clock, "clock")?.clock.merge(&required(other, "other")?.clock);
        Ok(())
    })
}

/// The highest sequence of `node` that has been seen; 0 if none, and of NULL.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_clock_get(clock: Option<&causelog_clock>, node: causelog_uuid) -> u64 {
    read(clock, 0, |clock| clock.clock.get(node.into()))
}

/// Whether the change with this dot has been seen: one look-up. False of NULL.
///
/// Of any two entries, the first happened before the second exactly when they are not
/// the same and the second one's clock covers the first one's dot.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_clock_covers(clock: Option<&causelog_clock>, dot: causelog_dot) -> bool {
    read(clock, false, |clock| clock.clock.covers(Dot::from(dot)))
}

/// How `clock` stands to `other`.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` when an argument is NULL.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_clock_compare(
    clock: Option<&causelog_clock>,
    other: Option<&causelog_clock>,
    causality: Option<&mut MaybeUninit<causelog_causality>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let (clock, other) = (required(clock, "clock")?, required(other, "other")?);
        let answer = causelog_causality::of(clock.clock.compare(&other.clock))?;
        required(causality, "causality")?.write(answer);
        Ok(())
    })
}

/// Whether all that `clock` has seen, and less than all, is in `other`.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` when an argument is NULL.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_clock_happens_before(
    clock: Option<&causelog_clock>,
    other: Option<&causelog_clock>,
    answer: Option<&mut MaybeUninit<bool>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let (clock, other) = (required(clock, "clock")?, required(other, "other")?);
        required(answer, "answer")?.write(clock.clock.happens_before(&other.clock));
        Ok(())
    })
}

/// Whether each of the two has seen something that the other has not. Equal clocks do not conflict.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` when an argument is NULL.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_clock_conflicts_with(
    clock: Option<&causelog_clock>,
    other: Option<&causelog_clock>,
    answer: Option<&mut MaybeUninit<bool>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let (clock, other) = (required(clock, "clock")?, required(other, "other")?);
        required(answer, "answer")?.write(clock.clock.conflicts_with(&other.clock));
        Ok(())
    })
}

/// How many nodes have been seen; 0 of NULL.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_clock_length(clock: Option<&causelog_clock>) -> usize {
    read(clock, 0, |clock| clock.clock.len())
}

/// The node and sequence at this place, ascending by node, from 0; zeros beyond the length.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_clock_entry(clock: Option<&causelog_clock>, index: usize) -> causelog_dot {
    read(clock, causelog_dot::NONE, |clock| {
        let entry = clock.clock.iter().nth(index);
        entry.map_or(causelog_dot::NONE, |(node, sequence)| Dot::new(node, sequence).into())
    })
}

/// The canonical binary form: equal clocks give equal bytes. Free the buffer with `causelog_buffer_free`.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` when an argument is NULL.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_clock_to_bytes(
    clock: Option<&causelog_clock>,
    bytes: Option<&mut MaybeUninit<*mut causelog_buffer>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let (clock, bytes) = (required(clock, "clock")?, required(bytes, "bytes")?);
        bytes.write(causelog_buffer::give(clock.clock.to_bytes()));
        Ok(())
    })
}

/// The clock that these bytes stand for. Free it with `causelog_clock_free`.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` for anything but what `causelog_clock_to_bytes` gives.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn causelog_clock_from_bytes(
    bytes: causelog_bytes,
    clock: Option<&mut MaybeUninit<*mut causelog_clock>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        // SAFETY: the caller passes bytes that are there during the call.
        let bytes = unsafe { bytes.read("bytes")? };
        let decoded = VectorClock::from_bytes(bytes)?;
        required(clock, "clock")?.write(causelog_clock::give(decoded));
        Ok(())
    })
}

/// The JSON form as text: an object of sequences by node, ascending, without spaces. Free
/// the buffer with `causelog_buffer_free`.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` when an argument is NULL.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_clock_to_json(
    clock: Option<&causelog_clock>,
    json: Option<&mut MaybeUninit<*mut causelog_buffer>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let (clock, json) = (required(clock, "clock")?, required(json, "json")?);
        json.write(causelog_buffer::give(clock.clock.to_json()));
        Ok(())
    })
}

/// The clock of this JSON object, its keys in any order; zeros are dropped. Free it with
/// `causelog_clock_free`.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` for anything but an object of whole numbers from
/// 0 to 2^64 - 1 by UUID.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn causelog_clock_from_json(
    json: causelog_text,
    clock: Option<&mut MaybeUninit<*mut causelog_clock>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        // SAFETY: the caller passes text that is there during the call.
        let json = unsafe { json.read("json")? };
        let parsed = VectorClock::from_json(json)?;
        required(clock, "clock")?.write(causelog_clock::give(parsed));
        Ok(())
    })
}

/// The clock as text for people: `{node: sequence, ...}`, ascending by node. Free the
/// buffer with `causelog_buffer_free`.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` when an argument is NULL.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_clock_to_text(
    clock: Option<&causelog_clock>,
    text: Option<&mut MaybeUninit<*mut causelog_buffer>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let (clock, text) = (required(clock, "clock")?, required(text, "text")?);
        text.write(causelog_buffer::give(clock.clock.to_string()));
        Ok(())
    })
}

/// Frees a clock that is not borrowed; NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_clock_free(clock: Option<Box<causelog_clock>>) {
    release(clock);
}
