//! The Node surface of causelog: classes and functions over Node-API.
//!
//! This crate converts values and nothing more. `index.js` lays a thin layer over
//! it: it turns failures into `CauselogError`, payloads into bytes and back, and makes
//! cursors iterable. The documentation of public items is written for JavaScript
//! readers, because it becomes `index.d.ts`.
//!
//! Every function is `catch_unwind`, and background work goes through [`task`], so
//! that a panic becomes an error and never ends the process.

pub mod clock;
pub mod conflict;
pub mod consumer;
pub mod cursor;
pub mod entry;
pub mod error;
mod input;
pub mod judging;
pub mod log;
pub mod maintenance;
mod options;
mod output;
pub mod reading;
pub mod registry;
pub mod replica;
pub mod report;
pub mod resolution;
pub mod resolver;
pub mod row;
pub mod stats;
mod task;
pub mod time;
pub mod time_travel;
pub mod transaction;
pub mod view;
pub mod writing;
