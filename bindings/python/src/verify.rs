use causelog::{Finding as CoreFinding, SalvageReport as CoreSalvage, VerifyReport as Core};
use pyo3::prelude::*;

use crate::boundary::quick;

/// Something that is damaged.
#[pyclass(module = "causelog", frozen)]
pub(crate) struct Finding {
    core: CoreFinding,
}

#[pymethods]
impl Finding {
    /// Name of the file.
    #[getter]
    fn file(&self) -> &str {
        &self.core.file
    }

    /// Where in it, in bytes; None where that cannot be told.
    #[getter]
    fn offset(&self) -> Option<u64> {
        self.core.offset
    }

    /// What is wrong, in words.
    #[getter]
    fn message(&self) -> &str {
        &self.core.message
    }

    fn __eq__(&self, other: &Bound<'_, Finding>) -> bool {
        self.core == other.get().core
    }

    fn __repr__(&self) -> String {
        format!("<Finding in {}: {}>", self.core.file, self.core.message)
    }
}

fn findings(findings: &[CoreFinding]) -> Vec<Finding> {
    findings.iter().map(|core| Finding { core: core.clone() }).collect()
}

/// What ``ChangeLog.verify`` found.
///
/// >>> import causelog
/// >>> log = causelog.ChangeLog.in_memory()
/// >>> _ = log.append(causelog.Change.insert("orders", 42, {"qty": 1}))
/// >>> report = log.verify()
/// >>> report.entries, report.is_intact, report.findings
/// (1, True, [])
#[pyclass(module = "causelog", frozen)]
pub(crate) struct VerifyReport {
    pub(crate) core: Core,
}

#[pymethods]
impl VerifyReport {
    /// Segments that were read.
    #[getter]
    fn segments(&self) -> u64 {
        self.core.segments
    }

    /// Transactions that are intact.
    #[getter]
    fn transactions(&self) -> u64 {
        self.core.transactions
    }

    /// Their entries, those that were removed left out.
    #[getter]
    fn entries(&self) -> u64 {
        self.core.entries
    }

    /// Bytes that were read and checked.
    #[getter]
    fn bytes(&self) -> u64 {
        self.core.bytes
    }

    /// What is damaged, in the order in which it was found.
    #[getter]
    fn findings(&self) -> Vec<Finding> {
        findings(&self.core.findings)
    }

    /// Whether nothing is damaged.
    #[getter]
    fn is_intact(&self) -> bool {
        self.core.is_intact()
    }

    /// Raise the first finding, if there is one.
    ///
    /// Raises:
    ///     CorruptError: when something is damaged.
    fn check(&self, py: Python<'_>) -> PyResult<()> {
        quick(py, || self.core.check())
    }

    fn __eq__(&self, other: &Bound<'_, VerifyReport>) -> bool {
        self.core == other.get().core
    }

    fn __repr__(&self) -> String {
        format!("<VerifyReport of {} entries, {} findings>", self.core.entries, self.core.findings.len())
    }
}

/// What ``ChangeLog.salvage`` has copied, and what it could not.
#[pyclass(module = "causelog", frozen)]
pub(crate) struct SalvageReport {
    pub(crate) core: CoreSalvage,
}

#[pymethods]
impl SalvageReport {
    /// Transactions that were copied.
    #[getter]
    fn transactions(&self) -> u64 {
        self.core.transactions
    }

    /// Their entries.
    #[getter]
    fn entries(&self) -> u64 {
        self.core.entries
    }

    /// Transactions that are intact and were left out, because something that they depend on is lost.
    #[getter]
    fn skipped_transactions(&self) -> u64 {
        self.core.skipped_transactions
    }

    /// What is damaged.
    #[getter]
    fn findings(&self) -> Vec<Finding> {
        findings(&self.core.findings)
    }

    fn __eq__(&self, other: &Bound<'_, SalvageReport>) -> bool {
        self.core == other.get().core
    }

    fn __repr__(&self) -> String {
        format!("<SalvageReport of {} transactions>", self.core.transactions)
    }
}
