use std::ffi::{CStr, c_char};

const VERSION: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
    Ok(version) => version,
    Err(_) => c"unknown",
};

/// The version of the library that is loaded, such as `"0.1.0"`: NUL-terminated, never freed.
/// `CAUSELOG_VERSION` is that of the header.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_version() -> *const c_char {
    VERSION.as_ptr()
}
