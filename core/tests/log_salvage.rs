//! What is intact of a damaged log can be had back.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod common;

use std::sync::Arc;

use causelog::storage::{MemoryStorage, Storage};
use causelog::{ChangeLog, ErrorCode, LogOptions, RetentionPolicy, Transaction, VectorClock};
use common::{foreign, node, options, transactions};

fn small() -> LogOptions {
    LogOptions { segment_bytes: 4096, ..options() }
}

/// Transactions of two nodes that have seen each other now and then.
fn fill(log: &ChangeLog) {
    for number in 1..=120 {
        log.append_transaction([causelog::Change::insert("t", number, vec![b'.'; 100])]).unwrap();
        if number % 3 == 0 {
            let own = transactions_of(log).last().unwrap().dot();
            let count = number as u64 / 3;
            let mut dependencies = vec![own];
            dependencies.extend((count > 1).then(|| causelog::Dot::new(node(1), count - 1)));
            log.append_remote(&foreign(node(1), count, &dependencies, 1)).unwrap();
        }
    }
}

fn transactions_of(log: &ChangeLog) -> Vec<Transaction> {
    let seen = log.removals().unwrap().last().map_or_else(VectorClock::new, |_| forgotten(log));
    log.transactions(&seen).unwrap().collect::<causelog::Result<_>>().unwrap()
}

/// The clock of all that retention has removed: that of what came before the first entry left.
fn forgotten(log: &ChangeLog) -> VectorClock {
    let first = log.stats().unwrap().first_lsn;
    let left = common::query(log, causelog::QueryOptions { since: first - 1, ..Default::default() });
    let entry = &left[0];
    let mut clock: VectorClock = entry.vector_clock.iter().filter(|(node, _)| *node != entry.node).collect();
    if entry.sequence > 1 {
        clock.advance(entry.node, entry.sequence - 1);
    }
    clock
}

fn salvaged(from: &MemoryStorage) -> (causelog::SalvageReport, Vec<Transaction>, MemoryStorage) {
    let to = MemoryStorage::new();
    let report = ChangeLog::salvage_storage(from, Arc::new(to.clone())).unwrap();
    let copy = ChangeLog::open_storage(Arc::new(to.clone()), options()).unwrap();
    assert!(copy.verify().unwrap().is_intact());
    let first = copy.stats().unwrap().first_lsn;
    let found = if first > 1 { transactions_from(&copy) } else { transactions(&copy) };
    drop(copy);
    (report, found, to)
}

fn transactions_from(log: &ChangeLog) -> Vec<Transaction> {
    log.transactions(&forgotten(log)).unwrap().collect::<causelog::Result<_>>().unwrap()
}

#[test]
fn all_of_an_intact_log_comes_over() {
    let storage = MemoryStorage::new();
    let log = ChangeLog::open_storage(Arc::new(storage.clone()), small()).unwrap();
    fill(&log);
    let held = transactions(&log);
    let error = ChangeLog::salvage_storage(&storage, Arc::new(MemoryStorage::new())).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Locked);
    log.close().unwrap();
    let (report, found, to) = salvaged(&storage);
    assert_eq!((report.transactions, report.skipped_transactions), (held.len() as u64, 0));
    assert!(report.findings.is_empty());
    assert_eq!(found, held);
    let error = ChangeLog::salvage_storage(&storage, Arc::new(to)).unwrap_err();
    assert_eq!(error.code(), ErrorCode::AlreadyExists);
    let error =
        ChangeLog::salvage_storage(&MemoryStorage::new(), Arc::new(MemoryStorage::new())).unwrap_err();
    assert_eq!(error.code(), ErrorCode::NotFound);
}

#[test]
fn what_retention_has_removed_does_not_count_as_lost() {
    let storage = MemoryStorage::new();
    let log = ChangeLog::open_storage(Arc::new(storage.clone()), small()).unwrap();
    fill(&log);
    assert!(
        !log.retain(&RetentionPolicy { max_bytes: Some(10_000), ..Default::default() }).unwrap().is_empty()
    );
    let held = transactions_from(&log);
    assert!(held.len() > 20);
    log.close().unwrap();
    let (report, found, _) = salvaged(&storage);
    assert_eq!((report.transactions, report.skipped_transactions), (held.len() as u64, 0));
    assert_eq!(found, held);
}

#[test]
fn what_depends_on_nothing_damaged_survives_any_damage_to_one_segment() {
    let storage = MemoryStorage::new();
    let log = ChangeLog::open_storage(Arc::new(storage.clone()), small()).unwrap();
    // Nodes that have seen nothing of each other: what is lost of one takes nothing from the others.
    for round in 1..=20 {
        for author in 1..=8 {
            log.append_remote(&foreign(node(author), round, &previous(node(author), round), 1)).unwrap();
        }
    }
    let held = transactions(&log);
    log.close().unwrap();
    let name = "00000000000000000002.segment";
    let good = common::bytes(&storage, name);
    for offset in (100..good.len()).step_by(97) {
        let mut bad = good.clone();
        bad[offset] ^= 0x10;
        storage.replace(name, &bad).unwrap();
        let (report, found, _) = salvaged(&storage);
        assert!(!report.findings.is_empty() || found == held, "offset {offset}");
        assert!(found.iter().all(|transaction| held.contains(transaction)));
        let lost = held.len() - found.len();
        assert_eq!(report.transactions as usize, found.len());
        assert!(lost <= 30, "offset {offset}: {lost} lost");
    }
}

fn previous(node: causelog::Uuid, sequence: u64) -> Vec<causelog::Dot> {
    (sequence > 1).then(|| causelog::Dot::new(node, sequence - 1)).into_iter().collect()
}
