//! The C surface of causelog: what `include/causelog.h` declares.
//!
//! Every function checks its pointers, converts its arguments, calls the core inside
//! a guard that turns a panic into an error, and converts the result. There is no
//! logic here. The header is made from these files; its conventions stand in
//! `cbindgen.toml`, which is where C readers find them.

// Types are spelled here as C sees them.
#![allow(non_camel_case_types)]
// What a pointer must be is said once for all functions at the top of the header, and C readers know no "Safety" sections.
#![allow(clippy::missing_safety_doc)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic))]

mod change;
mod clock;
mod compression;
mod conflicts;
mod consumer;
mod cursor;
mod detector;
mod effective;
mod entry;
mod enumeration;
mod error;
mod exchange;
mod explanation;
mod guard;
mod handle;
mod identity;
mod inbox;
mod input;
mod log;
mod registry;
mod removal;
mod replica;
mod replica_row;
mod report;
mod resolution;
mod resolver;
mod row_id;
mod row_resolution;
mod row_stats;
mod snapshot;
mod stats;
mod status;
mod text;
mod time;
mod time_travel;
mod transaction;
mod verify;
mod version;
mod view;
mod what_if;
mod write;

pub use change::*;
pub use clock::*;
pub use compression::*;
pub use conflicts::*;
pub use consumer::*;
pub use cursor::*;
pub use detector::*;
pub use effective::*;
pub use entry::*;
pub use enumeration::*;
pub use error::*;
pub use exchange::*;
pub use explanation::*;
pub use handle::causelog_live_handles;
pub use identity::*;
pub use inbox::*;
pub use log::*;
pub use registry::*;
pub use removal::*;
pub use replica::*;
pub use replica_row::*;
pub use report::*;
pub use resolution::*;
pub use resolver::*;
pub use row_id::*;
pub use row_resolution::*;
pub use row_stats::*;
pub use snapshot::*;
pub use stats::*;
pub use status::*;
pub use text::*;
pub use time::*;
pub use time_travel::*;
pub use transaction::*;
pub use verify::*;
pub use version::causelog_version;
pub use view::*;
pub use what_if::*;
pub use write::*;
