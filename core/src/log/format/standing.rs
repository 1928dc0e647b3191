use crate::id::NodeId;
use crate::log::bytes::{self, Reader};
use crate::log::stats::TableStats;
use crate::varint;

/// Where things stand at one point between two transactions of a log: all that a
/// later transaction can build on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::log) struct Standing {
    pub(in crate::log) next_lsn: u64,
    pub(in crate::log) next_transaction: u64,
    /// The latest timestamp so far.
    pub(in crate::log) newest: Option<i64>,
    /// Every node that has been seen, and its highest sequence.
    pub(in crate::log) nodes: Vec<(NodeId, u64)>,
    /// Clocks that later transactions may refer to: those of all tips, and of what else is asked for again.
    pub(in crate::log) clocks: Vec<SavedClock>,
    /// What the segments so far hold of each table.
    pub(in crate::log) tables: Vec<(String, TableStats)>,
}

/// The clock of one transaction, as what differs from the frontier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::log) struct SavedClock {
    /// Numbers are those of [`Standing::nodes`].
    pub(in crate::log) author: u32,
    pub(in crate::log) sequence: u64,
    /// Whether no other transaction has seen it.
    pub(in crate::log) tip: bool,
    pub(in crate::log) differences: Vec<(u32, u64)>,
}

/// What is known of a sealed segment without a look into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::log) struct SegmentSummary {
    pub(in crate::log) number: u64,
    pub(in crate::log) salt: u32,
    pub(in crate::log) first_lsn: u64,
    pub(in crate::log) first_transaction: u64,
    /// How many LSNs it has, those of removed entries among them.
    pub(in crate::log) entries: u64,
    /// How many of its entries were removed by compaction.
    pub(in crate::log) removed: u64,
    pub(in crate::log) transactions: u64,
    pub(in crate::log) merges: u64,
    /// Length of its file.
    pub(in crate::log) bytes: u64,
    pub(in crate::log) oldest: Option<i64>,
    pub(in crate::log) newest: Option<i64>,
}

impl SegmentSummary {
    pub(in crate::log) fn next_lsn(&self) -> u64 {
        self.first_lsn + self.entries
    }

    pub(in crate::log) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.salt.to_le_bytes());
        for value in [
            self.number,
            self.first_lsn,
            self.first_transaction,
            self.entries,
            self.removed,
            self.transactions,
            self.merges,
            self.bytes,
        ] {
            varint::write(value, out);
        }
        write_time(self.oldest, out);
        write_time(self.newest, out);
    }

    pub(in crate::log) fn read(bytes: &mut Reader<'_>) -> Option<Self> {
        let summary = SegmentSummary {
            salt: bytes.u32()?,
            number: bytes.varint()?,
            first_lsn: bytes.varint()?,
            first_transaction: bytes.varint()?,
            entries: bytes.varint()?,
            removed: bytes.varint()?,
            transactions: bytes.varint()?,
            merges: bytes.varint()?,
            bytes: bytes.varint()?,
            oldest: read_time(bytes)?,
            newest: read_time(bytes)?,
        };
        summary.first_lsn.checked_add(summary.entries)?;
        summary.first_transaction.checked_add(summary.transactions)?;
        // An offset in a segment has 32 bits.
        let possible = summary.removed <= summary.entries && u32::try_from(summary.bytes).is_ok();
        possible.then_some(summary)
    }
}

impl Standing {
    pub(in crate::log) fn write(&self, out: &mut Vec<u8>) {
        varint::write(self.next_lsn, out);
        varint::write(self.next_transaction, out);
        write_time(self.newest, out);
        varint::write(self.nodes.len() as u64, out);
        for (id, sequence) in &self.nodes {
            out.extend_from_slice(id.as_bytes());
            varint::write(*sequence, out);
        }
        varint::write(self.clocks.len() as u64, out);
        for clock in &self.clocks {
            varint::write(u64::from(clock.author), out);
            varint::write(clock.sequence, out);
            out.push(u8::from(clock.tip));
            varint::write(clock.differences.len() as u64, out);
            for (node, sequence) in &clock.differences {
                varint::write(u64::from(*node), out);
                varint::write(*sequence, out);
            }
        }
        varint::write(self.tables.len() as u64, out);
        for (name, stats) in &self.tables {
            bytes::write(name.as_bytes(), out);
            [stats.inserts, stats.updates, stats.deletes]
                .into_iter()
                .for_each(|count| varint::write(count, out));
        }
    }

    pub(in crate::log) fn read(bytes: &mut Reader<'_>) -> Option<Self> {
        let (next_lsn, next_transaction) = (bytes.varint()?, bytes.varint()?);
        let newest = read_time(bytes)?;
        let mut nodes = Vec::new();
        for _ in 0..bytes.count(17)? {
            nodes.push((NodeId::from_bytes(*bytes.array()?), bytes.varint()?));
        }
        let mut clocks = Vec::new();
        for _ in 0..bytes.count(4)? {
            let (author, sequence) = (bytes.index()?, bytes.varint()?);
            let tip = match bytes.byte()? {
                0 => false,
                1 => true,
                _ => return None,
            };
            let mut differences = Vec::new();
            for _ in 0..bytes.count(2)? {
                differences.push((bytes.index()?, bytes.varint()?));
            }
            let known = |node: u32| (node as usize) < nodes.len();
            if !known(author) || !differences.iter().all(|(node, _)| known(*node)) {
                return None;
            }
            clocks.push(SavedClock { author, sequence, tip, differences });
        }
        let mut tables = Vec::new();
        for _ in 0..bytes.count(5)? {
            let name = std::str::from_utf8(bytes.slice()?).ok()?.to_owned();
            let stats =
                TableStats { inserts: bytes.varint()?, updates: bytes.varint()?, deletes: bytes.varint()? };
            tables.push((name, stats));
        }
        // Without a gap from 1, an LSN and a transaction's number are at least this.
        (next_lsn > 0).then_some(Standing { next_lsn, next_transaction, newest, nodes, clocks, tables })
    }
}

fn write_time(time: Option<i64>, out: &mut Vec<u8>) {
    out.push(u8::from(time.is_some()));
    if let Some(time) = time {
        out.extend_from_slice(&time.to_le_bytes());
    }
}

fn read_time(bytes: &mut Reader<'_>) -> Option<Option<i64>> {
    match bytes.byte()? {
        0 => Some(None),
        1 => Some(Some(bytes.u64()? as i64)),
        _ => None,
    }
}
