//! Checking all of an index.

use crate::error::Result;
use crate::log::index_file::header::Sections;
use crate::log::index_file::reader::{author_point, pair};
use crate::log::index_file::rows::RowStream;
use crate::log::index_file::{IndexFile, Point};

/// Points that are looked at together.
const POINTS_AT_ONCE: u64 = 4096;

impl IndexFile {
    /// Compares the checksum of every page, then reads everything that look-ups could and checks that it is in order.
    /// Whether it says the truth about the segment is the caller's to compare.
    ///
    /// # Errors
    /// `CORRUPT` names the first place that is wrong; `IO`.
    pub(in crate::log) fn verify(&self) -> Result<()> {
        self.pages.verify()?;
        self.dictionary()?;
        self.verify_points()?;
        self.verify_authors()?;
        self.verify_rows()?;
        self.verify_waypoints()
    }

    fn verify_points(&self) -> Result<()> {
        let section = self.header.sections.points;
        let mut last: Option<Point> = None;
        let mut start = 0;
        while start < section.count {
            for (number, next) in (start..).zip(self.points(start..start + POINTS_AT_ONCE)?) {
                let follows = last.is_none_or(|last| {
                    last.offset < next.offset && last.lsn <= next.lsn && last.transaction < next.transaction
                });
                if !follows {
                    let at = section.offset + number * Sections::POINT;
                    return Err(self.pages.corrupt(at, "the points are out of order"));
                }
                last = Some(next);
            }
            start += POINTS_AT_ONCE;
        }
        Ok(())
    }

    fn verify_authors(&self) -> Result<()> {
        let Sections { authors, author_points, .. } = self.header.sections;
        for node in 0..authors.count {
            let mut last = None;
            for number in self.author_points(node)? {
                let next = author_point(self.item(author_points, number)?);
                let next = (next.sequence, next.offset);
                if last.is_some_and(|(sequence, offset)| sequence >= next.0 || offset >= next.1) {
                    let at = author_points.offset + number * Sections::AUTHOR_POINT;
                    return Err(self.pages.corrupt(at, "the points of an author are out of order"));
                }
                last = Some(next);
            }
        }
        Ok(())
    }

    fn verify_rows(&self) -> Result<()> {
        let mut stream = RowStream::new(self);
        let mut lsns = Vec::new();
        let mut count = 0;
        while stream.next(&mut lsns)?.is_some() {
            count += 1;
        }
        let section = self.header.sections.rows;
        if count == section.count { Ok(()) } else { Err(self.damaged_rows(section.offset)) }
    }

    fn verify_waypoints(&self) -> Result<()> {
        let section = self.header.sections.waypoints;
        let mut last = None;
        for number in 0..section.count {
            let (offset, _) = pair(self.item(section, number)?);
            if last.replace(offset).is_some_and(|last| last >= offset) {
                let at = section.offset + number * Sections::WAYPOINT;
                return Err(self.pages.corrupt(at, "the waypoints are out of order"));
            }
            self.waypoint(number)?;
        }
        Ok(())
    }
}
