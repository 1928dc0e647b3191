use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::ptr::{from_ref, null};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use causelog_core::{ConflictResolver, Error, ErrorCode, ResolverDecision, Result, RowConflict};

use crate::entry::causelog_entry;
use crate::enumeration::causelog_conflict_class;
use crate::error::causelog_error;
use crate::guard::{guard, read};
use crate::identity::causelog_dot;
use crate::input::{invalid, required};
use crate::row_id::{RowIdView, causelog_row_id};
use crate::status::causelog_status;
use crate::text::{causelog_bytes, causelog_text};

/// The kinds of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum causelog_decision_type {
    /// No decision.
    CAUSELOG_DECISION_NONE = 0,
    /// The head with the dot `head` wins.
    CAUSELOG_DECISION_HEAD = 1,
    /// The row takes the payload `value`, which no entry need carry.
    CAUSELOG_DECISION_VALUE = 2,
    /// The row is deleted.
    CAUSELOG_DECISION_DELETE = 3,
    /// Somebody is to decide: the conflict goes to the inbox.
    CAUSELOG_DECISION_DEFER = 4,
}

/// What is decided about a row in conflict. What its type does not use is ignored.
///
/// Passed to a function, what it points to is only read during the call.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct causelog_decision {
    /// A `causelog_decision_type`.
    pub r#type: i32,
    /// The head that wins.
    pub head: causelog_dot,
    /// The payload that the row takes.
    pub value: causelog_bytes,
}

impl causelog_decision {
    fn new(kind: causelog_decision_type, head: causelog_dot, value: causelog_bytes) -> Self {
        causelog_decision { r#type: kind as i32, head, value }
    }

    /// # Safety
    /// What it points to is there.
    pub(crate) unsafe fn read(self, name: &str) -> Result<ResolverDecision> {
        use causelog_decision_type as Type;
        let of = |kind: Type| self.r#type == kind as i32;
        if of(Type::CAUSELOG_DECISION_HEAD) {
            Ok(ResolverDecision::Head(self.head.into()))
        } else if of(Type::CAUSELOG_DECISION_VALUE) {
            // SAFETY: the caller vouches for it.
            let value = unsafe { self.value.read_optional(&format!("{name}.value"))? };
            Ok(ResolverDecision::Value(required(value, &format!("{name}.value"))?))
        } else if of(Type::CAUSELOG_DECISION_DELETE) {
            Ok(ResolverDecision::Delete)
        } else if of(Type::CAUSELOG_DECISION_DEFER) {
            Ok(ResolverDecision::Defer)
        } else {
            Err(invalid(format!("{name} has type {}: it is none of a decision", self.r#type)))
        }
    }
}

/// The head with this dot wins.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_decision_head(head: causelog_dot) -> causelog_decision {
    causelog_decision::new(causelog_decision_type::CAUSELOG_DECISION_HEAD, head, causelog_bytes::NONE)
}

/// The row takes this payload, to which the decision points.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_decision_value(value: causelog_bytes) -> causelog_decision {
    causelog_decision::new(causelog_decision_type::CAUSELOG_DECISION_VALUE, causelog_dot::NONE, value)
}

/// The row is deleted.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_decision_delete() -> causelog_decision {
    let kind = causelog_decision_type::CAUSELOG_DECISION_DELETE;
    causelog_decision::new(kind, causelog_dot::NONE, causelog_bytes::NONE)
}

/// Somebody is to decide: the conflict goes to the inbox.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_decision_defer() -> causelog_decision {
    let kind = causelog_decision_type::CAUSELOG_DECISION_DEFER;
    causelog_decision::new(kind, causelog_dot::NONE, causelog_bytes::NONE)
}

/// What a resolver of the program is asked to decide. It lives until the resolver returns.
pub struct causelog_row_conflict {
    row_id: RowIdView,
    /// The heads as C sees them: made when somebody looks.
    heads: OnceLock<Vec<causelog_entry>>,
    /// What `row_id` points into.
    conflict: RowConflict,
}

impl causelog_row_conflict {
    fn new(conflict: RowConflict) -> Self {
        causelog_row_conflict { row_id: RowIdView::of(&conflict.row_id), heads: OnceLock::new(), conflict }
    }

    fn heads(&self) -> &[causelog_entry] {
        self.heads.get_or_init(|| self.conflict.heads.iter().cloned().map(causelog_entry::new).collect())
    }
}

/// The table. Borrowed.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_row_conflict_table(conflict: Option<&causelog_row_conflict>) -> causelog_text {
    read(conflict, causelog_text::NONE, |conflict| causelog_text::of(&conflict.conflict.table))
}

/// The row. Borrowed; NULL of NULL.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_row_conflict_row_id(
    conflict: Option<&causelog_row_conflict>,
) -> *const causelog_row_id {
    read(conflict, null(), |conflict| from_ref(conflict.row_id.get()))
}

/// What the heads did to the row, taken together.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_row_conflict_class(
    conflict: Option<&causelog_row_conflict>,
) -> causelog_conflict_class {
    let none = causelog_conflict_class::CAUSELOG_CONFLICT_CLASS_NONE;
    read(conflict, none, |conflict| causelog_conflict_class::of(conflict.conflict.class).unwrap_or(none))
}

/// How many heads there are: entries that no other has seen.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_row_conflict_head_count(conflict: Option<&causelog_row_conflict>) -> usize {
    read(conflict, 0, |conflict| conflict.conflict.heads.len())
}

/// The head at this place, from 0; NULL beyond the count. Borrowed. Their order says nothing: a
/// resolver must answer alike for any.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_row_conflict_head(
    conflict: Option<&causelog_row_conflict>,
    index: usize,
) -> *const causelog_entry {
    read(conflict, null(), |conflict| conflict.heads().get(index).map_or(null(), from_ref))
}

/// Whether the row was there before the heads parted.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_row_conflict_ancestor_is_live(conflict: Option<&causelog_row_conflict>) -> bool {
    read(conflict, false, |conflict| conflict.conflict.ancestor_is_live)
}

/// The row's payload before the heads parted. Borrowed; `data` is NULL if it was not there, or has none.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_row_conflict_ancestor(conflict: Option<&causelog_row_conflict>) -> causelog_bytes {
    read(conflict, causelog_bytes::NONE, |conflict| {
        causelog_bytes::of_optional(conflict.conflict.ancestor.as_deref())
    })
}

/// Where a resolver of the program puts its answer. It lives until the resolver returns. Who answers
/// twice has said the latter.
pub struct causelog_answer {
    said: Option<Result<ResolverDecision>>,
}

/// Answers with a decision, which is copied.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` when the decision is malformed; the resolver has then
/// failed with that, unless it answers again.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn causelog_answer_decide(
    answer: Option<&mut causelog_answer>,
    decision: causelog_decision,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let answer = required(answer, "answer")?;
        // SAFETY: the caller passes a decision whose parts are there during the call.
        match unsafe { decision.read("decision") } {
            Ok(decision) => {
                answer.said = Some(Ok(decision));
                Ok(())
            }
            Err(failure) => {
                answer.said = Some(Err(invalid(failure.message())));
                Err(failure)
            }
        }
    })
}

/// Answers that the resolver has failed, and why: the conflict goes to the inbox with `message`.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` when the message is malformed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn causelog_answer_fail(
    answer: Option<&mut causelog_answer>,
    message: causelog_text,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let answer = required(answer, "answer")?;
        // SAFETY: the caller passes text that is there during the call.
        let message = unsafe { message.read("message")? };
        answer.said = Some(Err(Error::new(ErrorCode::ResolverFailed, message)));
        Ok(())
    })
}

/// A function of the program that decides conflicts: it looks at `conflict` and answers by
/// `causelog_answer_decide` or `causelog_answer_fail`; without an answer it has failed. `context` is
/// what was registered with it.
///
/// It must be a pure function of the conflict: every replica calls its own, and all must come to one
/// answer. It may read the replica that calls it; writing to it there is `CAUSELOG_RESOLVER_FAILED`. It
/// must return: no `longjmp` and no C++ exception may leave it, and it must not free the replica.
///
/// It is called by whichever thread uses the replica, within the call, and by several at once.
pub type causelog_resolver_function = Option<
    unsafe extern "C" fn(
        context: *mut c_void,
        conflict: *const causelog_row_conflict,
        answer: *mut causelog_answer,
    ),
>;

/// A function of the program that ends the `context` of a resolver.
pub type causelog_destroy_function = Option<unsafe extern "C" fn(context: *mut c_void)>;

/// A resolver of the program, for `{"kind":"custom","name":...,"version":...}`.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct causelog_resolver {
    /// Under which name it decides.
    pub name: causelog_text,
    /// Its version: another one may decide differently, and is another rule.
    pub version: u32,
    /// The function.
    pub resolve: causelog_resolver_function,
    /// What the function is handed; may be NULL.
    pub context: *mut c_void,
    /// What is called with `context`, once for each registration that succeeded, when the function
    /// will not be called by it any more: at the latest when the replica is freed, at the earliest
    /// by the call that registers another function in its place. Never from within the function. May
    /// be NULL.
    pub destroy: causelog_destroy_function,
}

/// A function of the program, as the core calls it.
pub(crate) struct Callback {
    resolve: unsafe extern "C" fn(*mut c_void, *const causelog_row_conflict, *mut causelog_answer),
    context: *mut c_void,
    destroy: causelog_destroy_function,
    /// Whether `context` is ours to end: not before the registration has succeeded.
    owned: AtomicBool,
}

// SAFETY: C is told that the function is called from any thread and by several at once, and that
// the context is handed along.
unsafe impl Send for Callback {}
// SAFETY: as above.
unsafe impl Sync for Callback {}

impl ConflictResolver for Callback {
    fn resolve(&self, conflict: &RowConflict) -> Result<ResolverDecision> {
        let conflict = causelog_row_conflict::new(conflict.clone());
        let mut answer = causelog_answer { said: None };
        // SAFETY: the function has this form, the context is its own, and both arguments outlive the call.
        unsafe { (self.resolve)(self.context, &raw const conflict, &raw mut answer) };
        let silent = || Error::new(ErrorCode::ResolverFailed, "it returned without an answer");
        answer.said.unwrap_or_else(|| Err(silent()))
    }
}

impl Drop for Callback {
    fn drop(&mut self) {
        if self.owned.load(Ordering::Acquire)
            && let Some(destroy) = self.destroy
        {
            // SAFETY: the function has this form, and nobody calls the resolver with the context any more.
            unsafe { destroy(self.context) };
        }
    }
}

/// A resolver as it is registered: its name, its version, and the function.
pub(crate) type Registration = (String, u32, Arc<Callback>);

impl causelog_resolver {
    /// # Safety
    /// What it points to is there.
    pub(crate) unsafe fn read(&self, name: &str) -> Result<Registration> {
        // SAFETY: the caller vouches for it.
        let resolver = unsafe { self.name.read(&format!("{name}.name"))? };
        if resolver.is_empty() {
            return Err(invalid(format!("{name}.name is empty: a custom resolver needs a name")));
        }
        let resolve = required(self.resolve, &format!("{name}.resolve"))?;
        let (context, destroy, owned) = (self.context, self.destroy, AtomicBool::new(false));
        Ok((resolver.to_owned(), self.version, Arc::new(Callback { resolve, context, destroy, owned })))
    }
}

/// The functions that were registered with a replica. They are kept here too, so that none is ended
/// where the core holds a lock: what `destroy` does is the program's affair.
#[derive(Default)]
pub(crate) struct Callbacks {
    kept: Mutex<Vec<Arc<Callback>>>,
}

impl Callbacks {
    /// Takes over what was registered, and ends what the core has let go of.
    pub(crate) fn take(&self, registered: impl IntoIterator<Item = Arc<Callback>>) {
        let ended: Vec<_> = {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            for callback in registered {
                callback.owned.store(true, Ordering::Release);
                kept.push(callback);
            }
            kept.extract_if(.., |callback| Arc::strong_count(callback) == 1).collect()
        };
        drop(ended);
    }
}
