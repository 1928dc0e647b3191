//! What a row is by its entries: the answers of an independent reference, whatever the order of delivery.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::expect_used)]

mod common;

use std::sync::Arc;

use causelog::{
    Change, ChangeEntry, ConflictDetector, ConflictQuery, Dot, Durability, LogOptions, ManualTime, Replica,
    ReplicaOptions, ResolverRegistry, RowResolution, Transaction,
};
use common::model::{Answer, ModelHistory, TABLE, model_histories, of_report};
use common::{Random, at, node, options_with};

fn answer(row: &RowResolution) -> Answer {
    let mut heads = row.heads.clone();
    heads.sort();
    let mut settled: Vec<_> = row.settled.iter().map(of_report).collect();
    settled.sort_by(|a, b| (&a.settled_by, &a.heads).cmp(&(&b.settled_by, &b.heads)));
    Answer {
        value: row.value.as_deref().map(|bytes| serde_json::from_slice(bytes).unwrap()),
        heads,
        standing: row.standing.as_ref().map(of_report),
        settled,
    }
}

#[test]
fn the_plain_detector_gives_the_answers_of_the_reference() {
    let histories = model_histories();
    for (number, history) in histories.iter().enumerate() {
        let time = Arc::new(ManualTime::new(at(1)));
        let detector = ConflictDetector::with_time(history.strategy.clone(), time);
        let mut entries: Vec<&ChangeEntry> = history.entries.iter().collect();
        let row = detector.resolve_row(entries.iter().copied()).unwrap();
        assert_eq!(answer(&row), history.answer, "history {number}, {}", history.strategy);
        let mut random = Random(number as u64);
        for _ in 0..3 {
            random.shuffle(&mut entries);
            let again = *random.pick(&entries);
            entries.push(again);
            assert_eq!(detector.resolve_row(entries.iter().copied()).unwrap(), row, "history {number}");
        }
    }
    println!("{} histories", histories.len());
}

/// Each entry as a transaction of its own, with what its author had seen.
fn transactions(history: &ModelHistory) -> Vec<Transaction> {
    let each = history.entries.iter().map(|entry| {
        let seen = entry.vector_clock.iter().map(|(node, sequence)| Dot::new(node, sequence));
        let before = seen.filter(|dot| *dot != entry.dot()).chain(
            // Its own component is the entry itself.
            (entry.sequence > 1).then(|| Dot::new(entry.node, entry.sequence - 1)),
        );
        Transaction {
            node: entry.node,
            sequence: entry.sequence,
            dependencies: before.collect(),
            timestamp: entry.timestamp,
            changes: vec![Change::new(TABLE, 1, entry.operation, None, entry.after.clone())],
        }
    });
    each.collect()
}

/// Takes them in, in a random order in which each comes after what its author had seen; some come twice.
fn deliver(replica: &Replica, transactions: &[Transaction], random: &mut Random) {
    let mut waiting: Vec<&Transaction> = transactions.iter().collect();
    let mut here: Vec<Dot> = Vec::new();
    while !waiting.is_empty() {
        random.shuffle(&mut waiting);
        let ready =
            |transaction: &&Transaction| transaction.dependencies.iter().all(|dot| here.contains(dot));
        let next = waiting.iter().position(ready).unwrap();
        let next = waiting.swap_remove(next);
        assert!(!replica.apply(next).unwrap().duplicate);
        here.push(next.dot());
        if random.chance(30) {
            let dot = *random.pick(&here);
            let again = transactions.iter().find(|transaction| transaction.dot() == dot);
            assert!(replica.apply(again.unwrap()).unwrap().duplicate);
        }
    }
}

#[test]
fn a_replica_gives_the_answers_of_the_reference_in_whatever_order_the_entries_come() {
    let histories = model_histories();
    for (number, history) in histories.iter().enumerate() {
        let transactions = transactions(history);
        for delivery in 0..3 {
            let time = Arc::new(ManualTime::new(at(1_000)));
            let log = LogOptions { node: Some(node(99)), durability: Durability::Os, ..options_with(time) };
            let registry = Some(ResolverRegistry::new(history.strategy.clone()));
            let history_memory = if delivery == 0 { 0 } else { ReplicaOptions::DEFAULT_HISTORY_MEMORY };
            let options = ReplicaOptions { log, registry, history_memory, ..Default::default() };
            let replica = Replica::in_memory(options).unwrap();
            deliver(&replica, &transactions, &mut Random(10 * number as u64 + delivery));
            let row = replica.get(TABLE, 1).unwrap();
            let reports = replica.query_conflicts(&ConflictQuery::default()).unwrap();
            let (settled, standing) = reports.into_iter().partition(|report| report.settled_by.is_some());
            let standing: Vec<_> = standing;
            let found = RowResolution {
                is_live: row.is_some(),
                value: row.and_then(|row| row.value),
                heads: replica.heads(TABLE, 1).unwrap(),
                standing: standing.into_iter().next(),
                settled,
            };
            assert_eq!(answer(&found), history.answer, "history {number}, {}", history.strategy);
        }
    }
    println!("{} histories, three deliveries each", histories.len());
}
