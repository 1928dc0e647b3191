use std::borrow::Cow;
use std::fmt;

use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::change::{ChangeEntry, Metadata};
use crate::clock::VectorClock;
use crate::conflict::detector::conflict_id;
use crate::conflict::{ConflictClass, ConflictResolution, ConflictType, ReasonCode};
use crate::id::{Dot, RowId};
use crate::payload::{self, Payload};
use crate::time::Timestamp;

/// Which entry won.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Winner {
    /// The head with this dot.
    Head(Dot),
    /// None of them alone: the value was put together, or is the resolver's own.
    Merged,
    /// Nobody yet: somebody has to decide. The value is provisional.
    Pending,
}

impl fmt::Display for Winner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Winner::Head(dot) => dot.fmt(f),
            Winner::Merged => f.write_str("merged"),
            Winner::Pending => f.write_str("pending"),
        }
    }
}

/// One of the two sides of a conflict between two entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// The entry that was here.
    Local,
    /// The entry that came.
    Remote,
}

impl Side {
    /// Both sides.
    pub const ALL: [Side; 2] = [Side::Local, Side::Remote];

    /// The name used by every surface: `local`, `remote`.
    pub const fn name(self) -> &'static str {
        match self {
            Side::Local => "local",
            Side::Remote => "remote",
        }
    }
}

/// Which entries disagreed, who won, by which strategy, and why.
///
/// Its id, JSON and text forms are rendered when asked for, and hold only what every
/// replica agrees on: they come out the same everywhere, byte for byte. Which side
/// was local and when it was noticed are kept beside them.
///
/// The report of a [`ConflictDetector`](crate::ConflictDetector) borrows the entries that it was given;
/// [`ConflictReport::into_owned`] makes it independent of them, as a replica's reports are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConflictReport<'a> {
    /// The table of all entries.
    pub table: Cow<'a, str>,
    /// The row of all entries.
    pub row_id: RowId,
    /// The kind of conflict, whichever side looks at it.
    pub class: ConflictClass,
    /// The entries that were resolved, in canonical order: the last is the latest.
    pub heads: Vec<Cow<'a, ChangeEntry>>,
    /// The row's payload before the heads parted; `None` if it was not there, has none, or nothing is known
    /// of it, as to the plain detector.
    pub ancestor: Option<Vec<u8>>,
    /// How it was decided.
    pub strategy: ConflictResolution,
    /// Which rule of the registry named the strategy; `None` if there was no registry.
    pub rule: Option<String>,
    /// The fingerprint of the registry that was in force.
    pub registry: Option<String>,
    /// Who won.
    pub winner: Winner,
    /// Why, for machines.
    pub reason_code: ReasonCode,
    /// The entry that has seen all heads and so settled the conflict; `None` while it stands.
    pub settled_by: Option<Dot>,
    /// When this was noticed, here.
    pub detected_at: Timestamp,
    /// Whether the row is there.
    pub(super) is_live: bool,
    /// The head whose value the row has, if it has one's.
    pub(super) value_from: Option<Dot>,
    /// The row's value, where it is not that of `value_from`.
    pub(super) own_value: Option<Vec<u8>>,
    /// The head that came second.
    pub(super) runner_up: Option<Dot>,
    pub(super) sides: Option<Sides>,
}

/// What only one side's view adds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sides {
    pub(super) local: Dot,
    pub(super) conflict_type: ConflictType,
}

impl ConflictReport<'_> {
    /// The same on every replica: a hash of table, row and the entries' dots. It is worked out at each call.
    pub fn id(&self) -> Uuid {
        conflict_id(&self.table, &self.row_id, self.heads.iter().map(|head| head.dot()))
    }

    /// The same report, of entries of its own.
    pub fn into_owned(self) -> ConflictReport<'static> {
        let own = |entry: Cow<'_, ChangeEntry>| Cow::Owned(entry.into_owned());
        ConflictReport {
            table: Cow::Owned(self.table.into_owned()),
            row_id: self.row_id,
            heads: self.heads.into_iter().map(own).collect(),
            class: self.class,
            ancestor: self.ancestor,
            strategy: self.strategy,
            rule: self.rule,
            registry: self.registry,
            winner: self.winner,
            reason_code: self.reason_code,
            settled_by: self.settled_by,
            detected_at: self.detected_at,
            is_live: self.is_live,
            value_from: self.value_from,
            own_value: self.own_value,
            runner_up: self.runner_up,
            sides: self.sides,
        }
    }

    /// The shape as the local side sees it; `None` unless the report is of a
    /// [`Conflict`](crate::Conflict), which has sides.
    pub fn conflict_type(&self) -> Option<ConflictType> {
        self.sides.map(|sides| sides.conflict_type)
    }

    /// The side that won; `None` if nobody did, or the report has no sides.
    pub fn winning_side(&self) -> Option<Side> {
        let Winner::Head(winner) = self.winner else { return None };
        let local = self.sides?.local;
        Some(if winner == local { Side::Local } else { Side::Remote })
    }

    /// The entry that won; `None` if nobody did.
    pub fn winning_entry(&self) -> Option<&ChangeEntry> {
        match self.winner {
            Winner::Head(dot) => self.head(dot),
            Winner::Merged | Winner::Pending => None,
        }
    }

    /// The row's payload as resolved, provisionally so while the winner is pending; `None` if the row is deleted.
    pub fn value(&self) -> Option<&[u8]> {
        match &self.own_value {
            _ if !self.is_live => None,
            Some(value) => Some(value),
            None => self.head(self.value_from?)?.after.as_deref(),
        }
    }

    /// Whether the row is there as resolved.
    pub fn leaves_live(&self) -> bool {
        self.is_live
    }

    fn head(&self, dot: Dot) -> Option<&ChangeEntry> {
        self.heads.iter().map(|head| &**head).find(|head| head.dot() == dot)
    }

    /// Why it came out so, for people.
    pub fn reason(&self) -> String {
        let describe = |dot: Dot| match self.head(dot) {
            Some(head) => format!("the {} {} of {}", head.operation, head.dot(), head.timestamp),
            None => dot.to_string(),
        };
        let last = self.value_from.map_or_else(|| "nobody".to_owned(), describe);
        let beaten = self.runner_up.map(describe);
        let others = beaten.clone().unwrap_or_else(|| "the others".to_owned());
        let provisional = format!("the value is that of {last} until");
        match (self.reason_code, &beaten) {
            (ReasonCode::CausallyLater, _)
            | (ReasonCode::LaterTimestamp | ReasonCode::HigherNode | ReasonCode::HigherPayloadHash, None) => {
                format!("{last} wins: its author had seen every other entry")
            }
            (ReasonCode::LaterTimestamp, _) => format!("{last} wins: it is later than {others}"),
            (ReasonCode::LaterSuccession, _) => format!(
                "{last} wins over {others}: it follows a later write of the row, though its wall clock was not ahead"
            ),
            (ReasonCode::HigherNode, _) => {
                format!("{last} wins over {others}: their timestamps are equal and its node id is higher")
            }
            (ReasonCode::HigherPayloadHash, _) => {
                format!(
                    "{last} wins over {others}: timestamps and nodes are equal and its payload hash is higher"
                )
            }
            (ReasonCode::EarlierWrite, _) => {
                format!(
                    "{last} wins over {others}: the row's earliest write that not both have seen is on its side"
                )
            }
            (ReasonCode::HigherPriority, _) => format!("{last} wins over {others}: its node has priority"),
            (ReasonCode::DeleteWins, _) => format!("{last} wins: the row was deleted while others kept it"),
            (ReasonCode::UpdateWins, _) => format!("{last} wins: it keeps the row that others deleted"),
            (ReasonCode::FieldsMerged, _) => "nobody wins: the row was merged field by field".to_owned(),
            (ReasonCode::NotAnObject, _) => format!(
                "{last} wins: a payload is no JSON object, so that there are no fields to merge, and it is the latest"
            ),
            (ReasonCode::Custom, _) => match self.winner {
                Winner::Head(_) => format!("{last} wins: the application's resolver chose it"),
                Winner::Merged | Winner::Pending => {
                    "nobody wins: the application's resolver gave another value".to_owned()
                }
            },
            (ReasonCode::Concurrent, _) => format!(
                "nobody wins: {last} and {others} are concurrent and {} does not choose between such; the value is that of the former until somebody decides",
                self.strategy
            ),
            (ReasonCode::Deferred, _) => {
                format!(
                    "nobody wins: the application's resolver left it open; {provisional} somebody decides"
                )
            }
            (ReasonCode::ResolverMissing, _) => {
                format!("nobody wins: the application's resolver is not registered; {provisional} it is")
            }
            (ReasonCode::ResolverFailed, _) => {
                format!("nobody wins: the application's resolver failed; {provisional} somebody decides")
            }
        }
    }

    /// The report as one line of compact JSON, the same on every replica, byte for byte.
    ///
    /// Payloads that are JSON stand in it as such; others in hexadecimal, under
    /// `after_hex`, `before_hex` and `value_hex`. What is absent is left out. Positions and verdicts are left out,
    /// being local to a log.
    pub fn to_json(&self) -> String {
        let heads = self.heads.iter().map(|head| HeadForm::of(head)).collect();
        let (value, value_hex) = payload::split(self.value());
        let (ancestor, ancestor_hex) = payload::split(self.ancestor.as_deref());
        let form = ReportForm {
            id: self.id(),
            state: if self.settled_by.is_some() { "settled" } else { "standing" },
            settled_by: self.settled_by.map(|dot| dot.to_string()),
            table: &self.table,
            row_id: &self.row_id,
            class: self.class.name(),
            heads,
            ancestor,
            ancestor_hex,
            strategy: &self.strategy,
            rule: self.rule.as_deref(),
            registry: self.registry.as_deref(),
            winner: self.winner.to_string(),
            reason_code: self.reason_code.name(),
            reason: self.reason(),
            value,
            value_hex,
        };
        // Every key is a string and every number finite: there is nothing to fail on.
        serde_json::to_string(&form).unwrap_or_default()
    }
}

#[derive(Serialize)]
struct ReportForm<'a> {
    id: Uuid,
    state: &'a str,
    settled_by: Option<String>,
    table: &'a str,
    row_id: &'a RowId,
    class: &'a str,
    heads: Vec<HeadForm<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ancestor: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ancestor_hex: Option<String>,
    strategy: &'a ConflictResolution,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    registry: Option<&'a str>,
    winner: String,
    reason_code: &'a str,
    reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value_hex: Option<String>,
}

#[derive(Serialize)]
struct HeadForm<'a> {
    dot: String,
    transaction: String,
    timestamp: Timestamp,
    operation: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    before_hex: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after_hex: Option<String>,
    metadata: &'a Metadata,
    vector_clock: &'a VectorClock,
}

impl<'a> HeadForm<'a> {
    fn of(head: &'a ChangeEntry) -> Self {
        let (before, before_hex) = payload::split(head.before.as_deref());
        let (after, after_hex) = payload::split(head.after.as_deref());
        HeadForm {
            dot: head.dot().to_string(),
            transaction: head.transaction.to_string(),
            timestamp: head.timestamp,
            operation: head.operation.name(),
            before,
            before_hex,
            after,
            after_hex,
            metadata: &head.metadata,
            vector_clock: &head.vector_clock,
        }
    }
}

/// Several lines of text for people, the same on every replica.
impl fmt::Display for ConflictReport<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.settled_by {
            Some(dot) => format!("settled by {dot}"),
            None => "standing".to_owned(),
        };
        writeln!(f, "conflict {} ({state})", self.id())?;
        writeln!(f, "  row       {} of table {:?}", self.row_id, self.table)?;
        writeln!(f, "  class     {}", self.class)?;
        for (number, head) in self.heads.iter().enumerate() {
            writeln!(f, "  head {}    {} {} at {}", number + 1, head.operation, head.dot(), head.timestamp)?;
            writeln!(f, "    after   {}", Payload(head.after.as_deref()))?;
            writeln!(f, "    clock   {}", head.vector_clock)?;
        }
        if let Some(rule) = &self.rule {
            writeln!(f, "  ancestor  {}", Payload(self.ancestor.as_deref()))?;
            writeln!(f, "  rule      {rule}")?;
        }
        writeln!(f, "  strategy  {}", self.strategy)?;
        writeln!(f, "  winner    {}", self.winner)?;
        writeln!(f, "  reason    {}: {}", self.reason_code, self.reason())?;
        write!(f, "  value     {}", Payload(self.value()))
    }
}
