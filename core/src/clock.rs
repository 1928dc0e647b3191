//! Vector clocks: what a node has seen, and the four answers of comparing two of them.

mod causality;
mod codec;
mod vector;

pub use causality::Causality;
pub use vector::VectorClock;
