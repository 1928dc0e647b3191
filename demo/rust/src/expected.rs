//! The answers to a generated trace, worked out from its transactions' parents alone.
//!
//! No clock and no log is involved: whether one change had seen another is looked up in
//! the set of all ancestors of its transaction. Slow and simple, to check the job by.

use std::collections::HashMap;

use crate::bit_set::BitSet;
use crate::generator::{GeneratedChange, GeneratedTrace};
use crate::summary::Summary;

/// A change and its place: number of the transaction, number within it.
#[derive(Clone, Copy)]
struct Placed<'a> {
    transaction: usize,
    position: usize,
    change: &'a GeneratedChange,
}

/// For every transaction the numbers of all that its author had seen.
struct Ancestors(Vec<BitSet>);

/// The numbers that the job must end with on this trace.
pub fn summary(trace: &GeneratedTrace) -> Summary {
    let ancestors = Ancestors::of(trace);
    let rows = rows(trace);
    let mut summary = Summary {
        transactions: trace.transactions.len() as u64,
        changes: rows.values().map(|changes| changes.len() as u64).sum(),
        rows: rows.len() as u64,
        ..Default::default()
    };
    for changes in rows.values() {
        for (number, later) in changes.iter().enumerate() {
            let (seen, unseen): (Vec<Placed<'_>>, Vec<Placed<'_>>) =
                changes.iter().take(number).partition(|earlier| ancestors.saw(later, earlier));
            summary.pairs_ordered += seen.len() as u64;
            for earlier in unseen {
                summary.count_concurrent(earlier.change.operation, later.change.operation);
            }
            summary.conflicts_settled += u64::from(disagree(&ancestors.maximal(&seen)));
        }
        let heads = ancestors.maximal(changes);
        *summary.rows_by_heads_at_the_end.entry(heads.len()).or_insert(0) += 1;
        summary.conflicts_standing += u64::from(disagree(&heads));
    }
    summary
}

impl Ancestors {
    fn of(trace: &GeneratedTrace) -> Ancestors {
        let mut ancestors: Vec<BitSet> = Vec::with_capacity(trace.transactions.len());
        for transaction in &trace.transactions {
            let mut past = BitSet::default();
            for parent in &transaction.parents {
                past.insert(*parent);
                ancestors.get(*parent).into_iter().for_each(|further| past.union(further));
            }
            ancestors.push(past);
        }
        Ancestors(ancestors)
    }

    /// Whether the author of `later` had seen `earlier`.
    fn saw(&self, later: &Placed<'_>, earlier: &Placed<'_>) -> bool {
        if earlier.transaction == later.transaction {
            earlier.position < later.position
        } else {
            self.0.get(later.transaction).is_some_and(|past| past.contains(earlier.transaction))
        }
    }

    /// Those of `changes` that the author of no other of them had seen.
    fn maximal<'a>(&self, changes: &[Placed<'a>]) -> Vec<Placed<'a>> {
        let unseen = |one: &&Placed<'a>| !changes.iter().any(|other| self.saw(other, one));
        changes.iter().filter(unseen).copied().collect()
    }
}

/// The changes of each row.
fn rows(trace: &GeneratedTrace) -> HashMap<(&str, String), Vec<Placed<'_>>> {
    let mut rows: HashMap<_, Vec<Placed<'_>>> = HashMap::new();
    for (transaction, generated) in trace.transactions.iter().enumerate() {
        for (position, change) in generated.changes.iter().enumerate() {
            // As JSON, a number and the same number as text differ.
            let row = (change.table, change.row_id.to_string());
            rows.entry(row).or_default().push(Placed { transaction, position, change });
        }
    }
    rows
}

fn disagree(changes: &[Placed<'_>]) -> bool {
    changes.iter().zip(changes.iter().skip(1)).any(|(one, other)| one.change.after != other.change.after)
}
