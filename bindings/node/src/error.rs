//! Failures, and the table of their codes.

use causelog::ErrorCode;
use napi_derive::napi;

/// The code of a failed call, as Node-API takes it: it becomes `error.code`.
#[derive(Debug, Clone, Copy)]
pub struct Code(ErrorCode);

impl AsRef<str> for Code {
    fn as_ref(&self) -> &str {
        self.0.name()
    }
}

/// A failure of the library on its way to JavaScript.
pub(crate) fn thrown(error: causelog::Error) -> napi::Error<Code> {
    napi::Error::new(Code(error.code()), error.message())
}

/// An argument that is not of the form that the function takes.
pub(crate) fn invalid(message: String) -> causelog::Error {
    causelog::Error::new(ErrorCode::InvalidArgument, message)
}

/// One row of the error table that all languages share.
#[napi(object, object_from_js = false)]
pub struct ErrorCodeInfo {
    /// The number that the C surface uses; it never changes.
    pub number: i32,
    /// The name, as in `error.code`; it never changes.
    #[napi(ts_type = "ErrorCode")]
    pub name: &'static str,
    /// Whether the same call can succeed later with nothing changed by the caller.
    pub retryable: bool,
    /// What it means and what to do about it.
    pub description: &'static str,
}

/// The table of error codes that all languages share, in the order of their numbers.
#[napi(catch_unwind)]
pub fn error_codes() -> Vec<ErrorCodeInfo> {
    let row = |code: &ErrorCode| ErrorCodeInfo {
        number: code.number(),
        name: code.name(),
        retryable: code.is_retryable(),
        description: code.description(),
    };
    ErrorCode::ALL.iter().map(row).collect()
}
