use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use hashbrown::HashMap;
use parking_lot::{Condvar, Mutex, RwLock};
use uuid::Uuid;

use crate::causality::{Clock, NodeIndex, NodeTable};
use crate::clock::VectorClock;
use crate::error::{Error, ErrorCode, Result};
use crate::id::{Dot, NodeId};
use crate::log::commit::Writing;
use crate::log::consumer::statuses;
use crate::log::cursor::Cursor;
use crate::log::ends::{End, Ends};
use crate::log::format::Identity;
use crate::log::opening;
use crate::log::options::{Durability, LogOptions};
use crate::log::query::QueryOptions;
use crate::log::removal::Removal;
use crate::log::replay::Seen;
use crate::log::segment::OpenSegments;
use crate::log::state::State;
use crate::log::stats::ChangeLogStats;
use crate::log::transactions::TransactionCursor;
use crate::log::writer::Writer;
use crate::storage::{FileStorage, MemoryStorage, Storage, StorageFile};
use crate::time::Timestamp;

/// An append-only log of row changes that knows what each of them had seen.
///
/// A log lives in a directory or in memory, and is the same in both. It has one
/// writer handle at a time, and any number that only read ([`LogOptions::read_only`]), in any
/// process; all functions of a handle may be called from several threads at once. It records the changes of its own node, stamped with a vector
/// clock and a hybrid logical time, and takes other nodes' transactions as they are.
///
/// A transaction is visible and durable as a whole or not at all. An append that
/// returns an error has written nothing. If a panic or a failed sync strikes within
/// an append, the handle closes itself: every call is then `CLOSED`, and opening the
/// log again finds all that was acknowledged.
///
/// ```
/// use causelog::{Change, ChangeLog, LogOptions, QueryOptions};
///
/// let log = ChangeLog::in_memory(LogOptions::default())?;
/// log.append(Change::insert("orders", 42, r#"{"qty":1}"#))?;
/// log.append_transaction(vec![
///     Change::update("orders", 42, r#"{"qty":1}"#, r#"{"qty":2}"#),
///     Change::insert("audit", "order-42", r#"{"by":"alice"}"#),
/// ])?;
/// for entry in log.query(QueryOptions::row("orders", 42))? {
///     let entry = entry?;
///     println!("{} {} {}", entry.lsn, entry.operation, entry.vector_clock);
/// }
/// assert_eq!(log.stats()?.entries, 3);
/// # Ok::<(), causelog::Error>(())
/// ```
pub struct ChangeLog {
    pub(super) inner: Arc<Inner>,
    /// Whether a replica gives the log its meaning, so that nothing may be written or removed past it.
    pub(super) kept: bool,
}

/// What a log's handle, its cursors and its views share.
pub(super) struct Inner {
    pub(super) identity: Identity,
    pub(super) place: String,
    pub(super) storage: Arc<dyn Storage>,
    pub(super) options: LogOptions,
    /// Index of the node whose changes the log records.
    pub(super) own: NodeIndex,
    pub(super) nodes: RwLock<NodeTable>,
    pub(super) segments: OpenSegments,
    pub(super) state: RwLock<State>,
    pub(super) writer: Mutex<Writer>,
    pub(super) ends: Ends,
    /// Those wait here for whom there is no room to stage.
    pub(super) room: Condvar,
    /// Those wait here who wait for new entries.
    pub(super) arrivals: Condvar,
    pub(super) waiting: Mutex<()>,
    pub(super) waiters: AtomicU64,
    /// Clocks that had to be looked up.
    pub(super) looked_up: Mutex<HashMap<(NodeIndex, u64), Clock>>,
    /// When the last sync began, in nanoseconds of the log's time.
    pub(super) last_sync: AtomicU64,
    /// Indexes that the log lacked and that this reader has worked out, under the names that they would have there.
    pub(super) indexes: MemoryStorage,
    /// Held by who compresses segments: one at a time.
    pub(super) compressing: Mutex<()>,
    /// What a reader knows of what the writer has removed.
    pub(super) seen: Mutex<Seen>,
    /// Why the handle can no longer be used, once it cannot.
    pub(super) closed: OnceLock<String>,
    /// The failed sync that closed the log, until who closes it is told.
    pub(super) unsaid: Mutex<Option<String>>,
}

impl ChangeLog {
    /// Opens the log in the directory `path`, made if it is not there.
    ///
    /// # Errors
    /// `LOCKED` while another handle or process has it open for writing, `CORRUPT` with file and
    /// offset when it is damaged, `UNSUPPORTED` when a newer version wrote it,
    /// `INVALID_ARGUMENT` when `path` is no directory, `IO`, `NO_SPACE` or `READ_ONLY`
    /// when the operating system says so.
    pub fn open(path: impl AsRef<Path>) -> Result<ChangeLog> {
        Self::open_with(path, LogOptions::default())
    }

    /// Opens the log in the directory `path` as [`ChangeLog::open`] does, with other than the default options.
    ///
    /// # Errors
    /// As [`ChangeLog::open`], and `INVALID_ARGUMENT` when the options name a node that this log never was or hold a
    /// value that is not possible. With [`LogOptions::read_only`] never `LOCKED`, but `NOT_FOUND` when there is no log.
    ///
    /// ```
    /// use causelog::{Change, ChangeLog, LogOptions};
    /// # let directory = tempfile::tempdir().unwrap();
    /// # let path = directory.path().join("log");
    /// let writer = ChangeLog::open(&path)?;
    /// let reader = ChangeLog::open_with(&path, LogOptions { read_only: true, ..Default::default() })?;
    /// writer.append(Change::insert("orders", 42, "new"))?;
    /// assert_eq!(reader.stats()?.last_lsn, 1);
    /// # Ok::<(), causelog::Error>(())
    /// ```
    pub fn open_with(path: impl AsRef<Path>, options: LogOptions) -> Result<ChangeLog> {
        let storage =
            if options.read_only { FileStorage::open_existing(path)? } else { FileStorage::open(path)? };
        Self::open_storage(Arc::new(storage), options)
    }

    /// A new log in memory, gone when its last handle is.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when the options hold a value that is not possible; `NOT_FOUND` with
    /// [`LogOptions::read_only`], for there is nothing to read.
    pub fn in_memory(options: LogOptions) -> Result<ChangeLog> {
        Self::open_storage(Arc::new(MemoryStorage::new()), options)
    }

    /// Opens the log that `storage` holds, or makes one there.
    ///
    /// # Errors
    /// As [`ChangeLog::open_with`], and whatever the storage returns.
    pub fn open_storage(storage: Arc<dyn Storage>, options: LogOptions) -> Result<ChangeLog> {
        let inner = opening::open(storage, options)?;
        Ok(ChangeLog { inner: Arc::new(inner), kept: false })
    }

    /// Another handle on the same log.
    pub(super) fn share(&self) -> ChangeLog {
        ChangeLog { inner: self.inner.clone(), kept: self.kept }
    }

    /// A handle on the same log through which nothing can be written or removed, for a replica to show.
    pub(crate) fn keep(&self) -> ChangeLog {
        ChangeLog { inner: self.inner.clone(), kept: true }
    }

    pub(crate) fn options(&self) -> &LogOptions {
        &self.inner.options
    }

    /// Where the log lives, for what is kept beside it.
    pub(crate) fn storage(&self) -> &dyn Storage {
        &*self.inner.storage
    }

    /// Where the log lives, in a message.
    pub(crate) fn place(&self) -> &str {
        &self.inner.place
    }

    /// Whether the log can still be used, in this process.
    pub(crate) fn check_open(&self) -> Result<()> {
        self.inner.check_open()
    }

    /// Whether the log can still be written to, in this process.
    pub(crate) fn check_writable(&self) -> Result<()> {
        self.inner.check_writable()
    }

    /// The LSN of the first entry that is still there, or of the next one.
    pub(crate) fn first_lsn(&self) -> u64 {
        self.inner.state.read().first_lsn()
    }

    /// Makes durable all that is shown.
    pub(crate) fn make_durable(&self) -> Result<()> {
        self.inner.make_durable()
    }

    /// A clock with the nodes' own identities.
    pub(crate) fn to_vector_clock(&self, clock: &Clock) -> VectorClock {
        clock.to_vector_clock(&self.inner.nodes.read())
    }

    /// The LSN of the last entry that is shown; 0 if there is none.
    pub(crate) fn shown_lsn(&self) -> u64 {
        self.inner.state.read().next_lsn - 1
    }

    /// A node's number in this log, while it is open.
    pub(crate) fn node_index(&self, node: NodeId) -> Option<NodeIndex> {
        self.inner.nodes.read().index(node)
    }

    /// The node with this number.
    pub(crate) fn node_of(&self, index: NodeIndex) -> NodeId {
        self.inner.nodes.read().id(index).unwrap_or_default()
    }

    /// The node whose changes this log records; of a log opened for reading only, as of then.
    pub fn node(&self) -> NodeId {
        self.inner.identity.node
    }

    /// Nodes that this log was before: it takes a new identity whenever it is found
    /// to have lost the end of its file, because the dots that were there may be
    /// known elsewhere. Of a log opened for reading only, as of then.
    pub fn past_nodes(&self) -> &[NodeId] {
        &self.inner.identity.past
    }

    /// The log's own identity, made with it: positions are positions of this log.
    pub fn id(&self) -> Uuid {
        self.inner.identity.log
    }

    /// How often the log has lost its end, or may have, and with it LSNs that were handed out: a position is
    /// one of this log and this epoch. What a [`Consumer`](crate::Consumer) was handed stays right in all of them.
    pub fn epoch(&self) -> u64 {
        self.inner.ends.epoch()
    }

    /// The entries that `options` ask for, in the order of their LSNs or in reverse.
    ///
    /// # Errors
    /// `TRUNCATED` with the first LSN that remains when entries after [`QueryOptions::since`] were removed by
    /// retention; in reverse the cursor says so, once it comes there. What compaction removed is passed over. `CLOSED`;
    /// `CORRUPT` or `IO` when looking up [`QueryOptions::transaction`] fails. What reading finds damaged is an error of the cursor.
    pub fn query(&self, options: QueryOptions) -> Result<Cursor> {
        self.inner.check_open()?;
        self.inner.refresh()?;
        Cursor::new(self.inner.clone(), options)
    }

    /// The whole transactions that someone whose clock is `seen` has not seen, in log order.
    ///
    /// Handed to another log's [`ChangeLog::append_remote`] one after the other, they make it hold all that this one holds.
    ///
    /// What is handed out is durable: where appends return earlier than that, this syncs first.
    ///
    /// # Errors
    /// `TRUNCATED` when some of it was removed; `IO` when it cannot be made durable, `CLOSED`. What reading
    /// finds damaged is an error of the cursor.
    pub fn transactions(&self, seen: &VectorClock) -> Result<TransactionCursor> {
        let log = &self.inner;
        log.check_open()?;
        log.refresh()?;
        let end = log.durable_end()?;
        let (manifest, first) = {
            let state = log.state.read();
            (state.manifest.clone(), state.first_segment())
        };
        let lost =
            manifest.forgotten.iter().find(|(node, sequence)| !seen.covers(Dot::new(*node, *sequence)));
        if let Some((node, sequence)) = lost {
            let message = format!(
                "{}: entries of node {node} up to {sequence} were removed: whoever has not seen them needs a new start",
                log.place
            );
            return Err(Error::new(ErrorCode::Truncated, message));
        }
        Ok(TransactionCursor::new(log.clone(), seen.clone(), first, end))
    }

    /// The clock of everything in the log.
    ///
    /// # Errors
    /// `CLOSED`; of a log opened for reading only also `CORRUPT` or `IO` from reading what the writer has appended.
    pub fn frontier(&self) -> Result<VectorClock> {
        self.inner.check_open()?;
        self.inner.refresh()?;
        let frontier = self.inner.state.read().frontier.clone();
        Ok(frontier.to_vector_clock(&self.inner.nodes.read()))
    }

    /// What the author of this change had seen when making it, the change included.
    /// The dot of an empty transaction has a clock as well.
    ///
    /// # Errors
    /// `NOT_FOUND` when the log does not hold the dot, `TRUNCATED` when it was removed, `CORRUPT` or `IO` when what
    /// has to be read for it cannot be, `CLOSED`.
    pub fn vector_clock(&self, dot: Dot) -> Result<VectorClock> {
        let log = &*self.inner;
        log.check_open()?;
        log.refresh()?;
        let not_found = || Error::new(ErrorCode::NotFound, format!("the log holds no change {dot}"));
        let node = log.nodes.read().index(dot.node).ok_or_else(not_found)?;
        let clock = match log.kept_clock(node, dot.sequence) {
            Some(clock) => clock,
            None => {
                let place = log.locate(node, dot.sequence)?.ok_or_else(not_found)?;
                match log.kept_clock(node, place.sequence) {
                    Some(clock) => clock,
                    None => log.work_out(&mut None, place)?,
                }
            }
        };
        Ok(clock.to_vector_clock(&log.nodes.read()).with_sequence(dot.node, dot.sequence))
    }

    /// What the log holds, in numbers, and how far its consumers have come.
    ///
    /// # Errors
    /// As [`ChangeLog::consumers`]; of a log opened for reading only also `CORRUPT` or `IO` from reading what the
    /// writer has appended.
    pub fn stats(&self) -> Result<ChangeLogStats> {
        self.inner.check_open()?;
        let positions = self.inner.positions()?;
        self.inner.refresh()?;
        let state = self.inner.state.read();
        Ok(ChangeLogStats { consumers: statuses(positions, state.next_lsn - 1), ..state.stats() })
    }

    /// What was removed from the log, and why, oldest first.
    ///
    /// # Errors
    /// `CLOSED`; of a log opened for reading only also `CORRUPT` or `IO` from reading what the writer has appended.
    pub fn removals(&self) -> Result<Vec<Removal>> {
        self.inner.check_open()?;
        self.inner.refresh()?;
        Ok(self.inner.state.read().manifest.removals.clone())
    }

    /// Returns once all that was appended will survive a loss of power, whatever the durability.
    ///
    /// # Errors
    /// `IO` when the operating system cannot promise it, which closes the log; `READ_ONLY`, `CLOSED`.
    pub fn sync(&self) -> Result<()> {
        self.inner.write(Writing::commit)
    }

    /// Does what is due at `now`: the sync of [`Durability::Interval`]. Call it every so often when no appends come;
    /// appends do it by themselves. Under the other durabilities there is nothing to do.
    ///
    /// # Errors
    /// As [`ChangeLog::sync`].
    pub fn maintain(&self, now: Timestamp) -> Result<()> {
        let log = &*self.inner;
        log.write(|writing| if log.sync_is_due(now) { writing.commit() } else { Ok(()) })
    }

    /// Syncs and closes the log; every other call is `CLOSED` from now on, also
    /// those of its cursors. Closing again does nothing. Dropping a log closes it
    /// too, but cannot say whether the last sync failed.
    ///
    /// # Errors
    /// `IO` when the last sync failed, also one that closed the log before; the log is closed all the same.
    pub fn close(&self) -> Result<()> {
        self.inner.close()
    }
}

impl Inner {
    pub(super) fn is_closed(&self) -> bool {
        self.closed.get().is_some()
    }

    pub(super) fn check_open(&self) -> Result<()> {
        if let Some(why) = self.closed.get() {
            return Err(self.closed_error(why));
        }
        if !self.storage.same_process() {
            return Err(self.closed_error("the log was opened by the process that this one was forked from"));
        }
        Ok(())
    }

    pub(super) fn closed_error(&self, why: &str) -> Error {
        Error::new(ErrorCode::Closed, format!("{}: {why}", self.place))
    }

    pub(super) fn check_writable(&self) -> Result<()> {
        self.check_open()?;
        if self.options.read_only {
            let message = format!("{}: the log was opened for reading only", self.place);
            return Err(Error::new(ErrorCode::ReadOnly, message));
        }
        Ok(())
    }

    /// Whether so much time has passed since the last sync that another is due. Says so once.
    pub(super) fn sync_is_due(&self, now: Timestamp) -> bool {
        if self.options.durability != Durability::Interval {
            return false;
        }
        let interval = self.options.sync_interval;
        let (now, last) = (now.nanoseconds() as u64, self.last_sync.load(Ordering::Relaxed));
        let passed = (now as i64).saturating_sub(last as i64);
        // A clock that was set back must not put syncs off.
        let due = passed < 0 || u128::from(passed as u64) >= interval.as_nanos();
        due && self.last_sync.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// Syncs if something that a writer's handle shows is not durable yet.
    pub(super) fn make_durable(&self) -> Result<()> {
        let state = self.state.read();
        // Under `Sync` nothing is shown before it is durable.
        let settled =
            self.options.durability == Durability::Sync || state.active.durable_end >= state.active.end;
        drop(state);
        if settled { Ok(()) } else { self.write(Writing::commit) }
    }

    /// A place up to which all is durable: the end of what was shown when it was asked for, or a later one.
    fn durable_end(&self) -> Result<End> {
        if !self.options.read_only {
            self.make_durable()?;
            let active = &self.state.read().active;
            return Ok(End { segment: active.number(), offset: active.end.min(active.durable_end) });
        }
        let (end, file) = {
            let active = &self.state.read().active;
            (End { segment: active.number(), offset: active.end }, active.open.file.clone())
        };
        // Segments before this one were synced when they were sealed.
        if self.ends.durable().is_none_or(|durable| durable < end) {
            self.sync_beside_writer(&*file)?;
        }
        Ok(end)
    }

    /// Makes durable what a writer has left to the operating system, for who only reads.
    pub(super) fn sync_beside_writer(&self, file: &dyn StorageFile) -> Result<()> {
        file.sync()?;
        // Then a sync that succeeds says nothing: what the writer's could not write counts as written.
        if self.ends.has_sync_failed() {
            let place = &self.place;
            let message =
                format!("{place}: a sync of the writer has failed: the log must be opened for writing anew");
            return Err(Error::new(ErrorCode::Io, message));
        }
        Ok(())
    }
}

impl std::fmt::Debug for ChangeLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChangeLog")
            .field("place", &self.inner.place)
            .field("node", &self.node())
            .finish_non_exhaustive()
    }
}
