//! Why a program of the demo gave up, and where.

use std::fmt;
use std::io;
use std::path::Path;

use causelog::{Error, ErrorCode};

/// An error with its place: a file, a directory, or a line of a trace.
///
/// Displayed as `PLACE: what was wrong (CODE)`.
#[derive(Debug)]
pub struct Failure {
    place: String,
    error: Error,
}

impl Failure {
    /// An error that the library returned while working on `place`.
    pub fn at(place: impl fmt::Display, error: Error) -> Self {
        Failure { place: place.to_string(), error }
    }

    /// Input at `place` that is not of the form it must have.
    pub fn invalid(place: impl fmt::Display, message: impl Into<String>) -> Self {
        Self::at(place, Error::new(ErrorCode::InvalidArgument, message))
    }

    /// What the operating system said about the file at `place`.
    pub fn io(place: impl fmt::Display, error: io::Error) -> Self {
        use io::ErrorKind as Kind;
        let code = match error.kind() {
            Kind::StorageFull | Kind::QuotaExceeded | Kind::FileTooLarge => ErrorCode::NoSpace,
            _ => ErrorCode::Io,
        };
        Self::at(place, Error::new(code, error.to_string()))
    }

    /// As [`Failure::io`], for passing to `map_err`.
    pub fn file(path: &Path) -> impl Fn(io::Error) -> Failure + '_ {
        |error| Failure::io(path.display(), error)
    }

    /// The code of the error.
    pub fn code(&self) -> ErrorCode {
        self.error.code()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.place, self.error, self.error.code())
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}
