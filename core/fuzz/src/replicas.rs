//! A replica whose own files somebody has forged, their checksums right.
//!
//! They may make it say anything of its rows; but it says it, or refuses to, and neither panics nor goes on for ever.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use causelog::storage::{MemoryStorage, Storage};
use causelog::{
    Change, ChangeOperation, CompactionOptions, ConflictQuery, ConflictResolution, ConflictResolver, Dot,
    Durability, EffectivePosition, ErrorCode, LogOptions, Replica, ReplicaOptions, ResolverDecision,
    ResolverRegistry, Result, RowConflict, Timestamp, Transaction, Write,
};

use super::derived::forge;
use super::input::{Input, node};
use super::logs::{files, options};
use super::opening::damage;
use super::segment::{crc32c, seal};

const FILES: [&str; 5] = ["registry", "claims", "effective-times", "answers", "heads"];
const TABLES: [&str; 4] = ["asked", "decided", "merged", "plain"];
/// More steps than the effective view of any replica here has.
const MOST: usize = 10_000;

struct Last;

impl ConflictResolver for Last {
    fn resolve(&self, conflict: &RowConflict) -> Result<ResolverDecision> {
        let last = conflict.heads.iter().map(|head| head.dot()).max();
        Ok(last.map_or(ResolverDecision::Delete, ResolverDecision::Head))
    }
}

fn open(storage: MemoryStorage, registry: Option<ResolverRegistry>) -> Result<Replica> {
    let log = LogOptions { segment_bytes: 4096, ..options(Durability::Sync) };
    let resolvers = vec![("last".to_owned(), 1, Arc::new(Last) as Arc<dyn ConflictResolver>)];
    let options = ReplicaOptions { log, registry, resolvers, ..ReplicaOptions::default() };
    Replica::open_storage(Arc::new(storage), options)
}

fn registry() -> ResolverRegistry {
    let merge = r#"{"kind":"field_merge","liveness":"update_wins","fields":{"n":"counter"}}"#;
    let tables = [
        ("asked", ConflictResolution::Custom { name: "last".to_owned(), version: 1 }),
        ("decided", ConflictResolution::Manual),
        ("merged", merge.parse().unwrap()),
    ];
    let mut registry = ResolverRegistry::default();
    for (table, resolution) in tables {
        registry.set_table(table, resolution).unwrap();
    }
    registry
}

/// A replica with conflicts that stand and conflicts that are settled, in every table.
static BASE: LazyLock<BTreeMap<String, Vec<u8>>> = LazyLock::new(|| {
    let storage = MemoryStorage::new();
    let replica = open(storage.clone(), Some(registry())).unwrap();
    let mut sequence = 0;
    for (table, row) in TABLES.into_iter().flat_map(|table| (1..4).map(move |row| (table, row))) {
        replica.insert(table, row, r#"{"n":1}"#).unwrap();
        sequence += 1;
        let dependencies = if sequence > 1 { vec![Dot::new(node(1), sequence - 1)] } else { Vec::new() };
        let change = Change::new(table, row, ChangeOperation::Insert, None, Some(br#"{"n":2}"#.to_vec()));
        let timestamp = Timestamp::from_nanoseconds(sequence as i64);
        let (node, changes) = (node(1), vec![change]);
        replica.apply(&Transaction { node, sequence, dependencies, timestamp, changes }).unwrap();
        if row == 1 {
            let heads = replica.heads(table, row).unwrap();
            replica.write([Write::delete(table, row).expecting(heads)]).unwrap();
        }
    }
    replica.claim("decided", 2, "somebody").unwrap();
    replica.compact(&CompactionOptions::default()).unwrap();
    replica.close().unwrap();
    drop(replica);
    let files = files(&storage);
    FILES.iter().for_each(|name| assert!(files.contains_key(*name), "no file {name}"));
    files
});

/// A refusal names what is wrong; it is never a failure of the library itself.
fn said<T>(outcome: Result<T>) -> Option<T> {
    if let Err(error) = &outcome {
        let code = error.code();
        assert!(!matches!(code, ErrorCode::Internal | ErrorCode::Closed), "{code}: {error}");
    }
    outcome.ok()
}

fn use_all(replica: &Replica) {
    for table in TABLES {
        let _ = said(replica.rows(table));
        for row in 1..5 {
            let _ = said(replica.get(table, row));
            let _ = said(replica.why(table, row));
        }
    }
    let query = ConflictQuery::default();
    for report in said(replica.query_conflicts(&query)).unwrap_or_default() {
        let _ = said(replica.replay(&report));
    }
    let _ = said(replica.what_if(&ResolverRegistry::new(ConflictResolution::FirstWriteWins), &query));
    let _ = said(replica.inbox());
    let mut position = EffectivePosition::default();
    for step in 0.. {
        assert!(step < MOST, "the effective view has no end");
        match said(replica.effective(position, 3)) {
            Some(found) if found.next != position => position = found.next,
            _ => break,
        }
    }
    let _ = said(replica.stats());
}

fn write_to_all(replica: &Replica) {
    for table in TABLES {
        let _ = said(replica.update(table, 2, r#"{"n":3}"#));
        let _ = said(replica.increment(table, 3, "n", 1));
        let _ = said(replica.insert(table, 4, r#"{"n":4}"#));
    }
    let _ = said(replica.release("decided", 2));
    let _ = said(replica.set_registry(ResolverRegistry::default()));
    let _ = said(replica.compact(&CompactionOptions::default()));
}

/// What a replica keeps beside its log, saying something else.
pub fn replica(data: &[u8]) {
    let mut input = Input(data);
    let mut files = BASE.clone();
    for _ in 0..1 + input.below(2) {
        let name = FILES[input.below(FILES.len())];
        let bytes = files.get_mut(name).unwrap();
        if name == "answers" {
            damage(&mut input, bytes);
            // The first answer, as far as it goes, has the right checksum.
            if let Some((head, body)) = bytes.split_first_chunk_mut::<8>() {
                let length = u32::from_le_bytes([head[0], head[1], head[2], head[3]]) as usize;
                let checksum = crc32c(0, &body[..length.min(body.len())]);
                head[4..].copy_from_slice(&checksum.to_le_bytes());
            }
        } else {
            forge(&mut input, bytes, 4);
            seal(bytes);
        }
    }
    let storage = MemoryStorage::new();
    files.iter().for_each(|(name, content)| storage.replace(name, content).unwrap());
    let Some(replica) = said(open(storage.clone(), None)) else { return };
    use_all(&replica);
    write_to_all(&replica);
    use_all(&replica);
    let _ = said(replica.close());
    drop(replica);
    if let Some(replica) = said(open(storage, None)) {
        use_all(&replica);
    }
}
