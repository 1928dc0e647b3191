//! The histories of rows about which there is or was a conflict, as many as there is room for.

use std::collections::BTreeMap;

use hashbrown::HashMap;

use crate::change::ChangeOperation;
use crate::conflict::{Cut, Heads, RowHistory};
use crate::error::Result;
use crate::id::{Dot, RowId};
use crate::log::{ChangeLog, QueryOptions};
use crate::replica::forks::Forks;
use crate::replica::judging::read_at;
use crate::replica::rows::RowKey;
use crate::time::Timestamp;

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

/// An entry as a history needs it.
struct Step {
    lsn: u64,
    dot: Dot,
    timestamp: Timestamp,
    operation: ChangeOperation,
}

/// Where histories are read.
pub(super) struct Source<'a> {
    pub(super) log: &'a ChangeLog,
    pub(super) late: &'a LateTimes,
    pub(super) forks: &'a Forks,
}

impl Source<'_> {
    /// Reads the history of a row.
    pub(super) fn whole(&self, table: &str, row_id: &RowId) -> Result<RowHistory> {
        self.recent(table, row_id, u64::MAX, |_| false)
    }

    /// Reads the history of a row up to and including an LSN, back to the last entry that all later ones have seen with everything below
    /// it, somebody who `sees` among them.
    pub(super) fn recent(
        &self,
        table: &str,
        row_id: &RowId,
        until: u64,
        sees: impl Fn(Dot) -> bool,
    ) -> Result<RowHistory> {
        // A log may have lost its beginning before a replica came to it.
        let since = self.log.first_lsn().saturating_sub(1);
        let until = Some(until);
        let options =
            QueryOptions { since, until, reverse: true, ..QueryOptions::row(table, row_id.clone()) };
        let mut cursor = self.log.query(options)?;
        let (mut steps, mut history) = (Vec::new(), RowHistory::default());
        // Up to here all later entries have seen everything.
        let mut all_see = u64::MAX;
        while let Some(entry) = cursor.next_entry()? {
            let (lsn, dot) = (entry.lsn, entry.dot());
            steps.push(Step { lsn, dot, timestamp: entry.timestamp, operation: entry.operation });
            match self.forks.sees_until(lsn) {
                Some(sees_until) => all_see = all_see.min(sees_until),
                // Beyond 64 bits its own effective time is known from what lies below only.
                None if lsn <= all_see && self.late.get(&lsn) != Some(&i64::MAX) && sees(dot) => {
                    history = RowHistory::part();
                    break;
                }
                None => {}
            }
        }
        for Step { lsn, dot, timestamp, operation } in steps.into_iter().rev() {
            let past = self.past(&history, lsn, dot)?;
            let least = self.late.get(&lsn).map(|time| i128::from(*time));
            history.push(dot, lsn, timestamp, operation, least, past);
        }
        Ok(history)
    }

    /// What the author of a row's next entry had seen of it.
    fn past(&self, history: &RowHistory, lsn: u64, dot: Dot) -> Result<Cut> {
        let Some(predecessors) = self.forks.predecessors(lsn) else { return Ok(history.all()) };
        let known: Option<Heads> = predecessors.map(|predecessor| history.at(predecessor)).collect();
        if let Some(predecessors) = known {
            return Ok(history.joined(&predecessors));
        }
        // Compaction has taken one of them; what that had seen need not be gone.
        read_at(self.log, lsn, |entry| {
            let clock = entry.clock()?;
            Ok(history.past_of(dot, |node| self.log.node_index(node).map_or(0, |node| clock.get(node))))
        })
    }
}
