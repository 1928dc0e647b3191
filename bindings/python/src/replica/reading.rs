//! What the rows are now.

use std::hash::{DefaultHasher, Hash, Hasher};

use causelog::ReplicaRow as Core;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

use crate::boundary::waiting;
use crate::convert::dot;
use crate::convert::payload::from_json;
use crate::convert::row_id::{self, RowIdArgument};
use crate::convert::text::Text;
use crate::names::member;
use crate::replica::Replica;

/// A row as a replica has it now.
#[pyclass(module = "causelog", frozen)]
pub(crate) struct ReplicaRow {
    core: Core,
}

#[pymethods]
impl ReplicaRow {
    /// The row within its table.
    #[getter]
    fn row_id<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        row_id::to_python(py, &self.core.row_id)
    }

    /// Its payload; None when the entry that decides carries none.
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

    /// The dots of the entries that no other has seen, in canonical order: what a conditional write expects.
    #[getter]
    fn heads<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        dot::tuple(py, &self.core.heads)
    }

    /// Whether the value is final.
    #[getter]
    fn state(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        member(py, self.core.state)
    }

    fn __eq__(&self, other: &Bound<'_, ReplicaRow>) -> bool {
        self.core == other.get().core
    }

    fn __hash__(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (&self.core.row_id, &self.core.heads).hash(&mut hasher);
        hasher.finish()
    }

    fn __repr__(&self) -> String {
        let Core { row_id, heads, state, .. } = &self.core;
        format!("<ReplicaRow {row_id} with {} heads, {state}>", heads.len())
    }
}

#[pymethods]
impl Replica {
    /// A row as it is now; None if it is not there: not yet, or not any more.
    ///
    /// Raises:
    ///     InvalidArgumentError: for an empty table name.
    ///     TruncatedError: when the entry that carries the value was removed.
    ///     CorruptError, IoError: when the log cannot be read.
    ///     ClosedError: when the replica is closed.
    ///
    /// >>> import causelog
    /// >>> replica = causelog.Replica.in_memory()
    /// >>> _ = replica.insert("orders", 42, {"qty": 1})
    /// >>> replica.get("orders", 42).value_json(), replica.get("orders", 43)
    /// ({'qty': 1}, None)
    fn get(&self, py: Python<'_>, table: Text, row_id: RowIdArgument) -> PyResult<Option<ReplicaRow>> {
        let row = waiting(py, || self.core().get(&table.0, row_id.0))?;
        Ok(row.map(|core| ReplicaRow { core }))
    }

    /// The dots of a row's heads, in canonical order, whether it is there or deleted; none if it never was.
    /// They are what a conditional write expects.
    ///
    /// Raises:
    ///     InvalidArgumentError: for an empty table name.
    ///     ClosedError: when the replica is closed.
    fn heads<'py>(
        &self,
        py: Python<'py>,
        table: Text,
        row_id: RowIdArgument,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let heads = waiting(py, || self.core().heads(&table.0, row_id.0))?;
        dot::tuple(py, &heads)
    }

    /// All rows of a table that are there now, ascending by row id.
    ///
    /// It reads the entries of the table once, and holds the rows in memory.
    ///
    /// Raises:
    ///     What ``get`` raises.
    ///
    /// >>> import causelog
    /// >>> replica = causelog.Replica.in_memory()
    /// >>> for row_id in 2, 1:
    /// ...     _ = replica.insert("orders", row_id, {"qty": row_id})
    /// >>> [(row.row_id, row.value_json()) for row in replica.rows("orders")]
    /// [(1, {'qty': 1}), (2, {'qty': 2})]
    fn rows(&self, py: Python<'_>, table: Text) -> PyResult<Vec<ReplicaRow>> {
        let rows = waiting(py, || self.core().rows(&table.0))?;
        Ok(rows.into_iter().map(|core| ReplicaRow { core }).collect())
    }
}
