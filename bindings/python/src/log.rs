mod keeping;
mod reading;

use std::path::PathBuf;
use std::sync::Arc;

use causelog::{ChangeLog as Core, Durability, LogOptions, Uuid};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::appended::Appended;
use crate::boundary::waiting;
use crate::change::{Change, Transaction, changes};
use crate::clock::VectorClock;
use crate::convert::dot::DotArgument;
use crate::convert::integer::Unsigned;
use crate::convert::moment::Span;
use crate::handle::{Handle, Source};
use crate::names::ByName;
use crate::stats::ChangeLogStats;
use crate::time::ManualTime;

/// An append-only log of row changes that knows what each of them had seen.
///
/// Open one with ``ChangeLog.open`` or make one with ``ChangeLog.in_memory``. It has one
/// writer handle at a time, and any number that only read beside it, in whichever process; all
/// methods of a handle may be called from several threads at once, and let other Python threads
/// run while they wait. It is a context manager that closes itself.
///
/// A transaction is visible and durable as a whole or not at all. An append that raises has
/// written nothing. After an ``InternalError`` or a failed sync the log is closed: every
/// call then raises ``ClosedError``, and opening it again finds all that was acknowledged.
///
/// >>> import causelog
/// >>> with causelog.ChangeLog.in_memory() as log:
/// ...     _ = log.append(causelog.Change.insert("orders", 42, {"qty": 1}))
/// ...     _ = log.append_transaction([
/// ...         causelog.Change.update("orders", 42, {"qty": 1}, {"qty": 2}),
/// ...         causelog.Change.insert("audit", "order-42", {"by": "alice"}),
/// ...     ])
/// ...     for entry in log.query(table="orders", row_id=42):
/// ...         print(entry.lsn, entry.operation, entry.after_json())
/// 1 insert {'qty': 1}
/// 2 update {'qty': 2}
#[pyclass(module = "causelog", frozen)]
pub(crate) struct ChangeLog {
    handle: Arc<Handle>,
}

impl ChangeLog {
    fn new(core: Core) -> Self {
        ChangeLog { handle: Arc::new(Handle::new(Source::Log(core))) }
    }

    /// The log of a replica, which closes with it.
    pub(crate) fn of_replica(handle: Arc<Handle>) -> Self {
        ChangeLog { handle }
    }
}

#[pymethods]
impl ChangeLog {
    /// Open the log in the directory ``path``, made if it is not there.
    ///
    /// Args:
    ///     path: the directory.
    ///     node: the identity that a new log takes, instead of a random one. A log that exists
    ///         keeps its own; naming one that it never had is refused.
    ///     durability: when an append returns: ``"sync"`` after the bytes have reached the disk,
    ///         ``"os"`` after they were handed to the operating system, ``"interval"`` like that,
    ///         but it is asked to put them on the disk whenever ``sync_interval`` has passed: by the
    ///         first append after that, or by ``maintain``.
    ///     sync_interval: how long entries may lie in the operating system's hands under the
    ///         durability ``"interval"``; 100 milliseconds unless told otherwise.
    ///     maximum_clock_skew: how far a remote timestamp may lie ahead of local time; 2 minutes
    ///         unless told otherwise.
    ///     segment_bytes: from how many bytes on a segment is sealed and the next one begun: 4096
    ///         to 2**30; 64 MiB unless told otherwise.
    ///     read_only: whether only to read: beside a writer in any process, and without one. Appends
    ///         then raise ``ReadOnlyError``, and what the writer appends is seen as it comes.
    ///     memory_map: whether to read sealed segments through a memory map instead of ``pread``, and to
    ///         write small transactions through one where appends do not sync. Scans then copy less and such
    ///         appends make no system call, but should the disk fail, or somebody cut a file from
    ///         outside, the process ends by a SIGBUS instead of getting an error. ``verify`` never reads so.
    ///     time: where the time comes from, instead of the system's clock.
    ///
    /// Raises:
    ///     LockedError: while another handle or process has it open for writing.
    ///     NotFoundError: when there is no log to read and ``read_only`` is set.
    ///     CorruptError: with file and offset, when it is damaged.
    ///     UnsupportedError: when a newer version wrote it.
    ///     InvalidArgumentError: when ``path`` is no directory, ``node`` another than the log's, or
    ///         an option out of range.
    ///     IoError, NoSpaceError, ReadOnlyError: when the operating system says so.
    ///
    /// >>> import causelog, tempfile
    /// >>> with tempfile.TemporaryDirectory() as directory:
    /// ...     with causelog.ChangeLog.open(directory) as log:
    /// ...         _ = log.append(causelog.Change.insert("orders", 42, {"qty": 1}))
    /// ...     with causelog.ChangeLog.open(directory) as log:
    /// ...         print(log.stats().entries)
    /// 1
    #[staticmethod]
    #[pyo3(
        signature = (
            path, *, node=None, durability=ByName(Durability::Sync), sync_interval=None, maximum_clock_skew=None,
            segment_bytes=None, read_only=false, memory_map=false, time=None
        ),
        text_signature = "(path, *, node=None, durability='sync', sync_interval=None, maximum_clock_skew=None, segment_bytes=None, read_only=False, memory_map=False, time=None)"
    )]
    #[allow(clippy::too_many_arguments)] // they are keywords to the caller
    fn open(
        py: Python<'_>,
        path: PathBuf,
        node: Option<Uuid>,
        durability: ByName<Durability>,
        sync_interval: Option<Span>,
        maximum_clock_skew: Option<Span>,
        segment_bytes: Option<Unsigned>,
        read_only: bool,
        memory_map: bool,
        time: Option<&Bound<'_, ManualTime>>,
    ) -> PyResult<Self> {
        let mut options = options(node, durability, sync_interval, maximum_clock_skew, segment_bytes, time);
        (options.read_only, options.memory_map) = (read_only, memory_map);
        waiting(py, || Core::open_with(path, options)).map(Self::new)
    }

    /// Make a log in memory, gone when its last reference is.
    ///
    /// It takes the options of ``open``, but for ``read_only`` and ``memory_map``, and is the same in all but that.
    #[staticmethod]
    #[pyo3(
        signature = (
            *, node=None, durability=ByName(Durability::Sync), sync_interval=None, maximum_clock_skew=None,
            segment_bytes=None, time=None
        ),
        text_signature = "(*, node=None, durability='sync', sync_interval=None, maximum_clock_skew=None, segment_bytes=None, time=None)"
    )]
    fn in_memory(
        py: Python<'_>,
        node: Option<Uuid>,
        durability: ByName<Durability>,
        sync_interval: Option<Span>,
        maximum_clock_skew: Option<Span>,
        segment_bytes: Option<Unsigned>,
        time: Option<&Bound<'_, ManualTime>>,
    ) -> PyResult<Self> {
        let options = options(node, durability, sync_interval, maximum_clock_skew, segment_bytes, time);
        waiting(py, || Core::in_memory(options)).map(Self::new)
    }

    /// The node whose changes this log records.
    #[getter]
    fn node(&self) -> Uuid {
        self.handle.core.node()
    }

    /// Nodes that this log was before: it takes a new identity whenever it is found to have
    /// lost the end of its file, because the dots that were there may be known elsewhere.
    #[getter]
    fn past_nodes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.handle.core.past_nodes())
    }

    /// The log's own identity, made with it: positions are positions of this log.
    #[getter]
    fn id(&self) -> Uuid {
        self.handle.core.id()
    }

    /// Record one change of this node as a transaction of its own.
    ///
    /// Raises:
    ///     What ``append_transaction`` raises.
    ///
    /// >>> import causelog
    /// >>> log = causelog.ChangeLog.in_memory()
    /// >>> log.append(causelog.Change.insert("orders", 42, {"qty": 1})).last_lsn
    /// 1
    fn append(&self, py: Python<'_>, change: &Bound<'_, Change>) -> PyResult<Appended> {
        let change = &change.get().core;
        waiting(py, || self.handle.core.append_borrowed(&[change])).map(Appended::new)
    }

    /// Record changes of this node together: all of them, or none.
    ///
    /// Their author is taken to have seen the whole log. Without changes this writes a merge:
    /// a transaction that only says what has been seen.
    ///
    /// Raises:
    ///     InvalidArgumentError, TooLargeError: for a change that ``Change.validate`` refuses, or
    ///         a transaction beyond 1 GiB.
    ///     NoSpaceError, IoError: when it could not be written.
    ///     ReadOnlyError: when the log was opened for reading only.
    ///     ClosedError: when the log is closed.
    fn append_transaction(&self, py: Python<'_>, changes: &Bound<'_, PyAny>) -> PyResult<Appended> {
        let changes = self::changes(changes)?;
        let lent: Vec<_> = changes.iter().map(|change| &change.get().core).collect();
        waiting(py, || self.handle.core.append_borrowed(&lent)).map(Appended::new)
    }

    /// Take in a transaction as it is, whoever wrote it.
    ///
    /// One that the log holds already is recognised by its dot and written no second time.
    ///
    /// Raises:
    ///     MissingDependencyError: when the log lacks something that its author had seen.
    ///     TruncatedError: when the log held that once and no longer knows its clock.
    ///     DotReuseError: when the log holds something else under one of its dots.
    ///     ClockSkewError: when its timestamp lies further ahead of local time than allowed.
    ///     InvalidArgumentError: when a dependency names no transaction, or they do not cover its
    ///         author's previous transaction.
    ///     And what ``append_transaction`` raises.
    fn append_remote(&self, py: Python<'_>, transaction: &Bound<'_, Transaction>) -> PyResult<Appended> {
        let transaction = transaction.get();
        waiting(py, || self.handle.core.append_remote(&transaction.core)).map(Appended::new)
    }

    /// The clock of everything in the log.
    ///
    /// Raises:
    ///     ClosedError: when the log is closed.
    fn frontier(&self, py: Python<'_>) -> PyResult<VectorClock> {
        waiting(py, || self.handle.core.frontier()).map(VectorClock::new)
    }

    /// What the author of this change had seen when making it, the change included.
    ///
    /// The dot of an empty transaction has a clock as well.
    ///
    /// Raises:
    ///     NotFoundError: when the log does not hold the dot.
    ///     TruncatedError: when it was removed.
    ///     ClosedError: when the log is closed.
    fn vector_clock(&self, py: Python<'_>, dot: DotArgument) -> PyResult<VectorClock> {
        waiting(py, || self.handle.core.vector_clock(dot.0)).map(VectorClock::new)
    }

    /// What the log holds, in numbers, and how far its consumers have come.
    ///
    /// Raises:
    ///     CorruptError: naming the file, when that of a consumer is damaged beyond use.
    ///     UnsupportedError, IoError: when one cannot be read.
    ///     ClosedError: when the log is closed.
    fn stats(&self, py: Python<'_>) -> PyResult<ChangeLogStats> {
        waiting(py, || self.handle.core.stats()).map(|core| ChangeLogStats { core })
    }

    /// How often the log has lost its end, and with it LSNs that were handed out: a position is one
    /// of this log and this epoch. What a ``Consumer`` was handed stays right in all of them.
    #[getter]
    fn epoch(&self) -> u64 {
        self.handle.core.epoch()
    }

    /// Return once all that was appended will survive a loss of power, whatever the durability.
    ///
    /// Raises:
    ///     IoError: when the operating system cannot promise it, which closes the log.
    ///     ReadOnlyError: when the log was opened for reading only.
    ///     ClosedError: when the log is closed.
    fn sync(&self, py: Python<'_>) -> PyResult<()> {
        waiting(py, || self.handle.core.sync())
    }

    /// Sync and close the log; every other call raises ``ClosedError`` from now on, also those
    /// of its cursors. Closing again does nothing.
    ///
    /// Raises:
    ///     IoError: when the last sync failed; the log is closed all the same.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        waiting(py, || self.handle.close())
    }

    fn __enter__(this: Py<Self>) -> Py<Self> {
        this
    }

    #[pyo3(signature = (_exc_type, _exc_value, _traceback, /))]
    fn __exit__(
        &self,
        py: Python<'_>,
        _exc_type: &Bound<'_, PyAny>,
        _exc_value: &Bound<'_, PyAny>,
        _traceback: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        self.close(py)
    }

    fn __repr__(&self) -> String {
        let state = if self.handle.is_closed() { ", closed" } else { "" };
        format!("<ChangeLog {} of node {}{state}>", self.handle.core.id(), self.handle.core.node())
    }
}

/// The options of a log that are the same in a directory and in memory.
pub(crate) fn options(
    node: Option<Uuid>,
    durability: ByName<Durability>,
    sync_interval: Option<Span>,
    maximum_clock_skew: Option<Span>,
    segment_bytes: Option<Unsigned>,
    time: Option<&Bound<'_, ManualTime>>,
) -> LogOptions {
    let mut options = LogOptions { node, durability: durability.0, ..LogOptions::default() };
    if let Some(interval) = sync_interval {
        options.sync_interval = interval.0;
    }
    if let Some(skew) = maximum_clock_skew {
        options.maximum_clock_skew = skew.0;
    }
    if let Some(bytes) = segment_bytes {
        options.segment_bytes = bytes.0;
    }
    if let Some(time) = time {
        options.time = time.get().source();
    }
    options
}
