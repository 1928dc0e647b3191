//! Looking things up in an index.

use std::ops::Range;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::id::NodeId;
use crate::log::index_file::bytes::Bytes;
use crate::log::index_file::header::{self, Header, Section, Sections};
use crate::log::index_file::rows::BlockRows;
use crate::log::index_file::{
    AuthorPoint, Dictionary, Difference, IndexFile, IndexSummary, NodeSpan, Point, TableSpan, Waypoint,
    WaypointClock,
};
use crate::log::pages::Pages;
use crate::log::stats::TableStats;
use crate::storage::StorageFile;

// Every look-up fails with `CORRUPT` when a page that it reads is damaged, and with `IO`.
impl IndexFile {
    /// Opens an index by reading its first page. Whether it is of the segment beside it is the caller's to compare.
    ///
    /// # Errors
    /// `CORRUPT` for anything but an index whose first page is whole, `UNSUPPORTED` for one of a later version; `IO`.
    pub(in crate::log) fn open(file: Arc<dyn StorageFile>, name: Arc<str>) -> Result<IndexFile> {
        let pages = Pages::open(file, name.clone(), |first| Header::salt(first, &name))?;
        let header = pages.read(0, header::LENGTH)?;
        let header = Header::decode(&header, &name, pages.length())
            .ok_or_else(|| pages.corrupt(0, "the header is not one of an index"))?;
        Ok(IndexFile { pages, header })
    }

    pub(in crate::log) fn summary(&self) -> &IndexSummary {
        &self.header.summary
    }

    /// The node and table dictionaries; nodes come without their points.
    pub(in crate::log) fn dictionary(&self) -> Result<Dictionary> {
        let Sections { nodes, tables, .. } = self.header.sections;
        Ok(Dictionary {
            nodes: self.list(nodes, "the nodes are damaged", node)?,
            tables: self.list(tables, "the tables are damaged", table)?,
            length: self.header.dictionary_length,
        })
    }

    /// How many points there are.
    pub(in crate::log) fn point_count(&self) -> u64 {
        self.header.sections.points.count
    }

    /// The points with these numbers, as far as there are any.
    pub(in crate::log) fn points(&self, numbers: Range<u64>) -> Result<Vec<Point>> {
        let until = numbers.end.min(self.point_count());
        let count = until.saturating_sub(numbers.start);
        if count == 0 {
            return Ok(Vec::new());
        }
        let start = self.header.sections.points.offset + numbers.start * Sections::POINT;
        let bytes = self.pages.read(start, (count * Sections::POINT) as usize)?;
        Ok(bytes.as_chunks().0.iter().map(|bytes| point(*bytes)).collect())
    }

    /// Number of the point that [`IndexFile::point_at_lsn`] returns.
    pub(in crate::log) fn point_number_at_lsn(&self, lsn: u32) -> Result<Option<u64>> {
        let points = self.header.sections.points;
        let after = self.partition(points, 0..points.count, |bytes| point(bytes).lsn <= lsn)?;
        let Some(last) = after.checked_sub(1) else { return Ok(None) };
        let same = point(self.item(points, last)?).lsn;
        self.partition(points, 0..last, |bytes| point(bytes).lsn < same).map(Some)
    }

    /// The last point whose LSN is not after `lsn` (both relative); of several with the same LSN, the first.
    pub(in crate::log) fn point_at_lsn(&self, lsn: u32) -> Result<Option<Point>> {
        self.point_number_at_lsn(lsn)?.map(|number| self.point(number)).transpose()
    }

    /// Number of the point that [`IndexFile::point_at_offset`] returns.
    pub(in crate::log) fn point_number_at_offset(&self, offset: u32) -> Result<Option<u64>> {
        let points = self.header.sections.points;
        let after = self.partition(points, 0..points.count, |bytes| point(bytes).offset <= offset)?;
        Ok(after.checked_sub(1))
    }

    /// The last point that lies at `offset` or before.
    pub(in crate::log) fn point_at_offset(&self, offset: u32) -> Result<Option<Point>> {
        self.point_number_at_offset(offset)?.map(|number| self.point(number)).transpose()
    }

    fn point(&self, number: u64) -> Result<Point> {
        self.item(self.header.sections.points, number).map(point)
    }

    /// How many different row keys there are.
    #[cfg(test)]
    pub(in crate::log) fn row_count(&self) -> u64 {
        self.header.sections.rows.count
    }

    /// Relative LSNs, ascending, of the entries of all rows with this [`super::row_hash`], and perhaps of a few others.
    pub(in crate::log) fn row(&self, hash: u32) -> Result<Vec<u32>> {
        let layout = self.header.rows;
        let key = layout.key(hash);
        let blocks = self.header.sections.row_blocks;
        let after = self.partition(blocks, 0..blocks.count, |bytes| pair(bytes).0 <= key)?;
        let mut lsns = Vec::new();
        let Some(number) = after.checked_sub(1) else { return Ok(lsns) };
        let (first, block) = self.row_block(number)?;
        let bytes = self.pages.read(block.start, (block.end - block.start) as usize)?;
        let mut rows = BlockRows::new(&bytes, layout, first);
        loop {
            match rows.next(&mut lsns).map_err(|()| self.damaged_rows(block.start))? {
                Some(row) if row < key => {}
                Some(row) if row == key => return Ok(lsns),
                _ => return Ok(Vec::new()),
            }
        }
    }

    /// First key of a block of rows, and where the block lies in the content.
    pub(super) fn row_block(&self, number: u64) -> Result<(u32, Range<u64>)> {
        let Sections { rows, row_blocks, .. } = self.header.sections;
        self.block(row_blocks, number, rows)
    }

    /// The error of a block of rows that starts there.
    pub(super) fn damaged_rows(&self, block: u64) -> Error {
        self.pages.corrupt(block, "the rows are damaged")
    }

    /// Where to start looking for the transaction of the node with this number that holds `sequence`: the
    /// node's last point with a lower sequence, else its first. `None` if it has none.
    pub(in crate::log) fn author_point(&self, node: u32, sequence: u64) -> Result<Option<AuthorPoint>> {
        let points = self.author_points(u64::from(node))?;
        if points.is_empty() {
            return Ok(None);
        }
        let section = self.header.sections.author_points;
        let after =
            self.partition(section, points.clone(), |bytes| author_point(bytes).sequence < sequence)?;
        let number = after.saturating_sub(1).max(points.start);
        self.item(section, number).map(|bytes| Some(author_point(bytes)))
    }

    /// All points of the node with this number.
    pub(in crate::log) fn author_points_of(&self, node: u32) -> Result<Vec<AuthorPoint>> {
        let section = self.header.sections.author_points;
        self.author_points(u64::from(node))?
            .map(|number| self.item(section, number).map(author_point))
            .collect()
    }

    /// Numbers of a node's author points; none if there is no such node.
    pub(super) fn author_points(&self, node: u64) -> Result<Range<u64>> {
        let Sections { authors, author_points, .. } = self.header.sections;
        if node >= authors.count {
            return Ok(0..0);
        }
        let number = |node| self.item(authors, node).map(|bytes| u64::from(u32::from_le_bytes(bytes)));
        let start = number(node)?;
        let end = if node + 1 < authors.count { number(node + 1)? } else { author_points.count };
        if start > end || end > author_points.count || (node == 0 && start > 0) {
            let at = authors.offset + node * Sections::AUTHOR;
            return Err(self.pages.corrupt(at, "the points of an author are damaged"));
        }
        Ok(start..end)
    }

    /// How many waypoints there are.
    pub(in crate::log) fn waypoint_count(&self) -> u64 {
        self.header.sections.waypoints.count
    }

    /// The last waypoint that lies at `offset` or before.
    pub(in crate::log) fn waypoint_at(&self, offset: u32) -> Result<Option<Waypoint>> {
        let waypoints = self.header.sections.waypoints;
        let after = self.partition(waypoints, 0..waypoints.count, |bytes| pair(bytes).0 <= offset)?;
        after.checked_sub(1).map(|number| self.waypoint(number)).transpose()
    }

    pub(in crate::log) fn first_waypoint(&self) -> Result<Option<Waypoint>> {
        (self.waypoint_count() > 0).then(|| self.waypoint(0)).transpose()
    }

    pub(in crate::log) fn waypoint(&self, number: u64) -> Result<Waypoint> {
        let Sections { nodes, clocks, waypoints, .. } = self.header.sections;
        let (offset, block) = self.block(waypoints, number, clocks)?;
        let bytes = self.pages.read(block.start, (block.end - block.start) as usize)?;
        let clocks = waypoint_clocks(&bytes, nodes.count)
            .ok_or_else(|| self.pages.corrupt(block.start, "the clocks of a waypoint are damaged"))?;
        Ok(Waypoint { offset, clocks })
    }

    /// The key of item `number` of a directory of (key, start), and where what it points to lies in the content.
    fn block(&self, directory: Section, number: u64, of: Section) -> Result<(u32, Range<u64>)> {
        let (key, start) = pair(self.item(directory, number)?);
        let start = u64::from(start);
        let end = if number + 1 < directory.count {
            u64::from(pair(self.item(directory, number + 1)?).1)
        } else {
            of.length
        };
        if start >= end || end > of.length || (number == 0 && start > 0) {
            let at = directory.offset + number * Sections::ROW_BLOCK;
            return Err(self.pages.corrupt(at, "a position is outside of its section"));
        }
        Ok((key, of.offset + start..of.offset + end))
    }

    /// One item of a section of items with `N` bytes each.
    pub(super) fn item<const N: usize>(&self, section: Section, number: u64) -> Result<[u8; N]> {
        self.pages.array(section.offset + number * N as u64)
    }

    /// The first of these items that is not `before`, which holds for all items up to some one and for none from there on.
    fn partition<const N: usize>(
        &self,
        section: Section,
        items: Range<u64>,
        before: impl Fn([u8; N]) -> bool,
    ) -> Result<u64> {
        let Range { mut start, mut end } = items;
        while start < end {
            let middle = start + (end - start) / 2;
            if before(self.item(section, middle)?) {
                start = middle + 1;
            } else {
                end = middle;
            }
        }
        Ok(start)
    }

    /// All items of a section.
    fn list<T>(
        &self,
        section: Section,
        why: &str,
        item: impl Fn(&mut Bytes<'_>) -> Option<T>,
    ) -> Result<Vec<T>> {
        let bytes = self.pages.read(section.offset, section.length as usize)?;
        let mut rest = Bytes(&bytes);
        let items: Option<Vec<T>> = (0..section.count).map(|_| item(&mut rest)).collect();
        items
            .filter(|_| rest.0.is_empty())
            .ok_or_else(|| self.pages.corrupt(section.offset + (bytes.len() - rest.0.len()) as u64, why))
    }
}

fn node(bytes: &mut Bytes<'_>) -> Option<NodeSpan> {
    let id = NodeId::from_bytes(bytes.array()?);
    let before = bytes.varint()?;
    let last = before.checked_add(bytes.varint()?)?;
    Some(NodeSpan { id, before, last, points: Vec::new() })
}

fn table(bytes: &mut Bytes<'_>) -> Option<TableSpan> {
    let name = bytes.text()?.to_owned();
    let (inserts, updates, deletes) = (bytes.varint()?, bytes.varint()?, bytes.varint()?);
    Some(TableSpan { name, stats: TableStats { inserts, updates, deletes } })
}

/// The clocks of a waypoint in an index with so many nodes.
fn waypoint_clocks(bytes: &[u8], nodes: u64) -> Option<Vec<WaypointClock>> {
    let mut rest = Bytes(bytes);
    let known = |node: &u32| u64::from(*node) < nodes;
    let clocks: Option<Vec<_>> = (0..rest.count(3)?)
        .map(|_| {
            let author = rest.small().filter(known)?;
            let sequence = rest.varint()?;
            let differences: Option<Vec<_>> = (0..rest.count(2)?)
                .map(|_| Some(Difference { node: rest.small().filter(known)?, sequence: rest.varint()? }))
                .collect();
            Some(WaypointClock { author, sequence, differences: differences? })
        })
        .collect();
    clocks.filter(|_| rest.0.is_empty())
}

pub(super) fn point([a, b, c, d, e, f, g, h, i, j, k, l]: [u8; 12]) -> Point {
    Point {
        offset: u32::from_le_bytes([a, b, c, d]),
        lsn: u32::from_le_bytes([e, f, g, h]),
        transaction: u32::from_le_bytes([i, j, k, l]),
    }
}

pub(super) fn author_point([a, b, c, d, e, f, g, h, i, j, k, l]: [u8; 12]) -> AuthorPoint {
    AuthorPoint {
        sequence: u64::from_le_bytes([a, b, c, d, e, f, g, h]),
        offset: u32::from_le_bytes([i, j, k, l]),
    }
}

/// Two 32-bit numbers, the lower first.
pub(super) fn pair(bytes: [u8; 8]) -> (u32, u32) {
    let both = u64::from_le_bytes(bytes);
    (both as u32, (both >> 32) as u32)
}
