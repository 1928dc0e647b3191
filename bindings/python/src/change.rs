use std::hash::{DefaultHasher, Hash, Hasher};

use causelog::{Change as CoreChange, ChangeOperation, Transaction as CoreTransaction, Uuid};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDateTime, PyDict, PyTuple};

use crate::boundary::quick;
use crate::convert::integer::Unsigned;
use crate::convert::metadata::MetadataArgument;
use crate::convert::moment::{Moment, to_datetime};
use crate::convert::payload::{Payload, from_json};
use crate::convert::row_id::{self, RowIdArgument};
use crate::convert::text::Text;
use crate::convert::{dot, type_name};
use crate::names::{ByName, member};

/// One row change, as it is handed to a log.
///
/// Payloads are bytes: bytes-like values are taken as they are, any other value is
/// written as compact JSON with its keys as given; None means that there is none.
/// ``insert``, ``update`` and ``delete`` make the usual ones.
///
/// Args:
///     table: the table's name.
///     row_id: the row within the table: an int, str, bytes, UUID, or a tuple of these.
///     operation: what happens to the row.
///     before: the row's payload before the change; never on an insert.
///     after: the row's payload after the change; never on a delete.
///     metadata: small strings for an audit: who, why.
///
/// >>> import causelog
/// >>> change = causelog.Change.update("orders", 42, {"qty": 1}, {"qty": 2}, metadata={"actor": "alice"})
/// >>> change.after
/// b'{"qty":2}'
/// >>> change.after_json()
/// {'qty': 2}
#[pyclass(module = "causelog", frozen)]
pub(crate) struct Change {
    pub(crate) core: CoreChange,
}

impl Change {
    fn build(
        table: Text,
        row_id: RowIdArgument,
        operation: ChangeOperation,
        before: Option<Payload>,
        after: Option<Payload>,
        metadata: Option<MetadataArgument>,
    ) -> Self {
        let (before, after) = (before.map(|payload| payload.0), after.map(|payload| payload.0));
        let mut core = CoreChange::new(table.0, row_id.0, operation, before, after);
        core.metadata = metadata.unwrap_or_default().0;
        Change { core }
    }
}

#[pymethods]
impl Change {
    #[new]
    #[pyo3(signature = (table, row_id, operation, *, before=None, after=None, metadata=None))]
    fn py_new(
        table: Text,
        row_id: RowIdArgument,
        operation: ByName<ChangeOperation>,
        before: Option<Payload>,
        after: Option<Payload>,
        metadata: Option<MetadataArgument>,
    ) -> Self {
        Self::build(table, row_id, operation.0, before, after, metadata)
    }

    /// The row comes into being with the payload ``after``.
    #[staticmethod]
    #[pyo3(signature = (table, row_id, after, *, metadata=None))]
    fn insert(
        table: Text,
        row_id: RowIdArgument,
        after: Option<Payload>,
        metadata: Option<MetadataArgument>,
    ) -> Self {
        Self::build(table, row_id, ChangeOperation::Insert, None, after, metadata)
    }

    /// The row's payload goes from ``before`` to ``after``.
    #[staticmethod]
    #[pyo3(signature = (table, row_id, before, after, *, metadata=None))]
    fn update(
        table: Text,
        row_id: RowIdArgument,
        before: Option<Payload>,
        after: Option<Payload>,
        metadata: Option<MetadataArgument>,
    ) -> Self {
        Self::build(table, row_id, ChangeOperation::Update, before, after, metadata)
    }

    /// The row, whose payload was ``before``, ends.
    #[staticmethod]
    #[pyo3(signature = (table, row_id, before=None, *, metadata=None))]
    fn delete(
        table: Text,
        row_id: RowIdArgument,
        before: Option<Payload>,
        metadata: Option<MetadataArgument>,
    ) -> Self {
        Self::build(table, row_id, ChangeOperation::Delete, before, None, metadata)
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

    /// What happens to the row.
    #[getter]
    fn operation(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        member(py, self.core.operation)
    }

    /// The row's payload before the change; None if there is none.
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

    /// Small strings for an audit, as a new dict.
    #[getter]
    fn metadata<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        (&self.core.metadata).into_pyobject(py)
    }

    /// Check whether a log takes this change.
    ///
    /// Raises:
    ///     InvalidArgumentError: for an empty table name, an insert with a ``before``, a delete
    ///         with an ``after``.
    ///     TooLargeError: for a table name, row id or metadata beyond its limit.
    ///
    /// >>> import causelog
    /// >>> causelog.Change.insert("", 42, {}).validate()
    /// Traceback (most recent call last):
    ///     ...
    /// causelog.errors.InvalidArgumentError: table name is empty
    fn validate(&self, py: Python<'_>) -> PyResult<()> {
        quick(py, || self.core.validate())
    }

    fn __getnewargs_ex__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyTuple>, Bound<'py, PyDict>)> {
        let keywords = PyDict::new(py);
        keywords.set_item("table", self.table())?;
        keywords.set_item("row_id", self.row_id(py)?)?;
        keywords.set_item("operation", self.operation(py)?)?;
        keywords.set_item("before", self.before(py))?;
        keywords.set_item("after", self.after(py))?;
        keywords.set_item("metadata", self.metadata(py)?)?;
        Ok((PyTuple::empty(py), keywords))
    }

    fn __eq__(&self, other: &Bound<'_, Change>) -> bool {
        self.core == other.get().core
    }

    fn __hash__(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (&self.core.table, &self.core.row_id, self.core.operation, &self.core.after).hash(&mut hasher);
        hasher.finish()
    }

    fn __repr__(&self) -> String {
        format!("<Change {} {:?} {}>", self.core.operation, self.core.table, self.core.row_id)
    }
}

/// A node's transaction in full: what replicas exchange.
///
/// It is named by its last dot and takes ``max(1, number of changes)`` sequences of its
/// node, so that an empty one (a merge of what its author had seen) has a dot too.
///
/// Args:
///     node: the node that wrote it.
///     sequence: the sequence of its last change.
///     dependencies: the dots of the transactions that its author had seen and that no other
///         of them covers.
///     timestamp: when it was written: an aware datetime, or nanoseconds since the Unix epoch.
///     changes: its changes, in order. There may be none.
///
/// >>> import uuid, causelog
/// >>> transaction = causelog.Transaction(
/// ...     node=uuid.UUID(int=1), sequence=2, timestamp=1_000,
/// ...     changes=[causelog.Change.insert("orders", 1, {}), causelog.Change.insert("orders", 2, {})])
/// >>> transaction.first_sequence()
/// 1
/// >>> str(transaction.dot)
/// '00000000-0000-0000-0000-000000000001:2'
#[pyclass(module = "causelog", frozen)]
pub(crate) struct Transaction {
    pub(crate) core: CoreTransaction,
}

/// The changes that an iterable gives, held so that they can be lent to the core.
pub(crate) fn changes(iterable: &Bound<'_, PyAny>) -> PyResult<Vec<Py<Change>>> {
    let changes = iterable.try_iter()?.map(|change| {
        let change = change?;
        change.cast_into::<Change>().map(Bound::unbind).map_err(|error| {
            let name = type_name(&error.into_inner());
            PyTypeError::new_err(format!("expected changes of type Change, not {name}"))
        })
    });
    changes.collect()
}

#[pymethods]
impl Transaction {
    #[new]
    #[pyo3(signature = (*, node, sequence, timestamp, dependencies=None, changes=None))]
    fn py_new(
        node: Uuid,
        sequence: Unsigned,
        timestamp: Moment,
        dependencies: Option<&Bound<'_, PyAny>>,
        changes: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let core = CoreTransaction {
            node,
            sequence: sequence.0,
            dependencies: dependencies.map_or_else(|| Ok(Vec::new()), dot::dots)?,
            timestamp: timestamp.0,
            changes: match changes {
                Some(changes) => {
                    self::changes(changes)?.iter().map(|change| change.get().core.clone()).collect()
                }
                None => Vec::new(),
            },
        };
        Ok(Transaction { core })
    }

    /// The node that wrote it.
    #[getter]
    fn node(&self) -> Uuid {
        self.core.node
    }

    /// The sequence of its last change.
    #[getter]
    fn sequence(&self) -> u64 {
        self.core.sequence
    }

    /// The dots of the transactions that its author had seen and that no other of them covers.
    #[getter]
    fn dependencies<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let dots = self.core.dependencies.iter().map(|dot| dot::to_python(py, *dot));
        PyTuple::new(py, dots.collect::<PyResult<Vec<_>>>()?)
    }

    /// When it was written, to the microsecond, as an aware datetime in UTC.
    #[getter]
    fn timestamp<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDateTime>> {
        to_datetime(py, self.core.timestamp)
    }

    /// When it was written, in nanoseconds since the Unix epoch.
    #[getter]
    fn timestamp_ns(&self) -> i64 {
        self.core.timestamp.nanoseconds()
    }

    /// Its changes, in order.
    #[getter]
    fn changes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let changes = self.core.changes.iter().map(|change| Bound::new(py, Change { core: change.clone() }));
        PyTuple::new(py, changes.collect::<PyResult<Vec<_>>>()?)
    }

    /// The last dot: the name of the transaction.
    #[getter]
    fn dot<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        dot::to_python(py, self.core.dot())
    }

    /// How many sequences of its node it takes.
    #[getter]
    fn width(&self) -> u64 {
        self.core.width()
    }

    /// The sequence of its first change.
    ///
    /// Raises:
    ///     InvalidArgumentError: when the last sequence is too low for the number of changes.
    fn first_sequence(&self, py: Python<'_>) -> PyResult<u64> {
        quick(py, || self.core.first_sequence())
    }

    fn __getnewargs_ex__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyTuple>, Bound<'py, PyDict>)> {
        let keywords = PyDict::new(py);
        keywords.set_item("node", self.node())?;
        keywords.set_item("sequence", self.sequence())?;
        keywords.set_item("timestamp", self.timestamp_ns())?;
        keywords.set_item("dependencies", self.dependencies(py)?)?;
        keywords.set_item("changes", self.changes(py)?)?;
        Ok((PyTuple::empty(py), keywords))
    }

    fn __eq__(&self, other: &Bound<'_, Transaction>) -> bool {
        self.core == other.get().core
    }

    fn __hash__(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.core.dot().hash(&mut hasher);
        hasher.finish()
    }

    fn __repr__(&self) -> String {
        let count = self.core.changes.len();
        let changes = if count == 1 { "change" } else { "changes" };
        format!("<Transaction {} of {count} {changes}>", self.core.dot())
    }
}
