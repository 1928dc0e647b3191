//! What only those who append touch: where the log ends for them, ahead of what readers see.

use std::collections::VecDeque;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::causality::{Clock, ClockTree, NodeIndex};
use crate::change::{Change, Verdict};
use crate::error::{Error, ErrorCode, Result};
use crate::id::NodeId;
use crate::log::change_log::Inner;
use crate::log::commit::Waiter;
use crate::log::dictionary::Numbers;
use crate::log::ends::End;
use crate::log::frame::{Base, FrameHead, FrameWriter, MAX_BODY_LENGTH, NodeNumber};
use crate::log::index_file::row_hash;
use crate::log::state::{Additions, Staged};
use crate::log::tail::{Known, TakenRow, waypoint_distance};
use crate::storage::{StorageFile, StorageLock};
use crate::time::HybridLogicalClock;

pub(super) struct Writer {
    pub(super) lock: Option<Box<dyn StorageLock>>,
    pub(super) clock: HybridLogicalClock,
    pub(super) frontier: Clock,
    /// Transactions that no other has seen.
    pub(super) tips: Vec<Known>,
    pub(super) next_lsn: u64,
    pub(super) next_transaction: u64,
    pub(super) segment: SegmentWriter,
    /// What is written and not yet shown, with what taking it back needs.
    pub(super) staged: Vec<(Staged, Undo)>,
    /// The bytes of those, still to be handed to the operating system; they start at `segment.end - pending.len()`.
    pub(super) pending: Vec<u8>,
    /// Whether somebody is syncing for all.
    pub(super) leading: bool,
    pub(super) waiting: VecDeque<Arc<Waiter>>,
    /// Whether others waited for the last sync: then more are likely to come.
    pub(super) crowded: bool,
    /// Whether the log's place says that what is shown may not be on the disk.
    pub(super) says_unsynced: bool,
}

/// The segment that is being written.
pub(super) struct SegmentWriter {
    pub(super) number: u64,
    pub(super) file: Arc<dyn StorageFile>,
    pub(super) base: Base,
    pub(super) numbers: Numbers,
    /// The log's frontier where the segment begins.
    pub(super) start: ClockTree,
    /// Where the next frame goes.
    pub(super) end: u64,
    /// Where the bytes end that a loss of power would keep.
    pub(super) durable_end: u64,
    /// Up to where space was prepared for cheap syncs.
    pub(super) prepared: u64,
    /// Up to where the disk was set to work without waiting for it.
    pub(super) written_back: u64,
    /// The first frame from here on gets a waypoint.
    pub(super) next_waypoint: u64,
    /// Whether its last frame says that nothing follows.
    pub(super) sealed: bool,
    /// Whether there is an index of its beginning.
    pub(super) has_tail_index: bool,
}

impl SegmentWriter {
    /// Where the log ends.
    pub(super) fn place(&self) -> End {
        End { segment: self.number, offset: self.end }
    }
}

/// How things stood before a transaction was staged.
pub(super) struct Undo {
    lengths: (usize, usize),
    frontier: Clock,
    next_lsn: u64,
    offset: u64,
    next_waypoint: u64,
    /// Tips that it had seen.
    tips: SmallVec<[Known; 2]>,
}

/// The dependencies of a transaction in their shortest form, and the clock that follows from them.
pub(super) struct Past {
    /// Ascending by node. Where all is seen, the log's tips are meant, whether or not they are repeated here.
    pub(super) dependencies: SmallVec<[Known; 2]>,
    pub(super) clock: Clock,
    /// Whether it is the whole log so far.
    pub(super) whole: bool,
}

/// A transaction on its way into the log, its place in the history settled.
pub(super) struct Incoming<'a> {
    pub(super) author: (NodeIndex, NodeId),
    pub(super) sequence: u64,
    pub(super) past: Past,
    pub(super) timestamp: i64,
    pub(super) changes: &'a [&'a Change],
    pub(super) verdicts: Verdicts<'a>,
}

/// What the changes of a transaction did to their rows.
#[derive(Clone, Copy)]
pub(super) enum Verdicts<'a> {
    /// All of them the same, or nobody has judged them.
    All(Option<Verdict>),
    /// Each its own.
    Each(&'a [Verdict]),
}

impl Verdicts<'_> {
    fn get(self, number: usize) -> Option<Verdict> {
        match self {
            Verdicts::All(verdict) => verdict,
            Verdicts::Each(verdicts) => verdicts.get(number).copied(),
        }
    }
}

impl Writer {
    /// The past of a transaction that has seen the whole log.
    pub(super) fn whole_past(&self) -> Past {
        Past { dependencies: SmallVec::new(), clock: self.frontier.clone(), whole: true }
    }

    /// The clock of a transaction among those staged or the tips.
    pub(super) fn known(&self, author: NodeIndex, sequence: u64) -> Option<&Clock> {
        let staged =
            self.staged.iter().rev().map(|(staged, _)| (staged.author, staged.sequence, &staged.clock));
        let tips = self.tips.iter().map(|tip| (tip.author, tip.sequence, &tip.clock));
        tips.chain(staged).find(|known| (known.0, known.1) == (author, sequence)).map(|known| known.2)
    }

    /// Takes note of a transaction; what it had seen is no tip any longer. Returns those, and the frontier as it was.
    pub(super) fn advance(
        &mut self,
        author: NodeIndex,
        sequence: u64,
        clock: &Clock,
        seen_all: bool,
    ) -> (SmallVec<[Known; 2]>, Clock) {
        let seen = if seen_all {
            self.tips.drain(..).collect()
        } else {
            self.tips.extract_if(.., |tip| clock.get(tip.author) >= tip.sequence).collect()
        };
        self.tips.push(Known { author, sequence, clock: clock.clone() });
        // All that it depends on is in the log: it adds nothing but itself. Who has seen the whole log has the new frontier.
        let frontier = if seen_all { clock.clone() } else { self.frontier.followed_by(author, sequence) };
        (seen, std::mem::replace(&mut self.frontier, frontier))
    }

    /// The tips that the frame at `offset`, which is the next one, and all after it go on from, where they are worth keeping.
    pub(super) fn waypoint(&mut self, offset: u64) -> Option<Vec<Known>> {
        (offset >= self.segment.next_waypoint).then(|| {
            self.segment.next_waypoint = offset + waypoint_distance(self.tips.len());
            self.tips.clone()
        })
    }

    /// Writes a transaction to the end of what is pending.
    pub(super) fn stage(&mut self, log: &Inner, incoming: Incoming<'_>) -> Result<()> {
        let Writer { segment, pending, tips, .. } = self;
        let lengths = segment.numbers.lengths();
        let (node, id) = incoming.author;
        let width = incoming.changes.len().max(1) as u64;
        let before = incoming.sequence - width;

        let mut new_nodes: Vec<(NodeIndex, NodeId, u64)> = Vec::new();
        let (number, new) = segment.numbers.node(node);
        if new {
            new_nodes.push((node, id, before));
        }
        let mut dependencies: SmallVec<[(NodeNumber, u64); 2]> = SmallVec::new();
        let mut outside = Vec::new();
        let seen: &[Known] = if incoming.past.whole { tips } else { &incoming.past.dependencies };
        for dependency in seen {
            let (number, new) = segment.numbers.node(dependency.author);
            if new {
                let id = log.nodes.read().id(dependency.author).unwrap_or_default();
                new_nodes.push((dependency.author, id, self.frontier.get(dependency.author)));
            }
            if segment.start.get(dependency.author) >= dependency.sequence {
                outside.push(dependency.clone());
            }
            dependencies.push((number, dependency.sequence));
        }
        dependencies.sort_unstable();

        let mut tables: SmallVec<[u32; 1]> = SmallVec::new();
        let mut new_tables: Vec<Arc<str>> = Vec::new();
        for change in incoming.changes {
            let (number, new) = segment.numbers.table(&change.table);
            if new {
                new_tables.extend(segment.numbers.table_name(number).cloned());
            }
            tables.push(number);
        }

        let ids: SmallVec<[NodeId; 1]> = new_nodes.iter().map(|(_, id, _)| *id).collect();
        let names: SmallVec<[&str; 1]> = new_tables.iter().map(|name| &**name).collect();
        let offset = segment.end;
        let head = FrameHead {
            durable: segment.durable_end == offset,
            timestamp: incoming.timestamp,
            new_nodes: &ids,
            new_tables: &names,
            author: number,
            sequence: incoming.sequence,
            dependencies: &dependencies,
            change_count: incoming.changes.len() as u32,
        };
        let start = pending.len();
        let mut frame = FrameWriter::start(pending, segment.base, &head);
        drop((names, ids));
        let mut rows: SmallVec<[TakenRow; 1]> = SmallVec::with_capacity(incoming.changes.len());
        for (number, (change, &table)) in incoming.changes.iter().zip(&tables).enumerate() {
            let row_id = frame.change(table, change, incoming.verdicts.get(number));
            let hash = row_hash(segment.base.salt, table, row_id);
            rows.push(TakenRow::Change { hash, table, operation: change.operation });
            // A longer one is refused when it is finished.
            if frame.length() > MAX_BODY_LENGTH {
                break;
            }
        }
        if let Err(error) = frame.finish(segment.base, offset) {
            segment.numbers.cut(lengths);
            return Err(error);
        }
        segment.end += (pending.len() - start) as u64;
        let end = segment.end;

        let next_waypoint = self.segment.next_waypoint;
        let waypoint = self.waypoint(offset);
        let clock = incoming.past.clock.goes_on(node, incoming.sequence);
        let (tips, frontier) = self.advance(node, incoming.sequence, &clock, incoming.past.whole);
        let undo = Undo { lengths, frontier, next_lsn: self.next_lsn, offset, next_waypoint, tips };
        self.next_lsn += incoming.changes.len() as u64;
        self.next_transaction += 1;
        let staged = Staged {
            offset,
            end,
            number,
            author: node,
            sequence: incoming.sequence,
            change_count: incoming.changes.len() as u32,
            timestamp: incoming.timestamp,
            rows,
            clock,
            frontier: (!incoming.past.whole).then(|| self.frontier.clone()),
            additions: Additions { new_nodes, new_tables, outside, waypoint }.boxed(),
        };
        self.staged.push((staged, undo));
        Ok(())
    }

    /// Takes back all that is staged, as if it had never been. `staged` came before what is still in the queue.
    pub(super) fn take_back(&mut self, staged: Vec<(Staged, Undo)>) {
        let later = std::mem::take(&mut self.staged);
        for (_, undo) in later.into_iter().rev().chain(staged.into_iter().rev()) {
            self.segment.numbers.cut(undo.lengths);
            self.segment.end = undo.offset;
            self.segment.written_back = self.segment.written_back.min(undo.offset);
            self.segment.next_waypoint = undo.next_waypoint;
            self.frontier = undo.frontier;
            self.next_lsn = undo.next_lsn;
            self.next_transaction -= 1;
            self.tips.pop();
            self.tips.extend(undo.tips);
        }
        self.pending.clear();
    }
}

/// The sequence that a transaction of so many changes ends with, after `last`.
pub(super) fn next_sequence(node: NodeId, last: u64, changes: usize) -> Result<u64> {
    last.checked_add(changes.max(1) as u64).ok_or_else(|| {
        Error::new(ErrorCode::TooLarge, format!("sequence of node {node} would overflow at {}", u64::MAX))
    })
}
