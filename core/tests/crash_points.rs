//! A process may end, and a disk may refuse, at any moment: whatever call is cut off, nothing acknowledged is lost, no
//! transaction is there by half or twice, and the log goes on.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::expect_used)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use causelog::storage::Storage;
use causelog::{
    Change, ChangeLog, CompactionOptions, Dot, Durability, Error, ErrorCode, IdSource, LogOptions,
    ManualTime, NodeId, QueryOptions, Result, RetentionPolicy, Timestamp, Transaction,
};
use common::faulty::{FaultyStorage, Mode, Operation, Restarted};
use common::{CountingIds, at, foreign, node, query, read_all, transactions};

/// What a program does with a log.
#[derive(Clone)]
enum Step {
    Append(Vec<Change>),
    Remote(Transaction),
    Sync,
    Maintain(Timestamp),
    /// Polls a consumer and commits what it was given.
    Consume,
    /// Goes back by so many LSNs, and forth again.
    Reset(u64),
    /// Makes another consumer and removes it.
    Visit,
    /// Removes segments until so many bytes are left.
    Retain(u64),
    /// Removes all that is older than the time that it is from then on.
    Expire(Timestamp),
    Compact,
    Compress,
    Reopen,
}

/// What a program does, and what may be said of it afterwards.
#[derive(Clone, Copy)]
struct Work {
    steps: fn() -> Vec<Step>,
    /// Whether entries are removed on the way.
    removes: bool,
}

/// A change that nearly fills a segment with a few like it, different for every number.
fn change(number: usize) -> Change {
    let payload = format!("{{\"number\":{number},\"filler\":\"{}\"}}", "x".repeat(500 + number % 7 * 90));
    match number % 3 {
        0 => Change::insert("orders", number as i64, payload),
        1 => Change::update("items", format!("row {}", number % 5), "{}", payload)
            .with_metadata("actor", "alice"),
        _ => Change::insert("orders", (number % 4) as i64, payload),
    }
}

/// Transactions of every kind over five segments, with the log closed and opened again in the middle of one and
/// right after one was begun.
fn steps() -> Vec<Step> {
    let append = |numbers: std::ops::Range<usize>| Step::Append(numbers.map(change).collect());
    let remote = |author: u64, sequence: u64, dependencies: &[Dot], count: usize| {
        Step::Remote(foreign(node(author), sequence, dependencies, count))
    };
    let dot = |author: u64, sequence: u64| Dot::new(node(author), sequence);
    vec![
        append(0..1),
        append(1..4),
        remote(1, 2, &[], 2),
        remote(2, 1, &[dot(1, 2)], 0),
        append(4..6),
        Step::Maintain(at(2_000_000_000)),
        append(6..8),
        append(8..9),
        Step::Sync,
        append(9..9),
        remote(3, 1, &[], 1),
        append(10..12),
        Step::Reopen,
        append(12..14),
        remote(1, 3, &[dot(2, 1), dot(3, 1)], 1),
        append(14..18),
        append(18..20),
        Step::Compress,
        append(20..21),
        Step::Maintain(at(4_000_000_000)),
        append(21..24),
        Step::Reopen,
        append(24..25),
        append(25..29),
        append(29..30),
        Step::Reopen,
        append(30..31),
        Step::Compress,
    ]
}

/// A log that is read as it grows, and gets rid of what was read and of what was replaced.
fn trimming_steps() -> Vec<Step> {
    // Few rows, so that there is something to compact.
    let again =
        |number| Change { table: "items".to_owned(), row_id: (number as i64 % 3).into(), ..change(number) };
    let append = |numbers: std::ops::Range<usize>| Step::Append(numbers.map(again).collect());
    vec![
        append(0..5),
        Step::Consume,
        append(5..10),
        Step::Remote(foreign(node(1), 1, &[], 1)),
        append(10..15),
        Step::Consume,
        Step::Retain(9000),
        append(15..18),
        Step::Compress,
        append(18..22),
        // Of compressed segments and of others.
        Step::Compact,
        Step::Consume,
        Step::Compress,
        Step::Reopen,
        append(22..26),
        Step::Retain(4000),
        append(26..27),
        Step::Consume,
        Step::Reset(3),
        Step::Visit,
        Step::Compress,
        // All of it, also what is not sealed yet, but for what is not read.
        Step::Consume,
        Step::Expire(at(9_000_000_000)),
        append(27..31),
    ]
}

/// A transaction that was appended, or may have been.
#[derive(Debug, Clone)]
struct Held {
    /// Not known of one whose append did not return.
    dot: Option<Dot>,
    changes: Vec<Change>,
}

impl Held {
    fn is(&self, found: &Transaction) -> bool {
        self.dot.is_none_or(|dot| dot == found.dot()) && self.changes == found.changes
    }
}

/// A program that does all steps and takes note of what it was told.
struct Run {
    work: Work,
    storage: FaultyStorage,
    durability: Durability,
    ids: Arc<CountingIds>,
    time: Arc<ManualTime>,
    log: Option<ChangeLog>,
    held: Vec<Held>,
    /// How many of those no loss of power may take.
    promised: usize,
    /// The nodes that the log was.
    nodes: BTreeSet<NodeId>,
    /// The append that closed the handle.
    unknown: Option<Held>,
    /// The LSN that the consumer was told is committed, and the one that it may be at.
    committed: (u64, u64),
    errors: Vec<Error>,
    /// Whether half a frame may lie at the end.
    torn: bool,
}

fn options(durability: Durability, time: Arc<ManualTime>, ids: Arc<dyn IdSource>) -> LogOptions {
    // With it writes are expected, which is one more thing that can fail.
    let memory_map = durability == Durability::Os;
    LogOptions { durability, segment_bytes: 4096, memory_map, time, ids, ..LogOptions::default() }
}

impl Run {
    /// Does all steps with this fault.
    fn new(work: Work, durability: Durability, fault: Option<(u64, Mode)>) -> Run {
        let mut run = Run {
            work,
            storage: FaultyStorage::new(),
            durability,
            ids: CountingIds::from(1000),
            time: Arc::new(ManualTime::new(at(1_000_000))),
            log: None,
            held: Vec::new(),
            promised: 0,
            nodes: BTreeSet::new(),
            unknown: None,
            committed: (0, 0),
            errors: Vec::new(),
            torn: matches!(fault, Some((_, Mode::Torn(_)))),
        };
        if let Some((number, mode)) = fault {
            run.storage.fail_at(number, mode);
        }
        let dies = matches!(fault, Some((_, Mode::Torn(_) | Mode::Crash)));
        for step in (work.steps)() {
            while !run.attempt(&step) {
                if dies {
                    return run;
                }
                assert_eq!(run.errors.len(), 1, "one fault is one error: {fault:?} {:?}", run.errors);
            }
        }
        if let Some(log) = run.log.take() {
            run.close(&log);
        }
        run
    }

    /// Whether the step is done. After a fault that lets the process live, doing it again must help.
    fn attempt(&mut self, step: &Step) -> bool {
        if self.log.is_none() {
            let held = self.held.len();
            if !self.open() {
                return false;
            }
            // The append that closed the handle was done after all.
            if self.held.len() > held {
                return true;
            }
        }
        let log = self.log.take().unwrap();
        let (outcome, changes) = match step {
            Step::Append(changes) => (log.append_transaction(changes).map(Some), changes.clone()),
            Step::Remote(transaction) => {
                (log.append_remote(transaction).map(Some), transaction.changes.clone())
            }
            Step::Sync => (log.sync().map(|()| None), Vec::new()),
            Step::Maintain(now) => {
                self.time.set(*now);
                (log.maintain(*now).map(|()| None), Vec::new())
            }
            Step::Consume => (self.consume(&log).map(|()| None), Vec::new()),
            Step::Reset(back) => (self.reset(&log, *back).map(|()| None), Vec::new()),
            Step::Visit => (visit(&log).map(|()| None), Vec::new()),
            Step::Expire(now) => {
                self.time.set(*now);
                let policy =
                    RetentionPolicy { max_age: Some(Duration::from_secs(1)), ..RetentionPolicy::default() };
                (log.retain(&policy).map(|_| None), Vec::new())
            }
            Step::Retain(bytes) => {
                let policy = RetentionPolicy { max_bytes: Some(*bytes), ..RetentionPolicy::default() };
                (log.retain(&policy).map(|_| None), Vec::new())
            }
            Step::Compact => {
                let known = log.frontier().map(|frontier| vec![frontier]).unwrap_or_default();
                (log.compact(&CompactionOptions { known, ..Default::default() }).map(|_| None), Vec::new())
            }
            Step::Compress => (log.compress().map(|_| None), Vec::new()),
            Step::Reopen => {
                // A log that could not be closed in order is closed all the same.
                self.close(&log);
                drop(log);
                return self.open();
            }
        };
        match outcome {
            Ok(appended) => {
                if let Some(appended) = appended.filter(|appended| !appended.duplicate) {
                    self.held.push(Held { dot: Some(appended.transaction), changes });
                }
                let synced = appended.is_none() && matches!(step, Step::Sync);
                if synced || self.durability == Durability::Sync {
                    self.promised = self.held.len();
                }
                self.log = Some(log);
                true
            }
            Err(error) => {
                self.errors.push(error);
                match log.stats() {
                    Ok(stats) => {
                        assert_eq!(stats.last_lsn, self.last_lsn(), "what failed left nothing");
                        if !self.work.removes {
                            assert_eq!(
                                stats.transactions,
                                self.held.len() as u64,
                                "what failed left nothing"
                            );
                        }
                        self.log = Some(log);
                    }
                    // The positions of consumers are read for it, which the dead cannot do.
                    Err(error) if error.code() != ErrorCode::Closed && self.storage.list().is_err() => {
                        self.log = Some(log);
                    }
                    Err(error) => {
                        assert_eq!(error.code(), ErrorCode::Closed, "{error}");
                        let appends = matches!(step, Step::Append(_) | Step::Remote(_));
                        let dot =
                            if let Step::Remote(transaction) = step { Some(transaction.dot()) } else { None };
                        self.unknown = appends.then_some(Held { dot, changes });
                    }
                }
                false
            }
        }
    }

    fn open(&mut self) -> bool {
        let options = options(self.durability, self.time.clone(), self.ids.clone());
        match ChangeLog::open_storage(Arc::new(self.storage.clone()), options) {
            Err(error) => {
                self.errors.push(error);
                false
            }
            Ok(log) => {
                // It may have died while it opened the log and not have noticed.
                if self.storage.list().is_err() {
                    return false;
                }
                // The process lives, so all that it wrote is there.
                let (held, all) = (self.held.len(), self.held.len() + usize::from(self.unknown.is_some()));
                let found = self.find(&log, "reopened");
                assert!((held..=all).contains(&found.len()));
                if let Some(unknown) = self.unknown.take().filter(|_| found.len() == all) {
                    self.held.push(Held { dot: found.last().copied(), ..unknown });
                }
                assert!(log.past_nodes().is_empty() || self.torn, "nothing was lost");
                // Opening makes sure of all that it finds.
                self.promised = self.held.len();
                self.nodes.insert(log.node());
                self.log = Some(log);
                true
            }
        }
    }

    fn close(&mut self, log: &ChangeLog) {
        match log.close() {
            Ok(()) => self.promised = self.held.len(),
            Err(error) => self.errors.push(error),
        }
        assert_eq!(log.stats().unwrap_err().code(), ErrorCode::Closed);
    }

    /// Opens what the process, or a loss of power, left in `place`, of which at least `least` transactions are there.
    fn check(&self, place: Arc<dyn Storage>, least: usize, what: &str) -> usize {
        let open = |ids: u64| {
            let options = options(self.durability, self.time.clone(), CountingIds::from(ids));
            ChangeLog::open_storage(place.clone(), options).unwrap_or_else(|error| panic!("{what}: {error}"))
        };
        let log = open(5000);
        // Whatever was compressed or compacted until then, and whether or not somebody could still say so.
        assert_eq!(log.stats().unwrap().bytes, segments(&*place).values().sum::<u64>(), "{what}");
        let found = self.find(&log, what);
        assert!(found.len() >= least, "{what}: {} of {least} are left", found.len());
        if found.len() < self.held.len() {
            // Its dots and LSNs may be known elsewhere.
            assert!(
                log.epoch() > 0 && self.nodes.iter().all(|node| log.past_nodes().contains(node)),
                "{what}"
            );
        }
        if self.work.removes {
            self.check_consumer(&log, what);
        }
        // It goes on, over the end of a segment if need be.
        let mut dots = found.clone();
        for number in 100..103 {
            dots.push(log.append_transaction([change(number), change(number + 10)]).unwrap().transaction);
        }
        let (first, last) = bounds(&log);
        log.close().unwrap();
        drop(log);
        let log = open(6000);
        assert_eq!(bounds(&log), (first, last), "{what}");
        let entries = query(&log, QueryOptions { since: first - 1, ..Default::default() });
        let mut more: Vec<Dot> = entries.iter().map(|entry| entry.transaction).collect();
        more.dedup();
        if self.work.removes {
            assert!(more.ends_with(&dots[found.len()..]), "{what}");
        } else {
            assert_eq!(transactions(&log).iter().map(Transaction::dot).collect::<Vec<_>>(), dots, "{what}");
        }
        found.len()
    }

    /// The dots of all transactions that are in the log, or were, in order: a beginning of those that were appended.
    fn find(&self, log: &ChangeLog, what: &str) -> Vec<Dot> {
        let all: Vec<&Held> = self.held.iter().chain(&self.unknown).collect();
        assert_eq!(log.verify().unwrap().findings, [], "{what}");
        if !self.work.removes {
            let found = read_all(log).unwrap_or_else(|error| panic!("{what}: {error}"));
            assert!(found.len() <= all.len(), "{what}: there is more than was ever appended");
            for (held, found) in all.iter().zip(&found) {
                assert!(held.is(found), "{what}: {held:?} became {found:?}");
            }
            return found.iter().map(Transaction::dot).collect();
        }
        let (first, last) = bounds(log);
        let removals = log.removals().unwrap();
        let mut entries =
            query(log, QueryOptions { since: first - 1, ..Default::default() }).into_iter().peekable();
        let (mut lsn, mut dots) = (0, Vec::new());
        for held in all {
            if lsn + held.changes.len() as u64 > last {
                break;
            }
            let mut dot = held.dot;
            for change in &held.changes {
                lsn += 1;
                let Some(entry) = entries.next_if(|entry| entry.lsn == lsn) else {
                    let recorded =
                        removals.iter().any(|removal| (removal.first_lsn..=removal.last_lsn).contains(&lsn));
                    assert!(recorded, "{what}: LSN {lsn} is gone and nobody says why");
                    continue;
                };
                assert_eq!(
                    (&entry.table, &entry.row_id, &entry.after),
                    (&change.table, &change.row_id, &change.after)
                );
                assert_eq!(*dot.get_or_insert(entry.transaction), entry.transaction, "{what}");
            }
            dots.push(dot.unwrap());
        }
        assert_eq!((lsn, entries.next()), (last, None), "{what}");
        dots
    }

    fn last_lsn(&self) -> u64 {
        self.held.iter().map(|held| held.changes.len() as u64).sum()
    }

    fn consume(&mut self, log: &ChangeLog) -> Result<()> {
        let consumer = log.consumer("reader")?;
        let before = consumer.position()?;
        let entries = consumer.poll(8)?;
        let Some(last) = entries.last() else { return Ok(()) };
        // It goes on where it was told that it is, or where a commit may have got to that it was not told of.
        assert!(
            (self.committed.0..=self.committed.1).contains(&before),
            "{before}, not {:?}",
            self.committed
        );
        self.committed.1 = last.lsn;
        consumer.commit(last.lsn)?;
        self.committed.0 = last.lsn;
        // Nothing is handed out before it is durable.
        let mut durable = 0;
        let whole = self.held.iter().take_while(|held| {
            durable += held.changes.len() as u64;
            durable <= last.lsn
        });
        self.promised = self.promised.max(whole.count());
        Ok(())
    }

    fn reset(&mut self, log: &ChangeLog, back: u64) -> Result<()> {
        let consumer = log.consumer("reader")?;
        let before = self.committed;
        for to in [self.committed.1 - back, self.committed.1] {
            self.committed.0 = before.1 - back;
            consumer.reset(to)?;
        }
        self.committed = (before.1, before.1);
        Ok(())
    }

    fn check_consumer(&self, log: &ChangeLog, what: &str) {
        let consumers = log.consumers().unwrap_or_else(|error| panic!("{what}: {error}"));
        let position = consumers.first().map_or(0, |consumer| consumer.position);
        assert!(
            (self.committed.0..=self.committed.1).contains(&position),
            "{what}: {position} {:?}",
            self.committed
        );
        assert!(position <= bounds(log).1, "{what}");
        // Nothing is removed that it has not read.
        assert!(bounds(log).0 <= position + 1, "{what}");
    }
}

fn visit(log: &ChangeLog) -> Result<()> {
    let visitor = log.consumer("visitor")?;
    if let Some(last) = visitor.poll(1).ok().and_then(|entries| entries.last().map(|entry| entry.lsn)) {
        visitor.commit(last)?;
    }
    log.remove_consumer("visitor")
}

/// The segments and how many bytes they take.
fn segments(place: &dyn Storage) -> BTreeMap<String, u64> {
    let names = place.list().unwrap().into_iter().filter(|name| name.ends_with(".segment"));
    names.map(|name| (name.clone(), place.open(&name).unwrap().length().unwrap())).collect()
}

/// The first LSN that is left, or would be, and the last one.
fn bounds(log: &ChangeLog) -> (u64, u64) {
    let stats = log.stats().unwrap();
    let first = if stats.first_lsn == 0 { stats.last_lsn + 1 } else { stats.first_lsn };
    (first, stats.last_lsn)
}

/// What fails, at every change of any file that the work makes.
fn every_point(work: Work, durability: Durability) {
    let clean = Run::new(work, durability, None);
    assert!(clean.errors.is_empty());
    let wanted =
        (work.steps)().iter().filter(|step| matches!(step, Step::Append(_) | Step::Remote(_))).count();
    assert_eq!((clean.held.len(), clean.promised), (wanted, wanted));
    let log = ChangeLog::open_storage(
        Arc::new(clean.storage.after_crash()),
        options(durability, clean.time.clone(), clean.ids.clone()),
    );
    let log = log.unwrap();
    let reasons: BTreeSet<_> = log.removals().unwrap().iter().map(|removal| removal.reason.name()).collect();
    assert_eq!(reasons.len(), if work.removes { 3 } else { 0 }, "{reasons:?}");
    let names = clean.storage.list().unwrap();
    let last = names.iter().filter_map(|name| name.strip_suffix(".segment")).max().unwrap();
    assert!(last.parse::<u64>().unwrap() >= 4, "{last}");
    drop(log);
    // All but the last one are compressed, and nothing else is left of that.
    let compressed = names.iter().filter(|name| name.ends_with(".segment"));
    let compressed = compressed.filter(|name| common::bytes(&clean.storage.after_crash(), name)[10] == 7);
    assert_eq!(compressed.count() + 1, segments(&clean.storage.after_crash()).len());
    assert!(!names.iter().any(|name| name.ends_with(".new")), "{names:?}");
    assert_eq!(
        clean.check(Arc::new(Restarted::new(clean.storage.after_power_loss(0))), wanted, "clean"),
        wanted
    );

    let changes = Run::new(work, durability, None).storage.changes();
    let (mut runs, mut openings) = (0, 0);
    let every_store = durability == Durability::Sync || std::env::var_os("CAUSELOG_EVERY_POINT").is_some();
    for (number, operation) in (1..).zip(&changes) {
        // More than half of all changes are stores into cells, much alike, and the same in every durability.
        if *operation == Operation::Store && !every_store && number % 5 > 0 {
            continue;
        }
        let torn = [0, 1, 9, 60, 1500].map(Mode::Torn);
        let modes: Vec<Mode> = match operation {
            // A store cannot fail.
            Operation::Store => vec![Mode::Crash],
            Operation::Write | Operation::Prepare => {
                let fail = [ErrorCode::Io, ErrorCode::NoSpace].map(Mode::Fail);
                fail.into_iter().chain(torn).chain([Mode::Crash]).collect()
            }
            _ => vec![Mode::Fail(ErrorCode::Io), Mode::Fail(ErrorCode::NoSpace), Mode::Crash],
        };
        for mode in modes {
            let what = format!("{durability:?} {operation:?} {number} {mode:?}");
            let mut run = Run::new(work, durability, Some((number, mode)));
            if let Mode::Fail(code) = mode {
                assert!(run.errors.iter().all(|error| error.code() == code), "{what}: {:?}", run.errors);
                assert_eq!(run.held.len(), wanted, "{what}");
            }
            // The handle that is still there belongs to a process that is not.
            run.log = None;
            run.check(Arc::new(run.storage.after_crash()), run.held.len(), &what);
            // What a loss of power leaves is many things after a write or sync, and few after anything else.
            let seeds = match (operation, mode) {
                (_, Mode::Fail(ErrorCode::NoSpace)) => 0,
                (Operation::Store, _) => u64::from(number % 3 == 0),
                (Operation::Write | Operation::Prepare | Operation::Sync, _) => 2,
                _ => 1,
            };
            for seed in 0..seeds {
                let seed = seed + 2 * number;
                let left = Arc::new(Restarted::new(run.storage.after_power_loss(seed)));
                run.check(left, run.promised, &format!("{what} power lost {seed}"));
                openings += 2;
            }
            openings += 2;
            if !matches!(mode, Mode::Fail(_)) && seeds > 0 {
                // Another process goes on where the first one died, and then power is lost.
                run.storage.restart();
                assert!(run.open(), "{what}: {:?}", run.errors.last());
                assert!(run.attempt(&Step::Append(vec![change(50)])) && run.attempt(&Step::Sync));
                let left = Arc::new(Restarted::new(run.storage.after_power_loss(number)));
                run.check(left, run.promised, &format!("{what} and power lost later"));
                openings += 3;
            }
            runs += 1;
        }
    }
    println!("{durability:?}: {} points, {runs} runs, {openings} openings", changes.len());
}

const GROWS: Work = Work { steps, removes: false };
const IS_TRIMMED: Work = Work { steps: trimming_steps, removes: true };

#[test]
fn every_point_of_a_synced_log() {
    every_point(GROWS, Durability::Sync);
}

#[test]
fn every_point_of_a_log_that_syncs_now_and_then() {
    every_point(GROWS, Durability::Interval);
}

#[test]
fn every_point_of_a_log_that_leaves_it_to_the_operating_system() {
    every_point(GROWS, Durability::Os);
}

#[test]
fn every_point_of_a_synced_log_that_is_consumed_and_trimmed() {
    every_point(IS_TRIMMED, Durability::Sync);
}

#[test]
fn every_point_of_a_log_that_syncs_now_and_then_and_is_consumed_and_trimmed() {
    every_point(IS_TRIMMED, Durability::Interval);
}

#[test]
fn every_point_of_an_unsynced_log_that_is_consumed_and_trimmed() {
    every_point(IS_TRIMMED, Durability::Os);
}
