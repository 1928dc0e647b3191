//! The first bytes of an index: what it is of, and where its sections lie.

use uuid::Uuid;

use crate::error::{Error, ErrorCode, Result};
use crate::log::format::{self, Kind};
use crate::log::index_file::IndexSummary;
use crate::log::index_file::bytes::Bytes;

const SEALED: u8 = 1;
const HAS_TIMES: u8 = 1 << 1;
const PACKED: u8 = 1 << 2;
const DROPPED_SHIFT: u8 = 3;

/// Bytes of the header, all in the first page.
pub(super) const LENGTH: usize = 11 + 16 + 4 + 4 * 8 + 1 + 3 * 8 + 2 * 8 + 4 + SECTIONS * 16;
const SECTIONS: usize = 9;

/// A part of the content: so many bytes from `offset` on that hold `count` items.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Section {
    pub(super) offset: u64,
    pub(super) length: u64,
    pub(super) count: u64,
}

/// The sections, in the order in which they lie in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Sections {
    pub(super) nodes: Section,
    pub(super) tables: Section,
    pub(super) points: Section,
    /// For each node, the number of its first author point.
    pub(super) authors: Section,
    pub(super) author_points: Section,
    pub(super) rows: Section,
    /// First key of each block of rows, and where it starts in `rows`.
    pub(super) row_blocks: Section,
    pub(super) clocks: Section,
    /// Offset in the segment of each waypoint, and where it starts in `clocks`.
    pub(super) waypoints: Section,
}

impl Sections {
    /// Bytes of an item of the sections that are searched.
    pub(super) const POINT: u64 = 12;
    pub(super) const AUTHOR: u64 = 4;
    pub(super) const AUTHOR_POINT: u64 = 12;
    pub(super) const ROW_BLOCK: u64 = 8;
    pub(super) const WAYPOINT: u64 = 8;

    fn in_order(&mut self) -> [&mut Section; SECTIONS] {
        [
            &mut self.nodes,
            &mut self.tables,
            &mut self.points,
            &mut self.authors,
            &mut self.author_points,
            &mut self.rows,
            &mut self.row_blocks,
            &mut self.clocks,
            &mut self.waypoints,
        ]
    }

    /// Whether every count fits the length of its section, and the counts each other.
    fn consistent(&self, rows: RowLayout) -> bool {
        let fixed = |section: &Section, width: u64| section.count.checked_mul(width) == Some(section.length);
        let least = |section: &Section, width: u64| {
            section.count.checked_mul(width).is_some_and(|length| length <= section.length)
        };
        least(&self.nodes, 18)
            && least(&self.tables, 4)
            && fixed(&self.points, Self::POINT)
            && fixed(&self.authors, Self::AUTHOR)
            && self.authors.count == self.nodes.count
            && fixed(&self.author_points, Self::AUTHOR_POINT)
            && least(&self.rows, if rows.packed { 2 } else { 3 })
            && fixed(&self.row_blocks, Self::ROW_BLOCK)
            && self.row_blocks.count <= self.rows.count
            && (self.row_blocks.count == 0) == (self.rows.length == 0)
            && least(&self.clocks, 1)
            && fixed(&self.waypoints, Self::WAYPOINT)
            && self.waypoints.count == self.clocks.count
            && (self.waypoints.count == 0) == (self.clocks.length == 0)
    }
}

/// How rows are written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct RowLayout {
    /// Whether how many entries a row has stands together with its hash; so in all that are written now.
    pub(super) packed: bool,
    /// How many of the low bits of a row's hash are left out.
    pub(super) dropped: u8,
}

impl RowLayout {
    /// What rows with this hash stand under.
    pub(super) fn key(self, hash: u32) -> u32 {
        hash >> self.dropped
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) summary: IndexSummary,
    pub(super) dictionary_length: u32,
    pub(super) rows: RowLayout,
    pub(super) sections: Sections,
}

impl Header {
    pub(super) fn encode(&mut self) -> Vec<u8> {
        let summary = &self.summary;
        let mut out = format::start(Kind::Index);
        out.extend_from_slice(summary.log.as_bytes());
        out.extend_from_slice(&summary.salt.to_le_bytes());
        for number in [summary.ordinal, summary.first_lsn, summary.base_transaction, summary.end] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        let times = summary.oldest.zip(summary.newest);
        let mut flags = self.rows.dropped << DROPPED_SHIFT;
        for (set, flag) in
            [(summary.sealed, SEALED), (times.is_some(), HAS_TIMES), (self.rows.packed, PACKED)]
        {
            flags |= if set { flag } else { 0 };
        }
        out.push(flags);
        for number in [summary.entries, summary.transactions, summary.merges] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        let (oldest, newest) = times.unwrap_or_default();
        out.extend_from_slice(&oldest.to_le_bytes());
        out.extend_from_slice(&newest.to_le_bytes());
        out.extend_from_slice(&self.dictionary_length.to_le_bytes());
        for section in self.sections.in_order() {
            out.extend_from_slice(&section.length.to_le_bytes());
            out.extend_from_slice(&section.count.to_le_bytes());
        }
        out
    }

    /// The salt, from a first page whose checksum has not been compared.
    pub(super) fn salt(first: &[u8], name: &str) -> Result<u32> {
        let mut rest = Bytes(format::check_start(first, Kind::Index, name)?);
        rest.array::<16>().and_then(|_| rest.u32()).ok_or_else(|| {
            Error::new(
                ErrorCode::Corrupt,
                format!("{name}: the header is cut off at offset 0: it must be built again"),
            )
        })
    }

    /// The header of a file with `length` bytes of content. `None` where it cannot be one.
    pub(super) fn decode(bytes: &[u8], name: &str, length: u64) -> Option<Header> {
        let mut bytes = Bytes(format::check_start(bytes, Kind::Index, name).ok()?);
        let log = Uuid::from_bytes(bytes.array()?);
        let salt = bytes.u32()?;
        let (ordinal, first_lsn) = (bytes.u64()?, bytes.u64()?);
        let (base_transaction, end) = (bytes.u64()?, bytes.u64()?);
        let [flags] = bytes.array()?;
        let (entries, transactions, merges) = (bytes.u64()?, bytes.u64()?, bytes.u64()?);
        let (oldest, newest) = (i64::from_le_bytes(bytes.array()?), i64::from_le_bytes(bytes.array()?));
        let dictionary_length = bytes.u32()?;
        let mut sections = Sections::default();
        let mut offset = LENGTH as u64;
        for section in sections.in_order() {
            *section = Section { offset, length: bytes.u64()?, count: bytes.u64()? };
            offset = offset.checked_add(section.length)?;
        }
        let has_times = flags & HAS_TIMES != 0;
        let rows = RowLayout { packed: flags & PACKED != 0, dropped: flags >> DROPPED_SHIFT };
        let sound = offset == length
            && sections.consistent(rows)
            && (rows.packed || rows.dropped == 0)
            && u64::from(dictionary_length) <= sections.nodes.count
            && merges <= transactions
            && oldest <= newest
            && (has_times || (oldest, newest) == (0, 0));
        let summary = IndexSummary {
            log,
            ordinal,
            salt,
            first_lsn,
            base_transaction,
            end,
            sealed: flags & SEALED != 0,
            entries,
            transactions,
            merges,
            oldest: has_times.then_some(oldest),
            newest: has_times.then_some(newest),
        };
        sound.then_some(Header { summary, dictionary_length, rows, sections })
    }
}
