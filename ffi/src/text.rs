use std::ffi::{CStr, c_char};

use causelog_core::Result;

use crate::guard::{compute, read};
use crate::handle::{give, release};
use crate::input::{invalid, slice};

/// Text in UTF-8: a pointer and a length in bytes. It need not end in NUL, and may hold one.
///
/// Passed to a function it is only read during the call. Returned by one it is borrowed:
/// it lives as long as the handle it was asked of, and is not freed.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct causelog_text {
    /// Where it begins. May be NULL if the length is 0.
    pub data: *const c_char,
    /// Its length in bytes.
    pub length: usize,
}

/// Bytes: a pointer and a length. NULL means that there are none, which differs from
/// some of length 0 where they are optional, as the images of a change are.
///
/// Borrowed in the same way as `causelog_text`.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct causelog_bytes {
    /// Where they begin.
    pub data: *const u8,
    /// How many there are.
    pub length: usize,
}

impl causelog_text {
    pub(crate) const NONE: causelog_text = causelog_text { data: std::ptr::null(), length: 0 };

    pub(crate) fn of(text: &str) -> Self {
        causelog_text { data: text.as_ptr().cast(), length: text.len() }
    }

    pub(crate) fn of_optional(text: Option<&str>) -> Self {
        text.map_or(Self::NONE, Self::of)
    }

    /// # Safety
    /// The text is there and stays as it is during `'a`.
    pub(crate) unsafe fn read<'a>(self, name: &str) -> Result<&'a str> {
        // SAFETY: the caller vouches for it.
        let bytes = unsafe { slice(self.data.cast::<u8>(), self.length, name)? };
        std::str::from_utf8(bytes)
            .map_err(|error| invalid(format!("{name} is not UTF-8 from byte {} on", error.valid_up_to())))
    }
}

impl causelog_bytes {
    pub(crate) const NONE: causelog_bytes = causelog_bytes { data: std::ptr::null(), length: 0 };

    pub(crate) fn of(bytes: &[u8]) -> Self {
        causelog_bytes { data: bytes.as_ptr(), length: bytes.len() }
    }

    pub(crate) fn of_optional(bytes: Option<&[u8]>) -> Self {
        bytes.map_or(Self::NONE, Self::of)
    }

    /// # Safety
    /// The bytes are there and stay as they are during `'a`.
    pub(crate) unsafe fn read<'a>(self, name: &str) -> Result<&'a [u8]> {
        // SAFETY: the caller vouches for it.
        unsafe { slice(self.data, self.length, name) }
    }

    /// # Safety
    /// As [`causelog_bytes::read`].
    pub(crate) unsafe fn read_optional(self, name: &str) -> Result<Option<Vec<u8>>> {
        if self.data.is_null() && self.length == 0 {
            return Ok(None);
        }
        // SAFETY: the caller vouches for it.
        Ok(Some(unsafe { self.read(name)? }.to_vec()))
    }
}

/// A NUL-terminated text as pointer and length; of NULL, an empty one. Nothing is copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn causelog_text_from(text: *const c_char) -> causelog_text {
    compute(causelog_text::NONE, || {
        if text.is_null() {
            return causelog_text::NONE;
        }
        // SAFETY: not NULL, and the caller promises that it ends in NUL.
        let length = unsafe { CStr::from_ptr(text) }.count_bytes();
        causelog_text { data: text, length }
    })
}

/// The bytes of a NUL-terminated text, without the NUL; of NULL, none. Nothing is copied.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn causelog_bytes_from(text: *const c_char) -> causelog_bytes {
    // SAFETY: the same promise of the caller.
    let text = unsafe { causelog_text_from(text) };
    causelog_bytes { data: text.data.cast(), length: text.length }
}

/// Bytes or text that a function made for its caller, who frees it. Never changes.
pub struct causelog_buffer {
    /// What it holds, and a NUL.
    content: Box<[u8]>,
}

impl causelog_buffer {
    pub(crate) fn give(content: impl Into<Vec<u8>>) -> *mut causelog_buffer {
        let mut content = content.into();
        content.push(0);
        give(causelog_buffer { content: content.into_boxed_slice() })
    }
}

/// What the buffer holds, as long as it lives. None of NULL.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_buffer_bytes(buffer: Option<&causelog_buffer>) -> causelog_bytes {
    read(buffer, causelog_bytes::NONE, |buffer| causelog_bytes {
        data: buffer.content.as_ptr(),
        length: buffer.content.len() - 1,
    })
}

/// What the buffer holds, as text that ends in NUL, as long as it lives. Empty of NULL.
/// Only buffers that the function describes as text hold some.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_buffer_text(buffer: Option<&causelog_buffer>) -> *const c_char {
    read(buffer, c"".as_ptr(), |buffer| buffer.content.as_ptr().cast())
}

/// Frees a buffer; NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_buffer_free(buffer: Option<Box<causelog_buffer>>) {
    release(buffer);
}
