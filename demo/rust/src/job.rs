//! The job: append a trace to a log, compare every two changes of every row, report the conflicts.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use causelog::{
    ChangeEntry, ChangeLog, ConflictDetector, ConflictReport, ConflictResolution, Durability, LogOptions,
    ManualTime, QueryOptions, RowId, Timestamp,
};

use crate::failure::Failure;
use crate::summary::Summary;
use crate::trace::TraceReader;

/// The time that it is during the job, 2100-01-01T00:00:00Z: later than any trace, and
/// the same in every run, so that the reports are the same as well.
pub const NOW: Timestamp = Timestamp::from_nanoseconds(4_102_444_800_000_000_000);

/// How the job opens its log. It makes the whole trace durable at once, with one sync in
/// the end, instead of every transaction by itself: a job that is cut short is done again.
pub fn log_options() -> LogOptions {
    let time = Arc::new(ManualTime::new(NOW));
    LogOptions { durability: Durability::Os, time, ..Default::default() }
}

/// What the job found.
#[derive(Debug)]
pub struct Outcome {
    /// The numbers.
    pub summary: Summary,
    /// The settled conflicts in the order of the log, then the standing ones in the
    /// order in which their rows first appear there.
    pub reports: Vec<ConflictReport<'static>>,
}

/// Does the whole job on `log`, which `place` names in messages.
///
/// The log may hold the trace already, or the first part of it: transactions that
/// are there are recognised and not written again.
///
/// # Errors
/// What the trace and the log return, with the line or the log named.
pub fn run(trace: TraceReader, log: &ChangeLog, place: impl fmt::Display) -> Result<Outcome, Failure> {
    let transactions = append(trace, log)?;
    log.sync().and_then(|()| analyse(log, transactions)).map_err(|error| Failure::at(place, error))
}

/// Appends every transaction of the trace and returns how many there are.
fn append(trace: TraceReader, log: &ChangeLog) -> Result<u64, Failure> {
    let mut transactions = 0;
    for read in trace {
        let read = read?;
        log.append_remote(&read.transaction).map_err(|error| Failure::at(read.place, error))?;
        transactions += 1;
    }
    Ok(transactions)
}

fn analyse(log: &ChangeLog, transactions: u64) -> causelog::Result<Outcome> {
    let detector =
        ConflictDetector::with_time(ConflictResolution::LastWriteWins, Arc::new(ManualTime::new(NOW)));
    let mut summary = Summary { transactions, ..Default::default() };
    let mut reports = Vec::new();
    let mut rows: Vec<Row> = Vec::new();
    let mut numbers: HashMap<(String, RowId), usize> = HashMap::new();

    for entry in log.query(QueryOptions::default())? {
        let entry = Rc::new(entry?);
        let number = *numbers.entry((entry.table.clone(), entry.row_id.clone())).or_insert_with(|| {
            rows.push(Row::default());
            rows.len() - 1
        });
        let Some(row) = rows.get_mut(number) else { continue };
        summary.changes += 1;
        let settled = row.take(&entry, &mut summary);
        if disagree(&settled) {
            reports.push(detector.resolve(settled.iter().map(Rc::as_ref), Some(entry.dot()))?.into_owned());
        }
    }

    summary.conflicts_settled = reports.len() as u64;
    summary.rows = rows.len() as u64;
    for row in &rows {
        *summary.rows_by_heads_at_the_end.entry(row.heads.len()).or_insert(0) += 1;
        if disagree(&row.heads) {
            reports.push(detector.resolve(row.heads.iter().map(Rc::as_ref), None)?.into_owned());
        }
    }
    summary.conflicts_standing = reports.len() as u64 - summary.conflicts_settled;
    Ok(Outcome { summary, reports })
}

/// What became of one row, in the order of the log.
#[derive(Default)]
struct Row {
    entries: Vec<Rc<ChangeEntry>>,
    /// Those that no other entry of the row has seen.
    heads: Vec<Rc<ChangeEntry>>,
}

impl Row {
    /// Compares `entry` with every earlier one, adds it, and returns its immediate
    /// predecessors: the latest entries that its author had seen.
    fn take(&mut self, entry: &Rc<ChangeEntry>, summary: &mut Summary) -> Vec<Rc<ChangeEntry>> {
        for earlier in &self.entries {
            if entry.vector_clock.covers(earlier.dot()) {
                summary.pairs_ordered += 1;
            } else {
                summary.count_concurrent(earlier.operation, entry.operation);
            }
        }
        // The log's order is causal: going backwards, an entry comes before all that it has seen.
        let mut predecessors: Vec<Rc<ChangeEntry>> = Vec::new();
        for earlier in self.entries.iter().rev() {
            let dot = earlier.dot();
            let covered_by = |other: &Rc<ChangeEntry>| other.vector_clock.covers(dot);
            if covered_by(entry) && !predecessors.iter().any(covered_by) {
                predecessors.push(earlier.clone());
            }
        }
        self.heads.retain(|head| !entry.vector_clock.covers(head.dot()));
        self.heads.push(entry.clone());
        self.entries.push(entry.clone());
        predecessors
    }
}

/// Whether these entries left the row in more than one state.
fn disagree(entries: &[Rc<ChangeEntry>]) -> bool {
    entries.iter().zip(entries.iter().skip(1)).any(|(one, other)| one.after != other.after)
}

impl Outcome {
    /// How many conflicts there are of each class and reason, by the line that the programs print for them.
    pub fn conflicts_by_class_and_reason(&self) -> BTreeMap<String, u64> {
        let mut counts = BTreeMap::new();
        for report in &self.reports {
            *counts.entry(format!("{}, won by {}", report.class, report.reason_code.name())).or_insert(0) +=
                1;
        }
        counts
    }
}
