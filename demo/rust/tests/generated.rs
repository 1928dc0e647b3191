//! The generated trace holds what it is for, and the job finds in it what its parents say.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::{BTreeMap, BTreeSet};

use causelog::{ChangeEntry, ChangeLog, ConflictType, QueryOptions, RowId};
use causelog_demo::generator::{GeneratedTrace, Settings};
use causelog_demo::trace::TraceReader;
use causelog_demo::{expected, job};

fn reader(trace: &GeneratedTrace) -> TraceReader {
    let mut text = Vec::new();
    trace.write(&mut text).unwrap();
    TraceReader::new("generated".to_owned(), Box::new(std::io::Cursor::new(text)))
}

fn entries_by_row(log: &ChangeLog) -> BTreeMap<(String, RowId), Vec<ChangeEntry>> {
    let mut rows: BTreeMap<_, Vec<ChangeEntry>> = BTreeMap::new();
    for entry in log.query(QueryOptions::default()).unwrap() {
        let entry = entry.unwrap();
        rows.entry((entry.table.clone(), entry.row_id.clone())).or_default().push(entry);
    }
    rows
}

/// The most heads that this row had at any time.
fn most_heads(entries: &[ChangeEntry]) -> usize {
    let mut heads: Vec<&ChangeEntry> = Vec::new();
    let mut most = 0;
    for entry in entries {
        heads.retain(|head| !head.happens_before(entry));
        heads.push(entry);
        most = most.max(heads.len());
    }
    most
}

#[test]
fn the_job_finds_what_the_parents_say() {
    let settings = [
        Settings::default(),
        Settings { seed: 2, transactions: 700, nodes: 2 },
        Settings { seed: 3, transactions: 700, nodes: 12 },
        Settings { seed: u64::MAX, transactions: 1, nodes: 1 },
        Settings { seed: 0, transactions: 300, nodes: 1 },
        Settings { seed: 4, transactions: 400, nodes: 60 },
    ];
    for settings in settings {
        let trace = GeneratedTrace::generate(settings);
        let log = ChangeLog::in_memory(job::log_options()).unwrap();
        let outcome = job::run(reader(&trace), &log, "memory").unwrap();
        assert_eq!(outcome.summary, expected::summary(&trace), "{settings:?}");
        let again = job::run(reader(&trace), &log, "memory").unwrap();
        assert_eq!(again.summary, outcome.summary, "a second run on the same log, {settings:?}");
        assert_eq!(again.reports, outcome.reports);
    }
}

#[test]
fn the_same_settings_give_the_same_trace_and_another_seed_another() {
    let (one, other) = (Settings::default(), Settings { seed: 2, ..Settings::default() });
    assert_eq!(GeneratedTrace::generate(one), GeneratedTrace::generate(one));
    assert_ne!(GeneratedTrace::generate(one), GeneratedTrace::generate(other));
}

#[test]
fn every_shape_of_conflict_is_in_the_default_trace() {
    let trace = GeneratedTrace::generate(Settings::default());
    let log = ChangeLog::in_memory(job::log_options()).unwrap();
    let outcome = job::run(reader(&trace), &log, "memory").unwrap();
    let summary = &outcome.summary;
    assert_eq!(summary.concurrent_by_operations.len(), 6);
    assert!(summary.conflicts_standing > 0 && summary.conflicts_settled > 0);
    let reasons: BTreeSet<&str> = outcome.reports.iter().map(|report| report.reason_code.name()).collect();
    assert_eq!(reasons, BTreeSet::from(["higher_node", "later_timestamp"]));

    let rows = entries_by_row(&log);
    let (mut shapes, mut identical, mut both_deleted) = (BTreeSet::new(), 0, 0);
    for entries in rows.values() {
        for (number, later) in entries.iter().enumerate() {
            for earlier in entries.iter().take(number).filter(|earlier| !earlier.happens_before(later)) {
                shapes.insert(ConflictType::of(earlier.operation, later.operation));
                if earlier.after == later.after {
                    *(if later.after.is_some() { &mut identical } else { &mut both_deleted }) += 1;
                }
            }
        }
    }
    assert_eq!(shapes.len(), ConflictType::ALL.len());
    assert!(identical > 0, "concurrent changes that left the same image");
    assert!(both_deleted > 0, "concurrent deletes");
    assert!(rows.values().any(|entries| most_heads(entries) >= 3), "a row with three heads");
    assert!(outcome.reports.iter().any(|report| report.heads.len() >= 3), "a conflict of three");
}

#[test]
fn the_default_trace_has_the_odd_things_that_real_ones_have() {
    let trace = GeneratedTrace::generate(Settings::default());
    let log = ChangeLog::in_memory(job::log_options()).unwrap();
    job::run(reader(&trace), &log, "memory").unwrap();
    let stats = log.stats().unwrap();
    assert!(stats.merges > 0, "transactions without a change");
    assert_eq!(stats.nodes, 5);
    assert!(stats.tables.len() >= 3);
    assert!(trace.transactions.iter().any(|transaction| transaction.changes.len() > 3));

    let rows = entries_by_row(&log);
    assert!((150..=250).contains(&rows.len()), "{} rows", rows.len());
    let integers = rows.keys().filter(|(_, row_id)| row_id.to_string().parse::<i64>().is_ok()).count();
    assert!(integers > 0 && integers < rows.len(), "row ids that are integers, and others");

    let (mut redundant, mut backwards, mut instants) = (0, 0, BTreeMap::new());
    let held = log.transactions(&causelog::VectorClock::new()).unwrap();
    for (held, generated) in held.zip(&trace.transactions) {
        let held = held.unwrap();
        redundant += usize::from(held.dependencies.len() < generated.parents.len());
        *instants.entry(held.timestamp).or_insert(0) += 1;
        backwards += usize::from(generated.parents.iter().any(|parent| {
            let parent: causelog::Timestamp = trace.transactions[*parent].timestamp.parse().unwrap();
            parent > held.timestamp
        }));
    }
    assert!(redundant > 0, "parents that other parents have seen");
    assert!(backwards > 0, "children that are stamped earlier than a parent");
    assert!(instants.values().any(|count| *count > 1), "timestamps that tie");
    assert!(rows.keys().any(|(table, _)| !table.is_ascii()));
}
