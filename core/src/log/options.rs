use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::id::{IdSource, NodeId, RandomIds};
use crate::time::{SystemTime, TimeSource};

/// When an append returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Durability {
    /// After the bytes have reached the disk (`fdatasync`): a loss of power keeps them.
    #[default]
    Sync,
    /// After the bytes were handed to the operating system, which is asked to put them on
    /// the disk whenever [`LogOptions::sync_interval`] has passed: a crash of the process keeps
    /// them, a loss of power may cost the last transactions, each as a whole. The first
    /// append after the time is up syncs, or [`ChangeLog::maintain`](crate::ChangeLog::maintain), whichever comes first.
    Interval,
    /// After the bytes were handed to the operating system: a crash of the process
    /// keeps them, a loss of power may cost the last transactions, each as a whole.
    Os,
}

impl Durability {
    /// Every durability.
    pub const ALL: [Durability; 3] = [Durability::Sync, Durability::Interval, Durability::Os];

    /// The name used by every surface: `sync`, `interval`, `os`.
    pub const fn name(self) -> &'static str {
        match self {
            Durability::Sync => "sync",
            Durability::Interval => "interval",
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
    /// How long entries may lie in the operating system's hands under [`Durability::Interval`]. Default: 100 ms.
    pub sync_interval: Duration,
    /// How far a remote timestamp may lie ahead of local time. Default: 2 minutes.
    pub maximum_clock_skew: Duration,
    /// From how many bytes on a segment is sealed and the next one begun: 4 KiB to 1 GiB. Default: 64 MiB.
    pub segment_bytes: u64,
    /// Whether only to read: beside a writer in any process, and without one. Appends are then `READ_ONLY`, and
    /// what the writer appends is seen as it comes.
    pub read_only: bool,
    /// Whether to read sealed segments through a memory map instead of `pread`, where the storage can do that, and to write
    /// small transactions through one under [`Durability::Os`] and [`Durability::Interval`]. Scans then copy nothing, and such
    /// appends make no system call. The price: should the disk fail, or somebody cut a file from outside, the
    /// operating system sends the process a SIGBUS, which ends it, instead of an error. [`ChangeLog::verify`](crate::ChangeLog::verify) never
    /// reads so, nor is the segment that is being written ever read so. Default: false.
    pub memory_map: bool,
    /// Where the time comes from.
    pub time: Arc<dyn TimeSource>,
    /// Where new identities come from.
    pub ids: Arc<dyn IdSource>,
}

impl LogOptions {
    /// The allowed clock skew unless told otherwise.
    pub const DEFAULT_MAXIMUM_CLOCK_SKEW: Duration = Duration::from_secs(120);
    /// The time between syncs unless told otherwise.
    pub const DEFAULT_SYNC_INTERVAL: Duration = Duration::from_millis(100);
    /// The length of a segment unless told otherwise.
    pub const DEFAULT_SEGMENT_BYTES: u64 = 64 << 20;

    pub(super) fn validate(&self) -> Result<()> {
        if !(4 << 10..=1 << 30).contains(&self.segment_bytes) {
            let message = format!("segment_bytes is {}: 4096 to 1073741824 are possible", self.segment_bytes);
            return Err(Error::invalid(message));
        }
        if self.sync_interval.is_zero() {
            return Err(Error::invalid("sync_interval is 0: use the durability sync"));
        }
        Ok(())
    }
}

impl Default for LogOptions {
    fn default() -> Self {
        LogOptions {
            node: None,
            durability: Durability::default(),
            sync_interval: Self::DEFAULT_SYNC_INTERVAL,
            maximum_clock_skew: Self::DEFAULT_MAXIMUM_CLOCK_SKEW,
            segment_bytes: Self::DEFAULT_SEGMENT_BYTES,
            read_only: false,
            memory_map: false,
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
            .field("sync_interval", &self.sync_interval)
            .field("maximum_clock_skew", &self.maximum_clock_skew)
            .field("segment_bytes", &self.segment_bytes)
            .field("read_only", &self.read_only)
            .field("memory_map", &self.memory_map)
            .finish_non_exhaustive()
    }
}
