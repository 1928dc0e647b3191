use std::mem::MaybeUninit;
use std::ptr::{null, null_mut};
use std::sync::Arc;

use causelog_core::{Moment, Result, Row, Timestamp};

use crate::cursor::causelog_cursor;
use crate::error::causelog_error;
use crate::guard::{guard, read};
use crate::handle::{give, release};
use crate::identity::causelog_dot;
use crate::input::{invalid, required};
use crate::log::causelog_log;
use crate::row_id::{RowIdView, causelog_row_id};
use crate::status::causelog_status;
use crate::text::{causelog_bytes, causelog_text};

/// The kinds of a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum causelog_moment_kind {
    /// All entries that the log holds when it is asked.
    CAUSELOG_MOMENT_NOW = 0,
    /// The entries up to and including `lsn`; 0 is the empty log.
    CAUSELOG_MOMENT_LSN = 1,
    /// The entries stamped up to and including `timestamp`, in log order.
    CAUSELOG_MOMENT_TIME = 2,
}

/// How much of a log counts when it is asked how things stood. All zeros mean now.
///
/// An LSN is exact: it names a prefix of this log, the same one whenever it is asked for. A
/// time is not: several entries can have one timestamp, and then all of them count or none;
/// a remote entry can arrive late with an early timestamp, and the answer for that time is
/// another from then on.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct causelog_moment {
    /// A `causelog_moment_kind`.
    pub kind: i32,
    /// The LSN of `CAUSELOG_MOMENT_LSN`; else unused.
    pub lsn: u64,
    /// The time of `CAUSELOG_MOMENT_TIME`, in nanoseconds since the Unix epoch; else unused.
    pub timestamp: i64,
}

impl causelog_moment {
    fn new(kind: causelog_moment_kind, lsn: u64, timestamp: i64) -> Self {
        causelog_moment { kind: kind as i32, lsn, timestamp }
    }

    pub(crate) fn read(self, name: &str) -> Result<Moment> {
        use causelog_moment_kind as Kind;
        let of = |kind: Kind| self.kind == kind as i32;
        if of(Kind::CAUSELOG_MOMENT_NOW) {
            Ok(Moment::Now)
        } else if of(Kind::CAUSELOG_MOMENT_LSN) {
            Ok(Moment::Lsn(self.lsn))
        } else if of(Kind::CAUSELOG_MOMENT_TIME) {
            Ok(Moment::Time(Timestamp::from_nanoseconds(self.timestamp)))
        } else {
            Err(invalid(format!("{name} has kind {}: it is none of a moment", self.kind)))
        }
    }
}

/// The moment at which all entries count that the log holds when it is asked.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_moment_now() -> causelog_moment {
    causelog_moment::new(causelog_moment_kind::CAUSELOG_MOMENT_NOW, 0, 0)
}

/// The moment at which the entries up to and including this LSN count; with 0, none.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_moment_at_lsn(lsn: u64) -> causelog_moment {
    causelog_moment::new(causelog_moment_kind::CAUSELOG_MOMENT_LSN, lsn, 0)
}

/// The moment at which the entries stamped up to and including this time count, in
/// nanoseconds since the Unix epoch.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_moment_at_time(timestamp: i64) -> causelog_moment {
    causelog_moment::new(causelog_moment_kind::CAUSELOG_MOMENT_TIME, 0, timestamp)
}

/// A row as it stood at some moment. Never changes, and may outlive what it was asked of.
pub struct causelog_row {
    view: RowIdView,
    /// What `view` points into.
    row: Arc<Row>,
}

impl causelog_row {
    pub(crate) fn new(row: Arc<Row>) -> Self {
        causelog_row { view: RowIdView::of(&row.row_id), row }
    }

    /// A handle on the row, `NULL` if there is none.
    pub(crate) fn give(row: Option<Arc<Row>>) -> *mut causelog_row {
        row.map_or(null_mut(), |row| give(causelog_row::new(row)))
    }
}

/// The row within its table. Borrowed; NULL of NULL.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_row_row_id(row: Option<&causelog_row>) -> *const causelog_row_id {
    read(row, null(), |row| std::ptr::from_ref(row.view.get()))
}

/// Its payload: the `after` of the entry that made it so. Borrowed; `data` is NULL when that
/// entry carries none.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_row_value(row: Option<&causelog_row>) -> causelog_bytes {
    read(row, causelog_bytes::NONE, |row| causelog_bytes::of_optional(row.row.value.as_deref()))
}

/// LSN of the entry that made it so.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_row_lsn(row: Option<&causelog_row>) -> u64 {
    read(row, 0, |row| row.row.lsn)
}

/// When that entry was made, by its author's clock, in nanoseconds since the Unix epoch.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_row_timestamp(row: Option<&causelog_row>) -> i64 {
    read(row, 0, |row| row.row.timestamp.nanoseconds())
}

/// The identity of that entry.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_row_dot(row: Option<&causelog_row>) -> causelog_dot {
    read(row, causelog_dot::NONE, |row| row.row.dot.into())
}

/// A handle of one's own on a row, to keep one that is borrowed. NULL of NULL. Free it with `causelog_row_free`.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_row_clone(row: Option<&causelog_row>) -> *mut causelog_row {
    read(row, null_mut(), |row| causelog_row::give(Some(row.row.clone())))
}

/// Frees a row; NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_row_free(row: Option<Box<causelog_row>>) {
    release(row);
}

/// Every entry of one row, oldest first, whatever its verdict. Free the cursor with
/// `causelog_cursor_free`.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` when the table name is empty or the row id
/// malformed, otherwise as `causelog_log_query`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn causelog_log_history(
    log: Option<&causelog_log>,
    table: causelog_text,
    row_id: causelog_row_id,
    cursor: Option<&mut MaybeUninit<*mut causelog_cursor>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let log = required(log, "log")?;
        // SAFETY: the caller passes a text and a row id that are there during the call.
        let (table, row_id) = unsafe { (table.read("table")?, row_id.read("row_id")?) };
        let cursor = required(cursor, "cursor")?;
        cursor.write(causelog_cursor::give(log.log.history(table, row_id)?));
        Ok(())
    })
}

/// How one row stood at a moment; `*row` becomes NULL if it was not there: not yet, or not
/// any more. Free the row with `causelog_row_free`.
///
/// A row is what its entries made of it in log order. An entry with the verdict applied, or
/// with none, sets it, or removes it if it is a delete; a superseded one leaves it as it was;
/// a merged one sets it to the entry's own `after`.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` when the table name is empty, the row id or the
/// moment malformed, or its LSN beyond the last entry; `CAUSELOG_TRUNCATED` when what decides
/// it was removed; `CAUSELOG_CORRUPT` or `CAUSELOG_IO` when the log cannot be read; and
/// `CAUSELOG_CLOSED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn causelog_log_state_at(
    log: Option<&causelog_log>,
    table: causelog_text,
    row_id: causelog_row_id,
    at: causelog_moment,
    row: Option<&mut MaybeUninit<*mut causelog_row>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let log = required(log, "log")?;
        // SAFETY: the caller passes a text and a row id that are there during the call.
        let (table, row_id) = unsafe { (table.read("table")?, row_id.read("row_id")?) };
        let (at, row) = (at.read("at")?, required(row, "row")?);
        row.write(causelog_row::give(log.log.state_at(table, row_id, at)?.map(Arc::new)));
        Ok(())
    })
}
