use std::hash::{DefaultHasher, Hash, Hasher};

use causelog::Removal as Core;
use pyo3::prelude::*;
use pyo3::types::PyDateTime;

use crate::convert::moment::to_datetime;
use crate::names::member;

/// The record of something that a log no longer holds, kept for as long as the log.
#[pyclass(module = "causelog", frozen)]
pub(crate) struct Removal {
    pub(crate) core: Core,
}

#[pymethods]
impl Removal {
    /// Why it was removed.
    #[getter]
    fn reason(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        member(py, self.core.reason)
    }

    /// When, by the log's time, to the microsecond, as an aware datetime in UTC.
    #[getter]
    fn at<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDateTime>> {
        to_datetime(py, self.core.at)
    }

    /// When, by the log's time, in nanoseconds since the Unix epoch.
    #[getter]
    fn at_ns(&self) -> i64 {
        self.core.at.nanoseconds()
    }

    /// LSN of the first entry removed.
    #[getter]
    fn first_lsn(&self) -> u64 {
        self.core.first_lsn
    }

    /// LSN of the last entry removed. ``age`` and ``bytes`` remove all between, ``compaction`` some.
    #[getter]
    fn last_lsn(&self) -> u64 {
        self.core.last_lsn
    }

    /// How many entries were removed.
    #[getter]
    fn entries(&self) -> u64 {
        self.core.entries
    }

    /// By how many bytes that made the log's files shorter.
    #[getter]
    fn bytes(&self) -> u64 {
        self.core.bytes
    }

    /// The rule that was applied, in words.
    #[getter]
    fn detail(&self) -> &str {
        &self.core.detail
    }

    fn __eq__(&self, other: &Bound<'_, Removal>) -> bool {
        self.core == other.get().core
    }

    fn __hash__(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.core.reason, self.core.first_lsn, self.core.last_lsn).hash(&mut hasher);
        hasher.finish()
    }

    fn __repr__(&self) -> String {
        let Core { reason, first_lsn, last_lsn, entries, .. } = &self.core;
        let reason = reason.name();
        format!("<Removal of {entries} entries from LSN {first_lsn} to {last_lsn}: {reason}>")
    }
}
