//! Reading a log: entries, rows, transactions, consumers, and waiting for more.

use std::sync::Arc;
use std::time::Duration;

use causelog::{ChangeOperation, Error, ErrorCode, QueryOptions, Uuid, VectorClock as CoreClock};
use pyo3::prelude::*;

use crate::boundary::waiting;
use crate::clock::VectorClock;
use crate::consumer::{Consumer, ConsumerStatus};
use crate::convert::dot::DotArgument;
use crate::convert::integer::Unsigned;
use crate::convert::moment::{Moment, Span};
use crate::convert::row_id::RowIdArgument;
use crate::convert::text::{Text, texts};
use crate::cursor::{Cursor, TransactionCursor};
use crate::log::ChangeLog;
use crate::names::ByName;
use crate::time_travel::{self, At, Row, Snapshot};
use crate::view::View;

#[pymethods]
impl ChangeLog {
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
            tables: table.map(texts).transpose()?.unwrap_or_default(),
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
}
