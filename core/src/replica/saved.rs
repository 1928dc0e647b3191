//! The heads of all rows in a file, so that opening a replica need not read all of its log.
//!
//! The file only saves time. It is believed if the log is still what it was written for, up to the entry that it goes
//! to; what came after that is taken in from the log. If it is missing, damaged or of another log, all of the log is read.

use hashbrown::HashMap;
use uuid::Uuid;

use crate::causality::NodeIndex;
use crate::error::{Error, ErrorCode, Result};
use crate::id::RowId;
use crate::log::{ChangeLog, read_replica_file, write_replica_file};
use crate::replica::contested::Contested;
use crate::replica::forks::{Fork, Forks};
use crate::replica::handle::State;
use crate::replica::histories::LateTimes;
use crate::replica::judging::read_at;
use crate::replica::rows::{Head, Heads, RowKey, Rows, check};

const HEADS_FILE: &str = "heads";
/// Bytes of a head, and of a row's key.
const HEAD: usize = 32;
const KEY: usize = size_of::<RowKey>();

/// What a replica knows of its log up to some entry.
pub(super) struct Saved {
    /// What keys of rows are made with.
    pub(super) secret: Uuid,
    /// The last entry.
    pub(super) lsn: u64,
    pub(super) rows: Rows,
    pub(super) forks: Forks,
    pub(super) settlings: Vec<u64>,
    pub(super) late: LateTimes,
    pub(super) before_mismatches: u64,
}

impl Saved {
    /// What is known of a log before it is read.
    pub(super) fn nothing(secret: Uuid) -> Saved {
        let (lsn, before_mismatches) = (0, 0);
        let (rows, forks, settlings, late) = Default::default();
        Saved { secret, lsn, rows, forks, settlings, late, before_mismatches }
    }
}

/// Writes what is known of the log, all of which must be shown and durable. Returns the last entry that it goes to.
pub(super) fn write(log: &ChangeLog, secret: Uuid, state: &State) -> Result<u64> {
    let lsn = log.shown_lsn();
    let nodes: Vec<Uuid> = log.frontier()?.iter().map(|(node, _)| node).collect();
    let indexes = nodes.iter().filter_map(|node| log.node_index(*node)).zip(0..);
    let numbers: HashMap<NodeIndex, u32> = indexes.collect();
    let mut out = Out(Vec::with_capacity(state.rows.len() * (KEY + HEAD) + 1024));
    out.bytes(&mark(log, lsn)?);
    out.raw(secret.as_bytes());
    out.numbers([lsn, state.before_mismatches, nodes.len() as u64]);
    nodes.iter().for_each(|node| out.raw(node.as_bytes()));
    out.numbers([state.rows.settled_len() as u64]);
    for (key, head) in state.rows.all_settled() {
        out.raw(&key.to_le_bytes());
        out.head(head, &numbers)?;
    }
    out.numbers([state.rows.contested_len() as u64]);
    for (key, contested) in state.rows.all_contested() {
        out.raw(&key.to_le_bytes());
        out.bytes(contested.table.as_bytes());
        out.bytes(&contested.row_id.encode());
        out.numbers([contested.heads.len() as u64]);
        contested.heads.iter().try_for_each(|head| out.head(head, &numbers))?;
    }
    out.numbers([state.forks.records().len() as u64]);
    for Fork { lsn, predecessor, sees_until } in state.forks.records() {
        out.numbers([*lsn, *predecessor, *sees_until]);
    }
    out.numbers([state.settlings.len() as u64]);
    state.settlings.iter().for_each(|lsn| out.numbers([*lsn]));
    out.numbers([state.late.len() as u64]);
    state.late.iter().for_each(|(lsn, time)| out.numbers([*lsn, *time as u64]));
    write_replica_file(log.storage(), HEADS_FILE, &out.0)?;
    Ok(lsn)
}

/// Reads what was known of the log; nothing if that is not to be believed.
pub(super) fn read(log: &ChangeLog) -> Option<Saved> {
    let bytes = read_replica_file(log.storage(), HEADS_FILE).ok().flatten()?;
    let mut rest = In(&bytes);
    let written_for = rest.bytes()?;
    let secret = Uuid::from_bytes(*rest.chunk()?);
    let (lsn, before_mismatches) = (rest.number()?, rest.number()?);
    if lsn > log.shown_lsn() || mark(log, lsn).ok()? != written_for {
        return None;
    }
    let nodes = rest.list(16, |rest| log.node_index(Uuid::from_bytes(*rest.chunk()?)))?;
    let known = Known { nodes, last: lsn };
    let mut rows = Rows::default();
    rows.reserve(rest.0.len() / (KEY + HEAD));
    rest.each(KEY + HEAD, |rest| {
        rows.settle(rest.key()?, rest.head(&known)?);
        Some(())
    })?;
    rest.each(KEY + HEAD, |rest| {
        let key = rest.key()?;
        let (table, row_id) = (std::str::from_utf8(rest.bytes()?).ok()?, RowId::decode(rest.bytes()?).ok()?);
        let heads = Heads::from_vec(rest.list(HEAD, |rest| rest.head(&known))?);
        if heads.len() < 2 {
            return None;
        }
        rows.contest(key, Contested { table: table.into(), row_id, heads, outcome: None });
        Some(())
    })?;
    let forks = rest.list(24, |rest| {
        let (lsn, predecessor, sees_until) = (known.lsn(rest.number()?)?, rest.number()?, rest.number()?);
        let earlier = predecessor < lsn && sees_until < lsn;
        earlier.then_some(Fork { lsn, predecessor, sees_until })
    })?;
    let settlings = rest.list(8, |rest| known.lsn(rest.number()?))?;
    let late = rest.list(16, |rest| Some((known.lsn(rest.number()?)?, rest.number()? as i64)))?;
    let (forks, late) = (Forks::from_records(forks), late.into_iter().collect());
    (rest.0.is_empty() && settlings.is_sorted()).then_some(Saved {
        secret,
        lsn,
        rows,
        forks,
        settlings,
        late,
        before_mismatches,
    })
}

/// Removes what was written, if anything was.
pub(super) fn remove(log: &ChangeLog) -> Result<()> {
    match log.storage().remove(HEADS_FILE) {
        Err(error) if error.code() != ErrorCode::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// What tells a log, up to an entry, from every other, and from what it may come to be.
fn mark(log: &ChangeLog, lsn: u64) -> Result<Vec<u8>> {
    let mut out = Out(log.id().as_bytes().to_vec());
    let removals = log.removals()?;
    out.numbers([log.epoch(), log.first_lsn(), removals.len() as u64]);
    if let Some(last) = removals.last() {
        out.numbers([last.first_lsn, last.last_lsn, last.entries]);
    }
    if lsn > 0 {
        read_at(log, lsn, |entry| {
            out.raw(entry.node.as_bytes());
            out.numbers([entry.sequence, entry.transaction.sequence, entry.timestamp.nanoseconds() as u64]);
            out.numbers([check(entry.after).into()]);
            Ok(())
        })?;
    }
    Ok(out.0)
}

/// Little-endian numbers and what has a length of its own, one after the other.
struct Out(Vec<u8>);

impl Out {
    fn raw(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn numbers<const COUNT: usize>(&mut self, numbers: [u64; COUNT]) {
        numbers.iter().for_each(|number| self.raw(&number.to_le_bytes()));
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.numbers([bytes.len() as u64]);
        self.raw(bytes);
    }

    fn head(&mut self, head: &Head, numbers: &HashMap<NodeIndex, u32>) -> Result<()> {
        let missing = || Error::internal("a head is of a node that the log has not heard of");
        let node = numbers.get(&head.node).ok_or_else(missing)?;
        self.numbers([head.lsn_and_live(), head.sequence, head.effective_time as u64]);
        self.raw(&node.to_le_bytes());
        self.raw(&head.check.to_le_bytes());
        Ok(())
    }
}

/// What numbers may stand for.
struct Known {
    nodes: Vec<NodeIndex>,
    /// The last LSN.
    last: u64,
}

impl Known {
    fn lsn(&self, lsn: u64) -> Option<u64> {
        (1..=self.last).contains(&lsn).then_some(lsn)
    }
}

/// The same, read: `None` where it ends too early or makes no sense.
struct In<'a>(&'a [u8]);

impl<'a> In<'a> {
    fn chunk<const COUNT: usize>(&mut self) -> Option<&'a [u8; COUNT]> {
        let (chunk, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(chunk)
    }

    fn number(&mut self) -> Option<u64> {
        self.chunk().map(|bytes| u64::from_le_bytes(*bytes))
    }

    fn key(&mut self) -> Option<RowKey> {
        self.chunk().map(|bytes| RowKey::from_le_bytes(*bytes))
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.number()?;
        let (bytes, rest) = self.0.split_at_checked(usize::try_from(length).ok()?)?;
        self.0 = rest;
        Some(bytes)
    }

    /// Goes through so many items as a number says, none shorter than `least` bytes: more than there is room for are not believed.
    fn each(&mut self, least: usize, mut item: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        let count = self.number().and_then(|count| usize::try_from(count).ok())?;
        if count > self.0.len() / least {
            return None;
        }
        (0..count).try_for_each(|_| item(self))
    }

    fn list<T>(&mut self, least: usize, mut item: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let mut list = Vec::new();
        self.each(least, |rest| {
            list.push(item(rest)?);
            Some(())
        })?;
        Some(list)
    }

    fn head(&mut self, known: &Known) -> Option<Head> {
        let (lsn_and_live, sequence, effective_time) =
            (self.number()?, self.number()?, self.number()? as i64);
        let node = *known.nodes.get(u32::from_le_bytes(*self.chunk()?) as usize)?;
        let check = u32::from_le_bytes(*self.chunk()?);
        let head = Head::from_parts(lsn_and_live, sequence, effective_time, node, check);
        known.lsn(head.lsn()).map(|_| head)
    }
}
