use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::id::{IdSource, NodeId, RandomIds};
use crate::time::{SystemTime, TimeSource};

/// When an append returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Durability {
    /// After the bytes have reached the disk (`fdatasync`): a loss of power keeps them.
    #[default]
    Sync,
    /// After the bytes were handed to the operating system: a crash of the process
    /// keeps them, a loss of power may cost the last transactions, each as a whole.
    Os,
}

impl Durability {
    /// Every durability.
    pub const ALL: [Durability; 2] = [Durability::Sync, Durability::Os];

    /// The name used by every surface: `sync`, `os`.
    pub const fn name(self) -> &'static str {
        match self {
            Durability::Sync => "sync",
            Durability::Os => "os",
        }
    }
}

/// How a log is opened.
///
/// ```
/// use causelog::{ChangeLog, Durability, LogOptions};
/// let log = ChangeLog::in_memory(LogOptions { durability: Durability::Os, ..Default::default() })?;
/// # Ok::<(), causelog::Error>(())
/// ```
#[derive(Clone)]
pub struct LogOptions {
    /// The identity that a new log takes, instead of one from `ids`. A log that
    /// exists keeps its own; naming one that it never had is `INVALID_ARGUMENT`.
    pub node: Option<NodeId>,
    /// When an append returns.
    pub durability: Durability,
    /// How far a remote timestamp may lie ahead of local time. Default: 2 minutes.
    pub maximum_clock_skew: Duration,
    /// Where the time comes from.
    pub time: Arc<dyn TimeSource>,
    /// Where new identities come from.
    pub ids: Arc<dyn IdSource>,
}

impl LogOptions {
    /// The allowed clock skew unless told otherwise.
    pub const DEFAULT_MAXIMUM_CLOCK_SKEW: Duration = Duration::from_secs(120);
}

impl Default for LogOptions {
    fn default() -> Self {
        LogOptions {
            node: None,
            durability: Durability::default(),
            maximum_clock_skew: Self::DEFAULT_MAXIMUM_CLOCK_SKEW,
            time: Arc::new(SystemTime),
            ids: Arc::new(RandomIds),
        }
    }
}

impl fmt::Debug for LogOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogOptions")
            .field("node", &self.node)
            .field("durability", &self.durability)
            .field("maximum_clock_skew", &self.maximum_clock_skew)
            .finish_non_exhaustive()
    }
}
