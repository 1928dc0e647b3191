//! Which strategy decides which conflict.

use std::cell::RefCell;

use causelog::ConflictClass;
use napi::bindgen_prelude::{Result, Unknown};
use napi_derive::napi;

use crate::error::{Code, thrown};
use crate::input::Argument;
use crate::resolution::Resolution;

/// Which strategy decides which conflict: by table and class, else by table, else the default.
///
/// Every replica that is to end in the same state needs the same registry; `fingerprint` tells. A replica
/// that was given a registry has a copy: changing this one changes nothing there.
///
/// ```js
/// const registry = new ResolverRegistry('last_write_wins');
/// registry.setTable('stock', { kind: 'field_merge', fields: { count: 'counter' } });
/// registry.setClass('orders', 'update_delete', 'manual');
/// registry.rule('orders', 'update_delete'); // { name: 'orders/update_delete', resolution: 'manual' }
/// ```
#[napi]
pub struct ResolverRegistry {
    registry: RefCell<causelog::ResolverRegistry>,
}

impl From<causelog::ResolverRegistry> for ResolverRegistry {
    fn from(registry: causelog::ResolverRegistry) -> Self {
        ResolverRegistry { registry: RefCell::new(registry) }
    }
}

/// Which entry of a registry matched, and its strategy.
#[napi(object, object_from_js = false)]
pub struct Rule {
    /// What reports call it: `orders/update_delete` for a class of conflicts of a table, `orders` for a table, `default`.
    pub name: String,
    /// Its strategy.
    #[napi(ts_type = "ConflictResolution")]
    pub resolution: Resolution,
}

/// A resolver of the application that a registry names.
#[napi(object, object_from_js = false)]
pub struct CustomResolver {
    /// The name under which it has to be registered.
    pub name: String,
    /// Its version.
    pub version: u32,
}

impl Argument<'_> {
    /// A copy of the registry that this value must be.
    pub(crate) fn registry(&self) -> causelog::Result<causelog::ResolverRegistry> {
        Ok(self.instance::<ResolverRegistry>("ResolverRegistry")?.registry.borrow().clone())
    }

    pub(crate) fn conflict_class(&self) -> causelog::Result<ConflictClass> {
        self.one_of(&ConflictClass::ALL, ConflictClass::name)
    }
}

#[napi]
impl ResolverRegistry {
    /// A registry that resolves everything by `resolution`, `'last_write_wins'` unless told otherwise. It is not
    /// checked before it is used.
    #[napi(constructor, catch_unwind, ts_args_type = "resolution?: ConflictResolution | null")]
    pub fn new(resolution: Unknown<'_>) -> Result<Self, Code> {
        let resolution = Argument::new("resolution", resolution).optional(Argument::resolution);
        let resolution = resolution.map_err(thrown)?.unwrap_or_default();
        Ok(causelog::ResolverRegistry::new(resolution).into())
    }

    /// The registry that this JSON says.
    ///
    /// Throws `INVALID_ARGUMENT` when it is not what `toJson` gives, or as `validate`.
    #[napi(catch_unwind)]
    pub fn from_json(#[napi(ts_arg_type = "string")] text: Unknown<'_>) -> Result<ResolverRegistry, Code> {
        let text = Argument::new("text", text).text().map_err(thrown)?;
        causelog::ResolverRegistry::from_json(&text).map(ResolverRegistry::from).map_err(thrown)
    }

    /// The strategy where no other rule matches.
    #[napi(getter, catch_unwind, ts_return_type = "ConflictResolution")]
    pub fn default_resolution(&self) -> Resolution {
        self.registry.borrow().default_resolution().into()
    }

    /// Sets the strategy where no other rule matches.
    ///
    /// Throws as `validate`; the registry stays as it was.
    #[napi(catch_unwind)]
    pub fn set_default(
        &self,
        #[napi(ts_arg_type = "ConflictResolution")] resolution: Unknown<'_>,
    ) -> Result<(), Code> {
        let resolution = Argument::new("resolution", resolution).resolution().map_err(thrown)?;
        self.registry.borrow_mut().set_default(resolution).map_err(thrown)
    }

    /// Sets the strategy for a table.
    ///
    /// Throws as `validate`; the registry stays as it was.
    #[napi(catch_unwind)]
    pub fn set_table(
        &self,
        #[napi(ts_arg_type = "string")] table: Unknown<'_>,
        #[napi(ts_arg_type = "ConflictResolution")] resolution: Unknown<'_>,
    ) -> Result<(), Code> {
        let table = Argument::new("table", table).text().map_err(thrown)?;
        let resolution = Argument::new("resolution", resolution).resolution().map_err(thrown)?;
        self.registry.borrow_mut().set_table(table, resolution).map_err(thrown)
    }

    /// Sets the strategy for one class of conflicts of a table.
    ///
    /// Throws as `validate`; the registry stays as it was.
    #[napi(catch_unwind)]
    pub fn set_class(
        &self,
        #[napi(ts_arg_type = "string")] table: Unknown<'_>,
        #[napi(ts_arg_type = "ConflictClass")] conflict_class: Unknown<'_>,
        #[napi(ts_arg_type = "ConflictResolution")] resolution: Unknown<'_>,
    ) -> Result<(), Code> {
        let table = Argument::new("table", table).text().map_err(thrown)?;
        let class = Argument::new("conflictClass", conflict_class).conflict_class().map_err(thrown)?;
        let resolution = Argument::new("resolution", resolution).resolution().map_err(thrown)?;
        self.registry.borrow_mut().set_class(table, class, resolution).map_err(thrown)
    }

    /// The rule that matches a conflict, and its strategy.
    #[napi(catch_unwind)]
    pub fn rule(
        &self,
        #[napi(ts_arg_type = "string")] table: Unknown<'_>,
        #[napi(ts_arg_type = "ConflictClass")] conflict_class: Unknown<'_>,
    ) -> Result<Rule, Code> {
        let table = Argument::new("table", table).text().map_err(thrown)?;
        let class = Argument::new("conflictClass", conflict_class).conflict_class().map_err(thrown)?;
        let registry = self.registry.borrow();
        let (rule, resolution) = registry.rule(&table, class);
        Ok(Rule { name: rule.to_string(), resolution: resolution.into() })
    }

    /// Checks that replicas that use this registry end in the same state.
    ///
    /// Throws `INVALID_ARGUMENT`, with the rule and the reason: for a strategy that `validateConflictResolution` refuses, an
    /// empty table name, a class that cannot arise, and a table that merges fields in some conflicts and not in all,
    /// because the history of its rows would then depend on which conflicts it met.
    #[napi(catch_unwind)]
    pub fn validate(&self) -> Result<(), Code> {
        self.registry.borrow().validate().map_err(thrown)
    }

    /// Every custom resolver that it names, with its version.
    #[napi(catch_unwind)]
    pub fn custom_resolvers(&self) -> Vec<CustomResolver> {
        let resolvers = self.registry.borrow().custom_resolvers();
        resolvers.into_iter().map(|(name, version)| CustomResolver { name, version }).collect()
    }

    /// 16 bytes of a hash of `toJson()`, in hexadecimal: the same for equal registries only.
    #[napi(getter, catch_unwind)]
    pub fn fingerprint(&self) -> String {
        self.registry.borrow().fingerprint()
    }

    /// The registry as one line of JSON, the same for equal registries.
    #[napi(catch_unwind)]
    pub fn to_json(&self) -> String {
        self.registry.borrow().to_json()
    }
}
