use std::mem::MaybeUninit;
use std::ptr::null_mut;

use causelog_core::View;

use crate::error::causelog_error;
use crate::guard::{guard, read};
use crate::handle::{give, release};
use crate::input::{required, write_if_wanted};
use crate::log::causelog_log;
use crate::row_id::causelog_row_id;
use crate::snapshot::{causelog_row_cursor, causelog_snapshot};
use crate::status::causelog_status;
use crate::text::causelog_text;
use crate::time_travel::causelog_row;

/// A table as the log makes it, in memory: a read model that takes in what is new when told to.
///
/// It shows the rows as they stood when it was last refreshed, each as `causelog_log_state_at`
/// says. All functions of a view but `causelog_view_free` may be called from several threads at
/// once; a refresh shows as a whole or not at all. Several calls in a row may see different
/// refreshes: use `causelog_view_snapshot` where they must agree. A view keeps the log open also
/// when the log's own handle is freed. Once the log is closed it still shows what it had.
pub struct causelog_view {
    view: View,
}

/// A table of this log in memory, as it is now, to be refreshed when there is more. Free the
/// view with `causelog_view_free`.
///
/// It reads every entry of the table once. A table that the log has never heard of is empty
/// and may fill later.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` when the table name is empty, `CAUSELOG_TRUNCATED` when
/// what decides it was removed, `CAUSELOG_CORRUPT` or `CAUSELOG_IO` when the log cannot be read,
/// and `CAUSELOG_CLOSED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn causelog_log_materialise(
    log: Option<&causelog_log>,
    table: causelog_text,
    view: Option<&mut MaybeUninit<*mut causelog_view>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let log = required(log, "log")?;
        // SAFETY: the caller passes text that is there during the call.
        let table = unsafe { table.read("table")? };
        let view = required(view, "view")?;
        view.write(give(causelog_view { view: log.log.materialise(table)? }));
        Ok(())
    })
}

/// Takes in what the log has got since: whole transactions, up to the last one that there is
/// now. `*taken` becomes how many entries of the table these had, also those that changed no
/// row. `taken` may be NULL.
///
/// Fails with `CAUSELOG_TRUNCATED`, `CAUSELOG_CORRUPT` or `CAUSELOG_IO` when the log cannot be
/// read, and `CAUSELOG_CLOSED`; the view stays as it was.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_view_refresh(
    view: Option<&causelog_view>,
    taken: Option<&mut MaybeUninit<u64>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        write_if_wanted(taken, required(view, "view")?.view.refresh()?);
        Ok(())
    })
}

/// The table's name. Borrowed.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_view_table(view: Option<&causelog_view>) -> causelog_text {
    read(view, causelog_text::NONE, |view| causelog_text::of(view.view.table()))
}

/// Up to and including which LSN the log has been taken in.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_view_lsn(view: Option<&causelog_view>) -> u64 {
    read(view, 0, |view| view.view.lsn())
}

/// How many rows there are.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_view_count(view: Option<&causelog_view>) -> usize {
    read(view, 0, |view| view.view.len())
}

/// The row with this id; `*row` becomes NULL if it is not there. No later refresh changes it.
/// Free it with `causelog_row_free`.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` when the row id is malformed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn causelog_view_get(
    view: Option<&causelog_view>,
    row_id: causelog_row_id,
    row: Option<&mut MaybeUninit<*mut causelog_row>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let view = required(view, "view")?;
        // SAFETY: the caller passes a row id whose parts are there during the call.
        let row_id = unsafe { row_id.read("row_id")? };
        required(row, "row")?.write(causelog_row::give(view.view.get(&row_id)));
        Ok(())
    })
}

/// The rows as they are shown now, ascending by row id. NULL of NULL. Free the cursor with
/// `causelog_row_cursor_free`.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_view_rows(view: Option<&causelog_view>) -> *mut causelog_row_cursor {
    read(view, null_mut(), |view| causelog_row_cursor::give(view.view.iter()))
}

/// The rows as they are shown now, which no refresh changes. It costs next to nothing; while
/// it is held, the next refresh that finds something copies a pointer for every row. NULL of
/// NULL. Free the snapshot with `causelog_snapshot_free`.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_view_snapshot(view: Option<&causelog_view>) -> *mut causelog_snapshot {
    read(view, null_mut(), |view| causelog_snapshot::give(view.view.snapshot()))
}

/// Frees a view; NULL is fine. Its rows, cursors and snapshots stay.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_view_free(view: Option<Box<causelog_view>>) {
    release(view);
}
