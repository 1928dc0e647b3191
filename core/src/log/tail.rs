use hashbrown::hash_table::Entry;
use hashbrown::{HashMap, HashTable};
use parking_lot::Mutex;

use crate::causality::{Clock, NodeIndex};
use crate::change::ChangeOperation;
use crate::log::frame::{NodeNumber, TableNumber};
use crate::log::index_file::{AuthorPoint, Point};
use crate::log::stats::TableStats;

/// A point is kept for so many bytes of frames at least.
const POINT_DISTANCE: u64 = 4096;
/// A point of an author is kept for so many bytes at least.
const AUTHOR_POINT_DISTANCE: u64 = 32 * 1024;
/// Clocks to go on from are kept every so many bytes.
const WAYPOINT_DISTANCE: u64 = 32 * 1024;
/// So far apart they are where there are many of them, so that they take no more than little.
const FAR_WAYPOINT_DISTANCE: u64 = 1 << 20;
const MANY_TIPS: usize = 16;
/// So many entries are put with their rows while those who append wait.
const MOST_AT_ONCE: usize = 4096;

/// How far after a waypoint with so many clocks the next one is due, in bytes.
pub(super) fn waypoint_distance(tips: usize) -> u64 {
    if tips > MANY_TIPS { FAR_WAYPOINT_DISTANCE } else { WAYPOINT_DISTANCE }
}

/// Where things are in the part of the unsealed segment that no index file covers.
///
/// It has the same shape as an index file, which is made from it when the segment
/// is sealed: little for a transaction, eight bytes or so for a row.
#[derive(Debug, Default)]
pub(super) struct Tail {
    /// Relative LSN of the first entry that is not in an index file.
    pub(super) first_entry: u32,
    pub(super) points: Vec<Point>,
    /// The hash of each entry's row, from `first_entry` on.
    hashes: Vec<u32>,
    /// Those of them, ascending, whose entries were removed: few, and in segments that compaction has rewritten.
    gone: Vec<u32>,
    /// Which entries each row has, of as many as somebody wanted to know it of: appending is not to pay for it.
    rows: Mutex<TailRows>,
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

/// Which entries each row has.
#[derive(Debug, Default)]
struct TailRows {
    /// Each row by its last entry: the place of that in `hashes`.
    slots: HashTable<u32>,
    /// For each entry from the tail's first on: 1 + relative LSN of the one before with the same hash, or 0.
    previous: Vec<u32>,
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
                    self.gone.push(self.hashes.len() as u32);
                    self.hashes.push(0);
                    self.removed += 1;
                }
                TakenRow::Change { hash, table, operation } => {
                    self.hashes.push(hash);
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

    /// Relative LSNs of the entries whose row has this hash, ascending; nothing if there were too many to look through
    /// at once: some of them were, so it comes to an end when it is asked again.
    pub(super) fn row(&self, hash: u32) -> Option<Vec<u32>> {
        let mut rows = self.rows.lock();
        if !rows.catch_up(self) {
            return None;
        }
        let last = rows.slots.find(spread(hash), |last| self.hash(*last) == hash);
        let mut next = last.map_or(0, |last| self.first_entry + last + 1);
        let mut found = Vec::new();
        while let Some(entry) = next.checked_sub(1) {
            found.push(entry);
            let inside = entry.checked_sub(self.first_entry).and_then(|at| rows.previous.get(at as usize));
            next = inside.copied().unwrap_or(0);
        }
        found.reverse();
        Some(found)
    }

    /// Every entry that the tail knows by the hash of its row: see [`Rows`](super::index_file::Rows).
    pub(super) fn rows(&self) -> Vec<u64> {
        let entries = self.entries_from(0);
        let mut rows: Vec<u64> = entries
            .map(|(at, hash)| u64::from(hash) << 32 | u64::from(self.first_entry + at as u32))
            .collect();
        rows.sort_unstable();
        rows
    }

    /// The row of the entry at this place in `hashes`.
    fn hash(&self, at: u32) -> u32 {
        self.hashes.get(at as usize).copied().unwrap_or_default()
    }

    /// Place and row of each entry in `hashes` from this place on, but those that were removed.
    fn entries_from(&self, from: usize) -> impl Iterator<Item = (usize, u32)> {
        let gone = self.gone.partition_point(|gone| (*gone as usize) < from);
        let mut gone = self.gone.iter().skip(gone).map(|gone| *gone as usize).peekable();
        let entries = self.hashes.iter().copied().enumerate().skip(from);
        entries.filter(move |(at, _)| gone.next_if_eq(at).is_none())
    }
}

fn spread(hash: u32) -> u64 {
    u64::from(hash).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

impl TailRows {
    /// Takes in entries that were appended since somebody last asked. Whether those are all.
    fn catch_up(&mut self, tail: &Tail) -> bool {
        for (at, hash) in tail.entries_from(self.previous.len()).take(MOST_AT_ONCE) {
            // Those that were removed have nothing before them.
            self.previous.resize(at, 0);
            let at = at as u32;
            let is_it = |last: &u32| tail.hash(*last) == hash;
            let slot = self.slots.entry(spread(hash), is_it, |last| spread(tail.hash(*last)));
            self.previous.push(match slot {
                Entry::Occupied(mut slot) => std::mem::replace(slot.get_mut(), at) + tail.first_entry + 1,
                Entry::Vacant(slot) => {
                    slot.insert(at);
                    0
                }
            });
        }
        tail.entries_from(self.previous.len()).next().is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_the_same_one_by_one_and_all_at_once() {
        let mut tail = Tail { first_entry: 7, entries: 7, ..Tail::default() };
        tail.add_author(0);
        tail.add_table();
        let hash = |number: u32| number * number % 11;
        for number in 0..100 {
            let change =
                TakenRow::Change { hash: hash(number), table: 0, operation: ChangeOperation::Insert };
            let row = if number % 9 == 0 { TakenRow::Removed } else { change };
            tail.push(&Taken {
                offset: u64::from(number) * 100,
                author: 0,
                sequence: u64::from(number) + 1,
                change_count: 1,
                timestamp: 0,
                rows: &[row],
            });
            if number == 50 {
                assert!(!tail.row(1).unwrap().is_empty());
            }
        }
        for hash_of_row in 0..11 {
            let found = tail.row(hash_of_row).unwrap();
            let wanted = (0..100).filter(|number| number % 9 != 0 && hash(*number) == hash_of_row);
            assert_eq!(found, wanted.map(|number| number + 7).collect::<Vec<_>>());
            let rows = tail.rows().into_iter().filter(|row| (row >> 32) as u32 == hash_of_row);
            assert_eq!(found, rows.map(|row| row as u32).collect::<Vec<_>>());
        }
        assert_eq!(tail.rows().len(), (0..100).filter(|number| number % 9 != 0).count());
    }

    #[test]
    fn a_row_takes_little_memory() {
        let mut rows = TailRows::default();
        let hashes: Vec<u32> = (0..100_000u32).map(|row| row.wrapping_mul(0x9e37_79b1)).collect();
        let tail = Tail { hashes, ..Tail::default() };
        while !rows.catch_up(&tail) {}
        // A slot and a byte of the table's own for each place, and eight places for seven rows at most at half load.
        let table = rows.slots.capacity() * 8 / 7 * 5;
        let chains = rows.previous.capacity() * 4 + tail.hashes.capacity() * 4;
        assert!((table + chains) / 100_000 <= 40, "{}", (table + chains) / 100_000);
    }
}
