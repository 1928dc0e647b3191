//! Conflicts between concurrent entries: detected, resolved, reported.
//!
//! Everything here is a plain function of the entries it is given. No answer
//! depends on which of them is local or in which order they came, except where a
//! caller asks for the view of one side.

mod custom;
mod detector;
mod field_merge;
mod history;
mod json;
mod kind;
mod registry;
mod report;
mod resolution;
mod resolve;
mod row;

pub use custom::{ConflictResolver, ResolverDecision, RowConflict};
pub use detector::{Conflict, ConflictDetector};
pub use kind::{ConflictClass, ConflictType};
pub use registry::{ResolverRegistry, Rule};
pub use report::{ConflictReport, Side, Winner};
pub use resolution::{ConflictResolution, FieldMerge, FieldPolicy, Liveness, ReasonCode};
pub use row::RowResolution;

pub(crate) use detector::conflict_id;
pub(crate) use history::{Cut, Heads, RowHistory, Version};
pub(crate) use json::{Field, Fields};
pub(crate) use resolve::{
    Answer, Halt, Image, Outside, Picked, Question, RowResolver, State, Value, net_class, net_operation,
};
pub(crate) use row::{dots, report};
