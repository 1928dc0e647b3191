use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::id::NodeId;

/// How a conflict is decided.
///
/// Every strategy is a function of the row's entries alone: whoever holds the same entries decides alike, without
/// a message and without writing anything.
///
/// In text a strategy is its name where it has no parameters, and a JSON object otherwise; both are read back.
///
/// ```
/// use causelog::ConflictResolution;
/// let simple: ConflictResolution = "last_write_wins".parse()?;
/// assert_eq!(simple, ConflictResolution::LastWriteWins);
/// let text = r#"{"kind":"delete_wins","fallback":"first_write_wins"}"#;
/// let strategy: ConflictResolution = text.parse()?;
/// assert_eq!(strategy.to_string(), text);
/// # Ok::<(), causelog::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(from = "Form", into = "Form")]
#[non_exhaustive]
pub enum ConflictResolution {
    /// The latest entry wins. A replica counts an entry as later than all that its author had seen of the row, whatever
    /// the wall clocks said; the plain detector, which knows no history, goes by the timestamp. Of equal ones that of the
    /// higher node id wins, and last that with the higher payload hash.
    #[default]
    LastWriteWins,
    /// Of two entries the one wins whose past, with itself, holds the earliest entry that the other's does not. So
    /// who was first may go on editing the row.
    FirstWriteWins,
    /// The entry of the node that comes first in this list wins. Nodes that are not listed come last; among
    /// those, and between entries of one node, the latest wins.
    NodePriority(Vec<NodeId>),
    /// An entry that has seen all others wins. Between concurrent ones the fallback decides; without one nobody does, and
    /// the conflict waits for somebody as with [`ConflictResolution::Manual`].
    VectorClockCausal {
        /// What decides between concurrent entries.
        fallback: Option<Box<ConflictResolution>>,
    },
    /// A delete wins over entries that leave the row alive. What is left is resolved by the fallback.
    DeleteWins {
        /// What decides between the entries that are left.
        fallback: Box<ConflictResolution>,
    },
    /// Entries that leave the row alive win over deletes. What is left is resolved by the fallback.
    UpdateWins {
        /// What decides between the entries that are left.
        fallback: Box<ConflictResolution>,
    },
    /// The row is merged field by field.
    FieldMerge(FieldMerge),
    /// Nobody wins until somebody decides. Until then the row has the value of the latest entry.
    Manual,
    /// A function of the application decides, found by its name and version.
    Custom {
        /// The name under which the function was registered.
        name: String,
        /// Its version: another one may decide differently, and is another rule.
        version: u32,
    },
}

/// How rows that are JSON objects are merged field by field.
///
/// A field that only one side changed keeps that change; an edit that leaves a field alone never moves it. Where both
/// changed it, its policy decides. Rows that are no JSON objects are resolved as by [`ConflictResolution::LastWriteWins`].
///
/// ```
/// use causelog::{ConflictResolution, FieldMerge, FieldPolicy, Liveness};
/// let merge = FieldMerge::new(Liveness::UpdateWins)
///     .with_field("stock", FieldPolicy::Counter)
///     .with_field("tags", FieldPolicy::Set);
/// let strategy = ConflictResolution::FieldMerge(merge);
/// let text = r#"{"kind":"field_merge","liveness":"update_wins","fields":{"stock":"counter","tags":"set"}}"#;
/// assert_eq!(strategy.to_string(), text);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FieldMerge {
    /// Whether the row is there when one side deleted it and another did not.
    pub liveness: Liveness,
    /// What decides between concurrent changes of a field, by its name. Of a field that is not named the
    /// latest change wins.
    pub fields: BTreeMap<String, FieldPolicy>,
}

impl FieldMerge {
    /// A merge in which the latest change of every field wins.
    pub fn new(liveness: Liveness) -> FieldMerge {
        FieldMerge { liveness, fields: BTreeMap::new() }
    }

    /// The same merge with a policy for one more field.
    #[must_use]
    pub fn with_field(mut self, name: impl Into<String>, policy: FieldPolicy) -> FieldMerge {
        self.fields.insert(name.into(), policy);
        self
    }

    /// The policy for a field.
    pub fn policy(&self, field: &str) -> FieldPolicy {
        self.fields.get(field).copied().unwrap_or_default()
    }

    /// Whether some field is a counter.
    pub fn has_counters(&self) -> bool {
        self.fields.values().any(|policy| *policy == FieldPolicy::Counter)
    }
}

/// Whether a row is there when some deleted it while others changed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Liveness {
    /// Whatever the latest of them did.
    #[default]
    LastWriteWins,
    /// It is gone.
    DeleteWins,
    /// It is there.
    UpdateWins,
}

impl Liveness {
    /// Every one.
    pub const ALL: [Liveness; 3] = [Liveness::LastWriteWins, Liveness::DeleteWins, Liveness::UpdateWins];

    /// The name used by every surface: `last_write_wins`, `delete_wins`, `update_wins`.
    pub const fn name(self) -> &'static str {
        match self {
            Liveness::LastWriteWins => "last_write_wins",
            Liveness::DeleteWins => "delete_wins",
            Liveness::UpdateWins => "update_wins",
        }
    }
}

/// What decides between concurrent changes of one field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldPolicy {
    /// The latest change wins.
    #[default]
    LastWriteWins,
    /// The largest value wins: `null`, then `false`, `true`, numbers, strings, arrays, objects, each by value. Who
    /// removed the field loses against who set it.
    Max,
    /// The smallest value wins, in the same order. Who removed the field loses against who set it.
    Min,
    /// The field is an array that is taken as a set, and holds what somebody put in whom nobody who had seen it has
    /// contradicted. Merged, it is sorted. Anything but an array is resolved as [`FieldPolicy::LastWriteWins`].
    Set,
    /// The field is a 64-bit integer, and what everybody added to it is added up; who removes it takes away what he saw. Anything but an integer, and a sum that
    /// leaves the range, is resolved as [`FieldPolicy::LastWriteWins`].
    Counter,
}

impl FieldPolicy {
    /// Every policy.
    pub const ALL: [FieldPolicy; 5] = [
        FieldPolicy::LastWriteWins,
        FieldPolicy::Max,
        FieldPolicy::Min,
        FieldPolicy::Set,
        FieldPolicy::Counter,
    ];

    /// The name used by every surface: `last_write_wins`, `max`, `min`, `set`, `counter`.
    pub const fn name(self) -> &'static str {
        match self {
            FieldPolicy::LastWriteWins => "last_write_wins",
            FieldPolicy::Max => "max",
            FieldPolicy::Min => "min",
            FieldPolicy::Set => "set",
            FieldPolicy::Counter => "counter",
        }
    }
}

impl ConflictResolution {
    /// The name of every strategy, as used by every surface.
    pub const KINDS: [&'static str; 9] = [
        "last_write_wins",
        "first_write_wins",
        "node_priority",
        "vector_clock_causal",
        "delete_wins",
        "update_wins",
        "field_merge",
        "manual",
        "custom",
    ];

    /// Its name without its parameters, such as `delete_wins`.
    pub const fn kind(&self) -> &'static str {
        match self {
            ConflictResolution::LastWriteWins => "last_write_wins",
            ConflictResolution::FirstWriteWins => "first_write_wins",
            ConflictResolution::NodePriority(_) => "node_priority",
            ConflictResolution::VectorClockCausal { .. } => "vector_clock_causal",
            ConflictResolution::DeleteWins { .. } => "delete_wins",
            ConflictResolution::UpdateWins { .. } => "update_wins",
            ConflictResolution::FieldMerge(_) => "field_merge",
            ConflictResolution::Manual => "manual",
            ConflictResolution::Custom { .. } => "custom",
        }
    }

    /// [`ConflictResolution::DeleteWins`] with this fallback.
    pub fn delete_wins(fallback: ConflictResolution) -> ConflictResolution {
        ConflictResolution::DeleteWins { fallback: Box::new(fallback) }
    }

    /// [`ConflictResolution::UpdateWins`] with this fallback.
    pub fn update_wins(fallback: ConflictResolution) -> ConflictResolution {
        ConflictResolution::UpdateWins { fallback: Box::new(fallback) }
    }

    /// The strategy that this one hands over to, if it does.
    pub fn fallback(&self) -> Option<&ConflictResolution> {
        match self {
            ConflictResolution::VectorClockCausal { fallback } => fallback.as_deref(),
            ConflictResolution::DeleteWins { fallback } | ConflictResolution::UpdateWins { fallback } => {
                Some(fallback)
            }
            ConflictResolution::LastWriteWins
            | ConflictResolution::FirstWriteWins
            | ConflictResolution::NodePriority(_)
            | ConflictResolution::FieldMerge(_)
            | ConflictResolution::Manual
            | ConflictResolution::Custom { .. } => None,
        }
    }

    /// Whether the strategy makes sense by itself.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT`, with the reason, for a node listed twice, a fallback that could never be asked or that contradicts
    /// what it is the fallback of, and a custom resolver without a name.
    pub fn validate(&self) -> Result<()> {
        let refuse = |why: &str| Err(Error::invalid(format!("resolution {self}: {why}")));
        match self {
            ConflictResolution::NodePriority(nodes) => {
                let mut sorted = nodes.clone();
                sorted.sort_unstable();
                let twice = sorted.windows(2).find_map(|pair| match pair {
                    [a, b] if a == b => Some(a),
                    _ => None,
                });
                if let Some(twice) = twice {
                    return refuse(&format!("node {twice} is listed twice"));
                }
            }
            ConflictResolution::VectorClockCausal { fallback: Some(fallback) }
                if matches!(**fallback, ConflictResolution::VectorClockCausal { .. }) =>
            {
                return refuse(
                    "the fallback is only asked about concurrent entries, between which it does not choose",
                );
            }
            ConflictResolution::DeleteWins { fallback } | ConflictResolution::UpdateWins { fallback } => {
                let mut below = Some(&**fallback);
                while let Some(strategy) = below {
                    let decided = matches!(
                        strategy,
                        ConflictResolution::DeleteWins { .. } | ConflictResolution::UpdateWins { .. }
                    );
                    if decided {
                        return refuse(
                            "the fallback never sees deletes beside live entries, so it cannot choose between them",
                        );
                    }
                    below = strategy.fallback();
                }
                let liveness = if matches!(self, ConflictResolution::DeleteWins { .. }) {
                    Liveness::DeleteWins
                } else {
                    Liveness::UpdateWins
                };
                if let Some(merge) = self.field_merge().filter(|merge| merge.liveness != liveness) {
                    return refuse(&format!(
                        "its field merge has the liveness {}, which would make another history of the row: use {}",
                        merge.liveness.name(),
                        liveness.name()
                    ));
                }
            }
            ConflictResolution::Custom { name, .. } if name.is_empty() => {
                return refuse("a custom resolver needs a name");
            }
            _ => {}
        }
        self.fallback().map_or(Ok(()), ConflictResolution::validate)
    }

    /// The field merge that it comes to in the end, if it does.
    pub(crate) fn field_merge(&self) -> Option<&FieldMerge> {
        match self {
            ConflictResolution::FieldMerge(merge) => Some(merge),
            other => other.fallback().and_then(ConflictResolution::field_merge),
        }
    }

    /// The strategy that decides in the end once all that comes before has had its say.
    pub(crate) fn last_fallback(&self) -> &ConflictResolution {
        self.fallback().map_or(self, ConflictResolution::last_fallback)
    }
}

/// A strategy as text: by name, or as an object.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Form {
    Name(Name),
    Object(Object),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Name {
    LastWriteWins,
    FirstWriteWins,
    VectorClockCausal,
    Manual,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum Object {
    LastWriteWins {},
    FirstWriteWins {},
    Manual {},
    NodePriority {
        order: Vec<NodeId>,
    },
    VectorClockCausal {
        #[serde(skip_serializing_if = "Option::is_none", default)]
        fallback: Option<Box<ConflictResolution>>,
    },
    DeleteWins {
        fallback: Box<ConflictResolution>,
    },
    UpdateWins {
        fallback: Box<ConflictResolution>,
    },
    FieldMerge {
        #[serde(default)]
        liveness: Liveness,
        #[serde(default)]
        fields: BTreeMap<String, FieldPolicy>,
    },
    Custom {
        name: String,
        version: u32,
    },
}

impl From<Form> for ConflictResolution {
    fn from(form: Form) -> Self {
        match form {
            Form::Name(Name::LastWriteWins) | Form::Object(Object::LastWriteWins {}) => {
                ConflictResolution::LastWriteWins
            }
            Form::Name(Name::FirstWriteWins) | Form::Object(Object::FirstWriteWins {}) => {
                ConflictResolution::FirstWriteWins
            }
            Form::Name(Name::Manual) | Form::Object(Object::Manual {}) => ConflictResolution::Manual,
            Form::Name(Name::VectorClockCausal) => ConflictResolution::VectorClockCausal { fallback: None },
            Form::Object(Object::NodePriority { order }) => ConflictResolution::NodePriority(order),
            Form::Object(Object::VectorClockCausal { fallback }) => {
                ConflictResolution::VectorClockCausal { fallback }
            }
            Form::Object(Object::DeleteWins { fallback }) => ConflictResolution::DeleteWins { fallback },
            Form::Object(Object::UpdateWins { fallback }) => ConflictResolution::UpdateWins { fallback },
            Form::Object(Object::FieldMerge { liveness, fields }) => {
                ConflictResolution::FieldMerge(FieldMerge { liveness, fields })
            }
            Form::Object(Object::Custom { name, version }) => ConflictResolution::Custom { name, version },
        }
    }
}

impl From<ConflictResolution> for Form {
    fn from(resolution: ConflictResolution) -> Self {
        match resolution {
            ConflictResolution::LastWriteWins => Form::Name(Name::LastWriteWins),
            ConflictResolution::FirstWriteWins => Form::Name(Name::FirstWriteWins),
            ConflictResolution::Manual => Form::Name(Name::Manual),
            ConflictResolution::VectorClockCausal { fallback: None } => Form::Name(Name::VectorClockCausal),
            ConflictResolution::NodePriority(order) => Form::Object(Object::NodePriority { order }),
            ConflictResolution::VectorClockCausal { fallback } => {
                Form::Object(Object::VectorClockCausal { fallback })
            }
            ConflictResolution::DeleteWins { fallback } => Form::Object(Object::DeleteWins { fallback }),
            ConflictResolution::UpdateWins { fallback } => Form::Object(Object::UpdateWins { fallback }),
            ConflictResolution::FieldMerge(FieldMerge { liveness, fields }) => {
                Form::Object(Object::FieldMerge { liveness, fields })
            }
            ConflictResolution::Custom { name, version } => Form::Object(Object::Custom { name, version }),
        }
    }
}

/// Its name, or a JSON object where it has parameters.
impl fmt::Display for ConflictResolution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Form::from(self.clone()) {
            Form::Name(_) => f.write_str(self.kind()),
            // Every key is a string: there is nothing to fail on.
            form => f.write_str(&serde_json::to_string(&form).unwrap_or_default()),
        }
    }
}

impl FromStr for ConflictResolution {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if !text.trim_start().starts_with('{') {
            let name = serde_json::from_value(serde_json::Value::from(text));
            return name.map(|name| ConflictResolution::from(Form::Name(name))).map_err(|_| {
                let message = if Self::KINDS.contains(&text) {
                    format!("conflict resolution {text:?} has parameters: write it as a JSON object")
                } else {
                    format!("unknown conflict resolution {text:?}: it is one of {}", Self::KINDS.join(", "))
                };
                Error::invalid(message)
            });
        }
        let object = serde_json::from_str(text).map(|object| ConflictResolution::from(Form::Object(object)));
        object.map_err(|error| Error::invalid(format!("not a conflict resolution: {error}: {text}")))
    }
}

/// Why a conflict came out as it did, for machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ReasonCode {
    /// The winner's author had seen all the other entries.
    CausallyLater,
    /// The winner has the latest timestamp.
    LaterTimestamp,
    /// Timestamps are equal; the winner has the higher node id.
    HigherNode,
    /// Timestamps and nodes are equal; the winner has the higher payload hash.
    HigherPayloadHash,
    /// The entries are concurrent and the strategy does not choose between such.
    Concurrent,
    /// The winner succeeds a later entry than the others do, though its own timestamp, by a wall clock that ran behind, is not the latest.
    LaterSuccession,
    /// The winner's past goes back to the earliest entry that not all have seen.
    EarlierWrite,
    /// The winner's node comes first in the list.
    HigherPriority,
    /// Deletes win over live entries; what was left was resolved by the fallback.
    DeleteWins,
    /// Live entries win over deletes; what was left was resolved by the fallback.
    UpdateWins,
    /// The value was put together field by field.
    FieldsMerged,
    /// The fields cannot be merged because a payload is no JSON object: the latest entry wins.
    NotAnObject,
    /// The application's resolver decided.
    Custom,
    /// The application's resolver left it to somebody to decide.
    Deferred,
    /// The application's resolver is not registered here: the value is that of the latest entry until it is.
    ResolverMissing,
    /// The application's resolver failed: the value is that of the latest entry until somebody decides.
    ResolverFailed,
}

impl ReasonCode {
    /// Every reason.
    pub const ALL: [ReasonCode; 16] = [
        ReasonCode::CausallyLater,
        ReasonCode::LaterTimestamp,
        ReasonCode::HigherNode,
        ReasonCode::HigherPayloadHash,
        ReasonCode::Concurrent,
        ReasonCode::LaterSuccession,
        ReasonCode::EarlierWrite,
        ReasonCode::HigherPriority,
        ReasonCode::DeleteWins,
        ReasonCode::UpdateWins,
        ReasonCode::FieldsMerged,
        ReasonCode::NotAnObject,
        ReasonCode::Custom,
        ReasonCode::Deferred,
        ReasonCode::ResolverMissing,
        ReasonCode::ResolverFailed,
    ];

    /// The name used by every surface, such as `later_timestamp`.
    pub const fn name(self) -> &'static str {
        match self {
            ReasonCode::CausallyLater => "causally_later",
            ReasonCode::LaterTimestamp => "later_timestamp",
            ReasonCode::HigherNode => "higher_node",
            ReasonCode::HigherPayloadHash => "higher_payload_hash",
            ReasonCode::Concurrent => "concurrent",
            ReasonCode::LaterSuccession => "later_succession",
            ReasonCode::EarlierWrite => "earlier_write",
            ReasonCode::HigherPriority => "higher_priority",
            ReasonCode::DeleteWins => "delete_wins",
            ReasonCode::UpdateWins => "update_wins",
            ReasonCode::FieldsMerged => "fields_merged",
            ReasonCode::NotAnObject => "not_an_object",
            ReasonCode::Custom => "custom",
            ReasonCode::Deferred => "deferred",
            ReasonCode::ResolverMissing => "resolver_missing",
            ReasonCode::ResolverFailed => "resolver_failed",
        }
    }
}

impl fmt::Display for ReasonCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
