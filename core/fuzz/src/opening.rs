//! Opening a log whose files somebody else has had their hands on.

use std::collections::BTreeSet;

use causelog::storage::{MemoryStorage, Storage};
use causelog::{ChangeLog, Dot, Durability, Error, ErrorCode, Timestamp, Transaction, Uuid, VectorClock};

use super::input::Input;
use super::logs::{consistent, entries, exchange, files, goes_on, open, options, transactions};
use super::segment::{
    self, DURABLE, Ending, HEADER, IDENTITY, MANIFEST, SEGMENT, ending, push_frame, seal, seal_frames,
    write_bytes, write_signed, write_varint,
};

/// Opens what is there, and uses it as a log if it is one. Otherwise nothing was touched.
pub(crate) fn open_and_use(storage: &MemoryStorage) -> Result<(), ErrorCode> {
    let before = files(storage);
    match open(storage) {
        Ok(log) => {
            if compacted(&log) {
                // Its transactions can no longer be given to others, and its LSNs have gaps.
                let before = entries(&log);
                goes_on(storage, log, before);
                return Ok(());
            }
            let (all, transactions) = consistent(&log);
            exchange(&log, &transactions);
            goes_on(storage, log, all);
            Ok(())
        }
        Err(error) => {
            let code = error.code();
            assert!(matches!(code, ErrorCode::Corrupt | ErrorCode::Unsupported), "{code}: {error}");
            assert_eq!(files(storage), before, "a refused log was changed");
            assert_eq!(open(storage).unwrap_err().code(), code);
            Err(code)
        }
    }
}

/// Whether a frame of the log says that changes were removed from it.
fn compacted(log: &ChangeLog) -> bool {
    let truncated = |error: &Error| error.code() == ErrorCode::Truncated;
    log.transactions(&VectorClock::new()).unwrap().any(|one| one.as_ref().err().is_some_and(truncated))
}

/// Any bytes as the files of a log open as a log or are refused.
///
/// The input: a byte of switches (1, 2 and 4 put right checksums into the identity, the segment's header and
/// its frames; 8, 16 and 32 leave out the identity, the segment and the manifest), the length of the identity (2
/// bytes, little-endian), the identity, the segment. The manifest is that of the identity's log.
pub fn log_open_files(data: &[u8]) {
    let mut input = Input(data);
    let switches = input.byte();
    let length = usize::from(input.byte()) | usize::from(input.byte()) << 8;
    let mut identity = input.take(length).to_vec();
    let mut segment = input.0.to_vec();
    if switches & 1 != 0 {
        seal(&mut identity);
    }
    if let Some(header) = segment.get_mut(..HEADER).filter(|_| switches & 2 != 0) {
        seal(header);
    }
    if switches & 4 != 0 && segment.len() > HEADER {
        seal_frames(&mut segment);
    }
    let storage = MemoryStorage::new();
    if switches & 8 == 0 {
        storage.replace(IDENTITY, &identity).unwrap();
    }
    if switches & 16 == 0 {
        storage.replace(SEGMENT, &segment).unwrap();
    }
    if switches & 32 == 0 {
        storage.replace(MANIFEST, &segment::manifest(&identity)).unwrap();
    }
    // Whether it opens is up to the bytes; what matters is checked on the way.
    let _ = open_and_use(&storage);
}

/// Writes a log as the input says: own and foreign transactions, syncs, restarts.
fn write_log(input: &mut Input<'_>) -> (MemoryStorage, Vec<Transaction>) {
    let storage = MemoryStorage::new();
    let durability = if input.flag() { Durability::Os } else { Durability::Sync };
    let reopen =
        || ChangeLog::open_storage(std::sync::Arc::new(storage.clone()), options(durability)).unwrap();
    let mut log = reopen();
    for _ in 0..input.below(8) {
        match input.below(8) {
            0..=2 => {
                let mut changes = input.changes();
                changes.retain(|change| change.validate().is_ok());
                log.append_transaction(changes).unwrap();
            }
            3..=5 => {
                let foreign = follow_on(input, &log);
                log.append_remote(&foreign).unwrap();
            }
            6 => log.sync().unwrap(),
            _ => {
                drop(log);
                log = reopen();
            }
        }
    }
    let written = transactions(&log);
    drop(log);
    // What tells more about where the log ends may be missing after a loss of power.
    let files = files(&storage);
    let bare = MemoryStorage::new();
    for name in [IDENTITY, MANIFEST, SEGMENT] {
        bare.replace(name, &files[name]).unwrap();
    }
    (bare, written)
}

/// A foreign transaction that the log can take.
fn follow_on(input: &mut Input<'_>, log: &ChangeLog) -> Transaction {
    let node = input.node();
    let known = log.frontier().unwrap().get(node);
    let mut changes = input.changes();
    changes.retain(|change| change.validate().is_ok());
    let mut dependencies: Vec<Dot> =
        transactions(log).iter().map(Transaction::dot).filter(|_| input.flag()).collect();
    if known > 0 {
        dependencies.push(Dot::new(node, known));
    }
    let timestamp = Timestamp::from_nanoseconds(input.byte().into());
    Transaction { node, sequence: known + changes.len().max(1) as u64, dependencies, timestamp, changes }
}

/// A log whose segment was damaged, its checksums left as they are: what opens is a prefix of
/// what was written, and it is refused exactly when a later frame says that what is lost had
/// reached the disk.
pub fn log_open_damaged(data: &[u8]) {
    let mut input = Input(data);
    let (storage, written) = write_log(&mut input);
    let original = files(&storage).remove(SEGMENT).unwrap();
    let mut damaged = original.clone();
    // The header is another matter: `log_open_files`.
    let mut frames = damaged.split_off(HEADER);
    for _ in 0..1 + input.below(4) {
        damage(&mut input, &mut frames);
    }
    damaged.append(&mut frames);
    let expected = ending(&damaged, &original);
    let intact = segment::frames(&damaged).len();
    storage.replace(SEGMENT, &damaged).unwrap();
    let Some(expected) = expected else {
        let _ = open_and_use(&storage);
        return;
    };
    match open(&storage) {
        Ok(log) => {
            assert_ne!(expected, Ending::Damaged, "damage went unnoticed");
            assert_eq!(log.past_nodes().len(), usize::from(expected == Ending::Torn));
            let (all, found) = consistent(&log);
            assert_eq!(found, written[..intact]);
            exchange(&log, &found);
            goes_on(&storage, log, all);
        }
        Err(error) => {
            assert_eq!((error.code(), expected), (ErrorCode::Corrupt, Ending::Damaged), "{error}");
            assert_eq!(files(&storage)[SEGMENT], damaged, "a refused log was changed");
        }
    }
}

/// Does one damage to these bytes.
pub(crate) fn damage(input: &mut Input<'_>, bytes: &mut Vec<u8>) {
    let kind = input.below(8);
    let at = input.place(bytes.len());
    let until = at + input.place(bytes.len() - at);
    match kind {
        0 | 1 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << input.below(8);
            }
        }
        2 | 3 => bytes.truncate(at),
        4 => bytes[at..until].fill(0),
        // A piece of it lies in another place, or twice.
        5 => {
            let piece = bytes[at..until].to_vec();
            let to = input.place(bytes.len());
            bytes.splice(to..to, piece);
        }
        6 => drop(bytes.drain(at..until)),
        _ => {
            let end = (at + usize::from(input.byte())).min(bytes.len());
            let end = if input.flag() { at } else { end };
            bytes.splice(at..end, input.bytes().to_vec());
        }
    }
}

/// A log whose frames were changed and given right checksums, among them frames that no library
/// wrote: it opens as a log or is refused.
pub fn log_open_forged(data: &[u8]) {
    let mut input = Input(data);
    let (storage, written) = write_log(&mut input);
    let mut known = Known::of(&written);
    let original = files(&storage).remove(SEGMENT).unwrap();
    let mut bodies = segment::bodies(&original);
    for _ in 0..1 + input.below(6) {
        let at = input.below(bodies.len() + 1);
        match (input.below(8), bodies.get_mut(at)) {
            (0..=2, Some(body)) => damage(&mut input, body),
            (3, Some(_)) => drop(bodies.remove(at)),
            (4, Some(body)) => {
                let twice = body.clone();
                let to = input.below(bodies.len() + 1);
                bodies.insert(to, twice);
            }
            _ => bodies.push(forge(&mut input, &mut known)),
        }
    }
    let mut segment = original[..HEADER].to_vec();
    bodies.iter().filter(|body| !body.is_empty()).for_each(|body| push_frame(&mut segment, body));
    if input.flag() {
        segment.extend_from_slice(input.0);
    }
    storage.replace(SEGMENT, &segment).unwrap();
    let _ = open_and_use(&storage);
}

/// What the frames of a log have introduced so far.
#[derive(Default)]
struct Known {
    /// The last sequence of every node, by its number.
    last: Vec<u64>,
    tables: usize,
}

impl Known {
    fn of(written: &[Transaction]) -> Known {
        let mut nodes: Vec<(Uuid, u64)> = Vec::new();
        let mut tables = BTreeSet::new();
        for one in written {
            match nodes.iter_mut().find(|(node, _)| *node == one.node) {
                Some((_, last)) => *last = one.sequence,
                None => nodes.push((one.node, one.sequence)),
            }
            tables.extend(one.changes.iter().map(|change| &change.table));
        }
        Known { last: nodes.into_iter().map(|(_, last)| last).collect(), tables: tables.len() }
    }
}

/// `fitting`, but now and then any number.
fn or_any(input: &mut Input<'_>, fitting: u64) -> u64 {
    if input.byte() >= 0xf0 { input.number() } else { fitting }
}

/// The body of a frame that no library wrote; much of it is likely to follow on what is known.
fn forge(input: &mut Input<'_>, known: &mut Known) -> Vec<u8> {
    // Now and then a seal, or flags that no frame has.
    let strange = [0x81, 0x80, 0x20, 0x40].get(usize::from(input.byte())).copied().unwrap_or(0);
    if strange == 0x81 && input.flag() {
        let (transactions, entries) = (input.number(), input.number());
        let mut body = vec![strange];
        [transactions, entries].into_iter().for_each(|count| write_varint(count, &mut body));
        return body;
    }
    let durable = if input.flag() { DURABLE } else { 0 };
    let mut body = Vec::new();
    write_signed(input.number() as i64, &mut body);
    let nodes = [0, 0, 1, 1, 1, 2][input.below(6)];
    if nodes > 0 {
        write_varint(nodes as u64, &mut body);
    }
    (0..nodes).for_each(|_| body.extend_from_slice(input.node().as_bytes()));
    known.last.resize(known.last.len() + nodes, 0);
    let tables = [0, 0, 1, 2][input.below(4)];
    if tables > 0 {
        write_varint(tables as u64, &mut body);
    }
    (0..tables).for_each(|_| write_bytes(input.table().as_bytes(), &mut body));
    known.tables += tables;

    let last = known.last.len().saturating_sub(1);
    let author = if nodes == 1 { last } else { input.below(last + 1) };
    let own = known.last.get(author).copied().unwrap_or(0);
    let changes = input.below(4);
    let sequence = own + changes.max(1) as u64;
    write_varint(or_any(input, author as u64), &mut body);
    write_varint(or_any(input, sequence), &mut body);
    let mut dependencies = Vec::new();
    if own > 0 {
        dependencies.push((author as u64, or_any(input, own)));
    }
    for _ in 0..input.below(4) {
        let node = input.below(known.last.len().max(1));
        let last = known.last.get(node).copied().unwrap_or(0);
        dependencies.push((node as u64, or_any(input, last)));
    }
    if !input.flag() {
        dependencies.sort_unstable();
        dependencies.dedup();
    }
    let implied = match dependencies.as_slice() {
        [] => own == 0,
        [only] => *only == (author as u64, own) && input.flag(),
        _ => false,
    };
    if !implied {
        write_varint(dependencies.len() as u64, &mut body);
        for (node, sequence) in dependencies {
            write_varint(node, &mut body);
            write_varint(sequence, &mut body);
        }
    }
    if let Some(last) = known.last.get_mut(author) {
        *last = sequence;
    }
    if changes != 1 {
        write_varint(changes as u64, &mut body);
    }
    for _ in 0..changes {
        forge_change(input, known.tables, &mut body);
    }
    body.extend_from_slice(if input.byte() == 0xff { input.bytes() } else { &[] });
    let flags = [(nodes > 0, 2), (tables > 0, 4), (!implied, 8), (changes == 1, 16)];
    let flags =
        flags.into_iter().filter(|(set, _)| *set).fold(durable | strange, |all, (_, flag)| all | flag);
    body.insert(0, flags);
    body
}

fn forge_change(input: &mut Input<'_>, tables: usize, body: &mut Vec<u8>) {
    let flags = input.byte();
    body.push(flags);
    let table = input.below(tables.max(1)) as u64;
    write_varint(or_any(input, table), body);
    write_bytes(&input.row_id().encode(), body);
    let images = [4, 8].into_iter().filter(|flag| flags & flag != 0).count();
    (0..images).for_each(|_| write_bytes(input.bytes(), body));
    if flags & 64 != 0 {
        let count = input.below(3);
        write_varint(count as u64, body);
        (0..2 * count).for_each(|_| write_bytes(input.bytes(), body));
    }
}
