//! Named readers whose positions are kept beside the log.

mod file;

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::change::ChangeEntry;
use crate::error::{Error, ErrorCode, Result};
use crate::log::change_log::{ChangeLog, Inner};
use crate::log::consumer::file::PositionFile;
use crate::log::cursor::Cursor;
use crate::log::format;
use crate::log::query::QueryOptions;

/// A named reader of a log: it goes on where it stopped, also after a crash.
///
/// Its position is the LSN of the last entry that was committed, kept in a file of its
/// own beside the log. [`Consumer::poll`] hands out what comes next, [`Consumer::commit`]
/// says that it was dealt with. So every entry is handed out at least once; whoever
/// stores the position together with what it makes of the entries, and calls
/// [`Consumer::reset`] with it at the start, deals with each exactly once.
///
/// Only whole transactions are handed out, and only durable ones: no loss of power takes
/// back what a consumer has seen.
///
/// All functions may be called from several threads at once; those that poll one handle
/// share its entries between them. Several handles on one name, in one process or
/// several, also in logs opened for reading only, each get all entries after the
/// position that they found; of their commits none takes the position back.
///
/// A consumer keeps its log open like a cursor does.
///
/// ```
/// use causelog::{Change, ChangeLog, LogOptions};
/// let log = ChangeLog::in_memory(LogOptions::default())?;
/// for qty in 1..=3 {
///     log.append(Change::insert("orders", qty, format!("{{\"qty\":{qty}}}")))?;
/// }
///
/// let mailer = log.consumer("mailer")?;
/// for entry in mailer.poll(2)? {
///     println!("{} {}", entry.lsn, entry.table);
/// }
/// mailer.commit(2)?;
/// assert_eq!(mailer.lag()?, 1);
///
/// // Another handle, perhaps after a crash, goes on from what was committed.
/// let again = log.consumer("mailer")?;
/// assert_eq!(again.poll(100)?[0].lsn, 3);
/// # Ok::<(), causelog::Error>(())
/// ```
pub struct Consumer {
    log: ChangeLog,
    file: PositionFile,
    /// LSN of the last entry that this handle needs to hand out no more.
    polled: Mutex<u64>,
    /// Up to this LSN a reader beside the writer has itself made the log durable.
    synced: AtomicU64,
}

/// How far a consumer has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumerStatus {
    /// Its name.
    pub name: String,
    /// LSN of the last entry that it has committed; 0 before the first.
    pub position: u64,
    /// How many LSNs the log has after that: entries it has yet to commit, and ones that were removed before it could.
    pub lag: u64,
}

impl ChangeLog {
    /// The consumer with this name, made if there is none: it then stands before the first entry that ever was.
    ///
    /// Names have 1 to 100 letters, digits, `.`, `_` and `-`, all of ASCII.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for another name, `CORRUPT` when its file is damaged beyond use,
    /// `UNSUPPORTED` when a newer version wrote it, `READ_ONLY` when it would have to be made
    /// and may not, `NO_SPACE`, `IO`, `CLOSED`.
    pub fn consumer(&self, name: &str) -> Result<Consumer> {
        self.inner.check_open()?;
        let file = PositionFile::new(name)?;
        let position = file.make(&self.inner)?;
        Ok(Consumer { log: self.share(), file, polled: Mutex::new(position), synced: AtomicU64::new(0) })
    }

    /// All consumers, by name.
    ///
    /// # Errors
    /// `CORRUPT` naming the file when one is damaged beyond use, `UNSUPPORTED`, `IO`, `CLOSED`.
    pub fn consumers(&self) -> Result<Vec<ConsumerStatus>> {
        self.inner.check_open()?;
        let positions = self.inner.positions()?;
        self.inner.refresh()?;
        Ok(statuses(positions, self.inner.last_visible()))
    }

    /// Removes a consumer and forgets its position. Handles on it find that out when they commit.
    ///
    /// # Errors
    /// `NOT_FOUND` when there is none of this name, `INVALID_ARGUMENT` when none can be, `READ_ONLY`, `IO`, `CLOSED`.
    pub fn remove_consumer(&self, name: &str) -> Result<()> {
        self.inner.check_open()?;
        PositionFile::new(name)?.remove(&self.inner)
    }
}

impl Consumer {
    /// Its name.
    pub fn name(&self) -> &str {
        self.file.consumer()
    }

    /// LSN of the last entry that was committed, by whichever handle; 0 before the first.
    ///
    /// # Errors
    /// `NOT_FOUND` when the consumer was removed, `CORRUPT` when its file is damaged beyond use, `IO`, `CLOSED`.
    pub fn position(&self) -> Result<u64> {
        self.log.inner.check_open()?;
        self.file.read(&self.log.inner)
    }

    /// What comes after what this handle has handed out last, or after the position when it
    /// was made: whole transactions with at most `limit` entries in all, or one that has more. Empty when there
    /// is nothing new; [`ChangeLog::wait`] waits for it.
    ///
    /// A position within a transaction hands out all of it again. Where appends return
    /// before they are durable, this syncs first when it has to.
    ///
    /// # Errors
    /// `TRUNCATED` with the first LSN that remains when what comes next was removed:
    /// [`Consumer::reset`] to the one before goes on from there. `INVALID_ARGUMENT` for
    /// `limit` 0, and for a position beyond the end of a log that has lost its end. `CORRUPT`, `IO`, `CLOSED`.
    /// The same entries come with the next call then.
    pub fn poll(&self, limit: u64) -> Result<Vec<ChangeEntry>> {
        if limit == 0 {
            return Err(Error::invalid("limit is 0: give how many entries to hand out at most"));
        }
        let log = &*self.log.inner;
        log.check_open()?;
        let mut polled = self.polled.lock();
        log.refresh()?;
        let until = self.durable(polled.saturating_add(limit))?;
        if *polled > until {
            let message = format!("at LSN {polled}, beyond the last one, {until}: reset it");
            return Err(self.error(ErrorCode::InvalidArgument, &message));
        }
        if *polled == until {
            return Ok(Vec::new());
        }
        let (entries, last) = self.read(*polled, until, limit)?;
        *polled = last;
        Ok(entries)
    }

    /// Says that all entries up to and including `lsn` were dealt with: durable on return.
    ///
    /// This handle does not hand them out again.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` naming both LSNs for one before the position, to which only
    /// [`Consumer::reset`] goes back, and for one that is not in the log. `NOT_FOUND`
    /// when the consumer was removed. `READ_ONLY`, `CORRUPT`, `CLOSED`. After `IO` or
    /// `NO_SPACE` the position is what it was, or `lsn`.
    pub fn commit(&self, lsn: u64) -> Result<()> {
        self.check_durable(lsn)?;
        // A reset that comes between the file and this would be undone otherwise.
        let mut polled = self.polled.lock();
        self.file.write(&self.log.inner, |position| {
            if lsn < position {
                let message = format!("LSN {lsn} is before its position, {position}: only a reset goes back");
                return Err(self.error(ErrorCode::InvalidArgument, &message));
            }
            Ok(lsn)
        })?;
        *polled = lsn.max(*polled);
        Ok(())
    }

    /// How many LSNs the log has after the position: entries that are yet to commit, and ones that were removed before.
    ///
    /// # Errors
    /// As [`Consumer::position`].
    pub fn lag(&self) -> Result<u64> {
        // In this order nothing that is committed in between makes it negative.
        let position = self.position()?;
        self.log.inner.refresh()?;
        Ok(self.log.inner.last_visible().saturating_sub(position))
    }

    /// Makes `lsn` the position, back or forth: this handle goes on after it, and so do those that are made later.
    /// 0 is before the first entry.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for an LSN after the last durable one, otherwise as [`Consumer::commit`].
    pub fn reset(&self, lsn: u64) -> Result<()> {
        self.check_durable(lsn)?;
        let mut polled = self.polled.lock();
        self.file.write(&self.log.inner, |_| Ok(lsn))?;
        *polled = lsn;
        Ok(())
    }

    fn error(&self, code: ErrorCode, what: &str) -> Error {
        Error::new(code, format!("{}: consumer {:?}: {what}", self.log.inner.place, self.name()))
    }

    /// Whole transactions after `since` up to `until`, where one ends, and the LSN up to which nothing is left.
    fn read(&self, since: u64, until: u64, limit: u64) -> Result<(Vec<ChangeEntry>, u64)> {
        let options = QueryOptions { since, until: Some(until), ..QueryOptions::default() };
        let mut cursor = Cursor::new(self.log.inner.clone(), options)
            .map_err(|error| error.context(format_args!("consumer {:?} at LSN {since}", self.name())))?;
        let mut entries: Vec<ChangeEntry> = Vec::new();
        let mut last = since;
        while let Some(entry) = cursor.next_entry()? {
            let (first, count) = (entry.source.first_lsn, u64::from(entry.source.change_count));
            if first <= since {
                return self.read(first - 1, until, limit);
            }
            let begins = first > last;
            if begins && !entries.is_empty() && entries.len() as u64 + count > limit {
                return Ok((entries, last));
            }
            last = first + count - 1;
            entries.push(entry.to_entry()?);
        }
        Ok((entries, until))
    }

    fn check_durable(&self, lsn: u64) -> Result<()> {
        self.log.inner.check_open()?;
        self.log.inner.refresh()?;
        let last = self.durable(lsn)?;
        if lsn > last {
            let message = format!("LSN {lsn} is after the last one, {last}");
            return Err(self.error(ErrorCode::InvalidArgument, &message));
        }
        Ok(())
    }

    /// Up to which LSN all is durable. It is made so up to `wanted`, or where the log ends.
    fn durable(&self, wanted: u64) -> Result<u64> {
        let log = &*self.log.inner;
        let (visible, durable, file) = {
            let state = log.state.read();
            (state.next_lsn - 1, state.durable_lsn - 1, state.active.open.file.clone())
        };
        if !log.options.read_only {
            if durable < visible && durable < wanted {
                log.make_durable()?;
                return Ok(log.state.read().durable_lsn - 1);
            }
            return Ok(durable);
        }
        // What the writer knows, which says nothing of what it has left to the operating system.
        let told = log.ends.durable_lsn().unwrap_or_default().saturating_sub(1);
        let durable = told.max(self.synced.load(Ordering::Acquire)).min(visible);
        if durable < visible && durable < wanted {
            // Segments before this one were synced when they were sealed.
            log.sync_beside_writer(&*file)?;
            self.synced.fetch_max(visible, Ordering::AcqRel);
            return Ok(visible);
        }
        Ok(durable)
    }
}

impl Inner {
    /// The lowest position of all consumers, which no loss of power takes back; nothing without consumers.
    pub(super) fn slowest_consumer(&self) -> Result<Option<u64>> {
        let positions = self.consumer_positions(PositionFile::read_settled)?;
        Ok(positions.into_iter().map(|(_, position)| position).min())
    }

    /// All consumers, by name, and the position that each wrote last. Asked for before the log's end, so that nothing
    /// that is committed in between is beyond it.
    pub(super) fn positions(&self) -> Result<Vec<(String, u64)>> {
        self.consumer_positions(PositionFile::read)
    }

    fn last_visible(&self) -> u64 {
        self.state.read().next_lsn - 1
    }

    /// All consumers, by name, and what `read` says of each.
    fn consumer_positions(
        &self,
        read: impl Fn(&PositionFile, &Inner) -> Result<u64>,
    ) -> Result<Vec<(String, u64)>> {
        let mut positions = Vec::new();
        for file in self.storage.list()? {
            let Some(name) = format::consumer_of_file(&file) else { continue };
            // A name that no consumer can have is somebody else's file.
            let Ok(file) = PositionFile::new(name) else { continue };
            match read(&file, self) {
                Ok(position) => positions.push((name.to_owned(), position)),
                // Removed meanwhile.
                Err(error) if error.code() == ErrorCode::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        positions.sort_unstable();
        Ok(positions)
    }
}

/// How far consumers with these positions have come in a log whose last LSN is `last`.
pub(super) fn statuses(positions: Vec<(String, u64)>, last: u64) -> Vec<ConsumerStatus> {
    let status = |(name, position)| ConsumerStatus { name, position, lag: last.saturating_sub(position) };
    positions.into_iter().map(status).collect()
}

impl fmt::Debug for Consumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer").field("log", &self.log).field("name", &self.name()).finish_non_exhaustive()
    }
}
