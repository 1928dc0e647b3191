//! Writing an index.

use crate::error::{Error, ErrorCode, Result};
use crate::log::index_file::header::{self, Header, Section, Sections};
use crate::log::index_file::{IndexContent, NodeSpan, TableSpan, Waypoint, rows};
use crate::log::pages::Pages;
use crate::varint;

impl IndexContent<'_> {
    /// The bytes of the file.
    ///
    /// # Errors
    /// What reading the earlier index of the rows returns; `TOO_LARGE` when a section would not fit
    /// 32-bit positions; `INTERNAL` when the rows contradict themselves.
    pub(in crate::log) fn encode(self) -> Result<Vec<u8>> {
        // The header is known last, but how long it is is known.
        let mut out = vec![0; header::LENGTH];
        let mut sections = Sections::default();
        let section = |out: &Vec<u8>, start: usize, count: usize| Section {
            offset: start as u64,
            length: (out.len() - start) as u64,
            count: count as u64,
        };

        let start = out.len();
        for node in &self.nodes {
            write_node(node, &mut out);
        }
        sections.nodes = section(&out, start, self.nodes.len());

        let start = out.len();
        for table in &self.tables {
            write_table(table, &mut out);
        }
        sections.tables = section(&out, start, self.tables.len());

        let start = out.len();
        for point in self.points {
            for number in [point.offset, point.lsn, point.transaction] {
                out.extend_from_slice(&number.to_le_bytes());
            }
        }
        sections.points = section(&out, start, self.points.len());

        let start = out.len();
        let mut first = 0;
        for node in &self.nodes {
            out.extend_from_slice(&position(first)?.to_le_bytes());
            first += node.points.len();
        }
        sections.authors = section(&out, start, self.nodes.len());

        let start = out.len();
        for point in self.nodes.iter().flat_map(|node| &node.points) {
            out.extend_from_slice(&point.sequence.to_le_bytes());
            out.extend_from_slice(&point.offset.to_le_bytes());
        }
        sections.author_points = section(&out, start, first);

        let start = out.len();
        let layout = rows::layout(&self.summary);
        let (blocks, count) = rows::encode(self.rows, &self.summary, layout, &mut out)?;
        sections.rows = section(&out, start, count);
        let start = out.len();
        out.extend_from_slice(&blocks);
        sections.row_blocks = section(&out, start, blocks.len() / Sections::ROW_BLOCK as usize);

        let start = out.len();
        let mut starts = Vec::with_capacity(self.waypoints.len() * Sections::WAYPOINT as usize);
        for waypoint in &self.waypoints {
            starts.extend_from_slice(&waypoint.offset.to_le_bytes());
            starts.extend_from_slice(&position(out.len() - start)?.to_le_bytes());
            write_clocks(waypoint, &mut out);
        }
        sections.clocks = section(&out, start, self.waypoints.len());
        let start = out.len();
        out.extend_from_slice(&starts);
        sections.waypoints = section(&out, start, self.waypoints.len());

        let salt = self.summary.salt;
        let (summary, dictionary_length) = (self.summary, self.dictionary_length);
        let mut header = Header { summary, dictionary_length, rows: layout, sections };
        out.iter_mut().zip(header.encode()).for_each(|(to, from)| *to = from);
        Ok(Pages::encode(salt, &out))
    }
}

/// A place in a section.
pub(super) fn position(at: usize) -> Result<u32> {
    u32::try_from(at).map_err(|_| {
        Error::new(ErrorCode::TooLarge, format!("an index would need position {at}: make segments smaller"))
    })
}

fn write_node(node: &NodeSpan, out: &mut Vec<u8>) {
    out.extend_from_slice(node.id.as_bytes());
    varint::write(node.before, out);
    varint::write(node.last.saturating_sub(node.before), out);
}

fn write_table(table: &TableSpan, out: &mut Vec<u8>) {
    varint::write(table.name.len() as u64, out);
    out.extend_from_slice(table.name.as_bytes());
    for number in [table.stats.inserts, table.stats.updates, table.stats.deletes] {
        varint::write(number, out);
    }
}

fn write_clocks(waypoint: &Waypoint, out: &mut Vec<u8>) {
    varint::write(waypoint.clocks.len() as u64, out);
    for clock in &waypoint.clocks {
        varint::write(u64::from(clock.author), out);
        varint::write(clock.sequence, out);
        varint::write(clock.differences.len() as u64, out);
        for difference in &clock.differences {
            varint::write(u64::from(difference.node), out);
            varint::write(difference.sequence, out);
        }
    }
}
