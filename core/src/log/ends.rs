//! How far a log has come, in a few numbers that every process which has it open shares.
//!
//! The numbers are not synced, and need not be: each was true when it was stored, and what was
//! durable once stays so. So whatever version of them a crash leaves says too little at
//! worst, and it tells a torn end, which was never durable, from a damaged one.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::error::{Error, ErrorCode, Result};
use crate::log::format::{IDENTITY_FILE, Identity};
use crate::log::opening;
use crate::log::state::State;
use crate::storage::{SharedCells, Storage};

/// Name of the file.
pub(super) const ENDS_FILE: &str = "ends";

const CELLS: usize = 11;
const LOG: usize = 0;
const EPOCH: usize = 1;
const VISIBLE: usize = 2;
const DURABLE: usize = 3;
const DURABLE_CHECK: usize = 4;
const DURABLE_LSN: usize = 5;
const GENERATION: usize = 6;
const VISIBLE_CHECK: usize = 7;
const DURABLE_LSN_CHECK: usize = 8;
const SYNC_FAILED: usize = 9;
const GENERATION_CHECK: usize = 10;

/// How often somebody looks again who finds a number and its check apart, and how long it waits before the last of these
/// looks: who stores the two may have been interrupted in between.
const MOST_LOOKS: usize = 1000;
const PATIENT_LOOKS: usize = 20;
const PATIENCE: Duration = Duration::from_micros(100);

/// How much a seal can be longer than nothing: the end of it is durable before it is visible.
const SEAL_LENGTH: u64 = 32;

pub(super) struct Ends {
    cells: Box<dyn SharedCells>,
    /// Those that a writer made after this handle was opened, which may only read.
    made_since: OnceLock<Box<dyn SharedCells>>,
    log: u64,
    /// A writer in another process may give the log another one.
    epoch: AtomicU64,
}

/// A place in the log: a segment's number and an offset in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct End {
    pub(super) segment: u64,
    pub(super) offset: u64,
}

impl End {
    fn pack(self) -> u64 {
        self.segment << 32 | self.offset & 0xffff_ffff
    }

    fn unpack(packed: u64) -> End {
        End { segment: packed >> 32, offset: packed & 0xffff_ffff }
    }
}

impl Ends {
    pub(super) fn open(storage: &dyn Storage, identity: &Identity) -> Result<Ends> {
        let cells = storage.shared(ENDS_FILE, CELLS)?;
        // Never 0, which is what a new file holds.
        let log = identity.log.as_u128() as u64 | 1;
        Ok(Ends { cells, made_since: OnceLock::new(), log, epoch: AtomicU64::new(identity.epoch) })
    }

    fn load(&self, cell: usize) -> u64 {
        self.made_since.get().unwrap_or(&self.cells).load(cell)
    }

    /// The log's epoch, as far as this handle knows.
    pub(super) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Relaxed)
    }

    /// Whether the numbers are this log's, in its present epoch.
    fn are_ours(&self) -> bool {
        self.load(LOG) == self.log && self.load(EPOCH) == self.epoch()
    }

    /// For who only reads: finds numbers that were not there yet, and goes along with the log's epoch.
    pub(super) fn follow(&self, storage: &dyn Storage) -> Result<()> {
        if self.are_ours() {
            return Ok(());
        }
        if self.load(LOG) == 0 && self.made_since.get().is_none() {
            let cells = storage.shared(ENDS_FILE, CELLS)?;
            if cells.load(LOG) == self.log {
                let _ = self.made_since.set(cells);
            }
        }
        if self.load(LOG) == self.log {
            let identity = Identity::decode(&opening::read(storage, IDENTITY_FILE)?)?;
            self.epoch.fetch_max(identity.epoch, Ordering::Relaxed);
        }
        Ok(())
    }

    fn check(&self, number: u64) -> u64 {
        (number ^ self.log).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29) ^ self.epoch()
    }

    /// Whether a sync of the log failed since it was last opened for writing. The operating system then has bytes in
    /// memory that it takes for synced, and that it may never have written.
    pub(super) fn has_sync_failed(&self) -> bool {
        self.load(SYNC_FAILED) == self.log
    }

    pub(super) fn set_sync_failed(&self) {
        self.cells.store(SYNC_FAILED, self.log);
    }

    /// A number of this log that agrees with its check. The writer stores the one and then the other: who comes between
    /// looks again.
    fn checked(&self, cell: usize, check: usize) -> Option<u64> {
        (0..MOST_LOOKS)
            .find_map(|look| {
                if look + PATIENT_LOOKS >= MOST_LOOKS {
                    std::thread::sleep(PATIENCE);
                }
                let number = self.load(cell);
                (self.load(check) == self.check(number) || !self.are_ours()).then_some(number)
            })
            .filter(|_| self.are_ours())
    }

    /// What was once known to be on the disk, as far as these numbers tell.
    pub(super) fn durable(&self) -> Option<End> {
        let durable = self.load(DURABLE);
        (self.are_ours() && self.load(DURABLE_CHECK) == self.check(durable)).then(|| End::unpack(durable))
    }

    /// Up to where readers of other processes may read; nothing if no writer has said so, or its word is damaged.
    pub(super) fn visible(&self) -> Option<End> {
        self.checked(VISIBLE, VISIBLE_CHECK).map(End::unpack)
    }

    /// Whether what the numbers say can be so.
    pub(super) fn verify(&self) -> Result<()> {
        let damaged = |what: &str| {
            Err(Error::new(
                ErrorCode::Corrupt,
                format!("{ENDS_FILE}: {what}: remove the file, it will be made again"),
            ))
        };
        if !self.are_ours() {
            let blank = (0..CELLS).all(|cell| self.load(cell) == 0);
            return if blank { Ok(()) } else { damaged("it is another log's, or damaged") };
        }
        let durable = self.checked(DURABLE, DURABLE_CHECK).map(End::unpack);
        let (Some(visible), Some(durable)) = (self.visible(), durable) else {
            return damaged("a number and its check differ");
        };
        // The first logs had no checks of these.
        for (cell, check) in [(DURABLE_LSN, DURABLE_LSN_CHECK), (GENERATION, GENERATION_CHECK)] {
            if self.load(check) != 0 && self.checked(cell, check).is_none() {
                return damaged("a number and its check differ");
            }
        }
        if (durable.segment, durable.offset) > (visible.segment, visible.offset + SEAL_LENGTH) {
            return damaged("more is durable than there is");
        }
        if ![0, self.log].contains(&self.load(SYNC_FAILED)) {
            return damaged("a number is damaged");
        }
        Ok(())
    }

    /// Whether a writer of this log has said anything.
    pub(super) fn has_word(&self) -> bool {
        self.are_ours()
    }

    /// The LSN before which all entries are on the disk, as the writer said last; nothing if none has, or its word is damaged.
    pub(super) fn durable_lsn(&self) -> Option<u64> {
        self.checked(DURABLE_LSN, DURABLE_LSN_CHECK)
    }

    /// Twice the number of removals, as the writer said last, one less while the last of them goes on; in its upper half
    /// how often segments were compressed since.
    pub(super) fn generation(&self) -> u64 {
        if self.are_ours() { self.load(GENERATION) } else { 0 }
    }

    /// Says how far the log has come. Only the writer does.
    pub(super) fn publish(&self, state: &State, durable_end: u64) {
        let segment = state.active.number();
        let visible = End { segment, offset: state.active.end }.pack();
        self.cells.store(VISIBLE, visible);
        self.cells.store(VISIBLE_CHECK, self.check(visible));
        let durable = End { segment, offset: durable_end }.pack();
        let check = self.check(durable);
        // Another process may have ended between the two.
        if self.cells.load(DURABLE) != durable || self.cells.load(DURABLE_CHECK) != check {
            self.cells.store(DURABLE, durable);
            self.cells.store(DURABLE_CHECK, check);
        }
        let check = self.check(state.durable_lsn);
        if self.cells.load(DURABLE_LSN_CHECK) != check || self.cells.load(DURABLE_LSN) != state.durable_lsn {
            self.cells.store(DURABLE_LSN, state.durable_lsn);
            self.cells.store(DURABLE_LSN_CHECK, check);
        }
    }

    /// Makes the numbers this log's own, once opening has found out where it ends.
    pub(super) fn claim(&self, state: &State, durable_end: u64) {
        self.cells.store(LOG, 0);
        self.cells.store(EPOCH, self.epoch());
        self.set_generation(2 * state.manifest.removals.len() as u64);
        self.publish(state, durable_end);
        self.cells.store(SYNC_FAILED, 0);
        self.cells.store(LOG, self.log);
    }

    pub(super) fn set_generation(&self, generation: u64) {
        self.cells.store(GENERATION, generation);
        self.cells.store(GENERATION_CHECK, self.check(generation));
    }

    /// Says that sealed segments take less room than before. `generation` is the one without that.
    pub(super) fn set_compressed(&self, generation: u64) {
        let times = self.cells.load(GENERATION) >> 32;
        self.set_generation((times + 1) << 32 | generation);
    }
}
