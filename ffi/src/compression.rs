use std::mem::MaybeUninit;

use causelog_core::CompressionReport;

use crate::error::causelog_error;
use crate::guard::{guard, read};
use crate::handle::{give, release};
use crate::input::required;
use crate::log::causelog_log;
use crate::status::causelog_status;

/// What compressing a log has done. Never changes.
pub struct causelog_compression_report {
    report: CompressionReport,
}

/// Compresses all segments that are not compressed yet, but the one that is being written and
/// those that would hardly get shorter. `report` may be NULL. Free it with
/// `causelog_compression_report_free`.
///
/// They hold what they held: entries, LSNs, clocks and indexes stay, and cursors and views go on.
/// Reading takes somewhat longer. What compaction rewrites of a compressed segment is compressed
/// again. Nothing else compresses anything: call this every so often. Others read and append
/// meanwhile; appends wait only while a finished file takes the place of the old one.
///
/// Fails with `CAUSELOG_CORRUPT` when the header of a segment is damaged, `CAUSELOG_IO` or
/// `CAUSELOG_NO_SPACE` when a file could not be written: what was compressed until then stays so.
/// `CAUSELOG_READ_ONLY`, `CAUSELOG_CLOSED`.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_log_compress(
    log: Option<&causelog_log>,
    report: Option<&mut MaybeUninit<*mut causelog_compression_report>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let compressed = required(log, "log")?.log.compress()?;
        if let Some(report) = report {
            report.write(give(causelog_compression_report { report: compressed }));
        }
        Ok(())
    })
}

/// Segments that are compressed now and were not before.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_compression_report_segments(report: Option<&causelog_compression_report>) -> u64 {
    read(report, 0, |report| report.report.segments)
}

/// Bytes that the files of those segments took before.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_compression_report_bytes_before(
    report: Option<&causelog_compression_report>,
) -> u64 {
    read(report, 0, |report| report.report.bytes_before)
}

/// Bytes that they take now.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_compression_report_bytes_after(
    report: Option<&causelog_compression_report>,
) -> u64 {
    read(report, 0, |report| report.report.bytes_after)
}

/// Frees a report; NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_compression_report_free(report: Option<Box<causelog_compression_report>>) {
    release(report);
}
