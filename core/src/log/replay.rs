//! Frames read back from a segment and taken in as they were when they were written.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::causality::NodeIndex;
use crate::change::Change;
use crate::error::{ErrorCode, Result};
use crate::id::NodeId;
use crate::log::appending::past;
use crate::log::change_log::Inner;
use crate::log::dictionary::Numbers;
use crate::log::format::{self, Manifest, SegmentSummary};
use crate::log::frame::{Body, Frame, Slot};
use crate::log::index_file::row_hash;
use crate::log::opening::{self, damaged_at, last_segment};
use crate::log::segment::{OpenSegment, Sealed};
use crate::log::state::{Additions, Staged};
use crate::log::tail::{Known, TakenRow};
use crate::log::writer::Writer;
use crate::storage::Storage;
use crate::time::Timestamp;

/// Which of its removals a reader knows of the writer to have made, by [`Ends::generation`](crate::log::ends::Ends::generation).
pub(super) struct Seen {
    manifest: u64,
    /// What the sealed segments hold since.
    summaries: u64,
}

impl Seen {
    pub(super) fn of(manifest: &Manifest) -> Seen {
        let generation = 2 * manifest.removals.len() as u64;
        Seen { manifest: generation, summaries: generation }
    }
}

impl Inner {
    /// Takes in the frames of the unsealed segment from where the log ends up to `limit`. Whether it found the seal.
    pub(super) fn replay(&self, writer: &mut Writer, limit: u64) -> Result<bool> {
        let mut frames = self.state.read().active.open.frames();
        loop {
            let offset = writer.segment.end;
            let Some((body, next)) = frames.probe(offset, limit)? else { return Ok(false) };
            match body {
                Body::Seal(seal) => {
                    let state = self.state.read();
                    let tail = &state.active.tail;
                    let counted = (u64::from(tail.transactions), u64::from(tail.entries));
                    if (seal.transactions, seal.entries) != counted {
                        return Err(frames.corrupt(offset, "the seal does not say what the segment holds"));
                    }
                    drop(state);
                    writer.segment.end = next;
                    return Ok(true);
                }
                Body::Transaction(frame) => {
                    let staged = self.follow(writer, &frame, offset, next)?;
                    let staged =
                        staged.ok_or_else(|| frames.corrupt(offset, "the frame's content makes no sense"))?;
                    writer.segment.end = next;
                    self.state.write().publish(staged);
                }
            }
        }
    }

    /// What a frame adds to the log; nothing where its content cannot follow on what is there.
    fn follow(
        &self,
        writer: &mut Writer,
        frame: &Frame<'_>,
        offset: u64,
        end: u64,
    ) -> Result<Option<Staged>> {
        let numbers = &mut writer.segment.numbers;
        let mut new_nodes: Vec<(NodeIndex, NodeId, u64)> = Vec::new();
        for id in frame.new_nodes() {
            let index = self.nodes.write().intern(id);
            // A node is new once.
            if !numbers.node(index).1 {
                return Ok(None);
            }
            new_nodes.push((index, id, writer.frontier.get(index)));
        }
        let mut new_tables: Vec<Arc<str>> = Vec::new();
        for table in frame.new_tables() {
            let (number, new) = numbers.table(table);
            if !new || table.is_empty() || table.len() > Change::MAX_TABLE_LENGTH {
                return Ok(None);
            }
            new_tables.extend(numbers.table_name(number).cloned());
        }
        let Some(author) = numbers.index(frame.author) else { return Ok(None) };
        if writer.frontier.get(author) != frame.previous() {
            return Ok(None);
        }
        let mut dependencies: SmallVec<[Known; 2]> = SmallVec::new();
        for (number, sequence) in frame.dependencies() {
            let Some(node) = writer.segment.numbers.index(number) else { return Ok(None) };
            if writer.frontier.get(node) < sequence || sequence == 0 {
                return Ok(None);
            }
            let Some(clock) = self.dependency(writer, node, sequence)? else { return Ok(None) };
            dependencies.push(Known { author: node, sequence, clock });
        }
        let count = dependencies.len();
        let past = past(writer, dependencies);
        // Nobody writes dependencies that others of them cover, or that leave out the author's previous transaction.
        if past.dependencies.len() != count || past.clock.get(author) != frame.previous() {
            return Ok(None);
        }
        let start = &writer.segment.start;
        let is_outside = |known: &&Known| start.get(known.author) >= known.sequence;
        let outside = past.dependencies.iter().filter(is_outside).cloned().collect();

        let (_, tables) = writer.segment.numbers.lengths();
        let mut rows: SmallVec<[TakenRow; 1]> = SmallVec::new();
        let mut changes = frame.changes();
        loop {
            match changes.next() {
                Err(()) => return Ok(None),
                Ok(None) => break,
                Ok(Some(Slot::Removed)) => rows.push(TakenRow::Removed),
                Ok(Some(Slot::Change(change))) => {
                    if change.table as usize >= tables || change.row_id().is_none() {
                        return Ok(None);
                    }
                    let hash = row_hash(writer.segment.base.salt, change.table, change.row_id);
                    rows.push(TakenRow::Change { hash, table: change.table, operation: change.operation });
                }
            }
        }
        let waypoint = writer.waypoint(offset);
        let clock = past.clock.followed_by(author, frame.sequence);
        writer.advance(author, frame.sequence, &clock, past.whole);
        writer.next_lsn += u64::from(frame.change_count);
        writer.next_transaction += 1;
        writer.clock.observe(Timestamp::from_nanoseconds(frame.timestamp));
        Ok(Some(Staged {
            offset,
            end,
            number: frame.author,
            author,
            sequence: frame.sequence,
            change_count: frame.change_count,
            timestamp: frame.timestamp,
            rows,
            clock,
            frontier: (!past.whole).then(|| writer.frontier.clone()),
            additions: Additions { new_nodes, new_tables, outside, waypoint }.boxed(),
        }))
    }

    /// Takes in what a writer in another process has shown since. A log that is open for writing knows all of it.
    pub(super) fn refresh(&self) -> Result<()> {
        if !self.options.read_only {
            return Ok(());
        }
        let mut writer = self.writer.lock();
        self.check_open()?;
        loop {
            self.ends.follow(&*self.storage)?;
            let generation = self.ends.generation();
            let Err(error) = self.catch_up(&mut writer, generation) else { return Ok(()) };
            // What was taken in of a frame that could not be followed is taken in again.
            writer.segment.numbers = Numbers::of(&self.state.read().active.dictionary);
            // What is removed meanwhile looks like damage: another look tells.
            if self.ends.generation() == generation {
                return Err(error);
            }
        }
    }

    fn catch_up(&self, writer: &mut Writer, generation: u64) -> Result<()> {
        let mut seen = self.seen.lock();
        if seen.manifest != generation {
            self.take_note(writer)?;
            seen.manifest = generation;
        }
        self.follow_writer(writer)?;
        if seen.summaries != generation && generation.is_multiple_of(2) && self.reload_summaries()? {
            seen.summaries = generation;
        }
        Ok(())
    }

    fn follow_writer(&self, writer: &mut Writer) -> Result<()> {
        self.follow_frames(writer)?;
        let mut state = self.state.write();
        state.durable_lsn = match self.ends.durable_lsn() {
            Some(told) => told.min(state.next_lsn),
            // What was durable once stays so.
            None if self.ends.has_word() => state.durable_lsn,
            // Without a word of a writer nobody knows better.
            None => state.next_lsn,
        };
        Ok(())
    }

    fn follow_frames(&self, writer: &mut Writer) -> Result<()> {
        loop {
            let number = writer.segment.number;
            // Without a word of a writer all that is intact is there to be read. What was said last before a loss of
            // power may be more than it left.
            let durable = self.ends.durable();
            let visible = self.ends.visible().map(|end| durable.map_or(end, |durable| end.max(durable)));
            let mut followed = false;
            let limit = match visible {
                Some(end) if end.segment == number && end.offset > writer.segment.end => {
                    end.offset.min(writer.segment.file.length()?)
                }
                Some(end) if end.segment <= number => return Ok(()),
                _ => {
                    // A segment that has a next one is whole: the look for that comes before the one at its length.
                    followed = last_segment(&*self.storage)? > number;
                    writer.segment.file.length()?
                }
            };
            let sealed = self.replay(writer, limit)?;
            let here = writer.segment.place();
            if !sealed {
                if followed || durable.is_some_and(|durable| here < durable) {
                    return Err(damaged_at(here));
                }
                return Ok(());
            }
            if !self.follow_segment(writer)? {
                return self.check_next(number, durable.unwrap_or(here));
            }
        }
    }

    /// Goes on with the segment after a sealed one, if the writer has begun it.
    fn follow_segment(&self, writer: &mut Writer) -> Result<bool> {
        let number = writer.segment.number;
        let open = match OpenSegment::open(&*self.storage, number + 1, self.identity.log) {
            Ok(open) => open,
            Err(error) if error.code() == ErrorCode::NotFound => {
                // What was taken in of the seal is taken in again next time.
                writer.segment.end = self.state.read().active.end;
                return Ok(false);
            }
            Err(error) => return Err(error),
        };
        self.supply_index(number)?;
        let summary = self.state.read().active.summary(writer.segment.end);
        self.adopt(writer, open, summary)?;
        Ok(true)
    }

    /// Works out the index of the segment whose end was just read, and keeps it in memory, if the log lacks it: a
    /// writer writes it before it begins the next segment, so it was lost, and this is the time when all is at hand.
    fn supply_index(&self, number: u64) -> Result<()> {
        let name = format::index_file(number);
        match self.storage.open(&name) {
            Err(error) if error.code() == ErrorCode::NotFound => {}
            // What else is wrong with it hears whoever uses it.
            _ => return Ok(()),
        }
        let index = {
            let active = &self.state.read().active;
            self.index(active, active.end, true)?
        };
        self.indexes.replace(&name, &index)
    }

    /// Takes note of what a writer in another process has removed.
    fn take_note(&self, writer: &mut Writer) -> Result<()> {
        let manifest = opening::read_manifest(&*self.storage)?;
        for number in self.state.read().first_segment()..manifest.first_segment {
            let _ = self.indexes.remove(&format::index_file(number));
        }
        if manifest.first_segment > writer.segment.number {
            // What comes next here is gone: reading goes on from what is left.
            let (state, fresh, _) =
                opening::begin(&*self.storage, &self.identity, manifest, None, &self.nodes)?;
            *self.state.write() = state;
            *writer = fresh;
            return Ok(());
        }
        let (floor_frontier, floor) = opening::restore(&manifest.standing, &self.nodes);
        let floor =
            floor.into_iter().map(|(known, _)| ((known.author, known.sequence), known.clock)).collect();
        let mut state = self.state.write();
        let gone = manifest.first_segment.saturating_sub(state.first_segment());
        let gone = usize::try_from(gone).unwrap_or(usize::MAX).min(state.sealed.len());
        Arc::make_mut(&mut state.sealed).drain(..gone);
        // Compaction has replaced some of the others.
        self.segments.forget_all();
        (state.floor_frontier, state.floor, state.manifest) =
            (floor_frontier, Arc::new(floor), Arc::new(manifest));
        Ok(())
    }

    /// Takes over what the writer says of its sealed segments, once it speaks of those that are known here.
    fn reload_summaries(&self) -> Result<bool> {
        let Some(checkpoint) = opening::read_checkpoint(&*self.storage, &self.identity)? else {
            return Ok(false);
        };
        let mut state = self.state.write();
        let known = state.sealed.iter().map(|sealed| sealed.summary.number);
        let same = known.eq(checkpoint.sealed.iter().map(|summary| summary.number));
        if !same || checkpoint.segment != state.active.number() {
            return Ok(false);
        }
        let renewed = |(sealed, summary): (&Arc<Sealed>, SegmentSummary)| {
            if sealed.summary == summary { sealed.clone() } else { sealed.with(summary) }
        };
        let sealed = state.sealed.iter().zip(checkpoint.sealed).map(renewed).collect();
        state.sealed = Arc::new(sealed);
        let tables = checkpoint.standing.tables.into_iter();
        state.tables = tables.map(|(name, stats)| (name.into(), stats)).collect();
        Ok(true)
    }
}
