//! The format of the files as `docs/format.md` describes it, written down a second time and
//! without the library's help: to make bytes that pass its checksums, and to say what it should find.

use std::ops::Range;

/// The files of a log.
pub(crate) const IDENTITY: &str = "identity";
pub(crate) const SEGMENT: &str = "00000000000000000001.segment";
pub(crate) const MANIFEST: &str = "manifest";
pub(crate) const ENDS: &str = "ends";

/// Length of the segment's header: where the first frame starts.
pub(crate) const HEADER: usize = 67;
/// Where the salt lies in it.
const SALT: Range<usize> = 59..63;
/// Length of a compressed segment's header: where its table of blocks starts.
const COMPRESSED_HEADER: usize = 56;
/// Length and checksum before a frame's body.
const FRAME_HEADER: usize = 8;
/// The flag of a frame, in the first byte of its body, that says that all before it was on the disk.
pub(crate) const DURABLE: u8 = 1;

const CRC_TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0x82f6_3b78 } else { crc >> 1 };
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
};

/// CRC-32C of something that ends with these bytes, from that of what comes before them.
pub(crate) fn crc32c(before: u32, bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!before, |crc, byte| crc >> 8 ^ CRC_TABLE[((crc ^ u32::from(*byte)) & 0xff) as usize])
}

/// Puts the right checksum at the end of a file or a header.
pub(crate) fn seal(bytes: &mut [u8]) {
    if let Some((content, checksum)) = bytes.split_last_chunk_mut::<4>() {
        *checksum = crc32c(0, content).to_le_bytes();
    }
}

/// Puts the right checksum at the end of every page of an index.
pub(crate) fn seal_pages(bytes: &mut [u8]) {
    let Some(salt) = bytes.get(27..31).map(<[u8]>::to_vec) else { return };
    for (number, page) in (0_u64..).zip(bytes.chunks_mut(4096)) {
        if let Some((content, checksum)) = page.split_last_chunk_mut::<4>() {
            let seed = crc32c(crc32c(0, &salt), &number.to_le_bytes());
            *checksum = crc32c(seed, content).to_le_bytes();
        }
    }
}

/// A compressed segment: its header without the checksum, then of each block what the table says of its length, and
/// its bytes.
pub(crate) fn compressed(header: &[u8], blocks: &[(u32, Vec<u8>)]) -> Vec<u8> {
    let salt = header.get(35..39).map_or(0, |salt| u32::from_le_bytes(salt.try_into().unwrap()));
    let mut out = header.to_vec();
    out.extend_from_slice(&[0; 4]);
    seal(&mut out);
    let table = out.len();
    let mut at = table + 8 * blocks.len() + 4;
    for (length, block) in blocks {
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(&checksum(salt, at, block).to_le_bytes());
        at += block.len();
    }
    let checksum = checksum(salt, table, &out[table..]);
    out.extend_from_slice(&checksum.to_le_bytes());
    blocks.iter().for_each(|(_, block)| out.extend_from_slice(block));
    out
}

/// The header without the checksum, and the blocks of a compressed segment that is intact.
pub(crate) fn taken_apart(compressed: &[u8]) -> (Vec<u8>, Vec<(u32, Vec<u8>)>) {
    let number = |at: usize| u32::from_le_bytes(compressed[at..at + 4].try_into().unwrap());
    let (block_length, length) = (u64::from(number(40)), u64::from(number(44)) | u64::from(number(48)) << 32);
    let count = length.div_ceil(block_length) as usize;
    let mut at = COMPRESSED_HEADER + 8 * count + 4;
    let blocks = (0..count).map(|block| {
        let stored = number(COMPRESSED_HEADER + 8 * block);
        at += stored as usize;
        (stored, compressed[at - stored as usize..at].to_vec())
    });
    let blocks = blocks.collect();
    (compressed[..COMPRESSED_HEADER - 4].to_vec(), blocks)
}

/// The manifest of a log that nothing was removed from; `identity` starts as its identity does.
pub(crate) fn manifest(identity: &[u8]) -> Vec<u8> {
    let mut out = identity.get(..11 + 16).unwrap_or_default().to_vec();
    if let Some(kind) = out.get_mut(10) {
        *kind = 4;
    }
    // First segment 1; the next LSN is 1, and there is nothing else yet.
    out.extend_from_slice(&[1, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
    out.extend_from_slice(&[0; 4]);
    seal(&mut out);
    out
}

fn salt(segment: &[u8]) -> u32 {
    u32::from_le_bytes(segment[SALT].try_into().unwrap())
}

fn checksum(salt: u32, offset: usize, body: &[u8]) -> u32 {
    let place = (salt ^ offset as u32).wrapping_mul(0x9e37_79b1);
    crc32c(place ^ (body.len() as u32).rotate_left(16), body)
}

/// The end of the whole and intact frame that starts at `offset`, if one does.
fn intact(segment: &[u8], offset: usize) -> Option<usize> {
    let rest = segment.get(offset..)?;
    let length = u32::from_le_bytes(*rest.first_chunk()?) as usize;
    let stored = u32::from_le_bytes(*rest.get(4..)?.first_chunk()?);
    let body = rest.get(FRAME_HEADER..FRAME_HEADER.checked_add(length)?)?;
    let fits = length > 0 && stored == checksum(salt(segment), offset, body);
    fits.then_some(offset + FRAME_HEADER + length)
}

/// The intact frames from the header on, without gaps.
pub(crate) fn frames(segment: &[u8]) -> Vec<Range<usize>> {
    let mut frames = Vec::new();
    let mut offset = HEADER;
    while let Some(end) = intact(segment, offset) {
        frames.push(offset..end);
        offset = end;
    }
    frames
}

/// The bodies of the intact frames from the header on.
pub(crate) fn bodies(segment: &[u8]) -> Vec<Vec<u8>> {
    frames(segment).into_iter().map(|frame| segment[frame.start + FRAME_HEADER..frame.end].to_vec()).collect()
}

/// Appends a frame with this body and the right checksum.
pub(crate) fn push_frame(segment: &mut Vec<u8>, body: &[u8]) {
    let checksum = checksum(salt(segment), segment.len(), body);
    segment.extend_from_slice(&(body.len() as u32).to_le_bytes());
    segment.extend_from_slice(&checksum.to_le_bytes());
    segment.extend_from_slice(body);
}

/// Puts the right checksum into every frame whose length fits into the segment.
pub(crate) fn seal_frames(segment: &mut Vec<u8>) {
    let bytes = std::mem::take(segment);
    let (header, mut rest) = bytes.split_at(HEADER.min(bytes.len()));
    segment.extend_from_slice(header);
    while let Some((start, after)) = rest.split_first_chunk::<FRAME_HEADER>() {
        let length = u32::from_le_bytes([start[0], start[1], start[2], start[3]]) as usize;
        let Some((body, after)) = after.split_at_checked(length) else { break };
        push_frame(segment, body);
        rest = after;
    }
    segment.extend_from_slice(rest);
}

/// What opening should make of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Nothing but zeros follows the last frame: space that was prepared.
    Whole,
    /// What follows the last frame was never wholly written and is cut off.
    Torn,
    /// What follows the last frame had reached the disk once.
    Damaged,
}

/// How a segment ends; `None` when something passes for a frame that is none of `original`, be it
/// inside a payload: then a checksum was hit upon, which fuzzers do, and nothing can be said.
pub(crate) fn ending(segment: &[u8], original: &[u8]) -> Option<Ending> {
    let end = frames(segment).last().map_or(HEADER, |frame| frame.end);
    let written = frames(original);
    let mut damaged = false;
    for offset in HEADER..segment.len() {
        let Some(until) = intact(segment, offset) else { continue };
        if !written.contains(&(offset..until)) || segment.get(offset..until) != original.get(offset..until) {
            return None;
        }
        if offset > end {
            damaged |= segment[offset + FRAME_HEADER] & DURABLE != 0;
        }
    }
    Some(match damaged {
        true => Ending::Damaged,
        false if segment[end..].iter().any(|byte| *byte != 0) => Ending::Torn,
        false => Ending::Whole,
    })
}

pub(crate) fn write_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub(crate) fn write_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    write_varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

pub(crate) fn write_signed(value: i64, out: &mut Vec<u8>) {
    write_varint((value << 1 ^ value >> 63) as u64, out);
}
