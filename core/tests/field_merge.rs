//! The laws of merging fields, over random histories of one row.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::expect_used)]

mod common;

use std::sync::Arc;

use causelog::{
    ChangeEntry, ChangeOperation, ConflictDetector, Dot, Liveness, ManualTime, Metadata, RowId,
    RowResolution, VectorClock,
};
use common::strategies::field_merge;
use common::{Random, at, node, with_seeds};
use serde_json::Value;

fn detector(liveness: Liveness) -> ConflictDetector {
    ConflictDetector::with_time(field_merge(liveness), Arc::new(ManualTime::new(at(7))))
}

/// A row as a few nodes write it who hear of each other now and then.
struct Row {
    entries: Vec<ChangeEntry>,
    clocks: Vec<VectorClock>,
    liveness: Liveness,
}

impl Row {
    fn new(random: &mut Random) -> Row {
        let liveness = *random.pick(&Liveness::ALL);
        Row { entries: Vec::new(), clocks: vec![VectorClock::new(); 2 + random.below(3)], liveness }
    }

    fn seen(&self, clock: &VectorClock) -> Vec<&ChangeEntry> {
        self.entries.iter().filter(|entry| clock.covers(entry.dot())).collect()
    }

    fn resolve(&self, clock: &VectorClock) -> Option<RowResolution> {
        let seen = self.seen(clock);
        let detector = detector(self.liveness);
        (!seen.is_empty()).then(|| detector.resolve_row(seen).unwrap())
    }

    fn value(&self, clock: &VectorClock) -> Option<Value> {
        self.resolve(clock)?.value.map(|value| serde_json::from_slice(&value).unwrap())
    }

    fn everything(&self) -> VectorClock {
        let mut all = VectorClock::new();
        self.clocks.iter().for_each(|clock| all.merge(clock));
        all
    }

    fn hear(&mut self, random: &mut Random) {
        let (here, there) = (random.below(self.clocks.len()), random.below(self.clocks.len()));
        let other = self.clocks[there].clone();
        self.clocks[here].merge(&other);
    }

    fn write(&mut self, author: usize, after: Option<&Value>, time: i64) {
        let was_there = self.resolve(&self.clocks[author]).is_some_and(|row| row.is_live);
        let sequence = self.clocks[author].increment(node(author as u64)).unwrap();
        let dot = Dot::new(node(author as u64), sequence);
        let operation = match (was_there, after) {
            (_, None) => ChangeOperation::Delete,
            (true, Some(_)) => ChangeOperation::Update,
            (false, Some(_)) => ChangeOperation::Insert,
        };
        self.entries.push(ChangeEntry {
            lsn: 0,
            node: dot.node,
            sequence,
            vector_clock: self.clocks[author].clone(),
            timestamp: at(time),
            transaction: dot,
            table: "t".to_owned(),
            row_id: RowId::from(1),
            operation,
            before: None,
            after: after.map(|value| value.to_string().into_bytes()),
            verdict: None,
            metadata: Metadata::new(),
        });
    }

    /// Writes something of its author's choice.
    fn scribble(&mut self, random: &mut Random) {
        let author = random.below(self.clocks.len());
        let time = random.below(40) as i64;
        let before = self.value(&self.clocks[author]);
        if before.is_some() && random.chance(12) {
            return self.write(author, None, time);
        }
        let mut row =
            before.unwrap_or_else(|| serde_json::json!({"qty": 3, "high": 5, "low": 5, "tags": ["a"]}));
        for _ in 0..1 + random.below(2) {
            let number = random.below(9) as i64;
            match random.below(6) {
                0 => row["qty"] = number.into(),
                1 => row["tags"] = vec![*random.pick(&["a", "b", "c"]), "d"].into(),
                2 => row["high"] = number.into(),
                3 => row["low"] = number.into(),
                4 => row["note"] = if random.chance(50) { Value::Null } else { number.into() },
                _ => drop(row.as_object_mut().unwrap().remove(*random.pick(&["note", "tags"]))),
            }
        }
        self.write(author, Some(&row), time);
    }

    fn random(random: &mut Random, steps: usize) -> Row {
        let mut row = Row::new(random);
        for _ in 0..steps {
            if random.chance(35) { row.hear(random) } else { row.scribble(random) }
        }
        if row.entries.is_empty() {
            row.write(0, Some(&serde_json::json!({"qty": 1})), 1);
        }
        row
    }
}

const CASES: u64 = 400;

#[test]
fn one_head_gives_exactly_its_image() {
    with_seeds(CASES, |mut random| {
        let row = Row::random(&mut random, 12);
        for entry in &row.entries {
            let resolved = row.resolve(&entry.vector_clock).unwrap();
            assert_eq!(resolved.value, entry.after);
            assert_eq!(resolved.heads, [entry.dot()]);
        }
    });
}

/// Goes on from a random history: what everybody makes of one more edit by somebody who has seen only some of it.
fn edit(random: &mut Random, change: impl Fn(&mut Value)) -> Option<(Option<Value>, Option<Value>)> {
    let mut row = Row::random(random, 10);
    let author = random.below(row.clocks.len());
    let mut mine = row.value(&row.clocks[author])?;
    // The deletes of others may win over an edit, or the edit over them.
    if row.entries.iter().any(|entry| entry.operation == ChangeOperation::Delete) {
        return None;
    }
    let before = row.value(&row.everything());
    change(&mut mine);
    row.write(author, Some(&mine), 20);
    Some((before, row.value(&row.everything())))
}

#[test]
fn an_edit_that_leaves_a_field_alone_never_moves_it() {
    let mut edits = 0;
    with_seeds(CASES, |mut random| {
        let Some((Some(before), Some(after))) = edit(&mut random, |row| row["other"] = 1.into()) else {
            return;
        };
        edits += 1;
        for field in ["qty", "high", "low", "tags", "note"] {
            assert_eq!(before.get(field), after.get(field), "{field}");
        }
        assert_eq!(after["other"], 1);
    });
    assert!(edits > CASES / 4, "{edits}");
}

#[test]
fn adding_to_a_counter_moves_it_by_as_much() {
    let mut edits = 0;
    with_seeds(CASES, |mut random| {
        let by = random.below(20) as i64 - 10;
        let add = |row: &mut Value| row["qty"] = (row["qty"].as_i64().unwrap_or(0) + by).into();
        let Some((Some(before), Some(after))) = edit(&mut random, add) else { return };
        edits += 1;
        let quantity = |row: &Value| row["qty"].as_i64().unwrap_or(0);
        assert_eq!(quantity(&after), quantity(&before) + by);
    });
    assert!(edits > CASES / 4, "{edits}");
}

#[test]
fn what_was_taken_out_of_a_set_stays_out_and_what_was_put_in_stays_in() {
    let mut edits = 0;
    with_seeds(CASES, |mut random| {
        let swap = |row: &mut Value| {
            let mut tags = row["tags"].as_array().cloned().unwrap_or_default();
            tags.retain(|tag| tag != "d");
            tags.push("new".into());
            row["tags"] = tags.into();
        };
        let Some((_, Some(after))) = edit(&mut random, swap) else { return };
        edits += 1;
        assert!(after["tags"].as_array().unwrap().contains(&"new".into()));
    });
    assert!(edits > CASES / 4, "{edits}");
}

#[test]
fn nobody_who_has_heard_all_merges_another_row() {
    with_seeds(CASES, |mut random| {
        let row = Row::random(&mut random, 14);
        let first = row.resolve(&row.everything()).unwrap();
        let detector = detector(row.liveness);
        let mut entries: Vec<&ChangeEntry> = row.entries.iter().collect();
        for _ in 0..4 {
            random.shuffle(&mut entries);
            assert_eq!(detector.resolve_row(entries.iter().copied()).unwrap(), first);
        }
    });
}

#[test]
fn sums_beyond_a_counter_and_values_that_are_none_are_resolved_by_the_latest() {
    let two = |a: Value, b: Value| {
        let mut row =
            Row { entries: Vec::new(), clocks: vec![VectorClock::new(); 2], liveness: Liveness::UpdateWins };
        row.write(0, Some(&serde_json::json!({"qty": a})), 1);
        row.write(1, Some(&serde_json::json!({"qty": b})), 2);
        row.value(&row.everything()).unwrap()["qty"].clone()
    };
    assert_eq!(two(i64::MAX.into(), 1.into()), 1);
    assert_eq!(two((i64::MAX - 1).into(), 1.into()), i64::MAX);
    assert_eq!(two(i64::MIN.into(), (-1).into()), -1);
    assert_eq!(two(1.into(), "many".into()), "many");
    assert_eq!(two("many".into(), 1.into()), 1);
    assert_eq!(two(1.into(), 1.5.into()), 1.5);
}
