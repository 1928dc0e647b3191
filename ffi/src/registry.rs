use std::mem::MaybeUninit;

use causelog_core::ResolverRegistry;

use crate::enumeration::causelog_conflict_class;
use crate::error::causelog_error;
use crate::guard::{guard, read};
use crate::handle::{give, release};
use crate::input::required;
use crate::resolution::read_resolution;
use crate::status::causelog_status;
use crate::text::{causelog_buffer, causelog_text};

/// Which strategy decides which conflict: by table and class, else by table, else the default.
///
/// Every replica that is to end in the same state needs the same registry;
/// `causelog_registry_fingerprint` tells. Strategies are passed as text, as
/// `causelog_resolution_kind` describes them. Use a registry that is being changed by one thread
/// at a time.
pub struct causelog_registry {
    registry: ResolverRegistry,
}

impl causelog_registry {
    pub(crate) fn give(registry: ResolverRegistry) -> *mut causelog_registry {
        give(causelog_registry { registry })
    }

    pub(crate) fn get(&self) -> &ResolverRegistry {
        &self.registry
    }
}

/// A registry that resolves everything by the strategy `resolution`, whose sense is not checked
/// before it is used. Free it with `causelog_registry_free`.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` when `resolution` is no strategy.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn causelog_registry_new(
    resolution: causelog_text,
    registry: Option<&mut MaybeUninit<*mut causelog_registry>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        // SAFETY: the caller passes text that is there during the call.
        let resolution = unsafe { read_resolution(resolution, "resolution")? };
        let registry = required(registry, "registry")?;
        registry.write(causelog_registry::give(ResolverRegistry::new(resolution)));
        Ok(())
    })
}

/// The registry that this JSON says. Free it with `causelog_registry_free`.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` when it is not what `causelog_registry_to_json` gives,
/// or as `causelog_registry_validate` does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn causelog_registry_from_json(
    json: causelog_text,
    registry: Option<&mut MaybeUninit<*mut causelog_registry>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        // SAFETY: the caller passes text that is there during the call.
        let json = unsafe { json.read("json")? };
        let registry = required(registry, "registry")?;
        registry.write(causelog_registry::give(ResolverRegistry::from_json(json)?));
        Ok(())
    })
}

/// The registry as one line of JSON, the same for equal registries. Free the buffer with
/// `causelog_buffer_free`.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` when an argument is NULL.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_registry_to_json(
    registry: Option<&causelog_registry>,
    json: Option<&mut MaybeUninit<*mut causelog_buffer>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let (registry, json) = (required(registry, "registry")?, required(json, "json")?);
        json.write(causelog_buffer::give(registry.registry.to_json()));
        Ok(())
    })
}

/// The strategy where no other rule matches, as text. Free the buffer with `causelog_buffer_free`.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` when an argument is NULL.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_registry_default_resolution(
    registry: Option<&causelog_registry>,
    resolution: Option<&mut MaybeUninit<*mut causelog_buffer>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let (registry, resolution) = (required(registry, "registry")?, required(resolution, "resolution")?);
        resolution.write(causelog_buffer::give(registry.registry.default_resolution().to_string()));
        Ok(())
    })
}

/// Sets the strategy where no other rule matches.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` when `resolution` is no strategy, and as
/// `causelog_registry_validate` does; the registry stays as it was.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn causelog_registry_set_default(
    registry: Option<&mut causelog_registry>,
    resolution: causelog_text,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let registry = required(registry, "registry")?;
        // SAFETY: the caller passes text that is there during the call.
        registry.registry.set_default(unsafe { read_resolution(resolution, "resolution")? })
    })
}

/// Sets the strategy for a table.
///
/// Fails as `causelog_registry_set_default` does.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn causelog_registry_set_table(
    registry: Option<&mut causelog_registry>,
    table: causelog_text,
    resolution: causelog_text,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let registry = required(registry, "registry")?;
        // SAFETY: the caller passes texts that are there during the call.
        let (table, resolution) =
            unsafe { (table.read("table")?, read_resolution(resolution, "resolution")?) };
        registry.registry.set_table(table, resolution)
    })
}

/// Sets the strategy for one class of conflicts of a table, a `causelog_conflict_class`.
///
/// Fails as `causelog_registry_set_default` does, and with `CAUSELOG_INVALID_ARGUMENT` when
/// `conflict_class` is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn causelog_registry_set_class(
    registry: Option<&mut causelog_registry>,
    table: causelog_text,
    conflict_class: i32,
    resolution: causelog_text,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let registry = required(registry, "registry")?;
        let class = causelog_conflict_class::read(conflict_class, "conflict_class")?;
        // SAFETY: the caller passes texts that are there during the call.
        let (table, resolution) =
            unsafe { (table.read("table")?, read_resolution(resolution, "resolution")?) };
        registry.registry.set_class(table, class, resolution)
    })
}

/// Which rule matches a conflict of this table and class, a `causelog_conflict_class`: `*rule`
/// becomes its name, `orders/update_delete`, `orders` or `default`, and `*resolution` its
/// strategy, as text. Either may be NULL. Free the buffers with `causelog_buffer_free`.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` when `conflict_class` is none.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn causelog_registry_rule(
    registry: Option<&causelog_registry>,
    table: causelog_text,
    conflict_class: i32,
    rule: Option<&mut MaybeUninit<*mut causelog_buffer>>,
    resolution: Option<&mut MaybeUninit<*mut causelog_buffer>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let registry = required(registry, "registry")?;
        // SAFETY: the caller passes text that is there during the call.
        let table = unsafe { table.read("table")? };
        let class = causelog_conflict_class::read(conflict_class, "conflict_class")?;
        let (matched, strategy) = registry.registry.rule(table, class);
        if let Some(rule) = rule {
            rule.write(causelog_buffer::give(matched.to_string()));
        }
        if let Some(resolution) = resolution {
            resolution.write(causelog_buffer::give(strategy.to_string()));
        }
        Ok(())
    })
}

/// Whether the registry makes sense.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT`, naming the rule and the reason: as
/// `causelog_resolution_validate` does, and for an empty table name, a class that cannot arise, and
/// a table that merges fields in some conflicts and not in all.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_registry_validate(
    registry: Option<&causelog_registry>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || required(registry, "registry")?.registry.validate())
}

/// Text of 32 hexadecimal digits that is the same for equal registries only. Free the buffer with
/// `causelog_buffer_free`.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` when an argument is NULL.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_registry_fingerprint(
    registry: Option<&causelog_registry>,
    fingerprint: Option<&mut MaybeUninit<*mut causelog_buffer>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let (registry, fingerprint) =
            (required(registry, "registry")?, required(fingerprint, "fingerprint")?);
        fingerprint.write(causelog_buffer::give(registry.registry.fingerprint()));
        Ok(())
    })
}

/// The name of a custom resolver, and its version.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct causelog_custom_resolver {
    /// The name, as long as the list lives.
    pub name: causelog_text,
    /// The version.
    pub version: u32,
}

/// The custom resolvers that a registry names. Never changes.
pub struct causelog_custom_resolvers {
    resolvers: Vec<(String, u32)>,
}

/// Every custom resolver that the registry names, each once, ascending. Free the list with
/// `causelog_custom_resolvers_free`.
///
/// Fails with `CAUSELOG_INVALID_ARGUMENT` when an argument is NULL.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_registry_custom_resolvers(
    registry: Option<&causelog_registry>,
    resolvers: Option<&mut MaybeUninit<*mut causelog_custom_resolvers>>,
    error: Option<&mut MaybeUninit<*mut causelog_error>>,
) -> causelog_status {
    guard(error, || {
        let (registry, resolvers) = (required(registry, "registry")?, required(resolvers, "resolvers")?);
        let named = registry.registry.custom_resolvers();
        resolvers.write(give(causelog_custom_resolvers { resolvers: named }));
        Ok(())
    })
}

/// How many there are.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_custom_resolvers_count(resolvers: Option<&causelog_custom_resolvers>) -> usize {
    read(resolvers, 0, |resolvers| resolvers.resolvers.len())
}

/// The one at this place, from 0; zeros beyond the count.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_custom_resolvers_get(
    resolvers: Option<&causelog_custom_resolvers>,
    index: usize,
) -> causelog_custom_resolver {
    let none = causelog_custom_resolver { name: causelog_text::NONE, version: 0 };
    read(resolvers, none, |resolvers| {
        resolvers.resolvers.get(index).map_or(none, |(name, version)| causelog_custom_resolver {
            name: causelog_text::of(name),
            version: *version,
        })
    })
}

/// Frees a list of custom resolvers; NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_custom_resolvers_free(resolvers: Option<Box<causelog_custom_resolvers>>) {
    release(resolvers);
}

/// Frees a registry; NULL is fine.
#[unsafe(no_mangle)]
pub extern "C" fn causelog_registry_free(registry: Option<Box<causelog_registry>>) {
    release(registry);
}
