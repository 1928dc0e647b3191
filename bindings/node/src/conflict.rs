//! Finding and resolving conflicts.

use std::sync::Arc;

use causelog::{ChangeOperation, ConflictClass, ConflictType, Timestamp};
use napi::bindgen_prelude::{Result, Unknown};
use napi_derive::napi;

use crate::entry::ChangeEntry;
use crate::error::{Code, thrown};
use crate::input::Argument;
use crate::output::{Bytes, Dot, Moment, Nanoseconds};
use crate::report::ConflictReport;
use crate::resolution::Resolution;
use crate::row::Row;

/// Two concurrent entries of one row that disagree, as the side that has the first of them sees it.
#[napi]
pub struct Conflict {
    local: Arc<causelog::ChangeEntry>,
    remote: Arc<causelog::ChangeEntry>,
    conflict_type: ConflictType,
    detected_at: Timestamp,
}

impl Conflict {
    fn conflict(&self) -> causelog::Conflict<'_> {
        causelog::Conflict {
            conflict_type: self.conflict_type,
            local_entry: &self.local,
            remote_entry: &self.remote,
            detected_at: self.detected_at,
        }
    }
}

#[napi]
impl Conflict {
    /// UUID, the same on every replica and from both sides: a hash of table, row and the entries' dots.
    #[napi(getter, catch_unwind)]
    pub fn id(&self) -> String {
        self.conflict().id().to_string()
    }

    /// The local operation, then the remote one.
    #[napi(getter, catch_unwind, ts_return_type = "ConflictType")]
    pub fn conflict_type(&self) -> &'static str {
        self.conflict_type.name()
    }

    /// The table of both entries.
    #[napi(getter, catch_unwind)]
    pub fn table(&self) -> String {
        self.local.table.clone()
    }

    /// The row of both entries.
    #[napi(getter, catch_unwind, ts_return_type = "RowId")]
    pub fn row_id(&self) -> Row {
        Row(self.local.row_id.clone())
    }

    /// The entry that was here, with its clock.
    #[napi(getter, catch_unwind)]
    pub fn local_entry(&self) -> ChangeEntry {
        self.local.clone().into()
    }

    /// The entry that came, with its clock.
    #[napi(getter, catch_unwind)]
    pub fn remote_entry(&self) -> ChangeEntry {
        self.remote.clone().into()
    }

    /// When this was noticed, here, rounded down to milliseconds.
    #[napi(getter, catch_unwind, ts_return_type = "Date")]
    pub fn detected_at(&self) -> Moment {
        Moment(self.detected_at)
    }

    /// When this was noticed, here, in nanoseconds since 1970: exact.
    #[napi(getter, catch_unwind, ts_return_type = "bigint")]
    pub fn detected_at_ns(&self) -> Nanoseconds {
        Nanoseconds(self.detected_at)
    }
}

/// Finds conflicts between entries, and resolves sets of them by one strategy. It needs
/// no log: the entries carry all that it looks at.
///
/// ```js
/// const detector = new ConflictDetector('last_write_wins');
/// const conflict = detector.detect(local, remote);
/// if (conflict) console.log(String(detector.report(conflict)));
/// ```
#[napi]
pub struct ConflictDetector {
    detector: causelog::ConflictDetector,
}

#[napi]
impl ConflictDetector {
    /// A detector that resolves by `resolution`, `'last_write_wins'` unless told otherwise.
    #[napi(
        constructor,
        catch_unwind,
        ts_args_type = "resolution?: ConflictResolution | null, options?: ConflictDetectorOptions | null"
    )]
    pub fn new(resolution: Unknown<'_>, options: Unknown<'_>) -> Result<Self, Code> {
        let resolution = Argument::new("resolution", resolution);
        let resolution = resolution.optional(Argument::resolution).map_err(thrown)?.unwrap_or_default();
        let options = Argument::new("options", options);
        let time = options.optional(|options| {
            options.only(&["time"])?;
            options.member("time")?.optional(Argument::time)
        });
        let detector = match time.map_err(thrown)?.flatten() {
            Some(time) => causelog::ConflictDetector::with_time(resolution, time),
            None => causelog::ConflictDetector::new(resolution),
        };
        Ok(ConflictDetector { detector })
    }

    /// The strategy it resolves by.
    #[napi(getter, catch_unwind, ts_return_type = "ConflictResolution")]
    pub fn resolution(&self) -> Resolution {
        self.detector.resolution().into()
    }

    /// The conflict between these two entries; `null` if there is none.
    ///
    /// There is none when one author had seen the other's entry, when both are the same
    /// entry, and when both left the row in the same state (identical `after`, two deletes
    /// among them), for then there is nothing to disagree about.
    ///
    /// Throws `INVALID_ARGUMENT` when the entries are not of one row; `DOT_REUSE` when they have one dot but differ.
    #[napi(catch_unwind)]
    pub fn detect(
        &self,
        #[napi(ts_arg_type = "ChangeEntry")] local: Unknown<'_>,
        #[napi(ts_arg_type = "ChangeEntry")] remote: Unknown<'_>,
    ) -> Result<Option<Conflict>, Code> {
        let local = Argument::new("local", local).entry().map_err(thrown)?;
        let remote = Argument::new("remote", remote).entry().map_err(thrown)?;
        let detected = self.detector.detect(&local, &remote).map_err(thrown)?;
        let detected = detected.map(|conflict| (conflict.conflict_type, conflict.detected_at));
        Ok(detected.map(|(conflict_type, detected_at)| Conflict {
            local,
            remote,
            conflict_type,
            detected_at,
        }))
    }

    /// Resolves a conflict between two entries and reports it as its local side sees it.
    #[napi(catch_unwind)]
    pub fn report(
        &self,
        #[napi(ts_arg_type = "Conflict")] conflict: Unknown<'_>,
    ) -> Result<ConflictReport, Code> {
        let conflict = Argument::new("conflict", conflict);
        let conflict = conflict.instance::<Conflict>("Conflict").map_err(thrown)?;
        let report = self.detector.report(&conflict.conflict());
        report.map(|report| report.into_owned().into()).map_err(thrown)
    }

    /// Resolves a set of entries of one row, normally its concurrent heads, and reports how.
    ///
    /// The order of the entries makes no difference, nor does one given twice. With
    /// `settledBy`, the dot of the entry that has seen them all, the report is of a settled
    /// conflict; without, of a standing one.
    ///
    /// Throws `INVALID_ARGUMENT` when there are fewer than two different entries or they are
    /// not of one row; `DOT_REUSE` when two have one dot but differ.
    #[napi(catch_unwind, ts_args_type = "entries: Iterable<ChangeEntry>, settledBy?: DotLike | null")]
    pub fn resolve(&self, entries: Unknown<'_>, settled_by: Unknown<'_>) -> Result<ConflictReport, Code> {
        let entries = Argument::new("entries", entries);
        let entries = entries.list("an array of entries", Argument::entry).map_err(thrown)?;
        let settled_by = Argument::new("settledBy", settled_by).optional(Argument::dot).map_err(thrown)?;
        let report = self.detector.resolve(entries.iter().map(|entry| &**entry), settled_by);
        report.map(|report| report.into_owned().into()).map_err(thrown)
    }

    /// What a row is by all of its entries, given in any order, and every conflict that made it so.
    ///
    /// Each entry must come with all that its author had seen of the row: what is missing is taken never to have been.
    ///
    /// Throws `INVALID_ARGUMENT` when there is no entry, they are not of one row, or the strategy is one that
    /// `validateConflictResolution` refuses; `DOT_REUSE` when two have one dot but differ.
    #[napi(catch_unwind, ts_args_type = "entries: Iterable<ChangeEntry>")]
    pub fn resolve_row(&self, entries: Unknown<'_>) -> Result<RowResolution, Code> {
        let entries = Argument::new("entries", entries);
        let entries = entries.list("an array of entries", Argument::entry).map_err(thrown)?;
        let resolution = self.detector.resolve_row(entries.iter().map(|entry| &**entry));
        resolution.map(|resolution| RowResolution { resolution }).map_err(thrown)
    }
}

/// What a row is by its entries, and which conflicts made it so.
#[napi]
pub struct RowResolution {
    resolution: causelog::RowResolution,
}

#[napi]
impl RowResolution {
    /// Whether the row is there.
    #[napi(getter, catch_unwind)]
    pub fn is_live(&self) -> bool {
        self.resolution.is_live
    }

    /// Its payload, in a `Buffer` of its own; `null` if it is not there, or has none.
    #[napi(getter, catch_unwind, ts_return_type = "Buffer | null")]
    pub fn value(&self) -> Option<Bytes> {
        self.resolution.value.clone().map(Bytes)
    }

    /// The dots of the entries that no other has seen, in canonical order.
    #[napi(getter, catch_unwind)]
    pub fn heads(&self) -> Vec<Dot> {
        self.resolution.heads.iter().copied().map(Dot::from).collect()
    }

    /// The conflict between them; `null` if they do not disagree.
    #[napi(getter, catch_unwind)]
    pub fn standing(&self) -> Option<ConflictReport> {
        self.resolution.standing.clone().map(ConflictReport::from)
    }

    /// Conflicts that a later entry ended, in the order of those entries.
    #[napi(getter, catch_unwind)]
    pub fn settled(&self) -> Vec<ConflictReport> {
        self.resolution.settled.iter().cloned().map(ConflictReport::from).collect()
    }
}

/// The shape of a conflict between these operations, as the local side sees it.
#[napi(catch_unwind, ts_return_type = "ConflictType")]
pub fn conflict_type_of(
    #[napi(ts_arg_type = "ChangeOperation")] local: Unknown<'_>,
    #[napi(ts_arg_type = "ChangeOperation")] remote: Unknown<'_>,
) -> Result<&'static str, Code> {
    let local = Argument::new("local", local).operation().map_err(thrown)?;
    let remote = Argument::new("remote", remote).operation().map_err(thrown)?;
    Ok(ConflictType::of(local, remote).name())
}

/// The shape that the other side sees.
#[napi(catch_unwind, ts_return_type = "ConflictType")]
pub fn conflict_type_mirror(
    #[napi(ts_arg_type = "ConflictType")] conflict_type: Unknown<'_>,
) -> Result<&'static str, Code> {
    Ok(conflict_type_argument(conflict_type).map_err(thrown)?.mirror().name())
}

/// The kind of conflict that a shape is of, whichever side looks at it.
#[napi(catch_unwind, ts_return_type = "ConflictClass")]
pub fn conflict_type_class(
    #[napi(ts_arg_type = "ConflictType")] conflict_type: Unknown<'_>,
) -> Result<&'static str, Code> {
    Ok(conflict_type_argument(conflict_type).map_err(thrown)?.class().name())
}

/// The local and the remote operation of a shape.
#[napi(catch_unwind, ts_return_type = "[local: ChangeOperation, remote: ChangeOperation]")]
pub fn conflict_type_operations(
    #[napi(ts_arg_type = "ConflictType")] conflict_type: Unknown<'_>,
) -> Result<Vec<&'static str>, Code> {
    let (local, remote) = conflict_type_argument(conflict_type).map_err(thrown)?.operations();
    Ok(vec![local.name(), remote.name()])
}

fn conflict_type_argument(conflict_type: Unknown<'_>) -> causelog::Result<ConflictType> {
    Argument::new("conflictType", conflict_type).one_of(&ConflictType::ALL, ConflictType::name)
}

/// The kind of conflict between these operations together; `null` of no operation.
#[napi(catch_unwind, ts_return_type = "ConflictClass | null")]
pub fn conflict_class_of(
    #[napi(ts_arg_type = "ReadonlyArray<ChangeOperation>")] operations: Unknown<'_>,
) -> Result<Option<&'static str>, Code> {
    let operations: Vec<ChangeOperation> = Argument::new("operations", operations)
        .list("an array of operations", Argument::operation)
        .map_err(thrown)?;
    Ok(ConflictClass::of(operations).map(ConflictClass::name))
}
