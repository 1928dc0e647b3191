//! What came of a conflict.

use std::sync::Arc;

use causelog::{ConflictType, Side, Winner};
use napi_derive::napi;

use crate::entry::ChangeEntry;
use crate::input::Argument;
use crate::output::{Bytes, Dot, Moment, Nanoseconds};
use crate::resolution::Resolution;
use crate::row::Row;

/// Which entries disagreed, who won, by which strategy, and why.
///
/// Its JSON and text forms hold only what every replica agrees on: they come out the
/// same everywhere, byte for byte. Which side was local and when it was noticed are kept beside them.
#[napi]
pub struct ConflictReport {
    report: causelog::ConflictReport<'static>,
}

impl From<causelog::ConflictReport<'static>> for ConflictReport {
    fn from(report: causelog::ConflictReport<'static>) -> Self {
        ConflictReport { report }
    }
}

impl Argument<'_> {
    pub(crate) fn report(&self) -> causelog::Result<causelog::ConflictReport<'static>> {
        Ok(self.instance::<ConflictReport>("ConflictReport")?.report.clone())
    }
}

fn shared(entry: &causelog::ChangeEntry) -> ChangeEntry {
    Arc::new(entry.clone()).into()
}

#[napi]
impl ConflictReport {
    /// UUID, the same on every replica: a hash of table, row and the entries' dots.
    #[napi(getter, catch_unwind)]
    pub fn id(&self) -> String {
        self.report.id().to_string()
    }

    /// The table of all entries.
    #[napi(getter, catch_unwind)]
    pub fn table(&self) -> String {
        self.report.table.clone().into_owned()
    }

    /// The row of all entries.
    #[napi(getter, catch_unwind, ts_return_type = "RowId")]
    pub fn row_id(&self) -> Row {
        Row(self.report.row_id.clone())
    }

    /// The kind of conflict, whichever side looks at it.
    #[napi(getter, catch_unwind, ts_return_type = "ConflictClass")]
    pub fn conflict_class(&self) -> &'static str {
        self.report.class.name()
    }

    /// The entries that were resolved, in canonical order: the last is the latest.
    #[napi(getter, catch_unwind)]
    pub fn heads(&self) -> Vec<ChangeEntry> {
        self.report.heads.iter().map(|head| shared(head)).collect()
    }

    /// How it was decided.
    #[napi(getter, catch_unwind, ts_return_type = "ConflictResolution")]
    pub fn strategy(&self) -> Resolution {
        (&self.report.strategy).into()
    }

    /// Which rule of the registry named the strategy; `null` if there was no registry.
    #[napi(getter, catch_unwind)]
    pub fn rule(&self) -> Option<String> {
        self.report.rule.clone()
    }

    /// The fingerprint of the registry that was in force; `null` if there was none.
    #[napi(getter, catch_unwind)]
    pub fn registry(&self) -> Option<String> {
        self.report.registry.clone()
    }

    /// The dot of the entry that won; `null` if none of them did: see `isMerged` and `isPending`.
    #[napi(getter, catch_unwind)]
    pub fn winner(&self) -> Option<Dot> {
        match self.report.winner {
            Winner::Head(dot) => Some(dot.into()),
            _ => None,
        }
    }

    /// Whether none of the entries won alone: the value was put together, or is the resolver's own.
    #[napi(getter, catch_unwind)]
    pub fn is_merged(&self) -> bool {
        self.report.winner == Winner::Merged
    }

    /// Whether somebody has yet to decide. The value is provisional then.
    #[napi(getter, catch_unwind)]
    pub fn is_pending(&self) -> bool {
        self.report.winner == Winner::Pending
    }

    /// Why it came out so, for machines.
    #[napi(getter, catch_unwind, ts_return_type = "ReasonCode")]
    pub fn reason_code(&self) -> &'static str {
        self.report.reason_code.name()
    }

    /// Why it came out so, for people.
    #[napi(getter, catch_unwind)]
    pub fn reason(&self) -> String {
        self.report.reason()
    }

    /// The dot of the entry that has seen all heads and so settled the conflict; `null` while it stands.
    #[napi(getter, catch_unwind)]
    pub fn settled_by(&self) -> Option<Dot> {
        self.report.settled_by.map(Dot::from)
    }

    /// When this was noticed, here, rounded down to milliseconds.
    #[napi(getter, catch_unwind, ts_return_type = "Date")]
    pub fn detected_at(&self) -> Moment {
        Moment(self.report.detected_at)
    }

    /// When this was noticed, here, in nanoseconds since 1970: exact.
    #[napi(getter, catch_unwind, ts_return_type = "bigint")]
    pub fn detected_at_ns(&self) -> Nanoseconds {
        Nanoseconds(self.report.detected_at)
    }

    /// The row's payload as resolved, provisionally so while the winner is pending, in a
    /// `Buffer` of its own; `null` if the row is deleted.
    #[napi(getter, catch_unwind, ts_return_type = "Buffer | null")]
    pub fn value(&self) -> Option<Bytes> {
        self.report.value().map(|value| Bytes(value.to_vec()))
    }

    /// Whether the row is there as resolved.
    #[napi(getter, catch_unwind)]
    pub fn leaves_live(&self) -> bool {
        self.report.leaves_live()
    }

    /// The row's payload before the entries parted, in a `Buffer` of its own; `null` if it was not there, has none, or
    /// nothing is known of it, as to `ConflictDetector.resolve`.
    #[napi(getter, catch_unwind, ts_return_type = "Buffer | null")]
    pub fn ancestor(&self) -> Option<Bytes> {
        self.report.ancestor.clone().map(Bytes)
    }

    /// The shape as the local side sees it; `null` unless the report is of a `Conflict`, which has sides.
    #[napi(getter, catch_unwind, ts_return_type = "ConflictType | null")]
    pub fn conflict_type(&self) -> Option<&'static str> {
        self.report.conflict_type().map(ConflictType::name)
    }

    /// The side that won; `null` if nobody did, or the report has no sides.
    #[napi(getter, catch_unwind, ts_return_type = "Side | null")]
    pub fn winning_side(&self) -> Option<&'static str> {
        self.report.winning_side().map(Side::name)
    }

    /// The entry that won; `null` if nobody did.
    #[napi(getter, catch_unwind)]
    pub fn winning_entry(&self) -> Option<ChangeEntry> {
        self.report.winning_entry().map(shared)
    }

    /// The report as one line of compact JSON, the same on every replica, byte for byte.
    ///
    /// Payloads that are JSON stand in it as such; others in hexadecimal, under
    /// `after_hex`, `before_hex`, `ancestor_hex` and `value_hex`. What is absent is left out. Positions and verdicts are left out, being local to a log.
    #[napi(catch_unwind)]
    pub fn to_json(&self) -> String {
        self.report.to_json()
    }

    /// Several lines of text for people, the same on every replica.
    #[napi(catch_unwind, js_name = "toString")]
    pub fn text(&self) -> String {
        self.report.to_string()
    }
}
