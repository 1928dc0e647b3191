//! What a replica keeps of its heads saves time on opening, and changes nothing else.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::sync::Arc;

use causelog::storage::{MemoryStorage, Storage};
use causelog::{
    Change, ChangeOperation, CompactionOptions, ConflictQuery, ConflictReport, Dot, ErrorCode, LogOptions,
    ManualTime, Replica, ReplicaOptions, Transaction,
};
use common::faulty::{Fault, FaultyStorage, Operation};
use common::{at, bytes, files_of, node, options_with, place_of};

fn log_options(number: u64) -> LogOptions {
    let time = Arc::new(ManualTime::new(at(1_000_000)));
    LogOptions { node: Some(node(number)), segment_bytes: 4096, ..options_with(time) }
}

fn open(storage: Arc<dyn Storage>, number: u64) -> Replica {
    let options = ReplicaOptions { log: log_options(number), ..ReplicaOptions::default() };
    Replica::open_storage(storage, options).unwrap()
}

/// A replica with rows of one head and of several, deleted ones among them.
fn with_conflicts(storage: &Arc<MemoryStorage>) -> Replica {
    let replica = open(storage.clone(), 1);
    for row in 1..8 {
        replica.insert("t", row, "here").unwrap();
    }
    replica.delete("t", 2).unwrap();
    for (number, row) in (1..).zip([1, 2, 3]) {
        let change = Change::new("t", row, ChangeOperation::Insert, None, Some(b"there".to_vec()));
        let dependencies = if number == 1 { vec![] } else { vec![Dot::new(node(3), number - 1)] };
        let timestamp = at(number as i64);
        let (node, changes) = (node(3), vec![change]);
        replica.apply(&Transaction { node, sequence: number, dependencies, timestamp, changes }).unwrap();
    }
    replica.update("t", 1, "settled").unwrap();
    replica
}

fn shown(replica: &Replica) -> impl PartialEq + std::fmt::Debug + use<> {
    let reports = replica.query_conflicts(&ConflictQuery::default()).unwrap();
    let reports: Vec<String> = reports.iter().map(ConflictReport::to_json).collect();
    let heads: Vec<_> = (1..8).map(|row| replica.heads("t", row).unwrap()).collect();
    let stats = replica.stats().unwrap();
    (replica.rows("t").unwrap(), heads, reports, (stats.rows, stats.contested_rows, stats.settlings))
}

#[test]
fn what_a_replica_keeps_of_its_heads_only_saves_time() {
    let storage = Arc::new(MemoryStorage::new());
    let replica = with_conflicts(&storage);
    let wanted = shown(&replica);
    replica.close().unwrap();
    let heads = bytes(&*storage, "heads");
    let with = |heads: Option<&[u8]>| {
        let place = Arc::new(place_of(&files_of(&*storage)));
        match heads {
            Some(heads) => place.replace("heads", heads).unwrap(),
            None => place.remove("heads").unwrap(),
        }
        place
    };
    assert_eq!(shown(&open(with(Some(&heads)), 1)), wanted);
    assert_eq!(shown(&open(with(None), 1)), wanted);
    // Where the checksum is right as well, it is believed or not, but nobody comes to harm.
    let opens = |content: &[u8]| {
        let body = &content[..content.len() - 4];
        let whole = [body, &crc32c::crc32c(body).to_le_bytes()].concat();
        let _ = open(with(Some(&whole)), 1).rows("t");
    };
    for end in 0..heads.len() {
        assert_eq!(shown(&open(with(Some(&heads[..end])), 1)), wanted, "cut at {end}");
        if end >= 4 {
            opens(&heads[..end]);
        }
    }
    for bit in (0..heads.len() * 8).step_by(7) {
        let mut flipped = heads.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(shown(&open(with(Some(&flipped)), 1)), wanted, "bit {bit}");
        opens(&flipped);
    }
}

#[test]
fn kept_heads_are_those_of_one_log_up_to_some_entry() {
    let storage = Arc::new(MemoryStorage::new());
    let replica = with_conflicts(&storage);
    replica.close().unwrap();
    let old = bytes(&*storage, "heads");

    // What came after them, from somebody who ends without a word, is taken in from the log.
    let replica = open(storage.clone(), 1);
    replica.update("t", 3, "later").unwrap();
    replica.insert("t", 9, "later").unwrap();
    let wanted = shown(&replica);
    let storage = Arc::new(place_of(&files_of(&*storage)));
    assert_eq!(bytes(&*storage, "heads"), old);
    assert_eq!(shown(&open(storage.clone(), 1)), wanted);

    // Compaction removes what they may speak of.
    let replica = open(storage.clone(), 1);
    replica.compact(&CompactionOptions::default()).unwrap();
    drop(replica);
    let replica = open(storage.clone(), 1);
    let rows = replica.rows("t").unwrap();
    replica.close().unwrap();
    assert_ne!(bytes(&*storage, "heads"), old, "they are written anew");
    assert_eq!(open(storage, 1).rows("t").unwrap(), rows);

    // Those of another log are not believed, whatever it holds.
    let other = Arc::new(MemoryStorage::new());
    with_conflicts(&other).close().unwrap();
    let another = Arc::new(MemoryStorage::new());
    open(another.clone(), 2).insert("t", 1, "x").unwrap();
    another.replace("heads", &bytes(&*other, "heads")).unwrap();
    assert_eq!(open(another, 2).rows("t").unwrap().len(), 1);
}

#[test]
fn an_opening_that_fails_keeps_nothing() {
    let storage = FaultyStorage::new();
    let replica = open(Arc::new(storage.clone()), 1);
    for row in 0..200 {
        replica.insert("t", row, "x".repeat(100)).unwrap();
    }
    drop(replica);
    storage.remove("heads").unwrap();
    let mut failed = 0;
    for from in 1.. {
        let (operation, code) = (Operation::Read, ErrorCode::Io);
        storage.fail(&[Fault { operation, from, lasting: false, code, written: 0 }]);
        let options = ReplicaOptions { log: log_options(1), ..ReplicaOptions::default() };
        let opened = Replica::open_storage(Arc::new(storage.clone()), options);
        let met = storage.calls(Operation::Read) >= from;
        storage.fail(&[]);
        failed += u64::from(opened.is_err());
        drop(opened);
        let replica = open(Arc::new(storage.clone()), 1);
        assert_eq!(replica.rows("t").unwrap().len(), 200, "read {from}");
        assert_eq!(replica.insert("t", 7, "again").unwrap_err().code(), ErrorCode::AlreadyExists);
        drop(replica);
        storage.remove("heads").unwrap();
        if !met {
            break;
        }
    }
    assert!(failed > 10, "{failed}");
}

#[test]
fn heads_of_what_was_rolled_back_are_never_believed() {
    // Two rows of another node's, in whichever order they came.
    let foreign = |number: u64, value: &str| {
        let change = Change::new("t", number as i64, ChangeOperation::Insert, None, Some(value.into()));
        let (node, timestamp) = (node(number), at(number as i64));
        Transaction { node, sequence: 1, dependencies: vec![], timestamp, changes: vec![change] }
    };
    let storage = Arc::new(MemoryStorage::new());
    let replica = open(storage.clone(), 1);
    replica.insert("t", 1, "mine").unwrap();
    drop(replica);
    let backup = files_of(&*storage);
    let replica = open(storage.clone(), 1);
    for number in [7, 8, 9] {
        replica.apply(&foreign(number, "theirs")).unwrap();
    }
    drop(replica);
    let later = bytes(&*storage, "heads");

    let restored = Arc::new(place_of(&backup));
    restored.replace("heads", &later).unwrap();
    let replica = open(restored.clone(), 1);
    for number in [8, 7, 9] {
        replica.apply(&foreign(number, if number == 9 { "theirs" } else { "others" })).unwrap();
    }
    // It ends without a word.
    let place = Arc::new(place_of(&files_of(&*restored)));
    let again = open(place, 1);
    assert_eq!(again.rows("t").unwrap(), replica.rows("t").unwrap());
}

#[test]
fn effective_times_of_positions_that_got_lost_are_not_those_of_others() {
    let storage = Arc::new(MemoryStorage::new());
    let replica = open(storage.clone(), 1);
    replica.insert("t", 1, "first").unwrap();
    replica.insert("t", 2, "second").unwrap();
    drop(replica);
    // As if a third entry had been late, and a loss of power had taken it.
    let start = &bytes(&*storage, "heads")[..11];
    let mut late = [start, br#"{"3":9000000000000000000}"#].concat();
    late.extend_from_slice(&crc32c::crc32c(&late).to_le_bytes());
    storage.replace("effective-times", &late).unwrap();

    let replica = open(storage, 1);
    assert_eq!(replica.insert("t", 3, "ours").unwrap().first_lsn, Some(3));
    let change = Change::new("t", 3, ChangeOperation::Insert, None, Some(b"theirs, later".to_vec()));
    let (node, timestamp) = (node(7), at(2_000_000));
    let theirs = Transaction { node, sequence: 1, dependencies: vec![], timestamp, changes: vec![change] };
    replica.apply(&theirs).unwrap();
    assert_eq!(replica.get("t", 3).unwrap().unwrap().value.as_deref(), Some(&b"theirs, later"[..]));
}
