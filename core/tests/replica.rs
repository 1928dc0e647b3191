//! What a replica promises whoever uses it alone or beside another.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::expect_used)]

mod common;

use std::sync::Arc;

use causelog::{
    Change, ChangeOperation, ConflictResolution, ErrorCode, LogOptions, ManualTime, Replica, ReplicaOptions,
    ResolverRegistry, RowState, Verdict, Write, sync,
};
use common::{at, entries, node, options_with};

fn replica(number: u64, registry: ResolverRegistry) -> (Replica, Arc<ManualTime>) {
    let time = Arc::new(ManualTime::new(at(1_000)));
    let log = LogOptions { node: Some(node(number)), ..options_with(time.clone()) };
    let options = ReplicaOptions { log, registry: Some(registry), ..ReplicaOptions::default() };
    (Replica::in_memory(options).unwrap(), time)
}

fn value(replica: &Replica, row: i64) -> Option<String> {
    let row = replica.get("t", row).unwrap();
    row.map(|row| String::from_utf8(row.value.unwrap()).unwrap())
}

#[test]
fn rows_are_written_and_read() {
    let (replica, _) = replica(1, ResolverRegistry::default());
    assert_eq!(value(&replica, 1), None);
    replica.insert("t", 1, "a").unwrap();
    assert_eq!(replica.insert("t", 1, "b").unwrap_err().code(), ErrorCode::AlreadyExists);
    replica.update("t", 1, "b").unwrap();
    assert_eq!(value(&replica, 1).as_deref(), Some("b"));
    replica.delete("t", 1).unwrap();
    assert_eq!(value(&replica, 1), None);
    for error in [replica.update("t", 1, "c").unwrap_err(), replica.delete("t", 1).unwrap_err()] {
        assert_eq!(error.code(), ErrorCode::NotFound);
    }
    replica
        .write([Write::insert("t", 1, "d"), Write::update("t", 1, "e"), Write::insert("t", 2, "f")])
        .unwrap();
    assert_eq!(value(&replica, 1).as_deref(), Some("e"));
    let befores: Vec<_> = entries(replica.log()).into_iter().map(|entry| entry.before).collect();
    let text = |text: &str| Some(text.as_bytes().to_vec());
    assert_eq!(befores, [None, text("a"), text("b"), None, text("d"), None]);
    assert_eq!(replica.rows("t").unwrap().len(), 2);
    let error = replica.log().append(Change::insert("t", 9, "x")).unwrap_err();
    assert_eq!(error.code(), ErrorCode::ReadOnly);
}

#[test]
fn the_later_of_two_writes_wins_on_both_sides_and_is_reported() {
    let (a, time_a) = replica(1, ResolverRegistry::default());
    let (b, time_b) = replica(2, ResolverRegistry::default());
    a.insert("t", 1, "start").unwrap();
    sync(&a, &b).unwrap();
    time_a.set(at(5_000));
    time_b.set(at(6_000));
    a.update("t", 1, "from a").unwrap();
    b.update("t", 1, "from b").unwrap();
    let report = sync(&a, &b).unwrap();
    assert_eq!((report.sent, report.received), (1, 1));
    for replica in [&a, &b] {
        assert_eq!(value(replica, 1).as_deref(), Some("from b"));
        assert_eq!(replica.get("t", 1).unwrap().unwrap().state, RowState::Resolved);
        assert_eq!(replica.conflicts().unwrap().len(), 1);
    }
    assert_eq!(a.conflicts().unwrap()[0].to_json(), b.conflicts().unwrap()[0].to_json());
    let verdicts = |replica: &Replica| entries(replica.log()).last().unwrap().verdict;
    assert_eq!((verdicts(&a), verdicts(&b)), (Some(Verdict::Applied), Some(Verdict::Superseded)));

    a.update("t", 1, "done").unwrap();
    sync(&a, &b).unwrap();
    for replica in [&a, &b] {
        assert_eq!(value(replica, 1).as_deref(), Some("done"));
        assert!(replica.conflicts().unwrap().is_empty());
        assert_eq!(replica.settled_conflicts().unwrap().len(), 1);
        println!("{}", replica.why("t", 1).unwrap());
    }
    assert_eq!(a.why("t", 1).unwrap().to_string(), b.why("t", 1).unwrap().to_string());
}

#[test]
fn a_row_that_somebody_has_to_decide_about_waits_in_the_inbox() {
    let manual = ResolverRegistry::new(ConflictResolution::Manual);
    let (a, _) = replica(1, manual.clone());
    let (b, _) = replica(2, manual);
    a.insert("t", 1, "from a").unwrap();
    b.insert("t", 1, "from b").unwrap();
    sync(&a, &b).unwrap();
    assert_eq!(a.get("t", 1).unwrap(), b.get("t", 1).unwrap());
    assert_eq!(a.get("t", 1).unwrap().unwrap().state, RowState::Pending);
    assert_eq!(a.update("t", 1, "x").unwrap_err().code(), ErrorCode::VersionMismatch);
    let heads = a.heads("t", 1).unwrap();
    a.write([Write::update("t", 1, "decided").expecting(heads)]).unwrap();
    sync(&a, &b).unwrap();
    assert!(b.inbox().unwrap().is_empty());
    assert_eq!(value(&b, 1).as_deref(), Some("decided"));
    assert_eq!(entries(b.log()).last().unwrap().operation, ChangeOperation::Update);
}
