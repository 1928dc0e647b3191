//! The bytes of a file in memory, in pieces, so that growing never moves what is there.

use std::collections::BTreeMap;
use std::collections::TryReserveError;

/// Length of a piece in bytes.
pub(super) const CHUNK: usize = 256 << 10;

/// Bytes that can grow, be cut, and have holes, which read as zeros and take no memory.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    length: u64,
    /// By offset / [`CHUNK`]. What a chunk does not reach is zero.
    chunks: BTreeMap<u64, Vec<u8>>,
}

/// Which chunk holds `offset`, and where in it.
fn place(offset: u64) -> (u64, usize) {
    (offset / CHUNK as u64, (offset % CHUNK as u64) as usize)
}

impl Chunks {
    /// How many bytes there are.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Fills `buffer`; `None` when the bytes end before it is full.
    pub(super) fn read(&self, offset: u64, buffer: &mut [u8]) -> Option<()> {
        let end = offset.checked_add(buffer.len() as u64)?;
        if end > self.length {
            return None;
        }
        let mut at = offset;
        let mut rest = buffer;
        while !rest.is_empty() {
            let (index, start) = place(at);
            let count = rest.len().min(CHUNK - start);
            let (part, later) = rest.split_at_mut_checked(count)?;
            let held = self.chunks.get(&index).and_then(|chunk| chunk.get(start..)).unwrap_or_default();
            let held = held.get(..held.len().min(count))?;
            let (written, missing) = part.split_at_mut_checked(held.len())?;
            written.copy_from_slice(held);
            missing.fill(0);
            at += count as u64;
            rest = later;
        }
        Some(())
    }

    /// Writes `bytes` at `offset`; the caller has made sure that the end is a number.
    ///
    /// # Errors
    /// There is no memory left; the bytes before that are written.
    pub(super) fn write(&mut self, offset: u64, bytes: &[u8]) -> Result<(), TryReserveError> {
        let mut at = offset;
        let mut rest = bytes;
        while !rest.is_empty() {
            let (index, start) = place(at);
            let Some((part, later)) = rest.split_at_checked(rest.len().min(CHUNK - start)) else { break };
            let chunk = self.chunks.entry(index).or_default();
            make_room(chunk, index, start + part.len())?;
            if chunk.len() < start {
                chunk.resize(start, 0);
            }
            let over = part.len().min(chunk.len() - start);
            if let (Some(target), Some((old, new))) =
                (chunk.get_mut(start..start + over), part.split_at_checked(over))
            {
                target.copy_from_slice(old);
                chunk.extend_from_slice(new);
            }
            at += part.len() as u64;
            rest = later;
            self.length = self.length.max(at);
        }
        Ok(())
    }

    /// Cuts to `length` bytes, if there are more.
    pub(super) fn truncate(&mut self, length: u64) {
        if length >= self.length {
            return;
        }
        self.length = length;
        let (last, within) = place(length);
        let beyond = self.chunks.split_off(&last);
        // What is left of the chunk that the cut goes through.
        let cut = beyond.into_iter().next().filter(|(index, _)| *index == last && within > 0);
        if let Some((index, mut chunk)) = cut {
            chunk.truncate(within);
            self.chunks.insert(index, chunk);
        }
    }
}

/// The first chunk grows as its content does, so that a tiny file is tiny; by
/// the second one the file is long enough to have a whole one.
fn make_room(chunk: &mut Vec<u8>, index: u64, wanted: usize) -> Result<(), TryReserveError> {
    if chunk.capacity() >= wanted {
        return Ok(());
    }
    let room = if index == 0 { wanted.max(2 * chunk.capacity()).min(CHUNK) } else { CHUNK };
    chunk.try_reserve_exact(room - chunk.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(chunks: &Chunks) -> u64 {
        chunks.chunks.values().map(|chunk| chunk.capacity() as u64).sum()
    }

    #[test]
    fn growing_takes_at_most_one_chunk_more_than_there_is() {
        let mut chunks = Chunks::default();
        let block = [7; 1013];
        while chunks.length() < 5 * CHUNK as u64 {
            chunks.write(chunks.length(), &block).unwrap();
            assert!(memory(&chunks) <= chunks.length() + CHUNK as u64, "at {}", chunks.length());
        }
        chunks.truncate(10);
        assert!(memory(&chunks) <= 10 + CHUNK as u64);

        let mut tiny = Chunks::default();
        tiny.write(0, &[1; 43]).unwrap();
        assert_eq!(memory(&tiny), 43);
    }

    #[test]
    fn growing_leaves_full_chunks_where_they_are() {
        let mut chunks = Chunks::default();
        chunks.write(0, &vec![1; CHUNK + 1]).unwrap();
        let address = |chunks: &Chunks, index| chunks.chunks[&index].as_ptr();
        let (first, second) = (address(&chunks, 0), address(&chunks, 1));
        chunks.write(chunks.length(), &vec![2; 3 * CHUNK]).unwrap();
        assert_eq!((address(&chunks, 0), address(&chunks, 1)), (first, second));
    }

    #[test]
    fn a_hole_takes_no_memory_and_reads_as_zeros() {
        let mut chunks = Chunks::default();
        chunks.write(3, &[1]).unwrap();
        chunks.write(1 << 40, &[2]).unwrap();
        assert!(memory(&chunks) <= 2 * CHUNK as u64);
        assert_eq!(chunks.length(), (1 << 40) + 1);
        let mut found = [9; 6];
        chunks.read(0, &mut found).unwrap();
        assert_eq!(found, [0, 0, 0, 1, 0, 0]);
        let mut found = [9; 2];
        chunks.read((1 << 40) - 1, &mut found).unwrap();
        assert_eq!(found, [0, 2]);
        chunks.read(1 << 39, &mut found).unwrap();
        assert_eq!(found, [0, 0]);
        assert!(chunks.read(1 << 40, &mut found).is_none());
    }

    #[test]
    fn what_was_cut_off_does_not_come_back() {
        for cut in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK] {
            let mut chunks = Chunks::default();
            chunks.write(0, &vec![1; 2 * CHUNK + 5]).unwrap();
            chunks.truncate(cut as u64);
            chunks.truncate(u64::MAX);
            assert_eq!(chunks.length(), cut as u64);
            chunks.write(2 * CHUNK as u64 + 4, &[3]).unwrap();
            let mut found = vec![9; 2 * CHUNK + 5];
            chunks.read(0, &mut found).unwrap();
            assert!(found[..cut].iter().all(|byte| *byte == 1));
            assert!(found[cut..2 * CHUNK + 4].iter().all(|byte| *byte == 0));
            assert_eq!(found[2 * CHUNK + 4], 3);
        }
    }
}
