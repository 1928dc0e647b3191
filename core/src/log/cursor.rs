use std::collections::VecDeque;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::change::{Change, ChangeEntry, Transaction};
use crate::clock::VectorClock;
use crate::error::Result;
use crate::id::{Dot, NodeId};
use crate::log::block::BlockReader;
use crate::log::change_log::Inner;
use crate::log::frame::{FrameChange, FrameReader, TableIndex};
use crate::log::index::{Index, Record};
use crate::log::query::QueryOptions;

/// Entries of a log, read as they are asked for.
///
/// A cursor sees the log as it was when the query was made, whatever is appended
/// since, and holds one block of it in memory. After an error it has ended.
pub struct Cursor {
    log: Arc<Inner>,
    blocks: BlockReader,
    filter: Filter,
    /// Numbers of the records not yet read.
    from: usize,
    until: usize,
    reverse: bool,
    remaining: u64,
    /// Entries of the record read last, in the order to hand them out.
    ready: VecDeque<ChangeEntry>,
}

/// The query's conditions in the log's own terms.
struct Filter {
    tables: Option<SmallVec<[TableIndex; 2]>>,
    row_id: Option<Vec<u8>>,
    options: QueryOptions,
}

impl Cursor {
    pub(super) fn new(log: Arc<Inner>, options: QueryOptions) -> Self {
        let index = log.index.read();
        let from = index.first_after(options.since);
        let until = options.until.map_or(index.records.len(), |until| {
            index.records.partition_point(|record| record.first_lsn <= until)
        });
        let tables = (!options.tables.is_empty())
            .then(|| options.tables.iter().filter_map(|name| index.table_index(name)).collect());
        drop(index);
        let filter =
            Filter { tables, row_id: options.row_id.as_ref().map(|row_id| row_id.encode()), options };
        Cursor {
            blocks: log.blocks(),
            log,
            from,
            until: until.max(from),
            reverse: filter.options.reverse,
            remaining: filter.options.limit.unwrap_or(u64::MAX),
            filter,
            ready: VecDeque::new(),
        }
    }

    fn next_record(&mut self) -> Option<usize> {
        if self.from >= self.until {
            None
        } else if self.reverse {
            self.until -= 1;
            Some(self.until)
        } else {
            self.from += 1;
            Some(self.from - 1)
        }
    }

    fn fill(&mut self) -> Result<()> {
        loop {
            self.log.check_open()?;
            if !self.ready.is_empty() {
                return Ok(());
            }
            let Some(number) = self.next_record() else { return Ok(()) };
            let index = self.log.index.read();
            let Some(record) = index.records.get(number).filter(|record| self.filter.takes(record, &index))
            else {
                continue;
            };
            let record = record.clone();
            drop(index);
            let body = self.blocks.frame(record.at, self.log.end(), self.reverse)?;
            let entries = self.filter.entries(body, &record, &self.log);
            match entries {
                Some(entries) if self.reverse => self.ready.extend(entries.into_iter().rev()),
                Some(entries) => self.ready.extend(entries),
                None => {
                    return Err(self.blocks.corrupt(record.at.offset, "the frame's content makes no sense"));
                }
            }
        }
    }

    fn end(&mut self) {
        self.remaining = 0;
        self.ready.clear();
    }
}

impl Iterator for Cursor {
    type Item = Result<ChangeEntry>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.remaining == 0 {
            return None;
        }
        if let Err(error) = self.fill() {
            self.end();
            return Some(Err(error));
        }
        self.remaining -= 1;
        self.ready.pop_front().map(Ok)
    }
}

impl Filter {
    /// Whether the record can have a wanted entry, as far as the index tells.
    fn takes(&self, record: &Record, index: &Index) -> bool {
        let options = &self.options;
        record.change_count > 0
            && options.node.is_none_or(|node| index.nodes.index(node) == Some(record.author))
            && options.since_time.is_none_or(|since| record.timestamp > since)
            && options.until_time.is_none_or(|until| record.timestamp <= until)
            && self.tables.as_ref().is_none_or(|tables| !tables.is_empty())
    }

    /// The wanted entries of a record whose body this is; `None` where that is no frame's.
    fn entries(&self, body: &[u8], record: &Record, log: &Inner) -> Option<Vec<ChangeEntry>> {
        let (_, mut changes) = FrameReader::new(body)?;
        let mut entries = Vec::new();
        let mut clock: Option<(NodeId, VectorClock)> = None;
        for lsn in record.first_lsn.. {
            let Some(change) = changes.next().ok()? else { break };
            if !self.takes_change(&change, lsn) {
                continue;
            }
            let index = log.index.read();
            let (node, vector_clock) = match &clock {
                Some(known) => known,
                None => {
                    clock.insert((index.nodes.id(record.author)?, record.clock.to_vector_clock(&index.nodes)))
                }
            };
            let sequence = record.base() + 1 + (lsn - record.first_lsn);
            entries.push(ChangeEntry {
                lsn,
                node: *node,
                sequence,
                vector_clock: vector_clock.with_sequence(*node, sequence),
                timestamp: record.timestamp,
                transaction: Dot::new(*node, record.sequence),
                table: index.table(change.table)?.to_string(),
                row_id: change.row_id()?,
                operation: change.operation,
                before: change.before.map(<[u8]>::to_vec),
                after: change.after.map(<[u8]>::to_vec),
                verdict: change.verdict,
                metadata: change.metadata(),
            });
        }
        Some(entries)
    }

    fn takes_change(&self, change: &FrameChange<'_>, lsn: u64) -> bool {
        let options = &self.options;
        lsn > options.since
            && options.until.is_none_or(|until| lsn <= until)
            && options.operation.is_none_or(|operation| operation == change.operation)
            && self.tables.as_ref().is_none_or(|tables| tables.contains(&change.table))
            && self.row_id.as_ref().is_none_or(|row_id| row_id == change.row_id)
    }
}

/// Whole transactions of a log in its order: what another log lacks.
///
/// Like a [`Cursor`] it sees the log as it was when it was asked for.
pub struct TransactionCursor {
    log: Arc<Inner>,
    blocks: BlockReader,
    seen: VectorClock,
    from: usize,
    until: usize,
}

impl TransactionCursor {
    pub(super) fn new(log: Arc<Inner>, seen: VectorClock) -> Self {
        let until = log.index.read().records.len();
        TransactionCursor { blocks: log.blocks(), log, seen, from: 0, until }
    }

    fn advance(&mut self) -> Result<Option<Transaction>> {
        while self.from < self.until {
            self.log.check_open()?;
            let index = self.log.index.read();
            let record = index.records.get(self.from).cloned();
            let node = record.as_ref().and_then(|record| index.nodes.id(record.author));
            drop(index);
            self.from += 1;
            let (Some(record), Some(node)) = (record, node) else { continue };
            if !self.seen.covers(Dot::new(node, record.sequence)) {
                return self.log.transaction(&record, &mut self.blocks).map(Some);
            }
        }
        Ok(None)
    }
}

impl Iterator for TransactionCursor {
    type Item = Result<Transaction>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.advance();
        if next.is_err() {
            self.from = self.until;
        }
        next.transpose()
    }
}

impl Inner {
    /// A transaction as it was handed in, read back.
    pub(super) fn transaction(&self, record: &Record, blocks: &mut BlockReader) -> Result<Transaction> {
        let body = blocks.frame(record.at, self.end(), false)?;
        let read = self.index.read().transaction(body, record);
        read.ok_or_else(|| blocks.corrupt(record.at.offset, "the frame's content makes no sense"))
    }
}

impl Index {
    fn transaction(&self, body: &[u8], record: &Record) -> Option<Transaction> {
        let (head, mut reader) = FrameReader::new(body)?;
        let dependencies =
            head.dependencies.iter().map(|(node, sequence)| Some(Dot::new(self.nodes.id(*node)?, *sequence)));
        let mut dependencies = dependencies.collect::<Option<Vec<_>>>()?;
        dependencies.sort_unstable();
        let mut changes = Vec::new();
        while let Some(change) = reader.next().ok()? {
            changes.push(Change {
                table: self.table(change.table)?.to_string(),
                row_id: change.row_id()?,
                operation: change.operation,
                before: change.before.map(<[u8]>::to_vec),
                after: change.after.map(<[u8]>::to_vec),
                metadata: change.metadata(),
            });
        }
        let node = self.nodes.id(record.author)?;
        Some(Transaction {
            node,
            sequence: record.sequence,
            dependencies,
            timestamp: record.timestamp,
            changes,
        })
    }
}

impl std::fmt::Debug for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cursor").field("query", &self.filter.options).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for TransactionCursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TransactionCursor").field("seen", &self.seen).finish_non_exhaustive()
    }
}
