use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::change::ChangeOperation;
use crate::conflict::{Image, ResolverRegistry, net_operation};
use crate::error::{Error, Result};
use crate::id::{Dot, RowId};
use crate::log::QueryOptions;
use crate::replica::handle::{Replica, State};
use crate::replica::judging::{RowName, Stop, look, read_at};
use crate::replica::rows::RowKey;
use crate::time::Timestamp;

/// How far somebody has read the effective view: up to which entry, and by which rules.
///
/// As text it is `LSN.RULES`, and is read back; `0.0` is the beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct EffectivePosition {
    /// The LSN of the last entry that was shown.
    pub lsn: u64,
    /// How often the rules had been set.
    pub registry: u64,
}

impl fmt::Display for EffectivePosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.lsn, self.registry)
    }
}

impl FromStr for EffectivePosition {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let numbers = text
            .split_once('.')
            .and_then(|(lsn, registry)| Some((lsn.parse().ok()?, registry.parse().ok()?)));
        let (lsn, registry) =
            numbers.ok_or_else(|| Error::invalid(format!("not a position (lsn.registry): {text:?}")))?;
        Ok(EffectivePosition { lsn, registry })
    }
}

/// What became of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EffectiveChange {
    /// Where somebody goes on who has handled this change and all others of its transaction.
    pub position: EffectivePosition,
    /// The transaction that did it; `None` if it was a change of rules.
    pub transaction: Option<Dot>,
    /// When that transaction was made, by its author's clock; of a change of rules, that of the last entry before it.
    pub timestamp: Timestamp,
    /// The table.
    pub table: String,
    /// The row within the table.
    pub row_id: RowId,
    /// What happened to the row, whatever the entry that caused it was.
    pub operation: ChangeOperation,
    /// The row's payload before; `None` if it was not there, or has none.
    pub before: Option<Vec<u8>>,
    /// The row's payload after; `None` if it is not there, or has none.
    pub after: Option<Vec<u8>>,
}

/// Part of the effective view.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EffectiveChanges {
    /// The changes, in the order of the log; none if there is nothing new.
    pub changes: Vec<EffectiveChange>,
    /// Where to go on.
    pub next: EffectivePosition,
}

/// Rows that a step of the view touches.
type Touched = BTreeMap<(Arc<str>, RowId), RowKey>;

/// Changes that are looked for at once, at most.
const MOST_AT_ONCE: usize = 64 * 1024;

impl Replica {
    /// What the rows became, in the order of the log, after `since`: of each transaction at most one change for a row, from what the row
    /// was to what it is, and none where that is the same. A conflict shows as what the row became, also where no single entry carries
    /// that; an entry that lost does not show at all.
    ///
    /// Ends after a whole transaction, once there are `limit` changes. Whoever keeps the position together with what he made of the
    /// changes gets each exactly once. What is shown is durable.
    ///
    /// ```
    /// use causelog::{EffectivePosition, Replica, ReplicaOptions};
    /// let replica = Replica::in_memory(ReplicaOptions::default())?;
    /// replica.insert("orders", 42, "new")?;
    /// replica.update("orders", 42, "new")?;
    /// replica.update("orders", 42, "paid")?;
    /// let seen = replica.effective(EffectivePosition::default(), 100)?;
    /// assert_eq!(seen.changes.len(), 2);
    /// assert!(replica.effective(seen.next, 100)?.changes.is_empty());
    /// # Ok::<(), causelog::Error>(())
    /// ```
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for a position that this replica never gave; `IO` when it cannot be made durable; otherwise as [`Replica::get`].
    pub fn effective(&self, since: EffectivePosition, limit: usize) -> Result<EffectiveChanges> {
        let limit = limit.clamp(1, MOST_AT_ONCE);
        let mut found = EffectiveChanges { changes: Vec::new(), next: since };
        let last = {
            let mut state = self.lock()?;
            self.finish_for_others(&mut state)?;
            let last = self.log.shown_lsn();
            let known = state.registries.len() as u64;
            if since.lsn > last || since.registry >= known {
                return Err(Error::invalid(format!(
                    "the position {since} was never given: the last is {last}.{}",
                    known - 1
                )));
            }
            last
        };
        self.log.make_durable()?;
        while found.changes.len() < limit {
            let step = self.run(false, |state| self.step(state, found.next, last))?;
            let Some((changes, next)) = step else { break };
            found.changes.extend(changes);
            found.next = next;
        }
        Ok(found)
    }

    /// One transaction of the view, or one change of rules; `None` after the last.
    fn step(
        &self,
        state: &mut State,
        at: EffectivePosition,
        last: u64,
    ) -> Result<Option<(Vec<EffectiveChange>, EffectivePosition)>, Stop> {
        if !state.unfinished.is_empty() {
            return Err(Stop::Finish);
        }
        let registry = |number: u64| {
            usize::try_from(number).ok().and_then(|number| state.registries.get(number)).cloned()
        };
        let Some(rules) = registry(at.registry) else { return Ok(None) };
        let next_rules = registry(at.registry + 1);
        if let Some(next_rules) = &next_rules
            && next_rules.since <= at.lsn
        {
            let next = EffectivePosition { registry: at.registry + 1, ..at };
            let touched = self.contested_at(state, at.lsn)?;
            let (before, after) = ((at.lsn, &*rules.registry), (at.lsn, &*next_rules.registry));
            let timestamp = match at.lsn {
                0 => None,
                lsn => read_at(&self.log, lsn, |entry| Ok(entry.timestamp)).ok(),
            };
            let timestamp = timestamp.unwrap_or(Timestamp::from_nanoseconds(0));
            let changes = self.differences(state, touched, before, after, (next, None, timestamp))?;
            return Ok(Some((changes, next)));
        }
        let until = next_rules.map_or(last, |next| next.since.min(last));
        let options = QueryOptions { since: at.lsn, until: Some(until), ..QueryOptions::default() };
        let first_there = self.log.first_lsn().saturating_sub(1);
        let options = QueryOptions { since: options.since.max(first_there), ..options };
        let mut cursor = self.log.query(options)?;
        let mut touched = Touched::new();
        let mut transaction = None;
        let (mut first, mut lsn) = (0, at.lsn);
        while let Some(entry) = cursor.next_entry()? {
            let this = (entry.transaction, entry.timestamp);
            if *transaction.get_or_insert(this) != this {
                break;
            }
            if first == 0 {
                first = entry.lsn;
            }
            lsn = entry.lsn;
            let key = self.keys.key(entry.table, entry.row_id_bytes());
            touched.insert((entry.table.into(), entry.row_id()?), key);
        }
        drop(cursor);
        let Some((dot, timestamp)) = transaction else {
            // Nothing is left, or only what compaction has taken.
            let next = EffectivePosition { lsn: until, ..at };
            return Ok((next != at).then_some((Vec::new(), next)));
        };
        let next = EffectivePosition { lsn, ..at };
        let rules = &*rules.registry;
        let changes =
            self.differences(state, touched, (first - 1, rules), (lsn, rules), (next, Some(dot), timestamp))?;
        Ok(Some((changes, next)))
    }

    /// Rows that had several heads when the log ended at an LSN.
    fn contested_at(&self, state: &State, lsn: u64) -> Result<Touched, Stop> {
        let mut touched = Touched::new();
        for (key, contested) in state.rows.all_contested() {
            touched.insert((contested.table.clone(), contested.row_id.clone()), key);
        }
        let later = state.settlings.partition_point(|settling| *settling <= lsn);
        for settling in state.settlings.get(later..).unwrap_or_default() {
            let name = read_at(&self.log, *settling, |entry| Ok((Arc::from(entry.table), entry.row_id()?)));
            if let Ok((table, row_id)) = name {
                let key = self.keys.key_of(&table, &row_id);
                touched.insert((table, row_id), key);
            }
        }
        Ok(touched)
    }

    /// What became of rows from one moment and set of rules to another.
    fn differences(
        &self,
        state: &mut State,
        touched: Touched,
        (before, old_rules): (u64, &ResolverRegistry),
        (after, new_rules): (u64, &ResolverRegistry),
        (position, transaction, timestamp): (EffectivePosition, Option<Dot>, Timestamp),
    ) -> Result<Vec<EffectiveChange>, Stop> {
        let mut changes = Vec::new();
        for ((table, row_id), key) in touched {
            let row = RowName { key, table: &table, row_id: &row_id };
            let was = self.payload_when(state, row, before, old_rules)?;
            let is = self.payload_when(state, row, after, new_rules)?;
            if was == is {
                continue;
            }
            let operation = net_operation(was.is_some(), is.is_some());
            let bytes = |image: Option<Image>| image.flatten().map(|bytes| bytes.to_vec());
            let (before, after) = (bytes(was), bytes(is));
            let (table, row_id) = (table.to_string(), row_id.clone());
            changes.push(EffectiveChange {
                position,
                transaction,
                timestamp,
                table,
                row_id,
                operation,
                before,
                after,
            });
        }
        Ok(changes)
    }

    /// Whether a row was there when the log ended at an LSN, and its payload then, by these rules.
    pub(super) fn payload_when(
        &self,
        state: &mut State,
        row: RowName<'_>,
        lsn: u64,
        registry: &ResolverRegistry,
    ) -> Result<Option<Image>, Stop> {
        let history = self.history(state, row)?;
        let cut = history.up_to(lsn);
        let found = look(&self.log, &mut state.resolvers, registry, &history, row, None, |resolver, _| {
            let resolved = resolver.state(&cut)?;
            Ok(resolver.payload(&resolved.value)?)
        });
        state.histories.put(row.key, history);
        found
    }
}
