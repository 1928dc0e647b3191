use std::mem::MaybeUninit;
use std::ptr::{from_ref, null};

use causelog_core::RowResolution;

use crate::detector::{causelog_detector, read_entries};
use crate::entry::causelog_entry;
use crate::error::causelog_error;
use crate::guard::{guard, read};
use crate::handle::{give, release};
use crate::identity::{causelog_dot, causelog_dots, dots_of};
use crate::input::required;
use crate::report::causelog_report;
use crate::status::causelog_status;
use crate::text::causelog_bytes;

/// What a row is by its entries, and which conflicts made it so. Never changes, and may be read from
/// several threads at once.
pub struct causelog_row_resolution {
    is_live: bool,
    value: Option<Vec<u8>>,
    heads: Vec<causelog_dot>,
    standing: Option<causelog_report>,
    settled: Vec<causelog_report>,
}

impl From<RowResolution> for causelog_row_resolution {
    fn from(row: RowResolution) -> Self {
        causelog_row_resolution {
            is_live: row.is_live,
            value: row.value,
            heads: dots_of(&row.heads),
            standing: row.standing.map(causelog_report::new),
            settled: row.settled.into_iter().map(causelog_report::new).collect(),
        }
    }
}

/// What a row is by all of its entries, `count` of them in any order, and every conflict that made it
/// so. Free the row with `causelog_row_resolution_free`.
///
/// Each entry must come with all that its author had seen of the row: what is missing is taken never
/// to have been.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` when there is no entry, they are not of one row, or the
/// strategy is one that `causelog_resolution_validate` refuses; `CAUSELOG_DOT_REUSE` when two have one
/// dot but differ, and as `causelog_entry_vector_clock` does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn causelog_detector_resolve_row(
    detector: Option<&causelog_detector>,
    entries: *const *const causelog_entry,
    count: usize,
    row: Option<&mut MaybeUninit<*mut causelog_row_resolution>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let detector = required(detector, "detector")?;
        // SAFETY: the caller passes `count` pointers, each to an entry or NULL.
        let entries = unsafe { read_entries(entries, count)? };
        let row = required(row, "row")?;
        row.write(give(causelog_row_resolution::from(detector.detector.resolve_row(entries)?)));
        Ok(())
    })
}

/// Whether the row is there.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_row_resolution_is_live(row: Option<&causelog_row_resolution>) -> bool {
    read(row, false, |row| row.is_live)
}

/// Its payload. Borrowed; `data` is NULL if it is not there, or has none.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_row_resolution_value(row: Option<&causelog_row_resolution>) -> causelog_bytes {
    read(row, causelog_bytes::NONE, |row| causelog_bytes::of_optional(row.value.as_deref()))
}

/// The entries that no other has seen, in canonical order. Borrowed.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_row_resolution_heads(row: Option<&causelog_row_resolution>) -> causelog_dots {
    read(row, causelog_dots::NONE, |row| causelog_dots::of(&row.heads))
}

/// The conflict between the heads; NULL if they do not disagree. Borrowed.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_row_resolution_standing(
    row: Option<&causelog_row_resolution>,
) -> *const causelog_report {
    read(row, null(), |row| row.standing.as_ref().map_or(null(), from_ref))
}

/// How many conflicts a later entry ended.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_row_resolution_settled_count(row: Option<&causelog_row_resolution>) -> usize {
    read(row, 0, |row| row.settled.len())
}

/// The one at this place, in the canonical order of those entries, from 0; NULL beyond the count. Borrowed.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_row_resolution_settled(
    row: Option<&causelog_row_resolution>,
    index: usize,
) -> *const causelog_report {
    read(row, null(), |row| row.settled.get(index).map_or(null(), from_ref))
}

/// Frees a row; NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_row_resolution_free(row: Option<Box<causelog_row_resolution>>) {
    release(row);
}
