use std::mem::MaybeUninit;
use std::ptr::{from_ref, null};

use causelog_core::{ConflictQuery, ConflictReport, Result};

use crate::enumeration::causelog_conflict_class;
use crate::error::causelog_error;
use crate::guard::{guard, read};
use crate::handle::{give, release};
use crate::input::{Versioned, optional, required, versioned};
use crate::replica::causelog_replica;
use crate::report::causelog_report;
use crate::row_id::causelog_row_id;
use crate::status::causelog_status;
use crate::text::causelog_text;

/// Which conflicts to report. Begin with `CAUSELOG_CONFLICT_QUERY_INIT`, which asks for all; every
/// field that is not zero or NULL narrows the answer.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct causelog_conflict_query {
    /// The size of this struct: `sizeof(causelog_conflict_query)`.
    pub size: usize,
    /// Only those of this table.
    pub table: *const causelog_text,
    /// Only those of rows with this id, in whichever table.
    pub row_id: *const causelog_row_id,
    /// Only those of this class: a `causelog_conflict_class`.
    pub conflict_class: i32,
    /// Only those that are settled if it points to a number that is not zero, only those that stand if
    /// it points to zero.
    pub settled: *const i32,
    /// Of the settled ones only those that an entry after this LSN settled: the last one that was
    /// handled, or 0.
    pub since: u64,
    /// At most so many.
    pub limit: *const u64,
}

// SAFETY: `repr(C)`, `size` first, only numbers and pointers.
unsafe impl Versioned for causelog_conflict_query {
    const NAME: &'static str = "causelog_conflict_query";
}

impl causelog_conflict_query {
    /// # Safety
    /// Unless it is `NULL`, `query` is a whole struct whose parts are there.
    pub(crate) unsafe fn read(query: *const causelog_conflict_query) -> Result<ConflictQuery> {
        if query.is_null() {
            return Ok(ConflictQuery::default());
        }
        // SAFETY: the caller vouches for everything that is read here.
        unsafe {
            let query = versioned(query, "query")?;
            let table = optional(query.table).map(|table| table.read("query.table").map(str::to_owned));
            let row_id = query.row_id.as_ref().map(|row_id| row_id.read("query.row_id"));
            let any = causelog_conflict_class::CAUSELOG_CONFLICT_CLASS_NONE as i32;
            let class = (query.conflict_class != any)
                .then(|| causelog_conflict_class::read(query.conflict_class, "query.conflict_class"));
            Ok(ConflictQuery {
                table: table.transpose()?,
                row_id: row_id.transpose()?,
                class: class.transpose()?,
                settled: optional(query.settled).map(|settled| settled != 0),
                since: query.since,
                limit: optional(query.limit),
            })
        }
    }
}

/// Reports of conflicts. Never changes, and may be read from several threads at once.
pub struct causelog_reports {
    reports: Vec<causelog_report>,
}

impl causelog_reports {
    fn give(reports: Vec<ConflictReport<'static>>) -> *mut causelog_reports {
        give(causelog_reports { reports: reports.into_iter().map(causelog_report::new).collect() })
    }
}

/// The conflicts that stand: rows whose heads disagree, by table and row id. They are resolved, or wait
/// in the `causelog_replica_inbox`. Free the list with `causelog_reports_free`.
///
/// Two replicas with the same entries and rules report the same, byte for byte.
///
/// Fails with `CAUSELOG_CORRUPT` or `CAUSELOG_IO` when the log cannot be read, and `CAUSELOG_CLOSED`.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_replica_conflicts(
    replica: Option<&causelog_replica>,
    reports: Option<&mut MaybeUninit<*mut causelog_reports>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let (replica, reports) = (required(replica, "replica")?, required(reports, "reports")?);
        reports.write(causelog_reports::give(replica.replica.conflicts()?));
        Ok(())
    })
}

/// The conflicts that an entry ended whose author had seen all of their heads, in the order of those
/// entries in this log. Free the list with `causelog_reports_free`.
///
/// Fails as `causelog_replica_conflicts` does.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_replica_settled_conflicts(
    replica: Option<&causelog_replica>,
    reports: Option<&mut MaybeUninit<*mut causelog_reports>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let (replica, reports) = (required(replica, "replica")?, required(reports, "reports")?);
        reports.write(causelog_reports::give(replica.replica.settled_conflicts()?));
        Ok(())
    })
}

/// The conflicts that `query` asks for, which may be NULL: first those that stand, by table and row id,
/// then those that are settled, in the order of the entries that settled them. Free the list with
/// `causelog_reports_free`.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` when the query is malformed; otherwise as
/// `causelog_replica_conflicts` does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn causelog_replica_query_conflicts(
    replica: Option<&causelog_replica>,
    query: *const causelog_conflict_query,
    reports: Option<&mut MaybeUninit<*mut causelog_reports>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let replica = required(replica, "replica")?;
        // SAFETY: the caller passes a query whose parts are there during the call.
        let query = unsafe { causelog_conflict_query::read(query)? };
        let reports = required(reports, "reports")?;
        reports.write(causelog_reports::give(replica.replica.query_conflicts(&query)?));
        Ok(())
    })
}

/// Resolves a conflict again, from the log and by the rules that were in force then: a report that this
/// replica, or one with the same entries, has made comes out the same. The conflict need not stand any
/// longer. Free the report with `causelog_report_free`.
///
/// Fails with `CAUSELOG_NOT_FOUND` when the log lacks one of the heads, or the registry of the report
/// was never in force here; `CAUSELOG_INVALID_ARGUMENT` for a report of a plain detector, which knows no
/// rules; `CAUSELOG_TRUNCATED` when compaction has removed what it takes; otherwise as
/// `causelog_replica_conflicts` does.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_replica_replay(
    replica: Option<&causelog_replica>,
    report: Option<&causelog_report>,
    replayed: Option<&mut MaybeUninit<*mut causelog_report>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let (replica, report) = (required(replica, "replica")?, required(report, "report")?);
        let replayed = required(replayed, "replayed")?;
        replayed.write(give(causelog_report::new(replica.replica.replay(report.get())?)));
        Ok(())
    })
}

/// How many reports there are.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_reports_count(reports: Option<&causelog_reports>) -> usize {
    read(reports, 0, |reports| reports.reports.len())
}

/// The report at this place, from 0; NULL beyond the count. Borrowed: it lives as long as the list.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_reports_get(
    reports: Option<&causelog_reports>,
    index: usize,
) -> *const causelog_report {
    read(reports, null(), |reports| reports.reports.get(index).map_or(null(), from_ref))
}

/// Frees a list of reports; NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_reports_free(reports: Option<Box<causelog_reports>>) {
    release(reports);
}
