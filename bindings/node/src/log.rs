//! The log.

use std::ops::Deref;
use std::sync::Arc;

use causelog::LogOptions;
use napi::bindgen_prelude::{AsyncTask, Result, Unknown};
use napi_derive::napi;

use crate::clock::VectorClock;
use crate::cursor::{Cursor, TransactionCursor};
use crate::error::{Code, thrown};
use crate::input::Argument;
use crate::output::{Count, Dot, Moment, Nanoseconds};
use crate::stats::ChangeLogStats;
use crate::task::{Background, background};

/// An append-only log of row changes that knows what each of them had seen.
///
/// A log lives in a directory or in memory, and is the same in both. It has one writer
/// handle at a time, and beside it any number that are open for reading only, in any process. It records the changes of its own node, stamped with a vector clock
/// and a hybrid logical time, and takes other nodes' transactions as they are.
///
/// A transaction is visible and durable as a whole or not at all. An append that fails
/// has written nothing. If an internal failure or a failed sync strikes within an append,
/// the log closes itself: every call is then `CLOSED`, and opening it again finds all that
/// was acknowledged.
///
/// Functions named `…Sync` do their work before they return. The others return a promise
/// and work off the main thread; two that are not awaited one after the other may be done
/// in either order.
///
/// ```js
/// const log = ChangeLog.openSync('shop-log');
/// log.appendSync(Change.insert('orders', 42, { qty: 1 }));
/// for (const entry of log.query({ table: 'orders', rowId: 42 })) {
///   console.log(entry.lsn, entry.operation, entry.afterJson());
/// }
/// log.closeSync();
/// ```
#[napi]
pub struct ChangeLog {
    pub(crate) log: Handle,
}

/// A log of its own, or that of a replica.
#[derive(Clone)]
pub(crate) enum Handle {
    Own(Arc<causelog::ChangeLog>),
    Replica(Arc<causelog::Replica>),
}

impl Deref for Handle {
    type Target = causelog::ChangeLog;

    fn deref(&self) -> &causelog::ChangeLog {
        match self {
            Handle::Own(log) => log,
            Handle::Replica(replica) => replica.log(),
        }
    }
}

impl From<causelog::ChangeLog> for ChangeLog {
    fn from(log: causelog::ChangeLog) -> Self {
        ChangeLog { log: Handle::Own(Arc::new(log)) }
    }
}

/// What an append did.
#[napi(object, object_from_js = false, use_nullable = true)]
pub struct Appended {
    /// The name of the transaction: the dot of its last change.
    pub transaction: Dot,
    /// What it was stamped with, rounded down to milliseconds.
    #[napi(ts_type = "Date")]
    pub timestamp: Moment,
    /// What it was stamped with, in nanoseconds since 1970: exact.
    #[napi(ts_type = "bigint")]
    pub timestamp_ns: Nanoseconds,
    /// LSN of its first entry; `null` if it has no changes.
    pub first_lsn: Option<u64>,
    /// LSN of its last entry; `null` if it has no changes.
    pub last_lsn: Option<u64>,
    /// Whether the log held the transaction already, so that nothing was written.
    pub duplicate: bool,
}

impl From<causelog::Appended> for Appended {
    fn from(appended: causelog::Appended) -> Self {
        Appended {
            transaction: appended.transaction.into(),
            timestamp: Moment(appended.timestamp),
            timestamp_ns: Nanoseconds(appended.timestamp),
            first_lsn: appended.first_lsn,
            last_lsn: appended.last_lsn,
            duplicate: appended.duplicate,
        }
    }
}

fn location(path: Unknown<'_>, options: Unknown<'_>) -> causelog::Result<(String, LogOptions)> {
    Ok((Argument::new("path", path).directory()?, Argument::new("options", options).log_options()?))
}

#[napi]
impl ChangeLog {
    /// Opens the log in the directory `path`, made if it is not there.
    ///
    /// With `readOnly` nothing is made or written: appends are `READ_ONLY`, and what a writer in any process
    /// appends is seen as it comes. `NOT_FOUND` then when there is no log.
    ///
    /// Throws `LOCKED` while another handle or process has it open, `CORRUPT` with file and
    /// offset when it is damaged, `UNSUPPORTED` when a newer version wrote it,
    /// `INVALID_ARGUMENT` when `path` is no directory or the options name a node that this log
    /// never was, `IO`, `NO_SPACE` or `READ_ONLY` when the operating system says so.
    #[napi(catch_unwind, ts_args_type = "path: string, options?: LogOptions | null")]
    pub fn open_sync(path: Unknown<'_>, options: Unknown<'_>) -> Result<ChangeLog, Code> {
        let (path, options) = location(path, options).map_err(thrown)?;
        causelog::ChangeLog::open_with(path, options).map(ChangeLog::from).map_err(thrown)
    }

    /// Opens the log in the directory `path` off the main thread; otherwise as `openSync`.
    #[napi(
        catch_unwind,
        ts_args_type = "path: string, options?: LogOptions | null",
        ts_return_type = "Promise<ChangeLog>"
    )]
    pub fn open(path: Unknown<'_>, options: Unknown<'_>) -> Result<AsyncTask<Background<ChangeLog>>, Code> {
        let (path, options) = location(path, options).map_err(thrown)?;
        Ok(background(move || causelog::ChangeLog::open_with(path, options).map(ChangeLog::from)))
    }

    /// A new log in memory, gone when it is no longer used.
    #[napi(catch_unwind, ts_args_type = "options?: LogOptions | null")]
    pub fn in_memory(options: Unknown<'_>) -> Result<ChangeLog, Code> {
        let options = Argument::new("options", options).log_options().map_err(thrown)?;
        causelog::ChangeLog::in_memory(options).map(ChangeLog::from).map_err(thrown)
    }

    /// UUID of the node whose changes this log records.
    #[napi(getter, catch_unwind)]
    pub fn node(&self) -> String {
        self.log.node().to_string()
    }

    /// UUIDs of nodes that this log was before: it takes a new identity whenever it is
    /// found to have lost the end of its file, because the dots that were there may be known elsewhere.
    #[napi(getter, catch_unwind)]
    pub fn past_nodes(&self) -> Vec<String> {
        self.log.past_nodes().iter().map(ToString::to_string).collect()
    }

    /// The log's own UUID, made with it: positions are positions of this log.
    #[napi(getter, catch_unwind)]
    pub fn id(&self) -> String {
        self.log.id().to_string()
    }

    /// How often the log has lost its end, and with it LSNs that were handed out: a position is
    /// one of this log and this epoch. What a `Consumer` was handed stays right in all of them.
    #[napi(getter, catch_unwind, ts_return_type = "number")]
    pub fn epoch(&self) -> Count {
        Count(self.log.epoch())
    }

    /// Records one change of this node as a transaction of its own.
    ///
    /// Throws as `appendTransactionSync`.
    #[napi(catch_unwind)]
    pub fn append_sync(&self, #[napi(ts_arg_type = "Change")] change: Unknown<'_>) -> Result<Appended, Code> {
        let change = Argument::new("change", change).change().map_err(thrown)?;
        self.log.append(change).map(Appended::from).map_err(thrown)
    }

    /// Records one change off the main thread; otherwise as `appendSync`.
    #[napi(catch_unwind, ts_return_type = "Promise<Appended>")]
    pub fn append(
        &self,
        #[napi(ts_arg_type = "Change")] change: Unknown<'_>,
    ) -> Result<AsyncTask<Background<Appended>>, Code> {
        let change = Argument::new("change", change).change().map_err(thrown)?;
        let log = self.log.clone();
        Ok(background(move || log.append(change).map(Appended::from)))
    }

    /// Records changes of this node together: all of them, or none.
    ///
    /// Their author is taken to have seen the whole log. Without changes this writes a
    /// merge: a transaction that only says what has been seen.
    ///
    /// Throws `INVALID_ARGUMENT` for a change that is malformed (an empty table name, an insert
    /// with a `before`, a delete with an `after`), `TOO_LARGE` for a table name, row id, metadata or
    /// transaction beyond its limit, `NO_SPACE` or `IO` when it could not be written, `READ_ONLY`, `CLOSED`.
    #[napi(catch_unwind)]
    pub fn append_transaction_sync(
        &self,
        #[napi(ts_arg_type = "ReadonlyArray<Change>")] changes: Unknown<'_>,
    ) -> Result<Appended, Code> {
        let changes = Argument::new("changes", changes).changes().map_err(thrown)?;
        self.log.append_transaction(changes).map(Appended::from).map_err(thrown)
    }

    /// Records changes together off the main thread; otherwise as `appendTransactionSync`.
    #[napi(catch_unwind, ts_return_type = "Promise<Appended>")]
    pub fn append_transaction(
        &self,
        #[napi(ts_arg_type = "ReadonlyArray<Change>")] changes: Unknown<'_>,
    ) -> Result<AsyncTask<Background<Appended>>, Code> {
        let changes = Argument::new("changes", changes).changes().map_err(thrown)?;
        let log = self.log.clone();
        Ok(background(move || log.append_transaction(changes).map(Appended::from)))
    }

    /// Takes in a transaction as it is, whoever wrote it. One that the log holds already
    /// is recognised by its dot and written no second time.
    ///
    /// Throws `MISSING_DEPENDENCY` naming the dot when the log lacks something that its author
    /// had seen; `TRUNCATED` when the log held it once and no longer knows its clock; `DOT_REUSE` when the log holds something else under one of its dots; `CLOCK_SKEW`
    /// when its timestamp lies further ahead of local time than allowed; `INVALID_ARGUMENT` when a
    /// dependency names no transaction, or they do not cover its author's previous transaction;
    /// otherwise as `appendTransactionSync`.
    #[napi(catch_unwind)]
    pub fn append_remote_sync(
        &self,
        #[napi(ts_arg_type = "TransactionInput")] transaction: Unknown<'_>,
    ) -> Result<Appended, Code> {
        let transaction = Argument::new("transaction", transaction).transaction().map_err(thrown)?;
        self.log.append_remote(&transaction).map(Appended::from).map_err(thrown)
    }

    /// Takes in a transaction off the main thread; otherwise as `appendRemoteSync`.
    #[napi(catch_unwind, ts_return_type = "Promise<Appended>")]
    pub fn append_remote(
        &self,
        #[napi(ts_arg_type = "TransactionInput")] transaction: Unknown<'_>,
    ) -> Result<AsyncTask<Background<Appended>>, Code> {
        let transaction = Argument::new("transaction", transaction).transaction().map_err(thrown)?;
        let log = self.log.clone();
        Ok(background(move || log.append_remote(&transaction).map(Appended::from)))
    }

    /// The entries that the options ask for, in the order of their LSNs or in reverse;
    /// all of them without options.
    ///
    /// Throws `TRUNCATED` with the first LSN that remains when `since` is before what was removed; `CLOSED`. What
    /// reading finds damaged is thrown by the cursor.
    #[napi(catch_unwind, ts_args_type = "options?: QueryOptions | null")]
    pub fn query(&self, options: Unknown<'_>) -> Result<Cursor, Code> {
        let options = Argument::new("options", options).query_options().map_err(thrown)?;
        self.log.query(options).map(Cursor::from).map_err(thrown)
    }

    /// The whole transactions that someone whose clock is `seen` has not seen, in log order;
    /// all of them without a clock.
    ///
    /// Handed to another log's `appendRemote` one after the other, they make it hold all that this one holds.
    ///
    /// What is handed out is durable: where appends return earlier than that, this syncs first.
    ///
    /// Throws `TRUNCATED` when some of it was removed; `IO` when it cannot be made durable, `CLOSED`. What reading
    /// finds damaged is thrown by the cursor.
    #[napi(catch_unwind, ts_args_type = "seen?: VectorClock | null")]
    pub fn transactions(&self, seen: Unknown<'_>) -> Result<TransactionCursor, Code> {
        let seen = Argument::new("seen", seen).optional(Argument::clock).map_err(thrown)?;
        let cursor = self.log.transactions(&seen.unwrap_or_default());
        cursor.map(TransactionCursor::from).map_err(thrown)
    }

    /// The clock of everything in the log.
    ///
    /// Throws `CLOSED`.
    #[napi(catch_unwind)]
    pub fn frontier(&self) -> Result<VectorClock, Code> {
        self.log.frontier().map(VectorClock::from).map_err(thrown)
    }

    /// What the author of this change had seen when making it, the change included. The
    /// dot of an empty transaction has a clock as well.
    ///
    /// Throws `NOT_FOUND` when the log does not hold the dot, `TRUNCATED` when it was removed, `CLOSED`.
    #[napi(catch_unwind)]
    pub fn vector_clock(
        &self,
        #[napi(ts_arg_type = "DotLike")] dot: Unknown<'_>,
    ) -> Result<VectorClock, Code> {
        let dot = Argument::new("dot", dot).dot().map_err(thrown)?;
        self.log.vector_clock(dot).map(VectorClock::from).map_err(thrown)
    }

    /// What the log holds, in numbers, and how far its consumers have come.
    ///
    /// Throws `CORRUPT` naming the file when that of a consumer is damaged beyond use, `UNSUPPORTED`, `IO`, `CLOSED`.
    #[napi(catch_unwind)]
    pub fn stats(&self) -> Result<ChangeLogStats, Code> {
        self.log.stats().map(ChangeLogStats::from).map_err(thrown)
    }

    /// Returns once all that was appended will survive a loss of power, whatever the durability.
    ///
    /// Throws `IO` when the operating system cannot promise it, which closes the log; `READ_ONLY`, `CLOSED`.
    #[napi(catch_unwind)]
    pub fn sync_sync(&self) -> Result<(), Code> {
        self.log.sync().map_err(thrown)
    }

    /// Fulfilled once all that was appended will survive a loss of power; otherwise as `syncSync`.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn sync(&self) -> AsyncTask<Background<()>> {
        let log = self.log.clone();
        background(move || log.sync())
    }

    /// Syncs and closes the log, and so lets others open it; every other call is `CLOSED`
    /// from now on, also those of its cursors. Closing again does nothing.
    ///
    /// Throws `IO` when the last sync failed; the log is closed all the same.
    #[napi(catch_unwind)]
    pub fn close_sync(&self) -> Result<(), Code> {
        self.log.close().map_err(thrown)
    }

    /// Syncs and closes the log off the main thread; otherwise as `closeSync`.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn close(&self) -> AsyncTask<Background<()>> {
        let log = self.log.clone();
        background(move || log.close())
    }
}
