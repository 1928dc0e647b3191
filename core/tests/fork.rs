//! A handle knows when it has been carried into another process by a fork.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::expect_used)]
#![cfg(unix)]

mod common;

use std::cell::Cell;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use causelog::storage::{FileStorage, MemoryStorage, SharedCells, Storage, StorageFile, StorageLock};
use causelog::{
    Change, ChangeLog, CompactionOptions, ErrorCode, LogOptions, QueryOptions, Result, RetentionPolicy,
    Timestamp, VectorClock,
};
use common::forward;
use common::gate::Gate;

/// One test at a time: a process that forks has no threads at work but those of one.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs `check` in a forked child and says whether it was true there. Of what other
/// threads hold it must touch only what is on trial: in the child nobody gives it back.
/// A child that waits for that is ended after a while, which is a failure.
fn in_child(check: impl Fn() -> bool) -> bool {
    // SAFETY: all other threads of the process stand still in a lock or a wait, so what they
    // share with the child is as they left it; it never returns into the test.
    let child = unsafe { libc::fork() };
    assert!(child >= 0, "{}", std::io::Error::last_os_error());
    if child == 0 {
        // SAFETY: nothing else here sets or catches an alarm.
        unsafe { libc::alarm(10) };
        let status = i32::from(!check());
        // SAFETY: ends the child without running what belongs to the parent.
        unsafe { libc::_exit(status) };
    }
    let mut status = 0;
    // SAFETY: `status` is a valid place for the answer, and `child` is ours.
    let waited = unsafe { libc::waitpid(child, &raw mut status, 0) };
    assert_eq!(waited, child);
    assert!(libc::WIFEXITED(status), "the child ended with {status}");
    libc::WEXITSTATUS(status) == 0
}

#[test]
fn a_handle_is_no_longer_in_its_process_after_a_fork() {
    let _alone = alone();
    let directory = tempfile::tempdir().unwrap();
    let file = FileStorage::open(directory.path()).unwrap();
    let memory = MemoryStorage::new();
    let copy = memory.clone();
    let handles: [&dyn Storage; 3] = [&file, &memory, &copy];
    assert!(handles.iter().all(|handle| handle.same_process()));
    assert!(in_child(|| handles.iter().all(|handle| !handle.same_process())));
    // It is the child's handles that have changed.
    assert!(handles.iter().all(|handle| handle.same_process()));

    // A child makes handles of its own, and so does its child. Each knows its own
    // only. (Making them takes memory: with a single thread at work that is safe.)
    assert!(in_child(|| {
        let Ok(own) = FileStorage::open_existing(directory.path()) else { return false };
        let grandchild = in_child(|| {
            let its = MemoryStorage::new();
            its.same_process() && !own.same_process() && !file.same_process()
        });
        grandchild && own.same_process() && !file.same_process() && !memory.same_process()
    }));
    assert!(handles.iter().all(|handle| handle.same_process()));

    // A child gives back nothing of its parent's, whether it ends or drops what it has a copy of.
    let second = FileStorage::open(directory.path()).unwrap();
    let lock = Cell::new(Some(file.lock().unwrap()));
    assert!(in_child(|| true));
    assert!(second.writer_is_alive().unwrap());
    assert!(in_child(|| {
        drop(lock.take());
        true
    }));
    assert!(second.writer_is_alive().unwrap());

    // Nor does it keep what its parent gives back, though it has the descriptor.
    let mut ends = [0; 2];
    // SAFETY: there is room for the two descriptors.
    assert_eq!(unsafe { libc::pipe(ends.as_mut_ptr()) }, 0);
    // SAFETY: as above; the child waits until its parent is done, and ends.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let mut byte = 0_u8;
        // SAFETY: one byte has room there; both calls are safe after a fork.
        unsafe {
            libc::close(ends[1]);
            libc::read(ends[0], (&raw mut byte).cast(), 1);
            libc::_exit(0);
        }
    }
    assert!(child > 0);
    drop(lock.take());
    let alive = second.writer_is_alive().unwrap();
    let locked = second.lock().is_ok();
    // SAFETY: these descriptors and this child are ours; a null status asks for none.
    unsafe {
        libc::close(ends[0]);
        libc::close(ends[1]);
        assert_eq!(libc::waitpid(child, std::ptr::null_mut(), 0), child);
    }
    assert!(!alive && locked);
}

/// Files in memory that are opened through a gate.
struct Gated {
    memory: MemoryStorage,
    opens: Arc<Gate>,
}

impl Storage for Gated {
    fn open(&self, name: &str) -> Result<Box<dyn StorageFile>> {
        self.opens.pass();
        self.memory.open(name)
    }

    forward! { memory:
        lock() -> Result<Box<dyn StorageLock>>;
        writer_is_alive() -> Result<bool>;
        lock_file(name: &str) -> Result<Box<dyn StorageLock>>;
        list() -> Result<Vec<String>>;
        create(name: &str) -> Result<Box<dyn StorageFile>>;
        replace(name: &str, bytes: &[u8]) -> Result<()>;
        rename(from: &str, to: &str) -> Result<()>;
        remove(name: &str) -> Result<()>;
        shared(name: &str, count: usize) -> Result<Box<dyn SharedCells>>;
        describe() -> String;
        same_process() -> bool;
    }
}

/// Makes each call in a child of its own, where it must be `CLOSED`.
fn are_closed_in_a_child(calls: &[(&str, &dyn Fn() -> Result<()>)]) {
    for (name, call) in calls {
        println!("{name}");
        assert!(in_child(|| call().is_err_and(|error| error.code() == ErrorCode::Closed)), "{name}");
    }
}

/// Drops in a child what the process goes on to use.
fn can_be_dropped_in_a_child<A, B>(one: &A, other: &B) {
    assert!(in_child(|| {
        // SAFETY: these are the child's copies, which nobody uses after this: it ends without returning.
        drop(unsafe { (std::ptr::read(one), std::ptr::read(other)) });
        true
    }));
}

#[test]
fn a_child_is_told_though_a_thread_that_is_not_there_holds_the_writers_lock() {
    let _alone = alone();
    let directory = tempfile::tempdir().unwrap();
    let places: [Arc<dyn Storage>; 2] =
        [Arc::new(MemoryStorage::new()), Arc::new(FileStorage::open(directory.path()).unwrap())];
    for place in places {
        println!("{}", place.describe());
        let gate = Arc::new(Gate::default());
        let open = || {
            ChangeLog::open_storage(place.clone(), LogOptions { time: gate.clone(), ..LogOptions::default() })
        };
        let log = open().unwrap();
        let insert = |row: i64| log.append(Change::insert("t", row, "1")).map(drop);
        insert(1).unwrap();
        let view = log.materialise("t").unwrap();
        thread::scope(|scope| {
            let (came, shut) = (gate.came(), gate.shut());
            let appends = scope.spawn(|| insert(2));
            gate.wait_after(came);
            are_closed_in_a_child(&[
                ("append", &|| insert(3)),
                ("sync", &|| log.sync()),
                ("maintain", &|| log.maintain(Timestamp::MAX)),
                ("retain", &|| log.retain(&RetentionPolicy::default()).map(drop)),
                ("compact", &|| log.compact(&CompactionOptions::default()).map(drop)),
                ("transactions", &|| log.transactions(&VectorClock::new()).map(drop)),
                ("wait", &|| log.wait(1, Duration::MAX).map(drop)),
                ("refresh", &|| view.refresh().map(drop)),
            ]);
            println!("close");
            assert!(in_child(|| log.close().is_ok() && log.close().is_ok() && insert(3).is_err()));
            println!("drop");
            can_be_dropped_in_a_child(&log, &view);
            drop(shut);
            appends.join().unwrap().unwrap();
        });
        // What the children did to their copies is nothing to this process.
        insert(3).unwrap();
        assert_eq!((view.refresh().unwrap(), view.len()), (2, 3));
        assert_eq!(open().unwrap_err().code(), ErrorCode::Locked);
        log.close().unwrap();
        let again = open().unwrap();
        again.verify().unwrap().check().unwrap();
        assert_eq!(again.query(QueryOptions::default()).unwrap().count(), 3);
    }
}

/// Of a log opened for reading only a thread that takes in what is new holds that lock, and the view's.
#[test]
fn a_child_is_told_though_a_thread_that_is_not_there_reads_on() {
    let _alone = alone();
    let memory = MemoryStorage::new();
    let small = || LogOptions { segment_bytes: 4096, ..LogOptions::default() };
    let writer = ChangeLog::open_storage(Arc::new(memory.clone()), small()).unwrap();
    let gate = Arc::new(Gate::default());
    let place = Arc::new(Gated { memory, opens: gate.clone() });
    let reader = ChangeLog::open_storage(place, LogOptions { read_only: true, ..small() }).unwrap();
    let view = reader.materialise("t").unwrap();
    // A segment is full and the next one begun, which whoever reads on opens.
    for row in 0..2 {
        writer.append(Change::insert("t", row, vec![b'x'; 4096])).unwrap();
    }
    thread::scope(|scope| {
        let (came, shut) = (gate.came(), gate.shut());
        let refreshes = scope.spawn(|| view.refresh());
        gate.wait_after(came);
        are_closed_in_a_child(&[
            ("refresh", &|| view.refresh().map(drop)),
            ("query", &|| reader.query(QueryOptions::default()).map(drop)),
            ("transactions", &|| reader.transactions(&VectorClock::new()).map(drop)),
            ("wait", &|| reader.wait(0, Duration::MAX).map(drop)),
            ("stats", &|| reader.stats().map(drop)),
            ("verify", &|| reader.verify().map(drop)),
        ]);
        println!("close");
        assert!(in_child(|| reader.close().is_ok() && view.refresh().is_err()));
        println!("drop");
        can_be_dropped_in_a_child(&reader, &view);
        drop(shut);
        assert_eq!(refreshes.join().unwrap().unwrap(), 2);
    });
    assert_eq!(view.len(), 2);
}
