//! Named readers whose positions are kept beside the log.

use std::sync::Arc;

use napi::bindgen_prelude::{AsyncTask, Result, Unknown};
use napi_derive::napi;

use crate::entry::Batch;
use crate::error::{Code, thrown};
use crate::input::Argument;
use crate::log::ChangeLog;
use crate::output::{Count, Lsn};
use crate::task::{Background, background};

/// A named reader of a log: it goes on where it stopped, also after a crash.
///
/// Its position is the LSN of the last entry that was committed, kept in a file of its
/// own beside the log. `poll` hands out what comes next, `commit` says that it was dealt
/// with. So every entry is handed out at least once; whoever stores the position together with what
/// it makes of the entries, and calls `reset` with it at the start, deals with each exactly once.
///
/// Only whole transactions are handed out, and only durable ones: no loss of power takes back what a
/// consumer has seen.
///
/// Several handles on one name, in one process or several, also in logs that are open for reading
/// only, each get all entries after the position that they found; of their commits none takes
/// the position back. A consumer keeps its log open like a cursor does.
///
/// ```js
/// const mailer = await log.consumer('mailer');
/// for (;;) {
///   const entries = await mailer.poll(100);
///   if (entries.length === 0) break;
///   for (const entry of entries) send(entry);
///   await mailer.commit(entries.at(-1).lsn);
/// }
/// ```
#[napi]
pub struct Consumer {
    consumer: Arc<causelog::Consumer>,
}

impl From<causelog::Consumer> for Consumer {
    fn from(consumer: causelog::Consumer) -> Self {
        Consumer { consumer: Arc::new(consumer) }
    }
}

/// How far a consumer has come.
#[napi(object, object_from_js = false)]
pub struct ConsumerStatus {
    /// Its name.
    pub name: String,
    /// LSN of the last entry that it has committed; `0n` before the first.
    pub position: u64,
    /// How many LSNs the log has after that: entries it has yet to commit, and ones that were removed before it could.
    #[napi(ts_type = "number")]
    pub lag: Count,
}

pub(crate) fn statuses(statuses: Vec<causelog::ConsumerStatus>) -> Vec<ConsumerStatus> {
    let status = |status: causelog::ConsumerStatus| ConsumerStatus {
        name: status.name,
        position: status.position,
        lag: Count(status.lag),
    };
    statuses.into_iter().map(status).collect()
}

#[napi]
impl Consumer {
    /// Its name.
    #[napi(getter, catch_unwind)]
    pub fn name(&self) -> String {
        self.consumer.name().to_owned()
    }

    /// LSN of the last entry that was committed, by whichever handle; `0n` before the first.
    ///
    /// Throws `NOT_FOUND` when the consumer was removed, `CORRUPT` when its file is damaged beyond use, `IO`, `CLOSED`.
    #[napi(catch_unwind)]
    pub fn position_sync(&self) -> Result<u64, Code> {
        self.consumer.position().map_err(thrown)
    }

    /// LSN of the last entry that was committed, read off the main thread; otherwise as `positionSync`.
    #[napi(catch_unwind, ts_return_type = "Promise<bigint>")]
    pub fn position(&self) -> AsyncTask<Background<Lsn>> {
        let consumer = self.consumer.clone();
        background(move || consumer.position().map(Lsn))
    }

    /// What comes after what this handle has handed out last, or after the position when it
    /// was made: whole transactions with at most `limit` entries in all, or one that has more. Empty
    /// when there is nothing new; `ChangeLog.wait` waits for it.
    ///
    /// A position within a transaction hands out all of it again. Where appends return
    /// before they are durable, this syncs first when it has to.
    ///
    /// Throws `TRUNCATED` with the first LSN that remains when what comes next was removed:
    /// `reset` to the one before goes on from there. `INVALID_ARGUMENT` for `limit` 0, and for a
    /// position beyond the end of a log that has lost its end. `CORRUPT`, `IO`, `CLOSED`. The same
    /// entries come with the next call then.
    #[napi(catch_unwind, ts_args_type = "limit: number", ts_return_type = "Array<ChangeEntry>")]
    pub fn poll_sync(&self, limit: Unknown<'_>) -> Result<Batch, Code> {
        let limit = Argument::new("limit", limit).counter().map_err(thrown)?;
        self.consumer.poll(limit).map(Batch).map_err(thrown)
    }

    /// What comes next, read off the main thread; otherwise as `pollSync`. Two calls of which none is awaited
    /// share the entries between them.
    #[napi(catch_unwind, ts_args_type = "limit: number", ts_return_type = "Promise<Array<ChangeEntry>>")]
    pub fn poll(&self, limit: Unknown<'_>) -> Result<AsyncTask<Background<Batch>>, Code> {
        let limit = Argument::new("limit", limit).counter().map_err(thrown)?;
        let consumer = self.consumer.clone();
        Ok(background(move || consumer.poll(limit).map(Batch)))
    }

    /// Says that all entries up to and including `lsn` were dealt with: durable on return. This handle does not
    /// hand them out again.
    ///
    /// Throws `INVALID_ARGUMENT` naming both LSNs for one before the position, to which only
    /// `reset` goes back, and for one that is not in the log. `NOT_FOUND` when the consumer was
    /// removed. `READ_ONLY`, `CORRUPT`, `CLOSED`. After `IO` or `NO_SPACE` the position is what it was, or `lsn`.
    #[napi(catch_unwind)]
    pub fn commit_sync(&self, #[napi(ts_arg_type = "bigint | number")] lsn: Unknown<'_>) -> Result<(), Code> {
        let lsn = Argument::new("lsn", lsn).counter().map_err(thrown)?;
        self.consumer.commit(lsn).map_err(thrown)
    }

    /// Says that all entries up to and including `lsn` were dealt with, off the main thread; otherwise as `commitSync`.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn commit(
        &self,
        #[napi(ts_arg_type = "bigint | number")] lsn: Unknown<'_>,
    ) -> Result<AsyncTask<Background<()>>, Code> {
        let lsn = Argument::new("lsn", lsn).counter().map_err(thrown)?;
        let consumer = self.consumer.clone();
        Ok(background(move || consumer.commit(lsn)))
    }

    /// How many LSNs the log has after the position: entries that are yet to commit, and ones that were removed before.
    ///
    /// Throws as `positionSync`.
    #[napi(catch_unwind, ts_return_type = "number")]
    pub fn lag_sync(&self) -> Result<Count, Code> {
        self.consumer.lag().map(Count).map_err(thrown)
    }

    /// How many LSNs the log has after the position, read off the main thread; otherwise as `lagSync`.
    #[napi(catch_unwind, ts_return_type = "Promise<number>")]
    pub fn lag(&self) -> AsyncTask<Background<Count>> {
        let consumer = self.consumer.clone();
        background(move || consumer.lag().map(Count))
    }

    /// Makes `lsn` the position, back or forth: this handle goes on after it, and so do those that are
    /// made later. `0n` is before the first entry.
    ///
    /// Throws `INVALID_ARGUMENT` for an LSN after the last durable one, otherwise as `commitSync`.
    #[napi(catch_unwind)]
    pub fn reset_sync(&self, #[napi(ts_arg_type = "bigint | number")] lsn: Unknown<'_>) -> Result<(), Code> {
        let lsn = Argument::new("lsn", lsn).counter().map_err(thrown)?;
        self.consumer.reset(lsn).map_err(thrown)
    }

    /// Makes `lsn` the position off the main thread; otherwise as `resetSync`.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn reset(
        &self,
        #[napi(ts_arg_type = "bigint | number")] lsn: Unknown<'_>,
    ) -> Result<AsyncTask<Background<()>>, Code> {
        let lsn = Argument::new("lsn", lsn).counter().map_err(thrown)?;
        let consumer = self.consumer.clone();
        Ok(background(move || consumer.reset(lsn)))
    }
}

#[napi]
impl ChangeLog {
    /// The consumer with this name, made if there is none: it then stands before the first entry that ever was.
    ///
    /// Names have 1 to 100 letters, digits, `.`, `_` and `-`, all of ASCII.
    ///
    /// Throws `INVALID_ARGUMENT` for another name, `CORRUPT` when its file is damaged beyond use,
    /// `UNSUPPORTED` when a newer version wrote it, `READ_ONLY` when it would have to be made
    /// and may not, `NO_SPACE`, `IO`, `CLOSED`.
    #[napi(catch_unwind)]
    pub fn consumer_sync(&self, #[napi(ts_arg_type = "string")] name: Unknown<'_>) -> Result<Consumer, Code> {
        let name = Argument::new("name", name).text().map_err(thrown)?;
        self.log.consumer(&name).map(Consumer::from).map_err(thrown)
    }

    /// The consumer with this name, found or made off the main thread; otherwise as `consumerSync`.
    #[napi(catch_unwind, ts_return_type = "Promise<Consumer>")]
    pub fn consumer(
        &self,
        #[napi(ts_arg_type = "string")] name: Unknown<'_>,
    ) -> Result<AsyncTask<Background<Consumer>>, Code> {
        let name = Argument::new("name", name).text().map_err(thrown)?;
        let log = self.log.clone();
        Ok(background(move || log.consumer(&name).map(Consumer::from)))
    }

    /// All consumers, by name.
    ///
    /// Throws `CORRUPT` naming the file when one is damaged beyond use, `UNSUPPORTED`, `IO`, `CLOSED`.
    #[napi(catch_unwind)]
    pub fn consumers_sync(&self) -> Result<Vec<ConsumerStatus>, Code> {
        self.log.consumers().map(statuses).map_err(thrown)
    }

    /// All consumers, by name, read off the main thread; otherwise as `consumersSync`.
    #[napi(catch_unwind, ts_return_type = "Promise<Array<ConsumerStatus>>")]
    pub fn consumers(&self) -> AsyncTask<Background<Vec<ConsumerStatus>>> {
        let log = self.log.clone();
        background(move || log.consumers().map(statuses))
    }

    /// Removes a consumer and forgets its position. Handles on it find that out when they commit.
    ///
    /// Throws `NOT_FOUND` when there is none of this name, `INVALID_ARGUMENT` when none can be, `READ_ONLY`, `IO`, `CLOSED`.
    #[napi(catch_unwind)]
    pub fn remove_consumer_sync(
        &self,
        #[napi(ts_arg_type = "string")] name: Unknown<'_>,
    ) -> Result<(), Code> {
        let name = Argument::new("name", name).text().map_err(thrown)?;
        self.log.remove_consumer(&name).map_err(thrown)
    }

    /// Removes a consumer off the main thread; otherwise as `removeConsumerSync`.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn remove_consumer(
        &self,
        #[napi(ts_arg_type = "string")] name: Unknown<'_>,
    ) -> Result<AsyncTask<Background<()>>, Code> {
        let name = Argument::new("name", name).text().map_err(thrown)?;
        let log = self.log.clone();
        Ok(background(move || log.remove_consumer(&name)))
    }
}
