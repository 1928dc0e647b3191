use crate::error::{Error, ErrorCode, Result};
use crate::log::bytes::Reader;
use crate::log::format::{self, Kind};

/// How the blocks are compressed; the format knows no other way.
const LZ4: u8 = 1;

/// What a compressed segment begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::log) struct CompressedHeader {
    pub(in crate::log) log: uuid::Uuid,
    /// The segment's own number, from 1.
    pub(in crate::log) number: u64,
    /// That of the segment.
    pub(in crate::log) salt: u32,
    /// How many bytes of content each block has but the last.
    pub(in crate::log) block_length: u32,
    /// How many bytes of content there are.
    pub(in crate::log) length: u64,
}

impl CompressedHeader {
    pub(in crate::log) const LENGTH: usize = 8 + 2 + 1 + 16 + 8 + 4 + 1 + 4 + 8 + 4;

    /// Whether a file that starts so is a compressed segment, of this version of the format.
    pub(in crate::log) fn begins(start: &[u8]) -> bool {
        start.starts_with(&format::start(Kind::CompressedSegment))
    }

    pub(in crate::log) fn encode(&self) -> Vec<u8> {
        let mut out = format::start(Kind::CompressedSegment);
        out.extend_from_slice(self.log.as_bytes());
        out.extend_from_slice(&self.number.to_le_bytes());
        out.extend_from_slice(&self.salt.to_le_bytes());
        out.push(LZ4);
        out.extend_from_slice(&self.block_length.to_le_bytes());
        out.extend_from_slice(&self.length.to_le_bytes());
        format::finish(out)
    }

    pub(in crate::log) fn decode(bytes: &[u8], name: &str) -> Result<CompressedHeader> {
        let mut body = Reader(format::check(bytes, Kind::CompressedSegment, name)?);
        let mut read = || {
            let log = uuid::Uuid::from_bytes(*body.array()?);
            let (number, salt, codec) = (body.u64()?, body.u32()?, body.byte()?);
            let (block_length, length) = (body.u32()?, body.u64()?);
            let header = CompressedHeader { log, number, salt, block_length, length };
            body.0.is_empty().then_some((header, codec))
        };
        let (header, codec) = read().ok_or_else(|| format::damaged(name, "damaged"))?;
        if codec != LZ4 {
            let message = format!("{name}: compressed in way {codec}, this library knows way {LZ4}");
            return Err(Error::new(ErrorCode::Unsupported, message));
        }
        Ok(header)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> CompressedHeader {
        CompressedHeader {
            log: uuid::Uuid::from_u128(9),
            number: 3,
            salt: 5,
            block_length: 4096,
            length: 70_000,
        }
    }

    #[test]
    fn what_is_encoded_comes_back() {
        let bytes = header().encode();
        assert_eq!(bytes.len(), CompressedHeader::LENGTH);
        assert!(CompressedHeader::begins(&bytes));
        assert_eq!(CompressedHeader::decode(&bytes, "x").unwrap(), header());
    }

    #[test]
    fn another_way_to_compress_is_unsupported() {
        let mut bytes = header().encode();
        bytes[39] = 2;
        bytes.truncate(CompressedHeader::LENGTH - 4);
        let error = CompressedHeader::decode(&format::finish(bytes), "x").unwrap_err();
        assert_eq!(error.code(), ErrorCode::Unsupported, "{error}");
        assert!(error.message().contains("way 2"), "{error}");
    }
}
