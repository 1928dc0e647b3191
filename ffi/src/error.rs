use std::ffi::{CStr, CString, c_char};

use causelog_core::{Error, ErrorCode};

use crate::guard::read;
use crate::handle::release;
use crate::status::causelog_status;

/// A failure in detail: the status, and a message for people. Never changes.
pub struct causelog_error {
    code: ErrorCode,
    message: CString,
}

impl causelog_error {
    pub(crate) fn new(error: &Error) -> Self {
        // A NUL would end the message early for its readers.
        let message = CString::new(error.message().replace('\0', "\u{2400}")).unwrap_or_default();
        causelog_error { code: error.code(), message }
    }

    #[cfg(test)]
    pub(crate) fn text(&self) -> &str {
        self.message.to_str().unwrap()
    }
}

const NO_MESSAGE: &CStr = c"";

/// The status that the failed call returned; `CAUSELOG_OK` of NULL.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_error_status(error: Option<&causelog_error>) -> causelog_status {
    read(error, causelog_status::CAUSELOG_OK, |error| causelog_status::of(error.code))
}

/// What was wrong and with which value, in UTF-8, NUL-terminated, as long as the error
/// lives. Its wording may change: branch on the status. Empty of NULL.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_error_message(error: Option<&causelog_error>) -> *const c_char {
    read(error, NO_MESSAGE.as_ptr(), |error| error.message.as_ptr())
}

/// Whether the same call can succeed later with nothing changed by the caller.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_error_is_retryable(error: Option<&causelog_error>) -> bool {
    read(error, false, |error| error.code.is_retryable())
}

/// Frees an error; NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_error_free(error: Option<Box<causelog_error>>) {
    release(error);
}
