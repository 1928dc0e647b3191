use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use smallvec::SmallVec;

use crate::clock::Causality;
use crate::error::{Error, ErrorCode, Result};
use crate::id::{Dot, NodeId};

/// What has been seen: for every node the highest sequence of it.
///
/// A node that is not there has sequence 0, and a 0 is never stored, so two clocks
/// that mean the same are equal. Nodes are kept in ascending order, which is also
/// the order of iteration and of both encoded forms.
///
/// After Fidge (1988) and Mattern (1989); as a log uses it, a *version* vector:
/// receiving joins clocks and counts nothing.
///
/// ```
/// use causelog::{Causality, Uuid, VectorClock};
/// let (a, b) = (Uuid::from_u128(1), Uuid::from_u128(2));
///
/// let mut first = VectorClock::new();
/// first.increment(a)?;
/// let mut second = first.clone(); // b has seen a's event …
/// second.increment(b)?; // … and made its own
///
/// assert!(first.happens_before(&second));
/// assert!(!first.conflicts_with(&second));
/// first.increment(a)?; // a goes on without having seen it
/// assert_eq!(first.compare(&second), Causality::Concurrent);
/// # Ok::<(), causelog::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct VectorClock {
    /// Ascending by node, no zero: four nodes fit without an allocation.
    entries: SmallVec<[(NodeId, u64); 4]>,
}

/// So many nodes are rather looked through than searched.
const FEW: usize = 8;

impl VectorClock {
    /// The clock of someone who has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// A clock of these nodes and sequences, in any order. Zeros are dropped; of
    /// a node named twice the higher sequence counts.
    pub fn from_entries(entries: impl IntoIterator<Item = (NodeId, u64)>) -> Self {
        let mut entries: SmallVec<[(NodeId, u64); 4]> =
            entries.into_iter().filter(|(_, sequence)| *sequence > 0).collect();
        entries.sort_unstable();
        // Sorted ascending, the higher of two sequences of one node comes second.
        entries.dedup_by(|later, kept| {
            later.0 == kept.0 && {
                kept.1 = later.1;
                true
            }
        });
        VectorClock { entries }
    }

    /// Takes entries that are already ascending and free of zeros.
    pub(crate) fn from_sorted(entries: SmallVec<[(NodeId, u64); 4]>) -> Self {
        debug_assert!(entries.windows(2).all(|pair| matches!(pair, [a, b] if a.0 < b.0)));
        debug_assert!(entries.iter().all(|(_, sequence)| *sequence > 0));
        VectorClock { entries }
    }

    fn position(&self, node: &NodeId) -> Result<usize, usize> {
        self.entries.binary_search_by(|(other, _)| other.cmp(node))
    }

    /// The highest sequence of `node` that has been seen; 0 if none.
    pub fn get(&self, node: NodeId) -> u64 {
        if self.entries.len() > FEW {
            return self.position(&node).ok().and_then(|at| self.entries.get(at)).map_or(0, |entry| entry.1);
        }
        // Comparing for equality is so much cheaper than for order that few nodes are quicker looked through.
        self.entries.iter().find(|(other, _)| *other == node).map_or(0, |entry| entry.1)
    }

    /// Whether the change with this dot has been seen: one look-up.
    ///
    /// Of any two entries `a` and `b`, `a` happened before `b` exactly when they are
    /// not the same and `b.vector_clock.covers(a.dot())`.
    pub fn covers(&self, dot: Dot) -> bool {
        self.get(dot.node) >= dot.sequence
    }

    /// Counts one more event of `node` and returns its sequence.
    ///
    /// # Errors
    /// `TOO_LARGE` when the counter is at its end; the clock stays as it is.
    pub fn increment(&mut self, node: NodeId) -> Result<u64> {
        let next = self.get(node).checked_add(1).ok_or_else(|| {
            Error::new(ErrorCode::TooLarge, format!("sequence of node {node} would overflow at {}", u64::MAX))
        })?;
        self.advance(node, next);
        Ok(next)
    }

    /// Takes note that `node`'s changes up to `sequence` have been seen. A lower sequence changes nothing.
    pub fn advance(&mut self, node: NodeId, sequence: u64) {
        match self.position(&node) {
            Ok(at) => {
                if let Some(entry) = self.entries.get_mut(at) {
                    entry.1 = entry.1.max(sequence);
                }
            }
            Err(at) if sequence > 0 => self.entries.insert(at, (node, sequence)),
            Err(_) => {}
        }
    }

    /// Takes in all that `other` has seen: the least clock that is not below either.
    pub fn merge(&mut self, other: &VectorClock) {
        if self.same_nodes(other) {
            for (mine, theirs) in self.entries.iter_mut().zip(&other.entries) {
                mine.1 = mine.1.max(theirs.1);
            }
            return;
        }
        let mut merged = SmallVec::with_capacity(self.entries.len().max(other.entries.len()));
        let (mut left, mut right) = (self.entries.iter().peekable(), other.entries.iter().peekable());
        loop {
            let entry = match (left.peek(), right.peek()) {
                (None, None) => break,
                (Some(_), None) => left.next(),
                (None, Some(_)) => right.next(),
                (Some(a), Some(b)) => match a.0.cmp(&b.0) {
                    Ordering::Less => left.next(),
                    Ordering::Greater => right.next(),
                    Ordering::Equal if a.1 >= b.1 => {
                        right.next();
                        left.next()
                    }
                    Ordering::Equal => {
                        left.next();
                        right.next()
                    }
                },
            };
            merged.extend(entry.copied());
        }
        self.entries = merged;
    }

    /// The same clock with the sequence of `node` set, forwards or backwards; it must not be 0.
    #[must_use]
    pub(crate) fn with_sequence(&self, node: NodeId, sequence: u64) -> VectorClock {
        let mut clock = self.clone();
        match clock.position(&node) {
            Ok(at) => clock.entries.iter_mut().skip(at).take(1).for_each(|entry| entry.1 = sequence),
            Err(at) => clock.entries.insert(at, (node, sequence)),
        }
        clock
    }

    fn same_nodes(&self, other: &VectorClock) -> bool {
        self.entries.len() == other.entries.len()
            && self.entries.iter().zip(&other.entries).all(|(a, b)| a.0 == b.0)
    }

    /// How this clock stands to `other`.
    pub fn compare(&self, other: &VectorClock) -> Causality {
        let (mut ahead, mut behind) = (false, false);
        // As long as both know the same nodes, which is mostly, there is nothing to look for.
        let same = self.entries.iter().zip(&other.entries).take_while(|(a, b)| a.0 == b.0);
        let mut shared = 0;
        for (a, b) in same {
            ahead |= a.1 > b.1;
            behind |= a.1 < b.1;
            shared += 1;
        }
        // One pass over the rest of both ascending arrays, ended as soon as both sides are
        // known to hold something that the other lacks.
        let mut left = self.entries.get(shared..).unwrap_or_default();
        let mut right = other.entries.get(shared..).unwrap_or_default();
        while let (Some((a, left_rest)), Some((b, right_rest))) = (left.split_first(), right.split_first()) {
            match a.0.cmp(&b.0) {
                Ordering::Equal => {
                    ahead |= a.1 > b.1;
                    behind |= a.1 < b.1;
                    (left, right) = (left_rest, right_rest);
                }
                Ordering::Less => {
                    ahead = true;
                    left = left_rest;
                }
                Ordering::Greater => {
                    behind = true;
                    right = right_rest;
                }
            }
            if ahead && behind {
                return Causality::Concurrent;
            }
        }
        ahead |= !left.is_empty();
        behind |= !right.is_empty();
        match (ahead, behind) {
            (false, false) => Causality::Equal,
            (false, true) => Causality::Before,
            (true, false) => Causality::After,
            (true, true) => Causality::Concurrent,
        }
    }

    /// Whether all that this clock has seen, and less than all, is in `other`.
    pub fn happens_before(&self, other: &VectorClock) -> bool {
        self.compare(other) == Causality::Before
    }

    /// Whether each of the two has seen something that the other has not. Equal clocks do not conflict.
    pub fn conflicts_with(&self, other: &VectorClock) -> bool {
        self.compare(other) == Causality::Concurrent
    }

    /// How many nodes have been seen.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing has been seen.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Every node and its sequence, ascending by node.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (NodeId, u64)> + '_ {
        self.entries.iter().copied()
    }
}

impl FromIterator<(NodeId, u64)> for VectorClock {
    fn from_iter<I: IntoIterator<Item = (NodeId, u64)>>(entries: I) -> Self {
        VectorClock::from_entries(entries)
    }
}

/// `{node: sequence, …}`, ascending by node.
impl fmt::Display for VectorClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (index, (node, sequence)) in self.iter().enumerate() {
            let separator = if index > 0 { ", " } else { "" };
            write!(f, "{separator}{node}: {sequence}")?;
        }
        f.write_str("}")
    }
}

impl fmt::Debug for VectorClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VectorClock{self}")
    }
}

/// In JSON a clock is an object of sequences by node, in ascending order.
impl Serialize for VectorClock {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.len()))?;
        self.iter().try_for_each(|(node, sequence)| map.serialize_entry(&node, &sequence))?;
        map.end()
    }
}

impl<'de> Deserialize<'de> for VectorClock {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Entries)
    }
}

/// Reads the entries of an object one by one, so that a node named twice is seen.
struct Entries;

impl<'de> Visitor<'de> for Entries {
    type Value = VectorClock;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of sequences by node")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<VectorClock, A::Error> {
        let mut entries = BTreeMap::new();
        while let Some((node, sequence)) = map.next_entry::<NodeId, u64>()? {
            if entries.insert(node, sequence).is_some() {
                return Err(A::Error::custom(format!("node {node} is there twice")));
            }
        }
        Ok(VectorClock::from_entries(entries))
    }
}
