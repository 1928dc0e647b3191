//! A process that appends from many threads is killed at random moments, over and over, on one directory: every append
//! that returned is there, whole and in its place.
//!
//! The test starts its own program again, and is the one that gets killed when it finds itself started so.
//! `CAUSELOG_KILLS` asks for another number of kills.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::expect_used)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use causelog::{
    Change, ChangeEntry, ChangeLog, Dot, Durability, LogOptions, QueryOptions, Removal, Result,
    RetentionPolicy, RowId, RowIdPart, Uuid,
};
use common::Random;

const DIRECTORY: &str = "CAUSELOG_KILL_DIRECTORY";
const ROUND: &str = "CAUSELOG_KILL_ROUND";
const DURABILITY: &str = "CAUSELOG_KILL_DURABILITY";
const MEMORY_MAP: &str = "CAUSELOG_KILL_MEMORY_MAP";
const THREADS: usize = 8;
/// A process whose parent was killed itself does not go on for ever.
const LONGEST: Duration = Duration::from_secs(20);

fn options(durability: Durability, memory_map: bool) -> LogOptions {
    // Segments are short, so that one ends every few milliseconds.
    LogOptions { durability, memory_map, segment_bytes: 16 << 10, ..LogOptions::default() }
}

/// What append number `number` of a thread writes: one to four changes.
fn changes(round: u64, thread: usize, number: u64) -> Vec<Change> {
    let width = 1 + number % 4;
    let change = |part: u64| {
        let row = format!("{round}/{thread}/{number}/{part}/{width}");
        let payload = "y".repeat(((number * 37 + part) % 400) as usize);
        Change::insert(format!("table {}", number % 3), row, payload)
    };
    (0..width).map(change).collect()
}

/// Says something to the parent. A line is written at once, so that one that was begun before the kill is whole.
fn say(line: std::fmt::Arguments<'_>) {
    let line = format!("\n{line}\n");
    std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
}

/// Appends from all threads, and removes and consumes what was appended, until it is killed.
#[allow(
    clippy::disallowed_methods,
    reason = "how long the process lives is the test's business, not the log's"
)]
fn write_until_killed(directory: &Path) {
    let round: u64 = std::env::var(ROUND).unwrap().parse().unwrap();
    let name = std::env::var(DURABILITY).unwrap();
    let durability = *Durability::ALL.iter().find(|durability| durability.name() == name).unwrap();
    say(format_args!("begun"));
    let log =
        ChangeLog::open_with(directory, options(durability, std::env::var_os(MEMORY_MAP).is_some())).unwrap();
    #[allow(
        clippy::disallowed_methods,
        reason = "it measures how long this process runs, not what the log is told"
    )]
    let started = Instant::now();
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let log = &log;
            scope.spawn(move || {
                for number in 0.. {
                    let appended = log.append_transaction(changes(round, thread, number)).unwrap();
                    let (first, dot) = (appended.first_lsn.unwrap(), appended.transaction);
                    say(format_args!("ack {thread} {number} {first} {} {}", dot.node, dot.sequence));
                    if started.elapsed() > LONGEST {
                        return;
                    }
                }
            });
        }
        scope.spawn(|| {
            let consumer = log.consumer("reader").unwrap();
            let policy =
                RetentionPolicy { max_bytes: Some(256 << 10), unread_bytes: 0, ..Default::default() };
            let first = log.stats().unwrap().first_lsn;
            if consumer.position().unwrap() + 1 < first {
                consumer.reset(first - 1).unwrap();
            }
            while started.elapsed() < LONGEST {
                if let Some(last) = consumer.poll(200).unwrap().last() {
                    consumer.commit(last.lsn).unwrap();
                    say(format_args!("commit {}", last.lsn));
                }
                log.retain(&policy).unwrap();
                thread::sleep(Duration::from_millis(1));
            }
        });
    });
}

/// An append that returned.
struct Acknowledged {
    thread: usize,
    number: u64,
    first_lsn: u64,
    dot: Dot,
}

/// What a process said before it was killed.
#[derive(Default)]
struct Said {
    appends: Vec<Acknowledged>,
    committed: u64,
}

/// Also says when the process begins to open the log, and each time that an append has returned.
fn listen(child: &mut Child) -> (thread::JoinHandle<Said>, mpsc::Receiver<()>) {
    let output = BufReader::new(child.stdout.take().unwrap());
    let (sender, steps) = mpsc::channel();
    let listener = thread::spawn(move || {
        let mut said = Said::default();
        for line in output.lines() {
            let line = line.unwrap();
            // Nobody listens any more once the process is to be killed.
            let step = || {
                let _ = sender.send(());
            };
            let words: Vec<&str> = line.split(' ').collect();
            let number = |at: usize| words[at].parse::<u64>().unwrap();
            match words[0] {
                "ack" if words.len() == 6 => {
                    said.appends.push(Acknowledged {
                        thread: number(1) as usize,
                        number: number(2),
                        first_lsn: number(3),
                        dot: Dot::new(words[4].parse::<Uuid>().unwrap(), number(5)),
                    });
                    step();
                }
                "commit" if words.len() == 2 => said.committed = number(1),
                "begun" => step(),
                _ => {}
            }
        }
        said
    });
    (listener, steps)
}

/// What was found in the log so far.
#[derive(Default)]
struct Found {
    last_lsn: u64,
    /// The last sequence of each node.
    sequences: BTreeMap<Uuid, u64>,
    rows: BTreeSet<RowId>,
}

impl Found {
    /// Takes in what follows, and returns it.
    fn read_on(&mut self, log: &ChangeLog) -> BTreeMap<u64, ChangeEntry> {
        let first = log.stats().unwrap().first_lsn;
        let since = self.last_lsn.max(first.saturating_sub(1));
        let gap = since > self.last_lsn;
        let entries = log.query(QueryOptions { since, ..Default::default() }).unwrap();
        let entries = entries.collect::<Result<Vec<_>>>().unwrap();
        let mut at = 0;
        while let Some(entry) = entries.get(at) {
            let row = |entry: &ChangeEntry| match &entry.row_id {
                RowId::Scalar(RowIdPart::Text(row)) => {
                    row.split('/').map(|part| part.parse::<u64>().unwrap()).collect::<Vec<_>>()
                }
                other => panic!("row {other}"),
            };
            let [round, thread, number, ..] = row(entry)[..] else { panic!("row {}", entry.row_id) };
            let expected = changes(round, thread as usize, number);
            let transaction = &entries[at..(at + expected.len()).min(entries.len())];
            assert_eq!(transaction.len(), expected.len(), "half a transaction at {}", entry.lsn);
            let last = entry.sequence + expected.len() as u64 - 1;
            for ((found, change), offset) in transaction.iter().zip(&expected).zip(0..) {
                assert_eq!(
                    (found.lsn, found.sequence),
                    (since + at as u64 + 1 + offset, entry.sequence + offset)
                );
                assert_eq!((found.node, found.transaction), (entry.node, Dot::new(entry.node, last)));
                assert_eq!(
                    (&found.table, &found.row_id, &found.after),
                    (&change.table, &change.row_id, &change.after)
                );
                assert!(self.rows.insert(found.row_id.clone()), "{} is there twice", found.row_id);
            }
            let known = self.sequences.insert(entry.node, last);
            // What was removed before it was looked at leaves a gap.
            if !(gap && at == 0) {
                assert_eq!(known.unwrap_or(0) + 1, entry.sequence, "sequences of {}", entry.node);
            }
            at += expected.len();
        }
        self.last_lsn = since + entries.len() as u64;
        entries.into_iter().map(|entry| (entry.lsn, entry)).collect()
    }
}

fn kill_over_and_over(test: &str, durability: Durability, memory_map: bool, kills: u64) {
    if let Some(directory) = std::env::var_os(DIRECTORY) {
        return write_until_killed(Path::new(&directory));
    }
    let directory = tempfile::tempdir().unwrap();
    let mut random = Random(kills);
    let mut found = Found::default();
    let (mut acknowledged, mut opened, mut committed, mut cut) = (0, 0, 0, 0);
    for round in 0..kills {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([test, "--exact", "--nocapture", "--test-threads=1"])
            .env(DIRECTORY, directory.path())
            .env(ROUND, round.to_string())
            .env(DURABILITY, durability.name())
            .envs(memory_map.then_some((MEMORY_MAP, "1")))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (listener, steps) = listen(&mut child);
        // A quarter of them does not get far beyond opening. One that fails says nothing, and why is looked at below.
        let (first, longest) = if random.chance(25) { (1, 10_000) } else { (2, 100_000) };
        let _ = (0..first).try_for_each(|_| steps.recv());
        drop(steps);
        thread::sleep(Duration::from_micros(random.below(longest) as u64));
        child.kill().unwrap();
        let output = child.wait_with_output().unwrap();
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(!complaint.contains("panicked"), "round {round}: {complaint}");
        let said = listener.join().unwrap();

        // Every other time only a look is taken, and the next process finds what this one left.
        let read_only = round % 2 == 1;
        let options = LogOptions { read_only, ..options(durability, memory_map) };
        let log = match ChangeLog::open_with(directory.path(), options) {
            Ok(log) => log,
            Err(error) => {
                let nothing_yet = error.code() == causelog::ErrorCode::NotFound && found.last_lsn == 0;
                assert!(nothing_yet && said.appends.is_empty(), "round {round}: {error}");
                continue;
            }
        };
        let before = found.last_lsn;
        let entries = found.read_on(&log);
        assert!(log.stats().unwrap().last_lsn >= before, "round {round}: what was there once is gone");
        let first = log.stats().unwrap().first_lsn;
        let removals = log.removals().unwrap();
        for append in &said.appends {
            let expected = changes(round, append.thread, append.number);
            let last_lsn = append.first_lsn + expected.len() as u64 - 1;
            if append.first_lsn < first {
                let recorded =
                    |removal: &Removal| (removal.first_lsn..=removal.last_lsn).contains(&append.first_lsn);
                assert!(removals.iter().any(recorded), "round {round}: LSN {} is gone", append.first_lsn);
                continue;
            }
            let last =
                entries.get(&last_lsn).unwrap_or_else(|| panic!("round {round}: LSN {last_lsn} is lost"));
            assert_eq!(last.dot(), append.dot, "round {round}");
            assert_eq!(last.row_id, expected.last().unwrap().row_id, "round {round}");
        }
        committed = said.committed.max(committed);
        if committed > 0 {
            let position = log.consumers().unwrap()[0].position;
            assert!(position >= committed, "round {round}: {committed} was committed, not {position}");
        }
        let report = log.verify().unwrap();
        assert!(report.is_intact(), "round {round}: {:?}", report.findings);
        acknowledged += said.appends.len();
        opened += usize::from(!said.appends.is_empty());
        cut = log.past_nodes().len();
    }
    println!(
        "{}: {kills} kills, {opened} of processes that had appended, {acknowledged} appends acknowledged, {} LSNs, \
         {cut} torn ends",
        durability.name(),
        found.last_lsn,
    );
    assert!(opened * 2 > kills as usize, "most of the processes were killed before they had begun");
}

fn kills(usual: u64) -> u64 {
    std::env::var("CAUSELOG_KILLS").map_or(usual, |kills| kills.parse().unwrap())
}

#[test]
fn what_was_synced_survives_every_kill() {
    kill_over_and_over("what_was_synced_survives_every_kill", Durability::Sync, false, kills(200));
}

#[test]
fn what_the_operating_system_has_survives_every_kill() {
    let test = "what_the_operating_system_has_survives_every_kill";
    kill_over_and_over(test, Durability::Os, false, kills(200) / 8);
}

#[test]
fn what_is_synced_now_and_then_survives_every_kill() {
    let test = "what_is_synced_now_and_then_survives_every_kill";
    kill_over_and_over(test, Durability::Interval, false, kills(200) / 8);
}

/// Here a kill can come in the middle of a write.
#[test]
fn what_was_written_through_a_memory_map_survives_every_kill() {
    let test = "what_was_written_through_a_memory_map_survives_every_kill";
    kill_over_and_over(test, Durability::Os, true, kills(200) / 4);
}
