//! The Python module of causelog: `causelog._native`, which the package
//! `causelog` re-exports together with its enumerations and exceptions.
//!
//! Nothing is decided here. A call converts its arguments ([`convert`]), hands
//! them to the core through one of the two doors of [`boundary`], and converts the
//! answer. All classes are frozen and lock inside, so that any of them may be
//! shared between threads.

#![deny(unsafe_code)]

mod appended;
mod boundary;
mod change;
mod clock;
mod compression;
mod conflict;
mod consumer;
mod convert;
mod cursor;
mod entry;
mod handle;
mod log;
mod names;
mod removal;
mod replica;
mod stats;
mod time;
mod time_travel;
mod verify;
mod view;

/// The compiled part of the package `causelog`; use it through that one.
#[pyo3::pymodule]
mod _native {
    use pyo3::prelude::*;
    use pyo3::types::{PyDict, PyMappingProxy};

    #[pymodule_export]
    use crate::appended::Appended;
    #[pymodule_export]
    use crate::change::{Change, Transaction};
    #[pymodule_export]
    use crate::clock::VectorClock;
    #[pymodule_export]
    use crate::compression::CompressionReport;
    #[pymodule_export]
    use crate::conflict::custom::{ResolverDecision, RowConflict};
    #[pymodule_export]
    use crate::conflict::detector::{Conflict, ConflictDetector};
    #[pymodule_export]
    use crate::conflict::kind::conflict_type_operations;
    #[pymodule_export]
    use crate::conflict::kind::{
        conflict_class_of, conflict_type_class, conflict_type_mirror, conflict_type_of,
    };
    #[pymodule_export]
    use crate::conflict::registry::ResolverRegistry;
    #[pymodule_export]
    use crate::conflict::report::ConflictReport;
    #[pymodule_export]
    use crate::conflict::row::RowResolution;
    #[pymodule_export]
    use crate::conflict::strategy::{
        strategy_fallback, strategy_kind, strategy_parse, strategy_text, strategy_validate,
    };
    #[pymodule_export]
    use crate::consumer::{Consumer, ConsumerStatus};
    #[pymodule_export]
    use crate::convert::dot::parse_dot;
    #[pymodule_export]
    use crate::convert::row_id::{decode_row_id, encode_row_id};
    #[pymodule_export]
    use crate::cursor::{Cursor, TransactionCursor};
    #[pymodule_export]
    use crate::entry::ChangeEntry;
    #[pymodule_export]
    use crate::log::ChangeLog;
    #[pymodule_export]
    use crate::removal::Removal;
    #[pymodule_export]
    use crate::replica::Replica;
    #[pymodule_export]
    use crate::replica::conflicts::WhatIf;
    #[pymodule_export]
    use crate::replica::effective::{EffectiveChange, EffectiveChanges};
    #[pymodule_export]
    use crate::replica::exchange::{SkippedTransaction, SyncReport, sync};
    #[pymodule_export]
    use crate::replica::explain::{Explanation, ExplanationStep};
    #[pymodule_export]
    use crate::replica::inbox::{Claim, InboxItem};
    #[pymodule_export]
    use crate::replica::reading::ReplicaRow;
    #[pymodule_export]
    use crate::replica::stats::ReplicaStats;
    #[pymodule_export]
    use crate::replica::writing::Write;
    #[pymodule_export]
    use crate::stats::{ChangeLogStats, TableStats};
    #[pymodule_export]
    use crate::time::{HybridLogicalClock, ManualTime, format_timestamp, parse_timestamp};
    #[pymodule_export]
    use crate::time_travel::{Row, Snapshot};
    #[pymodule_export]
    use crate::verify::{Finding, SalvageReport, VerifyReport};
    #[pymodule_export]
    use crate::view::View;

    /// Constants: the version, and the error table as the core has it.
    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        let py = module.py();
        let codes = PyDict::new(py);
        for code in ::causelog::ErrorCode::ALL {
            codes.set_item(code.name(), (code.number(), code.is_retryable()))?;
        }
        module.add("ERROR_CODES", PyMappingProxy::new(py, codes.as_mapping()))?;
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
