//! Tables in memory that are refreshed.

use std::sync::Arc;

use napi::Env;
use napi::bindgen_prelude::{AsyncTask, ObjectFinalize, Result, Unknown};
use napi_derive::napi;

use crate::error::{Code, thrown};
use crate::input::Argument;
use crate::log::ChangeLog;
use crate::output::{Count, Fresh};
use crate::task::{Background, background};
use crate::time_travel::{Row, Snapshot, weight};

/// A table as the log makes it, in memory: as a `Map` that takes in what is new when it is refreshed,
/// and that cannot be changed otherwise.
///
/// It shows the rows as they stood when it was last refreshed, each as `ChangeLog.stateAt` says,
/// ascending by row id; a refresh reads on from where the one before stopped. After any number
/// of them a view is equal to a new snapshot at its LSN.
///
/// Transactions show as a whole, and an iteration goes over the rows as they were when it was asked for.
/// While a `refresh` is under way, two calls in a row may see different rows: use `snapshot()` where they
/// must agree. A view keeps its log open like a cursor does. Once the log is closed it still shows what
/// it had, and refreshing is `CLOSED`.
///
/// ```js
/// const orders = log.materialiseSync('orders');
/// log.appendSync(Change.insert('orders', 42, { qty: 1 }));
/// orders.refreshSync(); // 1
/// orders.get(42).valueJson(); // { qty: 1 }
/// ```
#[napi(custom_finalize)]
pub struct View {
    view: Arc<causelog::View>,
    /// Bytes outside the JavaScript heap that V8 was told of on this object's account.
    declared: i64,
}

impl From<causelog::View> for Fresh<View> {
    fn from(view: causelog::View) -> Self {
        let declared = weight(&view.snapshot());
        Fresh { object: View { view: Arc::new(view), declared }, declared }
    }
}

impl ObjectFinalize for View {
    fn finalize(self, env: Env) -> napi::Result<()> {
        env.adjust_external_memory(-self.declared).map(drop)
    }
}

#[napi]
impl View {
    /// Takes in what the log has got since: whole transactions, up to the last one that
    /// there is now. Returns how many entries of the table these had, also those that
    /// changed no row.
    ///
    /// Throws `CLOSED`, `CORRUPT` or `IO` when the log cannot be read, `TRUNCATED` when what comes next
    /// was removed; the view stays as it was.
    #[napi(catch_unwind, ts_return_type = "number")]
    pub fn refresh_sync(&self) -> Result<Count, Code> {
        self.view.refresh().map(Count).map_err(thrown)
    }

    /// Takes in what the log has got since off the main thread; otherwise as `refreshSync`.
    #[napi(catch_unwind, ts_return_type = "Promise<number>")]
    pub fn refresh(&self) -> AsyncTask<Background<Count>> {
        let view = self.view.clone();
        background(move || view.refresh().map(Count))
    }

    /// The rows as they are shown now, which no refresh changes. It costs next to nothing;
    /// while it is in use, the next refresh that finds something copies a pointer for every row.
    #[napi(catch_unwind, ts_return_type = "Snapshot")]
    pub fn snapshot(&self) -> Fresh<Snapshot> {
        let snapshot = self.view.snapshot();
        // The rows are the view's; its own is a pointer to each, once the view goes on.
        let declared = snapshot.len() * size_of::<Arc<causelog::Row>>();
        Snapshot::fresh(snapshot, declared as i64)
    }

    /// The table's name.
    #[napi(getter, catch_unwind)]
    pub fn table(&self) -> String {
        self.view.table().to_owned()
    }

    /// Up to and including which LSN the log has been taken in.
    #[napi(getter, catch_unwind)]
    pub fn lsn(&self) -> u64 {
        self.view.lsn()
    }

    /// How many rows there are.
    #[napi(getter, catch_unwind, ts_return_type = "number")]
    pub fn size(&self) -> Count {
        Count(self.view.len() as u64)
    }

    /// The row with this id; `null` if it is not there.
    ///
    /// Throws `INVALID_ARGUMENT` for a value that is no row id.
    #[napi(catch_unwind)]
    pub fn get(&self, #[napi(ts_arg_type = "RowId")] row_id: Unknown<'_>) -> Result<Option<Row>, Code> {
        let row_id = Argument::new("rowId", row_id).row_id().map_err(thrown)?;
        Ok(self.view.get(&row_id).map(Row::from))
    }

    /// Whether a row with this id is there.
    ///
    /// Throws `INVALID_ARGUMENT` for a value that is no row id.
    #[napi(catch_unwind)]
    pub fn has(&self, #[napi(ts_arg_type = "RowId")] row_id: Unknown<'_>) -> Result<bool, Code> {
        let row_id = Argument::new("rowId", row_id).row_id().map_err(thrown)?;
        Ok(self.view.get(&row_id).is_some())
    }
}

#[napi]
impl ChangeLog {
    /// A table of this log in memory, as it is now, to be refreshed when there is more.
    ///
    /// It reads every entry of the table once. A table that the log has never heard of is
    /// empty and may fill later.
    ///
    /// Throws `INVALID_ARGUMENT` for an empty table name, `TRUNCATED` when entries were removed that the table may
    /// consist of, `CLOSED`, `CORRUPT` or `IO` when the log cannot be read.
    #[napi(catch_unwind, ts_return_type = "View")]
    pub fn materialise_sync(
        &self,
        #[napi(ts_arg_type = "string")] table: Unknown<'_>,
    ) -> Result<Fresh<View>, Code> {
        let table = Argument::new("table", table).text().map_err(thrown)?;
        self.log.materialise(&table).map(Fresh::from).map_err(thrown)
    }

    /// A table of this log in memory, read off the main thread; otherwise as `materialiseSync`.
    #[napi(catch_unwind, ts_return_type = "Promise<View>")]
    pub fn materialise(
        &self,
        #[napi(ts_arg_type = "string")] table: Unknown<'_>,
    ) -> Result<AsyncTask<Background<Fresh<View>>>, Code> {
        let table = Argument::new("table", table).text().map_err(thrown)?;
        let log = self.log.clone();
        Ok(background(move || log.materialise(&table).map(Fresh::from)))
    }
}
