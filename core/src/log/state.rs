use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use hashbrown::HashMap;
use smallvec::SmallVec;

use crate::causality::{Clock, ClockTree, NodeIndex};
use crate::id::NodeId;
use crate::log::dictionary::Dictionary;
use crate::log::format::{Manifest, SegmentSummary};
use crate::log::frame::NodeNumber;
use crate::log::index_file::IndexFile;
use crate::log::recent::Recent;
use crate::log::segment::{OpenSegment, Sealed};
use crate::log::stats::{ChangeLogStats, TableStats};
use crate::log::tail::{Known, Tail, Taken, TakenRow};
use crate::time::Timestamp;

/// What readers see of a log: transactions that are as durable as was asked for.
pub(super) struct State {
    /// Where the log begins and what was removed.
    pub(super) manifest: Arc<Manifest>,
    /// Ascending, without gaps.
    pub(super) sealed: Arc<Vec<Arc<Sealed>>>,
    pub(super) active: Active,
    pub(super) frontier: Clock,
    pub(super) next_lsn: u64,
    pub(super) recent: Recent,
    /// What the sealed segments hold of each table.
    pub(super) tables: BTreeMap<Arc<str>, TableStats>,
    /// The latest timestamp of any transaction so far.
    pub(super) newest: Option<i64>,
    /// All entries before this LSN would survive a loss of power.
    pub(super) durable_lsn: u64,
    /// The log's frontier where its first segment begins.
    pub(super) floor_frontier: ClockTree,
    /// Clocks of transactions before that, which later ones refer to.
    pub(super) floor: Arc<HashMap<(NodeIndex, u64), Clock>>,
}

/// The segment that is being written.
pub(super) struct Active {
    pub(super) open: Arc<OpenSegment>,
    pub(super) dictionary: Arc<Dictionary>,
    pub(super) tail: Tail,
    /// Where the last frame that readers may see ends.
    pub(super) end: u64,
    /// How far it is known to be on the disk.
    pub(super) durable_end: u64,
    /// The log's frontier where the segment begins.
    pub(super) start: ClockTree,
}

/// A transaction that is written and not yet shown.
pub(super) struct Staged {
    pub(super) offset: u64,
    pub(super) end: u64,
    pub(super) number: NodeNumber,
    pub(super) author: NodeIndex,
    pub(super) sequence: u64,
    pub(super) change_count: u32,
    pub(super) timestamp: i64,
    pub(super) rows: SmallVec<[TakenRow; 1]>,
    pub(super) clock: Clock,
    /// The log's frontier with this transaction, unless it is the transaction's clock.
    pub(super) frontier: Option<Clock>,
    /// Most have none.
    pub(super) additions: Option<Box<Additions>>,
}

/// What a transaction adds to what is known of its segment.
#[derive(Default)]
pub(super) struct Additions {
    /// To the dictionary, with the highest sequence of each node before it.
    pub(super) new_nodes: Vec<(NodeIndex, NodeId, u64)>,
    pub(super) new_tables: Vec<Arc<str>>,
    /// Transactions of other segments that it refers to.
    pub(super) outside: Vec<Known>,
    /// The tips before it, if a waypoint is due.
    pub(super) waypoint: Option<Vec<Known>>,
}

impl Additions {
    /// Nothing if there are none.
    #[inline]
    pub(super) fn boxed(self) -> Option<Box<Additions>> {
        let none = self.new_nodes.is_empty()
            && self.new_tables.is_empty()
            && self.outside.is_empty()
            && self.waypoint.is_none();
        (!none).then(|| Box::new(self))
    }
}

impl Active {
    pub(super) fn number(&self) -> u64 {
        self.open.header.number
    }

    pub(super) fn prefix(&self) -> Option<&Arc<IndexFile>> {
        self.open.index.as_ref()
    }

    /// Takes note of what the transaction at `offset` adds.
    fn add(&mut self, additions: Additions, offset: u64) {
        let Active { dictionary, tail, .. } = self;
        if !additions.new_nodes.is_empty() || !additions.new_tables.is_empty() {
            // A cursor that reads meanwhile keeps the dictionary that it has.
            let dictionary = Arc::make_mut(dictionary);
            for (index, id, before) in additions.new_nodes {
                dictionary.add_node(index, id);
                tail.add_author(before);
            }
            for table in additions.new_tables {
                dictionary.add_table(table);
                tail.add_table();
            }
        }
        for known in additions.outside {
            tail.outside.insert((known.author, known.sequence), known);
        }
        if let Some(tips) = additions.waypoint {
            tail.waypoints.push((offset as u32, tips));
        }
    }

    /// The segment's summary as of now; its content ends at `end`.
    pub(super) fn summary(&self, end: u64) -> SegmentSummary {
        let (header, tail) = (&self.open.header, &self.tail);
        SegmentSummary {
            number: header.number,
            salt: header.base.salt,
            first_lsn: header.first_lsn,
            first_transaction: header.first_transaction,
            entries: u64::from(tail.entries),
            removed: u64::from(tail.removed),
            transactions: u64::from(tail.transactions),
            merges: u64::from(tail.merges),
            bytes: self.open.bytes(end),
            oldest: tail.oldest,
            newest: tail.newest,
        }
    }
}

impl Sealed {
    pub(super) fn new(summary: SegmentSummary) -> Arc<Sealed> {
        Arc::new(Sealed { summary, start: OnceLock::new() })
    }

    /// The same segment after something was removed from it.
    pub(super) fn with(&self, summary: SegmentSummary) -> Arc<Sealed> {
        Arc::new(Sealed { summary, start: self.start.clone() })
    }
}

impl State {
    /// Shows a transaction to readers.
    pub(super) fn publish(&mut self, staged: Staged) {
        if let Some(additions) = staged.additions {
            self.active.add(*additions, staged.offset);
        }
        self.active.tail.push(&Taken {
            offset: staged.offset,
            author: staged.number,
            sequence: staged.sequence,
            change_count: staged.change_count,
            timestamp: staged.timestamp,
            rows: &staged.rows,
        });
        self.frontier = staged.frontier.unwrap_or_else(|| staged.clock.clone());
        self.recent.push(staged.author, staged.sequence, staged.clock);
        self.active.end = staged.end;
        self.next_lsn += u64::from(staged.change_count);
        self.newest = Some(self.newest.map_or(staged.timestamp, |newest| newest.max(staged.timestamp)));
    }

    /// Whether this transaction was removed.
    pub(super) fn floor_covers(&self, author: NodeIndex, sequence: u64) -> bool {
        self.floor_frontier.get(author) >= sequence
    }

    /// All that is in the log, in numbers.
    pub(super) fn stats(&self) -> ChangeLogStats {
        let summaries = self.sealed.iter().map(|sealed| sealed.summary.clone());
        let mut stats = ChangeLogStats::default();
        for summary in summaries.chain([self.active.summary(self.active.end)]) {
            stats.entries += summary.entries - summary.removed;
            stats.transactions += summary.transactions;
            stats.merges += summary.merges;
            stats.bytes += summary.bytes;
            stats.segments += 1;
            let time = |time: Option<i64>| time.map(Timestamp::from_nanoseconds);
            stats.oldest = [stats.oldest, time(summary.oldest)].into_iter().flatten().min();
            stats.newest = [stats.newest, time(summary.newest)].into_iter().flatten().max();
        }
        stats.nodes = self.frontier.tree().len();
        stats.first_lsn = if self.next_lsn > self.first_lsn() { self.first_lsn() } else { 0 };
        stats.last_lsn = self.next_lsn - 1;
        stats.durable_lsn = self.durable_lsn - 1;
        let in_active = self.active.dictionary.tables().iter().zip(&self.active.tail.tables);
        for (name, counts) in self.tables.iter().chain(in_active) {
            stats.tables.entry(name.to_string()).or_default().add(counts);
        }
        stats.tables.retain(|_, counts| counts.entries() > 0);
        stats
    }

    /// LSN of the first entry that is still there, or of the next one.
    pub(super) fn first_lsn(&self) -> u64 {
        self.manifest.standing.next_lsn
    }

    /// Number of the first segment.
    pub(super) fn first_segment(&self) -> u64 {
        self.manifest.first_segment
    }

    /// Number of the segment that has the entry with this LSN, or would have it.
    pub(super) fn segment_of(&self, lsn: u64) -> u64 {
        let at = self.sealed.partition_point(|sealed| sealed.summary.next_lsn() <= lsn);
        self.sealed.get(at).map_or(self.active.number(), |sealed| sealed.summary.number)
    }

    /// The sealed segment with this number.
    pub(super) fn sealed(&self, number: u64) -> Option<&Arc<Sealed>> {
        self.sealed.get(usize::try_from(number.checked_sub(self.first_segment())?).ok()?)
    }
}
