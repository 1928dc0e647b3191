//! Replicas: what the rows are, from the entries of a log.
//!
//! A replica owns a log and gives its entries their meaning. It keeps the heads of every row, judges each entry
//! as it comes, and says what a row is now and why.

mod applying;
mod asking;
mod conflicts;
mod contested;
mod effective;
mod exchange;
mod explain;
mod forks;
mod handle;
mod histories;
mod inbox;
mod judging;
mod reading;
mod rows;
mod saved;
mod stored;
mod unfinished;
mod what_if;
mod writing;

pub use applying::SkippedTransaction;
pub use conflicts::ConflictQuery;
pub use contested::RowState;
pub use effective::{EffectiveChange, EffectiveChanges, EffectivePosition};
pub use exchange::{SyncReport, sync};
pub use explain::{Explanation, ExplanationStep};
pub use handle::{Replica, ReplicaOptions, ReplicaStats};
pub use inbox::{Claim, InboxItem};
pub use reading::ReplicaRow;
pub use what_if::WhatIf;
pub use writing::Write;
