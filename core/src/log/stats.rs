use std::collections::BTreeMap;

use crate::change::ChangeOperation;
use crate::log::consumer::ConsumerStatus;
use crate::time::Timestamp;

/// What a log holds, in numbers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChangeLogStats {
    /// Entries that are still there: changes of all transactions, the removed ones left out.
    pub entries: u64,
    /// Transactions, the empty ones among them.
    pub transactions: u64,
    /// Transactions without a change: merges of what their authors had seen.
    pub merges: u64,
    /// Nodes that wrote at least one transaction.
    pub nodes: u64,
    /// LSN of the first entry; 0 if there is none.
    pub first_lsn: u64,
    /// LSN of the last entry; 0 if there is none.
    pub last_lsn: u64,
    /// The earliest timestamp of any transaction.
    pub oldest: Option<Timestamp>,
    /// The latest timestamp of any transaction.
    pub newest: Option<Timestamp>,
    /// LSN of the last entry that would survive a loss of power; 0 if there is none.
    pub durable_lsn: u64,
    /// Segments that the log consists of.
    pub segments: u64,
    /// Bytes that all segments take, their headers included, compressed as they are; not those of their indexes.
    pub bytes: u64,
    /// How far each consumer has come, by name.
    pub consumers: Vec<ConsumerStatus>,
    /// Entries by table.
    pub tables: BTreeMap<String, TableStats>,
}

/// Entries of one table by operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TableStats {
    /// Entries that insert a row.
    pub inserts: u64,
    /// Entries that update a row.
    pub updates: u64,
    /// Entries that delete a row.
    pub deletes: u64,
}

impl TableStats {
    /// Entries of all operations.
    pub fn entries(&self) -> u64 {
        self.inserts + self.updates + self.deletes
    }

    pub(super) fn add(&mut self, other: &TableStats) {
        self.inserts += other.inserts;
        self.updates += other.updates;
        self.deletes += other.deletes;
    }

    pub(super) fn subtract(&mut self, other: &TableStats) {
        self.inserts = self.inserts.saturating_sub(other.inserts);
        self.updates = self.updates.saturating_sub(other.updates);
        self.deletes = self.deletes.saturating_sub(other.deletes);
    }

    pub(super) fn count(&mut self, operation: ChangeOperation) {
        match operation {
            ChangeOperation::Insert => self.inserts += 1,
            ChangeOperation::Update => self.updates += 1,
            ChangeOperation::Delete => self.deletes += 1,
        }
    }
}
