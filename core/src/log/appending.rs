//! Appending: this node's changes, and other nodes' transactions as they are.

use smallvec::SmallVec;

use crate::causality::{Clock, NodeIndex};
use crate::change::{Change, Transaction, Verdict};
use crate::error::{Error, ErrorCode, Result};
use crate::failpoint;
use crate::id::Dot;
use crate::log::change_log::{ChangeLog, Inner};
use crate::log::commit::Writing;
use crate::log::options::Durability;
use crate::log::places::truncated;
use crate::log::tail::Known;
use crate::log::writer::{Incoming, Past, Verdicts, Writer, next_sequence};
use crate::time::Timestamp;

/// What an append did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// The name of the transaction: the dot of its last change.
    pub transaction: Dot,
    /// What it was stamped with.
    pub timestamp: Timestamp,
    /// LSN of its first entry; `None` if it has no changes.
    pub first_lsn: Option<u64>,
    /// LSN of its last entry; `None` if it has no changes.
    pub last_lsn: Option<u64>,
    /// Whether the log held the transaction already, so that nothing was written.
    pub duplicate: bool,
}

/// A transaction that is about to be written.
pub(crate) struct Arrival<'a> {
    pub(crate) author: NodeIndex,
    /// That of its last change.
    pub(crate) sequence: u64,
    /// What its author had seen.
    pub(crate) past: &'a Clock,
    pub(crate) timestamp: Timestamp,
    /// What its first change is about to get.
    pub(crate) first_lsn: u64,
}

/// Whoever gives the changes of a transaction their meaning.
pub(crate) trait Judge {
    /// What a transaction whose place in the history is settled does to its rows; an error keeps it out.
    fn judge(&mut self, arrival: &Arrival<'_>) -> Result<Judgement>;

    /// The transaction is written, up to this LSN, and nobody sees it yet. It is still to be made as durable as asked for.
    fn written(&mut self, _last_lsn: u64) {}
}

/// One who says the same of all.
struct Indifferent(Option<Verdict>);

impl Judge for Indifferent {
    fn judge(&mut self, _: &Arrival<'_>) -> Result<Judgement> {
        Ok(Judgement::All(self.0))
    }
}

/// What the changes of a transaction do to their rows.
pub(crate) enum Judgement {
    All(Option<Verdict>),
    Each(SmallVec<[Verdict; 4]>),
}

impl Judgement {
    fn verdicts(&self) -> Verdicts<'_> {
        match self {
            Judgement::All(verdict) => Verdicts::All(*verdict),
            Judgement::Each(verdicts) => Verdicts::Each(verdicts),
        }
    }
}

impl ChangeLog {
    /// Records one change of this node as a transaction of its own.
    ///
    /// # Errors
    /// As [`ChangeLog::append_transaction`].
    pub fn append(&self, change: Change) -> Result<Appended> {
        self.append_transaction([change])
    }

    /// Records changes of this node together: all of them, or none.
    ///
    /// Their author is taken to have seen the whole log. Without changes this writes
    /// a merge: a transaction that only says what has been seen.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` or `TOO_LARGE` for a change that [`Change::validate`] refuses
    /// or a transaction beyond 1 GiB, `NO_SPACE` or `IO` when it could not be written, `READ_ONLY`, `CLOSED`.
    pub fn append_transaction(&self, changes: impl AsRef<[Change]>) -> Result<Appended> {
        self.append_borrowed(&borrowed(changes.as_ref()))
    }

    /// Records changes that lie in different places together, as [`ChangeLog::append_transaction`] does.
    ///
    /// ```
    /// use std::rc::Rc;
    /// use causelog::{Change, ChangeLog, LogOptions};
    /// let log = ChangeLog::in_memory(LogOptions::default())?;
    /// let shared = [Rc::new(Change::insert("orders", 42, "new")), Rc::new(Change::delete("drafts", 42, "new"))];
    /// let changes: Vec<&Change> = shared.iter().map(|change| &**change).collect();
    /// assert_eq!(log.append_borrowed(&changes)?.last_lsn, Some(2));
    /// # Ok::<(), causelog::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`ChangeLog::append_transaction`].
    pub fn append_borrowed(&self, changes: &[&Change]) -> Result<Appended> {
        self.check_free()?;
        self.append_judged(changes, false, &mut Indifferent(Some(Verdict::Applied)))
    }

    /// Records changes of this node as whoever gives them their meaning has judged them, once their place in the
    /// history is settled; an error of his keeps them out. With `later`, what is written is left for the next call or
    /// [`ChangeLog::finish`] to show and to make as durable as asked for.
    /// Under `Os` and `Interval` whoever writes without `later` finishes first what was left so: somebody may be carrying it to the
    /// disk, and what does not go there would be shown before it.
    pub(crate) fn append_judged(
        &self,
        changes: &[&Change],
        later: bool,
        judge: &mut dyn Judge,
    ) -> Result<Appended> {
        let log = &*self.inner;
        validate(changes)?;
        log.write(|writing| {
            writing.make_room()?;
            let writer = &mut *writing.writer;
            let node = log.identity.node;
            let sequence = next_sequence(node, writer.frontier.get(log.own), changes.len())?;
            let timestamp = writer.clock.tick(log.options.time.now())?;
            let past = writer.whole_past();
            let author = log.own;
            let arrival =
                Arrival { author, sequence, past: &past.clock, timestamp, first_lsn: writer.next_lsn };
            let judgement = judge.judge(&arrival)?;
            let incoming = Incoming {
                author: (log.own, node),
                sequence,
                past,
                timestamp: timestamp.nanoseconds(),
                changes,
                verdicts: judgement.verdicts(),
            };
            log.take_in(writing, incoming, later, judge)
        })
    }

    /// Takes in a transaction as it is, whoever wrote it. One that the log holds
    /// already is recognised by its dot and written no second time.
    ///
    /// Dependencies that others of them cover are left out of what is stored.
    ///
    /// # Errors
    /// `MISSING_DEPENDENCY` naming the dot when the log lacks something that its author had
    /// seen; `TRUNCATED` when the log held it once and no longer knows its clock; `DOT_REUSE` when the
    /// log holds something else under one of its dots; `CLOCK_SKEW` when its timestamp lies further
    /// ahead of local time than allowed; `INVALID_ARGUMENT` when a dependency names no transaction that
    /// can be before it, or they do not cover its author's previous one; otherwise as
    /// [`ChangeLog::append_transaction`].
    pub fn append_remote(&self, transaction: &Transaction) -> Result<Appended> {
        self.check_free()?;
        self.append_remote_judged(transaction, false, &mut Indifferent(None))
    }

    /// Takes in a transaction as [`ChangeLog::append_remote`] does, judged as by [`ChangeLog::append_judged`].
    pub(crate) fn append_remote_judged(
        &self,
        transaction: &Transaction,
        later: bool,
        judge: &mut dyn Judge,
    ) -> Result<Appended> {
        let log = &*self.inner;
        let first = transaction.first_sequence()?;
        let changes = borrowed(&transaction.changes);
        validate(&changes)?;
        log.write(|writing| {
            writing.make_room()?;
            let writer = &mut *writing.writer;
            let dot = transaction.dot();
            let author = log.nodes.read().index(dot.node);
            let known = author.map_or(0, |author| writer.frontier.get(author));
            if known >= first {
                // What is staged may still fail: nobody is told that the log holds it before it does.
                if !writer.staged.is_empty() || writer.leading {
                    writing.commit()?;
                }
                return log.duplicate(&writing.writer, transaction);
            }
            let past = log.past_of(writer, transaction)?;
            let seen = author.map_or(0, |author| past.clock.get(author));
            if known < first - 1 {
                return Err(missing(dot, Dot::new(dot.node, first - 1)));
            }
            if seen != known {
                let previous = Dot::new(dot.node, known);
                let message = format!(
                    "the dependencies of {dot} do not cover its author's previous transaction {previous}"
                );
                return Err(Error::invalid(message));
            }
            log.check_skew(transaction)?;
            let author = log.nodes.write().intern(dot.node);
            let (sequence, timestamp) = (dot.sequence, transaction.timestamp);
            let arrival =
                Arrival { author, sequence, past: &past.clock, timestamp, first_lsn: writer.next_lsn };
            let judgement = judge.judge(&arrival)?;
            let incoming = Incoming {
                author: (author, dot.node),
                sequence: dot.sequence,
                past,
                timestamp: transaction.timestamp.nanoseconds(),
                changes: &changes,
                verdicts: judgement.verdicts(),
            };
            writer.clock.observe(transaction.timestamp);
            log.take_in(writing, incoming, later, judge)
        })
    }

    /// Shows all that was written and left for later, and makes it as durable as asked for.
    pub(crate) fn finish(&self) -> Result<()> {
        self.inner.write(|writing| {
            loop {
                // Somebody else may be carrying it to the disk: nothing may be shown before that is.
                if writing.writer.leading {
                    self.inner.room.wait(&mut writing.writer);
                    self.inner.check_open()?;
                } else if writing.writer.staged.is_empty() {
                    return Ok(());
                } else {
                    self.inner.acknowledge(writing)?;
                }
            }
        })
    }

    /// What the next entry gets; what is written and not shown yet comes before it.
    pub(crate) fn next_lsn(&self) -> u64 {
        self.inner.writer.lock().next_lsn
    }

    /// Refuses to write past a replica.
    pub(super) fn check_free(&self) -> Result<()> {
        if self.kept {
            let message = format!("{}: the log is a replica's: write through the replica", self.inner.place);
            return Err(Error::new(ErrorCode::ReadOnly, message));
        }
        Ok(())
    }
}

impl Inner {
    fn check_skew(&self, transaction: &Transaction) -> Result<()> {
        let now = self.options.time.now();
        let allowed = self.options.maximum_clock_skew;
        let ahead = i128::from(transaction.timestamp.nanoseconds()) - i128::from(now.nanoseconds());
        if ahead > i128::try_from(allowed.as_nanos()).unwrap_or(i128::MAX) {
            let (dot, timestamp) = (transaction.dot(), transaction.timestamp);
            let message = format!(
                "transaction {dot} is stamped {timestamp}, more than {allowed:?} ahead of local time {now}"
            );
            return Err(Error::new(ErrorCode::ClockSkew, message));
        }
        Ok(())
    }

    /// Writes a transaction whose place in the history is settled, and returns once it is as durable as asked for.
    fn take_in(
        &self,
        writing: &mut Writing<'_>,
        incoming: Incoming<'_>,
        later: bool,
        judge: &mut dyn Judge,
    ) -> Result<Appended> {
        failpoint::reached("append");
        let writer = &mut *writing.writer;
        let first = writer.next_lsn;
        let transaction = Dot::new(incoming.author.1, incoming.sequence);
        let timestamp = Timestamp::from_nanoseconds(incoming.timestamp);
        writer.stage(self, incoming)?;
        let lsns = first..writer.next_lsn;
        judge.written(writer.next_lsn - 1);
        if !later {
            self.acknowledge(writing)?;
        }
        Ok(appended(transaction, timestamp, lsns, false))
    }

    /// Makes what is written as durable as asked for.
    pub(super) fn acknowledge(&self, writing: &mut Writing<'_>) -> Result<()> {
        match self.options.durability {
            Durability::Sync => writing.commit(),
            Durability::Os => writing.flush(),
            Durability::Interval => {
                writing.flush()?;
                if self.sync_is_due(self.options.time.now()) { writing.commit() } else { Ok(()) }
            }
        }
    }

    /// Answers for a transaction some dots of which the log holds already.
    fn duplicate(&self, writer: &Writer, transaction: &Transaction) -> Result<Appended> {
        let dot = transaction.dot();
        let reused = || {
            Error::new(ErrorCode::DotReuse, format!("the log holds something else under the dots of {dot}"))
        };
        let node = self.nodes.read().index(dot.node).ok_or_else(reused)?;
        let place = self.locate(node, dot.sequence)?.filter(|place| place.sequence == dot.sequence);
        let place = place.ok_or_else(reused)?;
        // Something that the log lacks cannot be in the past of something that it holds.
        let past = self.past_of(writer, transaction).map_err(|_| reused())?;
        let stored = self.transaction(&place)?;
        let nodes = self.nodes.read();
        let dot_of = |known: &Known| Some(Dot::new(nodes.id(known.author)?, known.sequence));
        let mut dependencies: Vec<Dot> = past.dependencies.iter().filter_map(dot_of).collect();
        dependencies.sort_unstable();
        let same = stored.transaction.timestamp == transaction.timestamp
            && stored.transaction.dependencies == dependencies
            && stored.is_part_of(&transaction.changes);
        if !same {
            return Err(reused());
        }
        let lsns = place.first_lsn..place.first_lsn + u64::from(place.change_count);
        Ok(appended(dot, transaction.timestamp, lsns, true))
    }

    /// The past that a transaction claims.
    fn past_of(&self, writer: &Writer, transaction: &Transaction) -> Result<Past> {
        let dot = transaction.dot();
        let first = transaction.first_sequence()?;
        let mut dependencies: SmallVec<[Known; 2]> = SmallVec::new();
        for dependency in &transaction.dependencies {
            // Such a one can never come, so it must not look like one that is still missing.
            let own = dependency.node == dot.node && dependency.sequence >= first;
            if own || dependency.sequence == 0 {
                let message = format!("transaction {dot} cannot depend on {dependency}");
                return Err(Error::invalid(message));
            }
            let node = self.nodes.read().index(dependency.node);
            let node = node.filter(|node| writer.frontier.get(*node) >= dependency.sequence);
            let author = node.ok_or_else(|| missing(dot, *dependency))?;
            let clock = self.dependency(writer, author, dependency.sequence)?.ok_or_else(|| {
                let message =
                    format!("dependency {dependency} of {dot} is not the last dot of a transaction");
                Error::invalid(message)
            })?;
            dependencies.push(Known { author, sequence: dependency.sequence, clock });
        }
        Ok(past(writer, dependencies))
    }

    /// The clock of a transaction that another one refers to.
    pub(super) fn dependency(
        &self,
        writer: &Writer,
        author: NodeIndex,
        sequence: u64,
    ) -> Result<Option<Clock>> {
        if let Some(clock) = writer.known(author, sequence) {
            return Ok(Some(clock.clone()));
        }
        // Of what was removed only some clocks are kept, and opening the log must find each that was ever referred to.
        let (removed, kept) = {
            let state = self.state.read();
            (state.floor_covers(author, sequence), state.floor.get(&(author, sequence)).cloned())
        };
        if removed {
            return kept.map(Some).ok_or_else(|| truncated(&self.place, self.state.read().first_lsn()));
        }
        self.clock(author, sequence)
    }
}

/// The shortest form of a past, and its clock: one pass over what each dependency had seen besides itself tells
/// which of them others cover.
pub(super) fn past(writer: &Writer, mut dependencies: SmallVec<[Known; 2]>) -> Past {
    dependencies.sort_unstable_by_key(|known| (known.author, known.sequence));
    // Of one author the last covers the others.
    dependencies.dedup_by(|later, kept| {
        later.author == kept.author && {
            std::mem::swap(later, kept);
            true
        }
    });
    let whole = writer.tips.len() == dependencies.len()
        && writer.tips.iter().all(|tip| {
            let key = (tip.author, tip.sequence);
            dependencies.binary_search_by_key(&key, |known| (known.author, known.sequence)).is_ok()
        });
    if whole {
        return Past { dependencies, clock: writer.frontier.clone(), whole };
    }
    let clock = match dependencies.as_slice() {
        [] => Clock::default(),
        [only] => only.clock.clone(),
        [first, rest @ ..] => {
            let seen =
                rest.iter().fold(first.clock.past().clone(), |seen, known| seen.join(known.clock.past()));
            dependencies.retain(|known| seen.get(known.author) < known.sequence);
            dependencies.iter().fold(seen, |seen, known| seen.with(known.author, known.sequence)).into()
        }
    };
    Past { dependencies, clock, whole }
}

fn borrowed(changes: &[Change]) -> SmallVec<[&Change; 1]> {
    changes.iter().collect()
}

fn validate(changes: &[&Change]) -> Result<()> {
    if changes.len() > u32::MAX as usize / 2 {
        let message = format!("transaction of {} changes: split it", changes.len());
        return Err(Error::new(ErrorCode::TooLarge, message));
    }
    changes.iter().try_for_each(|change| change.validate())
}

fn missing(dot: Dot, dependency: Dot) -> Error {
    Error::new(
        ErrorCode::MissingDependency,
        format!("transaction {dot} depends on {dependency}, which the log does not hold"),
    )
}

fn appended(transaction: Dot, timestamp: Timestamp, lsns: std::ops::Range<u64>, duplicate: bool) -> Appended {
    let (first_lsn, last_lsn) =
        if lsns.is_empty() { (None, None) } else { (Some(lsns.start), Some(lsns.end - 1)) };
    Appended { transaction, timestamp, first_lsn, last_lsn, duplicate }
}
