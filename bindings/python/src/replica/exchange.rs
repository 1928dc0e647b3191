//! Two replicas give each other what they lack.

use causelog::{SkippedTransaction as CoreSkipped, SyncReport as CoreReport};
use pyo3::prelude::*;

use crate::boundary::waiting;
use crate::convert::dot;
use crate::replica::Replica;

/// What an exchange did.
#[pyclass(module = "causelog", frozen)]
pub(crate) struct SyncReport {
    core: CoreReport,
}

#[pymethods]
impl SyncReport {
    /// Transactions that the first replica got from the second.
    #[getter]
    fn received(&self) -> u64 {
        self.core.received
    }

    /// Transactions that the second replica got from the first.
    #[getter]
    fn sent(&self) -> u64 {
        self.core.sent
    }

    /// Transactions that the first could not take in.
    #[getter]
    fn skipped(&self) -> Vec<SkippedTransaction> {
        self.core.skipped.iter().map(|core| SkippedTransaction { core: core.clone() }).collect()
    }

    /// Transactions that the second could not take in.
    #[getter]
    fn refused(&self) -> Vec<SkippedTransaction> {
        self.core.refused.iter().map(|core| SkippedTransaction { core: core.clone() }).collect()
    }

    fn __eq__(&self, other: &Bound<'_, SyncReport>) -> bool {
        self.core == other.get().core
    }

    fn __repr__(&self) -> String {
        let CoreReport { received, sent, skipped, refused, .. } = &self.core;
        let (skipped, refused) = (skipped.len(), refused.len());
        format!("<SyncReport received={received} sent={sent} skipped={skipped} refused={refused}>")
    }
}

/// A transaction that could not be taken in, and why. Nothing of it was written; it can come again.
#[pyclass(module = "causelog", frozen)]
pub(crate) struct SkippedTransaction {
    core: CoreSkipped,
}

#[pymethods]
impl SkippedTransaction {
    /// The name of the transaction.
    #[getter]
    fn transaction<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        dot::to_python(py, self.core.transaction)
    }

    /// Why: the name of an error's code. ``CLOCK_SKEW`` when its time has not come yet, ``DOT_REUSE`` when
    /// the replica holds something else under its dots, ``MISSING_DEPENDENCY`` when it follows on one that was
    /// skipped, ``INVALID_ARGUMENT`` or ``TOO_LARGE`` when it cannot be right.
    #[getter]
    fn code(&self) -> &'static str {
        self.core.code.name()
    }

    /// The same for people.
    #[getter]
    fn message(&self) -> &str {
        &self.core.message
    }

    fn __eq__(&self, other: &Bound<'_, SkippedTransaction>) -> bool {
        self.core == other.get().core
    }

    fn __repr__(&self) -> String {
        format!("<SkippedTransaction {}: {}>", self.core.transaction, self.core.code)
    }
}

/// Exchange what two replicas lack: each gets what its frontier does not cover of the other's log, in that
/// log's order.
///
/// A transaction that cannot be taken in is reported and left out with all that follow on it; the rest goes
/// on. It stays where it is and comes again with the next exchange. Each transaction that was taken in is
/// there as a whole, also when an error ends the exchange.
///
/// Raises:
///     IoError, NoSpaceError, CorruptError: when a log cannot be read or written.
///     TruncatedError: when one lacks what the other has removed.
///     ResolverFailedError: within a resolver of one of them.
///     ClosedError: when one of them is closed.
///
/// >>> import causelog
/// >>> a, b = causelog.Replica.in_memory(), causelog.Replica.in_memory()
/// >>> _ = a.insert("orders", 1, "from a"), b.insert("orders", 2, "from b")
/// >>> causelog.sync(a, b)
/// <SyncReport received=1 sent=1 skipped=0 refused=0>
/// >>> a.rows("orders") == b.rows("orders")
/// True
#[pyfunction]
pub(crate) fn sync(py: Python<'_>, a: &Bound<'_, Replica>, b: &Bound<'_, Replica>) -> PyResult<SyncReport> {
    let (a, b) = (a.get().core(), b.get().core());
    waiting(py, || causelog::sync(a, b)).map(|core| SyncReport { core })
}
