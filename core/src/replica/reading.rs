use std::collections::BTreeMap;

use crate::error::{Error, Result};
use crate::id::{Dot, RowId};
use crate::log::QueryOptions;
use crate::replica::contested::{RowState, Standing};
use crate::replica::handle::{Replica, State};
use crate::replica::judging::{Stop, read_at};
use crate::replica::rows::RowKey;

/// What an entry carries, if it carries anything.
type Payload = Option<Vec<u8>>;

/// A row as a replica has it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplicaRow {
    /// The row within its table.
    pub row_id: RowId,
    /// Its payload; `None` when the entry that decides carries none.
    pub value: Option<Vec<u8>>,
    /// The entries that no other has seen, in canonical order: what a conditional write expects.
    pub heads: Vec<Dot>,
    /// Whether the value is final.
    pub state: RowState,
}

impl Replica {
    /// A row as it is now; `None` if it is not there: not yet, or not any more.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for an empty table name, `TRUNCATED` when the entry that carries the value was removed, `CLOSED`, `CORRUPT` or
    /// `IO` when the log cannot be read.
    pub fn get(&self, table: &str, row_id: impl Into<RowId>) -> Result<Option<ReplicaRow>> {
        check_table(table)?;
        let row_id = row_id.into();
        let key = self.keys.key_of(table, &row_id);
        self.run(false, |state| {
            let (value, row_state) = self.value(state, key)?;
            let Some(value) = value else { return Ok(None) };
            let heads = self.head_dots(&state.rows.heads(key));
            Ok(Some(ReplicaRow { row_id: row_id.clone(), value, heads, state: row_state }))
        })
    }

    /// The dots of a row's heads, in canonical order, whether it is there or deleted; none if it never was. They are what
    /// a conditional write expects.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for an empty table name, `CLOSED`.
    pub fn heads(&self, table: &str, row_id: impl Into<RowId>) -> Result<Vec<Dot>> {
        check_table(table)?;
        let key = self.keys.key_of(table, &row_id.into());
        self.run(false, |state| {
            if !self.is_shown(state, key) {
                return Err(Stop::Finish);
            }
            Ok(self.head_dots(&state.rows.heads(key)))
        })
    }

    /// All rows of a table that are there now, ascending by row id.
    ///
    /// It reads the entries of the table once, and holds the rows in memory.
    ///
    /// # Errors
    /// As [`Replica::get`].
    pub fn rows(&self, table: &str) -> Result<Vec<ReplicaRow>> {
        check_table(table)?;
        self.run(false, |state| {
            if !state.unfinished.is_empty() {
                return Err(Stop::Finish);
            }
            let since = self.log.first_lsn().saturating_sub(1);
            let mut cursor = self.log.query(QueryOptions { since, ..QueryOptions::table(table) })?;
            let mut rows = BTreeMap::new();
            while let Some(entry) = cursor.next_entry()? {
                let key = self.keys.key(table, entry.row_id_bytes());
                if let Some(head) = state.rows.one(key) {
                    if head.lsn() == entry.lsn && head.is_live() {
                        let row = ReplicaRow {
                            row_id: entry.row_id()?,
                            value: entry.after.map(<[u8]>::to_vec),
                            heads: vec![entry.dot()],
                            state: RowState::Resolved,
                        };
                        rows.insert(row.row_id.clone(), row);
                    }
                } else if state.rows.heads(key).first().is_some_and(|head| head.lsn() == entry.lsn) {
                    let row_id = entry.row_id()?;
                    let (value, row_state) = self.value(state, key)?;
                    if let Some(value) = value {
                        let heads = self.head_dots(&state.rows.heads(key));
                        rows.insert(row_id.clone(), ReplicaRow { row_id, value, heads, state: row_state });
                    }
                }
            }
            Ok(rows.into_values().collect())
        })
    }

    /// Whether a row is there, its payload, and whether that is final.
    pub(super) fn value(&self, state: &mut State, key: RowKey) -> Result<(Option<Payload>, RowState), Stop> {
        if !self.is_shown(state, key) {
            return Err(Stop::Finish);
        }
        let at = |lsn| read_at(&self.log, lsn, |entry| Ok(entry.after.map(<[u8]>::to_vec)));
        if let Some(head) = state.rows.one(key).copied() {
            if !head.is_live() {
                return Ok((None, RowState::Resolved));
            }
            return Ok((Some(at(head.lsn())?), RowState::Resolved));
        }
        let Some(outcome) = self.outcome_of(state, key)? else { return Ok((None, RowState::Resolved)) };
        let value = match outcome.value {
            Standing::Absent => None,
            Standing::At(lsn) => Some(at(lsn)?),
            Standing::Merged(bytes) => Some(Some(bytes.to_vec())),
        };
        Ok((value, outcome.state))
    }
}

pub(super) fn check_table(table: &str) -> Result<()> {
    if table.is_empty() {
        return Err(Error::invalid("table name is empty"));
    }
    Ok(())
}
