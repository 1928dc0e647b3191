use std::time::{Duration, Instant};

/// How long somebody who waits has left.
///
/// It counts real time by a clock that nobody sets: a wait takes that long whatever a
/// [`TimeSource`](crate::time::TimeSource) says, which may stand still or jump.
pub(crate) struct Deadline(Option<Instant>);

impl Deadline {
    /// So long from now; never, if that is further than time goes.
    #[allow(clippy::disallowed_methods)] // nothing but when a wait ends depends on it
    pub(crate) fn after(timeout: Duration) -> Self {
        Deadline(Instant::now().checked_add(timeout))
    }

    /// What is left of it; nothing once it has passed.
    #[allow(clippy::disallowed_methods)]
    pub(crate) fn left(&self) -> Duration {
        self.0.map_or(Duration::MAX, |end| end.saturating_duration_since(Instant::now()))
    }
}
