//! Contents of an index: at random, small, large.

use proptest::collection::vec;
use proptest::prelude::*;
use uuid::Uuid;

use super::Sample;
use crate::id::NodeId;
use crate::log::index_file::{
    AuthorPoint, Difference, IndexSummary, NodeSpan, Point, TableSpan, Waypoint, WaypointClock, row_hash,
};
use crate::log::stats::TableStats;

fn summary() -> impl Strategy<Value = IndexSummary> {
    let times = proptest::option::of((any::<i64>(), any::<i64>()));
    (any::<[u64; 6]>(), any::<u128>(), any::<u32>(), any::<bool>(), times).prop_map(
        |(numbers, log, salt, sealed, times)| {
            let [ordinal, first_lsn, base_transaction, end, entries, transactions] = numbers;
            IndexSummary {
                log: Uuid::from_u128(log),
                ordinal,
                salt,
                first_lsn,
                base_transaction,
                end,
                sealed,
                entries,
                transactions,
                merges: transactions / 3,
                oldest: times.map(|(one, other)| one.min(other)),
                newest: times.map(|(one, other)| one.max(other)),
            }
        },
    )
}

/// Ascending by more than nothing, from 1 on.
fn ascending(steps: &[u32]) -> impl Iterator<Item = u32> {
    steps.iter().scan(0, |last: &mut u32, step| {
        *last += step % 100_000 + 1;
        Some(*last)
    })
}

fn nodes() -> impl Strategy<Value = Vec<NodeSpan>> {
    let node = (any::<u128>(), any::<u32>(), any::<u32>(), vec(any::<u32>(), 0..4));
    vec(node, 1..6).prop_map(|nodes| {
        let node = |(id, before, more, steps): (u128, u32, u32, Vec<u32>)| {
            let sequences = ascending(&steps).map(|step| u64::from(before) + u64::from(step) * 7);
            let points = sequences.zip(ascending(&steps));
            NodeSpan {
                id: NodeId::from_u128(id),
                before: u64::from(before),
                last: u64::from(before) + u64::from(more),
                points: points.map(|(sequence, offset)| AuthorPoint { sequence, offset }).collect(),
            }
        };
        nodes.into_iter().map(node).collect()
    })
}

fn tables() -> impl Strategy<Value = Vec<TableSpan>> {
    let table = (".{0,8}", any::<[u64; 3]>());
    let span = |(name, [inserts, updates, deletes]): (String, [u64; 3])| TableSpan {
        name,
        stats: TableStats { inserts, updates, deletes },
    };
    vec(table.prop_map(span), 0..4)
}

fn points() -> impl Strategy<Value = Vec<Point>> {
    vec(any::<u32>(), 0..800).prop_map(|steps| {
        let lsns = ascending(&steps).map(|lsn| lsn / 60_000);
        let numbers = ascending(&steps).zip(lsns).zip(ascending(&steps).map(|number| number / 2));
        let mut points: Vec<_> =
            numbers.map(|((offset, lsn), transaction)| Point { offset, lsn, transaction }).collect();
        points.dedup_by_key(|point| point.transaction);
        points
    })
}

fn waypoints() -> impl Strategy<Value = Vec<Waypoint>> {
    // No higher node number than the fewest nodes have.
    let difference = any::<u64>().prop_map(|sequence| Difference { node: 0, sequence });
    let clock = (any::<u64>(), vec(difference, 0..5)).prop_map(|(sequence, differences)| WaypointClock {
        author: 0,
        sequence,
        differences,
    });
    vec((any::<u32>(), vec(clock, 0..4)), 0..6).prop_map(|parts| {
        let (steps, clocks): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
        ascending(&steps).zip(clocks).map(|(offset, clocks)| Waypoint { offset, clocks }).collect()
    })
}

fn hashes() -> impl Strategy<Value = Vec<u32>> {
    // Few different ones, so that rows have many entries; near and far ones, so that gaps have all lengths.
    let hash = prop_oneof![3 => 0u32..4, 2 => (0u32..200).prop_map(|few| few * 7919), 1 => any::<u32>(), 1 => Just(u32::MAX)];
    vec(hash, 0..1500)
}

pub(super) fn sample() -> impl Strategy<Value = Sample> {
    (summary(), nodes(), tables(), points(), hashes(), waypoints()).prop_map(
        |(summary, nodes, tables, points, hashes, waypoints)| Sample {
            summary,
            nodes,
            tables,
            points,
            hashes,
            waypoints,
        },
    )
}

/// One of each thing, and nothing at random.
pub(super) fn small() -> Sample {
    let clock =
        WaypointClock { author: 1, sequence: 300, differences: vec![Difference { node: 0, sequence: 2 }] };
    let node = |id, points| NodeSpan { id: NodeId::from_u128(id), before: 4, last: 9, points };
    Sample {
        summary: IndexSummary {
            log: Uuid::from_u128(7),
            ordinal: 2,
            salt: 99,
            first_lsn: 11,
            base_transaction: 5,
            end: 700,
            sealed: true,
            entries: 6,
            transactions: 4,
            merges: 1,
            oldest: Some(-3),
            newest: Some(1 << 40),
        },
        nodes: vec![
            node(1, vec![AuthorPoint { sequence: 5, offset: 43 }, AuthorPoint { sequence: 9, offset: 300 }]),
            node(2, vec![]),
        ],
        tables: vec![TableSpan {
            name: "t".to_owned(),
            stats: TableStats { inserts: 1, updates: 200, deletes: 3 },
        }],
        points: vec![
            Point { offset: 43, lsn: 0, transaction: 0 },
            Point { offset: 300, lsn: 2, transaction: 1 },
            Point { offset: 400, lsn: 2, transaction: 2 },
        ],
        hashes: vec![70, 3, 70, 1 << 20, 3, 70],
        waypoints: vec![
            Waypoint { offset: 43, clocks: vec![clock] },
            Waypoint { offset: 400, clocks: vec![] },
        ],
    }
}

/// A segment of many entries: `rows` rows, each as likely as any other.
pub(super) fn large(entries: usize, rows: u32) -> Sample {
    let mut state = 1u64;
    let mut random = move || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) as u32
    };
    let offsets = (0..entries as u32 / 14).map(|number| 43 + number * 4200);
    let points =
        offsets.zip(0..).map(|(offset, number)| Point { offset, lsn: number * 14, transaction: number * 14 });
    Sample {
        points: points.collect(),
        hashes: (0..entries).map(|_| row_hash(99, 0, &(random() % rows).to_be_bytes())).collect(),
        ..small()
    }
}
