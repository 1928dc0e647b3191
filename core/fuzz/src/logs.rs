//! What must hold of a log that has opened, however its bytes came about.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use causelog::storage::{MemoryStorage, Storage};
use causelog::{
    Change, ChangeEntry, ChangeLog, Dot, Durability, ErrorCode, IdSource, LogOptions, ManualTime,
    QueryOptions, Result, Timestamp, Transaction, Uuid, VectorClock,
};

use super::input::node;
use super::segment::ENDS;

/// The local time of every log here, in nanoseconds.
const NOW: i64 = 1_000_000;

/// Identities 1000, 1001, …, so that an input does the same every time.
struct CountingIds(AtomicU64);

impl IdSource for CountingIds {
    fn new_id(&self) -> Uuid {
        node(self.0.fetch_add(1, Ordering::SeqCst))
    }
}

pub(crate) fn options(durability: Durability) -> LogOptions {
    LogOptions {
        durability,
        time: Arc::new(ManualTime::new(Timestamp::from_nanoseconds(NOW))),
        ids: Arc::new(CountingIds(AtomicU64::new(1000))),
        ..LogOptions::default()
    }
}

pub(crate) fn open(storage: &MemoryStorage) -> Result<ChangeLog> {
    ChangeLog::open_storage(std::sync::Arc::new(storage.clone()), options(Durability::Sync))
}

/// The bytes of every file but the cells, which only say how far a log has come.
pub(crate) fn files(storage: &MemoryStorage) -> BTreeMap<String, Vec<u8>> {
    let read = |name: String| {
        let file = storage.open(&name).unwrap();
        let mut bytes = vec![0; file.length().unwrap() as usize];
        file.read_at(0, &mut bytes).unwrap();
        (name, bytes)
    };
    storage.list().unwrap().into_iter().filter(|name| name != ENDS).map(read).collect()
}

pub(crate) fn query(log: &ChangeLog, options: QueryOptions) -> Vec<ChangeEntry> {
    log.query(options).unwrap().collect::<Result<_>>().unwrap()
}

pub(crate) fn entries(log: &ChangeLog) -> Vec<ChangeEntry> {
    query(log, QueryOptions::default())
}

pub(crate) fn transactions(log: &ChangeLog) -> Vec<Transaction> {
    log.transactions(&VectorClock::new()).unwrap().collect::<Result<_>>().unwrap()
}

/// Every way of reading the log says the same. Returns its entries and transactions.
pub(crate) fn consistent(log: &ChangeLog) -> (Vec<ChangeEntry>, Vec<Transaction>) {
    let all = entries(log);
    let transactions = transactions(log);
    let stats = log.stats().unwrap();
    assert!(all.iter().map(|entry| entry.lsn).eq(1..=stats.entries), "the LSNs have gaps");
    assert_eq!((stats.entries > 0, stats.entries), (stats.first_lsn == 1, stats.last_lsn));
    assert_eq!(transactions.len() as u64, stats.transactions);
    assert_eq!(transactions.iter().filter(|one| one.changes.is_empty()).count() as u64, stats.merges);
    assert_eq!(transactions.iter().map(|one| one.timestamp).max(), stats.newest);
    assert_eq!(transactions.iter().map(|one| one.timestamp).min(), stats.oldest);

    let mut backwards = query(log, QueryOptions { reverse: true, ..QueryOptions::default() });
    backwards.reverse();
    assert_eq!(backwards, all);
    assert_eq!(stats.tables.values().map(|table| table.entries()).sum::<u64>(), stats.entries);
    for (table, counts) in &stats.tables {
        let of_table: Vec<_> = all.iter().filter(|entry| entry.table == *table).cloned().collect();
        assert_eq!(of_table.len() as u64, counts.entries(), "entries of table {table:?}");
        assert_eq!(query(log, QueryOptions::table(table)), of_table);
    }
    for entry in &all {
        assert!(stats.tables.contains_key(&entry.table));
        let row = query(log, QueryOptions::row(&entry.table, entry.row_id.clone()));
        assert!(row.contains(entry), "{entry:?} is not among its row's");
        let one = QueryOptions { since: entry.lsn - 1, limit: Some(1), ..QueryOptions::default() };
        assert_eq!(query(log, one), std::slice::from_ref(entry));
    }
    clocks(log, &all, &transactions);
    changes(&all, &transactions);
    (all, transactions)
}

/// The clocks follow from the dependencies, and the frontier from the clocks.
fn clocks(log: &ChangeLog, all: &[ChangeEntry], transactions: &[Transaction]) {
    let mut frontier = VectorClock::new();
    for one in transactions {
        let mut clock = VectorClock::new();
        for dependency in &one.dependencies {
            assert!(frontier.covers(*dependency), "{} comes before {dependency}", one.dot());
            clock.merge(&log.vector_clock(*dependency).unwrap());
        }
        let base = one.first_sequence().unwrap() - 1;
        assert_eq!((clock.get(one.node), frontier.get(one.node)), (base, base), "{} leaves a gap", one.dot());
        for dependency in &one.dependencies {
            let others = one.dependencies.iter().filter(|other| *other != dependency);
            let covered =
                others.into_iter().any(|other| log.vector_clock(*other).unwrap().covers(*dependency));
            assert!(!covered, "{dependency} of {} is covered by another dependency", one.dot());
        }
        clock.advance(one.node, one.sequence);
        assert_eq!(log.vector_clock(one.dot()).unwrap(), clock);
        frontier.advance(one.node, one.sequence);
    }
    for entry in all {
        assert_eq!(log.vector_clock(entry.dot()).unwrap(), entry.vector_clock);
        assert_eq!(entry.vector_clock.get(entry.node), entry.sequence);
    }
    assert_eq!(log.frontier().unwrap(), frontier);
    assert_eq!(log.transactions(&frontier).unwrap().count(), 0);
}

/// Entries and transactions are two views of the same changes.
fn changes(all: &[ChangeEntry], transactions: &[Transaction]) {
    let from_transactions = transactions.iter().flat_map(|one| {
        let first = one.first_sequence().unwrap();
        let dots = (first..).map(|sequence| Dot::new(one.node, sequence));
        one.changes.iter().cloned().zip(dots).map(|(change, dot)| (change, dot, one.dot(), one.timestamp))
    });
    let from_entries = all.iter().map(|entry| {
        let change = Change {
            metadata: entry.metadata.clone(),
            ..Change::new(
                entry.table.clone(),
                entry.row_id.clone(),
                entry.operation,
                entry.before.clone(),
                entry.after.clone(),
            )
        };
        (change, entry.dot(), entry.transaction, entry.timestamp)
    });
    assert!(from_entries.eq(from_transactions), "entries and transactions differ");
}

/// Another log takes the transactions in order, and this one knows them all. Changes that only
/// forged bytes can hold, which no log takes, are refused for what they are.
pub(crate) fn exchange(log: &ChangeLog, transactions: &[Transaction]) {
    let skew = LogOptions { maximum_clock_skew: Duration::MAX, ..options(Durability::Sync) };
    let other = ChangeLog::in_memory(skew).unwrap();
    let before = log.stats().unwrap();
    for one in transactions {
        if let Some(refused) = one.changes.iter().find_map(|change| change.validate().err()) {
            assert_eq!(other.append_remote(one).unwrap_err().code(), refused.code());
            return;
        }
        assert!(!other.append_remote(one).unwrap().duplicate);
        assert!(log.append_remote(one).unwrap().duplicate);
    }
    assert_eq!(log.stats().unwrap(), before);
    assert_eq!(self::transactions(&other), transactions);
    assert_eq!(other.frontier().unwrap(), log.frontier().unwrap());
}

/// The log goes on: an entry is appended, and is there with all others when it is opened again.
pub(crate) fn goes_on(storage: &MemoryStorage, log: ChangeLog, mut before: Vec<ChangeEntry>) {
    let seen = log.frontier().unwrap();
    let last_lsn = log.stats().unwrap().last_lsn;
    match log.append(Change::insert("goes on", 1, "{}")) {
        Ok(appended) => {
            assert_eq!(appended.first_lsn, Some(last_lsn + 1));
            let after = entries(&log);
            assert_eq!(after[..before.len()], before);
            let entry = &after[before.len()];
            let mut clock = seen;
            clock.advance(log.node(), entry.sequence);
            assert_eq!(entry.vector_clock, clock);
            assert!(before.iter().all(|other| other.happens_before(entry)));
            before = after;
        }
        // Only the end of time stops it.
        Err(error) => {
            assert_eq!(error.code(), ErrorCode::TooLarge);
            assert_eq!(log.stats().unwrap().newest, Some(Timestamp::MAX));
        }
    }
    let (id, own, past) = (log.id(), log.node(), log.past_nodes().to_vec());
    log.close().unwrap();
    assert_eq!(log.stats().unwrap_err().code(), ErrorCode::Closed);
    let again = open(storage).unwrap();
    assert_eq!((again.id(), again.node(), again.past_nodes()), (id, own, past.as_slice()));
    assert_eq!(entries(&again), before);
}
