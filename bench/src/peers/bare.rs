//! The baseline: the least code that keeps entries in a file and finds out whether they are whole.
//!
//! A frame is the record's length, a CRC-32C of all that follows it, the record's
//! number, and the record. Nothing is indexed, so opening reads everything.

use std::fs::{File, OpenOptions};
use std::ops::RangeInclusive;
use std::os::unix::fs::FileExt;
use std::path::Path;

use anyhow::{Result, bail, ensure};
use parking_lot::{Condvar, Mutex, MutexGuard};

use crate::peers::{Durability, Store, Writer};
use crate::workload::{Digest, Entry, RECORD_LENGTH};

/// Length (4), checksum (4), number (8).
const HEADER_LENGTH: usize = 16;
const FRAME_LENGTH: usize = HEADER_LENGTH + RECORD_LENGTH;
/// How much is read at a time: fits the processor's second cache.
const BLOCK_LENGTH: usize = 256 * 1024;
/// How much space is filled with zeros at a time: as much as there is already, within these
/// bounds. So a short run does not pay for much more than it uses.
const PREPARED_LENGTH: RangeInclusive<u64> = 1024 * 1024..=16 * 1024 * 1024;

/// Where the bytes of a durable append go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Space {
    /// Over zeros written ahead, so that a sync has no metadata to write.
    Prepared,
    /// To the end of the file, which grows with each append.
    Growing,
}

pub(crate) struct Bare {
    file: File,
    /// Where the frames ended when the file was opened.
    end: u64,
    durability: Durability,
    group: Group,
}

impl Bare {
    pub(crate) fn open(directory: &Path, durability: Durability, space: Space) -> Result<Bare> {
        let path = directory.join("log");
        let file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path)?;
        let end = read_frames(&file, 0, |_| ())?;
        let state = State {
            pending: Vec::new(),
            end,
            prepared: (space == Space::Prepared)
                .then(|| file.metadata().map(|found| found.len()))
                .transpose()?,
            next: end / FRAME_LENGTH as u64,
            durable: end / FRAME_LENGTH as u64,
            leading: false,
            failed: false,
        };
        Ok(Bare { file, end, durability, group: Group { state: Mutex::new(state), done: Condvar::new() } })
    }
}

impl Store for Bare {
    fn writer(&self, _thread: usize) -> Result<Box<dyn Writer + '_>> {
        Ok(match self.durability {
            Durability::Sync => Box::new(SyncWriter { file: &self.file, group: &self.group }),
            Durability::Memory | Durability::Os => {
                let number = self.end / FRAME_LENGTH as u64;
                Box::new(OsWriter { file: &self.file, end: self.end, number, buffer: Vec::new() })
            }
        })
    }

    fn scan(&self) -> Result<Digest> {
        let mut digest = Digest::default();
        read_frames(&self.file, 0, |record| digest.add_record(record))?;
        Ok(digest)
    }

    fn tail(&self, skipped: u64) -> Result<Digest> {
        let mut records = Vec::new();
        read_frames(&self.file, skipped * FRAME_LENGTH as u64, |record| records.push(record.to_vec()))?;
        let mut digest = Digest::default();
        records.iter().for_each(|record| digest.add_record(record));
        Ok(digest)
    }

    fn close(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}

/// One `write` per call.
struct OsWriter<'a> {
    file: &'a File,
    end: u64,
    number: u64,
    buffer: Vec<u8>,
}

impl Writer for OsWriter<'_> {
    fn append(&mut self, entries: &[Entry<'_>]) -> Result<()> {
        self.buffer.clear();
        for entry in entries {
            encode(&mut self.buffer, self.number, entry);
            self.number += 1;
        }
        self.file.write_all_at(&self.buffer, self.end)?;
        self.end += self.buffer.len() as u64;
        Ok(())
    }
}

/// Group commit: whoever finds nobody at it writes and syncs for all who came meanwhile.
struct Group {
    state: Mutex<State>,
    done: Condvar,
}

struct State {
    /// Frames that nobody has begun to write.
    pending: Vec<u8>,
    /// Where the next write goes.
    end: u64,
    /// Where the zeros end; `None` when none are written.
    prepared: Option<u64>,
    /// How many entries were handed in, and how many of them are durable.
    next: u64,
    durable: u64,
    leading: bool,
    failed: bool,
}

struct SyncWriter<'a> {
    file: &'a File,
    group: &'a Group,
}

impl Writer for SyncWriter<'_> {
    fn append(&mut self, entries: &[Entry<'_>]) -> Result<()> {
        let mut state = self.group.state.lock();
        for entry in entries {
            let number = state.next;
            encode(&mut state.pending, number, entry);
            state.next += 1;
        }
        let mine = state.next;
        while state.durable < mine {
            ensure!(!state.failed, "another thread's write failed");
            if state.leading {
                self.group.done.wait(&mut state);
            } else {
                self.lead(&mut state)?;
            }
        }
        Ok(())
    }
}

impl SyncWriter<'_> {
    fn lead(&self, state: &mut MutexGuard<'_, State>) -> Result<()> {
        state.leading = true;
        let bytes = std::mem::take(&mut state.pending);
        let (next, start, end) = (state.next, state.end, state.end + bytes.len() as u64);
        let mut prepared = state.prepared;
        let written = MutexGuard::unlocked(state, || -> std::io::Result<()> {
            while let Some(zeros) = prepared.filter(|prepared| *prepared < end) {
                let length = zeros.clamp(*PREPARED_LENGTH.start(), *PREPARED_LENGTH.end());
                self.file.write_all_at(&vec![0; length as usize], zeros)?;
                prepared = Some(zeros + length);
            }
            self.file.write_all_at(&bytes, start)?;
            self.file.sync_data()
        });
        state.leading = false;
        state.failed = written.is_err();
        if !state.failed {
            (state.durable, state.end, state.prepared) = (next, end, prepared);
        }
        self.group.done.notify_all();
        Ok(written?)
    }
}

/// Frames in memory, in chunks that never move.
pub(crate) struct Memory;

struct MemoryWriter {
    chunks: Vec<Vec<u8>>,
    number: u64,
}

impl Store for Memory {
    fn writer(&self, _thread: usize) -> Result<Box<dyn Writer + '_>> {
        Ok(Box::new(MemoryWriter { chunks: Vec::new(), number: 0 }))
    }

    fn scan(&self) -> Result<Digest> {
        bail!("the memory goes with its writer")
    }

    fn tail(&self, _skipped: u64) -> Result<Digest> {
        self.scan()
    }

    fn close(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}

impl Writer for MemoryWriter {
    fn append(&mut self, entries: &[Entry<'_>]) -> Result<()> {
        for entry in entries {
            if self.chunks.last().is_none_or(|chunk| chunk.capacity() - chunk.len() < FRAME_LENGTH) {
                self.chunks.push(Vec::with_capacity(BLOCK_LENGTH));
            }
            if let Some(chunk) = self.chunks.last_mut() {
                encode(chunk, self.number, entry);
                self.number += 1;
            }
        }
        Ok(())
    }
}

fn encode(buffer: &mut Vec<u8>, number: u64, entry: &Entry<'_>) {
    let start = buffer.len();
    buffer.extend_from_slice(&(RECORD_LENGTH as u32).to_le_bytes());
    buffer.extend_from_slice(&[0; 4]);
    buffer.extend_from_slice(&number.to_le_bytes());
    entry.write_to(buffer);
    let checksum = crc32c::crc32c(&buffer[start + 8..]);
    buffer[start + 4..start + 8].copy_from_slice(&checksum.to_le_bytes());
}

/// Hands out every record from `offset` on, and says where the last one ends.
fn read_frames(file: &File, mut offset: u64, mut each: impl FnMut(&[u8])) -> Result<u64> {
    let mut block = vec![0; BLOCK_LENGTH];
    loop {
        let mut length = 0;
        while length < block.len() {
            match file.read_at(&mut block[length..], offset + length as u64)? {
                0 => break,
                read => length += read,
            }
        }
        let mut rest = &block[..length];
        while let Some((header, after)) = rest.split_first_chunk::<HEADER_LENGTH>() {
            let word =
                |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
            let record_length = word(0) as usize;
            if record_length == 0 || record_length > after.len() {
                break;
            }
            let frame = &rest[..HEADER_LENGTH + record_length];
            ensure!(crc32c::crc32c(&frame[8..]) == word(4), "a frame after offset {offset} is damaged");
            each(&frame[HEADER_LENGTH..]);
            rest = &rest[frame.len()..];
        }
        if rest.len() == length {
            return Ok(offset);
        }
        offset += (length - rest.len()) as u64;
    }
}
