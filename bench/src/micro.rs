//! What takes nanoseconds: comparing clocks, finding and resolving conflicts.

use std::cmp::Ordering;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use causelog::{
    Change, ChangeEntry, ChangeLog, ConflictDetector, ConflictReport, ConflictResolution, LogOptions,
    ManualTime, QueryOptions, RowId, Timestamp, Uuid, VectorClock,
};
use serde::{Deserialize, Serialize};

use crate::peers::Peer;
use crate::sample::{Metric, Sample, median};
use crate::workload::{Random, Workload};

/// Pairs that are gone through in turn, so that no branch is always the same.
const PAIRS: usize = 64;
/// How long one measurement takes.
const BUDGET: Duration = Duration::from_millis(200);
/// How long one of its parts takes: reading the clock does not show in it.
const PART: Duration = Duration::from_millis(2);

/// How far detection goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Detection {
    /// Two entries one of whose authors had seen the other: no conflict.
    Ordered,
    /// Two concurrent entries: the conflict.
    Concurrent,
    /// The conflict, its winner and the report.
    Resolved,
    /// All that, and the report's text.
    Rendered,
}

pub(crate) fn clocks(peer: Peer, nodes: usize) -> Result<Sample> {
    let pairs = clock_pairs(nodes);
    let time = match peer {
        Peer::Bare => {
            let pairs: Vec<_> = pairs.iter().map(|(a, b)| (bare::clock(a), bare::clock(b))).collect();
            call_time(&pairs, |(a, b)| bare::compare(a, b))
        }
        Peer::Causelog => call_time(&pairs, |(a, b)| a.compare(b)),
        _ => bail!("{} has no clocks", peer.name()),
    };
    Ok(Sample::from([(Metric::CallTime, time)]))
}

/// Clocks of the same random nodes, the second of which has seen one more event somewhere: all of both must be looked at.
fn clock_pairs(nodes: usize) -> Vec<(VectorClock, VectorClock)> {
    let mut random = Random(nodes as u64);
    let pair = |_| {
        let entries =
            (0..nodes).map(|_| (Uuid::from_u64_pair(random.next(), random.next()), 1 + random.next() % 1000));
        let before: VectorClock = entries.collect();
        let mut after = before.clone();
        if let Some((node, sequence)) = before.iter().nth(random.next() as usize % nodes) {
            after.advance(node, sequence + 1);
        }
        (before, after)
    };
    (0..PAIRS).map(pair).collect()
}

pub(crate) fn detect(peer: Peer, detection: Detection) -> Result<Sample> {
    let histories = histories()?;
    let pairs: Vec<(&ChangeEntry, &ChangeEntry)> = histories
        .iter()
        .map(|[first, ours, theirs]| (if detection == Detection::Ordered { first } else { ours }, theirs))
        .collect();
    let time = match peer {
        Peer::Bare => {
            let pairs: Vec<_> = pairs.iter().map(|(a, b)| (bare::Entry::of(a), bare::Entry::of(b))).collect();
            match detection {
                Detection::Ordered | Detection::Concurrent => {
                    call_time(&pairs, |(a, b)| bare::conflict(black_box(a), black_box(b)))
                }
                Detection::Resolved => call_time(&pairs, |(a, b)| bare::resolve(black_box(a), black_box(b))),
                Detection::Rendered => bail!("there is no least text to compare with"),
            }
        }
        Peer::Causelog => {
            let strategy = ConflictResolution::LastWriteWins;
            // What reading the system's clock takes is that system's, and more than all the rest.
            let detector = match detection {
                Detection::Ordered | Detection::Concurrent => ConflictDetector::with_time(
                    strategy,
                    Arc::new(ManualTime::new(Timestamp::from_nanoseconds(0))),
                ),
                Detection::Resolved | Detection::Rendered => ConflictDetector::new(strategy),
            };
            // Once outside the clock, to see that the pairs are what they are taken for.
            for (local, remote) in &pairs {
                let found = detector.detect(local, remote)?.is_some();
                if found != (detection != Detection::Ordered) {
                    bail!("the entries of row {} are not related as meant", local.row_id);
                }
            }
            match detection {
                Detection::Ordered | Detection::Concurrent => {
                    call_time(&pairs, |(local, remote)| detector.detect(black_box(local), black_box(remote)))
                }
                Detection::Resolved => call_time(&pairs, |pair| report(&detector, pair)),
                Detection::Rendered => {
                    call_time(&pairs, |pair| report(&detector, pair).map(|report| report.to_string()))
                }
            }
        }
        _ => bail!("{} detects no conflicts", peer.name()),
    };
    Ok(Sample::from([(Metric::CallTime, time)]))
}

fn report<'a>(
    detector: &ConflictDetector,
    (local, remote): &(&'a ChangeEntry, &'a ChangeEntry),
) -> Option<ConflictReport<'a>> {
    let conflict = detector.detect(local, remote).ok().flatten()?;
    detector.report(&conflict).ok()
}

/// For each of a number of rows an insert that all had seen, and two concurrent updates, with clocks of three nodes.
fn histories() -> Result<Vec<[ChangeEntry; 3]>> {
    let workload = Workload::new();
    let mut payloads = (0..).map(|number| workload.entry(number).payload.to_vec());
    let mut payload = || payloads.next().context("the workload does not end");
    let logs = [(); 3].map(|()| ChangeLog::in_memory(LogOptions::default()));
    let [ours, theirs, third] = logs;
    let (ours, theirs, third) = (ours?, theirs?, third?);
    for log in [&theirs, &third] {
        log.append(Change::insert("others", 0, payload()?))?;
        copy(log, &ours)?;
    }
    for row in 0..PAIRS as i64 {
        ours.append(Change::insert("accounts", row, payload()?))?;
    }
    copy(&ours, &theirs)?;
    for log in [&ours, &theirs] {
        for row in 0..PAIRS as i64 {
            log.append(Change::update("accounts", row, payload()?, payload()?))?;
        }
    }
    copy(&theirs, &ours)?;
    let history = |row: i64| -> Result<[ChangeEntry; 3]> {
        let entries = ours.query(QueryOptions::row("accounts", RowId::from(row)))?;
        let entries = entries.collect::<causelog::Result<Vec<_>>>()?;
        entries.try_into().ok().context("a row has three entries")
    };
    (0..PAIRS as i64).map(history).collect()
}

fn copy(from: &ChangeLog, to: &ChangeLog) -> Result<()> {
    for transaction in from.transactions(&to.frontier()?)? {
        to.append_remote(&transaction?)?;
    }
    Ok(())
}

/// The median time of `call` for one item, in ns.
fn call_time<Item, Answer>(items: &[Item], mut call: impl FnMut(&Item) -> Answer) -> f64 {
    let mut passes = |count: u32| {
        let start = Instant::now();
        for _ in 0..count {
            for item in items {
                black_box(call(black_box(item)));
            }
        }
        start.elapsed()
    };
    let mut count = 1;
    while passes(count) < PART {
        count *= 2;
    }
    let begin = Instant::now();
    let mut times = Vec::new();
    while begin.elapsed() < BUDGET {
        times.push(passes(count).as_secs_f64() * 1e9 / f64::from(count) / items.len() as f64);
    }
    median(&mut times).unwrap_or_default()
}

/// The least code that decides the same.
mod bare {
    use super::{ChangeEntry, Ordering, VectorClock};

    /// Ascending by node.
    pub(super) type Clock = Vec<(u128, u64)>;

    pub(super) fn clock(clock: &VectorClock) -> Clock {
        clock.iter().map(|(node, sequence)| (node.as_u128(), sequence)).collect()
    }

    /// Whether the first has seen what the second has not, and the other way round.
    pub(super) fn compare(left: &[(u128, u64)], right: &[(u128, u64)]) -> (bool, bool) {
        if left.len() != right.len() {
            return merge(left, right);
        }
        let (mut ahead, mut behind) = (false, false);
        for (a, b) in left.iter().zip(right) {
            if a.0 != b.0 {
                return merge(left, right);
            }
            ahead |= a.1 > b.1;
            behind |= a.1 < b.1;
        }
        (ahead, behind)
    }

    /// The same for clocks that need not be of the same nodes.
    fn merge(mut left: &[(u128, u64)], mut right: &[(u128, u64)]) -> (bool, bool) {
        let (mut ahead, mut behind) = (false, false);
        while let (Some((a, left_rest)), Some((b, right_rest))) = (left.split_first(), right.split_first()) {
            let order = a.0.cmp(&b.0);
            ahead |= order == Ordering::Less || order == Ordering::Equal && a.1 > b.1;
            behind |= order == Ordering::Greater || order == Ordering::Equal && a.1 < b.1;
            if order != Ordering::Greater {
                left = left_rest;
            }
            if order != Ordering::Less {
                right = right_rest;
            }
        }
        (ahead || !left.is_empty(), behind || !right.is_empty())
    }

    pub(super) struct Entry<'a> {
        table: &'a str,
        row_id: Vec<u8>,
        node: u128,
        sequence: u64,
        clock: Clock,
        timestamp: i64,
        after: Option<&'a [u8]>,
    }

    impl Entry<'_> {
        pub(super) fn of(entry: &ChangeEntry) -> Entry<'_> {
            Entry {
                table: &entry.table,
                row_id: entry.row_id.encode(),
                node: entry.node.as_u128(),
                sequence: entry.sequence,
                clock: clock(&entry.vector_clock),
                timestamp: entry.timestamp.nanoseconds(),
                after: entry.after.as_deref(),
            }
        }

        fn has_seen(&self, other: &Entry<'_>) -> bool {
            let place = self.clock.binary_search_by_key(&other.node, |(node, _)| *node);
            place.is_ok_and(|place| self.clock[place].1 >= other.sequence)
        }
    }

    pub(super) fn conflict(a: &Entry<'_>, b: &Entry<'_>) -> bool {
        a.table == b.table && a.row_id == b.row_id && !a.has_seen(b) && !b.has_seen(a) && a.after != b.after
    }

    /// The node and the payload of the later one, if they conflict.
    pub(super) fn resolve<'a>(a: &Entry<'a>, b: &Entry<'a>) -> Option<(u128, Option<&'a [u8]>)> {
        let later = if (a.timestamp, a.node) > (b.timestamp, b.node) { a } else { b };
        conflict(a, b).then_some((later.node, later.after))
    }
}
