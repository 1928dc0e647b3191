use std::mem::MaybeUninit;
use std::ptr::{from_ref, null};

use causelog_core::{Claim, InboxItem, RowState};

use crate::change::{causelog_metadata, read_metadata};
use crate::enumeration::causelog_row_state;
use crate::error::causelog_error;
use crate::guard::{guard, read};
use crate::handle::{give, release};
use crate::identity::causelog_dots;
use crate::input::{required, write_if_wanted};
use crate::log::causelog_appended;
use crate::replica::causelog_replica;
use crate::report::causelog_report;
use crate::resolver::causelog_decision;
use crate::row_id::causelog_row_id;
use crate::status::causelog_status;
use crate::text::causelog_text;

/// The rows about which somebody had to decide when a replica was asked. Never changes, and may be read
/// from several threads at once.
pub struct causelog_inbox {
    items: Vec<causelog_inbox_item>,
}

/// A row about which somebody has to decide.
pub struct causelog_inbox_item {
    report: causelog_report,
    state: RowState,
    claim: Option<Claim>,
    failure: Option<String>,
}

impl From<InboxItem> for causelog_inbox_item {
    fn from(item: InboxItem) -> Self {
        let InboxItem { report, state, claim, failure } = item;
        causelog_inbox_item { report: causelog_report::new(report), state, claim, failure }
    }
}

/// Who has taken up an item of the inbox.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct causelog_claim {
    /// A name, of a person or a job, as long as the inbox lives.
    pub by: causelog_text,
    /// When, in nanoseconds since the Unix epoch.
    pub at: i64,
}

/// The rows about which somebody has to decide, by table and row id: one item a row. They follow from
/// the log, and so does what is in the inbox after a crash; claims are kept durably beside it. Free the
/// inbox with `causelog_inbox_free`.
///
/// An item is closed by `causelog_replica_resolve`, by any write that expects its heads, or by such a
/// write of another replica.
///
/// Fails as `causelog_replica_conflicts` does.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_replica_inbox(
    replica: Option<&causelog_replica>,
    inbox: Option<&mut MaybeUninit<*mut causelog_inbox>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let (replica, inbox) = (required(replica, "replica")?, required(inbox, "inbox")?);
        let items = replica.replica.inbox()?.into_iter().map(causelog_inbox_item::from).collect();
        inbox.write(give(causelog_inbox { items }));
        Ok(())
    })
}

/// How many items there are.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_inbox_count(inbox: Option<&causelog_inbox>) -> usize {
    read(inbox, 0, |inbox| inbox.items.len())
}

/// The item at this place, from 0; NULL beyond the count. Borrowed: it lives as long as the inbox.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_inbox_get(
    inbox: Option<&causelog_inbox>,
    index: usize,
) -> *const causelog_inbox_item {
    read(inbox, null(), |inbox| inbox.items.get(index).map_or(null(), from_ref))
}

/// Frees an inbox; NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_inbox_free(inbox: Option<Box<causelog_inbox>>) {
    release(inbox);
}

/// The conflict between the row's heads, with the provisional value. It grows when another head
/// arrives. Borrowed; NULL of NULL.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_inbox_item_report(item: Option<&causelog_inbox_item>) -> *const causelog_report {
    read(item, null(), |item| from_ref(&item.report))
}

/// Whether a person decides, or a resolver of the program that is missing or has failed.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_inbox_item_state(item: Option<&causelog_inbox_item>) -> causelog_row_state {
    let none = causelog_row_state::CAUSELOG_ROW_STATE_NONE;
    read(item, none, |item| causelog_row_state::of(item.state).unwrap_or(none))
}

/// Whether somebody has taken it up, here; `*claim` says who then. `claim` may be NULL.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_inbox_item_claim(
    item: Option<&causelog_inbox_item>,
    claim: Option<&mut MaybeUninit<causelog_claim>>,
) -> bool {
    read(item, false, |item| {
        if let Some(known) = &item.claim {
            let (by, at) = (causelog_text::of(&known.by), known.at.nanoseconds());
            write_if_wanted(claim, causelog_claim { by, at });
        }
        item.claim.is_some()
    })
}

/// What the program's resolver failed with, if it did since the replica was opened. Borrowed; `data` is
/// NULL if it did not.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_inbox_item_failure(item: Option<&causelog_inbox_item>) -> causelog_text {
    read(item, causelog_text::NONE, |item| causelog_text::of_optional(item.failure.as_deref()))
}

/// Takes up an item of the inbox for `by`, the name of a person or a job, so that others who look see
/// it; `*at` becomes the time since when it is taken up, in nanoseconds since the Unix epoch. It stays
/// when the item grows, and is known here alone. `at` may be NULL.
///
/// Fails with `CAUSELOG_NOT_FOUND` when the row is not in the inbox, `CAUSELOG_ALREADY_EXISTS` when
/// somebody else has taken it up, `CAUSELOG_INVALID_ARGUMENT` for an empty name; `CAUSELOG_NO_SPACE` or
/// `CAUSELOG_IO` when it cannot be stored, and `CAUSELOG_CLOSED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn causelog_replica_claim(
    replica: Option<&causelog_replica>,
    table: causelog_text,
    row_id: causelog_row_id,
    by: causelog_text,
    at: Option<&mut MaybeUninit<i64>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let replica = required(replica, "replica")?;
        // SAFETY: the caller passes parts that are there during the call.
        let (table, row_id, by) = unsafe { (table.read("table")?, row_id.read("row_id")?, by.read("by")?) };
        write_if_wanted(at, replica.replica.claim(table, row_id, by)?.at.nanoseconds());
        Ok(())
    })
}

/// Gives up the claim on an item, whoever has it. Without one this does nothing.
///
/// Fails with `CAUSELOG_NOT_FOUND` when the row is not in the inbox; `CAUSELOG_NO_SPACE` or
/// `CAUSELOG_IO` when it cannot be stored, and `CAUSELOG_CLOSED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn causelog_replica_release(
    replica: Option<&causelog_replica>,
    table: causelog_text,
    row_id: causelog_row_id,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let replica = required(replica, "replica")?;
        // SAFETY: the caller passes parts that are there during the call.
        let (table, row_id) = unsafe { (table.read("table")?, row_id.read("row_id")?) };
        replica.replica.release(table, row_id)
    })
}

/// Decides about a row with several heads, whether it waits in the inbox or not: an ordinary change that
/// covers `heads`, those that whoever decides has seen. `metadata` are small strings for an audit, who
/// and why, and may be NULL if `metadata_count` is 0. `appended` may be NULL.
///
/// Two people who decide on two replicas make a new conflict, which is resolved like any other.
///
/// Fails with `CAUSELOG_NOT_FOUND` when the row has not several heads, `CAUSELOG_VERSION_MISMATCH` when
/// it has others than `heads`, `CAUSELOG_INVALID_ARGUMENT` for a head that is none, a decision to defer
/// and one that is malformed; otherwise as `causelog_replica_write` does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn causelog_replica_resolve(
    replica: Option<&causelog_replica>,
    table: causelog_text,
    row_id: causelog_row_id,
    decision: causelog_decision,
    heads: causelog_dots,
    metadata: *const causelog_metadata,
    metadata_count: usize,
    appended: Option<&mut MaybeUninit<causelog_appended>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let replica = required(replica, "replica")?;
        // SAFETY: the caller passes parts that are there during the call.
        let (table, row_id, decision, heads, metadata) = unsafe {
            let (decision, heads) = (decision.read("decision")?, heads.read("heads")?);
            let metadata = read_metadata(metadata, metadata_count, "metadata")?;
            (table.read("table")?, row_id.read("row_id")?, decision, heads, metadata)
        };
        let resolved = replica.replica.resolve_with(table, row_id, decision, &heads, metadata)?;
        write_if_wanted(appended, resolved.into());
        Ok(())
    })
}
