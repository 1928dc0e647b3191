//! Functions of the application that decide conflicts.
//!
//! A JavaScript function runs on the thread of its JavaScript and nowhere else. The library asks from whichever
//! thread needs to know: from that one it is a plain call, from any other the question waits in a queue until
//! the event loop comes round. Nobody holds a lock of the library while waiting, so that what JavaScript does
//! meanwhile cannot wait for it in turn.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, SyncSender};
use std::thread::{self, ThreadId};
use std::time::Duration;

use causelog::{ConflictResolver, ErrorCode, ResolverDecision};
use napi::bindgen_prelude::{External, FnArgs, Function, FunctionRef, Result, Unknown};
use napi::threadsafe_function::{ThreadsafeCallContext, ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Status, sys};
use napi_derive::napi;

use crate::entry::ChangeEntry;
use crate::input::Argument;
use crate::output::Bytes;
use crate::row::Row;
use crate::task::without_panic;

/// What a custom resolver is asked to decide.
#[napi]
pub struct RowConflict {
    conflict: Arc<causelog::RowConflict>,
}

#[napi]
impl RowConflict {
    /// The table.
    #[napi(getter, catch_unwind)]
    pub fn table(&self) -> String {
        self.conflict.table.clone()
    }

    /// The row.
    #[napi(getter, catch_unwind, ts_return_type = "RowId")]
    pub fn row_id(&self) -> Row {
        Row(self.conflict.row_id.clone())
    }

    /// What the heads did to the row, taken together.
    #[napi(getter, catch_unwind, ts_return_type = "ConflictClass")]
    pub fn conflict_class(&self) -> &'static str {
        self.conflict.class.name()
    }

    /// The entries that no other has seen. Their order says nothing: a resolver must answer alike for any.
    #[napi(getter, catch_unwind)]
    pub fn heads(&self) -> Vec<ChangeEntry> {
        self.conflict.heads.iter().map(|head| Arc::new(head.clone()).into()).collect()
    }

    /// Whether the row was there before the heads parted.
    #[napi(getter, catch_unwind)]
    pub fn ancestor_is_live(&self) -> bool {
        self.conflict.ancestor_is_live
    }

    /// The row's payload before the heads parted, in a `Buffer` of its own; `null` if it was not there, or has none.
    #[napi(getter, catch_unwind, ts_return_type = "Buffer | null")]
    pub fn ancestor(&self) -> Option<Bytes> {
        self.conflict.ancestor.clone().map(Bytes)
    }
}

impl Argument<'_> {
    /// What somebody decides: `'delete'`, `'defer'`, or an object with a head or with a payload that is bytes already.
    pub(crate) fn decision(&self) -> causelog::Result<ResolverDecision> {
        let refuse = || self.refuse("{ head }, { value }, 'delete' or 'defer'");
        match self.text().ok().as_deref() {
            Some("delete") => return Ok(ResolverDecision::Delete),
            Some("defer") => return Ok(ResolverDecision::Defer),
            Some(_) => return Err(refuse()),
            None => {}
        }
        self.object().map_err(|_| refuse())?;
        let (head, value) = (self.member("head")?, self.member("value")?);
        match (head.is_absent(), value.is_absent()) {
            (false, true) => head.dot().map(ResolverDecision::Head),
            (true, false) => value.bytes().map(ResolverDecision::Value),
            _ => Err(refuse()),
        }
    }
}

/// The function of `index.js` through which all resolvers are called: by their number.
type Decide = FunctionRef<FnArgs<(f64, RowConflict)>, Unknown<'static>>;
type Queue = ThreadsafeFunction<Question, (), (), Status, false, true>;

/// The JavaScript in which functions are called.
pub struct ResolverHost {
    callee: Arc<Callee>,
    thread: ThreadId,
    queue: Queue,
}

struct Callee {
    decide: Decide,
    env: sys::napi_env,
}

// SAFETY: the environment is only used by `Callee::ask`, on its own thread; a `FunctionRef` may be dropped on any.
unsafe impl Send for Callee {}
// SAFETY: as above.
unsafe impl Sync for Callee {}

/// Something to be asked on the thread of JavaScript.
struct Question {
    number: f64,
    conflict: Arc<causelog::RowConflict>,
    deciding: Deciding,
    reply: Option<SyncSender<causelog::Result<ResolverDecision>>>,
}

/// How many functions of one replica are running. Whoever writes to it then is one of them, or was called by one: there is
/// no other JavaScript on that thread.
#[derive(Clone, Default)]
pub(crate) struct Deciding(Arc<AtomicUsize>);

impl Deciding {
    fn begin(&self) -> Running<'_> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Running(self)
    }

    /// Refuses a write from within a resolver.
    pub(crate) fn check(&self) -> causelog::Result<()> {
        if self.0.load(Ordering::SeqCst) == 0 {
            return Ok(());
        }
        Err(failed("a resolver wrote to the replica that called it: it may only read"))
    }
}

struct Running<'a>(&'a Deciding);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::SeqCst);
    }
}

fn failed(why: impl Into<String>) -> causelog::Error {
    causelog::Error::new(ErrorCode::ResolverFailed, why)
}

/// Values of JavaScript that are made meanwhile are let go of together: one exchange may ask thousands of times.
struct Scope {
    env: sys::napi_env,
    scope: sys::napi_handle_scope,
}

impl Scope {
    fn open(env: sys::napi_env) -> Option<Scope> {
        let mut scope = std::ptr::null_mut();
        // SAFETY: the caller is on the thread of `env`, called from its JavaScript or its event loop.
        let status = unsafe { sys::napi_open_handle_scope(env, &mut scope) };
        (status == sys::Status::napi_ok).then_some(Scope { env, scope })
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        // SAFETY: it was opened on this thread, and those opened since are closed.
        unsafe { sys::napi_close_handle_scope(self.env, self.scope) };
    }
}

impl Callee {
    /// Calls the function, on its thread.
    fn ask(&self, question: &Question) -> causelog::Result<ResolverDecision> {
        let unreachable = |error: napi::Error| failed(format!("it cannot be called: {}", error.reason));
        let _scope = Scope::open(self.env).ok_or_else(|| failed("its JavaScript has ended"))?;
        let env = Env::from_raw(self.env);
        let decide = self.decide.borrow_back(&env).map_err(unreachable)?;
        let _running = question.deciding.begin();
        let conflict = RowConflict { conflict: question.conflict.clone() };
        let answer = decide.call((question.number, conflict).into()).map_err(unreachable)?;
        let answer = Argument::new("decision", answer);
        let failure = answer.object().ok().and_then(|_| answer.member("failure").ok()?.text().ok());
        match failure {
            Some(why) => Err(failed(why)),
            None => answer.decision().map_err(|error| failed(error.message())),
        }
    }
}

/// Makes what calls functions of the caller's JavaScript. `decide` is called with a resolver's number and a conflict; `idle` does nothing.
#[napi(catch_unwind, skip_typescript)]
pub fn resolver_host(
    env: Env,
    decide: Function<'_, FnArgs<(f64, RowConflict)>, Unknown<'static>>,
    idle: Function<'_, (), ()>,
) -> Result<External<Arc<ResolverHost>>> {
    let callee = Arc::new(Callee { decide: decide.create_ref()?, env: env.raw() });
    let called = callee.clone();
    let queue = idle.build_threadsafe_function::<Question>().callee_handled::<false>().weak::<true>();
    let queue = queue.build_callback(move |context: ThreadsafeCallContext<Question>| {
        let mut question = context.value;
        let decision = without_panic(|| called.ask(&question));
        if let Some(reply) = question.reply.take() {
            // Who no longer waits has been told that his JavaScript has ended.
            drop(reply.send(decision));
        }
        Ok(())
    })?;
    Ok(External::new(Arc::new(ResolverHost { callee, thread: thread::current().id(), queue })))
}

/// A JavaScript function as the library calls it.
pub(crate) struct Resolver {
    host: Arc<ResolverHost>,
    number: f64,
    deciding: Deciding,
}

impl Resolver {
    pub(crate) fn new(host: &Arc<ResolverHost>, number: f64, deciding: &Deciding) -> Arc<Self> {
        Arc::new(Resolver { host: host.clone(), number, deciding: deciding.clone() })
    }
}

/// How often whoever waits for an answer looks whether there is still somebody to give it.
const LOOK_AFTER: Duration = Duration::from_millis(100);

impl ConflictResolver for Resolver {
    fn resolve(&self, conflict: &causelog::RowConflict) -> causelog::Result<ResolverDecision> {
        let (number, conflict, deciding) = (self.number, Arc::new(conflict.clone()), self.deciding.clone());
        let question = Question { number, conflict, deciding, reply: None };
        if thread::current().id() == self.host.thread {
            return self.host.callee.ask(&question);
        }
        let ended = || failed("its JavaScript has ended");
        let (reply, answer) = mpsc::sync_channel(1);
        let question = Question { reply: Some(reply), ..question };
        if self.host.queue.call(question, ThreadsafeFunctionCallMode::NonBlocking) != Status::Ok {
            return Err(ended());
        }
        // An environment that ends forgets what is in its queue without letting go of it.
        loop {
            match answer.recv_timeout(LOOK_AFTER) {
                Ok(decision) => return decision,
                Err(RecvTimeoutError::Timeout) if !self.host.queue.aborted() => {}
                Err(_) => return Err(ended()),
            }
        }
    }
}
