//! Keeping a log: what is due, what is removed, what is damaged.

use std::path::PathBuf;

use causelog::{ChangeLog as Core, CompactionOptions, RetentionPolicy};
use pyo3::prelude::*;

use crate::boundary::waiting;
use crate::clock;
use crate::compression::CompressionReport;
use crate::convert::integer::Unsigned;
use crate::convert::moment::{Moment, Span};
use crate::convert::text::texts;
use crate::log::ChangeLog;
use crate::removal::Removal;
use crate::verify::{SalvageReport, VerifyReport};

#[pymethods]
impl ChangeLog {
    /// Do what is due at ``now``: the sync of the durability ``"interval"``.
    ///
    /// Call it every so often when no appends come; appends do it by themselves. Under the other
    /// durabilities there is nothing to do.
    ///
    /// Args:
    ///     now: an aware datetime, or nanoseconds since the Unix epoch, of the log's time.
    ///
    /// Raises:
    ///     What ``sync`` raises.
    fn maintain(&self, py: Python<'_>, now: Moment) -> PyResult<()> {
        waiting(py, || self.handle.core.maintain(now.0))
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
    /// ask for, and the segment that is being written unless all of it is too old. Whoever asks for what was removed
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
            tables: table.map(texts).transpose()?.unwrap_or_default(),
            known: known.map(clock::clocks).transpose()?.unwrap_or_default(),
        };
        let removal = waiting(py, || self.handle.core.compact(&options))?;
        Ok(removal.map(|core| Removal { core }))
    }

    /// Compress all segments that are not compressed yet, but the one that is being written and those
    /// that would hardly get shorter.
    ///
    /// They hold what they held: entries, LSNs, clocks and indexes stay, and cursors and views go on.
    /// Reading takes somewhat longer. What compaction rewrites of a compressed segment is compressed
    /// again. Nothing else compresses anything: call this every so often. Others read and append
    /// meanwhile; appends wait only while a finished file takes the place of the old one.
    ///
    /// Raises:
    ///     CorruptError: when the header of a segment is damaged.
    ///     IoError, NoSpaceError: when a file could not be written: what was compressed until then
    ///         stays so.
    ///     ReadOnlyError: when the log was opened for reading only.
    ///     ClosedError: when the log is closed.
    ///
    /// >>> import causelog
    /// >>> log = causelog.ChangeLog.in_memory(segment_bytes=4096)
    /// >>> for number in range(100):
    /// ...     _ = log.append(causelog.Change.insert("orders", number, {"status": "new", "customer": "alice"}))
    /// >>> report = log.compress()
    /// >>> report.segments > 0, report.bytes_after < report.bytes_before, log.stats().entries
    /// (True, True, 100)
    fn compress(&self, py: Python<'_>) -> PyResult<CompressionReport> {
        waiting(py, || self.handle.core.compress()).map(|core| CompressionReport { core })
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
}
