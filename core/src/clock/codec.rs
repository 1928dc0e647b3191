//! The two encoded forms of a clock: canonical bytes, and JSON.

use smallvec::SmallVec;

use crate::clock::VectorClock;
use crate::error::{Error, Result};
use crate::id::NodeId;
use crate::varint;

/// First byte of the binary form. Another one belongs to a later version.
const VERSION: u8 = 1;

impl VectorClock {
    /// The canonical binary form: equal clocks give equal bytes.
    ///
    /// A version byte (1), the number of nodes, then ascending by node its 16 bytes
    /// and its sequence; numbers as unsigned LEB128 in their shortest form.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(2 + self.len() * 18);
        out.push(VERSION);
        varint::write(self.len() as u64, &mut out);
        for (node, sequence) in self.iter() {
            out.extend_from_slice(node.as_bytes());
            varint::write(sequence, &mut out);
        }
        out
    }

    /// The clock that these bytes stand for.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for anything but what [`VectorClock::to_bytes`] gives.
    pub fn from_bytes(bytes: &[u8]) -> Result<VectorClock> {
        let malformed = |why: &str| Error::invalid(format!("not an encoded vector clock: {why}"));
        let truncated = || malformed(&format!("{} bytes end too early", bytes.len()));
        let (&version, rest) = bytes.split_first().ok_or_else(|| malformed("no bytes"))?;
        if version != VERSION {
            return Err(malformed(&format!("version {version}, known is {VERSION}")));
        }
        let (count, mut rest) = varint::read(rest).ok_or_else(truncated)?;
        // Every node takes 17 bytes at least: a count beyond that is refused before it is believed.
        if count > (rest.len() / 17) as u64 {
            return Err(truncated());
        }
        let mut entries = SmallVec::with_capacity(count as usize);
        let mut previous: Option<NodeId> = None;
        for _ in 0..count {
            let (node, after) = rest.split_first_chunk::<16>().ok_or_else(truncated)?;
            let node = NodeId::from_bytes(*node);
            let (sequence, after) = varint::read(after).ok_or_else(truncated)?;
            if sequence == 0 {
                return Err(malformed(&format!("node {node} has sequence 0")));
            }
            if previous.is_some_and(|previous| previous >= node) {
                return Err(malformed(&format!("node {node} is out of order")));
            }
            previous = Some(node);
            entries.push((node, sequence));
            rest = after;
        }
        if !rest.is_empty() {
            return Err(malformed(&format!("{} bytes too many", rest.len())));
        }
        Ok(VectorClock::from_sorted(entries))
    }

    /// The JSON form: an object of sequences by node, ascending, without spaces.
    pub fn to_json(&self) -> String {
        use std::fmt::Write;
        let mut out = String::from("{");
        for (index, (node, sequence)) in self.iter().enumerate() {
            let separator = if index > 0 { "," } else { "" };
            // Writing to a string cannot fail.
            let _ = write!(out, "{separator}\"{node}\":{sequence}");
        }
        out.push('}');
        out
    }

    /// The clock of this JSON object, its keys in any order; zeros are dropped.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for anything but an object of whole numbers from 0 to 2⁶⁴−1 by
    /// UUID, and for one that names a node twice.
    pub fn from_json(json: &str) -> Result<VectorClock> {
        serde_json::from_str(json)
            .map_err(|error| Error::invalid(format!("not a vector clock in JSON: {error}")))
    }
}
