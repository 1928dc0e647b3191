//! The log: transactions appended, entries read.
//!
//! It holds facts and gives them no meaning: which of two concurrent entries wins
//! is not its business. `docs/format.md` describes the bytes.

mod appending;
mod bytes;
mod change_log;
mod clocks;
mod commit;
mod compaction;
mod compressed;
mod compression;
mod consumer;
mod cursor;
mod dictionary;
mod ends;
mod entry;
mod format;
mod frame;
mod frame_reader;
mod index_file;
mod opening;
mod options;
mod pages;
mod places;
mod query;
mod recent;
mod removal;
mod replay;
mod replica_file;
mod retention;
mod salvage;
mod scan;
mod sealing;
mod segment;
mod state;
mod stats;
mod tail;
mod time_travel;
mod transactions;
mod verify;
mod view;
mod waiting;
mod writer;

pub use appending::Appended;
pub(crate) use appending::{Arrival, Judge, Judgement};
pub use change_log::ChangeLog;
pub use compaction::CompactionOptions;
pub use compression::CompressionReport;
pub use consumer::{Consumer, ConsumerStatus};
pub use cursor::Cursor;
pub use entry::EntryRef;
pub use options::{Durability, LogOptions};
pub use query::QueryOptions;
pub use removal::{Removal, RemovalReason};
pub(crate) use replica_file::{read_replica_file, write_replica_file};
pub use retention::RetentionPolicy;
pub use salvage::SalvageReport;
pub use stats::{ChangeLogStats, TableStats};
pub use time_travel::{Moment, Row, Snapshot};
pub use transactions::TransactionCursor;
pub use verify::{Finding, VerifyReport};
pub use view::View;
