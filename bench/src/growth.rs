//! What becomes of a log as it grows.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use causelog::{ChangeLog, QueryOptions};

use crate::measure::{TAIL, median_time, settle_allocator};
use crate::peers::causelog::Causelog;
use crate::peers::{Durability, Store};
use crate::process;
use crate::sample::{Metric, Sample};
use crate::workload::{ROWS, Workload};

/// Bytes on disk of one entry, to say beforehand how much is needed.
const ENTRY_LENGTH: u64 = 320;

/// Opens a log whose writer ended without closing it, and closes it.
pub(crate) fn recover(directory: &Path) -> Result<Sample> {
    let start = Instant::now();
    let log = ChangeLog::open(directory)?;
    let time = start.elapsed();
    log.close()?;
    let memory = process::peak_memory()?;
    Ok(Sample::from([(Metric::RecoverTime, millis(time)), (Metric::RecoverMemory, memory)]))
}

/// Opens a log of so many entries that was closed, and reads of it what most readers do, then everything.
pub(crate) fn look(directory: &Path, entries: u64) -> Result<Sample> {
    settle_allocator();
    let start = Instant::now();
    let store = Causelog::open(directory, Durability::Os, false)?;
    let reopen = start.elapsed();

    let skipped = entries.saturating_sub(TAIL);
    let mut tail = None;
    let tail_time = median_time(|| {
        tail = Some(store.tail(skipped)?);
        Ok(())
    })?;

    // As many entries as any other row has, from the first to the last segment.
    let options = QueryOptions { since: entries / 2, limit: Some(1), ..QueryOptions::default() };
    let entry = store.log().query(options)?.next().context("the log ends in its middle")??;
    let mut found = 0;
    let history = median_time(|| {
        let mut cursor = store.log().history(&entry.table, entry.row_id.clone())?;
        found = 0;
        while cursor.next_entry()?.is_some() {
            found += 1;
        }
        Ok(())
    })?;
    ensure!(found == entries / ROWS as u64, "a row of {found} entries");

    let start = Instant::now();
    let scanned = store.scan()?;
    let scan = start.elapsed();
    let start = Instant::now();
    let report = store.log().verify()?;
    let verify = start.elapsed();
    let memory = process::peak_memory()?;
    report.check()?;
    ensure!(report.entries == entries, "verified {} of {entries} entries", report.entries);
    Box::new(store).close()?;

    // Made only now, so that its memory is not taken for the log's.
    let workload = Workload::new();
    ensure!(tail == Some(workload.digest(skipped..entries)), "the tail is not what was appended");
    ensure!(scanned == workload.digest(0..entries), "what was read is not what was appended");
    Ok(Sample::from([
        (Metric::ReopenTime, millis(reopen)),
        (Metric::TailTime, tail_time),
        (Metric::HistoryTime, history),
        (Metric::ScanRate, entries as f64 / scan.as_secs_f64()),
        (Metric::VerifyTime, millis(verify) * 1e6 / entries as f64),
        (Metric::ReadMemory, memory),
        (Metric::DiskBytes, process::disk_usage(directory)? as f64 / entries as f64),
    ]))
}

/// What a log of so many entries takes at most while it is measured, for whoever has to make room.
pub(crate) fn space(entries: u64) -> u64 {
    entries.saturating_mul(ENTRY_LENGTH)
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
