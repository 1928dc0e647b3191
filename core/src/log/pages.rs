//! An immutable file as pages, each with its own checksum, so that a part of it can be read and trusted alone.

use std::ops::Range;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::error::{Error, ErrorCode, Result};
use crate::storage::StorageFile;

/// Bytes of a page in the file: content and checksum.
const PAGE_LENGTH: usize = 4096;
const CHECKSUM_LENGTH: usize = 4;
/// Bytes of content in every page but the last, which may have fewer.
pub(in crate::log) const PAGE_CONTENT: usize = PAGE_LENGTH - CHECKSUM_LENGTH;

/// Pages kept after they were read.
const CACHED_PAGES: usize = 32;
/// Pages of one big read: 256 KiB.
const RUN: u64 = 64;
/// A read of more pages than this is a scan: it goes past the cache, in big reads.
const SCAN_FROM: u64 = 4;

/// Reads the content of such a file by offsets that know nothing of pages. May be used from several threads at once.
pub(in crate::log) struct Pages {
    file: Arc<dyn StorageFile>,
    name: Arc<str>,
    salt: u32,
    /// Bytes of content.
    length: u64,
    /// Bytes of the file.
    file_length: u64,
    cache: Mutex<Cache>,
}

impl Pages {
    /// The bytes of a file with this content, which is not empty.
    pub(in crate::log) fn encode(salt: u32, content: &[u8]) -> Vec<u8> {
        let pages = content.len().div_ceil(PAGE_CONTENT);
        let mut out = Vec::with_capacity(content.len() + pages * CHECKSUM_LENGTH);
        for (number, page) in content.chunks(PAGE_CONTENT).enumerate() {
            out.extend_from_slice(page);
            out.extend_from_slice(&checksum(salt, number as u64, page).to_le_bytes());
        }
        out
    }

    /// Opens a file by its first page. `salt` finds the salt in that page's content, which is not checked
    /// before: the salt goes into the checksum.
    ///
    /// # Errors
    /// What `salt` returns; `CORRUPT` when the first page is damaged or the file has a length that no such file has; `IO`.
    pub(in crate::log) fn open(
        file: Arc<dyn StorageFile>,
        name: Arc<str>,
        salt: impl FnOnce(&[u8]) -> Result<u32>,
    ) -> Result<Pages> {
        let file_length = file.length()?;
        let rest = file_length % PAGE_LENGTH as u64;
        if file_length == 0 || (1..=CHECKSUM_LENGTH as u64).contains(&rest) {
            let message = format!("{name}: cut off at offset {file_length}: it must be built again");
            return Err(Error::new(ErrorCode::Corrupt, message));
        }
        let length = file_length - file_length.div_ceil(PAGE_LENGTH as u64) * CHECKSUM_LENGTH as u64;
        let mut first = vec![0; file_length.min(PAGE_LENGTH as u64) as usize];
        file.read_at(0, &mut first)?;
        let salt = salt(first.get(..first.len() - CHECKSUM_LENGTH).unwrap_or_default())?;
        let pages = Pages { file, name, salt, length, file_length, cache: Mutex::default() };
        pages.cache.lock().insert(0, pages.check(0, &first)?.into());
        Ok(pages)
    }

    /// Bytes of content.
    pub(in crate::log) fn length(&self) -> u64 {
        self.length
    }

    /// `length` bytes of content from `offset` on.
    ///
    /// # Errors
    /// `CORRUPT` when a page that holds some of them is damaged or they lie beyond the content; `IO`.
    pub(in crate::log) fn read(&self, offset: u64, length: usize) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        self.read_into(offset, length, &mut out)?;
        Ok(out)
    }

    /// As [`Pages::read`], but appends to `out`, which is as it was after an error.
    pub(in crate::log) fn read_into(&self, offset: u64, length: usize, out: &mut Vec<u8>) -> Result<()> {
        // Before the memory is asked for: a damaged file may name any length.
        self.inside(offset, length)?;
        let before = out.len();
        out.resize(before + length, 0);
        let result = self.fill(offset, out.get_mut(before..).unwrap_or_default());
        if result.is_err() {
            out.truncate(before);
        }
        result
    }

    /// `N` bytes of content from `offset` on, without a buffer.
    pub(in crate::log) fn array<const N: usize>(&self, offset: u64) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        self.fill(offset, &mut bytes)?;
        Ok(bytes)
    }

    /// Reads every page and compares its checksum.
    ///
    /// # Errors
    /// `CORRUPT` names the first damaged page; `IO`.
    pub(in crate::log) fn verify(&self) -> Result<()> {
        self.scan(0..self.file_length.div_ceil(PAGE_LENGTH as u64), |_| ())
    }

    /// The error of a file whose content is not what it must be at `offset` (of the content; the message names the file's).
    pub(in crate::log) fn corrupt(&self, offset: u64, why: &str) -> Error {
        let content = PAGE_CONTENT as u64;
        self.corrupt_at((offset / content).saturating_mul(PAGE_LENGTH as u64) + offset % content, why)
    }

    fn corrupt_at(&self, offset: u64, why: &str) -> Error {
        let name = &self.name;
        Error::new(ErrorCode::Corrupt, format!("{name}: {why} at offset {offset}: it must be built again"))
    }

    fn inside(&self, offset: u64, length: usize) -> Result<u64> {
        let end = offset.checked_add(length as u64).filter(|end| *end <= self.length);
        end.ok_or_else(|| {
            self.corrupt(offset.min(self.length), "what should follow lies outside of the file")
        })
    }

    fn fill(&self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        let end = self.inside(offset, buffer.len())?;
        let pages = offset / PAGE_CONTENT as u64..end.div_ceil(PAGE_CONTENT as u64);
        let (mut skip, mut rest) = ((offset % PAGE_CONTENT as u64) as usize, buffer);
        let mut copy = |page: &[u8]| {
            let page = page.get(std::mem::take(&mut skip)..).unwrap_or_default();
            let length = page.len().min(rest.len());
            let (to, after) = std::mem::take(&mut rest).split_at_mut(length);
            to.iter_mut().zip(page).for_each(|(to, from)| *to = *from);
            rest = after;
        };
        if pages.end.saturating_sub(pages.start) > SCAN_FROM {
            return self.scan(pages, copy);
        }
        for number in pages {
            copy(&self.page(number)?);
        }
        Ok(())
    }

    /// The content of a page, out of the cache if it is there.
    fn page(&self, number: u64) -> Result<Arc<[u8]>> {
        if let Some(page) = self.cache.lock().get(number) {
            return Ok(page);
        }
        // Not under the lock: another thread need not wait for this read. At worst both read the page.
        let mut page = None;
        self.scan(number..number.saturating_add(1), |content| page = Some(Arc::from(content)))?;
        let page: Arc<[u8]> = page.ok_or_else(|| self.corrupt_at(self.file_length, "cut off"))?;
        self.cache.lock().insert(number, page.clone());
        Ok(page)
    }

    /// Hands the content of each of these pages to `each`, in order.
    fn scan(&self, pages: Range<u64>, mut each: impl FnMut(&[u8])) -> Result<()> {
        let mut bytes = Vec::new();
        let mut next = pages.start;
        while next < pages.end {
            let until = pages.end.min(next + RUN);
            let start = next * PAGE_LENGTH as u64;
            let end = (until * PAGE_LENGTH as u64).min(self.file_length);
            bytes.resize(end.saturating_sub(start) as usize, 0);
            self.file.read_at(start, &mut bytes)?;
            for (number, page) in (next..until).zip(bytes.chunks(PAGE_LENGTH)) {
                each(self.check(number, page)?);
            }
            next = until;
        }
        Ok(())
    }

    /// The content of a page as it lies in the file.
    fn check<'a>(&self, number: u64, page: &'a [u8]) -> Result<&'a [u8]> {
        page.split_last_chunk::<CHECKSUM_LENGTH>()
            .filter(|(content, stored)| checksum(self.salt, number, content).to_le_bytes() == **stored)
            .map(|(content, _)| content)
            .ok_or_else(|| {
                self.corrupt_at(number * PAGE_LENGTH as u64, "the checksum of the page does not match")
            })
    }
}

/// Bound to the file by its salt and to the page's place, so that no other page passes for this one.
fn checksum(salt: u32, number: u64, content: &[u8]) -> u32 {
    let seed = crc32c::crc32c_append(crc32c::crc32c(&salt.to_le_bytes()), &number.to_le_bytes());
    crc32c::crc32c_append(seed, content)
}

/// The pages read last, so that look-ups near each other read once.
#[derive(Default)]
struct Cache {
    /// Page number, when it was used last, content.
    pages: Vec<(u64, u64, Arc<[u8]>)>,
    uses: u64,
}

impl Cache {
    fn get(&mut self, number: u64) -> Option<Arc<[u8]>> {
        self.uses += 1;
        let (_, used, page) = self.pages.iter_mut().find(|(of, ..)| *of == number)?;
        *used = self.uses;
        Some(page.clone())
    }

    fn insert(&mut self, number: u64, page: Arc<[u8]>) {
        self.uses += 1;
        let fresh = (number, self.uses, page);
        let place = self.pages.iter().position(|(of, ..)| *of == number);
        if place.is_none() && self.pages.len() < CACHED_PAGES {
            self.pages.push(fresh);
            return;
        }
        // The same page, read by another thread meanwhile, or the one unused for longest.
        let longest = || (0..).zip(&self.pages).min_by_key(|(_, (_, used, _))| *used).map(|(at, _)| at);
        if let Some(slot) = place.or_else(longest).and_then(|at| self.pages.get_mut(at)) {
            *slot = fresh;
        }
    }
}

#[cfg(test)]
pub(in crate::log) mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Bytes as a file that counts how often it is read.
    pub(in crate::log) struct Counted {
        pub(in crate::log) bytes: Vec<u8>,
        pub(in crate::log) reads: AtomicUsize,
    }

    impl Counted {
        pub(in crate::log) fn new(bytes: Vec<u8>) -> Arc<Counted> {
            Arc::new(Counted { bytes, reads: AtomicUsize::new(0) })
        }

        /// Reads since the last call.
        pub(in crate::log) fn take(&self) -> usize {
            self.reads.swap(0, Ordering::SeqCst)
        }
    }

    impl StorageFile for Counted {
        fn length(&self) -> Result<u64> {
            Ok(self.bytes.len() as u64)
        }

        fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<()> {
            self.reads.fetch_add(1, Ordering::SeqCst);
            let source = self.bytes.get(offset as usize..offset as usize + buffer.len());
            buffer.copy_from_slice(source.ok_or_else(|| Error::new(ErrorCode::Corrupt, "too short"))?);
            Ok(())
        }

        fn write_at(&self, _: u64, _: &[u8]) -> Result<()> {
            unreachable!("nobody writes here")
        }

        fn truncate(&self, _: u64) -> Result<()> {
            unreachable!("nobody cuts here")
        }

        fn sync(&self) -> Result<()> {
            unreachable!("nobody writes here")
        }
    }

    const SALT: u32 = 77;

    fn open(bytes: Vec<u8>) -> Result<(Arc<Counted>, Pages)> {
        let file = Counted::new(bytes);
        Ok((file.clone(), Pages::open(file, "a file".into(), |_| Ok(SALT))?))
    }

    fn content(length: usize) -> Vec<u8> {
        (0..length).map(|at| (at * 31 + at / 251) as u8).collect()
    }

    proptest! {
        #[test]
        fn any_part_is_what_was_written(
            length in 1usize..40_000,
            parts in proptest::collection::vec((any::<u16>(), any::<u16>()), 1..20),
        ) {
            let content = content(length);
            let (_, pages) = open(Pages::encode(SALT, &content)).unwrap();
            prop_assert_eq!(pages.length(), length as u64);
            pages.verify().unwrap();
            for (start, wanted) in parts {
                let start = start as usize % (length + 1);
                let wanted = wanted as usize % (length - start + 1);
                let read = pages.read(start as u64, wanted).unwrap();
                prop_assert_eq!(&read[..], &content[start..start + wanted]);
                let beyond = pages.read(start as u64, length - start + 1).unwrap_err();
                prop_assert_eq!(beyond.code(), ErrorCode::Corrupt);
            }
        }
    }

    #[test]
    fn a_flipped_bit_is_noticed_by_who_reads_its_page() {
        let content = content(2 * PAGE_CONTENT + 40);
        let good = Pages::encode(SALT, &content);
        for bit in (0..good.len() * 8).step_by(29).chain(2 * PAGE_LENGTH * 8..good.len() * 8) {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            let page = bit / 8 / PAGE_LENGTH;
            let Ok((_, pages)) = open(bad) else {
                assert_eq!(page, 0, "bit {bit}");
                continue;
            };
            assert_ne!(page, 0, "bit {bit}");
            let message = pages.verify().unwrap_err().message().to_owned();
            assert!(message.starts_with("a file: "), "{message}");
            assert!(message.contains(&format!("at offset {}", page * PAGE_LENGTH)), "{message}");
            let mut out = vec![7];
            assert!(pages.read_into((page * PAGE_CONTENT) as u64, 1, &mut out).is_err());
            assert_eq!(out, [7]);
            assert!(pages.read(10, content.len() - 20).is_err());
            assert_eq!(pages.read(10, 100).unwrap(), content[10..110]);
        }
    }

    #[test]
    fn a_page_of_another_place_or_salt_does_not_pass() {
        let content = vec![5; 2 * PAGE_CONTENT];
        let mut swapped = Pages::encode(SALT, &content);
        swapped.rotate_left(PAGE_LENGTH);
        assert!(open(swapped).is_err());
        assert!(open(Pages::encode(SALT + 1, &content)).is_err());
    }

    #[test]
    fn a_cut_is_noticed_unless_it_is_between_pages() {
        let good = Pages::encode(SALT, &content(2 * PAGE_CONTENT + 9));
        for length in 0..good.len() {
            let whole = length > 0 && length % PAGE_LENGTH == 0;
            let result = open(good[..length].to_vec()).and_then(|(_, pages)| pages.verify());
            assert_eq!(result.is_ok(), whole, "{length}");
        }
    }

    #[test]
    fn neighbours_are_read_once_and_a_scan_in_few_reads() {
        let content = content(300 * PAGE_CONTENT);
        let (file, pages) = open(Pages::encode(SALT, &content)).unwrap();
        assert_eq!(file.take(), 1);
        for at in 0..40 * 100 {
            pages.read(at % (CACHED_PAGES * PAGE_CONTENT) as u64, 2).unwrap();
        }
        assert_eq!(file.take(), 0, "all in the first page");
        for round in [CACHED_PAGES, 0] {
            for number in 1..=CACHED_PAGES {
                pages.array::<4>((number * PAGE_CONTENT) as u64).unwrap();
            }
            assert_eq!(file.take(), round);
        }
        // The page unused for longest made room: the first, then number 1.
        pages.array::<1>(0).unwrap();
        pages.array::<1>(2 * PAGE_CONTENT as u64).unwrap();
        assert_eq!(file.take(), 1);
        pages.array::<1>(PAGE_CONTENT as u64).unwrap();
        assert_eq!(file.take(), 1);
        assert!(pages.read(0, content.len()).unwrap() == content);
        assert_eq!(file.take(), 300usize.div_ceil(RUN as usize));
        pages.verify().unwrap();
        assert_eq!(file.take(), 300usize.div_ceil(RUN as usize));
    }
}
