use std::path::Path;
use std::sync::{Arc, OnceLock};

use parking_lot::{Mutex, RwLock};
use uuid::Uuid;

use crate::change::{Change, Transaction, Verdict};
use crate::clock::VectorClock;
use crate::error::{Error, ErrorCode, Result};
use crate::failpoint;
use crate::id::{Dot, NodeId};
use crate::log::block::{BlockReader, FrameAt};
use crate::log::cursor::{Cursor, TransactionCursor};
use crate::log::format::Identity;
use crate::log::frame::{self, FrameHead, HEADER_LENGTH, TableIndex};
use crate::log::index::{Index, Past};
use crate::log::options::{Durability, LogOptions};
use crate::log::query::QueryOptions;
use crate::log::recovery::{self, Recovered};
use crate::log::stats::ChangeLogStats;
use crate::storage::{FileStorage, MemoryStorage, Storage, StorageFile, StorageLock};
use crate::time::{HybridLogicalClock, Timestamp};

/// An append-only log of row changes that knows what each of them had seen.
///
/// A log lives in a directory or in memory, and is the same in both. It has one
/// writer handle at a time; all functions of that handle may be called from several
/// threads at once. It records the changes of its own node, stamped with a vector
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
    inner: Arc<Inner>,
}

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

pub(super) struct Inner {
    identity: Identity,
    place: String,
    name: Arc<str>,
    file: Arc<dyn StorageFile>,
    salt: u32,
    options: LogOptions,
    pub(super) index: RwLock<Index>,
    writer: Mutex<Writer>,
    /// Why the handle can no longer be used, once it cannot.
    closed: OnceLock<String>,
}

/// What only the one who appends touches.
struct Writer {
    end: u64,
    /// Where the bytes end that a loss of power would keep.
    durable_end: u64,
    clock: HybridLogicalClock,
    lock: Option<Box<dyn StorageLock>>,
}

/// A transaction on its way into the log.
struct Incoming<'a> {
    node: NodeId,
    sequence: u64,
    past: Past,
    timestamp: Timestamp,
    changes: &'a [Change],
    verdict: Option<Verdict>,
}

impl ChangeLog {
    /// Opens the log in the directory `path`, made if it is not there.
    ///
    /// # Errors
    /// `LOCKED` while another handle or process has it open, `CORRUPT` with file and
    /// offset when it is damaged, `UNSUPPORTED` when a newer version wrote it,
    /// `INVALID_ARGUMENT` when `path` is no directory, `IO`, `NO_SPACE` or `READ_ONLY`
    /// when the operating system says so.
    pub fn open(path: impl AsRef<Path>) -> Result<ChangeLog> {
        Self::open_with(path, LogOptions::default())
    }

    /// Opens the log in the directory `path` as [`ChangeLog::open`] does, with other than the default options.
    ///
    /// # Errors
    /// As [`ChangeLog::open`], and `INVALID_ARGUMENT` when the options name a node that this log never was.
    pub fn open_with(path: impl AsRef<Path>, options: LogOptions) -> Result<ChangeLog> {
        Self::open_storage(&FileStorage::open(path)?, options)
    }

    /// A new log in memory, gone when its last handle is.
    ///
    /// # Errors
    /// None that the arguments could cause.
    pub fn in_memory(options: LogOptions) -> Result<ChangeLog> {
        Self::open_storage(&MemoryStorage::new(), options)
    }

    /// Opens the log that `storage` holds, or makes one there.
    ///
    /// # Errors
    /// As [`ChangeLog::open_with`], and whatever the storage returns.
    pub fn open_storage(storage: &dyn Storage, options: LogOptions) -> Result<ChangeLog> {
        let lock = storage.lock()?;
        let place = storage.describe();
        let recovered = recovery::recover(storage, options.node, &*options.ids).map_err(|error| {
            if error.message().starts_with(&place) { error } else { error.context(&place) }
        })?;
        let Recovered { identity, name, file, salt, index, end } = recovered;
        // What was found may still be in the operating system's hands only.
        file.sync()?;
        let mut clock = HybridLogicalClock::new();
        if let Some(newest) = index.newest() {
            clock.observe(newest);
        }
        let writer = Writer { end, durable_end: end, clock, lock: Some(lock) };
        let (index, writer) = (RwLock::new(index), Mutex::new(writer));
        let closed = OnceLock::new();
        let inner = Inner { identity, place, name, file, salt, options, index, writer, closed };
        Ok(ChangeLog { inner: Arc::new(inner) })
    }

    /// The node whose changes this log records.
    pub fn node(&self) -> NodeId {
        self.inner.identity.node
    }

    /// Nodes that this log was before: it takes a new identity whenever it is found
    /// to have lost the end of its file, because the dots that were there may be
    /// known elsewhere.
    pub fn past_nodes(&self) -> &[NodeId] {
        &self.inner.identity.past
    }

    /// The log's own identity, made with it: positions are positions of this log.
    pub fn id(&self) -> Uuid {
        self.inner.identity.log
    }

    /// Records one change of this node as a transaction of its own.
    ///
    /// # Errors
    /// As [`ChangeLog::append_transaction`].
    pub fn append(&self, change: Change) -> Result<Appended> {
        self.append_transaction(vec![change])
    }

    /// Records changes of this node together: all of them, or none.
    ///
    /// Their author is taken to have seen the whole log. Without changes this writes
    /// a merge: a transaction that only says what has been seen.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` or `TOO_LARGE` for a change that [`Change::validate`] refuses
    /// or a transaction beyond 1 GiB, `NO_SPACE` or `IO` when it could not be written, `CLOSED`.
    pub fn append_transaction(&self, changes: Vec<Change>) -> Result<Appended> {
        validate(&changes)?;
        self.inner.write(|writer| {
            let node = self.inner.identity.node;
            let index = self.inner.index.read();
            let width = changes.len().max(1) as u64;
            let sequence = index.last_sequence(node).checked_add(width).ok_or_else(|| {
                Error::new(
                    ErrorCode::TooLarge,
                    format!("sequence of node {node} would overflow at {}", u64::MAX),
                )
            })?;
            let past = index.whole_past();
            drop(index);
            let timestamp = writer.clock.tick(self.inner.options.time.now())?;
            let verdict = Some(Verdict::Applied);
            self.inner
                .commit(writer, Incoming { node, sequence, past, timestamp, changes: &changes, verdict })
        })
    }

    /// Takes in a transaction as it is, whoever wrote it. One that the log holds
    /// already is recognised by its dot and written no second time.
    ///
    /// Dependencies that others of them cover are left out of what is stored.
    ///
    /// # Errors
    /// `MISSING_DEPENDENCY` naming the dot when the log lacks something that its author had
    /// seen; `DOT_REUSE` when the log holds something else under one of its dots; `CLOCK_SKEW`
    /// when its timestamp lies further ahead of local time than allowed; `INVALID_ARGUMENT` when
    /// a dependency names no transaction that can be before it, or they do not cover its author's previous one;
    /// otherwise as [`ChangeLog::append_transaction`].
    pub fn append_remote(&self, transaction: &Transaction) -> Result<Appended> {
        let first = transaction.first_sequence()?;
        validate(&transaction.changes)?;
        self.inner.write(|writer| {
            let dot = transaction.dot();
            let index = self.inner.index.read();
            let known = index.last_sequence(dot.node);
            if known >= first {
                drop(index);
                return self.inner.duplicate(transaction);
            }
            let past = index.past_of(transaction)?;
            let seen = index.nodes.index(dot.node).map_or(0, |node| past.clock.get(node));
            drop(index);
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
            self.inner.check_skew(transaction)?;
            let incoming = Incoming {
                node: dot.node,
                sequence: dot.sequence,
                past,
                timestamp: transaction.timestamp,
                changes: &transaction.changes,
                verdict: None,
            };
            let appended = self.inner.commit(writer, incoming)?;
            writer.clock.observe(transaction.timestamp);
            Ok(appended)
        })
    }

    /// The entries that `options` ask for, in the order of their LSNs or in reverse.
    ///
    /// # Errors
    /// `CLOSED`. What reading finds damaged is an error of the cursor.
    pub fn query(&self, options: QueryOptions) -> Result<Cursor> {
        self.inner.check_open()?;
        Ok(Cursor::new(self.inner.clone(), options))
    }

    /// The whole transactions that someone whose clock is `seen` has not seen, in log order.
    ///
    /// Handed to another log's [`ChangeLog::append_remote`] one after the other, they make it hold all that this one holds.
    ///
    /// # Errors
    /// `CLOSED`. What reading finds damaged is an error of the cursor.
    pub fn transactions(&self, seen: &VectorClock) -> Result<TransactionCursor> {
        self.inner.check_open()?;
        Ok(TransactionCursor::new(self.inner.clone(), seen.clone()))
    }

    /// The clock of everything in the log.
    ///
    /// # Errors
    /// `CLOSED`.
    pub fn frontier(&self) -> Result<VectorClock> {
        self.inner.check_open()?;
        Ok(self.inner.index.read().frontier())
    }

    /// What the author of this change had seen when making it, the change included.
    /// The dot of an empty transaction has a clock as well.
    ///
    /// # Errors
    /// `NOT_FOUND` when the log does not hold the dot, `CLOSED`.
    pub fn vector_clock(&self, dot: Dot) -> Result<VectorClock> {
        self.inner.check_open()?;
        let index = self.inner.index.read();
        let record = index.nodes.index(dot.node).and_then(|node| index.find(node, dot.sequence));
        let record = record
            .ok_or_else(|| Error::new(ErrorCode::NotFound, format!("the log holds no change {dot}")))?;
        Ok(record.clock.to_vector_clock(&index.nodes).with_sequence(dot.node, dot.sequence))
    }

    /// What the log holds, in numbers.
    ///
    /// # Errors
    /// `CLOSED`.
    pub fn stats(&self) -> Result<ChangeLogStats> {
        self.inner.check_open()?;
        let bytes = self.inner.end();
        Ok(self.inner.index.read().stats(bytes))
    }

    /// Returns once all that was appended will survive a loss of power, whatever the durability.
    ///
    /// # Errors
    /// `IO` when the operating system cannot promise it, which closes the log; `CLOSED`.
    pub fn sync(&self) -> Result<()> {
        self.inner.write(|writer| self.inner.sync(writer))
    }

    /// Syncs and closes the log; every other call is `CLOSED` from now on, also
    /// those of its cursors. Closing again does nothing. Dropping a log closes it
    /// too, but cannot say whether the last sync failed.
    ///
    /// # Errors
    /// `IO` when the last sync failed; the log is closed all the same.
    pub fn close(&self) -> Result<()> {
        let mut writer = self.inner.writer.lock();
        if self.inner.closed.get().is_some() {
            return Ok(());
        }
        let synced = self.inner.sync(&mut writer);
        self.inner.shut(&mut writer, "the log is closed");
        synced
    }
}

impl Inner {
    pub(super) fn check_open(&self) -> Result<()> {
        match self.closed.get() {
            None => Ok(()),
            Some(why) => Err(Error::new(ErrorCode::Closed, format!("{}: {why}", self.place))),
        }
    }

    /// Where the last frame ends.
    pub(super) fn end(&self) -> u64 {
        self.index.read().end()
    }

    pub(super) fn blocks(&self) -> BlockReader {
        BlockReader::new(self.file.clone(), self.name.clone(), self.salt)
    }

    /// Does `work` as the one writer. Should it panic, nobody can tell what it left
    /// half-done in memory, so the handle closes; what is on the disk is whole.
    fn write<T>(&self, work: impl FnOnce(&mut Writer) -> Result<T>) -> Result<T> {
        struct CloseUnlessDone<'a> {
            inner: &'a Inner,
            writer: parking_lot::MutexGuard<'a, Writer>,
            done: bool,
        }

        impl Drop for CloseUnlessDone<'_> {
            fn drop(&mut self) {
                if !self.done {
                    self.inner.shut(&mut self.writer, "an internal failure closed the log: open it again");
                }
            }
        }

        let mut guard = CloseUnlessDone { inner: self, writer: self.writer.lock(), done: false };
        let outcome = self.check_open().and_then(|()| work(&mut guard.writer));
        guard.done = true;
        outcome
    }

    fn shut(&self, writer: &mut Writer, why: &str) {
        // Only the first reason counts.
        let _ = self.closed.set(why.to_owned());
        writer.lock = None;
    }

    fn sync(&self, writer: &mut Writer) -> Result<()> {
        if writer.durable_end == writer.end {
            return Ok(());
        }
        self.file.sync().inspect_err(|error| self.sync_failed(writer, error))?;
        writer.durable_end = writer.end;
        Ok(())
    }

    /// After a failed sync the kernel may have dropped the bytes and would report
    /// success next time, so there is no next time: only opening tells what is there.
    fn sync_failed(&self, writer: &mut Writer, error: &Error) {
        self.shut(writer, &format!("a failed sync closed the log, open it again: {error}"));
    }

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

    /// Answers for a transaction some dots of which the log holds already.
    fn duplicate(&self, transaction: &Transaction) -> Result<Appended> {
        let dot = transaction.dot();
        let index = self.index.read();
        let reused = || {
            Error::new(ErrorCode::DotReuse, format!("the log holds something else under the dots of {dot}"))
        };
        let record = index.nodes.index(dot.node).and_then(|node| index.find(node, dot.sequence));
        let record = record.filter(|record| record.sequence == dot.sequence).cloned().ok_or_else(reused)?;
        // Something that the log lacks cannot be in the past of something that it holds.
        let past = index.past_of(transaction).map_err(|_| reused())?;
        let dependencies = index.dots(&past);
        drop(index);
        let stored = self.transaction(&record, &mut self.blocks())?;
        let same = stored.timestamp == transaction.timestamp
            && stored.changes == transaction.changes
            && stored.dependencies == dependencies;
        if !same {
            return Err(reused());
        }
        Ok(appended(dot, stored.timestamp, record.lsns(), true))
    }

    /// Writes a transaction whose place in the history is settled, and shows it to readers once it is as durable as asked for.
    fn commit(&self, writer: &mut Writer, incoming: Incoming<'_>) -> Result<Appended> {
        failpoint::reached("append");
        let (head, tables) = self.index.read().head(&incoming, writer.end - writer.durable_end);
        let changes = tables.iter().copied().zip(incoming.changes);
        let entries = changes.clone().map(|(table, change)| (table, change, incoming.verdict));
        let bytes = frame::encode(&head, entries, self.salt, writer.end)?;

        if let Err(error) = self.file.write_at(writer.end, &bytes) {
            // Part of it may lie there now; if that cannot be cut off, no further frame may follow it.
            if let Err(cut) = self.file.truncate(writer.end) {
                self.shut(writer, &format!("a failed write closed the log, open it again: {error}; {cut}"));
            }
            return Err(error);
        }
        let end = writer.end + bytes.len() as u64;
        match self.options.durability {
            Durability::Os => {}
            Durability::Sync => {
                self.file.sync().inspect_err(|error| self.sync_failed(writer, error))?;
                writer.durable_end = end;
            }
        }
        let at = FrameAt { offset: writer.end, body_length: (bytes.len() - HEADER_LENGTH) as u32 };
        writer.end = end;

        let mut index = self.index.write();
        let operations = changes.map(|(table, change)| (table, change.operation));
        let first = index.next_lsn;
        index.push(at, &head, incoming.past.clock, operations);
        let lsns = first..index.next_lsn;
        Ok(appended(Dot::new(incoming.node, incoming.sequence), incoming.timestamp, lsns, false))
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let writer = self.writer.get_mut();
        if self.closed.get().is_none() && writer.durable_end < writer.end {
            // Nobody is left to hear of a failure; `close` is for those who want to.
            let _ = self.file.sync();
        }
    }
}

impl Index {
    /// The head of an incoming transaction's frame, and the table of each of its changes.
    fn head(&self, incoming: &Incoming<'_>, durable_distance: u64) -> (FrameHead, Vec<TableIndex>) {
        let mut new_nodes = Vec::new();
        let author = self.nodes.index(incoming.node).unwrap_or_else(|| {
            new_nodes.push(incoming.node);
            self.nodes.len() as u32
        });
        let mut new_tables: Vec<String> = Vec::new();
        let tables = incoming.changes.iter().map(|change| {
            let known = self.table_index(&change.table);
            let index = known.map(|index| index as usize).or_else(|| {
                Some(self.table_count() + new_tables.iter().position(|table| *table == change.table)?)
            });
            index.unwrap_or_else(|| {
                new_tables.push(change.table.clone());
                self.table_count() + new_tables.len() - 1
            }) as TableIndex
        });
        let tables = tables.collect();
        let head = FrameHead {
            durable_distance,
            timestamp: incoming.timestamp.nanoseconds(),
            new_nodes,
            new_tables,
            author,
            sequence: incoming.sequence,
            dependencies: incoming.past.dependencies.clone(),
            change_count: incoming.changes.len() as u32,
        };
        (head, tables)
    }

    /// The past that a transaction claims.
    fn past_of(&self, transaction: &Transaction) -> Result<Past> {
        let dot = transaction.dot();
        let first = transaction.first_sequence()?;
        let mut dependencies = Vec::with_capacity(transaction.dependencies.len());
        for dependency in &transaction.dependencies {
            // Such a one can never come, so it must not look like one that is still missing.
            let own = dependency.node == dot.node && dependency.sequence >= first;
            if own || dependency.sequence == 0 {
                let message = format!("transaction {dot} cannot depend on {dependency}");
                return Err(Error::invalid(message));
            }
            let known = self.last_sequence(dependency.node) >= dependency.sequence;
            let node = self.nodes.index(dependency.node).filter(|_| known);
            dependencies.push((node.ok_or_else(|| missing(dot, *dependency))?, dependency.sequence));
        }
        self.past(&dependencies).map_err(|(node, sequence)| {
            let dependency = Dot::new(self.nodes.id(node).unwrap_or_default(), sequence);
            Error::invalid(format!("dependency {dependency} of {dot} is not the last dot of a transaction"))
        })
    }

    fn dots(&self, past: &Past) -> Vec<Dot> {
        let dots = past
            .dependencies
            .iter()
            .filter_map(|(node, sequence)| Some(Dot::new(self.nodes.id(*node)?, *sequence)));
        let mut dots: Vec<Dot> = dots.collect();
        dots.sort_unstable();
        dots
    }

    /// Where the last frame ends.
    fn end(&self) -> u64 {
        self.records.last().map_or(recovery::FIRST_FRAME, |record| record.at.end())
    }
}

fn validate(changes: &[Change]) -> Result<()> {
    if u32::try_from(changes.len()).is_err() {
        let message = format!("transaction of {} changes: split it", changes.len());
        return Err(Error::new(ErrorCode::TooLarge, message));
    }
    changes.iter().try_for_each(Change::validate)
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

impl std::fmt::Debug for ChangeLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChangeLog")
            .field("place", &self.inner.place)
            .field("node", &self.node())
            .finish_non_exhaustive()
    }
}
