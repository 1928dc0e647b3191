//! Everything that a log holds, read and checked.

use crate::error::{Error, ErrorCode, Result};
use crate::log::change_log::{ChangeLog, Inner};
use crate::log::format::{
    self, CHECKPOINT_FILE, Checkpoint, IDENTITY_FILE, Identity, MANIFEST_FILE, Manifest, SegmentHeader,
    Slots, UNSYNCED_FILE, Unsynced,
};
use crate::log::frame::{Body, Frame, Slot};
use crate::log::opening::contents;
use crate::log::places::SegmentView;
use crate::log::segment;

/// How often `ends` is looked at before what it says is taken for damaged.
const ENDS_LOOKS: usize = 10;

/// What [`ChangeLog::verify`] found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VerifyReport {
    /// Segments that were read.
    pub segments: u64,
    /// Transactions that are intact.
    pub transactions: u64,
    /// Their entries, those that were removed left out.
    pub entries: u64,
    /// Bytes that were read and checked.
    pub bytes: u64,
    /// What is damaged, in the order in which it was found.
    pub findings: Vec<Finding>,
}

/// Something that is damaged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Name of the file.
    pub file: String,
    /// Where in it, in bytes, as far as that can be told.
    pub offset: Option<u64>,
    /// What is wrong, in words.
    pub message: String,
}

impl VerifyReport {
    /// Whether nothing is damaged.
    pub fn is_intact(&self) -> bool {
        self.findings.is_empty()
    }

    /// Nothing, or the first finding as an error.
    ///
    /// # Errors
    /// `CORRUPT` when something is damaged.
    pub fn check(&self) -> Result<()> {
        match self.findings.first() {
            None => Ok(()),
            Some(finding) => Err(Error::new(ErrorCode::Corrupt, finding.message.clone())),
        }
    }

    fn add(&mut self, other: VerifyReport) {
        self.segments += other.segments;
        self.transactions += other.transactions;
        self.entries += other.entries;
        self.bytes += other.bytes;
        self.findings.extend(other.findings);
    }

    fn find(&mut self, file: &str, offset: Option<u64>, error: &Error) {
        self.findings.push(Finding { file: file.to_owned(), offset, message: error.message().to_owned() });
    }
}

impl ChangeLog {
    /// Reads all files of the log and checks all that can be: checksums, and that what they hold fits together. Of the two
    /// positions that the file of a consumer holds one may be damaged: the other one counts then.
    ///
    /// ```
    /// use causelog::{Change, ChangeLog, LogOptions};
    /// let log = ChangeLog::in_memory(LogOptions::default())?;
    /// log.append(Change::insert("orders", 42, "new"))?;
    /// let report = log.verify()?;
    /// report.check()?;
    /// assert_eq!((report.segments, report.entries), (1, 1));
    /// # Ok::<(), causelog::Error>(())
    /// ```
    ///
    /// Others may append and read meanwhile. What opening finds damaged is an error of opening; a log that is open is
    /// damaged where nobody has looked. Damage to what is derived, indexes and the checkpoint, loses nothing: remove
    /// the file, and the next opening for writing makes it again.
    ///
    /// # Errors
    /// `IO` when something cannot be read; `CLOSED`. Damage is not an error but a finding: see [`VerifyReport::check`].
    pub fn verify(&self) -> Result<VerifyReport> {
        let log = &*self.inner;
        log.check_open()?;
        log.refresh()?;
        let mut report = VerifyReport::default();
        log.verify_small_files(&mut report)?;
        let (first, last) = {
            let state = log.state.read();
            (state.first_segment(), state.active.number())
        };
        for number in first..=last {
            let mut found = log.verify_number(number)?;
            // What is removed or replaced meanwhile looks like damage, once: another look tells.
            if !found.findings.is_empty() {
                log.segments.forget(number);
                log.refresh()?;
                found = log.verify_number(number)?;
            }
            if number >= log.state.read().first_segment() {
                report.add(found);
            }
        }
        Ok(report)
    }
}

impl VerifyReport {
    /// Makes damage a finding; any other error stays one.
    fn damaged(&mut self, file: &str, offset: Option<u64>, error: Error) -> Result<()> {
        if !matches!(error.code(), ErrorCode::Corrupt | ErrorCode::Unsupported | ErrorCode::NotFound) {
            return Err(error);
        }
        // One damaged block of a compressed segment is in the way of many frames.
        if self.findings.last().is_none_or(|last| last.message != error.message()) {
            self.find(file, offset, &error);
        }
        Ok(())
    }
}

impl Inner {
    /// Checks the segment with this number; an empty report if it was removed.
    fn verify_number(&self, number: u64) -> Result<VerifyReport> {
        self.check_open()?;
        let mut report = VerifyReport::default();
        match self.segment(number) {
            Ok(Some(view)) => self.verify_segment(&view, &mut report)?,
            Ok(None) => {}
            Err(error) if error.code() == ErrorCode::Truncated => {}
            Err(error) => report.damaged(&format::segment_file(number), None, error)?,
        }
        Ok(report)
    }

    fn verify_small_files(&self, report: &mut VerifyReport) -> Result<()> {
        let names = self.storage.list()?;
        let mut check = |name: &str, decode: &dyn Fn(&[u8]) -> Result<()>| {
            let outcome = self.storage.open(name).and_then(|file| {
                let bytes = contents(&*file)?;
                report.bytes += bytes.len() as u64;
                decode(&bytes)
            });
            match outcome {
                // What was removed since is no damage, but for what every log has.
                Err(error)
                    if error.code() != ErrorCode::NotFound
                        || [IDENTITY_FILE, MANIFEST_FILE].contains(&name) =>
                {
                    report.damaged(name, Some(0), error)
                }
                _ => Ok(()),
            }
        };
        check(IDENTITY_FILE, &|bytes| Identity::decode(bytes).map(drop))?;
        check(MANIFEST_FILE, &|bytes| Manifest::decode(bytes).map(drop))?;
        for name in &names {
            match name.as_str() {
                CHECKPOINT_FILE => check(name, &|bytes| Checkpoint::decode(bytes).map(drop))?,
                UNSYNCED_FILE => check(name, &|bytes| Unsynced::decode(bytes).map(drop))?,
                // One of its two positions may be torn by a process that ended while it wrote it: the other one counts.
                _ if format::consumer_of_file(name).is_some() => {
                    check(name, &|bytes| Slots::decode(bytes, self.identity.log, name).map(drop))?;
                }
                _ => {}
            }
        }
        let active = self.state.read().active.open.clone();
        let tail = format::tail_file(active.header.number);
        if names.contains(&tail) {
            let checked =
                segment::open_index(&*self.storage, &tail, &active.header).and_then(|index| index.verify());
            if let Err(error) = checked
                && error.code() != ErrorCode::NotFound
            {
                report.damaged(&tail, None, error)?;
            }
        }
        // A writer that was interrupted between a number and its check goes on in a moment.
        let settled = (0..ENDS_LOOKS).any(|_| self.ends.verify().is_ok());
        if !settled && let Err(error) = self.ends.verify() {
            report.damaged(crate::log::ends::ENDS_FILE, None, error)?;
        }
        Ok(())
    }

    fn verify_segment(&self, view: &SegmentView, report: &mut VerifyReport) -> Result<()> {
        report.segments += 1;
        let name = view.open.name.clone();
        // What is open was read once; what is on the disk now is another matter.
        if let Err(error) = segment::OpenSegment::open(&*self.storage, view.number(), self.identity.log) {
            report.damaged(&name, Some(0), error)?;
        }
        let mut walk = Walk { transactions: 0, entries: 0, removed: 0, last: self.first_sequences(view)? };
        let mut frames = view.open.frames_on_disk();
        let mut offset = SegmentHeader::LENGTH as u64;
        let mut whole = true;
        while offset < view.end {
            let checked =
                frames.transaction(offset, view.end).map(|(frame, _, next)| (walk.take(&frame, view), next));
            match checked {
                Ok((true, next)) => offset = next,
                Ok((false, next)) => {
                    let error = frames.corrupt(offset, "the frame's content makes no sense");
                    report.damaged(&name, Some(offset), error)?;
                    (whole, offset) = (false, next);
                }
                Err(error) => {
                    report.damaged(&name, Some(offset), error)?;
                    whole = false;
                    // The index knows where a later frame starts.
                    match self.next_point(view, offset)? {
                        Some(next) => offset = next,
                        None => break,
                    }
                }
            }
        }
        report.bytes += view.open.bytes(view.end);
        report.transactions += walk.transactions;
        report.entries += walk.entries - walk.removed;
        if let Some(index) = view.open.index.as_ref().filter(|index| index.summary().sealed) {
            let length = view.open.file.length()?;
            let seal = frames.probe(view.end, length).map(|found| match found {
                Some((Body::Seal(seal), next)) => Some((seal.transactions, seal.entries, next)),
                _ => None,
            });
            let expected = (index.summary().transactions, index.summary().entries, length);
            let counted = !whole || (walk.transactions, walk.entries) == (expected.0, expected.1);
            match seal {
                Ok(Some(seal)) if seal == expected && counted => {}
                Ok(_) => {
                    let error = frames.corrupt(view.end, "the seal does not say what the segment holds");
                    report.damaged(&name, Some(view.end), error)?;
                }
                Err(error) => report.damaged(&name, Some(view.end), error)?,
            }
            let file = format::index_file(view.number());
            let again = segment::open_index(&*self.storage, &file, &view.open.header);
            if let Err(error) = again.and_then(|index| index.verify()) {
                report.damaged(&file, None, error)?;
            }
        }
        Ok(())
    }

    /// The highest sequence of each node of a segment's dictionary before it.
    fn first_sequences(&self, view: &SegmentView) -> Result<Vec<u64>> {
        match &view.open.index {
            Some(index) if index.summary().sealed => {
                let known = index.dictionary()?;
                Ok(known.nodes.iter().take(known.length as usize).map(|span| span.before).collect())
            }
            _ => {
                let state = self.state.read();
                if state.active.number() == view.number() {
                    Ok(state.active.tail.authors.iter().map(|author| author.before).collect())
                } else {
                    Ok(Vec::new())
                }
            }
        }
    }

    /// Where the next frame after this offset starts that an index knows of.
    fn next_point(&self, view: &SegmentView, offset: u64) -> Result<Option<u64>> {
        if let Some(index) = &view.open.index {
            let next = index.point_number_at_offset(offset as u32)?.map_or(0, |number| number + 1);
            if next < index.point_count() {
                return Ok(index.points(next..next + 1)?.first().map(|point| u64::from(point.offset)));
            }
        }
        let state = self.state.read();
        let points = &state.active.tail.points;
        if state.active.number() != view.number() {
            return Ok(None);
        }
        let next = points.partition_point(|point| u64::from(point.offset) <= offset);
        Ok(points.get(next).map(|point| u64::from(point.offset)))
    }
}

/// What a walk over a segment's frames has seen so far.
struct Walk {
    transactions: u64,
    entries: u64,
    removed: u64,
    /// The last sequence of each node; empty if nothing is known of them.
    last: Vec<u64>,
}

impl Walk {
    /// Takes note of a transaction; whether it follows on those before it.
    fn take(&mut self, frame: &Frame<'_>, view: &SegmentView) -> bool {
        self.transactions += 1;
        self.entries += u64::from(frame.change_count);
        let follows = match self.last.get_mut(frame.author as usize) {
            Some(last) => {
                // After damage a gap is no damage of its own.
                let follows = frame.previous() >= *last;
                *last = frame.sequence;
                follows
            }
            None => view.dictionary.node(frame.author).is_some(),
        };
        let mut changes = frame.changes();
        loop {
            match changes.next() {
                Ok(None) => return follows,
                Err(()) => return false,
                Ok(Some(Slot::Removed)) => self.removed += 1,
                Ok(Some(Slot::Change(change))) => {
                    if view.dictionary.table(change.table).is_none() || change.row_id().is_none() {
                        return false;
                    }
                }
            }
        }
    }
}
