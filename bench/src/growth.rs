//! What becomes of a log as it grows.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use causelog::{ChangeLog, LogOptions, RowId, Uuid};

use crate::measure::{TAIL, median_time, settle_allocator};
use crate::peers::{self, Durability, Peer};
use crate::process;
use crate::sample::{Metric, Sample};
use crate::workload::{ROWS, Workload};

/// Bytes on disk of one entry, to say beforehand how much is needed.
pub(crate) const ENTRY_LENGTH: u64 = 320;

/// Opens a log whose writer ended without closing it, and closes it.
pub(crate) fn recover(directory: &Path) -> Result<Sample> {
    let start = Instant::now();
    let log = ChangeLog::open(directory)?;
    let time = start.elapsed();
    log.close()?;
    Ok(Sample::from([(Metric::RecoverTime, millis(time))]))
}

/// Opens a log of so many entries that was closed, and reads of it what most readers do.
pub(crate) fn look(directory: &Path, entries: u64) -> Result<Sample> {
    settle_allocator();
    let start = Instant::now();
    let store = peers::open(Peer::Causelog, directory, Durability::Os, 1)?;
    let reopen = start.elapsed();
    let skipped = entries.saturating_sub(TAIL);
    let tail = median_time(|| store.tail(skipped))?;
    store.close()?;

    let log = ChangeLog::open_with(directory, LogOptions { read_only: true, ..LogOptions::default() })?;
    let workload = Workload::new();
    let row = workload.entry(entries / 2).row;
    let history = median_time(|| {
        let mut cursor = log.history(row.table, RowId::from(Uuid::from_bytes(row.id)))?;
        let mut found = 0;
        while let Some(entry) = cursor.next_entry()? {
            found += u64::from(entry.after.is_some());
        }
        ensure!(
            found == entries.div_ceil(ROWS as u64) || found == entries / ROWS as u64,
            "a row of {found} entries"
        );
        Ok(())
    })?;
    let memory = process::peak_memory()?;
    let start = Instant::now();
    let report = log.verify()?;
    let verify = start.elapsed();
    report.check()?;
    ensure!(report.entries == entries, "verified {} of {entries} entries", report.entries);
    let per_million = 1e6 / entries as f64;
    Ok(Sample::from([
        (Metric::ReopenTime, millis(reopen)),
        (Metric::TailTime, tail),
        (Metric::HistoryTime, history),
        (Metric::VerifyTime, millis(verify) * per_million),
        (Metric::ReadMemory, memory),
    ]))
}

/// What a log of so many entries takes at most while it is measured, for whoever has to make room.
pub(crate) fn space(entries: u64) -> Result<u64> {
    entries.checked_mul(ENTRY_LENGTH).context("no disk is so large")
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
