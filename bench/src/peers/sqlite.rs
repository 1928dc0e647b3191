//! SQLite through `rusqlite`: one table in WAL mode.

use std::path::Path;

use anyhow::Result;
use parking_lot::Mutex;
use rusqlite::{CachedStatement, Connection, Row, params};

use crate::peers::{Durability, Store, Writer};
use crate::workload::{Digest, Entry, TABLE_LENGTH};

pub(crate) struct Sqlite {
    connection: Mutex<Connection>,
}

impl Sqlite {
    pub(crate) fn open(directory: &Path, durability: Durability) -> Result<Sqlite> {
        let connection = Connection::open(directory.join("log.sqlite"))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        let synchronous = if durability == Durability::Sync { "FULL" } else { "OFF" };
        connection.pragma_update(None, "synchronous", synchronous)?;
        connection.execute(
            "CREATE TABLE IF NOT EXISTS log (seq INTEGER PRIMARY KEY, key BLOB NOT NULL, payload BLOB NOT NULL)",
            (),
        )?;
        Ok(Sqlite { connection: Mutex::new(connection) })
    }
}

/// Entries in order, without the first few.
fn select(connection: &Connection) -> rusqlite::Result<CachedStatement<'_>> {
    connection.prepare_cached("SELECT key, payload FROM log WHERE seq > ? ORDER BY seq")
}

fn look_at(digest: &mut Digest, key: &[u8], payload: &[u8]) {
    digest.add(&key[TABLE_LENGTH.min(key.len())..], payload);
}

impl Store for Sqlite {
    fn writer(&self, _thread: usize) -> Result<Box<dyn Writer + '_>> {
        Ok(Box::new(TableWriter { connection: &self.connection }))
    }

    fn scan(&self) -> Result<Digest> {
        let connection = self.connection.lock();
        let mut statement = select(&connection)?;
        let mut rows = statement.query([0])?;
        let mut digest = Digest::default();
        while let Some(row) = rows.next()? {
            look_at(&mut digest, row.get_ref(0)?.as_blob()?, row.get_ref(1)?.as_blob()?);
        }
        Ok(digest)
    }

    fn tail(&self, skipped: u64) -> Result<Digest> {
        let connection = self.connection.lock();
        let mut statement = select(&connection)?;
        let owned = |row: &Row<'_>| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Vec<u8>>(1)?));
        let records =
            statement.query_map([i64::try_from(skipped)?], owned)?.collect::<rusqlite::Result<Vec<_>>>()?;
        let mut digest = Digest::default();
        records.iter().for_each(|(key, payload)| look_at(&mut digest, key, payload));
        Ok(digest)
    }

    fn close(self: Box<Self>) -> Result<()> {
        self.connection.into_inner().close().map_err(|(_, error)| error)?;
        Ok(())
    }
}

struct TableWriter<'a> {
    connection: &'a Mutex<Connection>,
}

impl Writer for TableWriter<'_> {
    fn append(&mut self, entries: &[Entry<'_>]) -> Result<()> {
        let connection = self.connection.lock();
        // One statement is a transaction by itself.
        let transaction = (entries.len() > 1).then(|| connection.unchecked_transaction()).transpose()?;
        let mut insert = connection.prepare_cached("INSERT INTO log (key, payload) VALUES (?, ?)")?;
        for entry in entries {
            insert.execute(params![entry.row.key, entry.payload])?;
        }
        drop(insert);
        transaction.map_or(Ok(()), |transaction| Ok(transaction.commit()?))
    }
}
