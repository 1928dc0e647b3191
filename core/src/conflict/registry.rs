use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::conflict::{ConflictClass, ConflictResolution};
use crate::error::{Error, Result};

/// Which strategy decides which conflict: by table and class, else by table, else the default.
///
/// Every replica that is to end in the same state needs the same registry; [`ResolverRegistry::fingerprint`] tells.
///
/// ```
/// use causelog::{ConflictClass, ConflictResolution, ResolverRegistry};
/// let mut registry = ResolverRegistry::new(ConflictResolution::LastWriteWins);
/// registry.set_table("stock", ConflictResolution::FirstWriteWins)?;
/// registry.set_class("stock", ConflictClass::UpdateDelete, ConflictResolution::Manual)?;
/// let (rule, strategy) = registry.rule("stock", ConflictClass::UpdateDelete);
/// assert_eq!((rule.to_string(), strategy), ("stock/update_delete".to_owned(), &ConflictResolution::Manual));
/// # Ok::<(), causelog::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResolverRegistry {
    #[serde(default)]
    default: ConflictResolution,
    #[serde(default)]
    tables: BTreeMap<String, TableRules>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TableRules {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    default: Option<ConflictResolution>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    classes: BTreeMap<ConflictClass, ConflictResolution>,
}

/// Which entry of a [`ResolverRegistry`] matched.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Rule {
    /// The one for this class of conflicts of this table.
    Class(String, ConflictClass),
    /// The one for this table.
    Table(String),
    /// The default.
    Default,
}

/// `orders/update_delete`, `orders`, `default`.
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rule::Class(table, class) => write!(f, "{table}/{class}"),
            Rule::Table(table) => f.write_str(table),
            Rule::Default => f.write_str("default"),
        }
    }
}

/// The classes that a replica's conflicts can have: what a row's heads did since their ancestor, taken together, never mixes
/// inserts with updates.
const ARISING: [ConflictClass; 4] = [
    ConflictClass::InsertInsert,
    ConflictClass::UpdateUpdate,
    ConflictClass::UpdateDelete,
    ConflictClass::DeleteDelete,
];

impl ResolverRegistry {
    /// A registry that resolves everything by `default`, which is not checked before it is used.
    pub fn new(default: ConflictResolution) -> ResolverRegistry {
        ResolverRegistry { default, tables: BTreeMap::new() }
    }

    /// The registry without a rule but the default.
    pub(crate) const fn empty() -> ResolverRegistry {
        ResolverRegistry { default: ConflictResolution::LastWriteWins, tables: BTreeMap::new() }
    }

    /// The strategy where no other rule matches.
    pub fn default_resolution(&self) -> &ConflictResolution {
        &self.default
    }

    /// Sets the strategy where no other rule matches.
    ///
    /// # Errors
    /// As [`ResolverRegistry::validate`]; the registry stays as it was.
    pub fn set_default(&mut self, resolution: ConflictResolution) -> Result<()> {
        self.change(|registry| registry.default = resolution)
    }

    /// Sets the strategy for a table.
    ///
    /// # Errors
    /// As [`ResolverRegistry::validate`]; the registry stays as it was.
    pub fn set_table(&mut self, table: impl Into<String>, resolution: ConflictResolution) -> Result<()> {
        self.change(|registry| registry.tables.entry(table.into()).or_default().default = Some(resolution))
    }

    /// Sets the strategy for one class of conflicts of a table.
    ///
    /// # Errors
    /// As [`ResolverRegistry::validate`]; the registry stays as it was.
    pub fn set_class(
        &mut self,
        table: impl Into<String>,
        class: ConflictClass,
        resolution: ConflictResolution,
    ) -> Result<()> {
        self.change(|registry| {
            registry.tables.entry(table.into()).or_default().classes.insert(class, resolution);
        })
    }

    fn change(&mut self, change: impl FnOnce(&mut ResolverRegistry)) -> Result<()> {
        let mut changed = self.clone();
        change(&mut changed);
        changed.validate()?;
        *self = changed;
        Ok(())
    }

    /// The rule that matches a conflict, and its strategy.
    pub fn rule(&self, table: &str, class: ConflictClass) -> (Rule, &ConflictResolution) {
        let rules = self.tables.get(table);
        if let Some(resolution) = rules.and_then(|rules| rules.classes.get(&class)) {
            return (Rule::Class(table.to_owned(), class), resolution);
        }
        match rules.and_then(|rules| rules.default.as_ref()) {
            Some(resolution) => (Rule::Table(table.to_owned()), resolution),
            None => (Rule::Default, &self.default),
        }
    }

    /// The strategy alone.
    /// The strategy for every class of conflicts of a table; `None` if it is not the same for all.
    pub(crate) fn whatever_the_class(&self, table: &str) -> Option<&ConflictResolution> {
        match self.tables.get(table) {
            None => Some(&self.default),
            Some(rules) if rules.classes.is_empty() => Some(rules.default.as_ref().unwrap_or(&self.default)),
            Some(_) => None,
        }
    }

    pub(crate) fn resolution(&self, table: &str, class: ConflictClass) -> &ConflictResolution {
        let rules = self.tables.get(table);
        let by_class = rules.and_then(|rules| rules.classes.get(&class));
        by_class.or_else(|| rules.and_then(|rules| rules.default.as_ref())).unwrap_or(&self.default)
    }

    /// The field merge of a table, if its rows are merged by fields.
    pub(crate) fn field_merge(&self, table: &str) -> Option<&crate::conflict::FieldMerge> {
        self.resolution(table, ConflictClass::UpdateUpdate).field_merge()
    }

    /// Whether replicas that use this registry end in the same state.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`, with the rule and the reason: for a strategy that [`ConflictResolution::validate`] refuses, an empty table name,
    /// a class that cannot arise, and a table that merges fields in some conflicts and not in all, because the history of
    /// its rows would then depend on which conflicts it met.
    pub fn validate(&self) -> Result<()> {
        self.default.validate().map_err(|error| error.context("default"))?;
        self.check_merge("", "default")?;
        for (table, rules) in &self.tables {
            if table.is_empty() {
                return Err(Error::invalid("a rule for a table without a name"));
            }
            if let Some(resolution) = &rules.default {
                resolution.validate().map_err(|error| error.context(table))?;
            }
            for (class, resolution) in &rules.classes {
                let rule = format!("{table}/{class}");
                if !ARISING.contains(class) {
                    let message = format!(
                        "{rule}: cannot arise, because what happened to a row since the ancestor counts as a whole: an insert beside an update or a delete is never one"
                    );
                    return Err(Error::invalid(message));
                }
                resolution.validate().map_err(|error| error.context(rule))?;
            }
            self.check_merge(table, table)?;
        }
        Ok(())
    }

    fn check_merge(&self, table: &str, name: &str) -> Result<()> {
        let by_class = ARISING.map(|class| (class, self.resolution(table, class)));
        let Some((_, merging)) = by_class.iter().find(|(_, resolution)| resolution.field_merge().is_some())
        else {
            return Ok(());
        };
        let merge = merging.field_merge();
        for (class, resolution) in by_class {
            let fits = match class {
                // The row is gone whoever wins, unless a function says otherwise.
                ConflictClass::DeleteDelete => {
                    !matches!(resolution.last_fallback(), ConflictResolution::Custom { .. })
                }
                _ => resolution.field_merge() == merge,
            };
            if !fits {
                let message = format!(
                    "{name}: the fields of its rows are merged by {merging}, so {class} cannot be resolved by {resolution}: a third entry can change the class of a conflict, and what was merged would come apart"
                );
                return Err(Error::invalid(message));
            }
        }
        Ok(())
    }

    /// Every custom resolver that it names, with its version.
    pub fn custom_resolvers(&self) -> Vec<(String, u32)> {
        let tables = self.tables.values();
        let by_table = tables.flat_map(|rules| rules.default.iter().chain(rules.classes.values()));
        let mut found: Vec<_> = std::iter::once(&self.default)
            .chain(by_table)
            .filter_map(|resolution| match resolution.last_fallback() {
                ConflictResolution::Custom { name, version } => Some((name.clone(), *version)),
                _ => None,
            })
            .collect();
        found.sort();
        found.dedup();
        found
    }

    /// The first 16 bytes of the BLAKE3 hash of [`ResolverRegistry::to_json`], in hexadecimal: the same for equal registries only.
    pub fn fingerprint(&self) -> String {
        let mut hasher = blake3::Hasher::new_derive_key("causelog resolver registry v1");
        hasher.update(self.to_json().as_bytes());
        let mut fingerprint = [0; 16];
        hasher.finalize_xof().fill(&mut fingerprint);
        crate::payload::hex(&fingerprint)
    }

    /// The registry as one line of JSON, the same for equal registries.
    pub fn to_json(&self) -> String {
        // Every key is a string: there is nothing to fail on.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The registry that this JSON says.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when it is not what [`ResolverRegistry::to_json`] gives, or as [`ResolverRegistry::validate`].
    ///
    /// ```
    /// use causelog::ResolverRegistry;
    /// let text = r#"{"default":"last_write_wins","tables":{"stock":{"classes":{"update_delete":"manual"}}}}"#;
    /// assert_eq!(ResolverRegistry::from_json(text)?.to_json(), text);
    /// # Ok::<(), causelog::Error>(())
    /// ```
    pub fn from_json(text: &str) -> Result<ResolverRegistry> {
        // Deserializing alone would take a list of the fields as well.
        if !text.trim_start().starts_with('{') {
            return Err(Error::invalid("not a resolver registry: it is no JSON object"));
        }
        let registry: ResolverRegistry = serde_json::from_str(text)
            .map_err(|error| Error::invalid(format!("not a resolver registry: {error}")))?;
        registry.validate()?;
        Ok(registry)
    }
}
