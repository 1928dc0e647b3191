use std::sync::Arc;

use smallvec::SmallVec;

use crate::causality::{NodeIndex, NodeTable};
use crate::clock::VectorClock;

const BITS: u32 = 4;
const WIDTH: usize = 1 << BITS;

/// A vector clock over interned nodes that shares what it has in common with the
/// clocks it came from.
///
/// A radix tree of sixteen-way branches, persistent after Bagwell's array-mapped
/// tries: changing one counter copies the path to it and shares the rest, and a
/// join stops wherever both sides are the same branch. So a thousand clocks of a
/// thousand nodes that differ by a few counters cost those counters.
#[derive(Debug, Clone, Default)]
pub(crate) struct ClockTree {
    root: Option<Arc<Branch>>,
    /// How many levels of branches lie above the leaves.
    height: u32,
}

#[derive(Debug, Clone)]
enum Branch {
    Inner([Option<Arc<Branch>>; WIDTH]),
    /// Sequences of sixteen neighbouring nodes; 0 is a node not seen.
    Leaf([u64; WIDTH]),
}

fn slot(index: NodeIndex, level: u32) -> usize {
    (index >> (level * BITS)) as usize & (WIDTH - 1)
}

impl ClockTree {
    /// The highest sequence seen of the node with this number; 0 if none.
    pub(crate) fn get(&self, index: NodeIndex) -> u64 {
        if index.checked_shr((self.height + 1) * BITS).unwrap_or(0) != 0 {
            return 0;
        }
        let mut branch = self.root.as_deref();
        let mut level = self.height;
        loop {
            match branch {
                None => return 0,
                Some(Branch::Leaf(sequences)) => return sequences.get(slot(index, 0)).copied().unwrap_or(0),
                Some(Branch::Inner(children)) => {
                    branch = children.get(slot(index, level)).and_then(Option::as_deref);
                    level = level.saturating_sub(1);
                }
            }
        }
    }

    /// Whether both are one and the same tree, so that they are equal without a look at their counters.
    pub(crate) fn is_same(&self, other: &ClockTree) -> bool {
        same(self.root.as_ref(), other.root.as_ref())
    }

    /// The same clock with this node's sequence set.
    #[must_use]
    pub(crate) fn with(&self, index: NodeIndex, sequence: u64) -> ClockTree {
        let mut tree = self.clone();
        while index.checked_shr((tree.height + 1) * BITS).unwrap_or(0) != 0 {
            tree = tree.raised();
        }
        tree.root = Some(Branch::with(tree.root.as_ref(), tree.height, index, sequence));
        tree
    }

    /// The same clock with one more level above it.
    fn raised(self) -> ClockTree {
        let root = self.root.map(|root| {
            let mut children: [Option<Arc<Branch>>; WIDTH] = Default::default();
            let [first, ..] = &mut children;
            *first = Some(root);
            Arc::new(Branch::Inner(children))
        });
        ClockTree { root, height: self.height + 1 }
    }

    /// The least clock that is not below either.
    #[must_use]
    pub(crate) fn join(&self, other: &ClockTree) -> ClockTree {
        let (mut left, mut right) = (self.clone(), other.clone());
        while left.height < right.height {
            left = left.raised();
        }
        while right.height < left.height {
            right = right.raised();
        }
        ClockTree { root: Branch::join(left.root.as_ref(), right.root.as_ref()), height: left.height }
    }

    /// Calls `each` with every node whose sequence is another one in `base`, and its sequence here. What both share
    /// is passed over without a look.
    pub(crate) fn for_each_difference(&self, base: &ClockTree, each: &mut impl FnMut(NodeIndex, u64)) {
        let (mut left, mut right) = (self.clone(), base.clone());
        while left.height < right.height {
            left = left.raised();
        }
        while right.height < left.height {
            right = right.raised();
        }
        Branch::for_each_difference(left.root.as_ref(), right.root.as_ref(), left.height, 0, each);
    }

    /// Calls `each` with every node seen and its sequence.
    pub(crate) fn for_each(&self, each: &mut impl FnMut(NodeIndex, u64)) {
        if let Some(root) = &self.root {
            root.for_each(self.height, 0, each);
        }
    }

    /// How many nodes have been seen.
    pub(crate) fn len(&self) -> u64 {
        let mut count = 0;
        self.for_each(&mut |_, _| count += 1);
        count
    }

    /// The same clock with the nodes' own identities.
    pub(crate) fn to_vector_clock(&self, nodes: &NodeTable) -> VectorClock {
        let mut entries = SmallVec::new();
        self.for_each(&mut |index, sequence| entries.extend(nodes.id(index).map(|id| (id, sequence))));
        entries.sort_unstable();
        VectorClock::from_sorted(entries)
    }
}

impl Branch {
    fn with(branch: Option<&Arc<Branch>>, level: u32, index: NodeIndex, sequence: u64) -> Arc<Branch> {
        if level == 0 {
            let mut sequences = match branch.map(Arc::as_ref) {
                Some(Branch::Leaf(sequences)) => *sequences,
                _ => [0; WIDTH],
            };
            if let Some(counter) = sequences.get_mut(slot(index, 0)) {
                *counter = sequence;
            }
            return Arc::new(Branch::Leaf(sequences));
        }
        let mut children = match branch.map(Arc::as_ref) {
            Some(Branch::Inner(children)) => children.clone(),
            _ => Default::default(),
        };
        if let Some(child) = children.get_mut(slot(index, level)) {
            *child = Some(Branch::with(child.as_ref(), level - 1, index, sequence));
        }
        Arc::new(Branch::Inner(children))
    }

    fn for_each_difference(
        left: Option<&Arc<Branch>>,
        right: Option<&Arc<Branch>>,
        level: u32,
        first: NodeIndex,
        each: &mut impl FnMut(NodeIndex, u64),
    ) {
        if same(left, right) {
            return;
        }
        for slot in 0..WIDTH {
            let index = first | (slot as NodeIndex) << (level * BITS);
            if level == 0 {
                let sequence = |branch: Option<&Arc<Branch>>| match branch.map(Arc::as_ref) {
                    Some(Branch::Leaf(sequences)) => sequences.get(slot).copied().unwrap_or(0),
                    _ => 0,
                };
                let mine = sequence(left);
                if mine != sequence(right) {
                    each(index, mine);
                }
            } else {
                fn child(branch: Option<&Arc<Branch>>, slot: usize) -> Option<&Arc<Branch>> {
                    match branch.map(Arc::as_ref) {
                        Some(Branch::Inner(children)) => children.get(slot)?.as_ref(),
                        _ => None,
                    }
                }
                Self::for_each_difference(child(left, slot), child(right, slot), level - 1, index, each);
            }
        }
    }

    fn join(left: Option<&Arc<Branch>>, right: Option<&Arc<Branch>>) -> Option<Arc<Branch>> {
        let (left, right) = match (left, right) {
            (None, None) => return None,
            (Some(one), None) | (None, Some(one)) => return Some(one.clone()),
            (Some(left), Some(right)) => (left, right),
        };
        if Arc::ptr_eq(left, right) {
            return Some(left.clone());
        }
        match (left.as_ref(), right.as_ref()) {
            (Branch::Leaf(a), Branch::Leaf(b)) => {
                let mut joined = *a;
                joined.iter_mut().zip(b).for_each(|(mine, theirs)| *mine = (*mine).max(*theirs));
                // Hand back a side that already is the answer, so that later joins see it is shared.
                Some(if joined == *a {
                    left.clone()
                } else if joined == *b {
                    right.clone()
                } else {
                    Arc::new(Branch::Leaf(joined))
                })
            }
            (Branch::Inner(a), Branch::Inner(b)) => {
                let mut joined: [Option<Arc<Branch>>; WIDTH] = Default::default();
                let (mut all_left, mut all_right) = (true, true);
                for ((to, a), b) in joined.iter_mut().zip(a).zip(b) {
                    *to = Branch::join(a.as_ref(), b.as_ref());
                    all_left &= same(to.as_ref(), a.as_ref());
                    all_right &= same(to.as_ref(), b.as_ref());
                }
                Some(if all_left {
                    left.clone()
                } else if all_right {
                    right.clone()
                } else {
                    Arc::new(Branch::Inner(joined))
                })
            }
            // Both sides were raised to one height, so their levels agree.
            (Branch::Leaf(_), Branch::Inner(_)) => Some(right.clone()),
            (Branch::Inner(_), Branch::Leaf(_)) => Some(left.clone()),
        }
    }

    fn for_each(&self, level: u32, base: NodeIndex, each: &mut impl FnMut(NodeIndex, u64)) {
        match self {
            Branch::Leaf(sequences) => {
                for (offset, &sequence) in sequences.iter().enumerate() {
                    if sequence > 0 {
                        each(base | offset as NodeIndex, sequence);
                    }
                }
            }
            Branch::Inner(children) => {
                for (offset, child) in children.iter().enumerate() {
                    if let Some(child) = child {
                        let base = base | ((offset as NodeIndex) << (level * BITS));
                        child.for_each(level.saturating_sub(1), base, each);
                    }
                }
            }
        }
    }
}

fn same(a: Option<&Arc<Branch>>, b: Option<&Arc<Branch>>) -> bool {
    match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) => Arc::ptr_eq(a, b),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use proptest::prelude::*;

    fn tree(entries: &BTreeMap<u32, u64>) -> ClockTree {
        entries.iter().fold(ClockTree::default(), |tree, (index, sequence)| tree.with(*index, *sequence))
    }

    fn entries(tree: &ClockTree) -> BTreeMap<u32, u64> {
        let mut all = BTreeMap::new();
        tree.for_each(&mut |index, sequence| assert!(all.insert(index, sequence).is_none()));
        all
    }

    fn clock() -> impl Strategy<Value = BTreeMap<u32, u64>> {
        let index = prop_oneof![0u32..20, 0u32..5000, any::<u32>()];
        proptest::collection::btree_map(index, 1u64..9, 0..12)
    }

    proptest! {
        #[test]
        fn it_holds_what_was_put_in(a in clock(), other in any::<u32>()) {
            let tree = tree(&a);
            prop_assert_eq!(&entries(&tree), &a);
            prop_assert_eq!(tree.get(other), a.get(&other).copied().unwrap_or(0));
            for (index, sequence) in &a {
                prop_assert_eq!(tree.get(*index), *sequence);
            }
        }

        #[test]
        fn join_is_the_maximum_of_each_counter(a in clock(), b in clock()) {
            let mut expected = a.clone();
            for (index, sequence) in &b {
                let mine = expected.entry(*index).or_default();
                *mine = (*mine).max(*sequence);
            }
            prop_assert_eq!(entries(&tree(&a).join(&tree(&b))), expected);
        }
    }

    #[test]
    fn a_join_with_ones_own_past_shares_everything() {
        let past = (0..1000).fold(ClockTree::default(), |tree, index| tree.with(index, 1));
        let now = past.with(7, 2);
        let joined = past.join(&now);
        assert!(Arc::ptr_eq(joined.root.as_ref().unwrap(), now.root.as_ref().unwrap()));
    }
}
