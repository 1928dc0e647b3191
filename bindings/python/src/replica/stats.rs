use causelog::ReplicaStats as Core;
use pyo3::prelude::*;

/// What a replica holds, in numbers.
#[pyclass(module = "causelog", frozen)]
pub(crate) struct ReplicaStats {
    pub(crate) core: Core,
}

#[pymethods]
impl ReplicaStats {
    /// Rows that the log has entries of, deleted ones among them.
    #[getter]
    fn rows(&self) -> u64 {
        self.core.rows
    }

    /// Rows with several heads, whether or not these disagree.
    #[getter]
    fn contested_rows(&self) -> u64 {
        self.core.contested_rows
    }

    /// Entries that ended a conflict, or what would have been one if the heads had disagreed.
    #[getter]
    fn settlings(&self) -> u64 {
        self.core.settlings
    }

    /// Entries whose ``before`` was not what their author's past comes to here: written past a replica, by
    /// other rules, or by a resolver that is no pure function.
    #[getter]
    fn before_mismatches(&self) -> u64 {
        self.core.before_mismatches
    }

    /// Memory for the heads of all rows and for what is remembered of conflicts, roughly, in bytes.
    #[getter]
    fn memory(&self) -> u64 {
        self.core.memory
    }

    fn __eq__(&self, other: &Bound<'_, ReplicaStats>) -> bool {
        self.core == other.get().core
    }

    fn __repr__(&self) -> String {
        let Core { rows, contested_rows, settlings, .. } = &self.core;
        format!("<ReplicaStats rows={rows} contested_rows={contested_rows} settlings={settlings}>")
    }
}
