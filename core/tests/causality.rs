//! The clocks that a log computes from dependencies are those that follow from who had really seen what.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::expect_used)]

mod common;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use causelog::{Change, ChangeEntry, ChangeLog, Dot, LogOptions, Result, Transaction, Uuid, VectorClock};
use common::{Random, at, entries, in_memory, node, options, transactions, with_seeds};

/// A history, and of every transaction the set of all that its author had seen: the truth, without clocks.
#[derive(Default)]
struct History {
    transactions: Vec<Transaction>,
    /// Ancestors of each transaction, itself included, one bit each.
    past: Vec<Vec<u64>>,
    numbers: HashMap<Dot, usize>,
    nodes: Vec<Uuid>,
    /// The place in `nodes` of each transaction's author.
    authors: Vec<usize>,
}

impl History {
    fn push(&mut self, transaction: Transaction) {
        let number = self.transactions.len();
        let mut past = vec![0; number / 64 + 1];
        for dependency in &transaction.dependencies {
            let seen = &self.past[self.numbers[dependency]];
            past.iter_mut().zip(seen).for_each(|(mine, theirs)| *mine |= theirs);
        }
        past[number / 64] |= 1 << (number % 64);
        self.numbers.insert(transaction.dot(), number);
        let author = self.nodes.iter().position(|node| *node == transaction.node);
        self.authors.push(author.unwrap_or_else(|| {
            self.nodes.push(transaction.node);
            self.nodes.len() - 1
        }));
        self.past.push(past);
        self.transactions.push(transaction);
    }

    fn has_seen(&self, later: usize, earlier: usize) -> bool {
        self.past[later].get(earlier / 64).is_some_and(|word| word >> (earlier % 64) & 1 == 1)
    }

    fn seen(&self, number: usize) -> impl Iterator<Item = usize> {
        (0..=number).filter(move |other| self.has_seen(number, *other))
    }

    fn clock(&self, number: usize) -> VectorClock {
        self.join(self.seen(number))
    }

    /// The highest sequence of each node among these transactions.
    fn join(&self, transactions: impl Iterator<Item = usize>) -> VectorClock {
        let mut highest = vec![0; self.nodes.len()];
        for number in transactions {
            let sequence = &mut highest[self.authors[number]];
            *sequence = self.transactions[number].sequence.max(*sequence);
        }
        self.nodes.iter().copied().zip(highest).collect()
    }

    /// The dependencies in their shortest form: those that no other of them has seen, ascending.
    fn shortest_dependencies(&self, number: usize) -> Vec<Dot> {
        let claimed: BTreeSet<Dot> = self.transactions[number].dependencies.iter().copied().collect();
        let covered = |dot: &Dot| {
            let mut others = claimed.iter().filter(|other| *other != dot);
            others.any(|other| self.has_seen(self.numbers[other], self.numbers[dot]))
        };
        claimed.iter().filter(|dot| !covered(dot)).copied().collect()
    }
}

/// Whatever the log and its entries say about causality is what the history says.
fn check(log: &ChangeLog, entries: &[ChangeEntry], history: &History) {
    let mut order = Vec::new();
    let mut clocks = HashMap::new();
    for transaction in transactions(log) {
        let number = history.numbers[&transaction.dot()];
        order.push(number);
        let wanted = history.clock(number);
        assert_eq!(log.vector_clock(transaction.dot()).unwrap(), wanted);
        for sequence in transaction.first_sequence().unwrap()..transaction.sequence {
            let others = wanted.iter().filter(|(node, _)| *node != transaction.node);
            let earlier = others.chain([(transaction.node, sequence)]).collect();
            assert_eq!(log.vector_clock(Dot::new(transaction.node, sequence)).unwrap(), earlier);
        }
        assert_eq!(transaction.dependencies, history.shortest_dependencies(number));
        clocks.insert(number, wanted);
    }
    assert_eq!(log.frontier().unwrap(), history.join(0..history.transactions.len()));

    // Every prefix of the log is causally closed.
    let mut there = vec![false; order.len()];
    for number in &order {
        there[*number] = true;
        let dependencies = &history.transactions[*number].dependencies;
        assert!(dependencies.iter().all(|dot| there[history.numbers[dot]]));
    }

    for entry in entries {
        let number = history.numbers[&entry.transaction];
        let transaction = &history.transactions[number];
        assert!(entry.sequence >= transaction.first_sequence().unwrap());
        assert!(entry.sequence <= transaction.sequence);
        assert_eq!(entry.vector_clock.get(entry.node), entry.sequence);
        let of_others = |(node, _): &(Uuid, u64)| *node != entry.node;
        let (found, wanted) = (entry.vector_clock.iter(), clocks[&number].iter());
        assert!(found.filter(of_others).eq(wanted.filter(of_others)), "{}", entry.dot());
    }
}

fn random_transaction(random: &mut Random, history: &History, nodes: usize) -> Transaction {
    let author = node(random.below(nodes) as u64);
    let own = history.transactions.iter().rev().find(|transaction| transaction.node == author);
    let mut dependencies: Vec<Dot> = own.map(Transaction::dot).into_iter().collect();
    for _ in 0..random.below(4) {
        if !history.transactions.is_empty() {
            dependencies.push(random.pick(&history.transactions).dot());
        }
    }
    random.shuffle(&mut dependencies);
    let count = random.below(4);
    Transaction {
        node: author,
        sequence: own.map_or(0, |own| own.sequence) + count.max(1) as u64,
        dependencies,
        // Wall clocks ignore causality.
        timestamp: at(random.below(1000) as i64),
        changes: (0..count).map(|_| Change::insert("t", random.below(5) as i64, "{}")).collect(),
    }
}

/// The history in another causal order.
fn reordered(random: &mut Random, history: &History) -> Vec<usize> {
    let mut waiting: Vec<usize> = (0..history.transactions.len()).collect();
    let mut done = BTreeSet::new();
    let mut order = Vec::new();
    while !waiting.is_empty() {
        let ready: Vec<usize> = (0..waiting.len())
            .filter(|place| {
                let mut dependencies = history.transactions[waiting[*place]].dependencies.iter();
                dependencies.all(|dot| done.contains(dot))
            })
            .collect();
        let number = waiting.remove(*random.pick(&ready));
        done.insert(history.transactions[number].dot());
        order.push(number);
    }
    order
}

#[test]
fn clocks_follow_from_dependencies_in_any_order_of_delivery() {
    with_seeds(60, |mut random| {
        let nodes = 1 + random.below(40);
        let mut history = History::default();
        for _ in 0..10 + random.below(80) {
            let transaction = random_transaction(&mut random, &history, nodes);
            history.push(transaction);
        }
        let as_written: Vec<usize> = (0..history.transactions.len()).collect();
        for order in [as_written, reordered(&mut random, &history)] {
            let log = in_memory(node(999));
            for number in order {
                let transaction = &history.transactions[number];
                assert!(!log.append_remote(transaction).unwrap().duplicate);
                if random.chance(20) {
                    assert!(log.append_remote(transaction).unwrap().duplicate);
                }
            }
            let entries = entries(&log);
            check(&log, &entries, &history);

            // Happened-before, three ways.
            for a in &entries {
                for b in &entries {
                    let (x, y) = (history.numbers[&a.transaction], history.numbers[&b.transaction]);
                    let before = if x == y { a.sequence < b.sequence } else { history.has_seen(y, x) };
                    assert_eq!(a.happens_before(b), before);
                    assert_eq!(a.vector_clock.happens_before(&b.vector_clock), before);
                    assert_eq!(b.vector_clock.covers(a.dot()), before || a.dot() == b.dot());
                }
            }
        }
    });
}

/// Logs that write and pull from each other stamp what they had really seen.
#[test]
fn replicas_stamp_what_they_have_seen() {
    with_seeds(40, |mut random| {
        let count = 2 + random.below(4);
        let logs: Vec<ChangeLog> = (0..count as u64).map(|number| in_memory(node(number))).collect();
        let mut seen: Vec<BTreeSet<Dot>> = vec![BTreeSet::new(); count];
        let mut truth: BTreeMap<Dot, BTreeSet<Dot>> = BTreeMap::new();
        for _ in 0..60 {
            let here = random.below(count);
            if random.chance(50) {
                let there = random.below(count);
                let missing: Vec<Transaction> = logs[there]
                    .transactions(&logs[here].frontier().unwrap())
                    .unwrap()
                    .collect::<Result<_>>()
                    .unwrap();
                // A pull may break off, leaving a causally closed part.
                for transaction in missing.iter().take(1 + random.below(missing.len() + 1)) {
                    let appended = logs[here].append_remote(transaction).unwrap();
                    assert!(!appended.duplicate);
                    assert_eq!(appended.timestamp, transaction.timestamp);
                    seen[here].insert(transaction.dot());
                }
            } else {
                let changes = random.below(3);
                let changes =
                    (0..changes).map(|row| Change::insert("t", row as i64, "{}")).collect::<Vec<_>>();
                let dot = logs[here].append_transaction(changes).unwrap().transaction;
                seen[here].insert(dot);
                truth.insert(dot, seen[here].clone());
            }
        }
        for (log, seen) in logs.iter().zip(&seen) {
            let held: BTreeSet<Dot> = transactions(log).iter().map(Transaction::dot).collect();
            assert_eq!(held, *seen);
            for dot in seen {
                let wanted: VectorClock = truth[dot].iter().map(|seen| (seen.node, seen.sequence)).collect();
                assert_eq!(log.vector_clock(*dot).unwrap(), wanted);
            }
            let frontier: VectorClock = seen.iter().map(|dot| (dot.node, dot.sequence)).collect();
            assert_eq!(log.frontier().unwrap(), frontier);
        }
    });
}

/// A hub that takes in many tips names them all once, and one from then on.
#[test]
fn a_merge_shortens_the_dependencies() {
    let log = in_memory(node(999));
    for number in 0..200 {
        log.append_remote(&common::foreign(node(number), 1, &[], 1)).unwrap();
    }
    let merge = log.append_transaction(Vec::new()).unwrap();
    assert_eq!((merge.first_lsn, merge.last_lsn), (None, None));
    let after = log.append(Change::insert("t", 1, "{}")).unwrap();
    let written = transactions(&log);
    assert_eq!(written[200].dependencies.len(), 200);
    assert_eq!(written[201].dependencies, [merge.transaction]);
    let clock = log.vector_clock(after.transaction).unwrap();
    assert_eq!((clock.len(), clock.get(node(999))), (201, 2));
    assert_eq!(log.vector_clock(merge.transaction).unwrap().get(node(999)), 1);
}

/// A real history of 3,979 transactions by 791 nodes: the clocks give exactly what its parents give.
#[test]
fn a_real_history() {
    let Some(transactions) = common::history::riak_kv() else { return };
    let mut history = History::default();
    transactions.into_iter().for_each(|transaction| history.push(transaction));

    let directory = tempfile::tempdir().unwrap();
    let time = std::sync::Arc::new(causelog::ManualTime::new("2100-01-01T00:00:00Z".parse().unwrap()));
    let log_options = || LogOptions { durability: causelog::Durability::Os, time: time.clone(), ..options() };
    let log = ChangeLog::open_with(directory.path(), log_options()).unwrap();
    for transaction in &history.transactions {
        log.append_remote(transaction).unwrap();
    }
    let written = entries(&log);
    log.close().unwrap();
    let log = ChangeLog::open_with(directory.path(), log_options()).unwrap();
    let entries = entries(&log);
    assert!(entries == written, "reopened, the log gives other entries");
    drop(written);
    check(&log, &entries, &history);

    // Every two changes of every row, by one look-up each.
    let (mut ordered, mut concurrent) = (0, 0);
    let mut by_row: BTreeMap<_, Vec<(Dot, usize)>> = BTreeMap::new();
    for entry in entries {
        let (dot, number) = (entry.dot(), history.numbers[&entry.transaction]);
        let row = by_row.entry((entry.table, entry.row_id.to_string())).or_default();
        for (earlier, earlier_number) in row.iter() {
            let covers = entry.vector_clock.covers(*earlier);
            assert_eq!(covers, history.has_seen(number, *earlier_number));
            *(if covers { &mut ordered } else { &mut concurrent }) += 1;
        }
        row.push((dot, number));
    }
    assert_eq!(by_row.len(), 306);
    assert_eq!((ordered, concurrent), (360_408, 9_147));
    let stats = log.stats().unwrap();
    assert_eq!((stats.transactions, stats.entries, stats.merges, stats.nodes), (3979, 6305, 723, 791));
    println!("bytes of the segment: {}", stats.bytes);
}
