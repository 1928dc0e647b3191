//! Whole segments removed from the beginning of a log, by age and by size.

use std::sync::Arc;
use std::time::Duration;

use hashbrown::HashMap;

use crate::causality::{Clock, ClockTree, NodeIndex};
use crate::error::{ErrorCode, Result};
use crate::id::NodeId;
use crate::log::change_log::{ChangeLog, Inner};
use crate::log::clocks::known_clocks;
use crate::log::format::{self, CHECKPOINT_FILE, MANIFEST_FILE, Manifest, SegmentSummary, Standing};
use crate::log::removal::{Removal, RemovalReason};
use crate::log::sealing::saved;
use crate::log::tail::Known;
use crate::log::writer::Writer;
use crate::time::Timestamp;

/// How much of a log is kept. What several rules remove is removed by the first of them.
///
/// Entries are removed by whole segments, oldest first; so somewhat more is kept than the rules ask for, and the
/// segment that is being written as well, unless all that it holds is too old. What a consumer has not committed stays, whatever the rules say, as long
/// as it is within `unread_bytes`.
///
/// ```
/// use std::time::Duration;
/// use causelog::RetentionPolicy;
/// let month = RetentionPolicy { max_age: Some(Duration::from_secs(30 * 24 * 3600)), ..Default::default() };
/// assert_eq!(month.max_bytes, None);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetentionPolicy {
    /// Entries older than this are removed, once all of their segment are. Without it age does not matter.
    pub max_age: Option<Duration>,
    /// While the segments take more bytes than this, the oldest is removed. Without it size does not matter.
    pub max_bytes: Option<u64>,
    /// Entries that some consumer has not committed are kept while they and all after them take no more than so
    /// many bytes. By default there is no such limit, and nothing is removed that somebody waits to read.
    pub unread_bytes: u64,
}

impl Default for RetentionPolicy {
    fn default() -> Self {
        RetentionPolicy { max_age: None, max_bytes: None, unread_bytes: u64::MAX }
    }
}

impl ChangeLog {
    /// Removes what `policy` no longer keeps, and says what that was: nothing, or one removal for each rule.
    ///
    /// Whoever asks for what was removed gets `TRUNCATED` with the first LSN that remains. [`ChangeLog::removals`]
    /// keeps the record. Cursors that are reading a removed segment go on to its end.
    ///
    /// ```
    /// use causelog::{Change, ChangeLog, LogOptions, RemovalReason, RetentionPolicy};
    /// let log = ChangeLog::in_memory(LogOptions { segment_bytes: 4096, ..Default::default() })?;
    /// for row in 0..200 {
    ///     log.append(Change::insert("orders", row, vec![b'x'; 100]))?;
    /// }
    /// let removed = log.retain(&RetentionPolicy { max_bytes: Some(8192), ..Default::default() })?;
    /// assert_eq!(removed[0].reason, RemovalReason::Bytes);
    /// assert_eq!(log.stats()?.first_lsn, removed[0].last_lsn + 1);
    /// # Ok::<(), causelog::Error>(())
    /// ```
    ///
    /// # Errors
    /// `IO` or `NO_SPACE` when the record could not be written; nothing is removed then. `CORRUPT` when an index that
    /// has to be read or the position of a consumer is damaged. `READ_ONLY`, `CLOSED`.
    pub fn retain(&self, policy: &RetentionPolicy) -> Result<Vec<Removal>> {
        self.check_free()?;
        let log = &*self.inner;
        log.write(|writing| {
            let now = log.options.time.now();
            writing.settle()?;
            let writer = &mut *writing.writer;
            log.rotate_if_old(writer, policy, now)?;
            let plan = log.plan_removal(policy, now)?;
            log.remove_segments(writer, &plan, policy, now)
        })
    }
}

/// The segments to remove, from the first, and why each.
type Plan = Vec<(SegmentSummary, RemovalReason)>;

impl Inner {
    /// Seals the segment that is being written if all that it holds is to be removed for its age.
    fn rotate_if_old(&self, writer: &mut Writer, policy: &RetentionPolicy, now: Timestamp) -> Result<()> {
        let newest = self.state.read().active.tail.newest;
        match (newest, policy.max_age) {
            (Some(newest), Some(age)) if is_older(newest, age, now) => self.rotate(writer),
            _ => Ok(()),
        }
    }

    fn plan_removal(&self, policy: &RetentionPolicy, now: Timestamp) -> Result<Plan> {
        let slowest = self.slowest_consumer()?;
        let state = self.state.read();
        let mut left: u64 =
            state.sealed.iter().map(|sealed| sealed.summary.bytes).sum::<u64>() + state.active.end;
        let mut plan = Plan::new();
        for sealed in state.sealed.iter() {
            let summary = &sealed.summary;
            let old = policy
                .max_age
                .is_some_and(|age| summary.newest.is_none_or(|newest| is_older(newest, age, now)));
            let reason = if old {
                RemovalReason::Age
            } else if policy.max_bytes.is_some_and(|most| left > most) {
                RemovalReason::Bytes
            } else {
                break;
            };
            let unread = slowest.is_some_and(|committed| committed + 1 < summary.next_lsn());
            if unread && left <= policy.unread_bytes {
                break;
            }
            left -= summary.bytes;
            plan.push((summary.clone(), reason));
        }
        Ok(plan)
    }

    fn remove_segments(
        &self,
        writer: &mut Writer,
        plan: &Plan,
        policy: &RetentionPolicy,
        now: Timestamp,
    ) -> Result<Vec<Removal>> {
        let (Some((first, _)), Some((last, _))) = (plan.first(), plan.last()) else { return Ok(Vec::new()) };
        let numbers = first.number..=last.number;
        let (standing, frontier, floor) = self.standing_at(last.number + 1)?;
        let mut tables = Vec::new();
        for (summary, _) in plan {
            if let Some(view) = self.segment(summary.number)? {
                tables.extend(view.open.index()?.dictionary()?.tables);
            }
        }
        let mut manifest = Manifest::clone(&self.state.read().manifest);
        let mut removals: Vec<Removal> = Vec::new();
        for (summary, reason) in plan {
            let entries = summary.entries - summary.removed;
            let same = removals.last_mut().filter(|removal| removal.reason == *reason);
            if let Some(removal) = same {
                removal.last_lsn = summary.next_lsn() - 1;
                removal.entries += entries;
                removal.bytes += summary.bytes;
                continue;
            }
            let detail = match reason {
                RemovalReason::Age => format!("older than {:?}", policy.max_age.unwrap_or_default()),
                _ => format!("more than {} bytes", policy.max_bytes.unwrap_or_default()),
            };
            removals.push(Removal {
                reason: *reason,
                at: now,
                first_lsn: summary.first_lsn,
                last_lsn: summary.next_lsn() - 1,
                entries,
                bytes: summary.bytes,
                detail,
            });
        }
        manifest.first_segment = last.number + 1;
        manifest.forgotten = joined(&manifest.forgotten, &standing.nodes);
        manifest.standing = standing;
        manifest.removals.extend(removals.iter().cloned());

        // Without a checkpoint opening works all out again, so none may say what is no longer so.
        self.remove_checkpoint()?;
        self.storage.replace(MANIFEST_FILE, &manifest.encode())?;
        {
            let mut state = self.state.write();
            let state = &mut *state;
            let count = plan.len().min(state.sealed.len());
            Arc::make_mut(&mut state.sealed).drain(..count);
            for table in &tables {
                if let Some(stats) = state.tables.get_mut(table.name.as_str()) {
                    stats.subtract(&table.stats);
                }
            }
            self.ends.set_generation(2 * manifest.removals.len() as u64 - 1);
            (state.manifest, state.floor_frontier, state.floor) =
                (Arc::new(manifest), frontier, Arc::new(floor));
        }
        // What cannot be done from here on is done at the next opening.
        let _ = self.write_checkpoint(writer);
        for number in numbers {
            self.segments.forget(number);
            self.remove_files(number);
        }
        self.ends.set_generation(2 * self.state.read().manifest.removals.len() as u64);
        Ok(removals)
    }

    pub(super) fn remove_checkpoint(&self) -> Result<()> {
        match self.storage.remove(CHECKPOINT_FILE) {
            Err(error) if error.code() != ErrorCode::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Removes the files of a segment that is no longer part of the log.
    fn remove_files(&self, number: u64) {
        for name in [format::segment_file(number), format::index_file(number), format::tail_file(number)] {
            let _ = self.storage.remove(&name);
        }
    }

    /// Removes what an interrupted removal, compaction or compression has left.
    pub(super) fn remove_leftovers(&self) -> Result<()> {
        let (first, active) = {
            let state = self.state.read();
            (state.first_segment(), state.active.number())
        };
        for name in self.storage.list()? {
            if format::is_unfinished_segment(&name) {
                let _ = self.storage.remove(&name);
                continue;
            }
            let number = name.split_once('.').filter(|(_, kind)| ["segment", "index", "tail"].contains(kind));
            let number = number.and_then(|(number, _)| number.parse::<u64>().ok());
            if let Some(number) = number.filter(|number| *number < first) {
                self.remove_files(number);
            } else if number.is_some_and(|number| number < active) && name.ends_with(".tail") {
                let _ = self.storage.remove(&name);
            }
        }
        Ok(())
    }

    /// Where things stood when the segment with this number began, with the clocks that later ones refer to.
    #[allow(clippy::type_complexity)]
    fn standing_at(&self, number: u64) -> Result<(Standing, ClockTree, HashMap<(NodeIndex, u64), Clock>)> {
        let frontier = self.start_frontier(number)?;
        let mut known: HashMap<(NodeIndex, u64), Known> = HashMap::new();
        let mut first: Option<(u64, u64, Vec<Known>)> = None;
        let last = self.state.read().active.number();
        for number in number..=last {
            let Some(view) = self.segment(number)? else { continue };
            let outside = self.outside(number)?;
            if first.is_none() {
                first = Some((view.first_lsn(), view.open.header.first_transaction, outside.clone()));
            }
            let before = outside.into_iter().filter(|known| frontier.get(known.author) >= known.sequence);
            known.extend(before.map(|known| ((known.author, known.sequence), known)));
        }
        let (next_lsn, next_transaction, outside) = first.unwrap_or_default();
        let is_tip = |known: &Known| {
            let same = |other: &Known| (other.author, other.sequence) == (known.author, known.sequence);
            outside.iter().any(same)
                && !outside
                    .iter()
                    .any(|other| !same(other) && other.clock.get(known.author) >= known.sequence)
        };
        let mut clocks: Vec<_> = known.values().map(|known| saved(known, is_tip(known), &frontier)).collect();
        clocks.sort_unstable_by_key(|clock| (clock.author, clock.sequence));
        let state = self.state.read();
        let before = state.sealed.iter().filter(|sealed| sealed.summary.number < number);
        let newest =
            before.filter_map(|sealed| sealed.summary.newest).chain(state.manifest.standing.newest).max();
        let nodes = self.nodes.read();
        let standing = Standing {
            next_lsn,
            next_transaction,
            newest,
            nodes: nodes.iter().map(|(index, id)| (id, frontier.get(index))).collect(),
            clocks,
            tables: Vec::new(),
        };
        Ok((standing, frontier, known.into_iter().map(|(key, known)| (key, known.clock)).collect()))
    }

    /// The clocks of what a segment refers to outside it, and of the tips when it began.
    pub(super) fn outside(&self, number: u64) -> Result<Vec<Known>> {
        {
            let state = self.state.read();
            if state.active.number() == number {
                return Ok(state.active.tail.outside.values().cloned().collect());
            }
        }
        let Some(view) = self.segment(number)? else { return Ok(Vec::new()) };
        let index = view.open.index()?;
        let clocks = index.first_waypoint()?.map(|waypoint| waypoint.clocks).unwrap_or_default();
        known_clocks(index, &self.nodes, &self.start_frontier(number)?, clocks)
    }
}

fn is_older(timestamp: i64, age: Duration, now: Timestamp) -> bool {
    let passed = i128::from(now.nanoseconds()) - i128::from(timestamp);
    passed > i128::try_from(age.as_nanos()).unwrap_or(i128::MAX)
}

/// The higher sequence of each node.
pub(super) fn joined(one: &[(NodeId, u64)], other: &[(NodeId, u64)]) -> Vec<(NodeId, u64)> {
    let mut all: std::collections::BTreeMap<NodeId, u64> = one.iter().copied().collect();
    for (node, sequence) in other.iter().filter(|(_, sequence)| *sequence > 0) {
        let known = all.entry(*node).or_default();
        *known = (*known).max(*sequence);
    }
    all.into_iter().collect()
}
