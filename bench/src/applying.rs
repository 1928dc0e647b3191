//! Transactions of other nodes, taken in by a replica, beside a log that only records them.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use causelog::{
    Change, ChangeLog, ChangeOperation, Dot, Durability, LogOptions, Replica, ReplicaOptions, Timestamp,
    Transaction, Uuid,
};

use crate::peers::Peer;
use crate::sample::{Metric, Sample};
use crate::workload::{ROWS, Workload};

/// How many entries are taken in.
pub(crate) const ENTRIES: u64 = 1_000_000;
/// Entries between two looks at the clock.
const LOOK_AFTER: u64 = 256;

/// Takes in a transaction.
type Take = Box<dyn Fn(&Transaction) -> causelog::Result<()>>;

/// What two nodes write: each transaction one change, so many in a hundred of them concurrent with what their row is.
struct Writers {
    workload: Workload,
    percent: u64,
    /// The last sequence of each node, and how far each has seen the other.
    last: [u64; 2],
    /// The last sequence of each node at the end of the rounds before.
    ends: Vec<[u64; 2]>,
}

impl Writers {
    fn node(author: usize) -> Uuid {
        Uuid::from_u64_pair(author as u64 + 1, 0x4000_8000)
    }

    fn transaction(&mut self, number: u64) -> Transaction {
        let (round, rows) = (number / ROWS as u64, ROWS as u64);
        if number.is_multiple_of(rows) {
            self.ends.push(self.last);
        }
        let author = match self.percent {
            0 => 0,
            // Whole rounds take turns, and neither hears of the last one of the other.
            100 => (round % 2) as usize,
            percent => usize::from((number + round) % (100 / percent) == 7),
        };
        let other = 1 - author;
        let heard = match (self.percent, author) {
            (0, _) => 0,
            (100, _) => {
                (round as usize).checked_sub(1).and_then(|at| self.ends.get(at)).map_or(0, |ends| ends[other])
            }
            // One hears all; the other has heard nothing of the last round.
            (_, 0) => self.last[other],
            _ => {
                (round as usize).checked_sub(1).and_then(|at| self.ends.get(at)).map_or(0, |ends| ends[other])
            }
        };
        let entry = self.workload.entry(number);
        let mut dependencies = Vec::with_capacity(2);
        for (node, sequence) in [(author, self.last[author]), (other, heard)] {
            if sequence > 0 {
                dependencies.push(Dot::new(Self::node(node), sequence));
            }
        }
        self.last[author] += 1;
        let operation = if entry.insert { ChangeOperation::Insert } else { ChangeOperation::Update };
        let change = Change::new(
            entry.row.table,
            entry.row.id.to_vec(),
            operation,
            None,
            Some(entry.payload.to_vec()),
        );
        Transaction {
            node: Self::node(author),
            sequence: self.last[author],
            dependencies,
            timestamp: Timestamp::from_nanoseconds(1_700_000_000_000_000_000 + number as i64 * 1000),
            changes: vec![change],
        }
    }
}

/// Takes in what the two write, until the time is over.
pub(crate) fn measure(peer: Peer, directory: &Path, percent: u64, cap: Duration) -> Result<Sample> {
    let log = LogOptions { durability: Durability::Os, ..LogOptions::default() };
    let take: Take;
    let replica;
    match peer {
        Peer::Bare => {
            let log = ChangeLog::open_with(directory, log)?;
            take = Box::new(move |transaction| log.append_remote(transaction).map(drop));
            replica = None;
        }
        Peer::Causelog => {
            let made = std::rc::Rc::new(Replica::open_with(
                directory,
                ReplicaOptions { log, ..ReplicaOptions::default() },
            )?);
            replica = Some(made.clone());
            take = Box::new(move |transaction| made.apply(transaction).map(drop));
        }
        _ => bail!("{} takes in no transactions", peer.name()),
    }
    let mut writers = Writers { workload: Workload::new(), percent, last: [0; 2], ends: Vec::new() };
    let start = Instant::now();
    let mut taking = Duration::ZERO;
    let (mut taken, mut batch) = (0, Vec::with_capacity(LOOK_AFTER as usize));
    while taken < ENTRIES && start.elapsed() < cap {
        batch.clear();
        batch.extend((taken..taken + LOOK_AFTER).map(|number| writers.transaction(number)));
        let start = Instant::now();
        batch.iter().try_for_each(&take)?;
        taking += start.elapsed();
        taken += LOOK_AFTER;
    }
    let mut sample = Sample::from([
        (Metric::Appended, taken as f64),
        (Metric::AppendRate, taken as f64 / taking.as_secs_f64()),
    ]);
    if let Some(replica) = replica {
        let stats = replica.stats()?;
        sample.insert(Metric::RowMemory, stats.memory as f64 / stats.rows as f64);
        sample.insert(Metric::Contested, stats.contested_rows as f64);
        sample.insert(Metric::Settled, stats.settlings as f64);
    }
    Ok(sample)
}
