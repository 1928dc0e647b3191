use std::mem::MaybeUninit;
use std::ptr::{from_ref, null, null_mut};

use causelog_core::ReplicaRow;

use crate::enumeration::causelog_row_state;
use crate::error::causelog_error;
use crate::guard::{guard, read};
use crate::handle::{give, release};
use crate::identity::{causelog_dot, causelog_dots, dots_of};
use crate::input::required;
use crate::replica::causelog_replica;
use crate::row_id::{RowIdView, causelog_row_id};
use crate::status::causelog_status;
use crate::text::{causelog_bytes, causelog_text};

/// A row as a replica had it when it was asked. Never changes, and may be read from several threads at
/// once.
pub struct causelog_replica_row {
    view: RowIdView,
    heads: Vec<causelog_dot>,
    /// What `view` points into.
    row: ReplicaRow,
}

impl causelog_replica_row {
    fn new(row: ReplicaRow) -> Self {
        causelog_replica_row { view: RowIdView::of(&row.row_id), heads: dots_of(&row.heads), row }
    }
}

/// A row as it is now; `*row` becomes NULL if it is not there: not yet, or not any more. Free it with
/// `causelog_replica_row_free`.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` for an empty table name or a malformed row id,
/// `CAUSELOG_TRUNCATED` when the entry that carries the value was removed, `CAUSELOG_CORRUPT` or
/// `CAUSELOG_IO` when the log cannot be read, and `CAUSELOG_CLOSED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn causelog_replica_get(
    replica: Option<&causelog_replica>,
    table: causelog_text,
    row_id: causelog_row_id,
    row: Option<&mut MaybeUninit<*mut causelog_replica_row>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let replica = required(replica, "replica")?;
        // SAFETY: the caller passes parts that are there during the call.
        let (table, row_id) = unsafe { (table.read("table")?, row_id.read("row_id")?) };
        let row = required(row, "row")?;
        let found = replica.replica.get(table, row_id)?;
        row.write(found.map_or(null_mut(), |found| give(causelog_replica_row::new(found))));
        Ok(())
    })
}

/// The row within its table. Borrowed; NULL of NULL.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_replica_row_row_id(row: Option<&causelog_replica_row>) -> *const causelog_row_id {
    read(row, null(), |row| from_ref(row.view.get()))
}

/// Its payload. Borrowed; `data` is NULL when the entry that decides carries none.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_replica_row_value(row: Option<&causelog_replica_row>) -> causelog_bytes {
    read(row, causelog_bytes::NONE, |row| causelog_bytes::of_optional(row.row.value.as_deref()))
}

/// The entries that no other has seen, in canonical order: what a conditional write expects. Borrowed.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_replica_row_heads(row: Option<&causelog_replica_row>) -> causelog_dots {
    read(row, causelog_dots::NONE, |row| causelog_dots::of(&row.heads))
}

/// Whether the value is final.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_replica_row_state(row: Option<&causelog_replica_row>) -> causelog_row_state {
    let none = causelog_row_state::CAUSELOG_ROW_STATE_NONE;
    read(row, none, |row| causelog_row_state::of(row.row.state).unwrap_or(none))
}

/// Frees a row that is not borrowed; NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_replica_row_free(row: Option<Box<causelog_replica_row>>) {
    release(row);
}

/// All rows of a table as a replica had them when it was asked. Never changes.
pub struct causelog_replica_row_list {
    rows: Vec<causelog_replica_row>,
}

/// All rows of a table that are there now, ascending by row id. Free the list with
/// `causelog_replica_row_list_free`.
///
/// It reads the entries of the table once, and holds the rows in memory.
///
/// Fails as `causelog_replica_get` does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn causelog_replica_rows(
    replica: Option<&causelog_replica>,
    table: causelog_text,
    rows: Option<&mut MaybeUninit<*mut causelog_replica_row_list>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let replica = required(replica, "replica")?;
        // SAFETY: the caller passes text that is there during the call.
        let table = unsafe { table.read("table")? };
        let rows = required(rows, "rows")?;
        let found = replica.replica.rows(table)?.into_iter().map(causelog_replica_row::new).collect();
        rows.write(give(causelog_replica_row_list { rows: found }));
        Ok(())
    })
}

/// How many rows there are.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_replica_row_list_count(rows: Option<&causelog_replica_row_list>) -> usize {
    read(rows, 0, |rows| rows.rows.len())
}

/// The row at this place, ascending by row id, from 0; NULL beyond the count. Borrowed: it lives as
/// long as the list.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_replica_row_list_get(
    rows: Option<&causelog_replica_row_list>,
    index: usize,
) -> *const causelog_replica_row {
    read(rows, null(), |rows| rows.rows.get(index).map_or(null(), from_ref))
}

/// Frees a list of rows; NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_replica_row_list_free(rows: Option<Box<causelog_replica_row_list>>) {
    release(rows);
}

/// The dots of a row's heads. Never changes.
pub struct causelog_heads {
    heads: Vec<causelog_dot>,
}

/// The dots of a row's heads, in canonical order, whether it is there or deleted; none if it never was.
/// They are what a conditional write expects. Free them with `causelog_heads_free`.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` for an empty table name or a malformed row id, and
/// `CAUSELOG_CLOSED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn causelog_replica_heads(
    replica: Option<&causelog_replica>,
    table: causelog_text,
    row_id: causelog_row_id,
    heads: Option<&mut MaybeUninit<*mut causelog_heads>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let replica = required(replica, "replica")?;
        // SAFETY: the caller passes parts that are there during the call.
        let (table, row_id) = unsafe { (table.read("table")?, row_id.read("row_id")?) };
        let heads = required(heads, "heads")?;
        heads.write(give(causelog_heads { heads: dots_of(&replica.replica.heads(table, row_id)?) }));
        Ok(())
    })
}

/// The dots, as long as the handle lives; never NULL, so that also none of them can be expected. None
/// of NULL.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_heads_get(heads: Option<&causelog_heads>) -> causelog_dots {
    read(heads, causelog_dots::NONE, |heads| causelog_dots::of(&heads.heads))
}

/// Frees the dots of heads; NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_heads_free(heads: Option<Box<causelog_heads>>) {
    release(heads);
}
