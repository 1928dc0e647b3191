//! The storage that the other tests break: it fails where it is told to, and leaves what a disk could.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::expect_used)]

mod common;

use std::collections::BTreeSet;

use causelog::storage::{MemoryStorage, Storage};
use causelog::{ErrorCode, Result};
use common::bytes;
use common::faulty::{FaultyStorage, Mode, Operation};

const SEEDS: u64 = 400;

/// One of each change, and what it does stays to be seen.
fn workload(storage: &FaultyStorage) -> Result<()> {
    let cells = storage.shared("cells", 1)?;
    let file = storage.create("a")?;
    file.write_at(0, b"0123456789")?;
    file.sync()?;
    cells.store(0, 10);
    file.truncate(4)?;
    storage.replace("b", b"b")?;
    storage.rename("a", "c")?;
    storage.remove("b")?;
    drop(storage.lock_file("d")?);
    Ok(())
}

const CHANGES: [Operation; 14] = [
    Operation::Create,
    Operation::Create,
    Operation::SyncDirectory,
    Operation::Write,
    Operation::Sync,
    Operation::Store,
    Operation::Truncate,
    Operation::Replace,
    Operation::SyncDirectory,
    Operation::Rename,
    Operation::SyncDirectory,
    Operation::Remove,
    Operation::SyncDirectory,
    Operation::Create,
];

/// The files with their content, and the cells with theirs.
fn left(storage: &MemoryStorage) -> String {
    let mut names = storage.list().unwrap();
    names.sort();
    let show = |name: &String| match name.as_str() {
        "cells" => format!("cells={}", storage.shared("cells", 1).unwrap().load(0)),
        _ => format!("{name}={}", String::from_utf8(bytes(storage, name)).unwrap().replace('\0', "_")),
    };
    names.iter().map(show).collect::<Vec<_>>().join(" ")
}

fn after_any_power_loss(storage: &FaultyStorage) -> BTreeSet<String> {
    (0..SEEDS).map(|seed| left(&storage.after_power_loss(seed))).collect()
}

#[test]
fn every_change_is_a_point_to_crash_at() {
    let clean = FaultyStorage::new();
    workload(&clean).unwrap();
    assert_eq!(clean.changes(), CHANGES);
    assert_eq!(clean.operations(), CHANGES.len() as u64);

    // What is there before each change, and after the last.
    let expected = [
        "",
        "cells=0",
        "a= cells=0",
        "a= cells=0",
        "a=0123456789 cells=0",
        "a=0123456789 cells=0",
        "a=0123456789 cells=10",
        "a=0123 cells=10",
        "a=0123 b=b cells=10",
        "a=0123 b=b cells=10",
        "b=b c=0123 cells=10",
        "b=b c=0123 cells=10",
        "c=0123 cells=10",
        "c=0123 cells=10",
        "c=0123 cells=10 d=",
    ];
    for (number, expected) in (1..).zip(expected) {
        let storage = FaultyStorage::new();
        storage.fail_at(number, Mode::Crash);
        let outcome = workload(&storage);
        assert_eq!(outcome.is_err(), number <= clean.operations());
        assert_eq!(left(&storage.after_crash()), expected, "crash at {number}");
        if let Err(error) = outcome {
            assert_eq!(error.code(), ErrorCode::Io);
            // The dead do nothing more, and see nothing.
            assert_eq!(workload(&storage).unwrap_err().code(), ErrorCode::Io);
            assert_eq!(storage.lock().err().unwrap().code(), ErrorCode::Io);
            assert_eq!(left(&storage.after_crash()), expected, "after {number}");
        }
    }
}

#[test]
fn a_failed_change_does_nothing_and_the_next_one_works() {
    for (number, operation) in (1..).zip(CHANGES) {
        let storage = FaultyStorage::new();
        storage.fail_at(number, Mode::Fail(ErrorCode::NoSpace));
        let crashed = FaultyStorage::new();
        crashed.fail_at(number, Mode::Crash);
        let outcome = workload(&storage);
        let _ = workload(&crashed);
        if operation == Operation::Store {
            outcome.unwrap();
            continue;
        }
        assert_eq!(outcome.unwrap_err().code(), ErrorCode::NoSpace, "{number}");
        // A file that could not be made durable is taken back.
        let before = left(&crashed.after_crash());
        let expected = if number == 3 { "cells=0" } else { &before };
        assert_eq!(left(&storage.after_crash()), expected, "{number}");
        storage.replace("again", b"works").unwrap();
    }
}

#[test]
fn a_torn_write_leaves_its_first_bytes_and_kills() {
    for written in 0..12 {
        let storage = FaultyStorage::new();
        storage.fail_at(4, Mode::Torn(written));
        assert_eq!(workload(&storage).unwrap_err().code(), ErrorCode::Io);
        assert_eq!(storage.operations(), 4);
        let torn = &"0123456789"[..written.min(10)];
        assert_eq!(left(&storage.after_crash()), format!("a={torn} cells=0"));
    }
}

#[test]
fn what_was_synced_outlasts_a_loss_of_power() {
    let storage = FaultyStorage::new();
    let file = storage.create("a").unwrap();
    file.write_at(0, b"one").unwrap();
    file.sync().unwrap();
    storage.replace("b", b"two").unwrap();
    let third = storage.create("three").unwrap();
    third.write_at(0, b"3").unwrap();
    storage.rename("three", "c").unwrap();
    storage.remove("b").unwrap();
    assert_eq!(after_any_power_loss(&storage), BTreeSet::from(["a=one c=3".to_owned()]));
}

#[test]
fn names_that_were_not_synced_are_there_or_not_but_never_half() {
    // Cut between the act and the sync of the directory.
    let cut = |number: u64| {
        let storage = FaultyStorage::new();
        storage.replace("a", b"old").unwrap();
        storage.replace("b", b"other").unwrap();
        let before = storage.operations();
        storage.fail_at(before + number, Mode::Crash);
        storage
    };
    let either = |storage: &FaultyStorage, outcomes: [&str; 2]| {
        assert_eq!(after_any_power_loss(storage), outcomes.map(str::to_owned).into());
    };
    let storage = cut(2);
    storage.replace("a", b"new").unwrap_err();
    either(&storage, ["a=new b=other", "a=old b=other"]);
    let storage = cut(2);
    storage.rename("b", "a").unwrap_err();
    either(&storage, ["a=old b=other", "a=other"]);
    let storage = cut(2);
    storage.remove("b").unwrap_err();
    either(&storage, ["a=old", "a=old b=other"]);
    let storage = cut(2);
    assert!(storage.create("c").is_err());
    either(&storage, ["a=old b=other", "a=old b=other c="]);

    // A change that comes later may be there without one that came before.
    let storage = FaultyStorage::new();
    for name in ["a", "b"] {
        drop(storage.lock_file(name).unwrap());
    }
    let all = ["", "a=", "a= b=", "b="].map(str::to_owned);
    assert_eq!(after_any_power_loss(&storage), all.into());
    // Any sync of the directory is one of all names.
    storage.replace("c", b"").unwrap();
    assert_eq!(after_any_power_loss(&storage), BTreeSet::from(["a= b= c=".to_owned()]));
}

#[test]
fn each_sector_that_was_not_synced_is_there_or_not() {
    let storage = FaultyStorage::new();
    let file = storage.create("a").unwrap();
    file.write_at(0, &[1; 600]).unwrap();
    file.sync().unwrap();
    // Two writes into three sectors, one of which they share.
    file.write_at(500, &[2; 100]).unwrap();
    file.write_at(600, &[3; 500]).unwrap();
    let mut seen = BTreeSet::new();
    let mut lengths = BTreeSet::new();
    for seed in 0..5 * SEEDS {
        let place = storage.after_power_loss(seed);
        let found = bytes(&place, "a");
        assert!((600..=1100).contains(&found.len()));
        assert!(found[..500].iter().all(|byte| *byte == 1), "what was synced stays");
        // The parts that are whole or as before: 500..512, 512..600, 600..1024, 1024..1100.
        for (from, to, new) in [(500, 512, 2), (512, 600, 2), (600, 1024, 3), (1024, 1100, 3)] {
            let part = found.get(from..to.min(found.len())).unwrap_or_default();
            let old = u8::from(to <= 600);
            assert!(part.iter().all(|byte| *byte == old) || part.iter().all(|byte| *byte == new));
        }
        lengths.insert(found.len());
        if found.len() == 1100 {
            seen.insert([found[500], found[512], found[600], found[1024]]);
        }
        assert_eq!(bytes(&storage.after_power_loss(seed), "a"), found, "a seed does the same each time");
    }
    assert_eq!(seen.len(), 16, "{seen:?}");
    assert!(lengths.len() > 10 && lengths.contains(&600) && lengths.contains(&1100));

    file.sync().unwrap();
    file.truncate(3).unwrap();
    let lengths: BTreeSet<usize> =
        (0..SEEDS).map(|seed| bytes(&storage.after_power_loss(seed), "a").len()).collect();
    assert!(lengths.contains(&3) && lengths.contains(&1100));
}

#[test]
fn cells_outlast_the_process_but_not_surely_the_power() {
    let storage = FaultyStorage::new();
    let cells = storage.shared("cells", 1).unwrap();
    cells.store(0, 5);
    assert_eq!(left(&storage.after_crash()), "cells=5");
    let either = ["cells=0", "cells=5"].map(str::to_owned);
    assert_eq!(after_any_power_loss(&storage), either.into());
}
