//! A log keeps what it was given: in memory and in a directory alike, over reopening, and it refuses what it cannot keep.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::expect_used)]

mod common;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use causelog::storage::{MemoryStorage, Storage};
use causelog::{
    Appended, Change, ChangeEntry, ChangeLog, ChangeOperation, Dot, Durability, ErrorCode, LogOptions,
    ManualTime, QueryOptions, Result, RowId, TableStats, Timestamp, Transaction, Uuid, VectorClock, Verdict,
};
use common::{
    CHECKPOINT, Files, HEADER, IDENTITY, MANIFEST, Random, SEGMENT, at, bytes, entries, files_of, foreign,
    in_memory, node, options, options_with, place_of, query, transactions, with_seeds,
};

/// What a log is, as plainly as it can be said.
struct Model {
    own: Uuid,
    transactions: Vec<(Transaction, VectorClock, Option<Verdict>)>,
    last_time: Option<Timestamp>,
}

impl Model {
    fn held(&self, node: Uuid) -> u64 {
        let own = self.transactions.iter().filter(|(transaction, ..)| transaction.node == node);
        own.map(|(transaction, ..)| transaction.sequence).max().unwrap_or(0)
    }

    fn frontier(&self) -> VectorClock {
        let mut frontier = VectorClock::new();
        self.transactions.iter().for_each(|(_, clock, _)| frontier.merge(clock));
        frontier
    }

    /// Transactions that no other has seen.
    fn tips(&self) -> Vec<Dot> {
        let tips = self.transactions.iter().filter(|(transaction, ..)| {
            let mut others = self.transactions.iter();
            !others
                .any(|(other, clock, _)| other.dot() != transaction.dot() && clock.covers(transaction.dot()))
        });
        tips.map(|(transaction, ..)| transaction.dot()).collect()
    }

    fn clock_of(&self, dependencies: &[Dot]) -> VectorClock {
        let mut clock = VectorClock::new();
        for dependency in dependencies {
            let named = self.transactions.iter().find(|(transaction, ..)| transaction.dot() == *dependency);
            clock.merge(&named.unwrap().1);
        }
        clock
    }

    fn push(&mut self, transaction: Transaction, verdict: Option<Verdict>) {
        let mut clock = self.clock_of(&transaction.dependencies);
        clock.advance(transaction.node, transaction.sequence);
        self.last_time = self.last_time.max(Some(transaction.timestamp));
        self.transactions.push((transaction, clock, verdict));
    }

    fn append(&mut self, changes: Vec<Change>, now: Timestamp) -> Appended {
        let sequence = self.held(self.own) + changes.len().max(1) as u64;
        let timestamp = self.last_time.map_or(now, |last| now.max(at(last.nanoseconds() + 1)));
        let first = self.entries().len() as u64 + 1;
        let lsns = (!changes.is_empty()).then(|| (first, first + changes.len() as u64 - 1));
        let transaction =
            Transaction { node: self.own, sequence, dependencies: self.tips(), timestamp, changes };
        let dot = transaction.dot();
        self.push(transaction, Some(Verdict::Applied));
        let (first_lsn, last_lsn) = lsns.unzip();
        Appended { transaction: dot, timestamp, first_lsn, last_lsn, duplicate: false }
    }

    fn entries(&self) -> Vec<ChangeEntry> {
        let mut entries = Vec::new();
        for (transaction, clock, verdict) in &self.transactions {
            let first = transaction.first_sequence().unwrap();
            for (sequence, change) in (first..).zip(&transaction.changes) {
                let others = clock.iter().filter(|(node, _)| *node != transaction.node);
                entries.push(ChangeEntry {
                    lsn: entries.len() as u64 + 1,
                    node: transaction.node,
                    sequence,
                    vector_clock: others.chain([(transaction.node, sequence)]).collect(),
                    timestamp: transaction.timestamp,
                    transaction: transaction.dot(),
                    table: change.table.clone(),
                    row_id: change.row_id.clone(),
                    operation: change.operation,
                    before: change.before.clone(),
                    after: change.after.clone(),
                    verdict: *verdict,
                    metadata: change.metadata.clone(),
                });
            }
        }
        entries
    }

    fn query(&self, options: &QueryOptions) -> Vec<ChangeEntry> {
        let mut entries = self.entries();
        entries.retain(|entry| {
            (options.tables.is_empty() || options.tables.contains(&entry.table))
                && options.row_id.as_ref().is_none_or(|row_id| *row_id == entry.row_id)
                && options.operation.is_none_or(|operation| operation == entry.operation)
                && options.node.is_none_or(|node| node == entry.node)
                && entry.lsn > options.since
                && options.until.is_none_or(|until| entry.lsn <= until)
                && options.since_time.is_none_or(|since| entry.timestamp > since)
                && options.until_time.is_none_or(|until| entry.timestamp <= until)
        });
        if options.reverse {
            entries.reverse();
        }
        entries.truncate(options.limit.unwrap_or(u64::MAX).min(entries.len() as u64) as usize);
        entries
    }
}

const TABLES: [&str; 3] = ["orders", "items", "ü"];

fn row(random: &mut Random) -> RowId {
    match random.below(8) {
        0 => RowId::from("a"),
        1 => RowId::from(vec![0u8, 255]),
        2 => RowId::from(node(3)),
        3 => RowId::tuple([1.into(), "a".into()]).unwrap(),
        number => RowId::from(number as i64),
    }
}

fn change(random: &mut Random) -> Change {
    let operation = *random.pick(&ChangeOperation::ALL);
    let mut image = |allowed: bool| {
        let length = *random.pick(&[0, 1, 9, 300]);
        (allowed && random.chance(70)).then(|| (0..length).map(|_| random.next() as u8).collect())
    };
    let before = image(operation != ChangeOperation::Insert);
    let after = image(operation != ChangeOperation::Delete);
    let (table, row) = (*random.pick(&TABLES), row(random));
    let mut change = Change::new(table, row, operation, before, after);
    if random.chance(20) {
        change = change.with_metadata("actor", "alice").with_metadata("", "ü");
    }
    change
}

fn changes(random: &mut Random) -> Vec<Change> {
    (0..random.below(4)).map(|_| change(random)).collect()
}

fn remote(random: &mut Random, model: &Model) -> Transaction {
    let author = node(random.below(5) as u64);
    let held = model.held(author);
    let mut dependencies: Vec<Dot> = (held > 0).then(|| Dot::new(author, held)).into_iter().collect();
    for _ in 0..random.below(3) {
        if !model.transactions.is_empty() {
            dependencies.push(random.pick(&model.transactions).0.dot());
        }
    }
    let changes = changes(random);
    Transaction {
        node: author,
        sequence: held + changes.len().max(1) as u64,
        dependencies,
        timestamp: at(random.below(3_000_000) as i64 - 1_000),
        changes,
    }
}

fn filter(random: &mut Random, model: &Model) -> QueryOptions {
    let entries = model.entries().len() as u64;
    let lsn = |random: &mut Random| match random.below(6) {
        0 => u64::MAX,
        1 => 0,
        _ => random.below(entries as usize + 3) as u64,
    };
    let moment = |random: &mut Random| match model.transactions.len() {
        0 => at(0),
        _ => random.pick(&model.transactions).0.timestamp,
    };
    let mut options = QueryOptions::default();
    for table in TABLES.iter().chain(&["unknown"]) {
        if random.chance(15) {
            options.tables.push((*table).to_owned());
        }
    }
    options.row_id = random.chance(20).then(|| row(random));
    options.operation = random.chance(20).then(|| *random.pick(&ChangeOperation::ALL));
    options.node = random.chance(20).then(|| *random.pick(&[model.own, node(0), node(1), node(2), node(77)]));
    options.since = if random.chance(30) { lsn(random) } else { 0 };
    options.until = random.chance(30).then(|| lsn(random));
    options.since_time = random.chance(15).then(|| moment(random));
    options.until_time = random.chance(15).then(|| moment(random));
    options.limit = random.chance(30).then(|| random.below(8) as u64);
    options.reverse = random.chance(30);
    options
}

fn check_stats(log: &ChangeLog, model: &Model) {
    let stats = log.stats().unwrap();
    let entries = model.entries();
    let all = || model.transactions.iter().map(|(transaction, ..)| transaction);
    assert_eq!(stats.entries, entries.len() as u64);
    assert_eq!(stats.transactions, all().count() as u64);
    assert_eq!(stats.merges, all().filter(|transaction| transaction.changes.is_empty()).count() as u64);
    let nodes: std::collections::BTreeSet<_> = all().map(|transaction| transaction.node).collect();
    assert_eq!(stats.nodes, nodes.len() as u64);
    assert_eq!(stats.first_lsn, entries.first().map_or(0, |entry| entry.lsn));
    assert_eq!(stats.last_lsn, entries.last().map_or(0, |entry| entry.lsn));
    assert_eq!(stats.oldest, all().map(|transaction| transaction.timestamp).min());
    assert_eq!(stats.newest, all().map(|transaction| transaction.timestamp).max());
    let mut tables: BTreeMap<String, TableStats> = BTreeMap::new();
    for entry in entries {
        let table = tables.entry(entry.table).or_default();
        match entry.operation {
            ChangeOperation::Insert => table.inserts += 1,
            ChangeOperation::Update => table.updates += 1,
            ChangeOperation::Delete => table.deletes += 1,
        }
    }
    assert_eq!(stats.tables, tables);
}

/// The same log twice: in memory and in a directory.
struct Pair {
    memory: MemoryStorage,
    directory: tempfile::TempDir,
    time: Arc<ManualTime>,
    logs: Vec<ChangeLog>,
}

impl Pair {
    fn new() -> Self {
        let (memory, directory) = (MemoryStorage::new(), tempfile::tempdir().unwrap());
        let time = Arc::new(ManualTime::new(at(1_000_000)));
        let mut pair = Pair { memory, directory, time, logs: Vec::new() };
        pair.open(Durability::Os);
        pair
    }

    fn open(&mut self, durability: Durability) {
        let options = || LogOptions { durability, ..options_with(self.time.clone()) };
        self.logs = vec![
            ChangeLog::open_storage(std::sync::Arc::new(self.memory.clone()), options()).unwrap(),
            ChangeLog::open_with(self.directory.path(), options()).unwrap(),
        ];
    }

    /// Does the same with both and expects the same of both.
    fn both<T: PartialEq + std::fmt::Debug>(&self, work: impl Fn(&ChangeLog) -> T) -> T {
        let [first, second] = [0, 1].map(|number| work(&self.logs[number]));
        assert_eq!(first, second, "memory and directory differ");
        first
    }
}

#[test]
fn memory_directory_and_model_agree_on_random_work() {
    with_seeds(40, |mut random| {
        let mut pair = Pair::new();
        let own = pair.both(ChangeLog::node);
        let mut model = Model { own, transactions: Vec::new(), last_time: None };
        for _ in 0..70 {
            match random.below(12) {
                0..=3 => {
                    pair.time.set(at(random.below(2_000_000) as i64));
                    let now = at(causelog::TimeSource::now(&*pair.time).nanoseconds());
                    let changes = changes(&mut random);
                    let appended = pair.both(|log| log.append_transaction(changes.clone()).unwrap());
                    assert_eq!(appended, model.append(changes, now));
                }
                4..=6 => {
                    let transaction = remote(&mut random, &model);
                    let first = model.entries().len() as u64 + 1;
                    let appended = pair.both(|log| log.append_remote(&transaction).unwrap());
                    assert_eq!(appended.transaction, transaction.dot());
                    assert_eq!(appended.timestamp, transaction.timestamp);
                    assert!(!appended.duplicate);
                    let count = transaction.changes.len() as u64;
                    let lsns = (count > 0).then_some((first, first + count - 1));
                    assert_eq!((appended.first_lsn, appended.last_lsn), lsns.unzip());
                    model.push(transaction, None);
                }
                7 if !model.transactions.is_empty() => {
                    let again = random.pick(&model.transactions).0.clone();
                    let before = pair.both(|log| log.stats().unwrap());
                    let appended = pair.both(|log| log.append_remote(&again).unwrap());
                    assert!(appended.duplicate);
                    assert_eq!(appended.transaction, again.dot());
                    assert_eq!(pair.both(|log| log.stats().unwrap()), before);
                }
                8 if random.chance(50) => {
                    if random.chance(50) {
                        pair.logs.iter().for_each(|log| log.close().unwrap());
                    }
                    pair.logs.clear();
                    pair.open(*random.pick(&[Durability::Os, Durability::Sync]));
                    assert_eq!(pair.both(ChangeLog::node), own);
                }
                _ => {
                    let filter = filter(&mut random, &model);
                    let found = pair.both(|log| query(log, filter.clone()));
                    assert_eq!(found, model.query(&filter), "{filter:?}");
                }
            }
        }
        check_stats(&pair.logs[0], &model);
        pair.both(|log| log.stats().unwrap());
        assert_eq!(pair.both(entries), model.entries());
        assert_eq!(pair.both(|log| log.frontier().unwrap()), model.frontier());
        for (transaction, clock, _) in &model.transactions {
            assert_eq!(pair.both(|log| log.vector_clock(transaction.dot()).unwrap()), *clock);
        }

        // What someone who has seen a part of it lacks, in log order; handed over, it makes an equal log.
        let seen = match model.transactions.len() {
            0 => VectorClock::new(),
            _ => random.pick(&model.transactions).1.clone(),
        };
        let missing = pair.both(|log| log.transactions(&seen).unwrap().collect::<Result<Vec<_>>>().unwrap());
        let wanted = model.transactions.iter().filter(|(transaction, ..)| !seen.covers(transaction.dot()));
        assert_eq!(
            missing.iter().map(Transaction::dot).collect::<Vec<_>>(),
            wanted.map(|(transaction, ..)| transaction.dot()).collect::<Vec<_>>()
        );
        let copy = in_memory(node(500));
        pair.both(transactions).iter().for_each(|transaction| {
            copy.append_remote(transaction).unwrap();
        });
        let unjudged = |mut entry: ChangeEntry| {
            entry.verdict = None;
            entry
        };
        assert_eq!(entries(&copy), model.entries().into_iter().map(unjudged).collect::<Vec<_>>());
    });
}

fn reopen(storage: &MemoryStorage) -> ChangeLog {
    ChangeLog::open_storage(
        std::sync::Arc::new(storage.clone()),
        LogOptions { ids: common::CountingIds::from(2000), ..options() },
    )
    .unwrap()
}

fn code<T: std::fmt::Debug>(outcome: Result<T>) -> ErrorCode {
    outcome.expect_err("this must fail").code()
}

#[test]
fn a_log_keeps_its_identity() {
    let storage = MemoryStorage::new();
    let log = ChangeLog::open_storage(std::sync::Arc::new(storage.clone()), options()).unwrap();
    let (own, id) = (log.node(), log.id());
    assert_ne!(own, id);
    assert!(log.past_nodes().is_empty());
    drop(log);
    let log = reopen(&storage);
    assert_eq!((log.node(), log.id()), (own, id));
    drop(log);

    // It may be named on opening, and none other may.
    let named = |node| {
        ChangeLog::open_storage(
            std::sync::Arc::new(storage.clone()),
            LogOptions { node: Some(node), ..options() },
        )
    };
    assert_eq!(named(own).unwrap().node(), own);
    let error = named(node(7)).unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidArgument);
    assert!(error.message().contains(&own.to_string()) && error.message().contains(&node(7).to_string()));
    assert_eq!(in_memory(node(7)).node(), node(7));
}

#[test]
fn the_time_never_goes_back_also_over_reopening() {
    let storage = MemoryStorage::new();
    let time = Arc::new(ManualTime::new(at(5_000)));
    let open =
        || ChangeLog::open_storage(std::sync::Arc::new(storage.clone()), options_with(time.clone())).unwrap();
    let stamp = |log: &ChangeLog| log.append(Change::insert("t", 1, "1")).unwrap().timestamp;
    let log = open();
    assert_eq!([stamp(&log), stamp(&log)], [at(5_000), at(5_001)]);
    time.set(at(100));
    assert_eq!(stamp(&log), at(5_002));
    drop(log);
    let log = open();
    assert_eq!(stamp(&log), at(5_003));
    // A remote timestamp counts, if it is ahead …
    let ahead = Transaction { timestamp: at(9_000), ..foreign(node(1), 1, &[], 1) };
    log.append_remote(&ahead).unwrap();
    assert_eq!(stamp(&log), at(9_001));
    // … and one behind is kept as it is.
    log.append_remote(&foreign(node(2), 1, &[], 1)).unwrap();
    assert_eq!(entries(&log).last().unwrap().timestamp, at(500));
    drop(log);
    assert_eq!(stamp(&open()), at(9_002));
}

#[test]
fn a_directory_has_one_writer() {
    let directory = tempfile::tempdir().unwrap();
    let log = ChangeLog::open_with(directory.path(), options()).unwrap();
    let error = ChangeLog::open_with(directory.path(), options()).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Locked);
    assert!(error.is_retryable());
    assert!(error.message().contains(&directory.path().display().to_string()));
    log.append(Change::insert("t", 1, "1")).unwrap();
    // Closing gives the directory back, though the handle is still there; so does dropping it.
    log.close().unwrap();
    let second = ChangeLog::open_with(directory.path(), options()).unwrap();
    assert_eq!(entries(&second).len(), 1);
    assert_eq!(code(log.append(Change::insert("t", 1, "1"))), ErrorCode::Closed);
    drop(second);
    drop(ChangeLog::open_with(directory.path(), options()).unwrap());

    let storage = MemoryStorage::new();
    let log = ChangeLog::open_storage(std::sync::Arc::new(storage.clone()), options()).unwrap();
    assert_eq!(
        code(ChangeLog::open_storage(std::sync::Arc::new(storage.clone()), options())),
        ErrorCode::Locked
    );
    // A cursor keeps its log alive, and so locked.
    let cursor = log.query(QueryOptions::default()).unwrap();
    drop(log);
    assert_eq!(
        code(ChangeLog::open_storage(std::sync::Arc::new(storage.clone()), options())),
        ErrorCode::Locked
    );
    drop(cursor);
    reopen(&storage);
}

#[test]
fn a_closed_log_answers_nothing() {
    let log = in_memory(node(1));
    log.append_transaction((0..3).map(|row| Change::insert("t", row, "1")).collect::<Vec<_>>()).unwrap();
    log.append(Change::insert("t", 9, "1")).unwrap();
    let mut begun = log.query(QueryOptions::default()).unwrap();
    let fresh = log.query(QueryOptions::default()).unwrap();
    let mut waiting = log.transactions(&VectorClock::new()).unwrap();
    // Two entries of this transaction are already in the cursor's hands.
    assert_eq!(begun.next().unwrap().unwrap().lsn, 1);
    log.close().unwrap();
    log.close().unwrap();

    for outcome in [
        code(log.append(Change::insert("t", 1, "1"))),
        code(log.append_transaction(Vec::new())),
        code(log.append_remote(&foreign(node(2), 1, &[], 1))),
        code(log.query(QueryOptions::default())),
        code(log.transactions(&VectorClock::new())),
        code(log.frontier()),
        code(log.vector_clock(Dot::new(node(1), 1))),
        code(log.stats()),
        code(log.sync()),
        code(begun.next().unwrap()),
        code(waiting.next().unwrap()),
    ] {
        assert_eq!(outcome, ErrorCode::Closed);
    }
    assert!(begun.next().is_none() && waiting.next().is_none(), "after an error a cursor has ended");
    let outcomes: Vec<_> = fresh.collect();
    assert_eq!(outcomes.len(), 1);
    assert_eq!(outcomes[0].as_ref().unwrap_err().code(), ErrorCode::Closed);
    // Who it is it still knows.
    assert_eq!(log.node(), node(1));
}

#[test]
fn a_duplicate_is_recognised_by_its_dot_and_its_content() {
    let log = in_memory(node(99));
    let first = foreign(node(1), 3, &[], 3);
    let other = foreign(node(2), 1, &[], 1);
    let second = foreign(node(1), 5, &[first.dot(), other.dot()], 2);
    for transaction in [&first, &other, &second] {
        assert!(!log.append_remote(transaction).unwrap().duplicate);
    }
    let own = log.append(Change::insert("t", 1, "own")).unwrap();
    let before = log.stats().unwrap();

    let again = log.append_remote(&second).unwrap();
    assert!(again.duplicate);
    assert_eq!((again.first_lsn, again.last_lsn), (Some(5), Some(6)));
    // The same dependencies in another order, or with some that others cover, are the same.
    for dependencies in [vec![other.dot(), first.dot()], vec![first.dot(), other.dot(), first.dot()]] {
        assert!(log.append_remote(&Transaction { dependencies, ..second.clone() }).unwrap().duplicate);
    }
    // Its own transactions come back from others.
    let mine = transactions(&log).pop().unwrap();
    assert_eq!(mine.dot(), own.transaction);
    assert!(log.append_remote(&mine).unwrap().duplicate);

    let mut payload = second.clone();
    payload.changes[1].after = Some(b"other".to_vec());
    let mut metadata = second.clone();
    metadata.changes[0] = metadata.changes[0].clone().with_metadata("actor", "alice");
    let mut fewer = second.clone();
    fewer.changes.truncate(1);
    let with_dependencies =
        |dependencies: &[Dot]| Transaction { dependencies: dependencies.to_vec(), ..second.clone() };
    let reuses = [
        ("another payload", payload),
        ("other metadata", metadata),
        ("another timestamp", Transaction { timestamp: at(501), ..second.clone() }),
        ("fewer changes under the same last dot", fewer),
        ("fewer dependencies", with_dependencies(&[first.dot()])),
        ("no dependencies", with_dependencies(&[])),
        ("a dependency that is not here", with_dependencies(&[first.dot(), Dot::new(node(3), 1)])),
        ("a dependency inside a transaction", with_dependencies(&[Dot::new(node(1), 2), other.dot()])),
        ("an end inside a transaction", foreign(node(1), 4, &[first.dot()], 1)),
        ("a start inside a transaction", foreign(node(1), 6, &[first.dot()], 2)),
        ("a range around a transaction", foreign(node(1), 6, &[], 6)),
        ("two transactions in one", foreign(node(1), 5, &[], 5)),
        ("a merge under the dot of a change", foreign(node(1), 4, &[first.dot()], 0)),
        ("its own dot", foreign(node(99), 1, &[second.dot()], 1)),
    ];
    for (what, reuse) in reuses {
        assert_eq!(code(log.append_remote(&reuse)), ErrorCode::DotReuse, "{what}");
    }
    assert_eq!(log.stats().unwrap(), before);
}

#[test]
fn what_an_author_had_seen_must_be_here_first() {
    let log = in_memory(node(99));
    let first = foreign(node(1), 3, &[], 3);
    let second = foreign(node(1), 4, &[first.dot()], 1);
    let third = foreign(node(2), 1, &[second.dot()], 1);
    for early in [&second, &third] {
        let error = log.append_remote(early).unwrap_err();
        assert_eq!(error.code(), ErrorCode::MissingDependency);
        assert!(error.is_retryable());
        assert!(error.message().contains(&early.dependencies[0].to_string()), "{error}");
    }
    // Its author's own earlier changes are missing, though it does not name them.
    let error = log.append_remote(&foreign(node(1), 4, &[], 1)).unwrap_err();
    assert_eq!(error.code(), ErrorCode::MissingDependency);
    assert!(error.message().contains(&first.dot().to_string()), "{error}");
    assert_eq!(log.stats().unwrap().transactions, 0);

    for transaction in [&first, &second, &third] {
        log.append_remote(transaction).unwrap();
    }
    // A dependency names a whole transaction.
    let inside = foreign(node(3), 1, &[Dot::new(node(1), 2)], 1);
    let error = log.append_remote(&inside).unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidArgument);
    assert!(error.message().contains(&inside.dependencies[0].to_string()), "{error}");
    // An author has seen its own previous transaction.
    for dependencies in [vec![], vec![first.dot()]] {
        let forgetful = foreign(node(1), 5, &dependencies, 1);
        assert_eq!(code(log.append_remote(&forgetful)), ErrorCode::InvalidArgument);
    }
    // It need not name it, if it names one that has seen it.
    log.append_remote(&foreign(node(1), 5, &[third.dot()], 1)).unwrap();
    assert_eq!(log.stats().unwrap().transactions, 4);
}

#[test]
fn dependencies_that_others_cover_are_left_out() {
    let log = in_memory(node(99));
    let first = foreign(node(1), 1, &[], 1);
    let second = foreign(node(2), 1, &[first.dot()], 1);
    let beside = foreign(node(3), 1, &[], 1);
    let all = [beside.dot(), second.dot(), first.dot(), beside.dot()];
    let last = foreign(node(4), 1, &all, 1);
    for transaction in [&first, &second, &beside, &last] {
        log.append_remote(transaction).unwrap();
    }
    assert_eq!(transactions(&log)[3].dependencies, [second.dot(), beside.dot()]);
    assert_eq!(log.vector_clock(last.dot()).unwrap().len(), 4);
    // The log itself names the one tip that has seen all.
    log.append(Change::insert("t", 1, "1")).unwrap();
    assert_eq!(transactions(&log)[4].dependencies, [last.dot()]);
}

#[test]
fn a_timestamp_too_far_ahead_is_refused_until_time_has_caught_up() {
    let time = Arc::new(ManualTime::new(at(0)));
    let skew = Duration::from_nanos(1_000);
    let log =
        ChangeLog::in_memory(LogOptions { maximum_clock_skew: skew, ..options_with(time.clone()) }).unwrap();
    let stamped =
        |number, nanoseconds| Transaction { timestamp: at(nanoseconds), ..foreign(node(number), 1, &[], 1) };
    log.append_remote(&stamped(1, 1_000)).unwrap();
    let ahead = stamped(2, 1_001);
    let error = log.append_remote(&ahead).unwrap_err();
    assert_eq!(error.code(), ErrorCode::ClockSkew);
    assert!(error.is_retryable());
    assert!(error.message().contains(&ahead.dot().to_string()), "{error}");
    // It left nothing behind: neither in the log nor in its clock.
    assert_eq!(log.stats().unwrap().transactions, 1);
    assert_eq!(log.append(Change::insert("t", 1, "1")).unwrap().timestamp, at(1_001));
    time.set(at(1));
    log.append_remote(&ahead).unwrap();
    // What is held already is a duplicate, however far ahead.
    time.set(Timestamp::MIN);
    assert!(log.append_remote(&ahead).unwrap().duplicate);
    assert_eq!(code(log.append_remote(&stamped(3, i64::MAX))), ErrorCode::ClockSkew);

    assert_eq!(LogOptions::default().maximum_clock_skew, Duration::from_secs(120));
    let generous = LogOptions { maximum_clock_skew: Duration::MAX, ..options() };
    let log = ChangeLog::in_memory(generous).unwrap();
    log.append_remote(&stamped(1, i64::MAX)).unwrap();
    // At the end of time nothing can be stamped any more; all else works.
    assert_eq!(code(log.append(Change::insert("t", 1, "1"))), ErrorCode::TooLarge);
    log.append_remote(&foreign(node(2), 1, &[], 1)).unwrap();
    assert_eq!(entries(&log).len(), 2);
}

#[test]
fn a_merge_has_a_dot_and_a_clock_and_no_entry() {
    let storage = MemoryStorage::new();
    let log = ChangeLog::open_storage(
        std::sync::Arc::new(storage.clone()),
        LogOptions { node: Some(node(9)), ..options() },
    )
    .unwrap();
    log.append_remote(&foreign(node(1), 1, &[], 1)).unwrap();
    log.append_remote(&foreign(node(2), 1, &[Dot::new(node(1), 1)], 0)).unwrap();
    let merge = log.append_transaction(Vec::new()).unwrap();
    assert_eq!(merge.transaction, Dot::new(node(9), 1));
    assert_eq!((merge.first_lsn, merge.last_lsn), (None, None));
    assert_eq!(log.append(Change::insert("t", 2, "1")).unwrap().first_lsn, Some(2));
    drop(log);

    let log = reopen(&storage);
    let clock = |entries: &[(Uuid, u64)]| entries.iter().copied().collect::<VectorClock>();
    assert_eq!(log.vector_clock(Dot::new(node(2), 1)).unwrap(), clock(&[(node(1), 1), (node(2), 1)]));
    let all = [(node(1), 1), (node(2), 1), (node(9), 1)];
    assert_eq!(log.vector_clock(merge.transaction).unwrap(), clock(&all));
    assert_eq!(log.vector_clock(Dot::new(node(9), 2)).unwrap().get(node(9)), 2);
    for nowhere in [Dot::new(node(9), 3), Dot::new(node(9), 0), Dot::new(node(5), 1)] {
        assert_eq!(code(log.vector_clock(nowhere)), ErrorCode::NotFound);
    }
    let stats = log.stats().unwrap();
    assert_eq!((stats.transactions, stats.merges, stats.entries), (4, 2, 2));
    assert_eq!(entries(&log).iter().map(|entry| entry.lsn).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(transactions(&log).iter().filter(|transaction| transaction.changes.is_empty()).count(), 2);
}

#[test]
fn sequences_at_the_ends_of_their_range() {
    let log = in_memory(node(99));
    for (sequence, count) in [(0, 1), (0, 0), (1, 2), (2, 3)] {
        let impossible = foreign(node(1), sequence, &[], count);
        assert_eq!(code(log.append_remote(&impossible)), ErrorCode::InvalidArgument, "{sequence} {count}");
    }
    let last = foreign(node(1), u64::MAX, &[], 1);
    assert_eq!(code(log.append_remote(&last)), ErrorCode::MissingDependency);
    let far = foreign(node(2), 1, &[Dot::new(node(1), u64::MAX)], 1);
    assert_eq!(code(log.append_remote(&far)), ErrorCode::MissingDependency);
    // No change has sequence 0, and none depends on itself or what follows it: nothing that could still come.
    for never in [Dot::new(node(1), 0), Dot::new(node(2), 2), Dot::new(node(2), 3), Dot::new(node(2), 4)] {
        let transaction = foreign(node(2), 3, &[never], 2);
        assert_eq!(code(log.append_remote(&transaction)), ErrorCode::InvalidArgument, "{never}");
    }
    assert_eq!(code(log.vector_clock(Dot::new(node(1), u64::MAX))), ErrorCode::NotFound);
}

#[test]
fn changes_that_no_log_takes() {
    let log = in_memory(node(99));
    let long = |length| "x".repeat(length);
    let cases = [
        (Change::insert("", 1, "1"), ErrorCode::InvalidArgument),
        (Change::insert(long(1025), 1, "1"), ErrorCode::TooLarge),
        (Change::insert("t", long(64 * 1024), "1"), ErrorCode::TooLarge),
        (Change::insert("t", RowId::Tuple(Vec::new()), "1"), ErrorCode::InvalidArgument),
        (Change::insert("t", 1, "1").with_metadata("key", long(64 * 1024)), ErrorCode::TooLarge),
        (
            Change::new("t", 1, ChangeOperation::Insert, Some(b"1".to_vec()), Some(b"2".to_vec())),
            ErrorCode::InvalidArgument,
        ),
        (Change::new("t", 1, ChangeOperation::Delete, None, Some(b"1".to_vec())), ErrorCode::InvalidArgument),
    ];
    for (change, wanted) in cases {
        // A bad change beside a good one takes the good one with it.
        let changes = vec![Change::insert("t", 1, "1"), change];
        assert_eq!(code(log.append_transaction(changes.clone())), wanted);
        let transaction = Transaction { changes, ..foreign(node(1), 2, &[], 0) };
        assert_eq!(code(log.append_remote(&transaction)), wanted);
    }
    assert_eq!(log.stats().unwrap().transactions, 0);

    // At their limits they are taken.
    let longest_row = RowId::from(long(RowId::MAX_ENCODED_LENGTH - 2));
    let limits = Change::insert(long(Change::MAX_TABLE_LENGTH), longest_row, "")
        .with_metadata("key", long(Change::MAX_METADATA_LENGTH - 3));
    log.append(limits.clone()).unwrap();
    assert_eq!(transactions(&log)[0].changes, [limits]);
}

#[test]
fn a_large_payload_comes_back() {
    // Larger than the block that a reader takes at once.
    let payload = |fill| vec![fill; 300_000];
    let directory = tempfile::tempdir().unwrap();
    let log = ChangeLog::open_with(directory.path(), options()).unwrap();
    for row in 0..5 {
        log.append(Change::insert("t", row, payload(row as u8))).unwrap();
        log.append(Change::insert("small", row, "1")).unwrap();
    }
    log.close().unwrap();
    let log = ChangeLog::open_with(directory.path(), options()).unwrap();
    for reverse in [false, true] {
        let found = query(&log, QueryOptions { reverse, ..QueryOptions::default() });
        assert_eq!(found.len(), 10);
        for entry in found.iter().filter(|entry| entry.table == "t") {
            let RowId::Scalar(causelog::RowIdPart::Integer(row)) = entry.row_id else { panic!() };
            assert_eq!(entry.after, Some(payload(row as u8)));
        }
    }
}

/// A log in memory with three transactions, closed.
fn closed_log() -> MemoryStorage {
    let storage = MemoryStorage::new();
    let log = ChangeLog::open_storage(std::sync::Arc::new(storage.clone()), options()).unwrap();
    for row in 0..3 {
        log.append(Change::insert("t", row, "1")).unwrap();
    }
    storage
}

#[test]
fn damaged_missing_and_foreign_files_are_named() {
    let storage = closed_log();
    let (identity, segment) = (bytes(&storage, IDENTITY), bytes(&storage, SEGMENT));
    let (manifest, checkpoint) = (bytes(&storage, MANIFEST), bytes(&storage, CHECKPOINT));
    let flipped = |bytes: &[u8], place: usize| {
        let mut bytes = bytes.to_vec();
        bytes[place] ^= 0x10;
        Some(bytes)
    };
    let another = MemoryStorage::new();
    let other_ids = LogOptions { ids: common::CountingIds::from(3000), ..options() };
    ChangeLog::open_storage(std::sync::Arc::new(another.clone()), other_ids)
        .unwrap()
        .append(Change::insert("t", 1, "1"))
        .unwrap();
    let newer = |bytes: &[u8]| {
        let mut bytes = bytes.to_vec();
        bytes[8] = 2;
        Some(bytes)
    };

    let cases: Vec<(&str, &str, Option<Vec<u8>>, ErrorCode)> = vec![
        ("identity missing", IDENTITY, None, ErrorCode::Corrupt),
        ("identity empty", IDENTITY, Some(Vec::new()), ErrorCode::Corrupt),
        ("identity cut off", IDENTITY, Some(identity[..20].to_vec()), ErrorCode::Corrupt),
        ("identity damaged", IDENTITY, flipped(&identity, 15), ErrorCode::Corrupt),
        ("identity of another kind", IDENTITY, Some(segment[..HEADER].to_vec()), ErrorCode::Corrupt),
        ("identity of a newer version", IDENTITY, newer(&identity), ErrorCode::Unsupported),
        ("identity of another log", IDENTITY, Some(bytes(&another, IDENTITY)), ErrorCode::Corrupt),
        ("segment missing", SEGMENT, None, ErrorCode::Corrupt),
        ("segment empty", SEGMENT, Some(Vec::new()), ErrorCode::Corrupt),
        ("segment cut within its header", SEGMENT, Some(segment[..30].to_vec()), ErrorCode::Corrupt),
        ("segment header damaged", SEGMENT, flipped(&segment, 20), ErrorCode::Corrupt),
        ("segment without magic", SEGMENT, flipped(&segment, 0), ErrorCode::Corrupt),
        ("segment of another log", SEGMENT, Some(bytes(&another, SEGMENT)), ErrorCode::Corrupt),
        ("segment of a newer version", SEGMENT, newer(&segment), ErrorCode::Unsupported),
        ("manifest missing", MANIFEST, None, ErrorCode::Corrupt),
        ("manifest cut off", MANIFEST, Some(manifest[..20].to_vec()), ErrorCode::Corrupt),
        ("manifest damaged", MANIFEST, flipped(&manifest, 15), ErrorCode::Corrupt),
        ("manifest of another log", MANIFEST, Some(bytes(&another, MANIFEST)), ErrorCode::Corrupt),
        ("manifest of a newer version", MANIFEST, newer(&manifest), ErrorCode::Unsupported),
        ("checkpoint of a newer version", CHECKPOINT, newer(&checkpoint), ErrorCode::Unsupported),
    ];
    for (what, name, replacement, wanted) in cases {
        let damaged = place_of(&replaced(&storage, &[(name, replacement)]));
        let error = ChangeLog::open_storage(std::sync::Arc::new(damaged.clone()), options()).unwrap_err();
        assert_eq!(error.code(), wanted, "{what}: {error}");
        assert!(error.message().starts_with("memory: "), "{what}: {error}");
        assert!(error.message().contains(name) || what == "identity of another log", "{what}: {error}");
        // Refusing changes nothing: with the right files it opens, unlocked and whole.
        for name in [IDENTITY, SEGMENT, MANIFEST, CHECKPOINT] {
            damaged.replace(name, &bytes(&storage, name)).unwrap();
        }
        assert_eq!(entries(&reopen(&damaged)).len(), 3, "{what}");
    }

    // A segment under another name is not looked at, and not taken for this one.
    let renamed = replaced(&storage, &[(SEGMENT, None), ("00000000000000000002.segment", Some(segment))]);
    assert_eq!(
        code(ChangeLog::open_storage(std::sync::Arc::new(place_of(&renamed)), options())),
        ErrorCode::Corrupt
    );
}

/// The files of the storage with some of them put in place of others, or left out.
fn replaced(storage: &MemoryStorage, with: &[(&str, Option<Vec<u8>>)]) -> Files {
    let mut files = files_of(storage);
    for (name, content) in with {
        match content {
            Some(content) => files.insert((*name).to_owned(), content.clone()),
            None => files.remove(*name),
        };
    }
    files
}

#[test]
fn a_log_that_was_only_half_made_is_made_again() {
    let storage = closed_log();
    let header = bytes(&storage, SEGMENT)[..HEADER].to_vec();
    let half = MemoryStorage::new();
    half.replace(SEGMENT, &header).unwrap();
    let log = ChangeLog::open_storage(std::sync::Arc::new(half.clone()), options()).unwrap();
    log.append(Change::insert("t", 1, "1")).unwrap();
    drop(log);
    assert_eq!(entries(&reopen(&half)).len(), 1);
}

#[test]
fn files_of_others_in_the_directory_do_not_matter() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("notes.txt"), "mine").unwrap();
    std::fs::write(directory.path().join("identity.new"), "left by a crash").unwrap();
    std::fs::create_dir(directory.path().join("directory")).unwrap();
    for _ in 0..2 {
        let log = ChangeLog::open_with(directory.path(), options()).unwrap();
        log.append(Change::insert("t", 1, "1")).unwrap();
    }
    assert_eq!(std::fs::read(directory.path().join("notes.txt")).unwrap(), b"mine");
    assert_eq!(entries(&ChangeLog::open_with(directory.path(), options()).unwrap()).len(), 2);
}

#[test]
fn places_that_are_no_directory() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = ChangeLog::open(&file).unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidArgument);
    assert!(error.message().contains("file"), "{error}");
    assert_eq!(code(ChangeLog::open(file.join("below"))), ErrorCode::Io);
    // Missing parents are made.
    let deep = directory.path().join("a/b/c");
    ChangeLog::open(&deep).unwrap().append(Change::insert("t", 1, "1")).unwrap();
    assert!(Path::new(&deep).join(SEGMENT).is_file());
}

#[test]
fn a_log_for_reading_only_is_not_compacted_even_if_there_is_nothing_to_remove() {
    let storage = MemoryStorage::new();
    let log = ChangeLog::open_storage(std::sync::Arc::new(storage.clone()), options()).unwrap();
    assert_eq!(log.compact(&causelog::CompactionOptions::default()).unwrap(), None);
    let reading = LogOptions { read_only: true, ..options() };
    let reader = ChangeLog::open_storage(std::sync::Arc::new(storage), reading).unwrap();
    assert_eq!(code(reader.compact(&causelog::CompactionOptions::default())), ErrorCode::ReadOnly);
}
