//! A sealed segment that takes less room: its content in blocks, each compressed by itself.
//!
//! What is read from such a file is the segment as it was written, byte for byte, so nobody but those who open it
//! knows that there is one.

use std::sync::Arc;

use lz4_flex::block::{CompressTable, compress_into_with_table, decompress_into, get_maximum_output_size};

use crate::error::{Error, ErrorCode, Result};
use crate::log::bytes::Reader;
use crate::log::format::{CompressedHeader, SegmentHeader};
use crate::log::frame;
use crate::log::frame_reader::corrupt;
use crate::storage::StorageFile;

/// How many bytes of content a block has. Reading any part of a block takes all of it, and the longer it is the more
/// can be left out.
const BLOCK_LENGTH: u32 = 16 << 10;
/// What block lengths are read, so that no file can ask for more memory than this.
const BLOCK_LENGTHS: std::ops::RangeInclusive<u32> = 1 << 12..=1 << 20;
/// The most bytes of content that a byte of a block can stand for, by how its lengths are written.
const MOST_FOR_A_BYTE: u64 = 255;
/// Bytes of the table for each block.
const BLOCK_OF_TABLE: usize = 8;
/// What must be saved at least, of a block and of a segment: a sixteenth. Less is not worth what reading costs then.
const LEAST_SAVED: u64 = 16;
/// Bytes of compressed blocks that are written at once.
const WRITTEN_AT_ONCE: usize = 1 << 20;

/// Where a block lies in the file, and its checksum.
#[derive(Debug, Clone, Copy)]
struct Block {
    end: u64,
    checksum: u32,
}

/// The content of a compressed segment, to be read from any number of threads at once.
pub(super) struct CompressedFile {
    file: Box<dyn StorageFile>,
    name: Arc<str>,
    header: CompressedHeader,
    /// Where the first block starts.
    start: u64,
    blocks: Vec<Block>,
}

/// Where the first of so many blocks starts.
fn start_of_blocks(count: usize) -> usize {
    CompressedHeader::LENGTH + count * BLOCK_OF_TABLE + 4
}

fn table_checksum(salt: u32, table: &[u8]) -> u32 {
    frame::checksum(salt, CompressedHeader::LENGTH as u64, table)
}

impl CompressedFile {
    /// Reads where the blocks of `file` lie.
    ///
    /// # Errors
    /// `CORRUPT` where that is damaged or does not fit the file, `UNSUPPORTED` for a way to compress that only a newer
    /// version knows, `IO`.
    pub(super) fn open(file: Box<dyn StorageFile>, name: Arc<str>) -> Result<CompressedFile> {
        let length = file.length()?;
        let cut_off = || corrupt(&name, length, "cut off");
        let mut bytes = vec![0; CompressedHeader::LENGTH];
        if length < bytes.len() as u64 {
            return Err(cut_off());
        }
        file.read_at(0, &mut bytes)?;
        let header = CompressedHeader::decode(&bytes, &name)?;
        let makes_no_sense = || corrupt(&name, 0, "the header of the compressed segment makes no sense");
        if !BLOCK_LENGTHS.contains(&header.block_length) || header.length < SegmentHeader::LENGTH as u64 {
            return Err(makes_no_sense());
        }
        // The table is as long as the header says only if the file has room for it.
        let count = header.length.div_ceil(u64::from(header.block_length));
        let room = (length - bytes.len() as u64) / BLOCK_OF_TABLE as u64;
        let count = usize::try_from(count).ok().filter(|count| *count as u64 <= room).ok_or_else(cut_off)?;
        let start = start_of_blocks(count);
        if length < start as u64 {
            return Err(cut_off());
        }
        bytes.resize(start, 0);
        let (_, table) = bytes.split_at_mut_checked(CompressedHeader::LENGTH).ok_or_else(makes_no_sense)?;
        file.read_at(CompressedHeader::LENGTH as u64, table)?;

        let damaged = |why: &str| corrupt(&name, CompressedHeader::LENGTH as u64, why);
        let table = bytes.get(CompressedHeader::LENGTH..).unwrap_or_default();
        let (table, checksum) = table.split_last_chunk::<4>().ok_or_else(makes_no_sense)?;
        if table_checksum(header.salt, table) != u32::from_le_bytes(*checksum) {
            return Err(damaged("the checksum of the table of blocks does not match"));
        }
        let mut table = Reader(table);
        let mut blocks: Vec<Block> = Vec::with_capacity(count);
        let (mut end, mut left) = (start as u64, header.length);
        while let (Some(stored), Some(checksum)) = (table.u32(), table.u32()) {
            let content = left.min(u64::from(header.block_length));
            // What would not be shorter is stored as it is. So many bytes hold no more than that, whatever they are, so
            // the length that the file claims for its content is one that it can have.
            let possible = content.div_ceil(MOST_FOR_A_BYTE)..=content;
            if !possible.contains(&u64::from(stored)) {
                return Err(damaged("the table of blocks makes no sense"));
            }
            (end, left) = (end + u64::from(stored), left - content);
            blocks.push(Block { end, checksum });
        }
        if length < end {
            return Err(cut_off());
        }
        if length > end {
            return Err(corrupt(&name, end, "something follows the last block"));
        }
        Ok(CompressedFile { file, name, header, start: start as u64, blocks })
    }

    pub(super) fn header(&self) -> &CompressedHeader {
        &self.header
    }

    /// How many bytes of content a block has.
    pub(super) fn block_length(&self) -> u64 {
        u64::from(self.header.block_length)
    }

    /// Bytes of the file itself.
    pub(super) fn stored(&self) -> u64 {
        self.blocks.last().map_or(self.start, |block| block.end)
    }

    /// Fills `content` with the block of this number, all of it. `stored` is a buffer.
    fn read_block(&self, number: usize, content: &mut [u8], stored: &mut Vec<u8>) -> Result<()> {
        let block = self.blocks.get(number).copied();
        let block = block.ok_or_else(|| Error::internal(format!("{} has no block {number}", self.name)))?;
        let before = number.checked_sub(1).and_then(|before| self.blocks.get(before));
        let start = before.map_or(self.start, |block| block.end);
        // Opening has made sure that it is no longer than its content.
        stored.resize((block.end - start) as usize, 0);
        self.file.read_at(start, stored)?;
        if frame::checksum(self.header.salt, start, stored) != block.checksum {
            return Err(corrupt(&self.name, start, "the checksum of the block does not match"));
        }
        if stored.len() == content.len() {
            content.copy_from_slice(stored);
            return Ok(());
        }
        match decompress_into(stored, content) {
            Ok(length) if length == content.len() => Ok(()),
            _ => Err(corrupt(&self.name, start, "the block cannot be decompressed")),
        }
    }
}

impl StorageFile for CompressedFile {
    fn length(&self) -> Result<u64> {
        Ok(self.header.length)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        let wanted = offset.checked_add(buffer.len() as u64);
        if wanted.is_none_or(|end| end > self.header.length) {
            let why = format!("the segment ends before {offset} + {}", buffer.len());
            return Err(corrupt(&self.name, self.stored(), &why));
        }
        let (mut block, mut stored) = (Vec::new(), Vec::new());
        let (mut at, mut rest) = (offset, buffer);
        while !rest.is_empty() {
            let (number, inside) = (at / self.block_length(), (at % self.block_length()) as usize);
            let length = (self.header.length - (at - inside as u64)).min(self.block_length()) as usize;
            let Some((part, later)) = rest.split_at_mut_checked(rest.len().min(length - inside)) else {
                break;
            };
            if part.len() == length {
                self.read_block(number as usize, part, &mut stored)?;
            } else {
                block.resize(length, 0);
                self.read_block(number as usize, &mut block, &mut stored)?;
                part.copy_from_slice(block.get(inside..inside + part.len()).unwrap_or_default());
            }
            at += part.len() as u64;
            rest = later;
        }
        Ok(())
    }

    fn write_at(&self, _offset: u64, _bytes: &[u8]) -> Result<()> {
        Err(self.unchanging())
    }

    fn truncate(&self, _length: u64) -> Result<()> {
        Err(self.unchanging())
    }

    fn prepare(&self, _offset: u64, _length: u64) -> Result<()> {
        Err(self.unchanging())
    }

    fn sync(&self) -> Result<()> {
        self.file.sync()
    }
}

impl CompressedFile {
    fn unchanging(&self) -> Error {
        Error::internal(format!("{} is compressed: it is not written any more", self.name))
    }
}

/// Writes the segment with this header to `file`, compressed. `read` gives its content, `length` bytes of it. Returns how
/// long the file is; nothing, and the file is of no use, if it would not be shorter by a sixteenth.
pub(super) fn write(
    header: &SegmentHeader,
    length: u64,
    mut read: impl FnMut(u64, &mut [u8]) -> Result<()>,
    file: &dyn StorageFile,
) -> Result<Option<u64>> {
    let compressed = CompressedHeader {
        log: header.log,
        number: header.number,
        salt: header.base.salt,
        block_length: BLOCK_LENGTH,
        length,
    };
    let count = length.div_ceil(u64::from(BLOCK_LENGTH));
    let count = usize::try_from(count).ok().filter(|count| u32::try_from(*count).is_ok());
    let count = count.ok_or_else(|| {
        Error::new(ErrorCode::TooLarge, format!("segment {} has {length} bytes", header.number))
    })?;
    let mut table = Vec::with_capacity(count * BLOCK_OF_TABLE + 4);
    let start = start_of_blocks(count) as u64;
    let mut coder = Coder::new();
    let (mut out, mut written) = (Vec::new(), start);
    let mut at = 0;
    while at < length {
        let content = (length - at).min(u64::from(BLOCK_LENGTH)) as usize;
        read(at, coder.content(content))?;
        let stored = coder.stored()?;
        let offset = written + out.len() as u64;
        let checksum = frame::checksum(compressed.salt, offset, stored);
        table.extend_from_slice(&(stored.len() as u32).to_le_bytes());
        table.extend_from_slice(&checksum.to_le_bytes());
        out.extend_from_slice(stored);
        at += content as u64;
        let end = written + out.len() as u64;
        if end > length - length / LEAST_SAVED {
            return Ok(None);
        }
        if out.len() >= WRITTEN_AT_ONCE || at == length {
            file.write_at(written, &out)?;
            out.clear();
            written = end;
        }
    }
    let checksum = table_checksum(compressed.salt, &table);
    table.extend_from_slice(&checksum.to_le_bytes());
    let mut beginning = compressed.encode();
    beginning.append(&mut table);
    file.write_at(0, &beginning)?;
    Ok(Some(written))
}

/// Compresses one block after the other in the same memory.
struct Coder {
    table: CompressTable,
    content: Vec<u8>,
    compressed: Vec<u8>,
    again: Vec<u8>,
}

impl Coder {
    fn new() -> Coder {
        let most = get_maximum_output_size(BLOCK_LENGTH as usize);
        Coder {
            table: CompressTable::small(),
            content: Vec::new(),
            compressed: vec![0; most],
            again: Vec::new(),
        }
    }

    /// Where the content of the next block goes.
    fn content(&mut self, length: usize) -> &mut [u8] {
        self.content.resize(length, 0);
        &mut self.content
    }

    /// The block as it is stored. The segment's only copy will be what comes out of it, so that is looked at first.
    fn stored(&mut self) -> Result<&[u8]> {
        let failed = |what: &str| Error::internal(format!("a block was not compressed: {what}"));
        let length = compress_into_with_table(&self.content, &mut self.compressed, &mut self.table)
            .map_err(|error| failed(&error.to_string()))?;
        let stored = self.compressed.get(..length).unwrap_or_default();
        let most = self.content.len() as u64;
        if length as u64 > most - most / LEAST_SAVED {
            return Ok(&self.content);
        }
        self.again.resize(self.content.len(), 0);
        let restored =
            decompress_into(stored, &mut self.again).map_err(|error| failed(&error.to_string()))?;
        if restored != self.content.len() || self.again != self.content {
            return Err(failed("something else came out of it"));
        }
        Ok(stored)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::log::frame::Base;
    use crate::storage::{MemoryStorage, Storage};

    const NAME: &str = "a.segment";
    const BLOCK: usize = BLOCK_LENGTH as usize;

    fn header() -> SegmentHeader {
        SegmentHeader {
            log: uuid::Uuid::from_u128(7),
            number: 3,
            first_lsn: 1,
            first_transaction: 0,
            base: Base { salt: 0x1234_5678, timestamp: 9 },
        }
    }

    /// So many bytes, of which about `noise` of 100 do not compress.
    fn content(length: usize, noise: u64) -> Vec<u8> {
        let mut state = 1_u64;
        let mut next = || {
            state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            state >> 33
        };
        (0..length).map(|at| if next() % 100 < noise { next() as u8 } else { b"the same "[at % 9] }).collect()
    }

    fn compress(content: &[u8]) -> Option<Vec<u8>> {
        let file = MemoryStorage::new().create("x").unwrap();
        let read = |at: u64, block: &mut [u8]| {
            block.copy_from_slice(&content[at as usize..at as usize + block.len()]);
            Ok(())
        };
        let length = write(&header(), content.len() as u64, read, &*file).unwrap()?;
        assert_eq!(length, file.length().unwrap());
        assert!(length < content.len() as u64);
        let mut bytes = vec![0; length as usize];
        file.read_at(0, &mut bytes).unwrap();
        Some(bytes)
    }

    fn open(bytes: &[u8]) -> Result<CompressedFile> {
        let file = MemoryStorage::new().create("x").unwrap();
        file.write_at(0, bytes).unwrap();
        CompressedFile::open(file, NAME.into())
    }

    fn read_all(file: &CompressedFile) -> Result<Vec<u8>> {
        let mut bytes = vec![0; file.length().unwrap() as usize];
        file.read_at(0, &mut bytes)?;
        Ok(bytes)
    }

    /// Blocks that are compressed, that are not, and one that is not full.
    fn mixed() -> Vec<u8> {
        let mut all = content(2 * BLOCK, 10);
        all.extend(content(BLOCK, 100));
        all.extend(content(777, 30));
        all
    }

    proptest! {
        #[test]
        fn any_part_is_what_was_written(
            length in SegmentHeader::LENGTH..4 * BLOCK,
            noise in 0u64..90,
            parts in proptest::collection::vec((any::<u32>(), any::<u32>()), 1..12),
        ) {
            let content = content(length, noise);
            let Some(bytes) = compress(&content) else { return Ok(()) };
            let file = open(&bytes).unwrap();
            prop_assert_eq!(file.length().unwrap(), length as u64);
            prop_assert_eq!(file.stored(), bytes.len() as u64);
            for (start, wanted) in parts {
                let start = start as usize % (length + 1);
                let wanted = wanted as usize % (length - start + 1);
                let mut found = vec![0; wanted];
                file.read_at(start as u64, &mut found).unwrap();
                prop_assert_eq!(&found[..], &content[start..start + wanted]);
            }
            let mut beyond = vec![0; 2];
            let error = file.read_at(length as u64 - 1, &mut beyond).unwrap_err();
            prop_assert_eq!(error.code(), ErrorCode::Corrupt);
            prop_assert!(file.read_at(u64::MAX, &mut beyond).is_err());
        }
    }

    #[test]
    fn whole_blocks_and_bits_of_them_come_back() {
        for length in [BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 40 * BLOCK + 5] {
            let content = content(length, 20);
            let bytes = compress(&content).unwrap();
            assert_eq!(read_all(&open(&bytes).unwrap()).unwrap(), content, "{length}");
        }
        let content = mixed();
        let file = open(&compress(&content).unwrap()).unwrap();
        let stored = |number: usize| {
            let before = number.checked_sub(1).map_or(file.start, |before| file.blocks[before].end);
            file.blocks[number].end - before
        };
        assert_eq!(stored(2), BLOCK as u64, "what does not shrink is stored as it is");
        assert!(stored(0) < BLOCK as u64 / 2 && stored(3) < 777);
    }

    #[test]
    fn what_would_not_be_shorter_is_not_compressed() {
        assert_eq!(compress(&content(3 * BLOCK, 100)), None);
        assert_eq!(compress(&content(SegmentHeader::LENGTH, 0)), None);
    }

    #[test]
    fn every_flipped_bit_is_noticed_where_it_is() {
        let content = mixed();
        let good = compress(&content).unwrap();
        let start = open(&good).unwrap().start as usize;
        let near = |bit: &usize| bit / 8 < start + 10 || bit.is_multiple_of(2003);
        for bit in (0..good.len() * 8).filter(near) {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            let opened = open(&bad);
            assert_eq!(opened.is_ok(), bit / 8 >= start, "bit {bit}");
            let error = match opened {
                Err(error) => error,
                Ok(file) => {
                    let blocks = content.chunks(BLOCK).enumerate();
                    let damaged = blocks.filter(|(number, block)| {
                        let mut found = vec![0; block.len()];
                        let outcome = file.read_at((number * BLOCK) as u64, &mut found);
                        assert!(outcome.is_err() || found == *block, "bit {bit}");
                        outcome.is_err()
                    });
                    assert_eq!(damaged.count(), 1, "bit {bit}");
                    read_all(&file).unwrap_err()
                }
            };
            // A flipped bit may also look like a version to come.
            let expected =
                if (8..10).contains(&(bit / 8)) { ErrorCode::Unsupported } else { ErrorCode::Corrupt };
            assert!(error.code() == expected || error.code() == ErrorCode::Corrupt, "bit {bit}: {error}");
            assert!(error.message().starts_with(NAME), "{error}");
        }
    }

    #[test]
    fn every_cut_and_anything_behind_the_end_is_noticed() {
        let good = compress(&mixed()).unwrap();
        for length in (0..200).chain((200..good.len()).step_by(89)) {
            let error = open(&good[..length]).err().unwrap();
            assert_eq!(error.code(), ErrorCode::Corrupt, "{length}: {error}");
        }
        let mut longer = good;
        longer.push(0);
        assert!(open(&longer).err().unwrap().message().contains("something follows"));
    }

    /// A file whose checksums are right.
    fn forged(block_length: u32, length: u64, stored: &[u32], blocks: &[u8]) -> Vec<u8> {
        let header = header();
        let (log, number, salt) = (header.log, header.number, header.base.salt);
        let header = CompressedHeader { log, number, salt, block_length, length };
        let mut out = header.encode();
        let mut table = Vec::new();
        let mut at = 0;
        for length in stored {
            let block = blocks.get(at..at + *length as usize).unwrap_or_default();
            let offset = start_of_blocks(stored.len()) + at;
            table.extend_from_slice(&length.to_le_bytes());
            table.extend_from_slice(&frame::checksum(salt, offset as u64, block).to_le_bytes());
            at += *length as usize;
        }
        let checksum = table_checksum(salt, &table);
        out.extend_from_slice(&table);
        out.extend_from_slice(&checksum.to_le_bytes());
        out.extend_from_slice(blocks);
        out
    }

    #[test]
    fn what_cannot_be_is_refused_before_memory_is_taken_for_it() {
        let refused = |bytes: &[u8]| open(bytes).err().unwrap().message().to_owned();
        assert!(open(&forged(4096, 4096, &[100], &[0; 100])).is_ok());
        for (block_length, length) in
            [(4095, 4095), (0, 100), ((1 << 20) + 1, 100), (u32::MAX, 100), (4096, 66)]
        {
            let why = refused(&forged(block_length, length, &[66], &[0; 66]));
            assert!(why.contains("header of the compressed segment makes no sense"), "{why}");
        }
        for length in [1 << 20, u64::MAX] {
            assert!(refused(&forged(4096, length, &[100], &[0; 100])).contains("cut off"));
        }
        for stored in [0, 16, 4097, u32::MAX] {
            let why = refused(&forged(4096, 4096, &[stored], &[0; 4097]));
            assert!(why.contains("the table of blocks makes no sense at offset 56"), "{why}");
        }
        // 255 zeros for each byte is more than can be.
        assert!(refused(&forged(1 << 20, 1 << 20, &[4112], &[0; 4112])).contains("makes no sense"));
    }

    #[test]
    fn what_cannot_be_decompressed_is_damaged() {
        let inputs =
            [vec![0xff; 100], vec![0; 100], vec![0x1f, b'a', 0, 0, 0xff, 0xff, 0xff], vec![0x10; 50]];
        for stored in inputs {
            let bytes = forged(4096, 1000, &[stored.len() as u32], &stored);
            let error = read_all(&open(&bytes).unwrap()).unwrap_err();
            assert_eq!(error.code(), ErrorCode::Corrupt);
            assert!(
                error.message().contains("a.segment: the block cannot be decompressed at offset 68"),
                "{error}"
            );
        }
    }

    #[test]
    fn it_is_not_written() {
        let file = open(&compress(&mixed()).unwrap()).unwrap();
        for outcome in [file.write_at(0, b"x"), file.truncate(0), file.prepare(0, 1)] {
            assert_eq!(outcome.unwrap_err().code(), ErrorCode::Internal);
        }
        file.sync().unwrap();
    }
}
