//! What is written: the same entries in every run, on every machine.

/// Rows that the entries are spread over.
pub(crate) const ROWS: usize = 100_000;
/// Distinct payloads. They take turns, and fit the processor's caches, so that handing out an entry costs next to nothing.
const PAYLOADS: usize = 4096;
/// Has no factor in common with [`ROWS`], so that each pass visits every row once, in a scattered order.
const ROW_STRIDE: u64 = 61_803;
const SEED: u64 = 0x_C0FF_EE00_5EED;
/// Eight bytes each: with the sixteen of a row id they make the key.
const TABLES: [&str; 4] = ["accounts", "invoices", "messages", "products"];

pub(crate) const TABLE_LENGTH: usize = 8;
pub(crate) const ROW_ID_LENGTH: usize = 16;
pub(crate) const KEY_LENGTH: usize = TABLE_LENGTH + ROW_ID_LENGTH;
pub(crate) const PAYLOAD_LENGTH: usize = 256;
/// Key and payload: all that is in an entry.
pub(crate) const RECORD_LENGTH: usize = KEY_LENGTH + PAYLOAD_LENGTH;

pub(crate) type Payload = [u8; PAYLOAD_LENGTH];

#[derive(Clone, Copy)]
pub(crate) struct Row {
    pub(crate) table: &'static str,
    pub(crate) id: [u8; ROW_ID_LENGTH],
    /// Table and row id together, for stores that take bytes only.
    pub(crate) key: [u8; KEY_LENGTH],
}

/// One change of a row.
#[derive(Clone, Copy)]
pub(crate) struct Entry<'a> {
    pub(crate) row: &'a Row,
    pub(crate) payload: &'a Payload,
    /// Whether this is the row's first change.
    pub(crate) insert: bool,
}

impl Entry<'_> {
    /// Puts key and payload at the end of `buffer`.
    pub(crate) fn write_to(&self, buffer: &mut Vec<u8>) {
        buffer.extend_from_slice(&self.row.key);
        buffer.extend_from_slice(self.payload);
    }
}

pub(crate) struct Workload {
    rows: Vec<Row>,
    payloads: Vec<Payload>,
}

impl Workload {
    pub(crate) fn new() -> Workload {
        let mut random = Random(SEED);
        let rows = (0..ROWS).map(|number| Row::new(TABLES[number % TABLES.len()], random.bytes()));
        let rows = rows.collect();
        let payloads = (0..PAYLOADS).map(|_| random.bytes()).collect();
        Workload { rows, payloads }
    }

    /// The entry with this number; there is no last one.
    pub(crate) fn entry(&self, number: u64) -> Entry<'_> {
        let row = (number % ROWS as u64 * ROW_STRIDE) as usize % ROWS;
        let payload = number as usize % PAYLOADS;
        Entry { row: &self.rows[row], payload: &self.payloads[payload], insert: number < ROWS as u64 }
    }

    /// Makes `batch` hold the entries with these numbers and no others.
    pub(crate) fn fill<'a>(&'a self, batch: &mut Vec<Entry<'a>>, numbers: std::ops::Range<u64>) {
        batch.clear();
        batch.extend(numbers.map(|number| self.entry(number)));
    }

    /// What reading the entries with these numbers must come to.
    pub(crate) fn digest(&self, numbers: std::ops::Range<u64>) -> Digest {
        let mut digest = Digest::default();
        for entry in numbers.map(|number| self.entry(number)) {
            digest.add(&entry.row.id, entry.payload);
        }
        digest
    }
}

impl Row {
    fn new(table: &'static str, id: [u8; ROW_ID_LENGTH]) -> Row {
        let mut key = [0; KEY_LENGTH];
        key[..TABLE_LENGTH].copy_from_slice(table.as_bytes());
        key[TABLE_LENGTH..].copy_from_slice(&id);
        Row { table, id, key }
    }
}

/// Tells whether a store gave back the right entries in the right order, at the price of
/// a multiplication each. It looks at the beginning of row id and payload only: the stores'
/// checksums are there for the rest.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Digest {
    entries: u64,
    sum: u64,
}

impl Digest {
    pub(crate) fn entries(&self) -> u64 {
        self.entries
    }

    pub(crate) fn add(&mut self, row_id: &[u8], payload: &[u8]) {
        let word = |bytes: &[u8]| bytes.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        self.entries += 1;
        self.sum = (self.sum ^ word(row_id)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.sum = self.sum.wrapping_add(word(payload) ^ payload.len() as u64);
    }

    /// Adds an entry from its key and payload in one piece.
    pub(crate) fn add_record(&mut self, record: &[u8]) {
        let (key, payload) = record.split_at(KEY_LENGTH.min(record.len()));
        self.add(&key[TABLE_LENGTH.min(key.len())..], payload);
    }
}

/// SplitMix64 (Steele, Lea and Flood 2014): its output does not compress.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        word ^ (word >> 31)
    }

    fn bytes<const LENGTH: usize>(&mut self) -> [u8; LENGTH] {
        let mut bytes = [0; LENGTH];
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.next().to_le_bytes()[..chunk.len()]);
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pass_visits_every_row_once_with_other_payloads() {
        let workload = Workload::new();
        let ids = |numbers: std::ops::Range<u64>| -> std::collections::BTreeSet<[u8; ROW_ID_LENGTH]> {
            numbers.map(|number| workload.entry(number).row.id).collect()
        };
        let rows = ROWS as u64;
        assert_eq!(ids(0..rows).len(), ROWS);
        assert_eq!(ids(rows..2 * rows).len(), ROWS);
        let (first, second) = (workload.entry(7), workload.entry(rows + 7));
        assert_eq!(first.row.id, second.row.id);
        assert_ne!(first.payload, second.payload);
        assert!(first.insert && !second.insert);
    }

    #[test]
    fn a_digest_sees_order_content_and_count() {
        let workload = Workload::new();
        let whole = workload.digest(0..3);
        let records = |numbers: [u64; 3]| {
            let mut digest = Digest::default();
            for number in numbers {
                let mut record = Vec::new();
                workload.entry(number).write_to(&mut record);
                digest.add_record(&record);
            }
            digest
        };
        assert_eq!(records([0, 1, 2]), whole);
        assert_ne!(records([1, 0, 2]), whole);
        assert_ne!(records([0, 1, 3]), whole);
        assert_ne!(workload.digest(0..2), whole);
    }
}
