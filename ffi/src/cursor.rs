use std::mem::MaybeUninit;
use std::ptr::{from_ref, null};

use causelog_core::{Cursor, EntryRef, QueryOptions, Result, Timestamp, TransactionCursor, VectorClock};

use crate::clock::causelog_clock;
use crate::entry::causelog_entry;
use crate::enumeration::causelog_operation;
use crate::error::causelog_error;
use crate::guard::guard;
use crate::handle::{give, release};
use crate::identity::{causelog_dot, causelog_uuid};
use crate::input::{Versioned, optional, required, slice, versioned};
use crate::log::causelog_log;
use crate::row_id::causelog_row_id;
use crate::status::causelog_status;
use crate::text::causelog_text;
use crate::transaction::causelog_transaction;

/// Which entries to read, and how. Begin with `CAUSELOG_QUERY_OPTIONS_INIT`, which asks
/// for the whole log; every field that is not zero or NULL narrows the answer. *Since* is
/// what you have already, *until* what you still want.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct causelog_query_options {
    /// The size of this struct: `sizeof(causelog_query_options)`.
    pub size: usize,
    /// Only entries of these tables.
    pub tables: *const causelog_text,
    /// How many tables there are; 0 for all.
    pub table_count: usize,
    /// Only entries of rows with this id.
    pub row_id: *const causelog_row_id,
    /// Only entries with this operation: a `causelog_operation`.
    pub operation: i32,
    /// Not zero: from the last entry to the first.
    pub reverse: i32,
    /// Only entries that this node made.
    pub node: *const causelog_uuid,
    /// Only entries of the transaction with this name: the dot of its last change. No other
    /// dot names it, so any other finds nothing.
    pub transaction: *const causelog_dot,
    /// Only entries that this clock does not cover: what someone who has seen that much lacks.
    /// It may cover the first changes of a transaction and not the others.
    pub unseen_by: *const causelog_clock,
    /// Only entries after this LSN: the last one that was handled, or 0.
    pub since: u64,
    /// Only entries up to and including this LSN.
    pub until: *const u64,
    /// Only entries stamped after this moment, in nanoseconds since the Unix epoch. Do not
    /// checkpoint by time: several entries can have one timestamp, and a remote one can
    /// arrive late. Use `since`.
    pub since_time: *const i64,
    /// Only entries stamped up to and including this moment.
    pub until_time: *const i64,
    /// At most so many entries.
    pub limit: *const u64,
}

// SAFETY: `repr(C)`, `size` first, only numbers and pointers.
unsafe impl Versioned for causelog_query_options {
    const NAME: &'static str = "causelog_query_options";
}

impl causelog_query_options {
    /// # Safety
    /// Unless it is `NULL`, `options` is a whole struct whose parts are there.
    unsafe fn read(options: *const causelog_query_options) -> Result<QueryOptions> {
        if options.is_null() {
            return Ok(QueryOptions::default());
        }
        // SAFETY: the caller vouches for everything that is read here.
        unsafe {
            let options = versioned(options, "options")?;
            let tables = slice(options.tables, options.table_count, "options.tables")?.iter();
            let tables = tables.map(|table| Ok(table.read("an element of options.tables")?.to_owned()));
            let row_id = options.row_id.as_ref().map(|row_id| row_id.read("options.row_id"));
            let any = causelog_operation::CAUSELOG_OPERATION_NONE as i32;
            let operation = (options.operation != any)
                .then(|| causelog_operation::read(options.operation, "options.operation"));
            let time = |time: *const i64| optional(time).map(Timestamp::from_nanoseconds);
            Ok(QueryOptions {
                tables: tables.collect::<Result<_>>()?,
                row_id: row_id.transpose()?,
                operation: operation.transpose()?,
                node: optional(options.node).map(Into::into),
                transaction: optional(options.transaction).map(Into::into),
                unseen_by: options.unseen_by.as_ref().map(|clock| clock.get().clone()),
                since: options.since,
                until: optional(options.until),
                since_time: time(options.since_time),
                until_time: time(options.until_time),
                limit: optional(options.limit),
                reverse: options.reverse != 0,
            })
        }
    }
}

/// Entries of a log, read as they are asked for. It sees the log as it was when the query
/// was made, and keeps it open also when the log's own handle is freed. Use it by one
/// thread at a time.
pub struct causelog_cursor {
    /// Lent by `cursor`, which therefore stays where it is and is not used while this is there.
    current: Option<causelog_entry>,
    cursor: Cursor,
    /// Set by a failure of which the core's cursor knows nothing.
    ended: bool,
}

impl causelog_cursor {
    pub(crate) fn give(cursor: Cursor) -> *mut causelog_cursor {
        give(causelog_cursor { current: None, cursor, ended: false })
    }

    fn next(&mut self) -> Result<*const causelog_entry> {
        self.current = None;
        if self.ended {
            return Ok(null());
        }
        let Some(entry) = self.cursor.next_entry()? else { return Ok(null()) };
        // SAFETY: only the lifetime changes. What the entry borrows belongs to `self.cursor`,
        // which lives behind a handle and so is never moved, and which is used again or freed
        // only by calls that end the entry: C is told that it lives until then.
        let entry = unsafe { std::mem::transmute::<EntryRef<'_>, EntryRef<'static>>(entry) };
        let entry = causelog_entry::lend(entry).inspect_err(|_| self.ended = true)?;
        Ok(from_ref(self.current.insert(entry)))
    }
}

/// The entries that `options` ask for, in the order of their LSNs or in reverse. `options`
/// may be NULL. Free the cursor with `causelog_cursor_free`.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` when the options are malformed, `CAUSELOG_TRUNCATED`
/// naming the first LSN that remains when some of what comes after `since` was removed, and
/// `CAUSELOG_CLOSED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn causelog_log_query(
    log: Option<&causelog_log>,
    options: *const causelog_query_options,
    cursor: Option<&mut MaybeUninit<*mut causelog_cursor>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let log = required(log, "log")?;
        // SAFETY: the caller passes options whose parts are there during the call.
        let options = unsafe { causelog_query_options::read(options)? };
        let cursor = required(cursor, "cursor")?;
        cursor.write(causelog_cursor::give(log.log.query(options)?));
        Ok(())
    })
}

/// The next entry, borrowed: it lives until the next call on the cursor. `*entry` becomes
/// NULL after the last one. After a failure the cursor has ended.
///
/// Fails with `CAUSELOG_CORRUPT` naming file and offset when what it reads is damaged,
/// `CAUSELOG_TRUNCATED` when what comes next was removed, `CAUSELOG_IO`, and `CAUSELOG_CLOSED`.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_cursor_next(
    cursor: Option<&mut causelog_cursor>,
    entry: Option<&mut MaybeUninit<*const causelog_entry>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let (cursor, entry) = (required(cursor, "cursor")?, required(entry, "entry")?);
        entry.write(cursor.next()?);
        Ok(())
    })
}

/// Frees a cursor; NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_cursor_free(cursor: Option<Box<causelog_cursor>>) {
    release(cursor);
}

/// Whole transactions of a log in its order, read as they are asked for. It sees the log
/// as it was when it was made, and keeps it open also when the log's own handle is freed.
/// Use it by one thread at a time.
pub struct causelog_transaction_cursor {
    cursor: TransactionCursor,
    current: Option<causelog_transaction>,
}

/// The transactions that someone whose clock is `seen` has not seen, in log order; `seen`
/// may be NULL for all. Handed to another log's `causelog_log_append_remote` one after
/// the other, they make it hold all that this one holds. Free the cursor with
/// `causelog_transaction_cursor_free`.
///
/// What it gives is durable: where appends return earlier than that, this syncs first.
///
/// Fails with `CAUSELOG_TRUNCATED` when some of it was removed, `CAUSELOG_IO` when it cannot be
/// made durable, and `CAUSELOG_CLOSED`.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_log_transactions(
    log: Option<&causelog_log>,
    seen: Option<&causelog_clock>,
    cursor: Option<&mut MaybeUninit<*mut causelog_transaction_cursor>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let (log, cursor) = (required(log, "log")?, required(cursor, "cursor")?);
        let nothing = VectorClock::new();
        let transactions = log.log.transactions(seen.map_or(&nothing, causelog_clock::get))?;
        cursor.write(give(causelog_transaction_cursor { cursor: transactions, current: None }));
        Ok(())
    })
}

/// The next transaction, borrowed: it lives until the next call on the cursor.
/// `*transaction` becomes NULL after the last one. After a failure the cursor has ended.
///
/// Fails with `CAUSELOG_CORRUPT` naming file and offset when what it reads is damaged,
/// `CAUSELOG_IO`, and `CAUSELOG_CLOSED`.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_transaction_cursor_next(
    cursor: Option<&mut causelog_transaction_cursor>,
    transaction: Option<&mut MaybeUninit<*const causelog_transaction>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let (cursor, transaction) = (required(cursor, "cursor")?, required(transaction, "transaction")?);
        cursor.current = None;
        cursor.current = cursor.cursor.next().transpose()?.map(causelog_transaction::new);
        transaction.write(cursor.current.as_ref().map_or(null(), from_ref));
        Ok(())
    })
}

/// Frees a cursor; NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_transaction_cursor_free(cursor: Option<Box<causelog_transaction_cursor>>) {
    release(cursor);
}
