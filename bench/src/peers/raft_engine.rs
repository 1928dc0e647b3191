//! `raft-engine`: a log of many regions in shared files, with group commit.

use std::path::Path;

use anyhow::{Context, Result};
use protobuf::well_known_types::BytesValue;
use raft_engine::{Config, Engine, LogBatch, MessageExt, ReadableSize};

use crate::peers::{Durability, Store, Writer};
use crate::workload::{Digest, Entry, RECORD_LENGTH};

/// What one thread writes is one region; with several threads the others follow.
const FIRST_REGION: u64 = 1;
/// An entry's index, in front of its record.
const INDEX_LENGTH: usize = 8;
/// How many entries a scan fetches at a time.
const FETCH: u64 = 1000;

pub(crate) struct RaftEngine {
    engine: Engine,
    sync: bool,
}

/// Tells the engine how to find the index of an entry, which it asks of Protocol Buffers messages.
struct Message;

impl MessageExt for Message {
    type Entry = BytesValue;

    fn index(entry: &BytesValue) -> u64 {
        entry.value.first_chunk().map_or(0, |index| u64::from_le_bytes(*index))
    }
}

impl RaftEngine {
    pub(crate) fn open(directory: &Path, durability: Durability) -> Result<RaftEngine> {
        let config = Config {
            dir: directory.to_str().context("raft-engine wants a directory in Unicode")?.to_owned(),
            // The payload does not compress; trying costs a quarter of the speed.
            batch_compression_threshold: ReadableSize(0),
            ..Config::default()
        };
        Ok(RaftEngine { engine: Engine::open(config)?, sync: durability == Durability::Sync })
    }

    fn end(&self, region: u64) -> u64 {
        self.engine.last_index(region).map_or(1, |last| last + 1)
    }
}

fn look_at(digest: &mut Digest, messages: &[BytesValue]) {
    for message in messages {
        digest.add_record(message.value.get(INDEX_LENGTH..).unwrap_or_default());
    }
}

impl Store for RaftEngine {
    fn writer(&self, thread: usize) -> Result<Box<dyn Writer + '_>> {
        let region = FIRST_REGION + thread as u64;
        let next = self.end(region);
        Ok(Box::new(RegionWriter { store: self, region, next, batch: LogBatch::default() }))
    }

    fn scan(&self) -> Result<Digest> {
        let end = self.end(FIRST_REGION);
        let mut digest = Digest::default();
        let mut messages = Vec::new();
        for begin in (1..end).step_by(FETCH as usize) {
            messages.clear();
            let until = end.min(begin + FETCH);
            self.engine.fetch_entries_to::<Message>(FIRST_REGION, begin, until, None, &mut messages)?;
            look_at(&mut digest, &messages);
        }
        Ok(digest)
    }

    fn tail(&self, skipped: u64) -> Result<Digest> {
        let (begin, end) = (skipped + 1, self.end(FIRST_REGION));
        let mut messages = Vec::new();
        self.engine.fetch_entries_to::<Message>(FIRST_REGION, begin, end, None, &mut messages)?;
        let mut digest = Digest::default();
        look_at(&mut digest, &messages);
        Ok(digest)
    }

    fn close(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}

struct RegionWriter<'a> {
    store: &'a RaftEngine,
    region: u64,
    next: u64,
    batch: LogBatch,
}

impl Writer for RegionWriter<'_> {
    fn append(&mut self, entries: &[Entry<'_>]) -> Result<()> {
        let messages = (self.next..).zip(entries).map(|(index, entry)| {
            let mut message = BytesValue {
                value: Vec::with_capacity(INDEX_LENGTH + RECORD_LENGTH),
                ..BytesValue::default()
            };
            message.value.extend_from_slice(&index.to_le_bytes());
            entry.write_to(&mut message.value);
            message
        });
        let messages: Vec<BytesValue> = messages.collect();
        self.next += messages.len() as u64;
        self.batch.add_entries::<Message>(self.region, &messages)?;
        // Leaves the batch empty.
        self.store.engine.write(&mut self.batch, self.store.sync)?;
        Ok(())
    }
}
