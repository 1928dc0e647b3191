//! The histories of rows about which there is or was a conflict, as many as there is room for.

use std::collections::BTreeMap;

use hashbrown::HashMap;

use crate::conflict::RowHistory;
use crate::error::Result;
use crate::id::{NodeId, RowId};
use crate::log::{ChangeLog, QueryOptions};
use crate::replica::rows::RowKey;

struct Kept {
    history: RowHistory,
    memory: usize,
    used: u64,
}

/// Histories by their rows; those that were used last stay.
pub(super) struct Histories {
    rows: HashMap<RowKey, Kept>,
    by_use: BTreeMap<u64, RowKey>,
    uses: u64,
    memory: usize,
    most_memory: usize,
}

impl Histories {
    pub(super) fn new(most_memory: usize) -> Histories {
        Histories { rows: HashMap::new(), by_use: BTreeMap::new(), uses: 0, memory: 0, most_memory }
    }

    /// The history of a row, if it is at hand. Whoever changes it puts it back.
    pub(super) fn take(&mut self, key: RowKey) -> Option<RowHistory> {
        if self.rows.is_empty() {
            return None;
        }
        let kept = self.rows.remove(&key)?;
        self.by_use.remove(&kept.used);
        self.memory -= kept.memory;
        Some(kept.history)
    }

    pub(super) fn put(&mut self, key: RowKey, history: RowHistory) {
        self.forget(key);
        self.uses += 1;
        let memory = history.memory() + size_of::<Kept>();
        let used = self.uses;
        self.memory += memory;
        self.by_use.insert(used, key);
        self.rows.insert(key, Kept { history, memory, used });
        while self.memory > self.most_memory
            && let Some((_, oldest)) = self.by_use.pop_first()
        {
            if let Some(kept) = self.rows.remove(&oldest) {
                self.memory -= kept.memory;
            }
        }
    }

    pub(super) fn forget(&mut self, key: RowKey) {
        self.take(key);
    }

    pub(super) fn clear(&mut self) {
        *self = Histories::new(self.most_memory);
    }
}

/// Effective times that entries before them gave, by LSN: only of those whose own timestamp is not it.
pub(super) type LateTimes = BTreeMap<u64, i64>;

/// Reads the history of a row, up to and including an LSN.
pub(super) fn read_history(
    log: &ChangeLog,
    late: &LateTimes,
    table: &str,
    row_id: &RowId,
    until: u64,
) -> Result<RowHistory> {
    let mut history = RowHistory::default();
    // A log may have lost its beginning before a replica came to it.
    let since = log.first_lsn().saturating_sub(1);
    let options = QueryOptions { since, until: Some(until), ..QueryOptions::row(table, row_id.clone()) };
    let mut cursor = log.query(options)?;
    while let Some(entry) = cursor.next_entry()? {
        let clock = entry.clock()?;
        let least = late.get(&entry.lsn).map(|time| i128::from(*time));
        let seen = |node: NodeId| log.node_index(node).map_or(0, |node| clock.get(node));
        history.push(entry.dot(), entry.lsn, entry.timestamp, entry.operation, least, seen);
    }
    Ok(history)
}
