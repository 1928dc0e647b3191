//! Histories of one row with known answers, from an independent reference. They are read where they lie beside the project.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use causelog::{ChangeEntry, ChangeOperation, ConflictResolution, Dot, Metadata, RowId, Uuid, VectorClock};
use serde_json::Value;

use super::at;

pub(crate) struct ModelHistory {
    pub(crate) strategy: ConflictResolution,
    pub(crate) entries: Vec<ChangeEntry>,
    pub(crate) answer: Answer,
}

/// A row as the reference has it: JSON compares by content.
#[derive(Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) value: Option<Value>,
    pub(crate) heads: Vec<Dot>,
    pub(crate) standing: Option<ModelReport>,
    pub(crate) settled: Vec<ModelReport>,
}

#[derive(Debug, PartialEq)]
pub(crate) struct ModelReport {
    pub(crate) class: String,
    pub(crate) heads: Vec<Dot>,
    pub(crate) ancestor: Option<Value>,
    pub(crate) winner: String,
    pub(crate) value: Option<Value>,
    pub(crate) settled_by: Option<Dot>,
}

pub(crate) const TABLE: &str = "rows";

fn dot(value: &Value) -> Dot {
    Dot::new(value[0].as_str().unwrap().parse().unwrap(), value[1].as_u64().unwrap())
}

fn dots(value: &Value) -> Vec<Dot> {
    let mut dots: Vec<Dot> = value.as_array().unwrap().iter().map(dot).collect();
    dots.sort();
    dots
}

fn there(value: &Value) -> Option<Value> {
    (!value.is_null()).then(|| value.clone())
}

fn report(value: &Value) -> ModelReport {
    let winner = &value["winner"];
    ModelReport {
        class: value["class"].as_str().unwrap().to_owned(),
        heads: dots(&value["heads"]),
        ancestor: there(&value["ancestor"]),
        winner: winner.as_str().map_or_else(|| dot(winner).to_string(), str::to_owned),
        value: there(&value["value"]),
        settled_by: value.get("settled_by").map(dot),
    }
}

pub(crate) fn of_report(report: &causelog::ConflictReport) -> ModelReport {
    let parse = |bytes: &[u8]| serde_json::from_slice(bytes).unwrap();
    let mut heads: Vec<Dot> = report.heads.iter().map(|head| head.dot()).collect();
    heads.sort();
    ModelReport {
        class: report.class.to_string(),
        heads,
        ancestor: report.ancestor.as_deref().map(parse),
        winner: report.winner.to_string(),
        value: report.value().map(parse),
        settled_by: report.settled_by,
    }
}

fn history(line: &str) -> ModelHistory {
    let json: Value = serde_json::from_str(line).unwrap();
    // The reference's name for the liveness that the latest entry decides.
    let strategy = json["strategy"].to_string().replace("highest_k", "last_write_wins");
    let mut entries = Vec::new();
    for entry in json["entries"].as_array().unwrap() {
        let node: Uuid = entry["node"].as_str().unwrap().parse().unwrap();
        let sequence = entry["sequence"].as_u64().unwrap();
        let mut clock: BTreeMap<Uuid, u64> = BTreeMap::new();
        for seen in entry["seen"].as_array().unwrap().iter().map(dot).chain([Dot::new(node, sequence)]) {
            let known = clock.entry(seen.node).or_default();
            *known = (*known).max(seen.sequence);
        }
        let operation: ChangeOperation = entry["operation"].as_str().unwrap().parse().unwrap();
        entries.push(ChangeEntry {
            lsn: 0,
            node,
            sequence,
            vector_clock: VectorClock::from_entries(clock),
            timestamp: at(entry["timestamp"].as_i64().unwrap()),
            transaction: Dot::new(node, sequence),
            table: TABLE.to_owned(),
            row_id: RowId::from(1),
            operation,
            before: None,
            after: there(&entry["after"]).map(|after| after.to_string().into_bytes()),
            verdict: None,
            metadata: Metadata::new(),
        });
    }
    let mut settled: Vec<ModelReport> = json["settled"].as_array().unwrap().iter().map(report).collect();
    settled.sort_by(|a, b| (&a.settled_by, &a.heads).cmp(&(&b.settled_by, &b.heads)));
    ModelHistory {
        strategy: strategy.parse().unwrap(),
        entries,
        answer: Answer {
            value: there(&json["value"]),
            heads: dots(&json["heads"]),
            standing: there(&json["standing"]).as_ref().map(report),
            settled,
        },
    }
}

/// All of them; nothing, with a word about it, where they are not to be had.
pub(crate) fn model_histories() -> Vec<ModelHistory> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/model/row-histories.jsonl.gz");
    let Ok(file) = std::fs::File::open(&path) else {
        eprintln!("skipped: {} is not there", path.display());
        return Vec::new();
    };
    let mut text = String::new();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).unwrap();
    text.lines().map(history).collect()
}
