//! The heads of every row, in little memory: what a replica must know to judge the next entry.

use std::collections::VecDeque;
use std::hash::{BuildHasherDefault, Hasher};

use hashbrown::HashMap;
use siphasher::sip128::{Hasher128, SipHasher13};
use smallvec::SmallVec;
use uuid::Uuid;

use crate::causality::NodeIndex;
use crate::id::RowId;
use crate::replica::contested::Contested;

/// A row among all rows of all tables: a hash with a secret key, so long that no two rows ever share it.
pub(super) type RowKey = u128;

/// Makes keys of rows.
#[derive(Clone)]
pub(super) struct RowKeys(SipHasher13);

impl RowKeys {
    pub(super) fn new(secret: Uuid) -> RowKeys {
        RowKeys(SipHasher13::new_with_key(secret.as_bytes()))
    }

    /// The key of a row, its id encoded.
    pub(super) fn key(&self, table: &str, row_id: &[u8]) -> RowKey {
        let mut hasher = self.0;
        hasher.write_usize(table.len());
        hasher.write(table.as_bytes());
        hasher.write(row_id);
        hasher.finish128().as_u128()
    }

    pub(super) fn key_of(&self, table: &str, row_id: &RowId) -> RowKey {
        self.key(table, &row_id.encode())
    }
}

/// An entry that nothing of its row has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    /// The top bit says whether the entry leaves the row alive.
    lsn_and_live: u64,
    pub(super) sequence: u64,
    /// E, as far as 64 bits go.
    pub(super) effective_time: i64,
    pub(super) node: NodeIndex,
    /// A checksum of what the entry leaves the row with.
    pub(super) check: u32,
}

const LIVE: u64 = 1 << 63;

impl Head {
    pub(super) fn new(
        lsn: u64,
        live: bool,
        node: NodeIndex,
        sequence: u64,
        effective_time: i64,
        check: u32,
    ) -> Head {
        Head { lsn_and_live: lsn | if live { LIVE } else { 0 }, sequence, effective_time, node, check }
    }

    pub(super) fn from_parts(
        lsn_and_live: u64,
        sequence: u64,
        effective_time: i64,
        node: NodeIndex,
        check: u32,
    ) -> Head {
        Head { lsn_and_live, sequence, effective_time, node, check }
    }

    /// The LSN, and in the top bit whether the entry leaves the row alive.
    pub(super) fn lsn_and_live(&self) -> u64 {
        self.lsn_and_live
    }

    pub(super) fn lsn(&self) -> u64 {
        self.lsn_and_live & !LIVE
    }

    pub(super) fn is_live(&self) -> bool {
        self.lsn_and_live & LIVE != 0
    }
}

/// A checksum of a row's payload, to notice that somebody had another one before him.
pub(super) fn check(payload: Option<&[u8]>) -> u32 {
    payload.map_or(0, crc32c::crc32c)
}

/// Keys are hashes already.
#[derive(Default)]
pub(super) struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u128(&mut self, key: u128) {
        self.0 = key as u64;
    }
}

type ByKey<T> = HashMap<RowKey, T, BuildHasherDefault<KeyHasher>>;

/// All rows that the log has ever had an entry of.
#[derive(Default)]
pub(super) struct Rows {
    heads: ByKey<Head>,
    contested: ByKey<Box<Contested>>,
    /// What stood there before the entries that are not yet written.
    journal: VecDeque<(RowKey, Option<Head>, Option<Box<Contested>>)>,
    /// How many records the journal has had before its first.
    forgotten: usize,
    journaling: bool,
}

/// The heads of a row.
pub(super) type Heads = SmallVec<[Head; 2]>;

impl Rows {
    pub(super) fn one(&self, key: RowKey) -> Option<&Head> {
        self.heads.get(&key)
    }

    pub(super) fn contested(&self, key: RowKey) -> Option<&Contested> {
        self.contested.get(&key).map(|contested| &**contested)
    }

    /// What was worked out about a row may be put down at any time.
    pub(super) fn contested_mut(&mut self, key: RowKey) -> Option<&mut Contested> {
        self.contested.get_mut(&key).map(|contested| &mut **contested)
    }

    /// A row's heads, in canonical order; none if there is no such row.
    pub(super) fn heads(&self, key: RowKey) -> Heads {
        if let Some(head) = self.heads.get(&key) {
            return smallvec::smallvec![*head];
        }
        self.contested.get(&key).map(|contested| contested.heads.clone()).unwrap_or_default()
    }

    /// The row has one head from now on.
    pub(super) fn settle(&mut self, key: RowKey, head: Head) {
        let one = self.heads.insert(key, head);
        // Nearly no row is contested, so nearly nobody has to look.
        let contested = if one.is_none() { self.contested.remove(&key) } else { None };
        self.note(key, one, contested);
    }

    /// The row has several heads from now on.
    pub(super) fn contest(&mut self, key: RowKey, contested: Contested) {
        let one = self.heads.remove(&key);
        let before = self.contested.insert(key, Box::new(contested));
        self.note(key, one, before);
    }

    fn note(&mut self, key: RowKey, one: Option<Head>, contested: Option<Box<Contested>>) {
        if self.journaling {
            self.journal.push_back((key, one, contested));
        }
    }

    /// A moment to come back to, as long as nothing is kept.
    pub(super) fn mark(&mut self) -> usize {
        self.journaling = true;
        self.forgotten + self.journal.len()
    }

    /// What has changed stays.
    pub(super) fn keep(&mut self) {
        self.journaling = false;
        self.forgotten += self.journal.len();
        self.journal.clear();
    }

    /// What had changed before this moment stays.
    pub(super) fn keep_until(&mut self, mark: usize) {
        let kept = mark.saturating_sub(self.forgotten).min(self.journal.len());
        self.journal.drain(..kept);
        self.forgotten += kept;
    }

    /// All is again as it was at this moment; returns the rows that had changed.
    pub(super) fn take_back(&mut self, mark: usize) -> Vec<RowKey> {
        let mut changed = Vec::new();
        let later = self.journal.split_off(mark.saturating_sub(self.forgotten).min(self.journal.len()));
        for (key, one, contested) in later.into_iter().rev() {
            match one {
                Some(head) => self.heads.insert(key, head),
                None => self.heads.remove(&key),
            };
            match contested {
                Some(contested) => self.contested.insert(key, contested),
                None => self.contested.remove(&key),
            };
            changed.push(key);
        }
        changed
    }

    /// What was worked out by rules that are no longer in force.
    pub(super) fn forget_outcomes(&mut self) {
        let journaled = self.journal.iter_mut().filter_map(|(_, _, contested)| contested.as_mut());
        self.contested.values_mut().chain(journaled).for_each(|contested| contested.outcome = None);
    }

    /// Makes room for so many rows.
    pub(super) fn reserve(&mut self, rows: usize) {
        self.heads.reserve(rows);
    }

    /// Rows with one head.
    pub(super) fn all_settled(&self) -> impl Iterator<Item = (RowKey, &Head)> {
        self.heads.iter().map(|(key, head)| (*key, head))
    }

    pub(super) fn settled_len(&self) -> usize {
        self.heads.len()
    }

    pub(super) fn all_contested(&self) -> impl Iterator<Item = (RowKey, &Contested)> {
        self.contested.iter().map(|(key, contested)| (*key, &**contested))
    }

    pub(super) fn len(&self) -> usize {
        self.heads.len() + self.contested.len()
    }

    /// How many rows have several heads.
    pub(super) fn contested_len(&self) -> usize {
        self.contested.len()
    }

    /// How much memory it takes, roughly, in bytes.
    pub(super) fn memory(&self) -> usize {
        let contested: usize = self.contested.values().map(|contested| contested.memory()).sum();
        self.heads.allocation_size() + self.contested.allocation_size() + contested
    }
}
