//! What is written and not yet shown, and the way back from it.

use std::collections::VecDeque;

use crate::error::{Error, ErrorCode, Result};
use crate::replica::handle::{Replica, State};
use crate::replica::rows::RowKey;

/// How things stood before a transaction was judged.
pub(super) struct Savepoint {
    journal: usize,
    settlings: usize,
    first_lsn: u64,
    before_mismatches: u64,
}

/// A transaction that is written and not yet shown.
struct Written {
    before: Savepoint,
    last_lsn: u64,
    bytes: usize,
    /// Whether whoever has written it does not wait for it.
    later: bool,
}

/// Transactions that are written and not yet shown, in the order of the log.
#[derive(Default)]
pub(super) struct Unfinished {
    written: VecDeque<Written>,
    bytes: usize,
    /// Whether there are transactions without changes that nobody waits for.
    empty: bool,
    lost: Lost,
}

/// What got lost of what nobody waited for.
#[derive(Default)]
struct Lost {
    count: u64,
    why: Option<(ErrorCode, String)>,
}

impl Unfinished {
    pub(super) fn is_empty(&self) -> bool {
        self.written.is_empty() && !self.empty
    }

    /// A moment from which on somebody wants to hear of what gets lost.
    pub(super) fn lost(&self) -> u64 {
        self.lost.count
    }

    /// Says if something that nobody waited for got lost since a moment, and why.
    pub(super) fn check_lost(&self, since: u64) -> Result<()> {
        match &self.lost.why {
            Some((code, why)) if self.lost.count > since => Err(Error::new(*code, why.clone())),
            _ => Ok(()),
        }
    }

    fn lose(&mut self, why: &Error) {
        self.lost.count += 1;
        self.lost.why = Some((why.code(), why.message().to_owned()));
    }

    pub(super) fn len(&self) -> usize {
        self.written.len()
    }

    /// Bytes of their payloads.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

impl State {
    /// The present, to come back to if what is judged next does not get into the log.
    pub(super) fn savepoint(&mut self, first_lsn: u64) -> Savepoint {
        let (settlings, before_mismatches) = (self.settlings.len(), self.before_mismatches);
        Savepoint { journal: self.rows.mark(), settlings, first_lsn, before_mismatches }
    }

    /// Takes back what was judged since, because it did not get into the log.
    pub(super) fn go_back(&mut self, to: &Savepoint) {
        for key in self.rows.take_back(to.journal) {
            self.histories.forget(key);
        }
        self.settlings.truncate(to.settlings);
        self.forks.forget_since(to.first_lsn);
        self.late.split_off(&to.first_lsn);
        self.before_mismatches = to.before_mismatches;
    }

    /// Takes note of a transaction that is written and will be shown later, or lost.
    pub(super) fn written(&mut self, before: Savepoint, last_lsn: u64, bytes: usize, later: bool) {
        self.unfinished.bytes += bytes;
        self.unfinished.written.push_back(Written { before, last_lsn, bytes, later });
    }

    /// Takes note of a transaction without changes that nobody waits for.
    pub(super) fn written_empty(&mut self) {
        self.unfinished.empty = true;
    }

    /// What is shown up to this LSN stays.
    pub(super) fn keep_until(&mut self, shown: u64) {
        while let Some(first) = self.unfinished.written.front()
            && first.last_lsn <= shown
        {
            self.unfinished.bytes -= first.bytes;
            self.unfinished.written.pop_front();
        }
        match self.unfinished.written.front() {
            Some(next) => self.rows.keep_until(next.before.journal),
            None => self.rows.keep(),
        }
    }

    /// Takes back what got lost on its way: the log gives its positions to others, from this one on.
    pub(super) fn drop_lost(&mut self, next_lsn: u64, why: &Error) {
        while let Some(last) = self.unfinished.written.pop_back() {
            if last.last_lsn < next_lsn {
                self.unfinished.written.push_back(last);
                break;
            }
            self.unfinished.bytes -= last.bytes;
            self.go_back(&last.before);
            if last.later {
                self.unfinished.lose(why);
            }
        }
        if self.unfinished.written.is_empty() {
            self.rows.keep();
        }
    }
}

impl Replica {
    /// Whether all that is known of a row can be read.
    pub(super) fn is_shown(&self, state: &State, key: RowKey) -> bool {
        // A row's last entry is one of its heads.
        let last = || state.rows.heads(key).iter().map(|head| head.lsn()).max();
        state.unfinished.is_empty() || last().is_none_or(|last| last <= self.log.shown_lsn())
    }

    /// Finishes what others have written. That it got lost is told to them, and no matter to who only looks.
    pub(super) fn finish_for_others(&self, state: &mut State) -> Result<()> {
        let _ = self.finish(state);
        self.log.check_open()
    }

    /// Shows all that is written, and makes it as durable as asked for. What got lost on the way is taken back: an error.
    pub(super) fn finish(&self, state: &mut State) -> Result<()> {
        if state.unfinished.is_empty() {
            return Ok(());
        }
        let finished = self.log.finish();
        state.keep_until(self.log.shown_lsn());
        let empty = std::mem::take(&mut state.unfinished.empty);
        if let Err(error) = &finished
            && empty
        {
            state.unfinished.lose(error);
        }
        if state.unfinished.is_empty() {
            return finished;
        }
        // Whoever carried it may have failed before.
        let why = finished.err().unwrap_or_else(|| self.unwritten());
        state.drop_lost(self.log.next_lsn(), &why);
        Err(why)
    }

    /// What is said of transactions that got lost when nobody knows any longer how.
    pub(super) fn unwritten(&self) -> Error {
        let message = format!("{}: transactions that were taken in could not be written", self.log.place());
        Error::new(ErrorCode::Io, message)
    }
}
