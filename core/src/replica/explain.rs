use std::fmt;

use crate::change::{ChangeEntry, ChangeOperation};
use crate::conflict::{ConflictReport, dots};
use crate::error::Result;
use crate::id::{Dot, RowId};
use crate::payload::Payload;
use crate::replica::conflicts::Heads;
use crate::replica::contested::RowState;
use crate::replica::handle::Replica;
use crate::replica::judging::{RowName, entry_at};
use crate::replica::reading::check_table;

/// How a row became what it is: its entries, what each of them had seen, and every conflict on the way.
///
/// It follows from the entries alone, so that replicas with the same entries and rules tell the same, word for word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The table.
    pub table: String,
    /// The row within the table.
    pub row_id: RowId,
    /// Whether the row is there.
    pub is_live: bool,
    /// Its payload; `None` if it is not there, or has none.
    pub value: Option<Vec<u8>>,
    /// Whether the value is final.
    pub state: RowState,
    /// Its entries, each after all that its author had seen of the row; none if the row never was.
    pub steps: Vec<ExplanationStep>,
    /// The conflict that stands.
    pub standing: Option<ConflictReport<'static>>,
}

/// One entry in the story of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExplanationStep {
    /// The entry.
    pub entry: ChangeEntry,
    /// The entries that it follows on: the latest that its author had seen of the row.
    pub follows: Vec<Dot>,
    /// The entries before it in this list that its author had not seen, and that had not seen it.
    pub concurrent_with: Vec<Dot>,
    /// The conflict that it ended, if those that it follows on disagreed.
    pub settles: Option<ConflictReport<'static>>,
}

impl Replica {
    /// How a row became what it is.
    ///
    /// ```
    /// use causelog::{Replica, ReplicaOptions, sync};
    /// let (a, b) = (Replica::in_memory(ReplicaOptions::default())?, Replica::in_memory(ReplicaOptions::default())?);
    /// a.insert("orders", 42, "from a")?;
    /// b.insert("orders", 42, "from b")?;
    /// sync(&a, &b)?;
    /// println!("{}", a.why("orders", 42)?);
    /// assert_eq!(a.why("orders", 42)?.steps.len(), 2);
    /// # Ok::<(), causelog::Error>(())
    /// ```
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for an empty table name; otherwise as [`Replica::conflicts`].
    pub fn why(&self, table: &str, row_id: impl Into<RowId>) -> Result<Explanation> {
        check_table(table)?;
        let row_id = row_id.into();
        let key = self.keys.key_of(table, &row_id);
        let row = RowName { key, table, row_id: &row_id };
        self.run(false, |state| {
            let (value, row_state) = self.value(state, key)?;
            let history = self.history(state, row)?;
            // The canonical order puts each entry after those that it has seen.
            let mut order: Vec<u32> = history.iter().map(|(index, _)| index).collect();
            history.sort(&mut order);
            let mut steps: Vec<ExplanationStep> = Vec::with_capacity(order.len());
            for (number, index) in order.iter().enumerate() {
                let Some(version) = history.get(*index) else { continue };
                let seen = history.maximal(&version.past);
                let heads = Heads { cut: version.past.clone(), settled_by: Some(version.dot) };
                let registry = state.registry_at(version.position);
                let settles = match seen.len() {
                    0 | 1 => None,
                    _ => self.report(&mut state.resolvers, &registry, &history, row, &heads)?,
                };
                let earlier = order.get(..number).unwrap_or_default().iter();
                let unseen: Vec<u32> =
                    earlier.copied().filter(|other| !history.sees(*index, *other)).collect();
                steps.push(ExplanationStep {
                    entry: entry_at(&self.log, version.position)?,
                    follows: dots(&history, &seen),
                    concurrent_with: dots(&history, &unseen),
                    settles,
                });
            }
            state.histories.put(key, history);
            let standing = self.standing_report(state, row)?;
            Ok(Explanation {
                table: table.to_owned(),
                row_id: row_id.clone(),
                is_live: value.is_some(),
                value: value.flatten(),
                state: row_state,
                steps,
                standing,
            })
        })
    }
}

fn list(dots: &[Dot]) -> String {
    dots.iter().map(Dot::to_string).collect::<Vec<_>>().join(", ")
}

fn conflict(f: &mut fmt::Formatter<'_>, report: &ConflictReport<'_>) -> fmt::Result {
    let heads: Vec<Dot> = report.heads.iter().map(|head| head.dot()).collect();
    writeln!(f, "    {} conflict between {}", report.class, list(&heads))?;
    let rule = report.rule.as_deref().unwrap_or("none");
    writeln!(f, "    rule {rule}: {}", report.strategy)?;
    writeln!(f, "    {}: {}", report.reason_code, report.reason())?;
    for head in report.heads.iter().filter(|head| report.winner != crate::conflict::Winner::Head(head.dot()))
    {
        writeln!(f, "    not chosen {}: {}", head.dot(), Payload(head.after.as_deref()))?;
    }
    writeln!(f, "    value {}", Payload(report.value()))
}

/// Several lines of text for people.
impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.steps.is_empty() {
            return writeln!(f, "row {} of table {:?} never was", self.row_id, self.table);
        }
        let value = match (self.is_live, self.value.as_deref()) {
            (true, None) => "there, without a payload".to_owned(),
            (_, value) => Payload(value).to_string(),
        };
        writeln!(f, "row {} of table {:?} is {value} ({})", self.row_id, self.table, self.state)?;
        for step in &self.steps {
            let entry = &step.entry;
            writeln!(f, "  {} {} at {}", entry.operation, entry.dot(), entry.timestamp)?;
            if entry.operation != ChangeOperation::Delete {
                writeln!(f, "    after {}", Payload(entry.after.as_deref()))?;
            }
            for (key, value) in &entry.metadata {
                writeln!(f, "    {key} {value:?}")?;
            }
            if !step.follows.is_empty() {
                writeln!(f, "    follows {}", list(&step.follows))?;
            }
            if !step.concurrent_with.is_empty() {
                writeln!(f, "    concurrent with {}", list(&step.concurrent_with))?;
            }
            if let Some(report) = &step.settles {
                writeln!(f, "    settles conflict {}", report.id())?;
                conflict(f, report)?;
            }
        }
        if let Some(report) = &self.standing {
            writeln!(f, "  conflict {} stands", report.id())?;
            conflict(f, report)?;
        }
        Ok(())
    }
}
