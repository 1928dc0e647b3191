use std::mem::MaybeUninit;

use causelog_core::ReplicaStats;

use crate::error::causelog_error;
use crate::guard::{guard, read};
use crate::handle::{give, release};
use crate::input::required;
use crate::replica::causelog_replica;
use crate::status::causelog_status;

/// What a replica held of rows and conflicts when it was asked, in numbers. Never changes.
pub struct causelog_row_stats {
    stats: ReplicaStats,
}

/// What the replica holds, in numbers. Free them with `causelog_row_stats_free`.
///
/// Fails with `CAUSELOG_CLOSED`.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_replica_stats(
    replica: Option<&causelog_replica>,
    stats: Option<&mut MaybeUninit<*mut causelog_row_stats>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let (replica, stats) = (required(replica, "replica")?, required(stats, "stats")?);
        stats.write(give(causelog_row_stats { stats: replica.replica.stats()? }));
        Ok(())
    })
}

/// Rows that the log has entries of, deleted ones among them.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_row_stats_rows(stats: Option<&causelog_row_stats>) -> u64 {
    read(stats, 0, |stats| stats.stats.rows)
}

/// Rows with several heads, whether or not these disagree.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_row_stats_contested_rows(stats: Option<&causelog_row_stats>) -> u64 {
    read(stats, 0, |stats| stats.stats.contested_rows)
}

/// Entries that ended a conflict, or what would have been one if the heads had disagreed.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_row_stats_settlings(stats: Option<&causelog_row_stats>) -> u64 {
    read(stats, 0, |stats| stats.stats.settlings)
}

/// Entries whose `before` was not what their author's past comes to here: written past a replica, by
/// other rules, or by a resolver that is no pure function.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_row_stats_before_mismatches(stats: Option<&causelog_row_stats>) -> u64 {
    read(stats, 0, |stats| stats.stats.before_mismatches)
}

/// Memory for the heads of all rows and for what is remembered of conflicts, roughly, in bytes.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_row_stats_memory(stats: Option<&causelog_row_stats>) -> u64 {
    read(stats, 0, |stats| stats.stats.memory)
}

/// Frees the numbers; NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_row_stats_free(stats: Option<Box<causelog_row_stats>>) {
    release(stats);
}
