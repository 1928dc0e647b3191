//! Whatever happens to the disk, nothing acknowledged is lost and nothing corrupt is served.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::expect_used)]

mod common;

use causelog::storage::{MemoryStorage, Storage};
use causelog::{
    Change, ChangeLog, Dot, Durability, Error, ErrorCode, LogOptions, NodeId, QueryOptions, Result,
    Transaction, VectorClock,
};
use common::faulty::{Fault, FaultyStorage, Operation, Restarted};
use common::{
    CHECKPOINT, CountingIds, ENDS, HEADER, IDENTITY, MANIFEST, SEGMENT, bytes, entries, foreign,
    frame_bounds, node, options, transactions, with_segment,
};

fn with_durability(durability: Durability) -> LogOptions {
    LogOptions { durability, ..options() }
}

/// Options of a later opening: an identity taken now is another one than before.
fn later() -> LogOptions {
    LogOptions { ids: CountingIds::from(2000), ..options() }
}

fn insert(row: i64) -> Change {
    Change::insert("orders", row, format!("{{\"qty\":{row}}}"))
}

type Step = Box<dyn Fn(&ChangeLog) -> Result<Option<Dot>>>;

/// Own changes, a transaction, foreign ones, a merge: what a log does, in eight appends.
fn appends() -> Vec<Step> {
    let append = |changes: Vec<Change>| -> Step {
        Box::new(move |log| Ok(Some(log.append_transaction(changes.clone())?.transaction)))
    };
    let take = |transaction: Transaction| -> Step {
        Box::new(move |log| Ok(Some(log.append_remote(&transaction)?.transaction)))
    };
    vec![
        append(vec![insert(1)]),
        append(vec![insert(2), insert(3).with_metadata("actor", "alice"), Change::delete("items", "x", "1")]),
        take(foreign(node(1), 2, &[], 2)),
        take(foreign(node(2), 1, &[Dot::new(node(1), 2)], 0)),
        append(Vec::new()),
        append(vec![insert(4)]),
        take(foreign(node(1), 3, &[Dot::new(node(2), 1)], 1)),
        append(vec![insert(5)]),
    ]
}

/// A closed log that did all of that, and its transactions. Tests look at its segment alone: what tells more about
/// where the log ends, or where things are, may be missing after a loss of power.
fn written(durability: Durability) -> (MemoryStorage, Vec<Transaction>) {
    let storage = MemoryStorage::new();
    let log =
        ChangeLog::open_storage(std::sync::Arc::new(storage.clone()), with_durability(durability)).unwrap();
    for step in appends() {
        step(&log).unwrap();
    }
    let written = transactions(&log);
    assert_eq!(written.len(), appends().len());
    (storage, written)
}

fn flipped(bytes: &[u8], bit: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[bit / 8] ^= 1 << (bit % 8);
    bytes
}

/// The error names the segment and this offset in it.
fn names_place(error: &Error, offset: usize) {
    assert_eq!(error.code(), ErrorCode::Corrupt, "{error}");
    assert!(error.message().contains(SEGMENT), "{error}");
    assert!(error.message().ends_with(&format!("at offset {offset}")), "offset {offset}: {error}");
}

#[test]
fn a_log_cut_anywhere_opens_with_whole_transactions_up_to_there() {
    let (storage, all) = written(Durability::Sync);
    let segment = bytes(&storage, SEGMENT);
    let bounds = frame_bounds(&segment);
    let own = ChangeLog::open_storage(std::sync::Arc::new(storage.clone()), later()).unwrap().node();
    for length in 0..=segment.len() {
        let cut = with_segment(&storage, &segment[..length]);
        let opened = ChangeLog::open_storage(std::sync::Arc::new(cut.clone()), later());
        if length < HEADER {
            names_place(&opened.unwrap_err(), length);
            continue;
        }
        let log = opened.unwrap();
        let whole = bounds.iter().filter(|bound| **bound <= length).count() - 1;
        assert_eq!(transactions(&log), all[..whole]);
        assert_eq!(log.stats().unwrap().bytes, bounds[whole] as u64);
        assert_eq!(bytes(&cut, SEGMENT).len(), bounds[whole], "the torn end is cut off");

        // Dots that were cut off may be known elsewhere: the log goes on as another node.
        // (An end lost at the border of two frames cannot be seen, and so not be answered.)
        let torn = length != bounds[whole];
        assert_eq!(log.node() != own, torn);
        assert_eq!(log.past_nodes(), if torn { vec![own] } else { vec![] });
        let named = log.append(insert(77)).unwrap().transaction;
        let continued = (log.node(), log.past_nodes().to_vec());
        assert_eq!(named.node, log.node());
        if torn {
            assert_eq!(named.sequence, 1);
        }
        drop(log);

        let log = ChangeLog::open_storage(std::sync::Arc::new(cut.clone()), later()).unwrap();
        assert_eq!((log.node(), log.past_nodes().to_vec()), continued, "once is enough");
        assert_eq!(transactions(&log)[..whole], all[..whole]);
        assert_eq!(transactions(&log)[whole].dot(), named);
        // What was lost comes back from whoever has it; under the old identity its dots would clash.
        if torn {
            for transaction in &all[whole..] {
                assert!(!log.append_remote(transaction).unwrap().duplicate);
            }
        } else if let Some(lost) = all[whole..].iter().find(|transaction| transaction.node == own) {
            assert_eq!(log.append_remote(lost).unwrap_err().code(), ErrorCode::DotReuse);
        }
    }
}

#[test]
fn a_cut_file_on_disk_opens_as_well() {
    let directory = tempfile::tempdir().unwrap();
    let open = || ChangeLog::open_with(directory.path(), later()).unwrap();
    for row in 0..3 {
        open().append(insert(row)).unwrap();
    }
    let own = open().node();
    let path = directory.path().join(SEGMENT);
    let length = std::fs::metadata(&path).unwrap().len();
    std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(length - 1).unwrap();
    // What was known to be on the disk must be there.
    for name in [CHECKPOINT, ENDS] {
        let error = ChangeLog::open_with(directory.path(), later()).unwrap_err();
        assert_eq!(error.code(), ErrorCode::Corrupt);
        assert!(error.message().contains(SEGMENT), "{error}");
        std::fs::remove_file(directory.path().join(name)).unwrap();
    }
    assert_eq!(entries(&open()).len(), 2);
    assert_eq!(open().past_nodes(), [own]);
    assert!(std::fs::metadata(&path).unwrap().len() < length - 1);
    // An earlier identity may still be named on opening.
    let named = LogOptions { node: Some(own), ..later() };
    assert_ne!(ChangeLog::open_with(directory.path(), named).unwrap().node(), own);
}

#[test]
fn whatever_follows_the_last_frame_is_cut_off() {
    let (storage, all) = written(Durability::Sync);
    let segment = bytes(&storage, SEGMENT);
    let bounds = frame_bounds(&segment);
    let first_frame = &segment[bounds[0]..bounds[1]];
    let tails: [Vec<u8>; 5] = [
        vec![0],
        vec![0; 5000],
        vec![0xff; 100],
        // A frame that was valid in another place.
        first_frame.to_vec(),
        [&[7; 3], first_frame].concat(),
    ];
    for tail in tails {
        let damaged = with_segment(&storage, &[&segment, tail.as_slice()].concat());
        let log = ChangeLog::open_storage(std::sync::Arc::new(damaged.clone()), later()).unwrap();
        assert_eq!(transactions(&log), all);
        // Zeros are space that was prepared and not written: nothing is lost with them.
        assert_eq!(log.past_nodes().len(), usize::from(tail.iter().any(|byte| *byte != 0)));
        assert_eq!(bytes(&damaged, SEGMENT), segment);
    }
}

/// Every single flipped bit of a log whose appends were all synced: in the last frame it costs the last transaction
/// (nothing later says that these bytes had reached the disk); anywhere else it is an error.
#[test]
fn every_flipped_bit_of_a_synced_log_is_noticed_or_costs_the_last_transaction() {
    let (storage, all) = written(Durability::Sync);
    let segment = bytes(&storage, SEGMENT);
    let bounds = frame_bounds(&segment);
    let last = bounds[bounds.len() - 2];
    for bit in 0..segment.len() * 8 {
        let damaged = with_segment(&storage, &flipped(&segment, bit));
        let opened = ChangeLog::open_storage(std::sync::Arc::new(damaged.clone()), later());
        let place = bit / 8;
        if place < HEADER {
            let error = opened.unwrap_err();
            assert!(matches!(error.code(), ErrorCode::Corrupt | ErrorCode::Unsupported), "{error}");
            assert!(error.message().contains(SEGMENT), "{error}");
        } else if place < last {
            let frame = bounds.iter().rfind(|bound| **bound <= place).unwrap();
            names_place(&opened.unwrap_err(), *frame);
            assert_eq!(bytes(&damaged, SEGMENT), flipped(&segment, bit), "evidence stays as it is");
        } else {
            let log = opened.unwrap();
            assert_eq!(transactions(&log), all[..all.len() - 1]);
            assert_eq!(log.past_nodes().len(), 1);
        }
    }

    let identity = bytes(&storage, IDENTITY);
    for bit in 0..identity.len() * 8 {
        let damaged = with_segment(&storage, &segment);
        damaged.replace(IDENTITY, &flipped(&identity, bit)).unwrap();
        let error = ChangeLog::open_storage(std::sync::Arc::new(damaged.clone()), later()).unwrap_err();
        assert!(matches!(error.code(), ErrorCode::Corrupt | ErrorCode::Unsupported), "{error}");
        assert!(error.message().contains(IDENTITY), "{error}");
    }
}

/// Behind a long transaction nobody looks at every byte for more: it says itself where it ends.
#[test]
fn damage_to_a_long_transaction_is_an_error_when_another_one_was_durable_after_it() {
    const LONG: usize = 70 << 20;
    for durability in [Durability::Sync, Durability::Os] {
        let storage = MemoryStorage::new();
        let options = LogOptions { durability, segment_bytes: 1 << 30, ..options() };
        let log = ChangeLog::open_storage(std::sync::Arc::new(storage.clone()), options).unwrap();
        log.append(insert(1)).unwrap();
        log.append(Change::insert("orders", 2, vec![b'x'; LONG])).unwrap();
        log.append(insert(3)).unwrap();
        if durability != Durability::Sync {
            // The next one is the first that says so of those before.
            log.sync().unwrap();
            log.append(insert(4)).unwrap();
        }
        log.close().unwrap();
        let mut segment = bytes(&storage, SEGMENT);
        let bounds = frame_bounds(&segment);
        let (start, end) = (bounds[1], bounds[2]);
        assert!(end - start > LONG);
        // Its last byte, its checksum, and what comes first in it.
        let places = [end - 1, start + 4, start + 8];
        for place in places.into_iter().take(if durability == Durability::Sync { 3 } else { 1 }) {
            segment[place] ^= 1;
            let damaged = with_segment(&storage, &segment);
            let opened = ChangeLog::open_storage(std::sync::Arc::new(damaged.clone()), later());
            names_place(&opened.unwrap_err(), start);
            assert!(bytes(&damaged, SEGMENT) == segment, "evidence stays as it is");
            segment[place] ^= 1;
        }
    }
}

/// A log that never synced promises nothing after a loss of power, so damage is where it ends; what was synced counts as promised.
#[test]
fn damage_is_an_error_below_what_was_synced_and_the_end_above() {
    for synced_after in 0..=appends().len() {
        let storage = MemoryStorage::new();
        let log =
            ChangeLog::open_storage(std::sync::Arc::new(storage.clone()), with_durability(Durability::Os))
                .unwrap();
        for (number, step) in appends().iter().enumerate() {
            if number == synced_after {
                log.sync().unwrap();
            }
            step(&log).unwrap();
        }
        let all = transactions(&log);
        drop(log);
        let segment = bytes(&storage, SEGMENT);
        let bounds = frame_bounds(&segment);
        for number in 0..all.len() {
            for place in [bounds[number], bounds[number] + 5, bounds[number + 1] - 1] {
                let damaged = with_segment(&storage, &flipped(&segment, place * 8));
                let opened = ChangeLog::open_storage(std::sync::Arc::new(damaged.clone()), later());
                if number < synced_after && synced_after < all.len() {
                    names_place(&opened.unwrap_err(), bounds[number]);
                } else {
                    assert_eq!(transactions(&opened.unwrap()), all[..number]);
                }
            }
        }
    }
}

/// Damage done while the log is open is met by readers, who never get a wrong answer.
#[test]
fn readers_meet_damage_as_an_error() {
    let (storage, _) = written(Durability::Sync);
    let segment = bytes(&storage, SEGMENT);
    let bounds = frame_bounds(&segment);
    let log = ChangeLog::open_storage(std::sync::Arc::new(storage.clone()), later()).unwrap();
    let whole = entries(&log);
    let file = storage.open(SEGMENT).unwrap();
    for bit in HEADER * 8..segment.len() * 8 {
        file.write_at(0, &flipped(&segment, bit)).unwrap();
        let frame = bounds.iter().rfind(|bound| **bound <= bit / 8).unwrap();
        for reverse in [false, true] {
            let mut cursor = log.query(QueryOptions { reverse, ..QueryOptions::default() }).unwrap();
            let mut read = Vec::new();
            while let Some(entry) = cursor.next() {
                match entry {
                    Ok(entry) => read.push(entry),
                    Err(error) => {
                        names_place(&error, *frame);
                        assert!(cursor.next().is_none(), "after an error a cursor has ended");
                    }
                }
            }
            // Merges have no entries and are not read for them.
            let expected: Vec<_> =
                if reverse { whole.iter().rev().collect() } else { whole.iter().collect() };
            assert!(read.iter().eq(expected.into_iter().take(read.len())), "bit {bit}");
        }
        let mut failed = 0;
        for transaction in log.transactions(&VectorClock::new()).unwrap() {
            if let Err(error) = transaction {
                names_place(&error, *frame);
                failed += 1;
            }
        }
        assert_eq!(failed, 1, "bit {bit}");
    }
    // A file that became shorter is damage, too.
    file.write_at(0, &segment).unwrap();
    assert_eq!(entries(&log), whole);
    file.truncate(segment.len() as u64 - 1).unwrap();
    let last = log.query(QueryOptions::default()).unwrap().last().unwrap();
    assert_eq!(last.unwrap_err().code(), ErrorCode::Corrupt);
}

/// Does all steps, syncs and closes, and holds what came of it against what was promised.
struct Run {
    storage: FaultyStorage,
    /// Dots of the appends that returned, and how many of them the last sync covers.
    acknowledged: Vec<Dot>,
    durable: usize,
    errors: Vec<ErrorCode>,
    closed: bool,
}

impl Run {
    fn new(durability: Durability, faults: &[Fault]) -> Run {
        let storage = FaultyStorage::new();
        let log = ChangeLog::open_storage(std::sync::Arc::new(storage.clone()), with_durability(durability))
            .unwrap();
        storage.fail(faults);
        let mut run =
            Run { storage, acknowledged: Vec::new(), durable: 0, errors: Vec::new(), closed: false };
        for (number, step) in appends().iter().enumerate() {
            run.attempt(&log, durability, step);
            if number == 3 {
                run.attempt(&log, durability, &|log: &ChangeLog| log.sync().map(|()| None));
            }
        }
        let closing = log.close();
        if run.closed {
            // Who closes the log is told of a failed sync, whoever heard of it before, and of nothing else.
            let synced = !faults.iter().any(|fault| fault.operation == Operation::Sync);
            assert_eq!(
                closing.map_err(|error| error.code()),
                if synced { Ok(()) } else { Err(ErrorCode::Io) }
            );
            log.close().expect("closing again does nothing");
        } else if let Err(error) = closing {
            run.errors.push(error.code());
        } else {
            run.durable = run.acknowledged.len();
        }
        run
    }

    fn attempt(
        &mut self,
        log: &ChangeLog,
        durability: Durability,
        step: &dyn Fn(&ChangeLog) -> Result<Option<Dot>>,
    ) {
        // After an error the same call is made once more: if the log is still open it may succeed.
        for _ in 0..2 {
            match step(log) {
                Ok(dot) => {
                    assert!(!self.closed, "a closed log took something");
                    self.acknowledged.extend(dot);
                    if dot.is_none() || durability == Durability::Sync {
                        self.durable = self.acknowledged.len();
                    }
                    return;
                }
                Err(error) if self.closed => assert_eq!(error.code(), ErrorCode::Closed),
                // A foreign transaction that follows on one that failed.
                Err(error) if error.code() == ErrorCode::MissingDependency => {
                    assert!(!self.errors.is_empty());
                }
                Err(error) => self.errors.push(error.code()),
            }
            match log.stats() {
                Ok(stats) => {
                    assert_eq!(stats.transactions, self.acknowledged.len() as u64);
                    let held: Vec<Dot> = transactions(log).iter().map(Transaction::dot).collect();
                    assert_eq!(held, self.acknowledged, "the failed append left nothing");
                    assert_eq!(entries(log).len() as u64, stats.entries);
                }
                Err(error) => {
                    assert_eq!(error.code(), ErrorCode::Closed);
                    self.closed = true;
                }
            }
        }
    }

    /// Opens what is there after a crash, or after a loss of power that kept `more` bytes beyond what was synced.
    fn check_what_is_left(&self, durability: Durability) {
        let unsynced = bytes(&self.storage.after_crash(), SEGMENT).len();
        let places = [
            (self.storage.after_crash(), self.acknowledged.len()),
            (self.storage.after_power_loss_keeping(0), self.durable),
            (self.storage.after_power_loss_keeping(11), self.durable),
            (self.storage.after_power_loss_keeping(unsynced), self.acknowledged.len()),
        ];
        for (place, promised) in places {
            let log = ChangeLog::open_storage(
                std::sync::Arc::new(place.clone()),
                LogOptions { durability, ..later() },
            )
            .unwrap();
            let held: Vec<Dot> = transactions(&log).iter().map(Transaction::dot).collect();
            assert!(held.len() >= promised, "{} of {promised} are left", held.len());
            // Beyond what was acknowledged there is at most the one append whose end nobody knows.
            let common = held.len().min(self.acknowledged.len());
            assert_eq!(held[..common], self.acknowledged[..common]);
            assert!(held.len() <= self.acknowledged.len() + usize::from(self.closed));
            log.append(insert(99)).unwrap();
            drop(log);
            let log = ChangeLog::open_storage(std::sync::Arc::new(place.clone()), later()).unwrap();
            assert_eq!(log.stats().unwrap().transactions, held.len() as u64 + 1);
            entries(&log);
        }
    }
}

#[test]
fn no_failing_write_or_sync_loses_what_was_acknowledged() {
    let all = appends().len();
    let mut runs = 0;
    for durability in [Durability::Sync, Durability::Os] {
        let clean = Run::new(durability, &[]);
        assert_eq!((clean.acknowledged.len(), clean.durable, clean.closed), (all, all, false));
        clean.check_what_is_left(durability);
        let longest = frame_bounds(&bytes(&clean.storage.after_crash(), SEGMENT))
            .windows(2)
            .map(|pair| pair[1] - pair[0])
            .max()
            .unwrap();
        for operation in [Operation::Write, Operation::Sync] {
            for from in 1..=clean.storage.calls(operation) {
                for lasting in [false, true] {
                    for code in [ErrorCode::NoSpace, ErrorCode::Io] {
                        // What a short write leaves is tried out byte by byte once.
                        let all_lengths =
                            operation == Operation::Write && !lasting && code == ErrorCode::NoSpace;
                        let lengths = if all_lengths { longest } else { 0 };
                        for written in 0..=lengths {
                            let fault = Fault { operation, from, lasting, code, written };
                            let run = Run::new(durability, &[fault]);
                            run.check_what_is_left(durability);
                            assert!(run.errors.iter().all(|error| *error == code), "{:?}", run.errors);
                            if operation == Operation::Write {
                                // A failed write is undone: the log goes on, and a retry succeeds if it can.
                                assert!(!run.closed);
                                let lost = if lasting { all - (from as usize - 1) } else { 0 };
                                assert_eq!(run.acknowledged.len(), all - lost);
                            } else {
                                // A failed sync is the end of the handle, in every durability.
                                assert_eq!(run.errors.len(), 1);
                            }
                            runs += 1;
                        }
                    }
                }
            }
        }
    }
    println!("{runs} runs");
    assert!(runs > 500);
}

#[test]
fn a_write_that_can_not_be_undone_closes_the_log() {
    for durability in [Durability::Sync, Durability::Os] {
        for from in 1..=appends().len() as u64 {
            for written in [0, 1, 9, 30, 1000] {
                let write = Fault {
                    operation: Operation::Write,
                    from,
                    lasting: false,
                    code: ErrorCode::NoSpace,
                    written,
                };
                let truncate = Fault {
                    operation: Operation::Truncate,
                    from: 1,
                    lasting: false,
                    code: ErrorCode::Io,
                    written: 0,
                };
                let run = Run::new(durability, &[write, truncate]);
                assert!(run.closed);
                assert_eq!(run.errors, [ErrorCode::NoSpace]);
                assert_eq!(run.acknowledged.len() as u64, from - 1);
                run.check_what_is_left(durability);
            }
        }
    }
}

#[test]
fn a_failed_read_is_an_error_of_that_cursor_only() {
    let storage = FaultyStorage::new();
    let log = ChangeLog::open_storage(std::sync::Arc::new(storage.clone()), options()).unwrap();
    for step in appends() {
        step(&log).unwrap();
    }
    let whole = entries(&log);
    storage.fail(&[Fault {
        operation: Operation::Read,
        from: 1,
        lasting: false,
        code: ErrorCode::Io,
        written: 0,
    }]);
    let mut cursor = log.query(QueryOptions::default()).unwrap();
    assert_eq!(cursor.next().unwrap().unwrap_err().code(), ErrorCode::Io);
    assert!(cursor.next().is_none());
    assert_eq!(entries(&log), whole);
    log.append(insert(6)).unwrap();
}

#[test]
fn opening_fails_cleanly_and_succeeds_once_it_can() {
    // Nothing there yet; an intact log; one whose end is torn.
    let (whole, all) = written(Durability::Sync);
    let prepare = |kind: usize| {
        let storage = FaultyStorage::new();
        if kind > 0 {
            storage.replace(IDENTITY, &bytes(&whole, IDENTITY)).unwrap();
            storage.replace(MANIFEST, &bytes(&whole, MANIFEST)).unwrap();
            let segment = bytes(&whole, SEGMENT);
            storage.replace(SEGMENT, &segment[..segment.len() - (kind - 1)]).unwrap();
        }
        storage.fail(&[]);
        storage
    };
    for kind in 0..3 {
        let kept = [0, all.len(), all.len() - 1][kind];
        let clean = prepare(kind);
        let opened = ChangeLog::open_storage(std::sync::Arc::new(clean.clone()), later()).unwrap();
        // Closing calls the storage as well.
        let calls = Operation::ALL.map(|operation| (operation, clean.calls(operation)));
        drop(opened);
        for (operation, count) in calls {
            for from in 1..=count {
                for code in [ErrorCode::NoSpace, ErrorCode::Io] {
                    let storage = prepare(kind);
                    storage.fail(&[Fault { operation, from, lasting: false, code, written: 0 }]);
                    let error =
                        ChangeLog::open_storage(std::sync::Arc::new(storage.clone()), later()).unwrap_err();
                    assert_eq!(error.code(), code, "{operation:?} {from}: {error}");
                    assert!(error.message().starts_with("faulty"), "{error}");

                    storage.fail(&[]);
                    let log = ChangeLog::open_storage(std::sync::Arc::new(storage.clone()), later()).unwrap();
                    assert_eq!(transactions(&log), all[..kept], "{operation:?} {from}");
                    // At worst each attempt took a new identity; the torn end was never taken for an intact one.
                    let past = log.past_nodes().len();
                    assert!(if kind == 2 { (1..=2).contains(&past) } else { past == 0 }, "{past}");
                    let first = log.append(insert(9)).unwrap();
                    drop(log);
                    let log = ChangeLog::open_storage(std::sync::Arc::new(storage.clone()), later()).unwrap();
                    assert_eq!(transactions(&log)[kept].dot(), first.transaction);
                }
            }
        }
    }
}

/// After a crash of the process the operating system still has what was written; opening makes sure of it,
/// because frames that follow will say that it had reached the disk.
#[test]
fn what_is_found_on_opening_is_made_durable() {
    let storage = FaultyStorage::new();
    let log = ChangeLog::open_storage(std::sync::Arc::new(storage.clone()), with_durability(Durability::Os))
        .unwrap();
    for step in appends() {
        step(&log).unwrap();
    }
    let all = entries(&log);
    // A handle that is dropped syncs: this one does not get to it.
    storage.fail(&[Fault {
        operation: Operation::Sync,
        from: 1,
        lasting: true,
        code: ErrorCode::Io,
        written: 0,
    }]);
    drop(log);
    let lost =
        ChangeLog::open_storage(std::sync::Arc::new(storage.after_power_loss_keeping(0).clone()), later())
            .unwrap();
    assert_eq!(transactions(&lost).len(), 0);

    storage.fail(&[]);
    let log = ChangeLog::open_storage(std::sync::Arc::new(storage.clone()), with_durability(Durability::Os))
        .unwrap();
    let kept =
        ChangeLog::open_storage(std::sync::Arc::new(storage.after_power_loss_keeping(0).clone()), later())
            .unwrap();
    assert_eq!(entries(&kept), all);
    log.append(insert(9)).unwrap();
    drop(log);
    // This time the handle got to it.
    let kept =
        ChangeLog::open_storage(std::sync::Arc::new(storage.after_power_loss_keeping(0).clone()), later())
            .unwrap();
    assert_eq!(entries(&kept).len(), all.len() + 1);
}

/// Who the log is, who it was, and its epoch.
fn identity(log: &ChangeLog) -> (NodeId, Vec<NodeId>, u64) {
    (log.node(), log.past_nodes().to_vec(), log.epoch())
}

/// Opens what is there after the machine was started anew, or in the same start of it.
fn reopened(place: &MemoryStorage, restarted: bool, durability: Durability) -> ChangeLog {
    let storage: std::sync::Arc<dyn Storage> = if restarted {
        std::sync::Arc::new(Restarted::new(place.clone()))
    } else {
        std::sync::Arc::new(place.clone())
    };
    ChangeLog::open_storage(storage, LogOptions { durability, ..later() }).unwrap()
}

/// A loss of power may take whole frames and leave nothing torn. Where appends return before they are durable, somebody
/// may know what was in them.
#[test]
fn a_loss_of_power_is_noticed_even_where_it_leaves_whole_frames() {
    for durability in Durability::ALL {
        let storage = FaultyStorage::new();
        let log = ChangeLog::open_storage(std::sync::Arc::new(storage.clone()), with_durability(durability))
            .unwrap();
        let before = identity(&log);
        assert_eq!((&before.1, before.2), (&vec![], 0));
        // Nothing was shown yet.
        assert_eq!(identity(&reopened(&storage.after_power_loss_keeping(0), true, durability)), before);
        for step in appends() {
            step(&log).unwrap();
        }
        let crashed = reopened(&storage.after_crash(), false, durability);
        assert_eq!(identity(&crashed), before, "all is there after a crash of the process");
        let all = transactions(&crashed);
        assert_eq!(all.len(), appends().len());

        if durability == Durability::Sync {
            for place in [storage.after_power_loss_keeping(0), storage.after_crash()] {
                let log = reopened(&place, true, durability);
                assert_eq!(identity(&log), before, "all is there after a loss of power");
                assert_eq!(transactions(&log), all);
            }
        } else {
            let segment = bytes(&storage.after_crash(), SEGMENT);
            for (whole, bound) in frame_bounds(&segment).into_iter().enumerate() {
                let place = storage.after_power_loss_keeping(bound - HEADER);
                assert_eq!(bytes(&place, SEGMENT).len(), bound);
                let log = reopened(&place, true, durability);
                let after = identity(&log);
                assert_ne!(after.0, before.0);
                assert_eq!((&after.1, after.2), (&vec![before.0], 1));
                assert_eq!(transactions(&log), all[..whole]);
                assert_eq!(log.append(insert(77)).unwrap().transaction, Dot::new(after.0, 1));
                // What was lost comes back from whoever has it.
                for transaction in &all[whole..] {
                    assert!(!log.append_remote(transaction).unwrap().duplicate);
                }
                drop(log);
                assert_eq!(identity(&reopened(&place, true, durability)), after, "once is enough");
            }
            // All is there, and nobody can tell.
            assert_eq!(identity(&reopened(&storage.after_crash(), true, durability)).2, 1);
        }

        // Opening makes sure of what it finds, and so does closing.
        storage.fail(&[]);
        let died = storage.after_crash();
        drop(reopened(&died, false, durability));
        assert_eq!(identity(&reopened(&died, true, durability)), before);
        log.close().unwrap();
        let log = reopened(&storage.after_power_loss_keeping(0), true, durability);
        assert_eq!(identity(&log), before);
        assert_eq!(transactions(&log), all);
    }
}
