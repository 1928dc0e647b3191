pub(crate) mod conflicts;
pub(crate) mod effective;
pub(crate) mod exchange;
pub(crate) mod explain;
pub(crate) mod inbox;
pub(crate) mod reading;
pub(crate) mod stats;
pub(crate) mod writing;

use std::path::PathBuf;
use std::sync::Arc;

use causelog::{
    CompactionOptions, ConflictResolver, Durability, LogOptions, Replica as Core, ReplicaOptions, Uuid,
};
use parking_lot::Mutex;
use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

use crate::boundary::{invalid, waiting};
use crate::clock;
use crate::conflict::custom::{PyResolver, Version, resolvers};
use crate::conflict::registry::ResolverRegistry;
use crate::convert::integer::Unsigned;
use crate::convert::moment::Span;
use crate::convert::text::{Text, texts};
use crate::handle::{Handle, Source};
use crate::log::{ChangeLog, options};
use crate::names::ByName;
use crate::removal::Removal;
use crate::replica::stats::ReplicaStats;
use crate::time::ManualTime;

/// A log whose entries have a meaning: the rows that they make, and what became of every conflict.
///
/// A replica owns its log. It records changes of its own node, takes in those of others, and says what
/// each row is now. Replicas that hold the same entries under the same rules show the same rows and the
/// same conflicts, byte for byte, in whatever order the entries came.
///
/// Open one with ``Replica.open`` or make one with ``Replica.in_memory``. It is a context manager that
/// closes itself. All methods may be called from several threads at once, and let other Python threads run
/// while they wait; resolvers are called without any lock.
///
/// >>> import causelog
/// >>> with causelog.Replica.in_memory() as a, causelog.Replica.in_memory() as b:
/// ...     _ = a.insert("orders", 42, {"qty": 1, "status": "new"})
/// ...     _ = causelog.sync(a, b)
/// ...     _ = a.update("orders", 42, {"qty": 2, "status": "new"})
/// ...     _ = b.update("orders", 42, {"qty": 1, "status": "paid"})
/// ...     _ = causelog.sync(a, b)
/// ...     for report in b.conflicts():
/// ...         print(report.type, report.reason_code, report.winner == report.heads[-1].dot)
/// ...     print(a.get("orders", 42) == b.get("orders", 42))
/// update_update later_timestamp True
/// True
#[pyclass(module = "causelog", frozen)]
pub(crate) struct Replica {
    core: Arc<Core>,
    /// Shared with the logs that it hands out and all that reads from them.
    handle: Arc<Handle>,
    /// Those that the core may hold, for the collector. Locked only by who holds the interpreter, and never while
    /// Python code runs.
    resolvers: Mutex<Vec<Arc<PyResolver>>>,
}

/// What is said of a replica beside the options of its log.
struct Settings {
    registry: Option<causelog::ResolverRegistry>,
    resolvers: Vec<(String, u32, Arc<PyResolver>)>,
    check_resolvers: bool,
    history_memory: Option<usize>,
}

impl Settings {
    fn new(
        py: Python<'_>,
        registry: Option<&Bound<'_, ResolverRegistry>>,
        resolvers: Option<&Bound<'_, PyAny>>,
        check_resolvers: bool,
        history_memory: Option<Unsigned>,
    ) -> PyResult<Self> {
        let resolvers = resolvers.map(self::resolvers).transpose()?.unwrap_or_default();
        let shared =
            resolvers.into_iter().map(|(name, version, resolver)| (name, version, Arc::new(resolver)));
        let memory = history_memory.map(|bytes| {
            usize::try_from(bytes.0)
                .map_err(|_| invalid(py, format!("history_memory {} is too large", bytes.0)))
        });
        Ok(Settings {
            registry: registry.map(|registry| registry.get().snapshot()),
            resolvers: shared.collect(),
            check_resolvers,
            history_memory: memory.transpose()?,
        })
    }

    fn open(
        self,
        py: Python<'_>,
        log: LogOptions,
        open: impl FnOnce(ReplicaOptions) -> causelog::Result<Core> + Send,
    ) -> PyResult<Replica> {
        let lent = self.resolvers.iter().map(|(name, version, resolver)| {
            (name.clone(), *version, resolver.clone() as Arc<dyn ConflictResolver>)
        });
        let mut options = ReplicaOptions {
            log,
            registry: self.registry,
            resolvers: lent.collect(),
            check_resolvers: self.check_resolvers,
            ..ReplicaOptions::default()
        };
        if let Some(bytes) = self.history_memory {
            options.history_memory = bytes;
        }
        let core = Arc::new(waiting(py, || open(options))?);
        let handle = Arc::new(Handle::new(Source::Replica(core.clone())));
        let resolvers = self.resolvers.into_iter().map(|(_, _, resolver)| resolver).collect();
        Ok(Replica { core, handle, resolvers: Mutex::new(resolvers) })
    }
}

impl Replica {
    pub(crate) fn core(&self) -> &Core {
        &self.core
    }

    /// Lets go of all resolvers: nobody can call them any more.
    fn release_resolvers(&self) {
        let callables: Vec<_> = {
            let resolvers = self.resolvers.lock();
            resolvers.iter().filter_map(|resolver| resolver.take()).collect()
        };
        // What they let go of may run Python code, so not before the lock is given back.
        drop(callables);
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        // A log of this replica, which keeps the core alive, may be all that a resolver refers to.
        self.release_resolvers();
    }
}

#[pymethods]
impl Replica {
    /// Open the replica in the directory ``path``, made if it is not there. A log that was no replica's
    /// becomes one.
    ///
    /// The heads of all rows are kept in a file when a replica is closed. What came after that is read
    /// from the log, and all of it where there is no such file.
    ///
    /// Args:
    ///     path: the directory.
    ///     registry: the rules by which conflicts are resolved. Without them they stay as they were last
    ///         set; a new replica resolves everything by ``last_write_wins``.
    ///     resolvers: functions that decide conflicts, by name and version: a mapping from ``(name, version)``
    ///         to callables; see ``register_resolver``.
    ///     check_resolvers: whether a function that decides conflicts is called once more with the heads in
    ///         another order, and refused if it answers differently.
    ///     history_memory: how much memory histories of rows in conflict may take, in bytes; 16 MiB unless
    ///         told otherwise.
    ///     node, durability, sync_interval, maximum_clock_skew, segment_bytes, memory_map, time: how its log
    ///         is opened, as with ``ChangeLog.open``.
    ///
    /// Raises:
    ///     InvalidArgumentError: for a registry that ``ResolverRegistry.validate`` refuses.
    ///     And what ``ChangeLog.open`` raises.
    ///
    /// >>> import causelog, tempfile
    /// >>> with tempfile.TemporaryDirectory() as directory:
    /// ...     with causelog.Replica.open(directory) as replica:
    /// ...         _ = replica.insert("orders", 42, {"qty": 1})
    /// ...     with causelog.Replica.open(directory) as replica:
    /// ...         print(replica.get("orders", 42).value_json())
    /// {'qty': 1}
    #[staticmethod]
    #[pyo3(
        signature = (
            path, *, registry=None, resolvers=None, check_resolvers=true, history_memory=None, node=None,
            durability=ByName(Durability::Sync), sync_interval=None, maximum_clock_skew=None, segment_bytes=None,
            memory_map=false, time=None
        ),
        text_signature = "(path, *, registry=None, resolvers=None, check_resolvers=True, history_memory=None, node=None, durability='sync', sync_interval=None, maximum_clock_skew=None, segment_bytes=None, memory_map=False, time=None)"
    )]
    #[allow(clippy::too_many_arguments)] // they are keywords to the caller
    fn open(
        py: Python<'_>,
        path: PathBuf,
        registry: Option<&Bound<'_, ResolverRegistry>>,
        resolvers: Option<&Bound<'_, PyAny>>,
        check_resolvers: bool,
        history_memory: Option<Unsigned>,
        node: Option<Uuid>,
        durability: ByName<Durability>,
        sync_interval: Option<Span>,
        maximum_clock_skew: Option<Span>,
        segment_bytes: Option<Unsigned>,
        memory_map: bool,
        time: Option<&Bound<'_, ManualTime>>,
    ) -> PyResult<Self> {
        let mut log = options(node, durability, sync_interval, maximum_clock_skew, segment_bytes, time);
        log.memory_map = memory_map;
        let settings = Settings::new(py, registry, resolvers, check_resolvers, history_memory)?;
        settings.open(py, log, |options| Core::open_with(path, options))
    }

    /// Make a replica in memory, gone when its last reference is.
    ///
    /// It takes the options of ``open``, but for ``memory_map``, and is the same in all but that.
    #[staticmethod]
    #[pyo3(
        signature = (
            *, registry=None, resolvers=None, check_resolvers=true, history_memory=None, node=None,
            durability=ByName(Durability::Sync), sync_interval=None, maximum_clock_skew=None, segment_bytes=None,
            time=None
        ),
        text_signature = "(*, registry=None, resolvers=None, check_resolvers=True, history_memory=None, node=None, durability='sync', sync_interval=None, maximum_clock_skew=None, segment_bytes=None, time=None)"
    )]
    #[allow(clippy::too_many_arguments)] // they are keywords to the caller
    fn in_memory(
        py: Python<'_>,
        registry: Option<&Bound<'_, ResolverRegistry>>,
        resolvers: Option<&Bound<'_, PyAny>>,
        check_resolvers: bool,
        history_memory: Option<Unsigned>,
        node: Option<Uuid>,
        durability: ByName<Durability>,
        sync_interval: Option<Span>,
        maximum_clock_skew: Option<Span>,
        segment_bytes: Option<Unsigned>,
        time: Option<&Bound<'_, ManualTime>>,
    ) -> PyResult<Self> {
        let log = options(node, durability, sync_interval, maximum_clock_skew, segment_bytes, time);
        let settings = Settings::new(py, registry, resolvers, check_resolvers, history_memory)?;
        settings.open(py, log, Core::in_memory)
    }

    /// The replica's log, to read: entries, snapshots, consumers. Writing to it or removing from it raises
    /// ``ReadOnlyError``. Closing it closes the replica.
    #[getter]
    fn log(&self) -> ChangeLog {
        ChangeLog::of_replica(self.handle.clone())
    }

    /// The node whose changes this replica records.
    #[getter]
    fn node(&self) -> Uuid {
        self.core.node()
    }

    /// The rules by which conflicts are resolved, as a new registry: changing it changes nothing here.
    ///
    /// Raises:
    ///     ClosedError: when the replica is closed.
    fn registry(&self, py: Python<'_>) -> PyResult<ResolverRegistry> {
        waiting(py, || self.core.registry()).map(ResolverRegistry::new)
    }

    /// Set the rules by which conflicts are resolved, durably. Rows in conflict may take another value by
    /// it, which ``effective`` shows; conflicts that are settled stay as they were decided.
    ///
    /// Raises:
    ///     InvalidArgumentError: as ``ResolverRegistry.validate`` says; the rules stay as they were.
    ///     NoSpaceError, IoError: when it cannot be stored; the rules stay as they were.
    ///     ResolverFailedError: within a resolver.
    ///     ClosedError: when the replica is closed.
    fn set_registry(&self, py: Python<'_>, registry: &Bound<'_, ResolverRegistry>) -> PyResult<()> {
        let registry = registry.get().snapshot();
        waiting(py, || self.core.set_registry(registry))
    }

    /// Register a function that decides conflicts, for the strategy ``custom`` of this name and version.
    /// What it has answered before is kept; what it, or one before it, failed at is asked again.
    ///
    /// Args:
    ///     name: its name.
    ///     version: its version: another one may decide differently, and is another rule.
    ///     resolver: a callable that takes a ``RowConflict`` and returns a ``ResolverDecision``. It must be
    ///         a pure function of what it is given: every replica calls its own, and all must come to one answer.
    ///         It may read its replica, but a write there raises ``ResolverFailedError``. It may be called from any
    ///         thread that uses the replica, and from several at once. An exception leaves no call
    ///         here: the conflict goes to the inbox, with what the exception says.
    ///
    /// Raises:
    ///     InvalidArgumentError: for an empty name.
    ///     ClosedError: when the replica is closed.
    ///
    /// >>> import causelog
    /// >>> def longest(conflict):
    /// ...     head = max(conflict.heads, key=lambda head: (len(head.after or b""), head.dot))
    /// ...     return causelog.ResolverDecision.head(head.dot)
    /// >>> registry = causelog.ResolverRegistry({"kind": "custom", "name": "longest", "version": 1})
    /// >>> a = causelog.Replica.in_memory(registry=registry, resolvers={("longest", 1): longest})
    /// >>> b = causelog.Replica.in_memory(registry=registry)
    /// >>> b.register_resolver("longest", 1, longest)
    /// >>> _ = a.insert("notes", 1, b"a long note"), b.insert("notes", 1, b"short")
    /// >>> _ = causelog.sync(a, b)
    /// >>> a.get("notes", 1).value, b.get("notes", 1).value
    /// (b'a long note', b'a long note')
    fn register_resolver(
        &self,
        py: Python<'_>,
        name: Text,
        version: Version,
        resolver: Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let resolver = Arc::new(PyResolver::new(resolver)?);
        let lent: Arc<dyn ConflictResolver> = resolver.clone();
        waiting(py, || self.core.register_resolver(name.0, version.0, lent))?;
        let replaced: Vec<_> = {
            let mut known = self.resolvers.lock();
            known.push(resolver);
            let (gone, kept) = known.drain(..).partition(|resolver| Arc::strong_count(resolver) == 1);
            *known = kept;
            gone
        };
        // What they let go of may run Python code, so not before the lock is given back.
        drop(replaced);
        Ok(())
    }

    /// What the replica holds, in numbers.
    ///
    /// Raises:
    ///     ClosedError: when the replica is closed.
    fn stats(&self, py: Python<'_>) -> PyResult<ReplicaStats> {
        waiting(py, || self.core.stats()).map(|core| ReplicaStats { core })
    }

    /// Remove entries that later ones of the same row have replaced, as ``ChangeLog.compact`` does: what the
    /// rows are, and how conflicts about them end, stay what they were.
    ///
    /// Reports of conflicts that were settled below what is kept are gone; ``ChangeLog.removals`` says that
    /// something was removed.
    ///
    /// Args:
    ///     table: only rows of this table, or of these; of all tables if it is empty.
    ///     known: the frontiers of all other replicas, as last heard of. What one of them has not
    ///         seen is kept. Without any there are taken to be none.
    ///
    /// Raises:
    ///     ResolverFailedError: within a resolver.
    ///     And what ``ChangeLog.compact`` raises.
    #[pyo3(signature = (*, table=None, known=None))]
    fn compact(
        &self,
        py: Python<'_>,
        table: Option<&Bound<'_, PyAny>>,
        known: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Option<Removal>> {
        let options = CompactionOptions {
            tables: table.map(texts).transpose()?.unwrap_or_default(),
            known: known.map(clock::clocks).transpose()?.unwrap_or_default(),
        };
        let removal = waiting(py, || self.core.compact(&options))?;
        Ok(removal.map(|core| Removal { core }))
    }

    /// Return once all that was acknowledged will survive a loss of power, whatever the durability.
    ///
    /// Raises:
    ///     What ``ChangeLog.sync`` raises.
    fn sync(&self, py: Python<'_>) -> PyResult<()> {
        waiting(py, || self.core.sync())
    }

    /// Sync and close the replica and its log; every other call raises ``ClosedError`` from now on, also
    /// those of its cursors. Closing again does nothing.
    ///
    /// Raises:
    ///     IoError: when the last sync failed; the replica is closed all the same.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        waiting(py, || self.handle.close())
    }

    fn __enter__(this: Py<Self>) -> Py<Self> {
        this
    }

    #[pyo3(signature = (_exc_type, _exc_value, _traceback, /))]
    fn __exit__(
        &self,
        py: Python<'_>,
        _exc_type: &Bound<'_, PyAny>,
        _exc_value: &Bound<'_, PyAny>,
        _traceback: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        self.close(py)
    }

    /// A resolver often refers to its replica: without this such a pair would never be freed.
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        match self.resolvers.try_lock() {
            Some(resolvers) => resolvers.iter().try_for_each(|resolver| resolver.traverse(&visit)),
            None => Ok(()),
        }
    }

    fn __clear__(&self) {
        self.release_resolvers();
    }

    fn __repr__(&self) -> String {
        let state = if self.handle.is_closed() { ", closed" } else { "" };
        format!("<Replica {} of node {}{state}>", self.core.log().id(), self.core.node())
    }
}
