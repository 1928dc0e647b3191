use causelog::RowResolution as Core;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

use crate::conflict::report::ConflictReport;
use crate::convert::dot;
use crate::convert::payload::from_json;

/// What a row is, and which conflicts made it so.
#[pyclass(module = "causelog", frozen)]
pub(crate) struct RowResolution {
    pub(crate) core: Core,
}

#[pymethods]
impl RowResolution {
    /// Whether the row is there.
    #[getter]
    fn is_live(&self) -> bool {
        self.core.is_live
    }

    /// Its payload; None if it is not there, or has none.
    #[getter]
    fn value<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        self.core.value.as_deref().map(|payload| PyBytes::new(py, payload))
    }

    /// Its payload, parsed; None if there is none.
    ///
    /// Raises:
    ///     InvalidArgumentError: if the payload is not JSON.
    fn value_json<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        from_json(py, self.core.value.as_deref())
    }

    /// The dots of the entries that no other has seen, in canonical order.
    #[getter]
    fn heads<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        dot::tuple(py, &self.core.heads)
    }

    /// The conflict between them, if they disagree.
    #[getter]
    fn standing(&self) -> Option<ConflictReport> {
        self.core.standing.clone().map(ConflictReport::new)
    }

    /// Conflicts that a later entry ended, in the order of those entries.
    #[getter]
    fn settled(&self) -> Vec<ConflictReport> {
        self.core.settled.iter().cloned().map(ConflictReport::new).collect()
    }

    fn __eq__(&self, other: &Bound<'_, RowResolution>) -> bool {
        self.core == other.get().core
    }

    fn __repr__(&self) -> String {
        let Core { is_live, heads, standing, settled, .. } = &self.core;
        let state = if *is_live { "there" } else { "not there" };
        let standing = if standing.is_some() { "a conflict standing" } else { "none standing" };
        format!("<RowResolution {state}, heads {}, {standing}, {} settled>", heads.len(), settled.len())
    }
}
