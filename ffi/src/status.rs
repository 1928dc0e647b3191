use std::ffi::{CStr, c_char};

use causelog_core::ErrorCode;

use crate::guard::compute;

/// What a fallible function returns: success, or why it failed. Numbers and names are
/// the same in every language, are never reused, and more may be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum causelog_status {
    /// The call did what it says.
    CAUSELOG_OK = 0,
    /// An argument is not of the form that the function takes. Mend the call.
    CAUSELOG_INVALID_ARGUMENT = 1,
    /// What was named does not exist.
    CAUSELOG_NOT_FOUND = 2,
    /// What was to be made exists already.
    CAUSELOG_ALREADY_EXISTS = 3,
    /// Another handle or process is writing this directory. Close that one, or wait.
    CAUSELOG_LOCKED = 4,
    /// The handle, the file or the file system does not allow writing.
    CAUSELOG_READ_ONLY = 5,
    /// The operating system refused to read or write; the message says what it said.
    CAUSELOG_IO = 6,
    /// There is no space left to write to. Nothing was written: make room and call again.
    CAUSELOG_NO_SPACE = 7,
    /// Stored bytes are damaged; the message names the file and the offset.
    CAUSELOG_CORRUPT = 8,
    /// The handle was closed, or an internal failure closed it. Open it again.
    CAUSELOG_CLOSED = 9,
    /// The position asked for lies below what retention has kept.
    CAUSELOG_TRUNCATED = 10,
    /// The time allowed ran out.
    CAUSELOG_TIMEOUT = 11,
    /// The caller cancelled the call.
    CAUSELOG_CANCELLED = 12,
    /// The tenant's plan does not include change capture.
    CAUSELOG_CDC_DISABLED = 13,
    /// A limit of the tenant's plan is reached; the message names limit, use and plan.
    CAUSELOG_QUOTA_EXCEEDED = 14,
    /// A remote timestamp lies further ahead of local time than allowed. Nothing was
    /// written: try again when time has caught up.
    CAUSELOG_CLOCK_SKEW = 15,
    /// The same dot came with another content: two nodes share one identity.
    CAUSELOG_DOT_REUSE = 16,
    /// A transaction depends on one that this log does not hold. Bring that one first.
    CAUSELOG_MISSING_DEPENDENCY = 17,
    /// The row has changed since it was read. Read it again.
    CAUSELOG_VERSION_MISMATCH = 18,
    /// The row waits for a resolver or a person to decide.
    CAUSELOG_UNRESOLVED = 19,
    /// A custom resolver failed, or answered differently for the same heads.
    CAUSELOG_RESOLVER_FAILED = 20,
    /// The credentials do not allow this.
    CAUSELOG_UNAUTHORIZED = 21,
    /// A message of the peer is not of the form that the protocol prescribes.
    CAUSELOG_PROTOCOL = 22,
    /// The peer or service cannot be reached now.
    CAUSELOG_UNAVAILABLE = 23,
    /// A value, a counter or a message is larger than allowed.
    CAUSELOG_TOO_LARGE = 24,
    /// The format or feature belongs to another version.
    CAUSELOG_UNSUPPORTED = 25,
    /// A bug in causelog: the handle is closed, what was acknowledged is kept. Please report it.
    CAUSELOG_INTERNAL = 26,
}

impl causelog_status {
    /// Every failure and its name, in the order of the numbers.
    const TABLE: [(causelog_status, &'static CStr); 26] = [
        (Self::CAUSELOG_INVALID_ARGUMENT, c"INVALID_ARGUMENT"),
        (Self::CAUSELOG_NOT_FOUND, c"NOT_FOUND"),
        (Self::CAUSELOG_ALREADY_EXISTS, c"ALREADY_EXISTS"),
        (Self::CAUSELOG_LOCKED, c"LOCKED"),
        (Self::CAUSELOG_READ_ONLY, c"READ_ONLY"),
        (Self::CAUSELOG_IO, c"IO"),
        (Self::CAUSELOG_NO_SPACE, c"NO_SPACE"),
        (Self::CAUSELOG_CORRUPT, c"CORRUPT"),
        (Self::CAUSELOG_CLOSED, c"CLOSED"),
        (Self::CAUSELOG_TRUNCATED, c"TRUNCATED"),
        (Self::CAUSELOG_TIMEOUT, c"TIMEOUT"),
        (Self::CAUSELOG_CANCELLED, c"CANCELLED"),
        (Self::CAUSELOG_CDC_DISABLED, c"CDC_DISABLED"),
        (Self::CAUSELOG_QUOTA_EXCEEDED, c"QUOTA_EXCEEDED"),
        (Self::CAUSELOG_CLOCK_SKEW, c"CLOCK_SKEW"),
        (Self::CAUSELOG_DOT_REUSE, c"DOT_REUSE"),
        (Self::CAUSELOG_MISSING_DEPENDENCY, c"MISSING_DEPENDENCY"),
        (Self::CAUSELOG_VERSION_MISMATCH, c"VERSION_MISMATCH"),
        (Self::CAUSELOG_UNRESOLVED, c"UNRESOLVED"),
        (Self::CAUSELOG_RESOLVER_FAILED, c"RESOLVER_FAILED"),
        (Self::CAUSELOG_UNAUTHORIZED, c"UNAUTHORIZED"),
        (Self::CAUSELOG_PROTOCOL, c"PROTOCOL"),
        (Self::CAUSELOG_UNAVAILABLE, c"UNAVAILABLE"),
        (Self::CAUSELOG_TOO_LARGE, c"TOO_LARGE"),
        (Self::CAUSELOG_UNSUPPORTED, c"UNSUPPORTED"),
        (Self::CAUSELOG_INTERNAL, c"INTERNAL"),
    ];

    /// The status of a failure with this code.
    pub(crate) fn of(code: ErrorCode) -> causelog_status {
        let statuses = Self::TABLE.iter().map(|(status, _)| *status);
        statuses.into_iter().find(|status| *status as i32 == code.number()).unwrap_or(Self::CAUSELOG_INTERNAL)
    }
}

/// The name of a status, such as `"NOT_FOUND"`; `"OK"` of success, `"UNKNOWN"` of a number
/// that is no status. NUL-terminated, never freed.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_status_name(status: i32) -> *const c_char {
    compute(c"UNKNOWN".as_ptr(), || {
        let failure = causelog_status::TABLE.iter().find(|(known, _)| *known as i32 == status);
        match failure {
            Some((_, name)) => name.as_ptr(),
            None if status == causelog_status::CAUSELOG_OK as i32 => c"OK".as_ptr(),
            None => c"UNKNOWN".as_ptr(),
        }
    })
}

/// Whether the same call can succeed later with nothing changed by the caller.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_status_is_retryable(status: i32) -> bool {
    compute(false, || ErrorCode::from_number(status).is_some_and(ErrorCode::is_retryable))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_the_codes_of_the_core() {
        assert_eq!(causelog_status::TABLE.len(), ErrorCode::ALL.len());
        for (code, (status, name)) in ErrorCode::ALL.iter().zip(causelog_status::TABLE) {
            assert_eq!(causelog_status::of(*code), status);
            assert_eq!(code.number(), status as i32);
            assert_eq!(code.name(), name.to_str().unwrap());
            assert_eq!(format!("CAUSELOG_{}", code.name()), format!("{status:?}"));
            assert_eq!(code.is_retryable(), causelog_status_is_retryable(status as i32));
        }
    }
}
