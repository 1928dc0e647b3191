use crate::error::Result;
use crate::log::bytes::Reader;
use crate::log::format::{self, Kind};

/// Name of the file that says that a loss of power may have taken something.
pub(in crate::log) const UNSYNCED_FILE: &str = "unsynced";

/// That a writer has shown what was not on the disk: written before the first such entry, removed once all of them are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::log) struct Unsynced {
    pub(in crate::log) log: uuid::Uuid,
    /// The start of the machine that the writer ran in, by [`Storage::boot`](crate::storage::Storage::boot): while it is
    /// the same, the operating system has all that it was given.
    pub(in crate::log) boot: Option<u128>,
}

impl Unsynced {
    pub(in crate::log) fn encode(&self) -> Vec<u8> {
        let mut out = format::start(Kind::Unsynced);
        out.extend_from_slice(self.log.as_bytes());
        out.push(u8::from(self.boot.is_some()));
        out.extend_from_slice(&self.boot.unwrap_or_default().to_le_bytes());
        format::finish(out)
    }

    pub(in crate::log) fn decode(bytes: &[u8]) -> Result<Unsynced> {
        let mut body = Reader(format::check(bytes, Kind::Unsynced, UNSYNCED_FILE)?);
        let mut read = || {
            let log = uuid::Uuid::from_bytes(*body.array()?);
            let known = body.byte().filter(|known| *known < 2)? == 1;
            let boot = u128::from_le_bytes(*body.array()?);
            let fits = body.0.is_empty() && (known || boot == 0);
            fits.then_some(Unsynced { log, boot: known.then_some(boot) })
        };
        read().ok_or_else(|| format::damaged(UNSYNCED_FILE, "damaged"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_comes_back() {
        for boot in [None, Some(0), Some(u128::MAX)] {
            let unsynced = Unsynced { log: uuid::Uuid::from_u128(1), boot };
            assert_eq!(Unsynced::decode(&unsynced.encode()).unwrap(), unsynced);
        }
    }
}
