//! What every storage promises: a directory, memory and the one that tests break keep the same contract.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::expect_used)]

mod common;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use causelog::ErrorCode;
use causelog::storage::{FileStorage, MemoryStorage, Storage, StorageFile};
use common::faulty::FaultyStorage;
use common::{Random, bytes, with_seeds};
use tempfile::TempDir;

/// A fresh place of each kind, with a second handle on it.
struct Places {
    directory: TempDir,
}

impl Places {
    fn new() -> Places {
        Places { directory: tempfile::tempdir().unwrap() }
    }

    fn each(&self) -> Vec<(Box<dyn Storage>, Box<dyn Storage>)> {
        let path = self.directory.path();
        let memory = MemoryStorage::new();
        let faulty = FaultyStorage::new();
        vec![
            (Box::new(FileStorage::open(path).unwrap()), Box::new(FileStorage::open_existing(path).unwrap())),
            (Box::new(memory.clone()), Box::new(memory)),
            (Box::new(faulty.clone()), Box::new(faulty)),
        ]
    }
}

fn code<T>(outcome: causelog::Result<T>) -> Option<ErrorCode> {
    outcome.err().map(|error| error.code())
}

fn names(storage: &dyn Storage) -> Vec<String> {
    let mut names = storage.list().unwrap();
    names.sort();
    names
}

fn content(file: &dyn StorageFile) -> Vec<u8> {
    let mut bytes = vec![0; file.length().unwrap() as usize];
    file.read_at(0, &mut bytes).unwrap();
    bytes
}

#[test]
fn files_are_made_found_replaced_renamed_and_removed() {
    for (storage, other) in Places::new().each() {
        let place = storage.describe();
        assert_eq!(code(storage.open("a")), Some(ErrorCode::NotFound), "{place}");
        assert_eq!(code(storage.rename("a", "b")), Some(ErrorCode::NotFound), "{place}");
        assert_eq!(code(storage.remove("a")), Some(ErrorCode::NotFound), "{place}");
        assert_eq!(names(&*storage), [""; 0], "{place}");

        let first = storage.create("a").unwrap();
        assert_eq!(first.length().unwrap(), 0);
        assert_eq!(code(other.create("a")), Some(ErrorCode::AlreadyExists), "{place}");
        first.write_at(0, b"first").unwrap();
        first.sync().unwrap();
        assert_eq!(bytes(&*other, "a"), b"first", "{place}");

        // Handles stay on the file that they opened.
        storage.replace("a", b"second").unwrap();
        assert_eq!(content(&*first), b"first", "{place}");
        assert_eq!(bytes(&*other, "a"), b"second", "{place}");

        let second = other.open("a").unwrap();
        storage.replace("b", b"third").unwrap();
        let third = storage.open("b").unwrap();
        storage.rename("a", "b").unwrap();
        assert_eq!(names(&*storage), ["b"], "{place}");
        assert_eq!(bytes(&*storage, "b"), b"second", "{place}");
        assert_eq!(content(&*third), b"third", "{place}");
        second.write_at(0, b"S").unwrap();
        assert_eq!(bytes(&*storage, "b"), b"Second", "{place}");

        storage.remove("b").unwrap();
        assert_eq!(names(&*other), [""; 0], "{place}");
        assert_eq!(code(other.open("b")), Some(ErrorCode::NotFound), "{place}");
        second.write_at(6, b"!").unwrap();
        second.sync().unwrap();
        assert_eq!(content(&*second), b"Second!", "{place}");
        assert_eq!(storage.create("b").unwrap().length().unwrap(), 0, "{place}");
        assert!(storage.same_process(), "{place}");
    }
}

#[test]
fn reading_past_the_end_is_corrupt_and_names_the_offset() {
    for (storage, _) in Places::new().each() {
        let place = storage.describe();
        let file = storage.create("a").unwrap();
        file.write_at(0, b"0123456789").unwrap();
        file.read_at(10, &mut []).unwrap();
        let mut buffer = [0; 4];
        file.read_at(6, &mut buffer).unwrap();
        assert_eq!(&buffer, b"6789", "{place}");
        for offset in [7, 10, 11, 1 << 40, i64::MAX as u64 - 3, i64::MAX as u64, u64::MAX - 3, u64::MAX] {
            let error = file.read_at(offset, &mut buffer).unwrap_err();
            assert_eq!(error.code(), ErrorCode::Corrupt, "{place}: {error}");
            assert!(error.message().contains(&format!("offset {offset} + 4")), "{place}: {error}");
        }
    }
}

#[test]
fn no_write_reaches_an_offset_that_a_file_can_not_have() {
    for (storage, _) in Places::new().each() {
        let place = storage.describe();
        let file = storage.create("a").unwrap();
        for offset in [i64::MAX as u64 - 2, i64::MAX as u64, u64::MAX - 2, u64::MAX] {
            let error = file.write_at(offset, b"abc").unwrap_err();
            assert_eq!(error.code(), ErrorCode::TooLarge, "{place}: {error}");
        }
        file.truncate(u64::MAX).unwrap();
        assert_eq!(file.length().unwrap(), 0, "{place}");
        assert_eq!(code(storage.shared("cells", usize::MAX)), Some(ErrorCode::TooLarge), "{place}");
    }
}

/// The faulty one keeps its holes, so it is left out.
#[test]
fn a_write_far_behind_the_end_leaves_zeros_and_takes_no_room() {
    for (storage, _) in Places::new().each().into_iter().take(2) {
        let place = storage.describe();
        let file = storage.create("a").unwrap();
        let far = 5 << 40;
        file.write_at(3, b"near").unwrap();
        file.write_at(far, b"far").unwrap();
        assert_eq!(file.length().unwrap(), far + 3, "{place}");
        let mut buffer = [9; 8];
        file.read_at(far - 5, &mut buffer).unwrap();
        assert_eq!(&buffer, b"\0\0\0\0\0far", "{place}");
        file.read_at(0, &mut buffer).unwrap();
        assert_eq!(&buffer, b"\0\0\0near\0", "{place}");
        file.truncate(5).unwrap();
        assert_eq!(content(&*file), b"\0\0\0ne", "{place}");
    }
}

#[test]
fn names_that_lead_elsewhere_are_refused() {
    for (storage, _) in Places::new().each().into_iter().take(2) {
        storage.replace("a", b"").unwrap();
        for name in ["", ".", "..", "../a", "a/b", "/a", "a\0", "lock"] {
            let place = storage.describe();
            let outcomes = [
                code(storage.open(name)),
                code(storage.create(name)),
                code(storage.replace(name, b"x")),
                code(storage.rename("a", name)),
                code(storage.rename(name, "a")),
                code(storage.remove(name)),
                code(storage.lock_file(name)),
                code(storage.shared(name, 1)),
            ];
            assert_eq!(outcomes, [Some(ErrorCode::InvalidArgument); 8], "{place}: {name:?}");
        }
    }
}

#[test]
fn there_is_one_writer() {
    for (storage, other) in Places::new().each() {
        let place = storage.describe();
        assert!(!storage.writer_is_alive().unwrap(), "{place}");
        let lock = storage.lock().unwrap();
        for handle in [&storage, &other] {
            assert_eq!(code(handle.lock()), Some(ErrorCode::Locked), "{place}");
            assert!(handle.writer_is_alive().unwrap(), "{place}");
        }
        drop(lock);
        assert!(!other.writer_is_alive().unwrap(), "{place}");
        let lock = other.lock().unwrap();
        assert_eq!(code(storage.lock()), Some(ErrorCode::Locked), "{place}");
        drop(lock);
    }
}

#[test]
fn who_looks_for_a_writer_never_locks_one_out() {
    for (storage, other) in Places::new().each() {
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    while !done.load(Ordering::Relaxed) {
                        other.writer_is_alive().unwrap();
                    }
                });
            }
            for _ in 0..300 {
                let lock = storage.lock();
                // Before anything can panic: the others end only with this.
                done.store(lock.is_err(), Ordering::Relaxed);
                drop(lock.unwrap());
            }
            done.store(true, Ordering::Relaxed);
        });
    }
}

#[test]
fn a_lock_of_a_name_makes_its_file_and_leaves_it_alone() {
    for (storage, other) in Places::new().each() {
        let place = storage.describe();
        let lock = storage.lock_file("a").unwrap();
        assert_eq!(names(&*storage), ["a"], "{place}");
        assert_eq!(bytes(&*storage, "a"), b"", "{place}");
        // Others write, and lock other names.
        other.open("a").unwrap().write_at(0, b"kept").unwrap();
        drop(other.lock_file("b").unwrap());
        drop(lock);
        drop(other.lock_file("a").unwrap());
        assert_eq!(bytes(&*storage, "a"), b"kept", "{place}");
    }
}

#[test]
fn one_thread_at_a_time_holds_the_lock_of_a_name() {
    for (storage, other) in Places::new().each() {
        let place = storage.describe();
        storage.replace("counter", &0_u64.to_le_bytes()).unwrap();
        thread::scope(|scope| {
            for handle in [&storage, &other, &storage, &other] {
                scope.spawn(|| (0..100).for_each(|_| count(&**handle)));
            }
        });
        assert_eq!(bytes(&*storage, "counter"), 400_u64.to_le_bytes(), "{place}");
    }
}

/// Adds one, the way that goes wrong when two do it at once. The file is another one each time.
fn count(storage: &dyn Storage) {
    let _lock = storage.lock_file("counter").unwrap();
    let counter = u64::from_le_bytes(bytes(storage, "counter").try_into().unwrap());
    thread::yield_now();
    storage.replace("counter", &(counter + 1).to_le_bytes()).unwrap();
}

#[test]
fn cells_are_shared_by_name_and_start_at_zero() {
    for (storage, other) in Places::new().each() {
        let place = storage.describe();
        let cells = storage.shared("cells", 3).unwrap();
        assert_eq!([0, 1, 2, 3].map(|index| cells.load(index)), [0; 4], "{place}");
        let same = other.shared("cells", 3).unwrap();
        cells.store(0, 1);
        cells.store(2, u64::MAX);
        cells.store(3, 5);
        assert_eq!([0, 1, 2, 3].map(|index| same.load(index)), [1, 0, u64::MAX, 0], "{place}");
        assert_eq!(storage.shared("others", 3).unwrap().load(0), 0, "{place}");
        assert_eq!(names(&*storage), ["cells", "others"], "{place}");

        // More of them, fewer of them: those that were there stay shared.
        let more = other.shared("cells", 2000).unwrap();
        assert_eq!((more.load(2), more.load(3), more.load(1999)), (u64::MAX, 0, 0), "{place}");
        more.store(1999, 7);
        let fewer = storage.shared("cells", 1).unwrap();
        fewer.store(0, 9);
        fewer.store(1, 9);
        assert_eq!((cells.load(0), cells.load(1), more.load(0)), (9, 0, 9), "{place}");
        assert_eq!(storage.shared("cells", 2000).unwrap().load(1999), 7, "{place}");
        assert_eq!(storage.shared("cells", 0).unwrap().load(0), 0, "{place}");

        // They stay when all handles are gone, unless they are removed.
        drop((cells, same, more, fewer));
        assert_eq!(storage.shared("cells", 3).unwrap().load(0), 9, "{place}");
        let old = storage.shared("cells", 3).unwrap();
        storage.remove("cells").unwrap();
        assert_eq!(storage.shared("cells", 3).unwrap().load(0), 0, "{place}");
        assert_eq!(old.load(0), 9, "{place}");
    }
}

/// Whoever sees a number sees what was written before it.
#[test]
fn a_reader_finds_what_a_cell_says_is_there() {
    for (storage, other) in Places::new().each() {
        let file = storage.create("data").unwrap();
        thread::scope(|scope| {
            scope.spawn(|| {
                let cells = storage.shared("ends", 1).unwrap();
                for number in 0..2000_u64 {
                    file.write_at(number * 8, &number.to_le_bytes()).unwrap();
                    cells.store(0, number + 1);
                }
            });
            let cells = other.shared("ends", 1).unwrap();
            let file = other.open("data").unwrap();
            let mut seen = 0;
            while seen < 2000 {
                let end = cells.load(0);
                assert!(end >= seen);
                for number in seen..end {
                    let mut bytes = [0; 8];
                    file.read_at(number * 8, &mut bytes).unwrap();
                    assert_eq!(u64::from_le_bytes(bytes), number);
                }
                seen = end;
            }
        });
    }
}

/// The contents of files, and which one has which name; handles keep the numbers of theirs.
#[derive(Default)]
struct Model {
    files: Vec<Vec<u8>>,
    names: BTreeMap<String, usize>,
}

impl Model {
    fn add(&mut self, name: &str, content: &[u8]) -> usize {
        self.files.push(content.to_vec());
        self.names.insert(name.to_owned(), self.files.len() - 1);
        self.files.len() - 1
    }

    fn write(&mut self, file: usize, offset: usize, bytes: &[u8]) {
        let content = &mut self.files[file];
        if !bytes.is_empty() {
            content.resize(content.len().max(offset + bytes.len()), 0);
            content[offset..offset + bytes.len()].copy_from_slice(bytes);
        }
    }
}

/// Offsets and lengths near the borders of sectors and of chunks in memory.
fn some_length(random: &mut Random) -> usize {
    let around = *random.pick(&[0, 0, 0, 512, 4096, 256 << 10, 512 << 10]);
    (around + random.below(9)).saturating_sub(random.below(5))
}

#[test]
fn all_storages_do_what_a_simple_model_does() {
    with_seeds(12, |mut random| {
        for (storage, other) in Places::new().each() {
            let mut model = Model::default();
            let mut handles: Vec<(usize, Box<dyn StorageFile>)> = Vec::new();
            for _ in 0..120 {
                let storage = if random.chance(50) { &storage } else { &other };
                let name = *random.pick(&["a", "b", "c"]);
                let known = model.names.get(name).copied();
                let byte = random.next() as u8 | 1;
                match random.below(9) {
                    0 => match storage.create(name) {
                        Ok(file) => {
                            assert_eq!(known, None);
                            handles.push((model.add(name, &[]), file));
                        }
                        Err(error) => {
                            assert_eq!((known.is_some(), error.code()), (true, ErrorCode::AlreadyExists));
                        }
                    },
                    1 => {
                        let content = vec![byte; some_length(&mut random)];
                        storage.replace(name, &content).unwrap();
                        model.add(name, &content);
                    }
                    2 => {
                        let to = *random.pick(&["a", "b", "c"]);
                        let renamed = code(storage.rename(name, to));
                        assert_eq!(renamed, known.is_none().then_some(ErrorCode::NotFound));
                        if let Some(file) = model.names.remove(name) {
                            model.names.insert(to.to_owned(), file);
                        }
                    }
                    3 => {
                        let removed = code(storage.remove(name));
                        assert_eq!(removed, known.is_none().then_some(ErrorCode::NotFound));
                        model.names.remove(name);
                    }
                    4 => match storage.open(name) {
                        Ok(file) => handles.push((known.unwrap(), file)),
                        Err(error) => assert_eq!((known, error.code()), (None, ErrorCode::NotFound)),
                    },
                    _ if handles.is_empty() => {}
                    choice => {
                        let at = random.below(handles.len());
                        let (file, handle) = &handles[at];
                        let (offset, length) = (some_length(&mut random), some_length(&mut random));
                        match choice {
                            5 => {
                                handle.truncate(offset as u64).unwrap();
                                model.files[*file].truncate(offset);
                            }
                            6 => handle.sync().unwrap(),
                            _ => {
                                let content = vec![byte; length];
                                handle.write_at(offset as u64, &content).unwrap();
                                model.write(*file, offset, &content);
                            }
                        }
                        let mut found = vec![byte; length];
                        let read = code(handle.read_at(offset as u64, &mut found));
                        match model.files[*file].get(offset..offset + length) {
                            Some(wanted) => assert!(read.is_none() && found == wanted),
                            // Of nothing it does not matter where it is.
                            None => assert!(length == 0 || read == Some(ErrorCode::Corrupt)),
                        }
                    }
                }
                assert_eq!(names(&**storage), model.names.keys().cloned().collect::<Vec<_>>());
            }
            for (file, handle) in &handles {
                assert!(content(&**handle) == model.files[*file], "{}", storage.describe());
            }
            for (name, file) in &model.names {
                assert!(bytes(&*storage, name) == model.files[*file], "{}: {name}", storage.describe());
            }
        }
    });
}
