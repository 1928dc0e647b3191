use std::mem::MaybeUninit;
use std::ptr::{from_ref, null};

use causelog_core::{Consumer, ConsumerStatus};

use crate::entry::causelog_entry;
use crate::error::causelog_error;
use crate::guard::{guard, read};
use crate::handle::{give, release};
use crate::input::required;
use crate::log::causelog_log;
use crate::status::causelog_status;
use crate::text::causelog_text;

/// A named reader of a log that remembers durably how far it has come.
///
/// It hands out what was appended in log order, whole transactions at a time, and only what a
/// loss of power keeps. What it has committed it does not hand out again; what it was handed
/// and has not committed comes again after a restart. All functions of a consumer but
/// `causelog_consumer_free` may be called from several threads at once. It keeps the log open
/// also when the log's own handle is freed.
pub struct causelog_consumer {
    consumer: Consumer,
}

/// The consumer with this name, made if there is none: it then stands before the first entry
/// that ever was. Free the handle, which ends nothing else, with `causelog_consumer_free`.
///
/// Names have 1 to 100 letters, digits, `.`, `_` and `-`, all of ASCII.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` for another name, `CAUSELOG_CORRUPT` when its file is
/// damaged beyond use, `CAUSELOG_UNSUPPORTED` when a newer version wrote it,
/// `CAUSELOG_READ_ONLY` when it would have to be made and may not, `CAUSELOG_NO_SPACE`,
/// `CAUSELOG_IO`, and `CAUSELOG_CLOSED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn causelog_log_consumer(
    log: Option<&causelog_log>,
    name: causelog_text,
    consumer: Option<&mut MaybeUninit<*mut causelog_consumer>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let log = required(log, "log")?;
        // SAFETY: the caller passes text that is there during the call.
        let name = unsafe { name.read("name")? };
        let consumer = required(consumer, "consumer")?;
        consumer.write(give(causelog_consumer { consumer: log.log.consumer(name)? }));
        Ok(())
    })
}

/// Its name. Borrowed.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_consumer_name(consumer: Option<&causelog_consumer>) -> causelog_text {
    read(consumer, causelog_text::NONE, |consumer| causelog_text::of(consumer.consumer.name()))
}

/// `*lsn` becomes the LSN of the last entry that was committed, by whichever handle; 0 before
/// the first.
///
/// Fails with `CAUSELOG_NOT_FOUND` when the consumer was removed, `CAUSELOG_CORRUPT` when its
/// file is damaged beyond use, `CAUSELOG_IO`, and `CAUSELOG_CLOSED`.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_consumer_position(
    consumer: Option<&causelog_consumer>,
    lsn: Option<&mut MaybeUninit<u64>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let (consumer, lsn) = (required(consumer, "consumer")?, required(lsn, "lsn")?);
        lsn.write(consumer.consumer.position()?);
        Ok(())
    })
}

/// What comes after what this handle has handed out last, or after the position when it was
/// made: whole transactions with at most `limit` entries in all, or one that has more. Empty
/// when there is nothing new; `causelog_log_wait` waits for it. Free the entries with
/// `causelog_entries_free`.
///
/// A position within a transaction hands out all of it again. Where appends return before they
/// are durable, this syncs first when it has to.
///
/// Fails with `CAUSELOG_TRUNCATED` with the first LSN that remains when what comes next was
/// removed: `causelog_consumer_reset` to the one before goes on from there.
/// `CAUSELOG_INVALID_ARGUMENT` for a `limit` of 0, and for a position beyond the end of a log
/// that has lost its end. `CAUSELOG_CORRUPT`, `CAUSELOG_IO`, `CAUSELOG_CLOSED`. The same entries
/// come with the next call then.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_consumer_poll(
    consumer: Option<&causelog_consumer>,
    limit: u64,
    entries: Option<&mut MaybeUninit<*mut causelog_entries>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let (consumer, entries) = (required(consumer, "consumer")?, required(entries, "entries")?);
        let polled = consumer.consumer.poll(limit)?;
        entries
            .write(give(causelog_entries { entries: polled.into_iter().map(causelog_entry::new).collect() }));
        Ok(())
    })
}

/// Says that all entries up to and including `lsn` were dealt with: durable on return. This
/// handle does not hand them out again.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` naming both LSNs for one before the position, to which
/// only `causelog_consumer_reset` goes back, and for one that is not in the log.
/// `CAUSELOG_NOT_FOUND` when the consumer was removed. `CAUSELOG_READ_ONLY`, `CAUSELOG_CORRUPT`,
/// `CAUSELOG_CLOSED`. After `CAUSELOG_IO` or `CAUSELOG_NO_SPACE` the position is what it was, or `lsn`.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_consumer_commit(
    consumer: Option<&causelog_consumer>,
    lsn: u64,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || required(consumer, "consumer")?.consumer.commit(lsn))
}

/// `*lag` becomes how many LSNs the log has after the position: entries that are yet to
/// commit, and ones that were removed before.
///
/// Fails as `causelog_consumer_position` does.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_consumer_lag(
    consumer: Option<&causelog_consumer>,
    lag: Option<&mut MaybeUninit<u64>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let (consumer, lag) = (required(consumer, "consumer")?, required(lag, "lag")?);
        lag.write(consumer.consumer.lag()?);
        Ok(())
    })
}

/// Makes `lsn` the position, back or forth: this handle goes on after it, and so do those that
/// are made later. 0 is before the first entry.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` for an LSN after the last durable one, otherwise as
/// `causelog_consumer_commit`.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_consumer_reset(
    consumer: Option<&causelog_consumer>,
    lsn: u64,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || required(consumer, "consumer")?.consumer.reset(lsn))
}

/// Frees a handle on a consumer, which keeps its position; NULL is fine. See `causelog_log_remove_consumer`.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_consumer_free(consumer: Option<Box<causelog_consumer>>) {
    release(consumer);
}

/// Entries that a consumer was handed. Never changes, and may outlive the consumer.
pub struct causelog_entries {
    entries: Vec<causelog_entry>,
}

/// How many entries there are.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_entries_count(entries: Option<&causelog_entries>) -> usize {
    read(entries, 0, |entries| entries.entries.len())
}

/// The entry at this place, from 0, in log order. Borrowed; NULL beyond the count.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_entries_get(
    entries: Option<&causelog_entries>,
    index: usize,
) -> *const causelog_entry {
    read(entries, null(), |entries| entries.entries.get(index).map_or(null(), from_ref))
}

/// Frees entries; NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_entries_free(entries: Option<Box<causelog_entries>>) {
    release(entries);
}

/// How far a consumer has come.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct causelog_consumer_status {
    /// Its name, as long as the list or the stats live that it is from.
    pub name: causelog_text,
    /// LSN of the last entry that it has committed; 0 before the first.
    pub position: u64,
    /// How many LSNs the log has after that: entries it has yet to commit, and ones that were
    /// removed before it could.
    pub lag: u64,
}

impl causelog_consumer_status {
    pub(crate) const NONE: Self = causelog_consumer_status { name: causelog_text::NONE, position: 0, lag: 0 };

    /// The one at this place; nothing beyond the last. Its name is borrowed.
    pub(crate) fn at(consumers: &[ConsumerStatus], index: usize) -> Self {
        consumers.get(index).map_or(Self::NONE, |status| causelog_consumer_status {
            name: causelog_text::of(&status.name),
            position: status.position,
            lag: status.lag,
        })
    }
}

/// All consumers of a log as they were when it was asked. Never changes.
pub struct causelog_consumers {
    consumers: Vec<ConsumerStatus>,
}

/// All consumers of the log, by name, and how far they have come. Free the list with
/// `causelog_consumers_free`.
///
/// Fails with `CAUSELOG_CORRUPT` naming the file when one is damaged beyond use,
/// `CAUSELOG_UNSUPPORTED`, `CAUSELOG_IO`, and `CAUSELOG_CLOSED`.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_log_consumers(
    log: Option<&causelog_log>,
    consumers: Option<&mut MaybeUninit<*mut causelog_consumers>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let (log, consumers) = (required(log, "log")?, required(consumers, "consumers")?);
        consumers.write(give(causelog_consumers { consumers: log.log.consumers()? }));
        Ok(())
    })
}

/// How many consumers there were.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_consumers_count(consumers: Option<&causelog_consumers>) -> usize {
    read(consumers, 0, |consumers| consumers.consumers.len())
}

/// The consumer at this place, ascending by name, from 0; zeros beyond the count.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_consumers_get(
    consumers: Option<&causelog_consumers>,
    index: usize,
) -> causelog_consumer_status {
    read(consumers, causelog_consumer_status::NONE, |consumers| {
        causelog_consumer_status::at(&consumers.consumers, index)
    })
}

/// Frees a list of consumers; NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_consumers_free(consumers: Option<Box<causelog_consumers>>) {
    release(consumers);
}

/// Removes a consumer and forgets its position. Handles on it find that out when they commit.
///
/// Fails with `CAUSELOG_NOT_FOUND` when there is none of this name, `CAUSELOG_INVALID_ARGUMENT`
/// when none can be, `CAUSELOG_READ_ONLY`, `CAUSELOG_IO`, and `CAUSELOG_CLOSED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn causelog_log_remove_consumer(
    log: Option<&causelog_log>,
    name: causelog_text,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let log = required(log, "log")?;
        // SAFETY: the caller passes text that is there during the call.
        log.log.remove_consumer(unsafe { name.read("name")? })
    })
}
