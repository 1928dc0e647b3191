//! Where things are: segments as a reader sees them, and the frame that holds an LSN or a dot.

use std::sync::Arc;

use crate::causality::{ClockTree, NodeIndex};
use crate::error::{Error, ErrorCode, Result};
use crate::log::change_log::Inner;
use crate::log::dictionary::Dictionary;
use crate::log::format;
use crate::log::frame_reader::FrameReader;
use crate::log::index_file::Point;
use crate::log::opening;
use crate::log::segment::{OpenSegment, Sealed};
use crate::log::state::State;

/// A segment as it is when somebody starts to read it.
#[derive(Clone)]
pub(super) struct SegmentView {
    pub(super) open: Arc<OpenSegment>,
    pub(super) dictionary: Arc<Dictionary>,
    /// Where the frames end that may be read, a seal left out.
    pub(super) end: u64,
    /// LSN after its last entry.
    pub(super) next_lsn: u64,
    /// Whether it was being written.
    active: bool,
}

/// Where a transaction's frame lies.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) view: SegmentView,
    pub(super) offset: u64,
    /// LSN of its first entry, or of the next one if it has none.
    pub(super) first_lsn: u64,
    pub(super) change_count: u32,
    /// Its last sequence.
    pub(super) sequence: u64,
}

impl SegmentView {
    /// Whether it was being written when this view of it was taken.
    pub(super) fn is_active(&self) -> bool {
        self.active
    }

    pub(super) fn number(&self) -> u64 {
        self.open.header.number
    }

    pub(super) fn first_lsn(&self) -> u64 {
        self.open.header.first_lsn
    }

    pub(super) fn frames(&self) -> FrameReader {
        self.open.frames()
    }

    /// An LSN counted from the segment's first.
    pub(super) fn relative(&self, lsn: u64) -> u32 {
        u32::try_from(lsn.saturating_sub(self.first_lsn())).unwrap_or(u32::MAX)
    }

    fn of_active(state: &State) -> SegmentView {
        SegmentView {
            open: state.active.open.clone(),
            dictionary: state.active.dictionary.clone(),
            end: state.active.end,
            next_lsn: state.next_lsn,
            active: true,
        }
    }
}

impl Inner {
    /// The segment with this number; nothing beyond the last. `TRUNCATED` if it was removed.
    pub(super) fn segment(&self, number: u64) -> Result<Option<SegmentView>> {
        let state = self.state.read();
        if number == state.active.number() {
            return Ok(Some(SegmentView::of_active(&state)));
        }
        if number > state.active.number() {
            return Ok(None);
        }
        let Some(sealed) = state.sealed(number).cloned() else {
            return Err(truncated(&self.place, state.first_lsn()));
        };
        drop(state);
        let open = self.open_sealed(number)?;
        let dictionary = open.dictionary.clone();
        let (end, next_lsn) = (open.index()?.summary().end, sealed.summary.next_lsn());
        Ok(Some(SegmentView { open, dictionary, end, next_lsn, active: false }))
    }

    fn open_sealed(&self, number: u64) -> Result<Arc<OpenSegment>> {
        let (storage, made, log) = (&*self.storage, &self.indexes, self.identity.log);
        let open = || {
            let segment = OpenSegment::open_sealed(storage, made, number, log, &self.nodes)?;
            if self.options.memory_map { segment.mapped() } else { Ok(segment) }
        };
        let opened = self.segments.get(number, || match open() {
            // A writer in another process may be putting a compacted segment in its place.
            Err(error) if self.options.read_only && error.code() == ErrorCode::Corrupt => {
                let Ok(_swapped) = self.storage.lock_file(format::SWAP_LOCK) else { return Err(error) };
                open()
            }
            opened => opened,
        });
        opened.map_err(|error| {
            if error.code() != ErrorCode::NotFound {
                return error;
            }
            // Removed since the look at the state, or by somebody else.
            let known = self.state.read().manifest.clone();
            let removed =
                self.options.read_only.then(|| opening::read_manifest(&*self.storage)).and_then(Result::ok);
            let manifest = removed.as_ref().unwrap_or(&*known);
            if number < manifest.first_segment {
                return truncated(&self.place, manifest.standing.next_lsn);
            }
            Error::new(ErrorCode::Corrupt, format!("{}: {}", self.place, error.message()))
        })
    }

    /// The log's frontier where the segment with this number begins.
    pub(super) fn start_frontier(&self, number: u64) -> Result<ClockTree> {
        let (mut frontier, mut next) = {
            let state = self.state.read();
            (state.active.start.clone(), state.active.number())
        };
        while next > number {
            next -= 1;
            let sealed = self.state.read().sealed(next).cloned();
            let sealed = sealed.ok_or_else(|| truncated(&self.place, self.state.read().first_lsn()))?;
            if let Some(known) = sealed.start.get() {
                frontier = known.clone();
                continue;
            }
            let open = self.open_sealed(next)?;
            let known = open.index()?.dictionary()?;
            for ((index, _), span) in open.dictionary.nodes().iter().zip(&known.nodes) {
                if span.before != span.last {
                    frontier = frontier.with(*index, span.before);
                }
            }
            frontier = sealed.start.get_or_init(|| frontier).clone();
        }
        Ok(frontier)
    }

    /// A frame at or before the first with an entry at or after this LSN: a little before it, in this segment.
    pub(super) fn point_at_lsn(&self, view: &SegmentView, lsn: u64) -> Result<Option<Point>> {
        let relative = view.relative(lsn);
        self.look_up(view, |tail| tail.point_at_lsn(relative), |index| index.point_at_lsn(relative))
    }

    /// The last point at or before this offset.
    pub(super) fn point_at_offset(&self, view: &SegmentView, offset: u64) -> Result<Option<Point>> {
        let offset = offset as u32;
        self.look_up(view, |tail| tail.point_at_offset(offset), |index| index.point_at_offset(offset))
    }

    /// Where to start looking for a sequence of the author with this number; nothing if it wrote nothing here.
    pub(super) fn author_point(&self, view: &SegmentView, author: u32, sequence: u64) -> Result<Option<u64>> {
        let near = self.look_up(
            view,
            |tail| tail.author_point(author, sequence),
            |index| index.author_point(author, sequence),
        )?;
        // The tail knows nothing of what an index file has before it.
        let near = match (near, &view.open.index) {
            (Some(near), Some(index)) if view.active && near.sequence >= sequence => {
                index.author_point(author, sequence)?.or(Some(near))
            }
            (near, _) => near,
        };
        Ok(near.map(|near| u64::from(near.offset)))
    }

    /// The highest sequence of each node of the dictionary in this segment, in the order of their numbers.
    pub(super) fn last_sequences(&self, view: &SegmentView) -> Result<Vec<u64>> {
        if view.active {
            let state = self.state.read();
            if state.active.number() == view.number() {
                return Ok(state.active.tail.authors.iter().map(|author| author.last).collect());
            }
        }
        let Some(view) = self.segment(view.number())? else { return Ok(Vec::new()) };
        let known = view.open.index()?.dictionary()?;
        Ok(known.nodes.iter().take(known.length as usize).map(|span| span.last).collect())
    }

    /// What the tail knows, if it is still one, or else the index.
    fn look_up<T>(
        &self,
        view: &SegmentView,
        in_tail: impl FnOnce(&crate::log::tail::Tail) -> Option<T>,
        in_index: impl FnOnce(&crate::log::index_file::IndexFile) -> Result<Option<T>>,
    ) -> Result<Option<T>> {
        if !view.active {
            return in_index(view.open.index()?);
        }
        let is_sealed = {
            let state = self.state.read();
            let is_active = state.active.number() == view.number();
            if is_active && let Some(found) = in_tail(&state.active.tail) {
                return Ok(Some(found));
            }
            !is_active
        };
        if is_sealed {
            in_index(self.same_segment(view)?.index()?)
        } else {
            view.open.index.as_ref().map_or(Ok(None), |index| in_index(index))
        }
    }

    /// What is known of the segment of a view that was taken before it was sealed. It may be gone by now.
    fn since_sealed(&self, state: &State, view: &SegmentView) -> Result<Arc<Sealed>> {
        let sealed = state.sealed(view.number()).cloned();
        sealed.ok_or_else(|| truncated(&self.place, state.first_lsn()))
    }

    /// The segment of a view that was taken before it was sealed.
    pub(super) fn same_segment(&self, view: &SegmentView) -> Result<Arc<OpenSegment>> {
        let open = self.open_sealed(view.number())?;
        if open.header.base.salt != view.open.header.base.salt {
            let message = format!("{}: compacted since the query was made: make it again", self.place);
            return Err(Error::new(ErrorCode::Truncated, message));
        }
        Ok(open)
    }

    /// LSNs of the entries whose row has this hash, in this segment, ascending.
    pub(super) fn row_lsns(&self, view: &SegmentView, hash: u32) -> Result<Vec<u64>> {
        let mut relative = Vec::new();
        let mut in_tail = Vec::new();
        let mut index = view.open.index.clone();
        loop {
            if !view.active {
                break;
            }
            let state = self.state.read();
            if state.active.number() == view.number() {
                // Those who append are let in between.
                let Some(found) = state.active.tail.row(hash) else { continue };
                in_tail = found;
            } else {
                self.since_sealed(&state, view)?;
                drop(state);
                index = self.same_segment(view)?.index.clone();
            }
            break;
        }
        if let Some(index) = index {
            relative = index.row(hash)?;
        }
        relative.append(&mut in_tail);
        let first = view.first_lsn();
        let lsns = relative.into_iter().map(|relative| first + u64::from(relative));
        Ok(lsns.take_while(|lsn| *lsn < view.next_lsn).collect())
    }

    /// The transaction that this dot belongs to; nothing if the log does not hold it. `TRUNCATED` if it was removed.
    pub(super) fn locate(&self, node: NodeIndex, sequence: u64) -> Result<Option<Place>> {
        let (mut number, first) = {
            let state = self.state.read();
            if sequence == 0 || state.frontier.get(node) < sequence {
                return Ok(None);
            }
            (state.active.number(), state.first_segment())
        };
        while self.start_frontier(number)?.get(node) >= sequence {
            if number == first {
                return Err(truncated(&self.place, self.state.read().first_lsn()));
            }
            number -= 1;
        }
        let Some(view) = self.segment(number)? else { return Ok(None) };
        let Some(author) = view.dictionary.number(node) else { return Ok(None) };
        let Some(near) = self.author_point(&view, author, sequence)? else { return Ok(None) };
        let Some(point) = self.point_at_offset(&view, near)? else { return Ok(None) };
        let mut frames = view.frames();
        let (mut offset, mut first_lsn) = (u64::from(point.offset), view.first_lsn() + u64::from(point.lsn));
        while offset < view.end {
            let (frame, _, next) = frames.transaction(offset, view.end)?;
            if frame.author == author && frame.sequence >= sequence {
                let (change_count, last) = (frame.change_count, frame.sequence);
                let inside = frame.previous() < sequence;
                return Ok(inside.then_some(Place { view, offset, first_lsn, change_count, sequence: last }));
            }
            first_lsn += u64::from(frame.change_count);
            offset = next;
        }
        Ok(None)
    }
}

/// The error of somebody who asks for what is no longer there.
pub(super) fn truncated(place: &str, first_lsn: u64) -> Error {
    let message =
        format!("{place}: what was asked for was removed: the first LSN that remains is {first_lsn}");
    Error::new(ErrorCode::Truncated, message)
}
