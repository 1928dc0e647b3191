//! A storage that counts what is read from it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use causelog::Result;
use causelog::storage::{MemoryStorage, SharedCells, Storage, StorageFile, StorageLock};

/// What was read of the files of one kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Reads {
    pub(crate) calls: u64,
    pub(crate) bytes: u64,
    /// Of the longest.
    pub(crate) most: u64,
}

/// Files in memory, and how much of them was read.
#[derive(Clone, Default)]
pub(crate) struct CountingStorage {
    memory: MemoryStorage,
    reads: Arc<Mutex<BTreeMap<String, Reads>>>,
}

impl CountingStorage {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// What was read since the last call, by the endings of the files' names.
    pub(crate) fn take_by_kind(&self) -> BTreeMap<String, Reads> {
        std::mem::take(&mut *self.reads.lock().unwrap())
    }

    /// All that was read since the last call.
    pub(crate) fn take(&self) -> Reads {
        self.take_by_kind().into_values().fold(Reads::default(), |all, of| Reads {
            calls: all.calls + of.calls,
            bytes: all.bytes + of.bytes,
            most: all.most.max(of.most),
        })
    }

    /// The names of all files, and their bytes.
    pub(crate) fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let files = self.memory.list().unwrap().into_iter().filter_map(|name| {
            // Cells cannot be opened, and are of a fixed size.
            let file = self.memory.open(&name).ok()?;
            let mut bytes = vec![0; file.length().unwrap() as usize];
            file.read_at(0, &mut bytes).unwrap();
            Some((name, bytes))
        });
        files.collect()
    }

    fn counted(&self, name: &str, file: Box<dyn StorageFile>) -> Box<dyn StorageFile> {
        let kind = name.rsplit_once('.').map_or(name, |(_, kind)| kind).to_owned();
        Box::new(CountingFile { file, kind, reads: self.reads.clone() })
    }
}

struct CountingFile {
    file: Box<dyn StorageFile>,
    kind: String,
    reads: Arc<Mutex<BTreeMap<String, Reads>>>,
}

impl Storage for CountingStorage {
    forward! { memory:
        lock() -> Result<Box<dyn StorageLock>>;
        writer_is_alive() -> Result<bool>;
        lock_file(name: &str) -> Result<Box<dyn StorageLock>>;
        list() -> Result<Vec<String>>;
        replace(name: &str, bytes: &[u8]) -> Result<()>;
        rename(from: &str, to: &str) -> Result<()>;
        remove(name: &str) -> Result<()>;
        shared(name: &str, count: usize) -> Result<Box<dyn SharedCells>>;
    }

    fn open(&self, name: &str) -> Result<Box<dyn StorageFile>> {
        Ok(self.counted(name, self.memory.open(name)?))
    }

    fn create(&self, name: &str) -> Result<Box<dyn StorageFile>> {
        Ok(self.counted(name, self.memory.create(name)?))
    }

    fn describe(&self) -> String {
        "counting".to_owned()
    }
}

impl StorageFile for CountingFile {
    forward! { file:
        length() -> Result<u64>;
        write_at(offset: u64, bytes: &[u8]) -> Result<()>;
        truncate(length: u64) -> Result<()>;
        prepare(offset: u64, length: u64) -> Result<()>;
        sync() -> Result<()>;
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        let mut reads = self.reads.lock().unwrap();
        let of = reads.entry(self.kind.clone()).or_default();
        of.calls += 1;
        of.bytes += buffer.len() as u64;
        of.most = of.most.max(buffer.len() as u64);
        drop(reads);
        self.file.read_at(offset, buffer)
    }
}
