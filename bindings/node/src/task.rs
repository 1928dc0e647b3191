//! The one doorway for work that may wait: it runs in libuv's pool and settles a promise.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use causelog::{Error, ErrorCode, Result};
use napi::bindgen_prelude::{AsyncTask, ToNapiValue, TypeName};
use napi::{Env, JsError, Task};

use crate::error::thrown;

type Work<T> = Box<dyn FnOnce() -> Result<T> + Send>;

/// Work for the pool and, once done, a value for JavaScript.
pub struct Background<T>(Option<Work<T>>);

/// A promise of what `work` returns.
pub(crate) fn background<T>(work: impl FnOnce() -> Result<T> + Send + 'static) -> AsyncTask<Background<T>>
where
    T: Send + ToNapiValue + TypeName + 'static,
{
    AsyncTask::new(Background(Some(Box::new(work))))
}

impl<T: Send + ToNapiValue + TypeName + 'static> Task for Background<T> {
    // A failure travels as output: only `resolve` runs where an error with a code can be made.
    type Output = Result<T>;
    type JsValue = T;

    fn compute(&mut self) -> napi::Result<Self::Output> {
        let Some(work) = self.0.take() else { return Ok(Err(bug("work was started twice"))) };
        // Node-API calls this from C, through which a panic must not pass.
        Ok(catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(bug(panic_message(&*panic)))))
    }

    fn resolve(&mut self, env: Env, output: Self::Output) -> napi::Result<T> {
        output.map_err(|error| JsError::from(thrown(error)).into_unknown(env).into())
    }
}

fn bug(what: &str) -> Error {
    Error::new(ErrorCode::Internal, what)
}

fn panic_message(panic: &(dyn Any + Send)) -> &str {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (None, Some(text)) => text,
        (None, None) => "a panic without a message",
    }
}
