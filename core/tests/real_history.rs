//! A real history of 791 nodes in replicas: taken in by one, and by eight that hear of it in pieces.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::expect_used)]

mod common;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use causelog::{
    ConflictReport, Durability, ErrorCode, LogOptions, ManualTime, Replica, ReplicaOptions, RowId, Timestamp,
    Transaction, sync,
};
use common::history::riak_kv;
use common::{Random, node, options_with};

fn open(number: u64) -> Replica {
    let time = Arc::new(ManualTime::new("2100-01-01T00:00:00Z".parse::<Timestamp>().unwrap()));
    let log =
        LogOptions { node: Some(node(5000 + number)), durability: Durability::Os, ..options_with(time) };
    Replica::in_memory(ReplicaOptions { log, ..ReplicaOptions::default() }).unwrap()
}

fn sorted(reports: &[ConflictReport]) -> Vec<String> {
    let mut reports: Vec<String> = reports.iter().map(ConflictReport::to_json).collect();
    reports.sort();
    reports
}

fn rows(transactions: &[Transaction]) -> BTreeSet<(String, RowId)> {
    let changes = transactions.iter().flat_map(|transaction| &transaction.changes);
    changes.map(|change| (change.table.clone(), change.row_id.clone())).collect()
}

#[test]
fn eight_replicas_that_hear_of_it_in_pieces_end_like_one_that_took_it_all() {
    let Some(transactions) = riak_kv() else { return };
    let one = open(0);
    for transaction in &transactions {
        assert!(!one.apply(transaction).unwrap().duplicate);
    }
    let (standing, settled) = (sorted(&one.conflicts().unwrap()), sorted(&one.settled_conflicts().unwrap()));
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/riak_kv-history.expected.json");
    let expected: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(standing.len() as u64, expected["conflicts_standing"].as_u64().unwrap());
    assert_eq!(settled.len() as u64, expected["conflicts_settled"].as_u64().unwrap());
    let rows = rows(&transactions);
    assert_eq!(rows.len() as u64, expected["rows"].as_u64().unwrap());
    let mut by_heads: BTreeMap<String, u64> = BTreeMap::new();
    for (table, row_id) in &rows {
        let heads = one.heads(table, row_id.clone()).unwrap().len();
        *by_heads.entry(heads.to_string()).or_default() += 1;
    }
    assert_eq!(serde_json::to_value(by_heads).unwrap(), expected["rows_by_heads_at_the_end"]);

    let replicas: Vec<Replica> = (1..=8).map(open).collect();
    let mut own: Vec<VecDeque<&Transaction>> = vec![VecDeque::new(); replicas.len()];
    for transaction in &transactions {
        own[(transaction.node.as_u128() % 8) as usize].push_back(transaction);
    }
    let mut random = Random(7);
    let mut rounds = 0;
    while own.iter().any(|own| !own.is_empty()) {
        rounds += 1;
        let here = random.below(8);
        while let Some(next) = own[here].front() {
            match replicas[here].apply(next) {
                Ok(_) => own[here].pop_front(),
                Err(error) => {
                    assert_eq!(error.code(), ErrorCode::MissingDependency);
                    break;
                }
            };
        }
        let there = (here + 1 + random.below(7)) % 8;
        sync(&replicas[here], &replicas[there]).unwrap();
    }
    for other in [1, 2, 3, 4, 5, 6, 7, 1, 2, 3, 4, 5, 6, 7] {
        sync(&replicas[0], &replicas[other]).unwrap();
    }
    println!("{rounds} rounds");
    for replica in &replicas {
        assert_eq!(sorted(&replica.conflicts().unwrap()), standing);
        assert_eq!(sorted(&replica.settled_conflicts().unwrap()), settled);
        for (table, row_id) in &rows {
            assert_eq!(replica.get(table, row_id.clone()).unwrap(), one.get(table, row_id.clone()).unwrap());
            assert_eq!(
                replica.heads(table, row_id.clone()).unwrap(),
                one.heads(table, row_id.clone()).unwrap()
            );
        }
    }
}
