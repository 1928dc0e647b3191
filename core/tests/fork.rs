//! A handle knows when it has been carried into another process by a fork.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
#![cfg(unix)]

use std::cell::Cell;

use causelog::storage::{FileStorage, MemoryStorage, Storage};

/// Runs `check` in a forked child and says whether it was true there. It must do
/// only what a child of a process with threads may: no memory, no locks.
fn in_child(check: impl Fn() -> bool) -> bool {
    // SAFETY: the child calls `check`, which by contract does what is safe in a
    // signal handler only, and `_exit`, which is; it never returns into the test.
    let child = unsafe { libc::fork() };
    assert!(child >= 0, "{}", std::io::Error::last_os_error());
    if child == 0 {
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

/// One test: the process that forks has no threads but its own.
#[test]
fn a_handle_is_no_longer_in_its_process_after_a_fork() {
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
