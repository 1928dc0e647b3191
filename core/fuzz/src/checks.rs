//! What must hold whatever the bytes are: one check for each fuzz target.
//!
//! A check takes the bytes of one input and panics when something does not hold.
//! The fuzz targets feed it what libFuzzer makes up, and core's tests the inputs
//! in `corpus`, without libFuzzer.

#![allow(unreachable_pub, reason = "core's tests take this in as a private module")]

mod codecs;
mod conflicts;
mod derived;
mod input;
mod logs;
mod opening;
mod remote;
mod replicas;
mod segment;

pub use codecs::{row_id, timestamp, vector_clock};
pub use conflicts::conflict;
pub use derived::{checkpoint, compressed, frame, index, metadata};
pub use opening::{log_open_damaged, log_open_files, log_open_forged};
pub use remote::append_remote;
pub use replicas::replica;

/// A check of one input.
pub type Check = fn(&[u8]);

/// Every check by the name of its fuzz target, which is also that of its directory in `corpus`.
pub const CHECKS: &[(&str, Check)] = &[
    ("row_id", row_id),
    ("vector_clock", vector_clock),
    ("timestamp", timestamp),
    ("log_open_files", log_open_files),
    ("log_open_damaged", log_open_damaged),
    ("log_open_forged", log_open_forged),
    ("frame", frame),
    ("checkpoint", checkpoint),
    ("metadata", metadata),
    ("index", index),
    ("compressed", compressed),
    ("append_remote", append_remote),
    ("replica", replica),
    ("conflict", conflict),
];
