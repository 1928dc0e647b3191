//! A storage in memory that fails when it is told to, and knows what a loss of power would leave.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use causelog::storage::{MemoryStorage, Storage, StorageFile, StorageLock};
use causelog::{Error, ErrorCode, Result};

/// The calls that can be made to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Operation {
    List,
    Open,
    Length,
    Read,
    Write,
    Truncate,
    Sync,
    Replace,
}

impl Operation {
    pub(crate) const ALL: [Operation; 8] = [
        Operation::List,
        Operation::Open,
        Operation::Length,
        Operation::Read,
        Operation::Write,
        Operation::Truncate,
        Operation::Sync,
        Operation::Replace,
    ];
}

/// What fails, from which call on (counted from 1), and how.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fault {
    pub(crate) operation: Operation,
    pub(crate) from: u64,
    /// Whether all later calls fail as well.
    pub(crate) lasting: bool,
    pub(crate) code: ErrorCode,
    /// How many bytes a failing write leaves behind.
    pub(crate) written: usize,
}

#[derive(Debug, Clone, Default)]
struct File {
    bytes: Vec<u8>,
    /// What the last sync made sure of.
    durable: Vec<u8>,
}

#[derive(Debug, Default)]
struct State {
    files: BTreeMap<String, File>,
    locked: bool,
    faults: Vec<Fault>,
    calls: BTreeMap<Operation, u64>,
}

/// Clones are handles on the same files.
#[derive(Debug, Clone, Default)]
pub(crate) struct FaultyStorage(Arc<Mutex<State>>);

impl FaultyStorage {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// From now on these calls fail, counted from here.
    pub(crate) fn fail(&self, faults: &[Fault]) {
        let mut state = self.state();
        state.faults = faults.to_vec();
        state.calls.clear();
    }

    /// How often the operation was called since faults were set.
    pub(crate) fn calls(&self, operation: Operation) -> u64 {
        self.state().calls.get(&operation).copied().unwrap_or(0)
    }

    /// The place after the process died: all that was written is there.
    pub(crate) fn after_crash(&self) -> MemoryStorage {
        self.copy(|file| file.bytes.clone())
    }

    /// The place after power was lost: what was synced is there, and the first
    /// `more` bytes of what was written to the end of a file since.
    pub(crate) fn after_power_loss(&self, more: usize) -> MemoryStorage {
        self.copy(|file| {
            let mut bytes = file.durable.clone();
            bytes.extend(file.bytes.iter().skip(bytes.len()).take(more));
            bytes
        })
    }

    fn copy(&self, content: impl Fn(&File) -> Vec<u8>) -> MemoryStorage {
        let copy = MemoryStorage::new();
        for (name, file) in &self.state().files {
            copy.replace(name, &content(file)).unwrap();
        }
        copy
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Counts a call; an error is what it is to fail with, and how much a write does before that.
    fn call(&self, operation: Operation) -> Result<(), (Error, usize)> {
        let mut state = self.state();
        let calls = state.calls.entry(operation).or_default();
        *calls += 1;
        let number = *calls;
        let hit = state.faults.iter().find(|fault| {
            fault.operation == operation
                && if fault.lasting { number >= fault.from } else { number == fault.from }
        });
        match hit {
            None => Ok(()),
            Some(fault) => {
                let message = format!("faulty: {operation:?} number {number} was told to fail");
                Err((Error::new(fault.code, message), fault.written))
            }
        }
    }
}

fn only_error((error, _): (Error, usize)) -> Error {
    error
}

struct Lock(FaultyStorage);

impl StorageLock for Lock {}

impl Drop for Lock {
    fn drop(&mut self) {
        self.0.state().locked = false;
    }
}

impl Storage for FaultyStorage {
    fn lock(&self) -> Result<Box<dyn StorageLock>> {
        if std::mem::replace(&mut self.state().locked, true) {
            return Err(Error::new(ErrorCode::Locked, "locked"));
        }
        Ok(Box::new(Lock(self.clone())))
    }

    fn list(&self) -> Result<Vec<String>> {
        self.call(Operation::List).map_err(only_error)?;
        Ok(self.state().files.keys().cloned().collect())
    }

    fn open(&self, name: &str) -> Result<Box<dyn StorageFile>> {
        self.call(Operation::Open).map_err(only_error)?;
        if !self.state().files.contains_key(name) {
            return Err(Error::new(ErrorCode::NotFound, format!("no file {name:?}")));
        }
        Ok(Box::new(FaultyFile { storage: self.clone(), name: name.to_owned() }))
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> Result<()> {
        self.call(Operation::Replace).map_err(only_error)?;
        let file = File { bytes: bytes.to_vec(), durable: bytes.to_vec() };
        self.state().files.insert(name.to_owned(), file);
        Ok(())
    }

    fn describe(&self) -> String {
        "faulty".to_owned()
    }
}

struct FaultyFile {
    storage: FaultyStorage,
    name: String,
}

impl FaultyFile {
    fn with<T>(&self, work: impl FnOnce(&mut File) -> T) -> T {
        work(self.storage.state().files.get_mut(&self.name).expect("an open file stays"))
    }
}

impl StorageFile for FaultyFile {
    fn length(&self) -> Result<u64> {
        self.storage.call(Operation::Length).map_err(only_error)?;
        Ok(self.with(|file| file.bytes.len() as u64))
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        self.storage.call(Operation::Read).map_err(only_error)?;
        let read = self.with(|file| {
            let source = file.bytes.get(offset as usize..offset as usize + buffer.len())?;
            buffer.copy_from_slice(source);
            Some(())
        });
        read.ok_or_else(|| Error::new(ErrorCode::Corrupt, "the file ends too early"))
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        let (written, outcome) = match self.storage.call(Operation::Write) {
            Ok(()) => (bytes, Ok(())),
            Err((error, written)) => (&bytes[..written.min(bytes.len())], Err(error)),
        };
        self.with(|file| {
            let end = offset as usize + written.len();
            if file.bytes.len() < end {
                file.bytes.resize(end, 0);
            }
            file.bytes[offset as usize..end].copy_from_slice(written);
        });
        outcome
    }

    fn truncate(&self, length: u64) -> Result<()> {
        self.storage.call(Operation::Truncate).map_err(only_error)?;
        self.with(|file| file.bytes.truncate(length as usize));
        Ok(())
    }

    fn sync(&self) -> Result<()> {
        self.storage.call(Operation::Sync).map_err(only_error)?;
        self.with(|file| file.durable = file.bytes.clone());
        Ok(())
    }
}
