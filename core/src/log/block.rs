use std::sync::Arc;

use crate::error::{Error, ErrorCode, Result};
use crate::log::frame::{self, HEADER_LENGTH};
use crate::storage::StorageFile;

/// How much is read ahead of a scan, in bytes.
const BLOCK_LENGTH: usize = 256 * 1024;

/// How much of a frame a search looks at before it reads the whole, in bytes.
const SEARCH_LENGTH: u64 = 4096;

/// Where a frame lies in its segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FrameAt {
    pub(super) offset: u64,
    pub(super) body_length: u32,
}

impl FrameAt {
    /// Where the next frame starts.
    pub(super) fn end(self) -> u64 {
        self.offset + HEADER_LENGTH as u64 + u64::from(self.body_length)
    }
}

/// Reads frames out of a segment through one block of it at a time.
pub(super) struct BlockReader {
    file: Arc<dyn StorageFile>,
    name: Arc<str>,
    salt: u32,
    block: Vec<u8>,
    /// Offset of the block's first byte.
    start: u64,
}

impl BlockReader {
    pub(super) fn new(file: Arc<dyn StorageFile>, name: Arc<str>, salt: u32) -> Self {
        BlockReader { file, name, salt, block: Vec::new(), start: 0 }
    }

    /// The bytes from `offset` on, `length` of them, all of which must lie before
    /// `end`. A backward scan reads the block that ends with them.
    fn bytes(&mut self, offset: u64, length: usize, end: u64, backward: bool) -> Result<&[u8]> {
        let inside = offset.checked_sub(self.start).map_or(usize::MAX, |inside| inside as usize);
        let covered = inside.checked_add(length).is_some_and(|until| until <= self.block.len());
        let inside = if covered {
            inside
        } else {
            let want = BLOCK_LENGTH.max(length) as u64;
            let start = if backward { (offset + length as u64).saturating_sub(want) } else { offset };
            let until = (start + want).min(end).max(offset + length as u64);
            // A read that fails must not leave a block that looks full.
            let mut block = std::mem::take(&mut self.block);
            block.resize((until - start) as usize, 0);
            self.file.read_at(start, &mut block)?;
            (self.start, self.block) = (start, block);
            (offset - start) as usize
        };
        self.block
            .get(inside..inside + length)
            .ok_or_else(|| self.corrupt(offset, "the segment ends too early"))
    }

    /// The body of a frame known to lie there, its checksum compared.
    pub(super) fn frame(&mut self, at: FrameAt, end: u64, backward: bool) -> Result<&[u8]> {
        let (salt, name) = (self.salt, self.name.clone());
        let length = HEADER_LENGTH + at.body_length as usize;
        let bytes = self.bytes(at.offset, length, end, backward)?;
        intact(bytes, salt, at.offset)
            .ok_or_else(|| corrupt(&name, at.offset, "the checksum of the frame does not match"))
    }

    /// Where a whole and intact frame starts at `offset`, if one does.
    pub(super) fn probe(&mut self, offset: u64, end: u64) -> Result<Option<FrameAt>> {
        if end.saturating_sub(offset) < HEADER_LENGTH as u64 {
            return Ok(None);
        }
        let start = self.bytes(offset, HEADER_LENGTH, end, false)?;
        let Some(start) = start.first_chunk::<HEADER_LENGTH>() else { return Ok(None) };
        let (body_length, _) = frame::header(*start);
        let length = HEADER_LENGTH + body_length;
        if body_length == 0 || body_length > frame::MAX_BODY_LENGTH || (end - offset) < length as u64 {
            return Ok(None);
        }
        let salt = self.salt;
        let bytes = self.bytes(offset, length, end, false)?;
        let at = FrameAt { offset, body_length: body_length as u32 };
        Ok(intact(bytes, salt, offset).map(|_| at))
    }

    /// As [`BlockReader::probe`], for an offset where a frame is not expected: most are
    /// ruled out by their first bytes.
    pub(super) fn search(&mut self, offset: u64, end: u64) -> Result<Option<FrameAt>> {
        let rest = end.saturating_sub(offset);
        let window = self.bytes(offset, rest.min(SEARCH_LENGTH) as usize, end, false)?;
        let Some((start, prefix)) = window.split_first_chunk::<HEADER_LENGTH>() else { return Ok(None) };
        let (body_length, _) = frame::header(*start);
        let inside = body_length > 0 && (HEADER_LENGTH as u64 + body_length as u64) <= rest;
        let prefix = prefix.get(..body_length).unwrap_or(prefix);
        if inside && frame::plausible(prefix, body_length, offset) {
            self.probe(offset, end)
        } else {
            Ok(None)
        }
    }

    pub(super) fn corrupt(&self, offset: u64, why: &str) -> Error {
        corrupt(&self.name, offset, why)
    }
}

fn corrupt(name: &str, offset: u64, why: &str) -> Error {
    Error::new(ErrorCode::Corrupt, format!("{name}: {why} at offset {offset}"))
}

/// The body of this frame if its checksum matches.
fn intact(frame: &[u8], salt: u32, offset: u64) -> Option<&[u8]> {
    let (start, body) = frame.split_first_chunk::<HEADER_LENGTH>()?;
    (frame::header(*start) == (body.len(), frame::checksum(salt, offset, body))).then_some(body)
}
