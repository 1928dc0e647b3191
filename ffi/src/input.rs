//! Checking what C passes.

use std::ffi::c_void;
use std::mem::{MaybeUninit, size_of};

use causelog_core::{Error, ErrorCode, Result};

pub(crate) fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::InvalidArgument, message)
}

/// An argument that must not be `NULL`.
pub(crate) fn required<T>(argument: Option<T>, name: &str) -> Result<T> {
    argument.ok_or_else(|| invalid(format!("{name} is NULL")))
}

/// The elements of an array; `NULL` is an empty one if `length` says so.
///
/// # Safety
/// Unless it is `NULL`, `data` points to `length` elements that stay as they are during `'a`.
pub(crate) unsafe fn slice<'a, T>(data: *const T, length: usize, name: &str) -> Result<&'a [T]> {
    if length == 0 {
        return Ok(&[]);
    }
    if data.is_null() {
        return Err(invalid(format!("{name} is NULL, but its length is {length}")));
    }
    if length > isize::MAX as usize / size_of::<T>() {
        return Err(invalid(format!("{name} cannot have a length of {length}")));
    }
    // SAFETY: not NULL, no longer than memory can be, and the caller vouches for the rest.
    Ok(unsafe { std::slice::from_raw_parts(data, length) })
}

/// A plain struct that begins with its size as the caller's header has it.
///
/// # Safety
/// Only for `repr(C)` structs whose first field is `size: usize`, whose every bit
/// pattern is a value, and which have no padding that matters.
pub(crate) unsafe trait Versioned: Copy {
    /// Its name in C.
    const NAME: &'static str;
}

/// No struct will ever be longer: a size beyond this is memory that was never initialised.
const MAX_SIZE: usize = 4096;

/// Reads a struct that begins with its size.
///
/// A caller whose header is newer may pass a longer one, if what this library does not know is zero.
///
/// # Safety
/// Unless it is `NULL`, `pointer` points to a struct of as many bytes as its first field says.
pub(crate) unsafe fn versioned<T: Versioned>(pointer: *const T, name: &str) -> Result<T> {
    if pointer.is_null() {
        return Err(invalid(format!("{name} is NULL")));
    }
    let (known, bytes) = (size_of::<T>(), pointer.cast::<u8>());
    // SAFETY: the struct begins with its size.
    let size = unsafe { pointer.cast::<usize>().read() };
    if size < known || size > MAX_SIZE {
        let (wanted, hint) = (T::NAME, "use its _INIT macro");
        return Err(invalid(format!("{name} has size {size}, but {wanted} has {known}: {hint}")));
    }
    // SAFETY: the struct has `size` bytes, and `known` is no more than that.
    let rest = unsafe { std::slice::from_raw_parts(bytes.add(known), size - known) };
    if rest.iter().any(|byte| *byte != 0) {
        let message = format!("{name} sets a field that this version of the library does not know");
        return Err(Error::new(ErrorCode::Unsupported, message));
    }
    // SAFETY: `known` bytes are there, and every bit pattern is a value.
    Ok(unsafe { pointer.read() })
}

/// The value of an optional field, which is a pointer.
///
/// # Safety
/// Unless it is `NULL`, `pointer` points to a value.
pub(crate) unsafe fn optional<T: Copy>(pointer: *const T) -> Option<T> {
    // SAFETY: the caller vouches for it.
    unsafe { pointer.as_ref() }.copied()
}

/// Writes an output that the caller may not want.
pub(crate) fn write_if_wanted<T>(output: Option<&mut MaybeUninit<T>>, value: T) {
    if let Some(output) = output {
        output.write(value);
    }
}

/// `data` as bytes, for slices of what C calls `void`.
pub(crate) fn as_bytes(data: *const c_void) -> *const u8 {
    data.cast()
}
