//! What is intact of a damaged log, copied into a new one.

use std::path::Path;
use std::sync::Arc;

use hashbrown::HashMap;

use crate::change::{Change, Transaction};
use crate::error::{Error, ErrorCode, Result};
use crate::id::{Dot, NodeId};
use crate::log::change_log::ChangeLog;
use crate::log::format::{self, IDENTITY_FILE, Identity, MANIFEST_FILE, Manifest, SegmentHeader};
use crate::log::frame::{Body, Frame, Slot};
use crate::log::frame_reader::FrameReader;
use crate::log::index_file::IndexFile;
use crate::log::opening::{self, read};
use crate::log::options::{Durability, LogOptions};
use crate::log::segment::{OpenSegment, open_content, open_index};
use crate::log::verify::Finding;
use crate::storage::{FileStorage, Storage};
use crate::time::{ManualTime, Timestamp};

/// What [`ChangeLog::salvage`] has copied, and what it could not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SalvageReport {
    /// Transactions that were copied.
    pub transactions: u64,
    /// Their entries.
    pub entries: u64,
    /// Transactions that are intact and were left out all the same, because something that they depend on is lost.
    pub skipped_transactions: u64,
    /// What is damaged.
    pub findings: Vec<Finding>,
}

impl ChangeLog {
    /// Copies all that is intact of the log in the directory `from` into a new log in the directory `to`.
    ///
    /// The damaged log is only read. The copy holds each transaction whose past is whole, under its own dot and
    /// clock, in the same order; it has an identity of its own, for other replicas may know more of
    /// the old one. LSNs are given out anew. Where nothing intact follows damage that can be found, the rest of that
    /// segment is lost. What depends on transactions that retention has removed, or that compaction has removed
    /// something of, is left out with them: of such a log commonly all. Verdicts and consumers are not copied.
    ///
    /// ```
    /// use causelog::{Change, ChangeLog};
    /// # let directory = tempfile::tempdir().unwrap();
    /// # let path = |name: &str| directory.path().join(name);
    /// let log = ChangeLog::open(path("log"))?;
    /// log.append(Change::insert("orders", 42, "new"))?;
    /// log.close()?;
    ///
    /// let report = ChangeLog::salvage(path("log"), path("salvaged"))?;
    /// assert_eq!((report.entries, report.findings.len()), (1, 0));
    /// # Ok::<(), causelog::Error>(())
    /// ```
    ///
    /// # Errors
    /// `NOT_FOUND` when `from` holds no segment, `ALREADY_EXISTS` when `to` holds a log, `LOCKED` while somebody
    /// writes `from`, `UNSUPPORTED` when a newer version wrote it, `IO`, `NO_SPACE`.
    pub fn salvage(from: impl AsRef<Path>, to: impl AsRef<Path>) -> Result<SalvageReport> {
        Self::salvage_storage(&FileStorage::open_existing(from)?, Arc::new(FileStorage::open(to)?))
    }

    /// As [`ChangeLog::salvage`], from one storage to another.
    ///
    /// # Errors
    /// As [`ChangeLog::salvage`].
    pub fn salvage_storage(from: &dyn Storage, to: Arc<dyn Storage>) -> Result<SalvageReport> {
        let _lock = from.lock()?;
        if to.list()?.iter().any(|name| name.ends_with(".segment") || name == IDENTITY_FILE) {
            let message = format!("{}: there is a log already", to.describe());
            return Err(Error::new(ErrorCode::AlreadyExists, message));
        }
        let mut numbers: Vec<u64> = Vec::new();
        for name in from.list()? {
            let number = name.strip_suffix(".segment").and_then(|number| number.parse().ok());
            numbers.extend(number.filter(|number| format::segment_file(*number) == name));
        }
        numbers.sort_unstable();
        if numbers.is_empty() {
            return Err(Error::new(ErrorCode::NotFound, format!("{}: there is no log", from.describe())));
        }
        // Timestamps are kept as they are, whatever the time is now.
        let options = LogOptions {
            durability: Durability::Os,
            time: Arc::new(ManualTime::new(Timestamp::MAX)),
            ..LogOptions::default()
        };
        // What retention has removed is not lost, and what is left may depend on it.
        let mut lost = None;
        match read(from, MANIFEST_FILE).and_then(|bytes| Manifest::decode(&bytes)) {
            Ok(manifest) if manifest.first_segment > 1 => {
                opening::create(&*to, &options, manifest.standing, manifest.forgotten)?;
            }
            Ok(_) => {}
            Err(error) => lost = Some(error),
        }
        let mut salvage =
            Salvage { copy: ChangeLog::open_storage(to, options)?, report: SalvageReport::default() };
        if let Some(error) = lost {
            salvage.damaged(MANIFEST_FILE, Some(0), error)?;
        }
        let identity = read(from, IDENTITY_FILE).and_then(|bytes| Identity::decode(&bytes));
        let mut log = match identity {
            Ok(identity) => Some(identity.log),
            Err(error) => {
                salvage.damaged(IDENTITY_FILE, Some(0), error)?;
                None
            }
        };
        for number in numbers {
            let name = format::segment_file(number);
            let opened = open_content(from, &name.as_str().into()).and_then(|(_, _, header)| {
                let log = *log.get_or_insert(header.log);
                OpenSegment::open(from, number, log)
            });
            match opened {
                Ok(segment) => salvage.segment(from, &segment)?,
                Err(error) => salvage.damaged(&name, Some(0), error)?,
            }
        }
        salvage.copy.close()?;
        Ok(salvage.report)
    }
}

struct Salvage {
    copy: ChangeLog,
    report: SalvageReport,
}

impl Salvage {
    fn damaged(&mut self, file: &str, offset: Option<u64>, error: Error) -> Result<()> {
        if !matches!(error.code(), ErrorCode::Corrupt | ErrorCode::NotFound) {
            return Err(error);
        }
        let (file, message) = (file.to_owned(), error.message().to_owned());
        self.report.findings.push(Finding { file, offset, message });
        Ok(())
    }

    fn segment(&mut self, from: &dyn Storage, segment: &OpenSegment) -> Result<()> {
        let number = segment.header.number;
        let mut index = None;
        for name in [format::index_file(number), format::tail_file(number)] {
            match open_index(from, &name, &segment.header) {
                Ok(found) => {
                    index = Some(found);
                    break;
                }
                Err(error) if error.code() == ErrorCode::NotFound => {}
                Err(error) => self.damaged(&name, None, error)?,
            }
        }
        let mut names = Names::default();
        let length = segment.file.length()?;
        let mut frames = segment.frames();
        let mut offset = SegmentHeader::LENGTH as u64;
        while offset < length {
            // Space that was prepared and not written; nothing of the kind is compressed.
            if segment.compressed.is_none() && frames.is_blank(offset, length)? {
                return Ok(());
            }
            let next = match frames.probe(offset, length) {
                Ok(Some((Body::Seal(_), _))) => return Ok(()),
                Ok(Some((Body::Transaction(frame), next))) => {
                    match names.transaction(&frame, offset) {
                        Some(transaction) => self.take(transaction)?,
                        None => self.report.skipped_transactions += 1,
                    }
                    Some(next)
                }
                Ok(None) => {
                    self.damaged(&segment.name, Some(offset), frames.corrupt(offset, "damaged"))?;
                    resume(&mut frames, index.as_ref(), &mut names, offset, length)?
                }
                Err(error) if error.code() == ErrorCode::Corrupt => {
                    self.damaged(&segment.name, Some(offset), error)?;
                    resume(&mut frames, index.as_ref(), &mut names, offset, length)?
                }
                Err(error) => return Err(error),
            };
            let Some(next) = next else { return Ok(()) };
            offset = next;
        }
        Ok(())
    }

    fn take(&mut self, transaction: Transaction) -> Result<()> {
        match self.copy.append_remote(&transaction) {
            Ok(appended) => {
                if !appended.duplicate {
                    self.report.transactions += 1;
                    self.report.entries += transaction.changes.len() as u64;
                }
                Ok(())
            }
            Err(error)
                if matches!(
                    error.code(),
                    ErrorCode::MissingDependency | ErrorCode::InvalidArgument | ErrorCode::DotReuse
                ) =>
            {
                self.report.skipped_transactions += 1;
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}

/// Where the next intact frame after a bad one is, as far as it can be found: where the bad one's length says, or where
/// the index knows of one.
fn resume(
    frames: &mut FrameReader,
    index: Option<&IndexFile>,
    names: &mut Names,
    offset: u64,
    end: u64,
) -> Result<Option<u64>> {
    // A damaged block of a compressed segment does not even say that.
    let claimed = frames.claimed_end(offset, end).or_else(ignore_corrupt)?;
    let mut candidates: Vec<u64> = claimed.into_iter().collect();
    if let Some(index) = index {
        let next = index.point_number_at_offset(offset as u32)?.map_or(0, |number| number + 1);
        // In such a block lie many of the places that the index knows.
        let points = index.points(next..index.point_count())?;
        candidates.extend(points.iter().map(|point| u64::from(point.offset)));
    }
    for candidate in candidates {
        let intact = frames.probe(candidate, end).map(|found| found.is_some()).or_else(ignore_corrupt)?;
        if intact {
            // What the lost frames added to the dictionaries is known to the index alone.
            names.restore(index, candidate)?;
            return Ok(Some(candidate));
        }
    }
    Ok(None)
}

/// Nothing, where what is damaged is only looked at.
fn ignore_corrupt<T: Default>(error: Error) -> Result<T> {
    if error.code() == ErrorCode::Corrupt { Ok(T::default()) } else { Err(error) }
}

/// What the numbers of a segment stand for, as far as is known.
#[derive(Default)]
struct Names {
    nodes: HashMap<u32, NodeId>,
    tables: HashMap<u32, String>,
    next_node: u32,
    next_table: u32,
    /// Before this offset all names are known: an index told them.
    known_until: u64,
    /// Whether something was lost that may have had names in it and no index tells them.
    unsure: bool,
}

impl Names {
    /// Takes over what an index knows of what was lost before the frame at `offset`.
    fn restore(&mut self, index: Option<&IndexFile>, offset: u64) -> Result<()> {
        let Some(index) = index else {
            self.unsure = true;
            return Ok(());
        };
        let summary = index.summary();
        // It may know the beginning of the segment only.
        self.unsure |= !summary.sealed && offset > summary.end;
        self.known_until = if summary.sealed { u64::MAX } else { summary.end };
        let known = index.dictionary()?;
        let nodes = known.nodes.iter().take(known.length as usize);
        self.nodes.extend((0..).zip(nodes.map(|span| span.id)));
        self.next_node = self.next_node.max(known.length);
        self.next_table = self.next_table.max(known.tables.len() as u32);
        self.tables.extend((0..).zip(known.tables.into_iter().map(|table| table.name)));
        Ok(())
    }

    /// The transaction that the frame at `offset` holds; nothing where something that it names is not known.
    fn transaction(&mut self, frame: &Frame<'_>, offset: u64) -> Option<Transaction> {
        if offset >= self.known_until {
            // After a loss the numbers of what is new are not known, and neither is what they shadow.
            if self.unsure && (frame.new_nodes().len() > 0 || frame.new_tables().next().is_some()) {
                return None;
            }
            for id in frame.new_nodes() {
                self.nodes.insert(self.next_node, id);
                self.next_node += 1;
            }
            for table in frame.new_tables() {
                self.tables.insert(self.next_table, table.to_owned());
                self.next_table += 1;
            }
        }
        let dependencies =
            frame.dependencies().map(|(node, sequence)| Some(Dot::new(*self.nodes.get(&node)?, sequence)));
        let dependencies = dependencies.collect::<Option<Vec<_>>>()?;
        let mut changes = Vec::new();
        let mut slots = frame.changes();
        while let Some(slot) = slots.next().ok()? {
            let Slot::Change(change) = slot else { return None };
            changes.push(Change {
                table: self.tables.get(&change.table)?.clone(),
                row_id: change.row_id()?,
                operation: change.operation,
                before: change.before.map(<[u8]>::to_vec),
                after: change.after.map(<[u8]>::to_vec),
                metadata: change.metadata(),
            });
        }
        Some(Transaction {
            node: *self.nodes.get(&frame.author)?,
            sequence: frame.sequence,
            dependencies,
            timestamp: Timestamp::from_nanoseconds(frame.timestamp),
            changes,
        })
    }
}
