//! Compressed segments hold what they held, and are read as the others are.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::expect_used)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use causelog::storage::{MemoryStorage, Storage};
use causelog::{
    Change, ChangeEntry, ChangeLog, CompactionOptions, CompressionReport, Durability, ErrorCode, LogOptions,
    QueryOptions, Result, RetentionPolicy, Transaction,
};
use common::{CountingIds, Random, bytes, files_of, options, place_of, read_all, transactions};

fn segment(number: u64) -> String {
    format!("{number:020}.segment")
}

fn with(segment_bytes: u64) -> LogOptions {
    LogOptions { segment_bytes, durability: Durability::Os, ..options() }
}

fn open(place: &MemoryStorage, options: LogOptions) -> Result<ChangeLog> {
    ChangeLog::open_storage(Arc::new(place.clone()), options)
}

fn fill(log: &ChangeLog, rows: std::ops::Range<i64>) {
    for row in rows {
        let document = format!("{{\"row\":{row},\"status\":\"new\",\"customer\":\"customer {}\"}}", row % 7);
        log.append(Change::update("orders", row % 40, "{}", document)).unwrap();
    }
}

fn is_compressed(place: &MemoryStorage, number: u64) -> bool {
    bytes(place, &segment(number))[10] == 7
}

#[test]
fn all_but_the_last_segment_are_compressed_once() {
    let place = MemoryStorage::new();
    let log = open(&place, with(4096)).unwrap();
    assert_eq!(log.compress().unwrap(), CompressionReport::default(), "nothing is sealed yet");
    fill(&log, 0..300);
    let before = log.stats().unwrap();
    let report = log.compress().unwrap();
    assert_eq!(report.segments, before.segments - 1);
    assert!(report.bytes_after * 2 < report.bytes_before, "{report:?}");
    assert_eq!(log.stats().unwrap().bytes, before.bytes - report.bytes_before + report.bytes_after);
    assert_eq!(log.compress().unwrap(), CompressionReport::default(), "that was done");
    let last = before.segments;
    assert!((1..last).all(|number| is_compressed(&place, number)) && !is_compressed(&place, last));
    let held = read_all(&log).unwrap();
    assert_eq!(held.len(), 300);
    assert_eq!(log.verify().unwrap().findings, []);

    fill(&log, 300..400);
    let report = log.compress().unwrap();
    assert_eq!(report.segments, log.stats().unwrap().segments - last);
    let stats = log.stats().unwrap();
    log.close().unwrap();
    drop(log);
    for removed in [None, Some("checkpoint")] {
        if let Some(name) = removed {
            place.remove(name).unwrap();
        }
        let log = open(&place, with(4096)).unwrap();
        assert_eq!(read_all(&log).unwrap()[..300], held);
        assert_eq!(log.stats().unwrap().bytes, stats.bytes, "without {removed:?}");
        assert_eq!(log.compress().unwrap(), CompressionReport::default());
    }
}

#[test]
fn what_does_not_shrink_stays_as_it_is() {
    let place = MemoryStorage::new();
    let log = open(&place, with(4096)).unwrap();
    let mut random = Random(1);
    for row in 0..40 {
        let noise: Vec<u8> = (0..100).flat_map(|_| random.next().to_le_bytes()).collect();
        log.append(Change::insert("noise", row, noise)).unwrap();
    }
    let files = files_of(&place);
    assert_eq!(log.compress().unwrap(), CompressionReport::default());
    assert!(files_of(&place).into_iter().eq(files));
}

#[test]
fn who_may_not_write_may_not_compress() {
    let place = MemoryStorage::new();
    let log = open(&place, with(4096)).unwrap();
    fill(&log, 0..100);
    let reader = open(&place, LogOptions { read_only: true, ..with(4096) }).unwrap();
    assert_eq!(reader.compress().unwrap_err().code(), ErrorCode::ReadOnly);
    log.close().unwrap();
    assert_eq!(log.compress().unwrap_err().code(), ErrorCode::Closed);
}

#[test]
fn cursors_that_are_open_go_on() {
    let place = MemoryStorage::new();
    let log = open(&place, with(16 << 10)).unwrap();
    fill(&log, 0..60);
    // While the segment that they begin in is still written.
    let all = |reverse| QueryOptions { reverse, ..QueryOptions::default() };
    let mut cursors =
        [all(false), all(true), QueryOptions::row("orders", 3)].map(|options| log.query(options).unwrap());
    let first = cursors.each_mut().map(|cursor| cursor.next().unwrap().unwrap().lsn);
    assert_eq!(first, [1, 60, 4]);
    let view = log.materialise("orders").unwrap();
    fill(&log, 60..500);
    assert!(log.compress().unwrap().segments > 1);
    let rest = cursors.map(|cursor| cursor.map(|entry| entry.unwrap().lsn).collect::<Vec<_>>());
    assert_eq!(rest[0], (2..=60).collect::<Vec<_>>());
    assert_eq!(rest[1], (1..=59).rev().collect::<Vec<_>>());
    assert_eq!(rest[2], [44]);
    view.refresh().unwrap();
    assert_eq!(view.len(), 40);
    assert!(log.compress().unwrap().segments == 0 && is_compressed(&place, 1));
}

#[test]
fn a_reader_notices_how_much_is_left() {
    let place = MemoryStorage::new();
    let log = open(&place, with(4096)).unwrap();
    fill(&log, 0..200);
    let reader = open(&place, LogOptions { read_only: true, ..with(4096) }).unwrap();
    let held = read_all(&reader).unwrap();
    let before = reader.stats().unwrap();
    assert_eq!(before.bytes, log.stats().unwrap().bytes);
    log.compress().unwrap();
    assert_eq!(reader.stats().unwrap().bytes, log.stats().unwrap().bytes);
    fill(&log, 200..300);
    log.compact(&CompactionOptions::default()).unwrap().unwrap();
    log.compress().unwrap();
    assert_eq!(reader.stats().unwrap(), log.stats().unwrap());
    assert_eq!(held.len(), 200);
    assert_eq!(common::query(&reader, QueryOptions::default()), common::query(&log, QueryOptions::default()));
}

#[test]
fn retention_counts_what_is_on_the_disk() {
    let log = open(&MemoryStorage::new(), with(4096)).unwrap();
    fill(&log, 0..300);
    let before = log.stats().unwrap();
    let policy = RetentionPolicy { max_bytes: Some(before.bytes / 2), ..RetentionPolicy::default() };
    log.compress().unwrap();
    assert_eq!(log.retain(&policy).unwrap(), []);
    let bytes = log.stats().unwrap().bytes;
    let policy = RetentionPolicy { max_bytes: Some(bytes - 1), ..RetentionPolicy::default() };
    let removal = &log.retain(&policy).unwrap()[0];
    assert_eq!(log.stats().unwrap().bytes, bytes - removal.bytes);
}

#[test]
fn compaction_compresses_again_what_was_compressed() {
    let place = MemoryStorage::new();
    let log = open(&place, with(4096)).unwrap();
    fill(&log, 0..300);
    log.compress().unwrap();
    let before = log.stats().unwrap();
    let removal = log.compact(&CompactionOptions::default()).unwrap().unwrap();
    assert!(removal.entries > 100);
    let after = log.stats().unwrap();
    assert_eq!(after.bytes, before.bytes - removal.bytes);
    assert!((1..after.segments).all(|number| is_compressed(&place, number)));
    assert_eq!(log.verify().unwrap().findings, []);
    assert_eq!(log.compress().unwrap(), CompressionReport::default());
}

/// A log whose first segment has many blocks; where the damaged one of them begins.
fn damaged_block() -> (MemoryStorage, Vec<Transaction>, usize) {
    let place = MemoryStorage::new();
    let log = open(&place, with(512 << 10)).unwrap();
    let mut random = Random(3);
    for row in 0..900 {
        // Half of it does not compress.
        let noise: String = (0..20).map(|_| format!("{:016x}", random.next())).collect();
        log.append(Change::insert("orders", row, format!("{noise}{}", "-".repeat(300)))).unwrap();
    }
    log.compress().unwrap();
    let held = transactions(&log);
    log.close().unwrap();
    drop(log);
    let mut files = files_of(&place);
    let content = files.get_mut(&segment(1)).unwrap();
    let at = content.len() / 2;
    content[at] ^= 1;
    (place_of(&files), held, at)
}

#[test]
fn a_damaged_block_costs_what_is_in_it() {
    let (place, held, at) = damaged_block();
    let log = open(&place, LogOptions { read_only: true, ..with(512 << 10) }).unwrap();
    let findings = log.verify().unwrap().findings;
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert!(findings[0].message.starts_with(&segment(1)), "{findings:?}");
    assert!(findings[0].message.contains("the checksum of the block does not match at offset "));
    let offset: usize = findings[0].message.rsplit(' ').next().unwrap().parse().unwrap();
    assert!((at - (16 << 10)..=at).contains(&offset));

    // All before the block is handed out, and all behind it in reverse.
    let read = |reverse| {
        let mut found = Vec::new();
        for entry in log.query(QueryOptions { reverse, ..QueryOptions::default() }).unwrap() {
            match entry {
                Ok(entry) => found.push(entry.lsn),
                Err(error) => assert_eq!(error.code(), ErrorCode::Corrupt, "{error}"),
            }
        }
        found
    };
    let (forward, backward) = (read(false), read(true));
    assert!(forward.len() > 200 && backward.len() > 200);
    // A block has 16 KiB and an entry more than 600 bytes; backwards is read from one known place to the next.
    assert!(forward.len() + backward.len() > held.len() - 60, "{} {}", forward.len(), backward.len());
    drop(log);

    for index in [true, false] {
        if !index {
            place.remove("00000000000000000001.index").unwrap();
        }
        let to = MemoryStorage::new();
        let report = ChangeLog::salvage_storage(&place, Arc::new(to.clone())).unwrap();
        assert!(!report.findings.is_empty());
        // What follows depends on what is lost, but for what does not: here all is of one author.
        assert_eq!(report.transactions, forward.len() as u64, "{report:?}");
        assert_eq!(report.skipped_transactions > 200, index, "{report:?}");
        assert_eq!(transactions(&open(&to, with(512 << 10)).unwrap()), held[..forward.len()]);
    }
}

#[test]
fn others_append_read_and_remove_meanwhile() {
    let place = MemoryStorage::new();
    let options = LogOptions { ids: CountingIds::from(1), ..with(4096) };
    let log = open(&place, options).unwrap();
    let done = AtomicBool::new(false);
    let compressed = thread::scope(|scope| {
        let compressing: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let mut segments = 0;
                    while !done.load(Ordering::SeqCst) {
                        segments += log.compress().unwrap().segments;
                    }
                    segments
                })
            })
            .collect();
        scope.spawn(|| {
            while !done.load(Ordering::SeqCst) {
                let policy = RetentionPolicy { max_bytes: Some(64 << 10), ..RetentionPolicy::default() };
                log.retain(&policy).unwrap();
                log.compact(&CompactionOptions::default()).unwrap();
            }
        });
        scope.spawn(|| {
            while !done.load(Ordering::SeqCst) {
                let since = log.stats().unwrap().first_lsn.max(1) - 1;
                let found: Result<Vec<ChangeEntry>> =
                    log.query(QueryOptions { since, ..QueryOptions::default() }).and_then(Iterator::collect);
                match found {
                    Ok(found) => assert!(found.windows(2).all(|pair| pair[0].lsn < pair[1].lsn)),
                    // Removed meanwhile.
                    Err(error) => assert_eq!(error.code(), ErrorCode::Truncated, "{error}"),
                }
            }
        });
        fill(&log, 0..4000);
        done.store(true, Ordering::SeqCst);
        compressing.into_iter().map(|thread| thread.join().unwrap()).sum::<u64>()
    });
    assert!(compressed > 10, "{compressed}");
    assert_eq!(log.verify().unwrap().findings, []);
    log.compress().unwrap();
    let stats = log.stats().unwrap();
    assert_eq!(stats.last_lsn, 4000);
    log.close().unwrap();
    drop(log);
    let names = place.list().unwrap();
    assert!(!names.iter().any(|name| name.ends_with(".new")), "{names:?}");
    let log = open(&place, with(4096)).unwrap();
    assert_eq!(log.stats().unwrap().bytes, stats.bytes);
    assert_eq!(log.verify().unwrap().findings, []);
}
