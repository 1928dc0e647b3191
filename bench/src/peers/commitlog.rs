//! `commitlog`: segment files with an index in mapped memory. It has no durable mode.

use std::path::Path;

use anyhow::{Result, anyhow};
use commitlog::message::{MessageBuf, MessageSet};
use commitlog::{CommitLog, LogOptions, ReadLimit};
use parking_lot::Mutex;

use crate::peers::{Store, Writer};
use crate::workload::{Digest, Entry};

/// How much is read at a time.
const READ_LENGTH: usize = 1024 * 1024;

pub(crate) struct Commitlog {
    log: Mutex<CommitLog>,
}

impl Commitlog {
    pub(crate) fn open(directory: &Path) -> Result<Commitlog> {
        Ok(Commitlog { log: Mutex::new(CommitLog::new(LogOptions::new(directory))?) })
    }

    fn read(&self, mut offset: u64, mut each: impl FnMut(&[u8])) -> Result<()> {
        let log = self.log.lock();
        loop {
            // Checks the checksums of all that it returns.
            let messages = log.read(offset, ReadLimit::max_bytes(READ_LENGTH))?;
            if messages.is_empty() {
                return Ok(());
            }
            offset += messages.len() as u64;
            messages.iter().for_each(|message| each(message.payload()));
        }
    }
}

impl Store for Commitlog {
    fn writer(&self, _thread: usize) -> Result<Box<dyn Writer + '_>> {
        Ok(Box::new(LogWriter { log: &self.log, messages: MessageBuf::default(), record: Vec::new() }))
    }

    fn scan(&self) -> Result<Digest> {
        let mut digest = Digest::default();
        self.read(0, |record| digest.add_record(record))?;
        Ok(digest)
    }

    fn tail(&self, skipped: u64) -> Result<Digest> {
        let mut records = Vec::new();
        self.read(skipped, |record| records.push(record.to_vec()))?;
        let mut digest = Digest::default();
        records.iter().for_each(|record| digest.add_record(record));
        Ok(digest)
    }

    fn close(self: Box<Self>) -> Result<()> {
        Ok(self.log.into_inner().flush()?)
    }
}

struct LogWriter<'a> {
    log: &'a Mutex<CommitLog>,
    messages: MessageBuf,
    record: Vec<u8>,
}

impl Writer for LogWriter<'_> {
    fn append(&mut self, entries: &[Entry<'_>]) -> Result<()> {
        self.messages.clear();
        for entry in entries {
            self.record.clear();
            entry.write_to(&mut self.record);
            self.messages.push(&self.record).map_err(|error| anyhow!("{error:?}"))?;
        }
        self.log.lock().append(&mut self.messages)?;
        Ok(())
    }
}
