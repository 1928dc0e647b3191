//! The library, through its public API only.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, bail};
use causelog::storage::{MemoryStorage, Storage};
use causelog::{
    Appended, Change, ChangeLog, ChangeOperation, LogOptions, QueryOptions, Replica, ReplicaOptions, RowId,
    Timestamp, Transaction, Uuid,
};

use crate::peers::{Durability, RowIndex, Store, Writer};
use crate::process;
use crate::workload::{Digest, Entry, Row};

pub(crate) struct Causelog {
    keeper: Keeper,
    /// Its files, if they are in memory.
    memory: Option<MemoryStorage>,
}

/// Who is written to.
enum Keeper {
    Log(ChangeLog),
    Replica(Box<Replica>),
}

impl Keeper {
    fn log(&self) -> &ChangeLog {
        match self {
            Keeper::Log(log) => log,
            Keeper::Replica(replica) => replica.log(),
        }
    }

    fn take_in(&self, transaction: &Transaction) -> causelog::Result<Appended> {
        match self {
            Keeper::Log(log) => log.append_remote(transaction),
            Keeper::Replica(replica) => replica.apply(transaction),
        }
    }
}

impl Causelog {
    pub(crate) fn open_replica(directory: &Path, durability: Durability) -> Result<Causelog> {
        let durability = match durability {
            Durability::Sync => causelog::Durability::Sync,
            Durability::Os | Durability::Memory => causelog::Durability::Os,
        };
        let log = LogOptions { durability, ..LogOptions::default() };
        let replica = Replica::open_with(directory, ReplicaOptions { log, ..ReplicaOptions::default() })?;
        let keeper = Keeper::Replica(Box::new(replica));
        meet_two_others(&keeper)?;
        Ok(Causelog { keeper, memory: None })
    }

    pub(crate) fn open(directory: &Path, durability: Durability, memory_map: bool) -> Result<Causelog> {
        let options = |durability| LogOptions { durability, memory_map, ..LogOptions::default() };
        let memory = (durability == Durability::Memory).then(MemoryStorage::new);
        let log = match (durability, &memory) {
            (_, Some(memory)) => {
                ChangeLog::open_storage(Arc::new(memory.clone()), options(causelog::Durability::Os))?
            }
            (Durability::Sync, None) => ChangeLog::open_with(directory, options(causelog::Durability::Sync))?,
            (_, None) => ChangeLog::open_with(directory, options(causelog::Durability::Os))?,
        };
        let keeper = Keeper::Log(log);
        meet_two_others(&keeper)?;
        Ok(Causelog { keeper, memory })
    }

    /// For what only the library can be asked.
    pub(crate) fn log(&self) -> &ChangeLog {
        self.keeper.log()
    }
}

/// Gives every clock to come three nodes, at the price of two transactions without an entry.
fn meet_two_others(keeper: &Keeper) -> Result<()> {
    if !keeper.log().frontier()?.is_empty() {
        return Ok(());
    }
    for node in [1, 2].map(Uuid::from_u128) {
        keeper.take_in(&Transaction {
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
        Ok(Box::new(KeeperWriter { keeper: &self.keeper, changes: Vec::new() }))
    }

    fn scan(&self) -> Result<Digest> {
        let mut digest = Digest::default();
        let mut cursor = self.log().query(QueryOptions::default())?;
        while let Some(entry) = cursor.next_entry()? {
            digest.add(uuid(entry.row_id_bytes())?, entry.after.unwrap_or_default());
        }
        Ok(digest)
    }

    fn tail(&self, skipped: u64) -> Result<Digest> {
        let options = QueryOptions { since: skipped, ..QueryOptions::default() };
        let mut cursor = self.log().query(options)?;
        let mut records = Vec::new();
        while let Some(entry) = cursor.next_entry()? {
            records.push((*uuid(entry.row_id_bytes())?, entry.after.unwrap_or_default().to_vec()));
        }
        let mut digest = Digest::default();
        records.iter().for_each(|(id, after)| digest.add(id, after));
        Ok(digest)
    }

    fn row_index(&self, row: &Row) -> Result<Option<RowIndex>> {
        let Some(memory) = &self.memory else { return Ok(None) };
        let mut taken = 0;
        for name in memory.list()?.iter().filter(|name| name.ends_with(".index")) {
            taken += memory.open(name)?.length()?;
        }
        let before = process::anonymous_memory()?;
        let mut cursor = self.log().history(row.table, RowId::from(Uuid::from_bytes(row.id)))?;
        if cursor.next_entry()?.is_none() {
            bail!("a row without an entry");
        }
        let more = process::anonymous_memory()? - before;
        Ok(Some(RowIndex { taken: taken as f64, more }))
    }

    fn close(self: Box<Self>) -> Result<()> {
        match self.keeper {
            Keeper::Log(log) => log.close()?,
            Keeper::Replica(replica) => replica.close()?,
        }
        Ok(())
    }
}

struct KeeperWriter<'a> {
    keeper: &'a Keeper,
    changes: Vec<Change>,
}

impl Writer for KeeperWriter<'_> {
    fn append(&mut self, entries: &[Entry<'_>]) -> Result<()> {
        let empty = || Change::new("", 0, ChangeOperation::Insert, None, None);
        self.changes.resize_with(entries.len(), empty);
        self.changes.iter_mut().zip(entries).for_each(|(change, entry)| fill(change, entry));
        match self.keeper {
            Keeper::Log(log) => log.append_transaction(&self.changes)?,
            Keeper::Replica(replica) => replica.append(&self.changes)?,
        };
        Ok(())
    }
}
