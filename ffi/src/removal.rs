use std::mem::MaybeUninit;
use std::time::Duration;

use causelog_core::{CompactionOptions, Removal, Result, RetentionPolicy};

use crate::clock::causelog_clock;
use crate::enumeration::causelog_removal_reason;
use crate::error::causelog_error;
use crate::guard::{guard, read};
use crate::handle::{give, release};
use crate::input::{Versioned, optional, required, slice, versioned};
use crate::log::causelog_log;
use crate::status::causelog_status;
use crate::text::causelog_text;

/// How much of a log is kept. Begin with `CAUSELOG_RETENTION_POLICY_INIT`, which keeps all.
///
/// Entries are removed by whole segments, oldest first; so somewhat more is kept than the
/// rules ask for, and the segment that is being written unless all of it is too old. What several rules remove is
/// removed by the first of them.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct causelog_retention_policy {
    /// The size of this struct: `sizeof(causelog_retention_policy)`.
    pub size: usize,
    /// Entries older than this, in nanoseconds, are removed once all of their segment are; by
    /// default age does not matter.
    pub max_age: *const u64,
    /// While the segments take more bytes than this, the oldest is removed; by default size
    /// does not matter.
    pub max_bytes: *const u64,
    /// Entries that some consumer has not committed are kept while they and all after them take
    /// no more than so many bytes; by default there is no such limit.
    pub unread_bytes: *const u64,
}

// SAFETY: `repr(C)`, `size` first, only numbers and pointers.
unsafe impl Versioned for causelog_retention_policy {
    const NAME: &'static str = "causelog_retention_policy";
}

impl causelog_retention_policy {
    /// # Safety
    /// Unless it is `NULL`, `policy` is a whole struct whose parts are there.
    unsafe fn read(policy: *const causelog_retention_policy) -> Result<RetentionPolicy> {
        // SAFETY: the caller vouches for everything that is read here.
        let (max_age, max_bytes, unread_bytes) = unsafe {
            let policy = versioned(policy, "policy")?;
            (optional(policy.max_age), optional(policy.max_bytes), optional(policy.unread_bytes))
        };
        let all = RetentionPolicy::default();
        Ok(RetentionPolicy {
            max_age: max_age.map(Duration::from_nanos),
            max_bytes,
            unread_bytes: unread_bytes.unwrap_or(all.unread_bytes),
        })
    }
}

/// What compaction may remove. Begin with `CAUSELOG_COMPACTION_OPTIONS_INIT`: of all tables,
/// and there are no other replicas.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct causelog_compaction_options {
    /// The size of this struct: `sizeof(causelog_compaction_options)`.
    pub size: usize,
    /// Only rows of these tables.
    pub tables: *const causelog_text,
    /// How many tables there are; 0 for all.
    pub table_count: usize,
    /// The frontiers of all other replicas, as last heard of. What one of them has not seen is
    /// kept, with all that is needed to resolve conflicts with it.
    pub known: *const *const causelog_clock,
    /// How many frontiers there are.
    pub known_count: usize,
}

// SAFETY: `repr(C)`, `size` first, only numbers and pointers.
unsafe impl Versioned for causelog_compaction_options {
    const NAME: &'static str = "causelog_compaction_options";
}

impl causelog_compaction_options {
    /// # Safety
    /// Unless it is `NULL`, `options` is a whole struct whose parts are there.
    pub(crate) unsafe fn read(options: *const causelog_compaction_options) -> Result<CompactionOptions> {
        if options.is_null() {
            return Ok(CompactionOptions::default());
        }
        // SAFETY: the caller vouches for everything that is read here.
        unsafe {
            let options = versioned(options, "options")?;
            let tables = slice(options.tables, options.table_count, "options.tables")?.iter();
            let tables = tables.map(|table| Ok(table.read("an element of options.tables")?.to_owned()));
            let known = slice(options.known, options.known_count, "options.known")?.iter().enumerate();
            let known = known.map(|(index, clock)| {
                let clock = required(clock.as_ref(), &format!("element {index} of options.known"))?;
                Ok(clock.get().clone())
            });
            Ok(CompactionOptions {
                tables: tables.collect::<Result<_>>()?,
                known: known.collect::<Result<_>>()?,
            })
        }
    }
}

/// The record of something that a log no longer holds, kept for as long as the log.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct causelog_removal {
    /// Why it was removed.
    pub reason: causelog_removal_reason,
    /// When, by the log's time source, in nanoseconds since the Unix epoch.
    pub at: i64,
    /// LSN of the first entry removed.
    pub first_lsn: u64,
    /// LSN of the last entry removed. Age and bytes remove all between; compaction some.
    pub last_lsn: u64,
    /// How many entries were removed.
    pub entries: u64,
    /// By how many bytes that made the log's files shorter.
    pub bytes: u64,
    /// The rule that was applied, in words, as long as the list lives.
    pub detail: causelog_text,
}

/// What was removed from a log. Never changes.
pub struct causelog_removals {
    removals: Vec<Removal>,
}

impl causelog_removals {
    pub(crate) fn give(removals: impl IntoIterator<Item = Removal>) -> *mut causelog_removals {
        give(causelog_removals { removals: removals.into_iter().collect() })
    }
}

/// What was removed from the log, and why, oldest first. Free the list with
/// `causelog_removals_free`.
///
/// Fails with `CAUSELOG_CLOSED`.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_log_removals(
    log: Option<&causelog_log>,
    removals: Option<&mut MaybeUninit<*mut causelog_removals>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let (log, removals) = (required(log, "log")?, required(removals, "removals")?);
        removals.write(causelog_removals::give(log.log.removals()?));
        Ok(())
    })
}

/// Removes what `policy` no longer keeps. `*removals` becomes what that was: nothing, or one
/// removal for each rule. `removals` may be NULL. Free the list with `causelog_removals_free`.
///
/// Whoever asks for what was removed gets `CAUSELOG_TRUNCATED` with the first LSN that remains.
/// `causelog_log_removals` keeps the record. Cursors that are reading a removed segment go on
/// to its end.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` when the policy is malformed, `CAUSELOG_IO` or
/// `CAUSELOG_NO_SPACE` when the record could not be written, `CAUSELOG_READ_ONLY`, and
/// `CAUSELOG_CLOSED`; nothing is removed then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn causelog_log_retain(
    log: Option<&causelog_log>,
    policy: *const causelog_retention_policy,
    removals: Option<&mut MaybeUninit<*mut causelog_removals>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let log = required(log, "log")?;
        // SAFETY: the caller passes a policy whose parts are there during the call.
        let policy = unsafe { causelog_retention_policy::read(policy)? };
        let removed = log.log.retain(&policy)?;
        if let Some(removals) = removals {
            removals.write(causelog_removals::give(removed));
        }
        Ok(())
    })
}

/// Removes entries that later ones of the same row have replaced, from all segments but the
/// one that is being written. `*removals` becomes what that was: nothing, or one removal.
/// `options` and `removals` may be NULL. Free the list with `causelog_removals_free`.
///
/// A row keeps its newest choke point and everything after: an entry that every other entry of
/// the row comes before or after, and that all of `options.known` have seen. A row without one
/// keeps all. So its state, and how conflicts about it end, stay what they were; its history
/// gets shorter. Takes memory for each row of these tables.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` when the options are malformed, `CAUSELOG_CORRUPT`
/// where the log is damaged, `CAUSELOG_IO` or `CAUSELOG_NO_SPACE` when a file could not be
/// written: what was compacted until then stays so. `CAUSELOG_READ_ONLY`, `CAUSELOG_CLOSED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn causelog_log_compact(
    log: Option<&causelog_log>,
    options: *const causelog_compaction_options,
    removals: Option<&mut MaybeUninit<*mut causelog_removals>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let log = required(log, "log")?;
        // SAFETY: the caller passes options whose parts are there during the call.
        let options = unsafe { causelog_compaction_options::read(options)? };
        let removed = log.log.compact(&options)?;
        if let Some(removals) = removals {
            removals.write(causelog_removals::give(removed));
        }
        Ok(())
    })
}

/// How many removals there are.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_removals_count(removals: Option<&causelog_removals>) -> usize {
    read(removals, 0, |removals| removals.removals.len())
}

/// The removal at this place, from 0, oldest first; zeros beyond the count.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_removals_get(
    removals: Option<&causelog_removals>,
    index: usize,
) -> causelog_removal {
    let unknown = causelog_removal_reason::CAUSELOG_REMOVAL_REASON_NONE;
    let (at, first_lsn, last_lsn, entries, bytes) = (0, 0, 0, 0, 0);
    let detail = causelog_text::NONE;
    let none = causelog_removal { reason: unknown, at, first_lsn, last_lsn, entries, bytes, detail };
    read(removals, none, |removals| {
        removals.removals.get(index).map_or(none, |removal| causelog_removal {
            reason: causelog_removal_reason::of(removal.reason).unwrap_or(unknown),
            at: removal.at.nanoseconds(),
            first_lsn: removal.first_lsn,
            last_lsn: removal.last_lsn,
            entries: removal.entries,
            bytes: removal.bytes,
            detail: causelog_text::of(&removal.detail),
        })
    })
}

/// Frees a list of removals; NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_removals_free(removals: Option<Box<causelog_removals>>) {
    release(removals);
}
