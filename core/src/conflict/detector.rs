use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use smallvec::SmallVec;
use uuid::Uuid;

use crate::change::{ChangeEntry, ChangeOperation};
use crate::conflict::history::{Heads, RowHistory};
use crate::conflict::report::Sides;
use crate::conflict::resolve::RowResolver;
use crate::conflict::row::{self, RowResolution};
use crate::conflict::{
    ConflictClass, ConflictReport, ConflictResolution, ConflictType, ReasonCode, ResolverRegistry, Winner,
};
use crate::error::{Error, ErrorCode, Result};
use crate::id::{Dot, RowId};
use crate::time::{SystemTime, TimeSource, Timestamp};

/// Two concurrent entries of one row that disagree, as the side that has the first of them sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conflict<'a> {
    /// The local operation, then the remote one.
    pub conflict_type: ConflictType,
    /// The entry that was here, with its clock.
    pub local_entry: &'a ChangeEntry,
    /// The entry that came, with its clock.
    pub remote_entry: &'a ChangeEntry,
    /// When this was noticed, here.
    pub detected_at: Timestamp,
}

impl<'a> Conflict<'a> {
    /// The same on every replica and from both sides: a hash of table, row and the entries' dots. It is worked out at each call.
    pub fn id(&self) -> Uuid {
        conflict_id(self.table(), self.row_id(), [self.local_entry.dot(), self.remote_entry.dot()])
    }

    /// The table of both entries.
    pub fn table(&self) -> &'a str {
        &self.local_entry.table
    }

    /// The row of both entries.
    pub fn row_id(&self) -> &'a RowId {
        &self.local_entry.row_id
    }
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
    pub fn resolution(&self) -> &ConflictResolution {
        &self.resolution
    }

    /// The conflict between these two entries, if there is one.
    ///
    /// There is none when one author had seen the other's entry, when both are the
    /// same entry, and when both left the row in the same state (identical `after`,
    /// two deletes among them), for then there is nothing to disagree about.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when the entries are not of one row; `DOT_REUSE` when they have one dot but differ.
    pub fn detect<'a>(
        &self,
        local: &'a ChangeEntry,
        remote: &'a ChangeEntry,
    ) -> Result<Option<Conflict<'a>>> {
        same_row(local, remote)?;
        if same_entry(local, remote)?
            || remote.vector_clock.covers(local.dot())
            || local.vector_clock.covers(remote.dot())
            || local.after == remote.after
        {
            return Ok(None);
        }
        Ok(Some(Conflict {
            conflict_type: ConflictType::of(local.operation, remote.operation),
            local_entry: local,
            remote_entry: remote,
            detected_at: self.time.now(),
        }))
    }

    /// Resolves a conflict between two entries and reports it as its local side sees it.
    ///
    /// # Errors
    /// As [`ConflictDetector::resolve`], for a conflict that was not made by [`ConflictDetector::detect`].
    pub fn report<'a>(&self, conflict: &Conflict<'a>) -> Result<ConflictReport<'a>> {
        let Conflict { conflict_type, local_entry, remote_entry, detected_at } = *conflict;
        let sides = Sides { local: local_entry.dot(), conflict_type };
        self.resolve_at([local_entry, remote_entry], None, detected_at, Some(sides))
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
    ) -> Result<ConflictReport<'a>> {
        self.resolve_at(entries, settled_by, self.time.now(), None)
    }

    fn resolve_at<'a>(
        &self,
        entries: impl IntoIterator<Item = &'a ChangeEntry>,
        settled_by: Option<Dot>,
        detected_at: Timestamp,
        sides: Option<Sides>,
    ) -> Result<ConflictReport<'a>> {
        let mut heads: SmallVec<[&'a ChangeEntry; 4]> = SmallVec::new();
        // That a dot was used twice is told last, so that which error it is does not depend on the order of the entries.
        let mut reused = None;
        for entry in entries {
            if let [first, ..] = heads.as_slice() {
                same_row(first, entry)?;
            }
            match heads.iter().find(|head| head.dot() == entry.dot()) {
                Some(head) => reused = reused.or((!is_copy(head, entry)).then_some(entry)),
                None => heads.push(entry),
            }
        }
        if let Some(entry) = reused {
            return Err(used_twice(entry));
        }
        heads.sort_unstable_by(|a, b| order(a, b));
        let too_few =
            || Error::invalid(format!("a conflict is between two entries at least, not {}", heads.len()));
        let class = ConflictClass::of(heads.iter().map(|entry| entry.operation)).ok_or_else(too_few)?;
        let [.., _, latest] = heads.as_slice() else { return Err(too_few()) };

        let seen_by_another = |entry: &&ChangeEntry| heads.iter().any(|other| entry.happens_before(other));
        let decided = if heads.iter().any(seen_by_another) {
            let mut maximal = heads.clone();
            maximal.retain(|entry| !seen_by_another(entry));
            match maximal.as_slice() {
                // Only forged clocks leave no entry that no other has seen; the canonical order decides then, too.
                [] => Decided::causal(latest),
                [only] => Decided::causal(only),
                maximal => decide(&self.resolution, maximal)?,
            }
        } else {
            decide(&self.resolution, &heads)?
        };
        Ok(ConflictReport {
            table: Cow::Borrowed(&latest.table),
            row_id: latest.row_id.clone(),
            class,
            ancestor: None,
            strategy: self.resolution.clone(),
            rule: None,
            registry: None,
            winner: decided.winner,
            reason_code: decided.reason_code,
            settled_by,
            detected_at,
            is_live: decided.is_live,
            value_from: decided.value_from,
            own_value: decided.own_value,
            runner_up: decided.runner_up,
            sides,
            heads: heads.iter().copied().map(Cow::Borrowed).collect(),
        })
    }

    /// What a row is by all of its entries, given in any order, and every conflict that made it so.
    ///
    /// Each entry must come with all that its author had seen of the row: what is missing is taken never to have been.
    ///
    /// ```
    /// use causelog::{Change, ChangeLog, ConflictDetector, ConflictResolution, LogOptions, QueryOptions, VectorClock};
    /// let (here, there) = (ChangeLog::in_memory(LogOptions::default())?, ChangeLog::in_memory(LogOptions::default())?);
    /// here.append(Change::insert("orders", 42, "here"))?;
    /// there.append(Change::insert("orders", 42, "there"))?;
    /// for transaction in there.transactions(&VectorClock::new())? {
    ///     here.append_remote(&transaction?)?;
    /// }
    /// here.append(Change::delete("orders", 42, "there"))?;
    ///
    /// let entries = here.query(QueryOptions::row("orders", 42))?.collect::<causelog::Result<Vec<_>>>()?;
    /// let row = ConflictDetector::new(ConflictResolution::LastWriteWins).resolve_row(&entries)?;
    /// assert!(!row.is_live && row.standing.is_none());
    /// assert_eq!(row.settled.len(), 1);
    /// # Ok::<(), causelog::Error>(())
    /// ```
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` when there is no entry, they are not of one row, or the strategy is one that
    /// [`ConflictResolution::validate`] refuses; `DOT_REUSE` when two have one dot but differ.
    pub fn resolve_row<'a>(
        &self,
        entries: impl IntoIterator<Item = &'a ChangeEntry>,
    ) -> Result<RowResolution> {
        let mut by_dot: BTreeMap<Dot, &ChangeEntry> = BTreeMap::new();
        let mut reused = None;
        for entry in entries {
            if let Some((_, first)) = by_dot.first_key_value() {
                same_row(first, entry)?;
            }
            if let Some(known) = by_dot.insert(entry.dot(), entry)
                && !is_copy(known, entry)
            {
                reused = Some(entry);
            }
        }
        if let Some(entry) = reused {
            return Err(used_twice(entry));
        }
        let registry = ResolverRegistry::new(self.resolution.clone());
        registry.validate()?;
        let entries: Vec<&ChangeEntry> = by_dot.into_values().collect();
        row::resolve_row(&entries, &registry, self.time.now())
    }
}

/// How the strategy decided between entries that have not seen each other.
struct Decided {
    winner: Winner,
    reason_code: ReasonCode,
    is_live: bool,
    value_from: Option<Dot>,
    own_value: Option<Vec<u8>>,
    runner_up: Option<Dot>,
}

impl Decided {
    fn causal(winner: &ChangeEntry) -> Decided {
        Decided {
            winner: Winner::Head(winner.dot()),
            reason_code: ReasonCode::CausallyLater,
            is_live: winner.operation != ChangeOperation::Delete,
            value_from: Some(winner.dot()),
            own_value: None,
            runner_up: None,
        }
    }
}

static NO_RULES: ResolverRegistry = ResolverRegistry::empty();

/// Decides between concurrent entries, given in canonical order, of which nothing else is known.
fn decide(resolution: &ConflictResolution, entries: &[&ChangeEntry]) -> Result<Decided> {
    let history =
        RowHistory::unrelated(entries.iter().map(|entry| (entry.dot(), entry.timestamp, entry.operation)));
    let outside = row::Entries(entries);
    let mut resolver = RowResolver::new("", &history, &NO_RULES, &outside);
    let heads: Heads = history.iter().map(|(index, _)| index).collect();
    let decision = resolver.decide_between(resolution, &heads).map_err(row::unanswered)?;
    let (winner, value_from) = row::winner(&history, decision.picked, &decision.value, heads.last().copied());
    let (is_live, own_value) = row::own_value(&mut resolver, &decision.value, value_from)?;
    let runner_up = decision.runner_up.and_then(|index| history.get(index)).map(|version| version.dot);
    Ok(Decided { winner, reason_code: decision.reason, is_live, value_from, own_value, runner_up })
}

/// The canonical order of entries: by timestamp, node, payload hash. The sequence
/// only tells apart what a forged history could make equal in all three.
fn order(a: &ChangeEntry, b: &ChangeEntry) -> Ordering {
    let known = a.timestamp.cmp(&b.timestamp).then_with(|| a.node.cmp(&b.node));
    // Two entries of one node and time are rare enough to hash them at each look.
    known.then_with(|| (a.payload_hash(), a.sequence).cmp(&(b.payload_hash(), b.sequence)))
}

#[inline]
fn same_row(a: &ChangeEntry, b: &ChangeEntry) -> Result<()> {
    // Most row ids are numbers, which differ sooner than names are compared.
    if a.row_id == b.row_id && a.table == b.table { Ok(()) } else { Err(two_rows(a, b)) }
}

#[cold]
fn two_rows(a: &ChangeEntry, b: &ChangeEntry) -> Error {
    let message = format!(
        "entries of two rows: row {} of table {:?} and row {} of table {:?}",
        a.row_id, a.table, b.row_id, b.table
    );
    Error::invalid(message)
}

/// Whether both are the same entry, wherever they were read.
#[inline]
fn same_entry(a: &ChangeEntry, b: &ChangeEntry) -> Result<bool> {
    match a.dot() == b.dot() {
        false => Ok(false),
        true if is_copy(a, b) => Ok(true),
        true => Err(used_twice(a)),
    }
}

/// Whether entries of one dot are the same. Position and verdict are each log's own; all else goes into a report.
#[cold]
fn is_copy(a: &ChangeEntry, b: &ChangeEntry) -> bool {
    a.transaction == b.transaction
        && a.operation == b.operation
        && a.timestamp == b.timestamp
        && a.before == b.before
        && a.after == b.after
        && a.metadata == b.metadata
        && a.vector_clock == b.vector_clock
}

#[cold]
fn used_twice(entry: &ChangeEntry) -> Error {
    Error::new(ErrorCode::DotReuse, format!("two different entries have the dot {}", entry.dot()))
}

/// The identity of a conflict: the BLAKE3 hash of table, row and sorted dots,
/// truncated to the 122 bits that a version 8 UUID (RFC 9562) leaves free.
pub(crate) fn conflict_id(table: &str, row_id: &RowId, dots: impl IntoIterator<Item = Dot>) -> Uuid {
    let mut dots: SmallVec<[Dot; 4]> = dots.into_iter().collect();
    dots.sort_unstable();
    let mut row = Vec::new();
    row.extend_from_slice(&(table.len() as u64).to_le_bytes());
    row.extend_from_slice(table.as_bytes());
    row_id.encode_into(&mut row);
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
