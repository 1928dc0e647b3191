use std::sync::Arc;

use causelog::{Consumer as Core, ConsumerStatus as CoreStatus};
use pyo3::prelude::*;

use crate::boundary::waiting;
use crate::convert::integer::Unsigned;
use crate::entry::ChangeEntry;
use crate::handle::Handle;

/// A named reader of a log: it goes on where it stopped, also after a crash.
///
/// ``ChangeLog.consumer`` makes it. Its position is the LSN of the last entry that was
/// committed, kept in a file of its own beside the log. ``poll`` hands out what comes next,
/// ``commit`` says that it was dealt with. So every entry is handed out at least once; whoever
/// stores the position together with what it makes of the entries, and calls ``reset`` with it
/// at the start, deals with each exactly once.
///
/// Only whole transactions are handed out, and only durable ones: no loss of power takes back
/// what a consumer has seen.
///
/// It may be shared between threads; those that poll one handle share its entries between them.
/// Several handles on one name, in one process or several, also in logs opened for reading only,
/// each get all entries after the position that they found; of their commits none takes the
/// position back. Like a cursor it keeps its log open, and raises ``ClosedError`` once that is closed.
///
/// >>> import causelog
/// >>> log = causelog.ChangeLog.in_memory()
/// >>> for qty in 1, 2, 3:
/// ...     _ = log.append(causelog.Change.insert("orders", qty, {"qty": qty}))
/// >>> mailer = log.consumer("mailer")
/// >>> for entry in mailer.poll(2):
/// ...     print(entry.lsn, entry.after_json())
/// 1 {'qty': 1}
/// 2 {'qty': 2}
/// >>> mailer.commit(2)
/// >>> mailer.lag()
/// 1
/// >>> again = log.consumer("mailer")  # perhaps after a crash
/// >>> [entry.lsn for entry in again.poll(100)]
/// [3]
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

    /// LSN of the last entry that was committed, by whichever handle; 0 before the first.
    ///
    /// Raises:
    ///     NotFoundError: when the consumer was removed.
    ///     CorruptError: when its file is damaged beyond use.
    ///     IoError: when it cannot be read.
    ///     ClosedError: when the log is closed.
    fn position(&self, py: Python<'_>) -> PyResult<u64> {
        self.checked(py, Core::position)
    }

    /// What comes after what this handle has handed out last, or after the position when it was
    /// made: whole transactions with at most ``limit`` entries in all, or one that has more.
    ///
    /// The list is empty when there is nothing new; ``ChangeLog.wait`` waits for it. A position
    /// within a transaction hands out all of it again. Where appends return before they are
    /// durable, this syncs first when it has to. After an error the same entries come with the
    /// next call.
    ///
    /// Raises:
    ///     TruncatedError: with the first LSN that remains, when what comes next was removed;
    ///         ``reset`` to the one before goes on from there.
    ///     InvalidArgumentError: when ``limit`` is 0, and for a position beyond the end of a log
    ///         that has lost its end.
    ///     CorruptError, IoError: when the log cannot be read.
    ///     ClosedError: when the log is closed.
    #[pyo3(signature = (limit=Unsigned(1000)), text_signature = "($self, limit=1000)")]
    fn poll(&self, py: Python<'_>, limit: Unsigned) -> PyResult<Vec<ChangeEntry>> {
        let entries = self.checked(py, |core| core.poll(limit.0))?;
        Ok(entries.into_iter().map(|core| ChangeEntry { core }).collect())
    }

    /// Say that all entries up to and including ``lsn`` were dealt with: durable on return.
    ///
    /// This handle does not hand them out again.
    ///
    /// Raises:
    ///     InvalidArgumentError: naming both LSNs, for one before the position, to which only
    ///         ``reset`` goes back, and for one that is not in the log.
    ///     NotFoundError: when the consumer was removed.
    ///     ReadOnlyError, CorruptError: when its file does not allow it.
    ///     IoError, NoSpaceError: the position is then what it was, or ``lsn``.
    ///     ClosedError: when the log is closed.
    fn commit(&self, py: Python<'_>, lsn: Unsigned) -> PyResult<()> {
        self.checked(py, |core| core.commit(lsn.0))
    }

    /// How many LSNs the log has after the position: entries that are yet to commit, and ones
    /// that were removed before.
    ///
    /// Raises:
    ///     What ``position`` raises.
    fn lag(&self, py: Python<'_>) -> PyResult<u64> {
        self.checked(py, Core::lag)
    }

    /// Make ``lsn`` the position, back or forth: this handle goes on after it, and so do those
    /// that are made later. 0 is before the first entry.
    ///
    /// Raises:
    ///     InvalidArgumentError: for an LSN after the last durable one.
    ///     And what ``commit`` raises.
    fn reset(&self, py: Python<'_>, lsn: Unsigned) -> PyResult<()> {
        self.checked(py, |core| core.reset(lsn.0))
    }

    fn __repr__(&self) -> String {
        format!("<Consumer {:?}>", self.core.name())
    }
}

/// How far a consumer has come.
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

    fn __eq__(&self, other: &Bound<'_, ConsumerStatus>) -> bool {
        self.core == other.get().core
    }

    fn __repr__(&self) -> String {
        let CoreStatus { name, position, lag } = &self.core;
        format!("<ConsumerStatus {name:?} at {position}, {lag} behind>")
    }
}
