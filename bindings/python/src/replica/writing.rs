//! Changes of this node, and transactions of others.

use std::hash::{DefaultHasher, Hash, Hasher};

use causelog::{ChangeOperation, Write as Core};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyTuple};

use crate::appended::Appended;
use crate::boundary::waiting;
use crate::change::{Transaction, changes};
use crate::convert::integer::Signed;
use crate::convert::metadata::MetadataArgument;
use crate::convert::payload::{Payload, from_json};
use crate::convert::row_id::{self, RowIdArgument};
use crate::convert::text::{Text, texts};
use crate::convert::{dot, type_name};
use crate::names::{ByName, member};
use crate::replica::Replica;

/// One change of a row to be written, and what its writer takes the row to be.
///
/// ``insert``, ``update`` and ``delete`` make the usual ones.
///
/// Args:
///     table: the table's name.
///     row_id: the row within the table.
///     operation: what happens to the row.
///     after: the row's payload after it; never on a delete.
///     expected: the dots of the heads that the writer has read, in any order: the write is refused when
///         the row has others by now. No dots expect a row that never was; None expects nothing.
///     metadata: small strings for an audit: who, why.
///
/// >>> import causelog
/// >>> replica = causelog.Replica.in_memory()
/// >>> _ = replica.insert("orders", 42, {"status": "new"})
/// >>> read = replica.get("orders", 42)
/// >>> _ = replica.write([causelog.Write.update("orders", 42, {"status": "paid"}, expected=read.heads)])
/// >>> try:
/// ...     replica.write([causelog.Write.update("orders", 42, {"status": "void"}, expected=read.heads)])
/// ... except causelog.VersionMismatchError:
/// ...     print("somebody was faster: read it again")
/// somebody was faster: read it again
#[pyclass(module = "causelog", frozen)]
pub(crate) struct Write {
    core: Core,
}

impl Write {
    fn build(
        table: Text,
        row_id: RowIdArgument,
        operation: ChangeOperation,
        after: Option<Payload>,
        expected: Option<&Bound<'_, PyAny>>,
        metadata: Option<MetadataArgument>,
    ) -> PyResult<Self> {
        let mut core = Core::new(table.0, row_id.0, operation, after.map(|payload| payload.0));
        core.expected = expected.map(dot::dots).transpose()?;
        core.metadata = metadata.unwrap_or_default().0;
        Ok(Write { core })
    }
}

#[pymethods]
impl Write {
    #[new]
    #[pyo3(signature = (table, row_id, operation, *, after=None, expected=None, metadata=None))]
    fn py_new(
        table: Text,
        row_id: RowIdArgument,
        operation: ByName<ChangeOperation>,
        after: Option<Payload>,
        expected: Option<&Bound<'_, PyAny>>,
        metadata: Option<MetadataArgument>,
    ) -> PyResult<Self> {
        Self::build(table, row_id, operation.0, after, expected, metadata)
    }

    /// The row comes into being.
    #[staticmethod]
    #[pyo3(signature = (table, row_id, after, *, expected=None, metadata=None))]
    fn insert(
        table: Text,
        row_id: RowIdArgument,
        after: Option<Payload>,
        expected: Option<&Bound<'_, PyAny>>,
        metadata: Option<MetadataArgument>,
    ) -> PyResult<Self> {
        Self::build(table, row_id, ChangeOperation::Insert, after, expected, metadata)
    }

    /// The row takes another value.
    #[staticmethod]
    #[pyo3(signature = (table, row_id, after, *, expected=None, metadata=None))]
    fn update(
        table: Text,
        row_id: RowIdArgument,
        after: Option<Payload>,
        expected: Option<&Bound<'_, PyAny>>,
        metadata: Option<MetadataArgument>,
    ) -> PyResult<Self> {
        Self::build(table, row_id, ChangeOperation::Update, after, expected, metadata)
    }

    /// The row ends.
    #[staticmethod]
    #[pyo3(signature = (table, row_id, *, expected=None, metadata=None))]
    fn delete(
        table: Text,
        row_id: RowIdArgument,
        expected: Option<&Bound<'_, PyAny>>,
        metadata: Option<MetadataArgument>,
    ) -> PyResult<Self> {
        Self::build(table, row_id, ChangeOperation::Delete, None, expected, metadata)
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

    /// The row's payload after it; None if there is none.
    #[getter]
    fn after<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        self.core.after.as_deref().map(|payload| PyBytes::new(py, payload))
    }

    /// The payload after it, parsed; None if there is none.
    ///
    /// Raises:
    ///     InvalidArgumentError: if the payload is not JSON.
    fn after_json<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        from_json(py, self.core.after.as_deref())
    }

    /// The dots of the heads that the row must have; None if it may have any.
    #[getter]
    fn expected<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyTuple>>> {
        self.core.expected.as_deref().map(|dots| dot::tuple(py, dots)).transpose()
    }

    /// Small strings for an audit, as a new dict.
    #[getter]
    fn metadata<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        (&self.core.metadata).into_pyobject(py)
    }

    fn __getnewargs_ex__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyTuple>, Bound<'py, PyDict>)> {
        let keywords = PyDict::new(py);
        keywords.set_item("table", self.table())?;
        keywords.set_item("row_id", self.row_id(py)?)?;
        keywords.set_item("operation", self.operation(py)?)?;
        keywords.set_item("after", self.after(py))?;
        keywords.set_item("expected", self.expected(py)?)?;
        keywords.set_item("metadata", self.metadata(py)?)?;
        Ok((PyTuple::empty(py), keywords))
    }

    fn __eq__(&self, other: &Bound<'_, Write>) -> bool {
        self.core == other.get().core
    }

    fn __hash__(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (&self.core.table, &self.core.row_id, self.core.operation, &self.core.after).hash(&mut hasher);
        hasher.finish()
    }

    fn __repr__(&self) -> String {
        format!("<Write {} {:?} {}>", self.core.operation, self.core.table, self.core.row_id)
    }
}

/// The writes that an iterable gives.
fn writes(iterable: &Bound<'_, PyAny>) -> PyResult<Vec<Core>> {
    let writes = iterable.try_iter()?.map(|write| {
        let write = write?;
        let write = write.cast::<Write>().map_err(|_| {
            PyTypeError::new_err(format!("expected writes of type Write, not {}", type_name(&write)))
        })?;
        Ok(write.get().core.clone())
    });
    writes.collect()
}

#[pymethods]
impl Replica {
    /// The row comes into being with the payload ``after``.
    ///
    /// Raises:
    ///     AlreadyExistsError: when it is there.
    ///     And what ``write`` raises.
    fn insert(
        &self,
        py: Python<'_>,
        table: Text,
        row_id: RowIdArgument,
        after: Option<Payload>,
    ) -> PyResult<Appended> {
        let write = Core::new(table.0, row_id.0, ChangeOperation::Insert, after.map(|payload| payload.0));
        waiting(py, || self.core().write([write])).map(Appended::new)
    }

    /// The row takes the payload ``after``.
    ///
    /// Raises:
    ///     NotFoundError: when it is not there.
    ///     And what ``write`` raises.
    fn update(
        &self,
        py: Python<'_>,
        table: Text,
        row_id: RowIdArgument,
        after: Option<Payload>,
    ) -> PyResult<Appended> {
        let write = Core::new(table.0, row_id.0, ChangeOperation::Update, after.map(|payload| payload.0));
        waiting(py, || self.core().write([write])).map(Appended::new)
    }

    /// The row ends.
    ///
    /// Raises:
    ///     NotFoundError: when it is not there.
    ///     And what ``write`` raises.
    fn delete(&self, py: Python<'_>, table: Text, row_id: RowIdArgument) -> PyResult<Appended> {
        waiting(py, || self.core().delete(&table.0, row_id.0)).map(Appended::new)
    }

    /// Write changes of this node together: all of them, or none. Each is held against the row as it is,
    /// whose payload becomes the change's ``before``. A later one sees what those before it have done.
    ///
    /// A write covers all heads of its row, and so ends a conflict about it.
    ///
    /// Raises:
    ///     AlreadyExistsError: for an insert of a row that is there.
    ///     NotFoundError: for any other change of one that is not.
    ///     VersionMismatchError: when a row has not the expected heads, or waits in the inbox and none are
    ///         expected.
    ///     UnresolvedError: when it waits for a resolver and no heads are expected.
    ///     InvalidArgumentError: for a payload that is no JSON object where fields are merged, and for an
    ///         update without expected heads where some field is a counter, because a value that was read
    ///         before would undo what has been added since: use ``patch`` or ``increment``.
    ///     ResolverFailedError: within a resolver.
    ///     And what ``ChangeLog.append_transaction`` raises.
    ///
    /// >>> import causelog
    /// >>> replica = causelog.Replica.in_memory()
    /// >>> replica.write([
    /// ...     causelog.Write.insert("orders", 42, {"qty": 1}, metadata={"actor": "alice"}),
    /// ...     causelog.Write.update("orders", 42, {"qty": 2}),
    /// ... ]).last_lsn
    /// 2
    fn write(&self, py: Python<'_>, writes: &Bound<'_, PyAny>) -> PyResult<Appended> {
        let writes = self::writes(writes)?;
        waiting(py, || self.core().write(writes)).map(Appended::new)
    }

    /// Record changes of this node as they are, together: for an application whose rows live elsewhere and
    /// that only tells what happened to them. They are not held against what the replica takes the rows
    /// to be.
    ///
    /// Without changes this writes a merge: a transaction that only says what has been seen.
    ///
    /// Raises:
    ///     VersionMismatchError: for a row that waits in the inbox.
    ///     UnresolvedError: for one that waits for a resolver.
    ///     ResolverFailedError: within a resolver.
    ///     And what ``ChangeLog.append_transaction`` raises.
    fn append(&self, py: Python<'_>, changes: &Bound<'_, PyAny>) -> PyResult<Appended> {
        let changes: Vec<_> =
            self::changes(changes)?.iter().map(|change| change.get().core.clone()).collect();
        waiting(py, || self.core().append(changes)).map(Appended::new)
    }

    /// Set fields of a row that is a JSON object, and remove others, from the value that it has at that
    /// moment.
    ///
    /// Args:
    ///     table: the table's name.
    ///     row_id: the row within the table.
    ///     fields: the fields to set, as a mapping or as the bytes of a JSON object; None is the value
    ///         ``null``.
    ///     remove: the names of fields to remove: one or several.
    ///
    /// Raises:
    ///     InvalidArgumentError: when ``fields`` or the row is no JSON object.
    ///     NotFoundError: when the row is not there.
    ///     UnresolvedError: when its value waits for a resolver.
    ///     And what ``write`` raises.
    ///
    /// >>> import causelog
    /// >>> replica = causelog.Replica.in_memory()
    /// >>> _ = replica.insert("orders", 42, {"qty": 1, "note": "x"})
    /// >>> _ = replica.patch("orders", 42, {"status": "paid"}, remove=["note"])
    /// >>> replica.get("orders", 42).value_json()
    /// {'qty': 1, 'status': 'paid'}
    #[pyo3(signature = (table, row_id, fields, *, remove=None))]
    fn patch(
        &self,
        py: Python<'_>,
        table: Text,
        row_id: RowIdArgument,
        fields: Payload,
        remove: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Appended> {
        let remove = remove.map(texts).transpose()?.unwrap_or_default();
        let remove: Vec<&str> = remove.iter().map(String::as_str).collect();
        waiting(py, || self.core().patch(&table.0, row_id.0, fields.0, &remove)).map(Appended::new)
    }

    /// Add to an integer field of a row that is a JSON object, from the value that it has at that moment. A
    /// field that is not there counts as 0.
    ///
    /// Raises:
    ///     InvalidArgumentError: when the row is no JSON object or the field no 64-bit integer.
    ///     TooLargeError: when the sum leaves the range of one.
    ///     NotFoundError: when the row is not there.
    ///     UnresolvedError: when its value waits for a resolver.
    ///     And what ``write`` raises.
    ///
    /// >>> import causelog
    /// >>> replica = causelog.Replica.in_memory()
    /// >>> _ = replica.insert("stock", 7, {"count": 10})
    /// >>> _ = replica.increment("stock", 7, "count", -3)
    /// >>> replica.get("stock", 7).value_json()
    /// {'count': 7}
    fn increment(
        &self,
        py: Python<'_>,
        table: Text,
        row_id: RowIdArgument,
        field: Text,
        by: Signed,
    ) -> PyResult<Appended> {
        waiting(py, || self.core().increment(&table.0, row_id.0, &field.0, by.0)).map(Appended::new)
    }

    /// Take in a transaction of another node, or of this one as another replica has it: write it to the log,
    /// whoever wins, and judge what it does to its rows. One that is here already is recognised by its dot
    /// and changes nothing.
    ///
    /// Raises:
    ///     ResolverFailedError: within a resolver. A resolver that fails is no error here: the entries are
    ///         kept, and their conflict goes to the inbox.
    ///     And what ``ChangeLog.append_remote`` raises.
    fn apply(&self, py: Python<'_>, transaction: &Bound<'_, Transaction>) -> PyResult<Appended> {
        let transaction = &transaction.get().core;
        waiting(py, || self.core().apply(transaction)).map(Appended::new)
    }
}
