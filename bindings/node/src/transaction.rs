//! Changes and transactions, in and out.

use causelog::{Change, ChangeOperation, Result, Transaction};
use napi_derive::napi;

use crate::input::Argument;
use crate::output::{Bytes, Dot, Moment, Nanoseconds, Record};
use crate::row::Row;

impl Argument<'_> {
    /// A change whose payloads are bytes already: an object, or an array of its fields in this order.
    pub(crate) fn change(&self) -> Result<Change> {
        let fields = self.fields()?;
        let mut change = Change::new(
            fields.get(0, "table")?.text()?,
            fields.get(1, "rowId")?.row_id()?,
            fields.get(2, "operation")?.operation()?,
            fields.get(3, "before")?.optional(Argument::bytes)?,
            fields.get(4, "after")?.optional(Argument::bytes)?,
        );
        change.metadata = fields.get(5, "metadata")?.optional(Argument::metadata)?.unwrap_or_default();
        Ok(change)
    }

    pub(crate) fn changes(&self) -> Result<Vec<Change>> {
        self.list("an array of changes", Argument::change)
    }

    pub(crate) fn operation(&self) -> Result<ChangeOperation> {
        self.one_of(&ChangeOperation::ALL, ChangeOperation::name)
    }

    pub(crate) fn transaction(&self) -> Result<Transaction> {
        Ok(Transaction {
            node: self.member("node")?.node()?,
            sequence: self.member("sequence")?.counter()?,
            dependencies: self.member("dependencies")?.list("an array of dots", Argument::dot)?,
            timestamp: self.moment()?,
            changes: self.member("changes")?.changes()?,
        })
    }
}

/// A node's transaction in full: what replicas exchange.
#[napi(object, js_name = "Transaction", object_from_js = false)]
pub struct TransactionObject {
    /// UUID of the node that wrote it.
    pub node: String,
    /// The sequence of its last change: with `node`, the name of the transaction.
    pub sequence: u64,
    /// The dots of the transactions that its author had seen and that no other of them covers.
    pub dependencies: Vec<Dot>,
    /// When it was written, rounded down to milliseconds.
    #[napi(ts_type = "Date")]
    pub timestamp: Moment,
    /// When it was written, in nanoseconds since 1970: exact.
    #[napi(ts_type = "bigint")]
    pub timestamp_ns: Nanoseconds,
    /// Its changes, in order. There may be none.
    #[napi(ts_type = "Array<StoredChange>")]
    pub changes: Vec<StoredChange>,
}

/// A change of a transaction that was read from a log.
#[napi(object, object_from_js = false, use_nullable = true)]
pub struct StoredChange {
    /// The table's name.
    pub table: String,
    /// The row within the table.
    #[napi(ts_type = "RowId")]
    pub row_id: Row,
    /// What happens to the row.
    #[napi(ts_type = "ChangeOperation")]
    pub operation: &'static str,
    /// The row's payload before the change, as its author saw it.
    #[napi(ts_type = "Buffer")]
    pub before: Option<Bytes>,
    /// The row's payload after the change.
    #[napi(ts_type = "Buffer")]
    pub after: Option<Bytes>,
    /// Small strings for an audit.
    #[napi(ts_type = "Record<string, string>")]
    pub metadata: Record<String>,
}

impl From<Transaction> for TransactionObject {
    fn from(transaction: Transaction) -> Self {
        TransactionObject {
            node: transaction.node.to_string(),
            sequence: transaction.sequence,
            dependencies: transaction.dependencies.into_iter().map(Dot::from).collect(),
            timestamp: Moment(transaction.timestamp),
            timestamp_ns: Nanoseconds(transaction.timestamp),
            changes: transaction.changes.into_iter().map(StoredChange::from).collect(),
        }
    }
}

impl From<Change> for StoredChange {
    fn from(change: Change) -> Self {
        StoredChange {
            table: change.table,
            row_id: Row(change.row_id),
            operation: change.operation.name(),
            before: change.before.map(Bytes),
            after: change.after.map(Bytes),
            metadata: change.metadata.into(),
        }
    }
}
