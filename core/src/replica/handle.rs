use std::path::Path;
use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use uuid::Uuid;

use crate::conflict::{ConflictResolver, ResolverRegistry};
use crate::error::{Error, ErrorCode, Result};
use crate::id::NodeId;
use crate::log::{ChangeLog, CompactionOptions, LogOptions, QueryOptions, Removal};
use crate::replica::asking::Resolvers;
use crate::replica::forks::Forks;
use crate::replica::histories::{Histories, LateTimes};
use crate::replica::inbox::Claims;
use crate::replica::rows::{RowKeys, Rows};
use crate::replica::saved::{self, Saved};
use crate::replica::stored::{self, RegistryVersion};
use crate::replica::unfinished::Unfinished;
use crate::storage::{FileStorage, MemoryStorage, Storage};

/// How a replica is opened.
#[derive(Clone)]
pub struct ReplicaOptions {
    /// How its log is opened. A replica cannot be opened for reading only: open its log so.
    pub log: LogOptions,
    /// The rules by which conflicts are resolved. `None` leaves them as they were last set; a new replica
    /// resolves everything by [`ConflictResolution::LastWriteWins`](crate::ConflictResolution::LastWriteWins).
    pub registry: Option<ResolverRegistry>,
    /// Functions that decide conflicts, by name and version; see [`Replica::register_resolver`].
    pub resolvers: Vec<(String, u32, Arc<dyn ConflictResolver>)>,
    /// Whether a function that decides conflicts is called once more with the heads in another order, and
    /// refused if it answers differently. Default: true.
    pub check_resolvers: bool,
    /// How much memory histories of rows in conflict may take, in bytes. Default: 16 MiB.
    pub history_memory: usize,
}

/// So many entries that had to be taken in on opening are not to be taken in again.
const MANY_ENTRIES: u64 = 1 << 16;
/// So many rows are written to the file of heads, and read from it, in the time that it takes to take in an entry.
const ROWS_PER_ENTRY: u64 = 8;

impl ReplicaOptions {
    /// The memory for histories unless told otherwise.
    pub const DEFAULT_HISTORY_MEMORY: usize = 16 << 20;
}

impl Default for ReplicaOptions {
    fn default() -> Self {
        ReplicaOptions {
            log: LogOptions::default(),
            registry: None,
            resolvers: Vec::new(),
            check_resolvers: true,
            history_memory: Self::DEFAULT_HISTORY_MEMORY,
        }
    }
}

impl std::fmt::Debug for ReplicaOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReplicaOptions")
            .field("log", &self.log)
            .field("registry", &self.registry)
            .field("check_resolvers", &self.check_resolvers)
            .field("history_memory", &self.history_memory)
            .finish_non_exhaustive()
    }
}

/// What a replica holds, in numbers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ReplicaStats {
    /// Rows that the log has entries of, deleted ones among them.
    pub rows: u64,
    /// Rows with several heads, whether or not these disagree.
    pub contested_rows: u64,
    /// Entries that ended a conflict, or what would have been one if the heads had disagreed.
    pub settlings: u64,
    /// Entries whose `before` was not what their author's past comes to here: written past a replica, by other rules, or by
    /// a resolver that is no pure function.
    pub before_mismatches: u64,
    /// Memory for the heads of all rows and for what is remembered of conflicts, roughly, in bytes.
    pub memory: u64,
}

/// A log whose entries have a meaning: the rows that they make, and what became of every conflict.
///
/// A replica owns its log. It records changes of its own node, takes in those of others, and says what each row is
/// now. Replicas that hold the same entries under the same rules show the same rows and the same conflicts, byte for
/// byte, in whatever order the entries came.
///
/// All functions may be called from several threads at once. The application's resolvers are called without any lock.
///
/// ```
/// use causelog::{Replica, ReplicaOptions, sync};
/// let (a, b) = (Replica::in_memory(ReplicaOptions::default())?, Replica::in_memory(ReplicaOptions::default())?);
/// a.insert("orders", 42, r#"{"qty":1,"status":"new"}"#)?;
/// sync(&a, &b)?;
/// a.update("orders", 42, r#"{"qty":2,"status":"new"}"#)?;
/// b.update("orders", 42, r#"{"qty":1,"status":"paid"}"#)?;
/// sync(&a, &b)?;
/// for report in b.conflicts()? {
///     println!("{report}");
/// }
/// assert_eq!(a.get("orders", 42)?, b.get("orders", 42)?);
/// # Ok::<(), causelog::Error>(())
/// ```
pub struct Replica {
    pub(super) log: ChangeLog,
    /// The same log as others see it: nothing can be written past the replica.
    kept: ChangeLog,
    pub(super) keys: RowKeys,
    pub(super) state: Mutex<State>,
}

/// What a replica knows of its log, and what it was told.
pub(super) struct State {
    pub(super) rows: Rows,
    pub(super) histories: Histories,
    pub(super) late: LateTimes,
    pub(super) forks: Forks,
    /// LSNs of entries with several immediate predecessors, ascending.
    pub(super) settlings: Vec<u64>,
    /// Ascending; never empty.
    pub(super) registries: Vec<RegistryVersion>,
    pub(super) resolvers: Resolvers,
    pub(super) claims: Claims,
    pub(super) before_mismatches: u64,
    /// What keys of rows are made with.
    secret: Uuid,
    /// The last entry that the file of heads goes to; 0 if there is none that is believed.
    saved: u64,
    /// Whether all of the log is taken in: opening may end in the middle.
    is_whole: bool,
    /// What is written and not yet shown.
    pub(super) unfinished: Unfinished,
}

impl State {
    /// The rules in force.
    pub(super) fn registry(&self) -> Arc<ResolverRegistry> {
        self.registries.last().map(|version| version.registry.clone()).unwrap_or_default()
    }

    /// The rules that were in force when the entry with this LSN came.
    pub(super) fn registry_at(&self, lsn: u64) -> Arc<ResolverRegistry> {
        let at = self.registries.partition_point(|version| version.since < lsn);
        let version = self.registries.get(at.saturating_sub(1));
        version.map(|version| version.registry.clone()).unwrap_or_default()
    }
}

impl Replica {
    /// Opens the replica in the directory `path`, made if it is not there. A log that was no replica's becomes one.
    ///
    /// The heads of all rows are kept in a file when a replica is closed or dropped. What came after that is read from the
    /// log, and all of it where there is no such file.
    ///
    /// # Errors
    /// As [`ChangeLog::open`].
    pub fn open(path: impl AsRef<Path>) -> Result<Replica> {
        Self::open_with(path, ReplicaOptions::default())
    }

    /// Opens the replica in the directory `path` with other than the default options.
    ///
    /// # Errors
    /// As [`ChangeLog::open_with`]; `INVALID_ARGUMENT` for a registry that
    /// [`ResolverRegistry::validate`] refuses, and for options that ask for reading only.
    pub fn open_with(path: impl AsRef<Path>, options: ReplicaOptions) -> Result<Replica> {
        Self::open_storage(Arc::new(FileStorage::open(path)?), options)
    }

    /// A new replica in memory, gone when its last handle is.
    ///
    /// # Errors
    /// As [`Replica::open_with`].
    pub fn in_memory(options: ReplicaOptions) -> Result<Replica> {
        Self::open_storage(Arc::new(MemoryStorage::new()), options)
    }

    /// Opens the replica that `storage` holds, or makes one there.
    ///
    /// # Errors
    /// As [`Replica::open_with`], and whatever the storage returns.
    pub fn open_storage(storage: Arc<dyn Storage>, options: ReplicaOptions) -> Result<Replica> {
        if options.log.read_only {
            return Err(Error::invalid("a replica cannot be opened for reading only: open its log so"));
        }
        if let Some(registry) = &options.registry {
            registry.validate()?;
        }
        let ids = options.log.ids.clone();
        let log = ChangeLog::open_storage(storage, options.log)?;
        let storage = log.storage();
        let mut registries = stored::read_registries(storage)?;
        if registries.is_empty() {
            registries.push(RegistryVersion { since: 0, registry: Arc::default() });
        }
        let mut resolvers = Resolvers::open(storage, options.check_resolvers, false)?;
        for (name, version, resolver) in options.resolvers {
            resolvers.register(name, version, resolver)?;
        }
        let mut late = stored::read_late_times(storage)?;
        // Positions that got lost are given again, to entries that have nothing to do with them.
        late.split_off(&(log.shown_lsn() + 1));
        let known = match saved::read(&log) {
            Some(saved) => saved,
            None => {
                // What is not believed now must not be later, when the log has grown to where it says.
                saved::remove(&log)?;
                Saved::nothing(ids.new_id())
            }
        };
        late.extend(known.late);
        let state = State {
            rows: known.rows,
            histories: Histories::new(options.history_memory),
            late,
            forks: known.forks,
            settlings: known.settlings,
            registries,
            resolvers,
            claims: stored::read_claims(storage)?,
            before_mismatches: known.before_mismatches,
            secret: known.secret,
            saved: known.lsn,
            is_whole: false,
            unfinished: Unfinished::default(),
        };
        let keys = RowKeys::new(known.secret);
        let replica = Replica { kept: log.keep(), log, keys, state: Mutex::new(state) };
        {
            let mut state = replica.state.lock();
            replica.take_in_stored(&mut state, known.lsn)?;
            state.is_whole = true;
            if replica.log.shown_lsn() - known.lsn > MANY_ENTRIES {
                // Whoever is never closed has this behind him next time.
                replica.save(&mut state);
            }
        }
        if let Some(registry) = options.registry {
            replica.set_registry(registry)?;
        }
        Ok(replica)
    }

    /// Takes note of all entries that the log shows after an LSN.
    pub(super) fn take_in_stored(&self, state: &mut State, since: u64) -> Result<()> {
        let since = since.max(self.log.first_lsn().saturating_sub(1));
        let mut cursor = self.log.query(QueryOptions { since, ..QueryOptions::default() })?;
        while let Some(entry) = cursor.next_entry()? {
            self.take_stored(state, &entry)?;
        }
        Ok(())
    }

    /// Keeps what is known of the log in a file, if that saves the next who opens the replica more than it takes.
    fn save(&self, state: &mut State) {
        let unsaved = self.log.shown_lsn().saturating_sub(state.saved);
        if state.is_whole
            && unsaved > state.rows.len() as u64 / ROWS_PER_ENTRY
            && self.log.sync().is_ok()
            // Without it opening takes longer, and nothing else is different.
            && let Ok(saved) = saved::write(&self.log, state.secret, state)
        {
            state.saved = saved;
        }
    }

    /// The replica's log, to read: entries, snapshots, consumers. Writing to it or removing from it is `READ_ONLY`;
    /// closing it closes the replica.
    #[allow(clippy::misnamed_getters, reason = "the other handle writes past the replica")]
    pub fn log(&self) -> &ChangeLog {
        &self.kept
    }

    /// The node whose changes this replica records.
    pub fn node(&self) -> NodeId {
        self.log.node()
    }

    /// The rules by which conflicts are resolved.
    ///
    /// # Errors
    /// `CLOSED`.
    pub fn registry(&self) -> Result<ResolverRegistry> {
        Ok(ResolverRegistry::clone(&self.lock()?.registry()))
    }

    /// Sets the rules by which conflicts are resolved, durably. Rows in conflict may take another value by it, which
    /// [`Replica::effective`] shows; conflicts that are settled stay as they were decided.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` as [`ResolverRegistry::validate`] says; `NO_SPACE` or `IO` when it cannot be stored, `CLOSED`.
    /// The rules stay as they were.
    pub fn set_registry(&self, registry: ResolverRegistry) -> Result<()> {
        registry.validate()?;
        let mut state = self.lock_to_write()?;
        if *state.registry() == registry {
            return Ok(());
        }
        self.finish_for_others(&mut state)?;
        let since = self.log.shown_lsn();
        let mut registries = state.registries.clone();
        registries.push(RegistryVersion { since, registry: Arc::new(registry) });
        stored::write_registries(self.log.storage(), &registries)?;
        state.registries = registries;
        state.rows.forget_outcomes();
        Ok(())
    }

    /// Registers a function that decides conflicts, for [`ConflictResolution::Custom`](crate::ConflictResolution::Custom) of this name and version. What
    /// it has answered before is kept; what it, or one before it, failed at is asked again.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for an empty name, `CLOSED`.
    pub fn register_resolver(
        &self,
        name: impl Into<String>,
        version: u32,
        resolver: Arc<dyn ConflictResolver>,
    ) -> Result<()> {
        let mut state = self.lock()?;
        let replaced = state.resolvers.register(name.into(), version, resolver)?;
        state.rows.forget_outcomes();
        // What it holds may use the replica as it ends.
        drop(state);
        drop(replaced);
        Ok(())
    }

    /// What the replica holds, in numbers.
    ///
    /// # Errors
    /// `CLOSED`.
    pub fn stats(&self) -> Result<ReplicaStats> {
        let mut state = self.lock()?;
        self.finish_for_others(&mut state)?;
        Ok(ReplicaStats {
            rows: state.rows.len() as u64,
            contested_rows: state.rows.contested_len() as u64,
            settlings: state.settlings.len() as u64,
            before_mismatches: state.before_mismatches,
            memory: (state.rows.memory() + state.forks.memory()) as u64,
        })
    }

    /// Removes entries that later ones of the same row have replaced, as [`ChangeLog::compact`] does: what the rows are,
    /// and how conflicts about them end, stay what they were.
    ///
    /// Reports of conflicts that were settled below what is kept are gone; [`ChangeLog::removals`] says that something was removed.
    ///
    /// # Errors
    /// As [`ChangeLog::compact`].
    pub fn compact(&self, options: &CompactionOptions) -> Result<Option<Removal>> {
        let mut state = self.lock_to_write()?;
        self.finish_for_others(&mut state)?;
        // What is kept must count as late as it did when what it follows from was there.
        stored::write_late_times(self.log.storage(), &state.late)?;
        let removal = self.log.compact(options)?;
        if removal.is_some() {
            state.saved = 0;
            state.histories.clear();
        }
        Ok(removal)
    }

    /// Returns once all that was acknowledged will survive a loss of power, whatever the durability.
    ///
    /// # Errors
    /// As [`ChangeLog::sync`].
    pub fn sync(&self) -> Result<()> {
        self.log.sync()
    }

    /// Syncs and closes the replica and its log; every other call is `CLOSED` from now on.
    ///
    /// # Errors
    /// As [`ChangeLog::close`].
    pub fn close(&self) -> Result<()> {
        self.save_at_the_end();
        self.log.close()
    }

    fn save_at_the_end(&self) {
        if let Ok(mut state) = self.lock_to_write()
            && self.finish_for_others(&mut state).is_ok()
        {
            self.save(&mut state);
        }
    }

    /// The state, if the replica is open and this is not a forked process, in which nobody would give the lock back.
    pub(super) fn lock(&self) -> Result<MutexGuard<'_, State>> {
        self.log.check_open()?;
        let state = self.state.lock();
        self.log.check_open()?;
        Ok(state)
    }

    /// The same for who changes something: not from within a resolver.
    pub(super) fn lock_to_write(&self) -> Result<MutexGuard<'_, State>> {
        self.log.check_writable()?;
        let state = self.lock()?;
        if state.resolvers.is_asking() {
            let message = "a resolver wrote to the replica that called it: it may only read";
            return Err(Error::new(ErrorCode::ResolverFailed, message));
        }
        Ok(state)
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        // Whoever panics may have left anything in memory.
        if !std::thread::panicking() {
            self.save_at_the_end();
        }
    }
}

impl std::fmt::Debug for Replica {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Replica").field("log", &self.log).finish_non_exhaustive()
    }
}
