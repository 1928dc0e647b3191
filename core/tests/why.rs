//! The story of a row, word for word.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::expect_used)]

mod common;

use std::sync::Arc;

use causelog::{
    ConflictResolution, FieldMerge, FieldPolicy, Liveness, LogOptions, ManualTime, Replica, ReplicaOptions,
    ResolverRegistry, Write, sync,
};
use common::{CountingIds, at, node};

/// Three shops and the time that all of them have.
fn shops() -> (Vec<Replica>, Arc<ManualTime>) {
    let time = Arc::new(ManualTime::new(at(1_700_000_000_000_000_000)));
    let mut registry = ResolverRegistry::default();
    let merge = FieldMerge::new(Liveness::UpdateWins).with_field("count", FieldPolicy::Counter);
    registry.set_table("stock", ConflictResolution::FieldMerge(merge)).unwrap();
    registry.set_table("prices", ConflictResolution::Manual).unwrap();
    let shop = |number: u64| {
        let log = LogOptions {
            node: Some(node(number)),
            time: time.clone(),
            ids: CountingIds::from(100 * number),
            ..LogOptions::default()
        };
        let registry = Some(registry.clone());
        Replica::in_memory(ReplicaOptions { log, registry, ..ReplicaOptions::default() }).unwrap()
    };
    ((1..=3).map(shop).collect(), time)
}

fn meet(shops: &[Replica]) {
    for _ in 0..2 {
        for other in &shops[1..] {
            sync(&shops[0], other).unwrap();
        }
    }
}

/// What happens: a plain row, one whose conflict was settled, one that is merged, one that waits, one that is gone.
fn scenario() -> Vec<Replica> {
    let (shops, time) = shops();
    let pass = || time.advance(1_000_000_000).unwrap();
    let [a, b, c] = &shops[..] else { unreachable!() };
    a.write([Write::insert("orders", 1, r#"{"status":"new"}"#).with_metadata("actor", "alice")]).unwrap();
    a.insert("orders", 2, r#"{"status":"new"}"#).unwrap();
    a.insert("stock", "apple", r#"{"count":10}"#).unwrap();
    a.insert("prices", "apple", "1.00").unwrap();
    meet(&shops);
    pass();
    a.update("orders", 1, r#"{"status":"paid"}"#).unwrap();
    a.increment("stock", "apple", "count", -2).unwrap();
    a.update("prices", "apple", "1.10").unwrap();
    pass();
    b.update("orders", 1, r#"{"status":"void"}"#).unwrap();
    b.increment("stock", "apple", "count", 5).unwrap();
    b.update("prices", "apple", "1.20").unwrap();
    c.delete("orders", 2).unwrap();
    meet(&shops);
    pass();
    c.update("orders", 1, r#"{"status":"refunded"}"#).unwrap();
    meet(&shops);
    shops
}

#[test]
fn every_row_of_the_scenario_is_explained_in_the_same_words_everywhere() {
    let shops = scenario();
    let mut told = String::new();
    for (table, row) in [
        ("orders", 1.into()),
        ("orders", 2.into()),
        ("stock", "apple".into()),
        ("prices", "apple".into()),
        ("orders", 9.into()),
    ] {
        let row: causelog::RowId = row;
        let story = shops[0].why(table, row.clone()).unwrap().to_string();
        for other in &shops[1..] {
            assert_eq!(other.why(table, row.clone()).unwrap().to_string(), story);
        }
        told.push_str(&story);
        told.push('\n');
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/why.txt");
    if std::env::var_os("CAUSELOG_BLESS").is_some() {
        std::fs::write(path, &told).unwrap();
    }
    assert_eq!(told, std::fs::read_to_string(path).unwrap());
}
