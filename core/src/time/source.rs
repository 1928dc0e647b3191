use std::sync::atomic::{AtomicI64, Ordering};

use crate::error::{Error, ErrorCode, Result};
use crate::time::Timestamp;

/// Where the time comes from; injected so that tests and simulations repeat exactly.
///
/// It is called while a log is locked: it must return quickly and must not use the log.
pub trait TimeSource: Send + Sync {
    /// The present moment, as far as this source knows. It may run backwards.
    fn now(&self) -> Timestamp;
}

/// The operating system's wall clock: what every log uses unless told otherwise.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemTime;

impl TimeSource for SystemTime {
    #[allow(clippy::disallowed_methods)] // the one place where the wall clock enters
    fn now(&self) -> Timestamp {
        // A wall clock before 1970 or after 2262 is broken; the epoch keeps order, which is all that is asked of it.
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_nanoseconds(i64::try_from(since.as_nanos()).unwrap_or(0))
    }
}

/// A time that stands still until it is moved: for tests, replays and simulations.
///
/// ```
/// use std::sync::Arc;
/// use causelog::{Change, ChangeLog, LogOptions, ManualTime, Timestamp};
///
/// let time = Arc::new(ManualTime::new(Timestamp::from_nanoseconds(1_000)));
/// let log = ChangeLog::in_memory(LogOptions { time: time.clone(), ..Default::default() })?;
/// assert_eq!(log.append(Change::insert("orders", 1, "{}"))?.timestamp.nanoseconds(), 1_000);
/// time.advance(500)?;
/// assert_eq!(log.append(Change::insert("orders", 2, "{}"))?.timestamp.nanoseconds(), 1_500);
/// # Ok::<(), causelog::Error>(())
/// ```
#[derive(Debug)]
pub struct ManualTime(AtomicI64);

impl ManualTime {
    /// A time that stands at `now`.
    pub const fn new(now: Timestamp) -> Self {
        ManualTime(AtomicI64::new(now.nanoseconds()))
    }

    /// Moves the time to `now`, forwards or backwards.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.nanoseconds(), Ordering::SeqCst);
    }

    /// Moves the time by this many nanoseconds; a negative number moves it back.
    ///
    /// # Errors
    /// `TOO_LARGE` when that leaves the range of [`Timestamp`]; the time stays.
    pub fn advance(&self, nanoseconds: i64) -> Result<()> {
        self.0
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |now| now.checked_add(nanoseconds))
            .map(drop)
            .map_err(|now| {
                let message =
                    format!("moving the time {now} by {nanoseconds} ns leaves the range of a timestamp");
                Error::new(ErrorCode::TooLarge, message)
            })
    }
}

impl TimeSource for ManualTime {
    fn now(&self) -> Timestamp {
        Timestamp::from_nanoseconds(self.0.load(Ordering::SeqCst))
    }
}
