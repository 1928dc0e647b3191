//! The rows of a replica, and what became of them.

use causelog::EffectivePosition;
use napi::Env;
use napi::bindgen_prelude::{Object, ObjectFinalize, Result, Unknown};
use napi_derive::napi;

use crate::error::{Code, thrown};
use crate::input::Argument;
use crate::output::{Bytes, Dot, Fresh, Moment, Nanoseconds};
use crate::replica::{Replica, Work, work};
use crate::row::Row;
use crate::writing::row;

/// A row as a replica has it now. Its fields are decoded when they are asked for.
#[napi(custom_finalize)]
pub struct ReplicaRow {
    row: causelog::ReplicaRow,
    /// Bytes outside the JavaScript heap that V8 was told of on this object's account.
    declared: i64,
}

impl From<causelog::ReplicaRow> for Fresh<ReplicaRow> {
    fn from(row: causelog::ReplicaRow) -> Self {
        let declared = (size_of_val(&row) + row.value.as_ref().map_or(0, Vec::len)) as i64;
        Fresh { object: ReplicaRow { row, declared }, declared }
    }
}

impl ObjectFinalize for ReplicaRow {
    fn finalize(self, env: Env) -> napi::Result<()> {
        env.adjust_external_memory(-self.declared).map(drop)
    }
}

#[napi]
impl ReplicaRow {
    /// The row within its table, as it was given: an integer beyond the safe ones comes as a bigint.
    #[napi(getter, catch_unwind, ts_return_type = "RowId")]
    pub fn row_id(&self) -> Row {
        Row(self.row.row_id.clone())
    }

    /// Its payload, in a `Buffer` of its own; `null` when the entry that decides carries none.
    #[napi(getter, catch_unwind, ts_return_type = "Buffer | null")]
    pub fn value(&self) -> Option<Bytes> {
        self.row.value.clone().map(Bytes)
    }

    /// The dots of the entries that no other has seen, in canonical order: what a conditional write expects.
    #[napi(getter, catch_unwind)]
    pub fn heads(&self) -> Vec<Dot> {
        self.row.heads.iter().copied().map(Dot::from).collect()
    }

    /// Whether the value is final.
    #[napi(getter, catch_unwind, ts_return_type = "RowState")]
    pub fn state(&self) -> &'static str {
        self.row.state.name()
    }
}

/// What became of a row. Its fields are decoded when they are asked for.
#[napi(custom_finalize)]
pub struct EffectiveChange {
    change: causelog::EffectiveChange,
    /// Bytes outside the JavaScript heap that V8 was told of on this object's account.
    declared: i64,
}

impl From<causelog::EffectiveChange> for Fresh<EffectiveChange> {
    fn from(change: causelog::EffectiveChange) -> Self {
        let payload = |payload: &Option<Vec<u8>>| payload.as_ref().map_or(0, Vec::len);
        let declared = (size_of_val(&change) + payload(&change.before) + payload(&change.after)) as i64;
        Fresh { object: EffectiveChange { change, declared }, declared }
    }
}

impl ObjectFinalize for EffectiveChange {
    fn finalize(self, env: Env) -> napi::Result<()> {
        env.adjust_external_memory(-self.declared).map(drop)
    }
}

#[napi]
impl EffectiveChange {
    /// Where somebody goes on who has handled this change and all others of its transaction.
    #[napi(getter, catch_unwind)]
    pub fn position(&self) -> String {
        self.change.position.to_string()
    }

    /// The name of the transaction that did it; `null` if it was a change of rules.
    #[napi(getter, catch_unwind)]
    pub fn transaction(&self) -> Option<Dot> {
        self.change.transaction.map(Dot::from)
    }

    /// When that transaction was made, by its author's clock, rounded down to milliseconds; of a change of rules, that of
    /// the last entry before it.
    #[napi(getter, catch_unwind, ts_return_type = "Date")]
    pub fn timestamp(&self) -> Moment {
        Moment(self.change.timestamp)
    }

    /// The same in nanoseconds since 1970: exact.
    #[napi(getter, catch_unwind, ts_return_type = "bigint")]
    pub fn timestamp_ns(&self) -> Nanoseconds {
        Nanoseconds(self.change.timestamp)
    }

    /// The table's name.
    #[napi(getter, catch_unwind)]
    pub fn table(&self) -> String {
        self.change.table.clone()
    }

    /// The row within the table, as it was given: an integer beyond the safe ones comes as a bigint.
    #[napi(getter, catch_unwind, ts_return_type = "RowId")]
    pub fn row_id(&self) -> Row {
        Row(self.change.row_id.clone())
    }

    /// What happened to the row, whatever the entry that caused it was.
    #[napi(getter, catch_unwind, ts_return_type = "ChangeOperation")]
    pub fn operation(&self) -> &'static str {
        self.change.operation.name()
    }

    /// The row's payload before, in a `Buffer` of its own; `null` if it was not there, or has none.
    #[napi(getter, catch_unwind, ts_return_type = "Buffer | null")]
    pub fn before(&self) -> Option<Bytes> {
        self.change.before.clone().map(Bytes)
    }

    /// The row's payload after, in a `Buffer` of its own; `null` if it is not there, or has none.
    #[napi(getter, catch_unwind, ts_return_type = "Buffer | null")]
    pub fn after(&self) -> Option<Bytes> {
        self.change.after.clone().map(Bytes)
    }
}

/// Part of the effective view.
#[napi(object, object_from_js = false)]
pub struct EffectiveChanges {
    /// The changes, in the order of the log; none if there is nothing new.
    #[napi(ts_type = "Array<EffectiveChange>")]
    pub changes: Vec<Fresh<EffectiveChange>>,
    /// Where to go on.
    pub next: String,
}

impl From<causelog::EffectiveChanges> for EffectiveChanges {
    fn from(found: causelog::EffectiveChanges) -> Self {
        EffectiveChanges {
            changes: found.changes.into_iter().map(Fresh::from).collect(),
            next: found.next.to_string(),
        }
    }
}

type Found = Option<Fresh<ReplicaRow>>;

fn getting(table: Unknown<'_>, row_id: Unknown<'_>) -> causelog::Result<Work<Found>> {
    let (table, row_id) = row(table, row_id)?;
    work(move |replica| Ok(replica.get(&table, row_id)?.map(Fresh::from)))
}

fn all_rows(table: Unknown<'_>) -> causelog::Result<Work<Vec<Fresh<ReplicaRow>>>> {
    let table = Argument::new("table", table).text()?;
    work(move |replica| Ok(replica.rows(&table)?.into_iter().map(Fresh::from).collect()))
}

fn view(since: Unknown<'_>, limit: Unknown<'_>) -> causelog::Result<Work<EffectiveChanges>> {
    let position = |since: &Argument<'_>| -> causelog::Result<EffectivePosition> {
        since.text()?.parse().map_err(|error: causelog::Error| error.context(since))
    };
    let since = Argument::new("since", since).optional(position)?.unwrap_or_default();
    let limit = Argument::new("limit", limit).counter()?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    work(move |replica| replica.effective(since, limit).map(EffectiveChanges::from))
}

#[napi]
impl Replica {
    /// A row as it is now; `null` if it is not there: not yet, or not any more.
    ///
    /// Throws `INVALID_ARGUMENT` for an empty table name, `TRUNCATED` when the entry that carries the value was removed, `CLOSED`,
    /// `CORRUPT` or `IO` when the log cannot be read.
    #[napi(catch_unwind, ts_return_type = "ReplicaRow | null")]
    pub fn get_sync(
        &self,
        #[napi(ts_arg_type = "string")] table: Unknown<'_>,
        #[napi(ts_arg_type = "RowId")] row_id: Unknown<'_>,
    ) -> Result<Option<Fresh<ReplicaRow>>, Code> {
        self.read(getting(table, row_id))
    }

    /// A row as it is now, read off the main thread; otherwise as `getSync`.
    #[napi(
        catch_unwind,
        ts_args_type = "table: string, rowId: RowId",
        ts_return_type = "Promise<ReplicaRow | null>"
    )]
    pub fn get<'env>(
        &self,
        env: &'env Env,
        table: Unknown<'_>,
        row_id: Unknown<'_>,
    ) -> Result<Object<'env>, Code> {
        self.read_later(env, getting(table, row_id))
    }

    /// The dots of a row's heads, in canonical order, whether it is there or deleted; none if it never was. They are what
    /// a conditional write expects.
    ///
    /// Throws `INVALID_ARGUMENT` for an empty table name, `CLOSED`.
    #[napi(catch_unwind)]
    pub fn heads(
        &self,
        #[napi(ts_arg_type = "string")] table: Unknown<'_>,
        #[napi(ts_arg_type = "RowId")] row_id: Unknown<'_>,
    ) -> Result<Vec<Dot>, Code> {
        let (table, row_id) = row(table, row_id).map_err(thrown)?;
        let heads = self.read(work(move |replica| replica.heads(&table, row_id)))?;
        Ok(heads.into_iter().map(Dot::from).collect())
    }

    /// All rows of a table that are there now, ascending by row id.
    ///
    /// It reads the entries of the table once, and holds the rows in memory.
    ///
    /// Throws as `getSync`.
    #[napi(catch_unwind, ts_return_type = "Array<ReplicaRow>")]
    pub fn rows_sync(
        &self,
        #[napi(ts_arg_type = "string")] table: Unknown<'_>,
    ) -> Result<Vec<Fresh<ReplicaRow>>, Code> {
        self.read(all_rows(table))
    }

    /// All rows of a table that are there now, read off the main thread; otherwise as `rowsSync`.
    #[napi(catch_unwind, ts_args_type = "table: string", ts_return_type = "Promise<Array<ReplicaRow>>")]
    pub fn rows<'env>(&self, env: &'env Env, table: Unknown<'_>) -> Result<Object<'env>, Code> {
        self.read_later(env, all_rows(table))
    }

    /// What the rows became, in the order of the log, after the position `since`, or from the beginning, `'0.0'`: of each
    /// transaction at most one change for a row, from what the row was to what it is, and none where that is the same. A
    /// conflict shows as what the row became, also where no single entry carries that; an entry that lost does not show at all.
    ///
    /// Ends after a whole transaction, once there are `limit` changes. Whoever keeps the position together with what was
    /// made of the changes gets each exactly once. What is shown is durable.
    ///
    /// ```js
    /// let { changes, next } = replica.effectiveSync('0.0', 100);
    /// for (const change of changes) console.log(change.operation, change.rowId, change.afterJson());
    /// ({ changes, next } = replica.effectiveSync(next, 100));
    /// ```
    ///
    /// Throws `INVALID_ARGUMENT` for a position that this replica never gave; `IO` when it cannot be made durable; otherwise as `getSync`.
    #[napi(catch_unwind, ts_args_type = "since: string | null | undefined, limit: number")]
    pub fn effective_sync(&self, since: Unknown<'_>, limit: Unknown<'_>) -> Result<EffectiveChanges, Code> {
        self.read(view(since, limit))
    }

    /// What the rows became, read off the main thread; otherwise as `effectiveSync`.
    #[napi(
        catch_unwind,
        ts_args_type = "since: string | null | undefined, limit: number",
        ts_return_type = "Promise<EffectiveChanges>"
    )]
    pub fn effective<'env>(
        &self,
        env: &'env Env,
        since: Unknown<'_>,
        limit: Unknown<'_>,
    ) -> Result<Object<'env>, Code> {
        self.read_later(env, view(since, limit))
    }
}
