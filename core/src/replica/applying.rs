//! Transactions of other nodes, taken in.

use parking_lot::MutexGuard;

use crate::change::{Change, Transaction};
use crate::error::{Error, ErrorCode, Result};
use crate::id::Dot;
use crate::log::{Appended, Arrival, Durability, Judge, Judgement};
use crate::replica::handle::{Replica, State};
use crate::replica::judging::Stop;
use crate::replica::unfinished::Savepoint;

/// A transaction that could not be taken in, and why. Nothing of it was written; it can come again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkippedTransaction {
    /// The name of the transaction.
    pub transaction: Dot,
    /// Why: `CLOCK_SKEW` when its time has not come yet, `DOT_REUSE` when the replica holds something else under its
    /// dots, `MISSING_DEPENDENCY` when it follows on one that was skipped, `INVALID_ARGUMENT` or `TOO_LARGE` when it cannot be right.
    pub code: ErrorCode,
    /// The same for people.
    pub message: String,
}

/// Transactions written before they are shown and made durable together.
const MOST_UNFINISHED: usize = 256;
/// Bytes of payloads among those.
const MOST_UNFINISHED_BYTES: usize = 1 << 20;

/// Judges what a transaction does to its rows while it is written.
struct Judging<'a, 'b> {
    replica: &'a Replica,
    /// Given back once the transaction is on its way to the disk.
    state: &'b mut Option<MutexGuard<'a, State>>,
    changes: &'b [&'b Change],
    later: bool,
    /// How things stood before; `None` as long as nothing is judged, and once it is written.
    before: Option<Savepoint>,
    stopped: Option<Stop>,
}

impl Judge for Judging<'_, '_> {
    fn judge(&mut self, arrival: &Arrival<'_>) -> Result<Judgement> {
        let state = self.state.as_mut().ok_or_else(|| Error::internal("a transaction was judged twice"))?;
        state.drop_lost(arrival.first_lsn, &self.replica.unwritten());
        self.before = Some(state.savepoint(arrival.first_lsn));
        self.replica.judge(state, arrival, self.changes).map_err(|stop| {
            self.stopped = Some(stop);
            Error::internal("a transaction was not judged to its end")
        })
    }

    fn written(&mut self, last_lsn: u64) {
        if let Some(state) = self.state.as_mut()
            && let Some(before) = self.before.take()
        {
            let length = |payload: &Option<Vec<u8>>| payload.as_ref().map_or(0, Vec::len);
            let bytes =
                self.changes.iter().map(|change| length(&change.before) + length(&change.after)).sum();
            match self.changes {
                [] if self.later => state.written_empty(),
                [] => {}
                _ => state.written(before, last_lsn, bytes, self.later),
            }
        }
        if !self.later && self.replica.log.options().durability != Durability::Os {
            *self.state = None;
        }
    }
}

impl Replica {
    /// Takes in a transaction of another node, or of this one as another replica has it: writes it to the log, whoever wins, and judges
    /// what it does to its rows. One that is here already is recognised by its dot and changes nothing.
    ///
    /// # Errors
    /// As [`ChangeLog::append_remote`](crate::ChangeLog::append_remote). A resolver of the application that fails is no error here: the entries are kept, and
    /// their conflict goes to the inbox.
    pub fn apply(&self, transaction: &Transaction) -> Result<Appended> {
        self.apply_with(transaction, false)
    }

    /// Takes in a transaction and leaves it to [`Replica::finish`], or to this when there are enough of them, to show it
    /// and make it durable.
    pub(super) fn apply_later(&self, transaction: &Transaction) -> Result<Appended> {
        let appended = self.apply_with(transaction, true)?;
        let mut state = self.lock()?;
        if state.unfinished.len() >= MOST_UNFINISHED || state.unfinished.bytes() >= MOST_UNFINISHED_BYTES {
            self.finish(&mut state)?;
        }
        Ok(appended)
    }

    fn apply_with(&self, transaction: &Transaction, later: bool) -> Result<Appended> {
        let prepare = |_: &mut State| Ok(&transaction.changes);
        self.write_prepared(later, prepare, |_, judge| {
            self.log.append_remote_judged(transaction, later, judge)
        })
    }

    /// Writes to the log what is judged on the way, and takes the judgement back if it does not get there.
    pub(super) fn write_judged<'a>(
        &'a self,
        guard: &mut Option<MutexGuard<'a, State>>,
        changes: &[&Change],
        later: bool,
        write: impl Fn(&[&Change], &mut dyn Judge) -> Result<Appended>,
    ) -> Result<Appended, Stop> {
        let mut judging =
            Judging { replica: self, state: guard, changes, later, before: None, stopped: None };
        let written = write(changes, &mut judging);
        let (before, stopped) = (judging.before, judging.stopped);
        let state = guard.get_or_insert_with(|| self.state.lock());
        if let Some(before) = before {
            state.go_back(&before);
        }
        match (written, stopped) {
            (Ok(appended), _) => {
                if !later {
                    state.keep_until(self.log.shown_lsn());
                }
                Ok(appended)
            }
            (Err(_), Some(stop)) => Err(stop),
            (Err(error), None) => {
                // What was written before may have gone with it.
                state.drop_lost(self.log.next_lsn(), &error);
                Err(error.into())
            }
        }
    }
}
