//! Transactions of other nodes, taken in.

use crate::change::{Change, Transaction};
use crate::error::{Error, ErrorCode, Result};
use crate::id::Dot;
use crate::log::{Appended, Arrival, Judgement};
use crate::replica::handle::{Replica, State, Unfinished};
use crate::replica::judging::{Savepoint, Stop};

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

impl Replica {
    /// Takes in a transaction of another node, or of this one as another replica has it: writes it to the log, whoever wins, and judges
    /// what it does to its rows. One that is here already is recognised by its dot and changes nothing.
    ///
    /// # Errors
    /// As [`ChangeLog::append_remote`](crate::ChangeLog::append_remote). A resolver of the application that fails is no error here: the entries are kept, and
    /// their conflict goes to the inbox.
    pub fn apply(&self, transaction: &Transaction) -> Result<Appended> {
        self.run(true, |state| {
            self.finish(state)?;
            self.apply_with(state, transaction, false)
        })
    }

    /// Takes in a transaction and leaves it to [`Replica::finish`], or to this when there are enough of them, to show it
    /// and make it durable.
    pub(super) fn apply_later(&self, transaction: &Transaction) -> Result<Appended> {
        let appended = self.run(true, |state| self.apply_with(state, transaction, true))?;
        let mut state = self.lock()?;
        let enough = state.unfinished.as_ref().is_some_and(|unfinished| {
            unfinished.count >= MOST_UNFINISHED || unfinished.bytes >= MOST_UNFINISHED_BYTES
        });
        if enough {
            self.finish(&mut state)?;
        }
        Ok(appended)
    }

    fn apply_with(
        &self,
        state: &mut State,
        transaction: &Transaction,
        later: bool,
    ) -> Result<Appended, Stop> {
        let changes: Vec<&Change> = transaction.changes.iter().collect();
        self.write_judged(state, &changes, later, |judge| {
            self.log.append_remote_judged(transaction, later, judge)
        })
    }

    /// Writes to the log what is judged on the way, and takes the judgement back if it does not get there.
    pub(super) fn write_judged(
        &self,
        state: &mut State,
        changes: &[&Change],
        later: bool,
        write: impl FnOnce(&mut dyn FnMut(&Arrival<'_>) -> Result<Judgement>) -> Result<Appended>,
    ) -> Result<Appended, Stop> {
        let mut stopped = None;
        let mut before: Option<Savepoint> = None;
        let written = write(&mut |arrival| {
            before = Some(state.savepoint(arrival.first_lsn));
            self.judge(state, arrival, changes).map_err(|stop| {
                stopped = Some(stop);
                Error::internal("a transaction was not judged to its end")
            })
        });
        let appended = match (written, stopped) {
            (Ok(appended), _) => appended,
            (Err(_), Some(stop)) => return Err(stop),
            (Err(error), None) => {
                if let Some(before) = &before {
                    state.go_back(before);
                }
                // What was written before may have gone with it.
                if !self.log.has_unfinished()
                    && let Some(unfinished) = state.unfinished.take()
                    && self.log.shown_lsn() < unfinished.last_lsn
                {
                    self.take_back(state, &unfinished)?;
                }
                return Err(error.into());
            }
        };
        match before {
            Some(before) if later => {
                let bytes = |change: &&Change| {
                    change.after.as_ref().map_or(0, Vec::len) + change.before.as_ref().map_or(0, Vec::len)
                };
                let unfinished =
                    state.unfinished.get_or_insert(Unfinished { before, last_lsn: 0, count: 0, bytes: 0 });
                unfinished.last_lsn = appended.last_lsn.unwrap_or(unfinished.last_lsn);
                unfinished.count += 1;
                unfinished.bytes += changes.iter().map(bytes).sum::<usize>();
            }
            _ if state.unfinished.is_none() => state.rows.keep(),
            _ => {}
        }
        Ok(appended)
    }

    /// Shows all that is written, and makes it as durable as asked for; takes note if that fails.
    pub(super) fn finish(&self, state: &mut State) -> Result<()> {
        let Some(unfinished) = state.unfinished.take() else { return Ok(()) };
        let finished = self.log.finish();
        // Somebody else may have tried and failed before.
        if self.log.shown_lsn() >= unfinished.last_lsn {
            state.rows.keep();
            return finished;
        }
        self.take_back(state, &unfinished)?;
        finished.and_then(|()| {
            let message =
                format!("{}: transactions that were taken in could not be written", self.log.place());
            Err(Error::new(ErrorCode::Io, message))
        })
    }

    /// Takes back what was judged of transactions that did not get into the log, and only that: some may be there.
    fn take_back(&self, state: &mut State, unfinished: &Unfinished) -> Result<()> {
        state.go_back(&unfinished.before);
        state.rows.keep();
        self.take_in_stored(state, unfinished.before.first_lsn() - 1).inspect_err(|_| {
            // Nobody may go on with rows that are not what the log says.
            let _ = self.log.close();
        })
    }
}
