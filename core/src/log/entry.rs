use std::fmt;

use parking_lot::Mutex;

use crate::causality::{Clock, NodeIndex};
use crate::change::{ChangeEntry, ChangeOperation, Metadata, Verdict};
use crate::clock::VectorClock;
use crate::error::Result;
use crate::id::{Dot, NodeId, RowId};
use crate::log::change_log::Inner;
use crate::log::clocks::ClockWalk;
use crate::log::frame::FrameChange;
use crate::log::frame_reader::corrupt;
use crate::log::places::{Place, SegmentView};
use crate::time::Timestamp;

/// One change as a log holds it, lent by the cursor that read it: nothing is copied,
/// and what costs something to work out is worked out when it is asked for.
///
/// ```
/// use causelog::{Change, ChangeLog, LogOptions, QueryOptions};
/// let log = ChangeLog::in_memory(LogOptions::default())?;
/// log.append(Change::insert("orders", 42, r#"{"qty":1}"#))?;
///
/// let mut cursor = log.query(QueryOptions::default())?;
/// let mut bytes = 0;
/// while let Some(entry) = cursor.next_entry()? {
///     bytes += entry.after.map_or(0, <[u8]>::len);
/// }
/// assert_eq!(bytes, 9);
/// # Ok::<(), causelog::Error>(())
/// ```
pub struct EntryRef<'a> {
    /// Its position in this log, from 1. Local: never compare it with another log's.
    pub lsn: u64,
    /// The node that made the change.
    pub node: NodeId,
    /// Which of that node's changes it is.
    pub sequence: u64,
    /// When the change was made, by its author's hybrid logical clock.
    pub timestamp: Timestamp,
    /// The name of the transaction it belongs to: the dot of that transaction's last change.
    pub transaction: Dot,
    /// The table's name.
    pub table: &'a str,
    /// What happened to the row.
    pub operation: ChangeOperation,
    /// The row's payload before the change, as its author saw it.
    pub before: Option<&'a [u8]>,
    /// The row's payload after the change.
    pub after: Option<&'a [u8]>,
    /// What the entry did to the row on arrival; `None` if nobody has judged it.
    pub verdict: Option<Verdict>,
    pub(super) change: FrameChange<'a>,
    pub(super) source: Source<'a>,
}

/// Where an entry was read, for what is worked out later.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) log: &'a Inner,
    pub(super) view: &'a SegmentView,
    pub(super) offset: u64,
    pub(super) first_lsn: u64,
    pub(super) change_count: u32,
    pub(super) author: NodeIndex,
    pub(super) clocks: &'a Mutex<EntryClocks>,
}

/// Where the last entry's clock came from: the next one's is often near.
#[derive(Default)]
pub(super) struct EntryClocks {
    walk: Option<ClockWalk>,
    /// The transaction that was asked for last, and its clock.
    told: Option<(Dot, Clock)>,
    last: Option<LastClock>,
}

/// The clock that was last written out with the nodes' identities.
struct LastClock {
    transaction: Dot,
    clock: Clock,
    whole: VectorClock,
}

impl EntryRef<'_> {
    /// The identity of the change: its node and sequence.
    pub fn dot(&self) -> Dot {
        Dot::new(self.node, self.sequence)
    }

    /// The row within the table.
    ///
    /// # Errors
    /// `CORRUPT` when the log does not hold one there.
    pub fn row_id(&self) -> Result<RowId> {
        self.change.row_id().ok_or_else(|| {
            corrupt(&self.source.view.open.name, self.source.offset, "the frame's content makes no sense")
        })
    }

    /// The row within the table, encoded as [`RowId::encode`] does.
    pub fn row_id_bytes(&self) -> &[u8] {
        self.change.row_id
    }

    /// Small strings for an audit.
    pub fn metadata(&self) -> Metadata {
        self.change.metadata()
    }

    /// What the author had seen when making the change, and the change itself.
    ///
    /// The clocks of the last 16384 transactions are at hand; that of an older one is worked out from at
    /// most its own segment, and then those after it cost little.
    ///
    /// # Errors
    /// `CORRUPT` when what has to be read for it is damaged, `IO`.
    pub fn vector_clock(&self) -> Result<VectorClock> {
        let Source { log, clocks, .. } = self.source;
        let mut clocks = clocks.lock();
        if let Some(last) = clocks.last.as_ref().filter(|last| last.transaction == self.transaction) {
            return Ok(last.whole.with_sequence(self.node, self.sequence));
        }
        let clock = self.clock_by(&mut clocks)?;
        let whole = match clocks.last.take().filter(|last| last.clock.shares_past(&clock)) {
            Some(last) => last.whole,
            None => clock.to_vector_clock(&log.nodes.read()),
        };
        let own = whole.with_sequence(self.node, self.sequence);
        clocks.last = Some(LastClock { transaction: self.transaction, clock, whole });
        Ok(own)
    }

    /// What the author had seen with the transaction, which is numbered like the log's nodes.
    pub(crate) fn clock(&self) -> Result<Clock> {
        self.clock_by(&mut self.source.clocks.lock())
    }

    fn clock_by(&self, clocks: &mut EntryClocks) -> Result<Clock> {
        let Source { log, view, offset, first_lsn, change_count, author, .. } = self.source;
        let sequence = self.transaction.sequence;
        // A walk is past a transaction once it has told its clock, which the next of its entries will want as well.
        if let Some((_, clock)) = clocks.told.as_ref().filter(|(told, _)| *told == self.transaction) {
            return Ok(clock.clone());
        }
        let clock = match log.kept_clock(author, sequence) {
            Some(clock) => clock,
            None => {
                let place = Place { view: view.clone(), offset, first_lsn, change_count, sequence };
                log.work_out(&mut clocks.walk, place)?
            }
        };
        clocks.told = Some((self.transaction, clock.clone()));
        Ok(clock)
    }

    /// The author's number in its log.
    pub(crate) fn author(&self) -> NodeIndex {
        self.source.author
    }

    /// The entry with all that belongs to it, to keep.
    ///
    /// # Errors
    /// As [`EntryRef::vector_clock`] and [`EntryRef::row_id`].
    pub fn to_entry(&self) -> Result<ChangeEntry> {
        Ok(ChangeEntry {
            lsn: self.lsn,
            node: self.node,
            sequence: self.sequence,
            vector_clock: self.vector_clock()?,
            timestamp: self.timestamp,
            transaction: self.transaction,
            table: self.table.to_owned(),
            row_id: self.row_id()?,
            operation: self.operation,
            before: self.before.map(<[u8]>::to_vec),
            after: self.after.map(<[u8]>::to_vec),
            verdict: self.verdict,
            metadata: self.metadata(),
        })
    }
}

impl fmt::Debug for EntryRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EntryRef")
            .field("lsn", &self.lsn)
            .field("dot", &self.dot())
            .field("table", &self.table)
            .field("operation", &self.operation)
            .finish_non_exhaustive()
    }
}
