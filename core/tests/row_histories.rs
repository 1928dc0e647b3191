//! What a row is by its entries: the answers of an independent reference, whatever the order of delivery.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::expect_used)]

mod common;

use std::sync::Arc;

use causelog::{ChangeEntry, ConflictDetector, ManualTime, RowResolution};
use common::model::{Answer, model_histories, of_report};
use common::{Random, at};

fn answer(row: &RowResolution) -> Answer {
    let mut heads = row.heads.clone();
    heads.sort();
    let mut settled: Vec<_> = row.settled.iter().map(of_report).collect();
    settled.sort_by(|a, b| (&a.settled_by, &a.heads).cmp(&(&b.settled_by, &b.heads)));
    Answer {
        value: row.value.as_deref().map(|bytes| serde_json::from_slice(bytes).unwrap()),
        heads,
        standing: row.standing.as_ref().map(of_report),
        settled,
    }
}

#[test]
fn the_plain_detector_gives_the_answers_of_the_reference() {
    let histories = model_histories();
    for (number, history) in histories.iter().enumerate() {
        let time = Arc::new(ManualTime::new(at(1)));
        let detector = ConflictDetector::with_time(history.strategy.clone(), time);
        let mut entries: Vec<&ChangeEntry> = history.entries.iter().collect();
        let row = detector.resolve_row(entries.iter().copied()).unwrap();
        assert_eq!(answer(&row), history.answer, "history {number}, {}", history.strategy);
        let mut random = Random(number as u64);
        for _ in 0..3 {
            random.shuffle(&mut entries);
            let again = *random.pick(&entries);
            entries.push(again);
            assert_eq!(detector.resolve_row(entries.iter().copied()).unwrap(), row, "history {number}");
        }
    }
    println!("{} histories", histories.len());
}
