//! The demo's job by the Rust surface, and the generator of the trace that it replays.
//!
//! The job reads a trace of many nodes' transactions ([`trace`]), records them in a
//! [`ChangeLog`](causelog::ChangeLog), compares every two changes of every row by
//! their clocks, reports the conflicts ([`job`]), and prints what it found ([`summary`]).
//! It uses nothing but the public API of `causelog`.
//!
//! [`generator`] writes a trace with every shape of conflict in it; [`expected`] works
//! out its answers from the transactions' parents alone, without a clock, so that the
//! job has something independent to be compared with.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic))]

mod bit_set;
pub mod expected;
pub mod failure;
pub mod generator;
pub mod job;
mod payload;
mod random;
pub mod summary;
pub mod trace;
