//! Replicas: a log whose entries have a meaning.

use std::sync::Arc;

use causelog::{ConflictResolver, ReplicaOptions};
use napi::Env;
use napi::bindgen_prelude::{AsyncTask, External, Object, Result, Unknown};
use napi_derive::napi;

use crate::error::{Code, invalid, thrown};
use crate::input::Argument;
use crate::log::{ChangeLog, Handle};
use crate::maintenance::Removal;
use crate::output::{Count, Dot};
use crate::registry::ResolverRegistry;
use crate::resolver::{Deciding, Resolver, ResolverHost};
use crate::task::{Background, Worker, background};

/// A log whose entries have a meaning: the rows that they make, and what became of every conflict.
///
/// A replica owns its log. It records changes of its own node, takes in those of others, and says what each row is now.
/// Replicas that hold the same entries under the same rules show the same rows and the same conflicts, byte for byte, in
/// whatever order the entries came.
///
/// Functions named `…Sync` do their work before they return. The others return a promise and work on a thread that
/// the replica has for them, one after the other in the order of the calls.
///
/// The application's resolvers run on the thread of their JavaScript, also for promises: those wait until it
/// is free. A resolver must decide at once, and may only read its replica.
///
/// ```js
/// const [a, b] = [Replica.inMemory(), Replica.inMemory()];
/// a.insertSync('orders', 42, { qty: 1, status: 'new' });
/// syncSync(a, b);
/// a.updateSync('orders', 42, { qty: 2, status: 'new' });
/// b.updateSync('orders', 42, { qty: 1, status: 'paid' });
/// syncSync(a, b);
/// for (const report of b.conflictsSync()) console.log(String(report));
/// a.getSync('orders', 42).valueJson(); // as b has it
/// ```
#[napi]
pub struct Replica {
    replica: Arc<causelog::Replica>,
    deciding: Deciding,
    worker: Worker,
}

/// Something to be done with a replica, now or later.
pub(crate) type Work<T> = Box<dyn FnOnce(&causelog::Replica) -> causelog::Result<T> + Send>;

/// Work that was read from its arguments, if these were what they must be.
pub(crate) fn work<T>(
    work: impl FnOnce(&causelog::Replica) -> causelog::Result<T> + Send + 'static,
) -> causelog::Result<Work<T>> {
    Ok(Box::new(work))
}

impl Replica {
    fn new(replica: causelog::Replica, deciding: Deciding) -> Self {
        Replica { replica: Arc::new(replica), deciding, worker: Worker::default() }
    }

    /// Does work that only reads.
    pub(crate) fn read<T>(&self, work: causelog::Result<Work<T>>) -> Result<T, Code> {
        work.and_then(|work| work(&self.replica)).map_err(thrown)
    }

    /// Does work that changes something: not from within a resolver.
    pub(crate) fn write<T>(&self, work: causelog::Result<Work<T>>) -> Result<T, Code> {
        self.deciding.check().map_err(thrown)?;
        self.read(work)
    }

    /// A promise of work that only reads.
    pub(crate) fn read_later<'env, T>(
        &self,
        env: &'env Env,
        work: causelog::Result<Work<T>>,
    ) -> Result<Object<'env>, Code>
    where
        T: Send + napi::bindgen_prelude::ToNapiValue + 'static,
    {
        let replica = self.replica.clone();
        let promise = work.and_then(|work| self.worker.promise(env, move || work(&replica)));
        promise.map_err(thrown)
    }

    /// A promise of work that changes something: not from within a resolver.
    pub(crate) fn write_later<'env, T>(
        &self,
        env: &'env Env,
        work: causelog::Result<Work<T>>,
    ) -> Result<Object<'env>, Code>
    where
        T: Send + napi::bindgen_prelude::ToNapiValue + 'static,
    {
        self.deciding.check().map_err(thrown)?;
        self.read_later(env, work)
    }
}

type Host = External<Arc<ResolverHost>>;

impl Argument<'_> {
    /// A function's name and version, and the number under which `index.js` has it.
    fn resolver(&self) -> causelog::Result<(String, u32, f64)> {
        let fields = self.fields()?;
        let name = fields.get(0, "name")?.text()?;
        if name.is_empty() {
            return Err(invalid(format!("{self}: a custom resolver needs a name")));
        }
        Ok((name, fields.get(1, "version")?.version()?, fields.get(2, "resolver")?.number()?))
    }

    fn replica_options(&self, host: Option<&Host>, deciding: &Deciding) -> causelog::Result<ReplicaOptions> {
        let mut options = ReplicaOptions::default();
        if self.is_absent() {
            return Ok(options);
        }
        self.only(&["log", "registry", "resolvers", "checkResolvers", "historyMemory"])?;
        options.log = self.member("log")?.log_options()?;
        options.registry = self.member("registry")?.optional(Argument::registry)?;
        let resolvers = self.member("resolvers")?;
        let resolvers = resolvers.optional(|list| list.list("an array of resolvers", Argument::resolver))?;
        for (name, version, number) in resolvers.unwrap_or_default() {
            let host = host.ok_or_else(|| invalid(format!("{self}.resolvers must be functions")))?;
            let resolver: Arc<dyn ConflictResolver> = Resolver::new(host, number, deciding);
            options.resolvers.push((name, version, resolver));
        }
        let checks = self.member("checkResolvers")?.optional(Argument::boolean)?;
        options.check_resolvers = checks.unwrap_or(options.check_resolvers);
        if let Some(bytes) = self.member("historyMemory")?.optional(Argument::counter)? {
            options.history_memory = usize::try_from(bytes).unwrap_or(usize::MAX);
        }
        Ok(options)
    }
}

/// What a replica holds, in numbers.
#[napi(object, object_from_js = false)]
pub struct ReplicaStats {
    /// Rows that the log has entries of, deleted ones among them.
    #[napi(ts_type = "number")]
    pub rows: Count,
    /// Rows with several heads, whether or not these disagree.
    #[napi(ts_type = "number")]
    pub contested_rows: Count,
    /// Entries that ended a conflict, or what would have been one if the heads had disagreed.
    #[napi(ts_type = "number")]
    pub settlings: Count,
    /// Entries whose `before` was not what their author's past comes to here: written past a replica, by other rules, or
    /// by a resolver that is no pure function.
    #[napi(ts_type = "number")]
    pub before_mismatches: Count,
    /// Memory for the heads of all rows and for what is remembered of conflicts, roughly, in bytes.
    #[napi(ts_type = "number")]
    pub memory: Count,
}

impl From<causelog::ReplicaStats> for ReplicaStats {
    fn from(stats: causelog::ReplicaStats) -> Self {
        ReplicaStats {
            rows: Count(stats.rows),
            contested_rows: Count(stats.contested_rows),
            settlings: Count(stats.settlings),
            before_mismatches: Count(stats.before_mismatches),
            memory: Count(stats.memory),
        }
    }
}

fn new_registry(registry: Unknown<'_>) -> causelog::Result<Work<()>> {
    let registry = Argument::new("registry", registry).registry()?;
    work(move |replica| replica.set_registry(registry))
}

fn compacting(options: Unknown<'_>) -> causelog::Result<Work<Option<Removal>>> {
    let options = Argument::new("options", options).compaction_options()?;
    work(move |replica| Ok(replica.compact(&options)?.map(Removal::from)))
}

#[napi]
impl Replica {
    /// Opens the replica in the directory `path`, made if it is not there. A log that was no replica's becomes one.
    ///
    /// The heads of all rows are kept in a file when a replica is closed. What came after that is read
    /// from the log, and all of it where there is no such file.
    ///
    /// Throws as `ChangeLog.openSync`; `INVALID_ARGUMENT` for a registry that `ResolverRegistry.validate` refuses, and for options
    /// that ask for reading only.
    #[napi(catch_unwind, ts_args_type = "path: string, options?: ReplicaOptions | null")]
    pub fn open_sync(path: Unknown<'_>, options: Unknown<'_>, host: Option<&Host>) -> Result<Replica, Code> {
        let path = Argument::new("path", path).directory().map_err(thrown)?;
        let deciding = Deciding::default();
        let options = Argument::new("options", options).replica_options(host, &deciding).map_err(thrown)?;
        let replica = causelog::Replica::open_with(path, options).map_err(thrown)?;
        Ok(Replica::new(replica, deciding))
    }

    /// Opens the replica in the directory `path` off the main thread; otherwise as `openSync`.
    #[napi(
        catch_unwind,
        ts_args_type = "path: string, options?: ReplicaOptions | null",
        ts_return_type = "Promise<Replica>"
    )]
    pub fn open(
        path: Unknown<'_>,
        options: Unknown<'_>,
        host: Option<&Host>,
    ) -> Result<AsyncTask<Background<Replica>>, Code> {
        let path = Argument::new("path", path).directory().map_err(thrown)?;
        let deciding = Deciding::default();
        let options = Argument::new("options", options).replica_options(host, &deciding).map_err(thrown)?;
        Ok(background(move || Ok(Replica::new(causelog::Replica::open_with(path, options)?, deciding))))
    }

    /// A new replica in memory, gone when it is no longer used.
    ///
    /// Throws as `openSync`.
    #[napi(catch_unwind, ts_args_type = "options?: ReplicaOptions | null")]
    pub fn in_memory(options: Unknown<'_>, host: Option<&Host>) -> Result<Replica, Code> {
        let deciding = Deciding::default();
        let options = Argument::new("options", options).replica_options(host, &deciding).map_err(thrown)?;
        let replica = causelog::Replica::in_memory(options).map_err(thrown)?;
        Ok(Replica::new(replica, deciding))
    }

    /// The replica's log, to read: entries, snapshots, consumers. Writing to it or removing from it is `READ_ONLY`; closing it
    /// closes the replica.
    #[napi(getter, catch_unwind)]
    pub fn log(&self) -> ChangeLog {
        ChangeLog { log: Handle::Replica(self.replica.clone()) }
    }

    /// UUID of the node whose changes this replica records.
    #[napi(getter, catch_unwind)]
    pub fn node(&self) -> String {
        self.replica.node().to_string()
    }

    /// The rules by which conflicts are resolved: a copy.
    ///
    /// Throws `CLOSED`.
    #[napi(catch_unwind)]
    pub fn registry(&self) -> Result<ResolverRegistry, Code> {
        self.replica.registry().map(ResolverRegistry::from).map_err(thrown)
    }

    /// Sets the rules by which conflicts are resolved, durably. Rows in conflict may take another value by it, which
    /// `effective` shows; conflicts that are settled stay as they were decided.
    ///
    /// Throws `INVALID_ARGUMENT` as `ResolverRegistry.validate` says; `NO_SPACE` or `IO` when it cannot be stored, `RESOLVER_FAILED` within
    /// a resolver, `CLOSED`. The rules stay as they were.
    #[napi(catch_unwind)]
    pub fn set_registry_sync(
        &self,
        #[napi(ts_arg_type = "ResolverRegistry")] registry: Unknown<'_>,
    ) -> Result<(), Code> {
        self.write(new_registry(registry))
    }

    /// Sets the rules by which conflicts are resolved off the main thread; otherwise as `setRegistrySync`.
    #[napi(catch_unwind, ts_args_type = "registry: ResolverRegistry", ts_return_type = "Promise<void>")]
    pub fn set_registry<'env>(&self, env: &'env Env, registry: Unknown<'_>) -> Result<Object<'env>, Code> {
        self.write_later(env, new_registry(registry))
    }

    /// Registers a function that decides conflicts, for the strategy `{ kind: 'custom', name, version }`. What it has
    /// answered before is kept; what it, or one before it, failed at is asked again.
    ///
    /// It must be a pure function of what it is given, for every replica calls its own, and all must come to one answer.
    /// What it throws goes to the inbox with the conflict, and so does a promise, which is no answer.
    ///
    /// Throws `INVALID_ARGUMENT` for an empty name or what is no function, `CLOSED`.
    #[napi(catch_unwind, ts_args_type = "name: string, version: number, resolver: ConflictResolver")]
    pub fn register_resolver(
        &self,
        name: Unknown<'_>,
        version: Unknown<'_>,
        number: f64,
        host: &Host,
    ) -> Result<(), Code> {
        let name = Argument::new("name", name).text().map_err(thrown)?;
        let version = Argument::new("version", version).version().map_err(thrown)?;
        let resolver = Resolver::new(host, number, &self.deciding);
        self.replica.register_resolver(name, version, resolver).map_err(thrown)
    }

    /// What the replica holds, in numbers.
    ///
    /// Throws `CLOSED`.
    #[napi(catch_unwind)]
    pub fn stats(&self) -> Result<ReplicaStats, Code> {
        self.replica.stats().map(ReplicaStats::from).map_err(thrown)
    }

    /// Removes entries that later ones of the same row have replaced, as `ChangeLog.compactSync` does: what the rows are, and
    /// how conflicts about them end, stay what they were. Returns what was removed; `null` if nothing was.
    ///
    /// Reports of conflicts that were settled below what is kept are gone; `log.removals()` says that something was removed.
    ///
    /// Throws as `ChangeLog.compactSync`; `RESOLVER_FAILED` within a resolver.
    #[napi(
        catch_unwind,
        ts_args_type = "options?: CompactionOptions | null",
        ts_return_type = "Removal | null"
    )]
    pub fn compact_sync(&self, options: Unknown<'_>) -> Result<Option<Removal>, Code> {
        self.write(compacting(options))
    }

    /// Removes entries that later ones of the same row have replaced off the main thread; otherwise as `compactSync`.
    #[napi(
        catch_unwind,
        ts_args_type = "options?: CompactionOptions | null",
        ts_return_type = "Promise<Removal | null>"
    )]
    pub fn compact<'env>(&self, env: &'env Env, options: Unknown<'_>) -> Result<Object<'env>, Code> {
        self.write_later(env, compacting(options))
    }

    /// Returns once all that was acknowledged will survive a loss of power, whatever the durability.
    ///
    /// Throws as `ChangeLog.syncSync`.
    #[napi(catch_unwind)]
    pub fn sync_sync(&self) -> Result<(), Code> {
        self.replica.sync().map_err(thrown)
    }

    /// Fulfilled once all that was acknowledged will survive a loss of power; otherwise as `syncSync`.
    #[napi(catch_unwind, ts_args_type = "", ts_return_type = "Promise<void>")]
    pub fn sync<'env>(&self, env: &'env Env) -> Result<Object<'env>, Code> {
        self.read_later(env, work(causelog::Replica::sync))
    }

    /// Syncs and closes the replica and its log; every other call is `CLOSED` from now on. Closing again does nothing.
    ///
    /// Throws `IO` when the last sync failed; the replica is closed all the same.
    #[napi(catch_unwind)]
    pub fn close_sync(&self) -> Result<(), Code> {
        self.replica.close().map_err(thrown)
    }

    /// Syncs and closes the replica off the main thread, once all that was asked for before is done; otherwise as `closeSync`.
    #[napi(catch_unwind, ts_args_type = "", ts_return_type = "Promise<void>")]
    pub fn close<'env>(&self, env: &'env Env) -> Result<Object<'env>, Code> {
        self.read_later(env, work(causelog::Replica::close))
    }
}

/// A transaction that could not be taken in, and why. Nothing of it was written; it can come again.
#[napi(object, object_from_js = false)]
pub struct SkippedTransaction {
    /// The name of the transaction.
    pub transaction: Dot,
    /// Why: `CLOCK_SKEW` when its time has not come yet, `DOT_REUSE` when the replica holds something else under its dots,
    /// `MISSING_DEPENDENCY` when it follows on one that was skipped, `INVALID_ARGUMENT` or `TOO_LARGE` when it cannot be right.
    #[napi(ts_type = "ErrorCode")]
    pub code: &'static str,
    /// The same for people.
    pub message: String,
}

/// What an exchange did.
#[napi(object, object_from_js = false)]
pub struct SyncReport {
    /// Transactions that the first replica got from the second.
    #[napi(ts_type = "number")]
    pub received: Count,
    /// Transactions that the second replica got from the first.
    #[napi(ts_type = "number")]
    pub sent: Count,
    /// Transactions that the first could not take in.
    pub skipped: Vec<SkippedTransaction>,
    /// Transactions that the second could not take in.
    pub refused: Vec<SkippedTransaction>,
}

fn skipped(transactions: Vec<causelog::SkippedTransaction>) -> Vec<SkippedTransaction> {
    let skipped = |skipped: causelog::SkippedTransaction| SkippedTransaction {
        transaction: skipped.transaction.into(),
        code: skipped.code.name(),
        message: skipped.message,
    };
    transactions.into_iter().map(skipped).collect()
}

impl From<causelog::SyncReport> for SyncReport {
    fn from(report: causelog::SyncReport) -> Self {
        SyncReport {
            received: Count(report.received),
            sent: Count(report.sent),
            skipped: skipped(report.skipped),
            refused: skipped(report.refused),
        }
    }
}

fn exchange(a: &causelog::Replica, b: &causelog::Replica) -> causelog::Result<SyncReport> {
    causelog::sync(a, b).map(SyncReport::from)
}

/// Exchanges what two replicas lack: each gets what its frontier does not cover of the other's log, in that log's order.
///
/// A transaction that cannot be taken in is reported and left out with all that follow on it; the rest goes on. It stays
/// where it is and comes again with the next exchange. Each transaction that was taken in is there as a whole, also when
/// an error ends the exchange.
///
/// Throws whatever keeps a log from being read or written: `IO`, `NO_SPACE`, `CORRUPT`, `CLOSED`; `TRUNCATED` when one lacks what the
/// other has removed; `RESOLVER_FAILED` within a resolver of one of them.
#[napi(catch_unwind)]
pub fn sync_sync(
    #[napi(ts_arg_type = "Replica")] a: Unknown<'_>,
    #[napi(ts_arg_type = "Replica")] b: Unknown<'_>,
) -> Result<SyncReport, Code> {
    let (a, b) = (Argument::new("a", a), Argument::new("b", b));
    let a = a.instance::<Replica>("Replica").map_err(thrown)?;
    let b = b.instance::<Replica>("Replica").map_err(thrown)?;
    a.deciding.check().and_then(|()| b.deciding.check()).map_err(thrown)?;
    exchange(&a.replica, &b.replica).map_err(thrown)
}

/// Exchanges what two replicas lack off the main thread; otherwise as `syncSync`.
#[napi(catch_unwind, ts_args_type = "a: Replica, b: Replica", ts_return_type = "Promise<SyncReport>")]
pub fn sync<'env>(env: &'env Env, a: Unknown<'_>, b: Unknown<'_>) -> Result<Object<'env>, Code> {
    let (a, b) = (Argument::new("a", a), Argument::new("b", b));
    let a = a.instance::<Replica>("Replica").map_err(thrown)?;
    let b = b.instance::<Replica>("Replica").map_err(thrown)?;
    b.deciding.check().map_err(thrown)?;
    let other = b.replica.clone();
    a.write_later(env, work(move |replica| exchange(replica, &other)))
}
