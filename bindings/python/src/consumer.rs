use std::sync::Arc;

use causelog::{Consumer as Core, ConsumerStatus as CoreStatus};
use pyo3::prelude::*;

use crate::boundary::waiting;
use crate::convert::integer::Unsigned;
use crate::entry::ChangeEntry;
use crate::handle::Handle;

/// A named reader of a log, whose position the log keeps.
///
/// ``ChangeLog.consumer`` gives one. It reads whole transactions that a loss of power would not
/// take back, each of them at least once; who keeps the position together with what was made
/// of the entries has each exactly once. It may be used from several threads at once: each
/// entry goes to one of them.
#[pyclass(module = "causelog", frozen)]
pub(crate) struct Consumer {
    log: Arc<Handle>,
    core: Core,
}

impl Consumer {
    pub(crate) fn new(log: Arc<Handle>, core: Core) -> Self {
        Consumer { log, core }
    }

    fn checked<T: Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&Core) -> causelog::Result<T> + Send,
    ) -> PyResult<T> {
        waiting(py, || {
            self.log.check_open()?;
            work(&self.core)
        })
    }
}

#[pymethods]
impl Consumer {
    /// Its name.
    #[getter]
    fn name(&self) -> &str {
        self.core.name()
    }

    /// The LSN that was committed last; 0 before the first.
    ///
    /// Raises:
    ///     NotFoundError: when it was removed.
    ///     ClosedError: when the log is closed.
    fn position(&self, py: Python<'_>) -> PyResult<u64> {
        self.checked(py, Core::position)
    }

    /// The next entries after those that this handle polled last; none when there is nothing new.
    ///
    /// About as many as ``limit``, but whole transactions: more if the first one is longer.
    ///
    /// Raises:
    ///     TruncatedError: when what comes next was removed, with the first LSN that remains.
    ///     InvalidArgumentError: for a limit of 0.
    ///     ClosedError: when the log is closed.
    #[pyo3(signature = (limit=Unsigned(1000)), text_signature = "($self, limit=1000)")]
    fn poll(&self, py: Python<'_>, limit: Unsigned) -> PyResult<Vec<ChangeEntry>> {
        let entries = self.checked(py, |core| core.poll(limit.0))?;
        Ok(entries.into_iter().map(|core| ChangeEntry { core }).collect())
    }

    /// Keep that all up to this LSN has been handled. It is durable when this returns.
    ///
    /// Raises:
    ///     InvalidArgumentError: for an LSN below the committed one, or beyond what is durable.
    ///     NotFoundError: when the consumer was removed.
    ///     ClosedError: when the log is closed.
    fn commit(&self, py: Python<'_>, lsn: Unsigned) -> PyResult<()> {
        self.checked(py, |core| core.commit(lsn.0))
    }

    /// How many LSNs lie between the committed one and the log's last.
    ///
    /// Raises:
    ///     NotFoundError: when the consumer was removed.
    ///     ClosedError: when the log is closed.
    fn lag(&self, py: Python<'_>) -> PyResult<u64> {
        self.checked(py, Core::lag)
    }

    /// Go on after another LSN, forwards or back.
    ///
    /// Raises:
    ///     InvalidArgumentError: for an LSN beyond what is durable.
    ///     NotFoundError: when the consumer was removed.
    ///     ClosedError: when the log is closed.
    fn reset(&self, py: Python<'_>, lsn: Unsigned) -> PyResult<()> {
        self.checked(py, |core| core.reset(lsn.0))
    }

    fn __repr__(&self) -> String {
        format!("<Consumer {:?}>", self.core.name())
    }
}

/// A consumer as ``ChangeLog.consumers`` lists it.
#[pyclass(module = "causelog", frozen)]
pub(crate) struct ConsumerStatus {
    pub(crate) core: CoreStatus,
}

#[pymethods]
impl ConsumerStatus {
    /// Its name.
    #[getter]
    fn name(&self) -> &str {
        &self.core.name
    }

    /// The LSN that was committed last; 0 before the first.
    #[getter]
    fn position(&self) -> u64 {
        self.core.position
    }

    /// How many LSNs lie between that and the log's last.
    #[getter]
    fn lag(&self) -> u64 {
        self.core.lag
    }

    fn __repr__(&self) -> String {
        let CoreStatus { name, position, lag } = &self.core;
        format!("<ConsumerStatus {name:?} at {position}, {lag} behind>")
    }
}
