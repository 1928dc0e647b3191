use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use causelog::{Moment as CoreMoment, Row as CoreRow, RowId, Snapshot as CoreSnapshot};
use pyo3::exceptions::{PyKeyError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDateTime, PyInt, PyList};

use crate::boundary::invalid;
use crate::convert::integer::Unsigned;
use crate::convert::moment::{Moment, to_datetime};
use crate::convert::payload::from_json;
use crate::convert::row_id::{self, RowIdArgument};
use crate::convert::{dot, type_name};

/// How much of a log counts: an LSN as an `int`, or a time as an aware `datetime`.
pub(crate) struct At(CoreMoment);

impl FromPyObject<'_, '_> for At {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        if object.is_instance_of::<PyDateTime>() {
            return object.extract::<Moment>().map(|moment| At(moment.0.into()));
        }
        object.extract::<Unsigned>().map(|lsn| At(CoreMoment::Lsn(lsn.0))).map_err(|error| {
            if error.is_instance_of::<PyTypeError>(object.py()) && !object.is_instance_of::<PyInt>() {
                let message = format!("expected an LSN or an aware datetime, not {}", type_name(&object));
                PyTypeError::new_err(message)
            } else {
                error
            }
        })
    }
}

/// The moment that the arguments `at` and `time` name together: now if neither is there.
pub(crate) fn moment(py: Python<'_>, at: Option<At>, time: Option<Moment>) -> PyResult<CoreMoment> {
    match (at, time) {
        (None, None) => Ok(CoreMoment::Now),
        (Some(at), None) => Ok(at.0),
        (None, Some(time)) => Ok(time.0.into()),
        (Some(_), Some(_)) => Err(invalid(py, "both at and time are given: name one moment")),
    }
}

/// A row as it stood at some moment.
///
/// >>> import causelog
/// >>> log = causelog.ChangeLog.in_memory()
/// >>> _ = log.append(causelog.Change.insert("orders", 42, {"qty": 1}))
/// >>> row = log.state_at("orders", 42)
/// >>> row.row_id, row.value, row.lsn
/// (42, b'{"qty":1}', 1)
#[pyclass(module = "causelog", frozen)]
pub(crate) struct Row {
    core: Arc<CoreRow>,
}

impl Row {
    pub(crate) fn new(core: Arc<CoreRow>) -> Self {
        Row { core }
    }
}

#[pymethods]
impl Row {
    /// The row within its table.
    #[getter]
    fn row_id<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        row_id::to_python(py, &self.core.row_id)
    }

    /// Its payload: the ``after`` of the entry that made it so; None when that entry carries none.
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

    /// LSN of the entry that made it so.
    #[getter]
    fn lsn(&self) -> u64 {
        self.core.lsn
    }

    /// When that entry was made, to the microsecond, as an aware datetime in UTC.
    #[getter]
    fn timestamp<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDateTime>> {
        to_datetime(py, self.core.timestamp)
    }

    /// When that entry was made, in nanoseconds since the Unix epoch.
    #[getter]
    fn timestamp_ns(&self) -> i64 {
        self.core.timestamp.nanoseconds()
    }

    /// The identity of that entry: its node and sequence.
    #[getter]
    fn dot<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        dot::to_python(py, self.core.dot)
    }

    fn __eq__(&self, other: &Bound<'_, Row>) -> bool {
        self.core == other.get().core
    }

    fn __hash__(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.core.lsn, self.core.dot).hash(&mut hasher);
        hasher.finish()
    }

    fn __repr__(&self) -> String {
        let CoreRow { row_id, lsn, dot, .. } = &*self.core;
        format!("<Row {row_id} of LSN {lsn} by {dot}>")
    }
}

/// All rows of a table as they stood at one moment: a read-only mapping from row ids to rows.
///
/// Nothing that is appended later changes it. Its row ids come in ascending order. What is no
/// row id at all is refused like everywhere: ``snapshot[1.5]`` and ``1.5 in snapshot`` raise ``TypeError``.
///
/// >>> import causelog
/// >>> log = causelog.ChangeLog.in_memory()
/// >>> for qty in 2, 1, 3:
/// ...     _ = log.append(causelog.Change.insert("orders", qty, {"qty": qty}))
/// >>> _ = log.append(causelog.Change.delete("orders", 3))
/// >>> then, now = log.snapshot("orders", at=3), log.snapshot("orders")
/// >>> list(then), list(now)
/// ([1, 2, 3], [1, 2])
/// >>> 3 in now, now[1].value_json(), now.get(3)
/// (False, {'qty': 1}, None)
#[pyclass(module = "causelog", frozen, mapping)]
pub(crate) struct Snapshot {
    pub(crate) core: CoreSnapshot,
}

#[pymethods]
impl Snapshot {
    /// The table's name.
    #[getter]
    fn table(&self) -> &str {
        self.core.table()
    }

    /// Up to and including which LSN the log was read: the one that was asked for; for any
    /// other moment the last one that there was.
    #[getter]
    fn lsn(&self) -> u64 {
        self.core.lsn()
    }

    /// The row with this id; ``default`` if it was not there.
    #[pyo3(signature = (row_id, default=None, /))]
    fn get<'py>(
        &self,
        py: Python<'py>,
        row_id: RowIdArgument,
        default: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        or_default(py, self.core.get(&row_id.0).cloned(), default)
    }

    /// The row ids, ascending.
    fn keys<'py>(this: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        mapping_view(this, "KeysView")
    }

    /// The rows, ascending by row id.
    fn values<'py>(this: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        mapping_view(this, "ValuesView")
    }

    /// Row ids and rows, ascending by row id.
    fn items<'py>(this: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        mapping_view(this, "ItemsView")
    }

    fn __getitem__(&self, py: Python<'_>, row_id: RowIdArgument) -> PyResult<Row> {
        or_key_error(py, self.core.get(&row_id.0).cloned(), &row_id.0)
    }

    fn __contains__(&self, row_id: RowIdArgument) -> bool {
        self.core.get(&row_id.0).is_some()
    }

    fn __len__(&self) -> usize {
        self.core.len()
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        row_ids(py, &self.core)
    }

    fn __eq__(&self, other: &Bound<'_, Snapshot>) -> bool {
        self.core == other.get().core
    }

    fn __repr__(&self) -> String {
        let (table, lsn, rows) = (self.core.table(), self.core.lsn(), self.core.len());
        format!("<Snapshot of {table:?} at LSN {lsn}: {rows} rows>")
    }
}

/// What `get` returns.
pub(crate) fn or_default<'py>(
    py: Python<'py>,
    row: Option<Arc<CoreRow>>,
    default: Option<Bound<'py, PyAny>>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    row.map_or(Ok(default), |row| Ok(Some(Bound::new(py, Row::new(row))?.into_any())))
}

/// What indexing returns, or a `KeyError` with the row id.
pub(crate) fn or_key_error(py: Python<'_>, row: Option<Arc<CoreRow>>, row_id: &RowId) -> PyResult<Row> {
    match row {
        Some(row) => Ok(Row::new(row)),
        None => Err(PyKeyError::new_err((row_id::to_python(py, row_id)?.unbind(),))),
    }
}

/// An iterator over the row ids.
pub(crate) fn row_ids<'py>(py: Python<'py>, snapshot: &CoreSnapshot) -> PyResult<Bound<'py, PyAny>> {
    let ids = snapshot.iter().map(|row| row_id::to_python(py, &row.row_id));
    let ids = PyList::new(py, ids.collect::<PyResult<Vec<_>>>()?)?;
    Ok(ids.try_iter()?.into_any())
}

/// Python's own view of a mapping's keys, values or items.
pub(crate) fn mapping_view<'py>(this: &Bound<'py, Snapshot>, class: &str) -> PyResult<Bound<'py, PyAny>> {
    this.py().import("collections.abc")?.getattr(class)?.call1((this,))
}
