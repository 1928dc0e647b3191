use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};

/// How a conflict is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum ConflictResolution {
    /// The entry with the latest timestamp wins; of equal ones that of the higher
    /// node id, and last that with the higher payload hash. An entry that another
    /// one has seen never wins over it, whatever their timestamps.
    #[default]
    LastWriteWins,
    /// An entry that has seen all others wins; between concurrent ones nobody does,
    /// and the conflict waits for somebody to decide ([`Winner::Pending`](crate::Winner)).
    VectorClockCausal,
}

impl ConflictResolution {
    /// Every strategy.
    pub const ALL: [ConflictResolution; 2] =
        [ConflictResolution::LastWriteWins, ConflictResolution::VectorClockCausal];

    /// The name used by every surface: `last_write_wins`, `vector_clock_causal`.
    pub const fn name(self) -> &'static str {
        match self {
            ConflictResolution::LastWriteWins => "last_write_wins",
            ConflictResolution::VectorClockCausal => "vector_clock_causal",
        }
    }
}

impl fmt::Display for ConflictResolution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for ConflictResolution {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|resolution| resolution.name() == name).ok_or_else(|| {
            let known = Self::ALL.map(ConflictResolution::name).join(", ");
            Error::invalid(format!("unknown conflict resolution {name:?}: it is one of {known}"))
        })
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
}

impl ReasonCode {
    /// Every reason.
    pub const ALL: [ReasonCode; 5] = [
        ReasonCode::CausallyLater,
        ReasonCode::LaterTimestamp,
        ReasonCode::HigherNode,
        ReasonCode::HigherPayloadHash,
        ReasonCode::Concurrent,
    ];

    /// The name used by every surface, such as `later_timestamp`.
    pub const fn name(self) -> &'static str {
        match self {
            ReasonCode::CausallyLater => "causally_later",
            ReasonCode::LaterTimestamp => "later_timestamp",
            ReasonCode::HigherNode => "higher_node",
            ReasonCode::HigherPayloadHash => "higher_payload_hash",
            ReasonCode::Concurrent => "concurrent",
        }
    }
}

impl fmt::Display for ReasonCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
