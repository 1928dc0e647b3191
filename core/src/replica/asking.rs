//! The application's functions that decide conflicts: called without any lock, and their answers kept.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use hashbrown::HashMap;
use uuid::Uuid;

use crate::conflict::{
    Answer, ConflictReport, ConflictResolver, Question, ResolverDecision, RowConflict, RowHistory,
    conflict_id, dots,
};
use crate::error::{Error, Result};
use crate::id::{Dot, RowId};
use crate::replica::stored::Answers;
use crate::storage::Storage;

/// A thread, told apart from all others that live. The standard library's own id would do, but to ask for it allocates, and
/// in a main thread that Rust did not start nobody frees that.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Thread(usize);

impl Thread {
    fn current() -> Thread {
        thread_local!(static PLACE: u8 = const { 0 });
        PLACE.with(|place| Thread(std::ptr::from_ref(place).addr()))
    }
}

/// One question to one function about one set of heads.
pub(super) type QuestionKey = [u8; 16];

/// What the application's functions have said.
pub(super) struct Resolvers {
    registered: HashMap<(String, u32), Arc<dyn ConflictResolver>>,
    answers: Answers,
    /// Why a question got no answer.
    failures: HashMap<QuestionKey, (Uuid, String)>,
    /// Who is being asked what.
    asking: Vec<(Thread, QuestionKey)>,
    /// Whether every question is asked again with the heads in another order.
    pub(super) checks: bool,
}

/// A function that is to be called.
pub(super) struct Call {
    pub(super) key: QuestionKey,
    resolver: Arc<dyn ConflictResolver>,
    conflict: RowConflict,
    checks: bool,
}

impl Resolvers {
    pub(super) fn open(storage: &dyn Storage, checks: bool, read_only: bool) -> Result<Resolvers> {
        let answers = Answers::open(storage, read_only)?;
        let (registered, failures, asking) = Default::default();
        Ok(Resolvers { registered, answers, failures, asking, checks })
    }

    /// Registers a function; it is asked anew about what it, or one before it, failed at.
    /// Returns the one that it replaces, for the caller to drop without a lock.
    pub(super) fn register(
        &mut self,
        name: String,
        version: u32,
        resolver: Arc<dyn ConflictResolver>,
    ) -> Result<Option<Arc<dyn ConflictResolver>>> {
        if name.is_empty() {
            return Err(Error::invalid("a custom resolver needs a name"));
        }
        self.failures.clear();
        Ok(self.registered.insert((name, version), resolver))
    }

    /// The function with this name and version.
    pub(super) fn get(&self, name: &str, version: u32) -> Option<&Arc<dyn ConflictResolver>> {
        self.registered.get(&(name.to_owned(), version))
    }

    /// What is known of an answer.
    pub(super) fn answer(&self, key: QuestionKey, question: &Question, history: &RowHistory) -> Answer {
        if let Some(decision) = self.answers.get(&key) {
            return match decision {
                ResolverDecision::Head(dot) => match history.find(*dot) {
                    Some(index) => Answer::Head(index),
                    None => Answer::Failed,
                },
                ResolverDecision::Value(bytes) => Answer::Value(Some(bytes.as_slice().into())),
                ResolverDecision::Delete => Answer::Value(None),
                ResolverDecision::Defer => Answer::Defer,
            };
        }
        if self.failures.contains_key(&key) {
            return Answer::Failed;
        }
        // Who asks within the function about the very same conflict would wait for himself.
        if self.asking.contains(&(Thread::current(), key)) {
            return Answer::Missing;
        }
        match self.get(&question.name, question.version) {
            Some(_) => Answer::Unasked,
            None => Answer::Missing,
        }
    }

    /// Makes ready to ask; the caller calls [`Call::ask`] without any lock and hands the outcome to [`Resolvers::store`].
    pub(super) fn call(
        &mut self,
        key: QuestionKey,
        question: &Question,
        conflict: RowConflict,
    ) -> Result<Call> {
        let resolver = self.get(&question.name, question.version);
        let resolver = resolver.ok_or_else(|| Error::internal("a resolver is gone"))?.clone();
        self.begin(key);
        Ok(Call { key, resolver, conflict, checks: self.checks })
    }

    /// Keeps an answer, durably, or why there is none.
    pub(super) fn store(
        &mut self,
        storage: &dyn Storage,
        call: &Call,
        outcome: Result<ResolverDecision, String>,
    ) -> Result<()> {
        self.asked(call.key);
        match outcome {
            Ok(decision) => self.answers.put(storage, call.key, decision),
            Err(why) => {
                self.failures.insert(call.key, (call.conflict_id(), why));
                Ok(())
            }
        }
    }

    /// Whether this thread is within one of the functions.
    pub(super) fn is_asking(&self) -> bool {
        let own = Thread::current();
        self.asking.iter().any(|(thread, _)| *thread == own)
    }

    /// What the function failed with that was asked about this conflict, if it did.
    pub(super) fn failure_of(&self, report: &ConflictReport<'_>) -> Option<&str> {
        let id = report.id();
        self.failures.values().find(|(failed, _)| *failed == id).map(|(_, why)| why.as_str())
    }

    /// The same functions without anything that they have said.
    pub(super) fn scratch(&self) -> Resolvers {
        Resolvers {
            registered: self.registered.clone(),
            answers: Answers::default(),
            failures: HashMap::new(),
            asking: self.asking.clone(),
            checks: self.checks,
        }
    }

    /// Keeps an answer as long as this lives.
    pub(super) fn store_for_now(&mut self, call: &Call, outcome: Result<ResolverDecision, String>) {
        self.asked(call.key);
        match outcome {
            Ok(decision) => self.answers.remember(call.key, decision),
            Err(why) => {
                self.failures.insert(call.key, (call.conflict_id(), why));
            }
        }
    }

    /// This thread is within a function that is asked this.
    pub(super) fn begin(&mut self, key: QuestionKey) {
        self.asking.push((Thread::current(), key));
    }

    /// This thread is no longer.
    pub(super) fn asked(&mut self, key: QuestionKey) {
        let asked = (Thread::current(), key);
        if let Some(at) = self.asking.iter().rposition(|asking| *asking == asked) {
            self.asking.remove(at);
        }
    }
}

impl Call {
    fn conflict_id(&self) -> Uuid {
        let RowConflict { table, row_id, heads, .. } = &self.conflict;
        conflict_id(table, row_id, heads.iter().map(|head| head.dot()))
    }

    /// Calls the function, and once more with the heads in another order if that is wanted.
    pub(super) fn ask(&self) -> Result<ResolverDecision, String> {
        let decision = self.once(&self.conflict)?;
        if self.checks {
            let mut turned = self.conflict.clone();
            turned.heads.reverse();
            let again = self.once(&turned)?;
            if again != decision {
                return Err(format!(
                    "it answers {} for these heads and {} for the same heads in another order",
                    Said(&decision),
                    Said(&again)
                ));
            }
        }
        if let ResolverDecision::Head(dot) = &decision
            && !self.conflict.heads.iter().any(|head| head.dot() == *dot)
        {
            return Err(format!("it chose {dot}, which is none of the heads"));
        }
        Ok(decision)
    }

    fn once(&self, conflict: &RowConflict) -> Result<ResolverDecision, String> {
        match catch_unwind(AssertUnwindSafe(|| self.resolver.resolve(conflict))) {
            Ok(Ok(decision)) => Ok(decision),
            Ok(Err(error)) => Err(error.to_string()),
            Err(panic) => {
                let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
                let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
                Err(format!("it panicked: {}", text.unwrap_or_else(|| "no message".to_owned())))
            }
        }
    }
}

struct Said<'a>(&'a ResolverDecision);

impl std::fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            ResolverDecision::Head(dot) => dot.fmt(f),
            ResolverDecision::Value(bytes) => write!(f, "a value of {} bytes", bytes.len()),
            ResolverDecision::Delete => f.write_str("delete"),
            ResolverDecision::Defer => f.write_str("defer"),
        }
    }
}

/// What tells a question from all others: the function, the row, its heads, and what it was before they parted.
pub(super) fn question_key(
    question: &Question,
    history: &RowHistory,
    table: &str,
    row_id: &RowId,
) -> QuestionKey {
    let mut heads: Vec<Dot> = dots(history, &question.heads);
    heads.sort_unstable();
    let mut hasher = blake3::Hasher::new_derive_key("causelog custom question v1");
    let mut part = |bytes: &[u8]| {
        hasher.update(&(bytes.len() as u64).to_le_bytes());
        hasher.update(bytes);
    };
    part(question.name.as_bytes());
    part(&question.version.to_le_bytes());
    part(table.as_bytes());
    part(&row_id.encode());
    for head in heads {
        part(head.node.as_bytes());
        part(&head.sequence.to_le_bytes());
    }
    match &question.ancestor {
        None => part(b"absent"),
        Some(None) => part(b"live"),
        Some(Some(image)) => {
            part(b"image");
            part(image);
        }
    }
    let mut key = [0; 16];
    hasher.finalize_xof().fill(&mut key);
    key
}
