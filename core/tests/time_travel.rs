//! How rows stood: histories, states, snapshots and views against a model that plays the entries one by one.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::expect_used)]

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use causelog::{
    Change, ChangeEntry, ChangeLog, ChangeOperation, ErrorCode, LogOptions, ManualTime, Moment, QueryOptions,
    Result, Row, RowId, Snapshot, Timestamp, Transaction, Uuid, View,
};
use common::faulty::{Fault, FaultyStorage, Operation};
use common::{Random, at, entries, in_memory, node, options, options_with, with_seeds};

type Table = BTreeMap<RowId, Row>;

/// What rows are after some entries, played one by one. Nobody has judged these logs' entries
/// otherwise than by applying them, so the verdicts do not matter here.
#[derive(Default)]
struct Model(BTreeMap<String, Table>);

impl Model {
    fn of<'a>(entries: impl Iterator<Item = &'a ChangeEntry>) -> Model {
        let mut model = Model::default();
        entries.for_each(|entry| model.play(entry));
        model
    }

    fn play(&mut self, entry: &ChangeEntry) {
        let table = self.0.entry(entry.table.clone()).or_default();
        if entry.operation == ChangeOperation::Delete {
            table.remove(&entry.row_id);
            return;
        }
        let row = Row {
            row_id: entry.row_id.clone(),
            value: entry.after.clone(),
            lsn: entry.lsn,
            timestamp: entry.timestamp,
            dot: entry.dot(),
        };
        table.insert(entry.row_id.clone(), row);
    }

    fn row(&self, table: &str, row_id: &RowId) -> Option<&Row> {
        self.0.get(table)?.get(row_id)
    }

    fn rows(&self, table: &str) -> impl Iterator<Item = &Row> {
        self.0.get(table).into_iter().flatten().map(|(_, row)| row)
    }
}

/// Whether the snapshot is what the model says, by every way of looking at it.
#[track_caller]
fn check_snapshot(snapshot: &Snapshot, model: &Model, table: &str, lsn: u64) {
    assert_eq!((snapshot.table(), snapshot.lsn()), (table, lsn));
    assert!(snapshot.iter().map(|row| &**row).eq(model.rows(table)), "{table} at LSN {lsn}");
    assert_eq!(snapshot.len(), model.rows(table).count());
    assert_eq!(snapshot.iter().len(), snapshot.len());
    assert_eq!(snapshot.is_empty(), model.rows(table).next().is_none());
    assert!(snapshot.iter().all(|row| snapshot.get(&row.row_id) == Some(row)));
}

#[track_caller]
fn check_view(view: &View, model: &Model, lsn: u64) {
    check_snapshot(&view.snapshot(), model, view.table(), lsn);
    assert_eq!(view.lsn(), lsn);
    assert!(view.iter().map(|row| (*row).clone()).eq(model.rows(view.table()).cloned()));
    assert_eq!((view.len(), view.is_empty()), (view.iter().len(), view.iter().len() == 0));
}

fn lsns(log: &ChangeLog, table: &str, row_id: &RowId) -> Vec<u64> {
    let history = log.history(table, row_id.clone()).unwrap();
    history.map(|entry| entry.map(|entry| entry.lsn)).collect::<Result<_>>().unwrap()
}

#[test]
fn at_every_lsn_of_a_real_history() {
    let Some(transactions) = common::history::riak_kv() else { return };
    let time = Arc::new(ManualTime::new("2100-01-01T00:00:00Z".parse().unwrap()));
    // Over many segments, so that most of it is looked up in indexes.
    let log = ChangeLog::in_memory(LogOptions { segment_bytes: 16 * 1024, ..options_with(time) }).unwrap();
    let mut tables: Vec<&str> =
        transactions.iter().flat_map(|t| &t.changes).map(|change| change.table.as_str()).collect();
    tables.sort_unstable();
    tables.dedup();
    let views: BTreeMap<&str, View> =
        tables.iter().map(|table| (*table, log.materialise(table).unwrap())).collect();

    let mut random = Random(1);
    let mut model = Model::default();
    let mut histories: BTreeMap<(String, RowId), Vec<u64>> = BTreeMap::new();
    let mut rows: Vec<(String, RowId)> = Vec::new();
    let mut compared = 0;
    for (number, transaction) in transactions.iter().enumerate() {
        let appended = log.append_remote(transaction).unwrap();
        for (place, change) in transaction.changes.iter().enumerate() {
            let lsn = appended.first_lsn.unwrap() + place as u64;
            let sequence = transaction.first_sequence().unwrap() + place as u64;
            model.play(&ChangeEntry {
                lsn,
                node: transaction.node,
                sequence,
                vector_clock: Default::default(),
                timestamp: transaction.timestamp,
                transaction: transaction.dot(),
                table: change.table.clone(),
                row_id: change.row_id.clone(),
                operation: change.operation,
                before: None,
                after: change.after.clone(),
                verdict: None,
                metadata: Default::default(),
            });
            let row = (change.table.clone(), change.row_id.clone());
            let history = histories.entry(row.clone()).or_default();
            if history.is_empty() {
                rows.push(row.clone());
            }
            history.push(lsn);

            let other = random.pick(&rows);
            for (table, row_id) in std::iter::once(&row).chain([other]) {
                let state = log.state_at(table, row_id.clone(), Moment::Lsn(lsn)).unwrap();
                assert_eq!(state.as_ref(), model.row(table, row_id), "{table} {row_id} at LSN {lsn}");
            }
            // Of the table that has changed there is one at every LSN below.
            if lsn.is_multiple_of(10) {
                let table = random.pick(&tables);
                check_snapshot(&log.snapshot(table, Moment::Lsn(lsn)).unwrap(), &model, table, lsn);
            }
            compared += 1;
        }

        // A view is refreshed whenever its table has changed, so at most one transaction behind.
        let lsn = appended.last_lsn;
        for (table, view) in &views {
            let changed: Vec<_> = transaction.changes.iter().filter(|c| c.table == *table).collect();
            if changed.is_empty() && !number.is_multiple_of(50) {
                continue;
            }
            assert_eq!(view.refresh().unwrap(), changed.len() as u64);
            assert!(lsn.is_none_or(|lsn| view.lsn() == lsn));
            assert_eq!(view.len(), model.rows(table).count());
            for change in changed {
                let row = view.get(&change.row_id);
                assert_eq!(row.as_deref(), model.row(table, &change.row_id), "{table} {}", change.row_id);
            }
        }
    }
    assert_eq!((rows.len(), compared), (306, 6305));

    let entries = entries(&log);
    let last = entries.len() as u64;
    for (table, view) in &views {
        assert_eq!(view.refresh().unwrap(), 0);
        check_view(view, &model, last);
        assert_eq!(view.snapshot(), log.snapshot(table, Moment::Now).unwrap());
        assert_eq!(view.snapshot(), log.snapshot(table, Moment::Lsn(last)).unwrap());
    }
    for ((table, row_id), wanted) in &histories {
        assert_eq!(lsns(&log, table, row_id), *wanted);
    }

    // All of it once more, looked back at from the end.
    assert!(log.stats().unwrap().segments > 10);
    let mut model = Model::default();
    let mut compared = 0;
    for entry in &entries {
        model.play(entry);
        let (table, row_id, lsn) = (&entry.table, &entry.row_id, entry.lsn);
        let state = log.state_at(table, row_id.clone(), Moment::Lsn(lsn)).unwrap();
        assert_eq!(state.as_ref(), model.row(table, row_id), "{table} {row_id} at LSN {lsn}");
        check_snapshot(&log.snapshot(table, Moment::Lsn(lsn)).unwrap(), &model, table, lsn);
        let until = QueryOptions { until: Some(lsn), ..QueryOptions::row(table, row_id.clone()) };
        let found: Vec<u64> = common::query(&log, until).iter().map(|entry| entry.lsn).collect();
        let whole = &histories[&(table.clone(), row_id.clone())];
        assert_eq!(
            found,
            whole[..whole.partition_point(|it| *it <= lsn)],
            "{table} {row_id} up to LSN {lsn}"
        );
        compared += 1;
    }
    assert_eq!(compared, 6305);

    // People's clocks run backwards, so what counts at a time is no prefix of the log.
    let mut cut = 0;
    for _ in 0..8 {
        let time = random.pick(&entries).timestamp;
        let counted = |entry: &&ChangeEntry| entry.timestamp <= time;
        cut += usize::from(!entries.is_sorted_by_key(|entry| entry.timestamp > time));
        let model = Model::of(entries.iter().filter(counted));
        let table = random.pick(&tables);
        check_snapshot(&log.snapshot(table, time.into()).unwrap(), &model, table, last);
        for _ in 0..10 {
            let (table, row_id) = random.pick(&rows);
            let state = log.state_at(table, row_id.clone(), time.into()).unwrap();
            assert_eq!(state.as_ref(), model.row(table, row_id), "{table} {row_id} at {time}");
        }
    }
    assert!(cut > 0, "the times picked are all of those that cut the log in two");
}

const TABLES: [&str; 3] = ["a", "b", "c"];

fn random_row_id(random: &mut Random) -> RowId {
    match random.below(4) {
        0 => RowId::from(random.below(3) as i64 - 1),
        1 => RowId::from(["", "x", "xy"][random.below(3)]),
        2 => RowId::from(vec![0u8; random.below(2)]),
        _ => RowId::tuple([1.into(), Uuid::from_u128(random.below(2) as u128).into()]).unwrap(),
    }
}

fn random_change(random: &mut Random) -> Change {
    let operation = *random.pick(&ChangeOperation::ALL);
    let image = |random: &mut Random| {
        let length = random.below(4);
        (random.chance(80)).then(|| vec![b'0' + length as u8; length])
    };
    let after = image(random).filter(|_| operation != ChangeOperation::Delete);
    Change::new(*random.pick(&TABLES[..2]), random_row_id(random), operation, None, after)
}

/// Appends one transaction, of this node or another, of up to four changes.
fn append(random: &mut Random, log: &ChangeLog, time: &ManualTime) {
    let changes: Vec<Change> = (0..random.below(5)).map(|_| random_change(random)).collect();
    if random.chance(60) {
        time.set(at(1_000_000 + random.below(40) as i64));
        log.append_transaction(changes).unwrap();
        return;
    }
    let author = node(random.below(3) as u64);
    let known = log.frontier().unwrap().get(author);
    let own = (known > 0).then(|| causelog::Dot::new(author, known));
    let foreign = Transaction {
        node: author,
        sequence: known + changes.len().max(1) as u64,
        dependencies: own.into_iter().collect(),
        // Early or late, and often one that another has.
        timestamp: at(1_000_000 + random.below(60) as i64),
        changes,
    };
    log.append_remote(&foreign).unwrap();
}

#[test]
fn random_logs_at_every_moment() {
    with_seeds(40, |mut random| {
        let time = Arc::new(ManualTime::new(at(1_000_000)));
        let log_options = LogOptions { node: Some(node(9)), ..options_with(time.clone()) };
        let log = ChangeLog::in_memory(log_options).unwrap();
        for _ in 0..random.below(25) {
            append(&mut random, &log, &time);
        }
        let entries = entries(&log);
        let last = entries.len() as u64;

        let mut moments: Vec<(Moment, Model, u64)> = (0..=last)
            .map(|lsn| (Moment::Lsn(lsn), Model::of(entries.iter().take(lsn as usize)), lsn))
            .collect();
        for nanoseconds in 999_999..1_000_062 {
            let time = at(nanoseconds);
            let model = Model::of(entries.iter().filter(|entry| entry.timestamp <= time));
            moments.push((time.into(), model, last));
        }
        moments.push((Moment::Now, Model::of(entries.iter()), last));

        let row_ids: Vec<RowId> = (0..6).map(|_| random_row_id(&mut random)).collect();
        for (moment, model, lsn) in &moments {
            for table in TABLES {
                check_snapshot(&log.snapshot(table, *moment).unwrap(), model, table, *lsn);
                let row_id = random.pick(&row_ids);
                let state = log.state_at(table, row_id.clone(), *moment).unwrap();
                assert_eq!(state.as_ref(), model.row(table, row_id), "{table} {row_id} at {moment:?}");
            }
        }
        for table in TABLES {
            for row_id in &row_ids {
                let of_row = |entry: &&ChangeEntry| entry.table == table && entry.row_id == *row_id;
                let wanted: Vec<u64> = entries.iter().filter(of_row).map(|entry| entry.lsn).collect();
                assert_eq!(lsns(&log, table, row_id), wanted);
            }
        }
    });
}

#[test]
fn views_refreshed_at_random_are_fresh_snapshots() {
    with_seeds(60, |mut random| {
        let time = Arc::new(ManualTime::new(at(1_000_000)));
        let log_options = LogOptions { node: Some(node(9)), ..options_with(time.clone()) };
        let log = ChangeLog::in_memory(log_options).unwrap();
        let mut views: Vec<View> = Vec::new();
        let mut kept: Vec<(Snapshot, Vec<Row>)> = Vec::new();
        for _ in 0..60 {
            append(&mut random, &log, &time);
            if random.chance(10) {
                views.push(log.materialise(random.pick::<&str>(&TABLES)).unwrap());
            }
            if views.is_empty() || random.chance(50) {
                continue;
            }
            let view = random.pick(&views);
            let entries = entries(&log);
            let new = entries.iter().filter(|entry| entry.lsn > view.lsn() && entry.table == view.table());
            let new = new.count() as u64;
            assert_eq!(view.refresh().unwrap(), new);
            check_view(view, &Model::of(entries.iter()), entries.len() as u64);
            assert_eq!(view.snapshot(), log.snapshot(view.table(), Moment::Now).unwrap());
            if random.chance(30) {
                kept.push((view.snapshot(), view.iter().map(|row| (*row).clone()).collect()));
            }
        }
        for view in &views {
            let fresh = log.snapshot(view.table(), Moment::Lsn(view.lsn())).unwrap();
            assert_eq!(view.snapshot(), fresh);
        }
        for (snapshot, rows) in &kept {
            assert!(
                snapshot.iter().map(|row| &**row).eq(rows),
                "a refresh changed a snapshot that was taken before it"
            );
        }
    });
}

/// Transaction number n writes its LSN, 2 n, to two rows. So nobody may ever see two values,
/// and whatever is shown must say that LSN: an entry more and it would be taken in twice.
#[test]
fn what_is_shown_to_other_threads_ends_where_it_says() {
    let log = in_memory(node(1));
    let append = |number: u64| {
        let change = |row: i64| Change::insert("t", row, (2 * number).to_string());
        log.append_transaction(vec![change(1), change(2)]).unwrap();
    };
    append(1);
    let view = log.materialise("t").unwrap();
    let done = AtomicBool::new(false);
    let until_done = |work: &mut dyn FnMut()| {
        while !done.load(Ordering::SeqCst) {
            work();
        }
    };
    let check = |snapshot: &Snapshot, last: &mut u64| {
        for row in [1, 2] {
            let value = snapshot.get(&row.into()).unwrap().value.clone().unwrap();
            assert_eq!(String::from_utf8(value).unwrap(), snapshot.lsn().to_string());
        }
        assert!(snapshot.lsn() >= *last, "it went back");
        *last = snapshot.lsn();
    };
    let taken: u64 = std::thread::scope(|scope| {
        let refresh = || {
            let mut taken = 0;
            until_done(&mut || taken += view.refresh().unwrap());
            taken
        };
        let refreshers = [scope.spawn(refresh), scope.spawn(refresh)];
        scope.spawn(|| {
            let mut last = 0;
            until_done(&mut || check(&view.snapshot(), &mut last));
        });
        (2..=1000).for_each(append);
        done.store(true, Ordering::SeqCst);
        refreshers.into_iter().map(|refresher| refresher.join().unwrap()).sum()
    });
    assert_eq!(taken + view.refresh().unwrap(), 2 * 999);
    check(&view.snapshot(), &mut 2000);
}

/// The same of snapshots, over and over on short logs, which are read while they grow.
#[test]
fn a_snapshot_ends_where_it_says() {
    for _ in 0..100 {
        let log = in_memory(node(1));
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| {
                for lsn in 1..=30 {
                    log.append(Change::insert("t", 1, lsn.to_string())).unwrap();
                }
            });
            while !writer.is_finished() {
                let snapshot = log.snapshot("t", Moment::Now).unwrap();
                let shown = snapshot.get(&1.into()).map_or(0, |row| row.lsn);
                assert_eq!(shown, snapshot.lsn());
            }
        });
    }
}

#[test]
fn what_is_no_table_or_no_moment_is_refused() {
    let log = in_memory(node(1));
    log.append_transaction(vec![Change::insert("t", 1, "a"), Change::insert("t", 2, "b")]).unwrap();
    let refused = |outcome: Result<()>| {
        let error = outcome.unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidArgument);
        error.message().to_owned()
    };
    let outcomes = [
        log.history("", 1).map(drop),
        log.state_at("", 1, Moment::Now).map(drop),
        log.snapshot("", Moment::Now).map(drop),
        log.materialise("").map(drop),
    ];
    for outcome in outcomes {
        assert!(refused(outcome).contains("table name is empty"));
    }
    for lsn in [3, u64::MAX] {
        let outcomes = [
            log.state_at("t", 1, Moment::Lsn(lsn)).map(drop),
            log.snapshot("t", Moment::Lsn(lsn)).map(drop),
            log.state_at("never heard of", 1, Moment::Lsn(lsn)).map(drop),
        ];
        for outcome in outcomes {
            let message = refused(outcome);
            assert!(message.contains(&format!("LSN {lsn} ")) && message.ends_with(" is 2"), "{message}");
        }
    }
    assert_eq!(log.snapshot("t", Moment::Lsn(2)).unwrap().len(), 2);
    let empty = in_memory(node(2));
    assert!(empty.snapshot("t", Moment::Lsn(0)).unwrap().is_empty());
    assert_eq!(empty.state_at("t", 1, Timestamp::MAX.into()).unwrap(), None);
    assert!(refused(empty.snapshot("t", Moment::Lsn(1)).map(drop)).ends_with(" is 0"));
}

#[test]
fn a_closed_log_travels_no_more() {
    let log = in_memory(node(1));
    log.append(Change::insert("t", 1, "a")).unwrap();
    let view = log.materialise("t").unwrap();
    log.append(Change::insert("t", 2, "b")).unwrap();
    let snapshot = log.snapshot("t", Moment::Now).unwrap();
    log.close().unwrap();
    let outcomes = [
        log.history("t", 1).map(drop),
        log.state_at("t", 1, Moment::Now).map(drop),
        log.state_at("t", 1, Moment::Lsn(1)).map(drop),
        log.snapshot("t", Moment::Now).map(drop),
        log.materialise("t").map(drop),
        view.refresh().map(drop),
    ];
    for outcome in outcomes {
        assert_eq!(outcome.unwrap_err().code(), ErrorCode::Closed);
    }
    // What was read before is still there.
    assert_eq!((view.len(), view.lsn(), snapshot.len()), (1, 1, 2));
}

#[test]
fn a_view_outlives_the_handle_that_made_it() {
    let log = in_memory(node(1));
    let view = log.materialise("t").unwrap();
    log.append(Change::insert("t", 1, "a")).unwrap();
    drop(log);
    assert_eq!(view.refresh().unwrap(), 1);
    assert_eq!(view.len(), 1);
}

/// Reading fails in the middle: nothing of what was read before it may show.
#[test]
fn a_refresh_that_fails_leaves_the_view_as_it_was() {
    let storage = FaultyStorage::new();
    let log = ChangeLog::open_storage(std::sync::Arc::new(storage.clone()), options()).unwrap();
    log.append(Change::insert("t", 0, "first")).unwrap();
    let view = log.materialise("t").unwrap();
    let before = view.snapshot();
    for row in 1..=40 {
        log.append(Change::insert("t", row, vec![b'x'; 100_000])).unwrap();
    }
    let mut failures = 0;
    for read in 1.. {
        let operation = Operation::Read;
        storage.fail(&[Fault { operation, from: read, lasting: false, code: ErrorCode::Io, written: 0 }]);
        match view.refresh() {
            Err(error) => assert_eq!(error.code(), ErrorCode::Io),
            Ok(taken) => {
                assert_eq!(taken, 40);
                break;
            }
        }
        assert_eq!(view.snapshot(), before);
        failures += 1;
    }
    assert!(failures > 3, "the refresh read at most {failures} times");
    assert_eq!(view.len(), 41);
}
