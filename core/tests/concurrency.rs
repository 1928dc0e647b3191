//! Threads that append and read one log at once see whole transactions, in one order, without gaps.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::expect_used)]

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use causelog::{
    Change, ChangeEntry, ChangeLog, Dot, Durability, ErrorCode, LogOptions, ManualTime, QueryOptions, Result,
    VectorClock,
};
use common::{Random, at, entries, foreign, in_memory, node, options, options_with, query, transactions};

const WRITERS: u64 = 4;
const ROUNDS: u64 = 150;

/// A transaction whose every change says how many they are, so that a part of one gives itself away.
fn changes(writer: u64, round: u64, count: usize) -> Vec<Change> {
    let change = |_| Change::insert("t", round as i64, format!("{writer} {round} {count}"));
    (0..count).map(change).collect()
}

/// Gap-free, causally closed, every transaction whole.
fn check(entries: &[ChangeEntry], first: u64) {
    let mut by_transaction: BTreeMap<Dot, Vec<&ChangeEntry>> = BTreeMap::new();
    for (entry, lsn) in entries.iter().zip(first..) {
        assert_eq!(entry.lsn, lsn, "LSNs have no gaps");
        by_transaction.entry(entry.transaction).or_default().push(entry);
    }
    for (dot, parts) in by_transaction {
        let text = String::from_utf8(parts[0].after.clone().unwrap()).unwrap();
        let count: usize = text.rsplit_once(' ').unwrap().1.parse().unwrap();
        assert_eq!(parts.len(), count, "part of a transaction was seen");
        assert_eq!(parts[count - 1].dot(), dot);
        assert!(
            parts.iter().all(|part| part.after == parts[0].after && part.timestamp == parts[0].timestamp)
        );
        assert!(parts.windows(2).all(|pair| pair[1].lsn == pair[0].lsn + 1));
    }
}

fn work(log: &ChangeLog) {
    let done = AtomicBool::new(false);
    let acknowledged = AtomicU64::new(0);
    thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let acknowledged = &acknowledged;
                scope.spawn(move || {
                    let mut random = Random(writer);
                    for round in 0..ROUNDS {
                        let count = 1 + random.below(4);
                        let appended = if writer == 0 {
                            // One writer brings another node's transactions, twice each.
                            let sequence = transactions_of(log, node(50)) + count as u64;
                            let previous = (sequence > count as u64)
                                .then(|| Dot::new(node(50), sequence - count as u64));
                            let mut transaction = foreign(node(50), sequence, previous.as_slice(), 0);
                            transaction.changes = changes(writer, round, count);
                            let appended = log.append_remote(&transaction).unwrap();
                            let again = log.append_remote(&transaction).unwrap();
                            assert!(again.duplicate && !appended.duplicate);
                            assert_eq!(again.first_lsn, appended.first_lsn);
                            appended
                        } else {
                            log.append_transaction(changes(writer, round, count)).unwrap()
                        };
                        let (first, last) = (appended.first_lsn.unwrap(), appended.last_lsn.unwrap());
                        assert_eq!(last - first + 1, count as u64);
                        acknowledged.fetch_max(last, Ordering::SeqCst);
                        // What was acknowledged is there to be read.
                        let options =
                            QueryOptions { since: first - 1, until: Some(last), ..Default::default() };
                        let own = query(log, options);
                        assert_eq!(own.len(), count);
                        assert!(own.iter().all(|entry| entry.transaction == appended.transaction));
                        assert_eq!(
                            log.vector_clock(appended.transaction).unwrap(),
                            own[count - 1].vector_clock
                        );
                    }
                })
            })
            .collect();
        for reader in 0..2u64 {
            let (done, acknowledged) = (&done, &acknowledged);
            scope.spawn(move || {
                let mut random = Random(100 + reader);
                let mut rounds = 0;
                let mut seen_last = 0;
                while !done.load(Ordering::SeqCst) || rounds == 0 {
                    rounds += 1;
                    let promised = acknowledged.load(Ordering::SeqCst);
                    let reverse = random.chance(50);
                    let cursor = log.query(QueryOptions { reverse, ..Default::default() }).unwrap();
                    if random.chance(30) {
                        thread::yield_now();
                    }
                    let mut entries = cursor.collect::<Result<Vec<_>>>().unwrap();
                    if reverse {
                        entries.reverse();
                    }
                    check(&entries, 1);
                    let last = entries.len() as u64;
                    assert!(last >= promised, "{last} of {promised} acknowledged are visible");
                    assert!(last >= seen_last, "what was seen stays");
                    seen_last = last;
                    let stats = log.stats().unwrap();
                    assert!(stats.last_lsn >= last && stats.entries == stats.last_lsn);
                    let frontier = log.frontier().unwrap();
                    assert!(entries.iter().all(|entry| frontier.covers(entry.dot())));
                }
            });
        }
        // Also when a writer has failed: readers that go on forever would hide it.
        let outcomes: Vec<_> = writers.into_iter().map(|writer| writer.join()).collect();
        done.store(true, Ordering::SeqCst);
        outcomes.into_iter().for_each(|outcome| outcome.unwrap());
    });

    let all = entries(log);
    check(&all, 1);
    assert_eq!(log.stats().unwrap().transactions, WRITERS * ROUNDS);
    // Own sequences have no gaps, and time and clocks grow along the log.
    let own: Vec<&ChangeEntry> = all.iter().filter(|entry| entry.node == log.node()).collect();
    assert!(own.iter().zip(1..).all(|(entry, sequence)| entry.sequence == sequence));
    for pair in own.windows(2) {
        assert!(pair[0].happens_before(pair[1]));
        assert!(pair[0].timestamp < pair[1].timestamp || pair[0].transaction == pair[1].transaction);
    }
    // An author has seen all that lay before its own change in its log.
    for entry in own.iter().step_by(37) {
        let before = all.iter().take(entry.lsn as usize);
        assert!(before.into_iter().all(|earlier| entry.vector_clock.covers(earlier.dot())));
    }
}

fn transactions_of(log: &ChangeLog, node: causelog::Uuid) -> u64 {
    log.frontier().unwrap().get(node)
}

#[test]
fn in_memory_threads_write_and_read_at_once() {
    work(&in_memory(node(1)));
}

#[test]
fn in_a_directory_threads_write_and_read_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let open = || {
        ChangeLog::open_with(directory.path(), LogOptions { durability: Durability::Os, ..options() })
            .unwrap()
    };
    let log = open();
    work(&log);
    let written = entries(&log);
    drop(log);
    assert_eq!(entries(&open()), written);
}

/// A cursor sees the log as it was when it was asked for, whatever is appended since.
#[test]
fn a_cursor_sees_a_snapshot() {
    let log = in_memory(node(1));
    for round in 0..10 {
        log.append_transaction(changes(1, round, 3)).unwrap();
    }
    let queries =
        || [false, true].map(|reverse| log.query(QueryOptions { reverse, ..Default::default() }).unwrap());
    let [mut forwards, mut backwards] = queries();
    let table = log.query(QueryOptions::table("new")).unwrap();
    let mut whole = log.transactions(&VectorClock::new()).unwrap();
    let mut lsns = (Vec::new(), Vec::new());
    let mut sequences = Vec::new();
    for round in 10..60 {
        log.append_transaction(changes(1, round, 2)).unwrap();
        log.append(Change::insert("new", 1, "1 1 1")).unwrap();
        lsns.0.extend(forwards.next().map(|entry| entry.unwrap().lsn));
        lsns.1.extend(backwards.next().map(|entry| entry.unwrap().lsn));
        sequences.extend(whole.next().map(|transaction| transaction.unwrap().sequence));
    }
    assert_eq!(lsns.0, (1..=30).collect::<Vec<_>>());
    assert_eq!(lsns.1, (1..=30).rev().collect::<Vec<_>>());
    assert_eq!(sequences, (1..=10).map(|number| number * 3).collect::<Vec<_>>());
    assert_eq!(table.count(), 0);
    assert_eq!(queries().map(Iterator::count), [180, 180]);
}

/// Several threads bring the same transactions: each is written once.
#[test]
fn the_same_transactions_from_many_sides_are_written_once() {
    let source = in_memory(node(1));
    for round in 0..100 {
        source.append_transaction(changes(1, round, 1 + round as usize % 3)).unwrap();
    }
    let all = transactions(&source);
    let log = in_memory(node(2));
    let written = AtomicU64::new(0);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for transaction in &all {
                    if !log.append_remote(transaction).unwrap().duplicate {
                        written.fetch_add(1, Ordering::SeqCst);
                    }
                }
            });
        }
    });
    assert_eq!(written.into_inner(), 100);
    assert_eq!(transactions(&log), all);
}

/// Closing while others read and write: they get whole answers, and then `CLOSED`.
#[test]
fn closing_meets_readers_and_writers() {
    for _ in 0..20 {
        let log = in_memory(node(1));
        log.append_transaction(changes(1, 0, 3)).unwrap();
        thread::scope(|scope| {
            let outcomes: Vec<_> = (0..4u64)
                .map(|worker| {
                    let log = &log;
                    scope.spawn(move || {
                        for round in 0.. {
                            let outcome = if worker % 2 == 0 {
                                log.append_transaction(changes(worker, round, 2)).map(drop)
                            } else {
                                let read = log.query(QueryOptions::default());
                                read.and_then(|cursor| cursor.collect::<Result<Vec<_>>>())
                                    .map(|entries| check(&entries, 1))
                            };
                            if let Err(error) = outcome {
                                return error.code();
                            }
                        }
                        unreachable!()
                    })
                })
                .collect();
            thread::sleep(std::time::Duration::from_millis(3));
            log.close().unwrap();
            for outcome in outcomes {
                assert_eq!(outcome.join().unwrap(), ErrorCode::Closed);
            }
        });
    }
}

/// Waits for the entry after `lsn` while another thread appends one after the other, of which each wakes who waits,
/// and moves the log's time by so many nanoseconds with each.
fn wait_woken(lsn: u64, timeout: Duration, advance: i64) -> Result<u64> {
    let time = Arc::new(ManualTime::new(at(0)));
    let log = ChangeLog::in_memory(options_with(time.clone())).unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..3000 {
                if done.load(Ordering::SeqCst) {
                    return;
                }
                log.append(Change::insert("t", 1, "")).unwrap();
                time.advance(advance).unwrap();
                thread::sleep(Duration::from_millis(10));
            }
            log.close().unwrap();
        });
        let outcome = log.wait(lsn, timeout);
        done.store(true, Ordering::SeqCst);
        outcome
    })
}

#[test]
fn a_wait_ends_in_time_though_the_logs_time_stands_still() {
    let error = wait_woken(u64::MAX, Duration::from_millis(200), 0).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Timeout, "{error}");
}

#[test]
fn a_wait_goes_on_though_the_logs_time_jumps() {
    let day = 24 * 3600 * 1_000_000_000;
    assert!(wait_woken(20, Duration::from_secs(3600), day).unwrap() > 20);
    assert!(wait_woken(2, Duration::MAX, -day).unwrap() > 2);
}
