//! Waiting for entries that are still to come.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::error::{Error, ErrorCode, Result};
use crate::log::change_log::{ChangeLog, Inner};
use crate::time::Deadline;

/// How often somebody who waits for a writer in another process looks, at first and at most.
const LEAST_STEP: Duration = Duration::from_micros(100);
const MOST_STEP: Duration = Duration::from_millis(5);

impl ChangeLog {
    /// Waits until the log holds an entry after `lsn`, for at most `timeout`, and returns the LSN of its last one.
    ///
    /// A log opened for reading only waits for the writer, whichever process that is in. Any number of threads may wait.
    /// The timeout is real time, whatever [`LogOptions::time`](crate::LogOptions::time) is.
    ///
    /// ```
    /// use std::time::Duration;
    /// use causelog::{Change, ChangeLog, ErrorCode, LogOptions};
    /// let log = ChangeLog::in_memory(LogOptions::default())?;
    /// log.append(Change::insert("orders", 42, "new"))?;
    /// assert_eq!(log.wait(0, Duration::from_secs(1))?, 1);
    /// let error = log.wait(1, Duration::from_millis(1)).unwrap_err();
    /// assert_eq!(error.code(), ErrorCode::Timeout);
    /// # Ok::<(), causelog::Error>(())
    /// ```
    ///
    /// # Errors
    /// `TIMEOUT` when none came in time, `CLOSED`, also when the log is closed meanwhile. Of a log opened for reading
    /// only also `CORRUPT` or `IO` from reading what the writer has appended.
    pub fn wait(&self, lsn: u64, timeout: Duration) -> Result<u64> {
        let log = &*self.inner;
        let deadline = Deadline::after(timeout);
        let mut step = LEAST_STEP;
        loop {
            log.check_open()?;
            log.refresh()?;
            let mut waiting = log.waiting.lock();
            // Closing wakes those who sleep, and nobody after.
            log.check_open()?;
            // Counted before it looks: who shows something new after the look sees that somebody waits.
            let counted = Counted::new(&log.waiters);
            let last = log.state.read().next_lsn - 1;
            if last > lsn {
                return Ok(last);
            }
            let left = deadline.left();
            if left.is_zero() {
                let message = format!("{}: no entry after {lsn} came within {timeout:?}", log.place);
                return Err(Error::new(ErrorCode::Timeout, message));
            }
            if log.options.read_only {
                log.arrivals.wait_for(&mut waiting, step.min(left));
                step = (step * 2).min(MOST_STEP);
            } else {
                log.arrivals.wait_for(&mut waiting, left);
            }
            drop(counted);
        }
    }
}

/// One of those who wait, counted for as long as it does.
struct Counted<'a>(&'a AtomicU64);

impl<'a> Counted<'a> {
    fn new(waiters: &'a AtomicU64) -> Self {
        waiters.fetch_add(1, Ordering::SeqCst);
        Counted(waiters)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Inner {
    /// Wakes all who wait for new entries.
    pub(super) fn announce(&self) {
        if self.waiters.load(Ordering::SeqCst) > 0 {
            // Whoever is counted and not yet asleep holds this lock.
            drop(self.waiting.lock());
            self.arrivals.notify_all();
        }
    }
}
