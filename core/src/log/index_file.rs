//! What is known of a segment without reading it: where an LSN, a row's entries, a dot are; clocks
//! at waypoints; the dictionaries; the numbers.
//!
//! The index file lies beside its segment, is derived from it, and is written once and whole. It is used where it
//! lies: each look-up reads a few pages. `docs/format.md` describes the bytes.

mod bytes;
mod encode;
mod header;
mod reader;
mod rows;
#[cfg(test)]
mod tests;
mod verify;

use std::hash::Hasher;

use siphasher::sip::SipHasher13;
use uuid::Uuid;

use crate::id::NodeId;
use crate::log::pages::Pages;
use crate::log::stats::TableStats;

/// What an index is of, and the segment in numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct IndexSummary {
    pub(super) log: Uuid,
    /// Number of the segment.
    pub(super) ordinal: u64,
    /// The segment's salt, and the index's own.
    pub(super) salt: u32,
    pub(super) first_lsn: u64,
    /// How many transactions the log has before the segment.
    pub(super) base_transaction: u64,
    /// Where the frames end that the index knows of: an offset in the segment.
    pub(super) end: u64,
    /// Whether no frame will follow in this segment.
    pub(super) sealed: bool,
    pub(super) entries: u64,
    /// Transactions, merges among them.
    pub(super) transactions: u64,
    /// Transactions without a change.
    pub(super) merges: u64,
    /// The earliest and the latest timestamp, in nanoseconds since the Unix epoch; both or neither.
    pub(super) oldest: Option<i64>,
    pub(super) newest: Option<i64>,
}

/// Where a frame lies, and what comes before it. Points are sparse: a scan goes on from the nearest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Point {
    /// Offset of the frame in the segment.
    pub(super) offset: u32,
    /// LSN of its first entry, or of the next entry if it has none, counted from the segment's first.
    pub(super) lsn: u32,
    /// Number of its transaction, counted from the segment's first.
    pub(super) transaction: u32,
}

/// A node, and the part of its sequences that the segment holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NodeSpan {
    pub(super) id: NodeId,
    /// Its highest sequence before this segment.
    pub(super) before: u64,
    /// Its highest sequence up to the end of this segment; `before` if it is only referred to.
    pub(super) last: u64,
    /// Ascending by sequence and offset. Empty in what [`IndexFile::dictionary`] returns:
    /// [`IndexFile::author_point`] finds them one by one.
    pub(super) points: Vec<AuthorPoint>,
}

/// Where a transaction of a certain author lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct AuthorPoint {
    /// The last sequence of the transaction.
    pub(super) sequence: u64,
    /// Offset of its frame in the segment.
    pub(super) offset: u32,
}

/// A table, and its entries in the segment by operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TableSpan {
    pub(super) name: String,
    pub(super) stats: TableStats,
}

/// One node of a clock where it differs from another clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Difference {
    /// Number of the node in the index.
    pub(super) node: u32,
    /// What the clock has for it; 0 for nothing.
    pub(super) sequence: u64,
}

/// The clock of one transaction, as differences from the log's frontier at the start of the segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WaypointClock {
    /// Number of the node that wrote the transaction.
    pub(super) author: u32,
    /// The last sequence of the transaction.
    pub(super) sequence: u64,
    pub(super) differences: Vec<Difference>,
}

/// The clocks from which all later ones follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Waypoint {
    /// Offset in the segment: clocks of frames from here on follow from these.
    pub(super) offset: u32,
    pub(super) clocks: Vec<WaypointClock>,
}

/// Which entries each row has, as the log keeps it for the end of the segment that no index covers yet.
pub(super) struct Rows<'a> {
    /// [`row_hash`] of each entry's row, shifted left by 32 bits, and its relative LSN; ascending.
    pub(super) entries: Vec<u64>,
    /// An index of the same segment with the entries before those.
    pub(super) earlier: Option<&'a IndexFile>,
}

/// All that goes into an index.
pub(super) struct IndexContent<'a> {
    pub(super) summary: IndexSummary,
    /// So many of `nodes`, from the first on, are the dictionary of the frames; differences name the others too.
    pub(super) dictionary_length: u32,
    pub(super) nodes: Vec<NodeSpan>,
    /// The table dictionary of the frames.
    pub(super) tables: Vec<TableSpan>,
    /// Ascending.
    pub(super) points: &'a [Point],
    pub(super) rows: Rows<'a>,
    /// Ascending by offset.
    pub(super) waypoints: Vec<Waypoint>,
}

/// The dictionaries of a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Dictionary {
    pub(super) nodes: Vec<NodeSpan>,
    pub(super) tables: Vec<TableSpan>,
    /// So many of `nodes`, from the first on, are the dictionary of the frames.
    pub(super) length: u32,
}

/// An index, used where it lies. May be used from several threads at once.
pub(super) struct IndexFile {
    pages: Pages,
    header: header::Header,
}

/// A row id of so many bytes with its table's number is hashed in one piece.
const SHORT_ROW: usize = 64;

/// What stands for a row in an index. Different rows may share it, so who finds an entry by it compares the row.
///
/// Nobody who does not know the salt can choose rows so that they share it.
pub(super) fn row_hash(salt: u32, table: u32, row_id: &[u8]) -> u32 {
    let hasher = SipHasher13::new_with_keys(u64::from(salt), 0);
    let table = table.to_le_bytes();
    let mut together = [0; SHORT_ROW];
    let length = table.len() + row_id.len();
    if let Some(bytes) = together.get_mut(..length) {
        // In one piece it takes half the time.
        let (start, end) = bytes.split_at_mut(table.len());
        start.copy_from_slice(&table);
        end.copy_from_slice(row_id);
        return hasher.hash(bytes) as u32;
    }
    let mut hasher = hasher;
    hasher.write(&table);
    hasher.write(row_id);
    hasher.finish() as u32
}
