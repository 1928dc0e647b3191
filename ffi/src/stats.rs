use std::mem::MaybeUninit;

use causelog_core::{ChangeLogStats, TableStats};

use crate::consumer::causelog_consumer_status;
use crate::guard::read;
use crate::handle::release;
use crate::input::write_if_wanted;
use crate::text::causelog_text;

/// What a log held when it was asked, in numbers. Never changes.
pub struct causelog_stats {
    stats: ChangeLogStats,
    /// The tables of `stats`, in an order that can be counted off.
    tables: Vec<(String, TableStats)>,
}

impl causelog_stats {
    pub(crate) fn new(mut stats: ChangeLogStats) -> Self {
        let tables = std::mem::take(&mut stats.tables).into_iter().collect();
        causelog_stats { stats, tables }
    }
}

/// Entries of one table by operation.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct causelog_table_stats {
    /// The table's name, as long as the stats live.
    pub table: causelog_text,
    /// Entries that insert a row.
    pub inserts: u64,
    /// Entries that update a row.
    pub updates: u64,
    /// Entries that delete a row.
    pub deletes: u64,
}

/// Entries that are still there: changes of all transactions, the removed ones left out.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_stats_entries(stats: Option<&causelog_stats>) -> u64 {
    read(stats, 0, |stats| stats.stats.entries)
}

/// Transactions, the empty ones among them.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_stats_transactions(stats: Option<&causelog_stats>) -> u64 {
    read(stats, 0, |stats| stats.stats.transactions)
}

/// Transactions without a change: merges of what their authors had seen.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_stats_merges(stats: Option<&causelog_stats>) -> u64 {
    read(stats, 0, |stats| stats.stats.merges)
}

/// Nodes that wrote at least one transaction.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_stats_nodes(stats: Option<&causelog_stats>) -> u64 {
    read(stats, 0, |stats| stats.stats.nodes)
}

/// LSN of the first entry; 0 if there is none.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_stats_first_lsn(stats: Option<&causelog_stats>) -> u64 {
    read(stats, 0, |stats| stats.stats.first_lsn)
}

/// LSN of the last entry; 0 if there is none.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_stats_last_lsn(stats: Option<&causelog_stats>) -> u64 {
    read(stats, 0, |stats| stats.stats.last_lsn)
}

/// LSN of the last entry that would survive a loss of power; 0 if there is none.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_stats_durable_lsn(stats: Option<&causelog_stats>) -> u64 {
    read(stats, 0, |stats| stats.stats.durable_lsn)
}

/// Whether there is any transaction; `*timestamp` becomes the earliest timestamp of all
/// then, in nanoseconds since the Unix epoch. `timestamp` may be NULL.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_stats_oldest(
    stats: Option<&causelog_stats>,
    timestamp: Option<&mut MaybeUninit<i64>>,
) -> bool {
    let oldest = read(stats, None, |stats| stats.stats.oldest);
    if let Some(oldest) = oldest {
        write_if_wanted(timestamp, oldest.nanoseconds());
    }
    oldest.is_some()
}

/// Whether there is any transaction; `*timestamp` becomes the latest timestamp of all
/// then, in nanoseconds since the Unix epoch. `timestamp` may be NULL.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_stats_newest(
    stats: Option<&causelog_stats>,
    timestamp: Option<&mut MaybeUninit<i64>>,
) -> bool {
    let newest = read(stats, None, |stats| stats.stats.newest);
    if let Some(newest) = newest {
        write_if_wanted(timestamp, newest.nanoseconds());
    }
    newest.is_some()
}

/// Segments that the log consists of.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_stats_segments(stats: Option<&causelog_stats>) -> u64 {
    read(stats, 0, |stats| stats.stats.segments)
}

/// Bytes of all segments, their headers included; not those of their indexes.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_stats_bytes(stats: Option<&causelog_stats>) -> u64 {
    read(stats, 0, |stats| stats.stats.bytes)
}

/// How many tables have entries.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_stats_table_count(stats: Option<&causelog_stats>) -> usize {
    read(stats, 0, |stats| stats.tables.len())
}

/// The numbers of the table at this place, ascending by name, from 0; zeros beyond the count.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_stats_table(stats: Option<&causelog_stats>, index: usize) -> causelog_table_stats {
    let none = causelog_table_stats { table: causelog_text::NONE, inserts: 0, updates: 0, deletes: 0 };
    read(stats, none, |stats| {
        let table = stats.tables.get(index);
        table.map_or(none, |(name, numbers)| causelog_table_stats {
            table: causelog_text::of(name),
            inserts: numbers.inserts,
            updates: numbers.updates,
            deletes: numbers.deletes,
        })
    })
}

/// How many consumers there are.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_stats_consumer_count(stats: Option<&causelog_stats>) -> usize {
    read(stats, 0, |stats| stats.stats.consumers.len())
}

/// The consumer at this place, ascending by name, from 0; zeros beyond the count. Its name lives as long as the stats.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_stats_consumer(
    stats: Option<&causelog_stats>,
    index: usize,
) -> causelog_consumer_status {
    read(stats, causelog_consumer_status::NONE, |stats| {
        causelog_consumer_status::at(&stats.stats.consumers, index)
    })
}

/// Frees stats; NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_stats_free(stats: Option<Box<causelog_stats>>) {
    release(stats);
}
