//! Values made from the bytes of an input, from the front: every input is some value, and a
//! changed byte changes one thing.

use causelog::{Change, ChangeOperation, Dot, Metadata, RowId, RowIdPart, Timestamp, Uuid};

/// What is left of an input. At its end it goes on with zeros.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Input<'a>(pub(crate) &'a [u8]);

impl<'a> Input<'a> {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or(0)
    }

    /// Up to `length` bytes as they are.
    pub(crate) fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// A number below `end`, which is at most 256.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::from(self.byte()) % end
    }

    pub(crate) fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    pub(crate) fn wide(&mut self) -> u64 {
        let mut wide = [0; 8];
        let bytes = self.take(8);
        wide[..bytes.len()].copy_from_slice(bytes);
        u64::from_le_bytes(wide)
    }

    /// Mostly a small number, now and then any or one at the end of a range.
    pub(crate) fn number(&mut self) -> u64 {
        match self.byte() {
            0xff => u64::MAX,
            0xfe => i64::MAX as u64,
            0xfd => i64::MIN as u64,
            0xfc => u64::from(u32::MAX),
            0xf8..=0xfb => self.wide(),
            small => u64::from(small),
        }
    }

    /// A place within something of this length, its end included.
    pub(crate) fn place(&mut self, length: usize) -> usize {
        let low = usize::from(self.byte());
        (low | usize::from(self.byte()) << 8) % (length + 1)
    }

    /// Up to 255 bytes, their length before them.
    pub(crate) fn bytes(&mut self) -> &'a [u8] {
        let length = usize::from(self.byte());
        self.take(length)
    }

    pub(crate) fn text(&mut self) -> String {
        String::from_utf8_lossy(self.bytes()).into_owned()
    }

    /// One of a few nodes, or any.
    pub(crate) fn node(&mut self) -> Uuid {
        match self.byte() {
            0xff => Uuid::from_u128(u128::from(self.wide()) << 64 | u128::from(self.wide())),
            number if number % 40 == 39 => OWN_NODE,
            number => node(u64::from(number % 40)),
        }
    }

    pub(crate) fn dot(&mut self) -> Dot {
        Dot::new(self.node(), self.number())
    }

    pub(crate) fn timestamp(&mut self) -> Timestamp {
        Timestamp::from_nanoseconds(self.number() as i64)
    }

    pub(crate) fn operation(&mut self) -> ChangeOperation {
        ChangeOperation::ALL[self.below(3)]
    }

    /// One of a few names, or any.
    pub(crate) fn table(&mut self) -> String {
        match self.below(8) {
            0..=3 => "t".to_owned(),
            4 | 5 => "u".to_owned(),
            6 => String::new(),
            _ => self.text(),
        }
    }

    fn row_id_part(&mut self) -> RowIdPart {
        match self.below(5) {
            0 | 1 => RowIdPart::Integer(self.number() as i64),
            2 => RowIdPart::Text(self.text()),
            3 => RowIdPart::Bytes(self.bytes().to_vec()),
            _ => RowIdPart::Uuid(self.node()),
        }
    }

    /// Any row id, also an empty tuple, which is none.
    pub(crate) fn row_id(&mut self) -> RowId {
        match self.below(4) {
            0..=2 => RowId::Scalar(self.row_id_part()),
            _ => RowId::Tuple((0..self.below(4)).map(|_| self.row_id_part()).collect()),
        }
    }

    /// Mostly no or few bytes, now and then more than are read of a frame at first sight.
    pub(crate) fn image(&mut self) -> Option<Vec<u8>> {
        match self.byte() {
            0xff => Some(self.bytes().repeat(40)),
            byte => (byte & 1 == 1).then(|| self.bytes().to_vec()),
        }
    }

    pub(crate) fn metadata(&mut self) -> Metadata {
        let count = self.byte().saturating_sub(0xf8);
        (0..count).map(|_| (self.text(), self.text())).collect()
    }

    /// Any change, also one that no log takes.
    pub(crate) fn change(&mut self) -> Change {
        Change {
            table: self.table(),
            row_id: self.row_id(),
            operation: self.operation(),
            before: self.image(),
            after: self.image(),
            metadata: self.metadata(),
        }
    }

    /// Up to three changes.
    pub(crate) fn changes(&mut self) -> Vec<Change> {
        (0..self.below(4)).map(|_| self.change()).collect()
    }
}

/// Node number `number`: nodes sort by number.
pub(crate) const fn node(number: u64) -> Uuid {
    Uuid::from_u128((number as u128) << 64 | 0x8000_0000_0000_0000 | number as u128)
}

/// The node that a new log is, whose identities count from 1000: its id comes first.
const OWN_NODE: Uuid = node(1001);
