//! Readers that follow a log while another process, or other threads, write it: each entry once, in order,
//! and no transaction in part.
//!
//! Writer and readers play the same script, so a reader knows of every LSN what must be there.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::expect_used)]

mod common;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use causelog::storage::{MemoryStorage, Storage};
use causelog::{
    Change, ChangeEntry, ChangeLog, ChangeOperation, CompactionOptions, Cursor, Dot, Durability, EntryRef,
    Error, ErrorCode, LogOptions, Moment, QueryOptions, RemovalReason, Result, RetentionPolicy, Row, RowId,
    Transaction, Uuid,
};
use common::faulty::{FaultyStorage, Mode};
use common::process::{Other, as_other, ready};
use common::{CountingIds, Random, at, entries, node, options, query, transactions};

/// Long beyond what anything here takes: who waits longer has missed something.
const PATIENCE: Duration = Duration::from_secs(60);
const ROWS: u64 = 500;
/// The one whose replaced entries are removed.
const COMPACTED: &str = "items";
const TABLES: [&str; 3] = ["orders", "items", "audit"];
/// Nodes that the foreign transactions come from.
const OTHERS: usize = 3;

fn mixed(number: u64) -> u64 {
    Random(number).next()
}

/// The row that the entry with this LSN changes: its table, its number, and what happens to it.
fn row(lsn: u64) -> (&'static str, i64, ChangeOperation) {
    let mixed = mixed(lsn);
    let table = TABLES[(mixed % 3) as usize];
    let operation = ChangeOperation::ALL[(mixed >> 8) as usize % ChangeOperation::ALL.len()];
    (table, ((mixed >> 16) % ROWS) as i64, operation)
}

/// What the entry says of itself: its LSN, its place in its transaction and how many are in that. Of various lengths.
fn payload(lsn: u64, place: u64, count: u64) -> Vec<u8> {
    let mut payload = lsn.to_le_bytes().to_vec();
    payload.extend_from_slice(&(place as u16).to_le_bytes());
    payload.extend_from_slice(&(count as u16).to_le_bytes());
    payload.extend_from_slice(&mixed(!lsn).to_le_bytes()[..(lsn % 8) as usize]);
    payload
}

fn change(lsn: u64, place: u64, count: u64) -> Change {
    let (table, number, operation) = row(lsn);
    let payload = Some(payload(lsn, place, count));
    let deletes = operation == ChangeOperation::Delete;
    let (before, after) = if deletes { (payload, None) } else { (None, payload) };
    Change::new(table, number, operation, before, after)
}

/// A transaction as the script has it.
#[derive(Debug, Clone)]
struct Step {
    /// Of the own node, or of one of the others.
    other: Option<usize>,
    first_lsn: u64,
    count: u64,
    /// Its last sequence.
    sequence: u64,
}

impl Step {
    fn end(&self) -> u64 {
        self.first_lsn + self.count
    }

    fn changes(&self) -> Vec<Change> {
        (0..self.count).map(|place| change(self.first_lsn + place, place, self.count)).collect()
    }
}

/// What is written: the same for all who play it.
#[derive(Debug, Clone)]
struct Script {
    random: Random,
    next_lsn: u64,
    last_lsn: u64,
    own: u64,
    others: [u64; OTHERS],
}

impl Script {
    fn of(entries: u64) -> Script {
        Script { random: Random(entries), next_lsn: 1, last_lsn: entries, own: 0, others: [0; OTHERS] }
    }
}

impl Iterator for Script {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        let left = self.last_lsn + 1 - self.next_lsn;
        if left == 0 {
            return None;
        }
        let most = if self.random.chance(30) { 3 } else { 200 };
        let empty = self.random.chance(5);
        let count = if empty { 0 } else { left.min(1 + self.random.below(most) as u64) };
        let other = self.random.chance(15).then(|| self.random.below(OTHERS));
        let sequence = other.map_or(&mut self.own, |other| &mut self.others[other]);
        *sequence += count.max(1);
        let step = Step { other, first_lsn: self.next_lsn, count, sequence: *sequence };
        self.next_lsn += count;
        Some(step)
    }
}

fn other_node(other: usize) -> Uuid {
    node(50 + other as u64)
}

/// Does one step. Foreign authors have seen their own past, and some of them all that there is.
fn play(log: &ChangeLog, step: &Step, seen: &mut HashMap<Uuid, Dot>) {
    let appended = match step.other {
        None => log.append_transaction(step.changes()).unwrap(),
        Some(other) => {
            let author = other_node(other);
            let all = step.sequence.is_multiple_of(3);
            let dependencies = seen.values().filter(|dot| all || dot.node == author).copied().collect();
            let (sequence, changes) = (step.sequence, step.changes());
            let transaction =
                Transaction { node: author, sequence, dependencies, timestamp: at(500), changes };
            log.append_remote(&transaction).unwrap()
        }
    };
    assert_eq!(appended.first_lsn, (step.count > 0).then_some(step.first_lsn));
    assert_eq!(appended.transaction.sequence, step.sequence);
    seen.insert(appended.transaction.node, appended.transaction);
}

/// Someone who reads on and compares with the script.
struct Reader {
    script: Script,
    /// The last transaction that an entry was read of.
    step: Step,
    own: Uuid,
    last: u64,
    /// Where transactions end.
    bounds: Script,
    bound: u64,
    read: u64,
    /// Whether entries of one table may be missing because later ones of their rows replace them.
    compacted: bool,
    /// Of each row the last entry that was missing, and the last that was there.
    missing: HashMap<(&'static str, i64), u64>,
    found: HashMap<(&'static str, i64), u64>,
}

impl Reader {
    fn new(entries: u64, log: &ChangeLog, compacted: bool) -> Reader {
        Reader {
            script: Script::of(entries),
            step: Step { other: None, first_lsn: 1, count: 0, sequence: 0 },
            own: log.node(),
            last: 0,
            bounds: Script::of(entries),
            bound: 0,
            read: 0,
            compacted,
            missing: HashMap::new(),
            found: HashMap::new(),
        }
    }

    /// Somebody said that this is the last LSN: then a transaction ends there.
    fn check_bound(&mut self, lsn: u64) {
        while self.bound < lsn {
            self.bound = self.bounds.next().expect("the script goes so far").end() - 1;
        }
        assert_eq!(self.bound, lsn, "LSN {lsn} is within a transaction");
    }

    fn skip_to(&mut self, lsn: u64) {
        while self.step.end() <= lsn {
            self.step = self.script.next().expect("the script goes so far");
        }
    }

    /// What was removed as a whole was not missed: reading goes on at `lsn`.
    fn go_on_at(&mut self, lsn: u64) {
        assert!(lsn > self.last + 1, "{lsn} comes no later than {}", self.last + 1);
        self.last = lsn - 1;
    }

    /// What lies before `lsn` and was not read is not there.
    fn miss(&mut self, lsn: u64) {
        for lsn in self.last + 1..lsn {
            let (table, number, _) = row(lsn);
            assert_eq!(table, COMPACTED, "LSN {lsn} is missing");
            self.missing.insert((table, number), lsn);
        }
    }

    fn take(&mut self, entry: &EntryRef<'_>) {
        if self.compacted {
            assert!(entry.lsn > self.last, "{} after {}", entry.lsn, self.last);
            self.miss(entry.lsn);
        } else {
            assert_eq!(entry.lsn, self.last + 1);
        }
        self.last = entry.lsn;
        self.read += 1;
        self.skip_to(entry.lsn);
        let step = &self.step;
        let place = entry.lsn - step.first_lsn;
        let author = step.other.map_or(self.own, other_node);
        assert_eq!(entry.transaction, Dot::new(author, step.sequence), "LSN {}", entry.lsn);
        assert_eq!(entry.dot(), Dot::new(author, step.sequence + 1 - step.count + place));
        let (table, number, operation) = row(entry.lsn);
        assert_eq!((entry.table, entry.operation), (table, operation), "LSN {}", entry.lsn);
        assert_eq!(entry.row_id_bytes(), RowId::from(number).encode());
        let wanted = payload(entry.lsn, place, step.count);
        let deletes = operation == ChangeOperation::Delete;
        let (there, other) = if deletes { (entry.before, entry.after) } else { (entry.after, entry.before) };
        assert_eq!((there, other), (Some(&wanted[..]), None), "LSN {}", entry.lsn);
        if self.compacted {
            self.found.insert((table, number), entry.lsn);
        }
        if entry.lsn.is_multiple_of(4001) {
            let clock = entry.vector_clock().unwrap();
            assert_eq!(clock.get(entry.node), entry.sequence);
        }
    }

    /// Reads what is there up to `until`, where a transaction ends, or else up to the end.
    fn drain(&mut self, log: &ChangeLog, until: Option<u64>) -> Result<()> {
        let mut cursor = log.query(QueryOptions { since: self.last, until, ..QueryOptions::default() })?;
        while let Some(entry) = cursor.next_entry()? {
            self.take(&entry);
        }
        if !self.compacted {
            assert_eq!(self.last + 1, self.step.end(), "the last transaction was not whole");
        }
        if let Some(until) = until {
            assert!(self.compacted || self.last == until);
            self.miss(until + 1);
            self.last = until;
        }
        Ok(())
    }

    /// Follows the log to the end of the script.
    fn follow(&mut self, log: &ChangeLog) {
        while self.last < self.script.last_lsn {
            let end = log.wait(self.last, PATIENCE).unwrap();
            assert!(end > self.last);
            self.check_bound(end);
            let until = (self.compacted || self.last.is_multiple_of(2)).then_some(end);
            let outcome = self.drain(log, until);
            self.survive(outcome);
        }
    }

    /// Goes on after what was removed.
    fn survive(&mut self, outcome: Result<()>) {
        let Err(error) = outcome else { return };
        assert!(self.compacted, "{error}");
        if let Some(first) = first_that_remains(&error) {
            self.go_on_at(first);
        }
    }

    /// All that was missing was replaced by what was there.
    fn check_replaced(&self) {
        for (row, missing) in &self.missing {
            let found = self.found.get(row);
            assert!(found.is_some_and(|found| found > missing), "{row:?}: {missing} and {found:?}");
        }
    }
}

/// What the error of somebody says who asked for what was removed; nothing if the query only has to be made again.
fn first_that_remains(error: &Error) -> Option<u64> {
    assert_eq!(error.code(), ErrorCode::Truncated, "{error}");
    let (_, lsn) = error.message().rsplit_once("the first LSN that remains is ")?;
    Some(lsn.parse().unwrap())
}

fn writer_options(durability: Durability, segment_bytes: u64) -> LogOptions {
    LogOptions { durability, segment_bytes, ..LogOptions::default() }
}

fn open_reader(directory: &Path) -> ChangeLog {
    let options = LogOptions { read_only: true, ..LogOptions::default() };
    ChangeLog::open_with(directory, options).unwrap()
}

/// Follows the log by a consumer, which is made anew now and then and goes on where it was committed.
fn follow_as_consumer(directory: &Path, entries: u64) {
    let mut log = open_reader(directory);
    let mut consumer = log.consumer("follower").unwrap();
    let mut script = Script::of(entries).filter(|step| step.count > 0);
    let (mut last, mut polls) = (0, 0);
    while last < entries {
        let polled = consumer.poll(5_000).unwrap();
        let mut rest = &polled[..];
        while let Some(first) = rest.first() {
            assert_eq!(first.lsn, last + 1);
            let step = script.next().unwrap();
            let (whole, after) = rest.split_at(step.count as usize);
            let author = step.other.map_or(log.node(), other_node);
            assert!(whole.iter().all(|entry| entry.transaction == Dot::new(author, step.sequence)));
            for (entry, change) in whole.iter().zip(step.changes()) {
                last += 1;
                assert_eq!(entry.lsn, last);
                assert_eq!((&entry.before, &entry.after), (&change.before, &change.after));
            }
            rest = after;
        }
        consumer.commit(last).unwrap();
        polls += 1;
        if polls % 20 == 0 {
            log = open_reader(directory);
            consumer = log.consumer("follower").unwrap();
            assert_eq!(consumer.position().unwrap(), last);
        }
        if polled.is_empty() {
            log.wait(last, PATIENCE).unwrap();
        }
    }
    assert_eq!(consumer.lag().unwrap(), 0);
}

/// Plays the script to its end; `between` is called after each step.
fn write(log: &ChangeLog, entries: u64, mut between: impl FnMut(usize)) {
    let mut seen = HashMap::new();
    for (number, step) in Script::of(entries).enumerate() {
        play(log, &step, &mut seen);
        between(number);
    }
    log.close().unwrap();
}

/// A writer process, one who reads on, and a consumer.
fn tail(test: &str, entries: u64, durability: Durability, segment_bytes: u64) {
    if let Some(directory) = as_other() {
        let log = ChangeLog::open_with(directory, writer_options(durability, segment_bytes)).unwrap();
        ready();
        return write(&log, entries, |number| {
            if number % 500 == 499 {
                log.sync().unwrap();
            }
        });
    }
    let directory = tempfile::tempdir().unwrap();
    let mut other = Other::start(test, directory.path());
    other.wait();
    let log = open_reader(directory.path());
    let mut reader = Reader::new(entries, &log, false);
    thread::scope(|scope| {
        scope.spawn(|| follow_as_consumer(directory.path(), entries));
        other.go_on();
        reader.follow(&log);
    });
    other.succeeds();
    assert_eq!(reader.read, entries);
    let stats = log.stats().unwrap();
    let all = Script::of(entries);
    assert_eq!(stats.transactions, all.clone().count() as u64);
    assert_eq!(stats.merges, all.filter(|step| step.count == 0).count() as u64);
    assert_eq!((stats.entries, stats.first_lsn, stats.last_lsn), (entries, 1, entries));
    assert!(stats.segments > 10, "{} segments", stats.segments);
    println!("{entries} entries in {} segments", stats.segments);
}

#[test]
fn a_reader_in_another_process_sees_each_entry_once_and_whole() {
    let test = "a_reader_in_another_process_sees_each_entry_once_and_whole";
    tail(test, 1_000_000, Durability::Os, 512 << 10);
}

#[test]
fn a_reader_in_another_process_sees_what_is_synced() {
    tail("a_reader_in_another_process_sees_what_is_synced", 100_000, Durability::Sync, 128 << 10);
}

/// So far the log goes on before a slow reader does.
const BEHIND: u64 = 30_000;

/// Reads with one cursor after the other, each of which stays open while the log goes on, so that what comes
/// next is removed.
fn follow_slowly(directory: &Path, entries: u64) -> (Reader, u64) {
    let log = open_reader(directory);
    let mut reader = Reader::new(entries, &log, true);
    let mut overtaken = 0;
    while reader.last < entries {
        let end = log.wait(reader.last, PATIENCE).unwrap();
        let mut read_on = || {
            let options = QueryOptions { since: reader.last, until: Some(end), ..QueryOptions::default() };
            let mut cursor = log.query(options)?;
            for _ in 0..2_000 {
                let Some(entry) = cursor.next_entry()? else { break };
                reader.take(&entry);
            }
            log.wait((reader.last + BEHIND).min(entries - 1), PATIENCE)?;
            while let Some(entry) = cursor.next_entry()? {
                reader.take(&entry);
            }
            reader.drain(&log, Some(end))
        };
        let outcome = read_on();
        overtaken += u64::from(outcome.is_err());
        reader.survive(outcome);
    }
    (reader, overtaken)
}

/// Opens the log anew again and again, whatever is being removed, and reads what is there.
fn open_often(directory: &Path, entries: u64, done: &AtomicBool) -> u64 {
    let mut opened = 0;
    while !done.load(Ordering::SeqCst) {
        let log = open_reader(directory);
        let stats = log.stats().unwrap();
        let mut reader = Reader::new(entries, &log, true);
        reader.last = stats.last_lsn.saturating_sub(3_000).max(stats.first_lsn.saturating_sub(1));
        let outcome = reader.drain(&log, Some(stats.last_lsn).filter(|last| *last > 0));
        reader.survive(outcome);
        opened += 1;
    }
    opened
}

/// A consumer that is slow, and loses what may not be kept for it.
fn consume_slowly(directory: &Path, entries: u64) -> u64 {
    let log = open_reader(directory);
    let consumer = log.consumer("slow").unwrap();
    let mut truncated = 0;
    while consumer.position().unwrap() < entries {
        let last = consumer.position().unwrap();
        log.wait((last + BEHIND).min(entries - 1), PATIENCE).unwrap();
        match consumer.poll(2_000) {
            Ok(polled) => {
                assert!(polled[0].lsn > last);
                assert!(polled.windows(2).all(|pair| pair[0].lsn < pair[1].lsn));
                consumer.commit(polled[polled.len() - 1].lsn).unwrap();
            }
            Err(error) => {
                let first = first_that_remains(&error).expect("a consumer holds no query open");
                assert!(first > last + 1);
                truncated += 1;
                consumer.reset(first - 1).unwrap();
            }
        }
    }
    truncated
}

#[test]
fn readers_go_on_while_entries_are_removed() {
    const ENTRIES: u64 = 200_000;
    const KEPT: u64 = 256 << 10;
    let test = "readers_go_on_while_entries_are_removed";
    if let Some(directory) = as_other() {
        let log = ChangeLog::open_with(directory, writer_options(Durability::Os, 64 << 10)).unwrap();
        ready();
        let policy =
            RetentionPolicy { max_bytes: Some(KEPT), unread_bytes: KEPT, ..RetentionPolicy::default() };
        let mut compressed = 0;
        return write(&log, ENTRIES, |number| {
            if number % 50 == 49 {
                log.retain(&policy).unwrap();
            }
            if number % 30 == 29 {
                compressed += log.compress().unwrap().segments;
                assert!(compressed > 0 || number < 200);
            }
            if number % 200 == 199 {
                let tables = vec![COMPACTED.to_owned()];
                log.compact(&CompactionOptions { tables, ..CompactionOptions::default() }).unwrap();
            }
        });
    }
    let directory = tempfile::tempdir().unwrap();
    let mut other = Other::start(test, directory.path());
    other.wait();
    let log = open_reader(directory.path());
    let mut quick = Reader::new(ENTRIES, &log, true);
    let done = AtomicBool::new(false);
    let ((slow, overtaken), opened, truncated) = thread::scope(|scope| {
        let slow = scope.spawn(|| follow_slowly(directory.path(), ENTRIES));
        let opened = scope.spawn(|| open_often(directory.path(), ENTRIES, &done));
        let consumer = scope.spawn(|| consume_slowly(directory.path(), ENTRIES));
        other.go_on();
        quick.follow(&log);
        let slow = slow.join().unwrap();
        done.store(true, Ordering::SeqCst);
        (slow, opened.join().unwrap(), consumer.join().unwrap())
    });
    other.succeeds();
    quick.check_replaced();
    slow.check_replaced();
    // Who has followed all of it knows what somebody knows who comes now.
    assert_eq!(log.stats().unwrap(), open_reader(directory.path()).stats().unwrap());
    let removals = log.removals().unwrap();
    let by = |reason| removals.iter().filter(|removal| removal.reason == reason).count();
    println!(
        "read {} and {} of {ENTRIES}, opened {opened} times; {overtaken} and {truncated} times too late; {} retentions, {} compactions",
        quick.read,
        slow.read,
        by(RemovalReason::Bytes),
        by(RemovalReason::Compaction)
    );
    assert!(by(RemovalReason::Bytes) > 5 && by(RemovalReason::Compaction) > 5);
    assert!(overtaken > 2 && truncated > 2 && opened > 2);
    assert!(log.stats().unwrap().bytes < 3 * KEPT);
}

/// A transaction of one of several threads, every entry of which says which round of which writer it is of, its
/// place in it and how many are in it.
fn round_of(writer: u64, round: u64, count: u64) -> Vec<Change> {
    let payload = |place| format!("{writer} {round} {place} {count}").into_bytes();
    let change = |place| Change::new("t", writer as i64, ChangeOperation::Update, None, Some(payload(place)));
    (0..count).map(change).collect()
}

/// Reads entries one by one, and sees that every writer's rounds come whole and in their order.
#[derive(Default)]
struct Rounds {
    next: BTreeMap<u64, (u64, u64)>,
    left: u64,
    last: u64,
    read: u64,
}

fn parse(after: Option<&[u8]>) -> [u64; 4] {
    let text = std::str::from_utf8(after.unwrap()).unwrap();
    let numbers: Vec<u64> = text.split(' ').map(|number| number.parse().unwrap()).collect();
    numbers.try_into().unwrap()
}

impl Rounds {
    fn take(&mut self, entry: &EntryRef<'_>) {
        assert!(entry.lsn > self.last);
        let [writer, round, place, count] = parse(entry.after);
        let next = self.next.entry(writer).or_default();
        assert_eq!((round, place), *next, "LSN {}", entry.lsn);
        assert!(self.left == 0 || (place > 0 && entry.lsn == self.last + 1), "LSN {}", entry.lsn);
        *next = if place + 1 == count { (round + 1, 0) } else { (round, place + 1) };
        self.left = count - 1 - place;
        self.last = entry.lsn;
        self.read += 1;
    }

    fn of(mut cursor: Cursor) -> Rounds {
        let mut rounds = Rounds::default();
        while let Some(entry) = cursor.next_entry().unwrap() {
            rounds.take(&entry);
        }
        assert_eq!(rounds.left, 0, "the last transaction was not whole");
        rounds
    }
}

fn forwards(log: &ChangeLog) -> u64 {
    let rounds = Rounds::of(log.query(QueryOptions::default()).unwrap());
    assert_eq!(rounds.read, rounds.last);
    rounds.read
}

fn by_row(log: &ChangeLog) -> u64 {
    let rounds = Rounds::of(log.history("t", 2).unwrap());
    assert!(rounds.next.keys().all(|writer| *writer == 2));
    rounds.read
}

fn backwards(log: &ChangeLog) -> u64 {
    let options = QueryOptions { reverse: true, limit: Some(2_000), ..QueryOptions::default() };
    let entries: Vec<ChangeEntry> = log.query(options).unwrap().collect::<Result<_>>().unwrap();
    let [_, _, place, count] = parse(entries[0].after.as_deref());
    assert_eq!(place + 1, count, "the last transaction was not whole");
    assert!(entries.windows(2).all(|pair| pair[0].lsn == pair[1].lsn + 1));
    entries.len() as u64
}

fn the_last_with_clocks(log: &ChangeLog) -> u64 {
    let end = log.stats().unwrap().last_lsn;
    let options = QueryOptions { since: end - 50, until: Some(end), ..QueryOptions::default() };
    let entries: Vec<ChangeEntry> = log.query(options).unwrap().collect::<Result<_>>().unwrap();
    assert_eq!(entries.len(), 50);
    assert!(entries.iter().all(|entry| entry.vector_clock.get(entry.node) == entry.sequence));
    50
}

/// One whose cursor stays open reads what was there when the query was made, and keeps nobody waiting.
#[test]
fn threads_read_while_others_append_and_one_takes_its_time() {
    const WRITERS: u64 = 4;
    const ROUNDS: u64 = 400;
    let directory = tempfile::tempdir().unwrap();
    let log = ChangeLog::open_with(directory.path(), writer_options(Durability::Os, 16 << 10)).unwrap();
    for round in 0..200 {
        log.append_transaction(round_of(9, round, 3)).unwrap();
    }
    let mut slow = log.query(QueryOptions::default()).unwrap();
    assert_eq!(slow.next_entry().unwrap().unwrap().lsn, 1);

    let writing = AtomicU64::new(WRITERS);
    let read = AtomicU64::new(0);
    thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (log, writing) = (&log, &writing);
            scope.spawn(move || {
                let mut random = Random(writer);
                for round in 0..ROUNDS {
                    log.append_transaction(round_of(writer, round, 1 + random.below(20) as u64)).unwrap();
                }
                writing.fetch_sub(1, Ordering::SeqCst);
            });
        }
        for reads in [forwards, backwards, by_row, the_last_with_clocks] {
            let (log, writing, read) = (&log, &writing, &read);
            scope.spawn(move || {
                loop {
                    // Once more after the last append.
                    let last = writing.load(Ordering::SeqCst) == 0;
                    read.fetch_add(reads(log), Ordering::SeqCst);
                    if last {
                        break;
                    }
                }
            });
        }
    });

    let rest: Vec<u64> = slow.map(|entry| entry.unwrap().lsn).collect();
    assert_eq!(rest, (2..=600).collect::<Vec<_>>());
    let stats = log.stats().unwrap();
    assert_eq!(stats.transactions, 200 + WRITERS * ROUNDS);
    assert!(stats.segments > 10, "{} segments", stats.segments);
    println!("{} entries in {} segments, {} read", stats.entries, stats.segments, read.into_inner());
}

fn open_beside(storage: &(impl Storage + Clone + 'static)) -> ChangeLog {
    let options = LogOptions { read_only: true, ..options() };
    ChangeLog::open_storage(Arc::new(storage.clone()), options).unwrap()
}

/// Small segments, and other identities for each who opens the log.
fn opened(storage: &FaultyStorage, durability: Durability, times: u64) -> ChangeLog {
    let ids = CountingIds::from(1000 * (times + 1));
    let options = LogOptions { durability, segment_bytes: 4096, ids, ..options() };
    ChangeLog::open_storage(Arc::new(storage.clone()), options).unwrap()
}

/// Several segments of transactions of this node.
fn fill_segments(log: &ChangeLog) {
    for row in 0..40 {
        log.append_transaction([Change::insert("t", row, vec![b'.'; 300])]).unwrap();
    }
}

/// Somebody beside the writer finds all that the writer does.
#[track_caller]
fn reads_all(reader: &ChangeLog, writer: &ChangeLog) {
    let first = writer.stats().unwrap().first_lsn;
    let since = || QueryOptions { since: first - 1, ..QueryOptions::default() };
    assert_eq!(query(reader, since()), query(writer, since()));
    assert_eq!(reader.epoch(), writer.epoch());
    assert_eq!(reader.frontier().unwrap(), writer.frontier().unwrap());
    assert_eq!(reader.stats().unwrap(), writer.stats().unwrap());
}

/// The process that writes dies, and what it leaves of its last append is cut off by the next one: the log is in another
/// epoch then, while readers are where they were.
#[test]
fn a_reader_goes_along_when_the_log_has_lost_its_end() {
    const LOSSES: u64 = 3;
    for (durability, dies) in Durability::ALL.into_iter().flat_map(|it| [(it, true), (it, false)]) {
        let storage = FaultyStorage::new();
        let mut writer = opened(&storage, durability, 0);
        fill_segments(&writer);
        // One that asks at every turn, one that sleeps until all is lost, and one that sleeps until all is removed.
        let [near, late, far] = [(); 3].map(|()| open_beside(&storage));
        for epoch in 1..=LOSSES {
            reads_all(&near, &writer);
            let last = writer.stats().unwrap().last_lsn;
            if dies {
                storage.fail_at(storage.operations() + 1, Mode::Torn(20));
                assert_eq!(writer.append(Change::insert("t", 99, "torn")).unwrap_err().code(), ErrorCode::Io);
                drop(writer);
                storage.restart();
            } else {
                // In order, but for what something else has left behind the end.
                writer.close().unwrap();
                let names = storage.list().unwrap();
                let name = names.iter().rfind(|name| name.ends_with(".segment")).unwrap();
                let file = storage.open(name).unwrap();
                file.write_at(file.length().unwrap(), &[7; 100]).unwrap();
            }
            // Before anybody has found out, too.
            assert_eq!((near.stats().unwrap().last_lsn, near.epoch()), (last, epoch - 1));
            writer = opened(&storage, durability, epoch);
            assert_eq!((writer.epoch(), writer.stats().unwrap().last_lsn), (epoch, last));
            let segments = writer.stats().unwrap().segments;
            reads_all(&near, &writer);
            fill_segments(&writer);
            assert_eq!(near.wait(last, PATIENCE).unwrap(), last + 40);
            assert_eq!(near.stats().unwrap().segments, writer.stats().unwrap().segments);
            assert!(near.stats().unwrap().segments > segments + 1);
        }
        for reader in [&near, &late] {
            reads_all(reader, &writer);
            assert_eq!(transactions(reader), transactions(&writer));
        }

        // What the writer says of what it removes reaches them as well.
        let policy = RetentionPolicy { max_bytes: Some(10_000), ..RetentionPolicy::default() };
        for _ in 0..2 {
            assert!(!writer.retain(&policy).unwrap().is_empty());
            let first = writer.stats().unwrap().first_lsn;
            for reader in [&near, &late, &far] {
                let error = reader.query(QueryOptions::default()).unwrap_err();
                assert_eq!(first_that_remains(&error), Some(first));
                assert_eq!(reader.removals().unwrap(), writer.removals().unwrap());
                reads_all(reader, &writer);
            }
            fill_segments(&writer);
            [&near, &late, &far].into_iter().for_each(|reader| reads_all(reader, &writer));
        }
        assert_eq!(writer.epoch(), LOSSES);
    }
}

/// How one row stood, or all of them.
type Question = fn(&ChangeLog, Moment) -> Result<Vec<Row>>;

fn one_row(log: &ChangeLog, at: Moment) -> Result<Vec<Row>> {
    Ok(log.state_at("t", 1, at)?.into_iter().collect())
}

fn all_rows(log: &ChangeLog, at: Moment) -> Result<Vec<Row>> {
    Ok(log.snapshot("t", at)?.iter().map(|row| Row::clone(row)).collect())
}

/// Who asks how things stood when entries of that moment are gone is told so, and is not told how things stood by what is left.
#[test]
fn a_reader_hears_of_compaction_with_its_first_question() {
    let storage = MemoryStorage::new();
    let writer_options = LogOptions { segment_bytes: 4096, ..options() };
    let writer = ChangeLog::open_storage(Arc::new(storage.clone()), writer_options).unwrap();
    for number in 0..200 {
        let payload = Some(vec![number as u8; 100]);
        writer.append(Change::new("t", number % 5, ChangeOperation::Update, None, payload)).unwrap();
    }
    let all = entries(&writer);
    let early = [Moment::Lsn(50), Moment::Time(all[49].timestamp), Moment::Lsn(1)];
    let mut readers = Vec::new();
    for (question, at) in [one_row as Question, all_rows].into_iter().flat_map(|it| early.map(|at| (it, at)))
    {
        for has_asked in [false, true] {
            let reader = open_beside(&storage);
            if has_asked {
                // It has at hand what it read.
                assert_eq!(question(&reader, at).unwrap(), question(&writer, at).unwrap());
            }
            readers.push((reader, question, at));
        }
    }
    let [now, then] = [Moment::Now, Moment::Lsn(200)].map(|at| all_rows(&writer, at).unwrap());
    assert_eq!((now.len(), &now), (5, &then));

    assert!(writer.compact(&CompactionOptions::default()).unwrap().unwrap().entries > 100);
    for (reader, question, at) in readers {
        assert_eq!(question(&reader, at).unwrap_err().code(), ErrorCode::Truncated, "{at:?}");
        for at in [Moment::Now, Moment::Lsn(200)] {
            assert_eq!(all_rows(&reader, at).unwrap(), now);
            assert_eq!(one_row(&reader, at).unwrap(), now[1..2]);
        }
    }
}
