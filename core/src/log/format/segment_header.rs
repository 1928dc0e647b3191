use crate::error::Result;
use crate::log::bytes::Reader;
use crate::log::format::{self, Kind};
use crate::log::frame::Base;

/// What a segment begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::log) struct SegmentHeader {
    pub(in crate::log) log: uuid::Uuid,
    /// The segment's own number, from 1.
    pub(in crate::log) number: u64,
    pub(in crate::log) first_lsn: u64,
    /// How many transactions the log took in before this segment.
    pub(in crate::log) first_transaction: u64,
    pub(in crate::log) base: Base,
}

impl SegmentHeader {
    /// Where the first frame of a segment lies.
    pub(in crate::log) const LENGTH: usize = 8 + 2 + 1 + 16 + 8 + 8 + 8 + 8 + 4 + 4;

    pub(in crate::log) fn encode(&self) -> Vec<u8> {
        let mut out = format::start(Kind::Segment);
        out.extend_from_slice(self.log.as_bytes());
        out.extend_from_slice(&self.number.to_le_bytes());
        out.extend_from_slice(&self.first_lsn.to_le_bytes());
        out.extend_from_slice(&self.first_transaction.to_le_bytes());
        out.extend_from_slice(&self.base.timestamp.to_le_bytes());
        out.extend_from_slice(&self.base.salt.to_le_bytes());
        format::finish(out)
    }

    pub(in crate::log) fn decode(bytes: &[u8], name: &str) -> Result<SegmentHeader> {
        let mut body = Reader(format::check(bytes, Kind::Segment, name)?);
        let mut read = || {
            let log = uuid::Uuid::from_bytes(*body.array()?);
            let (number, first_lsn, first_transaction) = (body.u64()?, body.u64()?, body.u64()?);
            let base = Base { timestamp: body.u64()? as i64, salt: body.u32()? };
            body.0.is_empty().then_some(SegmentHeader { log, number, first_lsn, first_transaction, base })
        };
        read().ok_or_else(|| format::damaged(name, "damaged"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_comes_back() {
        let header = SegmentHeader {
            log: uuid::Uuid::from_u128(9),
            number: 3,
            first_lsn: 7,
            first_transaction: 6,
            base: Base { salt: 5, timestamp: -4 },
        };
        assert_eq!(header.encode().len(), SegmentHeader::LENGTH);
        assert_eq!(SegmentHeader::decode(&header.encode(), "x").unwrap(), header);
    }
}
