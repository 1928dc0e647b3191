//! What each entry does to its row, as it comes.

use std::sync::Arc;

use hashbrown::HashMap;
use smallvec::SmallVec;

use crate::causality::{Clock, NodeIndex};
use crate::change::{Change, ChangeEntry, ChangeOperation, Verdict};
use crate::conflict::{
    Answer, Halt, Image, Outside, Picked, Question, ResolverRegistry, RowConflict, RowHistory, RowResolver,
    State as Resolved, Value, Version,
};
use crate::error::{Error, ErrorCode, Result};
use crate::id::{Dot, NodeId, RowId};
use crate::log::{Appended, Arrival, ChangeLog, Durability, EntryRef, Judge, Judgement, QueryOptions};
use crate::replica::asking::{Call, Resolvers, question_key};
use crate::replica::contested::{Contested, Outcome, RowState, Standing};
use crate::replica::handle::{Replica, State};
use crate::replica::histories::Source;
use crate::replica::rows::{Head, Heads, RowKey, check};
use crate::time::Timestamp;

/// Why something cannot be done yet.
pub(super) enum Stop {
    Error(Error),
    /// A function of the application has to be asked first, without the lock.
    Ask(Box<Call>),
    /// What is written has to be shown first.
    Finish,
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Stop::Error(error)
    }
}

/// A row, where it is looked for.
#[derive(Clone, Copy)]
pub(super) struct RowName<'a> {
    pub(super) key: RowKey,
    pub(super) table: &'a str,
    pub(super) row_id: &'a RowId,
}

/// Changes that are judged before they are in the log.
pub(super) struct Pending<'a> {
    first_lsn: u64,
    author: NodeIndex,
    node: NodeId,
    first_sequence: u64,
    sequence: u64,
    timestamp: Timestamp,
    past: &'a Clock,
    changes: &'a [&'a Change],
}

impl<'a> Pending<'a> {
    fn new(log: &ChangeLog, arrival: &Arrival<'a>, changes: &'a [&'a Change]) -> Pending<'a> {
        Pending {
            first_lsn: arrival.first_lsn,
            author: arrival.author,
            node: log.node_of(arrival.author),
            first_sequence: arrival.sequence + 1 - changes.len().max(1) as u64,
            sequence: arrival.sequence,
            timestamp: arrival.timestamp,
            past: arrival.past,
            changes,
        }
    }

    fn change(&self, lsn: u64) -> Option<&'a Change> {
        self.changes.get(usize::try_from(lsn.checked_sub(self.first_lsn)?).ok()?).copied()
    }
}

/// Entries of the log, and those that are about to be in it.
pub(super) struct Known<'a> {
    log: &'a ChangeLog,
    pending: Option<&'a Pending<'a>>,
    resolvers: &'a Resolvers,
    history: &'a RowHistory,
    row: RowName<'a>,
}

impl Known<'_> {
    /// The whole entry.
    pub(super) fn entry(&self, version: &Version) -> Result<ChangeEntry> {
        let pending = self.pending.and_then(|pending| Some((pending, pending.change(version.position)?)));
        let Some((pending, change)) = pending else { return entry_at(self.log, version.position) };
        let sequence = version.dot.sequence;
        let seen = self.log.to_vector_clock(pending.past).with_sequence(pending.node, sequence);
        Ok(ChangeEntry {
            lsn: version.position,
            node: pending.node,
            sequence,
            vector_clock: seen,
            timestamp: pending.timestamp,
            transaction: Dot::new(pending.node, pending.sequence),
            table: change.table.clone(),
            row_id: change.row_id.clone(),
            operation: change.operation,
            before: change.before.clone(),
            after: change.after.clone(),
            verdict: None,
            metadata: change.metadata.clone(),
        })
    }
}

/// The entry with this LSN.
pub(super) fn entry_at(log: &ChangeLog, lsn: u64) -> Result<ChangeEntry> {
    read_at(log, lsn, |entry| entry.to_entry())
}

/// What is wanted of the entry with this LSN.
pub(super) fn read_at<T>(
    log: &ChangeLog,
    lsn: u64,
    read: impl FnOnce(&EntryRef<'_>) -> Result<T>,
) -> Result<T> {
    let options = QueryOptions { since: lsn - 1, limit: Some(1), ..QueryOptions::default() };
    let mut cursor = log.query(options)?;
    match cursor.next_entry()? {
        Some(entry) if entry.lsn == lsn => read(&entry),
        _ => Err(Error::new(ErrorCode::Truncated, format!("{}: the entry {lsn} was removed", log.place()))),
    }
}

impl Outside for Known<'_> {
    fn image(&self, version: &Version) -> Result<Image> {
        match self.pending.and_then(|pending| pending.change(version.position)) {
            Some(change) => Ok(change.after.as_deref().map(Arc::from)),
            None => read_at(self.log, version.position, |entry| Ok(entry.after.map(Arc::from))),
        }
    }

    fn custom(&self, question: &Question) -> Answer {
        let key = question_key(question, self.history, self.row.table, self.row.row_id);
        self.resolvers.answer(key, question, self.history)
    }
}

/// Looks at a row with all that it takes.
pub(super) fn look<T>(
    log: &ChangeLog,
    resolvers: &mut Resolvers,
    registry: &ResolverRegistry,
    history: &RowHistory,
    row: RowName<'_>,
    pending: Option<&Pending<'_>>,
    look: impl FnOnce(&mut RowResolver<'_>, &Known<'_>) -> Result<T, Halt>,
) -> Result<T, Stop> {
    let outcome = {
        let known = Known { log, pending, resolvers, history, row };
        let mut resolver = RowResolver::new(row.table, history, registry, &known);
        match look(&mut resolver, &known) {
            Ok(found) => return Ok(found),
            Err(Halt::Error(error)) => return Err(Stop::Error(error)),
            Err(Halt::Needs(_)) => return Err(Error::internal("a row was not resolved to its end").into()),
            Err(Halt::Asks(question)) => {
                let mut heads = Vec::new();
                for head in &question.heads {
                    let version = history.get(*head);
                    let version = version.ok_or_else(|| Error::internal("a head of a row is missing"))?;
                    heads.push(known.entry(version)?);
                }
                let ancestor_is_live = question.ancestor.is_some();
                let live = heads.iter().map(|head| head.operation != ChangeOperation::Delete);
                let conflict = RowConflict {
                    table: row.table.to_owned(),
                    row_id: row.row_id.clone(),
                    class: crate::conflict::net_class(ancestor_is_live, live),
                    ancestor_is_live,
                    ancestor: question.ancestor.clone().flatten().map(|bytes| bytes.to_vec()),
                    heads,
                };
                (question, conflict)
            }
        }
    };
    let (question, conflict) = outcome;
    let key = question_key(&question, history, row.table, row.row_id);
    Err(Stop::Ask(Box::new(resolvers.call(key, &question, conflict)?)))
}

/// What the heads of a row come to.
pub(super) fn outcome(
    resolver: &mut RowResolver<'_>,
    history: &RowHistory,
    resolved: &Resolved,
) -> Result<Outcome> {
    let value = match &resolved.value {
        Value::Absent => Standing::Absent,
        Value::Image(index) => Standing::At(history.get(*index).map_or(0, |version| version.position)),
        Value::Merged(bytes) => Standing::Merged(bytes.clone()),
    };
    let state = match &resolved.conflict {
        Some(conflict) if conflict.is_unresolved() => RowState::Unresolved,
        Some(conflict) if conflict.picked == Picked::Pending => RowState::Pending,
        _ => RowState::Resolved,
    };
    // Who does not disagree leaves nobody anything to decide.
    let decided = state == RowState::Resolved || !resolver.disagree(&resolved.heads)?;
    let state = if decided { RowState::Resolved } else { state };
    Ok(Outcome { value, state })
}

/// An entry as its row's history needs it.
struct Entry<'a> {
    lsn: u64,
    dot: Dot,
    author: NodeIndex,
    timestamp: Timestamp,
    operation: ChangeOperation,
    before: Option<&'a [u8]>,
    after: Option<&'a [u8]>,
}

impl Entry<'_> {
    fn head(&self, effective_time: i64) -> Head {
        let live = self.operation != ChangeOperation::Delete;
        Head::new(self.lsn, live, self.author, self.dot.sequence, effective_time, check(self.after))
    }
}

impl Replica {
    /// Judges changes that are about to be written, and takes note of them. If this fails, some of it may be noted.
    pub(super) fn judge(
        &self,
        state: &mut State,
        arrival: &Arrival<'_>,
        changes: &[&Change],
    ) -> Result<Judgement, Stop> {
        let pending = Pending::new(&self.log, arrival, changes);
        let mut in_hand = HashMap::new();
        let mut verdicts = SmallVec::with_capacity(changes.len());
        for (number, change) in (0..).zip(changes) {
            let entry = Entry {
                lsn: arrival.first_lsn + number,
                dot: Dot::new(pending.node, pending.first_sequence + number),
                author: pending.author,
                timestamp: arrival.timestamp,
                operation: change.operation,
                before: change.before.as_deref(),
                after: change.after.as_deref(),
            };
            let key = self.keys.key_of(&change.table, &change.row_id);
            let row = RowName { key, table: &change.table, row_id: &change.row_id };
            verdicts.push(self.take(state, &mut in_hand, row, &entry, arrival.past, Some(&pending))?);
        }
        for (key, history) in in_hand {
            state.histories.put(key, history);
        }
        Ok(Judgement::Each(verdicts))
    }

    /// Takes note of an entry that is in the log already.
    pub(super) fn take_stored(&self, state: &mut State, entry: &EntryRef<'_>) -> Result<()> {
        let known = Entry {
            lsn: entry.lsn,
            dot: entry.dot(),
            author: entry.author(),
            timestamp: entry.timestamp,
            operation: entry.operation,
            before: entry.before,
            after: entry.after,
        };
        let key = self.keys.key(entry.table, entry.row_id_bytes());
        let clock = entry.clock()?;
        let mut own = state.histories.take(key);
        if self.follow(state, key, &known, &clock, own.as_mut()) {
            if let Some(history) = own {
                state.histories.put(key, history);
            }
            return Ok(());
        }
        let row_id = entry.row_id()?;
        let row = RowName { key, table: entry.table, row_id: &row_id };
        let mut history = self.reaching(state, row, own, &known, &clock, entry.lsn - 1)?;
        self.part(state, &mut history, row, &known, &clock);
        state.histories.put(key, history);
        Ok(())
    }

    /// A row's whole history. Whoever is done with it puts it back.
    pub(super) fn history(&self, state: &mut State, row: RowName<'_>) -> Result<RowHistory, Stop> {
        if !self.is_shown(state, row.key) {
            return Err(Stop::Finish);
        }
        match state.histories.take(row.key).filter(RowHistory::is_whole) {
            Some(history) => Ok(history),
            None => Ok(self.source(state).whole(row.table, row.row_id)?),
        }
    }

    fn source<'a>(&'a self, state: &'a State) -> Source<'a> {
        Source { log: &self.log, late: &state.late, forks: &state.forks }
    }

    /// As much of a row's history as it takes to judge an entry: `own`, if that is enough.
    fn reaching(
        &self,
        state: &State,
        row: RowName<'_>,
        own: Option<RowHistory>,
        entry: &Entry<'_>,
        past: &Clock,
        until: u64,
    ) -> Result<RowHistory> {
        let sees = |dot: Dot| {
            let known = self.log.node_index(dot.node).map_or(0, |node| past.get(node));
            dot.node == entry.dot.node || known >= dot.sequence
        };
        match own.filter(|history| history.reaches(sees)) {
            Some(history) => Ok(history),
            None => self.source(state).recent(row.table, row.row_id, until, sees),
        }
    }

    fn take(
        &self,
        state: &mut State,
        in_hand: &mut HashMap<RowKey, RowHistory>,
        row: RowName<'_>,
        entry: &Entry<'_>,
        past: &Clock,
        pending: Option<&Pending<'_>>,
    ) -> Result<Verdict, Stop> {
        let mut own = in_hand.remove(&row.key).or_else(|| state.histories.take(row.key));
        if self.follow(state, row.key, entry, past, own.as_mut()) {
            in_hand.extend(own.map(|history| (row.key, history)));
            return Ok(Verdict::Applied);
        }
        if !self.is_shown(state, row.key) {
            return Err(Stop::Finish);
        }
        let until = pending.map_or(entry.lsn, |pending| pending.first_lsn) - 1;
        let mut history = self.reaching(state, row, own, entry, past, until)?;
        let before = history.all();
        let (index, author_past) = self.part(state, &mut history, row, entry, past);
        let registry = state.registry();
        let all = history.all();
        let found =
            look(&self.log, &mut state.resolvers, &registry, &history, row, pending, |resolver, _| {
                let was = resolver.state(&before)?;
                let is = resolver.state(&all)?;
                let won = match &is.conflict {
                    Some(conflict) => conflict.picked == Picked::Head(index),
                    None => is.heads.as_slice() == [index],
                };
                let verdict = match () {
                    () if won || is.value == Value::Image(index) => Verdict::Applied,
                    () if was.value == is.value => Verdict::Superseded,
                    () if resolver.payload(&was.value)? == resolver.payload(&is.value)? => {
                        Verdict::Superseded
                    }
                    () => Verdict::Merged,
                };
                let mut mismatch = false;
                if let Some(before) = entry.before {
                    let had = resolver.state(&author_past)?;
                    let had = resolver.payload(&had.value)?.flatten();
                    mismatch = had.as_deref() != Some(before);
                }
                Ok((verdict, outcome(resolver, &history, &is)?, mismatch))
            });
        let (verdict, outcome, mismatch) = found?;
        state.before_mismatches += u64::from(mismatch);
        if let Some(contested) = state.rows.contested_mut(row.key) {
            contested.outcome = Some(outcome);
        }
        in_hand.insert(row.key, history);
        Ok(verdict)
    }

    /// Takes note of an entry that has seen all of its row; whether it is one.
    fn follow(
        &self,
        state: &mut State,
        key: RowKey,
        entry: &Entry<'_>,
        past: &Clock,
        history: Option<&mut RowHistory>,
    ) -> bool {
        let heads: Heads = state.rows.heads(key);
        // What one transaction does to a row it does one after the other.
        let sees = |head: &Head| head.node == entry.author || past.get(head.node) >= head.sequence;
        if !heads.iter().all(sees) {
            return false;
        }
        let own = entry.timestamp.nanoseconds();
        let latest = heads.iter().map(|head| head.effective_time.saturating_add(1)).max();
        let kept = state.late.get(&entry.lsn).copied();
        let effective_time = latest.into_iter().chain(kept).fold(own, i64::max);
        if effective_time != own {
            state.late.insert(entry.lsn, effective_time);
        }
        match (heads.as_slice(), entry.before) {
            ([head], Some(before)) => {
                state.before_mismatches += u64::from(!head.is_live() || check(Some(before)) != head.check);
            }
            ([], Some(_)) => state.before_mismatches += 1,
            ([_, _, ..], Some(before)) => {
                let outcome = state.rows.contested(key).and_then(|contested| contested.outcome.as_ref());
                let had = outcome.and_then(|outcome| match &outcome.value {
                    Standing::Absent => Some(None),
                    Standing::At(lsn) => {
                        heads.iter().find(|head| head.lsn() == *lsn).map(|head| Some(head.check))
                    }
                    Standing::Merged(bytes) => Some(Some(check(Some(bytes)))),
                });
                state.before_mismatches += u64::from(had.is_some_and(|had| had != Some(check(Some(before)))));
            }
            (_, None) => {}
        }
        if heads.len() > 1 {
            state.settlings.push(entry.lsn);
        }
        if let Some(history) = history {
            self.push(history, entry, past, kept);
        }
        state.rows.settle(key, entry.head(effective_time));
        true
    }

    fn push(&self, history: &mut RowHistory, entry: &Entry<'_>, past: &Clock, kept: Option<i64>) -> u32 {
        let seen = |node: NodeId| self.log.node_index(node).map_or(0, |node| past.get(node));
        let past = history.past_of(entry.dot, seen);
        history.push(entry.dot, entry.lsn, entry.timestamp, entry.operation, kept.map(i128::from), past)
    }

    /// Takes note of an entry that has not seen all of its row. Returns its place in the history, and what its author had seen.
    fn part(
        &self,
        state: &mut State,
        history: &mut RowHistory,
        row: RowName<'_>,
        entry: &Entry<'_>,
        past: &Clock,
    ) -> (u32, crate::conflict::Cut) {
        let heads = state.rows.heads(row.key);
        let kept = state.late.get(&entry.lsn).copied();
        let index = self.push(history, entry, past, kept);
        let own = entry.timestamp.nanoseconds();
        let (author_past, effective_time) = match history.get(index) {
            Some(version) => (version.past.clone(), version.effective_time),
            None => Default::default(),
        };
        let effective_time = i64::try_from(effective_time).unwrap_or(i64::MAX);
        if effective_time != own {
            state.late.insert(entry.lsn, effective_time);
        }
        let predecessors = history.maximal(&author_past);
        if predecessors.len() > 1 {
            state.settlings.push(entry.lsn);
        }
        let position = |index: &u32| history.get(*index).map(|version| version.position);
        let predecessors: SmallVec<[u64; 4]> = predecessors.iter().filter_map(position).collect();
        state.forks.push(entry.lsn, &predecessors);
        let head = entry.head(effective_time);
        let order = history.maximal(&history.all());
        let heads = order.iter().filter_map(|index| history.get(*index)).filter_map(|version| {
            let known = heads.iter().find(|known| known.lsn() == version.position);
            known.copied().or_else(|| (version.position == entry.lsn).then_some(head))
        });
        let contested = Contested {
            table: row.table.into(),
            row_id: row.row_id.clone(),
            heads: heads.collect(),
            outcome: None,
        };
        state.rows.contest(row.key, contested);
        (index, author_past)
    }

    /// Does what has to be done under the lock, and in between what must not be: asks the application's functions, shows what was written.
    pub(super) fn run<T>(
        &self,
        writes: bool,
        mut attempt: impl FnMut(&mut State) -> Result<T, Stop>,
    ) -> Result<T> {
        loop {
            let mut state = if writes { self.lock_to_write()? } else { self.lock()? };
            let stop = loop {
                match attempt(&mut state) {
                    Ok(done) => return Ok(done),
                    Err(Stop::Finish) => self.finish_for_others(&mut state)?,
                    Err(stop) => break stop,
                }
            };
            drop(state);
            self.serve(stop)?;
        }
    }

    /// Does what must not be done under the lock.
    fn serve(&self, stop: Stop) -> Result<()> {
        match stop {
            Stop::Error(error) => Err(error),
            Stop::Finish => Ok(()),
            Stop::Ask(call) => {
                let outcome = call.ask();
                let mut state = self.state.lock();
                state.resolvers.store(self.log.storage(), &call, outcome)
            }
        }
    }

    /// Writes what `prepare` comes to under the lock, which is given back while the disk has it: others write meanwhile, and
    /// share its syncs.
    pub(super) fn write_prepared<Prepared: AsRef<[Change]>>(
        &self,
        later: bool,
        mut prepare: impl FnMut(&mut State) -> Result<Prepared, Stop>,
        write: impl Fn(&[&Change], &mut dyn Judge) -> Result<Appended>,
    ) -> Result<Appended> {
        loop {
            let mut guard = Some(self.lock_to_write()?);
            let stop = loop {
                let Some(state) = guard.as_mut() else { break Stop::Finish };
                if !later && self.log.options().durability != Durability::Sync {
                    // What does not wait for the disk would overtake what somebody is carrying there.
                    self.finish_for_others(state)?;
                }
                let written = prepare(state).and_then(|prepared| {
                    let changes: SmallVec<[&Change; 1]> = prepared.as_ref().iter().collect();
                    self.write_judged(&mut guard, &changes, later, &write)
                });
                match (written, guard.as_mut()) {
                    (Ok(appended), _) => return Ok(appended),
                    (Err(Stop::Finish), Some(state)) => self.finish_for_others(state)?,
                    (Err(stop), _) => break stop,
                }
            };
            drop(guard);
            self.serve(stop)?;
        }
    }

    /// What several heads of a row come to, worked out if it was not.
    pub(super) fn outcome_of(&self, state: &mut State, key: RowKey) -> Result<Option<Outcome>, Stop> {
        let Some(contested) = state.rows.contested(key) else { return Ok(None) };
        if let Some(outcome) = &contested.outcome {
            return Ok(Some(outcome.clone()));
        }
        let (table, row_id) = (contested.table.clone(), contested.row_id.clone());
        let row = RowName { key, table: &table, row_id: &row_id };
        let history = self.history(state, row)?;
        let registry = state.registry();
        let found = look(&self.log, &mut state.resolvers, &registry, &history, row, None, |resolver, _| {
            let resolved = resolver.state(&history.all())?;
            Ok(outcome(resolver, &history, &resolved)?)
        });
        state.histories.put(key, history);
        let outcome = found?;
        // Within a resolver it may lack the very answer that the resolver is about to give.
        if !state.resolvers.is_asking()
            && let Some(contested) = state.rows.contested_mut(key)
        {
            contested.outcome = Some(outcome.clone());
        }
        Ok(Some(outcome))
    }

    /// The dots of a row's heads.
    pub(super) fn head_dots(&self, heads: &[Head]) -> Vec<Dot> {
        heads.iter().map(|head| Dot::new(self.log.node_of(head.node), head.sequence)).collect()
    }
}
