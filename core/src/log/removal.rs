use crate::time::Timestamp;

/// Why entries were removed from a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u8)]
pub enum RemovalReason {
    /// They were older than the log is to keep.
    Age = 1,
    /// The log was larger than it is to be.
    Bytes = 2,
    /// Later entries of the same row had replaced them.
    Compaction = 3,
}

impl RemovalReason {
    /// Every reason.
    pub const ALL: [RemovalReason; 3] = [RemovalReason::Age, RemovalReason::Bytes, RemovalReason::Compaction];

    /// The name used by every surface: `age`, `bytes`, `compaction`.
    pub const fn name(self) -> &'static str {
        match self {
            RemovalReason::Age => "age",
            RemovalReason::Bytes => "bytes",
            RemovalReason::Compaction => "compaction",
        }
    }

    pub(super) fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| *reason as u8 == number)
    }
}

/// The record of something that a log no longer holds, kept for as long as the log: see [`ChangeLog::removals`](crate::ChangeLog::removals).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    /// Why it was removed.
    pub reason: RemovalReason,
    /// When, by the log's time source.
    pub at: Timestamp,
    /// LSN of the first entry removed.
    pub first_lsn: u64,
    /// LSN of the last entry removed. Age and bytes remove all between; compaction some.
    pub last_lsn: u64,
    /// How many entries were removed.
    pub entries: u64,
    /// By how many bytes that made the log's files shorter.
    pub bytes: u64,
    /// The rule that was applied, in words.
    pub detail: String,
}
