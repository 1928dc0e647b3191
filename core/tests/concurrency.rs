//! Threads that append and read one log at once see whole transactions, in one order, without gaps.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::expect_used)]

mod common;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use causelog::{
    Change, ChangeEntry, ChangeLog, CompactionOptions, Dot, Durability, ErrorCode, LogOptions, ManualTime,
    Moment, QueryOptions, Result, RetentionPolicy, Snapshot, VectorClock,
};
use common::gate::{Gated, TOO_LONG};
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

fn gated_log(place: &Gated) -> ChangeLog {
    let options = LogOptions { time: place.time.clone(), segment_bytes: 4096, ..options() };
    ChangeLog::open_storage(Arc::new(place.clone()), options).unwrap()
}

/// A panic closes the handle while another thread is still writing. Until that one is done the place stays locked:
/// the next writer would find half of it, cut it off, and then be written over.
#[test]
fn the_lock_is_kept_while_somebody_still_writes() {
    let place = Gated::default();
    let log = gated_log(&place);
    // Without the gates, so that a writer that should not get in does not stand at them.
    let open = || ChangeLog::open_storage(Arc::new(place.memory.clone()), options());
    let insert = |row: i64| log.append(Change::insert("t", row, "1 1 1"));
    insert(1).unwrap();
    let (say, told) = mpsc::channel();
    thread::scope(|scope| {
        let came = place.syncs.came();
        let shut = place.syncs.shut();
        let leads = scope.spawn(|| insert(2).map_err(|error| error.code()));
        place.syncs.wait_after(came);
        // Another waits for the first one's sync. It asks for the time with the writer's lock held, and lets go of
        // that only when it waits.
        let came = place.time.came();
        scope.spawn(|| say.send(insert(3).map_err(|error| error.code())));
        place.time.wait_after(came);
        place.time.set_breaks(true);
        assert!(catch_unwind(AssertUnwindSafe(|| insert(4))).is_err());
        place.time.set_breaks(false);

        assert_eq!(insert(5).unwrap_err().code(), ErrorCode::Closed);
        assert_eq!(told.recv_timeout(TOO_LONG).unwrap(), Err(ErrorCode::Closed), "it is told at once");
        assert!(!leads.is_finished());
        assert_eq!(open().unwrap_err().code(), ErrorCode::Locked);
        log.close().unwrap();
        assert_eq!(open().unwrap_err().code(), ErrorCode::Locked, "closing again changes nothing");
        drop(shut);
        assert_eq!(leads.join().unwrap(), Err(ErrorCode::Closed), "nothing is promised any more");
    });

    // Though the handle is still there. What was written is whole; nobody was told that it is there.
    let again = open().unwrap();
    again.verify().unwrap().check().unwrap();
    let rows = entries(&again).len() as u64;
    assert!([1, 2].contains(&rows), "{rows}");
    assert_eq!(again.append(Change::insert("t", 6, "1 1 1")).unwrap().first_lsn, Some(rows + 1));
    assert_eq!(insert(7).unwrap_err().code(), ErrorCode::Closed);
}

/// Runs `write` beside several of `read`, each told which it is, again and again until that is done.
fn beside(write: impl FnOnce(), readers: u64, read: impl Fn(u64, &mut dyn FnMut() -> bool) + Sync) {
    struct Done<'a>(&'a AtomicBool);

    // Also when the writer has failed: readers that go on forever would hide it.
    impl Drop for Done<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
        }
    }

    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for reader in 0..readers {
            let (done, read) = (&done, &read);
            scope.spawn(move || {
                let mut rounds = 0;
                read(reader, &mut || {
                    rounds += 1;
                    rounds == 1 || !done.load(Ordering::SeqCst)
                });
            });
        }
        let _done = Done(&done);
        write();
    });
}

/// Rows of the table that is compacted; two and two have the same number at any time.
const ROWS: i64 = 40;

/// The numbers of all pairs, which must all be there.
fn pairs(snapshot: &Snapshot) -> Vec<u64> {
    let number = |row: i64| {
        let row = snapshot.get(&row.into()).unwrap_or_else(|| panic!("{snapshot:?} lacks row {row}"));
        String::from_utf8(row.value.clone().unwrap()).unwrap().parse::<u64>().unwrap()
    };
    assert_eq!(snapshot.len() as i64, ROWS, "{snapshot:?}");
    let both = (0..ROWS).step_by(2).map(|row| (number(row), number(row + 1)));
    both.inspect(|pair| assert_eq!(pair.0, pair.1, "{snapshot:?}")).map(|pair| pair.0).collect()
}

fn segmented() -> ChangeLog {
    let (durability, segment_bytes) = (Durability::Os, 4096);
    ChangeLog::in_memory(LogOptions { durability, segment_bytes, node: Some(node(1)), ..options() }).unwrap()
}

/// Compaction takes an entry for the sake of a later one: whoever reads meanwhile must not come too late for the one
/// and too early for the other.
#[test]
fn who_reads_while_compaction_removes_sees_whole_tables() {
    // Several logs, for of a long one most is left alone.
    for seed in 0..8 {
        let log = segmented();
        let rows: Vec<Change> = (0..ROWS).map(|row| Change::insert("t", row, "0")).collect();
        log.append_transaction(rows).unwrap();
        let view = log.materialise("t").unwrap();
        let appended: Vec<AtomicU64> = (0..ROWS / 2).map(|_| AtomicU64::new(0)).collect();
        let mut removed = 0;
        let write = || {
            let mut random = Random(seed);
            for number in 1..=300 {
                let pair = random.below(appended.len());
                let update = |row: usize| Change::update("t", row as i64, "", format!("{number:0>80}"));
                log.append_transaction([update(2 * pair), update(2 * pair + 1)]).unwrap();
                appended[pair].store(number, Ordering::SeqCst);
                if random.chance(20) {
                    let known = vec![log.frontier().unwrap()];
                    let removal = log.compact(&CompactionOptions { known, ..Default::default() }).unwrap();
                    removed += removal.map_or(0, |removal| removal.entries);
                }
            }
        };
        beside(write, 4, |reader, goes_on| {
            while goes_on() {
                let least: Vec<u64> = appended.iter().map(|number| number.load(Ordering::SeqCst)).collect();
                let now = match reader {
                    0 => log.snapshot("t", Moment::Now).unwrap(),
                    1 => {
                        view.refresh().unwrap();
                        view.snapshot()
                    }
                    _ => {
                        log.verify().unwrap().check().unwrap();
                        continue;
                    }
                };
                let numbers = pairs(&now);
                let is_there = numbers.iter().zip(&least).all(|(number, least)| number >= least);
                assert!(is_there, "{least:?} were appended, and there is {numbers:?}");
            }
        });
        assert!(removed > 100, "{removed}");
        view.refresh().unwrap();
        assert_eq!(view.snapshot(), log.snapshot("t", Moment::Now).unwrap());
    }
}

/// What comes of an answer that retention may have overtaken: whether it came to its end, unless it said `TRUNCATED`.
fn came_to_its_end<T>(items: Result<impl Iterator<Item = Result<T>>>, mut take: impl FnMut(T)) -> bool {
    let outcome = items.and_then(|mut items| items.try_for_each(|item| item.map(&mut take)));
    match outcome {
        Err(error) => {
            assert_eq!(error.code(), ErrorCode::Truncated, "{error}");
            false
        }
        Ok(()) => true,
    }
}

/// Retention takes the beginning: whoever reads meanwhile is told so, or has missed nothing.
#[test]
fn who_reads_while_retention_removes_is_told_or_misses_nothing() {
    let log = segmented();
    let policy = RetentionPolicy { max_bytes: Some(3 * 4096), ..Default::default() };
    let insert = |row: i64| Change::insert("t", row, vec![b'x'; 1500]);
    let write = || {
        for row in 0..3000 {
            log.append(insert(row)).unwrap();
            let sequence = row as u64 + 1;
            let previous = (row > 0).then(|| Dot::new(node(2), sequence - 1));
            log.append_remote(&foreign(node(2), sequence, previous.as_slice(), 1)).unwrap();
            log.retain(&policy).unwrap();
        }
    };
    let (whole, short) = (AtomicU64::new(0), AtomicU64::new(0));
    let count = |ended: bool| {
        if ended { &whole } else { &short }.fetch_add(1, Ordering::SeqCst);
    };
    beside(write, 2, |reader, goes_on| {
        let mut random = Random(reader);
        let mut clocks = vec![VectorClock::new()];
        while goes_on() {
            let stats = log.stats().unwrap();
            let since = if random.chance(5) { 0 } else { stats.first_lsn.max(1) - 1 };
            let mut tries = 0..100;
            // The same until it is overtaken, so that one of them is on its way just then.
            while reader == 0 && tries.next().is_some() {
                let limit = random.chance(98).then_some(1);
                let mut next = since + 1;
                let cursor = log.query(QueryOptions { since, limit, ..Default::default() });
                let ended = came_to_its_end(cursor, |entry| {
                    assert_eq!(entry.lsn, next, "of the entries after {since}");
                    next += 1;
                });
                let last = limit.map_or(stats.last_lsn, |limit| stats.last_lsn.min(since + limit));
                assert!(!ended || next > last, "{next} of {last} after {since}");
                count(ended);
                if !ended {
                    break;
                }
            }
            if reader == 1 {
                let frontier = log.frontier().unwrap();
                let seen = random.pick(&clocks[clocks.len().saturating_sub(4)..]).clone();
                let seen = if random.chance(5) { VectorClock::new() } else { seen };
                let mut clock = seen.clone();
                let ended = came_to_its_end(log.transactions(&seen), |transaction| {
                    let first = transaction.first_sequence().unwrap();
                    assert_eq!(first, clock.get(transaction.node) + 1, "of what {seen} lacks");
                    clock.advance(transaction.node, transaction.sequence);
                });
                let covered = frontier.iter().all(|(node, sequence)| clock.get(node) >= sequence);
                assert!(!ended || covered, "{clock} after {seen}, {frontier} was there");
                count(ended);
                clocks.push(if ended { clock } else { frontier });
            }
        }
    });
    // Both happened, or nothing was tried.
    let (whole, short) = (whole.into_inner(), short.into_inner());
    assert!(whole > 10 && short > 10, "{whole} {short}");
    assert!(log.stats().unwrap().first_lsn > 5000);
}

/// Closing wakes who waits, wherever on their way to sleep it meets them.
#[test]
fn closing_wakes_who_waits_however_the_two_meet() {
    let waiters = 12;
    for round in 0..40 {
        let place = Gated::default();
        let log = gated_log(&place);
        for row in 0..3 {
            log.append(Change::insert("t", row, vec![b'x'; 4096])).unwrap();
        }
        let panics = round % 2 == 0;
        let coming = AtomicU64::new(0);
        let all_outcomes = thread::scope(|scope| {
            // What is shown is locked while the store waits: it holds up the first who waits where that one has looked whether
            // the log is open and is not asleep, and that one the others where they have looked and want to look again.
            let came = place.stores.came();
            let shut = place.stores.shut();
            let closes = scope.spawn(|| {
                let all = RetentionPolicy { max_bytes: Some(0), ..Default::default() };
                let retained = catch_unwind(AssertUnwindSafe(|| log.retain(&all)));
                assert_eq!(retained.is_err(), panics);
                // The panic comes to the first before it sleeps; this comes when some of them do.
                log.close().unwrap();
            });
            place.stores.wait_after(came);
            let all: Vec<_> = (0..waiters)
                .map(|_| {
                    scope.spawn(|| {
                        coming.fetch_add(1, Ordering::SeqCst);
                        log.wait(u64::MAX, TOO_LONG)
                    })
                })
                .collect();
            while coming.load(Ordering::SeqCst) < waiters {
                thread::yield_now();
            }
            thread::sleep(Duration::from_millis(1));
            place.stores.set_breaks(panics);
            drop(shut);
            closes.join().unwrap();
            all.into_iter().map(|wait| wait.join().unwrap()).collect::<Vec<_>>()
        });
        for outcome in all_outcomes {
            // Who was not woken has waited for too long.
            assert_eq!(outcome.unwrap_err().code(), ErrorCode::Closed, "round {round}");
        }
    }
}
