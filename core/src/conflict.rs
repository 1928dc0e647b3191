//! Conflicts between concurrent entries: detected, resolved, reported.
//!
//! Everything here is a plain function of the entries it is given. No answer
//! depends on which of them is local or in which order they came, except where a
//! caller asks for the view of one side.

mod detector;
mod kind;
mod report;
mod resolution;

pub use detector::{Conflict, ConflictDetector};
pub use kind::{ConflictClass, ConflictType};
pub use report::{ConflictReport, Side, Winner};
pub use resolution::{ConflictResolution, ReasonCode};
