//! A transaction as bytes: one frame of a segment.

use crate::change::{Change, ChangeOperation, Metadata, Verdict};
use crate::error::{Error, ErrorCode, Result};
use crate::id::{NodeId, RowId};
use crate::log::bytes::{self, Reader};
use crate::varint;

/// A node's number in its segment's dictionary.
pub(super) type NodeNumber = u32;
/// A table's number in its segment's dictionary.
pub(super) type TableNumber = u32;

/// Length and checksum, before the body.
pub(super) const HEADER_LENGTH: usize = 8;
/// The longest body of a frame. Its length field could say more; no frame does.
pub(super) const MAX_BODY_LENGTH: usize = 1 << 30;

const DURABLE: u8 = 1;
const NEW_NODES: u8 = 1 << 1;
const NEW_TABLES: u8 = 1 << 2;
const DEPENDENCIES: u8 = 1 << 3;
const ONE_CHANGE: u8 = 1 << 4;
const SEAL: u8 = 1 << 7;

const OPERATION_MASK: u8 = 0b11;
const HAS_BEFORE: u8 = 1 << 2;
const HAS_AFTER: u8 = 1 << 3;
const VERDICT_SHIFT: u8 = 4;
const VERDICT_MASK: u8 = 0b11 << VERDICT_SHIFT;
const HAS_METADATA: u8 = 1 << 6;
const REMOVED: u8 = 1 << 7;

/// What binds a frame to its segment: the segment's salt, and the time its timestamps count from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Base {
    pub(super) salt: u32,
    pub(super) timestamp: i64,
}

/// Everything about a transaction but its changes, on its way into a frame.
#[derive(Debug, Clone, Copy)]
pub(super) struct FrameHead<'a> {
    /// Whether all bytes before this frame were known to be on the disk when it was written.
    pub(super) durable: bool,
    pub(super) timestamp: i64,
    /// Nodes and tables that get the next numbers of the segment's dictionaries.
    pub(super) new_nodes: &'a [NodeId],
    pub(super) new_tables: &'a [&'a str],
    pub(super) author: NodeNumber,
    pub(super) sequence: u64,
    /// Ascending by node number.
    pub(super) dependencies: &'a [(NodeNumber, u64)],
    pub(super) change_count: u32,
}

/// What a frame says of one of its changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FrameChange<'a> {
    pub(super) operation: ChangeOperation,
    pub(super) verdict: Option<Verdict>,
    pub(super) table: TableNumber,
    /// The encoded row id.
    pub(super) row_id: &'a [u8],
    pub(super) before: Option<&'a [u8]>,
    pub(super) after: Option<&'a [u8]>,
    metadata: &'a [u8],
}

/// The checksum of a frame's body, bound to the segment and to its place in it, so
/// that bytes of another place or time never pass for this frame.
pub(super) fn checksum(salt: u32, offset: u64, body: &[u8]) -> u32 {
    // Multiplying by an odd number keeps offsets apart, and a checksum that starts from another value never ends at
    // the same one for the same body.
    let place = (salt ^ offset as u32).wrapping_mul(0x9e37_79b1) ^ (offset >> 32) as u32;
    crc32c::crc32c_append(place ^ (body.len() as u32).rotate_left(16), body)
}

/// Writes the frame of one transaction to the end of a buffer, in steps: start, change by change, finish.
pub(super) struct FrameWriter<'a> {
    out: &'a mut Vec<u8>,
    start: usize,
}

impl<'a> FrameWriter<'a> {
    pub(super) fn start(out: &'a mut Vec<u8>, base: Base, head: &FrameHead<'_>) -> Self {
        let start = out.len();
        out.extend_from_slice(&[0; HEADER_LENGTH]);
        let width = u64::from(head.change_count.max(1));
        let previous = head.sequence - width;
        let implied = match head.dependencies {
            [] => previous == 0,
            [only] => *only == (head.author, previous),
            _ => false,
        };
        let mut flags = 0;
        for (set, flag) in [
            (head.durable, DURABLE),
            (!head.new_nodes.is_empty(), NEW_NODES),
            (!head.new_tables.is_empty(), NEW_TABLES),
            (!implied, DEPENDENCIES),
            (head.change_count == 1, ONE_CHANGE),
        ] {
            flags |= if set { flag } else { 0 };
        }
        out.push(flags);
        varint::write_signed(head.timestamp.wrapping_sub(base.timestamp), out);
        if !head.new_nodes.is_empty() {
            varint::write(head.new_nodes.len() as u64, out);
            head.new_nodes.iter().for_each(|node| out.extend_from_slice(node.as_bytes()));
        }
        if !head.new_tables.is_empty() {
            varint::write(head.new_tables.len() as u64, out);
            head.new_tables.iter().for_each(|table| bytes::write(table.as_bytes(), out));
        }
        varint::write(u64::from(head.author), out);
        varint::write(head.sequence, out);
        if !implied {
            varint::write(head.dependencies.len() as u64, out);
            for (node, sequence) in head.dependencies {
                varint::write(u64::from(*node), out);
                varint::write(*sequence, out);
            }
        }
        if head.change_count != 1 {
            varint::write(u64::from(head.change_count), out);
        }
        FrameWriter { out, start }
    }

    /// Writes a change and returns its encoded row id.
    pub(super) fn change(&mut self, table: TableNumber, change: &Change, verdict: Option<Verdict>) -> &[u8] {
        self.out.push(flags(change, verdict));
        varint::write(u64::from(table), self.out);
        let row_id = bytes::write_with(self.out, |out| change.row_id.encode_into(out));
        for image in [&change.before, &change.after].into_iter().flatten() {
            bytes::write(image, self.out);
        }
        if !change.metadata.is_empty() {
            varint::write(change.metadata.len() as u64, self.out);
            for (key, value) in &change.metadata {
                bytes::write(key.as_bytes(), self.out);
                bytes::write(value.as_bytes(), self.out);
            }
        }
        self.out.get(row_id).unwrap_or_default()
    }

    /// Copies a change from another frame, with the table's number in this segment.
    pub(super) fn copy(&mut self, change: &FrameChange<'_>) {
        let verdict = change.verdict.map_or(0, verdict_bits);
        let mut flags = operation_bits(change.operation) | verdict << VERDICT_SHIFT;
        for (set, flag) in [
            (change.before.is_some(), HAS_BEFORE),
            (change.after.is_some(), HAS_AFTER),
            (!change.metadata.is_empty(), HAS_METADATA),
        ] {
            flags |= if set { flag } else { 0 };
        }
        self.out.push(flags);
        varint::write(u64::from(change.table), self.out);
        bytes::write(change.row_id, self.out);
        [change.before, change.after].into_iter().flatten().for_each(|image| bytes::write(image, self.out));
        self.out.extend_from_slice(change.metadata);
    }

    /// Writes that so many changes were here and are no longer.
    pub(super) fn removed(&mut self, count: u32) {
        self.out.push(REMOVED);
        varint::write(u64::from(count), self.out);
    }

    /// How many bytes the body has so far.
    pub(super) fn length(&self) -> usize {
        self.out.len() - self.start - HEADER_LENGTH
    }

    /// Completes the frame, which will lie at `offset` of its segment.
    ///
    /// # Errors
    /// `TOO_LARGE` when the body is longer than [`MAX_BODY_LENGTH`]; the buffer is then as it was.
    pub(super) fn finish(self, base: Base, offset: u64) -> Result<()> {
        finish(self.out, self.start, base, offset)
    }
}

fn finish(out: &mut Vec<u8>, start: usize, base: Base, offset: u64) -> Result<()> {
    let Some((header, body)) =
        out.get_mut(start..).and_then(|frame| frame.split_at_mut_checked(HEADER_LENGTH))
    else {
        return Err(Error::internal("a frame without a header"));
    };
    if body.len() > MAX_BODY_LENGTH {
        out.truncate(start);
        let message = format!("transaction is longer than the {MAX_BODY_LENGTH} bytes allowed: split it");
        return Err(Error::new(ErrorCode::TooLarge, message));
    }
    let length = (body.len() as u32).to_le_bytes();
    let fields = length.into_iter().chain(checksum(base.salt, offset, body).to_le_bytes());
    header.iter_mut().zip(fields).for_each(|(to, from)| *to = from);
    Ok(())
}

/// Makes the first of these frames, which starts at `offset`, say that all before it is on the disk.
pub(super) fn mark_durable(frames: &mut [u8], base: Base, offset: u64) {
    let Some((header, rest)) = frames.split_first_chunk_mut::<HEADER_LENGTH>() else { return };
    let (length, _) = self::header(*header);
    let Some(body) = rest.get_mut(..length) else { return };
    if let Some(flags) = body.first_mut() {
        *flags |= DURABLE;
    }
    let checksum = checksum(base.salt, offset, body).to_le_bytes();
    header.iter_mut().skip(4).zip(checksum).for_each(|(to, from)| *to = from);
}

fn operation_bits(operation: ChangeOperation) -> u8 {
    match operation {
        ChangeOperation::Insert => 0,
        ChangeOperation::Update => 1,
        ChangeOperation::Delete => 2,
    }
}

fn verdict_bits(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Applied => 1,
        Verdict::Superseded => 2,
        Verdict::Merged => 3,
    }
}

fn flags(change: &Change, verdict: Option<Verdict>) -> u8 {
    let mut flags = operation_bits(change.operation) | verdict.map_or(0, verdict_bits) << VERDICT_SHIFT;
    for (present, flag) in [
        (change.before.is_some(), HAS_BEFORE),
        (change.after.is_some(), HAS_AFTER),
        (!change.metadata.is_empty(), HAS_METADATA),
    ] {
        flags |= if present { flag } else { 0 };
    }
    flags
}

/// The length and checksum at the start of a frame.
pub(super) fn header(bytes: [u8; HEADER_LENGTH]) -> (usize, u32) {
    let [a, b, c, d, e, f, g, h] = bytes;
    (u32::from_le_bytes([a, b, c, d]) as usize, u32::from_le_bytes([e, f, g, h]))
}

/// Whether a body that begins with these flags can be one that says that all before it was on the disk.
pub(super) fn says_durable(flags: u8) -> bool {
    let known = DURABLE | NEW_NODES | NEW_TABLES | DEPENDENCIES | ONE_CHANGE;
    flags & DURABLE != 0 && (flags & !known == 0 || flags == SEAL | DURABLE)
}

/// The body of a frame read from its segment: a transaction, or the seal that ends the segment.
#[derive(Debug, Clone, Copy)]
pub(super) enum Body<'a> {
    Transaction(Frame<'a>),
    Seal(Seal),
}

/// A transaction whose fields lie in the frame that it was read from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame<'a> {
    pub(super) durable: bool,
    pub(super) timestamp: i64,
    pub(super) author: NodeNumber,
    /// The last of its sequences.
    pub(super) sequence: u64,
    pub(super) change_count: u32,
    new_nodes: &'a [u8],
    new_table_count: u32,
    new_tables: &'a [u8],
    /// Without any, it depends on its author's previous transaction.
    dependencies: Option<(u32, &'a [u8])>,
    changes: &'a [u8],
}

/// What a segment holds, as its last frame says: nothing follows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seal {
    pub(super) transactions: u64,
    /// How many LSNs the segment has.
    pub(super) entries: u64,
}

impl Seal {
    /// Appends the frame that ends a segment.
    pub(super) fn write(&self, base: Base, offset: u64, out: &mut Vec<u8>) -> Result<()> {
        let start = out.len();
        out.extend_from_slice(&[0; HEADER_LENGTH]);
        out.push(SEAL | DURABLE);
        varint::write(self.transactions, out);
        varint::write(self.entries, out);
        finish(out, start, base, offset)
    }
}

impl<'a> Body<'a> {
    /// Whether all before this frame was known to be on the disk when it was written.
    pub(super) fn is_durable(&self) -> bool {
        match self {
            Body::Transaction(frame) => frame.durable,
            Body::Seal(_) => true,
        }
    }

    /// Reads all but the changes. `None` means that the bytes are not a frame's body.
    pub(super) fn read(body: &'a [u8], base: Base) -> Option<Body<'a>> {
        let mut bytes = Reader(body);
        let flags = bytes.byte()?;
        if flags & SEAL != 0 {
            let seal = Seal { transactions: bytes.varint()?, entries: bytes.varint()? };
            return (flags == SEAL | DURABLE && bytes.0.is_empty()).then_some(Body::Seal(seal));
        }
        if flags & !(DURABLE | NEW_NODES | NEW_TABLES | DEPENDENCIES | ONE_CHANGE) != 0 {
            return None;
        }
        let timestamp = base.timestamp.wrapping_add(bytes.signed()?);
        let mut new_nodes: &[u8] = &[];
        if flags & NEW_NODES != 0 {
            let count = bytes.count(16)?.filter_zero()?;
            new_nodes = bytes.take(count as usize * 16)?;
        }
        let (mut new_table_count, mut new_tables): (u32, &[u8]) = (0, &[]);
        if flags & NEW_TABLES != 0 {
            new_table_count = bytes.count(2)?.filter_zero()?;
            new_tables = bytes.0;
            for _ in 0..new_table_count {
                std::str::from_utf8(bytes.slice()?).ok()?;
            }
            new_tables = new_tables.get(..new_tables.len() - bytes.0.len())?;
        }
        let author = bytes.index()?;
        let sequence = bytes.varint()?;
        let mut dependencies = None;
        if flags & DEPENDENCIES != 0 {
            let count = bytes.count(2)?;
            let all = bytes.0;
            for _ in 0..count {
                bytes.index()?;
                bytes.varint()?;
            }
            dependencies = Some((count, all.get(..all.len() - bytes.0.len())?));
        }
        let change_count = if flags & ONE_CHANGE != 0 {
            1
        } else {
            // Runs of removed changes take less than a byte each.
            bytes.index().filter(|count| *count != 1)?
        };
        sequence.checked_sub(u64::from(change_count.max(1)))?;
        Some(Body::Transaction(Frame {
            durable: flags & DURABLE != 0,
            timestamp,
            author,
            sequence,
            change_count,
            new_nodes,
            new_table_count,
            new_tables,
            dependencies,
            changes: bytes.0,
        }))
    }
}

trait FilterZero: Sized {
    fn filter_zero(self) -> Option<Self>;
}

impl FilterZero for u32 {
    /// A list that is there has something in it.
    fn filter_zero(self) -> Option<Self> {
        (self > 0).then_some(self)
    }
}

impl<'a> Frame<'a> {
    /// The sequence before its first one.
    pub(super) fn previous(&self) -> u64 {
        self.sequence - u64::from(self.change_count.max(1))
    }

    pub(super) fn new_nodes(&self) -> impl ExactSizeIterator<Item = NodeId> + 'a {
        self.new_nodes.as_chunks::<16>().0.iter().map(|id| NodeId::from_bytes(*id))
    }

    pub(super) fn new_tables(&self) -> impl Iterator<Item = &'a str> {
        let mut bytes = Reader(self.new_tables);
        (0..self.new_table_count).filter_map(move |_| std::str::from_utf8(bytes.slice()?).ok())
    }

    /// The transactions that its author had seen and that no other of them covers.
    pub(super) fn dependencies(&self) -> impl Iterator<Item = (NodeNumber, u64)> + 'a {
        let (count, all) = self.dependencies.unwrap_or((0, &[]));
        let implied = self.dependencies.is_none().then(|| (self.author, self.previous()));
        let mut bytes = Reader(all);
        let explicit = (0..count).filter_map(move |_| Some((bytes.index()?, bytes.varint()?)));
        implied.filter(|(_, sequence)| *sequence > 0).into_iter().chain(explicit)
    }

    pub(super) fn changes(&self) -> Changes<'a> {
        Changes::new(self.changes, self.change_count)
    }

    /// How many bytes at the end of the body the changes take.
    pub(super) fn changes_length(&self) -> usize {
        self.changes.len()
    }
}

/// The changes of a frame, one by one.
#[derive(Debug)]
pub(super) struct Changes<'a> {
    bytes: Reader<'a>,
    remaining: u32,
    /// How many of the next ones are no longer there.
    removed: u32,
}

/// Where the fields of a change lie within the bytes of its frame's changes: what is found once need not be read twice.
#[derive(Debug, Clone)]
pub(super) struct Located {
    operation: ChangeOperation,
    verdict: Option<Verdict>,
    table: TableNumber,
    row_id: Span,
    before: Option<Span>,
    after: Option<Span>,
    metadata: Span,
}

/// Start and end.
type Span = (u32, u32);

impl Located {
    fn of(change: &FrameChange<'_>, changes: &[u8]) -> Located {
        // Slices of the same bytes: their distance is where they lie.
        let span = |field: &[u8]| {
            let start = (field.as_ptr() as usize).wrapping_sub(changes.as_ptr() as usize) as u32;
            (start, start.wrapping_add(field.len() as u32))
        };
        Located {
            operation: change.operation,
            verdict: change.verdict,
            table: change.table,
            row_id: span(change.row_id),
            before: change.before.map(span),
            after: change.after.map(span),
            metadata: if change.metadata.is_empty() { (0, 0) } else { span(change.metadata) },
        }
    }

    /// The change, in the bytes that it was found in.
    pub(super) fn change<'a>(&self, changes: &'a [u8]) -> FrameChange<'a> {
        let field = |span: Span| changes.get(span.0 as usize..span.1 as usize).unwrap_or_default();
        FrameChange {
            operation: self.operation,
            verdict: self.verdict,
            table: self.table,
            row_id: field(self.row_id),
            before: self.before.map(field),
            after: self.after.map(field),
            metadata: field(self.metadata),
        }
    }
}

/// How far the reading of a frame's changes has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Left {
    bytes: usize,
    remaining: u32,
    removed: u32,
}

/// A change of a frame, or the gap where one was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot<'a> {
    Change(FrameChange<'a>),
    Removed,
}

impl<'a> Changes<'a> {
    pub(super) fn new(bytes: &'a [u8], count: u32) -> Self {
        Changes { bytes: Reader(bytes), remaining: count, removed: 0 }
    }

    /// The same changes, from where another reading of them stopped.
    pub(super) fn resume(bytes: &'a [u8], left: Left) -> Self {
        let from = bytes.len().saturating_sub(left.bytes);
        Changes {
            bytes: Reader(bytes.get(from..).unwrap_or_default()),
            remaining: left.remaining,
            removed: left.removed,
        }
    }

    /// What is left to read.
    pub(super) fn left(&self) -> Left {
        Left { bytes: self.bytes.0.len(), remaining: self.remaining, removed: self.removed }
    }

    /// Where a change lies that was read from these bytes.
    pub(super) fn locate(bytes: &[u8], change: &FrameChange<'_>) -> Located {
        Located::of(change, bytes)
    }

    /// Whether what comes next is a change, and not a gap or the end.
    pub(super) fn at_change(&self) -> bool {
        let here = self.removed == 0 && self.remaining > 0;
        here && self.bytes.0.first().is_some_and(|flags| *flags != REMOVED)
    }

    /// The next change; `Ok(None)` after the last, `Err` where the bytes are not a frame's.
    pub(super) fn next(&mut self) -> Result<Option<Slot<'a>>, ()> {
        if self.removed > 0 {
            self.removed -= 1;
            return Ok(Some(Slot::Removed));
        }
        if self.remaining == 0 {
            return if self.bytes.0.is_empty() { Ok(None) } else { Err(()) };
        }
        self.slot().map(Some).ok_or(())
    }

    fn slot(&mut self) -> Option<Slot<'a>> {
        let flags = self.bytes.byte()?;
        if flags == REMOVED {
            let count = self.bytes.index()?.filter_zero()?;
            self.remaining = self.remaining.checked_sub(count)?;
            self.removed = count - 1;
            return Some(Slot::Removed);
        }
        self.remaining -= 1;
        change(flags, &mut self.bytes).map(Slot::Change)
    }
}

fn change<'a>(flags: u8, bytes: &mut Reader<'a>) -> Option<FrameChange<'a>> {
    if flags & REMOVED != 0 {
        return None;
    }
    // What no change can have, no frame has.
    let (operation, impossible) = match flags & OPERATION_MASK {
        0 => (ChangeOperation::Insert, HAS_BEFORE),
        1 => (ChangeOperation::Update, 0),
        2 => (ChangeOperation::Delete, HAS_AFTER),
        _ => return None,
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
    let mut metadata: &[u8] = &[];
    if flags & HAS_METADATA != 0 {
        metadata = bytes.0;
        read_metadata(bytes, |_, _| {})?;
        metadata = metadata.get(..metadata.len() - bytes.0.len())?;
    }
    Some(FrameChange { operation, verdict, table, row_id, before, after, metadata })
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
    for _ in 0..bytes.count(2)?.filter_zero()? {
        let key = std::str::from_utf8(bytes.slice()?).ok()?;
        let value = std::str::from_utf8(bytes.slice()?).ok()?;
        each(key, value);
    }
    Some(())
}
