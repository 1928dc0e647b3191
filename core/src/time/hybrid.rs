use crate::error::{Error, ErrorCode, Result};
use crate::time::Timestamp;

/// A hybrid logical clock: it follows the wall clock, never goes back, and never
/// falls behind a timestamp that it has seen.
///
/// After Kulkarni et al., *Logical Physical Clocks and Consistent Snapshots in
/// Globally Distributed Databases* (2014), with the logical part folded into the
/// nanoseconds: a local event is stamped `max(now, last + 1)`, and a remote one
/// makes `last = max(last, remote)`.
///
/// ```
/// use causelog::{HybridLogicalClock, Timestamp};
/// let at = Timestamp::from_nanoseconds;
/// let mut clock = HybridLogicalClock::new();
/// assert_eq!(clock.tick(at(100))?, at(100));
/// assert_eq!(clock.tick(at(100))?, at(101)); // two events in one nanosecond
/// assert_eq!(clock.tick(at(50))?, at(102)); // the wall clock ran back
/// clock.observe(at(500));
/// assert_eq!(clock.tick(at(200))?, at(501)); // after what was seen
/// # Ok::<(), causelog::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HybridLogicalClock {
    last: Option<Timestamp>,
}

impl HybridLogicalClock {
    /// A clock that has seen nothing.
    pub const fn new() -> Self {
        HybridLogicalClock { last: None }
    }

    /// The latest timestamp given out or seen.
    pub const fn last(&self) -> Option<Timestamp> {
        self.last
    }

    /// The timestamp of a local event that happens when the wall clock shows `now`.
    ///
    /// # Errors
    /// `TOO_LARGE` when the clock stands at the end of its range.
    pub fn tick(&mut self, now: Timestamp) -> Result<Timestamp> {
        let next = match self.last {
            None => now,
            Some(last) => {
                let after = last.nanoseconds().checked_add(1).ok_or_else(|| {
                    Error::new(ErrorCode::TooLarge, format!("no timestamp is left after {last}"))
                })?;
                now.max(Timestamp::from_nanoseconds(after))
            }
        };
        self.last = Some(next);
        Ok(next)
    }

    /// Takes note of a remote event's timestamp.
    pub fn observe(&mut self, remote: Timestamp) {
        self.last = Some(self.last.map_or(remote, |last| last.max(remote)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_the_end_of_the_range_it_refuses_and_stays() {
        let mut clock = HybridLogicalClock::new();
        clock.observe(Timestamp::MAX);
        assert_eq!(clock.tick(Timestamp::MIN).unwrap_err().code(), ErrorCode::TooLarge);
        assert_eq!(clock.last(), Some(Timestamp::MAX));
    }
}
