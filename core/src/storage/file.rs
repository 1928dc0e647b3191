use std::fs::{self, File, OpenOptions, TryLockError};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorCode, Result};
use crate::storage::{Storage, StorageFile, StorageLock};

/// A directory, made if it is not there.
#[derive(Debug)]
pub struct FileStorage {
    directory: PathBuf,
}

/// Its lock makes a process the one writer; its bytes mean nothing.
const LOCK_FILE: &str = "lock";

impl FileStorage {
    /// The directory at `path`, made with its parents if it is not there.
    ///
    /// # Errors
    /// `IO`, `READ_ONLY` or `NO_SPACE` when it cannot be made, `INVALID_ARGUMENT` when `path` is something else.
    pub fn open(path: impl AsRef<Path>) -> Result<FileStorage> {
        let directory = path.as_ref().to_path_buf();
        if directory.exists() && !directory.is_dir() {
            return Err(Error::invalid(format!("{} is not a directory", directory.display())));
        }
        let missing: Vec<&Path> = directory.ancestors().take_while(|path| is_missing(path)).collect();
        fs::create_dir_all(&directory).map_err(|error| Error::io(directory.display(), error))?;
        // The entries of new directories must outlive a crash as their files do.
        for parent in missing.iter().filter_map(|path| path.parent()) {
            sync_directory(parent)?;
        }
        Ok(FileStorage { directory })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }
}

fn is_missing(path: &Path) -> bool {
    !path.as_os_str().is_empty() && !path.exists()
}

fn sync_directory(path: &Path) -> Result<()> {
    // The parent of a bare name is the empty path: here.
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    File::open(path)
        .and_then(|directory| directory.sync_all())
        .map_err(|error| Error::io(path.display(), error))
}

impl Storage for FileStorage {
    fn lock(&self) -> Result<Box<dyn StorageLock>> {
        let path = self.path(LOCK_FILE);
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|error| Error::io(path.display(), error))?;
        match file.try_lock() {
            Ok(()) => Ok(Box::new(FileLock(file))),
            Err(TryLockError::WouldBlock) => {
                let directory = self.directory.display();
                let message = format!(
                    "{directory} is being written by another handle or process: close that one first"
                );
                Err(Error::new(ErrorCode::Locked, message))
            }
            Err(TryLockError::Error(error)) => Err(Error::io(path.display(), error)),
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
        let path = self.path(name);
        match OpenOptions::new().read(true).write(true).open(&path) {
            Ok(file) => Ok(Box::new(OpenFile { file, path })),
            Err(error) => Err(Error::io(path.display(), error)),
        }
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let (path, temporary) = (self.path(name), self.path(&format!("{name}.new")));
        let write = || -> std::io::Result<()> {
            fs::write(&temporary, bytes)?;
            File::open(&temporary)?.sync_all()?;
            fs::rename(&temporary, &path)
        };
        if let Err(error) = write() {
            // Best effort: a leftover of this name is overwritten by the next attempt.
            let _ = fs::remove_file(&temporary);
            return Err(Error::io(path.display(), error));
        }
        sync_directory(&self.directory)
    }

    fn describe(&self) -> String {
        self.directory.display().to_string()
    }
}

struct FileLock(#[allow(dead_code, reason = "closing the file gives the lock back")] File);

impl StorageLock for FileLock {}

struct OpenFile {
    file: File,
    path: PathBuf,
}

impl OpenFile {
    fn failed(&self, error: std::io::Error) -> Error {
        Error::io(self.path.display(), error)
    }
}

impl StorageFile for OpenFile {
    fn length(&self) -> Result<u64> {
        self.file.metadata().map(|metadata| metadata.len()).map_err(|error| self.failed(error))
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        self.file.read_exact_at(buffer, offset).map_err(|error| {
            if error.kind() == std::io::ErrorKind::UnexpectedEof {
                let (path, length) = (self.path.display(), buffer.len());
                let message = format!("{path}: the file ends before offset {offset} + {length}");
                return Error::new(ErrorCode::Corrupt, message).with_source(error);
            }
            self.failed(error)
        })
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        self.file.write_all_at(bytes, offset).map_err(|error| self.failed(error))
    }

    fn truncate(&self, length: u64) -> Result<()> {
        self.file.set_len(length).map_err(|error| self.failed(error))
    }

    fn sync(&self) -> Result<()> {
        self.file.sync_data().map_err(|error| self.failed(error))
    }
}
