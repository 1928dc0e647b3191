//! A transaction as bytes: one frame of a segment.

use smallvec::SmallVec;

use crate::causality::NodeIndex;
use crate::change::{Change, ChangeOperation, Metadata, Verdict};
use crate::error::{Error, ErrorCode, Result};
use crate::id::{NodeId, RowId};
use crate::varint;

/// A table's number in the segment's dictionary.
pub(super) type TableIndex = u32;

/// Length and checksum, before the body.
pub(super) const HEADER_LENGTH: usize = 8;
/// The longest body of a frame. Its length field could say more; no frame does.
pub(super) const MAX_BODY_LENGTH: usize = 1 << 30;

const OPERATION_MASK: u8 = 0b11;
const HAS_BEFORE: u8 = 1 << 2;
const HAS_AFTER: u8 = 1 << 3;
const VERDICT_SHIFT: u8 = 4;
const VERDICT_MASK: u8 = 0b11 << VERDICT_SHIFT;
const HAS_METADATA: u8 = 1 << 6;

/// Everything about a transaction but its changes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FrameHead {
    /// How far before this frame the bytes end that were known to be on the disk when it was written.
    pub(super) durable_distance: u64,
    pub(super) timestamp: i64,
    /// Nodes and tables that get the next numbers of the segment's dictionaries.
    pub(super) new_nodes: Vec<NodeId>,
    pub(super) new_tables: Vec<String>,
    pub(super) author: NodeIndex,
    pub(super) sequence: u64,
    pub(super) dependencies: SmallVec<[(NodeIndex, u64); 2]>,
    pub(super) change_count: u32,
}

/// A change whose fields lie in the frame that it was read from.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FrameChange<'a> {
    pub(super) operation: ChangeOperation,
    pub(super) verdict: Option<Verdict>,
    pub(super) table: TableIndex,
    pub(super) row_id: &'a [u8],
    pub(super) before: Option<&'a [u8]>,
    pub(super) after: Option<&'a [u8]>,
    metadata: &'a [u8],
}

/// The checksum of a frame's body, bound to the segment and to its place in it, so
/// that bytes of another place or time never pass for this frame.
pub(super) fn checksum(salt: u32, offset: u64, body: &[u8]) -> u32 {
    let mut seed = [0; 16];
    let fields =
        salt.to_le_bytes().into_iter().chain(offset.to_le_bytes()).chain((body.len() as u32).to_le_bytes());
    seed.iter_mut().zip(fields).for_each(|(to, from)| *to = from);
    crc32c::crc32c_append(crc32c::crc32c(&seed), body)
}

/// Appends the frame of a transaction that will lie at `offset`.
///
/// # Errors
/// `TOO_LARGE` when the body is longer than [`MAX_BODY_LENGTH`].
pub(super) fn encode<'a>(
    head: &FrameHead,
    changes: impl Iterator<Item = (TableIndex, &'a Change, Option<Verdict>)>,
    salt: u32,
    offset: u64,
) -> Result<Vec<u8>> {
    let mut out = vec![0; HEADER_LENGTH];
    varint::write(head.durable_distance, &mut out);
    out.extend_from_slice(&head.timestamp.to_le_bytes());
    varint::write(head.new_nodes.len() as u64, &mut out);
    for node in &head.new_nodes {
        out.extend_from_slice(node.as_bytes());
    }
    varint::write(head.new_tables.len() as u64, &mut out);
    for table in &head.new_tables {
        write_bytes(table.as_bytes(), &mut out);
    }
    varint::write(u64::from(head.author), &mut out);
    varint::write(head.sequence, &mut out);
    varint::write(head.dependencies.len() as u64, &mut out);
    for (node, sequence) in &head.dependencies {
        varint::write(u64::from(*node), &mut out);
        varint::write(*sequence, &mut out);
    }
    varint::write(u64::from(head.change_count), &mut out);
    let mut row_id = Vec::new();
    for (table, change, verdict) in changes {
        out.push(flags(change, verdict));
        varint::write(u64::from(table), &mut out);
        row_id.clear();
        change.row_id.encode_into(&mut row_id);
        write_bytes(&row_id, &mut out);
        for image in [&change.before, &change.after].into_iter().flatten() {
            write_bytes(image, &mut out);
        }
        if !change.metadata.is_empty() {
            varint::write(change.metadata.len() as u64, &mut out);
            for (key, value) in &change.metadata {
                write_bytes(key.as_bytes(), &mut out);
                write_bytes(value.as_bytes(), &mut out);
            }
        }
        if out.len() > HEADER_LENGTH + MAX_BODY_LENGTH {
            let message = format!("transaction is longer than the {MAX_BODY_LENGTH} bytes allowed: split it");
            return Err(Error::new(ErrorCode::TooLarge, message));
        }
    }
    let (header, body) = out.split_at_mut(HEADER_LENGTH);
    let fields =
        (body.len() as u32).to_le_bytes().into_iter().chain(checksum(salt, offset, body).to_le_bytes());
    header.iter_mut().zip(fields).for_each(|(to, from)| *to = from);
    Ok(out)
}

fn flags(change: &Change, verdict: Option<Verdict>) -> u8 {
    let operation = match change.operation {
        ChangeOperation::Insert => 0,
        ChangeOperation::Update => 1,
        ChangeOperation::Delete => 2,
    };
    let verdict = match verdict {
        None => 0,
        Some(Verdict::Applied) => 1,
        Some(Verdict::Superseded) => 2,
        Some(Verdict::Merged) => 3,
    };
    let mut flags = operation | verdict << VERDICT_SHIFT;
    for (present, flag) in [
        (change.before.is_some(), HAS_BEFORE),
        (change.after.is_some(), HAS_AFTER),
        (!change.metadata.is_empty(), HAS_METADATA),
    ] {
        flags |= if present { flag } else { 0 };
    }
    flags
}

fn write_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    varint::write(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

/// The length and checksum at the start of a frame.
pub(super) fn header(bytes: [u8; HEADER_LENGTH]) -> (usize, u32) {
    let [a, b, c, d, e, f, g, h] = bytes;
    (u32::from_le_bytes([a, b, c, d]) as usize, u32::from_le_bytes([e, f, g, h]))
}

/// Whether a frame's body may begin with `prefix`, told from what costs little to look at.
///
/// A search for frames among any bytes asks this at every offset before it pays for a checksum.
pub(super) fn plausible(prefix: &[u8], body_length: usize, offset: u64) -> bool {
    if prefix.len() >= body_length {
        let Some((head, mut changes)) = FrameReader::new(prefix) else { return false };
        return head.durable_distance <= offset
            && loop {
                match changes.next() {
                    Ok(Some(_)) => {}
                    Ok(None) => break true,
                    Err(()) => break false,
                }
            };
    }
    let mut bytes = Reader(prefix);
    let mut start = || Some((bytes.varint()?, bytes.array::<8>()?, bytes.varint()?));
    // Of all nodes that a frame names only its author can be new.
    start().is_some_and(|(durable_distance, _, new_nodes)| durable_distance <= offset && new_nodes <= 1)
}

/// Reads a frame's body: the head at once, the changes one by one.
pub(super) struct FrameReader<'a> {
    bytes: Reader<'a>,
    remaining: u32,
}

impl<'a> FrameReader<'a> {
    /// Reads the head. `None` means that the bytes are not a frame's body.
    pub(super) fn new(body: &'a [u8]) -> Option<(FrameHead, FrameReader<'a>)> {
        let mut bytes = Reader(body);
        let durable_distance = bytes.varint()?;
        let timestamp = i64::from_le_bytes(*bytes.array()?);
        let new_nodes = bytes.list(16, |bytes| Some(NodeId::from_bytes(*bytes.array()?)))?;
        let new_tables = bytes.list(1, |bytes| Some(std::str::from_utf8(bytes.slice()?).ok()?.to_owned()))?;
        let author = bytes.index()?;
        let sequence = bytes.varint()?;
        let dependencies = bytes.list(2, |bytes| Some((bytes.index()?, bytes.varint()?)))?;
        let change_count = bytes.count(3)?;
        let dependencies = SmallVec::from_vec(dependencies);
        let head = FrameHead {
            durable_distance,
            timestamp,
            new_nodes,
            new_tables,
            author,
            sequence,
            dependencies,
            change_count,
        };
        Some((head, FrameReader { bytes, remaining: change_count }))
    }

    /// The next change; `Ok(None)` after the last, `Err` where the bytes are not a frame's.
    pub(super) fn next(&mut self) -> Result<Option<FrameChange<'a>>, ()> {
        if self.remaining == 0 {
            return if self.bytes.0.is_empty() { Ok(None) } else { Err(()) };
        }
        self.remaining -= 1;
        self.change().map(Some).ok_or(())
    }

    fn change(&mut self) -> Option<FrameChange<'a>> {
        let bytes = &mut self.bytes;
        let [flags] = *bytes.array()?;
        if flags & !(OPERATION_MASK | HAS_BEFORE | HAS_AFTER | VERDICT_MASK | HAS_METADATA) != 0 {
            return None;
        }
        let operation = match flags & OPERATION_MASK {
            0 => ChangeOperation::Insert,
            1 => ChangeOperation::Update,
            2 => ChangeOperation::Delete,
            _ => return None,
        };
        // What no change can have, no frame has.
        let impossible = match operation {
            ChangeOperation::Insert => HAS_BEFORE,
            ChangeOperation::Update => 0,
            ChangeOperation::Delete => HAS_AFTER,
        };
        if flags & impossible != 0 {
            return None;
        }
        let verdict = match (flags & VERDICT_MASK) >> VERDICT_SHIFT {
            0 => None,
            1 => Some(Verdict::Applied),
            2 => Some(Verdict::Superseded),
            _ => Some(Verdict::Merged),
        };
        let table = bytes.index()?;
        let row_id = bytes.slice()?;
        let before = if flags & HAS_BEFORE != 0 { Some(bytes.slice()?) } else { None };
        let after = if flags & HAS_AFTER != 0 { Some(bytes.slice()?) } else { None };
        let metadata = bytes.0;
        if flags & HAS_METADATA != 0 {
            read_metadata(bytes, |_, _| {})?;
        }
        let metadata = metadata.get(..metadata.len() - bytes.0.len())?;
        Some(FrameChange { operation, verdict, table, row_id, before, after, metadata })
    }
}

impl FrameChange<'_> {
    /// The typed row id; `None` where its bytes are not one.
    pub(super) fn row_id(&self) -> Option<RowId> {
        RowId::decode(self.row_id).ok()
    }

    pub(super) fn metadata(&self) -> Metadata {
        let mut metadata = Metadata::new();
        if !self.metadata.is_empty() {
            // The same bytes were read through once when the change was.
            let _ = read_metadata(&mut Reader(self.metadata), |key, value| {
                metadata.insert(key.to_owned(), value.to_owned());
            });
        }
        metadata
    }
}

fn read_metadata<'a>(bytes: &mut Reader<'a>, mut each: impl FnMut(&'a str, &'a str)) -> Option<()> {
    for _ in 0..bytes.count(2)? {
        let key = std::str::from_utf8(bytes.slice()?).ok()?;
        let value = std::str::from_utf8(bytes.slice()?).ok()?;
        each(key, value);
    }
    Some(())
}

/// Bytes taken from the front; `None` wherever there are too few.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn varint(&mut self) -> Option<u64> {
        let (value, rest) = varint::read(self.0)?;
        self.0 = rest;
        Some(value)
    }

    fn index(&mut self) -> Option<u32> {
        u32::try_from(self.varint()?).ok()
    }

    fn array<const N: usize>(&mut self) -> Option<&'a [u8; N]> {
        let (array, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(array)
    }

    fn slice(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.varint()?).ok()?;
        let (slice, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(slice)
    }

    /// A number of items of at least `least` bytes each, refused unless they can all be there.
    fn count(&mut self, least: usize) -> Option<u32> {
        let count = self.index()?;
        (count as usize <= self.0.len() / least).then_some(count)
    }

    fn list<T>(&mut self, least: usize, mut item: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        (0..self.count(least)?).map(|_| item(self)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn change() -> impl Strategy<Value = Change> {
        let image = || proptest::option::of(proptest::collection::vec(any::<u8>(), 0..40));
        let metadata = proptest::collection::btree_map(".{0,4}", ".{0,4}", 0..3);
        (any::<i64>(), 0usize..3, image(), image(), metadata).prop_map(
            |(row, operation, before, after, metadata)| {
                let operation = ChangeOperation::ALL[operation];
                let before = before.filter(|_| operation != ChangeOperation::Insert);
                let after = after.filter(|_| operation != ChangeOperation::Delete);
                Change { metadata, ..Change::new("t", row, operation, before, after) }
            },
        )
    }

    fn verdict() -> impl Strategy<Value = Option<Verdict>> {
        prop_oneof![Just(None), (0usize..3).prop_map(|index| Some(Verdict::ALL[index]))]
    }

    proptest! {
        #[test]
        fn decoding_gives_what_was_encoded(
            changes in proptest::collection::vec((any::<u32>(), change(), verdict()), 0..5),
            timestamp in any::<i64>(),
            sequence in any::<u64>(),
            dependencies in proptest::collection::vec((any::<u32>(), any::<u64>()), 0..4),
            nodes in proptest::collection::vec(any::<u128>(), 0..3),
            tables in proptest::collection::vec(".{0,5}", 0..3),
            offset in any::<u64>(),
        ) {
            let head = FrameHead {
                durable_distance: offset / 2,
                timestamp,
                new_nodes: nodes.into_iter().map(NodeId::from_u128).collect(),
                new_tables: tables,
                author: 3,
                sequence,
                dependencies: dependencies.into(),
                change_count: changes.len() as u32,
            };
            let parts = changes.iter().map(|(table, change, verdict)| (*table, change, *verdict));
            let bytes = encode(&head, parts, 1, offset).unwrap();
            let (start, body) = bytes.split_first_chunk::<HEADER_LENGTH>().unwrap();
            prop_assert_eq!(header(*start), (body.len(), checksum(1, offset, body)));

            let (decoded, mut reader) = FrameReader::new(body).unwrap();
            prop_assert_eq!(decoded, head);
            for (table, change, verdict) in &changes {
                let read = reader.next().unwrap().unwrap();
                prop_assert_eq!(read.operation, change.operation);
                prop_assert_eq!(read.verdict, *verdict);
                prop_assert_eq!(read.table, *table);
                prop_assert_eq!(read.row_id(), Some(change.row_id.clone()));
                prop_assert_eq!(read.before, change.before.as_deref());
                prop_assert_eq!(read.after, change.after.as_deref());
                prop_assert_eq!(read.metadata(), change.metadata.clone());
            }
            prop_assert_eq!(reader.next(), Ok(None));
        }

        #[test]
        fn bytes_that_are_no_frame_never_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Some((_, mut reader)) = FrameReader::new(&body) {
                while let Ok(Some(change)) = reader.next() {
                    let _ = (change.row_id(), change.metadata());
                }
            }
        }
    }
}
