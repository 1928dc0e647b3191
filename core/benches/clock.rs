//! Comparing two clocks, beside the least that such a comparison can do: one pass over two sorted arrays.

mod common;

use std::cmp::Ordering;
use std::hint::black_box;

use causelog::{Causality, Uuid, VectorClock};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};

/// Node ids as they are in practice: random bytes in every place.
fn node(number: u64) -> Uuid {
    let mixed = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    Uuid::from_u64_pair(mixed, mixed.rotate_left(31))
}

/// Two clocks of the same nodes that differ in the last counter only, so that all of both must be looked at.
fn clocks(nodes: u64) -> (VectorClock, VectorClock) {
    let before: VectorClock = (0..nodes).map(|number| (node(number), number + 1)).collect();
    let mut after = before.clone();
    if let Some((last, sequence)) = before.iter().last() {
        after.advance(last, sequence + 1);
    }
    (before, after)
}

/// The same comparison over plain arrays of plain numbers.
fn bare(a: &[(u128, u64)], b: &[(u128, u64)]) -> Causality {
    let (mut at_a, mut at_b) = (0, 0);
    let (mut ahead, mut behind) = (false, false);
    while let (Some(x), Some(y)) = (a.get(at_a), b.get(at_b)) {
        match x.0.cmp(&y.0) {
            Ordering::Equal => {
                ahead |= x.1 > y.1;
                behind |= x.1 < y.1;
                at_a += 1;
                at_b += 1;
            }
            Ordering::Less => {
                ahead = true;
                at_a += 1;
            }
            Ordering::Greater => {
                behind = true;
                at_b += 1;
            }
        }
    }
    match (ahead || at_a < a.len(), behind || at_b < b.len()) {
        (false, false) => Causality::Equal,
        (false, true) => Causality::Before,
        (true, false) => Causality::After,
        (true, true) => Causality::Concurrent,
    }
}

fn compare(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("compare two clocks");
    for nodes in [3, 8, 32] {
        let (a, b) = clocks(nodes);
        group.bench_function(BenchmarkId::new("causelog", nodes), |bencher| {
            bencher.iter(|| black_box(&a).compare(black_box(&b)));
        });
        let [a, b] = [a, b].map(|clock| clock.iter().map(|(id, at)| (id.as_u128(), at)).collect::<Vec<_>>());
        group.bench_function(BenchmarkId::new("bare sorted arrays", nodes), |bencher| {
            bencher.iter(|| bare(black_box(&a), black_box(&b)));
        });
    }
    group.finish();
}

criterion_group! { name = benches; config = common::settings(); targets = compare }
criterion_main!(benches);
