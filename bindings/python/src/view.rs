use std::sync::Arc;

use causelog::View as Core;
use pyo3::prelude::*;

use crate::boundary::waiting;
use crate::convert::row_id::RowIdArgument;
use crate::handle::Handle;
use crate::time_travel::{Row, Snapshot, mapping_view, or_default, or_key_error, row_ids};

/// A table as the log makes it, in memory: a read-only mapping that takes in what is new when told to.
///
/// ``ChangeLog.materialise`` makes it. It maps row ids, in ascending order, to the rows as they
/// stood when it was last refreshed. Refreshing reads on from where it stopped before; after any
/// number of times the view is what a new snapshot at its LSN is.
///
/// It may be shared between threads: transactions show as a whole, and an iteration goes over
/// the rows as they were when it began. Calls in a row may see different refreshes; use
/// ``snapshot`` where they must agree. Once the log is closed it still shows what it had, and
/// refreshing raises ``ClosedError``.
///
/// >>> import causelog
/// >>> log = causelog.ChangeLog.in_memory()
/// >>> orders = log.materialise("orders")
/// >>> _ = log.append(causelog.Change.insert("orders", 42, {"qty": 1}))
/// >>> 42 in orders, orders.refresh(), 42 in orders
/// (False, 1, True)
/// >>> orders[42].value_json()
/// {'qty': 1}
#[pyclass(module = "causelog", frozen, mapping)]
pub(crate) struct View {
    core: Core,
    /// Keeps the log from being closed when nobody else holds it.
    _log: Arc<Handle>,
}

impl View {
    pub(crate) fn new(log: Arc<Handle>, core: Core) -> Self {
        View { core, _log: log }
    }

    fn shown<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, Snapshot>> {
        Bound::new(py, self.snapshot(py)?)
    }
}

#[pymethods]
impl View {
    /// Take in what the log has got since: whole transactions, up to the last one that there is
    /// now. Returns how many entries of the table these had, also those that changed no row.
    ///
    /// Raises:
    ///     TruncatedError: when entries that it has not taken in were removed by retention.
    ///     ClosedError: when the log is closed.
    ///     CorruptError, IoError: when it cannot be read. The view stays as it was.
    fn refresh(&self, py: Python<'_>) -> PyResult<u64> {
        waiting(py, || self.core.refresh())
    }

    /// The rows as they are shown now, which no refresh changes.
    fn snapshot(&self, py: Python<'_>) -> PyResult<Snapshot> {
        waiting(py, || Ok(self.core.snapshot())).map(|core| Snapshot { core })
    }

    /// The table's name.
    #[getter]
    fn table(&self) -> &str {
        self.core.table()
    }

    /// Up to and including which LSN the log has been taken in.
    #[getter]
    fn lsn(&self, py: Python<'_>) -> PyResult<u64> {
        waiting(py, || Ok(self.core.lsn()))
    }

    /// The row with this id; ``default`` if it is not there.
    #[pyo3(signature = (row_id, default=None, /))]
    fn get<'py>(
        &self,
        py: Python<'py>,
        row_id: RowIdArgument,
        default: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let row = waiting(py, || Ok(self.core.get(&row_id.0)))?;
        or_default(py, row, default)
    }

    /// The row ids as they are now, ascending.
    fn keys<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        mapping_view(&self.shown(py)?, "KeysView")
    }

    /// The rows as they are now, ascending by row id.
    fn values<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        mapping_view(&self.shown(py)?, "ValuesView")
    }

    /// Row ids and rows as they are now, ascending by row id.
    fn items<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        mapping_view(&self.shown(py)?, "ItemsView")
    }

    fn __getitem__(&self, py: Python<'_>, row_id: RowIdArgument) -> PyResult<Row> {
        let row = waiting(py, || Ok(self.core.get(&row_id.0)))?;
        or_key_error(py, row, &row_id.0)
    }

    fn __contains__(&self, py: Python<'_>, row_id: RowIdArgument) -> PyResult<bool> {
        waiting(py, || Ok(self.core.get(&row_id.0).is_some()))
    }

    fn __len__(&self, py: Python<'_>) -> PyResult<usize> {
        waiting(py, || Ok(self.core.len()))
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        row_ids(py, &waiting(py, || Ok(self.core.snapshot()))?)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let shown = waiting(py, || Ok(self.core.snapshot()))?;
        let (table, lsn, rows) = (shown.table(), shown.lsn(), shown.len());
        Ok(format!("<View of {table:?} at LSN {lsn}: {rows} rows>"))
    }
}
