//! The log: transactions appended, entries read.
//!
//! It holds facts and gives them no meaning: which of two concurrent entries wins
//! is not its business. `docs/format.md` describes the bytes.

mod block;
mod change_log;
mod cursor;
mod format;
mod frame;
mod index;
mod options;
mod query;
mod recovery;
mod stats;

pub use change_log::{Appended, ChangeLog};
pub use cursor::{Cursor, TransactionCursor};
pub use options::{Durability, LogOptions};
pub use query::QueryOptions;
pub use stats::{ChangeLogStats, TableStats};
