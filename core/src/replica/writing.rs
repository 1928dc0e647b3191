use crate::change::{Change, ChangeOperation, Metadata};
use crate::conflict::{Field, Fields};
use crate::error::{Error, ErrorCode, Result};
use crate::id::{Dot, RowId};
use crate::log::Appended;
use crate::replica::contested::RowState;
use crate::replica::handle::{Replica, State};
use crate::replica::judging::Stop;
use crate::replica::reading::check_table;

/// One change of a row to be written, and what its writer takes the row to be.
///
/// ```
/// use causelog::{Replica, ReplicaOptions, Write};
/// let replica = Replica::in_memory(ReplicaOptions::default())?;
/// replica.insert("orders", 42, "new")?;
/// let read = replica.get("orders", 42)?.unwrap();
/// replica.write([Write::update("orders", 42, "paid").expecting(read.heads.clone())])?;
/// let error = replica.write([Write::update("orders", 42, "void").expecting(read.heads)]).unwrap_err();
/// assert_eq!(error.code(), causelog::ErrorCode::VersionMismatch);
/// # Ok::<(), causelog::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// The table's name.
    pub table: String,
    /// The row within the table.
    pub row_id: RowId,
    /// What happens to the row.
    pub operation: ChangeOperation,
    /// The row's payload after it; never on a delete.
    pub after: Option<Vec<u8>>,
    /// The dots of the heads that the writer has read, in any order: the write is refused when the row has others by now.
    /// No dots expect a row that never was. `None` expects nothing.
    pub expected: Option<Vec<Dot>>,
    /// Small strings for an audit: who, why.
    pub metadata: Metadata,
}

impl Write {
    /// The row comes into being.
    pub fn insert(table: impl Into<String>, row_id: impl Into<RowId>, after: impl Into<Vec<u8>>) -> Write {
        Self::new(table, row_id, ChangeOperation::Insert, Some(after.into()))
    }

    /// The row takes another value.
    pub fn update(table: impl Into<String>, row_id: impl Into<RowId>, after: impl Into<Vec<u8>>) -> Write {
        Self::new(table, row_id, ChangeOperation::Update, Some(after.into()))
    }

    /// The row ends.
    pub fn delete(table: impl Into<String>, row_id: impl Into<RowId>) -> Write {
        Self::new(table, row_id, ChangeOperation::Delete, None)
    }

    /// Any of these.
    pub fn new(
        table: impl Into<String>,
        row_id: impl Into<RowId>,
        operation: ChangeOperation,
        after: Option<Vec<u8>>,
    ) -> Write {
        let (table, row_id) = (table.into(), row_id.into());
        Write { table, row_id, operation, after, expected: None, metadata: Metadata::new() }
    }

    /// The same write, refused when the row has other heads by then.
    #[must_use]
    pub fn expecting(mut self, heads: impl Into<Vec<Dot>>) -> Write {
        self.expected = Some(heads.into());
        self
    }

    /// The same write with one more string of metadata.
    #[must_use]
    pub fn with_metadata(mut self, key: impl Into<String>, value: impl Into<String>) -> Write {
        self.metadata.insert(key.into(), value.into());
        self
    }
}

impl Replica {
    /// The row comes into being.
    ///
    /// # Errors
    /// `ALREADY_EXISTS` when it is there; otherwise as [`Replica::write`].
    pub fn insert(
        &self,
        table: &str,
        row_id: impl Into<RowId>,
        after: impl Into<Vec<u8>>,
    ) -> Result<Appended> {
        self.write([Write::insert(table, row_id, after)])
    }

    /// The row takes another value.
    ///
    /// # Errors
    /// `NOT_FOUND` when it is not there; otherwise as [`Replica::write`].
    pub fn update(
        &self,
        table: &str,
        row_id: impl Into<RowId>,
        after: impl Into<Vec<u8>>,
    ) -> Result<Appended> {
        self.write([Write::update(table, row_id, after)])
    }

    /// The row ends.
    ///
    /// # Errors
    /// `NOT_FOUND` when it is not there; otherwise as [`Replica::write`].
    pub fn delete(&self, table: &str, row_id: impl Into<RowId>) -> Result<Appended> {
        self.write([Write::delete(table, row_id)])
    }

    /// Writes changes of this node together: all of them, or none. Each is held against the row as it is, whose payload
    /// becomes the change's `before`. A later one sees what those before it have done.
    ///
    /// A write covers all heads of its row, and so ends a conflict about it.
    ///
    /// # Errors
    /// `ALREADY_EXISTS` for an insert of a row that is there, `NOT_FOUND` for any other change of one that is not;
    /// `VERSION_MISMATCH` when a row has not the expected heads, or waits in the inbox and none are expected; `INVALID_ARGUMENT` for a payload that is no JSON
    /// object where fields are merged, and for an update without expected heads where some field is a counter, because a value that was
    /// read before would undo what has been added since: use [`Replica::patch`] or [`Replica::increment`]. `RESOLVER_FAILED` within a resolver. Otherwise as
    /// [`ChangeLog::append_transaction`](crate::ChangeLog::append_transaction).
    pub fn write(&self, writes: impl IntoIterator<Item = Write>) -> Result<Appended> {
        let writes: Vec<Write> = writes.into_iter().collect();
        self.append_prepared(|state| {
            let mut changes: Vec<Change> = Vec::with_capacity(writes.len());
            for write in &writes {
                let change = self.change(state, write, &changes, true)?;
                changes.push(change);
            }
            Ok(changes)
        })
    }

    /// Records changes of this node as they are, together: for an application whose rows live elsewhere and that only
    /// tells what happened to them. They are not held against what the replica takes the rows to be.
    ///
    /// Without changes this writes a merge: a transaction that only says what has been seen.
    ///
    /// # Errors
    /// `VERSION_MISMATCH` for a row that waits in the inbox; otherwise as
    /// [`ChangeLog::append_transaction`](crate::ChangeLog::append_transaction).
    pub fn append(&self, changes: impl AsRef<[Change]>) -> Result<Appended> {
        let changes = changes.as_ref();
        self.append_prepared(|state| {
            for change in changes {
                change.validate()?;
                self.check_closed_item(state, &change.table, &change.row_id)?;
            }
            Ok(changes)
        })
    }

    /// Sets fields of a row that is a JSON object, and removes others, from the value that it has at that moment. `fields`
    /// is a JSON object; `null` is a value.
    ///
    /// ```
    /// use causelog::{Replica, ReplicaOptions};
    /// let replica = Replica::in_memory(ReplicaOptions::default())?;
    /// replica.insert("orders", 42, r#"{"qty":1,"note":"x"}"#)?;
    /// replica.patch("orders", 42, r#"{"status":"paid"}"#, &["note"])?;
    /// let value = replica.get("orders", 42)?.unwrap().value;
    /// assert_eq!(value.as_deref(), Some(&br#"{"qty":1,"status":"paid"}"#[..]));
    /// # Ok::<(), causelog::Error>(())
    /// ```
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when `fields` or the row is no JSON object, `NOT_FOUND` when the row is not there, `UNRESOLVED` when its
    /// value waits for a resolver; otherwise as [`Replica::write`].
    pub fn patch(
        &self,
        table: &str,
        row_id: impl Into<RowId>,
        fields: impl AsRef<[u8]>,
        remove: &[&str],
    ) -> Result<Appended> {
        let set =
            Fields::parse(fields.as_ref()).ok_or_else(|| Error::invalid("fields are no JSON object"))?;
        self.edit(table, row_id.into(), |row| {
            set.iter().for_each(|(name, field)| row.set(name, field.clone()));
            remove.iter().for_each(|name| row.remove(name));
            Ok(())
        })
    }

    /// Adds to an integer field of a row that is a JSON object, from the value that it has at that moment. A field that
    /// is not there counts as 0.
    ///
    /// ```
    /// use causelog::{Replica, ReplicaOptions};
    /// let replica = Replica::in_memory(ReplicaOptions::default())?;
    /// replica.insert("stock", 7, r#"{"count":10}"#)?;
    /// replica.increment("stock", 7, "count", -3)?;
    /// let value = replica.get("stock", 7)?.unwrap().value;
    /// assert_eq!(value.as_deref(), Some(&br#"{"count":7}"#[..]));
    /// # Ok::<(), causelog::Error>(())
    /// ```
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when the row is no JSON object or the field no 64-bit integer, `TOO_LARGE` when the sum leaves the
    /// range of one, `NOT_FOUND` when the row is not there, `UNRESOLVED` when its value waits for a resolver; otherwise as [`Replica::write`].
    pub fn increment(&self, table: &str, row_id: impl Into<RowId>, field: &str, by: i64) -> Result<Appended> {
        self.edit(table, row_id.into(), |row| {
            let now = match row.get(field) {
                None => 0,
                Some(value) => value.integer().ok_or_else(|| {
                    Error::invalid(format!("field {field:?} is no 64-bit integer: {}", value.text))
                })?,
            };
            let sum = now.checked_add(by).ok_or_else(|| {
                let message = format!("field {field:?} cannot go from {now} by {by}: it is a 64-bit integer");
                Error::new(ErrorCode::TooLarge, message)
            })?;
            row.set(field, Field::canonical(sum.to_string()));
            Ok(())
        })
    }

    /// Writes a row anew from the value that it has.
    fn edit(&self, table: &str, row_id: RowId, edit: impl Fn(&mut Fields) -> Result<()>) -> Result<Appended> {
        check_table(table)?;
        let key = self.keys.key_of(table, &row_id);
        self.append_prepared(|state| {
            self.check_closed_item(state, table, &row_id)?;
            let (value, _) = self.value(state, key)?;
            let value = value.ok_or_else(|| not_found(table, &row_id))?;
            let mut fields = value.as_deref().and_then(Fields::parse).ok_or_else(|| {
                Error::invalid(format!("row {row_id} of table {table:?} is no JSON object"))
            })?;
            edit(&mut fields)?;
            let change = Change {
                table: table.to_owned(),
                row_id: row_id.clone(),
                operation: ChangeOperation::Update,
                before: value,
                after: Some(fields.to_json().into_bytes()),
                metadata: Metadata::new(),
            };
            Ok([change])
        })
    }

    /// The change that a write comes to, after those before it in its transaction.
    pub(super) fn change(
        &self,
        state: &mut State,
        write: &Write,
        earlier: &[Change],
        checks_counters: bool,
    ) -> Result<Change, Stop> {
        let Write { table, row_id, operation, after, expected, metadata } = write;
        check_table(table)?;
        let key = self.keys.key_of(table, row_id);
        if !self.is_shown(state, key) {
            return Err(Stop::Finish);
        }
        let earlier = earlier.iter().rev().find(|change| change.table == *table && change.row_id == *row_id);
        if let Some(expected) = expected {
            self.check_expected(state, write, expected)?;
        } else if earlier.is_none() {
            self.check_closed_item(state, table, row_id)?;
        }
        let current = match earlier {
            Some(change) => (change.operation != ChangeOperation::Delete).then(|| change.after.clone()),
            None => self.value(state, key)?.0,
        };
        let is_there = current.is_some();
        match operation {
            ChangeOperation::Insert if is_there => {
                let message = format!("row {row_id} of table {table:?} is there already: update it");
                return Err(Error::new(ErrorCode::AlreadyExists, message).into());
            }
            ChangeOperation::Update | ChangeOperation::Delete if !is_there => {
                return Err(not_found(table, row_id).into());
            }
            ChangeOperation::Insert | ChangeOperation::Update if after.is_none() => {
                let message = format!("row {row_id} of table {table:?}: a write carries the whole row");
                return Err(Error::invalid(message).into());
            }
            ChangeOperation::Insert | ChangeOperation::Update | ChangeOperation::Delete => {}
        }
        if let Some(merge) = state.registry().field_merge(table)
            && let Some(after) = after
        {
            if Fields::parse(after).is_none() {
                let message = format!(
                    "row {row_id} of table {table:?} is no JSON object: the table's rows are merged by fields"
                );
                return Err(Error::invalid(message).into());
            }
            let stale = *operation == ChangeOperation::Update && expected.is_none() && checks_counters;
            if stale && merge.has_counters() {
                let message = format!(
                    "row {row_id} of table {table:?} has counters: pass the heads that were read, or use patch or increment"
                );
                return Err(Error::invalid(message).into());
            }
        }
        Ok(Change {
            table: table.clone(),
            row_id: row_id.clone(),
            operation: *operation,
            before: current.flatten().filter(|_| *operation != ChangeOperation::Insert),
            after: after.clone(),
            metadata: metadata.clone(),
        })
    }

    pub(super) fn check_expected(&self, state: &State, write: &Write, expected: &[Dot]) -> Result<()> {
        let key = self.keys.key_of(&write.table, &write.row_id);
        let mut heads = self.head_dots(&state.rows.heads(key));
        let mut expected = expected.to_vec();
        heads.sort_unstable();
        expected.sort_unstable();
        expected.dedup();
        if heads == expected {
            return Ok(());
        }
        let list = |dots: &[Dot]| dots.iter().map(Dot::to_string).collect::<Vec<_>>().join(", ");
        let message = format!(
            "row {} of table {:?} has the heads [{}], not the expected [{}]: read it again",
            write.row_id,
            write.table,
            list(&heads),
            list(&expected)
        );
        Err(Error::new(ErrorCode::VersionMismatch, message))
    }

    /// Refuses a write that does not say which heads it has seen to a row about which somebody is to decide.
    fn check_closed_item(&self, state: &mut State, table: &str, row_id: &RowId) -> Result<(), Stop> {
        let key = self.keys.key_of(table, row_id);
        let Some(outcome) = self.outcome_of(state, key)? else { return Ok(()) };
        let (code, why) = match outcome.state {
            RowState::Resolved => return Ok(()),
            RowState::Pending => (ErrorCode::VersionMismatch, "waits in the inbox"),
            RowState::Unresolved => (ErrorCode::Unresolved, "waits for a resolver"),
        };
        let message =
            format!("row {row_id} of table {table:?} {why}: resolve it, or pass the heads that were read");
        Err(Error::new(code, message).into())
    }

    /// Writes changes of this node, which are worked out under the lock.
    pub(super) fn append_prepared<Prepared: AsRef<[Change]>>(
        &self,
        prepare: impl FnMut(&mut State) -> Result<Prepared, Stop>,
    ) -> Result<Appended> {
        self.write_prepared(false, prepare, |changes, judge| self.log.append_judged(changes, false, judge))
    }
}

fn not_found(table: &str, row_id: &RowId) -> Error {
    Error::new(ErrorCode::NotFound, format!("row {row_id} of table {table:?} is not there"))
}
