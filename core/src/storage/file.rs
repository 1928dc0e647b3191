use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use parking_lot::Mutex;

use crate::error::{Error, ErrorCode, Result};
use crate::storage::mapped::{self, CELL, MappedCells, MappedFile, MappedWindow, ProcessMark};
use crate::storage::{
    LOCK_FILE, SharedCells, Storage, StorageFile, StorageLock, check_name, end_of_write, ends_before,
};

/// A directory. Its descriptors are closed when a process starts another program.
///
/// Locks are those of `flock`: they belong to an open descriptor, so they tell
/// threads and handles of one process apart as they do processes.
///
/// The cells of [`Storage::shared`] are a file that is mapped into memory. Cutting
/// it from outside while a process has it mapped makes the next look at a cell a
/// SIGBUS, which ends that process; removing it is harmless. Causelog never shortens it.
#[derive(Debug)]
pub struct FileStorage {
    directory: PathBuf,
    made_in: ProcessMark,
}

/// The size of a file of cells is a multiple of this many bytes. Small counts, that
/// is all there are, never need a second one, and the file never changes its length.
const CELL_BLOCK: u64 = 4096;

/// How often, and how long apart, a writer tries again while others only look whether there is one.
/// A look takes microseconds; a second is for those that are interrupted in the middle of one.
const LOCK_ATTEMPTS: u32 = 2000;
const LOCK_PAUSE: Duration = Duration::from_micros(500);

impl FileStorage {
    /// The directory at `path`, made with its parents if it is not there.
    ///
    /// # Errors
    /// `IO`, `READ_ONLY` or `NO_SPACE` when it cannot be made, `INVALID_ARGUMENT` when `path` is something else.
    ///
    /// ```
    /// use causelog::storage::{FileStorage, Storage};
    ///
    /// # fn main() -> causelog::Result<()> {
    /// # let temporary = tempfile::tempdir().unwrap();
    /// # let path = temporary.path().join("place");
    /// let place = FileStorage::open(&path)?;
    /// place.replace("greeting", b"hello")?;
    /// assert_eq!(place.open("greeting")?.length()?, 5);
    /// # Ok(())
    /// # }
    /// ```
    pub fn open(path: impl AsRef<Path>) -> Result<FileStorage> {
        let directory = path.as_ref();
        if directory.exists() && !directory.is_dir() {
            return Err(not_a_directory(directory));
        }
        let missing: Vec<&Path> = directory.ancestors().take_while(|path| is_missing(path)).collect();
        fs::create_dir_all(directory).map_err(|error| change_failed(directory, error))?;
        // The entries of new directories must outlive a crash as their files do.
        for parent in missing.iter().filter_map(|path| path.parent()) {
            sync_directory(parent)?;
        }
        Ok(FileStorage::at(directory))
    }

    /// The directory at `path`, which must be there: nothing is made or changed.
    ///
    /// # Errors
    /// `NOT_FOUND` when there is nothing at `path`, `INVALID_ARGUMENT` when it is not a directory, `IO` otherwise.
    pub fn open_existing(path: impl AsRef<Path>) -> Result<FileStorage> {
        let directory = path.as_ref();
        let metadata = fs::metadata(directory).map_err(|error| Error::io(directory.display(), error))?;
        if !metadata.is_dir() {
            return Err(not_a_directory(directory));
        }
        Ok(FileStorage::at(directory))
    }

    fn at(directory: &Path) -> FileStorage {
        FileStorage { directory: directory.to_path_buf(), made_in: ProcessMark::current() }
    }

    fn path(&self, name: &str) -> Result<PathBuf> {
        check_name(name)?;
        Ok(self.directory.join(name))
    }

    fn sync_directory(&self) -> Result<()> {
        sync_directory(&self.directory)
    }

    /// Makes sure that the file of cells has room for all of them, and blocks behind it:
    /// a store into a hole on a full disk would end the process.
    fn make_room(file: &File, length: u64) -> io::Result<()> {
        // Others do the same at this moment, perhaps for more: nobody may shorten what they have mapped.
        wait_for_lock(file)?;
        let mut held = file.metadata()?.len();
        let zeros = [0; CELL_BLOCK as usize];
        while held < length {
            let count = (length - held).min(CELL_BLOCK);
            file.write_all_at(zeros.get(..count as usize).unwrap_or_default(), held)?;
            held += count;
        }
        file.unlock()
    }
}

fn not_a_directory(path: &Path) -> Error {
    Error::invalid(format!("{} is not a directory", path.display()))
}

fn is_missing(path: &Path) -> bool {
    !path.as_os_str().is_empty() && !path.exists()
}

fn sync_directory(path: &Path) -> Result<()> {
    // The parent of a bare name is the empty path: here.
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    File::open(path).and_then(|directory| directory.sync_all()).map_err(|error| change_failed(path, error))
}

/// Whether it is changing something that was refused.
fn is_refused(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem)
}

/// The error of a call that would have changed something.
fn change_failed(path: &Path, error: io::Error) -> Error {
    let code = match error.kind() {
        _ if is_refused(&error) => ErrorCode::ReadOnly,
        ErrorKind::AlreadyExists => ErrorCode::AlreadyExists,
        _ => return Error::io(path.display(), error),
    };
    Error::new(code, format!("{}: {error}", path.display())).with_source(error)
}

/// Opens for reading and writing, or for reading where no more is permitted; true if it may write.
fn open_as_permitted(path: &Path, options: &mut OpenOptions) -> io::Result<(File, bool)> {
    match options.read(true).write(true).open(path) {
        Ok(file) => Ok((file, true)),
        Err(error) if is_refused(&error) => match File::open(path) {
            Ok(file) => Ok((file, false)),
            // What could not be made tells more than that it is not there.
            Err(missing) if missing.kind() == ErrorKind::NotFound => Err(error),
            Err(unreadable) => Err(unreadable),
        },
        Err(error) => Err(error),
    }
}

/// Opens a file that is made if there is none.
fn made_if_missing() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false);
    options
}

fn wait_for_lock(file: &File) -> io::Result<()> {
    loop {
        match file.lock() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            outcome => return outcome,
        }
    }
}

/// Whether the file at `path` is still the one that was opened.
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let opened = file.metadata()?;
    match fs::metadata(path) {
        Ok(found) => Ok((found.dev(), found.ino()) == (opened.dev(), opened.ino())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

impl Storage for FileStorage {
    fn lock(&self) -> Result<Box<dyn StorageLock>> {
        let path = self.directory.join(LOCK_FILE);
        let file = made_if_missing().write(true).open(&path).map_err(|error| change_failed(&path, error))?;
        let locked = || {
            let directory = self.directory.display();
            let message =
                format!("{directory} is being written by another handle or process: close that one first");
            Error::new(ErrorCode::Locked, message)
        };
        for _ in 0..LOCK_ATTEMPTS {
            match file.try_lock() {
                Ok(()) => return Ok(FileLock::held(file)),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(Error::io(path.display(), error)),
            }
            // A writer excludes this lock as well. Those who look whether there is
            // a writer do not, and are gone in a moment.
            match file.try_lock_shared() {
                Ok(()) => file.unlock().map_err(|error| Error::io(path.display(), error))?,
                Err(TryLockError::WouldBlock) => return Err(locked()),
                Err(TryLockError::Error(error)) => return Err(Error::io(path.display(), error)),
            }
            std::thread::sleep(LOCK_PAUSE);
        }
        Err(locked())
    }

    fn writer_is_alive(&self) -> Result<bool> {
        let path = self.directory.join(LOCK_FILE);
        let file = match File::open(&path) {
            Ok(file) => file,
            // Nobody has ever written here.
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(Error::io(path.display(), error)),
        };
        match file.try_lock_shared() {
            // Closing is not enough while another thread starts a program.
            Ok(()) => file.unlock().map(|()| false).map_err(|error| Error::io(path.display(), error)),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(Error::io(path.display(), error)),
        }
    }

    fn lock_file(&self, name: &str) -> Result<Box<dyn StorageLock>> {
        let path = self.path(name)?;
        loop {
            let (file, _) = open_as_permitted(&path, &mut made_if_missing())
                .map_err(|error| change_failed(&path, error))?;
            wait_for_lock(&file).map_err(|error| Error::io(path.display(), error))?;
            // Whoever had it may have removed or replaced the file: then this is a lock on nothing.
            if is_at(&file, &path).map_err(|error| Error::io(path.display(), error))? {
                return Ok(FileLock::held(file));
            }
        }
    }

    fn list(&self) -> Result<Vec<String>> {
        let failed = |error| Error::io(self.directory.display(), error);
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.directory).map_err(failed)? {
            // A name that is not Unicode is not one of a log's.
            names.extend(entry.map_err(failed)?.file_name().into_string().ok());
        }
        Ok(names)
    }

    fn open(&self, name: &str) -> Result<Box<dyn StorageFile>> {
        let path = self.path(name)?;
        match open_as_permitted(&path, &mut OpenOptions::new()) {
            Ok((file, writable)) => Ok(Box::new(OpenFile::new(file, path, writable))),
            Err(error) => Err(Error::io(path.display(), error)),
        }
    }

    fn create(&self, name: &str) -> Result<Box<dyn StorageFile>> {
        let path = self.path(name)?;
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(&path)
            .map_err(|error| change_failed(&path, error))?;
        if let Err(error) = self.sync_directory() {
            // Best effort, so that the same call can be made again.
            let _ = fs::remove_file(&path);
            return Err(error);
        }
        Ok(Box::new(OpenFile::new(file, path, true)))
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let (path, temporary) = (self.path(name)?, self.path(&format!("{name}.new"))?);
        let write = || -> io::Result<()> {
            let mut file = File::create(&temporary)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&temporary, &path)
        };
        if let Err(error) = write() {
            // Best effort: a leftover of this name is overwritten by the next attempt.
            let _ = fs::remove_file(&temporary);
            return Err(change_failed(&path, error));
        }
        self.sync_directory()
    }

    fn rename(&self, from: &str, to: &str) -> Result<()> {
        let (from, to) = (self.path(from)?, self.path(to)?);
        File::open(&from)
            .and_then(|file| file.sync_all())
            .map_err(|error| Error::io(from.display(), error))?;
        fs::rename(&from, &to).map_err(|error| change_failed(&from, error))?;
        self.sync_directory()
    }

    fn remove(&self, name: &str) -> Result<()> {
        let path = self.path(name)?;
        fs::remove_file(&path).map_err(|error| change_failed(&path, error))?;
        self.sync_directory()
    }

    fn sync_names(&self) -> Result<()> {
        self.sync_directory()?;
        // Whoever made the directory may have ended, too, before its own name was durable.
        let Some(parent) = self.directory.parent() else { return Ok(()) };
        match sync_directory(parent) {
            // A parent that may not be read is not this process's to see to.
            Err(error) if error.code() == ErrorCode::ReadOnly => Ok(()),
            outcome => outcome,
        }
    }

    fn shared(&self, name: &str, count: usize) -> Result<Box<dyn SharedCells>> {
        let path = self.path(name)?;
        let wanted = count.max(1).saturating_mul(CELL);
        let length = end_of_write(path.display(), 0, wanted)?.next_multiple_of(CELL_BLOCK);
        let failed = |error| Error::io(path.display(), error);
        match open_as_permitted(&path, &mut made_if_missing()) {
            Ok((file, true)) => {
                FileStorage::make_room(&file, length).map_err(failed)?;
                Ok(Box::new(MappedCells::writable(&file, count).map_err(failed)?))
            }
            Ok((file, false)) => {
                // The one who may write adds what is missing; to touch it before is a fault.
                let held = file.metadata().map_err(failed)?.len() / CELL as u64;
                match usize::try_from(held).unwrap_or(usize::MAX).min(count) {
                    0 => Ok(Box::new(NoCells)),
                    held => Ok(Box::new(MappedCells::read_only(&file, held).map_err(failed)?)),
                }
            }
            Err(error) if is_refused(&error) && !path.exists() => Ok(Box::new(NoCells)),
            Err(error) => Err(failed(error)),
        }
    }

    fn boot(&self) -> Option<u128> {
        // Made by Linux at each start, as a UUID.
        let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        uuid::Uuid::parse_str(id.trim()).ok().map(|id| id.as_u128())
    }

    fn describe(&self) -> String {
        self.directory.display().to_string()
    }

    fn same_process(&self) -> bool {
        self.made_in.is_current()
    }
}

struct FileLock {
    file: File,
    made_in: ProcessMark,
}

impl FileLock {
    fn held(file: File) -> Box<dyn StorageLock> {
        Box::new(FileLock { file, made_in: ProcessMark::current() })
    }
}

impl StorageLock for FileLock {}

impl Drop for FileLock {
    fn drop(&mut self) {
        // Closing alone gives it back only once no child has the descriptor, be it
        // that another thread is just starting a program. A child, on the other
        // hand, would give back what is its parent's.
        if self.made_in.is_current() {
            // What cannot be unlocked is closed in a moment.
            let _ = self.file.unlock();
        }
    }
}

/// Cells that nobody has made yet, for those who may not.
struct NoCells;

impl SharedCells for NoCells {
    fn load(&self, _index: usize) -> u64 {
        0
    }

    fn store(&self, _index: usize, _value: u64) {}
}

struct OpenFile {
    file: File,
    path: PathBuf,
    writable: bool,
    /// Where writes are expected.
    window: Mutex<Option<MappedWindow>>,
}

impl OpenFile {
    fn new(file: File, path: PathBuf, writable: bool) -> OpenFile {
        OpenFile { file, path, writable, window: Mutex::new(None) }
    }

    fn failed(&self, error: io::Error) -> Error {
        Error::io(self.path.display(), error)
    }

    fn check_writable(&self) -> Result<()> {
        if self.writable {
            return Ok(());
        }
        let message = format!("{} may only be read: give the right to write it", self.path.display());
        Err(Error::new(ErrorCode::ReadOnly, message))
    }
}

impl StorageFile for OpenFile {
    fn length(&self) -> Result<u64> {
        self.file.metadata().map(|metadata| metadata.len()).map_err(|error| self.failed(error))
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        let length = buffer.len();
        self.file.read_exact_at(buffer, offset).map_err(|error| {
            // An offset that no file can have is an invalid argument to the operating system.
            let beyond = end_of_write(self.path.display(), offset, length).is_err();
            if beyond || error.kind() == ErrorKind::UnexpectedEof {
                return ends_before(self.path.display(), offset, length).with_source(error);
            }
            self.failed(error)
        })
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        self.check_writable()?;
        end_of_write(self.path.display(), offset, bytes.len())?;
        if let Some(window) = &mut *self.window.lock()
            && window.write(offset, bytes)
        {
            return Ok(());
        }
        self.file.write_all_at(bytes, offset).map_err(|error| self.failed(error))
    }

    fn truncate(&self, length: u64) -> Result<()> {
        self.check_writable()?;
        // Nobody may store beyond the end.
        *self.window.lock() = None;
        if length >= self.length()? {
            return Ok(());
        }
        self.file.set_len(length).map_err(|error| self.failed(error))
    }

    fn prepare(&self, offset: u64, length: u64) -> Result<()> {
        // Written, not merely allocated: an `fdatasync` of bytes that lie in written blocks has no metadata to put
        // on the disk as well.
        static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];
        let mut left = length;
        while left > 0 {
            let piece = usize::try_from(left).unwrap_or(usize::MAX).min(ZEROS.len());
            self.write_at(offset + (length - left), ZEROS.get(..piece).unwrap_or_default())?;
            left -= piece as u64;
        }
        Ok(())
    }

    fn expect_writes(&self, offset: u64, length: u64) {
        *self.window.lock() = None;
        // Blocks that are there already: a store into a hole on a full disk would end the process.
        if self.prepare(offset, length).is_ok() {
            *self.window.lock() = MappedWindow::new(&self.file, offset, length);
        }
    }

    fn sync(&self) -> Result<()> {
        self.file.sync_data().map_err(|error| self.failed(error))
    }

    fn write_back(&self, offset: u64, length: u64) {
        mapped::write_back(&self.file, offset, length);
    }

    fn map(&self) -> Result<Option<MappedFile>> {
        MappedFile::new(&self.file).map_err(|error| self.failed(error))
    }
}
