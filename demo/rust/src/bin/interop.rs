//! `interop write DIR`, `interop dump DIR`: the Rust side of the test that all languages share one log.
//!
//! `write` makes the same calls in every language; `dump` prints all that a log holds as JSON Lines.
//! Numbers of 64 bits are strings of digits and bytes are hexadecimal, which every language can print.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use causelog::{
    Change, ChangeLog, ChangeOperation, Dot, LogOptions, ManualTime, Metadata, NodeId, QueryOptions, Result,
    RowId, RowIdPart, Timestamp, Transaction, Uuid, VectorClock,
};
use clap::{Parser, Subcommand};
use serde_json::{Value, json};

/// Writes a log that every language writes alike, or prints one.
#[derive(Parser)]
#[command(name = "interop")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Makes the scripted calls on the log in DIR and prints what each of them returned
    Write {
        /// Directory of the log, made if it is not there
        dir: PathBuf,
    },
    /// Prints all that the log in DIR holds
    Dump {
        /// Directory of the log
        dir: PathBuf,
    },
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Write { dir } => write(&dir),
        Command::Dump { dir } => dump(&dir),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("interop: {error} ({})", error.code());
            ExitCode::FAILURE
        }
    }
}

/// 2023-11-14T22:13:20.123456789Z
const NOW: i64 = 1_700_000_000_123_456_789;
const SECOND: i64 = 1_000_000_000;
const OWN: NodeId = Uuid::from_u128(0x11111111_1111_4111_8111_111111111111);
const PEER: NodeId = Uuid::from_u128(0x22222222_2222_4222_8222_222222222222);
const FAR: NodeId = Uuid::from_u128(0x33333333_3333_4333_8333_333333333333);

fn open(dir: &Path) -> Result<(ChangeLog, Arc<ManualTime>)> {
    let time = Arc::new(ManualTime::new(Timestamp::from_nanoseconds(NOW)));
    let options = LogOptions { node: Some(OWN), time: time.clone(), ..Default::default() };
    Ok((ChangeLog::open_with(dir, options)?, time))
}

fn write(dir: &Path) -> Result<()> {
    let (log, time) = open(dir)?;
    let print = |appended: causelog::Appended| {
        let lsn = |lsn: Option<u64>| lsn.map(|lsn| lsn.to_string());
        println!(
            "{}",
            json!({
                "transaction": appended.transaction.to_string(),
                "timestamp": appended.timestamp.nanoseconds().to_string(),
                "first_lsn": lsn(appended.first_lsn),
                "last_lsn": lsn(appended.last_lsn),
                "duplicate": appended.duplicate,
            })
        );
    };

    // One change, with metadata.
    let first = Change::insert("orders", 42, r#"{"qty":1,"note":"größe"}"#);
    print(log.append(first.with_metadata("actor", "alice").with_metadata("why", "über 🦀"))?);

    // Every type of row id, and payloads that are JSON, empty, and neither.
    let tuple = RowId::tuple([7.into(), "sku".into(), RowIdPart::Bytes(vec![0, 255]), FAR.into()])?;
    print(log.append_transaction(vec![
        Change::update("orders", 42, r#"{"qty":1,"note":"größe"}"#, r#"{"qty":2}"#),
        Change::insert("таблица 🦀", "a \"quoted\" \0 line\n", "\"text\""),
        Change::insert("orders", FAR, Vec::new()),
        Change::insert("orders", RowIdPart::Bytes(vec![0, 255, 0]), vec![255, 254, 0, 1]),
        Change::insert("lines", tuple, "[]"),
        Change::insert("lines", RowId::tuple([42.into()])?, "null"),
    ])?);
    let integers = [i64::MIN, -1, 0, 255, 256, i64::MAX];
    let integers = integers.map(|row_id| Change::insert("numbers", row_id, row_id.to_string()));
    print(log.append_transaction(integers)?);

    // A payload larger than a read block.
    time.advance(SECOND)?;
    let large: Vec<u8> = (0..100_000).map(|at| (at % 251) as u8).collect();
    print(log.append(Change::insert("large", "", large))?);

    // Deletes and updates, with and without the images before and after.
    print(log.append(Change::delete("orders", 42, r#"{"qty":2}"#))?);
    print(log.append_transaction(vec![
        Change::new("orders", "gone", ChangeOperation::Delete, None, None),
        Change::new("orders", "unknown", ChangeOperation::Update, None, None),
        Change::new("orders", "half", ChangeOperation::Update, Some(b"1".to_vec()), None),
        Change::new("orders", "half", ChangeOperation::Update, None, Some(b"2".to_vec())),
    ])?);

    // Another node's transaction, which this node had not seen and which had not seen this node.
    let peer = Transaction {
        node: PEER,
        sequence: 2,
        dependencies: Vec::new(),
        timestamp: Timestamp::from_nanoseconds(NOW - 3600 * SECOND),
        changes: vec![
            Change::insert("orders", 42, r#"{"qty":9}"#).with_metadata("actor", "bob"),
            Change::insert("peers", "ß", "{}"),
        ],
    };
    print(log.append_remote(&peer)?);
    // A third node's merge, then a change of it that had seen both others.
    print(log.append_remote(&Transaction {
        node: FAR,
        sequence: 1,
        dependencies: vec![Dot::new(PEER, 2)],
        timestamp: Timestamp::from_nanoseconds(NOW + 100 * SECOND),
        changes: Vec::new(),
    })?);
    print(log.append_remote(&Transaction {
        node: FAR,
        sequence: 2,
        dependencies: vec![Dot::new(OWN, 14), Dot::new(FAR, 1)],
        timestamp: Timestamp::from_nanoseconds(-1),
        changes: vec![Change::delete("orders", 42, r#"{"qty":2}"#)],
    })?);
    // A transaction that the log holds already, this node's merge, and a change after it.
    print(log.append_remote(&peer)?);
    print(log.append_transaction(Vec::new())?);
    print(log.append(Change::insert("orders", 42, r#"{"qty":3}"#))?);
    log.close()
}

fn dump(dir: &Path) -> Result<()> {
    let (log, _) = open(dir)?;
    let past_nodes: Vec<String> = log.past_nodes().iter().map(Uuid::to_string).collect();
    println!("{}", json!({"log": {"id": log.id(), "node": log.node(), "past_nodes": past_nodes}}));
    for entry in log.query(QueryOptions::default())? {
        let entry = entry?;
        println!(
            "{}",
            json!({"entry": {
                "lsn": entry.lsn.to_string(),
                "node": entry.node,
                "sequence": entry.sequence.to_string(),
                "vector_clock": clock(&entry.vector_clock),
                "timestamp": entry.timestamp.nanoseconds().to_string(),
                "transaction": entry.transaction.to_string(),
                "table": entry.table,
                "row_id": row_id(&entry.row_id),
                "operation": entry.operation.name(),
                "before": payload(entry.before.as_deref()),
                "after": payload(entry.after.as_deref()),
                "verdict": entry.verdict.map(|verdict| verdict.name()),
                "metadata": metadata(&entry.metadata),
            }})
        );
    }
    for transaction in log.transactions(&VectorClock::new())? {
        let transaction = transaction?;
        let dependencies: Vec<String> = transaction.dependencies.iter().map(Dot::to_string).collect();
        let changes: Vec<Value> = transaction.changes.iter().map(change).collect();
        println!(
            "{}",
            json!({"transaction": {
                "node": transaction.node,
                "sequence": transaction.sequence.to_string(),
                "dependencies": dependencies,
                "timestamp": transaction.timestamp.nanoseconds().to_string(),
                "vector_clock": clock(&log.vector_clock(transaction.dot())?),
                "changes": changes,
            }})
        );
    }
    println!("{}", json!({"frontier": clock(&log.frontier()?)}));
    let stats = log.stats()?;
    // To the millisecond, which is as exact as all languages have it here.
    let milliseconds = |time: Timestamp| time.nanoseconds().div_euclid(1_000_000).to_string();
    let tables = stats.tables.iter().map(|(name, table)| {
        let counts = json!({
            "inserts": table.inserts.to_string(),
            "updates": table.updates.to_string(),
            "deletes": table.deletes.to_string(),
        });
        (name.clone(), counts)
    });
    println!(
        "{}",
        json!({"stats": {
            "entries": stats.entries.to_string(),
            "transactions": stats.transactions.to_string(),
            "merges": stats.merges.to_string(),
            "nodes": stats.nodes.to_string(),
            "first_lsn": stats.first_lsn.to_string(),
            "last_lsn": stats.last_lsn.to_string(),
            "oldest": stats.oldest.map(milliseconds),
            "newest": stats.newest.map(milliseconds),
            "bytes": stats.bytes.to_string(),
            "tables": tables.collect::<BTreeMap<String, Value>>(),
        }})
    );
    log.close()
}

fn change(change: &Change) -> Value {
    json!({
        "table": change.table,
        "row_id": row_id(&change.row_id),
        "operation": change.operation.name(),
        "before": payload(change.before.as_deref()),
        "after": payload(change.after.as_deref()),
        "metadata": metadata(&change.metadata),
    })
}

fn clock(clock: &VectorClock) -> Value {
    let entries = clock.iter().map(|(node, sequence)| (node.to_string(), sequence.to_string()));
    json!(entries.collect::<BTreeMap<String, String>>())
}

fn row_id(row_id: &RowId) -> Value {
    match row_id {
        RowId::Scalar(part) => row_id_part(part),
        RowId::Tuple(parts) => json!({"tuple": parts.iter().map(row_id_part).collect::<Vec<_>>()}),
    }
}

fn row_id_part(part: &RowIdPart) -> Value {
    match part {
        RowIdPart::Integer(value) => json!({"integer": value.to_string()}),
        RowIdPart::Text(text) => json!({"text": text}),
        RowIdPart::Bytes(bytes) => json!({"bytes": hex(bytes)}),
        RowIdPart::Uuid(uuid) => json!({"uuid": uuid}),
    }
}

fn payload(payload: Option<&[u8]>) -> Option<String> {
    payload.map(hex)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn metadata(metadata: &Metadata) -> Value {
    json!(metadata)
}
