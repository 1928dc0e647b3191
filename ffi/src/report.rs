use std::borrow::Cow;
use std::mem::MaybeUninit;
use std::ptr::{from_ref, null};
use std::sync::OnceLock;

use causelog_core::{ChangeEntry, ConflictReport, Winner};

use crate::entry::causelog_entry;
use crate::enumeration::{
    causelog_conflict_class, causelog_conflict_type, causelog_reason_code, causelog_side,
    causelog_winner_type,
};
use crate::error::causelog_error;
use crate::guard::{guard, read};
use crate::handle::release;
use crate::identity::{causelog_dot, causelog_dots, causelog_uuid};
use crate::input::{required, write_if_wanted};
use crate::row_id::{RowIdView, causelog_row_id};
use crate::status::causelog_status;
use crate::text::{causelog_buffer, causelog_bytes, causelog_text};

/// Which entries disagreed, who won, by which strategy, and why. Never changes, and may be
/// read from several threads at once.
pub struct causelog_report {
    row_id: RowIdView,
    /// The heads as C sees them: made when somebody looks.
    heads: OnceLock<Vec<causelog_entry>>,
    /// The same for their dots, and for the strategy.
    dots: OnceLock<Vec<causelog_dot>>,
    strategy: OnceLock<String>,
    /// What `row_id` points into.
    report: ConflictReport<'static>,
}

impl causelog_report {
    pub(crate) fn new(report: ConflictReport<'static>) -> Self {
        let (heads, dots, strategy) = (OnceLock::new(), OnceLock::new(), OnceLock::new());
        causelog_report { row_id: RowIdView::of(&report.row_id), heads, dots, strategy, report }
    }

    pub(crate) fn get(&self) -> &ConflictReport<'static> {
        &self.report
    }

    fn heads(&self) -> &[causelog_entry] {
        let own = |head: &Cow<'_, ChangeEntry>| causelog_entry::new(head.clone().into_owned());
        self.heads.get_or_init(|| self.report.heads.iter().map(own).collect())
    }
}

/// Its identity, the same on every replica.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_report_id(report: Option<&causelog_report>) -> causelog_uuid {
    read(report, causelog_uuid::NIL, |report| report.report.id().into())
}

/// The table of all entries. Borrowed.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_report_table(report: Option<&causelog_report>) -> causelog_text {
    read(report, causelog_text::NONE, |report| causelog_text::of(&report.report.table))
}

/// The row of all entries. Borrowed; NULL of NULL.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_report_row_id(report: Option<&causelog_report>) -> *const causelog_row_id {
    read(report, null(), |report| from_ref(report.row_id.get()))
}

/// The kind of conflict, whichever side looks at it.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_report_conflict_class(
    report: Option<&causelog_report>,
) -> causelog_conflict_class {
    let none = causelog_conflict_class::CAUSELOG_CONFLICT_CLASS_NONE;
    read(report, none, |report| causelog_conflict_class::of(report.report.class).unwrap_or(none))
}

/// How many entries were resolved.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_report_head_count(report: Option<&causelog_report>) -> usize {
    read(report, 0, |report| report.report.heads.len())
}

/// The entry at this place in canonical order, the last being the latest, from 0; NULL
/// beyond the count. Borrowed.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_report_head(
    report: Option<&causelog_report>,
    index: usize,
) -> *const causelog_entry {
    read(report, null(), |report| report.heads().get(index).map_or(null(), from_ref))
}

/// The dots of the heads, in the same order: what a decision about the row expects. Borrowed.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_report_head_dots(report: Option<&causelog_report>) -> causelog_dots {
    read(report, causelog_dots::NONE, |report| {
        let heads = || report.report.heads.iter().map(|head| head.dot().into()).collect();
        causelog_dots::of(report.dots.get_or_init(heads))
    })
}

/// The row's payload before the heads parted. Borrowed; `data` is NULL if it was not there, has
/// none, or nothing is known of it, as to the plain detector.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_report_ancestor(report: Option<&causelog_report>) -> causelog_bytes {
    read(report, causelog_bytes::NONE, |report| {
        causelog_bytes::of_optional(report.report.ancestor.as_deref())
    })
}

/// How it was decided: a strategy, as text. Borrowed.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_report_strategy(report: Option<&causelog_report>) -> causelog_text {
    read(report, causelog_text::NONE, |report| {
        causelog_text::of(report.strategy.get_or_init(|| report.report.strategy.to_string()))
    })
}

/// Which rule of the registry named the strategy: `orders/update_delete`, `orders` or `default`.
/// Borrowed; `data` is NULL if there was no registry.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_report_rule(report: Option<&causelog_report>) -> causelog_text {
    read(report, causelog_text::NONE, |report| causelog_text::of_optional(report.report.rule.as_deref()))
}

/// The fingerprint of the registry that was in force. Borrowed; `data` is NULL if there was none.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_report_registry(report: Option<&causelog_report>) -> causelog_text {
    read(report, causelog_text::NONE, |report| causelog_text::of_optional(report.report.registry.as_deref()))
}

/// Who won, by kind; `causelog_report_winner` has the dot of a head.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_report_winner_type(report: Option<&causelog_report>) -> causelog_winner_type {
    let none = causelog_winner_type::CAUSELOG_WINNER_TYPE_NONE;
    read(report, none, |report| causelog_winner_type::of(report.report.winner))
}

/// Whether an entry won; `*winner` becomes its dot then. False while somebody has to decide,
/// when the value is provisional, and when the value was merged: `causelog_report_winner_type`
/// tells. `winner` may be NULL.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_report_winner(
    report: Option<&causelog_report>,
    winner: Option<&mut MaybeUninit<causelog_dot>>,
) -> bool {
    read(report, false, |report| match report.report.winner {
        Winner::Head(dot) => {
            write_if_wanted(winner, dot.into());
            true
        }
        _ => false,
    })
}

/// The entry that won; NULL if nobody did. Borrowed.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_report_winning_entry(report: Option<&causelog_report>) -> *const causelog_entry {
    read(report, null(), |report| {
        let winner = report.report.winning_entry().map(|entry| entry.dot());
        let head = report.heads().iter().find(|head| Some(head.dot()) == winner);
        head.map_or(null(), from_ref)
    })
}

/// The side that won; `CAUSELOG_SIDE_NONE` if nobody did, or the report has no sides.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_report_winning_side(report: Option<&causelog_report>) -> causelog_side {
    let none = causelog_side::CAUSELOG_SIDE_NONE;
    read(report, none, |report| {
        report.report.winning_side().and_then(|side| causelog_side::of(side).ok()).unwrap_or(none)
    })
}

/// The shape as the local side sees it; `CAUSELOG_CONFLICT_TYPE_NONE` unless the report was
/// made by `causelog_detector_report`.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_report_conflict_type(report: Option<&causelog_report>) -> causelog_conflict_type {
    let none = causelog_conflict_type::CAUSELOG_CONFLICT_TYPE_NONE;
    read(report, none, |report| {
        let shape = report.report.conflict_type();
        shape.and_then(|shape| causelog_conflict_type::of(shape).ok()).unwrap_or(none)
    })
}

/// Why, for machines.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_report_reason_code(report: Option<&causelog_report>) -> causelog_reason_code {
    let none = causelog_reason_code::CAUSELOG_REASON_CODE_NONE;
    read(report, none, |report| causelog_reason_code::of(report.report.reason_code).unwrap_or(none))
}

/// Why, for people: text. Free the buffer with `causelog_buffer_free`.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` when an argument is NULL.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_report_reason(
    report: Option<&causelog_report>,
    reason: Option<&mut MaybeUninit<*mut causelog_buffer>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let (report, reason) = (required(report, "report")?, required(reason, "reason")?);
        reason.write(causelog_buffer::give(report.report.reason()));
        Ok(())
    })
}

/// Whether the conflict is settled; `*dot` becomes the dot of the entry that has seen all
/// heads then. False while it stands. `dot` may be NULL.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_report_settled_by(
    report: Option<&causelog_report>,
    dot: Option<&mut MaybeUninit<causelog_dot>>,
) -> bool {
    read(report, false, |report| {
        if let Some(settled_by) = report.report.settled_by {
            write_if_wanted(dot, settled_by.into());
        }
        report.report.settled_by.is_some()
    })
}

/// When this was noticed, here, in nanoseconds since the Unix epoch.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_report_detected_at(report: Option<&causelog_report>) -> i64 {
    read(report, 0, |report| report.report.detected_at.nanoseconds())
}

/// Whether the row is there as resolved.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_report_leaves_live(report: Option<&causelog_report>) -> bool {
    read(report, false, |report| report.report.leaves_live())
}

/// The row's payload as resolved, provisionally so while nobody has won. Borrowed; `data`
/// is NULL if the row is deleted.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_report_value(report: Option<&causelog_report>) -> causelog_bytes {
    read(report, causelog_bytes::NONE, |report| causelog_bytes::of_optional(report.report.value()))
}

/// The report as one line of compact JSON, the same on every replica, byte for byte. Free
/// the buffer with `causelog_buffer_free`.
///
/// Payloads that are JSON stand in it as such; others in hexadecimal, under `after_hex`,
/// `before_hex` and `value_hex`. Positions and verdicts are left out, being local to a log.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` when an argument is NULL.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_report_to_json(
    report: Option<&causelog_report>,
    json: Option<&mut MaybeUninit<*mut causelog_buffer>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let (report, json) = (required(report, "report")?, required(json, "json")?);
        json.write(causelog_buffer::give(report.report.to_json()));
        Ok(())
    })
}

/// The report as several lines of text for people, the same on every replica, without a
/// line feed at its end. Free the buffer with `causelog_buffer_free`.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` when an argument is NULL.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_report_to_text(
    report: Option<&causelog_report>,
    text: Option<&mut MaybeUninit<*mut causelog_buffer>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let (report, text) = (required(report, "report")?, required(text, "text")?);
        text.write(causelog_buffer::give(report.report.to_string()));
        Ok(())
    })
}

/// Frees a report; NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_report_free(report: Option<Box<causelog_report>>) {
    release(report);
}
