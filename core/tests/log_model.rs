//! A log against a naive model of one: whatever is done to both, they answer alike, in memory and in a directory.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::expect_used)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use causelog::storage::{FileStorage, MemoryStorage, Storage};
use causelog::{
    Change, ChangeEntry, ChangeLog, ChangeLogStats, ChangeOperation, CompactionOptions, CompressionReport,
    Dot, Durability, ErrorCode, LogOptions, ManualTime, Moment, QueryOptions, Result, RetentionPolicy, RowId,
    Timestamp, Transaction, VectorClock,
};
use common::{CountingIds, Random, at, node, with_seeds};

const SECOND: i64 = 1_000_000_000;

/// All that ever happened, in one list, and what of it was removed.
#[derive(Default)]
struct Model {
    transactions: Vec<Known>,
    first_lsn: u64,
    removed: BTreeSet<u64>,
    forgotten: VectorClock,
}

struct Known {
    transaction: Transaction,
    /// Everything that its author had seen, itself included.
    clock: VectorClock,
    first_lsn: u64,
    own: bool,
}

impl Model {
    fn next_lsn(&self) -> u64 {
        self.transactions.last().map_or(1, |last| last.first_lsn + last.transaction.changes.len() as u64)
    }

    fn frontier(&self) -> VectorClock {
        let mut frontier = VectorClock::new();
        self.transactions.iter().for_each(|known| frontier.merge(&known.clock));
        frontier
    }

    fn take(&mut self, transaction: Transaction, own: bool) {
        let mut clock = VectorClock::new();
        for dependency in &transaction.dependencies {
            let known = self.transactions.iter().find(|known| known.transaction.dot() == *dependency);
            clock.merge(&known.unwrap().clock);
        }
        clock.advance(transaction.node, transaction.sequence);
        let first_lsn = self.next_lsn();
        self.transactions.push(Known { transaction, clock, first_lsn, own });
    }

    /// Every entry that is still there.
    fn entries(&self) -> Vec<ChangeEntry> {
        let mut entries = Vec::new();
        for known in &self.transactions {
            let transaction = &known.transaction;
            for (number, change) in transaction.changes.iter().enumerate() {
                let (lsn, sequence) =
                    (known.first_lsn + number as u64, transaction.first_sequence().unwrap() + number as u64);
                let others = known.clock.iter().filter(|(node, _)| *node != transaction.node);
                entries.push(ChangeEntry {
                    lsn,
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
                    verdict: known.own.then_some(causelog::Verdict::Applied),
                    metadata: change.metadata.clone(),
                });
            }
        }
        entries.retain(|entry| entry.lsn >= self.first_lsn.max(1) && !self.removed.contains(&entry.lsn));
        entries
    }

    fn query(&self, options: &QueryOptions) -> Vec<ChangeEntry> {
        let mut found: Vec<ChangeEntry> = self.entries();
        found.retain(|entry| {
            (options.tables.is_empty() || options.tables.contains(&entry.table))
                && options.row_id.as_ref().is_none_or(|row_id| *row_id == entry.row_id)
                && options.operation.is_none_or(|operation| operation == entry.operation)
                && options.node.is_none_or(|node| node == entry.node)
                && options.transaction.is_none_or(|dot| dot == entry.transaction)
                && options.unseen_by.as_ref().is_none_or(|clock| !clock.covers(entry.dot()))
                && entry.lsn > options.since
                && options.until.is_none_or(|until| entry.lsn <= until)
                && options.since_time.is_none_or(|since| entry.timestamp > since)
                && options.until_time.is_none_or(|until| entry.timestamp <= until)
        });
        if options.reverse {
            found.reverse();
        }
        found.truncate(options.limit.map_or(usize::MAX, |limit| limit as usize));
        found
    }

    /// What compaction may remove of the entries up to `last`: of each row what lies below its newest entry that all
    /// others are comparable with.
    fn compactable(&self, table: Option<&str>, known: &[VectorClock], last: u64) -> BTreeSet<u64> {
        let mut rows: BTreeMap<(String, Vec<u8>), Vec<ChangeEntry>> = BTreeMap::new();
        for entry in self.entries() {
            rows.entry((entry.table.clone(), entry.row_id.encode())).or_default().push(entry);
        }
        let mut found = BTreeSet::new();
        for ((row_table, _), entries) in rows {
            if table.is_some_and(|table| table != row_table) {
                continue;
            }
            let comparable = |a: &ChangeEntry, b: &ChangeEntry| {
                a.dot() == b.dot() || a.vector_clock.covers(b.dot()) || b.vector_clock.covers(a.dot())
            };
            let choke = entries.iter().rev().find(|choke| {
                entries.iter().all(|other| comparable(choke, other))
                    && known.iter().all(|frontier| frontier.covers(choke.dot()))
            });
            if let Some(choke) = choke {
                let below = entries.iter().filter(|entry| entry.lsn < choke.lsn && entry.lsn <= last);
                found.extend(below.map(|entry| entry.lsn));
            }
        }
        found
    }
}

/// Where the log lives.
enum Place {
    Memory(MemoryStorage),
    Directory(tempfile::TempDir),
}

impl Place {
    fn storage(&self) -> Arc<dyn Storage> {
        match self {
            Place::Memory(memory) => Arc::new(memory.clone()),
            Place::Directory(directory) => Arc::new(FileStorage::open(directory.path()).unwrap()),
        }
    }
}

struct Subject {
    place: Place,
    time: Arc<ManualTime>,
    ids: Arc<CountingIds>,
    durability: Durability,
    log: ChangeLog,
    model: Model,
}

impl Subject {
    fn new(place: Place, durability: Durability) -> Self {
        let time = Arc::new(ManualTime::new(at(1000 * SECOND)));
        let ids = CountingIds::from(1000);
        let options = Self::options(&time, &ids, durability);
        let log = ChangeLog::open_storage(place.storage(), options).unwrap();
        Subject { place, time, ids, durability, log, model: Model::default() }
    }

    fn options(time: &Arc<ManualTime>, ids: &Arc<CountingIds>, durability: Durability) -> LogOptions {
        LogOptions {
            time: time.clone(),
            ids: ids.clone(),
            durability,
            segment_bytes: 4096,
            // Memory has none, and takes no notice.
            memory_map: durability == Durability::Os,
            ..LogOptions::default()
        }
    }

    fn reopen(&mut self, close: bool) {
        if close {
            self.log.close().unwrap();
        }
        // Without closing first, dropping does.
        let options = Self::options(&self.time, &self.ids, self.durability);
        let empty = ChangeLog::in_memory(LogOptions::default()).unwrap();
        drop(std::mem::replace(&mut self.log, empty));
        self.log = ChangeLog::open_storage(self.place.storage(), options).unwrap();
    }

    fn change(random: &mut Random) -> Change {
        let table = *random.pick(&["orders", "lines", "a longer name of a table"]);
        let row: RowId = match random.below(3) {
            0 => (random.below(4) as i64).into(),
            1 => (*random.pick(&["x", "y"])).into(),
            _ => node(random.below(3) as u64).into(),
        };
        let image = |random: &mut Random| Some(vec![b'.'; random.below(120)]);
        let change = match random.below(4) {
            0 => Change::new(table, row, ChangeOperation::Insert, None, image(random)),
            1 => Change::new(table, row, ChangeOperation::Delete, image(random), None),
            _ => Change::new(table, row, ChangeOperation::Update, None, image(random)),
        };
        if random.chance(10) { change.with_metadata("actor", "alice") } else { change }
    }

    fn changes(random: &mut Random) -> Vec<Change> {
        let count = *random.pick(&[0, 1, 1, 1, 2, 5]);
        (0..count).map(|_| Self::change(random)).collect()
    }

    fn append(&mut self, random: &mut Random) {
        self.time.advance(random.below(3) as i64 * SECOND).unwrap();
        let changes = Self::changes(random);
        let appended = self.log.append_transaction(&changes).unwrap();
        let frontier = self.model.frontier();
        let tips = self.model.transactions.iter().filter(|known| {
            let dot = known.transaction.dot();
            !self
                .model
                .transactions
                .iter()
                .any(|other| other.transaction.dot() != dot && other.clock.covers(dot))
        });
        let dependencies = tips.map(|known| known.transaction.dot()).collect();
        let own = self.log.node();
        let sequence = frontier.get(own) + changes.len().max(1) as u64;
        assert_eq!(appended.transaction, Dot::new(own, sequence));
        let timestamp = appended.timestamp;
        self.model.take(Transaction { node: own, sequence, dependencies, timestamp, changes }, true);
    }

    /// A transaction of another node, which has seen some of the log.
    fn append_remote(&mut self, random: &mut Random) {
        let author = node(1 + random.below(4) as u64);
        let known = &self.model.transactions;
        let last = known.iter().rev().find(|known| known.transaction.node == author);
        let mut dependencies: Vec<Dot> = last.map(|known| known.transaction.dot()).into_iter().collect();
        for _ in 0..random.below(3) {
            if !known.is_empty() {
                // Rather something recent: what was removed may be known no longer.
                let back = random.below(known.len().min(12));
                dependencies.push(known[known.len() - 1 - back].transaction.dot());
            }
        }
        let previous = last.map_or(0, |known| known.transaction.sequence);
        // Who has seen a transaction has seen its author's earlier ones, and its own previous one at least.
        let changes = Self::changes(random);
        let transaction = Transaction {
            node: author,
            sequence: previous + changes.len().max(1) as u64,
            dependencies,
            timestamp: at(1000 * SECOND + random.below(100) as i64 * SECOND),
            changes,
        };
        if transaction.dependencies.iter().any(|dot| {
            let of_author = known.iter().filter(|known| known.transaction.node == author);
            of_author.clone().any(|mine| {
                let others = known.iter().find(|known| known.transaction.dot() == *dot).unwrap();
                others.clock.get(author) > previous || mine.transaction.sequence > previous
            })
        }) {
            return;
        }
        match self.log.append_remote(&transaction) {
            Ok(appended) => {
                assert!(!appended.duplicate);
                self.model.take(transaction.clone(), false);
                assert!(self.log.append_remote(&transaction).unwrap().duplicate);
            }
            Err(error) => {
                assert_eq!(error.code(), ErrorCode::Truncated, "{error}");
                assert!(self.model.first_lsn > 1);
            }
        }
    }

    fn retain(&mut self, random: &mut Random) {
        let policy = RetentionPolicy {
            max_bytes: random.chance(50).then(|| 4096 * random.below(6) as u64),
            max_age: random.chance(50).then(|| Duration::from_secs(random.below(40) as u64)),
            ..RetentionPolicy::default()
        };
        for removal in self.log.retain(&policy).unwrap() {
            assert_eq!(removal.first_lsn, self.model.first_lsn.max(1));
            let range = removal.first_lsn..=removal.last_lsn;
            let gone = self.model.entries().iter().filter(|entry| range.contains(&entry.lsn)).count();
            assert_eq!(removal.entries, gone as u64);
            self.model.first_lsn = removal.last_lsn + 1;
            for known in &self.model.transactions {
                let end = known.first_lsn + known.transaction.changes.len() as u64;
                if end <= self.model.first_lsn && known.first_lsn < self.model.first_lsn {
                    self.model.forgotten.advance(known.transaction.node, known.transaction.sequence);
                }
            }
        }
    }

    fn compact(&mut self, random: &mut Random) {
        let tables = if random.chance(50) { vec!["orders".to_owned()] } else { Vec::new() };
        let mut known = Vec::new();
        if random.chance(50) && !self.model.transactions.is_empty() {
            known.push(random.pick(&self.model.transactions).clock.clone());
        }
        let may = self.model.compactable(tables.first().map(String::as_str), &known, u64::MAX);
        let before: BTreeSet<u64> = self.model.entries().iter().map(|entry| entry.lsn).collect();
        let removal = self.log.compact(&CompactionOptions { tables, known }).unwrap();
        let since = self.model.first_lsn.max(1) - 1;
        let after = common::query(&self.log, QueryOptions { since, ..QueryOptions::default() });
        let after: BTreeSet<u64> = after.iter().map(|entry| entry.lsn).collect();
        let gone: BTreeSet<u64> = before.difference(&after).copied().collect();
        assert_eq!(removal.map_or(0, |removal| removal.entries), gone.len() as u64);
        assert!(gone.is_subset(&may), "removed {gone:?}, could remove {may:?}");
        for entry in self.model.entries().iter().filter(|entry| gone.contains(&entry.lsn)) {
            self.model.forgotten.advance(entry.node, entry.transaction.sequence);
        }
        self.model.removed.extend(gone);
    }

    /// Segments take less room, and nothing else is to be seen of that.
    fn compress(&self) {
        let before = self.log.stats().unwrap();
        let report = self.log.compress().unwrap();
        assert!(report.bytes_after < report.bytes_before || report == CompressionReport::default());
        let after = self.log.stats().unwrap();
        let bytes = before.bytes - report.bytes_before + report.bytes_after;
        assert_eq!(after, ChangeLogStats { bytes, durable_lsn: after.durable_lsn, ..before });
        assert_eq!(after.bytes, self.bytes_on_disk());
        assert_eq!(self.log.compress().unwrap(), CompressionReport::default());
    }

    fn bytes_on_disk(&self) -> u64 {
        let storage = self.place.storage();
        let names = storage.list().unwrap().into_iter().filter(|name| name.ends_with(".segment"));
        let last = names.clone().max().unwrap();
        let sealed: u64 = names
            .filter(|name| *name != last)
            .map(|name| storage.open(&name).unwrap().length().unwrap())
            .sum();
        // The last one may have space that was prepared for what comes.
        let content = common::bytes(&*storage, &last);
        let mut end = common::HEADER;
        while let Some(length) = content.get(end..).and_then(|rest| rest.first_chunk::<4>()) {
            match u32::from_le_bytes(*length) as usize {
                0 => break,
                length => end += 8 + length,
            }
        }
        sealed + end as u64
    }

    fn options_for(&self, random: &mut Random) -> QueryOptions {
        let entries = self.model.entries();
        let some = |random: &mut Random| (!entries.is_empty()).then(|| random.pick(&entries).clone());
        let next = self.model.next_lsn();
        let mut options = QueryOptions { reverse: random.chance(40), ..QueryOptions::default() };
        let low = self.model.first_lsn.max(1) - 1;
        options.since = low;
        if random.chance(40) {
            options.since = low + random.below((next - low) as usize + 2) as u64;
        }
        if random.chance(30) {
            options.until = Some(random.below(next as usize + 3) as u64);
        }
        if random.chance(30) {
            options.limit = Some(random.below(8) as u64);
        }
        let Some(entry) = some(random) else { return options };
        if random.chance(30) {
            options.tables = vec![entry.table.clone()];
            if random.chance(30) {
                options.tables.push("lines".to_owned());
            }
        }
        if random.chance(30) {
            options.row_id = Some(entry.row_id.clone());
        }
        if random.chance(20) {
            options.operation = Some(entry.operation);
        }
        if random.chance(20) {
            options.node = Some(entry.node);
        }
        if random.chance(10) {
            options.transaction = Some(entry.transaction);
        }
        if random.chance(20) {
            options.unseen_by = Some(entry.vector_clock.clone());
        }
        let time =
            |random: &mut Random| Timestamp::from_nanoseconds((995 + random.below(60) as i64) * SECOND);
        if random.chance(15) {
            options.since_time = Some(time(random));
        }
        if random.chance(15) {
            options.until_time = Some(time(random));
        }
        options
    }

    fn check(&self, random: &mut Random) {
        let options = self.options_for(random);
        assert_eq!(common::query(&self.log, options.clone()), self.model.query(&options), "{options:?}");
        assert_eq!(self.log.frontier().unwrap(), self.model.frontier());
        let entries = self.model.entries();
        if let Some(entry) = (!entries.is_empty()).then(|| random.pick(&entries)) {
            assert_eq!(self.log.vector_clock(entry.dot()).unwrap(), entry.vector_clock);
        }
        if self.model.first_lsn > 1 {
            let early = QueryOptions { since: self.model.first_lsn - 2, ..QueryOptions::default() };
            let error =
                self.log.query(early).and_then(|cursor| cursor.collect::<Result<Vec<_>>>()).unwrap_err();
            assert_eq!(error.code(), ErrorCode::Truncated);
            assert!(error.message().contains(&self.model.first_lsn.to_string()), "{error}");
        }
    }

    fn check_all(&self) {
        let low = self.model.first_lsn.max(1) - 1;
        let all = QueryOptions { since: low, ..QueryOptions::default() };
        let entries = self.model.entries();
        assert_eq!(common::query(&self.log, all.clone()), entries);
        let mut backwards = common::query(&self.log, QueryOptions { reverse: true, ..all });
        backwards.reverse();
        assert_eq!(backwards, entries);
        let stats = self.log.stats().unwrap();
        assert_eq!(stats.entries, entries.len() as u64);
        assert_eq!(stats.last_lsn, self.model.next_lsn() - 1);
        for (table, counts) in &stats.tables {
            let of_table = entries.iter().filter(|entry| entry.table == *table);
            assert_eq!(counts.entries(), of_table.count() as u64, "{table}");
        }
        let report = self.log.verify().unwrap();
        assert!(report.is_intact(), "{:?}", report.findings);
        assert_eq!(report.entries, stats.entries);

        // What others have not seen can be handed to them, unless something of it was removed.
        let seen = self.model.forgotten.clone();
        match self.log.transactions(&seen) {
            Ok(cursor) => {
                let found: Vec<Transaction> = cursor.collect::<Result<_>>().unwrap();
                let left: Vec<Dot> = found.iter().map(Transaction::dot).collect();
                let wanted = self.model.transactions.iter().map(|known| known.transaction.dot());
                let wanted: Vec<Dot> = wanted.filter(|dot| !seen.covers(*dot)).collect();
                assert_eq!(left, wanted);
            }
            // Empty transactions at the border may be forgotten with the entries before them.
            Err(error) => assert_eq!(error.code(), ErrorCode::Truncated),
        }

        // Time travel, where nothing is missing.
        if self.model.first_lsn <= 1 && self.model.removed.is_empty() && !entries.is_empty() {
            let lsn = entries[entries.len() / 2].lsn;
            let snapshot = self.log.snapshot("orders", Moment::Lsn(lsn)).unwrap();
            let mut rows: BTreeMap<RowId, u64> = BTreeMap::new();
            for entry in entries.iter().filter(|entry| entry.table == "orders" && entry.lsn <= lsn) {
                if entry.operation == ChangeOperation::Delete {
                    rows.remove(&entry.row_id);
                } else {
                    rows.insert(entry.row_id.clone(), entry.lsn);
                }
            }
            let found: BTreeMap<RowId, u64> =
                snapshot.iter().map(|row| (row.row_id.clone(), row.lsn)).collect();
            assert_eq!(found, rows);
        }
    }
}

fn run(place: Place, mut random: Random, removing: bool) {
    let durability = *random.pick(&[Durability::Sync, Durability::Os, Durability::Interval]);
    let mut subject = Subject::new(place, durability);
    for _ in 0..60 + random.below(120) {
        match random.below(100) {
            0..45 => subject.append(&mut random),
            45..75 => subject.append_remote(&mut random),
            75..85 => subject.check(&mut random),
            85..90 => {
                let close = random.chance(50);
                subject.reopen(close);
            }
            90..93 if removing => subject.retain(&mut random),
            93..97 if removing => subject.compact(&mut random),
            97..99 => subject.compress(),
            _ => subject.check(&mut random),
        }
    }
    subject.check_all();
    assert_eq!(subject.log.stats().unwrap().bytes, subject.bytes_on_disk());
    subject.reopen(true);
    subject.check_all();
    assert_eq!(subject.log.stats().unwrap().bytes, subject.bytes_on_disk());
    // Without a checkpoint all is found out from the segments.
    subject.log.close().unwrap();
    subject.place.storage().remove(common::CHECKPOINT).unwrap();
    subject.reopen(false);
    subject.check_all();
    assert_eq!(subject.log.stats().unwrap().bytes, subject.bytes_on_disk());
}

#[test]
fn a_log_in_memory_is_what_the_model_says() {
    with_seeds(60, |random| run(Place::Memory(MemoryStorage::new()), random, false));
}

#[test]
fn a_log_in_memory_from_which_entries_are_removed_is_what_the_model_says() {
    with_seeds(80, |random| run(Place::Memory(MemoryStorage::new()), random, true));
}

#[test]
fn a_log_in_a_directory_is_what_the_model_says() {
    with_seeds(25, |random| run(Place::Directory(tempfile::tempdir().unwrap()), random, true));
}
