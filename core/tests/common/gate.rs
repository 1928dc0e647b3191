//! Threads held at chosen places, so that two of them meet where a test wants them to.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use causelog::storage::{MemoryStorage, SharedCells, Storage, StorageFile, StorageLock};
use causelog::{Result, TimeSource, Timestamp};

use super::at;

/// Longer than anything here takes: who waits in vain fails then, instead of hanging.
pub(crate) const TOO_LONG: Duration = Duration::from_secs(20);

/// Who comes by while it is shut stands still until it is opened again.
#[derive(Default)]
pub(crate) struct Gate {
    state: Mutex<GateState>,
    changed: Condvar,
}

#[derive(Default)]
struct GateState {
    shut: bool,
    /// How many have ever come.
    came: u64,
    /// Whether who goes through panics.
    breaks: bool,
}

impl Gate {
    pub(crate) fn pass(&self) {
        let mut state = self.state.lock().unwrap();
        state.came += 1;
        self.changed.notify_all();
        let state = self.changed.wait_while(state, |state| state.shut).unwrap();
        let breaks = state.breaks;
        drop(state);
        assert!(!breaks, "the gate was to break");
    }

    /// Shuts it for as long as what is returned lives: a test that fails must not leave anybody standing there.
    pub(crate) fn shut(&self) -> Shut<'_> {
        self.state.lock().unwrap().shut = true;
        Shut(self)
    }

    pub(crate) fn set_breaks(&self, breaks: bool) {
        self.state.lock().unwrap().breaks = breaks;
    }

    pub(crate) fn came(&self) -> u64 {
        self.state.lock().unwrap().came
    }

    /// Returns once somebody has come since that many had.
    pub(crate) fn wait_after(&self, came: u64) {
        let state = self.state.lock().unwrap();
        let (state, waited) =
            self.changed.wait_timeout_while(state, TOO_LONG, |state| state.came <= came).unwrap();
        drop(state);
        assert!(!waited.timed_out(), "nobody came to the gate");
    }
}

pub(crate) struct Shut<'a>(&'a Gate);

impl Drop for Shut<'_> {
    fn drop(&mut self) {
        self.0.state.lock().unwrap().shut = false;
        self.0.changed.notify_all();
    }
}

/// The time is asked for with the writer's lock held.
impl TimeSource for Gate {
    fn now(&self) -> Timestamp {
        self.pass();
        at(1_000_000)
    }
}

/// Files in memory. There are gates before the time, before the sync of a segment and before what is shared is stored.
#[derive(Clone, Default)]
pub(crate) struct Gated {
    pub(crate) memory: MemoryStorage,
    pub(crate) time: Arc<Gate>,
    pub(crate) syncs: Arc<Gate>,
    pub(crate) stores: Arc<Gate>,
}

impl Storage for Gated {
    forward! { memory:
        lock() -> Result<Box<dyn StorageLock>>;
        writer_is_alive() -> Result<bool>;
        lock_file(name: &str) -> Result<Box<dyn StorageLock>>;
        list() -> Result<Vec<String>>;
        create(name: &str) -> Result<Box<dyn StorageFile>>;
        replace(name: &str, bytes: &[u8]) -> Result<()>;
        rename(from: &str, to: &str) -> Result<()>;
        remove(name: &str) -> Result<()>;
        describe() -> String;
    }

    fn open(&self, name: &str) -> Result<Box<dyn StorageFile>> {
        let (file, syncs) = (self.memory.open(name)?, self.syncs.clone());
        Ok(if name.ends_with(".segment") { Box::new(GatedFile { file, syncs }) } else { file })
    }

    fn shared(&self, name: &str, count: usize) -> Result<Box<dyn SharedCells>> {
        Ok(Box::new(GatedCells { cells: self.memory.shared(name, count)?, stores: self.stores.clone() }))
    }
}

struct GatedFile {
    file: Box<dyn StorageFile>,
    syncs: Arc<Gate>,
}

impl StorageFile for GatedFile {
    forward! { file:
        length() -> Result<u64>;
        read_at(offset: u64, buffer: &mut [u8]) -> Result<()>;
        write_at(offset: u64, bytes: &[u8]) -> Result<()>;
        truncate(length: u64) -> Result<()>;
    }

    fn sync(&self) -> Result<()> {
        self.syncs.pass();
        self.file.sync()
    }
}

struct GatedCells {
    cells: Box<dyn SharedCells>,
    stores: Arc<Gate>,
}

impl SharedCells for GatedCells {
    forward! { cells: load(index: usize) -> u64; }

    fn store(&self, index: usize, value: u64) {
        self.stores.pass();
        self.cells.store(index, value);
    }
}
