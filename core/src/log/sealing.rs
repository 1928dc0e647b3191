//! The end of a segment: sealed, indexed, and followed by the next one; and what a log leaves behind when it is closed.

use std::sync::Arc;

use hashbrown::HashMap;

use crate::causality::{ClockTree, NodeIndex, NodeTable};
use crate::error::{Error, ErrorCode, Result};
use crate::log::change_log::Inner;
use crate::log::dictionary::Numbers;
use crate::log::format::{
    self, CHECKPOINT_FILE, Checkpoint, SavedClock, SegmentHeader, SegmentSummary, Standing, UNSYNCED_FILE,
    Unsynced,
};
use crate::log::frame::{Base, Seal};
use crate::log::frame_reader::corrupt;
use crate::log::index_file::{
    Difference, IndexContent, IndexSummary, NodeSpan, Point, Rows, TableSpan, Waypoint, WaypointClock,
};
use crate::log::segment::{OpenSegment, Sealed};
use crate::log::state::Active;
use crate::log::tail::{Known, Tail, waypoint_distance};
use crate::log::writer::{SegmentWriter, Writer};

/// A waypoint is worth its place if the frames since the last one take so many bytes for each difference in its clocks.
const BYTES_FOR_A_DIFFERENCE: usize = 200;

impl Inner {
    /// Seals the segment that is being written and begins the next. Nothing is pending. After an error the log is as
    /// before, or sealed and waiting for this to be tried again.
    pub(super) fn rotate(&self, writer: &mut Writer) -> Result<()> {
        if !writer.segment.sealed {
            self.seal(writer)?;
        }
        self.begin_segment(writer)?;
        self.ends.publish(&self.state.read(), writer.segment.durable_end);
        self.write_checkpoint(writer)
    }

    fn seal(&self, writer: &mut Writer) -> Result<()> {
        let segment = &mut writer.segment;
        let seal = {
            let tail = &self.state.read().active.tail;
            Seal { transactions: u64::from(tail.transactions), entries: u64::from(tail.entries) }
        };
        // The seal says that all before it is durable.
        if segment.durable_end < segment.end {
            segment.file.sync().inspect_err(|error| self.sync_failed(writer, error))?;
        }
        let segment = &mut writer.segment;
        let mut bytes = Vec::new();
        seal.write(segment.base, segment.end, &mut bytes)?;
        let (start, end) = (segment.end, segment.end + bytes.len() as u64);
        let written = segment.file.write_at(start, &bytes).and_then(|()| {
            // Prepared space that was not used.
            if segment.prepared > end { segment.file.truncate(end) } else { Ok(()) }
        });
        if let Err(error) = written {
            if let Err(cut) = segment.file.truncate(start) {
                self.shut(writer, &format!("a failed write closed the log, open it again: {error}; {cut}"));
            }
            return Err(error);
        }
        segment.file.sync().inspect_err(|error| self.sync_failed(writer, error))?;
        let segment = &mut writer.segment;
        (segment.sealed, segment.end, segment.durable_end) = (true, end, end);
        let mut state = self.state.write();
        state.durable_lsn = state.next_lsn;
        state.active.durable_end = state.active.end;
        Ok(())
    }

    /// Indexes the sealed segment and makes the next one the one that is written.
    pub(super) fn begin_segment(&self, writer: &mut Writer) -> Result<()> {
        let (number, index, summary) = {
            let state = self.state.read();
            let active = &state.active;
            (active.number(), self.index(active, active.end, true)?, active.summary(writer.segment.end))
        };
        self.storage.replace(&format::index_file(number), &index)?;

        let newest = self.state.read().newest;
        let header = SegmentHeader {
            log: self.identity.log,
            number: number + 1,
            first_lsn: writer.next_lsn,
            first_transaction: writer.next_transaction,
            base: Base { salt: self.options.ids.new_id().as_u128() as u32, timestamp: newest.unwrap_or(0) },
        };
        let name = format::segment_file(number + 1);
        let open = match OpenSegment::open(&*self.storage, number + 1, self.identity.log) {
            Ok(open) => open,
            Err(error) if error.code() == ErrorCode::NotFound => {
                self.storage.replace(&name, &header.encode())?;
                OpenSegment::open(&*self.storage, number + 1, self.identity.log)?
            }
            Err(error) => return Err(error),
        };
        let has_tail_index = writer.segment.has_tail_index;
        self.adopt(writer, open, summary)?;
        if has_tail_index {
            // Of no use any more, and no harm either.
            let _ = self.storage.remove(&format::tail_file(number));
        }
        Ok(())
    }

    /// Makes `open` the segment that is written, and the one before a sealed one with this summary.
    pub(super) fn adopt(
        &self,
        writer: &mut Writer,
        open: OpenSegment,
        summary: SegmentSummary,
    ) -> Result<()> {
        check_follows(&open, writer)?;
        let end = SegmentHeader::LENGTH as u64;
        let start = writer.frontier.tree();
        writer.segment = SegmentWriter {
            number: open.header.number,
            file: open.file.clone(),
            base: open.header.base,
            numbers: Numbers::default(),
            start: start.clone(),
            end,
            durable_end: end,
            prepared: end,
            written_back: end,
            // What the segment refers to outside it is known where it begins.
            next_waypoint: end + waypoint_distance(writer.tips.len()),
            sealed: false,
            has_tail_index: false,
        };
        let mut tail = Tail::default();
        for tip in &writer.tips {
            tail.outside.insert((tip.author, tip.sequence), tip.clone());
        }
        let mut state = self.state.write();
        let state = &mut *state;
        let active = Active {
            open: Arc::new(open),
            dictionary: Arc::default(),
            tail,
            end,
            durable_end: end,
            start: start.clone(),
        };
        let old = std::mem::replace(&mut state.active, active);
        for (name, counts) in old.dictionary.tables().iter().zip(&old.tail.tables) {
            state.tables.entry(name.clone()).or_default().add(counts);
        }
        let sealed = Sealed::new(summary);
        let _ = sealed.start.set(old.start);
        Arc::make_mut(&mut state.sealed).push(sealed);
        Ok(())
    }

    /// The index of the part of `active` that ends at `end`.
    pub(super) fn index(&self, active: &Active, end: u64, sealed: bool) -> Result<Vec<u8>> {
        let (header, tail) = (&active.open.header, &active.tail);
        let nodes = self.nodes.read();
        let mut numbering = Numbering::new(active, &nodes);
        let earlier = active.prefix();
        let mut points: Vec<Point> = Vec::new();
        let mut waypoints: Vec<Waypoint> = Vec::new();
        if let Some(earlier) = earlier {
            points = earlier.points(0..earlier.point_count())?;
            let known = earlier.dictionary()?;
            for number in 0..earlier.waypoint_count() {
                let mut waypoint = earlier.waypoint(number)?;
                for clock in &mut waypoint.clocks {
                    clock.author = numbering.of_id(&known.nodes, clock.author)?;
                    for difference in &mut clock.differences {
                        difference.node = numbering.of_id(&known.nodes, difference.node)?;
                    }
                }
                waypoints.push(waypoint);
            }
        }
        // The first waypoint has all that the segment refers to outside it.
        let first: Vec<Known> = tail.outside.values().cloned().collect();
        let first = numbering.clocks(&first, &active.start);
        match waypoints.first_mut() {
            Some(waypoint) => waypoint.clocks = first,
            None => waypoints.push(Waypoint { offset: SegmentHeader::LENGTH as u32, clocks: first }),
        }
        for (offset, known) in &tail.waypoints {
            let clocks = numbering.clocks(known, &active.start);
            let differences: usize = clocks.iter().map(|clock| clock.differences.len()).sum();
            let last = waypoints.last().map_or(0, |waypoint| waypoint.offset);
            if differences * BYTES_FOR_A_DIFFERENCE <= (*offset - last) as usize {
                waypoints.push(Waypoint { offset: *offset, clocks });
            }
        }
        points.extend_from_slice(&tail.points);
        let mut spans = Vec::new();
        for ((_, id), author) in active.dictionary.nodes().iter().zip(&tail.authors) {
            spans.push(NodeSpan {
                id: *id,
                before: author.before,
                last: author.last,
                points: author.points.clone(),
            });
        }
        if let Some(earlier) = earlier {
            let known = earlier.dictionary()?;
            for (number, span) in spans.iter_mut().enumerate().take(known.length as usize) {
                let mut points = earlier.author_points_of(number as u32)?;
                points.append(&mut span.points);
                span.points = points;
            }
        }
        let dictionary_length = spans.len() as u32;
        for index in numbering.others {
            let id = nodes.id(index).unwrap_or_default();
            let before = active.start.get(index);
            spans.push(NodeSpan { id, before, last: before, points: Vec::new() });
        }
        let tables = active.dictionary.tables().iter().zip(&tail.tables);
        let tables =
            tables.map(|(name, stats)| TableSpan { name: name.to_string(), stats: *stats }).collect();
        let content = IndexContent {
            summary: IndexSummary {
                log: header.log,
                ordinal: header.number,
                salt: header.base.salt,
                first_lsn: header.first_lsn,
                base_transaction: header.first_transaction,
                end,
                sealed,
                entries: u64::from(tail.entries),
                transactions: u64::from(tail.transactions),
                merges: u64::from(tail.merges),
                oldest: tail.oldest,
                newest: tail.newest,
            },
            dictionary_length,
            nodes: spans,
            tables,
            points: &points,
            rows: Rows { entries: tail.rows(), earlier: earlier.map(|earlier| &**earlier) },
            waypoints,
        };
        content.encode()
    }

    /// Writes down where the log ends, and where things are up to there, so that opening need not find out. All of it
    /// is on the disk.
    pub(super) fn write_checkpoint(&self, writer: &mut Writer) -> Result<()> {
        self.write_tail_index(writer)?;
        let checkpoint = {
            let state = self.state.read();
            let nodes = self.nodes.read();
            let frontier = writer.frontier.tree();
            let mut clocks: Vec<SavedClock> =
                writer.tips.iter().map(|tip| saved(tip, true, &frontier)).collect();
            // Later transactions may refer to those that were removed, and only to those whose clocks are kept.
            let kept = state.floor.iter().map(|((author, sequence), clock)| Known {
                author: *author,
                sequence: *sequence,
                clock: clock.clone(),
            });
            let is_tip = |known: &Known| {
                writer.tips.iter().any(|tip| (tip.author, tip.sequence) == (known.author, known.sequence))
            };
            clocks.extend(kept.filter(|known| !is_tip(known)).map(|known| saved(&known, false, &frontier)));
            clocks.sort_unstable_by_key(|clock| (clock.author, clock.sequence));
            let standing = Standing {
                next_lsn: writer.next_lsn,
                next_transaction: writer.next_transaction,
                newest: state.newest,
                nodes: nodes.iter().map(|(index, id)| (id, frontier.get(index))).collect(),
                clocks,
                tables: state.tables.iter().map(|(name, stats)| (name.to_string(), *stats)).collect(),
            };
            Checkpoint {
                log: self.identity.log,
                segment: writer.segment.number,
                end: writer.segment.end,
                standing,
                sealed: state.sealed.iter().map(|sealed| sealed.summary.clone()).collect(),
            }
        };
        self.storage.replace(CHECKPOINT_FILE, &checkpoint.encode())
    }

    /// Writes down all that makes the next opening quick. The log's last transaction is on the disk.
    fn leave(&self, writer: &mut Writer) -> Result<()> {
        let segment = &mut writer.segment;
        if segment.sealed {
            // Rotation failed half-way; opening goes on with it.
            return Ok(());
        }
        if segment.prepared > segment.end {
            segment.file.truncate(segment.end)?;
            segment.file.sync()?;
            segment.prepared = segment.end;
        }
        self.write_checkpoint(writer)?;
        self.clear_unsynced(writer)
    }

    /// Writes the index of what the unsealed segment holds, unless there is one of just that.
    fn write_tail_index(&self, writer: &mut Writer) -> Result<()> {
        let (number, index) = {
            let state = self.state.read();
            let active = &state.active;
            let covered = active.prefix().map_or(SegmentHeader::LENGTH as u64, |index| index.summary().end);
            if active.end == covered {
                return Ok(());
            }
            (active.number(), self.index(active, active.end, false)?)
        };
        writer.segment.has_tail_index = true;
        self.storage.replace(&format::tail_file(number), &index)
    }

    /// Says, durably, that what is shown from now on may not be on the disk.
    pub(super) fn say_unsynced(&self, writer: &mut Writer) -> Result<()> {
        let unsynced = Unsynced { log: self.identity.log, boot: self.storage.boot() };
        self.storage.replace(UNSYNCED_FILE, &unsynced.encode())?;
        writer.says_unsynced = true;
        Ok(())
    }

    /// Says that all that is shown is on the disk.
    pub(super) fn clear_unsynced(&self, writer: &mut Writer) -> Result<()> {
        if writer.says_unsynced {
            self.storage.remove(UNSYNCED_FILE)?;
            writer.says_unsynced = false;
        }
        Ok(())
    }

    /// Syncs, leaves what makes the next opening quick, and closes the handle.
    pub(super) fn close(&self) -> Result<()> {
        const WHY: &str = "the log is closed";
        if !self.storage.same_process() {
            // Whoever held a lock when the process was forked is not here to let go of it.
            let _ = self.closed.set(WHY.to_owned());
            return Ok(());
        }
        if self.options.read_only {
            let mut writer = self.writer.lock();
            self.shut(&mut writer, WHY);
            return Ok(());
        }
        let outcome = self.write(|writing| {
            let synced = writing.settle();
            let writer = &mut *writing.writer;
            // What cannot be left is worked out again; nothing depends on it.
            let left = if synced.is_ok() && !self.is_closed() { self.leave(writer) } else { Ok(()) };
            self.shut(writer, WHY);
            synced.and(left)
        });
        // Whichever thread it was that heard of a failed sync, who closes the log must as well.
        let unsaid = self.unsaid.lock().take();
        match (outcome, unsaid) {
            (Err(error), None) if error.code() == ErrorCode::Closed => Ok(()),
            (Err(error), Some(why)) if error.code() == ErrorCode::Closed => {
                Err(Error::new(ErrorCode::Io, format!("{}: {why}", self.place)))
            }
            (outcome, _) => outcome,
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if self.closed.get().is_none() && !std::thread::panicking() {
            // Nobody is left to hear of a failure; `close` is for those who want to.
            let _ = self.close();
        }
    }
}

fn check_follows(open: &OpenSegment, writer: &Writer) -> Result<()> {
    let found = &open.header;
    if (found.first_lsn, found.first_transaction) == (writer.next_lsn, writer.next_transaction) {
        return Ok(());
    }
    let (found, ended) = (found.first_lsn, writer.next_lsn - 1);
    let why = format!("begins with LSN {found}, but the segment before it ends with {ended},");
    Err(corrupt(&open.name, 0, &why))
}

/// A clock as it is kept: what differs from the frontier.
pub(super) fn saved(known: &Known, tip: bool, frontier: &ClockTree) -> SavedClock {
    let mut differences = Vec::new();
    known
        .clock
        .tree()
        .for_each_difference(frontier, &mut |node, sequence| differences.push((node, sequence)));
    SavedClock { author: known.author, sequence: known.sequence, tip, differences }
}

/// The numbers of nodes in an index: those of the dictionary, and others as they come.
struct Numbering {
    numbers: HashMap<NodeIndex, u32>,
    others: Vec<NodeIndex>,
    by_id: HashMap<crate::id::NodeId, NodeIndex>,
}

impl Numbering {
    fn new(active: &Active, nodes: &NodeTable) -> Self {
        let dictionary = active.dictionary.nodes();
        let numbers = dictionary.iter().zip(0..).map(|((index, _), number)| (*index, number)).collect();
        let mut by_id = HashMap::new();
        if active.prefix().is_some() {
            by_id = nodes.iter().map(|(index, id)| (id, index)).collect();
        }
        Numbering { numbers, others: Vec::new(), by_id }
    }

    fn of(&mut self, index: NodeIndex) -> u32 {
        let next = self.numbers.len() as u32;
        *self.numbers.entry(index).or_insert_with(|| {
            self.others.push(index);
            next
        })
    }

    /// The number here of the node that has this number in an earlier index.
    fn of_id(&mut self, spans: &[NodeSpan], number: u32) -> Result<u32> {
        let index = spans.get(number as usize).and_then(|span| self.by_id.get(&span.id)).copied();
        let index = index.ok_or_else(|| Error::internal("an index names a node that it does not list"))?;
        Ok(self.of(index))
    }

    fn clocks(&mut self, known: &[Known], start: &ClockTree) -> Vec<WaypointClock> {
        let mut known: Vec<&Known> = known.iter().collect();
        known.sort_unstable_by_key(|known| (known.author, known.sequence));
        let mut clocks = Vec::with_capacity(known.len());
        for known in known {
            let mut differences = Vec::new();
            known.clock.tree().for_each_difference(start, &mut |node, sequence| {
                differences.push((node, sequence));
            });
            let differences = differences
                .into_iter()
                .map(|(node, sequence)| Difference { node: self.of(node), sequence })
                .collect();
            clocks.push(WaypointClock {
                author: self.of(known.author),
                sequence: known.sequence,
                differences,
            });
        }
        clocks
    }
}
