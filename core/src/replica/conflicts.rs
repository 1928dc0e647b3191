use crate::conflict::{ConflictClass, ConflictReport, Cut, ResolverRegistry, RowHistory, report};
use crate::error::{Error, ErrorCode, Result};
use crate::id::{Dot, RowId};
use crate::replica::asking::Resolvers;
use crate::replica::handle::{Replica, State};
use crate::replica::judging::{RowName, Stop, look, read_at};
use crate::replica::rows::RowKey;

/// Which conflicts to report. Every field narrows the answer; the default is all of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConflictQuery {
    /// Only those of this table.
    pub table: Option<String>,
    /// Only those of rows with this id, in whichever table.
    pub row_id: Option<RowId>,
    /// Only those of this class.
    pub class: Option<ConflictClass>,
    /// Only those that are settled, or only those that stand.
    pub settled: Option<bool>,
    /// Of the settled ones only those that an entry after this LSN settled: the last one that was handled, or 0.
    pub since: u64,
    /// At most so many.
    pub limit: Option<u64>,
}

/// A set of a row's entries that was or is in conflict.
pub(super) struct Heads {
    pub(super) cut: Cut,
    pub(super) settled_by: Option<Dot>,
}

impl Replica {
    /// The conflicts that stand: rows whose heads disagree, by table and row id. They are resolved, or wait in the
    /// [`Replica::inbox`].
    ///
    /// Two replicas with the same entries and rules report the same, byte for byte.
    ///
    /// # Errors
    /// `CLOSED`, `CORRUPT` or `IO` when the log cannot be read.
    pub fn conflicts(&self) -> Result<Vec<ConflictReport<'static>>> {
        self.query_conflicts(&ConflictQuery { settled: Some(false), ..ConflictQuery::default() })
    }

    /// The conflicts that an entry ended whose author had seen all of their heads, in the order of those entries in this log.
    ///
    /// # Errors
    /// As [`Replica::conflicts`].
    pub fn settled_conflicts(&self) -> Result<Vec<ConflictReport<'static>>> {
        self.query_conflicts(&ConflictQuery { settled: Some(true), ..ConflictQuery::default() })
    }

    /// The conflicts that are asked for: first those that stand, by table and row id, then those that are settled, in
    /// the order of the entries that settled them.
    ///
    /// ```
    /// use causelog::{ConflictQuery, Replica, ReplicaOptions, sync};
    /// let (a, b) = (Replica::in_memory(ReplicaOptions::default())?, Replica::in_memory(ReplicaOptions::default())?);
    /// a.insert("orders", 42, "from a")?;
    /// b.insert("orders", 42, "from b")?;
    /// sync(&a, &b)?;
    /// let query = ConflictQuery { table: Some("orders".to_owned()), settled: Some(false), ..Default::default() };
    /// assert_eq!(a.query_conflicts(&query)?.len(), 1);
    /// # Ok::<(), causelog::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Replica::conflicts`].
    pub fn query_conflicts(&self, query: &ConflictQuery) -> Result<Vec<ConflictReport<'static>>> {
        let limit = query.limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
        let mut found = Vec::new();
        if query.settled != Some(true) {
            for (key, table, row_id) in self.contested_rows(query)? {
                if found.len() >= limit {
                    return Ok(found);
                }
                let report = self.run(false, |state| {
                    let row = RowName { key, table: &table, row_id: &row_id };
                    self.standing_report(state, row)
                })?;
                found.extend(report.filter(|report| query.class.is_none_or(|class| class == report.class)));
            }
        }
        if query.settled != Some(false) {
            let settlings = {
                let mut state = self.lock()?;
                self.finish_for_others(&mut state)?;
                let first = state.settlings.partition_point(|lsn| *lsn <= query.since);
                state.settlings.get(first..).unwrap_or_default().to_vec()
            };
            for lsn in settlings {
                if found.len() >= limit {
                    return Ok(found);
                }
                let report = self.run(false, |state| self.settled_report(state, lsn, query))?;
                found.extend(report.filter(|report| query.class.is_none_or(|class| class == report.class)));
            }
        }
        Ok(found)
    }

    /// The rows with several heads, by table and row id.
    pub(super) fn contested_rows(
        &self,
        query: &ConflictQuery,
    ) -> Result<Vec<(RowKey, std::sync::Arc<str>, RowId)>> {
        let mut state = self.lock()?;
        // Nobody is told of a conflict, or of its end, before that is as durable as asked for.
        self.finish_for_others(&mut state)?;
        let wanted = |table: &str, row_id: &RowId| {
            query.table.as_ref().is_none_or(|wanted| wanted == table)
                && query.row_id.as_ref().is_none_or(|wanted| wanted == row_id)
        };
        let contested = state.rows.all_contested();
        let mut rows: Vec<_> = contested
            .filter(|(_, contested)| wanted(&contested.table, &contested.row_id))
            .map(|(key, contested)| (key, contested.table.clone(), contested.row_id.clone()))
            .collect();
        rows.sort_by(|a, b| (&a.1, &a.2).cmp(&(&b.1, &b.2)));
        Ok(rows)
    }

    pub(super) fn standing_report(
        &self,
        state: &mut State,
        row: RowName<'_>,
    ) -> Result<Option<ConflictReport<'static>>, Stop> {
        if state.rows.contested(row.key).is_none() {
            return Ok(None);
        }
        let history = self.history(state, row)?;
        let registry = state.registry();
        let heads = Heads { cut: history.all(), settled_by: None };
        let found = self.report(&mut state.resolvers, &registry, &history, row, &heads);
        state.histories.put(row.key, history);
        found
    }

    /// The report of the conflict that the entry with this LSN ended, if its row is asked for and its heads disagreed.
    pub(super) fn settled_report(
        &self,
        state: &mut State,
        lsn: u64,
        query: &ConflictQuery,
    ) -> Result<Option<ConflictReport<'static>>, Stop> {
        if !state.unfinished.is_empty() {
            return Err(Stop::Finish);
        }
        let name =
            read_at(&self.log, lsn, |entry| Ok((entry.table.to_owned(), entry.row_id()?, entry.dot())));
        let (table, row_id, dot) = match name {
            Ok(name) => name,
            // Compaction has taken it.
            Err(error) if error.code() == ErrorCode::Truncated => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        if query.table.as_ref().is_some_and(|wanted| *wanted != table)
            || query.row_id.as_ref().is_some_and(|wanted| *wanted != row_id)
        {
            return Ok(None);
        }
        let key = self.keys.key_of(&table, &row_id);
        let row = RowName { key, table: &table, row_id: &row_id };
        let history = self.history(state, row)?;
        let registry = state.registry_at(lsn);
        let settling = history.find(dot).and_then(|index| history.get(index));
        let found = match settling {
            Some(version) => {
                let heads = Heads { cut: version.past.clone(), settled_by: Some(dot) };
                self.report(&mut state.resolvers, &registry, &history, row, &heads)
            }
            None => Ok(None),
        };
        state.histories.put(key, history);
        found
    }

    pub(super) fn report(
        &self,
        resolvers: &mut Resolvers,
        registry: &ResolverRegistry,
        history: &RowHistory,
        row: RowName<'_>,
        heads: &Heads,
    ) -> Result<Option<ConflictReport<'static>>, Stop> {
        let now = self.log.options().time.now();
        look(&self.log, resolvers, registry, history, row, None, |resolver, known| {
            let resolved = resolver.state(&heads.cut)?;
            let entry = |version: &_| known.entry(version);
            report(history, resolver, registry, &resolved, heads.settled_by, now, &entry)
        })
    }

    /// Resolves a conflict again, from the log and by the rules that were in force then: a report that this replica, or one with the
    /// same entries, has made comes out the same. The conflict need not stand any longer.
    ///
    /// # Errors
    /// `NOT_FOUND` when the log lacks one of the heads, or the registry of the report was never in force here; `INVALID_ARGUMENT` for
    /// a report of a plain detector, which knows no rules; `TRUNCATED` when compaction has removed what it takes; otherwise as [`Replica::conflicts`].
    pub fn replay(&self, report: &ConflictReport<'_>) -> Result<ConflictReport<'static>> {
        let Some(fingerprint) = &report.registry else {
            return Err(Error::invalid(
                "the report is of a plain detector, which has no registry: resolve its heads again",
            ));
        };
        let not_found = |what: String| Error::new(ErrorCode::NotFound, what);
        let key = self.keys.key_of(&report.table, &report.row_id);
        let row = RowName { key, table: &report.table, row_id: &report.row_id };
        let replayed = self.run(false, |state| {
            let mut versions = state.registries.iter().rev();
            let registry = versions.find(|version| version.registry.fingerprint() == *fingerprint);
            let registry = registry
                .map(|version| version.registry.clone())
                .ok_or_else(|| not_found(format!("the registry {fingerprint} was never in force here")))?;
            let history = self.history(state, row)?;
            let mut indexes = Vec::new();
            for head in &report.heads {
                let index = history.find(head.dot());
                let missing = || not_found(format!("the log holds no change {} of the row", head.dot()));
                indexes.push(index.ok_or_else(missing)?);
            }
            let cut = history.joined(&indexes);
            let heads = Heads { cut, settled_by: report.settled_by };
            let found = self.report(&mut state.resolvers, &registry, &history, row, &heads);
            state.histories.put(key, history);
            found
        })?;
        let mut replayed = replayed.ok_or_else(|| {
            Error::new(
                ErrorCode::Truncated,
                "the heads of the report do not disagree: what it takes was removed",
            )
        })?;
        replayed.detected_at = report.detected_at;
        Ok(replayed)
    }
}
