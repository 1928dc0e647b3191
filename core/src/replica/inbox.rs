use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::change::{Change, ChangeOperation, Metadata};
use crate::conflict::{ConflictReport, ResolverDecision};
use crate::error::{Error, ErrorCode, Result};
use crate::id::{Dot, RowId};
use crate::log::Appended;
use crate::payload::hex;
use crate::replica::conflicts::ConflictQuery;
use crate::replica::contested::RowState;
use crate::replica::handle::{Replica, State};
use crate::replica::judging::{RowName, Stop, read_at};
use crate::replica::reading::check_table;
use crate::replica::stored;
use crate::replica::writing::Write;
use crate::time::Timestamp;

/// A row about which somebody has to decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboxItem {
    /// The conflict between its heads, with the provisional value. It grows when another head arrives.
    pub report: ConflictReport<'static>,
    /// Whether a person decides, or a resolver of the application that is missing or has failed.
    pub state: RowState,
    /// Who has taken it up, here.
    pub claim: Option<Claim>,
    /// What the application's resolver failed with, if it did since the replica was opened.
    pub failure: Option<String>,
}

/// Who has taken up an item of the inbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// A name, of a person or a job.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// The last LSN at that time.
    since: u64,
}

/// Claims by table and encoded row id, in hexadecimal.
pub(super) type Claims = BTreeMap<String, BTreeMap<String, Claim>>;

impl Replica {
    /// The rows about which somebody has to decide, by table and row id: one item a row. They follow from the log, and so does what is
    /// in the inbox after a crash; claims are kept durably beside it.
    ///
    /// An item is closed by [`Replica::resolve`], by any write that expects its heads, or by such a write of another replica.
    ///
    /// ```
    /// use causelog::{ConflictResolution, Replica, ReplicaOptions, ResolverDecision, ResolverRegistry, sync};
    /// let options = ReplicaOptions { registry: Some(ResolverRegistry::new(ConflictResolution::Manual)), ..Default::default() };
    /// let (a, b) = (Replica::in_memory(options.clone())?, Replica::in_memory(options)?);
    /// a.insert("orders", 42, "from a")?;
    /// b.insert("orders", 42, "from b")?;
    /// sync(&a, &b)?;
    ///
    /// let item = a.inbox()?.remove(0);
    /// a.claim("orders", 42, "alice")?;
    /// let heads: Vec<_> = item.report.heads.iter().map(|head| head.dot()).collect();
    /// a.resolve("orders", 42, ResolverDecision::Head(heads[0]), &heads)?;
    /// sync(&a, &b)?;
    /// assert!(a.inbox()?.is_empty() && b.inbox()?.is_empty());
    /// # Ok::<(), causelog::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Replica::conflicts`].
    pub fn inbox(&self) -> Result<Vec<InboxItem>> {
        let mut items = Vec::new();
        for (key, table, row_id) in self.contested_rows(&ConflictQuery::default())? {
            let row = RowName { key, table: &table, row_id: &row_id };
            items.extend(self.run(false, |state| {
                let Some(outcome) = self.outcome_of(state, key)? else { return Ok(None) };
                if outcome.state == RowState::Resolved {
                    return Ok(None);
                }
                let Some(report) = self.standing_report(state, row)? else { return Ok(None) };
                let claim = self.open_claim(state, row)?;
                let failure = match outcome.state {
                    RowState::Unresolved => state.resolvers.failure_of(&report).map(str::to_owned),
                    RowState::Resolved | RowState::Pending => None,
                };
                Ok(Some(InboxItem { report, state: outcome.state, claim, failure }))
            })?);
        }
        Ok(items)
    }

    /// Takes up an item of the inbox for somebody, so that others who look see it. It stays when the item grows, and is known
    /// here alone.
    ///
    /// # Errors
    /// `NOT_FOUND` when the row is not in the inbox, `ALREADY_EXISTS` when somebody else has taken it up, `INVALID_ARGUMENT` for an empty name;
    /// `NO_SPACE` or `IO` when it cannot be stored, `CLOSED`.
    pub fn claim(&self, table: &str, row_id: impl Into<RowId>, by: &str) -> Result<Claim> {
        if by.is_empty() {
            return Err(Error::invalid("a claim needs a name"));
        }
        let row_id = row_id.into();
        let now = self.log.options().time.now();
        self.change_claims(table, &row_id, |known, since| match known {
            Some(other) if other.by != by => {
                let message = format!("row {row_id} of table {table:?} is claimed by {:?}", other.by);
                Err(Error::new(ErrorCode::AlreadyExists, message))
            }
            Some(same) => Ok(Some(same.clone())),
            None => Ok(Some(Claim { by: by.to_owned(), at: now, since })),
        })?
        .ok_or_else(|| Error::internal("a claim was lost"))
    }

    /// Gives up the claim on an item, whoever has it. Without one this does nothing.
    ///
    /// # Errors
    /// `NOT_FOUND` when the row is not in the inbox; `NO_SPACE` or `IO` when it cannot be stored, `CLOSED`.
    pub fn release(&self, table: &str, row_id: impl Into<RowId>) -> Result<()> {
        self.change_claims(table, &row_id.into(), |_, _| Ok(None)).map(drop)
    }

    fn change_claims(
        &self,
        table: &str,
        row_id: &RowId,
        change: impl Fn(Option<&Claim>, u64) -> Result<Option<Claim>>,
    ) -> Result<Option<Claim>> {
        check_table(table)?;
        let key = self.keys.key_of(table, row_id);
        let row = RowName { key, table, row_id };
        self.run(true, |state| {
            let outcome = self.outcome_of(state, key)?.filter(|outcome| outcome.state != RowState::Resolved);
            if outcome.is_none() {
                return Err(not_in_inbox(table, row_id).into());
            }
            let known = self.open_claim(state, row)?;
            let claim = change(known.as_ref(), self.log.shown_lsn())?;
            let mut claims = state.claims.clone();
            let of_table = claims.entry(table.to_owned()).or_default();
            match &claim {
                Some(claim) => of_table.insert(hex(&row_id.encode()), claim.clone()),
                None => of_table.remove(&hex(&row_id.encode())),
            };
            claims.retain(|_, of_table| !of_table.is_empty());
            if claims != state.claims {
                stored::write_claims(self.log.storage(), &claims)?;
                state.claims = claims;
            }
            Ok(claim)
        })
    }

    /// Decides about a row with several heads, whether it waits in the inbox or not: an ordinary change that covers `heads`, those that
    /// whoever decides has seen.
    ///
    /// Two people who decide on two replicas make a new conflict, which is resolved like any other.
    ///
    /// # Errors
    /// `NOT_FOUND` when the row has not several heads, `VERSION_MISMATCH` when it has others than `heads`,
    /// `INVALID_ARGUMENT` for a head that is none and for [`ResolverDecision::Defer`]; otherwise as [`Replica::write`].
    pub fn resolve(
        &self,
        table: &str,
        row_id: impl Into<RowId>,
        decision: ResolverDecision,
        heads: &[Dot],
    ) -> Result<Appended> {
        self.resolve_with(table, row_id, decision, heads, Metadata::new())
    }

    /// Decides as [`Replica::resolve`] does, with small strings for an audit: who, why.
    ///
    /// # Errors
    /// As [`Replica::resolve`].
    pub fn resolve_with(
        &self,
        table: &str,
        row_id: impl Into<RowId>,
        decision: ResolverDecision,
        heads: &[Dot],
        metadata: Metadata,
    ) -> Result<Appended> {
        check_table(table)?;
        let row_id = row_id.into();
        let key = self.keys.key_of(table, &row_id);
        self.append_prepared(|state| {
            if !self.is_shown(state, key) {
                return Err(Stop::Finish);
            }
            if state.rows.contested(key).is_none() {
                let message = format!("row {row_id} of table {table:?} has not several heads");
                return Err(Error::new(ErrorCode::NotFound, message).into());
            }
            let mut write = Write::delete(table, row_id.clone()).expecting(heads);
            write.metadata = metadata.clone();
            write.after = match &decision {
                ResolverDecision::Value(value) => Some(value.clone()),
                ResolverDecision::Delete => None,
                ResolverDecision::Defer => {
                    return Err(Error::invalid("to defer is no decision: leave the row as it is").into());
                }
                ResolverDecision::Head(dot) => self.payload_of(state, key, *dot)?,
            };
            let before = self.value(state, key)?.0;
            write.operation = match (&write.after, &before) {
                (None, _) => ChangeOperation::Delete,
                (Some(_), Some(_)) => ChangeOperation::Update,
                (Some(_), None) => ChangeOperation::Insert,
            };
            self.check_expected(state, &write, heads)?;
            let change = Change {
                table: table.to_owned(),
                row_id: row_id.clone(),
                operation: write.operation,
                before: before.flatten().filter(|_| write.operation != ChangeOperation::Insert),
                after: write.after,
                metadata: write.metadata,
            };
            Ok([change])
        })
    }

    fn payload_of(&self, state: &State, key: u128, dot: Dot) -> Result<Option<Vec<u8>>> {
        let heads = state.rows.heads(key);
        let head = self.head_dots(&heads).iter().position(|head| *head == dot).and_then(|at| heads.get(at));
        let head = head.ok_or_else(|| Error::invalid(format!("{dot} is none of the row's heads")))?;
        if !head.is_live() {
            return Ok(None);
        }
        read_at(&self.log, head.lsn(), |entry| Ok(Some(entry.after.unwrap_or_default().to_vec())))
    }

    /// The claim on a row, unless its item was closed since.
    fn open_claim(&self, state: &mut State, row: RowName<'_>) -> Result<Option<Claim>, Stop> {
        let claim = state.claims.get(row.table).and_then(|claims| claims.get(&hex(&row.row_id.encode())));
        let Some(claim) = claim.cloned() else { return Ok(None) };
        let history = self.history(state, row)?;
        let closed = history.iter().any(|(_, version)| {
            version.position > claim.since && history.maximal(&history.up_to(version.position)).len() < 2
        });
        state.histories.put(row.key, history);
        Ok((!closed).then_some(claim))
    }
}

fn not_in_inbox(table: &str, row_id: &RowId) -> Error {
    Error::new(ErrorCode::NotFound, format!("row {row_id} of table {table:?} is not in the inbox"))
}
