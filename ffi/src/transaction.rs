use std::mem::MaybeUninit;
use std::ptr::{from_ref, null, null_mut};
use std::sync::OnceLock;

use causelog_core::{Dot, Timestamp, Transaction};

use crate::change::{ChangeView, causelog_change, causelog_changes};
use crate::error::causelog_error;
use crate::guard::{guard, read};
use crate::handle::{give, release};
use crate::identity::causelog_dot;
use crate::input::{required, slice};
use crate::status::causelog_status;

/// A node's transaction in full: what replicas exchange. Never changes, and may be read
/// from several threads at once.
///
/// It is named by its last dot and takes as many sequences of its node as it has changes,
/// and one if it has none.
pub struct causelog_transaction {
    /// Made when somebody looks: one that is only passed on needs none.
    views: OnceLock<Vec<ChangeView>>,
    /// What `views` point into.
    transaction: Transaction,
}

impl causelog_transaction {
    pub(crate) fn new(transaction: Transaction) -> Self {
        causelog_transaction { views: OnceLock::new(), transaction }
    }

    pub(crate) fn get(&self) -> &Transaction {
        &self.transaction
    }

    fn views(&self) -> &[ChangeView] {
        self.views.get_or_init(|| self.transaction.changes.iter().map(ChangeView::of).collect())
    }
}

/// A transaction from its parts, which are copied. Free it with `causelog_transaction_free`.
///
/// `dot` is its name: the dot of its last change. `dependencies` are the dots of the
/// transactions that its author had seen and that no other of them covers; the author's
/// own previous one is among what they cover. `timestamp` is in nanoseconds since the
/// Unix epoch. `changes` may be NULL, which is none.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` when an argument is malformed, or the sequence is
/// lower than the number of changes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn causelog_transaction_new(
    dot: causelog_dot,
    dependencies: *const causelog_dot,
    dependency_count: usize,
    timestamp: i64,
    changes: Option<&causelog_changes>,
    transaction: Option<&mut MaybeUninit<*mut causelog_transaction>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        // SAFETY: the caller passes as many dots.
        let dependencies = unsafe { slice(dependencies, dependency_count, "dependencies")? };
        let made = Transaction {
            node: dot.node.into(),
            sequence: dot.sequence,
            dependencies: dependencies.iter().map(|dot| Dot::from(*dot)).collect(),
            timestamp: Timestamp::from_nanoseconds(timestamp),
            changes: changes.map(|changes| changes.changes.clone()).unwrap_or_default(),
        };
        made.first_sequence()?;
        required(transaction, "transaction")?.write(give(causelog_transaction::new(made)));
        Ok(())
    })
}

/// A copy of a transaction, to keep one that is borrowed. NULL of NULL. Free it with
/// `causelog_transaction_free`.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_transaction_clone(
    transaction: Option<&causelog_transaction>,
) -> *mut causelog_transaction {
    read(transaction, null_mut(), |transaction| {
        give(causelog_transaction::new(transaction.transaction.clone()))
    })
}

/// The name of the transaction: the dot of its last change.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_transaction_dot(transaction: Option<&causelog_transaction>) -> causelog_dot {
    read(transaction, causelog_dot::NONE, |transaction| transaction.transaction.dot().into())
}

/// When it was written, by its author's hybrid logical clock, in nanoseconds since the Unix epoch.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_transaction_timestamp(transaction: Option<&causelog_transaction>) -> i64 {
    read(transaction, 0, |transaction| transaction.transaction.timestamp.nanoseconds())
}

/// How many dependencies it has.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_transaction_dependency_count(transaction: Option<&causelog_transaction>) -> usize {
    read(transaction, 0, |transaction| transaction.transaction.dependencies.len())
}

/// The dependency at this place, from 0; zeros beyond the count.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_transaction_dependency(
    transaction: Option<&causelog_transaction>,
    index: usize,
) -> causelog_dot {
    read(transaction, causelog_dot::NONE, |transaction| {
        transaction.transaction.dependencies.get(index).map_or(causelog_dot::NONE, |dot| (*dot).into())
    })
}

/// How many changes it has; none if it is a merge.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_transaction_change_count(transaction: Option<&causelog_transaction>) -> usize {
    read(transaction, 0, |transaction| transaction.transaction.changes.len())
}

/// The change at this place, in order, from 0; NULL beyond the count. Borrowed: it lives
/// as long as the transaction.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_transaction_change(
    transaction: Option<&causelog_transaction>,
    index: usize,
) -> *const causelog_change {
    read(transaction, null(), |transaction| {
        transaction.views().get(index).map_or(null(), |view| from_ref(view.get()))
    })
}

/// Frees a transaction that is not borrowed; NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_transaction_free(transaction: Option<Box<causelog_transaction>>) {
    release(transaction);
}
