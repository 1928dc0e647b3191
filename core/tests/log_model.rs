//! A log against a naive model of one: whatever is done to both, they answer alike, in memory and in a directory.
//!
//! A state machine: proptest makes up what is done, and shortens it to a few steps where the two differ. Each step
//! brings its own random numbers, so that leaving out another one does not change it.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::expect_used)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use causelog::storage::{FileStorage, MemoryStorage, Storage};
use causelog::{
    Change, ChangeEntry, ChangeLog, ChangeLogStats, ChangeOperation, CompactionOptions, CompressionReport,
    Dot, Durability, ErrorCode, LogOptions, ManualTime, Moment, QueryOptions, Result, RetentionPolicy, RowId,
    Snapshot, Timestamp, Transaction, VectorClock, View,
};
use common::{CountingIds, Random, at, files_of, node, place_of};
use proptest::prelude::*;

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

    /// How a table stands by the entries that are left, up to `last`: the LSN that made each row so.
    fn rows(&self, table: &str, last: u64) -> BTreeMap<RowId, u64> {
        let mut rows = BTreeMap::new();
        for entry in self.entries().iter().filter(|entry| entry.table == table && entry.lsn <= last) {
            if entry.operation == ChangeOperation::Delete {
                rows.remove(&entry.row_id);
            } else {
                rows.insert(entry.row_id.clone(), entry.lsn);
            }
        }
        rows
    }

    /// What compaction may remove of the entries before `end`: of each row what lies below its newest entry that all
    /// others are comparable with.
    fn compactable(&self, table: Option<&str>, known: &[VectorClock], end: u64) -> BTreeSet<u64> {
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
                let below = entries.iter().filter(|entry| entry.lsn < choke.lsn && entry.lsn < end);
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
    /// A table that is refreshed now and then. It keeps the log open.
    view: Option<View>,
    /// Up to where the consumer has read, and committed.
    polled: u64,
    committed: u64,
}

const TABLES: [&str; 3] = ["orders", "lines", "a longer name of a table"];

impl Subject {
    fn new(place: Place, durability: Durability) -> Self {
        let time = Arc::new(ManualTime::new(at(1000 * SECOND)));
        let ids = CountingIds::from(1000);
        let options = Self::options(&time, &ids, durability);
        let log = ChangeLog::open_storage(place.storage(), options).unwrap();
        let (model, view, polled, committed) = (Model::default(), None, 0, 0);
        Subject { place, time, ids, durability, log, model, view, polled, committed }
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

    fn reopen(&mut self, how: usize) {
        self.view = None;
        self.polled = self.committed;
        match (how, &self.place) {
            (0, _) => self.log.close().unwrap(),
            // Another process finds what this one leaves when it dies.
            (1, Place::Memory(memory)) => self.place = Place::Memory(place_of(&files_of(memory))),
            _ => {}
        }
        // Without closing first, dropping does.
        let options = Self::options(&self.time, &self.ids, self.durability);
        let empty = ChangeLog::in_memory(LogOptions::default()).unwrap();
        drop(std::mem::replace(&mut self.log, empty));
        self.log = ChangeLog::open_storage(self.place.storage(), options).unwrap();
    }

    fn change(random: &mut Random) -> Change {
        let table = *random.pick(&TABLES);
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
                // Of what was removed only some clocks are kept.
                let removed = |dot: &Dot| self.model.forgotten.covers(*dot);
                assert!(self.model.first_lsn > 1 && transaction.dependencies.iter().any(removed));
            }
        }
    }

    fn retain(&mut self, random: &mut Random) {
        let policy = RetentionPolicy {
            max_bytes: random.chance(50).then(|| 4096 * random.below(6) as u64),
            max_age: random.chance(50).then(|| Duration::from_secs(random.below(40) as u64)),
            ..RetentionPolicy::default()
        };
        let removals = self.log.retain(&policy).unwrap();
        let stats = self.log.stats().unwrap();
        let unread = self.committed_or_all();
        if let Some(most) = policy.max_bytes {
            // Nothing more could go: the rest is little enough, or is being written, or somebody is yet to read it.
            let read = self.first_of_segment(1).is_none_or(|second| second > unread + 1);
            assert!(stats.bytes <= most || stats.segments == 1 || read, "{policy:?} {stats:?}");
        }
        for removal in removals {
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
        // All of it that is sealed goes.
        let end = self.first_of_segment(self.log.stats().unwrap().segments as usize - 1).unwrap();
        let wanted = self.model.compactable(tables.first().map(String::as_str), &known, end);
        let before: BTreeSet<u64> = self.model.entries().iter().map(|entry| entry.lsn).collect();
        let removal = self.log.compact(&CompactionOptions { tables, known }).unwrap();
        let since = self.model.first_lsn.max(1) - 1;
        let after = common::query(&self.log, QueryOptions { since, ..QueryOptions::default() });
        let after: BTreeSet<u64> = after.iter().map(|entry| entry.lsn).collect();
        let gone: BTreeSet<u64> = before.difference(&after).copied().collect();
        assert_eq!(removal.map_or(0, |removal| removal.entries), gone.len() as u64);
        assert_eq!(gone, wanted);
        for entry in self.model.entries().iter().filter(|entry| gone.contains(&entry.lsn)) {
            self.model.forgotten.advance(entry.node, entry.transaction.sequence);
        }
        self.model.removed.extend(gone);
    }

    /// LSN of the first entry of the segment at this place, or the one that it would have.
    fn first_of_segment(&self, at: usize) -> Option<u64> {
        let storage = self.place.storage();
        let mut names: Vec<String> =
            storage.list().unwrap().into_iter().filter(|name| name.ends_with(".segment")).collect();
        names.sort();
        let content = common::bytes(&*storage, names.get(at)?);
        // Of a compressed one that is not where it stands; the index has it in the same place for all.
        if content[10] == 7 {
            let index = common::bytes(&*storage, &names[at].replace(".segment", ".index"));
            return Some(u64::from_le_bytes(index[39..47].try_into().unwrap()));
        }
        Some(u64::from_le_bytes(content[35..43].try_into().unwrap()))
    }

    /// Up to which LSN all who keep their position have read; all of it where nobody does.
    fn committed_or_all(&self) -> u64 {
        let consumers = self.log.consumers().unwrap();
        consumers.iter().map(|consumer| consumer.position).min().unwrap_or(u64::MAX - 1)
    }

    /// Reads on as a consumer, and now and then says so.
    fn consume(&mut self, random: &mut Random) {
        let consumer = self.log.consumer("reader").unwrap();
        assert_eq!(consumer.position().unwrap(), self.committed);
        if self.polled > self.committed {
            consumer.commit(self.polled).unwrap();
            self.committed = self.polled;
            return;
        }
        let limit = 1 + random.below(12) as u64;
        let found = match consumer.poll(limit) {
            Ok(found) => found,
            Err(error) => {
                // It was made after the beginning had gone.
                assert_eq!(error.code(), ErrorCode::Truncated);
                assert!(self.polled + 1 < self.model.first_lsn);
                consumer.reset(self.model.first_lsn - 1).unwrap();
                (self.polled, self.committed) = (self.model.first_lsn - 1, self.model.first_lsn - 1);
                return;
            }
        };
        let left: Vec<ChangeEntry> =
            self.model.entries().into_iter().filter(|entry| entry.lsn > self.polled).collect();
        assert!(left.starts_with(&found), "{found:?}");
        let whole = left
            .get(found.len())
            .is_none_or(|next| found.last().is_some_and(|last| last.transaction != next.transaction));
        assert!(whole, "a part of a transaction, or nothing though there is more");
        assert!(
            found.len() as u64 <= limit
                || found.iter().all(|entry| entry.transaction == found[0].transaction)
        );
        self.polled = match left.get(found.len()) {
            Some(_) => found[found.len() - 1].lsn,
            None => self.model.next_lsn() - 1,
        };
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
        // What there is nothing of.
        match random.below(30) {
            0 => options.tables = vec!["nowhere".to_owned()],
            1 => options.row_id = Some("nobody".into()),
            2 => options.node = Some(node(99)),
            3 => options.transaction = Some(Dot::new(node(99), 1)),
            _ => {}
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
            for reverse in [false, true] {
                let early =
                    QueryOptions { since: self.model.first_lsn - 2, reverse, ..QueryOptions::default() };
                let mut found = Vec::new();
                let error = self.log.query(early).and_then(|cursor| {
                    cursor.into_iter().try_for_each(|entry| {
                        found.push(entry?);
                        Ok(())
                    })
                });
                let error = error.unwrap_err();
                assert_eq!(error.code(), ErrorCode::Truncated);
                assert!(error.message().contains(&self.model.first_lsn.to_string()), "{error}");
                // Backwards all that is left comes before it.
                found.reverse();
                assert_eq!(found, if reverse { self.model.entries() } else { Vec::new() });
            }
        }
        self.check_rows(random);
    }

    /// Of one row all that there is, and how it stands; of one table the same.
    fn check_rows(&self, random: &mut Random) {
        let entries = self.model.entries();
        let table = *random.pick(&TABLES);
        let last = self.model.next_lsn() - 1;
        let now = self.model.rows(table, last);
        let from_the_beginning = self.model.first_lsn <= 1;
        if let Some(entry) = (!entries.is_empty()).then(|| random.pick(&entries)) {
            let of_row =
                |other: &&ChangeEntry| (&other.table, &other.row_id) == (&entry.table, &entry.row_id);
            let wanted: Vec<ChangeEntry> = entries.iter().filter(of_row).cloned().collect();
            let history = self.log.history(&entry.table, entry.row_id.clone());
            match history.and_then(|cursor| cursor.collect::<Result<Vec<_>>>()) {
                Ok(history) => assert_eq!(history, wanted),
                Err(error) => {
                    assert_eq!(error.code(), ErrorCode::Truncated);
                    assert!(!from_the_beginning);
                }
            }
            let row = self.log.state_at(&entry.table, entry.row_id.clone(), Moment::Now).unwrap();
            let wanted = self.model.rows(&entry.table, last).get(&entry.row_id).copied();
            assert_eq!(row.map(|row| row.lsn), wanted);
            // Any moment that nothing was removed of.
            let lsn = entry.lsn;
            match self.log.state_at(&entry.table, entry.row_id.clone(), Moment::Lsn(lsn)) {
                Ok(row) => {
                    let wanted = self.model.rows(&entry.table, lsn).get(&entry.row_id).copied();
                    assert_eq!(row.map(|row| row.lsn), wanted);
                }
                Err(error) => {
                    assert_eq!(error.code(), ErrorCode::Truncated, "{error}");
                    assert!(!self.model.removed.is_empty());
                }
            }
            match self.log.snapshot(table, Moment::Lsn(lsn)) {
                Ok(snapshot) => assert_eq!(lsns(&snapshot), self.model.rows(table, lsn)),
                Err(error) => {
                    assert_eq!(error.code(), ErrorCode::Truncated, "{error}");
                    assert!(!self.model.removed.is_empty() || !from_the_beginning);
                }
            }
        }
        match self.log.snapshot(table, Moment::Now) {
            Ok(snapshot) => assert_eq!((lsns(&snapshot), snapshot.lsn()), (now, last)),
            Err(error) => {
                assert_eq!(error.code(), ErrorCode::Truncated);
                assert!(!from_the_beginning);
            }
        }
    }

    /// A table that is kept takes in what is new, or says that it cannot.
    fn refresh(&mut self) {
        let Some(view) = &self.view else {
            let made = self.log.materialise("orders");
            assert_eq!(made.is_err(), self.model.first_lsn > 1);
            self.view = made.ok();
            return;
        };
        if let Err(error) = view.refresh() {
            assert_eq!(error.code(), ErrorCode::Truncated);
            assert!(view.lsn() + 1 < self.model.first_lsn);
            self.view = None;
            return;
        }
        assert_eq!(view.lsn(), self.model.next_lsn() - 1);
        if self.model.first_lsn <= 1 {
            assert_eq!(lsns(&view.snapshot()), self.model.rows("orders", view.lsn()));
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
        let mut counted: BTreeMap<&str, u64> = BTreeMap::new();
        entries.iter().for_each(|entry| *counted.entry(&entry.table).or_default() += 1);
        let found: BTreeMap<&str, u64> =
            stats.tables.iter().map(|(table, counts)| (table.as_str(), counts.entries())).collect();
        assert_eq!(found, counted);
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
            Err(error) => {
                assert_eq!(error.code(), ErrorCode::Truncated);
                assert!(self.model.first_lsn > 1);
            }
        }
    }
}

/// The LSN that made each row of a snapshot so.
fn lsns(snapshot: &Snapshot) -> BTreeMap<RowId, u64> {
    snapshot.iter().map(|row| (row.row_id.clone(), row.lsn)).collect()
}

/// What is done, of a hundred kinds of things, and the random numbers that it takes.
type Step = (usize, u64);

fn steps(most: usize) -> impl Strategy<Value = Vec<Step>> {
    proptest::collection::vec((0..100usize, any::<u64>()), 1..most)
}

fn run(place: Place, durability: usize, steps: &[Step], removing: bool) {
    let mut subject = Subject::new(place, Durability::ALL[durability]);
    for (kind, seed) in steps {
        let mut random = Random(*seed);
        match kind {
            0..45 => subject.append(&mut random),
            45..72 => subject.append_remote(&mut random),
            72..76 => subject.consume(&mut random),
            76..79 => subject.refresh(),
            85..90 => subject.reopen(random.below(3)),
            90..93 if removing => subject.retain(&mut random),
            93..97 if removing => subject.compact(&mut random),
            97..99 => subject.compress(),
            _ => subject.check(&mut random),
        }
    }
    subject.check_all();
    assert_eq!(subject.log.stats().unwrap().bytes, subject.bytes_on_disk());
    subject.reopen(0);
    subject.check_all();
    assert_eq!(subject.log.stats().unwrap().bytes, subject.bytes_on_disk());
    // Without a checkpoint all is found out from the segments.
    subject.log.close().unwrap();
    subject.place.storage().remove(common::CHECKPOINT).unwrap();
    subject.reopen(2);
    subject.check_all();
    assert_eq!(subject.log.stats().unwrap().bytes, subject.bytes_on_disk());
}

proptest! {
    #![proptest_config(common::cases(90))]

    #[test]
    fn a_log_in_memory_is_what_the_model_says(durability in 0..3usize, steps in steps(180)) {
        run(Place::Memory(MemoryStorage::new()), durability, &steps, false);
    }

    #[test]
    fn a_log_in_memory_from_which_entries_are_removed_is_what_the_model_says(
        durability in 0..3usize, steps in steps(180),
    ) {
        run(Place::Memory(MemoryStorage::new()), durability, &steps, true);
    }
}

proptest! {
    #![proptest_config(common::cases(30))]

    #[test]
    fn a_log_in_a_directory_is_what_the_model_says(durability in 0..3usize, steps in steps(180)) {
        run(Place::Directory(tempfile::tempdir().unwrap()), durability, &steps, true);
    }
}
