//! Opening: who the log is, where it ends, and all that was written since somebody last said so.

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, OnceLock};

use hashbrown::HashMap;
use parking_lot::{Condvar, Mutex, RwLock};

use crate::causality::{Clock, ClockTree, NodeIndex, NodeTable};
use crate::error::{Error, ErrorCode, Result};
use crate::id::NodeId;
use crate::log::change_log::Inner;
use crate::log::dictionary::{Dictionary, Numbers};
use crate::log::ends::{End, Ends};
use crate::log::format::{
    self, CHECKPOINT_FILE, Checkpoint, IDENTITY_FILE, Identity, MANIFEST_FILE, Manifest, SavedClock,
    SegmentHeader, Standing, UNSYNCED_FILE, Unsynced,
};
use crate::log::frame::Base;
use crate::log::frame_reader::corrupt;
use crate::log::options::LogOptions;
use crate::log::recent::Recent;
use crate::log::replay::Seen;
use crate::log::segment::{self, OpenSegment, OpenSegments, Sealed};
use crate::log::state::{Active, State};
use crate::log::tail::{Author, Known, Tail, waypoint_distance};
use crate::log::writer::{SegmentWriter, Writer};
use crate::storage::{MemoryStorage, Storage, StorageFile, StorageLock};
use crate::time::{HybridLogicalClock, Timestamp};

/// How much is written again at a time, in bytes.
const COPIED: usize = 64 * 1024;

/// Opens the log that `storage` holds, or makes one.
pub(super) fn open(storage: Arc<dyn Storage>, options: LogOptions) -> Result<Inner> {
    options.validate()?;
    let place = storage.describe();
    let opened = if options.read_only {
        open_beside_writer(&storage, &options)
    } else {
        let lock = storage.lock()?;
        open_locked(storage, options, Some(lock))
    };
    opened.map_err(|error| if error.message().starts_with(&place) { error } else { error.context(&place) })
}

/// What a writer removes meanwhile must not look like damage: a failure counts if nothing was removed.
fn open_beside_writer(storage: &Arc<dyn Storage>, options: &LogOptions) -> Result<Inner> {
    let removed = || read(&**storage, MANIFEST_FILE).ok();
    let mut before = removed();
    loop {
        let error = match open_locked(storage.clone(), options.clone(), None) {
            Err(error) => error,
            opened => return opened,
        };
        let now = removed();
        if now == before {
            return Err(error);
        }
        before = now;
    }
}

fn open_locked(
    storage: Arc<dyn Storage>,
    options: LogOptions,
    lock: Option<Box<dyn StorageLock>>,
) -> Result<Inner> {
    let identity = identify(&*storage, &options)?;
    let manifest = read_manifest(&*storage)?;
    if manifest.log != identity.log {
        return Err(format::damaged(MANIFEST_FILE, "belongs to another log"));
    }
    let nodes = RwLock::new(NodeTable::default());
    let own = nodes.write().intern(identity.node);
    let seen = Seen::of(&manifest);
    let (state, writer, known) = begin(&*storage, &identity, manifest, lock, &nodes)?;
    let ends = Ends::open(&*storage, &identity)?;
    let mut log = Inner {
        place: storage.describe(),
        storage,
        own,
        nodes,
        segments: OpenSegments::default(),
        state: RwLock::new(state),
        writer: Mutex::new(writer),
        ends,
        room: Condvar::new(),
        arrivals: Condvar::new(),
        waiting: Mutex::new(()),
        waiters: AtomicU64::new(0),
        looked_up: Mutex::new(HashMap::new()),
        compressing: Mutex::new(()),
        last_sync: AtomicU64::new(options.time.now().nanoseconds() as u64),
        closed: OnceLock::new(),
        unsaid: Mutex::new(None),
        indexes: MemoryStorage::new(),
        seen: Mutex::new(seen),
        identity,
        options,
    };
    if log.options.read_only {
        log.refresh()?;
        let here = log.writer.lock().segment.place();
        if known.is_some_and(|known| here < known) {
            return Err(damaged_at(here));
        }
        return Ok(log);
    }
    match log.recover(known) {
        // A failure must not leave what looks like an orderly end.
        Err(error) => {
            let _ = log.closed.set("opening failed".to_owned());
            return Err(error);
        }
        Ok(None) => {}
        Ok(Some(changed)) => {
            log.own = log.nodes.write().intern(changed.node);
            log.ends = Ends::open(&*log.storage, &changed)?;
            log.identity = changed;
        }
    }
    log.ends.claim(&log.state.read(), log.writer.get_mut().segment.durable_end);
    Ok(log)
}

/// The log as far as it is known without reading what was written last, and how far it once was on the disk.
pub(super) fn begin(
    storage: &dyn Storage,
    identity: &Identity,
    manifest: Manifest,
    lock: Option<Box<dyn StorageLock>>,
    nodes: &RwLock<NodeTable>,
) -> Result<(State, Writer, Option<End>)> {
    let checkpoint = read_checkpoint(storage, identity)?;
    // Also a checkpoint that is of no other use tells how far the log once was on the disk.
    let known = checkpoint.as_ref().map(|known| End { segment: known.segment, offset: known.end });
    let usable = match checkpoint {
        Some(checkpoint) => match fits(storage, &checkpoint, &manifest)? {
            Some(begin) => Start::at_checkpoint(storage, checkpoint, begin, nodes)?,
            None => None,
        },
        None => None,
    };
    let start = match usable {
        Some(start) => start,
        None => Start::at_manifest(storage, identity, &manifest)?,
    };
    let (state, writer) = start.begin(manifest, lock, nodes)?;
    Ok((state, writer, known))
}

/// Who the log is; made now if there is none.
fn identify(storage: &dyn Storage, options: &LogOptions) -> Result<Identity> {
    let names = storage.list()?;
    let place = storage.describe();
    // A log is made with its identity last: whoever has one has all else.
    if names.iter().any(|name| name == IDENTITY_FILE) {
        let identity = Identity::decode(&read(storage, IDENTITY_FILE)?)?;
        if let Some(node) =
            options.node.filter(|node| *node != identity.node && !identity.past.contains(node))
        {
            let message = format!("{place}: the log is node {}, and never was {node}", identity.node);
            return Err(Error::invalid(message));
        }
        return Ok(identity);
    }
    let first = format::segment_file(1);
    for name in &names {
        let of_a_log = name.ends_with(".segment") || name == MANIFEST_FILE || name == CHECKPOINT_FILE;
        // What a first opening leaves that was interrupted holds nothing yet.
        let unfinished = *name == first && storage.open(name)?.length()? <= SegmentHeader::LENGTH as u64;
        if of_a_log && !unfinished && *name != MANIFEST_FILE {
            let message = format!("{place}: the file {IDENTITY_FILE} is missing");
            return Err(Error::new(ErrorCode::Corrupt, message));
        }
    }
    if options.read_only {
        return Err(Error::new(ErrorCode::NotFound, format!("{place}: there is no log")));
    }
    create(storage, options, Standing { next_lsn: 1, ..Standing::default() }, Vec::new())
}

/// Makes a log that goes on from where things stood in another one.
pub(super) fn create(
    storage: &dyn Storage,
    options: &LogOptions,
    standing: Standing,
    forgotten: Vec<(NodeId, u64)>,
) -> Result<Identity> {
    let ids = &*options.ids;
    let log = ids.new_id();
    let identity =
        Identity { log, node: options.node.unwrap_or_else(|| ids.new_id()), epoch: 0, past: Vec::new() };
    let base = Base { salt: ids.new_id().as_u128() as u32, timestamp: options.time.now().nanoseconds() };
    let (first_lsn, first_transaction) = (standing.next_lsn, standing.next_transaction);
    let header = SegmentHeader { log, number: 1, first_lsn, first_transaction, base };
    storage.replace(&format::segment_file(1), &header.encode())?;
    storage.replace(MANIFEST_FILE, &Manifest { standing, forgotten, ..Manifest::new(log) }.encode())?;
    storage.replace(IDENTITY_FILE, &identity.encode())?;
    Ok(identity)
}

pub(super) fn read(storage: &dyn Storage, name: &str) -> Result<Vec<u8>> {
    let file = storage.open(name).map_err(|error| {
        if error.code() == ErrorCode::NotFound {
            Error::new(ErrorCode::Corrupt, format!("{}: the file {name} is missing", storage.describe()))
        } else {
            error
        }
    })?;
    contents(&*file)
}

pub(super) fn contents(file: &dyn StorageFile) -> Result<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(file.length()?).unwrap_or(0)];
    file.read_at(0, &mut bytes)?;
    Ok(bytes)
}

pub(super) fn read_manifest(storage: &dyn Storage) -> Result<Manifest> {
    Manifest::decode(&read(storage, MANIFEST_FILE)?)
}

/// The checkpoint, if there is one of this log. It can be worked out again, so a damaged one is passed over.
pub(super) fn read_checkpoint(storage: &dyn Storage, identity: &Identity) -> Result<Option<Checkpoint>> {
    // Asked for without a look first: a writer in another process may remove it at any moment.
    let file = match storage.open(CHECKPOINT_FILE) {
        Ok(file) => file,
        Err(error) if error.code() == ErrorCode::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    match Checkpoint::decode(&contents(&*file)?) {
        Ok(checkpoint) => Ok(Some(checkpoint).filter(|checkpoint| checkpoint.log == identity.log)),
        Err(error) if error.code() == ErrorCode::Corrupt => Ok(None),
        Err(error) => Err(error),
    }
}

/// LSN and number of the first transaction of a segment.
type Begin = (u64, u64);

/// Where the checkpoint's unsealed segment begins; nothing if the checkpoint is not about the segments that are there.
fn fits(storage: &dyn Storage, checkpoint: &Checkpoint, manifest: &Manifest) -> Result<Option<Begin>> {
    let names = storage.list()?;
    let holds = |wanted: &str| names.iter().any(|name| name == wanted);
    let numbers = manifest.first_segment..checkpoint.segment;
    let mut next = (manifest.standing.next_lsn, manifest.standing.next_transaction);
    let mut follows = checkpoint.sealed.len() as u64 == numbers.end.saturating_sub(numbers.start)
        && holds(&format::segment_file(checkpoint.segment));
    for (number, summary) in numbers.zip(&checkpoint.sealed) {
        follows &= (summary.number, summary.first_lsn, summary.first_transaction) == (number, next.0, next.1)
            && holds(&format::segment_file(number))
            && holds(&format::index_file(number));
        // Reading a summary checks that these are numbers.
        next = (summary.next_lsn(), summary.first_transaction + summary.transactions);
    }
    Ok(follows.then_some(next))
}

/// Where opening starts to read frames.
struct Start {
    segment: OpenSegment,
    end: u64,
    standing: Standing,
    sealed: Vec<Arc<Sealed>>,
}

impl Start {
    fn at_manifest(storage: &dyn Storage, identity: &Identity, manifest: &Manifest) -> Result<Start> {
        let segment = OpenSegment::open(storage, manifest.first_segment, identity.log).map_err(|error| {
            if error.code() == ErrorCode::NotFound {
                let name = format::segment_file(manifest.first_segment);
                Error::new(ErrorCode::Corrupt, format!("the segment {name} is missing"))
            } else {
                error
            }
        })?;
        let mut standing = manifest.standing.clone();
        if (segment.header.first_lsn, segment.header.first_transaction)
            != (standing.next_lsn, standing.next_transaction)
        {
            let (found, wanted) = (segment.header.first_lsn, standing.next_lsn);
            let why = format!("begins with LSN {found}, but the log with {wanted},");
            return Err(corrupt(&segment.name, 0, &why));
        }
        standing.tables.clear();
        Ok(Start { segment, end: SegmentHeader::LENGTH as u64, standing, sealed: Vec::new() })
    }

    /// Nothing where what belongs to the checkpoint is not there or damaged.
    fn at_checkpoint(
        storage: &dyn Storage,
        checkpoint: Checkpoint,
        begin: Begin,
        nodes: &RwLock<NodeTable>,
    ) -> Result<Option<Start>> {
        let mut segment = OpenSegment::open(storage, checkpoint.segment, checkpoint.log)?;
        if segment.file.length()? < checkpoint.end {
            let (name, end, length) = (&segment.name, checkpoint.end, segment.file.length()?);
            let message = format!("{name}: cut off at offset {length}, it was {end} bytes long");
            return Err(Error::new(ErrorCode::Corrupt, message));
        }
        if (segment.header.first_lsn, segment.header.first_transaction) != begin {
            return Ok(None);
        }
        let mut next = begin;
        if checkpoint.end > SegmentHeader::LENGTH as u64 {
            let name = format::tail_file(checkpoint.segment);
            let opened = segment::open_index(storage, &name, &segment.header)
                .and_then(|index| segment::dictionary(&index, nodes).map(|dictionary| (index, dictionary)));
            match opened {
                Ok((index, dictionary)) if index.summary().end == checkpoint.end => {
                    let summary = index.summary();
                    next = (
                        begin.0.saturating_add(summary.entries),
                        begin.1.saturating_add(summary.transactions),
                    );
                    segment.dictionary = Arc::new(dictionary);
                    segment.index = Some(Arc::new(index));
                }
                Err(error) if !matches!(error.code(), ErrorCode::Corrupt | ErrorCode::NotFound) => {
                    return Err(error);
                }
                _ => return Ok(None),
            }
        }
        let Checkpoint { end, standing, sealed, .. } = checkpoint;
        if end < SegmentHeader::LENGTH as u64 || (standing.next_lsn, standing.next_transaction) != next {
            return Ok(None);
        }
        let sealed = sealed.into_iter().map(Sealed::new).collect();
        Ok(Some(Start { segment, end, standing, sealed }))
    }

    fn begin(
        self,
        manifest: Manifest,
        lock: Option<Box<dyn StorageLock>>,
        nodes: &RwLock<NodeTable>,
    ) -> Result<(State, Writer)> {
        let Start { segment, end, standing, sealed } = self;
        let (frontier, clocks) = restore(&standing, nodes);
        let (floor_frontier, floor) = restore(&manifest.standing, nodes);
        let floor: HashMap<_, _> =
            floor.into_iter().map(|(known, _)| ((known.author, known.sequence), known.clock)).collect();
        let mut recent = Recent::default();
        let mut tips = Vec::new();
        for (known, tip) in clocks {
            recent.push(known.author, known.sequence, known.clock.clone());
            if tip {
                tips.push(known);
            }
        }
        let mut clock = HybridLogicalClock::new();
        if let Some(newest) = standing.newest {
            clock.observe(Timestamp::from_nanoseconds(newest));
        }
        let mut tail = Tail::default();
        let mut start = frontier.clone();
        let dictionary: Arc<Dictionary> = segment.dictionary.clone();
        if let Some(index) = &segment.index {
            let known = index.dictionary()?;
            for ((node, _), span) in dictionary.nodes().iter().zip(&known.nodes) {
                tail.authors.push(Author { before: span.before, last: span.last, points: Vec::new() });
                start = start.with(*node, span.before);
            }
            tail.tables = known.tables.iter().map(|table| table.stats).collect();
            let summary = index.summary();
            tail.first_entry = summary.entries as u32;
            tail.entries = summary.entries as u32;
            tail.transactions = summary.transactions as u32;
            tail.merges = summary.merges as u32;
            (tail.oldest, tail.newest) = (summary.oldest, summary.newest);
            let outside = index.first_waypoint()?.map(|waypoint| waypoint.clocks).unwrap_or_default();
            for known in known_clocks(index, nodes, &start, outside)? {
                tail.outside.insert((known.author, known.sequence), known);
            }
        } else {
            for tip in &tips {
                tail.outside.insert((tip.author, tip.sequence), tip.clone());
            }
        }
        // Where a segment begins its clocks are known anyway; where opening goes on with one they are at hand.
        let begins = end <= SegmentHeader::LENGTH as u64;
        let next_waypoint = if begins { end + waypoint_distance(tips.len()) } else { end };
        let writer = Writer {
            lock,
            clock,
            frontier: frontier.clone().into(),
            tips,
            next_lsn: standing.next_lsn,
            next_transaction: standing.next_transaction,
            segment: SegmentWriter {
                number: segment.header.number,
                file: segment.file.clone(),
                base: segment.header.base,
                numbers: Numbers::of(&dictionary),
                start: start.clone(),
                end,
                durable_end: end,
                prepared: end,
                written_back: end,
                next_waypoint,
                sealed: false,
                has_tail_index: segment.index.is_some(),
            },
            staged: Vec::new(),
            pending: Vec::new(),
            leading: false,
            waiting: Default::default(),
            crowded: false,
            says_unsynced: false,
        };
        let active = Active { open: Arc::new(segment), dictionary, tail, end, durable_end: end, start };
        let state = State {
            manifest: Arc::new(manifest),
            sealed: Arc::new(sealed),
            active,
            frontier: frontier.into(),
            next_lsn: standing.next_lsn,
            recent,
            tables: standing.tables.into_iter().map(|(name, stats)| (name.into(), stats)).collect(),
            newest: standing.newest,
            durable_lsn: standing.next_lsn,
            floor_frontier,
            floor: Arc::new(floor),
        };
        Ok((state, writer))
    }
}

pub(super) use crate::log::clocks::known_clocks;

/// The frontier and the clocks of a standing in the log's own terms; with each whether it is a tip.
pub(super) fn restore(standing: &Standing, nodes: &RwLock<NodeTable>) -> (ClockTree, Vec<(Known, bool)>) {
    let mut nodes = nodes.write();
    let mut frontier = ClockTree::default();
    let mut indexes: Vec<NodeIndex> = Vec::with_capacity(standing.nodes.len());
    for (id, sequence) in &standing.nodes {
        let index = nodes.intern(*id);
        indexes.push(index);
        if *sequence > 0 {
            frontier = frontier.with(index, *sequence);
        }
    }
    // Reading a standing checks that its numbers are those of its nodes.
    let index = |number: &u32| indexes.get(*number as usize).copied().unwrap_or_default();
    let known = |saved: &SavedClock| {
        let mut tree = frontier.clone();
        for (node, sequence) in &saved.differences {
            tree = tree.with(index(node), *sequence);
        }
        let (author, sequence) = (index(&saved.author), saved.sequence);
        (Known { author, sequence, clock: Clock::new(tree, author, sequence) }, saved.tip)
    };
    let clocks = standing.clocks.iter().map(known).collect();
    (frontier, clocks)
}

impl Inner {
    /// Reads all that follows on where opening started, and settles where the log ends. Returns who the log
    /// is from now on, if it lost something.
    fn recover(&self, known: Option<End>) -> Result<Option<Identity>> {
        let mut writer = self.writer.lock();
        let writer = &mut *writer;
        let first = writer.segment.number;
        // The process that made a file may have ended before it could make sure that the file stays.
        self.storage.sync_names()?;
        let durable = [self.ends.durable(), known].into_iter().flatten().max();
        let durable = durable.unwrap_or_else(|| writer.segment.place());
        loop {
            let length = writer.segment.file.length()?;
            let sealed = self.replay(writer, length)?;
            let end = writer.segment.end;
            let here = writer.segment.place();
            let name = self.state.read().active.open.name.clone();
            let damaged =
                |why: &str| Err(Error::new(ErrorCode::Corrupt, format!("{name}: {why} at offset {end}")));
            let mut frames = self.state.read().active.open.frames();
            let blank = frames.is_blank(end, length)?;
            if sealed {
                if !blank {
                    return damaged("something follows the end");
                }
                if end < length {
                    writer.segment.file.truncate(end)?;
                }
                self.check_next(here.segment, durable)?;
                self.write_again(writer, durable)?;
                // The seal may still be in the operating system's hands only, and without it nothing after it counts.
                writer.segment.file.sync()?;
                writer.segment.sealed = true;
                self.begin_segment(writer)?;
                continue;
            }
            // What is compressed was sealed.
            if here < durable
                || self.state.read().active.open.compressed.is_some()
                || last_segment(&*self.storage)? > here.segment
                || (!blank && frames.durable_beyond(end, length)?)
            {
                return damaged("damaged");
            }
            // What was found may still be in the operating system's hands only.
            let mut changed = None;
            // What was shown may have been handed on, even if a loss of power took it to the last byte.
            let lost = self.ends.visible().is_some_and(|shown| here < shown) || self.may_have_lost(writer)?;
            if lost || !blank {
                changed = Some(self.cut_off()?);
            }
            if end < length {
                writer.segment.file.truncate(end)?;
            }
            self.write_again(writer, durable)?;
            writer.segment.file.sync()?;
            writer.segment.durable_end = end;
            writer.segment.prepared = end;
            {
                let mut state = self.state.write();
                state.durable_lsn = state.next_lsn;
                state.active.durable_end = end;
            }
            self.clear_unsynced(writer)?;
            self.remove_leftovers()?;
            if here.segment != first {
                self.write_checkpoint(writer)?;
            }
            return Ok(changed);
        }
    }

    /// Whether a writer has shown what was not on the disk, and the machine was started since: then nobody knows what
    /// there was.
    fn may_have_lost(&self, writer: &mut Writer) -> Result<bool> {
        if !self.storage.list()?.iter().any(|name| name == UNSYNCED_FILE) {
            return Ok(false);
        }
        writer.says_unsynced = true;
        match Unsynced::decode(&read(&*self.storage, UNSYNCED_FILE)?) {
            Ok(unsynced) => Ok(unsynced.boot.is_none() || unsynced.boot != self.storage.boot()),
            // What it said is unknown, so all may be.
            Err(error) if error.code() == ErrorCode::Corrupt => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Writes what follows on `durable` in the last segment once more, if a sync of it failed: the operating system may
    /// have dropped it from what it has yet to write, while it still has it in memory.
    fn write_again(&self, writer: &Writer, durable: End) -> Result<()> {
        let segment = &writer.segment;
        // What is compressed was synced as a whole.
        let compressed = self.state.read().active.open.compressed.is_some();
        if !self.ends.has_sync_failed() || durable.segment > segment.number || compressed {
            return Ok(());
        }
        let mut at = if durable.segment == segment.number { durable.offset } else { 0 };
        let mut block = vec![0; COPIED];
        while at < segment.end {
            let length = (segment.end - at).min(COPIED as u64) as usize;
            let block = block.get_mut(..length).unwrap_or_default();
            segment.file.read_at(at, block)?;
            segment.file.write_at(at, block)?;
            at += length as u64;
        }
        Ok(())
    }

    /// Refuses to go on after the sealed segment with this number if the next one was there and is not any more.
    pub(super) fn check_next(&self, number: u64, durable: End) -> Result<()> {
        let next = format::segment_file(number + 1);
        let names = self.storage.list()?;
        if names.contains(&next) || (durable.segment <= number && last_segment(&*self.storage)? <= number) {
            return Ok(());
        }
        Err(Error::new(ErrorCode::Corrupt, format!("the segment {next} is missing")))
    }

    /// Something that was never wholly written is cut off. The dots in it may be known
    /// elsewhere, so from here on the log records under a new identity.
    fn cut_off(&self) -> Result<Identity> {
        let mut identity = self.identity.clone();
        let past = std::mem::replace(&mut identity.node, self.options.ids.new_id());
        identity.past.push(past);
        identity.epoch += 1;
        self.storage.replace(IDENTITY_FILE, &identity.encode())?;
        Ok(identity)
    }
}

/// The highest number of any segment here; 0 if there is none.
pub(super) fn last_segment(storage: &dyn Storage) -> Result<u64> {
    let number = |name: &String| name.strip_suffix(".segment")?.parse::<u64>().ok();
    Ok(storage.list()?.iter().filter_map(number).max().unwrap_or(0))
}

/// The error of a log that goes on behind the place where what is intact ends.
pub(super) fn damaged_at(place: End) -> Error {
    corrupt(&format::segment_file(place.segment), place.offset, "damaged")
}
