//! The entries of each row: blocks of rows in the order of their hashes.

use std::collections::VecDeque;
use std::ops::Range;

use crate::error::{Error, ErrorCode, Result};
use crate::log::index_file::bytes::Bytes;
use crate::log::index_file::encode::position;
use crate::log::index_file::{IndexFile, IndexSummary, Rows};
use crate::varint;

/// A block takes rows while it stays within so many bytes; a row that is longer has a block of its own.
pub(super) const BLOCK_LENGTH: usize = 256;

/// Blocks that are read at a time when all are.
const BLOCKS_AT_ONCE: u64 = 256;

/// Appends the rows to `out`; returns the directory of their blocks and the number of rows.
pub(super) fn encode(rows: Rows<'_>, of: &IndexSummary, out: &mut Vec<u8>) -> Result<(Vec<u8>, usize)> {
    if !rows.entries.is_sorted() {
        return Err(internal("its entries are out of order"));
    }
    let mut fresh = rows.entries.iter().map(|entry| ((entry >> 32) as u32, *entry as u32)).peekable();
    let mut earlier = rows.earlier.map(RowStream::new);
    if rows.earlier.is_some_and(|earlier| {
        let other = earlier.summary();
        (other.log, other.ordinal, other.salt) != (of.log, of.ordinal, of.salt)
    }) {
        return Err(internal("the earlier index is of another segment"));
    }
    // The entries of the earlier index's row that comes next.
    let mut known = Vec::new();
    let mut next_known = match &mut earlier {
        Some(stream) => stream.next(&mut known)?,
        None => None,
    };
    let mut writer = RowWriter::new(out);
    let mut lsns = Vec::new();
    loop {
        let hash = match (next_known, fresh.peek()) {
            (Some(known), Some((fresh, _))) => known.min(*fresh),
            (Some(hash), None) | (None, Some(&(hash, _))) => hash,
            (None, None) => break,
        };
        lsns.clear();
        while let Some((_, lsn)) = fresh.next_if(|(fresh, _)| *fresh == hash) {
            lsns.push(lsn);
        }
        if let (Some(stream), true) = (&mut earlier, next_known == Some(hash)) {
            known.append(&mut lsns);
            std::mem::swap(&mut known, &mut lsns);
            writer.push(hash, &lsns)?;
            next_known = stream.next(&mut known)?;
        } else {
            writer.push(hash, &lsns)?;
        }
    }
    Ok((writer.blocks, writer.count))
}

fn internal(why: &str) -> Error {
    Error::new(ErrorCode::Internal, format!("index of rows: {why}"))
}

struct RowWriter<'a> {
    out: &'a mut Vec<u8>,
    /// Where the rows start in `out`.
    start: usize,
    /// First hash and start of each block.
    blocks: Vec<u8>,
    /// Where the last block starts in `out`.
    block: usize,
    last_hash: u32,
    count: usize,
    /// The row at hand without its hash.
    row: Vec<u8>,
}

impl<'a> RowWriter<'a> {
    fn new(out: &'a mut Vec<u8>) -> Self {
        let start = out.len();
        RowWriter { out, start, blocks: Vec::new(), block: start, last_hash: 0, count: 0, row: Vec::new() }
    }

    /// `lsns` ascend and there is at least one.
    fn push(&mut self, hash: u32, lsns: &[u32]) -> Result<()> {
        self.row.clear();
        varint::write(lsns.len() as u64, &mut self.row);
        let mut previous = None;
        for lsn in lsns {
            let gap = match previous.replace(*lsn) {
                Some(previous) => lsn.checked_sub(previous).filter(|gap| *gap > 0),
                None => Some(*lsn),
            };
            let gap = gap.ok_or_else(|| internal("an entry of a row comes before itself"))?;
            varint::write(u64::from(gap), &mut self.row);
        }
        let before = self.out.len();
        if self.count > 0 {
            varint::write(u64::from(hash - self.last_hash), self.out);
        }
        if self.count == 0 || self.out.len() + self.row.len() - self.block > BLOCK_LENGTH {
            self.out.truncate(before);
            self.blocks.extend_from_slice(&hash.to_le_bytes());
            self.blocks.extend_from_slice(&position(before - self.start)?.to_le_bytes());
            self.block = before;
            varint::write(0, self.out);
        }
        self.out.extend_from_slice(&self.row);
        self.last_hash = hash;
        self.count += 1;
        Ok(())
    }
}

/// The rows of one block, or of several that follow each other.
pub(super) struct BlockRows<'a> {
    bytes: Bytes<'a>,
    hash: u32,
    first: bool,
}

impl<'a> BlockRows<'a> {
    pub(super) fn new(block: &'a [u8], first_hash: u32) -> Self {
        BlockRows { bytes: Bytes(block), hash: first_hash, first: true }
    }

    /// The next row's hash, its entries in `lsns`; `Ok(None)` at the end. An error is a block that is no block.
    pub(super) fn next(&mut self, lsns: &mut Vec<u32>) -> Result<Option<u32>, ()> {
        lsns.clear();
        if self.bytes.0.is_empty() {
            return if self.first { Err(()) } else { Ok(None) };
        }
        self.row(lsns).map(Some).ok_or(())
    }

    fn row(&mut self, lsns: &mut Vec<u32>) -> Option<u32> {
        let gap = self.bytes.small()?;
        // The first row's hash is in the directory; no two rows have the same.
        if (gap == 0) != self.first {
            return None;
        }
        self.first = false;
        self.hash = self.hash.checked_add(gap)?;
        let count = self.bytes.count(1)?;
        let mut lsn = self.bytes.small().filter(|_| count > 0)?;
        lsns.reserve(count);
        lsns.push(lsn);
        for _ in 1..count {
            lsn = lsn.checked_add(self.bytes.small().filter(|gap| *gap > 0)?)?;
            lsns.push(lsn);
        }
        Some(self.hash)
    }
}

/// All rows of an index in the order of their hashes, a few blocks in memory at a time.
pub(super) struct RowStream<'a> {
    index: &'a IndexFile,
    next_block: u64,
    /// The rows of the blocks that were read last, and where they lie in the content.
    bytes: Vec<u8>,
    start: u64,
    /// First hash of each of them that is still to come, and where it lies in `bytes`.
    blocks: VecDeque<(u32, Range<usize>)>,
    /// The block at hand: the hash so far, whether that is still the directory's, and what is left of it.
    current: Option<(u32, bool, Range<usize>)>,
    last: Option<u32>,
}

impl<'a> RowStream<'a> {
    pub(super) fn new(index: &'a IndexFile) -> Self {
        RowStream {
            index,
            next_block: 0,
            bytes: Vec::new(),
            start: 0,
            blocks: VecDeque::new(),
            current: None,
            last: None,
        }
    }

    /// The next row's hash, its entries in `lsns`.
    pub(super) fn next(&mut self, lsns: &mut Vec<u32>) -> Result<Option<u32>> {
        loop {
            if let Some((hash, first, left)) = self.current.take() {
                let block = self.bytes.get(left.clone()).unwrap_or_default();
                let mut rows = BlockRows { bytes: Bytes(block), hash, first };
                let damaged = || self.index.damaged_rows(self.start + left.start as u64);
                let row = rows.next(lsns).map_err(|()| damaged())?;
                if let Some(hash) = row {
                    if self.last.is_some_and(|last| last >= hash) {
                        return Err(damaged());
                    }
                    self.last = Some(hash);
                    self.current = Some((hash, false, left.end - rows.bytes.0.len()..left.end));
                    return Ok(row);
                }
            } else if let Some((hash, block)) = self.blocks.pop_front() {
                self.current = Some((hash, true, block));
            } else if !self.read()? {
                return Ok(None);
            }
        }
    }

    /// Reads the next blocks; false if there are none.
    fn read(&mut self) -> Result<bool> {
        let until = self.index.header.sections.row_blocks.count.min(self.next_block + BLOCKS_AT_ONCE);
        let mut lengths = Vec::new();
        let mut start = None;
        for number in self.next_block..until {
            let (hash, block) = self.index.row_block(number)?;
            start.get_or_insert(block.start);
            lengths.push((hash, (block.end - block.start) as usize));
        }
        let Some(start) = start else { return Ok(false) };
        self.bytes.clear();
        self.start = start;
        let length = lengths.iter().map(|(_, length)| length).sum();
        self.index.pages.read_into(start, length, &mut self.bytes)?;
        let mut at = 0;
        for (hash, length) in lengths {
            self.blocks.push_back((hash, at..at + length));
            at += length;
        }
        self.next_block = until;
        Ok(true)
    }
}
