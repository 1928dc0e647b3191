use std::ffi::c_char;
use std::mem::MaybeUninit;

use causelog_core::{Dot, Result, Uuid};

use crate::error::causelog_error;
use crate::guard::guard;
use crate::input::{invalid, required, slice};
use crate::status::causelog_status;
use crate::text::causelog_text;

/// A UUID: 16 bytes in the order in which they are written. Nodes, logs and conflicts are named by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct causelog_uuid {
    /// The bytes, the first one written first.
    pub bytes: [u8; 16],
}

/// The identity of one change, everywhere: which node made it, and the how-manieth of
/// that node it is, from 1 without gaps. A transaction is named by its last dot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct causelog_dot {
    /// The node that made the change.
    pub node: causelog_uuid,
    /// The node's own counter.
    pub sequence: u64,
}

/// Dots: a pointer and a count. NULL means that there are none, which differs from some of
/// length 0 where they are optional: a write that expects the heads of a row that never was
/// points somewhere and has length 0.
///
/// Borrowed in the same way as `causelog_text`.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct causelog_dots {
    /// Where they begin.
    pub data: *const causelog_dot,
    /// How many there are.
    pub length: usize,
}

impl causelog_uuid {
    pub(crate) const NIL: causelog_uuid = causelog_uuid { bytes: [0; 16] };
}

impl From<Uuid> for causelog_uuid {
    fn from(uuid: Uuid) -> Self {
        causelog_uuid { bytes: uuid.into_bytes() }
    }
}

impl From<causelog_uuid> for Uuid {
    fn from(uuid: causelog_uuid) -> Self {
        Uuid::from_bytes(uuid.bytes)
    }
}

impl causelog_dot {
    pub(crate) const NONE: causelog_dot = causelog_dot { node: causelog_uuid::NIL, sequence: 0 };
}

impl From<Dot> for causelog_dot {
    fn from(dot: Dot) -> Self {
        causelog_dot { node: dot.node.into(), sequence: dot.sequence }
    }
}

impl From<causelog_dot> for Dot {
    fn from(dot: causelog_dot) -> Self {
        Dot::new(dot.node.into(), dot.sequence)
    }
}

impl causelog_dots {
    pub(crate) const NONE: causelog_dots = causelog_dots { data: std::ptr::null(), length: 0 };

    pub(crate) fn of(dots: &[causelog_dot]) -> Self {
        causelog_dots { data: dots.as_ptr(), length: dots.len() }
    }

    /// # Safety
    /// The dots are there.
    pub(crate) unsafe fn read(self, name: &str) -> Result<Vec<Dot>> {
        // SAFETY: the caller vouches for it.
        let dots = unsafe { slice(self.data, self.length, name)? };
        Ok(dots.iter().map(|dot| Dot::from(*dot)).collect())
    }

    /// # Safety
    /// As [`causelog_dots::read`].
    pub(crate) unsafe fn read_optional(self, name: &str) -> Result<Option<Vec<Dot>>> {
        if self.data.is_null() && self.length == 0 {
            return Ok(None);
        }
        // SAFETY: the caller vouches for it.
        unsafe { self.read(name).map(Some) }
    }
}

/// Dots of the core as C sees them.
pub(crate) fn dots_of(dots: &[Dot]) -> Vec<causelog_dot> {
    dots.iter().map(|dot| causelog_dot::from(*dot)).collect()
}

/// Writes ASCII text and a NUL into a caller's array, which its type says is long enough.
pub(crate) fn write_text<const SIZE: usize>(
    array: &mut MaybeUninit<[c_char; SIZE]>,
    text: &str,
) -> Result<()> {
    let mut out = [0; SIZE];
    if text.len() >= SIZE {
        return Err(invalid(format!("{text} does not fit into {SIZE} characters")));
    }
    out.iter_mut().zip(text.bytes()).for_each(|(to, from)| *to = from as c_char);
    array.write(out);
    Ok(())
}

/// Reads a UUID in its usual forms, such as `6ba7b810-9dad-11d1-80b4-00c04fd430c8`.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` when the text is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn causelog_uuid_parse(
    text: causelog_text,
    uuid: Option<&mut MaybeUninit<causelog_uuid>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        // SAFETY: the caller passes text that is there during the call.
        let text = unsafe { text.read("text")? };
        let uuid = required(uuid, "uuid")?;
        let parsed = Uuid::try_parse(text).map_err(|_| invalid(format!("not a UUID: {text:?}")))?;
        uuid.write(parsed.into());
        Ok(())
    })
}

/// Writes a UUID in hyphenated lower case, NUL-terminated, into `*text`.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` when `text` is NULL.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_uuid_format(
    uuid: causelog_uuid,
    text: Option<&mut MaybeUninit<[c_char; 37]>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || write_text(required(text, "text")?, &Uuid::from(uuid).to_string()))
}

/// Reads a dot: a UUID, a colon, and the sequence.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` when the text is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn causelog_dot_parse(
    text: causelog_text,
    dot: Option<&mut MaybeUninit<causelog_dot>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        // SAFETY: the caller passes text that is there during the call.
        let text = unsafe { text.read("text")? };
        required(dot, "dot")?.write(text.parse::<Dot>()?.into());
        Ok(())
    })
}

/// Writes a dot as `node:sequence`, NUL-terminated, into `*text`.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` when `text` is NULL.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_dot_format(
    dot: causelog_dot,
    text: Option<&mut MaybeUninit<[c_char; 58]>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || write_text(required(text, "text")?, &Dot::from(dot).to_string()))
}
