use hashbrown::{HashMap, HashTable};

use crate::causality::{Clock, NodeIndex};
use crate::change::ChangeOperation;
use crate::log::frame::{NodeNumber, TableNumber};
use crate::log::index_file::{AuthorPoint, Point};
use crate::log::stats::TableStats;

/// A point is kept for so many bytes of frames at least.
const POINT_DISTANCE: u64 = 4096;
/// A point of an author is kept for so many bytes at least.
const AUTHOR_POINT_DISTANCE: u64 = 16 * 1024;
/// Clocks to go on from are kept every so many bytes.
const WAYPOINT_DISTANCE: u64 = 1 << 20;

/// Where things are in the part of the unsealed segment that no index file covers.
///
/// It has the same shape as an index file, which is made from it when the segment
/// is sealed: little for a transaction, eight bytes or so for a row.
#[derive(Debug, Default)]
pub(super) struct Tail {
    /// Relative LSN of the first entry that is not in an index file.
    pub(super) first_entry: u32,
    pub(super) points: Vec<Point>,
    /// Hash of each row and relative LSN of its last entry.
    rows: HashTable<(u32, u32)>,
    /// For each entry from `first_entry` on: 1 + relative LSN of the one before with the same hash, or 0.
    previous: Vec<u32>,
    /// By node number: also those of nodes that have nothing here.
    pub(super) authors: Vec<Author>,
    /// By table number.
    pub(super) tables: Vec<TableStats>,
    pub(super) waypoints: Vec<(u32, Vec<Known>)>,
    /// Clocks of transactions before the segment that it refers to, and of the tips when it began.
    pub(super) outside: HashMap<(NodeIndex, u64), Known>,
    /// Counts of the whole segment.
    pub(super) entries: u32,
    pub(super) removed: u32,
    pub(super) transactions: u32,
    pub(super) merges: u32,
    pub(super) oldest: Option<i64>,
    pub(super) newest: Option<i64>,
}

/// A transaction whose clock is at hand.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) author: NodeIndex,
    pub(super) sequence: u64,
    pub(super) clock: Clock,
}

/// What a node wrote into the segment.
#[derive(Debug, Clone, Default)]
pub(super) struct Author {
    /// Its highest sequence before the segment.
    pub(super) before: u64,
    /// Its highest sequence so far.
    pub(super) last: u64,
    pub(super) points: Vec<AuthorPoint>,
}

/// One transaction as the tail takes it in.
#[derive(Debug)]
pub(super) struct Taken<'a> {
    pub(super) offset: u64,
    pub(super) author: NodeNumber,
    pub(super) sequence: u64,
    pub(super) change_count: u32,
    pub(super) timestamp: i64,
    pub(super) rows: &'a [TakenRow],
}

/// One change of a transaction as the tail takes it in.
#[derive(Debug, Clone, Copy)]
pub(super) enum TakenRow {
    Change { hash: u32, table: TableNumber, operation: ChangeOperation },
    Removed,
}

impl Tail {
    /// Takes note of the nodes that the segment's dictionary has beyond those known here; `before` is the highest sequence of each.
    pub(super) fn add_author(&mut self, before: u64) {
        self.authors.push(Author { before, last: before, points: Vec::new() });
    }

    pub(super) fn add_table(&mut self) {
        self.tables.push(TableStats::default());
    }

    pub(super) fn push(&mut self, taken: &Taken<'_>) {
        let offset = taken.offset as u32;
        let due = |last: Option<u32>, distance: u64| {
            last.is_none_or(|last| taken.offset >= u64::from(last) + distance)
        };
        if due(self.points.last().map(|point| point.offset), POINT_DISTANCE) {
            let point = Point { offset, lsn: self.entries, transaction: self.transactions };
            self.points.push(point);
        }
        if let Some(author) = self.authors.get_mut(taken.author as usize) {
            author.last = taken.sequence;
            if due(author.points.last().map(|point| point.offset), AUTHOR_POINT_DISTANCE) {
                author.points.push(AuthorPoint { sequence: taken.sequence, offset });
            }
        }
        for row in taken.rows {
            match *row {
                TakenRow::Removed => {
                    self.previous.push(0);
                    self.removed += 1;
                }
                TakenRow::Change { hash, table, operation } => {
                    self.add_row(hash);
                    if let Some(stats) = self.tables.get_mut(table as usize) {
                        stats.count(operation);
                    }
                }
            }
            self.entries += 1;
        }
        self.transactions += 1;
        self.merges += u32::from(taken.change_count == 0);
        self.oldest = Some(self.oldest.map_or(taken.timestamp, |oldest| oldest.min(taken.timestamp)));
        self.newest = Some(self.newest.map_or(taken.timestamp, |newest| newest.max(taken.timestamp)));
    }

    fn add_row(&mut self, hash: u32) {
        let entry = self.entries;
        let spread = |hash: u32| u64::from(hash).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let previous = match self.rows.entry(spread(hash), |slot| slot.0 == hash, |slot| spread(slot.0)) {
            hashbrown::hash_table::Entry::Occupied(mut slot) => {
                std::mem::replace(&mut slot.get_mut().1, entry) + 1
            }
            hashbrown::hash_table::Entry::Vacant(slot) => {
                slot.insert((hash, entry));
                0
            }
        };
        self.previous.push(previous);
    }

    /// Whether clocks to go on from are due at this offset.
    pub(super) fn wants_waypoint(&self, offset: u64) -> bool {
        let last = self.waypoints.last().map_or(0, |(last, _)| u64::from(*last));
        offset >= last + WAYPOINT_DISTANCE
    }

    pub(super) fn add_waypoint(&mut self, offset: u64, known: Vec<Known>) {
        self.waypoints.push((offset as u32, known));
    }

    /// The last point at or before a relative LSN; of several with the same one the first.
    pub(super) fn point_at_lsn(&self, lsn: u32) -> Option<Point> {
        let at = self.points.partition_point(|point| point.lsn <= lsn).checked_sub(1)?;
        let lsn = self.points.get(at)?.lsn;
        self.points.get(self.points.partition_point(|point| point.lsn < lsn)).copied()
    }

    /// The last point at or before an offset.
    pub(super) fn point_at_offset(&self, offset: u32) -> Option<Point> {
        self.points.get(self.points.partition_point(|point| point.offset <= offset).checked_sub(1)?).copied()
    }

    /// The last point of an author before a sequence, or its first one.
    pub(super) fn author_point(&self, author: NodeNumber, sequence: u64) -> Option<AuthorPoint> {
        let points = &self.authors.get(author as usize)?.points;
        let at = points.partition_point(|point| point.sequence < sequence);
        points.get(at.saturating_sub(1)).copied()
    }

    /// Relative LSNs of the entries whose row has this hash, ascending.
    pub(super) fn row(&self, hash: u32) -> Vec<u32> {
        let spread = u64::from(hash).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut next = self.rows.find(spread, |slot| slot.0 == hash).map_or(0, |slot| slot.1 + 1);
        let mut found = Vec::new();
        while let Some(entry) = next.checked_sub(1) {
            found.push(entry);
            let inside = entry.checked_sub(self.first_entry).and_then(|at| self.previous.get(at as usize));
            next = inside.copied().unwrap_or(0);
        }
        found.reverse();
        found
    }

    /// Every row's hash and last entry, and the chains that lead from there.
    pub(super) fn rows(&self) -> (impl Iterator<Item = (u32, u32)> + '_, &[u32]) {
        (self.rows.iter().copied(), &self.previous)
    }

    /// Bytes of memory that the rows take, their chains apart.
    #[cfg(test)]
    pub(super) fn row_memory(&self) -> usize {
        self.rows.capacity() * 9 * 8 / 7
    }
}
