//! Clocks of transactions: kept for the last ones, worked out from dependencies for all others.

use hashbrown::HashMap;
use parking_lot::RwLock;

use crate::causality::{Clock, ClockTree, NodeIndex, NodeTable};
use crate::error::{Error, Result};
use crate::log::change_log::Inner;
use crate::log::dictionary::Dictionary;
use crate::log::format::SegmentHeader;
use crate::log::frame::Frame;
use crate::log::frame_reader::FrameReader;
use crate::log::index_file::{IndexFile, WaypointClock};
use crate::log::places::{Place, SegmentView};
use crate::log::tail::Known;

/// Clocks that one walk keeps before it forgets those furthest back.
const MOST_KNOWN: usize = 32 * 1024;
/// Clocks that were looked up and are kept for the next who asks.
const MOST_REMEMBERED: usize = 4096;
/// How often a walk goes back to the last place before what it lacks, before it goes back to where its segment begins.
const MOST_STEPS_BACK: usize = 4;
/// Somebody who reads on is followed so far, in bytes, before another start is looked for.
const READ_ON: u64 = 4 << 20;

/// A walk over a segment's frames that works out the clock of each.
pub(super) struct ClockWalk {
    view: SegmentView,
    frames: FrameReader,
    offset: u64,
    known: HashMap<(NodeIndex, u64), Clock>,
    /// Whether it knows the clocks of all transactions before its segment that this one refers to.
    knows_outside: bool,
    /// Whether it keeps every clock that it comes by: it cannot miss any then.
    keeps_all: bool,
}

impl ClockWalk {
    /// A walk that starts so that it comes by the frame at `offset`.
    fn start(log: &Inner, view: SegmentView, offset: u64) -> Result<ClockWalk> {
        let (frames, known) = (view.frames(), HashMap::new());
        let (knows_outside, keeps_all) = (false, false);
        let mut walk = ClockWalk { frames, view, offset, known, knows_outside, keeps_all };
        walk.go_back(log, offset)?;
        Ok(walk)
    }

    /// Starts anew so that it comes by the frame at `offset`, with what it knows.
    fn go_back(&mut self, log: &Inner, offset: u64) -> Result<()> {
        let (start, known) = log.waypoint(&self.view, offset)?;
        self.offset = start;
        self.know(known);
        Ok(())
    }

    fn know(&mut self, clocks: Vec<Known>) {
        self.known.extend(clocks.into_iter().map(|known| ((known.author, known.sequence), known.clock)));
    }

    /// Finds out about a transaction whose clock it lacks, or goes back to where it will.
    fn look_for(&mut self, log: &Inner, missing: (NodeIndex, u64), times: usize) -> Result<()> {
        if !self.knows_outside {
            self.knows_outside = true;
            self.know(log.outside(self.view.number())?);
            if self.known.contains_key(&missing) {
                return Ok(());
            }
        }
        let (node, sequence) = missing;
        let place = log.locate(node, sequence)?.filter(|place| place.sequence == sequence);
        let place = place.filter(|place| place.view.number() == self.view.number());
        let place = place.ok_or_else(|| self.misled())?;
        if times < MOST_STEPS_BACK {
            return self.go_back(log, place.offset.min(self.offset));
        }
        if self.keeps_all {
            return Err(self.misled());
        }
        self.keeps_all = true;
        self.go_back(log, SegmentHeader::LENGTH as u64)
    }

    /// Whether it will come by this frame soon.
    fn leads_to(&self, view: &SegmentView, offset: u64) -> bool {
        self.view.number() == view.number()
            && self.view.open.header.base == view.open.header.base
            && (self.offset..self.offset + READ_ON).contains(&offset)
    }

    /// The frame that comes next, or what is known of its segment, names a transaction that is nowhere.
    fn misled(&self) -> Error {
        self.frames.corrupt(self.offset, "the frame depends on a transaction that the log does not hold")
    }

    /// Goes on to the frame at `target` and past it; an error is a dependency whose clock is needed first.
    fn advance(&mut self, log: &Inner, target: u64) -> Result<Result<Clock, (NodeIndex, u64)>> {
        loop {
            let offset = self.offset;
            let (frame, _, next) = self.frames.transaction(offset, self.view.end)?;
            let numbers = (frame.author, frame.sequence);
            let clock = clock(log, &self.view.dictionary, &self.known, &frame);
            let (key, clock) = match clock.zip(self.view.dictionary.node(numbers.0)) {
                Some((Ok(clock), (author, _))) => ((author, numbers.1), clock),
                Some((Err(missing), _)) => return Ok(Err(missing)),
                None => return Err(self.frames.corrupt(offset, "the frame's content makes no sense")),
            };
            if self.known.len() >= MOST_KNOWN && !self.keeps_all {
                self.known.clear();
            }
            self.known.insert(key, clock.clone());
            self.offset = next;
            if offset >= target {
                return Ok(Ok(clock));
            }
        }
    }
}

/// The clock of a transaction from those of its dependencies; an inner error is a dependency whose clock is not at hand.
fn clock(
    log: &Inner,
    dictionary: &Dictionary,
    known: &HashMap<(NodeIndex, u64), Clock>,
    frame: &Frame<'_>,
) -> Option<Result<Clock, (NodeIndex, u64)>> {
    let mut past: Option<Clock> = None;
    for (number, sequence) in frame.dependencies() {
        let (node, _) = dictionary.node(number)?;
        let seen = known.get(&(node, sequence)).cloned().or_else(|| log.kept_clock(node, sequence));
        let Some(seen) = seen else { return Some(Err((node, sequence))) };
        past = Some(match past {
            None => seen,
            Some(past) => past.tree().join(&seen.tree()).into(),
        });
    }
    let (author, _) = dictionary.node(frame.author)?;
    Some(Ok(past.unwrap_or_default().followed_by(author, frame.sequence)))
}

impl Inner {
    /// The clock of a transaction, by its last dot, if it is at hand.
    pub(super) fn kept_clock(&self, author: NodeIndex, sequence: u64) -> Option<Clock> {
        let state = self.state.read();
        let key = (author, sequence);
        let outside = || state.active.tail.outside.get(&key).map(|known| &known.clock);
        let found =
            state.recent.get(author, sequence).or_else(outside).or_else(|| state.floor.get(&key)).cloned();
        drop(state);
        found.or_else(|| self.looked_up.lock().get(&(author, sequence)).cloned())
    }

    /// The clock of a transaction, by its last dot; nothing if the log does not hold it.
    pub(super) fn clock(&self, author: NodeIndex, sequence: u64) -> Result<Option<Clock>> {
        if let Some(clock) = self.kept_clock(author, sequence) {
            return Ok(Some(clock));
        }
        match self.locate(author, sequence)?.filter(|place| place.sequence == sequence) {
            None => Ok(None),
            Some(place) => {
                let clock = self.work_out(&mut None, place)?;
                self.remember((author, sequence), &clock);
                Ok(Some(clock))
            }
        }
    }

    /// The clock of the transaction at this place. `walk` is where an earlier call stopped, and where this one does.
    pub(super) fn work_out(&self, walk: &mut Option<ClockWalk>, place: Place) -> Result<Clock> {
        let target = place.offset;
        // Where it stays, for it is large, and for whoever reads on this is all.
        if let Some(near) = walk.as_mut().filter(|walk| walk.leads_to(&place.view, target)) {
            match near.advance(self, target) {
                Ok(Ok(clock)) => return Ok(clock),
                Ok(Err(_)) => {}
                Err(error) => {
                    *walk = None;
                    return Err(error);
                }
            }
        }
        let mut current = match walk.take().filter(|walk| walk.leads_to(&place.view, target)) {
            Some(walk) => walk,
            None => ClockWalk::start(self, place.view.clone(), target)?,
        };
        for times in 0.. {
            match current.advance(self, target)? {
                Ok(clock) => {
                    current.keeps_all = false;
                    *walk = Some(current);
                    return Ok(clock);
                }
                Err(missing) => current.look_for(self, missing, times)?,
            }
        }
        Err(current.misled())
    }

    /// Where a walk to this offset starts, and the clocks that are known there.
    fn waypoint(&self, view: &SegmentView, offset: u64) -> Result<(u64, Vec<Known>)> {
        let first = SegmentHeader::LENGTH as u64;
        {
            let state = self.state.read();
            if state.active.number() == view.number() {
                let tail = &state.active.tail;
                let at = tail.waypoints.partition_point(|(at, _)| u64::from(*at) <= offset);
                if let Some((at, known)) = at.checked_sub(1).and_then(|at| tail.waypoints.get(at)) {
                    return Ok((u64::from(*at), known.clone()));
                }
                let outside = tail.outside.values().cloned().collect();
                drop(state);
                let Some(index) = &view.open.index else { return Ok((first, outside)) };
                return self.indexed_waypoint(view, index, offset);
            }
        }
        let open = if view.is_active() { self.same_segment(view)? } else { view.open.clone() };
        self.indexed_waypoint(view, open.index()?, offset)
    }

    fn indexed_waypoint(
        &self,
        view: &SegmentView,
        index: &IndexFile,
        offset: u64,
    ) -> Result<(u64, Vec<Known>)> {
        let start = self.start_frontier(view.number())?;
        let Some(waypoint) = index.waypoint_at(offset as u32)? else {
            return Ok((SegmentHeader::LENGTH as u64, Vec::new()));
        };
        let known = known_clocks(index, &self.nodes, &start, waypoint.clocks)?;
        Ok((u64::from(waypoint.offset), known))
    }

    fn remember(&self, transaction: (NodeIndex, u64), clock: &Clock) {
        let mut looked_up = self.looked_up.lock();
        if looked_up.len() >= MOST_REMEMBERED {
            looked_up.clear();
        }
        looked_up.insert(transaction, clock.clone());
    }
}

/// Clocks as an index holds them, in the log's own terms; `start` is the frontier where its segment begins.
pub(super) fn known_clocks(
    index: &IndexFile,
    nodes: &RwLock<NodeTable>,
    start: &ClockTree,
    clocks: Vec<WaypointClock>,
) -> Result<Vec<Known>> {
    if clocks.is_empty() {
        return Ok(Vec::new());
    }
    let spans = index.dictionary()?.nodes;
    let mut nodes = nodes.write();
    let indexes: Vec<NodeIndex> = spans.iter().map(|span| nodes.intern(span.id)).collect();
    drop(nodes);
    // Reading a waypoint checks that its numbers are those of the index's nodes.
    let node = |number: u32| indexes.get(number as usize).copied().unwrap_or_default();
    let mut known = Vec::with_capacity(clocks.len());
    for clock in clocks {
        let mut tree = start.clone();
        for difference in clock.differences {
            tree = tree.with(node(difference.node), difference.sequence);
        }
        let (author, sequence) = (node(clock.author), clock.sequence);
        known.push(Known { author, sequence, clock: Clock::new(tree, author, sequence) });
    }
    Ok(known)
}
