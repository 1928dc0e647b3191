use std::hash::{DefaultHasher, Hash, Hasher};

use causelog::Appended as Core;
use pyo3::prelude::*;
use pyo3::types::PyDateTime;

use crate::convert::dot;
use crate::convert::moment::to_datetime;

/// What an append did.
#[pyclass(module = "causelog", frozen)]
pub(crate) struct Appended {
    core: Core,
}

impl Appended {
    pub(crate) fn new(core: Core) -> Self {
        Appended { core }
    }
}

#[pymethods]
impl Appended {
    /// The name of the transaction: the dot of its last change.
    #[getter]
    fn transaction<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        dot::to_python(py, self.core.transaction)
    }

    /// What it was stamped with, to the microsecond, as an aware datetime in UTC.
    #[getter]
    fn timestamp<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDateTime>> {
        to_datetime(py, self.core.timestamp)
    }

    /// What it was stamped with, in nanoseconds since the Unix epoch.
    #[getter]
    fn timestamp_ns(&self) -> i64 {
        self.core.timestamp.nanoseconds()
    }

    /// LSN of its first entry; None if it has no changes.
    #[getter]
    fn first_lsn(&self) -> Option<u64> {
        self.core.first_lsn
    }

    /// LSN of its last entry; None if it has no changes.
    #[getter]
    fn last_lsn(&self) -> Option<u64> {
        self.core.last_lsn
    }

    /// Whether the log held the transaction already, so that nothing was written.
    #[getter]
    fn duplicate(&self) -> bool {
        self.core.duplicate
    }

    fn __eq__(&self, other: &Bound<'_, Appended>) -> bool {
        self.core == other.get().core
    }

    fn __hash__(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.core.transaction.hash(&mut hasher);
        hasher.finish()
    }

    fn __repr__(&self) -> String {
        let duplicate = if self.core.duplicate { ", a duplicate" } else { "" };
        match (self.core.first_lsn, self.core.last_lsn) {
            (Some(first), Some(last)) => {
                format!("<Appended {} at LSN {first} to {last}{duplicate}>", self.core.transaction)
            }
            _ => format!("<Appended {}, a merge{duplicate}>", self.core.transaction),
        }
    }
}
