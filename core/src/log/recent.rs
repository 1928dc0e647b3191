use std::collections::VecDeque;

use hashbrown::HashMap;

use crate::causality::{Clock, NodeIndex};

/// How many clocks are kept.
const CAPACITY: usize = 4096;

/// The clocks of the last transactions: most of what is written or read depends on them.
#[derive(Debug, Default)]
pub(super) struct Recent {
    clocks: VecDeque<Kept>,
    /// How many were taken in before the first one kept.
    dropped: u64,
    /// The last of each author's, counted as [`Recent::dropped`] counts.
    last: HashMap<NodeIndex, u64>,
}

#[derive(Debug)]
struct Kept {
    author: NodeIndex,
    sequence: u64,
    clock: Clock,
    /// The one of the same author before it.
    previous: Option<u64>,
}

impl Recent {
    pub(super) fn push(&mut self, author: NodeIndex, sequence: u64, clock: Clock) {
        if self.clocks.len() == CAPACITY
            && let Some(oldest) = self.clocks.pop_front()
        {
            if self.last.get(&oldest.author) == Some(&self.dropped) {
                self.last.remove(&oldest.author);
            }
            self.dropped += 1;
        }
        let number = self.dropped + self.clocks.len() as u64;
        let previous = self.last.insert(author, number);
        self.clocks.push_back(Kept { author, sequence, clock, previous });
    }

    /// The clock of the transaction of `author` whose last sequence this is.
    pub(super) fn get(&self, author: NodeIndex, sequence: u64) -> Option<&Clock> {
        let mut number = *self.last.get(&author)?;
        loop {
            let kept = self.clocks.get(usize::try_from(number.checked_sub(self.dropped)?).ok()?)?;
            if kept.sequence <= sequence {
                return (kept.sequence == sequence).then_some(&kept.clock);
            }
            number = kept.previous?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_ones_are_found_and_no_others() {
        let mut recent = Recent::default();
        let author = |number: u64| (number % 3) as NodeIndex;
        let count = CAPACITY as u64 + 100;
        for number in 1..=count {
            recent.push(author(number), 2 * number, Clock::default().followed_by(author(number), 2 * number));
        }
        for number in 1..=count {
            let found = recent.get(author(number), 2 * number);
            assert_eq!(found.is_some(), number > 100, "{number}");
            assert!(found.is_none_or(|clock| clock.get(author(number)) == 2 * number));
            assert!(recent.get(author(number), 2 * number - 1).is_none());
            assert!(recent.get(author(number + 1), 2 * number).is_none());
        }
        assert_eq!(recent.last.len(), 3);
    }
}
