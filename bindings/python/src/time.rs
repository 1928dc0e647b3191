use std::sync::Arc;

use causelog::{HybridLogicalClock as CoreClock, ManualTime as CoreTime, TimeSource, Timestamp};
use parking_lot::Mutex;
use pyo3::prelude::*;

use crate::boundary::quick;
use crate::convert::moment::{Moment, Step};
use crate::convert::text::Text;

/// Read an RFC 3339 time, with any offset and up to nine digits of a second.
///
/// Returns:
///     Nanoseconds since the Unix epoch.
///
/// Raises:
///     InvalidArgumentError: if it is no such time, or outside the years 1677 to 2262.
///
/// >>> import causelog
/// >>> causelog.parse_timestamp("2010-07-22T16:49:28.000000001Z")
/// 1279817368000000001
#[pyfunction]
pub(crate) fn parse_timestamp(py: Python<'_>, text: Text) -> PyResult<i64> {
    quick(py, || Ok(text.0.parse::<Timestamp>()?.nanoseconds()))
}

/// Write a moment as RFC 3339 in UTC, with as many digits of a second as it takes (none, 3, 6 or 9).
///
/// Args:
///     moment: nanoseconds since the Unix epoch, or an aware datetime.
///
/// >>> import causelog
/// >>> causelog.format_timestamp(1279817368000000001)
/// '2010-07-22T16:49:28.000000001Z'
#[pyfunction]
pub(crate) fn format_timestamp(py: Python<'_>, moment: Moment) -> PyResult<String> {
    quick(py, || Ok(moment.0.to_string()))
}

/// A time that stands still until it is moved: for tests, replays and simulations.
///
/// Pass it as ``time=`` to a log or a detector.
///
/// Args:
///     now: where it stands, as an aware datetime or nanoseconds since the Unix epoch.
///
/// >>> import causelog
/// >>> time = causelog.ManualTime(1_000)
/// >>> log = causelog.ChangeLog.in_memory(time=time)
/// >>> time.advance(500)
/// >>> log.append(causelog.Change.insert("orders", 1, {})).timestamp_ns
/// 1500
#[pyclass(module = "causelog", frozen)]
pub(crate) struct ManualTime {
    core: Arc<CoreTime>,
}

impl ManualTime {
    /// The time as the core takes it; moving one moves the other.
    pub(crate) fn source(&self) -> Arc<dyn TimeSource> {
        self.core.clone()
    }
}

#[pymethods]
impl ManualTime {
    #[new]
    fn py_new(now: Moment) -> Self {
        ManualTime { core: Arc::new(CoreTime::new(now.0)) }
    }

    /// Where the time stands, in nanoseconds since the Unix epoch.
    fn now(&self) -> i64 {
        self.core.now().nanoseconds()
    }

    /// Move the time to ``now``, forwards or backwards.
    fn set(&self, now: Moment) {
        self.core.set(now.0);
    }

    /// Move the time by a timedelta or by this many nanoseconds; a negative step moves it back.
    ///
    /// Raises:
    ///     TooLargeError: when that leaves the years 1677 to 2262; the time stays.
    fn advance(&self, py: Python<'_>, step: Step) -> PyResult<()> {
        quick(py, || self.core.advance(step.0))
    }

    fn __repr__(&self) -> String {
        format!("ManualTime({})", self.now())
    }
}

/// A hybrid logical clock: it follows the wall clock, never goes back, and never falls
/// behind a timestamp that it has seen.
///
/// Every log has one of its own; this one is for programs that stamp events themselves.
///
/// >>> import causelog
/// >>> clock = causelog.HybridLogicalClock()
/// >>> clock.tick(100)
/// 100
/// >>> clock.tick(50)       # the wall clock ran back
/// 101
/// >>> clock.observe(500)
/// >>> clock.tick(200)      # after what was seen
/// 501
#[pyclass(module = "causelog", frozen)]
pub(crate) struct HybridLogicalClock {
    core: Mutex<CoreClock>,
}

#[pymethods]
impl HybridLogicalClock {
    #[new]
    fn py_new() -> Self {
        HybridLogicalClock { core: Mutex::new(CoreClock::new()) }
    }

    /// The latest timestamp given out or seen, in nanoseconds since the Unix epoch; None if there is none.
    #[getter]
    fn last(&self) -> Option<i64> {
        self.core.lock().last().map(Timestamp::nanoseconds)
    }

    /// The timestamp of a local event that happens when the wall clock shows ``now``.
    ///
    /// Returns:
    ///     Nanoseconds since the Unix epoch.
    ///
    /// Raises:
    ///     TooLargeError: when the clock stands at the end of its range.
    fn tick(&self, py: Python<'_>, now: Moment) -> PyResult<i64> {
        quick(py, || Ok(self.core.lock().tick(now.0)?.nanoseconds()))
    }

    /// Take note of a remote event's timestamp.
    fn observe(&self, py: Python<'_>, remote: Moment) -> PyResult<()> {
        quick(py, || {
            self.core.lock().observe(remote.0);
            Ok(())
        })
    }

    fn __repr__(&self) -> String {
        match self.last() {
            Some(last) => format!("<HybridLogicalClock last={last}>"),
            None => "<HybridLogicalClock>".to_owned(),
        }
    }
}
