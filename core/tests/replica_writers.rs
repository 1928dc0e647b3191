//! Writers of one replica write at the same time, share the disk's syncs, and know of each other's failures.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use causelog::storage::Storage;
use causelog::{
    Change, ChangeOperation, ConflictReport, Dot, Durability, ErrorCode, LogOptions, ManualTime, Replica,
    ReplicaOptions, SystemTime, TimeSource, Transaction, sync,
};
use common::faulty::{Fault, FaultyStorage, Operation};
use common::gate::Gated;
use common::{at, node, options_with, with_seeds};

fn open(storage: Arc<dyn Storage>, time: Arc<dyn TimeSource>) -> Replica {
    let still = Arc::new(ManualTime::new(at(1_000_000)));
    let log = LogOptions { node: Some(node(1)), segment_bytes: 1 << 20, time, ..options_with(still) };
    Replica::open_storage(storage, ReplicaOptions { log, ..ReplicaOptions::default() }).unwrap()
}

#[test]
fn while_one_syncs_others_write_and_read() {
    let place = Gated::default();
    let replica = open(Arc::new(place.clone()), place.time.clone());
    replica.insert("t", 0, "before").unwrap();
    let (syncs, times) = (place.syncs.came(), place.time.came());
    thread::scope(|scope| {
        let shut = place.syncs.shut();
        let first = scope.spawn(|| replica.insert("t", 1, "first").unwrap());
        place.syncs.wait_after(syncs);
        let others: Vec<_> = (2..10)
            .map(|row| {
                let replica = &replica;
                scope.spawn(move || replica.insert("t", row, "other").unwrap())
            })
            .collect();
        // Each asks for the time when its place in the log is settled, and has the log to itself until it waits for the disk.
        (0..9).for_each(|more| place.time.wait_after(times + more));
        // Nobody sees what is not durable, nor waits for it to see something else.
        assert_eq!(replica.get("t", 0).unwrap().unwrap().value.as_deref(), Some(&b"before"[..]));
        assert_eq!(replica.log().stats().unwrap().entries, 1);
        assert!(!first.is_finished() && others.iter().all(|other| !other.is_finished()));
        drop(shut);
        first.join().unwrap();
        others.into_iter().for_each(|other| assert!(!other.join().unwrap().duplicate));
    });
    let shared = place.syncs.came() - syncs;
    assert!(shared <= 3, "nine writers took {shared} syncs");
    assert_eq!(replica.rows("t").unwrap().len(), 10);
}

#[test]
fn nobody_hears_of_what_is_not_durable() {
    let place = Gated::default();
    let replica = open(Arc::new(place.clone()), place.time.clone());
    replica.insert("t", 1, "ours").unwrap();
    replica.apply(&foreign(1, 1)).unwrap();
    assert_eq!((replica.conflicts().unwrap().len(), replica.heads("t", 1).unwrap().len()), (1, 2));
    let syncs = place.syncs.came();
    let end = || replica.update("t", 1, "the end of it").unwrap();
    let [conflicts, inbox, heads, stats] = [
        &(|| replica.conflicts().unwrap().len()) as &(dyn Fn() -> usize + Sync),
        &|| replica.inbox().unwrap().len(),
        &|| replica.heads("t", 1).unwrap().len(),
        &|| replica.stats().unwrap().contested_rows as usize,
    ];
    thread::scope(|scope| {
        let shut = place.syncs.shut();
        let writer = scope.spawn(end);
        place.syncs.wait_after(syncs);
        let readers = [conflicts, inbox, heads, stats].map(|look| scope.spawn(look));
        thread::sleep(Duration::from_millis(50));
        assert!(!writer.is_finished() && readers.iter().all(|reader| !reader.is_finished()));
        drop(shut);
        assert_eq!(readers.map(|reader| reader.join().unwrap()), [0, 0, 1, 0]);
    });
}

#[test]
fn what_is_written_at_once_overtakes_nothing_that_is_on_its_way() {
    for round in 0..20 {
        let directory = tempfile::tempdir().unwrap();
        let open = || {
            let log = LogOptions { durability: Durability::Os, ..LogOptions::default() };
            Replica::open_with(directory.path(), ReplicaOptions { log, ..ReplicaOptions::default() }).unwrap()
        };
        let (a, b) = (Replica::in_memory(ReplicaOptions::default()).unwrap(), open());
        for row in 0..60 {
            a.insert("t", row, format!("a {row}")).unwrap();
        }
        thread::scope(|scope| {
            scope.spawn(|| drop(sync(&a, &b).unwrap()));
            scope.spawn(|| (0..30).for_each(|_| b.sync().unwrap()));
            scope.spawn(|| {
                for row in 100..160 {
                    b.insert("t", row, format!("b {row}")).unwrap();
                    assert_eq!(text(&b, row), Some(format!("b {row}")), "round {round}");
                }
            });
        });
        let wanted = |b: &Replica| {
            (0..60).for_each(|row| assert_eq!(text(b, row), Some(format!("a {row}")), "round {round}"));
            (100..160).for_each(|row| assert_eq!(text(b, row), Some(format!("b {row}")), "round {round}"));
        };
        wanted(&b);
        b.close().unwrap();
        drop(b);
        wanted(&open());
    }
}

fn text(replica: &Replica, row: i64) -> Option<String> {
    replica.get("t", row).unwrap().map(|row| String::from_utf8(row.value.unwrap()).unwrap())
}

#[test]
fn an_exchange_says_so_when_something_got_lost_whoever_met_it() {
    let a = Replica::in_memory(ReplicaOptions::default()).unwrap();
    for row in 0..100 {
        a.insert("t", row, "x".repeat(200)).unwrap();
    }
    let mut refused = 0;
    with_seeds(30, |mut random| {
        let storage = FaultyStorage::new();
        let b = open(Arc::new(storage.clone()), Arc::new(SystemTime));
        let (operation, code, written) = (Operation::Write, ErrorCode::NoSpace, 5);
        let from = 1 + random.below(10) as u64;
        storage.fail(&[Fault { operation, from, lasting: false, code, written }]);
        let outcome = thread::scope(|scope| {
            let exchange = scope.spawn(|| sync(&a, &b));
            while !exchange.is_finished() {
                b.rows("t").unwrap();
            }
            exchange.join().unwrap()
        });
        storage.fail(&[]);
        match outcome {
            Ok(_) => assert_eq!(b.rows("t").unwrap().len(), 100),
            Err(error) => {
                refused += 1;
                assert_eq!(error.code(), ErrorCode::NoSpace, "{error}");
                sync(&a, &b).unwrap();
                assert_eq!(b.rows("t").unwrap().len(), 100);
            }
        }
    });
    assert!(refused > 0);
}

/// Transactions of another node that nobody here has seen, each of a row that writers here write as well.
fn foreign(number: u64, row: i64) -> Transaction {
    let change = Change::new("t", row, ChangeOperation::Insert, None, Some(b"theirs".to_vec()));
    let dependencies = if number == 1 { vec![] } else { vec![Dot::new(node(7), number - 1)] };
    let timestamp = at(1_000_000 - number as i64);
    Transaction { node: node(7), sequence: number, dependencies, timestamp, changes: vec![change] }
}

#[test]
fn a_write_that_fails_takes_back_what_was_built_on_it_and_nothing_else() {
    let failures = AtomicU64::new(0);
    with_seeds(20, |mut random| {
        let storage = FaultyStorage::new();
        let replica = open(Arc::new(storage.clone()), Arc::new(ManualTime::new(at(1_000_000))));
        // The disk is full again and again, in the middle of a write.
        let fails = |from| {
            let (operation, code, written) = (Operation::Write, ErrorCode::NoSpace, 5);
            Fault { operation, from, lasting: false, code, written }
        };
        let faults: Vec<Fault> = (0..40).map(|_| fails(1 + random.below(120) as u64)).collect();
        storage.fail(&faults);

        let acknowledged = Mutex::new(BTreeMap::new());
        let theirs = Mutex::new(BTreeSet::new());
        thread::scope(|scope| {
            for writer in 0..4i64 {
                let (replica, acknowledged, failures) = (&replica, &acknowledged, &failures);
                scope.spawn(move || {
                    for step in 0..30 {
                        let row = 10 * writer + step % 10;
                        let value = format!("{writer} {step}");
                        let written = match replica.get("t", row).unwrap() {
                            None => replica.insert("t", row, value.as_str()),
                            Some(_) => replica.update("t", row, value.as_str()),
                        };
                        match written {
                            Ok(_) => drop(acknowledged.lock().unwrap().insert(row, value)),
                            // The other node's came in between.
                            Err(error) if error.code() == ErrorCode::AlreadyExists => {}
                            Err(error) => {
                                assert_eq!(error.code(), ErrorCode::NoSpace);
                                failures.fetch_add(1, Ordering::SeqCst);
                            }
                        }
                    }
                });
            }
            let (replica, theirs, failures) = (&replica, &theirs, &failures);
            scope.spawn(move || {
                let mut number = 1;
                while number <= 20 {
                    let row = 2 * number as i64 - 1;
                    match replica.apply(&foreign(number, row)) {
                        Ok(_) => {
                            theirs.lock().unwrap().insert(row);
                            number += 1;
                        }
                        Err(error) => {
                            assert_eq!(error.code(), ErrorCode::NoSpace);
                            failures.fetch_add(1, Ordering::SeqCst);
                        }
                    }
                    replica.conflicts().unwrap();
                }
            });
        });
        storage.fail(&[]);

        let acknowledged = acknowledged.into_inner().unwrap();
        for row in replica.rows("t").unwrap() {
            let number: i64 = row.row_id.to_string().parse().unwrap();
            let value = String::from_utf8(row.value.unwrap()).unwrap();
            match acknowledged.get(&number) {
                Some(wanted) => assert_eq!(&value, wanted, "row {number}"),
                None => assert!(theirs.lock().unwrap().contains(&number) && value == "theirs"),
            }
        }
        // What the replica has made of it on the way is what it makes of the log alone.
        let again = open(Arc::new(storage.after_crash()), Arc::new(ManualTime::new(at(1_000_000))));
        assert_eq!(again.rows("t").unwrap(), replica.rows("t").unwrap());
        let told = |replica: &Replica| {
            let reports = replica.query_conflicts(&Default::default()).unwrap();
            reports.iter().map(ConflictReport::to_json).collect::<Vec<_>>()
        };
        assert_eq!(told(&again), told(&replica));
        let (here, there) = (replica.stats().unwrap(), again.stats().unwrap());
        assert_eq!((here.rows, here.contested_rows), (there.rows, there.contested_rows));
        assert_eq!((here.settlings, here.before_mismatches), (there.settlings, there.before_mismatches));
        assert!(replica.log().verify().unwrap().findings.is_empty());
    });
    assert!(failures.into_inner() > 100, "hardly anything failed");
}
