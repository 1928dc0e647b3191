//! Replicas that hold the same entries show the same rows and report the same conflicts, byte for byte: every small history of one
//! row, in every order in which its entries can come.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::expect_used)]

mod common;

use std::collections::BTreeSet;
use std::sync::Arc;

use causelog::{
    Change, ChangeEntry, ChangeOperation, ConflictDetector, ConflictReport, ConflictResolution,
    ConflictResolver, Dot, Durability, LogOptions, ManualTime, Metadata, Replica, ReplicaOptions, RowId,
    Transaction, VectorClock,
};
use common::strategies::{longest, registry, strategies};
use common::{at, node, options_with};

const NODES: usize = 3;
const REPLICAS: usize = 6;
/// Histories that one set of replicas takes in.
const CHUNK: usize = 1500;

/// An entry of a history: who made it, how many entries of each node he had seen, and what he did.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Step {
    author: usize,
    seen: [usize; NODES],
    operation: ChangeOperation,
}

/// Steps in an order in which each comes after what its author had seen.
type Shape = Vec<Step>;

fn ordinal(shape: &[Step], index: usize) -> usize {
    shape[..=index].iter().filter(|step| step.author == shape[index].author).count()
}

fn sees(shape: &[Step], later: usize, earlier: usize) -> bool {
    shape[later].seen[shape[earlier].author] >= ordinal(shape, earlier)
}

/// What somebody may have seen who goes on with `shape`: every closed set of its entries.
fn closed_sets(shape: &[Step]) -> Vec<[usize; NODES]> {
    let mut sets = vec![[0; NODES]];
    for author in 0..NODES {
        let count = shape.iter().filter(|step| step.author == author).count();
        sets = sets
            .into_iter()
            .flat_map(|set| {
                (0..=count).map(move |seen| {
                    let mut set = set;
                    set[author] = seen;
                    set
                })
            })
            .collect();
    }
    let holds = |set: &[usize; NODES], index: usize| set[shape[index].author] >= ordinal(shape, index);
    sets.retain(|set| {
        (0..shape.len())
            .filter(|index| holds(set, *index))
            .all(|index| (0..NODES).all(|author| shape[index].seen[author] <= set[author]))
    });
    sets
}

/// What somebody may do to a row of which he has seen so much.
fn operations(shape: &[Step], seen: &[usize; NODES]) -> Vec<ChangeOperation> {
    use ChangeOperation::{Delete, Insert, Update};
    let held: Vec<usize> =
        (0..shape.len()).filter(|index| seen[shape[*index].author] >= ordinal(shape, *index)).collect();
    let heads: Vec<usize> =
        held.iter().copied().filter(|a| !held.iter().any(|b| a != b && sees(shape, *b, *a))).collect();
    let dead = heads.iter().filter(|index| shape[**index].operation == Delete).count();
    match (heads.len(), dead) {
        (0, _) => vec![Insert],
        (all, dead) if all == dead => vec![Insert],
        (_, 0) => vec![Update, Delete],
        _ => vec![Insert, Update, Delete],
    }
}

/// All histories of so many entries, each once: as the sorted set of its entries.
fn shapes(count: usize) -> Vec<Shape> {
    let mut shapes: Vec<Shape> = vec![Vec::new()];
    for _ in 0..count {
        let mut longer = BTreeSet::new();
        let mut known = BTreeSet::new();
        for shape in &shapes {
            for seen in closed_sets(shape) {
                for author in 0..NODES {
                    let own = shape.iter().filter(|step| step.author == author).count();
                    if seen[author] != own {
                        continue;
                    }
                    for operation in operations(shape, &seen) {
                        let mut next = shape.clone();
                        next.push(Step { author, seen, operation });
                        let mut set: Vec<(usize, usize, Step)> = (0..next.len())
                            .map(|index| (next[index].author, ordinal(&next, index), next[index].clone()))
                            .collect();
                        set.sort();
                        if known.insert(set.clone()) {
                            longer.insert((set, next));
                        }
                    }
                }
            }
        }
        shapes = longer.into_iter().map(|(_, shape)| shape).collect();
    }
    shapes
}

/// Every order in which the entries can come.
fn orders(shape: &Shape) -> Vec<Vec<usize>> {
    fn go_on(shape: &Shape, order: &mut Vec<usize>, found: &mut Vec<Vec<usize>>) {
        if order.len() == shape.len() {
            found.push(order.clone());
            return;
        }
        for next in 0..shape.len() {
            let ready = (0..shape.len())
                .filter(|earlier| sees(shape, next, *earlier))
                .all(|earlier| order.contains(&earlier));
            if !order.contains(&next) && ready {
                order.push(next);
                go_on(shape, order, found);
                order.pop();
            }
        }
    }
    let mut found = Vec::new();
    go_on(shape, &mut Vec::new(), &mut found);
    found
}

/// How the wall clocks ran.
#[derive(Debug, Clone, Copy)]
enum Clocks {
    Equal,
    Ascending,
    Backwards,
}

impl Clocks {
    const ALL: [Clocks; 3] = [Clocks::Equal, Clocks::Ascending, Clocks::Backwards];

    fn time(self, index: usize) -> i64 {
        match self {
            Clocks::Equal => 10,
            Clocks::Ascending => 10 + index as i64,
            Clocks::Backwards => 10 - index as i64,
        }
    }
}

/// What the entries carry: most change one field of the latest image that they have seen.
fn images(shape: &Shape) -> Vec<Option<Vec<u8>>> {
    let mut rows: Vec<serde_json::Value> = Vec::new();
    let mut images: Vec<Option<Vec<u8>>> = Vec::new();
    for (index, step) in shape.iter().enumerate() {
        let last =
            (0..index).rev().find(|earlier| sees(shape, index, *earlier) && images[*earlier].is_some());
        let mut row = match last {
            Some(last) if step.operation == ChangeOperation::Update => rows[last].clone(),
            _ => serde_json::json!({"qty": index, "high": 5, "low": 5, "tags": ["a"], "status": "new"}),
        };
        let number = (index * 7 + step.author * 3) as i64 % 5;
        match (index + step.author) % 5 {
            0 => row["qty"] = (row["qty"].as_i64().unwrap() + 1 + number).into(),
            1 => {
                row["tags"] =
                    if number % 2 == 0 { serde_json::json!(["b"]) } else { serde_json::json!(["a", "c"]) }
            }
            2 => row["high"] = (4 + number).into(),
            3 => row["low"] = (3 + number).into(),
            _ => row["status"] = format!("s{number}").into(),
        }
        images.push((step.operation != ChangeOperation::Delete).then(|| row.to_string().into_bytes()));
        rows.push(row);
    }
    images
}

/// Every other replica keeps no histories, and so judges by the part that it reads again each time.
fn open(number: usize) -> Replica {
    let time = Arc::new(ManualTime::new(at(1_000_000)));
    let log = LogOptions { node: Some(node(99)), durability: Durability::Os, ..options_with(time) };
    let resolvers = vec![("longest".to_owned(), 1, Arc::new(longest) as Arc<dyn ConflictResolver>)];
    let history_memory = if number.is_multiple_of(2) { 0 } else { ReplicaOptions::DEFAULT_HISTORY_MEMORY };
    let options = ReplicaOptions {
        log,
        registry: Some(registry()),
        resolvers,
        history_memory,
        ..ReplicaOptions::default()
    };
    Replica::in_memory(options).unwrap()
}

fn sorted(reports: &[ConflictReport]) -> Vec<String> {
    let mut reports: Vec<String> = reports.iter().map(ConflictReport::to_json).collect();
    reports.sort();
    reports
}

/// The strategy of each table and the entries of a row there.
type ByTable = Vec<(ConflictResolution, Vec<ChangeEntry>)>;

/// One history after the other, each of a row of its own, in all tables at once.
struct Run {
    replicas: Vec<Replica>,
    /// The last dot of each node.
    last: [u64; NODES],
    rows: i64,
    /// Row by row and table by table, what a plain function of the entries makes of them.
    wanted: Vec<(i64, ByTable)>,
    deliveries: u64,
}

impl Run {
    fn new() -> Run {
        let replicas = (0..REPLICAS).map(open).collect();
        Run { replicas, last: [0; NODES], rows: 0, wanted: Vec::new(), deliveries: 0 }
    }

    fn history(&mut self, shape: &Shape, clocks: Clocks) {
        let (orders, images) = (orders(shape), images(shape));
        let mut rest = &orders[..];
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(REPLICAS));
            rest = later;
            self.rows += 1;
            let transactions = self.transactions(shape, clocks, &images);
            for number in 0..REPLICAS {
                let order = &now[number % now.len()];
                for (count, place) in order.iter().enumerate() {
                    let outcome = self.replicas[number].apply(&transactions[*place]).unwrap();
                    assert!(!outcome.duplicate);
                    self.deliveries += 1;
                    // Some of it comes again.
                    if number % 2 == 1 && count + 1 == order.len() {
                        let again = order[(number + self.rows as usize) % order.len()];
                        assert!(self.replicas[number].apply(&transactions[again]).unwrap().duplicate);
                        self.deliveries += 1;
                    }
                }
            }
        }
    }

    fn transactions(
        &mut self,
        shape: &Shape,
        clocks: Clocks,
        images: &[Option<Vec<u8>>],
    ) -> Vec<Transaction> {
        let tables = strategies();
        let width = tables.len() as u64;
        let before = self.last;
        let dot = |author: usize, ordinal: usize| {
            Dot::new(node(author as u64 + 1), before[author] + ordinal as u64 * width)
        };
        let mut by_table: ByTable =
            tables.iter().map(|(_, strategy)| (strategy.clone(), Vec::new())).collect();
        let mut transactions = Vec::new();
        for (index, step) in shape.iter().enumerate() {
            let own = dot(step.author, ordinal(shape, index));
            let mut dependencies: Vec<Dot> = (0..NODES)
                .filter(|author| step.seen[*author] > 0)
                .map(|author| dot(author, step.seen[author]))
                .collect();
            if step.seen[step.author] == 0 && before[step.author] > 0 {
                dependencies.push(dot(step.author, 0));
            }
            let timestamp = at(1000 + clocks.time(index));
            for (number, (_, entries)) in by_table.iter_mut().enumerate() {
                let sequence = own.sequence - width + 1 + number as u64;
                let mut clock = VectorClock::new();
                (0..NODES).filter(|author| step.seen[*author] > 0).for_each(|author| {
                    clock.advance(node(author as u64 + 1), dot(author, step.seen[author]).sequence);
                });
                clock.advance(own.node, sequence);
                entries.push(ChangeEntry {
                    lsn: 0,
                    node: own.node,
                    sequence,
                    vector_clock: clock,
                    timestamp,
                    transaction: own,
                    table: tables[number].0.clone(),
                    row_id: RowId::from(self.rows),
                    operation: step.operation,
                    before: None,
                    after: images[index].clone(),
                    verdict: None,
                    metadata: Metadata::new(),
                });
            }
            let changes = tables
                .iter()
                .map(|(table, _)| {
                    Change::new(table.clone(), self.rows, step.operation, None, images[index].clone())
                })
                .collect();
            transactions.push(Transaction {
                node: own.node,
                sequence: own.sequence,
                dependencies,
                timestamp,
                changes,
            });
        }
        for (author, last) in self.last.iter_mut().enumerate() {
            *last += shape.iter().filter(|step| step.author == author).count() as u64 * width;
        }
        self.wanted.push((self.rows, by_table));
        transactions
    }

    /// All replicas show the same, and what the plain function says.
    fn check(&self) {
        let first = &self.replicas[0];
        let (standing, settled) =
            (sorted(&first.conflicts().unwrap()), sorted(&first.settled_conflicts().unwrap()));
        for other in &self.replicas[1..] {
            assert_eq!(sorted(&other.conflicts().unwrap()), standing);
            assert_eq!(sorted(&other.settled_conflicts().unwrap()), settled);
            for (table, _) in strategies() {
                assert_eq!(other.rows(&table).unwrap(), first.rows(&table).unwrap());
            }
        }
        let (mut some_standing, mut some_settled) = (0, 0);
        for (row, tables) in &self.wanted {
            for (strategy, entries) in tables {
                if strategy.kind() == "custom" {
                    // The plain function has nobody to ask.
                    continue;
                }
                let wanted = ConflictDetector::new(strategy.clone()).resolve_row(entries).unwrap();
                let table = &entries[0].table;
                let found = first.get(table, *row).unwrap();
                assert_eq!(found.is_some(), wanted.is_live, "row {row} of {table}");
                assert_eq!(found.and_then(|row| row.value), wanted.value, "row {row} of {table}");
                assert_eq!(first.heads(table, *row).unwrap(), wanted.heads, "row {row} of {table}");
                some_standing += usize::from(wanted.standing.is_some());
                some_settled += wanted.settled.len();
            }
        }
        let plain = |reports: &[String]| {
            reports.iter().filter(|report| !report.contains(r#""table":"custom""#)).count()
        };
        assert_eq!((plain(&standing), plain(&settled)), (some_standing, some_settled));
    }
}

fn every_history(entries: usize) {
    let (mut histories, mut deliveries) = (0u64, 0u64);
    let mut run = Run::new();
    for count in 1..=entries {
        let shapes = shapes(count);
        println!("{} histories of {count} entries", shapes.len());
        for shape in &shapes {
            for clocks in Clocks::ALL {
                run.history(shape, clocks);
                histories += 1;
                if run.wanted.len() >= CHUNK {
                    run.check();
                    deliveries += run.deliveries;
                    run = Run::new();
                }
            }
        }
    }
    run.check();
    deliveries += run.deliveries;
    let tables = strategies().len();
    println!("{histories} histories under {tables} strategies, {deliveries} deliveries");
}

#[test]
fn every_history_of_four_entries_in_every_order_ends_alike_everywhere() {
    every_history(4);
}
