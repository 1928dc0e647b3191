use std::mem::{MaybeUninit, size_of};
use std::ptr::{null, null_mut};

use causelog_core::{Result, Write};

use crate::change::{causelog_changes, causelog_metadata, read_metadata};
use crate::enumeration::causelog_operation;
use crate::error::causelog_error;
use crate::guard::{compute, guard, read};
use crate::handle::{give, release};
use crate::identity::causelog_dots;
use crate::input::{Versioned, required, slice, versioned, write_if_wanted};
use crate::log::causelog_appended;
use crate::replica::causelog_replica;
use crate::row_id::causelog_row_id;
use crate::status::causelog_status;
use crate::text::{causelog_bytes, causelog_text};
use crate::transaction::causelog_transaction;

/// One change of a row to be written, and what its writer takes the row to be. Begin with
/// `CAUSELOG_WRITE_INIT`, or one of `causelog_write_insert`, `causelog_write_update`,
/// `causelog_write_delete`. What it points to is only read during the call.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct causelog_write {
    /// The size of this struct: `sizeof(causelog_write)`.
    pub size: usize,
    /// The table's name.
    pub table: causelog_text,
    /// The row within the table.
    pub row_id: causelog_row_id,
    /// What happens to the row: a `causelog_operation`.
    pub operation: i32,
    /// The row's payload after it; never on a delete.
    pub after: causelog_bytes,
    /// The dots of the heads that the writer has read, in any order: the write is refused when the row
    /// has others by now. No dots, but not NULL, expect a row that never was. NULL expects nothing.
    pub expected: causelog_dots,
    /// Small strings for an audit: who, why. Of a key that stands here twice the last value counts.
    /// NULL if there are none.
    pub metadata: *const causelog_metadata,
    /// How many there are.
    pub metadata_count: usize,
}

// SAFETY: `repr(C)`, `size` first, only numbers and pointers.
unsafe impl Versioned for causelog_write {
    const NAME: &'static str = "causelog_write";
}

impl causelog_write {
    fn new(
        table: causelog_text,
        row_id: causelog_row_id,
        operation: causelog_operation,
        after: causelog_bytes,
    ) -> Self {
        causelog_write {
            size: size_of::<Self>(),
            table,
            row_id,
            operation: operation as i32,
            after,
            expected: causelog_dots::NONE,
            metadata: null(),
            metadata_count: 0,
        }
    }

    /// # Safety
    /// Unless it is `NULL`, `write` is a whole struct whose parts are there.
    unsafe fn read(write: *const causelog_write) -> Result<Write> {
        // SAFETY: the caller vouches for everything that is read here.
        unsafe {
            let write = versioned(write, "write")?;
            let table = write.table.read("write.table")?;
            let row_id = write.row_id.read("write.row_id")?;
            let operation = causelog_operation::read(write.operation, "write.operation")?;
            let mut read = Write::new(table, row_id, operation, write.after.read_optional("write.after")?);
            read.expected = write.expected.read_optional("write.expected")?;
            read.metadata = read_metadata(write.metadata, write.metadata_count, "write.metadata")?;
            Ok(read)
        }
    }
}

/// The row comes into being with the payload `after`. Nothing is copied: the write points to its parts.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_write_insert(
    table: causelog_text,
    row_id: causelog_row_id,
    after: causelog_bytes,
) -> causelog_write {
    causelog_write::new(table, row_id, causelog_operation::CAUSELOG_OPERATION_INSERT, after)
}

/// The row takes the payload `after`. Nothing is copied: the write points to its parts.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_write_update(
    table: causelog_text,
    row_id: causelog_row_id,
    after: causelog_bytes,
) -> causelog_write {
    causelog_write::new(table, row_id, causelog_operation::CAUSELOG_OPERATION_UPDATE, after)
}

/// The row ends. Nothing is copied: the write points to its parts.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_write_delete(table: causelog_text, row_id: causelog_row_id) -> causelog_write {
    let operation = causelog_operation::CAUSELOG_OPERATION_DELETE;
    causelog_write::new(table, row_id, operation, causelog_bytes::NONE)
}

/// Writes in order, to be written together. Use it by one thread at a time.
pub struct causelog_writes {
    writes: Vec<Write>,
}

/// A batch without writes. Free it with `causelog_writes_free`.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_writes_new() -> *mut causelog_writes {
    compute(null_mut(), || give(causelog_writes { writes: Vec::new() }))
}

/// Copies one more write into the batch.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` for a write that is malformed. The batch stays as it is then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn causelog_writes_add(
    writes: Option<&mut causelog_writes>,
    write: *const causelog_write,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let writes = required(writes, "writes")?;
        // SAFETY: the caller passes a write whose parts are there during the call.
        writes.writes.push(unsafe { causelog_write::read(write)? });
        Ok(())
    })
}

/// How many writes the batch has; 0 of NULL.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_writes_count(writes: Option<&causelog_writes>) -> usize {
    read(writes, 0, |writes| writes.writes.len())
}

/// Takes all writes out of the batch, so that it can be filled again.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` when `writes` is NULL.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_writes_clear(
    writes: Option<&mut causelog_writes>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        required(writes, "writes")?.writes.clear();
        Ok(())
    })
}

/// Frees a batch; NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_writes_free(writes: Option<Box<causelog_writes>>) {
    release(writes);
}

/// The row comes into being with the payload `after`. `appended` may be NULL.
///
/// Fails with `CAUSELOG_ALREADY_EXISTS` when it is there; otherwise as `causelog_replica_write` does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn causelog_replica_insert(
    replica: Option<&causelog_replica>,
    table: causelog_text,
    row_id: causelog_row_id,
    after: causelog_bytes,
    appended: Option<&mut MaybeUninit<causelog_appended>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let replica = required(replica, "replica")?;
        // SAFETY: the caller passes parts that are there during the call.
        let (table, row_id, after) =
            unsafe { (table.read("table")?, row_id.read("row_id")?, after.read_optional("after")?) };
        let after = required(after, "after")?;
        write_if_wanted(appended, replica.replica.insert(table, row_id, after)?.into());
        Ok(())
    })
}

/// The row takes the payload `after`. `appended` may be NULL.
///
/// Fails with `CAUSELOG_NOT_FOUND` when it is not there; otherwise as `causelog_replica_write` does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn causelog_replica_update(
    replica: Option<&causelog_replica>,
    table: causelog_text,
    row_id: causelog_row_id,
    after: causelog_bytes,
    appended: Option<&mut MaybeUninit<causelog_appended>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let replica = required(replica, "replica")?;
        // SAFETY: the caller passes parts that are there during the call.
        let (table, row_id, after) =
            unsafe { (table.read("table")?, row_id.read("row_id")?, after.read_optional("after")?) };
        let after = required(after, "after")?;
        write_if_wanted(appended, replica.replica.update(table, row_id, after)?.into());
        Ok(())
    })
}

/// The row ends. `appended` may be NULL.
///
/// Fails with `CAUSELOG_NOT_FOUND` when it is not there; otherwise as `causelog_replica_write` does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn causelog_replica_delete(
    replica: Option<&causelog_replica>,
    table: causelog_text,
    row_id: causelog_row_id,
    appended: Option<&mut MaybeUninit<causelog_appended>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let replica = required(replica, "replica")?;
        // SAFETY: the caller passes parts that are there during the call.
        let (table, row_id) = unsafe { (table.read("table")?, row_id.read("row_id")?) };
        write_if_wanted(appended, replica.replica.delete(table, row_id)?.into());
        Ok(())
    })
}

/// Writes changes of this node together: all of them, or none. Each is held against the row as it is,
/// whose payload becomes the change's `before`. A later one sees what those before it have done.
/// `appended` may be NULL. The batch stays as it is.
///
/// A write covers all heads of its row, and so ends a conflict about it.
///
/// Fails with `CAUSELOG_ALREADY_EXISTS` for an insert of a row that is there, `CAUSELOG_NOT_FOUND` for
/// any other change of one that is not; `CAUSELOG_VERSION_MISMATCH` when a row has not the expected
/// heads, or waits in the inbox and none are expected; `CAUSELOG_UNRESOLVED` when it waits for a
/// resolver and none are expected; `CAUSELOG_INVALID_ARGUMENT` for an insert or
/// update without a payload, for a payload that is no JSON object where fields are merged, and for an
/// update without expected heads where some field is a counter, because a value that was read before
/// would undo what has been added since: use `causelog_replica_patch` or `causelog_replica_increment`.
/// `CAUSELOG_RESOLVER_FAILED` within a resolver. Otherwise as `causelog_log_append_transaction` does.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_replica_write(
    replica: Option<&causelog_replica>,
    writes: Option<&causelog_writes>,
    appended: Option<&mut MaybeUninit<causelog_appended>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let (replica, writes) = (required(replica, "replica")?, required(writes, "writes")?);
        write_if_wanted(appended, replica.replica.write(writes.writes.iter().cloned())?.into());
        Ok(())
    })
}

/// Records changes of this node as they are, together: for a program whose rows live elsewhere and that
/// only tells what happened to them. They are not held against what the replica takes the rows to be.
/// `appended` may be NULL. The batch stays as it is.
///
/// Without changes this writes a merge: a transaction that only says what has been seen.
///
/// Fails with `CAUSELOG_VERSION_MISMATCH` for a row that waits in the inbox, `CAUSELOG_UNRESOLVED` for
/// one that waits for a resolver, `CAUSELOG_RESOLVER_FAILED` within a resolver; otherwise as
/// `causelog_log_append_transaction` does.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_replica_append(
    replica: Option<&causelog_replica>,
    changes: Option<&causelog_changes>,
    appended: Option<&mut MaybeUninit<causelog_appended>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let (replica, changes) = (required(replica, "replica")?, required(changes, "changes")?);
        write_if_wanted(appended, replica.replica.append(&changes.changes)?.into());
        Ok(())
    })
}

/// Sets fields of a row that is a JSON object, and removes others, `remove_count` names at `remove`,
/// from the value that it has at that moment. `fields` is a JSON object; `null` is a value. `remove`
/// may be NULL if `remove_count` is 0, and `appended` too.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` when `fields` or the row is no JSON object,
/// `CAUSELOG_NOT_FOUND` when the row is not there, `CAUSELOG_UNRESOLVED` when its value waits for a
/// resolver; otherwise as `causelog_replica_write` does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn causelog_replica_patch(
    replica: Option<&causelog_replica>,
    table: causelog_text,
    row_id: causelog_row_id,
    fields: causelog_bytes,
    remove: *const causelog_text,
    remove_count: usize,
    appended: Option<&mut MaybeUninit<causelog_appended>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let replica = required(replica, "replica")?;
        // SAFETY: the caller passes parts that are there during the call.
        let (table, row_id, fields, remove) = unsafe {
            let remove = slice(remove, remove_count, "remove")?.iter();
            let remove = remove.map(|name| name.read("an element of remove")).collect::<Result<Vec<_>>>()?;
            (table.read("table")?, row_id.read("row_id")?, fields.read("fields")?, remove)
        };
        write_if_wanted(appended, replica.replica.patch(table, row_id, fields, &remove)?.into());
        Ok(())
    })
}

/// Adds `by` to an integer field of a row that is a JSON object, from the value that it has at that
/// moment. A field that is not there counts as 0. `appended` may be NULL.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` when the row is no JSON object or the field no 64-bit integer,
/// `CAUSELOG_TOO_LARGE` when the sum leaves the range of one, `CAUSELOG_NOT_FOUND` when the row is not
/// there, `CAUSELOG_UNRESOLVED` when its value waits for a resolver; otherwise as
/// `causelog_replica_write` does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn causelog_replica_increment(
    replica: Option<&causelog_replica>,
    table: causelog_text,
    row_id: causelog_row_id,
    field: causelog_text,
    by: i64,
    appended: Option<&mut MaybeUninit<causelog_appended>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let replica = required(replica, "replica")?;
        // SAFETY: the caller passes parts that are there during the call.
        let (table, row_id, field) =
            unsafe { (table.read("table")?, row_id.read("row_id")?, field.read("field")?) };
        write_if_wanted(appended, replica.replica.increment(table, row_id, field, by)?.into());
        Ok(())
    })
}

/// Takes in a transaction of another node, or of this one as another replica has it: writes it to the
/// log, whoever wins, and judges what it does to its rows. One that is here already is recognised by its
/// dot and changes nothing. `appended` may be NULL.
///
/// Fails as `causelog_log_append_remote` does. A resolver of the program that fails is no error here:
/// the entries are kept, and their conflict goes to the inbox. `CAUSELOG_RESOLVER_FAILED` only within a
/// resolver.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_replica_apply(
    replica: Option<&causelog_replica>,
    transaction: Option<&causelog_transaction>,
    appended: Option<&mut MaybeUninit<causelog_appended>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let (replica, transaction) = (required(replica, "replica")?, required(transaction, "transaction")?);
        write_if_wanted(appended, replica.replica.apply(transaction.get())?.into());
        Ok(())
    })
}
