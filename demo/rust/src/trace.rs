//! Reading a trace, and checking that it is one.
//!
//! A trace is a text of JSON objects, one transaction a line, in a causal order:
//! `txn` (a name), `node` (a UUID), `parents` (names of the transactions whose whole
//! past the author had seen), `timestamp` (RFC 3339), and `changes`, each with `table`,
//! `row_id` (text or an integer), `operation` and, but for deletes, `after` (an object).

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use causelog::{Change, ChangeOperation, Dot, NodeId, RowId, Timestamp, Transaction};
use flate2::bufread::MultiGzDecoder;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::failure::Failure;
use crate::payload;

/// The transactions of a trace, read line by line.
///
/// Names become dots on the way: a node's transactions are numbered in the order in which they stand.
pub struct TraceReader {
    place: String,
    lines: Box<dyn BufRead>,
    line_number: u64,
    dots: HashMap<String, Dot>,
    /// The last sequence of each node.
    sequences: HashMap<NodeId, u64>,
}

/// A transaction of a trace, and where it stands.
#[derive(Debug)]
pub struct TraceTransaction {
    /// File and line, for messages.
    pub place: String,
    /// The transaction in the form that a log takes.
    pub transaction: Transaction,
}

impl TraceReader {
    /// The trace in the file `path`, compressed with gzip if its name ends in `.gz`.
    ///
    /// # Errors
    /// `IO` when the file cannot be opened.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let file = BufReader::new(File::open(path).map_err(Failure::file(path))?);
        let compressed = path.extension().is_some_and(|extension| extension == "gz");
        let lines: Box<dyn BufRead> =
            if compressed { Box::new(BufReader::new(MultiGzDecoder::new(file))) } else { Box::new(file) };
        Ok(Self::new(path.display().to_string(), lines))
    }

    /// The trace that `lines` hold; `place` names it in messages.
    pub fn new(place: String, lines: Box<dyn BufRead>) -> Self {
        TraceReader { place, lines, line_number: 0, dots: HashMap::new(), sequences: HashMap::new() }
    }

    /// The next transaction; `None` after the last one.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for a line that is no transaction, or one that names a parent
    /// which does not stand before it, or has a name that was taken before, and for an
    /// empty trace; `IO` when the file cannot be read. The trace should not be read on after that.
    pub fn read(&mut self) -> Result<Option<TraceTransaction>, Failure> {
        let mut bytes = Vec::new();
        let length = self
            .lines
            .read_until(b'\n', &mut bytes)
            .map_err(|error| Failure::io(self.at(self.line_number + 1), error))?;
        if length == 0 && self.line_number == 0 {
            return Err(Failure::invalid(&self.place, "the trace is empty"));
        }
        if length == 0 {
            return Ok(None);
        }
        self.line_number += 1;
        let place = self.at(self.line_number);
        let line = Line::parse(&bytes).map_err(|message| Failure::invalid(&place, message))?;
        let transaction = self.transaction(line).map_err(|message| Failure::invalid(&place, message))?;
        Ok(Some(TraceTransaction { place, transaction }))
    }

    fn at(&self, line_number: u64) -> String {
        format!("{}:{line_number}", self.place)
    }

    fn transaction(&mut self, line: Line) -> Result<Transaction, String> {
        let node =
            NodeId::try_parse(&line.node).map_err(|_| format!("node is not a UUID: {:?}", line.node))?;
        let timestamp: Timestamp =
            line.timestamp.parse().map_err(|error: causelog::Error| error.to_string())?;
        let dependencies = line.parents.iter().map(|parent| {
            let dot = self.dots.get(parent).copied();
            dot.ok_or_else(|| format!("parent {parent:?} does not stand before its child"))
        });
        let dependencies = dependencies.collect::<Result<_, _>>()?;
        let changes: Vec<Change> =
            line.changes.into_iter().map(LineChange::change).collect::<Result<_, _>>()?;
        if self.dots.contains_key(&line.txn) {
            return Err(format!("transaction {:?} stands here a second time", line.txn));
        }
        let sequence = self.sequences.entry(node).or_insert(0);
        *sequence += changes.len().max(1) as u64;
        self.dots.insert(line.txn, Dot::new(node, *sequence));
        Ok(Transaction { node, sequence: *sequence, dependencies, timestamp, changes })
    }
}

impl Iterator for TraceReader {
    type Item = Result<TraceTransaction, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

/// A line as it stands in the file.
#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct Line {
    txn: String,
    node: String,
    parents: Vec<String>,
    timestamp: String,
    changes: Vec<LineChange>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct LineChange {
    table: String,
    row_id: serde_json::Value,
    operation: String,
    after: Option<Box<RawValue>>,
}

impl Line {
    fn parse(bytes: &[u8]) -> Result<Line, String> {
        let text = std::str::from_utf8(bytes)
            .map_err(|error| format!("not UTF-8 from byte {} of the line on", error.valid_up_to() + 1))?;
        serde_json::from_str(text).map_err(|error| {
            let message = error.to_string();
            // Its own line number is always 1: it sees one line.
            let what = message.split(" at line ").next().unwrap_or_default();
            let kind = if error.is_data() { "not a transaction" } else { "not JSON" };
            format!("{kind}: {what} at column {}", error.column())
        })
    }
}

impl LineChange {
    fn change(self) -> Result<Change, String> {
        let row_id = match &self.row_id {
            serde_json::Value::String(text) => RowId::from(text.as_str()),
            other => {
                let integer = other.as_i64().map(RowId::from);
                integer.ok_or_else(|| format!("row_id is neither text nor a 64-bit integer: {other}"))?
            }
        };
        let operation: ChangeOperation =
            self.operation.parse().map_err(|error: causelog::Error| error.to_string())?;
        let after = match (operation, self.after) {
            (ChangeOperation::Insert | ChangeOperation::Update, None) => {
                return Err(format!(
                    "an {operation} needs an image after it: row {row_id} of table {:?}",
                    self.table
                ));
            }
            (_, Some(raw)) if !raw.get().starts_with('{') => {
                return Err(format!("after is not an object: {raw}"));
            }
            (_, Some(raw)) => {
                let json = payload::compact(&raw).map_err(|error| format!("after is not text: {error}"))?;
                Some(json.into_bytes())
            }
            (ChangeOperation::Delete, None) => None,
        };
        Ok(Change::new(self.table, row_id, operation, None, after))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use causelog::ErrorCode;

    const NODE: &str = "00000000-0000-0000-0000-00000000000a";

    fn reader(lines: &[&str]) -> TraceReader {
        let text = lines.iter().map(|line| line.replace("NODE", NODE) + "\n").collect::<String>();
        TraceReader::new("trace".to_owned(), Box::new(std::io::Cursor::new(text.into_bytes())))
    }

    fn failure(lines: &[&str]) -> String {
        let failure = reader(lines).find_map(Result::err).expect("a trace that is refused");
        assert_eq!(failure.code(), ErrorCode::InvalidArgument);
        failure.to_string()
    }

    const FIRST: &str =
        r#"{"txn":"a","node":"NODE","parents":[],"timestamp":"2024-01-01T00:00:00Z","changes":[]}"#;

    #[test]
    fn a_transaction_takes_as_many_sequences_as_it_has_changes_and_one_without() {
        let second = r#"{"txn":"b","node":"NODE","parents":["a"],"timestamp":"2024-01-01T02:00:00.5+02:00",
            "changes":[{"table":"t","row_id":7,"operation":"insert","after":{"z": 1, "a": "\u00e9"}},
            {"table":"t","row_id":"7","operation":"delete"}]}"#
            .replace('\n', " ");
        let read: Vec<_> = reader(&[FIRST, &second]).map(|read| read.unwrap().transaction).collect();
        let node: NodeId = NODE.parse().unwrap();
        assert_eq!(read[0].dot(), Dot::new(node, 1));
        assert_eq!(read[1].dot(), Dot::new(node, 3));
        assert_eq!(read[1].dependencies, [Dot::new(node, 1)]);
        assert_eq!(read[1].timestamp.to_string(), "2024-01-01T00:00:00.500Z");
        assert_eq!(read[1].changes[0].row_id, RowId::from(7));
        assert_eq!(read[1].changes[0].after.as_deref(), Some("{\"z\":1,\"a\":\"\u{e9}\"}".as_bytes()));
        assert_eq!(read[1].changes[1].row_id, RowId::from("7"));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        let change = |change: &str| {
            let line =
                FIRST.replace("\"changes\":[]", &format!("\"changes\":[{change}]")).replace("\"a\"", "\"b\"");
            failure(&[FIRST, &line])
        };
        assert_eq!(failure(&[]), "trace: the trace is empty (INVALID_ARGUMENT)");
        assert!(failure(&[FIRST, "{"]).starts_with("trace:2: not JSON: "));
        assert!(failure(&["[]"]).starts_with("trace:1: not a transaction: "));
        assert!(failure(&[&FIRST.replace("txn", "name")]).contains("missing field `txn`"));
        assert!(failure(&[&FIRST.replace("NODE", "me")]).contains("node is not a UUID: \"me\""));
        assert!(failure(&[&FIRST.replace("[],\"t", "[\"z\"],\"t")]).contains("parent \"z\""));
        assert!(failure(&[FIRST, FIRST]).contains("trace:2: transaction \"a\" stands here a second time"));
        assert!(failure(&[&FIRST.replace("2024", "24")]).contains("not an RFC 3339 time"));
        assert!(change(r#"{"table":"t","row_id":1,"operation":"upsert","after":{}}"#).contains("\"upsert\""));
        assert!(change(r#"{"table":"t","row_id":1.5,"operation":"insert","after":{}}"#).contains("row_id"));
        assert!(change(r#"{"table":"t","row_id":1,"operation":"insert"}"#).contains("needs an image"));
        assert!(
            change(r#"{"table":"t","row_id":1,"operation":"insert","after":[]}"#).contains("not an object")
        );
    }

    #[test]
    fn bytes_that_are_no_text_are_refused() {
        let mut reader = TraceReader::new("trace".to_owned(), Box::new(&b"{\"txn\":\"\xff\"}\n"[..]));
        let message = reader.read().unwrap_err().to_string();
        assert_eq!(message, "trace:1: not UTF-8 from byte 9 of the line on (INVALID_ARGUMENT)");
    }
}
