//! The library, through its public API only.

use std::path::Path;

use anyhow::{Result, bail};
use causelog::{
    Change, ChangeLog, ChangeOperation, LogOptions, QueryOptions, RowId, Timestamp, Transaction, Uuid,
};

use crate::peers::{Durability, Store, Writer};
use crate::workload::{Digest, Entry};

pub(crate) struct Causelog {
    log: ChangeLog,
}

impl Causelog {
    pub(crate) fn open(directory: &Path, durability: Durability) -> Result<Causelog> {
        let options = |durability| LogOptions { durability, ..LogOptions::default() };
        let log = match durability {
            Durability::Memory => ChangeLog::in_memory(options(causelog::Durability::Os))?,
            Durability::Os => ChangeLog::open_with(directory, options(causelog::Durability::Os))?,
            Durability::Sync => ChangeLog::open_with(directory, options(causelog::Durability::Sync))?,
        };
        if log.frontier()?.is_empty() {
            meet_two_others(&log)?;
        }
        Ok(Causelog { log })
    }
}

/// Gives every clock to come three nodes, at the price of two transactions without an entry.
fn meet_two_others(log: &ChangeLog) -> Result<()> {
    for node in [1, 2].map(Uuid::from_u128) {
        log.append_remote(&Transaction {
            node,
            sequence: 1,
            dependencies: Vec::new(),
            timestamp: Timestamp::from_nanoseconds(1),
            changes: Vec::new(),
        })?;
    }
    Ok(())
}

/// Makes a change be this entry. What it was before leaves its memory to it: all stores get records that are ready.
fn fill(change: &mut Change, entry: &Entry<'_>) {
    change.operation = if entry.insert { ChangeOperation::Insert } else { ChangeOperation::Update };
    change.row_id = RowId::from(Uuid::from_bytes(entry.row.id));
    change.table.clear();
    change.table.push_str(entry.row.table);
    let after = change.after.get_or_insert_default();
    after.clear();
    after.extend_from_slice(entry.payload);
}

/// The sixteen bytes of a UUID in its encoded form.
fn uuid(row_id: &[u8]) -> Result<&[u8; 16]> {
    match row_id.split_last_chunk() {
        Some((_, id)) => Ok(id),
        None => bail!("an entry is none that was appended"),
    }
}

impl Store for Causelog {
    fn writer(&self, _thread: usize) -> Result<Box<dyn Writer + '_>> {
        Ok(Box::new(LogWriter { log: &self.log, changes: Vec::new() }))
    }

    fn scan(&self) -> Result<Digest> {
        let mut digest = Digest::default();
        let mut cursor = self.log.query(QueryOptions::default())?;
        while let Some(entry) = cursor.next_entry()? {
            digest.add(uuid(entry.row_id_bytes())?, entry.after.unwrap_or_default());
        }
        Ok(digest)
    }

    fn tail(&self, skipped: u64) -> Result<Digest> {
        let options = QueryOptions { since: skipped, ..QueryOptions::default() };
        let mut cursor = self.log.query(options)?;
        let mut records = Vec::new();
        while let Some(entry) = cursor.next_entry()? {
            records.push((*uuid(entry.row_id_bytes())?, entry.after.unwrap_or_default().to_vec()));
        }
        let mut digest = Digest::default();
        records.iter().for_each(|(id, after)| digest.add(id, after));
        Ok(digest)
    }

    fn close(self: Box<Self>) -> Result<()> {
        Ok(self.log.close()?)
    }
}

struct LogWriter<'a> {
    log: &'a ChangeLog,
    changes: Vec<Change>,
}

impl Writer for LogWriter<'_> {
    fn append(&mut self, entries: &[Entry<'_>]) -> Result<()> {
        let empty = || Change::new("", 0, ChangeOperation::Insert, None, None);
        self.changes.resize_with(entries.len(), empty);
        self.changes.iter_mut().zip(entries).for_each(|(change, entry)| fill(change, entry));
        self.log.append_transaction(&self.changes)?;
        Ok(())
    }
}
