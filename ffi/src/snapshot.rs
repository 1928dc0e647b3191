use std::mem::MaybeUninit;
use std::ptr::{from_ref, null, null_mut};
use std::sync::Arc;

use causelog_core::{Row, Snapshot};

use crate::error::causelog_error;
use crate::guard::{compute, guard, read};
use crate::handle::{give, release};
use crate::input::required;
use crate::log::causelog_log;
use crate::row_id::causelog_row_id;
use crate::status::causelog_status;
use crate::text::causelog_text;
use crate::time_travel::{causelog_moment, causelog_row};

/// All rows of a table as they stood at one moment, in memory; nothing that is appended
/// later changes them, and it does not keep the log open.
pub struct causelog_snapshot {
    snapshot: Snapshot,
}

impl causelog_snapshot {
    pub(crate) fn give(snapshot: Snapshot) -> *mut causelog_snapshot {
        give(causelog_snapshot { snapshot })
    }
}

/// How all rows of a table stood at a moment: each as `causelog_log_state_at` says, the
/// absent ones left out. Free the snapshot with `causelog_snapshot_free`.
///
/// It reads every entry of the table up to that moment, and holds every row that is there in
/// memory. A table that the log has never heard of is empty.
///
/// Fails as `causelog_log_state_at` does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn causelog_log_snapshot(
    log: Option<&causelog_log>,
    table: causelog_text,
    at: causelog_moment,
    snapshot: Option<&mut MaybeUninit<*mut causelog_snapshot>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let log = required(log, "log")?;
        // SAFETY: the caller passes text that is there during the call.
        let table = unsafe { table.read("table")? };
        let (at, snapshot) = (at.read("at")?, required(snapshot, "snapshot")?);
        snapshot.write(causelog_snapshot::give(log.log.snapshot(table, at)?));
        Ok(())
    })
}

/// The table's name. Borrowed.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_snapshot_table(snapshot: Option<&causelog_snapshot>) -> causelog_text {
    read(snapshot, causelog_text::NONE, |snapshot| causelog_text::of(snapshot.snapshot.table()))
}

/// Up to and including which LSN the log was read: the one that was asked for; for any other
/// moment the last one that there was.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_snapshot_lsn(snapshot: Option<&causelog_snapshot>) -> u64 {
    read(snapshot, 0, |snapshot| snapshot.snapshot.lsn())
}

/// How many rows there were.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_snapshot_count(snapshot: Option<&causelog_snapshot>) -> usize {
    read(snapshot, 0, |snapshot| snapshot.snapshot.len())
}

/// The row with this id; `*row` becomes NULL if it was not there. Nothing of it is copied.
/// Free the row, which may outlive the snapshot, with `causelog_row_free`.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` when the row id is malformed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn causelog_snapshot_get(
    snapshot: Option<&causelog_snapshot>,
    row_id: causelog_row_id,
    row: Option<&mut MaybeUninit<*mut causelog_row>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let snapshot = required(snapshot, "snapshot")?;
        // SAFETY: the caller passes a row id whose parts are there during the call.
        let row_id = unsafe { row_id.read("row_id")? };
        required(row, "row")?.write(causelog_row::give(snapshot.snapshot.get(&row_id).cloned()));
        Ok(())
    })
}

/// The rows, ascending by row id. NULL of NULL. Free the cursor with `causelog_row_cursor_free`.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_snapshot_rows(snapshot: Option<&causelog_snapshot>) -> *mut causelog_row_cursor {
    read(snapshot, null_mut(), |snapshot| causelog_row_cursor::give(snapshot.snapshot.iter().cloned()))
}

/// Frees a snapshot; NULL is fine. Its rows and cursors stay.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_snapshot_free(snapshot: Option<Box<causelog_snapshot>>) {
    release(snapshot);
}

/// The rows of a snapshot, or of a view as they were when it was asked, one after the other.
/// It may outlive either. Use it by one thread at a time.
pub struct causelog_row_cursor {
    rows: std::vec::IntoIter<Arc<Row>>,
    current: Option<causelog_row>,
}

impl causelog_row_cursor {
    pub(crate) fn give(rows: impl Iterator<Item = Arc<Row>>) -> *mut causelog_row_cursor {
        // Pointers only: the rows themselves are shared.
        let rows = rows.collect::<Vec<_>>().into_iter();
        give(causelog_row_cursor { rows, current: None })
    }
}

/// The next row, borrowed: it lives until the next call on the cursor. NULL after the last one.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_row_cursor_next(cursor: Option<&mut causelog_row_cursor>) -> *const causelog_row {
    let Some(cursor) = cursor else { return null() };
    compute(null(), || {
        cursor.current = cursor.rows.next().map(causelog_row::new);
        cursor.current.as_ref().map_or(null(), from_ref)
    })
}

/// Frees a cursor; NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_row_cursor_free(cursor: Option<Box<causelog_row_cursor>>) {
    release(cursor);
}
