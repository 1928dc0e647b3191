//! What the rows became, in the order of the log.

use causelog::{EffectiveChange as CoreChange, EffectiveChanges as CoreChanges, EffectivePosition};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDateTime};

use crate::boundary::{quick, waiting};
use crate::convert::integer::Unsigned;
use crate::convert::moment::to_datetime;
use crate::convert::payload::from_json;
use crate::convert::text::Text;
use crate::convert::{dot, row_id};
use crate::names::member;
use crate::replica::Replica;

/// What became of a row.
#[pyclass(module = "causelog", frozen)]
pub(crate) struct EffectiveChange {
    core: CoreChange,
}

#[pymethods]
impl EffectiveChange {
    /// Where somebody goes on who has handled this change and all others of its transaction.
    #[getter]
    fn position(&self) -> String {
        self.core.position.to_string()
    }

    /// The name of the transaction that did it; None if it was a change of rules.
    #[getter]
    fn transaction<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.core.transaction.map(|dot| dot::to_python(py, dot)).transpose()
    }

    /// When that transaction was made, to the microsecond, as an aware datetime in UTC; of a change of
    /// rules, when the last entry before it was made.
    #[getter]
    fn timestamp<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDateTime>> {
        to_datetime(py, self.core.timestamp)
    }

    /// When that transaction was made, in nanoseconds since the Unix epoch.
    #[getter]
    fn timestamp_ns(&self) -> i64 {
        self.core.timestamp.nanoseconds()
    }

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

    /// What happened to the row, whatever the entry that caused it was.
    #[getter]
    fn operation(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        member(py, self.core.operation)
    }

    /// The row's payload before; None if it was not there, or has none.
    #[getter]
    fn before<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        self.core.before.as_deref().map(|payload| PyBytes::new(py, payload))
    }

    /// The row's payload after; None if it is not there, or has none.
    #[getter]
    fn after<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        self.core.after.as_deref().map(|payload| PyBytes::new(py, payload))
    }

    /// The payload before, parsed; None if there is none.
    ///
    /// Raises:
    ///     InvalidArgumentError: if the payload is not JSON.
    fn before_json<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        from_json(py, self.core.before.as_deref())
    }

    /// The payload after, parsed; None if there is none.
    ///
    /// Raises:
    ///     InvalidArgumentError: if the payload is not JSON.
    fn after_json<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        from_json(py, self.core.after.as_deref())
    }

    fn __eq__(&self, other: &Bound<'_, EffectiveChange>) -> bool {
        self.core == other.get().core
    }

    fn __repr__(&self) -> String {
        let CoreChange { operation, table, row_id, position, .. } = &self.core;
        format!("<EffectiveChange {operation} {table:?} {row_id} at {position}>")
    }
}

/// Part of the effective view.
#[pyclass(module = "causelog", frozen)]
pub(crate) struct EffectiveChanges {
    core: CoreChanges,
}

#[pymethods]
impl EffectiveChanges {
    /// The changes, in the order of the log; none if there is nothing new.
    #[getter]
    fn changes(&self) -> Vec<EffectiveChange> {
        self.core.changes.iter().map(|core| EffectiveChange { core: core.clone() }).collect()
    }

    /// Where to go on: a position as text, to be stored.
    #[getter]
    fn next(&self) -> String {
        self.core.next.to_string()
    }

    fn __eq__(&self, other: &Bound<'_, EffectiveChanges>) -> bool {
        self.core == other.get().core
    }

    fn __repr__(&self) -> String {
        format!("<EffectiveChanges {} up to {}>", self.core.changes.len(), self.core.next)
    }
}

#[pymethods]
impl Replica {
    /// What the rows became, in the order of the log, after ``since``: of each transaction at most one
    /// change for a row, from what the row was to what it is, and none where that is the same. A conflict
    /// shows as what the row became, also where no single entry carries that; an entry that lost does not
    /// show at all.
    ///
    /// Ends after a whole transaction, once there are ``limit`` changes. Whoever keeps the position together
    /// with what he made of the changes gets each exactly once. What is shown is durable.
    ///
    /// Args:
    ///     since: a position that was given before, ``LSN.RULES``; ``"0.0"`` is the beginning.
    ///     limit: how many changes are enough; at least one.
    ///
    /// Raises:
    ///     InvalidArgumentError: for a position that this replica never gave.
    ///     IoError: when it cannot be made durable.
    ///     And what ``get`` raises.
    ///
    /// >>> import causelog
    /// >>> replica = causelog.Replica.in_memory()
    /// >>> _ = replica.insert("orders", 42, {"status": "new"})
    /// >>> _ = replica.update("orders", 42, {"status": "new"})  # changes nothing
    /// >>> _ = replica.update("orders", 42, {"status": "paid"})
    /// >>> seen = replica.effective()
    /// >>> [(change.operation.value, change.after_json()) for change in seen.changes]
    /// [('insert', {'status': 'new'}), ('update', {'status': 'paid'})]
    /// >>> seen.next, replica.effective(seen.next).changes
    /// ('3.0', [])
    #[pyo3(
        signature = (since=Text("0.0".to_owned()), limit=Unsigned(1000)),
        text_signature = "($self, since='0.0', limit=1000)"
    )]
    fn effective(&self, py: Python<'_>, since: Text, limit: Unsigned) -> PyResult<EffectiveChanges> {
        let since: EffectivePosition = quick(py, || since.0.parse())?;
        let limit = usize::try_from(limit.0).unwrap_or(usize::MAX);
        waiting(py, || self.core().effective(since, limit)).map(|core| EffectiveChanges { core })
    }
}
