use std::sync::Arc;

use uuid::Uuid;

use crate::change::ChangeEntry;
use crate::conflict::report::Sides;
use crate::conflict::{ConflictClass, ConflictReport, ConflictResolution, ConflictType, ReasonCode, Winner};
use crate::error::{Error, ErrorCode, Result};
use crate::id::{Dot, RowId};
use crate::time::{SystemTime, TimeSource, Timestamp};

/// Two concurrent entries of one row that disagree, as the side that has the first of them sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The same on every replica and from both sides: a hash of table, row and the entries' dots.
    pub id: Uuid,
    /// The local operation, then the remote one.
    pub conflict_type: ConflictType,
    /// The table of both entries.
    pub table: String,
    /// The row of both entries.
    pub row_id: RowId,
    /// The entry that was here, with its clock.
    pub local_entry: ChangeEntry,
    /// The entry that came, with its clock.
    pub remote_entry: ChangeEntry,
    /// When this was noticed, here.
    pub detected_at: Timestamp,
}

/// Finds conflicts between entries, and resolves sets of them by one strategy.
///
/// It needs no log: the entries carry all that it looks at. It has no state but
/// its settings, and may be used from several threads at once.
///
/// ```
/// use causelog::{Change, ChangeLog, ConflictDetector, ConflictResolution, LogOptions, QueryOptions, VectorClock};
///
/// // Two replicas insert the same row without having heard of each other …
/// let (here, there) = (ChangeLog::in_memory(LogOptions::default())?, ChangeLog::in_memory(LogOptions::default())?);
/// here.append(Change::insert("orders", 42, r#"{"qty":1}"#))?;
/// there.append(Change::insert("orders", 42, r#"{"qty":2}"#))?;
/// // … and one takes in the other's log.
/// for transaction in there.transactions(&VectorClock::new())? {
///     here.append_remote(&transaction?)?;
/// }
/// let heads = here.query(QueryOptions::row("orders", 42))?.collect::<causelog::Result<Vec<_>>>()?;
///
/// let detector = ConflictDetector::new(ConflictResolution::LastWriteWins);
/// let conflict = detector.detect(&heads[0], &heads[1])?.expect("neither had seen the other");
/// let report = detector.report(&conflict)?;
/// println!("{report}");
/// # Ok::<(), causelog::Error>(())
/// ```
#[derive(Clone)]
pub struct ConflictDetector {
    resolution: ConflictResolution,
    time: Arc<dyn TimeSource>,
}

impl ConflictDetector {
    /// A detector that resolves by `resolution`.
    pub fn new(resolution: ConflictResolution) -> Self {
        Self::with_time(resolution, Arc::new(SystemTime))
    }

    /// A detector that takes the time it notes down as `detected_at` from `time`.
    pub fn with_time(resolution: ConflictResolution, time: Arc<dyn TimeSource>) -> Self {
        ConflictDetector { resolution, time }
    }

    /// The strategy it resolves by.
    pub fn resolution(&self) -> ConflictResolution {
        self.resolution
    }

    /// The conflict between these two entries, if there is one.
    ///
    /// There is none when one author had seen the other's entry, when both are the
    /// same entry, and when both left the row in the same state (identical `after`,
    /// two deletes among them), for then there is nothing to disagree about.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when the entries are not of one row; `DOT_REUSE` when they have one dot but differ.
    pub fn detect(&self, local: &ChangeEntry, remote: &ChangeEntry) -> Result<Option<Conflict>> {
        same_row(local, remote)?;
        if same_entry(local, remote)?
            || local.happens_before(remote)
            || remote.happens_before(local)
            || local.after == remote.after
        {
            return Ok(None);
        }
        Ok(Some(Conflict {
            id: conflict_id([local, remote]),
            conflict_type: ConflictType::of(local.operation, remote.operation),
            table: local.table.clone(),
            row_id: local.row_id.clone(),
            local_entry: local.clone(),
            remote_entry: remote.clone(),
            detected_at: self.time.now(),
        }))
    }

    /// Resolves a conflict between two entries and reports it as its local side sees it.
    ///
    /// # Errors
    /// As [`ConflictDetector::resolve`], for a conflict that was not made by [`ConflictDetector::detect`].
    pub fn report(&self, conflict: &Conflict) -> Result<ConflictReport> {
        let local = &conflict.local_entry;
        let mut report = self.resolve([local, &conflict.remote_entry], None)?;
        report.detected_at = conflict.detected_at;
        report.sides = Some(Sides { local: local.dot(), conflict_type: conflict.conflict_type });
        Ok(report)
    }

    /// Resolves a set of entries of one row, normally its concurrent heads, and reports how.
    ///
    /// The order of the entries makes no difference, nor does one given twice. With
    /// `settled_by`, the dot of the entry that has seen them all, the report is of a
    /// settled conflict; without, of a standing one.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when there are fewer than two different entries or they are
    /// not of one row; `DOT_REUSE` when two have one dot but differ.
    pub fn resolve<'a>(
        &self,
        entries: impl IntoIterator<Item = &'a ChangeEntry>,
        settled_by: Option<Dot>,
    ) -> Result<ConflictReport> {
        let mut heads: Vec<ChangeEntry> = Vec::new();
        for entry in entries {
            let mut known = false;
            for head in &heads {
                same_row(head, entry)?;
                known |= same_entry(head, entry)?;
            }
            if !known {
                heads.push(entry.clone());
            }
        }
        heads.sort_by_cached_key(order);
        let too_few =
            || Error::invalid(format!("a conflict is between two entries at least, not {}", heads.len()));
        let class = ConflictClass::of(heads.iter().map(|entry| entry.operation)).ok_or_else(too_few)?;
        let [.., _, latest] = heads.as_slice() else { return Err(too_few()) };

        let seen_by_another = |entry: &ChangeEntry| heads.iter().any(|other| entry.happens_before(other));
        let mut maximal = heads.iter().rev().filter(|entry| !seen_by_another(entry));
        // Only forged clocks leave no entry that no other has seen; the canonical order decides then, too.
        let last = maximal.next().unwrap_or(latest);
        let runner_up = maximal.next();
        let (winner, reason_code) = match (runner_up, self.resolution) {
            (None, _) => (Winner::Head(last.dot()), ReasonCode::CausallyLater),
            (Some(runner_up), ConflictResolution::LastWriteWins) => {
                (Winner::Head(last.dot()), advantage(last, runner_up))
            }
            (Some(_), ConflictResolution::VectorClockCausal) => (Winner::Pending, ReasonCode::Concurrent),
        };
        Ok(ConflictReport {
            id: conflict_id(&heads),
            table: last.table.clone(),
            row_id: last.row_id.clone(),
            class,
            strategy: self.resolution,
            winner,
            reason_code,
            settled_by,
            detected_at: self.time.now(),
            value_from: last.dot(),
            runner_up: runner_up.map(ChangeEntry::dot),
            sides: None,
            heads,
        })
    }
}

/// The canonical order of entries: by timestamp, node, payload hash. The sequence
/// only tells apart what a forged history could make equal in all three.
fn order(entry: &ChangeEntry) -> (Timestamp, crate::id::NodeId, [u8; 16], u64) {
    (entry.timestamp, entry.node, entry.payload_hash(), entry.sequence)
}

/// What puts `winner` above `other` in canonical order.
fn advantage(winner: &ChangeEntry, other: &ChangeEntry) -> ReasonCode {
    if winner.timestamp != other.timestamp {
        ReasonCode::LaterTimestamp
    } else if winner.node != other.node {
        ReasonCode::HigherNode
    } else {
        ReasonCode::HigherPayloadHash
    }
}

fn same_row(a: &ChangeEntry, b: &ChangeEntry) -> Result<()> {
    if a.table == b.table && a.row_id == b.row_id {
        return Ok(());
    }
    let message = format!(
        "entries of two rows: row {} of table {:?} and row {} of table {:?}",
        a.row_id, a.table, b.row_id, b.table
    );
    Err(Error::invalid(message))
}

/// Whether both are the same entry, wherever they were read.
fn same_entry(a: &ChangeEntry, b: &ChangeEntry) -> Result<bool> {
    if a.dot() != b.dot() {
        return Ok(false);
    }
    // Position and verdict are each log's own; all else goes into the report.
    let same = a.transaction == b.transaction
        && a.operation == b.operation
        && a.timestamp == b.timestamp
        && a.before == b.before
        && a.after == b.after
        && a.metadata == b.metadata
        && a.vector_clock == b.vector_clock;
    if same {
        return Ok(true);
    }
    Err(Error::new(ErrorCode::DotReuse, format!("two different entries have the dot {}", a.dot())))
}

/// The identity of a conflict: the BLAKE3 hash of table, row and sorted dots,
/// truncated to the 122 bits that a version 8 UUID (RFC 9562) leaves free.
fn conflict_id<'a>(heads: impl IntoIterator<Item = &'a ChangeEntry>) -> Uuid {
    let mut dots = Vec::new();
    let mut row = Vec::new();
    for head in heads {
        dots.push(head.dot());
        if row.is_empty() {
            row.extend_from_slice(&(head.table.len() as u64).to_le_bytes());
            row.extend_from_slice(head.table.as_bytes());
            head.row_id.encode_into(&mut row);
        }
    }
    dots.sort_unstable();
    let mut hasher = blake3::Hasher::new_derive_key("causelog conflict id v1");
    hasher.update(&(row.len() as u64).to_le_bytes());
    hasher.update(&row);
    for dot in dots {
        hasher.update(dot.node.as_bytes());
        hasher.update(&dot.sequence.to_le_bytes());
    }
    let mut id = [0; 16];
    hasher.finalize_xof().fill(&mut id);
    Uuid::new_v8(id)
}

impl std::fmt::Debug for ConflictDetector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConflictDetector").field("resolution", &self.resolution).finish_non_exhaustive()
    }
}
