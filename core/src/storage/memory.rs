use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::{Mutex, RwLock};

use crate::error::{Error, ErrorCode, Result};
use crate::storage::{Storage, StorageFile, StorageLock};

type Bytes = Arc<RwLock<Vec<u8>>>;

/// Files in memory, gone when the last handle on them is dropped.
///
/// Clones are handles on the same files, so a log can be closed and opened again.
#[derive(Debug, Clone, Default)]
pub struct MemoryStorage {
    files: Arc<Mutex<BTreeMap<String, Bytes>>>,
    locked: Arc<AtomicBool>,
}

impl MemoryStorage {
    /// A place without files.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Storage for MemoryStorage {
    fn lock(&self) -> Result<Box<dyn StorageLock>> {
        if self.locked.swap(true, Ordering::SeqCst) {
            let message = "the memory is being written by another handle: close that one first";
            return Err(Error::new(ErrorCode::Locked, message));
        }
        Ok(Box::new(MemoryLock(self.locked.clone())))
    }

    fn list(&self) -> Result<Vec<String>> {
        Ok(self.files.lock().keys().cloned().collect())
    }

    fn open(&self, name: &str) -> Result<Box<dyn StorageFile>> {
        match self.files.lock().get(name) {
            Some(bytes) => Ok(Box::new(MemoryFile(bytes.clone()))),
            None => Err(Error::new(ErrorCode::NotFound, format!("no file {name:?} in memory"))),
        }
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> Result<()> {
        self.files.lock().insert(name.to_owned(), Arc::new(RwLock::new(bytes.to_vec())));
        Ok(())
    }

    fn describe(&self) -> String {
        "memory".to_owned()
    }
}

struct MemoryLock(Arc<AtomicBool>);

impl StorageLock for MemoryLock {}

impl Drop for MemoryLock {
    fn drop(&mut self) {
        self.0.store(false, Ordering::SeqCst);
    }
}

struct MemoryFile(Bytes);

impl StorageFile for MemoryFile {
    fn length(&self) -> Result<u64> {
        Ok(self.0.read().len() as u64)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        let bytes = self.0.read();
        let source = usize::try_from(offset)
            .ok()
            .and_then(|start| bytes.get(start..start.checked_add(buffer.len())?))
            .ok_or_else(|| {
                let length = buffer.len();
                Error::new(
                    ErrorCode::Corrupt,
                    format!("memory: the file ends before offset {offset} + {length}"),
                )
            })?;
        buffer.copy_from_slice(source);
        Ok(())
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        let mut file = self.0.write();
        let end = usize::try_from(offset).ok().and_then(|start| start.checked_add(bytes.len()));
        let (Some(end), Ok(start)) = (end, usize::try_from(offset)) else {
            return Err(Error::new(ErrorCode::TooLarge, format!("offset {offset} is beyond memory")));
        };
        if file.len() < end {
            file.resize(end, 0);
        }
        if let Some(target) = file.get_mut(start..end) {
            target.copy_from_slice(bytes);
        }
        Ok(())
    }

    fn truncate(&self, length: u64) -> Result<()> {
        self.0.write().truncate(usize::try_from(length).unwrap_or(usize::MAX));
        Ok(())
    }

    fn sync(&self) -> Result<()> {
        Ok(())
    }
}
