//! What a replica keeps beside its log: its rules, its answers, the claims of its inbox. Everything else follows from the log.

use std::collections::BTreeMap;
use std::sync::Arc;

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

use crate::conflict::{ResolverDecision, ResolverRegistry};
use crate::error::{Error, ErrorCode, Result};
use crate::id::{Dot, NodeId};
use crate::log::{read_replica_file, write_replica_file};
use crate::replica::asking::QuestionKey;
use crate::replica::histories::LateTimes;
use crate::replica::inbox::Claims;
use crate::storage::{Storage, StorageFile};

const REGISTRY_FILE: &str = "registry";
const CLAIMS_FILE: &str = "claims";
const LATE_FILE: &str = "effective-times";
const ANSWERS_FILE: &str = "answers";

/// A registry and since when it is in force.
#[derive(Debug, Clone)]
pub(super) struct RegistryVersion {
    /// It holds for every entry after this LSN.
    pub(super) since: u64,
    pub(super) registry: Arc<ResolverRegistry>,
}

fn read_json<T: for<'a> Deserialize<'a>>(storage: &dyn Storage, name: &str) -> Result<Option<T>> {
    let Some(bytes) = read_replica_file(storage, name)? else { return Ok(None) };
    let value = serde_json::from_slice(&bytes);
    value.map(Some).map_err(|error| Error::new(ErrorCode::Corrupt, format!("{name}: {error}")))
}

fn write_json<T: Serialize>(storage: &dyn Storage, name: &str, value: &T) -> Result<()> {
    let bytes = serde_json::to_vec(value);
    let bytes = bytes.map_err(|error| Error::internal(format!("{name}: {error}")))?;
    write_replica_file(storage, name, &bytes)
}

pub(super) fn read_registries(storage: &dyn Storage) -> Result<Vec<RegistryVersion>> {
    let stored: Vec<(u64, ResolverRegistry)> = read_json(storage, REGISTRY_FILE)?.unwrap_or_default();
    let mut versions = Vec::with_capacity(stored.len());
    for (since, registry) in stored {
        let checked = registry.validate();
        checked.map_err(|error| Error::new(ErrorCode::Corrupt, format!("{REGISTRY_FILE}: {error}")))?;
        versions.push(RegistryVersion { since, registry: Arc::new(registry) });
    }
    Ok(versions)
}

pub(super) fn write_registries(storage: &dyn Storage, versions: &[RegistryVersion]) -> Result<()> {
    let stored: Vec<(u64, &ResolverRegistry)> =
        versions.iter().map(|version| (version.since, &*version.registry)).collect();
    write_json(storage, REGISTRY_FILE, &stored)
}

pub(super) fn read_claims(storage: &dyn Storage) -> Result<Claims> {
    Ok(read_json(storage, CLAIMS_FILE)?.unwrap_or_default())
}

pub(super) fn write_claims(storage: &dyn Storage, claims: &Claims) -> Result<()> {
    write_json(storage, CLAIMS_FILE, claims)
}

pub(super) fn read_late_times(storage: &dyn Storage) -> Result<LateTimes> {
    Ok(read_json::<BTreeMap<u64, i64>>(storage, LATE_FILE)?.unwrap_or_default())
}

pub(super) fn write_late_times(storage: &dyn Storage, late: &LateTimes) -> Result<()> {
    write_json(storage, LATE_FILE, late)
}

/// What functions of the application have answered: a file to which answers are added.
///
/// An answer that is lost costs asking again, so a torn end is cut off.
#[derive(Default)]
pub(super) struct Answers {
    known: HashMap<QuestionKey, ResolverDecision>,
    length: u64,
}

/// Bytes before an answer: its length and its checksum.
const ANSWER_HEAD: usize = 8;

impl Answers {
    pub(super) fn open(storage: &dyn Storage, read_only: bool) -> Result<Answers> {
        let mut answers = Answers { known: HashMap::new(), length: 0 };
        let file = match storage.open(ANSWERS_FILE) {
            Ok(file) => file,
            Err(error) if error.code() == ErrorCode::NotFound => return Ok(answers),
            Err(error) => return Err(error),
        };
        let total = file.length()?;
        while let Some((key, decision, next)) = answers.read(&*file, total)? {
            answers.known.insert(key, decision);
            answers.length = next;
        }
        if answers.length < total && !read_only {
            file.truncate(answers.length)?;
        }
        Ok(answers)
    }

    /// The answer that stands next, if it is whole.
    fn read(
        &self,
        file: &dyn StorageFile,
        total: u64,
    ) -> Result<Option<(QuestionKey, ResolverDecision, u64)>> {
        let start = self.length;
        let left = total - start;
        if left < ANSWER_HEAD as u64 {
            return Ok(None);
        }
        let mut head = [0; ANSWER_HEAD];
        file.read_at(start, &mut head)?;
        let [a, b, c, d, checksum @ ..] = head;
        let length = u64::from(u32::from_le_bytes([a, b, c, d]));
        if length > left - ANSWER_HEAD as u64 {
            return Ok(None);
        }
        let mut body = vec![0; length as usize];
        file.read_at(start + ANSWER_HEAD as u64, &mut body)?;
        if crc32c::crc32c(&body) != u32::from_le_bytes(checksum) {
            return Ok(None);
        }
        let next = start + ANSWER_HEAD as u64 + length;
        Ok(decode(&body).map(|(key, decision)| (key, decision, next)))
    }

    pub(super) fn get(&self, key: &QuestionKey) -> Option<&ResolverDecision> {
        self.known.get(key)
    }

    /// Keeps an answer in memory alone.
    pub(super) fn remember(&mut self, key: QuestionKey, decision: ResolverDecision) {
        self.known.insert(key, decision);
    }

    pub(super) fn put(
        &mut self,
        storage: &dyn Storage,
        key: QuestionKey,
        decision: ResolverDecision,
    ) -> Result<()> {
        let body = encode(&key, &decision);
        let length = u32::try_from(body.len());
        let length = length.map_err(|_| {
            Error::new(
                ErrorCode::TooLarge,
                format!("a resolver's value of {} bytes is too large", body.len()),
            )
        })?;
        let mut bytes = Vec::with_capacity(body.len() + ANSWER_HEAD);
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(&crc32c::crc32c(&body).to_le_bytes());
        bytes.extend_from_slice(&body);
        let file = match storage.open(ANSWERS_FILE) {
            Err(error) if error.code() == ErrorCode::NotFound => storage.create(ANSWERS_FILE)?,
            file => file?,
        };
        file.write_at(self.length, &bytes)?;
        file.sync()?;
        self.length += bytes.len() as u64;
        self.known.insert(key, decision);
        Ok(())
    }
}

fn encode(key: &QuestionKey, decision: &ResolverDecision) -> Vec<u8> {
    let mut out = key.to_vec();
    match decision {
        ResolverDecision::Head(dot) => {
            out.push(0);
            out.extend_from_slice(dot.node.as_bytes());
            out.extend_from_slice(&dot.sequence.to_le_bytes());
        }
        ResolverDecision::Value(bytes) => {
            out.push(1);
            out.extend_from_slice(bytes);
        }
        ResolverDecision::Delete => out.push(2),
        ResolverDecision::Defer => out.push(3),
    }
    out
}

fn decode(body: &[u8]) -> Option<(QuestionKey, ResolverDecision)> {
    let (key, rest) = body.split_first_chunk::<16>()?;
    let (kind, rest) = rest.split_first()?;
    let decision = match kind {
        0 => {
            let (node, rest) = rest.split_first_chunk::<16>()?;
            let (sequence, rest) = rest.split_first_chunk::<8>()?;
            let dot = Dot::new(NodeId::from_bytes(*node), u64::from_le_bytes(*sequence));
            rest.is_empty().then_some(ResolverDecision::Head(dot))?
        }
        1 => ResolverDecision::Value(rest.to_vec()),
        2 if rest.is_empty() => ResolverDecision::Delete,
        3 if rest.is_empty() => ResolverDecision::Defer,
        _ => return None,
    };
    Some((*key, decision))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::MemoryStorage;

    fn decisions() -> [ResolverDecision; 4] {
        let dot = Dot::new(NodeId::from_u128(7), 9);
        let value = ResolverDecision::Value(b"both".to_vec());
        [ResolverDecision::Head(dot), value, ResolverDecision::Delete, ResolverDecision::Defer]
    }

    fn written() -> (MemoryStorage, Vec<u8>) {
        let storage = MemoryStorage::new();
        let mut answers = Answers::open(&storage, false).unwrap();
        for (number, decision) in (0..).zip(decisions()) {
            answers.put(&storage, [number; 16], decision).unwrap();
        }
        let file = storage.open(ANSWERS_FILE).unwrap();
        let mut bytes = vec![0; file.length().unwrap() as usize];
        file.read_at(0, &mut bytes).unwrap();
        (storage, bytes)
    }

    /// How many answers are found, each of which must be the right one; and that another can be added to them.
    fn found(bytes: &[u8]) -> usize {
        let storage = MemoryStorage::new();
        storage.replace(ANSWERS_FILE, bytes).unwrap();
        let mut answers = Answers::open(&storage, false).unwrap();
        let count = answers.known.len();
        for (number, decision) in (0..).zip(decisions()).take(count) {
            assert_eq!(answers.get(&[number; 16]), Some(&decision));
        }
        answers.put(&storage, [99; 16], ResolverDecision::Delete).unwrap();
        assert_eq!(Answers::open(&storage, false).unwrap().known.len(), count + 1);
        count
    }

    #[test]
    fn answers_outlive_their_end_cut_off_or_damaged() {
        let (storage, bytes) = written();
        assert_eq!(Answers::open(&storage, false).unwrap().known.len(), 4);
        assert_eq!(found(&bytes), 4);
        for length in 0..bytes.len() {
            assert!(found(&bytes[..length]) < 4);
        }
        for bit in 0..bytes.len() * 8 {
            let mut bad = bytes.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(found(&bad) < 4, "bit {bit}");
        }
        // A length that no file could have is not believed.
        let huge = [&u32::MAX.to_le_bytes()[..], &[0; 4]].concat();
        assert_eq!(found(&huge), 0);
    }
}
