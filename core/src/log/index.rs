//! What a log knows about its transactions without reading them.

use std::ops::Range;
use std::sync::Arc;

use hashbrown::HashMap;
use smallvec::SmallVec;

use crate::causality::{ClockTree, NodeIndex, NodeTable};
use crate::change::ChangeOperation;
use crate::clock::VectorClock;
use crate::id::NodeId;
use crate::log::block::FrameAt;
use crate::log::frame::{FrameHead, FrameReader, TableIndex};
use crate::log::stats::{ChangeLogStats, TableStats};
use crate::time::Timestamp;

/// One transaction of the log.
#[derive(Debug, Clone)]
pub(super) struct Record {
    pub(super) at: FrameAt,
    /// LSN of its first entry; of the next entry of the log if it has none.
    pub(super) first_lsn: u64,
    pub(super) change_count: u32,
    pub(super) author: NodeIndex,
    /// The last of its sequences.
    pub(super) sequence: u64,
    pub(super) timestamp: Timestamp,
    /// What its author had seen, itself included.
    pub(super) clock: ClockTree,
}

impl Record {
    /// The sequence before its first one.
    pub(super) fn base(&self) -> u64 {
        self.sequence - u64::from(self.change_count.max(1))
    }

    /// The LSNs of its entries.
    pub(super) fn lsns(&self) -> Range<u64> {
        self.first_lsn..self.first_lsn + u64::from(self.change_count)
    }
}

/// The dependencies of a transaction in their shortest form, and the clock that follows from them.
pub(super) struct Past {
    pub(super) dependencies: SmallVec<[(NodeIndex, u64); 2]>,
    pub(super) clock: ClockTree,
}

/// All transactions in log order, the dictionaries of the segment, and what follows from them.
#[derive(Debug)]
pub(super) struct Index {
    pub(super) nodes: NodeTable,
    tables: Vec<Arc<str>>,
    table_indexes: HashMap<Arc<str>, TableIndex>,
    pub(super) records: Vec<Record>,
    /// Numbers of each node's records, ascending by sequence.
    by_author: Vec<Vec<u32>>,
    frontier: ClockTree,
    /// Numbers of the records that no other record has seen.
    tips: Vec<u32>,
    pub(super) next_lsn: u64,
    merges: u64,
    oldest: Option<Timestamp>,
    newest: Option<Timestamp>,
    by_table: Vec<TableStats>,
}

impl Index {
    pub(super) fn new(first_lsn: u64) -> Self {
        Index {
            nodes: NodeTable::default(),
            tables: Vec::new(),
            table_indexes: HashMap::new(),
            records: Vec::new(),
            by_author: Vec::new(),
            frontier: ClockTree::default(),
            tips: Vec::new(),
            next_lsn: first_lsn,
            merges: 0,
            oldest: None,
            newest: None,
            by_table: Vec::new(),
        }
    }

    pub(super) fn table_count(&self) -> usize {
        self.tables.len()
    }

    pub(super) fn table(&self, index: TableIndex) -> Option<&Arc<str>> {
        self.tables.get(index as usize)
    }

    pub(super) fn table_index(&self, name: &str) -> Option<TableIndex> {
        self.table_indexes.get(name).copied()
    }

    /// The highest sequence of `node` in the log.
    pub(super) fn last_sequence(&self, node: NodeId) -> u64 {
        self.nodes.index(node).map_or(0, |index| self.frontier.get(index))
    }

    /// The latest timestamp in the log.
    pub(super) fn newest(&self) -> Option<Timestamp> {
        self.newest
    }

    pub(super) fn frontier(&self) -> VectorClock {
        self.frontier.to_vector_clock(&self.nodes)
    }

    fn record(&self, number: u32) -> Option<&Record> {
        self.records.get(number as usize)
    }

    /// The record that the change with this dot belongs to.
    pub(super) fn find(&self, node: NodeIndex, sequence: u64) -> Option<&Record> {
        let numbers = self.by_author.get(node as usize)?;
        let at = numbers
            .partition_point(|number| self.record(*number).is_some_and(|record| record.sequence < sequence));
        self.record(*numbers.get(at)?).filter(|record| record.base() < sequence)
    }

    /// The number of the first record with an entry after `lsn`, or an empty one that follows it.
    pub(super) fn first_after(&self, lsn: u64) -> usize {
        self.records.partition_point(|record| record.lsns().end <= lsn.saturating_add(1))
    }

    /// The past of a transaction that has seen the whole log.
    pub(super) fn whole_past(&self) -> Past {
        let mut dependencies: SmallVec<_> = self
            .tips
            .iter()
            .filter_map(|number| self.record(*number))
            .map(|record| (record.author, record.sequence))
            .collect();
        dependencies.sort_unstable();
        Past { dependencies, clock: self.frontier.clone() }
    }

    /// The past of a transaction with these dependencies. An error is a dependency that names no transaction here.
    pub(super) fn past(&self, dependencies: &[(NodeIndex, u64)]) -> Result<Past, (NodeIndex, u64)> {
        let mut records: SmallVec<[&Record; 2]> = SmallVec::new();
        for &(node, sequence) in dependencies {
            let record = self.find(node, sequence).filter(|record| record.sequence == sequence);
            records.push(record.ok_or((node, sequence))?);
        }
        records.sort_unstable_by_key(|record| (record.author, record.sequence));
        records.dedup_by_key(|record| (record.author, record.sequence));
        let mut past = Past { dependencies: SmallVec::new(), clock: ClockTree::default() };
        for record in &records {
            let seen_by_another = records.iter().any(|other| {
                (other.author, other.sequence) != (record.author, record.sequence)
                    && other.clock.get(record.author) >= record.sequence
            });
            if !seen_by_another {
                past.dependencies.push((record.author, record.sequence));
                past.clock = past.clock.join(&record.clock);
            }
        }
        Ok(past)
    }

    /// Takes in a transaction that lies in the log now. `past` is what its head's dependencies give.
    pub(super) fn push(
        &mut self,
        at: FrameAt,
        head: &FrameHead,
        past: ClockTree,
        changes: impl IntoIterator<Item = (TableIndex, ChangeOperation)>,
    ) {
        for node in &head.new_nodes {
            self.nodes.intern(*node);
        }
        self.by_author.resize_with(self.nodes.len(), Vec::new);
        for table in &head.new_tables {
            let (name, index): (Arc<str>, _) = (table.as_str().into(), self.tables.len() as TableIndex);
            self.tables.push(name.clone());
            self.table_indexes.insert(name, index);
            self.by_table.push(TableStats::default());
        }
        for (table, operation) in changes {
            if let Some(stats) = self.by_table.get_mut(table as usize) {
                stats.count(operation);
            }
        }
        let timestamp = Timestamp::from_nanoseconds(head.timestamp);
        self.oldest = Some(self.oldest.map_or(timestamp, |oldest| oldest.min(timestamp)));
        self.newest = Some(self.newest.map_or(timestamp, |newest| newest.max(timestamp)));
        self.merges += u64::from(head.change_count == 0);

        let clock = past.with(head.author, head.sequence);
        let number = self.records.len() as u32;
        let records = &self.records;
        self.tips.retain(|tip| {
            records.get(*tip as usize).is_some_and(|record| clock.get(record.author) < record.sequence)
        });
        self.tips.push(number);
        // All that it depends on is in the log: it adds nothing but itself. Who has seen the whole log has the new frontier.
        self.frontier = if past.is_same(&self.frontier) {
            clock.clone()
        } else {
            self.frontier.with(head.author, head.sequence)
        };
        if let Some(numbers) = self.by_author.get_mut(head.author as usize) {
            numbers.push(number);
        }
        let record = Record {
            at,
            first_lsn: self.next_lsn,
            change_count: head.change_count,
            author: head.author,
            sequence: head.sequence,
            timestamp,
            clock,
        };
        self.next_lsn = record.lsns().end;
        self.records.push(record);
    }

    pub(super) fn stats(&self, bytes: u64) -> ChangeLogStats {
        let first_lsn = self.records.first().map_or(self.next_lsn, |record| record.first_lsn);
        let entries = self.next_lsn - first_lsn;
        let tables = self.tables.iter().map(|name| name.to_string()).zip(self.by_table.iter().copied());
        ChangeLogStats {
            entries,
            transactions: self.records.len() as u64,
            merges: self.merges,
            nodes: self.by_author.iter().filter(|numbers| !numbers.is_empty()).count() as u64,
            first_lsn: if entries > 0 { first_lsn } else { 0 },
            last_lsn: if entries > 0 { self.next_lsn - 1 } else { 0 },
            oldest: self.oldest,
            newest: self.newest,
            bytes,
            tables: tables.collect(),
        }
    }
}

/// A table's number and what was done to it, for every change of a frame.
type Operations = SmallVec<[(TableIndex, ChangeOperation); 4]>;

impl Index {
    /// Reads a frame that follows on the records so far; `None` where its content cannot follow on them.
    pub(super) fn read(&self, body: &[u8]) -> Option<(FrameHead, Past, Operations)> {
        let (head, mut reader) = FrameReader::new(body)?;
        // Whatever it depends on is in the log, so only its author can be new; a table is new once.
        let fresh_node = match head.new_nodes.as_slice() {
            [] => (head.author as usize) < self.nodes.len(),
            [node] => head.author as usize == self.nodes.len() && self.nodes.index(*node).is_none(),
            _ => false,
        };
        let mut names: SmallVec<[&str; 4]> = head.new_tables.iter().map(String::as_str).collect();
        names.sort_unstable();
        names.dedup();
        let fresh_tables = names.len() == head.new_tables.len()
            && names.iter().all(|name| !name.is_empty() && self.table_index(name).is_none());
        drop(names);
        let width = u64::from(head.change_count.max(1));
        let base = head.sequence.checked_sub(width)?;
        if !fresh_node || !fresh_tables || self.frontier.get(head.author) != base {
            return None;
        }
        let past = self.past(&head.dependencies).ok()?;
        // Nobody writes dependencies that others of them cover.
        if past.clock.get(head.author) != base || past.dependencies != head.dependencies {
            return None;
        }
        let known_tables = self.tables.len() + head.new_tables.len();
        let mut operations = Operations::new();
        while let Some(change) = reader.next().ok()? {
            change.row_id()?;
            if change.table as usize >= known_tables {
                return None;
            }
            operations.push((change.table, change.operation));
        }
        Some((head, past, operations))
    }
}
