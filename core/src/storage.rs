//! Bytes and files, and nothing else: what a log needs of the place where it lives.
//!
//! One trait with two implementations, a directory and memory, so that a log has
//! one code path. Tests bring a third that fails on demand.

mod file;
mod memory;

pub use file::FileStorage;
pub use memory::MemoryStorage;

use crate::error::Result;

/// A place that holds named files: a directory, or memory.
///
/// All of it may be used from several threads at once.
pub trait Storage: Send + Sync {
    /// Becomes the one writer of this place until the guard is dropped.
    ///
    /// # Errors
    /// `LOCKED` when another handle or process is the writer.
    fn lock(&self) -> Result<Box<dyn StorageLock>>;

    /// The names of all files here, in no particular order.
    ///
    /// # Errors
    /// `IO` when the place cannot be listed.
    fn list(&self) -> Result<Vec<String>>;

    /// Opens an existing file for reading and writing.
    ///
    /// # Errors
    /// `NOT_FOUND` when there is none of this name, `IO` otherwise.
    fn open(&self, name: &str) -> Result<Box<dyn StorageFile>>;

    /// Makes the file `name` consist of `bytes`, durably and all at once: after a
    /// crash it is as before or as it should be.
    ///
    /// # Errors
    /// `NO_SPACE` or `IO`; the file is then as it was before.
    fn replace(&self, name: &str, bytes: &[u8]) -> Result<()>;

    /// Where this place is, for messages.
    fn describe(&self) -> String;
}

/// The right to be the one writer of a [`Storage`]; given back on drop.
pub trait StorageLock: Send + Sync {}

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

    /// Writes `bytes` at `offset`, handing them to the operating system.
    ///
    /// # Errors
    /// `NO_SPACE` or `IO`; part of the bytes may have been written.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<()>;

    /// Cuts the file to `length` bytes.
    ///
    /// # Errors
    /// `IO` when that fails.
    fn truncate(&self, length: u64) -> Result<()>;

    /// Returns once all that was written will survive a loss of power.
    ///
    /// # Errors
    /// `IO` or `NO_SPACE`. What was written since the last success may or may not be there afterwards.
    fn sync(&self) -> Result<()>;
}
