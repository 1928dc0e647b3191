//! A real history of 3,979 transactions by 791 nodes, read from beside the workspace.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::path::Path;

use causelog::{Change, Dot, Timestamp, Transaction, Uuid};

/// Its transactions in a causal order; `None`, and a message, where it is not there.
pub(crate) fn riak_kv() -> Option<Vec<Transaction>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/riak_kv-history.jsonl.gz");
    let Ok(file) = std::fs::File::open(&path) else {
        eprintln!("skipped: {} is not there", path.display());
        return None;
    };
    let mut transactions = Vec::new();
    let mut names: HashMap<String, Dot> = HashMap::new();
    let mut sequences: HashMap<Uuid, u64> = HashMap::new();
    for line in BufReader::new(flate2::read::GzDecoder::new(file)).lines() {
        let line: serde_json::Value = serde_json::from_str(&line.unwrap()).unwrap();
        let author: Uuid = line["node"].as_str().unwrap().parse().unwrap();
        let list = |key: &str| line[key].as_array().unwrap().clone();
        let changes: Vec<Change> = list("changes")
            .iter()
            .map(|change| {
                let operation = change["operation"].as_str().unwrap().parse().unwrap();
                let after = change.get("after").map(|after| after.to_string().into_bytes());
                let table = change["table"].as_str().unwrap();
                Change::new(table, change["row_id"].as_str().unwrap(), operation, None, after)
            })
            .collect();
        let sequence = sequences.entry(author).or_default();
        *sequence += changes.len().max(1) as u64;
        let transaction = Transaction {
            node: author,
            sequence: *sequence,
            dependencies: list("parents").iter().map(|name| names[name.as_str().unwrap()]).collect(),
            timestamp: line["timestamp"].as_str().unwrap().parse::<Timestamp>().unwrap(),
            changes,
        };
        names.insert(line["txn"].as_str().unwrap().to_owned(), transaction.dot());
        transactions.push(transaction);
    }
    assert_eq!(transactions.len(), 3979);
    Some(transactions)
}
