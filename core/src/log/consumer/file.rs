//! The file that keeps a consumer's position, and how processes share it.

use parking_lot::Mutex;

use crate::error::{Error, ErrorCode, Result};
use crate::log::change_log::Inner;
use crate::log::format::{self, Position, Slots};
use crate::storage::{StorageFile, StorageLock};

const LONGEST_NAME: usize = 100;

/// Refuses names that cannot be part of a file's name everywhere.
pub(super) fn check_name(name: &str) -> Result<()> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(allowed) {
        return Ok(());
    }
    let message = format!("{name:?} is no consumer's name: give 1 to {LONGEST_NAME} of A-Z a-z 0-9 . _ -");
    Err(Error::invalid(message))
}

/// The file of one consumer. It may be gone, or be another one by now: nothing of it is kept open.
pub(super) struct PositionFile {
    consumer: String,
    file: String,
    lock: String,
    /// Generation of the slot that this handle wrote last and knows to be on the disk.
    synced: Mutex<Option<u64>>,
}

impl PositionFile {
    pub(super) fn new(consumer: &str) -> Result<Self> {
        check_name(consumer)?;
        Ok(PositionFile {
            consumer: consumer.to_owned(),
            file: format::consumer_file(consumer),
            lock: format::consumer_lock(consumer),
            synced: Mutex::new(None),
        })
    }

    pub(super) fn consumer(&self) -> &str {
        &self.consumer
    }

    /// The position, made if there is none.
    pub(super) fn make(&self, log: &Inner) -> Result<u64> {
        match self.read(log) {
            Err(error) if error.code() == ErrorCode::NotFound => {}
            outcome => return outcome,
        }
        let _alone = self.lock(log)?;
        match self.look(log) {
            // Somebody was quicker.
            Ok((_, slots)) => Ok(slots.current.lsn),
            Err(error) if error.code() == ErrorCode::NotFound => {
                let identity = &log.identity;
                log.storage.replace(&self.file, &Slots::new_file(identity.log, identity.epoch))?;
                Ok(0)
            }
            Err(error) => Err(error),
        }
    }

    /// The position that was written last.
    pub(super) fn read(&self, log: &Inner) -> Result<u64> {
        self.find(log).map(|(_, slots)| slots.current.lsn)
    }

    /// A position that was the last when it was read, and that no loss of power takes back. It waits for nobody.
    pub(super) fn read_settled(&self, log: &Inner) -> Result<u64> {
        let (file, slots) = self.find(log)?;
        // Whoever wrote it may not have synced it yet, or may have died before.
        file.sync()?;
        Ok(slots.current.lsn)
    }

    /// Writes the position that `decide` makes of the one there is, durably.
    pub(super) fn write(&self, log: &Inner, decide: impl FnOnce(u64) -> Result<u64>) -> Result<()> {
        let mut synced = self.synced.lock();
        let _alone = self.lock(log)?;
        let (file, Slots { current, other, .. }) = self.look(log).inspect_err(|error| {
            if error.code() == ErrorCode::NotFound {
                self.discard_lock(log);
            }
        })?;
        let lsn = decide(current.lsn)?;
        if *synced != Some(current.generation) {
            // Whoever wrote the present slot may have died before it was on the disk, or the sync of it failed, after which
            // only what is written anew is synced. It has to be there before the other one, which then is the only one, goes.
            file.write_at(Slots::LENGTH as u64 / 2 - other, &current.encode())?;
            file.sync()?;
        } else if lsn == current.lsn {
            return Ok(());
        }
        let generation = current.generation + 1;
        let identity = &log.identity;
        let next = Position { log: identity.log, epoch: identity.epoch, generation, lsn };
        *synced = None;
        file.write_at(other, &next.encode())?;
        file.sync()?;
        *synced = Some(generation);
        Ok(())
    }

    /// Removes the file, whatever is in it.
    pub(super) fn remove(&self, log: &Inner) -> Result<()> {
        let _alone = self.lock(log)?;
        let removed = log.storage.remove(&self.file).map_err(|error| self.named(log, error));
        if removed.as_ref().err().is_none_or(|error| error.code() == ErrorCode::NotFound) {
            self.discard_lock(log);
        }
        removed
    }

    /// Removes the lock of a consumer that is gone, which this holds: those who wait for it find that out.
    fn discard_lock(&self, log: &Inner) {
        // Left behind it does no harm.
        let _ = log.storage.remove(&self.lock);
    }

    fn lock(&self, log: &Inner) -> Result<Box<dyn StorageLock>> {
        log.storage.lock_file(&self.lock)
    }

    /// What the file says, also while somebody writes it.
    fn find(&self, log: &Inner) -> Result<(Box<dyn StorageFile>, Slots)> {
        let found = self.look(log);
        let doubtful = match &found {
            Ok((_, slots)) => slots.damaged,
            Err(error) => error.code() == ErrorCode::Corrupt,
        };
        if !doubtful {
            return found;
        }
        // Both slots may have changed while they were read. With the lock nobody writes.
        match self.lock(log) {
            Ok(_alone) => self.look(log),
            Err(_) => found,
        }
    }

    fn look(&self, log: &Inner) -> Result<(Box<dyn StorageFile>, Slots)> {
        let file = log.storage.open(&self.file).map_err(|error| self.named(log, error))?;
        let length = file.length()?.min(Slots::LENGTH as u64);
        let mut bytes = vec![0; length as usize];
        file.read_at(0, &mut bytes)?;
        let slots = Slots::decode(&bytes, log.identity.log, &self.file)?;
        Ok((file, slots))
    }

    /// Says that there is no such consumer instead of no such file.
    fn named(&self, log: &Inner, error: Error) -> Error {
        if error.code() != ErrorCode::NotFound {
            return error;
        }
        let message = format!("{}: there is no consumer {:?}", log.place, self.consumer);
        Error::new(ErrorCode::NotFound, message).with_source(error)
    }
}
