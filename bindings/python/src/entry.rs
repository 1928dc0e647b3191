use std::hash::{DefaultHasher, Hash, Hasher};

use causelog::{ChangeEntry as Core, ChangeOperation, Dot, Uuid, Verdict};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDateTime, PyDict, PyTuple};

use crate::boundary::quick;
use crate::clock::VectorClock;
use crate::convert::dot::{self, DotArgument};
use crate::convert::integer::Unsigned;
use crate::convert::metadata::MetadataArgument;
use crate::convert::moment::{Moment, to_datetime};
use crate::convert::payload::{Payload, from_json};
use crate::convert::row_id::{self, RowIdArgument};
use crate::convert::text::Text;
use crate::convert::type_name;
use crate::names::{ByName, member};

/// One change as a log holds it.
///
/// Logs make entries; a program makes one by keyword arguments to hand it to a
/// ``ConflictDetector`` without a log. Fields become Python values when they are asked for.
///
/// Args:
///     node: the node that made the change.
///     sequence: which of that node's changes it is.
///     vector_clock: what the author had seen when making the change, and the change itself.
///     timestamp: when: an aware datetime, or nanoseconds since the Unix epoch.
///     table: the table's name.
///     row_id: the row within the table.
///     operation: what happened to the row.
///     before: the row's payload before the change.
///     after: the row's payload after the change.
///     lsn: its position in a log; 0 if it is in none.
///     transaction: the transaction it belongs to; its own dot unless told otherwise.
///     verdict: what it did to the row on arrival.
///     metadata: small strings for an audit.
///
/// >>> import uuid, causelog
/// >>> node = uuid.UUID(int=1)
/// >>> entry = causelog.ChangeEntry(
/// ...     node=node, sequence=1, vector_clock=causelog.VectorClock({node: 1}), timestamp=0,
/// ...     table="orders", row_id=42, operation="insert", after={"qty": 1})
/// >>> entry.after_json()
/// {'qty': 1}
#[pyclass(module = "causelog", frozen)]
pub(crate) struct ChangeEntry {
    pub(crate) core: Core,
}

/// The entries that an iterable gives, held so that they can be lent to the core.
pub(crate) fn entries<'py>(iterable: &Bound<'py, PyAny>) -> PyResult<Vec<Bound<'py, ChangeEntry>>> {
    let entries = iterable.try_iter()?.map(|entry| {
        entry?.cast_into::<ChangeEntry>().map_err(|error| {
            let found = type_name(&error.into_inner());
            PyTypeError::new_err(format!("expected entries of type ChangeEntry, not {found}"))
        })
    });
    entries.collect()
}

/// Entries as a tuple.
pub(crate) fn tuple<'py, 'a>(
    py: Python<'py>,
    entries: impl IntoIterator<Item = &'a Core>,
) -> PyResult<Bound<'py, PyTuple>> {
    let entries = entries.into_iter().map(|entry| Bound::new(py, ChangeEntry { core: entry.clone() }));
    PyTuple::new(py, entries.collect::<PyResult<Vec<_>>>()?)
}

#[pymethods]
impl ChangeEntry {
    #[new]
    #[pyo3(signature = (
        *, node, sequence, vector_clock, timestamp, table, row_id, operation, before=None, after=None,
        lsn=Unsigned(0), transaction=None, verdict=None, metadata=None
    ), text_signature = "(*, node, sequence, vector_clock, timestamp, table, row_id, operation, before=None, after=None, lsn=0, transaction=None, verdict=None, metadata=None)")]
    #[allow(clippy::too_many_arguments)] // they are keywords to the caller
    fn py_new(
        node: Uuid,
        sequence: Unsigned,
        vector_clock: &Bound<'_, VectorClock>,
        timestamp: Moment,
        table: Text,
        row_id: RowIdArgument,
        operation: ByName<ChangeOperation>,
        before: Option<Payload>,
        after: Option<Payload>,
        lsn: Unsigned,
        transaction: Option<DotArgument>,
        verdict: Option<ByName<Verdict>>,
        metadata: Option<MetadataArgument>,
    ) -> Self {
        let core = Core {
            lsn: lsn.0,
            node,
            sequence: sequence.0,
            vector_clock: vector_clock.get().snapshot(),
            timestamp: timestamp.0,
            transaction: transaction.map_or(Dot::new(node, sequence.0), |dot| dot.0),
            table: table.0,
            row_id: row_id.0,
            operation: operation.0,
            before: before.map(|payload| payload.0),
            after: after.map(|payload| payload.0),
            verdict: verdict.map(|verdict| verdict.0),
            metadata: metadata.unwrap_or_default().0,
        };
        ChangeEntry { core }
    }

    /// Its position in this log, from 1 without gaps. Local: never compare it with another log's.
    #[getter]
    fn lsn(&self) -> u64 {
        self.core.lsn
    }

    /// The node that made the change.
    #[getter]
    fn node(&self) -> Uuid {
        self.core.node
    }

    /// Which of that node's changes it is.
    #[getter]
    fn sequence(&self) -> u64 {
        self.core.sequence
    }

    /// The identity of the change: its node and sequence.
    #[getter]
    fn dot<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        dot::to_python(py, self.core.dot())
    }

    /// What the author had seen when making the change, and the change itself. Each time a new copy.
    #[getter]
    fn vector_clock(&self) -> VectorClock {
        VectorClock::new(self.core.vector_clock.clone())
    }

    /// When the change was made, to the microsecond, as an aware datetime in UTC.
    #[getter]
    fn timestamp<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDateTime>> {
        to_datetime(py, self.core.timestamp)
    }

    /// When the change was made, in nanoseconds since the Unix epoch.
    #[getter]
    fn timestamp_ns(&self) -> i64 {
        self.core.timestamp.nanoseconds()
    }

    /// The name of the transaction it belongs to: the dot of that transaction's last change.
    #[getter]
    fn transaction<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        dot::to_python(py, self.core.transaction)
    }

    /// The table's name.
    #[getter]
    fn table(&self) -> &str {
        &self.core.table
    }

    /// The row within the table.
    #[getter]
    fn row_id<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        row_id::to_python(py, &self.core.row_id)
    }

    /// What happened to the row.
    #[getter]
    fn operation(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        member(py, self.core.operation)
    }

    /// The row's payload before the change, as its author saw it; None if there is none.
    #[getter]
    fn before<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        self.core.before.as_deref().map(|payload| PyBytes::new(py, payload))
    }

    /// The row's payload after the change; None if there is none.
    #[getter]
    fn after<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        self.core.after.as_deref().map(|payload| PyBytes::new(py, payload))
    }

    /// The payload before the change, parsed; None if there is none.
    ///
    /// Raises:
    ///     InvalidArgumentError: if the payload is not JSON.
    fn before_json<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        from_json(py, self.core.before.as_deref())
    }

    /// The payload after the change, parsed; None if there is none.
    ///
    /// Raises:
    ///     InvalidArgumentError: if the payload is not JSON.
    fn after_json<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        from_json(py, self.core.after.as_deref())
    }

    /// What the entry did to the row on arrival; None if nobody has judged it.
    #[getter]
    fn verdict(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        self.core.verdict.map(|verdict| member(py, verdict)).transpose()
    }

    /// Small strings for an audit, as a new dict.
    #[getter]
    fn metadata<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        (&self.core.metadata).into_pyobject(py)
    }

    /// Whether the author of ``other``, another entry, had seen this one.
    fn happens_before(&self, py: Python<'_>, other: &Bound<'_, ChangeEntry>) -> PyResult<bool> {
        quick(py, || Ok(self.core.happens_before(&other.get().core)))
    }

    /// The first 16 bytes of the BLAKE3 hash of ``after``: the last resort when a winner must be picked.
    fn payload_hash<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &quick(py, || Ok(self.core.payload_hash()))?))
    }

    fn __getnewargs_ex__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyTuple>, Bound<'py, PyDict>)> {
        let keywords = PyDict::new(py);
        keywords.set_item("node", self.node())?;
        keywords.set_item("sequence", self.sequence())?;
        keywords.set_item("vector_clock", self.vector_clock())?;
        keywords.set_item("timestamp", self.timestamp_ns())?;
        keywords.set_item("table", self.table())?;
        keywords.set_item("row_id", self.row_id(py)?)?;
        keywords.set_item("operation", self.operation(py)?)?;
        keywords.set_item("before", self.before(py))?;
        keywords.set_item("after", self.after(py))?;
        keywords.set_item("lsn", self.lsn())?;
        keywords.set_item("transaction", self.transaction(py)?)?;
        keywords.set_item("verdict", self.verdict(py)?)?;
        keywords.set_item("metadata", self.metadata(py)?)?;
        Ok((PyTuple::empty(py), keywords))
    }

    fn __eq__(&self, other: &Bound<'_, ChangeEntry>) -> bool {
        self.core == other.get().core
    }

    fn __hash__(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.core.lsn, self.core.dot()).hash(&mut hasher);
        hasher.finish()
    }

    fn __repr__(&self) -> String {
        let Core { lsn, operation, table, row_id, .. } = &self.core;
        format!("<ChangeEntry {lsn}: {operation} {table:?} {row_id} by {}>", self.core.dot())
    }
}
