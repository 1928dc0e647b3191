use std::ops::{Deref, Range};
use std::sync::Arc;

use crate::error::{Error, ErrorCode, Result};
use crate::log::frame::{self, Base, Body, Frame, HEADER_LENGTH};
use crate::storage::{MappedFile, StorageFile};

/// How much is read at first, and how much at most once reading goes on and on, in bytes: not so much that it falls
/// out of the processor's nearer caches before it is looked at.
const LEAST_BLOCK: usize = 16 * 1024;
const MOST_BLOCK: usize = 64 * 1024;
/// How far behind a bad frame an intact one is looked for at every offset, in bytes: several times what is on its way to the
/// disk at once, but for one long transaction, which says itself where it ends.
const MOST_SEARCHED: u64 = 64 << 20;
/// How many bytes of what looks like frames are checked there.
const MOST_CHECKED: u64 = 1 << 30;

/// Reads the frames of a segment through one block of it, which it owns, or where they lie in a map of it.
pub(super) struct FrameReader {
    file: Arc<dyn StorageFile>,
    name: Arc<str>,
    base: Base,
    block: Block,
    /// Offset of the block's first byte.
    start: u64,
    /// How much is read next time.
    ahead: usize,
    /// Of a compressed segment, what it takes to read anything: blocks of so many bytes.
    unit: Option<u64>,
}

enum Block {
    Read(Vec<u8>),
    /// The whole file.
    Mapped(Arc<MappedFile>),
}

impl Deref for Block {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Block::Read(bytes) => bytes,
            Block::Mapped(map) => map,
        }
    }
}

impl FrameReader {
    pub(super) fn new(file: Arc<dyn StorageFile>, name: Arc<str>, base: Base, unit: Option<u64>) -> Self {
        let block = Block::Read(Vec::new());
        FrameReader { file, name, base, block, start: 0, ahead: LEAST_BLOCK, unit }
    }

    /// Goes without reading where the file is mapped.
    pub(super) fn mapped(self, map: Option<Arc<MappedFile>>) -> Self {
        match map {
            Some(map) => FrameReader { block: Block::Mapped(map), ..self },
            None => self,
        }
    }

    /// Makes the block hold the bytes from `offset` on, `length` of them, all of which lie before `end`, and where
    /// they are in it.
    fn fill(&mut self, offset: u64, length: usize, end: u64) -> Result<Range<usize>> {
        let inside = offset.checked_sub(self.start).map_or(usize::MAX, |inside| inside as usize);
        if inside.checked_add(length).is_some_and(|until| until <= self.block.len()) {
            return Ok(inside..inside + length);
        }
        let Block::Read(block) = &mut self.block else {
            let message = format!("{}: the file ends before offset {offset} + {length}", self.name);
            return Err(Error::new(ErrorCode::Corrupt, message));
        };
        let goes_on = inside <= block.len() && !block.is_empty();
        self.ahead = if goes_on { (self.ahead * 2).min(MOST_BLOCK) } else { LEAST_BLOCK };
        let least = offset + length as u64;
        // A read that fails must not leave a block that looks full.
        let mut block = std::mem::take(block);
        let (start, kept, until) = match self.unit {
            None => (offset, 0, least.max(offset + self.ahead as u64)),
            // Whole blocks, of which those who read on take none apart twice.
            Some(unit) if goes_on => (offset, block.len() - inside, least.next_multiple_of(unit)),
            Some(unit) => (offset - offset % unit, 0, least.next_multiple_of(unit)),
        };
        let until = until.min(end).max(least);
        let left = block.len() - kept;
        block.copy_within(left.., 0);
        // Only what was never read before need be zeroed first.
        block.resize((until - start) as usize, 0);
        self.file.read_at(start + kept as u64, block.get_mut(kept..).unwrap_or_default())?;
        (self.start, self.block) = (start, Block::Read(block));
        let inside = (offset - start) as usize;
        Ok(inside..inside + length)
    }

    /// Reads all of a region at once, so that the frames in it are at hand.
    pub(super) fn load(&mut self, region: Range<u64>) -> Result<()> {
        self.fill(region.start, (region.end - region.start) as usize, region.end).map(|_| ())
    }

    /// Where in the block a whole and intact frame's body lies that starts at `offset`, if one does.
    fn body(&mut self, offset: u64, end: u64) -> Result<Option<Range<usize>>> {
        if end.saturating_sub(offset) < HEADER_LENGTH as u64 {
            return Ok(None);
        }
        let start = self.fill(offset, HEADER_LENGTH, end)?;
        let Some(header) = self.block.get(start).and_then(|bytes| bytes.first_chunk::<HEADER_LENGTH>())
        else {
            return Ok(None);
        };
        let (length, checksum) = frame::header(*header);
        let whole = HEADER_LENGTH + length;
        if length == 0 || length > frame::MAX_BODY_LENGTH || (end - offset) < whole as u64 {
            return Ok(None);
        }
        let all = self.fill(offset, whole, end)?;
        let body = all.start + HEADER_LENGTH..all.end;
        let intact = self
            .block
            .get(body.clone())
            .is_some_and(|body| frame::checksum(self.base.salt, offset, body) == checksum);
        Ok(intact.then_some(body))
    }

    /// The frame that starts at `offset` and where the next one does; nothing where no intact one lies.
    pub(super) fn probe(&mut self, offset: u64, end: u64) -> Result<Option<(Body<'_>, u64)>> {
        let Some(body) = self.body(offset, end)? else { return Ok(None) };
        let next = offset + (HEADER_LENGTH + body.len()) as u64;
        match self.block.get(body).and_then(|body| Body::read(body, self.base)) {
            Some(body) => Ok(Some((body, next))),
            None => Err(corrupt(&self.name, offset, "the frame's content makes no sense")),
        }
    }

    /// The transaction that starts at `offset`, where its changes lie in the block, and where the next frame starts.
    pub(super) fn transaction(&mut self, offset: u64, end: u64) -> Result<(Frame<'_>, Range<usize>, u64)> {
        let Some(body) = self.body(offset, end)? else {
            return Err(corrupt(&self.name, offset, "the checksum of the frame does not match"));
        };
        let next = offset + (HEADER_LENGTH + body.len()) as u64;
        match self.block.get(body.clone()).and_then(|bytes| Body::read(bytes, self.base)) {
            Some(Body::Transaction(frame)) => {
                let changes = body.end - frame.changes_length()..body.end;
                Ok((frame, changes, next))
            }
            _ => Err(corrupt(&self.name, offset, "the frame's content makes no sense")),
        }
    }

    /// Bytes of the block, by where [`FrameReader::transaction`] said that they are.
    pub(super) fn bytes(&self, range: Range<usize>) -> &[u8] {
        self.block.get(range).unwrap_or_default()
    }

    pub(super) fn corrupt(&self, offset: u64, why: &str) -> Error {
        corrupt(&self.name, offset, why)
    }

    /// Where the frame at `offset` ends by its own word, whether it is intact or not.
    pub(super) fn claimed_end(&mut self, offset: u64, end: u64) -> Result<Option<u64>> {
        if end.saturating_sub(offset) <= HEADER_LENGTH as u64 {
            return Ok(None);
        }
        let start = self.fill(offset, HEADER_LENGTH, end)?;
        let header = self.block.get(start).and_then(|bytes| bytes.first_chunk::<HEADER_LENGTH>());
        let length = header.map_or(0, |header| frame::header(*header).0);
        let possible = (1..=frame::MAX_BODY_LENGTH).contains(&length);
        Ok(possible.then(|| offset.saturating_add((HEADER_LENGTH + length) as u64)))
    }

    /// Whether an intact frame that says that all before it was durable lies somewhere behind the bad one at
    /// `offset`: where that one's length says, or those of the frames after it. Its length may be what is damaged, so
    /// every offset is tried as well, up to a bound.
    pub(super) fn durable_beyond(&mut self, offset: u64, end: u64) -> Result<bool> {
        let mut next = self.claimed_end(offset, end)?;
        while let Some(at) = next.filter(|at| *at < end) {
            next = match self.probe(at, end).or_else(ignore_corrupt)? {
                Some((body, _)) if body.is_durable() => return Ok(true),
                Some((_, after)) => Some(after),
                None => None,
            };
        }
        let mut left = MOST_CHECKED;
        // A shorter frame has no room for a body.
        let until = end.saturating_sub(HEADER_LENGTH as u64).min(offset.saturating_add(MOST_SEARCHED));
        for at in offset + 1..until {
            let start = self.fill(at, HEADER_LENGTH + 1, end)?;
            let Some((header, [flags])) =
                self.block.get(start).and_then(|bytes| bytes.split_first_chunk::<HEADER_LENGTH>())
            else {
                return Ok(false);
            };
            // Most offsets are told apart without a checksum.
            let length = frame::header(*header).0;
            if length == 0 || length as u64 > end - at || !frame::says_durable(*flags) {
                continue;
            }
            // Bytes that look like the start of long frames everywhere must not keep a log from opening.
            let Some(rest) = left.checked_sub(length as u64) else { return Ok(false) };
            left = rest;
            if let Some((body, _)) = self.probe(at, end).or_else(ignore_corrupt)?
                && body.is_durable()
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether all bytes from `offset` to `end` are zero: space that was prepared and not yet written.
    pub(super) fn is_blank(&mut self, offset: u64, end: u64) -> Result<bool> {
        let mut at = offset;
        while at < end {
            let length = (end - at).min(MOST_BLOCK as u64) as usize;
            let range = self.fill(at, length, end)?;
            if !self.bytes(range).iter().all(|byte| *byte == 0) {
                return Ok(false);
            }
            at += length as u64;
        }
        Ok(true)
    }
}

fn ignore_corrupt<T>(error: Error) -> Result<Option<T>> {
    if error.code() == ErrorCode::Corrupt { Ok(None) } else { Err(error) }
}

pub(super) fn corrupt(name: &str, offset: u64, why: &str) -> Error {
    Error::new(ErrorCode::Corrupt, format!("{name}: {why} at offset {offset}"))
}
