//! How rows stood at some moment.

use std::sync::Arc;
use std::vec;

use causelog::Moment as At;
use napi::Env;
use napi::bindgen_prelude::{AsyncTask, External, ObjectFinalize, Result, Unknown};
use napi_derive::napi;

use crate::cursor::Cursor;
use crate::error::{Code, thrown};
use crate::input::Argument;
use crate::log::ChangeLog;
use crate::output::{Bytes, Count, Dot, Fresh, Moment, Nanoseconds};
use crate::row;
use crate::task::{Background, background};

/// A row as it stood at some moment. Its fields are decoded when they are asked for.
#[napi]
pub struct Row {
    row: Arc<causelog::Row>,
}

impl From<Arc<causelog::Row>> for Row {
    fn from(row: Arc<causelog::Row>) -> Self {
        Row { row }
    }
}

#[napi]
impl Row {
    /// The row within its table, as it was given: an integer beyond the safe ones comes as a bigint.
    #[napi(getter, catch_unwind, ts_return_type = "RowId")]
    pub fn row_id(&self) -> row::Row {
        row::Row(self.row.row_id.clone())
    }

    /// Its payload, the `after` of the entry that made it so, in a `Buffer` of its own; `null` when that entry carries none.
    #[napi(getter, catch_unwind, ts_return_type = "Buffer | null")]
    pub fn value(&self) -> Option<Bytes> {
        self.row.value.clone().map(Bytes)
    }

    /// LSN of the entry that made it so.
    #[napi(getter, catch_unwind)]
    pub fn lsn(&self) -> u64 {
        self.row.lsn
    }

    /// When that entry was made, by its author's clock, rounded down to milliseconds.
    #[napi(getter, catch_unwind, ts_return_type = "Date")]
    pub fn timestamp(&self) -> Moment {
        Moment(self.row.timestamp)
    }

    /// When that entry was made, in nanoseconds since 1970: exact.
    #[napi(getter, catch_unwind, ts_return_type = "bigint")]
    pub fn timestamp_ns(&self) -> Nanoseconds {
        Nanoseconds(self.row.timestamp)
    }

    /// The identity of that entry: its node and sequence.
    #[napi(getter, catch_unwind)]
    pub fn dot(&self) -> Dot {
        self.row.dot.into()
    }
}

/// All rows of a table as they stood at one moment, in memory: as a `Map` that cannot be changed, from
/// row ids to rows, ascending by row id. Nothing that is appended later changes it.
///
/// ```js
/// const then = log.snapshotSync('orders', 3n);
/// for (const [rowId, row] of then) console.log(rowId, row.valueJson());
/// ```
#[napi(custom_finalize)]
pub struct Snapshot {
    snapshot: causelog::Snapshot,
    /// Bytes outside the JavaScript heap that V8 was told of on this object's account.
    declared: i64,
}

impl Snapshot {
    pub(crate) fn fresh(snapshot: causelog::Snapshot, declared: i64) -> Fresh<Self> {
        Fresh { object: Snapshot { snapshot, declared }, declared }
    }
}

impl From<causelog::Snapshot> for Fresh<Snapshot> {
    fn from(snapshot: causelog::Snapshot) -> Self {
        let declared = weight(&snapshot);
        Snapshot::fresh(snapshot, declared)
    }
}

impl ObjectFinalize for Snapshot {
    fn finalize(self, env: Env) -> napi::Result<()> {
        env.adjust_external_memory(-self.declared).map(drop)
    }
}

/// Bytes that the rows of a snapshot take, roughly.
pub(crate) fn weight(snapshot: &causelog::Snapshot) -> i64 {
    let row = |row: &Arc<causelog::Row>| size_of_val(&**row) + row.value.as_ref().map_or(0, Vec::len);
    snapshot.iter().map(row).sum::<usize>() as i64
}

#[napi]
impl Snapshot {
    /// The table's name.
    #[napi(getter, catch_unwind)]
    pub fn table(&self) -> String {
        self.snapshot.table().to_owned()
    }

    /// Up to and including which LSN the log was read: the one that was asked for; for any
    /// other moment the last one that there was.
    #[napi(getter, catch_unwind)]
    pub fn lsn(&self) -> u64 {
        self.snapshot.lsn()
    }

    /// How many rows there were.
    #[napi(getter, catch_unwind, ts_return_type = "number")]
    pub fn size(&self) -> Count {
        Count(self.snapshot.len() as u64)
    }

    /// The row with this id; `null` if it was not there.
    ///
    /// Throws `INVALID_ARGUMENT` for a value that is no row id.
    #[napi(catch_unwind)]
    pub fn get(&self, #[napi(ts_arg_type = "RowId")] row_id: Unknown<'_>) -> Result<Option<Row>, Code> {
        let row_id = Argument::new("rowId", row_id).row_id().map_err(thrown)?;
        Ok(self.snapshot.get(&row_id).cloned().map(Row::from))
    }

    /// Whether a row with this id was there.
    ///
    /// Throws `INVALID_ARGUMENT` for a value that is no row id.
    #[napi(catch_unwind)]
    pub fn has(&self, #[napi(ts_arg_type = "RowId")] row_id: Unknown<'_>) -> Result<bool, Code> {
        let row_id = Argument::new("rowId", row_id).row_id().map_err(thrown)?;
        Ok(self.snapshot.get(&row_id).is_some())
    }

    /// All rows, for `nextRows`.
    #[napi(catch_unwind, skip_typescript)]
    pub fn rows(&self) -> External<RowReader> {
        RowReader::new(self.snapshot.iter().cloned().collect())
    }

    /// The next rows, none at the end: what `index.js` iterates over.
    #[napi(catch_unwind, skip_typescript)]
    pub fn next_rows(&self, reader: &mut External<RowReader>) -> Vec<Row> {
        reader.batch()
    }
}

/// A crossing to JavaScript is paid once for so many rows.
const BATCH_ROWS: usize = 256;

/// Rows that are still to be handed out: pointers to them, of which JavaScript gets a batch at a time.
pub struct RowReader(vec::IntoIter<Arc<causelog::Row>>);

impl RowReader {
    pub(crate) fn new(rows: Vec<Arc<causelog::Row>>) -> External<Self> {
        External::new(RowReader(rows.into_iter()))
    }

    pub(crate) fn batch(&mut self) -> Vec<Row> {
        self.0.by_ref().take(BATCH_ROWS).map(Row::from).collect()
    }
}

/// The name of a table, a row in it and a moment, as they come from JavaScript.
fn asked(
    table: Unknown<'_>,
    row_id: Unknown<'_>,
    at: Unknown<'_>,
) -> causelog::Result<(String, causelog::RowId, At)> {
    let (table, at) = table_at(table, at)?;
    Ok((table, Argument::new("rowId", row_id).row_id()?, at))
}

fn table_at(table: Unknown<'_>, at: Unknown<'_>) -> causelog::Result<(String, At)> {
    Ok((Argument::new("table", table).text()?, Argument::new("at", at).at()?))
}

fn state(row: Option<causelog::Row>) -> Option<Row> {
    row.map(|row| Arc::new(row).into())
}

#[napi]
impl ChangeLog {
    /// Every entry of one row, oldest first, whatever its verdict.
    ///
    /// Throws `INVALID_ARGUMENT` for an empty table name, `TRUNCATED` when the log's first entries were removed
    /// (`query` with `since` reads the rest), `CLOSED`. What reading finds damaged is thrown by the cursor.
    #[napi(catch_unwind)]
    pub fn history(
        &self,
        #[napi(ts_arg_type = "string")] table: Unknown<'_>,
        #[napi(ts_arg_type = "RowId")] row_id: Unknown<'_>,
    ) -> Result<Cursor, Code> {
        let table = Argument::new("table", table).text().map_err(thrown)?;
        let row_id = Argument::new("rowId", row_id).row_id().map_err(thrown)?;
        self.log.history(&table, row_id).map(Cursor::from).map_err(thrown)
    }

    /// How one row stood at a moment, now unless told otherwise; `null` if it was not there: not yet, or not any more.
    ///
    /// A row is what its entries made of it in log order. An entry with the verdict `'applied'`,
    /// or with none, sets it, or removes it if it is a delete; a `'superseded'` one leaves it as
    /// it was; a `'merged'` one sets it to the entry's own `after`. The merged value itself is
    /// carried by no single entry: a log does not know it, a replica does.
    ///
    /// Throws `INVALID_ARGUMENT` for an empty table name or an LSN beyond the last entry, `TRUNCATED` when
    /// what decides it was removed, `CLOSED`, `CORRUPT` or `IO` when the log cannot be read.
    #[napi(
        catch_unwind,
        ts_args_type = "table: string, rowId: RowId, at?: Moment | null",
        ts_return_type = "Row | null"
    )]
    pub fn state_at_sync(
        &self,
        table: Unknown<'_>,
        row_id: Unknown<'_>,
        at: Unknown<'_>,
    ) -> Result<Option<Row>, Code> {
        let (table, row_id, at) = asked(table, row_id, at).map_err(thrown)?;
        self.log.state_at(&table, row_id, at).map(state).map_err(thrown)
    }

    /// How one row stood at a moment, read off the main thread; otherwise as `stateAtSync`.
    #[napi(
        catch_unwind,
        ts_args_type = "table: string, rowId: RowId, at?: Moment | null",
        ts_return_type = "Promise<Row | null>"
    )]
    pub fn state_at(
        &self,
        table: Unknown<'_>,
        row_id: Unknown<'_>,
        at: Unknown<'_>,
    ) -> Result<AsyncTask<Background<Option<Row>>>, Code> {
        let (table, row_id, at) = asked(table, row_id, at).map_err(thrown)?;
        let log = self.log.clone();
        Ok(background(move || log.state_at(&table, row_id, at).map(state)))
    }

    /// How all rows of a table stood at a moment, now unless told otherwise: each as `stateAtSync` says,
    /// the absent ones left out.
    ///
    /// It reads every entry of the table up to that moment, and holds every row that is there
    /// in memory. A table that the log has never heard of is empty.
    ///
    /// Throws as `stateAtSync`.
    #[napi(catch_unwind, ts_args_type = "table: string, at?: Moment | null", ts_return_type = "Snapshot")]
    pub fn snapshot_sync(&self, table: Unknown<'_>, at: Unknown<'_>) -> Result<Fresh<Snapshot>, Code> {
        let (table, at) = table_at(table, at).map_err(thrown)?;
        self.log.snapshot(&table, at).map(Fresh::from).map_err(thrown)
    }

    /// How all rows of a table stood at a moment, read off the main thread; otherwise as `snapshotSync`.
    #[napi(
        catch_unwind,
        ts_args_type = "table: string, at?: Moment | null",
        ts_return_type = "Promise<Snapshot>"
    )]
    pub fn snapshot(
        &self,
        table: Unknown<'_>,
        at: Unknown<'_>,
    ) -> Result<AsyncTask<Background<Fresh<Snapshot>>>, Code> {
        let (table, at) = table_at(table, at).map_err(thrown)?;
        let log = self.log.clone();
        Ok(background(move || log.snapshot(&table, at).map(Fresh::from)))
    }
}
