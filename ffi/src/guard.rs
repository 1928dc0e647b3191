//! The boundary that every exported function runs behind: failures become a status
//! and an error handle, and a panic never leaves the library.

use std::any::Any;
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind};

use causelog_core::{Error, ErrorCode, Result};

use crate::error::causelog_error;
use crate::handle::give;
use crate::status::causelog_status;

/// Runs the body of a fallible function.
///
/// Unwind safety: what a panic may leave half-done belongs to the core, which closes
/// its log then; the handles here only hold core values.
pub(crate) fn guard(
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
    body: impl FnOnce() -> Result<()>,
) -> causelog_status {
    let failure = match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => return causelog_status::CAUSELOG_OK,
        Ok(Err(failure)) => failure,
        Err(panic) => internal(&*panic),
    };
    let status = causelog_status::of(failure.code());
    if let Some(error) = error {
        error.write(give(causelog_error::new(&failure)));
    }
    status
}

/// Reads something off a handle that cannot fail: `absent` for no handle.
pub(crate) fn read<H, T>(handle: Option<&H>, absent: T, body: impl FnOnce(&H) -> T) -> T {
    handle.and_then(|handle| catch_unwind(AssertUnwindSafe(|| body(handle))).ok()).unwrap_or(absent)
}

/// Makes a value from arguments that cannot be wrong.
pub(crate) fn compute<T>(absent: T, body: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(absent)
}

/// Does what nobody could be told the failure of.
pub(crate) fn quietly(body: impl FnOnce()) {
    compute((), body);
}

fn internal(panic: &(dyn Any + Send)) -> Error {
    let message = panic.downcast_ref::<&str>().copied();
    let message = message.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    Error::new(ErrorCode::Internal, format!("a bug in causelog: {}", message.unwrap_or("a panic")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error_with_its_message() {
        for (panicking, expected) in [
            ((|| panic!("as is")) as fn(), "a bug in causelog: as is"),
            (|| panic!("number {}", 7), "a bug in causelog: number 7"),
            (|| std::panic::panic_any(7), "a bug in causelog: a panic"),
        ] {
            let mut error = MaybeUninit::uninit();
            let status = guard(Some(&mut error), || {
                panicking();
                Ok(())
            });
            assert_eq!(status, causelog_status::CAUSELOG_INTERNAL);
            // SAFETY: a failed call has written the error, which nobody else has taken.
            let error = unsafe { Box::from_raw(error.assume_init()) };
            assert_eq!(error.text(), expected);
            crate::handle::release(Some(error));
        }
    }

    #[test]
    fn a_panic_where_no_error_can_be_returned_gives_the_absent_value() {
        assert_eq!(read(Some(&1), -1, |_| panic!("no")), -1);
        assert_eq!(read(None::<&i32>, -1, |number| *number), -1);
        assert_eq!(compute(-1, || panic!("no")), -1);
        quietly(|| panic!("no"));
    }
}
