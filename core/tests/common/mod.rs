//! What several tests share: repeatable identities, times and random numbers, and a storage that fails on demand.

#![allow(dead_code, reason = "every test uses its own part")]

/// Methods that do what the one within does.
macro_rules! forward {
    ($within:ident: $($name:ident($($argument:ident: $type:ty),*) -> $result:ty;)*) => {
        $(fn $name(&self, $($argument: $type),*) -> $result {
            self.$within.$name($($argument),*)
        })*
    };
}
#[allow(unused_imports, reason = "as above")]
pub(crate) use forward;

pub(crate) mod counting;
pub(crate) mod faulty;
pub(crate) mod gate;
pub(crate) mod history;
pub(crate) mod model;
pub(crate) mod process;
pub(crate) mod strategies;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use proptest::test_runner::{Config as ProptestConfig, RngSeed};

use causelog::storage::{MemoryStorage, Storage};
use causelog::{
    Change, ChangeEntry, ChangeLog, Dot, IdSource, LogOptions, ManualTime, QueryOptions, Result, Timestamp,
    Transaction, Uuid, VectorClock,
};

/// The file that holds the first frames, the one that says who the log is, and the one that says where it begins.
pub(crate) const SEGMENT: &str = "00000000000000000001.segment";
pub(crate) const IDENTITY: &str = "identity";
pub(crate) const MANIFEST: &str = "manifest";
/// Files that only save time, or tell a torn end from a damaged one: a crash may leave a log without them.
pub(crate) const CHECKPOINT: &str = "checkpoint";
pub(crate) const ENDS: &str = "ends";
/// How many cells there are in `ends`.
const CELLS: usize = 11;
/// Length of a segment's header: where its first frame starts.
pub(crate) const HEADER: usize = 67;

/// Node number `number`: nodes sort by number.
pub(crate) fn node(number: u64) -> Uuid {
    Uuid::from_u128((u128::from(number) << 64) | 0x4000_8000_0000_0000_0000)
}

pub(crate) fn at(nanoseconds: i64) -> Timestamp {
    Timestamp::from_nanoseconds(nanoseconds)
}

/// Identities 1000, 1001, …: logs made with equal sources are equal byte for byte.
#[derive(Debug)]
pub(crate) struct CountingIds(AtomicU64);

impl CountingIds {
    pub(crate) fn from(first: u64) -> Arc<Self> {
        Arc::new(CountingIds(AtomicU64::new(first)))
    }
}

impl IdSource for CountingIds {
    fn new_id(&self) -> Uuid {
        node(self.0.fetch_add(1, Ordering::SeqCst))
    }
}

/// Options under which a log does the same every time: identities from 1000, the time 1,000,000 ns.
pub(crate) fn options() -> LogOptions {
    options_with(Arc::new(ManualTime::new(at(1_000_000))))
}

pub(crate) fn options_with(time: Arc<ManualTime>) -> LogOptions {
    LogOptions { time, ids: CountingIds::from(1000), ..LogOptions::default() }
}

pub(crate) fn in_memory(own: Uuid) -> ChangeLog {
    ChangeLog::in_memory(LogOptions { node: Some(own), ..options() }).unwrap()
}

pub(crate) fn entries(log: &ChangeLog) -> Vec<ChangeEntry> {
    query(log, QueryOptions::default())
}

pub(crate) fn query(log: &ChangeLog, options: QueryOptions) -> Vec<ChangeEntry> {
    log.query(options).unwrap().collect::<Result<_>>().unwrap()
}

pub(crate) fn transactions(log: &ChangeLog) -> Vec<Transaction> {
    log.transactions(&VectorClock::new()).unwrap().collect::<Result<_>>().unwrap()
}

/// Reads a log in every way there is, and holds the answers against each other. Returns its transactions.
///
/// # Errors
/// Those of the log. Answers that do not fit together are a panic.
pub(crate) fn read_all(log: &ChangeLog) -> Result<Vec<Transaction>> {
    let transactions = log.transactions(&VectorClock::new())?.collect::<Result<Vec<_>>>()?;
    let mut clocks: BTreeMap<Dot, VectorClock> = BTreeMap::new();
    let mut frontier = VectorClock::new();
    let mut expected = Vec::new();
    for transaction in &transactions {
        let (dot, width) = (transaction.dot(), transaction.changes.len().max(1) as u64);
        let mut clock = VectorClock::new();
        for dependency in &transaction.dependencies {
            clock.merge(&clocks[dependency]);
        }
        assert_eq!(clock.get(dot.node), dot.sequence - width, "{dot} follows on its author's previous one");
        assert_eq!(frontier.get(dot.node), dot.sequence - width, "{dot} comes once and without a gap");
        for (sequence, change) in (dot.sequence - width + 1..).zip(&transaction.changes) {
            expected.push((
                Dot::new(dot.node, sequence),
                dot,
                transaction.timestamp,
                change.clone(),
                clock.clone(),
            ));
        }
        clock.advance(dot.node, dot.sequence);
        frontier.merge(&clock);
        assert_eq!(log.vector_clock(dot)?, clock, "{dot}");
        clocks.insert(dot, clock);
    }
    assert_eq!(log.frontier()?, frontier);

    let found = log.query(QueryOptions::default())?.collect::<Result<Vec<_>>>()?;
    assert_eq!(found.len(), expected.len());
    for ((lsn, entry), (dot, transaction, timestamp, change, mut clock)) in (1..).zip(&found).zip(expected) {
        assert_eq!((entry.lsn, entry.dot(), entry.transaction), (lsn, dot, transaction));
        assert_eq!(
            (entry.timestamp, &entry.table, &entry.row_id),
            (timestamp, &change.table, &change.row_id)
        );
        assert_eq!(
            (&entry.before, &entry.after, &entry.metadata),
            (&change.before, &change.after, &change.metadata)
        );
        assert_eq!(entry.operation, change.operation);
        clock.advance(dot.node, dot.sequence);
        assert_eq!(entry.vector_clock, clock, "{dot}");
    }
    let mut back =
        log.query(QueryOptions { reverse: true, ..Default::default() })?.collect::<Result<Vec<_>>>()?;
    back.reverse();
    assert_eq!(back, found);
    let mut rows: BTreeMap<_, Vec<&ChangeEntry>> = BTreeMap::new();
    found.iter().for_each(|entry| rows.entry((&entry.table, &entry.row_id)).or_default().push(entry));
    for ((table, row_id), entries) in rows {
        let history = log.history(table, row_id.clone())?.collect::<Result<Vec<_>>>()?;
        assert!(history.iter().eq(entries), "history of {table} {row_id}");
    }
    let stats = log.stats()?;
    assert_eq!((stats.entries, stats.transactions), (found.len() as u64, transactions.len() as u64));
    assert_eq!(stats.last_lsn, found.len() as u64);
    let counted: u64 = stats.tables.values().map(causelog::TableStats::entries).sum();
    assert_eq!(counted, stats.entries);
    Ok(transactions)
}

/// A foreign transaction of `count` inserts.
pub(crate) fn foreign(node: Uuid, sequence: u64, dependencies: &[Dot], count: usize) -> Transaction {
    let change = |number| Change::insert("t", number as i64, format!("{{\"of\":{sequence}}}"));
    Transaction {
        node,
        sequence,
        dependencies: dependencies.to_vec(),
        timestamp: at(500),
        changes: (0..count).map(change).collect(),
    }
}

/// The bytes of a file of `storage`.
pub(crate) fn bytes(storage: &dyn Storage, name: &str) -> Vec<u8> {
    let file = storage.open(name).unwrap();
    let mut bytes = vec![0; file.length().unwrap() as usize];
    file.read_at(0, &mut bytes).unwrap();
    bytes
}

/// A place with the same identity and beginning as `storage` and this segment, and nothing that was derived from them.
pub(crate) fn with_segment(storage: &dyn Storage, segment: &[u8]) -> MemoryStorage {
    let copy = MemoryStorage::new();
    copy.replace(SEGMENT, segment).unwrap();
    copy.replace(IDENTITY, &bytes(storage, IDENTITY)).unwrap();
    copy.replace(MANIFEST, &bytes(storage, MANIFEST)).unwrap();
    copy
}

/// The files of a place by name; the cells of `ends` are one of them.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// All files of `storage`.
pub(crate) fn files_of(storage: &dyn Storage) -> Files {
    let read = |name: String| {
        let content = if name == ENDS {
            let cells = storage.shared(ENDS, CELLS).unwrap();
            (0..CELLS).flat_map(|index| cells.load(index).to_le_bytes()).collect()
        } else {
            bytes(storage, &name)
        };
        (name, content)
    };
    storage.list().unwrap().into_iter().map(read).collect()
}

/// A place with these files.
pub(crate) fn place_of(files: &Files) -> MemoryStorage {
    let place = MemoryStorage::new();
    for (name, content) in files {
        if name == ENDS {
            let cells = place.shared(ENDS, CELLS).unwrap();
            for (index, value) in content.as_chunks().0.iter().enumerate() {
                cells.store(index, u64::from_le_bytes(*value));
            }
        } else {
            place.replace(name, content).unwrap();
        }
    }
    place
}

/// Where each frame of a segment starts, and last where they end: read off the
/// lengths, without the library's help.
pub(crate) fn frame_bounds(segment: &[u8]) -> Vec<usize> {
    let mut bounds = vec![HEADER];
    while let Some(length) = segment.get(bounds[bounds.len() - 1]..).and_then(|rest| rest.first_chunk::<4>())
    {
        bounds.push(bounds[bounds.len() - 1] + 8 + u32::from_le_bytes(*length) as usize);
    }
    assert_eq!(bounds.last(), Some(&segment.len()));
    bounds
}

/// SplitMix64 (Steele, Lea and Flood 2014): small, and the same everywhere.
#[derive(Debug, Clone)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

/// Settings for property tests that do the same in every run; `CAUSELOG_SEED` asks for other cases.
pub(crate) fn cases(count: u32) -> ProptestConfig {
    let seed = std::env::var("CAUSELOG_SEED").map_or(0, |seed| seed.parse::<u64>().unwrap());
    println!("CAUSELOG_SEED={seed}");
    ProptestConfig {
        cases: count,
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// Runs `check` with `count` seeds and names the seed that fails. `CAUSELOG_SEED` runs a single one.
pub(crate) fn with_seeds(count: u64, mut check: impl FnMut(Random)) {
    let one = std::env::var("CAUSELOG_SEED").ok().map(|seed| seed.parse::<u64>().unwrap());
    for seed in one.map_or(0..count, |seed| seed..seed + 1) {
        println!("CAUSELOG_SEED={seed}");
        check(Random(seed));
    }
}
