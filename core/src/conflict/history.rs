//! The entries of one row and how they stand to each other, as small numbers.

use smallvec::{SmallVec, smallvec};

use crate::change::ChangeOperation;
use crate::id::{Dot, NodeId};
use crate::time::Timestamp;

/// A causally closed set of a row's entries: how many of each author's it holds.
///
/// An author's entries of one row are a chain, so every closed set is made of the first few of each author. Joins
/// and meets of pasts are then maxima and minima, author by author. No zeros at the end, so that equal sets are equal.
pub(crate) type Cut = SmallVec<[u32; 4]>;

/// An entry's place in a [`RowHistory`].
pub(crate) type VersionIndex = u32;

/// Entries in canonical order: ascending by K.
pub(crate) type Heads = SmallVec<[VersionIndex; 2]>;

/// One entry of the row.
#[derive(Debug, Clone)]
pub(crate) struct Version {
    pub(crate) dot: Dot,
    /// Where its payload is found again: an LSN, or any number that ascends with the order of arrival.
    pub(crate) position: u64,
    pub(crate) timestamp: Timestamp,
    pub(crate) operation: ChangeOperation,
    /// What its author had seen of the row, the entry itself not among it.
    pub(crate) past: Cut,
    /// The larger of its own timestamp and 1 more than the highest of its immediate predecessors: E. So
    /// what succeeds something always counts as later, whatever the wall clocks said.
    pub(crate) effective_time: i128,
    author: u32,
    /// Which of its author's entries of the row it is, from 1.
    ordinal: u32,
}

impl Version {
    /// K without the payload hash: E, then the node. Two entries of one node never get as far as their payloads, for
    /// one succeeds the other and so is later.
    pub(crate) fn order(&self) -> (i128, NodeId, u64) {
        (self.effective_time, self.dot.node, self.dot.sequence)
    }

    pub(crate) fn is_live(&self) -> bool {
        self.operation != ChangeOperation::Delete
    }
}

/// The entries of one row, in an order in which each comes after all that its author had seen.
#[derive(Debug, Clone, Default)]
pub(crate) struct RowHistory {
    authors: SmallVec<[Author; 4]>,
    versions: Vec<Version>,
    /// Entries that every other one of the row comes before or after, ascending.
    chokes: Vec<VersionIndex>,
    /// Whether entries lie below the first one: every one that is here has seen them all, and it.
    is_part: bool,
    /// Memory of pasts that are too long to lie within their entries, in bytes.
    spilled: usize,
}

#[derive(Debug, Clone)]
struct Author {
    node: NodeId,
    versions: SmallVec<[VersionIndex; 4]>,
}

impl RowHistory {
    /// What the author of the next entry had seen; `seen` says the highest sequence of a node.
    pub(crate) fn past_of(&self, dot: Dot, seen: impl Fn(NodeId) -> u64) -> Cut {
        let mut past = Cut::new();
        for author in &self.authors {
            // Of its own author's entries, those before it: its clock holds its own sequence.
            let known =
                if author.node == dot.node { dot.sequence.saturating_sub(1) } else { seen(author.node) };
            let count = author.versions.partition_point(|version| {
                self.versions.get(*version as usize).is_some_and(|version| version.dot.sequence <= known)
            });
            past.push(count as u32);
        }
        trim(&mut past);
        past
    }

    /// Takes in the next entry, whose author had seen `past`.
    /// `least_effective_time` is its E where entries before it are not here that it followed from.
    pub(crate) fn push(
        &mut self,
        dot: Dot,
        position: u64,
        timestamp: Timestamp,
        operation: ChangeOperation,
        least_effective_time: Option<i128>,
        past: Cut,
    ) -> VersionIndex {
        let index = self.versions.len() as VersionIndex;
        let own = Timestamp::nanoseconds(timestamp).into();
        let latest = self
            .maximal(&past)
            .iter()
            .filter_map(|head| self.get(*head))
            .map(|head| head.effective_time)
            .max();
        let effective_time = [latest.map(|latest| latest + 1), least_effective_time, Some(own)];
        let effective_time = effective_time.into_iter().flatten().max().unwrap_or(own);

        let covers = |index: VersionIndex| {
            let version = self.get(index);
            version.is_some_and(|version| count(&past, version.author) >= version.ordinal)
        };
        // An entry that this one has not seen is comparable with it no longer; the later ones go first.
        let kept = self.chokes.iter().rposition(|choke| covers(*choke)).map_or(0, |last| last + 1);
        let sees_all = past.iter().map(|count| *count as usize).sum::<usize>() == self.versions.len();
        self.chokes.truncate(kept);
        if sees_all {
            self.chokes.push(index);
        }
        let author = match self.authors.iter().position(|author| author.node == dot.node) {
            Some(author) => author,
            None => {
                self.authors.push(Author { node: dot.node, versions: SmallVec::new() });
                self.authors.len() - 1
            }
        };
        let versions = self.authors.get_mut(author).map(|author| &mut author.versions);
        let ordinal = versions.map_or(0, |versions| {
            versions.push(index);
            versions.len() as u32
        });
        let author = author as u32;
        self.spilled += if past.spilled() { past.capacity() * size_of::<u32>() } else { 0 };
        self.versions.push(Version {
            dot,
            position,
            timestamp,
            operation,
            past,
            effective_time,
            author,
            ordinal,
        });
        index
    }

    /// Entries that have not seen each other, in canonical order, of which nothing else is known.
    pub(crate) fn unrelated(
        entries: impl IntoIterator<Item = (Dot, Timestamp, ChangeOperation)>,
    ) -> RowHistory {
        let entries = entries.into_iter();
        let mut history = RowHistory::default();
        history.versions.reserve_exact(entries.size_hint().0);
        for (position, (dot, timestamp, operation)) in (0..).zip(entries) {
            // Each has an author to itself: only forged entries of one node have not seen each other.
            history.authors.push(Author { node: dot.node, versions: smallvec![position] });
            let (past, effective_time) = (Cut::new(), timestamp.nanoseconds().into());
            let (author, ordinal, position) = (position, 1, position.into());
            let version =
                Version { dot, position, timestamp, operation, past, effective_time, author, ordinal };
            history.versions.push(version);
        }
        history
    }

    pub(crate) fn get(&self, index: VersionIndex) -> Option<&Version> {
        self.versions.get(index as usize)
    }

    /// All entries, in the order of their arrival.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (VersionIndex, &Version)> {
        (0..).zip(&self.versions)
    }

    /// An empty history whose first entry will be one that all others of the row come before or after.
    pub(crate) fn part() -> RowHistory {
        RowHistory { is_part: true, ..RowHistory::default() }
    }

    /// Whether it begins with the row's first entry.
    pub(crate) fn is_whole(&self) -> bool {
        !self.is_part
    }

    /// Whether what an author had seen of the row can be told from it; `sees` says whether he had seen an entry.
    pub(crate) fn reaches(&self, sees: impl Fn(Dot) -> bool) -> bool {
        self.is_whole() || self.versions.first().is_some_and(|first| sees(first.dot))
    }

    /// The entry at this position.
    pub(crate) fn at(&self, position: u64) -> Option<VersionIndex> {
        let at = self.versions.binary_search_by_key(&position, |version| version.position).ok()?;
        Some(at as VersionIndex)
    }

    /// The entry with this dot.
    pub(crate) fn find(&self, dot: Dot) -> Option<VersionIndex> {
        let author = self.authors.iter().find(|author| author.node == dot.node)?;
        let sequence = |index: &VersionIndex| self.get(*index).map_or(0, |version| version.dot.sequence);
        let at = author.versions.binary_search_by_key(&dot.sequence, sequence).ok()?;
        author.versions.get(at).copied()
    }

    /// Everything.
    pub(crate) fn all(&self) -> Cut {
        self.authors.iter().map(|author| author.versions.len() as u32).collect()
    }

    /// What had arrived when the log ended at `position`.
    pub(crate) fn up_to(&self, position: u64) -> Cut {
        let before =
            |index: &VersionIndex| self.get(*index).is_some_and(|version| version.position <= position);
        let mut cut: Cut =
            self.authors.iter().map(|author| author.versions.partition_point(before) as u32).collect();
        trim(&mut cut);
        cut
    }

    /// The entry and all that its author had seen of the row.
    pub(crate) fn with_past(&self, index: VersionIndex) -> Cut {
        let Some(version) = self.get(index) else { return Cut::new() };
        let mut cut = version.past.clone();
        let author = version.author as usize;
        if cut.len() <= author {
            cut.resize(author + 1, 0);
        }
        if let Some(count) = cut.get_mut(author) {
            *count = version.ordinal;
        }
        cut
    }

    /// Whether `later` has seen `earlier`, another entry.
    pub(crate) fn sees(&self, later: VersionIndex, earlier: VersionIndex) -> bool {
        let (Some(later), Some(earlier)) = (self.get(later), self.get(earlier)) else { return false };
        count(&later.past, earlier.author) >= earlier.ordinal
    }

    pub(crate) fn contains(&self, cut: &Cut, index: VersionIndex) -> bool {
        self.get(index).is_some_and(|version| count(cut, version.author) >= version.ordinal)
    }

    /// The entries of a closed set that no other one of it has seen, in canonical order.
    pub(crate) fn maximal(&self, cut: &Cut) -> Heads {
        let last = |(author, count): (&Author, &u32)| {
            author.versions.get((*count as usize).checked_sub(1)?).copied()
        };
        let lasts: Heads = self.authors.iter().zip(cut).filter_map(last).collect();
        let seen_by_another = |index: &VersionIndex| lasts.iter().any(|other| self.sees(*other, *index));
        let mut heads: Heads = lasts.iter().copied().filter(|index| !seen_by_another(index)).collect();
        self.sort(&mut heads);
        heads
    }

    /// Puts entries into canonical order.
    pub(crate) fn sort(&self, heads: &mut [VersionIndex]) {
        heads.sort_unstable_by_key(|index| self.get(*index).map(Version::order));
    }

    /// What all of these entries' authors had seen in common, or wrote.
    pub(crate) fn common_past(&self, heads: &[VersionIndex]) -> Cut {
        let mut cuts = heads.iter().map(|head| self.with_past(*head));
        let Some(mut common) = cuts.next() else { return Cut::new() };
        for cut in cuts {
            common.truncate(cut.len());
            common.iter_mut().zip(&cut).for_each(|(mine, theirs)| *mine = (*mine).min(*theirs));
        }
        trim(&mut common);
        common
    }

    /// These entries and all that their authors had seen.
    pub(crate) fn joined(&self, entries: &[VersionIndex]) -> Cut {
        join(entries.iter().map(|index| self.with_past(*index)))
    }

    /// All that the authors of these entries had seen before them.
    pub(crate) fn joined_past(&self, entries: impl IntoIterator<Item = VersionIndex>) -> Cut {
        join(entries.into_iter().filter_map(|index| self.get(index)).map(|version| &version.past))
    }

    /// Whether every other entry of the row comes before or after this one.
    pub(crate) fn is_choke(&self, index: VersionIndex) -> bool {
        self.chokes.binary_search(&index).is_ok()
    }

    /// The entry lowest in canonical order that only one of two closed sets holds; whether it is the first that does.
    pub(crate) fn lowest_difference(&self, a: &Cut, b: &Cut) -> Option<(VersionIndex, bool)> {
        let mut lowest: Option<(VersionIndex, bool)> = None;
        for (number, author) in (0..).zip(&self.authors) {
            let (mine, theirs) = (count(a, number), count(b, number));
            // An author's entries ascend, so the first of the difference is its lowest.
            let first = author.versions.get(mine.min(theirs) as usize).filter(|_| mine != theirs);
            let Some(&first) = first else { continue };
            let order = |index| self.get(index).map(Version::order);
            if lowest.is_none_or(|(known, _)| order(first) < order(known)) {
                lowest = Some((first, mine > theirs));
            }
        }
        lowest
    }

    /// How much memory it takes, roughly, in bytes.
    pub(crate) fn memory(&self) -> usize {
        self.versions.capacity() * (size_of::<Version>() + size_of::<VersionIndex>())
            + self.spilled
            + self.authors.len() * size_of::<Author>()
            + self.chokes.capacity() * size_of::<VersionIndex>()
    }
}

fn count(cut: &Cut, author: u32) -> u32 {
    cut.get(author as usize).copied().unwrap_or(0)
}

/// The least closed set that holds all of these.
fn join(cuts: impl IntoIterator<Item = impl AsRef<[u32]>>) -> Cut {
    let mut joined = Cut::new();
    for cut in cuts {
        let cut = cut.as_ref();
        if joined.len() < cut.len() {
            joined.resize(cut.len(), 0);
        }
        joined.iter_mut().zip(cut).for_each(|(all, count)| *all = (*all).max(*count));
    }
    joined
}

fn trim(cut: &mut Cut) {
    while cut.last() == Some(&0) {
        cut.pop();
    }
}
