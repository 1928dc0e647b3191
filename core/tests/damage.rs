//! Damage to any file of a log is an error that says so, or costs nothing: never a wrong answer, never a shorter one.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::expect_used)]

mod common;

use std::sync::Arc;

use causelog::storage::{MemoryStorage, Storage};
use causelog::{
    Change, ChangeEntry, ChangeLog, ChangeLogStats, CompactionOptions, Dot, Durability, Error, ErrorCode,
    LogOptions, Moment, QueryOptions, Result, RetentionPolicy, Row, RowId, Transaction, VectorClock,
};
use common::{
    CHECKPOINT, CountingIds, ENDS, Files, HEADER, IDENTITY, MANIFEST, at, entries, files_of, foreign,
    frame_bounds, node, options, place_of, query, read_all,
};

const LAST: &str = "00000000000000000003.segment";
const TAIL: &str = "00000000000000000003.tail";

fn segment(number: u64) -> String {
    format!("{number:020}.segment")
}

fn index(number: u64) -> String {
    format!("{number:020}.index")
}

fn small(read_only: bool) -> LogOptions {
    LogOptions { segment_bytes: 4096, read_only, ids: CountingIds::from(5000), ..options() }
}

fn open(files: &Files, read_only: bool) -> (MemoryStorage, Result<ChangeLog>) {
    let place = place_of(files);
    let log = ChangeLog::open_storage(Arc::new(place.clone()), small(read_only));
    (place, log)
}

/// Three segments, two of them sealed, of a log that was closed in order: rows of every kind, several nodes, merges,
/// metadata, and transactions that refer to others over the ends of segments.
fn written() -> Files {
    let place = MemoryStorage::new();
    let log = ChangeLog::open_storage(
        Arc::new(place.clone()),
        LogOptions { durability: Durability::Os, ids: CountingIds::from(1000), ..small(false) },
    )
    .unwrap();
    let filler = "x".repeat(1700);
    let mut sequence = 0;
    for round in 0..3_i64 {
        log.append(Change::insert("orders", round, "{}").with_metadata("actor", "alice")).unwrap();
        log.append_transaction([
            Change::update("orders", 0, "{}", format!("{{\"round\":{round}}}")),
            Change::insert("items", format!("item {round}"), "1"),
            Change::delete("items", format!("item {}", round - 1), "1"),
        ])
        .unwrap();
        sequence += 2;
        let seen: Vec<Dot> = (sequence > 2).then(|| Dot::new(node(1), sequence - 2)).into_iter().collect();
        log.append_remote(&foreign(node(1), sequence, &seen, 2)).unwrap();
        let other: Vec<Dot> = (round > 0).then(|| Dot::new(node(2), round as u64)).into_iter().collect();
        log.append_remote(&foreign(node(2), round as u64 + 1, &other, 0)).unwrap();
        log.append_transaction([]).unwrap();
        if round < 2 {
            log.append(Change::insert("blobs", round, filler.as_str())).unwrap();
            log.append(Change::insert("blobs", round + 10, filler.as_str())).unwrap();
            log.append(Change::insert("orders", round + 100, filler.as_str())).unwrap();
        }
    }
    log.close().unwrap();
    drop(log);
    let files = files_of(&place);
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    let segments = [segment(1), segment(2)];
    let indexes = [index(1), index(2)];
    let mut expected = [CHECKPOINT, ENDS, IDENTITY, MANIFEST, LAST, TAIL].to_vec();
    expected.extend(segments.iter().chain(&indexes).map(String::as_str));
    expected.sort_unstable();
    assert_eq!(names, expected);
    files
}

/// The same log with its sealed segments compressed.
fn compressed() -> Files {
    let (place, log) = open(&written(), false);
    let log = log.unwrap();
    let report = log.compress().unwrap();
    assert_eq!(report.segments, 2);
    log.close().unwrap();
    drop(log);
    let files = files_of(&place);
    assert!(files.keys().eq(written().keys()));
    assert!([segment(1), segment(2)].iter().all(|name| files[name][10] == 7));
    files
}

/// What a log says when asked everything.
#[derive(Debug, PartialEq)]
enum Answer {
    Entries(Vec<ChangeEntry>),
    Transactions(Vec<Transaction>),
    Clock(VectorClock),
    Row(Option<Row>),
    Stats(ChangeLogStats),
}

impl Answer {
    /// Whether it can be what was said before an error: nothing but the beginning of the whole answer.
    fn begins(&self, whole: &Answer) -> bool {
        match (self, whole) {
            (Answer::Entries(some), Answer::Entries(all)) => all.starts_with(some),
            (Answer::Transactions(some), Answer::Transactions(all)) => all.starts_with(some),
            _ => false,
        }
    }
}

type Asked = (Option<Answer>, Option<Error>);

fn collected<T>(
    items: Result<impl Iterator<Item = Result<T>>>,
    answer: impl FnOnce(Vec<T>) -> Answer,
) -> Asked {
    let mut found = Vec::new();
    let mut error = None;
    match items {
        Err(refused) => error = Some(refused),
        Ok(items) => {
            for item in items {
                match item {
                    Ok(item) => found.push(item),
                    Err(damaged) => error = Some(damaged),
                }
            }
        }
    }
    (Some(answer(found)), error)
}

fn one<T>(outcome: Result<T>, answer: impl FnOnce(T) -> Answer) -> Asked {
    match outcome {
        Ok(found) => (Some(answer(found)), None),
        Err(error) => (None, Some(error)),
    }
}

fn ask_everything(log: &ChangeLog, dots: &[Dot]) -> Vec<Asked> {
    let queries = [
        QueryOptions::default(),
        QueryOptions { reverse: true, ..Default::default() },
        QueryOptions { tables: vec!["items".to_owned()], ..Default::default() },
        QueryOptions { node: Some(node(1)), since: 5, ..Default::default() },
        QueryOptions { since_time: Some(at(600)), reverse: true, ..Default::default() },
        QueryOptions::row("orders", 0),
        QueryOptions { reverse: true, ..QueryOptions::row("t", 1) },
        QueryOptions { unseen_by: Some(VectorClock::from_entries([(node(1), 2)])), ..Default::default() },
    ];
    let mut asked: Vec<Asked> =
        queries.into_iter().map(|options| collected(log.query(options), Answer::Entries)).collect();
    for seen in [VectorClock::new(), VectorClock::from_entries([(node(1), 4), (node(1000), 9)])] {
        asked.push(collected(log.transactions(&seen), Answer::Transactions));
    }
    asked.extend(dots.iter().map(|dot| one(log.vector_clock(*dot), Answer::Clock)));
    asked.push(one(log.frontier(), Answer::Clock));
    asked.push(one(log.stats(), Answer::Stats));
    let row: RowId = "item 1".into();
    asked.push(collected(log.history("items", row.clone()), Answer::Entries));
    asked.push(one(log.state_at("items", row, Moment::Now), Answer::Row));
    asked
}

/// The answers of the log as it was written.
struct Truth {
    files: Files,
    dots: Vec<Dot>,
    transactions: Vec<Transaction>,
    /// As a reader gives them, and as a writer does.
    answers: [Vec<Asked>; 2],
}

impl Truth {
    fn new() -> Truth {
        Truth::of(written())
    }

    fn of(files: Files) -> Truth {
        let transactions = read_all(&open(&files, true).1.unwrap()).unwrap();
        let dots: Vec<Dot> = transactions.iter().map(Transaction::dot).collect();
        let answers = [true, false].map(|read_only| {
            let asked = ask_everything(&open(&files, read_only).1.unwrap(), &dots);
            assert!(asked.iter().all(|(_, error)| error.is_none()));
            asked
        });
        Truth { files, dots, transactions, answers }
    }

    /// Opens the files both ways and asks everything. Whether all was answered: what was, was answered rightly, and
    /// what was not is also found by whoever looks for damage.
    fn holds(&self, files: &Files, what: &str) -> bool {
        let mut whole = true;
        for (read_only, truth) in [true, false].into_iter().zip(&self.answers) {
            let what = format!("{what}, read only: {read_only}");
            let place = place_of(files);
            let open = || ChangeLog::open_storage(Arc::new(place.clone()), small(read_only));
            let log = match open() {
                Err(error) => {
                    check_error(&error, &what);
                    // What was noticed once is not forgotten: trying again must not help.
                    assert!(read_only || open().is_err(), "{what}: another attempt succeeded");
                    whole = false;
                    continue;
                }
                Ok(log) => log,
            };
            let intact = log.verify().unwrap().is_intact();
            let answered =
                ask_everything(&log, &self.dots).iter().zip(truth).fold(true, |all, (asked, truth)| {
                    check(asked, truth, &what);
                    all && asked.1.is_none()
                });
            assert!(answered || !intact, "{what}: damaged and taken for intact");
            // A writer has made anew what could be; for readers it is as damaged as before.
            let unused = what.contains("missing");
            assert!(!read_only || !intact || unused, "{what}: nobody noticed");
            whole &= answered;
        }
        whole
    }

    fn with(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) -> Files {
        let mut files = self.files.clone();
        change(files.get_mut(name).unwrap());
        files
    }

    /// Flips bits of this file. Which bytes it is that cost nothing.
    fn flip(&self, name: &str) -> Vec<usize> {
        let length = self.files[name].len();
        let every_bit = std::env::var_os("CAUSELOG_EVERY_BIT").is_some();
        let bounds = if is_plain(&self.files, name) { frame_bounds(&self.files[name]) } else { Vec::new() };
        let mut harmless = Vec::new();
        let mut flips = 0;
        for bit in 0..length * 8 {
            let byte = bit / 8;
            // The inner bytes of payloads are much alike, and so are the bits of a byte.
            let at = bounds.iter().rfind(|bound| **bound <= byte).map_or(0, |bound| byte - bound);
            let chosen = if at > 100 && byte + 8 < length { bit % 509 == 0 } else { bit % 7 == 0 };
            if !every_bit && !chosen {
                continue;
            }
            flips += 1;
            let files = self.with(name, |content| content[byte] ^= 1 << (bit % 8));
            if self.holds(&files, &format!("{name}: bit {bit} flipped")) {
                harmless.push(byte);
            }
        }
        println!("{name}: {flips} of {} bits flipped, {} cost nothing", length * 8, harmless.len());
        harmless
    }
}

/// Whether this is a segment that is not compressed.
fn is_plain(files: &Files, name: &str) -> bool {
    name.ends_with(".segment") && files[name][10] == 2
}

fn check_error(error: &Error, what: &str) {
    assert!(matches!(error.code(), ErrorCode::Corrupt | ErrorCode::Unsupported), "{what}: {error}");
}

fn check((answer, error): &Asked, (truth, _): &Asked, what: &str) {
    let truth = truth.as_ref().unwrap();
    match (answer, error) {
        (Some(answer), None) => assert!(answer == truth, "{what}: {answer:?} instead of {truth:?}"),
        (Some(answer), Some(error)) => {
            check_error(error, what);
            assert!(answer.begins(truth), "{what}: {answer:?} instead of {truth:?}");
        }
        (None, Some(error)) => check_error(error, what),
        (None, None) => panic!("{what}: no answer and no error"),
    }
}

#[test]
fn a_flipped_bit_in_a_sealed_segment_is_noticed() {
    let truth = Truth::new();
    for name in [segment(1), segment(2)] {
        assert_eq!(truth.flip(&name), [0; 0], "{name}");
    }
}

#[test]
fn a_flipped_bit_in_a_compressed_segment_is_noticed() {
    let truth = Truth::of(compressed());
    let plain = Truth::new();
    assert_eq!(truth.transactions, plain.transactions);
    for name in [segment(1), segment(2)] {
        assert!(truth.files[&name].len() < plain.files[&name].len() / 2);
        assert_eq!(truth.flip(&name), [0; 0], "{name}");
    }
}

#[test]
fn a_flipped_bit_in_the_last_segment_is_noticed() {
    let truth = Truth::new();
    assert_eq!(truth.flip(LAST), [0; 0]);
}

#[test]
fn a_flipped_bit_in_an_index_is_noticed() {
    let truth = Truth::new();
    for name in [index(1), index(2)] {
        assert_eq!(truth.flip(&name), [0; 0], "{name}");
    }
}

#[test]
fn a_flipped_bit_in_what_can_be_worked_out_again_costs_nothing() {
    let truth = Truth::new();
    for name in [CHECKPOINT, TAIL] {
        let harmless = truth.flip(name).len();
        assert!(harmless > 0, "{name}");
    }
    truth.flip(ENDS);
}

#[test]
fn a_flipped_bit_in_what_cannot_be_worked_out_is_noticed() {
    let truth = Truth::new();
    for name in [IDENTITY, MANIFEST] {
        assert_eq!(truth.flip(name), [0; 0], "{name}");
    }
}

/// Without all that tells how far the log was on the disk.
fn after_power_loss(truth: &Truth) -> Files {
    let mut files = truth.files.clone();
    for name in [CHECKPOINT, ENDS, TAIL] {
        files.remove(name).unwrap();
    }
    files
}

#[test]
fn the_last_segment_cut_anywhere_is_a_shorter_log_only_if_nothing_says_otherwise() {
    let truth = Truth::new();
    let bounds = frame_bounds(&truth.files[LAST]);
    let before = truth.transactions.len() - (bounds.len() - 1);
    let bare = after_power_loss(&truth);
    let mut without_tail = truth.files.clone();
    without_tail.remove(TAIL);
    for length in 0..truth.files[LAST].len() {
        let mut files = bare.clone();
        files.get_mut(LAST).unwrap().truncate(length);
        let whole = bounds.iter().filter(|bound| **bound <= length).count();
        for read_only in [true, false] {
            let (_, log) = open(&files, read_only);
            if length < HEADER {
                let error = log.unwrap_err();
                check_error(&error, "cut within the header");
                assert!(error.message().contains(LAST), "{error}");
            } else {
                let found = read_all(&log.unwrap()).unwrap();
                assert_eq!(found, truth.transactions[..before + whole - 1], "cut at {length}");
            }
        }
        // Each of these alone says that there was more.
        for (kept, removed) in [(CHECKPOINT, [ENDS, TAIL]), (ENDS, [CHECKPOINT, TAIL]), (TAIL, [ENDS, ENDS])]
        {
            let mut files = truth.files.clone();
            removed.iter().for_each(|name| drop(files.remove(*name)));
            files.get_mut(LAST).unwrap().truncate(length);
            for read_only in [true, false] {
                let error = open(&files, read_only).1.unwrap_err();
                check_error(&error, kept);
                assert!(error.message().contains(LAST), "{error}");
            }
        }
    }
}

#[test]
fn damage_after_a_loss_of_power_never_costs_a_sealed_segment() {
    for truth in [Truth::new(), Truth::of(compressed())] {
        damage_after_a_loss_of_power(&truth);
    }
}

fn damage_after_a_loss_of_power(truth: &Truth) {
    let mut bare = after_power_loss(truth);
    for number in [1, 2] {
        bare.remove(&index(number));
    }
    let (_, log) = open(&bare, false);
    assert_eq!(read_all(&log.unwrap()).unwrap(), truth.transactions, "all of it is worked out again");
    for name in [segment(1), segment(2)] {
        for byte in (0..bare[&name].len()).filter(|byte| byte % 41 == 0 || *byte < HEADER + 60) {
            let mut files = bare.clone();
            files.get_mut(&name).unwrap()[byte] ^= 1 << (byte % 8);
            let place = place_of(&files);
            for attempt in 0..2 {
                let log = ChangeLog::open_storage(Arc::new(place.clone()), small(false));
                let error = log.expect_err(&format!("byte {byte} of {name}, attempt {attempt}"));
                check_error(&error, &name);
                assert!(error.message().contains(&name), "{error}");
            }
        }
        for length in (0..bare[&name].len()).step_by(97) {
            let mut files = bare.clone();
            files.get_mut(&name).unwrap().truncate(length);
            check_error(&open(&files, false).1.unwrap_err(), &name);
        }
    }
    for bit in 0..bare[LAST].len() * 8 {
        if bit % 7 > 0 {
            continue;
        }
        let mut files = bare.clone();
        files.get_mut(LAST).unwrap()[bit / 8] ^= 1 << (bit % 8);
        match open(&files, false).1 {
            Err(error) => check_error(&error, LAST),
            Ok(log) => {
                let found = read_all(&log).unwrap();
                assert!(truth.transactions.starts_with(&found), "bit {bit}");
            }
        }
    }
}

#[test]
fn files_that_are_missing_cut_or_swapped() {
    for truth in [Truth::new(), Truth::of(compressed())] {
        missing_cut_or_swapped(&truth);
    }
}

fn missing_cut_or_swapped(truth: &Truth) {
    for (name, content) in &truth.files {
        let mut missing = truth.files.clone();
        missing.remove(name);
        let derived = [CHECKPOINT, ENDS, TAIL].contains(&name.as_str());
        let whole = truth.holds(&missing, &format!("{name} missing"));
        assert_eq!(whole, derived || name.ends_with(".index"), "{name} missing");
        for length in [0, 1, 10, content.len() / 2, content.len().saturating_sub(1)] {
            if name == ENDS {
                continue;
            }
            let cut = truth.with(name, |content| content.truncate(length));
            let whole = truth.holds(&cut, &format!("{name} cut to {length}"));
            assert!(!whole || derived || name.ends_with(".segment"), "{name} cut to {length}");
        }
        for (other, foreign) in &truth.files {
            if other == name || [name, other].contains(&&ENDS.to_owned()) {
                continue;
            }
            let what = format!("{other} in the place of {name}");
            let swapped = truth.with(name, |content| content.clone_from(foreign));
            assert!(!truth.holds(&swapped, &what) || derived, "{what}");
        }
    }
}

#[test]
fn a_reader_works_out_an_index_that_is_missing() {
    let truth = Truth::new();
    let mut files = truth.files.clone();
    let indexes = [index(1), index(2)];
    indexes.iter().for_each(|name| drop(files.remove(name)));
    let (place, reader) = open(&files, true);
    let reader = reader.unwrap();
    let idle = ChangeLog::open_storage(Arc::new(place.clone()), small(true)).unwrap();
    let answers = |asked: Vec<Asked>| -> Vec<(Option<Answer>, Option<ErrorCode>)> {
        asked.into_iter().map(|(answer, error)| (answer, error.map(|error| error.code()))).collect()
    };
    ask_everything(&reader, &truth.dots).iter().zip(&truth.answers[0]).for_each(|(asked, (truth, _))| {
        assert!(asked.0 == *truth && asked.1.is_none(), "{asked:?} instead of {truth:?}");
    });
    let findings = reader.verify().unwrap().findings;
    let found: Vec<&str> = findings.iter().map(|finding| finding.file.as_str()).collect();
    assert_eq!(found, indexes);
    assert!(findings[0].message.contains("opening the log for writing makes it again"), "{findings:?}");
    assert!(!place.list().unwrap().iter().any(|name| name.ends_with(".index")), "a reader writes nothing");

    // From the indexes of a writer it goes on like any other, also when what is under them changes.
    let writer = ChangeLog::open_storage(Arc::new(place.clone()), small(false)).unwrap();
    assert_eq!(files_of(&place)[&index(1)], truth.files[&index(1)]);
    let other = ChangeLog::open_storage(Arc::new(place.clone()), small(true)).unwrap();
    for number in 0..20 {
        writer.append(Change::update("orders", 0, "{}", vec![b'x'; 300 + number])).unwrap();
    }
    writer.compact(&CompactionOptions::default()).unwrap().unwrap();
    assert_eq!(answers(ask_everything(&reader, &truth.dots)), answers(ask_everything(&other, &truth.dots)));
    let rest = entries(&writer);
    place.remove(&index(1)).unwrap();
    let fresh = ChangeLog::open_storage(Arc::new(place.clone()), small(true)).unwrap();
    assert_eq!(entries(&fresh), rest);
    // What was worked out before the compaction is of a segment that is no more.
    let error = idle.query(QueryOptions::default()).unwrap().find_map(Result::err).unwrap();
    assert!(error.code() == ErrorCode::Corrupt && error.message().contains(&index(1)), "{error}");

    let policy = RetentionPolicy { max_bytes: Some(4096), ..RetentionPolicy::default() };
    let last = writer.retain(&policy).unwrap().last().unwrap().last_lsn;
    let rest: Vec<ChangeEntry> = rest.into_iter().filter(|entry| entry.lsn > last).collect();
    for log in [reader, other, fresh, idle] {
        assert_eq!(log.stats().unwrap(), writer.stats().unwrap());
        assert_eq!(query(&log, QueryOptions { since: last, ..QueryOptions::default() }), rest);
    }
}

#[test]
fn an_index_that_goes_while_the_log_is_open_is_an_error_that_says_what_to_do() {
    let truth = Truth::new();
    for read_only in [true, false] {
        let (place, log) = open(&truth.files, read_only);
        place.remove(&index(2)).unwrap();
        let error = read_all(&log.unwrap()).unwrap_err();
        assert_eq!(error.code(), ErrorCode::Corrupt);
        let expected = format!("{} is missing: opening the log for writing makes it again", index(2));
        assert!(error.message().ends_with(&expected), "{error}");
    }
}

#[test]
fn a_newer_version_of_any_file_is_unsupported() {
    for truth in [Truth::new(), Truth::of(compressed())] {
        newer_version(&truth);
    }
}

fn newer_version(truth: &Truth) {
    for name in truth.files.keys().filter(|name| *name != ENDS) {
        let files = truth.with(name, |content| content[8] = 2);
        for read_only in [true, false] {
            let (_, log) = open(&files, read_only);
            let error = match log {
                Err(error) => error,
                Ok(log) => {
                    let asked = ask_everything(&log, &truth.dots);
                    asked
                        .into_iter()
                        .find_map(|(_, error)| error)
                        .unwrap_or_else(|| panic!("{name} was not read"))
                }
            };
            assert_eq!(error.code(), ErrorCode::Unsupported, "{name}: {error}");
            assert!(error.message().contains(name.as_str()), "{name}: {error}");
        }
    }
}
