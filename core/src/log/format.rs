//! The small fixed structures of a log's directory: the identity file and the segment header.

use crate::error::{Error, ErrorCode, Result};
use crate::id::NodeId;

/// First eight bytes of every file of a log.
const MAGIC: [u8; 8] = *b"CAUSELOG";
/// Version of the format, in every file. A newer one is refused, never guessed at.
const VERSION: u16 = 1;

const KIND_IDENTITY: u8 = 1;
const KIND_SEGMENT: u8 = 2;

/// Name of the file that says who this log is.
pub(super) const IDENTITY_FILE: &str = "identity";

/// Name of the segment whose first entry has this LSN.
pub(super) fn segment_file(first_lsn: u64) -> String {
    format!("{first_lsn:020}.segment")
}

/// Who a log is: its own id, and the node whose changes it records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) log: uuid::Uuid,
    pub(super) node: NodeId,
    /// Nodes that this log was before it lost the end of its file.
    pub(super) past: Vec<NodeId>,
}

impl Identity {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = start(KIND_IDENTITY);
        out.extend_from_slice(self.log.as_bytes());
        out.extend_from_slice(self.node.as_bytes());
        out.extend_from_slice(&(self.past.len() as u32).to_le_bytes());
        for node in &self.past {
            out.extend_from_slice(node.as_bytes());
        }
        finish(out)
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Identity> {
        let damaged = || Error::new(ErrorCode::Corrupt, format!("{IDENTITY_FILE}: damaged at offset 0"));
        let body = check(bytes, KIND_IDENTITY, IDENTITY_FILE)?;
        let (log, rest) = body.split_first_chunk::<16>().ok_or_else(damaged)?;
        let (node, rest) = rest.split_first_chunk::<16>().ok_or_else(damaged)?;
        let (count, rest) = rest.split_first_chunk::<4>().ok_or_else(damaged)?;
        if rest.len() as u64 != u64::from(u32::from_le_bytes(*count)) * 16 {
            return Err(damaged());
        }
        let past = rest.as_chunks::<16>().0.iter().map(|id| NodeId::from_bytes(*id)).collect();
        Ok(Identity { log: uuid::Uuid::from_bytes(*log), node: NodeId::from_bytes(*node), past })
    }
}

/// What a segment begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SegmentHeader {
    pub(super) log: uuid::Uuid,
    pub(super) first_lsn: u64,
    /// Goes into the checksum of every frame, so that a frame of another segment never passes.
    pub(super) salt: u32,
}

impl SegmentHeader {
    pub(super) const LENGTH: usize = MAGIC.len() + 2 + 1 + 16 + 8 + 4 + 4;

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = start(KIND_SEGMENT);
        out.extend_from_slice(self.log.as_bytes());
        out.extend_from_slice(&self.first_lsn.to_le_bytes());
        out.extend_from_slice(&self.salt.to_le_bytes());
        finish(out)
    }

    pub(super) fn decode(bytes: &[u8], name: &str) -> Result<SegmentHeader> {
        let damaged = || Error::new(ErrorCode::Corrupt, format!("{name}: damaged at offset 0"));
        let body = check(bytes, KIND_SEGMENT, name)?;
        let (log, rest) = body.split_first_chunk::<16>().ok_or_else(damaged)?;
        let (first_lsn, rest) = rest.split_first_chunk::<8>().ok_or_else(damaged)?;
        let (salt, rest) = rest.split_first_chunk::<4>().ok_or_else(damaged)?;
        if !rest.is_empty() {
            return Err(damaged());
        }
        Ok(SegmentHeader {
            log: uuid::Uuid::from_bytes(*log),
            first_lsn: u64::from_le_bytes(*first_lsn),
            salt: u32::from_le_bytes(*salt),
        })
    }
}

fn start(kind: u8) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    out.extend_from_slice(&VERSION.to_le_bytes());
    out.push(kind);
    out
}

fn finish(mut out: Vec<u8>) -> Vec<u8> {
    let checksum = crc32c::crc32c(&out);
    out.extend_from_slice(&checksum.to_le_bytes());
    out
}

/// What lies between the common start and the checksum.
fn check<'a>(bytes: &'a [u8], kind: u8, name: &str) -> Result<&'a [u8]> {
    let damaged = |why: &str| Error::new(ErrorCode::Corrupt, format!("{name}: {why} at offset 0"));
    let rest = bytes.strip_prefix(&MAGIC).ok_or_else(|| damaged("not a file of a log"))?;
    let (version, rest) = rest.split_first_chunk::<2>().ok_or_else(|| damaged("cut off"))?;
    // The version is looked at before the checksum, which a newer one may keep elsewhere.
    let version = u16::from_le_bytes(*version);
    if version > VERSION {
        let message =
            format!("{name}: format version {version}, this library reads up to {VERSION}: use a newer one");
        return Err(Error::new(ErrorCode::Unsupported, message));
    }
    let (rest, checksum) = rest.split_last_chunk::<4>().ok_or_else(|| damaged("cut off"))?;
    let covered = bytes.len() - checksum.len();
    let expected = bytes.get(..covered).map(crc32c::crc32c);
    if expected != Some(u32::from_le_bytes(*checksum)) {
        return Err(damaged("checksum does not match"));
    }
    rest.strip_prefix(&[kind]).filter(|_| version == VERSION).ok_or_else(|| damaged("another kind of file"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity() -> Identity {
        let id = uuid::Uuid::from_u128;
        Identity { log: id(1), node: id(2), past: vec![id(3), id(4)] }
    }

    #[test]
    fn what_is_encoded_comes_back() {
        let header = SegmentHeader { log: uuid::Uuid::from_u128(9), first_lsn: 7, salt: 5 };
        assert_eq!(header.encode().len(), SegmentHeader::LENGTH);
        assert_eq!(SegmentHeader::decode(&header.encode(), "x").unwrap(), header);
        assert_eq!(Identity::decode(&identity().encode()).unwrap(), identity());
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let good = identity().encode();
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(Identity::decode(&bad).is_err(), "bit {bit}");
        }
        for length in 0..good.len() {
            assert_eq!(Identity::decode(&good[..length]).unwrap_err().code(), ErrorCode::Corrupt);
        }
    }

    #[test]
    fn a_newer_version_is_unsupported() {
        let mut newer = identity().encode();
        newer[8] = 2;
        assert_eq!(Identity::decode(&newer).unwrap_err().code(), ErrorCode::Unsupported);
    }
}
