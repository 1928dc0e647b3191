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
    fn lock(&self) -> Result<Box<dyn StorageLock>> {
        self.memory.lock()
    }

    fn writer_is_alive(&self) -> Result<bool> {
        self.memory.writer_is_alive()
    }

    fn lock_file(&self, name: &str) -> Result<Box<dyn StorageLock>> {
        self.memory.lock_file(name)
    }

    fn list(&self) -> Result<Vec<String>> {
        self.memory.list()
    }

    fn open(&self, name: &str) -> Result<Box<dyn StorageFile>> {
        Ok(self.counted(name, self.memory.open(name)?))
    }

    fn create(&self, name: &str) -> Result<Box<dyn StorageFile>> {
        Ok(self.counted(name, self.memory.create(name)?))
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> Result<()> {
        self.memory.replace(name, bytes)
    }

    fn rename(&self, from: &str, to: &str) -> Result<()> {
        self.memory.rename(from, to)
    }

    fn remove(&self, name: &str) -> Result<()> {
        self.memory.remove(name)
    }

    fn shared(&self, name: &str, count: usize) -> Result<Box<dyn SharedCells>> {
        self.memory.shared(name, count)
    }

    fn describe(&self) -> String {
        "counting".to_owned()
    }
}

impl StorageFile for CountingFile {
    fn length(&self) -> Result<u64> {
        self.file.length()
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

    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        self.file.write_at(offset, bytes)
    }

    fn truncate(&self, length: u64) -> Result<()> {
        self.file.truncate(length)
    }

    fn prepare(&self, offset: u64, length: u64) -> Result<()> {
        self.file.prepare(offset, length)
    }

    fn sync(&self) -> Result<()> {
        self.file.sync()
    }
}
