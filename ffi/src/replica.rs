use std::mem::MaybeUninit;
use std::ptr::null;
use std::sync::Arc;

use causelog_core::{ConflictResolver, Replica, ReplicaOptions, Result};

use crate::error::causelog_error;
use crate::guard::{guard, read};
use crate::handle::{give, release};
use crate::identity::causelog_uuid;
use crate::input::{Versioned, invalid, optional, required, slice, versioned};
use crate::log::{causelog_log, causelog_log_options, read_path};
use crate::registry::causelog_registry;
use crate::removal::{causelog_compaction_options, causelog_removals};
use crate::resolver::{Callbacks, Registration, causelog_resolver};
use crate::status::causelog_status;
use crate::text::causelog_text;

/// A log whose entries have a meaning: the rows that they make, and what became of every conflict.
///
/// A replica owns its log. It records changes of its own node, takes in those of others, and says
/// what each row is now. Replicas that hold the same entries under the same rules show the same rows
/// and the same conflicts, byte for byte, in whatever order the entries came.
///
/// All functions of a replica but `causelog_replica_free` may be called from several threads at once.
/// The program's resolvers are called without any lock.
pub struct causelog_replica {
    pub(crate) replica: Replica,
    /// Freed after the replica, when nobody calls them any more.
    callbacks: Callbacks,
}

/// How a replica is opened. Begin with `CAUSELOG_REPLICA_OPTIONS_INIT`; what is zero or NULL means
/// the default.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct causelog_replica_options {
    /// The size of this struct: `sizeof(causelog_replica_options)`.
    pub size: usize,
    /// How its log is opened. A replica cannot be opened for reading only: open its log so.
    pub log: *const causelog_log_options,
    /// The rules by which conflicts are resolved, which are copied. By default they stay as they were
    /// last set; a new replica resolves everything by `last_write_wins`.
    pub registry: *const causelog_registry,
    /// Functions that decide conflicts; see `causelog_replica_register_resolver`.
    pub resolvers: *const causelog_resolver,
    /// How many there are.
    pub resolver_count: usize,
    /// Not zero, as by default: a function that decides conflicts is called once more with the heads
    /// in another order, and has failed if it answers differently.
    pub check_resolvers: *const i32,
    /// How much memory histories of rows in conflict may take, in bytes; by default 16777216.
    pub history_memory: *const u64,
}

// SAFETY: `repr(C)`, `size` first, only numbers and pointers.
unsafe impl Versioned for causelog_replica_options {
    const NAME: &'static str = "causelog_replica_options";
}

impl causelog_replica_options {
    /// # Safety
    /// Unless it is `NULL`, `options` is a whole struct whose parts are there.
    unsafe fn read(options: *const causelog_replica_options) -> Result<(ReplicaOptions, Vec<Registration>)> {
        let mut read = ReplicaOptions::default();
        let mut registrations = Vec::new();
        if options.is_null() {
            return Ok((read, registrations));
        }
        // SAFETY: the caller vouches for everything that is read here.
        unsafe {
            let options = versioned(options, "options")?;
            read.log = causelog_log_options::read(options.log)?;
            read.registry = options.registry.as_ref().map(|registry| registry.get().clone());
            let resolvers = slice(options.resolvers, options.resolver_count, "options.resolvers")?;
            for (index, resolver) in resolvers.iter().enumerate() {
                registrations.push(resolver.read(&format!("element {index} of options.resolvers"))?);
            }
            if let Some(checks) = optional(options.check_resolvers) {
                read.check_resolvers = checks != 0;
            }
            if let Some(bytes) = optional(options.history_memory) {
                let too_many = |_| invalid(format!("options.history_memory is {bytes}, beyond all memory"));
                read.history_memory = usize::try_from(bytes).map_err(too_many)?;
            }
        }
        read.resolvers = registrations
            .iter()
            .map(|(name, version, callback)| {
                (name.clone(), *version, callback.clone() as Arc<dyn ConflictResolver>)
            })
            .collect();
        Ok((read, registrations))
    }
}

/// Opens a replica as `open` does, which takes over the resolvers if that succeeds.
fn open(
    options: (ReplicaOptions, Vec<Registration>),
    open: impl FnOnce(ReplicaOptions) -> Result<Replica>,
) -> Result<*mut causelog_replica> {
    let (options, registrations) = options;
    let opened = causelog_replica { replica: open(options)?, callbacks: Callbacks::default() };
    opened.callbacks.take(registrations.into_iter().map(|(_, _, callback)| callback));
    Ok(give(opened))
}

/// Opens the replica in the directory `path`, made if it is not there. A log that was no replica's
/// becomes one. `options` may be NULL. Free it with `causelog_replica_free`.
///
/// The heads of all rows are kept in a file when a replica is closed. What came after that is read
/// from the log, and all of it where there is no such file.
///
/// Fails as `causelog_log_open` does; with `CAUSELOG_INVALID_ARGUMENT` for a registry that
/// `causelog_registry_validate` refuses, for a resolver without a name or a function, and for options
/// that ask for reading only.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn causelog_replica_open(
    path: causelog_text,
    options: *const causelog_replica_options,
    replica: Option<&mut MaybeUninit<*mut causelog_replica>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        // SAFETY: the caller passes a path and options that are there during the call.
        let (path, options) = unsafe { (read_path(path, "path")?, causelog_replica_options::read(options)?) };
        let replica = required(replica, "replica")?;
        replica.write(open(options, |options| Replica::open_with(path, options))?);
        Ok(())
    })
}

/// A new replica in memory, gone when its last handle is. `options` may be NULL. Free it with
/// `causelog_replica_free`.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` as `causelog_replica_open` does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn causelog_replica_in_memory(
    options: *const causelog_replica_options,
    replica: Option<&mut MaybeUninit<*mut causelog_replica>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        // SAFETY: the caller passes options that are there during the call.
        let options = unsafe { causelog_replica_options::read(options)? };
        let replica = required(replica, "replica")?;
        replica.write(open(options, Replica::in_memory)?);
        Ok(())
    })
}

/// The replica's log, to read: entries, snapshots, consumers. Writing to it or removing from it is
/// `CAUSELOG_READ_ONLY`. Borrowed; NULL of NULL.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_replica_log(replica: Option<&causelog_replica>) -> *const causelog_log {
    read(replica, null(), |replica| causelog_log::lend(replica.replica.log()))
}

/// The node whose changes this replica records.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_replica_node(replica: Option<&causelog_replica>) -> causelog_uuid {
    read(replica, causelog_uuid::NIL, |replica| replica.replica.node().into())
}

/// A copy of the rules by which conflicts are resolved. Free it with `causelog_registry_free`.
///
/// Fails with `CAUSELOG_CLOSED`.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_replica_registry(
    replica: Option<&causelog_replica>,
    registry: Option<&mut MaybeUninit<*mut causelog_registry>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let (replica, registry) = (required(replica, "replica")?, required(registry, "registry")?);
        registry.write(causelog_registry::give(replica.replica.registry()?));
        Ok(())
    })
}

/// Sets the rules by which conflicts are resolved, durably. Rows in conflict may take another value by
/// it, which `causelog_replica_effective` shows; conflicts that are settled stay as they were decided.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` as `causelog_registry_validate` does; `CAUSELOG_NO_SPACE` or
/// `CAUSELOG_IO` when it cannot be stored, `CAUSELOG_RESOLVER_FAILED` within a resolver, and
/// `CAUSELOG_CLOSED`. The rules stay as they were.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_replica_set_registry(
    replica: Option<&causelog_replica>,
    registry: Option<&causelog_registry>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let (replica, registry) = (required(replica, "replica")?, required(registry, "registry")?);
        replica.replica.set_registry(registry.get().clone())
    })
}

/// Registers a function that decides conflicts, for strategies `{"kind":"custom",...}` of its name and
/// version. What it has answered before is kept; what it, or one before it, failed at is asked again.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` when the name is empty or the function NULL, and
/// `CAUSELOG_CLOSED`; the context then stays the caller's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn causelog_replica_register_resolver(
    replica: Option<&causelog_replica>,
    resolver: Option<&causelog_resolver>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let (replica, resolver) = (required(replica, "replica")?, required(resolver, "resolver")?);
        // SAFETY: the caller passes a resolver whose parts are there during the call.
        let (name, version, callback) = unsafe { resolver.read("resolver")? };
        replica.replica.register_resolver(name, version, callback.clone())?;
        replica.callbacks.take([callback]);
        Ok(())
    })
}

/// Removes entries that later ones of the same row have replaced, as `causelog_log_compact` does: what
/// the rows are, and how conflicts about them end, stay what they were. `*removals` becomes what that
/// was: nothing, or one removal. `options` and `removals` may be NULL. Free the list with
/// `causelog_removals_free`.
///
/// Reports of conflicts that were settled below what is kept are gone; `causelog_log_removals` says
/// that something was removed.
///
/// Fails as `causelog_log_compact` does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn causelog_replica_compact(
    replica: Option<&causelog_replica>,
    options: *const causelog_compaction_options,
    removals: Option<&mut MaybeUninit<*mut causelog_removals>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let replica = required(replica, "replica")?;
        // SAFETY: the caller passes options whose parts are there during the call.
        let options = unsafe { causelog_compaction_options::read(options)? };
        let removed = replica.replica.compact(&options)?;
        if let Some(removals) = removals {
            removals.write(causelog_removals::give(removed));
        }
        Ok(())
    })
}

/// Returns once all that was acknowledged will survive a loss of power, whatever the durability.
///
/// Fails as `causelog_log_sync` does.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_replica_sync(
    replica: Option<&causelog_replica>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || required(replica, "replica")?.replica.sync())
}

/// Syncs and closes the replica and its log, so that another handle can open it: every other call is
/// `CAUSELOG_CLOSED` from now on. Closing again does nothing. The handle must still be freed.
///
/// Fails with `CAUSELOG_IO` when the last sync failed; the replica is closed all the same.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_replica_close(
    replica: Option<&causelog_replica>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || required(replica, "replica")?.replica.close())
}

/// Frees a replica, and ends the contexts of its resolvers. Once the last cursor of its log is freed
/// too it is closed, but nobody hears of it if the last sync failed: `causelog_replica_close` tells.
/// NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_replica_free(replica: Option<Box<causelog_replica>>) {
    release(replica);
}
