use std::mem::{MaybeUninit, size_of};
use std::ptr::{from_ref, null, null_mut};

use causelog_core::{Change, ChangeOperation, Metadata, Result, RowId};

use crate::enumeration::causelog_operation;
use crate::error::causelog_error;
use crate::guard::{compute, guard, read};
use crate::handle::{give, release};
use crate::input::{Versioned, required, slice, versioned};
use crate::row_id::{RowIdView, causelog_row_id};
use crate::status::causelog_status;
use crate::text::{causelog_bytes, causelog_text};

/// One string of metadata: who made a change, or why.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct causelog_metadata {
    /// What it is about.
    pub key: causelog_text,
    /// What it says.
    pub value: causelog_text,
}

/// # Safety
/// Unless it is `NULL`, `metadata` points to `count` strings that are there.
pub(crate) unsafe fn read_metadata(
    metadata: *const causelog_metadata,
    count: usize,
    name: &str,
) -> Result<Metadata> {
    let mut read = Metadata::new();
    // SAFETY: the caller vouches for everything that is read here.
    unsafe {
        for metadata in slice(metadata, count, name)? {
            let key = metadata.key.read(&format!("a key of {name}"))?;
            let value = metadata.value.read(&format!("a value of {name}"))?;
            read.insert(key.to_owned(), value.to_owned());
        }
    }
    Ok(read)
}

/// One row change. Begin with `CAUSELOG_CHANGE_INIT`, or one of `causelog_change_insert`,
/// `causelog_change_update`, `causelog_change_delete`.
///
/// Passed to a function, what it points to is only read during the call. Returned by one,
/// it lives as long as the handle it was asked of.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct causelog_change {
    /// The size of this struct: `sizeof(causelog_change)`.
    pub size: usize,
    /// The table's name: 1 to 1024 bytes.
    pub table: causelog_text,
    /// The row within the table; at most 65536 bytes encoded.
    pub row_id: causelog_row_id,
    /// What happens to the row: a `causelog_operation`.
    pub operation: i32,
    /// The row's payload before the change, as its author saw it; never on an insert.
    pub before: causelog_bytes,
    /// The row's payload after the change; never on a delete.
    pub after: causelog_bytes,
    /// Small strings for an audit, at most 65536 bytes in all. Of a key that stands here
    /// twice the last value counts. NULL if there are none.
    pub metadata: *const causelog_metadata,
    /// How many there are.
    pub metadata_count: usize,
}

// SAFETY: `repr(C)`, `size` first, only numbers and pointers.
unsafe impl Versioned for causelog_change {
    const NAME: &'static str = "causelog_change";
}

impl causelog_change {
    fn new(
        table: causelog_text,
        row_id: causelog_row_id,
        operation: causelog_operation,
        before: causelog_bytes,
        after: causelog_bytes,
    ) -> Self {
        causelog_change {
            size: size_of::<Self>(),
            table,
            row_id,
            operation: operation as i32,
            before,
            after,
            metadata: null(),
            metadata_count: 0,
        }
    }

    /// # Safety
    /// Unless it is `NULL`, `change` is a whole struct whose parts are there.
    pub(crate) unsafe fn read(change: *const causelog_change, name: &str) -> Result<Change> {
        // SAFETY: the caller vouches for everything that is read here.
        unsafe {
            let change = versioned(change, name)?;
            let table = change.table.read("change.table")?;
            let row_id = change.row_id.read("change.row_id")?;
            let operation = causelog_operation::read(change.operation, "change.operation")?;
            let before = change.before.read_optional("change.before")?;
            let after = change.after.read_optional("change.after")?;
            let mut read = Change::new(table, row_id, operation, before, after);
            read.metadata = read_metadata(change.metadata, change.metadata_count, "change.metadata")?;
            Ok(read)
        }
    }
}

/// A change of the core, or the like of one, as C sees it. It points to the heap blocks
/// of what it was made of, which must outlive it and stay as it is, but may be moved.
pub(crate) struct ChangeView {
    change: causelog_change,
    row_id: RowIdView,
    metadata: Vec<causelog_metadata>,
}

impl ChangeView {
    pub(crate) fn new(
        table: &str,
        row_id: &RowId,
        operation: ChangeOperation,
        images: (Option<&[u8]>, Option<&[u8]>),
        metadata: &Metadata,
    ) -> Self {
        let row_id = RowIdView::of(row_id);
        let metadata: Vec<_> = metadata
            .iter()
            .map(|(key, value)| causelog_metadata {
                key: causelog_text::of(key),
                value: causelog_text::of(value),
            })
            .collect();
        let operation =
            causelog_operation::of(operation).unwrap_or(causelog_operation::CAUSELOG_OPERATION_NONE);
        let (before, after) = (causelog_bytes::of_optional(images.0), causelog_bytes::of_optional(images.1));
        let mut change =
            causelog_change::new(causelog_text::of(table), *row_id.get(), operation, before, after);
        if !metadata.is_empty() {
            (change.metadata, change.metadata_count) = (metadata.as_ptr(), metadata.len());
        }
        ChangeView { change, row_id, metadata }
    }

    pub(crate) fn of(change: &Change) -> Self {
        let images = (change.before.as_deref(), change.after.as_deref());
        Self::new(&change.table, &change.row_id, change.operation, images, &change.metadata)
    }

    pub(crate) fn get(&self) -> &causelog_change {
        &self.change
    }

    pub(crate) fn row_id(&self) -> *const causelog_row_id {
        from_ref(self.row_id.get())
    }

    pub(crate) fn metadata(&self) -> &[causelog_metadata] {
        &self.metadata
    }
}

/// The row comes into being with the payload `after`. Nothing is copied: the change points to its parts.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_change_insert(
    table: causelog_text,
    row_id: causelog_row_id,
    after: causelog_bytes,
) -> causelog_change {
    let operation = causelog_operation::CAUSELOG_OPERATION_INSERT;
    causelog_change::new(table, row_id, operation, causelog_bytes::NONE, after)
}

/// The row's payload goes from `before` to `after`. Nothing is copied: the change points to its parts.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_change_update(
    table: causelog_text,
    row_id: causelog_row_id,
    before: causelog_bytes,
    after: causelog_bytes,
) -> causelog_change {
    let operation = causelog_operation::CAUSELOG_OPERATION_UPDATE;
    causelog_change::new(table, row_id, operation, before, after)
}

/// The row, whose payload was `before`, ends. Nothing is copied: the change points to its parts.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_change_delete(
    table: causelog_text,
    row_id: causelog_row_id,
    before: causelog_bytes,
) -> causelog_change {
    let operation = causelog_operation::CAUSELOG_OPERATION_DELETE;
    causelog_change::new(table, row_id, operation, before, causelog_bytes::NONE)
}

/// Changes in order, to be appended together. Use it by one thread at a time.
pub struct causelog_changes {
    pub(crate) changes: Vec<Change>,
}

/// A batch without changes. Free it with `causelog_changes_free`.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_changes_new() -> *mut causelog_changes {
    compute(null_mut(), || give(causelog_changes { changes: Vec::new() }))
}

/// Copies one more change into the batch.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` for a change that is malformed, or that no log
/// takes: an empty table name, an insert with a `before`, a delete with an `after`, an
/// empty tuple as row id; with `CAUSELOG_TOO_LARGE` for a table name, row id or metadata
/// beyond its limit. The batch stays as it is then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn causelog_changes_add(
    changes: Option<&mut causelog_changes>,
    change: *const causelog_change,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let changes = required(changes, "changes")?;
        // SAFETY: the caller passes a change whose parts are there during the call.
        let change = unsafe { causelog_change::read(change, "change")? };
        change.validate()?;
        changes.changes.push(change);
        Ok(())
    })
}

/// How many changes the batch has; 0 of NULL.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_changes_count(changes: Option<&causelog_changes>) -> usize {
    read(changes, 0, |changes| changes.changes.len())
}

/// Takes all changes out of the batch, so that it can be filled again.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` when `changes` is NULL.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_changes_clear(
    changes: Option<&mut causelog_changes>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        required(changes, "changes")?.changes.clear();
        Ok(())
    })
}

/// Frees a batch; NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_changes_free(changes: Option<Box<causelog_changes>>) {
    release(changes);
}
