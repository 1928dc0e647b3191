//! Logs that were written once and are kept byte for byte in `tests/fixtures`: every later version opens them and finds
//! what their descriptions say.
//!
//! `CAUSELOG_BLESS=1 cargo test -p causelog --test frozen` writes the logs of the current format version anew. That is
//! for a format that nobody has used yet; after that, a change of the format is a new version beside the old one.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::expect_used)]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use causelog::{
    Change, ChangeEntry, ChangeLog, ChangeOperation, CompactionOptions, Dot, Durability, LogOptions,
    ManualTime, QueryOptions, Result, RetentionPolicy, RowId, RowIdPart, Transaction, VectorClock,
};
use common::{CountingIds, at, node, read_all};
use serde_json::{Value, json};

const LOGS: [&str; 4] = ["whole", "trimmed", "torn", "compressed"];
const MINUTE: i64 = 60_000_000_000;

fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/v1")
}

fn options(time: Arc<ManualTime>) -> LogOptions {
    LogOptions {
        durability: Durability::Os,
        segment_bytes: 4096,
        maximum_clock_skew: Duration::from_secs(3600),
        time,
        ids: CountingIds::from(1000),
        ..LogOptions::default()
    }
}

/// Every kind of row id.
fn rows() -> Vec<RowId> {
    let tuple = |parts: Vec<RowIdPart>| RowId::tuple(parts).unwrap();
    vec![
        42.into(),
        i64::MIN.into(),
        (-1).into(),
        "order 7".into(),
        "\u{0}ünïcode\u{1f980}".into(),
        "".into(),
        RowId::Scalar(RowIdPart::Bytes(vec![0, 0xff, 0])),
        RowId::Scalar(RowIdPart::Uuid(node(77))),
        tuple(vec!["eu".into(), 9.into()]),
        tuple(vec![RowIdPart::Bytes(Vec::new()), RowIdPart::Uuid(node(78)), 0.into()]),
    ]
}

/// Appends to `log` what there is of different things, and returns it as transactions.
fn write(log: &ChangeLog, time: &ManualTime) -> Vec<Transaction> {
    let mut written = Vec::new();
    let mut foreign: BTreeMap<u64, (Vec<Dot>, u64)> = BTreeMap::new();
    for (round, row) in (0..).zip(rows()) {
        time.set(at(MINUTE * (round as i64 + 1)));
        let filler = "x".repeat(600 + 61 * round);
        let changes = vec![
            Change::insert("orders", row.clone(), format!("{{\"round\":{round},\"filler\":\"{filler}\"}}"))
                .with_metadata("actor", "alice")
                .with_metadata("reason", ""),
            Change::new("orders", row.clone(), ChangeOperation::Update, None, Some(Vec::new())),
            Change::new(
                "täbles/и",
                1,
                ChangeOperation::Update,
                Some(vec![0, 1, 0xff]),
                Some(filler.into_bytes()),
            ),
        ];
        append(log, &mut written, changes);
        append(log, &mut written, vec![Change::delete("orders", row.clone(), "")]);
        // Two foreign nodes, the second of which sees the first now and then, and ends with a merge.
        for number in [1, 2] {
            let (seen, sequence) = foreign.get(&number).cloned().unwrap_or_default();
            let mut dependencies = seen;
            if number == 2 && round % 3 == 0 {
                dependencies.push(foreign[&1].0[0]);
            }
            dependencies.sort_unstable();
            let count = if number == 2 { round as u64 % 3 } else { 1 };
            let transaction = Transaction {
                node: node(number),
                sequence: sequence + count.max(1),
                dependencies,
                // Foreign clocks may have run backwards.
                timestamp: at(MINUTE * (20 - round as i64)),
                changes: (0..count).map(|part| Change::insert("items", part as i64, "1")).collect(),
            };
            log.append_remote(&transaction).unwrap();
            foreign.insert(number, (vec![transaction.dot()], transaction.sequence));
            written.push(transaction);
        }
        if round % 4 == 1 {
            append(log, &mut written, Vec::new());
        }
    }
    written
}

fn append(log: &ChangeLog, written: &mut Vec<Transaction>, changes: Vec<Change>) {
    let mut tips: BTreeMap<Dot, VectorClock> = BTreeMap::new();
    for transaction in written.iter() {
        let mut clock = VectorClock::new();
        for dependency in &transaction.dependencies {
            clock.merge(&log.vector_clock(*dependency).unwrap());
        }
        tips.retain(|tip, _| !clock.covers(*tip));
        tips.insert(transaction.dot(), clock);
    }
    let appended = log.append_transaction(&changes).unwrap();
    written.push(Transaction {
        node: appended.transaction.node,
        sequence: appended.transaction.sequence,
        dependencies: tips.into_keys().collect(),
        timestamp: appended.timestamp,
        changes,
    });
}

/// Writes one of the logs into an empty directory.
fn make(name: &str, directory: &Path) {
    let time = Arc::new(ManualTime::new(at(0)));
    let log = ChangeLog::open_with(directory, options(time.clone())).unwrap();
    let written = write(&log, &time);
    assert_eq!(read_all(&log).unwrap(), written);
    let consumer = log.consumer("reader").unwrap();
    consumer.commit(20).unwrap();
    consumer.commit(25).unwrap();
    log.consumer("idle").unwrap();
    match name {
        "whole" => {}
        "trimmed" => {
            log.remove_consumer("idle").unwrap();
            time.set(at(30 * MINUTE));
            let policy = RetentionPolicy { max_bytes: Some(20_000), ..Default::default() };
            assert_eq!(log.retain(&policy).unwrap().len(), 1);
            let known = vec![log.frontier().unwrap()];
            let options = CompactionOptions { tables: vec!["täbles/и".to_owned()], known };
            assert!(log.compact(&options).unwrap().unwrap().entries > 1);
            log.append(Change::insert("orders", "after", "1")).unwrap();
        }
        "compressed" => {
            // A segment of several blocks, and one that compaction makes shorter once more.
            log.append(Change::insert("blobs", 1, "twelve bytes".repeat(3000))).unwrap();
            log.append(Change::insert("orders", "after", "1")).unwrap();
            assert!(log.compress().unwrap().segments > 3);
            let known = vec![log.frontier().unwrap()];
            let options = CompactionOptions { tables: vec!["täbles/и".to_owned()], known };
            assert!(log.compact(&options).unwrap().unwrap().entries > 1);
        }
        "torn" => {
            // What a loss of power left of a log that was open: its last frame by half, and nothing that was derived.
            let copy = tempfile::tempdir().unwrap();
            copy_log(directory, copy.path());
            drop((consumer, log));
            fs::remove_dir_all(directory).unwrap();
            fs::create_dir(directory).unwrap();
            copy_log(copy.path(), directory);
            let last = files(directory).into_keys().filter(|name| name.ends_with(".segment")).max().unwrap();
            let path = directory.join(last);
            let content = fs::read(&path).unwrap();
            let used = content.iter().rposition(|byte| *byte != 0).unwrap() + 1;
            let mut file = fs::File::create(&path).unwrap();
            file.write_all(&content[..used - 5]).unwrap();
            for name in ["checkpoint", "ends"] {
                fs::remove_file(directory.join(name)).unwrap();
            }
            return;
        }
        other => panic!("no log {other}"),
    }
    log.close().unwrap();
}

/// The files of a log; locks mean nothing to others.
fn files(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap());
    let names = entries.map(|entry| entry.file_name().into_string().unwrap());
    names
        .filter(|name| !name.ends_with("lock"))
        .map(|name| (name.clone(), fs::read(directory.join(name)).unwrap()))
        .collect()
}

fn copy_log(from: &Path, to: &Path) {
    for (name, content) in files(from) {
        fs::write(to.join(name), content).unwrap();
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn described(entry: &ChangeEntry) -> Value {
    json!({
        "lsn": entry.lsn.to_string(),
        "dot": entry.dot().to_string(),
        "transaction": entry.transaction.to_string(),
        "vector_clock": entry.vector_clock.to_json(),
        "timestamp": entry.timestamp.nanoseconds().to_string(),
        "table": entry.table,
        "row_id": hex(&entry.row_id.encode()),
        "operation": entry.operation.name(),
        "before": entry.before.as_deref().map(hex),
        "after": entry.after.as_deref().map(hex),
        "verdict": entry.verdict.map(|verdict| verdict.name()),
        "metadata": entry.metadata,
    })
}

/// All that a log says of itself.
fn description(log: &ChangeLog) -> Value {
    let all = |options: QueryOptions| log.query(options).unwrap().collect::<Result<Vec<_>>>().unwrap();
    let since = log.stats().unwrap().first_lsn - 1;
    let entries = all(QueryOptions { since, ..Default::default() });
    let mut back = all(QueryOptions { reverse: true, since, ..Default::default() });
    back.reverse();
    assert_eq!(back, entries);
    let transactions = log.transactions(&VectorClock::new()).and_then(|all| all.collect::<Result<Vec<_>>>());
    let transactions: Value = match transactions {
        Err(error) => error.code().name().into(),
        Ok(all) => {
            let one = |transaction: &Transaction| {
                json!({
                    "dot": transaction.dot().to_string(),
                    "dependencies": transaction.dependencies.iter().map(Dot::to_string).collect::<Vec<_>>(),
                    "vector_clock": log.vector_clock(transaction.dot()).unwrap().to_json(),
                    "changes": transaction.changes.len(),
                })
            };
            all.iter().map(one).collect()
        }
    };
    let stats = log.stats().unwrap();
    let tables: BTreeMap<&String, [u64; 3]> = stats
        .tables
        .iter()
        .map(|(name, counts)| (name, [counts.inserts, counts.updates, counts.deletes]))
        .collect();
    let removals: Vec<Value> = log
        .removals()
        .unwrap()
        .iter()
        .map(|removal| {
            json!({
                "reason": removal.reason.name(),
                "at": removal.at.nanoseconds().to_string(),
                "lsns": [removal.first_lsn, removal.last_lsn],
                "entries": removal.entries,
                "bytes": removal.bytes,
                "detail": removal.detail,
            })
        })
        .collect();
    let consumers: BTreeMap<String, [u64; 2]> = log
        .consumers()
        .unwrap()
        .into_iter()
        .map(|consumer| (consumer.name, [consumer.position, consumer.lag]))
        .collect();
    json!({
        "id": log.id().to_string(),
        "entries": entries.iter().map(described).collect::<Vec<_>>(),
        "transactions": transactions,
        "frontier": log.frontier().unwrap().to_json(),
        "stats": {
            "entries": stats.entries,
            "transactions": stats.transactions,
            "merges": stats.merges,
            "nodes": stats.nodes,
            "lsns": [stats.first_lsn, stats.last_lsn],
            "segments": stats.segments,
            "bytes": stats.bytes,
            "tables": tables,
        },
        "removals": removals,
        "consumers": consumers,
    })
}

fn bless() {
    for name in LOGS {
        let directory = fixtures().join(name);
        if directory.exists() {
            fs::remove_dir_all(&directory).unwrap();
        }
        fs::create_dir_all(&directory).unwrap();
        let made = tempfile::tempdir().unwrap();
        make(name, made.path());
        copy_log(made.path(), &directory);
        let text = serde_json::to_string_pretty(&description(&open(made.path(), true))).unwrap();
        fs::write(fixtures().join(format!("{name}.json")), text + "\n").unwrap();
    }
}

fn open(directory: &Path, read_only: bool) -> ChangeLog {
    let time = Arc::new(ManualTime::new(at(40 * MINUTE)));
    let options = LogOptions { read_only, ids: CountingIds::from(9000), ..options(time) };
    ChangeLog::open_with(directory, options).unwrap()
}

#[test]
fn frozen_logs_hold_what_they_held() {
    if std::env::var_os("CAUSELOG_BLESS").is_some() {
        bless();
    }
    for name in LOGS {
        let text = fs::read_to_string(fixtures().join(format!("{name}.json"))).unwrap();
        let expected: Value = serde_json::from_str(&text).unwrap();
        let copy = tempfile::tempdir().unwrap();
        copy_log(&fixtures().join(name), copy.path());
        let before = files(copy.path());

        let log = open(copy.path(), true);
        assert_eq!(description(&log), expected, "{name}");
        assert!(log.verify().unwrap().is_intact());
        drop(log);
        let after = files(copy.path());
        assert!(
            before.iter().all(|(file, content)| after[file] == *content),
            "{name}: a reader changes nothing"
        );

        let log = open(copy.path(), false);
        assert_eq!(description(&log), expected, "{name}");
        assert!(log.verify().unwrap().is_intact());
        // A torn end makes another node of the log.
        assert_eq!(log.past_nodes().len(), usize::from(name == "torn"));
        let appended = log.append(Change::insert("orders", "later", "1")).unwrap();
        log.close().unwrap();
        drop(log);

        // Without all that is derived it is the same log.
        let derived =
            |name: &String| name.ends_with(".index") || name.ends_with(".tail") || name == "checkpoint";
        for file in files(copy.path()).into_keys().filter(derived) {
            fs::remove_file(copy.path().join(file)).unwrap();
        }
        let log = open(copy.path(), false);
        let mut entries = description(&log)["entries"].as_array().unwrap().clone();
        assert_eq!(entries.pop().unwrap()["dot"], appended.transaction.to_string());
        assert_eq!(&entries, expected["entries"].as_array().unwrap(), "{name}");
    }
}

/// Equal work with equal identities and times makes equal files, so that the frozen ones can be made again.
#[test]
fn the_same_work_makes_the_same_bytes() {
    for name in LOGS {
        let [one, other] = [(); 2].map(|()| {
            let directory = tempfile::tempdir().unwrap();
            make(name, directory.path());
            files(directory.path())
        });
        assert_eq!(one.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>());
        for (file, content) in &one {
            assert!(*content == other[file], "{name}: {file} differs");
        }
    }
}
