use std::mem::MaybeUninit;
use std::ptr::{from_ref, null};

use causelog_core::{Explanation, RowState};

use crate::entry::causelog_entry;
use crate::enumeration::causelog_row_state;
use crate::error::causelog_error;
use crate::guard::{guard, read};
use crate::handle::{give, release};
use crate::identity::{causelog_dot, causelog_dots, dots_of};
use crate::input::required;
use crate::replica::causelog_replica;
use crate::report::causelog_report;
use crate::row_id::{RowIdView, causelog_row_id};
use crate::status::causelog_status;
use crate::text::{causelog_buffer, causelog_bytes, causelog_text};

/// How a row became what it is: its entries, what each of them had seen, and every conflict on the way.
/// Never changes, and may be read from several threads at once.
///
/// It follows from the entries alone, so that replicas with the same entries and rules tell the same,
/// word for word.
pub struct causelog_explanation {
    row_id: RowIdView,
    state: RowState,
    steps: Vec<Step>,
    standing: Option<causelog_report>,
    text: String,
    /// What `row_id` points into.
    explanation: Explanation,
}

struct Step {
    entry: causelog_entry,
    follows: Vec<causelog_dot>,
    concurrent_with: Vec<causelog_dot>,
    settles: Option<causelog_report>,
}

impl From<Explanation> for causelog_explanation {
    fn from(mut explanation: Explanation) -> Self {
        let text = explanation.to_string();
        let steps = std::mem::take(&mut explanation.steps).into_iter().map(|step| Step {
            entry: causelog_entry::new(step.entry),
            follows: dots_of(&step.follows),
            concurrent_with: dots_of(&step.concurrent_with),
            settles: step.settles.map(causelog_report::new),
        });
        causelog_explanation {
            row_id: RowIdView::of(&explanation.row_id),
            state: explanation.state,
            steps: steps.collect(),
            standing: explanation.standing.take().map(causelog_report::new),
            text,
            explanation,
        }
    }
}

/// How a row became what it is. Free the explanation with `causelog_explanation_free`.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` for an empty table name or a malformed row id; otherwise as
/// `causelog_replica_conflicts` does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn causelog_replica_why(
    replica: Option<&causelog_replica>,
    table: causelog_text,
    row_id: causelog_row_id,
    explanation: Option<&mut MaybeUninit<*mut causelog_explanation>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let replica = required(replica, "replica")?;
        // SAFETY: the caller passes parts that are there during the call.
        let (table, row_id) = unsafe { (table.read("table")?, row_id.read("row_id")?) };
        let explanation = required(explanation, "explanation")?;
        explanation.write(give(causelog_explanation::from(replica.replica.why(table, row_id)?)));
        Ok(())
    })
}

/// The table. Borrowed.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_explanation_table(explanation: Option<&causelog_explanation>) -> causelog_text {
    read(explanation, causelog_text::NONE, |explanation| causelog_text::of(&explanation.explanation.table))
}

/// The row within the table. Borrowed; NULL of NULL.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_explanation_row_id(
    explanation: Option<&causelog_explanation>,
) -> *const causelog_row_id {
    read(explanation, null(), |explanation| from_ref(explanation.row_id.get()))
}

/// Whether the row is there.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_explanation_is_live(explanation: Option<&causelog_explanation>) -> bool {
    read(explanation, false, |explanation| explanation.explanation.is_live)
}

/// Its payload. Borrowed; `data` is NULL if it is not there, or has none.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_explanation_value(explanation: Option<&causelog_explanation>) -> causelog_bytes {
    read(explanation, causelog_bytes::NONE, |explanation| {
        causelog_bytes::of_optional(explanation.explanation.value.as_deref())
    })
}

/// Whether the value is final.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_explanation_state(
    explanation: Option<&causelog_explanation>,
) -> causelog_row_state {
    let none = causelog_row_state::CAUSELOG_ROW_STATE_NONE;
    read(explanation, none, |explanation| causelog_row_state::of(explanation.state).unwrap_or(none))
}

/// How many entries the row has; none if it never was.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_explanation_step_count(explanation: Option<&causelog_explanation>) -> usize {
    read(explanation, 0, |explanation| explanation.steps.len())
}

/// The entry at this place, each after all that its author had seen of the row, from 0; NULL beyond the
/// count. Borrowed.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_explanation_step_entry(
    explanation: Option<&causelog_explanation>,
    index: usize,
) -> *const causelog_entry {
    read(explanation, null(), |explanation| {
        explanation.steps.get(index).map_or(null(), |step| from_ref(&step.entry))
    })
}

/// The entries that it follows on: the latest that its author had seen of the row. Borrowed.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_explanation_step_follows(
    explanation: Option<&causelog_explanation>,
    index: usize,
) -> causelog_dots {
    let none = causelog_dots::NONE;
    read(explanation, none, |explanation| {
        explanation.steps.get(index).map_or(none, |step| causelog_dots::of(&step.follows))
    })
}

/// The entries before it in this list that its author had not seen, and that had not seen it. Borrowed.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_explanation_step_concurrent_with(
    explanation: Option<&causelog_explanation>,
    index: usize,
) -> causelog_dots {
    let none = causelog_dots::NONE;
    read(explanation, none, |explanation| {
        explanation.steps.get(index).map_or(none, |step| causelog_dots::of(&step.concurrent_with))
    })
}

/// The conflict that it ended, if those that it follows on disagreed; else NULL. Borrowed.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_explanation_step_settles(
    explanation: Option<&causelog_explanation>,
    index: usize,
) -> *const causelog_report {
    read(explanation, null(), |explanation| {
        let settles = explanation.steps.get(index).and_then(|step| step.settles.as_ref());
        settles.map_or(null(), from_ref)
    })
}

/// The conflict that stands; NULL if there is none. Borrowed.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_explanation_standing(
    explanation: Option<&causelog_explanation>,
) -> *const causelog_report {
    read(explanation, null(), |explanation| explanation.standing.as_ref().map_or(null(), from_ref))
}

/// The explanation as several lines of text for people, each of which ends in a line feed. Free the
/// buffer with `causelog_buffer_free`.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` when an argument is NULL.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_explanation_to_text(
    explanation: Option<&causelog_explanation>,
    text: Option<&mut MaybeUninit<*mut causelog_buffer>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let (explanation, text) = (required(explanation, "explanation")?, required(text, "text")?);
        text.write(causelog_buffer::give(explanation.text.as_str()));
        Ok(())
    })
}

/// Frees an explanation; NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_explanation_free(explanation: Option<Box<causelog_explanation>>) {
    release(explanation);
}
