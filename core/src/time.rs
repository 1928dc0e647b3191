//! Time: the unit, where it comes from, and the hybrid logical clock that stamps entries.

mod deadline;
mod hybrid;
mod source;
mod timestamp;

pub(crate) use deadline::Deadline;
pub use hybrid::HybridLogicalClock;
pub use source::{ManualTime, SystemTime, TimeSource};
pub use timestamp::Timestamp;
