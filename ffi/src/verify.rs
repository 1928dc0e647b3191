use std::mem::MaybeUninit;
use std::ptr::{from_ref, null};

use causelog_core::{ChangeLog, Finding, SalvageReport, VerifyReport};

use crate::error::causelog_error;
use crate::guard::{guard, read};
use crate::handle::{give, release};
use crate::input::required;
use crate::log::{causelog_log, read_path};
use crate::status::causelog_status;
use crate::text::causelog_text;

/// Something in a log's files that is damaged. Borrowed: what it points to lives as long as the
/// report it was asked of.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct causelog_finding {
    /// Name of the file.
    pub file: causelog_text,
    /// Where in it, in bytes; NULL when that cannot be told.
    pub offset: *const u64,
    /// What is wrong, in words.
    pub message: causelog_text,
}

impl causelog_finding {
    const NONE: causelog_finding =
        causelog_finding { file: causelog_text::NONE, offset: null(), message: causelog_text::NONE };

    fn at(findings: &[Finding], index: usize) -> Self {
        findings.get(index).map_or(Self::NONE, |finding| causelog_finding {
            file: causelog_text::of(&finding.file),
            offset: finding.offset.as_ref().map_or(null(), from_ref),
            message: causelog_text::of(&finding.message),
        })
    }
}

/// What a check of a log has found. Never changes.
pub struct causelog_verify_report {
    report: VerifyReport,
}

/// Reads all files of the log and checks all that can be: checksums, and that what they hold
/// fits together. Free the report with `causelog_verify_report_free`.
///
/// Others may append and read meanwhile. Damage to what is derived, indexes and the checkpoint,
/// loses nothing: remove the file, and the next opening makes it again.
///
/// Fails with `CAUSELOG_IO` when something cannot be read, and `CAUSELOG_CLOSED`. Damage is not a
/// failure but a finding: see `causelog_verify_report_check`.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_log_verify(
    log: Option<&causelog_log>,
    report: Option<&mut MaybeUninit<*mut causelog_verify_report>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let (log, report) = (required(log, "log")?, required(report, "report")?);
        report.write(give(causelog_verify_report { report: log.log.verify()? }));
        Ok(())
    })
}

/// Segments that were read.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_verify_report_segments(report: Option<&causelog_verify_report>) -> u64 {
    read(report, 0, |report| report.report.segments)
}

/// Transactions that are intact.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_verify_report_transactions(report: Option<&causelog_verify_report>) -> u64 {
    read(report, 0, |report| report.report.transactions)
}

/// Their entries, those that were removed left out.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_verify_report_entries(report: Option<&causelog_verify_report>) -> u64 {
    read(report, 0, |report| report.report.entries)
}

/// Bytes that were read and checked.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_verify_report_bytes(report: Option<&causelog_verify_report>) -> u64 {
    read(report, 0, |report| report.report.bytes)
}

/// Whether nothing is damaged. Not of NULL.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_verify_report_is_intact(report: Option<&causelog_verify_report>) -> bool {
    read(report, false, |report| report.report.is_intact())
}

/// How many things are damaged.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_verify_report_finding_count(report: Option<&causelog_verify_report>) -> usize {
    read(report, 0, |report| report.report.findings.len())
}

/// What is damaged, in the order in which it was found, from 0; zeros beyond the count.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_verify_report_finding(
    report: Option<&causelog_verify_report>,
    index: usize,
) -> causelog_finding {
    read(report, causelog_finding::NONE, |report| causelog_finding::at(&report.report.findings, index))
}

/// Succeeds when nothing is damaged; else the first finding is the error.
///
/// Fails with `CAUSELOG_CORRUPT` when something is damaged.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_verify_report_check(
    report: Option<&causelog_verify_report>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || required(report, "report")?.report.check())
}

/// Frees a report; NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_verify_report_free(report: Option<Box<causelog_verify_report>>) {
    release(report);
}

/// What was copied out of a damaged log, and what could not be. Never changes.
pub struct causelog_salvage_report {
    report: SalvageReport,
}

/// Copies all that is intact of the log in the directory `from` into a new log in the directory
/// `to`. `report` may be NULL. Free it with `causelog_salvage_report_free`.
///
/// The damaged log is only read. The copy holds each transaction whose past is whole, under its
/// own dot and clock, in the same order; it has an identity of its own, for other replicas may
/// know more of the old one. LSNs are given out anew. Where nothing intact follows damage that
/// can be found, the rest of that segment is lost. Transactions that compaction has removed
/// something of are left out with what depends on them.
///
/// Fails with `CAUSELOG_NOT_FOUND` when `from` holds no log, `CAUSELOG_ALREADY_EXISTS` when `to`
/// holds one, `CAUSELOG_LOCKED` while somebody writes `from`, `CAUSELOG_UNSUPPORTED` when a newer
/// version wrote it, `CAUSELOG_INVALID_ARGUMENT` for a path that cannot be one, `CAUSELOG_IO`, and
/// `CAUSELOG_NO_SPACE`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn causelog_log_salvage(
    from: causelog_text,
    to: causelog_text,
    report: Option<&mut MaybeUninit<*mut causelog_salvage_report>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        // SAFETY: the caller passes texts that are there during the call.
        let (from, to) = unsafe { (read_path(from, "from")?, read_path(to, "to")?) };
        let salvaged = ChangeLog::salvage(from, to)?;
        if let Some(report) = report {
            report.write(give(causelog_salvage_report { report: salvaged }));
        }
        Ok(())
    })
}

/// Transactions that were copied.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_salvage_report_transactions(report: Option<&causelog_salvage_report>) -> u64 {
    read(report, 0, |report| report.report.transactions)
}

/// Their entries.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_salvage_report_entries(report: Option<&causelog_salvage_report>) -> u64 {
    read(report, 0, |report| report.report.entries)
}

/// Transactions that are intact and were left out all the same, because something that they
/// depend on is lost.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_salvage_report_skipped_transactions(
    report: Option<&causelog_salvage_report>,
) -> u64 {
    read(report, 0, |report| report.report.skipped_transactions)
}

/// How many things are damaged.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_salvage_report_finding_count(report: Option<&causelog_salvage_report>) -> usize {
    read(report, 0, |report| report.report.findings.len())
}

/// What is damaged, in the order in which it was found, from 0; zeros beyond the count.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_salvage_report_finding(
    report: Option<&causelog_salvage_report>,
    index: usize,
) -> causelog_finding {
    read(report, causelog_finding::NONE, |report| causelog_finding::at(&report.report.findings, index))
}

/// Frees a report; NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_salvage_report_free(report: Option<Box<causelog_salvage_report>>) {
    release(report);
}
