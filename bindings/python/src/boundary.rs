//! The two doors into the core. Both turn a panic inside it into the error
//! `INTERNAL`; the one for calls that may wait lets other Python threads run.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use causelog::{Error, ErrorCode, Result};
use pyo3::prelude::*;

use crate::names;

/// A call that neither touches the disk nor waits for another thread.
pub(crate) fn quick<T>(py: Python<'_>, work: impl FnOnce() -> Result<T>) -> PyResult<T> {
    guarded(work).map_err(|error| names::exception(py, error))
}

/// A call that may do either: the interpreter lock is released around it.
///
/// Inside `work` no Python object can be used, so whoever takes a lock of ours there
/// never waits for the interpreter while holding it.
pub(crate) fn waiting<T: Send>(py: Python<'_>, work: impl FnOnce() -> Result<T> + Send) -> PyResult<T> {
    py.detach(|| guarded(work)).map_err(|error| names::exception(py, error))
}

/// Does `work`; if it panics, says so as an error.
///
/// That nothing broken can be seen afterwards is the core's promise: a log in whose
/// write path something panicked closes itself.
pub(crate) fn guarded<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let message = format!("a bug in causelog: {}", message(&*panic));
        Err(Error::new(ErrorCode::Internal, message))
    })
}

/// An `INVALID_ARGUMENT` that this crate finds before the core could.
pub(crate) fn invalid(py: Python<'_>, message: impl Into<String>) -> PyErr {
    names::exception(py, Error::new(ErrorCode::InvalidArgument, message))
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("it panicked")
}
