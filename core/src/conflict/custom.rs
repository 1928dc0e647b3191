use std::sync::Arc;

use crate::change::ChangeEntry;
use crate::conflict::ConflictClass;
use crate::error::Result;
use crate::id::{Dot, RowId};

/// What a custom resolver is asked to decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowConflict {
    /// The table.
    pub table: String,
    /// The row.
    pub row_id: RowId,
    /// What the heads did to the row, taken together.
    pub class: ConflictClass,
    /// The entries that no other has seen. Their order says nothing: a resolver must answer alike for any.
    pub heads: Vec<ChangeEntry>,
    /// Whether the row was there before the heads parted.
    pub ancestor_is_live: bool,
    /// The row's payload before the heads parted; `None` if it was not there, or has none.
    pub ancestor: Option<Vec<u8>>,
}

/// What a custom resolver decides.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResolverDecision {
    /// The head with this dot wins.
    Head(Dot),
    /// The row takes this payload, which no entry need carry.
    Value(Vec<u8>),
    /// The row is deleted.
    Delete,
    /// Somebody is to decide: the conflict goes to the inbox.
    Defer,
}

/// A function of the application that decides conflicts.
///
/// It must be a pure function of what it is given: every replica calls its own, and all must come to one
/// answer. It may read its replica, but a write there is `RESOLVER_FAILED`. It may be called from any thread that uses the
/// replica, and from several at once.
///
/// Any function of the right form is one:
///
/// ```
/// use std::sync::Arc;
/// use causelog::{ConflictResolver, ResolverDecision, RowConflict};
/// let longest: Arc<dyn ConflictResolver> = Arc::new(|conflict: &RowConflict| {
///     let longest = conflict.heads.iter().max_by_key(|head| (head.after.as_ref().map(Vec::len), head.dot()));
///     Ok(longest.map_or(ResolverDecision::Defer, |head| ResolverDecision::Head(head.dot())))
/// });
/// ```
pub trait ConflictResolver: Send + Sync {
    /// Decides.
    ///
    /// # Errors
    /// Whatever keeps it from deciding: the conflict then goes to the inbox.
    fn resolve(&self, conflict: &RowConflict) -> Result<ResolverDecision>;
}

impl<F: Fn(&RowConflict) -> Result<ResolverDecision> + Send + Sync> ConflictResolver for F {
    fn resolve(&self, conflict: &RowConflict) -> Result<ResolverDecision> {
        self(conflict)
    }
}

impl<T: ConflictResolver + ?Sized> ConflictResolver for Arc<T> {
    fn resolve(&self, conflict: &RowConflict) -> Result<ResolverDecision> {
        (**self).resolve(conflict)
    }
}
