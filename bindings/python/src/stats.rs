use causelog::{ChangeLogStats as Core, TableStats as CoreTable, Timestamp};
use pyo3::prelude::*;
use pyo3::types::{PyDateTime, PyDict};

use crate::consumer::ConsumerStatus;
use crate::convert::moment::to_datetime;

/// What a log holds, in numbers.
#[pyclass(module = "causelog", frozen)]
pub(crate) struct ChangeLogStats {
    pub(crate) core: Core,
}

#[pymethods]
impl ChangeLogStats {
    /// Entries that are still there: changes of all transactions, the removed ones left out.
    #[getter]
    fn entries(&self) -> u64 {
        self.core.entries
    }

    /// Transactions, the empty ones among them.
    #[getter]
    fn transactions(&self) -> u64 {
        self.core.transactions
    }

    /// Transactions without a change: merges of what their authors had seen.
    #[getter]
    fn merges(&self) -> u64 {
        self.core.merges
    }

    /// Nodes that wrote at least one transaction.
    #[getter]
    fn nodes(&self) -> u64 {
        self.core.nodes
    }

    /// LSN of the first entry; 0 if there is none.
    #[getter]
    fn first_lsn(&self) -> u64 {
        self.core.first_lsn
    }

    /// LSN of the last entry; 0 if there is none.
    #[getter]
    fn last_lsn(&self) -> u64 {
        self.core.last_lsn
    }

    /// LSN of the last entry that would survive a loss of power; 0 if there is none.
    #[getter]
    fn durable_lsn(&self) -> u64 {
        self.core.durable_lsn
    }

    /// Segments that the log consists of.
    #[getter]
    fn segments(&self) -> u64 {
        self.core.segments
    }

    /// The earliest timestamp of any transaction, as an aware datetime in UTC; None if there is none.
    #[getter]
    fn oldest<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDateTime>>> {
        self.core.oldest.map(|moment| to_datetime(py, moment)).transpose()
    }

    /// The earliest timestamp, in nanoseconds since the Unix epoch.
    #[getter]
    fn oldest_ns(&self) -> Option<i64> {
        self.core.oldest.map(Timestamp::nanoseconds)
    }

    /// The latest timestamp of any transaction, as an aware datetime in UTC; None if there is none.
    #[getter]
    fn newest<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDateTime>>> {
        self.core.newest.map(|moment| to_datetime(py, moment)).transpose()
    }

    /// The latest timestamp, in nanoseconds since the Unix epoch.
    #[getter]
    fn newest_ns(&self) -> Option<i64> {
        self.core.newest.map(Timestamp::nanoseconds)
    }

    /// Bytes of all segments, their headers included; not those of their indexes.
    #[getter]
    fn bytes(&self) -> u64 {
        self.core.bytes
    }

    /// How far each consumer has come, by name, as a new list.
    #[getter]
    fn consumers(&self) -> Vec<ConsumerStatus> {
        self.core.consumers.iter().cloned().map(|core| ConsumerStatus { core }).collect()
    }

    /// Entries by table, as a new dict.
    #[getter]
    fn tables<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let tables = PyDict::new(py);
        for (name, table) in &self.core.tables {
            tables.set_item(name, Bound::new(py, TableStats { core: *table })?)?;
        }
        Ok(tables)
    }

    fn __eq__(&self, other: &Bound<'_, ChangeLogStats>) -> bool {
        self.core == other.get().core
    }

    fn __repr__(&self) -> String {
        let Core { entries, transactions, bytes, .. } = &self.core;
        format!("<ChangeLogStats entries={entries} transactions={transactions} bytes={bytes}>")
    }
}

/// Entries of one table by operation.
#[pyclass(module = "causelog", frozen)]
pub(crate) struct TableStats {
    core: CoreTable,
}

#[pymethods]
impl TableStats {
    /// Entries that insert a row.
    #[getter]
    fn inserts(&self) -> u64 {
        self.core.inserts
    }

    /// Entries that update a row.
    #[getter]
    fn updates(&self) -> u64 {
        self.core.updates
    }

    /// Entries that delete a row.
    #[getter]
    fn deletes(&self) -> u64 {
        self.core.deletes
    }

    /// Entries of all operations.
    #[getter]
    fn entries(&self) -> u64 {
        self.core.entries()
    }

    fn __eq__(&self, other: &Bound<'_, TableStats>) -> bool {
        self.core == other.get().core
    }

    fn __repr__(&self) -> String {
        let CoreTable { inserts, updates, deletes } = self.core;
        format!("<TableStats inserts={inserts} updates={updates} deletes={deletes}>")
    }
}
