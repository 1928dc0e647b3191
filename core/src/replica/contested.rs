use std::sync::Arc;

use smallvec::SmallVec;

use crate::id::RowId;
use crate::replica::rows::Head;

/// How a row's value came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RowState {
    /// One entry has seen all others, or the rules have decided between those that have not.
    Resolved,
    /// Somebody has to decide. The value is provisional, and the same everywhere.
    Pending,
    /// A function of the application has to decide, and is not registered here or has failed. The value is
    /// provisional, and may be another one on replicas where it has decided.
    Unresolved,
}

impl RowState {
    /// Every state.
    pub const ALL: [RowState; 3] = [RowState::Resolved, RowState::Pending, RowState::Unresolved];

    /// The name used by every surface: `resolved`, `pending`, `unresolved`.
    pub const fn name(self) -> &'static str {
        match self {
            RowState::Resolved => "resolved",
            RowState::Pending => "pending",
            RowState::Unresolved => "unresolved",
        }
    }
}

impl std::fmt::Display for RowState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// A row with several heads.
#[derive(Debug, Clone)]
pub(super) struct Contested {
    pub(super) table: Arc<str>,
    pub(super) row_id: RowId,
    /// In canonical order.
    pub(super) heads: SmallVec<[Head; 2]>,
    /// What the heads come to, once it was worked out.
    pub(super) outcome: Option<Outcome>,
}

/// What several heads come to.
#[derive(Debug, Clone)]
pub(super) struct Outcome {
    pub(super) value: Standing,
    pub(super) state: RowState,
}

/// A row's value, where it is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Standing {
    /// The row is not there.
    Absent,
    /// The entry with this LSN carries it.
    At(u64),
    /// Nobody carries it.
    Merged(Arc<[u8]>),
}

impl Contested {
    /// How much memory it takes, roughly, in bytes.
    pub(super) fn memory(&self) -> usize {
        let heads = if self.heads.spilled() { self.heads.capacity() * size_of::<Head>() } else { 0 };
        let merged = match &self.outcome {
            Some(Outcome { value: Standing::Merged(bytes), .. }) => bytes.len(),
            _ => 0,
        };
        size_of::<Contested>() + heads + merged + self.table.len() + self.row_id.encode().len()
    }
}
