//! Memory that processes share, memory that a fork empties, and files as memory: the only unsafe code of the crate.

use std::fs::File;
use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering, fence};

use memmap2::{Mmap, MmapMut, MmapOptions, MmapRaw};

use crate::storage::SharedCells;

/// Bytes of a cell.
pub(super) const CELL: usize = size_of::<u64>();

/// The 8-byte numbers at the start of a map.
struct Cells {
    map: MmapRaw,
    count: usize,
}

impl Cells {
    /// The numbers of `map`, but no more than `count` of them.
    fn new(map: MmapRaw, count: usize) -> Cells {
        let count = count.min(map.len() / CELL);
        Cells { map, count }
    }

    fn get(&self, index: usize) -> Option<&AtomicU64> {
        if index >= self.count {
            return None;
        }
        // SAFETY: `index` is below `count`, so the eight bytes lie within the map,
        // which is as long-lived as `self`. A map starts at a page, so they are
        // aligned. All bit patterns are numbers, and nobody in this process
        // touches the map other than through these atomics.
        Some(unsafe { &*self.map.as_mut_ptr().cast_const().cast::<AtomicU64>().add(index) })
    }

    fn load(&self, index: usize) -> u64 {
        let value = self.get(index).map_or(0, |cell| cell.load(Ordering::Relaxed));
        // The map may be read-only, where only a relaxed load is promised not to
        // write; with the fence it orders as an acquiring one does.
        fence(Ordering::Acquire);
        value
    }
}

/// Cells in a file that other processes have mapped, too.
///
/// The file must stay as long as it is: whoever cuts it from outside makes the
/// next access a SIGBUS, which ends the process. This library never shortens it.
pub(super) struct MappedCells {
    cells: Cells,
    writable: bool,
}

impl MappedCells {
    /// Maps the first `count` cells of a file that has at least that many.
    pub(super) fn writable(file: &File, count: usize) -> io::Result<MappedCells> {
        let map = MmapOptions::new().len(bytes(count)).map_raw(file)?;
        Ok(MappedCells { cells: Cells::new(map, count), writable: true })
    }

    /// The same for a file that may only be read.
    pub(super) fn read_only(file: &File, count: usize) -> io::Result<MappedCells> {
        let map = MmapOptions::new().len(bytes(count)).map_raw_read_only(file)?;
        Ok(MappedCells { cells: Cells::new(map, count), writable: false })
    }
}

/// A map cannot be empty.
fn bytes(count: usize) -> usize {
    count.saturating_mul(CELL).max(CELL)
}

impl SharedCells for MappedCells {
    fn load(&self, index: usize) -> u64 {
        self.cells.load(index)
    }

    fn store(&self, index: usize, value: u64) {
        // Storing into a read-only map would be a fault.
        if self.writable
            && let Some(cell) = self.cells.get(index)
        {
            cell.store(value, Ordering::Release);
        }
    }
}

/// A file as memory: see [`StorageFile::map`](crate::storage::StorageFile::map). It stays what it is also when the file is
/// renamed or removed.
///
/// Whoever cuts the file from outside, or a disk that fails when a page is read, makes the
/// next access a SIGBUS, which ends the process.
#[derive(Debug)]
pub struct MappedFile(Mmap);

impl MappedFile {
    /// Maps a file that nobody writes to any more; `None` for an empty one.
    pub(super) fn new(file: &File) -> io::Result<Option<MappedFile>> {
        if file.metadata()?.len() == 0 {
            return Ok(None);
        }
        // SAFETY: the bytes are borrowed as long as the map lives and must not change
        // meanwhile. Callers map only files that are never written again: a sealed segment
        // is replaced by another file of its name, or unlinked, and this map keeps the old one.
        let map = unsafe { Mmap::map(file)? };
        Ok(Some(MappedFile(map)))
    }
}

impl std::ops::Deref for MappedFile {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

/// Part of a file as memory: a write there is a copy, without a system call.
///
/// As of [`MappedFile`], whoever cuts the file from outside makes the next write a SIGBUS. So does a disk that fails, and, on a
/// file system that never writes a block where it was, one that is full.
#[derive(Debug)]
pub(super) struct MappedWindow {
    map: MmapRaw,
    start: u64,
}

impl MappedWindow {
    /// Maps the `length` bytes from `start` on, all of which the file has and nobody else writes to.
    ///
    /// On Linux only: elsewhere a sync of the file need not include what was stored in a map.
    #[cfg(target_os = "linux")]
    pub(super) fn new(file: &File, start: u64, length: u64) -> Option<MappedWindow> {
        let length = usize::try_from(length).ok()?;
        let map = MmapOptions::new().offset(start).len(length).map_raw(file).ok()?;
        // All pages at once: one by one, as they are first written to, they cost several times as much. Older kernels cannot.
        let _ = map.advise(memmap2::Advice::PopulateWrite);
        Some(MappedWindow { map, start })
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn new(_file: &File, _start: u64, _length: u64) -> Option<MappedWindow> {
        None
    }

    /// Writes `bytes` at `offset` of the file, if all of them lie within the window.
    pub(super) fn write(&mut self, offset: u64, bytes: &[u8]) -> bool {
        let Some(at) = offset.checked_sub(self.start).and_then(|at| usize::try_from(at).ok()) else {
            return false;
        };
        if self.map.len().checked_sub(at).is_none_or(|room| room < bytes.len()) {
            return false;
        }
        // SAFETY: `at + bytes.len()` is at most the length of the map, which lives as long as `self`. The map was made for this
        // window and is borrowed for writing; no reference into it is ever given out, since the file is read through the
        // kernel. `bytes` is none of it therefore.
        unsafe {
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), self.map.as_mut_ptr().add(at), bytes.len());
        }
        true
    }
}

/// Asks the kernel to begin to write to the disk what these bytes of a file are in memory, and does not wait for it.
/// Promises nothing, and where it is not to be had nothing is different.
#[cfg(target_os = "linux")]
pub(super) fn write_back(file: &File, offset: u64, length: u64) {
    use std::ffi::{c_int, c_uint};
    use std::os::fd::AsRawFd;

    const SYNC_FILE_RANGE_WRITE: c_uint = 2;

    // SAFETY: this is the declaration in <fcntl.h> with 64-bit offsets; std links the C library.
    unsafe extern "C" {
        fn sync_file_range(file: c_int, offset: i64, length: i64, flags: c_uint) -> c_int;
    }

    let (Ok(offset), Ok(length)) = (i64::try_from(offset), i64::try_from(length)) else { return };
    // SAFETY: the descriptor is open as long as `file` is borrowed; no memory is handed over.
    let _ = unsafe { sync_file_range(file.as_raw_fd(), offset, length, SYNC_FILE_RANGE_WRITE) };
}

#[cfg(not(target_os = "linux"))]
pub(super) fn write_back(_file: &File, _offset: u64, _length: u64) {}

/// The process that made a handle, told from those forked off it.
///
/// A private page holds a number that the kernel sets to zero in a child
/// (Linux 4.14). A handle remembers the number it was made under; the first handle
/// made in a child takes a new one. Unlike a process id it costs no system call
/// to look at and never comes back. Where there is no such page, the process id has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ProcessMark(u64);

impl ProcessMark {
    /// The mark of the process that calls.
    pub(super) fn current() -> ProcessMark {
        let Some(cell) = generation() else { return ProcessMark(u64::from(std::process::id())) };
        // Not in the page: a child goes on counting where its parent was.
        static LAST: AtomicU64 = AtomicU64::new(0);
        let known = cell.load(Ordering::Acquire);
        if known != 0 {
            return ProcessMark(known);
        }
        let next = LAST.fetch_add(1, Ordering::AcqRel) + 1;
        match cell.compare_exchange(0, next, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => ProcessMark(next),
            Err(first) => ProcessMark(first),
        }
    }

    /// Whether the process that calls is the one of this mark. Safe to call in a signal handler.
    pub(super) fn is_current(self) -> bool {
        let current = match generation() {
            Some(cell) => cell.load(Ordering::Acquire),
            None => u64::from(std::process::id()),
        };
        current == self.0
    }
}

impl Default for ProcessMark {
    fn default() -> Self {
        ProcessMark::current()
    }
}

/// The number that a fork sets to zero, where that can be had. Made once and kept: one page.
fn generation() -> Option<&'static AtomicU64> {
    static PAGE: OnceLock<Option<Cells>> = OnceLock::new();
    PAGE.get_or_init(|| {
        let map = MmapMut::map_anon(CELL).ok()?;
        wipe_on_fork(&map).then(|| Cells::new(MmapRaw::from(map), 1))
    })
    .as_ref()?
    .get(0)
}

#[cfg(target_os = "linux")]
fn wipe_on_fork(map: &MmapMut) -> bool {
    use std::ffi::{c_int, c_void};

    // The map library does not know this advice. It has this number on every architecture of Linux.
    const MADV_WIPEONFORK: c_int = 18;

    // SAFETY: this is the declaration in <sys/mman.h>; std links the C library.
    unsafe extern "C" {
        fn madvise(address: *mut c_void, length: usize, advice: c_int) -> c_int;
    }

    let address = map.as_ptr().cast_mut().cast::<c_void>();
    // SAFETY: the map exists, is private and anonymous, and is not shared with
    // anybody yet. The advice changes its bytes in children only, to zeros, which
    // are a valid number, and is read through atomics.
    unsafe { madvise(address, map.len(), MADV_WIPEONFORK) == 0 }
}

#[cfg(not(target_os = "linux"))]
fn wipe_on_fork(_map: &MmapMut) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_keeps_its_mark() {
        let mark = ProcessMark::current();
        assert_ne!(mark.0, 0);
        assert!(mark.is_current());
        assert_eq!(std::thread::spawn(ProcessMark::current).join().unwrap(), mark);
        assert!(!ProcessMark(mark.0 + 1).is_current());
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn linux_has_a_page_that_a_fork_empties() {
        assert!(generation().is_some());
    }

    #[test]
    fn a_mapped_file_outlives_its_name() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("data");
        std::fs::write(&path, b"").unwrap();
        assert!(MappedFile::new(&File::open(&path).unwrap()).unwrap().is_none());
        std::fs::write(&path, b"as it was").unwrap();
        let map = MappedFile::new(&File::open(&path).unwrap()).unwrap().unwrap();
        std::fs::write(place.path().join("new"), b"replaced").unwrap();
        std::fs::rename(place.path().join("new"), &path).unwrap();
        assert_eq!(&map[..], b"as it was");
        std::fs::remove_file(&path).unwrap();
        assert_eq!(&map[..], b"as it was");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_window_takes_what_lies_wholly_within_it() {
        use std::os::unix::fs::FileExt;

        let file = tempfile::tempfile().unwrap();
        file.set_len(10_000).unwrap();
        let mut window = MappedWindow::new(&file, 5_000, 5_000).unwrap();
        for (offset, length) in [(4_999, 2), (0, 1), (9_999, 2), (10_000, 1), (u64::MAX, 1), (5_000, 5_001)] {
            assert!(!window.write(offset, &vec![1; length]), "{length} bytes at {offset}");
        }
        assert!(window.write(5_000, b"first") && window.write(9_996, b"last") && window.write(10_000, b""));
        let mut found = vec![1; 10_000];
        file.read_exact_at(&mut found, 0).unwrap();
        let mut wanted = vec![0; 10_000];
        wanted[5_000..5_005].copy_from_slice(b"first");
        wanted[9_996..].copy_from_slice(b"last");
        assert!(found == wanted);
    }

    #[test]
    fn cells_end_where_the_map_does() {
        let file = tempfile::tempfile().unwrap();
        file.set_len(4096).unwrap();
        let cells = MappedCells::writable(&file, 3).unwrap();
        let view = MappedCells::read_only(&file, 3).unwrap();
        for index in [0, 1, 2, 3, 512, usize::MAX] {
            cells.store(index, 7 + index as u64 % 100);
            let stored = if index < 3 { 7 + index as u64 } else { 0 };
            assert_eq!((cells.load(index), view.load(index)), (stored, stored));
        }
        view.store(0, 1);
        assert_eq!((cells.load(0), view.load(0)), (7, 7));
    }
}
