//! Handles: values that C holds a pointer to, and the count of them.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::guard::quietly;

static LIVE: AtomicUsize = AtomicUsize::new(0);

/// Hands a value over to C, which gives it back to the type's `free` function.
pub(crate) fn give<T>(value: T) -> *mut T {
    let handle = Box::into_raw(Box::new(value));
    LIVE.fetch_add(1, Ordering::Relaxed);
    handle
}

/// Ends a handle; for `NULL` there is nothing to do.
pub(crate) fn release<T>(handle: Option<Box<T>>) {
    if let Some(handle) = handle {
        LIVE.fetch_sub(1, Ordering::Relaxed);
        quietly(move || drop(handle));
    }
}

/// How many handles exist in this process: made and not yet freed, errors and buffers
/// among them, what is borrowed from another handle not. A program that has freed
/// everything sees 0; tests use it to find leaks.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_live_handles() -> usize {
    LIVE.load(Ordering::Relaxed)
}
