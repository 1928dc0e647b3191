use crate::change::{ChangeOperation, Metadata};
use crate::error::{Error, ErrorCode, Result};
use crate::id::{Dot, NodeId, RowId};
use crate::time::Timestamp;

/// One row change, as it is handed to a log.
///
/// Payloads are opaque bytes. By convention they are JSON, which is what the
/// Python and Node surfaces write when they are given objects.
///
/// ```
/// use causelog::Change;
/// let change = Change::update("orders", 42, r#"{"qty":1}"#, r#"{"qty":2}"#)
///     .with_metadata("actor", "alice");
/// assert!(change.validate().is_ok());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The table's name: 1 to [`Change::MAX_TABLE_LENGTH`] bytes.
    pub table: String,
    /// The row within the table.
    pub row_id: RowId,
    /// What happens to the row.
    pub operation: ChangeOperation,
    /// The row's payload before the change, as its author saw it; never on an insert.
    pub before: Option<Vec<u8>>,
    /// The row's payload after the change; never on a delete.
    pub after: Option<Vec<u8>>,
    /// Small strings for an audit: who, why.
    pub metadata: Metadata,
}

impl Change {
    /// The longest table name, in bytes.
    pub const MAX_TABLE_LENGTH: usize = 1024;
    /// The longest metadata of one change, keys and values together, in bytes.
    pub const MAX_METADATA_LENGTH: usize = 64 * 1024;

    /// The row comes into being with the payload `after`.
    pub fn insert(table: impl Into<String>, row_id: impl Into<RowId>, after: impl Into<Vec<u8>>) -> Self {
        Self::new(table, row_id, ChangeOperation::Insert, None, Some(after.into()))
    }

    /// The row's payload goes from `before` to `after`.
    pub fn update(
        table: impl Into<String>,
        row_id: impl Into<RowId>,
        before: impl Into<Vec<u8>>,
        after: impl Into<Vec<u8>>,
    ) -> Self {
        Self::new(table, row_id, ChangeOperation::Update, Some(before.into()), Some(after.into()))
    }

    /// The row, whose payload was `before`, ends.
    pub fn delete(table: impl Into<String>, row_id: impl Into<RowId>, before: impl Into<Vec<u8>>) -> Self {
        Self::new(table, row_id, ChangeOperation::Delete, Some(before.into()), None)
    }

    /// A change with or without either image, for those who do not keep them all.
    pub fn new(
        table: impl Into<String>,
        row_id: impl Into<RowId>,
        operation: ChangeOperation,
        before: Option<Vec<u8>>,
        after: Option<Vec<u8>>,
    ) -> Self {
        let (table, row_id) = (table.into(), row_id.into());
        Change { table, row_id, operation, before, after, metadata: Metadata::new() }
    }

    /// The same change with one more string of metadata.
    #[must_use]
    pub fn with_metadata(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.insert(key.into(), value.into());
        self
    }

    /// Whether a log takes this change.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for an empty table name, an insert with a `before`, a
    /// delete with an `after`, an empty tuple as row id; `TOO_LARGE` for a table name,
    /// row id or metadata beyond its limit.
    pub fn validate(&self) -> Result<()> {
        if self.table.is_empty() {
            return Err(Error::invalid("table name is empty"));
        }
        let too_large = |what: &str, length: usize, limit: usize| {
            Error::new(
                ErrorCode::TooLarge,
                format!("{what} of {length} bytes is longer than the {limit} allowed"),
            )
        };
        if self.table.len() > Self::MAX_TABLE_LENGTH {
            return Err(too_large("table name", self.table.len(), Self::MAX_TABLE_LENGTH));
        }
        let metadata: usize = self.metadata.iter().map(|(key, value)| key.len() + value.len()).sum();
        if metadata > Self::MAX_METADATA_LENGTH {
            return Err(too_large("metadata", metadata, Self::MAX_METADATA_LENGTH));
        }
        self.row_id.validate()?;
        match self.operation {
            ChangeOperation::Insert if self.before.is_some() => {
                Err(self.refuse("an insert has no image before it"))
            }
            ChangeOperation::Delete if self.after.is_some() => {
                Err(self.refuse("a delete has no image after it"))
            }
            ChangeOperation::Insert | ChangeOperation::Update | ChangeOperation::Delete => Ok(()),
        }
    }

    fn refuse(&self, why: &str) -> Error {
        Error::invalid(format!("{why}: row {} of table {:?}", self.row_id, self.table))
    }
}

/// A node's transaction in full: what replicas exchange.
///
/// It is named by its last dot and takes `max(1, number of changes)` sequences of
/// its node, so that an empty one (a merge of what its author had seen) has a dot too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    /// The node that wrote it.
    pub node: NodeId,
    /// The sequence of its last change: with `node`, the name of the transaction.
    pub sequence: u64,
    /// The dots of the transactions that its author had seen and that no other of
    /// them covers. The author's own previous transaction is among what they cover.
    pub dependencies: Vec<Dot>,
    /// When it was written, by its author's hybrid logical clock.
    pub timestamp: Timestamp,
    /// Its changes, in order. There may be none.
    pub changes: Vec<Change>,
}

impl Transaction {
    /// The last dot: the name of the transaction.
    pub fn dot(&self) -> Dot {
        Dot::new(self.node, self.sequence)
    }

    /// How many sequences of its node it takes.
    pub fn width(&self) -> u64 {
        self.changes.len().max(1) as u64
    }

    /// The sequence of its first change.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when the last sequence is too low for the number of changes.
    pub fn first_sequence(&self) -> Result<u64> {
        self.sequence.checked_sub(self.width() - 1).filter(|first| *first > 0).ok_or_else(|| {
            let count = self.changes.len();
            Error::invalid(format!(
                "transaction {} cannot have {count} changes: sequences start at 1",
                self.dot()
            ))
        })
    }
}
