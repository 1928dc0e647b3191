use std::borrow::Borrow;
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use crate::change::{ChangeOperation, Verdict};
use crate::error::{Error, ErrorCode, Result};
use crate::id::{Dot, RowId};
use crate::log::change_log::ChangeLog;
use crate::log::cursor::Cursor;
use crate::log::entry::EntryRef;
use crate::log::query::QueryOptions;
use crate::time::Timestamp;

/// How often somebody reads anew who was told that something was removed.
const MOST_REPLACED: usize = 3;

/// How much of a log counts when it is asked how things stood.
///
/// An LSN is exact: it names a prefix of this log, the same one whenever it is asked for.
/// A time is not: several entries can have one timestamp, and then all of them count or
/// none; a remote entry can arrive late with an early timestamp, and the answer for that
/// time is another from then on. Log order is causal, so every prefix holds whatever its
/// entries' authors had seen; entries picked by time need not, because foreign clocks can run backwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Moment {
    /// The entries up to and including this LSN; 0 is the empty log.
    Lsn(u64),
    /// The entries stamped up to and including this time, in log order.
    Time(Timestamp),
    /// All entries that the log holds when it is asked.
    Now,
}

impl From<Timestamp> for Moment {
    fn from(time: Timestamp) -> Self {
        Moment::Time(time)
    }
}

/// A row as it stood at some moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The row within its table.
    pub row_id: RowId,
    /// Its payload: the `after` of the entry that made it so; `None` when that entry carries none.
    pub value: Option<Vec<u8>>,
    /// LSN of the entry that made it so.
    pub lsn: u64,
    /// When that entry was made, by its author's clock.
    pub timestamp: Timestamp,
    /// The identity of that entry.
    pub dot: Dot,
}

/// What an entry makes of its row.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Unchanged,
    Gone(RowId),
    Is(Row),
}

impl Outcome {
    /// What this entry makes of its row, which `row` gives as it is if the entry sets it.
    fn new(verdict: Option<Verdict>, operation: ChangeOperation, row: Row) -> Outcome {
        match (verdict, operation) {
            (Some(Verdict::Superseded), _) => Outcome::Unchanged,
            (None | Some(Verdict::Applied), ChangeOperation::Delete) => Outcome::Gone(row.row_id),
            // A merge gave the row a value, so the row is there even if the entry was a delete.
            (None | Some(Verdict::Applied), ChangeOperation::Insert | ChangeOperation::Update)
            | (Some(Verdict::Merged), _) => Outcome::Is(row),
        }
    }

    /// The row that is another one by it.
    pub(super) fn row_id(&self) -> Option<&RowId> {
        match self {
            Outcome::Unchanged => None,
            Outcome::Gone(row_id) => Some(row_id),
            Outcome::Is(row) => Some(&row.row_id),
        }
    }

    pub(super) fn of(entry: &EntryRef<'_>) -> Result<Outcome> {
        let row = Row {
            row_id: entry.row_id()?,
            value: entry.after.map(<[u8]>::to_vec),
            lsn: entry.lsn,
            timestamp: entry.timestamp,
            dot: entry.dot(),
        };
        Ok(Self::new(entry.verdict, entry.operation, row))
    }
}

impl ChangeLog {
    /// Every entry of one row, oldest first, whatever its verdict. What compaction removed is passed over.
    ///
    /// ```
    /// use causelog::{Change, ChangeLog, LogOptions};
    /// let log = ChangeLog::in_memory(LogOptions::default())?;
    /// log.append(Change::insert("orders", 42, "new"))?;
    /// log.append(Change::insert("orders", 43, "new"))?;
    /// log.append(Change::update("orders", 42, "new", "paid"))?;
    /// let lsns: Vec<u64> = log.history("orders", 42)?.map(|entry| Ok(entry?.lsn)).collect::<causelog::Result<_>>()?;
    /// assert_eq!(lsns, [1, 3]);
    /// # Ok::<(), causelog::Error>(())
    /// ```
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for an empty table name, `TRUNCATED` when retention has removed the beginning of the log: query
    /// [`QueryOptions::row`] with `since` then. `CLOSED`. What reading finds damaged is an error of the cursor.
    pub fn history(&self, table: &str, row_id: impl Into<RowId>) -> Result<Cursor> {
        check_table(table)?;
        self.query(QueryOptions::row(table, row_id))
    }

    /// How one row stood at a moment; `None` if it was not there: not yet, or not any more.
    ///
    /// A row is what its entries made of it in log order. An entry with the verdict `Applied`,
    /// or with none, sets it, or removes it if it is a delete; a `Superseded` one leaves it as
    /// it was; a `Merged` one sets it to the entry's own `after`. The merged value itself is
    /// carried by no single entry: a log does not know it, a replica does.
    ///
    /// ```
    /// use causelog::{Change, ChangeLog, LogOptions, Moment};
    /// let log = ChangeLog::in_memory(LogOptions::default())?;
    /// log.append(Change::insert("orders", 42, "new"))?;
    /// log.append(Change::update("orders", 42, "new", "paid"))?;
    /// log.append(Change::delete("orders", 42, "paid"))?;
    ///
    /// let at = |moment| log.state_at("orders", 42, moment).map(|row| row.and_then(|row| row.value));
    /// assert_eq!(at(Moment::Lsn(0))?, None);
    /// assert_eq!(at(Moment::Lsn(1))?, Some(b"new".to_vec()));
    /// assert_eq!(at(Moment::Lsn(2))?, Some(b"paid".to_vec()));
    /// assert_eq!(at(Moment::Now)?, None);
    /// # Ok::<(), causelog::Error>(())
    /// ```
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for an empty table name or an LSN beyond the last entry, `TRUNCATED` when what
    /// decides it was removed, `CLOSED`, `CORRUPT` or `IO` when the log cannot be read.
    pub fn state_at(&self, table: &str, row_id: impl Into<RowId>, at: Moment) -> Result<Option<Row>> {
        check_table(table)?;
        // The last entry that did something to the row decides, so read from there.
        let options = QueryOptions { reverse: true, ..QueryOptions::row(table, row_id) };
        let (row, _) = self.settled(at, |last| {
            let mut cursor = self.query(self.up_to(at, last, options.clone())?)?;
            while let Some(entry) = cursor.next_entry()? {
                match Outcome::of(&entry)? {
                    Outcome::Unchanged => {}
                    Outcome::Gone(_) => return Ok(None),
                    Outcome::Is(row) => return Ok(Some(row)),
                }
            }
            Ok(None)
        })?;
        Ok(row)
    }

    /// How all rows of a table stood at a moment: each as [`ChangeLog::state_at`] says, the absent ones left out.
    ///
    /// It reads every entry of the table up to that moment, and holds every row that is there
    /// in memory. A table that the log has never heard of is empty.
    ///
    /// ```
    /// use causelog::{Change, ChangeLog, LogOptions, Moment};
    /// let log = ChangeLog::in_memory(LogOptions::default())?;
    /// for row in [2, 1, 3] {
    ///     log.append(Change::insert("orders", row, "new"))?;
    /// }
    /// log.append(Change::delete("orders", 3, "new"))?;
    ///
    /// let then = log.snapshot("orders", Moment::Lsn(3))?;
    /// let now = log.snapshot("orders", Moment::Now)?;
    /// assert_eq!((then.len(), now.len()), (3, 2));
    /// assert!(now.get(&3.into()).is_none());
    /// assert_eq!(now.iter().map(|row| row.lsn).collect::<Vec<_>>(), [2, 1]);
    /// # Ok::<(), causelog::Error>(())
    /// ```
    ///
    /// # Errors
    /// `TRUNCATED` when retention has removed the beginning of the log, or compaction entries that counted at that
    /// moment; otherwise as [`ChangeLog::state_at`].
    pub fn snapshot(&self, table: &str, at: Moment) -> Result<Snapshot> {
        let (mut snapshot, last) = self.settled(at, |last| {
            let mut snapshot = Snapshot::empty(table)?;
            let mut cursor = self.query(self.up_to(at, last, QueryOptions::table(table))?)?;
            let rows = snapshot.rows_mut();
            while let Some(entry) = cursor.next_entry()? {
                rows.apply(Outcome::of(&entry)?);
            }
            Ok(snapshot)
        })?;
        snapshot.lsn = if let Moment::Lsn(lsn) = at { lsn } else { last };
        Ok(snapshot)
    }

    /// The query narrowed to what counts at that moment, of a log whose last LSN is `last`: what is appended
    /// while somebody reads does not belong to it.
    fn up_to(&self, at: Moment, last: u64, options: QueryOptions) -> Result<QueryOptions> {
        self.check_horizon(at)?;
        let options = QueryOptions { until: Some(last), ..options };
        match at {
            Moment::Now => Ok(options),
            Moment::Time(time) => Ok(QueryOptions { until_time: Some(time), ..options }),
            Moment::Lsn(lsn) if lsn > last => {
                let message = format!("no entry has LSN {lsn} yet: the last one of the log is {last}");
                Err(Error::invalid(message))
            }
            Moment::Lsn(lsn) => Ok(QueryOptions { until: Some(lsn), ..options }),
        }
    }

    /// What `read` makes of the log up to its last LSN, which it is given, and that LSN. Where compaction has removed
    /// meanwhile what counted, it is asked once more, with the last LSN that there is then; `TRUNCATED` if the moment is one
    /// that nobody knows any longer.
    pub(super) fn settled<T>(&self, at: Moment, read: impl Fn(u64) -> Result<T>) -> Result<(T, u64)> {
        let mut again = 0..MOST_REPLACED;
        loop {
            let last = self.last_lsn()?;
            let found = read(last);
            self.inner.refresh()?;
            let horizon = self.inner.state.read().manifest.horizon;
            // An entry goes for the sake of a later one of its row, which nobody has read who has read up to here.
            let overtaken =
                !matches!(at, Moment::Lsn(_)) && horizon.is_some_and(|horizon| horizon.lsn > last);
            match found {
                Ok(_) if overtaken => {}
                Ok(found) => {
                    self.check_horizon(at)?;
                    return Ok((found, last));
                }
                // Perhaps a segment was replaced while it was read.
                Err(error) if error.code() == ErrorCode::Truncated && again.next().is_some() => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Refuses a moment at which something counted that compaction has removed.
    fn check_horizon(&self, at: Moment) -> Result<()> {
        let log = &*self.inner;
        log.check_open()?;
        log.refresh()?;
        let Some(horizon) = log.state.read().manifest.horizon else { return Ok(()) };
        let (lsn, time) = (horizon.lsn, Timestamp::from_nanoseconds(horizon.timestamp));
        let before = match at {
            Moment::Now => false,
            Moment::Lsn(at) => at < lsn,
            Moment::Time(at) => at < time,
        };
        if before {
            let place = &log.place;
            let message = format!(
                "{place}: compaction has removed entries of that moment: rows are known from LSN {lsn} and {time} on"
            );
            return Err(Error::new(ErrorCode::Truncated, message));
        }
        Ok(())
    }

    /// The LSN of the last entry; 0 if there is none. A transaction becomes visible as a
    /// whole, so it is always the last one of its transaction.
    pub(super) fn last_lsn(&self) -> Result<u64> {
        let log = &*self.inner;
        log.check_open()?;
        log.refresh()?;
        Ok(log.state.read().next_lsn - 1)
    }
}

fn check_table(table: &str) -> Result<()> {
    if table.is_empty() {
        return Err(Error::invalid("table name is empty: name the table to read"));
    }
    Ok(())
}

/// All rows of a table as they stood at one moment, in memory; nothing that is appended
/// later changes them. A clone shares its rows and costs next to nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Snapshot {
    table: Arc<str>,
    pub(super) lsn: u64,
    rows: Arc<Rows>,
}

impl Snapshot {
    /// The rows of a table in a log without entries.
    pub(super) fn empty(table: &str) -> Result<Snapshot> {
        check_table(table)?;
        Ok(Snapshot { table: table.into(), lsn: 0, rows: Arc::default() })
    }

    /// The rows, to be changed: copied first if another snapshot shares them.
    pub(super) fn rows_mut(&mut self) -> &mut Rows {
        Arc::make_mut(&mut self.rows)
    }

    /// The table's name.
    pub fn table(&self) -> &str {
        &self.table
    }

    /// Up to and including which LSN the log was read: the one that was asked for;
    /// for any other moment the last one that there was.
    pub fn lsn(&self) -> u64 {
        self.lsn
    }

    /// The row with this id, if it was there. A clone of what is returned may outlive the snapshot.
    pub fn get(&self, row_id: &RowId) -> Option<&Arc<Row>> {
        self.rows.0.get(row_id).map(|row| &row.0)
    }

    /// The rows, ascending by row id.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Arc<Row>> + DoubleEndedIterator {
        self.rows.0.iter().map(|row| &row.0)
    }

    /// How many rows there were.
    pub fn len(&self) -> usize {
        self.rows.0.len()
    }

    /// Whether there was no row.
    pub fn is_empty(&self) -> bool {
        self.rows.0.is_empty()
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("table", &self.table)
            .field("lsn", &self.lsn)
            .field("rows", &self.len())
            .finish()
    }
}

/// Rows by their ids. A row is shared by all snapshots that have it, so that copying
/// these copies pointers.
#[derive(Clone, Default)]
pub(super) struct Rows(BTreeSet<ById>);

impl Rows {
    /// Does what an entry did.
    pub(super) fn apply(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Unchanged => {}
            Outcome::Gone(row_id) => {
                self.0.remove(&row_id);
            }
            Outcome::Is(row) => {
                self.0.replace(ById(Arc::new(row)));
            }
        }
    }
}

impl PartialEq for Rows {
    fn eq(&self, other: &Self) -> bool {
        // Not as sets, which look at the ids alone.
        self.0.len() == other.0.len() && self.0.iter().zip(&other.0).all(|(a, b)| a.0 == b.0)
    }
}

impl Eq for Rows {}

/// A row that is sorted and found by its id alone.
#[derive(Clone)]
struct ById(Arc<Row>);

impl Borrow<RowId> for ById {
    fn borrow(&self) -> &RowId {
        &self.0.row_id
    }
}

impl Ord for ById {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.row_id.cmp(&other.0.row_id)
    }
}

impl PartialOrd for ById {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for ById {
    fn eq(&self, other: &Self) -> bool {
        self.0.row_id == other.0.row_id
    }
}

impl Eq for ById {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::NodeId;

    fn outcome(lsn: u64, operation: ChangeOperation, verdict: Option<Verdict>) -> Outcome {
        let row = Row {
            row_id: RowId::from(7),
            value: (operation != ChangeOperation::Delete).then(|| lsn.to_string().into_bytes()),
            lsn,
            timestamp: Timestamp::from_nanoseconds(lsn as i64),
            dot: Dot::new(NodeId::from_u128(1), lsn),
        };
        Outcome::new(verdict, operation, row)
    }

    /// The LSN and the value that a row has after these entries, if it is there.
    fn after(entries: &[(ChangeOperation, Option<Verdict>)]) -> Option<(u64, Option<String>)> {
        let mut snapshot = Snapshot::empty("t").unwrap();
        for (number, (operation, verdict)) in entries.iter().enumerate() {
            snapshot.rows_mut().apply(outcome(number as u64 + 1, *operation, *verdict));
        }
        let text = |value: &Vec<u8>| String::from_utf8(value.clone()).unwrap();
        snapshot.get(&RowId::from(7)).map(|row| (row.lsn, row.value.as_ref().map(text)))
    }

    #[test]
    fn a_verdict_says_what_an_entry_does_to_its_row() {
        use ChangeOperation::{Delete, Insert, Update};
        use Verdict::{Applied, Merged, Superseded};
        let is = |lsn: u64| Some((lsn, Some(lsn.to_string())));
        let there = (Insert, Some(Applied));
        for verdict in [None, Some(Applied)] {
            assert_eq!(after(&[(Insert, verdict)]), is(1));
            assert_eq!(after(&[(Update, verdict)]), is(1), "an update of a row that was not there");
            assert_eq!(after(&[there, (Update, verdict)]), is(2));
            assert_eq!(after(&[there, (Delete, verdict)]), None);
            assert_eq!(after(&[there, (Delete, verdict), (Insert, verdict)]), is(3));
        }
        for operation in ChangeOperation::ALL {
            assert_eq!(after(&[(operation, Some(Superseded))]), None);
            assert_eq!(after(&[there, (operation, Some(Superseded))]), is(1));
            assert_eq!(after(&[there, (Delete, None), (operation, Some(Superseded))]), None);
        }
        assert_eq!(after(&[there, (Update, Some(Merged))]), is(2));
        assert_eq!(after(&[there, (Insert, Some(Merged))]), is(2));
        assert_eq!(after(&[there, (Delete, Some(Merged))]), Some((2, None)));
    }

    #[test]
    fn snapshots_with_the_same_rows_differ_when_a_value_does() {
        let with = |lsn| {
            let mut snapshot = Snapshot::empty("t").unwrap();
            snapshot.rows_mut().apply(outcome(lsn, ChangeOperation::Insert, None));
            snapshot
        };
        assert_eq!(with(1), with(1));
        assert_ne!(with(1), with(2));
    }

    #[test]
    fn a_clone_keeps_its_rows() {
        let mut snapshot = Snapshot::empty("t").unwrap();
        snapshot.rows_mut().apply(outcome(1, ChangeOperation::Insert, None));
        let before = snapshot.clone();
        snapshot.rows_mut().apply(outcome(2, ChangeOperation::Delete, None));
        assert_eq!((before.len(), snapshot.len()), (1, 0));
    }
}
