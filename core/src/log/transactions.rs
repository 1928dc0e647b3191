use std::sync::Arc;

use crate::change::{Change, Transaction};
use crate::clock::VectorClock;
use crate::error::{Error, ErrorCode, Result};
use crate::id::Dot;
use crate::log::change_log::Inner;
use crate::log::dictionary::Dictionary;
use crate::log::ends::End;
use crate::log::frame::{Frame, Slot};
use crate::log::places::{Place, SegmentView};
use crate::log::scan::{Current, Scan};
use crate::time::Timestamp;

/// Whole transactions of a log in its order: what another log lacks.
///
/// Like a [`Cursor`](crate::Cursor) it sees the log as it was when it was asked for, and keeps it open. An item is
/// `CORRUPT` where the log is damaged, `TRUNCATED` when what comes next was removed meanwhile, `IO` or `CLOSED`; after an
/// error it has ended. It may be sent to another thread.
pub struct TransactionCursor {
    log: Arc<Inner>,
    seen: VectorClock,
    next_segment: Option<u64>,
    scan: Option<Scan>,
    /// Where it stops.
    end: End,
}

/// A transaction as the log holds it: changes that compaction removed are missing.
pub(super) struct Stored {
    /// Without changes.
    pub(super) transaction: Transaction,
    pub(super) changes: Vec<Option<Change>>,
}

impl Stored {
    /// Whether what is left of its changes is what stands there in `changes`.
    pub(super) fn is_part_of(&self, changes: &[Change]) -> bool {
        self.changes.len() == changes.len()
            && self
                .changes
                .iter()
                .zip(changes)
                .all(|(mine, theirs)| mine.as_ref().is_none_or(|mine| mine == theirs))
    }

    fn whole(self, place: &str) -> Result<Transaction> {
        let dot = self.transaction.dot();
        let changes: Option<Vec<Change>> = self.changes.into_iter().collect();
        let changes = changes.ok_or_else(|| {
            let message = format!("{place}: changes of transaction {dot} were removed");
            Error::new(ErrorCode::Truncated, message)
        })?;
        Ok(Transaction { changes, ..self.transaction })
    }
}

impl TransactionCursor {
    /// Transactions from the segment `first` on up to `end`.
    pub(super) fn new(log: Arc<Inner>, seen: VectorClock, first: u64, end: End) -> Self {
        let next_segment = (first <= end.segment).then_some(first);
        TransactionCursor { log, seen, next_segment, scan: None, end }
    }

    fn advance(&mut self) -> Result<Option<Transaction>> {
        loop {
            self.log.check_open()?;
            let Some(scan) = &mut self.scan else {
                let Some(number) = self.next_segment.take() else { return Ok(None) };
                self.next_segment = (number < self.end.segment).then_some(number + 1);
                let Some(mut view) = self.log.segment(number)? else { return Ok(None) };
                if number == self.end.segment {
                    view.end = view.end.min(self.end.offset);
                }
                self.scan = self.log.first_unseen(view, &self.seen)?;
                continue;
            };
            let Some(current) = scan.forward()? else {
                self.scan = None;
                continue;
            };
            if !self.seen.covers(Dot::new(current.id, current.sequence)) {
                return stored(scan, &current)?.whole(&self.log.place).map(Some);
            }
        }
    }
}

impl Iterator for TransactionCursor {
    type Item = Result<Transaction>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.scan.is_none() && self.next_segment.is_none() {
            return None;
        }
        let next = self.advance();
        if next.is_err() {
            (self.scan, self.next_segment) = (None, None);
        }
        next.transpose()
    }
}

impl Inner {
    /// A scan from the first transaction of a segment on that `seen` does not cover; `None` if it covers them all.
    fn first_unseen(&self, view: SegmentView, seen: &VectorClock) -> Result<Option<Scan>> {
        let last = self.last_sequences(&view)?;
        let mut first: Option<u64> = None;
        for ((_, id), (number, last)) in view.dictionary.nodes().iter().zip((0..).zip(last)) {
            let known = seen.get(*id);
            if last <= known {
                continue;
            }
            let near = self.author_point(&view, number, known + 1)?;
            let Some(near) = near else { continue };
            first = Some(first.map_or(near, |first: u64| first.min(near)));
        }
        let Some(first) = first else { return Ok(None) };
        let point = self.point_at_offset(&view, first)?;
        let mut scan = Scan::new(view);
        if let Some(point) = point {
            let lsn = scan.view.first_lsn() + u64::from(point.lsn);
            scan.start_at(u64::from(point.offset), lsn);
        }
        Ok(Some(scan))
    }

    /// A transaction as it lies in the log.
    pub(super) fn transaction(&self, place: &Place) -> Result<Stored> {
        let mut scan = Scan::new(place.view.clone());
        scan.start_at(place.offset, place.first_lsn);
        let current = scan.forward()?;
        let current = current.ok_or_else(|| Error::internal("a transaction lost its place"))?;
        stored(&mut scan, &current)
    }
}

fn stored(scan: &mut Scan, current: &Current) -> Result<Stored> {
    let (end, dictionary) = (scan.view.end, scan.view.dictionary.clone());
    let frames = scan.frames();
    let (frame, _, _) = frames.transaction(current.offset, end)?;
    let read = read(&frame, &dictionary, current);
    read.ok_or_else(|| frames.corrupt(current.offset, "the frame's content makes no sense"))
}

fn read(frame: &Frame<'_>, dictionary: &Dictionary, current: &Current) -> Option<Stored> {
    let dependencies =
        frame.dependencies().map(|(node, sequence)| Some(Dot::new(dictionary.node(node)?.1, sequence)));
    let mut dependencies = dependencies.collect::<Option<Vec<_>>>()?;
    dependencies.sort_unstable();
    let mut changes = Vec::new();
    let mut slots = frame.changes();
    while let Some(slot) = slots.next().ok()? {
        changes.push(match slot {
            Slot::Removed => None,
            Slot::Change(change) => Some(Change {
                table: dictionary.table(change.table)?.to_string(),
                row_id: change.row_id()?,
                operation: change.operation,
                before: change.before.map(<[u8]>::to_vec),
                after: change.after.map(<[u8]>::to_vec),
                metadata: change.metadata(),
            }),
        });
    }
    let transaction = Transaction {
        node: current.id,
        sequence: current.sequence,
        dependencies,
        timestamp: Timestamp::from_nanoseconds(current.timestamp),
        changes: Vec::new(),
    };
    Some(Stored { transaction, changes })
}

impl std::fmt::Debug for TransactionCursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TransactionCursor").field("seen", &self.seen).finish_non_exhaustive()
    }
}
