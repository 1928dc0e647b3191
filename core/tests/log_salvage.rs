//! What is intact of a damaged log can be had back.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod common;

use std::collections::BTreeSet;
use std::sync::Arc;

use causelog::storage::{MemoryStorage, Storage};
use causelog::{
    Change, ChangeLog, Dot, ErrorCode, LogOptions, RetentionPolicy, Transaction, Uuid, VectorClock,
};
use common::{SEGMENT, at, bytes, files_of, foreign, frame_bounds, node, options, place_of, transactions};

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
    let good = bytes(&storage, name);
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

/// A transaction of one change in each of these tables, by an author who has seen nothing but its own.
fn written(log: &ChangeLog, author: u64, tables: &[&str], bytes: usize) -> Transaction {
    let before = log.frontier().unwrap().get(node(author));
    let change = |table: &&str| Change::insert(*table, author as i64, vec![author as u8; bytes]);
    let transaction = Transaction {
        node: node(author),
        sequence: before + tables.len() as u64,
        dependencies: (before > 0).then(|| Dot::new(node(author), before)).into_iter().collect(),
        timestamp: at(500),
        changes: tables.iter().map(change).collect(),
    };
    log.append_remote(&transaction).unwrap();
    transaction
}

/// A log that was closed in order, so that there is an index of its beginning, and that another process went on with and never
/// closed: what first came after that, a table, a node and another table and node, no index knows.
struct GoneOn {
    place: MemoryStorage,
    segment: Vec<u8>,
    held: Vec<Transaction>,
    bounds: Vec<usize>,
    /// How many of the transactions the index knows.
    indexed: usize,
}

impl GoneOn {
    fn new() -> GoneOn {
        let storage = MemoryStorage::new();
        let open = || ChangeLog::open_storage(Arc::new(storage.clone()), options()).unwrap();
        let log = open();
        // So long that the index knows where some of the later ones start.
        let old = [(1, ["a"]), (2, ["b"]), (3, ["a"]), (1, ["b"]), (2, ["a"]), (3, ["b"]), (1, ["a"])];
        let mut held: Vec<_> =
            old.iter().map(|(author, tables)| written(&log, *author, tables, 1500)).collect();
        log.close().unwrap();
        let indexed = held.len();
        let log = open();
        let new: [(u64, &[&str]); 12] = [
            (2, &["b"]),
            // From here on there is another table, and then another node.
            (1, &["new", "a"]),
            (4, &["b", "new"]),
            (3, &["a"]),
            (2, &["new"]),
            (4, &["a"]),
            (3, &["new"]),
            (1, &["b"]),
            // Once more.
            (5, &["newest"]),
            (4, &["newest", "new"]),
            (5, &["a"]),
            (2, &["a", "new"]),
        ];
        held.extend(new.iter().map(|(author, tables)| written(&log, *author, tables, 20)));
        let place = place_of(&files_of(&storage));
        drop(log);
        let segment = bytes(&place, SEGMENT);
        let end = segment.iter().rposition(|byte| *byte != 0).unwrap() + 1;
        let segment = segment[..end].to_vec();
        let bounds = frame_bounds(&segment);
        assert_eq!(bounds.len(), held.len() + 1);
        assert!(place.list().unwrap().iter().any(|name| name.ends_with(".tail")));
        GoneOn { place, segment, held, bounds, indexed }
    }

    /// What comes of it with these bytes flipped; nothing of it is anything that the log did not hold.
    fn salvaged(&self, damaged: &[usize]) -> Vec<Transaction> {
        let mut bad = self.segment.clone();
        damaged.iter().for_each(|place| bad[*place] ^= 0x10);
        self.place.replace(SEGMENT, &bad).unwrap();
        let (report, found, _) = salvaged(&self.place);
        assert_eq!(report.transactions as usize, found.len());
        assert!(found.iter().all(|transaction| self.held.contains(transaction)), "{damaged:?}: {found:?}");
        assert!(!report.findings.is_empty());
        found
    }

    /// What can be had when these transactions are lost: what its author wrote none of before, and what needs no name that
    /// came with one of them, or later, when nobody can tell which number it has. The index tells all names that it knows.
    fn to_be_had(&self, lost: &[usize]) -> Vec<Transaction> {
        let mut known: BTreeSet<String> = BTreeSet::new();
        let mut cut_off: BTreeSet<Uuid> = BTreeSet::new();
        let mut found = Vec::new();
        for (number, transaction) in self.held.iter().enumerate() {
            let tables = transaction.changes.iter().map(|change| change.table.clone());
            let names: Vec<String> = tables.chain([transaction.node.to_string()]).collect();
            let is_sure = lost.iter().all(|lost| !(self.indexed..=number).contains(lost));
            if number < self.indexed || is_sure {
                known.extend(names.iter().cloned());
            }
            let is_known = names.iter().all(|name| known.contains(name));
            if lost.contains(&number) || !is_known || cut_off.contains(&transaction.node) {
                cut_off.insert(transaction.node);
            } else {
                found.push(transaction.clone());
            }
        }
        found
    }
}

#[test]
fn what_first_came_after_the_index_was_made_survives_under_its_own_names() {
    let log = GoneOn::new();
    let (count, indexed) = (log.held.len(), log.indexed);
    // The last byte of a frame: it still says where it ends.
    let salvage = |lost: &[usize]| {
        let found = log.salvaged(&lost.iter().map(|number| log.bounds[number + 1] - 1).collect::<Vec<_>>());
        assert_eq!(found, log.to_be_had(lost), "without {lost:?}");
        found
    };
    for one in 0..count {
        salvage(&[one]);
        // Where two in a row are lost nothing says where the second ends.
        for other in one + 2..count {
            salvage(&[one, other]);
        }
    }
    // What is lost right before the index ends takes nothing from others.
    let author = log.held[indexed - 1].node;
    let (before, after) = log.held.split_at(indexed - 1);
    let others = after.iter().filter(|transaction| transaction.node != author);
    assert!(salvage(&[indexed - 1]).iter().eq(before.iter().chain(others)));
    // Nor does what is lost after the first new table and node, as far as these go: another node's into either, and its last.
    let found = salvage(&[indexed + 3]);
    for kept in [indexed + 1, indexed + 2, indexed + 4, indexed + 5, count - 1] {
        assert!(found.contains(&log.held[kept]), "{kept}");
    }
}

/// A damaged length may cost more, up to where the index knows of a frame, and never gives anything a wrong name.
#[test]
fn whatever_byte_is_damaged_nothing_is_copied_under_a_wrong_name() {
    let log = GoneOn::new();
    let later: Vec<&Transaction> =
        log.held.iter().filter(|transaction| [node(4), node(5)].contains(&transaction.node)).collect();
    for frame in log.bounds.windows(2) {
        let places = (frame[0]..frame[1]).filter(|place| place - frame[0] < 40 || place % 37 == 0);
        for place in places {
            let found = log.salvaged(&[place]);
            // Who came later has lost nothing, if anything can be found after it. The index knows where its last one starts.
            if frame[1] < log.bounds[log.indexed] {
                assert!(later.iter().all(|transaction| found.contains(transaction)), "{place}");
            }
        }
    }
}
