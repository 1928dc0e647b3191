//! LMDB through `heed`: entries by number in one database, put at its end.

use std::ops::Bound;
use std::path::Path;

use anyhow::Result;
use heed::types::{Bytes, U64};
use heed::{Database, Env, EnvFlags, EnvOpenOptions, PutFlags, byteorder::BigEndian};

use crate::peers::{Durability, Store, Writer};
use crate::workload::{Digest, Entry};

/// Address space that is reserved, not memory: room for some hundred million entries.
const MAP_LENGTH: usize = 64 * 1024 * 1024 * 1024;

pub(crate) struct Lmdb {
    env: Env,
    entries: Database<U64<BigEndian>, Bytes>,
}

impl Lmdb {
    pub(crate) fn open(directory: &Path, durability: Durability) -> Result<Lmdb> {
        let mut options = EnvOpenOptions::new();
        options.map_size(MAP_LENGTH);
        if durability != Durability::Sync {
            // Writing through the map makes a commit of one entry four times as fast, and leaves the bytes
            // with the operating system as a write does.
            let flags = EnvFlags::NO_SYNC | EnvFlags::WRITE_MAP;
            // SAFETY: no reference into the map outlives its transaction, and a loss of power, which these flags
            // do not guard against, loses nothing that anybody relies on.
            unsafe { options.flags(flags) };
        }
        // SAFETY: the directory was made for this run; nothing else opens or changes the file while it is mapped.
        let env = unsafe { options.open(directory)? };
        let mut transaction = env.write_txn()?;
        let entries = env.create_database(&mut transaction, None)?;
        transaction.commit()?;
        Ok(Lmdb { env, entries })
    }
}

impl Store for Lmdb {
    fn writer(&self, _thread: usize) -> Result<Box<dyn Writer + '_>> {
        let transaction = self.env.read_txn()?;
        let last = self.entries.last(&transaction)?.map_or(0, |(number, _)| number);
        Ok(Box::new(MapWriter { store: self, last, record: Vec::new() }))
    }

    fn scan(&self) -> Result<Digest> {
        let transaction = self.env.read_txn()?;
        let mut digest = Digest::default();
        for entry in self.entries.iter(&transaction)? {
            digest.add_record(entry?.1);
        }
        Ok(digest)
    }

    fn tail(&self, skipped: u64) -> Result<Digest> {
        let transaction = self.env.read_txn()?;
        let range = (Bound::Excluded(skipped), Bound::Unbounded);
        let entries = self.entries.range(&transaction, &range)?;
        let records = entries.map(|entry| Ok(entry?.1.to_vec())).collect::<heed::Result<Vec<_>>>()?;
        let mut digest = Digest::default();
        records.iter().for_each(|record| digest.add_record(record));
        Ok(digest)
    }

    fn close(self: Box<Self>) -> Result<()> {
        self.env.prepare_for_closing().wait();
        Ok(())
    }
}

struct MapWriter<'a> {
    store: &'a Lmdb,
    last: u64,
    record: Vec<u8>,
}

impl Writer for MapWriter<'_> {
    fn append(&mut self, entries: &[Entry<'_>]) -> Result<()> {
        let mut transaction = self.store.env.write_txn()?;
        for entry in entries {
            self.last += 1;
            self.record.clear();
            entry.write_to(&mut self.record);
            self.store.entries.put_with_flags(
                &mut transaction,
                PutFlags::APPEND,
                &self.last,
                &self.record,
            )?;
        }
        Ok(transaction.commit()?)
    }
}
