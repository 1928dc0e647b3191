use std::mem::MaybeUninit;
use std::ptr::{from_ref, null};

use crate::conflicts::causelog_conflict_query;
use crate::error::causelog_error;
use crate::guard::{guard, read};
use crate::handle::{give, release};
use crate::input::required;
use crate::registry::causelog_registry;
use crate::replica::causelog_replica;
use crate::report::causelog_report;
use crate::status::causelog_status;

/// Conflicts, and how other rules would have decided them. Never changes, and may be read from several
/// threads at once.
pub struct causelog_what_ifs {
    answers: Vec<Answer>,
}

struct Answer {
    differs: bool,
    decided: causelog_report,
    would_be: causelog_report,
}

/// Resolves the conflicts that `query` asks for, which may be NULL, by other rules, beside how they were
/// decided. Nothing is changed and nothing is kept, also of what the program's resolvers answer. Free
/// the answers with `causelog_what_ifs_free`.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` as `causelog_registry_validate` does and when the query is
/// malformed; otherwise as `causelog_replica_conflicts` does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn causelog_replica_what_if(
    replica: Option<&causelog_replica>,
    registry: Option<&causelog_registry>,
    query: *const causelog_conflict_query,
    answers: Option<&mut MaybeUninit<*mut causelog_what_ifs>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let (replica, registry) = (required(replica, "replica")?, required(registry, "registry")?);
        // SAFETY: the caller passes a query whose parts are there during the call.
        let query = unsafe { causelog_conflict_query::read(query)? };
        let answers = required(answers, "answers")?;
        let found = replica.replica.what_if(registry.get(), &query)?.into_iter().map(|answer| Answer {
            differs: answer.differs(),
            decided: causelog_report::new(answer.decided),
            would_be: causelog_report::new(answer.would_be),
        });
        answers.write(give(causelog_what_ifs { answers: found.collect() }));
        Ok(())
    })
}

/// How many conflicts there are.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_what_ifs_count(answers: Option<&causelog_what_ifs>) -> usize {
    read(answers, 0, |answers| answers.answers.len())
}

/// How the conflict at this place was decided, from 0; NULL beyond the count. Borrowed.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_what_ifs_decided(
    answers: Option<&causelog_what_ifs>,
    index: usize,
) -> *const causelog_report {
    read(answers, null(), |answers| {
        answers.answers.get(index).map_or(null(), |answer| from_ref(&answer.decided))
    })
}

/// How it would have been decided; NULL beyond the count. Borrowed.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_what_ifs_would_be(
    answers: Option<&causelog_what_ifs>,
    index: usize,
) -> *const causelog_report {
    read(answers, null(), |answers| {
        answers.answers.get(index).map_or(null(), |answer| from_ref(&answer.would_be))
    })
}

/// Whether the row would have had another value.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_what_ifs_differs(answers: Option<&causelog_what_ifs>, index: usize) -> bool {
    read(answers, false, |answers| answers.answers.get(index).is_some_and(|answer| answer.differs))
}

/// Frees the answers; NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_what_ifs_free(answers: Option<Box<causelog_what_ifs>>) {
    release(answers);
}
