//! The entries of each row: blocks of rows in the order of their keys, which are their hashes or the upper bits of those.

use std::collections::VecDeque;
use std::ops::Range;

use crate::error::{Error, ErrorCode, Result};
use crate::log::index_file::bytes::Bytes;
use crate::log::index_file::encode::position;
use crate::log::index_file::header::RowLayout;
use crate::log::index_file::{IndexFile, IndexSummary, Rows};
use crate::varint;

/// A block takes rows while it stays within so many bytes; a row that is longer has a block of its own.
pub(super) const BLOCK_LENGTH: usize = 256;

/// Bits beside the gap for how many entries a row has, and the number that they then say: one less, or so many or more.
const COUNT_BITS: u32 = 2;
const MANY: u64 = 3;
const HASH_BITS: u32 = 32;

/// Blocks that are read at a time when all are.
const BLOCKS_AT_ONCE: u64 = 256;

/// So many times as many keys there are as entries, at least: so nearly all rows have one of their own.
const KEYS_FOR_AN_ENTRY: u64 = 256;

/// How to write down the rows of this segment. Of a sealed one no more of a hash is kept than tells nearly all rows apart,
/// which makes the gaps between them short; what is known of an unsealed one goes into a later index.
pub(super) fn layout(of: &IndexSummary) -> RowLayout {
    let wanted = of.entries.max(1).saturating_mul(KEYS_FOR_AN_ENTRY);
    let dropped = (0..HASH_BITS).rev().find(|dropped| (1 << (HASH_BITS - dropped)) >= wanted);
    RowLayout { packed: true, dropped: dropped.filter(|_| of.sealed).unwrap_or(0) as u8 }
}

/// Appends the rows to `out`; returns the directory of their blocks and the number of rows.
pub(super) fn encode(
    rows: Rows<'_>,
    of: &IndexSummary,
    layout: RowLayout,
    out: &mut Vec<u8>,
) -> Result<(Vec<u8>, usize)> {
    if !rows.entries.is_sorted() {
        return Err(internal("its entries are out of order"));
    }
    let mut fresh =
        rows.entries.iter().map(|entry| (layout.key((entry >> 32) as u32), *entry as u32)).peekable();
    let mut earlier = rows.earlier.map(RowStream::new);
    if rows.earlier.is_some_and(|earlier| {
        let other = earlier.summary();
        (other.log, other.ordinal, other.salt) != (of.log, of.ordinal, of.salt)
            || earlier.header.rows.dropped > 0
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
        let key = match (next_known.map(|hash| layout.key(hash)), fresh.peek()) {
            (Some(known), Some((fresh, _))) => known.min(*fresh),
            (Some(key), None) | (None, Some(&(key, _))) => key,
            (None, None) => break,
        };
        lsns.clear();
        while let Some(stream) = &mut earlier
            && next_known.is_some_and(|hash| layout.key(hash) == key)
        {
            lsns.append(&mut known);
            next_known = stream.next(&mut known)?;
        }
        while let Some((_, lsn)) = fresh.next_if(|(fresh, _)| *fresh == key) {
            lsns.push(lsn);
        }
        if layout.dropped > 0 {
            // Several rows, with different hashes, may stand under one key.
            lsns.sort_unstable();
        }
        writer.push(key, &lsns)?;
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
    /// First key and start of each block.
    blocks: Vec<u8>,
    /// Where the last block starts in `out`.
    block: usize,
    last_key: u32,
    count: usize,
    /// The row at hand without its key.
    row: Vec<u8>,
}

impl<'a> RowWriter<'a> {
    fn new(out: &'a mut Vec<u8>) -> Self {
        let start = out.len();
        RowWriter { out, start, blocks: Vec::new(), block: start, last_key: 0, count: 0, row: Vec::new() }
    }

    /// `lsns` ascend and there is at least one.
    fn push(&mut self, key: u32, lsns: &[u32]) -> Result<()> {
        self.row.clear();
        // How many there are stands with the gap, but for many.
        let few = (lsns.len() as u64).saturating_sub(1).min(MANY);
        if few == MANY {
            varint::write(lsns.len() as u64 - 1 - MANY, &mut self.row);
        }
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
            varint::write(u64::from(key - self.last_key) << COUNT_BITS | few, self.out);
        }
        if self.count == 0 || self.out.len() + self.row.len() - self.block > BLOCK_LENGTH {
            self.out.truncate(before);
            self.blocks.extend_from_slice(&key.to_le_bytes());
            self.blocks.extend_from_slice(&position(before - self.start)?.to_le_bytes());
            self.block = before;
            varint::write(few, self.out);
        }
        self.out.extend_from_slice(&self.row);
        self.last_key = key;
        self.count += 1;
        Ok(())
    }
}

/// The rows of one block, or of several that follow each other.
pub(super) struct BlockRows<'a> {
    bytes: Bytes<'a>,
    layout: RowLayout,
    key: u32,
    first: bool,
}

impl<'a> BlockRows<'a> {
    pub(super) fn new(block: &'a [u8], layout: RowLayout, first_key: u32) -> Self {
        BlockRows { bytes: Bytes(block), layout, key: first_key, first: true }
    }

    /// The next row's key, its entries in `lsns`; `Ok(None)` at the end. An error is a block that is no block.
    pub(super) fn next(&mut self, lsns: &mut Vec<u32>) -> Result<Option<u32>, ()> {
        lsns.clear();
        if self.bytes.0.is_empty() {
            return if self.first { Err(()) } else { Ok(None) };
        }
        self.row(lsns).map(Some).ok_or(())
    }

    fn row(&mut self, lsns: &mut Vec<u32>) -> Option<u32> {
        let (gap, count) = if self.layout.packed {
            let both = self.bytes.varint()?;
            let few = both & MANY;
            let count =
                if few == MANY { self.bytes.count(1)?.checked_add(MANY as usize)? } else { few as usize };
            (u32::try_from(both >> COUNT_BITS).ok()?, count + 1)
        } else {
            (self.bytes.small()?, self.bytes.count(1)?)
        };
        // The first row's key is in the directory; no two rows have the same.
        if (gap == 0) != self.first {
            return None;
        }
        self.first = false;
        self.key = self.key.checked_add(gap)?;
        if count > self.bytes.0.len() {
            return None;
        }
        let mut lsn = self.bytes.small().filter(|_| count > 0)?;
        lsns.reserve(count);
        lsns.push(lsn);
        for _ in 1..count {
            lsn = lsn.checked_add(self.bytes.small().filter(|gap| *gap > 0)?)?;
            lsns.push(lsn);
        }
        Some(self.key)
    }
}

/// All rows of an index in the order of their keys, a few blocks in memory at a time.
pub(super) struct RowStream<'a> {
    index: &'a IndexFile,
    next_block: u64,
    /// The rows of the blocks that were read last, and where they lie in the content.
    bytes: Vec<u8>,
    start: u64,
    /// First key of each of them that is still to come, and where it lies in `bytes`.
    blocks: VecDeque<(u32, Range<usize>)>,
    /// The block at hand: the key so far, whether that is still the directory's, and what is left of it.
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

    /// The next row's key, its entries in `lsns`.
    pub(super) fn next(&mut self, lsns: &mut Vec<u32>) -> Result<Option<u32>> {
        loop {
            if let Some((key, first, left)) = self.current.take() {
                let block = self.bytes.get(left.clone()).unwrap_or_default();
                let mut rows = BlockRows { bytes: Bytes(block), layout: self.index.header.rows, key, first };
                let damaged = || self.index.damaged_rows(self.start + left.start as u64);
                let row = rows.next(lsns).map_err(|()| damaged())?;
                if let Some(key) = row {
                    if self.last.is_some_and(|last| last >= key) {
                        return Err(damaged());
                    }
                    self.last = Some(key);
                    self.current = Some((key, false, left.end - rows.bytes.0.len()..left.end));
                    return Ok(row);
                }
            } else if let Some((key, block)) = self.blocks.pop_front() {
                self.current = Some((key, true, block));
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
            let (key, block) = self.index.row_block(number)?;
            start.get_or_insert(block.start);
            lengths.push((key, (block.end - block.start) as usize));
        }
        let Some(start) = start else { return Ok(false) };
        self.bytes.clear();
        self.start = start;
        let length = lengths.iter().map(|(_, length)| length).sum();
        self.index.pages.read_into(start, length, &mut self.bytes)?;
        let mut at = 0;
        for (key, length) in lengths {
            self.blocks.push_back((key, at..at + length));
            at += length;
        }
        self.next_block = until;
        Ok(true)
    }
}
