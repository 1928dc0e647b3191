//! Detecting a conflict, and deciding it.

#![allow(clippy::unwrap_used)] // a benchmark that meets an error has nothing to measure

mod common;

use std::hint::black_box;

use causelog::{
    ChangeEntry, ChangeOperation, ConflictDetector, ConflictResolution, Dot, Metadata, RowId, Timestamp,
    Uuid, VectorClock,
};
use criterion::{Criterion, criterion_group, criterion_main};

/// An entry with a payload of 256 bytes and a clock of three nodes.
fn entry(author: u128, sequence: u64, clock: &[(u128, u64)], timestamp: i64) -> ChangeEntry {
    let node = Uuid::from_u128(author);
    let payload = format!("{{\"author\":{author},\"text\":\"{}\"}}", "x".repeat(230));
    ChangeEntry {
        lsn: 1,
        node,
        sequence,
        vector_clock: clock
            .iter()
            .map(|(node, sequence)| (Uuid::from_u128(*node), *sequence))
            .collect::<VectorClock>(),
        timestamp: Timestamp::from_nanoseconds(timestamp),
        transaction: Dot::new(node, sequence),
        table: "orders".to_owned(),
        row_id: RowId::from(42),
        operation: ChangeOperation::Update,
        before: None,
        after: Some(payload.into_bytes()),
        verdict: None,
        metadata: Metadata::new(),
    }
}

fn conflicts(criterion: &mut Criterion) {
    let detector = ConflictDetector::new(ConflictResolution::LastWriteWins);
    let first = entry(1, 5, &[(1, 5), (2, 7), (3, 9)], 10);
    let later = entry(2, 8, &[(1, 5), (2, 8), (3, 9)], 20);
    let concurrent = entry(3, 10, &[(1, 4), (2, 7), (3, 10)], 30);

    let mut group = criterion.benchmark_group("conflict");
    group.bench_function("detect: ordered, none", |bencher| {
        bencher.iter(|| detector.detect(black_box(&first), black_box(&later)).unwrap());
    });
    group.bench_function("detect: concurrent", |bencher| {
        bencher.iter(|| detector.detect(black_box(&first), black_box(&concurrent)).unwrap());
    });
    group.bench_function("detect and resolve", |bencher| {
        bencher.iter(|| {
            let conflict = detector.detect(black_box(&first), black_box(&concurrent)).unwrap().unwrap();
            detector.report(&conflict).unwrap()
        });
    });
    let conflict = detector.detect(&first, &concurrent).unwrap().unwrap();
    let report = detector.report(&conflict).unwrap();
    group.bench_function("render a report as JSON", |bencher| {
        bencher.iter(|| black_box(&report).to_json());
    });
    group.finish();
}

criterion_group! { name = benches; config = common::settings(); targets = conflicts }
criterion_main!(benches);
