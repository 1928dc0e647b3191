use crate::conflict::{ConflictReport, ResolverRegistry};
use crate::error::Result;
use crate::replica::conflicts::{ConflictQuery, Heads};
use crate::replica::handle::Replica;
use crate::replica::judging::{RowName, Stop};

/// A conflict, and how other rules would have decided it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WhatIf {
    /// How it was decided.
    pub decided: ConflictReport<'static>,
    /// How it would have been.
    pub would_be: ConflictReport<'static>,
}

impl WhatIf {
    /// Whether the row would have had another value.
    pub fn differs(&self) -> bool {
        let is = |report: &ConflictReport| (report.value().map(<[u8]>::to_vec), report.leaves_live());
        is(&self.decided) != is(&self.would_be)
    }
}

impl Replica {
    /// Resolves conflicts by other rules, beside how they were decided. Nothing is changed and nothing is kept, also of what
    /// the application's resolvers answer.
    ///
    /// ```
    /// use causelog::{ConflictQuery, ConflictResolution, Replica, ReplicaOptions, ResolverRegistry, sync};
    /// let (a, b) = (Replica::in_memory(ReplicaOptions::default())?, Replica::in_memory(ReplicaOptions::default())?);
    /// a.insert("orders", 42, "first")?;
    /// b.insert("orders", 42, "second")?;
    /// sync(&a, &b)?;
    /// let other = ResolverRegistry::new(ConflictResolution::FirstWriteWins);
    /// let answers = a.what_if(&other, &ConflictQuery::default())?;
    /// assert!(answers[0].differs());
    /// # Ok::<(), causelog::Error>(())
    /// ```
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` as [`ResolverRegistry::validate`] says; otherwise as [`Replica::conflicts`].
    pub fn what_if(&self, registry: &ResolverRegistry, query: &ConflictQuery) -> Result<Vec<WhatIf>> {
        registry.validate()?;
        let mut found = Vec::new();
        let mut scratch = self.lock()?.resolvers.scratch();
        for decided in self.query_conflicts(query)? {
            let key = self.keys.key_of(&decided.table, &decided.row_id);
            let row = RowName { key, table: &decided.table, row_id: &decided.row_id };
            let would_be = loop {
                let mut state = self.lock()?;
                self.finish_for_others(&mut state)?;
                let history = match self.history(&mut state, row) {
                    Ok(history) => history,
                    Err(Stop::Error(error)) => return Err(error),
                    Err(Stop::Finish | Stop::Ask(_)) => continue,
                };
                let indexes: Vec<_> =
                    decided.heads.iter().filter_map(|head| history.find(head.dot())).collect();
                let heads = Heads { cut: history.joined(&indexes), settled_by: decided.settled_by };
                let report = self.report(&mut scratch, registry, &history, row, &heads);
                state.histories.put(key, history);
                drop(state);
                match report {
                    Ok(report) => break report,
                    Err(Stop::Error(error)) => return Err(error),
                    Err(Stop::Finish) => {}
                    Err(Stop::Ask(call)) => {
                        // Here, too, the function may only read.
                        self.lock()?.resolvers.begin(call.key);
                        let outcome = call.ask();
                        self.state.lock().resolvers.asked(call.key);
                        scratch.store_for_now(&call, outcome);
                    }
                }
            };
            found.extend(would_be.map(|would_be| WhatIf { decided, would_be }));
        }
        Ok(found)
    }
}
