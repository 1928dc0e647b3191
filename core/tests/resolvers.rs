//! Functions of the application that decide conflicts: whatever they do, the entries are kept and nothing stands still.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::expect_used)]

mod common;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use causelog::storage::MemoryStorage;
use causelog::{
    ConflictQuery, ConflictResolution, ConflictResolver, Error, ErrorCode, LogOptions, ManualTime,
    ReasonCode, Replica, ReplicaOptions, ResolverDecision, ResolverRegistry, Result, RowConflict, RowState,
    Winner, sync,
};
use common::{at, node, options_with};

fn custom() -> ResolverRegistry {
    ResolverRegistry::new(ConflictResolution::Custom { name: "mine".to_owned(), version: 1 })
}

fn options(number: u64, resolver: Option<Arc<dyn ConflictResolver>>) -> ReplicaOptions {
    let log = LogOptions { node: Some(node(number)), ..options_with(Arc::new(ManualTime::new(at(1_000)))) };
    let resolvers = resolver.into_iter().map(|resolver| ("mine".to_owned(), 1, resolver)).collect();
    ReplicaOptions { log, registry: Some(custom()), resolvers, ..ReplicaOptions::default() }
}

/// Two replicas, the second of which has nobody to ask, about to hear of each other's insert of one row.
fn pair(resolver: Arc<dyn ConflictResolver>) -> (Replica, Replica) {
    let a = Replica::in_memory(options(1, Some(resolver))).unwrap();
    let b = Replica::in_memory(options(2, None)).unwrap();
    a.insert("t", 1, "from a").unwrap();
    b.insert("t", 1, "from b").unwrap();
    (a, b)
}

fn value(replica: &Replica) -> (String, RowState) {
    let row = replica.get("t", 1).unwrap().unwrap();
    (String::from_utf8(row.value.unwrap()).unwrap(), row.state)
}

fn first(conflict: &RowConflict) -> Result<ResolverDecision> {
    let first = conflict.heads.iter().map(|head| head.dot()).min().unwrap();
    Ok(ResolverDecision::Head(first))
}

#[test]
fn a_resolver_decides_and_its_answer_is_kept() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    let resolver: Arc<dyn ConflictResolver> = Arc::new(move |conflict: &RowConflict| {
        counted.fetch_add(1, Ordering::SeqCst);
        assert_eq!((conflict.table.as_str(), conflict.ancestor_is_live), ("t", false));
        first(conflict)
    });
    let storage = Arc::new(MemoryStorage::new());
    let a = Replica::open_storage(storage.clone(), options(1, Some(resolver))).unwrap();
    let b = Replica::in_memory(options(2, None)).unwrap();
    a.insert("t", 1, "from a").unwrap();
    b.insert("t", 1, "from b").unwrap();
    sync(&a, &b).unwrap();
    assert_eq!(value(&a), ("from a".to_owned(), RowState::Resolved));
    let report = a.conflicts().unwrap().remove(0);
    assert_eq!(
        (report.winner, report.reason_code),
        (Winner::Head(report.heads[0].dot()), ReasonCode::Custom)
    );
    // Once for each order of the heads, and never again.
    assert_eq!(calls.load(Ordering::SeqCst), 2);
    assert_eq!(a.replay(&report).unwrap(), report);
    a.close().unwrap();
    drop(a);

    // Who asks nobody knows what was answered before; who never asked does not.
    let again =
        Replica::open_storage(storage, ReplicaOptions { registry: None, ..options(1, None) }).unwrap();
    assert_eq!(value(&again), ("from a".to_owned(), RowState::Resolved));
    assert_eq!(value(&b), ("from b".to_owned(), RowState::Unresolved));
    assert_eq!(b.inbox().unwrap()[0].state, RowState::Unresolved);
    assert_eq!(b.update("t", 1, "x").unwrap_err().code(), ErrorCode::Unresolved);
    assert_eq!(b.patch("t", 1, "{}", &[]).unwrap_err().code(), ErrorCode::Unresolved);
    b.register_resolver("mine", 1, Arc::new(first)).unwrap();
    assert_eq!(value(&b), ("from a".to_owned(), RowState::Resolved));
    assert!(b.inbox().unwrap().is_empty());
}

#[test]
fn values_deletions_and_deferrals_are_answers_too() {
    for (decision, wanted) in [
        (ResolverDecision::Value(b"both".to_vec()), Some(("both", RowState::Resolved))),
        (ResolverDecision::Delete, None),
        (ResolverDecision::Defer, Some(("from b", RowState::Pending))),
    ] {
        let answer = decision.clone();
        let (a, b) = pair(Arc::new(move |_: &RowConflict| Ok(answer.clone())));
        sync(&a, &b).unwrap();
        let row = a.get("t", 1).unwrap();
        let found = row.map(|row| (String::from_utf8(row.value.unwrap()).unwrap(), row.state));
        assert_eq!(found, wanted.map(|(text, state)| (text.to_owned(), state)), "{decision:?}");
        let report = a.conflicts().unwrap().remove(0);
        assert_eq!(report.leaves_live(), decision != ResolverDecision::Delete);
        let open = a.inbox().unwrap();
        assert_eq!(open.len(), usize::from(decision == ResolverDecision::Defer));
    }
}

#[test]
fn a_resolver_that_fails_keeps_the_entry_and_leaves_the_row_to_the_inbox() {
    let other_order = AtomicUsize::new(0);
    let failing: [(Arc<dyn ConflictResolver>, &str); 4] = [
        (
            Arc::new(|_: &RowConflict| Err(Error::new(ErrorCode::Unavailable, "out of office"))),
            "out of office",
        ),
        (
            Arc::new(|_: &RowConflict| -> Result<ResolverDecision> { panic!("no idea") }),
            "it panicked: no idea",
        ),
        (
            Arc::new(|conflict: &RowConflict| Ok(ResolverDecision::Head(conflict.heads[0].dot()))),
            "the same heads in another order",
        ),
        (
            Arc::new(move |conflict: &RowConflict| {
                other_order.fetch_add(1, Ordering::SeqCst);
                let mut dot = conflict.heads[0].dot();
                dot.sequence = 99;
                dot.node = node(7);
                Ok(ResolverDecision::Head(dot))
            }),
            "none of the heads",
        ),
    ];
    for (resolver, why) in failing {
        let (a, b) = pair(resolver);
        let report = sync(&a, &b).unwrap();
        assert_eq!((report.received, report.skipped.len()), (1, 0));
        assert_eq!(value(&a), ("from b".to_owned(), RowState::Unresolved));
        let item = a.inbox().unwrap().remove(0);
        assert_eq!(item.state, RowState::Unresolved);
        assert!(item.failure.as_deref().unwrap().contains(why), "{:?}", item.failure);
        assert_eq!(item.report.reason_code, ReasonCode::ResolverFailed);
        let heads: Vec<_> = item.report.heads.iter().map(|head| head.dot()).collect();
        a.resolve("t", 1, ResolverDecision::Value(b"by hand".to_vec()), &heads).unwrap();
        assert_eq!(value(&a), ("by hand".to_owned(), RowState::Resolved));
    }
}

#[test]
fn a_resolver_may_read_its_replica_and_not_write_to_it() {
    let within: Arc<OnceLock<Weak<Replica>>> = Arc::default();
    let seen = within.clone();
    let resolver: Arc<dyn ConflictResolver> = Arc::new(move |conflict: &RowConflict| {
        let replica = seen.get().unwrap().upgrade().unwrap();
        // Reading another row, the history, and even the row that is being decided.
        assert!(replica.get("t", 2)?.is_some());
        assert!(replica.get("t", 1)?.is_some());
        replica.why("t", 1)?;
        replica.conflicts()?;
        let refused = [
            replica.insert("t", 3, "x").map(drop),
            replica.append([]).map(drop),
            replica.set_registry(ResolverRegistry::default()),
        ];
        for refused in refused {
            assert_eq!(refused.unwrap_err().code(), ErrorCode::ResolverFailed);
        }
        first(conflict)
    });
    let (a, b) = pair(resolver);
    let a = Arc::new(a);
    within.set(Arc::downgrade(&a)).unwrap();
    a.insert("t", 2, "another").unwrap();
    sync(&a, &b).unwrap();
    assert_eq!(value(&a), ("from a".to_owned(), RowState::Resolved));
    a.insert("t", 3, "x").unwrap();
}

#[test]
fn what_a_resolver_reads_of_its_own_row_is_not_taken_for_the_outcome() {
    let (a, b) = pair(Arc::new(first));
    sync(&a, &b).unwrap();
    let b = Arc::new(b);
    let reading = Arc::downgrade(&b);
    let resolver: Arc<dyn ConflictResolver> = Arc::new(move |conflict: &RowConflict| {
        let replica = reading.upgrade().unwrap();
        assert_eq!(value(&replica), ("from b".to_owned(), RowState::Unresolved));
        first(conflict)
    });
    b.register_resolver("mine", 1, resolver).unwrap();
    assert_eq!(value(&b), ("from a".to_owned(), RowState::Resolved));
    assert!(b.inbox().unwrap().is_empty());
}

#[test]
fn a_resolver_that_other_rules_ask_may_not_write_either() {
    let (a, b) = pair(Arc::new(first));
    sync(&a, &b).unwrap();
    b.set_registry(ResolverRegistry::default()).unwrap();
    let b = Arc::new(b);
    let writing = Arc::downgrade(&b);
    let resolver: Arc<dyn ConflictResolver> = Arc::new(move |conflict: &RowConflict| {
        let replica = writing.upgrade().unwrap();
        assert_eq!(replica.insert("t", 2, "x").unwrap_err().code(), ErrorCode::ResolverFailed);
        first(conflict)
    });
    b.register_resolver("mine", 1, resolver).unwrap();
    let found = b.what_if(&custom(), &ConflictQuery::default()).unwrap();
    assert_eq!(found[0].would_be.reason_code, ReasonCode::Custom);
    b.insert("t", 2, "x").unwrap();
}

#[test]
fn other_rules_ask_without_leaving_a_trace() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    let resolver: Arc<dyn ConflictResolver> = Arc::new(move |conflict: &RowConflict| {
        counted.fetch_add(1, Ordering::SeqCst);
        first(conflict)
    });
    let (a, b) = pair(resolver);
    a.set_registry(ResolverRegistry::default()).unwrap();
    sync(&a, &b).unwrap();
    assert_eq!(value(&a).0, "from b");
    for asked in [2, 4] {
        let answers = a.what_if(&custom(), &ConflictQuery::default()).unwrap();
        assert_eq!((answers.len(), answers[0].differs()), (1, true));
        assert_eq!(calls.load(Ordering::SeqCst), asked, "nothing was kept");
    }
    assert_eq!(value(&a).0, "from b");
    a.set_registry(custom()).unwrap();
    assert_eq!(value(&a).0, "from a");
    assert_eq!(calls.load(Ordering::SeqCst), 6);
}
