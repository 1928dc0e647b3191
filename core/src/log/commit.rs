//! How what was staged reaches the disk: alone, or together with what other threads staged meanwhile.
//!
//! One thread at a time leads: it takes all that is staged, writes and syncs it without the
//! writer's lock, shows it to readers, hands the lead to the first of those who staged
//! since, and then wakes those whose transactions it carried, each by itself.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::{Condvar, Mutex, MutexGuard};

use crate::error::{Error, Result};
use crate::log::change_log::Inner;
use crate::log::frame;
use crate::log::state::Staged;
use crate::log::writer::{Undo, Writer};

/// So much may be staged before others have to wait for it to be written, in bytes.
const MOST_PENDING: usize = 16 << 20;
/// After so many bytes that nobody syncs the disk is set to work, in bytes.
const WRITTEN_BACK: u64 = 4 << 20;
/// How much space is prepared at a time where that makes syncs or small writes cheap, in bytes.
const PREPARED: u64 = 1 << 20;
/// Writes of more bytes than this gain nothing by a memory map.
const SMALL_WRITE: usize = 4096;

/// Somebody who waits for a sync that another thread does.
#[derive(Default)]
pub(super) struct Waiter {
    outcome: Mutex<Option<Outcome>>,
    woken: Condvar,
}

enum Outcome {
    /// What it waited for is done, or has failed.
    Done(Result<()>),
    /// It is to do the next sync itself.
    Lead,
}

impl Waiter {
    fn wait(&self) -> Outcome {
        let mut outcome = self.outcome.lock();
        loop {
            match outcome.take() {
                Some(outcome) => return outcome,
                None => self.woken.wait(&mut outcome),
            }
        }
    }

    fn wake(&self, outcome: Outcome) {
        *self.outcome.lock() = Some(outcome);
        self.woken.notify_one();
    }
}

/// Those whose transactions a leader carries. Whatever happens to it, none of them waits for ever.
struct Carried(VecDeque<Arc<Waiter>>);

impl Carried {
    fn wake(mut self, outcome: impl Fn() -> Result<()>) {
        self.0.drain(..).for_each(|waiter| waiter.wake(Outcome::Done(outcome())));
    }
}

impl Drop for Carried {
    fn drop(&mut self) {
        for waiter in self.0.drain(..) {
            let message = "the thread that was to write this transaction has failed: open the log again";
            waiter.wake(Outcome::Done(Err(Error::internal(message))));
        }
    }
}

/// The writer's lock. Should its holder panic, nobody can tell what is left half-done in
/// memory, so the handle closes; what is on the disk is whole.
pub(super) struct Writing<'a> {
    log: &'a Inner,
    pub(super) writer: MutexGuard<'a, Writer>,
    /// Whether it is this one that syncs for all.
    leads: bool,
    done: bool,
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        if !self.done {
            if self.leads {
                self.writer.leading = false;
            }
            self.log.shut(&mut self.writer, "an internal failure closed the log: open it again");
        }
    }
}

impl Inner {
    /// Does `work` with the writer's lock held.
    pub(super) fn write<'a, T>(&'a self, work: impl FnOnce(&mut Writing<'a>) -> Result<T>) -> Result<T> {
        // In a forked process the lock may be held by somebody who is not there.
        self.check_writable()?;
        let mut writing = Writing { log: self, writer: self.writer.lock(), leads: false, done: false };
        let outcome = self.check_writable().and_then(|()| work(&mut writing));
        writing.done = true;
        outcome
    }

    pub(super) fn shut(&self, writer: &mut Writer, why: &str) {
        // Only the first reason counts.
        let _ = self.closed.set(why.to_owned());
        // While somebody writes, nobody else may become the writer.
        if !writer.leading {
            writer.lock = None;
        }
        for waiter in writer.waiting.drain(..) {
            waiter.wake(Outcome::Done(Err(self.closed_error(why))));
        }
        self.room.notify_all();
        // Whoever has looked and is not yet asleep holds this lock.
        drop(self.waiting.lock());
        self.arrivals.notify_all();
    }

    /// After a failed sync the kernel may have dropped the bytes and would report
    /// success next time, so there is no next time: only opening tells what is there.
    pub(super) fn sync_failed(&self, writer: &mut Writer, error: &Error) {
        let why = format!("a failed sync closed the log, open it again: {error}");
        self.ends.set_sync_failed();
        *self.unsaid.lock() = Some(why.clone());
        self.shut(writer, &why);
    }
}

impl<'a> Writing<'a> {
    /// Waits until what is staged leaves room for more, and begins a new segment when the last is full.
    pub(super) fn make_room(&mut self) -> Result<()> {
        let limit = self.log.options.segment_bytes;
        loop {
            let writer = &mut *self.writer;
            let full = writer.segment.end >= limit || writer.segment.sealed;
            if !full && writer.pending.len() < MOST_PENDING {
                return Ok(());
            }
            if writer.leading {
                self.log.room.wait(&mut self.writer);
                self.log.check_open()?;
            } else if !writer.pending.is_empty() {
                self.log.acknowledge(self)?;
            } else if full {
                self.log.rotate(writer)?;
            }
        }
    }

    /// Makes all that is staged durable and waits until nobody else has anything on its way.
    pub(super) fn settle(&mut self) -> Result<()> {
        loop {
            if self.writer.leading {
                self.log.room.wait(&mut self.writer);
                self.log.check_open()?;
            } else if !self.writer.staged.is_empty()
                || self.writer.segment.durable_end != self.writer.segment.end
            {
                self.commit()?;
            } else {
                return Ok(());
            }
        }
    }

    /// Hands what is staged to the operating system and shows it to readers.
    pub(super) fn flush(&mut self) -> Result<()> {
        let writer = &mut *self.writer;
        let start = writer.segment.end - writer.pending.len() as u64;
        let staged = std::mem::take(&mut writer.staged);
        if !writer.says_unsynced
            && let Err(error) = self.log.say_unsynced(writer)
        {
            self.log.unwrite(writer, staged, start, &error);
            return Err(error);
        }
        let segment = &mut writer.segment;
        if self.log.options.memory_map
            && segment.end > segment.prepared
            && writer.pending.len() <= SMALL_WRITE
        {
            segment.prepared = segment.end + PREPARED;
            segment.file.expect_writes(start, segment.prepared - start);
        }
        if let Err(error) = writer.segment.file.write_at(start, &writer.pending) {
            self.log.unwrite(writer, staged, start, &error);
            return Err(error);
        }
        writer.pending.clear();
        let unwritten = writer.segment.end - writer.segment.written_back;
        if unwritten >= WRITTEN_BACK {
            // Or sealing would have to wait for all of the segment at once.
            writer.segment.file.write_back(writer.segment.written_back, unwritten);
            writer.segment.written_back = writer.segment.end;
        }
        self.log.publish(writer, staged, None);
        Ok(())
    }

    /// Returns once all that was staged before is on the disk.
    pub(super) fn commit(&mut self) -> Result<()> {
        if self.writer.leading {
            let waiter = Arc::new(Waiter::default());
            self.writer.waiting.push_back(waiter.clone());
            let outcome = MutexGuard::unlocked(&mut self.writer, || waiter.wait());
            match outcome {
                Outcome::Done(outcome) => return outcome,
                Outcome::Lead => {}
            }
        }
        (self.writer.leading, self.leads) = (true, true);
        let outcome = self.log.check_open().and_then(|()| self.lead());
        self.leads = false;
        if self.log.is_closed() {
            self.writer.leading = false;
            self.writer.lock = None;
        }
        outcome
    }

    fn lead(&mut self) -> Result<()> {
        let log = self.log;
        if self.writer.crowded {
            // Those who were just woken are about to stage more: one sync for all of them is cheaper.
            MutexGuard::unlocked(&mut self.writer, std::thread::yield_now);
            log.check_open()?;
        }
        let writer = &mut *self.writer;
        let mut bytes = std::mem::take(&mut writer.pending);
        let staged = std::mem::take(&mut writer.staged);
        let carried = Carried(std::mem::take(&mut writer.waiting));
        let (file, base, end) = (writer.segment.file.clone(), writer.segment.base, writer.segment.end);
        let (start, next_lsn) = (end - bytes.len() as u64, writer.next_lsn);
        if writer.segment.durable_end == start && !bytes.is_empty() {
            frame::mark_durable(&mut bytes, base, start);
        }
        let clean = writer.segment.durable_end == end;
        let mut prepare = None;
        if end > writer.segment.prepared && !bytes.is_empty() {
            prepare = Some(end);
            writer.segment.prepared = end + PREPARED;
        }
        let outcome = MutexGuard::unlocked(&mut self.writer, || {
            let written = if bytes.is_empty() { Ok(()) } else { file.write_at(start, &bytes) };
            if let Err(error) = written {
                return Err((error, false));
            }
            if let Some(end) = prepare {
                // Without it syncs cost more and nothing else is different.
                let _ = file.prepare(end, PREPARED);
            }
            if clean { Ok(()) } else { file.sync().map_err(|error| (error, true)) }
        });
        let writer = &mut *self.writer;
        if log.is_closed() {
            // Somebody else found a reason meanwhile; nobody may be told that this is durable.
            carried.wake(|| log.check_open());
            return log.check_open();
        }
        match outcome {
            Ok(()) => {
                writer.segment.durable_end = writer.segment.durable_end.max(end);
                log.publish(writer, staged, Some(next_lsn));
                writer.crowded = !carried.0.is_empty() || writer.waiting.len() > 1;
                match writer.waiting.pop_front() {
                    Some(next) => next.wake(Outcome::Lead),
                    None => writer.leading = false,
                }
                if bytes.capacity() > writer.pending.capacity() && writer.pending.is_empty() {
                    bytes.clear();
                    writer.pending = bytes;
                }
                log.room.notify_all();
                carried.wake(|| Ok(()));
                Ok(())
            }
            Err((error, synced)) => {
                if synced {
                    log.sync_failed(writer, &error);
                } else {
                    log.unwrite(writer, staged, start, &error);
                }
                writer.leading = false;
                // All that was staged since builds on what has failed.
                let later = Carried(std::mem::take(&mut writer.waiting));
                carried.wake(|| Err(Error::new(error.code(), error.message())));
                later.wake(|| Err(Error::new(error.code(), error.message())));
                log.room.notify_all();
                Err(error)
            }
        }
    }
}

impl Inner {
    /// Takes back what could not be written.
    fn unwrite(&self, writer: &mut Writer, staged: Vec<(Staged, Undo)>, start: u64, error: &Error) {
        writer.take_back(staged);
        // Part of it may lie there now; if that cannot be cut off, no further frame may follow it.
        if let Err(cut) = writer.segment.file.truncate(start) {
            self.shut(writer, &format!("a failed write closed the log, open it again: {error}; {cut}"));
        }
        writer.segment.prepared = writer.segment.prepared.min(start);
    }

    /// Shows readers what was written; all entries before `durable` are on the disk.
    fn publish(&self, writer: &mut Writer, mut staged: Vec<(Staged, Undo)>, durable: Option<u64>) {
        let mut state = self.state.write();
        for (staged, _) in staged.drain(..) {
            state.publish(staged);
        }
        state.durable_lsn = state.durable_lsn.max(durable.unwrap_or(0));
        state.active.durable_end = writer.segment.durable_end;
        self.ends.publish(&state, writer.segment.durable_end);
        drop(state);
        if writer.staged.capacity() == 0 {
            writer.staged = staged;
        }
        self.announce();
    }
}
