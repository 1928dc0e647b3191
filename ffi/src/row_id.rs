use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::ptr::{from_ref, null};

use causelog_core::{Result, RowId, RowIdPart, Uuid};

use crate::error::causelog_error;
use crate::guard::{guard, read};
use crate::handle::{give, release};
use crate::identity::causelog_uuid;
use crate::input::{as_bytes, invalid, required, slice};
use crate::status::causelog_status;
use crate::text::{causelog_buffer, causelog_bytes, causelog_text};

/// The types of a row id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum causelog_row_id_type {
    /// No row id.
    CAUSELOG_ROW_ID_NONE = 0,
    /// A signed 64-bit integer, in `integer`.
    CAUSELOG_ROW_ID_INTEGER = 1,
    /// Text in UTF-8: `length` bytes at `data`.
    CAUSELOG_ROW_ID_TEXT = 2,
    /// Bytes: `length` of them at `data`.
    CAUSELOG_ROW_ID_BYTES = 3,
    /// A UUID: its 16 bytes at `data`.
    CAUSELOG_ROW_ID_UUID = 4,
    /// A tuple of the others: `element_count` of them, at least one, at `elements`.
    CAUSELOG_ROW_ID_TUPLE = 5,
}

/// The identity of a row within its table: a typed scalar, or a tuple of them. It comes
/// back as it went in: 42 is never "42", and a tuple of one is not its element.
///
/// Passed to a function, what it points to is only read during the call. Returned by one,
/// it lives as long as the handle it was asked of. What its type does not use is zero.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct causelog_row_id {
    /// A `causelog_row_id_type`.
    pub r#type: i32,
    /// The value of an integer.
    pub integer: i64,
    /// The bytes of a text, of bytes, and of a UUID.
    pub data: *const c_void,
    /// How many bytes there are at `data`; 16 of a UUID.
    pub length: usize,
    /// The elements of a tuple, none of them a tuple itself.
    pub elements: *const causelog_row_id,
    /// How many elements a tuple has.
    pub element_count: usize,
}

impl causelog_row_id {
    pub(crate) const NONE: causelog_row_id = causelog_row_id {
        r#type: causelog_row_id_type::CAUSELOG_ROW_ID_NONE as i32,
        integer: 0,
        data: null(),
        length: 0,
        elements: null(),
        element_count: 0,
    };

    fn integer(integer: i64) -> Self {
        causelog_row_id {
            r#type: causelog_row_id_type::CAUSELOG_ROW_ID_INTEGER as i32,
            integer,
            ..Self::NONE
        }
    }

    fn data(kind: causelog_row_id_type, data: *const u8, length: usize) -> Self {
        causelog_row_id { r#type: kind as i32, data: data.cast(), length, ..Self::NONE }
    }

    fn part(part: &RowIdPart) -> Self {
        use causelog_row_id_type as Type;
        match part {
            RowIdPart::Integer(integer) => Self::integer(*integer),
            RowIdPart::Text(text) => Self::data(Type::CAUSELOG_ROW_ID_TEXT, text.as_ptr(), text.len()),
            RowIdPart::Bytes(bytes) => Self::data(Type::CAUSELOG_ROW_ID_BYTES, bytes.as_ptr(), bytes.len()),
            RowIdPart::Uuid(uuid) => Self::data(Type::CAUSELOG_ROW_ID_UUID, uuid.as_bytes().as_ptr(), 16),
        }
    }

    /// # Safety
    /// What it points to is there.
    unsafe fn read_part(&self, name: &str) -> Result<RowIdPart> {
        use causelog_row_id_type as Type;
        let of = |kind: Type| self.r#type == kind as i32;
        if of(Type::CAUSELOG_ROW_ID_INTEGER) {
            return Ok(self.integer.into());
        }
        let known = [Type::CAUSELOG_ROW_ID_TEXT, Type::CAUSELOG_ROW_ID_BYTES, Type::CAUSELOG_ROW_ID_UUID];
        if !known.into_iter().any(of) {
            let tuple = if of(Type::CAUSELOG_ROW_ID_TUPLE) { " (a tuple) and cannot be here" } else { "" };
            return Err(invalid(format!("{name} has type {}{tuple}: it is none of a row id", self.r#type)));
        }
        // SAFETY: the caller vouches for it.
        let bytes = unsafe { slice(as_bytes(self.data), self.length, name)? };
        if of(Type::CAUSELOG_ROW_ID_BYTES) {
            Ok(bytes.into())
        } else if of(Type::CAUSELOG_ROW_ID_UUID) {
            let uuid = Uuid::from_slice(bytes);
            Ok(uuid.map_err(|_| invalid(format!("{name} is a UUID of {} bytes", bytes.len())))?.into())
        } else {
            let text = causelog_text { data: bytes.as_ptr().cast(), length: bytes.len() };
            // SAFETY: these bytes were checked above.
            Ok(unsafe { text.read(name)? }.into())
        }
    }

    /// # Safety
    /// What it points to is there.
    pub(crate) unsafe fn read(&self, name: &str) -> Result<RowId> {
        if self.r#type != causelog_row_id_type::CAUSELOG_ROW_ID_TUPLE as i32 {
            // SAFETY: the caller vouches for it.
            return Ok(RowId::Scalar(unsafe { self.read_part(name)? }));
        }
        // SAFETY: the caller vouches for it.
        let elements = unsafe { slice(self.elements, self.element_count, name)? };
        let parts = elements.iter().enumerate().map(|(index, element)| {
            // SAFETY: the caller vouches for it.
            unsafe { element.read_part(&format!("element {index} of {name}")) }
        });
        RowId::tuple(parts.collect::<Result<Vec<_>>>()?)
    }
}

/// A row id of the core as C sees it. It points into the heap blocks of what it was made
/// of, which must outlive it and stay as it is, but may be moved. (Vectors, not boxes: a
/// box that is moved may no longer be pointed into.)
pub(crate) struct RowIdView {
    row_id: causelog_row_id,
    /// Owns what `row_id.elements` points to.
    _elements: Vec<causelog_row_id>,
    /// Owns what `row_id.data` of a UUID points to, which has no heap block of its own.
    _uuid: Vec<u8>,
}

impl RowIdView {
    pub(crate) fn of(row_id: &RowId) -> Self {
        let (mut elements, mut bytes) = (Vec::new(), Vec::new());
        let row_id = match row_id {
            RowId::Scalar(RowIdPart::Uuid(uuid)) => {
                bytes = uuid.as_bytes().to_vec();
                let kind = causelog_row_id_type::CAUSELOG_ROW_ID_UUID;
                causelog_row_id::data(kind, bytes.as_ptr(), bytes.len())
            }
            RowId::Scalar(part) => causelog_row_id::part(part),
            RowId::Tuple(parts) => {
                elements = parts.iter().map(causelog_row_id::part).collect();
                causelog_row_id_from_elements(elements.as_ptr(), elements.len())
            }
        };
        RowIdView { row_id, _elements: elements, _uuid: bytes }
    }

    pub(crate) fn get(&self) -> &causelog_row_id {
        &self.row_id
    }
}

/// The row id of an integer.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_row_id_from_integer(integer: i64) -> causelog_row_id {
    causelog_row_id::integer(integer)
}

/// The row id of a text, which it points to.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_row_id_from_text(text: causelog_text) -> causelog_row_id {
    let kind = causelog_row_id_type::CAUSELOG_ROW_ID_TEXT;
    causelog_row_id::data(kind, text.data.cast(), text.length)
}

/// The row id of bytes, which it points to.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_row_id_from_bytes(bytes: causelog_bytes) -> causelog_row_id {
    causelog_row_id::data(causelog_row_id_type::CAUSELOG_ROW_ID_BYTES, bytes.data, bytes.length)
}

/// The row id of a UUID, which it points to.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_row_id_from_uuid(uuid: *const causelog_uuid) -> causelog_row_id {
    causelog_row_id::data(causelog_row_id_type::CAUSELOG_ROW_ID_UUID, uuid.cast(), 16)
}

/// The row id of a tuple of `count` elements, which it points to.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_row_id_from_elements(
    elements: *const causelog_row_id,
    count: usize,
) -> causelog_row_id {
    let kind = causelog_row_id_type::CAUSELOG_ROW_ID_TUPLE as i32;
    causelog_row_id { r#type: kind, elements, element_count: count, ..causelog_row_id::NONE }
}

/// The bytes that stand for a row id in the log; their order is the order of the values.
/// Two row ids are the same when their bytes are. Free the buffer with `causelog_buffer_free`.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` when the row id is malformed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn causelog_row_id_encode(
    row_id: Option<&causelog_row_id>,
    bytes: Option<&mut MaybeUninit<*mut causelog_buffer>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        // SAFETY: the caller passes a row id whose parts are there during the call.
        let row_id = unsafe { required(row_id, "row_id")?.read("row_id")? };
        required(bytes, "bytes")?.write(causelog_buffer::give(row_id.encode()));
        Ok(())
    })
}

/// A row id as reports show it: `42`, `"text"`, `x'00ff'`, a bare UUID, `(42, "a")`. Free
/// the buffer, which holds text, with `causelog_buffer_free`.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` when the row id is malformed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn causelog_row_id_to_text(
    row_id: Option<&causelog_row_id>,
    text: Option<&mut MaybeUninit<*mut causelog_buffer>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        // SAFETY: the caller passes a row id whose parts are there during the call.
        let row_id = unsafe { required(row_id, "row_id")?.read("row_id")? };
        required(text, "text")?.write(causelog_buffer::give(row_id.to_string()));
        Ok(())
    })
}

/// A row id together with what it points to. Never changes.
pub struct causelog_owned_row_id {
    view: RowIdView,
    /// What `view` points into.
    _row_id: RowId,
}

/// The row id that these bytes stand for. Free it with `causelog_owned_row_id_free`.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` when they are not what `causelog_row_id_encode` gives.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn causelog_row_id_decode(
    bytes: causelog_bytes,
    row_id: Option<&mut MaybeUninit<*mut causelog_owned_row_id>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        // SAFETY: the caller passes bytes that are there during the call.
        let decoded = RowId::decode(unsafe { bytes.read("bytes")? })?;
        let owned = causelog_owned_row_id { view: RowIdView::of(&decoded), _row_id: decoded };
        required(row_id, "row_id")?.write(give(owned));
        Ok(())
    })
}

/// The row id, as long as what owns it lives; NULL of NULL.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_owned_row_id_get(
    row_id: Option<&causelog_owned_row_id>,
) -> *const causelog_row_id {
    read(row_id, null(), |row_id| from_ref(row_id.view.get()))
}

/// Frees a row id; NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_owned_row_id_free(row_id: Option<Box<causelog_owned_row_id>>) {
    release(row_id);
}
