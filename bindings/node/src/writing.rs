//! Writing to a replica.

use causelog::{RowId, Write};
use napi::Env;
use napi::bindgen_prelude::{Object, Result, Unknown};
use napi_derive::napi;

use crate::error::Code;
use crate::input::Argument;
use crate::log::Appended;
use crate::replica::{Replica, Work, work};

type Appending = causelog::Result<Work<Appended>>;

impl Argument<'_> {
    /// A write whose payload is bytes already: an object, or an array of its fields in this order.
    fn write(&self) -> causelog::Result<Write> {
        let fields = self.fields()?;
        let mut write = Write::new(
            fields.get(0, "table")?.text()?,
            fields.get(1, "rowId")?.row_id()?,
            fields.get(2, "operation")?.operation()?,
            fields.get(3, "after")?.optional(Argument::bytes)?,
        );
        write.expected = fields.get(4, "expected")?.optional(Argument::heads)?;
        write.metadata = fields.get(5, "metadata")?.optional(Argument::metadata)?.unwrap_or_default();
        Ok(write)
    }

    /// The dots of heads.
    pub(crate) fn heads(&self) -> causelog::Result<Vec<causelog::Dot>> {
        self.list("an array of dots", Argument::dot)
    }
}

/// The names of a table and of a row in it.
pub(crate) fn row(table: Unknown<'_>, row_id: Unknown<'_>) -> causelog::Result<(String, RowId)> {
    Ok((Argument::new("table", table).text()?, Argument::new("rowId", row_id).row_id()?))
}

fn whole(after: Unknown<'_>) -> causelog::Result<Vec<u8>> {
    Argument::new("after", after).bytes()
}

fn inserting(table: Unknown<'_>, row_id: Unknown<'_>, after: Unknown<'_>) -> Appending {
    let ((table, row_id), after) = (row(table, row_id)?, whole(after)?);
    work(move |replica| replica.insert(&table, row_id, after).map(Appended::from))
}

fn updating(table: Unknown<'_>, row_id: Unknown<'_>, after: Unknown<'_>) -> Appending {
    let ((table, row_id), after) = (row(table, row_id)?, whole(after)?);
    work(move |replica| replica.update(&table, row_id, after).map(Appended::from))
}

fn deleting(table: Unknown<'_>, row_id: Unknown<'_>) -> Appending {
    let (table, row_id) = row(table, row_id)?;
    work(move |replica| replica.delete(&table, row_id).map(Appended::from))
}

fn writing(writes: Unknown<'_>) -> Appending {
    let writes = Argument::new("writes", writes).list("an array of writes", Argument::write)?;
    work(move |replica| replica.write(writes).map(Appended::from))
}

fn appending(changes: Unknown<'_>) -> Appending {
    let changes = Argument::new("changes", changes).changes()?;
    work(move |replica| replica.append(changes).map(Appended::from))
}

fn patching(table: Unknown<'_>, row_id: Unknown<'_>, fields: Unknown<'_>, remove: Unknown<'_>) -> Appending {
    let (table, row_id) = row(table, row_id)?;
    let fields = Argument::new("fields", fields).bytes()?;
    let remove = Argument::new("remove", remove);
    let remove = remove.optional(|remove| remove.list("an array of strings", Argument::text))?;
    work(move |replica| {
        let remove = remove.unwrap_or_default();
        let remove: Vec<&str> = remove.iter().map(String::as_str).collect();
        replica.patch(&table, row_id, fields, &remove).map(Appended::from)
    })
}

fn incrementing(table: Unknown<'_>, row_id: Unknown<'_>, field: Unknown<'_>, by: Unknown<'_>) -> Appending {
    let (table, row_id) = row(table, row_id)?;
    let field = Argument::new("field", field).text()?;
    let by = Argument::new("by", by).signed()?;
    work(move |replica| replica.increment(&table, row_id, &field, by).map(Appended::from))
}

fn applying(transaction: Unknown<'_>) -> Appending {
    let transaction = Argument::new("transaction", transaction).transaction()?;
    work(move |replica| replica.apply(&transaction).map(Appended::from))
}

#[napi]
impl Replica {
    /// The row comes into being.
    ///
    /// Throws `ALREADY_EXISTS` when it is there; otherwise as `writeSync`.
    #[napi(catch_unwind)]
    pub fn insert_sync(
        &self,
        #[napi(ts_arg_type = "string")] table: Unknown<'_>,
        #[napi(ts_arg_type = "RowId")] row_id: Unknown<'_>,
        #[napi(ts_arg_type = "Payload")] after: Unknown<'_>,
    ) -> Result<Appended, Code> {
        self.write(inserting(table, row_id, after))
    }

    /// The row comes into being, off the main thread; otherwise as `insertSync`.
    #[napi(
        catch_unwind,
        ts_args_type = "table: string, rowId: RowId, after: Payload",
        ts_return_type = "Promise<Appended>"
    )]
    pub fn insert<'env>(
        &self,
        env: &'env Env,
        table: Unknown<'_>,
        row_id: Unknown<'_>,
        after: Unknown<'_>,
    ) -> Result<Object<'env>, Code> {
        self.write_later(env, inserting(table, row_id, after))
    }

    /// The row takes another value.
    ///
    /// Throws `NOT_FOUND` when it is not there; otherwise as `writeSync`.
    #[napi(catch_unwind)]
    pub fn update_sync(
        &self,
        #[napi(ts_arg_type = "string")] table: Unknown<'_>,
        #[napi(ts_arg_type = "RowId")] row_id: Unknown<'_>,
        #[napi(ts_arg_type = "Payload")] after: Unknown<'_>,
    ) -> Result<Appended, Code> {
        self.write(updating(table, row_id, after))
    }

    /// The row takes another value, off the main thread; otherwise as `updateSync`.
    #[napi(
        catch_unwind,
        ts_args_type = "table: string, rowId: RowId, after: Payload",
        ts_return_type = "Promise<Appended>"
    )]
    pub fn update<'env>(
        &self,
        env: &'env Env,
        table: Unknown<'_>,
        row_id: Unknown<'_>,
        after: Unknown<'_>,
    ) -> Result<Object<'env>, Code> {
        self.write_later(env, updating(table, row_id, after))
    }

    /// The row ends.
    ///
    /// Throws `NOT_FOUND` when it is not there; otherwise as `writeSync`.
    #[napi(catch_unwind)]
    pub fn delete_sync(
        &self,
        #[napi(ts_arg_type = "string")] table: Unknown<'_>,
        #[napi(ts_arg_type = "RowId")] row_id: Unknown<'_>,
    ) -> Result<Appended, Code> {
        self.write(deleting(table, row_id))
    }

    /// The row ends, off the main thread; otherwise as `deleteSync`.
    #[napi(catch_unwind, ts_args_type = "table: string, rowId: RowId", ts_return_type = "Promise<Appended>")]
    pub fn delete<'env>(
        &self,
        env: &'env Env,
        table: Unknown<'_>,
        row_id: Unknown<'_>,
    ) -> Result<Object<'env>, Code> {
        self.write_later(env, deleting(table, row_id))
    }

    /// Writes changes of this node together: all of them, or none. Each is held against the row as it is, whose payload
    /// becomes the change's `before`. A later one sees what those before it have done.
    ///
    /// A write covers all heads of its row, and so ends a conflict about it.
    ///
    /// Throws `ALREADY_EXISTS` for an insert of a row that is there, `NOT_FOUND` for any other change of one that is not;
    /// `VERSION_MISMATCH` when a row has not the expected heads, or waits in the inbox and none are expected; `UNRESOLVED` when it waits
    /// for a resolver and none are expected; `INVALID_ARGUMENT` for a payload that is no JSON object where fields are
    /// merged, and for an update without expected heads where some field is a counter, because a value that was read before
    /// would undo what has been added since: use `patch` or `increment`. `RESOLVER_FAILED` within a resolver. Otherwise as
    /// `ChangeLog.appendTransactionSync`.
    #[napi(catch_unwind)]
    pub fn write_sync(
        &self,
        #[napi(ts_arg_type = "ReadonlyArray<Write>")] writes: Unknown<'_>,
    ) -> Result<Appended, Code> {
        self.write(writing(writes))
    }

    /// Writes changes of this node together off the main thread; otherwise as `writeSync`.
    #[napi(
        catch_unwind,
        js_name = "write",
        ts_args_type = "writes: ReadonlyArray<Write>",
        ts_return_type = "Promise<Appended>"
    )]
    pub fn write_promise<'env>(&self, env: &'env Env, writes: Unknown<'_>) -> Result<Object<'env>, Code> {
        self.write_later(env, writing(writes))
    }

    /// Records changes of this node as they are, together: for an application whose rows live elsewhere and that only tells
    /// what happened to them. They are not held against what the replica takes the rows to be.
    ///
    /// Without changes this writes a merge: a transaction that only says what has been seen.
    ///
    /// Throws `VERSION_MISMATCH` for a row that waits in the inbox, `UNRESOLVED` for one that waits for a resolver, `RESOLVER_FAILED` within a
    /// resolver; otherwise as `ChangeLog.appendTransactionSync`.
    #[napi(catch_unwind)]
    pub fn append_sync(
        &self,
        #[napi(ts_arg_type = "ReadonlyArray<Change>")] changes: Unknown<'_>,
    ) -> Result<Appended, Code> {
        self.write(appending(changes))
    }

    /// Records changes of this node as they are off the main thread; otherwise as `appendSync`.
    #[napi(
        catch_unwind,
        ts_args_type = "changes: ReadonlyArray<Change>",
        ts_return_type = "Promise<Appended>"
    )]
    pub fn append<'env>(&self, env: &'env Env, changes: Unknown<'_>) -> Result<Object<'env>, Code> {
        self.write_later(env, appending(changes))
    }

    /// Sets fields of a row that is a JSON object, and removes others, from the value that it has at that moment. In `fields`
    /// `null` is a value.
    ///
    /// ```js
    /// replica.insertSync('orders', 42, { qty: 1, note: 'x' });
    /// replica.patchSync('orders', 42, { status: 'paid' }, ['note']);
    /// replica.getSync('orders', 42).valueJson(); // { qty: 1, status: 'paid' }
    /// ```
    ///
    /// Throws `INVALID_ARGUMENT` when `fields` or the row is no JSON object, `NOT_FOUND` when the row is not there, `UNRESOLVED` when its
    /// value waits for a resolver; otherwise as `writeSync`.
    #[napi(
        catch_unwind,
        ts_args_type = "table: string, rowId: RowId, fields: object, remove?: ReadonlyArray<string> | null"
    )]
    pub fn patch_sync(
        &self,
        table: Unknown<'_>,
        row_id: Unknown<'_>,
        fields: Unknown<'_>,
        remove: Unknown<'_>,
    ) -> Result<Appended, Code> {
        self.write(patching(table, row_id, fields, remove))
    }

    /// Sets and removes fields of a row off the main thread; otherwise as `patchSync`.
    #[napi(
        catch_unwind,
        ts_args_type = "table: string, rowId: RowId, fields: object, remove?: ReadonlyArray<string> | null",
        ts_return_type = "Promise<Appended>"
    )]
    pub fn patch<'env>(
        &self,
        env: &'env Env,
        table: Unknown<'_>,
        row_id: Unknown<'_>,
        fields: Unknown<'_>,
        remove: Unknown<'_>,
    ) -> Result<Object<'env>, Code> {
        self.write_later(env, patching(table, row_id, fields, remove))
    }

    /// Adds to an integer field of a row that is a JSON object, from the value that it has at that moment. A field that is
    /// not there counts as 0.
    ///
    /// Throws `INVALID_ARGUMENT` when the row is no JSON object or the field no 64-bit integer, `TOO_LARGE` when the sum leaves the
    /// range of one, `NOT_FOUND` when the row is not there, `UNRESOLVED` when its value waits for a resolver; otherwise as `writeSync`.
    #[napi(catch_unwind)]
    pub fn increment_sync(
        &self,
        #[napi(ts_arg_type = "string")] table: Unknown<'_>,
        #[napi(ts_arg_type = "RowId")] row_id: Unknown<'_>,
        #[napi(ts_arg_type = "string")] field: Unknown<'_>,
        #[napi(ts_arg_type = "bigint | number")] by: Unknown<'_>,
    ) -> Result<Appended, Code> {
        self.write(incrementing(table, row_id, field, by))
    }

    /// Adds to an integer field of a row off the main thread; otherwise as `incrementSync`.
    #[napi(
        catch_unwind,
        ts_args_type = "table: string, rowId: RowId, field: string, by: bigint | number",
        ts_return_type = "Promise<Appended>"
    )]
    pub fn increment<'env>(
        &self,
        env: &'env Env,
        table: Unknown<'_>,
        row_id: Unknown<'_>,
        field: Unknown<'_>,
        by: Unknown<'_>,
    ) -> Result<Object<'env>, Code> {
        self.write_later(env, incrementing(table, row_id, field, by))
    }

    /// Takes in a transaction of another node, or of this one as another replica has it: writes it to the log, whoever wins,
    /// and judges what it does to its rows. One that is here already is recognised by its dot and changes nothing.
    ///
    /// Throws as `ChangeLog.appendRemoteSync`. A resolver of the application that fails is no error here: the entries are kept,
    /// and their conflict goes to the inbox.
    #[napi(catch_unwind)]
    pub fn apply_sync(
        &self,
        #[napi(ts_arg_type = "TransactionInput")] transaction: Unknown<'_>,
    ) -> Result<Appended, Code> {
        self.write(applying(transaction))
    }

    /// Takes in a transaction off the main thread; otherwise as `applySync`.
    #[napi(
        catch_unwind,
        ts_args_type = "transaction: TransactionInput",
        ts_return_type = "Promise<Appended>"
    )]
    pub fn apply<'env>(&self, env: &'env Env, transaction: Unknown<'_>) -> Result<Object<'env>, Code> {
        self.write_later(env, applying(transaction))
    }
}
