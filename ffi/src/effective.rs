use std::mem::MaybeUninit;

use causelog_core::{EffectiveChange, EffectiveChanges, EffectivePosition};

use crate::enumeration::causelog_operation;
use crate::error::causelog_error;
use crate::guard::{guard, read};
use crate::handle::{give, release};
use crate::identity::causelog_dot;
use crate::input::required;
use crate::replica::causelog_replica;
use crate::row_id::{RowIdView, causelog_row_id};
use crate::status::causelog_status;
use crate::text::{causelog_bytes, causelog_text};

/// What became of a row. What it points to lives as long as the changes that it is one of.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct causelog_effective_change {
    /// Where somebody goes on who has handled this change and all others of its transaction.
    pub position: causelog_text,
    /// The transaction that did it; zeros if it was a change of rules.
    pub transaction: causelog_dot,
    /// When that transaction was made, by its author's clock, in nanoseconds since the Unix epoch; of a
    /// change of rules, that of the last entry before it.
    pub timestamp: i64,
    /// The table.
    pub table: causelog_text,
    /// The row within the table.
    pub row_id: causelog_row_id,
    /// What happened to the row, whatever the entry that caused it was.
    pub operation: causelog_operation,
    /// The row's payload before; `data` is NULL if it was not there, or has none.
    pub before: causelog_bytes,
    /// The row's payload after; `data` is NULL if it is not there, or has none.
    pub after: causelog_bytes,
}

/// Part of the effective view. Never changes.
pub struct causelog_effective_changes {
    changes: Vec<Viewed>,
    next: String,
}

/// A change, and what C is shown of it that the core has in another form.
struct Viewed {
    position: String,
    row_id: RowIdView,
    change: EffectiveChange,
}

impl From<EffectiveChanges> for causelog_effective_changes {
    fn from(found: EffectiveChanges) -> Self {
        let changes = found.changes.into_iter().map(|change| Viewed {
            position: change.position.to_string(),
            row_id: RowIdView::of(&change.row_id),
            change,
        });
        causelog_effective_changes { changes: changes.collect(), next: found.next.to_string() }
    }
}

/// What the rows became, in the order of the log, after the position `since`, which is text of the form
/// `LSN.RULES`: of each transaction at most one change for a row, from what the row was to what it is,
/// and none where that is the same. A conflict shows as what the row became, also where no single entry
/// carries that; an entry that lost does not show at all. Free the changes with
/// `causelog_effective_changes_free`.
///
/// An empty `since` is the beginning, as `0.0` is. Ends after a whole transaction, once there are
/// `limit` changes, or as many as are handed out at once. Whoever keeps the position together with what
/// he made of the changes gets each exactly once. What is shown is durable.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` for a position that is none, or that this replica never gave;
/// `CAUSELOG_IO` when it cannot be made durable; otherwise as `causelog_replica_get` does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn causelog_replica_effective(
    replica: Option<&causelog_replica>,
    since: causelog_text,
    limit: usize,
    changes: Option<&mut MaybeUninit<*mut causelog_effective_changes>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let replica = required(replica, "replica")?;
        // SAFETY: the caller passes text that is there during the call.
        let since = match unsafe { since.read("since")? } {
            "" => EffectivePosition::default(),
            text => text.parse()?,
        };
        let changes = required(changes, "changes")?;
        let found = replica.replica.effective(since, limit)?;
        changes.write(give(causelog_effective_changes::from(found)));
        Ok(())
    })
}

/// How many changes there are; none if there is nothing new.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_effective_changes_count(changes: Option<&causelog_effective_changes>) -> usize {
    read(changes, 0, |changes| changes.changes.len())
}

/// The change at this place, in the order of the log, from 0; zeros beyond the count.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_effective_changes_get(
    changes: Option<&causelog_effective_changes>,
    index: usize,
) -> causelog_effective_change {
    let unknown = causelog_operation::CAUSELOG_OPERATION_NONE;
    let none = causelog_effective_change {
        position: causelog_text::NONE,
        transaction: causelog_dot::NONE,
        timestamp: 0,
        table: causelog_text::NONE,
        row_id: causelog_row_id::NONE,
        operation: unknown,
        before: causelog_bytes::NONE,
        after: causelog_bytes::NONE,
    };
    read(changes, none, |changes| {
        changes.changes.get(index).map_or(none, |viewed| causelog_effective_change {
            position: causelog_text::of(&viewed.position),
            transaction: viewed.change.transaction.map_or(causelog_dot::NONE, Into::into),
            timestamp: viewed.change.timestamp.nanoseconds(),
            table: causelog_text::of(&viewed.change.table),
            row_id: *viewed.row_id.get(),
            operation: causelog_operation::of(viewed.change.operation).unwrap_or(unknown),
            before: causelog_bytes::of_optional(viewed.change.before.as_deref()),
            after: causelog_bytes::of_optional(viewed.change.after.as_deref()),
        })
    })
}

/// Where to go on: text to be kept, and passed as `since`. Borrowed.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_effective_changes_next(
    changes: Option<&causelog_effective_changes>,
) -> causelog_text {
    read(changes, causelog_text::NONE, |changes| causelog_text::of(&changes.next))
}

/// Frees the changes; NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_effective_changes_free(changes: Option<Box<causelog_effective_changes>>) {
    release(changes);
}
