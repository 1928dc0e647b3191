//! Entries removed whose row has later ones that replace them.
//!
//! The transactions stay, with all that says what their authors had seen; only changes go out of
//! them. So every dot, LSN and clock is what it was.

use std::sync::Arc;

use hashbrown::HashMap;
use smallvec::SmallVec;

use crate::causality::{Clock, NodeIndex};
use crate::clock::VectorClock;
use crate::error::{Error, ErrorCode, Result};
use crate::id::{Dot, NodeId};
use crate::log::change_log::{ChangeLog, Inner};
use crate::log::clocks::ClockWalk;
use crate::log::compressed;
use crate::log::format::{self, Horizon, MANIFEST_FILE, Manifest, SegmentHeader, SegmentSummary};
use crate::log::frame::{Base, FrameHead, FrameWriter, Seal, Slot};
use crate::log::frame_reader::corrupt;
use crate::log::index_file::{IndexContent, IndexSummary, NodeSpan, Rows, TableSpan, Waypoint, row_hash};
use crate::log::places::{Place, SegmentView};
use crate::log::removal::{Removal, RemovalReason};
use crate::log::retention::joined;
use crate::log::scan::Scan;
use crate::log::tail::{Tail, Taken, TakenRow};
use crate::log::writer::Writer;
use crate::storage::Storage;

/// What compaction may remove.
///
/// ```
/// use causelog::{Change, ChangeLog, CompactionOptions, LogOptions};
/// let log = ChangeLog::in_memory(LogOptions { segment_bytes: 4096, ..Default::default() })?;
/// for qty in 0..100 {
///     log.append(Change::new("orders", 42, causelog::ChangeOperation::Update, None, Some(vec![b'x'; 100])))?;
/// }
/// let removal = log.compact(&CompactionOptions::default())?.expect("all but the last few were replaced");
/// assert!(removal.entries > 50);
/// # Ok::<(), causelog::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CompactionOptions {
    /// Only rows of these tables; of all tables if empty.
    pub tables: Vec<String>,
    /// The frontiers of all other replicas, as last heard of. What one of them has not seen is kept, with
    /// all that is needed to resolve conflicts with it. Without any there are taken to be none.
    pub known: Vec<VectorClock>,
}

/// Entries of one row that all others are comparable with, so far.
#[derive(Debug, Default)]
struct RowHistory {
    /// Maximal entries.
    heads: SmallVec<[(NodeIndex, u64); 1]>,
    /// The last ones that every entry of the row is comparable with; later ones cover earlier ones.
    chokes: SmallVec<[Choke; 2]>,
}

#[derive(Debug, Clone, Copy)]
struct Choke {
    lsn: u64,
    timestamp: i64,
    author: NodeIndex,
    sequence: u64,
    /// Whether all known replicas have seen it.
    known: bool,
}

/// Choke points that are remembered of a row, besides the newest that all replicas know.
const MOST_CHOKES: usize = 4;

impl RowHistory {
    fn push(&mut self, entry: Choke, clock: &Clock) {
        let seen = |(author, sequence): &(NodeIndex, u64)| clock.get(*author) >= *sequence;
        let sees_all = self.heads.iter().all(seen);
        self.heads.retain(|head| clock.get(head.0) < head.1);
        self.heads.push((entry.author, entry.sequence));
        if sees_all {
            if self.chokes.len() > MOST_CHOKES {
                // The newest that all know is the one that counts in the end.
                let keep = self.chokes.iter().rposition(|choke| choke.known);
                let drop = if keep == Some(0) { 1 } else { 0 };
                self.chokes.remove(drop);
            }
            self.chokes.push(entry);
        } else {
            self.chokes.retain(|choke| clock.get(choke.author) >= choke.sequence);
        }
    }

    /// Entries of the row before this one may go.
    fn choke(&self) -> Option<Horizon> {
        let choke = self.chokes.iter().rev().find(|choke| choke.known)?;
        Some(Horizon { lsn: choke.lsn, timestamp: choke.timestamp })
    }
}

/// Table and encoded row id.
type RowKey = (Arc<str>, Box<[u8]>);
/// Of each row that may have entries to remove, the one that they come before.
type Chokes = HashMap<RowKey, Horizon>;

impl ChangeLog {
    /// Removes entries that later ones of the same row have replaced, from all segments but the one that is being
    /// written, and says how many; `None` if there were none.
    ///
    /// A row keeps its newest *choke point* and everything after: an entry that every other entry of the row
    /// comes before or after, and that all of [`CompactionOptions::known`] have seen. A row without one keeps all.
    /// So its state, and how conflicts about it end, stay what they were; its history gets shorter. Takes memory for
    /// each row of these tables. Others read meanwhile; appends wait while segments are replaced. Consumers are not waited
    /// for: they pass over what is gone.
    ///
    /// # Errors
    /// `CORRUPT` where the log is damaged; `IO` or `NO_SPACE` when a file could not be written: what was compacted
    /// until then stays so. `READ_ONLY`, `CLOSED`.
    pub fn compact(&self, options: &CompactionOptions) -> Result<Option<Removal>> {
        self.check_free()?;
        let log = &*self.inner;
        log.check_writable()?;
        let chokes = log.find_chokes(options)?;
        if chokes.is_empty() {
            return Ok(None);
        }
        log.write(|writing| {
            writing.settle()?;
            log.remove_entries(&mut writing.writer, &chokes, options)
        })
    }
}

impl Inner {
    fn segment_numbers(&self) -> std::ops::RangeInclusive<u64> {
        let state = self.state.read();
        state.first_segment()..=state.active.number()
    }

    fn find_chokes(&self, options: &CompactionOptions) -> Result<Chokes> {
        let mut rows: HashMap<RowKey, RowHistory> = HashMap::new();
        let mut walk: Option<ClockWalk> = None;
        for number in self.segment_numbers() {
            self.check_open()?;
            let Some(view) = self.segment(number)? else { break };
            let mut scan = Scan::new(view.clone());
            while let Some(mut current) = scan.forward()? {
                let mut clock: Option<Clock> = None;
                let (author, id, previous) = (current.author, current.id, current.previous);
                while let Some((found, number)) = scan.next_change(&mut current, |_, _| true)? {
                    let change = scan.change(&current, &found);
                    let table = scan.table(&current, &change)?;
                    if !options.tables.is_empty() && !options.tables.iter().any(|wanted| **wanted == **table)
                    {
                        continue;
                    }
                    let clock = match &clock {
                        Some(clock) => clock,
                        None => {
                            let place = Place {
                                view: view.clone(),
                                offset: current.offset,
                                first_lsn: current.first_lsn,
                                change_count: current.change_count,
                                sequence: current.sequence,
                            };
                            let kept = self.kept_clock(author, current.sequence);
                            clock.insert(match kept {
                                Some(kept) => kept,
                                None => self.work_out(&mut walk, place)?,
                            })
                        }
                    };
                    let sequence = previous + 1 + u64::from(number);
                    let dot = Dot::new(id, sequence);
                    let entry = Choke {
                        lsn: current.first_lsn + u64::from(number),
                        timestamp: current.timestamp,
                        author,
                        sequence,
                        known: options.known.iter().all(|frontier| frontier.covers(dot)),
                    };
                    // Within a transaction later changes have seen earlier ones, which its clock says of the last alone.
                    let clock = clock.followed_by(author, sequence);
                    let key = (table.clone(), change.row_id.into());
                    rows.entry(key).or_default().push(entry, &clock);
                }
            }
        }
        Ok(rows.into_iter().filter_map(|(row, history)| Some((row, history.choke()?))).collect())
    }

    fn remove_entries(
        &self,
        writer: &mut Writer,
        chokes: &Chokes,
        options: &CompactionOptions,
    ) -> Result<Option<Removal>> {
        let active = self.state.read().active.number();
        let mut plan: Vec<u64> = Vec::new();
        let mut forgotten: HashMap<NodeId, u64> = HashMap::new();
        let (mut entries, mut first_lsn, mut last_lsn) = (0, 0, 0);
        let mut horizon = self.state.read().manifest.horizon;
        for number in self.segment_numbers().take_while(|number| *number < active) {
            let Some(view) = self.segment(number)? else { break };
            let mut scan = Scan::new(view);
            while let Some(mut current) = scan.forward()? {
                let (id, sequence, first) = (current.id, current.sequence, current.first_lsn);
                while let Some((found, at)) = scan.next_change(&mut current, |_, _| true)? {
                    let change = scan.change(&current, &found);
                    let table = scan.table(&current, &change)?;
                    let lsn = first + u64::from(at);
                    let Some(choke) = replaced_by(chokes, table, change.row_id, lsn) else { continue };
                    let known = horizon.get_or_insert(choke);
                    known.lsn = known.lsn.max(choke.lsn);
                    known.timestamp = known.timestamp.max(choke.timestamp);
                    let highest = forgotten.entry(id).or_default();
                    // Transactions are handed out whole: who lacks a part of this one cannot have it any more.
                    *highest = (*highest).max(sequence);
                    first_lsn = if entries == 0 { lsn } else { first_lsn };
                    (entries, last_lsn) = (entries + 1, lsn);
                    if plan.last() != Some(&number) {
                        plan.push(number);
                    }
                }
            }
        }
        if entries == 0 {
            return Ok(None);
        }
        let tables =
            if options.tables.is_empty() { "all tables".to_owned() } else { options.tables.join(", ") };
        let mut removal = Removal {
            reason: RemovalReason::Compaction,
            at: self.options.time.now(),
            first_lsn,
            last_lsn,
            entries,
            bytes: 0,
            detail: format!("replaced by later entries of their rows, {tables}"),
        };
        // The record comes first: nothing goes of which nobody could say why.
        self.remove_checkpoint()?;
        let forgotten: Vec<_> = forgotten.into_iter().collect();
        self.record(&removal, &forgotten, horizon, false)?;
        let rewritten = plan.into_iter().try_for_each(|number| {
            removal.bytes += self.rewrite(number, chokes)?;
            Ok(())
        });
        if self.is_closed() {
            self.shut(writer, "a failed compaction closed the log, open it again");
            return rewritten.map(|()| None);
        }
        // What was done until then stays done.
        let recorded =
            self.record(&removal, &forgotten, horizon, true).and_then(|()| self.write_checkpoint(writer));
        self.ends.set_generation(2 * self.state.read().manifest.removals.len() as u64);
        rewritten.and(recorded).map(|()| Some(removal))
    }

    /// Puts a removal on record; again, once it is known what it came to.
    fn record(
        &self,
        removal: &Removal,
        forgotten: &[(NodeId, u64)],
        horizon: Option<Horizon>,
        again: bool,
    ) -> Result<()> {
        let mut manifest = Manifest::clone(&self.state.read().manifest);
        manifest.horizon = horizon;
        manifest.forgotten = joined(&manifest.forgotten, forgotten);
        if again {
            manifest.removals.pop();
        }
        manifest.removals.push(removal.clone());
        self.storage.replace(MANIFEST_FILE, &manifest.encode())?;
        let mut state = self.state.write();
        self.ends.set_generation(2 * manifest.removals.len() as u64 - 1);
        state.manifest = Arc::new(manifest);
        Ok(())
    }

    /// Writes a sealed segment without the entries that were replaced. Returns by how many bytes it is shorter.
    fn rewrite(&self, number: u64, chokes: &Chokes) -> Result<u64> {
        let Some(view) = self.segment(number)? else { return Ok(0) };
        let old = self.state.read().sealed(number).cloned();
        let old = old.ok_or_else(|| Error::internal(format!("segment {number} is not sealed")))?;
        let salt = self.options.ids.new_id().as_u128() as u32;
        let header =
            SegmentHeader { base: Base { salt, ..view.open.header.base }, ..view.open.header.clone() };
        let rewritten = Rewrite::new(&view, header.clone())?.run(&view, chokes)?;

        let temporary = format::rewritten_file(number);
        let written = self.write_rewritten(&temporary, &view, &rewritten);
        let swapped = written.and_then(|bytes| {
            let index = rewritten.index(&view)?;
            Ok((bytes, self.swap(number, &index)?))
        });
        let (bytes, outcome) = swapped.inspect_err(|_| {
            // Best effort; opening does it as well.
            let _ = self.storage.remove(&temporary);
        })?;

        let summary =
            SegmentSummary { salt, removed: u64::from(rewritten.tail.removed), bytes, ..old.summary.clone() };
        let shorter = old.summary.bytes.saturating_sub(summary.bytes);
        let sealed = old.with(summary);
        let mut state = self.state.write();
        let state = &mut *state;
        let known = view.open.index()?.dictionary()?;
        for (before, after) in known.tables.iter().zip(&rewritten.tail.tables) {
            if let Some(stats) = state.tables.get_mut(before.name.as_str()) {
                stats.subtract(&before.stats);
                stats.add(after);
            }
        }
        let at = usize::try_from(number - state.first_segment()).unwrap_or(usize::MAX);
        if let Some(place) = Arc::make_mut(&mut state.sealed).get_mut(at) {
            *place = sealed;
        }
        self.segments.forget(number);
        outcome.map(|()| shorter)
    }

    /// Writes a segment beside the one that it is to replace, and says how many bytes it takes.
    fn write_rewritten(&self, name: &str, view: &SegmentView, rewritten: &Rewrite) -> Result<u64> {
        let _ = self.storage.remove(name);
        let file = self.storage.create(name)?;
        let whole = rewritten.bytes.as_slice();
        // What was compressed is compressed again, if that still makes it shorter.
        if view.open.compressed.is_some()
            && let Some(length) = compressed::write(
                &rewritten.header,
                whole.len() as u64,
                |at, block| copy(whole, at, block),
                &*file,
            )?
        {
            return Ok(length);
        }
        file.truncate(0)?;
        file.write_at(0, whole)?;
        Ok(whole.len() as u64)
    }

    /// Puts a rewritten segment and its index in the place of the old ones. An inner error came once
    /// that was done.
    fn swap(&self, number: u64, index: &[u8]) -> Result<Result<()>> {
        let (temporary, name) = (format::rewritten_file(number), format::segment_file(number));
        let index_name = format::index_file(number);
        // Nobody may open one of the two while the other is still the old one, in this process or another.
        let _swapping = self.storage.lock_file(format::SWAP_LOCK)?;
        self.segments.exclusively(|| {
            if let Err(error) = self.storage.rename(&temporary, &name) {
                // It may be that only making it durable failed.
                match self.storage.list() {
                    Ok(names) if names.contains(&temporary) => return Err(error),
                    Ok(_) => {}
                    Err(failed) => return Err(self.half_swapped(error, &failed)),
                }
            }
            let Err(error) = self.storage.replace(&index_name, index) else { return Ok(Ok(())) };
            // The old index is of another segment. Without any, opening makes one, and until then this handle has it.
            match self.storage.remove(&index_name) {
                Err(failed) if failed.code() != ErrorCode::NotFound => {
                    return Err(self.half_swapped(error, &failed));
                }
                _ => self.indexes.replace(&index_name, index)?,
            }
            Ok(Err(error))
        })
    }

    /// Segment and index may not belong together, and nothing can be done about it but at the next opening, which works
    /// all indexes out anew while there is no checkpoint.
    fn half_swapped(&self, error: Error, failed: &Error) -> Error {
        let why = format!("a failed compaction closed the log, open it again: {error}; {failed}");
        let _ = self.closed.set(why);
        error
    }
}

/// Fills `block` with the bytes of `whole` from `at` on.
fn copy(whole: &[u8], at: u64, block: &mut [u8]) -> Result<()> {
    let found = usize::try_from(at).ok().and_then(|at| whole.get(at..)?.get(..block.len()));
    block.copy_from_slice(found.ok_or_else(|| Error::internal("a segment ends before its end"))?);
    Ok(())
}

/// The entry for whose sake this one may go.
fn replaced_by(chokes: &Chokes, table: &Arc<str>, row_id: &[u8], lsn: u64) -> Option<Horizon> {
    let key: RowKey = (table.clone(), row_id.into());
    chokes.get(&key).copied().filter(|choke| lsn < choke.lsn)
}

/// A segment on its way to being shorter.
struct Rewrite {
    header: SegmentHeader,
    bytes: Vec<u8>,
    /// Offset after the last transaction.
    end: u64,
    tail: Tail,
    waypoints: Vec<Waypoint>,
}

impl Rewrite {
    fn new(view: &SegmentView, header: SegmentHeader) -> Result<Self> {
        let index = view.open.index()?;
        let known = index.dictionary()?;
        let mut tail = Tail::default();
        known.nodes.iter().take(known.length as usize).for_each(|span| tail.add_author(span.before));
        known.tables.iter().for_each(|_| tail.add_table());
        let waypoints =
            (0..index.waypoint_count()).map(|number| index.waypoint(number)).collect::<Result<_>>()?;
        Ok(Rewrite { bytes: header.encode(), header, end: 0, tail, waypoints })
    }

    fn run(mut self, view: &SegmentView, chokes: &Chokes) -> Result<Self> {
        let base = self.header.base;
        let mut frames = view.frames();
        let (mut offset, mut lsn) = (SegmentHeader::LENGTH as u64, view.first_lsn());
        let mut waypoint = 0;
        let mut rows: Vec<TakenRow> = Vec::new();
        while offset < view.end {
            let (frame, _, next) = frames.transaction(offset, view.end)?;
            let start = self.bytes.len() as u64;
            while let Some(point) =
                self.waypoints.get_mut(waypoint).filter(|point| u64::from(point.offset) <= offset)
            {
                point.offset = start as u32;
                waypoint += 1;
            }
            let new_nodes: SmallVec<[NodeId; 1]> = frame.new_nodes().collect();
            let new_tables: SmallVec<[&str; 1]> = frame.new_tables().collect();
            let dependencies: SmallVec<[(u32, u64); 2]> = frame.dependencies().collect();
            let head = FrameHead {
                // All of a sealed segment is.
                durable: true,
                timestamp: frame.timestamp,
                new_nodes: &new_nodes,
                new_tables: &new_tables,
                author: frame.author,
                sequence: frame.sequence,
                dependencies: &dependencies,
                change_count: frame.change_count,
            };
            rows.clear();
            let mut out = FrameWriter::start(&mut self.bytes, base, &head);
            let mut gap = 0;
            let mut changes = frame.changes();
            let mut damaged = false;
            loop {
                let slot = match changes.next() {
                    Ok(Some(slot)) => slot,
                    Ok(None) => break,
                    Err(()) => {
                        damaged = true;
                        break;
                    }
                };
                let kept = match slot {
                    Slot::Removed => None,
                    Slot::Change(change) => match view.dictionary.table(change.table) {
                        Some(table) => {
                            Some(change).filter(|_| replaced_by(chokes, table, change.row_id, lsn).is_none())
                        }
                        None => {
                            damaged = true;
                            break;
                        }
                    },
                };
                lsn += 1;
                match kept {
                    None => {
                        gap += 1;
                        rows.push(TakenRow::Removed);
                    }
                    Some(change) => {
                        if gap > 0 {
                            out.removed(std::mem::take(&mut gap));
                        }
                        out.copy(&change);
                        let hash = row_hash(base.salt, change.table, change.row_id);
                        rows.push(TakenRow::Change {
                            hash,
                            table: change.table,
                            operation: change.operation,
                        });
                    }
                }
            }
            if gap > 0 {
                out.removed(gap);
            }
            out.finish(base, start)?;
            let taken = Taken {
                offset: start,
                author: head.author,
                sequence: head.sequence,
                change_count: head.change_count,
                timestamp: head.timestamp,
                rows: &rows,
            };
            self.tail.push(&taken);
            if damaged {
                return Err(corrupt(&view.open.name, offset, "the frame's content makes no sense"));
            }
            offset = next;
        }
        self.end = self.bytes.len() as u64;
        let last = self.waypoints.len();
        for point in self.waypoints.get_mut(waypoint..last).into_iter().flatten() {
            point.offset = self.end as u32;
        }
        let seal =
            Seal { transactions: u64::from(self.tail.transactions), entries: u64::from(self.tail.entries) };
        seal.write(base, self.end, &mut self.bytes)?;
        Ok(self)
    }

    fn index(&self, view: &SegmentView) -> Result<Vec<u8>> {
        let (header, tail) = (&self.header, &self.tail);
        let known = view.open.index()?.dictionary()?;
        let mut nodes: Vec<NodeSpan> = known.nodes;
        for (span, author) in nodes.iter_mut().zip(&tail.authors) {
            span.points = author.points.clone();
        }
        let tables = known.tables.into_iter().zip(&tail.tables);
        let content = IndexContent {
            summary: IndexSummary {
                log: header.log,
                ordinal: header.number,
                salt: header.base.salt,
                first_lsn: header.first_lsn,
                base_transaction: header.first_transaction,
                end: self.end,
                sealed: true,
                entries: u64::from(tail.entries),
                transactions: u64::from(tail.transactions),
                merges: u64::from(tail.merges),
                oldest: tail.oldest,
                newest: tail.newest,
            },
            dictionary_length: known.length,
            nodes,
            tables: tables.map(|(table, stats)| TableSpan { stats: *stats, ..table }).collect(),
            points: &tail.points,
            rows: Rows { entries: tail.rows(), earlier: None },
            waypoints: self.waypoints.clone(),
        };
        content.encode()
    }
}
