use std::collections::VecDeque;

use crate::causality::{Clock, NodeIndex};

/// How many clocks are kept.
const CAPACITY: usize = 16_384;

/// The clocks of the last transactions: most of what is written or read depends on them.
#[derive(Debug, Default)]
pub(super) struct Recent {
    clocks: VecDeque<Kept>,
    /// How many were taken in before the first one kept.
    dropped: u64,
    /// Those of each author, counted as [`Recent::dropped`] counts; ascending, as their sequences are.
    by_author: Vec<VecDeque<u64>>,
}

#[derive(Debug)]
struct Kept {
    author: NodeIndex,
    sequence: u64,
    clock: Clock,
}

impl Recent {
    pub(super) fn push(&mut self, author: NodeIndex, sequence: u64, clock: Clock) {
        if self.clocks.len() == CAPACITY
            && let Some(oldest) = self.clocks.pop_front()
        {
            if let Some(numbers) = self.by_author.get_mut(oldest.author as usize) {
                numbers.pop_front();
                if numbers.is_empty() {
                    // Of thousands of nodes that are gone nothing else is kept.
                    *numbers = VecDeque::new();
                }
            }
            self.dropped += 1;
        }
        let number = self.dropped + self.clocks.len() as u64;
        if self.by_author.len() <= author as usize {
            self.by_author.resize_with(author as usize + 1, VecDeque::new);
        }
        if let Some(numbers) = self.by_author.get_mut(author as usize) {
            numbers.push_back(number);
        }
        self.clocks.push_back(Kept { author, sequence, clock });
    }

    /// The clock of the transaction of `author` whose last sequence this is.
    pub(super) fn get(&self, author: NodeIndex, sequence: u64) -> Option<&Clock> {
        let numbers = self.by_author.get(author as usize)?;
        let kept = |number: &u64| self.clocks.get(number.checked_sub(self.dropped)? as usize);
        let at = numbers.partition_point(|number| kept(number).is_some_and(|kept| kept.sequence < sequence));
        let found = numbers.get(at).and_then(kept)?;
        (found.sequence == sequence).then_some(&found.clock)
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
        assert_eq!(recent.by_author.len(), 3);
    }
}
