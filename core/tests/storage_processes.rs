//! A directory shared by several processes, and one that does not let itself be written.
//!
//! Each test starts its own program again, and plays the other process when it finds itself started so.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::expect_used)]

mod common;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::thread;

use causelog::storage::{FileStorage, Storage};
use causelog::{ErrorCode, Result};
use common::bytes;
use common::process::{Other, as_other, ready};

fn code<T>(outcome: Result<T>) -> Option<ErrorCode> {
    outcome.err().map(|error| error.code())
}

#[test]
fn one_process_writes_until_it_ends() {
    if let Some(directory) = as_other() {
        let storage = FileStorage::open_existing(directory).unwrap();
        assert!(storage.writer_is_alive().unwrap());
        assert_eq!(code(storage.lock()), Some(ErrorCode::Locked));
        ready();
        let _lock = storage.lock().unwrap();
        ready();
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let storage = FileStorage::open(directory.path()).unwrap();
    assert!(!storage.writer_is_alive().unwrap());
    let lock = storage.lock().unwrap();
    let mut other = Other::start("one_process_writes_until_it_ends", directory.path());
    other.wait();
    drop(lock);
    other.go_on();
    other.wait();
    assert!(storage.writer_is_alive().unwrap());
    assert_eq!(code(storage.lock()), Some(ErrorCode::Locked));
    other.kill();
    assert!(!storage.writer_is_alive().unwrap());
    storage.lock().unwrap();
}

#[test]
fn a_lock_of_a_name_holds_between_processes() {
    /// Adds one 100 times in each of two threads, by a new file each time.
    fn count(storage: &FileStorage) {
        let step = || {
            let _lock = storage.lock_file("counter").unwrap();
            let counter = u64::from_le_bytes(bytes(storage, "counter").try_into().unwrap());
            thread::yield_now();
            storage.replace("counter", &(counter + 1).to_le_bytes()).unwrap();
        };
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| (0..100).for_each(|_| step()));
            }
        });
    }

    if let Some(directory) = as_other() {
        let storage = FileStorage::open_existing(directory).unwrap();
        ready();
        return count(&storage);
    }
    let directory = tempfile::tempdir().unwrap();
    let storage = FileStorage::open(directory.path()).unwrap();
    storage.replace("counter", &0_u64.to_le_bytes()).unwrap();
    let mut other = Other::start("a_lock_of_a_name_holds_between_processes", directory.path());
    other.wait();
    other.go_on();
    count(&storage);
    other.succeeds();
    assert_eq!(bytes(&storage, "counter"), 400_u64.to_le_bytes());
}

#[test]
fn a_lock_of_a_name_is_free_when_its_process_was_killed() {
    if let Some(directory) = as_other() {
        let _lock = FileStorage::open_existing(directory).unwrap().lock_file("a").unwrap();
        return ready();
    }
    let directory = tempfile::tempdir().unwrap();
    let storage = FileStorage::open(directory.path()).unwrap();
    let mut other = Other::start("a_lock_of_a_name_is_free_when_its_process_was_killed", directory.path());
    other.wait();
    let held = fs::File::open(directory.path().join("a")).unwrap();
    assert!(held.try_lock().is_err());
    drop(held);
    other.kill();
    drop(storage.lock_file("a").unwrap());
}

#[test]
fn cells_are_the_same_in_all_processes() {
    if let Some(directory) = as_other() {
        let storage = FileStorage::open_existing(directory).unwrap();
        let cells = storage.shared("cells", 600).unwrap();
        assert_eq!((cells.load(0), cells.load(3), cells.load(599)), (u64::MAX, 7, 0));
        cells.store(599, 5);
        ready();
        // Whoever sees the number sees what was written before it.
        let file = storage.open("data").unwrap();
        let mut seen = 0;
        while seen < 1000 {
            let end = cells.load(1);
            for number in seen..end {
                let mut bytes = [0; 8];
                file.read_at(number * 8, &mut bytes).unwrap();
                assert_eq!(u64::from_le_bytes(bytes), number);
            }
            seen = end;
        }
        cells.store(2, seen);
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let storage = FileStorage::open(directory.path()).unwrap();
    let few = storage.shared("cells", 4).unwrap();
    let file = storage.create("data").unwrap();
    few.store(0, u64::MAX);
    few.store(3, 7);
    let mut other = Other::start("cells_are_the_same_in_all_processes", directory.path());
    other.wait();
    // The other process asked for more, so the file grew under this map.
    assert_eq!(fs::metadata(directory.path().join("cells")).unwrap().len(), 8192);
    assert_eq!(storage.shared("cells", 600).unwrap().load(599), 5);
    other.go_on();
    for number in 0..1000_u64 {
        file.write_at(number * 8, &number.to_le_bytes()).unwrap();
        few.store(1, number + 1);
    }
    other.succeeds();
    assert_eq!((few.load(0), few.load(2)), (u64::MAX, 1000));
}

#[test]
fn a_file_of_cells_never_gets_shorter_and_has_no_holes() {
    use std::os::unix::fs::MetadataExt;

    let directory = tempfile::tempdir().unwrap();
    let storage = FileStorage::open(directory.path()).unwrap();
    let path = directory.path().join("cells");
    let metadata = || fs::metadata(&path).unwrap();
    // One that somebody has cut to an odd length is made whole again.
    fs::write(&path, [1; 13]).unwrap();
    let cells = storage.shared("cells", 3).unwrap();
    assert_eq!([0, 1, 2].map(|index| cells.load(index)), [0x0101_0101_0101_0101, 0x01_0101_0101, 0]);
    assert_eq!(metadata().len(), 4096);
    storage.shared("cells", 2000).unwrap();
    assert_eq!(metadata().len(), 16384);
    storage.shared("cells", 1).unwrap();
    assert_eq!(metadata().len(), 16384);
    fs::File::open(&path).unwrap().sync_all().unwrap();
    assert!(metadata().blocks() * 512 >= 16384);
}

#[test]
#[cfg(target_os = "linux")]
fn no_descriptor_reaches_another_program() {
    if let Some(directory) = as_other() {
        for entry in fs::read_dir("/proc/self/fd").unwrap() {
            // The descriptor that lists them is gone by now.
            let Ok(target) = fs::read_link(entry.unwrap().path()) else { continue };
            assert!(!target.starts_with(&directory), "{}", target.display());
        }
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().canonicalize().unwrap();
    let storage = FileStorage::open(&path).unwrap();
    let _open = (storage.lock().unwrap(), storage.lock_file("a").unwrap(), storage.create("b").unwrap());
    let _cells = storage.shared("cells", 1).unwrap();
    let held = fs::read_dir("/proc/self/fd").unwrap().filter(|entry| {
        fs::read_link(entry.as_ref().unwrap().path()).is_ok_and(|target| target.starts_with(&path))
    });
    assert_eq!(held.count(), 3);
    Other::start("no_descriptor_reaches_another_program", &path).succeeds();
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_no_space_and_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let storage = FileStorage::open(directory.path()).unwrap();
    symlink("/dev/full", directory.path().join("full")).unwrap();
    let file = storage.open("full").unwrap();
    assert_eq!(code(file.write_at(0, b"x")), Some(ErrorCode::NoSpace));

    storage.replace("a", b"before").unwrap();
    symlink("/dev/full", directory.path().join("a.new")).unwrap();
    assert_eq!(code(storage.replace("a", b"after")), Some(ErrorCode::NoSpace));
    assert_eq!(bytes(&storage, "a"), b"before");
    // The leftover is gone, and there is room now.
    storage.replace("a", b"after").unwrap();
    assert_eq!(bytes(&storage, "a"), b"after");
}

#[test]
fn an_existing_directory_is_opened_without_making_any() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("missing");
    assert_eq!(code(FileStorage::open_existing(&missing)), Some(ErrorCode::NotFound));
    assert!(!missing.exists());
    fs::write(&missing, "").unwrap();
    assert_eq!(code(FileStorage::open_existing(&missing)), Some(ErrorCode::InvalidArgument));
    assert_eq!(code(FileStorage::open(&missing)), Some(ErrorCode::InvalidArgument));
    let storage = FileStorage::open_existing(directory.path()).unwrap();
    assert_eq!(storage.list().unwrap(), ["missing"]);
}

/// What a process that may only read finds: `a` with content, cells where the first is 7, `held` to lock.
fn only_reads(directory: &Path) {
    let storage = FileStorage::open(directory).unwrap();
    let file = storage.open("a").unwrap();
    assert_eq!(bytes(&storage, "a"), b"content");
    assert_eq!(code(file.write_at(0, b"x")), Some(ErrorCode::ReadOnly));
    assert_eq!(code(file.truncate(0)), Some(ErrorCode::ReadOnly));
    file.sync().unwrap();

    let cells = storage.shared("cells", 3).unwrap();
    cells.store(0, 1);
    cells.store(600, 1);
    assert_eq!((cells.load(0), cells.load(1), cells.load(600)), (7, 0, 0));
    let more = storage.shared("cells", 2000).unwrap();
    assert_eq!((more.load(0), more.load(1999)), (7, 0));
    let missing = storage.shared("missing", 1).unwrap();
    missing.store(0, 1);
    assert_eq!(missing.load(0), 0);
    let short = storage.shared("short", 3).unwrap();
    assert_eq!((short.load(0), short.load(1)), (0x0101_0101_0101_0101, 0));

    assert!(storage.writer_is_alive().unwrap());
    drop(storage.lock_file("held").unwrap());
    let refused = [
        code(storage.lock()),
        code(storage.create("b")),
        code(storage.replace("a", b"x")),
        code(storage.rename("a", "b")),
        code(storage.remove("a")),
        code(storage.lock_file("b")),
        code(FileStorage::open(directory.join("inner"))),
    ];
    assert_eq!(refused, [Some(ErrorCode::ReadOnly); 7]);
    assert_eq!(code(storage.create("a")), Some(ErrorCode::AlreadyExists));
}

#[test]
fn a_directory_that_may_only_be_read_is_read() {
    const NOBODY: u32 = 65534;

    if let Some(directory) = as_other() {
        return only_reads(&directory);
    }
    let outer = tempfile::tempdir().unwrap();
    let directory = outer.path().join("place");
    let storage = FileStorage::open(&directory).unwrap();
    let _lock = storage.lock().unwrap();
    storage.replace("a", b"content").unwrap();
    storage.replace("held", b"").unwrap();
    storage.replace("short", &[1; 13]).unwrap();
    storage.shared("cells", 3).unwrap().store(0, 7);
    for name in storage.list().unwrap() {
        fs::set_permissions(directory.join(name), fs::Permissions::from_mode(0o444)).unwrap();
    }
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o555)).unwrap();
    fs::set_permissions(outer.path(), fs::Permissions::from_mode(0o755)).unwrap();

    // The superuser may write anyway: the other process is nobody then, and needs a program that it may run.
    let program = outer.path().join("program");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let mut command = Command::new(&program);
    // SAFETY: it only asks who this is.
    if unsafe { libc::geteuid() } == 0 {
        command.uid(NOBODY).gid(NOBODY);
    }
    command.current_dir(outer.path());
    Other::run(command, "a_directory_that_may_only_be_read_is_read", &directory).succeeds();
    assert_eq!(storage.shared("cells", 3).unwrap().load(0), 7);
    fs::set_permissions(&directory, fs::Permissions::from_mode(0o755)).unwrap();
}
