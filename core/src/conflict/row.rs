use std::borrow::Cow;
use std::sync::Arc;

use crate::change::ChangeEntry;
use crate::conflict::history::{Cut, RowHistory, Version, VersionIndex};
use crate::conflict::report::ConflictReport;
use crate::conflict::resolve::{Answer, Halt, Image, Outside, Picked, Question, RowResolver, State, Value};
use crate::conflict::{ResolverRegistry, Winner};
use crate::error::{Error, Result};
use crate::id::Dot;
use crate::time::Timestamp;

/// What a row is, and which conflicts made it so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowResolution {
    /// Whether the row is there.
    pub is_live: bool,
    /// Its payload; `None` if it is not there, or has none.
    pub value: Option<Vec<u8>>,
    /// The entries that no other has seen, in canonical order.
    pub heads: Vec<Dot>,
    /// The conflict between them, if they disagree.
    pub standing: Option<ConflictReport<'static>>,
    /// Conflicts that a later entry ended, in the canonical order of those entries.
    pub settled: Vec<ConflictReport<'static>>,
}

/// The entries of one row, in memory.
pub(super) struct Entries<'a>(pub(super) &'a [&'a ChangeEntry]);

impl Outside for Entries<'_> {
    fn image(&self, version: &Version) -> Result<Image> {
        let entry = self.0.get(version.position as usize);
        Ok(entry.and_then(|entry| entry.after.as_deref()).map(Arc::from))
    }

    fn custom(&self, _: &Question) -> Answer {
        Answer::Missing
    }
}

/// Resolves a row by all of its entries, given in any order; each must come with all that its author had seen of the row.
pub(super) fn resolve_row(
    entries: &[&ChangeEntry],
    registry: &ResolverRegistry,
    detected_at: Timestamp,
) -> Result<RowResolution> {
    let Some(first) = entries.first() else { return Err(Error::invalid("a row without entries")) };
    let history = history(entries);
    let outside = Entries(entries);
    let mut resolver = RowResolver::new(&first.table, &history, registry, &outside);
    let entry = |version: &Version| {
        let entry = entries.get(version.position as usize);
        entry.map(|entry| (*entry).clone()).ok_or_else(|| Error::internal("an entry of a row is missing"))
    };
    let mut report = |cut: &Cut, settled_by| {
        let state = resolver.state(cut).map_err(unanswered)?;
        let report = report(&history, &mut resolver, registry, &state, settled_by, detected_at, &entry);
        Ok::<_, Error>((state, report.map_err(unanswered)?))
    };
    let mut settled = Vec::new();
    let mut order: Vec<VersionIndex> = history.iter().map(|(index, _)| index).collect();
    history.sort(&mut order);
    for version in order.iter().filter_map(|index| history.get(*index)) {
        if history.maximal(&version.past).len() > 1 {
            settled.extend(report(&version.past, Some(version.dot))?.1);
        }
    }
    let (state, standing) = report(&history.all(), None)?;
    let value = resolver.payload(&state.value)?;
    Ok(RowResolution {
        is_live: value.is_some(),
        value: value.flatten().map(|bytes| bytes.to_vec()),
        heads: dots(&history, &state.heads),
        standing,
        settled,
    })
}

/// The entries in an order in which each comes after all that its author had seen; their places are their positions.
fn history(entries: &[&ChangeEntry]) -> RowHistory {
    let mut order: Vec<usize> = (0..entries.len()).collect();
    // Who has seen another's entry has seen all that it had seen, so the sum of its clock is the higher one.
    let weight = |place: &usize| {
        entries.get(*place).map(|entry| {
            let seen: u128 = entry.vector_clock.iter().map(|(_, sequence)| u128::from(sequence)).sum();
            (seen, entry.dot())
        })
    };
    order.sort_by_cached_key(weight);
    let mut history = RowHistory::default();
    for place in order {
        if let Some(entry) = entries.get(place) {
            let past = history.past_of(entry.dot(), |node| entry.vector_clock.get(node));
            history.push(entry.dot(), place as u64, entry.timestamp, entry.operation, None, past);
        }
    }
    history
}

/// The dots of these entries.
pub(crate) fn dots(history: &RowHistory, heads: &[VersionIndex]) -> Vec<Dot> {
    heads.iter().filter_map(|head| history.get(*head)).map(|version| version.dot).collect()
}

/// What a halt means to somebody who asks no questions.
pub(crate) fn unanswered(halt: Halt) -> Error {
    match halt {
        Halt::Error(error) => error,
        Halt::Needs(_) | Halt::Asks(_) => Error::internal("a row was not resolved to its end"),
    }
}

/// The report of how a set of entries was resolved; `None` if its heads do not disagree.
pub(crate) fn report(
    history: &RowHistory,
    resolver: &mut RowResolver<'_>,
    registry: &ResolverRegistry,
    state: &State,
    settled_by: Option<Dot>,
    detected_at: Timestamp,
    entry: &dyn Fn(&Version) -> Result<ChangeEntry>,
) -> Result<Option<ConflictReport<'static>>, Halt> {
    let Some(conflict) = &state.conflict else { return Ok(None) };
    if !resolver.disagree(&state.heads)? {
        return Ok(None);
    }
    let dot = |index: VersionIndex| {
        let version = history.get(index).ok_or_else(|| Error::internal("a head of a row is missing"))?;
        Ok::<_, Error>(version.dot)
    };
    let mut heads: Vec<Cow<'static, ChangeEntry>> = Vec::with_capacity(state.heads.len());
    for head in &state.heads {
        let version = history.get(*head).ok_or_else(|| Error::internal("a head of a row is missing"))?;
        heads.push(Cow::Owned(entry(version)?));
    }
    let [first, ..] = heads.as_slice() else {
        return Err(Error::internal("a conflict without heads").into());
    };
    let ancestor = resolver.ancestor(&state.heads)?;
    let class = resolver.class(&state.heads, &ancestor);
    let (rule, strategy) = registry.rule(&first.table, class);
    let (winner, value_from) = winner(history, conflict.picked, &state.value, state.heads.last().copied());
    let ancestor = resolver.payload(&ancestor.value)?;
    let (is_live, own_value) = own_value(resolver, &state.value, value_from)?;
    Ok(Some(ConflictReport {
        table: Cow::Owned(first.table.clone()),
        row_id: first.row_id.clone(),
        class,
        ancestor: ancestor.flatten().map(|bytes| bytes.to_vec()),
        strategy: strategy.clone(),
        rule: Some(rule.to_string()),
        registry: Some(registry.fingerprint()),
        winner,
        reason_code: conflict.reason,
        settled_by,
        detected_at,
        is_live,
        value_from,
        own_value,
        runner_up: conflict.runner_up.map(dot).transpose()?,
        sides: None,
        heads,
    }))
}

/// Who won, as a report says it, and the head whose value the row has, if it has one's.
pub(super) fn winner(
    history: &RowHistory,
    picked: Picked,
    value: &Value,
    last: Option<VersionIndex>,
) -> (Winner, Option<Dot>) {
    let dot = |index: VersionIndex| history.get(index).map(|version| version.dot);
    match picked {
        Picked::Head(index) => match dot(index) {
            Some(dot) => (Winner::Head(dot), Some(dot)),
            None => (Winner::Pending, None),
        },
        Picked::Merged => (Winner::Merged, None),
        Picked::Pending => match value {
            Value::Image(index) => (Winner::Pending, dot(*index)),
            Value::Absent => (Winner::Pending, last.and_then(dot)),
            Value::Merged(_) => (Winner::Pending, None),
        },
    }
}

/// Whether the row is there, and its value unless `value_from`, a head, carries it.
pub(super) fn own_value(
    resolver: &mut RowResolver<'_>,
    value: &Value,
    value_from: Option<Dot>,
) -> Result<(bool, Option<Vec<u8>>)> {
    match (value, value_from) {
        (Value::Absent, _) => Ok((false, None)),
        (Value::Image(_), Some(_)) => Ok((true, None)),
        (Value::Image(_) | Value::Merged(_), _) => {
            let payload = resolver.payload(value)?.flatten();
            Ok((true, payload.map(|bytes| bytes.to_vec())))
        }
    }
}
