//! One segment read in either direction: which frames, and which of their changes.

use std::ops::Range;
use std::sync::Arc;

use crate::causality::NodeIndex;
use crate::error::{Error, Result};
use crate::id::NodeId;
use crate::log::change_log::Inner;
use crate::log::format::SegmentHeader;
use crate::log::frame::{Changes, FrameChange, Left, Located, Slot};
use crate::log::frame_reader::FrameReader;
use crate::log::places::SegmentView;

/// How much of a segment is looked through at a time when reading backwards, in bytes: at first, and at most.
const LEAST_REGION: u64 = 16 * 1024;
const MOST_REGION: u64 = 256 * 1024;
/// So many bytes on, it is quicker to hop from frame to frame than to look up where an entry is.
const HOP: u64 = 8 * 1024;

/// The transactions of one segment, one after the other.
pub(super) struct Scan {
    pub(super) view: SegmentView,
    frames: FrameReader,
    /// Forwards: the next frame, and the LSN of its first entry.
    offset: u64,
    lsn: u64,
    /// Backwards: the frames of the region at hand that were not read yet, ascending, and where the region starts.
    region: Vec<(u64, u64)>,
    region_start: u64,
    region_length: u64,
}

/// The transaction that a scan has come to.
#[derive(Debug, Clone)]
pub(super) struct Current {
    pub(super) offset: u64,
    pub(super) first_lsn: u64,
    pub(super) author: NodeIndex,
    pub(super) id: NodeId,
    /// Its last sequence, and the one before its first.
    pub(super) sequence: u64,
    pub(super) previous: u64,
    pub(super) timestamp: i64,
    pub(super) change_count: u32,
    /// Where in the block its changes lie.
    changes: Range<usize>,
    left: Left,
    /// Which change comes next.
    next: u32,
}

impl Current {
    /// Whether all of its changes were read.
    pub(super) fn is_through(&self) -> bool {
        self.left == Left::default()
    }
}

impl Scan {
    pub(super) fn new(view: SegmentView) -> Self {
        let (frames, lsn) = (view.frames(), view.first_lsn());
        let start = SegmentHeader::LENGTH as u64;
        let end = view.end;
        Scan {
            view,
            frames,
            offset: start,
            lsn,
            region: Vec::new(),
            region_start: end,
            region_length: LEAST_REGION,
        }
    }

    /// Goes to the first frame with an entry after `lsn`, or an empty one before that.
    pub(super) fn seek(&mut self, log: &Inner, lsn: u64) -> Result<()> {
        if lsn < self.view.first_lsn() {
            return Ok(());
        }
        self.jump(log, lsn + 1)
    }

    /// Goes to where no more than a few frames come before the one with this LSN.
    fn jump(&mut self, log: &Inner, lsn: u64) -> Result<()> {
        if let Some(point) = log.point_at_lsn(&self.view, lsn)? {
            (self.offset, self.lsn) = (u64::from(point.offset), self.view.first_lsn() + u64::from(point.lsn));
        }
        Ok(())
    }

    /// Starts at a known frame.
    pub(super) fn start_at(&mut self, offset: u64, first_lsn: u64) {
        (self.offset, self.lsn) = (offset, first_lsn);
    }

    /// The next transaction in the order of the log.
    pub(super) fn forward(&mut self) -> Result<Option<Current>> {
        if self.offset >= self.view.end {
            return Ok(None);
        }
        let (current, next) = self.read(self.offset, self.lsn)?;
        (self.offset, self.lsn) = (next, self.lsn + u64::from(current.change_count));
        Ok(Some(current))
    }

    /// The transaction that holds this LSN of the segment.
    pub(super) fn holding(&mut self, log: &Inner, lsn: u64) -> Result<Option<Current>> {
        let point = log.point_at_lsn(&self.view, lsn)?;
        let ahead = point.is_some_and(|point| u64::from(point.offset) > self.offset + HOP);
        if lsn < self.lsn || ahead {
            self.jump(log, lsn)?;
        }
        while let Some(current) = self.forward()? {
            if lsn < current.first_lsn + u64::from(current.change_count) {
                // The next one asked for may be in the same transaction.
                (self.offset, self.lsn) = (current.offset, current.first_lsn);
                return Ok(Some(current));
            }
        }
        Ok(None)
    }

    /// Makes reading backwards start with the transaction that holds this LSN.
    pub(super) fn seek_back(&mut self, log: &Inner, lsn: u64) -> Result<()> {
        if lsn + 1 >= self.view.next_lsn {
            return Ok(());
        }
        self.jump(log, lsn)?;
        while self.lsn <= lsn && self.forward()?.is_some() {}
        self.region_start = self.offset;
        Ok(())
    }

    /// The transaction before the last one that this returned, or the last one at first.
    pub(super) fn backward(&mut self, log: &Inner) -> Result<Option<Current>> {
        let start = SegmentHeader::LENGTH as u64;
        while self.region.is_empty() {
            let end = self.region_start;
            if end <= start {
                return Ok(None);
            }
            let near = end.saturating_sub(self.region_length).max(start);
            self.region_length = (self.region_length * 2).min(MOST_REGION);
            let point = log.point_at_offset(&self.view, near)?;
            let point =
                point.map(|point| (u64::from(point.offset), self.view.first_lsn() + u64::from(point.lsn)));
            let (mut offset, mut lsn) = point.unwrap_or((start, self.view.first_lsn()));
            self.region_start = offset;
            self.frames.load(offset..end)?;
            while offset < end {
                self.region.push((offset, lsn));
                let (current, next) = self.read(offset, lsn)?;
                lsn += u64::from(current.change_count);
                offset = next;
            }
        }
        match self.region.pop() {
            None => Ok(None),
            Some((offset, lsn)) => Ok(Some(self.read(offset, lsn)?.0)),
        }
    }

    fn read(&mut self, offset: u64, first_lsn: u64) -> Result<(Current, u64)> {
        let (frame, changes, next) = self.frames.transaction(offset, self.view.end)?;
        let (number, sequence, previous) = (frame.author, frame.sequence, frame.previous());
        let (timestamp, change_count, left) = (frame.timestamp, frame.change_count, frame.changes().left());
        let Some((author, id)) = self.view.dictionary.node(number) else {
            return Err(self.frames.corrupt(offset, "the frame's content makes no sense"));
        };
        let current = Current {
            offset,
            first_lsn,
            author,
            id,
            sequence,
            previous,
            timestamp,
            change_count,
            changes,
            left,
            next: 0,
        };
        Ok((current, next))
    }

    /// The transaction's frame as it was written.
    pub(super) fn frames(&mut self) -> &mut FrameReader {
        &mut self.frames
    }

    /// Goes on to the next change that `wanted` takes, and says where it lies; `None` after the last.
    pub(super) fn next_change(
        &self,
        current: &mut Current,
        mut wanted: impl FnMut(&FrameChange<'_>, u32) -> bool,
    ) -> Result<Option<(Located, u32)>> {
        let bytes = self.frames.bytes(current.changes.clone());
        let mut changes = Changes::resume(bytes, current.left);
        loop {
            let number = current.next;
            match changes.next() {
                Err(()) => {
                    return Err(self.senseless(current));
                }
                Ok(None) => {
                    current.left = changes.left();
                    return Ok(None);
                }
                Ok(Some(Slot::Removed)) => current.next += 1,
                Ok(Some(Slot::Change(change))) => {
                    current.next += 1;
                    if wanted(&change, number) {
                        current.left = changes.left();
                        return Ok(Some((Changes::locate(bytes, &change), number)));
                    }
                }
            }
        }
    }

    /// Whether what comes next in the transaction is a change, and not a gap or the end.
    pub(super) fn has_change(&self, current: &Current) -> bool {
        Changes::resume(self.frames.bytes(current.changes.clone()), current.left).at_change()
    }

    /// The next change of the transaction, which has one: see [`Scan::has_change`].
    pub(super) fn take_change(&self, current: &mut Current) -> Result<(FrameChange<'_>, u32)> {
        let mut changes = Changes::resume(self.frames.bytes(current.changes.clone()), current.left);
        let Ok(Some(Slot::Change(change))) = changes.next() else {
            return Err(self.senseless(current));
        };
        let number = current.next;
        (current.left, current.next) = (changes.left(), number + 1);
        Ok((change, number))
    }

    /// The change that [`Scan::next_change`] said lies there.
    pub(super) fn change(&self, current: &Current, found: &Located) -> FrameChange<'_> {
        found.change(self.frames.bytes(current.changes.clone()))
    }

    /// The name of a change's table.
    pub(super) fn table(&self, current: &Current, change: &FrameChange<'_>) -> Result<&Arc<str>> {
        self.view.dictionary.table(change.table).ok_or_else(|| self.senseless(current))
    }

    fn senseless(&self, current: &Current) -> Error {
        self.frames.corrupt(current.offset, "the frame's content makes no sense")
    }
}
