//! What grows with a log, and what does not: bytes on disk with the nodes that took part, and bytes read with
//! the length of the log.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::expect_used)]

mod common;

use std::sync::Arc;

use causelog::storage::Storage;
use causelog::{
    Change, ChangeEntry, ChangeLog, CompactionOptions, Cursor, Dot, Durability, LogOptions, ManualTime,
    QueryOptions, RetentionPolicy, Transaction, Uuid, VectorClock,
};
use common::counting::CountingStorage;
use common::{CountingIds, ENDS, Random, at, files_of, foreign, node, options_with, query};

fn log_options(segment_bytes: u64) -> LogOptions {
    let time = Arc::new(ManualTime::new(at(1_000_000)));
    LogOptions { node: Some(node(0)), durability: Durability::Os, segment_bytes, ..options_with(time) }
}

fn open(storage: &CountingStorage, segment_bytes: u64) -> ChangeLog {
    ChangeLog::open_storage(Arc::new(storage.clone()), log_options(segment_bytes)).unwrap()
}

/// A log of some history, as it lies there once closed.
struct Written {
    storage: CountingStorage,
    transactions: u64,
    nodes: u64,
    dependencies: u64,
}

const SEGMENT: u64 = 256 << 10;

impl Written {
    fn new(write: impl FnOnce(&ChangeLog)) -> Written {
        let storage = CountingStorage::new();
        let log = open(&storage, SEGMENT);
        write(&log);
        let stats = log.stats().unwrap();
        log.close().unwrap();
        let log = open(&storage, SEGMENT);
        let dependencies = common::transactions(&log).iter().map(|t| t.dependencies.len() as u64).sum();
        log.close().unwrap();
        Written { storage, transactions: stats.transactions, nodes: stats.nodes, dependencies }
    }

    /// Bytes of the segments and of all else, without the node ids; and those of the ids.
    fn bytes(&self) -> [u64; 3] {
        let [mut frames, mut derived, mut ids] = [0; 3];
        for (name, bytes) in self.storage.files() {
            let here = 16 * bytes.windows(16).filter(|window| is_node(window)).count() as u64;
            let of = if name.ends_with(".segment") { &mut frames } else { &mut derived };
            *of += bytes.len() as u64 - here;
            ids += here;
        }
        [frames, derived, ids]
    }
}

/// Whether these bytes are an id of `common::node`, as nothing else in a log is.
fn is_node(bytes: &[u8]) -> bool {
    let [start @ .., high, _, _, _, _, _, _, _, _, _] = bytes else { return false };
    start == [0; 6] && (0x40..0x80).contains(high) && bytes[8..] == [0x80, 0, 0, 0, 0, 0, 0, 0]
}

/// What each transaction takes in the segments, and in what is derived from them, because several nodes wrote the
/// log: beyond a log of one node. There the author takes one byte, the sequence up to three, and what was
/// seen none. Node ids are left out.
#[track_caller]
fn check_bytes(name: &str, written: &Written, most: [f64; 2]) {
    let alone = Written::new(|log| {
        for _ in 0..written.transactions {
            log.append_transaction(change()).unwrap();
        }
    });
    let each = |bytes: u64| bytes as f64 / written.transactions as f64;
    let [frames, derived, ids] = written.bytes().map(each);
    let [frames_alone, derived_alone, _] = alone.bytes().map(each);
    println!(
        "{name}: {} transactions of {} nodes, {:.2} dependencies each; bytes each beyond one node's: {:.2} in \
         segments (+ {frames_alone:.2}), {:.2} in what is derived (+ {derived_alone:.2}); {ids:.2} for node ids",
        written.transactions,
        written.nodes,
        each(written.dependencies),
        frames - frames_alone,
        derived - derived_alone,
    );
    assert!(frames - frames_alone <= most[0], "{name}: {frames:.2} bytes a transaction");
    assert!(derived - derived_alone <= most[1], "{name}: {derived:.2} derived bytes a transaction");
}

fn change() -> [Change; 1] {
    [Change::insert("t", 1, "0123456789abcdef")]
}

fn append(log: &ChangeLog, author: Uuid, sequence: u64, dependencies: Vec<Dot>) -> Dot {
    let changes = change().to_vec();
    let transaction = Transaction { node: author, sequence, dependencies, timestamp: at(1_000_000), changes };
    log.append_remote(&transaction).unwrap().transaction
}

/// Nodes that come, write a few transactions and go, so many of them at once.
fn short_lived(log: &ChangeLog, nodes: u64, at_once: usize) {
    let mut random = Random(nodes);
    let mut made = 0;
    let mut next = || {
        made += 1;
        node(made)
    };
    let mut live: Vec<(Uuid, u64, Option<Dot>)> = (0..at_once).map(|_| (next(), 0, None)).collect();
    let mut left = nodes - at_once as u64;
    while left > 0 {
        let place = random.below(at_once);
        let other = live[random.below(at_once)].2;
        let (author, sequence, before) = &mut live[place];
        *sequence += 1;
        let dependencies = before.iter().chain(&other).copied().collect();
        *before = Some(append(log, *author, *sequence, dependencies));
        if random.chance(25) {
            // Who comes in its place goes on from what it wrote.
            (*author, *sequence, left) = (next(), 0, left - 1);
        }
    }
}

/// A hub and its spokes, each of which brings what it wrote since its last visit and takes with it all that is there.
fn hub(log: &ChangeLog, spokes: usize, visits: usize, merges: bool) {
    let mut random = Random(7);
    // Transactions that no other has seen, with the visit that brought them.
    let mut tips: Vec<(usize, Dot)> = Vec::new();
    let mut seen: Vec<(usize, u64, Vec<Dot>)> = vec![(0, 0, Vec::new()); spokes];
    for visit in 1..=visits {
        let place = random.below(spokes);
        let author = node(1 + place as u64);
        let (last_visit, sequence, dependencies) = &mut seen[place];
        for _ in 0..2 {
            *sequence += 1;
            let all = std::mem::take(dependencies);
            tips.retain(|(brought, dot)| dot.node != author && (*brought > *last_visit || all.is_empty()));
            let dot = append(log, author, *sequence, all);
            dependencies.push(dot);
            tips.push((visit, dot));
        }
        if merges && tips.len() > 1 {
            let dot = log.append_transaction([]).unwrap().transaction;
            tips = vec![(visit, dot)];
        }
        *dependencies = tips.iter().map(|(_, dot)| *dot).collect();
        *last_visit = visit;
    }
}

#[test]
fn many_short_lived_nodes_cost_little_each() {
    let written = Written::new(|log| short_lived(log, 10_000, 50));
    check_bytes("10,000 short-lived nodes, 50 at once", &written, [8.0, 16.0]);
}

/// Each segment keeps by how much the clocks it goes on from differ: with many at once who see little of each
/// other, and small segments, that is most of the log.
#[test]
fn many_at_once_cost_what_their_clocks_differ_by_in_each_segment() {
    let written = Written::new(|log| short_lived(log, 4_000, 500));
    check_bytes("4,000 short-lived nodes, 500 at once", &written, [8.0, 400.0]);
}

#[test]
fn a_hub_with_many_spokes_costs_little() {
    let written = Written::new(|log| hub(log, 1000, 2_000, true));
    check_bytes("a hub with 1,000 spokes", &written, [8.0, 16.0]);
    // Without merges each visitor has seen many: then the dependencies are what is to be paid for.
    let written = Written::new(|log| hub(log, 1000, 1_500, false));
    let each = written.dependencies as f64 / written.transactions as f64;
    check_bytes("a hub with 1,000 spokes that merges nothing", &written, [4.0 * each + 4.0, 64.0]);
}

#[test]
fn a_real_history_costs_little() {
    let Some(transactions) = common::history::riak_kv() else { return };
    let storage = CountingStorage::new();
    let log = open(&storage, 64 << 20);
    drop(log);
    let time = Arc::new(ManualTime::new("2100-01-01T00:00:00Z".parse().unwrap()));
    let log =
        ChangeLog::open_storage(Arc::new(storage.clone()), LogOptions { time, ..log_options(64 << 20) })
            .unwrap();
    // The same changes by one node first, to know what is not for the sake of the others.
    let alone = CountingStorage::new();
    let single = open(&alone, 64 << 20);
    for transaction in &transactions {
        log.append_remote(transaction).unwrap();
        single.append_transaction(&transaction.changes).unwrap();
    }
    log.close().unwrap();
    single.close().unwrap();
    let total =
        |storage: &CountingStorage| storage.files().values().map(|bytes| bytes.len() as f64).sum::<f64>();
    // In the segment, its index, and the checkpoint.
    let ids = 16.0 * 791.0 * 3.0;
    let beyond = (total(&storage) - total(&alone) - ids) / transactions.len() as f64;
    println!("riak_kv: {beyond:.2} bytes a transaction beyond one node's");
    assert!(beyond <= 16.0, "{beyond}");
}

/// `count` entries of 1000 rows in turns, one to a transaction, by three nodes.
fn write(log: &ChangeLog, count: u64) {
    for other in 1..=2 {
        log.append_remote(&foreign(node(other), 1, &[], 0)).unwrap();
    }
    for number in 0..count {
        let row = if number % (count / 10) == 0 { -1 } else { (number % 1000) as i64 };
        log.append(Change::insert("t", row, vec![number as u8; 100])).unwrap();
    }
}

#[test]
fn an_old_clock_reads_its_own_segment_at_most() {
    let storage = CountingStorage::new();
    let log = open(&storage, SEGMENT);
    short_lived(&log, 10_000, 50);
    log.close().unwrap();
    let log = open(&storage, SEGMENT);
    let dots: Vec<Dot> = common::transactions(&log).iter().map(Transaction::dot).collect();
    let segments = log.stats().unwrap().segments;
    let mut most = 0;
    for place in [1, dots.len() / 5, dots.len() / 3, dots.len() / 2] {
        let log = open_fresh(&storage);
        storage.take();
        assert_eq!(log.vector_clock(dots[place]).unwrap().get(dots[place].node), dots[place].sequence);
        let reads = storage.take_by_kind();
        println!("the clock of transaction {place} of {}, in {segments} segments: {reads:?}", dots.len());
        most = most.max(reads.get("segment").map_or(0, |reads| reads.bytes));
    }
    assert!(segments > 5);
    assert!(most <= 2 * SEGMENT, "{most} bytes of segments for one clock");
}

/// The log of one of two nodes that send each other what they have now and then. What comes from the other one has seen
/// what this one wrote a while ago, and nothing since. Returns each transaction with its clock.
fn both_ways(log: &ChangeLog, bytes: u64) -> Vec<(Dot, VectorClock)> {
    const PAYLOAD: usize = 500;
    // With what comes from the other one in between, more bytes than there are between two places where all clocks are kept.
    const LATENCY: usize = (40 << 10) / (PAYLOAD + 30);
    const BATCH: u64 = 4;
    let change = |row: u64| Change::insert("t", row as i64, vec![row as u8; PAYLOAD]);
    let with = |past: &VectorClock, dot: Dot| {
        let mut clock = past.clone();
        clock.advance(dot.node, dot.sequence);
        clock
    };
    let mut all: Vec<(Dot, VectorClock)> = Vec::new();
    // Of all, those that this node wrote.
    let mut own: Vec<usize> = Vec::new();
    let (mut seen, mut there) = (VectorClock::new(), VectorClock::new());
    let mut last_there: Option<Dot> = None;
    for number in 1.. {
        let dot = log.append(change(number)).unwrap().transaction;
        seen = with(&seen, dot);
        own.push(all.len());
        all.push((dot, seen.clone()));
        let sent = own.len().checked_sub(LATENCY).filter(|_| number.is_multiple_of(15));
        let mut sent = sent.map(|place| all[own[place]].clone());
        for _ in 0..if sent.is_some() { BATCH } else { 0 } {
            let dependencies = last_there.into_iter().chain(sent.as_ref().map(|(dot, _)| *dot)).collect();
            if let Some((_, clock)) = sent.take() {
                there.merge(&clock);
            }
            let sequence = last_there.map_or(1, |dot| dot.sequence + 1);
            let (timestamp, changes) = (at(1_000_000), vec![change(number)]);
            let transaction = Transaction { node: node(1), sequence, dependencies, timestamp, changes };
            let dot = log.append_remote(&transaction).unwrap().transaction;
            (there, last_there) = (with(&there, dot), Some(dot));
            all.push((dot, there.clone()));
        }
        seen.merge(&there);
        if number.is_multiple_of(100) && log.stats().unwrap().bytes > bytes {
            break;
        }
    }
    all
}

/// What a transaction depends on may lie before the place where reading begins, again and again.
#[test]
fn an_old_clock_of_two_who_write_both_ways_reads_a_few_times_its_segment_at_most() {
    for segment_bytes in [1 << 20, 4 << 20] {
        let storage = CountingStorage::new();
        let log = open(&storage, segment_bytes);
        let all = both_ways(&log, 3 * segment_bytes + segment_bytes / 2);
        let segments = log.stats().unwrap().segments;
        assert_eq!(segments, 4);
        log.close().unwrap();
        drop(log);
        let mut most = 0;
        for part in 1..16 {
            // One of either node.
            let place = all.len() / 16 * part;
            let next = (place..).find(|next| all[*next].0.node != all[place].0.node).unwrap();
            for (dot, clock) in [&all[place], &all[next]] {
                for read_only in [true, false] {
                    let options = LogOptions { read_only, ..log_options(segment_bytes) };
                    let log = ChangeLog::open_storage(Arc::new(storage.clone()), options).unwrap();
                    storage.take();
                    assert_eq!(log.vector_clock(*dot).unwrap(), *clock);
                    let reads = storage.take();
                    most = most.max(reads.bytes);
                }
            }
        }
        println!("{} transactions in {segments} segments of {segment_bytes}: {most} bytes", all.len());
        assert!(most <= 3 * segment_bytes, "{most} bytes read for one clock");
    }
}

/// What a process leaves that ends without closing the log.
fn crashed(storage: &CountingStorage) -> CountingStorage {
    let copy = CountingStorage::new();
    for (name, content) in files_of(storage) {
        if name == ENDS {
            let cells = copy.shared(ENDS, content.len() / 8).unwrap();
            for (index, value) in content.as_chunks().0.iter().enumerate() {
                cells.store(index, u64::from_le_bytes(*value));
            }
        } else {
            copy.replace(&name, &content).unwrap();
        }
    }
    copy
}

/// What of a log retention has left.
fn entries_left(log: &ChangeLog) -> Vec<ChangeEntry> {
    let since = log.stats().unwrap().first_lsn - 1;
    query(log, QueryOptions { since, ..QueryOptions::default() })
}

/// What is done to a log now and then; whether there was something to do.
type Upkeep = (&'static str, fn(&ChangeLog) -> bool);

const UPKEEP: [Upkeep; 3] = [
    ("compress", |log| log.compress().unwrap().segments > 0),
    ("compact", |log| log.compact(&CompactionOptions::default()).unwrap().is_some()),
    ("retain", |log| {
        let max_bytes = Some(log.stats().unwrap().bytes - 10_000);
        !log.retain(&RetentionPolicy { max_bytes, ..RetentionPolicy::default() }).unwrap().is_empty()
    }),
];

/// What puts other files in the place of those that are there first takes back what was said of where the log ends. What
/// it says then, in the middle of a segment, must be of use.
#[test]
fn a_crash_after_upkeep_leaves_little_to_read() {
    const SMALL: u64 = 8 << 10;
    let append = |log: &ChangeLog, count: u64| {
        let last = log.stats().unwrap().last_lsn;
        for number in last..last + count {
            log.append(Change::insert("t", (number % 1000) as i64, vec![number as u8; 100])).unwrap();
        }
    };
    for (durability, (what, upkeep)) in Durability::ALL.into_iter().flat_map(|it| UPKEEP.map(|how| (it, how)))
    {
        let open = |storage: &CountingStorage, times: u64, read_only: bool| {
            let ids = CountingIds::from(1000 * (times + 1));
            let options = LogOptions { durability, read_only, ids, ..log_options(SMALL) };
            ChangeLog::open_storage(Arc::new(storage.clone()), options).unwrap()
        };
        let mut storage = CountingStorage::new();
        let mut log = open(&storage, 0, false);
        log.append_remote(&foreign(node(1), 1, &[], 0)).unwrap();
        append(&log, 5_000);
        for times in 1..=4 {
            let begun = log.stats().unwrap().segments;
            while log.stats().unwrap().segments == begun {
                append(&log, 1);
            }
            append(&log, 20);
            assert!(upkeep(&log), "{what}");
            // Once more within the segment, of which there is an index already.
            append(&log, 5);
            upkeep(&log);
            append(&log, 5);
            let stats = log.stats().unwrap();
            assert!(stats.segments > 50, "{stats:?}");
            let all = entries_left(&log);

            for read_only in [true, false] {
                let left = crashed(&storage);
                let files = left.files();
                let (last, segment) = files.iter().rfind(|(name, _)| name.ends_with(".segment")).unwrap();
                let is_sealed = |name: &str| name.ends_with(".segment") && name != last;
                let few = files.iter().filter(|(name, _)| !is_sealed(name) && !name.ends_with(".index"));
                let few: u64 = few.map(|(_, bytes)| bytes.len() as u64).sum();
                left.take();
                let opened = open(&left, times, read_only);
                let reads = left.take_by_kind();
                assert!(reads["segment"].bytes <= segment.len() as u64, "{what}: {reads:?}");
                // Small files are read twice where somebody may change them meanwhile.
                let bytes: u64 = reads.values().map(|reads| reads.bytes).sum();
                assert!(bytes <= 2 * few && !reads.contains_key("index"), "{what}: {reads:?} of {few}");
                assert_eq!(entries_left(&opened), all);
                assert_eq!(opened.stats().unwrap().segments, stats.segments);
                if !read_only {
                    log = opened;
                    storage = left;
                }
            }
        }
    }
}

/// Reads on to the end, without clocks.
fn read(mut cursor: Cursor) -> u64 {
    let mut read = 0;
    while let Some(entry) = cursor.next_entry().unwrap() {
        read += u64::from(entry.lsn > 0);
    }
    read
}

/// Another handle, which has nothing at hand.
fn open_fresh(storage: &CountingStorage) -> ChangeLog {
    let options = LogOptions { read_only: true, ..log_options(SEGMENT) };
    ChangeLog::open_storage(Arc::new(storage.clone()), options).unwrap()
}

#[test]
fn what_is_read_does_not_grow_with_the_log() {
    let mut all = Vec::new();
    for count in [10_000, 100_000] {
        // Of both sizes the same number of segments: each that may have a row is looked at.
        let segment_bytes = count * 25;
        let storage = CountingStorage::new();
        let log = open(&storage, segment_bytes);
        write(&log, count);
        let segments = log.stats().unwrap().segments;
        log.close().unwrap();
        drop(log);
        storage.take();
        let log = open(&storage, segment_bytes);
        let mut reads = vec![("opening", storage.take())];
        assert_eq!(read(log.history("t", -1).unwrap()), 10);
        reads.push(("the history of a row", storage.take()));
        let last = || QueryOptions { since: count - 1000, ..QueryOptions::default() };
        assert_eq!(read(log.query(last()).unwrap()), 1000);
        reads.push(("the last 1000", storage.take()));
        assert_eq!(log.query(last()).unwrap().map(Result::unwrap).count(), 1000);
        reads.push(("the last 1000 with clocks", storage.take()));
        let since = count / 2 + 77;
        let mut cursor =
            log.query(QueryOptions { since, limit: Some(1), ..QueryOptions::default() }).unwrap();
        let clock = cursor.next_entry().unwrap().unwrap().vector_clock().unwrap();
        assert_eq!((clock.len(), clock.get(node(0))), (3, since + 1));
        reads.push(("an old entry with its clock", storage.take()));
        println!("{count} entries in {segments} segments: {reads:?}");
        all.push(reads);
    }
    for ((what, small), (_, large)) in all[0].iter().zip(&all[1]) {
        assert!(large.bytes <= 2 * small.bytes && large.bytes <= 512 << 10, "{what}: {small:?}, {large:?}");
    }
}

#[test]
fn a_cursor_holds_one_block() {
    let storage = CountingStorage::new();
    let log = open(&storage, 4 << 20);
    write(&log, 100_000);
    storage.take();
    for reverse in [false, true] {
        let cursor = log.query(QueryOptions { reverse, ..QueryOptions::default() }).unwrap();
        assert_eq!(read(cursor), 100_000);
        let reads = storage.take();
        let bytes = log.stats().unwrap().bytes;
        println!("reverse {reverse}: {reads:?} of {bytes} bytes");
        // Backwards a block starts where a frame does.
        assert!(reads.most <= (256 << 10) + (8 << 10), "{reads:?}");
        assert!(reads.bytes <= bytes + bytes / 4, "{reads:?} of {bytes}");
    }
}
