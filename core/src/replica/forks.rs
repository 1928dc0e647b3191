//! Entries that had not seen all of their row when they came, and what they had seen of it.
//!
//! Of all other entries it is known without looking: everything of their row that came before them. So the history of a
//! row can be put together from positions alone, where the clock of an old entry would have to be worked out first.

/// What an entry had seen of its row, where that is not all that came before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fork {
    pub(super) lsn: u64,
    /// One of its immediate predecessors; 0 if it had seen nothing. It has a record for each.
    pub(super) predecessor: u64,
    /// The last entry of which this is known: its author had seen it and all of the row that came before it. 0 if there is none.
    pub(super) sees_until: u64,
}

/// All such entries, ascending by LSN.
#[derive(Debug, Default)]
pub(super) struct Forks(Vec<Fork>);

impl Forks {
    /// Takes note of an entry with a higher LSN than all before, and of its immediate predecessors.
    pub(super) fn push(&mut self, lsn: u64, predecessors: &[u64]) {
        let until = |predecessor: &u64| self.sees_until(*predecessor).unwrap_or(*predecessor);
        let sees_until = predecessors.iter().map(until).max().unwrap_or(0);
        let record = |predecessor| Fork { lsn, predecessor, sees_until };
        match predecessors {
            [] => self.0.push(record(0)),
            predecessors => self.0.extend(predecessors.iter().copied().map(record)),
        }
    }

    fn of(&self, lsn: u64) -> &[Fork] {
        let first = self.0.partition_point(|fork| fork.lsn < lsn);
        let found = self.0.get(first..).unwrap_or_default();
        found.get(..found.partition_point(|fork| fork.lsn == lsn)).unwrap_or_default()
    }

    /// The immediate predecessors of an entry; `None` if it had seen all of its row.
    pub(super) fn predecessors(&self, lsn: u64) -> Option<impl Iterator<Item = u64>> {
        let forks = self.of(lsn);
        let known = forks.iter().map(|fork| fork.predecessor).filter(|predecessor| *predecessor > 0);
        (!forks.is_empty()).then_some(known)
    }

    /// The last entry that is known to have been seen with all of the row that came before it; `None` if that is the entry itself.
    pub(super) fn sees_until(&self, lsn: u64) -> Option<u64> {
        self.of(lsn).first().map(|fork| fork.sees_until)
    }

    /// Forgets entries from this LSN on.
    pub(super) fn forget_since(&mut self, lsn: u64) {
        let first = self.0.partition_point(|fork| fork.lsn < lsn);
        self.0.truncate(first);
    }

    /// All that is known, to be kept in a file.
    pub(super) fn records(&self) -> &[Fork] {
        &self.0
    }

    /// What [`Forks::records`] gave.
    pub(super) fn from_records(mut records: Vec<Fork>) -> Forks {
        // Looking something up takes their order for granted.
        records.sort_by_key(|fork| fork.lsn);
        Forks(records)
    }

    /// How much memory it takes, in bytes.
    pub(super) fn memory(&self) -> usize {
        self.0.capacity() * size_of::<Fork>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn predecessors(forks: &Forks, lsn: u64) -> Option<Vec<u64>> {
        forks.predecessors(lsn).map(Iterator::collect)
    }

    #[test]
    fn what_an_entry_had_seen_goes_back_to_the_last_that_had_seen_all() {
        let mut forks = Forks::default();
        // 1, 2, 3 follow each other; 4 and 5 have both seen 2 and not 3, nor each other; 6 joins 4 and 5 without 3; 7 has seen nothing.
        forks.push(4, &[2]);
        forks.push(5, &[2]);
        forks.push(6, &[4, 5]);
        forks.push(7, &[]);
        assert_eq!(predecessors(&forks, 3), None);
        assert_eq!(predecessors(&forks, 5), Some(vec![2]));
        assert_eq!(predecessors(&forks, 6), Some(vec![4, 5]));
        assert_eq!(predecessors(&forks, 7), Some(vec![]));
        let until = [3, 4, 6, 7].map(|lsn| forks.sees_until(lsn));
        assert_eq!(until, [None, Some(2), Some(2), Some(0)]);
        // An entry that had seen all is where one that follows it begins, whatever lies below.
        forks.push(9, &[8]);
        assert_eq!(forks.sees_until(9), Some(8));

        forks.forget_since(6);
        assert_eq!((predecessors(&forks, 6), predecessors(&forks, 5)), (None, Some(vec![2])));
        forks.forget_since(0);
        assert_eq!(forks.sees_until(4), None);
    }
}
