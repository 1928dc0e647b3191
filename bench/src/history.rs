//! Histories in which many nodes took part: what causality takes on disk and in memory.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use causelog::{Change, ChangeLog, Dot, Durability, LogOptions, ManualTime, Timestamp, Transaction, Uuid};
use serde::{Deserialize, Serialize};

use crate::process;
use crate::sample::{Metric, Sample};
use crate::workload::Random;

/// When the histories that are made up took place, in nanoseconds.
const THEN: i64 = 1_700_000_000_000_000_000;
/// Transactions written between two looks at the clock.
const LOOK_AFTER: usize = 16;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum History {
    /// The development of a database, by 791 nodes.
    RiakKv,
    /// 10,000 nodes that take what the first one has, write about four transactions, are taken in by it and go; so many of
    /// them at once.
    ShortLived { at_once: usize },
    /// The same without a first one: each has seen its own and one other's last, and 50 write at once.
    Gossip,
    /// 1,000 spokes that visit a hub 10,000 times in all. Each time they bring two transactions, and take with
    /// them all that is there.
    Hub,
}

impl History {
    pub(crate) const ALL: [History; 5] = [
        History::RiakKv,
        History::ShortLived { at_once: 50 },
        History::ShortLived { at_once: 500 },
        History::Gossip,
        History::Hub,
    ];

    pub(crate) fn name(self) -> String {
        match self {
            History::RiakKv => "causality-riak".to_owned(),
            History::ShortLived { at_once } => format!("causality-{at_once}-at-once"),
            History::Gossip => "causality-gossip".to_owned(),
            History::Hub => "causality-hub".to_owned(),
        }
    }

    /// What it is made of, where that is a file that is not there.
    pub(crate) fn lacks(self) -> Option<PathBuf> {
        Some(riak_kv_file()).filter(|file| self == History::RiakKv && !file.exists())
    }

    fn transactions(self) -> Result<Vec<Transaction>> {
        match self {
            History::RiakKv => riak_kv(),
            History::ShortLived { at_once } => Ok(short_lived(10_000, at_once)),
            History::Gossip => Ok(gossip(10_000, 50)),
            History::Hub => Ok(hub(1_000, 10_000)),
        }
    }

    /// Writes the history into a log, as much of it as there is time for, and beside it the same changes by one node
    /// alone: what the first takes more is for the sake of causality.
    pub(crate) fn measure(self, directory: &Path, cap: Duration) -> Result<Sample> {
        let mut transactions = self.transactions()?;
        let written = Written::new(directory.join("history"), &transactions, cap)?;
        let left = transactions.split_off(written.transactions).len();
        let count = transactions.len() as f64;
        let dependencies: usize = transactions.iter().map(|transaction| transaction.dependencies.len()).sum();
        let alone = by_one(&transactions);
        let sequences: usize = alone.iter().map(|transaction| varint_length(transaction.sequence)).sum();
        let alone = Written::new(directory.join("alone"), &alone, Duration::MAX)?;
        // The author's number, its sequence, and nothing for what was seen.
        let implied = 1.0 + sequences as f64 / count;
        let each = |bytes: f64| bytes / count;
        Ok(Sample::from([
            (Metric::CausalityBytes, each(written.frames - alone.frames) + implied),
            (Metric::DerivedBytes, each(written.derived - alone.derived)),
            (Metric::NodeBytes, each(written.ids)),
            (Metric::Dependencies, each(dependencies as f64)),
            (Metric::TransactionRate, count / written.seconds),
            (Metric::ClockMemory, written.memory / (1024.0 * 1024.0)),
            (Metric::Left, left as f64),
        ]))
    }
}

/// A log of a history, or of its beginning, closed again.
struct Written {
    transactions: usize,
    /// Bytes without node ids: of the segments, and of what is derived from them.
    frames: f64,
    derived: f64,
    /// Bytes of node ids, in all files.
    ids: f64,
    seconds: f64,
    /// Bytes of memory that the log took while it was open.
    memory: f64,
}

impl Written {
    fn new(directory: PathBuf, transactions: &[Transaction], cap: Duration) -> Result<Written> {
        let newest = transactions.iter().map(|transaction| transaction.timestamp).max();
        let time = ManualTime::new(newest.unwrap_or(Timestamp::from_nanoseconds(THEN)));
        let options = LogOptions {
            durability: Durability::Os,
            node: Some(Uuid::from_u128(1)),
            time: std::sync::Arc::new(time),
            ..LogOptions::default()
        };
        let memory = process::anonymous_memory()?;
        let log = ChangeLog::open_with(&directory, options)?;
        let start = Instant::now();
        let mut written = 0;
        for transaction in transactions {
            log.append_remote(transaction)?;
            written += 1;
            if written % LOOK_AFTER == 0 && start.elapsed() > cap {
                break;
            }
        }
        let transactions = transactions.get(..written).unwrap_or(transactions);
        let seconds = start.elapsed().as_secs_f64();
        let memory = process::anonymous_memory()? - memory;
        log.close()?;
        drop(log);

        let nodes: HashSet<[u8; 16]> =
            transactions.iter().map(|transaction| *transaction.node.as_bytes()).collect();
        let (mut frames, mut derived, mut ids) = (0, 0, 0);
        for entry in fs::read_dir(&directory)? {
            let path = entry?.path();
            let bytes = fs::read(&path)?;
            let here = 16 * bytes.windows(16).filter(|window| nodes.contains(*window)).count();
            let is_segment = path.extension().is_some_and(|extension| extension == "segment");
            *(if is_segment { &mut frames } else { &mut derived }) += bytes.len() - here;
            ids += here;
        }
        let [frames, derived, ids] = [frames, derived, ids].map(|bytes| bytes as f64);
        Ok(Written { transactions: written, frames, derived, ids, seconds, memory })
    }
}

/// The same changes, all by one node.
fn by_one(transactions: &[Transaction]) -> Vec<Transaction> {
    let node = Uuid::from_u128(2);
    let mut sequence = 0;
    let alone = transactions.iter().map(|transaction| {
        let before = (sequence > 0).then(|| Dot::new(node, sequence));
        sequence += transaction.changes.len().max(1) as u64;
        Transaction {
            node,
            sequence,
            dependencies: before.into_iter().collect(),
            timestamp: transaction.timestamp,
            changes: transaction.changes.clone(),
        }
    });
    alone.collect()
}

fn varint_length(number: u64) -> usize {
    (64 - (number | 1).leading_zeros() as usize).div_ceil(7)
}

fn riak_kv_file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/riak_kv-history.jsonl.gz")
}

/// A line of the trace.
#[derive(Deserialize)]
struct Line {
    txn: String,
    node: Uuid,
    parents: Vec<String>,
    timestamp: String,
    changes: Vec<LineChange>,
}

#[derive(Deserialize)]
struct LineChange {
    table: String,
    row_id: String,
    operation: String,
    after: Option<serde_json::Value>,
}

fn riak_kv() -> Result<Vec<Transaction>> {
    let file = BufReader::new(flate2::read::GzDecoder::new(File::open(riak_kv_file())?));
    let mut names: HashMap<String, Dot> = HashMap::new();
    let mut sequences: HashMap<Uuid, u64> = HashMap::new();
    let mut transactions = Vec::new();
    for line in file.lines() {
        let line: Line = serde_json::from_str(&line?)?;
        let mut changes = Vec::new();
        for change in line.changes {
            let after = change.after.map(|after| after.to_string().into_bytes());
            changes.push(Change::new(change.table, change.row_id, change.operation.parse()?, None, after));
        }
        let sequence = sequences.entry(line.node).or_default();
        *sequence += changes.len().max(1) as u64;
        let parent = |name: &String| names.get(name).copied().context("a parent comes later");
        let transaction = Transaction {
            node: line.node,
            sequence: *sequence,
            dependencies: line.parents.iter().map(parent).collect::<Result<_>>()?,
            timestamp: line.timestamp.parse()?,
            changes,
        };
        names.insert(line.txn, transaction.dot());
        transactions.push(transaction);
    }
    Ok(transactions)
}

/// Collects transactions, each of one change of one row, with random node ids.
struct Maker {
    random: Random,
    transactions: Vec<Transaction>,
}

impl Maker {
    fn node(&mut self) -> Uuid {
        Uuid::from_u64_pair(self.random.next(), self.random.next())
    }

    fn below(&mut self, end: usize) -> usize {
        (self.random.next() % end as u64) as usize
    }

    fn add(&mut self, node: Uuid, sequence: u64, dependencies: Vec<Dot>, changes: Vec<Change>) -> Dot {
        let timestamp = Timestamp::from_nanoseconds(THEN + 1_000_000 * self.transactions.len() as i64);
        let transaction = Transaction { node, sequence, dependencies, timestamp, changes };
        let dot = transaction.dot();
        self.transactions.push(transaction);
        dot
    }
}

fn change() -> Vec<Change> {
    vec![Change::insert("orders", 1, "0123456789abcdef")]
}

fn short_lived(nodes: usize, at_once: usize) -> Vec<Transaction> {
    let mut maker = Maker { random: Random(at_once as u64), transactions: Vec::new() };
    let first = maker.node();
    let mut merges = 1;
    let mut main = maker.add(first, merges, Vec::new(), change());
    let mut live: Vec<(Uuid, u64, Dot)> = (0..at_once).map(|_| (maker.node(), 0, main)).collect();
    let mut left = nodes - at_once;
    while left > 0 {
        let place = maker.below(at_once);
        let (author, sequence, before) = &mut live[place];
        *sequence += 1;
        *before = maker.add(*author, *sequence, vec![*before], change());
        if maker.below(4) == 0 {
            merges += 1;
            main = maker.add(first, merges, vec![main, *before], Vec::new());
            (*author, *sequence, *before) = (maker.node(), 0, main);
            left -= 1;
        }
    }
    maker.transactions
}

fn gossip(nodes: usize, at_once: usize) -> Vec<Transaction> {
    let mut maker = Maker { random: Random(at_once as u64), transactions: Vec::new() };
    let mut live: Vec<(Uuid, u64, Option<Dot>)> = (0..at_once).map(|_| (maker.node(), 0, None)).collect();
    let mut left = nodes - at_once;
    while left > 0 {
        let place = maker.below(at_once);
        let other = live[maker.below(at_once)].2;
        let (author, sequence, before) = &mut live[place];
        *sequence += 1;
        *before =
            Some(maker.add(*author, *sequence, before.iter().chain(&other).copied().collect(), change()));
        if maker.below(4) == 0 {
            // Who comes in its place goes on from what it wrote.
            (*author, *sequence) = (maker.node(), 0);
            left -= 1;
        }
    }
    maker.transactions
}

fn hub(spokes: usize, visits: usize) -> Vec<Transaction> {
    let mut maker = Maker { random: Random(spokes as u64), transactions: Vec::new() };
    let center = maker.node();
    let mut merges = 0;
    let mut known: Vec<(Uuid, u64, Vec<Dot>)> = (0..spokes).map(|_| (maker.node(), 0, Vec::new())).collect();
    let mut last: Option<Dot> = None;
    for _ in 0..visits {
        let place = maker.below(spokes);
        let (author, sequence, seen) = &mut known[place];
        let before = last;
        for _ in 0..2 {
            *sequence += 1;
            *seen = vec![maker.add(*author, *sequence, std::mem::take(seen), change())];
        }
        merges += 1;
        let tips = seen.iter().chain(&before).copied().collect();
        let merge = maker.add(center, merges, tips, Vec::new());
        last = Some(merge);
        *seen = vec![merge];
    }
    maker.transactions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_takes_every_history() {
        for transactions in [short_lived(300, 20), gossip(300, 20), hub(20, 100)] {
            let log = ChangeLog::in_memory(LogOptions::default()).unwrap();
            for transaction in &transactions {
                assert!(!log.append_remote(transaction).unwrap().duplicate);
            }
            let alone = ChangeLog::in_memory(LogOptions::default()).unwrap();
            for transaction in by_one(&transactions) {
                assert!(!alone.append_remote(&transaction).unwrap().duplicate);
            }
            assert_eq!(log.stats().unwrap().entries, alone.stats().unwrap().entries);
            assert_eq!(alone.stats().unwrap().nodes, 1);
        }
    }

    #[test]
    fn varints_are_as_long_as_they_are() {
        assert_eq!([0, 127, 128, 16383, 16384, u64::MAX].map(varint_length), [1, 1, 2, 2, 3, 10]);
    }
}
