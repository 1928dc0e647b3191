//! A made-up history of several nodes that edit the same rows, hear of each other late, and disagree.

use std::io::{self, Write};

use causelog::{ChangeOperation, Timestamp, Uuid};
use serde_json::{Value, json};

use crate::random::Random;

mod history;
mod tables;

use history::History;

/// What to generate. The same settings give the same trace, byte for byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Where the pseudo-random numbers start.
    pub seed: u64,
    /// How many transactions.
    pub transactions: usize,
    /// How many nodes; at least one.
    pub nodes: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { seed: 1, transactions: 3000, nodes: 5 }
    }
}

/// A generated history, in a causal order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GeneratedTrace {
    /// Every transaction, each after those that its author had seen.
    pub transactions: Vec<GeneratedTransaction>,
}

/// One transaction of a generated history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GeneratedTransaction {
    /// Its name in the trace.
    pub name: String,
    /// The node that wrote it.
    pub node: Uuid,
    /// The transactions whose whole past its author had seen, by their position in the
    /// history. Some are redundant: others of them have seen them.
    pub parents: Vec<usize>,
    /// RFC 3339; may tie with others and lie before that of a parent.
    pub timestamp: String,
    /// Its changes; none if it only merges what its author had seen.
    pub changes: Vec<GeneratedChange>,
}

/// One change of a generated history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GeneratedChange {
    /// The table's name.
    pub table: &'static str,
    /// The row: text or an integer.
    pub row_id: Value,
    /// What happens to the row.
    pub operation: ChangeOperation,
    /// The image after it, as compact JSON; absent on a delete.
    pub after: Option<String>,
}

impl GeneratedTrace {
    /// Makes up a history.
    pub fn generate(settings: Settings) -> GeneratedTrace {
        let mut random = Random::new(settings.seed);
        let mut history = History::new(settings.nodes, &mut random);
        while history.trace.transactions.len() < settings.transactions {
            history.step(&mut random);
        }
        history.trace
    }

    /// Writes the history as a trace, one line of JSON for each transaction.
    ///
    /// # Errors
    /// What writing to `out` returns.
    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        for (number, transaction) in self.transactions.iter().enumerate() {
            let line = self.line(transaction);
            // Some authors escape what others do not: the same text all the same.
            let line = if number % 7 == 3 { escaped(&line) } else { line };
            writeln!(out, "{line}")?;
        }
        out.flush()
    }

    fn line(&self, transaction: &GeneratedTransaction) -> String {
        let parents = transaction.parents.iter().filter_map(|parent| self.transactions.get(*parent));
        let parents: Vec<&str> = parents.map(|parent| parent.name.as_str()).collect();
        let changes: Vec<String> = transaction.changes.iter().map(GeneratedChange::to_json).collect();
        format!(
            r#"{{"txn":{},"node":"{}","parents":{},"timestamp":"{}","changes":[{}]}}"#,
            json!(transaction.name),
            transaction.node,
            json!(parents),
            transaction.timestamp,
            changes.join(",")
        )
    }
}

impl GeneratedChange {
    fn to_json(&self) -> String {
        let after = self.after.as_ref().map(|after| format!(",\"after\":{after}")).unwrap_or_default();
        format!(
            r#"{{"table":{},"row_id":{},"operation":"{}"{after}}}"#,
            json!(self.table),
            self.row_id,
            self.operation
        )
    }
}

/// The same JSON in ASCII: text beyond it can stand inside strings only, where it may be escaped.
fn escaped(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for character in json.chars() {
        if character.is_ascii() {
            out.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    out
}

/// The moment as a trace spells it: most in UTC, some with the author's offset.
fn spelled(moment: Timestamp, with_offset: bool) -> String {
    const OFFSET: i64 = 2 * 3_600_000_000_000;
    if !with_offset {
        return moment.to_string();
    }
    let local = Timestamp::from_nanoseconds(moment.nanoseconds().saturating_add(OFFSET));
    local.to_string().replace('Z', "+02:00")
}
