use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;

use crate::causality::{ClockTree, NodeTable};
use crate::error::{Error, ErrorCode, Result};
use crate::log::compressed::CompressedFile;
use crate::log::dictionary::Dictionary;
use crate::log::format::{self, CompressedHeader, SegmentHeader, SegmentSummary};
use crate::log::frame::Body;
use crate::log::frame_reader::{FrameReader, corrupt};
use crate::log::index_file::IndexFile;
use crate::storage::{MappedFile, MemoryStorage, Storage, StorageFile};

/// How many sealed segments are kept open.
const OPEN_SEGMENTS: usize = 64;

/// A sealed segment as the log knows it without opening it.
#[derive(Debug)]
pub(super) struct Sealed {
    pub(super) summary: SegmentSummary,
    /// The log's frontier where the segment begins, once somebody has asked for it.
    pub(super) start: OnceLock<ClockTree>,
}

/// A segment whose files are open.
pub(super) struct OpenSegment {
    pub(super) header: SegmentHeader,
    pub(super) name: Arc<str>,
    /// What the segment holds, whether it is compressed or not.
    pub(super) file: Arc<dyn StorageFile>,
    /// Of a compressed segment.
    pub(super) compressed: Option<Compressed>,
    /// Of a sealed segment, all of it; of one that is being written, what was there when the log was closed.
    pub(super) index: Option<Arc<IndexFile>>,
    /// Of a sealed segment.
    pub(super) dictionary: Arc<Dictionary>,
    /// Of a sealed segment, where that was asked for.
    map: Option<Arc<MappedFile>>,
}

/// What is special about a compressed segment's file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Compressed {
    /// How many bytes it takes.
    pub(super) bytes: u64,
    /// Content is had in blocks of so many bytes.
    block_length: u64,
}

impl OpenSegment {
    pub(super) fn frames(&self) -> FrameReader {
        self.frames_on_disk().mapped(self.map.clone())
    }

    /// The same past any map: where the disk may fail, an error is better than a signal.
    pub(super) fn frames_on_disk(&self) -> FrameReader {
        let block = self.compressed.map(|compressed| compressed.block_length);
        FrameReader::new(self.file.clone(), self.name.clone(), self.header.base, block)
    }

    /// How many bytes its file takes, which has content up to `end`.
    pub(super) fn bytes(&self, end: u64) -> u64 {
        self.compressed.map_or(end, |compressed| compressed.bytes)
    }

    pub(super) fn index(&self) -> Result<&Arc<IndexFile>> {
        self.index.as_ref().ok_or_else(|| Error::internal(format!("{} has no index", self.name)))
    }

    /// Opens the segment with this number without its index.
    pub(super) fn open(storage: &dyn Storage, number: u64, log: uuid::Uuid) -> Result<OpenSegment> {
        let name: Arc<str> = format::segment_file(number).into();
        let (file, compressed, header) = open_content(storage, &name)?;
        if header.log != log || header.number != number {
            let message = format!("{name}: belongs to another log, {}, at offset 0", header.log);
            return Err(Error::new(ErrorCode::Corrupt, message));
        }
        let (index, dictionary, map) = (None, Arc::default(), None);
        Ok(OpenSegment { header, name, file, index, dictionary, compressed, map })
    }

    /// Opens a sealed segment and its index, which is the one in `made` if the log lacks it.
    pub(super) fn open_sealed(
        storage: &dyn Storage,
        made: &MemoryStorage,
        number: u64,
        log: uuid::Uuid,
        nodes: &parking_lot::RwLock<NodeTable>,
    ) -> Result<OpenSegment> {
        let mut segment = Self::open(storage, number, log)?;
        let name = format::index_file(number);
        let index = match open_index(storage, &name, &segment.header) {
            Err(error) if error.code() == ErrorCode::NotFound => {
                // One that was made before the segment was compacted is of another segment.
                open_index(made, &name, &segment.header).map_err(|_| error)?
            }
            found => {
                // Whatever there is now, the one in memory is not needed any more.
                let _ = made.remove(&name);
                found?
            }
        };
        if !index.summary().sealed {
            let message = format!("{name}: ends before its segment: remove it and open the log again");
            return Err(Error::new(ErrorCode::Corrupt, message));
        }
        // How much is read at once follows from where the segment is said to end.
        let (length, end) = (segment.file.length()?, index.summary().end);
        if length < end {
            let message =
                format!("{}: cut off at offset {length}, {name} says that it ends at {end}", segment.name);
            return Err(Error::new(ErrorCode::Corrupt, message));
        }
        let seal = match segment.frames_on_disk().probe(end, length)? {
            Some((Body::Seal(seal), next)) => Some((seal.transactions, seal.entries, next)),
            _ => None,
        };
        if seal != Some((index.summary().transactions, index.summary().entries, length)) {
            return Err(corrupt(&segment.name, end, "the seal does not say what the segment holds"));
        }
        segment.dictionary = Arc::new(dictionary(&index, nodes)?);
        segment.index = Some(Arc::new(index));
        Ok(segment)
    }

    /// The same segment, read through a memory map where its place can do that.
    pub(super) fn mapped(self) -> Result<OpenSegment> {
        let map = self.file.map()?.map(Arc::new);
        Ok(OpenSegment { map, ..self })
    }
}

/// Opens an index that belongs to this segment.
pub(super) fn open_index(storage: &dyn Storage, name: &str, header: &SegmentHeader) -> Result<IndexFile> {
    let file = storage.open(name).map_err(|error| {
        if error.code() != ErrorCode::NotFound {
            return error;
        }
        let message = format!("{name} is missing: opening the log for writing makes it again");
        Error::new(ErrorCode::NotFound, message).with_source(error)
    })?;
    let index = IndexFile::open(file.into(), name.into())?;
    let summary = index.summary();
    if (summary.log, summary.ordinal, summary.salt) != (header.log, header.number, header.base.salt)
        || (summary.first_lsn, summary.base_transaction) != (header.first_lsn, header.first_transaction)
    {
        let message =
            format!("{name}: belongs to another segment at offset 0: remove it and open the log again");
        return Err(Error::new(ErrorCode::Corrupt, message));
    }
    Ok(index)
}

/// The dictionary that an index holds.
pub(super) fn dictionary(index: &IndexFile, nodes: &parking_lot::RwLock<NodeTable>) -> Result<Dictionary> {
    let known = index.dictionary()?;
    let mut dictionary = Dictionary::default();
    let mut nodes = nodes.write();
    for span in known.nodes.iter().take(known.length as usize) {
        dictionary.add_node(nodes.intern(span.id), span.id);
    }
    known.tables.iter().for_each(|table| dictionary.add_table(table.name.as_str().into()));
    Ok(dictionary)
}

/// What the segment file of this name holds, whether it is compressed or not, and its header.
pub(super) fn open_content(
    storage: &dyn Storage,
    name: &Arc<str>,
) -> Result<(Arc<dyn StorageFile>, Option<Compressed>, SegmentHeader)> {
    let file = storage.open(name)?;
    let mut start = [0; format::START];
    let is_long = file.length()? >= start.len() as u64;
    if is_long {
        file.read_at(0, &mut start)?;
    }
    if !CompressedHeader::begins(&start) {
        let header = read_header(&*file, name)?;
        return Ok((file.into(), None, header));
    }
    let file = CompressedFile::open(file, name.clone())?;
    let header = read_header(&file, name)?;
    let around = file.header();
    if (around.log, around.number, around.salt) != (header.log, header.number, header.base.salt) {
        return Err(format::damaged(name, "holds another segment than it says"));
    }
    let compressed = Compressed { bytes: file.stored(), block_length: file.block_length() };
    Ok((Arc::new(file), Some(compressed), header))
}

fn read_header(file: &dyn StorageFile, name: &str) -> Result<SegmentHeader> {
    let length = file.length()?;
    let mut start = [0; SegmentHeader::LENGTH];
    if length < start.len() as u64 {
        return Err(Error::new(ErrorCode::Corrupt, format!("{name}: cut off at offset {length}")));
    }
    file.read_at(0, &mut start)?;
    SegmentHeader::decode(&start, name)
}

/// The sealed segments that were used last, open.
#[derive(Default)]
pub(super) struct OpenSegments {
    open: Mutex<VecDeque<Arc<OpenSegment>>>,
}

impl OpenSegments {
    /// The segment with this number, opened by `open` if it is not.
    pub(super) fn get(
        &self,
        number: u64,
        open: impl FnOnce() -> Result<OpenSegment>,
    ) -> Result<Arc<OpenSegment>> {
        let mut kept = self.open.lock();
        let found =
            kept.iter().position(|segment| segment.header.number == number).and_then(|at| kept.remove(at));
        let segment = match found {
            Some(segment) => segment,
            None => Arc::new(open()?),
        };
        if kept.len() >= OPEN_SEGMENTS {
            kept.pop_front();
        }
        kept.push_back(segment.clone());
        Ok(segment)
    }

    /// Does `work` while nobody opens a segment.
    pub(super) fn exclusively<T>(&self, work: impl FnOnce() -> T) -> T {
        let _kept = self.open.lock();
        work()
    }

    /// Lets go of all segments: some of them may be other files by now.
    pub(super) fn forget_all(&self) {
        self.open.lock().clear();
    }

    /// Lets go of a segment that is no longer part of the log.
    pub(super) fn forget(&self, number: u64) {
        self.open.lock().retain(|segment| segment.header.number != number);
    }
}
