//! Opening: who the log is, what its segment holds, and where it ends.

use std::sync::Arc;

use crate::error::{Error, ErrorCode, Result};
use crate::id::{IdSource, NodeId};
use crate::log::block::{BlockReader, FrameAt};
use crate::log::format::{IDENTITY_FILE, Identity, SegmentHeader, segment_file};
use crate::log::frame::FrameReader;
use crate::log::index::Index;
use crate::storage::{Storage, StorageFile};

/// A log as it was found.
pub(super) struct Recovered {
    pub(super) identity: Identity,
    pub(super) name: Arc<str>,
    pub(super) file: Arc<dyn StorageFile>,
    pub(super) salt: u32,
    pub(super) index: Index,
    /// Where the last intact frame ends; whatever lay behind it is cut off.
    pub(super) end: u64,
}

const FIRST_LSN: u64 = 1;

/// Where the first frame of a segment lies.
pub(super) const FIRST_FRAME: u64 = SegmentHeader::LENGTH as u64;

/// How far behind a bad frame an intact one is looked for.
const RESYNC_LENGTH: u64 = 64 << 20;

/// Opens the log that `storage` holds, or makes one.
pub(super) fn recover(storage: &dyn Storage, node: Option<NodeId>, ids: &dyn IdSource) -> Result<Recovered> {
    let name: Arc<str> = segment_file(FIRST_LSN).into();
    let names = storage.list()?;
    let holds = |wanted: &str| names.iter().any(|name| name == wanted);
    // A log is made segment first: whoever has an identity has a segment.
    let identity = if holds(IDENTITY_FILE) {
        if !holds(&name) {
            let place = storage.describe();
            return Err(Error::new(ErrorCode::Corrupt, format!("{place}: the segment {name} is missing")));
        }
        Identity::decode(&read(storage, IDENTITY_FILE)?)?
    } else {
        if holds(&name) && storage.open(&name)?.length()? > SegmentHeader::LENGTH as u64 {
            let place = storage.describe();
            return Err(Error::new(
                ErrorCode::Corrupt,
                format!("{place}: the file {IDENTITY_FILE} is missing"),
            ));
        }
        let log = ids.new_id();
        let identity = Identity { log, node: node.unwrap_or_else(|| ids.new_id()), past: Vec::new() };
        let salt = ids.new_id().as_u128() as u32;
        storage.replace(&name, &SegmentHeader { log, first_lsn: FIRST_LSN, salt }.encode())?;
        storage.replace(IDENTITY_FILE, &identity.encode())?;
        identity
    };
    if let Some(node) = node.filter(|node| *node != identity.node && !identity.past.contains(node)) {
        let place = storage.describe();
        return Err(Error::invalid(format!("{place} is the log of node {}, not of {node}", identity.node)));
    }

    let file: Arc<dyn StorageFile> = storage.open(&name)?.into();
    let length = file.length()?;
    let mut start = [0; SegmentHeader::LENGTH];
    if length < start.len() as u64 {
        return Err(Error::new(ErrorCode::Corrupt, format!("{name}: cut off at offset {length}")));
    }
    file.read_at(0, &mut start)?;
    let header = SegmentHeader::decode(&start, &name)?;
    if header.log != identity.log || header.first_lsn != FIRST_LSN {
        let message = format!("{name}: belongs to another log, {}, at offset 0", header.log);
        return Err(Error::new(ErrorCode::Corrupt, message));
    }

    let blocks = BlockReader::new(file.clone(), name.clone(), header.salt);
    let scan = Scan { blocks, index: Index::new(FIRST_LSN), end: start.len() as u64, length };
    let (index, end) = scan.run()?;
    let mut recovered = Recovered { identity, name, file, salt: header.salt, index, end };
    if end < length {
        recovered.cut(storage, ids)?;
    }
    Ok(recovered)
}

fn read(storage: &dyn Storage, name: &str) -> Result<Vec<u8>> {
    let file = storage.open(name)?;
    let mut bytes = vec![0; usize::try_from(file.length()?).unwrap_or(0)];
    file.read_at(0, &mut bytes)?;
    Ok(bytes)
}

impl Recovered {
    /// Cuts off what was never wholly written. The dots in it may be known
    /// elsewhere, so from here on the log records under a new identity.
    fn cut(&mut self, storage: &dyn Storage, ids: &dyn IdSource) -> Result<()> {
        let past = std::mem::replace(&mut self.identity.node, ids.new_id());
        self.identity.past.push(past);
        storage.replace(IDENTITY_FILE, &self.identity.encode())?;
        self.file.truncate(self.end)?;
        self.file.sync()
    }
}

/// The walk over a segment that builds its index.
struct Scan {
    blocks: BlockReader,
    index: Index,
    end: u64,
    length: u64,
}

impl Scan {
    fn run(mut self) -> Result<(Index, u64)> {
        while let Some(at) = self.blocks.probe(self.end, self.length)? {
            self.frame(at)?;
        }
        if self.end < self.length {
            self.refuse_damage()?;
        }
        Ok((self.index, self.end))
    }

    fn frame(&mut self, at: FrameAt) -> Result<()> {
        let body = self.blocks.frame(at, self.length, false)?;
        let read = self.index.read(body);
        let Some((head, past, changes)) = read else {
            return Err(self.blocks.corrupt(at.offset, "the frame's content makes no sense"));
        };
        self.index.push(at, &head, past.clock, changes);
        self.end = at.end();
        Ok(())
    }

    /// A bad frame is the torn end of the log unless a later, intact one says that
    /// these bytes had reached the disk: then they are damaged.
    fn refuse_damage(&mut self) -> Result<()> {
        let until = self.length.min(self.end.saturating_add(RESYNC_LENGTH));
        for offset in self.end + 1..until {
            let Some(at) = self.blocks.search(offset, self.length)? else { continue };
            let body = self.blocks.frame(at, self.length, false)?;
            let durable_end =
                FrameReader::new(body).and_then(|(head, _)| offset.checked_sub(head.durable_distance));
            if durable_end.is_some_and(|durable_end| durable_end > self.end) {
                return Err(self.blocks.corrupt(self.end, "damaged"));
            }
        }
        Ok(())
    }
}
