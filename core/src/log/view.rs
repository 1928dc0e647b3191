use std::fmt;
use std::sync::Arc;

use hashbrown::HashMap;
use parking_lot::{Mutex, RwLock};

use crate::error::Result;
use crate::id::RowId;
use crate::log::change_log::ChangeLog;
use crate::log::query::QueryOptions;
use crate::log::time_travel::{Moment, Outcome, Row, Snapshot};

/// A table as the log makes it, in memory: a read model that takes in what is new when told to.
///
/// [`ChangeLog::materialise`] makes it. It shows the rows as they stood when it was last
/// refreshed, each as [`ChangeLog::state_at`] says; a refresh reads on from where the one
/// before stopped. After any number of them a view is equal to a new
/// [`ChangeLog::snapshot`] at its LSN.
///
/// All functions may be called from several threads at once. A reader never waits for a
/// refresh that reads the log, and sees all of it or nothing; so transactions show as a
/// whole. Several calls in a row may see different refreshes: use [`View::snapshot`]
/// where they must agree. A view keeps its log open like a cursor does. Once the log is
/// closed it still shows what it had, and refreshing is `CLOSED`.
///
/// ```
/// use causelog::{Change, ChangeLog, LogOptions};
/// let log = ChangeLog::in_memory(LogOptions::default())?;
/// log.append(Change::insert("orders", 42, "new"))?;
/// let orders = log.materialise("orders")?;
///
/// log.append(Change::update("orders", 42, "new", "paid"))?;
/// log.append(Change::insert("stock", 7, "full"))?;
/// assert_eq!(orders.get(&42.into()).unwrap().value.as_deref(), Some(&b"new"[..]));
/// assert_eq!(orders.refresh()?, 1);
/// assert_eq!(orders.get(&42.into()).unwrap().value.as_deref(), Some(&b"paid"[..]));
/// assert_eq!(orders.lsn(), 3);
/// # Ok::<(), causelog::Error>(())
/// ```
pub struct View {
    log: ChangeLog,
    table: String,
    shown: RwLock<Snapshot>,
    /// Held by the one who refreshes.
    refreshing: Mutex<()>,
}

impl ChangeLog {
    /// A table of this log in memory, as it is now, to be refreshed when there is more.
    ///
    /// It reads every entry of the table once. A table that the log has never heard of is
    /// empty and may fill later.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for an empty table name, `TRUNCATED` when retention has removed the beginning of the log,
    /// `CLOSED`, `CORRUPT` or `IO` when the log cannot be read.
    pub fn materialise(&self, table: &str) -> Result<View> {
        let shown = RwLock::new(self.snapshot(table, Moment::Now)?);
        Ok(View { log: self.share(), table: table.to_owned(), shown, refreshing: Mutex::new(()) })
    }
}

impl View {
    /// Takes in what the log has got since: whole transactions, up to the last one that
    /// there is now. Returns how many entries of the table these had, also those that
    /// changed no row.
    ///
    /// # Errors
    /// `TRUNCATED` when entries that it has not taken in were removed by retention; `CLOSED`, `CORRUPT` or `IO` when the
    /// log cannot be read. The view stays as it was.
    pub fn refresh(&self) -> Result<u64> {
        // In a forked process somebody may hold this who is not there.
        self.log.inner.check_open()?;
        let _alone = self.refreshing.lock();
        let since = self.lsn();
        // Everything is read before anything is shown, so that an error in between, which
        // may come in the middle of a transaction, leaves no part of it behind. Of each row the last outcome counts.
        let ((count, outcomes), last) = self.log.settled(Moment::Now, |last| {
            let options = QueryOptions { since, until: Some(last), ..QueryOptions::table(self.table()) };
            let (mut count, mut outcomes) = (0, HashMap::new());
            let mut cursor = self.log.query(options)?;
            while let Some(entry) = cursor.next_entry()? {
                count += 1;
                let outcome = Outcome::of(&entry)?;
                if let Some(row_id) = outcome.row_id().cloned() {
                    outcomes.insert(row_id, outcome);
                }
            }
            Ok((count, outcomes))
        })?;

        let mut shown = self.shown.write();
        if count > 0 {
            let rows = shown.rows_mut();
            outcomes.into_values().for_each(|outcome| rows.apply(outcome));
        }
        shown.lsn = last;
        Ok(count)
    }

    /// The rows as they are shown now, which no refresh changes. It costs next to nothing;
    /// while it is held, the next refresh that finds something copies a pointer for every row.
    pub fn snapshot(&self) -> Snapshot {
        self.shown.read().clone()
    }

    /// The table's name.
    pub fn table(&self) -> &str {
        &self.table
    }

    /// Up to and including which LSN the log has been taken in.
    pub fn lsn(&self) -> u64 {
        self.shown.read().lsn()
    }

    /// The row with this id, if it is there.
    pub fn get(&self, row_id: &RowId) -> Option<Arc<Row>> {
        self.shown.read().get(row_id).cloned()
    }

    /// The rows as they are shown now, ascending by row id.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Arc<Row>> + DoubleEndedIterator + use<> {
        self.shown.read().iter().cloned().collect::<Vec<_>>().into_iter()
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.shown.read().len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.shown.read().is_empty()
    }
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.shown.read();
        f.debug_struct("View")
            .field("table", &self.table)
            .field("lsn", &shown.lsn())
            .field("rows", &shown.len())
            .finish_non_exhaustive()
    }
}
