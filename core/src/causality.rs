//! Clocks from dependencies: nodes as small numbers, and clocks that share structure.

mod clock;
mod nodes;
mod tree;

pub(crate) use clock::Clock;
pub(crate) use nodes::{NodeIndex, NodeTable};
pub(crate) use tree::ClockTree;
