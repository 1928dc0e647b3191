//! The small structures of a log's directory: what every file starts and ends with,
//! who the log is, what a segment begins with, and where things stand.

mod compressed_header;
mod consumer;
mod identity;
mod manifest;
mod segment_header;
mod standing;
mod unsynced;

pub(super) use compressed_header::CompressedHeader;
pub(super) use consumer::{Position, Slots, consumer_file, consumer_lock, consumer_of_file};
pub(super) use identity::{IDENTITY_FILE, Identity};
pub(super) use manifest::{CHECKPOINT_FILE, Checkpoint, Horizon, MANIFEST_FILE, Manifest};
pub(super) use segment_header::SegmentHeader;
pub(super) use standing::{SavedClock, SegmentSummary, Standing};
pub(super) use unsynced::{UNSYNCED_FILE, Unsynced};

use crate::error::{Error, ErrorCode, Result};

/// First eight bytes of every file of a log.
const MAGIC: [u8; 8] = *b"CAUSELOG";
/// Version of the format, in every file. A newer one is refused, never guessed at.
const VERSION: u16 = 1;

/// What kind of file this is, in every file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    Identity = 1,
    Segment = 2,
    Index = 3,
    Manifest = 4,
    Checkpoint = 5,
    Consumer = 6,
    CompressedSegment = 7,
    Unsynced = 8,
    Replica = 9,
}

/// Length of what every file begins with.
pub(super) const START: usize = 8 + 2 + 1;

/// Name of the segment with this number.
pub(super) fn segment_file(number: u64) -> String {
    format!("{number:020}.segment")
}

/// Name of the index of the segment with this number.
pub(super) fn index_file(number: u64) -> String {
    format!("{number:020}.index")
}

/// Name of the index of the part of an unsealed segment that was there when the log was closed.
pub(super) fn tail_file(number: u64) -> String {
    format!("{number:020}.tail")
}

/// Name of a rewritten segment on its way to replace the one with this number.
pub(super) fn rewritten_file(number: u64) -> String {
    format!("{number:020}.segment.new")
}

/// Name of a compressed segment on its way to replace the one with this number.
pub(super) fn compressed_file(number: u64) -> String {
    format!("{number:020}.compressed.new")
}

/// Whether a file of this name was to replace a segment.
pub(super) fn is_unfinished_segment(name: &str) -> bool {
    let number = name.split_once('.').and_then(|(number, _)| number.parse().ok());
    number.is_some_and(|number| name == rewritten_file(number) || name == compressed_file(number))
}

/// Name of the lock under which a compacted segment and its index take the place of the old ones.
pub(super) const SWAP_LOCK: &str = "segments.lock";

/// What every file begins with.
pub(super) fn start(kind: Kind) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    out.extend_from_slice(&VERSION.to_le_bytes());
    out.push(kind as u8);
    out
}

/// Ends a file with the checksum of all before it.
pub(super) fn finish(mut out: Vec<u8>) -> Vec<u8> {
    let checksum = crc32c::crc32c(&out);
    out.extend_from_slice(&checksum.to_le_bytes());
    out
}

/// What follows the common start.
pub(super) fn check_start<'a>(bytes: &'a [u8], kind: Kind, name: &str) -> Result<&'a [u8]> {
    let rest = bytes.strip_prefix(&MAGIC).ok_or_else(|| damaged(name, "not a file of a log"))?;
    let (version, rest) = rest.split_first_chunk::<2>().ok_or_else(|| damaged(name, "cut off"))?;
    // The version is looked at before any checksum, which a newer one may keep elsewhere.
    let version = u16::from_le_bytes(*version);
    if version > VERSION {
        let message =
            format!("{name}: format version {version}, this library reads up to {VERSION}: use a newer one");
        return Err(Error::new(ErrorCode::Unsupported, message));
    }
    rest.strip_prefix(&[kind as u8])
        .filter(|_| version == VERSION)
        .ok_or_else(|| damaged(name, "another kind of file"))
}

/// What lies between the common start and the checksum.
pub(super) fn check<'a>(bytes: &'a [u8], kind: Kind, name: &str) -> Result<&'a [u8]> {
    let rest = check_start(bytes, kind, name)?;
    let (body, checksum) = rest.split_last_chunk::<4>().ok_or_else(|| damaged(name, "cut off"))?;
    let expected = bytes.get(..bytes.len() - checksum.len()).map(crc32c::crc32c);
    if expected != Some(u32::from_le_bytes(*checksum)) {
        return Err(damaged(name, "checksum does not match"));
    }
    Ok(body)
}

pub(super) fn damaged(name: &str, why: &str) -> Error {
    Error::new(ErrorCode::Corrupt, format!("{name}: {why} at offset 0"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_version_is_unsupported() {
        let mut newer = finish(start(Kind::Identity));
        assert!(check(&newer, Kind::Identity, "x").unwrap().is_empty());
        newer[8] = 2;
        assert_eq!(check(&newer, Kind::Identity, "x").unwrap_err().code(), ErrorCode::Unsupported);
    }

    #[test]
    fn every_flipped_bit_every_cut_and_every_other_kind_is_noticed() {
        let mut good = start(Kind::Manifest);
        good.extend_from_slice(b"something");
        let good = finish(good);
        assert_eq!(check(&good, Kind::Manifest, "x").unwrap(), b"something");
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(check(&bad, Kind::Manifest, "x").is_err(), "bit {bit}");
        }
        for length in 0..good.len() {
            let code = check(&good[..length], Kind::Manifest, "x").unwrap_err().code();
            assert_eq!(code, ErrorCode::Corrupt);
        }
        assert_eq!(check(&good, Kind::Checkpoint, "x").unwrap_err().code(), ErrorCode::Corrupt);
    }
}
