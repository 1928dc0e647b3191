//! What a log holds, in numbers.

use napi_derive::napi;

use crate::consumer::{ConsumerStatus, statuses};
use crate::output::{Count, Moment, Nanoseconds, Record};

/// What a log holds, in numbers.
#[napi(object, object_from_js = false, use_nullable = true)]
pub struct ChangeLogStats {
    /// Entries that are still there: changes of all transactions, the removed ones left out.
    #[napi(ts_type = "number")]
    pub entries: Count,
    /// Transactions, the empty ones among them.
    #[napi(ts_type = "number")]
    pub transactions: Count,
    /// Transactions without a change: merges of what their authors had seen.
    #[napi(ts_type = "number")]
    pub merges: Count,
    /// Nodes that wrote at least one transaction.
    #[napi(ts_type = "number")]
    pub nodes: Count,
    /// LSN of the first entry; `0n` if there is none.
    pub first_lsn: u64,
    /// LSN of the last entry; `0n` if there is none.
    pub last_lsn: u64,
    /// The earliest timestamp of any transaction, rounded down to milliseconds; `null` if there is none.
    #[napi(ts_type = "Date")]
    pub oldest: Option<Moment>,
    /// The same in nanoseconds since 1970: exact.
    #[napi(ts_type = "bigint")]
    pub oldest_ns: Option<Nanoseconds>,
    /// The latest timestamp of any transaction, rounded down to milliseconds; `null` if there is none.
    #[napi(ts_type = "Date")]
    pub newest: Option<Moment>,
    /// The same in nanoseconds since 1970: exact.
    #[napi(ts_type = "bigint")]
    pub newest_ns: Option<Nanoseconds>,
    /// LSN of the last entry that would survive a loss of power; `0n` if there is none.
    pub durable_lsn: u64,
    /// Segments that the log consists of.
    #[napi(ts_type = "number")]
    pub segments: Count,
    /// Bytes of all segments, their headers included; not those of their indexes.
    #[napi(ts_type = "number")]
    pub bytes: Count,
    /// How far each consumer has come, by name.
    pub consumers: Vec<ConsumerStatus>,
    /// Entries by table.
    #[napi(ts_type = "Record<string, TableStats>")]
    pub tables: Record<TableStats>,
}

/// Entries of one table by operation.
#[napi(object, object_from_js = false)]
pub struct TableStats {
    /// Entries of all operations.
    #[napi(ts_type = "number")]
    pub entries: Count,
    /// Entries that insert a row.
    #[napi(ts_type = "number")]
    pub inserts: Count,
    /// Entries that update a row.
    #[napi(ts_type = "number")]
    pub updates: Count,
    /// Entries that delete a row.
    #[napi(ts_type = "number")]
    pub deletes: Count,
}

impl From<causelog::TableStats> for TableStats {
    fn from(stats: causelog::TableStats) -> Self {
        TableStats {
            entries: Count(stats.entries()),
            inserts: Count(stats.inserts),
            updates: Count(stats.updates),
            deletes: Count(stats.deletes),
        }
    }
}

impl From<causelog::ChangeLogStats> for ChangeLogStats {
    fn from(stats: causelog::ChangeLogStats) -> Self {
        let tables = stats.tables.into_iter().map(|(table, stats)| (table, stats.into()));
        ChangeLogStats {
            entries: Count(stats.entries),
            transactions: Count(stats.transactions),
            merges: Count(stats.merges),
            nodes: Count(stats.nodes),
            first_lsn: stats.first_lsn,
            last_lsn: stats.last_lsn,
            oldest: stats.oldest.map(Moment),
            oldest_ns: stats.oldest.map(Nanoseconds),
            newest: stats.newest.map(Moment),
            newest_ns: stats.newest.map(Nanoseconds),
            durable_lsn: stats.durable_lsn,
            segments: Count(stats.segments),
            bytes: Count(stats.bytes),
            consumers: statuses(stats.consumers),
            tables: Record(tables.collect()),
        }
    }
}
