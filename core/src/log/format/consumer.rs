use crate::error::Result;
use crate::log::bytes::Reader;
use crate::log::format::{self, Kind};

const PREFIX: &str = "consumer-";
const SUFFIX: &str = ".position";

/// Name of the file that keeps the position of the consumer with this name.
pub(in crate::log) fn consumer_file(name: &str) -> String {
    format!("{PREFIX}{name}{SUFFIX}")
}

/// Name of the lock of that file. No consumer's name makes the two alike, or like
/// the temporary file of a replacement.
pub(in crate::log) fn consumer_lock(name: &str) -> String {
    format!("{PREFIX}{name}.lock")
}

/// The name of the consumer whose file this is.
pub(in crate::log) fn consumer_of_file(file: &str) -> Option<&str> {
    file.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)
}

/// How far a consumer has come: one of the two slots of its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::log) struct Position {
    pub(in crate::log) log: uuid::Uuid,
    /// The epoch of the log when this was committed.
    pub(in crate::log) epoch: u64,
    /// How often the file was written: the slot with the higher number counts.
    pub(in crate::log) generation: u64,
    pub(in crate::log) lsn: u64,
}

impl Position {
    /// Length of a slot: what a disk writes whole or not at all.
    pub(in crate::log) const LENGTH: usize = 512;

    pub(in crate::log) fn encode(&self) -> Vec<u8> {
        let mut out = format::start(Kind::Consumer);
        out.extend_from_slice(self.log.as_bytes());
        for value in [self.epoch, self.generation, self.lsn] {
            out.extend_from_slice(&value.to_le_bytes());
        }
        out.resize(Self::LENGTH - size_of::<u32>(), 0);
        format::finish(out)
    }

    fn decode(slot: &[u8], name: &str) -> Result<Position> {
        let mut body = Reader(format::check(slot, Kind::Consumer, name)?);
        let mut read = || {
            let log = uuid::Uuid::from_bytes(*body.array()?);
            let (epoch, generation, lsn) = (body.u64()?, body.u64()?, body.u64()?);
            let follows = generation < u64::MAX && body.0.iter().all(|byte| *byte == 0);
            follows.then_some(Position { log, epoch, generation, lsn })
        };
        read().ok_or_else(|| format::damaged(name, "damaged"))
    }
}

/// What the file of a consumer says.
#[derive(Debug)]
pub(in crate::log) struct Slots {
    pub(in crate::log) current: Position,
    /// Where the other slot lies, which is the next to be written.
    pub(in crate::log) other: u64,
    /// Whether that one is damaged: the current one may not be what was written last.
    pub(in crate::log) damaged: bool,
}

impl Slots {
    /// Length of the file.
    pub(in crate::log) const LENGTH: usize = 2 * Position::LENGTH;

    /// The file of a consumer before the first entry.
    pub(in crate::log) fn new_file(log: uuid::Uuid, epoch: u64) -> Vec<u8> {
        let slot = |generation| Position { log, epoch, generation, lsn: 0 }.encode();
        [slot(1), slot(0)].concat()
    }

    /// The slot that was written last, or the one before if that is damaged.
    pub(in crate::log) fn decode(bytes: &[u8], log: uuid::Uuid, name: &str) -> Result<Slots> {
        let second = Position::LENGTH as u64;
        let mut found: Option<Slots> = None;
        let mut intact = 0;
        for (slot, other) in bytes.chunks(Position::LENGTH).zip([second, 0]) {
            let current = match Position::decode(slot, name) {
                Ok(current) => current,
                // A newer version must not be overwritten by what the other slot holds.
                Err(error) if error.code() == crate::error::ErrorCode::Unsupported => return Err(error),
                Err(_) => continue,
            };
            intact += 1;
            if found.as_ref().is_none_or(|found| found.current.generation < current.generation) {
                found = Some(Slots { current, other, damaged: false });
            }
        }
        let mut found = found.ok_or_else(|| {
            format::damaged(name, "both slots are damaged: remove the consumer and make it anew")
        })?;
        if found.current.log != log {
            return Err(format::damaged(name, "belongs to another log"));
        }
        found.damaged = intact < 2;
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorCode;

    const LOG: uuid::Uuid = uuid::Uuid::from_u128(9);

    fn position(generation: u64, lsn: u64) -> Position {
        Position { log: LOG, epoch: 2, generation, lsn }
    }

    #[test]
    fn the_slot_that_was_written_last_counts() {
        for (first, second, expected, other) in [(4, 3, 40, 512), (4, 5, 50, 0)] {
            let bytes = [position(first, 40).encode(), position(second, 50).encode()].concat();
            assert_eq!(bytes.len(), Slots::LENGTH);
            let slots = Slots::decode(&bytes, LOG, "x").unwrap();
            assert_eq!((slots.current.lsn, slots.current.epoch, slots.other), (expected, 2, other));
            assert!(!slots.damaged);
        }
        let slots = Slots::decode(&Slots::new_file(LOG, 7), LOG, "x").unwrap();
        assert_eq!(slots.current, Position { log: LOG, epoch: 7, generation: 1, lsn: 0 });
        assert_eq!(slots.other, 512);
    }

    #[test]
    fn every_flipped_bit_and_every_cut_gives_the_position_before_or_none() {
        let good = [position(4, 40).encode(), position(5, 50).encode()].concat();
        let lsn = |bytes: &[u8]| match Slots::decode(bytes, LOG, "x") {
            Ok(slots) => {
                assert_eq!(slots.damaged, bytes != good);
                Ok(slots.current.lsn)
            }
            Err(error) => Err(error.code()),
        };
        assert_eq!(lsn(&good), Ok(50));
        // The version's bits in the file: a higher one is another's to read.
        let version = |bit: usize| (64..80).contains(&(bit % (Position::LENGTH * 8)));
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            let expected = match bit {
                bit if version(bit) && bit % 4096 != 64 => Err(ErrorCode::Unsupported),
                bit if bit < Position::LENGTH * 8 => Ok(50),
                _ => Ok(40),
            };
            assert_eq!(lsn(&bad), expected, "bit {bit}");
        }
        for length in 0..good.len() {
            let expected = if length < Position::LENGTH { Err(ErrorCode::Corrupt) } else { Ok(40) };
            assert_eq!(lsn(&good[..length]), expected, "length {length}");
        }
        let other = Slots::decode(&good, uuid::Uuid::from_u128(8), "x").unwrap_err();
        assert_eq!(other.code(), ErrorCode::Corrupt);
    }

    #[test]
    fn no_two_files_have_one_name() {
        let names = ["a", "a.lock", "a.position", "a.new", "a.position.new", "a.position.lock"];
        let mut files = Vec::new();
        for name in names {
            assert_eq!(consumer_of_file(&consumer_file(name)), Some(name));
            assert_eq!(consumer_of_file(&consumer_lock(name)), None);
            files.extend([consumer_file(name), consumer_lock(name), consumer_file(name) + ".new"]);
        }
        let count = files.len();
        files.sort_unstable();
        files.dedup();
        assert_eq!(files.len(), count);
    }
}
