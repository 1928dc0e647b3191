//! A storage in memory that fails when it is told to, and knows what a crash or a loss of power would leave.
//!
//! To try a workload at every point where it could be cut off, run it once and
//! ask for [`FaultyStorage::operations`]; then run it anew for each of that many
//! with [`FaultyStorage::fail_at`], and open what is left.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use causelog::storage::{MemoryStorage, SharedCells, Storage, StorageFile, StorageLock};
use causelog::{Error, ErrorCode, Result};

use super::Random;

/// The calls that can be made to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Operation {
    List,
    Open,
    Length,
    Read,
    Write,
    /// What is written ahead.
    Prepare,
    Truncate,
    Sync,
    Replace,
    Rename,
    /// Also by asking for cells, or a lock, of a name that was not there.
    Create,
    Remove,
    /// The second half of replace, rename, create and remove: what makes them durable.
    SyncDirectory,
    /// Into a shared cell. It cannot fail, but a process can end before it.
    Store,
}

impl Operation {
    /// All that can fail.
    pub(crate) const ALL: [Operation; 13] = [
        Operation::List,
        Operation::Open,
        Operation::Length,
        Operation::Read,
        Operation::Write,
        Operation::Prepare,
        Operation::Truncate,
        Operation::Sync,
        Operation::Replace,
        Operation::Rename,
        Operation::Create,
        Operation::Remove,
        Operation::SyncDirectory,
    ];

    /// Whether it changes what a crash would leave.
    fn is_change(self) -> bool {
        !matches!(self, Operation::List | Operation::Open | Operation::Length | Operation::Read)
    }
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

/// What becomes of the change that [`FaultyStorage::fail_at`] names.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Mode {
    /// It fails with this code and changes nothing; what comes after it works. A store is done all the same.
    Fail(ErrorCode),
    /// If it is a write, its first bytes are left. Then as [`Mode::Crash`].
    Torn(usize),
    /// The process dies before it: this call and all later ones fail with `IO` and change nothing.
    Crash,
}

/// What happened to a file since it was last synced.
#[derive(Debug, Clone)]
enum Change {
    Write(usize, Vec<u8>),
    Truncate(usize),
}

impl Change {
    /// `kept` tells of each sector of a write, and once of a truncation, whether it reached the disk.
    fn apply(&self, bytes: &mut Vec<u8>, mut kept: impl FnMut() -> bool) {
        match self {
            Change::Write(offset, content) => {
                let mut at = *offset;
                let mut rest = &content[..];
                while !rest.is_empty() {
                    let (sector, later) = rest.split_at(rest.len().min(SECTOR - at % SECTOR));
                    if kept() {
                        bytes.resize(bytes.len().max(at + sector.len()), 0);
                        bytes[at..at + sector.len()].copy_from_slice(sector);
                    }
                    at += sector.len();
                    rest = later;
                }
            }
            Change::Truncate(length) => {
                if kept() {
                    bytes.truncate(*length);
                }
            }
        }
    }
}

/// What a disk writes whole or not at all.
const SECTOR: usize = 512;
/// How much is prepared at most, in bytes.
const MOST_PREPARED: u64 = 3000;

#[derive(Debug, Default)]
struct File {
    bytes: Vec<u8>,
    /// What the last sync made sure of, and what came after it.
    durable: Vec<u8>,
    pending: Vec<Change>,
}

impl File {
    fn durable(bytes: &[u8]) -> File {
        File { bytes: bytes.to_vec(), durable: bytes.to_vec(), pending: Vec::new() }
    }

    fn change(&mut self, change: Change) {
        change.apply(&mut self.bytes, || true);
        self.pending.push(change);
    }

    fn sync(&mut self) {
        for change in self.pending.drain(..) {
            change.apply(&mut self.durable, || true);
        }
    }

    /// What was synced, and of each change since then any part; the length is one that the file had or could have.
    fn after_power_loss(&self, random: &mut Random) -> Vec<u8> {
        let percent = some_percent(random);
        let mut bytes = self.durable.clone();
        let mut lengths = vec![self.durable.len()];
        let mut now = self.durable.clone();
        for change in &self.pending {
            change.apply(&mut bytes, || random.chance(percent));
            change.apply(&mut now, || true);
            lengths.push(now.len());
        }
        lengths.push(bytes.len());
        // A file system writes lengths on its own: data may be behind the end, or missing before it.
        let shortest = lengths.iter().copied().min().unwrap_or(0);
        lengths.push(shortest + random.below(bytes.len().max(shortest) - shortest + 1));
        let length = match percent {
            0 => self.durable.len(),
            100 => self.bytes.len(),
            _ => *random.pick(&lengths),
        };
        bytes.resize(length, 0);
        bytes
    }
}

/// None, all and anything between them, each a third of the time.
fn some_percent(random: &mut Random) -> usize {
    [0, 100, random.below(101)][random.below(3)]
}

/// What happened to the names since the directory was last synced.
#[derive(Debug, Clone)]
enum Naming {
    Put(String, usize),
    Move(String, String, usize),
    Remove(String),
}

type Names = BTreeMap<String, usize>;

impl Naming {
    fn apply(&self, names: &mut Names) {
        match self {
            Naming::Put(name, file) => {
                names.insert(name.clone(), *file);
            }
            Naming::Move(from, to, file) => {
                names.remove(from);
                names.insert(to.clone(), *file);
            }
            Naming::Remove(name) => {
                names.remove(name);
            }
        }
    }
}

#[derive(Debug, Default)]
struct State {
    /// All files that ever were: an open handle stays on its own.
    files: Vec<File>,
    names: Names,
    /// What the last sync of the directory made sure of, and what came after it.
    durable_names: Names,
    pending_names: Vec<Naming>,
    /// The cells that were ever asked for, and how many.
    cells: BTreeMap<String, usize>,
    faults: Vec<Fault>,
    calls: BTreeMap<Operation, u64>,
    changes: Vec<Operation>,
    fail_at: Option<(u64, Mode)>,
    dead: bool,
}

impl State {
    /// Counts a call; an error is what it is to fail with, and how much a write does before that.
    fn call(&mut self, operation: Operation) -> Result<(), (Error, usize)> {
        if self.dead {
            return Err((Error::new(ErrorCode::Io, "faulty: the process is dead"), 0));
        }
        let calls = self.calls.entry(operation).or_default();
        *calls += 1;
        let number = *calls;
        let hit = self.faults.iter().find(|fault| {
            fault.operation == operation
                && if fault.lasting { number >= fault.from } else { number == fault.from }
        });
        let mut failure = hit.map(|fault| (fault.code, fault.written));
        if operation.is_change() {
            self.changes.push(operation);
            if let Some((_, mode)) = self.fail_at.filter(|(at, _)| *at == self.changes.len() as u64) {
                self.dead = !matches!(mode, Mode::Fail(_));
                failure = Some(match mode {
                    Mode::Fail(code) => (code, 0),
                    Mode::Torn(written) => (ErrorCode::Io, written),
                    Mode::Crash => (ErrorCode::Io, 0),
                });
            }
        }
        match failure {
            None => Ok(()),
            Some((code, written)) => {
                let message = format!("faulty: {operation:?} number {number} was told to fail");
                Err((Error::new(code, message), written))
            }
        }
    }

    fn step(&mut self, operation: Operation) -> Result<()> {
        self.call(operation).map_err(|(error, _)| error)
    }

    /// Changes names, in both halves.
    fn rename(&mut self, operation: Operation, naming: Naming) -> Result<()> {
        self.step(operation)?;
        naming.apply(&mut self.names);
        self.pending_names.push(naming);
        self.sync_names()
    }

    fn sync_names(&mut self) -> Result<()> {
        self.step(Operation::SyncDirectory)?;
        self.durable_names.clone_from(&self.names);
        self.pending_names.clear();
        Ok(())
    }

    fn add(&mut self, file: File) -> usize {
        self.files.push(file);
        self.files.len() - 1
    }

    fn find(&self, name: &str) -> Result<usize> {
        let missing = || Error::new(ErrorCode::NotFound, format!("no file {name:?}"));
        self.names.get(name).copied().ok_or_else(missing)
    }
}

/// Clones are handles on the same files.
#[derive(Debug, Clone, Default)]
pub(crate) struct FaultyStorage {
    state: Arc<Mutex<State>>,
    /// Locks and cells.
    memory: MemoryStorage,
}

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

    /// The change of this number fails, counted from 1 and from when the storage was made.
    pub(crate) fn fail_at(&self, number: u64, mode: Mode) {
        self.state().fail_at = Some((number, mode));
    }

    /// How many changes there were since the storage was made, failed ones included.
    pub(crate) fn operations(&self) -> u64 {
        self.state().changes.len() as u64
    }

    /// The changes that [`FaultyStorage::operations`] counts, in order.
    pub(crate) fn changes(&self) -> Vec<Operation> {
        self.state().changes.clone()
    }

    /// A new process finds the place as the last one left it: nothing fails any more, and what was not durable is not yet.
    pub(crate) fn restart(&self) {
        let mut state = self.state();
        (state.dead, state.fail_at) = (false, None);
        state.faults.clear();
    }

    /// The place after the process died: all that was written is there.
    pub(crate) fn after_crash(&self) -> MemoryStorage {
        let copy = MemoryStorage::new();
        let state = self.state();
        for (name, file) in &state.names {
            copy.replace(name, &state.files[*file].bytes).unwrap();
        }
        self.copy_cells(&state, &copy, |_| true);
        copy
    }

    /// The place after power was lost. What was synced is there. Of the rest each change of a
    /// name is there or not, and of what was written each sector; `seed` says which.
    pub(crate) fn after_power_loss(&self, seed: u64) -> MemoryStorage {
        let mut random = Random(seed);
        let copy = MemoryStorage::new();
        let state = self.state();
        let percent = some_percent(&mut random);
        let mut names = state.durable_names.clone();
        for naming in &state.pending_names {
            if random.chance(percent) {
                naming.apply(&mut names);
            }
        }
        for (name, file) in &names {
            copy.replace(name, &state.files[*file].after_power_loss(&mut random)).unwrap();
        }
        let percent = some_percent(&mut random);
        let mut kept = BTreeMap::new();
        self.copy_cells(&state, &copy, |sector| {
            *kept.entry(sector).or_insert_with(|| random.chance(percent))
        });
        copy
    }

    /// The place after a loss of power that kept all names, and of each file what was
    /// synced and the first `more` bytes of what was written to its end since.
    pub(crate) fn after_power_loss_keeping(&self, more: usize) -> MemoryStorage {
        let copy = MemoryStorage::new();
        let state = self.state();
        for (name, file) in &state.names {
            let file = &state.files[*file];
            let mut bytes = file.durable.clone();
            bytes.extend(file.bytes.iter().skip(bytes.len()).take(more));
            copy.replace(name, &bytes).unwrap();
        }
        copy
    }

    /// Cells in the sectors that are kept; the others are zero.
    fn copy_cells(&self, state: &State, copy: &MemoryStorage, mut keep: impl FnMut((String, usize)) -> bool) {
        for (name, count) in &state.cells {
            let from = self.memory.shared(name, *count).unwrap();
            let to = copy.shared(name, *count).unwrap();
            for index in 0..*count {
                if keep((name.clone(), index * size_of::<u64>() / SECTOR)) {
                    to.store(index, from.load(index));
                }
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn handle(&self, file: usize) -> Box<dyn StorageFile> {
        Box::new(FaultyFile { storage: self.clone(), file })
    }
}

impl Storage for FaultyStorage {
    fn lock(&self) -> Result<Box<dyn StorageLock>> {
        if self.state().dead {
            return Err(Error::new(ErrorCode::Io, "faulty: the process is dead"));
        }
        self.memory.lock()
    }

    fn writer_is_alive(&self) -> Result<bool> {
        self.memory.writer_is_alive()
    }

    fn lock_file(&self, name: &str) -> Result<Box<dyn StorageLock>> {
        let lock = self.memory.lock_file(name)?;
        let mut state = self.state();
        if state.names.contains_key(name) {
            state.step(Operation::Open)?;
        } else {
            state.step(Operation::Create)?;
            // Nobody syncs this: the file is made again when it is missing.
            let made = Naming::Put(name.to_owned(), state.add(File::default()));
            made.apply(&mut state.names);
            state.pending_names.push(made);
        }
        Ok(lock)
    }

    fn list(&self) -> Result<Vec<String>> {
        let mut state = self.state();
        state.step(Operation::List)?;
        let names: BTreeSet<&String> = state.names.keys().chain(state.cells.keys()).collect();
        Ok(names.into_iter().cloned().collect())
    }

    fn open(&self, name: &str) -> Result<Box<dyn StorageFile>> {
        let mut state = self.state();
        state.step(Operation::Open)?;
        Ok(self.handle(state.find(name)?))
    }

    fn create(&self, name: &str) -> Result<Box<dyn StorageFile>> {
        let mut state = self.state();
        if state.names.contains_key(name) || state.cells.contains_key(name) {
            return Err(Error::new(ErrorCode::AlreadyExists, format!("there is a file {name:?}")));
        }
        let file = state.add(File::default());
        let made = state.rename(Operation::Create, Naming::Put(name.to_owned(), file));
        if made.is_err() && !state.dead && state.names.get(name) == Some(&file) {
            // As a directory does it: the file is taken back, and that is not durable either.
            let undone = Naming::Remove(name.to_owned());
            undone.apply(&mut state.names);
            state.pending_names.push(undone);
        }
        made.map(|()| self.handle(file))
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let mut state = self.state();
        let file = state.add(File::durable(bytes));
        state.rename(Operation::Replace, Naming::Put(name.to_owned(), file))
    }

    fn rename(&self, from: &str, to: &str) -> Result<()> {
        let mut state = self.state();
        let file = state.find(from)?;
        let moved = state.rename(Operation::Rename, Naming::Move(from.to_owned(), to.to_owned(), file));
        if state.names.get(to) == Some(&file) {
            state.files[file].sync();
        }
        moved
    }

    fn remove(&self, name: &str) -> Result<()> {
        let mut state = self.state();
        if state.cells.contains_key(name) {
            state.step(Operation::Remove)?;
            state.cells.remove(name);
            return self.memory.remove(name);
        }
        state.find(name)?;
        state.rename(Operation::Remove, Naming::Remove(name.to_owned()))
    }

    fn sync_names(&self) -> Result<()> {
        self.state().sync_names()
    }

    fn shared(&self, name: &str, count: usize) -> Result<Box<dyn SharedCells>> {
        let mut state = self.state();
        let is_new = !state.cells.contains_key(name);
        state.step(if is_new { Operation::Create } else { Operation::Open })?;
        let cells = self.memory.shared(name, count)?;
        let known = state.cells.entry(name.to_owned()).or_default();
        *known = count.max(*known);
        Ok(Box::new(FaultyCells { storage: self.clone(), cells }))
    }

    fn boot(&self) -> Option<u128> {
        self.memory.boot()
    }

    fn describe(&self) -> String {
        "faulty".to_owned()
    }

    fn same_process(&self) -> bool {
        self.memory.same_process()
    }
}

struct FaultyCells {
    storage: FaultyStorage,
    cells: Box<dyn SharedCells>,
}

impl SharedCells for FaultyCells {
    fn load(&self, index: usize) -> u64 {
        self.cells.load(index)
    }

    fn store(&self, index: usize, value: u64) {
        let mut state = self.storage.state();
        // A store has no way to fail, but the dead do not store.
        let _ = state.call(Operation::Store);
        if !state.dead {
            self.cells.store(index, value);
        }
    }
}

struct FaultyFile {
    storage: FaultyStorage,
    file: usize,
}

impl FaultyFile {
    fn write(&self, operation: Operation, offset: u64, bytes: &[u8]) -> Result<()> {
        let mut state = self.storage.state();
        let (written, outcome) = match state.call(operation) {
            Ok(()) => (bytes, Ok(())),
            Err((error, written)) => (&bytes[..written.min(bytes.len())], Err(error)),
        };
        // This keeps holes as they are written: it is for small files.
        let start = usize::try_from(offset).ok().filter(|start| *start < 1 << 32);
        let start = start.ok_or_else(|| Error::new(ErrorCode::TooLarge, format!("offset {offset}")))?;
        state.files[self.file].change(Change::Write(start, written.to_vec()));
        outcome
    }
}

impl StorageFile for FaultyFile {
    fn length(&self) -> Result<u64> {
        let mut state = self.storage.state();
        state.step(Operation::Length)?;
        Ok(state.files[self.file].bytes.len() as u64)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        let mut state = self.storage.state();
        state.step(Operation::Read)?;
        let length = buffer.len();
        let source = usize::try_from(offset)
            .ok()
            .and_then(|start| state.files[self.file].bytes.get(start..start.checked_add(length)?))
            .ok_or_else(|| {
                let message = format!("the file ends before offset {offset} + {length}");
                Error::new(ErrorCode::Corrupt, message)
            })?;
        buffer.copy_from_slice(source);
        Ok(())
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        self.write(Operation::Write, offset, bytes)
    }

    fn truncate(&self, length: u64) -> Result<()> {
        let mut state = self.storage.state();
        state.step(Operation::Truncate)?;
        if length < state.files[self.file].bytes.len() as u64 {
            state.files[self.file].change(Change::Truncate(length as usize));
        }
        Ok(())
    }

    /// Writes zeros, which can fail or be torn as any write.
    fn prepare(&self, offset: u64, length: u64) -> Result<()> {
        // As much as tells the difference: tests keep all that was ever written.
        self.write(Operation::Prepare, offset, &vec![0; length.min(MOST_PREPARED) as usize])
    }

    fn expect_writes(&self, offset: u64, length: u64) {
        let _ = self.prepare(offset, length);
    }

    fn sync(&self) -> Result<()> {
        let mut state = self.storage.state();
        if let Err(error) = state.step(Operation::Sync) {
            if !state.dead {
                // As Linux does it: what could not be written stays in memory, and no later sync writes it.
                state.files[self.file].pending.clear();
            }
            return Err(error);
        }
        state.files[self.file].sync();
        Ok(())
    }
}

/// A place that was found after the machine was started anew.
#[derive(Debug)]
pub(crate) struct Restarted {
    memory: MemoryStorage,
}

impl Restarted {
    pub(crate) fn new(memory: MemoryStorage) -> Self {
        Restarted { memory }
    }
}

impl Storage for Restarted {
    fn boot(&self) -> Option<u128> {
        self.memory.boot().map(|boot| boot + 1)
    }

    forward! { memory:
        lock() -> Result<Box<dyn StorageLock>>;
        writer_is_alive() -> Result<bool>;
        lock_file(name: &str) -> Result<Box<dyn StorageLock>>;
        list() -> Result<Vec<String>>;
        open(name: &str) -> Result<Box<dyn StorageFile>>;
        create(name: &str) -> Result<Box<dyn StorageFile>>;
        replace(name: &str, bytes: &[u8]) -> Result<()>;
        rename(from: &str, to: &str) -> Result<()>;
        remove(name: &str) -> Result<()>;
        shared(name: &str, count: usize) -> Result<Box<dyn SharedCells>>;
        describe() -> String;
    }
}
