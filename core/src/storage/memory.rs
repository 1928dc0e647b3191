use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{Condvar, Mutex, RwLock};

use crate::error::{Error, ErrorCode, Result};
use crate::storage::chunks::Chunks;
use crate::storage::mapped::ProcessMark;
use crate::storage::{
    LOCK_FILE, SharedCells, Storage, StorageFile, StorageLock, check_name, end_of_write, ends_before,
};

const PLACE: &str = "memory";

/// Files in memory, gone when the last handle on them is dropped.
///
/// Clones are handles on the same files, so a log can be closed and opened again.
/// A file takes the memory of its length and at most 256 KiB more, and never moves as it grows.
///
/// ```
/// use causelog::storage::{MemoryStorage, Storage};
///
/// # fn main() -> causelog::Result<()> {
/// let place = MemoryStorage::new();
/// let other = place.clone();
/// place.replace("greeting", b"hello")?;
/// assert_eq!(other.open("greeting")?.length()?, 5);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct MemoryStorage {
    place: Arc<Place>,
    made_in: ProcessMark,
}

#[derive(Debug, Default)]
struct Place {
    content: Mutex<Content>,
    /// A lock was given back.
    released: Condvar,
}

#[derive(Debug, Default)]
struct Content {
    files: BTreeMap<String, Arc<RwLock<Chunks>>>,
    cells: BTreeMap<String, Vec<Arc<CellPage>>>,
    /// The names whose lock somebody holds.
    held: BTreeSet<String>,
}

impl Content {
    fn has(&self, name: &str) -> bool {
        self.files.contains_key(name) || self.cells.contains_key(name)
    }
}

fn missing(name: &str) -> Error {
    Error::new(ErrorCode::NotFound, format!("no file {name:?} in memory"))
}

impl MemoryStorage {
    /// A place without files.
    pub fn new() -> Self {
        Self::default()
    }

    fn guard(&self, name: &str) -> Box<dyn StorageLock> {
        Box::new(MemoryLock { place: self.place.clone(), name: name.to_owned() })
    }
}

impl Storage for MemoryStorage {
    fn lock(&self) -> Result<Box<dyn StorageLock>> {
        if !self.place.content.lock().held.insert(LOCK_FILE.to_owned()) {
            let message = "the memory is being written by another handle: close that one first";
            return Err(Error::new(ErrorCode::Locked, message));
        }
        Ok(self.guard(LOCK_FILE))
    }

    fn writer_is_alive(&self) -> Result<bool> {
        Ok(self.place.content.lock().held.contains(LOCK_FILE))
    }

    fn lock_file(&self, name: &str) -> Result<Box<dyn StorageLock>> {
        check_name(name)?;
        let mut content = self.place.content.lock();
        while !content.held.insert(name.to_owned()) {
            self.place.released.wait(&mut content);
        }
        if !content.has(name) {
            content.files.insert(name.to_owned(), Arc::default());
        }
        Ok(self.guard(name))
    }

    fn list(&self) -> Result<Vec<String>> {
        let content = self.place.content.lock();
        Ok(content.files.keys().chain(content.cells.keys()).cloned().collect())
    }

    fn open(&self, name: &str) -> Result<Box<dyn StorageFile>> {
        check_name(name)?;
        match self.place.content.lock().files.get(name) {
            Some(bytes) => Ok(Box::new(MemoryFile(bytes.clone()))),
            None => Err(missing(name)),
        }
    }

    fn create(&self, name: &str) -> Result<Box<dyn StorageFile>> {
        check_name(name)?;
        let mut content = self.place.content.lock();
        if content.has(name) {
            let message = format!("there is a file {name:?} in memory already");
            return Err(Error::new(ErrorCode::AlreadyExists, message));
        }
        let file = Arc::<RwLock<Chunks>>::default();
        content.files.insert(name.to_owned(), file.clone());
        Ok(Box::new(MemoryFile(file)))
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> Result<()> {
        check_name(name)?;
        let file = MemoryFile(Arc::default());
        file.write_at(0, bytes)?;
        self.place.content.lock().files.insert(name.to_owned(), file.0);
        Ok(())
    }

    fn rename(&self, from: &str, to: &str) -> Result<()> {
        check_name(from)?;
        check_name(to)?;
        let mut content = self.place.content.lock();
        let file = content.files.remove(from).ok_or_else(|| missing(from))?;
        content.files.insert(to.to_owned(), file);
        Ok(())
    }

    fn remove(&self, name: &str) -> Result<()> {
        check_name(name)?;
        let mut content = self.place.content.lock();
        let (file, cells) = (content.files.remove(name), content.cells.remove(name));
        if file.is_none() && cells.is_none() {
            return Err(missing(name));
        }
        Ok(())
    }

    fn shared(&self, name: &str, count: usize) -> Result<Box<dyn SharedCells>> {
        check_name(name)?;
        end_of_write(PLACE, 0, count.saturating_mul(size_of::<u64>()))?;
        let mut content = self.place.content.lock();
        let pages = content.cells.entry(name.to_owned()).or_default();
        let wanted = count.div_ceil(CELLS_OF_PAGE);
        while pages.len() < wanted {
            pages.push(Arc::default());
        }
        let pages = pages.iter().take(wanted).cloned().collect();
        Ok(Box::new(MemoryCells { pages, count }))
    }

    fn boot(&self) -> Option<u128> {
        // What is in memory does not outlive the machine's start.
        Some(0)
    }

    fn describe(&self) -> String {
        PLACE.to_owned()
    }

    fn same_process(&self) -> bool {
        self.made_in.is_current()
    }
}

struct MemoryLock {
    place: Arc<Place>,
    name: String,
}

impl StorageLock for MemoryLock {}

impl Drop for MemoryLock {
    fn drop(&mut self) {
        self.place.content.lock().held.remove(&self.name);
        self.place.released.notify_all();
    }
}

const CELLS_OF_PAGE: usize = 64;

/// Cells come in pages, so that there can be more later without those who have some losing sight of them.
struct CellPage([AtomicU64; CELLS_OF_PAGE]);

impl Default for CellPage {
    fn default() -> Self {
        CellPage(std::array::from_fn(|_| AtomicU64::new(0)))
    }
}

impl fmt::Debug for CellPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.0).finish()
    }
}

struct MemoryCells {
    pages: Vec<Arc<CellPage>>,
    count: usize,
}

impl MemoryCells {
    fn cell(&self, index: usize) -> Option<&AtomicU64> {
        let page = self.pages.get(index / CELLS_OF_PAGE).filter(|_| index < self.count)?;
        page.0.get(index % CELLS_OF_PAGE)
    }
}

impl SharedCells for MemoryCells {
    fn load(&self, index: usize) -> u64 {
        self.cell(index).map_or(0, |cell| cell.load(Ordering::Acquire))
    }

    fn store(&self, index: usize, value: u64) {
        if let Some(cell) = self.cell(index) {
            cell.store(value, Ordering::Release);
        }
    }
}

struct MemoryFile(Arc<RwLock<Chunks>>);

impl StorageFile for MemoryFile {
    fn length(&self) -> Result<u64> {
        Ok(self.0.read().length())
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        let length = buffer.len();
        self.0.read().read(offset, buffer).ok_or_else(|| ends_before(PLACE, offset, length))
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        end_of_write(PLACE, offset, bytes.len())?;
        self.0.write().write(offset, bytes).map_err(|error| {
            let message = format!("{PLACE}: no room for {} bytes more: {error}", bytes.len());
            Error::new(ErrorCode::NoSpace, message).with_source(error)
        })
    }

    fn truncate(&self, length: u64) -> Result<()> {
        self.0.write().truncate(length);
        Ok(())
    }

    fn sync(&self) -> Result<()> {
        Ok(())
    }
}
