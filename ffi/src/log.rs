use std::mem::MaybeUninit;
use std::path::PathBuf;
use std::time::Duration;

use causelog_core::{ChangeLog, LogOptions, Result, Timestamp};

use crate::change::{causelog_change, causelog_changes};
use crate::clock::causelog_clock;
use crate::enumeration::causelog_durability;
use crate::error::causelog_error;
use crate::guard::{guard, read};
use crate::handle::{give, release};
use crate::identity::{causelog_dot, causelog_uuid};
use crate::input::{Versioned, invalid, optional, required, versioned, write_if_wanted};
use crate::stats::causelog_stats;
use crate::status::causelog_status;
use crate::text::causelog_text;
use crate::time::{causelog_time, source};
use crate::transaction::causelog_transaction;

/// An append-only log of row changes that knows what each of them had seen, in a
/// directory or in memory.
///
/// All functions of a log but `causelog_log_free` may be called from several threads at
/// once. A transaction is visible and durable as a whole or not at all; an append that
/// fails has written nothing. If an internal failure or a failed sync strikes within an
/// append, the log closes itself: every call is then `CAUSELOG_CLOSED`, and opening it
/// again finds all that was acknowledged.
// The layout lets a replica lend the log inside it. cbindgen would show the core's type
// for a plain `repr(transparent)`; C is to see an opaque one.
#[cfg_attr(all(), repr(transparent))]
pub struct causelog_log {
    pub(crate) log: ChangeLog,
}

impl causelog_log {
    /// Lends a log that is part of something else.
    pub(crate) fn lend(log: &ChangeLog) -> *const causelog_log {
        // Both types have one layout.
        std::ptr::from_ref(log).cast()
    }
}

/// How a log is opened. Begin with `CAUSELOG_LOG_OPTIONS_INIT`; what is zero or NULL means the default.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct causelog_log_options {
    /// The size of this struct: `sizeof(causelog_log_options)`.
    pub size: usize,
    /// The identity that a new log takes; by default a random one. A log that exists keeps
    /// its own: naming one that it never had is `CAUSELOG_INVALID_ARGUMENT`.
    pub node: *const causelog_uuid,
    /// When an append returns: a `causelog_durability`.
    pub durability: i32,
    /// Not zero: only to read, beside a writer in any process or without one. Appends are then
    /// `CAUSELOG_READ_ONLY`, and what the writer appends is seen as it comes.
    pub read_only: i32,
    /// How long entries may lie in the operating system's hands under
    /// `CAUSELOG_DURABILITY_INTERVAL`, in nanoseconds, at least 1; by default 100 milliseconds.
    pub sync_interval: *const u64,
    /// How far a remote timestamp may lie ahead of local time, in nanoseconds; by default 2 minutes.
    pub maximum_clock_skew: *const u64,
    /// From how many bytes on a segment, a file of the log, is sealed and the next one begun:
    /// 4096 to 1073741824; 0 for the default, 67108864.
    pub segment_bytes: u64,
    /// Where the time comes from; by default the system's clock. The log keeps it alive.
    pub time: *const causelog_time,
    /// Not zero: sealed segments are read through a memory map instead of `pread`, and small transactions written
    /// through one where appends do not sync. Scans then copy nothing and such appends make no system call, but
    /// should the disk fail, or somebody cut a file from outside, the process gets a
    /// SIGBUS instead of an error. `causelog_log_verify` never reads so.
    pub memory_map: i32,
}

// SAFETY: `repr(C)`, `size` first, only numbers and pointers.
unsafe impl Versioned for causelog_log_options {
    const NAME: &'static str = "causelog_log_options";
}

impl causelog_log_options {
    /// # Safety
    /// Unless it is `NULL`, `options` is a whole struct whose parts are there.
    pub(crate) unsafe fn read(options: *const causelog_log_options) -> Result<LogOptions> {
        let mut read = LogOptions::default();
        if options.is_null() {
            return Ok(read);
        }
        // SAFETY: the caller vouches for everything that is read here.
        let (options, node, interval, skew, time) = unsafe {
            let options = versioned(options, "options")?;
            let (interval, skew) = (optional(options.sync_interval), optional(options.maximum_clock_skew));
            (options, optional(options.node), interval, skew, options.time.as_ref())
        };
        read.node = node.map(Into::into);
        if options.durability != causelog_durability::CAUSELOG_DURABILITY_DEFAULT as i32 {
            read.durability = causelog_durability::read(options.durability, "options.durability")?;
        }
        read.read_only = options.read_only != 0;
        read.memory_map = options.memory_map != 0;
        if let Some(interval) = interval {
            read.sync_interval = Duration::from_nanos(interval);
        }
        if options.segment_bytes != 0 {
            read.segment_bytes = options.segment_bytes;
        }
        if let Some(skew) = skew {
            read.maximum_clock_skew = Duration::from_nanos(skew);
        }
        read.time = source(time);
        Ok(read)
    }
}

/// What an append did.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct causelog_appended {
    /// The name of the transaction: the dot of its last change.
    pub transaction: causelog_dot,
    /// What it was stamped with, in nanoseconds since the Unix epoch.
    pub timestamp: i64,
    /// LSN of its first entry; 0 if it has no changes.
    pub first_lsn: u64,
    /// LSN of its last entry; 0 if it has no changes.
    pub last_lsn: u64,
    /// Whether the log held the transaction already, so that nothing was written.
    pub duplicate: bool,
}

impl From<causelog_core::Appended> for causelog_appended {
    fn from(appended: causelog_core::Appended) -> Self {
        causelog_appended {
            transaction: appended.transaction.into(),
            timestamp: appended.timestamp.nanoseconds(),
            first_lsn: appended.first_lsn.unwrap_or(0),
            last_lsn: appended.last_lsn.unwrap_or(0),
            duplicate: appended.duplicate,
        }
    }
}

/// A path in the form that the operating system takes: any bytes but NUL on Unix.
///
/// # Safety
/// The text is there.
pub(crate) unsafe fn read_path(path: causelog_text, name: &str) -> Result<PathBuf> {
    #[cfg(unix)]
    let path = {
        use std::os::unix::ffi::OsStrExt;
        let bytes = crate::text::causelog_bytes { data: path.data.cast(), length: path.length };
        // SAFETY: the caller vouches for it.
        PathBuf::from(std::ffi::OsStr::from_bytes(unsafe { bytes.read(name)? }))
    };
    #[cfg(not(unix))]
    // SAFETY: the caller vouches for it.
    let path = PathBuf::from(unsafe { path.read(name)? });
    if path.as_os_str().is_empty() {
        return Err(invalid(format!("{name} is empty")));
    }
    if path.as_os_str().as_encoded_bytes().contains(&0) {
        return Err(invalid(format!("{name} holds a NUL: {path:?}")));
    }
    Ok(path)
}

/// Opens the log in the directory `path`, made if it is not there. `options` may be NULL.
/// Free it with `causelog_log_free`.
///
/// A path is given as the operating system takes it: on Unix it need not be UTF-8.
///
/// Fails with `CAUSELOG_LOCKED` while another handle or process has it open,
/// `CAUSELOG_CORRUPT` with file and offset when it is damaged, `CAUSELOG_UNSUPPORTED` when
/// a newer version wrote it, `CAUSELOG_INVALID_ARGUMENT` when `path` is no directory or
/// the options name a node that this log never was, `CAUSELOG_NOT_FOUND` when it is to be read
/// only and is not there, and `CAUSELOG_IO`,
/// `CAUSELOG_NO_SPACE` or `CAUSELOG_READ_ONLY` when the operating system says so.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn causelog_log_open(
    path: causelog_text,
    options: *const causelog_log_options,
    log: Option<&mut MaybeUninit<*mut causelog_log>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        // SAFETY: the caller passes a path and options that are there during the call.
        let (path, options) = unsafe { (read_path(path, "path")?, causelog_log_options::read(options)?) };
        let log = required(log, "log")?;
        log.write(give(causelog_log { log: ChangeLog::open_with(path, options)? }));
        Ok(())
    })
}

/// A new log in memory, gone when its last handle is. `options` may be NULL. Free it with
/// `causelog_log_free`.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` when an argument is malformed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn causelog_log_in_memory(
    options: *const causelog_log_options,
    log: Option<&mut MaybeUninit<*mut causelog_log>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        // SAFETY: the caller passes options that are there during the call.
        let options = unsafe { causelog_log_options::read(options)? };
        let log = required(log, "log")?;
        log.write(give(causelog_log { log: ChangeLog::in_memory(options)? }));
        Ok(())
    })
}

/// The node whose changes this log records.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_log_node(log: Option<&causelog_log>) -> causelog_uuid {
    read(log, causelog_uuid::NIL, |log| log.log.node().into())
}

/// The log's own identity, made with it: positions are positions of this log.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_log_id(log: Option<&causelog_log>) -> causelog_uuid {
    read(log, causelog_uuid::NIL, |log| log.log.id().into())
}

/// How often the log has lost its end, and with it LSNs that were handed out: a position is
/// one of this log and this epoch. What a consumer was handed stays right in all of them.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_log_epoch(log: Option<&causelog_log>) -> u64 {
    read(log, 0, |log| log.log.epoch())
}

/// How many nodes this log was before: it takes a new identity whenever it is found to
/// have lost the end of its file, because the dots that were there may be known elsewhere.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_log_past_node_count(log: Option<&causelog_log>) -> usize {
    read(log, 0, |log| log.log.past_nodes().len())
}

/// The node at this place that the log was before, from 0; zeros beyond the count.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_log_past_node(log: Option<&causelog_log>, index: usize) -> causelog_uuid {
    read(log, causelog_uuid::NIL, |log| {
        log.log.past_nodes().get(index).map_or(causelog_uuid::NIL, |node| (*node).into())
    })
}

/// Records one change of this node as a transaction of its own. `appended` may be NULL.
///
/// Fails as `causelog_log_append_transaction` and `causelog_changes_add` do.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn causelog_log_append(
    log: Option<&causelog_log>,
    change: *const causelog_change,
    appended: Option<&mut MaybeUninit<causelog_appended>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let log = required(log, "log")?;
        // SAFETY: the caller passes a change whose parts are there during the call.
        let change = unsafe { causelog_change::read(change, "change")? };
        write_if_wanted(appended, log.log.append(change)?.into());
        Ok(())
    })
}

/// Records changes of this node together: all of them, or none. `appended` may be NULL.
/// The batch stays as it is.
///
/// Their author is taken to have seen the whole log. Without changes this writes a merge:
/// a transaction that only says what has been seen.
///
/// Fails with `CAUSELOG_TOO_LARGE` beyond 1 GiB, `CAUSELOG_NO_SPACE` or `CAUSELOG_IO` when
/// it could not be written, `CAUSELOG_READ_ONLY`, and `CAUSELOG_CLOSED`.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_log_append_transaction(
    log: Option<&causelog_log>,
    changes: Option<&causelog_changes>,
    appended: Option<&mut MaybeUninit<causelog_appended>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let (log, changes) = (required(log, "log")?, required(changes, "changes")?);
        write_if_wanted(appended, log.log.append_transaction(&changes.changes)?.into());
        Ok(())
    })
}

/// Takes in a transaction as it is, whoever wrote it. One that the log holds already is
/// recognised by its dot and written no second time. `appended` may be NULL.
///
/// Fails with `CAUSELOG_MISSING_DEPENDENCY` naming the dot when the log lacks something
/// that its author had seen; `CAUSELOG_TRUNCATED` when the log held it once and no longer knows
/// its clock; `CAUSELOG_DOT_REUSE` when the log holds something else under
/// one of its dots; `CAUSELOG_CLOCK_SKEW` when its timestamp lies further ahead of local
/// time than allowed; `CAUSELOG_INVALID_ARGUMENT` when a dependency names no transaction,
/// or they do not cover its author's previous transaction; otherwise as
/// `causelog_log_append_transaction`.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_log_append_remote(
    log: Option<&causelog_log>,
    transaction: Option<&causelog_transaction>,
    appended: Option<&mut MaybeUninit<causelog_appended>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let (log, transaction) = (required(log, "log")?, required(transaction, "transaction")?);
        write_if_wanted(appended, log.log.append_remote(transaction.get())?.into());
        Ok(())
    })
}

/// The clock of everything in the log. Free it with `causelog_clock_free`.
///
/// Fails with `CAUSELOG_CLOSED`.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_log_frontier(
    log: Option<&causelog_log>,
    clock: Option<&mut MaybeUninit<*mut causelog_clock>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let (log, clock) = (required(log, "log")?, required(clock, "clock")?);
        clock.write(causelog_clock::give(log.log.frontier()?));
        Ok(())
    })
}

/// What the author of this change had seen when making it, the change included. The dot
/// of an empty transaction has a clock as well. Free it with `causelog_clock_free`.
///
/// Fails with `CAUSELOG_NOT_FOUND` when the log does not hold the dot,
/// `CAUSELOG_TRUNCATED` when it was removed, and `CAUSELOG_CLOSED`.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_log_vector_clock(
    log: Option<&causelog_log>,
    dot: causelog_dot,
    clock: Option<&mut MaybeUninit<*mut causelog_clock>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let (log, clock) = (required(log, "log")?, required(clock, "clock")?);
        clock.write(causelog_clock::give(log.log.vector_clock(dot.into())?));
        Ok(())
    })
}

/// What the log holds, in numbers, and how far its consumers have come. Free them with `causelog_stats_free`.
///
/// Fails as `causelog_log_consumers` does.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_log_stats(
    log: Option<&causelog_log>,
    stats: Option<&mut MaybeUninit<*mut causelog_stats>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let (log, stats) = (required(log, "log")?, required(stats, "stats")?);
        stats.write(give(causelog_stats::new(log.log.stats()?)));
        Ok(())
    })
}

/// Returns once all that was appended will survive a loss of power, whatever the durability.
///
/// Fails with `CAUSELOG_IO` when the operating system cannot promise it, which closes the
/// log, `CAUSELOG_READ_ONLY`, and `CAUSELOG_CLOSED`.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_log_sync(
    log: Option<&causelog_log>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || required(log, "log")?.log.sync())
}

/// Does what is due at `now`, in nanoseconds since the Unix epoch: the sync of
/// `CAUSELOG_DURABILITY_INTERVAL`. Call it every so often when no appends come; appends do it by
/// themselves.
///
/// Fails as `causelog_log_sync` does.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_log_maintain(
    log: Option<&causelog_log>,
    now: i64,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || required(log, "log")?.log.maintain(Timestamp::from_nanoseconds(now)))
}

/// Waits until the log holds an entry after `lsn`, for at most so many milliseconds; `*last_lsn`
/// becomes the LSN of its last one. `last_lsn` may be NULL.
///
/// Other threads may use the log meanwhile. A log opened for reading only waits for the writer,
/// whichever process that is in.
///
/// Fails with `CAUSELOG_TIMEOUT` when none came in time, and `CAUSELOG_CLOSED`, also when the log
/// is closed meanwhile.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_log_wait(
    log: Option<&causelog_log>,
    lsn: u64,
    milliseconds: u64,
    last_lsn: Option<&mut MaybeUninit<u64>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let log = required(log, "log")?;
        write_if_wanted(last_lsn, log.log.wait(lsn, Duration::from_millis(milliseconds))?);
        Ok(())
    })
}

/// Syncs and closes the log, so that another handle can open it: every other call is
/// `CAUSELOG_CLOSED` from now on, also those of its cursors. Closing again does nothing.
/// The handle must still be freed.
///
/// Fails with `CAUSELOG_IO` when the last sync failed; the log is closed all the same.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_log_close(
    log: Option<&causelog_log>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || required(log, "log")?.log.close())
}

/// Frees a log. Once its last cursor is freed too it is closed, but nobody hears of it if
/// the last sync failed: `causelog_log_close` tells. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_log_free(log: Option<Box<causelog_log>>) {
    release(log);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use causelog_core::TimeSource;

    use super::*;
    use crate::change::causelog_change_insert;
    use crate::row_id::causelog_row_id_from_integer;
    use crate::text::{causelog_bytes, causelog_text};

    /// Works until it is told to break: opening a log asks it too.
    struct BreakingTime {
        broken: AtomicBool,
    }

    impl TimeSource for BreakingTime {
        fn now(&self) -> Timestamp {
            assert!(!self.broken.load(Ordering::Relaxed), "the time is out of joint");
            Timestamp::from_nanoseconds(1000)
        }
    }

    /// Calls an exported function and returns its status and message.
    fn call(
        function: impl FnOnce(Option<&mut MaybeUninit<*mut causelog_error>>) -> causelog_status,
    ) -> (causelog_status, String) {
        let mut error = MaybeUninit::uninit();
        let status = function(Some(&mut error));
        if status == causelog_status::CAUSELOG_OK {
            return (status, String::new());
        }
        // SAFETY: a failed call has written the error, which nobody else has taken.
        let error = unsafe { Box::from_raw(error.assume_init()) };
        let message = error.text().to_owned();
        release(Some(error));
        (status, message)
    }

    #[test]
    fn a_panic_inside_an_append_is_internal_and_closes_the_log() {
        let time = Arc::new(BreakingTime { broken: AtomicBool::new(false) });
        let options = LogOptions { time: time.clone(), ..Default::default() };
        let log = causelog_log { log: ChangeLog::in_memory(options).unwrap() };
        time.broken.store(true, Ordering::Relaxed);
        let change = causelog_change_insert(
            causelog_text::of("orders"),
            causelog_row_id_from_integer(42),
            causelog_bytes::of(b"{}"),
        );
        let mut appended = MaybeUninit::uninit();
        let mut append = || {
            // SAFETY: the change and its parts are there.
            call(|error| unsafe { causelog_log_append(Some(&log), &change, Some(&mut appended), error) })
        };

        let (status, message) = append();
        assert_eq!(status, causelog_status::CAUSELOG_INTERNAL);
        assert_eq!(message, "a bug in causelog: the time is out of joint");

        let (status, message) = append();
        assert_eq!(status, causelog_status::CAUSELOG_CLOSED);
        assert!(message.contains("an internal failure closed the log"), "{message}");
        assert_eq!(call(|error| causelog_log_sync(Some(&log), error)).0, causelog_status::CAUSELOG_CLOSED);
    }
}
