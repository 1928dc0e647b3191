//! One measurement of one store, in a process of its own.

use std::path::{Path, PathBuf};
use std::sync::Barrier;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use serde::{Deserialize, Serialize};

use crate::history::History;
use crate::peers::{self, Durability, Peer};
use crate::sample::{Metric, Sample, median};
use crate::workload::{Digest, ROWS, Workload};
use crate::{applying, growth, micro, process};

/// How many entries the tail is.
pub(crate) const TAIL: u64 = 1000;
/// How often the tail, or a row's history, is read.
const TAIL_READS: usize = 15;
/// Entries appended between two looks at the clock, which is not free.
const LOOK_AFTER: u64 = 1024;

/// What a measuring process is told.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Job {
    pub(crate) peer: Peer,
    pub(crate) task: Task,
    /// Where the store is.
    pub(crate) directory: PathBuf,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) enum Task {
    /// Append so many entries, and stop early when the time is over. Then close the store, or end as if killed.
    Append { durability: Durability, entries: u64, batch: u64, cap: Duration, close: bool },
    /// Open what was appended, and read it.
    Read { entries: u64 },
    /// Open what was not closed.
    Recover,
    /// Open a log of so many entries, and look into it as readers do.
    Look { entries: u64 },
    /// Write a history in which many nodes took part, and stop early when the time is over.
    History { history: History, cap: Duration },
    /// Append durably for so long.
    Sync { threads: usize, batch: u64, time: Duration },
    /// Compare clocks of so many nodes.
    Clocks { nodes: usize },
    /// Look for conflicts, and go on to so much.
    Detect(micro::Detection),
    /// Take in remote entries, so many in a hundred of them in conflict, and stop early when the time is over.
    Apply { percent: u64, cap: Duration },
}

impl Job {
    pub(crate) fn run(&self) -> Result<Sample> {
        match self.task {
            Task::Append { durability, entries, batch, cap, close } => {
                append(self.peer, &self.directory, durability, entries, batch, cap, close)
            }
            Task::Recover => growth::recover(&self.directory),
            Task::Look { entries } => growth::look(&self.directory, entries),
            Task::History { history, cap } => history.measure(&self.directory, cap),
            Task::Read { entries } => read(self.peer, &self.directory, entries),
            Task::Sync { threads, batch, time } => sync(self.peer, &self.directory, threads, batch, time),
            Task::Clocks { nodes } => micro::clocks(self.peer, nodes),
            Task::Apply { percent, cap } => applying::measure(self.peer, &self.directory, percent, cap),
            Task::Detect(detection) => micro::detect(self.peer, detection),
        }
    }
}

fn append(
    peer: Peer,
    directory: &Path,
    durability: Durability,
    entries: u64,
    batch: u64,
    cap: Duration,
    closes: bool,
) -> Result<Sample> {
    let workload = Workload::new();
    let store = peers::open(peer, directory, durability, 1)?;
    let mut writer = store.writer(0)?;
    let mut pending = Vec::with_capacity(batch as usize);
    let memory = process::anonymous_memory()?;
    let (cpu, start) = (process::cpu_time(), Instant::now());
    let (mut appended, mut look) = (0, LOOK_AFTER);
    while appended < entries {
        let until = entries.min(appended + batch);
        workload.fill(&mut pending, appended..until);
        writer.append(&pending)?;
        appended = until;
        if appended >= look {
            if start.elapsed() > cap {
                break;
            }
            look += LOOK_AFTER;
        }
    }
    let elapsed = start.elapsed();
    let cpu = process::cpu_time() - cpu;
    let memory = process::anonymous_memory()? - memory;
    drop(writer);
    // A log in memory is read where it is: nobody else can.
    let index = match durability {
        Durability::Memory => store.row_index(workload.entry(0).row)?,
        Durability::Os | Durability::Sync => None,
    };
    let start = Instant::now();
    if closes {
        store.close()?;
    } else {
        // What it would do when dropped does not happen, as if the process had been killed.
        std::mem::forget(store);
    }
    let close = start.elapsed();
    let per_entry = |total: f64| total / appended as f64;
    let rows = appended.min(ROWS as u64) as f64;
    let taken = index.map_or(0.0, |index| index.taken);
    let mut sample = Sample::from([
        (Metric::Appended, appended as f64),
        (Metric::AppendRate, appended as f64 / elapsed.as_secs_f64()),
        (Metric::AppendCpu, per_entry(micros(cpu))),
        (Metric::CloseTime, millis(close)),
        (Metric::DiskBytes, per_entry(process::disk_usage(directory)? as f64)),
        (Metric::AppendMemory, process::peak_memory()?),
        (Metric::EntryMemory, per_entry(memory - taken)),
    ]);
    sample.extend(index.map(|index| (Metric::RowIndexMemory, (index.taken + index.more) / rows)));
    Ok(sample)
}

fn read(peer: Peer, directory: &Path, entries: u64) -> Result<Sample> {
    settle_allocator();
    let start = Instant::now();
    let store = peers::open(peer, directory, Durability::Os, 1)?;
    let reopen = start.elapsed();

    let skipped = entries.saturating_sub(TAIL);
    let mut tail = Digest::default();
    let tail_time = median_time(|| {
        tail = store.tail(skipped)?;
        Ok(())
    })?;
    let start = Instant::now();
    let scanned = store.scan()?;
    let scan = start.elapsed();
    let memory = process::peak_memory()?;
    store.close()?;

    // Made only now, so that its memory is not taken for the store's.
    let workload = Workload::new();
    ensure!(tail == workload.digest(skipped..entries), "the tail is not what was appended");
    ensure!(scanned == workload.digest(0..entries), "the entries are not what was appended");
    Ok(Sample::from([
        (Metric::ReopenTime, millis(reopen)),
        (Metric::TailTime, tail_time),
        (Metric::ScanRate, scanned.entries() as f64 / scan.as_secs_f64()),
        (Metric::ReadMemory, memory),
    ]))
}

/// The median time in µs of reading something again and again.
pub(crate) fn median_time<T>(mut read: impl FnMut() -> Result<T>) -> Result<f64> {
    let mut times = Vec::with_capacity(TAIL_READS);
    for _ in 0..TAIL_READS {
        let start = Instant::now();
        read()?;
        times.push(micros(start.elapsed()));
    }
    Ok(median(&mut times).unwrap_or_default())
}

/// Brings glibc's allocator to where a process that has run for a while has it: it keeps what is
/// freed. Fresh, it gives memory back and fetches it again at sizes that happen to suit one store
/// and not another, which can take longer than the tail itself.
pub(crate) fn settle_allocator() {
    drop(std::hint::black_box(Vec::<u8>::with_capacity(16 * 1024 * 1024)));
}

fn sync(peer: Peer, directory: &Path, threads: usize, batch: u64, time: Duration) -> Result<Sample> {
    let workload = Workload::new();
    let store = peers::open(peer, directory, Durability::Sync, threads)?;
    let ready = Barrier::new(threads + 1);
    let cpu = process::cpu_time();
    let (elapsed, latencies) = std::thread::scope(|scope| -> Result<_> {
        let threads: Vec<_> = (0..threads)
            .map(|thread| {
                let (store, workload, ready) = (&store, &workload, &ready);
                scope.spawn(move || -> Result<Vec<u32>> {
                    let mut pending = Vec::with_capacity(batch as usize);
                    let mut latencies = Vec::new();
                    let mut next = thread as u64 * 1_000_000;
                    ready.wait();
                    // Opened here, for not every store's writers can move between threads.
                    let mut writer = store.writer(thread)?;
                    let start = Instant::now();
                    let mut now = start;
                    while now - start < time {
                        workload.fill(&mut pending, next..next + batch);
                        writer.append(&pending)?;
                        next += batch;
                        let end = Instant::now();
                        latencies.push(u32::try_from((end - now).as_nanos()).unwrap_or(u32::MAX));
                        now = end;
                    }
                    Ok(latencies)
                })
            })
            .collect();
        ready.wait();
        let start = Instant::now();
        let mut latencies = Vec::new();
        for thread in threads {
            latencies.extend(thread.join().map_err(|_| anyhow!("a thread panicked"))??);
        }
        Ok((start.elapsed(), latencies))
    })?;
    let cpu = process::cpu_time() - cpu;
    store.close()?;
    let appended = (latencies.len() as u64 * batch) as f64;
    let [middle, high, worst] = percentiles(latencies, [0.5, 0.99, 1.0]).context("nothing was appended")?;
    Ok(Sample::from([
        (Metric::Appended, appended),
        (Metric::AppendRate, appended / elapsed.as_secs_f64()),
        (Metric::AppendCpu, micros(cpu) / appended),
        (Metric::Latency50, middle),
        (Metric::Latency99, high),
        (Metric::LatencyWorst, worst),
        (Metric::DiskBytes, process::disk_usage(directory)? as f64 / appended),
        (Metric::AppendMemory, process::peak_memory()?),
    ]))
}

/// The values in µs that these shares of the nanoseconds do not exceed; `None` if there are none.
fn percentiles<const COUNT: usize>(mut nanoseconds: Vec<u32>, shares: [f64; COUNT]) -> Option<[f64; COUNT]> {
    nanoseconds.sort_unstable();
    let last = nanoseconds.len().checked_sub(1)?;
    Some(shares.map(|share| f64::from(nanoseconds[(share * last as f64).ceil() as usize]) / 1e3))
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_occurred() {
        let nanoseconds = (1..=100).rev().map(|micros| micros * 1000).collect();
        assert_eq!(percentiles(nanoseconds, [0.0, 0.5, 1.0]), Some([1.0, 51.0, 100.0]));
        assert_eq!(percentiles(Vec::new(), [0.5]), None);
    }
}
