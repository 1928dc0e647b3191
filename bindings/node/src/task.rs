//! The doorways for work that may wait: it runs off the main thread and settles a promise.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::thread::Builder;

use causelog::{Error, ErrorCode, Result};
use napi::bindgen_prelude::{AsyncTask, Object, ToNapiValue, TypeName};
use napi::{Env, JsDeferred, JsError, Task};

use crate::error::thrown;

type Work<T> = Box<dyn FnOnce() -> Result<T> + Send>;
type Deferred<T> = JsDeferred<T, Box<dyn FnOnce(Env) -> napi::Result<T>>>;

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
        Ok(without_panic(work))
    }

    fn resolve(&mut self, env: Env, output: Self::Output) -> napi::Result<T> {
        settled(env, output)
    }
}

/// A promise of what `work` returns, which sleeps for as long as its caller likes: it has a thread of its own,
/// for the few of libuv's pool would soon all be asleep, and the work that is to wake them would never begin.
pub(crate) fn on_its_own_thread<'env, T>(
    env: &'env Env,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<Object<'env>>
where
    T: Send + ToNapiValue + 'static,
{
    // The promise is made once there is a thread to settle it: until somebody does, it keeps the process running.
    let (hand_over, deferred) = mpsc::sync_channel(1);
    let thread = Builder::new().name("causelog".to_owned()).spawn(move || {
        let Ok(deferred): std::result::Result<Deferred<T>, _> = deferred.recv() else { return };
        let output = without_panic(work);
        deferred.resolve(Box::new(move |env| settled(env, output)));
    });
    thread.map_err(|error| Error::new(ErrorCode::Io, format!("no thread to wait in: {error}")))?;
    let (deferred, promise) = env.create_deferred().map_err(|error| bug(&error.reason))?;
    hand_over.send(deferred).map_err(|_| bug("the thread to wait in has ended"))?;
    Ok(promise)
}

fn settled<T>(env: Env, output: Result<T>) -> napi::Result<T> {
    output.map_err(|error| JsError::from(thrown(error)).into_unknown(env).into())
}

/// A thread that works for one object, on one thing after the other in the order in which they were asked for. It begins with
/// the first of them, and ends with the object.
///
/// It is no thread of libuv's pool, because some of the work waits for JavaScript: the end of the process waits for the
/// pool, and would do so for ever.
#[derive(Default)]
pub(crate) struct Worker(RefCell<Option<mpsc::Sender<Job>>>);

type Job = Box<dyn FnOnce() + Send>;

impl Worker {
    /// A promise of what `work` returns.
    pub(crate) fn promise<'env, T>(
        &self,
        env: &'env Env,
        work: impl FnOnce() -> Result<T> + Send + 'static,
    ) -> Result<Object<'env>>
    where
        T: Send + ToNapiValue + 'static,
    {
        let jobs = self.jobs()?;
        let (deferred, promise): (Deferred<T>, _) =
            env.create_deferred().map_err(|error| bug(&error.reason))?;
        let job: Job = Box::new(move || {
            let output = without_panic(work);
            deferred.resolve(Box::new(move |env| settled(env, output)));
        });
        jobs.send(job).map_err(|_| bug("the thread that works has ended"))?;
        Ok(promise)
    }

    fn jobs(&self) -> Result<mpsc::Sender<Job>> {
        if let Some(jobs) = &*self.0.borrow() {
            return Ok(jobs.clone());
        }
        let (sender, jobs) = mpsc::channel::<Job>();
        let thread = Builder::new().name("causelog".to_owned()).spawn(move || {
            for job in jobs {
                job();
            }
        });
        thread.map_err(|error| Error::new(ErrorCode::Io, format!("no thread to work in: {error}")))?;
        *self.0.borrow_mut() = Some(sender.clone());
        Ok(sender)
    }
}

/// Node-API calls this from C, through which a panic must not pass.
pub(crate) fn without_panic<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(bug(panic_message(&*panic))))
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
