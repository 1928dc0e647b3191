//! The laws of vector clocks: comparison is a partial order, merging its least upper
//! bound, encoding loses nothing, and all of it says what really happened.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::expect_used)]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use causelog::{Causality, Dot, Uuid, VectorClock};
use common::{node, with_seeds};
use proptest::prelude::*;

/// Clocks over six nodes with small counters, so that every relation comes up, and some with wild ones.
fn clock() -> impl Strategy<Value = VectorClock> {
    let sequence = prop_oneof![8 => 0u64..4, 1 => any::<u64>(), 1 => Just(u64::MAX)];
    let id = prop_oneof![9 => (0u64..6).prop_map(node), 1 => any::<u128>().prop_map(Uuid::from_u128)];
    proptest::collection::vec((id, sequence), 0..8).prop_map(VectorClock::from_entries)
}

fn below_or_equal(a: &VectorClock, b: &VectorClock) -> bool {
    matches!(a.compare(b), Causality::Before | Causality::Equal)
}

fn merged(a: &VectorClock, b: &VectorClock) -> VectorClock {
    let mut merged = a.clone();
    merged.merge(b);
    merged
}

/// The definition, counter by counter: what `compare` must say.
fn by_definition(a: &VectorClock, b: &VectorClock) -> Causality {
    let nodes: BTreeSet<Uuid> = a.iter().chain(b.iter()).map(|(node, _)| node).collect();
    let ahead = nodes.iter().any(|node| a.get(*node) > b.get(*node));
    let behind = nodes.iter().any(|node| a.get(*node) < b.get(*node));
    match (ahead, behind) {
        (false, false) => Causality::Equal,
        (false, true) => Causality::Before,
        (true, false) => Causality::After,
        (true, true) => Causality::Concurrent,
    }
}

/// Every law between two clocks.
fn check_pair(a: &VectorClock, b: &VectorClock) {
    assert_eq!(a.compare(b), by_definition(a, b), "{a} {b}");
    assert_eq!(a.compare(b), b.compare(a).mirror(), "mirror: {a} {b}");
    assert_eq!(a.compare(b) == Causality::Equal, a == b, "antisymmetric: {a} {b}");
    assert_eq!(a.happens_before(b), a.compare(b) == Causality::Before);
    assert_eq!(a.conflicts_with(b), a.compare(b) == Causality::Concurrent);
    assert!(!(a.happens_before(b) && b.happens_before(a)));

    let join = merged(a, b);
    assert!(below_or_equal(a, &join) && below_or_equal(b, &join), "upper bound: {a} {b}");
    assert_eq!(join, merged(b, a), "commutative: {a} {b}");
    assert_eq!(below_or_equal(a, b), join == *b, "merge and order say the same: {a} {b}");

    assert_eq!(a.to_bytes() == b.to_bytes(), a == b, "bytes are canonical: {a} {b}");
    assert_eq!(a.to_json() == b.to_json(), a == b, "JSON is canonical: {a} {b}");
}

/// Every law of one clock.
fn check_one(a: &VectorClock) {
    assert_eq!(a.compare(a), Causality::Equal, "reflexive");
    assert!(!a.conflicts_with(a) && !a.happens_before(a));
    assert_eq!(merged(a, a), *a, "idempotent");
    assert_eq!(merged(a, &VectorClock::new()), *a, "nothing is neutral");
    assert_eq!(VectorClock::from_bytes(&a.to_bytes()).unwrap(), *a);
    assert_eq!(VectorClock::from_json(&a.to_json()).unwrap(), *a);
    assert_eq!(serde_json::to_string(a).unwrap(), a.to_json());

    let entries: Vec<_> = a.iter().collect();
    assert!(entries.windows(2).all(|pair| pair[0].0 < pair[1].0), "ascending, each node once");
    assert!(entries.iter().all(|(_, sequence)| *sequence > 0), "no zeros");
    assert!(entries.iter().all(|(node, sequence)| a.get(*node) == *sequence));
    assert_eq!((a.len(), a.is_empty()), (entries.len(), entries.is_empty()));
}

/// Every law between three clocks.
fn check_triple(a: &VectorClock, b: &VectorClock, c: &VectorClock) {
    if a.happens_before(b) && b.happens_before(c) {
        assert!(a.happens_before(c), "transitive: {a} {b} {c}");
    }
    assert_eq!(merged(&merged(a, b), c), merged(a, &merged(b, c)), "associative: {a} {b} {c}");
    if below_or_equal(a, c) && below_or_equal(b, c) {
        assert!(below_or_equal(&merged(a, b), c), "least upper bound: {a} {b} {c}");
    }
}

#[test]
fn all_laws_hold_for_all_small_clocks() {
    let digits = 0..3u64;
    let mut clocks = Vec::new();
    for a in digits.clone() {
        for b in digits.clone() {
            for c in digits.clone() {
                clocks.push(VectorClock::from_entries([(node(1), a), (node(2), b), (node(3), c)]));
            }
        }
    }
    assert_eq!(clocks.iter().map(VectorClock::to_bytes).collect::<BTreeSet<_>>().len(), 27);
    let mut relations = BTreeMap::new();
    for a in &clocks {
        check_one(a);
        for b in &clocks {
            check_pair(a, b);
            *relations.entry(a.compare(b).name()).or_insert(0) += 1;
            for c in &clocks {
                check_triple(a, b, c);
            }
        }
    }
    // Of 27 × 27 pairs: 27 equal; a ≤ b holds in (6 of 9) per counter, so 6³ − 27 are strictly before.
    assert_eq!(
        relations,
        BTreeMap::from([("equal", 27), ("before", 189), ("after", 189), ("concurrent", 729 - 27 - 378)])
    );
}

proptest! {
    #![proptest_config(common::cases(2000))]

    #[test]
    fn laws_of_one(a in clock()) {
        check_one(&a);
    }

    #[test]
    fn laws_of_two(a in clock(), b in clock()) {
        check_pair(&a, &b);
    }

    /// Independent clocks are hardly ever ordered, so chains are made on purpose.
    #[test]
    fn laws_of_three(a in clock(), b in clock(), c in clock(), chain in any::<[bool; 2]>()) {
        let b = if chain[0] { merged(&a, &b) } else { b };
        let c = if chain[1] { merged(&b, &c) } else { c };
        check_triple(&a, &b, &c);
        check_triple(&b, &c, &a);
        check_triple(&c, &a, &b);
    }

    #[test]
    fn zeros_and_the_order_of_entries_leave_no_trace(
        entries in proptest::collection::vec(((0u64..6).prop_map(node), 0u64..4), 0..10),
        swaps in any::<u64>(),
    ) {
        let clock = VectorClock::from_entries(entries.clone());
        let mut other = entries.clone();
        common::Random(swaps).shuffle(&mut other);
        prop_assert_eq!(&VectorClock::from_entries(other.clone()), &clock);
        prop_assert_eq!(&other.iter().copied().collect::<VectorClock>(), &clock);
        other.retain(|(_, sequence)| *sequence > 0);
        prop_assert_eq!(VectorClock::from_entries(other).to_bytes(), clock.to_bytes());

        // Of a node named twice the higher sequence counts, which is also what advancing one by one gives.
        let mut advanced = VectorClock::new();
        entries.iter().for_each(|(node, sequence)| advanced.advance(*node, *sequence));
        prop_assert_eq!(advanced, clock);
    }

    #[test]
    fn zeros_in_json_leave_no_trace(a in clock(), number in 6u64..9) {
        let zero = format!("\"{}\":0", node(number));
        let with_zero = match a.to_json().as_str() {
            "{}" => format!("{{{zero}}}"),
            json => format!("{},{zero}}}", &json[..json.len() - 1]),
        };
        prop_assert_eq!(VectorClock::from_json(&with_zero).unwrap(), a);
    }

    #[test]
    fn an_increment_is_the_next_event(a in clock(), number in 0u64..6) {
        let mut next = a.clone();
        match next.increment(node(number)) {
            Ok(sequence) => {
                prop_assert_eq!(sequence, a.get(node(number)) + 1);
                prop_assert_eq!(next.get(node(number)), sequence);
                prop_assert!(a.happens_before(&next));
                prop_assert!(next.covers(Dot::new(node(number), sequence)));
                prop_assert!(!a.covers(Dot::new(node(number), sequence)));
            }
            Err(_) => {
                prop_assert_eq!(a.get(node(number)), u64::MAX);
                prop_assert_eq!(next, a);
            }
        }
    }

    #[test]
    fn what_decodes_was_encoded_that_way(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        if let Ok(clock) = VectorClock::from_bytes(&bytes) {
            prop_assert_eq!(clock.to_bytes(), bytes);
        }
    }

    #[test]
    fn damaged_bytes_never_give_a_clock_that_is_not_canonical(
        a in clock(), place in any::<proptest::sample::Index>(), bit in 0u8..8,
    ) {
        let mut bytes = a.to_bytes();
        let place = place.index(bytes.len());
        bytes[place] ^= 1 << bit;
        if let Ok(other) = VectorClock::from_bytes(&bytes) {
            prop_assert_ne!(&other, &a);
            prop_assert_eq!(&other.to_bytes(), &bytes);
        }
        for length in 0..bytes.len() {
            prop_assert!(VectorClock::from_bytes(&a.to_bytes()[..length]).is_err());
        }
    }
}

/// In a real history `covers`, `compare` and who had really seen whom are one and the same.
#[test]
fn clocks_tell_what_was_seen() {
    with_seeds(60, |mut random| {
        let nodes = 1 + random.below(5);
        let mut clocks = vec![VectorClock::new(); nodes];
        let mut seen: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); nodes];
        // Every event: its dot, its clock, and all events before it.
        let mut events: Vec<(Dot, VectorClock, BTreeSet<usize>)> = Vec::new();
        for _ in 0..80 {
            let here = random.below(nodes);
            if random.chance(40) {
                let there = random.below(nodes);
                let (clock, events) = (clocks[there].clone(), seen[there].clone());
                clocks[here].merge(&clock);
                seen[here].extend(events);
            } else {
                let sequence = clocks[here].increment(node(here as u64)).unwrap();
                let dot = Dot::new(node(here as u64), sequence);
                events.push((dot, clocks[here].clone(), seen[here].clone()));
                seen[here].insert(events.len() - 1);
            }
        }
        for (a, (dot_a, clock_a, before_a)) in events.iter().enumerate() {
            for (b, (dot_b, clock_b, before_b)) in events.iter().enumerate() {
                let wanted = match (a == b, before_b.contains(&a), before_a.contains(&b)) {
                    (true, ..) => Causality::Equal,
                    (_, true, _) => Causality::Before,
                    (_, _, true) => Causality::After,
                    _ => Causality::Concurrent,
                };
                assert_eq!(clock_a.compare(clock_b), wanted, "{dot_a} {dot_b}");
                assert_eq!(
                    clock_b.covers(*dot_a),
                    matches!(wanted, Causality::Before | Causality::Equal),
                    "{dot_b} covers {dot_a}"
                );
            }
        }
    });
}
