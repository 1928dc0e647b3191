//! A panic inside a call that changes the log closes the handle, and costs nothing that was acknowledged.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::expect_used)]

mod common;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use causelog::storage::{MemoryStorage, SharedCells, Storage, StorageFile, StorageLock};
use causelog::{
    Change, ChangeLog, Dot, Durability, ErrorCode, IdSource, LogOptions, QueryOptions, Result, TimeSource,
    Timestamp, Transaction, Uuid, VectorClock,
};
use common::{at, entries, foreign, node, options, transactions};

/// Where the trap can be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Clock,
    Ids,
    Read,
    Write,
    Sync,
}

/// A time, an id source and a storage that panic when told to.
#[derive(Clone)]
struct Trap {
    set: Arc<Mutex<Option<Place>>>,
    storage: MemoryStorage,
}

impl Trap {
    fn new() -> Self {
        Trap { set: Arc::default(), storage: MemoryStorage::new() }
    }

    fn set(&self, place: impl Into<Option<Place>>) {
        *self.set.lock().unwrap() = place.into();
    }

    fn step(&self, place: Place) {
        let sprung = *self.set.lock().unwrap() == Some(place);
        assert!(!sprung, "the trap was sprung");
    }

    fn options(&self, durability: Durability) -> LogOptions {
        LogOptions { time: Arc::new(self.clone()), durability, ..options() }
    }
}

impl TimeSource for Trap {
    fn now(&self) -> Timestamp {
        self.step(Place::Clock);
        at(1_000_000)
    }
}

impl IdSource for Trap {
    fn new_id(&self) -> Uuid {
        self.step(Place::Ids);
        node(5)
    }
}

impl Storage for Trap {
    fn lock(&self) -> Result<Box<dyn StorageLock>> {
        self.storage.lock()
    }

    fn writer_is_alive(&self) -> Result<bool> {
        self.storage.writer_is_alive()
    }

    fn lock_file(&self, name: &str) -> Result<Box<dyn StorageLock>> {
        self.storage.lock_file(name)
    }

    fn list(&self) -> Result<Vec<String>> {
        self.storage.list()
    }

    fn open(&self, name: &str) -> Result<Box<dyn StorageFile>> {
        Ok(Box::new(TrapFile(self.clone(), self.storage.open(name)?)))
    }

    fn create(&self, name: &str) -> Result<Box<dyn StorageFile>> {
        Ok(Box::new(TrapFile(self.clone(), self.storage.create(name)?)))
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> Result<()> {
        self.storage.replace(name, bytes)
    }

    fn rename(&self, from: &str, to: &str) -> Result<()> {
        self.storage.rename(from, to)
    }

    fn remove(&self, name: &str) -> Result<()> {
        self.storage.remove(name)
    }

    fn shared(&self, name: &str, count: usize) -> Result<Box<dyn SharedCells>> {
        self.storage.shared(name, count)
    }

    fn describe(&self) -> String {
        "trap".to_owned()
    }
}

struct TrapFile(Trap, Box<dyn StorageFile>);

impl StorageFile for TrapFile {
    fn length(&self) -> Result<u64> {
        self.1.length()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        self.0.step(Place::Read);
        self.1.read_at(offset, buffer)
    }

    /// Panics half-way.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        self.1.write_at(offset, &bytes[..bytes.len() / 2])?;
        self.0.step(Place::Write);
        self.1.write_at(offset, bytes)
    }

    fn truncate(&self, length: u64) -> Result<()> {
        self.1.truncate(length)
    }

    fn sync(&self) -> Result<()> {
        self.0.step(Place::Sync);
        self.1.sync()
    }
}

fn panics<T>(work: impl FnOnce() -> T) {
    let outcome = catch_unwind(AssertUnwindSafe(work));
    let payload = outcome.err().expect("this must panic");
    assert_eq!(payload.downcast_ref::<&str>(), Some(&"the trap was sprung"));
}

fn insert(row: i64) -> Change {
    Change::insert("t", row, "1")
}

/// The handle answers nothing any more, and is no longer in the way.
fn check_closed(log: &ChangeLog) {
    for outcome in [
        log.append(insert(1)).map(drop),
        log.append_remote(&foreign(node(1), 1, &[], 1)).map(drop),
        log.query(QueryOptions::default()).map(drop),
        log.transactions(&VectorClock::new()).map(drop),
        log.frontier().map(drop),
        log.stats().map(drop),
        log.sync(),
    ] {
        let error = outcome.unwrap_err();
        assert_eq!(error.code(), ErrorCode::Closed);
        assert!(error.message().contains("internal failure"), "{error}");
    }
    log.close().unwrap();
}

type Call = fn(&ChangeLog);

#[test]
fn a_panic_within_a_change_closes_the_log_and_loses_nothing() {
    let calls: [Call; 4] = [
        |log| drop(log.append(insert(7))),
        |log| drop(log.append_transaction(vec![insert(7), insert(8)])),
        |log| drop(log.append_remote(&foreign(node(3), 2, &[], 2))),
        |log| drop(log.append_transaction(Vec::new())),
    ];
    let sync: Call = |log| {
        // All that was there before is on the disk already.
        log.append_transaction(Vec::new()).unwrap();
        drop(log.sync());
    };
    let (durable, fast) = (Durability::Sync, Durability::Os);
    let mut cases = vec![(fast, Place::Sync, sync)];
    for call in calls {
        cases.push((durable, Place::Sync, call));
        for place in [Place::Clock, Place::Write] {
            cases.extend([durable, fast].map(|durability| (durability, place, call)));
        }
    }
    for (durability, place, call) in cases {
        println!("{durability:?} {place:?}");
        let trap = Trap::new();
        let log =
            ChangeLog::open_storage(std::sync::Arc::new(trap.clone()), trap.options(durability)).unwrap();
        for row in 0..5 {
            log.append(insert(row)).unwrap();
        }
        log.append_remote(&foreign(node(1), 2, &[], 2)).unwrap();
        let acknowledged = transactions(&log);
        let mut begun = log.query(QueryOptions::default()).unwrap();
        let mut fresh = log.transactions(&VectorClock::new()).unwrap();
        begun.next().unwrap().unwrap();

        trap.set(place);
        panics(|| call(&log));
        trap.set(None);
        check_closed(&log);
        assert_eq!(begun.next().unwrap().unwrap_err().code(), ErrorCode::Closed);
        assert_eq!(fresh.next().unwrap().unwrap_err().code(), ErrorCode::Closed);

        // Though the old handle and its cursors are still there, it can be opened again.
        let log =
            ChangeLog::open_storage(std::sync::Arc::new(trap.clone()), trap.options(durability)).unwrap();
        let found = transactions(&log);
        assert_eq!(found[..6], acknowledged);
        // What was written whole when the sync panicked may be there; it was not promised.
        let whole = place == Place::Sync;
        assert_eq!(found.len(), 6 + usize::from(whole));
        let appended = log.append(insert(9)).unwrap();
        drop(log);
        let log =
            ChangeLog::open_storage(std::sync::Arc::new(trap.clone()), trap.options(durability)).unwrap();
        assert_eq!(transactions(&log).last().unwrap().dot(), appended.transaction);
        assert_eq!(transactions(&log).len(), found.len() + 1);
        assert_eq!(entries(&log).last().unwrap().lsn, appended.last_lsn.unwrap());
    }
}

#[test]
fn a_panic_while_opening_leaves_the_place_as_it_was() {
    let trap = Trap::new();
    let open = || {
        let ids: Arc<dyn IdSource> = Arc::new(trap.clone());
        ChangeLog::open_storage(std::sync::Arc::new(trap.storage.clone()), LogOptions { ids, ..options() })
    };
    trap.set(Place::Ids);
    panics(open);
    trap.set(None);
    let log = open().unwrap();
    log.append(insert(1)).unwrap();
    drop(log);
    assert_eq!(entries(&open().unwrap()).len(), 1);
}

#[test]
fn a_panic_while_reading_is_the_readers_own() {
    let trap = Trap::new();
    let log = ChangeLog::open_storage(std::sync::Arc::new(trap.clone()), options()).unwrap();
    log.append(insert(1)).unwrap();
    let mut cursor = log.query(QueryOptions::default()).unwrap();
    trap.set(Place::Read);
    panics(|| cursor.next());
    trap.set(None);
    log.append(insert(2)).unwrap();
    assert_eq!(entries(&log).len(), 2);
}

/// A log used while its thread unwinds from something else is not to blame.
#[test]
fn a_call_made_during_another_panic_does_not_close_the_log() {
    struct AppendOnDrop<'a>(&'a ChangeLog);

    impl Drop for AppendOnDrop<'_> {
        fn drop(&mut self) {
            self.0.append(insert(1)).unwrap();
        }
    }

    let trap = Trap::new();
    let log = ChangeLog::open_storage(std::sync::Arc::new(trap.storage.clone()), options()).unwrap();
    panics(|| {
        let _append = AppendOnDrop(&log);
        trap.set(Place::Read);
        trap.step(Place::Read);
    });
    log.append(insert(2)).unwrap();
    let held: Vec<Dot> = transactions(&log).iter().map(Transaction::dot).collect();
    assert_eq!(held.iter().map(|dot| dot.sequence).collect::<Vec<_>>(), [1, 2]);
}
