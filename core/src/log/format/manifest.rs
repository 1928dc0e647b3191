use crate::error::Result;
use crate::id::NodeId;
use crate::log::bytes::{self, Reader};
use crate::log::format::{self, Kind, SegmentSummary, Standing};
use crate::log::removal::{Removal, RemovalReason};
use crate::time::Timestamp;
use crate::varint;

/// Name of the file that says where the log begins and what was removed.
pub(in crate::log) const MANIFEST_FILE: &str = "manifest";
/// Name of the file that says where the log ended when it was last sealed or closed.
pub(in crate::log) const CHECKPOINT_FILE: &str = "checkpoint";

/// Where the log begins, and what was removed from it. It cannot be worked out from the segments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::log) struct Manifest {
    pub(in crate::log) log: uuid::Uuid,
    /// Number of the first segment.
    pub(in crate::log) first_segment: u64,
    /// Where things stood when that segment began.
    pub(in crate::log) standing: Standing,
    /// The highest sequence of each node that something was removed of.
    pub(in crate::log) forgotten: Vec<(NodeId, u64)>,
    pub(in crate::log) removals: Vec<Removal>,
    /// From where on compaction has left every row as it was.
    pub(in crate::log) horizon: Option<Horizon>,
}

/// The highest LSN, and the latest timestamp, of the entries for whose sake others of their rows were removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::log) struct Horizon {
    pub(in crate::log) lsn: u64,
    pub(in crate::log) timestamp: i64,
}

impl Manifest {
    pub(in crate::log) fn new(log: uuid::Uuid) -> Self {
        let standing = Standing { next_lsn: 1, ..Standing::default() };
        Manifest {
            log,
            first_segment: 1,
            standing,
            forgotten: Vec::new(),
            removals: Vec::new(),
            horizon: None,
        }
    }

    pub(in crate::log) fn encode(&self) -> Vec<u8> {
        let mut out = format::start(Kind::Manifest);
        out.extend_from_slice(self.log.as_bytes());
        varint::write(self.first_segment, &mut out);
        self.standing.write(&mut out);
        varint::write(self.forgotten.len() as u64, &mut out);
        for (node, sequence) in &self.forgotten {
            out.extend_from_slice(node.as_bytes());
            varint::write(*sequence, &mut out);
        }
        varint::write(self.removals.len() as u64, &mut out);
        for removal in &self.removals {
            out.push(removal.reason as u8);
            out.extend_from_slice(&removal.at.nanoseconds().to_le_bytes());
            for value in [removal.first_lsn, removal.last_lsn, removal.entries, removal.bytes] {
                varint::write(value, &mut out);
            }
            bytes::write(removal.detail.as_bytes(), &mut out);
        }
        out.push(u8::from(self.horizon.is_some()));
        if let Some(horizon) = self.horizon {
            varint::write(horizon.lsn, &mut out);
            out.extend_from_slice(&horizon.timestamp.to_le_bytes());
        }
        format::finish(out)
    }

    pub(in crate::log) fn decode(file: &[u8]) -> Result<Manifest> {
        let mut bytes = Reader(format::check(file, Kind::Manifest, MANIFEST_FILE)?);
        let mut read = || {
            let log = uuid::Uuid::from_bytes(*bytes.array()?);
            let first_segment = bytes.varint().filter(|number| *number > 0)?;
            let standing = Standing::read(&mut bytes)?;
            let mut forgotten = Vec::new();
            for _ in 0..bytes.count(17)? {
                forgotten.push((NodeId::from_bytes(*bytes.array()?), bytes.varint()?));
            }
            let mut removals = Vec::new();
            for _ in 0..bytes.count(14)? {
                removals.push(Removal {
                    reason: RemovalReason::from_number(bytes.byte()?)?,
                    at: Timestamp::from_nanoseconds(bytes.u64()? as i64),
                    first_lsn: bytes.varint()?,
                    last_lsn: bytes.varint()?,
                    entries: bytes.varint()?,
                    bytes: bytes.varint()?,
                    detail: std::str::from_utf8(bytes.slice()?).ok()?.to_owned(),
                });
            }
            let horizon = match bytes.byte()? {
                0 => None,
                1 => Some(Horizon { lsn: bytes.varint()?, timestamp: bytes.u64()? as i64 }),
                _ => return None,
            };
            let manifest = Manifest { log, first_segment, standing, forgotten, removals, horizon };
            bytes.0.is_empty().then_some(manifest)
        };
        read().ok_or_else(|| format::damaged(MANIFEST_FILE, "damaged"))
    }
}

/// Where the log ended when it was last sealed or closed. All but the end itself follows
/// from manifest and segments: without this file, opening works it out again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::log) struct Checkpoint {
    pub(in crate::log) log: uuid::Uuid,
    /// The unsealed segment, and how far it was then known to be on the disk.
    pub(in crate::log) segment: u64,
    pub(in crate::log) end: u64,
    pub(in crate::log) standing: Standing,
    pub(in crate::log) sealed: Vec<SegmentSummary>,
}

impl Checkpoint {
    pub(in crate::log) fn encode(&self) -> Vec<u8> {
        let mut out = format::start(Kind::Checkpoint);
        out.extend_from_slice(self.log.as_bytes());
        varint::write(self.segment, &mut out);
        varint::write(self.end, &mut out);
        self.standing.write(&mut out);
        varint::write(self.sealed.len() as u64, &mut out);
        self.sealed.iter().for_each(|summary| summary.write(&mut out));
        format::finish(out)
    }

    pub(in crate::log) fn decode(file: &[u8]) -> Result<Checkpoint> {
        let mut bytes = Reader(format::check(file, Kind::Checkpoint, CHECKPOINT_FILE)?);
        let mut read = || {
            let log = uuid::Uuid::from_bytes(*bytes.array()?);
            let (segment, end) = (bytes.varint()?, bytes.varint()?);
            let standing = Standing::read(&mut bytes)?;
            let mut sealed = Vec::new();
            for _ in 0..bytes.count(14)? {
                sealed.push(SegmentSummary::read(&mut bytes)?);
            }
            bytes.0.is_empty().then_some(Checkpoint { log, segment, end, standing, sealed })
        };
        read().ok_or_else(|| format::damaged(CHECKPOINT_FILE, "damaged"))
    }
}
