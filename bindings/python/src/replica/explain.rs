//! How a row became what it is.

use causelog::{Explanation as Core, ExplanationStep as CoreStep};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

use crate::boundary::{quick, waiting};
use crate::conflict::report::ConflictReport;
use crate::convert::dot;
use crate::convert::payload::from_json;
use crate::convert::row_id::{self, RowIdArgument};
use crate::convert::text::Text;
use crate::entry::ChangeEntry;
use crate::names::member;
use crate::replica::Replica;

/// How a row became what it is: its entries, what each of them had seen, and every conflict on the way.
///
/// It follows from the entries alone, so that replicas with the same entries and rules tell the same, word
/// for word: ``str()`` gives it for people.
#[pyclass(module = "causelog", frozen)]
pub(crate) struct Explanation {
    core: Core,
}

#[pymethods]
impl Explanation {
    /// The table.
    #[getter]
    fn table(&self) -> &str {
        &self.core.table
    }

    /// The row within the table.
    #[getter]
    fn row_id<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        row_id::to_python(py, &self.core.row_id)
    }

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

    /// Whether the value is final.
    #[getter]
    fn state(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        member(py, self.core.state)
    }

    /// Its entries, each after all that its author had seen of the row; none if the row never was.
    #[getter]
    fn steps(&self) -> Vec<ExplanationStep> {
        self.core.steps.iter().map(|core| ExplanationStep { core: core.clone() }).collect()
    }

    /// The conflict that stands; None if none does.
    #[getter]
    fn standing(&self) -> Option<ConflictReport> {
        self.core.standing.clone().map(ConflictReport::new)
    }

    fn __str__(&self, py: Python<'_>) -> PyResult<String> {
        quick(py, || Ok(self.core.to_string()))
    }

    fn __eq__(&self, other: &Bound<'_, Explanation>) -> bool {
        self.core == other.get().core
    }

    fn __repr__(&self) -> String {
        let Core { table, row_id, steps, .. } = &self.core;
        format!("<Explanation {table:?} {row_id} in {} steps>", steps.len())
    }
}

/// One entry in the story of a row.
#[pyclass(module = "causelog", frozen)]
pub(crate) struct ExplanationStep {
    core: CoreStep,
}

#[pymethods]
impl ExplanationStep {
    /// The entry.
    #[getter]
    fn entry(&self) -> ChangeEntry {
        ChangeEntry { core: self.core.entry.clone() }
    }

    /// The dots of the entries that it follows on: the latest that its author had seen of the row.
    #[getter]
    fn follows<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        dot::tuple(py, &self.core.follows)
    }

    /// The dots of the entries before it in the story that its author had not seen, and that had not seen
    /// it.
    #[getter]
    fn concurrent_with<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        dot::tuple(py, &self.core.concurrent_with)
    }

    /// The conflict that it ended, if those that it follows on disagreed.
    #[getter]
    fn settles(&self) -> Option<ConflictReport> {
        self.core.settles.clone().map(ConflictReport::new)
    }

    fn __eq__(&self, other: &Bound<'_, ExplanationStep>) -> bool {
        self.core == other.get().core
    }

    fn __repr__(&self) -> String {
        format!("<ExplanationStep {} {}>", self.core.entry.operation, self.core.entry.dot())
    }
}

#[pymethods]
impl Replica {
    /// How a row became what it is.
    ///
    /// Raises:
    ///     InvalidArgumentError: for an empty table name.
    ///     And what ``conflicts`` raises.
    ///
    /// >>> import causelog
    /// >>> a, b = causelog.Replica.in_memory(), causelog.Replica.in_memory()
    /// >>> _ = a.insert("orders", 42, "from a"), b.insert("orders", 42, "from b")
    /// >>> _ = causelog.sync(a, b)
    /// >>> story = a.why("orders", 42)
    /// >>> len(story.steps), str(story) == str(b.why("orders", 42))
    /// (2, True)
    fn why(&self, py: Python<'_>, table: Text, row_id: RowIdArgument) -> PyResult<Explanation> {
        waiting(py, || self.core().why(&table.0, row_id.0)).map(|core| Explanation { core })
    }
}
