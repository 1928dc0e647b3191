//! Bytes and files, and nothing else: what a log needs of the place where it lives.
//!
//! One trait with two implementations, a directory and memory, so that a log has
//! one code path. Tests bring a third that fails on demand.

mod chunks;
mod file;
#[allow(unsafe_code, reason = "cells in a file map, and a page that a fork empties, cannot be had without")]
mod mapped;
mod memory;

pub use file::FileStorage;
pub use mapped::MappedFile;
pub use memory::MemoryStorage;

use std::fmt::Display;

use crate::error::{Error, ErrorCode, Result};

/// A place that holds named files: a directory, or memory.
///
/// A name is a plain file name: not empty, not `.` or `..`, without `/` and NUL.
/// The name `lock` is the writer's; no other use may be made of it than to see it
/// in [`Storage::list`]. Any other name is `INVALID_ARGUMENT`.
///
/// All of it may be used from several threads at once, and a directory from
/// several processes. Where only reading is permitted, whatever would change
/// something is `READ_ONLY`.
///
/// ```
/// use causelog::storage::{MemoryStorage, Storage};
///
/// # fn main() -> causelog::Result<()> {
/// let place = MemoryStorage::new();
/// let file = place.create("data")?;
/// file.write_at(0, b"one")?;
/// file.sync()?;
///
/// // A number that all who read the file can see: how far it is written.
/// let ends = place.shared("ends", 1)?;
/// ends.store(0, file.length()?);
///
/// let mut found = [0; 3];
/// place.clone().open("data")?.read_at(0, &mut found)?;
/// assert_eq!(&found, b"one");
/// assert_eq!(place.clone().shared("ends", 1)?.load(0), 3);
/// # Ok(())
/// # }
/// ```
pub trait Storage: Send + Sync {
    /// Becomes the one writer of this place until the guard is dropped.
    ///
    /// Does not wait for another writer. A process that ends without dropping the
    /// guard gives the lock back, once no child that it forked has the descriptor.
    ///
    /// # Errors
    /// `LOCKED` when another handle or process is the writer, `READ_ONLY` where
    /// nothing may be written, `IO` otherwise.
    fn lock(&self) -> Result<Box<dyn StorageLock>>;

    /// Whether somebody holds the lock of [`Storage::lock`]: this handle, another, or another process.
    ///
    /// Asking never keeps a writer from opening. The answer may be out of date once it is there.
    ///
    /// # Errors
    /// `IO` when that cannot be told.
    fn writer_is_alive(&self) -> Result<bool>;

    /// Waits until it alone holds the lock of this name, and holds it until the guard is dropped.
    ///
    /// It works between threads, handles and processes: for short critical
    /// sections. The file of this name is made if there is none, empty; what is
    /// in it stays as it is, and holding the lock does not keep others from
    /// reading and writing it. A file made so may be gone after a loss of power, even
    /// if it was synced: [`Storage::create`] makes one that stays. A thread that asks
    /// for a lock it holds waits for ever.
    ///
    /// # Errors
    /// `READ_ONLY` when the file would have to be made and may not, `IO` otherwise.
    fn lock_file(&self, name: &str) -> Result<Box<dyn StorageLock>>;

    /// The names of all files here, in no particular order.
    ///
    /// # Errors
    /// `IO` when the place cannot be listed.
    fn list(&self) -> Result<Vec<String>>;

    /// Opens an existing file for reading and writing; for reading only where no more is permitted.
    ///
    /// # Errors
    /// `NOT_FOUND` when there is none of this name, `IO` otherwise.
    fn open(&self, name: &str) -> Result<Box<dyn StorageFile>>;

    /// Makes a new file, empty, and opens it. That there is such a file is durable on return.
    ///
    /// # Errors
    /// `ALREADY_EXISTS` when there is one of this name, `READ_ONLY`, `NO_SPACE` or `IO`; there is then no new file.
    fn create(&self, name: &str) -> Result<Box<dyn StorageFile>>;

    /// Makes the file `name` consist of `bytes`, durably and all at once: after a
    /// crash it is as before or as it should be. Handles that are open keep the file as it was.
    ///
    /// At most one call for a name at a time: who cannot be sure holds a [`Storage::lock_file`].
    ///
    /// # Errors
    /// `READ_ONLY`, `NO_SPACE` or `IO`; the file is then as it was before, or, when only
    /// making it durable failed, as it should be.
    fn replace(&self, name: &str, bytes: &[u8]) -> Result<()>;

    /// Gives the file `from` the name `to`, durably and all at once; a file that had this name is gone.
    ///
    /// All that was written to `from` is durable before it has the new name. Open handles stay on their files.
    ///
    /// # Errors
    /// `NOT_FOUND` when there is no `from`, `READ_ONLY`, `NO_SPACE` or `IO`; nothing has
    /// changed then, or, when only making it durable failed, `from` is `to`.
    fn rename(&self, from: &str, to: &str) -> Result<()>;

    /// Removes a file, durably. Handles that are open on it go on reading and writing what it was.
    ///
    /// # Errors
    /// `NOT_FOUND` when there is none of this name, `READ_ONLY` or `IO`.
    fn remove(&self, name: &str) -> Result<()>;

    /// Returns once it will survive a loss of power which files there are, also where a process ended after it had
    /// made, renamed or removed one and before it could see to that itself.
    ///
    /// A place where all of that is durable at once need not do more than succeed, which is what this does.
    ///
    /// # Errors
    /// `IO` when the operating system cannot promise it.
    fn sync_names(&self) -> Result<()> {
        Ok(())
    }

    /// `count` numbers that all handles and processes share which ask for this name; all zero when the file is new.
    ///
    /// Asking for more than were there adds zeros; asking for fewer leaves the
    /// others to those who know of them. The numbers outlive the handles and a
    /// crash of the process. They are never made durable: after a loss of power
    /// each is what it once was, or zero, and whoever may write sets them anew.
    ///
    /// The file is not for [`Storage::open`]; [`Storage::list`] names it, and
    /// [`Storage::remove`] parts those who ask afterwards from those who have it.
    ///
    /// Where only reading is permitted, storing does nothing, and cells whose
    /// file is missing stay zero: ask again to see those that a writer has made since.
    ///
    /// # Errors
    /// `NO_SPACE` or `IO` when the file cannot be made, `TOO_LARGE` for a count that no file can hold.
    fn shared(&self, name: &str, count: usize) -> Result<Box<dyn SharedCells>>;

    /// Which start of the machine this is: while it is the same, all is there that was written, synced or not, whichever
    /// process wrote it. `None` where that cannot be told, which is what this answers.
    fn boot(&self) -> Option<u128> {
        None
    }

    /// Where this place is, for messages.
    fn describe(&self) -> String;

    /// Whether this handle still lives in the process that made it: false in a child after `fork`.
    ///
    /// A child has copies of its parent's descriptors, locks and memory, and
    /// must not act on them: it makes a handle of its own. An implementation that
    /// cannot be carried through a fork need not say more than `true`, which is what this does.
    fn same_process(&self) -> bool {
        true
    }
}

/// The right that [`Storage::lock`] or [`Storage::lock_file`] gave; given back on drop.
pub trait StorageLock: Send + Sync {}

/// Numbers that several handles and processes share; see [`Storage::shared`].
pub trait SharedCells: Send + Sync {
    /// The number at `index`; 0 beyond the end.
    ///
    /// What was written before the [`SharedCells::store`] of this number is seen after this (`Acquire`).
    fn load(&self, index: usize) -> u64;

    /// Sets the number at `index`; does nothing beyond the end, or where only reading is permitted (`Release`).
    fn store(&self, index: usize, value: u64);
}

/// One file of a [`Storage`].
pub trait StorageFile: Send + Sync {
    /// How many bytes it has.
    ///
    /// # Errors
    /// `IO` when that cannot be told.
    fn length(&self) -> Result<u64>;

    /// Fills `buffer` with the bytes from `offset` on.
    ///
    /// # Errors
    /// `CORRUPT` when the file ends before the buffer is full, `IO` otherwise.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<()>;

    /// Writes `bytes` at `offset`, handing them to the operating system. What was skipped before `offset` is zero.
    ///
    /// # Errors
    /// `NO_SPACE` or `IO`; part of the bytes may have been written. `READ_ONLY` for
    /// a file that may only be read, `TOO_LARGE` when it would end beyond [`i64::MAX`].
    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<()>;

    /// Cuts the file to `length` bytes; one that is not longer stays as it is.
    ///
    /// # Errors
    /// `READ_ONLY` for a file that may only be read, `IO` otherwise.
    fn truncate(&self, length: u64) -> Result<()>;

    /// Makes syncs of what is written into the `length` bytes from `offset` on cheap, where the
    /// place can: they read as zeros until then. To be called when nothing lies there yet.
    ///
    /// # Errors
    /// `NO_SPACE` or `IO`; part of it may be done, and the file longer.
    fn prepare(&self, offset: u64, length: u64) -> Result<()> {
        let _ = (offset, length);
        Ok(())
    }

    /// Has the place ready for many small writes into the `length` bytes from `offset` on, where they can be made
    /// cheaper by it: the bytes read as zeros until then, and the file may be longer. To be called when nothing lies there
    /// yet, instead of [`StorageFile::prepare`]. A hint, which is nothing that can fail; here it does nothing.
    ///
    /// In a directory such writes go through a memory map: until the file is next cut or this is called for other bytes,
    /// a disk that fails may end the process with a SIGBUS instead of being an error of the write.
    fn expect_writes(&self, offset: u64, length: u64) {
        let _ = (offset, length);
    }

    /// Returns once all that was written will survive a loss of power.
    ///
    /// # Errors
    /// `IO` or `NO_SPACE`. What was written since the last success may or may not be there afterwards.
    fn sync(&self) -> Result<()>;

    /// Has the place begin to make these bytes durable without waiting for it, so that a later [`StorageFile::sync`]
    /// takes less long. A hint, which is nothing that can fail; here it does nothing.
    fn write_back(&self, offset: u64, length: u64) {
        let _ = (offset, length);
    }

    /// The file as memory, where the place can do that; `None` otherwise, which is what this answers. Only for
    /// a file that nobody writes to any more.
    ///
    /// # Errors
    /// `IO` when the operating system refuses.
    fn map(&self) -> Result<Option<MappedFile>> {
        Ok(None)
    }
}

/// Whoever holds the lock of this file is the writer; its bytes mean nothing.
const LOCK_FILE: &str = "lock";

/// Refuses names that lead elsewhere.
fn check_name(name: &str) -> Result<()> {
    if name.is_empty() || name == "." || name == ".." || name.contains(['/', '\0']) {
        return Err(Error::invalid(format!("{name:?} is not a file name: give one without `/`")));
    }
    if name == LOCK_FILE {
        return Err(Error::invalid(format!("the file {name:?} is the writer's: give another name")));
    }
    Ok(())
}

/// The end of a write, if a file can have one there.
fn end_of_write(place: impl Display, offset: u64, length: usize) -> Result<u64> {
    offset.checked_add(length as u64).filter(|end| i64::try_from(*end).is_ok()).ok_or_else(|| {
        let message = format!("{place}: no file reaches offset {offset} + {length}");
        Error::new(ErrorCode::TooLarge, message)
    })
}

/// Says that `place` ends within what was to be read.
fn ends_before(place: impl Display, offset: u64, length: usize) -> Error {
    Error::new(ErrorCode::Corrupt, format!("{place}: the file ends before offset {offset} + {length}"))
}
