//! What two entries of one row are to each other: every relation, every pair of operations, every state that the row was in.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::expect_used)]

mod common;

use std::collections::BTreeSet;

use causelog::{
    Causality, ChangeEntry, ChangeOperation, ConflictClass, ConflictDetector, ConflictResolution,
    ConflictType, Dot, Metadata, ResolverRegistry, RowId, VectorClock, Winner,
};
use common::{at, node};

/// What the row was before both entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    Never,
    Live,
    Deleted,
    /// Two that stand, one of them a delete, which the later one wins.
    ContestedDead,
}

fn entry(dot: Dot, seen: &[Dot], time: i64, operation: ChangeOperation, text: &str) -> ChangeEntry {
    let mut clock = VectorClock::new();
    seen.iter().chain([&dot]).for_each(|dot| clock.advance(dot.node, dot.sequence));
    ChangeEntry {
        lsn: 0,
        node: dot.node,
        sequence: dot.sequence,
        vector_clock: clock,
        timestamp: at(time),
        transaction: dot,
        table: "t".to_owned(),
        row_id: RowId::from(1),
        operation,
        before: None,
        after: (operation != ChangeOperation::Delete).then(|| text.as_bytes().to_vec()),
        verdict: None,
        metadata: Metadata::new(),
    }
}

fn past(before: Before) -> Vec<ChangeEntry> {
    use ChangeOperation::{Delete, Insert, Update};
    let (first, second) = (Dot::new(node(3), 1), Dot::new(node(3), 2));
    let insert = entry(first, &[], 1, Insert, "old");
    match before {
        Before::Never => Vec::new(),
        Before::Live => vec![insert],
        Before::Deleted => vec![insert, entry(second, &[first], 2, Delete, "")],
        Before::ContestedDead => {
            let other = entry(Dot::new(node(4), 1), &[first], 2, Update, "other");
            vec![insert, other, entry(second, &[first], 3, Delete, "")]
        }
    }
}

#[test]
fn every_relation_operation_and_state_has_one_answer_and_both_sides_see_it() {
    let mut seen = BTreeSet::new();
    let mut cases = 0;
    for before in [Before::Never, Before::Live, Before::Deleted, Before::ContestedDead] {
        for relation in [Causality::Equal, Causality::Before, Causality::After, Causality::Concurrent] {
            for local_operation in ChangeOperation::ALL {
                for remote_operation in ChangeOperation::ALL {
                    cases += 1;
                    let history = past(before);
                    let dots: Vec<Dot> = history.iter().map(ChangeEntry::dot).collect();
                    let (here, there) = (Dot::new(node(1), 1), Dot::new(node(2), 1));
                    let with = |dot: Dot| dots.iter().copied().chain([dot]).collect::<Vec<_>>();
                    let local_seen = if relation == Causality::After { with(there) } else { dots.clone() };
                    let remote_seen = if relation == Causality::Before { with(here) } else { dots.clone() };
                    let local = entry(here, &local_seen, 10, local_operation, "local");
                    let mut remote = entry(there, &remote_seen, 11, remote_operation, "remote");
                    if relation == Causality::Equal {
                        remote = local.clone();
                    }
                    assert_eq!(local.vector_clock.compare(&remote.vector_clock), relation);

                    let detector = ConflictDetector::new(ConflictResolution::LastWriteWins);
                    let found = detector.detect(&local, &remote).unwrap();
                    let mirrored = detector.detect(&remote, &local).unwrap();
                    assert_eq!(found.is_some(), mirrored.is_some());
                    let deleted = |operation| operation == ChangeOperation::Delete;
                    let both_deleted = deleted(local_operation) && deleted(remote_operation);
                    let concurrent = relation == Causality::Concurrent;
                    assert_eq!(found.is_some(), concurrent && !both_deleted);
                    if let (Some(found), Some(mirrored)) = (found, mirrored) {
                        assert_eq!(found.conflict_type, ConflictType::of(local_operation, remote_operation));
                        assert_eq!(found.conflict_type.mirror(), mirrored.conflict_type);
                        assert_eq!(found.id(), mirrored.id());
                    }

                    // With its history, the row counts what happened since: deleted, changed or come into being.
                    let all: Vec<&ChangeEntry> = history.iter().chain([&local, &remote]).collect();
                    let row = detector.resolve_row(all.iter().copied()).unwrap();
                    let was_there = before == Before::Live;
                    let net = |operation| match (deleted(operation), was_there) {
                        (true, _) => ChangeOperation::Delete,
                        (false, true) => ChangeOperation::Update,
                        (false, false) => ChangeOperation::Insert,
                    };
                    let class = match (net(local_operation), net(remote_operation)) {
                        (ChangeOperation::Delete, ChangeOperation::Delete) => ConflictClass::DeleteDelete,
                        (ChangeOperation::Delete, _) | (_, ChangeOperation::Delete) => {
                            ConflictClass::UpdateDelete
                        }
                        (one, other) => ConflictType::of(one, other).class(),
                    };
                    match &row.standing {
                        None => assert!(!concurrent || both_deleted),
                        Some(report) => {
                            assert!(concurrent && !both_deleted);
                            assert_eq!(
                                report.class, class,
                                "{before:?} {local_operation} {remote_operation}"
                            );
                            assert_eq!(report.ancestor.is_some(), was_there);
                            assert_eq!(report.winner, Winner::Head(there), "the later one wins");
                            seen.insert(report.class);
                        }
                    }
                    let later = if relation == Causality::After { &local } else { &remote };
                    assert_eq!(row.value, later.after);
                    assert_eq!(row.heads.len(), if concurrent { 2 } else { 1 });
                }
            }
        }
    }
    assert_eq!(cases, 4 * 4 * 9);
    // An insert beside an update, or beside a delete, never is what happened to a row as a whole.
    let arising = [ConflictClass::InsertInsert, ConflictClass::UpdateUpdate, ConflictClass::UpdateDelete];
    assert_eq!(seen, BTreeSet::from(arising));
}

#[test]
fn rules_that_cannot_hold_everywhere_are_refused_with_the_reason() {
    let mut registry = ResolverRegistry::default();
    let mut refused = |table: &str, class: Option<ConflictClass>, strategy: &str, reason: &str| {
        let before = registry.clone();
        let strategy: ConflictResolution = strategy.parse().unwrap();
        let outcome = match class {
            Some(class) => registry.set_class(table, class, strategy),
            None => registry.set_table(table, strategy),
        };
        let error = outcome.unwrap_err();
        assert!(error.message().contains(reason), "{error}");
        assert_eq!(registry, before, "nothing is half done");
    };
    let merge = r#"{"kind":"field_merge","liveness":"delete_wins"}"#;
    let class = Some(ConflictClass::UpdateUpdate);
    refused("t", class, merge, "a third entry can change the class");
    refused("t", Some(ConflictClass::InsertUpdate), "manual", "cannot arise");
    refused("t", Some(ConflictClass::InsertDelete), "manual", "cannot arise");
    refused("", None, "manual", "without a name");
    let contradicting =
        r#"{"kind":"update_wins","fallback":{"kind":"field_merge","liveness":"delete_wins"}}"#;
    refused("t", None, contradicting, "another history");
    refused("t", None, r#"{"kind":"custom","name":"","version":1}"#, "needs a name");
    let twice = r#"{"kind":"node_priority","order":["00000000-0000-4000-8000-000000000001","00000000-0000-4000-8000-000000000001"]}"#;
    refused("t", None, twice, "listed twice");
    let causal = r#"{"kind":"vector_clock_causal","fallback":"vector_clock_causal"}"#;
    refused("t", None, causal, "does not choose");
    let nested = r#"{"kind":"delete_wins","fallback":{"kind":"update_wins","fallback":"manual"}}"#;
    refused("t", None, nested, "never sees deletes beside live entries");

    registry.set_table("t", merge.parse().unwrap()).unwrap();
    let wrapped = format!(r#"{{"kind":"delete_wins","fallback":{merge}}}"#);
    registry.set_class("t", ConflictClass::UpdateDelete, wrapped.parse().unwrap()).unwrap();
    registry.set_class("t", ConflictClass::DeleteDelete, ConflictResolution::FirstWriteWins).unwrap();
    let custom = ConflictResolution::Custom { name: "mine".to_owned(), version: 1 };
    let error = registry.set_class("t", ConflictClass::DeleteDelete, custom).unwrap_err();
    assert!(error.message().contains("merged"), "{error}");
    let error = registry.set_class("t", ConflictClass::InsertInsert, ConflictResolution::Manual).unwrap_err();
    assert!(error.message().contains("merged"), "{error}");
    assert_eq!(ResolverRegistry::from_json(&registry.to_json()).unwrap(), registry);
    assert!(ResolverRegistry::from_json("{").is_err());
    assert_ne!(registry.fingerprint(), ResolverRegistry::default().fingerprint());
}
