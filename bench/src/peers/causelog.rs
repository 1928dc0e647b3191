//! The library, through its public API only.

use std::path::Path;

use anyhow::{Result, bail};
use causelog::{
    Change, ChangeEntry, ChangeLog, ChangeOperation, LogOptions, QueryOptions, RowId, RowIdPart, Timestamp,
    Transaction, Uuid,
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

fn change(entry: &Entry<'_>) -> Change {
    let operation = if entry.insert { ChangeOperation::Insert } else { ChangeOperation::Update };
    let row_id = RowId::from(Uuid::from_bytes(entry.row.id));
    Change::new(entry.row.table, row_id, operation, None, Some(entry.payload.to_vec()))
}

fn look_at(digest: &mut Digest, entry: &ChangeEntry) -> Result<()> {
    match (&entry.row_id, &entry.after) {
        (RowId::Scalar(RowIdPart::Uuid(id)), Some(after)) => digest.add(id.as_bytes(), after),
        _ => bail!("entry {} is none that was appended", entry.lsn),
    }
    Ok(())
}

impl Store for Causelog {
    fn writer(&self, _thread: usize) -> Result<Box<dyn Writer + '_>> {
        Ok(Box::new(LogWriter { log: &self.log }))
    }

    fn scan(&self) -> Result<Digest> {
        let mut digest = Digest::default();
        for entry in self.log.query(QueryOptions::default())? {
            look_at(&mut digest, &entry?)?;
        }
        Ok(digest)
    }

    fn tail(&self, skipped: u64) -> Result<Digest> {
        let options = QueryOptions { since: skipped, ..QueryOptions::default() };
        let entries = self.log.query(options)?.collect::<causelog::Result<Vec<_>>>()?;
        let mut digest = Digest::default();
        entries.iter().try_for_each(|entry| look_at(&mut digest, entry))?;
        Ok(digest)
    }

    fn close(self: Box<Self>) -> Result<()> {
        Ok(self.log.close()?)
    }
}

struct LogWriter<'a> {
    log: &'a ChangeLog,
}

impl Writer for LogWriter<'_> {
    fn append(&mut self, entries: &[Entry<'_>]) -> Result<()> {
        match entries {
            [entry] => self.log.append(change(entry))?,
            entries => self.log.append_transaction(entries.iter().map(change).collect())?,
        };
        Ok(())
    }
}
