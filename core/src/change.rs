//! What is recorded: operations, changes, transactions, and the entries they become.

mod entry;
mod operation;
mod transaction;
mod verdict;

pub use entry::{ChangeEntry, Metadata};
pub use operation::ChangeOperation;
pub use transaction::{Change, Transaction};
pub use verdict::Verdict;
