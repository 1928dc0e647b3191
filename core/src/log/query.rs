use crate::change::ChangeOperation;
use crate::clock::VectorClock;
use crate::id::{Dot, NodeId, RowId};
use crate::time::Timestamp;

/// Which entries to read, and how.
///
/// Every field narrows the answer; the default reads the whole log from its first
/// entry. Both ends work alike: *since* is what you have already, *until* what you
/// still want.
///
/// ```
/// use causelog::{Change, ChangeLog, LogOptions, QueryOptions};
/// let log = ChangeLog::in_memory(LogOptions::default())?;
/// for qty in 1..=3 {
///     log.append(Change::insert("orders", qty, format!("{{\"qty\":{qty}}}")))?;
/// }
/// let options = QueryOptions { since: 1, limit: Some(1), ..QueryOptions::table("orders") };
/// let lsns: Vec<u64> = log.query(options)?.map(|entry| Ok(entry?.lsn)).collect::<causelog::Result<_>>()?;
/// assert_eq!(lsns, [2]);
/// # Ok::<(), causelog::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct QueryOptions {
    /// Only entries of these tables; of all tables if empty.
    pub tables: Vec<String>,
    /// Only entries of rows with this id, in whichever table.
    pub row_id: Option<RowId>,
    /// Only entries with this operation.
    pub operation: Option<ChangeOperation>,
    /// Only entries that this node made.
    pub node: Option<NodeId>,
    /// Only entries of the transaction with this name: the dot of its last change. No
    /// other dot names it, so any other finds nothing.
    pub transaction: Option<Dot>,
    /// Only entries that this clock does not cover: what someone who has seen that much
    /// lacks. It may cover the first changes of a transaction and not the others.
    pub unseen_by: Option<VectorClock>,
    /// Only entries after this LSN: the last one that was handled, or 0.
    pub since: u64,
    /// Only entries up to and including this LSN.
    pub until: Option<u64>,
    /// Only entries stamped after this moment. Do not checkpoint by time: several
    /// entries can have one timestamp, and a remote one can arrive late. Use `since`.
    pub since_time: Option<Timestamp>,
    /// Only entries stamped up to and including this moment.
    pub until_time: Option<Timestamp>,
    /// At most so many entries.
    pub limit: Option<u64>,
    /// From the last entry to the first.
    pub reverse: bool,
}

impl QueryOptions {
    /// Every entry of one table.
    pub fn table(table: impl Into<String>) -> Self {
        QueryOptions { tables: vec![table.into()], ..Default::default() }
    }

    /// Every entry of one row.
    pub fn row(table: impl Into<String>, row_id: impl Into<RowId>) -> Self {
        QueryOptions { row_id: Some(row_id.into()), ..Self::table(table) }
    }

    /// Whether of a transaction that is wanted each change is, its LSN apart, in the order of the log.
    pub(super) fn wants_every_change(&self) -> bool {
        self.tables.is_empty()
            && self.row_id.is_none()
            && self.operation.is_none()
            && self.unseen_by.is_none()
            && !self.reverse
    }
}
