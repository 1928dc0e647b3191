//! An embeddable change-data-capture log that knows what caused what.
//!
//! An application records every row change in a [`ChangeLog`]: append-only, in a
//! directory or in memory. Each entry carries a [`VectorClock`] that says what its
//! author had seen, so of any two entries the log can tell which came first, or
//! that neither did. Logs exchange transactions as they are; a [`ConflictDetector`]
//! finds the entries that disagree, decides between them, and says why.
//!
//! ```
//! use causelog::{Change, ChangeLog, ConflictDetector, ConflictResolution, QueryOptions};
//!
//! # fn main() -> causelog::Result<()> {
//! # let directory = tempfile::tempdir().unwrap();
//! # let path = |name: &str| directory.path().join(name);
//! let shop = ChangeLog::open(path("shop"))?;
//! let office = ChangeLog::open(path("office"))?;
//!
//! shop.append(Change::insert("orders", 42, r#"{"qty":1}"#))?;
//! for transaction in shop.transactions(&office.frontier()?)? {
//!     office.append_remote(&transaction?)?;
//! }
//!
//! // Now both change the row without having heard of each other.
//! shop.append(Change::update("orders", 42, r#"{"qty":1}"#, r#"{"qty":2}"#))?;
//! office.append(Change::update("orders", 42, r#"{"qty":1}"#, r#"{"qty":9}"#))?;
//! for transaction in shop.transactions(&office.frontier()?)? {
//!     office.append_remote(&transaction?)?;
//! }
//!
//! let entries = office.query(QueryOptions::row("orders", 42))?.collect::<causelog::Result<Vec<_>>>()?;
//! let detector = ConflictDetector::new(ConflictResolution::LastWriteWins);
//! let conflict = detector.detect(&entries[1], &entries[2])?.expect("they are concurrent");
//! println!("{}", detector.report(&conflict)?);
//! # Ok(())
//! # }
//! ```
//!
//! Everything public is `Send` and `Sync`, and owned but for the entries that a cursor lends. Failures are an [`Error`] with an
//! [`ErrorCode`] from one table that all surfaces share. Time and identities come
//! through [`TimeSource`] and [`IdSource`]; the crate starts no thread and uses no network.

#![deny(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic))]

mod causality;
mod change;
mod clock;
mod conflict;
mod error;
mod failpoint;
mod id;
mod log;
mod payload;
mod replica;
pub mod storage;
mod time;
mod varint;

pub use change::{Change, ChangeEntry, ChangeOperation, Metadata, Transaction, Verdict};
pub use clock::{Causality, VectorClock};
pub use conflict::{
    Conflict, ConflictClass, ConflictDetector, ConflictReport, ConflictResolution, ConflictResolver,
    ConflictType, FieldMerge, FieldPolicy, Liveness, ReasonCode, ResolverDecision, ResolverRegistry,
    RowConflict, RowResolution, Rule, Side, Winner,
};
pub use error::{Error, ErrorCode, Result};
pub use id::{Dot, IdSource, NodeId, RandomIds, RowId, RowIdPart};
pub use log::{
    Appended, ChangeLog, ChangeLogStats, CompactionOptions, CompressionReport, Consumer, ConsumerStatus,
    Cursor, Durability, EntryRef, Finding, LogOptions, Moment, QueryOptions, Removal, RemovalReason,
    RetentionPolicy, Row, SalvageReport, Snapshot, TableStats, TransactionCursor, VerifyReport, View,
};
pub use replica::{
    Claim, ConflictQuery, EffectiveChange, EffectiveChanges, EffectivePosition, Explanation, ExplanationStep,
    InboxItem, Replica, ReplicaOptions, ReplicaRow, ReplicaStats, RowState, SkippedTransaction, SyncReport,
    WhatIf, Write, sync,
};
pub use time::{HybridLogicalClock, ManualTime, SystemTime, TimeSource, Timestamp};
pub use uuid::Uuid;
