use std::collections::BTreeMap;

use crate::change::{ChangeOperation, Verdict};
use crate::clock::VectorClock;
use crate::id::{Dot, NodeId, RowId};
use crate::time::Timestamp;

/// Small strings that travel with a change: who made it, why.
pub type Metadata = BTreeMap<String, String>;

/// One change as a log holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeEntry {
    /// Its position in this log, from 1 without gaps. Local: never compare it with another log's.
    pub lsn: u64,
    /// The node that made the change.
    pub node: NodeId,
    /// Which of that node's changes it is.
    pub sequence: u64,
    /// What the author had seen when making the change, and the change itself.
    pub vector_clock: VectorClock,
    /// When the change was made, by its author's hybrid logical clock.
    pub timestamp: Timestamp,
    /// The name of the transaction it belongs to: the dot of that transaction's last change.
    pub transaction: Dot,
    /// The table's name.
    pub table: String,
    /// The row within the table.
    pub row_id: RowId,
    /// What happened to the row.
    pub operation: ChangeOperation,
    /// The row's payload before the change, as its author saw it.
    pub before: Option<Vec<u8>>,
    /// The row's payload after the change.
    pub after: Option<Vec<u8>>,
    /// What the entry did to the row on arrival; `None` if nobody has judged it.
    pub verdict: Option<Verdict>,
    /// Small strings for an audit.
    pub metadata: Metadata,
}

impl ChangeEntry {
    /// The identity of the change: its node and sequence.
    pub fn dot(&self) -> Dot {
        Dot::new(self.node, self.sequence)
    }

    /// Whether the author of `other`, another entry, had seen this one.
    pub fn happens_before(&self, other: &ChangeEntry) -> bool {
        self.dot() != other.dot() && other.vector_clock.covers(self.dot())
    }

    /// The first 16 bytes of the BLAKE3 hash of `after`: the last resort when a
    /// winner must be picked. Two entries without `after` hash alike.
    pub fn payload_hash(&self) -> [u8; 16] {
        let mut hasher = blake3::Hasher::new();
        // The marker keeps an absent image apart from an empty one.
        hasher.update(&[u8::from(self.after.is_some())]);
        hasher.update(self.after.as_deref().unwrap_or_default());
        let mut hash = [0; 16];
        hasher.finalize_xof().fill(&mut hash);
        hash
    }
}
