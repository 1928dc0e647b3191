use std::mem::MaybeUninit;
use std::ptr::{from_ref, null, null_mut};
use std::sync::OnceLock;

use causelog_core::{ChangeEntry, Conflict, ConflictDetector, ConflictType, Result, Timestamp};

use crate::entry::causelog_entry;
use crate::enumeration::causelog_conflict_type;
use crate::error::causelog_error;
use crate::guard::{guard, read};
use crate::handle::{give, release};
use crate::identity::{causelog_dot, causelog_uuid};
use crate::input::{required, slice};
use crate::report::causelog_report;
use crate::resolution::read_resolution;
use crate::row_id::causelog_row_id;
use crate::status::causelog_status;
use crate::text::causelog_text;
use crate::time::{causelog_time, source};

/// Finds conflicts between entries, and resolves sets of them by one strategy. It needs
/// no log, has no state but its settings, and may be used from several threads at once.
pub struct causelog_detector {
    pub(crate) detector: ConflictDetector,
    /// Its strategy as C sees it.
    resolution: String,
}

/// A detector that resolves by the strategy `resolution`, text as `causelog_resolution_kind`
/// describes it. It notes down the time from `time`, or if that is NULL from the system's clock.
/// Free it with `causelog_detector_free`.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` when `resolution` is no strategy.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn causelog_detector_new(
    resolution: causelog_text,
    time: Option<&causelog_time>,
    detector: Option<&mut MaybeUninit<*mut causelog_detector>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        // SAFETY: the caller passes text that is there during the call.
        let strategy = unsafe { read_resolution(resolution, "resolution")? };
        let detector = required(detector, "detector")?;
        let resolution = strategy.to_string();
        let made = ConflictDetector::with_time(strategy, source(time));
        detector.write(give(causelog_detector { detector: made, resolution }));
        Ok(())
    })
}

/// The strategy it resolves by, as text. Borrowed.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_detector_resolution(detector: Option<&causelog_detector>) -> causelog_text {
    read(detector, causelog_text::NONE, |detector| causelog_text::of(&detector.resolution))
}

/// The conflict between these two entries; `*conflict` becomes NULL if there is none. Free
/// it with `causelog_conflict_free`.
///
/// There is none when one author had seen the other's entry, when both are the same entry,
/// and when both left the row in the same state (identical `after`, two deletes among
/// them), for then there is nothing to disagree about.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` when the entries are not of one row,
/// `CAUSELOG_DOT_REUSE` when they have one dot but differ, and as `causelog_entry_vector_clock` does.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_detector_detect(
    detector: Option<&causelog_detector>,
    local: Option<&causelog_entry>,
    remote: Option<&causelog_entry>,
    conflict: Option<&mut MaybeUninit<*mut causelog_conflict>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let detector = required(detector, "detector")?;
        let (local, remote) = (required(local, "local")?, required(remote, "remote")?);
        let conflict = required(conflict, "conflict")?;
        let detected = detector.detector.detect(local.get()?, remote.get()?)?;
        conflict.write(detected.map_or(null_mut(), |detected| give(causelog_conflict::new(&detected))));
        Ok(())
    })
}

/// Resolves a conflict between two entries and reports it as its local side sees it. Free
/// the report with `causelog_report_free`.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` when an argument is NULL.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_detector_report(
    detector: Option<&causelog_detector>,
    conflict: Option<&causelog_conflict>,
    report: Option<&mut MaybeUninit<*mut causelog_report>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let (detector, conflict) = (required(detector, "detector")?, required(conflict, "conflict")?);
        let report = required(report, "report")?;
        report
            .write(give(causelog_report::new(detector.detector.report(&conflict.conflict())?.into_owned())));
        Ok(())
    })
}

/// The entries that C passes as an array of handles.
///
/// # Safety
/// `entries` are `count` pointers, each to an entry that is there during `'a` or `NULL`.
pub(crate) unsafe fn read_entries<'a>(
    entries: *const *const causelog_entry,
    count: usize,
) -> Result<Vec<&'a ChangeEntry>> {
    // SAFETY: the caller vouches for it.
    let entries = unsafe { slice(entries, count, "entries")? };
    let entries = entries.iter().enumerate().map(|(index, entry)| {
        // SAFETY: as above.
        let entry = unsafe { entry.as_ref() };
        required(entry, &format!("element {index} of entries"))?.get()
    });
    entries.collect()
}

/// Resolves `count` entries of one row, normally its concurrent heads, and reports how.
/// Their order makes no difference, nor does one given twice. With `settled_by`, the dot of
/// the entry that has seen them all, the report is of a settled conflict; with NULL, of a
/// standing one. Free the report with `causelog_report_free`.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` when there are fewer than two different entries
/// or they are not of one row, `CAUSELOG_DOT_REUSE` when two have one dot but differ, and as
/// `causelog_entry_vector_clock` does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn causelog_detector_resolve(
    detector: Option<&causelog_detector>,
    entries: *const *const causelog_entry,
    count: usize,
    settled_by: Option<&causelog_dot>,
    report: Option<&mut MaybeUninit<*mut causelog_report>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let detector = required(detector, "detector")?;
        // SAFETY: the caller passes `count` pointers, each to an entry or NULL.
        let entries = unsafe { read_entries(entries, count)? };
        let report = required(report, "report")?;
        let settled_by = settled_by.map(|dot| (*dot).into());
        report
            .write(give(causelog_report::new(detector.detector.resolve(entries, settled_by)?.into_owned())));
        Ok(())
    })
}

/// Frees a detector; NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_detector_free(detector: Option<Box<causelog_detector>>) {
    release(detector);
}

/// Two concurrent entries of one row that disagree, as the side that has the first of them
/// sees it. Never changes, and may be read from several threads at once.
pub struct causelog_conflict {
    local: ChangeEntry,
    remote: ChangeEntry,
    conflict_type: ConflictType,
    detected_at: Timestamp,
    /// The entries as C sees them, local and remote: made when somebody looks.
    entries: OnceLock<[causelog_entry; 2]>,
}

impl causelog_conflict {
    /// A conflict with entries of its own: those of C may go at any time.
    fn new(conflict: &Conflict<'_>) -> Self {
        let Conflict { local_entry, remote_entry, conflict_type, detected_at } = *conflict;
        let (local, remote) = (local_entry.clone(), remote_entry.clone());
        causelog_conflict { local, remote, conflict_type, detected_at, entries: OnceLock::new() }
    }

    fn conflict(&self) -> Conflict<'_> {
        let causelog_conflict { local, remote, conflict_type, detected_at, .. } = self;
        Conflict {
            conflict_type: *conflict_type,
            local_entry: local,
            remote_entry: remote,
            detected_at: *detected_at,
        }
    }

    fn entries(&self) -> &[causelog_entry; 2] {
        self.entries
            .get_or_init(|| [&self.local, &self.remote].map(|entry| causelog_entry::new(entry.clone())))
    }
}

/// Its identity, the same on every replica and from both sides.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_conflict_id(conflict: Option<&causelog_conflict>) -> causelog_uuid {
    read(conflict, causelog_uuid::NIL, |conflict| conflict.conflict().id().into())
}

/// The local operation, then the remote one.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_conflict_shape(conflict: Option<&causelog_conflict>) -> causelog_conflict_type {
    let none = causelog_conflict_type::CAUSELOG_CONFLICT_TYPE_NONE;
    read(conflict, none, |conflict| causelog_conflict_type::of(conflict.conflict_type).unwrap_or(none))
}

/// The table of both entries. Borrowed.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_conflict_table(conflict: Option<&causelog_conflict>) -> causelog_text {
    read(conflict, causelog_text::NONE, |conflict| causelog_text::of(&conflict.local.table))
}

/// The row of both entries. Borrowed; NULL of NULL.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_conflict_row_id(conflict: Option<&causelog_conflict>) -> *const causelog_row_id {
    read(conflict, null(), |conflict| {
        let [local, _] = conflict.entries();
        local.row_id()
    })
}

/// The entry that was here, with its clock. Borrowed; NULL of NULL.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_conflict_local_entry(
    conflict: Option<&causelog_conflict>,
) -> *const causelog_entry {
    read(conflict, null(), |conflict| {
        let [local, _] = conflict.entries();
        from_ref(local)
    })
}

/// The entry that came, with its clock. Borrowed; NULL of NULL.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_conflict_remote_entry(
    conflict: Option<&causelog_conflict>,
) -> *const causelog_entry {
    read(conflict, null(), |conflict| {
        let [_, remote] = conflict.entries();
        from_ref(remote)
    })
}

/// When this was noticed, here, in nanoseconds since the Unix epoch.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_conflict_detected_at(conflict: Option<&causelog_conflict>) -> i64 {
    read(conflict, 0, |conflict| conflict.detected_at.nanoseconds())
}

/// Frees a conflict; reports made of it go on. NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_conflict_free(conflict: Option<Box<causelog_conflict>>) {
    release(conflict);
}
