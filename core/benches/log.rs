//! Appending and scanning, beside the least code that does the same input and output:
//! a length, a CRC-32C and one `write` per call. Payloads are of 256 bytes, keys (table and
//! row id) of 24, clocks of 3 nodes, rows 100,000; nothing is synced.

// A benchmark that meets an error has nothing to measure, and measures with the real clock.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

mod common;

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

use causelog::{Change, ChangeLog, Dot, Durability, LogOptions, QueryOptions, Timestamp, Transaction, Uuid};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use tempfile::TempDir;

const TABLE: &str = "customer_orders_";
const PAYLOAD: usize = 256;
const SCANNED: u64 = 200_000;
/// How many changes are made ready at a time, off the clock.
const READY: u64 = 10_000;

fn directory() -> TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

fn row(number: u64) -> u64 {
    number.wrapping_mul(0x9e37_79b9_7f4a_7c15) % 100_000
}

fn change(number: u64) -> Change {
    Change::insert(TABLE, row(number) as i64, vec![number as u8; PAYLOAD])
}

/// A log whose next entries have clocks of 3 nodes.
fn log(directory: &TempDir) -> ChangeLog {
    let options = LogOptions { durability: Durability::Os, ..LogOptions::default() };
    let log = ChangeLog::open_with(directory.path(), options).unwrap();
    for number in 1..=2 {
        let transaction = Transaction {
            node: Uuid::from_u128(number),
            sequence: 1,
            dependencies: (number > 1)
                .then(|| Dot::new(Uuid::from_u128(number - 1), 1))
                .into_iter()
                .collect(),
            timestamp: Timestamp::from_nanoseconds(0),
            changes: Vec::new(),
        };
        log.append_remote(&transaction).unwrap();
    }
    log
}

/// Appends `count` changes, `batch` to a transaction; the time that the calls alone took.
fn append(log: &ChangeLog, count: u64, batch: u64) -> Duration {
    let mut taken = Duration::ZERO;
    let mut done = 0;
    while done < count {
        let until = (done + READY).min(count);
        let ready: Vec<Vec<Change>> = (done..until)
            .step_by(batch as usize)
            .map(|first| (first..(first + batch).min(until)).map(change).collect())
            .collect();
        let start = Instant::now();
        for changes in ready {
            log.append_transaction(changes).unwrap();
        }
        taken += start.elapsed();
        done = until;
    }
    taken
}

fn bare_append(file: &mut File, count: u64, batch: u64) -> Duration {
    let mut buffer = Vec::new();
    let payload = [7; PAYLOAD];
    let start = Instant::now();
    for first in (0..count).step_by(batch as usize) {
        buffer.clear();
        for number in first..(first + batch).min(count) {
            let at = buffer.len();
            buffer.extend_from_slice(&[0; 8]);
            buffer.extend_from_slice(TABLE.as_bytes());
            buffer.extend_from_slice(&row(number).to_be_bytes());
            buffer.extend_from_slice(&payload);
            let (header, body) = buffer.split_at_mut(at + 8);
            let checksum = crc32c::crc32c(body);
            if let Some(header) = header.last_chunk_mut::<8>() {
                *header = (u64::from(checksum) << 32 | body.len() as u64).to_le_bytes();
            }
        }
        file.write_all(&buffer).unwrap();
    }
    start.elapsed()
}

fn appends(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("append, not synced");
    group.sample_size(10).throughput(Throughput::Elements(1));
    for batch in [1, 100] {
        group.bench_function(BenchmarkId::new("causelog", batch), |bencher| {
            bencher.iter_custom(|count| {
                let directory = directory();
                append(&log(&directory), count, batch)
            });
        });
        group.bench_function(BenchmarkId::new("bare", batch), |bencher| {
            bencher.iter_custom(|count| {
                let directory = directory();
                bare_append(&mut File::create(directory.path().join("bare")).unwrap(), count, batch)
            });
        });
    }
    group.finish();
}

/// Reads blocks, compares checksums, and copies what lies in them, as a reader's entries are copies.
fn bare_scan(file: &File) -> u64 {
    let mut block = vec![0; 256 * 1024];
    let (mut offset, mut filled, mut entries) = (0, 0, 0);
    loop {
        let read = file.read_at(block.get_mut(filled..).unwrap(), offset + filled as u64).unwrap();
        filled += read;
        let mut rest = block.get(..filled).unwrap();
        while let Some((header, after)) = rest.split_first_chunk::<8>() {
            let header = u64::from_le_bytes(*header);
            let Some((body, after)) = after.split_at_checked(header as u32 as usize) else { break };
            assert_eq!(crc32c::crc32c(body), (header >> 32) as u32);
            std::hint::black_box(body.to_vec());
            entries += 1;
            rest = after;
        }
        let left = rest.len();
        offset += (filled - left) as u64;
        block.copy_within(filled - left..filled, 0);
        filled = left;
        if read == 0 {
            return entries;
        }
    }
}

fn scans(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("scan");
    group.sample_size(10).throughput(Throughput::Elements(SCANNED));
    for batch in [1, 100] {
        let directory = directory();
        let log = log(&directory);
        append(&log, SCANNED, batch);
        group.bench_function(BenchmarkId::new("causelog", batch), |bencher| {
            bencher.iter(|| {
                let entries = log.query(QueryOptions::default()).unwrap();
                assert_eq!(entries.map(Result::unwrap).count() as u64, SCANNED);
            });
        });
    }
    let directory = directory();
    let path = directory.path().join("bare");
    bare_append(&mut File::create(&path).unwrap(), SCANNED, 100);
    let file = File::open(&path).unwrap();
    group.bench_function("bare", |bencher| bencher.iter(|| assert_eq!(bare_scan(&file), SCANNED)));
    group.finish();
}

criterion_group! { name = benches; config = common::settings(); targets = appends, scans }
criterion_main!(benches);
