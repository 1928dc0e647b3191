//! What a replica promises whoever uses it alone or beside another.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::expect_used)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use causelog::storage::{MemoryStorage, Storage};
use causelog::{
    Change, ChangeLog, ChangeOperation, CompactionOptions, ConflictResolution, Dot, Durability,
    EffectiveChange, EffectivePosition, ErrorCode, LogOptions, ManualTime, Replica, ReplicaOptions,
    ResolverDecision, ResolverRegistry, RowState, Transaction, VectorClock, Verdict, Write, sync,
};
use common::faulty::{Fault, FaultyStorage, Operation};
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

/// A replica in a place, that is opened as often as one likes.
fn open(storage: Arc<dyn Storage>, number: u64, registry: Option<ResolverRegistry>) -> Replica {
    let time = Arc::new(ManualTime::new(at(1_000_000)));
    let log = LogOptions { node: Some(node(number)), segment_bytes: 4096, ..options_with(time) };
    Replica::open_storage(storage, ReplicaOptions { log, registry, ..ReplicaOptions::default() }).unwrap()
}

/// A transaction that writes row 1 of table `t`.
fn remote(dot: Dot, seen: &[Dot], time: i64, after: &str) -> Transaction {
    let operation = if seen.is_empty() { ChangeOperation::Insert } else { ChangeOperation::Update };
    let changes = vec![Change::new("t", 1, operation, None, Some(after.as_bytes().to_vec()))];
    let (node, sequence, dependencies) = (dot.node, dot.sequence, seen.to_vec());
    Transaction { node, sequence, dependencies, timestamp: at(time), changes }
}

#[test]
fn compaction_changes_neither_rows_nor_how_their_conflicts_end() {
    let storage = Arc::new(MemoryStorage::new());
    let (a, b) = (open(storage.clone(), 1, None), open(Arc::new(MemoryStorage::new()), 2, None));
    // A wall clock that ran backwards: each counts as later than the one before all the same.
    let other = node(3);
    let long = "x".repeat(300);
    for sequence in 1..=100u64 {
        let seen: Vec<Dot> = (sequence > 1).then(|| Dot::new(other, sequence - 1)).into_iter().collect();
        a.apply(&remote(Dot::new(other, sequence), &seen, 900 - sequence as i64, &long)).unwrap();
    }
    sync(&a, &b).unwrap();
    let known = vec![b.log().frontier().unwrap()];
    let removal = a.compact(&CompactionOptions { known, ..Default::default() }).unwrap().unwrap();
    assert!(removal.entries > 50);
    drop(a);
    let a = open(storage, 1, None);
    assert_eq!(a.get("t", 1).unwrap(), b.get("t", 1).unwrap());
    // The last of them counts as of 998, though it is stamped 800: so both of these count as of 999, and the higher node wins.
    let stray = remote(Dot::new(node(5), 1), &[Dot::new(other, 100)], 5, "a");
    let stray_too = remote(Dot::new(node(4), 1), &[Dot::new(other, 100)], 998, "b");
    for replica in [&a, &b] {
        replica.apply(&stray).unwrap();
        replica.apply(&stray_too).unwrap();
    }
    assert_eq!(a.get("t", 1).unwrap(), b.get("t", 1).unwrap());
    assert_eq!(value(&a, 1).as_deref(), Some("a"));
    assert_eq!(a.conflicts().unwrap()[0].to_json(), b.conflicts().unwrap()[0].to_json());
}

fn effective(replica: &Replica, position: &mut EffectivePosition) -> Vec<(ChangeOperation, Option<String>)> {
    let seen = replica.effective(*position, 1000).unwrap();
    *position = seen.next;
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    seen.changes
        .into_iter()
        .map(|EffectiveChange { operation, after, .. }| (operation, after.map(text)))
        .collect()
}

#[test]
fn what_the_rows_became_is_told_once_also_when_the_rules_change() {
    use ChangeOperation::{Delete, Insert, Update};
    let storage = Arc::new(MemoryStorage::new());
    let a = open(storage.clone(), 1, None);
    let mut position = EffectivePosition::default();
    a.apply(&remote(Dot::new(node(3), 1), &[], 10, "first")).unwrap();
    a.apply(&remote(Dot::new(node(4), 1), &[], 20, "second")).unwrap();
    a.apply(&remote(Dot::new(node(5), 1), &[], 15, "beaten")).unwrap();
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(effective(&a, &mut position), [(Insert, text("first")), (Update, text("second"))]);
    let first = ResolverRegistry::new(ConflictResolution::FirstWriteWins);
    a.set_registry(first.clone()).unwrap();
    assert_eq!(value(&a, 1), text("first"));
    let before = position;
    assert_eq!(effective(&a, &mut position), [(Update, text("first"))]);
    assert_eq!(effective(&a, &mut position), []);
    let deleting = vec![Change::new("t", 1, Delete, None, None)];
    let gone =
        Transaction { changes: deleting, ..remote(Dot::new(node(5), 2), &[Dot::new(node(5), 1)], 30, "") };
    a.apply(&gone).unwrap();
    assert_eq!(effective(&a, &mut position), [], "a delete that loses is no delete");
    a.delete("t", 1).unwrap();
    drop(a);
    let a = open(storage, 1, None);
    assert_eq!(a.registry().unwrap(), first);
    assert_eq!(effective(&a, &mut position), [(Delete, None)]);
    assert_eq!(effective(&a, &mut before.clone()), [(Update, text("first")), (Delete, None)]);
    let beyond = EffectivePosition { lsn: position.lsn + 1, ..position };
    assert_eq!(a.effective(beyond, 1).unwrap_err().code(), ErrorCode::InvalidArgument);
    assert_eq!(position.to_string().parse::<EffectivePosition>().unwrap(), position);
}

#[test]
fn a_claim_outlives_a_crash_and_the_item_growing_but_not_its_end() {
    let manual = ResolverRegistry::new(ConflictResolution::Manual);
    let storage = FaultyStorage::new();
    let a = open(Arc::new(storage.clone()), 1, Some(manual.clone()));
    assert_eq!(a.claim("t", 1, "alice").unwrap_err().code(), ErrorCode::NotFound);
    a.apply(&remote(Dot::new(node(3), 1), &[], 10, "c")).unwrap();
    a.apply(&remote(Dot::new(node(4), 1), &[], 20, "d")).unwrap();
    a.claim("t", 1, "alice").unwrap();
    assert_eq!(a.claim("t", 1, "bob").unwrap_err().code(), ErrorCode::AlreadyExists);
    let copy = Arc::new(storage.after_power_loss(1));
    drop(a);
    let a = open(copy.clone(), 1, None);
    a.apply(&remote(Dot::new(node(5), 1), &[], 15, "e")).unwrap();
    let item = a.inbox().unwrap().remove(0);
    assert_eq!((item.report.heads.len(), item.claim.unwrap().by.as_str()), (3, "alice"));
    let heads: Vec<Dot> = item.report.heads.iter().map(|head| head.dot()).collect();
    let error = a.resolve("t", 1, ResolverDecision::Delete, &heads[1..]).unwrap_err();
    assert_eq!(error.code(), ErrorCode::VersionMismatch);
    assert_eq!(
        a.resolve("t", 1, ResolverDecision::Defer, &heads).unwrap_err().code(),
        ErrorCode::InvalidArgument
    );
    let stranger = ResolverDecision::Head(Dot::new(node(9), 1));
    assert_eq!(a.resolve("t", 1, stranger, &heads).unwrap_err().code(), ErrorCode::InvalidArgument);
    a.resolve("t", 1, ResolverDecision::Head(heads[1]), &heads).unwrap();
    assert!(a.inbox().unwrap().is_empty());
    // The next conflict of the row is another item.
    let again = a.heads("t", 1).unwrap();
    a.apply(&remote(Dot::new(node(6), 1), &again, 2000, "f")).unwrap();
    a.apply(&remote(Dot::new(node(7), 1), &again, 2001, "g")).unwrap();
    assert_eq!(a.inbox().unwrap()[0].claim, None);
    a.claim("t", 1, "bob").unwrap();
    a.release("t", 1).unwrap();
    assert_eq!(a.inbox().unwrap()[0].claim, None);
}

#[test]
fn two_who_decide_about_one_row_make_another_conflict() {
    let manual = ResolverRegistry::new(ConflictResolution::Manual);
    let (a, b) = (replica(1, manual.clone()).0, replica(2, manual).0);
    a.insert("t", 1, "from a").unwrap();
    b.insert("t", 1, "from b").unwrap();
    sync(&a, &b).unwrap();
    let heads = a.heads("t", 1).unwrap();
    a.resolve("t", 1, ResolverDecision::Head(heads[0]), &heads).unwrap();
    b.resolve("t", 1, ResolverDecision::Value(b"both".to_vec()), &heads).unwrap();
    sync(&a, &b).unwrap();
    assert_eq!(a.get("t", 1).unwrap(), b.get("t", 1).unwrap());
    assert_eq!((a.inbox().unwrap().len(), a.settled_conflicts().unwrap().len()), (1, 2));
    assert_eq!(a.conflicts().unwrap()[0].to_json(), b.conflicts().unwrap()[0].to_json());
}

#[test]
fn a_write_that_does_not_get_there_leaves_the_rows_as_they_were() {
    let storage = FaultyStorage::new();
    let a = open(Arc::new(storage.clone()), 1, None);
    let b = open(Arc::new(MemoryStorage::new()), 2, None);
    a.insert("t", 1, "a").unwrap();
    b.insert("t", 1, "b").unwrap();
    b.insert("t", 2, "b").unwrap();
    let rows = a.rows("t").unwrap();
    let stats = |replica: &Replica| {
        let stats = replica.stats().unwrap();
        (stats.rows, stats.contested_rows, stats.settlings, stats.before_mismatches)
    };
    let before = stats(&a);
    let full =
        Fault { operation: Operation::Write, from: 1, lasting: true, code: ErrorCode::NoSpace, written: 3 };
    storage.fail(&[full]);
    assert_eq!(a.update("t", 1, "c").unwrap_err().code(), ErrorCode::NoSpace);
    assert_eq!(sync(&a, &b).unwrap_err().code(), ErrorCode::NoSpace);
    assert_eq!((a.rows("t").unwrap(), stats(&a)), (rows, before));
    assert!(a.conflicts().unwrap().is_empty());
    storage.fail(&[]);
    sync(&a, &b).unwrap();
    assert_eq!(a.rows("t").unwrap(), b.rows("t").unwrap());
    assert_eq!(a.conflicts().unwrap().len(), 1);
}

#[test]
fn an_exchange_that_ends_halfway_leaves_what_got_there() {
    let b = open(Arc::new(MemoryStorage::new()), 2, None);
    for row in 0..60 {
        b.insert("t", row % 40, "x".repeat(300))
            .map(drop)
            .or_else(|_| b.update("t", row % 40, "y").map(drop))
            .unwrap();
    }
    let mut halfway = 0;
    for from in 1..40 {
        let storage = FaultyStorage::new();
        let a = open(Arc::new(storage.clone()), 1, None);
        a.insert("t", 7, "mine").unwrap();
        let full =
            Fault { operation: Operation::Write, from, lasting: true, code: ErrorCode::NoSpace, written: 3 };
        storage.fail(&[full]);
        let outcome = sync(&a, &b);
        storage.fail(&[]);
        if outcome.is_err() && a.log().stats().unwrap().entries > 1 {
            halfway += 1;
        }
        let again = open(Arc::new(storage.after_crash()), 1, None);
        assert_eq!(a.rows("t").unwrap(), again.rows("t").unwrap(), "write {from}");
        assert_eq!(a.heads("t", 7).unwrap(), again.heads("t", 7).unwrap());
        sync(&a, &b).unwrap();
        assert_eq!(a.rows("t").unwrap().len(), 40);
    }
    assert!(halfway > 3, "{halfway}");
}

#[test]
fn an_exchange_of_what_has_no_changes_is_shown_as_well() {
    let (a, _) = replica(1, ResolverRegistry::default());
    let (b, _) = replica(2, ResolverRegistry::default());
    a.append([]).unwrap();
    assert_eq!(sync(&a, &b).unwrap().sent, 1);
    assert_eq!(b.log().frontier().unwrap(), a.log().frontier().unwrap());
    assert_eq!(b.log().stats().unwrap().transactions, 1);
}

#[test]
fn a_log_that_was_no_replicas_becomes_one_with_what_it_holds() {
    let storage: Arc<dyn Storage> = Arc::new(MemoryStorage::new());
    let options = || LogOptions { node: Some(node(1)), ..options_with(Arc::new(ManualTime::new(at(1_000)))) };
    let log = ChangeLog::open_storage(storage.clone(), options()).unwrap();
    log.append(Change::insert("t", 1, "a")).unwrap();
    log.append_remote(&remote(Dot::new(node(3), 1), &[], 2000, "b")).unwrap();
    drop(log);
    let replica = open(storage, 1, None);
    assert_eq!(value(&replica, 1).as_deref(), Some("b"));
    assert_eq!(replica.conflicts().unwrap().len(), 1);
    let read_only = LogOptions { read_only: true, ..options() };
    let refused = Replica::in_memory(ReplicaOptions { log: read_only, ..ReplicaOptions::default() });
    assert_eq!(refused.unwrap_err().code(), ErrorCode::InvalidArgument);
}

#[test]
fn a_before_that_nobody_here_knows_is_counted() {
    let (a, _) = replica(1, ResolverRegistry::default());
    a.insert("t", 1, "a").unwrap();
    a.update("t", 1, "b").unwrap();
    a.append([Change::update("t", 1, "b", "c")]).unwrap();
    assert_eq!(a.stats().unwrap().before_mismatches, 0);
    a.append([Change::update("t", 1, "something else", "d")]).unwrap();
    assert_eq!(a.stats().unwrap().before_mismatches, 1);
}

#[test]
fn a_closed_replica_says_so() {
    let (a, _) = replica(1, ResolverRegistry::default());
    a.insert("t", 1, "a").unwrap();
    a.close().unwrap();
    let codes = [
        a.get("t", 1).map(drop),
        a.insert("t", 2, "b").map(drop),
        a.conflicts().map(drop),
        a.inbox().map(drop),
        a.stats().map(drop),
        a.why("t", 1).map(drop),
        a.effective(EffectivePosition::default(), 1).map(drop),
        a.set_registry(ResolverRegistry::default()),
    ];
    for outcome in codes {
        assert_eq!(outcome.unwrap_err().code(), ErrorCode::Closed);
    }
}

#[test]
fn where_some_field_is_a_counter_a_whole_row_is_only_written_over_what_was_read() {
    let merge = r#"{"kind":"field_merge","liveness":"update_wins","fields":{"n":"counter"}}"#;
    let (a, _) = replica(1, ResolverRegistry::new(merge.parse().unwrap()));
    assert_eq!(a.insert("t", 1, "no object").unwrap_err().code(), ErrorCode::InvalidArgument);
    a.insert("t", 1, r#"{"n":1}"#).unwrap();
    assert_eq!(a.update("t", 1, r#"{"n":2}"#).unwrap_err().code(), ErrorCode::InvalidArgument);
    let heads = a.heads("t", 1).unwrap();
    a.write([Write::update("t", 1, r#"{"n":2}"#).expecting(heads)]).unwrap();
    a.increment("t", 1, "n", i64::MAX - 2).unwrap();
    assert_eq!(a.increment("t", 1, "n", 1).unwrap_err().code(), ErrorCode::TooLarge);
    assert_eq!(a.patch("t", 1, "[]", &[]).unwrap_err().code(), ErrorCode::InvalidArgument);
    assert_eq!(a.patch("t", 9, "{}", &[]).unwrap_err().code(), ErrorCode::NotFound);
    a.patch("t", 1, r#"{"s":"x"}"#, &["n"]).unwrap();
    assert_eq!(a.increment("t", 1, "s", 1).unwrap_err().code(), ErrorCode::InvalidArgument);
    assert_eq!(value(&a, 1).as_deref(), Some(r#"{"s":"x"}"#));
}

/// Counts down when a thread ends, however it ends.
struct Done<'a>(&'a AtomicUsize);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[test]
fn replicas_that_exchange_from_several_threads_lose_nothing() {
    for durability in [Durability::Os, Durability::Sync] {
        let places = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let open = |number: usize| {
            let log = LogOptions { node: Some(node(number as u64 + 1)), durability, ..LogOptions::default() };
            Replica::open_with(places[number].path(), ReplicaOptions { log, ..ReplicaOptions::default() })
                .unwrap()
        };
        let replicas = [open(0), open(1)];
        let writing = AtomicUsize::new(4);
        std::thread::scope(|scope| {
            for replica in &replicas {
                let writing = &writing;
                // Whoever reads transactions makes durable what was written, also what is not shown yet.
                scope.spawn(move || {
                    while writing.load(Ordering::SeqCst) > 0 {
                        assert!(
                            replica
                                .log()
                                .transactions(&VectorClock::new())
                                .unwrap()
                                .next()
                                .is_none_or(|next| next.is_ok())
                        );
                    }
                });
            }
            for thread in 0..4usize {
                let writing = &writing;
                let (mine, yours) = (&replicas[thread % 2], &replicas[1 - thread % 2]);
                scope.spawn(move || {
                    let _done = Done(writing);
                    for step in 0..40 {
                        let row = (step % 10) as i64;
                        let heads = mine.heads("t", row).unwrap();
                        let write = match mine.get("t", row).unwrap() {
                            None => Write::insert("t", row, format!("{thread} {step}")),
                            Some(_) => Write::update("t", row, format!("{thread} {step}")),
                        };
                        match mine.write([write.expecting(heads)]) {
                            Err(error) if error.code() == ErrorCode::VersionMismatch => {}
                            written => assert!(!written.unwrap().duplicate),
                        }
                        sync(mine, yours).unwrap();
                        mine.rows("t").unwrap();
                        yours.conflicts().unwrap();
                    }
                });
            }
        });
        let [a, b] = &replicas;
        sync(a, b).unwrap();
        assert_eq!(a.rows("t").unwrap(), b.rows("t").unwrap());
        assert_eq!(a.log().frontier().unwrap(), b.log().frontier().unwrap());
        for replica in &replicas {
            assert!(replica.log().verify().unwrap().findings.is_empty());
        }
    }
}
