use std::mem::MaybeUninit;

use causelog_core::{SkippedTransaction, SyncReport, sync};

use crate::error::causelog_error;
use crate::guard::{guard, read};
use crate::handle::{give, release};
use crate::identity::causelog_dot;
use crate::input::required;
use crate::replica::causelog_replica;
use crate::status::causelog_status;
use crate::text::causelog_text;

/// A transaction that could not be taken in, and why. Nothing of it was written; it can come again.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct causelog_skipped_transaction {
    /// The name of the transaction.
    pub transaction: causelog_dot,
    /// Why: `CAUSELOG_CLOCK_SKEW` when its time has not come yet, `CAUSELOG_DOT_REUSE` when the replica
    /// holds something else under its dots, `CAUSELOG_MISSING_DEPENDENCY` when it follows on one that
    /// was skipped, `CAUSELOG_INVALID_ARGUMENT` or `CAUSELOG_TOO_LARGE` when it cannot be right.
    pub status: causelog_status,
    /// The same for people, as long as the report lives.
    pub message: causelog_text,
}

/// What an exchange did. Never changes.
pub struct causelog_sync_report {
    report: SyncReport,
}

/// Exchanges what two replicas lack: each gets what its frontier does not cover of the other's log, in
/// that log's order. `report` may be NULL. Free it with `causelog_sync_report_free`.
///
/// A transaction that cannot be taken in is reported and left out with all that follow on it; the rest
/// goes on. It stays where it is and comes again with the next exchange. Each transaction that was taken
/// in is there as a whole, also when an error ends the exchange.
///
/// Fails with whatever keeps a log from being read or written: `CAUSELOG_IO`, `CAUSELOG_NO_SPACE`,
/// `CAUSELOG_CORRUPT`, `CAUSELOG_CLOSED`; `CAUSELOG_TRUNCATED` when one lacks what the other has removed,
/// and `CAUSELOG_RESOLVER_FAILED` within a resolver of one of them.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_sync(
    a: Option<&causelog_replica>,
    b: Option<&causelog_replica>,
    report: Option<&mut MaybeUninit<*mut causelog_sync_report>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let (a, b) = (required(a, "a")?, required(b, "b")?);
        let exchanged = sync(&a.replica, &b.replica)?;
        if let Some(report) = report {
            report.write(give(causelog_sync_report { report: exchanged }));
        }
        Ok(())
    })
}

/// Transactions that the first replica got from the second.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_sync_report_received(report: Option<&causelog_sync_report>) -> u64 {
    read(report, 0, |report| report.report.received)
}

/// Transactions that the second replica got from the first.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_sync_report_sent(report: Option<&causelog_sync_report>) -> u64 {
    read(report, 0, |report| report.report.sent)
}

fn shown(skipped: Option<&SkippedTransaction>) -> causelog_skipped_transaction {
    let status = causelog_status::CAUSELOG_OK;
    let none = causelog_skipped_transaction {
        transaction: causelog_dot::NONE,
        status,
        message: causelog_text::NONE,
    };
    skipped.map_or(none, |skipped| causelog_skipped_transaction {
        transaction: skipped.transaction.into(),
        status: causelog_status::of(skipped.code),
        message: causelog_text::of(&skipped.message),
    })
}

/// How many transactions the first replica could not take in.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_sync_report_skipped_count(report: Option<&causelog_sync_report>) -> usize {
    read(report, 0, |report| report.report.skipped.len())
}

/// The one at this place, from 0; zeros beyond the count.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_sync_report_skipped(
    report: Option<&causelog_sync_report>,
    index: usize,
) -> causelog_skipped_transaction {
    read(report, shown(None), |report| shown(report.report.skipped.get(index)))
}

/// How many transactions the second replica could not take in.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_sync_report_refused_count(report: Option<&causelog_sync_report>) -> usize {
    read(report, 0, |report| report.report.refused.len())
}

/// The one at this place, from 0; zeros beyond the count.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_sync_report_refused(
    report: Option<&causelog_sync_report>,
    index: usize,
) -> causelog_skipped_transaction {
    read(report, shown(None), |report| shown(report.report.refused.get(index)))
}

/// Frees a report; NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_sync_report_free(report: Option<Box<causelog_sync_report>>) {
    release(report);
}
