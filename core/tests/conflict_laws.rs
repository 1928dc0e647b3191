//! The laws of conflicts: both sides see the same one, and neither the order in which
//! entries come nor how often they come changes anything.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::expect_used)]

mod common;

use std::collections::BTreeSet;
use std::sync::Arc;

use causelog::{
    Causality, ChangeEntry, ChangeOperation, ConflictClass, ConflictDetector, ConflictResolution,
    ConflictType, Dot, ErrorCode, ManualTime, Metadata, ReasonCode, RowId, Side, VectorClock, Winner,
};
use common::{Random, at, node, with_seeds};

fn entry(dot: Dot, clock: VectorClock, operation: ChangeOperation, after: Option<&str>) -> ChangeEntry {
    ChangeEntry {
        lsn: 0,
        node: dot.node,
        sequence: dot.sequence,
        vector_clock: clock,
        timestamp: at(0),
        transaction: dot,
        table: "orders".to_owned(),
        row_id: RowId::from(42),
        operation,
        before: None,
        after: after.map(|text| text.as_bytes().to_vec()),
        verdict: None,
        metadata: Metadata::new(),
    }
}

fn detector(resolution: &ConflictResolution) -> ConflictDetector {
    ConflictDetector::with_time(resolution.clone(), Arc::new(ManualTime::new(at(7))))
}

/// One that decides and one that does not.
fn strategies() -> [ConflictResolution; 2] {
    [ConflictResolution::LastWriteWins, ConflictResolution::VectorClockCausal { fallback: None }]
}

fn image(random: &mut Random, operation: ChangeOperation) -> Option<&'static str> {
    match operation {
        ChangeOperation::Delete => None,
        _ if random.chance(10) => None,
        _ => Some(*random.pick::<&'static str>(&[
            "{\"qty\":1}",
            "{\"qty\":2}",
            "{\"qty\": 2}",
            "",
            "null",
            "\u{1}",
        ])),
    }
}

/// Entries of one row as a few nodes that hear of each other now and then write them.
fn history(random: &mut Random, count: usize) -> Vec<ChangeEntry> {
    let nodes = 2 + random.below(3);
    let mut clocks = vec![VectorClock::new(); nodes];
    let mut entries = Vec::new();
    while entries.len() < count {
        let here = random.below(nodes);
        if random.chance(30) {
            let there = clocks[random.below(nodes)].clone();
            clocks[here].merge(&there);
        }
        let sequence = clocks[here].increment(node(here as u64)).unwrap();
        let operation = *random.pick(&ChangeOperation::ALL);
        let after = image(random, operation);
        let dot = Dot::new(node(here as u64), sequence);
        let mut entry = entry(dot, clocks[here].clone(), operation, after);
        // Few timestamps, so that they tie; and they ignore causality.
        entry.timestamp = at(random.below(4) as i64);
        if random.chance(20) {
            entry.metadata.insert("actor".to_owned(), "alice".to_owned());
        }
        entries.push(entry);
    }
    entries
}

fn permutations(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![Vec::new()];
    }
    let shorter = permutations(count - 1);
    (0..count)
        .flat_map(|place| {
            shorter.iter().map(move |order| {
                let mut order = order.clone();
                order.insert(place, count - 1);
                order
            })
        })
        .collect()
}

#[test]
fn every_relation_meets_every_pair_of_operations() {
    let clock = |a, b| VectorClock::from_entries([(node(1), a), (node(2), b)]);
    let pairs = [
        (Causality::Before, clock(1, 0), clock(1, 1)),
        (Causality::After, clock(1, 1), clock(0, 1)),
        (Causality::Concurrent, clock(1, 0), clock(0, 1)),
    ];
    let mut shapes = BTreeSet::new();
    for resolution in strategies() {
        for (relation, local_clock, remote_clock) in &pairs {
            for local_operation in ChangeOperation::ALL {
                for remote_operation in ChangeOperation::ALL {
                    let image = |operation, text| (operation != ChangeOperation::Delete).then_some(text);
                    let (local_image, remote_image) =
                        (image(local_operation, "1"), image(remote_operation, "2"));
                    let local =
                        entry(Dot::new(node(1), 1), local_clock.clone(), local_operation, local_image);
                    let remote =
                        entry(Dot::new(node(2), 1), remote_clock.clone(), remote_operation, remote_image);
                    let detector = detector(&resolution);
                    let conflict = detector.detect(&local, &remote).unwrap();

                    let both_deleted = local_image.is_none() && remote_image.is_none();
                    let wanted = *relation == Causality::Concurrent && !both_deleted;
                    assert_eq!(conflict.is_some(), wanted, "{relation} {local_operation} {remote_operation}");
                    let Some(conflict) = conflict else { continue };
                    let shape = ConflictType::of(local_operation, remote_operation);
                    assert_eq!(conflict.conflict_type, shape);
                    shapes.insert(shape);
                    let report = detector.report(&conflict).unwrap();
                    assert_eq!(report.class, shape.class());
                    match resolution {
                        ConflictResolution::LastWriteWins => {
                            // Equal timestamps: the higher node wins, here the remote one.
                            assert_eq!(report.winner, Winner::Head(remote.dot()));
                            assert_eq!(report.winning_side(), Some(Side::Remote));
                            assert_eq!(report.reason_code, ReasonCode::HigherNode);
                            assert_eq!(report.value(), remote_image.map(str::as_bytes));
                        }
                        _ => {
                            assert_eq!(report.winner, Winner::Pending);
                            assert_eq!((report.winning_side(), report.winning_entry()), (None, None));
                            assert_eq!(report.reason_code, ReasonCode::Concurrent);
                        }
                    }
                }
            }
        }
        // Equal: the same entry never conflicts with itself, whatever it does.
        for operation in ChangeOperation::ALL {
            let one = entry(Dot::new(node(1), 1), clock(1, 0), operation, None);
            assert_eq!(detector(&resolution).detect(&one, &one).unwrap(), None);
        }
    }
    // Two deletes are the one shape that is never reported.
    let silent: Vec<_> = ConflictType::ALL.into_iter().filter(|shape| !shapes.contains(shape)).collect();
    assert_eq!(silent, [ConflictType::DeleteDelete]);
}

#[test]
fn both_sides_see_the_same_conflict() {
    let mut conflicts = 0;
    with_seeds(300, |mut random| {
        let entries = history(&mut random, 6);
        for resolution in strategies() {
            let detector = detector(&resolution);
            for a in &entries {
                for b in &entries {
                    let here = detector.detect(a, b).unwrap();
                    let there = detector.detect(b, a).unwrap();
                    let concurrent = a.dot() != b.dot() && a.vector_clock.conflicts_with(&b.vector_clock);
                    assert_eq!(here.is_some(), concurrent && a.after != b.after);
                    let (Some(here), Some(there)) = (&here, &there) else {
                        assert!(here.is_none() && there.is_none());
                        continue;
                    };
                    conflicts += 1;
                    assert_eq!(here.id(), there.id());
                    assert_eq!(here.conflict_type.mirror(), there.conflict_type);
                    assert_eq!((here.local_entry, here.remote_entry), (a, b));
                    assert_eq!((there.local_entry, there.remote_entry), (b, a));

                    let (here, there) = (detector.report(here).unwrap(), detector.report(there).unwrap());
                    assert_eq!(here.to_json(), there.to_json());
                    assert_eq!(here.to_string(), there.to_string());
                    let sides = (here.winning_side(), there.winning_side());
                    assert!(matches!(
                        sides,
                        (None, None)
                            | (Some(Side::Local), Some(Side::Remote))
                            | (Some(Side::Remote), Some(Side::Local))
                    ));
                }
            }
        }
    });
    assert!(conflicts > 1000, "too few to mean anything: {conflicts}");
}

/// What the winner must be, from the rules as they are worded.
fn winner_by_definition(entries: &[ChangeEntry], resolution: &ConflictResolution) -> (Winner, ReasonCode) {
    let mut maximal: Vec<_> = entries
        .iter()
        .filter(|entry| !entries.iter().any(|other| entry.vector_clock.happens_before(&other.vector_clock)))
        .collect();
    maximal.sort_by_key(|entry| (entry.timestamp, entry.node));
    let [.., second, first] = maximal.as_slice() else {
        return (Winner::Head(maximal[0].dot()), ReasonCode::CausallyLater);
    };
    match resolution {
        ConflictResolution::VectorClockCausal { .. } => (Winner::Pending, ReasonCode::Concurrent),
        _ if first.timestamp > second.timestamp => (Winner::Head(first.dot()), ReasonCode::LaterTimestamp),
        _ => (Winner::Head(first.dot()), ReasonCode::HigherNode),
    }
}

#[test]
fn neither_order_nor_repetition_changes_a_resolution() {
    let mut reasons = BTreeSet::new();
    with_seeds(250, |mut random| {
        let count = 2 + random.below(3);
        let entries = history(&mut random, count);
        for resolution in strategies() {
            let settled_by = random.chance(50).then(|| Dot::new(node(9), 1));
            let detector = detector(&resolution);
            let first = detector.resolve(&entries, settled_by).unwrap();
            let (winner, reason) = winner_by_definition(&entries, &resolution);
            assert_eq!((first.winner, first.reason_code), (winner, reason));
            reasons.insert(reason);
            assert_eq!(Some(first.class), ConflictClass::of(entries.iter().map(|entry| entry.operation)));
            assert_eq!(first.heads.len(), entries.len());
            for order in permutations(entries.len()) {
                let mut permuted: Vec<_> = order.iter().map(|place| &entries[*place]).collect();
                let report = detector.resolve(permuted.iter().copied(), settled_by).unwrap();
                assert_eq!(report, first);
                assert_eq!(report.to_json(), first.to_json());
                assert_eq!(report.to_string(), first.to_string());

                let again = *random.pick(&permuted);
                permuted.insert(random.below(permuted.len() + 1), again);
                assert_eq!(detector.resolve(permuted, settled_by).unwrap(), first);
            }
        }
    });
    let honest = [
        ReasonCode::CausallyLater,
        ReasonCode::LaterTimestamp,
        ReasonCode::HigherNode,
        ReasonCode::Concurrent,
    ];
    assert_eq!(reasons, BTreeSet::from(honest));
}

/// Also entries whose clocks no honest history gives resolve to one answer, in whatever order they come.
#[test]
fn forged_clocks_still_resolve_to_one_answer() {
    let mut reasons = BTreeSet::new();
    with_seeds(250, |mut random| {
        let count = 2 + random.below(3);
        let mut entries: Vec<ChangeEntry> = Vec::new();
        while entries.len() < count {
            let dot = Dot::new(node(random.below(3) as u64), 1 + random.below(2) as u64);
            let clock = (0..3).map(|number| (node(number), random.below(3) as u64)).collect();
            let operation = *random.pick(&ChangeOperation::ALL);
            let after = image(&mut random, operation);
            if entries.iter().all(|entry| entry.dot() != dot) {
                entries.push(entry(dot, clock, operation, after));
            }
        }
        for resolution in strategies() {
            let first = detector(&resolution).resolve(&entries, None).unwrap();
            reasons.insert(first.reason_code);
            if let Winner::Head(dot) = first.winner {
                assert_eq!(first.winning_entry().map(ChangeEntry::dot), Some(dot));
            }
            for order in permutations(entries.len()) {
                let permuted = order.iter().map(|place| &entries[*place]);
                assert_eq!(detector(&resolution).resolve(permuted, None).unwrap(), first);
            }
        }
    });
    assert_eq!(reasons.len(), 4, "{reasons:?}");
}

#[test]
fn the_id_names_row_and_entries_and_nothing_else() {
    let clock = |number| VectorClock::from_entries([(node(number), 1)]);
    let heads = |change: &dyn Fn(&mut ChangeEntry)| {
        [1, 2].map(|number| {
            let mut entry =
                entry(Dot::new(node(number), 1), clock(number), ChangeOperation::Update, Some("1"));
            change(&mut entry);
            entry
        })
    };
    let id = |heads: [ChangeEntry; 2]| {
        detector(&ConflictResolution::LastWriteWins).resolve(&heads, None).unwrap().id()
    };
    let first = id(heads(&|_| {}));
    assert_eq!(first.get_version_num(), 8);
    assert_eq!(first, id(heads(&|entry| entry.lsn = 9)));
    assert_eq!(first, id(heads(&|entry| entry.timestamp = at(9))));
    assert_eq!(first, id(heads(&|entry| entry.after = None)));
    assert_ne!(first, id(heads(&|entry| entry.table = "items".to_owned())));
    assert_ne!(first, id(heads(&|entry| entry.row_id = RowId::from("42"))));
    assert_ne!(first, id(heads(&|entry| entry.sequence += 1)));
    // The border between table and row id is part of it.
    let border = |table: &str, row_id: &str| {
        id(heads(&|entry| (entry.table, entry.row_id) = (table.to_owned(), row_id.into())))
    };
    assert_ne!(border("ab", "c"), border("a", "bc"));
}

#[test]
fn a_conflict_put_together_by_hand_is_checked() {
    let detector = detector(&ConflictResolution::LastWriteWins);
    let [a, b] = [1, 2].map(|number| {
        let clock = VectorClock::from_entries([(node(number), 1)]);
        let text = if number == 1 { "1" } else { "2" };
        entry(Dot::new(node(number), 1), clock, ChangeOperation::Insert, Some(text))
    });
    let mut conflict = detector.detect(&a, &b).unwrap().unwrap();
    assert_eq!(conflict.detected_at, at(7));
    let elsewhere = ChangeEntry { table: "items".to_owned(), ..b.clone() };
    conflict.remote_entry = &elsewhere;
    assert_eq!(detector.report(&conflict).unwrap_err().code(), ErrorCode::InvalidArgument);
    let forged = ChangeEntry { after: None, ..conflict.local_entry.clone() };
    conflict.remote_entry = &forged;
    assert_eq!(detector.report(&conflict).unwrap_err().code(), ErrorCode::DotReuse);
    conflict.remote_entry = conflict.local_entry;
    assert_eq!(detector.report(&conflict).unwrap_err().code(), ErrorCode::InvalidArgument);
}
