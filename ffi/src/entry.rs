use std::mem::MaybeUninit;
use std::ptr::{from_ref, null};
use std::sync::OnceLock;

use causelog_core::{
    ChangeEntry, ChangeOperation, Dot, EntryRef, Metadata, Result, RowId, Timestamp, VectorClock, Verdict,
};

use crate::change::{ChangeView, causelog_change, causelog_metadata};
use crate::clock::causelog_clock;
use crate::enumeration::{causelog_operation, causelog_verdict};
use crate::error::causelog_error;
use crate::guard::{guard, read};
use crate::handle::{give, release};
use crate::identity::causelog_dot;
use crate::input::{Versioned, invalid, required, versioned};
use crate::row_id::causelog_row_id;
use crate::status::causelog_status;
use crate::text::{causelog_bytes, causelog_text};

/// One change as a log holds it. Never changes, and may be read from several threads at once.
pub struct causelog_entry {
    facts: Facts,
    view: ChangeView,
    content: Content,
}

/// What `view` points into.
enum Content {
    /// An entry with all that belongs to it.
    Whole(ChangeEntry),
    /// What a cursor lends, and what was made of it.
    Lent(Lent),
}

/// An entry that lies in the block that its cursor has read. Images and names are used
/// where they are; what costs something to work out is worked out when somebody asks.
struct Lent {
    entry: EntryRef<'static>,
    _row_id: RowId,
    _metadata: Metadata,
    clock: OnceLock<VectorClock>,
    /// Behind a pointer, because few entries need it.
    whole: OnceLock<Box<ChangeEntry>>,
}

/// What is copied of every entry, because it is small.
#[derive(Clone, Copy)]
struct Facts {
    lsn: u64,
    dot: Dot,
    timestamp: Timestamp,
    transaction: Dot,
    operation: ChangeOperation,
    verdict: Option<Verdict>,
}

// Entries may be read from several threads at once, also lent ones.
const _: fn() = || {
    fn shared<T: Sync>() {}
    shared::<Content>();
};

impl causelog_entry {
    pub(crate) fn new(entry: ChangeEntry) -> Self {
        let images = (entry.before.as_deref(), entry.after.as_deref());
        let view = ChangeView::new(&entry.table, &entry.row_id, entry.operation, images, &entry.metadata);
        let facts = Facts {
            lsn: entry.lsn,
            dot: entry.dot(),
            timestamp: entry.timestamp,
            transaction: entry.transaction,
            operation: entry.operation,
            verdict: entry.verdict,
        };
        causelog_entry { facts, view, content: Content::Whole(entry) }
    }

    /// An entry that lies where its cursor has read it.
    ///
    /// # Errors
    /// `CORRUPT` when its row id is damaged.
    pub(crate) fn lend(entry: EntryRef<'static>) -> Result<Self> {
        let (row_id, metadata) = (entry.row_id()?, entry.metadata());
        let view =
            ChangeView::new(entry.table, &row_id, entry.operation, (entry.before, entry.after), &metadata);
        let facts = Facts {
            lsn: entry.lsn,
            dot: entry.dot(),
            timestamp: entry.timestamp,
            transaction: entry.transaction,
            operation: entry.operation,
            verdict: entry.verdict,
        };
        let (clock, whole) = (OnceLock::new(), OnceLock::new());
        let lent = Lent { entry, _row_id: row_id, _metadata: metadata, clock, whole };
        Ok(causelog_entry { facts, view, content: Content::Lent(lent) })
    }

    /// The entry as the core's functions take it.
    ///
    /// # Errors
    /// As [`causelog_entry::vector_clock`].
    pub(crate) fn get(&self) -> Result<&ChangeEntry> {
        match &self.content {
            Content::Whole(entry) => Ok(entry),
            Content::Lent(lent) => {
                once(&lent.whole, || lent.entry.to_entry().map(Box::new)).map(|whole| &**whole)
            }
        }
    }

    /// A copy with all that belongs to it.
    ///
    /// # Errors
    /// As [`causelog_entry::vector_clock`].
    fn to_whole(&self) -> Result<ChangeEntry> {
        match &self.content {
            Content::Whole(entry) => Ok(entry.clone()),
            Content::Lent(lent) => lent.entry.to_entry(),
        }
    }

    /// What the author had seen.
    ///
    /// # Errors
    /// Of an entry that is lent: `CORRUPT`, `IO`, `CLOSED` when the log cannot be read for it.
    fn vector_clock(&self) -> Result<&VectorClock> {
        match &self.content {
            Content::Whole(entry) => Ok(&entry.vector_clock),
            Content::Lent(lent) => once(&lent.clock, || lent.entry.vector_clock()),
        }
    }

    pub(crate) fn dot(&self) -> Dot {
        self.facts.dot
    }

    pub(crate) fn row_id(&self) -> *const causelog_row_id {
        self.view.row_id()
    }
}

/// The value of a cell, made by the first who asks; a failure leaves the cell empty.
fn once<T>(cell: &OnceLock<T>, make: impl FnOnce() -> Result<T>) -> Result<&T> {
    if let Some(value) = cell.get() {
        return Ok(value);
    }
    let made = make()?;
    Ok(cell.get_or_init(|| made))
}

/// What an entry is made of, to use the detector without a log. Begin with `CAUSELOG_ENTRY_FIELDS_INIT`.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct causelog_entry_fields {
    /// The size of this struct: `sizeof(causelog_entry_fields)`.
    pub size: usize,
    /// Its position in a log; 0 if it was in none.
    pub lsn: u64,
    /// The identity of the change; its sequence is 1 or higher.
    pub dot: causelog_dot,
    /// What the author had seen when making the change, and the change itself. It is copied.
    pub vector_clock: *const causelog_clock,
    /// When the change was made, in nanoseconds since the Unix epoch.
    pub timestamp: i64,
    /// The name of its transaction; with sequence 0, the change is a transaction of its own.
    pub transaction: causelog_dot,
    /// What changed. It is copied.
    pub change: *const causelog_change,
    /// A `causelog_verdict`.
    pub verdict: i32,
}

// SAFETY: `repr(C)`, `size` first, only numbers and pointers.
unsafe impl Versioned for causelog_entry_fields {
    const NAME: &'static str = "causelog_entry_fields";
}

/// An entry from its parts. Free it with `causelog_entry_free`.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` when a part is missing or malformed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn causelog_entry_new(
    fields: *const causelog_entry_fields,
    entry: Option<&mut MaybeUninit<*mut causelog_entry>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        // SAFETY: the caller passes a struct whose parts are there during the call.
        let (fields, clock, change) = unsafe {
            let fields = versioned(fields, "fields")?;
            let clock = required(fields.vector_clock.as_ref(), "fields.vector_clock")?;
            (fields, clock, causelog_change::read(fields.change, "fields.change")?)
        };
        if fields.dot.sequence == 0 {
            return Err(invalid("fields.dot has sequence 0: sequences start at 1"));
        }
        let transaction = if fields.transaction.sequence == 0 { fields.dot } else { fields.transaction };
        let none = causelog_verdict::CAUSELOG_VERDICT_NONE as i32;
        let judged = (fields.verdict != none).then_some(fields.verdict);
        let made = ChangeEntry {
            lsn: fields.lsn,
            node: fields.dot.node.into(),
            sequence: fields.dot.sequence,
            vector_clock: clock.get().clone(),
            timestamp: Timestamp::from_nanoseconds(fields.timestamp),
            transaction: transaction.into(),
            table: change.table,
            row_id: change.row_id,
            operation: change.operation,
            before: change.before,
            after: change.after,
            verdict: judged.map(|number| causelog_verdict::read(number, "fields.verdict")).transpose()?,
            metadata: change.metadata,
        };
        required(entry, "entry")?.write(give(causelog_entry::new(made)));
        Ok(())
    })
}

/// A copy of an entry, to keep one that is borrowed. Free it with `causelog_entry_free`.
///
/// Fails as `causelog_entry_vector_clock` does.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_entry_clone(
    entry: Option<&causelog_entry>,
    copy: Option<&mut MaybeUninit<*mut causelog_entry>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let (entry, copy) = (required(entry, "entry")?, required(copy, "copy")?);
        copy.write(give(causelog_entry::new(entry.to_whole()?)));
        Ok(())
    })
}

/// Its position in this log, from 1 without gaps: local, never to be compared with another log's.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_entry_lsn(entry: Option<&causelog_entry>) -> u64 {
    read(entry, 0, |entry| entry.facts.lsn)
}

/// The identity of the change: its node and sequence.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_entry_dot(entry: Option<&causelog_entry>) -> causelog_dot {
    read(entry, causelog_dot::NONE, |entry| entry.facts.dot.into())
}

/// What the author had seen when making the change, and the change itself. Borrowed: it
/// lives as long as the entry.
///
/// Of an entry that a cursor lends it is worked out when it is asked for: from memory for the
/// last 16384 transactions, else by reading at most the entry's own segment.
///
/// Fails with `CAUSELOG_CORRUPT` naming file and offset when what it reads is damaged,
/// `CAUSELOG_IO`, and `CAUSELOG_CLOSED`; of an entry that is not lent only when an argument is NULL.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_entry_vector_clock(
    entry: Option<&causelog_entry>,
    clock: Option<&mut MaybeUninit<*const causelog_clock>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let (entry, clock) = (required(entry, "entry")?, required(clock, "clock")?);
        clock.write(causelog_clock::lend(entry.vector_clock()?));
        Ok(())
    })
}

/// When the change was made, by its author's hybrid logical clock, in nanoseconds since the Unix epoch.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_entry_timestamp(entry: Option<&causelog_entry>) -> i64 {
    read(entry, 0, |entry| entry.facts.timestamp.nanoseconds())
}

/// The name of the transaction it belongs to: the dot of that transaction's last change.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_entry_transaction(entry: Option<&causelog_entry>) -> causelog_dot {
    read(entry, causelog_dot::NONE, |entry| entry.facts.transaction.into())
}

/// What changed, as it could be appended again. Borrowed; NULL of NULL.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_entry_change(entry: Option<&causelog_entry>) -> *const causelog_change {
    read(entry, null(), |entry| from_ref(entry.view.get()))
}

/// The table's name. Borrowed.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_entry_table(entry: Option<&causelog_entry>) -> causelog_text {
    read(entry, causelog_text::NONE, |entry| entry.view.get().table)
}

/// The row within the table. Borrowed; NULL of NULL.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_entry_row_id(entry: Option<&causelog_entry>) -> *const causelog_row_id {
    read(entry, null(), causelog_entry::row_id)
}

/// What happened to the row.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_entry_operation(entry: Option<&causelog_entry>) -> causelog_operation {
    let none = causelog_operation::CAUSELOG_OPERATION_NONE;
    read(entry, none, |entry| causelog_operation::of(entry.facts.operation).unwrap_or(none))
}

/// The row's payload before the change, as its author saw it. Borrowed; `data` is NULL if there is none.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_entry_before(entry: Option<&causelog_entry>) -> causelog_bytes {
    read(entry, causelog_bytes::NONE, |entry| entry.view.get().before)
}

/// The row's payload after the change. Borrowed; `data` is NULL if there is none.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_entry_after(entry: Option<&causelog_entry>) -> causelog_bytes {
    read(entry, causelog_bytes::NONE, |entry| entry.view.get().after)
}

/// What the entry did to the row on arrival; `CAUSELOG_VERDICT_NONE` if nobody has judged it.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_entry_verdict(entry: Option<&causelog_entry>) -> causelog_verdict {
    let none = causelog_verdict::CAUSELOG_VERDICT_NONE;
    read(entry, none, |entry| {
        entry.facts.verdict.and_then(|verdict| causelog_verdict::of(verdict).ok()).unwrap_or(none)
    })
}

/// How many strings of metadata it has.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_entry_metadata_count(entry: Option<&causelog_entry>) -> usize {
    read(entry, 0, |entry| entry.view.metadata().len())
}

/// The string of metadata at this place, ascending by key, from 0; empty beyond the
/// count. Borrowed.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_entry_metadata(entry: Option<&causelog_entry>, index: usize) -> causelog_metadata {
    let none = causelog_metadata { key: causelog_text::NONE, value: causelog_text::NONE };
    read(entry, none, |entry| entry.view.metadata().get(index).copied().unwrap_or(none))
}

/// Whether the author of `other`, another entry, had seen `entry`.
///
/// Fails as `causelog_entry_vector_clock` of one of them does.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_entry_happens_before(
    entry: Option<&causelog_entry>,
    other: Option<&causelog_entry>,
    answer: Option<&mut MaybeUninit<bool>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let (entry, other) = (required(entry, "entry")?, required(other, "other")?);
        let answer = required(answer, "answer")?;
        answer.write(entry.get()?.happens_before(other.get()?));
        Ok(())
    })
}

/// Frees an entry that is not borrowed; NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_entry_free(entry: Option<Box<causelog_entry>>) {
    release(entry);
}
