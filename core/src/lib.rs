//! An embeddable change-data-capture log that knows what caused what.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic))]

mod causality;
mod change;
mod clock;
mod conflict;
mod error;
mod id;
mod log;
mod payload;
pub mod storage;
mod time;
mod varint;

pub use change::{Change, ChangeEntry, ChangeOperation, Metadata, Transaction, Verdict};
pub use clock::{Causality, VectorClock};
pub use conflict::{
    Conflict, ConflictClass, ConflictDetector, ConflictReport, ConflictResolution, ConflictType, ReasonCode,
    Side, Winner,
};
pub use error::{Error, ErrorCode, Result};
pub use id::{Dot, IdSource, NodeId, RandomIds, RowId, RowIdPart};
pub use log::{
    Appended, ChangeLog, ChangeLogStats, Cursor, Durability, LogOptions, QueryOptions, TableStats,
    TransactionCursor,
};
pub use time::{HybridLogicalClock, ManualTime, SystemTime, TimeSource, Timestamp};
pub use uuid::Uuid;
