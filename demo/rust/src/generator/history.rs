//! The simulated nodes, and what each of them knows when it writes.

use causelog::{ChangeOperation, Timestamp, Uuid};

use crate::bit_set::BitSet;
use crate::generator::tables::{self, TableRow};
use crate::generator::{GeneratedChange, GeneratedTrace, GeneratedTransaction, spelled};
use crate::random::Random;

/// A history under construction.
pub(super) struct History {
    pub(super) trace: GeneratedTrace,
    /// What each transaction's author had seen, the transaction included.
    seen: Vec<BitSet>,
    nodes: Vec<Node>,
    rows: Vec<RowHistory>,
}

struct Node {
    id: Uuid,
    /// The transactions that it holds.
    known: BitSet,
    /// Those of them that no other of them has seen.
    tips: Vec<usize>,
    written: usize,
}

struct RowHistory {
    row: TableRow,
    /// Every change of the row: the transaction it belongs to, and whether it left the row alive.
    changes: Vec<(usize, bool)>,
}

impl History {
    pub(super) fn new(nodes: usize, random: &mut Random) -> History {
        let nodes = (0..nodes).map(|_| {
            let bits = u128::from(random.next()) << 64 | u128::from(random.next());
            // The bits of version and variant, so that it is a UUID of its kind.
            let id = Uuid::from_u128(bits & !(0xf << 76) & !(0b11 << 62) | 4 << 76 | 0b10 << 62);
            Node { id, known: BitSet::default(), tips: Vec::new(), written: 0 }
        });
        let rows = tables::rows().map(|row| RowHistory { row, changes: Vec::new() });
        History {
            trace: GeneratedTrace::default(),
            seen: Vec::new(),
            nodes: nodes.collect(),
            rows: rows.collect(),
        }
    }

    /// One node hears of another or not, and writes a transaction or not.
    pub(super) fn step(&mut self, random: &mut Random) {
        let (writer, peer) = (random.below(self.nodes.len()), random.below(self.nodes.len()));
        // The last node is often away, so that its changes meet many others at once.
        let away = writer + 1 == self.nodes.len() && self.nodes.len() > 2;
        if writer != peer && random.chance(if away { 8 } else { 35 }) {
            self.pull(writer, peer);
        }
        let Some(node) = self.nodes.get(writer) else { return };
        let merges = node.tips.len() > 1 && random.chance(25);
        let number = self.trace.transactions.len();
        let changes = if merges { Vec::new() } else { self.changes(writer, number, random) };
        self.write(writer, changes, random);
    }

    /// `to` takes in all that `from` holds.
    fn pull(&mut self, to: usize, from: usize) {
        let Some(source) = self.nodes.get(from) else { return };
        let (known, tips) = (source.known.clone(), source.tips.clone());
        let Some(node) = self.nodes.get_mut(to) else { return };
        node.known.union(&known);
        node.tips.extend(tips);
        node.tips.sort_unstable();
        node.tips.dedup();
        let all = node.tips.clone();
        let seen = &self.seen;
        node.tips.retain(|tip| {
            let mut others = all.iter().filter(|other| *other != tip);
            !others.any(|other| seen.get(*other).is_some_and(|seen| seen.contains(*tip)))
        });
    }

    fn changes(&mut self, writer: usize, number: usize, random: &mut Random) -> Vec<GeneratedChange> {
        let count = match random.below(20) {
            0..12 => 1,
            12..18 => 2 + random.below(3),
            _ => 5 + random.below(8),
        };
        (0..count).filter_map(|_| self.change(writer, number, random)).collect()
    }

    fn change(&mut self, writer: usize, number: usize, random: &mut Random) -> Option<GeneratedChange> {
        // Half of all changes go to one row in eight: where nodes meet.
        let among = if random.chance(50) { self.rows.len() / 8 } else { self.rows.len() };
        let row = self.rows.get_mut(random.below(among))?;
        let known = &self.nodes.get(writer)?.known;
        let mut seen = row.changes.iter().rev();
        let alive =
            seen.find(|(from, _)| *from == number || known.contains(*from)).is_some_and(|(_, alive)| *alive);
        let operation = match (alive, random.below(10)) {
            (true, 0..7) => ChangeOperation::Update,
            (true, _) => ChangeOperation::Delete,
            (false, _) => ChangeOperation::Insert,
        };
        let after = (operation != ChangeOperation::Delete).then(|| row.row.image(random));
        row.changes.push((number, after.is_some()));
        Some(GeneratedChange { table: row.row.table(), row_id: row.row.row_id(), operation, after })
    }

    fn write(&mut self, writer: usize, changes: Vec<GeneratedChange>, random: &mut Random) {
        let number = self.trace.transactions.len();
        let timestamp = spelled(timestamp(number, writer, random), random.chance(20));
        let Some(node) = self.nodes.get_mut(writer) else { return };
        node.written += 1;
        let mut parents = node.tips.clone();
        if random.chance(10) {
            let redundant = random.below(number);
            if node.known.contains(redundant) && !parents.contains(&redundant) {
                parents.push(redundant);
            }
        }
        node.known.insert(number);
        node.tips = vec![number];
        self.seen.push(node.known.clone());
        let name = format!("n{}-{}", writer + 1, node.written);
        self.trace.transactions.push(GeneratedTransaction {
            name,
            node: node.id,
            parents,
            timestamp,
            changes,
        });
    }
}

/// When a node takes it to be that the transaction is written: clocks are fast, slow, and coarse.
fn timestamp(number: usize, writer: usize, random: &mut Random) -> Timestamp {
    const START: i64 = 1_704_096_000_000_000_000; // 2024-01-01T08:00:00Z
    const SECOND: i64 = 1_000_000_000;
    let offset = match writer % 4 {
        1 => 40 * SECOND,
        2 => -90 * 60 * SECOND,
        3 => 250_000_000,
        _ => 0,
    };
    let moment = START + number as i64 * 7 * SECOND + offset;
    Timestamp::from_nanoseconds(match random.below(10) {
        0..4 => moment - moment % (60 * SECOND),
        4..7 => moment,
        7..9 => moment + random.below(1_000) as i64 * 1_000_000,
        _ => moment + random.below(1_000_000_000) as i64,
    })
}
