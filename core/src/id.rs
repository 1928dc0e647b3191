//! Identities: nodes, dots, row ids, and where they come from.

mod dot;
mod row;
mod source;

pub use dot::Dot;
pub use row::{RowId, RowIdPart};
pub use source::{IdSource, RandomIds};

/// One replica's identity: made once, stored in its log's directory, never reused.
pub type NodeId = uuid::Uuid;
