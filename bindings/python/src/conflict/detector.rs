use std::hash::{DefaultHasher, Hash, Hasher};

use causelog::{
    Conflict as CoreConflict, ConflictDetector as Core, ConflictResolution, ConflictType, Timestamp, Uuid,
};
use pyo3::prelude::*;
use pyo3::types::{PyDateTime, PyString};

use crate::boundary::quick;
use crate::conflict::report::ConflictReport;
use crate::conflict::row::RowResolution;
use crate::conflict::strategy::{self, Strategy};
use crate::convert::dot::DotArgument;
use crate::convert::moment::to_datetime;
use crate::convert::row_id;
use crate::entry::{self, ChangeEntry};
use crate::names::member;
use crate::time::ManualTime;

/// Finds conflicts between entries, and resolves sets of them by one strategy.
///
/// It needs no log: the entries carry all that it looks at. It has no state but its
/// settings, and may be used from several threads at once.
///
/// Args:
///     resolution: the strategy to resolve by: its name, or a dict where it has parameters; see
///         ``ConflictResolution``.
///     time: where the time that it notes down as ``detected_at`` comes from, instead of the
///         system's clock.
///
/// >>> import causelog
/// >>> here, there = causelog.ChangeLog.in_memory(), causelog.ChangeLog.in_memory()
/// >>> _ = here.append(causelog.Change.insert("orders", 42, {"qty": 1}))
/// >>> _ = there.append(causelog.Change.insert("orders", 42, {"qty": 2}))
/// >>> for transaction in there.transactions():
/// ...     _ = here.append_remote(transaction)
/// >>> local, remote = here.query(table="orders", row_id=42)
/// >>> detector = causelog.ConflictDetector()
/// >>> conflict = detector.detect(local, remote)
/// >>> conflict.conflict_type
/// <ConflictType.INSERT_INSERT: 'insert_insert'>
/// >>> detector.report(conflict).reason_code
/// <ReasonCode.LATER_TIMESTAMP: 'later_timestamp'>
#[pyclass(module = "causelog", frozen)]
pub(crate) struct ConflictDetector {
    core: Core,
}

#[pymethods]
impl ConflictDetector {
    #[new]
    #[pyo3(
        signature = (resolution=Strategy(ConflictResolution::LastWriteWins), *, time=None),
        text_signature = "(resolution='last_write_wins', *, time=None)"
    )]
    fn py_new(resolution: Strategy, time: Option<&Bound<'_, ManualTime>>) -> Self {
        let core = match time {
            Some(time) => Core::with_time(resolution.0, time.get().source()),
            None => Core::new(resolution.0),
        };
        ConflictDetector { core }
    }

    /// The strategy it resolves by.
    #[getter]
    fn resolution<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        strategy::to_python(py, self.core.resolution())
    }

    /// The conflict between these two entries; None if there is none.
    ///
    /// There is none when one author had seen the other's entry, when both are the same entry,
    /// and when both left the row in the same state (identical ``after``, two deletes among them).
    ///
    /// Raises:
    ///     InvalidArgumentError: when the entries are not of one row.
    ///     DotReuseError: when they have one dot but differ.
    fn detect(
        &self,
        py: Python<'_>,
        local: &Bound<'_, ChangeEntry>,
        remote: &Bound<'_, ChangeEntry>,
    ) -> PyResult<Option<Conflict>> {
        let detected = quick(py, || self.core.detect(&local.get().core, &remote.get().core))?;
        Ok(detected.map(|CoreConflict { conflict_type, detected_at, .. }| Conflict {
            local: local.clone().unbind(),
            remote: remote.clone().unbind(),
            conflict_type,
            detected_at,
        }))
    }

    /// Resolve a conflict between two entries and report it as its local side sees it.
    fn report(&self, py: Python<'_>, conflict: &Bound<'_, Conflict>) -> PyResult<ConflictReport> {
        let conflict = conflict.get().core();
        quick(py, || Ok(self.core.report(&conflict)?.into_owned())).map(ConflictReport::new)
    }

    /// Resolve a set of entries of one row, normally its concurrent heads, and report how.
    ///
    /// The order of the entries makes no difference, nor does one given twice.
    ///
    /// Args:
    ///     entries: at least two different ones.
    ///     settled_by: the dot of the entry that has seen them all, for the report of a settled
    ///         conflict; without it the report is of a standing one.
    ///
    /// Raises:
    ///     InvalidArgumentError: when there are too few, or they are not of one row.
    ///     DotReuseError: when two have one dot but differ.
    #[pyo3(signature = (entries, settled_by=None))]
    fn resolve(
        &self,
        py: Python<'_>,
        entries: &Bound<'_, PyAny>,
        settled_by: Option<DotArgument>,
    ) -> PyResult<ConflictReport> {
        let entries = entry::entries(entries)?;
        let cores = entries.iter().map(|entry| &entry.get().core);
        let settled_by = settled_by.map(|dot| dot.0);
        quick(py, || Ok(self.core.resolve(cores, settled_by)?.into_owned())).map(ConflictReport::new)
    }

    /// What a row is by all of its entries, given in any order, and every conflict that made it so.
    ///
    /// Each entry must come with all that its author had seen of the row: what is missing is taken
    /// never to have been.
    ///
    /// Raises:
    ///     InvalidArgumentError: when there is no entry, they are not of one row, or the strategy is
    ///         one that ``ConflictResolution.validate`` refuses.
    ///     DotReuseError: when two have one dot but differ.
    ///
    /// >>> import causelog
    /// >>> here, there = causelog.ChangeLog.in_memory(), causelog.ChangeLog.in_memory()
    /// >>> _ = here.append(causelog.Change.insert("orders", 42, {"qty": 1}))
    /// >>> _ = there.append(causelog.Change.insert("orders", 42, {"qty": 2}))
    /// >>> for transaction in there.transactions():
    /// ...     _ = here.append_remote(transaction)
    /// >>> _ = here.append(causelog.Change.delete("orders", 42, {"qty": 2}))
    /// >>> row = causelog.ConflictDetector().resolve_row(here.history("orders", 42))
    /// >>> row.is_live, row.standing, len(row.settled)
    /// (False, None, 1)
    fn resolve_row(&self, py: Python<'_>, entries: &Bound<'_, PyAny>) -> PyResult<RowResolution> {
        let entries = entry::entries(entries)?;
        let cores = entries.iter().map(|entry| &entry.get().core);
        quick(py, || self.core.resolve_row(cores)).map(|core| RowResolution { core })
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let text = PyString::new(py, &self.core.resolution().to_string());
        Ok(format!("ConflictDetector({})", text.repr()?.to_string_lossy()))
    }
}

/// Two concurrent entries of one row that disagree, as the side that has the first of them sees it.
#[pyclass(module = "causelog", frozen)]
pub(crate) struct Conflict {
    local: Py<ChangeEntry>,
    remote: Py<ChangeEntry>,
    conflict_type: ConflictType,
    detected_at: Timestamp,
}

impl Conflict {
    fn core(&self) -> CoreConflict<'_> {
        CoreConflict {
            conflict_type: self.conflict_type,
            local_entry: &self.local.get().core,
            remote_entry: &self.remote.get().core,
            detected_at: self.detected_at,
        }
    }
}

#[pymethods]
impl Conflict {
    /// The same on every replica and from both sides: a hash of table, row and the entries' dots.
    #[getter]
    fn id(&self) -> Uuid {
        self.core().id()
    }

    /// The local operation, then the remote one.
    #[getter]
    fn conflict_type(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        member(py, self.conflict_type)
    }

    /// The table of both entries.
    #[getter]
    fn table(&self) -> &str {
        self.core().table()
    }

    /// The row of both entries.
    #[getter]
    fn row_id<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        row_id::to_python(py, self.core().row_id())
    }

    /// The entry that was here, with its clock.
    #[getter]
    fn local_entry(&self, py: Python<'_>) -> Py<ChangeEntry> {
        self.local.clone_ref(py)
    }

    /// The entry that came, with its clock.
    #[getter]
    fn remote_entry(&self, py: Python<'_>) -> Py<ChangeEntry> {
        self.remote.clone_ref(py)
    }

    /// When this was noticed, here, to the microsecond, as an aware datetime in UTC.
    #[getter]
    fn detected_at<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDateTime>> {
        to_datetime(py, self.detected_at)
    }

    /// When this was noticed, in nanoseconds since the Unix epoch.
    #[getter]
    fn detected_at_ns(&self) -> i64 {
        self.detected_at.nanoseconds()
    }

    fn __eq__(&self, other: &Bound<'_, Conflict>) -> bool {
        self.core() == other.get().core()
    }

    fn __hash__(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.core().id().hash(&mut hasher);
        hasher.finish()
    }

    fn __repr__(&self) -> String {
        let conflict = self.core();
        let (id, table, row_id) = (conflict.id(), conflict.table(), conflict.row_id());
        format!("<Conflict {id}: {} on {table:?} {row_id}>", self.conflict_type)
    }
}
