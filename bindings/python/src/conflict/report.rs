use std::hash::{DefaultHasher, Hash, Hasher};

use causelog::{ConflictReport as Core, Uuid, Winner};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDateTime, PyTuple, PyType};

use crate::boundary::quick;
use crate::conflict::strategy;
use crate::convert::moment::to_datetime;
use crate::convert::payload::from_json;
use crate::convert::{dot, row_id};
use crate::entry::{self, ChangeEntry};
use crate::names::member;

/// Which entries disagreed, who won, by which strategy, and why.
///
/// Its JSON and text forms hold only what every replica agrees on: they come out the same
/// everywhere, byte for byte. Which side was local and when it was noticed are kept beside them.
#[pyclass(module = "causelog", frozen)]
pub(crate) struct ConflictReport {
    core: Core<'static>,
}

impl ConflictReport {
    pub(crate) fn new(core: Core<'static>) -> Self {
        ConflictReport { core }
    }

    pub(crate) fn core(&self) -> &Core<'static> {
        &self.core
    }
}

#[pymethods]
impl ConflictReport {
    /// The same on every replica: a hash of table, row and the entries' dots.
    #[getter]
    fn id(&self) -> Uuid {
        self.core.id()
    }

    /// The table of all entries.
    #[getter]
    fn table(&self) -> &str {
        &self.core.table
    }

    /// The row of all entries.
    #[getter]
    fn row_id<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        row_id::to_python(py, &self.core.row_id)
    }

    /// The kind of conflict, whichever side looks at it.
    #[getter]
    fn conflict_class(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        member(py, self.core.class)
    }

    /// The kind of conflict: short for ``conflict_class``.
    #[getter]
    fn r#type(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.conflict_class(py)
    }

    /// The entries that were resolved, in canonical order: the last is the latest.
    #[getter]
    fn heads<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        entry::tuple(py, self.core.heads.iter().map(|head| &**head))
    }

    /// The row's payload before the heads parted; None if it was not there, has none, or nothing is
    /// known of it, as to the plain detector.
    #[getter]
    fn ancestor<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        self.core.ancestor.as_deref().map(|payload| PyBytes::new(py, payload))
    }

    /// The payload before the heads parted, parsed; None if there is none.
    ///
    /// Raises:
    ///     InvalidArgumentError: if the payload is not JSON.
    fn ancestor_json<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        from_json(py, self.core.ancestor.as_deref())
    }

    /// How it was decided: a member of ``ConflictResolution``, or a dict where the strategy has parameters.
    #[getter]
    fn strategy<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        strategy::to_python(py, &self.core.strategy)
    }

    /// Which rule of the registry named the strategy; None if there was no registry.
    #[getter]
    fn rule(&self) -> Option<&str> {
        self.core.rule.as_deref()
    }

    /// The fingerprint of the registry that was in force; None if there was none.
    #[getter]
    fn registry(&self) -> Option<&str> {
        self.core.registry.as_deref()
    }

    /// The dot of the head that won, or a member of ``Winner``: ``merged`` or ``pending``.
    #[getter]
    fn winner<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        static WINNER: PyOnceLock<Py<PyType>> = PyOnceLock::new();
        match self.core.winner {
            Winner::Head(winner) => dot::to_python(py, winner),
            other => WINNER.import(py, "causelog.enums", "Winner")?.call1((other.to_string(),)),
        }
    }

    /// Whether the value is none of the heads' alone: it was put together, or is the resolver's own.
    #[getter]
    fn is_merged(&self) -> bool {
        self.core.winner == Winner::Merged
    }

    /// Whether somebody has to decide; the value is provisional until then.
    #[getter]
    fn is_pending(&self) -> bool {
        self.core.winner == Winner::Pending
    }

    /// Why, for machines.
    #[getter]
    fn reason_code(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        member(py, self.core.reason_code)
    }

    /// Why, for people.
    #[getter]
    fn reason(&self, py: Python<'_>) -> PyResult<String> {
        quick(py, || Ok(self.core.reason()))
    }

    /// The dot of the entry that has seen all heads and so settled the conflict; None while it stands.
    #[getter]
    fn settled_by<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.core.settled_by.map(|settled_by| dot::to_python(py, settled_by)).transpose()
    }

    /// When this was noticed, here, to the microsecond, as an aware datetime in UTC.
    #[getter]
    fn detected_at<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDateTime>> {
        to_datetime(py, self.core.detected_at)
    }

    /// When this was noticed, in nanoseconds since the Unix epoch.
    #[getter]
    fn detected_at_ns(&self) -> i64 {
        self.core.detected_at.nanoseconds()
    }

    /// The row's payload as resolved, provisionally so while pending; None if the row is deleted.
    #[getter]
    fn value<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        self.core.value().map(|payload| PyBytes::new(py, payload))
    }

    /// Whether the row is there as resolved.
    #[getter]
    fn leaves_live(&self) -> bool {
        self.core.leaves_live()
    }

    /// The payload as resolved, parsed; None if the row is deleted.
    ///
    /// Raises:
    ///     InvalidArgumentError: if the payload is not JSON.
    fn value_json<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        from_json(py, self.core.value())
    }

    /// The shape as the local side sees it; None unless the report is of a ``Conflict``, which has sides.
    #[getter]
    fn conflict_type(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        self.core.conflict_type().map(|shape| member(py, shape)).transpose()
    }

    /// The side that won; None if nobody did, or the report has no sides.
    #[getter]
    fn winning_side(&self, py: Python<'_>) -> PyResult<Option<Py<PyAny>>> {
        self.core.winning_side().map(|side| member(py, side)).transpose()
    }

    /// The entry that won; None if nobody did.
    #[getter]
    fn winning_entry(&self) -> Option<ChangeEntry> {
        self.core.winning_entry().map(|entry| ChangeEntry { core: entry.clone() })
    }

    /// The report as one line of compact JSON, the same on every replica, byte for byte.
    fn to_json(&self, py: Python<'_>) -> PyResult<String> {
        quick(py, || Ok(self.core.to_json()))
    }

    fn __str__(&self, py: Python<'_>) -> PyResult<String> {
        quick(py, || Ok(self.core.to_string()))
    }

    fn __eq__(&self, other: &Bound<'_, ConflictReport>) -> bool {
        self.core == other.get().core
    }

    fn __hash__(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.core.id(), self.core.settled_by).hash(&mut hasher);
        hasher.finish()
    }

    fn __repr__(&self) -> String {
        let Core { class, table, row_id, .. } = &self.core;
        format!("<ConflictReport {}: {class} on {table:?} {row_id}>", self.core.id())
    }
}
