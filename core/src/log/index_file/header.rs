//! The first bytes of an index: what it is of, and where its sections lie.

use uuid::Uuid;

use crate::error::{Error, ErrorCode, Result};
use crate::log::format::{self, Kind};
use crate::log::index_file::IndexSummary;
use crate::log::index_file::bytes::Bytes;

const SEALED: u8 = 1;
const HAS_TIMES: u8 = 1 << 1;

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
    /// First hash of each block of rows, and where it starts in `rows`.
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
    fn consistent(&self) -> bool {
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
            && least(&self.rows, 3)
            && fixed(&self.row_blocks, Self::ROW_BLOCK)
            && self.row_blocks.count <= self.rows.count
            && (self.row_blocks.count == 0) == (self.rows.length == 0)
            && least(&self.clocks, 1)
            && fixed(&self.waypoints, Self::WAYPOINT)
            && self.waypoints.count == self.clocks.count
            && (self.waypoints.count == 0) == (self.clocks.length == 0)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) summary: IndexSummary,
    pub(super) dictionary_length: u32,
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
        out.push(if summary.sealed { SEALED } else { 0 } | if times.is_some() { HAS_TIMES } else { 0 });
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
        let sound = offset == length
            && sections.consistent()
            && u64::from(dictionary_length) <= sections.nodes.count
            && merges <= transactions
            && flags & !(SEALED | HAS_TIMES) == 0
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
        sound.then_some(Header { summary, dictionary_length, sections })
    }
}
