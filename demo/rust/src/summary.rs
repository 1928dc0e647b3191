//! The numbers that the job ends with, as JSON and as text.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write};
use std::time::Duration;

use causelog::ChangeOperation;
use serde::Serialize;

use crate::job::Outcome;

/// What a trace comes to: counts that two independent ways of working them out must agree on.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Summary {
    /// Lines of the trace.
    pub transactions: u64,
    /// Changes of all transactions.
    pub changes: u64,
    /// Rows that were ever changed.
    pub rows: u64,
    /// Pairs of changes of one row of which one's author had seen the other.
    pub pairs_ordered: u64,
    /// Pairs of changes of one row of which neither's author had seen the other.
    pub pairs_concurrent: u64,
    /// The concurrent pairs by their operations, the names in alphabetical order: `delete-update`.
    pub concurrent_by_operations: BTreeMap<String, u64>,
    /// Rows whose heads disagree at the end.
    pub conflicts_standing: u64,
    /// Changes that ended a disagreement of what their authors had seen.
    pub conflicts_settled: u64,
    /// Rows by the number of their heads.
    pub rows_by_heads_at_the_end: BTreeMap<usize, u64>,
}

impl Summary {
    /// Counts a pair of concurrent changes with these operations.
    pub(crate) fn count_concurrent(&mut self, one: ChangeOperation, other: ChangeOperation) {
        self.pairs_concurrent += 1;
        let (one, other) = (one.name().min(other.name()), one.name().max(other.name()));
        *self.concurrent_by_operations.entry(format!("{one}-{other}")).or_insert(0) += 1;
    }

    /// The summary as one line of JSON.
    pub fn to_json(&self) -> String {
        // Every key is a string and every number an integer: there is nothing to fail on.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Prints what the job found, as all four programs print it.
///
/// # Errors
/// What writing to `out` returns.
pub fn print(
    outcome: &Outcome,
    trace: impl fmt::Display,
    reports: impl fmt::Display,
    time: Duration,
    out: &mut impl Write,
) -> io::Result<()> {
    let summary = &outcome.summary;
    writeln!(out, "Rust: replay of {trace}")?;
    let mut line = |label: &str, number: u64| writeln!(out, "{}", row(label, number));
    line("  transactions", summary.transactions)?;
    line("  changes", summary.changes)?;
    line("  pairs ordered", summary.pairs_ordered)?;
    line("  pairs concurrent", summary.pairs_concurrent)?;
    for (operations, number) in &summary.concurrent_by_operations {
        line(&format!("    {operations}"), *number)?;
    }
    line("  rows", summary.rows)?;
    for (heads, number) in &summary.rows_by_heads_at_the_end {
        line(&format!("    with {heads} {}", if *heads == 1 { "head" } else { "heads" }), *number)?;
    }
    line("  conflicts standing", summary.conflicts_standing)?;
    line("  conflicts settled", summary.conflicts_settled)?;
    for (kind, number) in outcome.conflicts_by_class_and_reason() {
        line(&format!("    {kind}"), number)?;
    }
    writeln!(out, "  three reports in full:")?;
    for (number, report) in outcome.reports.iter().take(3).enumerate() {
        let separator = if number == 0 { "" } else { "\n" };
        writeln!(out, "{separator}{report}")?;
    }
    writeln!(out, "  reports written to {reports}")?;
    writeln!(out, "  time{:>23.3} s", time.as_secs_f64())
}

/// A label, and a number whose end stands below those of the other lines if there is room.
fn row(label: &str, number: u64) -> String {
    const WIDTH: usize = 30;
    let number = number.to_string();
    let room = WIDTH.saturating_sub(label.len()).max(number.len() + 1);
    format!("{label}{number:>room$}")
}
