//! Fields of the log's files: taken from the front of bytes, written to the end of them.

use std::ops::Range;

use crate::varint;

/// Appends the length of `bytes` and the bytes.
pub(super) fn write(bytes: &[u8], out: &mut Vec<u8>) {
    varint::write(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

/// Appends what `write` does, with its length before it. Returns where the bytes lie without the length.
pub(super) fn write_with(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) -> Range<usize> {
    let at = out.len();
    // Most lengths take one byte; the others make room once they are known.
    out.push(0);
    write(out);
    let length = out.len() - at - 1;
    if let Some(first) = out.get_mut(at).filter(|_| length < 0x80) {
        *first = length as u8;
        return at + 1..out.len();
    }
    let mut prefix = Vec::new();
    varint::write(length as u64, &mut prefix);
    let start = at + prefix.len();
    out.splice(at..=at, prefix);
    start..out.len()
}

/// Bytes taken from the front; `None` wherever there are too few.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    pub(super) fn varint(&mut self) -> Option<u64> {
        // Most numbers are small.
        if let Some((first, rest)) = self.0.split_first()
            && *first < 0x80
        {
            self.0 = rest;
            return Some(u64::from(*first));
        }
        let (value, rest) = varint::read(self.0)?;
        self.0 = rest;
        Some(value)
    }

    pub(super) fn signed(&mut self) -> Option<i64> {
        self.varint().map(varint::signed)
    }

    pub(super) fn index(&mut self) -> Option<u32> {
        u32::try_from(self.varint()?).ok()
    }

    pub(super) fn array<const N: usize>(&mut self) -> Option<&'a [u8; N]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(array)
    }

    pub(super) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (slice, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(slice)
    }

    /// A length and so many bytes.
    pub(super) fn slice(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.varint()?).ok()?;
        self.take(length)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(|bytes| u32::from_le_bytes(*bytes))
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.array().map(|bytes| u64::from_le_bytes(*bytes))
    }

    /// A number of items of at least `least` bytes each, refused unless they can all be there.
    pub(super) fn count(&mut self, least: usize) -> Option<u32> {
        let count = self.index()?;
        (count as usize <= self.0.len() / least).then_some(count)
    }
}
