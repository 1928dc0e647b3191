use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use causelog::{
    ChangeLog as Core, ChangeOperation, CompactionOptions, Durability, Error, ErrorCode, LogOptions,
    QueryOptions, RetentionPolicy, Uuid, VectorClock as CoreClock,
};
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple};

use crate::appended::Appended;
use crate::boundary::waiting;
use crate::change::{Change, Transaction, changes};
use crate::clock::{self, VectorClock};
use crate::consumer::{Consumer, ConsumerStatus};
use crate::convert::dot::DotArgument;
use crate::convert::integer::Unsigned;
use crate::convert::moment::{Moment, Span};
use crate::convert::row_id::RowIdArgument;
use crate::convert::text::Text;
use crate::cursor::{Cursor, TransactionCursor};
use crate::handle::Handle;
use crate::names::ByName;
use crate::removal::Removal;
use crate::stats::ChangeLogStats;
use crate::time::ManualTime;
use crate::time_travel::{self, At, Row, Snapshot};
use crate::verify::{SalvageReport, VerifyReport};
use crate::view::View;

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
        ChangeLog { handle: Arc::new(Handle::new(core)) }
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
            segment_bytes=None, read_only=false, time=None
        ),
        text_signature = "(path, *, node=None, durability='sync', sync_interval=None, maximum_clock_skew=None, segment_bytes=None, read_only=False, time=None)"
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
        time: Option<&Bound<'_, ManualTime>>,
    ) -> PyResult<Self> {
        let mut options = options(node, durability, sync_interval, maximum_clock_skew, segment_bytes, time);
        options.read_only = read_only;
        waiting(py, || Core::open_with(path, options)).map(Self::new)
    }

    /// Make a log in memory, gone when its last reference is.
    ///
    /// It takes the options of ``open``, but for ``read_only``, and is the same in all but that.
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
        let change = change.get();
        let change = std::slice::from_ref(&change.core);
        waiting(py, || self.handle.core.append_transaction(change)).map(Appended::new)
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
        waiting(py, || self.handle.core.append_transaction(changes)).map(Appended::new)
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

    /// The entries that all conditions allow, in the order of their LSNs.
    ///
    /// Args:
    ///     table: only entries of this table, or of these; of all tables if it is empty.
    ///     row_id: only entries of rows with this id.
    ///     operation: only entries with this operation.
    ///     node: only entries that this node made.
    ///     transaction: only entries of the transaction with this name: the dot of its last change.
    ///     unseen_by: only entries that this clock does not cover.
    ///     since: only entries after this LSN: the last one that was handled, or 0.
    ///     until: only entries up to and including this LSN.
    ///     since_time: only entries stamped after this moment. Do not checkpoint by time: several
    ///         entries can have one timestamp, and a remote one can arrive late. Use ``since``.
    ///     until_time: only entries stamped up to and including this moment.
    ///     limit: at most so many entries.
    ///     reverse: from the last entry to the first.
    ///
    /// Raises:
    ///     TruncatedError: with the first LSN that remains, when entries after ``since`` were removed by
    ///         retention; in reverse the cursor raises it, once it comes there. What compaction
    ///         removed is passed over.
    ///     CorruptError, IoError: when looking up ``transaction`` fails. What reading finds damaged,
    ///         the cursor raises.
    ///     ClosedError: when the log is closed.
    ///
    /// >>> import causelog
    /// >>> log = causelog.ChangeLog.in_memory()
    /// >>> for qty in 1, 2, 3:
    /// ...     _ = log.append(causelog.Change.insert("orders", qty, {"qty": qty}))
    /// >>> [entry.lsn for entry in log.query(table="orders", since=1, limit=1)]
    /// [2]
    #[pyo3(
        signature = (
            *, table=None, row_id=None, operation=None, node=None, transaction=None, unseen_by=None,
            since=Unsigned(0), until=None, since_time=None, until_time=None, limit=None, reverse=false
        ),
        text_signature = "($self, *, table=None, row_id=None, operation=None, node=None, transaction=None, unseen_by=None, since=0, until=None, since_time=None, until_time=None, limit=None, reverse=False)"
    )]
    #[allow(clippy::too_many_arguments)] // they are keywords to the caller
    fn query(
        &self,
        py: Python<'_>,
        table: Option<&Bound<'_, PyAny>>,
        row_id: Option<RowIdArgument>,
        operation: Option<ByName<ChangeOperation>>,
        node: Option<Uuid>,
        transaction: Option<DotArgument>,
        unseen_by: Option<&Bound<'_, VectorClock>>,
        since: Unsigned,
        until: Option<Unsigned>,
        since_time: Option<Moment>,
        until_time: Option<Moment>,
        limit: Option<Unsigned>,
        reverse: bool,
    ) -> PyResult<Cursor> {
        let options = QueryOptions {
            tables: table.map(tables).transpose()?.unwrap_or_default(),
            row_id: row_id.map(|row_id| row_id.0),
            operation: operation.map(|operation| operation.0),
            node,
            transaction: transaction.map(|dot| dot.0),
            unseen_by: unseen_by.map(|clock| clock.get().snapshot()),
            since: since.0,
            until: until.map(|until| until.0),
            since_time: since_time.map(|moment| moment.0),
            until_time: until_time.map(|moment| moment.0),
            limit: limit.map(|limit| limit.0),
            reverse,
        };
        let cursor = waiting(py, || self.handle.core.query(options))?;
        Ok(Cursor::new(self.handle.clone(), cursor))
    }

    /// Every entry of one row, oldest first, whatever its verdict. What compaction removed is passed over.
    ///
    /// Raises:
    ///     InvalidArgumentError: for an empty table name.
    ///     TruncatedError: when retention has removed the beginning of the log: ``query`` the row with
    ///         ``since`` then.
    ///     ClosedError: when the log is closed. What reading finds damaged, the cursor raises.
    ///
    /// >>> import causelog
    /// >>> log = causelog.ChangeLog.in_memory()
    /// >>> _ = log.append(causelog.Change.insert("orders", 42, {"qty": 1}))
    /// >>> _ = log.append(causelog.Change.insert("orders", 43, {"qty": 1}))
    /// >>> _ = log.append(causelog.Change.update("orders", 42, {"qty": 1}, {"qty": 2}))
    /// >>> [entry.lsn for entry in log.history("orders", 42)]
    /// [1, 3]
    fn history(&self, py: Python<'_>, table: Text, row_id: RowIdArgument) -> PyResult<Cursor> {
        let cursor = waiting(py, || self.handle.core.history(&table.0, row_id.0))?;
        Ok(Cursor::new(self.handle.clone(), cursor))
    }

    /// How one row stood at a moment; None if it was not there: not yet, or not any more.
    ///
    /// A row is what its entries made of it in log order. An entry with the verdict ``applied``,
    /// or with none, sets it, or removes it if it is a delete; a ``superseded`` one leaves it as
    /// it was; a ``merged`` one sets it to the entry's own ``after``: a log does not know the
    /// merged value, which no single entry carries.
    ///
    /// Args:
    ///     table: the table's name.
    ///     row_id: the row within the table.
    ///     at: an LSN, which is exact: the entries up to and including it; 0 is the empty log. Or
    ///         an aware datetime: the entries stamped up to and including it, in log order. Several
    ///         can have one timestamp, and a remote one can arrive late. Now if it is not given.
    ///     time: instead of ``at``, a time that may be as exact as timestamps are: nanoseconds since
    ///         the Unix epoch, or an aware datetime. An entry's ``timestamp`` as a datetime is cut off
    ///         below the microsecond, so it can lie before the entry; its ``timestamp_ns`` does not.
    ///
    /// Raises:
    ///     InvalidArgumentError: for an empty table name, an LSN beyond the last entry, or when both
    ///         ``at`` and ``time`` are given.
    ///     TruncatedError: when what decides it was removed.
    ///     ClosedError: when the log is closed.
    ///     CorruptError, IoError: when it cannot be read.
    ///
    /// >>> import causelog
    /// >>> log = causelog.ChangeLog.in_memory()
    /// >>> _ = log.append(causelog.Change.insert("orders", 42, {"qty": 1}))
    /// >>> _ = log.append(causelog.Change.update("orders", 42, {"qty": 1}, {"qty": 2}))
    /// >>> _ = log.append(causelog.Change.delete("orders", 42, {"qty": 2}))
    /// >>> log.state_at("orders", 42, at=1).value_json(), log.state_at("orders", 42, at=2).value_json()
    /// ({'qty': 1}, {'qty': 2})
    /// >>> print(log.state_at("orders", 42))
    /// None
    #[pyo3(signature = (table, row_id, at=None, *, time=None))]
    fn state_at(
        &self,
        py: Python<'_>,
        table: Text,
        row_id: RowIdArgument,
        at: Option<At>,
        time: Option<Moment>,
    ) -> PyResult<Option<Row>> {
        let at = time_travel::moment(py, at, time)?;
        let row = waiting(py, || self.handle.core.state_at(&table.0, row_id.0, at))?;
        Ok(row.map(|row| Row::new(Arc::new(row))))
    }

    /// How all rows of a table stood at a moment: each as ``state_at`` says, the absent ones left out.
    ///
    /// It reads every entry of the table up to that moment, and holds every row that is there in
    /// memory. A table that the log has never heard of is empty. For ``at`` and ``time`` see ``state_at``.
    ///
    /// Raises:
    ///     TruncatedError: when retention has removed the beginning of the log, or compaction entries
    ///         that counted at that moment.
    ///     And what ``state_at`` raises.
    #[pyo3(signature = (table, at=None, *, time=None))]
    fn snapshot(
        &self,
        py: Python<'_>,
        table: Text,
        at: Option<At>,
        time: Option<Moment>,
    ) -> PyResult<Snapshot> {
        let at = time_travel::moment(py, at, time)?;
        waiting(py, || self.handle.core.snapshot(&table.0, at)).map(|core| Snapshot { core })
    }

    /// A table of this log in memory, as it is now, to be refreshed when there is more.
    ///
    /// It reads every entry of the table once. A table that the log has never heard of is empty
    /// and may fill later.
    ///
    /// Raises:
    ///     InvalidArgumentError: for an empty table name.
    ///     TruncatedError: when retention has removed the beginning of the log.
    ///     ClosedError: when the log is closed.
    ///     CorruptError, IoError: when it cannot be read.
    fn materialise(&self, py: Python<'_>, table: Text) -> PyResult<View> {
        let core = waiting(py, || self.handle.core.materialise(&table.0))?;
        Ok(View::new(self.handle.clone(), core))
    }

    /// The whole transactions that someone whose clock is ``seen`` has not seen, in log order.
    ///
    /// Handed to another log's ``append_remote`` one after the other, they make it hold all
    /// that this one holds. What is handed out is durable: where appends return earlier than
    /// that, this syncs first.
    ///
    /// Raises:
    ///     TruncatedError: when some of it was removed.
    ///     IoError: when it cannot be made durable.
    ///     ClosedError: when the log is closed. What reading finds damaged, the cursor raises.
    #[pyo3(signature = (seen=None))]
    fn transactions(
        &self,
        py: Python<'_>,
        seen: Option<&Bound<'_, VectorClock>>,
    ) -> PyResult<TransactionCursor> {
        let seen = seen.map_or_else(CoreClock::new, |seen| seen.get().snapshot());
        let cursor = waiting(py, || self.handle.core.transactions(&seen))?;
        Ok(TransactionCursor::new(self.handle.clone(), cursor))
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

    /// Wait until the log holds an entry after ``lsn``, and return the LSN of its last one.
    ///
    /// A log opened for reading only waits for the writer, whichever process that is in. Signals
    /// are handled meanwhile, so that Ctrl-C ends it.
    ///
    /// Args:
    ///     lsn: the last entry that is known, or 0.
    ///     timeout: for how long at most.
    ///
    /// Raises:
    ///     TimeoutError: (``causelog.TimeoutError``) when none came in time.
    ///     CorruptError, IoError: when a log opened for reading only cannot read what was appended.
    ///     ClosedError: when the log is closed, also meanwhile.
    ///
    /// >>> import causelog, datetime, threading
    /// >>> log = causelog.ChangeLog.in_memory()
    /// >>> writer = threading.Thread(target=log.append, args=[causelog.Change.insert("orders", 42, {})])
    /// >>> writer.start()
    /// >>> log.wait(0, datetime.timedelta(seconds=60))
    /// 1
    /// >>> writer.join()
    fn wait(&self, py: Python<'_>, lsn: Unsigned, timeout: Span) -> PyResult<u64> {
        // In steps, so that an interrupt from the keyboard is not held up.
        let mut left = timeout.0;
        loop {
            let step = left.min(Duration::from_millis(100));
            left -= step;
            let outcome = waiting(py, || match self.handle.core.wait(lsn.0, step) {
                Err(error) if error.code() == ErrorCode::Timeout && !left.is_zero() => Ok(None),
                // The core knows of the last step only.
                Err(error) if error.code() == ErrorCode::Timeout => {
                    let message = format!("no entry after {} came within {:?}", lsn.0, timeout.0);
                    Err(Error::new(ErrorCode::Timeout, message))
                }
                outcome => outcome.map(Some),
            })?;
            match outcome {
                Some(last) => return Ok(last),
                None => py.check_signals()?,
            }
        }
    }

    /// Do what is due at ``now``: the sync of the durability ``"interval"``.
    ///
    /// Call it every so often when no appends come; appends do it by themselves. Under the other
    /// durabilities there is nothing to do.
    ///
    /// Args:
    ///     now: an aware datetime, or nanoseconds since the Unix epoch; the system's time unless given.
    ///
    /// Raises:
    ///     What ``sync`` raises.
    #[pyo3(signature = (now=None))]
    fn maintain(&self, py: Python<'_>, now: Option<Moment>) -> PyResult<()> {
        let now = now.map_or_else(|| causelog::TimeSource::now(&causelog::SystemTime), |now| now.0);
        waiting(py, || self.handle.core.maintain(now))
    }

    /// What was removed from the log, and why, oldest first.
    ///
    /// Raises:
    ///     ClosedError: when the log is closed.
    fn removals(&self, py: Python<'_>) -> PyResult<Vec<Removal>> {
        let removals = waiting(py, || self.handle.core.removals())?;
        Ok(removals.into_iter().map(|core| Removal { core }).collect())
    }

    /// Remove what these rules no longer keep, and say what that was: nothing, or one removal for
    /// each rule. What several of them remove is removed by the first.
    ///
    /// Entries are removed by whole segments, oldest first; so somewhat more is kept than the rules
    /// ask for, and the segment that is being written always. Whoever asks for what was removed
    /// gets ``TruncatedError`` with the first LSN that remains. ``removals`` keeps the record.
    ///
    /// Args:
    ///     max_age: entries older than this are removed, once all of their segment are. Without it
    ///         age does not matter.
    ///     max_bytes: while the segments take more bytes than this, the oldest is removed. Without
    ///         it size does not matter.
    ///     unread_bytes: entries that some consumer has not committed are kept, whatever the other
    ///         rules say, while they and all after them take no more than so many bytes. Unless
    ///         told otherwise nothing is removed that a consumer waits to read.
    ///
    /// Raises:
    ///     IoError, NoSpaceError: when the record could not be written; nothing is removed then.
    ///     CorruptError: when an index that has to be read or the position of a consumer is damaged.
    ///     ReadOnlyError: when the log was opened for reading only.
    ///     ClosedError: when the log is closed.
    ///
    /// >>> import causelog
    /// >>> log = causelog.ChangeLog.in_memory(segment_bytes=4096)
    /// >>> for number in range(100):
    /// ...     _ = log.append(causelog.Change.insert("orders", number, b"x" * 100))
    /// >>> [removal] = log.retain(max_bytes=8192)
    /// >>> removal.reason, removal.first_lsn, removal.last_lsn < log.stats().first_lsn
    /// (<RemovalReason.BYTES: 'bytes'>, 1, True)
    #[pyo3(signature = (*, max_age=None, max_bytes=None, unread_bytes=None))]
    fn retain(
        &self,
        py: Python<'_>,
        max_age: Option<Span>,
        max_bytes: Option<Unsigned>,
        unread_bytes: Option<Unsigned>,
    ) -> PyResult<Vec<Removal>> {
        let policy = RetentionPolicy {
            max_age: max_age.map(|age| age.0),
            max_bytes: max_bytes.map(|bytes| bytes.0),
            unread_bytes: unread_bytes.map_or(u64::MAX, |bytes| bytes.0),
        };
        let removals = waiting(py, || self.handle.core.retain(&policy))?;
        Ok(removals.into_iter().map(|core| Removal { core }).collect())
    }

    /// Remove entries that later ones of the same row have replaced, from all segments but the one
    /// that is being written, and say how many; None if there were none.
    ///
    /// A row keeps its newest choke point and everything after: an entry that every other entry of
    /// the row comes before or after, and that all of ``known`` have seen. A row without one keeps
    /// all. So its state, and how conflicts about it end, stay what they were; its history gets
    /// shorter. Takes memory for each row of these tables. Others read meanwhile; appends wait while
    /// segments are replaced. Consumers are not waited for: they pass over what is gone.
    ///
    /// Args:
    ///     table: only rows of this table, or of these; of all tables if it is empty.
    ///     known: the frontiers of all other replicas, as last heard of. What one of them has not
    ///         seen is kept, with all that is needed to resolve conflicts with it. Without any there
    ///         are taken to be none.
    ///
    /// Raises:
    ///     CorruptError: where the log is damaged.
    ///     IoError, NoSpaceError: when a file could not be written: what was compacted until then
    ///         stays so.
    ///     ReadOnlyError: when the log was opened for reading only.
    ///     ClosedError: when the log is closed.
    ///
    /// >>> import causelog
    /// >>> log = causelog.ChangeLog.in_memory(segment_bytes=4096)
    /// >>> for number in range(100):
    /// ...     _ = log.append(causelog.Change.update("orders", 42, None, b"x" * 100))
    /// >>> log.compact(table="orders").reason, log.stats().entries < 50
    /// (<RemovalReason.COMPACTION: 'compaction'>, True)
    #[pyo3(signature = (*, table=None, known=None))]
    fn compact(
        &self,
        py: Python<'_>,
        table: Option<&Bound<'_, PyAny>>,
        known: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Option<Removal>> {
        let options = CompactionOptions {
            tables: table.map(tables).transpose()?.unwrap_or_default(),
            known: known.map(clock::clocks).transpose()?.unwrap_or_default(),
        };
        let removal = waiting(py, || self.handle.core.compact(&options))?;
        Ok(removal.map(|core| Removal { core }))
    }

    /// Read all files of the log and check all that can be: checksums, and that what they hold fits
    /// together. Left out are the positions of consumers, which ``consumers`` checks.
    ///
    /// Others may append and read meanwhile. Damage is not an error but a finding: what opening finds
    /// damaged is an error of opening, so a log that is open is damaged where nobody has looked.
    /// Damage to what is derived, indexes and the checkpoint, loses nothing: remove the file, and
    /// the next opening for writing makes it again.
    ///
    /// Raises:
    ///     IoError: when something cannot be read.
    ///     ClosedError: when the log is closed.
    fn verify(&self, py: Python<'_>) -> PyResult<VerifyReport> {
        waiting(py, || self.handle.core.verify()).map(|core| VerifyReport { core })
    }

    /// Copy all that is intact of the log in the directory ``source`` into a new log in the
    /// directory ``target``.
    ///
    /// The damaged log is only read. The copy holds each transaction whose past is whole, under its
    /// own dot and clock, in the same order; it has an identity of its own, for other replicas may
    /// know more of the old one. LSNs are given out anew. Where nothing intact follows damage that
    /// can be found, the rest of that segment is lost. What depends on transactions that retention has
    /// removed, or that compaction has removed something of, is left out with them: of such a log
    /// commonly all. Verdicts and consumers are not copied.
    ///
    /// Raises:
    ///     NotFoundError: when ``source`` holds no segment.
    ///     AlreadyExistsError: when ``target`` holds a log.
    ///     LockedError: while somebody writes ``source``.
    ///     UnsupportedError: when a newer version wrote it.
    ///     IoError, NoSpaceError: when the operating system says so.
    #[staticmethod]
    fn salvage(py: Python<'_>, source: PathBuf, target: PathBuf) -> PyResult<SalvageReport> {
        waiting(py, || Core::salvage(source, target)).map(|core| SalvageReport { core })
    }

    /// The consumer with this name, made if there is none: it then stands before the first entry
    /// that ever was.
    ///
    /// Names have 1 to 100 letters, digits, ``.``, ``_`` and ``-``, all of ASCII.
    ///
    /// Raises:
    ///     InvalidArgumentError: for another name.
    ///     CorruptError: when its file is damaged beyond use.
    ///     UnsupportedError: when a newer version wrote it.
    ///     ReadOnlyError, NoSpaceError, IoError: when it would have to be made and cannot.
    ///     ClosedError: when the log is closed.
    fn consumer(&self, py: Python<'_>, name: Text) -> PyResult<Consumer> {
        let core = waiting(py, || self.handle.core.consumer(&name.0))?;
        Ok(Consumer::new(self.handle.clone(), core))
    }

    /// How far each consumer has come, by name.
    ///
    /// Raises:
    ///     CorruptError: naming the file, when one is damaged beyond use.
    ///     UnsupportedError, IoError: when one cannot be read.
    ///     ClosedError: when the log is closed.
    ///
    /// >>> import causelog
    /// >>> log = causelog.ChangeLog.in_memory()
    /// >>> _ = log.consumer("mailer")
    /// >>> log.consumers()
    /// [<ConsumerStatus "mailer" at 0, 0 behind>]
    fn consumers(&self, py: Python<'_>) -> PyResult<Vec<ConsumerStatus>> {
        let consumers = waiting(py, || self.handle.core.consumers())?;
        Ok(consumers.into_iter().map(|core| ConsumerStatus { core }).collect())
    }

    /// Remove a consumer and forget its position. Handles on it find that out when they commit.
    ///
    /// Raises:
    ///     NotFoundError: when there is none of this name.
    ///     InvalidArgumentError: when none can have it.
    ///     ReadOnlyError, IoError: when it cannot be removed.
    ///     ClosedError: when the log is closed.
    fn remove_consumer(&self, py: Python<'_>, name: Text) -> PyResult<()> {
        waiting(py, || self.handle.core.remove_consumer(&name.0))
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
fn options(
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

/// One table name or several.
fn tables(table: &Bound<'_, PyAny>) -> PyResult<Vec<String>> {
    if table.is_instance_of::<PyString>() {
        return table.extract().map(|Text(name)| vec![name]);
    }
    table.try_iter()?.map(|name| Ok(name?.extract::<Text>()?.0)).collect()
}
