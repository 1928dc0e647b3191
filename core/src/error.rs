//! The one table of error codes, and the error that carries them.
//!
//! Every surface derives its own shape from this table: C gets the number as a
//! status, Python an exception class with `.code`, Node `err.code`. The table is
//! append-only: a number is never reused and a name never changes its meaning.

use std::fmt;

/// What every fallible function of this crate returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

macro_rules! error_codes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $number:literal, $name:literal, retryable: $retryable:literal;)+) => {
        /// Why a call failed: the one thing a program should branch on.
        ///
        /// The message of an [`Error`] is for people and may change; its code is
        /// part of the interface and does not.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        #[repr(i32)]
        pub enum ErrorCode {
            $($(#[doc = $doc])+ $variant = $number,)+
        }

        impl ErrorCode {
            /// Every code, in the order of their numbers.
            pub const ALL: &'static [ErrorCode] = &[$(ErrorCode::$variant,)+];

            /// The name used by every surface, in `SCREAMING_SNAKE_CASE`.
            ///
            /// ```
            /// assert_eq!(causelog::ErrorCode::NotFound.name(), "NOT_FOUND");
            /// ```
            pub const fn name(self) -> &'static str {
                match self { $(ErrorCode::$variant => $name,)+ }
            }

            /// Whether the same call can succeed later with nothing changed by the caller.
            pub const fn is_retryable(self) -> bool {
                match self { $(ErrorCode::$variant => $retryable,)+ }
            }

            /// What the code means and what to do about it, in one paragraph.
            pub const fn description(self) -> &'static str {
                match self { $(ErrorCode::$variant => concat!($($doc, "\n",)+).trim_ascii(),)+ }
            }
        }
    };
}

error_codes! {
    /// An argument is not of the form that the function takes. Mend the call.
    InvalidArgument = 1, "INVALID_ARGUMENT", retryable: false;
    /// What was named does not exist.
    NotFound = 2, "NOT_FOUND", retryable: false;
    /// What was to be made exists already.
    AlreadyExists = 3, "ALREADY_EXISTS", retryable: false;
    /// Another handle or process is writing this directory. Close that one, or wait.
    Locked = 4, "LOCKED", retryable: true;
    /// The handle, the file or the file system does not allow writing.
    ReadOnly = 5, "READ_ONLY", retryable: false;
    /// The operating system refused to read or write; the message says what it said.
    Io = 6, "IO", retryable: false;
    /// There is no space left to write to. Nothing was written: make room and call again.
    NoSpace = 7, "NO_SPACE", retryable: true;
    /// Stored bytes are damaged; the message names the file and the offset.
    Corrupt = 8, "CORRUPT", retryable: false;
    /// The handle was closed, or an internal failure closed it. Open it again.
    Closed = 9, "CLOSED", retryable: false;
    /// The position asked for lies below what retention has kept.
    Truncated = 10, "TRUNCATED", retryable: false;
    /// The time allowed ran out.
    Timeout = 11, "TIMEOUT", retryable: true;
    /// The caller cancelled the call.
    Cancelled = 12, "CANCELLED", retryable: true;
    /// The tenant's plan does not include change capture.
    CdcDisabled = 13, "CDC_DISABLED", retryable: false;
    /// A limit of the tenant's plan is reached; the message names limit, use and plan.
    QuotaExceeded = 14, "QUOTA_EXCEEDED", retryable: true;
    /// A remote timestamp lies further ahead of local time than allowed. Nothing was written: try again when time has caught up.
    ClockSkew = 15, "CLOCK_SKEW", retryable: true;
    /// The same dot came with another content: two nodes share one identity.
    DotReuse = 16, "DOT_REUSE", retryable: false;
    /// A transaction depends on one that this log does not hold. Bring that one first.
    MissingDependency = 17, "MISSING_DEPENDENCY", retryable: true;
    /// The row has changed since it was read. Read it again.
    VersionMismatch = 18, "VERSION_MISMATCH", retryable: true;
    /// The row waits for a resolver or a person to decide.
    Unresolved = 19, "UNRESOLVED", retryable: true;
    /// A custom resolver failed, or answered differently for the same heads.
    ResolverFailed = 20, "RESOLVER_FAILED", retryable: false;
    /// The credentials do not allow this.
    Unauthorized = 21, "UNAUTHORIZED", retryable: false;
    /// A message of the peer is not of the form that the protocol prescribes.
    Protocol = 22, "PROTOCOL", retryable: false;
    /// The peer or service cannot be reached now.
    Unavailable = 23, "UNAVAILABLE", retryable: true;
    /// A value, a counter or a message is larger than allowed.
    TooLarge = 24, "TOO_LARGE", retryable: false;
    /// The format or feature belongs to another version.
    Unsupported = 25, "UNSUPPORTED", retryable: false;
    /// A bug in causelog: the handle is closed, what was acknowledged is kept. Please report it.
    Internal = 26, "INTERNAL", retryable: false;
}

impl ErrorCode {
    /// The number used by the C surface; 0 is success and never an error's number.
    ///
    /// ```
    /// assert_eq!(causelog::ErrorCode::InvalidArgument.number(), 1);
    /// ```
    pub const fn number(self) -> i32 {
        self as i32
    }

    /// The code with this number, if there is one.
    pub fn from_number(number: i32) -> Option<ErrorCode> {
        ErrorCode::ALL.iter().copied().find(|code| code.number() == number)
    }

    /// The code with this name, if there is one.
    pub fn from_name(name: &str) -> Option<ErrorCode> {
        ErrorCode::ALL.iter().copied().find(|code| code.name() == name)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A failed call: a code to branch on, a message to read, and what lay beneath.
///
/// A call that returns an error has changed nothing, unless its documentation
/// says otherwise.
///
/// ```
/// use causelog::{Change, ErrorCode, RowId};
///
/// let error = Change::insert("", 42, "{}").validate().unwrap_err();
/// assert_eq!(error.code(), ErrorCode::InvalidArgument);
/// assert_eq!(error.to_string(), "table name is empty");
/// ```
#[derive(Debug)]
pub struct Error {
    code: ErrorCode,
    message: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error with this code and message. By convention the message is lower
    /// case and names the value that was wrong.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Error { code, message: message.into(), source: None }
    }

    /// The same error with what caused it, for [`std::error::Error::source`].
    #[must_use]
    pub fn with_source(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    /// The same error with words before its message: where it happened.
    #[must_use]
    pub fn context(mut self, context: impl fmt::Display) -> Self {
        self.message = format!("{context}: {}", self.message);
        self
    }

    /// The code to branch on.
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// What was wrong, for people.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Whether the same call can succeed later; see [`ErrorCode::is_retryable`].
    pub fn is_retryable(&self) -> bool {
        self.code.is_retryable()
    }

    /// Something that cannot happen did: a fault of this library.
    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Error::new(ErrorCode::Internal, message)
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Error::new(ErrorCode::InvalidArgument, message)
    }

    /// What the operating system said about `what`, under the code that tells a caller what to do.
    pub(crate) fn io(what: impl fmt::Display, error: std::io::Error) -> Self {
        use std::io::ErrorKind as Kind;
        let code = match error.kind() {
            // A file-size limit stops a write as a full disk does, and is mended the same way.
            Kind::StorageFull | Kind::QuotaExceeded | Kind::FileTooLarge => ErrorCode::NoSpace,
            Kind::ReadOnlyFilesystem => ErrorCode::ReadOnly,
            Kind::NotFound => ErrorCode::NotFound,
            _ => ErrorCode::Io,
        };
        Error::new(code, format!("{what}: {error}")).with_source(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_are_unique_and_gap_free() {
        for (index, code) in ErrorCode::ALL.iter().enumerate() {
            assert_eq!(code.number(), index as i32 + 1);
            assert_eq!(ErrorCode::from_number(code.number()), Some(*code));
            assert_eq!(ErrorCode::from_name(code.name()), Some(*code));
            assert!(!code.description().is_empty());
        }
        assert_eq!(ErrorCode::from_number(0), None);
    }

    #[test]
    fn a_full_disk_is_told_apart_from_other_failures() {
        let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
        let error = Error::io("writing x", full);
        assert_eq!(error.code(), ErrorCode::NoSpace);
        assert!(error.is_retryable());
        assert!(error.message().starts_with("writing x: "));
    }
}
