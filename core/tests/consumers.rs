//! Consumers: what they hand out, and that their positions outlive whatever happens.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::expect_used)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use causelog::storage::{MemoryStorage, Storage};
use causelog::{
    Change, ChangeEntry, ChangeLog, Consumer, ConsumerStatus, Dot, Durability, ErrorCode, LogOptions, Result,
    RetentionPolicy, Transaction, TransactionCursor, VectorClock,
};
use common::faulty::{FaultyStorage, Mode, Operation};
use common::process::{Other, as_other, ready};
use common::{Random, bytes, cases, entries, options, transactions, with_seeds};
use proptest::prelude::*;

const TIMEOUT: Duration = Duration::from_secs(60);

fn code<T>(outcome: Result<T>) -> Option<ErrorCode> {
    outcome.err().map(|error| error.code())
}

/// Small segments, so that there are several.
fn with_durability(durability: Durability) -> LogOptions {
    LogOptions { durability, segment_bytes: 4096, ..options() }
}

fn open(storage: &(impl Storage + Clone + 'static), options: LogOptions) -> ChangeLog {
    ChangeLog::open_storage(Arc::new(storage.clone()), options).unwrap()
}

fn reader(storage: &(impl Storage + Clone + 'static)) -> ChangeLog {
    open(storage, LogOptions { read_only: true, ..options() })
}

/// Appends one transaction of `count` entries.
fn append(log: &ChangeLog, count: usize) {
    let change = |number| Change::insert("t", number as i64, vec![b'x'; 200]);
    log.append_transaction((0..count).map(change).collect::<Vec<_>>()).unwrap();
}

fn log_of(transactions: &[usize]) -> (MemoryStorage, ChangeLog) {
    let storage = MemoryStorage::new();
    let log = open(&storage, with_durability(Durability::Sync));
    transactions.iter().for_each(|count| append(&log, *count));
    (storage, log)
}

fn lsns(entries: &[ChangeEntry]) -> Vec<u64> {
    entries.iter().map(|entry| entry.lsn).collect()
}

fn poll(consumer: &Consumer, limit: u64) -> Vec<u64> {
    lsns(&consumer.poll(limit).unwrap())
}

const FILE: &str = "consumer-a.position";

#[test]
fn a_consumer_goes_on_where_it_was_committed() {
    let (storage, log) = log_of(&[1, 3, 1]);
    let consumer = log.consumer("a").unwrap();
    assert_eq!((consumer.name(), consumer.position().unwrap(), consumer.lag().unwrap()), ("a", 0, 5));
    assert_eq!(poll(&consumer, 2), [1]);
    // A transaction that is longer than the limit comes whole.
    assert_eq!(poll(&consumer, 2), [2, 3, 4]);
    consumer.commit(4).unwrap();
    assert_eq!(poll(&consumer, 2), [5]);
    assert_eq!(poll(&consumer, 2), [] as [u64; 0]);
    assert_eq!((consumer.position().unwrap(), consumer.lag().unwrap()), (4, 1));
    drop((consumer, log));

    let log = open(&storage, options());
    let consumer = log.consumer("a").unwrap();
    assert_eq!(poll(&consumer, 9), [5]);
    append(&log, 2);
    assert_eq!(poll(&consumer, 9), [6, 7]);
    // Within a transaction: all of it again.
    for position in [1, 2, 3] {
        consumer.reset(position).unwrap();
        assert_eq!(poll(&consumer, 3), [2, 3, 4], "{position}");
        assert_eq!(log.consumer("a").unwrap().position().unwrap(), position);
    }
    // What is committed needs no handing out.
    consumer.commit(6).unwrap();
    assert_eq!(poll(&consumer, 9), [6, 7]);
    consumer.commit(7).unwrap();
    assert_eq!((poll(&consumer, 9), consumer.lag().unwrap()), (vec![], 0));
}

#[test]
fn what_a_consumer_cannot_do_is_said() {
    let (storage, log) = log_of(&[1, 1, 1]);
    let consumer = log.consumer("a").unwrap();
    assert_eq!(code(consumer.poll(0)), Some(ErrorCode::InvalidArgument));
    consumer.commit(2).unwrap();
    consumer.commit(2).unwrap();
    for (outcome, words) in [
        (consumer.commit(1), ["LSN 1", "position, 2"]),
        (consumer.commit(4), ["LSN 4", "last one, 3"]),
        (consumer.reset(u64::MAX), ["18446744073709551615", "last one, 3"]),
    ] {
        let error = outcome.unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidArgument);
        assert!(words.iter().all(|word| error.message().contains(word)), "{error}");
    }
    assert_eq!(consumer.position().unwrap(), 2);

    for name in ["", "a/b", "ä", "a b", "\0", &"x".repeat(101)] {
        assert_eq!(code(log.consumer(name)), Some(ErrorCode::InvalidArgument), "{name:?}");
        assert_eq!(code(log.remove_consumer(name)), Some(ErrorCode::InvalidArgument), "{name:?}");
    }
    let names = [".", "..", "a.lock", "a.position", "A-Z_0.9", &"x".repeat(100)];
    for name in names {
        log.consumer(name).unwrap().commit(3).unwrap();
    }
    let mut all: Vec<_> = names.into_iter().chain(["a"]).collect();
    all.sort_unstable();
    let status = |name: &str| {
        let position = if name == "a" { 2 } else { 3 };
        ConsumerStatus { name: name.to_owned(), position, lag: 3 - position }
    };
    let expected: Vec<_> = all.iter().map(|name| status(name)).collect();
    assert_eq!(log.consumers().unwrap(), expected);

    log.remove_consumer("a").unwrap();
    assert_eq!(log.consumers().unwrap().len(), 6);
    assert_eq!(code(log.remove_consumer("a")), Some(ErrorCode::NotFound));
    assert_eq!(code(consumer.commit(3)), Some(ErrorCode::NotFound));
    assert_eq!(code(consumer.position()), Some(ErrorCode::NotFound));
    // It leaves nothing behind.
    let files = storage.list().unwrap();
    assert_eq!(files.iter().filter(|name| name.starts_with("consumer-")).count(), 2 * names.len());
    assert!(!files.iter().any(|name| name == FILE || name == "consumer-a.lock"), "{files:?}");
    assert_eq!(log.consumer("a").unwrap().position().unwrap(), 0);

    log.close().unwrap();
    for outcome in
        [consumer.poll(1).map(drop), consumer.commit(3), consumer.reset(3), consumer.lag().map(drop)]
    {
        assert_eq!(code(outcome), Some(ErrorCode::Closed));
    }
    assert_eq!(code(log.consumer("a")), Some(ErrorCode::Closed));
    assert_eq!(code(log.consumers()), Some(ErrorCode::Closed));
    assert_eq!(code(log.remove_consumer("a")), Some(ErrorCode::Closed));
}

/// A copy of all files; the cells are of no use without their handles.
fn copy(storage: &MemoryStorage) -> MemoryStorage {
    let copy = MemoryStorage::new();
    for name in storage.list().unwrap() {
        if storage.open(&name).is_ok() {
            copy.replace(&name, &bytes(storage, &name)).unwrap();
        }
    }
    copy
}

#[test]
fn a_position_beyond_the_end_of_the_log_has_to_be_reset() {
    let (storage, log) = log_of(&[1, 1, 1]);
    let shorter = copy(&storage);
    (0..7).for_each(|_| append(&log, 1));
    log.consumer("a").unwrap().commit(10).unwrap();
    shorter.replace(FILE, &bytes(&storage, FILE)).unwrap();

    let log = open(&shorter, options());
    let consumer = log.consumer("a").unwrap();
    let error = consumer.poll(5).unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidArgument);
    assert!(error.message().contains("LSN 10") && error.message().contains("last one, 3"), "{error}");
    assert_eq!((consumer.lag().unwrap(), code(consumer.commit(3))), (0, Some(ErrorCode::InvalidArgument)));
    consumer.reset(2).unwrap();
    assert_eq!(poll(&consumer, 5), [3]);
}

#[test]
fn a_consumer_behind_what_was_removed_is_told_where_to_go_on() {
    let (_, log) = log_of(&[5; 20]);
    let quick = log.consumer("quick").unwrap();
    quick.commit(100).unwrap();
    let slow = log.consumer("slow").unwrap();
    slow.commit(40).unwrap();
    let keep = RetentionPolicy { max_bytes: Some(0), ..RetentionPolicy::default() };
    let removed = log.retain(&keep).unwrap();
    let last = removed.last().unwrap().last_lsn;
    // Not what the slower one has not committed, which may lie in the middle of a segment.
    assert!(last <= 40 && last > 20, "{removed:?}");
    assert_eq!(poll(&slow, 5), [41, 42, 43, 44, 45]);

    let first =
        log.retain(&RetentionPolicy { unread_bytes: 0, ..keep }).unwrap().last().unwrap().last_lsn + 1;
    assert!(first > 46);
    for consumer in [slow, log.consumer("new").unwrap()] {
        let error = consumer.poll(1).unwrap_err();
        assert_eq!(error.code(), ErrorCode::Truncated);
        assert!(error.message().contains(&format!("remains is {first}")), "{error}");
        consumer.reset(first - 1).unwrap();
        assert_eq!(poll(&consumer, 1)[0], first);
    }
    assert_eq!(poll(&quick, 1), [] as [u64; 0]);
}

#[derive(Debug, Clone)]
enum Step {
    Append(usize),
    /// A new handle on a consumer, in the log that is written or in one that is only read.
    Handle(usize, bool),
    Poll(usize, u64),
    Commit(usize, u64),
    Reset(usize, u64),
    Remove(usize, bool),
    Reopen(usize),
    Retain(bool),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..9usize).prop_map(Step::Append),
        4 => (0..3usize, any::<bool>()).prop_map(|(name, reads)| Step::Handle(name, reads)),
        8 => (any::<usize>(), 1..12u64).prop_map(|(handle, limit)| Step::Poll(handle, limit)),
        4 => (any::<usize>(), any::<u64>()).prop_map(|(handle, lsn)| Step::Commit(handle, lsn)),
        2 => (any::<usize>(), any::<u64>()).prop_map(|(handle, lsn)| Step::Reset(handle, lsn)),
        1 => (0..3usize, any::<bool>()).prop_map(|(name, reads)| Step::Remove(name, reads)),
        1 => (0..3usize).prop_map(Step::Reopen),
        1 => any::<bool>().prop_map(Step::Retain),
    ]
}

const NAMES: [&str; 3] = ["a", "b", "c"];

/// What a log's consumers are, as plainly as it can be said.
#[derive(Default)]
struct Model {
    /// The last LSN of each transaction that has entries.
    ends: Vec<u64>,
    /// The first LSN that was not removed.
    first: u64,
    positions: BTreeMap<&'static str, u64>,
}

impl Model {
    fn last(&self) -> u64 {
        self.ends.last().copied().unwrap_or(0)
    }

    /// What comes after `polled`, and what is polled then.
    fn poll(&self, polled: u64, limit: u64) -> std::result::Result<(Vec<u64>, u64), ErrorCode> {
        let start = self.ends.iter().copied().filter(|end| *end <= polled).max().unwrap_or(0);
        if polled == self.last() {
            return Ok((vec![], polled));
        }
        if polled + 1 < self.first {
            return Err(ErrorCode::Truncated);
        }
        let mut fits = self.ends.iter().copied().filter(|end| *end > polled);
        let shortest = fits.next().unwrap();
        let end = fits.take_while(|end| end - start <= limit).last().unwrap_or(shortest);
        Ok(((start + 1..=end).collect(), end))
    }

    fn write(&mut self, name: &str, lsn: u64, back: bool) -> Option<ErrorCode> {
        let last = self.last();
        match self.positions.get_mut(name) {
            _ if lsn > last => Some(ErrorCode::InvalidArgument),
            None => Some(ErrorCode::NotFound),
            Some(position) if lsn < *position && !back => Some(ErrorCode::InvalidArgument),
            Some(position) => {
                *position = lsn;
                None
            }
        }
    }

    fn status(&self) -> Vec<ConsumerStatus> {
        let status = |(name, position): (&&str, &u64)| ConsumerStatus {
            name: (*name).to_owned(),
            position: *position,
            lag: self.last() - position,
        };
        self.positions.iter().map(status).collect()
    }
}

struct Handle {
    consumer: Consumer,
    name: &'static str,
    polled: u64,
    reads: bool,
}

fn follow(steps: Vec<Step>) {
    let storage = MemoryStorage::new();
    let mut log = open(&storage, with_durability(Durability::Os));
    let beside = reader(&storage);
    let mut model = Model { first: 1, ..Model::default() };
    let mut handles: Vec<Handle> = Vec::new();
    for step in steps {
        let count = handles.len();
        match step {
            Step::Append(count) => {
                append(&log, count);
                if count > 0 {
                    model.ends.push(model.last() + count as u64);
                }
            }
            Step::Handle(name, reads) => {
                let name = NAMES[name];
                let consumer = if reads { &beside } else { &log }.consumer(name).unwrap();
                let polled = *model.positions.entry(name).or_insert(0);
                handles.push(Handle { consumer, name, polled, reads });
            }
            Step::Poll(handle, limit) if count > 0 => {
                let handle = &mut handles[handle % count];
                let found = handle.consumer.poll(limit).map(|entries| lsns(&entries));
                let expected = model.poll(handle.polled, limit);
                if let Ok((_, polled)) = &expected {
                    handle.polled = *polled;
                }
                assert_eq!(found.map_err(|error| error.code()), expected.map(|(lsns, _)| lsns));
            }
            Step::Commit(handle, lsn) if count > 0 => {
                let (handle, lsn) = (&mut handles[handle % count], lsn % (model.last() + 2));
                let expected = model.write(handle.name, lsn, false);
                assert_eq!(code(handle.consumer.commit(lsn)), expected);
                if expected.is_none() {
                    handle.polled = handle.polled.max(lsn);
                }
            }
            Step::Reset(handle, lsn) if count > 0 => {
                let (handle, lsn) = (&mut handles[handle % count], lsn % (model.last() + 2));
                let expected = model.write(handle.name, lsn, true);
                assert_eq!(code(handle.consumer.reset(lsn)), expected);
                if expected.is_none() {
                    handle.polled = lsn;
                }
            }
            Step::Remove(name, reads) => {
                let removed = if reads { &beside } else { &log }.remove_consumer(NAMES[name]);
                let expected = model.positions.remove(NAMES[name]).is_none().then_some(ErrorCode::NotFound);
                assert_eq!(code(removed), expected);
            }
            Step::Reopen(durability) => {
                log.close().unwrap();
                handles.retain(|handle| handle.reads);
                log = open(&storage, with_durability(Durability::ALL[durability]));
            }
            Step::Retain(unread) => {
                let unread_bytes = if unread { 0 } else { u64::MAX };
                let policy = RetentionPolicy { max_bytes: Some(8192), unread_bytes, ..Default::default() };
                if let Some(removal) = log.retain(&policy).unwrap().last() {
                    model.first = removal.last_lsn + 1;
                    let slowest = model.positions.values().min();
                    assert!(unread || slowest.is_none_or(|position| removal.last_lsn <= *position));
                }
            }
            Step::Poll(..) | Step::Commit(..) | Step::Reset(..) => {}
        }
        for handle in &handles {
            let expected = model.positions.get(handle.name).copied().ok_or(ErrorCode::NotFound);
            let lag = handle.consumer.lag().map_err(|error| error.code());
            assert_eq!(handle.consumer.position().map_err(|error| error.code()), expected);
            assert_eq!(lag, expected.map(|position| model.last() - position));
        }
        for log in [&log, &beside] {
            assert_eq!(log.consumers().unwrap(), model.status());
            assert_eq!(log.stats().unwrap().consumers, model.status());
        }
    }
}

proptest! {
    #![proptest_config(cases(150))]

    #[test]
    fn consumers_are_what_the_model_says(steps in prop::collection::vec(step(), 1..120)) {
        follow(steps);
    }
}

#[test]
fn a_damaged_file_gives_the_position_before_or_none() {
    let (storage, log) = log_of(&[1; 9]);
    let consumer = log.consumer("a").unwrap();
    // Both slots have been written: positions 4 and 7.
    consumer.commit(4).unwrap();
    consumer.commit(7).unwrap();
    let good = bytes(&storage, FILE);
    assert_eq!(good.len(), 1024);
    let check = |bad: &[u8], what: &str| {
        storage.replace(FILE, bad).unwrap();
        let found = log.consumer("a").and_then(|consumer| consumer.position());
        match found {
            Ok(position) => {
                assert!([4, 7].contains(&position), "{what}: {position}");
                // It goes on from there, and is whole again.
                let consumer = log.consumer("a").unwrap();
                consumer.commit(8).unwrap();
                assert_eq!(log.consumer("a").unwrap().position().unwrap(), 8);
                Ok(position)
            }
            Err(error) => {
                assert!(error.message().contains(FILE), "{what}: {error}");
                assert_eq!(code(consumer.commit(8)), Some(error.code()));
                assert_eq!(bytes(&storage, FILE), bad);
                Err(error.code())
            }
        }
    };
    let mut found = BTreeMap::<_, usize>::new();
    for bit in 0..good.len() * 8 {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        *found.entry(check(&bad, &format!("bit {bit}"))).or_default() += 1;
    }
    // 15 bits of the version of each slot make it a higher one.
    let expected = [(Ok(4), 4081), (Ok(7), 4081), (Err(ErrorCode::Unsupported), 30)];
    assert_eq!(found, expected.into_iter().collect());
    for length in 0..good.len() {
        let expected = match length {
            ..512 => Err(ErrorCode::Corrupt),
            _ => Ok(bytes_lsn(&good[..512])),
        };
        assert_eq!(check(&good[..length], &format!("length {length}")), expected);
    }

    // Removing is the way out.
    storage.replace(FILE, b"").unwrap();
    assert_eq!(code(log.consumers()), Some(ErrorCode::Corrupt));
    let error = log.stats().unwrap_err();
    assert!(error.code() == ErrorCode::Corrupt && error.message().contains(FILE), "{error}");
    log.remove_consumer("a").unwrap();
    assert_eq!(log.consumer("a").unwrap().position().unwrap(), 0);

    let (other, another) = log_of(&[1]);
    another.consumer("a").unwrap();
    storage.replace(FILE, &bytes(&other, FILE)).unwrap();
    assert_eq!(log.consumer("a").unwrap().position().unwrap(), 0, "the two logs have the same id");
    let ids = LogOptions { ids: common::CountingIds::from(5000), ..options() };
    let foreign = MemoryStorage::new();
    open(&foreign, ids).consumer("a").unwrap();
    storage.replace(FILE, &bytes(&foreign, FILE)).unwrap();
    let error = log.consumer("a").unwrap_err();
    assert_eq!(error.code(), ErrorCode::Corrupt);
    assert!(error.message().contains("another log"), "{error}");
}

/// The LSN in a slot, read without the library's help.
fn bytes_lsn(slot: &[u8]) -> u64 {
    u64::from_le_bytes(slot[43..51].try_into().unwrap())
}

/// What is done to the consumer `a`, and which position it has then; `None` if it is not there.
type Action = (fn(&ChangeLog) -> Result<()>, Option<u64>);

const ACTIONS: [Action; 7] = [
    (|log| log.consumer("a").map(drop), Some(0)),
    (|log| log.consumer("a")?.commit(2), Some(2)),
    (|log| log.consumer("a")?.commit(5), Some(5)),
    (|log| log.consumer("a")?.reset(1), Some(1)),
    (
        |log| {
            let consumer = log.consumer("a")?;
            consumer.commit(3)?;
            consumer.commit(4)
        },
        Some(4),
    ),
    (|log| log.remove_consumer("a"), None),
    (|log| log.consumer("a")?.commit(6), Some(6)),
];

/// Which positions may be found after each of these actions was tried.
fn outcomes(storage: &FaultyStorage, log: &ChangeLog, mode: Mode) -> BTreeSet<Option<u64>> {
    let mut allowed = BTreeSet::from([None]);
    let mut operations = storage.operations();
    for (number, (action, result)) in ACTIONS.into_iter().enumerate() {
        let between: &[Option<u64>] = match number {
            4 => &[Some(3)],
            6 => &[Some(0)],
            _ => &[],
        };
        match action(log) {
            Ok(()) => allowed = BTreeSet::from([result]),
            // Refused, since an earlier one failed.
            Err(error) if matches!(error.code(), ErrorCode::InvalidArgument | ErrorCode::NotFound) => {}
            // The process was dead before it began.
            Err(_) if storage.operations() == operations => break,
            Err(_) => {
                allowed.extend(between);
                allowed.insert(result);
                if !matches!(mode, Mode::Fail(_)) {
                    break;
                }
            }
        }
        operations = storage.operations();
    }
    allowed
}

#[test]
fn a_position_outlives_a_crash_at_any_point() {
    let begun = || {
        let storage = FaultyStorage::new();
        let log = open(&storage, with_durability(Durability::Sync));
        (0..6).for_each(|_| append(&log, 1));
        (storage, log)
    };
    let modes = [
        Mode::Fail(ErrorCode::Io),
        Mode::Fail(ErrorCode::NoSpace),
        Mode::Torn(1),
        Mode::Torn(47),
        Mode::Torn(511),
        Mode::Torn(512),
        Mode::Crash,
    ];
    let (storage, log) = begun();
    let first = storage.operations();
    assert_eq!(outcomes(&storage, &log, Mode::Crash), BTreeSet::from([Some(6)]));
    let last = storage.operations();
    assert!(last - first > 20, "{:?}", storage.changes());
    for (number, mode) in (first + 1..=last).flat_map(|number| modes.map(|mode| (number, mode))) {
        let (storage, log) = begun();
        storage.fail_at(number, mode);
        let allowed = outcomes(&storage, &log, mode);
        let losses = (0..12).map(|seed| storage.after_power_loss(seed));
        for place in losses.chain([storage.after_crash()]) {
            let log = open(&place, with_durability(Durability::Sync));
            let found = log.consumers().unwrap();
            let position = found.first().map(|status| status.position);
            assert!(allowed.contains(&position), "{mode:?} at {number}: {position:?}, not {allowed:?}");
            let consumer = log.consumer("a").unwrap();
            assert_eq!(consumer.position().unwrap(), position.unwrap_or(0));
            consumer.commit(6).unwrap();
            drop((consumer, log));
            let log = open(&place, with_durability(Durability::Sync));
            assert_eq!(log.consumer("a").unwrap().position().unwrap(), 6);
        }
    }
}

/// A commit that finds the position there already says so only once it is durable.
#[test]
fn committing_again_what_may_not_be_durable_makes_it_so() {
    let storage = FaultyStorage::new();
    let log = open(&storage, with_durability(Durability::Sync));
    append(&log, 3);
    let consumer = log.consumer("a").unwrap();
    consumer.commit(1).unwrap();
    let operations = storage.operations();
    // The write works and the sync after it fails.
    storage.fail_at(operations + 2, Mode::Fail(ErrorCode::Io));
    assert_eq!(code(consumer.commit(2)), Some(ErrorCode::Io));
    assert_eq!(storage.changes().last(), Some(&Operation::Sync));
    assert_eq!(log.consumer("a").unwrap().position().unwrap(), 2);
    consumer.commit(2).unwrap();
    for seed in 0..20 {
        let log = open(&storage.after_power_loss(seed), options());
        assert_eq!(log.consumer("a").unwrap().position().unwrap(), 2);
    }
    let operations = storage.changes().into_iter().filter(|it| *it == Operation::Sync).count();
    consumer.commit(2).unwrap();
    let syncs = storage.changes().into_iter().filter(|it| *it == Operation::Sync).count();
    assert_eq!(syncs, operations, "what is known to be durable costs no sync");
}

/// Even where a sector can be torn: the slot that stays was on the disk before the other one was written.
#[test]
fn a_torn_write_after_a_failed_sync_leaves_what_was_acknowledged() {
    let storage = FaultyStorage::new();
    let log = open(&storage, with_durability(Durability::Sync));
    append(&log, 4);
    let consumer = log.consumer("a").unwrap();
    (1..=2).for_each(|lsn| consumer.commit(lsn).unwrap());
    storage.fail_at(storage.operations() + 2, Mode::Fail(ErrorCode::Io));
    assert_eq!(code(consumer.commit(3)), Some(ErrorCode::Io));
    // The slot that counts once more, a sync, then the write of the other.
    storage.fail_at(storage.operations() + 3, Mode::Torn(47));
    assert_eq!(code(consumer.commit(4)), Some(ErrorCode::Io));
    assert_eq!(storage.changes().last(), Some(&Operation::Write));
    for seed in 0..50 {
        let log = open(&storage.after_power_loss(seed), options());
        assert_eq!(log.consumer("a").unwrap().position().unwrap(), 3);
    }
}

#[test]
fn nothing_is_handed_out_before_it_is_durable() {
    with_seeds(60, |mut random| {
        let durability = *random.pick(&Durability::ALL);
        let storage = FaultyStorage::new();
        let log = open(&storage, with_durability(durability));
        let beside = reader(&storage);
        let consumers = [log.consumer("a").unwrap(), beside.consumer("b").unwrap()];
        let mut seen: BTreeMap<u64, ChangeEntry> = BTreeMap::new();
        let mut committed = [0, 0];
        for _ in 0..40 {
            if random.chance(60) {
                append(&log, random.below(4));
                continue;
            }
            let who = random.below(2);
            if random.chance(60) {
                let found = consumers[who].poll(1 + random.below(6) as u64).unwrap();
                seen.extend(found.into_iter().map(|entry| (entry.lsn, entry)));
            } else {
                // Also what was not polled.
                let last = log.stats().unwrap().last_lsn;
                let lsn = committed[who].max(random.below(last as usize + 1) as u64);
                consumers[who].commit(lsn).unwrap();
                committed[who] = lsn;
            }
            let left = open(&storage.after_power_loss(random.next()), options());
            let kept = entries(&left);
            assert!(seen.values().all(|entry| kept.get(entry.lsn as usize - 1) == Some(entry)));
            let positions: Vec<_> = left.consumers().unwrap().iter().map(|it| it.position).collect();
            assert_eq!(positions, committed);
            assert!(committed.iter().all(|position| *position <= kept.len() as u64));
        }
        assert!(!seen.is_empty());
    });
}

/// What another log takes in must not be gone here when power comes back: its dots would be given out once more.
#[test]
fn no_transaction_is_handed_on_before_it_is_durable() {
    for durability in Durability::ALL {
        with_seeds(20, |mut random| {
            let storage = FaultyStorage::new();
            let log = open(&storage, with_durability(durability));
            let beside = reader(&storage);
            let mut handed: BTreeMap<Dot, Transaction> = BTreeMap::new();
            // Of each handle, what somebody holds who has taken all that it was handed, and a cursor that it stays with.
            let mut seen = [VectorClock::new(), VectorClock::new()];
            let mut cursors: [Option<TransactionCursor>; 2] = [None, None];
            for _ in 0..100 {
                if random.chance(50) {
                    append(&log, random.below(6));
                    continue;
                }
                let who = random.below(2);
                let kept = cursors[who].take();
                let is_fresh = kept.is_none();
                let mut cursor = kept.unwrap_or_else(|| {
                    let from = if random.chance(20) { &VectorClock::new() } else { &seen[who] };
                    [&log, &beside][who].transactions(from).unwrap()
                });
                let mut stays = false;
                while !stays && let Some(transaction) = cursor.next() {
                    let transaction = transaction.unwrap();
                    seen[who].advance(transaction.node, transaction.sequence);
                    handed.insert(transaction.dot(), transaction);
                    stays = random.chance(20);
                }
                // Nothing is kept back for it.
                assert!(stays || !is_fresh || seen[who] == log.frontier().unwrap());
                cursors[who] = stays.then_some(cursor);
                let left = open(&storage.after_power_loss(random.next()), options());
                let kept: BTreeMap<Dot, Transaction> =
                    transactions(&left).into_iter().map(|kept| (kept.dot(), kept)).collect();
                assert!(handed.iter().all(|(dot, transaction)| kept.get(dot) == Some(transaction)));
            }
            assert!(log.stats().unwrap().segments > 2 && handed.len() > 10);
        });
    }
}

/// What a failed sync did not write stays in memory, where a later sync takes it for written.
#[test]
fn after_a_failed_sync_of_the_writer_readers_hand_nothing_on() {
    let storage = FaultyStorage::new();
    let log = open(&storage, with_durability(Durability::Os));
    let beside = reader(&storage);
    append(&log, 2);
    log.sync().unwrap();
    append(&log, 3);
    storage.fail_at(storage.operations() + 1, Mode::Fail(ErrorCode::Io));
    assert_eq!(code(log.sync()), Some(ErrorCode::Io));
    assert_eq!(storage.changes().iter().rfind(|it| **it != Operation::Store), Some(&Operation::Sync));
    drop(log);
    let consumer = beside.consumer("b").unwrap();
    assert_eq!(beside.stats().unwrap().last_lsn, 5);
    assert_eq!(code(beside.transactions(&VectorClock::new())), Some(ErrorCode::Io));
    assert_eq!(consumer.poll(2).unwrap().len(), 2, "so much was durable before");
    assert_eq!(code(consumer.poll(2)), Some(ErrorCode::Io));
    // The next writer writes it anew.
    let log = open(&storage, with_durability(Durability::Os));
    assert_eq!(consumer.poll(5).unwrap().len(), 3);
    assert_eq!(entries(&open(&storage.after_power_loss(1), options())).len(), 5);
    drop(log);
}

#[test]
fn enough_that_is_durable_is_handed_out_without_a_sync() {
    let storage = FaultyStorage::new();
    let log = open(&storage, with_durability(Durability::Os));
    (0..5).for_each(|_| append(&log, 1));
    log.sync().unwrap();
    append(&log, 1);
    for consumer in [log.consumer("a").unwrap(), reader(&storage).consumer("b").unwrap()] {
        let before = storage.operations();
        assert_eq!(poll(&consumer, 5), [1, 2, 3, 4, 5]);
        assert_eq!(storage.operations(), before);
    }
    let consumer = log.consumer("c").unwrap();
    assert_eq!(poll(&consumer, 6), [1, 2, 3, 4, 5, 6]);
    assert_eq!(log.stats().unwrap().durable_lsn, 6);
}

#[test]
fn threads_that_poll_one_handle_share_its_entries() {
    const TRANSACTIONS: u64 = 300;
    let (storage, log) = log_of(&[]);
    let beside = reader(&storage);
    let (one, two) = (log.consumer("shared").unwrap(), beside.consumer("alone").unwrap());
    let done = AtomicBool::new(false);
    let drain = |consumer: &Consumer| {
        let mut found = Vec::new();
        loop {
            let last = done.load(Ordering::SeqCst);
            let entries = consumer.poll(7).unwrap();
            // Every transaction is whole: as many entries as its first says.
            let mut rest = &entries[..];
            while let [first, ..] = rest {
                let count = first.after.as_ref().unwrap()[0] as usize;
                assert!(rest[..count].iter().all(|entry| entry.transaction == first.transaction));
                rest = &rest[count..];
            }
            if let Some(entry) = entries.last() {
                // Another thread may have committed more.
                let outcome = code(consumer.commit(entry.lsn));
                assert!(matches!(outcome, None | Some(ErrorCode::InvalidArgument)), "{outcome:?}");
            } else if last {
                return found;
            }
            found.extend(lsns(&entries));
        }
    };
    let (mut shared, alone) = thread::scope(|scope| {
        let threads = [(); 3].map(|()| scope.spawn(|| drain(&one)));
        let alone = scope.spawn(|| drain(&two));
        let mut random = Random(1);
        for _ in 0..TRANSACTIONS {
            let count = 1 + random.below(5);
            let change = |number| Change::insert("t", number as i64, vec![count as u8; 50]);
            log.append_transaction((0..count).map(change).collect::<Vec<_>>()).unwrap();
        }
        done.store(true, Ordering::SeqCst);
        let shared: Vec<u64> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        (shared, alone.join().unwrap())
    });
    let all: Vec<u64> = (1..=log.stats().unwrap().last_lsn).collect();
    shared.sort_unstable();
    assert_eq!(shared, all);
    assert_eq!(alone, all);
    assert_eq!((one.lag().unwrap(), two.lag().unwrap()), (0, 0));
}

fn open_beside(directory: &Path) -> ChangeLog {
    ChangeLog::open_with(directory, LogOptions { read_only: true, ..LogOptions::default() }).unwrap()
}

#[test]
fn a_reader_in_another_process_polls_and_commits() {
    if let Some(directory) = as_other() {
        let log = open_beside(&directory);
        let consumer = log.consumer("a").unwrap();
        assert_eq!(poll(&consumer, 10), [1, 2, 3]);
        consumer.commit(2).unwrap();
        ready();
        // What the writer appends comes, and only whole.
        let mut seen = 3;
        while seen < 600 {
            log.wait(seen, TIMEOUT).unwrap();
            let found = poll(&consumer, 20);
            assert_eq!(found, (seen + 1..=seen + found.len() as u64).collect::<Vec<_>>());
            assert_eq!(found.len() % 3, 0);
            if let Some(last) = found.last() {
                consumer.commit(*last).unwrap();
                seen = *last;
            }
        }
        assert_eq!(code(consumer.commit(601)), Some(ErrorCode::InvalidArgument));
        return;
    }
    for durability in Durability::ALL {
        let directory = tempfile::tempdir().unwrap();
        let log = ChangeLog::open_with(directory.path(), with_durability(durability)).unwrap();
        append(&log, 3);
        let mut other = Other::start("a_reader_in_another_process_polls_and_commits", directory.path());
        other.wait();
        let consumer = log.consumer("a").unwrap();
        assert_eq!((consumer.position().unwrap(), consumer.lag().unwrap()), (2, 1));
        // It stands within a transaction.
        assert_eq!(poll(&consumer, 10), [1, 2, 3]);
        other.go_on();
        (1..200).for_each(|_| append(&log, 3));
        other.succeeds();
        assert_eq!(consumer.position().unwrap(), 600);
        assert_eq!(code(consumer.commit(599)), Some(ErrorCode::InvalidArgument));
    }
}

#[test]
fn commits_of_two_processes_take_no_position_back() {
    const LAST: u64 = 300;
    /// Commits every LSN that is not passed already, in two threads; returns how many.
    fn commit_all(log: &ChangeLog) {
        let work = || {
            let consumer = log.consumer("a").unwrap();
            for lsn in 1..=LAST {
                match consumer.commit(lsn) {
                    Ok(()) => {}
                    Err(error) => assert!(error.message().contains("before its position"), "{error}"),
                }
                assert!(consumer.position().unwrap() >= lsn);
            }
        };
        thread::scope(|scope| {
            (0..2).for_each(|_| drop(scope.spawn(work)));
        });
    }
    if let Some(directory) = as_other() {
        let log = open_beside(&directory);
        ready();
        return commit_all(&log);
    }
    let directory = tempfile::tempdir().unwrap();
    let log = ChangeLog::open(directory.path()).unwrap();
    append(&log, LAST as usize);
    let mut other = Other::start("commits_of_two_processes_take_no_position_back", directory.path());
    other.wait();
    other.go_on();
    commit_all(&log);
    other.succeeds();
    assert_eq!(log.consumer("a").unwrap().position().unwrap(), LAST);
}

#[test]
fn a_killed_process_leaves_its_last_commit() {
    if let Some(directory) = as_other() {
        let log = open_beside(&directory);
        let consumer = log.consumer("a").unwrap();
        for lsn in 1..=1000 {
            consumer.commit(lsn).unwrap();
            fs::write(directory.join("told"), lsn.to_string()).unwrap();
            if lsn == 20 {
                // From here on it goes on while it is killed.
                println!("\nthe other process is ready");
            }
        }
        loop {
            thread::park();
        }
    }
    let directory = tempfile::tempdir().unwrap();
    let log = ChangeLog::open(directory.path()).unwrap();
    append(&log, 1000);
    for _ in 0..5 {
        log.consumer("a").unwrap().reset(0).unwrap();
        let mut other = Other::start("a_killed_process_leaves_its_last_commit", directory.path());
        other.wait();
        other.kill();
        let told = fs::read_to_string(directory.path().join("told")).unwrap();
        // The file is empty for a moment before it holds the next number.
        let told: u64 = told.parse().unwrap_or(20);
        let consumer = log.consumer("a").unwrap();
        assert!(consumer.position().unwrap() >= told.max(20));
        consumer.commit(1000).unwrap();
    }
}

#[test]
fn where_nothing_may_be_written_a_consumer_only_polls() {
    const NOBODY: u32 = 65534;
    if let Some(directory) = as_other() {
        let log = open_beside(&directory);
        let consumer = log.consumer("a").unwrap();
        assert_eq!((consumer.position().unwrap(), poll(&consumer, 9)), (1, vec![2, 3]));
        let refused = [
            code(consumer.commit(2)),
            code(consumer.reset(0)),
            code(log.consumer("b")),
            code(log.remove_consumer("a")),
        ];
        assert_eq!(refused, [Some(ErrorCode::ReadOnly); 4]);
        assert_eq!(log.consumers().unwrap().len(), 1);
        return;
    }
    let outer = tempfile::tempdir().unwrap();
    let directory = outer.path().join("place");
    let log = ChangeLog::open_with(&directory, with_durability(Durability::Os)).unwrap();
    (0..3).for_each(|_| append(&log, 1));
    log.consumer("a").unwrap().commit(1).unwrap();
    let set = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    for file in fs::read_dir(&directory).unwrap() {
        set(&file.unwrap().path(), 0o444);
    }
    set(&directory, 0o555);
    set(outer.path(), 0o755);

    // The superuser may write anyway: the other process is nobody then, and needs a program that it may run.
    let program = outer.path().join("program");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let mut command = Command::new(&program);
    // SAFETY: it only asks who this is.
    if unsafe { libc::geteuid() } == 0 {
        command.uid(NOBODY).gid(NOBODY);
    }
    command.current_dir(outer.path());
    Other::run(command, "where_nothing_may_be_written_a_consumer_only_polls", &directory).succeeds();
    set(&directory, 0o755);
}
