//! Every condition of a query, alone and with others, against plain filtering of all entries.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::expect_used)]

mod common;

use std::sync::Arc;

use causelog::storage::MemoryStorage;
use causelog::{
    Change, ChangeEntry, ChangeLog, ChangeOperation, Dot, ErrorCode, LogOptions, ManualTime, QueryOptions,
    Result, RetentionPolicy, RowId, Transaction, Uuid, VectorClock,
};
use common::{Random, at, cases, entries, foreign, in_memory, node, options, options_with, query};
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::select;

const TABLES: [&str; 4] = ["", "a", "b", "never written"];
/// Times from this one on: some before, between, at and after those of the entries.
const BASE: i64 = 1_000_000;

fn row_ids() -> Vec<RowId> {
    let pair = RowId::tuple([1.into(), "x".into()]).unwrap();
    vec![1.into(), 2.into(), "1".into(), "".into(), vec![1u8].into(), Uuid::from_u128(1).into(), pair]
}

/// A log of up to 12 transactions by four nodes, each of up to 5 changes.
fn random_log(seed: u64) -> ChangeLog {
    let mut random = Random(seed);
    let time = Arc::new(ManualTime::new(at(BASE)));
    let log_options = LogOptions { node: Some(node(3)), ..options_with(time.clone()) };
    let log = ChangeLog::in_memory(log_options).unwrap();
    for _ in 0..random.below(13) {
        let change = |random: &mut Random| {
            let operation = *random.pick(&ChangeOperation::ALL);
            Change::new(*random.pick(&["a", "b"]), random.pick(&row_ids()).clone(), operation, None, None)
        };
        let changes: Vec<Change> = (0..random.below(6)).map(|_| change(&mut random)).collect();
        time.set(at(BASE + random.below(20) as i64));
        if random.chance(40) {
            log.append_transaction(changes).unwrap();
            continue;
        }
        let author = node(random.below(3) as u64);
        let frontier = log.frontier().unwrap();
        let own = Some(Dot::new(author, frontier.get(author))).filter(|own| own.sequence > 0);
        let foreign = Transaction {
            node: author,
            sequence: frontier.get(author) + changes.len().max(1) as u64,
            dependencies: own.into_iter().collect(),
            timestamp: at(BASE + random.below(20) as i64),
            changes,
        };
        log.append_remote(&foreign).unwrap();
    }
    log
}

/// The conditions as their documentation says them.
fn wanted(options: &QueryOptions, entry: &ChangeEntry) -> bool {
    (options.tables.is_empty() || options.tables.contains(&entry.table))
        && options.row_id.as_ref().is_none_or(|row_id| entry.row_id == *row_id)
        && options.operation.is_none_or(|operation| entry.operation == operation)
        && options.node.is_none_or(|node| entry.node == node)
        && options.transaction.is_none_or(|dot| entry.transaction == dot)
        && options.unseen_by.as_ref().is_none_or(|clock| !clock.covers(entry.dot()))
        && entry.lsn > options.since
        && options.until.is_none_or(|until| entry.lsn <= until)
        && options.since_time.is_none_or(|time| entry.timestamp > time)
        && options.until_time.is_none_or(|time| entry.timestamp <= time)
}

fn naive(all: &[ChangeEntry], options: &QueryOptions) -> Vec<ChangeEntry> {
    let mut found: Vec<ChangeEntry> = all.iter().filter(|entry| wanted(options, entry)).cloned().collect();
    if options.reverse {
        found.reverse();
    }
    let limit = options.limit.map_or(found.len(), |limit| found.len().min(limit as usize));
    found.truncate(limit);
    found
}

fn dot() -> impl Strategy<Value = Dot> {
    (0u64..5, 0u64..20).prop_map(|(number, sequence)| Dot::new(node(number), sequence))
}

fn clock() -> impl Strategy<Value = VectorClock> {
    proptest::collection::vec((0u64..5, 0u64..20), 0..5)
        .prop_map(|entries| entries.into_iter().map(|(number, sequence)| (node(number), sequence)).collect())
}

/// One condition set, everything else left open.
fn one_condition() -> BoxedStrategy<QueryOptions> {
    let none = QueryOptions::default;
    let time = || (-2i64..24).prop_map(|offset| at(BASE + offset));
    prop_oneof![
        proptest::collection::vec(select(&TABLES[..]), 0..3).prop_map(move |tables| QueryOptions {
            tables: tables.into_iter().map(str::to_owned).collect(),
            ..none()
        }),
        select(row_ids()).prop_map(move |row_id| QueryOptions { row_id: Some(row_id), ..none() }),
        select(&ChangeOperation::ALL[..])
            .prop_map(move |operation| QueryOptions { operation: Some(operation), ..none() }),
        (0u64..5).prop_map(move |number| QueryOptions { node: Some(node(number)), ..none() }),
        dot().prop_map(move |dot| QueryOptions { transaction: Some(dot), ..none() }),
        clock().prop_map(move |clock| QueryOptions { unseen_by: Some(clock), ..none() }),
        prop_oneof![0u64..70, Just(u64::MAX)].prop_map(move |since| QueryOptions { since, ..none() }),
        prop_oneof![0u64..70, Just(u64::MAX)]
            .prop_map(move |until| QueryOptions { until: Some(until), ..none() }),
        time().prop_map(move |time| QueryOptions { since_time: Some(time), ..none() }),
        time().prop_map(move |time| QueryOptions { until_time: Some(time), ..none() }),
    ]
    .boxed()
}

/// Several conditions, chosen so that they often leave something.
fn conditions() -> impl Strategy<Value = QueryOptions> {
    let time = || (-2i64..24).prop_map(|offset| at(BASE + offset));
    (
        (
            proptest::collection::vec(select(&TABLES[..]), 0..3),
            weighted(0.2, select(row_ids())),
            weighted(0.2, select(&ChangeOperation::ALL[..])),
            weighted(0.2, (0u64..4).prop_map(node)),
            weighted(0.1, dot()),
            weighted(0.3, clock()),
        ),
        (weighted(0.3, 0u64..20), weighted(0.3, 5u64..60), weighted(0.3, time()), weighted(0.3, time())),
    )
        .prop_map(|((tables, row_id, operation, node, transaction, unseen_by), ends)| {
            let (since, until, since_time, until_time) = ends;
            QueryOptions {
                tables: tables.into_iter().map(str::to_owned).collect(),
                row_id,
                operation,
                node,
                transaction,
                unseen_by,
                since: since.unwrap_or(0),
                until,
                since_time,
                until_time,
                ..Default::default()
            }
        })
}

/// Forwards and backwards, without a limit and with every limit up to one more than there is.
fn check(seed: u64, options: &QueryOptions) -> Result<(), TestCaseError> {
    let log = random_log(seed);
    let all = entries(&log);
    prop_assert!(all.iter().map(|entry| entry.lsn).eq(1..=all.len() as u64));
    for reverse in [false, true] {
        let options = QueryOptions { reverse, ..options.clone() };
        let found = query(&log, options.clone());
        prop_assert_eq!(&found, &naive(&all, &options));
        for limit in 0..=found.len() as u64 + 1 {
            let options = QueryOptions { limit: Some(limit), ..options.clone() };
            prop_assert_eq!(query(&log, options.clone()), naive(&all, &options));
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn a_condition_alone(seed in any::<u64>(), options in one_condition()) {
        check(seed, &options)?;
    }

    #[test]
    fn conditions_together(seed in any::<u64>(), options in conditions()) {
        check(seed, &options)?;
    }
}

/// The name of every transaction finds its entries, and no other dot finds any.
#[test]
fn a_transaction_by_its_name() {
    common::with_seeds(30, |random| {
        let log = random_log(random.0);
        let all = entries(&log);
        let mut found = 0;
        for number in 0..5 {
            for sequence in 0..40 {
                let dot = Dot::new(node(number), sequence);
                let options = QueryOptions { transaction: Some(dot), ..Default::default() };
                let lsns = query(&log, options).iter().map(|entry| entry.lsn).collect::<Vec<_>>();
                let of_it = all.iter().filter(|entry| entry.transaction == dot);
                assert_eq!(lsns, of_it.map(|entry| entry.lsn).collect::<Vec<_>>());
                found += lsns.len();
            }
        }
        assert_eq!(found, all.len());
    });
}

/// Retention removes what was before: a name says itself whether its transaction was among that.
#[test]
fn a_transaction_that_remains_is_found_by_its_name_and_one_that_does_not_is_said_to_be_gone() {
    let storage = MemoryStorage::new();
    let small = || LogOptions { segment_bytes: 4096, ..options() };
    let log = ChangeLog::open_storage(Arc::new(storage.clone()), small()).unwrap();
    let mut before = Vec::new();
    for number in 1..=100 {
        let change = |row| Change::insert("t", row, vec![b'.'; 100]);
        log.append_transaction((0..number % 4).map(change).collect::<Vec<_>>()).unwrap();
        let transaction = foreign(node(1), 2 * number as u64, &before, 2);
        before = vec![log.append_remote(&transaction).unwrap().transaction];
    }
    let all = entries(&log);
    let dots: Vec<Dot> = common::transactions(&log).iter().map(Transaction::dot).collect();
    let policy = RetentionPolicy { max_bytes: Some(12_000), ..RetentionPolicy::default() };
    log.retain(&policy).unwrap();
    let stats = log.stats().unwrap();
    assert!(stats.transactions > 20 && stats.first_lsn > 100, "{stats:?}");
    let removed = dots.len() - stats.transactions as usize;

    let check = |log: &ChangeLog| {
        for (number, dot) in dots.iter().enumerate() {
            for (reverse, since, until) in
                [(false, 0, None), (true, 0, None), (false, stats.first_lsn, Some(stats.last_lsn - 1))]
            {
                let options =
                    QueryOptions { transaction: Some(*dot), reverse, since, until, ..Default::default() };
                let found = log.query(options.clone()).and_then(|cursor| cursor.collect::<Result<Vec<_>>>());
                if number < removed {
                    assert_eq!(found.unwrap_err().code(), ErrorCode::Truncated, "{dot} {options:?}");
                } else {
                    // Also one without changes, of which nothing is found.
                    assert_eq!(found.unwrap(), naive(&all, &options), "{dot} {options:?}");
                }
            }
        }
        // What never was has not been removed.
        let last = dots[dots.len() - 1];
        let nothing = [
            Dot::new(node(7), 1),
            Dot::new(last.node, last.sequence + 1),
            Dot::new(last.node, last.sequence - 1),
        ];
        for dot in nothing {
            assert_eq!(query(log, QueryOptions { transaction: Some(dot), ..Default::default() }), []);
        }
    };
    check(&log);
    let beside = LogOptions { read_only: true, ..small() };
    check(&ChangeLog::open_storage(Arc::new(storage.clone()), beside).unwrap());
    drop(log);
    check(&ChangeLog::open_storage(Arc::new(storage), small()).unwrap());
}

/// A clock that covers the first changes of a transaction leaves the others.
#[test]
fn part_of_a_transaction_is_unseen() {
    let log = in_memory(node(1));
    let changes: Vec<_> = (0..5).map(|row| Change::insert("t", row, "x")).collect();
    log.append_transaction(changes).unwrap();
    for seen in 0..7 {
        let clock = VectorClock::from_entries([(node(1), seen), (node(2), 9)]);
        let options = QueryOptions { unseen_by: Some(clock), ..Default::default() };
        let lsns: Vec<u64> = query(&log, options).iter().map(|entry| entry.lsn).collect();
        assert_eq!(lsns, (seen + 1..=5).collect::<Vec<_>>());
    }
}

/// What a log's own frontier leaves unseen in another is what the other is to send.
#[test]
fn what_a_frontier_leaves_unseen_is_what_is_sent() {
    common::with_seeds(30, |random| {
        let (here, there) = (random_log(random.0), random_log(random.0));
        there.append(Change::insert("a", 1, "only there")).unwrap();
        let seen = here.frontier().unwrap();
        let sent: Vec<Dot> = there.transactions(&seen).unwrap().map(|t| t.unwrap().dot()).collect();
        let options = QueryOptions { unseen_by: Some(seen), ..Default::default() };
        let unseen: Vec<Dot> = query(&there, options).iter().map(|entry| entry.dot()).collect();
        assert_eq!(unseen, sent);
        assert_eq!(unseen.len(), 1);
    });
}
