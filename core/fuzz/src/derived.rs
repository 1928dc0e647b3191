//! A log whose small files or indexes somebody has forged, their checksums right.
//!
//! What they say is believed, so a log may then say anything: but it says it, or refuses to, and neither panics nor
//! goes on for ever.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use causelog::storage::{MemoryStorage, Storage};
use causelog::{
    Change, ChangeLog, CompactionOptions, Dot, Durability, ErrorCode, LogOptions, Moment, QueryOptions,
    Result, RetentionPolicy, Timestamp, Transaction, VectorClock,
};

use super::input::{Input, node};
use super::logs::{files, options};
use super::opening::{damage, open_and_use};
use super::segment::{
    ENDS, HEADER, IDENTITY, MANIFEST, SEGMENT, compressed as compressed_segment, manifest, push_frame, seal,
    seal_pages, taken_apart,
};

const CELLS: usize = 11;
/// More than any log here holds.
const MOST: usize = 10_000;

/// Three segments, two of them sealed, and a consumer, of a log that was closed in order.
struct Base {
    files: BTreeMap<String, Vec<u8>>,
    cells: [u64; CELLS],
}

fn small(read_only: bool) -> LogOptions {
    LogOptions { segment_bytes: 4096, read_only, ..options(Durability::Sync) }
}

static BASE: LazyLock<Base> = LazyLock::new(|| {
    let storage = MemoryStorage::new();
    let log = ChangeLog::open_storage(Arc::new(storage.clone()), small(false)).unwrap();
    let consumer = log.consumer("c").unwrap();
    let payload = "x".repeat(500);
    for round in 0..10_u64 {
        log.append(Change::insert("t", round as i64, payload.as_str()).with_metadata("k", "v")).unwrap();
        let dependencies =
            [1, 2].into_iter().filter(|_| round > 0).map(|number| Dot::new(node(number), round));
        for number in [1, 2] {
            let own = dependencies.clone().filter(|dot| dot.node == node(number) || round % 3 == number);
            let transaction = Transaction {
                node: node(number),
                sequence: round + 1,
                dependencies: own.collect(),
                timestamp: Timestamp::from_nanoseconds(round as i64),
                changes: vec![Change::insert("u", (round % 2) as i64, payload.as_str()); 1],
            };
            log.append_remote(&transaction).unwrap();
        }
        log.append_transaction([]).unwrap();
    }
    consumer.commit(7).unwrap();
    consumer.commit(9).unwrap();
    log.close().unwrap();
    drop((consumer, log));
    let shared = storage.shared(ENDS, CELLS).unwrap();
    let files = files(&storage);
    // Otherwise every other check would only see a damaged manifest.
    assert_eq!(manifest(&files[IDENTITY]), files[MANIFEST]);
    Base { files, cells: std::array::from_fn(|cell| shared.load(cell)) }
});

/// The same with its sealed segments compressed.
static COMPRESSED: LazyLock<BTreeMap<String, Vec<u8>>> = LazyLock::new(|| {
    let storage = placed(&BASE.files, &BASE.cells);
    let log = ChangeLog::open_storage(Arc::new(storage.clone()), small(false)).unwrap();
    assert!(log.compress().unwrap().segments > 1);
    log.close().unwrap();
    drop(log);
    let files = files(&storage);
    // What is put together again is what was taken apart.
    let (header, blocks) = taken_apart(&files[SEGMENT]);
    assert_eq!(compressed_segment(&header, &blocks), files[SEGMENT]);
    files
});

fn placed(files: &BTreeMap<String, Vec<u8>>, cells: &[u64; CELLS]) -> MemoryStorage {
    let storage = MemoryStorage::new();
    files.iter().for_each(|(name, content)| storage.replace(name, content).unwrap());
    let shared = storage.shared(ENDS, CELLS).unwrap();
    cells.iter().enumerate().for_each(|(cell, value)| shared.store(cell, *value));
    storage
}

/// A refusal names what is wrong; it is never a failure of the library itself.
fn said<T>(outcome: Result<T>) -> Option<T> {
    match outcome {
        Ok(value) => Some(value),
        Err(error) => {
            let code = error.code();
            let possible = [
                ErrorCode::Corrupt,
                ErrorCode::Unsupported,
                ErrorCode::Truncated,
                ErrorCode::NotFound,
                ErrorCode::InvalidArgument,
                ErrorCode::TooLarge,
            ];
            assert!(possible.contains(&code), "{code}: {error}");
            None
        }
    }
}

fn all<T>(items: Result<impl Iterator<Item = Result<T>>>) -> Vec<T> {
    let Some(items) = said(items) else { return Vec::new() };
    let mut found = Vec::new();
    for item in items {
        found.extend(said(item));
        assert!(found.len() < MOST, "the log has no end");
    }
    found
}

/// Opens the files for reading and for writing, and asks and does everything.
fn use_all(files: &BTreeMap<String, Vec<u8>>, cells: &[u64; CELLS]) {
    for read_only in [true, false] {
        let storage = placed(files, cells);
        let Some(log) = said(ChangeLog::open_storage(Arc::new(storage.clone()), small(read_only))) else {
            continue;
        };
        ask(&log);
        if !read_only {
            work(&log);
            ask(&log);
            let _ = said(log.close());
            drop(log);
            if let Some(log) = said(ChangeLog::open_storage(Arc::new(storage.clone()), small(false))) {
                ask(&log);
            }
        }
    }
}

fn ask(log: &ChangeLog) {
    let _ = said(log.stats());
    let _ = said(log.frontier());
    let _ = said(log.verify());
    let _ = said(log.consumers());
    for reverse in [false, true] {
        all(log.query(QueryOptions { reverse, ..QueryOptions::default() }));
        all(log.query(QueryOptions { reverse, ..QueryOptions::row("u", 1) }));
        all(log.query(QueryOptions { reverse, node: Some(node(1)), ..QueryOptions::table("u") }));
    }
    all(log.query(QueryOptions { since: 20, limit: Some(3), ..QueryOptions::default() }));
    let found = all(log.transactions(&VectorClock::new()));
    all(log.transactions(&VectorClock::from_entries([(node(1), 4), (node(1001), 3)])));
    for number in [1, 2, 1001] {
        (1..12).for_each(|sequence| drop(said(log.vector_clock(Dot::new(node(number), sequence)))));
    }
    found.iter().for_each(|transaction| drop(said(log.vector_clock(transaction.dot()))));
    let _ = said(log.state_at("u", 1, Moment::Now));
    let _ = said(log.snapshot("t", Moment::Now));
}

fn work(log: &ChangeLog) {
    for row in 0..8 {
        let _ = said(log.append(Change::insert("t", row, "y".repeat(700))));
    }
    if let Some(consumer) = said(log.consumer("c")) {
        let polled = said(consumer.poll(100)).unwrap_or_default();
        let _ = said(consumer.lag());
        let _ = polled.last().map(|entry| said(consumer.commit(entry.lsn)));
    }
    let _ = said(log.compress());
    let _ = said(log.compact(&CompactionOptions::default()));
    let policy = RetentionPolicy { max_bytes: Some(9000), unread_bytes: 0, ..RetentionPolicy::default() };
    let _ = said(log.retain(&policy));
}

/// Does to these bytes what the input says, behind the common start.
pub(super) fn forge(input: &mut Input<'_>, bytes: &mut Vec<u8>, checksum: usize) {
    let mut content = bytes.split_off(11.min(bytes.len()));
    content.truncate(content.len().saturating_sub(checksum));
    if input.byte() == 0xff {
        content = input.0.to_vec();
    } else {
        (0..1 + input.below(4)).for_each(|_| damage(input, &mut content));
    }
    bytes.append(&mut content);
    bytes.resize(bytes.len() + checksum, 0);
}

/// Frames with any bodies and right checksums are a log, or refused.
///
/// The input: one body after the other, each behind its length (2 bytes, little-endian).
pub fn frame(data: &[u8]) {
    let mut input = Input(data);
    let storage = MemoryStorage::new();
    for name in [IDENTITY, MANIFEST] {
        storage.replace(name, &BASE.files[name]).unwrap();
    }
    let mut segment = BASE.files[SEGMENT][..HEADER].to_vec();
    while !input.is_empty() {
        let length = usize::from(input.byte()) | usize::from(input.byte()) << 8;
        let body = input.take(length);
        if !body.is_empty() {
            push_frame(&mut segment, body);
        }
    }
    storage.replace(SEGMENT, &segment).unwrap();
    let _ = open_and_use(&storage);
}

/// A checkpoint that says something else.
pub fn checkpoint(data: &[u8]) {
    let mut files = BASE.files.clone();
    let bytes = files.get_mut("checkpoint").unwrap();
    forge(&mut Input(data), bytes, 4);
    seal(bytes);
    use_all(&files, &BASE.cells);
}

/// The identity, the manifest, a consumer's position or the ends, saying something else, and a word about what was not synced.
pub fn metadata(data: &[u8]) {
    let mut input = Input(data);
    let (mut files, mut cells) = (BASE.files.clone(), BASE.cells);
    match input.below(4) {
        0 => {
            let bytes = files.get_mut(IDENTITY).unwrap();
            forge(&mut input, bytes, 4);
            seal(bytes);
        }
        1 => {
            let bytes = files.get_mut(MANIFEST).unwrap();
            forge(&mut input, bytes, 4);
            seal(bytes);
        }
        2 => {
            let bytes = files.get_mut("consumer-c.position").unwrap();
            for slot in bytes.chunks_mut(512) {
                let at = 11 + input.place(512 - 11 - 4 - 1);
                slot[at] ^= input.byte();
                seal(slot);
            }
            if input.flag() {
                bytes.truncate(input.place(1024));
            }
        }
        _ => {
            for _ in 0..1 + input.below(4) {
                cells[input.below(CELLS)] = if input.flag() { input.number() } else { input.wide() };
            }
        }
    }
    if input.flag() {
        // That a loss of power may have taken something.
        let mut unsynced = BASE.files[IDENTITY][..10].to_vec();
        unsynced.push(8);
        unsynced.extend_from_slice(input.bytes());
        unsynced.extend_from_slice(&[0; 4]);
        seal(&mut unsynced);
        files.insert("unsynced".to_owned(), unsynced);
    }
    use_all(&files, &cells);
}

/// The index of a sealed segment, or of the part of the last one that was there, saying something else.
pub fn index(data: &[u8]) {
    let mut input = Input(data);
    let names: Vec<&String> =
        BASE.files.keys().filter(|name| name.ends_with(".index") || name.ends_with(".tail")).collect();
    let name = names[input.below(names.len())].clone();
    let mut files = BASE.files.clone();
    let bytes = files.get_mut(&name).unwrap();
    forge(&mut input, bytes, 4);
    seal_pages(bytes);
    use_all(&files, &BASE.cells);
}

/// A compressed segment with another header, other lengths in its table, or blocks that hold something else.
///
/// The input: what is changed, and how; or block length, content length, and the blocks, each behind its length.
pub fn compressed(data: &[u8]) {
    let mut input = Input(data);
    let mut files = COMPRESSED.clone();
    let segment = files.get_mut(SEGMENT).unwrap();
    let (mut header, mut blocks) = taken_apart(segment);
    let kind = input.below(4);
    match kind {
        0 => forge(&mut input, &mut header, 0),
        1 => {
            let at = input.below(blocks.len());
            blocks[at].0 = input.number() as u32;
        }
        2 => {
            let at = input.below(blocks.len());
            damage(&mut input, &mut blocks[at].1);
            blocks[at].0 = blocks[at].1.len() as u32;
        }
        _ => {
            header[40..44].copy_from_slice(&(input.number() as u32).to_le_bytes());
            header[44..52].copy_from_slice(&input.number().to_le_bytes());
            blocks.clear();
            while !input.is_empty() {
                let block = input.bytes().to_vec();
                blocks.push((block.len() as u32, block));
            }
        }
    }
    *segment = compressed_segment(&header, &blocks);
    // Without an index and a checkpoint all of it is read before anything is asked.
    if input.flag() {
        files.retain(|name, _| !name.ends_with(".index") && name != "checkpoint");
    }
    use_all(&files, &BASE.cells);
}
