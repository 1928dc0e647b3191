use crate::causality::{ClockTree, NodeIndex, NodeTable};
use crate::clock::VectorClock;

/// The clock of a transaction: what its author had seen, with the author's own
/// component apart.
///
/// So the clocks of a node that writes alone share one tree, and each of them costs
/// nothing but its sequence.
#[derive(Debug, Clone, Default)]
pub(crate) struct Clock {
    past: ClockTree,
    author: NodeIndex,
    /// 0 for the clock of somebody who has written nothing.
    sequence: u64,
}

impl Clock {
    /// What somebody has seen who has seen `past`, and of `author` up to `sequence`.
    pub(crate) fn new(past: ClockTree, author: NodeIndex, sequence: u64) -> Self {
        // What was seen besides must not hold the author's latest as well.
        let past = if past.get(author) >= sequence { past.with(author, 0) } else { past };
        Clock { past, author, sequence }
    }

    /// The highest sequence seen of the node with this number; 0 if none.
    pub(crate) fn get(&self, node: NodeIndex) -> u64 {
        if node == self.author && self.sequence > 0 { self.sequence } else { self.past.get(node) }
    }

    /// The clock of the same node, or another, that has seen all of this and goes on with `sequence`.
    #[must_use]
    pub(crate) fn followed_by(&self, author: NodeIndex, sequence: u64) -> Clock {
        let past = if self.author == author { self.past.clone() } else { self.tree() };
        Clock { past, author, sequence }
    }

    /// The same without keeping this one.
    #[must_use]
    pub(crate) fn goes_on(self, author: NodeIndex, sequence: u64) -> Clock {
        if self.author == author { Clock { sequence, ..self } } else { self.followed_by(author, sequence) }
    }

    /// What was seen besides the author's own latest: of the author itself something earlier, if anything.
    pub(crate) fn past(&self) -> &ClockTree {
        &self.past
    }

    /// All of it in one tree.
    pub(crate) fn tree(&self) -> ClockTree {
        if self.sequence == 0 { self.past.clone() } else { self.past.with(self.author, self.sequence) }
    }

    /// Whether both differ in nothing but the sequence of one and the same author.
    pub(crate) fn shares_past(&self, other: &Clock) -> bool {
        self.author == other.author && self.past.is_same(&other.past)
    }

    /// The same clock with the nodes' own identities.
    pub(crate) fn to_vector_clock(&self, nodes: &NodeTable) -> VectorClock {
        let clock = self.past.to_vector_clock(nodes);
        match nodes.id(self.author) {
            Some(id) if self.sequence > 0 => clock.with_sequence(id, self.sequence),
            _ => clock,
        }
    }
}

impl From<ClockTree> for Clock {
    fn from(past: ClockTree) -> Self {
        Clock { past, author: 0, sequence: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_that_writes_alone_shares_its_past() {
        let start = Clock::from(ClockTree::default().with(1, 7));
        let first = start.followed_by(0, 1);
        let second = first.followed_by(0, 2);
        assert!(first.shares_past(&second));
        assert_eq!((second.get(0), second.get(1), second.get(2)), (2, 7, 0));
        let all = Clock::from(second.tree());
        assert_eq!((all.get(0), all.get(1), all.followed_by(2, 1).get(0)), (2, 7, 2));
        let again = Clock::new(all.tree(), 0, 2);
        assert_eq!((again.get(0), again.past().get(0)), (2, 0));
        let other = second.followed_by(1, 8);
        assert_eq!((other.get(0), other.get(1)), (2, 8));
        assert_eq!((other.tree().get(0), other.tree().get(1)), (2, 8));
    }
}
